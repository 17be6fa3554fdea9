"""How an operation is declared, called and recorded.

    @op(jvp="elementwise")
    def tanh(x):
        return xp_of(x).tanh(x)

    tanh.vjp(x=lambda g, y: g * (1 - y * y))

The function computes on raw arrays. A formula gives the gradient of one input from g, the gradient of the output;
what it mentions is what is kept alive until backward: an input, `<input>_shape`, the result y, or an option.
Called with raw arrays the operation returns a raw array, called with a tensor it returns a tensor and is recorded.
Formulas are written in operations, so the same formula computes the gradient (on arrays) and records it (on tensors).

Array inputs are positional, options keyword-only. A `*xs` input stands for any number of arrays; its formula may
ask for i, the input's position among them. An operation with `outputs=n` returns a tuple; its g has n entries,
None where nothing flowed.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from functools import partial
from operator import itemgetter
from typing import Any

from numpy import ufunc

from . import modes
from .backend import NoArray, ndarray, xp_of
from .batched import batch, by_sample, deepest, fold, levels, repeated, unbatch, unwritable
from .errors import told
from .graph import Node, anomaly, as_array, attended, before, is_complex, next_number, numbers
from .half import half_in_float32
from .keywords import retry
from .native import engine, faster, program
from .provenance import PACKAGE, caller, theirs
from .tensor import Tensor
from .titles import of_op
from .views import View, view_of
from .watch import notice, starts, timers, watchers

Formula = Callable[..., Any]

REGISTRY: dict[str, Op] = {}
JVP_RULES = ("elementwise", "linear", "multilinear")

grad_enabled = modes.is_grad_enabled
new = object.__new__


def arguments(function: Any) -> tuple[list[str], str | None, dict[str, Any]]:
    """The names of positional arguments, of *args, and the keyword-only ones with their defaults.

    What inspect.signature tells, read off the code object: a hundred times faster, which counts at import.
    """
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    code = function.__code__
    n, m = code.co_argcount, code.co_kwonlyargcount
    names = code.co_varnames
    rest = names[n + m] if code.co_flags & 0x04 else None  # CO_VARARGS
    defaults = function.__kwdefaults__ or {}
    return list(names[:n]), rest, {name: defaults.get(name) for name in names[n : n + m]}


class Op:
    """The declaration of one operation; see the module's text.

    signature: what names the inputs and options where `forward` is a NumPy function without a signature; or `inputs`,
    their names. listed: whether it is an operation of the library, found by its name.
    """

    is_pick = False
    analytic = False  # whether its formulas hold for complex numbers; those of what is linear do

    def __init__(
        self,
        forward: Callable[..., Any],
        jvp: str | None,
        outputs: int | None = None,
        view: bool = False,
        signature: Callable[..., Any] | None = None,
        name: str = "",
        inputs: list[str] | None = None,
        listed: bool = True,
    ) -> None:
        named, rest, self.options = arguments(signature or forward) if inputs is None else (inputs, None, {})
        self.name = name or forward.__name__.rstrip("_")
        if jvp == "elementwise" and not isinstance(forward, ufunc):  # which rounds once by itself
            forward = half_in_float32(forward)
        self.node_name = of_op(self.name)
        self.forward = faster(self.name, forward) if listed else forward
        self.listed = listed
        self.inputs = [*named, rest] if rest else named
        self.variadic = rest is not None
        self.outputs = outputs
        self.view = view
        self.jvp: Any = jvp  # a name of JVP_RULES, or a rule
        self.public: Callable[..., Any] | None = None
        self.declared: dict[str, Formula | None] = {}
        self.mentions: dict[str, tuple[str, ...]] = {}
        self.formulas: Any = ()  # by position of the input
        self.plan: Any = None  # all this for the compiled engine
        if jvp is not None and jvp not in JVP_RULES:
            raise TypeError(f"{self.name}: jvp is one of {', '.join(JVP_RULES)} or declared with {self.name}.jvp(rule)")
        if listed:
            if self.name in REGISTRY:
                raise TypeError(f"operation {self.name} is declared twice")
            REGISTRY[self.name] = self

    # --- declaration ---

    def declare_vjp(self, **formulas: Formula | None) -> None:
        """One formula per differentiable input; None says that an input has no derivative."""
        known = {"g", "y", *self.options, *(f"{x}_shape" for x in self.inputs), *self.inputs}
        if self.variadic:
            known.add("i")
        for name, formula in formulas.items():
            if name not in self.inputs:
                raise TypeError(f"{self.name}: a formula for {name!r}, but the inputs are {self.inputs}")
            if formula is None:
                continue
            mentioned = tuple(arguments(formula)[0])
            unknown = set(mentioned) - known
            if mentioned[:1] != ("g",) or unknown:
                raise TypeError(
                    f"{self.name}: the formula of {name} takes g first, then any of {sorted(known - {'g'})}; "
                    f"it takes {mentioned}"
                )
            self.mentions[name] = mentioned[1:]
        self.place_formulas(formulas)

    def place_formulas(self, formulas: dict[str, Formula | None]) -> None:
        """Ready the formulas for use: by position, with what takes their arguments; `mentions` is known."""
        self.declared.update(formulas)
        position = _Repeat if self.variadic else list
        everything = {name for mentioned in self.mentions.values() for name in mentioned}
        self.shapes = [k for k, x in enumerate(self.inputs) if f"{x}_shape" in everything]
        placed: list[Any] = [self.declared.get(name) for name in self.inputs]
        if self.jvp == "elementwise":
            placed = [formula and program(half_in_float32(formula)) for formula in placed]
        if self.listed:
            placed = [faster((self.name, k), formula) for k, formula in enumerate(placed)]
        self.formulas = position(placed)
        self.takers = position([self._taker(self.mentions.get(name, ())) for name in self.inputs])
        # for each input, the positions of the inputs its formula keeps; len(inputs) stands for y
        places = [*self.inputs, "y"]
        self.keeps = position(
            [[places.index(name) for name in self.mentions.get(x, ()) if name in places] for x in self.inputs]
        )
        if engine is not None and not (self.variadic or self.outputs):
            self.plan = self._plan(None)

    def _plan(self, stretched: Any) -> Any:
        """What is kept for each input's formula, as the compiled engine takes it. stretched: see core/fast.py."""
        codes = {
            **{f"{x}_shape": engine.SHAPE | k for k, x in enumerate(self.inputs)},
            **{name: engine.OPTION | k for k, name in enumerate(self.options)},
            **{name: k for k, name in enumerate([*self.inputs, "y"])},
        }
        keeps = tuple(tuple(codes[name] for name in self.mentions.get(x, ())) for x in self.inputs)
        differentiable = tuple(self.declared.get(x) is not None for x in self.inputs)
        options = tuple(self.options), tuple(self.options.values())
        return engine.Plan(self, stretched, keeps, differentiable, *options, self.view)

    def _taker(self, mentions: tuple[str, ...]) -> Callable[[list[Any]], tuple[Any, ...]]:
        """What takes a formula's arguments out of a state; see `state`."""
        places = [*self.inputs, "y", *self.options, *(f"{self.inputs[k]}_shape" for k in self.shapes), "i"]
        at = [places.index(name) for name in mentions]
        if not at:
            return lambda state: ()
        take = itemgetter(*at)
        return take if len(at) > 1 else lambda state: (take(state),)

    # --- use ---

    def apply(self, inputs: Any, options: dict[str, Any]) -> Any:
        """The operation itself, past its public signature: raw on arrays, recorded on tensors."""
        if any(isinstance(x, Tensor) for x in inputs):
            return record(self, inputs, options)
        return self.forward(*inputs, **options)

    def again(self, problem: BaseException, arrays: Any, options: dict[str, Any]) -> Any:
        """After forward has raised: sample by sample, if it was given a batch of vmap's."""
        if not isinstance(problem, Exception) or deepest([arrays, options]) < 0:
            for a in arrays:
                if isinstance(a, NoArray):
                    a.refuse()
            raise problem
        return by_sample(self._attempt, tuple(map(unwritable, arrays)), options)

    def _attempt(self, *arrays: Any, **options: Any) -> Any:
        """forward on what is one sample here, and may be a batch of a vmap further out."""
        try:
            return self.forward(*arrays, **options)
        except Exception as problem:
            return self.again(problem, arrays, options)

    def state(self, arrays: list[Any], options: dict[str, Any], y: Any) -> list[Any]:
        """All that formulas may mention, in a fixed order: inputs, y, options, shapes of inputs, i."""
        last = len(self.inputs) - 1
        if self.variadic:
            arrays = [*arrays[:last], tuple(arrays[last:])]
        elif len(arrays) <= last:  # optional inputs left out
            arrays = arrays + [None] * (last + 1 - len(arrays))
        state = [*arrays, y, *(self.options | options).values()] if self.options else [*arrays, y]
        for k in self.shapes:
            several = self.variadic and k == last
            state.append(tuple([x.shape for x in arrays[k]]) if several else arrays[k].shape)
        state.append(None)
        return state

    def save(self, i: int, arrays: Any, options: dict[str, Any], y: Any) -> tuple[Any, ...]:
        """The arguments of input i's formula after g."""
        state = self.state(list(arrays), options, y)
        state[-1] = i - len(self.inputs) + 1
        return self.takers[i](state)

    def kept_names(self) -> list[list[str]]:
        """For each input PyTorch's names of what its formula keeps."""
        named = {self.inputs[0]: "self", "y": "result"} if self.inputs else {}
        return [[named.get(name, name) for name in self.mentions.get(x, ())] for x in self.inputs]

    def revive(self, node: Node, i: int, saved: tuple[Any, ...]) -> tuple[Any, ...]:
        """Saved arguments with the arrays as tensors again, tied to where they came from."""
        k = min(i, len(self.inputs) - 1)
        last = len(self.inputs) - 1
        out: list[Any] = []
        for name, value in zip(self.mentions[self.inputs[k]], saved, strict=True):
            if name == "y":
                if self.outputs is None:
                    value = Tensor._of(value, node)
                else:
                    value = tuple(pick(Tensor._of(v), node, j) for j, v in enumerate(value))
            elif name in self.inputs:
                j = self.inputs.index(name)
                if self.variadic and j == last:
                    value = tuple(_rebind(v, e) for v, e in zip(value, node.edges[j:], strict=True))
                else:
                    value = _rebind(value, node.edges[j])
            out.append(value)
        return tuple(out)

    def push(self, primals: Any, tangents: Any, options: dict[str, Any], y: Any) -> Any:
        """Forward mode: the tangent of y from the inputs' tangents (None: constant); arrays or tensors alike."""
        moving = [i for i, t in enumerate(tangents) if t is not None]
        if callable(self.jvp):
            return self.jvp(primals, tangents, y, **(self.options | options))
        if self.jvp == "elementwise":  # a diagonal Jacobian is its own transpose
            parts = [self.formulas[i](tangents[i], *self.save(i, primals, options, y)) for i in moving]
        elif self.jvp == "linear":
            pairs = zip(tangents, primals, strict=True)
            given = [_zeros(x) if t is None else _laid_as(t, x) if self.view else t for t, x in pairs]
            return self.apply(given, options)
        elif self.jvp == "multilinear":
            parts = [self.apply([tangents[i] if k == i else x for k, x in enumerate(primals)], options) for i in moving]
        else:
            raise NotImplementedError(f"forward mode of '{self.name}' is not declared")
        moved = builtins.sum(parts[1:], parts[0])
        return moved.real if is_complex(moved) and not is_complex(y) else moved


