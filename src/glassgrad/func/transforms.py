"""Derivatives of functions.

Each transformation gives the function variables of its own (`variables`): the same memory under nodes of their own, so
that it differentiates with respect to them and to nothing else, and transformations nest. Reverse mode walks the graph
back from the results; forward mode (core/forward.py) pushes tangents on as the function runs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..core import batched, forward
from ..core.autograd import seed
from ..core.graph import Node, as_array, lives, scopes, walk
from ..core.modes import enable_grad
from ..core.op import record, repeat_samples
from ..core.tensor import Tensor
from ..ops import create
from . import trees
from .batching import vmap

__all__ = [
    "grad", "grad_and_value", "hessian", "hvp", "jacfwd", "jacrev", "jvp", "linearize", "value_and_grad", "vjp",
]  # fmt: skip

Argnums = int | tuple[int, ...]


class Scope:
    """The variables of one transformation while its function runs, and the way back to them afterwards."""

    def __init__(self) -> None:
        self.roots: set[Node] = set()
        self.order: list[Node] = []

    def variable(self, x: Any) -> Tensor:
        if not isinstance(x, Tensor) or not x.dtype.is_floating_point:
            kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
            raise RuntimeError(f"differentiation needs tensors of a floating point dtype as its variables, got {kind}")
        present = batched.levels(x.array)
        for level, size, _ in batched.running.get():  # each sample has a variable of its own
            if level not in present:
                x = record(repeat_samples.op, (x,), {"level": level, "size": size})
        made = forward.again(x)
        assert made._node is not None
        self.roots.add(made._node)
        self.order.append(made._node)
        return made

    def pull(self, outputs: list[Tensor], cotangents: list[Any]) -> list[Tensor]:
        """The gradients with respect to the variables; recorded if anything else could be differentiated by them."""
        live = [(y, g) for y, g in zip(outputs, cotangents, strict=True) if y.requires_grad]
        further = any(lives(y.grad_fn or y, self.roots) for y, _ in live)
        create = further or any(isinstance(g, Tensor) and g.requires_grad for _, g in live)
        seeds = [seed(y, g, create) for y, g in live]
        found = walk(seeds, True, create, set(self.order))[1]
        return [_as_tensor(found.get(node), x) for node, x in zip(self.order, self.shapes, strict=True)]

    shapes: list[Tensor] = []


@contextmanager
def variables(tree: Any) -> Iterator[tuple[Any, Scope]]:
    """The same tree with variables for its tensors, and the scope they belong to."""
    scope = Scope()
    token = scopes.set((*scopes.get(), scope.roots))
    try:
        with enable_grad():
            leaves, build = trees.flatten(tree)
            scope.shapes = [scope.variable(x) for x in leaves]
            yield build(scope.shapes), scope
    finally:
        scopes.reset(token)


def _as_tensor(g: Any, like: Tensor) -> Tensor:
    if g is None:
        return create.zeros_like(like.detach())
    return g if isinstance(g, Tensor) else Tensor._of(as_array(g))


def _released(tree: Any, scope: Scope) -> Any:
    return trees.map_leaves(lambda y: forward.released(y, scope.roots) if isinstance(y, Tensor) else y, tree)


def _chosen(args: tuple[Any, ...], argnums: Argnums) -> tuple[int, ...]:
    numbers = argnums if isinstance(argnums, tuple) else (argnums,)
    for n in numbers:
        if not isinstance(n, int):
            raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {argnums!r}")
        if not -len(args) <= n < len(args):
            raise RuntimeError(f"Got argnum={n}, but only {len(args)} positional inputs")
    found = tuple(n % len(args) for n in numbers)
    if len(set(found)) < len(found) or not found:
        raise RuntimeError(f"argnums must be unique and not empty, got {argnums!r}")
    return found


def _with(args: tuple[Any, ...], numbers: tuple[int, ...], values: Any) -> tuple[Any, ...]:
    new = list(args)
    for n, value in zip(numbers, values, strict=True):
        new[n] = value
    return tuple(new)


def _split(result: Any, has_aux: bool, what: str) -> tuple[Any, Any]:
    if not has_aux:
        return result, None
    if not isinstance(result, tuple) or len(result) != 2:
        raise RuntimeError(f"{what}: output of function f should be a tuple: (output, aux) if has_aux is True")
    return result


# --- reverse mode ---


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """(func(*primals), pull): pull(cotangents) gives the gradients of the primals, a tuple; and aux if has_aux.

    pull takes a cotangent like the result and may be called again.
    """
    with variables(primals) as (live, scope):
        out, aux = _split(func(*live), has_aux, "vjp")
    outputs, _ = trees.flatten(out)
    for y in outputs:
        if not isinstance(y, Tensor):
            raise RuntimeError(f"vjp: expected the function to return only tensors, got {type(y).__name__}")
    build = trees.flatten(primals)[1]

    def pull(*cotangents: Any) -> Any:
        given = trees.leaves_of(cotangents[0] if len(cotangents) == 1 else cotangents)
        if len(given) != len(outputs):
            raise RuntimeError(f"Expected pytree structure of cotangents to be the same as pytree structure of outputs "
                               f"to the function: {len(outputs)} tensors, got {len(given)}")  # fmt: skip
        return build(scope.pull(outputs, given))

    result = _released(out, scope)
    return (result, pull, _released(aux, scope)) if has_aux else (result, pull)


def grad_and_value(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that gives (gradient, value), or (gradient, (value, aux)); see grad."""

    @functools.wraps(func)
    def both(*args: Any, **kwargs: Any) -> Any:
        numbers = _chosen(args, argnums)
        chosen = tuple(args[n] for n in numbers)
        with variables(chosen) as (live, scope):
            value, aux = _split(func(*_with(args, numbers, live), **kwargs), has_aux, "grad")
            if not isinstance(value, Tensor):
                raise RuntimeError(
                    f"Expected f(*args) to return a single tensor, got {type(value).__name__} "
                    "(is it a tuple? then pass has_aux=True)"
                )
            if value.ndim:
                raise RuntimeError(
                    "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with "
                    f"{value.ndim} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
                )
            grads = trees.flatten(chosen)[1](scope.pull([value], [None]))
        answer = grads if isinstance(argnums, tuple) else grads[0]
        value = forward.released(value, scope.roots)
        return answer, ((value, _released(aux, scope)) if has_aux else value)

    return both


