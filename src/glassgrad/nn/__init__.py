"""Networks: modules, layers, losses, `functional`, `init` and `utils`, under PyTorch's names."""

from __future__ import annotations

from . import functional, init, utils
from .layers import (
    activation,
    arrange,
    attention,
    container,
    conv,
    dropout,
    linear,
    loss,
    norms,
    pooling,
    recurrent,
    sparse,
    transformer,
)
from .layers.activation import *  # noqa: F403
from .layers.arrange import *  # noqa: F403
from .layers.attention import *  # noqa: F403
from .layers.container import *  # noqa: F403
from .layers.conv import *  # noqa: F403
from .layers.dropout import *  # noqa: F403
from .layers.linear import *  # noqa: F403
from .layers.loss import *  # noqa: F403
from .layers.norms import *  # noqa: F403
from .layers.pooling import *  # noqa: F403
from .layers.recurrent import *  # noqa: F403
from .layers.sparse import *  # noqa: F403
from .layers.transformer import *  # noqa: F403
from .module import Module
from .parameter import Buffer, Parameter

__all__ = ["Buffer", "Module", "Parameter", "functional", "init", "utils"]
__all__ += activation.__all__
__all__ += arrange.__all__
__all__ += attention.__all__
__all__ += container.__all__
__all__ += conv.__all__
__all__ += dropout.__all__
__all__ += linear.__all__
__all__ += loss.__all__
__all__ += norms.__all__
__all__ += pooling.__all__
__all__ += recurrent.__all__
__all__ += sparse.__all__
__all__ += transformer.__all__
