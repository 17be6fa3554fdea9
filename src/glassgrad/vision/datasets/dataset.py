"""What data sets of images have in common: a root, transforms, and a text about themselves."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.random import Generator
from ...core.samplers import integers, normal
from ...data.dataset import Dataset
from ...ops.create import from_numpy
from ..pillow import has_pillow
from ..transforms import Compose, ToTensor
from ..transforms.functional import to_pil_image

Call = Callable[..., Any]


class StandardTransform:
    """transform of the input and target_transform of the target, as one function of both."""

    def __init__(self, transform: Call | None = None, target_transform: Call | None = None) -> None:
        self.transform, self.target_transform = transform, target_transform

    def __call__(self, input: Any, target: Any) -> tuple[Any, Any]:
        return (
            input if self.transform is None else self.transform(input),
            target if self.target_transform is None else self.target_transform(target),
        )

    def __repr__(self) -> str:
        parts = [("Transform: ", self.transform), ("Target transform: ", self.target_transform)]
        lines = [type(self).__name__]
        for head, transform in parts:
            if transform is not None:
                lines.append(head + repr(transform).replace("\n", "\n" + " " * len(head)))
        return "\n".join(lines)


class VisionDataset(Dataset[Any]):
    """A data set below the folder `root`: either transforms(input, target), or a transform for each."""

    def __init__(
        self, root: Any = None, transforms: Call | None = None, transform: Call | None = None,
        target_transform: Call | None = None,
    ) -> None:  # fmt: skip
        self._place(root, transforms, transform, target_transform)

    def _place(self, root: Any, transforms: Call | None, transform: Call | None, target_transform: Call | None) -> None:
        separate = transform is not None or target_transform is not None
        if transforms is not None and separate:
            raise ValueError("Only transforms or transform/target_transform can be passed as argument")
        self.root = os.path.expanduser(root) if isinstance(root, str) else root
        self.transform, self.target_transform = transform, target_transform
        self.transforms = StandardTransform(transform, target_transform) if separate else transforms

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def extra_repr(self) -> str:
        """Further lines of the text."""
        return ""

    def __repr__(self) -> str:
        lines = [f"Number of datapoints: {len(self)}"]
        lines += [f"Root location: {self.root}"] if self.root is not None else []
        lines += self.extra_repr().splitlines()
        lines += [repr(self.transforms)] if self.transforms is not None else []
        return "\n".join([f"Dataset {type(self).__name__}", *(f"    {line}" for line in lines)])

    def _sample(self, array: np.ndarray, target: Any) -> tuple[Any, Any]:
        """A sample of an image's array. It goes to the transforms as a picture, as torchvision's does.

        Where Pillow is not installed, or ToTensor comes first anyway, the array itself does.
        """
        image = array if to_tensor_first(self.transform) or not has_pillow() else to_pil_image(array)
        if self.transform is not None:
            image = self.transform(image)
        return image, target if self.target_transform is None else self.target_transform(target)


def to_tensor_first(transform: Any) -> bool:
    while type(transform) is Compose and transform.transforms:
        transform = transform.transforms[0]
    return type(transform) is ToTensor


class FakeData(VisionDataset):
    """Noise, with random classes: sample i is drawn from the seed i + random_offset. image_size: (C, H, W)."""

    def __init__(
        self, size: int = 1000, image_size: tuple[int, ...] = (3, 224, 224), num_classes: int = 10,
        transform: Call | None = None, target_transform: Call | None = None, random_offset: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(None, None, transform, target_transform)
        self.size, self.image_size, self.num_classes = size, image_size, num_classes
        self.random_offset = random_offset

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        if index >= len(self):
            raise IndexError(f"{type(self).__name__} index out of range")
        generator = Generator().manual_seed(index + self.random_offset)
        image = to_pil_image(from_numpy(normal(generator, self.image_size)))
        target: Any = from_numpy(integers(generator, (1,), low=0, high=self.num_classes))[0]
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target.item()

    def __len__(self) -> int:
        return self.size


class SplitImages(VisionDataset):
    """`split` of a set of pictures in memory: `data` (N, 3, height, width) and `labels` (N,) are arrays."""

    split: str
    data: np.ndarray
    labels: np.ndarray

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self._sample(self.data[index].transpose(1, 2, 0), int(self.labels[index]))

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        return f"Split: {self.split}"
