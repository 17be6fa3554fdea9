"""Networks' functions where the table of cases does not reach: constants in the input's dtype, running statistics,
random masks, ties and other kinks, half precision."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
import glassgrad.nn.functional

torch = pytest.importorskip("torch")

DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])
CLOSE = {"float64": 1e-10, "float32": 2e-5, "float16": 3e-3}


def both(call: Callable[[Any, Any, Callable[..., Any]], Any], dtype: str = "float64", tolerance: float = 0.0) -> None:
    """call(F, module, leaf) in both libraries: the outputs and the leaves' gradients are the same.

    leaf(numbers) makes a tensor of the dtype that wants a gradient, leaf(numbers, False) a constant.
    """
    found = []
    for module in (gg, torch):
        leaves: list[Any] = []

        def leaf(numbers: Any, wanted: bool = True, module: Any = module, leaves: list[Any] = leaves) -> Any:
            made = module.tensor(np.array(numbers, dtype), requires_grad=wanted)
            if wanted:
                leaves.append(made)
            return made

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = call(module.nn.functional, module, leaf)
        outputs = list(made) if isinstance(made, (tuple, list)) else [made]
        weights = np.random.default_rng(0)
        parts = [
            (y * module.tensor(weights.uniform(0.5, 1.5, tuple(y.shape)).astype(dtype))).sum()
            for y in outputs
            if y.requires_grad
        ]
        grads: Any = []
        if parts:
            grads = module.autograd.grad(sum(parts[1:], parts[0]), leaves, allow_unused=True)
        found.append([y.detach() for y in outputs] + [None if g is None else g.detach() for g in grads])
    for a, b in zip(*found, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert str(a.dtype).split(".")[-1] == str(b.dtype).split(".")[-1]
            close = tolerance or CLOSE[dtype]
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=close, atol=close)


RNG = np.random.default_rng(5)
X = RNG.standard_normal((5, 4))
WEIGHT = [0.5, 2.0, 1.0, 0.25]
INDEX = [2, -100, 0, 1, -100]


def test_the_comparison_can_fail() -> None:
    with pytest.raises(AssertionError):
        both(lambda F, m, leaf: leaf([1.0]) * (1.0 if m is gg else 1.001))
    with pytest.raises(AssertionError):  # equal values, other gradients
        both(lambda F, m, leaf: leaf([1.0]) if m is gg else leaf([1.0]) ** 2)


# --- weights of classes ---


@DTYPES
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("smoothing", [None, 0.0, 0.3])
def test_class_weights(dtype: str, reduction: str, smoothing: float | None) -> None:
    more = {} if smoothing is None else {"label_smoothing": smoothing}

    def loss(F: Any, m: Any, leaf: Any, x: Any, t: Any) -> Any:
        call = F.nll_loss if smoothing is None else F.cross_entropy
        return call(leaf(x), m.tensor(t), weight=leaf(WEIGHT, False), reduction=reduction, **more)

    both(lambda F, m, leaf: loss(F, m, leaf, X, INDEX), dtype)
    both(lambda F, m, leaf: loss(F, m, leaf, X[:3], [0, 3, 1]), dtype)
    both(lambda F, m, leaf: loss(F, m, leaf, X.reshape(1, 4, 5), [INDEX]), dtype)
    both(lambda F, m, leaf: loss(F, m, leaf, X.reshape(1, 4, 5, 1), [[[3], [3], [-100], [0], [1]]]), dtype)
    both(lambda F, m, leaf: loss(F, m, leaf, X[0], 2), dtype)


@DTYPES
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_weights_of_probabilities(dtype: str, reduction: str) -> None:
    q = RNG.dirichlet(np.ones(4), 5)

    def loss(F: Any, m: Any, leaf: Any) -> Any:
        weight = leaf(WEIGHT, False)
        return F.cross_entropy(leaf(X), leaf(q), weight, label_smoothing=0.2, reduction=reduction)

    both(loss, dtype)
    both(lambda F, m, leaf: F.multi_margin_loss(
        leaf(X), m.tensor([0, 3, 1, 2, 2]), p=2, weight=leaf(WEIGHT, False), reduction=reduction
    ), dtype)  # fmt: skip
    both(lambda F, m, leaf: F.kl_div(leaf(X), leaf(q), reduction=reduction), dtype)
    both(lambda F, m, leaf: F.binary_cross_entropy(
        leaf(q), leaf(np.abs(np.sin(X))), leaf(WEIGHT, False), reduction=reduction
    ), dtype)  # fmt: skip
    both(lambda F, m, leaf: F.binary_cross_entropy_with_logits(
        leaf(90 * X), leaf(q), leaf(WEIGHT, False), pos_weight=leaf([1.0, 2.0, 3.0, 0.5], False), reduction=reduction
    ), dtype)  # fmt: skip


@pytest.mark.parametrize("t", [[-100] * 5, []])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_nothing_counts(t: list[int], reduction: str) -> None:
    """The mean of nothing is NaN, as in torch; the gradients are torch's."""
    both(lambda F, m, leaf: F.cross_entropy(leaf(X[: len(t)]), m.tensor(np.array(t, np.int64)), reduction=reduction))


