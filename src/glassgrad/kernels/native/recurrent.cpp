// An LSTM in float32, what ops/recurrent.py says: one step beside its matrix products, and all steps of a layer whose
// weights fit a core's cache. Gates lie in a row as i, f, g, o, H numbers each.
//
// Rows of a batch don't meet: a part is some of them, taken through all steps by one thread, without waiting for others.
#include "float.h"

#include <algorithm>
#include <vector>

namespace glassgrad {
namespace {

constexpr int GATES = 4;
constexpr npy_intp TOGETHER = 16;        // rows of a part
constexpr npy_intp FITS = npy_intp{1} << 18;  // elements of weights that a core's cache holds

// A tile is so many rows by GATES vectors, what the registers hold.
#if defined(__AVX512F__)
constexpr int HIGH = 6;
#else
constexpr int HIGH = 2;
#endif

// Arrays of float32 of n rows of `width` numbers that follow one another.
bool fits(PyObject* x, npy_intp n, npy_intp width) {
    return is_array(x) && PyArray_TYPE(as_array(x)) == NPY_FLOAT && PyArray_ISCARRAY_RO(as_array(x)) &&
           PyArray_NDIM(as_array(x)) == 2 && PyArray_DIM(as_array(x), 0) == n && PyArray_DIM(as_array(x), 1) == width;
}


PyObject* made(npy_intp n, npy_intp width) {
    npy_intp shape[] = {n, width};
    return PyArray_SimpleNew(2, shape, NPY_FLOAT);
}

// --- the numbers k.. of a row, of which there are `some` ---

// a, what the gates are made of, becomes the gates; c0 -> c, h
inline void move(Vector (&a)[GATES], npy_intp size, npy_intp k, npy_intp some, float* gates, const float* c0, float* c,
                 float* h) {
    const Vector i = sigmoid_of(a[0]), f = sigmoid_of(a[1]), g = tanh_of(a[2]), o = sigmoid_of(a[3]);
    const Vector cell = f * load(c0 + k, some, 0) + i * g;
    store(gates + k, i, some);
    store(gates + size + k, f, some);
    store(gates + 2 * size + k, g, some);
    store(gates + 3 * size + k, o, some);
    store(c + k, cell, some);
    store(h + k, o * tanh_of(cell), some);
}

// The gradient of a, into d, and of c0, from those of h (`up`) and c
inline void move_back(Vector up, npy_intp size, npy_intp k, npy_intp some, const float* gates, const float* c,
                      const float* c0, const float* dc, float* d, float* dc0) {
    const Vector i = load(gates + k, some, 0), f = load(gates + size + k, some, 0);
    const Vector g = load(gates + 2 * size + k, some, 0), o = load(gates + 3 * size + k, some, 0);
    const Vector t = tanh_of(load(c + k, some, 0));
    const Vector cell = load(dc + k, some, 0) + up * o * (1.0f - t * t);
    store(d + k, cell * g * (i * (1.0f - i)), some);
    store(d + size + k, cell * load(c0 + k, some, 0) * (f * (1.0f - f)), some);
    store(d + 2 * size + k, cell * i * (1.0f - g * g), some);
    store(d + 3 * size + k, up * t * (o * (1.0f - o)), some);
    store(dc0 + k, cell * f, some);
}

// --- all steps ---

// The steps in the order in which the state moves: step s has the rows start[s].. of all arrays, one for each of the
// first size[s] rows of the batch.
struct Steps {
    std::vector<npy_intp> start, size;
    npy_intp count() const { return static_cast<npy_intp>(start.size()); }

    // False unless the sizes add up to the rows and never grow.
    bool read(PyObject* sizes, bool reverse, npy_intp n, npy_intp rows) {
        npy_intp at = 0;
        for (Py_ssize_t t = 0; t < PyTuple_GET_SIZE(sizes); ++t) {
            const npy_intp some = PyLong_AsSsize_t(PyTuple_GET_ITEM(sizes, t));
            if (some < 0 || some > (t ? size.back() : n)) {
                PyErr_Clear();  // of what is no number
                return false;
            }
            start.push_back(at);
            size.push_back(some);
            at += some;
        }
        if (reverse) {
            std::reverse(start.begin(), start.end());
            std::reverse(size.begin(), size.end());
        }
        return at == rows;
    }

