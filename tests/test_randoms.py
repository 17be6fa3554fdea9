"""Random tensors: PyTorch's numbers for the seed, from the generator that was asked for."""

from __future__ import annotations

from typing import Any

import pytest

import glassgrad as gg

# What PyTorch 2.13 prints after manual_seed(0).
KNOWN: list[tuple[Any, list[float]]] = [
    (lambda: gg.rand(3), [0.4963, 0.7682, 0.0885]),
    (lambda: gg.randn(3), [1.5410, -0.2934, -2.1788]),
    (lambda: gg.randint(10, (5,)), [4, 9, 3, 0, 3]),
    (lambda: gg.randint(2, 4, size=(3,)), [2, 3, 3]),
    (lambda: gg.randperm(5), [4, 0, 1, 3, 2]),
    (lambda: gg.zeros(3).uniform_(-1, 1), [-0.0075, 0.5364, -0.8230]),
    (lambda: gg.zeros(2).normal_(5, 2), [8.0820, 4.4131]),
]


@pytest.mark.parametrize(("draw", "expected"), KNOWN)
def test_known_numbers(draw: Any, expected: list[float]) -> None:
    gg.manual_seed(0)
    assert [round(v, 4) for v in draw().tolist()] == pytest.approx(expected, abs=1e-4)


def test_generators_are_independent() -> None:
    gg.manual_seed(0)
    own = gg.Generator().manual_seed(7)
    first = gg.rand(2, generator=own).tolist()
    assert gg.rand(1).item() == pytest.approx(0.4963, abs=1e-4)
    assert gg.rand(2, generator=own.manual_seed(7)).tolist() == first
    assert own.initial_seed() == 7


def test_states_are_tensors() -> None:
    gg.manual_seed(3)
    state = gg.get_rng_state()
    assert state.dtype is gg.uint8 and state.shape == (5056,)
    first = gg.randn(20).tolist()
    gg.set_rng_state(state)
    assert gg.randn(20).tolist() == first
    own = gg.Generator()
    own.set_state(state)
    assert gg.randn(20, generator=own).tolist() == first
    assert gg.default_generator.get_state().shape == (5056,)


def test_fork_rng_leaves_the_stream_as_it_was() -> None:
    gg.manual_seed(1)
    expected = gg.rand(2).tolist()
    gg.manual_seed(1)
    with gg.fork_rng():
        gg.rand(100)
    assert gg.rand(2).tolist() == expected
    assert gg.manual_seed(5) is gg.default_generator and gg.initial_seed() == 5


def test_a_turned_tensor_is_filled_along_its_memory() -> None:
    gg.manual_seed(0)
    straight = gg.zeros(2, 3).uniform_()
    gg.manual_seed(0)
    assert gg.zeros(2, 3).t().uniform_().tolist() == straight.t().tolist()


def test_filling_ends_the_gradient() -> None:
    x = gg.ones(3, requires_grad=True)
    y = x * 2
    y.normal_()
    y.sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 0.0]
    with pytest.raises(RuntimeError, match="leaf Variable"):
        x.uniform_()


def test_samples_have_gradient_zero() -> None:
    p = gg.full((3,), 0.5, requires_grad=True)
    gg.bernoulli(p).sum().backward()
    assert p.grad.tolist() == [0.0, 0.0, 0.0]
    assert not gg.multinomial(p, 2).requires_grad


def test_poisson_has_its_mean_and_variance() -> None:
    gg.manual_seed(0)
    for rate in (0.5, 4.0, 60.0):
        drawn = gg.poisson(gg.full((2000,), rate))
        assert abs(drawn.mean().item() - rate) < 5 * (rate / 2000) ** 0.5
        assert abs(drawn.var().item() / rate - 1) < 0.2


def test_what_is_drawn_like_a_part_of_a_tensor_are_pytorchs_numbers() -> None:
    gg.manual_seed(0)
    like = gg.randn_like(gg.ones(32, 4)[:, :2])
    gg.manual_seed(0)
    assert like.tolist() == gg.randn(32, 2).tolist() and like.is_contiguous()
    gg.manual_seed(0)
    turned = gg.randn_like(gg.ones(4, 32).T)
    assert turned.stride() == (1, 32) and turned.tolist() != gg.randn(32, 4).tolist()