# --- norms with statistics ---


@DTYPES
@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5), (2, 3, 2, 2)])
def test_running_statistics(dtype: str, shape: tuple[int, ...]) -> None:
    x = RNG.standard_normal(shape) * 3 + 1

    def steps(F: Any, m: Any, leaf: Any, norm: str, **training: Any) -> Any:
        mean, var = leaf([0.1, -0.2, 0.3], False), leaf([1.0, 2.0, 0.5], False)
        scale, shift, data = leaf([1.5, -1.0, 0.5]), leaf([0.0, 1.0, 2.0]), leaf(x)
        y = getattr(F, norm)(data, mean, var, scale, shift, momentum=0.3, **training)
        z = getattr(F, norm)(y, mean, var, None, None, momentum=0.3, **training)
        return y, z, mean, var

    for training in (True, False):
        both(lambda F, m, leaf, t=training: steps(F, m, leaf, "batch_norm", training=t), dtype)
        if len(shape) > 2:
            both(lambda F, m, leaf, t=training: steps(F, m, leaf, "instance_norm", use_input_stats=t), dtype)


# --- random masks ---


@DTYPES
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("dropout", (3, 5)), ("dropout", (7,)), ("dropout1d", (2, 3, 4)), ("dropout1d", (3, 4)),
        ("dropout2d", (2, 3, 2, 2)),
        ("dropout2d", (3, 2, 2)), ("dropout3d", (2, 3, 1, 2, 2)), ("dropout3d", (3, 1, 2, 2)),
        ("alpha_dropout", (4, 5)),
        ("feature_alpha_dropout", (4, 5, 2)),
    ],
)  # fmt: skip
def test_masks(dtype: str, name: str, shape: tuple[int, ...]) -> None:
    x = RNG.standard_normal(shape)

    def drop(F: Any, m: Any, leaf: Any) -> Any:
        m.manual_seed(7)
        data = leaf(x)
        y = getattr(F, name)(data, 0.4, True)
        return y, getattr(F, name)(data * 1, 0.4, True, True), m.rand(2)

    if dtype == "float32":
        both(drop, dtype)
    else:  # rand gives float32
        both(lambda F, m, leaf: drop(F, m, leaf)[:2], dtype)


def test_dropout_of_attention() -> None:
    q, k, v = (RNG.standard_normal((2, 3, 4)) for _ in range(3))

    def attend(F: Any, m: Any, leaf: Any) -> Any:
        m.manual_seed(3)
        return F.scaled_dot_product_attention(leaf(q), leaf(k), leaf(v), dropout_p=0.3)

    both(attend)


# --- kinks, ties, and what is not a number ---


def test_rows_that_see_nothing() -> None:
    q, k, v = (RNG.standard_normal((2, 3, 4)) for _ in range(3))
    mask = np.array([[True, False, True], [False, False, False], [True, True, True]])
    for added in (False, True):

        def attend(F: Any, m: Any, leaf: Any, added: bool = added) -> Any:
            hidden = leaf(np.where(mask, 0.0, -math.inf), False) if added else m.tensor(mask)
            return F.scaled_dot_product_attention(leaf(q), leaf(k), leaf(v), attn_mask=hidden)

        both(attend)


