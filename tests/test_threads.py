"""Threads and tasks side by side: modes, hooks and random numbers stay with their own context."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import glassgrad as gg
from glassgrad.core.random import Generator, generator_scope

THREADS = 8


def train(seed: int) -> list[float]:
    """A small training run with everything that has a mode: its losses and final weights."""
    with generator_scope(Generator().manual_seed(seed)):
        model = gg.nn.Sequential(gg.nn.Linear(6, 16), gg.nn.Tanh(), gg.nn.Dropout(0.2), gg.nn.Linear(16, 1))
        optimizer = gg.optim.Adam(model.parameters(), 1e-2)
        x = gg.randn(12, 6)
        seen: list[float] = []
        model[0].weight.register_hook(lambda g: seen.append(g.sum().item()))
        for i in range(20):
            optimizer.zero_grad()
            loss = (model(x) ** 2).mean()
            if i % 2:
                with gg.autograd.detect_anomaly():
                    loss.backward()
            else:
                loss.backward()
            optimizer.step()
            with gg.no_grad():
                seen.append(model.eval()(x).sum().item())
            model.train()
            slope = gg.func.jvp(lambda v: (model[0](v) ** 2).sum(), (x,), (gg.ones_like(x),))[1]
            seen.append(slope.item())
        return [*seen, *[p.sum().item() for p in model.parameters()]]


def test_eight_threads_train_as_one_after_the_other() -> None:
    alone = [train(seed) for seed in range(THREADS)]
    for _ in range(3):
        start = threading.Barrier(THREADS)

        def work(seed: int, start: threading.Barrier = start) -> list[float]:
            start.wait()
            return train(seed)

        with ThreadPoolExecutor(THREADS) as pool:
            assert list(pool.map(work, range(THREADS))) == alone


def test_one_model_many_graphs() -> None:
    """backward() of several graphs at once adds up: nothing is lost."""
    w = gg.ones(20_000, dtype=gg.float64, requires_grad=True)
    rounds = 30
    start = threading.Barrier(THREADS)

    def work(k: int) -> None:
        start.wait()
        for _ in range(rounds):
            (w * float(k + 1)).sum().backward()

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    assert w.grad is not None
    assert w.grad.unique().tolist() == [rounds * sum(range(1, THREADS + 1))]


def test_one_graph_walked_twice_at_once_is_right_or_an_error() -> None:
    for _ in range(20):
        x = gg.ones(100, dtype=gg.float64, requires_grad=True)
        y = (x * x).sum()
        problems: list[str] = []

        def work(y: Any = y, problems: list[str] = problems) -> None:
            try:
                y.backward()
            except RuntimeError as problem:
                problems.append(str(problem))

        with ThreadPoolExecutor(2) as pool:
            for _ in range(2):
                pool.submit(work)
        assert all("second time" in p for p in problems)
        assert x.grad is not None and x.grad.unique().tolist() == [2.0 * (2 - len(problems))]


def test_modes_are_a_thread_s_own() -> None:
    inside, seen = threading.Event(), threading.Event()
    found: list[bool] = []

    def other() -> None:
        inside.wait(10)
        found.append(gg.is_grad_enabled())
        found.append(gg.autograd.is_anomaly_enabled())
        seen.set()

    thread = threading.Thread(target=other)
    thread.start()
    with gg.no_grad(), gg.autograd.detect_anomaly():
        inside.set()
        assert seen.wait(10)
    thread.join()
    assert found == [True, False]


def test_modes_do_not_leak_between_tasks() -> None:
    async def without() -> list[bool]:
        found = []
        with gg.no_grad():
            for _ in range(5):
                await asyncio.sleep(0)
                found.append(gg.is_grad_enabled())
        return found

    async def plain() -> list[bool]:
        found = []
        for _ in range(5):
            await asyncio.sleep(0)
            found.append(gg.is_grad_enabled())
        return found

    async def both() -> Any:
        return await asyncio.gather(without(), plain(), without())

    assert asyncio.run(both()) == [[False] * 5, [True] * 5, [False] * 5]


def test_a_level_of_forward_mode_is_a_thread_s_own() -> None:
    with gg.autograd.forward_ad.dual_level():
        with ThreadPoolExecutor(1) as pool:
            problem = pool.submit(gg.autograd.forward_ad.unpack_dual, gg.ones(1)).exception()
        assert isinstance(problem, RuntimeError)
        with pytest.raises(RuntimeError, match="shape"):
            gg.autograd.forward_ad.make_dual(gg.ones(2), gg.ones(3))
