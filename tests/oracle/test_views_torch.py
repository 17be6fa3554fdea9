"""Random programs of views and in-place operations, in both libraries: values, versions, gradients, refusals."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import glassgrad as gg

torch = pytest.importorskip("torch")

PROGRAMS = 300
STEPS = 14

# A step of a program: what it does to the list of tensors made so far. It is drawn by shape alone, so that both
# libraries take the same one.
Step = tuple[str, Callable[[Any, list[Any]], Any]]


def view_step(rng: random.Random, i: int, shape: tuple[int, ...]) -> Step:
    """A view of tensor i, drawn to fit its shape."""
    n = len(shape)
    choices: list[tuple[str, Callable[[Any], Any]]] = [
        ("[...]", lambda x: x[...]),
        ("unsqueeze", lambda x: x.unsqueeze(0)),
        ("detach", lambda x: x.detach() if x._base is None else x[...]),  # of a view: may not be changed in torch
        ("view_as", lambda x: x.view_as(x)),
    ]
    if n:
        d = rng.randrange(n)
        size = shape[d]
        start, stop = sorted(rng.choices(range(size + 1), k=2)) if size else (0, 0)
        choices.append(("slice", lambda x: x[(slice(None),) * d + (slice(start, max(stop, start + 1)),)]))
        choices.append(("step", lambda x: x[(slice(None),) * d + (slice(start, None, 2),)]))
        choices.append(("narrow", lambda x: x.narrow(d, start, stop - start)))
        choices.append(("flatten", lambda x: x.reshape(-1)))
        choices.append(("squeeze", lambda x: x.squeeze()))
        if size:
            k = rng.randrange(size)
            choices.append(("select", lambda x: x.select(d, k)))
            choices.append(("[int]", lambda x: x[(slice(None),) * d + (k,)]))
            choices.append(("unbind", lambda x: x.unbind(d)[k]))
            choices.append(("split", lambda x: x.split(2, d)[k // 2]))
            choices.append(("unfold", lambda x: x.unfold(d, min(2, size), 2)))
        if size % 2 == 0 and size:
            choices.append(("unflatten", lambda x: x.unflatten(d, (2, -1))))
        if size == 1:
            choices.append(("expand", lambda x: x.expand(*shape[:d], 3, *shape[d + 1 :])))
    if n >= 2:
        a, b = rng.sample(range(n), 2)
        order = rng.sample(range(n), n)
        choices.append(("transpose", lambda x: x.transpose(a, b)))
        choices.append(("permute", lambda x: x.permute(order)))
        choices.append(("diagonal", lambda x: x.diagonal(0, a, b)))
        choices.append(("view", lambda x: x.view(-1, shape[-1])))
        choices.append(("T", lambda x: x.mT))
    name, view = rng.choice(choices)
    return f"v = t[{i}].{name}", lambda m, ts: ts.append(view(ts[i]))


def in_place_step(rng: random.Random, i: int, shapes: list[tuple[int, ...]]) -> Step:
    shape = shapes[i]
    same = [k for k, s in enumerate(shapes) if s == shape]
    small = [k for k, s in enumerate(shapes) if s == ()]
    j = rng.choice(same + small)
    c = round(rng.uniform(-2, 2), 2)

    def other(ts: list[Any]) -> Any:  # torch reads what it has just written where the two overlap
        x, y = ts[i], ts[j]
        return y.clone() if j != i and np.shares_memory(x.detach().numpy(), y.detach().numpy()) else y

    choices: list[tuple[str, Callable[[Any, list[Any]], Any]]] = [
        (f"add_(t[{j}])", lambda m, ts: ts[i].add_(other(ts))),
        (f"mul_(t[{j}])", lambda m, ts: ts[i].mul_(other(ts))),
        (f"mul_({c})", lambda m, ts: ts[i].mul_(c)),
        ("tanh_()", lambda m, ts: ts[i].tanh_()),
        (f"copy_(t[{j}])", lambda m, ts: ts[i].copy_(other(ts))),
        (f"fill_({c})", lambda m, ts: ts[i].fill_(c)),
        ("zero_()", lambda m, ts: ts[i].zero_()),
        (f"+= t[{j}] * {c}", lambda m, ts: ts[i].__iadd__(ts[j] * c)),
        (f"[...] = t[{j}]", lambda m, ts: ts[i].__setitem__(..., other(ts))),
    ]
    if shape and shape[0]:
        k = rng.randrange(shape[0])
        fitting = [q for q, s in enumerate(shapes) if s == shape[1:]]
        choices.append((f"[{k}] = {c}", lambda m, ts: ts[i].__setitem__(k, c)))
        choices.append((f"[[{k}, 0]] = {c}", lambda m, ts: ts[i].__setitem__([k, 0], c)))
        choices.append(("[mask] = c", lambda m, ts: ts[i].__setitem__(ts[i] > 0, c)))
        if fitting:
            q = rng.choice(fitting)
            choices.append((f"[{k}] = t[{q}]", lambda m, ts: ts[i].__setitem__(k, ts[q])))
            choices.append((f"index_put_([{k}], t[{q}])", lambda m, ts: ts[i].__setitem__(m.tensor([k]), ts[q])))
    name, change = rng.choice(choices)
    return f"t[{i}].{name}", change


def new_step(rng: random.Random, i: int, shapes: list[tuple[int, ...]]) -> Step:
    same = [k for k, s in enumerate(shapes) if s == shapes[i]]
    j = rng.choice(same)
    name, make = rng.choice([
        ("t[i] * t[j]", lambda x, y: x * y),
        ("t[i] + t[j]", lambda x, y: x + y),
        ("tanh", lambda x, y: x.tanh()),
        ("clone", lambda x, y: x.clone()),
        ("t[i] * 2", lambda x, y: x * 2),
        ("contiguous", lambda x, y: x.contiguous()),
    ])  # fmt: skip
    return f"v = {name}, i={i}, j={j}", lambda m, ts: ts.append(make(ts[i], ts[j]))


class TorchOnly(Exception):
    """torch refuses a step that has one meaning; the program ends before it."""


TORCH_ONLY = (
    # Copying between parts that overlap: NumPy takes the old values, and so do we.
    "some elements of the input tensor and the written-to tensor",
    # Of a view of a base that has come to require grad since: a leaf only until its grad_fn is looked at.
    "a leaf Variable that requires grad",
)


class Machine:
    """One library running a program: its tensors, and what it refused."""

    def __init__(self, module: Any, seed: int) -> None:
        self.module = module
        rng = np.random.default_rng(seed)
        shapes = [(2, 3), (4,), (2, 3, 2)]
        self.leaves = [module.tensor(rng.uniform(-1, 1, s)).requires_grad_(k != 1) for k, s in enumerate(shapes)]
        self.tensors = [x * 1 for x in self.leaves] + [module.tensor(rng.uniform(-1, 1, (2, 3)))]

    def take(self, step: Callable[[Any, list[Any]], Any], silent: bool) -> str | None:
        """The name of the exception, or None."""
        try:
            if silent:
                with self.module.no_grad():
                    step(self.module, self.tensors)
            else:
                step(self.module, self.tensors)
        except (RuntimeError, IndexError, ValueError) as problem:
            if self.module is torch and any(words in str(problem) for words in TORCH_ONLY):
                raise TorchOnly from None
            return type(problem).__name__
        return None

    def state(self) -> list[tuple[Any, ...]]:
        return [(tuple(x.shape), x.requires_grad, x._base is not None) for x in self.tensors]

    def gradients(self) -> tuple[list[int], Any]:
        """Which tensors can still be used, and the gradients of a sum over them (or what was refused)."""
        total, used = None, []
        for k, x in enumerate(self.tensors):
            try:
                part = (x * x * (0.3 + 0.1 * k)).sum()
            except RuntimeError as problem:
                assert "modified inplace" in str(problem)
                continue
            used.append(k)
            if part.requires_grad:
                total = part if total is None else total + part
        if total is None:
            return used, None
        wanted = [x for x in self.leaves if x.requires_grad]
        try:
            return used, self.module.autograd.grad(total, wanted, allow_unused=True)
        except RuntimeError as problem:
            assert "modified by an inplace operation" in str(problem) or "modified inplace" in str(problem)
            return used, "modified"


def run(seed: int) -> tuple[list[str], Machine, Machine]:
    """A program in both libraries, compared after every step."""
    rng = random.Random(seed)
    ours, theirs = Machine(gg, seed), Machine(torch, seed)
    program: list[str] = []
    for _ in range(STEPS):
        shapes = [tuple(x.shape) for x in theirs.tensors]
        i = rng.randrange(len(shapes))
        kind = rng.random()
        if kind < 0.45:
            text, step = view_step(rng, i, shapes[i])
        elif kind < 0.85:
            text, step = in_place_step(rng, i, shapes)
        else:
            text, step = new_step(rng, i, shapes)
        silent = rng.random() < 0.05
        program.append(f"{text}{'  # no_grad' if silent else ''}")
        try:
            other = theirs.take(step, silent)
        except TorchOnly:
            program.pop()
            break
        mine = ours.take(step, silent)
        said = "\n".join(program)
        assert mine == other, f"seed {seed}: {mine} against torch's {other}\n{said}"
        assert ours.state() == theirs.state(), f"seed {seed}\n{said}"
        for k, (a, b) in enumerate(zip(ours.tensors, theirs.tensors, strict=True)):
            np.testing.assert_allclose(
                a.detach().numpy(), b.detach().numpy(), rtol=1e-12, atol=1e-12, err_msg=f"seed {seed}: t[{k}]\n{said}"
            )
    return program, ours, theirs


@pytest.mark.parametrize("block", range(10))
def test_programs_of_views_and_changes(block: int) -> None:
    each, refused = PROGRAMS // 10, 0
    for seed in range(block * each, (block + 1) * each):
        program, ours, theirs = run(seed)
        said = f"seed {seed}\n" + "\n".join(program)
        (used, mine), (torch_used, other) = ours.gradients(), theirs.gradients()
        assert used == torch_used, said
        if mine == "modified" or other == "modified":  # what is saved differs; nobody got a wrong gradient
            refused += (mine == "modified") - (other == "modified")
            continue
        assert (mine is None) == (other is None), said
        for a, b in zip(mine or (), other or (), strict=True):
            if a is None or b is None:  # None and zeros say the same
                assert not any(np.any(g.numpy()) for g in (a, b) if g is not None), said
            else:
                np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-9, atol=1e-12, err_msg=said)
    assert refused <= 0, "more programs refused than by torch"
