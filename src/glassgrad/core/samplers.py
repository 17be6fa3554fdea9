"""What PyTorch makes of the generator's words: a function per distribution, (generator, ...) -> array.

Every function draws the words that PyTorch 2.13 draws on the CPU, in its order. Integers, masks, uniform
numbers and float32 normals are equal bit for bit; in the others, NumPy's log, sin, cos, tan or exp may
differ in the last place from those of the C library.

PyTorch visits the elements of a tensor that is not contiguous in the order of memory: see `in_memory_order`.
A complex tensor is filled as its real view: `normal` there has std / sqrt(2).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from .batched import Batched, running
from .native import engine
from .random import Generator

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

Shape = int | Sequence[int]

BLOCK = 1 << 14  # elements at a time: what a step reads and writes stays in the cache
TWO_WORDS_FROM = 1 << 28  # a range this large takes 64 bits for each number
INSIDE_OUT_FROM = (2**32 - 1) // 20  # a permutation this long takes 64 bits for each number
NORMAL_BLOCK = 16


# --- under vmap ---


def for_samples(draw: Callable[..., np.ndarray]) -> Any:
    """Decorator of a sampler of arrays: under vmap it draws for each sample, once for all, or not at all."""

    @functools.wraps(draw)
    def drawn(generator: Generator, shape: Shape, *args: Any, **kwargs: Any) -> Any:
        if not running.get():
            return draw(generator, shape, *args, **kwargs)
        each = [(level, size) for level, size, how in _allowed() if how == "different"]
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        made: Any = draw(generator, (*[size for _, size in each], *shape), *args, **kwargs)
        for level, _ in each:
            made = Batched(made, level)
        return made

    return drawn


def alike(draw: Callable[..., np.ndarray]) -> Callable[..., Any]:
    """Decorator of a sampler that, under vmap, can only give all samples the same."""

    @functools.wraps(draw)
    def drawn(*args: Any, **kwargs: Any) -> Any:
        if running.get() and any(how == "different" for _, _, how in _allowed()):
            raise NotImplementedError(f"vmap: {draw.__name__} with randomness='different' is not in glassgrad yet")
        return draw(*args, **kwargs)

    return drawn


def _allowed() -> tuple[tuple[int, int, str], ...]:
    """The vmaps that are running, none of which forbids random numbers."""
    vmaps = running.get()
    if any(how == "error" for _, _, how in vmaps):
        raise RuntimeError(
            "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' "
            "randomness flags on vmap or perform the randomness operation out of vmap"
        )
    return vmaps


# --- blocks ---


def _fill(shape: Shape, dtype: DTypeLike, draw: Callable[[int], np.ndarray]) -> np.ndarray:
    """An array of what `draw(n)` gives, block by block; doubles become 16-bit floats by way of float32."""
    dtype = np.dtype(dtype)
    size = shape if isinstance(shape, int) else math.prod(shape)
    through_float32 = dtype.itemsize == 2 and _digits(dtype)
    out = np.empty(size, dtype)
    for start in range(0, size, BLOCK):
        values = draw(min(BLOCK, size - start))
        if through_float32 and values.dtype.itemsize == 8:
            values = values.astype(np.float32)
        out[start : start + BLOCK] = values
    return out.reshape(shape)


@cache
def _digits(dtype: np.dtype) -> int:
    """Binary digits of a float's mantissa, the leading one included; 0 for a dtype that is not a float."""
    return {"float64": 53, "float32": 24, "float16": 11, "bfloat16": 8}.get(dtype.name, 0)


def _floating(name: str, dtype: DTypeLike) -> np.dtype:
    dtype = np.dtype(dtype)
    if not _digits(dtype):
        raise NotImplementedError(f"{name}: the dtype must be a floating point one, got {dtype.name}")
    return dtype


def _parts_of(dtype: DTypeLike) -> np.dtype | None:
    """The dtype of a complex number's two parts; None for other dtypes."""
    dtype = np.dtype(dtype)
    return np.dtype(f"f{dtype.itemsize // 2}") if dtype.kind == "c" else None


