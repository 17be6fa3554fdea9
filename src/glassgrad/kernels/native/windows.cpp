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

// Copies an image with zeros around it to `to`, which has room for a vector more: rows may be read past their end.
template <class T>
void pad(const T* x, Images of, Pads pads, T* to) {
    const npy_intp wide = of.w + pads.left + pads.right;
    for (npy_intp c = 0; c < of.c; ++c) {
        to = std::fill_n(to, pads.top * wide, T{0});
        for (npy_intp i = 0; i < of.h; ++i, x += of.w) {
            to = std::fill_n(to, pads.left, T{0});
            to = std::copy_n(x, of.w, to);
            to = std::fill_n(to, pads.right, T{0});
        }
        to = std::fill_n(to, pads.bottom * wide, T{0});
    }
    std::fill_n(to, Lanes<T>::count, T{0});
}

#if defined(__AVX512F__)
constexpr int OUT = 8;  // output channels in a tile: with two vectors each, what the registers hold
#else
constexpr int OUT = 4;
#endif

// One tile of an output image: OUT channels, ROWS rows, VECTORS vectors of columns of which the last has `some` lanes.
template <class T, int ROWS, int VECTORS>
void tile(const T* x, npy_intp plane, npy_intp wide, const T* w, npy_intp c, int kh, int kw, const T* bias, T* y,
          npy_intp channel, npy_intp row, int channels, int some) {
    using L = Lanes<T>;
    typename L::Vector sums[OUT][ROWS * VECTORS];
    for (int o = 0; o < OUT; ++o)
        for (auto& s : sums[o]) s = typename L::Vector{} + bias[o];
    for (npy_intp k = 0; k < c; ++k, x += plane)
        for (int i = 0; i < kh; ++i)
            for (int j = 0; j < kw; ++j, w += OUT) {
                typename L::Vector in[ROWS * VECTORS];
                for (int r = 0; r < ROWS; ++r)
                    for (int v = 0; v < VECTORS; ++v)
                        in[r * VECTORS + v] = L::load(x + (r + i) * wide + j + v * L::count);
                for (int o = 0; o < OUT; ++o)
                    for (int t = 0; t < ROWS * VECTORS; ++t) sums[o][t] += w[o] * in[t];
            }
    for (int o = 0; o < channels; ++o)
        for (int r = 0; r < ROWS; ++r) {
            T* at = y + o * channel + r * row;
            for (int v = 0; v + 1 < VECTORS; ++v) L::store(at + v * L::count, sums[o][r * VECTORS + v]);
            L::store(at + (VECTORS - 1) * L::count, sums[o][r * VECTORS + VECTORS - 1], some);
        }
}

// x (N, C, H, W) with w (O, C, kh, kw) and a bias of O numbers or none -> y (N, O, H', W')
template <class T>
void convolve(const T* x, Images in, const T* w, npy_intp o, int kh, int kw, const T* bias, Pads pads, T* y) {
    using L = Lanes<T>;
    const npy_intp high = in.h + pads.top + pads.bottom, wide = in.w + pads.left + pads.right;
    const npy_intp h = high - kh + 1, width = wide - kw + 1, taps = in.c * kh * kw;
    const npy_intp blocks = (o + OUT - 1) / OUT;
    std::vector<T> packed(static_cast<size_t>(blocks * taps * OUT)), offsets(static_cast<size_t>(blocks * OUT));
    for (npy_intp k = 0; k < o; ++k) {
        for (npy_intp t = 0; t < taps; ++t) packed[((k / OUT) * taps + t) * OUT + k % OUT] = w[k * taps + t];
        if (bias) offsets[k] = bias[k];
    }
    parallel(static_cast<size_t>(in.n), [&](size_t n) {
        std::unique_ptr<T[]> padded(new T[in.c * high * wide + L::count * 2]);
        pad(x + n * in.image(), in, pads, padded.get());
        for (npy_intp b = 0; b < blocks; ++b) {
            const int channels = static_cast<int>(std::min<npy_intp>(OUT, o - b * OUT));
            const T *block = &packed[b * taps * OUT], *offset = &offsets[b * OUT];
            T* out = y + (static_cast<npy_intp>(n) * o + b * OUT) * h * width;
            auto run = [&](auto kernel, npy_intp i, npy_intp j, int some) {
                kernel(padded.get() + i * wide + j, high * wide, wide, block, in.c, kh, kw, offset,
                       out + i * width + j, h * width, width, channels, some);
            };
            for (npy_intp j = 0; j < width;) {
                const npy_intp left = width - j;
                if (left > L::count) {
                    const int some = static_cast<int>(std::min<npy_intp>(left - L::count, L::count));
                    for (npy_intp i = 0; i < h; ++i) run(tile<T, 1, 2>, i, j, some);
                    j += 2 * L::count;
                } else {
                    npy_intp i = 0;
                    for (; i + 1 < h; i += 2) run(tile<T, 2, 1>, i, j, static_cast<int>(left));
                    if (i < h) run(tile<T, 1, 1>, i, j, static_cast<int>(left));
                    j += L::count;
                }
            }
        }
    });
}

