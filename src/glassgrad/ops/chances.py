"""Random numbers with their parameters in tensors, from samplers that reject; gamma and Dirichlet ones have gradients.

A gamma number z of shape a moves with a as a quantile does: dz/da = -(dP(a, z)/da) / p(z), P the distribution function
and p the density (implicit reparameterization; Figurnov, Mohamed and Mnih 2018, arXiv:1805.08498). The derivatives of
the incomplete gamma and beta functions are taken by a complex step (Squire and Trapp 1998, SIAM Review 40(1)) and good
to about 13 digits; PyTorch's approximations are good to 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import random as engine
from ..core import rejection
from ..core.backend import Array, to_host
from ..core.op import op
from ..core.tensor import Tensor
from .gamma import STEP, STEPS, _above, _below, _density, digamma, igamma, settled
from .randoms import sample
from .shape import broadcast_shapes


def _drawn(name: str, draw: Any, generator: Any, *parameters: Tensor) -> Array:
    """What draw(generator, *arrays) gives, in the dtype of the parameters."""
    arrays = [to_host(p.array) for p in parameters]
    kind = arrays[0].dtype
    wide = name == "poisson" and kind.kind in "fV" or kind in (np.float32, np.float64)  # 16 bits only there
    if not wide or any(a.dtype != kind for a in arrays):
        kinds = ", ".join(str(p.dtype) for p in parameters)
        raise NotImplementedError(f"{name}: the parameters must all be float32 or all float64, got {kinds}")
    shape = broadcast_shapes(*[a.shape for a in arrays])
    return draw(generator or engine.current_generator(), *[np.broadcast_to(a, shape) for a in arrays]).astype(kind)


def poisson(input: Tensor, generator: Any = None) -> Tensor:
    """Poisson with the rates that the input says, in its shape and dtype. Raises RuntimeError for a negative rate."""
    if (to_host(input.array) < 0).any():
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    return sample(input, _drawn("poisson", rejection.poisson, generator, input))


def binomial(count: Tensor, prob: Tensor, generator: Any = None) -> Tensor:
    """Successes among `count` trials of probability `prob`, in their broadcast shape. No gradient flows back."""
    return Tensor._of(_drawn("binomial", rejection.binomial, generator, count, prob))


# --- how a number moves with its parameter ---

LARGE = 1e5


def _slope(f: Any, a: Array, *rest: Array) -> tuple[Array, Array]:
    """f(a, ...) and its derivative in a."""
    y = f(a + STEP * 1j, *rest)
    return y.real, y.imag / STEP


def _both(low: Array, lower: Any, upper: Any) -> Array:
    """lower(where) where low, upper(where) elsewhere: each on its own elements only."""
    out = np.empty(low.shape)
    for where, part in ((low, lower), (~low, upper)):
        if where.any():
            out[where] = part(where)
    return out


@op(jvp="elementwise")
def _standard_gamma_grad(x: Array, output: Array) -> Array:
    """dz/da at shapes x = a and numbers output = z, by the series and the continued fraction of `igamma`.

    For a above 10^5 by the expansion of Cornish and Fisher 1937: z = a + w sqrt(a) + (w^2 - 1) / 3 + ..., w fixed.
    """
    a, z = np.broadcast_arrays(x.astype(np.float64), output.astype(np.float64))
    out = np.empty(a.shape)
    large = a > LARGE

    def lower(where: Array) -> Array:
        p, t = a[where], z[where]
        series, slope = _slope(_below, p, t)
        return -t * ((np.log(t) - digamma(p)) * series + slope)

    def upper(where: Array) -> Array:
        p, t = a[where], z[where]
        fraction, slope = _slope(_above, p, t)
        return t * ((np.log(t) - digamma(p)) * fraction + slope)

    root = np.sqrt(a[large])
    start = w = (z[large] - a[large]) / root
    for _ in range(4):
        w = start - (w * w - 1) / (3 * root) - w * (w * w - 7) / (36 * root**2)
    out[large] = 1 + w / (2 * root) - w * (w * w - 7) / (72 * root**3) + (3 * w**4 + 7 * w * w - 16) / (810 * root**4)
    a, z = a[~large], z[~large]
    out[~large] = _both(z < a + 1, lower, upper)
    return out.astype(x.dtype)


def _fraction(a: Array, b: Array, x: Array) -> Array:
    """The continued fraction 26.5.8 of I_x(a, b) in Abramowitz and Stegun, without x^a (1-x)^b / (a B(a, b)).

    Good for x < (a + 1) / (a + b + 2). Lentz's method.
    """
    c, d = np.full(a.shape, 1e300 + 0j), 1 + 0 * a
    fraction = d
    for n in range(1, STEPS):
        m = n // 2
        if n % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / (1 + term * d)
        c = 1 + term / c
        fraction = fraction * (c * d)
        if settled(c * d - 1, 1e-15):
            break
    return fraction


@op(jvp="elementwise")
def _dirichlet_grad(x: Array, alpha: Array, total: Array) -> Array:
    """(dx/da) / (1 - x) for x from Beta(a = alpha, total - alpha), the other parameter fixed."""
    parts = np.broadcast_arrays(*[v.astype(np.float64) for v in (x, alpha, total)])

    def lower(where: Array) -> Array:  # from I_x(a, b), whose ratio to its density is x (1 - x) / a times the fraction
        t, a, s = (v[where] for v in parts)
        fraction, slope = _slope(lambda p: _fraction(p, s - a, t), a)
        return -t / a * ((np.log(t) - 1 / a - digamma(a) + digamma(s)) * fraction + slope)

    def upper(where: Array) -> Array:  # from I_(1-x)(b, a), likewise
        t, a, s = (v[where] for v in parts)
        fraction, slope = _slope(lambda p: _fraction(s - a, p, 1 - t), a)
        return t / (s - a) * ((np.log(t) - digamma(a) + digamma(s)) * fraction + slope)

    t, a, s = parts
    return _both(t <= (a + 1) / (s + 2), lower, upper).astype(x.dtype)


def _once(g: Any) -> Any:
    raise NotImplementedError("second derivatives through gamma and Dirichlet samples are not in glassgrad yet")


_standard_gamma_grad.vjp(x=_once, output=_once)
_dirichlet_grad.vjp(x=_once, alpha=_once, total=_once)


@op(jvp="elementwise")
def gamma_cdf(x: Array, other: Array) -> Array:
    """P(x, other), as `igamma`, of two arrays of one shape; with a derivative in x."""
    return igamma(x, other)


gamma_cdf.vjp(
    x=lambda g, x, other: -g * _density(x, other) * _standard_gamma_grad(x, other),
    other=lambda g, x, other: g * _density(x, other),
)

# --- numbers that move ---


@op(jvp="elementwise")
def gamma_drawn(x: Array, values: Array) -> Array:
    """The values that were drawn with the shapes x."""
    return values


gamma_drawn.vjp(x=lambda g, x, y: g * _standard_gamma_grad(x, y), values=None)


def _standard_gamma(input: Tensor, generator: Any = None) -> Tensor:
    """Gamma numbers of the shapes that the input says and scale 1; the gradient is that of a quantile."""
    array = _drawn("_standard_gamma", rejection.gamma, generator, input)
    return gamma_drawn(input, np.maximum(array, np.finfo(array.dtype).tiny))


@op
def dirichlet_drawn(x: Array, values: Array) -> Array:
    """The values, (..., n), that were drawn with the concentrations x."""
    return values


def _pull(x: Any, y: Any) -> Any:
    return _dirichlet_grad(y, x, x.sum(-1, keepdims=True) + 0 * x)


dirichlet_drawn.vjp(x=lambda g, x, y: _pull(x, y) * (g - (y * g).sum(-1, keepdims=True)), values=None)


@dirichlet_drawn.jvp
def _(primals: Any, tangents: Any, y: Any) -> Any:
    moved = _pull(primals[0], y) * tangents[0]
    return moved - y * moved.sum(-1, keepdims=True)


def _sample_dirichlet(input: Tensor, generator: Any = None) -> Tensor:
    """Points on the simplex, (..., n): gamma numbers in double precision, divided by their sum."""

    def draw(source: engine.Generator, concentration: Array) -> Array:
        kind = concentration.dtype
        numbers = np.maximum(rejection.gamma(source, concentration.astype(np.float64)), np.finfo(np.float64).tiny)
        shares = (numbers / numbers.sum(-1, keepdims=True)).astype(kind)
        return np.clip(shares, np.finfo(kind).tiny, np.nextafter(kind.type(1), kind.type(0)))

    return dirichlet_drawn(input, _drawn("_sample_dirichlet", draw, generator, input))
