"""Densely connected networks: a layer sees all that come before it. Source: Huang et al. 2017, arXiv:1608.06993."""

from __future__ import annotations

from typing import Any

from ... import nn
from ...core.tensor import Tensor
from ...nn import functional as F
from ...nn import init
from ...ops.arrange import cat
from ...utils.checkpoint import checkpoint
from .named import named, weights_of


class _DenseLayer(nn.Module):
    """growth_rate further channels from all before, through bn_size times as many."""

    def __init__(
        self, num_input_features: int, growth_rate: int, bn_size: int, drop_rate: float, memory_efficient: bool = False
    ) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(num_input_features)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(num_input_features, bn_size * growth_rate, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(bn_size * growth_rate)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(bn_size * growth_rate, growth_rate, 3, padding=1, bias=False)
        self.drop_rate, self.memory_efficient = float(drop_rate), memory_efficient

    def bn_function(self, *before: Tensor) -> Tensor:
        return self.conv1(self.relu1(self.norm1(cat(before, 1))))

    def forward(self, input: Tensor | list[Tensor]) -> Tensor:
        before = [input] if isinstance(input, Tensor) else input
        if self.memory_efficient and any(x.requires_grad for x in before):
            narrow = checkpoint(self.bn_function, *before, use_reentrant=False)
        else:
            narrow = self.bn_function(*before)
        new = self.conv2(self.relu2(self.norm2(narrow)))
        return F.dropout(new, self.drop_rate, self.training) if self.drop_rate > 0 else new


class _DenseBlock(nn.ModuleDict):
    def __init__(self, layers: int, channels: int, growth_rate: int, **options: Any) -> None:
        super().__init__()
        for k in range(layers):
            self[f"denselayer{k + 1}"] = _DenseLayer(channels + k * growth_rate, growth_rate, **options)

    def forward(self, init_features: Tensor) -> Tensor:
        features = [init_features]
        for layer in self.values():
            features.append(layer(features))
        return cat(features, 1)


class _Transition(nn.Sequential):
    """Half as many channels, half the size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(channels, channels // 2, 1, bias=False)
        self.pool = nn.AvgPool2d(2, 2)


class DenseNet(nn.Module):
    """(N, 3, H, W) -> (N, num_classes). growth_rate: channels of a layer; block_config: layers of each block.

    memory_efficient: what is concatenated is computed again on the way back.
    """

    def __init__(
        self, growth_rate: int = 32, block_config: tuple[int, ...] = (6, 12, 24, 16), num_init_features: int = 64,
        bn_size: int = 4, drop_rate: float = 0, num_classes: int = 1000, memory_efficient: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        channels = num_init_features
        self.features = nn.Sequential()
        self.features.conv0 = nn.Conv2d(3, channels, 7, 2, 3, bias=False)
        self.features.norm0 = nn.BatchNorm2d(channels)
        self.features.relu0 = nn.ReLU(inplace=True)
        self.features.pool0 = nn.MaxPool2d(3, 2, 1)
        options = {"bn_size": bn_size, "drop_rate": drop_rate, "memory_efficient": memory_efficient}
        for k, layers in enumerate(block_config, 1):
            self.features.add_module(f"denseblock{k}", _DenseBlock(layers, channels, growth_rate, **options))
            channels += layers * growth_rate
            if k < len(block_config):
                self.features.add_module(f"transition{k}", _Transition(channels))
                channels //= 2
        self.features.norm5 = nn.BatchNorm2d(channels)
        self.classifier = nn.Linear(channels, num_classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                init.kaiming_normal_(m.weight)
        init.zeros_(self.classifier.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.features(x), inplace=True)
        return self.classifier(F.adaptive_avg_pool2d(x, (1, 1)).flatten(1))


def _of(depth: int, growth_rate: int, block_config: tuple[int, ...], num_init_features: int) -> Any:
    def make(**options: Any) -> DenseNet:
        return DenseNet(growth_rate, block_config, num_init_features, **options)

    return named(f"densenet{depth}", make, f"DenseNet-{depth}.")


densenet121 = _of(121, 32, (6, 12, 24, 16), 64)
densenet161 = _of(161, 48, (6, 12, 36, 24), 96)
densenet169 = _of(169, 32, (6, 12, 32, 32), 64)
densenet201 = _of(201, 32, (6, 12, 48, 32), 64)
DenseNet121_Weights, DenseNet161_Weights, DenseNet169_Weights, DenseNet201_Weights = (
    weights_of(f"DenseNet{depth}_Weights", "IMAGENET1K_V1") for depth in (121, 161, 169, 201)
)
