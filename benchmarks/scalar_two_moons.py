"""A training step of micrograd's two-moons demo: micrograd and glassgrad.scalar, interleaved in one process.

    python benchmarks/scalar_two_moons.py [rounds] [--dense]

MLP(2, [16, 16, 1]), 100 points, max-margin loss, L2: forward, loss, zero_grad, backward, update.  Gradients
that are zero are not handed on, which helps glassgrad as the points are learned; `--dense` takes squared
errors instead, which never are.  Rows:

    micrograd               as installed, and with the cyclic garbage collector off during the step
    glassgrad               one node for w . x + b, the default
    glassgrad, unfused      MLP(..., fused=False): every product and sum a node, as in micrograd

CPU time of the process, least and median of all rounds.  Before every step the graphs of the others are
dropped and gc.collect() runs: nobody pays for collector passes over what another keeps.  The losses must
agree.  Needs micrograd==0.1.0 and scikit-learn.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import platform
import random
import statistics
import sys
import time

from sklearn.datasets import make_moons


def demo(engine, nn, dense, **options):
    """Functions that make training step k, count the nodes of a step, and drop the last step's graph."""
    Value = engine.Value
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

    def step(k):
        nonlocal last
        last = loss()
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


def timed(step, k, collector=True):
    gc.collect()
    if not collector:
        gc.disable()
    start = time.process_time()
    loss = step(k)
    elapsed = time.process_time() - start
    gc.enable()
    return elapsed * 1e3, loss


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rounds", type=int, nargs="?", default=10)
    parser.add_argument("--dense", action="store_true")
    options = parser.parse_args()
    sys.setrecursionlimit(100_000)  # micrograd's topological sort is recursive
    theirs = [importlib.import_module(f"micrograd.{name}") for name in ("engine", "nn")]
    ours = [importlib.import_module(f"glassgrad.scalar.{name}") for name in ("engine", "nn")]
    rows = {
        "micrograd": (*demo(*theirs, options.dense), True),
        "micrograd, collector off": (*demo(*theirs, options.dense), False),
        "glassgrad": (*demo(*ours, options.dense), True),
        "glassgrad, unfused": (*demo(*ours, options.dense, fused=False), True),
    }
    times = {name: [] for name in rows}
    for k in range(options.rounds):
        losses = set()
        for name, (step, _, _, collector) in rows.items():
            for other, (_, _, forget, _) in rows.items():
                if other != name:
                    forget()
            elapsed, loss = timed(step, k, collector)
            times[name].append(elapsed)
            losses.add(round(loss, 9))
        assert len(losses) == 1, f"the engines disagree at step {k}: {losses}"

    print(f"Python {platform.python_version()}, {platform.machine()}, {options.rounds} steps")
    print(f"{'':26}{'nodes':>8}{'least ms':>10}{'median ms':>11}{'x':>8}{'x':>8}   (least, median)")
    base = times["micrograd"]
    for name, ms in times.items():
        least, median = min(base) / min(ms), statistics.median(base) / statistics.median(ms)
        print(f"{name:26}{rows[name][1]():8}{min(ms):10.1f}{statistics.median(ms):11.1f}{least:8.1f}{median:8.1f}")


if __name__ == "__main__":
    main()
