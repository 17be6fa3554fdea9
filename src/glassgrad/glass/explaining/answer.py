"""An Explanation, and how a person reads it."""

from __future__ import annotations

import ast
import linecache
import os
import re
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, NamedTuple

from ...core.provenance import Place, line_of
from .causes import CAUSES

OFF = re.compile(r"no_grad|inference_mode|set_grad_enabled\(False\)")
DRAWS = re.compile(r"\.sample(_n)?\(|\b(normal|bernoulli|multinomial|poisson)_?\(")


class Line(NamedTuple):
    """A line of the user's program."""

    file: str
    number: int

    @property
    def text(self) -> str:
        return linecache.getline(self.file, self.number).strip()

    def __str__(self) -> str:
        return f"{os.path.basename(self.file)}:{self.number}" + (f"   {self.text}" if self.text else "")


def line(place: Place | Line | None) -> Line | None:
    return place if place is None or isinstance(place, Line) else Line(*line_of(place))


@dataclass
class Explanation:
    """Why a gradient is what it is; print it to read it.

    code      of the cause; docs/explain.md lists them. "GE100": nothing is wrong, "": nobody can tell from here
    name      what it is about, as the user calls it
    state     what its gradient is: "the gradient is None"
    cause     a sentence
    place     the user's line, or None
    evidence  what speaks for it, in numbers
    fix       the likeliest
    more      the call that would tell more, where the cause is not certain
    """

    code: str
    name: str
    state: str
    cause: str
    place: Line | None = None
    evidence: list[str] = field(default_factory=list)
    fix: str = ""
    more: str = ""

    @property
    def title(self) -> str:
        return CAUSES[self.code].name if self.code else "cause unknown"

    @property
    def fine(self) -> bool:
        """Whether nothing is wrong."""
        return self.code == "GE100"

    @property
    def line(self) -> int:
        return self.place.number if self.place else 0

    @property
    def file(self) -> str:
        return self.place.file if self.place else ""

    def __str__(self) -> str:
        rows = [f"{self.name}: {self.state}"]
        rows += [f"{self.code} {self.title}".strip()] if not self.fine else []
        rows += [f"  at   {self.place}"] if self.place else []
        rows += [f"  {text}" for text in ([self.cause, *self.evidence] if not self.fine else self.evidence)]
        if not self.fine:
            rows += [f"  fix  {self.fix}"] if self.fix else []
            lint = CAUSES[self.code].lint if self.code else ""
            rows += [f"  see  {lint} in docs/lint.md"] if lint else []
        rows += [f"  more {self.more}"] if self.more else []
        return "\n".join(rows)

    __repr__ = __str__


class Explanations(list[Explanation]):
    """One for each parameter that has something wrong; none, if all is well."""

    def __str__(self) -> str:
        if not self:
            return "nothing wrong: every parameter has a healthy gradient"
        return "\n\n".join(map(str, grouped(self)))

    __repr__ = __str__

    @property
    def codes(self) -> list[str]:
        return [one.code for one in self]


def grouped(found: list[Explanation]) -> list[Explanation]:
    """One for each cause and line: the first, under the names of all."""
    groups: dict[Any, list[Explanation]] = {}
    for one in found:
        groups.setdefault((one.code, one.place), []).append(one)
    made = []
    for several in groups.values():
        first = several[0]
        if len(several) > 1:
            names = [one.name for one in several]
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            first = Explanation(**{**vars(first), "name": ", ".join(names[:3]) + more})
        made.append(first)
    return made


def say(
    code: str, name: str, state: str, place: Place | Line | None, *evidence: str, more: str = "", **fields: Any
) -> Explanation:
    cause = CAUSES[code]
    known = {"name": name, "loss": "the loss", **fields}
    says, fix = cause.says.format(**known), cause.fix.format(**known)
    return Explanation(code, name, state, says, line(place), [e for e in evidence if e], fix, more)


# --- the user's source ---


def syntax(file: str) -> ast.Module | None:
    try:
        return ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return None


def assigned(name: str, frame: FrameType | None) -> Line | None:
    """Where the source assigns what has this name: of model.fc1.weight .weight, else .fc1, else model."""
    if frame is None or not name:
        return None
    file, here = frame.f_code.co_filename, frame.f_lineno
    tree = syntax(file)
    if tree is None:
        return None
    *path, last = [part for part in re.split(r"[.\[\]']+", name) if part and not part.isdigit()] or [""]
    found: dict[tuple[bool, str], list[int]] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            continue
        targets: list[Any] = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in (t for one in targets for t in (one.elts if isinstance(one, ast.Tuple) else [one])):
            if isinstance(target, ast.Name):
                found.setdefault((False, target.id), []).append(node.lineno)
            elif isinstance(target, ast.Attribute):
                found.setdefault((True, target.attr), []).append(node.lineno)
    tries = [(True, part) for part in reversed([*path[1:], last] if path else [])] + [(False, (*path, last)[0])]
    first = frame.f_code.co_firstlineno
    for key in tries:
        lines = found.get(key, [])
        near = [n for n in lines if n <= here and (key[0] or n >= first)] or lines
        if near:
            return Line(file, max(near))
    return None


def written(pattern: str, frame: FrameType | None, after: Line | None = None) -> Line | None:
    """The last line of the user's function up to here, behind `after` if it can be, that the pattern is in."""
    if frame is None:
        return None
    return written_in(pattern, frame.f_code.co_filename, frame.f_code.co_firstlineno, frame.f_lineno, after)


def written_in(pattern: str, file: str, first: int, last: int | None, after: Line | None) -> Line | None:
    texts = linecache.getlines(file)[first - 1 : last]
    lines = [k for k, text in enumerate(texts, start=first) if re.search(pattern, text.split("#")[0])]
    behind = [k for k in lines if after is not None and k > after.number]
    return Line(file, (behind[:1] or lines[-1:])[0]) if lines else None


def unrecorded(name: str, frame: FrameType | None) -> Line | None:
    """The last line of the user's function that computes with what has this name under no_grad(): of net.fc1.weight
    with fc1, because net may be evaluated in its neighbourhood.
    """
    if frame is None:
        return None
    file, here = frame.f_code.co_filename, frame.f_lineno
    tree = syntax(file)
    if tree is None:
        return None
    path = name.removeprefix("self.").split(".")
    words = set(path[1:-1] or path[-1:])
    blocks = [n for n in ast.walk(tree) if isinstance(n, ast.With) and OFF.search("".join(map(ast.unparse, n.items)))]
    parts: list[Any] = [part for block in blocks for statement in block.body for part in ast.walk(statement)]
    lines = [p.lineno for p in parts if getattr(p, "id", getattr(p, "attr", "")) in words and p.lineno <= here]
    return Line(file, max(lines)) if lines and max(lines) >= frame.f_code.co_firstlineno else None
