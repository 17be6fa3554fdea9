"""The loss as a landscape: a plane through a small model's weights, the gradient on it; the search for a learning rate.

The plane of `loss_surface` stands in the weights as they are and is spanned by two directions: random ones, in which
each filter (a neuron's weights, a convolution's kernel) is as long as the model's own, so that models can be compared;
or those in which a training went farthest. Vectors such as biases stay as they are along random directions.
Source: Li, Xu, Taylor, Studer, Goldstein 2018, arXiv:1712.09913, sections 4 and 7.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...core.modes import no_grad
from ...core.tensor import Tensor, tensor
from ...nn.module import Module
from ...ops.randoms import get_rng_state, set_rng_state
from ...scalar.engine import Value
from ...scalar.nn import Module as ScalarModule
from . import planes, plots
from .health import Health

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["gradient_field", "loss_surface", "lr_finder", "scan_rates", "slice_loss"]

Vector = NDArray[np.float64]


class Slice(NamedTuple):
    """The loss over a plane: a, b (H, W) are the steps along the directions, zz the loss, u and v its gradient there,
    zeros where it was not asked for; path (T, 2)."""

    a: Vector
    b: Vector
    zz: Vector
    u: Vector
    v: Vector
    path: NDArray[Any] | None
    labels: tuple[str, str]
    title: str


def loss_surface(
    model: Any, loss: Callable[[], Any], *, directions: str | Sequence[Any] = "random", path: Any = None,
    span: float = 1.0, points: int = 31, seed: int = 0, patience: float = 60.0,
) -> Figure:  # fmt: skip
    """The loss of a model around its weights: colour and level lines over a plane through them.

    model: an nn.Module or an MLP of the scalar engine. loss: computes it from the model as it is, without arguments:
        lambda: F.cross_entropy(model(x), y)
    directions: "random" (see above; `seed` draws others), "pca", the two in which `path` spread farthest, or two lists
    of all weights. A model of two numbers has them as its plane. path: weights on the way of a training, each a flat
    array of all of them, or what watch_health(..., path=True) returned. span: how far to go, in lengths of the
    directions, or beyond the path. points: a side; the loss is computed points * points times.
    Everything is put back as it was: weights, buffers, gradients, random numbers.
    Raises ValueError for what makes no plane, RuntimeError where it would take longer than `patience` seconds.
    """
    one = slice_loss(
        model, loss, directions=directions, path=path, span=span, points=points, seed=seed, patience=patience
    )  # fmt: skip
    return planes.surface(one.a, one.b, one.zz, path=one.path, title=one.title, labels=one.labels)


def gradient_field(
    model: Any, loss: Callable[[], Any] | None = None, *, directions: str | Sequence[Any] = "random", path: Any = None,
    span: float = 1.0, points: int = 21, seed: int = 0, patience: float = 60.0,
) -> Figure:  # fmt: skip
    """The direction of steepest descent over a plane, with level lines.

    model: as for `loss_surface`, with a loss; or, without one, a function of two numbers that gives a Tensor or a
    Value: its plane is the two numbers, from -span to span.
    """
    if loss is None:
        if isinstance(model, Module | ScalarModule) or not callable(model):
            raise TypeError("gradient_field(model, loss): say the loss, such as lambda: F.mse_loss(model(x), y)")
        one = _slice_function(model, span, points)
    else:
        one = slice_loss(
            model, loss, directions=directions, path=path, span=span, points=points, seed=seed, patience=patience,
            slopes=True,
        )  # fmt: skip
    zz = np.where(np.isfinite(one.zz), one.zz, np.nan)
    return planes.gradient_field(one.a, one.b, one.u, one.v, zz, path=one.path, title=one.title, labels=one.labels)


def _slice_function(f: Callable[[Any, Any], Any], span: float, points: int) -> Slice:
    _check(span, points)
    axis = np.linspace(-span, span, points)
    a, b = np.meshgrid(axis, axis)
    zz, u, v = np.full(a.shape, np.nan), np.zeros(a.shape), np.zeros(a.shape)
    for at in np.ndindex(a.shape):
        x, y, z = _called(f, float(a[at]), float(b[at]))
        z.backward()
        zz[at], u[at], v[at] = (_number(n) for n in (z, x.grad, y.grad))
    return Slice(a, b, zz, u, v, None, ("x", "y"), "Gradient field")


def _called(f: Callable[[Any, Any], Any], *at: float) -> tuple[Any, Any, Any]:
    """x, y and f(x, y), with tensors, or with Values where f is of the scalar engine."""
    x, y = (tensor(n, requires_grad=True) for n in at)
    try:
        z = f(x, y)
    except TypeError:
        z = None
    if not isinstance(z, Tensor):
        x, y = map(Value, at)  # type: ignore[assignment]
        z = f(x, y)
    if not isinstance(z, Tensor | Value):
        raise TypeError(f"gradient_field: the function gave {type(z).__name__}, not a Tensor or a Value")
    return x, y, z


def _number(x: Any) -> float:
    return 0.0 if x is None else float(x.data if isinstance(x, Value) else x.item() if isinstance(x, Tensor) else x)


def _check(span: float, points: int) -> None:
    if not (isinstance(points, int) and points >= 3):
        raise ValueError(f"points={points!r}: a side needs at least 3")
    if not (span > 0 and math.isfinite(span)):
        raise ValueError(f"span={span!r}: a positive number is needed")


# --- a plane through the weights ---------------------------------------------------------------------------------


class Weights:
    """The weights of a model of either engine as one vector, and a way back."""

    def __init__(self, model: Any) -> None:
        if not isinstance(model, Module | ScalarModule):
            raise TypeError(f"expected an nn.Module or an MLP of the scalar engine, got {type(model).__name__}")
        self.model, self.live = model, isinstance(model, Module)
        self.values: list[Any] = list(model.parameters())
        if not self.values:
            raise ValueError(f"{type(model).__name__} has no parameters")

    def get(self) -> Vector:
        if self.live:
            return np.concatenate([p.detach().double().cpu().numpy().reshape(-1) for p in self.values])
        return np.array([value.data for value in self.values])

    def set(self, vector: Vector) -> None:
        at = 0
        for value in self.values:
            if not self.live:
                value.data = float(vector[at])
                at += 1
                continue
            size = value.numel()
            with no_grad():
                value.copy_(tensor(vector[at : at + size]).reshape(value.shape))
            at += size

    def slope(self) -> Vector:
        if not self.live:
            return np.array([value.grad for value in self.values])
        grads = [p.grad for p in self.values]
        return np.concatenate([
            np.zeros(p.numel()) if g is None else g.detach().double().cpu().numpy().reshape(-1)
            for p, g in zip(self.values, grads, strict=True)
        ])  # fmt: skip

    def filters(self) -> Iterator[slice]:
        """Where each filter lies in the vector: the rows of matrices and kernels, the weights of scalar neurons."""
        at = 0
        if not self.live:
            for layer in getattr(self.model, "layers", [self.model]):
                for neuron in getattr(layer, "neurons", [layer]):
                    yield slice(at, at + len(neuron.w))
                    at += len(neuron.w) + 1
            return
        for p in self.values:
            if p.dim() > 1:
                size = p.numel() // p.shape[0]
                for row in range(p.shape[0]):
                    yield slice(at + row * size, at + (row + 1) * size)
            at += p.numel()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Weights, buffers, gradients and random numbers are afterwards what they were before."""
        weights = [p.detach().clone() for p in self.values] if self.live else self.get()
        grads, random = [value.grad for value in self.values], get_rng_state()
        buffers = [(b, b.clone()) for b in self.model.buffers()] if isinstance(self.model, Module) else []
        try:
            if self.live:  # the gradients that are there are not added to
                for value in self.values:
                    value.grad = None
            yield
        finally:
            if self.live:
                with no_grad():
                    for value, old in zip(self.values, weights, strict=True):
                        value.copy_(old)
                    for buffer, old in buffers:
                        buffer.copy_(old)
            else:
                self.set(weights)  # type: ignore[arg-type]
            for value, grad in zip(self.values, grads, strict=True):
                value.grad = grad
            set_rng_state(random)


