"""Data sets of images, under torchvision's names."""

from __future__ import annotations

from . import folder
from .celeba import CelebA
from .cifar import CIFAR10, CIFAR100
from .dataset import FakeData, StandardTransform, VisionDataset
from .folder import DatasetFolder, ImageFolder
from .mnist import EMNIST, KMNIST, MNIST, QMNIST, FashionMNIST
from .stl10 import STL10
from .svhn import SVHN
from .usps import USPS

__all__ = [
    "CIFAR10", "CIFAR100", "EMNIST", "KMNIST", "MNIST", "QMNIST", "STL10", "SVHN", "USPS", "CelebA", "DatasetFolder",
    "FakeData", "FashionMNIST", "ImageFolder", "StandardTransform", "VisionDataset", "folder",
]  # fmt: skip
