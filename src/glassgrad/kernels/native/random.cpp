// Random numbers in float32: uniform ones from the words of NumPy's generator, and what makes normal ones of them. The
// roundings are those of core/samplers.py, bit for bit: no product and sum in one rounding but where it says double.
#include "common.h"
#include "threads.h"

#include <cmath>
#include <cstring>
#include <numpy/random/bitgen.h>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("fp-contract=off")
#elif defined(__clang__)
#pragma clang fp contract(off)
#endif

namespace glassgrad {
namespace {

constexpr int HALF = 8, BLOCK = 16;  // of a block's numbers the first half gives the radius, the last the angle

template <class To, class From>
inline To bits(From x) {
    To y;
    std::memcpy(&y, &x, sizeof y);
    return y;
}

inline float fused(float x, float y, float z) {
    return static_cast<float>(static_cast<double>(x) * static_cast<double>(y) + static_cast<double>(z));
}

inline float log_of(float x) {  // of (0, 1]
    const std::int32_t word = bits<std::int32_t>(x);
    const float mantissa = bits<float>((word & 0x7FFFFF) | 0x3F000000);
    const float low = mantissa < 0.707106769f ? 1.0f : 0.0f;
    const float e = static_cast<float>((word >> 23) - 126) - low;
    const float m = (mantissa - 1.0f) + mantissa * low;
    const float square = m * m;
    float y = 7.0376836292e-2f;
    for (float c : {-1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f, 1.4249322787e-1f, -1.6668057665e-1f,
                    2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f})
        y = fused(m, y, c);
    const double series = static_cast<double>(y * m) * static_cast<double>(square);
    const float sum = static_cast<float>(series + static_cast<double>(e * -2.12194440e-4f));
    return (m + (sum - square * 0.5f)) + e * 0.693359375f;
}

inline void sin_cos(float angle, float& sine, float& cosine) {  // of [0, 2 pi]
    const std::int32_t octant = (static_cast<std::int32_t>(angle * 1.27323954f) + 1) & ~1;
    const float k = static_cast<float>(octant);
    const float x = fused(-k, 3.77489497744594108e-8f, (angle - k * 0.78515625f) - k * 2.4187564849853515625e-4f);
    const double wide = x;
    const float z = static_cast<float>(wide * wide);
    float c = fused(z, 2.443315711809948e-5f, -1.388731625493765e-3f), s = fused(z, -1.9515295891e-4f, 8.3321608736e-3f);
    c = fused(z, c, 4.166664568298827e-2f), s = fused(z, s, -1.6666654611e-1f);
    const double cosines = static_cast<double>(c * z) * static_cast<double>(z) - static_cast<double>(z * 0.5f);
    const double sines = static_cast<double>(s * z) * wide + wide;
    const std::int32_t a = bits<std::int32_t>(static_cast<float>(sines));
    const std::int32_t b = bits<std::int32_t>(static_cast<float>(cosines) + 1.0f);
    const std::int32_t swapped = (a ^ b) & -((octant >> 1) & 1);
    const std::uint32_t sign = static_cast<std::uint32_t>(octant & 4) << 29;
    const std::uint32_t other = static_cast<std::uint32_t>((octant + 2) & 4) << 29;
    sine = bits<float>(static_cast<std::uint32_t>(a ^ swapped) ^ sign);
    cosine = bits<float>(static_cast<std::uint32_t>(b ^ swapped) ^ other);
}

void box_muller(float* u, float mean, float deviation) {
    float radius[HALF], sine[HALF], cosine[HALF];
    for (int k = 0; k < HALF; ++k) radius[k] = std::sqrt(-2.0f * log_of(1.0f - u[k]));
    for (int k = 0; k < HALF; ++k) sin_cos(6.28318548f * u[HALF + k], sine[k], cosine[k]);
    for (int k = 0; k < HALF; ++k) {
        u[k] = fused(radius[k] * cosine[k], deviation, mean);
        u[HALF + k] = fused(radius[k] * sine[k], deviation, mean);
    }
}

bool floats(PyObject* a) {
    return is_array(a) && PyArray_TYPE(as_array(a)) == NPY_FLOAT && PyArray_ISCARRAY(as_array(a));
}

// uniform_floats(capsule of a bit generator, out, span, low, top, bottom): u * span + low, and bottom where that is top
PyObject* py_uniform(PyObject*, PyObject* args) {
    PyObject *capsule, *out;
    double span, low;
    float top, bottom;
    if (!PyArg_ParseTuple(args, "OOddff", &capsule, &out, &span, &low, &top, &bottom)) return nullptr;
    auto* source = static_cast<bitgen_t*>(PyCapsule_GetPointer(capsule, "BitGenerator"));
    if (source == nullptr) return nullptr;
    if (!floats(out)) {
        PyErr_SetString(PyExc_TypeError, "uniform_floats takes a contiguous array of float32");
        return nullptr;
    }
    float* to = data(out);
    const npy_intp n = PyArray_SIZE(as_array(out));
    for (npy_intp k = 0; k < n; ++k) {
        const double unit = static_cast<double>(source->next_uint32(source->state) & 0xFFFFFFu) * 0x1p-24;
        const float x = static_cast<float>(unit * span + low);
        to[k] = x == top ? bottom : x;
    }
    Py_RETURN_NONE;
}

// normal_floats(u, mean, deviation): uniform numbers into normal ones, in place; a multiple of 16
PyObject* py_normal(PyObject*, PyObject* args) {
    PyObject* u;
    float mean, deviation;
    if (!PyArg_ParseTuple(args, "Off", &u, &mean, &deviation)) return nullptr;
    const npy_intp n = floats(u) ? PyArray_SIZE(as_array(u)) : -1;
    if (n < 0 || n % BLOCK != 0) {
        PyErr_SetString(PyExc_TypeError, "normal_floats takes a contiguous array of float32, a multiple of 16");
        return nullptr;
    }
    float* at = data(u);
    ranges(static_cast<std::size_t>(n / BLOCK), 1024, [&](std::size_t begin, std::size_t end) {
        for (std::size_t k = begin; k < end; ++k) box_muller(at + k * BLOCK, mean, deviation);
    });
    Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"uniform_floats", py_uniform, METH_VARARGS, "uniform_floats(capsule, out, span, low, top, bottom)"},
    {"normal_floats", py_normal, METH_VARARGS, "normal_floats(u, mean, deviation), in place"},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_random(PyObject* module) { return PyModule_AddFunctions(module, methods); }

}  // namespace glassgrad
