// A Program is a Python function of arrays that was traced into a list of NumPy's inner loops: `g * (1 - y * y)` is
// three. They are run one after the other on a chunk of the arrays that stays in the cache, then on the next chunk,
// without temporaries and without the preparations a ufunc makes for every call, and by several threads where the
// arrays are large. The same loops on the same numbers give the same bits as the function itself.
//
// What a call looks like decides on the trace that is run: which arguments are arrays, which numbers, which something
// else. Tracing is kernels/trace.py's; what cannot be traced is left to the function.
#include "program.h"

#include "threads.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

namespace glassgrad {

PyTypeObject* program_type;

namespace {

constexpr npy_intp CHUNK = 4096;       // elements: a register is 16 KiB in float32
constexpr npy_intp GRAIN = 4 * CHUNK;  // elements that are worth a thread
constexpr int ARGUMENTS = 12, TEMPORARIES = 16, VARIANTS = 16;

// Where an operand is: an argument, a temporary or a constant; the result is OUT.
struct Place {
    enum Kind : char { ARGUMENT, TEMPORARY, CONSTANT, OUT } kind;
    int index;
};

struct Instruction {
    PyUFuncGenericFunction loop;  // null: choose the second or third operand by the first
    void* data;
    int count;  // operands
    Place operand[3], result;
};

union Number {
    float narrow;
    double wide;
};

// One trace of the function.
struct Code {
    std::vector<Instruction> steps;
    std::vector<Number> constants;
    std::vector<npy_intp> widths;  // bytes of an element of each temporary
    int result = NPY_NOTYPE;
};

enum Shape : char { NUMBER, ARRAY, OTHER };

struct Variant {
    int type, count;
    Shape shapes[ARGUMENTS];
    Ref values[ARGUMENTS];       // of numbers that the trace depends on, and of what is neither number nor array
    bool by_value = false;       // whether the values of numbers count
    Ref names;
    std::unique_ptr<Code> code;  // null: cannot be traced
};

struct Program {
    PyObject_HEAD
    vectorcallfunc call;
    PyObject *function, *trace, *dict;
    std::vector<std::unique_ptr<Variant>>* variants;
};

// A Python number, or one of NumPy's of that very type.
bool number_of(PyObject* x, int type, Number& number) {
    double value;
    if (PyFloat_CheckExact(x)) {
        value = PyFloat_AS_DOUBLE(x);
    } else if (PyLong_CheckExact(x)) {
        int overflow;
        const long long whole = PyLong_AsLongLongAndOverflow(x, &overflow);
        if (overflow || whole > (1LL << 24) || whole < -(1LL << 24)) return false;
        value = static_cast<double>(whole);
    } else if (type == NPY_FLOAT && PyArray_IsScalar(x, Float)) {
        number.narrow = PyArrayScalar_VAL(x, Float);
        return true;
    } else if (type == NPY_DOUBLE && PyArray_IsScalar(x, Double)) {
        number.wide = PyArrayScalar_VAL(x, Double);
        return true;
    } else {
        return false;
    }
    if (type == NPY_FLOAT) number.narrow = static_cast<float>(value);
    else number.wide = value;
    return true;
}

// out = mask ? yes : no. Both are loaded in any case, so that nothing branches; a single number becomes a step of 0.
template <class T, int YES, int NO>
void choose(const char* __restrict mask, const T* __restrict yes, const T* __restrict no, T* __restrict out, npy_intp n) {
    for (npy_intp k = 0; k < n; ++k) {
        const T a = yes[k * YES], b = no[k * NO];
        out[k] = mask[k] ? a : b;
    }
}

template <class T>
void choose(char* const* at, const npy_intp* by, npy_intp n) {
    auto run = [&](auto kernel) {
        kernel(at[0], reinterpret_cast<T*>(at[1]), reinterpret_cast<T*>(at[2]), reinterpret_cast<T*>(at[3]), n);
    };
    if (by[1]) run(by[2] ? choose<T, 1, 1> : choose<T, 1, 0>);
    else run(by[2] ? choose<T, 0, 1> : choose<T, 0, 0>);
}

struct Operand {
    char* data;
    npy_intp step;
};

// From one element to the next in row-major order: an element's size, or 0 where all are one; -1 where neither.
npy_intp step_of(PyArrayObject* array) {
    if (PyArray_ISCARRAY_RO(array)) return PyArray_ITEMSIZE(array);
    if (!PyArray_ISBEHAVED_RO(array)) return -1;
    for (int k = 0; k < PyArray_NDIM(array); ++k)
        if (PyArray_STRIDE(array, k) != 0 && PyArray_DIM(array, k) != 1) return -1;
    return 0;
}

// Runs the code on the elements begin..end.
void run(const Code& code, const Operand* arguments, char* out, npy_intp width, npy_intp begin, npy_intp end) {
    static thread_local std::vector<char> memory;
    memory.resize(code.widths.size() * CHUNK * sizeof(double) + 64);
    char* room = memory.data() + (64 - reinterpret_cast<std::uintptr_t>(memory.data()) % 64) % 64;
    for (npy_intp at = begin; at < end; at += CHUNK) {
        const npy_intp n = std::min(CHUNK, end - at);
        for (const Instruction& step : code.steps) {
            char* data[4];
            npy_intp by[4];
            auto put = [&](int k, Place place) {
                switch (place.kind) {
                case Place::ARGUMENT:
                    by[k] = arguments[place.index].step;
                    data[k] = arguments[place.index].data + at * by[k];
                    break;
                case Place::TEMPORARY:
                    by[k] = code.widths[place.index];
                    data[k] = room + place.index * CHUNK * sizeof(double);
                    break;
                case Place::CONSTANT:
                    by[k] = 0;
                    data[k] = reinterpret_cast<char*>(const_cast<Number*>(&code.constants[place.index]));
                    break;
                case Place::OUT:
                    by[k] = width;
                    data[k] = out + at * width;
                    break;
                }
            };
            for (int k = 0; k < step.count; ++k) put(k, step.operand[k]);
            put(step.count, step.result);
            if (step.loop == nullptr) (width == 4 ? choose<float> : choose<double>)(data, by, n);
            else step.loop(data, &n, by, step.data);
        }
    }
}

// --- from what trace.py gives: (instructions, constants, temporaries' types, result type) ---

bool read_place(PyObject* x, Place& place) {
    int kind;
    if (!PyArg_ParseTuple(x, "ii", &kind, &place.index)) return false;
    place.kind = static_cast<Place::Kind>(kind);
    return true;
}

int width_of(int type) { return type == NPY_BOOL ? 1 : type == NPY_FLOAT ? 4 : 8; }

std::unique_ptr<Code> read_code(PyObject* traced, int type) {
    PyObject *steps, *constants, *temporaries;
    auto code = std::make_unique<Code>();
    if (!PyArg_ParseTuple(traced, "O!O!O!i", &PyTuple_Type, &steps, &PyTuple_Type, &constants, &PyTuple_Type,
                          &temporaries, &code->result))
        return nullptr;
    for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(constants); ++k) {
        Number number;
        const double value = PyFloat_AsDouble(PyTuple_GET_ITEM(constants, k));
        if (type == NPY_FLOAT) number.narrow = static_cast<float>(value);
        else number.wide = value;
        code->constants.push_back(number);
    }
    for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(temporaries); ++k)
        code->widths.push_back(width_of(static_cast<int>(PyLong_AsLong(PyTuple_GET_ITEM(temporaries, k)))));
    for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(steps); ++k) {
        PyObject *ufunc, *operands, *result, *types;
        Instruction step{};
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(steps, k), "OO!OO!", &ufunc, &PyTuple_Type, &operands, &result,
                              &PyTuple_Type, &types))
            return nullptr;
        step.count = static_cast<int>(PyTuple_GET_SIZE(operands));
        for (int i = 0; i < step.count; ++i)
            if (!read_place(PyTuple_GET_ITEM(operands, i), step.operand[i])) return nullptr;
        if (!read_place(result, step.result)) return nullptr;
        if (ufunc != Py_None) {
            auto* u = reinterpret_cast<PyUFuncObject*>(ufunc);
            for (int j = 0; j < u->ntypes && step.loop == nullptr; ++j) {
                bool fits = true;
                for (int i = 0; i < u->nargs; ++i)
                    fits = fits && u->types[j * u->nargs + i] == PyLong_AsLong(PyTuple_GET_ITEM(types, i));
                if (!fits) continue;
                step.loop = u->functions[j];
                step.data = u->data ? u->data[j] : nullptr;
            }
            if (step.loop == nullptr) {
                PyErr_SetString(PyExc_TypeError, "a ufunc has no loop of these types");
                return nullptr;
            }
        }
        code->steps.push_back(step);
    }
    return code;
}

