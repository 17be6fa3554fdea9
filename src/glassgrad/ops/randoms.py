"""Tensors of random numbers, the same as PyTorch's for the same seed: core.samplers under PyTorch's names.

Everything is drawn on the CPU, whose stream is reproduced, and moved where it is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..core import dtypes, samplers
from ..core import random as engine
from ..core.backend import as_device, to_device, to_host
from ..core.dtypes import dtype
from ..core.fast import apart, given
from ..core.graph import as_array
from ..core.tensor import Tensor
from ..core.titles import title, title_whole
from ..core.views import check_in_place, write
from ..core.watch import listeners, tell
from .arithmetic import mul
from .choice import where
from .create import checked, finish, ones_like
from .formats import plain_format
from .shape import broadcast_shapes, sizes

__all__ = [
    "Generator", "bernoulli", "default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed",
    "multinomial", "normal", "rand", "rand_like", "randint", "randint_like", "randn", "randn_like",
    "randperm", "seed", "set_rng_state",
]  # fmt: skip
METHODS: tuple[str, ...] = (
    "bernoulli", "bernoulli_", "cauchy_", "exponential_", "geometric_", "log_normal_", "multinomial", "normal_",
    "random_", "uniform_",
)  # fmt: skip
IN_PLACE: tuple[str, ...] = ()


# --- the generator ---


class Generator(engine.Generator):
    """A stream of random numbers of its own, for the `generator=` argument."""

    def __init__(self, device: Any = "cpu") -> None:
        super().__init__(str(device))

    def get_state(self) -> Tensor:
        """(5056,) uint8, in PyTorch's layout."""
        return Tensor._of(self.state())

    def set_state(self, state: Any) -> Generator:
        """Continue from what get_state() gave, here or in PyTorch."""
        super().set_state(to_host(state.array) if isinstance(state, Tensor) else state)
        return self


default_generator = engine.default_generator
default_generator.__class__ = Generator  # now it speaks tensors, too


def manual_seed(seed: int) -> Any:
    """Start the default generator's stream of `seed`; returns the generator."""
    generator = engine.manual_seed(seed)
    if listeners:
        tell("seed", generator)
    return generator


def seed() -> int:
    """Seed the default generator from the operating system's source of chance; returns the seed."""
    return engine.current_generator().seed()


def initial_seed() -> int:
    """The seed with which the default generator was started."""
    return engine.current_generator().initial_seed()


def get_rng_state() -> Tensor:
    """The state of the default generator: (5056,) uint8, in PyTorch's layout."""
    return Tensor._of(engine.current_generator().state())


def set_rng_state(new_state: Tensor) -> None:
    """Continue the default generator from what get_rng_state() gave, here or in PyTorch."""
    engine.current_generator().set_state(to_host(new_state.array))


@contextmanager
def fork_rng(devices: Any = None, enabled: bool = True, device_type: str = "cuda") -> Iterator[None]:
    """Leave the default generator as it was before the block. There are no other generators to name in `devices`."""
    with engine.fork_rng(enabled):
        yield


# --- new tensors ---

Draw = Callable[[engine.Generator, tuple[int, ...], Any], np.ndarray]


def _drawn(
    draw: Draw, shape: tuple[int, ...], d: dtype, generator: Any = None, device: Any = None, **options: Any
) -> Tensor:
    plain_format(options.pop("memory_format", None))
    array = draw(generator or engine.current_generator(), checked(shape), d.array_dtype)
    return finish(Tensor._of(to_device(array, as_device(device))), **options)


def _dtype(given_dtype: dtype | None, out: Tensor | None, otherwise: dtype) -> dtype:
    return given_dtype or (out.dtype if out is not None else otherwise)


def rand(*size: Any, dtype: dtype | None = None, **options: Any) -> Tensor:
    """Uniform in [0, 1)."""
    named = {"size": options.pop("size")} if "size" in options else {}
    d = _dtype(dtype, options.get("out"), dtypes.get_default_dtype())
    return _drawn(samplers.uniform, sizes(size, named), d, **options)


def randn(*size: Any, dtype: dtype | None = None, **options: Any) -> Tensor:
    """Normal with mean 0 and standard deviation 1.

    >>> _ = manual_seed(0)
    >>> randn(2)
    tensor([ 1.5410, -0.2934])
    """
    named = {"size": options.pop("size")} if "size" in options else {}
    d = _dtype(dtype, options.get("out"), dtypes.get_default_dtype())
    return _drawn(samplers.normal, sizes(size, named), d, **options)


