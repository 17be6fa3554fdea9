"""Kernels against the functions they stand before, on arrays of every shape and layout."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.core import samplers
from glassgrad.core.native import engine
from glassgrad.core.op import REGISTRY, Parts
from glassgrad.core.random import Generator
from glassgrad.ops import attention as attention  # opens its operations

pytestmark = pytest.mark.skipif(engine is None, reason="the kernels are not built, or switched off")

FLOATS = (np.float32, np.float64)
TOLERANCE = {np.float32: 2e-6, np.float64: 1e-13}


def both(name: str) -> tuple[Any, Any]:
    """The kernel before an operation, and the operation's own function."""
    forward = REGISTRY[name].forward
    return forward, forward.__wrapped__


def close(got: Any, expected: Any, dtype: Any, scale: float = 1.0) -> None:
    for a, b in zip(*[x if isinstance(x, tuple) else (x,) for x in (got, expected)], strict=True):
        assert a.shape == b.shape and a.dtype == b.dtype
        most = max(1.0, float(np.abs(b[np.isfinite(b)]).max(initial=0)))
        np.testing.assert_allclose(a, b, rtol=0, atol=scale * TOLERANCE[dtype] * most)


# --- layouts that a kernel meets ---

LAYOUTS = {
    "in order": lambda a: a,
    "Fortran": np.asfortranarray,
    "every second": lambda a: np.repeat(a, 2, -1)[..., ::2],
    "backwards": lambda a: a[..., ::-1].copy()[..., ::-1],
    "inside": lambda a: np.pad(a, [(1, 2)] * a.ndim)[(slice(1, -2),) * a.ndim],
    "misaligned": lambda a: np.frombuffer(b"x" + a.tobytes(), np.uint8)[1:].view(a.dtype).reshape(a.shape),
    "read-only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "other byte order": lambda a: a.astype(a.dtype.newbyteorder()),
}


def layouts(*shape: int, seed: int = 0) -> Iterator[tuple[Any, np.ndarray]]:
    for dtype in FLOATS:
        a = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
        for layout in LAYOUTS.values():
            yield dtype, layout(a)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_rows_in_every_layout(name: str) -> None:
    fast, plain = both(name)
    for width in (1, 3, 16, 17, 100):
        for dtype, x in layouts(5, width, seed=width):
            close(fast(x, dim=1), plain(x, dim=1).astype(dtype), dtype)
            close(fast(x, dim=0), plain(x, dim=0).astype(dtype), dtype)


@pytest.mark.parametrize("last", [1, 2])
def test_standardize(last: int) -> None:
    fast, plain = both("standardize")
    slope = REGISTRY["standardize"].formulas[0]
    for dtype, x in layouts(4, 3, 35):
        options = {"dims": tuple(range(3 - last, 3)), "eps": 1e-5}
        y = plain(np.array(x, dtype), **options)
        close(tuple(part.astype(dtype) for part in fast(x, **options)), y, dtype, scale=4)
        g = np.random.default_rng(1).standard_normal(x.shape).astype(dtype)
        args = (g, None, None), x.shape, y, *options.values()
        close(slope(*args), slope.__wrapped__(*args), dtype, scale=4)


@pytest.mark.parametrize("shape", [(35,), (3, 35), (1, 35), (3, 1)])
def test_scale_and_shift_and_sums_of_rows(shape: tuple[int, ...]) -> None:
    """Weights along the last dims; shapes that are only broadcast are left to the function."""
    fast, plain = both("scale_shift")
    total, slope = both("sum_to_size"), REGISTRY["scale_shift"].formulas[1]
    for dtype, x in layouts(70, 3, 35):
        w, b = (np.random.default_rng(k).standard_normal(shape).astype(dtype) for k in (1, 2))
        close(fast(x, w, b).astype(dtype), plain(np.array(x, dtype), w, b), dtype)
        of_x = REGISTRY["scale_shift"].formulas[0]
        close(of_x(x, w).astype(dtype), of_x.__wrapped__(np.array(x, dtype), w), dtype)
        close(total[0](x, shape=shape).astype(dtype), total[1](np.array(x, dtype), shape=shape), dtype, scale=10)
        given = np.array(x, dtype), np.random.default_rng(3).standard_normal(x.shape).astype(dtype), shape
        close(slope(*given), slope.__wrapped__(*given), dtype, scale=10)
    for dtype in FLOATS:
        x, w = np.zeros((0, 3, 35), dtype), np.ones(shape, dtype)
        assert fast(x, w, w).shape == x.shape and not total[0](x, shape=shape).any()


