// Convolution at stride 1 and pooling of windows that don't overlap, in two dims, for float32 and float64. What they
// compute is declared in ops/windows.py and ops/pool.py; here every output row is some vectors, and a tile of rows and
// output channels stays in registers while the kernel's elements pass by.
#include "common.h"
#include "threads.h"
#include "vector.h"

#include <algorithm>
#include <memory>
#include <vector>

namespace glassgrad {
namespace {

using std::size_t;

// (N, C, H, W)
struct Images {
    npy_intp n, c, h, w;
    npy_intp plane() const { return h * w; }
    npy_intp image() const { return c * h * w; }
};

Images images(PyArrayObject* x) { return {PyArray_DIM(x, 0), PyArray_DIM(x, 1), PyArray_DIM(x, 2), PyArray_DIM(x, 3)}; }

struct Pads {
    int top, bottom, left, right;
};

// Copies n elements by whole vectors where there is room for them, in both memories: what goes too far in one of them
// has to be written later.
template <class T>
void copy(const T* from, npy_intp n, T* to, npy_intp room) {
    using L = Lanes<T>;
    for (npy_intp k = 0; k < n; k += L::count) {
        if (k + L::count <= room) L::store(to + k, L::load(from + k));
        else std::copy_n(from + k, std::min<npy_intp>(n - k, L::count), to + k);
    }
}

// Copies an image with zeros around it to `to`, and `more` zeros after it; there is room for a vector beyond them.
template <class T>
void pad(const T* x, Images of, Pads pads, T* to, npy_intp more) {
    using L = Lanes<T>;
    const npy_intp wide = of.w + pads.left + pads.right;
    const T* end = x + of.image();
    auto zeros = [&](npy_intp n) {
        for (npy_intp k = 0; k < n; k += L::count) L::store(to + k, typename L::Vector{});
        to += n;
    };
    for (npy_intp c = 0; c < of.c; ++c) {
        zeros(pads.top * wide);
        for (npy_intp i = 0; i < of.h; ++i, x += of.w) {
            zeros(pads.left);
            copy(x, of.w, to, end - x);
            to += of.w;
            zeros(pads.right);
        }
        zeros(pads.bottom * wide);
    }
    zeros(more);
}

// --- windows of 2 x 2 side by side ---

constexpr std::uint8_t SHUT = 128;  // as ops/pool.py has it

// f(j, how many, whether whole vectors may be used) for the vectors of a row of windows, `left` of which there are from
// its start to the end of the part: vectors that go past a row's end are written over by the next row.
template <class T, class F>
void of_row(npy_intp windows, npy_intp left, F&& f) {
    constexpr npy_intp lanes = Lanes<T>::count;
    for (npy_intp j = 0; j < windows; j += lanes) f(j, std::min<npy_intp>(windows - j, lanes), j + lanes <= left);
}

// x (planes, H, W) -> y, choice (planes, H / 2, W / 2): the largest of each window, and where it lies in it, plus SHUT
// unless it is above 0; the first of equals, but the last NaN.
template <class T>
void pool(const T* x, npy_intp planes, npy_intp h, npy_intp w, T* y, std::uint8_t* choice) {
    using L = Lanes<T>;
    const npy_intp rows = h / 2, out = w / 2;
    npy_intp left = planes * rows * out;
    for (npy_intp i = 0; left > 0; y += out, choice += out, left -= out) {
        of_row<T>(out, left, [&](npy_intp j, npy_intp some, bool whole) __attribute__((always_inline)) {
            const T* row[2] = {x + 2 * j, x + w + 2 * j};
            T copied[2][2 * L::count];
            if (!whole)
                for (int a = 0; a < 2; ++a) row[a] = std::copy_n(row[a], 2 * some, copied[a]) - 2 * some;
            auto element = [&](int k) {
                return L::every_second(L::load(row[k / 2]), L::load(row[k / 2] + L::count), k % 2);
            };
            typename L::Vector most = element(0);
            typename L::Mask where{};
            each<3>([&](int k) {
                const auto here = element(k + 1);
                const auto better = (here > most) | (here != here);
                most = better ? here : most;
                where = better ? typename L::Mask{} + (k + 1) : where;
            });
            where = most <= 0 ? where + SHUT : where;
            if (whole) {
                L::store(y + j, most);
                L::narrow(where, choice + j);
            } else {
                std::uint8_t narrow[L::count];
                L::narrow(where, narrow);
                L::store(y + j, most, static_cast<int>(some));
                std::copy_n(narrow, some, choice + j);
            }
        });
        i = i + 1 < rows ? i + 1 : 0;
        x += i == 0 && h % 2 ? 3 * w : 2 * w;
    }
}

// The adjoint: g, choice (planes, H / 2, W / 2) -> x (planes, H, W); RELU: on to the input of a ReLU in front. left: how
// many windows may be touched by vectors.
template <class T, bool RELU>
void unpool(const T* g, const std::uint8_t* choice, npy_intp planes, npy_intp h, npy_intp w, T* x, npy_intp left) {
    using L = Lanes<T>;
    const npy_intp rows = h / 2, out = w / 2;
    const T* end = g + planes * rows * out;
    T slopes[L::count] = {}, to[2 * L::count];  // of a vector that may not be used whole
    std::uint8_t choices[L::count] = {};
    if (rows == 0) std::fill_n(x, planes * h * w, T{0});
    for (npy_intp i = 0; g < end; g += out, choice += out, left -= out) {
        for (int a = 0; a < 2; ++a, x += w) {
            of_row<T>(out, left, [&](npy_intp j, npy_intp some, bool whole) __attribute__((always_inline)) {
                if (!whole) {
                    std::copy_n(g + j, some, slopes);
                    std::copy_n(choice + j, some, choices);
                }
                const typename L::Vector slope = L::load(whole ? g + j : slopes);
                const typename L::Mask chosen = L::widen(whole ? choice + j : choices);
                const typename L::Mask where = RELU ? chosen : chosen & (SHUT - 1);
                T* made = whole ? x + 2 * j : to;
                const auto even = where == 2 * a ? slope : typename L::Vector{};
                const auto odd = where == 2 * a + 1 ? slope : typename L::Vector{};
                each<2>([&](int k) { L::store(made + k * L::count, L::zip(even, odd, k == 1)); });
                if (!whole) std::copy_n(to, 2 * some, x + 2 * j);
            });
            if (w % 2) x[w - 1] = 0;
        }
        i = i + 1 < rows ? i + 1 : 0;
        if (i == 0 && h % 2) x = std::fill_n(x, w, T{0});
    }
}

// --- convolution ---

// A tile of an output image: OUT channels of so many vectors, what the registers hold.
#if defined(__AVX512F__)
constexpr int OUT = 8, ACROSS = 3;
#else
constexpr int OUT = 4, ACROSS = 2;
#endif

// Where the elements of a kernel (c, kh, kw) meet an image of `wide` columns, from where its first one does.
std::vector<npy_intp> meeting(npy_intp c, int kh, int kw, npy_intp plane, npy_intp wide) {
    std::vector<npy_intp> offsets;
    for (npy_intp k = 0; k < c; ++k)
        for (int i = 0; i < kh; ++i)
            for (int j = 0; j < kw; ++j) offsets.push_back(k * plane + i * wide + j);
    return offsets;
}

template <class T, int VECTORS>
void tile(const T* x, const std::vector<npy_intp>& offsets, const T* w, const T* bias, T* y, npy_intp channel) {
    using L = Lanes<T>;
    typename L::Vector sums[OUT][VECTORS];
    each<OUT>([&](int o) { each<VECTORS>([&](int v) { sums[o][v] = typename L::Vector{}; }); });
    for (const npy_intp offset : offsets) {
        typename L::Vector in[VECTORS];
        each<VECTORS>([&](int v) { in[v] = L::load(x + offset + v * L::count); });
        each<OUT>([&](int o) { each<VECTORS>([&](int v) { sums[o][v] += w[o] * in[v]; }); });
        w += OUT;
    }
    each<OUT>([&](int o) {
        each<VECTORS>([&](int v) { L::store(y + o * channel + v * L::count, sums[o][v] + bias[o]); });
    });
}

// x (N, C, H, W) with w (O, C, kh, kw) and a bias of O numbers or none -> y (N, O, H', W')
//
// Some rows at a time are computed as one run of memory, of which the few columns that cross the image's edge are
// dropped: vectors are full whatever a row's length is.
template <class T>
void convolve(const T* x, Images in, const T* w, npy_intp o, int kh, int kw, const T* bias, Pads pads, T* y) {
    using L = Lanes<T>;
    const npy_intp high = in.h + pads.top + pads.bottom, wide = in.w + pads.left + pads.right;
    const npy_intp h = high - kh + 1, width = wide - kw + 1, blocks = (o + OUT - 1) / OUT;
    const std::vector<npy_intp> offsets = meeting(in.c, kh, kw, high * wide, wide);
    const auto taps = static_cast<npy_intp>(offsets.size());
    std::vector<T> packed(static_cast<size_t>(blocks * taps * OUT)), biases(static_cast<size_t>(blocks * OUT));
    for (npy_intp k = 0; k < o; ++k) {
        for (npy_intp t = 0; t < taps; ++t) packed[((k / OUT) * taps + t) * OUT + k % OUT] = w[k * taps + t];
        if (bias) biases[k] = bias[k];
    }
    constexpr npy_intp ROOM = 4096;  // elements of a tile's rows: they stay in the cache
    const npy_intp pieces = std::min(h, (h * wide * OUT + ROOM - 1) / ROOM), rows = (h + pieces - 1) / pieces;
    const npy_intp channel = (rows * wide + L::count - 1) / L::count * L::count;
    parallel(static_cast<size_t>(in.n), [&](size_t n) {
        const npy_intp image = in.c * high * wide;
        std::unique_ptr<T[]> room(new T[image + (ACROSS + 2) * L::count + OUT * channel]);
        T *padded = room.get(), *run = padded + image + (ACROSS + 1) * L::count;
        pad(x + static_cast<npy_intp>(n) * in.image(), in, pads, padded, ACROSS * L::count);
        for (npy_intp b = 0; b < blocks; ++b) {
            T* out = y + (static_cast<npy_intp>(n) * o + b * OUT) * h * width;
            for (npy_intp i = 0; i < h; i += rows) {
                const npy_intp some = std::min(rows, h - i), length = (some - 1) * wide + width;
                for (npy_intp k = 0; k < length;) {
                    auto next = [&](auto kernel, int vectors) {
                        kernel(padded + i * wide + k, offsets, &packed[b * taps * OUT], &biases[b * OUT], run + k, channel);
                        k += vectors * L::count;
                    };
                    if (length - k > (ACROSS - 1) * L::count) next(tile<T, ACROSS>, ACROSS);
                    else if (length - k > L::count) next(tile<T, 2>, 2);
                    else next(tile<T, 1>, 1);
                }
                const npy_intp channels = std::min<npy_intp>(OUT, o - b * OUT);
                for (npy_intp k = 0; k < channels; ++k)
                    for (npy_intp r = 0; r < some; ++r) {  // into the next channel where that is written after this one
                        const npy_intp left = (some == h ? channels - k : 1) * h - i - r;
                        copy(run + k * channel + r * wide, width, out + (k * h + i + r) * width, left * width);
                    }
            }
        }
    });
}

// The weights' gradient: BROAD vectors of output channels for TAPS elements of the kernel, what the registers hold.
#if defined(__AVX512F__)
constexpr int TAPS = 9, BROAD = 2;
#else
constexpr int TAPS = 3, BROAD = 4;
#endif

template <class T>
constexpr npy_intp BLOCK = BROAD * Lanes<T>::count;  // channels

// The gradient of a convolution's result (N, O, H', W'), or of what 2 x 2 pooling made of its ReLU.
template <class T>
struct Slope {
    const T* g;  // (N, O, H', W'), or (N, O, H' / 2, W' / 2)
    npy_intp channels, h, w;
    const std::uint8_t* choice;  // the pooling's; null without one
};

// sums (COUNT, BLOCK) += over x, as it meets COUNT elements of the kernel, times the gradient there: g (h, width, BLOCK)
// where SIDE is 1; where it is 2, that of windows of 2 x 2, one element of which has it: `where` says which, or SHUT.
template <class T, int COUNT, int VECTORS, int SIDE>
void correlate(const T* x, const npy_intp* offsets, npy_intp wide, const T* g, const T* where, npy_intp h,
               npy_intp width, T* sums) {
    using L = Lanes<T>;
    using V = typename L::Vector;
    V total[COUNT][VECTORS];
    const T* at[COUNT];
    each<COUNT>([&](int t) { at[t] = x + offsets[t]; });
    each<COUNT>([&](int t) { each<VECTORS>([&](int v) { total[t][v] = V{}; }); });
    for (npy_intp i = 0; i < h; ++i)
        for (npy_intp j = 0; j < width; ++j, g += BLOCK<T>, where += BLOCK<T>) {
            V slope[VECTORS], chosen[VECTORS];
            each<VECTORS>([&](int v) {
                slope[v] = L::load(g + v * L::count);
                if (SIDE > 1) chosen[v] = L::load(where + v * L::count);
            });
            each<SIDE * SIDE>([&](int k) {
                const npy_intp here = (i * SIDE + k / SIDE) * wide + j * SIDE + k % SIDE;
                V its[VECTORS];
                each<VECTORS>([&](int v) { its[v] = SIDE > 1 ? (chosen[v] == static_cast<T>(k) ? slope[v] : V{}) : slope[v]; });
                each<COUNT>([&](int t) { each<VECTORS>([&](int v) { total[t][v] += at[t][here] * its[v]; }); });
            });
        }
    each<COUNT>([&](int t) {
        each<VECTORS>([&](int v) {
            T* to = sums + t * BLOCK<T> + v * L::count;
            L::store(to, L::load(to) + total[t][v]);
        });
    });
}

// sums (BLOCK) += the n rows of g (n, BLOCK); of windows, those that are not SHUT
template <class T, int SIDE>
void add_rows(const T* g, const T* where, npy_intp n, T* sums) {
    using L = Lanes<T>;
    using V = typename L::Vector;
    constexpr int VECTORS = 2 * BROAD;  // two rows of them
    V total[VECTORS];
    each<VECTORS>([&](int v) { total[v] = V{}; });
    auto add = [&](npy_intp k, int v) __attribute__((always_inline)) {
        const V slope = L::load(g + k * BLOCK<T> + v * L::count);
        total[v] += SIDE > 1 ? (L::load(where + k * BLOCK<T> + v * L::count) < SHUT ? slope : V{}) : slope;
    };
    npy_intp k = 0;
    for (; k + 2 <= n; k += 2) each<VECTORS>([&](int v) { add(k, v); });
    if (k < n) each<BROAD>([&](int v) { add(k, v); });
    each<BROAD>([&](int v) {
        L::store(sums + v * L::count, L::load(sums + v * L::count) + (total[v] + total[v + BROAD]));
    });
}

// x (N, C, H, W), slope (N, O, H', W') -> dw (O, C, kh, kw), db (O,). SIDE: 2 where the slope is that of windows.
//
// Lanes are output channels. A part is a block of them and some images; what the parts give is added in their order.
template <class T, int SIDE>
void convolve_weight(const T* x, Images in, const Slope<T>& slope, int kh, int kw, Pads pads, T* dw, T* db) {
    constexpr npy_intp PARTS = 32, ROOM = 16384;  // parts at most; elements of g that stay in the cache
    const npy_intp high = in.h + pads.top + pads.bottom, wide = in.w + pads.left + pads.right;
    const npy_intp o = slope.channels, h = slope.h / SIDE, width = slope.w / SIDE;
    const npy_intp rows = std::clamp<npy_intp>(ROOM / std::max<npy_intp>(width * BLOCK<T>, 1), 1, std::max<npy_intp>(h, 1));
    const std::vector<npy_intp> offsets = meeting(in.c, kh, kw, high * wide, wide);
    const auto taps = static_cast<npy_intp>(offsets.size());
    const npy_intp blocks = (o + BLOCK<T> - 1) / BLOCK<T>, size = (taps + 1) * BLOCK<T>;
    const npy_intp groups = std::clamp<npy_intp>(PARTS / std::max<npy_intp>(blocks, 1), 1, std::max<npy_intp>(in.n, 1));
    std::vector<T> sums(static_cast<size_t>(groups * blocks * size));
    parallel(static_cast<size_t>(groups * blocks), [&](size_t part) {
        const npy_intp group = static_cast<npy_intp>(part) / blocks, from = static_cast<npy_intp>(part) % blocks * BLOCK<T>;
        const npy_intp channels = std::min(BLOCK<T>, o - from);
        const bool padded = pads.top || pads.bottom || pads.left || pads.right, narrow = channels <= BLOCK<T> / 2;
        const npy_intp chunk = rows * width * BLOCK<T> + Lanes<T>::count;
        std::unique_ptr<T[]> room(
            new T[(SIDE > 1 ? 3 : 1) * chunk + (padded ? in.c * high * wide + Lanes<T>::count : 0)]);
        T *turned = room.get(), *where = turned + (SIDE - 1) * chunk, *made = where + (SIDE - 1) * chunk;
        T *around = made + chunk, *into = &sums[static_cast<npy_intp>(part) * size];
        for (npy_intp n = in.n * group / groups; n < in.n * (group + 1) / groups; ++n) {
            const T* image = x + n * in.image();
            if (padded) pad(image, in, pads, around, 0);
            for (npy_intp i = 0; i < h; i += rows) {
                const npy_intp plane = n * o + from, some = std::min(rows, h - i), count = some * width;
                turn(slope.g + (plane * h + i) * width, channels, h * width, count, turned, BLOCK<T>);
                if (SIDE > 1) {
                    for (npy_intp c = 0; c < channels; ++c) {
                        const std::uint8_t* choice = slope.choice + ((plane + c) * h + i) * width;
                        for (npy_intp k = 0; k < count; ++k) made[c * count + k] = static_cast<T>(choice[k]);
                    }
                    turn(made, channels, count, count, where, BLOCK<T>);
                }
                for (npy_intp t = 0; t < taps;) {
                    auto next = [&](auto kernel, int count) {
                        kernel((padded ? around : image) + SIDE * i * wide, &offsets[t], wide, turned, where, some, width,
                               into + t * BLOCK<T>);
                        t += count;
                    };
                    auto of = [&](auto count) {
                        if (narrow) next(correlate<T, count, BROAD / 2, SIDE>, count);
                        else next(correlate<T, count, BROAD, SIDE>, count);
                    };
                    if (taps - t >= TAPS) of(std::integral_constant<int, TAPS>{});
                    else if (taps - t >= 3) of(std::integral_constant<int, 3>{});
                    else of(std::integral_constant<int, 1>{});
                }
                add_rows<T, SIDE>(turned, where, count, into + taps * BLOCK<T>);
            }
        }
    });
    ranges(static_cast<size_t>(blocks * size), 1 << 13, [&](size_t begin, size_t end) {
        for (npy_intp group = 1; group < groups; ++group)
            for (size_t k = begin; k < end; ++k) sums[k] += sums[static_cast<size_t>(group * blocks * size) + k];
    });
    for (npy_intp k = 0; k < o; ++k) {
        const T* of = &sums[k / BLOCK<T> * size + k % BLOCK<T>];
        for (npy_intp t = 0; t < taps; ++t) dw[k * taps + t] = of[t * BLOCK<T>];
        db[k] = of[taps * BLOCK<T>];
    }
}

// --- for Python: None where the formula has to do it ---

// Row-major float32 or float64 arrays of one type, of `ndim` dims.
bool plain(std::initializer_list<PyObject*> arrays, int ndim) {
    int type = NPY_NOTYPE;
    for (PyObject* x : arrays) {
        if (!is_array(x) || !PyArray_ISCARRAY_RO(as_array(x)) || PyArray_NDIM(as_array(x)) != ndim) return false;
        const int its = PyArray_TYPE(as_array(x));
        if ((its != NPY_FLOAT && its != NPY_DOUBLE) || (type != NPY_NOTYPE && its != type)) return false;
        type = its;
    }
    return true;
}

template <class F>
void in_type(PyObject* x, F&& f) {
    Py_BEGIN_ALLOW_THREADS
    if (PyArray_TYPE(as_array(x)) == NPY_FLOAT) f(float{});
    else f(double{});
    Py_END_ALLOW_THREADS
}

PyObject* made(std::initializer_list<npy_intp> shape, PyObject* like) {
    return PyArray_SimpleNew(static_cast<int>(shape.size()), const_cast<npy_intp*>(shape.begin()),
                             PyArray_TYPE(as_array(like)));
}

// convolve(x, w, b or None, (top, bottom), (left, right)) -> y or None
PyObject* py_convolve(PyObject*, PyObject* args) {
    PyObject *x, *w, *b;
    Pads pads;
    if (!PyArg_ParseTuple(args, "OOO(ii)(ii)", &x, &w, &b, &pads.top, &pads.bottom, &pads.left, &pads.right))
        return nullptr;
    if (!plain({x, w}, 4) || (b != Py_None && (!plain({b}, 1) || PyArray_TYPE(as_array(b)) != PyArray_TYPE(as_array(x)))))
        Py_RETURN_NONE;
    const Images in = images(as_array(x)), kernel = images(as_array(w));
    const npy_intp h = in.h + pads.top + pads.bottom - kernel.h + 1, wide = in.w + pads.left + pads.right - kernel.w + 1;
    if (h < 1 || wide < 1 || kernel.h < 1 || kernel.w < 1) Py_RETURN_NONE;
    PyObject* y = made({in.n, kernel.n, h, wide}, x);
    if (y == nullptr) return nullptr;
    in_type(x, [&](auto zero) {
        using T = decltype(zero);
        convolve<T>(data<T>(x), in, data<T>(w), kernel.n, static_cast<int>(kernel.h), static_cast<int>(kernel.w),
                    b == Py_None ? nullptr : data<T>(b), pads, data<T>(y));
    });
    return y;
}

// convolve_weight(x, g, (kh, kw), (top, bottom), (left, right)) -> (dw, the bias's gradient), or None. Where the result, of
// (H', W') in its last dims, went through a ReLU and 2 x 2 pooling, which made the choice, g is the gradient of what came
// out there: convolve_weight(x, g, (kh, kw), (top, bottom), (left, right), choice, (H', W')).
PyObject* py_convolve_weight(PyObject*, PyObject* args) {
    PyObject *x, *g, *choice = nullptr;
    int kh, kw;
    Py_ssize_t h = 0, w = 0;
    Pads pads;
    if (!PyArg_ParseTuple(args, "OO(ii)(ii)(ii)|O(nn)", &x, &g, &kh, &kw, &pads.top, &pads.bottom, &pads.left,
                          &pads.right, &choice, &h, &w))
        return nullptr;
    if (!plain({x, g}, 4) || kh < 1 || kw < 1) Py_RETURN_NONE;
    const Images in = images(as_array(x)), out = images(as_array(g));
    if (choice == nullptr) {
        h = out.h;
        w = out.w;
    } else if (!is_array(choice) || PyArray_TYPE(as_array(choice)) != NPY_UINT8 ||
               !PyArray_ISCARRAY_RO(as_array(choice)) || !PyArray_SAMESHAPE(as_array(choice), as_array(g)) ||
               out.h != h / 2 || out.w != w / 2) {
        Py_RETURN_NONE;
    }
    if (h < 1 || w < 1) Py_RETURN_NONE;
    Ref dw(made({out.c, in.c, kh, kw}, x)), db(made({out.c}, x));
    if (!dw || !db) return nullptr;
    in_type(x, [&](auto zero) {
        using T = decltype(zero);
        const Slope<T> slope{data<T>(g), out.c, h, w, choice ? data<std::uint8_t>(choice) : nullptr};
        (choice ? convolve_weight<T, 2> : convolve_weight<T, 1>)(data<T>(x), in, slope, kh, kw, pads, data<T>(dw.get()),
                                                                 data<T>(db.get()));
    });
    return PyTuple_Pack(2, dw.get(), db.get());
}

// max_pool(x, choice) -> y or None; choice is filled
PyObject* py_max_pool(PyObject*, PyObject* args) {
    PyObject *x, *choice;
    if (!PyArg_ParseTuple(args, "OO", &x, &choice)) return nullptr;
    if (!plain({x}, 4) || PyArray_TYPE(as_array(choice)) != NPY_UINT8 || !PyArray_ISCARRAY(as_array(choice)))
        Py_RETURN_NONE;
    const Images in = images(as_array(x)), out = images(as_array(choice));
    PyObject* y = made({in.n, in.c, out.h, out.w}, x);
    if (y == nullptr) return nullptr;
    in_type(x, [&](auto zero) {
        using T = decltype(zero);
        ranges(static_cast<size_t>(in.n * in.c), 64, [&](size_t begin, size_t end) {
            const auto from = static_cast<npy_intp>(begin), planes = static_cast<npy_intp>(end - begin);
            pool(data<T>(x) + from * in.plane(), planes, in.h, in.w, data<T>(y) + from * out.plane(),
                 data<std::uint8_t>(choice) + from * out.plane());
        });
    });
    return y;
}

// put_window(g, choice, (H, W), whether through a ReLU in front) -> x or None
PyObject* py_put_window(PyObject*, PyObject* args) {
    PyObject *g, *choice;
    Py_ssize_t h, w;
    int relu;
    if (!PyArg_ParseTuple(args, "OO(nn)p", &g, &choice, &h, &w, &relu)) return nullptr;
    if (!plain({g}, 4) || PyArray_TYPE(as_array(choice)) != NPY_UINT8 || !PyArray_ISCARRAY_RO(as_array(choice)) ||
        h < 2 || w < 2)
        Py_RETURN_NONE;
    const Images out = images(as_array(g));
    PyObject* x = made({out.n, out.c, h, w}, g);
    if (x == nullptr) return nullptr;
    in_type(g, [&](auto zero) {
        using T = decltype(zero);
        ranges(static_cast<size_t>(out.n * out.c), 64, [&](size_t begin, size_t end) {
            const auto from = static_cast<npy_intp>(begin), planes = static_cast<npy_intp>(end - begin);
            (relu ? unpool<T, true> : unpool<T, false>)(data<T>(g) + from * out.plane(),
                                                        data<std::uint8_t>(choice) + from * out.plane(), planes, h, w,
                                                        data<T>(x) + from * h * w, planes * out.plane());
        });
    });
    return x;
}

// sum_channels(x) -> (C,): over all dims but the second; None where NumPy has to do it
PyObject* py_sum_channels(PyObject*, PyObject* x) {
    if (!plain({x}, 4)) Py_RETURN_NONE;
    const Images in = images(as_array(x));
    PyObject* y = made({in.c}, x);
    if (y == nullptr) return nullptr;
    in_type(x, [&](auto zero) {
        using T = decltype(zero);
        using L = Lanes<T>;
        parallel(static_cast<size_t>(in.c), [&](size_t c) {
            double total = 0;  // of the images' sums, each of which is made in vectors
            for (npy_intp n = 0; n < in.n; ++n) {
                const T* at = data<T>(x) + (n * in.c + static_cast<npy_intp>(c)) * in.plane();
                typename L::Vector sums[2] = {};
                npy_intp k = 0;
                for (; k + 2 * L::count <= in.plane(); k += 2 * L::count) {
                    sums[0] += L::load(at + k);
                    sums[1] += L::load(at + k + L::count);
                }
                T rest = L::sum(sums[0] + sums[1]);
                for (; k < in.plane(); ++k) rest += at[k];
                total += static_cast<double>(rest);
            }
            data<T>(y)[c] = static_cast<T>(total);
        });
    });
    return y;
}

PyMethodDef methods[] = {
    {"convolve", py_convolve, METH_VARARGS, "convolve(x, w, b, (top, bottom), (left, right)), or None"},
    {"convolve_weight", py_convolve_weight, METH_VARARGS, "convolve_weight(x, g, (kh, kw), ...), or None"},
    {"max_pool", py_max_pool, METH_VARARGS, "max_pool(x, choice), or None"},
    {"put_window", py_put_window, METH_VARARGS, "put_window(g, choice, (H, W), relu), or None"},
    {"sum_channels", py_sum_channels, METH_O, "the sum over all dims but the second, or None"},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_windows(PyObject* module) { return PyModule_AddFunctions(module, methods); }

}  // namespace glassgrad
