"""Softmax, linear, embedding, attention, dropout where it draws nothing."""

from __future__ import annotations

import numpy as np

import glassgrad.nn.functional  # noqa: F401  (makes the paths below resolve)

from .make import bools, case, const, ints, near, real

F = "nn.functional."
CAUSAL_BUT_ONE = np.array([[True, False, True], [True, True, False]])

CASES = [
    *[
        c
        for name in ("softmax", "log_softmax", "softmin")
        for c in (
            case("plain", F + name, real(3, 4), dim=1),
            case("first", F + name, real(3, 4), dim=0),
            case("middle", F + name, real(2, 3, 2), dim=-2),
            case("far", F + name, real(3, 4, low=990.0, high=1000.0), dim=1),
            case("0-d", F + name, real(), dim=0),
            case("empty", F + name, real(0, 3), dim=1),
            case("empty dim", F + name, real(3, 0), dim=1),
        )
    ],
    case("method", "Tensor.softmax", real(3, 4), 1),
    case("method", "Tensor.log_softmax", real(3, 4), -1),
    case("plain", "softmax", real(3, 4), 1),
    case("plain", F + "linear", real(3, 4), real(2, 4), real(2)),
    case("no bias", F + "linear", real(3, 4), real(2, 4)),
    case("vector", F + "linear", real(4), real(2, 4), real(2)),
    case("3-d", F + "linear", real(2, 3, 4), real(2, 4), real(2)),
    case("one bias", F + "linear", real(3, 4), real(2, 4), real(1)),
    case("one weight", F + "linear", real(3, 4), real(4)),
    case("empty batch", F + "linear", real(0, 4), real(2, 4), real(2)),
    case("no features", F + "linear", real(3, 0), real(2, 0), real(2)),
    case("plain", F + "bilinear", real(3, 2), real(3, 4), real(5, 2, 4), real(5)),
    case("3-d no bias", F + "bilinear", real(2, 3, 2), real(2, 3, 4), real(5, 2, 4)),
    case("matrix of indices", F + "embedding", ints(0, 5, 2, 3), real(5, 4)),
    case("repeated", F + "embedding", const([0, 0, 1, 0]), real(3, 2)),
    case("int32", F + "embedding", ints(0, 5, 3, dtype=np.int32), real(5, 2)),
    case("one", F + "embedding", const(2), real(5, 2)),
    case("empty", F + "embedding", ints(0, 5, 0), real(5, 2)),
    case("plain", F + "scaled_dot_product_attention", real(2, 3, 4), real(2, 5, 4), real(2, 5, 6)),
    case("2-d scale", F + "scaled_dot_product_attention", real(3, 4), real(3, 4), real(3, 2), scale=0.3),
    case("causal", F + "scaled_dot_product_attention", *[real(2, 4, 3)] * 3, is_causal=True),
    case(
        "causal long", F + "scaled_dot_product_attention", real(1, 2, 3), real(1, 4, 3), real(1, 4, 3),
        is_causal=True,
    ),
    case(
        "mask", F + "scaled_dot_product_attention", real(2, 2, 4), real(2, 3, 4), real(2, 3, 4),
        attn_mask=const(CAUSAL_BUT_ONE),
    ),
    case("added mask", F + "scaled_dot_product_attention", *[real(2, 3, 4)] * 3, attn_mask=real(3, 3)),
    case(
        "groups", F + "scaled_dot_product_attention", real(2, 4, 3, 2), real(2, 2, 3, 2), real(2, 2, 3, 2),
        enable_gqa=True, order=1,
    ),
    *[
        case("eval", F + name, real(2, 3, 4), 0.5, False)
        for name in ("dropout", "dropout1d", "alpha_dropout", "feature_alpha_dropout")
    ],
    case("eval", F + "dropout2d", real(2, 3, 2, 2), 0.5, False),
    case("eval", F + "dropout3d", real(2, 3, 4, 1, 1), 0.5, False),
    case("p 0", F + "dropout", real(3, 4), 0.0),
    case("p 1", F + "dropout", real(3, 4), 1.0),
    case("p 0 inputs near", F + "alpha_dropout", near(1.0, 3), 0.0, True),
    case(
        "masked half", F + "scaled_dot_product_attention", *[real(1, 2, 2)] * 3,
        attn_mask=const([[True, False]] * 2),
    ),
    case(
        "mask of heads", F + "scaled_dot_product_attention", *[real(2, 2, 3, 2)] * 3,
        attn_mask=bools(2, 1, 3, 3), order=0,
    ),
    case("p 0", "native_dropout", real(3, 4), 0.0, True),
    case("p 1", "native_dropout", real(3, 4), 1.0, True),
    case("eval", "native_dropout", real(3, 4), 0.5, False),
    case("plain", "native_dropout_backward", real(3, 4), bools(3, 4), 2.0, torch=False),
]  # fmt: skip
