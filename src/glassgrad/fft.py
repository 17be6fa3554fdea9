"""Fourier transforms under PyTorch's names: glassgrad.fft.rfft(x), as torch.fft. See ops/spectral.py."""

from __future__ import annotations

from .core.keywords import lenient
from .ops.spectral import TRANSFORMS, fftfreq, fftshift, ifftshift, rfftfreq

__all__ = [*TRANSFORMS, "fftfreq", "fftshift", "ifftshift", "rfftfreq"]  # noqa: PLE0604 (they are strings)

globals().update({name: lenient(call) for name, call in TRANSFORMS.items()})
