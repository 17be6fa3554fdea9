"""Attention and transformers beside PyTorch's: masks of every kind, in training, evaluation and inference."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import glassgrad as gg  # noqa: E402
from glassgrad import nn  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore:enable_nested_tensor is True"),
    pytest.mark.filterwarnings("ignore:Support for mismatched"),
    pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors"),
]

N, S, E, HEADS = 2, 5, 8, 2
CAUSAL = np.triu(np.full((S, S), -np.inf), 1)
HOLES = np.zeros((S, S), bool)
HOLES[1], HOLES[2, 3:] = True, True  # row 1 may see nothing
ENDS = np.array([[0, 0, 0, 1, 1], [0, 0, 0, 0, 1]], bool)
MASKS: dict[str, Any] = {
    "none": None, "causal": CAUSAL, "bool": np.isinf(CAUSAL), "holes": HOLES,
    "numbers": np.random.RandomState(1).standard_normal((S, S)),
    "by head": np.random.RandomState(2).rand(N * HEADS, S, S) > 0.7,
}  # fmt: skip
PADDINGS: dict[str, Any] = {
    "none": None, "ends": ENDS, "numbers": np.where(ENDS, -np.inf, 0.0), "soft": np.where(ENDS, -1.0, 0.0),
    "start": ENDS[:, ::-1].copy(), "everything": np.array([[1] * S, [0] * S], bool),
}  # fmt: skip
TOGETHER = [
    *(("none", padding) for padding in PADDINGS), *((mask, "none") for mask in MASKS), ("causal", "ends"),
    ("bool", "numbers"), ("numbers", "ends"), ("by head", "soft"), ("holes", "everything"),
]  # fmt: skip


def both(array: Any, **kwargs: Any) -> tuple[Any, Any]:
    return (None, None) if array is None else (gg.tensor(array, **kwargs), torch.tensor(array, **kwargs))


def near(a: Any, b: Any) -> None:
    if b is None:
        assert a is None
        return
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-10, atol=1e-12)


def pair(build: Any, seed: int = 0) -> tuple[Any, Any]:
    gg.manual_seed(seed), torch.manual_seed(seed)
    ours, theirs = build(gg.nn), build(torch.nn)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        np.testing.assert_array_equal(p.detach().numpy(), q.detach().numpy(), err_msg=name)
    return ours.double(), theirs.double()


def run(call: Any, mode: str) -> Any:
    """call(library, index): the outputs of both in this mode, from the same seed."""
    gg.manual_seed(3), torch.manual_seed(3)
    if mode != "inference":
        return call(0), call(1)
    with gg.no_grad(), torch.no_grad():
        return call(0), call(1)


MODES = ("train", "eval", "inference")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize(("mask", "padding"), TOGETHER)
def test_attention(mask: str, padding: str, weights: bool, mode: str) -> None:
    pairs = pair(lambda library: library.MultiheadAttention(E, HEADS, 0.2, batch_first=True))
    x = both(np.random.RandomState(0).standard_normal((N, S, E)))
    m, h = both(MASKS[mask]), both(PADDINGS[padding])

    def call(i: int) -> Any:
        net = pairs[i].train(mode == "train")
        return net(x[i], x[i], x[i], h[i], weights, m[i], average_attn_weights=mask != "bool")

    (a, b), (c, d) = run(call, mode)
    near(a, c), near(b, d)


def layer(library: Any, batch_first: bool, **options: Any) -> Any:
    return library.TransformerEncoderLayer(E, HEADS, 12, 0.2, batch_first=batch_first, **options)


def stack(library: Any, batch_first: bool, **options: Any) -> Any:
    return library.TransformerEncoder(layer(library, batch_first, **options), 2, library.LayerNorm(E))


ENCODERS = {
    "layer": layer,
    "stack": stack,
    "norm first": lambda library, batch_first: stack(library, batch_first, activation="gelu", norm_first=True),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("mask", "padding"), TOGETHER)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_encoders(encoder: str, mask: str, padding: str, mode: str) -> None:
    m, h = both(MASKS[mask]), both(PADDINGS[padding])
    for batch_first in (True, False):
        x = both(np.random.RandomState(0).standard_normal((N, S, E) if batch_first else (S, N, E)))
        pairs = pair(lambda library, first=batch_first: ENCODERS[encoder](library, first))
        near(*run(lambda i, x=x, pairs=pairs: pairs[i].train(mode == "train")(x[i], m[i], h[i]), mode))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("padding", PADDINGS)
def test_transformer(padding: str, mode: str) -> None:
    pairs = pair(lambda library: library.Transformer(E, HEADS, 2, 2, 12, 0.3, batch_first=True), seed=4)
    x, y = both(np.random.RandomState(0).standard_normal((N, S, E))), both(np.ones((N, 3, E)))
    masks = [library.nn.Transformer.generate_square_subsequent_mask(3) for library in (gg, torch)]
    near(*masks)
    h = both(PADDINGS[padding])

    def call(i: int) -> Any:
        return pairs[i].train(mode == "train")(
            x[i], y[i], tgt_mask=masks[i].double(), src_key_padding_mask=h[i], memory_key_padding_mask=h[i]
        )

    near(*run(call, mode))


@pytest.mark.parametrize("seed", range(5))
def test_learning(seed: int) -> None:
    """Losses of a small encoder-decoder with dropout over a few steps, to the printed digits and beyond."""
    losses = []
    for library in (gg, torch):
        library.manual_seed(seed)
        net = library.nn.Transformer(E, HEADS, 1, 1, 12, batch_first=True).double()
        optimizer = library.optim.Adam(net.parameters(), 1e-3)
        src, tgt = library.randn(N, S, E).double(), library.randn(N, 3, E).double()
        mask = net.generate_square_subsequent_mask(3).double()
        seen = []
        for _ in range(5):
            optimizer.zero_grad()
            loss = ((net(src, tgt, tgt_mask=mask, tgt_is_causal=True) - tgt) ** 2).mean()
            loss.backward()
            library.nn.utils.clip_grad_norm_(net.parameters(), 0.5)
            optimizer.step()
            seen.append(loss.item())
        losses.append(seen)
    np.testing.assert_allclose(*losses, rtol=1e-9)


def test_layers_start_equal_and_are_separate() -> None:
    net = nn.TransformerEncoder(nn.TransformerEncoderLayer(E, HEADS, 12, batch_first=True), 3)
    first, second = net.layers[0].linear1.weight, net.layers[1].linear1.weight
    assert first is not second and (first == second).all()
    assert copy.deepcopy(net).layers[2].norm1.eps == 1e-5


REFUSED = [
    ("MultiheadAttention(0, 1)", lambda l: l.MultiheadAttention(0, 1)),
    ("MultiheadAttention(5, 2)", lambda l: l.MultiheadAttention(5, 2)),
    ("activation", lambda l: l.TransformerEncoderLayer(8, 2, activation="tanh")),
]  # fmt: skip
CALLS = [
    ("batches", lambda l, t: l.Transformer(8, 2, 1, 1)(t.ones(3, 2, 8), t.ones(3, 1, 8))),
    ("sizes", lambda l, t: l.Transformer(8, 2, 1, 1)(t.ones(3, 2, 8), t.ones(3, 2, 6))),
    ("int mask", lambda l, t: l.TransformerEncoderLayer(8, 2)(t.ones(3, 2, 8), t.ones(3, 3, dtype=t.int64))),
    ("hint alone", lambda l, t: l.TransformerEncoderLayer(8, 2)(t.ones(3, 2, 8), is_causal=True)),
    ("mask shape", lambda l, t: l.TransformerEncoderLayer(8, 2)(t.ones(3, 2, 8), t.ones(2, 3))),
]


@pytest.mark.parametrize("case", [*REFUSED, *CALLS], ids=lambda c: c[0])
def test_errors_are_of_the_same_kind(case: Any) -> None:
    give = (lambda t: (t.nn,)) if case in REFUSED else (lambda t: (t.nn, t))
    with pytest.raises(Exception) as theirs:
        case[1](*give(torch))
    with pytest.raises(type(theirs.value)) as ours:
        case[1](*give(gg))
    assert type(ours.value) is type(theirs.value)


def test_warnings_are_the_same() -> None:
    def said(library: Any) -> list[str]:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            layer = library.nn.TransformerEncoderLayer(E, HEADS, 12)
            net = library.nn.TransformerEncoder(layer, 1)
            net(library.ones(S, N, E), net_mask(library), library.zeros(N, S, dtype=library.bool))
            library.nn.TransformerEncoder(library.nn.TransformerEncoderLayer(E, 1, 12, batch_first=True), 1)
        return [str(w.message) for w in seen]

    def net_mask(library: Any) -> Any:
        return library.nn.Transformer.generate_square_subsequent_mask(S)

    assert said(gg) == said(torch)
