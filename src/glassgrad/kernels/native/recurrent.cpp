// One step of an LSTM's n rows in float32, forward and back: what ops/recurrent.py does beside the matrix products.
// Gates lie in a row as i, f, g, o, H numbers each.
#include "float.h"

namespace glassgrad {
namespace {

// Arrays of float32 of n rows of `width` numbers that follow one another; the first says what n is.
bool fits(PyObject* x, npy_intp n, npy_intp width) {
    return is_array(x) && PyArray_TYPE(as_array(x)) == NPY_FLOAT && PyArray_ISCARRAY_RO(as_array(x)) &&
           PyArray_NDIM(as_array(x)) == 2 && PyArray_DIM(as_array(x), 0) == n && PyArray_DIM(as_array(x), 1) == width;
}

float* data(PyObject* x) { return reinterpret_cast<float*>(PyArray_BYTES(as_array(x))); }

PyObject* made(npy_intp n, npy_intp width) {
    npy_intp shape[] = {n, width};
    return PyArray_SimpleNew(2, shape, NPY_FLOAT);
}

// lstm_step(a, m, h, c) -> (h, c), or None; a becomes the gates
PyObject* step(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (count != 4 || !is_array(args[3]) || PyArray_NDIM(as_array(args[3])) != 2) Py_RETURN_NONE;
    const npy_intp n = PyArray_DIM(as_array(args[3]), 0), size = PyArray_DIM(as_array(args[3]), 1);
    if (!fits(args[0], n, 4 * size) || !fits(args[1], n, 4 * size) || !fits(args[3], n, size)) Py_RETURN_NONE;
    Ref h(made(n, size)), c(made(n, size));
    if (!h || !c) return nullptr;
    float *gates = data(args[0]), *m = data(args[1]), *before = data(args[3]), *to_h = data(h.get()), *to_c = data(c.get());
    rows(n, 8 * size, [&](npy_intp begin, npy_intp end) {
        for (npy_intp row = begin; row < end; ++row) {
            float* a = gates + row * 4 * size;
            const float* add = m + row * 4 * size;
            vectors(size, [&](npy_intp k, npy_intp some) {
                auto gate = [&](npy_intp which) { return load(a + which * size + k, some, 0) + load(add + which * size + k, some, 0); };
                const Vector i = sigmoid_of(gate(0)), f = sigmoid_of(gate(1)), g = tanh_of(gate(2)), o = sigmoid_of(gate(3));
                const Vector cell = f * load(before + row * size + k, some, 0) + i * g;
                store(a + k, i, some);
                store(a + size + k, f, some);
                store(a + 2 * size + k, g, some);
                store(a + 3 * size + k, o, some);
                store(to_c + row * size + k, cell, some);
                store(to_h + row * size + k, o * tanh_of(cell), some);
            });
        }
    });
    return PyTuple_Pack(2, h.get(), c.get());
}

// lstm_back(d, gates, c, h0, c0, dh, dc) -> c0's gradient, or None; d is filled with a's
PyObject* back(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (count != 7 || !is_array(args[2]) || PyArray_NDIM(as_array(args[2])) != 2) Py_RETURN_NONE;
    const npy_intp n = PyArray_DIM(as_array(args[2]), 0), size = PyArray_DIM(as_array(args[2]), 1);
    for (int k : {0, 1})
        if (!fits(args[k], n, 4 * size)) Py_RETURN_NONE;
    for (int k : {2, 4, 5, 6})
        if (!fits(args[k], n, size)) Py_RETURN_NONE;
    PyObject* slope = made(n, size);
    if (slope == nullptr) return nullptr;
    float *d = data(args[0]), *gates = data(args[1]), *c = data(args[2]), *c0 = data(args[4]), *dh = data(args[5]);
    float *dc = data(args[6]), *to = data(slope);
    rows(n, 8 * size, [&](npy_intp begin, npy_intp end) {
        for (npy_intp row = begin; row < end; ++row)
            vectors(size, [&](npy_intp k, npy_intp some) {
                const npy_intp at = row * size + k, wide = row * 4 * size + k;
                const Vector i = load(gates + wide, some, 0), f = load(gates + wide + size, some, 0);
                const Vector g = load(gates + wide + 2 * size, some, 0), o = load(gates + wide + 3 * size, some, 0);
                const Vector t = tanh_of(load(c + at, some, 0)), up = load(dh + at, some, 0);
                const Vector cell = load(dc + at, some, 0) + up * o * (1.0f - t * t);
                store(d + wide, cell * g * (i * (1.0f - i)), some);
                store(d + wide + size, cell * load(c0 + at, some, 0) * (f * (1.0f - f)), some);
                store(d + wide + 2 * size, cell * i * (1.0f - g * g), some);
                store(d + wide + 3 * size, up * t * (o * (1.0f - o)), some);
                store(to + at, cell * f, some);
            });
    });
    return slope;
}

PyMethodDef methods[] = {
    {"lstm_step", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(step)), METH_FASTCALL,
     "lstm_step(a, m, h, c) -> (h, c), or None"},
    {"lstm_back", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(back)), METH_FASTCALL,
     "lstm_back(d, gates, c, h0, c0, dh, dc) -> c0's gradient, or None"},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_recurrent(PyObject* module) { return PyModule_AddFunctions(module, methods); }

}  // namespace glassgrad
