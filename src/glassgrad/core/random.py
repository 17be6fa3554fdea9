"""The random generator: PyTorch's, so that the same seed gives the same numbers as PyTorch on the CPU.

The engine is MT19937 with 32-bit seeding (Matsumoto and Nishimura 1998, ACM TOMACS 8(1); `init_genrand` of
their 2002 revision). NumPy carries it; PyTorch's layout of the state and the current generator are here.
What is made of its words, normals and permutations for example, is in samplers.py.

One stream serves every processor. Before 2.13 PyTorch could hand `bernoulli_` and `exponential_` to a
generator of Intel's MKL, which repeated itself (pytorch/pytorch#132395); the builds of 2.13 contain no such
path.

What PyTorch 2.13 draws where that is not plain from the call; from the current generator if none is given:

    DataLoader, each __iter__   base_seed: random_() of one int64
    RandomSampler               without a generator, random_() of one int64 seeds a new one, after base_seed;
                                then randperm(n), num_samples // n + 1 times: the last is cut, to nothing by
                                default. With replacement: randint(n, (32,)) as often as 32 fits, then the
                                rest
    random_split                randperm(sum(lengths))
    worker i of a DataLoader    manual_seed(base_seed + i)
    Linear, Conv1d, 2d, 3d      weight, then bias: both uniform_(-b, b) with b = 1 / sqrt(fan_in)
                                (the weight by kaiming_uniform_(a=sqrt(5)))
    Bilinear                    weight, then bias: b = 1 / sqrt(in1_features)
    Embedding                   normal_(0, 1); the row padding_idx is zeroed afterwards
    RNN, LSTM, GRU, *Cell       every parameter in order: b = 1 / sqrt(hidden_size)
    MultiheadAttention          out_proj as a Linear, then xavier_uniform_(in_proj_weight); biases are zero
    init.kaiming_*, xavier_*    one uniform_(-b, b) or normal_(0, std) over the whole tensor
    init.trunc_normal_          rejection: where [a, b] holds more than 0.3 of the mass, normal_(mean, std)
                                over the whole tensor until no element lies outside, only those being
                                replaced; otherwise uniform_(a, b) and then uniform_() to accept, both over
                                the whole tensor, again and again for those not yet accepted
    init.orthogonal_            normal_(0, 1) of (rows, numel / rows), then QR
    init.sparse_                normal_(0, std) over all of it, then randperm(rows) for each column, from the
                                current generator even if another is given: its first places are zeroed
    F.dropout, alpha_dropout    bernoulli_(1 - p) over the shape; nothing if p is 0 or 1, or when not
                                training. dropout2d and 3d: over (N, C, 1, 1, ...)
    F.rrelu                     a uniform float64 in [lower, upper) for each element <= 0, in order
    F.gumbel_softmax            exponential_() over the shape
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from .native import engine

WORDS = 624
STATE = np.dtype(
    [
        ("seed", "<u8"),
        ("left", "<i4"),  # words until the state is renewed, plus one
        ("seeded", "<i4"),
        ("next", "<u8"),  # the word to be read; 0 before the first draw
        ("words", "<u8", WORDS),
        ("normal_x", "<f8"),
        ("normal_y", "<f8"),  # the second normal of a pair, not yet handed out
        ("normal_rho", "<f8"),
        ("normal_is_valid", "<i4"),
        ("padding", "<i4"),
        ("float_normal", "<f4"),  # PyTorch's processors never set this one
        ("float_normal_is_valid", "<i4"),
    ]
)
"""PyTorch's layout of a CPU generator's state, 5056 bytes."""

DEFAULT_SEED = 67280421310721


class Generator:
    """A stream of random numbers; `Generator().manual_seed(s)` gives PyTorch's numbers for the seed s.

    Samplers draw 32-bit `words` and 64-bit `words64` (the first word is the high half), and hold `lock` while
    they do, so that one call's numbers are consecutive whatever other threads do.
    """

    def __init__(self, device: str = "cpu") -> None:
        if str(device) != "cpu":
            raise NotImplementedError(f"Generator: the device must be 'cpu', got {str(device)!r}")
        self.device = device
        self.lock = threading.RLock()
        self.manual_seed(DEFAULT_SEED)

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream of `seed`, an integer in [-2^63, 2^64); -1 is 2^64 - 1.

        The low 32 bits choose the stream. Raises ValueError outside that range.
        """
        if not isinstance(seed, int | np.integer):
            raise RuntimeError(f"manual_seed expected an integer, but got {type(seed).__name__}")
        if not -(2**63) <= seed < 2**64:
            raise ValueError(f"manual_seed expected an integer in [-2**63, 2**64), but got {seed}")
        with self.lock:
            self._seed = int(seed) % 2**64
            self._engine: Any = None  # made at the first draw: numpy.random takes a while to import
            self._untouched = True
            self.next_normal: float | None = None
        return self

    def seed(self) -> int:
        """Seed from the operating system's source of chance, and return that seed."""
        return self.manual_seed(int.from_bytes(os.urandom(8), "little")).initial_seed()

    def initial_seed(self) -> int:
        return self._seed

    def words(self, n: int) -> np.ndarray:
        """The next n words: (n,) uint64, each < 2^32."""
        with self.lock:
            engine = self._engine or self._start()
            self._untouched &= n == 0
            return engine.random_raw(n)

    def floats(self, out: np.ndarray, span: float, low: float, top: float, bottom: float) -> None:
        """Into out, float32: u * span + low, u in [0, 1) the low 24 bits of a word each; bottom where that is top."""
        with self.lock:
            source = self._engine or self._start()
            self._untouched &= out.size == 0
            engine.uniform_floats(source.capsule, out, span, low, top, bottom)

    def words64(self, n: int) -> np.ndarray:
        """The next 2n words as n numbers: (n,) uint64."""
        pairs = self.words(2 * n)
        high = pairs[0::2] << np.uint64(32)
        high |= pairs[1::2]
        return high

    @contextmanager
    def ahead(self) -> Iterator[list[int]]:
        """Words drawn in this block go back when it ends, but for the first used[0]: `used` is what it yields."""
        used = [0]
        with self.lock:
            engine = self._engine or self._start()
            before, untouched = engine.state, self._untouched
            try:
                yield used
            finally:
                engine.state, self._untouched = before, untouched
                self.words(used[0])

    def _start(self) -> Any:
        from numpy.random import MT19937, RandomState

        self._engine = MT19937(0)
        RandomState(self._engine).seed(self._seed % 2**32)
        return self._engine

    def state(self) -> np.ndarray:
        """The state as PyTorch's `get_state` writes it: (5056,) uint8."""
        with self.lock:
            engine = (self._engine or self._start()).state["state"]
            record = np.zeros((), STATE)
            record["seed"], record["seeded"], record["words"] = self._seed, 1, engine["key"]
            record["left"] = WORDS + 1 - engine["pos"]
            record["next"] = 0 if self._untouched else engine["pos"]
            if self.next_normal is not None:
                record["normal_y"], record["normal_is_valid"] = self.next_normal, 1
            return np.frombuffer(record.tobytes(), np.uint8).copy()

    def set_state(self, state: np.ndarray) -> Generator:
        """Continue from `state`, (5056,) uint8 from here or from PyTorch.

        Raises TypeError if it is not uint8, RuntimeError if it is not the state of such a generator.
        """
        if getattr(state, "dtype", None) != np.uint8:
            raise TypeError(f"RNG state must be an array of uint8, got {getattr(state, 'dtype', type(state).__name__)}")
        if state.size != STATE.itemsize:
            raise RuntimeError(f"the state of a CPU generator has {STATE.itemsize} bytes, got {state.size}")
        record = np.frombuffer(np.ascontiguousarray(state).tobytes(), STATE)[0]
        left, position = int(record["left"]), int(record["next"])
        consistent = 1 <= left <= WORDS and (position == WORDS + 1 - left or (left == 1 and position == 0))
        if not (record["seeded"] and consistent and record["words"].max() < 2**32):
            raise RuntimeError(f"Invalid mt19937 state: left {left} and next {position} do not fit each other")
        with self.lock:
            self._seed = int(record["seed"])
            engine = self._start()
            key = record["words"].astype(np.uint32)
            engine.state = {"bit_generator": "MT19937", "state": {"key": key, "pos": WORDS + 1 - left}}
            self._untouched = position == 0
            self.next_normal = float(record["normal_y"]) if record["normal_is_valid"] else None
        return self

    def clone_state(self) -> Generator:
        """A new generator that continues as this one would."""
        return Generator(self.device).set_state(self.state())

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.state())

    def __repr__(self) -> str:
        return f"Generator(device={self.device!r}, initial_seed={self._seed})"


def _restored(kind: type[Generator], state: np.ndarray) -> Generator:
    return kind().set_state(state)


default_generator = Generator()
"""The generator of a process; its first seed is left to chance, as PyTorch's is."""
default_generator.seed()

_scoped: ContextVar[Generator | None] = ContextVar("glassgrad_generator", default=None)


def current_generator() -> Generator:
    """The generator that draws without one use: the default one, unless a `generator_scope` is open here."""
    return _scoped.get() or default_generator


@contextmanager
def generator_scope(generator: Generator) -> Iterator[Generator]:
    """Make `generator` the current one, in this thread or task only: for models that train side by side."""
    token = _scoped.set(generator)
    try:
        yield generator
    finally:
        _scoped.reset(token)


@contextmanager
def fork_rng(enabled: bool = True) -> Iterator[None]:
    """Leave the current generator as it was before the block."""
    generator = current_generator()
    state = generator.state() if enabled else None
    try:
        yield
    finally:
        if state is not None:
            generator.set_state(state)


def manual_seed(seed: int) -> Generator:
    """Seed the current generator; see `Generator.manual_seed`. The seed may be anything that `int` takes."""
    return current_generator().manual_seed(int(seed))
