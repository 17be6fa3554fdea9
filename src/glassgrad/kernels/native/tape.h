// What recording (tape.cpp) and going back (walk.cpp) share: the slots of the Python classes Tensor and Node.
#pragma once

#include "common.h"

namespace glassgrad {

// Where the Python side of the engine is, told once by connect().
struct Engine {
    PyTypeObject *tensor, *node;
    Py_ssize_t array, version, needs, origin, view;  // of a tensor
    Py_ssize_t op, edges, saved, guards, stamp, hooks, number, place, freed;  // of a node
    PyTypeObject* view_type;
    Py_ssize_t seen, base, steps, recorded, several;  // of a view
    PyObject *grad_mode, *numbers, *watchers, *timers, *theirs, *package;
    PyObject *conclude, *before, *attended, *anomaly, *accumulate, *deliver;
};
extern Engine engine;

inline PyObject*& slot(PyObject* owner, Py_ssize_t offset) {
    return *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(owner) + offset);
}
inline void fill(PyObject* owner, Py_ssize_t offset, PyObject* owned) { slot(owner, offset) = owned; }

// Whether somebody times what happens; see core/watch.py.
inline bool timed() { return PyList_GET_SIZE(engine.timers) > 0; }

// timer.method(a, ...) for all of them; -1 with an error.
template <typename... Args>
int tell(PyObject* method, Args... args) {
    PyThreadState* thread = PyThreadState_Get();
    PyThreadState_EnterTracing(thread);  // its own calls are not what it times
    bool right = true;
    for (Py_ssize_t k = 0; right && k < PyList_GET_SIZE(engine.timers); ++k) {
        Ref timer = Ref::to(PyList_GET_ITEM(engine.timers, k));
        right = bool(Ref(PyObject_CallMethodObjArgs(timer.get(), method, args..., nullptr)));
    }
    PyThreadState_LeaveTracing(thread);
    return right ? 0 : -1;
}

inline bool is_tensor(PyObject* x) { return PyObject_TypeCheck(x, engine.tensor); }

// How often the memory behind a version counter was changed; -1 with an error. A counter is a list, or several as one.
inline long long count_of(PyObject* version) {
    if (PyList_CheckExact(version)) return PyLong_AsLongLong(PyList_GET_ITEM(version, 0));
    Ref first(PySequence_GetItem(version, 0));
    return first ? PyLong_AsLongLong(first.get()) : -1;
}

// A view behind the changes of its memory has to find its node again first.
inline bool is_behind(PyObject* tensor) {
    PyObject* view = slot(tensor, engine.view);
    if (view == Py_None) return false;
    return PyLong_AsLongLong(slot(view, engine.seen)) != count_of(slot(tensor, engine.version));
}

inline bool wants_gradient(PyObject* tensor) { return slot(tensor, engine.needs) == Py_True; }

// Where a gradient of this tensor goes: its node, or itself as a leaf. Borrowed.
inline PyObject* edge_of(PyObject* tensor) {
    PyObject* node = slot(tensor, engine.origin);
    return node == Py_None ? tensor : node;
}

// The innermost line outside the package, as (code, offset), or None.
PyObject* place();

// A tensor of the array, with a version counter of its own and no node. Takes the array.
PyObject* new_tensor(PyObject* array);

}  // namespace glassgrad
