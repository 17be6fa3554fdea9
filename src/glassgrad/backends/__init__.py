"""Switches of PyTorch's backends. They can be read and set as in PyTorch without CUDA, and change nothing on a CPU."""

from __future__ import annotations

import warnings

from . import cpu, cuda, cudnn, mkl, mkldnn, mps, openmp, opt_einsum

__all__ = [
    "cpu", "cuda", "cudnn", "get_float32_matmul_precision", "mkl", "mkldnn", "mps", "openmp", "opt_einsum",
    "set_float32_matmul_precision",
]  # fmt: skip

PRECISIONS = ("highest", "high", "medium")
_precision = "highest"


def get_float32_matmul_precision() -> str:
    """'highest', unless set."""
    return _precision


def set_float32_matmul_precision(precision: str) -> None:
    """How exact products of float32 matrices may be on a GPU; here they are always float32's.

    'highest', 'high' or 'medium'; anything else changes nothing, with a warning.
    """
    global _precision
    if precision not in PRECISIONS:
        warnings.warn(f"{precision} is not one of 'highest', 'high', or 'medium': it has no effect", stacklevel=2)
        return
    _precision = precision
    cuda.matmul.allow_tf32 = precision != "highest"
