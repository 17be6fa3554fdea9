// Going back over what was recorded, compiled: core/graph.py's loop, and the frequent case of a backward(). Hooks, graphs
// of gradients and anomalies go to Python.
#include "tape.h"

#include "threads.h"

#include <array>
#include <map>
#include <queue>
#include <unordered_map>
#include <unordered_set>

namespace glassgrad {
namespace {

PyObject *text_formulas, *text_changed, *text_arguments, *text_after, *text_grad, *text_hooks, *text_later, *text_reach,
    *text_joined;

// --- walk: core/graph.py's loop over the nodes, latest first ---

// Operations whose nodes are taken in one go where one follows the other and nobody sees what is in between; of one, all
// its formulas together. kernel(g, *what each node saved) gives the gradients of the last node's inputs, or None where
// the formulas have to do it; of a path of one, None among them leaves that input to its formula.
constexpr int LONGEST = 3;
using Path = std::array<PyObject*, LONGEST>;
std::map<Path, PyObject*> paths;

// add_path((op, ...), kernel)
PyObject* add_path(PyObject*, PyObject* args) {
    PyObject *ops, *kernel;
    if (!PyArg_ParseTuple(args, "O!O", &PyTuple_Type, &ops, &kernel)) return nullptr;
    const Py_ssize_t count = PyTuple_GET_SIZE(ops);
    if (count < 1 || count > LONGEST) return PyErr_Format(PyExc_ValueError, "a path has 1 to %d operations", LONGEST);
    Path path{};
    for (Py_ssize_t k = 0; k < count; ++k) path[k] = Py_NewRef(PyTuple_GET_ITEM(ops, k));  // as long as the process runs
    paths[path] = Py_NewRef(kernel);
    Py_RETURN_NONE;
}

// Whether an array that a node saved was changed in place since: 1, 0, or -1 with an error.
int is_changed(PyObject* node) {
    PyObject* guards = slot(node, engine.guards);
    const Py_ssize_t guarded = PyTuple_GET_SIZE(guards);
    long long stamp = 0;
    for (Py_ssize_t k = 0; k < guarded; ++k) {
        const long long changes = count_of(PyTuple_GET_ITEM(guards, k));
        if (changes < 0) return -1;
        stamp += changes;
    }
    return guarded && stamp != PyLong_AsLongLong(slot(node, engine.stamp));
}

struct Pending {
    long long number;
    PyObject* node;  // owned
    bool operator<(const Pending& other) const { return number < other.number; }
};

struct Request {
    bool retain;
    PyObject *create_graph, *targets, *needed, *here, *check;
};

class Walk {
public:
    std::priority_queue<Pending> heap;
    std::unordered_map<PyObject*, PyObject*> gradients;  // of the nodes in the heap; owned
    Ref leaves{PyDict_New()}, found{PyDict_New()};

    ~Walk() {
        while (!heap.empty()) {
            Py_DECREF(heap.top().node);
            heap.pop();
        }
        for (auto& [node, g] : gradients) Py_DECREF(g);
    }

    int run(const Request& request);

    // Takes the longest path from the node that there is a kernel for. The node becomes the path's last, and given the
    // gradients of its inputs; nothing happens where there is no such path. -1 with an error.
    int leap(Ref& node, PyObject* g, const Request& request, Ref& given);

    // Whether the node would be taken next, and what reaches it is seen by its one consumer alone.
    bool unseen(PyObject* node) const {
        if (!Py_IS_TYPE(node, engine.node) || Py_REFCNT(node) > 1 || slot(node, engine.hooks) != Py_None) return false;
        return gradients.count(node) == 0 &&
               (heap.empty() || heap.top().number < PyLong_AsLongLong(slot(node, engine.number)));
    }

    void release(PyObject* node, const Request& request) {
        if (request.retain || PyTuple_GET_SIZE(slot(node, engine.guards)) == 0) return;
        Py_XSETREF(slot(node, engine.saved), Py_NewRef(Py_None));
        Py_XSETREF(slot(node, engine.freed), Py_NewRef(request.here));
    }

