"""MobileNet V3: inverted residuals with squeeze and excitation. Source: Howard et al. 2019, arXiv:1905.02244."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from ..ops.layers import Conv2dNormActivation, SqueezeExcitation
from .mobilenetv2 import rounded
from .named import named, start, weights_of

Norm = Callable[..., nn.Module]

# Input channels, kernel, wide channels, output channels, squeezed or not, HS for Hardswish and RE for ReLU, stride.
# The last three are dilated or halved where that is asked for.
LARGE: list[Any] = [
    (16, 3, 16, 16, False, "RE", 1), (16, 3, 64, 24, False, "RE", 2), (24, 3, 72, 24, False, "RE", 1),
    (24, 5, 72, 40, True, "RE", 2), (40, 5, 120, 40, True, "RE", 1), (40, 5, 120, 40, True, "RE", 1),
    (40, 3, 240, 80, False, "HS", 2), (80, 3, 200, 80, False, "HS", 1), (80, 3, 184, 80, False, "HS", 1),
    (80, 3, 184, 80, False, "HS", 1), (80, 3, 480, 112, True, "HS", 1), (112, 3, 672, 112, True, "HS", 1),
    (112, 5, 672, 160, True, "HS", 2), (160, 5, 960, 160, True, "HS", 1), (160, 5, 960, 160, True, "HS", 1),
]  # fmt: skip
SMALL: list[Any] = [
    (16, 3, 16, 16, True, "RE", 2), (16, 3, 72, 24, False, "RE", 2), (24, 3, 88, 24, False, "RE", 1),
    (24, 5, 96, 40, True, "HS", 2), (40, 5, 240, 40, True, "HS", 1), (40, 5, 240, 40, True, "HS", 1),
    (40, 5, 120, 48, True, "HS", 1), (48, 5, 144, 48, True, "HS", 1), (48, 5, 288, 96, True, "HS", 2),
    (96, 5, 576, 96, True, "HS", 1), (96, 5, 576, 96, True, "HS", 1),
]  # fmt: skip


SCALED = partial(SqueezeExcitation, scale_activation=nn.Hardsigmoid)


class InvertedResidualConfig:
    """One block; channels times width_mult, rounded to multiples of 8."""

    def __init__(
        self, input_channels: int, kernel: int, expanded_channels: int, out_channels: int, use_se: bool,
        activation: str, stride: int, dilation: int, width_mult: float,
    ) -> None:  # fmt: skip
        self.input_channels, self.expanded_channels, self.out_channels = (
            self.adjust_channels(n, width_mult) for n in (input_channels, expanded_channels, out_channels)
        )
        self.kernel, self.stride, self.dilation = kernel, stride, dilation
        self.use_se, self.use_hs = use_se, activation == "HS"

    @staticmethod
    def adjust_channels(channels: int, width_mult: float) -> int:
        return rounded(channels * width_mult, 8)


class InvertedResidual(nn.Module):
    """Wider, each channel alone, scaled, narrow again; x is added where the sizes allow."""

    def __init__(
        self, cnf: InvertedResidualConfig, norm_layer: Norm,
        se_layer: Callable[..., nn.Module] = SCALED,
    ) -> None:  # fmt: skip
        super().__init__()
        if not 1 <= cnf.stride <= 2:
            raise ValueError("illegal stride value")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        make = partial(Conv2dNormActivation, norm_layer=norm_layer)
        activation = nn.Hardswish if cnf.use_hs else nn.ReLU
        wide = cnf.expanded_channels
        layers: list[nn.Module] = []
        if wide != cnf.input_channels:
            layers.append(make(cnf.input_channels, wide, 1, activation_layer=activation))
        stride = 1 if cnf.dilation > 1 else cnf.stride
        layers.append(
            make(wide, wide, cnf.kernel, stride, groups=wide, activation_layer=activation, dilation=cnf.dilation)
        )
        if cnf.use_se:
            layers.append(se_layer(wide, rounded(wide // 4, 8)))
        layers.append(make(wide, cnf.out_channels, 1, activation_layer=None))
        self.block = nn.Sequential(*layers)
        self.out_channels = cnf.out_channels

    def forward(self, input: Tensor) -> Tensor:
        result = self.block(input)
        if self.use_res_connect:
            result += input
        return result


class MobileNetV3(nn.Module):
    """(N, 3, H, W) -> (N, num_classes). last_channel: of the layer before the last."""

    def __init__(
        self, inverted_residual_setting: list[InvertedResidualConfig], last_channel: int, num_classes: int = 1000,
        block: Callable[..., nn.Module] | None = None, norm_layer: Norm | None = None, dropout: float = 0.2,
    ) -> None:  # fmt: skip
        super().__init__()
        setting = inverted_residual_setting
        if not setting:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not (isinstance(setting, Sequence) and all(isinstance(s, InvertedResidualConfig) for s in setting)):
            raise TypeError("The inverted_residual_setting should be List[InvertedResidualConfig]")
        norm = norm_layer or partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)
        make = partial(Conv2dNormActivation, norm_layer=norm, activation_layer=nn.Hardswish)
        layers: list[nn.Module] = [make(3, setting[0].input_channels, 3, 2)]
        layers += [(block or InvertedResidual)(cnf, norm) for cnf in setting]
        wide = 6 * setting[-1].out_channels
        layers.append(make(setting[-1].out_channels, wide, 1))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(wide, last_channel), nn.Hardswish(inplace=True), nn.Dropout(dropout, inplace=True),
            nn.Linear(last_channel, num_classes),
        )  # fmt: skip
        start(self, 0.01)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def _of(size: str, table: list[Any], last_channel: int) -> Callable[..., nn.Module]:
    def make(width_mult: float = 1.0, reduced_tail: bool = False, dilated: bool = False, **options: Any) -> MobileNetV3:
        by, dilation = (2 if reduced_tail else 1), (2 if dilated else 1)
        setting = [InvertedResidualConfig(*[*row, 1, width_mult]) for row in table[:-3]]
        for inp, kernel, wide, out, *rest in table[-3:]:
            first = inp != out  # what enters the tail is as wide as before
            row = (inp, kernel, wide, out // by) if first else (inp // by, kernel, wide // by, out // by)
            given: list[Any] = [*row, *rest, dilation, width_mult]
            setting.append(InvertedResidualConfig(*given))
        return MobileNetV3(setting, rounded(last_channel // by * width_mult, 8), **options)

    return named(f"mobilenet_v3_{size}", make, f"MobileNet V3, {size}.")


mobilenet_v3_large = _of("large", LARGE, 1280)
mobilenet_v3_small = _of("small", SMALL, 1024)
MobileNet_V3_Large_Weights = weights_of("MobileNet_V3_Large_Weights", "IMAGENET1K_V1", "IMAGENET1K_V2")
MobileNet_V3_Small_Weights = weights_of("MobileNet_V3_Small_Weights", "IMAGENET1K_V1")
