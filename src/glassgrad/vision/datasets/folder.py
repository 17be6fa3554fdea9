"""Samples in folders that are named after their classes."""

from __future__ import annotations

import functools
import os
from typing import Any

from ..pillow import pillow
from .dataset import Call, VisionDataset

IMG_EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")


def has_file_allowed_extension(filename: str, extensions: str | tuple[str, ...]) -> bool:
    return filename.lower().endswith(extensions if isinstance(extensions, str) else tuple(extensions))


def is_image_file(filename: str) -> bool:
    return has_file_allowed_extension(filename, IMG_EXTENSIONS)


def pil_loader(path: Any) -> Any:
    """The image of a file, as RGB."""
    with open(path, "rb") as file:
        return pillow().open(file).convert("RGB")


default_loader = pil_loader


def find_classes(directory: Any) -> tuple[list[str], dict[str, int]]:
    """The names of the folders in `directory`, sorted, and their numbers. FileNotFoundError where there are none."""
    classes = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
    if not classes:
        raise FileNotFoundError(f"Couldn't find any class folder in {directory}.")
    return classes, {name: i for i, name in enumerate(classes)}


def make_dataset(
    directory: Any, class_to_idx: dict[str, int] | None = None, extensions: str | tuple[str, ...] | None = None,
    is_valid_file: Call | None = None, allow_empty: bool = False,
) -> list[tuple[str, int]]:  # fmt: skip
    """(path, number of the class) of every file that has one of the extensions, or that is_valid_file(path) accepts.

    Classes in the order of their names, then paths in theirs. Raises FileNotFoundError for a class without files unless
    allow_empty, ValueError unless exactly one of the two conditions is given.
    """
    directory = os.path.expanduser(directory)
    if class_to_idx is None:
        class_to_idx = find_classes(directory)[1]
    elif not class_to_idx:
        raise ValueError("'class_to_index' must have at least one entry to collect any samples.")
    if (extensions is None) == (is_valid_file is None):
        raise ValueError("Both extensions and is_valid_file cannot be None or not None at the same time")
    samples, empty = [], []
    for name, number in sorted(class_to_idx.items()):
        paths = [
            os.path.join(folder, file)
            for folder, _, files in sorted(os.walk(os.path.join(directory, name), followlinks=True))
            for file in sorted(files)
        ]
        accept = is_valid_file or functools.partial(has_file_allowed_extension, extensions=extensions or ())
        accepted = [path for path in paths if accept(path)]
        samples += [(path, number) for path in accepted]
        empty += [] if accepted else [name]
    if empty and not allow_empty:
        text = f"Found no valid file for the classes {', '.join(empty)}. "
        if extensions is not None:
            shown = extensions if isinstance(extensions, str) else ", ".join(extensions)
            text += f"Supported extensions are: {shown}"
        raise FileNotFoundError(text)
    return samples


class DatasetFolder(VisionDataset):
    """root/class/.../file: a sample is (loader(path), the number of the class), each through its transform."""

    def __init__(
        self, root: Any, loader: Call, extensions: tuple[str, ...] | None = None, transform: Call | None = None,
        target_transform: Call | None = None, is_valid_file: Call | None = None, allow_empty: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(root, None, transform, target_transform)
        self.loader, self.extensions = loader, extensions
        self.classes, self.class_to_idx = self.find_classes(self.root)
        self.samples = self.make_dataset(self.root, self.class_to_idx, extensions, is_valid_file, allow_empty)
        self.targets = [number for _, number in self.samples]

    make_dataset = staticmethod(make_dataset)

    def find_classes(self, directory: Any) -> tuple[list[str], dict[str, int]]:
        return find_classes(directory)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, target = self.samples[index]
        sample = self.loader(path)
        if self.transform is not None:
            sample = self.transform(sample)
        return sample, target if self.target_transform is None else self.target_transform(target)

    def __len__(self) -> int:
        return len(self.samples)


class ImageFolder(DatasetFolder):
    """root/class/.../image.png: a sample is (an RGB image of Pillow's, the number of the class)."""

    def __init__(
        self, root: Any, transform: Call | None = None, target_transform: Call | None = None,
        loader: Call = default_loader, is_valid_file: Call | None = None, allow_empty: bool = False,
    ) -> None:  # fmt: skip
        extensions = IMG_EXTENSIONS if is_valid_file is None else None
        super().__init__(root, loader, extensions, transform, target_transform, is_valid_file, allow_empty)
        self.imgs = self.samples
