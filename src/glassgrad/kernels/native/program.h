// Programs: expressions over arrays of one shape, run in chunks that stay in the cache; see program.cpp.
#pragma once

#include "common.h"

namespace glassgrad {

extern PyTypeObject* program_type;

// The result of a Program's function as one array; null without an error where only the function itself will do.
// names and options are keyword arguments as in a vectorcall: they follow the others in args.
PyObject* run_program(PyObject* program, PyObject* const* args, Py_ssize_t count, PyObject* names);

}  // namespace glassgrad
