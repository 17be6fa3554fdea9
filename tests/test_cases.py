"""The universal checks, run on every row of the table: each gradient against finite differences, and more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from cases import CASES
from cases.make import Case, exchange, outputs_of, resolve
from glassgrad.core.op import REGISTRY, Op
from glassgrad.core.watch import watching

STEP = 1e-5
DIRECTIONS = 3


class Run:
    """A row called on fresh tensors: the real inputs (wanting gradients where the row has any) and the outputs."""

    def __init__(self, c: Case, arrays: Any = None, dtype: Any = np.float64) -> None:
        args, kwargs = c.draw(dtype)
        self.reals: list[gg.Tensor] = []
        given = iter(arrays) if arrays is not None else None

        def tensor(x: Any, spec: Any) -> Any:
            if not isinstance(x, np.ndarray):
                return x
            if not spec.real:
                return gg.tensor(x)
            made = x if given is None else next(given)
            if isinstance(made, np.ndarray):
                made = gg.Tensor._of(made)
                if c.order:
                    made.requires_grad_()
            self.reals.append(made)
            return made

        args, kwargs = exchange(args, c.args, tensor), exchange(kwargs, c.kwargs, tensor)
        self.result = resolve(gg, c.path)(*args, **kwargs)
        self.outputs = outputs_of(self.result)
        self.smooth = [y for y in self.outputs if y.requires_grad]

    def weigh(self, seed: int) -> gg.Tensor:
        """The smooth outputs as one number, with random weights."""
        rng = np.random.default_rng(seed)
        total = None
        for y in self.smooth:
            part = (y * gg.tensor(rng.uniform(0.5, 1.5, tuple(y.shape)))).sum()
            total = part if total is None else total + part
        assert total is not None, "no output requires grad"
        return total


def moved(points: list[np.ndarray], along: list[np.ndarray], step: float) -> list[np.ndarray]:
    return [np.asarray(a + step * t) for a, t in zip(points, along, strict=True)]


def slopes(f: Any, arrays: list[np.ndarray], seed: int) -> Iterator[tuple[list[np.ndarray], float]]:
    """Random directions, every entry of every array in each, and the number f(arrays)'s central difference along them.

    An entry of a gradient wrong by e is off by about e/2 in each direction; entry by entry takes ten times as long.
    """
    rng = np.random.default_rng(seed)
    for _ in range(DIRECTIONS if any(a.size for a in arrays) else 0):
        along = [rng.uniform(-1, 1, a.shape) for a in arrays]
        up, down = (f(moved(arrays, along, sign * STEP)) for sign in (1, -1))
        yield along, (up - down) / (2 * STEP)


def arrays_of(c: Case) -> list[np.ndarray]:
    return [x.array.copy() for x in Run(c).reals]


def inner(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    return sum(float((x * y).sum()) for x, y in zip(a, b, strict=True))


def close(a: Any, b: Any, tolerance: float, what: str) -> None:
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tolerance, atol=tolerance, err_msg=what)


DIFFERENTIABLE = [c for c in CASES if c.order and all(d.shape is not None for d in c.reals())]
TWICE = [c for c in DIFFERENTIABLE if c.order > 1]


def by_id(cases: list[Case]) -> Any:
    return pytest.mark.parametrize("c", cases, ids=[c.id for c in cases])


@by_id(DIFFERENTIABLE)
def test_gradient(c: Case) -> None:
    """Raw backward, recorded backward and finite differences agree."""
    run = Run(c)
    loss = run.weigh(0)
    recorded = gg.autograd.grad(loss, run.reals, create_graph=True, allow_unused=True)
    raw = gg.autograd.grad(loss, run.reals, allow_unused=True)
    got = [np.zeros(x.array.shape) if g is None else g.array for x, g in zip(run.reals, raw, strict=True)]
    for x, g, q in zip(run.reals, got, recorded, strict=True):
        assert g.shape == x.array.shape and g.dtype == x.array.dtype
        if q is not None:
            close(q.detach().array, g, 1e-12, "recorded against raw")
    for along, slope in slopes(lambda arrays: Run(c, arrays).weigh(0).item(), arrays_of(c), 3):
        close(inner(got, along), slope, c.tolerance, "against finite differences")


@by_id(TWICE)
def test_second_derivative(c: Case) -> None:
    def slope(arrays: list[np.ndarray] | None) -> tuple[Run, gg.Tensor | None]:
        run = Run(c, arrays)
        first = gg.autograd.grad(run.weigh(0), run.reals, create_graph=True, allow_unused=True)
        rng = np.random.default_rng(1)
        weights = [gg.tensor(rng.uniform(0.5, 1.5, x.array.shape)) for x in run.reals]
        parts = [(g * w).sum() for g, w in zip(first, weights, strict=True) if g is not None]
        return run, sum(parts[1:], parts[0]) if parts else None

    run, total = slope(None)
    if total is None or not total.requires_grad:
        got = [np.zeros(x.array.shape) for x in run.reals]
    else:
        second = gg.autograd.grad(total, run.reals, allow_unused=True)
        got = [np.zeros(x.array.shape) if g is None else g.array for x, g in zip(run.reals, second, strict=True)]

    def number(arrays: list[np.ndarray]) -> float:
        total = slope(arrays)[1]
        return 0.0 if total is None else total.item()

    for along, expected in slopes(number, arrays_of(c), 3):
        close(inner(got, along), expected, 10 * c.tolerance, "against finite differences of the gradient")


NARROW = {gg.float64: gg.float32, gg.complex128: gg.complex64}


@by_id(CASES)
def test_float32_and_layout(c: Case) -> None:
    """float32 gives float32, close to float64; the layout of the input's memory makes no difference."""
    wide = Run(c)
    narrow = Run(c, dtype=np.float32)
    crossed = Run(c, [np.array(a, order="F") for a in arrays_of(c)])
    for y, n, f in zip(wide.outputs, narrow.outputs, crossed.outputs, strict=True):
        assert n.dtype == (NARROW.get(y.dtype, y.dtype) if wide.reals else y.dtype)
        if not (y.dtype.is_floating_point or y.dtype.is_complex):
            np.testing.assert_array_equal(f.detach().array, y.detach().array)
        else:  # sums may run in another order
            close(f.detach().array, y.detach().array, 1e-12, "Fortran layout against C")
            close(n.detach().array, y.detach().array, 2e-4, "float32 against float64")
    if c.order and wide.smooth:
        for x in narrow.reals:
            x.grad = None
        sum((y.sum() for y in narrow.smooth[1:]), narrow.smooth[0].sum()).backward()
        for x in narrow.reals:
            assert x.grad is None or (x.grad.dtype is gg.float32 and x.grad.shape == x.shape)