def value_and_grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that gives (value, gradient), as in JAX: grad_and_value the other way round."""
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def turned(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[::-1]

    return turned


def grad(func: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that gives the gradient of func, which returns one number, with respect to arguments `argnums`.

    Arguments may be nested tuples, lists and dicts of tensors; the gradient has their structure. has_aux: func
    returns (value, aux), the new function (gradient, aux). Nests: grad(grad(f)), vmap(grad(f)), grad of jvp.
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        grads, value = both(*args, **kwargs)
        return (grads, value[1]) if has_aux else grads

    return gradient


def jacrev(
    func: Callable[..., Any], argnums: Argnums = 0, *, has_aux: bool = False, chunk_size: int | None = None
) -> Callable[..., Any]:
    """A function that gives the Jacobian of func, row by row in reverse mode: shape (*output, *input).

    As many walks back as the output has numbers, all at once under vmap, or chunk_size at a time.
    """

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        numbers = _chosen(args, argnums)
        chosen = tuple(args[n] for n in numbers)
        out, pull, *aux = vjp(lambda *live: func(*_with(args, numbers, live), **kwargs), *chosen, has_aux=has_aux)
        outputs, build_out = trees.flatten(out)
        inputs, build_in = trees.flatten(chosen)
        rows = []
        for basis in _bases(outputs):
            rows.append(vmap(lambda g: tuple(trees.leaves_of(pull(build_out(g)))), chunk_size=chunk_size)(basis))
        jacobians = []
        for k, y in enumerate(outputs):
            parts = [
                _cut(row, outputs, k).reshape((*y.shape, *x.shape)) for row, x in zip(rows[0], inputs, strict=True)
            ]
            answer = build_in(parts)
            jacobians.append(answer if isinstance(argnums, tuple) else answer[0])
        result = build_out(jacobians)
        return (result, aux[0]) if has_aux else result

    return jacobian


def _bases(tensors: list[Tensor]) -> Iterator[list[Tensor]]:
    """The unit tangents of several tensors: for each tensor (n, *shape), n counting the numbers of all together."""
    total = sum(x.numel() for x in tensors)
    eye = Tensor._of(create.eye(total, dtype=tensors[0].dtype).array)
    start, basis = 0, []
    for x in tensors:
        basis.append(eye[:, start : start + x.numel()].reshape((total, *x.shape)).to(x.dtype))
        start += x.numel()
    yield basis


def _cut(rows: Tensor, tensors: list[Tensor], k: int) -> Tensor:
    """The rows that belong to tensor k."""
    start = sum(x.numel() for x in tensors[:k])
    return rows[start : start + tensors[k].numel()]


# --- forward mode ---


def jvp(func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """(func(*primals), its derivative along the tangents); and aux if has_aux.

    primals and tangents: tuples of the same structure and shapes. strict: RuntimeError instead of zeros for a result
    that does not depend on the primals.
    """
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple) or not primals:
        raise RuntimeError("jvp(func, primals, tangents): Expected primals and tangents to be non-empty tuples")
    points, build = trees.flatten(primals)
    directions = trees.leaves_of(tangents)
    if len(points) != len(directions):
        raise RuntimeError(
            f"jvp(func, primals, tangents): Expected primals and tangents to have the same python structure: "
            f"{len(points)} tensors and {len(directions)}"
        )
    with forward.forward_level() as level:
        try:
            duals = [forward.make_dual(x, t, level) for x, t in zip(points, directions, strict=True)]
        except (ValueError, TypeError) as problem:
            raise RuntimeError(f"jvp(func, primals, tangents): {problem}") from None
        out, aux = _split(func(*build(duals)), has_aux, "jvp")
        values, rebuild = trees.flatten(out)
        pairs = []
        for y in values:
            if not isinstance(y, Tensor):
                raise RuntimeError(f"jvp: expected the function to return only tensors, got {type(y).__name__}")
            value, t = forward.unpack(y, level)
            if t is None and strict:
                raise RuntimeError("jvp(func, primals, tangents, strict=True): a result is independent of the primals")
            pairs.append((value, create.zeros_like(value.detach()) if t is None else t))
        if has_aux:
            aux = trees.map_leaves(lambda y: forward.unpack(y, level)[0] if isinstance(y, Tensor) else y, aux)
    result = rebuild([value for value, _ in pairs]), rebuild([t for _, t in pairs])
    return (*result, aux) if has_aux else result


def jacfwd(
    func: Callable[..., Any],
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that gives the Jacobian of func, column by column in forward mode: shape (*output, *input).

    As many directions as the inputs have numbers, all at once under vmap, or chunk_size at a time.
    """

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        numbers = _chosen(args, argnums)
        chosen = tuple(args[n] for n in numbers)
        inputs, build_in = trees.flatten(chosen)
        kept: list[Any] = []

        def push(basis: Any) -> Any:
            def on_chosen(*live: Any) -> Any:
                return func(*_with(args, numbers, live), **kwargs)

            _, t, *aux = jvp(on_chosen, chosen, build_in(basis), has_aux=has_aux)
            leaves, build_out = trees.flatten(t)
            kept[:] = [build_out, *aux]
            return tuple(leaves)

        (basis,) = _bases(inputs)
        columns = vmap(push, randomness=randomness, out_dims=-1, chunk_size=chunk_size)(basis)
        jacobians = []
        for column in columns:  # (*output, n)
            start, pieces = 0, []
            for x in inputs:
                piece = column.narrow(-1, start, x.numel())
                pieces.append(piece.reshape((*column.shape[:-1], *x.shape)))
                start += x.numel()
            answer = build_in(pieces)
            jacobians.append(answer if isinstance(argnums, tuple) else answer[0])
        result = kept[0](jacobians)
        return (result, kept[1]) if has_aux else result

    return jacobian


