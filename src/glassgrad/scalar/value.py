"""A scalar that remembers how it was computed, and reverse-mode differentiation of it.

Every `Value` holds a number, the Values it was computed from (its operands) and, for each operand, the
local derivative ("slope") at the numbers of that moment.  `backward()` visits the nodes newest first and
applies the chain rule, which is one line:

    operand.grad += node.grad * slope

An op is declared once, value and slope side by side: functions of one variable in the table `FUNCTIONS`,
operators and relu as methods of `Value`.  Arithmetic is IEEE 754 in float64, as in PyTorch: inf and nan,
never an exception.

>>> a, b = Value(2.0), Value(-3.0)
>>> loss = (a * b + 7).tanh()
>>> loss.backward()
>>> round(a.grad, 6), round(b.grad, 6)
(-1.259923, 0.839949)

This is the engine to read. Where it was compiled, `engine.py` takes the same class in C++, `native/`, and
this one is what that one is tested against.

Source: Griewank and Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, chapter 3 (reverse mode).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Iterator, KeysView, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import reduce
from itertools import count
from operator import add, attrgetter, mul
from typing import Any, SupportsFloat

inf, nan = math.inf, math.nan


# --- IEEE 754 where Python raises --------------------------------------------------------------------------


def divide(a: float, b: float) -> float:
    """a / b; x / 0 is inf with the sign of both, 0 / 0 is nan."""
    try:
        return a / b
    except ZeroDivisionError:
        return nan if a == 0 or a != a else math.copysign(inf, a) * math.copysign(1.0, b)


def power(x: float, k: float) -> float:
    """x ** k; 0 ** -1 is inf, (-8) ** (1 / 3) is nan, 10 ** 400 is inf."""
    try:
        return math.pow(x, k)
    except OverflowError:
        return -inf if x < 0 and k % 2 == 1 else inf
    except ValueError:
        if x != 0:
            return nan
        return math.copysign(inf, x) if k % 2 == 1 else inf


def exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return inf


def log(x: float) -> float:
    return -inf if x == 0 else nan if x < 0 else math.log(x)


def sqrt(x: float) -> float:
    return nan if x < 0 else math.sqrt(x)


def sin(x: float) -> float:
    return nan if math.isinf(x) else math.sin(x)


def cos(x: float) -> float:
    return nan if math.isinf(x) else math.cos(x)


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)), from the side on which exp cannot overflow."""
    e = math.exp(-abs(x))
    return 1.0 / (1.0 + e) if x >= 0 else e / (1.0 + e)


def fixed_power(x: float, k: float) -> float:
    """x ** k for a number k: PyTorch takes roots for +-0.5, which differ from powers at -inf and -0."""
    return sqrt(x) if k == 0.5 else divide(1.0, sqrt(x)) if k == -0.5 else power(x, k)


def sign(x: float) -> float:
    return 1.0 if x > 0 else -1.0 if x < 0 else 0.0


# --- slopes that are more than a factor --------------------------------------------------------------------


class Per(float):
    """The slope 1 / d, applied as g / d: rounded once, and finite where 1 / d would overflow."""

    __slots__ = ("d",)
    d: float

    def __new__(cls, d: float) -> Per:
        self = super().__new__(cls, divide(1.0, d))
        self.d = d
        return self

    def __getnewargs__(self) -> tuple[float]:  # for copies: the number alone is 1 / d
        return (self.d,)

    def __rmul__(self, g: float) -> float:
        return divide(g, self.d)


class Shut(float):
    """The slope of a closed gate: 0 whatever arrives, be it inf or nan (0.0 itself would make those nan)."""

    __slots__ = ()

    def __rmul__(self, g: float) -> float:
        return 0.0


SHUT = Shut()
GATE_SHUT, GATE_OPEN = (SHUT,), (1.0,)

FUNCTIONS: dict[str, Callable[[float], tuple[float, float]]] = {
    # name: x -> (value, slope)
    "abs": lambda x: (abs(x), sign(x)),
    "tanh": lambda x: (y := math.tanh(x), 1.0 - y * y),
    "sigmoid": lambda x: (y := sigmoid(x), (1.0 - y) * y),
    "logsigmoid": lambda x: (min(x, 0.0) - math.log1p(math.exp(-abs(x))), sigmoid(-x)),
    "exp": lambda x: (y := exp(x), y),
    "log": lambda x: (log(x), Per(x)),
    "sqrt": lambda x: (y := sqrt(x), Per(2.0 * y)),
    "sin": lambda x: (sin(x), cos(x)),
    "cos": lambda x: (cos(x), -sin(x)),
}


