"""Rows of ops/spectral.py. Complex tensors have no gradient yet, so none of these is differentiated."""

from __future__ import annotations

from .make import Case, case, real

CASES: list[Case] = [
    *[
        case(f"{way} {norm}", f"fft.{way}fft", real(3, 5), norm=norm, order=0)
        for way in ("", "i", "r", "ir", "h", "ih")
        for norm in ("backward", "ortho", "forward")
    ],
    *[
        case("cut and filled", f"fft.{way}fft{dims}", real(2, 4, 3), s=(3, 5), dim=(0, 2), order=0)
        for way in ("", "i", "r", "ir", "h", "ih")
        for dims in ("2", "n")
    ],
    case("n and dim", "fft.rfft", real(4, 3), n=7, dim=0, order=0),
    case("all dims", "fft.fftn", real(2, 3, 4), order=0),
    case("odd size", "fft.irfftn", real(3, 3), s=(3, 5), order=0),
    case("shift", "fft.fftshift", real(4, 5)),
    case("shift of one dim", "fft.ifftshift", real(4, 5), dim=1),
    case("frequencies", "fft.fftfreq", 5, 0.5, order=0),
    case("frequencies", "fft.rfftfreq", 6, order=0),
]
