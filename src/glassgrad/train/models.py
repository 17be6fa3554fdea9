"""The networks that are trained by name, and with which settings."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from .. import optim
from ..nn import Conv2d, Flatten, Linear, MaxPool2d, Module, ReLU, Sequential

__all__ = [
    "OPTIMIZERS", "RECIPES", "SCHEDULES", "Recipe", "cnn", "make_optimizer", "mlp", "perceptron", "tiny_cnn",
]  # fmt: skip

Shape = Sequence[int]


def perceptron(shape: Shape, classes: int) -> Module:
    """One linear layer: a template for each class."""
    return _chain(flatten=Flatten(), fc=Linear(math.prod(shape), classes))


def mlp(shape: Shape, classes: int, hidden: Sequence[int] = (128,)) -> Module:
    """Linear layers with ReLU between; 784-128-10 has 101,770 parameters."""
    sizes = [math.prod(shape), *hidden, classes]
    layers: dict[str, Module] = {"flatten": Flatten()}
    for i in range(1, len(sizes)):
        layers[f"fc{i}"] = Linear(sizes[i - 1], sizes[i])
        layers[f"relu{i}"] = ReLU()
    layers.popitem()  # the last layer gives logits
    return _chain(**layers)


def cnn(shape: Shape, classes: int) -> Module:
    """conv-relu-pool twice, then a linear layer; on (1, 28, 28) with 10 classes 12,810 parameters."""
    channels, height, width = shape
    after = lambda size: ((size - 2) // 2 - 2) // 2
    return _chain(
        conv1=Conv2d(channels, 16, 3), relu1=ReLU(), pool1=MaxPool2d(2),
        conv2=Conv2d(16, 32, 3), relu2=ReLU(), pool2=MaxPool2d(2),
        flatten=Flatten(), fc=Linear(32 * after(height) * after(width), classes),
    )  # fmt: skip


def tiny_cnn(shape: Shape, classes: int) -> Module:
    """conv-relu-pool and a linear layer, for images of 8 x 8."""
    channels, height, width = shape
    return _chain(
        conv=Conv2d(channels, 8, 3), relu=ReLU(), pool=MaxPool2d(2),
        flatten=Flatten(), fc=Linear(8 * ((height - 2) // 2) * ((width - 2) // 2), classes),
    )  # fmt: skip


def _chain(**layers: Module) -> Module:
    return Sequential(OrderedDict(layers))


class Recipe(NamedTuple):
    """How a model is built for a task, and the settings it is trained with unless others are asked for."""

    build: Callable[[Shape, int], Module]
    epochs: int
    lr: float = 0.1
    momentum: float = 0.0
    batch_size: int = 64
    optimizer: str = "sgd"
    schedule: str = "constant"


IMAGES = {
    "mlp": Recipe(mlp, epochs=5),
    "cnn": Recipe(cnn, epochs=3, lr=0.05, momentum=0.9, schedule="cosine"),
    "perceptron": Recipe(perceptron, epochs=5, lr=0.01),
}
RECIPES: dict[str, dict[str, Recipe]] = {  # task -> model
    "mnist": IMAGES,
    "fashion": IMAGES,
    "digits": {
        "mlp": Recipe(mlp, epochs=20, batch_size=32, lr=0.05, momentum=0.9, schedule="cosine"),
        "cnn": Recipe(tiny_cnn, epochs=20, batch_size=32, lr=0.05, momentum=0.9, schedule="cosine"),
        "perceptron": Recipe(perceptron, epochs=20, batch_size=32),
    },
    "moons": {
        "mlp": Recipe(partial(mlp, hidden=(16, 16)), epochs=50, batch_size=32),
        "perceptron": Recipe(perceptron, epochs=20, batch_size=32),
    },
    "patterns": {
        "mlp": Recipe(partial(mlp, hidden=(32,)), epochs=10, batch_size=32),
        "cnn": Recipe(tiny_cnn, epochs=10, batch_size=32, lr=0.05, momentum=0.9, schedule="cosine"),
        "perceptron": Recipe(perceptron, epochs=10, batch_size=32),
    },
}

OPTIMIZERS: dict[str, tuple[Any, float]] = {  # the class, and its learning rate unless another is asked for
    "sgd": (optim.SGD, 0.1),
    "adam": (optim.Adam, 1e-3),
    "adamw": (optim.AdamW, 1e-3),
    "rmsprop": (optim.RMSprop, 1e-3),
    "adagrad": (optim.Adagrad, 1e-2),
}

SCHEDULES: dict[str, Callable[[Any, int], Any]] = {  # of an optimizer and the number of steps in all
    "constant": lambda optimizer, steps: None,
    "cosine": optim.lr_scheduler.CosineAnnealingLR,  # from the learning rate to 0 along half a wave
}


def make_optimizer(name: str, model: Module, lr: float, momentum: float = 0.0) -> Any:
    """An optimizer of all parameters. ValueError for a momentum where the optimizer knows none."""
    if momentum and name not in ("sgd", "rmsprop"):
        raise ValueError(f"momentum is an option of sgd and rmsprop, not of {name}: got {momentum:g}")
    options = {"momentum": momentum} if momentum else {}
    return OPTIMIZERS[name][0](model.parameters(), lr=lr, **options)
