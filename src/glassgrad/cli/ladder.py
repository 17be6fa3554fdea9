"""Climb from one neuron to a convolutional network: train five networks, each able to do what the one before
could not, and print what each has, takes and reaches, measured here and now.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import glassgrad as gg

from ..data import DatasetNotFound, two_moons
from ..scalar.engine import Value
from ..scalar.nn import MLP, Module, Neuron, mean
from ..scalar.optim import SGD
from ..train import models, tasks
from ..train.trainer import Trainer, evaluate
from .progress import Progress
from .train import number

Show = Callable[[float], None]  # how far a rung is, of 1


class Result(NamedTuple):
    data: str
    parameters: int
    seconds: float
    train_accuracy: float
    test_accuracy: float


class Rung(NamedTuple):
    network: str
    climb: Callable[[argparse.Namespace, Show], Result]


def arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--quick", action="store_true", help="a few steps on a little data: to see that it works, not how well")
    add("--seed", type=number(int, 0, below=2**63), default=0, metavar="N", help="of weights and order (0)")
    add("--data", metavar="DIR", help="the folder with the data files")


def run(args: argparse.Namespace) -> int:
    """Print a line for each rung as it is reached."""
    print(LINE.format("", "network", "data", "parameters", "time", "train", "test"))
    for i, rung in enumerate(RUNGS, start=1):
        with Progress() as bar:
            show = lambda share, name=rung.network: bar.show(name, share)
            try:
                result = rung.climb(args, show)
            except (DatasetNotFound, ValueError) as problem:
                print(f"glassgrad ladder: error: {problem}", file=sys.stderr)
                return 1
            bar.print(LINE.format(
                i, rung.network, result.data, f"{result.parameters:,}", f"{result.seconds:.1f} s",
                f"{result.train_accuracy:.1%}", f"{result.test_accuracy:.1%}",
            ))  # fmt: skip
    if args.quick:
        print("a quick climb: the accuracies say nothing")
    return 0


LINE = "{:<3}{:<32}{:<22}{:>11}{:>10}{:>9}{:>9}"


# --- on the scalar engine --------------------------------------------------------------------------------------------


def moons(n: int, seed: int) -> list[tuple[list[float], int]]:
    """Points and their side, -1 or 1."""
    points, labels = two_moons(n, noise=0.1, random_state=seed)
    return [(point, 2 * label - 1) for point, label in zip(points.tolist(), labels.tolist(), strict=True)]


def on_moons(
    build: Callable[[], Module], train: Callable[[Any, list[Any], bool], Iterator[float]]
) -> Callable[[argparse.Namespace, Show], Result]:
    """A rung of two moons: train(model, samples, quick) yields how far it is."""

    def climb(args: argparse.Namespace, show: Show) -> Result:
        random.seed(args.seed)
        learned, others = (moons(30 if args.quick else n, seed) for n, seed in ((100, 1337), (1000, 1)))
        model: Any = build()
        start = time.perf_counter()
        for share in train(model, learned, args.quick):
            show(share)
        seconds = time.perf_counter() - start
        right = [sum(model(x).data * side > 0 for x, side in part) / len(part) for part in (learned, others)]
        return Result("two moons, 100 points", len(model.parameters()), seconds, *right)

    return climb


def correct_mistakes(model: Neuron, samples: list[Any], quick: bool) -> Iterator[float]:
    """The perceptron rule: a point on the wrong side moves the line by itself, another one does nothing.

    It is descent on max(0, -side * score), one point at a time.
    Source: Rosenblatt 1958, Psychological Review 65(6).
    """
    optimizer, epochs = SGD(model.parameters(), lr=0.1), 1 if quick else 20
    for epoch in range(epochs):
        for x, side in samples:
            optimizer.zero_grad()
            (-side * model(x)).relu().backward()
            optimizer.step()
        yield (epoch + 1) / epochs


def widen_margin(model: MLP, samples: list[Any], quick: bool) -> Iterator[float]:
    """All points at once: the mean of max(0, 1 - side * score), and 0.0001 |w|^2; lr falls from 1 to 0.1."""
    parameters, steps = model.parameters(), 3 if quick else 100
    optimizer = SGD(parameters, lr=1.0)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 1.0 - 0.9 * step / 100
        optimizer.zero_grad()
        margin = mean([(1 - side * model(x)).relu() for x, side in samples])
        size: Value = sum((p * p for p in parameters), Value(0.0))
        (margin + 1e-4 * size).backward()
        optimizer.step()
        yield (step + 1) / steps


# --- on tensors ------------------------------------------------------------------------------------------------------


def on_task(name: str, model: str) -> Callable[[argparse.Namespace, Show], Result]:
    """A rung of a task and a model with the recipe of `glassgrad train`."""

    def climb(args: argparse.Namespace, show: Show) -> Result:
        task = tasks.load(name, args.data, limit=300 if args.quick else None)
        recipe = models.RECIPES[task.name][model]
        epochs = 1 if args.quick else recipe.epochs
        gg.manual_seed(args.seed)
        net = recipe.build(task.sample_shape, len(task.classes))
        optimizer = models.make_optimizer(recipe.optimizer, net, recipe.lr, recipe.momentum)
        loader = task.loader(recipe.batch_size, args.seed)
        schedule = models.SCHEDULES[recipe.schedule](optimizer, epochs * len(loader))
        trainer = Trainer(net, optimizer, loader, scheduler=schedule, measurements=0)
        trainer.on_step = lambda at: show((at.epoch + at.step / len(loader)) / epochs)
        trainer.fit(epochs)
        tested = evaluate(net, task.test_loader())
        told = f"{DATA.get(task.name, task.name)}, {len(task.train):,}"
        seconds = sum(record["seconds"] for record in trainer.at.history)
        count = sum(p.numel() for p in net.parameters())
        return Result(told, count, seconds, trainer.at.history[-1]["train_accuracy"], tested.accuracy)

    return climb


DATA = {"mnist": "MNIST", "patterns": "8 × 8 patterns", "digits": "8 × 8 digits"}

RUNGS: Sequence[Rung] = (
    Rung("perceptron, one neuron", on_moons(lambda: Neuron(2, activation="linear"), correct_mistakes)),
    Rung("scalar MLP 2-16-16-1", on_moons(lambda: MLP(2, [16, 16, 1]), widen_margin)),
    Rung("tiny CNN conv8-pool-fc", on_task("patterns", "cnn")),
    Rung("MLP 784-128-10", on_task("mnist", "mlp")),
    Rung("CNN conv16-pool-conv32-pool-fc", on_task("mnist", "cnn")),
)
