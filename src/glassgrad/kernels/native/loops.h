// NumPy's own inner loops, run without the preparations that a ufunc makes for every call: the same instructions on the
// same numbers, so the same bits; large arrays are shared among the threads.
#pragma once

#include "common.h"
#include "threads.h"

namespace glassgrad {

struct Loop {
    PyUFuncGenericFunction function = nullptr;
    void* data = nullptr;
    int result = NPY_NOTYPE;

    // The loop of a ufunc whose operands are all of this type; no function where it has none.
    static Loop of(PyObject* ufunc, int type) {
        auto* u = reinterpret_cast<PyUFuncObject*>(ufunc);
        if (u->nout != 1) return {};
        for (int k = 0; k < u->ntypes; ++k) {
            const char* types = u->types + k * u->nargs;
            bool fits = true;
            for (int i = 0; i < u->nin; ++i) fits = fits && types[i] == type;
            if (fits) return {u->functions[k], u->data ? u->data[k] : nullptr, types[u->nin]};
        }
        return {};
    }

    // y[i] = f(x[i]...) for n elements; a stride of 0 says that an operand is a single number.
    void run(char* const* x, const npy_intp* strides, Py_ssize_t count, char* y, npy_intp step, npy_intp n) const {
        constexpr std::size_t GRAIN = 1 << 15;  // elements for a thread: enough to be worth the handing over
        auto some = [&](std::size_t begin, std::size_t end) {
            char* at[3];
            npy_intp by[3];
            for (Py_ssize_t i = 0; i < count; ++i) {
                at[i] = x[i] + static_cast<npy_intp>(begin) * strides[i];
                by[i] = strides[i];
            }
            at[count] = y + static_cast<npy_intp>(begin) * step;
            by[count] = step;
            const npy_intp size = static_cast<npy_intp>(end - begin);
            function(at, &size, by, data);
        };
        if (n <= static_cast<npy_intp>(GRAIN)) {
            some(0, static_cast<std::size_t>(n));
            return;
        }
        Py_BEGIN_ALLOW_THREADS
        ranges(static_cast<std::size_t>(n), GRAIN, some);
        Py_END_ALLOW_THREADS
    }
};

}  // namespace glassgrad