    // Adds d (taken) to what has reached the edge.
    int flow(PyObject* edge, PyObject* d) {
        Ref owned(d);
        if (!Py_IS_TYPE(edge, engine.node)) {
            PyObject* there = PyDict_GetItemWithError(leaves.get(), edge);
            if (there == nullptr) return PyErr_Occurred() ? -1 : PyDict_SetItem(leaves.get(), edge, d);
            Ref sum(PyNumber_Add(there, d));
            return sum ? PyDict_SetItem(leaves.get(), edge, sum.get()) : -1;
        }
        auto [at, fresh] = gradients.try_emplace(edge, nullptr);
        if (fresh) {
            at->second = owned.release();
            heap.push({PyLong_AsLongLong(slot(edge, engine.number)), Py_NewRef(edge)});
            return 0;
        }
        PyObject* sum = PyNumber_Add(at->second, d);
        if (sum == nullptr) return -1;
        Py_SETREF(at->second, sum);
        return 0;
    }
};

bool contains(PyObject* set, PyObject* item, bool& failed) {
    const int there = PySet_Contains(set, item);
    failed = failed || there < 0;
    return there == 1;
}

// The node that is the only one with an edge from here, or null.
PyObject* only_edge(PyObject* node) {
    PyObject *edges = slot(node, engine.edges), *only = nullptr;
    for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(edges); ++k) {
        PyObject* edge = PyTuple_GET_ITEM(edges, k);
        if (edge == Py_None) continue;
        if (only != nullptr) return nullptr;
        only = edge;
    }
    return only;
}

int Walk::leap(Ref& node, PyObject* g, const Request& request, Ref& given) {
    Path path{slot(node.get(), engine.op)};
    const auto first = paths.lower_bound(path);
    if (first == paths.end() || first->first[0] != path[0]) return 0;
    PyObject *nodes[LONGEST], *args[LONGEST + 1] = {g};
    int count = 0;
    for (PyObject* next = node.get(); count < LONGEST && next && (count == 0 || unseen(next)); next = only_edge(next)) {
        PyObject* saved = slot(next, engine.saved);
        const int changed = is_changed(next);
        if (changed < 0) return -1;
        if (changed || !saved || !PyTuple_CheckExact(saved)) break;
        path[count] = slot(next, engine.op);
        nodes[count++] = next;
        args[count] = saved;
    }
    for (; count > 0; path[--count] = nullptr) {
        const auto found = paths.find(path);
        if (found == paths.end()) continue;
        given = Ref(PyObject_Vectorcall(found->second, args, 1 + count, nullptr));
        if (!given) return -1;
        if (given.get() == Py_None) continue;
        PyObject* last = nodes[count - 1];
        PyObject* edges = slot(last, engine.edges);
        bool right = PyTuple_CheckExact(given.get()) && PyTuple_GET_SIZE(given.get()) >= PyTuple_GET_SIZE(edges);
        for (Py_ssize_t k = 0; right && count > 1 && k < PyTuple_GET_SIZE(edges); ++k)
            right = PyTuple_GET_ITEM(edges, k) == Py_None || PyTuple_GET_ITEM(given.get(), k) != Py_None;
        if (!right) {
            PyErr_SetString(PyExc_SystemError, "a kernel of several nodes left out a gradient");
            return -1;
        }
        Ref held = Ref::to(last);
        for (int k = 1; timed() && k < count; ++k)
            if (tell(text_joined, nodes[k]) < 0) return -1;
        for (int k = 0; k + 1 < count; ++k) release(nodes[k], request);
        node = held;
        return 0;
    }
    given = Ref();
    return 0;
}

// The loop of core/graph.py's walk, from what is pending until nothing is. 0, or -1 with an error.
int Walk::run(const Request& request) {
    PyObject *targets = request.targets, *needed = request.needed, *create_graph = request.create_graph;
    PyObject *check = request.check;
    const bool create = create_graph == Py_True, selective = needed != Py_None;
    bool failed = false;
    for (long steps = 0; !heap.empty(); ++steps) {
        if (steps % 1024 == 1023 && PyErr_CheckSignals() < 0) return -1;
        Ref node(heap.top().node);
        heap.pop();
        if (timed() && tell(text_reach, node.get()) < 0) return -1;
        auto at = gradients.find(node.get());
        Ref g(at->second);
        gradients.erase(at);
        Ref hooks = Ref::to(slot(node.get(), engine.hooks));
        bool attended = check != Py_None;
        if (hooks.get() != Py_None) {
            g = Ref(PyObject_CallFunctionObjArgs(engine.before, hooks.get(), node.get(), g.get(), create_graph, nullptr));
            if (!g) return -1;
            Ref after(PyObject_GetAttr(hooks.get(), text_after));
            const int any = after ? PyObject_IsTrue(after.get()) : -1;
            if (any < 0) return -1;
            attended = attended || any;
        }
        Ref given;
        if (!attended && !create && !selective && leap(node, g.get(), request, given) < 0) return -1;
        Ref edges = Ref::to(slot(node.get(), engine.edges));
        if (selective) {
            if (contains(targets, node.get(), failed)) {
                if (PyDict_SetItem(found.get(), node.get(), g.get()) < 0) return -1;
                bool onwards = false;
                for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(edges.get()); ++i)
                    onwards = contains(needed, PyTuple_GET_ITEM(edges.get(), i), failed) || onwards;
                if (!onwards && !failed) continue;
            }
            if (!contains(needed, node.get(), failed) && !failed) continue;
            if (failed) return -1;
        }
        Ref saved = Ref::to(slot(node.get(), engine.saved));
        if (create || !saved || !PyTuple_CheckExact(saved.get())) {
            saved = Ref(PyObject_CallMethodOneArg(node.get(), text_arguments, create_graph));
            if (!saved) return -1;
        }
        if (const int changed = is_changed(node.get()); changed != 0) {
            Ref problem(changed < 0 ? nullptr : PyObject_CallMethodNoArgs(node.get(), text_changed));
            if (problem) PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(problem.get())), problem.get());
            return -1;
        }
        Ref formulas(attended ? PyObject_CallFunctionObjArgs(engine.attended, node.get(), g.get(), saved.get(), needed,
                                                             create_graph, nullptr)
                              : PyObject_GetAttr(slot(node.get(), engine.op), text_formulas));
        if (!formulas) return -1;
        Ref iterator;
        if (!PyList_CheckExact(formulas.get())) {
            iterator = Ref(PyObject_GetIter(formulas.get()));
            if (!iterator) return -1;
        }
        Ref kept_all(PySequence_Fast(saved.get(), "what was saved is a sequence"));
        if (!kept_all) return -1;
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(edges.get()); ++i) {
            PyObject* edge = PyTuple_GET_ITEM(edges.get(), i);
            Ref formula;
            if (iterator) {
                formula = Ref(PyIter_Next(iterator.get()));
                if (!formula) {
                    if (PyErr_Occurred()) return -1;
                    break;
                }
            } else {
                if (i >= PyList_GET_SIZE(formulas.get())) break;
                formula = Ref::to(PyList_GET_ITEM(formulas.get(), i));
            }
            if (edge == Py_None || (selective && !contains(needed, edge, failed))) continue;
            PyObject* kept = PySequence_Fast_GET_ITEM(kept_all.get(), i);
            const Py_ssize_t size = PyTuple_GET_SIZE(kept);
            PyObject* args[12];
            Ref d;
            if (given && PyTuple_GET_ITEM(given.get(), i) != Py_None) {
                d = Ref::to(PyTuple_GET_ITEM(given.get(), i));
            } else if (size < 11) {
                args[1] = g.get();
                for (Py_ssize_t k = 0; k < size; ++k) args[2 + k] = PyTuple_GET_ITEM(kept, k);
                d = Ref(PyObject_Vectorcall(formula.get(), args + 1, (1 + size) | PY_VECTORCALL_ARGUMENTS_OFFSET,
                                            nullptr));
            } else {
                Ref first(PyTuple_Pack(1, g.get()));
                Ref all(first ? PySequence_Concat(first.get(), kept) : nullptr);
                d = Ref(all ? PyObject_CallObject(formula.get(), all.get()) : nullptr);
            }
            if (!d) return -1;
            if (d.get() != Py_None && flow(edge, d.release()) < 0) return -1;
        }
        if (failed) return -1;
        release(node.get(), request);
    }
    return timed() ? tell(text_reach, Py_None) : 0;
}