# --- the node ----------------------------------------------------------------------------------------------

next_number = creation_number = count(1).__next__
follower: Callable[[int], Any] | None = None
newest_first = attrgetter("_number")
number_of = attrgetter("_datum")
walking = threading.Lock()  # threads may share leaves: one backward pass at a time keeps their sums right
classic: ContextVar[bool] = ContextVar("classic", default=False)


class Value:
    """A number in a graph.

    data    the number, a Python float
    grad    d root / d self, summed over the backward passes so far, as under PyTorch's `retain_grad()`
    label   a name for drawings and reports
    """

    __slots__ = ("_datum", "_grad", "_op", "_operands", "_slopes", "_number", "_released", "label")
    __array_ufunc__ = None  # NumPy leaves `ndarray * Value` and `np.float64 * Value` to us

    _datum: float  # the number behind `data`; a name that no other class has, for duck typing in affine()
    _grad: float
    _op: str  # "" for a leaf, "const" for a number met in an expression
    _operands: tuple[Value, ...]
    _slopes: tuple[float, ...]  # d self / d operand, fixed when self was computed
    _number: int  # order of creation; 0 for leaves
    _released: bool

    def __init__(self, data: SupportsFloat, label: str = "") -> None:
        self._datum = as_number(data)
        self._grad = 0.0
        self._op = ""
        self._operands = self._slopes = ()
        self._number = 0
        self._released = False
        self.label = label

    @property
    def data(self) -> float:
        return self._datum

    @data.setter
    def data(self, number: SupportsFloat) -> None:
        self._datum = as_number(number)

    @property
    def grad(self) -> float:
        return self._grad

    @grad.setter
    def grad(self, number: SupportsFloat | None) -> None:
        self._grad = 0.0 if number is None else as_number(number)

    def item(self) -> float:
        return self._datum

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self._datum}, grad={self.grad}{label})"

    # copies and pickles: whatever comes back is newer than its operands, as if computed now

    def __getstate__(self) -> tuple[dict[str, Any], tuple]:
        names = {name for kind in type(self).__mro__ for name in vars(kind).get("__slots__", ())} - set(SLOTS)
        own = {name: getattr(self, name) for name in names if hasattr(self, name)}
        node = self._datum, self._op, self._operands, self._slopes
        return own | getattr(self, "__dict__", {}), (node, self._grad, self._released, self.label)

    def __setstate__(self, state: tuple[dict[str, Any], tuple]) -> None:
        own, (node, grad, released, self.label) = state
        self._set(*node)
        self._grad, self._released = grad, released
        for name, x in own.items():
            setattr(self, name, x)

    def _set(self, data: float, op: str, operands: tuple[Value, ...], slopes: tuple[float, ...]) -> None:
        self._datum, self._op, self._operands, self._slopes = data, op, operands, slopes
        self._number = creation_number() if operands else 0

    # the graph, for drawings and steppers

    @property
    def _prev(self) -> KeysView[Value]:
        """The distinct operands: a set in its behaviour, with an order that is the same in every run."""
        return dict.fromkeys(self._operands).keys()

    @property
    def operands(self) -> tuple[Value, ...]:
        """The operands as written: (a, a) for a * a."""
        return self._operands

    @property
    def local_gradients(self) -> tuple[float, ...]:
        """d self / d operand for each of `operands`, at the numbers self was computed from."""
        return self._slopes

    # operators

    def __add__(self, other: Value | SupportsFloat) -> Value:
        if not isinstance(other, Value):
            other = constant(other)
        return node(self._datum + other._datum, "+", (self, other), (1.0, 1.0))

    def __sub__(self, other: Value | SupportsFloat) -> Value:
        other = as_value(other)
        return node(self._datum - other._datum, "-", (self, other), (1.0, -1.0))

    def __mul__(self, other: Value | SupportsFloat) -> Value:
        if not isinstance(other, Value):
            other = constant(other)
        a, b = self._datum, other._datum
        return node(a * b, "*", (self, other), (b, a))

    def __truediv__(self, other: Value | SupportsFloat) -> Value:
        other = as_value(other)
        b = other._datum
        y = divide(self._datum, b)
        return node(y, "/", (self, other), (Per(b), -divide(y, b)))

    def __pow__(self, other: Value | SupportsFloat) -> Value:
        x = self._datum
        if not isinstance(other, Value):
            k = as_number(other)
            slope = SHUT if k == 0 else k * fixed_power(x, k - 1.0)
            return node(fixed_power(x, k), f"**{other}", (self,), (slope,))
        k = other._datum
        y = power(x, k)
        slope = SHUT if k == 0 else k * power(x, k - 1.0)
        # 0 ** k does not move with k >= 0, although log 0 = -inf
        return node(y, "**", (self, other), (slope, SHUT if x == 0 and k >= 0 else y * log(x)))

    def __neg__(self) -> Value:
        return node(-self._datum, "neg", (self,), (-1.0,))

    def __radd__(self, other: SupportsFloat) -> Value:
        return constant(other) + self

    def __rsub__(self, other: SupportsFloat) -> Value:
        return constant(other) - self

    def __rmul__(self, other: SupportsFloat) -> Value:
        return constant(other) * self

    def __rtruediv__(self, other: SupportsFloat) -> Value:
        return constant(other) / self

    def __rpow__(self, other: SupportsFloat) -> Value:
        return constant(other) ** self

    # functions

    def _function(self, name: str) -> Value:
        y, slope = FUNCTIONS[name](self._datum)
        return node(y, name, (self,), (slope,))

    def relu(self) -> Value:
        """max(x, 0), with slope 0 at 0."""
        x = self._datum
        return node(0.0, "ReLU", (self,), GATE_SHUT) if x <= 0 else node(x, "ReLU", (self,), GATE_OPEN)

    def abs(self) -> Value:
        """|x|, with slope 0 at 0."""
        return self._function("abs")

    __abs__ = abs

    def tanh(self) -> Value:
        return self._function("tanh")

    def sigmoid(self) -> Value:
        """1 / (1 + exp(-x))."""
        return self._function("sigmoid")

    def logsigmoid(self) -> Value:
        """log(sigmoid(x)), exact where sigmoid(x) rounds to 0 or 1."""
        return self._function("logsigmoid")

    def exp(self) -> Value:
        return self._function("exp")

    def log(self) -> Value:
        """The natural logarithm; -inf at 0, nan below."""
        return self._function("log")

    def sqrt(self) -> Value:
        """The square root; slope inf at 0, nan below."""
        return self._function("sqrt")

    def sin(self) -> Value:
        return self._function("sin")

    def cos(self) -> Value:
        return self._function("cos")

    # differentiation

    def _backward(self) -> None:
        """Hand this node's gradient to its operands: the chain rule for one node, for walking by hand."""
        for operand, slope in zip(self._operands, self._slopes, strict=True):
            operand.grad += self.grad * slope

    def backward(self, gradient: SupportsFloat = 1.0, retain_graph: bool = False) -> None:
        """Add d self / d v, times `gradient`, to the `grad` of every v that self was computed from.

        Unless `retain_graph`, the graph is released: a second pass over any part of it raises RuntimeError.
        With it, every pass adds the same again.  An interrupted pass leaves all gradients as they were.
        `semantics("micrograd")` changes all this.
        """
        seed = as_number(gradient)
        with walking:
            nodes = ancestry(self)
            earlier = [(v, v._grad) for v in nodes if v._grad]
            try:
                if classic.get():
                    self._grad = 1.0
                    chain_rule(nodes)
                    return
                for v in nodes:
                    v._grad = 0.0
                self._grad = seed
                chain_rule(nodes)
                for v, g in earlier:
                    v._grad += g
                if not retain_graph:
                    for v in nodes:
                        v._released = v._number > 0
            except BaseException:
                for v in nodes:
                    v._grad, v._released = 0.0, False
                for v, g in earlier:
                    v._grad = g
                raise


