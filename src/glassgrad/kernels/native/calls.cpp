// Which calls of a program are worth a look, for whoever profiles: Python's profile hook, which sees every call, and
// hands on few of them. It says what the class Calls of glass/profiling/calls.py says.
#include "common.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

namespace glassgrad {
namespace {

enum Kind { OURS, USER, INSIDE, LANDMARK, LIBRARY, HIDDEN };  // as in glass/profiling/calls.py

PyObject *classify, *opened, *closed;
std::unordered_map<PyObject*, int> kinds;  // of code objects, which are held
std::vector<PyFrameObject*> open_frames;

int kind_of(PyFrameObject* frame) {
    Ref code(reinterpret_cast<PyObject*>(PyFrame_GetCode(frame)));
    const auto known = kinds.find(code.get());
    if (known != kinds.end()) return known->second;
    Ref found(PyObject_CallOneArg(classify, code.get()));
    const int kind = found ? static_cast<int>(PyLong_AsLong(found.get())) : -1;
    if (kind < 0) return -1;
    kinds[code.release()] = kind;
    return kind;
}

bool is_theirs(int kind) { return kind == USER || kind == INSIDE; }

bool is_shown(PyFrameObject* frame) {
    const int kind = kind_of(frame);
    if (kind == USER || kind == LANDMARK) return true;
    if (kind != OURS && kind != LIBRARY) return false;
    Ref back(reinterpret_cast<PyObject*>(PyFrame_GetBack(frame)));
    return back && is_theirs(kind_of(reinterpret_cast<PyFrameObject*>(back.get())));
}

bool call(PyObject* function, PyFrameObject* frame, PyObject* what) {
    return bool(Ref(PyObject_CallFunctionObjArgs(function, frame, what ? what : Py_None, nullptr)));
}

int hook(PyObject*, PyFrameObject* frame, int event, PyObject* what) {
    bool right = true;
    if (event == PyTrace_CALL) {
        if (is_shown(frame)) {
            open_frames.push_back(frame);
            right = call(opened, frame, nullptr);
        }
    } else if (event == PyTrace_RETURN) {
        const auto at = std::find(open_frames.rbegin(), open_frames.rend(), frame);
        if (at != open_frames.rend()) {
            open_frames.erase(at.base() - 1, open_frames.end());
            right = call(closed, frame, nullptr);
        }
    } else if (event == PyTrace_C_CALL || event == PyTrace_C_RETURN || event == PyTrace_C_EXCEPTION) {
        if (is_theirs(kind_of(frame))) right = call(event == PyTrace_C_CALL ? opened : closed, frame, what);
    }
    if (!right || PyErr_Occurred()) PyErr_WriteUnraisable(nullptr);  // nothing of ours comes between the user's calls
    return 0;
}

// watch_calls(classify, opened, closed, frames): opened(frame, function) and closed(frame, function) are told of this
// thread's calls; the function is None where the frame is the call's own. Of the frames, which run already, closed is
// told as well. watch_calls() ends it.
PyObject* watch_calls(PyObject*, PyObject* args) {
    PyObject *given[3] = {nullptr, nullptr, nullptr}, *frames = nullptr;
    if (!PyArg_ParseTuple(args, "|OOOO!", &given[0], &given[1], &given[2], &PyList_Type, &frames)) return nullptr;
    PyEval_SetProfile(nullptr, nullptr);
    open_frames.clear();
    for (auto& [code, kind] : kinds) Py_DECREF(code);
    kinds.clear();
    Py_XSETREF(classify, Py_XNewRef(given[0]));
    Py_XSETREF(opened, Py_XNewRef(given[1]));
    Py_XSETREF(closed, Py_XNewRef(given[2]));
    for (Py_ssize_t k = 0; frames && k < PyList_GET_SIZE(frames); ++k)
        open_frames.push_back(reinterpret_cast<PyFrameObject*>(PyList_GET_ITEM(frames, k)));
    if (frames != nullptr) PyEval_SetProfile(hook, opened);
    Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"watch_calls", watch_calls, METH_VARARGS, "Tell of this thread's calls: see glass/profiling/calls.py."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_calls(PyObject* module) { return PyModule_AddFunctions(module, methods); }

}  // namespace glassgrad
