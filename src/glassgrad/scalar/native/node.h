// A Value as C++ sees it, and what every operation computes: value and slopes, the formulas of value.py.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#if defined(__GNUC__)
#define ALWAYS_INLINE __attribute__((always_inline)) inline  // formulas of an op that is known: one line of each is left
#else
#define ALWAYS_INLINE inline
#endif

namespace scalar {

enum Op : uint8_t {
    LEAF, CONST, ADD, SUB, MUL, DIV, POW, FIXED_POW, NEG, RELU, ABS, TANH, SIGMOID, LOGSIGMOID, EXP, LOG, SQRT, SIN, COS,
    AFFINE, LARGEST,
    INPUT,   // stands in a recording for a Value that each call gives anew
    RESULT,  // what a call of a recording returns, above the recorded node
    OTHER,   // its name is kept beside it
    OPS
};
extern const char* const NAMES[OPS];  // as value.py's nodes call themselves

// --- slopes ---

// How a slope is applied to a gradient g: g * d, g / d rounded once, or 0 whatever g is (value.py's Per and Shut).
enum Kind : uintptr_t { TIMES, PER, SHUT };

struct Slope {
    double d;
    Kind kind;
};

// x / 0 is inf with the sign of both, 0 / 0 is nan: what hardware does, but for the sign of the nan.
inline double divide(double a, double b) {
    return b == 0 && (a == 0 || a != a) ? std::numeric_limits<double>::quiet_NaN() : a / b;
}
ALWAYS_INLINE double apply(Slope s, double g) { return s.kind == TIMES ? g * s.d : s.kind == PER ? divide(g, s.d) : 0.0; }
ALWAYS_INLINE double number(Slope s) { return s.kind == TIMES ? s.d : s.kind == PER ? divide(1.0, s.d) : 0.0; }

// --- formulas ---

inline double nan_as_python(double y, double x) {  // Python's nan is positive, a processor's negative
    return y != y && x == x ? std::numeric_limits<double>::quiet_NaN() : y;
}
inline double power(double x, double k) { return k != k ? std::pow(x, k) : nan_as_python(std::pow(x, k), x); }
inline double root(double x) { return nan_as_python(std::sqrt(x), x); }
inline double logarithm(double x) { return nan_as_python(std::log(x), x); }
inline double sigmoid(double x) {
    const double e = std::exp(-std::fabs(x));
    return x >= 0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
}
inline double fixed_power(double x, double k) {
    return k == 0.5 ? root(x) : k == -0.5 ? divide(1.0, root(x)) : power(x, k);
}

// The value of an operation on one or two numbers.
ALWAYS_INLINE double value_of(Op op, double a, double b) {
    switch (op) {
        case ADD: return a + b;
        case SUB: return a - b;
        case MUL: return a * b;
        case DIV: return divide(a, b);
        case POW: return power(a, b);
        case FIXED_POW: return fixed_power(a, b);
        case NEG: return -a;
        case RELU: return a <= 0 ? 0.0 : a;
        case ABS: return std::fabs(a);
        case TANH: return std::tanh(a);
        case SIGMOID: return sigmoid(a);
        case LOGSIGMOID: return (0.0 < a ? 0.0 : a) - std::log1p(std::exp(-std::fabs(a)));
        case EXP: return std::exp(a);
        case LOG: return logarithm(a);
        case SQRT: return root(a);
        case SIN: return nan_as_python(std::sin(a), a);
        case COS: return nan_as_python(std::cos(a), a);
        default: return a;
    }
}

// d y / d a for k = 0, d y / d b for k = 1; y is the value.
ALWAYS_INLINE Slope slope_of(Op op, int k, double a, double b, double y) {
    switch (op) {
        case SUB: return {k == 0 ? 1.0 : -1.0, TIMES};
        case MUL: return {k == 0 ? b : a, TIMES};
        case DIV: return k == 0 ? Slope{b, PER} : Slope{-divide(y, b), TIMES};
        case POW:
            if (k == 0) return b == 0 ? Slope{0, SHUT} : Slope{b * power(a, b - 1.0), TIMES};
            return a == 0 && b >= 0 ? Slope{0, SHUT} : Slope{y * logarithm(a), TIMES};
        case FIXED_POW: return b == 0 ? Slope{0, SHUT} : Slope{b * fixed_power(a, b - 1.0), TIMES};
        case NEG: return {-1.0, TIMES};
        case RELU: return a <= 0 ? Slope{0, SHUT} : Slope{1.0, TIMES};
        case ABS: return {a > 0 ? 1.0 : a < 0 ? -1.0 : 0.0, TIMES};
        case TANH: return {1.0 - y * y, TIMES};
        case SIGMOID: return {(1.0 - y) * y, TIMES};
        case LOGSIGMOID: return {sigmoid(-a), TIMES};
        case EXP: return {y, TIMES};
        case LOG: return {a, PER};
        case SQRT: return {2.0 * y, PER};
        case SIN: return {value_of(COS, a, b), TIMES};
        case COS: return {-value_of(SIN, a, b), TIMES};
        case LARGEST: return {0, SHUT};
        default: return {1.0, TIMES};
    }
}

// The values of the operations on any number of operands; at(i) is the i-th.
template <typename At>
double affine_of(size_t n, At at) {  // bias + w0 x0 + w1 x1 ..., operands w, x, bias
    double total = at(2 * n);
    for (size_t i = 0; i < n; ++i) total += at(i) * at(n + i);
    return total;
}
template <typename At>
double largest_of(size_t n, At at) {
    double most = at(0);
    for (size_t i = 1; i < n; ++i)
        if (at(i) > most) most = at(i);
    return most;
}

// --- the node ---

struct Node;

// An operand, with the kind of the slope in the pointer's lowest bits: objects lie at multiples of 8.
struct Edge {
    uintptr_t bits;
    double d;

