"""EfficientNet, both versions. Sources: Tan, Le 2019, arXiv:1905.11946; Tan, Le 2021, arXiv:2104.00298."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from ...nn import init
from ..ops.layers import Conv2dNormActivation, SqueezeExcitation, StochasticDepth
from .mobilenetv2 import rounded
from .named import named, start, weights_of

Norm = Callable[..., nn.Module]

# Expansion, kernel, stride, input channels, output channels, layers; with F, the first two convolutions are one.
B = [
    (1, 3, 1, 32, 16, 1), (6, 3, 2, 16, 24, 2), (6, 5, 2, 24, 40, 2), (6, 3, 2, 40, 80, 3), (6, 5, 1, 80, 112, 3),
    (6, 5, 2, 112, 192, 4), (6, 3, 1, 192, 320, 1),
]  # fmt: skip
V2: dict[str, list[tuple[Any, ...]]] = {
    "s": [
        (1, 3, 1, 24, 24, 2, "F"), (4, 3, 2, 24, 48, 4, "F"), (4, 3, 2, 48, 64, 4, "F"), (4, 3, 2, 64, 128, 6),
        (6, 3, 1, 128, 160, 9), (6, 3, 2, 160, 256, 15),
    ],
    "m": [
        (1, 3, 1, 24, 24, 3, "F"), (4, 3, 2, 24, 48, 5, "F"), (4, 3, 2, 48, 80, 5, "F"), (4, 3, 2, 80, 160, 7),
        (6, 3, 1, 160, 176, 14), (6, 3, 2, 176, 304, 18), (6, 3, 1, 304, 512, 5),
    ],
    "l": [
        (1, 3, 1, 32, 32, 4, "F"), (4, 3, 2, 32, 64, 7, "F"), (4, 3, 2, 64, 96, 7, "F"), (4, 3, 2, 96, 192, 10),
        (6, 3, 1, 192, 224, 19), (6, 3, 2, 224, 384, 25), (6, 3, 1, 384, 640, 7),
    ],
}  # fmt: skip
OF_B = {  # width, depth, dropout
    "b0": (1.0, 1.0, 0.2), "b1": (1.0, 1.1, 0.2), "b2": (1.1, 1.2, 0.3), "b3": (1.2, 1.4, 0.3), "b4": (1.4, 1.8, 0.4),
    "b5": (1.6, 2.2, 0.4), "b6": (1.8, 2.6, 0.5), "b7": (2.0, 3.1, 0.5),
}  # fmt: skip


class _Config:
    """A stage: blocks of a kind, channels rounded to multiples of 8."""

    block: Callable[..., nn.Module]

    def __init__(
        self, expand_ratio: float, kernel: int, stride: int, input_channels: int, out_channels: int, num_layers: int,
        block: Callable[..., nn.Module] | None = None,
    ) -> None:  # fmt: skip
        self.expand_ratio, self.kernel, self.stride = expand_ratio, kernel, stride
        self.input_channels, self.out_channels, self.num_layers = input_channels, out_channels, num_layers
        if block is not None:
            self.block = block

    @staticmethod
    def adjust_channels(channels: int, width_mult: float) -> int:
        return rounded(channels * width_mult, 8)


class _Block(nn.Module):
    """What all blocks have in common: the layers, and x added where the sizes allow."""

    def __init__(self, cnf: _Config, stochastic_depth_prob: float, norm_layer: Norm, *options: Any) -> None:
        super().__init__()
        if not 1 <= cnf.stride <= 2:
            raise ValueError("illegal stride value")
        self.use_res_connect = cnf.stride == 1 and cnf.input_channels == cnf.out_channels
        make = partial(Conv2dNormActivation, norm_layer=norm_layer, activation_layer=nn.SiLU)
        wide = cnf.adjust_channels(cnf.input_channels, cnf.expand_ratio)
        self.block = nn.Sequential(*self.layers(cnf, make, wide, *options))
        self.stochastic_depth = StochasticDepth(stochastic_depth_prob, "row")
        self.out_channels = cnf.out_channels

    def layers(self, cnf: _Config, make: Any, wide: int) -> list[nn.Module]:
        raise NotImplementedError

    def forward(self, input: Tensor) -> Tensor:
        result = self.block(input)
        if self.use_res_connect:
            result = self.stochastic_depth(result)
            result += input
        return result


class MBConv(_Block):
    """Wider, each channel alone, scaled by all, narrow again."""

    def layers(self, cnf: _Config, make: Any, wide: int, se_layer: Any = SqueezeExcitation) -> list[nn.Module]:
        first = [make(cnf.input_channels, wide, 1)] if wide != cnf.input_channels else []
        alone = make(wide, wide, cnf.kernel, cnf.stride, groups=wide)
        scaled = se_layer(wide, max(1, cnf.input_channels // 4), activation=partial(nn.SiLU, inplace=True))
        return [*first, alone, scaled, make(wide, cnf.out_channels, 1, activation_layer=None)]


class FusedMBConv(_Block):
    """One convolution, and where it makes the image wider another that makes it narrow."""

    def layers(self, cnf: _Config, make: Any, wide: int) -> list[nn.Module]:
        if wide == cnf.input_channels:
            return [make(wide, cnf.out_channels, cnf.kernel, cnf.stride)]
        first = make(cnf.input_channels, wide, cnf.kernel, cnf.stride)
        return [first, make(wide, cnf.out_channels, 1, activation_layer=None)]


class MBConvConfig(_Config):
    block = MBConv

    def __init__(
        self, expand_ratio: float, kernel: int, stride: int, input_channels: int, out_channels: int, num_layers: int,
        width_mult: float = 1.0, depth_mult: float = 1.0, block: Callable[..., nn.Module] | None = None,
    ) -> None:  # fmt: skip
        into, out = (self.adjust_channels(n, width_mult) for n in (input_channels, out_channels))
        super().__init__(expand_ratio, kernel, stride, into, out, math.ceil(num_layers * depth_mult), block)


class FusedMBConvConfig(_Config):
    block = FusedMBConv


class EfficientNet(nn.Module):
    """(N, 3, H, W) -> (N, num_classes). stochastic_depth_prob: of the last block; those before drop out less often."""

    def __init__(
        self, inverted_residual_setting: Sequence[_Config], dropout: float, stochastic_depth_prob: float = 0.2,
        num_classes: int = 1000, norm_layer: Norm | None = None, last_channel: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        setting = inverted_residual_setting
        if not setting:
            raise ValueError("The inverted_residual_setting should not be empty")
        if not (isinstance(setting, Sequence) and all(isinstance(s, _Config) for s in setting)):
            raise TypeError("The inverted_residual_setting should be List[MBConvConfig]")
        norm = norm_layer or nn.BatchNorm2d
        make = partial(Conv2dNormActivation, norm_layer=norm, activation_layer=nn.SiLU)
        layers: list[nn.Module] = [make(3, setting[0].input_channels, 3, 2)]
        blocks, k = sum(cnf.num_layers for cnf in setting), 0
        for cnf in setting:
            stage = []
            for i in range(cnf.num_layers):
                own = copy.copy(cnf)
                if i:
                    own.input_channels, own.stride = own.out_channels, 1
                stage.append(own.block(own, stochastic_depth_prob * float(k) / blocks, norm))
                k += 1
            layers.append(nn.Sequential(*stage))
        channels = setting[-1].out_channels
        last = 4 * channels if last_channel is None else last_channel
        layers.append(make(channels, last, 1))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(dropout, inplace=True), nn.Linear(last, num_classes))
        start(self)
        bound = 1.0 / math.sqrt(num_classes)
        init.uniform_(self.classifier[1].weight, -bound, bound)
        init.zeros_(self.classifier[1].bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def _of_b(size: str) -> Callable[..., nn.Module]:
    width, depth, p = OF_B[size]
    norms: Any = {"norm_layer": partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)} if size in ("b5", "b6", "b7") else {}

    def make(dropout: float = p, **options: Any) -> EfficientNet:
        setting = [MBConvConfig(*row, width_mult=width, depth_mult=depth) for row in B]
        return EfficientNet(setting, dropout, **norms, **options)

    return named(f"efficientnet_{size}", make, f"EfficientNet {size.upper()}.")


def _of_v2(size: str, p: float) -> Callable[..., nn.Module]:
    def make(dropout: float = p, **options: Any) -> EfficientNet:
        kinds = {6: MBConvConfig, 7: FusedMBConvConfig}
        setting = [kinds[len(row)](*row[:6]) for row in V2[size]]
        norm = partial(nn.BatchNorm2d, eps=0.001)
        return EfficientNet(setting, dropout, norm_layer=norm, last_channel=1280, **options)

    return named(f"efficientnet_v2_{size}", make, f"EfficientNet V2, {size.upper()}.")


(
    efficientnet_b0, efficientnet_b1, efficientnet_b2, efficientnet_b3, efficientnet_b4, efficientnet_b5,
    efficientnet_b6, efficientnet_b7,
) = map(_of_b, OF_B)  # fmt: skip
efficientnet_v2_s, efficientnet_v2_m, efficientnet_v2_l = _of_v2("s", 0.2), _of_v2("m", 0.3), _of_v2("l", 0.4)
(
    EfficientNet_B0_Weights, EfficientNet_B1_Weights, EfficientNet_B2_Weights, EfficientNet_B3_Weights,
    EfficientNet_B4_Weights, EfficientNet_B5_Weights, EfficientNet_B6_Weights, EfficientNet_B7_Weights,
) = (
    weights_of(f"EfficientNet_{size.upper()}_Weights", "IMAGENET1K_V1", *(["IMAGENET1K_V2"] * (size == "b1")))
    for size in OF_B
)  # fmt: skip
EfficientNet_V2_S_Weights, EfficientNet_V2_M_Weights, EfficientNet_V2_L_Weights = (
    weights_of(f"EfficientNet_V2_{size.upper()}_Weights", "IMAGENET1K_V1") for size in V2
)
