"""Residual networks. Source: He, Zhang, Ren, Sun 2015, arXiv:1512.03385; the stride is in the 3 x 3 convolution."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ... import nn
from ...core.tensor import Tensor
from .named import named, start, weights_of

Norm = Callable[[int], nn.Module]


def conv3x3(in_planes: int, out_planes: int, stride: int = 1, groups: int = 1, dilation: int = 1) -> nn.Conv2d:
    return nn.Conv2d(in_planes, out_planes, 3, stride, dilation, dilation, groups, bias=False)


def conv1x1(in_planes: int, out_planes: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(in_planes, out_planes, 1, stride, bias=False)


class BasicBlock(nn.Module):
    """x + two convolutions of 3 x 3, then ReLU."""

    expansion = 1

    def __init__(
        self, inplanes: int, planes: int, stride: int = 1, downsample: nn.Module | None = None, groups: int = 1,
        base_width: int = 64, dilation: int = 1, norm_layer: Norm | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        norm = norm_layer or nn.BatchNorm2d
        if groups != 1 or base_width != 64:
            raise ValueError("BasicBlock only supports groups=1 and base_width=64")
        if dilation > 1:
            raise NotImplementedError("Dilation > 1 not supported in BasicBlock")
        self.conv1 = conv3x3(inplanes, planes, stride)
        self.bn1 = norm(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(planes, planes)
        self.bn2 = norm(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class Bottleneck(nn.Module):
    """x + convolutions of 1 x 1, 3 x 3 and 1 x 1, then ReLU."""

    expansion = 4

    def __init__(
        self, inplanes: int, planes: int, stride: int = 1, downsample: nn.Module | None = None, groups: int = 1,
        base_width: int = 64, dilation: int = 1, norm_layer: Norm | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        norm = norm_layer or nn.BatchNorm2d
        width = int(planes * (base_width / 64.0)) * groups
        self.conv1 = conv1x1(inplanes, width)
        self.bn1 = norm(width)
        self.conv2 = conv3x3(width, width, stride, groups, dilation)
        self.bn2 = norm(width)
        self.conv3 = conv1x1(width, planes * self.expansion)
        self.bn3 = norm(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class ResNet(nn.Module):
    """(N, 3, H, W) -> (N, num_classes). layers: the number of blocks in each of the four stages.

    zero_init_residual: every block starts as the identity. groups, width_per_group: of the 3 x 3 convolutions.
    replace_stride_with_dilation: for each of the last three stages.
    """

    def __init__(
        self, block: type[BasicBlock] | type[Bottleneck], layers: list[int], num_classes: int = 1000,
        zero_init_residual: bool = False, groups: int = 1, width_per_group: int = 64,
        replace_stride_with_dilation: list[bool] | None = None, norm_layer: Norm | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self._norm_layer = norm_layer or nn.BatchNorm2d
        dilate = replace_stride_with_dilation or [False, False, False]
        if len(dilate) != 3:
            raise ValueError(
                f"replace_stride_with_dilation should be None or a 3-element tuple, got {replace_stride_with_dilation}"
            )
        self.inplanes, self.dilation, self.groups, self.base_width = 64, 1, groups, width_per_group
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = self._norm_layer(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = self._make_layer(block, 64, layers[0])
        self.layer2 = self._make_layer(block, 128, layers[1], 2, dilate[0])
        self.layer3 = self._make_layer(block, 256, layers[2], 2, dilate[1])
        self.layer4 = self._make_layer(block, 512, layers[3], 2, dilate[2])
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        start(self)
        if zero_init_residual:
            for m in self.modules():
                if isinstance(m, (Bottleneck, BasicBlock)):
                    nn.init.zeros_((m.bn3 if isinstance(m, Bottleneck) else m.bn2).weight)  # type: ignore[arg-type]

    def _make_layer(self, block: Any, planes: int, blocks: int, stride: int = 1, dilate: bool = False) -> nn.Sequential:
        downsample, before = None, self.dilation
        if dilate:
            self.dilation, stride = self.dilation * stride, 1
        wide = planes * block.expansion
        if stride != 1 or self.inplanes != wide:
            downsample = nn.Sequential(conv1x1(self.inplanes, wide, stride), self._norm_layer(wide))
        rest = self.groups, self.base_width
        made = [block(self.inplanes, planes, stride, downsample, *rest, before, self._norm_layer)]
        self.inplanes = wide
        made += [block(wide, planes, 1, None, *rest, self.dilation, self._norm_layer) for _ in range(1, blocks)]
        return nn.Sequential(*made)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


def _sized(name: str, block: Any, layers: list[int], text: str, **widths: Any) -> Callable[..., nn.Module]:
    return named(name, partial(ResNet, block, layers, **widths), text)


resnet18 = _sized("resnet18", BasicBlock, [2, 2, 2, 2], "ResNet-18.")
resnet34 = _sized("resnet34", BasicBlock, [3, 4, 6, 3], "ResNet-34.")
resnet50 = _sized("resnet50", Bottleneck, [3, 4, 6, 3], "ResNet-50.")
resnet101 = _sized("resnet101", Bottleneck, [3, 4, 23, 3], "ResNet-101.")
resnet152 = _sized("resnet152", Bottleneck, [3, 8, 36, 3], "ResNet-152.")
resnext50_32x4d = _sized(
    "resnext50_32x4d", Bottleneck, [3, 4, 6, 3], "ResNeXt-50, arXiv:1611.05431.", groups=32, width_per_group=4
)
wide_resnet50_2 = _sized(
    "wide_resnet50_2", Bottleneck, [3, 4, 6, 3], "Twice as wide, arXiv:1605.07146.", width_per_group=128
)

BOTH = ("IMAGENET1K_V1", "IMAGENET1K_V2")
ResNet18_Weights = weights_of("ResNet18_Weights", "IMAGENET1K_V1")
ResNet34_Weights = weights_of("ResNet34_Weights", "IMAGENET1K_V1")
ResNet50_Weights = weights_of("ResNet50_Weights", *BOTH)
ResNet101_Weights = weights_of("ResNet101_Weights", *BOTH)
ResNet152_Weights = weights_of("ResNet152_Weights", *BOTH)
ResNeXt50_32X4D_Weights = weights_of("ResNeXt50_32X4D_Weights", *BOTH)
Wide_ResNet50_2_Weights = weights_of("Wide_ResNet50_2_Weights", *BOTH)
