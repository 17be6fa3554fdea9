"""Blocks of layers that several networks share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from ...ops.create import empty, ones, zeros

Make = Callable[..., nn.Module]
Size = int | tuple[int, ...]


class _ConvNormActivation(nn.Sequential):
    """A convolution, a norm and an activation; padding keeps the size at stride 1 where none is given.

    norm_layer, activation_layer: made with the channels, and with inplace unless that is None; None for none; by
    default a batch norm and ReLU. bias: by default where there is no norm.
    """

    convolution: Make
    norm: Make

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Size = 3, stride: Size = 1,
        padding: Size | str | None = None, groups: int = 1, norm_layer: Any = "batch",
        activation_layer: Make | None = nn.ReLU, dilation: Size = 1, inplace: bool | None = True,
        bias: bool | None = None,
    ) -> None:  # fmt: skip
        norm_layer = self.norm if norm_layer == "batch" else norm_layer
        padding = _same(kernel_size, dilation) if padding is None else padding
        bias = norm_layer is None if bias is None else bias
        layers = [
            self.convolution(
                in_channels, out_channels, kernel_size, stride, padding, dilation=dilation, groups=groups, bias=bias
            )
        ]
        if norm_layer is not None:
            layers.append(norm_layer(out_channels))
        if activation_layer is not None:
            layers.append(activation_layer(**({} if inplace is None else {"inplace": inplace})))
        super().__init__(*layers)
        self.out_channels = out_channels


def _same(kernel: Size, dilation: Size) -> Size:
    """The padding on each side with which an odd kernel keeps the size."""
    if isinstance(kernel, int) and isinstance(dilation, int):
        return (kernel - 1) // 2 * dilation
    n = len(kernel) if isinstance(kernel, Sequence) else len(dilation)  # type: ignore[arg-type]
    each = [(v,) * n if isinstance(v, int) else v for v in (kernel, dilation)]
    return tuple((k - 1) // 2 * d for k, d in zip(*each, strict=True))


class Conv2dNormActivation(_ConvNormActivation):
    __doc__ = _ConvNormActivation.__doc__
    convolution, norm = nn.Conv2d, nn.BatchNorm2d


class Conv3dNormActivation(_ConvNormActivation):
    __doc__ = _ConvNormActivation.__doc__
    convolution, norm = nn.Conv3d, nn.BatchNorm3d


class SqueezeExcitation(nn.Module):
    """Each channel of (N, C, H, W) scaled by what two layers make of the means of all channels.

    Source: Hu et al. 2018, arXiv:1709.01507.
    """

    def __init__(
        self,
        input_channels: int,
        squeeze_channels: int,
        activation: Make = nn.ReLU,
        scale_activation: Make = nn.Sigmoid,
    ) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(input_channels, squeeze_channels, 1)
        self.fc2 = nn.Conv2d(squeeze_channels, input_channels, 1)
        self.activation = activation()
        self.scale_activation = scale_activation()

    def forward(self, input: Tensor) -> Tensor:
        scale = self.fc2(self.activation(self.fc1(self.avgpool(input))))
        return self.scale_activation(scale) * input


class MLP(nn.Sequential):
    """Linear layers of these widths with dropout, and before it, but for the last, a norm and an activation."""

    def __init__(
        self, in_channels: int, hidden_channels: list[int], norm_layer: Make | None = None,
        activation_layer: Make | None = nn.ReLU, inplace: bool | None = None, bias: bool = True, dropout: float = 0.0,
    ) -> None:  # fmt: skip
        given = {} if inplace is None else {"inplace": inplace}
        layers: list[nn.Module] = []
        for k, width in enumerate(hidden_channels, 1):
            layers.append(nn.Linear(in_channels, width, bias=bias))
            if k < len(hidden_channels):
                layers += [] if norm_layer is None else [norm_layer(width)]
                layers += [] if activation_layer is None else [activation_layer(**given)]
            layers.append(nn.Dropout(dropout, **given))
            in_channels = width
        super().__init__(*layers)


class Permute(nn.Module):
    """The input with its dims in another order."""

    def __init__(self, dims: list[int]) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.dims)


class FrozenBatchNorm2d(nn.Module):
    """BatchNorm2d with statistics and factors that stay as they are: (N, C, H, W) -> the same shape."""

    def __init__(self, num_features: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        for name, start in (("weight", ones), ("bias", zeros), ("running_mean", zeros), ("running_var", ones)):
            self.register_buffer(name, start(num_features))

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        state_dict.pop(f"{prefix}num_batches_tracked", None)  # of a BatchNorm2d
        super()._load_from_state_dict(state_dict, prefix, *rest)

    def forward(self, x: Tensor) -> Tensor:
        w, b, mean, var = (v.reshape(1, -1, 1, 1) for v in self.buffers())
        scale = w * (var + self.eps).rsqrt()
        return x * scale + (b - mean * scale)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.weight.shape[0]}, eps={self.eps})"


def stochastic_depth(input: Tensor, p: float, mode: str, training: bool = True) -> Tensor:
    """The input with its rows ("row"), or all of it ("batch"), 0 with probability p, and divided by 1 - p elsewhere.

    Source: Huang et al. 2016, arXiv:1603.09382.
    """
    if p < 0.0 or p > 1.0:
        raise ValueError(f"drop probability has to be between 0 and 1, but got {p}")
    if mode not in ("batch", "row"):
        raise ValueError(f"mode has to be either 'batch' or 'row', but got {mode}")
    if not training or p == 0.0:
        return input
    rows = len(input) if mode == "row" else 1
    noise = empty([rows] + [1] * (input.dim() - 1), dtype=input.dtype, device=input.device).bernoulli_(1.0 - p)
    if p < 1.0:
        noise.div_(1.0 - p)
    return input * noise


class StochasticDepth(nn.Module):
    """stochastic_depth in training."""

    def __init__(self, p: float, mode: str) -> None:
        super().__init__()
        self.p, self.mode = p, mode

    def forward(self, input: Tensor) -> Tensor:
        return stochastic_depth(input, self.p, self.mode, self.training)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p}, mode={self.mode})"
