"""Normalisation and distances."""

from __future__ import annotations

import glassgrad.nn.functional  # noqa: F401

from .make import case, ints, positive, real

F = "nn.functional."

CASES = [
    case("plain", F + "layer_norm", real(3, 4), (4,), real(4), real(4)),
    case("bare", F + "layer_norm", real(3, 4), [4]),
    case("two dims", F + "layer_norm", real(2, 3, 4), (3, 4), real(3, 4), real(3, 4)),
    case("weight only", F + "layer_norm", real(3, 4), (4,), real(4), eps=0.1),
    case("far", F + "layer_norm", real(3, 4, low=9.0, high=11.0), (4,), tolerance=1e-5),
    case("empty", F + "layer_norm", real(0, 4), (4,), real(4), real(4)),
    case("plain", F + "rms_norm", real(3, 4), (4,), real(4)),
    case("bare eps", F + "rms_norm", real(2, 3, 4), (3, 4), eps=0.1),
    case("training", F + "batch_norm", real(4, 3), None, None, real(3), real(3), True),
    case("training 2d", F + "batch_norm", real(2, 3, 2, 2), None, None, real(3), real(3), True),
    case("training bare", F + "batch_norm", real(4, 3), None, None, training=True),
    case("plain", F + "group_norm", real(2, 4, 3), 2, real(4), real(4)),
    case("bare", F + "group_norm", real(2, 4, 2, 2), 4),
    case("one group", F + "group_norm", real(2, 4), 1),
    case("plain", F + "instance_norm", real(2, 3, 4), weight=real(3), bias=real(3)),
    case("bare 2d", F + "instance_norm", real(2, 3, 2, 2)),
    case("plain", F + "local_response_norm", real(2, 5, 3), 3, alpha=0.5, k=2.0),
    case("even", F + "local_response_norm", real(2, 5, 2, 2), 2, beta=0.5),
    case("plain", F + "normalize", real(3, 4)),
    case("p 1 first", F + "normalize", positive(3, 4), p=1.0, dim=0),
    case("plain", F + "cosine_similarity", real(3, 4), real(3, 4)),
    case("broadcast", F + "cosine_similarity", real(3, 1, 4), real(1, 2, 4), dim=-1),
    case("plain", F + "pairwise_distance", real(3, 4), real(3, 4)),
    case("p 1 keep", F + "pairwise_distance", real(3, 4), real(4), p=1.0, keepdim=True, order=1),
    case("p 3", F + "pairwise_distance", real(3, 4), real(3, 4), p=3.0, eps=0.1),
    case("nothing", F + "batch_norm", real(0), real(0), real(0), real(3), real(3), False, order=0),
    case("training", "native_batch_norm", real(4, 3), real(3), real(3), None, None, True, 0.1, 0.01),
    case("not training", "native_batch_norm", real(4, 3), None, None, real(3), positive(3), False, 0.1, 0.01,
         order=0),
    case("plain", "_native_batch_norm_legit", real(4, 3), real(3), None, True, 0.1, 0.01, torch=False),
    case("plain", "_batch_norm_with_update", real(4, 3), real(3), real(3), real(3), positive(3), 0.1, 0.01, order=0,
         torch=False),
    case("plain", "native_layer_norm", real(3, 4), (4,), real(4), real(4), 0.01),
    case("plain", "native_group_norm", real(2, 4, 3), real(4), real(4), 2, 4, 3, 2, 0.01),
    case("ints", F + "local_response_norm", ints(0, 9, 2, 5, 3), 2, order=0),
]  # fmt: skip
