"""Builds the kernels and the scalar engine where there is a C++ compiler; without one the package installs and works,
more slowly.

Everything else about the package stands in pyproject.toml.
"""

from __future__ import annotations

import copy
import os
import platform
import shutil
from pathlib import Path
from typing import Any

import numpy
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

SOURCES = "src/glassgrad/kernels/native"

# The same sources for each level of x86-64; glassgrad/kernels/__init__.py takes the best that the processor runs.
LEVELS = {"engine": []}
if platform.machine() in {"x86_64", "AMD64"}:
    LEVELS |= {"engine_v3": ["-march=x86-64-v3"], "engine_v4": ["-march=x86-64-v4", "-mprefer-vector-width=512"]}

# No -ffast-math: it reorders sums and forgets NaN. These two let loops with sqrt and comparisons become vectors.
FLAGS = ["-std=c++17", "-O3", "-fvisibility=hidden", "-fno-math-errno", "-fno-trapping-math", "-g0"]


def extension(name: str, sources: str, flags: list[str], **more: Any) -> Extension:
    return Extension(
        f"glassgrad.{name}",
        sorted(map(str, Path(sources).glob("*.cpp"))),
        depends=["setup.py", *sorted(map(str, Path(sources).glob("*.h")))],
        extra_compile_args=FLAGS + flags,
        extra_link_args=["-pthread", "-s"],
        language="c++",
        optional=True,
        **more,
    )


class Build(build_ext):
    """The extensions side by side; in an editable install only those that are older than what they are made from."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.parallel = self.parallel or True

    def build_extension(self, ext: Extension) -> None:
        alone = copy.copy(self)  # with objects of its own: the levels compile the same sources
        alone.build_temp = os.path.join(self.build_temp, ext.name)
        there, made = Path("src", self.get_ext_filename(ext.name)), Path(self.get_ext_fullpath(ext.name))
        if self.editable_mode and there.exists():
            made.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(there, made)
        super(Build, alone).build_extension(ext)


setup(
    cmdclass={"build_ext": Build},
    ext_modules=[
        # Its numbers are those of the Python beside it: no product and sum in one rounding.
        extension("scalar._tape", "src/glassgrad/scalar/native", ["-O2", "-ffp-contract=off"]),
        *(
            extension(
                f"kernels.{name}",
                SOURCES,
                flags,
                include_dirs=[numpy.get_include()],
                define_macros=[("GLASSGRAD_LEVEL", name)],
            )
            for name, flags in LEVELS.items()
        ),
    ],
)
