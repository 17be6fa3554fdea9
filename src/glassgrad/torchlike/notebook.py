"""A notebook as a program: its code cells in order, and what each shows at its end."""

from __future__ import annotations

import ast
import json
import linecache
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Any

HERE = ("time", "timeit", "capture", "prun")  # cell magics whose cell is Python


def cells(text: str) -> Iterator[str]:
    """The source of each code cell. ValueError if the text is no notebook."""
    book = json.loads(text)
    if not isinstance(book, dict) or "cells" not in book and "worksheets" not in book:
        raise ValueError("expected an object with 'cells'")
    found = book["cells"] if "cells" in book else [cell for sheet in book["worksheets"] for cell in sheet["cells"]]
    for cell in found:
        if cell.get("cell_type") == "code":
            source = cell.get("source", cell.get("input", ""))
            yield source if isinstance(source, str) else "".join(source)


def run_cells(title: str, sources: list[str], space: dict[str, Any]) -> None:
    """Run every cell in `space`, as Jupyter would; the value of a cell's last expression is printed, unless None."""
    quiet_pictures()
    space["display"] = lambda *things: print(*map(repr, things), sep="\n")
    for number, source in enumerate(sources, start=1):
        name = f"{title}[{number}]"
        linecache.cache[name] = len(source), None, [f"{line}\n" for line in source.splitlines()], name
        body = parse(source, name)
        shown = body.body.pop() if ends_in_expression(body, source) else None
        exec(compile(body, name, "exec", dont_inherit=True), space)
        if shown is not None:
            value = eval(compile(ast.Expression(shown.value), name, "eval", dont_inherit=True), space)  # type: ignore[attr-defined]
            if value is not None:
                print(repr(value))


def ends_in_expression(body: ast.Module, source: str) -> bool:
    return bool(body.body) and isinstance(body.body[-1], ast.Expr) and not source.rstrip().endswith(";")


def parse(source: str, name: str) -> ast.Module:
    """A cell's tree. Lines that speak to the notebook are left out where the cell isn't Python with them."""
    try:
        return ast.parse(source, name)
    except SyntaxError:
        source = "\n".join(without_magics(source.splitlines(), name))
    return ast.parse(source, name)


def without_magics(lines: list[str], name: str) -> Iterator[str]:
    """The lines, with `pass` for each that speaks to the notebook; said on stderr."""
    whole = False
    for number, line in enumerate(lines, start=1):
        word = line.strip()
        if word.startswith("%%"):
            whole = word[2:].split(" ")[0] not in HERE
        if whole or word.startswith(("%", "!", "?")) or (word.endswith("?") and word[:-1].isidentifier()):
            if word and (not whole or word.startswith("%%")):
                what = "this cell" if whole else "this line"
                print(f"{name}:{number}: {what} speaks to the notebook and is left out: {word}", file=sys.stderr)
            yield line[: len(line) - len(line.lstrip())] + "pass"
        else:
            yield line


def quiet_pictures() -> None:
    """Matplotlib draws without windows, as in a notebook: show() doesn't wait for anybody."""
    os.environ.setdefault("MPLBACKEND", "agg")
    warnings.filterwarnings("ignore", message=".*non-interactive, and thus cannot be shown")