constexpr int TOGETHER = 4;  // output channels whose weights are summed together
constexpr int ACROSS = 3;    // kernel columns, too

// One row of kernel elements for TOGETHER output channels: sums over images, rows and columns of g * x.
template <class T, int COLUMNS>
void correlate(const T* x, npy_intp image, npy_intp wide, const T* g, npy_intp vectors, npy_intp n, npy_intp h, int last,
               T* out, npy_intp channel) {
    using L = Lanes<T>;
    typename L::Vector sums[TOGETHER][COLUMNS] = {};
    const auto mask = L::first(last);
    for (npy_intp k = 0; k < n; ++k, x += image)
        for (npy_intp i = 0; i < h; ++i)
            for (npy_intp v = 0; v < vectors; ++v, g += TOGETHER * L::count) {
                typename L::Vector in[COLUMNS];
                for (int j = 0; j < COLUMNS; ++j) {
                    in[j] = L::load(x + i * wide + j + v * L::count);
                    if (v + 1 == vectors)  // what lies past the row's end doesn't count, be it NaN
                        in[j] = reinterpret_cast<typename L::Vector>(reinterpret_cast<typename L::Mask>(in[j]) & mask);
                }
                for (int o = 0; o < TOGETHER; ++o) {
                    const auto slope = L::load(g + o * L::count);
                    for (int j = 0; j < COLUMNS; ++j) sums[o][j] += slope * in[j];
                }
            }
    for (int o = 0; o < TOGETHER; ++o)
        for (int j = 0; j < COLUMNS; ++j) out[o * channel + j] = L::sum(sums[o][j]);
}

// The same for kernels of 3 x 3 and PAIR output channels, all nine elements in one go over g, which is read where it is.
constexpr int PAIR = 2;

template <class T>
void correlate_nine(const T* x, npy_intp image, npy_intp wide, const T* g, npy_intp g_image, npy_intp g_channel,
                    npy_intp n, npy_intp h, npy_intp width, const T* end, T* out, npy_intp channel) {
    using L = Lanes<T>;
    typename L::Vector sums[PAIR][9] = {};
    const auto mask = L::first(static_cast<int>((width - 1) % L::count + 1));  // of a row's last vector
    for (npy_intp k = 0; k < n; ++k, x += image, g += g_image)
        for (npy_intp i = 0; i < h; ++i)
            for (npy_intp j = 0; j < width; j += L::count) {
                const npy_intp some = std::min<npy_intp>(width - j, L::count);
                auto masked = [&](typename L::Vector v) {  // what lies past the row's end doesn't count, be it NaN
                    return some == L::count ? v
                                            : reinterpret_cast<typename L::Vector>(
                                                  reinterpret_cast<typename L::Mask>(v) & mask);
                };
                typename L::Vector slope[PAIR];
                for (int o = 0; o < PAIR; ++o) {
                    const T* at = g + o * g_channel + i * width + j;
                    if (at + L::count <= end) {
                        slope[o] = masked(L::load(at));
                    } else {
                        slope[o] = typename L::Vector{};
                        std::memcpy(&slope[o], at, static_cast<size_t>(some) * sizeof(T));
                    }
                }
                for (int t = 0; t < 9; ++t) {
                    const auto in = masked(L::load(x + (i + t / 3) * wide + j + t % 3));
                    for (int o = 0; o < PAIR; ++o) sums[o][t] += slope[o] * in;
                }
            }
    for (int o = 0; o < PAIR; ++o)
        for (int t = 0; t < 9; ++t) out[o * channel + t] = L::sum(sums[o][t]);
}

