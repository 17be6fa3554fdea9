"""Attention with heads, embeddings by bags."""

from __future__ import annotations

import numpy as np

import glassgrad.nn.functional  # noqa: F401

from .make import case, const, distinct, ints, real

F = "nn.functional."
MULTI = F + "multi_head_attention_forward"
BAG = F + "embedding_bag"


def packed(
    length: int, keys: int, *batch: int, size: int = 4, heads: int = 2, bias: bool = False
) -> tuple[object, ...]:
    """The arguments up to out_proj_bias."""
    more = (real(size), real(size)) if bias else (None, None)
    return (
        real(length, *batch, size), real(keys, *batch, size), real(keys, *batch, size), size, heads,
        real(3 * size, size), real(3 * size), *more, bias, 0.0, real(size, size), real(size),
    )  # fmt: skip


HIDDEN = np.array([[False, False, True], [False, True, False]])

CASES = [
    case("plain", MULTI, *packed(2, 3, 2)),
    case("unbatched", MULTI, *packed(2, 3)),
    case("without weights", MULTI, *packed(2, 3, 2), need_weights=False, order=1),
    case("each head", MULTI, *packed(2, 3, 2), average_attn_weights=False),
    case("added mask", MULTI, *packed(2, 3, 2), attn_mask=real(2, 3)),
    case("mask by head", MULTI, *packed(2, 3, 2), attn_mask=real(4, 2, 3)),
    case("hidden keys", MULTI, *packed(2, 3, 2), key_padding_mask=const(HIDDEN)),
    case("both masks", MULTI, *packed(2, 3, 2), key_padding_mask=const(HIDDEN), attn_mask=const(HIDDEN)),
    case("both masks, no weights", MULTI, *packed(2, 3, 2), key_padding_mask=const(HIDDEN), attn_mask=const(HIDDEN),
         need_weights=False, order=1),
    case("more keys", MULTI, *packed(2, 3, 2, bias=True), attn_mask=const(HIDDEN), key_padding_mask=const(HIDDEN)),
    case("causal", MULTI, *packed(3, 3, 2), attn_mask=const(np.triu(np.ones((3, 3), bool), 1)), is_causal=True,
         need_weights=False, order=1),
    case(
        "separate", MULTI, real(2, 2, 4), real(3, 2, 2), real(3, 2, 3), 4, 2, None, real(12), None, None, False, 0.0,
        real(4, 4), None, use_separate_proj_weight=True, q_proj_weight=real(4, 4), k_proj_weight=real(4, 2),
        v_proj_weight=real(4, 3),
    ),
    case("static", MULTI, *packed(2, 3, 2), static_k=real(4, 3, 2), static_v=real(4, 3, 2)),
    case("mean", BAG, ints(0, 5, 6), real(5, 3), const([0, 2]), order=1),
    case("bags of three", BAG, ints(0, 5, 2, 3), real(5, 3), order=1),
    case("sum", BAG, ints(0, 5, 6), real(5, 3), const([0, 0, 4]), mode="sum", order=1),
    case("weighted", BAG, ints(0, 5, 6), real(5, 3), const([0, 2]), mode="sum", per_sample_weights=real(6), order=1),
    case("largest", BAG, ints(0, 5, 6), distinct(5, 3), const([0, 4, 4]), mode="max", order=1),
    case("last offset", BAG, ints(0, 5, 6), real(5, 3), const([0, 2, 6]), include_last_offset=True, order=1),
    case("padding", BAG, const([1, 2, 2, 4, 2, 2]), real(5, 3), const([0, 2, 4]), padding_idx=2, order=0),
    case("padding largest", BAG, const([1, 2, 2, 4, 2, 2]), distinct(5, 3), const([0, 2, 4]), padding_idx=2,
         mode="max", order=0),
    case("empty", BAG, ints(0, 5, 0), real(5, 3), const([0, 0]), order=0),
]  # fmt: skip