def ancestry(root: Value, released_too: bool = False) -> list[Value]:
    """root and all that it was computed from, newest first, leaves last; RuntimeError at a released node."""
    seen, pending, found = {root}, [root], []
    while pending:
        node = pending.pop()
        found.append(node)
        if node._released and not released_too:
            raise RuntimeError(second_pass(node))
        if not seen.issuperset(node._operands):
            for operand in node._operands:
                if operand not in seen:
                    seen.add(operand)
                    pending.append(operand)
    found.sort(key=newest_first, reverse=True)
    return found


def second_pass(node: Value) -> str:
    return (
        f"Trying to backward through the graph a second time: {node._op!r} -> {node!r} was released "
        "by an earlier backward(). Specify retain_graph=True there, or compute the expression again."
    )


def chain_rule(nodes: list[Value]) -> None:
    """Hand on gradients, newest node first: each has received its whole gradient when its turn comes."""
    for node in nodes:
        g = node._grad
        if g == 0.0 and math.isfinite(sum(node._slopes)):  # 0 * inf is nan, which must go on
            continue
        for operand, slope in zip(node._operands, node._slopes, strict=True):
            operand._grad += g * slope


# --- making nodes ------------------------------------------------------------------------------------------

blank = object.__new__
SLOTS = Value.__slots__


