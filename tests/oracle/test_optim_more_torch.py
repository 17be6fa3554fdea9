"""L-BFGS, Adafactor, Muon and averaged weights beside PyTorch."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import glassgrad as gg  # noqa: E402
from glassgrad import optim  # noqa: E402

torch.set_num_threads(1)


# --- L-BFGS ---


def rosenbrock(x: Any) -> Any:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def quartic(x: Any) -> Any:
    return ((x - 1) ** 4).sum() + (x.sin() ** 2).sum()


def minimized(library: Any, function: Any, options: Any, dtype: str, steps: int) -> tuple[list[Any], Any]:
    """(each loss and the parameters after each step, the optimizer)."""
    start = np.random.RandomState(options.get("history_size", 0)).uniform(-1, 1, 6)
    xs = [library.tensor(part, dtype=getattr(library, dtype)).requires_grad_() for part in (start[:4], start[4:])]
    opt = library.optim.LBFGS(xs, **options)
    seen = []
    for _ in range(steps):

        def closure() -> Any:
            opt.zero_grad()
            loss = function(library.cat(xs))
            loss.backward()
            return loss

        seen.append((opt.step(closure).item(), np.concatenate([x.detach().numpy() for x in xs])))
    return seen, opt


LBFGS = [
    {}, {"lr": 0.05}, {"line_search_fn": "strong_wolfe"}, {"line_search_fn": "strong_wolfe", "max_iter": 3},
    {"line_search_fn": "strong_wolfe", "lr": 7.0}, {"line_search_fn": "strong_wolfe", "lr": 0.01, "max_eval": 9},
    {"history_size": 2, "max_iter": 4}, {"max_eval": 3}, {"tolerance_grad": 0.5}, {"tolerance_change": 0.1},
]  # fmt: skip


@pytest.mark.parametrize("options", LBFGS, ids=str)
@pytest.mark.parametrize("function", [rosenbrock, quartic])
def test_lbfgs(function: Any, options: Any) -> None:
    options = {"lr": 0.02, **options} if function is rosenbrock and "line_search_fn" not in options else options
    (ours, mine), (theirs, peer) = (minimized(lib, function, options, "float64", 3) for lib in (gg, torch))
    for (loss, x), (other, z) in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(loss, other, rtol=1e-8, atol=1e-14)
        np.testing.assert_allclose(x, z, rtol=1e-8, atol=1e-10)
    state, known = mine.state_dict()["state"][0], peer.state_dict()["state"][0]
    assert set(state) == set(known)
    for key in ("func_evals", "n_iter"):
        assert state[key] == known[key]
    assert [len(state[key]) for key in ("old_dirs", "ro", "al") if key in state] == [
        len(known[key]) for key in ("old_dirs", "ro", "al") if key in known
    ]


def test_lbfgs_continues_from_a_state() -> None:
    xs = [gg.tensor([0.3, -0.7, 0.1], dtype=gg.float64).requires_grad_()]

    def stepped(opt: Any) -> None:
        def closure() -> Any:
            opt.zero_grad()
            loss = rosenbrock(xs[0])
            loss.backward()
            return loss

        opt.step(closure)

    options = {"max_iter": 3, "line_search_fn": "strong_wolfe"}
    first = optim.LBFGS(xs, **options)
    stepped(first)
    state, here = copy.deepcopy(first.state_dict()), xs[0].detach().clone()
    stepped(first)
    there = xs[0].detach().clone()
    with gg.no_grad():
        xs[0].copy_(here)
    second = optim.LBFGS(xs, **options)
    second.load_state_dict(state)
    stepped(second)
    assert (xs[0] == there).all()


@pytest.mark.parametrize("call", [
    lambda lib, x: lib.LBFGS([{"params": [x]}, {"params": []}]),
    lambda lib, x: lib.LBFGS([x], lr=-1),
    lambda lib, x: lib.LBFGS([x]).step(),
    lambda lib, x: lib.LBFGS([x], line_search_fn="armijo").step(lambda: (x * x).sum().backward() or 1.0),
    lambda lib, x: lib.Muon([x]),
    lambda lib, x: lib.Muon([x.detach().reshape(1, 2)], adjust_lr_fn="x"),
    lambda lib, x: lib.Adafactor([x], beta2_decay=0.1),
    lambda lib, x: lib.Adafactor([x], eps=(-1, 1)),
    lambda lib, x: lib.Adafactor([x], d=0.5),
    lambda lib, x: lib.SparseAdam([x], lr=0.0),
    lambda lib, x: lib.SparseAdam([x], eps=0.0),
    lambda lib, x: ((x * x).sum().backward(), lib.SparseAdam([x]).step()),
])  # fmt: skip
def test_errors_are_of_the_same_kind(call: Any) -> None:
    with pytest.raises(Exception) as theirs:
        call(torch.optim, torch.ones(2, requires_grad=True))
    with pytest.raises(type(theirs.value)) as ours:
        call(optim, gg.ones(2, requires_grad=True))
    assert type(ours.value) is type(theirs.value)


# --- matrices ---

GRID: dict[str, dict[str, list[Any]]] = {
    "Adafactor": {"lr": [0.01, 0.5], "weight_decay": [0, 0.1], "maximize": [False, True], "eps": [(None, 1e-3),
                  (1e-4, 0.1)], "d": [1.0, 2.0], "foreach": [None, True]},
    "Muon": {"lr": [0.01], "nesterov": [True, False], "weight_decay": [0.0, 0.1],
             "adjust_lr_fn": [None, "match_rms_adamw"]},
}  # fmt: skip
CASES = [
    (name, dict(zip(grid, values, strict=True)))
    for name, grid in GRID.items()
    for values in itertools.product(*grid.values())
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c[0]} {c[1]}")
def test_twenty_steps(case: Any) -> None:
    name, options = case
    rng = np.random.RandomState(0)
    shapes = [(3, 4), (5, 2)] if name == "Muon" else [(3, 4), (5,), (), (2, 3, 4)]
    starts = [np.asarray(rng.standard_normal(s)) for s in shapes]
    ours = [gg.nn.Parameter(gg.tensor(a)) for a in starts]
    theirs = [torch.nn.Parameter(torch.tensor(a)) for a in starts]
    opt, peer = getattr(optim, name)(ours, **options), getattr(torch.optim, name)(theirs, **options)
    for _ in range(20):
        for p, q in zip(ours, theirs, strict=True):
            g = np.asarray(rng.standard_normal(tuple(p.shape)))
            p.grad, q.grad = gg.tensor(g), torch.tensor(g)
        opt.step(), peer.step()
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-12, atol=1e-12)
    mine, other = opt.state_dict(), peer.state_dict()
    assert mine["param_groups"] == other["param_groups"]
    for i, kept in other["state"].items():
        assert list(mine["state"][i]) == list(kept)
        for key, value in kept.items():
            np.testing.assert_allclose(mine["state"][i][key].numpy(), value.numpy(), rtol=1e-12)


# --- averages ---

AVERAGES: dict[str, Any] = {
    "equal": lambda lib: {},
    "ema": lambda lib: {"multi_avg_fn": lib.get_ema_multi_avg_fn(0.9)},
    "ema of one": lambda lib: {"avg_fn": lib.get_ema_avg_fn(0.7)},
    "swa of one": lambda lib: {"avg_fn": lib.get_swa_avg_fn(), "use_buffers": True},
    "swa": lambda lib: {"multi_avg_fn": lib.get_swa_multi_avg_fn()},
    "own": lambda lib: {"avg_fn": lambda a, p, n: 0.1 * a + 0.9 * p},
}


@pytest.mark.parametrize("kind", AVERAGES)
def test_averaged_model(kind: str) -> None:
    found = []
    for library in (gg, torch):
        library.manual_seed(0)
        swa = library.optim.swa_utils
        net = library.nn.Sequential(
            library.nn.Linear(4, 5), library.nn.BatchNorm1d(5), library.nn.Linear(5, 1)
        ).double()
        averaged = swa.AveragedModel(net, **AVERAGES[kind](swa))
        opt = library.optim.SGD(net.parameters(), 0.1, 0.9)
        schedule = swa.SWALR(opt, 0.01, 3)
        data = [library.randn(6, 4).double() for _ in range(5)]
        for x in data:
            opt.zero_grad()
            (net(x) ** 2).mean().backward()
            opt.step()
            averaged.update_parameters(net)
            schedule.step()
        swa.update_bn([(x, 0) for x in data], averaged)
        found.append((averaged, averaged.eval()(data[0]), schedule))
    (ours, y, s), (theirs, z, t) = found
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-11)
    assert repr(ours) == repr(theirs)
    mine, other = ours.state_dict(), theirs.state_dict()
    assert list(mine) == list(other)
    for key in other:
        np.testing.assert_allclose(mine[key].numpy(), other[key].numpy(), rtol=1e-11, err_msg=key)
    assert s.get_last_lr() == t.get_last_lr() and s.state_dict() == t.state_dict()


@pytest.mark.parametrize("options", [
    {}, {"anneal_epochs": 0}, {"anneal_strategy": "linear", "anneal_epochs": 7}, {"swa_lr": [0.3, 0.01]},
    {"anneal_strategy": "x"}, {"anneal_epochs": -1}, {"swa_lr": [0.1]},
], ids=str)  # fmt: skip
def test_swalr(options: Any) -> None:
    seen: list[Any] = []
    for library in (gg, torch):
        groups = [{"params": [library.ones(1, requires_grad=True)]}, {"params": [library.ones(2)], "lr": 0.2}]
        opt = library.optim.SGD(groups, 0.1)
        try:
            schedule = library.optim.swa_utils.SWALR(opt, **{"swa_lr": 0.5, **options})
        except Exception as problem:
            seen.append(type(problem))
            continue
        rates = []
        for _ in range(15):
            opt.step(), schedule.step()
            rates.append(schedule.get_last_lr())
        seen.append(rates)
    assert seen[0] == seen[1]
