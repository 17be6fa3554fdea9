// float32 in vectors: the exponential and what follows from it, rows and their ends.
#pragma once

#include "common.h"
#include "threads.h"
#include "vector.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace glassgrad {

using L = Lanes<float>;
using Vector = L::Vector;
using Mask = L::Mask;

inline Vector all(float x) { return x - Vector{}; }  // which the compiler knows to be x, as 0 + x is not

// e^x to 1 ulp where the result is normal: x = n ln 2 + r, and a polynomial of r. 0 and infinity beyond.
inline Vector exp_of(Vector x) {
    constexpr float LOG2E = 1.44269504f, LN2_HIGH = 0.693359375f, LN2_LOW = -2.12194440e-4f, MAGIC = 12582912.0f;
    const Mask gone = x < all(-103.98f);  // rounds to 0: computed it would underflow, which processors are slow at
    const Vector above = gone ? Vector{} : x;  // NaN stays
    const Vector bounded = above > all(110.0f) ? all(110.0f) : above;
    const Vector n = (bounded * LOG2E + MAGIC) - MAGIC;
    const Vector r = (bounded - n * LN2_HIGH) - n * LN2_LOW;
    Vector p = all(1.0f / 5040);
    for (float c : {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 1.0f / 2, 1.0f, 1.0f}) p = p * r + c;
    const Mask whole = __builtin_convertvector(n, Mask), half = whole >> 1;
    auto power = [](Mask k) { return reinterpret_cast<Vector>((k + 127) << 23); };
    const Vector made = p * power(half) * power(whole - half);  // in two steps, for results below the normal numbers
    return gone ? Vector{} : made;
}

inline Vector sigmoid_of(Vector x) { return 1.0f / (1.0f + exp_of(-x)); }

// Near 0 a polynomial, least squares of the relative error on |x| < 0.7: 1 - 2 / (e^2x + 1) would cancel there.
inline Vector tanh_of(Vector x) {
    const Vector square = x * x;
    Vector p = all(-0.00512230276f);
    for (float c : {0.02007181f, -0.0535501946f, 0.133289609f, -0.333331815f}) p = p * square + c;
    const Vector near = x + x * (square * p), far = 1.0f - 2.0f / (exp_of(x + x) + 1.0f);
    return square < all(0.49f) ? near : far;
}

inline Vector load(const float* at, npy_intp some, float other) {
    if (some >= L::count) return L::load(at);
    float room[L::count];
    std::fill_n(room, L::count, other);
    std::copy_n(at, some, room);
    return L::load(room);
}

inline void store(float* at, Vector v, npy_intp some) {
    if (some >= L::count) L::store(at, v);
    else L::store(at, v, static_cast<int>(some));
}

// f(at, how many) for the vectors of a row of n.
template <class F>
void vectors(npy_intp n, F&& f) {
    for (npy_intp k = 0; k < n; k += L::count) f(k, n - k);
}

inline Vector greater(Vector a, Vector b) { return ((b > a) | (b != b)) ? b : a; }  // NaN wins

// y_i = exp(scale (x_i - max)) / sum, for the first `seen` of n numbers; 0 for the others, or NaN for all. y may be x.
inline void softmax_row(const float* x, float* y, npy_intp seen, npy_intp n, float scale) {
    const float lowest = -std::numeric_limits<float>::infinity();
    Mask lane;
    for (int k = 0; k < L::count; ++k) lane[k] = k;
    auto scores = [&](npy_intp k, npy_intp some) {
        const Vector v = load(x + k, some, 0) * scale;
        return lane < static_cast<int>(std::min<npy_intp>(seen - k, L::count)) ? v : all(lowest);
    };
    Vector most = all(lowest), total{};
    for (npy_intp k = 0; k < seen; k += L::count) most = greater(most, scores(k, n - k));
    const Vector shift = all(L::fold(most, greater));
    for (npy_intp k = 0; k < seen; k += L::count) {
        const Vector e = exp_of(scores(k, n - k) - shift);
        total += e;
        store(y + k, e, n - k);
    }
    const Vector by = all(1.0f / L::sum(total));
    npy_intp k = 0;
    for (; k < seen; k += L::count) store(y + k, load(y + k, n - k, 0) * by, n - k);
    if (k < n) std::fill(y + k, y + n, 0.0f * by[0]);
}

constexpr npy_intp GRAIN = 1 << 13;  // elements that are worth a thread

// f(begin, end) of rows, on as many threads as they are worth.
template <class F>
void rows(npy_intp count, npy_intp width, F&& f) {
    const npy_intp grain = std::max<npy_intp>(1, GRAIN / std::max<npy_intp>(width, 1));
    auto some = [&](std::size_t begin, std::size_t end) { f(static_cast<npy_intp>(begin), static_cast<npy_intp>(end)); };
    if (count <= grain) {
        f(0, count);
        return;
    }
    Py_BEGIN_ALLOW_THREADS
    ranges(static_cast<std::size_t>(count), static_cast<std::size_t>(grain), some);
    Py_END_ALLOW_THREADS
}

}  // namespace glassgrad
