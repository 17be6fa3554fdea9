"""The generator and the samplers against numbers of PyTorch 2.13; tests/oracle compares many more."""

from __future__ import annotations

import copy
import hashlib
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

from glassgrad.core import random, samplers
from glassgrad.core.random import Generator

f4, f8, i8 = np.float32, np.float64, np.int64
WEIGHTS = np.array([1, 2, 3, 4, 0], f4)

# name, draw(generator) with the seed 42, PyTorch's numbers
STORED = [
    ("uniform", lambda g: samplers.uniform(g, 4),
     [0.8822692632675171, 0.9150039553642273, 0.38286375999450684, 0.9593056440353394]),
    ("uniform float64", lambda g: samplers.uniform(g, 3, f8),
     [0.05815448596142969, 0.06291016742457756, 0.12358607277440903]),
    ("uniform in a range", lambda g: samplers.uniform(g, 4, f4, -0.37, 1.91),
     [1.6415739059448242, 1.7162089347839355, 0.5029293298721313, 1.8172168731689453]),
    ("5 normals", lambda g: samplers.normal(g, 5),
     [0.33669036626815796, 0.12880940735340118, 0.23446236550807953, 0.23033303022384644,
      -1.1228563785552979]),
    ("17 normals", lambda g: samplers.normal(g, 17)[[0, 1, 2, 9, 10, 16]],
     [1.9269152879714966, -0.1595974713563919, -0.4973975419998169, 1.2964228391647339, 0.610466480255127,
      -0.3097267746925354]),
    ("16 normals float64", lambda g: samplers.normal(g, 16, f8, 2.0, 3.0)[[0, 7, 8, 15]],
     [2.898668863250791, -3.245208404467609, 2.52042920427083, -2.4762181850513034]),
    ("17 normals float16", lambda g: samplers.normal(g, 17, np.float16)[[0, 1, 2, 16]],
     [1.9267578125, 1.642578125, -0.1595458984375, 0.85986328125]),
    ("exponential", lambda g: samplers.exponential(g, 3, f4, 0.5),
     [0.11982803046703339, 0.12995225191116333, 0.26383355259895325]),
    ("cauchy", lambda g: samplers.cauchy(g, 3, f4, 1, 2),
     [-9.82497501373291, -8.987401962280273, -3.8897485733032227]),
    ("log_normal", lambda g: samplers.log_normal(g, 3, f4, 0.5, 1),
     [2.30871319770813, 1.8753764629364014, 2.0843610763549805]),
    ("geometric", lambda g: samplers.geometric(g, 6, i8, 0.2), [13, 13, 10, 14, 3, 4]),
    ("bernoulli", lambda g: samplers.bernoulli(g, 12, 0.3, i8), [1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0]),
    ("bernoulli of an array", lambda g: samplers.bernoulli(g, 5, np.array([0.1, 0.5, 0.9, 0.5, 0.5], f4)),
     [0, 0, 1, 0, 1]),
    ("integers", lambda g: samplers.integers(g, 8, i8, -3, 8), [3, 4, 6, 0, -1, 7, 0, -3]),
    ("integers of 64 bits", lambda g: samplers.integers(g, 3, i8, -(2**40), 2**50),
     [538102693772723, 344543064331534, 323715033846855]),
    ("all of uint8", lambda g: samplers.integers(g, 5, np.uint8), [102, 179, 92, 14, 106]),
    ("all of int64", lambda g: samplers.integers(g, 2, i8), [6909045637428952499, 8314211556539077902]),
    ("all of float32", lambda g: samplers.integers(g, 3, f4), [14801927, 15351016, 6423145]),
    ("permutation", lambda g: samplers.permutation(g, 10), [2, 6, 1, 8, 4, 5, 0, 9, 3, 7]),
    ("multinomial", lambda g: samplers.multinomial(g, WEIGHTS, 3), [3, 1, 2]),
    ("multinomial with replacement", lambda g: samplers.multinomial(g, WEIGHTS, 8, True),
     [0, 0, 1, 0, 2, 2, 3, 3]),
]  # fmt: skip


