// The class Value, compiled: numbers in a C struct, operands beside them. What it does is said in value.py, which lends
// it the methods that need not be fast. The way back is walk.cpp's.
#include "node.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <unordered_map>
#include <utility>

namespace scalar {

const char* const NAMES[OPS] = {
    "",     "const",   "+",          "-",   "*",   "/",    "**",  "**",  "neg",   "ReLU",  "abs",      "tanh",
    "sigmoid", "logsigmoid", "exp", "log", "sqrt", "sin", "cos", "w*x+b", "largest", "input", "captured", ""};

PyTypeObject* value_type;
uint64_t orders;
PyObject *classic, *second_pass;

namespace {

std::unordered_map<const Node*, PyObject*> labels;  // held
PyObject *names[OPS], *empty_text, *per_class, *shut, *not_a_number;
size_t alive;

// --- memory ---

void begin(Node* node, Op op, double data) {
    node->data = data;
    node->grad = 0.0;
    node->order = ++orders;
    node->count = 0;
    node->op = op;
    node->flags = 0;
    ++alive;
    if (attended) attend(node->order);
}

bool is_gc(const Node* node) { return node->has(TRACKED) || Py_TYPE(node) != value_type; }

// One after another, whatever the depth of the graph: a node that dies while another is being freed waits in a list.
void dealloc(PyObject* self) {
    static Node* doomed;
    static bool freeing;
    Node* node = as_node(self);
    if (is_gc(node)) PyObject_GC_UnTrack(self);
    node->order = reinterpret_cast<uintptr_t>(doomed);
    doomed = node;
    if (freeing) return;
    freeing = true;
    while (doomed != nullptr) {
        node = doomed;
        doomed = reinterpret_cast<Node*>(static_cast<uintptr_t>(node->order));
        drop_operands(node);
        if (node->has(APART)) PyMem_Free(node->apart());
        if (node->has(LABELED)) Py_DECREF(labels.extract(node).mapped());
        PyTypeObject* type = Py_TYPE(as_object(node));
        if (is_gc(node)) {
            type->tp_free(as_object(node));
        } else {
            PyObject_Free(node);
        }
        Py_DECREF(type);
        --alive;
    }
    freeing = false;
}

// Memory for so many edges of a node that has them apart.
bool room(Node* node, size_t slots) {
    Edge* edges = static_cast<Edge*>(PyMem_Calloc(slots, sizeof(Edge)));
    if (edges == nullptr) return PyErr_NoMemory(), false;
    node->apart() = edges;
    return true;
}

int is_collected(PyObject* self) { return is_gc(as_node(self)); }

int traverse(PyObject* self, visitproc visit, void* arg) {
    Node* node = as_node(self);
    Py_VISIT(Py_TYPE(self));
    if (node->has(LABELED)) Py_VISIT(labels.at(node));
    for (size_t i = 0; i < node->count + size_t{node->has(BESIDE)}; ++i) Py_VISIT(as_object(node->to(i)));
    return 0;
}

// The node that most are: its slots are still to be filled.
ALWAYS_INLINE Node* plain_node(Op op, double data, size_t slots) {
    Node* node = static_cast<Node*>(PyObject_Malloc(sizeof(Node) + slots * sizeof(Edge)));
    if (node == nullptr) return PyErr_NoMemory(), nullptr;
    PyObject_Init(as_object(node), value_type);
    begin(node, op, data);
    return node;
}

}  // namespace

Node* new_node(Op op, double data, size_t count, bool beside, bool tracked) {
    const size_t slots = count + beside;
    Node* node;
    if (count > UINT32_MAX) return PyErr_NoMemory(), nullptr;
    if (tracked) {
        if ((node = PyObject_GC_New(Node, value_type)) == nullptr) return nullptr;
        begin(node, op, data);
        node->flags = TRACKED | APART;
        node->apart() = nullptr;
        if (!room(node, slots)) {
            Py_DECREF(as_object(node));
            return nullptr;
        }
        PyObject_GC_Track(as_object(node));
    } else {
        if ((node = plain_node(op, data, slots)) == nullptr) return nullptr;
        for (size_t i = 0; i < slots; ++i) node->edges()[i] = {0, 0.0};
    }
    node->count = static_cast<uint32_t>(count);
    if (beside) node->flags |= BESIDE;
    return node;
}

void drop_operands(Node* node) {
    const size_t slots = node->count + size_t{node->has(BESIDE)};
    Edge* edges = node->edges();
    node->count = 0;
    node->flags &= ~BESIDE;
    if (node->has(APART)) node->apart() = nullptr;
    for (size_t i = 0; i < slots; ++i) Py_XDECREF(as_object(edges[i].to()));
    if (node->has(APART)) PyMem_Free(edges);
}

bool as_number(PyObject* x, double* number) {
    if (PyFloat_CheckExact(x)) {
        *number = PyFloat_AS_DOUBLE(x);
        return true;
    }
    PyObject* made = nullptr;
    if (PyLong_CheckExact(x) || (PyObject_HasAttrString(x, "__float__") && !PyObject_HasAttrString(x, "__len__"))) {
        made = PyNumber_Float(x);
    } else {
        PyObject* error = PyObject_CallOneArg(not_a_number, x);
        if (error != nullptr) PyErr_SetObject(PyExc_TypeError, error);
        Py_XDECREF(error);
    }
    if (made == nullptr) return false;
    *number = PyFloat_AS_DOUBLE(made);
    Py_DECREF(made);
    return true;
}

namespace {

// --- making nodes ---

Node* constant(PyObject* x) {
    double number;
    return as_number(x, &number) ? plain_node(CONST, number, 0) : nullptr;
}

// A Value as it is, a number as a constant; a new reference.
ALWAYS_INLINE Node* held(PyObject* x) {
    if (!is_value(x)) return constant(x);
    if (as_node(x)->has(RECORDED)) take_out(as_node(x));
    return as_node(Py_NewRef(x));
}

// The node of an operation on two; takes the operands.
template <Op op>
ALWAYS_INLINE Node* join(Node* a, Node* b) {
    const double x = a->data, z = b->data, y = value_of(op, x, z);
    const bool tracked = (a->flags | b->flags) & TRACKED;
    Node* node = tracked ? new_node(op, y, 2, false, true) : plain_node(op, y, 2);
    if (node == nullptr) {
        Py_DECREF(as_object(a));
        Py_DECREF(as_object(b));
        return nullptr;
    }
    node->count = 2;
    connect(node, 0, a, slope_of(op, 0, x, z, y));
    connect(node, 1, b, slope_of(op, 1, x, z, y));
    return node;
}

template <Op op>
PyObject* binary(PyObject* left, PyObject* right) {
    Node* a = held(left);
    if (a == nullptr) return nullptr;
    Node* b = held(right);
    if (b == nullptr) {
        Py_DECREF(as_object(a));
        return nullptr;
    }
    return as_object(join<op>(a, b));
}

template <Op op>
PyObject* unary(PyObject* self) {
    Node* a = held(self);
    const double x = a->data, y = value_of(op, x, x);
    Node* node = new_node(op, y, 1, false, a->has(TRACKED));
    if (node == nullptr) {
        Py_DECREF(as_object(a));
        return nullptr;
    }
    connect(node, 0, a, slope_of(op, 0, x, x, y));
    return as_object(node);
}

template <Op op>
PyObject* function(PyObject* self, PyObject*) {
    return unary<op>(self);
}

PyObject* raise(PyObject* base, PyObject* exponent, PyObject* modulus) {
    if (modulus != Py_None) {
        PyErr_SetString(PyExc_TypeError, "pow() of a Value takes no third argument");
        return nullptr;
    }
    if (!is_value(base) || is_value(exponent)) return binary<POW>(base, exponent);
    double k;
    if (!as_number(exponent, &k)) return nullptr;
    Node* a = held(base);
    const double x = a->data, y = value_of(FIXED_POW, x, k);
    Node* node = new_node(FIXED_POW, y, 1, true, a->has(TRACKED));
    if (node == nullptr) {
        Py_DECREF(as_object(a));
        return nullptr;
    }
    connect(node, 0, a, slope_of(FIXED_POW, 0, x, k, y));
    const bool plain = PyFloat_CheckExact(exponent) || PyLong_CheckExact(exponent);
    PyObject* beside = plain ? Py_NewRef(exponent) : PyObject_Str(exponent);
    node->edges()[1] = {reinterpret_cast<uintptr_t>(beside), k};
    if (beside == nullptr) Py_CLEAR(node);
    return as_object(node);
}

bool is_tracked(PyObject* x) { return is_value(x) && as_node(x)->has(TRACKED); }

// A list or tuple as it is, another sequence as a list.
struct Sequence {
    explicit Sequence(PyObject* x) : object(PySequence_Fast(x, "affine: expected sequences of Values and numbers")) {}
    ~Sequence() { Py_XDECREF(object); }
    Sequence(const Sequence&) = delete;
    size_t size() const { return static_cast<size_t>(PySequence_Fast_GET_SIZE(object)); }
    PyObject* operator[](size_t i) const { return PySequence_Fast_GET_ITEM(object, i); }
    bool tracked() const {
        PyObject **item = PySequence_Fast_ITEMS(object), **end = item + size();
        return std::any_of(item, end, is_tracked);
    }
    PyObject* object;
};

// Puts x at place i of the node, where its slope is not known yet.
bool take(Node* node, size_t i, PyObject* x) {
    Node* operand = held(x);
    if (operand != nullptr) connect(node, i, operand, {0.0, TIMES});
    return operand != nullptr;
}

// affine(weights, inputs, bias, fused)
PyObject* affine(PyObject*, PyObject* const* args, Py_ssize_t given, PyObject* names_of_others) {
    PyObject* fused_ = given == 4 ? args[3] : Py_True;
    if (given == 3 && names_of_others != nullptr && PyTuple_GET_SIZE(names_of_others) == 1 &&
        PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names_of_others, 0), "fused") == 0) {
        fused_ = args[3];
    } else if (given < 3 || given > 4 || names_of_others != nullptr) {
        return PyErr_SetString(PyExc_TypeError, "affine: expected weights, inputs, bias and, if wanted, fused"), nullptr;
    }
    const int fused = PyObject_IsTrue(fused_);
    if (fused < 0) return nullptr;
    PyObject *given_weights = args[0], *given_inputs = args[1], *bias = args[2];
    const Sequence weights(given_weights), inputs(given_inputs);
    if (weights.object == nullptr || inputs.object == nullptr) return nullptr;
    const size_t n = weights.size();
    if (inputs.size() != n) {
        PyErr_Format(PyExc_ValueError, "affine: %zu weights need %zu inputs, got %zu", n, n, inputs.size());
        return nullptr;
    }
    if (!fused) {
        Node* total = held(bias);
        for (size_t i = 0; i < n && total != nullptr; ++i) {
            Node* product = as_node(binary<MUL>(weights[i], inputs[i]));
            if (product == nullptr) {
                Py_CLEAR(total);
            } else {
                total = join<ADD>(total, product);
            }
        }
        return as_object(total);
    }
    const bool tracked = weights.tracked() || inputs.tracked() || is_tracked(bias);
    Node* node = new_node(AFFINE, 0.0, 2 * n + 1, false, tracked);
    if (node == nullptr) return nullptr;
    bool good = true;
    for (size_t i = 0; good && i < n; ++i) good = take(node, i, weights[i]);
    for (size_t i = 0; good && i < n; ++i) good = take(node, n + i, inputs[i]);
    if (!good || !take(node, 2 * n, bias)) {
        Py_DECREF(as_object(node));
        return nullptr;
    }
    node->data = affine_of(n, [&](size_t i) { return node->to(i)->data; });
    for (size_t i = 0; i < n; ++i) {
        node->edges()[i].d = node->to(n + i)->data;
        node->edges()[n + i].d = node->to(i)->data;
    }
    node->edges()[2 * n].d = 1.0;
    return as_object(node);
}