@pytest.mark.parametrize("k", [16, 17, 300])
@pytest.mark.parametrize("n", [16, 17, 64, 65, 130, 200])
def test_products_of_middle_size(n: int, k: int) -> None:
    """Tiles and panels, and what is left of rows and columns; every order of both matrices, with a bias and without."""
    fast, plain = both("linear")
    for dtype in FLOATS:
        rng = np.random.default_rng(n * k)
        b = rng.standard_normal(n).astype(dtype)
        for m in (6, 7, 48, 50, 203):
            x, w = rng.standard_normal((m, k)).astype(dtype), rng.standard_normal((n, k)).astype(dtype)
            for of_x in (np.ascontiguousarray, np.asfortranarray, lambda a: np.pad(a, 3)[3:-3, 3:-3]):
                for of_w in (np.ascontiguousarray, np.asfortranarray, lambda a: np.pad(a, 3)[3:-3, 3:-3]):
                    for bias in (b, None):
                        got, expected = (f(of_x(x), of_w(w), bias) for f in (fast, plain))
                        close(got, expected, dtype, scale=4)


@pytest.mark.parametrize(("m", "k", "n"), [(96, 32, 32), (64, 300, 130), (6, 100, 200), (16, 12, 256), (40, 9, 7)])
def test_a_bias_is_added_to_the_finished_product(m: int, k: int, n: int) -> None:
    """In this order PyTorch's linear layers give the same bits."""
    rng = np.random.default_rng(m * k)
    x, w, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((m, k), (n, k), (n,)))
    for weight in (w, np.ascontiguousarray(w.T).T):
        product = gg.matmul(gg.from_numpy(x), gg.from_numpy(weight).T)
        linear = gg.nn.functional.linear(gg.from_numpy(x), gg.from_numpy(weight), gg.from_numpy(b))
        assert np.array_equal(linear.numpy(), product.numpy() + b)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("shape", [(12, 4, 64, 32), (2, 3, 5, 7), (3, 4, 2), (5, 3), (1, 1), (2, 1, 17)])
def test_attention(shape: tuple[int, ...], causal: bool) -> None:
    """One head at a time: values, weights, and the three gradients at once, as the function and its formulas."""
    fast, plain = both("attend")
    slopes = REGISTRY["attend"].formulas
    rng = np.random.default_rng(0)
    k_shape, v_shape = (*shape[:-2], shape[-2] + 2, shape[-1]), (*shape[:-2], shape[-2] + 2, 6)
    for dtype in FLOATS:
        q, k, v = (rng.standard_normal(s).astype(dtype) for s in (shape, k_shape, v_shape))
        for order in (np.ascontiguousarray, lambda a: np.moveaxis(np.moveaxis(a, -2, 0).copy(), 0, -2)):
            q, k, v = map(order, (q, k, v))
            y = fast(q, k, v, scale=0.3, causal=causal)
            close(y, plain(q, k, v, scale=0.3, causal=causal), dtype)
            assert np.argsort(y[0].strides[:-1]).tolist() == np.argsort(q.strides[:-1]).tolist()
            g = rng.standard_normal(y[0].shape).astype(dtype)
            for which in (g, np.broadcast_to(g[..., :1], g.shape)):
                parts = [Parts({0: which}) for _ in range(2)]
                for formula in slopes:
                    got, expected = (f(p, q, k, v, y, 0.3) for f, p in zip((formula, formula.__wrapped__), parts))  # noqa: B905
                    close(got, expected, dtype, scale=4)


def test_attention_with_nan_and_infinity() -> None:
    q, k, v = (np.random.default_rng(n).standard_normal((2, 4, 3)).astype(np.float32) for n in range(3))
    q[0, 1, 1], k[1, 2, 0], v[0, 3, 2] = np.nan, np.inf, -np.inf
    fast, plain = both("attend")
    for causal in (False, True):
        close(fast(q, k, v, scale=0.5, causal=causal), plain(q, k, v, scale=0.5, causal=causal), np.float32)


