// What works row by row, in float32: softmax, standardization (the core of layer norm), and GELU, whose normal
// distribution NumPy lacks. A row is summed in the lanes of a vector, which are added up at its end.
#include "float.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace glassgrad {
namespace {

// Phi(x) of the normal distribution, and its density times sqrt(2 pi). For x < 0 it is e^(-x^2/2) m(-x), where m is a
// polynomial of 1 / (1 + 0.3 |x|): least squares of the relative error, 4e-9 before rounding.
struct Normal {
    Vector phi, bell;
};

inline Normal normal(Vector x) {
    const Vector a = x < Vector{} ? -x : x;
    const Vector square = a * a;
    // what rounding took from the square, by Dekker's product: it counts where e^(-x^2/2) is small
    const Vector scaled = a * 4097.0f, high = scaled - (scaled - a), low = a - high;
    const Vector lost = ((high * high - square) + 2.0f * high * low) + low * low;
    const Vector bell = exp_of(square * -0.5f) * (1.0f - (lost == lost ? lost : Vector{}) * 0.5f);
    const Vector t = 1.0f / (1.0f + 0.3f * a);
    Vector m = all(-0.0208782614f);
    for (float c : {0.113806516f, -0.231400286f, 0.195974185f, -0.0828475505f, 0.0979556973f, 0.0777838584f,
                    0.110361191f, 0.119557241f, 0.119687407f})
        m = m * t + c;
    const Vector tail = bell * (m * t);
    return {x < Vector{} ? tail : 1.0f - tail, bell};
}

float largest(const float* x, npy_intp n) {
    Vector most = all(-std::numeric_limits<float>::infinity());
    vectors(n, [&](npy_intp k, npy_intp some) {
        most = greater(most, load(x + k, some, -std::numeric_limits<float>::infinity()));
    });
    return L::fold(most, greater);
}

void softmax(const float* x, float* y, npy_intp n) { softmax_row(x, y, n, n, 1.0f); }

void log_softmax(const float* x, float* y, npy_intp n) {
    const float most = largest(x, n);
    Vector total{};
    vectors(n, [&](npy_intp k, npy_intp some) {
        const Vector e = exp_of(load(x + k, some, -std::numeric_limits<float>::infinity()) - most);
        total += some < L::count ? reinterpret_cast<Vector>(reinterpret_cast<Mask>(e) & L::first(static_cast<int>(some))) : e;
    });
    const float shift = std::log(L::sum(total));
    vectors(n, [&](npy_intp k, npy_intp some) { store(y + k, (load(x + k, some, 0) - most) - shift, some); });
}

// y (g - sum(g y))
void softmax_slope(const float* g, const float* y, float* d, npy_intp n) {
    Vector total{};
    vectors(n, [&](npy_intp k, npy_intp some) { total += load(g + k, some, 0) * load(y + k, some, 0); });
    const Vector inner = all(L::sum(total));
    vectors(n, [&](npy_intp k, npy_intp some) {
        store(d + k, load(y + k, some, 0) * (load(g + k, some, 0) - inner), some);
    });
}

// --- for Python: None where the operation's own function has to do it ---

bool plain(PyObject* x) {
    return is_array(x) && PyArray_TYPE(as_array(x)) == NPY_FLOAT && PyArray_ISCARRAY_RO(as_array(x)) &&
           PyArray_SIZE(as_array(x)) > 0;
}
bool alike(PyObject* a, PyObject* b) { return plain(a) && plain(b) && PyArray_SAMESHAPE(as_array(a), as_array(b)); }


PyObject* like(PyObject* x) {
    return PyArray_SimpleNew(PyArray_NDIM(as_array(x)), PyArray_DIMS(as_array(x)), NPY_FLOAT);
}

PyObject* py_gelu(PyObject*, PyObject* x) {
    if (!plain(x)) Py_RETURN_NONE;
    PyObject* made = like(x);
    if (made == nullptr) return nullptr;
    const float* from = data(x);
    float* to = data(made);
    const npy_intp n = PyArray_SIZE(as_array(x));
    rows((n + L::count - 1) / L::count, L::count, [&](npy_intp begin, npy_intp end) {
        for (npy_intp k = begin * L::count; k < end * L::count; k += L::count) {
            const Vector v = load(from + k, n - k, 0);
            store(to + k, v * normal(v).phi, n - k);
        }
    });
    return made;
}

PyObject* py_gelu_slope(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (count != 2 || !alike(args[0], args[1])) Py_RETURN_NONE;
    PyObject* made = like(args[0]);
    if (made == nullptr) return nullptr;
    const float *g = data(args[0]), *x = data(args[1]);
    float* to = data(made);
    const npy_intp n = PyArray_SIZE(as_array(args[0]));
    rows((n + L::count - 1) / L::count, L::count, [&](npy_intp begin, npy_intp end) {
        for (npy_intp k = begin * L::count; k < end * L::count; k += L::count) {
            const Vector v = load(x + k, n - k, 0);
            const Normal at = normal(v);
            store(to + k, load(g + k, n - k, 0) * (at.phi + v * (at.bell * 0.398942280f)), n - k);
        }
    });
    return made;
}

template <void (*ROW)(const float*, float*, npy_intp)>
PyObject* of_rows(PyObject*, PyObject* x) {
    if (!plain(x) || PyArray_NDIM(as_array(x)) == 0) Py_RETURN_NONE;
    PyObject* made = like(x);
    if (made == nullptr) return nullptr;
    const npy_intp n = PyArray_DIM(as_array(x), PyArray_NDIM(as_array(x)) - 1);
    const float* from = data(x);
    float* to = data(made);
    rows(PyArray_SIZE(as_array(x)) / n, n, [&](npy_intp begin, npy_intp end) {
        for (npy_intp k = begin; k < end; ++k) ROW(from + k * n, to + k * n, n);
    });
    return made;
}

PyObject* py_softmax_slope(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (count != 2 || !alike(args[0], args[1]) || PyArray_NDIM(as_array(args[0])) == 0) Py_RETURN_NONE;
    PyObject* made = like(args[0]);
    if (made == nullptr) return nullptr;
    const npy_intp n = PyArray_DIM(as_array(args[0]), PyArray_NDIM(as_array(args[0])) - 1);
    const float *g = data(args[0]), *y = data(args[1]);
    float* to = data(made);
    rows(PyArray_SIZE(as_array(args[0])) / n, n, [&](npy_intp begin, npy_intp end) {
        for (npy_intp k = begin; k < end; ++k) softmax_slope(g + k * n, y + k * n, to + k * n, n);
    });
    return made;
}

// standardize(x, how many of its last dims, eps) -> (xhat, mean, var), the last two with 1 in place of those dims
PyObject* py_standardize(PyObject*, PyObject* args) {
    PyObject* x;
    int last;
    double eps;
    if (!PyArg_ParseTuple(args, "Oid", &x, &last, &eps)) return nullptr;
    if (!plain(x)) Py_RETURN_NONE;
    const int dims = PyArray_NDIM(as_array(x));
    npy_intp shape[NPY_MAXDIMS], n = 1;
    for (int d = 0; d < dims; ++d) {
        shape[d] = PyArray_DIM(as_array(x), d);
        if (d >= dims - last) {
            n *= shape[d];
            shape[d] = 1;
        }
    }
    Ref xhat(like(x)), mean(PyArray_SimpleNew(dims, shape, NPY_FLOAT)), var(PyArray_SimpleNew(dims, shape, NPY_FLOAT));
    if (!xhat || !mean || !var) return nullptr;
    const float* from = data(x);
    float *to = data(xhat.get()), *m = data(mean.get()), *v = data(var.get());
    rows(PyArray_SIZE(as_array(x)) / n, n, [&](npy_intp begin, npy_intp end) {
        for (npy_intp k = begin; k < end; ++k) {
            const float* row = from + k * n;
            Vector total{}, squares{};
            vectors(n, [&](npy_intp i, npy_intp some) { total += load(row + i, some, 0); });
            m[k] = L::sum(total) / static_cast<float>(n);
            vectors(n, [&](npy_intp i, npy_intp some) {
                const Vector off = load(row + i, some, m[k]) - m[k];
                squares += off * off;
            });
            v[k] = L::sum(squares) / static_cast<float>(n);
            const float scale = 1.0f / std::sqrt(v[k] + static_cast<float>(eps));
            vectors(n, [&](npy_intp i, npy_intp some) {
                store(to + k * n + i, (load(row + i, some, 0) - m[k]) * scale, some);
            });
        }
    });
    return PyTuple_Pack(3, xhat.get(), mean.get(), var.get());
}

// standardize_slope(g, xhat, var, eps) -> (g - mean(g) - xhat mean(g xhat)) / sqrt(var + eps)
PyObject* py_standardize_slope(PyObject*, PyObject* args) {
    PyObject *g, *xhat, *var;
    double eps;
    if (!PyArg_ParseTuple(args, "OOOd", &g, &xhat, &var, &eps)) return nullptr;
    if (!alike(g, xhat) || !plain(var)) Py_RETURN_NONE;
    const npy_intp count = PyArray_SIZE(as_array(var)), n = PyArray_SIZE(as_array(g)) / count;
    PyObject* made = like(g);
    if (made == nullptr) return nullptr;
    const float *from = data(g), *hat = data(xhat), *v = data(var);
    float* to = data(made);
    rows(count, n, [&](npy_intp begin, npy_intp end) {
        for (npy_intp k = begin; k < end; ++k) {
            const float *slope = from + k * n, *h = hat + k * n;
            Vector total{}, product{};
            vectors(n, [&](npy_intp i, npy_intp some) {
                const Vector s = load(slope + i, some, 0);
                total += s;
                product += s * load(h + i, some, 0);
            });
            const float mean = L::sum(total) / static_cast<float>(n), along = L::sum(product) / static_cast<float>(n);
            const float scale = 1.0f / std::sqrt(v[k] + static_cast<float>(eps));
            vectors(n, [&](npy_intp i, npy_intp some) {
                store(to + k * n + i, (load(slope + i, some, 0) - mean - load(h + i, some, 0) * along) * scale, some);
            });
        }
    });
    return made;
}

// How many elements the array b has, if its shape is that of the last dims of x; else 0.
npy_intp trailing(PyObject* x, PyObject* b) {
    if (!plain(b) || PyArray_NDIM(as_array(b)) > PyArray_NDIM(as_array(x))) return 0;
    const int lead = PyArray_NDIM(as_array(x)) - PyArray_NDIM(as_array(b));
    for (int d = 0; d < PyArray_NDIM(as_array(b)); ++d)
        if (PyArray_DIM(as_array(b), d) != PyArray_DIM(as_array(x), lead + d)) return 0;
    return PyArray_SIZE(as_array(b));
}

// scale_shift(x, w, b) -> x w + b, with w and b along the last dims; no b where it is None
PyObject* py_scale_shift(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (count != 3 || !plain(args[0])) Py_RETURN_NONE;
    const npy_intp n = trailing(args[0], args[1]);
    if (n == 0 || (args[2] != Py_None && trailing(args[0], args[2]) != n)) Py_RETURN_NONE;
    PyObject* made = like(args[0]);
    if (made == nullptr) return nullptr;
    const float *x = data(args[0]), *w = data(args[1]), *b = args[2] == Py_None ? nullptr : data(args[2]);
    float* to = data(made);
    rows(PyArray_SIZE(as_array(args[0])) / n, n, [&](npy_intp begin, npy_intp end) {
        for (npy_intp k = begin; k < end; ++k)
            vectors(n, [&](npy_intp i, npy_intp some) {
                const Vector product = load(x + k * n + i, some, 0) * load(w + i, some, 0);
                store(to + k * n + i, b == nullptr ? product : product + load(b + i, some, 0), some);
            });
    });
    return made;
}

// sum_rows(g, x, shape) -> the sum over rows of g, or of g x where x is no None, of that shape, which is g's last dims
PyObject* py_sum_rows(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (count != 3 || !plain(args[0]) || (args[1] != Py_None && !alike(args[0], args[1]))) Py_RETURN_NONE;
    PyArray_Dims shape{nullptr, 0};
    if (!PyArray_IntpConverter(args[2], &shape)) return nullptr;
    Ref made(PyArray_SimpleNew(shape.len, shape.ptr, NPY_FLOAT));
    PyDimMem_FREE(shape.ptr);
    if (!made) return nullptr;
    const npy_intp n = trailing(args[0], made.get());
    if (n <= 1) Py_RETURN_NONE;  // NumPy adds up in pairs
    constexpr int SIDE = 4;
    constexpr npy_intp WIDTH = SIDE * L::count, BLOCK = 64;
    const npy_intp height = PyArray_SIZE(as_array(args[0])) / n;
    const float *g = data(args[0]), *x = args[1] == Py_None ? nullptr : data(args[1]);
    float* to = data(made.get());
    // Columns side by side on a thread, and sums of blocks of rows, so that what is added is of one size.
    rows((n + WIDTH - 1) / WIDTH, WIDTH * height, [&](npy_intp begin, npy_intp end) {
        for (npy_intp at = begin * WIDTH; at < std::min(end * WIDTH, n); at += WIDTH) {
            const npy_intp many = std::min<npy_intp>(SIDE, (n - at + L::count - 1) / L::count);
            Vector total[SIDE] = {};
            for (npy_intp first = 0; first < height; first += BLOCK) {
                Vector part[SIDE] = {};
                for (npy_intp k = first; k < std::min(first + BLOCK, height); ++k)
                    for (npy_intp v = 0, i = k * n + at; v < many; ++v, i += L::count) {
                        const npy_intp some = n - at - v * L::count;
                        part[v] += x == nullptr ? load(g + i, some, 0) : load(g + i, some, 0) * load(x + i, some, 0);
                    }
                for (int v = 0; v < SIDE; ++v) total[v] += part[v];
            }
            for (npy_intp v = 0; v < many; ++v) store(to + at + v * L::count, total[v], n - at - v * L::count);
        }
    });
    return made.release();
}

// adam(x, g, m, v, b1, b2, rate, root, eps, keep): Adam's step, in place, after x *= keep; False where it is not done
PyObject* py_adam(PyObject*, PyObject* args) {
    PyObject* arrays[4];
    double b1, b2, rate, root, eps, keep;
    if (!PyArg_ParseTuple(args, "OOOOdddddd", &arrays[0], &arrays[1], &arrays[2], &arrays[3], &b1, &b2, &rate, &root,
                          &eps, &keep))
        return nullptr;
    for (PyObject* a : arrays)
        if (!alike(a, arrays[0]) || !PyArray_ISWRITEABLE(as_array(a))) Py_RETURN_FALSE;
    float *x = data(arrays[0]), *g = data(arrays[1]), *m = data(arrays[2]), *v = data(arrays[3]);
    const npy_intp n = PyArray_SIZE(as_array(arrays[0]));
    auto f = [](double number) { return all(static_cast<float>(number)); };
    const Vector one = f(1 - b1), two = f(1 - b2), second = f(b2), by = f(rate), over = f(root), small = f(eps);
    const Vector kept = f(keep);
    rows((n + L::count - 1) / L::count, L::count, [&](npy_intp begin, npy_intp end) {
        for (npy_intp k = begin * L::count; k < end * L::count; k += L::count) {
            const npy_intp some = n - k;
            const Vector slope = load(g + k, some, 0), before = load(m + k, some, 0);
            const Vector mean = before + (slope - before) * one;
            const Vector square = load(v + k, some, 0) * second + slope * slope * two;
            Vector size;
            for (int i = 0; i < L::count; ++i) size[i] = std::sqrt(square[i]);
            store(m + k, mean, some);
            store(v + k, square, some);
            store(x + k, load(x + k, some, 0) * kept - mean / (size / over + small) * by, some);
        }
    });
    Py_RETURN_TRUE;
}

PyMethodDef methods[] = {
    {"gelu", py_gelu, METH_O, "gelu(x), or None"},
    {"gelu_slope", fast(py_gelu_slope), METH_FASTCALL, "gelu_slope(g, x), or None"},
    {"softmax", of_rows<softmax>, METH_O, "softmax(x) over the last dim, or None"},
    {"log_softmax", of_rows<log_softmax>, METH_O, "log_softmax(x) over the last dim, or None"},
    {"softmax_slope", fast(py_softmax_slope), METH_FASTCALL, "softmax_slope(g, y) over the last dim, or None"},
    {"adam", py_adam, METH_VARARGS, "adam(x, g, m, v, b1, b2, rate, root, eps, keep), whether it was done"},
    {"scale_shift", fast(py_scale_shift), METH_FASTCALL, "scale_shift(x, w, b), or None"},
    {"sum_rows", fast(py_sum_rows), METH_FASTCALL, "sum_rows(g, x or None, shape), or None"},
    {"standardize", py_standardize, METH_VARARGS, "standardize(x, last dims, eps), or None"},
    {"standardize_slope", py_standardize_slope, METH_VARARGS, "standardize_slope(g, xhat, var, eps), or None"},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_rows(PyObject* module) { return PyModule_AddFunctions(module, methods); }

}  // namespace glassgrad
