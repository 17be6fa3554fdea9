// The walk through what a Value was computed from, newest first, and the chain rule on the way.
#include "node.h"

#include <algorithm>
#include <new>
#include <queue>
#include <utility>

namespace scalar {
namespace {

// The memory of lists of nodes, kept for the next walk: fresh pages cost as much as the walk.
using Nodes = std::vector<Node*>;
Nodes kept_nodes, kept_places;

void keep(Nodes& list, Nodes& kept) {
    list.clear();
    if (list.capacity() < 1 << 20) list.swap(kept);
}

// Nodes to visit, newest first. A graph was mostly made in one go: then a node waits at the place that its number gives
// it; those made long before wait in a heap.
class Waiting {
public:
    explicit Waiting(uint64_t newest_) : newest(newest_) { near.swap(kept_places); }
    ~Waiting() { keep(near, kept_places); }
    void put(Node* node) {
        const uint64_t place = newest - node->order;
        if (place >= size || place < at) {
            if (place < at || place >= 16 * count + 4096) return far.push(node);
            near.resize(std::max<size_t>(place + 1, 2 * size), nullptr);
            size = near.size();
        }
        near[place] = node;
        ++count;
    }
    Node* next() {
        Node** places = near.data();
        while (at < size && places[at] == nullptr) ++at;
        if (at < size && (far.empty() || far.top()->order < newest - at)) return std::exchange(places[at++], nullptr);
        if (far.empty()) return nullptr;
        Node* node = far.top();
        far.pop();
        if (at == size) {  // all places are empty: they begin here now
            newest = node->order;
            at = 0;
        }
        return node;
    }

private:
    struct Older {
        bool operator()(const Node* a, const Node* b) const { return a->order < b->order; }
    };
    uint64_t newest, count = 0;
    size_t at = 0, size = 0;
    Nodes near;
    std::priority_queue<Node*, Nodes, Older> far;
};

// The nodes that a walk has met and not yet visited; nobody meets a node after its turn, for its users are newer.
struct Meeting {
    Walk& walk;
    Waiting waiting;

