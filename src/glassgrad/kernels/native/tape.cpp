// Recording an operation, compiled: what it gives and the node that remembers it. It fills the slots of the Python classes
// Tensor and Node, and says exactly what core/op.py and core/fast.py say; whatever is unusual (views left behind, samples
// of vmap, watchers) goes to them.
#include "tape.h"

#include "program.h"

#include <unordered_set>
#include <vector>

namespace glassgrad {

Engine engine;

namespace {

PyObject *zero, *empty;
PyObject *text_forward, *text_plan, *text_start, *text_done;

// 1, 0, or -1 with an error.
int records() {
    PyObject* mode;
    if (PyContextVar_Get(engine.grad_mode, nullptr, &mode) < 0) return -1;
    const bool on = mode == Py_True;
    Py_DECREF(mode);
    return on;
}

// --- provenance: the innermost line outside the package, as (code, offset) ---

std::unordered_set<PyObject*> ours, theirs;  // code objects; the engine's live as long as the process, theirs are held

}  // namespace

PyObject* place() {
    PyFrameObject* frame = PyEval_GetFrame();
    Ref held = Ref::to(reinterpret_cast<PyObject*>(frame));
    while (frame != nullptr) {
        Ref code(reinterpret_cast<PyObject*>(PyFrame_GetCode(frame)));
        if (theirs.count(code.get()) == 0) {
            if (ours.count(code.get()) == 0) {
                PyObject* file = reinterpret_cast<PyCodeObject*>(code.get())->co_filename;
                if (PyUnicode_Tailmatch(file, engine.package, 0, PY_SSIZE_T_MAX, -1) == 1) {
                    ours.insert(code.get());
                    Py_INCREF(code.get());
                } else {
                    Ref key(PyLong_FromVoidPtr(code.get()));
                    if (!key || PyDict_SetItem(engine.theirs, key.get(), code.get()) < 0) return nullptr;
                    theirs.insert(code.get());
                }
                continue;
            }
            frame = PyFrame_GetBack(frame);
            held = Ref(reinterpret_cast<PyObject*>(frame));
            continue;
        }
        PyObject* offset = PyLong_FromLong(PyFrame_GetLasti(frame));
        PyObject* made = offset ? PyTuple_New(2) : nullptr;
        if (made == nullptr) return nullptr;
        PyTuple_SET_ITEM(made, 0, code.release());
        PyTuple_SET_ITEM(made, 1, offset);
        return made;
    }
    Py_RETURN_NONE;
}

// --- making tensors and nodes ---

PyObject* new_tensor(PyObject* array) {
    PyObject* made = engine.tensor->tp_alloc(engine.tensor, 0);
    PyObject* version = made ? PyList_New(1) : nullptr;
    if (version == nullptr) {
        Py_XDECREF(made);
        Py_DECREF(array);
        return nullptr;
    }
    PyList_SET_ITEM(version, 0, Py_NewRef(zero));
    fill(made, engine.array, array);
    fill(made, engine.version, version);
    fill(made, engine.origin, Py_NewRef(Py_None));
    fill(made, engine.view, Py_NewRef(Py_None));
    fill(made, engine.needs, Py_NewRef(Py_False));
    return made;
}

namespace {

// The tensor of an array that shares the memory of x, made from it by (declared, further arguments, options): what
// core/views.py's view_of makes. Takes the array.
PyObject* new_view(PyObject* x, PyObject* array, PyObject* declared, PyObject* further, PyObject* options, bool on) {
    Ref made(new_tensor(array)), view(engine.view_type->tp_alloc(engine.view_type, 0));
    Ref step(PyTuple_Pack(3, declared, further, options));
    if (!made || !view || !step) return nullptr;
    PyObject *before = slot(x, engine.view), *version = slot(x, engine.version);
    Ref steps;
    bool recorded = on;
    PyObject *base = x, *several = Py_False;
    if (before == Py_None) {
        steps = Ref(PyTuple_Pack(1, step.get()));
    } else {
        Ref last(PyTuple_Pack(1, step.get()));
        steps = Ref(last ? PySequence_Concat(slot(before, engine.steps), last.get()) : nullptr);
        recorded = on && slot(before, engine.recorded) == Py_True;
        base = slot(before, engine.base);
        several = slot(before, engine.several);
    }
    PyObject* seen = PyLong_FromLongLong(count_of(version));
    if (!steps || seen == nullptr) return nullptr;
    fill(view.get(), engine.base, Py_NewRef(base));
    fill(view.get(), engine.steps, steps.release());
    fill(view.get(), engine.seen, seen);
    fill(view.get(), engine.recorded, PyBool_FromLong(recorded));
    fill(view.get(), engine.several, Py_NewRef(several));
    const int type = PyArray_TYPE(as_array(array));
    if (!on && wants_gradient(x) && (type == NPY_FLOAT || type == NPY_DOUBLE)) {  // as in PyTorch: one of its own
        Py_DECREF(slot(made.get(), engine.needs));
        fill(made.get(), engine.needs, Py_NewRef(Py_True));
    }
    Py_DECREF(slot(made.get(), engine.version));
    fill(made.get(), engine.version, Py_NewRef(version));
    Py_DECREF(slot(made.get(), engine.view));
    fill(made.get(), engine.view, view.release());
    return made.release();
}

// What a formula mentions, and so what is kept for it: codes as in Plan below.
enum { SHAPE = 1 << 16, OPTION = 1 << 17 };

struct Plan {
    PyObject_HEAD
    PyObject* declared;                     // the Op, borrowed: it owns the plan
    PyObject* stretched;                    // as node.op where operands were broadcast; null for others
    std::vector<std::vector<int>>* keeps;   // by input: k (an input), count (y), SHAPE + k or OPTION + k
    std::vector<char>* differentiable;      // by input
    PyObject* names;                        // of the options
    PyObject* defaults;                     // of the options
    bool view;                              // the result shares the first input's memory
};

PyObject* shape_of(PyObject* array) {
    const int n = PyArray_NDIM(as_array(array));
    PyObject* shape = PyTuple_New(n);
    for (int k = 0; shape != nullptr && k < n; ++k) {
        PyObject* size = PyLong_FromSsize_t(PyArray_DIM(as_array(array), k));
        if (size == nullptr) Py_CLEAR(shape);
        else PyTuple_SET_ITEM(shape, k, size);
    }
    return shape;
}

// Puts a node for `made` on the graph. args are the operands as given, arrays what was computed with; `wide` says
// which inputs were broadcast, so that their gradients are summed back. 0, or -1 with an error.
int connect_node(const Plan* plan, PyObject* const* args, PyObject* const* arrays, Py_ssize_t count, PyObject* options,
                 PyObject* made, unsigned wide) {
    Ref node(engine.node->tp_alloc(engine.node, 0));
    Ref edges(PyTuple_New(count)), saved(PyTuple_New(count));
    if (!node || !edges || !saved) return -1;
    PyObject* versions[16];
    int guards = 0;
    long long stamp = 0;
    auto guard = [&](PyObject* tensor) {
        if (guards == 16) return;
        versions[guards] = slot(tensor, engine.version);
        stamp += count_of(versions[guards++]);
    };
    const Py_ssize_t inputs = static_cast<Py_ssize_t>(plan->keeps->size());
    for (Py_ssize_t i = 0; i < count; ++i) {
        if (!is_tensor(args[i]) || !wants_gradient(args[i]) || !(*plan->differentiable)[i]) {
            PyTuple_SET_ITEM(edges.get(), i, Py_NewRef(Py_None));
            PyTuple_SET_ITEM(saved.get(), i, Py_NewRef(Py_None));
            continue;
        }
        PyTuple_SET_ITEM(edges.get(), i, Py_NewRef(edge_of(args[i])));
        const std::vector<int>& codes = (*plan->keeps)[i];
        const Py_ssize_t lead = wide ? 1 : 0;
        PyObject* kept = PyTuple_New(lead + static_cast<Py_ssize_t>(codes.size()));
        if (kept == nullptr) return -1;
        PyTuple_SET_ITEM(saved.get(), i, kept);
        if (wide) {
            PyObject* shape = shape_of(arrays[i]);
            if (shape == nullptr) return -1;
            PyTuple_SET_ITEM(kept, 0, shape);
        }
        for (std::size_t k = 0; k < codes.size(); ++k) {
            const int code = codes[k];
            PyObject* value;
            if (code & OPTION) {
                PyObject* name = PyTuple_GET_ITEM(plan->names, code & 0xffff);
                value = options ? PyDict_GetItemWithError(options, name) : nullptr;
                if (value == nullptr) {
                    if (PyErr_Occurred()) return -1;
                    value = PyTuple_GET_ITEM(plan->defaults, code & 0xffff);
                }
                Py_INCREF(value);
            } else if (code & SHAPE) {
                const int which = code & 0xffff;
                PyObject* array = which < count ? arrays[which] : Py_None;
                value = is_array(array) ? shape_of(array) : PyObject_GetAttrString(array, "shape");
                if (value == nullptr) return -1;
            } else if (code == inputs) {
                value = Py_NewRef(slot(made, engine.array));
                guard(made);
            } else {
                value = Py_NewRef(code < count ? arrays[code] : Py_None);
                if (code < count && is_tensor(args[code])) guard(args[code]);
            }
            PyTuple_SET_ITEM(kept, lead + static_cast<Py_ssize_t>(k), value);
        }
    }
    PyObject* guarded = guards ? PyTuple_New(guards) : Py_NewRef(empty);
    if (guarded == nullptr) return -1;
    for (int k = 0; k < guards; ++k) PyTuple_SET_ITEM(guarded, k, Py_NewRef(versions[k]));
    fill(node.get(), engine.guards, guarded);
    PyObject* stamped = stamp ? PyLong_FromLongLong(stamp) : Py_NewRef(zero);
    PyObject* number = Py_TYPE(engine.numbers)->tp_iternext(engine.numbers);
    PyObject* where = place();
    fill(node.get(), engine.stamp, stamped);
    fill(node.get(), engine.number, number);
    fill(node.get(), engine.place, where);
    if (stamped == nullptr || number == nullptr || where == nullptr) return -1;
    fill(node.get(), engine.op, Py_NewRef(wide ? plan->stretched : plan->declared));
    fill(node.get(), engine.edges, edges.release());
    fill(node.get(), engine.saved, saved.release());
    fill(node.get(), engine.hooks, Py_NewRef(Py_None));
    Py_DECREF(slot(made, engine.origin));
    Py_DECREF(slot(made, engine.needs));
    fill(made, engine.origin, node.release());
    fill(made, engine.needs, Py_NewRef(Py_True));
    return 0;
}

// Plan(declared, stretched, keeps, differentiable, names, defaults, view)
PyObject* plan_new(PyTypeObject* type, PyObject* args, PyObject*) {
    PyObject *declared, *stretched, *keeps, *differentiable, *names, *defaults;
    int view;
    if (!PyArg_ParseTuple(args, "OOO!O!O!O!p", &declared, &stretched, &PyTuple_Type, &keeps, &PyTuple_Type,
                          &differentiable, &PyTuple_Type, &names, &PyTuple_Type, &defaults, &view))
        return nullptr;
    auto* plan = reinterpret_cast<Plan*>(type->tp_alloc(type, 0));
    if (plan == nullptr) return nullptr;
    plan->declared = declared;
    plan->stretched = stretched == Py_None ? nullptr : Py_NewRef(stretched);
    plan->names = Py_NewRef(names);
    plan->defaults = Py_NewRef(defaults);
    plan->view = view;
    plan->keeps = new std::vector<std::vector<int>>;
    plan->differentiable = new std::vector<char>;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(keeps); ++i) {
        PyObject* codes = PyTuple_GET_ITEM(keeps, i);
        plan->keeps->emplace_back();
        for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(codes); ++k)
            plan->keeps->back().push_back(static_cast<int>(PyLong_AsLong(PyTuple_GET_ITEM(codes, k))));
        plan->differentiable->push_back(PyTuple_GET_ITEM(differentiable, i) == Py_True);
    }
    return reinterpret_cast<PyObject*>(plan);
}

