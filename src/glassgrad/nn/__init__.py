"""Networks: modules, layers, losses, `functional`, `init` and `utils`, under PyTorch's names."""

from __future__ import annotations

import importlib
from typing import Any

from . import functional, init, parallel, utils
from .layers import (
    activation,
    adaptive,
    arrange,
    container,
    conv,
    dropout,
    lazy,
    linear,
    loss,
    norms,
    pooling,
    recurrent,
    sparse,
    transformer,
)
from .layers import attention as heads
from .layers.activation import *  # noqa: F403
from .layers.adaptive import *  # noqa: F403
from .layers.arrange import *  # noqa: F403
from .layers.attention import *  # noqa: F403
from .layers.container import *  # noqa: F403
from .layers.conv import *  # noqa: F403
from .layers.dropout import *  # noqa: F403
from .layers.lazy import *  # noqa: F403
from .layers.linear import *  # noqa: F403
from .layers.loss import *  # noqa: F403
from .layers.norms import *  # noqa: F403
from .layers.pooling import *  # noqa: F403
from .layers.recurrent import *  # noqa: F403
from .layers.sparse import *  # noqa: F403
from .layers.transformer import *  # noqa: F403
from .module import Module
from .parallel import DataParallel
from .parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter

__all__ = ["Buffer", "DataParallel", "Module", "Parameter", "UninitializedBuffer", "UninitializedParameter"]
__all__ += ["functional", "init", "parallel", "utils"]
for _room in (
    activation, adaptive, arrange, container, conv, dropout, heads, lazy, linear, loss, norms, pooling, recurrent,
    sparse, transformer,
):  # fmt: skip
    __all__ += _room.__all__


def __getattr__(name: str) -> Any:
    if name in ("attention", "modules"):  # opened at first touch; `attention` is PyTorch's, not the layers' file
        return importlib.import_module(f"glassgrad.nn.{name}")
    raise AttributeError(f"module 'glassgrad.nn' has no attribute {name!r}")
