// Attention in float32, what `attend` in ops/attention.py says: a head at a time on a thread, whose scores stay in its
// cache from the first product to the last.
#include "float.h"
#include "products.h"

#include <vector>

namespace glassgrad {
namespace {

// One operand: a matrix for each head, which the dims in front number.
struct Heads {
    PyArrayObject* array = nullptr;
    Matrix form{};
    npy_intp rows = 0, columns = 0;

    bool read(PyObject* x) {
        if (!is_array(x)) return false;
        array = as_array(x);
        const int dims = PyArray_NDIM(array);
        if (dims < 2 || PyArray_TYPE(array) != NPY_FLOAT || !PyArray_ISBEHAVED_RO(array) || PyArray_SIZE(array) == 0 ||
            !matrix_of(array, form))
            return false;
        rows = PyArray_DIM(array, dims - 2);
        columns = PyArray_DIM(array, dims - 1);
        return true;
    }
    bool beside(const Heads& other) const {
        const int dims = PyArray_NDIM(array);
        return PyArray_NDIM(other.array) == dims &&
               PyArray_CompareLists(PyArray_DIMS(array), PyArray_DIMS(other.array), dims - 2);
    }
    npy_intp count() const { return PyArray_SIZE(array) / (rows * columns); }
    float* at(npy_intp head) const {
        char* found = PyArray_BYTES(array);
        for (int d = PyArray_NDIM(array) - 3; d >= 0; --d) {
            found += head % PyArray_DIM(array, d) * PyArray_STRIDE(array, d);
            head /= PyArray_DIM(array, d);
        }
        return reinterpret_cast<float*>(found);
    }
    Matrix turned() const { return {!form.transposed, form.step}; }
};

// As large as x but for its columns, its dims in the same order in memory, as PyTorch's result of attention.
PyObject* like(const Heads& x, npy_intp columns) {
    const int dims = PyArray_NDIM(x.array);
    int order[NPY_MAXDIMS];  // the dims as they follow in memory
    npy_intp inner[NPY_MAXDIMS], back[NPY_MAXDIMS];
    for (int d = 0; d < dims; ++d) order[d] = d;
    std::stable_sort(order, order + dims - 1,
                     [&](int a, int b) { return PyArray_STRIDE(x.array, a) > PyArray_STRIDE(x.array, b); });
    for (int k = 0; k < dims; ++k) {
        inner[k] = k == dims - 1 ? columns : PyArray_DIM(x.array, order[k]);
        back[order[k]] = k;
    }
    Ref memory(PyArray_SimpleNew(dims, inner, NPY_FLOAT));
    PyArray_Dims axes{back, dims};
    return memory ? PyArray_Transpose(as_array(memory.get()), &axes) : nullptr;
}

// y_i = exp(scale (x_i - max)) / sum, for the first `seen` of n numbers, in place; 0 for the others, or NaN for all.
void softmax(float* x, npy_intp seen, npy_intp n, float scale) {
    const float lowest = -std::numeric_limits<float>::infinity();
    Vector most = all(lowest);
    vectors(seen, [&](npy_intp k, npy_intp some) {
        const Vector v = load(x + k, some, lowest / scale) * scale;
        most = ((v > most) | (v != v)) ? v : most;  // NaN wins
    });
    const Vector shift = all(L::fold(most, [](Vector a, Vector b) { return ((b > a) | (b != b)) ? b : a; }));
    Vector total{};
    vectors(seen, [&](npy_intp k, npy_intp some) {
        const Vector e = exp_of(load(x + k, some, lowest / scale) * scale - shift);
        total += some < L::count ? reinterpret_cast<Vector>(reinterpret_cast<Mask>(e) & L::first(static_cast<int>(some))) : e;
        store(x + k, e, some);
    });
    const Vector by = all(1.0f / L::sum(total));
    vectors(seen, [&](npy_intp k, npy_intp some) { store(x + k, load(x + k, some, 0) * by, some); });
    std::fill(x + seen, x + n, 0.0f * by[0]);
}

// attend(q, k, v, scale, causal) -> (y, p), or None
PyObject* py_attend(PyObject*, PyObject* args) {
    PyObject* given[3];
    double scale;
    int causal;
    if (!PyArg_ParseTuple(args, "OOOdp", &given[0], &given[1], &given[2], &scale, &causal)) return nullptr;
    Heads q, k, v, y, p;
    if (!has_products() || !q.read(given[0]) || !k.read(given[1]) || !v.read(given[2]) || !q.beside(k) || !q.beside(v) ||
        q.columns != k.columns || k.rows != v.rows || !(scale > 0))
        Py_RETURN_NONE;
    const int dims = PyArray_NDIM(q.array);
    npy_intp shape[NPY_MAXDIMS];
    std::copy_n(PyArray_DIMS(q.array), dims - 1, shape);
    shape[dims - 1] = k.rows;
    Ref made(like(q, v.columns)), weights(PyArray_SimpleNew(dims, shape, NPY_FLOAT));
    if (!made || !weights || !y.read(made.get()) || !p.read(weights.get())) return nullptr;
    rows(q.count(), q.rows * k.rows, [&](npy_intp begin, npy_intp end) {
        for (npy_intp head = begin; head < end; ++head) {
            float* at = p.at(head);
            small_product(q.form, k.turned(), q.rows, k.rows, q.columns, q.at(head), k.at(head), at, k.rows);
            for (npy_intp i = 0; i < q.rows; ++i)
                softmax(at + i * k.rows, causal ? std::min(i + 1, k.rows) : k.rows, k.rows, static_cast<float>(scale));
            small_product(p.form, v.form, q.rows, v.columns, k.rows, at, v.at(head), y.at(head), y.form.step);
        }
    });
    return PyTuple_Pack(2, made.get(), weights.get());
}

// attend_slopes(g, q, k, v, p, scale) -> the gradients of q, k and v from that of y, or None
PyObject* py_attend_slopes(PyObject*, PyObject* args) {
    PyObject* given[5];
    double scale;
    if (!PyArg_ParseTuple(args, "OOOOOd", &given[0], &given[1], &given[2], &given[3], &given[4], &scale)) return nullptr;
    Heads g, q, k, v, p, dq, dk, dv;
    if (!has_products() || !g.read(given[0]) || !q.read(given[1]) || !k.read(given[2]) || !v.read(given[3]) ||
        !p.read(given[4]) || !g.beside(q) || g.columns != v.columns)
        Py_RETURN_NONE;
    Ref made[3] = {Ref(like(q, q.columns)), Ref(like(k, k.columns)), Ref(like(v, v.columns))};
    for (const Ref& one : made)
        if (!one) return nullptr;
    if (!dq.read(made[0].get()) || !dk.read(made[1].get()) || !dv.read(made[2].get())) return nullptr;
    const float by = static_cast<float>(scale);
    rows(q.count(), q.rows * k.rows, [&](npy_intp begin, npy_intp end) {
        std::vector<float> room(static_cast<std::size_t>(q.rows * k.rows));
        const Matrix plain{false, k.rows}, turned{true, k.rows};
        for (npy_intp head = begin; head < end; ++head) {
            const float* weights = p.at(head);
            small_product(turned, g.form, k.rows, v.columns, q.rows, weights, g.at(head), dv.at(head), dv.form.step);
            small_product(g.form, v.turned(), q.rows, k.rows, v.columns, g.at(head), v.at(head), room.data(), k.rows);
            for (npy_intp i = 0; i < q.rows; ++i) {
                float* d = room.data() + i * k.rows;
                const float* w = weights + i * k.rows;
                Vector total{};
                vectors(k.rows, [&](npy_intp j, npy_intp some) { total += load(d + j, some, 0) * load(w + j, some, 0); });
                const Vector inner = all(L::sum(total));
                vectors(k.rows, [&](npy_intp j, npy_intp some) {
                    store(d + j, load(w + j, some, 0) * (load(d + j, some, 0) - inner) * by, some);
                });
            }
            small_product(plain, k.form, q.rows, q.columns, k.rows, room.data(), k.at(head), dq.at(head), dq.form.step);
            small_product(turned, q.form, k.rows, q.columns, q.rows, room.data(), q.at(head), dk.at(head), dk.form.step);
        }
    });
    return PyTuple_Pack(3, made[0].get(), made[1].get(), made[2].get());
}

PyMethodDef methods[] = {
    {"attend", py_attend, METH_VARARGS, "attend(q, k, v, scale, causal) -> (y, weights), or None"},
    {"attend_slopes", py_attend_slopes, METH_VARARGS, "attend_slopes(g, q, k, v, weights, scale), or None"},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_attention(PyObject* module) { return PyModule_AddFunctions(module, methods); }

}  // namespace glassgrad
