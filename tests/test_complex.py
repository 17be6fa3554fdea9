"""Gradients of complex numbers: dL/dRe + i dL/dIm, against differences of the real and the imaginary part."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glassgrad as gg

C, R = "complex", "real"
TURN = gg.tensor([1j, 1 - 1j], dtype=gg.complex128)
NAMES = (
    "abs angle real imag conj exp log sqrt rsqrt sin cos tan sinh cosh tanh asin acos atan asinh acosh atanh sigmoid "
    "reciprocal square neg log2 log10 log1p expm1 exp2 sgn sum mean t view_as_real clone tril diagonal"
)
CALLS: dict[str, tuple[Callable[..., Any], list[tuple[str, tuple[int, ...]]]]] = {
    **{name: (lambda z, name=name: getattr(gg, name)(z), [(C, (2, 2))]) for name in NAMES.split()},
    "add": (lambda a, b: a + b, [(C, (3,)), (R, (3,))]),
    "sub": (lambda a, b: 2j - a + b, [(C, (3,)), (C, (2, 3))]),
    "mul": (lambda a, b: a * b, [(C, (2, 3)), (C, (3,))]),
    "mul by a real": (lambda a, b: a * b, [(C, (3,)), (R, (3,))]),
    "mul by a number": (lambda a: a * (1 + 2j), [(R, (3,))]),
    "div": (lambda a, b: a / b, [(R, (3,)), (C, (3,))]),
    "pow": (lambda a: a**2.5, [(C, (3,))]),
    "pow of both": (lambda a, b: a**b, [(C, (3,)), (C, (3,))]),
    "matmul": (lambda a, b: a @ b, [(C, (2, 3)), (C, (3, 2))]),
    "matmul with itself": (lambda a: a @ a.mH, [(C, (2, 3))]),
    "vdot": (gg.vdot, [(C, (3,)), (C, (3,))]),
    "linear": (gg.nn.functional.linear, [(C, (2, 3)), (C, (4, 3)), (C, (4,))]),
    "einsum": (lambda a, b: gg.einsum("bix,iox->box", a, b), [(C, (2, 3, 2)), (C, (3, 2, 2))]),
    "complex": (gg.complex, [(R, (3,)), (R, (3,))]),
    "polar": (lambda a, b: gg.polar(a.exp(), b), [(R, (3,)), (R, (3,))]),
    "view_as_complex": (gg.view_as_complex, [(R, (3, 2))]),
    "turned pairs": (
        lambda x: gg.view_as_real(gg.view_as_complex(x.reshape(2, 2, 2)) * TURN), [(R, (2, 4))],
    ),
    "parts": (lambda z: gg.cat([z[1:, ::2], z[:1, gg.tensor([0, 0])]]), [(C, (3, 4))]),
    "where": (lambda z: gg.where(z.real > 0, z, 0), [(C, (3, 4))]),
    "norm": (lambda z: gg.linalg.vector_norm(z, dim=1), [(C, (3, 4))]),
    "pad": (lambda z: gg.nn.functional.pad(z, (1, 0)), [(C, (3, 4))]),
    "through float32": (lambda z: z.real.to(gg.float64) * z.imag, [(C, (3,))]),
    **{f"{name} {norm}": (lambda x, name=name, norm=norm: getattr(gg.fft, name)(x, norm=norm),
                          [(R if name in ("rfft", "ihfft", "rfft2", "rfftn") else C, (3, 5))])
       for name in "fft ifft rfft irfft hfft ihfft fft2 ifft2 rfft2 irfft2 rfftn".split() for norm in (None, "ortho")},
    **{f"{name} of {n}": (lambda x, name=name, n=n: getattr(gg.fft, name)(x, n=n, dim=0),
                          [(R if name == "rfft" else C, (5, 2))])
       for name in ("fft", "ifft", "rfft", "irfft") for n in (3, 6, 7)},
    "power spectrum": (lambda x: gg.fft.rfft(x).abs() ** 2, [(R, (2, 6))]),
    "convolution": (lambda a, b: gg.fft.irfft(gg.fft.rfft(a) * gg.fft.rfft(b)), [(R, (2, 6)), (R, (6,))]),
}  # fmt: skip


def drawn(rng: np.random.Generator, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    x = rng.standard_normal(shape)
    return x + 1j * rng.standard_normal(shape) if kind == C else x


def weighed(f: Callable[..., Any], args: list[Any]) -> Any:
    """A real number of all real and imaginary parts of the result."""
    y = f(*args)
    rng = np.random.default_rng(1)
    w = gg.tensor(drawn(rng, C if y.is_complex() else R, tuple(y.shape)))
    return (y * w).real.sum() if y.is_complex() else (y * w).sum()


def differences(f: Callable[..., Any], arrays: list[np.ndarray], k: int) -> np.ndarray:
    made = np.zeros_like(arrays[k])
    for at in np.ndindex(made.shape):
        for unit in (1, 1j) if made.dtype.kind == "c" else (1,):
            values = []
            for h in (1e-6, -1e-6):
                moved = [a.copy() for a in arrays]
                moved[k][at] += h * unit
                values.append(weighed(f, [gg.tensor(a) for a in moved]).item())
            made[at] += unit * (values[0] - values[1]) / 2e-6
    return made


@pytest.mark.parametrize("name", CALLS)
def test_gradient(name: str) -> None:
    f, kinds = CALLS[name]
    rng = np.random.default_rng(0)
    arrays = [drawn(rng, *kind) for kind in kinds]
    leaves = [gg.tensor(a, requires_grad=True) for a in arrays]
    weighed(f, leaves).backward()
    again = gg.autograd.grad(weighed(f, leaves), leaves, create_graph=True)
    for k, x in enumerate(leaves):
        wanted = differences(f, arrays, k)
        assert x.grad.dtype is x.dtype
        np.testing.assert_allclose(x.grad.numpy(), wanted, 1e-5, 1e-7)
        np.testing.assert_allclose(again[k].detach().numpy(), wanted, 1e-5, 1e-7)


@pytest.mark.parametrize(
    "name", ["abs", "angle", "mul", "sgn", "matmul with itself", "fft None", "irfft None", "polar"]
)
def test_second_derivative(name: str) -> None:
    f, kinds = CALLS[name]
    rng = np.random.default_rng(0)
    arrays = [drawn(rng, *kind) for kind in kinds]

    def slope(*args: Any) -> Any:
        args = tuple(x.detach().requires_grad_() if not x.requires_grad else x for x in args)
        y = f(*args)
        total = (y * y.conj()).real.sum() + y.real.sum() if y.is_complex() else (y**3).sum()
        return gg.autograd.grad(total, args[0], create_graph=True)[0]

    leaves = [gg.tensor(a, requires_grad=True) for a in arrays]
    weighed(slope, leaves).backward()
    wanted = differences(slope, arrays, 0)
    found = leaves[0].grad
    np.testing.assert_allclose(np.zeros_like(wanted) if found is None else found.numpy(), wanted, 1e-4, 1e-6)


def test_a_wrong_convention_is_seen() -> None:
    z = np.array([1 + 2j])
    assert not np.allclose(differences(lambda z: z * z, [z], 0), 2 * z * 1j)


def test_accumulated_into_leaves_of_every_kind() -> None:
    parameter = gg.nn.Parameter(gg.tensor([1 + 2j]))
    for z in (gg.tensor([1 + 2j], requires_grad=True), parameter, copy.deepcopy(parameter)):
        for _ in range(2):
            (z * 1j).real.sum().backward()  # -Im z
        assert z.grad.tolist() == [-2j] and z.grad.dtype is gg.complex64
    y = gg.tensor([1 + 2j], requires_grad=True) * 2
    y.retain_grad()
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()) or g * 2)
    (y * 1j).real.sum().backward()
    assert seen == [[-1j]] and y.grad.tolist() == [-2j]


def test_a_given_gradient() -> None:
    z = gg.tensor([1 + 2j], requires_grad=True)
    (z * 3j).backward(gg.tensor([1j]))
    assert z.grad.tolist() == [3 + 0j]  # 1j times the conjugate of 3j
    with pytest.raises(RuntimeError, match="real scalar outputs but got ComplexFloat"):
        (z * 3j).sum().backward()


def test_functions_of_users_see_the_same() -> None:
    class Square(gg.autograd.Function):
        @staticmethod
        def forward(ctx: Any, z: Any) -> Any:
            ctx.save_for_backward(z)
            return z * z

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * (2 * ctx.saved_tensors[0]).conj()

    a, b = (gg.tensor([1 + 2j, -3j], requires_grad=True) for _ in range(2))
    for y in (Square.apply(a), b * b):
        (y * (2 - 1j)).imag.sum().backward()
    assert a.grad.equal(b.grad)


def test_forward_mode() -> None:
    rng = np.random.default_rng(0)
    z, t = (gg.tensor(drawn(rng, C, (3,))) for _ in range(2))
    for f in (gg.abs, gg.angle, gg.conj, gg.sgn, gg.exp, gg.view_as_real, lambda z: z * z.conj(), gg.fft.fft):
        with gg.autograd.forward_ad.dual_level():
            made = gg.autograd.forward_ad.unpack_dual(f(gg.autograd.forward_ad.make_dual(z, t)))
        wanted = (f(z + 1e-6 * t) - f(z - 1e-6 * t)) / 2e-6
        np.testing.assert_allclose(made.tangent.detach().numpy(), wanted.numpy(), 1e-6, 1e-8)


def test_sgn_is_not_sign() -> None:
    assert gg.sgn(gg.tensor([3 + 4j, 0])).tolist() == pytest.approx([0.6 + 0.8j, 0])
    with pytest.raises(NotImplementedError, match=r"use torch\.sgn"):
        gg.sign(gg.tensor([1j]))


def test_training() -> None:
    gg.manual_seed(0)
    w = gg.nn.Parameter(gg.randn(3, dtype=gg.complex64))
    x, target = gg.randn(20, 3, dtype=gg.complex64), gg.tensor([1 + 1j, -2, 3j])
    for make in (lambda p: gg.optim.SGD(p, lr=0.3), lambda p: gg.optim.Adam(p, lr=0.05)):
        optimizer, losses = make([w]), []
        for _ in range(60):
            optimizer.zero_grad()
            loss = (x @ w - x @ target).abs().square().mean()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        assert losses[-1] < max(1e-3, losses[0] / 3)


def test_what_has_no_formula_says_so() -> None:
    z = gg.tensor([[1 + 2j, 3]], requires_grad=True)
    for call in (gg.prod, gg.var, lambda z: gg.logsumexp(z, 1)):
        with pytest.raises(NotImplementedError, match="on complex tensors"):
            call(z).abs().sum().backward()
    with pytest.raises(NotImplementedError, match="complex matrix"):
        gg.linalg.det(z.mT @ z)


def test_a_view_made_without_recording_wants_a_gradient_of_its_own() -> None:
    x = gg.tensor([1 + 1j, 2 - 1j], requires_grad=True)
    with gg.no_grad():
        part = x[:1]
    assert part.requires_grad and part.is_leaf
    (part * (2 + 1j)).real.sum().backward()
    assert x.grad is None
