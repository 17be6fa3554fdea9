"""Fourier transforms against their definition, windows against their formulas, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import glassgrad as gg

RNG = np.random.default_rng(0)


def test_fft_is_the_sum_that_defines_it() -> None:
    x = RNG.standard_normal(7) + 1j * RNG.standard_normal(7)
    k = np.arange(7)
    matrix = np.exp(-2j * np.pi * np.outer(k, k) / 7)
    for norm, scale in (("backward", 1), ("forward", 1 / 7), ("ortho", 7**-0.5)):
        got = gg.fft.fft(gg.from_numpy(x), norm=norm).numpy()
        np.testing.assert_allclose(got, scale * matrix @ x, atol=1e-12)
        back = gg.fft.ifft(gg.from_numpy(got), norm=norm).numpy()
        np.testing.assert_allclose(back, x, atol=1e-12)


@pytest.mark.parametrize("n", [6, 7])
def test_half_spectra_and_back(n: int) -> None:
    x = gg.from_numpy(RNG.standard_normal((2, n)))
    np.testing.assert_allclose(gg.fft.rfft(x).numpy(), gg.fft.fft(x).numpy()[:, : n // 2 + 1], atol=1e-12)
    np.testing.assert_allclose(gg.fft.irfft(gg.fft.rfft(x), n).numpy(), x.numpy(), atol=1e-12)
    np.testing.assert_allclose(gg.fft.hfft(gg.fft.ihfft(x), n).numpy(), x.numpy(), atol=1e-12)
    np.testing.assert_allclose(gg.fft.irfftn(gg.fft.rfftn(x), x.shape).numpy(), x.numpy(), atol=1e-12)


def test_dtypes_and_out() -> None:
    assert gg.fft.fft(gg.ones(4)).dtype is gg.complex64
    assert gg.fft.rfft(gg.ones(4, dtype=gg.float64)).dtype is gg.complex128
    assert gg.fft.fft(gg.arange(4)).dtype is gg.complex64
    out = gg.empty(0, dtype=gg.complex64)
    assert gg.fft.fft(gg.ones(4), out=out) is out and out.shape == (4,)


def test_frequencies_and_shifts() -> None:
    assert gg.fft.fftfreq(5, 0.2).tolist() == [0, 1, 2, -2, -1]
    assert gg.fft.rfftfreq(4).tolist() == [0, 0.25, 0.5]
    assert gg.fft.fftshift(gg.arange(5)).tolist() == [3, 4, 0, 1, 2]
    assert gg.fft.ifftshift(gg.fft.fftshift(gg.arange(5))).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: gg.fft.fft(x, norm="other"), RuntimeError, "normalization mode"),
        (lambda x: gg.fft.fft(x, n=0), RuntimeError, "number of data points"),
        (lambda x: gg.fft.fft(x, dim=3), IndexError, "out of range"),
        (lambda x: gg.fft.fftn(x, dim=(0, 0)), RuntimeError, "unique"),
        (lambda x: gg.fft.fftn(x, s=(2,), dim=(0, 1)), RuntimeError, "same length"),
        (lambda x: gg.fft.rfft(x + 1j), RuntimeError, "real input"),
        (lambda x: gg.fft.fft(x.half()), RuntimeError, "Half"),
        (lambda x: gg.fft.fft(gg.tensor(1.0)), IndexError, "no dimensions"),
        (lambda x: gg.stft(x[0], 2), RuntimeError, "return_complex"),
        (lambda x: gg.stft(x[0], 9, center=False, return_complex=True), RuntimeError, "n_fft"),
        (lambda x: gg.istft(x, 2), RuntimeError, "complex"),
        (lambda x: gg.hann_window(-1), RuntimeError, "non-negative"),
        (lambda x: gg.hann_window(3, dtype=gg.int64), RuntimeError, "floating"),
    ],
)
def test_what_is_refused(call: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call(gg.ones(2, 3))  # type: ignore[operator]


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("onesided", [True, False])
def test_istft_undoes_stft(center: bool, onesided: bool) -> None:
    x, window = gg.from_numpy(RNG.standard_normal((2, 40))), gg.hann_window(8, dtype=gg.float64) + 0.1
    y = gg.stft(x, 8, 2, window=window, center=center, onesided=onesided, return_complex=True)
    back = gg.istft(y, 8, 2, window=window, center=center, onesided=onesided, length=40)
    np.testing.assert_allclose(back.numpy(), x.numpy(), atol=1e-12)


def test_windows() -> None:
    np.testing.assert_allclose(gg.hann_window(5, False).numpy(), np.hanning(5), atol=1e-6)
    np.testing.assert_allclose(gg.hamming_window(6, False).numpy(), np.hamming(6), atol=1e-6)
    np.testing.assert_allclose(gg.blackman_window(7, False).numpy(), np.blackman(7), atol=1e-6)
    np.testing.assert_allclose(gg.bartlett_window(8, False).numpy(), np.bartlett(8), atol=1e-6)
    np.testing.assert_allclose(gg.kaiser_window(9, False, beta=3.0).numpy(), np.kaiser(9, 3.0), atol=1e-6)
    assert gg.hann_window(5).tolist() == gg.hann_window(6, False)[:5].tolist()
