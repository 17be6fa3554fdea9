"""ShuffleNet V2: half the channels pass by, then all are shuffled. Source: Ma et al. 2018, arXiv:1807.11164."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ... import nn
from ...core.tensor import Tensor
from ...ops.arrange import cat
from ...ops.resample import channel_shuffle
from .named import named, weights_of

WIDTHS = {
    "x0_5": [24, 48, 96, 192, 1024],
    "x1_0": [24, 116, 232, 464, 1024],
    "x1_5": [24, 176, 352, 704, 1024],
    "x2_0": [24, 244, 488, 976, 2048],
}
REPEATS = [4, 8, 4]


def _mixed(inp: int, out: int) -> list[nn.Module]:
    return [nn.Conv2d(inp, out, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True)]


def _alone(channels: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False), nn.BatchNorm2d(channels)]


class InvertedResidual(nn.Module):
    """Stride 1: half of the channels go through three convolutions. Else: all do, in both branches."""

    def __init__(self, inp: int, oup: int, stride: int) -> None:
        super().__init__()
        if not 1 <= stride <= 3:
            raise ValueError("illegal stride value")
        half = oup // 2
        if stride == 1 and inp != 2 * half:
            raise ValueError(
                f"Invalid combination of stride {stride}, inp {inp} and oup {oup} values. If stride == 1 then inp "
                "should be equal to oup // 2 << 1."
            )
        self.stride = stride
        self.branch1 = nn.Sequential(*(_alone(inp, stride) + _mixed(inp, half) if stride > 1 else []))
        first = _mixed(inp if stride > 1 else half, half)
        self.branch2 = nn.Sequential(*first, *_alone(half, stride), *_mixed(half, half))

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 1:
            passing, x = x.chunk(2, dim=1)
            return channel_shuffle(cat((passing, self.branch2(x)), 1), 2)
        return channel_shuffle(cat((self.branch1(x), self.branch2(x)), 1), 2)


class ShuffleNetV2(nn.Module):
    """(N, 3, H, W) -> (N, num_classes). Blocks in each of three stages; channels after each of five."""

    def __init__(
        self, stages_repeats: list[int], stages_out_channels: list[int], num_classes: int = 1000,
        inverted_residual: Callable[..., nn.Module] = InvertedResidual,
    ) -> None:  # fmt: skip
        super().__init__()
        if len(stages_repeats) != 3:
            raise ValueError("expected stages_repeats as list of 3 positive ints")
        if len(stages_out_channels) != 5:
            raise ValueError("expected stages_out_channels as list of 5 positive ints")
        channels, *widths, last = stages_out_channels
        self.conv1 = nn.Sequential(
            nn.Conv2d(3, channels, 3, 2, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
        )
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        for k, (repeats, width) in enumerate(zip(stages_repeats, widths, strict=True), 2):
            first = inverted_residual(channels, width, 2)
            others = [inverted_residual(width, width, 1) for _ in range(repeats - 1)]
            self.add_module(f"stage{k}", nn.Sequential(first, *others))
            channels = width
        self.conv5 = nn.Sequential(*_mixed(channels, last))
        self.fc = nn.Linear(last, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage4(self.stage3(self.stage2(self.maxpool(self.conv1(x)))))
        return self.fc(self.conv5(x).mean([2, 3]))


shufflenet_v2_x0_5, shufflenet_v2_x1_0, shufflenet_v2_x1_5, shufflenet_v2_x2_0 = (
    named(f"shufflenet_v2_{size}", partial(ShuffleNetV2, REPEATS, widths), f"ShuffleNet V2, {size} wide.")
    for size, widths in WIDTHS.items()
)
ShuffleNet_V2_X0_5_Weights, ShuffleNet_V2_X1_0_Weights, ShuffleNet_V2_X1_5_Weights, ShuffleNet_V2_X2_0_Weights = (
    weights_of(f"ShuffleNet_V2_{size.upper()}_Weights", "IMAGENET1K_V1") for size in WIDTHS
)