// walk(seeds, retain_graph, create_graph, targets, needed, here, check) -> (leaves, found)
PyObject* walk(PyObject*, PyObject* const* args, Py_ssize_t n) {
    if (n != 7) return PyErr_Format(PyExc_TypeError, "walk takes seven arguments");
    Walk state;
    if (!state.leaves || !state.found) return nullptr;
    for (Py_ssize_t k = 0; k < PyList_GET_SIZE(args[0]); ++k) {
        PyObject* seed = PyList_GET_ITEM(args[0], k);
        if (state.flow(PyTuple_GET_ITEM(seed, 0), Py_NewRef(PyTuple_GET_ITEM(seed, 1))) < 0) return nullptr;
    }
    if (state.run({args[1] == Py_True, args[2], args[3], args[4], args[5], args[6]}) < 0) return nullptr;
    return PyTuple_Pack(2, state.leaves.get(), state.found.get());
}

// --- backward(tensor, retain_graph): the frequent case of core/autograd.py's, whole ---

// sum += x, of two arrays of one shape and type; false where that takes NumPy.
bool add_into(PyArrayObject* sum, PyArrayObject* x) {
    const int type = PyArray_TYPE(sum);
    if (type != PyArray_TYPE(x) || !PyArray_ISCARRAY(sum) || !PyArray_ISCARRAY_RO(x) || !PyArray_SAMESHAPE(sum, x))
        return false;
    auto add = [&](auto zero) {
        using T = decltype(zero);
        T* to = reinterpret_cast<T*>(PyArray_BYTES(sum));
        const T* from = reinterpret_cast<const T*>(PyArray_BYTES(x));
        ranges(static_cast<std::size_t>(PyArray_SIZE(sum)), 1 << 15, [&](std::size_t begin, std::size_t end) {
            for (std::size_t k = begin; k < end; ++k) to[k] += from[k];
        });
        return true;
    };
    return type == NPY_FLOAT ? add(float{}) : type == NPY_DOUBLE && add(double{});
}

