// The module glassgrad.kernels.engine*: built once for each level of instruction set, see setup.py.
#define GLASSGRAD_IMPORTS_NUMPY
#include "common.h"

#ifndef GLASSGRAD_LEVEL
#define GLASSGRAD_LEVEL engine
#endif
#define TEXT_OF(name) #name
#define TEXT(name) TEXT_OF(name)
#define JOINED_OF(a, b) a##b
#define JOINED(a, b) JOINED_OF(a, b)

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, TEXT(GLASSGRAD_LEVEL), "The compiled part of glassgrad.", -1};

PyMODINIT_FUNC JOINED(PyInit_, GLASSGRAD_LEVEL)() {
    import_array();
    import_umath();
    PyObject* module = PyModule_Create(&definition);
    if (module == nullptr) return nullptr;
    using namespace glassgrad;
    if (add_memory(module) < 0 || add_threads(module) < 0 || add_program(module) < 0 ||
        add_tape(module) < 0 || add_walk(module) < 0 || add_windows(module) < 0 || add_products(module) < 0 ||
        add_random(module) < 0 || add_rows(module) < 0 || add_recurrent(module) < 0 || add_attention(module) < 0 ||
        add_calls(module) < 0) {
        Py_DECREF(module);
        return nullptr;
    }
    return module;
}