def _zeros(x: Any) -> Any:
    """What stands for no tangent: zeros of a real input; None, indices and masks as they are."""
    array = x.array if isinstance(x, Tensor) else x
    if not hasattr(array, "dtype") or array.dtype.kind not in "fcV":
        return x
    zeros = xp_of(array).zeros_like(array)
    return Tensor._of(zeros) if isinstance(x, Tensor) else zeros


def _laid_as(t: Any, x: Any) -> Any:
    """The tangent t with its dims in the order in memory that those of x have: what is a view of x is one of t."""
    a, b = (v.array if isinstance(v, Tensor) else v for v in (t, x))
    if type(a) is not ndarray or type(b) is not ndarray or a.strides == b.strides:
        return t
    return laid_out(t, dims=tuple(sorted(range(b.ndim), key=lambda d: -b.strides[d])))


class _Repeat(list[Any]):
    """A list by position of the input, whose last item stands for every further input."""

    def __getitem__(self, i: Any) -> Any:
        return super().__getitem__(min(i, len(self) - 1))

    def __iter__(self) -> Any:
        yield from super().__iter__()
        while True:
            yield super().__getitem__(-1)


def _rebind(value: Any, edge: Node | Tensor | None) -> Any:
    if isinstance(edge, Tensor):
        return edge
    if edge is None and not hasattr(value, "dtype"):
        return value
    return Tensor._of(value, edge)


