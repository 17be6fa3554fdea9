"""What is refused, with which exception and words. The oracle test checks that torch raises the same type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
import glassgrad.nn.functional

Make = Callable[[Any, Any, Callable[..., Any]], Any]  # (F, module, real(*shape) -> tensor)


def row(call: Make, error: type[Exception], words: str) -> Any:
    return pytest.param(call, error, words, id=words)


ERRORS = [
    row(
        lambda F, m, x: F.cross_entropy(x(4, 10), m.tensor([0, 1, 10, 3])), IndexError,
        "Target 10 is out of bounds",
    ),
    row(
        lambda F, m, x: F.nll_loss(x(4, 10), m.tensor([0, -1, 1, 3])), IndexError,
        "Target -1 is out of bounds",
    ),
    row(
        lambda F, m, x: F.cross_entropy(x(4, 10), m.tensor([0, 1, 3])), ValueError,
        r"batch_size \(4\) to match target",
    ),
    row(
        lambda F, m, x: F.cross_entropy(x(4, 10), m.tensor([0.0, 1, 3, 2])), RuntimeError,
        "Long or Byte, but got Float",
    ),
    row(
        lambda F, m, x: F.cross_entropy(x(4, 10), m.tensor([0, 1, 3, 2], dtype=m.int32)), RuntimeError,
        "but got Int",
    ),
    row(lambda F, m, x: F.cross_entropy(x(4, 10), x(4, 9)), RuntimeError, "Long or Byte"),
    row(
        lambda F, m, x: F.cross_entropy(x(4, 10), m.tensor([0] * 4), x(9)), RuntimeError,
        "for all 10 classes",
    ),
    row(
        lambda F, m, x: F.cross_entropy(x(4, 10), m.tensor([0] * 4), reduction="avg"), ValueError,
        "avg is not a valid value",
    ),
    row(
        lambda F, m, x: F.cross_entropy(x(4, 10), m.tensor([0] * 4), label_smoothing=1.5),
        RuntimeError, "Got: 1.5",
    ),
    row(
        lambda F, m, x: F.cross_entropy(m.ones(2, 3).long(), m.tensor([0, 1])), NotImplementedError,
        "not implemented for",
    ),
    row(
        lambda F, m, x: F.cross_entropy(x(2, 3), m.ones(2, 3).long()), RuntimeError,
        "Expected floating point type for target",
    ),
    row(
        lambda F, m, x: F.nll_loss(x(4, 10), m.tensor([[0]] * 4)), RuntimeError,
        "multi-target not supported",
    ),
    row(lambda F, m, x: F.nll_loss(x(2, 3, 4, 4), m.zeros(2, 4, 5).long()), RuntimeError, "size mismatch"),
    row(lambda F, m, x: F.mse_loss(x(4), [1]), (TypeError, AttributeError), "must be Tensor"),
    row(
        lambda F, m, x: F.l1_loss(x(4), x(4), reduction="x"), ValueError,
        "x is not a valid value for reduction",
    ),
    row(lambda F, m, x: F.smooth_l1_loss(x(4), x(4), beta=-1), RuntimeError, "negative values for beta"),
    row(lambda F, m, x: F.huber_loss(x(4), x(4), delta=0), RuntimeError, "non-positive values for delta"),
    row(lambda F, m, x: F.binary_cross_entropy(x(4) + 1.5, x(4)), RuntimeError, "of input should be between 0 and 1"),
    row(lambda F, m, x: F.binary_cross_entropy(x(4).sigmoid(), x(4) + 9), RuntimeError, "of target should be between"),
    row(lambda F, m, x: F.binary_cross_entropy(x(1), m.tensor([1])), RuntimeError, "Found dtype"),
    row(lambda F, m, x: F.binary_cross_entropy(x(4), x(3)), ValueError, "different to the input size"),
    row(
        lambda F, m, x: F.binary_cross_entropy_with_logits(x(4), x(3)), ValueError,
        "must be the same as input size",
    ),
    row(lambda F, m, x: F.cosine_embedding_loss(x(3, 4), x(3, 4), x(3, 4)), RuntimeError, "expects inputs"),
    row(
        lambda F, m, x: F.margin_ranking_loss(x(3), x(3), x(3, 1)), RuntimeError,
        "should have same dimension",
    ),
    row(
        lambda F, m, x: F.multi_margin_loss(x(4, 9), m.tensor([0, 1, 2, 30])), RuntimeError,
        "target out of range",
    ),
    row(
        lambda F, m, x: F.multi_margin_loss(x(4, 9), m.tensor([0, 1, 2, 3]), p=3), ValueError,
        "only p == 1 and p == 2",
    ),
    row(
        lambda F, m, x: F.triplet_margin_loss(x(4, 9), x(4, 9), x(9)), RuntimeError,
        "same number of dimensions",
    ),
    row(
        lambda F, m, x: F.triplet_margin_loss(x(4, 9), x(4, 9), x(4, 9), margin=-1), ValueError,
        "greater than 0",
    ),
    row(lambda F, m, x: F.gaussian_nll_loss(x(4, 3), x(4, 3), x(4, 3) - 9), ValueError, "negative entry"),
    row(lambda F, m, x: F.gaussian_nll_loss(x(4, 3), x(4, 3), x(4, 2)), ValueError, "incorrect size"),
    row(lambda F, m, x: F.softmax(x(2, 3), 2), IndexError, "Dimension out of range"),
    row(lambda F, m, x: F.softmax(m.tensor([1, 2]), 0), NotImplementedError, "not implemented for"),
    row(lambda F, m, x: F.linear(x(3, 4), x(5, 3)), RuntimeError, r"cannot be multiplied \(3x4 and 3x5\)"),
    row(lambda F, m, x: F.linear(x(3, 4), x(5, 4), x(6)), RuntimeError, "expanded size of the tensor"),
    row(lambda F, m, x: F.linear(x(3, 4), x(5, 4).double()), RuntimeError, "same dtype"),
    row(
        lambda F, m, x: F.bilinear(x(2, 3), x(3, 4), x(5, 3, 4)), RuntimeError,
        "batch dimensions do not match",
    ),
    row(lambda F, m, x: F.bilinear(x(2, 3), x(2, 4), x(5, 3, 3)), RuntimeError, "got 4 but expected 3"),
    row(lambda F, m, x: F.embedding(m.tensor([0, 5]), x(5, 2)), IndexError, "index out of range in self"),
    row(lambda F, m, x: F.embedding(m.tensor([0, -1]), x(5, 2)), IndexError, "index out of range in self"),
    row(lambda F, m, x: F.embedding(x(2), x(5, 2)), RuntimeError, "Long, Int"),
    row(
        lambda F, m, x: F.embedding(m.tensor([0]), x(5, 2), padding_idx=7), AssertionError,
        "within num_embeddings",
    ),
    row(lambda F, m, x: F.embedding(m.tensor([0]), x(5)), RuntimeError, "must be 2-D"),
    row(lambda F, m, x: F.dropout(x(3), 1.5), ValueError, "between 0 and 1, but got 1.5"),
    row(lambda F, m, x: F.alpha_dropout(x(3), -1), ValueError, "between 0 and 1, but got -1"),
    row(
        lambda F, m, x: F.scaled_dot_product_attention(x(2, 3, 4), x(2, 3, 5), x(2, 3, 4)),
        RuntimeError, "xpected",
    ),
    row(
        lambda F, m, x: F.batch_norm(x(1, 3), None, None, training=True), ValueError,
        "more than 1 value per channel",
    ),
    row(
        lambda F, m, x: F.batch_norm(x(2, 3), None, None), RuntimeError,
        "must be defined in evaluation mode",
    ),
    row(lambda F, m, x: F.batch_norm(x(2, 3), x(4), x(3)), RuntimeError, "should contain 3 elements not 4"),
    row(lambda F, m, x: F.layer_norm(x(2, 3), (4,)), RuntimeError, "Given normalized_shape"),
    row(lambda F, m, x: F.layer_norm(x(2, 3), (3,), x(2)), RuntimeError, "same shape as normalized_shape"),
    row(lambda F, m, x: F.layer_norm(x(2, 3), ()), RuntimeError, "at least 1-dimensional"),
    row(lambda F, m, x: F.group_norm(x(2, 3, 4), 2), RuntimeError, "divisible by num_groups"),
    row(lambda F, m, x: F.group_norm(x(2, 4), 2, x(3)), RuntimeError, "number of channels in input"),
    row(lambda F, m, x: F.instance_norm(x(2, 3, 1)), ValueError, "more than 1 spatial element"),
    row(lambda F, m, x: F.rms_norm(x(2, 3), (4,)), RuntimeError, "normalized_shape"),
    row(
        lambda F, m, x: F.conv2d(x(1, 3, 5, 5), x(2, 4, 3, 3)), RuntimeError,
        "to have 4 channels, but got 3 channels",
    ),
    row(
        lambda F, m, x: F.conv2d(x(1, 3, 2, 2), x(2, 3, 3, 3)), RuntimeError,
        "greater than actual input size",
    ),
    row(lambda F, m, x: F.conv2d(x(3, 5), x(2, 3, 3, 3)), RuntimeError, r"Expected 3D \(unbatched\) or 4D"),
    row(
        lambda F, m, x: F.conv2d(x(1, 3, 5, 5), x(2, 3, 3, 3), x(3)), RuntimeError,
        "expected bias to be 1-dimensional",
    ),
    row(
        lambda F, m, x: F.conv2d(x(1, 3, 5, 5), x(2, 3, 3, 3), stride=0), RuntimeError,
        "non-positive stride",
    ),
    row(lambda F, m, x: F.conv2d(x(1, 3, 5, 5), x(2, 3, 3, 3), padding=-1), RuntimeError, "negative padding"),
    row(
        lambda F, m, x: F.conv2d(x(1, 3, 5, 5), x(2, 3, 3, 3), padding="foo"), RuntimeError,
        "Invalid padding string",
    ),
    row(
        lambda F, m, x: F.conv2d(x(1, 3, 5, 5), x(2, 3, 3, 3), padding="same", stride=2), RuntimeError,
        "strided conv",
    ),
    row(
        lambda F, m, x: F.conv2d(x(1, 4, 5, 5), x(3, 2, 3, 3), groups=2), RuntimeError,
        "divisible by 2 at dimension 0",
    ),
    row(
        lambda F, m, x: F.conv2d(x(1, 3, 5, 5), x(2, 3, 3, 3).double()), RuntimeError,
        "expected scalar type",
    ),
    row(
        lambda F, m, x: F.conv2d(x(1, 3, 5, 5), x(2, 3, 3, 3), stride=(1, 1, 1)), RuntimeError,
        "stride=.1, 1, 1.",
    ),
    row(lambda F, m, x: F.conv_transpose2d(x(1, 3, 5, 5), x(2, 3, 3, 3)), RuntimeError, "to have 2 channels"),
    row(
        lambda F, m, x: F.conv_transpose2d(x(1, 3, 5, 5), x(3, 3, 3, 3), output_padding=1),
        RuntimeError, "output padding must be smaller",
    ),
    row(lambda F, m, x: F.max_pool2d(x(1, 3, 5, 5), 6), RuntimeError, "Output size is too small"),
    row(
        lambda F, m, x: F.max_pool2d(x(1, 3, 5, 5), 2, padding=2), RuntimeError,
        "at most half of effective kernel",
    ),
    row(lambda F, m, x: F.max_pool2d(x(5, 5), 2), RuntimeError, "3D or 4D"),
    row(lambda F, m, x: F.max_pool2d(x(1, 3, 5, 5), 2, stride=0), RuntimeError, "stride should not be zero"),
    row(
        lambda F, m, x: F.avg_pool2d(x(1, 3, 5, 5), 2, divisor_override=0), RuntimeError,
        "divisor must be not zero",
    ),
    row(lambda F, m, x: F.adaptive_avg_pool2d(x(5, 5), 2), RuntimeError, "Expected 3D or 4D tensor"),
    row(lambda F, m, x: F.interpolate(x(4, 10), scale_factor=2), NotImplementedError, "2D"),
    row(
        lambda F, m, x: F.interpolate(x(1, 4, 9), scale_factor=2, mode="bilinear"),
        NotImplementedError, "bilinear",
    ),
    row(
        lambda F, m, x: F.interpolate(x(1, 4, 9)), ValueError,
        "either size or scale_factor should be defined",
    ),
    row(lambda F, m, x: F.interpolate(x(1, 4, 9), 3, 2), ValueError, "only one of size or scale_factor"),
    row(
        lambda F, m, x: F.pixel_shuffle(x(1, 3, 2, 2), 2), RuntimeError,
        "divisible by the square of upscale_factor",
    ),
    row(lambda F, m, x: F.unfold(x(1, 3, 2, 2), 3), RuntimeError, "components must be at least one"),
    row(
        lambda F, m, x: F.fold(x(1, 3, 2), (3, 3), 2), RuntimeError,
        "divisible by the product of kernel_size",
    ),
    row(lambda F, m, x: F.fold(x(1, 4, 3), (3, 3), 2), RuntimeError, "calculated number of sliding blocks"),
    row(lambda F, m, x: F.adaptive_avg_pool2d(x(2, 2), (2, 2)), ValueError, "Input dimension should be at least 3"),
    row(lambda F, m, x: F.adaptive_max_pool2d(x(1, 2, 5, 5), ()), RuntimeError, "output_size"),
    row(lambda F, m, x: F.interpolate(x(1, 2, 9), 3, mode="linear", antialias=True), ValueError, "Anti-alias option"),
    row(lambda F, m, x: F.embedding(m.tensor([0]), x(3)), RuntimeError, "'weight' must be 2-D"),
    row(lambda F, m, x: F.multi_margin_loss(x(2, 3), m.tensor([0, 1]), weight=x(3, 1)), ValueError,
        "weight must be one-dimensional"),
    row(lambda F, m, x: F.multilabel_margin_loss(x(2, 3), m.tensor([[0, 1], [0, 1]])), RuntimeError,
        "inconsistent target size"),
    row(lambda F, m, x: F.multilabel_margin_loss(x(1, 3), m.tensor([[0, 3, 1]])), RuntimeError,
        "argument #2 'target' is out of range"),
    row(lambda F, m, x: F.linear_cross_entropy(x(2, 3), x(4, 2), m.tensor([0, 1])), RuntimeError,
        "expected equal input and linear_weight last dimensions"),
    row(lambda F, m, x: F.linear_cross_entropy(x(2, 3), x(3), m.tensor([0, 1])), RuntimeError,
        "linear_weight with dimensionality at least 2"),
    row(lambda F, m, x: F.embedding_bag(m.tensor([0, 1]), x(4, 2)), ValueError, "1D Tensor but got None"),
    row(lambda F, m, x: F.embedding_bag(m.tensor([[0, 1]]), x(4, 2), m.tensor([0])), ValueError,
        "then offsets has to be None"),
    row(lambda F, m, x: F.embedding_bag(m.tensor([0, 1]), x(4, 2), m.tensor([1])), RuntimeError,
        r"offsets\[0\] has to be 0"),
    row(lambda F, m, x: F.embedding_bag(m.tensor([[0, 1]]), x(4, 2), per_sample_weights=x(1, 2)),
        NotImplementedError, "only supported for mode='sum'"),
    row(lambda F, m, x: F.max_unpool1d(x(1, 1, 2), m.tensor([[[0, 7]]]), 2), RuntimeError, "invalid max index"),
    row(lambda F, m, x: F.max_unpool1d(x(1, 1, 2), m.tensor([[[0, 1]]]), 2, output_size=(9,)), ValueError,
        "invalid output_size"),
    row(lambda F, m, x: F.fractional_max_pool2d(x(1, 1, 6, 6), 2), ValueError, "either an output_size or"),
    row(lambda F, m, x: F.fractional_max_pool2d(x(1, 1, 6, 6), 7, 2), RuntimeError, "too large relative to input"),
    row(lambda F, m, x: F.grid_sample(x(1, 1, 3, 3), x(1, 2, 2, 2), "cubic", align_corners=False), ValueError,
        "expected mode to be"),
    row(lambda F, m, x: F.grid_sample(x(1, 1, 3, 3), x(1, 2, 2, 3), align_corners=False), RuntimeError,
        "size 2 in last dimension"),
    row(lambda F, m, x: F.affine_grid(x(1, 2, 2), (1, 1, 3, 3), align_corners=False), ValueError,
        "batch of 2D affine matrices"),
    row(lambda F, m, x: F.affine_grid(x(1, 2, 3), (1, 3, 3), align_corners=False), NotImplementedError,
        "only supports 4D and 5D sizes"),
    row(lambda F, m, x: F.ctc_loss(x(3, 1, 4), m.tensor([[1]]), (3,), (1,), blank=4), RuntimeError,
        "blank must be in label range"),
    row(lambda F, m, x: F.ctc_loss(x(3, 1, 4), m.tensor([[1]]), (4,), (1,)), RuntimeError, "at most 3, but got"),
    row(lambda F, m, x: F.ctc_loss(x(3, 1, 4), m.tensor([1]), (3,), (2,)), RuntimeError, "at dimension 0"),
    row(lambda F, m, x: F.multi_head_attention_forward(x(2, 1, 4), x(3, 1, 4), x(3, 1, 4), 5, 2, x(12, 4), None, None,
        None, False, 0.0, x(4, 4), None), AssertionError, "embedding dimension of 5"),
    row(lambda F, m, x: F.multi_head_attention_forward(x(2, 1, 4), x(3, 1, 4), x(3, 1, 4), 4, 3, x(12, 4), None, None,
        None, False, 0.0, x(4, 4), None), AssertionError, "not divisible by num_heads"),
    row(lambda F, m, x: F.multi_head_attention_forward(x(2, 1, 4), x(3, 1, 4), x(3, 1, 4), 4, 2, x(12, 4), None, None,
        None, False, 0.0, x(4, 4), None, attn_mask=x(3, 3)), RuntimeError, "2D attn_mask is"),
]  # fmt: skip


def real(module: Any) -> Callable[..., Any]:
    return lambda *shape: module.tensor(np.random.default_rng(0).uniform(0.1, 0.9, shape).astype(np.float32))


@pytest.mark.parametrize(("call", "error", "words"), ERRORS)
def test_refused(call: Make, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        call(gg.nn.functional, gg, real(gg))


def test_only_here_refused() -> None:
    F = gg.nn.functional
    with pytest.raises(RuntimeError, match="labels must be in"):  # PyTorch reads beyond the end
        F.ctc_loss(gg.zeros(3, 1, 4), gg.tensor([[9]]), (3,), (1,))
    with pytest.raises(RuntimeError, match="must be None when is_causal"):
        F.scaled_dot_product_attention(*[gg.ones(2, 2)] * 3, attn_mask=gg.ones(2, 2), is_causal=True)