PyObject* largest(PyObject*, PyObject* given) {
    const Sequence values(given);
    if (values.object == nullptr) return nullptr;
    const size_t n = values.size();
    if (n == 0) return PyErr_SetString(PyExc_ValueError, "largest: of no Values"), nullptr;
    Node* node = new_node(LARGEST, 0.0, n, false, values.tracked());
    if (node == nullptr) return nullptr;
    for (size_t i = 0; i < n; ++i) {
        if (!take(node, i, values[i])) {
            Py_DECREF(as_object(node));
            return nullptr;
        }
        node->edges()[i].set({0.0, SHUT});
    }
    node->data = largest_of(n, [&](size_t i) { return node->to(i)->data; });
    return as_object(node);
}

PyObject* as_value(PyObject*, PyObject* x) { return is_value(x) ? Py_NewRef(x) : as_object(held(x)); }

PyObject* as_float(PyObject*, PyObject* x) {
    double number;
    return as_number(x, &number) ? PyFloat_FromDouble(number) : nullptr;
}

// --- what a node shows ---

Node* seen(PyObject* self) {
    Node* node = as_node(self);
    if (node->has(RECORDED)) look(node);
    return node;
}

// Numbers that were written inside the function are constants of a recording, all others may change.
PyObject* read(Node* node, double number) {
    if (node->op != CONST) tell("reads the number of a Value");
    return PyFloat_FromDouble(number);
}