def test_the_exponential_where_it_underflows() -> None:
    """e^x is a denormal number between -103.97 and -87.3, and 0 below."""
    x = np.linspace(-120, 0, 100_001, dtype=np.float32)
    y = both("softmax")[0](x, dim=0)
    expected = np.exp(x.astype(np.float64)) / np.exp(x.astype(np.float64)).sum()
    assert (np.abs(y - expected) <= 2e-6 * expected + 1.5e-45).all() and y[0] == 0
    assert (both("softmax")[0](np.array([0, -np.inf, -1e30, np.nan], np.float32)[:3], dim=0) == [1, 0, 0]).all()


EXTREMES = np.array([0, -0.0, 1e-40, -1e-40, 1e-30, 80, -80, 1e38, -1e38, np.inf, -np.inf, np.nan], np.float32)


def test_gelu() -> None:
    x = np.concatenate([np.linspace(-15, 15, 30001, dtype=np.float32), EXTREMES])
    wide = x.astype(np.float64)
    plain = REGISTRY["gelu"].forward.__wrapped__
    with np.errstate(all="ignore"):
        expected = plain(wide)
        y = engine.gelu(x)
        np.testing.assert_allclose(y, expected, rtol=2e-6, atol=1e-37)
        slope = REGISTRY["gelu"].formulas[0]
        g = np.random.default_rng(0).standard_normal(x.shape).astype(np.float32)
        got, right = slope(g, x), slope.__wrapped__(g.astype(np.float64), wide)
        np.testing.assert_allclose(got, right, rtol=0, atol=3e-6)


def test_softmax_of_extremes() -> None:
    """Minus infinity alone gives NaN, as does NaN; beside numbers it has no weight."""
    inf, nan = np.inf, np.nan
    x = np.array([[1, -inf, 2], [-inf] * 3, [nan, 1, 2], [inf, 1, 2], [-1e38, 1e38, 0], [1e-40, 0, 0]], np.float32)
    with np.errstate(all="ignore"):
        for name in ("softmax", "log_softmax"):
            fast, plain = both(name)
            np.testing.assert_allclose(fast(x, dim=1), plain(x, dim=1), rtol=1e-6, atol=1e-6)


def test_choose() -> None:
    rng = np.random.default_rng(0)
    for dtype in FLOATS:
        x, other = rng.standard_normal((2, 3, 5, 40)).astype(dtype)
        for mask in (rng.random((3, 5, 40)) < 0.5, rng.random((5, 40)) < 0.5, rng.random(40) < 0.5):
            for yes, no in ((x, other), (x, 0), (-np.inf, x), (1.5, other)):
                np.testing.assert_array_equal(engine.choose(mask, yes, no), np.where(mask, yes, no).astype(dtype))
        assert engine.choose(rng.random((3, 1, 1)) < 0.5, x, 0) is None  # repeats in the middle
        assert engine.choose(rng.random((3, 5, 40)) < 0.5, x[..., ::2], 0) is None


# --- convolution and pooling ---