def op(
    forward: Callable[..., Any] | None = None,
    *,
    jvp: str | None = None,
    outputs: int | None = None,
    view: bool = False,
) -> Any:
    """Declare an operation; see the module's text.

    jvp: "elementwise", "linear" in all its inputs together, "multilinear" (linear in each), or none here and a
    rule given with `name.jvp(rule)`. view: the result shares the memory of the first input.
    """
    if forward is None:
        return lambda f: op(f, jvp=jvp, outputs=outputs, view=view)
    declared = Op(forward, jvp, outputs, view)

    def call(*args: Any, **options: Any) -> Any:
        for a in args:
            if isinstance(a, Tensor):
                break
        else:
            if args and hasattr(args[0], "dtype"):
                try:
                    return declared.forward(*args, **options)
                except Exception as problem:
                    return declared.again(problem, args, options)
        try:
            if declared.public is not None:
                try:
                    args, options = declared.public(*args, **options)
                except TypeError as problem:
                    return retry(problem, call, args, options)
            return record(declared, args, options)
        except Exception as problem:
            told(problem)
            raise

    return finish(declared, call)


def finish(declared: Op, call: Any) -> Any:
    """Give the callable its name, its text and the means to declare formulas."""

    def public(signature: Callable[..., Any]) -> Any:
        """The signature users see: takes what PyTorch takes, checks it, returns (arrays, options)."""
        declared.public = signature
        call.__doc__ = signature.__doc__ or declared.forward.__doc__
        call.__wrapped__ = signature
        return call

    def jvp(rule: Callable[..., Any]) -> Any:
        """rule(primals, tangents, y, **options) -> the tangent of y; a tangent is None for a constant."""
        declared.jvp = rule
        return rule

    call.op = declared
    call.vjp = declared.declare_vjp
    call.jvp = jvp
    call.public = public
    call.__name__ = call.__qualname__ = declared.name
    call.__module__ = getattr(declared.forward, "__module__", __name__)  # older ufuncs have none
    call.__doc__ = declared.forward.__doc__
    return call


