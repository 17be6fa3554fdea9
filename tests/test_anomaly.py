"""The first NaN or infinity is named: operation and line. And in-place misuse: who saved, who changed."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.autograd import detect_anomaly, set_detect_anomaly
from mistakes import told

INF, NAN = math.inf, math.nan

# what goes wrong on the way forward: the operation, and where (x holds the bad number among good ones)
FORWARD: dict[str, tuple[Callable[[gg.Tensor], gg.Tensor], float]] = {
    "log": (lambda x: x.log(), -1.0),
    "log of zero": (lambda x: x.log(), 0.0),
    "log2": (lambda x: x.log2(), -2.0),
    "log1p": (lambda x: x.log1p(), -1.5),
    "sqrt": (lambda x: x.sqrt(), -4.0),
    "rsqrt": (lambda x: x.rsqrt(), 0.0),
    "reciprocal": (lambda x: x.reciprocal(), 0.0),
    "div": (lambda x: 1.0 / x, 0.0),
    "div by": (lambda x: x / (x - 2.0), 2.0),
    "pow": (lambda x: x**0.5, -1.0),
    "pow negative": (lambda x: x**-2.0, 0.0),
    "exp": (lambda x: (x * 300).exp(), 3.0),
    "expm1": (lambda x: (x * 300).expm1(), 3.0),
    "cosh": (lambda x: (x * 300).cosh(), 3.0),
    "sinh": (lambda x: (x * 300).sinh(), 3.0),
    "asin": (lambda x: x.asin(), 2.0),
    "acos": (lambda x: x.acos(), 2.0),
    "acosh": (lambda x: (x + 1).acosh(), -0.5),
    "atanh": (lambda x: (x / 2).atanh(), 2.0),
    "logit": (lambda x: (x / 2).logit(), 3.0),
}
# what goes wrong on the way back only: the value is finite, a formula is not
BACKWARD: dict[str, tuple[Callable[[gg.Tensor], gg.Tensor], float]] = {
    "sqrt": (lambda x: x.sqrt() * 0.0, 0.0),
    "pow": (lambda x: (x**0.5) * 0.0, 0.0),
    "acos": (lambda x: x.acos(), 1.0),
    "hypot": (lambda x: gg.hypot(x, x), 0.0),
    "asin": (lambda x: x.asin() * 0.0, 1.0),
}
NAMES = {"log of zero": "log", "div by": "div", "pow negative": "pow"}


def here(error: Any) -> bool:
    """The error names a line of this file, inside the function that went wrong."""
    return "test_anomaly.py" in told(error)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 1, 2)])
@pytest.mark.parametrize("dtype", [gg.float32, gg.float64])
@pytest.mark.parametrize("name", FORWARD)
def test_the_first_bad_result_is_named(name: str, dtype: Any, shape: tuple[int, ...]) -> None:
    function, bad = FORWARD[name]
    values = np.full(shape, 0.5)
    values.reshape(-1)[-1] = bad
    x = gg.tensor(values, dtype=dtype, requires_grad=True)
    with detect_anomaly(forward=True), pytest.raises(RuntimeError, match=r"made (nan|infinity) out of finite") as error:
        function(x * 1.0).sum().backward()
    assert here(error)
    assert f"'{NAMES.get(name, name)}" in told(error) or name in ("div", "logit", "reciprocal")


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 1, 2)])
@pytest.mark.parametrize("dtype", [gg.float32, gg.float64])
@pytest.mark.parametrize("name", BACKWARD)
def test_the_first_bad_gradient_is_named(name: str, dtype: Any, shape: tuple[int, ...]) -> None:
    function, bad = BACKWARD[name]
    values = np.full(shape, 0.5)
    values.reshape(-1)[0] = bad
    x = gg.tensor(values, dtype=dtype, requires_grad=True)
    y = function(x * 1.0)
    if name == "acos":
        y = y * 0.0
    with detect_anomaly(), pytest.raises(RuntimeError, match=r"returned nan values in its \d+th output") as error:
        y.sum().backward()
    assert here(error) and f"'{name.capitalize()}Backward0'" in told(error)
    assert x.grad is None


def test_how_many_faults_are_planted() -> None:
    assert 8 * (len(FORWARD) + len(BACKWARD)) >= 200


def test_a_masked_row_of_attention() -> None:
    scores = gg.full((2, 3), -INF, requires_grad=True)
    with detect_anomaly(forward=True), pytest.raises(RuntimeError, match=r"returned nan"):
        scores.softmax(-1).sum().backward()


def test_overflow_in_half_precision() -> None:
    x = gg.tensor([300.0], dtype=gg.float16, requires_grad=True)
    with detect_anomaly(forward=True), pytest.raises(RuntimeError, match="'mul' made infinity"):
        x * x


def test_without_it_nothing_is_said() -> None:
    x = gg.tensor([0.0], requires_grad=True)
    (x.sqrt() * 0.0).sum().backward()
    assert math.isnan(x.grad.item())
    with set_detect_anomaly(True):
        assert gg.autograd.is_anomaly_enabled()
    assert not gg.autograd.is_anomaly_enabled()
    with detect_anomaly(check_nan=False):
        (x.sqrt() * 0.0).sum().backward()


# --- in-place misuse ---


def start() -> tuple[gg.Tensor, gg.Tensor]:
    x = gg.tensor([[0.5, 1.5], [2.5, 3.5]], dtype=gg.float64, requires_grad=True)
    return x, x * 1.0


# operations that keep what they read, and ways to change it afterwards
KEEPERS: dict[str, Callable[[gg.Tensor], gg.Tensor]] = {
    "square": lambda y: y * y,
    "sin": lambda y: y.sin(),
    "matmul": lambda y: y @ y,
    "pow": lambda y: y**3,
    "log": lambda y: y.log(),
    "prod": lambda y: y.prod(0),
    "norm": lambda y: y.norm(dim=0),
    "part": lambda y: y[0] * y[0],
    "transposed": lambda y: y.t() * 2 * y.t(),
    "function": lambda y: _Square.apply(y),
}
CHANGES: dict[str, Callable[[gg.Tensor], Any]] = {
    "add_": lambda y: y.add_(1),
    "setitem": lambda y: y.__setitem__((0, 0), 9.0),
    "a view": lambda y: y[0].mul_(2),
    "a view of a view": lambda y: y.t()[0].zero_(),
    "detached": lambda y: y.detach().add_(1),
    "copy_": lambda y: y.copy_(gg.ones(2, 2, dtype=gg.float64)),
    "no_grad": lambda y: _quietly(y),
    "out": lambda y: gg.add(gg.ones(2, 2, dtype=gg.float64), 1.0, out=y.detach()),
    "init": lambda y: gg.nn.init.constant_(y.detach(), 3.0),
}


class _Square(gg.autograd.Function):
    @staticmethod
    def forward(ctx: Any, y: gg.Tensor) -> gg.Tensor:
        ctx.save_for_backward(y)
        return y * y

    @staticmethod
    def backward(ctx: Any, g: gg.Tensor) -> gg.Tensor:
        return 2 * g * ctx.saved_tensors[0]


def _quietly(y: gg.Tensor) -> None:
    with gg.no_grad():
        y.add_(1)


CASES = list(itertools.product(KEEPERS, CHANGES))


@pytest.mark.parametrize(("keeper", "change"), CASES)
def test_a_change_of_what_is_saved_is_refused_and_both_lines_are_named(keeper: str, change: str) -> None:
    x, y = start()
    z = KEEPERS[keeper](y)
    CHANGES[change](y)
    with pytest.raises(RuntimeError, match="modified by an inplace operation") as error:
        z.sum().backward()
    assert re.search(r"saved by \w+: test_anomaly.py", told(error)) and "changed test_anomaly.py" in told(error)
    assert x.grad is None


def test_how_many_misuses_are_planted() -> None:
    assert len(CASES) >= 50


def test_a_step_between_forward_and_backward() -> None:
    layer = gg.nn.Linear(3, 3)
    optimizer = gg.optim.SGD(layer.parameters(), 0.1)
    x = gg.ones(2, 3, requires_grad=True)
    loss = layer(layer(x)).sum()
    loss.backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(RuntimeError, match=r"changed test_anomaly.py:\d+   optimizer.step\(\)"):
        loss.backward()


def test_what_may_be_changed() -> None:
    """No alarm for what no formula needs, and none for `.data`, as in PyTorch."""
    x, y = start()
    z = y + 1
    y.mul_(3)
    z.sum().backward()
    assert x.grad.tolist() == [[1.0, 1.0], [1.0, 1.0]]
    x, y = start()
    z = y * y
    y.data.add_(1)
    z.sum().backward()
    norm = gg.nn.BatchNorm1d(2)
    a = norm(gg.ones(3, 2) * gg.arange(3.0)[:, None])
    norm(gg.ones(3, 2) * gg.arange(3.0)[:, None])  # running statistics move
    a.sum().backward()
