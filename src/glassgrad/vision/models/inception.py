"""Inception V3: several convolutions side by side, long ones in two. Source: Szegedy et al. 2015, arXiv:1512.00567."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from ...nn import functional as F
from ...ops.arrange import cat
from .inceptionv1 import BasicConv2d, as_before, start
from .named import named, weights_of

Make = Callable[..., nn.Module]
InceptionOutputs = namedtuple("InceptionOutputs", ["logits", "aux_logits"])


class _Mixed(nn.Module):
    """Chains of convolutions side by side; `pool`: what is pooled, and with what convolved, beside them."""

    def __init__(self, chains: dict[str, list[tuple[Any, ...]]], conv_block: Make | None) -> None:
        super().__init__()
        self.chains = {name: [self._layer(name, conv_block, *row) for row in rows] for name, rows in chains.items()}

    def _layer(self, chain: str, make: Make | None, suffix: str, inp: int, out: int, size: Any, stride: int = 1) -> str:
        kernel = (size, size) if isinstance(size, int) else size
        padding = (0, 0) if stride > 1 else ((kernel[0] - 1) // 2, (kernel[1] - 1) // 2)
        name = f"branch{chain}{suffix}"
        square = kernel[0] == kernel[1]
        options: dict[str, Any] = {"kernel_size": kernel[0] if square else kernel}
        options |= {"stride": stride} if stride > 1 else {}
        options |= {"padding": padding[0] if square else padding} if any(padding) else {}
        self.add_module(name, (make or BasicConv2d)(inp, out, **options))
        return name

    def _run(self, names: list[str], x: Tensor) -> list[Tensor]:
        """A chain's end; where it forks (names that end in a and b), both ends."""
        for name in names:
            if name.endswith("b") and not name.endswith("dbl"):
                continue
            if name.endswith("a"):
                return [getattr(self, name)(x), getattr(self, f"{name[:-1]}b")(x)]
            x = getattr(self, name)(x)
        return [x]

    def forward(self, x: Tensor) -> Tensor:
        parts = []
        for chain, names in self.chains.items():
            parts += self._run(names, F.avg_pool2d(x, 3, 1, 1) if chain == "_pool" else x)
        return cat(parts if "_pool" in self.chains else [*parts, F.max_pool2d(x, 3, 2)], 1)


class InceptionA(_Mixed):
    def __init__(self, in_channels: int, pool_features: int, conv_block: Make | None = None) -> None:
        super().__init__({
            "1x1": [("", in_channels, 64, 1)],
            "5x5": [("_1", in_channels, 48, 1), ("_2", 48, 64, 5)],
            "3x3dbl": [("_1", in_channels, 64, 1), ("_2", 64, 96, 3), ("_3", 96, 96, 3)],
            "_pool": [("", in_channels, pool_features, 1)],
        }, conv_block)  # fmt: skip


class InceptionB(_Mixed):
    def __init__(self, in_channels: int, conv_block: Make | None = None) -> None:
        super().__init__({
            "3x3": [("", in_channels, 384, 3, 2)],
            "3x3dbl": [("_1", in_channels, 64, 1), ("_2", 64, 96, 3), ("_3", 96, 96, 3, 2)],
        }, conv_block)  # fmt: skip


class InceptionC(_Mixed):
    def __init__(self, in_channels: int, channels_7x7: int, conv_block: Make | None = None) -> None:
        c, row, column = channels_7x7, (1, 7), (7, 1)
        super().__init__({
            "1x1": [("", in_channels, 192, 1)],
            "7x7": [("_1", in_channels, c, 1), ("_2", c, c, row), ("_3", c, 192, column)],
            "7x7dbl": [("_1", in_channels, c, 1), ("_2", c, c, column), ("_3", c, c, row), ("_4", c, c, column),
                       ("_5", c, 192, row)],
            "_pool": [("", in_channels, 192, 1)],
        }, conv_block)  # fmt: skip


class InceptionD(_Mixed):
    def __init__(self, in_channels: int, conv_block: Make | None = None) -> None:
        super().__init__({
            "3x3": [("_1", in_channels, 192, 1), ("_2", 192, 320, 3, 2)],
            "7x7x3": [("_1", in_channels, 192, 1), ("_2", 192, 192, (1, 7)), ("_3", 192, 192, (7, 1)),
                      ("_4", 192, 192, 3, 2)],
        }, conv_block)  # fmt: skip