# --- both ---


def hessian(func: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that gives the second derivatives of func: forward mode over reverse mode."""
    return jacfwd(jacrev(func, argnums), argnums)


def hvp(func: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> Any:
    """(gradient, Hessian times tangents) of a function with one number as its result, without forming the Hessian.

    Forward mode over reverse mode: the cost of some four evaluations of func, whatever the size.
    Source: Pearlmutter, Fast Exact Multiplication by the Hessian, Neural Computation 6 (1994).
    """
    everything = tuple(range(len(primals)))
    return jvp(grad(func, everything), primals, tangents)


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """(func(*primals), push): push(*tangents) is the derivative along them, without running func again.

    The graph of func is walked back once with an unknown cotangent; what comes is linear in the cotangent, and its
    own transpose carries tangents forward.
    """
    out, pull = vjp(func, *primals)
    outputs, build_out = trees.flatten(out)
    unknown = [create.zeros_like(y.detach()).requires_grad_() for y in outputs]
    with enable_grad():
        pulled = trees.leaves_of(pull(build_out(unknown)))
    live = [i for i, g in enumerate(pulled) if g.requires_grad]

    def push(*tangents: Any) -> Any:
        from ..core.autograd import grad as differentiate

        given = trees.leaves_of(tangents)
        if len(given) != len(pulled):
            raise RuntimeError(f"linearize: {len(pulled)} tensors were the primals, got {len(given)} tangents")
        if not live:
            return build_out([create.zeros_like(u.detach()) for u in unknown])
        pushed = differentiate(
            [pulled[i] for i in live], unknown, [given[i] for i in live], retain_graph=True, materialize_grads=True
        )
        return build_out(list(pushed))

    return out, push