PyObject* get_data(PyObject* self, void*) {
    Node* node = seen(self);
    return read(node, node->data);
}
PyObject* get_grad(PyObject* self, void*) {
    Node* node = seen(self);
    return read(node, node->grad);
}
PyObject* item(PyObject* self, PyObject*) { return get_data(self, nullptr); }

int set_number(PyObject* self, PyObject* x, double Node::* where) {
    double number;
    if (x == nullptr) return PyErr_SetString(PyExc_AttributeError, "the number of a Value cannot be deleted"), -1;
    if (!as_number(x, &number)) return -1;
    tell("changes a Value");
    Node* node = seen(self);
    if (node->has(RECORDED)) touch(node);
    node->*where = number;
    return 0;
}
int set_data(PyObject* self, PyObject* x, void*) { return set_number(self, x, &Node::data); }
int set_grad(PyObject* self, PyObject* x, void*) {
    if (x != Py_None) return set_number(self, x, &Node::grad);
    PyObject* zero = PyFloat_FromDouble(0.0);
    const int done = zero == nullptr ? -1 : set_number(self, zero, &Node::grad);
    Py_XDECREF(zero);
    return done;
}

PyObject* get_label(PyObject* self, void*) {
    return Py_NewRef(as_node(self)->has(LABELED) ? labels.at(as_node(self)) : empty_text);
}
int set_label(PyObject* self, PyObject* label, void*) {
    Node* node = as_node(self);
    if (label == nullptr) return PyErr_SetString(PyExc_AttributeError, "label"), -1;
    if (label == empty_text && !node->has(LABELED)) return 0;
    try {
        PyObject*& place = labels[node];
        PyObject* before = std::exchange(place, Py_NewRef(label));
        node->flags |= LABELED;
        Py_XDECREF(before);
        return 0;
    } catch (const std::bad_alloc&) {
        return PyErr_NoMemory(), -1;
    }
}

