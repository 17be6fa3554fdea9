"""Gradients of complex tensors beside PyTorch's: values, both derivatives, and layers that train with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glassgrad as gg

torch = pytest.importorskip("torch")

NAMES = (
    "abs angle real imag conj exp log sqrt rsqrt sin cos tan sinh cosh tanh asin acos atan asinh atanh sigmoid "
    "reciprocal square neg log2 log10 log1p expm1 exp2 sgn sum mean t view_as_real ravel clone trace tril triu diagonal"
)
CALLS: dict[str, Callable[..., Any]] = {
    **{name: (lambda lib, a, b, name=name: getattr(lib, name)(a)) for name in NAMES.split()},
    "add": lambda lib, a, b: a + b.real,
    "mul": lambda lib, a, b: a * b,
    "broadcast": lambda lib, a, b: a * b[0],
    "div": lambda lib, a, b: a / b,
    "number": lambda lib, a, b: (2 + 1j) * a.real + 3j,
    "powers": lambda lib, a, b: a**2 + a**b + 2**b,
    "matmul": lambda lib, a, b: a @ b.mT,
    "adjoint": lambda lib, a, b: a @ a.mH,
    "vdot": lambda lib, a, b: lib.vdot(a[0], b[0]),
    "einsum": lambda lib, a, b: lib.einsum("ij,kj->ik", a, b),
    "polar": lambda lib, a, b: lib.polar(a.abs(), b.real),
    "complex": lambda lib, a, b: lib.complex(a.imag, b.real),
    "pairs": lambda lib, a, b: lib.view_as_complex(lib.view_as_real(a) * 2) * b,
    "where": lambda lib, a, b: lib.where(a.real > 0, a, b),
    "index": lambda lib, a, b: lib.cat([a[1:, ::2], b[:, lib.tensor([0, 0])]]),
    "cumsum": lambda lib, a, b: a.cumsum(0),
    "norm": lambda lib, a, b: lib.linalg.norm(a) + lib.linalg.vector_norm(b, dim=1),
    "linear": lambda lib, a, b: lib.nn.functional.linear(a, b),
    "masked_fill": lambda lib, a, b: a.masked_fill(a.real > 0, 0),
    "error": lambda lib, a, b: ((a - b).abs() ** 2).mean(),
    "in place": lambda lib, a, b: (a * 1).mul_(2j).add_(b),
    "cast": lambda lib, a, b: a.to(lib.complex64).to(lib.complex128) * b.real.to(lib.complex128),
    **{f"{name} {norm}": (lambda lib, a, b, name=name, norm=norm: getattr(lib.fft, name)(
        a.real if name in ("rfft", "rfft2", "ihfft") else a, norm=norm))
       for name in "fft ifft rfft irfft hfft ihfft fft2 ifft2 rfft2 irfft2".split()
       for norm in (None, "ortho", "forward")},
    "filtered": lambda lib, a, b: lib.fft.irfft(lib.fft.rfft(a.real, n=6) * b[:, :4], n=6),
    "stft": lambda lib, a, b: lib.stft(
        a.real.reshape(-1), 4, window=lib.ones(4, dtype=lib.float64), return_complex=True).abs(),
}  # fmt: skip


def outcome(lib: Any, name: str) -> list[Any]:
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((3, 4)) + 1j * rng.standard_normal((3, 4)) for _ in range(2)]
    leaves = [lib.tensor(a, requires_grad=True) for a in arrays]
    y = CALLS[name](lib, *leaves)
    w = lib.tensor(rng.standard_normal(tuple(y.shape)) + 1j * rng.standard_normal(tuple(y.shape)))
    grads = lib.autograd.grad((y * w).real.sum(), leaves, create_graph=True, allow_unused=True)
    total = sum((g.abs() ** 2).sum() for g in grads if g is not None)
    further = lib.autograd.grad(total, leaves, allow_unused=True) if total.requires_grad else [None, None]
    return [y, *grads, *further]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", CALLS)
def test_the_same(name: str) -> None:
    for ours, theirs in zip(outcome(gg, name), outcome(torch, name), strict=True):
        if ours is None or theirs is None:
            known = theirs if ours is None else ours
            assert known is None or not known.abs().max() > 1e-12
            continue
        theirs = theirs.detach().resolve_conj().numpy()
        assert ours.detach().numpy().dtype == theirs.dtype
        np.testing.assert_allclose(ours.detach().numpy(), theirs, 1e-8, 1e-10)


def fourier_layer(lib: Any) -> list[float]:
    """A spectral convolution, as Fourier neural operators have it."""
    lib.manual_seed(0)
    weight = lib.nn.Parameter(lib.rand(3, 3, 5, dtype=lib.cfloat) / 9)
    optimizer, losses = lib.optim.Adam([weight], lr=0.01), []
    x = lib.randn(8, 3, 16)
    for _ in range(10):
        optimizer.zero_grad()
        modes = lib.zeros(8, 3, 9, dtype=lib.cfloat)
        modes[:, :, :5] = lib.einsum("bix,iox->box", lib.fft.rfft(x)[:, :, :5], weight)
        loss = lib.nn.functional.mse_loss(lib.fft.irfft(modes, n=16), x.roll(1, -1))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def rotary_embedding(lib: Any) -> list[float]:
    """Positions as angles of pairs of features."""
    lib.manual_seed(0)
    layer = lib.nn.Linear(8, 8)
    optimizer, losses = lib.optim.AdamW(layer.parameters(), lr=0.01), []
    turns = lib.polar(
        lib.ones(6, 4), lib.outer(lib.arange(6).float(), 1.0 / 10000 ** (lib.arange(0, 8, 2).float() / 8))
    )
    x = lib.randn(2, 6, 8)
    for _ in range(10):
        optimizer.zero_grad()
        pairs = lib.view_as_complex(layer(x).float().reshape(2, 6, 4, 2))
        q = lib.view_as_real(pairs * turns).flatten(2).type_as(x)
        loss = (q @ q.transpose(1, 2)).softmax(-1).diagonal(dim1=1, dim2=2).log().neg().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("train", [fourier_layer, rotary_embedding])
def test_training(train: Callable[[Any], list[float]]) -> None:
    np.testing.assert_allclose(train(gg), train(torch), 1e-4)