@pytest.mark.parametrize("seed", range(25))
def test_windows(seed: int) -> None:
    """Convolution, its two gradients, sums over channels and 2 x 2 pooling, of random sizes."""
    rng = np.random.default_rng(seed)
    dtype = FLOATS[seed % 2]
    n, c, o = rng.integers(1, (5, 6, 20))
    kh, kw = rng.integers(1, 6, 2)
    h, w = int(rng.integers(kh, kh + 20)), int(rng.integers(kw, kw + 70))
    padding = tuple((int(a), int(b)) for a, b in rng.integers(0, ((kh, kh), (kw, kw))))
    x, weight = rng.standard_normal((n, c, h, w)).astype(dtype), rng.standard_normal((o, c, kh, kw)).astype(dtype)
    options = {"stride": (1, 1), "padding": padding, "dilation": (1, 1), "groups": 1}
    fast, plain = both("convolution")
    bias = rng.standard_normal(o).astype(dtype)
    y = plain(x, weight, bias, **options)
    close(fast(x, weight, bias, **options), y, dtype, scale=4)
    close(fast(x, weight, **options), plain(x, weight, **options), dtype, scale=4)
    g = rng.standard_normal(y.shape).astype(dtype)
    fast, plain = both("convolution_input")
    close(fast(g, weight, shape=(h, w), **options), plain(g, weight, shape=(h, w), **options), dtype, scale=4)
    fast, plain = both("convolution_weight")
    size = (int(kh), int(kw))
    close(fast(x, g, size=size, **options), plain(x, g, size=size, **options), dtype, scale=8)
    fast, plain = both("sum")
    close(fast(g, dim=(0, 2, 3)), plain(g, dim=(0, 2, 3)), dtype, scale=4)
    close(engine.convolve_weight(x, g, size, *padding)[1], plain(g, dim=(0, 2, 3)), dtype, scale=4)
    if min(h, w) < 2:
        return
    x[rng.random(x.shape) < 0.1] = np.nan
    x = np.round(2 * x)  # ties
    options = {"size": (2, 2), "stride": (2, 2), "padding": ((0, 0), (0, 0)), "dilation": (1, 1)}
    choices = np.empty((2, n, c, h // 2, w // 2), np.uint8)
    fast, plain = both("max_pool")
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(fast(x, choices[0], **options), plain(x, choices[1], **options))
    np.testing.assert_array_equal(*choices)
    pool, (fast, plain) = fast, both("put_window")
    g = rng.standard_normal(choices[0].shape).astype(dtype)
    np.testing.assert_array_equal(
        fast(g, choices[0], shape=(h, w), **options), plain(g, choices[0], shape=(h, w), **options)
    )
    with np.errstate(invalid="ignore"):
        y = np.maximum(x, 0)
        pool(y, choices[0], **options)
        through = np.where(y <= 0, 0, fast(g, choices[0], shape=(h, w), **options))
        np.testing.assert_array_equal(engine.put_window(g, choices[0], (h, w), True), through)


def test_nan_past_a_rows_end_stays_where_it_is() -> None:
    """The weights' gradient reads whole vectors: what belongs to the next row must not count."""
    x = np.zeros((1, 1, 4, 21), np.float32)
    x[0, 0, 3, 0] = np.nan
    g = np.ones((1, 1, 2, 19), np.float32)
    options = {"size": (3, 3), "stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1}
    (where,) = np.argwhere(np.isnan(REGISTRY["convolution_weight"].forward(x, g, **options)))
    assert where.tolist() == [0, 0, 2, 0]


# --- several nodes in one go on the way back ---

PATHS = [("convolution",), ("max_pool", "relu"), ("max_pool", "relu", "convolution")]


class Model:
    """max_pool(relu(convolution(x))), whose steps in between may be watched, and its gradients."""

    def __init__(self, needs: bool = False, c: int = 2, o: int = 5, size: int = 11, padding: int = 0) -> None:
        g = gg.Generator().manual_seed(size + c)
        self.leaves = [gg.randn(*s, generator=g) for s in ((3, c, size, size), (o, c, 3, 3), (o,))]
        for leaf in self.leaves[not needs :]:
            leaf.requires_grad_()
        self.wanting = self.leaves[not needs :]
        self.padding = padding

    def forward(self, watch: Any = lambda h, a: None) -> Any:
        h = gg.nn.functional.conv2d(*self.leaves, padding=self.padding)
        a = h.relu()
        watch(h, a)
        p = gg.nn.functional.max_pool2d(a, 2)
        return (p * p).sum()

    def gradients(self) -> list[np.ndarray]:
        found = [leaf.grad.numpy().copy() for leaf in self.wanting]
        for leaf in self.wanting:
            leaf.grad = None
        return found

    def expected(self) -> list[np.ndarray]:
        """With inputs named, node by node."""
        return [g.numpy() for g in gg.autograd.grad(self.forward(), self.wanting)]


@pytest.fixture
def taken() -> Iterator[list[tuple[str, ...]]]:
    """The paths that a walk takes from here on."""
    from glassgrad.kernels import behind

    seen: list[tuple[str, ...]] = []

    def watched(path: tuple[str, ...], kernel: Any) -> Any:
        def call(*args: Any) -> Any:
            made = kernel(*args)
            if made is not None:
                seen.append(path)
            return made

        return call

    def put(wrap: Any) -> None:
        for path, kernel in behind.PATHS.items():
            engine.add_path(tuple(REGISTRY[name] for name in path), wrap(path, kernel))

    put(watched)
    yield seen
    put(lambda path, kernel: kernel)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"size": 28, "o": 33},
        {"size": 4, "o": 1},
        {"size": 15, "padding": 1, "o": 16},
        {"size": 70, "c": 1, "o": 32},
    ],
)
def test_a_path_gives_what_its_nodes_give(options: Any, taken: Any) -> None:
    for needs in (False, True):
        model = Model(needs, **options)
        expected = model.expected()
        assert taken == []
        model.forward().backward()
        assert taken == ([PATHS[1], PATHS[0]] if needs else [PATHS[2]])
        for got, right in zip(model.gradients(), expected, strict=True):
            np.testing.assert_allclose(got, right, rtol=0, atol=1e-5 * max(1.0, float(np.abs(right).max())))
        taken.clear()