@by_id(DIFFERENTIABLE)
def test_forward_mode(c: Case) -> None:
    """The function's tangent along a random direction against finite differences."""
    points = arrays_of(c)
    rng = np.random.default_rng(2)
    along = [rng.uniform(-1, 1, a.shape) for a in points]
    _, tangents = gg.func.jvp(
        lambda *xs: tuple(Run(c, xs).outputs), tuple(map(gg.tensor, points)), tuple(map(gg.tensor, along))
    )
    ends = [[y.detach().array for y in Run(c, moved(points, along, sign * STEP)).outputs] for sign in (1, -1)]
    for y, got, up, down in zip(Run(c).outputs, tangents, *ends, strict=True):
        if y.requires_grad and np.isfinite(y.detach().array).all():
            close(got.array, (up - down) / (2 * STEP), 10 * c.tolerance, "tangent against finite differences")


# What has no meaning for all samples at once: a place in memory.
NOT_UNDER_VMAP = ("as_strided",)


@by_id(DIFFERENTIABLE)
def test_vmap(c: Case) -> None:
    """Three samples at once, one in another order: values and gradients are those of each alone."""
    points = arrays_of(c)
    stacks = [np.stack([a, 1.01 * a, a.reshape(-1)[::-1].reshape(a.shape)]) for a in points]

    def value_and_grads(*xs: gg.Tensor) -> Any:
        gg.manual_seed(0)
        run = Run(c, [x.requires_grad_() for x in xs])
        grads = gg.autograd.grad(run.weigh(0), xs, materialize_grads=True) if run.smooth else ()
        return (*[y.detach() for y in run.outputs], *grads)

    def batched() -> Any:
        return gg.func.vmap(value_and_grads, randomness="same")(*map(gg.tensor, stacks))

    if c.path.split(".")[-1].startswith(NOT_UNDER_VMAP):
        with pytest.raises(RuntimeError, match="vmap"):
            batched()
        return
    together = batched()
    for k in range(3):
        alone = value_and_grads(*[gg.tensor(s[k]) for s in stacks])
        for got, expected in zip(together, alone, strict=True):
            close(got.array[k], expected.array, 1e-10, f"sample {k}")


