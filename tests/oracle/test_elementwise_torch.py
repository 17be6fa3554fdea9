"""Kinks, numbers far out, dtypes and errors of elementwise operations and reductions: the same program in torch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
import glassgrad.nn

torch = pytest.importorskip("torch")

INF, NAN = math.inf, math.nan
ODD = [-INF, -1000.0, -3.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 3.0, 6.0, 1000.0, INF, NAN]

UNARY = (
    "abs acos asin asinh atan atanh ceil cos cosh deg2rad erf erfc exp exp2 expm1 floor frac log log10 log1p "
    "log2 nan_to_num neg rad2deg reciprocal relu round rsqrt sigmoid sign sin sinh sqrt square tan tanh trunc"
).split()
ACTIVATIONS = (
    "celu elu hardshrink hardtanh leaky_relu logsigmoid relu relu6 selu softplus softshrink softsign tanhshrink"
).split()

# f(library, x): programs at kinks
KINKS = [
    *[lambda t, x, name=name: getattr(t, name)(x) for name in UNARY],
    *[lambda t, x, name=name: getattr(t.nn.functional, name)(x) for name in ACTIVATIONS],
    *[lambda t, x, p=p: x**p for p in (0, 1, 2, 3, 0.5, -1, 1.7)],
    *[lambda t, x, b=b: b**x for b in (0.0, 1.0, 2.0)],
    *[lambda t, x, y=y: x.clamp(*y) for y in ((-1, 1), (0, None), (None, 0.5), (2, -2))],
    *[
        lambda t, x, name=name, y=y: getattr(t, name)(x, t.full_like(x, y))
        for name in (
            "maximum",
            "minimum",
            "fmax",
            "fmin",
            "atan2",
            "hypot",
            "logaddexp",
            "pow",
            "mul",
            "div",
            "eq",
            "ge",
        )
        for y in (-1.0, 0.0, 1.0, INF, NAN)
        if (name, y) != ("logaddexp", INF)  # torch's slope of two equal infinities is NaN, ours a half
    ],
    lambda t, x: t.where(x > 0, x.log(), x * 0),
    lambda t, x: x.masked_fill(x > 0, 2.0) * 3,
    lambda t, x: t.xlogy(x, x),
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("f", KINKS)
def test_kinks(f: Any, dtype: str) -> None:
    sides = []
    for t in (gg, torch):
        x = t.tensor(ODD, dtype=getattr(t, dtype), requires_grad=True)
        y = f(t, x)
        if y.requires_grad:
            y.sum().backward()
        sides.append((y.detach().numpy(), None if x.grad is None else x.grad.numpy()))
    (ours, g), (theirs, h) = sides
    tolerance = 1e-12 if dtype == "float64" else 2e-6
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance, err_msg="value")
    if h is None:
        assert g is None
        return
    np.testing.assert_allclose(g, h, rtol=tolerance, atol=tolerance, err_msg="gradient")


# f(library, x) on vectors with ties, zeros, NaN
REDUCTIONS = [
    *[lambda t, x, name=name: getattr(t, name)(x) for name in ("sum", "mean", "prod", "max", "min", "amax", "amin")],
    *[lambda t, x, name=name: getattr(t, name)(x, 0)[0] for name in ("max", "min", "cummax", "cummin", "median")],
    *[lambda t, x, p=p: t.norm(x, p) for p in ("fro", 0, 1, 2, 3, 0.5, 1.5, INF, -INF)],
    *[lambda t, x, name=name: getattr(t, name)(x) for name in ("var", "std", "nansum", "nanmean", "median")],
    *[lambda t, x, name=name: getattr(t, name)(x, 0) for name in ("logsumexp", "cumsum", "cumprod", "logcumsumexp")],
]
VECTORS = [[1.0, 3.0, 3.0, -3.0], [0.0, 2.0, 5.0], [0.0, 2.0, 0.0], [2.0, 2.0, 2.0], [0.0, 0.0], [-1000.0, 1000.0]]


@pytest.mark.parametrize("values", VECTORS, ids=str)
@pytest.mark.parametrize("f", REDUCTIONS)
def test_reductions(f: Any, values: list[float]) -> None:
    sides = []
    for t in (gg, torch):
        x = t.tensor(values, dtype=t.float64, requires_grad=True)
        y = f(t, x)
        y.sum().backward()
        sides.append((y.detach().numpy(), np.zeros(len(values)) if x.grad is None else x.grad.numpy()))
    for a, b, what in zip(*sides, ("value", "gradient"), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12, err_msg=what)


NAMES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "bfloat16")
PROMOTING = [
    lambda t, a, b: a + b, lambda t, a, b: a * b, lambda t, a, b: a / b, lambda t, a, b: a + 1, lambda t, a, b: a + 1.5,
    lambda t, a, b: a == b, lambda t, a, b: a + b[0], lambda t, a, b: a.sum(), lambda t, a, b: t.exp(a),
    lambda t, a, b: a.cumsum(0), lambda t, a, b: t.maximum(a, b), lambda t, a, b: a.prod(),
    lambda t, a, b: t.where(a == b, a, b), lambda t, a, b: a.clamp(min=0.5), lambda t, a, b: t.sqrt(a) + b,
]  # fmt: skip


@pytest.mark.parametrize("left", NAMES)
@pytest.mark.parametrize("right", NAMES)
def test_promotion(left: str, right: str) -> None:
    pytest.importorskip("ml_dtypes")
    for i, f in enumerate(PROMOTING):
        made = []
        for t in (gg, torch):
            a, b = (t.tensor([1, 1], dtype=getattr(t, name)) for name in (left, right))
            made.append(f(t, a, b))
        ours, theirs = made
        assert str(ours.dtype).split(".")[1] == str(theirs.dtype).split(".")[1], i
        np.testing.assert_allclose(ours.double().tolist(), theirs.double().tolist(), rtol=1e-2)


def test_every_error_is_of_torchs_kind() -> None:
    """What raises here raises the same type there: the programs of tests/test_elementwise.py that are plain Python."""
    programs = [
        lambda t: t.tensor([1.0, 2.0]) + t.tensor([1.0, 2.0, 3.0]),
        lambda t: t.tensor([True]) - t.tensor([True]),
        lambda t: -t.tensor([True]),
        lambda t: t.tensor([1.0]) & t.tensor([1.0]),
        lambda t: ~t.tensor([1.0]),
        lambda t: t.tensor([1]) // 0,
        lambda t: t.tensor([1]) % t.tensor([0]),
        lambda t: t.tensor([2]) ** -1,
        lambda t: t.add(t.tensor([1]), t.tensor([1]), alpha=0.5),
        lambda t: t.tensor([1.0]) + None,
        lambda t: t.add(t.tensor([1.0]), None),
        lambda t: t.div(t.tensor([1.0]), 2, rounding_mode="up"),
        lambda t: t.clamp(t.tensor([1.0])),
        lambda t: t.where(t.tensor([1]), 1.0, 2.0),
        lambda t: t.tensor([1.0]).masked_fill(t.tensor([1]), 1.0),
        lambda t: t.lerp(t.tensor([1.0]), t.tensor([1]), 0.5),
        lambda t: t.isclose(t.tensor([1.0]), t.tensor([1])),
        lambda t: t.relu(t.tensor([True])),
        lambda t: t.nn.functional.gelu(t.tensor([1])),
        lambda t: t.nn.functional.glu(t.tensor([1.0])),
        lambda t: t.tensor([1]).add_(0.5),
        lambda t: t.tensor([1.0]).add_(t.tensor([[1.0], [2.0]])),
        lambda t: t.tensor([1.0]).sum(1),
        lambda t: t.tensor([[1.0]]).sum((0, 0)),
        lambda t: t.tensor([1]).mean(),
        lambda t: t.tensor([1]).var(),
        lambda t: t.tensor([1]).norm(),
        lambda t: t.tensor([]).max(),
        lambda t: t.tensor([]).max(0),
        lambda t: t.tensor([]).amax(),
        lambda t: t.tensor([]).argmax(),
        lambda t: t.tensor([]).argmax(0),
        lambda t: t.tensor([]).median(0),
        lambda t: t.tensor([True]).argmax(),
        lambda t: t.quantile(t.tensor([1.0]), 2.0),
        lambda t: t.quantile(t.tensor([1]), 0.5),
        lambda t: t.bincount(t.tensor([-1])),
        lambda t: t.histc(t.tensor([1.0]), bins=0),
        lambda t: t.diff(t.tensor(1.0)),
    ]
    for i, program in enumerate(programs):
        raised = []
        for t in (gg, torch):
            with pytest.raises(Exception) as found:
                program(t)
            raised.append(found.type)
        assert raised[0] is raised[1], (i, raised)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("start", "end"), [(-1, 1), (0, 1), (0.1, 7.3), (3, -2), (-1e5, 1e-5)])
def test_linspace_is_equal_to_the_bit(start: float, end: float, dtype: str) -> None:
    for n in (1, 2, 7, 27, 100, 257):
        ours = gg.linspace(start, end, n, dtype=getattr(gg, dtype))
        theirs = torch.linspace(start, end, n, dtype=getattr(torch, dtype))
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