@pytest.mark.parametrize(("draw", "expected"), [case[1:] for case in STORED], ids=[case[0] for case in STORED])
def test_the_numbers_of_pytorch(draw, expected):
    numbers = draw(Generator().manual_seed(42))
    if numbers.dtype == f8 or numbers.dtype == f4:
        assert np.allclose(numbers, expected, rtol=2.5e-7 if numbers.dtype == f4 else 1e-14, atol=0)
    else:
        assert numbers.tolist() == expected


def test_float32_normals_have_the_last_bits_of_pytorch():
    x = samplers.normal(Generator().manual_seed(42), 1000)
    assert int(x.view(np.int32).astype(i8).sum()) == -5815903103


@pytest.mark.parametrize(
    ("drawn", "digest"), [(0, "8f688d367714efbc"), (3, "9d922a6f5460556d"), (700, "ad9c705df16214f2")]
)
def test_the_state_has_the_bytes_of_pytorch(drawn, digest):
    g = Generator().manual_seed(-7)
    if drawn == 3:  # a second normal waits; its last place is the C library's
        samplers.normal(g, 3, f8)
        assert g.state().view(random.STATE)["normal_is_valid"] == 1
    else:
        samplers.uniform(g, drawn)
        assert hashlib.sha256(g.state().tobytes()).hexdigest()[:16] == digest


DRAWS = {name: draw for name, draw, _ in STORED}


@pytest.mark.parametrize("name", DRAWS)
def test_a_state_continues_the_stream(name):
    g = Generator().manual_seed(3)
    samplers.normal(g, 3)
    state = g.state()
    numbers = [DRAWS[name](g) for _ in range(2)]
    assert (g.state() != state).any()
    for twin in (
        Generator().set_state(state),
        Generator().set_state(state).clone_state(),
        copy.deepcopy(Generator().set_state(state)),
        pickle.loads(pickle.dumps(Generator().set_state(state))),
    ):
        assert all((DRAWS[name](twin) == x).all() for x in numbers)
        assert (twin.state() == g.state()).all()


@pytest.mark.parametrize("name", ["uniform", "17 normals", "bernoulli", "integers"])
def test_blocks_do_not_show(name, monkeypatch):
    whole = DRAWS[name](Generator().manual_seed(5))
    monkeypatch.setattr(samplers, "BLOCK", 16)
    assert (DRAWS[name](Generator().manual_seed(5)) == whole).all()


def test_seeds():
    g = Generator()
    assert g.initial_seed() == 67280421310721
    assert g.manual_seed(-1) is g and g.initial_seed() == 2**64 - 1
    assert (g.manual_seed(2**32 + 7).words(3) == Generator().manual_seed(7).words(3)).all()
    assert g.seed() == g.initial_seed() != g.seed()
    for seed, error in ((2**64, ValueError), (-(2**63) - 1, ValueError), (1.5, RuntimeError)):
        with pytest.raises(error, match="manual_seed expected"):
            g.manual_seed(seed)
    with pytest.raises(NotImplementedError, match="cuda"):
        Generator("cuda")


def test_states_that_are_none():
    g = Generator()
    with pytest.raises(TypeError, match="float64"):
        g.set_state(np.zeros(5056))
    with pytest.raises(RuntimeError, match="5056 bytes, got 10"):
        g.set_state(np.zeros(10, np.uint8))
    for field, value in (("seeded", 0), ("left", 0), ("left", 626), ("next", 3), ("words", 2**32)):
        state = g.state()
        state.view(random.STATE)[field] = value
        with pytest.raises(RuntimeError, match="Invalid mt19937 state"):
            g.set_state(state)


