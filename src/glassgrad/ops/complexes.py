"""The parts of complex numbers, and complex numbers from their parts. Of real tensors: themselves, and angle 0 or pi.

What flows backwards is dL/dRe - i dL/dIm (see core.graph.conjugated), so that only what is said here has formulas of
its own for complex numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import dtypes
from ..core.backend import Array
from ..core.fast import given, unary
from ..core.op import op
from ..core.tensor import Tensor
from .arithmetic import mul
from .choice import _flat, broadcast, where
from .elementwise import cos, is_complex_dtype, sin

__all__ = [
    "angle", "complex", "conj", "conj_physical", "imag", "is_conj", "is_neg", "isreal", "polar", "real",
    "resolve_conj", "resolve_neg", "view_as_complex", "view_as_real",
]  # fmt: skip
METHODS: tuple[str, ...] = (
    "angle", "conj", "conj_physical", "is_conj", "is_neg", "isreal", "resolve_conj", "resolve_neg",
)  # fmt: skip
IN_PLACE: tuple[str, ...] = ("conj_physical",)


# --- the parts ---


@op(jvp="linear", view=True)
def real_part(x: Array) -> Array:
    return x.real


@op(jvp="linear", view=True)
def imaginary_part(x: Array) -> Array:
    return x.imag


real_part.vjp(x=lambda g: _complex_of(g, 1))
imaginary_part.vjp(x=lambda g: _complex_of(g, -1j))


def _complex_of(g: Any, factor: Any) -> Any:
    """A real gradient times a complex number, in the complex dtype of its size."""
    array = getattr(g, "array", g)
    kind = np.result_type(array.dtype, np.complex64)
    wide = g.to(dtypes.of(kind)) if isinstance(g, Tensor) else g.astype(kind)
    return wide if factor == 1 else wide * kind.type(factor)


def real(input: Any) -> Any:
    """The real part, a view; a real tensor itself."""
    return real_part(input) if input.dtype.is_complex else input


def imag(input: Any) -> Any:
    """The imaginary part, a view. RuntimeError for real tensors."""
    if not input.dtype.is_complex:
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return imaginary_part(input)


def _angle(x: Array) -> Array:
    if x.dtype.kind == "c":
        return np.angle(x)
    return np.where(np.isnan(x), x, (x < 0) * np.pi).astype(x.dtype, copy=False)


def _angle_slope(g: Any, x: Any) -> Any:
    if not is_complex_dtype(x):
        return _flat(g)
    size = real_part(x) ** 2 + imaginary_part(x) ** 2
    return _complex_of(where(size == 0, 0, g / where(size == 0, 1, size)), -1j) * _conjugate(x)


angle = unary(_angle, "angle", floats=True, x=_angle_slope)
isreal = unary(np.isreal, "isreal")
_conjugate: Any = unary("conjugate", "conj", x=lambda g: _conjugate(g))


def conj(input: Any) -> Any:
    """The complex conjugate; a real tensor itself."""
    return _conjugate(input) if input.dtype.is_complex else input


def conj_physical(input: Any, *, out: Any = None) -> Any:
    """conj, which is always computed at once here."""
    return given(out, conj(input))


def resolve_conj(input: Any) -> Any:
    """input: PyTorch's lazy conjugates are not in glassgrad, so that there is nothing to resolve."""
    return input


def resolve_neg(input: Any) -> Any:
    """input: PyTorch's lazy negatives are not in glassgrad, so that there is nothing to resolve."""
    return input


def is_conj(input: Any) -> bool:
    """Whether input is a lazy conjugate: never."""
    return False


def is_neg(input: Any) -> bool:
    """Whether input is a lazy negative: never."""
    return False


# --- from their parts ---


def complex(real: Any, imag: Any, *, out: Any = None) -> Any:
    """real + i imag, of float tensors of one dtype. RuntimeError otherwise."""
    for x in (real, imag):
        if x.dtype.name not in ("float16", "float32", "float64"):
            raise RuntimeError(f"Expected both inputs to be Half, Float or Double tensors but got {x.dtype}")
    if real.dtype is not imag.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {real.dtype} but got scalar type {imag.dtype} for second argument"
        )
    made = complex_(*broadcast(real, imag))
    if out is not None and out.dtype is not made.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {made.dtype} but got scalar type {out.dtype} for argument 'out'"
        )
    return given(out, made)


@op(jvp="linear")
def complex_(real: Array, imag: Array) -> Array:
    made = np.empty(real.shape, np.result_type(real.dtype, np.complex64))
    made.real, made.imag = real, imag
    return made


complex_.vjp(real=lambda g: real_part(g), imag=lambda g: -imaginary_part(g))


def polar(abs: Any, angle: Any, *, out: Any = None) -> Any:
    """abs (cos(angle) + i sin(angle)), of float tensors of one dtype. RuntimeError otherwise."""
    for x in (abs, angle):
        if x.dtype.name not in ("float32", "float64"):
            raise RuntimeError(f"Expected both inputs to be Float or Double tensors but got {x.dtype}")
    if abs.dtype is not angle.dtype:
        raise RuntimeError(
            f"Expected object of scalar type {abs.dtype} but got scalar type {angle.dtype} for second argument"
        )
    return complex(mul(abs, cos(angle)), mul(abs, sin(angle)), out=out)


@op(jvp="linear", view=True)
def pairs_(x: Array) -> Array:
    return x[..., None].view(x.real.dtype)


pairs_.vjp(x=lambda g: _conjugate(complex_(g[..., 0], g[..., 1])))


def view_as_real(input: Tensor) -> Tensor:
    """(..., 2), the real and imaginary parts side by side, a view. RuntimeError for real tensors."""
    if not input.dtype.is_complex:
        raise RuntimeError("view_as_real is only supported for complex tensors")
    return pairs_(input)


@op(jvp="linear", view=True)
def joined_(x: Array) -> Array:
    return x.view(np.result_type(x.dtype, np.complex64))[..., 0]


joined_.vjp(x=lambda g: pairs_(_conjugate(g)))


def view_as_complex(input: Tensor) -> Tensor:
    """(..., 2) -> (...), a view of the last dim as real and imaginary parts. RuntimeError for any other size."""
    if input.dtype.name not in ("float32", "float64"):
        raise RuntimeError(f"view_as_complex is only supported for half, float and double tensors, not {input.dtype}")
    if not input.array.ndim or input.array.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    if input.array.strides[-1] != input.array.itemsize:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    return joined_(input)
