// Products in the caller's thread, for kernels that have one inside.
#pragma once

#include "common.h"
#include "vector.h"

namespace glassgrad {

// y (ROWS, VECTORS) = x (ROWS, k), whose elements lie `down` and `across` apart, times w (k, VECTORS), + bias
template <class T, int ROWS, int VECTORS>
void strip(const T* x, npy_intp down, npy_intp across, const T* w, npy_intp w_step, npy_intp k, const T* bias,
           T* y, npy_intp y_step) {
    using L = Lanes<T>;
    typename L::Vector sums[ROWS][VECTORS];
    each<ROWS>([&](int r) { each<VECTORS>([&](int v) { sums[r][v] = typename L::Vector{}; }); });
    for (npy_intp at = 0; at < k; ++at, x += across, w += w_step) {
        typename L::Vector in[VECTORS];
        each<VECTORS>([&](int v) { in[v] = L::load(w + v * L::count); });
        each<ROWS>([&](int r) { each<VECTORS>([&](int v) { sums[r][v] += x[r * down] * in[v]; }); });
    }
    if (bias != nullptr)  // last, as BLAS adds it: the bits are those of the product plus the bias
        each<VECTORS>([&](int v) {
            const auto add = L::load(bias + v * L::count);
            each<ROWS>([&](int r) { sums[r][v] += add; });
        });
    each<ROWS>([&](int r) {
        each<VECTORS>([&](int v) { L::store(y + r * y_step + v * L::count, sums[r][v]); });
    });
}

}  // namespace glassgrad