def node(data: float, op: str, operands: tuple[Value, ...], slopes: tuple[float, ...]) -> Value:
    v = blank(Value)
    v._datum = data
    v._grad = 0.0
    v._op = op
    v._operands = operands
    v._slopes = slopes
    v._number = creation_number()
    v._released = False
    v.label = ""
    return v


def follow(tell: Callable[[int], Any] | None) -> Callable[[int], Any] | None:
    """From now on tell(number) is called for each Value that an operation makes; None ends it. Who was told before."""
    global creation_number, follower
    before, follower = follower, tell

    def told() -> int:
        number = next_number()
        if tell is not None:
            tell(number)
        return number

    creation_number = next_number if tell is None else told
    return before


def constant(number: SupportsFloat) -> Value:
    value = Value(number)
    value._op = "const"
    return value


def as_value(x: Value | SupportsFloat) -> Value:
    return x if isinstance(x, Value) else constant(x)


def as_number(x: SupportsFloat) -> float:
    """A Python or NumPy scalar as a float; TypeError for arrays, tensors, strings and Values."""
    if type(x) is float:
        return x
    if hasattr(x, "__float__") and not hasattr(x, "__len__"):
        return float(x)
    raise TypeError(not_a_number(x))


def not_a_number(x: Any) -> str:
    hint = "its .data is a number" if hasattr(x, "local_gradients") else "take its elements one at a time"
    return f"expected a real number, got {type(x).__name__} {x!r}; {hint}"


def affine(
    weights: Sequence[Value | SupportsFloat],
    inputs: Sequence[Value | SupportsFloat],
    bias: Value | SupportsFloat,
    fused: bool = True,
) -> Value:
    """bias + w0 x0 + w1 x1 + ..., added in this order, as one node; not `fused`, as two for each product."""
    n = len(weights)
    if len(inputs) != n:
        raise ValueError(f"affine: {n} weights need {n} inputs, got {len(inputs)}")
    if not fused:
        return reduce(add, map(mul, map(as_value, weights), inputs), as_value(bias))
    operands: tuple = (*weights, *inputs, bias)
    try:
        numbers = tuple(map(number_of, operands))
    except AttributeError:  # plain numbers among them
        return affine([as_value(w) for w in weights], [as_value(x) for x in inputs], as_value(bias))
    ws, xs = numbers[:n], numbers[n:-1]
    total = reduce(add, map(mul, ws, xs), numbers[-1])  # not sum(), which rounds differently from Python 3.12 on
    return node(total, "w*x+b", operands, (*xs, *ws, 1.0))


def largest(values: Sequence[Value | SupportsFloat]) -> Value:
    """The largest number, as a constant of the moment: no gradient passes it on."""
    operands = tuple(map(as_value, values))
    if not operands:
        raise ValueError("largest: of no Values")
    return node(max(map(number_of, operands)), "largest", operands, (SHUT,) * len(operands))


def zero_grad(values: Iterable[Value]) -> None:
    for value in values:
        value._grad = 0.0


@contextmanager
def semantics(name: str) -> Iterator[None]:
    """How `backward()` treats the gradients it finds, within a `with` block and its thread or task.

    "pytorch"    the default: every pass adds its own gradient to `grad`, and releases the graph
    "micrograd"  for teaching: a pass starts from the gradients left in the graph and passes them on again,
                 sets the root's `grad` to 1 and releases nothing.  After n passes the leaf of a chain has its
                 gradient n (n + 1) ... (n + depth - 1) / depth! times; zeroing leaves alone does not help.
                 (micrograd itself has two nodes where `-` and `/` have one here.)

    >>> x = Value(3.0)
    >>> y = x * x + x
    >>> with semantics("micrograd"):
    ...     y.backward()
    ...     y.backward()
    >>> x.grad
    20.0
    """
    modes = {"pytorch": False, "micrograd": True}
    if name not in modes:
        raise ValueError(f"semantics: expected one of {', '.join(map(repr, modes))}, got {name!r}")
    token = classic.set(modes[name])
    try:
        yield
    finally:
        classic.reset(token)