void plan_free(PyObject* self) {
    auto* plan = reinterpret_cast<Plan*>(self);
    PyTypeObject* type = Py_TYPE(self);
    Py_XDECREF(plan->stretched);
    Py_XDECREF(plan->names);
    Py_XDECREF(plan->defaults);
    delete plan->keeps;
    delete plan->differentiable;
    type->tp_free(self);
    Py_DECREF(type);
}

PyType_Slot plan_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(plan_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(plan_free)},
    {0, nullptr},
};
PyType_Spec plan_spec = {"glassgrad.kernels.Plan", sizeof(Plan), 0, Py_TPFLAGS_DEFAULT, plan_slots};
PyTypeObject* plan_type;

// --- record(declared, args, options): any operation ---

PyObject* record(PyObject*, PyObject* const* given, Py_ssize_t n) {
    if (n != 3) return PyErr_Format(PyExc_TypeError, "record(declared, args, options)");
    PyObject *declared = given[0], *args = given[1], *options = given[2];
    Ref sequence(PySequence_Fast(args, "record: args is a sequence"));
    if (!sequence) return nullptr;
    const Py_ssize_t count = PySequence_Fast_GET_SIZE(sequence.get());
    PyObject** items = PySequence_Fast_ITEMS(sequence.get());
    Ref arrays(PyTuple_New(count));
    if (!arrays) return nullptr;
    bool needs = false, plain = true;
    Ref plan(PyObject_GetAttr(declared, text_plan));
    if (!plan) return nullptr;
    for (Py_ssize_t i = 0; i < count; ++i) {
        PyObject* a = items[i];
        if (is_tensor(a)) {
            if (is_behind(a)) {
                Ref formulas(PyObject_GetAttrString(declared, "declared"));
                const int strict = formulas ? PyObject_IsTrue(formulas.get()) : -1;
                Ref done(strict < 0 ? nullptr : PyObject_CallMethod(a, "_sync", "O", strict ? Py_True : Py_False));
                if (!done) return nullptr;
            }
            needs = needs || wants_gradient(a);
            a = slot(a, engine.array);
            plain = plain && is_array(a);
        }
        PyTuple_SET_ITEM(arrays.get(), i, Py_NewRef(a));
    }
    Ref forward(PyObject_GetAttr(declared, text_forward));
    if (!forward) return nullptr;
    if (timed() && tell(text_start, declared) < 0) return nullptr;
    Ref y(PyObject_Call(forward.get(), arrays.get(), options));
    if (!y) {  // sample by sample, if it was given a batch of vmap's
        PyObject *type, *value, *trace;
        PyErr_Fetch(&type, &value, &trace);
        PyErr_NormalizeException(&type, &value, &trace);
        if (trace != nullptr) PyException_SetTraceback(value, trace);
        PyObject* again = PyObject_CallMethod(declared, "again", "OOO", value, arrays.get(), options);
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(trace);
        if (again == nullptr) return nullptr;
        y = Ref(again);
        plain = false;
    }
    auto conclude = [&] {
        return PyObject_CallFunctionObjArgs(engine.conclude, declared, args, options, arrays.get(), y.get(),
                                            needs ? Py_True : Py_False, nullptr);
    };
    const int type = is_array(y.get()) ? PyArray_TYPE(as_array(y.get())) : NPY_NOTYPE;
    const bool watched = PyList_GET_SIZE(engine.watchers) > 0;
    if (plan.get() == Py_None || !plain || type == NPY_NOTYPE || watched ||
        count > static_cast<Py_ssize_t>(reinterpret_cast<Plan*>(plan.get())->keeps->size()) ||
        (needs && type != NPY_FLOAT && type != NPY_DOUBLE))
        return conclude();
    auto* how = reinterpret_cast<Plan*>(plan.get());
    const int on = needs || how->view ? records() : 0;
    if (on < 0) return nullptr;
    if (needs && on) {
        bool connected = false;
        for (Py_ssize_t i = 0; i < count; ++i) {
            if (!is_tensor(items[i]) || !wants_gradient(items[i])) continue;
            if (!(*how->differentiable)[i])  // to say so, or to say that there is nothing to say
                return conclude();
            connected = true;
        }
        needs = connected;
    }
    needs = needs && on;
    Ref made;
    if (how->view) {
        if (count == 0 || !is_tensor(items[0])) return conclude();
        Ref further(PyTuple_New(count - 1));
        for (Py_ssize_t i = 1; further && i < count; ++i) PyTuple_SET_ITEM(further.get(), i - 1, Py_NewRef(items[i]));
        if (!further) return nullptr;
        made = Ref(new_view(items[0], y.release(), declared, further.get(), options, on));
    } else {
        made = Ref(new_tensor(y.release()));
    }
    if (!made) return nullptr;
    if (needs && connect_node(how, items, PySequence_Fast_ITEMS(arrays.get()), count, options, made.get(), 0) < 0)
        return nullptr;
    if (timed() && tell(text_done, declared, args, options, made.get()) < 0) return nullptr;
    return made.release();
}