// Adds g to leaf.grad, as core/autograd.py's _accumulate. `taken` are the arrays that are some leaf's gradient by now.
int accumulate(PyObject* leaf, PyObject* g, std::unordered_set<PyObject*>& taken) {
    Ref old(PyObject_GetAttr(leaf, text_grad));
    if (!old) return -1;
    if (old.get() != Py_None && is_array(g) && !wants_gradient(old.get())) {
        PyObject *sum = slot(old.get(), engine.array), *version = slot(old.get(), engine.version);
        if (is_array(sum) && PyList_CheckExact(version) && add_into(as_array(sum), as_array(g)))
            return PyList_SetItem(version, 0, PyLong_FromLongLong(count_of(version) + 1));
    }
    if (old.get() == Py_None && is_array(g) &&
        PyArray_TYPE(as_array(g)) == PyArray_TYPE(as_array(slot(leaf, engine.array)))) {
        const bool own = PyArray_BASE(as_array(g)) == nullptr && PyArray_IS_C_CONTIGUOUS(as_array(g));
        PyObject* array = own && taken.insert(g).second ? Py_NewRef(g) : PyArray_NewCopy(as_array(g), NPY_CORDER);
        Ref made(array ? new_tensor(array) : nullptr);
        return made ? PyObject_SetAttr(leaf, text_grad, made.get()) : -1;
    }
    Ref done(PyObject_CallFunctionObjArgs(engine.accumulate, leaf, g, nullptr));
    return done ? 0 : -1;
}

