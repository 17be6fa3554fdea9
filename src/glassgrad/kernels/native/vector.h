// Vectors of the width that this build's processor has, in the compiler's own terms: the same source for every level.
#pragma once

#include <cstring>
#include <type_traits>

namespace glassgrad {

#if defined(__AVX512F__)
constexpr int BYTES = 64;
#elif defined(__AVX__)
constexpr int BYTES = 32;
#else
constexpr int BYTES = 16;
#endif

template <class T>
struct Lanes {
    static constexpr int count = BYTES / static_cast<int>(sizeof(T));
    using Integer = std::conditional_t<sizeof(T) == 4, int, long long>;
    typedef T Vector __attribute__((vector_size(BYTES)));
    typedef Integer Mask __attribute__((vector_size(BYTES)));

    static Vector load(const T* at) {
        Vector v;
        std::memcpy(&v, at, sizeof v);
        return v;
    }
    static void store(T* at, Vector v) { std::memcpy(at, &v, sizeof v); }
    static void store(T* at, Vector v, int some) { std::memcpy(at, &v, static_cast<std::size_t>(some) * sizeof(T)); }
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
    static T sum(Vector v) {
        return fold(v, [](Vector a, Vector b) { return a + b; });
    }
};

}  // namespace glassgrad
