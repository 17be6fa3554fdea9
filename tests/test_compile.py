"""glassgrad.compile: a replay gives what the function gives, bit for bit, and what cannot be replayed says so."""

from __future__ import annotations

import gc
import random
import time
import warnings
from collections import OrderedDict
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
import programs
from cases import CASES
from cases.make import Case, exchange, outputs_of, resolve
from glassgrad import nn
from glassgrad.compiler import Compiled
from glassgrad.nn import functional as F
from glassgrad.optim import AdamW
from glassgrad.optim.lr_scheduler import StepLR


def values(*shape: int, seed: int = 0, dtype: Any = np.float32) -> gg.Tensor:
    return gg.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(dtype))


def blocked(f: Compiled) -> Compiled:
    """From here on the function itself must not run."""

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("the user's function ran")

    assert f.plan is not None, f.reason
    f.function = fail
    return f


def silent(f: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return f()


# --- every function of the library -------------------------------------------------------------------------


def drawn(c: Case, again: int) -> tuple[Any, Any, list[gg.Tensor]]:
    """The row's arguments in their k-th drawing, and the real tensors among them."""
    args, kwargs = replace(c, id=c.id + "'" * again).draw()
    reals: list[gg.Tensor] = []

    def tensor(x: Any, spec: Any) -> Any:
        if not isinstance(x, np.ndarray):
            return x
        made = gg.tensor(x)
        if spec.real:
            made.requires_grad_(bool(c.order))
            reals.append(made)
        return made

    return exchange(args, c.args, tensor), exchange(kwargs, c.kwargs, tensor), reals


def outcome(f: Any, rows: list[Case], again: int) -> list[Any]:
    """What f gives for these rows: outputs and gradients."""
    arguments = [drawn(c, again) for c in rows]
    gg.manual_seed(3)
    outputs = [y for result in f([(args, kwargs) for args, kwargs, _ in arguments]) for y in outputs_of(result)]
    smooth = [(y * y).sum() for y in outputs if isinstance(y, gg.Tensor) and y.requires_grad]
    if smooth:
        sum(smooth).backward()
    return [host(y) for y in outputs] + [host(x.grad) for _, _, reals in arguments for x in reals]


def host(x: Any) -> Any:
    return x.detach().numpy() if isinstance(x, gg.Tensor) else x


def same(a: list[Any], b: list[Any]) -> bool:
    return all(type(x) is type(y) and np.array_equal(x, y, equal_nan=np.asarray(x).dtype.kind in "fc")
               for x, y in zip(a, b, strict=True) if x is not None or y is not None)  # fmt: skip


def in_turn(rows: list[Case]) -> Any:
    """A function that calls the functions of these rows, and asks for the shapes of what they give."""
    calls = [resolve(gg, c.path) for c in rows]

    def f(arguments: Any) -> Any:
        results = []
        for call, (args, kwargs) in zip(calls, arguments, strict=True):
            y = call(*args, **kwargs)
            results.append(y * y.numel() if isinstance(y, gg.Tensor) and y.is_floating_point() else y)
        return results

    return f


def check_replay(rows: list[Case]) -> None:
    f = in_turn(rows)
    compiled = gg.compile(f)
    silent(lambda: outcome(compiled, rows, 0))
    if compiled.reason is not None and len(rows) > 1:  # one of them cannot be replayed
        check_replay(rows[: len(rows) // 2])
        check_replay(rows[len(rows) // 2 :])
        return
    assert compiled.reason is None or "whose shape depends on values" in compiled.reason
    assert same(silent(lambda: outcome(compiled, rows, 1)), outcome(f, rows, 1)), [c.id for c in rows]


TOGETHER = 30


@pytest.mark.parametrize("k", range(0, len(CASES), TOGETHER))
def test_a_replay_on_other_numbers_is_the_function(k: int) -> None:
    """Nothing that a function of the library finds in its tensors is left over from the recording."""
    check_replay(CASES[k : k + TOGETHER])


def test_the_check_can_fail() -> None:
    rows = [c for c in CASES if c.path == "nn.functional.cross_entropy"][:2]
    f = in_turn(rows)
    assert not same(outcome(f, rows, 1), outcome(lambda a: [y * (1 + 1e-12) for y in f(a)], rows, 1))
    assert not same(outcome(f, rows, 0), outcome(f, rows, 1))


# --- chains of elementwise operations ----------------------------------------------------------------------


def gelu(x: gg.Tensor) -> gg.Tensor:
    return 0.5 * x * (1 + gg.tanh(0.7978845608 * (x + 0.044715 * x**3)))


def swish(x: gg.Tensor, beta: gg.Tensor) -> gg.Tensor:
    y = x * gg.sigmoid(beta * x)
    return gg.where(y > 0, y, y.exp() - 1) / (1 + y * y).sqrt()


def residual(x: gg.Tensor, beta: gg.Tensor) -> gg.Tensor:
    """A value that is used inside the chain and outside it."""
    h = (x + beta).tanh()
    return (h * h).exp() * h.mean() + h


@pytest.mark.parametrize("f", [gelu, swish, residual], ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [0, 1, 7, 20_000])
def test_a_fused_chain_has_the_values_and_gradients_of_its_parts(f: Any, dtype: Any, n: int) -> None:
    compiled = gg.compile(f)
    count = f.__code__.co_argcount
    for seed in range(3):
        pair = []
        for g in (f, compiled):
            xs = [values(n, seed=seed + k, dtype=dtype).requires_grad_() for k in range(count)]
            y = g(*xs)
            y.sum().backward()
            pair.append([host(y), *(host(x.grad) for x in xs)])
        for a, b in zip(*pair, strict=True):  # the sum of the residual's gradients is taken in another order
            np.testing.assert_allclose(a, b, rtol=0, atol=(1e-6 if dtype is np.float32 else 1e-15) * (f is residual))
        if seed == 0:
            blocked(compiled)
    assert any(i.parts for i in compiled.plan.instructions)


def test_gelu_is_one_operation() -> None:
    compiled = gg.compile(gelu)
    x = values(10).requires_grad_()
    compiled(x)
    y = blocked(compiled)(x)
    assert [len(i.parts) for i in compiled.plan.instructions] == [8]
    assert y.grad_fn.name() == "FusedBackward0" and y.grad_fn.next_functions[0][0].variable is x
    assert "mul+pow" in str(compiled.plan) and "x**3" in str(compiled.plan)


def test_a_plan_is_drawn() -> None:
    compiled = gg.compile(lambda x, w: (x @ w).relu().sum())
    compiled(values(2, 3), values(3, 2))
    drawn = compiled.plan.dot()
    for line in ("inputs -> 0", '0 [label="matmul"]', '1 [label="relu"]', '0 -> 1 [label="%2"]', "2 -> result"):
        assert line in drawn


def test_what_a_chain_keeps_is_told_of_changes_in_place() -> None:
    x = values(5).requires_grad_()
    compiled = gg.compile(gelu)
    compiled(x)
    y = compiled(x)
    with gg.no_grad():
        x.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_a_chain_is_not_made_over_a_change_in_place() -> None:
    def f(x: gg.Tensor) -> gg.Tensor:
        h = x * 1.0
        y = (h * 2).exp()
        h.add_(1)
        return y + h

    compiled = gg.compile(f)
    for seed in range(3):
        x, z = (values(6, seed=seed).requires_grad_() for _ in range(2))
        compiled(x).sum().backward()
        f(z).sum().backward()
        assert np.array_equal(host(x.grad), host(z.grad))
    assert compiled.plan is not None


def test_the_second_derivative_goes_through_a_chain() -> None:
    compiled = gg.compile(gelu)
    x = values(6, dtype=np.float64).requires_grad_()
    compiled(x)
    blocked(compiled)
    assert gg.autograd.gradcheck(compiled, (x,))
    assert gg.autograd.gradgradcheck(compiled, (x,))


def test_a_chain_knows_the_users_line_and_forward_mode() -> None:
    compiled = gg.compile(gelu)
    x = values(6, dtype=np.float64)
    y, t = gg.func.jvp(compiled, (x,), (gg.ones(6, dtype=gg.float64),))
    z, u = gg.func.jvp(gelu, (x,), (gg.ones(6, dtype=gg.float64),))
    assert np.array_equal(host(y), host(z)) and np.array_equal(host(t), host(u))
    x.requires_grad_()
    compiled(x)
    place = compiled(x).grad_fn.place
    assert place[0] is gelu.__code__


# --- training ----------------------------------------------------------------------------------------------


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(4 * 9, 16), nn.ReLU(inplace=True), nn.Dropout(0.3))
        self.out, self.scale = nn.Linear(16, 3), 0.5

    def forward(self, x: gg.Tensor) -> gg.Tensor:
        h = F.max_pool2d(F.relu(self.norm(self.conv(x))), 2)
        return self.out(self.head(h) * self.scale)


def losses(compiled: bool, whole: bool, steps: int = 8) -> list[float]:
    gg.manual_seed(0)
    model = Net()
    optimizer = AdamW(model.parameters(), lr=0.01)
    schedule = StepLR(optimizer, 3, 0.5)
    forward = gg.compile(model) if compiled and not whole else model

    def step(x: gg.Tensor, y: gg.Tensor) -> gg.Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(forward(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(list(model.parameters()), 1.0) if not whole else None
        optimizer.step()
        return loss

    run = gg.compile(step) if compiled and whole else step
    found = []
    for k in range(steps):
        x = values(5, 1, 8, 8, seed=k)
        y = gg.tensor(np.random.default_rng(k).integers(0, 3, 5))
        found.append(run(x, y).item())
        schedule.step()
    if compiled:
        made = run if whole else forward.compiled
        assert made.reason is None and len(made.plans) == 1
    return found


@pytest.mark.parametrize("whole", [False, True], ids=["the model", "the step"])
def test_training_is_the_same_to_the_bit(whole: bool) -> None:
    """Batch norm's statistics, dropout's draws, ReLU in place, the optimizer's state and its schedule go on."""
    assert losses(True, whole) == losses(False, whole)


def test_a_module_stays_a_module() -> None:
    gg.manual_seed(0)
    model = Net()
    compiled = gg.compile(model)
    assert isinstance(compiled, nn.Module) and compiled.scale == 0.5
    assert list(compiled.state_dict())[0] == "_orig_mod.conv.weight"
    assert [id(p) for p in compiled.parameters()] == [id(p) for p in model.parameters()]
    x = values(2, 1, 8, 8)
    compiled(x)
    model.eval()
    assert np.array_equal(host(compiled(x)), host(model(x)))
    model.scale = 2.0
    assert np.array_equal(host(compiled(x)), host(model(x)))
    model.out = nn.Linear(16, 3)
    assert np.array_equal(host(compiled(x)), host(model(x)))
    blocked(compiled.compiled)
    assert np.array_equal(host(compiled(x)), host(model(x)))


def test_an_attribute_that_is_set_is_set_by_a_replay() -> None:
    class Remembering(nn.Module):
        def forward(self, x: gg.Tensor) -> gg.Tensor:
            self.last = x * 2
            return self.last + 1

    model = Remembering()
    compiled = gg.compile(model)
    for seed in range(3):
        x = values(3, seed=seed)
        compiled(x)
        assert np.array_equal(host(model.last), host(x * 2))
    assert compiled.compiled.reason is None


class Stack(nn.Module):
    """Modules in lists and dictionaries, a penalty over all parameters, a gradient that is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.ModuleDict(
            {"blocks": nn.ModuleList([nn.Linear(3, 3) for _ in range(2)]), "out": nn.Linear(3, 1)}
        )

    def forward(self, x: gg.Tensor) -> gg.Tensor:
        for block in self.parts.blocks:
            x = block(x).tanh()
        penalty = sum(p.square().sum() for p in self.parameters())
        return self.parts["out"](x).sum() + 0.1 * penalty


def test_modules_in_containers() -> None:
    model = Stack()
    compiled = gg.compile(model)
    for seed in range(2):
        x = values(2, 3, seed=seed)
        assert compiled(x).item() == model(x).item()
    assert compiled.compiled.reason is None
    model.parts.blocks.append(nn.Linear(3, 3))
    assert compiled(x).item() == model(x).item()
    model.parts.blocks[0] = nn.Linear(3, 3)
    assert compiled(x).item() == model(x).item()
    model.parts.blocks[1].weight = nn.Parameter(values(3, 3))
    assert compiled(x).item() == model(x).item()
    assert len(compiled.compiled.plans) == 4


def test_a_gradient_that_the_code_looks_at() -> None:
    w = values(3).requires_grad_()

    def step(x: gg.Tensor) -> gg.Tensor:
        w.grad = None
        (w * x).sum().backward()
        with gg.no_grad():
            return w.grad * 2

    compiled = gg.compile(step)
    for seed in range(3):
        x = values(3, seed=seed)
        assert np.array_equal(host(compiled(x)), host(x * 2))
    assert compiled.reason is None
    with pytest.warns(UserWarning, match="a gradient that is not there"):
        gg.compile(lambda x: x if x.grad is None else x + x.grad)(values(3))


def test_a_recording_holds_no_tensor_of_its_run() -> None:
    import weakref

    seen = []

    class Watched(nn.Module):
        def forward(self, x: gg.Tensor) -> gg.Tensor:
            parts = [x * k for k in range(3)]
            return first_of(parts) + parts[2]

    compiled = gg.compile(Watched())
    x = values(3)
    y = compiled(x)
    seen += [weakref.ref(x), weakref.ref(y)]
    assert compiled.compiled.plan is not None
    del x, y
    gc.collect()
    assert [r() for r in seen] == [None, None]
    assert not [t for t in gc.get_objects() if isinstance(t, gg.Tensor) and t.shape == (3,) and t.grad_fn is not None]


def first_of(parts: list[gg.Tensor]) -> gg.Tensor:
    return parts[0]


def test_hooks_of_modules_are_called() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Tanh())
    compiled, seen = gg.compile(model), []
    compiled(values(2, 3))
    model[0].register_forward_hook(lambda module, args, out: seen.append(1))
    for k in range(3):
        silent(lambda: compiled(values(2, 3)))
        assert len(seen) == k + 1


# --- random programs ---------------------------------------------------------------------------------------


def written(p: programs.Program) -> Any:
    """The program as one function of its leaves, which returns every tensor."""
    lines = [line for step in p.steps for line in str(step).split("\n")]
    made = sorted({*range(len(p.leaves)), *(s.out for s in p.steps if s.out is not None)})
    names = [f"t{k}" for k in range(len(p.leaves))]
    body = "\n    ".join([*lines, f"return [{', '.join(f't{k}' for k in made)}]"])
    namespace: dict[str, Any] = {"torch": gg}
    exec(f"def program({', '.join(names)}):\n    {body}", namespace)
    return namespace["program"]


@pytest.mark.parametrize("seeds", [range(k, k + 20) for k in range(0, 200, 20)], ids=str)
def test_random_programs_replayed(seeds: range) -> None:
    replayed = 0
    for seed in seeds:
        p = programs.program(seed)
        if any(problem is not None for problem in programs.run(p, gg).problems):
            continue
        f = written(p)
        compiled = gg.compile(f)
        for k in range(3):
            rng, found = np.random.default_rng(k), []
            moved = [np.asarray(v) + (0.01 * rng.uniform(-1, 1, np.shape(v)) if k else 0) for v, _ in p.leaves]
            for g in (f, compiled):
                leaves = [gg.tensor(v, requires_grad=needs) for v, (_, needs) in zip(moved, p.leaves, strict=True)]
                try:
                    out = silent(lambda g=g, leaves=leaves: g(*leaves))
                except (RuntimeError, IndexError) as problem:  # data that the program was not written for
                    found.append([type(problem).__name__])
                    continue
                found.append([host(t) for t in out] + [host(t.grad) for t in leaves])
            for a, b in zip(*found, strict=True):
                assert a is b is None or isinstance(a, str) or programs.close(a, b, programs.tolerance(p)), (
                    f"seed {seed}: {compiled}"
                )
        replayed += compiled.plan is not None
    assert replayed


# --- what a plan depends on --------------------------------------------------------------------------------


SCALE = 2.0


def by_global(x: gg.Tensor) -> gg.Tensor:
    return x * SCALE


class Settings:
    factor = 2.0

    def __init__(self) -> None:
        self.inner = {"k": [1.0, 2.0]}


def test_what_the_code_reads_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    x, cell, settings, weight = values(3), 2.0, Settings(), values(3, seed=1)

    def f(x: gg.Tensor) -> gg.Tensor:
        return by_global(x) * cell * settings.inner["k"][1] * settings.factor + weight

    compiled = gg.compile(f)

    def check(plans: int) -> None:
        assert np.array_equal(host(compiled(x)), host(f(x)))
        assert len(compiled.plans) == plans

    check(1), check(1)
    monkeypatch.setitem(globals(), "SCALE", 3.0), check(2)
    cell = 5.0
    check(3)
    settings.inner["k"][1] = 7.0
    check(4)
    settings.factor = 8.0  # type: ignore[misc]
    check(5)
    del settings.factor
    monkeypatch.setattr(Settings, "factor", 9.0), check(6)
    weight = values(3, seed=2)
    check(7)
    monkeypatch.setitem(globals(), "by_global", lambda x: x + SCALE), check(8)
    check(8)


def test_what_is_frozen_is_compared_as_well() -> None:
    settings, weight = {"factors": [2.0]}, values(3)
    gc.freeze()
    compiled, x = gg.compile(lambda x: x * settings["factors"][0] * weight), values(3, seed=1)
    for factor in (2.0, 3.0):
        settings["factors"][0] = factor
        assert np.array_equal(host(compiled(x)), host(x * factor * weight))
    assert len(compiled.plans) == 2


def test_a_method_given_to_one_object_is_found() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Tanh())
    compiled, x = gg.compile(model), values(2, 3)
    compiled(x), compiled(x)
    model[1].forward = lambda x: x * 2
    assert np.array_equal(host(compiled(x)), host(model[0](x) * 2))


def test_arguments_are_compared() -> None:
    compiled = gg.compile(lambda x, k=1.0, *, more=(): sum(more, x * k) if more else x * k)
    x = values(2, 3)
    for args, kwargs, plans in [
        ((x,), {}, 1), ((x + 1,), {}, 1), ((x, 1.0), {}, 2), ((x, 2.0), {}, 3), ((x, 1), {}, 4), ((values(3),), {}, 5),
        ((x.double(),), {}, 6), ((values(2, 3).requires_grad_(),), {}, 7), ((x,), {"more": (x, x)}, 8),
    ]:  # fmt: skip
        assert np.array_equal(host(compiled(*args, **kwargs)), host(compiled.function(*args, **kwargs)))
        assert len(compiled.plans) == plans
    with pytest.warns(UserWarning, match="recorded 8 times"):
        compiled(values(4))
    assert "8 times" in compiled.reason


class Batch:
    def __init__(self, x: gg.Tensor) -> None:
        self.x = x


def test_an_object_made_for_each_call_is_another_argument() -> None:
    """Also where it lies where the one before lay."""
    compiled = gg.compile(lambda batch: batch.x * 2)
    for seed in range(6):
        x = values(3, seed=seed)
        assert np.array_equal(host(compiled(Batch(x))), host(x * 2))


def test_an_object_given_again_is_looked_into() -> None:
    compiled = gg.compile(lambda batch: batch.x * 2)
    batch = Batch(values(3))
    for seed in range(3):
        batch.x = values(3, seed=seed)
        assert np.array_equal(host(compiled(batch)), host(batch.x * 2))


def test_a_result_keeps_its_type() -> None:
    compiled = gg.compile(lambda x: OrderedDict(y=x * 2))
    for _ in range(2):
        assert type(silent(lambda: compiled(values(3)))) is OrderedDict


def test_numbers_that_are_equal_and_not_the_same() -> None:
    compiled = gg.compile(lambda x, k: 1 / (x * k))
    x = gg.ones(2)
    for k in (0.0, -0.0, float("nan"), float("nan"), 0.0, True, 1):
        assert np.array_equal(host(compiled(x, k)), host(1 / (x * k)), equal_nan=True)
    assert len(compiled.plans) == 5


def test_one_tensor_twice_and_two_tensors_are_not_the_same_call() -> None:
    compiled = gg.compile(lambda x, y: x - 2 * y)
    x, y = values(3), values(3, seed=1)
    for a, b in ((x, x), (x, y), (y, y), (y, x)):
        assert np.array_equal(host(compiled(a, b)), host(a - 2 * b))


def test_an_argument_that_is_also_a_global() -> None:
    shared = values(3)
    compiled = gg.compile(lambda x: x - 2 * shared)
    for x in (shared, values(3, seed=1), shared, values(3, seed=2)):
        assert np.array_equal(host(compiled(x)), host(x - 2 * shared))


def test_grad_mode_and_frozen_parameters_are_compared() -> None:
    weight = values(3).requires_grad_()
    compiled = gg.compile(lambda x: (x * weight).sum())
    x = values(3, seed=1)
    assert compiled(x).requires_grad and compiled(x).requires_grad
    with gg.no_grad():
        assert not compiled(x).requires_grad
    weight.requires_grad_(False)
    assert not compiled(x).requires_grad


def test_no_grad_inside_and_an_exception_there() -> None:
    def f(x: gg.Tensor, i: gg.Tensor) -> gg.Tensor:
        with gg.no_grad():
            y = x[i]
        return y + x[i]

    compiled = gg.compile(f)
    x = values(4).requires_grad_()
    for _ in range(2):
        compiled(x, gg.tensor([1, 2])).sum().backward()
    assert host(x.grad).tolist() == [0, 2, 2, 0]
    blocked(compiled)
    with pytest.raises(IndexError):
        compiled(x, gg.tensor([1, 9]))
    assert gg.is_grad_enabled()


def test_a_function_that_raises_is_not_replayed() -> None:
    compiled = gg.compile(lambda x: x @ x)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            compiled(values(2, 3))
    assert not compiled.plans
    assert compiled(values(2, 2)).shape == (2, 2) and len(compiled.plans) == 1


def test_what_the_collector_calls_is_not_the_functions_doing() -> None:
    collections: list[float] = []

    def at_a_collection(phase: str, info: dict[str, int]) -> None:
        collections.append(time.perf_counter())

    def objects(x: gg.Tensor) -> gg.Tensor:
        made = [[k] for k in range(50)]
        return x * len(made)

    compiled, before = gg.compile(objects), gc.get_threshold()
    gc.callbacks.append(at_a_collection)
    gc.set_threshold(5)
    try:
        assert compiled(values(2)).shape == (2,) and compiled.reason is None and gc.isenabled()
        gc.disable()
        assert compiled(values(3)).shape == (3,) and not gc.isenabled()  # who had turned it off finds it off
        gc.enable()
        collections.clear()
        objects(values(2))
        assert collections
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(at_a_collection)
        gc.enable()


def test_a_function_that_cannot_be_replayed_runs_on_with_the_collector() -> None:
    states = []

    def f(x: gg.Tensor) -> gg.Tensor:
        x.item()
        print(end="")
        states.append(gc.isenabled())
        return x

    with pytest.warns(UserWarning, match="runs as it is"):
        gg.compile(f)(values(1).sum())
    assert states == [True]


# --- what cannot be replayed -------------------------------------------------------------------------------


def over_an_array() -> Any:
    array = np.ones(3, np.float32)
    return lambda x: x + float(array[0])


KEPT: list[int] = []
COUNT = 0
ARRAY = np.ones(3)


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: gg.Tensor) -> gg.Tensor:
        self.calls += 1
        return x + self.calls


class Carrying(nn.Module):
    state = None

    def forward(self, x: gg.Tensor) -> gg.Tensor:
        self.state = x if self.state is None else self.state + x
        return self.state


def prints(x: Any) -> Any:
    print("a word")
    return x


def counts(x: Any) -> Any:
    global COUNT
    COUNT += 1
    return x + COUNT


def branches(x: Any) -> Any:
    return x if x.sum() > 0 else -x


def appends(x: Any) -> Any:
    KEPT.append(1)
    return x + len(KEPT)


def reads_shape_of_values(x: Any) -> Any:
    return x.sum() / x[x > 0].shape[0]


REFUSED: list[tuple[Any, str]] = [
    (prints, r"calls print\(\)"),
    (counts, "changes COUNT"),
    (branches, "Tensor.__bool__"),
    (appends, "changes KEPT"),
    (reads_shape_of_values, "shape depends on values"),
    (lambda x: x * random.random(), "random"),
    (lambda x: x * float(np.random.rand()), "rand"),
    (lambda x: x * (time.time() % 2), "time.time"),
    (lambda x: x * x.sum().item(), "Tensor.item"),
    (lambda x: x * float(x[0]), "Tensor.__float__"),
    (lambda x: x + int(x.argmax()), "Tensor.__int__"),
    (lambda x: gg.from_numpy(np.exp(x.numpy())), "Tensor.numpy"),
    (lambda x: gg.from_numpy(np.exp(x.array)), "ndarray"),
    (lambda x: x + float(ARRAY[0]), "ARRAY"),
    (over_an_array(), "array, a ndarray"),
    (lambda x: sum(row for row in x), "Tensor.__iter__"),
    (lambda x: x * getattr(x, "ndim"), "getattr"),  # noqa: B009
    (lambda x: (x, f"{x[0]:.1f}"), "Tensor.__format__"),
    (lambda x: nn.Linear(3, 3)(x), "makes a Linear"),
    (Counting(), "changes self.calls"),
    (Carrying(), "changes self.state"),
]


@pytest.mark.parametrize(("f", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_what_a_replay_would_lose_stays_eager(f: Any, reason: str) -> None:
    """Every call gives what the function gives, and the first says why, with the line."""
    KEPT.clear()
    compiled = gg.compile(f)
    with pytest.warns(UserWarning, match=reason):
        compiled(values(3))
    state = getattr(compiled, "compiled", compiled)
    assert state.reason is not None and state.plan is None
    for seed in (1, 2):
        x = values(3, seed=seed)
        if f in (branches,):
            assert np.array_equal(host(compiled(x)), host(f(x)))
        else:
            compiled(x)
    assert len(KEPT) == (3 if f is appends else 0)


def test_a_compiled_function_inside_another_and_as_a_method() -> None:
    inner = gg.compile(gelu)
    outer = gg.compile(lambda x: inner(x) + 1)
    x = values(4)
    for seed in range(3):
        x = values(4, seed=seed)
        assert np.array_equal(host(outer(x)), host(gelu(x) + 1))

    class Holder:
        @gg.compile
        def double(self, x: gg.Tensor) -> gg.Tensor:
            return x * 2

    holder = Holder()
    assert np.array_equal(host(holder.double(x)), host(x * 2)) and np.array_equal(host(holder.double(x)), host(x * 2))


def test_options_of_compile() -> None:
    assert gg.compile(gelu, disable=True) is gelu
    assert isinstance(gg.compile()(gelu), Compiled)
    with pytest.raises(RuntimeError, match="print"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gg.compile(prints, fullgraph=True)(values(2))
    with pytest.raises(TypeError, match="callable"):
        gg.compile(3)


def test_a_graph_that_a_replay_made_is_freed() -> None:
    import weakref

    compiled = gg.compile(gelu)
    x = values(4).requires_grad_()
    compiled(x)
    y = compiled(x)
    seen = weakref.ref(y.grad_fn)
    gc.disable()
    try:
        del y
        assert seen() is None
    finally:
        gc.enable()
