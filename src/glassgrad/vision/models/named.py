"""Models by name: how each is built, and what stands for weights that cannot be downloaded."""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable
from typing import Any

from ...core.provenance import warn
from ...nn import init
from ...nn.layers.conv import Conv2d
from ...nn.layers.linear import Linear
from ...nn.layers.norms import BatchNorm2d, GroupNorm
from ...nn.module import Module


def named(name: str, make: Callable[..., Module], text: str) -> Callable[..., Module]:
    """The function `name(*, weights=None, progress=True, **options)` that builds a model with random weights."""

    @functools.wraps(make)
    def build(*, weights: Any = None, progress: bool = True, **options: Any) -> Module:
        if "pretrained" in options:
            warn(
                "The parameter 'pretrained' is deprecated since 0.13 and may be removed in the future, please use "
                "'weights' instead."
            )
            weights = options.pop("pretrained") or weights
        if weights is not None and weights is not False:
            raise NotImplementedError(
                f"{name}(weights={weights!r}): glassgrad downloads no weights. Save them where torchvision is, with "
                f"torch.save({name}(weights=...).state_dict(), path), and load them here: "
                f"model = {name}(); model.load_state_dict(torch.load(path))"
            )
        return make(**options)

    build.__name__ = build.__qualname__ = name
    build.__doc__ = f"{text} weights: None, or NotImplementedError; progress has nothing to show then."
    del build.__wrapped__  # type: ignore[attr-defined]
    return build


def weights_of(title: str, *versions: str) -> type[enum.Enum]:
    """The enumeration that torchvision has beside a model, for programs that name one."""
    kind = enum.Enum(title, {version: version for version in versions})  # type: ignore[misc]
    kind.DEFAULT = kind[versions[-1]]  # type: ignore[attr-defined]
    return kind


def start(model: Module, linear_std: float | None = None) -> None:
    """Convolutions normal with He's deviation by fan-out, norms 1 and 0, and linear layers normal where a std is given.

    Source: He, Zhang, Ren, Sun 2015, arXiv:1502.01852.
    """
    for m in model.modules():
        if isinstance(m, Conv2d):
            init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            if m.bias is not None:
                init.zeros_(m.bias)
        elif isinstance(m, (BatchNorm2d, GroupNorm)):
            init.ones_(m.weight)
            init.zeros_(m.bias)
        elif isinstance(m, Linear) and linear_std is not None:
            init.normal_(m.weight, 0, linear_std)
            init.zeros_(m.bias)
