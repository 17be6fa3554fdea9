// Matrix products on the one pool of threads: each part is a call into the BLAS that NumPy brought along, which is told
// to use one thread. Two pools of threads that spin on the same cores cost more than both of them give.
#include "products.h"
#include "threads.h"
#include "vector.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <vector>

#if !defined(_WIN32)
#include <dlfcn.h>
#endif

namespace glassgrad {
namespace {

using std::size_t;

enum { ROW_MAJOR = 101, AS_IT_IS = 111, TRANSPOSED = 112 };

// cblas_?gemm with integers of either size.
template <class T, class Int>
using Gemm = void (*)(int, int, int, Int, Int, Int, T, const T*, Int, const T*, Int, T, T*, Int);

struct Blas {
    bool wide = false;  // its integers have 64 bits
    void *single = nullptr, *twofold = nullptr;

    template <class T>
    void gemm(bool ta, bool tb, npy_intp m, npy_intp n, npy_intp k, const T* a, npy_intp lda, const T* b, npy_intp ldb,
              T beta, T* c, npy_intp ldc) const {
        void* found = std::is_same_v<T, float> ? single : twofold;
        auto call = [&](auto integer) {
            using Int = decltype(integer);
            auto as_int = [](npy_intp x) { return static_cast<Int>(x); };
            reinterpret_cast<Gemm<T, Int>>(found)(ROW_MAJOR, ta ? TRANSPOSED : AS_IT_IS, tb ? TRANSPOSED : AS_IT_IS,
                                                  as_int(m), as_int(n), as_int(k), T{1}, a, as_int(lda), b, as_int(ldb),
                                                  beta, c, as_int(ldc));
        };
        if (wide) call(std::int64_t{});
        else call(int{});
    }
} blas;

// A matrix as BLAS takes it: `step` from one row of the memory to the next, which is a column where it is transposed.
struct Matrix {
    bool transposed;
    npy_intp step;
};

bool matrix_of(PyArrayObject* x, Matrix& found) {
    const int n = PyArray_NDIM(x);
    const npy_intp item = PyArray_ITEMSIZE(x), rows = PyArray_DIM(x, n - 2), columns = PyArray_DIM(x, n - 1);
    const npy_intp down = PyArray_STRIDE(x, n - 2), across = PyArray_STRIDE(x, n - 1);
    if ((across == item || columns == 1) && (down >= columns * item || rows == 1) && down % item == 0) {
        found = {false, std::max(rows == 1 ? columns : down / item, std::max<npy_intp>(columns, 1))};
        return true;
    }
    if ((down == item || rows == 1) && (across >= rows * item || columns == 1) && across % item == 0) {
        found = {true, std::max(columns == 1 ? rows : across / item, std::max<npy_intp>(rows, 1))};
        return true;
    }
    return false;
}

// Few outputs of many numbers: packing the numbers, as BLAS does, costs more than multiplying them.
constexpr npy_intp FEW = 16, MANY = 256;
#if defined(__AVX512F__)
constexpr int HIGH = 4;
#else
constexpr int HIGH = 2;
#endif
constexpr int BROAD = 5;  // a tile is HIGH rows by BROAD columns, what the registers hold

// y (ROWS, COLUMNS) = x (ROWS, k) times the transpose of w (COLUMNS, k), + bias (COLUMNS) unless that is null
template <class T, int ROWS, int COLUMNS>
void dots(const T* x, npy_intp x_step, const T* w, npy_intp w_step, npy_intp k, const T* bias, T* y, npy_intp y_step) {
    using L = Lanes<T>;
    typename L::Vector sums[ROWS][COLUMNS];
    each<ROWS>([&](int r) { each<COLUMNS>([&](int c) { sums[r][c] = typename L::Vector{}; }); });
    npy_intp at = 0;
    for (; at + L::count <= k; at += L::count) {
        typename L::Vector in[ROWS];
        each<ROWS>([&](int r) { in[r] = L::load(x + r * x_step + at); });
        each<COLUMNS>([&](int c) {
            const auto v = L::load(w + c * w_step + at);
            each<ROWS>([&](int r) { sums[r][c] += in[r] * v; });
        });
    }
    each<ROWS>([&](int r) {
        each<COLUMNS>([&](int c) {
            T total = L::sum(sums[r][c]);
            for (npy_intp j = at; j < k; ++j) total += x[r * x_step + j] * w[c * w_step + j];
            y[r * y_step + c] = bias == nullptr ? total : total + bias[c];
        });
    });
}

// What `product` does for matrices with a short side; false where BLAS is better at it.
template <class T>
bool short_product(Matrix a, Matrix b, npy_intp m, npy_intp n, npy_intp k, const T* x, const T* other, const T* bias,
                   T* y) {
    if (!a.transposed && b.transposed && n <= FEW && k >= MANY) {
        const npy_intp rows = (m + HIGH - 1) / HIGH, grain = std::max<npy_intp>(1, (1 << 17) / (HIGH * n * k));
        ranges(static_cast<size_t>(rows), static_cast<size_t>(grain), [&](size_t begin, size_t end) {
            const npy_intp last = std::min(m, static_cast<npy_intp>(end) * HIGH);
            for (npy_intp i = static_cast<npy_intp>(begin) * HIGH, high; i < last; i += high) {
                high = last - i >= HIGH ? HIGH : 1;
                for (npy_intp j = 0, wide; j < n; j += wide) {
                    wide = n - j >= BROAD ? BROAD : 1;
                    auto kernel = high == HIGH ? (wide == BROAD ? dots<T, HIGH, BROAD> : dots<T, HIGH, 1>)
                                               : (wide == BROAD ? dots<T, 1, BROAD> : dots<T, 1, 1>);
                    kernel(x + i * a.step, a.step, other + j * b.step, b.step, k, bias ? bias + j : nullptr, y + i * n + j, n);
                }
            }
        });
        return true;
    }
    constexpr npy_intp lanes = Lanes<T>::count, whole_strip = 4 * lanes;
    if ((m <= FEW || k <= FEW) && !b.transposed && n >= MANY && n % lanes == 0) {
        const npy_intp strips = (n + whole_strip - 1) / whole_strip, down = a.transposed ? 1 : a.step;
        const npy_intp across = a.transposed ? a.step : 1;
        const npy_intp grain = std::max<npy_intp>(1, (1 << 17) / (m * whole_strip * k));
        ranges(static_cast<size_t>(strips), static_cast<size_t>(grain), [&](size_t begin, size_t end) {
            const npy_intp last = std::min(n, static_cast<npy_intp>(end) * whole_strip);
            for (npy_intp j = static_cast<npy_intp>(begin) * whole_strip, wide; j < last; j += wide) {
                wide = last - j >= whole_strip ? whole_strip : lanes;
                for (npy_intp i = 0, high; i < m; i += high) {
                    high = m - i >= HIGH ? HIGH : 1;
                    auto kernel = high == HIGH ? (wide == lanes ? strip<T, HIGH, 1> : strip<T, HIGH, 4>)
                                               : (wide == lanes ? strip<T, 1, 1> : strip<T, 1, 4>);
                    kernel(x + i * down, down, across, other + j, b.step, k, bias ? bias + j : nullptr, y + i * n + j,
                           n);
                }
            }
        });
        return true;
    }
    return false;
}

// What `product` does for matrices of middle size where there are 32 wide registers: b in panels of WIDTH columns that
// both threads read, a as it is, a tile of TALL rows by a panel in registers. BLAS would pack a as well, and b once for
// each thread.
template <class T>
bool panel_product(Matrix a, Matrix b, npy_intp m, npy_intp n, npy_intp k, const T* x, const T* other, const T* bias,
                   T* y) {
#if defined(__AVX512F__)
    constexpr int TALL = 6, VECTORS = 4;
    constexpr npy_intp LANES = Lanes<T>::count, WIDTH = VECTORS * LANES, BLOCK = 8 * TALL;
    if (k < 16 || k > 2048 || m < TALL || n < LANES || m * n * k < (1 << 16) || n * k > (1 << 22)) return false;
    thread_local std::vector<T> memory;  // of the caller: both threads read the panels
    const npy_intp count = (n + WIDTH - 1) / WIDTH, long_k = (k + LANES - 1) / LANES * LANES;
    memory.resize(static_cast<size_t>(count * (k * WIDTH + WIDTH) + LANES));
    T *panels = memory.data(), *biases;
    while (reinterpret_cast<std::uintptr_t>(panels) % BYTES) ++panels;  // no vector across two lines
    biases = panels + count * k * WIDTH;
    const npy_intp some = std::max<npy_intp>(1, (1 << 14) / (k * WIDTH));
    ranges(static_cast<size_t>(count), static_cast<size_t>(some), [&](size_t begin, size_t end) {
        for (auto p = static_cast<npy_intp>(begin); p < static_cast<npy_intp>(end); ++p) {
            const npy_intp from = p * WIDTH, width = std::min(WIDTH, n - from);
            T* to = panels + p * k * WIDTH;
            if (width < WIDTH) std::fill_n(to, k * WIDTH, T{0});
            if (b.transposed) turn(other + from * b.step, width, b.step, k, to, WIDTH);
            else for (npy_intp i = 0; i < k; ++i) std::copy_n(other + i * b.step + from, width, to + i * WIDTH);
            if (bias != nullptr) std::copy_n(bias + from, width, biases + from);
        }
    });
    const npy_intp blocks = (m + BLOCK - 1) / BLOCK;
    ranges(static_cast<size_t>(blocks), 1, [&](size_t begin, size_t end) {
        thread_local std::vector<T> rows;  // of a, where it is transposed
        T tile[TALL * WIDTH];              // where a panel goes beyond y
        for (auto block = static_cast<npy_intp>(begin); block < static_cast<npy_intp>(end); ++block) {
            const npy_intp first = block * BLOCK, high = std::min(BLOCK, m - first);
            const T* from = x + first * a.step;
            npy_intp down = a.step;
            if (a.transposed) {
                rows.resize(static_cast<size_t>(BLOCK * long_k));
                turn(x + first, k, a.step, high, rows.data(), long_k);
                from = rows.data();
                down = long_k;
            }
            for (npy_intp p = 0; p < count; ++p) {
                const T *panel = panels + p * k * WIDTH, *add = bias ? biases + p * WIDTH : nullptr;
                const npy_intp width = std::min(WIDTH, n - p * WIDTH);
                for (npy_intp i = 0, tall; i < high; i += tall) {
                    tall = high - i >= TALL ? TALL : 1;
                    auto kernel = tall == TALL ? strip<T, TALL, VECTORS> : strip<T, 1, VECTORS>;
                    T* to = y + (first + i) * n + p * WIDTH;
                    const bool whole = width == WIDTH;
                    kernel(from + i * down, down, 1, panel, WIDTH, k, add, whole ? to : tile, whole ? n : WIDTH);
                    for (npy_intp r = 0; !whole && r < tall; ++r) std::copy_n(tile + r * WIDTH, width, to + r * n);
                }
            }
        }
    });
    return true;
#else
    return false;
#endif
}

// y (m, n) = a (m, k) b (k, n) + bias (n), in as many parts as there are threads, along the longer side of y
template <class T>
void product(Matrix a, Matrix b, npy_intp m, npy_intp n, npy_intp k, const T* x, const T* other, const T* bias, T* y) {
    if (short_product(a, b, m, n, k, x, other, bias, y) || panel_product(a, b, m, n, k, x, other, bias, y)) return;
    constexpr double WORTH = 1e6;  // multiplications that are worth a thread
    const double work = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
    size_t parts = std::min(thread_count(), static_cast<size_t>(work / WORTH) + 1);
    const bool by_rows = m >= n;
    const npy_intp whole = by_rows ? m : n, grain = 16;
    parts = std::max<size_t>(1, std::min(parts, static_cast<size_t>(whole / grain)));
    const npy_intp part = (whole / static_cast<npy_intp>(parts) + grain - 1) / grain * grain;
    parallel(static_cast<size_t>((whole + part - 1) / part), [&](size_t index) {
        const npy_intp from = static_cast<npy_intp>(index) * part, size = std::min(part, whole - from);
        const npy_intp row = by_rows ? from : 0, column = by_rows ? 0 : from;
        const npy_intp height = by_rows ? size : m, width = by_rows ? n : size;
        if (bias != nullptr)
            for (npy_intp i = row; i < row + height; ++i) std::copy_n(bias + column, width, y + i * n + column);
        blas.gemm<T>(a.transposed, b.transposed, height, width, k, x + row * (a.transposed ? 1 : a.step), a.step,
                     other + column * (b.transposed ? b.step : 1), b.step, bias != nullptr ? T{1} : T{0},
                     y + row * n + column, n);
    });
}

template <class T>
T* data(PyArrayObject* x) {
    return reinterpret_cast<T*>(PyArray_BYTES(x));
}

template <class F>
void in_type(int type, bool large, F&& f) {
    PyThreadState* held = large ? PyEval_SaveThread() : nullptr;
    if (type == NPY_FLOAT) f(float{});
    else f(double{});
    if (held) PyEval_RestoreThread(held);
}

bool floats(PyArrayObject* x) {
    return (PyArray_TYPE(x) == NPY_FLOAT || PyArray_TYPE(x) == NPY_DOUBLE) && PyArray_ISBEHAVED_RO(x);
}

// matmul(x (..., m, k), other (..., k, n)) -> (..., m, n), or None: the dims in front are the same, or other has none
PyObject* matmul(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (count != 2 || !blas.single || !is_array(args[0]) || !is_array(args[1])) Py_RETURN_NONE;
    PyArrayObject *x = as_array(args[0]), *other = as_array(args[1]);
    const int dims = PyArray_NDIM(x), type = PyArray_TYPE(x);
    Matrix a, b;
    if (dims < 2 || PyArray_NDIM(other) != dims || PyArray_TYPE(other) != type || !floats(x) || !floats(other) ||
        !matrix_of(x, a) || !matrix_of(other, b))
        Py_RETURN_NONE;
    const npy_intp m = PyArray_DIM(x, dims - 2), k = PyArray_DIM(x, dims - 1), n = PyArray_DIM(other, dims - 1);
    npy_intp shape[NPY_MAXDIMS], batch = 1;
    for (int d = 0; d < dims - 2; ++d) {
        if (PyArray_DIM(x, d) != PyArray_DIM(other, d)) Py_RETURN_NONE;
        batch *= shape[d] = PyArray_DIM(x, d);
    }
    shape[dims - 2] = m;
    shape[dims - 1] = n;
    if (PyArray_DIM(other, dims - 2) != k || batch * m * n == 0 || k == 0) Py_RETURN_NONE;
    PyObject* made = PyArray_SimpleNew(dims, shape, type);
    if (made == nullptr) return nullptr;
    in_type(type, batch * m * n * k > 20000, [&](auto zero) {
        using T = decltype(zero);
        T* y = data<T>(as_array(made));
        if (batch == 1) {
            product<T>(a, b, m, n, k, data<T>(x), data<T>(other), static_cast<const T*>(nullptr), y);
            return;
        }
        auto offset = [&](PyArrayObject* array, npy_intp index) {  // of matrix number `index`, in elements
            npy_intp bytes = 0;
            for (int d = dims - 3; d >= 0; --d) {
                bytes += index % shape[d] * PyArray_STRIDE(array, d);
                index /= shape[d];
            }
            return bytes / static_cast<npy_intp>(sizeof(T));
        };
        const npy_intp grain = std::max<npy_intp>(1, std::min(batch, 1 + 200000 / (m * n * k)));
        ranges(static_cast<size_t>(batch), static_cast<size_t>(grain), [&](size_t begin, size_t end) {
            for (auto i = static_cast<npy_intp>(begin); i < static_cast<npy_intp>(end); ++i)
                blas.gemm<T>(a.transposed, b.transposed, m, n, k, data<T>(x) + offset(x, i), a.step,
                             data<T>(other) + offset(other, i), b.step, T{0}, y + i * m * n, n);
        });
    });
    return made;
}

// linear(x (..., k), w (n, k), b (n,) or None) -> (..., n), or None
PyObject* linear(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (count != 3 || !blas.single || !is_array(args[0]) || !is_array(args[1])) Py_RETURN_NONE;
    PyArrayObject *x = as_array(args[0]), *w = as_array(args[1]);
    const int dims = PyArray_NDIM(x), type = PyArray_TYPE(x);
    Matrix a, b;
    if (dims < 2 || PyArray_NDIM(w) != 2 || PyArray_TYPE(w) != type || !floats(x) || !floats(w) || !matrix_of(w, b) ||
        !matrix_of(x, a) || (dims > 2 && !PyArray_IS_C_CONTIGUOUS(x)))
        Py_RETURN_NONE;
    PyArrayObject* bias = nullptr;
    if (args[2] != Py_None) {
        if (!is_array(args[2]) || !PyArray_ISCARRAY_RO(as_array(args[2])) || PyArray_TYPE(as_array(args[2])) != type ||
            PyArray_NDIM(as_array(args[2])) != 1 || PyArray_DIM(as_array(args[2]), 0) != PyArray_DIM(w, 0))
            Py_RETURN_NONE;
        bias = as_array(args[2]);
    }
    const npy_intp k = PyArray_DIM(x, dims - 1), n = PyArray_DIM(w, 0);
    npy_intp shape[NPY_MAXDIMS], m = 1;
    for (int d = 0; d < dims - 1; ++d) m *= shape[d] = PyArray_DIM(x, d);
    shape[dims - 1] = n;
    if (PyArray_DIM(w, 1) != k || m * n * k == 0) Py_RETURN_NONE;
    if (dims > 2) a = {false, k};
    b.transposed = !b.transposed;
    PyObject* made = PyArray_SimpleNew(dims, shape, type);
    if (made == nullptr) return nullptr;
    in_type(type, m * n * k > 20000, [&](auto zero) {
        using T = decltype(zero);
        T* y = data<T>(as_array(made));
        product<T>(a, b, m, n, k, data<T>(x), data<T>(w), bias ? data<T>(bias) : nullptr, y);
    });
    return made;
}

// use_blas(path of the library that has it, or leads to it) -> whether it was found
PyObject* use_blas(PyObject*, PyObject* path) {
#if !defined(_WIN32)
    const char* name = PyUnicode_AsUTF8(path);
    if (name == nullptr) return nullptr;
    void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) Py_RETURN_FALSE;
    struct Names {
        const char *prefix, *suffix;
        bool wide;
    };
    for (const Names& names : {Names{"scipy_", "64_", true}, Names{"", "64_", true}, Names{"", "", false}}) {
        auto symbol = [&](const char* middle, const char* end) {
            char text[80];
            PyOS_snprintf(text, sizeof text, "%s%s%s", names.prefix, middle, end);
            return dlsym(library, text);
        };
        void* threads = symbol("openblas_set_num_threads", names.suffix);
        void* single = symbol("cblas_sgemm", names.suffix);
        void* twofold = symbol("cblas_dgemm", names.suffix);
        if (!threads || !single || !twofold) continue;
        reinterpret_cast<void (*)(int)>(threads)(1);
        blas = {names.wide, single, twofold};
        Py_RETURN_TRUE;
    }
#endif
    Py_RETURN_FALSE;
}

PyMethodDef methods[] = {
    {"use_blas", use_blas, METH_O, "Take products from this library, on our threads."},
    {"matmul", fast(matmul), METH_FASTCALL,
     "matmul(x, other), or None"},
    {"linear", fast(linear), METH_FASTCALL,
     "linear(x, w, b), or None"},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_products(PyObject* module) { return PyModule_AddFunctions(module, methods); }

}  // namespace glassgrad
