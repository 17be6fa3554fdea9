"""What looking costs: the graph of a million nodes, watch_health() in a training, and the line kept on each node.

    python benchmarks/looking.py [--rounds 9]

Aims: a word within 2 s; at most 0.3 of a step more; at most 3 % of a step. The step is that of the MLP 784-128-10,
batch 64. What is compared takes turns, and the figure is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(variable, "2")  # before NumPy reads them

import work  # noqa: E402

import glassgrad as gg  # noqa: E402
import glassgrad.nn.functional as F  # noqa: E402
from glassgrad import nn, optim  # noqa: E402
from glassgrad.core.graph import Node  # noqa: E402
from glassgrad.core.provenance import caller  # noqa: E402
from glassgrad.scalar import Value  # noqa: E402

NODES = 1_000_000
RUNS = (96, 1000, 5000)  # steps of a training that is watched


def seconds(act: Callable[[], Any]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


# --- a million nodes ---


def values() -> tuple[Value, Value]:
    x = y = Value(1.0)
    for _ in range(NODES // 4):  # two operations and two constants
        y = y * 0.999 + 1.0
    return y, x


def tensors() -> tuple[gg.Tensor, gg.Tensor]:
    x = gg.ones(4, requires_grad=True)
    y = x
    for _ in range(NODES // 2):
        y = y * 0.999 + 1.0
    return y.sum(), x


def found_or_not(root: Any, x: Any) -> None:
    try:
        gg.paths(root, x)
    except ValueError:
        pass  # "of so many vertices the newest are looked at"


LOOKS: dict[str, Callable[[Any, Any], Any]] = {
    "look": lambda root, x: gg.glass.look(root),
    "draw": lambda root, x: gg.draw(root).svg,
    "step": lambda root, x: str(gg.step(root).next()),
    "paths": found_or_not,
}


def large_graphs(rounds: int) -> None:
    for kind, make in (("Values", values), ("tensors' nodes", tensors)):
        root, x = make()
        for name, look in LOOKS.items():
            times = [seconds(partial(look, root, x)) for _ in range(min(rounds, 5))]
            print(f"{name} of {NODES:,} {kind}: {statistics.median(times):.2f} s, the first time {times[0]:.2f} s")


# --- a training ---


def mlp() -> tuple[nn.Module, optim.Optimizer, Callable[[], Any]]:
    gg.manual_seed(0)
    model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    x, y = work.floats(gg, 64, 784), work.classes(gg, 10, 64)
    return model, optimizer, work.training(gg, model, optimizer, x, y)


def repeated(step: Callable[[], Any], times: int) -> float:
    """Seconds a step."""
    return seconds(lambda: [step() for _ in range(times)]) / times


def health(rounds: int) -> None:
    _, _, plain = mlp()
    model, optimizer, watched = mlp()
    repeated(plain, 50)
    for steps in RUNS:
        ratios = []
        for _ in range(rounds):
            before = repeated(plain, min(steps, 500))
            with gg.watch_health(model, optimizer):
                ratios.append(repeated(watched, steps) / before)
        print(f"watch_health() over {steps:,} steps: {statistics.median(ratios) - 1:+.2f} of a step")


def provenance(rounds: int) -> None:
    """The kernels look the line up where a node is made. What Python takes for the same is an upper bound."""
    model, _, step = mlp()
    loss = F.cross_entropy(model(work.floats(gg, 64, 784)), work.classes(gg, 10, 64))
    nodes, waiting = set(), [loss.grad_fn]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Node) and node not in nodes:
            nodes.add(node)
            waiting += [edge for edge in node.edges if isinstance(edge, Node)]
    lookups = len(nodes) + 1  # and backward() says where it was called

    class Deep(nn.Module):
        """Looks the line up at the depth of a layer inside a model."""

        def forward(self, x: Any) -> Any:
            self.took = seconds(lambda: [caller(1) for _ in range(1000)]) / 1000
            return x

    deep = Deep()
    stack = nn.Sequential(nn.Sequential(deep))
    shares = []
    for _ in range(10 * rounds):
        stack(loss)
        shares.append(lookups * deep.took / repeated(step, 50))
    print(f"the line of {lookups} places in a step: at most {statistics.median(shares):.2%} of it")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    provenance(rounds)
    health(rounds)
    large_graphs(rounds)
