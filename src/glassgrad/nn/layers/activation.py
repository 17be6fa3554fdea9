"""Activations: elementwise functions, and softmax and its kin. Formulas and sources are those of nn.functional."""

from __future__ import annotations

from typing import Any

from ...core.provenance import warn
from ...core.tensor import Tensor
from .. import functional as F
from .. import init
from ..module import Module
from ..parameter import new_parameter
from .declared import Declared

__all__ = [
    "CELU", "ELU", "GELU", "GLU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU", "LogSigmoid",
    "LogSoftmax", "Mish", "PReLU", "RReLU", "ReLU", "ReLU6", "SELU", "SiLU", "Sigmoid", "Softmax", "Softmax2d",
    "Softmin", "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink", "Threshold",
]  # fmt: skip


class _Activation(Declared):
    """repr says inplace=True, and nothing of it otherwise."""

    def _shown(self) -> list[str]:
        return [name for name in super()._shown() if name != "inplace" or self.inplace]


class Threshold(_Activation, function="threshold"):
    threshold: float
    value: float
    inplace: bool = False


class ReLU(_Activation, function="relu"):
    inplace: bool = False


class RReLU(_Activation, function="rrelu", also="training"):
    lower: float = 1.0 / 8
    upper: float = 1.0 / 3
    inplace: bool = False


class Hardtanh(_Activation, function="hardtanh", kept="min_value max_value", hidden="min_value max_value"):
    min_val: float = -1.0
    max_val: float = 1.0
    inplace: bool = False
    min_value: float | None = None
    max_value: float | None = None

    def __post_init__(self) -> None:
        for old, name in (("min_value", "min_val"), ("max_value", "max_val")):
            value = self.__dict__.pop(old)
            if value is not None:
                text = f"keyword argument `{old}` is deprecated and renamed to `{name}`"
                warn(text, FutureWarning)
                setattr(self, name, value)
        if not self.max_val > self.min_val:
            raise AssertionError(f"max_val must be larger than min_val, got {self.max_val} and {self.min_val}")


class ReLU6(_Activation, function="relu6"):
    inplace: bool = False


class Sigmoid(_Activation, function="sigmoid"):
    pass


class Hardsigmoid(_Activation, function="hardsigmoid", hidden="inplace"):
    inplace: bool = False


class Tanh(_Activation, function="tanh"):
    pass


class SiLU(_Activation, function="silu"):
    inplace: bool = False


class Mish(_Activation, function="mish"):
    inplace: bool = False


class Hardswish(_Activation, function="hardswish", hidden="inplace"):
    inplace: bool = False


class ELU(_Activation, function="elu"):
    alpha: float = 1.0
    inplace: bool = False


class CELU(_Activation, function="celu"):
    alpha: float = 1.0
    inplace: bool = False


class SELU(_Activation, function="selu"):
    inplace: bool = False


class GLU(_Activation, function="glu"):
    dim: int = -1


class GELU(_Activation, function="gelu"):
    approximate: str = "none"


class Hardshrink(Declared, function="hardshrink", text="{lambd}"):
    lambd: float = 0.5


class LeakyReLU(_Activation, function="leaky_relu"):
    negative_slope: float = 0.01
    inplace: bool = False


class LogSigmoid(_Activation, function="logsigmoid"):
    pass


class Softplus(_Activation, function="softplus"):
    beta: float = 1.0
    threshold: float = 20.0


class Softshrink(Declared, function="softshrink", text="{lambd}"):
    lambd: float = 0.5


class Softsign(_Activation, function="softsign"):
    pass


class Tanhshrink(_Activation, function="tanhshrink"):
    pass


class Softmin(_Activation, function="softmin"):
    dim: int | None = None


class Softmax(_Activation, function="softmax"):
    dim: int | None = None


class LogSoftmax(_Activation, function="log_softmax"):
    dim: int | None = None


class Softmax2d(Module):
    """Softmax over the channels: (N, C, H, W) or (C, H, W) -> the same shape. ValueError for other shapes."""

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead")
        return F.softmax(input, -3)


class PReLU(Module):
    """max(0, x) + weight * min(0, x), weight learned, one or one for each channel (dim 1): weight (num_parameters,)."""

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = new_parameter(num_parameters, device=device, dtype=dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        init.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"
