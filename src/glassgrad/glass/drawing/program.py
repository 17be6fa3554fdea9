"""The graph of a program's first scalar whose backward() is called, drawn into a file: `glassgrad run --graph`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...core.provenance import caller, show
from ...core.tensor import Tensor
from ...scalar.engine import Value
from ..programs import before_backward
from .drawing import FORMS, draw


@contextmanager
def drawn(path: str) -> Iterator[None]:
    """While it lasts every result is kept, until there is something to draw.

    The picture is made before that backward() runs, with gradients of its own walk, so hooks run once more than
    without. A failure to draw is told on standard error and stops nothing.
    """
    file = Path(path or "graph.html").absolute()
    if file.suffix.lower() not in FORMS:
        raise SystemExit(f"glassgrad run: --graph writes a file that ends in {', '.join(FORMS)}; got {file.name!r}")
    said = ""

    def see(root: Value | Tensor, gradient: Tensor | float | None) -> bool:
        nonlocal said
        if isinstance(root, Tensor) and root.numel() != 1:
            return False
        try:
            draw(root, gradient=gradient).save(file)
            said = f"{file.name} is the graph of {show(caller())}"
        except Exception as problem:
            said = f"no {file.name}: {problem}"
        print(f"glassgrad run: {said}", file=sys.stderr)
        return True

    with before_backward(see):
        yield
    if not said:
        print(f"glassgrad run: no {file.name}: backward() of a scalar was never called", file=sys.stderr)
