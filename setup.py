"""Builds the kernels and the scalar engine where there is a C++ compiler; without one the package installs and works,
more slowly.

Everything else about the package stands in pyproject.toml.
"""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import numpy
from setuptools import Extension, setup

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
        depends=sorted(map(str, Path(sources).glob("*.h"))),
        extra_compile_args=FLAGS + flags,
        extra_link_args=["-pthread", "-s"],
        language="c++",
        optional=True,
        **more,
    )


setup(
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
    ]
)