PyObject* get_op(PyObject* self, void*) {
    Node* node = as_node(self);
    if (node->op == FIXED_POW) return PyUnicode_FromFormat("**%S", node->beside());
    if (node->op == OTHER) return Py_NewRef(node->beside());
    return Py_NewRef(names[node->op]);
}
PyObject* get_order(PyObject* self, void*) { return PyLong_FromUnsignedLongLong(as_node(self)->order); }
PyObject* get_operands(PyObject* self, void*) {
    Node* node = as_node(self);
    PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(node->count));
    if (tuple == nullptr) return nullptr;
    for (size_t i = 0; i < node->count; ++i) PyTuple_SET_ITEM(tuple, i, Py_NewRef(as_object(node->to(i))));
    return tuple;
}

PyObject* get_slopes(PyObject* self, void*) {
    Node* node = seen(self);
    tell("reads local gradients");
    PyObject* tuple = PyTuple_New(static_cast<Py_ssize_t>(node->count));
    if (tuple == nullptr) return nullptr;
    for (size_t i = 0; i < node->count; ++i) {
        const Slope slope = node->edges()[i].slope();
        PyObject* made = slope.kind == SHUT ? Py_NewRef(shut) : PyFloat_FromDouble(slope.d);
        if (made != nullptr && slope.kind == PER) {
            PyObject* per = PyObject_CallOneArg(per_class, made);
            Py_DECREF(made);
            made = per;
        }
        if (made == nullptr) {
            Py_DECREF(tuple);
            return nullptr;
        }
        PyTuple_SET_ITEM(tuple, i, made);
    }
    return tuple;
}