def test_insertion_of_long_permutations(monkeypatch):
    n = 1000
    words = Generator().manual_seed(1).words64(n).tolist()
    expected: list[int] = []
    for i, word in enumerate(words):
        expected.append(i)
        j = word % (i + 1)
        expected[i], expected[j] = expected[j], i
    monkeypatch.setattr(samplers, "INSIDE_OUT_FROM", n)
    assert samplers.permutation(Generator().manual_seed(1), n).tolist() == expected
    assert sorted(expected) == list(range(n))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda g: samplers.uniform(g, 2, f4, 1.0, 0.0), "from=1 > to=0"),
        (lambda g: samplers.uniform(g, 2, f4, -3e38, 3e38), "finite in float32"),
        (lambda g: samplers.normal(g, 2, f4, 0.0, -1.0), "found std -1"),
        (lambda g: samplers.log_normal(g, 2, f4, 0.0, 0.0), "std > 0.0"),
        (lambda g: samplers.exponential(g, 2, f4, 0.0), "lambda=0.0"),
        (lambda g: samplers.cauchy(g, 2, f4, 0.0, 0.0), "sigma=0.0"),
        (lambda g: samplers.geometric(g, 2, i8, 1.0), "p=1.0"),
        (lambda g: samplers.bernoulli(g, 2, 1.5), "p=1.5"),
        (lambda g: samplers.bernoulli(g, 2, np.array([0.5, -0.1])), "every p"),
        (lambda g: samplers.integers(g, 2, i8, 3, 3), "from=3 >= to=3"),
        (lambda g: samplers.integers(g, 2, np.uint8, -1, 3), "from is out of bounds for uint8"),
        (lambda g: samplers.integers(g, 2, np.int8, 0, 300), "to - 1 is out of bounds for int8"),
        (lambda g: samplers.permutation(g, 300, np.uint8), "too large"),
        (lambda g: samplers.permutation(g, -1), "negative dimension"),
        (lambda g: samplers.multinomial(g, WEIGHTS, 6), "n_sample > prob_dist.size"),
        (lambda g: samplers.multinomial(g, WEIGHTS, 0), "n_sample <= 0"),
        (lambda g: samplers.multinomial(g, -WEIGHTS, 1), "element < 0"),
        (lambda g: samplers.multinomial(g, 0 * WEIGHTS, 1), "sum of probabilities <= 0"),
    ],
)
def test_errors_come_before_any_draw(call, says):
    g = Generator().manual_seed(0)
    state = g.state()
    with pytest.raises(RuntimeError, match=says):
        call(g)
    assert (g.state() == state).all()


def test_floats_only():
    with pytest.raises(NotImplementedError, match="got int64"):
        samplers.uniform(Generator(), 2, i8)


def test_the_current_generator():
    with random.fork_rng():
        assert random.manual_seed(3) is random.current_generator() is random.default_generator
        first = samplers.uniform(random.current_generator(), 3)
        with random.fork_rng():
            again = samplers.uniform(random.manual_seed(3), 3)
        assert (again == first).all()
        assert (samplers.uniform(random.current_generator(), 3) != first).all()
        state = random.default_generator.state()
        with random.generator_scope(Generator().manual_seed(3)) as g:
            assert random.current_generator() is g
            assert (samplers.uniform(random.current_generator(), 3) == first).all()
        assert (random.default_generator.state() == state).all()


def test_fork_rng_after_an_error():
    state = random.default_generator.state()
    with pytest.raises(KeyError), random.fork_rng():
        random.default_generator.words(1)
        raise KeyError
    assert (random.default_generator.state() == state).all()
    with random.fork_rng(), random.fork_rng(enabled=False):
        random.default_generator.words(1)
        assert (random.default_generator.state() != state).any()


def test_threads_with_scopes_of_their_own_draw_what_they_would_alone():
    results = {}

    def work(seed):
        with random.generator_scope(Generator().manual_seed(seed)):
            results[seed] = np.concatenate([samplers.normal(random.current_generator(), 7) for _ in range(50)])

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, numbers in results.items():
        g = Generator().manual_seed(seed)
        assert (numbers == np.concatenate([samplers.normal(g, 7) for _ in range(50)])).all()
    assert len(results) == 8


def test_one_call_draws_consecutive_numbers_whatever_other_threads_do():
    g, n, calls = Generator().manual_seed(1), samplers.BLOCK + 100, 12
    drawn = []
    threads = [threading.Thread(target=lambda: drawn.append(samplers.uniform(g, n))) for _ in range(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    serial = samplers.uniform(Generator().manual_seed(1), calls * n).reshape(calls, n)
    assert sorted(x.tobytes() for x in drawn) == sorted(x.tobytes() for x in serial)


def test_numpy_random_is_imported_at_the_first_draw():
    code = """
import sys
from glassgrad.core import random, samplers
before = "numpy.random" in sys.modules
random.manual_seed(0).words(1)
print(before, "numpy.random" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.split() == ["False", "True"]