// --- Elementwise: an operation of one or two arrays of one shape, as a Program ---

struct Elementwise {
    PyObject_HEAD
    vectorcallfunc call;
    Plan* plan;
    PyObject *slow, *program, *dict;
    int arity;
    bool numbers[2];  // which operands may be Python numbers
};

PyObject* elementwise_call(PyObject* self, PyObject* const* args, std::size_t flagged, PyObject* keywords) {
    auto* op = reinterpret_cast<Elementwise*>(self);
    const Py_ssize_t count = PyVectorcall_NARGS(flagged);
    auto slow = [&] { return PyObject_Vectorcall(op->slow, args, flagged, keywords); };
    if (count != op->arity || keywords != nullptr || PyList_GET_SIZE(engine.watchers) > 0) return slow();

    PyObject* operands[2] = {nullptr, nullptr};
    bool needs = false;
    for (Py_ssize_t i = 0; i < count; ++i) {
        PyObject* x = args[i];
        if (is_tensor(x)) {
            if (is_behind(x)) return slow();
            needs = needs || wants_gradient(x);
            operands[i] = slot(x, engine.array);
            if (!is_array(operands[i])) return slow();
        } else if (op->numbers[i] && (PyFloat_CheckExact(x) || PyLong_CheckExact(x))) {
            operands[i] = x;  // kept as the number it is: formulas take it as such
        } else {
            return slow();
        }
    }
    if (timed() && tell(text_start, op->plan->declared) < 0) return nullptr;
    unsigned wide = 0;
    Ref y(run_program(op->program, operands, count, nullptr));
    if (!y) {  // the function itself, where it needs no preparation: floats of one type
        if (PyErr_Occurred()) return nullptr;
        for (Py_ssize_t i = 0; i < count; ++i) {
            if (!is_array(operands[i])) return slow();
            const int its = PyArray_TYPE(as_array(operands[i]));
            if ((its != NPY_FLOAT && its != NPY_DOUBLE) || its != PyArray_TYPE(as_array(operands[0]))) return slow();
        }
        Ref forward(PyObject_GetAttr(op->plan->declared, text_forward));  // which may have a kernel before it by now
        y = Ref(forward ? PyObject_Vectorcall(forward.get(), operands, count, nullptr) : nullptr);
        if (y && !is_array(y.get())) y = Ref(PyArray_FromAny(y.get(), nullptr, 0, 0, 0, nullptr));
        if (!y) {  // to say it in our words
            PyErr_Clear();
            return slow();
        }
        for (Py_ssize_t i = 0; op->plan->stretched != nullptr && i < count; ++i)
            wide |= !PyArray_SAMESHAPE(as_array(operands[i]), as_array(y.get()));
    }
    const int type = PyArray_TYPE(as_array(y.get()));
    const int on = needs ? records() : 0;
    if (on < 0) return nullptr;
    Ref made(new_tensor(y.release()));
    if (!made) return nullptr;
    if (on && (type == NPY_FLOAT || type == NPY_DOUBLE)) {
        bool connected = false;
        for (Py_ssize_t i = 0; i < count; ++i)
            connected = connected || (is_tensor(args[i]) && wants_gradient(args[i]) && (*op->plan->differentiable)[i]);
        if (connected && connect_node(op->plan, args, operands, count, nullptr, made.get(), wide) < 0) return nullptr;
    }
    if (timed()) {
        Ref inputs(PyTuple_New(count)), options(PyDict_New());
        if (!inputs || !options) return nullptr;
        for (Py_ssize_t i = 0; i < count; ++i) PyTuple_SET_ITEM(inputs.get(), i, Py_NewRef(args[i]));
        if (tell(text_done, op->plan->declared, inputs.get(), options.get(), made.get()) < 0) return nullptr;
    }
    return made.release();
}

