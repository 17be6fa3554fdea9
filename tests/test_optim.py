"""Optimizers and schedules without any other library: hand-computed steps, rules and errors."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn, optim
from glassgrad.optim import lr_scheduler as schedules
from glassgrad.optim.optimizer import required

EVERY = ["SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta"]


def parameter(*values: float) -> nn.Parameter:
    return nn.Parameter(gg.tensor(values, dtype=gg.float64))


def stepped(name: str, gradients: Any, start: Any = (1.0,), **options: Any) -> list[float]:
    """The parameter after steps with these gradients."""
    p = parameter(*start)
    opt = getattr(optim, name)([p], **options)
    for g in gradients:
        p.grad = gg.tensor(np.broadcast_to(np.float64(g), p.shape).copy())
        opt.step()
    return p.tolist()


# By hand, from the formulas.
BY_HAND = [
    ("SGD", [2.0], {"lr": 0.1}, 0.8),
    ("SGD", [2.0, 2.0], {"lr": 0.1, "momentum": 0.5}, 1 - 0.2 - 0.3),
    ("SGD", [2.0, 2.0], {"lr": 0.1, "momentum": 0.5, "dampening": 0.5}, 1 - 0.2 - 0.2),
    ("SGD", [2.0], {"lr": 0.1, "momentum": 0.5, "nesterov": True}, 1 - 0.3),
    ("SGD", [2.0], {"lr": 0.1, "weight_decay": 0.5}, 1 - 0.25),
    ("SGD", [2.0], {"lr": 0.1, "maximize": True}, 1.2),
    ("Adam", [2.0], {"lr": 0.1, "eps": 0.0}, 0.9),
    ("Adam", [2.0], {"lr": 0.1, "eps": 2.0}, 0.95),
    ("AdamW", [2.0], {"lr": 0.1, "eps": 0.0, "weight_decay": 0.5}, 0.95 - 0.1),
    ("Adamax", [2.0], {"lr": 0.1, "eps": 2.0}, 0.95),
    ("RMSprop", [2.0], {"lr": 0.1, "alpha": 0.75, "eps": 0.0}, 1 - 0.1 * 2 / 1),
    ("Adagrad", [3.0, 4.0], {"lr": 0.1, "eps": 0.0}, 1 - 0.1 - 0.1 * 4 / 5),
    ("Adagrad", [3.0], {"lr": 0.1, "eps": 0.0, "initial_accumulator_value": 16.0}, 1 - 0.1 * 3 / 5),
    ("Adadelta", [2.0], {"lr": 1.0, "rho": 0.75, "eps": 0.0}, 1.0),
    ("RAdam", [2.0], {"lr": 0.1}, 0.8),
]  # fmt: skip


@pytest.mark.parametrize(("name", "gradients", "options", "expected"), BY_HAND)
def test_by_hand(name: str, gradients: Any, options: Any, expected: float) -> None:
    assert stepped(name, gradients, **options) == pytest.approx([expected], rel=1e-14)


def test_the_hand_would_notice() -> None:
    assert stepped("SGD", [2.0], lr=0.1) != pytest.approx([0.8 * 1.001], rel=1e-14)


@pytest.mark.parametrize("name", EVERY)
def test_pieces_change_nothing(name: str) -> None:
    """A large parameter moves as its elements would alone."""
    n = optim.optimizer.PIECE + 7
    large = stepped(name, [1.5, -0.5, 2.0], start=[1.0] * n)
    assert set(large) == set(stepped(name, [1.5, -0.5, 2.0]))


@pytest.mark.parametrize("name", EVERY)
def test_every_optimizer_descends(name: str) -> None:
    p = parameter(3.0, -2.0)
    opt = getattr(optim, name)([p])
    before = float((p * p).sum().item())
    for _ in range(100):
        opt.zero_grad()
        (p * p).sum().backward()
        opt.step()
    assert float((p * p).sum().item()) < before


def test_a_step_is_seen_by_backward() -> None:
    p = parameter(1.0)
    opt = optim.SGD([p])
    y = p * p
    p.grad = gg.tensor([1.0], dtype=gg.float64)
    opt.step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_zero_grad() -> None:
    p = parameter(1.0)
    opt = optim.SGD([p])
    (p * 2).sum().backward()
    opt.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0.0]
    opt.zero_grad()
    assert p.grad is None


def test_the_state_stays_with_a_copy() -> None:
    p = parameter(1.0)
    opt = optim.Adam([p])
    p.grad = gg.tensor([1.0], dtype=gg.float64)
    opt.step()
    other = copy.deepcopy(opt)
    (q,) = other.param_groups[0]["params"]
    assert q is not p and other.state[q]["exp_avg"].tolist() == opt.state[p]["exp_avg"].tolist()
    loaded = optim.Adam([parameter(1.0)])
    loaded.load_state_dict(opt.state_dict())
    opt.step()
    (mine,) = loaded.state.values()
    assert mine["step"].item() == 1.0  # a copy: the other's next step is not seen here


def test_hooks() -> None:
    seen: list[str] = []

    class Loud(optim.SGD):
        def step(self, closure: Any = None) -> Any:
            seen.append("own")
            return super().step(closure)

    p = parameter(1.0)
    opt = Loud([p])
    before = opt.register_step_pre_hook(lambda o, args, kwargs: seen.append("before"))
    opt.register_step_post_hook(lambda o, args, kwargs: seen.append("after"))
    opt.step()
    before.remove()
    opt.step()
    assert seen == ["before", "own", "after", "own", "after"]


def test_closure_runs_with_gradients() -> None:
    p = parameter(2.0)
    opt = optim.SGD([p], lr=0.25)

    def closure() -> Any:
        opt.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with gg.no_grad():
        assert opt.step(closure).item() == 4.0
    assert p.tolist() == [1.0]


P = parameter(1.0)
ERRORS = [
    (lambda: optim.SGD([P], lr=-1), ValueError, "Invalid learning rate: -1"),
    (lambda: optim.SGD([P], lr=float("nan")), ValueError, "Invalid learning rate"),
    (lambda: optim.SGD([P], lr=gg.ones(2)), ValueError, "1-element"),
    (lambda: optim.SGD([P], momentum=-1), ValueError, "Invalid momentum value: -1"),
    (lambda: optim.SGD([P], nesterov=True), ValueError, "Nesterov momentum requires a momentum and zero dampening"),
    (lambda: optim.Adam([P], eps=-1), ValueError, "Invalid epsilon value: -1"),
    (lambda: optim.Adam([P], betas=(0.5, 1.0)), ValueError, "Invalid beta parameter at index 1: 1.0"),
    (lambda: optim.Adadelta([P], rho=2), ValueError, "Invalid rho value: 2"),
    (lambda: optim.Adam([P], capturable=True), NotImplementedError, "capturable=True"),
    (lambda: optim.Adam([P], differentiable=True), NotImplementedError, "differentiable=True"),
    (lambda: optim.Adam([P], fused=True, foreach=True), RuntimeError, "cannot be `True` together"),
    (lambda: optim.SGD([]), ValueError, "empty parameter list"),
    (lambda: optim.SGD(P), TypeError, "put it in a list"),
    (lambda: optim.SGD([3]), TypeError, "can only optimize Tensors, but one of the params is int"),
    (lambda: optim.SGD([P * 2]), ValueError, "can't optimize a non-leaf Tensor"),
    (lambda: optim.SGD([{"params": [P]}, {"params": [P]}]), ValueError, "more than one parameter group"),
    (lambda: optim.SGD([{"params": {P}}]), TypeError, "ordered collections"),
    (lambda: optim.SGD([("a", P), parameter(1.0)]), ValueError, "with/without names"),
    (lambda: optim.SGD([P]).add_param_group(3), TypeError, "must be a dict"),
    (lambda: optim.SGD([P]).add_param_group({"params": [("a", parameter(1.0))]}), ValueError, "with names"),
    (lambda: optim.SGD([P]).load_state_dict({"state": {}, "param_groups": []}), ValueError, "different number of"),
    (lambda: schedules.StepLR(P, 1), TypeError, "Parameter is not an Optimizer"),
    (lambda: schedules.StepLR(optim.SGD([P]), 1, last_epoch=3), KeyError, "initial_lr"),
    (lambda: schedules.SequentialLR(optim.SGD([P]), [], []), ValueError, "at least one scheduler"),
    (lambda: schedules.ChainedScheduler([]), ValueError, "at least one scheduler"),
    (lambda: schedules.ChainedScheduler([3], optim.SGD([P])), TypeError, "should have `optimizer`"),
    (lambda: schedules.ChainedScheduler([schedules.StepLR(optim.SGD([P]), 1)], optim.SGD([P])), ValueError, "another"),
    (lambda: schedules.ChainedScheduler([schedules.ReduceLROnPlateau(optim.SGD([P]))]), ValueError, "not support"),
    (lambda: schedules.OneCycleLR(optim.Adagrad([P]), 0.1, 10), ValueError, "must support momentum or beta1"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "words"), ERRORS)
def test_errors(call: Any, kind: type, words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        call()
    assert caught.type is kind


def test_a_refused_state_changes_nothing() -> None:
    opt = optim.SGD([parameter(1.0)], lr=0.5)
    state = opt.state_dict()
    state["param_groups"][0].update(params=[0, 1], lr=0.1)
    with pytest.raises(ValueError, match="2 parameters, the optimizer's 1"):
        opt.load_state_dict(state)
    assert opt.param_groups[0]["lr"] == 0.5


# --- schedules ---

RATES = [
    (lambda o: schedules.StepLR(o, 2), [1, 1, 0.1, 0.1, 0.01]),
    (lambda o: schedules.MultiStepLR(o, [1, 3], 0.5), [1, 0.5, 0.5, 0.25, 0.25]),
    (lambda o: schedules.ConstantLR(o, 0.5, 3), [0.5, 0.5, 0.5, 1, 1]),
    (lambda o: schedules.LinearLR(o, 0.2, 1.0, 4), [0.2, 0.4, 0.6, 0.8, 1.0]),
    (lambda o: schedules.ExponentialLR(o, 0.5), [1, 0.5, 0.25, 0.125, 0.0625]),
    (lambda o: schedules.PolynomialLR(o, 4, 2), [1, 0.5625, 0.25, 0.0625, 0]),
    (lambda o: schedules.CosineAnnealingLR(o, 4), [1, 0.5 + 0.5 * 0.5**0.5, 0.5, 0.5 - 0.5 * 0.5**0.5, 0]),
    (lambda o: schedules.CosineAnnealingWarmRestarts(o, 2), [1, 0.5, 1, 0.5, 1]),
    (lambda o: schedules.LambdaLR(o, lambda e: e), [0, 1, 2, 3, 4]),
    (lambda o: schedules.MultiplicativeLR(o, lambda e: e), [1, 1, 2, 6, 24]),
    (lambda o: schedules.CyclicLR(o, 0, 4, 2, cycle_momentum=False), [0, 2, 4, 2, 0]),
    (lambda o: schedules.OneCycleLR(o, 1.0, 5, pct_start=0.6, anneal_strategy="linear", div_factor=2.0,
                                    final_div_factor=1.0), [0.5, 0.75, 1.0, 0.75, 0.5]),
    (lambda o: schedules.SequentialLR(o, [schedules.ConstantLR(o, 0.5, 9), schedules.ExponentialLR(o, 0.1)], [2]),
     [0.5, 0.5, 1, 0.1, 0.01]),
    (lambda o: schedules.ChainedScheduler([schedules.ConstantLR(o, 0.5, 2), schedules.ExponentialLR(o, 0.1)]),
     [0.5, 0.05, 0.01, 0.001, 0.0001]),
]  # fmt: skip


@pytest.mark.parametrize(("make", "expected"), RATES)
def test_rates(make: Any, expected: list[float]) -> None:
    opt = optim.SGD([parameter(1.0)], lr=1.0, momentum=0.9)
    schedule, seen = make(opt), []
    for _ in expected:
        seen.append(schedule.get_last_lr()[0])
        assert opt.param_groups[0]["lr"] == seen[-1]
        opt.step()
        schedule.step()
    assert seen == pytest.approx(expected, abs=1e-15)


def test_plateau() -> None:
    opt = optim.SGD([parameter(1.0)], lr=1.0)
    schedule = schedules.ReduceLROnPlateau(opt, patience=1, factor=0.5)
    seen = []
    for metric in (1.0, 0.5, 0.5, 0.5, 0.5, 0.1):
        schedule.step(metric)
        seen.append(opt.param_groups[0]["lr"])
    assert seen == [1, 1, 1, 0.5, 0.5, 0.5]


def test_step_before_the_optimizer_warns() -> None:
    schedule = schedules.StepLR(optim.SGD([P]), 2)
    with pytest.warns(UserWarning, match=r"before `optimizer.step\(\)`"):
        schedule.step()


@pytest.mark.parametrize(
    ("schedule", "arguments"),
    [
        (schedules.StepLR, (2,)),
        (schedules.MultiStepLR, ([3],)),
        (schedules.ExponentialLR, (0.5,)),
        (schedules.PolynomialLR, ()),
    ],
)
def test_a_rate_that_is_not_changed_stays_an_integer(schedule: Any, arguments: Any) -> None:
    assert repr(schedule(optim.SGD([P], lr=5), *arguments).get_last_lr()) == "[5]"


def test_a_step_that_users_count_with_a_dim() -> None:
    """Shared optimizers of A3C set the state before the first step."""
    weights = [gg.ones(3, requires_grad=True) for _ in range(2)]
    for x, optimizer in [(x, optim.Adam([x], lr=0.1)) for x in weights]:
        if x is weights[1]:
            optimizer.state[x] = {
                "step": gg.zeros(1), "exp_avg": gg.zeros(3).share_memory_(), "exp_avg_sq": gg.zeros_like(x.data),
            }  # fmt: skip
        for _ in range(2):
            optimizer.zero_grad()
            x.square().sum().backward()
            optimizer.step()
    assert weights[0].tolist() == weights[1].tolist()
    assert optimizer.state[x]["step"].tolist() == [2.0] and optimizer.state[x]["exp_avg"].is_shared()


def test_a_wrapper_that_never_called_init() -> None:
    class Lookahead(gg.optim.Optimizer):
        def __init__(self, inner: gg.optim.Optimizer) -> None:
            self.inner, self.param_groups = inner, inner.param_groups

        def step(self) -> None:
            self.inner.step()

    p = gg.ones(1, requires_grad=True)
    wrapper = Lookahead(gg.optim.SGD([p], lr=0.5))
    p.sum().backward()
    wrapper.step()
    wrapper.zero_grad()
    assert p.item() == 0.5 and p.grad is None


def test_the_options_of_a_users_optimizer_are_its_own() -> None:
    """Only this package's optimizers know what rho and betas may be."""

    class Own(gg.optim.Optimizer):
        def __init__(self, params: Any, rho: float = 2.0, lr: Any = required) -> None:
            super().__init__(params, {"rho": rho, "lr": lr, "betas": (0.9, 1.5), "differentiable": True})

    p = gg.zeros(1, requires_grad=True)
    assert Own([p], lr=-1).defaults["rho"] == 2.0
    assert Own([{"params": [p], "lr": None}]).param_groups[0]["lr"] is None
    with pytest.raises(ValueError, match="required optimization parameter lr"):
        Own([p])
    with pytest.raises(ValueError, match="Invalid learning rate"):
        gg.optim.LBFGS([p], lr=-1)
