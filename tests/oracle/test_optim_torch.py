"""Optimizers and schedules step by step beside PyTorch: from the same gradients the same numbers and states."""

from __future__ import annotations

import copy
import itertools
import re
import warnings
from functools import cache
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import glassgrad as gg  # noqa: E402
from glassgrad import optim  # noqa: E402
from glassgrad.optim import lr_scheduler  # noqa: E402

torch.set_num_threads(1)

SHAPES: list[tuple[int, ...]] = [(3, 4), (5,), (), (0, 2), (33000,)]  # the last one is worked on in pieces
TOLERANCE = {"float64": 1e-12, "float32": 1e-6}

# optimizer -> options, every value of which is combined with every value of the others
GRID: dict[str, dict[str, list[Any]]] = {
    "SGD": {
        "lr": [0.1], "momentum": [0, 0.9], "dampening": [0, 0.3], "weight_decay": [0, 0.1], "maximize": [False, True],
    },
    "Adam": {"lr": [0.01], "amsgrad": [False, True], "weight_decay": [0, 0.1], "maximize": [False, True],
             "decoupled_weight_decay": [False, True], "betas": [(0.9, 0.999), (0.5, 0.7)]},
    "AdamW": {"lr": [0.01], "amsgrad": [False, True], "weight_decay": [0, 0.1], "maximize": [False, True]},
    "RMSprop": {"lr": [0.01], "momentum": [0, 0.9], "centered": [False, True], "weight_decay": [0, 0.1],
                "maximize": [False, True], "alpha": [0.99, 0.5]},
    "Adagrad": {"lr": [0.1], "lr_decay": [0, 0.1], "weight_decay": [0, 0.1], "initial_accumulator_value": [0, 0.5],
                "maximize": [False, True]},
    "Adadelta": {"lr": [1.0], "rho": [0.9, 0.5], "weight_decay": [0, 0.1], "maximize": [False, True]},
    "Adamax": {"lr": [0.01], "betas": [(0.9, 0.999), (0.5, 0.7)], "weight_decay": [0, 0.1], "maximize": [False, True]},
    "NAdam": {"lr": [0.01], "momentum_decay": [4e-3, 0.1], "weight_decay": [0, 0.1],
              "decoupled_weight_decay": [False, True], "maximize": [False, True]},
    "RAdam": {"lr": [0.01], "betas": [(0.9, 0.999), (0.5, 0.7)], "weight_decay": [0, 0.1],
              "decoupled_weight_decay": [False, True], "maximize": [False, True]},
}  # fmt: skip
CASES = [
    (name, dict(zip(grid, values, strict=True)))
    for name, grid in GRID.items()
    for values in itertools.product(*grid.values())
]
CASES += [("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": wd}) for wd in (0, 0.1)]
CASES += [("SGD", {"lr": 0.1, "foreach": True}), ("Adam", {"foreach": True}), ("Adam", {"fused": True})]
PLAIN = [(name, {k: v[0] for k, v in grid.items()}) for name, grid in GRID.items()]


def pair(name: str, options: Any, shapes: Any, dtype: str, seed: int = 0) -> tuple[Any, Any, Any, Any]:
    """The same parameters with the same optimizer, here and in PyTorch."""
    rng = np.random.RandomState(seed)
    starts = [np.asarray(rng.standard_normal(s), dtype) for s in shapes]
    ours = [gg.nn.Parameter(gg.tensor(a)) for a in starts]
    theirs = [torch.nn.Parameter(torch.tensor(a)) for a in starts]
    return ours, theirs, getattr(optim, name)(ours, **options), getattr(torch.optim, name)(theirs, **options)


def give_gradients(ours: Any, theirs: Any, rng: Any) -> None:
    for p, q in zip(ours, theirs, strict=True):
        g = np.asarray(rng.standard_normal(tuple(p.shape)), p.array.dtype)
        p.grad, q.grad = gg.tensor(g), torch.tensor(g)


@cache
def fifty_gradients(dtype: str) -> list[list[tuple[Any, Any]]]:
    rng = np.random.RandomState(1)
    arrays = [[np.asarray(rng.standard_normal(s), dtype) for s in SHAPES[:4]] for _ in range(50)]
    return [[(gg.tensor(g), torch.tensor(g)) for g in step] for step in arrays]