// --- calls ---

bool same_value(PyObject* a, PyObject* b) {
    if (a == b) return true;
    if (Py_TYPE(a) != Py_TYPE(b)) return false;
    const int same = PyObject_RichCompareBool(a, b, Py_EQ);
    if (same < 0) PyErr_Clear();
    return same == 1;
}

bool fits(const Variant& v, int type, const Shape* shapes, PyObject* const* args, Py_ssize_t count, PyObject* names) {
    if (v.type != type || v.count != count || v.names.get() != names) return false;
    for (Py_ssize_t k = 0; k < count; ++k) {
        if (v.shapes[k] != shapes[k]) return false;
        if (v.values[k] && !same_value(v.values[k].get(), args[k])) return false;
    }
    return true;
}

Variant* new_variant(Program* program, int type, const Shape* shapes, PyObject* const* args, Py_ssize_t count,
                     PyObject* names) {
    auto v = std::make_unique<Variant>();
    v->type = type;
    v->count = static_cast<int>(count);
    v->names = Ref::to(names);
    std::copy(shapes, shapes + count, v->shapes);
    Ref given(PyTuple_New(count)), kinds(PyTuple_New(count));
    if (!given || !kinds) return nullptr;
    for (Py_ssize_t k = 0; k < count; ++k) {
        PyTuple_SET_ITEM(given.get(), k, Py_NewRef(args[k]));
        PyTuple_SET_ITEM(kinds.get(), k, PyLong_FromLong(shapes[k]));
    }
    Ref dtype(reinterpret_cast<PyObject*>(PyArray_DescrFromType(type)));
    Ref traced(PyObject_CallFunctionObjArgs(program->trace, program->function, given.get(), kinds.get(),
                                            names ? names : Py_None, dtype.get(), nullptr));
    if (!traced) return nullptr;
    // (code, whether it holds for these values of numbers alone)
    PyObject* code;
    int by_value;
    if (!PyArg_ParseTuple(traced.get(), "Op", &code, &by_value)) return nullptr;
    for (Py_ssize_t k = 0; k < count; ++k)
        if (shapes[k] == OTHER || (shapes[k] == NUMBER && by_value)) v->values[k] = Ref::to(args[k]);
    if (code != Py_None && !(v->code = read_code(code, type))) return nullptr;
    program->variants->push_back(std::move(v));
    return program->variants->back().get();
}

