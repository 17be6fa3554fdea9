"""Say what is installed, what is missing, where data is found."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import glassgrad
from glassgrad.core import native
from glassgrad.data.download import DatasetNotFound, folders_of, locate
from glassgrad.data.vision import MNIST_SOURCE
from glassgrad.scalar import engine as scalar

# extra -> the distribution it stands for, and what it is for
EXTRAS = {
    "plot": ("matplotlib", "curves, filters and gradient fields as pictures"),
    "cli": ("rich", "a progress bar while training"),
    "step": ("textual", "the screen of `glassgrad step`"),
    "digits": ("scikit-learn", "8x8 digits that need no download, two moons"),
    "bf16": ("ml_dtypes", "bfloat16"),
    "hf": ("safetensors", "weights as safetensors files"),
    "vision": ("pillow", "pictures: vision's data sets, transforms and save_image"),
    "tensorboard": ("tensorboardX", "SummaryWriter"),
}
THREAD_SETTINGS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

Row = tuple[str, str]


def arguments(parser: argparse.ArgumentParser) -> None:
    """No options: the doctor looks at everything."""


def run(args: argparse.Namespace) -> int:
    """Print the report. Exit status 0: what is missing is optional."""
    sections = {"engine": engine(), "extras": extras(), "data": data()}
    print("\n\n".join(f"{title}\n{table(list(rows))}" for title, rows in sections.items()))
    return 0


def table(rows: list[Row]) -> str:
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:<{width}}  {text}" for name, text in rows)


def engine() -> Iterator[Row]:
    yield "glassgrad", f"{glassgrad.__version__}, {Path(glassgrad.__file__).parent}"
    yield "Python", f"{platform.python_version()} {platform.python_implementation()}, {platform.platform()}"
    yield "NumPy", np.__version__
    yield "kernels", kernels()
    yield "scalars", absent() if scalar.tape is None else "compiled"
    yield "BLAS", blas()
    settings = [f"{name}={os.environ[name]}" for name in THREAD_SETTINGS if name in os.environ]
    yield "threads", ", ".join([f"{cpus()} CPUs for this process", *settings])


def kernels() -> str:
    """Which build of the kernels runs, or why none does, and the command that changes it."""
    if native.engine is not None:
        return f"{native.engine.__name__.rsplit('.', 1)[-1]}, {native.get_num_threads()} threads"
    return absent()


def absent() -> str:
    """Why a compiled part is not there."""
    if os.environ.get("GLASSGRAD_NATIVE") == "0":
        return "switched off by GLASSGRAD_NATIVE=0: unset GLASSGRAD_NATIVE"
    return "not built, everything works more slowly: with a C++ compiler there, pip install --force-reinstall glassgrad"


def blas() -> str:
    """The linear algebra that NumPy was built with."""
    found = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    return f"{found.get('name', 'unknown')} {found.get('version', '')}".strip()


def cpus() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux: the CPUs this process may use, fewer in a container
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def extras() -> Iterator[Row]:
    for extra, (distribution, purpose) in EXTRAS.items():
        try:
            yield extra, f"{distribution} {importlib.metadata.version(distribution)}"
        except importlib.metadata.PackageNotFoundError:
            yield extra, f"missing: {purpose}. pip install 'glassgrad[{extra}]'"


def data() -> Iterator[Row]:
    try:
        folders = dict.fromkeys(locate(MNIST_SOURCE, file.name).parent for file in MNIST_SOURCE.files)
        yield "MNIST", ", ".join(map(str, folders))
    except DatasetNotFound:
        yield "MNIST", "not found: training downloads it. Looked in"
        yield from (("", str(folder)) for folder in folders_of(MNIST_SOURCE, None))