bool slope_from(PyObject* x, Slope* slope) {
    if (Py_IS_TYPE(x, Py_TYPE(shut))) return *slope = {0.0, SHUT}, true;
    *slope = {0.0, TIMES};
    if (!PyObject_TypeCheck(x, reinterpret_cast<PyTypeObject*>(per_class))) return as_number(x, &slope->d);
    PyObject* d = PyObject_GetAttrString(x, "d");
    const bool good = d != nullptr && as_number(d, &slope->d);
    slope->kind = PER;
    Py_XDECREF(d);
    return good;
}

// A node of numbers computed elsewhere: (data, op, operands, slopes).
PyObject* node(PyObject*, PyObject* args) {
    PyObject *op, *operands, *slopes;
    double data;
    if (!PyArg_ParseTuple(args, "dUO!O!:node", &data, &op, &PyTuple_Type, &operands, &PyTuple_Type, &slopes))
        return nullptr;
    const size_t n = static_cast<size_t>(PyTuple_GET_SIZE(operands));
    if (n == 0 || static_cast<size_t>(PyTuple_GET_SIZE(slopes)) != n)
        return PyErr_SetString(PyExc_ValueError, "node: expected as many slopes as operands, and one at least"), nullptr;
    Node* made = new_node(OTHER, data, n, true, Sequence(operands).tracked());
    if (made == nullptr) return nullptr;
    made->edges()[n] = {reinterpret_cast<uintptr_t>(Py_NewRef(op)), 0.0};
    for (size_t i = 0; i < n; ++i) {
        PyObject* operand = PyTuple_GET_ITEM(operands, i);
        Slope slope;
        if (!is_value(operand)) PyErr_SetString(PyExc_TypeError, "node: the operands are Values");
        if (!is_value(operand) || !slope_from(PyTuple_GET_ITEM(slopes, i), &slope)) {
            Py_DECREF(as_object(made));
            return nullptr;
        }
        connect(made, i, held(operand), slope);
    }
    return as_object(made);
}

// Makes this Value what node() would make of the arguments; without operands, a leaf.
PyObject* set(PyObject* self, PyObject* args) {
    Node* to = as_node(self);
    double data;
    const char* op;
    PyObject *operands, *slopes;
    if (!PyArg_ParseTuple(args, "dsO!|O:_set", &data, &op, &PyTuple_Type, &operands, &slopes)) return nullptr;
    PyObject* made = PyTuple_GET_SIZE(operands) == 0 ? as_object(new_node(LEAF, data, 0)) : node(nullptr, args);
    if (made == nullptr) return nullptr;
    Node* from = as_node(made);
    if (from->count == 0 && std::strcmp(op, NAMES[CONST]) == 0) from->op = CONST;
    const size_t slots = from->count + size_t{from->has(BESIDE)};
    drop_operands(to);
    if (slots > 0 && !to->has(APART)) PyErr_SetString(PyExc_TypeError, "_set: a Value that is in use stays a leaf");
    if (slots > 0 && (!to->has(APART) || !room(to, slots))) {
        Py_DECREF(made);
        return nullptr;
    }
    if (slots > 0) std::copy(from->edges(), from->edges() + slots, to->apart());
    to->data = data;
    to->op = from->op;
    to->order = from->order;
    to->count = std::exchange(from->count, 0);
    to->flags = static_cast<uint8_t>((to->flags & (TRACKED | APART | LABELED)) | (from->flags & BESIDE));
    from->flags &= ~BESIDE;
    Py_DECREF(made);
    Py_RETURN_NONE;
}