def slice_loss(
    model: Any, loss: Callable[[], Any], *, directions: str | Sequence[Any] = "random", path: Any = None,
    span: float = 1.0, points: int = 31, seed: int = 0, patience: float = 60.0, slopes: bool = False,
) -> Slice:  # fmt: skip
    """The numbers behind `loss_surface` and, with slopes, `gradient_field`."""
    _check(span, points)
    weights = Weights(model)
    here, way = weights.get(), _way(path, len(weights.get()))
    one, other, labels = _directions(weights, here, directions, way, seed)
    basis = np.stack([one, other])
    trail = None if way is None else np.linalg.lstsq(basis.T, (way - here).T, rcond=None)[0].T
    reach = np.array([[-span, -span], [span, span]])
    if trail is not None:  # the plane holds all of the path, and a margin
        low, high = np.minimum(trail.min(axis=0), 0), np.maximum(trail.max(axis=0), 0)
        room = 0.25 * span * np.maximum(high - low, 0.25 * (high - low).max() or 1.0)
        reach = np.stack([low - room, high + room])
    a, b = np.meshgrid(*(np.linspace(reach[0, i], reach[1, i], points) for i in (0, 1)))
    zz, u, v = np.full(a.shape, np.nan), np.zeros(a.shape), np.zeros(a.shape)
    origin = here
    if labels == NUMBERS:  # two weights: the axes are their values
        origin = np.zeros(2)
        a, b = a + here[0], b + here[1]
        trail = None if trail is None else trail + here
    with weights.kept():
        random, started, done = get_rng_state(), time.monotonic(), 0
        for at in np.ndindex(a.shape):
            weights.set(origin + a[at] * one + b[at] * other)
            set_rng_state(random)  # the same dropout everywhere
            zz[at], slope = _loss_at(weights, loss, slopes)
            if slopes:
                u[at], v[at] = slope @ one, slope @ other
            done += 1
            if done == 3 and (takes := (time.monotonic() - started) / 3 * a.size) > patience:
                raise RuntimeError(
                    f"this would take about {takes:,.0f} s: {a.size} losses of {takes / a.size:.2g} s each. Compute "
                    f"the loss of fewer samples, or say points=15 or patience={math.ceil(takes / 100) * 200}"
                )
    title = "Gradient field" if slopes else "Loss surface"
    return Slice(a, b, zz, u, v, trail, labels, title)