def record(declared: Op, args: Any, options: dict[str, Any]) -> Any:
    """Compute on the arrays inside, and put a node on the graph if a gradient is wanted."""
    arrays: Any = []
    needs = False
    for a in args:
        if isinstance(a, Tensor):
            if a._view is not None:
                a._sync(bool(declared.declared))
            needs = needs or a._needs
            a = a.array
        arrays.append(a)
    if timers:
        starts(declared)
    try:
        y = declared.forward(*arrays, **options)
    except Exception as problem:
        y = declared.again(problem, arrays, options)
    return conclude(declared, args, options, arrays, y, needs)


def conclude(declared: Op, args: Any, options: dict[str, Any], arrays: Any, y: Any, needs: bool) -> Any:
    """The second half of `record`: the tensor of the result, and its node. needs: an input wants a gradient."""
    out: Any
    if declared.outputs is not None:
        out = tuple([Tensor._of(as_array(v)) for v in y])
    elif declared.view:
        out = view_of(args[0], y, (declared, args[1:], options))
    else:
        out = new(Tensor)
        out.array = y if type(y) is ndarray else as_array(y)
        out.version = [0]
        out._node = out._view = None
        out._needs = False
    if needs and grad_enabled():
        _connect(declared, args, options, arrays, y, out)
    if watchers or timers:
        notice(declared, args, options, out)
    return out


if engine is not None:
    engine.connect(
        Tensor=Tensor, Node=Node, View=View, grad_mode=modes.grad_mode, numbers=numbers, watchers=watchers,
        timers=timers, theirs=theirs, package=PACKAGE, conclude=lambda *parts: conclude(*parts), before=before,
        attended=attended, anomaly=anomaly,
    )  # fmt: skip
    record = engine.record  # the same, compiled