    Meeting(Walk& walk_, Node* root) : walk(walk_), waiting(root->order) { (*this)(root); }
    ~Meeting() {  // of a walk that failed
        while (Node* node = waiting.next()) walk.forget(node);
    }
    ALWAYS_INLINE void operator()(Node* operand) {
        if (operand->has(SEEN)) return;
        // What lacks memory throws before the node is changed.
        if (operand->grad != 0.0) walk.earlier.emplace_back(operand, operand->grad);
        if (operand->count == 0) {
            walk.leaves.push_back(operand);
        } else {
            waiting.put(operand);
        }
        operand->flags |= SEEN;
        if (!walk.adding) operand->grad = 0.0;
    }
};

// Whether a walk may go on through a node that was released or stands above a recording.
bool passable(Node* node, bool released_too) {
    if (node->has(RELEASED) && !released_too) return false;
    if (node->op != RESULT) return true;
    look(node->to(0));  // now it has its number, and its operands theirs
    return is_current(node);
}

void complain(Node* node) {
    if (node->op == RESULT && !is_current(node)) {
        PyErr_SetString(PyExc_RuntimeError,
                        "this result of a captured function belongs to an earlier call: the numbers behind it were "
                        "computed anew since. Call backward() before the next call.");
        return;
    }
    PyObject* error = PyObject_CallOneArg(second_pass, as_object(node));
    if (error != nullptr) PyErr_SetObject(PyExc_RuntimeError, error);
    Py_XDECREF(error);
}

}  // namespace

void Walk::forget(Node* node) {
    node->flags &= ~SEEN;
    if (handing) node->grad = 0.0;
}

Walk::Walk() { nodes.swap(kept_nodes); }

Walk::~Walk() {
    unmark();
    keep(nodes, kept_nodes);
}

void Walk::unmark() {
    for (Node* node : leaves) node->flags &= ~SEEN;
}

template <bool hand_on>
bool Walk::go(Node* root, bool released_too, bool release, double seed) {
    if (root->has(RECORDED)) look(root);
    Meeting meeting(*this, root);
    if (hand_on) root->grad = seed;
    for (;;) {
        if (nodes.size() == nodes.capacity()) nodes.reserve(2 * nodes.size() + 64);
        Node* node = meeting.waiting.next();
        if (node == nullptr) return true;
        if ((node->has(RELEASED) || node->op == RESULT) && !passable(node, released_too)) {
            forget(node);
            blocked = node;
            return false;
        }
        nodes.push_back(node);
        node->flags &= ~SEEN;
        if (node->has(RECORDED)) touch(node);
        if (release) node->flags |= RELEASED;
        const Edge *edge = node->edges(), *end = edge + node->count;
        const double g = node->grad;
        bool idle = !hand_on;
        if (hand_on && g == 0.0) {  // 0 * inf is nan, which must go on
            double sum = 0.0;
            for (const Edge* e = edge; e != end; ++e) sum += number(e->slope());
            idle = std::isfinite(sum);
        }
        for (; edge != end; ++edge) {
            meeting(edge->to());
            if (!idle) edge->to()->grad += apply(edge->slope(), g);
        }
    }
}

bool Walk::find(Node* root, bool released_too) {
    adding = true;
    if (go<false>(root, released_too, false, 0.0)) return true;
    unmark();  // a message can run Python code, and so another walk
    complain(blocked);
    return false;
}

// The chain rule, node by node as they are found. Where it cannot go on, everything is put back.
bool Walk::back(Node* root, double seed, bool retain, bool is_classic) {
    adding = is_classic;
    handing = true;
    bool done = false;
    try {
        done = go<true>(root, false, !retain && !is_classic, is_classic ? 1.0 : seed);
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    }
    if (done && is_classic) return true;
    if (!done) {
        for (Node* node : nodes) {
            node->flags &= ~RELEASED;
            node->grad = 0.0;
        }
        for (Node* leaf : leaves) leaf->grad = 0.0;
    }
    for (const auto& [node, grad] : earlier) node->grad = done ? node->grad + grad : grad;
    unmark();
    if (blocked != nullptr) complain(blocked);
    return done;
}

PyObject* backward(PyObject* self, PyObject* args, PyObject* named) {
    static const char* words[] = {"gradient", "retain_graph", nullptr};
    PyObject *gradient = nullptr, *mode;
    int retain = 0;
    double seed = 1.0;
    if (!PyArg_ParseTupleAndKeywords(args, named, "|Op:backward", const_cast<char**>(words), &gradient, &retain))
        return nullptr;
    if (gradient != nullptr && !as_number(gradient, &seed)) return nullptr;
    tell("calls backward()");
    if (PyContextVar_Get(classic, nullptr, &mode) < 0) return nullptr;
    const bool is_classic = mode == Py_True;
    Py_DECREF(mode);
    Node* node = as_node(self);
    try {
        const int quick = node->op == RESULT && !is_classic ? quick_backward(node, seed, retain) : 0;
        Walk walk;
        if (quick < 0 || (quick == 0 && !walk.back(node, seed, retain, is_classic))) return nullptr;
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    }
    Py_RETURN_NONE;
}

PyObject* backward_by_hand(PyObject* self, PyObject*) {
    Node* node = as_node(self);
    tell("calls _backward()");
    if (node->has(RECORDED)) {
        look(node);
        touch(node);
    }
    const Edge *edge = node->edges(), *end = edge + node->count;
    for (; edge != end; ++edge) edge->to()->grad += apply(edge->slope(), node->grad);
    Py_RETURN_NONE;
}

PyObject* ancestry(PyObject*, PyObject* args, PyObject* named) {
    static const char* words[] = {"root", "released_too", nullptr};
    PyObject* root;
    int released_too = 0;
    if (!PyArg_ParseTupleAndKeywords(args, named, "O!|p:ancestry", const_cast<char**>(words), value_type, &root,
                                     &released_too))
        return nullptr;
    try {
        Walk walk;
        if (!walk.find(as_node(root), released_too)) return nullptr;
        PyObject* list = PyList_New(static_cast<Py_ssize_t>(walk.nodes.size() + walk.leaves.size()));
        Py_ssize_t i = 0;
        if (list == nullptr) return nullptr;
        for (const std::vector<Node*>* part : {&walk.nodes, &walk.leaves})
            for (Node* node : *part) PyList_SET_ITEM(list, i++, Py_NewRef(as_object(node)));
        return list;
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    }
}

}  // namespace scalar
