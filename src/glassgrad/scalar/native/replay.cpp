// A function's graph as a list of steps over arrays of numbers: each call computes all of it anew in one loop, and
// backward() walks the list from its end. The nodes stay; they are brought up to date when somebody looks at them.
#include "node.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <unordered_map>
#include <utility>

namespace scalar {

PyObject* noticed;
bool attended;
unsigned long recording_thread;

namespace {

// --- what is noted while a function runs to be recorded ---

using Place = std::pair<PyObject*, int>;  // a code object, held, and where in it

struct Notes {
    uint64_t start = 0;         // nodes made before
    std::vector<Place> places;  // where each node since was made
    PyObject* package = nullptr;
    void clear() {
        for (Place& place : places) Py_XDECREF(place.first);
        places.clear();
    }
} notes;

bool is_ours(PyObject* code) {  // in a file of this room
    PyObject* file = reinterpret_cast<PyCodeObject*>(code)->co_filename;
    return PyUnicode_Tailmatch(file, notes.package, 0, PY_SSIZE_T_MAX, -1) == 1;
}

// The innermost line outside this room.
Place here() {
    PyFrameObject* frame = reinterpret_cast<PyFrameObject*>(Py_XNewRef(reinterpret_cast<PyObject*>(PyEval_GetFrame())));
    while (frame != nullptr) {
        PyObject* code = reinterpret_cast<PyObject*>(PyFrame_GetCode(frame));
        PyFrameObject* outer = is_ours(code) ? PyFrame_GetBack(frame) : nullptr;
        const int at = PyFrame_GetLasti(frame);
        Py_DECREF(reinterpret_cast<PyObject*>(frame));
        if (outer == nullptr) return {code, at};
        Py_DECREF(code);
        frame = outer;
    }
    return {nullptr, 0};
}

PyObject* described(const Place& place) {  // (file, line)
    if (place.first == nullptr) Py_RETURN_NONE;
    PyCodeObject* code = reinterpret_cast<PyCodeObject*>(place.first);
    return Py_BuildValue("Oi", code->co_filename, PyCode_Addr2Line(code, place.second));
}

void note_place(uint64_t order) {
    if (noticed == nullptr || PyThread_get_thread_ident() != recording_thread) return;
    const size_t i = order - notes.start - 1;
    try {
        if (notes.places.size() <= i) notes.places.resize(i + 1, Place{nullptr, 0});
    } catch (const std::bad_alloc&) {
        return;  // the line alone will be unknown
    }
    notes.places[i] = here();
}

PyObject* follower;  // is told the order of each node made, or null

}  // namespace

void attend(uint64_t order) {
    note_place(order);
    if (follower == nullptr) return;
    PyObject* told = Py_NewRef(follower);  // it may end this
    PyObject* number = PyLong_FromUnsignedLongLong(order);
    PyObject* said = number == nullptr ? nullptr : PyObject_CallOneArg(told, number);
    if (said == nullptr) PyErr_WriteUnraisable(told);
    Py_XDECREF(said);
    Py_XDECREF(number);
    Py_DECREF(told);
}

void notice(const char* what) {
    if (PyThread_get_thread_ident() != recording_thread) return;
    PyObject *type, *error, *trace;
    PyErr_Fetch(&type, &error, &trace);
    const Place place = here();
    PyObject* where = described(place);
    PyObject* said = where == nullptr ? nullptr : PyObject_CallFunction(noticed, "sO", what, where);
    if (said == nullptr) PyErr_WriteUnraisable(noticed);
    Py_XDECREF(said);
    Py_XDECREF(where);
    Py_XDECREF(place.first);
    PyErr_Restore(type, error, trace);
}

namespace {

// --- the recording ---

using Slot = uint32_t;  // a number's place in the arrays

// values[own] = op(values[a], values[b]). An operation on many numbers has them in `lists`: a is where, b how many pairs
// (w * x + b) or numbers (largest).
struct Step {
    Op op;
    Slot a, b;
};

// The slots: leaves that existed before, inputs, constants, exponents, then one for each step.
struct Tape {
    std::vector<Node*> outer, inputs, constants, inner;  // held
    size_t exponents = 0;
    std::vector<Step> steps;
    std::vector<Slot> lists, roots;
    std::vector<double> values, grads, given;
    std::vector<PyObject*> given_values;  // held until they are bound to their inputs
    std::vector<Place> places;
    PyObject* pattern = nullptr;  // the arguments, with inputs in place of what may differ
    uint64_t start = 0, call = 0, order = 0;
    bool behind = false;     // the nodes, of the arrays
    bool graded = false;     // backward() has been called for this call
    bool released = false;   // and released the graph
    bool touched = false;    // the nodes know more than the arrays
    bool busy = false;       // arguments are being looked at
    bool taken_out = false;  // the nodes are an ordinary graph now