def randint(*bounds: Any, dtype: dtype | None = None, **options: Any) -> Tensor:
    """Integers in [low, high): randint(high, size) or randint(low, high, size).

    Raises RuntimeError if the range is empty.
    """
    args = list(bounds)
    size = options.pop("size") if "size" in options else args.pop()
    low, high = options.pop("low", None), options.pop("high", None)
    if high is None:
        high = args.pop()
    low = low if low is not None else args.pop() if args else 0
    if args:
        raise TypeError("randint() takes (high, size) or (low, high, size)")
    d = _dtype(dtype, options.get("out"), dtypes.int64)
    return _drawn(_between(low, high), sizes((size,), {}), d, **options)


def _between(low: int, high: int) -> Draw:
    return lambda generator, shape, d: samplers.integers(generator, shape, d, int(low), int(high))


def randperm(n: int, *, generator: Any = None, dtype: dtype | None = None, **options: Any) -> Tensor:
    """The numbers 0 ... n - 1 in random order."""
    d = _dtype(dtype, options.get("out"), dtypes.int64)
    return _drawn(lambda g, shape, kind: samplers.permutation(g, int(n), kind), (), d, generator, **options)


def _like(input: Tensor, draw: Draw, dtype: dtype | None, options: dict[str, Any]) -> Tensor:
    """Drawn in the order of the input's memory, and laid out as it is."""
    options.setdefault("device", input.device)
    generator = options.pop("generator", None)
    d = dtype or input.dtype
    made = _drawn(draw, tuple(input.array.shape), d, generator, **options)
    if not input.array.flags.c_contiguous:
        made.array = samplers.in_memory_order(made.array.reshape(-1), input.array)
    return made


def rand_like(input: Tensor, *, dtype: dtype | None = None, **options: Any) -> Tensor:
    """rand() in the shape and dtype and on the device of the input."""
    return _like(input, samplers.uniform, dtype, options)


def randn_like(input: Tensor, *, dtype: dtype | None = None, **options: Any) -> Tensor:
    """randn() in the shape and dtype and on the device of the input."""
    axes = [axis for axis in samplers.slowest_first(input.array) if input.array.shape[axis] != 1]
    in_rows = axes == sorted(axes)  # the result, whatever is between the input's rows

    def draw(generator: engine.Generator, shape: tuple[int, ...], d: Any) -> np.ndarray:
        return samplers.normal(generator, shape, d, contiguous=in_rows)

    return _like(input, draw, dtype, options)


def randint_like(input: Tensor, *bounds: Any, dtype: dtype | None = None, **options: Any) -> Tensor:
    """randint(high) or randint(low, high) in the shape and dtype and on the device of the input."""
    low, high = options.pop("low", None), options.pop("high", None)
    args = list(bounds)
    high = args.pop() if high is None else high
    low = low if low is not None else args.pop() if args else 0
    return _like(input, _between(low, high), dtype, options)


# --- in place ---


def _fill(node: str, x: Tensor, draw: Draw, generator: Any) -> Tensor:
    """x becomes what is drawn, whatever it was: its gradient ends here."""
    check_in_place(x)
    array = draw(generator or engine.current_generator(), tuple(x.array.shape), x.array.dtype)
    if not x.array.flags.c_contiguous:
        array = samplers.in_memory_order(array.reshape(-1), x.array)
    return title_whole(write(x, Tensor._of(to_device(array, x.device))), node)


def uniform_(x: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Any = None, **named: Any) -> Tensor:
    """x becomes uniform in [from, to)."""
    low = named.pop("from", from_)
    if named:
        raise TypeError(f"uniform_() got an unexpected keyword argument {next(iter(named))!r}")
    return _fill("UniformBackward0", x, lambda g, shape, d: samplers.uniform(g, shape, d, low, to), generator)


