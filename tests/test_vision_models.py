"""Models and what detectors are built of, against torchvision's numbers and definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad.vision import models, ops
from vision_rows import MODELS, NUMBERS, measure


@pytest.mark.parametrize("k", range(len(MODELS)))
def test_torchvisions_numbers(k: int) -> None:
    found = measure(gg, models, *MODELS[k])
    assert found[0] == NUMBERS[k][0]
    np.testing.assert_allclose(found, NUMBERS[k], 2e-3)  # of the gradients behind norms of few numbers
    np.testing.assert_allclose(found[1], NUMBERS[k][1], 1e-6)


def test_a_wrong_model_is_seen() -> None:
    name, options, size = MODELS[0]
    found = measure(gg, models, name, {**options, "bn_size": 3}, size)
    assert found[0] != NUMBERS[0][0] and not np.allclose(found, NUMBERS[0], 2e-3)


def test_every_name_opens() -> None:
    for name in models.__all__:
        assert getattr(models, name).__name__ == name
    assert {"densenet121", "googlenet", "vit_b_16"} <= set(models.list_models())
    with pytest.raises(NotImplementedError, match="downloads no weights"):
        models.get_model("mobilenet_v3_small", weights="DEFAULT")
    with pytest.raises(AttributeError):
        models.densenet122  # noqa: B018


def test_options_out_of_range() -> None:
    with pytest.raises(ValueError, match="1_0 or 1_1"):
        models.SqueezeNet("2_0")
    with pytest.raises(AssertionError, match="indivisible"):
        models.VisionTransformer(30, 8, 1, 1, 8, 8)
    with pytest.raises(AssertionError, match="Wrong image height"):
        models.VisionTransformer(16, 8, 1, 1, 8, 8)(gg.zeros(1, 3, 8, 16))
    with pytest.raises(ValueError, match="empty"):
        models.EfficientNet([], 0.1)
    with pytest.raises(ValueError, match="stage"):
        models.ShuffleNetV2([1], [1])
    with pytest.raises(ValueError, match="blocks length"):
        models.GoogLeNet(blocks=[gg.nn.Conv2d])
    with pytest.warns(FutureWarning, match="init_weights"):
        models.googlenet(aux_logits=False, num_classes=1)


# --- boxes ---


def boxes(n: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 10, (n, 2))
    return gg.tensor(np.concatenate([low, low + rng.uniform(0.1, 8, (n, 2))], 1), requires_grad=True)


def test_overlap_by_counting() -> None:
    """Boxes of whole numbers: the cells of a grid that each covers."""
    a, b = gg.tensor([[0, 0, 3, 4], [2, 1, 5, 5]]), gg.tensor([[1, 1, 4, 3], [5, 5, 9, 6], [0, 0, 3, 4]])
    cells = [
        [{(x, y) for x in range(m[0], m[2]) for y in range(m[1], m[3])} for m in boxes.tolist()] for boxes in (a, b)
    ]
    wanted = [[len(p & q) / len(p | q) for q in cells[1]] for p in cells[0]]
    np.testing.assert_allclose(ops.box_iou(a, b).numpy(), wanted, 1e-6)
    assert ops.box_area(a).tolist() == [12, 12]
    smallest = [
        [(max(m[2], n[2]) - min(m[0], n[0])) * (max(m[3], n[3]) - min(m[1], n[1])) for n in b.tolist()]
        for m in a.tolist()
    ]
    union = [[len(p | q) for q in cells[1]] for p in cells[0]]
    np.testing.assert_allclose(
        ops.generalized_box_iou(a, b).numpy(), np.array(wanted) - 1 + np.array(union) / np.array(smallest), 1e-6
    )


@pytest.mark.parametrize("given", ["xyxy", "xywh", "cxcywh"])
@pytest.mark.parametrize("wanted", ["xyxy", "xywh", "cxcywh"])
def test_formats(given: str, wanted: str) -> None:
    box = {"xyxy": [1.0, 2.0, 5.0, 8.0], "xywh": [1.0, 2.0, 4.0, 6.0], "cxcywh": [3.0, 5.0, 4.0, 6.0]}
    assert ops.box_convert(gg.tensor([box[given]]), given, wanted).tolist() == [box[wanted]]
    assert ops.box_area(gg.tensor(box[given]), given).item() == 24.0
    assert ops.box_iou(gg.tensor([box[given]]), gg.tensor([box[given]]), given).tolist() == [[1.0]]


@pytest.mark.parametrize("name", ["generalized", "distance", "complete"])
def test_losses_are_one_less_the_overlap(name: str) -> None:
    a, b = boxes(6, 0), boxes(6, 1)
    loss = getattr(ops, f"{name}_box_iou_loss")
    overlap = gg.diagonal(getattr(ops, f"{name}_box_iou")(a, b))
    np.testing.assert_allclose(loss(a, b).detach().numpy(), 1 - overlap.detach().numpy(), 1e-5, 1e-7)
    assert gg.autograd.gradcheck(lambda a, b: ops.generalized_box_iou_loss(a, b, reduction="sum"), (a, b))
    with pytest.raises(ValueError, match="reduction"):
        loss(a, b, reduction="max")


def test_unlike_shapes_by_hand() -> None:
    a, b = gg.tensor([[0.0, 0.0, 4.0, 2.0]]), gg.tensor([[0.0, 0.0, 2.0, 2.0]])
    iou, between = 0.5, 1 / 20  # centres (2, 1) and (1, 1); diagonal around both 4 x 2
    assert abs(ops.distance_box_iou(a, b).item() - (iou - between)) < 1e-6
    unlike = 4 / np.pi**2 * (np.arctan(2) - np.arctan(1)) ** 2
    wanted = iou - between - unlike**2 / (1 - iou + unlike)
    assert abs(ops.complete_box_iou(a, b).item() - wanted) < 1e-6


def test_nms_by_its_definition() -> None:
    a = boxes(40, 3)
    scores = gg.tensor(np.random.default_rng(4).uniform(0, 1, 40))
    iou = ops.box_iou(a, a).detach().numpy()
    kept: list[int] = []
    for i in np.argsort(-scores.numpy()):
        if all(iou[i, j] <= 0.3 for j in kept):
            kept.append(int(i))
    assert ops.nms(a, scores, 0.3).tolist() == kept and len(kept) < 40
    classes = gg.tensor(np.arange(40) % 3)
    apart = [
        i for c in range(3) for i in np.flatnonzero(classes.numpy() == c)[ops.nms(a[c::3], scores[c::3], 0.3).numpy()]
    ]
    found = ops.batched_nms(a, scores, classes, 0.3).tolist()
    assert sorted(found) == sorted(apart) and scores[found].tolist() == sorted(scores[found].tolist(), reverse=True)
    assert ops.nms(gg.zeros(0, 4), gg.zeros(0), 0.5).tolist() == []
    with pytest.raises(RuntimeError, match="2d tensor"):
        ops.nms(gg.zeros(4), gg.zeros(1), 0.5)


def test_small_helpers() -> None:
    a = gg.tensor([[-1.0, 2.0, 5.0, 20.0], [0.0, 0.0, 1.0, 1.0]])
    assert ops.clip_boxes_to_image(a, (10, 4)).tolist() == [[0.0, 2.0, 4.0, 10.0], [0.0, 0.0, 1.0, 1.0]]
    assert ops.remove_small_boxes(a, 2.0).tolist() == [0]
    mask = gg.zeros(2, 4, 5)
    mask[0, 1:3, 2] = 1
    assert ops.masks_to_boxes(mask).tolist() == [[2.0, 1.0, 2.0, 2.0], [0.0] * 4]
    with pytest.raises(ValueError, match="Unsupported"):
        ops.box_convert(a, "xyxy", "yxyx")
    with pytest.raises(NotImplementedError, match="rotated"):
        ops.box_iou(a, a, "cxcywhr")


def test_focal_loss() -> None:
    x, y = gg.tensor([-2.0, 0.5, 3.0], requires_grad=True), gg.tensor([0.0, 1.0, 1.0])
    p = np.where(y.numpy() == 1, 1 / (1 + np.exp(-x.detach().numpy())), 1 / (1 + np.exp(x.detach().numpy())))
    weight = np.where(y.numpy() == 1, 0.25, 0.75)
    np.testing.assert_allclose(
        ops.sigmoid_focal_loss(x, y).detach().numpy(), -weight * (1 - p) ** 2 * np.log(p), 1e-5
    )  # fmt: skip
    with pytest.raises(ValueError, match="alpha"):
        ops.sigmoid_focal_loss(x, y, alpha=2.0)


# --- layers ---


def test_stochastic_depth() -> None:
    gg.manual_seed(0)
    x = gg.ones(200, 3, 2)
    y = ops.stochastic_depth(x, 0.25, "row")
    assert set(y.reshape(200, -1).sum(1).tolist()) == {0.0, 8.0}
    assert 0.6 < (y[:, 0, 0] > 0).float().mean().item() < 0.9
    assert ops.stochastic_depth(x, 0.25, "batch").unique().numel() == 1
    assert ops.stochastic_depth(x, 0.25, "row", training=False) is x
    assert ops.stochastic_depth(x, 1.0, "row").sum().item() == 0.0
    with pytest.raises(ValueError, match="mode"):
        ops.stochastic_depth(x, 0.5, "column")
    assert repr(ops.StochasticDepth(0.5, "row")) == "StochasticDepth(p=0.5, mode=row)"


def test_blocks() -> None:
    layer = ops.Conv2dNormActivation(2, 4, (3, 5), dilation=(2, 1))
    assert layer(gg.zeros(1, 2, 9, 9)).shape == (1, 4, 9, 9) and layer.out_channels == 4 and layer[0].bias is None
    assert ops.Conv3dNormActivation(1, 2, norm_layer=None, activation_layer=None)[0].bias is not None
    mlp = ops.MLP(3, [5, 2], dropout=0.5)
    assert [type(m).__name__ for m in mlp] == ["Linear", "ReLU", "Dropout", "Linear", "Dropout"]
    frozen = ops.FrozenBatchNorm2d(2)
    frozen.load_state_dict(gg.nn.BatchNorm2d(2).state_dict())
    x = gg.randn(2, 2, 3, 3)
    np.testing.assert_allclose(frozen(x).numpy(), gg.nn.BatchNorm2d(2).eval()(x).detach().numpy(), 1e-5, 1e-6)
    assert not list(frozen.parameters()) and repr(frozen) == "FrozenBatchNorm2d(2, eps=1e-05)"
    assert ops.Permute([1, 0])(gg.zeros(2, 3)).shape == (3, 2)
    scaled = ops.SqueezeExcitation(4, 2)
    assert ((scaled(gg.ones(1, 4, 2, 2)) > 0) & (scaled(gg.ones(1, 4, 2, 2)) < 1)).all()
    assert repr(gg.nn.Hardswish(True)) == "Hardswish()" and repr(gg.nn.ReLU(True)) == "ReLU(inplace=True)"