    Slot first_step() const { return static_cast<Slot>(values.size() - steps.size()); }
    Slot first_constant() const { return static_cast<Slot>(outer.size() + inputs.size()); }
};

struct Recording {
    PyObject_HEAD
    Tape* tape;
};

PyTypeObject* recording_type;
std::vector<Tape*> tapes;  // all there are

Tape& tape_of(PyObject* recording) { return *reinterpret_cast<Recording*>(recording)->tape; }

struct Unsuitable {
    const char* reason;
};

// Gives every number its slot, and every operation its step. Throws what stands in the way.
void build(Tape& tape, const std::vector<Node*>& roots) {
    std::unordered_map<Node*, Slot> slots;
    // What a given Value was computed from belongs to it, not to the recording: until the walks are done it is a leaf.
    struct Cut {
        std::vector<Node*>& inputs;
        ~Cut() {
            for (Node* input : inputs) input->count = input->op == INPUT;
        }
    } cut{tape.inputs};
    for (Node* input : tape.inputs) {
        slots.emplace(input, 0);
        input->count = 0;
    }
    for (Node* root : roots) {
        Walk walk;
        if (!walk.find(root, false)) throw Unsuitable{nullptr};
        for (Node* leaf : walk.leaves)
            if (slots.emplace(leaf, 0).second) (leaf->order > tape.start ? tape.constants : tape.outer).push_back(leaf);
        for (Node* node : walk.nodes) {
            if (node->order <= tape.start)
                throw Unsuitable{"it uses a Value that was computed before the call: give it as an argument"};
            if (node->op >= INPUT)
                throw Unsuitable{"it makes a node of numbers that were computed elsewhere"};
            if (slots.emplace(node, 0).second) tape.inner.push_back(node);
        }
    }
    const auto older = [](Node* a, Node* b) { return a->order < b->order; };
    for (auto* part : {&tape.outer, &tape.constants, &tape.inner}) std::sort(part->begin(), part->end(), older);
    for (const auto* part : {&tape.outer, &tape.inputs, &tape.constants})
        for (Node* node : *part) {
            slots[node] = static_cast<Slot>(tape.values.size());
            tape.values.push_back(node->data);
        }
    for (Node* node : tape.inner)
        if (node->op == FIXED_POW) {
            ++tape.exponents;
            tape.values.push_back(node->edges()[1].d);
        }
    Slot exponent = static_cast<Slot>(tape.values.size() - tape.exponents);
    for (Node* node : tape.inner) {
        const auto slot = [&](size_t i) { return slots.at(node->to(i)); };
        Step step{node->op, slot(0), slot(node->count > 1)};
        if (node->op == FIXED_POW) step.b = exponent++;
        if (node->op == AFFINE || node->op == LARGEST) {
            step.a = static_cast<Slot>(tape.lists.size());
            step.b = node->op == AFFINE ? node->count / 2 : node->count;
            for (size_t i = 0; i < node->count; ++i) tape.lists.push_back(slot(i));
        }
        slots[node] = static_cast<Slot>(tape.values.size());
        tape.steps.push_back(step);
        tape.values.push_back(node->data);
    }
    for (Node* root : roots) {
        if (root->order <= tape.start || root->count == 0)
            throw Unsuitable{"it returns a Value that it did not compute"};
        tape.roots.push_back(slots.at(root));
    }
    tape.grads.resize(tape.values.size());
    tape.given.resize(tape.inputs.size());
    tape.given_values.resize(tape.inputs.size());
}

void forward(Tape& tape) {
    double *v = tape.values.data(), *y = v + tape.first_step();
    const Slot* lists = tape.lists.data();
    for (const Step& step : tape.steps) {
        const Slot* list = lists + step.a;
        const auto at = [&](size_t i) { return v[list[i]]; };
        switch (step.op) {
#define ONE(op) \
    case op: *y = value_of(op, v[step.a], v[step.b]); break;
            ONE(ADD) ONE(SUB) ONE(MUL) ONE(RELU)
            case AFFINE: *y = affine_of(step.b, at); break;
            case LARGEST: *y = largest_of(step.b, at); break;
            default: *y = value_of(step.op, v[step.a], v[step.b]);
        }
        ++y;
    }
}

// One step's slopes, at the numbers of the arrays: hand(k-th operand, slope) for each.
template <Op op, typename Hand>
void each_slope(const Step& step, const double* v, double y, Hand hand) {
    const bool two = op == ADD || op == SUB || op == MUL || op == DIV || op == POW;
    hand(0, step.a, slope_of(op, 0, v[step.a], v[step.b], y));
    if (two) hand(1, step.b, slope_of(op, 1, v[step.a], v[step.b], y));
}
template <typename Hand>
void slopes(const Tape& tape, const Step& step, const double* v, double y, Hand hand) {
    switch (step.op) {
#define EACH(op) \
    case op: return each_slope<op>(step, v, y, hand);
        EACH(ADD) EACH(SUB) EACH(MUL) EACH(DIV) EACH(POW) EACH(FIXED_POW) EACH(NEG) EACH(RELU) EACH(ABS) EACH(TANH)
        EACH(SIGMOID) EACH(LOGSIGMOID) EACH(EXP) EACH(LOG) EACH(SQRT) EACH(SIN) EACH(COS)
        case AFFINE: {
            const Slot *w = tape.lists.data() + step.a, *x = w + step.b;
            for (Slot i = 0; i < step.b; ++i) hand(i, w[i], Slope{v[x[i]], TIMES});
            for (Slot i = 0; i < step.b; ++i) hand(step.b + i, x[i], Slope{v[w[i]], TIMES});
            return hand(2 * step.b, x[step.b], Slope{1.0, TIMES});
        }
        case LARGEST:
            for (Slot i = 0; i < step.b; ++i) hand(i, tape.lists[step.a + i], Slope{0.0, SHUT});
            return;
        default: return;
    }
}

void backward(Tape& tape) {
    const double* v = tape.values.data();
    double* grads = tape.grads.data();
    const Slot first = tape.first_step();
    for (size_t i = tape.steps.size(); i-- > 0;) {
        const Step& step = tape.steps[i];
        const double g = grads[first + i], y = v[first + i];
        if (g == 0.0) {  // 0 * inf is nan, which must go on
            double sum = 0.0;
            slopes(tape, step, v, y, [&](size_t, Slot, Slope slope) { sum += number(slope); });
            if (std::isfinite(sum)) continue;
        }
        slopes(tape, step, v, y, [&](size_t, Slot to, Slope slope) { grads[to] += apply(slope, g); });
    }
}

// The nodes as this call would have made them.
void bring(Tape& tape) {
    if (!tape.behind) return;
    tape.behind = false;
    const auto fill = [&](Node* node, size_t slot, size_t i) {
        node->data = tape.values[slot];
        node->grad = tape.graded ? tape.grads[slot] : 0.0;
        if (tape.call > 0) node->order = tape.order + i;
        node->flags = static_cast<uint8_t>(tape.released ? node->flags | RELEASED : node->flags & ~RELEASED);
    };
    for (size_t i = 0; i < tape.inputs.size(); ++i) fill(tape.inputs[i], tape.outer.size() + i, i);
    for (size_t i = 0; i < tape.inner.size(); ++i) {
        Node* node = tape.inner[i];
        const Slot own = tape.first_step() + static_cast<Slot>(i);
        fill(node, own, tape.inputs.size() + i);
        slopes(tape, tape.steps[i], tape.values.data(), tape.values[own],
               [&](size_t k, Slot, Slope slope) { node->edges()[k].set(slope); });
    }
}

void leave(Tape& tape) {
    bring(tape);
    tape.taken_out = true;
    for (auto* part : {&tape.inputs, &tape.inner})
        for (Node* node : *part) node->flags &= ~RECORDED;
}

}  // namespace

void look(Node*) {
    for (Tape* tape : tapes) bring(*tape);
}

void touch(Node*) {
    for (Tape* tape : tapes) tape->touched = true;
}

void take_out(Node* recorded) {
    for (Tape* tape : tapes)
        for (auto* part : {&tape->inputs, &tape->inner})
            if (std::find(part->begin(), part->end(), recorded) != part->end()) return leave(*tape);
}

bool is_current(Node* result) {
    return result->edges()[1].d == static_cast<double>(tape_of(result->beside()).call);
}

int quick_backward(Node* result, double seed, bool retain) {
    Tape& tape = tape_of(result->beside());
    const bool alone = tape.roots.size() == 1 && !tape.taken_out && !tape.touched && !tape.graded;
    if (!alone || !is_current(result) || result->has(RELEASED)) return 0;
    for (Node* input : tape.inputs)
        if (input->count > 0 && input->to(0)->count > 0) return 0;
    std::fill(tape.grads.begin(), tape.grads.end(), 0.0);
    tape.grads[tape.roots[0]] = seed;
    backward(tape);
    result->grad = seed + result->grad;
    const double* g = tape.grads.data();
    for (Node* leaf : tape.outer) leaf->grad = *g++ + leaf->grad;
    for (Node* input : tape.inputs) {
        if (input->count > 0) input->to(0)->grad = *g + input->to(0)->grad;
        ++g;
    }
    for (Node* constant : tape.constants) constant->grad = *g++;
    tape.graded = tape.behind = true;
    tape.released = !retain;
    if (!retain) result->flags |= RELEASED;
    return 1;
}

namespace {

// --- arguments ---

// Whether what is given fits the pattern; puts the numbers aside. Otherwise `reason` says what differs.
bool fits(Tape& tape, PyObject* pattern, PyObject* given, size_t& next, const char*& reason) {
    const auto differs = [&](const char* what) {
        reason = what;
        return false;
    };
    if (is_value(pattern)) {
        const size_t i = next++;
        const bool by_value = tape.inputs[i]->op == INPUT;
        if (by_value != is_value(given)) return differs("a number stands where a Value stood, or a Value for a number");
        if (by_value) {
            if (as_node(given)->has(RECORDED)) return differs("a Value inside a captured graph was given");
            tape.given[i] = as_node(given)->data;
            Py_XSETREF(tape.given_values[i], Py_NewRef(given));
            return true;
        }
        if (!PyBool_Check(given) && as_number(given, &tape.given[i])) return true;
        PyErr_Clear();
        return differs("something else stands where a number stood");
    }
    if (PyList_CheckExact(pattern) || PyTuple_CheckExact(pattern)) {
        if (!Py_IS_TYPE(given, Py_TYPE(pattern))) return differs("a sequence became something else");
        const Py_ssize_t n = PySequence_Fast_GET_SIZE(pattern);
        if (PySequence_Fast_GET_SIZE(given) != n) return differs("a sequence has another length");
        for (Py_ssize_t i = 0; i < n && i < PySequence_Fast_GET_SIZE(given); ++i)
            if (!fits(tape, PySequence_Fast_GET_ITEM(pattern, i), PySequence_Fast_GET_ITEM(given, i), next, reason))
                return false;
        return true;
    }
    if (pattern == given) return true;
    const int same = Py_IS_TYPE(given, Py_TYPE(pattern)) ? PyObject_RichCompareBool(pattern, given, Py_EQ) : 0;
    PyErr_Clear();
    return same == 1 || differs("an argument that is not a number has another value");
}

// A node above each recorded root: the results of this call.
PyObject* results(PyObject* self, PyObject*) {
    Tape& tape = tape_of(self);
    PyObject* list = PyList_New(static_cast<Py_ssize_t>(tape.roots.size()));
    for (size_t i = 0; list != nullptr && i < tape.roots.size(); ++i) {
        const Slot slot = tape.roots[i];
        Node* root = tape.inner[slot - tape.first_step()];
        Node* node = new_node(RESULT, tape.values[slot], 1, true, true);
        if (node == nullptr) {
            Py_CLEAR(list);
            break;
        }
        Py_INCREF(as_object(root));
        connect(node, 0, root, {1.0, TIMES});
        node->edges()[1] = {reinterpret_cast<uintptr_t>(Py_NewRef(self)), static_cast<double>(tape.call)};
        PyList_SET_ITEM(list, static_cast<Py_ssize_t>(i), as_object(node));
    }
    return list;
}

// Puts the arguments aside; why they do not fit, or null.
const char* put_aside(Tape& tape, PyObject* given) {
    size_t next = 0;
    const char* reason = nullptr;
    if (tape.busy) return "another thread is calling it";
    tape.busy = true;  // a comparison of arguments can run Python code, and so another thread
    fits(tape, tape.pattern, given, next, reason);
    tape.busy = false;
    return tape.taken_out ? "a Value computed inside it was used outside: return it from the function" : reason;
}

PyObject* misfit(PyObject* self, PyObject* given) {
    const char* reason = put_aside(tape_of(self), given);
    return reason == nullptr ? Py_NewRef(Py_None) : PyUnicode_FromString(reason);
}

// One call: the results, or a str that says why the arguments do not fit.
PyObject* run(PyObject* self, PyObject* given) {
    Tape& tape = tape_of(self);
    if (const char* reason = put_aside(tape, given)) return PyUnicode_FromString(reason);
    double* v = tape.values.data();
    for (Node* leaf : tape.outer) *v++ = leaf->data;
    for (size_t i = 0; i < tape.inputs.size(); ++i) {
        *v++ = tape.given[i];
        if (PyObject* value = std::exchange(tape.given_values[i], nullptr)) {
            Node *input = tape.inputs[i], *before = input->to(0);
            connect(input, 0, as_node(value), {1.0, TIMES});
            Py_DECREF(as_object(before));
        }
    }
    forward(tape);
    ++tape.call;
    tape.order = orders + 1;
    orders += tape.inputs.size() + tape.inner.size();
    tape.behind = true;
    tape.graded = tape.released = tape.touched = false;
    return results(self, nullptr);
}

// --- comparing with another run of the function ---

// Whether a number of one recording is computed as one of the other.
bool same_slot(const Tape& a, Slot i, const Tape& b, Slot j) {
    if (i < a.outer.size() || j < b.outer.size())
        return i < a.outer.size() && j < b.outer.size() && a.outer[i] == b.outer[j];
    return i - a.outer.size() == j - b.outer.size();
}

bool same_number(double x, double y) { return std::memcmp(&x, &y, sizeof x) == 0 || (x != x && y != y); }

bool same_step(const Tape& a, const Tape& b, size_t i) {
    const Step &s = a.steps[i], &t = b.steps[i];
    const bool many = s.op == AFFINE || s.op == LARGEST;
    if (s.op != t.op) return false;
    if (s.op == FIXED_POW && !same_number(a.values[s.b], b.values[t.b])) return false;
    if (!many) return same_slot(a, s.a, b, t.a) && same_slot(a, s.b, b, t.b);
    if (s.b != t.b) return false;
    for (size_t k = 0; k < (s.op == AFFINE ? 2 * s.b + 1 : s.b); ++k)
        if (!same_slot(a, a.lists[s.a + k], b, b.lists[t.a + k])) return false;
    return true;
}

// The place, and the name, of the first node that another run of the function makes otherwise; None if there is none.
PyObject* difference(PyObject* self, PyObject* other) {
    if (!Py_IS_TYPE(other, recording_type)) return PyErr_SetString(PyExc_TypeError, "expected a recording"), nullptr;
    const Tape &a = tape_of(self), &b = tape_of(other);
    const Node* first = nullptr;
    const auto meet = [&](const Node* node) {
        if (first == nullptr || node->order < first->order) first = node;
    };
    for (size_t i = 0; i < b.constants.size(); ++i)
        if (i >= a.constants.size() ||
            !same_number(a.values[a.first_constant() + i], b.values[b.first_constant() + i])) {
            meet(b.constants[i]);
            break;
        }
    for (size_t i = 0; i < b.steps.size(); ++i)
        if (i >= a.steps.size() || !same_step(a, b, i)) {
            meet(b.inner[i]);
            break;
        }
    if (first == nullptr && a.steps.size() == b.steps.size() && a.constants.size() == b.constants.size()) {
        size_t same = a.roots.size() == b.roots.size();
        for (size_t i = 0; same && i < a.roots.size(); ++i) same = same_slot(a, a.roots[i], b, b.roots[i]);
        if (same) Py_RETURN_NONE;
    }
    if (first == nullptr) first = b.inner.back();  // it made less, or returned something else
    const size_t i = first->order - b.start - 1;
    PyObject* where = described(i < b.places.size() ? b.places[i] : Place{nullptr, 0});
    return where == nullptr ? nullptr : Py_BuildValue("Nsd", where, NAMES[first->op], first->data);
}

// --- the class ---

PyObject* record(PyObject*, PyObject* args) {
    PyObject *pattern, *inputs, *roots;
    if (!PyArg_ParseTuple(args, "OO!O!:record", &pattern, &PyList_Type, &inputs, &PyList_Type, &roots)) return nullptr;
    try {
        auto tape = std::make_unique<Tape>();
        tape->start = notes.start;
        tapes.reserve(tapes.size() + 1);
        std::vector<Node*> results;
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(inputs); ++i)
            tape->inputs.push_back(as_node(PyList_GET_ITEM(inputs, i)));
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(roots); ++i) results.push_back(as_node(PyList_GET_ITEM(roots, i)));
        build(*tape, results);
        Recording* self = PyObject_GC_New(Recording, recording_type);
        if (self == nullptr) return nullptr;
        tape->pattern = Py_NewRef(pattern);
        tape->places.swap(notes.places);
        for (auto* part : {&tape->outer, &tape->inputs, &tape->constants, &tape->inner})
            for (Node* node : *part) Py_INCREF(as_object(node));
        for (auto* part : {&tape->inputs, &tape->inner})
            for (Node* node : *part) node->flags |= RECORDED;
        tapes.push_back(tape.get());
        self->tape = tape.release();
        PyObject_GC_Track(self);
        return reinterpret_cast<PyObject*>(self);
    } catch (const Unsuitable& problem) {
        if (problem.reason != nullptr) PyErr_SetString(PyExc_ValueError, problem.reason);
        return nullptr;
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory();
    }
}