def difference(ours: Any, theirs: Any) -> float:
    """The largest difference of parameters, relative to the largest of them or 1."""
    worst = 0.0
    for p, q in zip(ours, theirs, strict=True):
        a, b = p.detach().numpy(), q.detach().numpy()
        assert a.dtype == b.dtype
        if a.size:
            worst = max(worst, float(np.abs(a - b).max() / max(1.0, np.abs(b).max())))
    return worst


def same_state(ours: Any, theirs: Any, tolerance: float) -> None:
    """Two state_dicts: keys in the same order, the same dtypes, equal values."""
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        for key in theirs:
            same_state(ours[key], theirs[key], tolerance)
    elif isinstance(theirs, torch.Tensor):
        assert isinstance(ours, gg.Tensor)
        assert str(ours.dtype).split(".")[1] == str(theirs.dtype).split(".")[1]
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=tolerance, atol=tolerance)
    elif isinstance(theirs, list | tuple):
        assert type(ours) is type(theirs) and len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            same_state(a, b, tolerance)
    else:
        assert ours == theirs


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c[0]} {c[1]}")
def test_fifty_steps(case: Any, dtype: str) -> None:
    ours, theirs, opt, peer = pair(*case, SHAPES[:4], dtype)
    for gradients in fifty_gradients(dtype):
        for p, q, (g, h) in zip(ours, theirs, gradients, strict=True):
            p.grad, q.grad = g, h
        opt.step()
        peer.step()
    assert difference(ours, theirs) <= TOLERANCE[dtype]
    same_state(opt.state_dict(), peer.state_dict(), 10 * TOLERANCE[dtype])


@pytest.mark.parametrize("case", PLAIN, ids=lambda c: c[0])
def test_large_parameters(case: Any) -> None:
    ours, theirs, opt, peer = pair(*case, SHAPES, "float64")
    rng = np.random.RandomState(1)
    for _ in range(5):
        give_gradients(ours, theirs, rng)
        opt.step()
        peer.step()
    assert difference(ours, theirs) <= 1e-12


@pytest.mark.parametrize("case", PLAIN, ids=lambda c: c[0])
def test_parameters_out_of_order(case: Any) -> None:
    """Transposed parameters and gradients, and a parameter that sometimes has no gradient."""
    rng = np.random.RandomState(0)
    start = rng.standard_normal((3, 4))
    p, q = gg.nn.Parameter(gg.tensor(start).t()), torch.nn.Parameter(torch.tensor(start).t())
    assert not p.is_contiguous()
    opt, peer = getattr(optim, case[0])([p], **case[1]), getattr(torch.optim, case[0])([q], **case[1])
    for i in range(6):
        g = rng.standard_normal((4, 3))
        p.grad, q.grad = (None, None) if i == 2 else (gg.tensor(g), torch.tensor(g))
        opt.step()
        peer.step()
    assert difference([p], [q]) <= 1e-12


@pytest.mark.parametrize("name", GRID)
def test_repr(name: str) -> None:
    _, _, opt, peer = pair(name, {}, SHAPES[:1], "float32")
    assert repr(opt) == repr(peer)
    assert opt.state_dict().keys() == peer.state_dict().keys()
    same_state(opt.state_dict(), peer.state_dict(), 0)


@pytest.mark.parametrize("name", GRID)
def test_states_load_both_ways(name: str) -> None:
    options = {"momentum": 0.9} if name in ("SGD", "RMSprop") else {"amsgrad": True} if "Adam" == name else {}
    ours, theirs, opt, peer = pair(name, options, SHAPES[:3], "float64")
    rng = np.random.RandomState(2)
    for _ in range(3):
        give_gradients(ours, theirs, rng)
        peer.step()
        opt.step()
    # A state of PyTorch's continues here.
    fresh = [gg.nn.Parameter(gg.tensor(q.detach().numpy())) for q in theirs]
    again = getattr(optim, name)(fresh)
    again.load_state_dict(peer.state_dict())
    same_state(again.state_dict(), peer.state_dict(), 0)
    # A state from here continues in PyTorch.
    theirs2 = [torch.nn.Parameter(torch.tensor(p.detach().numpy())) for p in ours]
    peer2 = getattr(torch.optim, name)(theirs2)
    as_torch = copy.deepcopy(opt.state_dict())
    for kept in as_torch["state"].values():
        kept.update({k: torch.tensor(v.numpy()) for k, v in kept.items()})
    peer2.load_state_dict(as_torch)
    for _ in range(3):
        for p, q, f, q2 in zip(ours, theirs, fresh, theirs2, strict=True):
            g = rng.standard_normal(tuple(p.shape))
            p.grad, f.grad = gg.tensor(g), gg.tensor(g)
            q.grad, q2.grad = torch.tensor(g), torch.tensor(g)
        for o in (opt, peer, again, peer2):
            o.step()
    assert difference(fresh, theirs) <= 1e-12
    # PyTorch goes on with a float64 mu_product where it was float32, and so no longer with its own numbers.
    assert difference(ours, theirs2) <= (1e-6 if name == "NAdam" else 1e-12)


