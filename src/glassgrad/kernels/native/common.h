// What every file of the native engine includes: Python, NumPy's C interface, and references that count themselves.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL glassgrad_array_api
#define PY_UFUNC_UNIQUE_SYMBOL glassgrad_ufunc_api
#ifndef GLASSGRAD_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#define NO_IMPORT_UFUNC
#endif
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>
#include <numpy/ufuncobject.h>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace glassgrad {

// An owned reference, released when it goes out of scope.
class Ref {
public:
    Ref() = default;
    explicit Ref(PyObject* owned) : object(owned) {}
    Ref(Ref&& other) noexcept : object(std::exchange(other.object, nullptr)) {}
    Ref(const Ref& other) : object(Py_XNewRef(other.object)) {}
    Ref& operator=(Ref other) noexcept {
        std::swap(object, other.object);
        return *this;
    }
    ~Ref() { Py_XDECREF(object); }

    static Ref to(PyObject* borrowed) { return Ref(Py_XNewRef(borrowed)); }
    PyObject* get() const { return object; }
    PyObject* release() { return std::exchange(object, nullptr); }
    explicit operator bool() const { return object != nullptr; }

private:
    PyObject* object = nullptr;
};

inline PyArrayObject* as_array(PyObject* x) { return reinterpret_cast<PyArrayObject*>(x); }
inline bool is_array(PyObject* x) { return Py_IS_TYPE(x, &PyArray_Type); }

template <class T = float>
T* data(PyObject* array) {
    return reinterpret_cast<T*>(PyArray_BYTES(as_array(array)));
}

// A function with the arguments of METH_FASTCALL or METH_KEYWORDS, as a table of methods takes it.
template <class F>
PyCFunction fast(F function) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

// Each file adds what it gives to the module; -1 with a Python error where that fails.
int add_attention(PyObject* module);
int add_calls(PyObject* module);
int add_memory(PyObject* module);
int add_threads(PyObject* module);
int add_products(PyObject* module);
int add_program(PyObject* module);
int add_random(PyObject* module);
int add_recurrent(PyObject* module);
int add_rows(PyObject* module);
int add_tape(PyObject* module);
int add_walk(PyObject* module);
int add_windows(PyObject* module);

}  // namespace glassgrad