void dealloc(PyObject* self) {
    PyObject_GC_UnTrack(self);
    Tape* tape = reinterpret_cast<Recording*>(self)->tape;
    leave(*tape);
    tapes.erase(std::find(tapes.begin(), tapes.end(), tape));
    for (auto* part : {&tape->inner, &tape->inputs, &tape->constants, &tape->outer})
        for (Node* node : *part) Py_DECREF(as_object(node));
    for (PyObject* given : tape->given_values) Py_XDECREF(given);
    for (Place& place : tape->places) Py_XDECREF(place.first);
    Py_DECREF(tape->pattern);
    delete tape;
    PyTypeObject* type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

int traverse(PyObject* self, visitproc visit, void* arg) {
    const Tape& tape = tape_of(self);
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(tape.pattern);
    for (PyObject* given : tape.given_values) Py_VISIT(given);
    for (auto* part : {&tape.outer, &tape.inputs, &tape.constants, &tape.inner})
        for (Node* node : *part)
            if (node->has(TRACKED)) Py_VISIT(as_object(node));
    return 0;
}

// What stands for an argument while the function is recorded: a leaf for a number, a node above a Value.
PyObject* placeholder(PyObject*, PyObject* x) {
    double number;
    if (!is_value(x)) return as_number(x, &number) ? as_object(new_node(LEAF, number, 0)) : nullptr;
    if (as_node(x)->has(RECORDED)) take_out(as_node(x));
    Node* node = new_node(INPUT, as_node(x)->data, 1, false, true);  // what it stands above may be tracked, later
    if (node != nullptr) connect(node, 0, as_node(Py_NewRef(x)), {1.0, TIMES});
    return as_object(node);
}

// begin(notice, package): from now on this thread's nodes are counted, and notice(what, place) is told what a recording
// cannot know. end() ends it.
PyObject* begin(PyObject*, PyObject* args) {
    PyObject *notice, *package;
    if (!PyArg_ParseTuple(args, "OU:begin", &notice, &package)) return nullptr;
    if (noticed != nullptr) return PyErr_SetString(PyExc_RuntimeError, "a function is being recorded"), nullptr;
    notes.clear();
    notes.start = orders;
    Py_XSETREF(notes.package, Py_NewRef(package));
    recording_thread = PyThread_get_thread_ident();
    noticed = Py_NewRef(notice);
    attended = true;
    Py_RETURN_NONE;
}
PyObject* end(PyObject*, PyObject*) {
    Py_CLEAR(noticed);
    attended = follower != nullptr;
    Py_RETURN_NONE;
}

// follow(tell): from now on tell(number) is called for each node made; None ends it. Gives who was told before.
PyObject* follow(PyObject*, PyObject* tell) {
    PyObject* before = std::exchange(follower, tell == Py_None ? nullptr : Py_NewRef(tell));
    attended = follower != nullptr || noticed != nullptr;
    return before == nullptr ? Py_NewRef(Py_None) : before;
}

PyMethodDef methods[] = {
    {"misfit", misfit, METH_O, "Why these arguments do not fit, or None."},
    {"run", run, METH_O, "Compute everything anew with these arguments: the results, or why they do not fit."},
    {"results", results, METH_NOARGS, "The results of the last run."},
    {"difference", difference, METH_O, "Where another recording of the function differs first, or None."},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_methods, methods},
    {0, nullptr},
};
PyType_Spec spec = {
    "glassgrad.scalar._tape.Recording", static_cast<int>(sizeof(Recording)), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

PyMethodDef functions[] = {
    {"begin", begin, METH_VARARGS, nullptr},
    {"end", end, METH_NOARGS, nullptr},
    {"follow", follow, METH_O, "From now on it is told the number of each Value made; None ends it. Who was told before."},
    {"placeholder", placeholder, METH_O, nullptr},
    {"record", record, METH_VARARGS, "The recording of (pattern, inputs, roots); ValueError says why there is none."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

int add_replay(PyObject* module) {
    PyObject* type = PyType_FromSpec(&spec);
    if (type == nullptr || PyModule_AddFunctions(module, functions) < 0) return -1;
    recording_type = reinterpret_cast<PyTypeObject*>(type);
    return PyModule_AddObjectRef(module, "Recording", type);
}

}  // namespace scalar
