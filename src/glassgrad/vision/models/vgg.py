"""VGG and AlexNet: convolutions, then three linear layers.

Sources: Simonyan, Zisserman 2014, arXiv:1409.1556; Krizhevsky 2014, arXiv:1404.5997.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from .named import named, start, weights_of

STAGES = {  # how many convolutions of 3 x 3 before each pooling; their widths are 64, 128, 256, 512, 512
    "11": (1, 1, 2, 2, 2),
    "13": (2, 2, 2, 2, 2),
    "16": (2, 2, 3, 3, 3),
    "19": (2, 2, 4, 4, 4),
}


class VGG(nn.Module):
    """features, pooled to 7 x 7, then the linear layers: (N, 3, H, W) -> (N, num_classes)."""

    def __init__(
        self, features: nn.Module, num_classes: int = 1000, init_weights: bool = True, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096), nn.ReLU(True), nn.Dropout(p=dropout),
            nn.Linear(4096, 4096), nn.ReLU(True), nn.Dropout(p=dropout),
            nn.Linear(4096, num_classes),
        )  # fmt: skip
        if init_weights:
            start(self, 0.01)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def make_layers(stages: tuple[int, ...], batch_norm: bool = False) -> nn.Sequential:
    layers: list[nn.Module] = []
    before = 3
    for width, convolutions in zip((64, 128, 256, 512, 512), stages, strict=True):
        for _ in range(convolutions):
            layers.append(nn.Conv2d(before, width, 3, padding=1))
            layers += [nn.BatchNorm2d(width)] if batch_norm else []
            layers.append(nn.ReLU(inplace=True))
            before = width
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers)


def _deep(depth: str, batch_norm: bool) -> Callable[..., nn.Module]:
    def make(**options: Any) -> VGG:
        return VGG(make_layers(STAGES[depth], batch_norm), **options)

    norm = " with batch normalisation" if batch_norm else ""
    return named(f"vgg{depth}" + "_bn" * batch_norm, make, f"VGG-{depth}{norm}.")


vgg11, vgg13, vgg16, vgg19 = (_deep(depth, False) for depth in STAGES)
vgg11_bn, vgg13_bn, vgg16_bn, vgg19_bn = (_deep(depth, True) for depth in STAGES)

VGG11_Weights, VGG13_Weights, VGG16_Weights, VGG19_Weights = (
    weights_of(f"VGG{depth}_Weights", "IMAGENET1K_V1") for depth in STAGES
)
VGG11_BN_Weights, VGG13_BN_Weights, VGG16_BN_Weights, VGG19_BN_Weights = (
    weights_of(f"VGG{depth}_BN_Weights", "IMAGENET1K_V1") for depth in STAGES
)


class AlexNet(nn.Module):
    """(N, 3, H, W) -> (N, num_classes), of one column."""

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2),
        )  # fmt: skip
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(p=dropout), nn.Linear(256 * 6 * 6, 4096), nn.ReLU(inplace=True),
            nn.Dropout(p=dropout), nn.Linear(4096, 4096), nn.ReLU(inplace=True),
            nn.Linear(4096, num_classes),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


alexnet = named("alexnet", AlexNet, "AlexNet.")
AlexNet_Weights = weights_of("AlexNet_Weights", "IMAGENET1K_V1")