class Recorder:
    """Every call of every declared operation on raw arrays while the table runs: (smooth, arrays, options, result)."""

    def __init__(self) -> None:
        self.calls: dict[str, list[tuple[bool, tuple[Any, ...], dict[str, Any], Any]]] = {}
        self.smooth = False  # whether the row at hand is one that is differentiated

    def watch(self, declared: Op) -> Any:
        plain = declared.forward

        def forward(*arrays: Any, **options: Any) -> Any:
            with np.errstate(all="ignore"):  # NumPy would name this file, not the package's
                y = plain(*arrays, **options)
            kept = tuple(a.copy() if isinstance(a, np.ndarray) else a for a in arrays)
            if all(isinstance(v, (np.ndarray, np.generic)) for v in outputs_of(y)):  # not while a formula is traced
                self.calls.setdefault(declared.name, []).append((self.smooth, kept, options, y))
            return y

        return forward


@pytest.fixture(scope="module")
def calls() -> Any:
    recorder = Recorder()
    plain = {name: declared.forward for name, declared in REGISTRY.items()}
    try:
        for declared in REGISTRY.values():
            declared.forward = recorder.watch(declared)
        with watching(lambda *_: None):  # the compiled engine steps aside where somebody watches
            for c in CASES:
                recorder.smooth = c.order > 0
                run = Run(c)
                if c.order and run.smooth:
                    gg.autograd.grad(run.weigh(0), run.reals, allow_unused=True)
    finally:
        for name, declared in REGISTRY.items():
            declared.forward = plain[name]
    return recorder.calls


# picks belong to other operations, move needs a second device, eig is complex; the rest is the machinery of func
WITHOUT_ROWS = {
    "pick_output", "move", "variable", "fold_samples", "repeat_samples", "enter_batch", "leave_batch", "eig",
    # what random numbers do, and their exact derivatives: tests/test_distributions.py
    "gamma_drawn", "dirichlet_drawn", "_standard_gamma_grad", "_dirichlet_grad", "gamma_cdf",
}  # fmt: skip
# cast changes the dtype that differences are taken in, sample draws anew each time: see tests/test_autograd.py;
# eig gives complex numbers, which aren't differentiated; the others take or give them: see tests/test_complex.py
NOT_BY_DIFFERENCES = {
    "cast", "sample", "eig",
    "complex", "conj", "fourier", "from_spectrum", "imaginary_part", "joined", "pairs", "real_part", "sgn", "spectrum",
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(REGISTRY) - WITHOUT_ROWS))
def test_every_operation_has_a_row(name: str, calls: Any) -> None:
    assert name in calls, f"{name} is declared, but no row of tests/cases calls it"


@pytest.mark.parametrize(
    "name", sorted({n for n, o in REGISTRY.items() if o.declared} - WITHOUT_ROWS - NOT_BY_DIFFERENCES)
)
def test_forward_mode_of(name: str, calls: Any) -> None:
    """The declared rule of forward mode against finite differences of the operation itself."""
    declared = REGISTRY[name]
    step = 0.5 if declared.jvp == "linear" else STEP  # of a linear function every difference is exact
    tried = 0
    for smooth, arrays, options, y in calls.get(name, []):
        if tried == 6:
            break
        rng = np.random.default_rng(tried)
        moving = [
            i for i, a in enumerate(arrays)
            if isinstance(a, np.ndarray) and a.dtype == np.float64 and declared.formulas[i] is not None
        ]  # fmt: skip
        results = [np.asarray(v) for v in outputs_of(y)]
        kinds = "f" if declared.jvp == "linear" else "d"
        if not smooth or not moving or not all(v.dtype.kind == "f" and v.dtype.char in kinds + "d" for v in results):
            continue
        tangents = [rng.uniform(-1, 1, a.shape) if i in moving else None for i, a in enumerate(arrays)]
        with np.errstate(all="ignore"):
            got = declared.push(arrays, tangents, {**declared.options, **options}, y)
            ends = []
            for sign in (1, -1):
                moved = [a if t is None else a + sign * step * t for a, t in zip(arrays, tangents, strict=True)]
                ends.append(declared.forward(*moved, **options))
        if not all(np.isfinite(v).all() for v in results):
            continue  # differences of infinities say nothing
        for g, up, down in zip(outputs_of(got), outputs_of(ends[0]), outputs_of(ends[1]), strict=True):
            close(g, (np.asarray(up) - np.asarray(down)) / (2 * step), 1e-5, f"{name}: tangent")
        tried += 1
    assert tried, f"no row of tests/cases differentiates {name} on float64 arrays"


def test_the_gradient_check_can_fail() -> None:
    """A formula wrong by 0.1 % is caught."""
    declared = REGISTRY["tanh"]
    right = declared.formulas
    declared.formulas = [lambda g, y: 1.001 * g * (1 - y * y)]
    try:
        with pytest.raises(AssertionError):
            test_gradient(next(c for c in CASES if c.id == "tanh plain"))
    finally:
        declared.formulas = right
