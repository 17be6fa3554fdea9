"""Datasets, samplers, the DataLoader and the data sets, under torch.utils.data's and torchvision's names."""

from __future__ import annotations

from . import transforms
from .collate import default_collate, default_convert
from .dataset import (
    ChainDataset,
    ConcatDataset,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)
from .distributed import DistributedSampler
from .download import DatasetNotFound
from .idx import read_idx
from .loader import DataLoader
from .sampler import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from .toy import names, tiny_shakespeare, two_moons
from .vision import MNIST, Digits, FashionMNIST, mnist_or_digits
from .worker import WorkerInfo, get_worker_info

__all__ = [
    "MNIST",
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "DatasetNotFound",
    "Digits",
    "DistributedSampler",
    "FashionMNIST",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "WorkerInfo",
    "default_collate",
    "default_convert",
    "get_worker_info",
    "mnist_or_digits",
    "names",
    "random_split",
    "read_idx",
    "tiny_shakespeare",
    "transforms",
    "two_moons",
]
