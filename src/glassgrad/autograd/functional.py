"""Jacobians, Hessians and products with them, as torch.autograd.functional; `glassgrad.func` has those that nest.

inputs: a tensor or a tuple of tensors, and the result has the same structure; func returns a tensor or a tuple of them.
create_graph: the result can be differentiated. strict: RuntimeError for an output that does not depend on an input,
where otherwise the derivative is 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.autograd import grad
from ..core.modes import enable_grad
from ..core.tensor import Tensor
from ..ops.create import eye, ones_like, zeros_like
from ..ops.shape import reshape

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Tensors = Tensor | tuple[Tensor, ...]


def jacobian(
    func: Callable[..., Any],
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """d output / d input, of shape (*output, *input), for each output and each input.

    All rows are computed at once, so vectorize changes nothing. strategy: "reverse-mode", or "forward-mode", which
    goes column by column and needs vectorize=True and create_graph=False, as in PyTorch.
    """
    if strategy not in ("reverse-mode", "forward-mode"):
        raise AssertionError(f"Expected strategy to be either 'forward-mode' or 'reverse-mode', got {strategy!r}")
    if strategy == "forward-mode":
        if create_graph or strict or not vectorize:
            raise NotImplementedError(
                "jacobian(strategy='forward-mode') needs vectorize=True, and create_graph and strict off; "
                "use func.jacfwd, which nests"
            )
        return _forward_jacobian(func, inputs)
    live, xs, one_input = _prepared(inputs, create_graph)
    outputs, one_output = _called(func, live, one_input, strict, "jacobian")
    rows = []
    for y in outputs:
        n = y.numel()
        weights = reshape(eye(n, dtype=y.dtype), (n, *y.shape))
        given = grad(
            y, live, weights, retain_graph=True, create_graph=create_graph, allow_unused=True, is_grads_batched=True
        ) if y.requires_grad else [None] * len(live)  # fmt: skip
        rows.append(tuple(_part(g, y, x, strict) for g, x in zip(given, xs, strict=True)))
    result = tuple(row[0] if one_input else row for row in rows)
    return result[0] if one_output else result


def hessian(
    func: Callable[..., Any],
    inputs: Tensors,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of a function with one number as its result: (*input i, *input j) for each pair."""
    if outer_jacobian_strategy not in ("reverse-mode", "forward-mode"):
        raise AssertionError(
            f"Expected strategy to be either 'forward-mode' or 'reverse-mode', got {outer_jacobian_strategy!r}"
        )

    def slope(*xs: Tensor) -> Any:
        found = jacobian(_to_one_number(func, "hessian"), xs, create_graph=True, strict=strict)
        return found[0] if len(xs) == 1 else found

    found = jacobian(slope, inputs, create_graph=create_graph, strict=strict)
    return found


def vjp(
    func: Callable[..., Any], inputs: Tensors, v: Any = None, create_graph: bool = False, strict: bool = False
) -> Any:
    """(func(inputs), v times the Jacobian). v: like the output; may be left out where that is one number."""
    live, xs, one_input = _prepared(inputs, create_graph)
    outputs, one_output = _called(func, live, one_input, strict, "vjp")
    weights = _weights(v, outputs, "vjp", "v", "the user-provided function returns")
    found = grad(outputs, live, weights, create_graph=create_graph, allow_unused=True)
    grads = tuple(_plain(g, x, strict) for g, x in zip(found, xs, strict=True))
    return _same(outputs, one_output, create_graph), grads[0] if one_input else grads


def jvp(
    func: Callable[..., Any], inputs: Tensors, v: Any = None, create_graph: bool = False, strict: bool = False
) -> Any:
    """(func(inputs), the Jacobian times v), by transposing vjp twice. v: like the inputs."""
    live, xs, one_input = _prepared(inputs, create_graph)
    directions = _weights(v, list(xs), "jvp", "v", "the inputs are")
    outputs, one_output = _called(func, live, one_input, strict, "jvp")
    unknown = [zeros_like(y.detach()).requires_grad_() for y in outputs]
    with enable_grad():
        pulled = grad(outputs, live, unknown, create_graph=True, allow_unused=True)
        pairs = [(g, d) for g, d in zip(pulled, directions, strict=True) if g is not None and g.requires_grad]
        if pairs:
            pushed = grad(
                [g for g, _ in pairs], unknown, [d for _, d in pairs], create_graph=create_graph, allow_unused=True
            )
        else:
            pushed = (None,) * len(outputs)
    found = tuple(_plain(t, y.detach(), strict) for t, y in zip(pushed, outputs, strict=True))
    return _same(outputs, one_output, create_graph), found[0] if one_output else found


def vhp(
    func: Callable[..., Any], inputs: Tensors, v: Any = None, create_graph: bool = False, strict: bool = False
) -> Any:
    """(func(inputs), v times the Hessian) of a function with one number as its result."""
    live, xs, one_input = _prepared(inputs, create_graph)
    weights = _weights(v, list(xs), "vhp", "v", "the inputs are")
    outputs, _ = _called(_to_one_number(func, "vhp"), live, one_input, strict, "vhp")
    with enable_grad():
        slopes = grad(outputs, live, create_graph=True, allow_unused=True)
        pairs = [(g, w) for g, w in zip(slopes, weights, strict=True) if g is not None and g.requires_grad]
        if pairs:
            found = grad(
                [g for g, _ in pairs], live, [w for _, w in pairs], create_graph=create_graph, allow_unused=True
            )
        else:
            found = (None,) * len(live)
    result = tuple(_plain(g, x, strict) for g, x in zip(found, xs, strict=True))
    return _same(outputs, True, create_graph), result[0] if one_input else result