// Elementwise(plan, slow, program, arity, first, second): the last two say which operands may be Python numbers
PyObject* elementwise_new(PyTypeObject* type, PyObject* args, PyObject*) {
    PyObject *plan, *slow, *program;
    int arity, first, second;
    if (!PyArg_ParseTuple(args, "O!OO!ipp", plan_type, &plan, &slow, program_type, &program, &arity, &first, &second))
        return nullptr;
    auto* made = reinterpret_cast<Elementwise*>(type->tp_alloc(type, 0));
    if (made == nullptr) return nullptr;
    made->call = elementwise_call;
    made->plan = reinterpret_cast<Plan*>(Py_NewRef(plan));
    made->slow = Py_NewRef(slow);
    made->program = Py_NewRef(program);
    made->arity = arity;
    made->numbers[0] = first;
    made->numbers[1] = second;
    return reinterpret_cast<PyObject*>(made);
}

int elementwise_traverse(PyObject* self, visitproc visit, void* arg) {
    auto* op = reinterpret_cast<Elementwise*>(self);
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(reinterpret_cast<PyObject*>(op->plan));
    Py_VISIT(op->slow);
    Py_VISIT(op->program);
    Py_VISIT(op->dict);
    return 0;
}

int elementwise_clear(PyObject* self) {
    auto* op = reinterpret_cast<Elementwise*>(self);
    Py_CLEAR(op->plan);
    Py_CLEAR(op->slow);
    Py_CLEAR(op->program);
    Py_CLEAR(op->dict);
    return 0;
}