def _connect(declared: Op, args: Any, options: dict[str, Any], arrays: Any, y: Any, out: Any) -> None:
    """Put a node for `out` on the graph, unless no input that wants a gradient has a derivative here."""
    kinds = {v.array.dtype.kind for v in out} if declared.outputs is not None else {out.array.dtype.kind}
    if kinds.isdisjoint("fcV"):
        return
    state = declared.state(list(arrays), options, y) if declared.declared else []
    edges: list[Any] = []
    saved: list[Any] = []
    guards: list[list[Any]] = []
    connected = False
    for i, a in enumerate(args):
        edge = kept = None
        if isinstance(a, Tensor) and a._needs:
            if declared.formulas and declared.formulas[i] is not None:
                edge = a._node or a
                connected = True
                if declared.variadic:
                    state[-1] = i - len(declared.inputs) + 1
                kept = declared.takers[i](state)
                for k in declared.keeps[i]:
                    guards += _versions(declared, k, args, out)
            else:
                name = declared.inputs[min(i, len(declared.inputs) - 1)]
                if name not in declared.declared:
                    raise NotImplementedError(
                        f"the derivative for '{declared.name}' with respect to {name} is not implemented."
                    )
        edges.append(edge)
        saved.append(kept)
    if not connected:
        return
    node: Node = new(Node)
    node.op = declared
    node.edges = tuple(edges)
    node.saved = tuple(saved)
    node.guards = tuple(guards)
    node.stamp = builtins.sum([counter[0] for counter in guards]) if guards else 0
    node.hooks = None
    node.number = next_number()
    node.place = caller(3)
    analytic = declared.analytic or declared.jvp in ("linear", "multilinear")
    if not analytic and ("c" in kinds or any(map(is_complex, arrays))):
        node.op = Wrapped(declared, _complex)  # type: ignore[assignment]
    if declared.outputs is not None:
        for j, v in enumerate(out):
            pick(v, node, j)
    else:
        out._node = node
        out._needs = True
        if type(y) is not ndarray:
            fold_shared(node, arrays, y)


def _versions(declared: Op, k: int, args: Any, out: Any) -> list[list[int]]:
    """The version counters of input k, or of the output where k counts past the inputs."""
    if k == len(declared.inputs):
        kept = out if declared.outputs is not None else (out,)
    else:
        kept = args[k:] if declared.variadic and k == len(declared.inputs) - 1 else args[k : k + 1]
    return [a.version for a in kept if isinstance(a, Tensor)]


class Wrapped:
    """An operation whose formulas are put into others: each gets (formula, g, *saved)."""

    is_pick = False

    def __init__(self, inner: Any, around: Formula) -> None:
        self.inner, self.around = inner, around
        self.name, self.node_name = inner.name, inner.node_name

    @property
    def formulas(self) -> Any:
        return (formula and partial(self.around, formula) for formula in self.inner.formulas)

    def kept_names(self) -> list[list[str]]:
        return self.inner.kept_names()

    def revive(self, node: Node, i: int, saved: tuple[Any, ...]) -> tuple[Any, ...]:
        return self.inner.revive(node, i, saved)


def _complex(*_: Any) -> Any:
    raise NotImplementedError("the gradient of this operation on complex tensors is not in glassgrad yet")


def fold_shared(node: Node, arrays: Any, y: Any) -> None:
    """Inside vmap, an input that all samples share gets the sum of their gradients."""
    if node.op in (enter_batch.op, repeat_samples.op):  # make the batch, and their own formulas take it away
        return
    there = levels(y)
    missing = [
        [] if edge is None else sorted(there.keys() - levels(x).keys())
        for x, edge in zip(arrays, node.edges, strict=True)
    ]
    if any(missing):
        node.op = Folded(node.op, [[(k, there[k]) for k in m] for m in missing])  # type: ignore[assignment]


class Folded(Wrapped):
    """An operation of vmap's samples on inputs some of which all samples share; `missing` by input: (level, size)."""

    def __init__(self, inner: Any, missing: list[list[tuple[int, int]]]) -> None:
        super().__init__(inner, lambda: None)
        self.missing = missing

    @property
    def formulas(self) -> Any:
        for formula, missing in zip(self.inner.formulas, self.missing):  # noqa: B905 (formulas may repeat for ever)
            yield formula and (partial(_folding, formula, missing) if missing else formula)