def test_a_path_lets_nan_through_as_its_nodes_do(taken: Any) -> None:
    model = Model()
    model.leaves[0].array[1, 0, 2, 3] = np.nan
    expected = model.expected()
    model.forward().backward()
    assert taken == PATHS[2:]
    for got, right in zip(model.gradients(), expected, strict=True):
        np.testing.assert_array_equal(np.isnan(got), np.isnan(right))


WATCHES: dict[str, Any] = {
    "held": lambda h, a: (h, a),
    "hook of a tensor": lambda h, a: a.register_hook(lambda g: g * 2) and None,
    "hook before its node": lambda h, a: a.grad_fn.register_prehook(lambda gs: (gs[0] * 2,)) and None,
    "hook after its node": lambda h, a: a.grad_fn.register_hook(lambda ins, outs: (ins[0] * 2,)) and None,
    "hook of the first": lambda h, a: h.register_hook(lambda g: g * 2) and None,
    "hook after the last": lambda h, a: (
        h.grad_fn.register_hook(lambda ins, outs: (None, ins[1] * 2, ins[2] * 2)) and None
    ),
}


@pytest.mark.parametrize("watch", WATCHES)
def test_who_looks_sees_every_gradient(watch: str, taken: Any) -> None:
    model, held = Model(), []
    expected = model.expected()
    model.forward(lambda h, a: held.append(WATCHES[watch](h, a))).backward()
    assert PATHS[2] not in taken
    for got, right in zip(model.gradients(), expected, strict=True):
        np.testing.assert_allclose(got, right if watch == "held" else 2 * right, rtol=1e-4, atol=1e-4)


def test_retained_gradients_and_graphs(taken: Any) -> None:
    model, kept = Model(), []

    def watch(h: Any, a: Any) -> None:
        for x in (h, a):
            x.retain_grad()
            kept.append(x)

    model.forward(watch).backward()
    assert all(x.grad is not None for x in kept) and PATHS[1] not in taken
    first = model.gradients()
    loss = model.forward()
    loss.backward(retain_graph=True)
    loss.backward()
    assert taken[-2:] == [PATHS[2]] * 2
    for got, right in zip(model.gradients(), first, strict=True):
        np.testing.assert_allclose(got, 2 * right, rtol=1e-4, atol=1e-4)
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


def test_a_path_is_left_alone_by_modes(taken: Any) -> None:
    """Recorded gradients, the search for NaN, and packed saved tensors go node by node."""
    model = Model()
    expected = model.expected()
    model.forward().backward(create_graph=True)
    assert all(leaf.grad.requires_grad for leaf in model.wanting)
    results = [[leaf.grad.detach().numpy().copy() for leaf in model.wanting]]
    for leaf in model.wanting:
        leaf.grad = None
    with gg.autograd.detect_anomaly():
        model.forward().backward()
    results.append(model.gradients())
    with gg.autograd.graph.saved_tensors_hooks(lambda x: x, lambda x: x):
        model.forward().backward()
    results.append(model.gradients())
    assert taken == []
    for found in results:
        for got, right in zip(found, expected, strict=True):
            np.testing.assert_allclose(got, right, rtol=1e-4, atol=1e-4)


def test_a_path_sees_what_was_changed_in_place() -> None:
    def change(h: Any, a: Any) -> None:
        with gg.no_grad():
            a.add_(1)

    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        Model().forward(change).backward()


def test_a_value_used_twice_is_no_path(taken: Any) -> None:
    model = Model()

    def forward() -> Any:
        a = gg.nn.functional.conv2d(*model.leaves).relu()
        return gg.nn.functional.max_pool2d(a, 2).sum() + a.sum()

    expected = [g.numpy() for g in gg.autograd.grad(forward(), model.wanting)]
    forward().backward()
    assert taken == PATHS[:1]
    for got, right in zip(model.gradients(), expected, strict=True):
        np.testing.assert_allclose(got, right, rtol=1e-4, atol=1e-4)