@pytest.mark.parametrize("options", [{}, {"stride": 1}, {"stride": 2, "padding": 1}, {"ceil_mode": True}])
def test_the_first_of_equals(options: dict[str, Any]) -> None:
    for x in (np.zeros((1, 1, 5, 5)), RNG.integers(0, 3, (2, 2, 5, 5)), np.full((1, 1, 4, 4), -math.inf)):

        def pool(F: Any, m: Any, leaf: Any, x: Any = x) -> Any:
            return F.max_pool2d(leaf(x), 2, return_indices=True, **options)[0]

        both(pool)


def test_max_of_nan() -> None:
    x = RNG.standard_normal((1, 2, 4, 4))
    x[0, 0, 1, 1] = x[0, 1, 2, 3] = x[0, 1, 2, 2] = math.nan
    for size in (2, 3):
        a = gg.nn.functional.max_pool2d(gg.tensor(x), size, return_indices=True)
        b = torch.nn.functional.max_pool2d(torch.tensor(x), size, return_indices=True)
        np.testing.assert_array_equal(a[0].numpy(), b[0].numpy())
        np.testing.assert_array_equal(a[1].numpy(), b[1].numpy())


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
def test_losses_at_kinks(name: str) -> None:
    d = [0.0, 1.0, -1.0, 0.5, -0.0]
    both(lambda F, m, leaf: getattr(F, name)(leaf(d), leaf([0.0] * 5), reduction="none"))


def test_cut_off_losses() -> None:
    x, t = [0.0, 1.0, 0.5, 0.0, 1.0, 0.3], [1.0, 0.0, 1.0, 0.0, 1.0, 0.2]
    both(lambda F, m, leaf: F.binary_cross_entropy(leaf(x), leaf(t), reduction="none"))
    both(lambda F, m, leaf: F.kl_div(leaf(x), leaf(t), reduction="none"))
    both(lambda F, m, leaf: F.gaussian_nll_loss(leaf(x), leaf(t), leaf(np.array(t) * 0.1), eps=0.05, reduction="none"))
    both(lambda F, m, leaf: F.hinge_embedding_loss(leaf([1.0, 1.0, 2.0]), m.tensor([-1, 1, -1]), reduction="none"))
    both(
        lambda F, m, leaf: F.margin_ranking_loss(leaf([1.0, 2.0]), leaf([1.0, 1.0]), m.tensor([1, 1]), reduction="none")
    )


def test_norms_at_zero() -> None:
    zero, one = np.zeros((2, 3)), np.ones((2, 3))
    both(lambda F, m, leaf: F.normalize(leaf(zero)))
    both(lambda F, m, leaf: F.cosine_similarity(leaf(zero), leaf(one)))
    both(lambda F, m, leaf: F.pairwise_distance(leaf(one), leaf(one), eps=0.0))
    both(lambda F, m, leaf: F.layer_norm(leaf(one), (3,)))


@DTYPES
def test_embedding_options(dtype: str) -> None:
    w, i = RNG.standard_normal((6, 3)) * 2, [[0, 5, 5], [2, 0, 5]]
    for options in ({"padding_idx": 5}, {"padding_idx": -6}, {"scale_grad_by_freq": True}):
        both(lambda F, m, leaf, o=options: F.embedding(m.tensor(i), leaf(w), **o), dtype)

    def shortened(F: Any, m: Any, leaf: Any) -> Any:
        rows = leaf(w, False)
        y = F.embedding(m.tensor(i), rows, max_norm=1.5)
        return y, rows

    both(shortened, dtype)


def test_softmax_of_all_minus_infinity() -> None:
    both(lambda F, m, leaf: F.softmax(leaf([[-math.inf, -math.inf], [-math.inf, 0.0]]), 1))
    both(lambda F, m, leaf: F.log_softmax(leaf([[-math.inf, 0.0]]), 1))


def test_dtype_of_softmax() -> None:
    for name in ("softmax", "log_softmax", "softmin"):
        ours = getattr(gg.nn.functional, name)(gg.tensor([1, 2]), 0, dtype=gg.float64)
        theirs = getattr(torch.nn.functional, name)(torch.tensor([1, 2]), 0, dtype=torch.float64)
        np.testing.assert_allclose(ours.numpy(), theirs.numpy())


