"""Every row of the table against torch: values, dtypes, gradients, second derivatives; float64 and float32."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from cases import CASES
from cases.make import Case, exchange, outputs_of, resolve

torch = pytest.importorskip("torch")

TOLERANCE = {np.float64: 1e-10, np.float32: 2e-5}


class Side:
    """A row called in one of the two libraries."""

    def __init__(self, module: Any, c: Case, dtype: Any) -> None:
        args, kwargs = c.draw(dtype)
        self.module = module
        self.reals: list[Any] = []

        def tensor(x: Any, spec: Any) -> Any:
            if not isinstance(x, np.ndarray):
                return getattr(module, x.name) if isinstance(x, gg.dtype) else x
            made = module.tensor(x)
            if spec.real:
                if c.order:
                    made.requires_grad_()
                self.reals.append(made)
            return made

        args, kwargs = exchange(args, c.args, tensor), exchange(kwargs, c.kwargs, tensor)
        self.outputs = outputs_of(resolve(module, c.path)(*args, **kwargs))

    def weigh(self) -> Any:
        rng = np.random.default_rng(0)
        parts = []
        for y in self.outputs:
            if y.requires_grad:
                weights = self.module.tensor(rng.uniform(0.5, 1.5, tuple(y.shape))).to(y.dtype)
                parts.append((y * weights).sum())
        return sum(parts[1:], parts[0])

    def grads(self) -> list[Any]:
        return list(self.module.autograd.grad(self.weigh(), self.reals, create_graph=True, allow_unused=True))

    def second(self, first: list[Any]) -> list[Any]:
        parts = [g.sum() for g in first if g is not None and g.requires_grad]
        if not parts:
            return [None] * len(self.reals)
        return list(self.module.autograd.grad(sum(parts[1:], parts[0]), self.reals, allow_unused=True))


def host(x: Any) -> np.ndarray:
    return x.detach().numpy(force=True)  # torch has zeros without memory


def compare(ours: Any, theirs: Any, tolerance: float, what: str) -> None:
    if ours is None or theirs is None:  # None and zeros say the same
        known = ours if ours is not None else theirs
        assert known is None or not np.any(host(known)), f"{what}: one is None, the other not zero"
        return
    assert tuple(ours.shape) == tuple(theirs.shape), what
    assert str(ours.dtype).split(".")[-1] == str(theirs.dtype).split(".")[-1], what
    np.testing.assert_allclose(host(ours), host(theirs), rtol=tolerance, atol=tolerance, err_msg=what)


@pytest.mark.filterwarnings("ignore:torch.*deprecated:UserWarning")
@pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")
@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("c", [c for c in CASES if c.torch], ids=[c.id for c in CASES if c.torch])
def test_same_as_torch(c: Case, dtype: Any) -> None:
    ours, theirs = Side(gg, c, dtype), Side(torch, c, dtype)
    assert len(ours.outputs) == len(theirs.outputs)
    for a, b in zip(ours.outputs, theirs.outputs, strict=True):
        assert a.requires_grad == b.requires_grad
        compare(a, b, TOLERANCE[dtype], "value")
    if not c.order or not any(y.requires_grad for y in ours.outputs):
        return
    first, torch_first = ours.grads(), theirs.grads()
    for a, b in zip(first, torch_first, strict=True):
        compare(a, b, TOLERANCE[dtype], "gradient")
    if c.order > 1:
        for a, b in zip(ours.second(first), theirs.second(torch_first), strict=True):
            compare(a, b, 10 * TOLERANCE[dtype], "second derivative")