def test_groups_and_names() -> None:
    ours, theirs, *_ = pair("SGD", {"lr": 0.1}, SHAPES[:3], "float64")

    def build(library: Any, ps: Any) -> Any:
        groups = [{"params": [("a", ps[0])], "lr": 0.5}, {"params": iter([("b", ps[1])]), "momentum": 0.9}]
        opt = library.SGD(groups, lr=0.1, weight_decay=0.1)
        opt.add_param_group({"params": [("c", ps[2])], "maximize": True})
        return opt

    opt, peer = build(optim, ours), build(torch.optim, theirs)
    rng = np.random.RandomState(3)
    for _ in range(10):
        give_gradients(ours, theirs, rng)
        opt.step()
        peer.step()
    assert difference(ours, theirs) <= 1e-12
    same_state(opt.state_dict(), peer.state_dict(), 1e-12)
    assert repr(opt) == repr(peer)


def test_closure() -> None:
    ours, theirs, opt, peer = pair("SGD", {"lr": 0.1}, [(3,)], "float64")

    def closure(p: Any, o: Any) -> Any:
        def run() -> Any:
            o.zero_grad()
            loss = (p[0] * p[0]).sum()
            loss.backward()
            return loss

        return run

    for _ in range(5):
        loss, peer_loss = opt.step(closure(ours, opt)), peer.step(closure(theirs, peer))
        assert loss.item() == pytest.approx(peer_loss.item(), rel=1e-14)
    assert difference(ours, theirs) <= 1e-14


# --- errors ---

P, Q = gg.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
WRONG = [
    ("SGD", lambda x: ([x],), {"lr": -1}), ("SGD", lambda x: ([x],), {"momentum": -1}),
    ("SGD", lambda x: ([x],), {"weight_decay": -1}), ("SGD", lambda x: ([x],), {"nesterov": True}),
    ("Adam", lambda x: ([x],), {"lr": -1}), ("Adam", lambda x: ([x],), {"eps": -1}),
    ("Adam", lambda x: ([x],), {"betas": (1.0, 0.9)}), ("Adam", lambda x: ([x],), {"betas": (0.9, -1.0)}),
    ("Adam", lambda x: ([x],), {"fused": True, "foreach": True}), ("AdamW", lambda x: ([x],), {"weight_decay": -1}),
    ("RMSprop", lambda x: ([x],), {"alpha": -1}), ("Adagrad", lambda x: ([x],), {"lr_decay": -1}),
    ("Adagrad", lambda x: ([x],), {"initial_accumulator_value": -1}), ("Adadelta", lambda x: ([x],), {"rho": 2}),
    ("NAdam", lambda x: ([x],), {"momentum_decay": -1}), ("Adamax", lambda x: ([x],), {"eps": -1}),
    ("RAdam", lambda x: ([x],), {"lr": -1}), ("SGD", lambda x: ([],), {}), ("SGD", lambda x: (x,), {}),
    ("SGD", lambda x: ([1.0],), {}), ("SGD", lambda x: ([x * 2],), {}), ("SGD", lambda x: ([{"params": {x}}],), {}),
    ("SGD", lambda x: ([{"params": [x]}, {"params": [x]}],), {}), ("SGD", lambda x: ([("a", x), x],), {}),
    ("SGD", lambda x: ([{"params": [x]}, 3],), {}), ("SGD", lambda x: (), {}), ("SGD", lambda x: ([x],), {"lrr": 1}),
]  # fmt: skip


