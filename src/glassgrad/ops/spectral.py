"""Discrete Fourier transforms of real and complex tensors, as torch.fft gives them.

y_k = scale * sum over j of x_j exp(-2 pi i j k / n), and +2 pi i for the inverse. norm says where the scale 1/n goes:
"backward" (None) to the inverse, "forward" to the other one, "ortho" half to each. A sequence is cut or filled with
zeros to n first. A real sequence has a Hermitian spectrum, of which rfft gives and irfft takes the first n // 2 + 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.backend import Array, as_device, xp_for, xp_of
from ..core.dtypes import complex64, get_default_dtype, promote_types
from ..core.op import op
from ..core.tensor import Tensor
from .complexes import real_part
from .create import finish
from .parts import place, slice_
from .shape import wrap

SWAPPED = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


@op(jvp="linear")
def fourier(x: Array, *, sizes: tuple[int, ...], dims: tuple[int, ...], norm: str, inverse: bool) -> Array:
    """Complex to complex."""
    fft = xp_of(x).fft
    return (fft.ifftn if inverse else fft.fftn)(x, sizes, dims, norm) if dims else x


@op(jvp="linear")
def spectrum(x: Array, *, sizes: tuple[int, ...], dims: tuple[int, ...], norm: str, inverse: bool) -> Array:
    """Real to complex; half of the last dim. inverse: of the inverse transform."""
    y = xp_of(x).fft.rfftn(x, sizes, dims, SWAPPED[norm] if inverse else norm)
    return y.conj() if inverse else y


@op(jvp="linear")
def from_spectrum(x: Array, *, sizes: tuple[int, ...], dims: tuple[int, ...], norm: str, inverse: bool) -> Array:
    """Complex to real, from half of the last dim. inverse: from the spectrum of the inverse transform's input."""
    return xp_of(x).fft.irfftn(x if inverse else x.conj(), sizes, dims, norm if inverse else SWAPPED[norm])


def _fitted(x: Any, shape: Any, dims: Any) -> Any:
    """x cut, or filled with zeros at the end, to this shape along these dims."""
    for d in dims:
        n, m = x.shape[d], shape[d]
        if n > m:
            x = slice_(x, at=(*[slice(None)] * d, slice(0, m), ...))
        elif n < m:
            x = place(x, shape=(*x.shape[:d], m, *x.shape[d + 1 :]), at=(*[slice(None)] * d, slice(0, n), ...))
    return x


def _fourier_slope(g: Any, x_shape: Any, sizes: Any, dims: Any, norm: str, inverse: bool) -> Any:
    """The matrix of the transform is symmetric."""
    return _fitted(fourier(g, sizes=sizes, dims=dims, norm=norm, inverse=inverse), x_shape, dims)


def _spectrum_slope(g: Any, x_shape: Any, sizes: Any, dims: Any, norm: str, inverse: bool) -> Any:
    """That of the whole transform, of whose results half is there."""
    full = _fitted(g, {dims[-1]: sizes[-1]}, dims[-1:])
    return real_part(_fourier_slope(full, x_shape, sizes, dims, norm, inverse))


def _from_spectrum_slope(g: Any, x_shape: Any, sizes: Any, dims: Any, norm: str, inverse: bool) -> Any:
    """Twice the spectrum of g but where a frequency is its own mirror image."""
    half = spectrum(g, sizes=sizes, dims=dims, norm=norm, inverse=inverse)
    n, d = sizes[-1], dims[-1]
    shape = half.shape
    weight = np.full(shape[d], 2.0, getattr(g, "array", g).dtype)
    weight[0] = 1
    if n % 2 == 0:
        weight[-1] = 1
    return _fitted(half * weight.reshape(-1, *[1] * (len(shape) - d - 1)), x_shape, dims)


fourier.vjp(x=_fourier_slope)
spectrum.vjp(x=_spectrum_slope)
from_spectrum.vjp(x=_from_spectrum_slope)


# --- what users call ---


def _options(name: str, x: Tensor, s: Any, dim: Any, norm: str | None, last_grows: bool = False) -> dict[str, Any]:
    """sizes, dims and norm, checked. last_grows: the last size is twice what there is, less two, unless given."""
    if norm not in (None, *SWAPPED):
        raise RuntimeError(f'Invalid normalization mode: "{norm}"')
    shape, ndim = x.array.shape, x.array.ndim
    if dim is not None:
        dims = tuple([wrap(d, ndim) for d in ((dim,) if isinstance(dim, int) else dim)])
        if ndim == 0 and dims:
            raise IndexError(f"Dimension specified as {dim[0]} but tensor has no dimensions")
        if len(set(dims)) < len(dims):
            raise RuntimeError("FFT dims must be unique")
        if s is not None and len(s) != len(dims):
            raise RuntimeError("When given, dim and shape arguments must have the same length")
    else:
        count = ndim if s is None else len(s)
        if count > ndim:
            raise RuntimeError(f"Got shape with {count} values but input tensor only has {ndim} dimensions.")
        dims = tuple(range(ndim - count, ndim))
    if not dims and name not in ("fftn", "ifftn"):
        raise RuntimeError(f"{name} must transform at least one axis")
    sizes = [shape[d] for d in dims]
    if last_grows:
        sizes[-1] = 2 * (sizes[-1] - 1)
    for i, n in enumerate(s or ()):
        sizes[i] = n if n != -1 else sizes[i]
    for n in sizes:
        if n < 1:
            raise RuntimeError(f"Invalid number of data points ({n}) specified")
    return {"sizes": tuple(sizes), "dims": dims, "norm": norm or "backward"}