def _in_parts(shape: Shape) -> tuple[int, ...]:
    return (*((shape,) if isinstance(shape, int) else shape), 2)


def _expect(fact: bool, message: str) -> None:
    if not fact:
        raise RuntimeError(message)


def _fma(x: np.ndarray, scale: float, shift: float) -> np.ndarray:
    """x * scale + shift, rounded once, in float64. Source: Dekker 1971, Numerische Mathematik 18."""
    product = x * scale
    split = 134217729.0  # 2^27 + 1
    x_high = x * split - (x * split - x)
    s_high = scale * split - (scale * split - scale)
    x_low, s_low = x - x_high, scale - s_high
    error = ((x_high * s_high - product) + x_high * s_low + x_low * s_high) + x_low * s_low
    total = product + shift
    back = total - product
    return total + (((product - (total - back)) + (shift - back)) + error)


def _scale_shift(x: np.ndarray, scale: float, shift: float) -> np.ndarray:
    """x * scale + shift, rounded once. In float32 the product of two is exact in double precision."""
    if x.dtype == np.float64:
        return _fma(x, scale, shift) if shift else x * scale + 0.0
    return (x.astype(np.float64) * float(np.float32(scale)) + float(np.float32(shift))).astype(np.float32)


# ---- uniform ----


def _unit32(generator: Generator, n: int) -> np.ndarray:
    """(n,) float32 in [0, 1): the low 24 bits of a word each."""
    bits = generator.words(n) & np.uint64(2**24 - 1)
    return bits.view(np.int64).astype(np.float32) * np.float32(2.0**-24)


def _floats(generator: Generator, shape: Shape, *numbers: float) -> np.ndarray:
    """Uniform float32 by the kernel; numbers: as Generator.floats takes them."""
    out = np.empty(shape, np.float32)
    generator.floats(out, *numbers)
    return out


def _unit64(generator: Generator, n: int) -> np.ndarray:
    """(n,) float64 in [0, 1): the low 53 bits of two words each."""
    bits = generator.words64(n)
    bits &= np.uint64(2**53 - 1)
    return bits.view(np.int64) * 2.0**-53


@for_samples
def uniform(
    generator: Generator, shape: Shape, dtype: DTypeLike = np.float32, low: float = 0.0, high: float = 1.0
) -> np.ndarray:
    """Uniform in [low, high): u * (high - low) + low. `rand` is this with the defaults.

    float64 takes two words a number, the others one; both parts of a complex number are drawn like this.
    Raises RuntimeError unless low <= high.
    """
    if parts := _parts_of(dtype):
        return uniform.__wrapped__(generator, _in_parts(shape), parts, low, high).view(dtype)[..., 0]
    dtype = _floating("uniform", dtype)
    unit, work = (_unit64, np.float64) if dtype == np.float64 else (_unit32, np.float32)
    if (low, high) == (0.0, 1.0) and dtype == work:
        if engine is not None and dtype == np.float32:
            return _floats(generator, shape, 1.0, 0.0, 2.0, 0.0)
        with generator.lock:
            return _fill(shape, dtype, lambda n: unit(generator, n))
    _expect(low <= high, f"uniform_ expects to return a [from, to) range, but found from={low:g} > to={high:g}")
    span = float(work(high) - work(low))
    _expect(math.isfinite(span), f"uniform_ expects to - from to be finite in {dtype.name}, got {low} and {high}")
    top, bottom = np.asarray(work(high)).astype(dtype), np.asarray(work(low)).astype(dtype)
    if engine is not None and dtype == np.float32:
        return _floats(generator, shape, span, float(bottom), float(top), float(bottom))

    def draw(n: int) -> np.ndarray:
        x = _scale_shift(unit(generator, n), span, low).astype(dtype, copy=False)
        x[x == top] = bottom  # rounding can reach the end that is excluded
        return x

    with generator.lock:
        return _fill(shape, dtype, draw)


# ---- normal ----