// True when it was done; False where only Python's backward will do, before anything has happened.
PyObject* backward(PyObject*, PyObject* const* args, Py_ssize_t n) {
    if (n != 2) return PyErr_Format(PyExc_TypeError, "backward takes two arguments");
    PyObject* tensor = args[0];
    if (!is_tensor(tensor) || is_behind(tensor) || !wants_gradient(tensor)) Py_RETURN_FALSE;
    PyObject* array = slot(tensor, engine.array);
    if (!is_array(array) || PyArray_SIZE(as_array(array)) != 1) Py_RETURN_FALSE;
    Ref check, one(PyArray_NewLikeArray(as_array(array), NPY_CORDER, nullptr, 0));
    PyObject* found;
    if (!one || PyContextVar_Get(engine.anomaly, nullptr, &found) < 0) return nullptr;
    check = Ref(found);
    if (PyArray_TYPE(as_array(array)) == NPY_FLOAT) *reinterpret_cast<float*>(PyArray_BYTES(as_array(one.get()))) = 1;
    else if (PyArray_TYPE(as_array(array)) == NPY_DOUBLE) *reinterpret_cast<double*>(PyArray_BYTES(as_array(one.get()))) = 1;
    else Py_RETURN_FALSE;
    Walk state;
    Ref here(args[1] == Py_True ? Py_NewRef(Py_None) : place());
    if (!state.leaves || !here || state.flow(edge_of(tensor), one.release()) < 0) return nullptr;
    if (state.run({args[1] == Py_True, Py_False, Py_None, Py_None, here.get(), check.get()}) < 0) return nullptr;
    Py_ssize_t at = 0;
    PyObject *leaf, *g;
    while (PyDict_Next(state.leaves.get(), &at, &leaf, &g)) {
        for (PyObject* text : {text_hooks, text_later}) {
            Ref hooks(PyObject_GetAttr(leaf, text));
            if (!hooks) return nullptr;
            if (hooks.get() != Py_None)  // hooks of leaves: Python's second half
                return Ref(PyObject_CallFunctionObjArgs(engine.deliver, state.leaves.get(), nullptr)) ? Py_NewRef(Py_True)
                                                                                                     : nullptr;
        }
    }
    std::unordered_set<PyObject*> taken;
    at = 0;
    while (PyDict_Next(state.leaves.get(), &at, &leaf, &g))
        if (accumulate(leaf, g, taken) < 0) return nullptr;
    Py_RETURN_TRUE;
}

// Where the second half of a backward() is that this one leaves to Python.
PyObject* deliver(PyObject*, PyObject* args) {
    if (!PyArg_ParseTuple(args, "OO", &engine.accumulate, &engine.deliver)) return nullptr;
    Py_INCREF(engine.accumulate);
    Py_INCREF(engine.deliver);
    Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"add_path", add_path, METH_VARARGS, "add_path((op, ...), kernel): take their nodes in one go on the way back."},
    {"walk", fast(walk), METH_FASTCALL, "The loop of core.graph.walk, compiled."},
    {"backward", fast(backward), METH_FASTCALL, "core.autograd.backward of one number, compiled."},
    {"connect_backward", deliver, METH_VARARGS, "Tell the engine Python's (accumulate, deliver)."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_walk(PyObject* module) {
    text_formulas = PyUnicode_InternFromString("formulas");
    text_changed = PyUnicode_InternFromString("changed");
    text_arguments = PyUnicode_InternFromString("arguments");
    text_grad = PyUnicode_InternFromString("_grad");
    text_hooks = PyUnicode_InternFromString("_hooks");
    text_later = PyUnicode_InternFromString("_after");
    text_reach = PyUnicode_InternFromString("reach");
    text_joined = PyUnicode_InternFromString("joined");
    text_after = PyUnicode_InternFromString("after");
    return PyModule_AddFunctions(module, methods);
}

}  // namespace glassgrad