class InceptionE(_Mixed):
    def __init__(self, in_channels: int, conv_block: Make | None = None) -> None:
        super().__init__({
            "1x1": [("", in_channels, 320, 1)],
            "3x3": [("_1", in_channels, 384, 1), ("_2a", 384, 384, (1, 3)), ("_2b", 384, 384, (3, 1))],
            "3x3dbl": [("_1", in_channels, 448, 1), ("_2", 448, 384, 3), ("_3a", 384, 384, (1, 3)),
                       ("_3b", 384, 384, (3, 1))],
            "_pool": [("", in_channels, 192, 1)],
        }, conv_block)  # fmt: skip


class InceptionAux(nn.Module):
    """Classes from the middle of the network."""

    def __init__(self, in_channels: int, num_classes: int, conv_block: Make | None = None) -> None:
        super().__init__()
        make = conv_block or BasicConv2d
        self.conv0 = make(in_channels, 128, kernel_size=1)
        self.conv1 = make(128, 768, kernel_size=5)
        self.conv1.stddev = 0.01  # type: ignore[assignment]
        self.fc = nn.Linear(768, num_classes)
        self.fc.stddev = 0.001  # type: ignore[assignment]

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(self.conv0(F.avg_pool2d(x, 5, 3)))
        return self.fc(F.adaptive_avg_pool2d(x, (1, 1)).flatten(1))


class Inception3(nn.Module):
    """(N, 3, H, W) of at least 75 pixels -> (N, num_classes); in training with aux_logits, InceptionOutputs of two."""

    def __init__(
        self, num_classes: int = 1000, aux_logits: bool = True, transform_input: bool = False,
        inception_blocks: list[Make] | None = None, init_weights: bool | None = None, dropout: float = 0.5,
    ) -> None:  # fmt: skip
        super().__init__()
        blocks = inception_blocks or [
            BasicConv2d, InceptionA, InceptionB, InceptionC, InceptionD, InceptionE, InceptionAux
        ]  # fmt: skip
        if len(blocks) != 7:
            raise ValueError(f"length of inception_blocks should be 7 instead of {len(blocks)}")
        make, a, b, c, d, e, aux = blocks
        self.aux_logits, self.transform_input = aux_logits, transform_input
        self.Conv2d_1a_3x3 = make(3, 32, kernel_size=3, stride=2)
        self.Conv2d_2a_3x3 = make(32, 32, kernel_size=3)
        self.Conv2d_2b_3x3 = make(32, 64, kernel_size=3, padding=1)
        self.maxpool1 = nn.MaxPool2d(3, 2)
        self.Conv2d_3b_1x1 = make(64, 80, kernel_size=1)
        self.Conv2d_4a_3x3 = make(80, 192, kernel_size=3)
        self.maxpool2 = nn.MaxPool2d(3, 2)
        self.Mixed_5b = a(192, pool_features=32)
        self.Mixed_5c = a(256, pool_features=64)
        self.Mixed_5d = a(288, pool_features=64)
        self.Mixed_6a = b(288)
        for name, channels in zip("bcde", (128, 160, 160, 192), strict=True):
            self.add_module(f"Mixed_6{name}", c(768, channels_7x7=channels))
        self.AuxLogits = aux(768, num_classes) if aux_logits else None
        self.Mixed_7a = d(768)
        self.Mixed_7b = e(1280)
        self.Mixed_7c = e(2048)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(2048, num_classes)
        start(self, init_weights, "inception_v3", 0.1)

    def forward(self, x: Tensor) -> Any:
        x, aux = (as_before(x) if self.transform_input else x), None
        for name, layer in self.named_children():
            if name == "AuxLogits":
                aux = layer(x) if self.training else None
            elif name == "avgpool":
                break
            else:
                x = layer(x)
        x = self.fc(self.dropout(self.avgpool(x)).flatten(1))
        return InceptionOutputs(x, aux) if self.training and self.aux_logits else x


inception_v3 = named("inception_v3", Inception3, "Inception V3.")
Inception_V3_Weights = weights_of("Inception_V3_Weights", "IMAGENET1K_V1")
