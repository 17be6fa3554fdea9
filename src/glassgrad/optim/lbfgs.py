"""L-BFGS, for functions that can be evaluated again at will, and the search along a line for Wolfe's conditions.

Sources: Nocedal and Wright 2006, Numerical Optimization, algorithms 7.4 (two loops), 3.5 and 3.6 (line search),
equation 3.59 (cubic interpolation).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ..core.modes import enable_grad, no_grad
from ..core.tensor import Tensor
from ..ops.arrange import cat
from ..ops.create import zeros_like
from .optimizer import Optimizer, _check_ranges

__all__ = ["LBFGS"]

State = dict[str, Any]


class LBFGS(Optimizer):
    """x <- x + t d with d = -H g: H, an inverse Hessian, is made of the last history_size steps and changes of g.

    step(closure) takes up to max_iter such steps with up to max_eval evaluations; closure() clears the gradients,
    computes the loss, calls backward() and returns the loss. t = lr (at the very first step lr / |g|_1 if less), or,
    with line_search_fn="strong_wolfe", what the line search finds. It ends early where the largest |g| is at most
    tolerance_grad, or parameters or the loss change by at most tolerance_change. One parameter group.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        _check_ranges({"lr": lr})
        super().__init__(params, {
            "lr": lr, "max_iter": max_iter, "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change, "history_size": history_size,
            "line_search_fn": line_search_fn,
        })  # fmt: skip
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    # --- parameters as one vector ---

    @property
    def _params(self) -> list[Tensor]:
        return self.param_groups[0]["params"]

    def _gradient(self) -> Tensor:
        return cat(
            [zeros_like(p).reshape(-1) if p.grad is None else p.grad.to_dense().reshape(-1) for p in self._params]
        )

    def _move(self, t: Any, d: Tensor) -> None:
        """x <- x + t d."""
        start = 0
        for p in self._params:
            p.add_(d[start : start + p.numel()].view_as(p), alpha=float(t))
            start += p.numel()

    @no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Several steps of the algorithm; returns the loss before them."""
        group = self.param_groups[0]
        lr, limit, tolerance = float(group["lr"]), group["max_eval"], group["tolerance_change"]
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)

        def evaluate() -> tuple[Any, Tensor]:
            with enable_grad():
                loss = closure()
            return loss, self._gradient()

        first_loss, g = evaluate()
        loss, evals = float(first_loss), 1
        state["func_evals"] += 1
        if g.abs().max() <= group["tolerance_grad"]:
            return first_loss
        d: Any = state.get("d")
        t: Any = state.get("t")
        for k in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            very_first = state["n_iter"] == 1
            if very_first:
                state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
                d = g.neg()
            else:
                _remember(state, g - state["prev_flat_grad"], d * t, group["history_size"])
                d = _direction(state, g, group["history_size"])
            state["prev_flat_grad"], state["prev_loss"] = g.clone(), loss
            t = min(1.0, 1.0 / g.abs().sum()) * lr if very_first else lr
            slope = g.dot(d)
            if slope > -tolerance:
                break
            used = 0
            if group["line_search_fn"] == "strong_wolfe":
                loss, g, t, used = self._search(evaluate, t, d, Point(0, loss, g, slope), limit - evals)
            elif group["line_search_fn"] is not None:
                raise RuntimeError("only 'strong_wolfe' is supported")
            self._move(t, d)
            if group["line_search_fn"] is None and k < group["max_iter"]:
                loss, g = evaluate()
                loss, used = float(loss), 1
            evals += used
            state["func_evals"] += used
            if (
                evals >= limit
                or g.abs().max() <= group["tolerance_grad"]
                or (d * t).abs().max() <= tolerance
                or abs(loss - state["prev_loss"]) < tolerance
            ):
                break
        state["d"], state["t"] = d, t
        return first_loss

    def _search(self, evaluate: Any, t: Any, d: Tensor, start: Point, most: int) -> tuple[float, Tensor, Any, int]:
        """(loss, gradient, t, evaluations) of the line search from here; the parameters are left where they are."""
        here = [p.clone() for p in self._params]

        def at(t: Any) -> Point:
            self._move(t, d)
            loss, g = evaluate()
            for p, x in zip(self._params, here, strict=True):
                p.copy_(x)
            return Point(t, float(loss), g, g.dot(d))

        found, used = strong_wolfe(at, start, t, d.abs().max(), most)
        return found.f, found.g, found.t, used


def _remember(state: State, y: Tensor, s: Tensor, size: int) -> None:
    """A change y of the gradient over a step s, where the function curves upwards; the oldest is forgotten."""
    ys = y.dot(s)
    if ys > 1e-10:
        if len(state["ro"]) == size:
            for name in ("old_dirs", "old_stps", "ro"):
                state[name].pop(0)
        state["old_dirs"].append(y)
        state["old_stps"].append(s)
        state["ro"].append(1.0 / ys)
        state["H_diag"] = ys / y.dot(y)


def _direction(state: State, g: Tensor, size: int) -> Tensor:
    """-H g, by two loops over what is remembered."""
    ys, steps, ro = state["old_dirs"], state["old_stps"], state["ro"]
    al = state.setdefault("al", [None] * size)
    q = g.neg()
    for i in reversed(range(len(ys))):
        al[i] = steps[i].dot(q) * ro[i]
        q.add_(ys[i], alpha=-float(al[i]))
    r = q * state["H_diag"]
    for i in range(len(ys)):
        r.add_(steps[i], alpha=float(al[i] - ys[i].dot(r) * ro[i]))
    return r


# --- line search ---


@dataclass
class Point:
    """A place on the line x + t d: t, the loss, the gradient, and its part along d."""

    t: Any
    f: float
    g: Tensor
    slope: Any


def strong_wolfe(
    at: Callable[[Any], Point],
    start: Point,
    t: Any,
    longest: Tensor,
    most: int,
    c1: float = 1e-4,
    c2: float = 0.9,
    tolerance: float = 1e-9,
) -> tuple[Point, int]:
    """A point where f <= f0 + c1 t slope0 and |slope| <= c2 |slope0|, or the best of `most` trials; and the trials.

    longest: the largest element of |d|, by which t is measured against the tolerance.
    """

    def too_high(p: Point) -> bool:
        return p.f > (start.f + c1 * p.t * start.slope)

    def flat(p: Point) -> bool:
        return abs(p.slope) <= -c2 * start.slope

    # Steps grow until they enclose a minimum.
    last, new = start, at(t)
    trials = steps = 0
    enclosing = [start, new]
    while trials < most:
        if too_high(new) or (trials > 1 and new.f >= last.f) or (not flat(new) and new.slope >= 0):
            enclosing = [last, new]
            break
        if flat(new):
            return new, trials + 1
        bounds = new.t + 0.01 * (new.t - last.t), new.t * 10
        last, new = new, at(cubic_minimum(last, new, bounds))
        trials += 1
    else:
        enclosing = [start, new]
    steps = trials + 1

    # What encloses it shrinks.
    stuck = False
    low, high = (0, 1) if enclosing[0].f <= enclosing[1].f else (1, 0)
    while trials < most:
        ends = [p.t for p in enclosing]
        if abs(ends[1] - ends[0]) * longest < tolerance:
            break
        t = cubic_minimum(enclosing[0], enclosing[1])
        margin = 0.1 * (max(ends) - min(ends))
        if min(max(ends) - t, t - min(ends)) < margin:  # close to an end: the second time, or beyond it, stay away
            if stuck or t >= max(ends) or t <= min(ends):
                t = max(ends) - margin if abs(t - max(ends)) < abs(t - min(ends)) else min(ends) + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        new = at(t)
        steps += 1
        trials += 1
        if too_high(new) or new.f >= enclosing[low].f:
            enclosing[high] = new
            low, high = (0, 1) if enclosing[0].f <= enclosing[1].f else (1, 0)
            continue
        if flat(new):
            return new, steps
        if new.slope * (enclosing[high].t - enclosing[low].t) >= 0:
            enclosing[high] = enclosing[low]
        enclosing[low] = new
    return enclosing[low], steps


def cubic_minimum(a: Point, b: Point, bounds: tuple[Any, Any] | None = None) -> Any:
    """Where the cubic through two points with their slopes is least; within bounds, or between the points."""
    left, right = bounds or ((a.t, b.t) if a.t <= b.t else (b.t, a.t))
    d1 = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t)
    square = d1**2 - a.slope * b.slope
    if not square >= 0:
        return (left + right) / 2.0
    d2 = square.sqrt()
    if a.t > b.t:
        a, b = b, a
    t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    return min(max(t, left), right)
