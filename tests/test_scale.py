"""Large graphs, flat memory, and what is left when something fails half-way."""

from __future__ import annotations

import gc
import resource
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import glassgrad as gg
from glassgrad.core.graph import Node

NODES = 1_000_000
STATM = Path("/proc/self/statm")


def on_a_small_stack(work: Callable[[], Any]) -> Any:
    """Run in a thread with 512 KiB of stack: whoever recurses over the graph dies here."""
    result: list[Any] = []
    before = threading.stack_size(512 * 1024)
    try:
        thread = threading.Thread(target=lambda: result.append(work()))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert result, "the thread raised"
    return result[0]


@contextmanager
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def nodes_alive() -> int:
    return sum(type(x) is Node for x in gc.get_objects())


def chain(x: gg.Tensor) -> gg.Tensor:
    y = x
    for _ in range(NODES):
        y = y + 1.0
    return y


def comb(x: gg.Tensor) -> gg.Tensor:
    """Every second node hangs on the same leaf as well."""
    y = x
    for _ in range(NODES // 2):
        y = y + x * 1e-6
    return y


@pytest.mark.parametrize(("build", "slope"), [(chain, 1.0), (comb, 1.5)])
def test_a_million_nodes(build: Callable[[gg.Tensor], gg.Tensor], slope: float) -> None:
    """Built, walked and freed without recursion; nothing is alive afterwards, with the cyclic collector off."""

    def work() -> float:
        x = gg.tensor(2.0, dtype=gg.float64, requires_grad=True)
        y = build(x)
        y.backward()
        assert x.grad is not None
        return x.grad.item()

    before = nodes_alive()
    with without_collector():
        assert on_a_small_stack(work) == pytest.approx(slope)
        assert nodes_alive() == before


def mlp() -> gg.nn.Module:
    return gg.nn.Sequential(gg.nn.Linear(16, 32), gg.nn.ReLU(), gg.nn.Dropout(0.1), gg.nn.Linear(32, 4))


def step(model: gg.nn.Module, optimizer: Any, x: gg.Tensor, t: gg.Tensor) -> float:
    optimizer.zero_grad()
    loss = gg.nn.functional.cross_entropy(model(x), t)
    loss.backward()
    optimizer.step()
    return loss.item()


def resident() -> int:
    """The bytes of memory that this process holds now."""
    return int(STATM.read_text().split()[1]) * resource.getpagesize()


@pytest.mark.skipif(not STATM.exists(), reason="the size of a process is read from /proc")
def test_memory_is_flat_over_ten_thousand_steps() -> None:
    gg.manual_seed(0)
    model = mlp()
    optimizer = gg.optim.Adam(model.parameters(), 1e-3)
    x, t = gg.randn(8, 16), gg.randint(0, 4, (8,))
    with without_collector():
        for _ in range(500):
            step(model, optimizer, x, t)
        before, count = resident(), len(gc.get_objects())
        for _ in range(10_000):
            step(model, optimizer, x, t)
        assert resident() - before < 2**20
        assert len(gc.get_objects()) - count < 100
    assert not gc.garbage


class Planned(Exception):
    pass


def _raise(*_: Any) -> Any:
    raise Planned


def _in_forward(model: Any, optimizer: Any) -> Any:
    return model[1].register_forward_hook(_raise)


def _in_hook(model: Any, optimizer: Any) -> Any:
    return model[0].weight.register_hook(_raise)


def _in_backward(model: Any, optimizer: Any) -> Any:
    return model[1].register_full_backward_hook(_raise)


def _in_step(model: Any, optimizer: Any) -> Any:
    return optimizer.register_step_pre_hook(_raise)


@pytest.mark.parametrize("fault", [_in_forward, _in_hook, _in_backward, _in_step])
def test_a_fault_half_way_leaves_nothing_behind(fault: Callable[[Any, Any], Any]) -> None:
    """The graph is released, gradients are the old ones or all the new ones, and the next step is as if nothing was."""

    def train(faulty: bool) -> list[float]:
        gg.manual_seed(0)
        model = mlp().eval()  # dropout would draw in the step that fails
        optimizer = gg.optim.SGD(model.parameters(), 0.1, momentum=0.9)
        x, t = gg.randn(8, 16), gg.randint(0, 4, (8,))
        losses = [step(model, optimizer, x, t)]
        if faulty:
            handle = fault(model, optimizer)
            alive = nodes_alive()
            old = [p.grad.clone() for p in model.parameters()]
            with pytest.raises(Planned):
                step(model, optimizer, x, t)
            handle.remove()
            assert nodes_alive() == alive
            grads = [p.grad for p in model.parameters()]
            if fault is not _in_step:
                assert all(g is None for g in grads)  # zero_grad had run, backward had not finished
            else:
                assert [g.shape for g in grads] == [g.shape for g in old]
        return losses + [step(model, optimizer, x, t) for _ in range(3)]

    with without_collector():
        assert train(True) == train(False)


def test_a_freed_graph_frees_what_it_saved() -> None:
    x = gg.randn(1000, requires_grad=True)
    y = (x.exp() * x).sum()
    saved = weakref.ref(y.grad_fn.edges[0])
    y.backward()
    node = saved()
    assert node is not None and node.saved is None
    del y, node
    assert saved() is None
