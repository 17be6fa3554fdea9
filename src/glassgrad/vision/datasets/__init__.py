"""Data sets of images, under torchvision's names."""

from __future__ import annotations

from . import folder
from .cifar import CIFAR10, CIFAR100
from .dataset import FakeData, StandardTransform, VisionDataset
from .folder import DatasetFolder, ImageFolder
from .mnist import MNIST, FashionMNIST

__all__ = [
    "CIFAR10", "CIFAR100", "MNIST", "DatasetFolder", "FakeData", "FashionMNIST", "ImageFolder", "StandardTransform",
    "VisionDataset", "folder",
]  # fmt: skip