def _folding(formula: Formula, missing: list[tuple[int, int]], g: Any, *kept: Any) -> Any:
    d = formula(g, *kept)
    for level, size in missing:
        d = fold_samples(d, level=level, size=size)
    return d


# --- several outputs: a node whose gradient is a tuple, and one pick for each output ---


class Parts:
    """The gradients of some outputs of one node; adding two of them adds output by output.

    shared: what the formula that runs first may leave for those of the node's other inputs.
    """

    def __init__(self, parts: dict[int, Any]) -> None:
        self.parts = parts
        self.shared: Any = None

    def __add__(self, other: Parts) -> Parts:
        """Into self: a pick makes Parts for the walk alone, and a node of many outputs gets as many."""
        parts = self.parts
        for k, g in other.parts.items():
            parts[k] = parts[k] + g if k in parts else g
        return self

    def __getitem__(self, k: int) -> Any:
        return self.parts.get(k)


class _Pick(Op):
    is_pick = True

    def revive(self, node: Node, i: int, saved: tuple[Any, ...]) -> tuple[Any, ...]:
        return saved


@op(jvp="linear")
def pick_output(parts: Any, *, index: int) -> Any:
    return parts[index]


pick_output.vjp(parts=lambda g, index: Parts({index: g}))
pick_output.op.__class__ = _Pick


def pick(out: Tensor, node: Node, index: int) -> Tensor:
    """Make `out` the output number `index` of a node with several."""
    if out.array.dtype.kind in "fcV":
        chosen: Node = new(Node)
        chosen.op = pick_output.op
        chosen.edges = (node,)
        chosen.saved = ((index,),)
        chosen.guards, chosen.stamp = (), 0
        chosen.hooks = None
        chosen.place = node.place
        chosen.number = next_number()
        held = getattr(node, "tangents", None)
        if held is not None:
            chosen.tangents = {level: tangents[index] for level, tangents in held.items()}
        out._node = chosen
        out._needs = True
    return out


# --- the same numbers in another order in memory ---


@op(jvp="linear")
def laid_out(x: Any, *, dims: tuple[int, ...]) -> Any:
    """x with its dims in memory in this order, outermost first."""
    made = xp_of(x).empty([x.shape[d] for d in dims], x.dtype).transpose([dims.index(d) for d in range(x.ndim)])
    made[...] = x
    return made


laid_out.vjp(x=lambda g: g)


# --- a variable of its own ---


@op(jvp="linear")
def variable(x: Any) -> Any:
    return x


variable.vjp(x=lambda g: g)


def variable_of(x: Tensor) -> Tensor:
    """x again, the same memory, under a node of its own, whether x wants a gradient or not."""
    edge = x.grad_fn or (x if x._needs else None)
    made = x.detach()
    node: Node = new(Node)
    node.op = variable.op
    node.edges, node.saved = (edge,), ((),)
    node.guards, node.stamp = (), 0
    node.hooks = None
    node.number = next_number()
    node.place = caller(2)
    made._node, made._needs = node, True
    return made


# --- the samples of vmap ---


@op(jvp="linear")
def fold_samples(x: Any, *, level: int, size: int) -> Any:
    return fold(x, level, size)


@op(jvp="linear")
def repeat_samples(x: Any, *, level: int, size: int) -> Any:
    return repeated(x, level, size)


@op(jvp="linear")
def enter_batch(x: Any, *, dim: int, level: int, size: int) -> Any:
    """The axis `dim` of x becomes the batch of a level of vmap."""
    return batch(x, dim, level)


@op(jvp="linear")
def leave_batch(x: Any, *, dim: int, level: int, size: int) -> Any:
    return unbatch(x, dim, level, size)


fold_samples.vjp(x=lambda g, level, size: repeat_samples(g, level=level, size=size))
repeat_samples.vjp(x=lambda g, level, size: fold_samples(g, level=level, size=size))
enter_batch.vjp(x=lambda g, dim, level, size: leave_batch(g, dim=dim, level=level, size=size))
leave_batch.vjp(x=lambda g, dim, level, size: enter_batch(g, dim=dim, level=level, size=size))
