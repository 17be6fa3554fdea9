"""The graph of a program's first scalar whose backward() is called, drawn into a file: `glassgrad run --graph`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ... import autograd as public
from ...core import autograd as engine
from ...core.provenance import caller, show
from ...core.tensor import Tensor
from ...scalar.engine import Value
from ..graph import watch
from .drawing import FORMS, draw

HOMES: tuple[Any, ...] = (engine, public, Value)  # where a program finds a backward()


@contextmanager
def drawn(path: str) -> Iterator[None]:
    """While it lasts every result is kept, until there is something to draw.

    The picture is made before that backward() runs, with gradients of its own walk, so hooks run once more than
    without. A failure to draw is told on standard error and stops nothing.
    """
    file = Path(path or "graph.html").absolute()
    if file.suffix.lower() not in FORMS:
        raise SystemExit(f"glassgrad run: --graph writes a file that ends in {', '.join(FORMS)}; got {file.name!r}")
    originals = [(home, home.backward) for home in HOMES]
    with ExitStack() as watched:

        def stop() -> None:
            for home, original in originals:
                home.backward = original
            watched.close()

        def told(original: Callable[..., Any]) -> Callable[..., Any]:
            def backward(*args: Any, **options: Any) -> Any:
                root = args[0] if args else None
                if isinstance(root, Value) or (isinstance(root, Tensor) and root.numel() == 1):
                    stop()
                    try:
                        draw(root).save(file)
                        print(f"glassgrad run: {file.name} is the graph of {show(caller())}", file=sys.stderr)
                    except Exception as problem:
                        print(f"glassgrad run: no {file.name}: {problem}", file=sys.stderr)
                return original(*args, **options)

            return backward

        watched.enter_context(watch())
        for home, original in originals:
            home.backward = told(original)
        try:
            yield
            if engine.backward is not originals[0][1]:
                print(f"glassgrad run: no {file.name}: backward() of a scalar was never called", file=sys.stderr)
        finally:
            stop()
