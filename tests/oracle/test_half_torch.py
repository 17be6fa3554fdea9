"""Half precision: the same program in torch gives the same numbers, sums to one step of the last place."""

from __future__ import annotations

from typing import Any

import pytest

import glassgrad as gg
import glassgrad.nn

torch = pytest.importorskip("torch")


def two(t: Any, dtype: str, *shape: int) -> Any:
    """Numbers between 0.1 and 3.1 that both libraries draw alike."""
    t.manual_seed(0)
    return (t.rand(*shape) * 3 + 0.1).to(getattr(t, dtype))


# f(library, functional, x): equal to the last bit
EXACT = [
    lambda t, F, x: x * 0.1,
    lambda t, F, x: 0.1 * x,
    lambda t, F, x: x * t.tensor(0.1),
    lambda t, F, x: t.tensor(0.1) * x,
    lambda t, F, x: x / 0.3,
    lambda t, F, x: 0.3 / x,
    lambda t, F, x: x + 0.1,
    lambda t, F, x: 1.1 - x,
    lambda t, F, x: x**2.3,
    lambda t, F, x: x.clone().mul_(0.9),
    lambda t, F, x: t.addcmul(x, x, x, value=0.3),
    lambda t, F, x: t.lerp(x, x + 1, 0.3),
    lambda t, F, x: F.silu(x),
    lambda t, F, x: F.gelu(x),
    lambda t, F, x: F.gelu(x, approximate="tanh"),
    lambda t, F, x: F.hardswish(x - 1.5),
    lambda t, F, x: F.logsigmoid(x),
    lambda t, F, x: F.softplus(x),
    lambda t, F, x: F.glu(x, 1),
    lambda t, F, x: x.sigmoid(),
    lambda t, F, x: x.masked_fill(x > 2, -t.inf),
    lambda t, F, x: x.clone().masked_fill_(x > 2, float("-inf")),
    lambda t, F, x: x.masked_fill(x > 2, -1e4),
]

# f(library, functional, x): sums, within a step of the last place
SUMS = [
    lambda t, F, x: F.cross_entropy(x, t.arange(len(x)) % 10),
    lambda t, F, x: F.cross_entropy(x, t.arange(len(x)) % 10, label_smoothing=0.1),
    lambda t, F, x: F.nll_loss(x.log_softmax(1), t.arange(len(x)) % 10, reduction="sum"),
    lambda t, F, x: F.embedding_bag(t.arange(400)[None], x),
    lambda t, F, x: x.mean(),
    lambda t, F, x: x.logsumexp(1),
    lambda t, F, x: F.layer_norm(x, (10,)),
    lambda t, F, x: F.rms_norm(x, (10,)),
    lambda t, F, x: F.group_norm(x, 2),
    lambda t, F, x: t.add(x, x, alpha=0.3),
]


def close(mine: Any, theirs: Any, steps: float) -> bool:
    a, b = mine.double().numpy(), torch.as_tensor(theirs).double().numpy()
    eps = torch.finfo(theirs.dtype).eps
    return bool((abs(a - b) <= steps * eps * abs(b) + steps * eps * 1e-2).all() or (a == b).all())


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("number", range(len(EXACT)))
def test_rounds_once(number: int, dtype: str) -> None:
    f = EXACT[number]
    mine, theirs = (
        f(gg, gg.nn.functional, two(gg, dtype, 40, 10)),
        f(torch, torch.nn.functional, two(torch, dtype, 40, 10)),
    )
    assert str(mine.dtype).endswith(dtype)
    assert mine.float().tolist() == theirs.float().tolist()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("number", range(len(SUMS)))
def test_adds_up_in_float32(number: int, dtype: str) -> None:
    f = SUMS[number]
    mine, theirs = (f(t, t.nn.functional, two(t, dtype, 512, 10)) for t in (gg, torch))
    assert str(mine.dtype).endswith(dtype)
    assert close(mine, theirs, 1.01)


# f(library, functional, x): scalars, whose gradients are compared
LOSSES = [
    lambda t, F, x: (x @ x.mT).mean(),
    lambda t, F, x: F.silu(x).sum(),
    lambda t, F, x: F.gelu(x).sum(),
    lambda t, F, x: (x * 0.1).pow(2).sum(),
    lambda t, F, x: F.rms_norm(x, (10,)).sum(),
    lambda t, F, x: F.cross_entropy(x, t.arange(len(x)) % 10),
]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("number", range(len(LOSSES)))
def test_gradients(number: int, dtype: str) -> None:
    grads = []
    for t in (gg, torch):
        x = two(t, dtype, 512, 10).requires_grad_()
        LOSSES[number](t, t.nn.functional, x).backward()
        grads.append(x.grad)
    assert str(grads[0].dtype).endswith(dtype)
    assert close(*grads, 2.01)


def test_a_difference_is_seen() -> None:
    x = two(torch, "bfloat16", 10)
    assert not close(x.float() * 1.02, x, 1.01)


def test_one_number_over_a_tensor_has_torchs_bits() -> None:
    mine, theirs = (0.3 / two(t, "float32", 1000) for t in (gg, torch))
    assert mine.tolist() == theirs.tolist()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "int32", "uint8", "int8"])
@pytest.mark.parametrize("value", [-1e9, 1e39, 300, -1, 2.7, float("inf"), True])
def test_masked_fill_refuses_what_does_not_fit(value: Any, dtype: str) -> None:
    said = []
    for t in (gg, torch):
        try:
            said.append(t.zeros(2, dtype=getattr(t, dtype)).masked_fill(t.tensor([True, False]), value).tolist())
        except RuntimeError as problem:
            said.append(str(problem).partition("\n")[0].partition(":: ")[0])
    assert said[0] == said[1] or said[0].startswith(said[1])