def _promoted(x: Tensor, to_complex: bool) -> Tensor:
    """Integers in the default dtype; complex where it is asked for."""
    if x.array.dtype.itemsize == 2 and x.dtype.is_floating_point:
        raise RuntimeError(f"Unsupported dtype {'Half' if x.array.dtype.kind == 'f' else 'BFloat16'}")
    y = x if x.dtype.is_floating_point or x.dtype.is_complex else x.to(get_default_dtype())
    return y.to(promote_types(y.dtype, complex64)) if to_complex else y


def _transform(name: str, kind: str, inverse: bool, text: str) -> dict[str, Any]:
    """The functions of one transform: over one dim, over the last two, over several."""

    def run(shown: str, input: Tensor, s: Any, dim: Any, norm: str | None) -> Tensor:
        if kind == "r2c" and input.dtype.is_complex:
            title = "ComplexDouble" if input.array.dtype.itemsize == 16 else "ComplexFloat"
            raise RuntimeError(f"{shown} expects a real input tensor, but got {title}")
        x = _promoted(input, kind != "r2c")
        options = _options(shown, x, s, dim, norm, kind == "c2r")
        return {"c2c": fourier, "r2c": spectrum, "c2r": from_spectrum}[kind](x, **options, inverse=inverse)

    def one(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
        return run(name, input, None if n is None else (n,), (dim,), norm)

    def two(input: Tensor, s: Any = None, dim: Sequence[int] = (-2, -1), norm: str | None = None) -> Tensor:
        return run(f"{name}2", input, s, dim, norm)

    def several(input: Tensor, s: Any = None, dim: Sequence[int] | None = None, norm: str | None = None) -> Tensor:
        return run(f"{name}n", input, s, dim, norm)

    where = {"": "one dim", "2": "the last two dims", "n": "several dims, all of them by default"}
    made = {}
    for suffix, call in (("", one), ("2", two), ("n", several)):
        call.__name__ = call.__qualname__ = name + suffix
        call.__doc__ = f"{text}, over {where[suffix]}. n or s: the sizes; norm: backward, forward or ortho."
        made[name + suffix] = call
    return made


TRANSFORMS: dict[str, Any] = {
    **_transform("fft", "c2c", False, "The Fourier transform"),
    **_transform("ifft", "c2c", True, "The inverse Fourier transform"),
    **_transform("rfft", "r2c", False, "The Fourier transform of real input, without the half that mirrors the other"),
    **_transform("irfft", "c2r", True, "The inverse of rfft: real output"),
    **_transform("hfft", "c2r", False, "The Fourier transform of a Hermitian signal given by half of it: real output"),
    **_transform("ihfft", "r2c", True, "The inverse of hfft: half of a Hermitian signal"),
}


# --- frequencies ---


def fftfreq(
    n: int, d: float = 1.0, *, out: Any = None, dtype: Any = None, device: Any = None, **options: Any
) -> Tensor:
    """The frequencies of fft's n results: 0, 1, ..., -2, -1 over n d."""
    return _frequencies([*range((n + 1) // 2), *range(-(n // 2), 0)], n, d, dtype, device, out, options)


def rfftfreq(
    n: int, d: float = 1.0, *, out: Any = None, dtype: Any = None, device: Any = None, **options: Any
) -> Tensor:
    """The frequencies of rfft's n // 2 + 1 results: 0, 1, ..., n // 2 over n d."""
    return _frequencies(range(n // 2 + 1), n, d, dtype, device, out, options)


def _frequencies(counts: Any, n: int, d: float, dtype: Any, device: Any, out: Any, options: dict[str, Any]) -> Tensor:
    kind = (dtype or (out.dtype if out is not None else get_default_dtype())).array_dtype
    made = xp_for(as_device(device)).array(list(counts), kind) * kind.type(1.0 / (n * d))
    return finish(Tensor._of(made), out=out, **options)


def _shifted(input: Tensor, dim: Any, sign: int) -> Tensor:
    n = input.array.ndim
    dims = tuple(range(n)) if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    shape = input.array.shape
    return input.roll(tuple([(shape[d] + (sign < 0)) // 2 for d in dims]), dims) if dims else input.clone()


def fftshift(input: Tensor, dim: Any = None) -> Tensor:
    """The zero frequency in the middle."""
    return _shifted(input, dim, 1)


def ifftshift(input: Tensor, dim: Any = None) -> Tensor:
    """fftshift undone."""
    return _shifted(input, dim, -1)