PyObject* get_released(PyObject* self, void*) { return PyBool_FromLong(seen(self)->has(RELEASED)); }
int set_released(PyObject* self, PyObject* x, void*) {
    const int released = x == nullptr ? -1 : PyObject_IsTrue(x);
    if (released < 0) return -1;
    Node* node = seen(self);
    node->flags = static_cast<uint8_t>(released ? node->flags | RELEASED : node->flags & ~RELEASED);
    return 0;
}

// --- the class ---

int init(PyObject* self, PyObject* args, PyObject* named) {
    static const char* words[] = {"data", "label", nullptr};
    PyObject *data, *label = empty_text;
    double number;
    if (!PyArg_ParseTupleAndKeywords(args, named, "O|O:Value", const_cast<char**>(words), &data, &label)) return -1;
    if (!as_number(data, &number)) return -1;
    Node* node = as_node(self);
    drop_operands(node);
    node->data = number;
    node->grad = 0.0;
    node->op = LEAF;
    node->flags &= TRACKED | APART | LABELED;
    return set_label(self, label, nullptr);
}

PyObject* make(PyTypeObject* type, PyObject*, PyObject*) {
    PyObject* self = type == value_type ? as_object(plain_node(LEAF, 0.0, 1)) : type->tp_alloc(type, 0);
    if (self == nullptr) return nullptr;
    if (type != value_type) begin(as_node(self), LEAF, 0.0);
    as_node(self)->flags = APART | (type == value_type ? 0 : TRACKED);  // a subclass can have attributes
    as_node(self)->apart() = nullptr;
    return self;
}

PyObject* call(PyObject* type, PyObject* const* args, size_t nargs, PyObject* words) {
    const Py_ssize_t n = PyVectorcall_NARGS(nargs);
    double number;
    if (n == 1 && words == nullptr) return as_number(args[0], &number) ? as_object(new_node(LEAF, number, 0)) : nullptr;
    PyObject* tuple = PyTuple_New(n);
    PyObject* named = words == nullptr ? nullptr : PyDict_New();
    bool good = tuple != nullptr && (words == nullptr || named != nullptr);
    for (Py_ssize_t i = 0; good && i < n; ++i) PyTuple_SET_ITEM(tuple, i, Py_NewRef(args[i]));
    for (Py_ssize_t i = 0; good && words != nullptr && i < PyTuple_GET_SIZE(words); ++i)
        good = PyDict_SetItem(named, PyTuple_GET_ITEM(words, i), args[n + i]) == 0;
    PyObject* self = good ? make(reinterpret_cast<PyTypeObject*>(type), tuple, named) : nullptr;
    if (self != nullptr && init(self, tuple, named) < 0) Py_CLEAR(self);
    Py_XDECREF(tuple);
    Py_XDECREF(named);
    return self;
}

// As objects do; but whether a number of the arguments is true or equals something, a recording cannot know.
int truth(PyObject*) {
    tell("asks whether a Value is true");
    return 1;
}
PyObject* compare(PyObject* self, PyObject* other, int how) {
    if (!is_value(other)) tell("compares a Value with something else");
    return PyBaseObject_Type.tp_richcompare(self, other, how);
}
Py_hash_t hash(PyObject* self) { return PyBaseObject_Type.tp_hash(self); }