def hvp(
    func: Callable[..., Any], inputs: Tensors, v: Any = None, create_graph: bool = False, strict: bool = False
) -> Any:
    """(func(inputs), the Hessian times v): the Hessian is symmetric, so vhp."""
    return vhp(func, inputs, v, create_graph, strict)


# --- what they share ---


def _prepared(inputs: Tensors, create_graph: bool) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...], bool]:
    """(variables of our own, the inputs, whether there was one)."""
    one = isinstance(inputs, Tensor)
    given = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    for i, x in enumerate(given):
        if not isinstance(x, Tensor):
            raise TypeError(
                "The inputs given must be either a Tensor or a tuple of Tensors but the value at index "
                f"{i} has type {type(x)}."
            )
    live = tuple(
        x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_() for x in given
    )  # fmt: skip
    return live, given, one


def _called(
    func: Callable[..., Any], live: tuple[Tensor, ...], one_input: bool, strict: bool, name: str
) -> tuple[list[Tensor], bool]:
    with enable_grad():
        result = func(*live)
    one = isinstance(result, Tensor)
    outputs = [result] if isinstance(result, Tensor) else list(result)
    for i, y in enumerate(outputs):
        if not isinstance(y, Tensor):
            raise TypeError(
                f"The outputs of the user-provided function given to {name} must be either a Tensor or a tuple of "
                f"Tensors but the value at index {i} has type {type(y)}."
            )
        if strict and not y.requires_grad:
            raise RuntimeError(
                f"Output {i} of the user-provided function does not require gradients. The outputs must be computed "
                "in a differentiable manner from the input when running in strict mode."
            )
    return outputs, one


def _to_one_number(func: Callable[..., Any], name: str) -> Callable[..., Tensor]:
    def one(*xs: Tensor) -> Tensor:
        result = func(*xs)
        if not isinstance(result, Tensor):
            raise RuntimeError(f"The function given to {name} should return a single Tensor")
        if result.numel() != 1:
            raise RuntimeError("The Tensor returned by the function given to hessian should contain a single element")
        return reshape(result, ())

    return one


def _weights(v: Any, like: list[Tensor], name: str, what: str, whose: str) -> list[Tensor]:
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(f"The vector {what} can only be None if {whose} a single Tensor with a single element.")
        return [ones_like(like[0].detach())]
    given = [v] if isinstance(v, Tensor) else list(v)
    if len(given) != len(like):
        raise RuntimeError(f"{name}: {what} should contain {len(like)} tensors, but it contains {len(given)}")
    for i, (w, x) in enumerate(zip(given, like, strict=True)):
        if w.shape != x.shape:
            raise RuntimeError(f"{name}: entry {i} of {what} has shape {tuple(w.shape)}, expected {tuple(x.shape)}")
    return given


def _part(g: Tensor | None, y: Tensor, x: Tensor, strict: bool) -> Tensor:
    """A Jacobian from its rows, or zeros."""
    if g is None:
        if strict:
            raise RuntimeError("jacobian: an output is independent of an input, which strict=True forbids")
        return zeros_like(x.detach()).expand(*y.shape, *x.shape).clone()
    return reshape(g, (*y.shape, *x.shape))


def _plain(g: Tensor | None, like: Tensor, strict: bool) -> Tensor:
    if g is None:
        if strict:
            raise RuntimeError("an output is independent of an input, which strict=True forbids")
        return zeros_like(like.detach())
    return g


def _same(outputs: list[Tensor], one: bool, create_graph: bool) -> Any:
    kept = tuple(y if create_graph else y.detach() for y in outputs)
    return kept[0] if one else kept


def _forward_jacobian(func: Callable[..., Any], inputs: Tensors) -> Any:
    from ..core import forward
    from ..core.op import enter_batch, leave_batch, next_number, record

    given = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    columns = []
    for k, x in enumerate(given):
        n = x.numel()
        batch = {"dim": 0, "level": next_number(), "size": n}
        basis = record(enter_batch.op, (reshape(eye(n, dtype=x.dtype), (n, *x.shape)),), batch)
        with forward.forward_level() as level:
            live = [forward.make_dual(z.detach(), basis, level) if j == k else z.detach() for j, z in enumerate(given)]
            result = func(*live)
            outputs = [result] if isinstance(result, Tensor) else list(result)
            pairs = [forward.unpack(y, level) for y in outputs]
        columns.append([
            zeros_like(y).expand(n, *y.shape).clone() if t is None else record(leave_batch.op, (t,), batch)
            for y, t in pairs
        ])  # fmt: skip
    rows = [
        tuple(
            reshape(c[j].movedim(0, -1), (*c[j].shape[1:], *x.shape)).detach()
            for c, x in zip(columns, given, strict=True)
        )
        for j in range(len(columns[0]))
    ]
    found = [row[0] if isinstance(inputs, Tensor) else row for row in rows]
    return found[0] if isinstance(result, Tensor) else tuple(found)