PyObject* program_call(PyObject* self, PyObject* const* args, std::size_t flagged, PyObject* names) {
    PyObject* made = run_program(self, args, PyVectorcall_NARGS(flagged), names);
    if (made != nullptr || PyErr_Occurred()) return made;
    return PyObject_Vectorcall(reinterpret_cast<Program*>(self)->function, args, flagged, names);
}

// Program(function, trace)
PyObject* program_new(PyTypeObject* type, PyObject* args, PyObject*) {
    PyObject *function, *trace;
    if (!PyArg_ParseTuple(args, "OO", &function, &trace)) return nullptr;
    auto* made = reinterpret_cast<Program*>(type->tp_alloc(type, 0));
    if (made == nullptr) return nullptr;
    made->call = program_call;
    made->function = Py_NewRef(function);
    made->trace = Py_NewRef(trace);
    made->variants = new std::vector<std::unique_ptr<Variant>>;
    return reinterpret_cast<PyObject*>(made);
}

int program_traverse(PyObject* self, visitproc visit, void* arg) {
    auto* program = reinterpret_cast<Program*>(self);
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(program->function);
    Py_VISIT(program->trace);
    Py_VISIT(program->dict);
    return 0;
}

void program_free(PyObject* self) {
    auto* program = reinterpret_cast<Program*>(self);
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Py_CLEAR(program->function);
    Py_CLEAR(program->trace);
    Py_CLEAR(program->dict);
    delete program->variants;
    type->tp_free(self);
    Py_DECREF(type);
}

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Program, call), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(Program, dict), READONLY, nullptr},
    {"__wrapped__", T_OBJECT, offsetof(Program, function), READONLY, "The function itself."},
    {nullptr, 0, 0, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(program_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(program_free)},
    {Py_tp_traverse, reinterpret_cast<void*>(program_traverse)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_members, members},
    {0, nullptr},
};
PyType_Spec spec = {"glassgrad.kernels.Program", sizeof(Program), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL, slots};

}  // namespace

