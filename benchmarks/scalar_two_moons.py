"""A training step of micrograd's two-moons demo: micrograd and glassgrad.scalar, one after another in one process.

    python benchmarks/scalar_two_moons.py [rounds] [--dense]

MLP(2, [16, 16, 1]), 100 points, max-margin loss, L2: forward, loss, zero_grad, backward, update.  Gradients
that are zero are not handed on, which helps glassgrad as the points are learned; `--dense` takes squared
errors instead, which never are.  Rows:

    micrograd               as installed, and with the cyclic garbage collector off during the step
    readable                glassgrad.scalar.value, the engine to read
    compiled                glassgrad.scalar as it is used
    captured                its loss recorded once by glassgrad.scalar.capture

each with one node for w . x + b, the default, and "unfused", MLP(..., fused=False): every product and sum a node,
as in micrograd.

CPU time of the process, least and median of all rounds; a round is one step of micrograd's and ten of ours.  Before
them the graphs of the others are dropped and gc.collect() runs: nobody pays for collector passes over what another
keeps.  The losses must agree.  Needs micrograd==0.1.0 and scikit-learn.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import platform
import random
import statistics
import sys
import time

from sklearn.datasets import make_moons

from glassgrad.scalar import capture


def demo(Value, nn, dense, wrap=lambda loss: loss, **options):
    """Functions that make training step k, count the nodes of a step, and drop the last step's graph."""
    X, y = make_moons(n_samples=100, noise=0.1, random_state=1337)
    y = y * 2 - 1
    random.seed(1337)
    model = nn.MLP(2, [16, 16, 1], **options)
    last = None  # as in the demo, a step's graph lives until the next loss replaces it

    def loss():
        inputs = [list(map(Value, row)) for row in X]
        scores = list(map(model, inputs))
        if dense:
            losses = [(score + -float(yi)) ** 2 for yi, score in zip(y, scores, strict=True)]
        else:
            losses = [(1 + -yi * score).relu() for yi, score in zip(y, scores, strict=True)]
        return sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in model.parameters())

    compute = wrap(loss)

    def step(k):
        nonlocal last
        last = compute()
        model.zero_grad()
        last.backward()
        for p in model.parameters():
            p.data -= (0.01 if dense else 1.0 - 0.9 * k / 100) * p.grad
        return last.data

    def forget():
        nonlocal last
        last = None

    def nodes():
        seen, pending = set(), [loss()]
        while pending:
            v = pending.pop()
            if v not in seen:
                seen.add(v)
                pending.extend(v._prev)
        return len(seen)

    return step, nodes, forget


def readable_room():
    """The room once more, as it is where nothing was compiled."""
    room = {name: sys.modules.pop(name) for name in list(sys.modules) if name.startswith("glassgrad.scalar")}
    os.environ["GLASSGRAD_NATIVE"] = "0"
    modules = [importlib.import_module(f"glassgrad.scalar.{name}") for name in ("engine", "nn")]
    del os.environ["GLASSGRAD_NATIVE"]
    sys.modules.update(room)
    return modules


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rounds", type=int, nargs="?", default=10)
    parser.add_argument("--dense", action="store_true")
    options = parser.parse_args()
    sys.setrecursionlimit(100_000)  # micrograd's topological sort is recursive
    engine, nn = (importlib.import_module(f"micrograd.{name}") for name in ("engine", "nn"))
    rows = {  # name: (the demo, collector on, steps in a round)
        "micrograd": (demo(engine.Value, nn, options.dense), True, 1),
        "micrograd, collector off": (demo(engine.Value, nn, options.dense), False, 1),
    }
    engine, nn = (importlib.import_module(f"glassgrad.scalar.{name}") for name in ("engine", "nn"))
    kinds = {"readable": (*readable_room(), {})}
    if engine.tape is not None:
        kinds |= {"compiled": (engine, nn, {}), "captured": (engine, nn, {"wrap": capture})}
    for kind, (engine, nn, how) in kinds.items():
        for name, fused in ((kind, True), (f"{kind}, unfused", False)):
            rows[name] = demo(engine.Value, nn, options.dense, fused=fused, **how), True, 10
    times = {name: [] for name in rows}
    losses = {name: [] for name in rows}
    for _ in range(options.rounds):
        for name, ((step, _, _), collector, steps) in rows.items():
            for (_, _, forget), _, _ in rows.values():
                forget()
            gc.collect()
            for _ in range(steps):
                if not collector:
                    gc.disable()
                start = time.process_time()
                losses[name].append(round(step(len(losses[name])), 9))
                times[name].append((time.process_time() - start) * 1e3)
                gc.enable()
    for name, computed in losses.items():
        assert computed[: options.rounds] == losses["micrograd"], f"{name} computes other losses than micrograd"

    print(f"Python {platform.python_version()}, {platform.machine()}, {options.rounds} rounds")
    print(f"{'':26}{'nodes':>8}{'least ms':>10}{'median ms':>11}{'x':>8}{'x':>8}   (least, median)")
    base = times["micrograd"]
    for name, ms in times.items():
        least, median = min(base) / min(ms), statistics.median(base) / statistics.median(ms)
        count = rows[name][0][1]()
        print(f"{name:26}{count:8}{min(ms):10.2f}{statistics.median(ms):11.2f}{least:8.1f}{median:8.1f}")


if __name__ == "__main__":
    main()
