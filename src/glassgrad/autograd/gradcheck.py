"""Checking derivatives against finite differences: of any function of tensors, in reverse and in forward mode.

PyTorch's arguments, with tighter defaults. PyTorch compares with rtol=1e-3 and atol=1e-5, which lets a gradient pass
that is wrong by 0.1 %, and any gradient below 1e-5. Here a difference counts against the largest number of its
Jacobian, of which rtol=1e-4 is allowed: in float64, central differences are good to about 1e-9.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.autograd import grad
from ..core.backend import to_host
from ..core.modes import enable_grad
from ..core.provenance import warn
from ..core.tensor import Tensor
from . import forward_ad

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """A derivative that isn't one."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-9,
    rtol: float = 1e-4,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether the derivatives of func at the inputs are those that finite differences give.

    Every entry of every Jacobian is compared: |analytical - numerical| <= atol + rtol * (the Jacobian's largest
    entry). inputs: a tensor or a tuple; those that require grad are differentiated, and should be float64.
    eps: the step of the differences. nondet_tol: how far two backward passes may differ. check_undefined_grad: an
    output without a gradient must act as one with gradient 0. check_batched_grad: several gradients at once (vmap)
    must agree with one by one; check_batched_forward_grad: the same of tangents. fast_mode: one random direction
    and one random weight instead of all entries. Raises GradcheckError, or returns False unless raise_exception.
    """
    if masked:
        raise NotImplementedError("gradcheck(masked=True) is about sparse tensors, which are not in glassgrad yet")
    given = tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
    try:
        check = _Check(func, given, eps, atol, rtol)
        if check_backward_ad:
            check.backward(fast_mode, nondet_tol, check_grad_dtypes)
            if check_undefined_grad:
                check.undefined()
            if check_batched_grad:
                check.batched()
        if check_forward_ad:
            check.forward(fast_mode)
            if check_batched_forward_grad:
                check.batched_forward()
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-9,
    rtol: float = 1e-4,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """gradcheck of the gradient of func: with respect to the inputs and to the gradients of the outputs.

    grad_outputs: those gradients; random ones unless given. check_fwd_over_rev: in forward mode, too.
    """
    given = tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
    outputs = _outputs(func(*given))
    if grad_outputs is None:
        rng = np.random.default_rng(0)
        cotangents = [_tensor(rng.uniform(-1, 1, y.shape), y).requires_grad_() for y in outputs]
        if gen_non_contig_grad_outputs:
            cotangents = [_apart(g) for g in cotangents]
    else:
        cotangents = list(grad_outputs) if isinstance(grad_outputs, tuple | list) else [grad_outputs]
    count = len(given)

    def gradient(*everything: Any) -> Any:
        values, weights = everything[:count], everything[count:]
        live = [x for x in values if isinstance(x, Tensor) and x.requires_grad]
        found = grad(_outputs(func(*values)), live, list(weights), create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None and g.requires_grad)

    if not gradient(*given, *cotangents):
        return True  # the gradient is constant
    return gradcheck(
        gradient, (*given, *cotangents), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
        nondet_tol=nondet_tol, check_undefined_grad=check_undefined_grad, check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad, check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev, fast_mode=fast_mode, masked=masked,
    )  # fmt: skip


def _outputs(result: Any) -> list[Tensor]:
    """The differentiable outputs of a function."""
    given = result if isinstance(result, tuple | list) else (result,)
    return [y for y in given if isinstance(y, Tensor) and y.requires_grad]


def _tensor(values: Any, like: Tensor) -> Tensor:
    return Tensor._of(np.asarray(values).astype(like.array.dtype))


def _apart(g: Tensor) -> Tensor:
    """The same numbers with gaps between them in memory."""
    wide = np.repeat(to_host(g.array)[..., None], 2, axis=-1)
    return Tensor._of(wide[..., 0]).requires_grad_(g.requires_grad)


class _Check:
    """One function at one place: its numerical Jacobians, and what the library says."""

    def __init__(self, func: Callable[..., Any], inputs: Sequence[Any], eps: float, atol: float, rtol: float) -> None:
        self.func, self.inputs = func, tuple(inputs)
        self.eps, self.atol, self.rtol = eps, atol, rtol
        self.at = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
        if not self.at:
            raise ValueError("gradcheck expects at least one input tensor to require gradient")
        for i in self.at:
            if inputs[i].dtype.itemsize < 8:
                warn(
                    f"Input #{i} requires gradient and is not a double precision floating point or complex. This "
                    "check will likely fail if all the inputs are not of double precision floating point or complex."
                )
            if 0 in inputs[i].array.strides and inputs[i].numel() > 1:
                raise RuntimeError(
                    f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are "
                    "non-overlapping to be able to compute the numerical gradients correctly: call contiguous() first"
                )

    # --- what is compared ---

    def live(self) -> tuple[list[Tensor], list[Tensor]]:
        """Fresh leaves for the inputs, and the outputs computed from them."""
        leaves = [self.inputs[i].detach().clone().requires_grad_() for i in self.at]
        with enable_grad():
            return leaves, _outputs(self.func(*self._with(leaves)))

    def _with(self, values: Sequence[Any]) -> tuple[Any, ...]:
        new = list(self.inputs)
        for i, value in zip(self.at, values, strict=True):
            new[i] = value
        return tuple(new)

    def _values(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        leaves = [Tensor._of(a.copy()).requires_grad_() for a in arrays]
        with enable_grad():
            return [to_host(y.detach().array).copy() for y in _outputs(self.func(*self._with(leaves)))]

    def numerical(self, k: int, index: tuple[int, ...]) -> list[np.ndarray]:
        """How the outputs change with one number of one input: central differences."""
        ends = []
        for sign in (1, -1):
            arrays = [to_host(self.inputs[i].detach().array).copy() for i in self.at]
            arrays[k][index] += sign * self.eps
            ends.append(self._values(arrays))
        return [(up - down) / (2 * self.eps) for up, down in zip(*ends, strict=True)]

    def backward(self, fast: bool, nondet_tol: float, dtypes: bool) -> None:
        leaves, outputs = self.live()
        if not outputs:
            values = [to_host(x.detach().array) for x in leaves]
            moved = self._values([v + self.eps for v in values])
            if moved:
                raise GradcheckError("the outputs require grad at one place and not at another")
            return
        if fast:
            self._fast(leaves, outputs)
            return
        numerical = self._numerical_jacobians(leaves)
        for j, y in enumerate(outputs):
            analytical = [np.zeros((y.numel(), x.numel())) for x in leaves]
            for row in range(y.numel()):
                weight = np.zeros(y.numel())
                weight[row] = 1
                found = self._gradient(y, leaves, weight.reshape(y.shape))
                again = self._gradient(y, leaves, weight.reshape(y.shape)) if row == 0 else found
                for k, (g, twice) in enumerate(zip(found, again, strict=True)):
                    if g is None:
                        continue
                    if g.shape != leaves[k].shape:
                        raise GradcheckError(
                            f"Gradient {k} has shape {tuple(g.shape)}, the input {tuple(leaves[k].shape)}"
                        )
                    if dtypes and g.dtype != leaves[k].dtype:
                        raise GradcheckError(f"Gradient {k} has dtype {g.dtype}, the input {leaves[k].dtype}")
                    analytical[k][row] = to_host(g.array).reshape(-1)
                    if twice is None or np.abs(to_host(g.array) - to_host(twice.array)).max(initial=0.0) > nondet_tol:
                        raise GradcheckError(
                            f"Backward is not reentrant: two passes with the same weights give gradients of input "
                            f"{k} that differ by more than nondet_tol={nondet_tol}"
                        )
            for k in range(len(leaves)):
                self._compare(
                    analytical[k], numerical[k][j], f"output {j} with respect to input {self.at[k]}", "backward"
                )

    def _numerical_jacobians(self, leaves: list[Tensor]) -> list[list[np.ndarray]]:
        """[input][output]: (numbers of the output, numbers of the input)."""
        found = []
        for k, x in enumerate(leaves):
            columns = [self.numerical(k, index) for index in np.ndindex(*x.shape)]
            sizes = [y.numel() for y in self.live()[1]]
            found.append(
                [
                    np.stack([c[j].reshape(-1) for c in columns], 1) if columns else np.zeros((n, 0))
                    for j, n in enumerate(sizes)
                ]
            )
        return found

    def _gradient(self, y: Tensor, leaves: list[Tensor], weight: np.ndarray) -> tuple[Tensor | None, ...]:
        return grad(y, leaves, _tensor(weight, y), retain_graph=True, allow_unused=True)

    def _fast(self, leaves: list[Tensor], outputs: list[Tensor]) -> None:
        """weight . J . direction, both ways, for one random pair."""
        rng = np.random.default_rng(0)
        along = [rng.uniform(-1, 1, x.shape) for x in leaves]
        weights = [rng.uniform(-1, 1, y.shape) for y in outputs]
        found = grad(outputs, leaves, [_tensor(w, y) for w, y in zip(weights, outputs, strict=True)], allow_unused=True)
        analytical = sum(
            float((to_host(g.array) * u).sum()) for g, u in zip(found, along, strict=True) if g is not None
        )
        ends = [
            self._values([to_host(x.detach().array) + sign * self.eps * u for x, u in zip(leaves, along, strict=True)])
            for sign in (1, -1)
        ]
        numerical = sum(
            float(((up - down) / (2 * self.eps) * w).sum()) for up, down, w in zip(*ends, weights, strict=True)
        )
        self._compare(np.array([[analytical]]), np.array([[numerical]]), "a random direction", "backward")

    def undefined(self) -> None:
        """An output without a gradient acts as one whose gradient is zero."""
        leaves, outputs = self.live()
        if len(outputs) < 2:
            return
        for j, y in enumerate(outputs):
            alone = grad(y, leaves, _tensor(np.ones(y.shape), y), retain_graph=True, allow_unused=True)
            zeros = [_tensor(np.ones(o.shape) * (i == j), o) for i, o in enumerate(outputs)]
            together = grad(outputs, leaves, zeros, retain_graph=True, allow_unused=True)
            for k, (a, b) in enumerate(zip(alone, together, strict=True)):
                left = np.zeros(leaves[k].shape) if a is None else to_host(a.array)
                right = np.zeros(leaves[k].shape) if b is None else to_host(b.array)
                if not np.allclose(left, right, rtol=self.rtol, atol=1e-12, equal_nan=True):
                    raise GradcheckError(
                        f"Expected backward function to handle undefined output grads: the gradient of input "
                        f"{self.at[k]} differs between no gradient and zeros for the outputs other than {j}"
                    )

    def batched(self) -> None:
        """Gradients for several weights at once are those for each."""
        leaves, outputs = self.live()
        rng = np.random.default_rng(1)
        for j, y in enumerate(outputs):
            weights = rng.uniform(-1, 1, (3, *y.shape))
            at_once = grad(y, leaves, _tensor(weights, y), retain_graph=True, allow_unused=True, is_grads_batched=True)
            for row in range(3):
                alone = self._gradient(y, leaves, weights[row])
                for k, (a, b) in enumerate(zip(at_once, alone, strict=True)):
                    left = np.zeros(leaves[k].shape) if a is None else to_host(a.array)[row]
                    right = np.zeros(leaves[k].shape) if b is None else to_host(b.array)
                    if not np.allclose(left, right, rtol=1e-6, atol=1e-9, equal_nan=True):
                        raise GradcheckError(f"a batched gradient of output {j}, input {self.at[k]} is wrong")

    def forward(self, fast: bool) -> None:
        leaves, outputs = self.live()
        if not outputs:
            return
        numerical = self._numerical_jacobians(leaves)
        for k, x in enumerate(leaves):
            analytical = [np.zeros((y.numel(), x.numel())) for y in outputs]
            for column, index in enumerate(np.ndindex(*x.shape)):
                unit = np.zeros(x.shape)
                unit[index] = 1
                for j, t in enumerate(self._tangents(leaves, k, _tensor(unit, x))):
                    if t is not None:
                        analytical[j][:, column] = to_host(t.detach().array).reshape(-1)
                if fast:
                    break
            for j in range(len(outputs)):
                columns = slice(0, 1) if fast else slice(None)
                what = f"output {j} with respect to input {self.at[k]}"
                self._compare(analytical[j][:, columns], numerical[k][j][:, columns], what, "forward")

    def _tangents(self, leaves: list[Tensor], k: int, tangent: Tensor) -> list[Tensor | None]:
        with forward_ad.dual_level():
            values = [x.detach().requires_grad_() for x in leaves]
            values[k] = forward_ad.make_dual(values[k], tangent)
            return [forward_ad.unpack_dual(y).tangent for y in _outputs(self.func(*self._with(values)))]

    def batched_forward(self) -> None:
        """Tangents for several directions at once are those for each."""
        from ..core.op import enter_batch, leave_batch, next_number, record

        leaves, _ = self.live()
        rng = np.random.default_rng(2)
        for k, x in enumerate(leaves):
            along = rng.uniform(-1, 1, (3, *x.shape))
            batch = {"dim": 0, "level": next_number(), "size": 3}
            at_once = self._tangents(leaves, k, record(enter_batch.op, (_tensor(along, x),), batch))
            for row in range(3):
                alone = self._tangents(leaves, k, _tensor(along[row], x))
                for a, b in zip(at_once, alone, strict=True):
                    if (a is None) != (b is None):
                        raise GradcheckError(f"a batched tangent of input {self.at[k]} is missing")
                    if a is not None and b is not None:
                        left = to_host(record(leave_batch.op, (a.detach(),), batch).array)[row]
                        if not np.allclose(left, to_host(b.detach().array), rtol=1e-6, atol=1e-9, equal_nan=True):
                            raise GradcheckError(f"a batched tangent of input {self.at[k]} is wrong")

    # --- the verdict ---

    def _compare(self, analytical: np.ndarray, numerical: np.ndarray, what: str, mode: str) -> None:
        """GradcheckError, with the likeliest cause, where two Jacobians (outputs, inputs) differ."""
        if analytical.size == 0:
            return
        unknown = ~np.isfinite(numerical)
        if not np.array_equal(np.isfinite(analytical), ~unknown):
            raise GradcheckError(
                f"The {mode} Jacobian of {what} and the numerical one are infinite or NaN in different places\n"
                f"  analytical:\n{analytical}\n  numerical:\n{numerical}"
            )
        off = np.where(unknown, 0.0, np.abs(analytical - numerical))
        largest = np.abs(numerical[~unknown]).max(initial=0.0)
        allowed = self.atol + self.rtol * largest + 1e-9 * self._size()
        if off.max() <= allowed:
            return
        row, column = np.unravel_index(off.argmax(), off.shape)
        raise GradcheckError(
            f"Jacobian mismatch for {what} ({mode} mode): off by {off.max():.3g} where {allowed:.3g} is allowed, at "
            f"entry {int(row), int(column)}: analytical {analytical[row, column]:.8g}, "
            f"numerical {numerical[row, column]:.8g}"
            f"{_cause(analytical, numerical)}\n  analytical:\n{analytical}\n  numerical:\n{numerical}"
        )

    def _size(self) -> float:
        """The largest output: what differences of it can be good to."""
        return max((float(np.abs(to_host(y.detach().array)).max(initial=0.0)) for y in self.live()[1]), default=0.0)


def _cause(analytical: np.ndarray, numerical: np.ndarray) -> str:
    """What a difference looks like, in words."""

    def same(a: np.ndarray, b: np.ndarray) -> bool:
        return a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-6 * max(np.abs(b).max(initial=0.0), 1e-12))

    used = np.abs(numerical) > 1e-6 * np.abs(numerical).max(initial=0.0)
    if not np.abs(analytical).max(initial=0.0):
        return "\n  the analytical one is all zero: was the graph cut (detach, .data, a NumPy call)?"
    if same(-analytical, numerical):
        return "\n  the sign is wrong"
    if used.any():
        ratios = analytical[used] / numerical[used]
        if np.allclose(ratios, ratios[0], rtol=1e-3) and not math.isclose(ratios[0], 1, rel_tol=1e-5):
            return f"\n  every entry is {ratios[0]:.6g} times what it should be"
    if same(np.sort(analytical.reshape(-1)), np.sort(numerical.reshape(-1))):
        return "\n  the right numbers in the wrong places: transposed, or along another axis?"
    rows = analytical.sum(0)
    if same(rows, numerical.sum(0)):
        return "\n  sums over the outputs agree: is a sum over a broadcast axis missing?"
    return ""