# --- products ---


@pytest.mark.parametrize("seed", range(40))
def test_products(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dtype = FLOATS[seed % 2]
    batch = tuple(rng.integers(1, 4, rng.integers(0, 3)))
    m, k, n = rng.integers(1, 90, 3)
    left, right = list(LAYOUTS.values())[seed % 8], list(LAYOUTS.values())[seed // 8 % 8]
    x, other = (rng.standard_normal((*batch, *size)).astype(dtype) for size in ((m, k), (k, n)))
    expected = x @ other
    fast = both("matmul")[0]
    close(fast(left(x), right(other)).astype(dtype), expected, dtype, scale=4)
    turned = np.ascontiguousarray(other.swapaxes(-1, -2)).swapaxes(-1, -2)
    close(fast(x, turned), expected, dtype, scale=4)
    if not batch:
        b = rng.standard_normal(n).astype(dtype)
        fast, plain = both("linear")
        close(fast(x, other.T, b), plain(x, other.T, b), dtype, scale=4)
        close(fast(x[None], other.T), plain(x[None], other.T), dtype, scale=4)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("m", "k", "n"), [(1, 256, 1), (4, 300, 5), (7, 1000, 13), (64, 5408, 10), (33, 257, 16)])
def test_products_of_few_outputs(m: int, k: int, n: int, dtype: Any) -> None:
    rng = np.random.default_rng(k)
    x, w, b = (rng.standard_normal(s).astype(dtype) for s in ((m, k), (n, k), n))
    fast, plain = both("linear")
    for bias in (b, None):
        close(fast(x, w, bias), plain(x, w, bias), dtype, scale=8)
    wide = rng.standard_normal((m, 2 * k)).astype(dtype)[:, :k]
    close(both("matmul")[0](wide, w.T), wide @ w.T, dtype, scale=8)
    for left, right in ((rng.standard_normal((n, m)), x), (w.T, rng.standard_normal((n, 336)))):
        a, b = left.astype(dtype), right[: left.shape[1]].astype(dtype)
        close(both("matmul")[0](a, b), a @ b, dtype, scale=8)
        close(both("matmul")[0](np.asfortranarray(a), b), a @ b, dtype, scale=8)


@pytest.mark.parametrize("shapes", [((0, 3), (3, 2)), ((2, 0), (0, 3)), ((0, 2, 3), (0, 3, 2))])
def test_products_of_nothing(shapes: Any) -> None:
    a, b = (gg.zeros(*shape) for shape in shapes)
    np.testing.assert_array_equal((a @ b).numpy(), a.numpy() @ b.numpy())


# --- programs ---


def test_programs_are_the_function_bit_for_bit() -> None:
    """What was traced gives the same bits as NumPy's calls one after the other, in chunks and on threads, too."""
    functions = [
        lambda x, y: x * (1 - y * y), lambda x, y: np.tanh(x) + 3 * np.exp(-y * y), lambda x, y: np.where(y <= 0, 0, x),
        lambda x, y: x / y - np.sqrt(abs(x)) ** 2, lambda x, y: np.maximum(x, 0.5) * np.sign(2.0) - y,
        lambda x, y: x * np.float64(0.1) + y,
    ]  # fmt: skip
    for n in (1, 7, 4096, 4097, 100_003):
        for dtype in FLOATS:
            x, y = np.random.default_rng(n).standard_normal((2, n)).astype(dtype)
            for function in functions:
                program = traced(function)
                np.testing.assert_array_equal(program(x, y), function(x, y))
                assert program(x, y).dtype == function(x, y).dtype
                np.testing.assert_array_equal(program(x, np.broadcast_to(y[:1], n)), function(x, y[:1]))


def traced(function: Any) -> Any:
    from glassgrad.core.native import program

    return program(function)


def test_what_cannot_be_traced_is_called() -> None:
    calls = []

    def function(x: Any, n: int) -> Any:
        calls.append(n)
        return x.sum() * n if n else -x

    program = traced(function)
    x = np.arange(5.0)
    for n in (3, 3, 0, 0, 4):
        np.testing.assert_array_equal(program(x, n), function(x, n))
    for shapes in ((3, 4), (4,)), ((2, 1), (1, 2)):
        a, b = map(np.ones, shapes)
        np.testing.assert_array_equal(traced(lambda x, y: x + y)(a, b), a + b)


def test_a_trace_that_looks_at_a_number_holds_for_that_number() -> None:
    program = traced(lambda x, p: x * x if p == 2 else 1 / x if p == -1 else x**p)
    x = np.array([0.5, 2.0, 3.0])
    for p in (2, -1, 3, 2, 0.5, 2.0, *range(40)):
        np.testing.assert_allclose(program(x, p), x ** float(p), rtol=1e-15)


TRACED = {
    "tanh", "sigmoid", "exp", "log", "sqrt", "add", "sub", "mul", "div", "neg", "relu", "silu", "sin", "cos",
    "square", "reciprocal", "lt", "eq",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(TRACED))
def test_is_traced(name: str) -> None:
    """Tracing gives up silently; these must not be among what it gives up."""
    from glassgrad.kernels.trace import ARRAY, trace

    declared = REGISTRY[name]
    x = tuple(np.ones(3) for _ in declared.inputs)
    assert trace(declared.forward, x, (ARRAY,) * len(x), None, np.dtype(float))[0] is not None
    for formula, name in zip(declared.formulas, declared.inputs, strict=False):
        mentioned = declared.mentions.get(name, ())
        if formula is not None and not any("shape" in m for m in mentioned):
            args = tuple(np.ones(3) for _ in range(1 + len(mentioned)))
            found = trace(formula.__wrapped__, args, (ARRAY,) * len(args), None, np.dtype(float))[0]
            assert found is not None or formula.__wrapped__(*args) is args[0]


# --- recurrence ---


@pytest.mark.parametrize("size", [1, 16, 19, 64])
def test_lstm_step(size: int) -> None:
    from glassgrad.ops.recurrent import CELLS

    cell, rng = CELLS["lstm"], np.random.default_rng(size)
    a, m = (3 * rng.standard_normal((2, 5, 4 * size))).astype(np.float32)
    a[0, 0], a[1, 0], a[2, 0] = 200, -200, 1e-6
    h, c, dh, dc = rng.standard_normal((4, 5, size)).astype(np.float32)
    gates = [a.copy(), a.copy()]
    states = cell.forward(gates[0], m, h, c), cell.forward.__wrapped__(gates[1], m, h, c)
    close(*states, np.float32)
    close(*gates, np.float32)
    slopes = [np.empty_like(a), np.empty_like(a)]
    args = gates[1], states[1][1], h, c, dh, dc
    got, right = cell.back(slopes[0], *args), cell.back.__wrapped__(slopes[1], *args)
    close(got[1:], right[1:], np.float32)
    assert got[2] is slopes[0]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("size", [1, 16, 19, 64, 130, 300])
def test_lstm(size: int, reverse: bool) -> None:
    """All steps, with rows that end early; weights of 300 don't fit, and go step by step."""
    rng = np.random.default_rng(size)
    for sizes in ((37,) * 3, (5, 5, 3, 1, 1), (1,), (20, 17, 0)):
        n, rows = sizes[0], sum(sizes)
        x, w_ih, w_hh = (
            rng.standard_normal(s).astype(np.float32) / 2 for s in ((rows, 7), (4 * size, 7), (4 * size, size))
        )
        w_hh /= np.float32(size**0.5)
        b_ih, b_hh = rng.standard_normal((2, 4 * size)).astype(np.float32)
        h0, c0, g_h, g_c = rng.standard_normal((4, n, size)).astype(np.float32)
        options = {"cell": "lstm", "sizes": sizes, "reverse": reverse}
        (fast, plain), (fast_back, plain_back) = both("unroll"), both("unroll_back")
        for b in ((b_ih, b_hh), (None, None)):
            y = plain(x, h0, c0, w_ih, w_hh, *b, None, **options)
            close(fast(x, h0, c0, w_ih, w_hh, *b, None, **options), y, np.float32, scale=8)
        out, _, gates, kept, _ = y
        g_out = rng.standard_normal(out.shape).astype(np.float32)
        for gs in ((g_out, g_h, g_c), (g_out, None, None), (None, g_h, None)):
            args = gates, out, kept, *gs, h0, c0, w_hh, None
            close(fast_back(*args, **options), plain_back(*args, **options), np.float32, scale=8)


def test_lstm_refuses_what_it_is_not_made_for() -> None:
    a, w, h, c = (np.zeros(s, np.float32) for s in ((6, 8), (8, 2), (3, 2), (3, 2)))
    assert engine.lstm(a, w, h, c, (3, 3), False) is not None
    for wrong in ((a, w, h, c, (3, 2), False), (a, w, h, c, (2, 4), False), (a, w, h, c, (4, 2), False),
                  (a, w, h, c, (7, -1), False), (a, w.T, h, c, (3, 3), False), (a, w, h[:2], c, (3, 3), False),
                  (a.astype(float), w, h, c, (3, 3), False), (a, None, h, c, (3, 3), False)):  # fmt: skip
        assert engine.lstm(*wrong) is None


def test_tanh_is_right_to_the_last_places() -> None:
    """Also near 0, where 1 - 2 / (e^2x + 1) has lost all of them."""
    from glassgrad.ops.recurrent import CELLS

    x = np.concatenate([np.geomspace(1e-30, 1, 500), np.linspace(0.6, 12, 500)]).astype(np.float32)
    a = np.zeros((1, 4 * len(x)), np.float32)
    a[0, 2 * len(x) : 3 * len(x)] = x
    CELLS["lstm"].forward(a, np.zeros_like(a), None, np.zeros((1, len(x)), np.float32))
    np.testing.assert_allclose(a[0, 2 * len(x) : 3 * len(x)], np.tanh(x.astype(np.float64)), rtol=3e-7)


# --- threads and memory ---


def test_threads_change_nothing() -> None:
    before = gg.get_num_threads()
    x = gg.randn(300, 1000, requires_grad=True)
    results = []
    try:
        for n in (1, 2, 3):
            gg.set_num_threads(n)
            x.grad = None
            ((x * 2).tanh() * x).sum().backward()
            results.append(x.grad.numpy())
    finally:
        gg.set_num_threads(before)
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])
    with pytest.raises(RuntimeError, match="positive"):
        gg.set_num_threads(0)


