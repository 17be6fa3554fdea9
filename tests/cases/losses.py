"""Losses: every one in its three reductions, then what is particular to it. Kinks are kept at a distance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import glassgrad.nn.functional  # noqa: F401

from .make import Draw, away, case, const, ints, near, positive, real, values

F = "nn.functional."
REDUCTIONS = ("mean", "sum", "none")
SIGNS = const([1, -1, 1, -1])


def unit(*shape: int) -> Draw:
    return real(*shape, low=0.1, high=0.9)


def share(*shape: int) -> Draw:
    """Probabilities along dim 1."""

    def make(rng: np.random.Generator, s: tuple[int, ...]) -> np.ndarray:
        q = rng.uniform(0.2, 1.0, s)
        return q / q.sum(1, keepdims=True)

    return Draw(shape, make)


ELEMENTWISE = {
    "mse_loss": (real(3, 4), real(3, 4)),
    "l1_loss": (near(1.0, 3, 4), near(-1.0, 3, 4)),
    "smooth_l1_loss": (near(0.0, 3, 4), near(3.0, 3, 4)),
    "huber_loss": (near(0.0, 3, 4), near(3.0, 3, 4)),
    "binary_cross_entropy": (unit(3, 4), unit(3, 4)),
    "binary_cross_entropy_with_logits": (real(3, 4), unit(3, 4)),
    "soft_margin_loss": (real(4), SIGNS),
    "multilabel_soft_margin_loss": (real(3, 4), unit(3, 4)),
    "kl_div": (real(3, 4), unit(3, 4)),
    "poisson_nll_loss": (real(3, 4), positive(3, 4)),
    "gaussian_nll_loss": (real(3, 4), real(3, 4), positive(3, 4)),
    "hinge_embedding_loss": (near(0.3, 4), SIGNS),
    "margin_ranking_loss": (near(1.0, 4), near(-1.0, 4), SIGNS),
    "cosine_embedding_loss": (real(4, 3), real(4, 3), SIGNS),
    "triplet_margin_loss": (real(3, 4), real(3, 4), real(3, 4)),
    "triplet_margin_with_distance_loss": (real(3, 4), real(3, 4), real(3, 4)),
    "multi_margin_loss": (near(0.0, 3, 4), const([0, 3, 1])),
    "nll_loss": (real(3, 4), const([0, 3, 1])),
    "cross_entropy": (real(3, 4), const([0, 3, 1])),
}
MIXED = const([2, -100, 0, 1, -100])
LABELS = const([[2, 0, -1, 1], [1, 2, 0, 3]])


@dataclass(frozen=True)
class Chunks:
    batch_chunk_size: int


CASES = [
    *[
        case(r, F + name, *args, reduction=r, order=1 if name in ("multi_margin_loss", "l1_loss") else 2)
        for name, args in ELEMENTWISE.items()
        for r in REDUCTIONS
        if (name, r) != ("kl_div", "mean")  # where torch warns
    ],
    *[
        case("far " + r, F + "binary_cross_entropy_with_logits", away(4, gap=300.0, high=400.0), unit(4), reduction=r)
        for r in REDUCTIONS
    ],
    case("0-d", F + "mse_loss", real(), real()),
    case("empty sum", F + "mse_loss", real(0, 3), real(0, 3), reduction="sum"),
    case("small", F + "smooth_l1_loss", near(0.0, 3), near(0.3, 3), beta=0.5),
    case("beta 0", F + "smooth_l1_loss", near(0.0, 3), near(1.0, 3), beta=0.0, order=1),
    case("small", F + "huber_loss", near(0.0, 3), near(0.3, 3), delta=0.6),
    case("large", F + "huber_loss", near(0.0, 3), near(3.0, 3), delta=0.6),
    *[case("log " + r, F + "kl_div", real(3, 4), real(3, 4), reduction=r, log_target=True) for r in ("none", "sum")],
    case("batch", F + "kl_div", real(3, 4), unit(3, 4), reduction="batchmean"),
    case("full", F + "poisson_nll_loss", real(6), values([0.1, 0.9, 2.0, 5.0, 0.5, 3.0]), full=True),
    case("not log", F + "poisson_nll_loss", positive(4), positive(4), log_input=False),
    case("full", F + "gaussian_nll_loss", real(3, 4), real(3, 4), positive(3, 1), full=True),
    case("per row", F + "gaussian_nll_loss", real(3, 4), real(3, 4), positive(3)),
    case("number", F + "gaussian_nll_loss", real(3, 4), real(3, 4), 0.7),
    case("far", F + "hinge_embedding_loss", near(2.0, 4), SIGNS),
    case("margin", F + "cosine_embedding_loss", near(1.0, 4, 3), near(1.0, 4, 3), SIGNS, margin=0.2),
    case("one", F + "cosine_embedding_loss", real(3), real(3), const(1.0)),
    case(
        "swap p 1", F + "triplet_margin_loss", real(3, 4), real(3, 4), real(3, 4), margin=3.0, p=1,
        swap=True, order=1,
    ),
    case("p 2", F + "multi_margin_loss", near(0.0, 3, 4), const([0, 3, 1]), p=2, margin=0.5, order=1),
    case("one", F + "multi_margin_loss", near(0.0, 4), const(2), order=1),
    *[
        c
        for name in ("nll_loss", "cross_entropy")
        for r in REDUCTIONS
        for c in (
            case(f"ignored {r}", F + name, real(5, 4), MIXED, reduction=r),
            case(f"2d {r}", F + name, real(2, 4, 2, 3), ints(0, 4, 2, 2, 3), reduction=r),
            case(f"one {r}", F + name, real(4), const(2), reduction=r),
        )
    ],
    case("class ignored", F + "nll_loss", real(3, 4), const([0, 3, 1]), ignore_index=3),
    case("bytes", F + "nll_loss", real(3, 4), const([0, 3, 1], np.uint8)),
    case("empty sum", F + "nll_loss", real(0, 4), ints(0, 4, 0), reduction="sum"),
    case("far", F + "cross_entropy", real(3, 4, low=-900.0, high=900.0), const([0, 3, 1])),
    *[
        c
        for r in REDUCTIONS
        for c in (
            case(
                f"smooth {r}", F + "cross_entropy", real(3, 4), const([0, 3, 1]), label_smoothing=0.1,
                reduction=r,
            ),
            case(f"shares {r}", F + "cross_entropy", real(3, 4), share(3, 4), reduction=r),
        )
    ],
    case("shares one", F + "cross_entropy", real(4), unit(4)),
    *[
        c
        for r in REDUCTIONS
        for c in (
            case(r, F + "multilabel_margin_loss", near(0.0, 2, 4), LABELS, reduction=r, order=1),
            case(r, F + "linear_cross_entropy", real(3, 2), real(4, 2), const([0, 3, 1]), reduction=r),
            case(
                f"chunks {r}", F + "linear_cross_entropy", real(5, 2), real(4, 2), MIXED, linear_bias=real(4),
                ignore_index=-100, reduction=r, options=Chunks(2),
                torch=False,
            ),
        )
    ],
    case("one", F + "multilabel_margin_loss", near(0.0, 4), const([2, 0, -1, 1]), order=1),
    case("no labels", F + "multilabel_margin_loss", near(0.0, 2, 3), const([[-1, 0, 1]] * 2), order=0),
    case("number", F + "multi_margin_loss", near(0.0), const(0), order=0),
    case("shares", F + "linear_cross_entropy", real(3, 2), real(4, 2), share(3, 4), linear_bias=real(4)),
    case("places", F + "linear_cross_entropy", real(3, 2), real(4, 5, 2), ints(0, 4, 3, 5)),
    case("one", F + "linear_cross_entropy", real(2), real(4, 2), const(2), label_smoothing=0.1),
]  # fmt: skip