def _loss_at(weights: Weights, loss: Callable[[], Any], slopes: bool) -> tuple[float, Vector]:
    if not slopes:
        if not weights.live:
            return _number(loss()), np.zeros(0)
        with no_grad():
            return _number(loss()), np.zeros(0)
    for value in weights.values:
        value.grad = None if weights.live else 0.0
    z = loss()
    z.backward()
    return _number(z), weights.slope()


def _way(path: Any, size: int) -> Vector | None:
    """The weights on the way of a training: (T, all of them)."""
    if path is None:
        return None
    if isinstance(path, Health):
        path = path.weights_at
        if path is None:
            raise ValueError("path: the weights were not kept; say watch_health(model, optimizer, path=True)")
    way = np.array([np.asarray(w.detach() if isinstance(w, Tensor) else w, float).reshape(-1) for w in path])
    if way.ndim != 2 or way.shape[1] != size or not len(way):
        raise ValueError(f"path: expected arrays of all {size:,} weights, got shape {way.shape}")
    if not np.isfinite(way).all():
        raise ValueError("path: the weights became NaN or infinite on the way")
    return way


NUMBERS = ("first weight", "second weight")


def _directions(
    weights: Weights, here: Vector, directions: str | Sequence[Any], way: Vector | None, seed: int
) -> tuple[Vector, Vector, tuple[str, str]]:
    if not np.isfinite(here).all():
        raise ValueError("the weights are NaN or infinite: there is no landscape around them")
    if len(here) == 2 and isinstance(directions, str):
        return *np.eye(2), NUMBERS  # type: ignore[return-value]
    if len(here) < 2:
        raise ValueError("a plane needs at least two weights, and the model has one")
    if not isinstance(directions, str):
        one, other = (np.asarray(d, float).reshape(-1) for d in directions)
        if one.shape != here.shape or other.shape != here.shape:
            raise ValueError(f"directions: two lists of all {len(here):,} weights are needed")
        if np.linalg.matrix_rank(np.stack([one, other])) < 2:
            raise ValueError("directions: they lie on one line, which makes no plane")
        return one, other, ("first direction", "second direction")
    if directions == "pca":
        if way is None or len(way) < 3:
            raise ValueError('directions="pca" needs path=, the weights at three steps or more')
        _, sizes, rows = np.linalg.svd(way - here, full_matrices=False)
        if sizes[1] <= 1e-9 * sizes[0]:
            raise ValueError("path: it lies on one line, which makes no plane")
        share = sizes**2 / (sizes**2).sum()
        return rows[0], rows[1], (f"first direction, {share[0]:.0%} of the way", f"second, {share[1]:.0%}")
    if directions != "random":
        raise ValueError(f'directions={directions!r}: "random", "pca" or two lists of weights')
    random, made = np.random.default_rng(seed), []
    for _ in range(2):
        drawn, direction = random.standard_normal(len(here)), np.zeros(len(here))
        for part in weights.filters():
            direction[part] = drawn[part] * (np.linalg.norm(here[part]) / (np.linalg.norm(drawn[part]) or 1.0))
        made.append(direction if direction.any() else drawn)
    return made[0], made[1], ("first random direction", "second random direction")