    // Of an array of states, that which step s found for a row of the batch.
    const float* before(npy_intp s, npy_intp row, const float* first, const float* states, npy_intp width) const {
        return s > 0 && row < size[s - 1] ? states + (start[s - 1] + row) * width : first + row * width;
    }
};

// f(row, how many as a constant) for tiles of n rows, as even as can be.
template <class F, int... K>
void tiles(npy_intp n, F&& f, std::integer_sequence<int, K...>) {
    const npy_intp count = (n + HIGH - 1) / HIGH;
    for (npy_intp k = 0; k < count; ++k) {
        const npy_intp row = n * k / count, high = n * (k + 1) / count - row;
        ((high == K + 1 ? f(row, std::integral_constant<int, K + 1>{}) : void()), ...);
    }
}
template <class F>
void tiles(npy_intp n, F&& f) {
    tiles(n, f, std::make_integer_sequence<int, HIGH>{});
}

template <int ROWS>
struct Sums {
    Vector of[ROWS][GATES];
};

// rows of `depth` numbers times w (depth, GATES vectors)
template <int ROWS>
Sums<ROWS> multiply(const float* const (&row)[ROWS], const float* w, npy_intp depth) {
    Vector sums[ROWS][GATES];
    each<ROWS>([&](int r) { each<GATES>([&](int v) { sums[r][v] = Vector{}; }); });
    for (npy_intp k = 0; k < depth; ++k, w += GATES * L::count) {
        Vector in[GATES];
        each<GATES>([&](int v) { in[v] = L::load(w + v * L::count); });
        each<ROWS>([&](int r) {
            const Vector x = all(row[r][k]);
            each<GATES>([&](int v) { sums[r][v] += x * in[v]; });
        });
    }
    Sums<ROWS> made;
    each<ROWS>([&](int r) { each<GATES>([&](int v) { made.of[r][v] = sums[r][v]; }); });
    return made;
}

// f(first row, rows) of the parts of a batch.
template <class F>
void parts(npy_intp n, F&& f) {
    Py_BEGIN_ALLOW_THREADS
    ranges(static_cast<std::size_t>(n), TOGETHER, [&](std::size_t begin, std::size_t end) {
        f(static_cast<npy_intp>(begin), static_cast<npy_intp>(end - begin));
    });
    Py_END_ALLOW_THREADS
}

// lstm(a (rows, 4 H), w (4 H, H), h0 (N, H), c0, sizes, reverse) -> (h (rows, H), last h (N, H), c (rows, H), last c),
// or None; a becomes the gates
PyObject* lstm(PyObject*, PyObject* args) {
    PyObject *a, *w, *h0, *c0, *sizes;
    int reverse;
    if (!PyArg_ParseTuple(args, "OOOOO!p", &a, &w, &h0, &c0, &PyTuple_Type, &sizes, &reverse)) return nullptr;
    if (!is_array(a) || !is_array(h0) || PyArray_NDIM(as_array(a)) != 2 || PyArray_NDIM(as_array(h0)) != 2) Py_RETURN_NONE;
    const npy_intp rows = PyArray_DIM(as_array(a), 0), n = PyArray_DIM(as_array(h0), 0), size = PyArray_DIM(as_array(h0), 1);
    Steps steps;
    if (!fits(a, rows, GATES * size) || !fits(w, GATES * size, size) || !fits(h0, n, size) || !fits(c0, n, size) ||
        GATES * size * size > FITS || !steps.read(sizes, reverse, n, rows))
        Py_RETURN_NONE;
    Ref h(made(rows, size)), c(made(rows, size)), last_h(PyArray_NewCopy(as_array(h0), NPY_CORDER));
    Ref last_c(PyArray_NewCopy(as_array(c0), NPY_CORDER));
    if (!h || !c || !last_h || !last_c) return nullptr;
    const npy_intp panels = (size + L::count - 1) / L::count, panel = size * GATES * L::count;
    std::vector<float> packed(static_cast<std::size_t>(panels * panel));  // by vector of H: (H, GATES vectors)
    float *gates = data(a), *hs = data(h.get()), *cs = data(c.get());
    for (npy_intp p = 0; p < panels; ++p)
        for (int g = 0; g < GATES; ++g)
            turn(data(w) + (g * size + p * L::count) * size, std::min<npy_intp>(L::count, size - p * L::count), size, size,
                 &packed[p * panel + g * L::count], GATES * L::count);
    parts(n, [&](npy_intp first, npy_intp count) {
        for (npy_intp s = 0; s < steps.count(); ++s) {
            const npy_intp moving = std::clamp<npy_intp>(steps.size[s] - first, 0, count);
            for (npy_intp p = 0; p < panels; ++p)
                tiles(moving, [&](npy_intp from, auto high) {
                    const float* before[high];
                    each<high>([&](int r) { before[r] = steps.before(s, first + from + r, data(h0), hs, size); });
                    Sums<high> sums = multiply<high>(before, &packed[p * panel], size);
                    const npy_intp k = p * L::count;
                    each<high>([&](int r) {
                        const npy_intp row = first + from + r, at = steps.start[s] + row;
                        float* to = gates + at * GATES * size;
                        each<GATES>([&](int g) { sums.of[r][g] += load(to + g * size + k, size - k, 0); });
                        move(sums.of[r], size, k, size - k, to, steps.before(s, row, data(c0), cs, size), cs + at * size,
                             hs + at * size);
                    });
                });
            for (npy_intp row = first; row < first + moving; ++row) {
                std::copy_n(hs + (steps.start[s] + row) * size, size, data(last_h.get()) + row * size);
                std::copy_n(cs + (steps.start[s] + row) * size, size, data(last_c.get()) + row * size);
            }
        }
    });
    return PyTuple_Pack(4, h.get(), last_h.get(), c.get(), last_c.get());
}

// lstm_back(gates, c (rows, H), gradients of h (rows, H) or None, of the last h (N, H) and c, w, c0, sizes, reverse)
// -> the gradients of a (rows, 4 H), h0 and c0, or None
PyObject* lstm_back(PyObject*, PyObject* args) {
    PyObject *gates, *c, *g_h, *last_h, *last_c, *w, *c0, *sizes;
    int reverse;
    if (!PyArg_ParseTuple(args, "OOOOOOOO!p", &gates, &c, &g_h, &last_h, &last_c, &w, &c0, &PyTuple_Type, &sizes, &reverse))
        return nullptr;
    if (!is_array(c) || !is_array(c0) || PyArray_NDIM(as_array(c)) != 2 || PyArray_NDIM(as_array(c0)) != 2) Py_RETURN_NONE;
    const npy_intp rows = PyArray_DIM(as_array(c), 0), n = PyArray_DIM(as_array(c0), 0), size = PyArray_DIM(as_array(c0), 1);
    Steps steps;
    if (!fits(gates, rows, GATES * size) || !fits(c, rows, size) || (g_h != Py_None && !fits(g_h, rows, size)) ||
        !fits(last_h, n, size) || !fits(last_c, n, size) || !fits(w, GATES * size, size) || !fits(c0, n, size) ||
        GATES * size * size > FITS || !steps.read(sizes, reverse, n, rows))
        Py_RETURN_NONE;
    Ref d(made(rows, GATES * size)), dh(PyArray_NewCopy(as_array(last_h), NPY_CORDER));
    Ref dc(PyArray_NewCopy(as_array(last_c), NPY_CORDER));
    if (!d || !dh || !dc) return nullptr;
    constexpr npy_intp WIDE = GATES * L::count;
    const npy_intp panels = (size + WIDE - 1) / WIDE, panel = GATES * size * WIDE;
    std::vector<float> packed(static_cast<std::size_t>(panels * panel));  // by GATES vectors of H: (4 H, GATES vectors)
    for (npy_intp k = 0; k < GATES * size; ++k)
        for (npy_intp p = 0; p < panels; ++p)
            std::copy_n(data(w) + k * size + p * WIDE, std::min(WIDE, size - p * WIDE), &packed[p * panel + k * WIDE]);
    float *ds = data(d.get()), *dhs = data(dh.get()), *dcs = data(dc.get()), *cs = data(c);
    parts(n, [&](npy_intp first, npy_intp count) {
        for (npy_intp s = steps.count() - 1; s >= 0; --s) {
            const npy_intp moving = std::clamp<npy_intp>(steps.size[s] - first, 0, count);
            for (npy_intp row = first; row < first + moving; ++row) {
                const npy_intp at = steps.start[s] + row;
                vectors(size, [&](npy_intp k, npy_intp some) {
                    Vector up = load(dhs + row * size + k, some, 0);
                    if (g_h != Py_None) up += load(data(g_h) + at * size + k, some, 0);
                    move_back(up, size, k, some, data(gates) + at * GATES * size, cs + at * size,
                              steps.before(s, row, data(c0), cs, size), dcs + row * size, ds + at * GATES * size,
                              dcs + row * size);
                });
            }
            for (npy_intp p = 0; p < panels; ++p)
                tiles(moving, [&](npy_intp from, auto high) {
                    const float* slope[high];
                    each<high>([&](int r) { slope[r] = ds + (steps.start[s] + first + from + r) * GATES * size; });
                    const Sums<high> sums = multiply<high>(slope, &packed[p * panel], GATES * size);
                    each<high>([&](int r) {
                        each<GATES>([&](int v) {
                            const npy_intp k = p * WIDE + v * L::count;
                            if (k < size) store(dhs + (first + from + r) * size + k, sums.of[r][v], size - k);
                        });
                    });
                });
        }
    });
    return PyTuple_Pack(3, d.get(), dh.get(), dc.get());
}

// --- one step ---

// lstm_step(a, m, h, c) -> (h, c), or None; a becomes the gates
PyObject* lstm_step(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (count != 4 || !is_array(args[3]) || PyArray_NDIM(as_array(args[3])) != 2) Py_RETURN_NONE;
    const npy_intp n = PyArray_DIM(as_array(args[3]), 0), size = PyArray_DIM(as_array(args[3]), 1);
    if (!fits(args[0], n, GATES * size) || !fits(args[1], n, GATES * size) || !fits(args[3], n, size)) Py_RETURN_NONE;
    Ref h(made(n, size)), c(made(n, size));
    if (!h || !c) return nullptr;
    rows(n, 2 * GATES * size, [&](npy_intp begin, npy_intp end) {
        for (npy_intp row = begin; row < end; ++row)
            vectors(size, [&](npy_intp k, npy_intp some) {
                float *gates = data(args[0]) + row * GATES * size, *add = data(args[1]) + row * GATES * size;
                Vector a[GATES];
                for (int g = 0; g < GATES; ++g) a[g] = load(gates + g * size + k, some, 0) + load(add + g * size + k, some, 0);
                move(a, size, k, some, gates, data(args[3]) + row * size, data(c.get()) + row * size,
                     data(h.get()) + row * size);
            });
    });
    return PyTuple_Pack(2, h.get(), c.get());
}

// lstm_step_back(d, gates, c, h0, c0, dh, dc) -> c0's gradient, or None; d is filled with a's
PyObject* lstm_step_back(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (count != 7 || !is_array(args[2]) || PyArray_NDIM(as_array(args[2])) != 2) Py_RETURN_NONE;
    const npy_intp n = PyArray_DIM(as_array(args[2]), 0), size = PyArray_DIM(as_array(args[2]), 1);
    for (int k : {0, 1})
        if (!fits(args[k], n, GATES * size)) Py_RETURN_NONE;
    for (int k : {2, 4, 5, 6})
        if (!fits(args[k], n, size)) Py_RETURN_NONE;
    PyObject* slope = made(n, size);
    if (slope == nullptr) return nullptr;
    rows(n, 2 * GATES * size, [&](npy_intp begin, npy_intp end) {
        for (npy_intp row = begin; row < end; ++row)
            vectors(size, [&](npy_intp k, npy_intp some) {
                auto at = [&](int which) { return data(args[which]) + row * size; };
                move_back(load(at(5) + k, some, 0), size, k, some, data(args[1]) + row * GATES * size, at(2), at(4), at(6),
                          data(args[0]) + row * GATES * size, data(slope) + row * size);
            });
    });
    return slope;
}

PyMethodDef methods[] = {
    {"lstm", lstm, METH_VARARGS, "lstm(a, w, h0, c0, sizes, reverse) -> (h, last h, c, last c), or None"},
    {"lstm_back", lstm_back, METH_VARARGS,
     "lstm_back(gates, c, g of h, of the last h, c, w, c0, sizes, reverse) -> gradients of (a, h0, c0), or None"},
    {"lstm_step", fast(lstm_step), METH_FASTCALL, "lstm_step(a, m, h, c) -> (h, c), or None"},
    {"lstm_step_back", fast(lstm_step_back), METH_FASTCALL,
     "lstm_step_back(d, gates, c, h0, c0, dh, dc) -> c0's gradient, or None"},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_recurrent(PyObject* module) {
    if (PyModule_AddIntConstant(module, "LSTM_WEIGHTS", FITS) < 0) return -1;
    return PyModule_AddFunctions(module, methods);
}

}  // namespace glassgrad
