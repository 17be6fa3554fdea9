"""Convolutions over 1, 2 or 3 dims, weight (out, in / groups, *kernel); transposed, weight (in, out / groups, *kernel).

Both parameters start uniform in [-k, k), k = 1 / sqrt(fan_in).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from ...core.tensor import Tensor
from .. import functional as F
from .. import init
from ..module import Module
from ..parameter import new_parameter

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

Size = int | Sequence[int]
PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def sizes(value: Any, n: int) -> tuple[int, ...]:
    """One number for each of n dims."""
    return tuple(value) if isinstance(value, Iterable) else (value,) * n


class _ConvNd(Module):
    """What both directions share. dims: of the kernel; function: in nn.functional."""

    dims: int = 0  # 0 in a subclass of the user's, whose kernel_size is a tuple
    function: ClassVar[str]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size,
        padding: Size | str,
        dilation: Size,
        transposed: bool,
        output_padding: Size,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.dims = self.dims or len(kernel_size)  # type: ignore[arg-type]
        self.transposed = transposed
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups:
            raise ValueError("out_channels must be divisible by groups")
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(f"Invalid padding string {padding!r}, should be one of {{'valid', 'same'}}")
            if padding == "same" and any(s != 1 for s in sizes(stride, self.dims)):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if padding_mode not in PADDING_MODES:
            raise ValueError(f"padding_mode must be one of {set(PADDING_MODES)}, but got padding_mode='{padding_mode}'")
        if self.transposed and padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size, self.stride = sizes(kernel_size, self.dims), sizes(stride, self.dims)
        self.padding: Any = padding if isinstance(padding, str) else sizes(padding, self.dims)
        self.dilation, self.output_padding = sizes(dilation, self.dims), sizes(output_padding, self.dims)
        self.groups = groups
        self.padding_mode = padding_mode
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = new_parameter(first, second // groups, *self.kernel_size, device=device, dtype=dtype)
        self.register_parameter("bias", new_parameter(out_channels, device=device, dtype=dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        init.default_(self.weight, self.bias)

    def extra_repr(self) -> str:
        shown = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        zeros, ones = (0,) * self.dims, (1,) * self.dims
        if self.padding != zeros:
            shown += f", padding={self.padding}"
        if self.dilation != ones:
            shown += f", dilation={self.dilation}"
        if self.output_padding != zeros:
            shown += f", output_padding={self.output_padding}"
        if self.groups != 1:
            shown += f", groups={self.groups}"
        if self.bias is None:
            shown += ", bias=False"
        if self.padding_mode != "zeros":
            shown += f", padding_mode={self.padding_mode}"
        return shown


class _Forth(_ConvNd):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size | str = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, False, 0, groups, bias, padding_mode,
            device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """With another weight or bias: what subclasses call."""
        padding = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = 0
        conv = getattr(F, self.function)
        return conv(input, weight, bias, self.stride, padding, self.dilation, self.groups)

    @property
    def _reversed_padding_repeated_twice(self) -> list[int]:
        """How much to pad before and after each dim, the last dim first, as F.pad takes it."""
        edges = []
        for d in reversed(range(self.dims)):
            total = self.dilation[d] * (self.kernel_size[d] - 1)
            if self.padding == "same":
                edges += [total // 2, total - total // 2]
            else:
                edges += [0, 0] if self.padding == "valid" else [self.padding[d]] * 2
        return edges


class _ConvTransposeNd(_ConvNd):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, True, output_padding, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """output_size: which of the sizes that the convolution maps to the input's size is meant."""
        extra = self.output_padding if output_size is None else self._extra(input, list(output_size))
        conv = getattr(F, self.function)
        return conv(input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation)

    def _extra(self, input: Tensor, wanted: list[int]) -> tuple[int, ...]:
        n = self.dims
        lead = input.dim() - n
        if len(wanted) == lead + n:
            wanted = wanted[lead:]
        if len(wanted) != n:
            raise ValueError(
                f"{type(self).__name__}: for {input.dim()}D input, output_size must have {n} or {lead + n} elements "
                f"(got {len(wanted)})"
            )
        least = [
            (input.shape[lead + d] - 1) * self.stride[d]
            - 2 * self.padding[d]
            + self.dilation[d] * (self.kernel_size[d] - 1)
            + 1
            for d in range(n)
        ]
        most = [low + self.stride[d] - 1 for d, low in enumerate(least)]
        if any(not low <= size <= high for low, size, high in zip(least, wanted, most, strict=True)):
            raise ValueError(
                f"requested an output size of {wanted}, but valid sizes range from {least} to {most} (for an input of "
                f"{list(input.shape[lead:])})"
            )
        return tuple(size - low for size, low in zip(wanted, least, strict=True))


class Conv1d(_Forth):
    """(N, C_in, L) -> (N, C_out, L_out); (C_in, L) without a batch."""

    dims, function = 1, "conv1d"


class Conv2d(_Forth):
    """(N, C_in, H, W) -> (N, C_out, H_out, W_out); (C_in, H, W) without a batch.

    H_out = floor((H + 2 padding - dilation (kernel - 1) - 1) / stride) + 1.
    """

    dims, function = 2, "conv2d"


class Conv3d(_Forth):
    """(N, C_in, D, H, W) -> (N, C_out, D_out, H_out, W_out); (C_in, D, H, W) without a batch."""

    dims, function = 3, "conv3d"


class ConvTranspose1d(_ConvTransposeNd):
    """(N, C_in, L) -> (N, C_out, L_out): the adjoint of Conv1d."""

    dims, function = 1, "conv_transpose1d"


class ConvTranspose2d(_ConvTransposeNd):
    """(N, C_in, H, W) -> (N, C_out, H_out, W_out): the adjoint of Conv2d.

    H_out = (H - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1.
    """

    dims, function = 2, "conv_transpose2d"


class ConvTranspose3d(_ConvTransposeNd):
    """(N, C_in, D, H, W) -> (N, C_out, D_out, H_out, W_out): the adjoint of Conv3d."""

    dims, function = 3, "conv_transpose3d"