    Node* to() const { return reinterpret_cast<Node*>(bits & ~uintptr_t{7}); }
    Slope slope() const { return {d, static_cast<Kind>(bits & 7)}; }
    void set(Slope s) {
        bits = (bits & ~uintptr_t{7}) | s.kind;
        d = s.d;
    }
};

enum Flag : uint8_t {
    SEEN = 1,      // by the search that is going on
    RELEASED = 2,  // by an earlier backward()
    RECORDED = 4,  // a recording computes it anew: ask before looking
    BESIDE = 8,    // one object follows the operands: an exponent, a name, a recording
    TRACKED = 16,  // the cyclic collector knows it: of a subclass, which can have attributes, or computed from such
    APART = 32,    // its edges are elsewhere in memory
    LABELED = 64,
};

struct Node {
    PyObject_HEAD
    double data, grad;
    uint64_t order;  // of creation
    uint32_t count;  // operands
    Op op;
    uint8_t flags;
    // Then the edges, or a pointer to where they are: a subclass has its attributes behind that.

    bool has(Flag flag) const { return flags & flag; }
    Edge*& apart() { return *reinterpret_cast<Edge**>(this + 1); }
    Edge* edges() { return has(APART) ? apart() : reinterpret_cast<Edge*>(this + 1); }
    Node* to(size_t i) { return edges()[i].to(); }
    PyObject* beside() { return has(BESIDE) ? as_object(edges()[count].to()) : nullptr; }
    static PyObject* as_object(Node* x) { return reinterpret_cast<PyObject*>(x); }
};

inline Node* as_node(PyObject* x) { return reinterpret_cast<Node*>(x); }
inline PyObject* as_object(Node* x) { return reinterpret_cast<PyObject*>(x); }

extern PyTypeObject* value_type;
extern uint64_t orders;  // nodes made so far
inline bool is_value(PyObject* x) { return PyObject_TypeCheck(x, value_type); }

// --- value.cpp ---

extern PyObject *classic, *second_pass;        // value.py's
bool as_number(PyObject* x, double* number);   // false with an error
// A node whose operands are still to be connected; `tracked` if one of them is.
Node* new_node(Op op, double data, size_t count, bool beside = false, bool tracked = false);
inline void connect(Node* user, size_t i, Node* operand, Slope slope) {  // takes the operand
    user->edges()[i] = {reinterpret_cast<uintptr_t>(operand) | slope.kind, slope.d};
}
void drop_operands(Node* node);

// --- walk.cpp ---

// A walk through a root and all it was computed from, each once. What it met and did not visit yet is marked SEEN, and
// leaves until its end.
struct Walk {
    std::vector<Node*> nodes;   // visited, newest first
    std::vector<Node*> leaves;  // in the order they were met
    std::vector<std::pair<Node*, double>> earlier;  // gradients that were there
    bool adding = false;  // to them, as in micrograd

    Walk();
    bool find(Node* root, bool released_too);  // false with an error
    bool back(Node* root, double seed, bool retain, bool is_classic);  // false with an error, and nothing changed
    void forget(Node* node);
    ~Walk();

private:
    Node* blocked = nullptr;  // where it could not go on
    bool handing = false;     // gradients on
    void unmark();
    template <bool hand_on>
    bool go(Node* root, bool released_too, bool release, double seed);
};

// Methods of Value, and a function of the module.
PyObject* backward(PyObject* self, PyObject* args, PyObject* named);
PyObject* backward_by_hand(PyObject* self, PyObject*);
PyObject* ancestry(PyObject*, PyObject* args, PyObject* named);

// --- replay.cpp ---

void look(Node* recorded);           // bring a recorded node up to date
void take_out(Node* recorded);       // make what its recording computed last an ordinary graph
bool is_current(Node* result);       // whether this result's recording still holds the numbers of its call
int quick_backward(Node* result, double seed, bool retain);  // 1: done; 0: walk; -1 with an error
void touch(Node* recorded);          // gradients inside a recording were changed by others than itself

extern PyObject* noticed;            // whom to tell, while a function is recorded, what a recording cannot know
extern unsigned long recording_thread;
void notice(const char* what);
inline void tell(const char* what) {
    if (noticed != nullptr) notice(what);
}
extern bool attended;                // whether somebody is told of each node made
void attend(uint64_t order);

int add_replay(PyObject* module);

}  // namespace scalar
