"""MobileNet V2: inverted residuals. Source: Sandler et al. 2018, arXiv:1801.04381."""

from __future__ import annotations

from collections.abc import Callable

from ... import nn
from ...core.tensor import Tensor
from ..ops.layers import Conv2dNormActivation
from .named import named, start, weights_of

Norm = Callable[[int], nn.Module]
SETTING = [  # expansion, channels, blocks, stride of the first
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
]


def rounded(channels: float, divisor: int) -> int:
    """The nearest multiple of divisor, but not below nine tenths."""
    made = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return made + divisor if made < 0.9 * channels else made


def convolution(inp: int, out: int, size: int, stride: int, groups: int, norm: Norm) -> Conv2dNormActivation:
    return Conv2dNormActivation(inp, out, size, stride, groups=groups, norm_layer=norm, activation_layer=nn.ReLU6)


class InvertedResidual(nn.Module):
    """Wider by expand_ratio, each channel alone, narrow again; added to x where the sizes allow."""

    def __init__(self, inp: int, oup: int, stride: int, expand_ratio: float, norm_layer: Norm | None = None) -> None:
        super().__init__()
        if stride not in (1, 2):
            raise ValueError(f"stride should be 1 or 2 instead of {stride}")
        norm = norm_layer or nn.BatchNorm2d
        hidden = round(inp * expand_ratio)
        self.stride, self.out_channels = stride, oup
        self.use_res_connect = stride == 1 and inp == oup
        wider = [convolution(inp, hidden, 1, 1, 1, norm)] if expand_ratio != 1 else []
        alone = convolution(hidden, hidden, 3, stride, hidden, norm)
        self.conv = nn.Sequential(*wider, alone, nn.Conv2d(hidden, oup, 1, bias=False), norm(oup))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    """(N, 3, H, W) -> (N, num_classes). width_mult: of the channels, rounded to multiples of round_nearest."""

    def __init__(
        self, num_classes: int = 1000, width_mult: float = 1.0,
        inverted_residual_setting: list[list[int]] | None = None, round_nearest: int = 8,
        block: Callable[..., nn.Module] | None = None, norm_layer: Norm | None = None, dropout: float = 0.2,
    ) -> None:  # fmt: skip
        super().__init__()
        make, norm = block or InvertedResidual, norm_layer or nn.BatchNorm2d
        setting = SETTING if inverted_residual_setting is None else inverted_residual_setting
        if not setting or len(setting[0]) != 4:
            raise ValueError(
                f"inverted_residual_setting should be non-empty or a 4-element list, got {inverted_residual_setting}"
            )
        channels = rounded(32 * width_mult, round_nearest)
        self.last_channel = rounded(1280 * max(1.0, width_mult), round_nearest)
        features: list[nn.Module] = [convolution(3, channels, 3, 2, 1, norm)]
        for expansion, c, blocks, stride in setting:
            wanted = rounded(c * width_mult, round_nearest)
            for k in range(blocks):
                features.append(make(channels, wanted, 1 if k else stride, expand_ratio=expansion, norm_layer=norm))
                channels = wanted
        features.append(convolution(channels, self.last_channel, 1, 1, 1, norm))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(p=dropout), nn.Linear(self.last_channel, num_classes))
        start(self, 0.01)

    def forward(self, x: Tensor) -> Tensor:
        x = nn.functional.adaptive_avg_pool2d(self.features(x), (1, 1))
        return self.classifier(x.flatten(1))


mobilenet_v2 = named("mobilenet_v2", MobileNetV2, "MobileNet V2.")
MobileNet_V2_Weights = weights_of("MobileNet_V2_Weights", "IMAGENET1K_V1", "IMAGENET1K_V2")