void elementwise_free(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    elementwise_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyObject* bind(PyObject* self, PyObject* object, PyObject*) {
    return object == nullptr ? Py_NewRef(self) : PyMethod_New(self, object);
}

PyMemberDef elementwise_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(Elementwise, call), READONLY, nullptr},
    {"__dictoffset__", T_PYSSIZET, offsetof(Elementwise, dict), READONLY, nullptr},
    {"slow", T_OBJECT, offsetof(Elementwise, slow), READONLY, "The same in Python."},
    {nullptr, 0, 0, 0, nullptr},
};

// There is one object of each; it is copied and pickled by its name, as a function is.
PyMethodDef elementwise_methods[] = {
    {"__reduce__",
     [](PyObject* self, PyObject*) { return PyObject_GetAttrString(self, "__qualname__"); }, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef elementwise_attributes[] = {
    {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot elementwise_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(elementwise_new)},
    {Py_tp_dealloc, reinterpret_cast<void*>(elementwise_free)},
    {Py_tp_traverse, reinterpret_cast<void*>(elementwise_traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(elementwise_clear)},
    {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
    {Py_tp_descr_get, reinterpret_cast<void*>(bind)},
    {Py_tp_members, elementwise_members},
    {Py_tp_methods, elementwise_methods},
    {Py_tp_getset, elementwise_attributes},
    {0, nullptr},
};
PyType_Spec elementwise_spec = {
    "glassgrad.kernels.Elementwise", sizeof(Elementwise), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_METHOD_DESCRIPTOR,
    elementwise_slots,
};
// --- connect(): where the Python side is ---

Py_ssize_t offset_of(PyObject* type, const char* name) {
    Ref descriptor(PyObject_GetAttrString(type, name));
    if (!descriptor) return -1;
    if (!Py_IS_TYPE(descriptor.get(), &PyMemberDescr_Type)) {
        PyErr_Format(PyExc_TypeError, "%s is not a slot", name);
        return -1;
    }
    return reinterpret_cast<PyMemberDescrObject*>(descriptor.get())->d_member->offset;
}

PyObject* connect(PyObject*, PyObject* args, PyObject* keywords) {
    static const char* names[] = {"Tensor", "Node", "View", "grad_mode", "numbers", "watchers", "timers", "theirs",
                                  "package", "conclude", "before", "attended", "anomaly", nullptr};
    PyObject *tensor, *node, *view;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "OOOOOO!O!O!OOOOO", const_cast<char**>(names), &tensor, &node, &view,
                                     &engine.grad_mode, &engine.numbers, &PyList_Type, &engine.watchers, &PyList_Type,
                                     &engine.timers, &PyDict_Type, &engine.theirs, &engine.package, &engine.conclude, &engine.before,
                                     &engine.attended, &engine.anomaly))
        return nullptr;
    struct {
        PyObject* type;
        const char* name;
        Py_ssize_t* offset;
    } const slots[] = {
        {tensor, "array", &engine.array}, {tensor, "version", &engine.version}, {tensor, "_needs", &engine.needs},
        {tensor, "_node", &engine.origin}, {tensor, "_view", &engine.view}, {node, "op", &engine.op},
        {node, "edges", &engine.edges}, {node, "saved", &engine.saved}, {node, "guards", &engine.guards},
        {node, "stamp", &engine.stamp}, {node, "hooks", &engine.hooks}, {node, "number", &engine.number},
        {node, "place", &engine.place}, {node, "freed", &engine.freed}, {view, "seen", &engine.seen},
        {view, "base", &engine.base}, {view, "steps", &engine.steps}, {view, "recorded", &engine.recorded},
        {view, "several", &engine.several},
    };
    for (const auto& s : slots)
        if ((*s.offset = offset_of(s.type, s.name)) < 0) return nullptr;
    engine.tensor = reinterpret_cast<PyTypeObject*>(tensor);
    engine.node = reinterpret_cast<PyTypeObject*>(node);
    engine.view_type = reinterpret_cast<PyTypeObject*>(view);
    for (PyObject* held : {tensor, node, engine.grad_mode, engine.numbers, engine.watchers, engine.timers,
                           engine.theirs, engine.package, engine.conclude, engine.before, engine.attended, engine.anomaly})
        Py_INCREF(held);  // for as long as the process runs
    Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"connect", fast(connect), METH_VARARGS | METH_KEYWORDS, "Tell the engine where Python's side of it is."},
    {"record", fast(record), METH_FASTCALL, "core.op.record, compiled."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_tape(PyObject* module) {
    zero = PyLong_FromLong(0);
    empty = PyTuple_New(0);
    text_forward = PyUnicode_InternFromString("forward");
    text_plan = PyUnicode_InternFromString("plan");
    text_start = PyUnicode_InternFromString("start");
    text_done = PyUnicode_InternFromString("done");
    plan_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&plan_spec));
    Ref elementwise(PyType_FromSpec(&elementwise_spec));
    if (plan_type == nullptr || !elementwise) return -1;
    if (PyModule_AddObjectRef(module, "Plan", reinterpret_cast<PyObject*>(plan_type)) < 0) return -1;
    if (PyModule_AddIntMacro(module, SHAPE) < 0 || PyModule_AddIntMacro(module, OPTION) < 0) return -1;
    if (PyModule_AddObjectRef(module, "Elementwise", elementwise.get()) < 0) return -1;
    return PyModule_AddFunctions(module, methods);
}

}  // namespace glassgrad
