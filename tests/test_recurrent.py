"""Recurrent layers and packed sequences, without any other library."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.core.op import REGISTRY
from glassgrad.nn.utils import rnn

NAMES = ("RNN", "GRU", "LSTM")


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def last_of(module: Any, x: np.ndarray) -> np.ndarray:
    """The last hidden state (N, H) of one layer over x (T, N, I), from the formulas."""
    w, u, b, c = (p.detach().numpy() for p in module.parameters())
    h = cell = np.zeros((x.shape[1], module.hidden_size))
    for step in x:
        a, m = step @ w.T + b, h @ u.T + c
        if module.mode == "RNN_TANH":
            h = np.tanh(a + m)
        elif module.mode == "LSTM":
            i, f, g, o = np.split(a + m, 4, axis=1)
            cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(cell)
        else:
            (r, z, n), (m_r, m_z, m_n) = np.split(a, 3, axis=1), np.split(m, 3, axis=1)
            n = np.tanh(n + sigmoid(r + m_r) * m_n)
            h = (1 - sigmoid(z + m_z)) * n + sigmoid(z + m_z) * h
    return h


@pytest.mark.parametrize("name", NAMES)
def test_the_formulas(name: str) -> None:
    module = getattr(nn, name)(3, 4).double()
    x = np.random.default_rng(0).standard_normal((5, 2, 3))
    out, hx = module(gg.tensor(x))
    np.testing.assert_allclose(out[-1].detach().numpy(), last_of(module, x), rtol=1e-12)
    np.testing.assert_array_equal((hx[0] if name == "LSTM" else hx)[0].detach().numpy(), out[-1].detach().numpy())


@pytest.mark.parametrize("name", NAMES)
def test_packed_as_each_alone(name: str) -> None:
    module = getattr(nn, name)(3, 4, 2, bidirectional=True).double()
    sequences = [gg.rand(n, 3, dtype=gg.float64) for n in (2, 4, 1, 4)]
    out, _ = module(rnn.pack_sequence(sequences, enforce_sorted=False))
    for rows, x in zip(rnn.unpack_sequence(out), sequences, strict=True):
        np.testing.assert_allclose(rows.detach().numpy(), module(x)[0].detach().numpy(), rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_the_walk_back_is_made_once(name: str) -> None:
    module = getattr(nn, name)(3, 4)
    declared, calls = REGISTRY["unroll_back"], []
    forward = declared.forward
    declared.forward = lambda *a, **o: calls.append(1) or forward(*a, **o)
    try:
        module(gg.rand(5, 2, 3, requires_grad=True))[0].sum().backward()
    finally:
        declared.forward = forward
    assert len(calls) == 1
    assert all(p.grad is not None for p in module.parameters())


def test_what_is_kept_has_no_gradient_of_its_own() -> None:
    module = nn.GRU(3, 4)
    weights = [p for w in module.all_weights for p in w]
    x, h = gg.rand(2, 3), gg.zeros(2, 4)
    y = gg.ops.recurrent.unroll(x, h, None, *weights, None, cell="gru", sizes=(2,), reverse=False)
    with pytest.raises(NotImplementedError, match="kept"):
        y[2].sum().backward()


def test_pack_and_pad() -> None:
    x = gg.tensor([[1, 2, 0], [3, 0, 0], [4, 5, 6]])
    packed = rnn.pack_padded_sequence(x, [2, 1, 3], batch_first=True, enforce_sorted=False)
    assert packed.data.tolist() == [4, 1, 3, 5, 2, 6]
    assert packed.batch_sizes.tolist() == [3, 2, 1]
    assert (packed.sorted_indices.tolist(), packed.unsorted_indices.tolist()) == ([2, 0, 1], [1, 2, 0])
    padded, lengths = rnn.pad_packed_sequence(packed, batch_first=True, padding_value=-1)
    assert padded.tolist() == [[1, 2, -1], [3, -1, -1], [4, 5, 6]]
    assert lengths.tolist() == [2, 1, 3]
    assert rnn.pad_sequence([gg.tensor([1, 2]), gg.tensor([3])], padding_side="left").tolist() == [[1, 0], [2, 3]]


def test_sizes_that_do_not_fit() -> None:
    x, h, w = gg.zeros(5, 2, 3), gg.zeros(1, 2, 4), [gg.zeros(12, 3), gg.zeros(12, 4)]
    assert gg.gru(x, h, w, False, 1, 0.0, False, False, False)[0].shape == (5, 2, 4)
    for problem, given in {
        "sizes don't fit": (x, h, [gg.zeros(12, 2), w[1]], False, 1),
        "same dtype": (x, h.double(), w, False, 1),
        "need 4 weights": (x, h, w, True, 1),
        "need 2 weights and states": (x, h[:, :1], w, False, 1),
        "larger than 0": (x[:0], h, w, False, 1),
    }.items():
        with pytest.raises(RuntimeError, match=problem):
            gg.gru(*given, 0.0, False, False, False)
    with pytest.raises(RuntimeError, match="batch_sizes"):
        gg.gru(x[:, 0], gg.tensor([2, 3]), h, w, False, 1, 0.0, False, False)