# --- the learning rate -------------------------------------------------------------------------------------------


class Rates(NamedTuple):
    rates: list[float]
    losses: list[float]
    suggestion: float | None  # where the loss falls fastest


def lr_finder(
    model: Module, optimizer: Any, loss: Callable[[], Tensor], *, low: float = 1e-7, high: float = 10.0,
    steps: int = 100,
) -> Figure:  # fmt: skip
    """The loss while the learning rate grows from low to high, a step each; the line is where it falls fastest.

    loss: computes that of the next batch, without arguments. It ends where the loss is four times the best, or not
    finite. Model, optimizer and random numbers are afterwards as they were; batches that were drawn are drawn.
    The numbers: `scan_rates`. Source: Smith 2017, arXiv:1506.01186, section 3.3.
    """
    return plots.rate_curve(*scan_rates(model, optimizer, loss, low=low, high=high, steps=steps))


def scan_rates(
    model: Module, optimizer: Any, loss: Callable[[], Tensor], *, low: float = 1e-7, high: float = 10.0,
    steps: int = 100,
) -> Rates:  # fmt: skip
    """As `lr_finder`, the numbers: learning rates, losses (averaged over a few steps), and the suggestion or None."""
    if not (0 < low < high) or steps < 5:
        raise ValueError(f"lr_finder: needs 0 < low < high and steps >= 5, got low={low}, high={high}, steps={steps}")
    weights, kept = Weights(model), optimizer.state_dict()
    state = {key: _copied(value) for key, value in kept.items()}
    groups = [group["lr"] for group in optimizer.param_groups]
    rates: list[float] = []
    seen: list[float] = []
    mean = 0.0
    with weights.kept():
        try:
            for i in range(steps):
                rate = low * (high / low) ** (i / (steps - 1))
                for group in optimizer.param_groups:
                    group["lr"] = rate
                optimizer.zero_grad()
                z = loss()
                value = _number(z)
                mean = 0.9 * mean + 0.1 * value
                smooth = mean / (1 - 0.9 ** (i + 1))
                if not math.isfinite(value) or (seen and smooth > 4 * min(seen) > 0):
                    break
                rates.append(rate)
                seen.append(smooth)
                z.backward()
                optimizer.step()
        finally:
            optimizer.load_state_dict(state)
            for group, rate in zip(optimizer.param_groups, groups, strict=True):
                group["lr"] = rate
    if not seen:
        raise ValueError("lr_finder: the loss is not finite before the first step")
    suggestion = None
    lowest = int(np.argmin(seen))
    if lowest >= 3 and seen[lowest] < seen[0] - 1e-12:
        slope = np.gradient(np.asarray(seen[: lowest + 1]), np.log(rates[: lowest + 1]))
        suggestion = rates[int(np.argmin(slope))]
    return Rates(rates, seen, suggestion)


def _copied(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value