PyObject* zero_grad(PyObject*, PyObject* values) {
    const Sequence all(values);
    if (all.object == nullptr) return nullptr;
    tell("changes a Value");
    for (size_t i = 0; i < all.size(); ++i) {
        if (!is_value(all[i])) return PyErr_SetString(PyExc_TypeError, "zero_grad: expected Values"), nullptr;
        Node* node = seen(all[i]);
        if (node->has(RECORDED)) touch(node);
        node->grad = 0.0;
    }
    Py_RETURN_NONE;
}

PyObject* count_alive(PyObject*, PyObject*) { return PyLong_FromSize_t(alive); }

PyMethodDef value_methods[] = {
    {"item", item, METH_NOARGS, nullptr},
    {"relu", function<RELU>, METH_NOARGS, nullptr},
    {"abs", function<ABS>, METH_NOARGS, nullptr},
    {"tanh", function<TANH>, METH_NOARGS, nullptr},
    {"sigmoid", function<SIGMOID>, METH_NOARGS, nullptr},
    {"logsigmoid", function<LOGSIGMOID>, METH_NOARGS, nullptr},
    {"exp", function<EXP>, METH_NOARGS, nullptr},
    {"log", function<LOG>, METH_NOARGS, nullptr},
    {"sqrt", function<SQRT>, METH_NOARGS, nullptr},
    {"sin", function<SIN>, METH_NOARGS, nullptr},
    {"cos", function<COS>, METH_NOARGS, nullptr},
    {"backward", reinterpret_cast<PyCFunction>(backward), METH_VARARGS | METH_KEYWORDS, nullptr},
    {"_backward", backward_by_hand, METH_NOARGS, nullptr},
    {"_set", set, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef value_attributes[] = {
    {"data", get_data, set_data, nullptr, nullptr},
    {"grad", get_grad, set_grad, nullptr, nullptr},
    {"label", get_label, set_label, nullptr, nullptr},
    {"operands", get_operands, nullptr, nullptr, nullptr},
    {"local_gradients", get_slopes, nullptr, nullptr, nullptr},
    {"_datum", get_data, set_data, nullptr, nullptr},
    {"_grad", get_grad, set_grad, nullptr, nullptr},
    {"_number", get_order, nullptr, nullptr, nullptr},
    {"_op", get_op, nullptr, nullptr, nullptr},
    {"_operands", get_operands, nullptr, nullptr, nullptr},
    {"_slopes", get_slopes, nullptr, nullptr, nullptr},
    {"_released", get_released, set_released, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

template <typename F>
void* slot(F* function) {
    return reinterpret_cast<void*>(function);
}

PyType_Slot value_slots[] = {
    {Py_tp_new, slot(make)},
    {Py_tp_init, slot(init)},
    {Py_tp_dealloc, slot(dealloc)},
    {Py_tp_traverse, slot(traverse)},
    {Py_tp_is_gc, slot(is_collected)},
    {Py_tp_richcompare, slot(compare)},
    {Py_tp_hash, slot(hash)},
    {Py_tp_methods, value_methods},
    {Py_tp_getset, value_attributes},
    {Py_nb_bool, slot(truth)},
    {Py_nb_add, slot(binary<ADD>)},
    {Py_nb_subtract, slot(binary<SUB>)},
    {Py_nb_multiply, slot(binary<MUL>)},
    {Py_nb_true_divide, slot(binary<DIV>)},
    {Py_nb_power, slot(raise)},
    {Py_nb_negative, slot(unary<NEG>)},
    {Py_nb_absolute, slot(unary<ABS>)},
    {0, nullptr},
};

PyType_Spec value_spec = {
    "glassgrad.scalar.engine.Value", static_cast<int>(sizeof(Node) + sizeof(Edge*)), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, value_slots};

PyMethodDef functions[] = {
    {"affine", reinterpret_cast<PyCFunction>(affine), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"ancestry", reinterpret_cast<PyCFunction>(ancestry), METH_VARARGS | METH_KEYWORDS, nullptr},
    {"largest", largest, METH_O, nullptr},
    {"node", node, METH_VARARGS, nullptr},
    {"as_value", as_value, METH_O, nullptr},
    {"as_number", as_float, METH_O, nullptr},
    {"zero_grad", zero_grad, METH_O, nullptr},
    {"alive", count_alive, METH_NOARGS, "How many Values there are."},
    {nullptr, nullptr, 0, nullptr},
};

// The methods that value.py lends: what they do to its class they do to this one.
int borrow(PyObject* readable) {
    PyObject* type = reinterpret_cast<PyObject*>(value_type);
    PyObject* members = PyObject_GetAttrString(readable, "__dict__");
    if (members == nullptr) return -1;
    int done = PyObject_SetAttrString(type, "__array_ufunc__", Py_None);
    for (const char* name : {"__doc__", "__repr__", "__getstate__", "__setstate__", "_prev"}) {
        PyObject* member = done < 0 ? nullptr : PyMapping_GetItemString(members, name);
        done = member == nullptr ? -1 : PyObject_SetAttrString(type, name, member);
        Py_XDECREF(member);
    }
    Py_DECREF(members);
    return done;
}

// What value.py says about its methods and functions is said about these.
int document(PyMethodDef* methods, PyObject* readable) {
    for (PyMethodDef* method = methods; method->ml_name != nullptr; ++method) {
        PyObject* said = PyObject_GetAttrString(readable, method->ml_name);
        PyObject* text = said == nullptr ? nullptr : PyObject_GetAttrString(said, "__doc__");
        PyErr_Clear();  // what is not there says nothing
        Py_XDECREF(said);
        if (text != nullptr && PyUnicode_Check(text)) method->ml_doc = PyUnicode_AsUTF8(text);  // held for good
        if (method->ml_doc == nullptr) Py_XDECREF(text);
    }
    return PyErr_Occurred() ? -1 : 0;
}

int execute(PyObject* module) {
    if (value_type != nullptr) {  // what is held by the whole process can be told once
        PyErr_SetString(PyExc_ImportError, "glassgrad.scalar._tape can be loaded only once in a process");
        return -1;
    }
    PyObject* said = PyImport_ImportModule("glassgrad.scalar.value");
    if (said == nullptr) return -1;
    const std::pair<const char*, PyObject**> wanted[] = {
        {"Per", &per_class},   {"SHUT", &shut},       {"classic", &classic}, {"not_a_number", &not_a_number},
        {"second_pass", &second_pass}};
    for (const auto& [name, where] : wanted)
        if ((*where = PyObject_GetAttrString(said, name)) == nullptr) return -1;
    empty_text = PyUnicode_InternFromString("");
    for (int op = 0; op < OPS; ++op)
        if ((names[op] = PyUnicode_InternFromString(NAMES[op])) == nullptr) return -1;
    PyObject* readable = PyObject_GetAttrString(said, "Value");
    if (readable == nullptr || document(value_methods, readable) < 0 || document(functions, said) < 0) return -1;
    PyObject* type = PyType_FromSpec(&value_spec);
    if (type == nullptr) return -1;
    value_type = reinterpret_cast<PyTypeObject*>(type);
    value_type->tp_vectorcall = call;
    if (borrow(readable) < 0) return -1;
    Py_DECREF(readable);
    Py_DECREF(said);
    return PyModule_AddObjectRef(module, "Value", type) < 0 ? -1 : add_replay(module);
}

PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, slot(execute)},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
#if PY_VERSION_HEX >= 0x030D0000
    {Py_mod_gil, Py_MOD_GIL_USED},  // the one lock: importing this turns it on in a free-threaded Python
#endif
    {0, nullptr},
};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_tape", "The scalar engine, compiled; glassgrad.scalar.value says what it does.", 0,
    functions, module_slots, nullptr, nullptr, nullptr};

}  // namespace
}  // namespace scalar

PyMODINIT_FUNC PyInit__tape() { return PyModuleDef_Init(&scalar::definition); }