PyObject* run_program(PyObject* self, PyObject* const* args, Py_ssize_t positional, PyObject* names) {
    auto* program = reinterpret_cast<Program*>(self);
    const Py_ssize_t count = positional + (names ? PyTuple_GET_SIZE(names) : 0);
    if (count > ARGUMENTS) return nullptr;
    Shape shapes[ARGUMENTS];
    Operand operands[ARGUMENTS];
    PyArrayObject* shaped = nullptr;
    int type = NPY_NOTYPE;
    for (Py_ssize_t k = 0; k < count; ++k) {
        if (!is_array(args[k])) continue;
        PyArrayObject* array = as_array(args[k]);
        const int its = PyArray_TYPE(array);
        const npy_intp step = step_of(array);
        if ((its != NPY_FLOAT && its != NPY_DOUBLE) || (shaped && its != type) || step < 0 ||
            (shaped && !PyArray_SAMESHAPE(shaped, array)))
            return nullptr;
        operands[k] = {PyArray_BYTES(array), step};
        type = its;
        shaped = array;
    }
    if (shaped == nullptr) return nullptr;
    Number numbers[ARGUMENTS];
    for (Py_ssize_t k = 0; k < count; ++k) {
        if (is_array(args[k])) {
            shapes[k] = ARRAY;
        } else if (k < positional && number_of(args[k], type, numbers[k])) {
            shapes[k] = NUMBER;
            operands[k] = {reinterpret_cast<char*>(&numbers[k]), 0};
        } else {
            if (PyArray_CheckAnyScalar(args[k]) && !PyBool_Check(args[k]) && k < positional) return nullptr;
            shapes[k] = OTHER;
            operands[k] = {nullptr, 0};
        }
    }
    Variant* variant = nullptr;
    for (auto& v : *program->variants)
        if (fits(*v, type, shapes, args, count, names)) {
            variant = v.get();
            break;
        }
    if (variant == nullptr) {
        if (program->variants->size() >= VARIANTS) return nullptr;
        variant = new_variant(program, type, shapes, args, count, names);
        if (variant == nullptr) return nullptr;
    }
    if (!variant->code) return nullptr;
    const Code& code = *variant->code;
    PyObject* made = PyArray_SimpleNew(PyArray_NDIM(shaped), PyArray_DIMS(shaped), code.result);
    if (made == nullptr) return nullptr;
    char* out = PyArray_BYTES(as_array(made));
    const npy_intp n = PyArray_SIZE(shaped), width = PyArray_ITEMSIZE(as_array(made));
    if (n <= GRAIN) {
        run(code, operands, out, width, 0, n);
    } else {
        Py_BEGIN_ALLOW_THREADS
        ranges(static_cast<std::size_t>(n), GRAIN, [&](std::size_t begin, std::size_t end) {
            run(code, operands, out, width, static_cast<npy_intp>(begin), static_cast<npy_intp>(end));
        });
        Py_END_ALLOW_THREADS
    }
    return made;
}