@pytest.mark.parametrize("case", WRONG, ids=lambda c: f"{c[0]} {c[2]}")
def test_errors_are_of_the_same_kind(case: Any) -> None:
    name, args, options = case
    with pytest.raises(Exception) as theirs:
        getattr(torch.optim, name)(*args(Q), **options)
    with pytest.raises(type(theirs.value)) as ours:
        getattr(optim, name)(*args(P), **options)
    assert type(ours.value) is type(theirs.value)


def test_loading_a_state_of_another_shape() -> None:
    ours, theirs, opt, peer = pair("SGD", {"lr": 0.1}, SHAPES[:2], "float64")
    for o in (opt, peer):
        state = o.state_dict()
        with pytest.raises(ValueError, match="different number of parameter groups"):
            o.load_state_dict({**state, "param_groups": state["param_groups"] * 2})
        with pytest.raises(ValueError, match="doesn't match the size"):
            o.load_state_dict({**state, "param_groups": [{**state["param_groups"][0], "params": [0]}]})


# --- schedules ---


def wave(e: int) -> float:
    return 0.9 ** (e % 7)


SCHEDULES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("StepLR", (7,), {}), ("StepLR", (7,), {"gamma": 0.5}), ("MultiStepLR", ([5, 20, 20, 61],), {"gamma": 0.3}),
    ("ConstantLR", (), {}), ("ConstantLR", (0.5, 20), {}), ("LinearLR", (), {}), ("LinearLR", (0.1, 0.7, 33), {}),
    ("ExponentialLR", (0.97,), {}), ("PolynomialLR", (50,), {"power": 2.5}), ("PolynomialLR", (), {}),
    ("CosineAnnealingLR", (30,), {}), ("CosineAnnealingLR", (17,), {"eta_min": 0.01}),
    ("CosineAnnealingWarmRestarts", (9,), {}), ("CosineAnnealingWarmRestarts", (9, 2), {"eta_min": 0.01}),
    ("LambdaLR", (wave,), {}), ("LambdaLR", ([wave, lambda e: 1 / (1 + e)],), {}), ("MultiplicativeLR", (wave,), {}),
    ("OneCycleLR", (0.5,), {"total_steps": 120}), ("OneCycleLR", ([0.5, 1.0], None, 4, 30), {"three_phase": True}),
    ("OneCycleLR", (0.5, 101), {"anneal_strategy": "linear", "cycle_momentum": False}),
    ("CyclicLR", (0.01, 0.3), {"step_size_up": 7}),
    ("CyclicLR", (0.01, 0.3, 7, 11), {"mode": "triangular2"}),
    ("CyclicLR", ([0.01, 0.1], [0.3, 0.2], 7), {"mode": "exp_range", "gamma": 0.98, "cycle_momentum": False}),
    ("CyclicLR", (0.01, 0.3, 9), {"scale_fn": lambda x: 1 / x, "scale_mode": "cycle"}),
]  # fmt: skip


def optimizers(name: str = "SGD") -> tuple[Any, Any]:
    made = []
    for library, one in ((optim, gg.ones), (torch.optim, torch.ones)):
        groups = [{"params": [one(2, requires_grad=True)]}, {"params": [one(3, requires_grad=True)], "lr": 0.2}]
        options = {"momentum": 0.9} if name == "SGD" else {}
        made.append(getattr(library, name)(groups, lr=0.1, **options))
    return made[0], made[1]


def options_of(opt: Any) -> list[dict[str, Any]]:
    return [{k: v for k, v in group.items() if k != "params"} for group in opt.param_groups]


def label(case: Any) -> str:
    """A test's name, without the addresses of functions: the processes of a run must agree on it."""
    return re.sub(r" at 0x[0-9a-f]+", "", f"{case[0]} {case[1]} {case[2]}")


@pytest.mark.parametrize("name", ["SGD", "Adam"])
@pytest.mark.parametrize("case", SCHEDULES, ids=label)
def test_a_hundred_epochs(case: Any, name: str) -> None:
    schedule, args, options = case
    opt, peer = optimizers(name)
    ours = getattr(lr_scheduler, schedule)(opt, *args, **options)
    theirs = getattr(torch.optim.lr_scheduler, schedule)(peer, *args, **options)
    for e in range(100):
        assert options_of(opt) == options_of(peer), e
        assert ours.get_last_lr() == theirs.get_last_lr()
        opt.step(), peer.step()
        ours.step(), theirs.step()
    mine, other = ours.state_dict(), theirs.state_dict()
    assert mine == other and set(mine) == set(other)
    # A state of PyTorch's continues here.
    again = getattr(lr_scheduler, schedule)(opt, *args, **options)
    opt.load_state_dict(peer.state_dict())
    again.load_state_dict(other)
    again.step(), theirs.step()
    assert options_of(opt) == options_of(peer)


