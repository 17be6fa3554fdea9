"""A profile in words: the tables, the sentence, the report."""

from __future__ import annotations

import html as markup
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .timing import Key, Row

if TYPE_CHECKING:
    from .profiler import profile

PARTS = ("forward", "backward", "optimizer", "data", "python")
TITLES = {"data": "waiting for data", "python": "Python and the rest"}
GLUE = "glassgrad's own Python"

Rows = dict[Key, Row]


def parts(prof: profile) -> dict[str, float]:
    found = dict.fromkeys(PARTS, 0.0)
    for key, row in prof.rows.items():
        if key.part != "import":
            found[key.part] += row.own
    return found


# --- numbers ---


def seconds(t: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if t >= size:
            return f"{t / size:.2f} {unit}"
    return f"{t / 1e-6:.1f} µs"


def amount(x: float, unit: str) -> str:
    if not x:
        return "-"
    for prefix, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if x >= size:
            return f"{x / size:.1f} {prefix}{unit}"
    return f"{x:.0f} {unit}"


def percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "0 %"


def place(file: str, line: int, until: int | None = None) -> str:
    more = f"-{until}" if until is not None and until > line else ""
    return f"{os.path.basename(file)}:{line}{more}"


# --- rows, added up ---


def what(key: Key) -> str:
    """The line of the table by operation that a row belongs to."""
    if key.kind == "op":
        return key.name
    if key.kind in ("module", "package"):
        return GLUE
    if key.kind == "backward":
        return "backward() itself"
    if key.kind in ("data", "optimizer"):
        return key.name
    return f"Python in {key.owner}"


def added(rows: Rows, group: Callable[[Key], Any]) -> dict[Any, Row]:
    """Sums by group, the longest first; None is no group."""
    found: dict[Any, Row] = {}
    for key, row in rows.items():
        name = group(key)
        if name is None:
            continue
        total = found.setdefault(name, Row())
        for slot in Row.__slots__:
            setattr(total, slot, getattr(total, slot) + getattr(row, slot))
    return dict(sorted(found.items(), key=lambda item: -item[1].own))


def longest(found: dict[Any, Row], top: int) -> list[tuple[Any, Row]]:
    return [(name, row) for name, row in found.items() if row.own > 0][:top]


def largest(rows: Rows, group: Callable[[Key], Any]) -> tuple[Any, float]:
    found = added(rows, group)
    name = next(iter(found), None)
    return name, found[name].own if name is not None else 0.0


# --- tables ---


def columns(head: list[str], lines: list[list[str]], left: tuple[int, ...] = (0, 1)) -> str:
    """Text in columns, words to the left, numbers to the right."""
    widths = [max(len(line[k]) for line in [head, *lines]) for k in range(len(head))]
    rows = [
        "  ".join(
            cell.ljust(w) if k in left else cell.rjust(w) for k, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in [head, ["-" * w for w in widths], *lines]
    ]
    return "\n".join(row.rstrip() for row in rows)


def numbers(row: Row, total: float) -> list[str]:
    rate = amount(row.flops / row.own, "FLOP/s")
    return [
        percent(row.own, total), seconds(row.own), str(row.calls or "-"),
        seconds(row.own / row.calls) if row.calls else "-", amount(row.allocated, "B"), amount(row.moved, "B"), rate,
    ]  # fmt: skip


def by_operation(prof: profile, rows: Rows, top: int) -> str:
    found = added(rows, lambda key: (what(key), key.phase if key.kind == "op" else ""))
    lines = [[name, phase, *numbers(row, prof.total)] for (name, phase), row in longest(found, top)]
    return columns(["operation", "", "share", "time", "calls", "each", "made", "moved", "speed"], lines)


def by_module(prof: profile, rows: Rows, top: int) -> str:
    """A module's own time, and with that of the modules in it."""
    ways = added(rows, lambda key: (key.module, key.phase))
    own = added(rows, lambda key: key.module or None)
    calls: dict[str, int] = {}
    for key, row in rows.items():
        calls[key.module] = calls.get(key.module, 0) + (row.calls if key.kind == "module" else 0)
    lines = []
    for path, row in longest(own, top):
        within = sum(other.own for name, other in own.items() if name == path or name.startswith(f"{path}."))
        times = [ways[path, way].own if (path, way) in ways else 0.0 for way in ("forward", "backward")]
        kind = prof.recorder.classes.get(path, "")
        lines.append([
            path, kind, percent(row.own, prof.total), *map(seconds, times), seconds(within),
            str(calls[path] or "-"), amount(row.flops / row.own, "FLOP/s") ,
        ])  # fmt: skip
    return columns(["module", "", "share", "forward", "backward", "with inside", "calls", "speed"], lines)


def by_line(prof: profile, rows: Rows, top: int) -> str:
    found = added(rows, lambda key: (key.file, key.line))
    lines = []
    for (file, line), row in longest(found, top):
        here = {key: r for key, r in rows.items() if (key.file, key.line) == (file, line)}
        name, most = largest(here, lambda key: f"{what(key)}{', backward' if key.phase == 'backward' else ''}")
        lines.append([place(file, line), percent(row.own, prof.total), seconds(row.own),
                      f"{name} ({percent(most, row.own)})"])  # fmt: skip
    return columns(["line", "share", "time", "most of it"], lines, (0, 3))


TABLES = {"operation": by_operation, "module": by_module, "line": by_line}


def table(prof: profile, by: str, top: int) -> str:
    if by not in TABLES:
        raise ValueError(f"table(by={by!r}): a profile has tables by {', '.join(TABLES)}")
    return TABLES[by](prof, {key: row for key, row in prof.rows.items() if key.part != "import"}, top)


# --- the sentence ---


def suspect(key: Key) -> tuple[str, ...]:
    """Whose fault a row's time is: the loader's and the optimizer's whatever happens in them."""
    if key.part in ("data", "optimizer"):
        return (key.part,)
    if key.kind == "op":
        return "op", key.name, key.phase
    if key.kind in ("function", "call", "range"):
        return "python", key.owner
    return ("backward",) if key.kind == "backward" else ("glue",)


def sentence(prof: profile) -> str:
    rows = {key: row for key, row in prof.rows.items() if key.part != "import"}
    total = prof.total
    if not total:
        return "Nothing took any time: nothing has run in the profile."
    guilty, t = largest(rows, suspect)
    its = {key: row for key, row in rows.items() if suspect(key) == guilty}
    return f"{percent(t, total)} of the time {SENTENCES[guilty[0]](guilty, its, t, total)}."


def where(module: str, file: str, line: int, until: int | None = None) -> str:
    return (f"in {module} " if module else "") + f"({place(file, line, until)})"


def _op(guilty: tuple[str, ...], its: Rows, t: float, total: float) -> str:
    _, name, phase = guilty
    (module, file, line), most = largest(its, lambda key: (key.module, key.file, key.line))
    if most >= 0.9 * t:
        return f"is {name} {where(module, file, line)}, {phase}"
    share = "most of it" if most > 0.5 * t else "the largest part"
    return f"is {name}, {phase}, {share} ({percent(most, total)}) {where(module, file, line)}"


def _python(guilty: tuple[str, ...], its: Rows, t: float, total: float) -> str:
    owner = guilty[1]
    (kind, name, module, file, line, until), most = largest(
        its, lambda key: (key.kind, key.name, key.module, key.file, key.line, key.until)
    )
    here = f"{owner} {where(module, file, line, until)}"
    if kind == "call" and most > 0.5 * t:
        return f"is {name}, called by {here}"
    return f"is Python in {here}"


def _data(guilty: tuple[str, ...], its: Rows, t: float, total: float) -> str:
    (file, line), _ = largest({k: r for k, r in its.items() if k.kind == "data"}, lambda key: (key.file, key.line))
    waits = f"is waiting for the DataLoader ({place(file, line)})"
    inner = {key: row for key, row in its.items() if key.kind != "data"}
    if any("(workers)" in key.name for key in its):
        return f"{waits}, whose workers take longer to make a batch than the rest to use it"
    return waits + _within(inner, t, "this process makes the batches itself (num_workers=0)")


def _optimizer(guilty: tuple[str, ...], its: Rows, t: float, total: float) -> str:
    own = {key: row for key, row in its.items() if key.kind == "optimizer"}
    (name, file, line), _ = largest(own, lambda key: (key.name, key.file, key.line))
    inner = {key: row for key, row in its.items() if key.kind != "optimizer"}
    return f"is the optimizer, {name} ({place(file, line)})" + _within(inner, t, "")


def _within(inner: Rows, t: float, otherwise: str) -> str:
    """What takes the larger part of it, if anything of the user's does."""
    name, most = largest(inner, lambda key: (key.owner, key.file, key.line))
    if most > 0.5 * t:
        return f", most of it in {name[0]} ({place(*name[1:])})"
    return f": {otherwise}" if otherwise else ""


SENTENCES: dict[str, Callable[..., str]] = {
    "op": _op,
    "python": _python,
    "data": _data,
    "optimizer": _optimizer,
    "backward": lambda *_: "is backward() itself: finding where to start, and adding gradients to the leaves",
    "glue": lambda *_: f"is {GLUE}: the operations are too small for what it costs to call them",
}


# --- all of it ---


def summary(prof: profile) -> Iterable[str]:
    total, n = prof.total, prof.steps
    yield f"{seconds(total)}" + (f", {n} steps of {seconds(total / n)}" if n > 1 else "")
    yield "  ".join(
        f"{TITLES.get(part, part)} {percent(t, total)}" for part, t in prof.parts.items() if t >= 0.005 * total
    )
    imports = sum(row.own for key, row in prof.rows.items() if key.part == "import")
    notes = [f"{seconds(imports)} of imports"] if imports > 0.01 * total else []
    if prof.overhead > 0.01 * total:
        notes.append(f"{seconds(prof.overhead)} of the profiler's own")
    if notes:
        yield f"Left out of all this: {', '.join(notes)}."


def report(prof: profile) -> str:
    modules = table(prof, "module", 15)
    tables = [table(prof, "operation", 15), *([modules] if modules.count("\n") > 1 else [])]
    return "\n".join([prof.sentence, "", *summary(prof), "", "\n\n".join(tables)])


def html(prof: profile) -> str:
    return f"<pre>{markup.escape(report(prof))}</pre>"