namespace {

// How many elements of the mask stand in a row before they come again, for an array of which the mask has the last
// dims, or all of them with some in front repeated; 0 where it lies otherwise.
npy_intp period_of(PyArrayObject* mask, PyArrayObject* array) {
    const int dims = PyArray_NDIM(mask), lead = PyArray_NDIM(array) - dims;
    if (lead < 0 || !PyArray_ISBEHAVED_RO(mask)) return 0;
    npy_intp period = 1;
    bool again = false;
    for (int d = dims - 1; d >= 0; --d) {
        const npy_intp size = PyArray_DIM(mask, d), stride = PyArray_STRIDE(mask, d);
        if (size != PyArray_DIM(array, lead + d)) return 0;
        if (size == 1) continue;
        again = again || stride == 0;
        if (stride != (again ? 0 : period)) return 0;
        if (!again) period *= size;
    }
    return period;
}

// choose(mask, yes, no) -> mask ? yes : no, or None: yes and no are arrays of one shape or numbers, the mask has that
// shape or its last dims.
PyObject* py_choose(PyObject*, PyObject* const* args, Py_ssize_t count) {
    if (count != 3 || !is_array(args[0]) || PyArray_TYPE(as_array(args[0])) != NPY_BOOL) Py_RETURN_NONE;
    PyArrayObject *mask = as_array(args[0]), *shaped = nullptr;
    for (PyObject* x : {args[1], args[2]}) {
        if (!is_array(x)) continue;
        PyArrayObject* array = as_array(x);
        if ((PyArray_TYPE(array) != NPY_FLOAT && PyArray_TYPE(array) != NPY_DOUBLE) || !PyArray_ISCARRAY_RO(array) ||
            (shaped && (PyArray_TYPE(shaped) != PyArray_TYPE(array) || !PyArray_SAMESHAPE(shaped, array))))
            Py_RETURN_NONE;
        shaped = array;
    }
    const npy_intp period = shaped ? period_of(mask, shaped) : 0;
    if (period == 0 || PyArray_SIZE(shaped) == 0) Py_RETURN_NONE;
    const int type = PyArray_TYPE(shaped);
    Number numbers[2];
    char* data[2];
    npy_intp by[2];
    for (int k = 0; k < 2; ++k) {
        PyObject* x = args[1 + k];
        if (is_array(x)) {
            data[k] = PyArray_BYTES(as_array(x));
            by[k] = PyArray_ITEMSIZE(shaped);
        } else if (number_of(x, type, numbers[k])) {
            data[k] = reinterpret_cast<char*>(&numbers[k]);
            by[k] = 0;
        } else {
            Py_RETURN_NONE;
        }
    }
    PyObject* made = PyArray_SimpleNew(PyArray_NDIM(shaped), PyArray_DIMS(shaped), type);
    if (made == nullptr) return nullptr;
    char *out = PyArray_BYTES(as_array(made)), *bits = PyArray_BYTES(mask);
    const npy_intp width = PyArray_ITEMSIZE(shaped), n = PyArray_SIZE(shaped);
    const npy_intp run = std::min(period, GRAIN), runs = (period + run - 1) / run, repeats = n / period;
    Py_BEGIN_ALLOW_THREADS
    ranges(static_cast<std::size_t>(runs * repeats), static_cast<std::size_t>(std::max<npy_intp>(1, GRAIN / run)),
           [&](std::size_t begin, std::size_t end) {
               for (auto k = static_cast<npy_intp>(begin); k < static_cast<npy_intp>(end); ++k) {
                   const npy_intp in = k % runs * run, at = k / runs * period + in;
                   char* operands[4] = {bits + in, data[0] + at * by[0], data[1] + at * by[1], out + at * width};
                   const npy_intp steps[4] = {1, by[0], by[1], width};
                   (width == 4 ? choose<float> : choose<double>)(operands, steps, std::min(run, period - in));
               }
           });
    Py_END_ALLOW_THREADS
    return made;
}

PyMethodDef functions[] = {
    {"choose", fast(py_choose), METH_FASTCALL,
     "choose(mask, yes, no), or None"},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_program(PyObject* module) {
    if (PyModule_AddFunctions(module, functions) < 0) return -1;
    program_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
    if (program_type == nullptr) return -1;
    return PyModule_AddObjectRef(module, "Program", reinterpret_cast<PyObject*>(program_type));
}

}  // namespace glassgrad
