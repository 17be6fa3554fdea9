// Vectors of the width that this build's processor has, in the compiler's own terms: the same source for every level.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace glassgrad {

#if defined(__AVX512F__)
constexpr int BYTES = 64;
#elif defined(__AVX__)
constexpr int BYTES = 32;
#else
constexpr int BYTES = 16;
#endif

// f(0), f(1), ..., f(N - 1), written out: arrays of vectors that only such loops index stay in registers.
template <class F, int... K>
inline __attribute__((always_inline)) void each(F&& f, std::integer_sequence<int, K...>) {
    (f(K), ...);
}
template <int N, class F>
inline __attribute__((always_inline)) void each(F&& f) {
    each(f, std::make_integer_sequence<int, N>{});
}

template <class T, int COUNT>
struct Several {
    typedef T Vector __attribute__((vector_size(COUNT * sizeof(T))));
};

template <class T>
struct Lanes {
    static constexpr int count = BYTES / static_cast<int>(sizeof(T));
    typedef T Vector __attribute__((vector_size(BYTES)));
    typedef decltype(Vector{} < Vector{}) Mask;
    using Bytes = typename Several<std::uint8_t, count>::Vector;
    using Shorts = typename Several<std::uint16_t, count>::Vector;
    using Words = typename Several<std::int32_t, count>::Vector;

    static Vector load(const T* at) {
        Vector v;
        std::memcpy(&v, at, sizeof v);
        return v;
    }
    static void store(T* at, Vector v) { std::memcpy(at, &v, sizeof v); }
    static void store(T* at, Vector v, int some) { std::memcpy(at, &v, static_cast<std::size_t>(some) * sizeof(T)); }
    // Bytes as integers, and back, doubling or halving: more at a time is done one by one.
    static Mask widen(const std::uint8_t* at) {
        Bytes v;
        std::memcpy(&v, at, sizeof v);
        return __builtin_convertvector(__builtin_convertvector(__builtin_convertvector(v, Shorts), Words), Mask);
    }
    static void narrow(Mask wide, std::uint8_t* to) {
        const Words words = __builtin_convertvector(wide, Words);
        const Bytes v = __builtin_convertvector(__builtin_convertvector(words, Shorts), Bytes);
        std::memcpy(to, &v, sizeof v);
    }
    // All ones in the first `some` lanes.
    static Mask first(int some) {
        Mask m;
        for (int k = 0; k < count; ++k) m[k] = k < some ? -1 : 0;
        return m;
    }
    // Of the lanes of a and b in a row, those at even places, or at odd ones.
    static Vector every_second(Vector a, Vector b, int odd) {
        Mask at;
        for (int k = 0; k < count; ++k) at[k] = 2 * k + odd;
        return shuffle(a, b, at);
    }
    // a[0] b[0] a[1] b[1] ..., the lower half of it or the upper.
    static Vector zip(Vector a, Vector b, bool upper) {
        Mask at;
        for (int k = 0; k < count; ++k) at[k] = k / 2 + (k % 2 ? count : 0) + (upper ? count / 2 : 0);
        return shuffle(a, b, at);
    }
    static Vector shuffle(Vector a, Vector b, Mask at) {
#if defined(__clang__)
        Vector made;
        for (int k = 0; k < count; ++k) made[k] = at[k] < count ? a[at[k]] : b[at[k] - count];
        return made;
#else
        return __builtin_shuffle(a, b, at);
#endif
    }
    // All lanes by f(a, b), halves with halves.
    template <int HALF = count / 2, class F>
    static T fold(Vector v, F&& f) {
        if constexpr (HALF == 0) {
            return v[0];
        } else {
            Mask across;
            for (int k = 0; k < count; ++k) across[k] = k ^ HALF;
            return fold<HALF / 2>(f(v, shuffle(v, v, across)), f);
        }
    }
    // The transpose of a square of as many rows as a vector has lanes. Each round puts row i and row i + count / 2 side by
    // side, lane by lane; after log2(count) of them columns are rows.
    static void turn(const T* from, std::ptrdiff_t step, T* to, std::ptrdiff_t to_step) {
        Vector now[count], next[count];
        each<count>([&](int k) { now[k] = load(from + k * step); });
        for (int width = 1; width < count; width *= 2) {
            each<count / 2>([&](int k) {
                next[2 * k] = zip(now[k], now[k + count / 2], false);
                next[2 * k + 1] = zip(now[k], now[k + count / 2], true);
            });
            each<count>([&](int k) { now[k] = next[k]; });
        }
        each<count>([&](int k) { store(to + k * to_step, now[k]); });
    }
    static T sum(Vector v) {
        return fold(v, [](Vector a, Vector b) { return a + b; });
    }
};

// from, `rows` rows of n numbers `step` apart -> to, n rows `to_step` apart that begin with one lane for each of those; in
// their last vector, lanes to which no row belongs are zero.
template <class T>
void turn(const T* from, std::ptrdiff_t rows, std::ptrdiff_t step, std::ptrdiff_t n, T* to, std::ptrdiff_t to_step) {
    using L = Lanes<T>;
    for (; rows > 0; rows -= L::count, from += L::count * step, to += L::count)
        for (std::ptrdiff_t k = 0; k < n; k += L::count) {
            if (rows >= L::count && n >= L::count) {
                const std::ptrdiff_t at = k < n - L::count ? k : n - L::count;  // the last one goes over some again
                L::turn(from + at, step, to + at * to_step, to_step);
                continue;
            }
            for (std::ptrdiff_t j = k; j < n && j < k + L::count; ++j)
                for (std::ptrdiff_t c = 0; c < L::count; ++c) to[j * to_step + c] = c < rows ? from[c * step + j] : T{0};
        }
}

}  // namespace glassgrad