@pytest.mark.parametrize("case", [c for c in SCHEDULES if "Warm" not in c[0]], ids=label)
@pytest.mark.filterwarnings("ignore:The epoch parameter")
def test_named_epochs_and_resuming(case: Any) -> None:
    schedule, args, options = case
    opt, peer = optimizers()
    ours = getattr(lr_scheduler, schedule)(opt, *args, **options)
    theirs = getattr(torch.optim.lr_scheduler, schedule)(peer, *args, **options)
    opt.step(), peer.step()
    for e in (3, 10, 40, 41):
        ours.step(e), theirs.step(e)
        assert options_of(opt) == options_of(peer)
    getattr(lr_scheduler, schedule)(opt, *args, **options, last_epoch=11)
    getattr(torch.optim.lr_scheduler, schedule)(peer, *args, **options, last_epoch=11)
    assert options_of(opt) == options_of(peer)


@pytest.mark.parametrize("epochs", [(0, 0.5, 8.75, 9, 26.5, 27, 100), (5, 3)])
@pytest.mark.parametrize("T_mult", [1, 2, 3])
def test_warm_restarts_at_fractions(epochs: Any, T_mult: int) -> None:
    opt, peer = optimizers()
    ours = lr_scheduler.CosineAnnealingWarmRestarts(opt, 9, T_mult)
    theirs = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(peer, 9, T_mult)
    for e in epochs:
        ours.step(e), theirs.step(e)
        assert ours.get_last_lr() == pytest.approx(theirs.get_last_lr(), rel=1e-15)


PLATEAUS: list[dict[str, Any]] = [
    {}, {"patience": 2}, {"patience": 1, "mode": "max"}, {"patience": 1, "threshold_mode": "abs", "threshold": 0.01},
    {"patience": 0, "cooldown": 3, "min_lr": [0.01, 0.05]}, {"factor": 0.7, "patience": 1, "eps": 0.01},
    {"mode": "max", "patience": 1, "threshold_mode": "abs", "threshold": 0.05},
]  # fmt: skip


@pytest.mark.parametrize("options", PLATEAUS, ids=str)
def test_plateaus(options: Any) -> None:
    opt, peer = optimizers()
    ours = lr_scheduler.ReduceLROnPlateau(opt, **options)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(peer, **options)
    rng = np.random.RandomState(0)
    for metric in np.concatenate([rng.rand(60), [np.nan] * 10, np.linspace(1, 0, 30)]):
        ours.step(gg.tensor(metric)), theirs.step(torch.tensor(metric))
        assert options_of(opt) == options_of(peer)
        assert ours.state_dict() == theirs.state_dict()


def build(library: Any, opt: Any, kind: str) -> Any:
    s = library
    if kind == "sequential":
        return s.SequentialLR(opt, [s.ConstantLR(opt, 0.1, 4), s.ExponentialLR(opt, 0.9), s.StepLR(opt, 5)], [7, 30])
    if kind == "warmup then cosine":
        return s.SequentialLR(opt, [s.LinearLR(opt, 0.01, 1.0, 10), s.CosineAnnealingLR(opt, 60, 0.001)], [10])
    if kind == "chained":
        return s.ChainedScheduler([s.ConstantLR(opt, 0.1, 4), s.ExponentialLR(opt, 0.9)], opt)
    inner = s.ChainedScheduler([s.LinearLR(opt), s.ExponentialLR(opt, 0.9)])
    return s.SequentialLR(opt, [inner, s.MultiStepLR(opt, [3, 9])], [12])


@pytest.mark.filterwarnings("ignore:Detected call")  # a schedule that starts another one steps it
@pytest.mark.parametrize("kind", ["sequential", "warmup then cosine", "chained", "nested"])
def test_composed(kind: str) -> None:
    opt, peer = optimizers()
    ours, theirs = build(lr_scheduler, opt, kind), build(torch.optim.lr_scheduler, peer, kind)
    for e in range(100):
        assert options_of(opt) == options_of(peer), e
        opt.step(), peer.step()
        if e == 12 and kind == "nested":
            break  # PyTorch can't start a schedule of schedules at a milestone either
        ours.step(), theirs.step()
        assert ours.get_last_lr() == theirs.get_last_lr()
    assert ours.state_dict() == theirs.state_dict()


