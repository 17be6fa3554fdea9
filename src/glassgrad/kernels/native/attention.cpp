// Attention in float32, what `attend` in ops/attention.py says: a head at a time on a thread, whose scores stay in its
// cache from the first product to the last.
#include "float.h"
#include "products.h"

#include <type_traits>
#include <vector>

namespace glassgrad {
namespace {

// One operand: a matrix for each head, which the dims in front number; its rows lie `down` apart, its columns beside
// each other.
struct Heads {
    PyArrayObject* array = nullptr;
    npy_intp rows = 0, columns = 0, down = 0;

    bool read(PyObject* x) {
        if (!is_array(x)) return false;
        array = as_array(x);
        const int dims = PyArray_NDIM(array);
        constexpr npy_intp item = sizeof(float);
        if (dims < 2 || PyArray_TYPE(array) != NPY_FLOAT || !PyArray_ISBEHAVED_RO(array) || PyArray_SIZE(array) == 0)
            return false;
        rows = PyArray_DIM(array, dims - 2);
        columns = PyArray_DIM(array, dims - 1);
        down = PyArray_STRIDE(array, dims - 2) / item;
        return (columns == 1 || PyArray_STRIDE(array, dims - 1) == item) && PyArray_STRIDE(array, dims - 2) % item == 0;
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
    // Its transpose, rows `stride` apart.
    npy_intp stride() const { return (rows + L::count - 1) / L::count * L::count; }
    std::size_t padded() const { return static_cast<std::size_t>(stride() * columns); }
    void turn(npy_intp head, float* to) const { glassgrad::turn(at(head), rows, down, columns, to, stride()); }
};

// The product of two small matrices, as a rule in registers: x's elements lie `down` and `across` apart, w's rows `step`.
void product(npy_intp m, npy_intp n, npy_intp k, const float* x, npy_intp down, npy_intp across, const float* w,
             npy_intp step, float* y, npy_intp y_step) {
    auto rows = [&](auto high, auto vectors, npy_intp j) {
        constexpr int HIGH = decltype(high)::value, VECTORS = decltype(vectors)::value;
        npy_intp i = 0;
        for (; i + HIGH <= m; i += HIGH)
            strip<float, HIGH, VECTORS>(x + i * down, down, across, w + j, step, k, nullptr, y + i * y_step + j, y_step);
        for (; i < m; ++i)
            strip<float, 1, VECTORS>(x + i * down, down, across, w + j, step, k, nullptr, y + i * y_step + j, y_step);
    };
    constexpr std::integral_constant<int, 1> one{};
    constexpr std::integral_constant<int, 2> two{};
    constexpr std::integral_constant<int, 4> four{};
    constexpr std::integral_constant<int, 8> eight{};
    npy_intp j = 0;
    for (; j + 4 * L::count <= n; j += 4 * L::count)
        rows(four, four, j);
    for (; j + 2 * L::count <= n; j += 2 * L::count)
        rows(eight, two, j);
    for (; j + L::count <= n; j += L::count)
        rows(eight, one, j);
    for (; j < n; ++j)
        for (npy_intp i = 0; i < m; ++i) {
            float total = 0;
            for (npy_intp at = 0; at < k; ++at) total += x[i * down + at * across] * w[at * step + j];
            y[i * y_step + j] = total;
        }
}

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

// attend(q, k, v, scale, causal) -> (y, p), or None
PyObject* py_attend(PyObject*, PyObject* args) {
    PyObject* given[3];
    double scale;
    int causal;
    if (!PyArg_ParseTuple(args, "OOOdp", &given[0], &given[1], &given[2], &scale, &causal)) return nullptr;
    Heads q, k, v, y, p;
    if (!q.read(given[0]) || !k.read(given[1]) || !v.read(given[2]) || !q.beside(k) || !q.beside(v) ||
        q.columns != k.columns || k.rows != v.rows || !(scale > 0))
        Py_RETURN_NONE;
    const int dims = PyArray_NDIM(q.array);
    npy_intp shape[NPY_MAXDIMS];
    std::copy_n(PyArray_DIMS(q.array), dims - 1, shape);
    shape[dims - 1] = k.rows;
    Ref made(like(q, v.columns)), weights(PyArray_SimpleNew(dims, shape, NPY_FLOAT));
    if (!made || !weights || !y.read(made.get()) || !p.read(weights.get())) return nullptr;
    const float by = static_cast<float>(scale);
    rows(q.count(), q.rows * k.rows, [&](npy_intp begin, npy_intp end) {
        std::vector<float> keys(k.padded());
        for (npy_intp head = begin; head < end; ++head) {
            float* at = p.at(head);
            k.turn(head, keys.data());
            product(q.rows, k.rows, q.columns, q.at(head), q.down, 1, keys.data(), k.stride(), at, k.rows);
            for (npy_intp i = 0; i < q.rows; ++i)
                softmax_row(at + i * k.rows, at + i * k.rows, causal ? std::min(i + 1, k.rows) : k.rows, k.rows, by);
            product(q.rows, v.columns, k.rows, at, k.rows, 1, v.at(head), v.down, y.at(head), y.down);
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
    if (!g.read(given[0]) || !q.read(given[1]) || !k.read(given[2]) || !v.read(given[3]) ||
        !p.read(given[4]) || !g.beside(q) || g.columns != v.columns)
        Py_RETURN_NONE;
    Ref made[3] = {Ref(like(q, q.columns)), Ref(like(k, k.columns)), Ref(like(v, v.columns))};
    for (const Ref& one : made)
        if (!one) return nullptr;
    if (!dq.read(made[0].get()) || !dk.read(made[1].get()) || !dv.read(made[2].get())) return nullptr;
    const float by = static_cast<float>(scale);
    rows(q.count(), q.rows * k.rows, [&](npy_intp begin, npy_intp end) {
        std::vector<float> scores(static_cast<std::size_t>(q.rows * k.rows)), values(v.padded());
        float* s = scores.data();
        for (npy_intp head = begin; head < end; ++head) {
            const float* weights = p.at(head);
            product(k.rows, v.columns, q.rows, weights, 1, k.rows, g.at(head), g.down, dv.at(head), dv.down);
            v.turn(head, values.data());
            product(q.rows, k.rows, v.columns, g.at(head), g.down, 1, values.data(), v.stride(), s, k.rows);
            for (npy_intp i = 0; i < q.rows; ++i) {
                float* d = s + i * k.rows;
                const float* w = weights + i * k.rows;
                Vector total{};
                vectors(k.rows, [&](npy_intp j, npy_intp some) { total += load(d + j, some, 0) * load(w + j, some, 0); });
                const Vector inner = all(L::sum(total));
                vectors(k.rows, [&](npy_intp j, npy_intp some) {
                    store(d + j, load(w + j, some, 0) * (load(d + j, some, 0) - inner) * by, some);
                });
            }
            product(q.rows, q.columns, k.rows, s, k.rows, 1, k.at(head), k.down, dq.at(head), dq.down);
            product(k.rows, q.columns, q.rows, s, 1, k.rows, q.at(head), q.down, dk.at(head), dk.down);
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