// x (N, C, H, W), g (N, O, H', W') -> dw (O, C, kh, kw)
template <class T>
void convolve_weight(const T* x, Images in, const T* g, npy_intp o, int kh, int kw, Pads pads, T* dw) {
    using L = Lanes<T>;
    const npy_intp high = in.h + pads.top + pads.bottom, wide = in.w + pads.left + pads.right;
    const npy_intp h = high - kh + 1, width = wide - kw + 1, vectors = (width + L::count - 1) / L::count;
    const int last = static_cast<int>(width - (vectors - 1) * L::count);
    const npy_intp image = in.c * high * wide + 2 * L::count;
    std::unique_ptr<T[]> padded(new T[static_cast<size_t>(in.n * image)]);
    parallel(static_cast<size_t>(in.n), [&](size_t n) {
        pad(x + static_cast<npy_intp>(n) * in.image(), in, pads, padded.get() + static_cast<npy_intp>(n) * image);
    });
    if (kh == 3 && kw == 3 && o % PAIR == 0 && in.c < 8) {  // with more channels packing g pays
        const npy_intp g_channel = h * width;
        parallel(static_cast<size_t>(o / PAIR), [&](size_t pair) {
            const npy_intp from = static_cast<npy_intp>(pair) * PAIR;
            for (npy_intp c = 0; c < in.c; ++c)
                correlate_nine(padded.get() + c * high * wide, image, wide, g + from * g_channel, o * g_channel,
                               g_channel, in.n, h, width, g + in.n * o * g_channel, dw + (from * in.c + c) * 9,
                               in.c * 9);
        });
        return;
    }
    parallel(static_cast<size_t>((o + TOGETHER - 1) / TOGETHER), [&](size_t block) {
        const npy_intp from = static_cast<npy_intp>(block) * TOGETHER, channels = std::min<npy_intp>(TOGETHER, o - from);
        // g by image, row, vector and channel, in the order in which it is read; zeros where there is none
        std::unique_ptr<T[]> slopes(new T[static_cast<size_t>(in.n * h * vectors * TOGETHER * L::count)]);
        T* to = slopes.get();
        for (npy_intp n = 0; n < in.n; ++n)
            for (npy_intp i = 0; i < h; ++i)
                for (npy_intp v = 0; v < vectors; ++v)
                    for (npy_intp k = 0; k < TOGETHER; ++k, to += L::count) {
                        const npy_intp some = v + 1 == vectors ? last : L::count;
                        std::fill_n(to, L::count, T{0});
                        if (k < channels)
                            std::copy_n(g + ((n * o + from + k) * h + i) * width + v * L::count, some, to);
                    }
        T sums[TOGETHER][ACROSS];
        for (npy_intp c = 0; c < in.c; ++c)
            for (int i = 0; i < kh; ++i)
                for (int j = 0; j < kw;) {
                    const T* at = padded.get() + (c * high + i) * wide + j;
                    const int columns = kw - j >= ACROSS ? ACROSS : 1;
                    auto kernel = columns == ACROSS ? correlate<T, ACROSS> : correlate<T, 1>;
                    kernel(at, image, wide, slopes.get(), vectors, in.n, h, last, sums[0], ACROSS);
                    for (npy_intp k = 0; k < channels; ++k)
                        for (int t = 0; t < columns; ++t)
                            dw[(((from + k) * in.c + c) * kh + i) * kw + j + t] = sums[k][t];
                    j += columns;
                }
    });
}

// Windows of 2 x 2 side by side: x (H, W) -> y, choice (H / 2, W / 2): the largest of each, and where it lies in it; the
// first of equals, but the last NaN. Whole vectors are stored: what goes past a row's end is written over by the next
// row. At a plane's end, where there may be nothing after it, only what is there is read and stored.
template <class T>
void pool_plane(const T* x, npy_intp h, npy_intp w, T* y, std::uint8_t* choice) {
    using L = Lanes<T>;
    const npy_intp rows = h / 2, out = w / 2;
    const T *x_end = x + h * w, *y_end = y + rows * out;
    typedef std::uint8_t Bytes __attribute__((vector_size(L::count)));
    for (npy_intp i = 0; i < rows; ++i, x += 2 * w, y += out, choice += out)
        for (npy_intp j = 0; j < out; j += L::count) {
            const bool last = x + w + 2 * (j + L::count) > x_end || y + j + L::count > y_end;
            const npy_intp some = std::min<npy_intp>(out - j, L::count);
            T copied[2][2 * L::count];
            const T* row[2] = {x + 2 * j, x + w + 2 * j};
            if (last)
                for (int a = 0; a < 2; ++a) row[a] = std::copy_n(row[a], 2 * some, copied[a]) - 2 * some;
            typename L::Vector most;
            typename L::Mask where{};
            for (int k = 0; k < 4; ++k) {
                const auto here = L::every_second(L::load(row[k / 2]), L::load(row[k / 2] + L::count), k % 2);
                if (k == 0) {
                    most = here;
                    continue;
                }
                const auto better = (here > most) | (here != here);
                most = better ? here : most;
                where = better ? typename L::Mask{} + k : where;
            }
            const Bytes small = __builtin_convertvector(where, Bytes);
            const npy_intp stored = last ? some : L::count;
            std::memcpy(y + j, &most, static_cast<size_t>(stored) * sizeof(T));
            std::memcpy(choice + j, &small, static_cast<size_t>(stored));
        }
}