HALF: dict[str, Callable[[Any, Any, Any], Any]] = {
    "softmax": lambda F, m, leaf: F.softmax(leaf(X), 1),
    "linear": lambda F, m, leaf: F.linear(leaf(X), leaf(X[:3]), leaf([1.0, 2.0, 3.0])),
    "conv2d": lambda F, m, leaf: F.conv2d(leaf(X.reshape(1, 1, 4, 5)), leaf(X[:2, :2].reshape(1, 1, 2, 2))),
    "layer_norm": lambda F, m, leaf: F.layer_norm(leaf(X), (4,)),
    "avg_pool2d": lambda F, m, leaf: F.avg_pool2d(leaf(X.reshape(1, 1, 4, 5)), 2),
    "max_pool2d": lambda F, m, leaf: F.max_pool2d(leaf(X.reshape(1, 1, 4, 5)), 2),
    "cross_entropy": lambda F, m, leaf: F.cross_entropy(leaf(X), m.tensor([0, 1, 2, 3, 0])),
}


@pytest.mark.parametrize("name", HALF)
def test_half_precision(name: str) -> None:
    both(HALF[name], "float16")


def test_pools_of_integers() -> None:
    x = RNG.integers(-9, 9, (1, 2, 5, 5))
    ours = gg.nn.functional.max_pool2d(gg.tensor(x), 3, 2, 1)
    theirs = torch.nn.functional.max_pool2d(torch.tensor(x), 3, 2, 1)
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@DTYPES
@pytest.mark.parametrize("zero_infinity", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_ctc_of_logits(dtype: str, reduction: str, zero_infinity: bool) -> None:
    """PyTorch's gradient of log_probs counts on the log_softmax before it; on logits both are the same."""
    logits = RNG.normal(size=(12, 3, 5))

    def loss(F: Any, m: Any, leaf: Any) -> Any:
        targets, lengths = m.tensor([[1, 1, 4, 2], [3, 2, 1, 1], [2, 4, 0, 0]]), m.tensor([4, 3, 0])
        x = F.log_softmax(leaf(logits), dim=2)
        return F.ctc_loss(x, targets, m.tensor([12, 9, 5]), lengths, reduction=reduction, zero_infinity=zero_infinity)

    both(loss, dtype)


def test_ctc_of_a_target_too_long() -> None:
    def losses(F: Any, m: Any, leaf: Any) -> Any:
        x = F.log_softmax(leaf(np.arange(24.0).reshape(3, 2, 4) % 5), dim=2)
        targets = m.tensor([[1, 1, 2], [1, 2, 3]])
        fine = F.ctc_loss(x, targets, (3, 3), (3, 3), reduction="none", zero_infinity=True)
        return fine, F.ctc_loss(x.detach(), targets, (3, 3), (3, 3), reduction="none")

    both(losses)


@pytest.mark.parametrize("need_weights", [False, True])
def test_dropout_of_heads(need_weights: bool) -> None:
    rng = np.random.default_rng(0)
    q, k, w, o = (rng.normal(size=s) for s in ((3, 2, 4), (5, 2, 4), (12, 4), (4, 4)))

    def attend(F: Any, m: Any, leaf: Any) -> Any:
        m.manual_seed(3)
        query, key = leaf(q), leaf(k)
        made = F.multi_head_attention_forward(
            query, key, key, 4, 2, leaf(w), None, None, None, False, 0.5, leaf(o), None, need_weights=need_weights
        )
        return [y for y in made if y is not None]

    both(attend)


def test_heads_that_see_nothing() -> None:
    """With the weights asked for, a query that may see nothing gives NaN, as in PyTorch; without, zeros."""
    for need_weights in (True, False):
        found = []
        for m in (gg, torch):
            x, w = m.ones(2, 1, 4, dtype=m.float64), m.ones(12, 4, dtype=m.float64)
            mask = m.tensor([[True, True], [False, True]])
            y, weights = m.nn.functional.multi_head_attention_forward(
                x, x, x, 4, 2, w, None, None, None, False, 0.0, w[:4], None, attn_mask=mask, need_weights=need_weights
            )
            found.append((y.numpy(), weights.numpy() if need_weights else 0))
        for a, b in zip(*found, strict=True):
            np.testing.assert_allclose(a, b)


@pytest.mark.parametrize("rank", [2, 3])
def test_fractional_windows_of_a_seed(rank: int) -> None:
    x = RNG.normal(size=(2, 3, *[9] * rank))

    def pool(F: Any, m: Any, leaf: Any) -> Any:
        m.manual_seed(4)
        made, at = getattr(F, f"fractional_max_pool{rank}d")(
            leaf(x), 2, output_ratio=(0.6,) * rank, return_indices=True
        )
        return made, at

    both(pool)
    both(pool, "float32")


def test_native_dropout_of_a_seed() -> None:
    def drop(F: Any, m: Any, leaf: Any) -> Any:
        m.manual_seed(4)
        y, mask = m.native_dropout(leaf(np.ones((4, 5))), 0.3, True)
        return y, mask.double()

    both(drop)


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_positions_at_the_border(mode: str, padding: str) -> None:
    """On the border itself and beyond, the grid gets PyTorch's gradient."""
    x = np.arange(12.0).reshape(1, 1, 3, 4)
    grid = np.array([[[[-1, -1], [1, 1], [0, 1], [2, -7]]]])
    both(lambda F, m, leaf: F.grid_sample(leaf(x), leaf(grid), mode, padding, align_corners=True))


@pytest.mark.parametrize("padding", ["border", "reflection"])
def test_a_position_that_is_nan_counts_as_minus_one(padding: str) -> None:
    """Without gradients: there PyTorch 2.13 reads outside the image and may crash."""
    x = np.arange(12.0).reshape(1, 1, 3, 4)
    grid = np.array([[[[math.nan, 0.3], [0.2, math.nan]]]])
    both(lambda F, m, leaf: F.grid_sample(leaf(x, False), leaf(grid, False), "bilinear", padding, align_corners=True))


def test_integers_are_divided_towards_zero() -> None:
    numbers = np.arange(-9, 9).reshape(1, 2, 9)
    for call in (
        lambda m, x: m.nn.functional.avg_pool1d(x, 4, 2, 1),
        lambda m, x: m.nn.functional.local_response_norm(x, 2),
    ):
        a, b = (call(m, m.tensor(numbers)) for m in (gg, torch))
        assert str(a.dtype).split(".")[-1] == str(b.dtype).split(".")[-1]
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-6)


