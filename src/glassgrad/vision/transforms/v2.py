"""The second version of the transforms, of one image at a time: those that draw and compute as the first ones do.

RandomChoice and RandomOrder draw from another generator there; inputs of several parts (boxes, masks) are not taken.
Bytes that are tensors are resized in float32 here, which may differ from torchvision by 1.
"""

from __future__ import annotations

from typing import Any

from . import functional
from .chance import (
    ColorJitter,
    ElasticTransform,
    GaussianBlur,
    RandomAdjustSharpness,
    RandomAffine,
    RandomAutocontrast,
    RandomCrop,
    RandomEqualize,
    RandomErasing,
    RandomGrayscale,
    RandomHorizontalFlip,
    RandomInvert,
    RandomPerspective,
    RandomPosterize,
    RandomResizedCrop,
    RandomRotation,
    RandomSolarize,
    RandomVerticalFlip,
)
from .functional import InterpolationMode
from .plain import (
    CenterCrop,
    Compose,
    FiveCrop,
    Grayscale,
    Lambda,
    Normalize,
    Pad,
    PILToTensor,
    RandomApply,
    Resize,
    TenCrop,
    ToDtype,
    ToImage,
    ToPILImage,
    ToTensor,
    Transform,
)

__all__ = [
    "CenterCrop", "ColorJitter", "Compose", "ElasticTransform", "FiveCrop", "GaussianBlur", "Grayscale", "Identity",
    "InterpolationMode", "Lambda", "Normalize", "PILToTensor", "Pad", "RandomAdjustSharpness", "RandomAffine",
    "RandomApply", "RandomAutocontrast", "RandomCrop", "RandomEqualize", "RandomErasing", "RandomGrayscale",
    "RandomHorizontalFlip", "RandomInvert", "RandomPerspective", "RandomPosterize", "RandomResizedCrop",
    "RandomRotation", "RandomSolarize", "RandomVerticalFlip", "Resize", "TenCrop", "ToDtype", "ToImage", "ToPILImage",
    "ToTensor", "Transform", "functional",
]  # fmt: skip


class Identity(Transform):
    """The image as it is."""

    def forward(self, image: Any) -> Any:
        return image
