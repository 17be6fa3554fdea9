"""Pooling undone or at random places, sampling at any position, anti-aliased resizing, CTC."""

from __future__ import annotations

import glassgrad.nn.functional  # noqa: F401

from .make import Draw, case, const, distinct, ints, real, values

F = "nn.functional."
PADDINGS = ("zeros", "border", "reflection")


def places(*shape: int) -> Draw:
    """Positions inside and outside an image, none near the edge of an element of 4 x 5 or 3 x 4 x 5."""

    def make(rng, s):  # type: ignore[no-untyped-def]
        return rng.choice([-1.31, -0.87, -0.43, -0.13, 0.11, 0.37, 0.71, 1.23], s) + rng.uniform(-0.004, 0.004, s)

    return Draw(shape, make)


CASES = [
    case("plain", F + "max_unpool1d", real(1, 2, 2), const([[[1, 2], [0, 3]]]), 2),
    case("unbatched", F + "max_unpool1d", real(2, 2), const([[1, 2], [0, 3]]), 2, output_size=(5,)),
    case("plain", F + "max_unpool2d", real(1, 1, 2, 2), const([[[[0, 3], [9, 15]]]]), 2),
    case("stride", F + "max_unpool2d", real(1, 1, 2, 1), const([[[[4], [7]]]]), 3, 2, 1, output_size=[1, 1, 4, 2]),
    case("plain", F + "max_unpool3d", real(1, 1, 1, 1, 2), const([[[[[3, 12]]]]]), 2),
    case("indices", F + "max_pool2d_with_indices", distinct(1, 2, 4, 4), 2),
    case(
        "plain", F + "fractional_max_pool2d", distinct(1, 2, 5, 6), 2, (2, 3), None, True,
        values([[[0.3, 0.8], [0.1, 0.6]]]), order=0,
    ),
    case("even", F + "fractional_max_pool2d", distinct(1, 2, 4, 4), (2, 1), 1),
    case("ratio", F + "fractional_max_pool2d", distinct(2, 6, 6), 1, output_ratio=(0.5, 1.0), order=0,
         _random_samples=values([[[0.3, 0.9]] * 2])),
    case("plain", F + "fractional_max_pool3d", distinct(1, 1, 4, 5, 5), 2, (2, 2, 3), order=0,
         _random_samples=values([[[0.3, 0.9, 0.6]]])),
    case("one", F + "fractional_max_pool3d", distinct(1, 2, 3, 3, 3), 2, 1),
    *[
        case(
            f"{mode} {padding} {corners}", F + "grid_sample", real(2, 2, 4, 5), places(2, 3, 2, 2), mode=mode,
            padding_mode=padding, align_corners=corners, tolerance=1e-5,
        )
        for mode in ("bilinear", "nearest", "bicubic")
        for padding in PADDINGS
        for corners in (False, True)
    ],
    *[
        case(f"3-d {mode} {padding}", F + "grid_sample", real(1, 2, 3, 4, 5), places(1, 2, 1, 2, 3), mode=mode,
             padding_mode=padding, align_corners=False, tolerance=1e-5)
        for mode in ("bilinear", "nearest")
        for padding in PADDINGS
    ],
    case("plain", "grid_sampler", real(1, 1, 4, 5), places(1, 2, 2, 2), 0, 0, True),
    case("plain", "grid_sampler_2d", real(1, 1, 4, 5), places(1, 2, 2, 2), 2, 1, False),
    case("plain", "grid_sampler_3d", real(1, 1, 3, 4, 5), places(1, 1, 2, 2, 3), 0, 2, False),
    case("plain", F + "affine_grid", real(2, 2, 3), (2, 1, 3, 4), align_corners=False),
    case("3-d", F + "affine_grid", real(1, 3, 4), [1, 1, 2, 3, 2], align_corners=True),
    case("one", "affine_grid_generator", real(1, 2, 3), (1, 1, 1, 3), False),
    case("smaller", F + "interpolate", real(1, 2, 7, 5), size=(3, 2), mode="bilinear", antialias=True),
    case("larger", F + "interpolate", real(1, 2, 3, 4), size=(5, 7), mode="bilinear", antialias=True),
    case("smaller by", F + "interpolate", real(1, 2, 7, 5), scale_factor=0.45, mode="bicubic", antialias=True),
    case("corners", F + "interpolate", real(1, 2, 7, 5), size=3, mode="bicubic", antialias=True, align_corners=True),
    case("plain", "_upsample_bilinear2d_aa", real(1, 1, 5, 4), (2, 3), False, torch=False),
    case("scales", "_upsample_bilinear2d_aa", real(1, 1, 5, 4), (2, 3), False, scales_h=0.5, scales_w=0.8, torch=False),
    case("plain", F + "upsample_nearest", real(1, 2, 3, 3), scale_factor=2, torch=False),
    case("plain", F + "upsample_bilinear", real(1, 2, 3, 3), size=(4, 5), torch=False),
    # PyTorch's gradient is that through log_softmax: the rows compare values, tests/oracle the gradient on logits.
    *[
        case(r, F + "ctc_loss", real(5, 2, 4, low=-3.0, high=-0.5), const([[1, 1], [3, 2]]), (5, 4), (2, 2),
             reduction=r, torch=False)
        for r in ("mean", "sum", "none")
    ],
    case("one after another", F + "ctc_loss", real(5, 3, 4, low=-3.0, high=-0.5), const([1, 2, 3]), const([5, 4, 3]),
         const([2, 0, 1]), torch=False),
    case("unbatched", F + "ctc_loss", real(4, 3, low=-3.0, high=-0.5), const([1, 2]), const(4), const(2), torch=False),
    case("impossible", F + "ctc_loss", real(3, 2, 4, low=-3.0, high=-0.5), const([[1, 1], [3, 3]]), (3, 2), (2, 2),
         zero_infinity=True, torch=False),
    case("values", F + "ctc_loss", real(5, 2, 4, low=-3.0, high=-0.5), ints(1, 4, 2, 2), (5, 4), (2, 1), order=0),
]  # fmt: skip