def normal_(x: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
    """x becomes normal with that mean and standard deviation."""
    flat = bool(x.array.flags.c_contiguous)
    return _fill("NormalBackward0", x, lambda g, shape, d: samplers.normal(g, shape, d, mean, std, flat), generator)


def random_(x: Tensor, *bounds: Any, generator: Any = None, **named: Any) -> Tensor:
    """x becomes integers: random_() of all that its dtype holds, random_(to), random_(from, to)."""
    low, high = named.pop("from", None), named.pop("to", None)
    if named or len(bounds) > 2:
        raise TypeError("random_() takes (), (to) or (from, to)")
    if len(bounds) == 2:
        low, high = bounds
    elif bounds:
        low, high = (0, bounds[0]) if low is None else (low, bounds[0])
    node = f"RandomBackward{2 if high is None else int(low in (None, 0))}"
    return _fill(node, x, lambda g, shape, d: samplers.integers(g, shape, d, low, high), generator)


def bernoulli_(x: Tensor, p: Any = 0.5, *, generator: Any = None) -> Tensor:
    """x becomes 1 with probability p (a number, or a tensor that broadcasts), else 0."""
    chance = np.broadcast_to(to_host(p.array), x.array.shape) if isinstance(p, Tensor) else float(p)
    node = f"BernoulliBackward{1 if isinstance(p, Tensor) else 2}"
    return _fill(node, x, lambda g, shape, d: samplers.bernoulli(g, shape, chance, d), generator)


def exponential_(x: Tensor, lambd: float = 1.0, *, generator: Any = None) -> Tensor:
    """x becomes exponential with rate lambd."""
    return _fill("ExponentialBackward0", x, lambda g, shape, d: samplers.exponential(g, shape, d, lambd), generator)


def geometric_(x: Tensor, p: float, *, generator: Any = None) -> Tensor:
    """x becomes the number of trials until the first success of probability p."""
    return _fill("GeometricBackward0", x, lambda g, shape, d: samplers.geometric(g, shape, d, p), generator)


def cauchy_(x: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Any = None) -> Tensor:
    """x becomes Cauchy with that median and scale."""
    return _fill("CauchyBackward0", x, lambda g, shape, d: samplers.cauchy(g, shape, d, median, sigma), generator)


def log_normal_(x: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Any = None) -> Tensor:
    """x becomes exp of a normal with that mean and standard deviation."""
    return _fill("LogNormalBackward0", x, lambda g, shape, d: samplers.log_normal(g, shape, d, mean, std), generator)


# --- from parameters in tensors ---


def normal(
    mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Any = None, out: Tensor | None = None,
    dtype: dtype | None = None, **options: Any,
) -> Tensor:  # fmt: skip
    """Normal with means and standard deviations from tensors or numbers; with two numbers, of the given size."""
    if not (isinstance(mean, Tensor) or isinstance(std, Tensor)):
        if size is None:
            raise TypeError("normal() of two numbers needs a size: normal(mean, std, size)")
        d = _dtype(dtype, out, dtypes.get_default_dtype())

        def draw(g: engine.Generator, shape: tuple[int, ...], kind: Any) -> np.ndarray:
            return samplers.normal(g, shape, kind, float(mean), float(std))

        return _drawn(draw, sizes((size,), {}), d, generator, out=out, **options)
    if size is not None or dtype is not None or options:
        raise TypeError("normal() with tensors takes mean, std, generator and out")
    if isinstance(std, Tensor):
        if (std.array < 0).any():
            raise RuntimeError("normal expects all elements of std >= 0.0")
    elif std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    like = mean if isinstance(mean, Tensor) else std
    shape = tuple(broadcast_shapes(*[v.array.shape for v in (mean, std) if isinstance(v, Tensor)]))
    unit = 1.0 if isinstance(std, Tensor) else float(std)
    source = generator or engine.current_generator()
    noise = samplers.normal(source, shape, like.array.dtype, 0.0, unit)
    parameters = [v for v in (mean, std) if isinstance(v, Tensor)]
    mean, std = (v.detach() if isinstance(v, Tensor) else v for v in (mean, std))
    made = Tensor._of(to_device(as_array(noise), like.device))
    made = (mul(made, std) if isinstance(std, Tensor) else made) + mean
    for x in parameters:
        made = sample(x, made.array) if not made.requires_grad else where(ones_like(made, dtype=dtypes.bool_), made, x)
    overload = isinstance(mean, Tensor) + 2 * isinstance(std, Tensor)
    return given(out, title(made, f"NormalBackward{overload}"))


def bernoulli(input: Tensor, p: float | None = None, *, generator: Any = None, out: Tensor | None = None) -> Tensor:
    """1 with the probability that the input says (or p), else 0, in the input's shape and dtype."""
    if out is not None:
        apart("bernoulli", out, input)
    source = generator or engine.current_generator()
    chance = to_host(input.array) if p is None else float(p)
    array = samplers.bernoulli(source, tuple(input.array.shape), chance, input.array.dtype)
    return given(out, sample(input, as_array(array)))


def sample(x: Tensor, drawn: np.ndarray) -> Tensor:
    """What was drawn with the parameters x. As in PyTorch it hangs on the graph of x, with gradient 0."""
    values = Tensor._of(to_device(drawn, x.device))
    return where(ones_like(values, dtype=dtypes.bool_), values, x) if x.requires_grad else values


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Any = None, out: Tensor | None = None
) -> Tensor:
    """Indices drawn with the probabilities of each row: ([rows,] categories) -> ([rows,] num_samples) int64."""
    if not 1 <= input.array.ndim <= 2:
        raise RuntimeError(f"prob_dist must be 1 or 2 dim, this one has {input.array.ndim}")
    if out is not None and out.array.dtype != np.int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {out.dtype}")
    source = generator or engine.current_generator()
    array = samplers.multinomial(source, to_host(input.array), int(num_samples), replacement)
    return given(out, Tensor._of(to_device(array, input.device)))
