"""GoogLeNet: several convolutions side by side. Source: Szegedy et al. 2014, arXiv:1409.4842."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

from ... import nn
from ...core.provenance import warn
from ...core.tensor import Tensor
from ...nn import functional as F
from ...nn import init
from ...ops.arrange import cat, stack
from .named import named, weights_of

Make = Callable[..., nn.Module]


class BasicConv2d(nn.Module):
    """A convolution, a batch norm, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, **options: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, bias=False, **options)
        self.bn = nn.BatchNorm2d(out_channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)), inplace=True)


def start(model: nn.Module, init_weights: bool | None, name: str, std: float) -> None:
    """Weights from a truncated normal distribution: with the layer's `stddev`, or std."""
    if init_weights is None:
        warn(
            f"The default weight initialization of {name} will be changed in future releases of torchvision. If you "
            "wish to keep the old behavior (which leads to long initialization times due to scipy/scipy#11299), please "
            "set init_weights=True.",
            FutureWarning,
        )
    if init_weights is False:
        return
    for m in model.modules():
        if isinstance(m, (nn.Conv2d, nn.Linear)):
            init.trunc_normal_(m.weight, mean=0.0, std=float(getattr(m, "stddev", std)), a=-2, b=2)


def as_before(x: Tensor) -> Tensor:
    """Images normalised by ImageNet's means and deviations, as if by 0.5 and 0.5."""
    numbers = zip((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), strict=True)
    return stack([x[:, k] * (std / 0.5) + (mean - 0.5) / 0.5 for k, (mean, std) in enumerate(numbers)], 1)


GoogLeNetOutputs = namedtuple("GoogLeNetOutputs", ["logits", "aux_logits2", "aux_logits1"])


class Inception(nn.Module):
    """1 x 1, two times 3 x 3 of fewer channels, and pooling, side by side."""

    def __init__(
        self, in_channels: int, ch1x1: int, ch3x3red: int, ch3x3: int, ch5x5red: int, ch5x5: int, pool_proj: int,
        conv_block: Make | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        make = conv_block or BasicConv2d
        self.branch1 = make(in_channels, ch1x1, kernel_size=1)
        self.branch2 = nn.Sequential(
            make(in_channels, ch3x3red, kernel_size=1), make(ch3x3red, ch3x3, kernel_size=3, padding=1)
        )
        self.branch3 = nn.Sequential(
            make(in_channels, ch5x5red, kernel_size=1), make(ch5x5red, ch5x5, kernel_size=3, padding=1)
        )  # 3 x 3 here, too, as in torchvision's weights
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), make(in_channels, pool_proj, kernel_size=1))

    def forward(self, x: Tensor) -> Tensor:
        return cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class InceptionAux(nn.Module):
    """Classes from the middle of the network."""

    def __init__(
        self, in_channels: int, num_classes: int, conv_block: Make | None = None, dropout: float = 0.7
    ) -> None:
        super().__init__()
        self.conv = (conv_block or BasicConv2d)(in_channels, 128, kernel_size=1)
        self.fc1 = nn.Linear(2048, 1024)
        self.fc2 = nn.Linear(1024, num_classes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(F.adaptive_avg_pool2d(x, (4, 4))).flatten(1)
        return self.fc2(self.dropout(F.relu(self.fc1(x), inplace=True)))


STAGES: dict[str, Any] = {  # as Inception takes them; a pooling's kernel
    "inception3a": (192, 64, 96, 128, 16, 32, 32), "inception3b": (256, 128, 128, 192, 32, 96, 64), "maxpool3": 3,
    "inception4a": (480, 192, 96, 208, 16, 48, 64), "inception4b": (512, 160, 112, 224, 24, 64, 64),
    "inception4c": (512, 128, 128, 256, 24, 64, 64), "inception4d": (512, 112, 144, 288, 32, 64, 64),
    "inception4e": (528, 256, 160, 320, 32, 128, 128), "maxpool4": 2,
    "inception5a": (832, 256, 160, 320, 32, 128, 128), "inception5b": (832, 384, 192, 384, 48, 128, 128),
}  # fmt: skip


class GoogLeNet(nn.Module):
    """(N, 3, H, W) -> (N, num_classes); in training with aux_logits, GoogLeNetOutputs of three such."""

    def __init__(
        self, num_classes: int = 1000, aux_logits: bool = True, transform_input: bool = False,
        init_weights: bool | None = None, blocks: list[Make] | None = None, dropout: float = 0.2,
        dropout_aux: float = 0.7,
    ) -> None:  # fmt: skip
        super().__init__()
        blocks = blocks or [BasicConv2d, Inception, InceptionAux]
        if len(blocks) != 3:
            raise ValueError(f"blocks length should be 3 instead of {len(blocks)}")
        make, mixed, aux = blocks
        self.aux_logits, self.transform_input = aux_logits, transform_input
        self.conv1 = make(3, 64, kernel_size=7, stride=2, padding=3)
        self.maxpool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv2 = make(64, 64, kernel_size=1)
        self.conv3 = make(64, 192, kernel_size=3, padding=1)
        self.maxpool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        for name, given in STAGES.items():
            layer = nn.MaxPool2d(given, 2, ceil_mode=True) if isinstance(given, int) else mixed(*given)
            self.add_module(name, layer)
        self.aux1 = aux(512, num_classes, dropout=dropout_aux) if aux_logits else None
        self.aux2 = aux(528, num_classes, dropout=dropout_aux) if aux_logits else None
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(1024, num_classes)
        start(self, init_weights, "GoogleNet", 0.01)

    def forward(self, x: Tensor) -> Any:
        x = as_before(x) if self.transform_input else x
        x = self.maxpool2(self.conv3(self.conv2(self.maxpool1(self.conv1(x)))))
        aside: list[Any] = []
        for name in STAGES:
            x = getattr(self, name)(x)
            aux = {"inception4a": self.aux1, "inception4d": self.aux2}.get(name)
            if aux is not None and self.training:
                aside.append(aux(x))
        x = self.fc(self.dropout(self.avgpool(x).flatten(1)))
        return GoogLeNetOutputs(x, *aside[::-1]) if self.training and self.aux_logits else x


googlenet = named("googlenet", GoogLeNet, "GoogLeNet.")
GoogLeNet_Weights = weights_of("GoogLeNet_Weights", "IMAGENET1K_V1")
