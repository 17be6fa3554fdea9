"""autocast on the CPU and the scaler, side by side with PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import glassgrad as g
import glassgrad.nn.functional

torch = pytest.importorskip("torch")
pytest.importorskip("ml_dtypes")

# Of tensors a, b (4, 4) between 0 and 1, images (2, 3, 8, 8) and volumes (1, 2, 4, 4, 4), in one dtype.
CASES: dict[str, Any] = {
    "matmul": lambda t, F, a, b, im, vol: a @ b,
    "bmm": lambda t, F, a, b, im, vol: t.bmm(a[None], b[None]),
    "mv": lambda t, F, a, b, im, vol: t.mv(a, b[0]),
    "dot": lambda t, F, a, b, im, vol: t.dot(a[0], b[0]),
    "addmm": lambda t, F, a, b, im, vol: t.addmm(a, a, b),
    "addmv": lambda t, F, a, b, im, vol: t.addmv(a[0], a, b[0]),
    "baddbmm": lambda t, F, a, b, im, vol: t.baddbmm(a[None], a[None], b[None]),
    "chain_matmul": lambda t, F, a, b, im, vol: t.chain_matmul(a, b),
    "multi_dot": lambda t, F, a, b, im, vol: t.linalg.multi_dot([a, b, a]),
    "einsum": lambda t, F, a, b, im, vol: t.einsum("ij,jk->ik", a, b),
    "tensordot": lambda t, F, a, b, im, vol: t.tensordot(a, b, 1),
    "inner": lambda t, F, a, b, im, vol: t.inner(a, b),
    "outer": lambda t, F, a, b, im, vol: t.outer(a[0], b[0]),
    "linear": lambda t, F, a, b, im, vol: F.linear(a, b, b[0]),
    "conv2d": lambda t, F, a, b, im, vol: F.conv2d(im, im[:, :, :3, :3]),
    "conv3d": lambda t, F, a, b, im, vol: F.conv3d(vol, vol[:, :, :2, :2, :2]),
    "conv_transpose1d": lambda t, F, a, b, im, vol: F.conv_transpose1d(im[0], im[0, :, :3, :3]),
    "prelu": lambda t, F, a, b, im, vol: F.prelu(a, b[0, :1]),
    "scaled_dot_product_attention": lambda t, F, a, b, im, vol: F.scaled_dot_product_attention(
        a[None], b[None], a[None]
    ),
    "softmax": lambda t, F, a, b, im, vol: a.softmax(1),
    "sum": lambda t, F, a, b, im, vol: a.sum(),
    "prod": lambda t, F, a, b, im, vol: a.prod(),
    "layer_norm": lambda t, F, a, b, im, vol: F.layer_norm(a, (4,)),
    "relu": lambda t, F, a, b, im, vol: a.relu(),
    "max_pool2d": lambda t, F, a, b, im, vol: F.max_pool2d(im, 2),
    "max_pool3d": lambda t, F, a, b, im, vol: F.max_pool3d(vol, 2),
    "adaptive_avg_pool2d": lambda t, F, a, b, im, vol: F.adaptive_avg_pool2d(im, 2),
    "adaptive_avg_pool3d": lambda t, F, a, b, im, vol: F.adaptive_avg_pool3d(vol, 2),
    "interpolate": lambda t, F, a, b, im, vol: F.interpolate(im, scale_factor=2, mode="nearest"),
    "grid_sample": lambda t, F, a, b, im, vol: F.grid_sample(im, im[:, :, :, :2], align_corners=False),
    "pad reflect": lambda t, F, a, b, im, vol: F.pad(im, (1, 1, 1, 1), mode="reflect"),
    "pad reflect 3d": lambda t, F, a, b, im, vol: F.pad(vol, (1,) * 6, mode="reflect"),
    "pad replicate": lambda t, F, a, b, im, vol: F.pad(im, (1, 1, 1, 1), mode="replicate"),
    "pad circular": lambda t, F, a, b, im, vol: F.pad(im, (1, 1, 1, 1), mode="circular"),
    "mse_loss": lambda t, F, a, b, im, vol: F.mse_loss(a, b),
    "l1_loss": lambda t, F, a, b, im, vol: F.l1_loss(a, b),
    "smooth_l1_loss": lambda t, F, a, b, im, vol: F.smooth_l1_loss(a, b),
    "huber_loss": lambda t, F, a, b, im, vol: F.huber_loss(a, b),
    "kl_div": lambda t, F, a, b, im, vol: F.kl_div(a, b, reduction="sum"),
    "nll_loss": lambda t, F, a, b, im, vol: F.nll_loss(a, t.tensor([0, 1, 2, 3])),
    "cross_entropy": lambda t, F, a, b, im, vol: F.cross_entropy(a, b.softmax(1)),
    "binary_cross_entropy": lambda t, F, a, b, im, vol: F.binary_cross_entropy(a, b),
    "poisson_nll_loss": lambda t, F, a, b, im, vol: F.poisson_nll_loss(a, b),
    "gaussian_nll_loss": lambda t, F, a, b, im, vol: F.gaussian_nll_loss(a, b, a),
    "soft_margin_loss": lambda t, F, a, b, im, vol: F.soft_margin_loss(a, b.sign()),
    "triplet_margin_loss": lambda t, F, a, b, im, vol: F.triplet_margin_loss(a, b, b * 2),
    "multilabel_soft_margin_loss": lambda t, F, a, b, im, vol: F.multilabel_soft_margin_loss(a, b),
    "cosine_similarity": lambda t, F, a, b, im, vol: F.cosine_similarity(a, b),
    "normalize": lambda t, F, a, b, im, vol: F.normalize(a),
    "trace": lambda t, F, a, b, im, vol: t.trace(a),
    "cat mixed": lambda t, F, a, b, im, vol: t.cat([a, b.float()]),
    "index_copy": lambda t, F, a, b, im, vol: a.float().index_copy(0, t.tensor([0]), b[:1].float()),
    "inv": lambda t, F, a, b, im, vol: t.linalg.inv((a + 2 * t.eye(4)).float()),
}


def outcome(t: Any, compute: Any, dtype: str, on: bool) -> tuple[str, np.ndarray]:
    rng = np.random.default_rng(0)
    numbers = [rng.random(shape, np.float32) for shape in ((4, 4), (4, 4), (2, 3, 8, 8), (1, 2, 4, 4, 4))]
    given = [t.tensor(x).to(getattr(t, dtype)) for x in numbers]
    with t.autocast("cpu", dtype=t.bfloat16, enabled=on):
        made = compute(t, t.nn.functional, *given)
    return str(made.dtype).split(".")[1], made.detach().double().numpy()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_dtypes_and_numbers(name: str, dtype: str) -> None:
    try:
        theirs, expected = outcome(torch, CASES[name], dtype, True)
    except RuntimeError:  # the dtypes differ, for them as for us
        with pytest.raises(RuntimeError):
            outcome(g, CASES[name], dtype, True)
        return
    ours, found = outcome(g, CASES[name], dtype, True)
    assert ours == theirs
    np.testing.assert_allclose(found, expected, rtol={"bfloat16": 1.6e-2, "float32": 2e-5, "float64": 1e-12}[ours])


def test_dtypes_of_a_function_that_is_not_listed_would_differ() -> None:
    assert outcome(g, CASES["matmul"], "float32", False)[0] != outcome(torch, CASES["matmul"], "float32", True)[0]


def trained(t: Any) -> tuple[list[float], list[float]]:
    t.manual_seed(0)
    model = t.nn.Sequential(t.nn.Conv2d(1, 4, 3), t.nn.ReLU(), t.nn.Flatten(), t.nn.Linear(144, 3))
    optimizer = t.optim.SGD(model.parameters(), lr=0.1)
    scaler = t.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=3)
    x, y = t.rand(16, 1, 8, 8), t.randint(3, (16,))
    losses, scales = [], []
    for step in range(8):
        optimizer.zero_grad()
        with t.autocast("cpu", dtype=t.bfloat16):
            loss = t.nn.functional.cross_entropy(model(x), y)
        scaler.scale(loss * float("inf") if step == 4 else loss).backward()
        scaler.unscale_(optimizer)
        t.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
        scales.append(scaler.get_scale())
    return losses, scales


def test_a_training() -> None:
    (losses, scales), (expected, theirs) = trained(g), trained(torch)
    assert scales == theirs
    np.testing.assert_allclose(losses, expected, rtol=5e-3)  # bfloat16 has 8 bits
    assert losses[-1] < losses[0]
