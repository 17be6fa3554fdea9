"""Networks for images, with torchvision's names, order of draws, and keys of state_dict. Weights are not downloaded."""

from __future__ import annotations

import importlib
from typing import Any

from ...nn.module import Module

NAMES = {  # by file; each is opened when a name of it is wanted
    "densenet": (
        "DenseNet DenseNet121_Weights DenseNet161_Weights DenseNet169_Weights DenseNet201_Weights densenet121 "
        "densenet161 densenet169 densenet201"
    ),
    "efficientnet": (
        "EfficientNet EfficientNet_B0_Weights EfficientNet_B1_Weights EfficientNet_B2_Weights EfficientNet_B3_Weights "
        "EfficientNet_B4_Weights EfficientNet_B5_Weights EfficientNet_B6_Weights EfficientNet_B7_Weights "
        "EfficientNet_V2_L_Weights EfficientNet_V2_M_Weights EfficientNet_V2_S_Weights efficientnet_b0 efficientnet_b1 "
        "efficientnet_b2 efficientnet_b3 efficientnet_b4 efficientnet_b5 efficientnet_b6 efficientnet_b7 "
        "efficientnet_v2_l efficientnet_v2_m efficientnet_v2_s"
    ),
    "inception": "Inception3 InceptionOutputs Inception_V3_Weights inception_v3",
    "inceptionv1": "GoogLeNet GoogLeNetOutputs GoogLeNet_Weights googlenet",
    "mobilenetv2": "MobileNetV2 MobileNet_V2_Weights mobilenet_v2",
    "mobilenetv3": (
        "MobileNetV3 MobileNet_V3_Large_Weights MobileNet_V3_Small_Weights mobilenet_v3_large mobilenet_v3_small"
    ),
    "resnet": (
        "ResNeXt50_32X4D_Weights ResNet ResNet101_Weights ResNet152_Weights ResNet18_Weights ResNet34_Weights "
        "ResNet50_Weights Wide_ResNet50_2_Weights resnet101 resnet152 resnet18 resnet34 resnet50 resnext50_32x4d "
        "wide_resnet50_2"
    ),
    "shufflenetv2": (
        "ShuffleNetV2 ShuffleNet_V2_X0_5_Weights ShuffleNet_V2_X1_0_Weights ShuffleNet_V2_X1_5_Weights "
        "ShuffleNet_V2_X2_0_Weights shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5 shufflenet_v2_x2_0"
    ),
    "squeezenet": "SqueezeNet SqueezeNet1_0_Weights SqueezeNet1_1_Weights squeezenet1_0 squeezenet1_1",
    "vgg": (
        "VGG AlexNet AlexNet_Weights VGG11_BN_Weights VGG11_Weights VGG13_BN_Weights VGG13_Weights VGG16_BN_Weights "
        "VGG16_Weights VGG19_BN_Weights VGG19_Weights alexnet vgg11 vgg11_bn vgg13 vgg13_bn vgg16 vgg16_bn vgg19 "
        "vgg19_bn"
    ),
    "vision_transformer": (
        "ViT_B_16_Weights ViT_B_32_Weights ViT_H_14_Weights ViT_L_16_Weights ViT_L_32_Weights VisionTransformer "
        "vit_b_16 vit_b_32 vit_h_14 vit_l_16 vit_l_32"
    ),
}
HOME = {name: file for file, names in NAMES.items() for name in names.split()}

__all__ = [*HOME, "get_model", "list_models"]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(f".{HOME[name]}", __name__), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def list_models() -> list[str]:
    return sorted(name for name in HOME if name.islower())


def get_model(name: str, **config: Any) -> Module:
    """The model of that name. ValueError where there is none."""
    if name.lower() not in list_models():
        raise ValueError(f"Unknown model {name}: there are {', '.join(list_models())}")
    return __getattr__(name.lower())(**config)