# Single-precision log, sin and cos after S. Moshier's Cephes library (1989), with the roundings of PyTorch's
# vector code for x86: a fused multiply-add is a double that is rounded to a float. NumPy's own are as
# accurate; these have the same last bit, on every processor. Arguments: log in (0, 1], angle in [0, 2 pi].


def _constants(*values: float) -> list[float]:
    return [float(np.float32(value)) for value in values]


LOG = _constants(
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
    -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
)  # fmt: skip
SIN = _constants(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
COS = _constants(2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
SQRT_HALF, FOUR_BY_PI, TWO_PI = (np.float32(c) for c in (0.5**0.5, 4 / math.pi, 2 * math.pi))
LN2_HIGH, LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)  # their sum is log 2
# pi / 4 in three parts; multiples of the first two up to 8 are exact.
PI_HIGH, PI_MIDDLE = np.float32(0.78515625), np.float32(2.4187564849853515625e-4)
PI_LOW = float(np.float32(3.77489497744594108e-8))
HALF, ONE, MINUS_TWO = np.float32(0.5), np.float32(1), np.float32(-2)


def _double(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float64)  # NumPy is slow where one operation mixes float32 and float64


def _single(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float32)


def _horner(coefficients: list[float], x: np.ndarray) -> np.ndarray:
    """The polynomial at x (float64), rounded to float32 after every step."""
    first, second, *others = coefficients
    y = x * first
    y += second
    rounded = _single(y)
    for c in others:
        np.copyto(y, rounded)
        y *= x
        y += c
        np.copyto(rounded, y, casting="same_kind")
    return rounded


def _log(x: np.ndarray) -> np.ndarray:
    bits = x.view(np.int32)
    mantissa = ((bits & 0x7FFFFF) | 0x3F000000).view(np.float32)  # in [1/2, 1)
    low = _single(mantissa < SQRT_HALF)
    e = _single((bits >> 23) - 126) - low
    m = (mantissa - ONE) + mantissa * low
    square = m * m
    y = _double(_horner(LOG, _double(m)) * m)
    y *= _double(square)
    y += _double(e * LN2_LOW)
    return (m + (_single(y) - square * HALF)) + e * LN2_HIGH


def _sincos(angle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    octant = ((angle * FOUR_BY_PI).astype(np.int32) + 1) & ~1
    k = _single(octant)
    x = _double(_single(_double((angle - k * PI_HIGH) - k * PI_MIDDLE) - _double(k) * PI_LOW))
    square = _single(x * x)
    z = _double(square)
    c = _double(_horner(COS, z) * square)
    c *= z
    c -= _double(square * HALF)
    s = _double(_horner(SIN, z) * square)
    s *= x
    s += x
    cos, sin = (_single(c) + ONE).view(np.int32), _single(s).view(np.int32)
    swapped = (sin ^ cos) & -((octant >> 1) & 1)
    sin ^= swapped
    cos ^= swapped
    sin ^= (octant & 4) << 29  # the sign bit
    cos ^= ((octant + 2) & 4) << 29
    return sin.view(np.float32), cos.view(np.float32)


def _box_muller(u: np.ndarray, mean: float, std: float) -> None:
    """Uniform to normal in place, u (16 n,): in each 16 the first 8 give the radius, the last 8 the angle.

    sqrt(-2 log(1 - u1)) * (cos, sin)(2 pi u2). Source: Box and Muller 1958, Annals of Math. Statistics 29.
    """
    pairs = u.reshape(-1, 2, NORMAL_BLOCK // 2)
    u1, u2 = pairs[:, 0], pairs[:, 1]
    if u.dtype == np.float32:
        radius = np.sqrt(MINUS_TWO * _log(ONE - u1))
        sin, cos = _sincos(TWO_PI * u2)
    else:
        radius = np.sqrt(-2 * np.log(1 - u1))
        angle = 2 * math.pi * u2
        sin, cos = np.sin(angle), np.cos(angle)
    standard = (mean, std) == (0.0, 1.0)
    for half, value in ((0, radius * cos), (1, radius * sin)):
        pairs[:, half] = value + u.dtype.type(0) if standard else _scale_shift(value, std, mean)


def _normal_blocks(generator: Generator, size: int, dtype: np.dtype, mean: float, std: float) -> np.ndarray:
    """size >= 16. Blocks of 16; what is left over makes the last 16 numbers be drawn again."""
    work = np.float64 if dtype == np.float64 else np.float32
    unit = _unit64 if dtype == np.float64 else _unit32
    out = np.empty(size, work)
    whole = size - size % NORMAL_BLOCK
    # 16-bit floats are made 16 at a time, so that the numbers which would be thrown away are not drawn.
    drawn = whole if dtype.itemsize == 2 else size
    if engine is not None and work is np.float32:
        for part, made in ((out[:drawn], out[:whole]), (out[-NORMAL_BLOCK:],) * 2)[: 1 + (whole < size)]:
            generator.floats(part, 1.0, 0.0, 2.0, 0.0)
            engine.normal_floats(made, mean, std)
        return out.astype(dtype, copy=False)
    for start in range(0, drawn, BLOCK):
        out[start : min(start + BLOCK, drawn)] = unit(generator, min(BLOCK, drawn - start))
    for start in range(0, whole, BLOCK):
        _box_muller(out[start : min(start + BLOCK, whole)], mean, std)
    if whole < size:
        out[-NORMAL_BLOCK:] = unit(generator, NORMAL_BLOCK)
        _box_muller(out[-NORMAL_BLOCK:], mean, std)
    return out.astype(dtype, copy=False)


def _standard_normals(generator: Generator, n: int) -> np.ndarray:
    """(n,) float64, one after the other: r cos, r sin with r^2 = -2 log(1 - u2), angle 2 pi u1.

    The second of a pair waits in the generator, also from one call to the next.
    """
    if n == 0:
        return np.empty(0)
    waiting = [] if generator.next_normal is None else [generator.next_normal]
    u = _unit64(generator, (n - len(waiting) + 1) // 2 * 2).reshape(-1, 2)
    radius = np.sqrt(-2 * np.log1p(-u[:, 1]))
    angle = 2 * math.pi * u[:, 0]
    made = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)
    values = np.concatenate([waiting, made]) if waiting else made
    generator.next_normal = float(values[n]) if values.size > n else None
    return values[:n]


@for_samples
def normal(
    generator: Generator,
    shape: Shape,
    dtype: DTypeLike = np.float32,
    mean: float = 0.0,
    std: float = 1.0,
    contiguous: bool = True,
) -> np.ndarray:
    """Normal with that mean and standard deviation. `randn` is this with the defaults.

    16 elements or more are made in blocks, in the precision of the dtype (float32 for 16 bits); fewer, or
    those of a tensor that is not contiguous, one after the other in double precision. Raises RuntimeError if
    std < 0. With a tensor for mean or std PyTorch takes normal(0, std) + mean, or normal(0, 1) * std + mean.
    Of a complex number each part has that mean, and half of the variance.
    """
    if parts := _parts_of(dtype):
        made = normal.__wrapped__(generator, _in_parts(shape), parts, mean, std / math.sqrt(2), contiguous)
        return made.view(dtype)[..., 0]
    dtype = _floating("normal", dtype)
    _expect(std >= 0.0, f"normal expects std >= 0.0, but found std {std:g}")
    size = shape if isinstance(shape, int) else math.prod(shape)
    with generator.lock:
        if contiguous and size >= NORMAL_BLOCK:
            return _normal_blocks(generator, size, dtype, mean, std).reshape(shape)
        return _fill(shape, dtype, lambda n: _scale_shift(_standard_normals(generator, n), std, mean))


@for_samples
def log_normal(
    generator: Generator, shape: Shape, dtype: DTypeLike = np.float32, mean: float = 1.0, std: float = 2.0
) -> np.ndarray:
    """exp(normal(mean, std)), the normals one after the other. Raises RuntimeError unless std > 0."""
    dtype = _floating("log_normal", dtype)
    _expect(std > 0.0, f"log_normal_ expects std > 0.0, but found std={std}")
    with generator.lock:
        return _fill(shape, dtype, lambda n: np.exp(_scale_shift(_standard_normals(generator, n), std, mean)))


# ---- others that invert a distribution function, in double precision ----


@for_samples
def exponential(generator: Generator, shape: Shape, dtype: DTypeLike = np.float32, rate: float = 1.0) -> np.ndarray:
    """-log(1 - u) / rate. Raises RuntimeError unless rate > 0."""
    dtype = _floating("exponential", dtype)
    _expect(rate > 0.0, f"exponential_ expects lambda > 0.0, but found lambda={rate}")
    with generator.lock:
        return _fill(shape, dtype, lambda n: -1.0 / rate * np.log1p(-_unit64(generator, n)))


@for_samples
def cauchy(
    generator: Generator, shape: Shape, dtype: DTypeLike = np.float32, median: float = 0.0, sigma: float = 1.0
) -> np.ndarray:
    """median + sigma * tan(pi (u - 1/2)). Raises RuntimeError unless sigma > 0."""
    dtype = _floating("cauchy", dtype)
    _expect(sigma > 0.0, f"cauchy_ expects sigma > 0.0, but found sigma={sigma}")
    with generator.lock:
        return _fill(shape, dtype, lambda n: _fma(np.tan(math.pi * (_unit64(generator, n) - 0.5)), sigma, median))


@for_samples
def geometric(generator: Generator, shape: Shape, dtype: DTypeLike, p: float) -> np.ndarray:
    """Trials until the first success: ceil(log u / log(1 - p)). Raises RuntimeError unless 0 < p < 1."""
    _expect(0 < p < 1, f"geometric_ expects p to be in (0, 1), but got p={p}")
    with generator.lock:
        return _fill(shape, dtype, lambda n: np.ceil(np.log(_unit64(generator, n)) / math.log1p(-p)))


@for_samples
def bernoulli(generator: Generator, shape: Shape, p: float | np.ndarray, dtype: DTypeLike = np.float32) -> np.ndarray:
    """1 with probability p, else 0: u < p. Dropout's mask is this with p = 1 - dropout.

    A number p or an array of float64 takes two words an element; an array of another dtype, broadcast to the
    shape, takes one. Raises RuntimeError unless 0 <= p <= 1.
    """
    if not isinstance(p, np.ndarray):
        _expect(0 <= p <= 1, f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
        limit = np.uint64(math.ceil(p * 2.0**53))  # u < p for u = bits / 2^53
        mask = np.uint64(2**53 - 1)
        with generator.lock:
            return _fill(shape, dtype, lambda n: (generator.words64(n) & mask) < limit)
    _floating("bernoulli", p.dtype)
    _expect(bool(((p >= 0) & (p <= 1)).all()), "bernoulli expects every p to be in [0, 1]")
    unit, work = (_unit64, np.float64) if p.dtype == np.float64 else (_unit32, np.float32)
    with generator.lock:
        u = _fill(shape, work, lambda n: unit(generator, n))
    return (u < p.astype(work)).astype(dtype)


# ---- integers ----


@for_samples
def integers(
    generator: Generator,
    shape: Shape,
    dtype: DTypeLike = np.int64,
    low: int | None = None,
    high: int | None = None,
) -> np.ndarray:
    """Integers in [low, high), in any dtype: `randint(low, high)`, `random_(low, high)`, and `random_()`.

    word % (high - low) + low, with 64 bits from a range of 2^28 on. Without `high`, up to the largest number
    of an integer dtype, 1 for bool, 2^digits for a float. Without both, from 0, with 64 bits for int64 and
    float64 only. A float dtype pulls the two ends to numbers it has.
    Raises RuntimeError if the range is empty or leaves the dtype.
    """
    dtype = np.dtype(dtype)
    largest = _largest(dtype)
    wide = dtype in (np.int64, np.float64)
    if low is None and high is None:
        if dtype.name in ("uint16", "uint32", "uint64"):
            raise NotImplementedError(f"random_() is not defined for {dtype.name}; give it from and to")
        low, span = 0, largest + 1
    else:
        low = 0 if low is None else int(low)
        last = largest if high is None else int(high) - 1
        _expect(low <= last, f"random_ expects 'from' to be less than 'to', but got from={low} >= to={last + 1}")
        if _digits(dtype):
            low, last = (
                _representable(low, dtype, +1),
                last if high is None else _representable(last, dtype, -1),
            )
            _expect(low <= last, f"random_: no number of {dtype.name} lies in the range")
        _check_ends(low, last, dtype)
        span = last - low + 1
        wide = span >= TWO_WORDS_FROM
    words = generator.words64 if wide else generator.words
    base = np.uint64(low % 2**64)
    with generator.lock:
        return _fill(shape, dtype, lambda n: (_modulo(words(n), span) + base).view(np.int64))


def _modulo(x: np.ndarray, span: int) -> np.ndarray:
    """x % span for uint64, 1 <= span <= 2^64; division by one number is fast where the remainder is not."""
    if span & (span - 1) == 0:
        return x & np.uint64(span - 1)
    return x - x // np.uint64(span) * np.uint64(span)


def _largest(dtype: np.dtype) -> int:
    if _digits(dtype):
        return 2 ** _digits(dtype)
    return 1 if dtype == np.bool_ else int(np.iinfo(dtype).max)


def _check_ends(low: int, last: int, dtype: np.dtype) -> None:
    if _digits(dtype):
        most = 65504 if dtype.name == "float16" else 2**63  # the others reach further than int64
        bounds = (-most, most)
    else:
        bounds = (0, 1) if dtype == np.bool_ else (int(np.iinfo(dtype).min), min(_largest(dtype), 2**63 - 1))
    for name, value in (("from", low), ("to - 1", last)):
        inside = bounds[0] <= value <= bounds[1]
        _expect(inside, f"{name} is out of bounds for {dtype.name}: {value} is not in [{bounds[0]}, {bounds[1]}]")


def _representable(end: int, dtype: np.dtype, inward: int) -> int:
    """`end`, or where the dtype would round it outward, a number of the dtype further in."""
    wide = np.float64 if dtype == np.float64 else np.float32
    probe = end + 1 if inward > 0 else end
    nearest = float(wide(probe).astype(dtype))
    if math.isinf(nearest):
        return end  # out of bounds, which is said elsewhere
    rounded = int(nearest)
    if (rounded >= end) if inward > 0 else (rounded <= end):
        return end
    step = 1 << (abs(probe).bit_length() - _digits(dtype))
    return rounded + step if inward > 0 else rounded - step - 1


@alike
def permutation(generator: Generator, n: int, dtype: DTypeLike = np.int64) -> np.ndarray:
    """The numbers 0 ... n - 1 in random order: `randperm`.

    For i = 0 ... n - 2 the places i and i + word % (n - i) are exchanged (Durstenfeld 1964, CACM 7(7)). From
    n = 214,748,364 on, 0 ... n - 1 are inserted one after the other, with 64 bits each.
    Raises RuntimeError if n is negative or the dtype cannot hold n - 1.
    """
    dtype = np.dtype(dtype)
    _expect(n >= 0, f"Trying to create tensor with negative dimension {n}: [{n}]")
    _expect(n == 0 or n - 1 <= _largest(dtype), f"n is too large for the result's dtype: {n} for {dtype.name}")
    if n >= INSIDE_OUT_FROM:
        return _inside_out(generator, n).astype(dtype)
    places = np.arange(max(n - 1, 0), dtype=np.uint64)
    partners = (generator.words(places.size) % (np.uint64(n) - places) + places).tolist()
    order = list(range(n))
    for place, partner in enumerate(partners):
        order[place], order[partner] = order[partner], order[place]
    return np.array(order, dtype)


def _inside_out(generator: Generator, n: int) -> np.ndarray:
    order = np.empty(n, np.int64)
    with generator.lock:
        for start in range(0, n, BLOCK):
            new = np.arange(start, min(start + BLOCK, n), dtype=np.uint64)
            chosen = generator.words64(new.size) % (new + np.uint64(1))
            for i, j in zip(new.tolist(), chosen.tolist(), strict=True):
                order[i] = i
                order[i], order[j] = order[j], i
    return order


@alike
def multinomial(generator: Generator, weights: np.ndarray, num_samples: int, replacement: bool = False) -> np.ndarray:
    """Indices with probability weights / sum: ([rows,] categories) -> ([rows,] num_samples) int64.

    Without replacement, and for one sample: the largest weights / q with q exponential. With replacement: the
    place of a float64 uniform among the running sums of the weights, in their dtype, divided by the last.
    Equal scores, which 16-bit weights can have, go by index here; PyTorch leaves their order open.
    Raises RuntimeError for weights that are negative, not finite, or all zero, and for too many samples.
    """
    dtype = _floating("multinomial", weights.dtype)
    _expect(weights.ndim in (1, 2), f"multinomial: the weights must have 1 or 2 dims, got {weights.ndim}")
    _expect(num_samples > 0, "cannot sample n_sample <= 0 samples")
    categories = weights.shape[-1]
    _expect(
        replacement or num_samples <= categories,
        "cannot sample n_sample > prob_dist.size(-1) samples without replacement",
    )
    work = np.float64 if dtype == np.float64 else np.float32
    w: np.ndarray = weights.astype(work, copy=False)
    _expect(
        bool((np.isfinite(w) & (w >= 0)).all()),
        "probability tensor contains either `inf`, `nan` or element < 0",
    )
    _expect(bool((w.sum(-1) > 0).all()), "invalid multinomial distribution (sum of probabilities <= 0)")
    if not replacement or num_samples == 1:
        q = in_memory_order(exponential(generator, weights.size, dtype), weights)
        score = (w / q.astype(work)).astype(dtype).astype(work)
        if num_samples == 1:
            return score.argmax(-1, keepdims=True)
        return np.argsort(-score, axis=-1, kind="stable")[..., :num_samples]
    rows = w.reshape(-1, categories)
    u = _fill((len(rows), num_samples), np.float64, lambda n: _unit64(generator, n))
    out = np.empty(u.shape, np.int64)
    for row, points, found in zip(rows, u, out, strict=True):
        running = np.cumsum(row)
        running = running / running[-1]
        running[-1] = 1
        found[...] = np.searchsorted(running.astype(np.float64), points)
    return out.reshape(*weights.shape[:-1], num_samples)


# ---- tensors that are not contiguous ----


def in_memory_order(values: np.ndarray, like: np.ndarray) -> np.ndarray:
    """`values` with the shape of `like`, in the order in which PyTorch fills `like`: along its memory.

    >>> in_memory_order(np.arange(6), np.zeros((3, 2)).T)
    array([[0, 2, 4],
           [1, 3, 5]])
    """
    axes = slowest_first(like)
    return values.reshape([like.shape[axis] for axis in axes]).transpose(np.argsort(axes))


def slowest_first(array: np.ndarray) -> list[int]:
    """The axes in the order of memory, as PyTorch's iterators have it: one that repeats (step 0) stays where it is.

    >>> slowest_first(np.zeros((3, 2)).T), slowest_first(np.broadcast_to(np.zeros(2), (3, 2)))
    ([1, 0], [0, 1])
    """
    order, steps = list(range(array.ndim)), [abs(step) for step in array.strides]
    for last in reversed(range(array.ndim - 1)):
        at = last
        for place in range(last + 1, array.ndim):
            inner, outer = order[place], order[at]
            if 0 < steps[inner] < steps[outer]:
                break
            if steps[outer] and (steps[outer], array.shape[outer]) < (steps[inner], array.shape[inner]):
                order[at], order[place], at = inner, outer, place
    return order
