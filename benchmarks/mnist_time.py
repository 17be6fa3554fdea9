"""Wall time of training on MNIST beside PyTorch: one program, run by both, in turns, in this process.

`program` is written once; `gg` in it is glassgrad or torch. Each round runs `steps` training steps of each, first
one and then the other, over batches of 64 that are indexed from the same arrays; the medians of the rounds are
compared, and the losses of both at the end, which begin from the same weights.
"""

from __future__ import annotations

import os

THREADS = "2"
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, THREADS)  # before NumPy and PyTorch read them

import argparse  # noqa: E402
import importlib  # noqa: E402
import statistics  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402

from glassgrad.glass.runlog import environment  # noqa: E402
from glassgrad.train import tasks  # noqa: E402

BATCH = 64


def mlp(nn: Any) -> Any:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


def cnn(nn: Any) -> Any:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(800, 10),
    )  # fmt: skip


MODELS: dict[str, tuple[Callable[[Any], Any], float, int]] = {"mlp": (mlp, 0.0, 938), "cnn": (cnn, 0.9, 100)}


def program(
    name: str, build: Callable[[Any], Any], momentum: float, steps: int, x: np.ndarray, y: np.ndarray
) -> Iterator[float]:
    """Train for ever; after every `steps` steps, yield the last loss. name: "glassgrad" or "torch"."""
    gg = importlib.import_module(name)
    nn, optim = importlib.import_module(f"{name}.nn"), importlib.import_module(f"{name}.optim")
    gg.manual_seed(0)
    model = build(nn)
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=momentum)
    inputs, labels = gg.from_numpy(x), gg.from_numpy(y)
    while True:
        for _, batch in zip(range(steps), gg.randperm(len(x)).split(BATCH), strict=False):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs[batch]), labels[batch])
            loss.backward()
            optimizer.step()
        yield loss.item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="rounds of both programs (9)")
    parser.add_argument("--steps", type=int, help="training steps a round; by default 938 (mlp), 100 (cnn)")
    parser.add_argument("--model", choices=MODELS, action="append", help="by default each of them")
    parser.add_argument("--data", help="the folder with the MNIST files")
    args = parser.parse_args()
    try:
        import torch
    except ImportError:
        sys.exit("this benchmark needs PyTorch to compare with: pip install torch")
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))

    task = tasks.load("mnist", args.data)
    if task.name != "mnist":
        sys.exit(task.remark)
    x, y = (tensor.numpy() for tensor in task.train.tensors)
    print(", ".join(f"{key} {value}" for key, value in environment().items()))
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads for both; medians of {args.rounds} rounds")
    print(f"{'':<6}{'':<11}{'ms a step':>10}{'min':>8}{'max':>8}{'s an epoch':>12}{'loss':>9}")
    for model in args.model or MODELS:
        build, momentum, usual = MODELS[model]
        steps = args.steps or usual
        programs = {name: program(name, build, momentum, steps, x, y) for name in ("glassgrad", "torch")}
        times: dict[str, list[float]] = {name: [] for name in programs}
        losses = {name: next(running) for name, running in programs.items()}  # a round to warm up
        for _ in range(args.rounds):
            for name, running in programs.items():
                start = time.perf_counter()
                losses[name] = next(running)
                times[name].append(1000 * (time.perf_counter() - start) / steps)
        for name, ms in times.items():
            middle = statistics.median(ms)
            row = f"{middle:>10.3f}{min(ms):>8.3f}{max(ms):>8.3f}{middle * -(-len(x) // BATCH) / 1000:>12.1f}"
            print(f"{model:<6}{name:<11}{row}{losses[name]:>9.4f}")
        ratio = statistics.median(times["glassgrad"]) / statistics.median(times["torch"])
        print(f"{model:<6}glassgrad takes {ratio:.2f} of torch's time")


if __name__ == "__main__":
    main()