// The adjoint: g, choice (H / 2, W / 2) -> x (H, W)
template <class T>
void unpool_plane(const T* g, const std::uint8_t* choice, npy_intp h, npy_intp w, T* x) {
    using L = Lanes<T>;
    typedef std::uint8_t Bytes __attribute__((vector_size(L::count)));
    const npy_intp rows = h / 2, out = w / 2;
    const T *g_end = g + rows * out, *x_end = x + h * w;
    for (npy_intp i = 0; i < rows; ++i, g += out, choice += out)
        for (int a = 0; a < 2; ++a, x += w) {
            for (npy_intp j = 0; j < out; j += L::count) {
                const bool last = x + 2 * (j + L::count) > x_end || g + j + L::count > g_end;
                const npy_intp some = std::min<npy_intp>(out - j, L::count);
                typename L::Vector slope{};
                Bytes small{};
                std::memcpy(&slope, g + j, static_cast<size_t>(last ? some : L::count) * sizeof(T));
                std::memcpy(&small, choice + j, static_cast<size_t>(last ? some : L::count));
                const auto where = __builtin_convertvector(small, typename L::Mask);
                const auto even = where == 2 * a ? slope : typename L::Vector{};
                const auto odd = where == 2 * a + 1 ? slope : typename L::Vector{};
                const typename L::Vector both[2] = {L::zip(even, odd, false), L::zip(even, odd, true)};
                std::memcpy(x + 2 * j, both, static_cast<size_t>(last ? 2 * some : 2 * L::count) * sizeof(T));
            }
            std::fill(x + 2 * out, x + w, T{0});
        }
    if (h % 2) std::fill_n(x, w, T{0});
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

template <class T>
T* data(PyObject* x) {
    return reinterpret_cast<T*>(PyArray_BYTES(as_array(x)));
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

// convolve_weight(x, g, (kh, kw), (top, bottom), (left, right)) -> dw or None
PyObject* py_convolve_weight(PyObject*, PyObject* args) {
    PyObject *x, *g;
    int kh, kw;
    Pads pads;
    if (!PyArg_ParseTuple(args, "OO(ii)(ii)(ii)", &x, &g, &kh, &kw, &pads.top, &pads.bottom, &pads.left, &pads.right))
        return nullptr;
    if (!plain({x, g}, 4) || kh < 1 || kw < 1) Py_RETURN_NONE;
    const Images in = images(as_array(x)), out = images(as_array(g));
    if (out.h < 1 || out.w < 1) Py_RETURN_NONE;
    PyObject* dw = made({out.c, in.c, kh, kw}, x);
    if (dw == nullptr) return nullptr;
    in_type(x, [&](auto zero) {
        using T = decltype(zero);
        convolve_weight<T>(data<T>(x), in, data<T>(g), out.c, kh, kw, pads, data<T>(dw));
    });
    return dw;
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
            for (auto p = static_cast<npy_intp>(begin); p < static_cast<npy_intp>(end); ++p)
                pool_plane(data<T>(x) + p * in.plane(), in.h, in.w, data<T>(y) + p * out.plane(),
                           data<std::uint8_t>(choice) + p * out.plane());
        });
    });
    return y;
}

// put_window(g, choice, (H, W)) -> x or None
PyObject* py_put_window(PyObject*, PyObject* args) {
    PyObject *g, *choice;
    Py_ssize_t h, w;
    if (!PyArg_ParseTuple(args, "OO(nn)", &g, &choice, &h, &w)) return nullptr;
    if (!plain({g}, 4) || PyArray_TYPE(as_array(choice)) != NPY_UINT8 || !PyArray_ISCARRAY_RO(as_array(choice)))
        Py_RETURN_NONE;
    const Images out = images(as_array(g));
    PyObject* x = made({out.n, out.c, h, w}, g);
    if (x == nullptr) return nullptr;
    in_type(g, [&](auto zero) {
        using T = decltype(zero);
        ranges(static_cast<size_t>(out.n * out.c), 64, [&](size_t begin, size_t end) {
            for (auto p = static_cast<npy_intp>(begin); p < static_cast<npy_intp>(end); ++p)
                unpool_plane(data<T>(g) + p * out.plane(), data<std::uint8_t>(choice) + p * out.plane(), h, w,
                             data<T>(x) + p * h * w);
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
    {"put_window", py_put_window, METH_VARARGS, "put_window(g, choice, (H, W)), or None"},
    {"sum_channels", py_sum_channels, METH_O, "the sum over all dims but the second, or None"},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_windows(PyObject* module) { return PyModule_AddFunctions(module, methods); }

}  // namespace glassgrad