def test_many_threads_at_once() -> None:
    """Every part of every piece of work is done once, whoever else wants the pool."""
    x = np.random.default_rng(0).standard_normal(200_000).astype(np.float32)
    expected = np.tanh(x) * x
    program, wrong = traced(lambda x: np.tanh(x) * x), []

    def work() -> None:
        wrong.extend(k for k in range(60) if not np.array_equal(program(x), expected))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_memory_comes_again() -> None:
    engine.release_memory()
    assert engine.kept_bytes() == 0
    a = np.empty(1_000_000)
    place = a.__array_interface__["data"][0]
    assert place % 64 == 0
    del a
    assert engine.kept_bytes() >= 8_000_000
    b = np.zeros(1_000_000)
    assert b.__array_interface__["data"][0] == place and not b.any()
    b.resize(10, refcheck=False)
    b.resize(2_000_000, refcheck=False)
    assert not b.any() and b.size == 2_000_000
    engine.release_memory()
    assert engine.kept_bytes() == 0


def test_operations_are_copied_as_functions_are() -> None:
    import copy

    assert copy.deepcopy(gg.tanh) is gg.tanh
    assert gg.tanh.__name__ == "tanh"


# --- random numbers ---


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (0.3, 0.02), (-5.0, 30.0)])
def test_normal_numbers_have_the_bits_of_the_function(mean: float, std: float) -> None:
    u = samplers._unit32(Generator().manual_seed(1), 16 * 5000)
    expected, made = u.copy(), u.copy()
    samplers._box_muller(expected, mean, std)
    engine.normal_floats(made, mean, std)
    assert (made.view(np.int32) == expected.view(np.int32)).all()
    with pytest.raises(TypeError, match="a multiple of 16"):
        engine.normal_floats(u[:17], mean, std)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-0.3, 0.7), (2.0, 2.0), (1.0, 1.0 + 2.0**-22)])
def test_uniform_numbers_have_the_bits_of_the_function(
    low: float, high: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Generator().manual_seed(2), Generator().manual_seed(2)
    made = samplers.uniform(first, (5000,), np.float32, low, high)
    monkeypatch.setattr(samplers, "engine", None)
    expected = samplers.uniform(second, (5000,), np.float32, low, high)
    assert (made.view(np.int32) == expected.view(np.int32)).all()
    assert (first.state() == second.state()).all()
