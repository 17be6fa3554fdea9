"""Windows, and the short-time Fourier transform and its inverse."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.backend import Array, as_device, xp_for
from ..core.dtypes import dtype, get_default_dtype
from ..core.tensor import Tensor
from .arrange import pad
from .bessel import i0
from .create import finish
from .spectral import TRANSFORMS

# --- windows: n values, of a symmetric window or, periodic, of one that is longer by 1, without its last ---


def _window(name: str, values: Callable[..., Array], numbers: dict[str, float], text: str) -> Any:
    def window(
        window_length: int,
        periodic: bool = True,
        *given: float,
        dtype: dtype | None = None,
        device: Any = None,
        requires_grad: bool = False,
        **options: Any,
    ) -> Tensor:
        if len(given) > len(numbers):
            raise TypeError(f"{name}() takes at most {2 + len(numbers)} positional arguments, got {2 + len(given)}")
        chosen = {**numbers, **dict(zip(numbers, given, strict=False))}
        chosen.update({key: options.pop(key) for key in numbers if key in options})
        kind = dtype or get_default_dtype()
        if not kind.is_floating_point:
            raise RuntimeError(f"{name} expects floating point dtypes, got: {kind}")
        if window_length < 0:
            raise RuntimeError(f"{name} requires non-negative window_length, got window_length={window_length}")
        xp, like = xp_for(as_device(device)), kind.array_dtype
        n = window_length + (periodic and window_length > 1)
        made = values(xp.arange(n).astype(like), n, **chosen) if n > 1 else xp.ones(n, like)
        return finish(Tensor._of(made.astype(like, copy=False)[:window_length]), requires_grad, **options)

    window.__name__ = window.__qualname__ = name
    window.__doc__ = f"{text}\n\n    periodic: for a spectrum; otherwise symmetric. RuntimeError for a negative length."
    return window


def _hamming(k: Array, n: int, alpha: float, beta: float) -> Array:
    return np.cos(k * k.dtype.type(2 * math.pi / (n - 1))) * k.dtype.type(-beta) + k.dtype.type(alpha)


def _blackman(k: Array, n: int) -> Array:
    like = k.dtype.type
    k = k * like(math.pi / (n - 1))
    return np.cos(k * like(4)) * like(0.08) - np.cos(k * like(2)) * like(0.5) + like(0.42)


def _bartlett(k: Array, n: int) -> Array:
    k = k * k.dtype.type(2 / (n - 1))
    return np.where(np.arange(n) <= (n - 1) // 2, k, 2 - k)


def _kaiser(k: Array, n: int, beta: float) -> Array:
    half = (n - 1) / 2
    inside = np.sqrt(np.maximum(1 - ((k.astype(np.float64) - half) / half) ** 2, 0))
    return i0(beta * inside) / i0(np.asarray(float(beta)))


hann_window = _window(
    "hann_window", lambda k, n: _hamming(k, n, 0.5, 0.5), {}, "(1 - cos(2 pi k / (n - 1))) / 2, k = 0, ..., n - 1."
)
hamming_window = _window(
    "hamming_window", _hamming, {"alpha": 0.54, "beta": 0.46}, "alpha - beta cos(2 pi k / (n - 1))."
)
blackman_window = _window(
    "blackman_window", _blackman, {}, "0.42 - 0.5 cos(2 pi k / (n - 1)) + 0.08 cos(4 pi k / (n - 1))."
)
bartlett_window = _window("bartlett_window", _bartlett, {}, "A triangle: 1 - |2 k / (n - 1) - 1|.")
kaiser_window = _window(
    "kaiser_window", _kaiser, {"beta": 12.0}, "I0(beta sqrt(1 - ((k - a) / a)^2)) / I0(beta), a = (n - 1) / 2."
)

# --- the short-time Fourier transform ---


def _framing(
    name: str, n_fft: int, hop_length: int | None, win_length: int | None, window: Tensor | None, like: Tensor
) -> tuple[int, Tensor]:
    """(hop, window of n_fft elements): a shorter one stands in the middle of zeros."""
    hop = n_fft // 4 if hop_length is None else hop_length
    length = n_fft if win_length is None else win_length
    if hop <= 0:
        raise RuntimeError(f"{name}: expected hop_length > 0, but got hop_length={hop}")
    if not 0 < length <= n_fft:
        raise RuntimeError(f"{name}: expected 0 < win_length <= n_fft, but got win_length={length}")
    if window is not None and window.array.shape != (length,):
        raise RuntimeError(
            f"{name}: expected a 1D window tensor of size equal to win_length={length}, "
            f"but got window with size {list(window.array.shape)}"
        )
    made = Tensor._of(np.ones(length, like.array.real.dtype)) if window is None else window
    left = (n_fft - length) // 2
    return hop, pad(made, (left, n_fft - length - left)) if length < n_fft else made


def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
) -> Tensor:
    """The Fourier transforms of windowed pieces: (T,) or (B, T) -> (..., n_fft / 2 + 1, pieces), complex.

    A piece begins every hop_length (n_fft // 4) elements; center: with its middle there, the input padded by pad_mode.
    normalized: divided by sqrt(n_fft). onesided: without the half that mirrors the other; the default for real input.
    return_complex=False: (..., 2), the parts. RuntimeError where the sizes don't fit.
    """
    complex_in = input.dtype.is_complex or (window is not None and window.dtype.is_complex)
    if return_complex is None and not complex_in:
        raise RuntimeError("stft requires the return_complex parameter be given for real inputs")
    if onesided and complex_in:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    if input.array.ndim not in (1, 2):
        raise RuntimeError(f"stft: expected a 1D or 2D tensor, got {input.array.ndim}D")
    hop, shape = _framing("stft", n_fft, hop_length, win_length, window, input)
    x = input.unsqueeze(0) if input.array.ndim == 1 else input
    if center:
        half = n_fft // 2
        x = pad(x.unsqueeze(1), (half, half), mode=pad_mode).squeeze(1)
    if not 0 < n_fft <= x.array.shape[-1]:
        raise RuntimeError(f"stft: expected 0 < n_fft <= {x.array.shape[-1]}, but got n_fft={n_fft}")
    pieces = x.unfold(-1, n_fft, hop) * shape  # (B, pieces, n_fft)
    half_only = onesided if onesided is not None else not complex_in
    y = TRANSFORMS["rfft" if half_only else "fft"](pieces, norm="ortho" if normalized else None).transpose(1, 2)
    y = y.squeeze(0) if input.array.ndim == 1 else y
    return y if return_complex or return_complex is None else _parts(y)


def _parts(y: Tensor) -> Tensor:
    from .complexes import view_as_real

    return view_as_real(y.contiguous())


def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """The signal whose stft this is, by least squares (Griffin and Lim 1984): (..., bins, pieces) -> (..., T).

    Each piece is transformed back, windowed and added up, divided by the sum of the squared windows. RuntimeError
    where that sum is 0, or the sizes don't fit.
    """
    if not input.dtype.is_complex:
        raise RuntimeError("istft requires a complex-valued input tensor matching the output from stft")
    if input.array.ndim not in (2, 3):
        raise RuntimeError(f"istft: expected a 2D or 3D complex tensor, got {input.array.ndim}D")
    bins = input.array.shape[-2]
    half_only = onesided if onesided is not None else bins != n_fft
    if bins != (n_fft // 2 + 1 if half_only else n_fft):
        raise RuntimeError(f"istft: the frequency dim has {bins} entries, which does not fit n_fft={n_fft}")
    if half_only and return_complex:
        raise RuntimeError("istft: cannot have onesided input if the output is complex")
    if input.requires_grad or (window is not None and window.requires_grad):
        raise NotImplementedError("gradients of istft are not in glassgrad yet: detach() its input and window")
    hop, shape = _framing("istft", n_fft, hop_length, win_length, window, input)
    pieces, norm = input.transpose(-1, -2), "ortho" if normalized else None
    if half_only:
        back = TRANSFORMS["irfft"](pieces, n_fft, norm=norm)
    else:
        back = TRANSFORMS["ifft"](pieces, norm=norm)
        back = back if return_complex else back.real
    back, square = (back * shape).array, (shape * shape).array
    count = back.shape[-2]
    total = n_fft + hop * (count - 1)
    y, weight = np.zeros((*back.shape[:-2], total), back.dtype), np.zeros(total, square.dtype)
    for k in range(count):
        y[..., k * hop : k * hop + n_fft] += back[..., k, :]
        weight[k * hop : k * hop + n_fft] += square
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else total - start
    y, weight = y[..., start:end], weight[start:end]
    if weight.size and np.abs(weight).min() < 1e-11:
        raise RuntimeError("istft: window overlap add min: the squared windows add up to 0 somewhere")
    y = y / weight
    if length is not None and y.shape[-1] < length:
        y = np.concatenate([y, np.zeros((*y.shape[:-1], length - y.shape[-1]), y.dtype)], -1)
    return Tensor._of(y)