def test_a_tensor_for_the_rate() -> None:
    (p, q), rng = (P.detach().clone().requires_grad_(), Q.detach().clone().requires_grad_()), np.random.RandomState(0)
    lr, peer_lr = gg.tensor(0.1), torch.tensor(0.1)
    opt, peer = optim.SGD([p], lr=lr), torch.optim.SGD([q], lr=peer_lr)
    ours = lr_scheduler.ExponentialLR(opt, 0.5)
    theirs = torch.optim.lr_scheduler.ExponentialLR(peer, 0.5)
    for _ in range(3):
        give_gradients([p], [q], rng)
        opt.step(), peer.step()
        ours.step(), theirs.step()
    assert opt.param_groups[0]["lr"] is lr
    assert float(lr) == float(peer_lr)
    assert difference([p], [q]) <= 1e-7


def test_warnings_are_the_same() -> None:
    def caught(library: Any, opt: Any) -> list[type]:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            schedule = library.StepLR(opt, 3)
            schedule.step()
            opt.step()
            schedule.step(4)
        return [w.category for w in seen]

    opt, peer = optimizers()
    assert caught(lr_scheduler, opt) == caught(torch.optim.lr_scheduler, peer)


WRONG_SCHEDULES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("ConstantLR", (2.0,), {}), ("LinearLR", (0.0,), {}), ("LinearLR", (0.5, 2.0), {}), ("LambdaLR", ([wave],), {}),
    ("LambdaLR", (3,), {}), ("MultiplicativeLR", ([wave, 3],), {}), ("CosineAnnealingWarmRestarts", (0,), {}),
    ("CosineAnnealingWarmRestarts", (3, 0), {}), ("CosineAnnealingWarmRestarts", (3, 1, "a"), {}),
    ("OneCycleLR", (0.1,), {}), ("OneCycleLR", (0.1, -3), {}), ("OneCycleLR", (0.1, None, 3, 0), {}),
    ("OneCycleLR", (0.1, 10), {"pct_start": 2.0}), ("OneCycleLR", (0.1, 10), {"anneal_strategy": "log"}),
    ("OneCycleLR", ([0.1], 10), {}), ("CyclicLR", (0.1, 0.2), {"mode": "square"}), ("CyclicLR", ([0.1], 0.2), {}),
    ("ReduceLROnPlateau", (), {"factor": 1.0}), ("ReduceLROnPlateau", (), {"mode": "up"}),
    ("ReduceLROnPlateau", (), {"threshold_mode": "up"}), ("ReduceLROnPlateau", (), {"min_lr": [0.1]}),
    ("StepLR", (3,), {"last_epoch": 2}), ("SequentialLR", ([], []), {}),
]  # fmt: skip


@pytest.mark.parametrize("case", WRONG_SCHEDULES, ids=label)
def test_errors_of_schedules_are_of_the_same_kind(case: Any) -> None:
    name, args, options = case
    opt, peer = optimizers()
    with pytest.raises(Exception) as theirs:
        getattr(torch.optim.lr_scheduler, name)(peer, *args, **options)
    with pytest.raises(type(theirs.value)) as ours:
        getattr(lr_scheduler, name)(opt, *args, **options)
    assert type(ours.value) is type(theirs.value)


def test_a_step_after_the_last() -> None:
    opt, peer = optimizers()
    for o, library in ((opt, lr_scheduler), (peer, torch.optim.lr_scheduler)):
        schedule = library.OneCycleLR(o, 0.1, total_steps=3)
        o.step()
        for _ in range(3):
            schedule.step()
        with pytest.raises(ValueError, match="Tried to step 4 times"):
            schedule.step()


def test_what_is_not_an_optimizer() -> None:
    for library in (lr_scheduler, torch.optim.lr_scheduler):
        for name in ("StepLR", "CyclicLR", "ReduceLROnPlateau"):
            with pytest.raises(TypeError, match="is not an Optimizer"):
                getattr(library, name)(3, *{"StepLR": (1,), "CyclicLR": (0.1, 0.2)}.get(name, ()))