@DTYPES
def test_the_gradient_of_softmax_by_name(dtype: str) -> None:
    g, y = RNG.normal(size=(2, 3, 4))
    both(lambda F, m, leaf: m._softmax_backward_data(leaf(g), leaf(y), -1, getattr(m, dtype)), dtype)


def test_class_weights_have_the_dtype_of_the_input() -> None:
    for m in (gg, torch):
        with pytest.raises(RuntimeError, match="expected scalar type"):
            m.nn.functional.cross_entropy(m.zeros(2, 3), m.tensor([0, 1]), weight=m.ones(3, dtype=m.float64))


def test_the_weights_of_attention() -> None:
    """Rows of weights sum to 1, and their means of the values are what attention gives."""
    from glassgrad.ops.attention import attention_weights

    q, k, v = (gg.tensor(RNG.normal(size=(2, 3, 4))) for _ in range(3))
    weights = attention_weights(q, k, is_causal=True)
    np.testing.assert_allclose(weights.sum(-1).numpy(), 1.0)
    expected = torch.nn.functional.scaled_dot_product_attention(
        *[torch.tensor(t.numpy()) for t in (q, k, v)], is_causal=True
    )
    np.testing.assert_allclose((weights @ v).numpy(), expected.numpy(), rtol=1e-12)


@pytest.mark.filterwarnings("ignore:Since version 1.3.0")
@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("size", [(2, 1, 28, 27), (2, 1, 10, 1), (2, 1, 5, 6, 7)])
def test_the_grid_of_an_affine_map_is_equal_to_the_bit(size: tuple[int, ...], align_corners: bool) -> None:
    """Sampling has a kink at each whole pixel, where the identity puts every point."""
    rank = len(size) - 2
    theta = np.stack([np.eye(rank, rank + 1), np.linspace(-1, 1, rank * (rank + 1)).reshape(rank, rank + 1)])
    for d in (np.float32, np.float64):
        ours = gg.nn.functional.affine_grid(gg.tensor(theta.astype(d)), size, align_corners=align_corners)
        theirs = torch.nn.functional.affine_grid(torch.tensor(theta.astype(d)), size, align_corners=align_corners)
        np.testing.assert_array_equal(ours.numpy()[0], theirs.numpy()[0])
        np.testing.assert_allclose(ours.numpy()[1], theirs.numpy()[1], rtol=1e-5, atol=1e-6)
