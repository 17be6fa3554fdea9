"""What one can do at a cursor, as a table of commands; what its screens show, as lines of text."""

from __future__ import annotations

import linecache
import math
import os
import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from ...core.provenance import Place, line_of
from ...scalar.engine import Value
from ..canvas import plain_text
from ..graph import Vertex
from ..summary import on_host
from ..words import expression, norm, shown, text_of
from .cursor import Cursor

WIDEST = 500  # characters of a line
ENTRIES = 200  # of an array are shown; of a larger one its corners
TERMS = 12  # of one entry's sum
INDEX = re.compile(r"(?P<name>.*?)\s*\[(?P<index>[\d,\s]*)\]$")


class Line(NamedTuple):
    """A line of a screen. style: "", "bold", "soft", "here" (the current step or line), "wrong" (not finite)."""

    text: str
    style: str = ""
    step: int = 0  # of the list of steps: where a click goes


class Session:
    """A cursor and what a person has told it.

    stands   the line of the program that stands before this pass
    said     the answer to the last command;  page: lines shown in place of the mathematics until the next command
    closed   None while it is open; then whether the program goes on
    """

    def __init__(self, cursor: Cursor, stands: Place | None = None) -> None:
        self.cursor, self.stands = cursor, stands
        self.breakpoints: set[int] = set()
        self.needle, self.above = "", 0.0
        self.exact = False
        self.said, self.page = "", list[Line]()
        self.closed: bool | None = None
        self._styles: dict[int, str] = {}
        self.steps = _listed(cursor)  # the list of steps, with the modules as headings, still without texts

    def do(self, command: Command, words: str = "") -> None:
        """Carry out a command; a mistake becomes what is said."""
        self.said, self.page = "", []
        try:
            self.said = command.does(self, words.strip()) or ""
        except (IndexError, KeyError, OverflowError, RuntimeError, ValueError) as problem:
            self.said = str(problem.args[0] if problem.args else problem)

    # --- what is shown ---

    def listed(self, height: int) -> list[Line]:
        """So many lines of the list of steps, the current one among them: done, here, to come; breakpoints."""
        here = next((k for k, row in enumerate(self.steps) if row.step == self.cursor.at), -1)
        first = max(0, min(here - height // 2, len(self.steps) - height))
        wide = len(str(len(self.cursor)))
        lines = []
        for depth, heading, step in self.steps[first : first + height]:
            indent = "  " * depth
            if not step:
                lines.append(clean(f"{' ' * (wide + 4)}{indent}{heading}", "soft"))
                continue
            at = self.cursor.at
            sign = ">" if step == at else "*" if step in self.breakpoints else " "
            style = "here" if step == at else self.wrong(step) or ("soft" if step < at else "")
            text = f"{sign} {step:>{wide}}  {indent}{title(self.cursor.order[step - 1])}"
            lines.append(clean(text, style, step))
        return lines

    def wrong(self, step: int) -> str:
        """The style of a step: whether what it hands on is finite; once seen, remembered."""
        if step not in self._styles:
            v = self.cursor.order[step - 1]
            handed = [v.gradient, *[edge.flow for edge in v.edges if edge.flow is not None]]
            self._styles[step] = next(filter(None, map(wrong, handed)), "")
        return self._styles[step]

    def mathematics(self, width: int = 80) -> list[Line]:
        """The current step: upstream times local is downstream, and the sum it is part of."""
        if self.page:
            return self.page
        cursor, v = self.cursor, self.cursor.vertex
        if v is None:
            lines = [clean(line) for line in str(cursor).splitlines()]
            return [*lines, Line(""), Line("Before the first step: n takes it, ? lists all keys.", "soft")]
        what, name = expression(v), text_of(v)
        lines = [clean(name if what == name else f"{name} = {what}", "bold")]
        if v.value is not None:
            lines.append(clean(f"  = {shown(v.value)}", wrong(v.value)))
        lines += [clean(f"  in {'.'.join(v.module)}", "soft")] if v.module else []
        lines += [Line(""), clean(f"upstream  {shown(v.gradient)}", wrong(v.gradient))]
        flows = [edge.flow for edge in v.edges if edge.flow is not None]
        for (to, product, total), flow in zip(cursor.rows(), flows, strict=True):
            lines += [Line(""), clean(to, "bold"), clean(f"  {product}", wrong(flow)), clean(f"  {total}")]
        if self.exact:
            lines += self.entries(width)
        return lines

    def entries(self, width: int) -> list[Line]:
        """The numbers of the current step's arrays."""
        v = self.cursor.vertex
        if v is None:
            return []
        arrays = {"upstream": v.gradient, **{f"to {text_of(e.vertex)}": e.flow for e in v.edges if e.flow is not None}}
        lines = []
        for name, array in arrays.items():
            x = on_host(array)
            if x is not None and x.size > 1:
                with np.printoptions(threshold=ENTRIES, edgeitems=3, linewidth=max(width - 2, 20), precision=4):
                    lines += [Line(""), clean(name, "bold"), *[clean(f"  {row}") for row in str(x).splitlines()]]
        return lines

    def source(self, height: int) -> list[Line]:
        """The program's lines around the one that made the current result; where nobody knows it, where it stands."""
        v = self.cursor.vertex
        place = v.place if v is not None and v.place is not None else self.stands
        if place is None:
            return [Line("The line of the program is not known.", "soft")]
        file, number = line_of(place)
        text = linecache.getlines(file)
        inside = place[0].co_qualname
        head = f"{os.path.basename(file)}:{number}" + ("" if inside.startswith("<") else f"  in {inside}")
        if v is not None and v.place is None:
            head += "  where the program stands; inside watch() Values have lines"
        lines = [clean(head, "soft")]
        first = max(1, min(number - (height - 1) // 2, len(text) - height + 2))
        for k in range(first, min(first + height - 1, len(text) + 1)):
            mark = ">" if k == number else " "
            row = text[k - 1].rstrip().expandtabs(4)
            lines.append(clean(f"{mark} {k:>4}  {row}", "here" if k == number else ""))
        return lines if text else [*lines, Line("Its source is not at hand.", "soft")]

    # --- where to ---

    def place(self, words: str) -> int:
        """The step that a number, a name, or an operation's name means; ValueError where nothing fits."""
        if words.isdecimal() and int(words) <= len(self.cursor):
            return int(words)
        at = self.cursor.at
        try:
            return self.cursor.goto(words).at
        except (KeyError, ValueError):
            for step, v in self.around():
                if words in (v.op, v.title, title(v), expression(v)):
                    return step
            known = {v.name for v in self.cursor.graph.vertices} - {""} | {v.op for v in self.cursor.order}
            near = get_close_matches(words, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {len(self.cursor)} steps; / searches"
            raise ValueError(f"no step is called {words!r}; {hint}") from None
        finally:
            self.cursor.goto(at)

    def around(self) -> Iterator[tuple[int, Vertex]]:
        """All steps, from the next one on and again from the beginning."""
        at, steps = self.cursor.at, [*enumerate(self.cursor.order, start=1)]
        return chain(steps[at:], steps[:at])

    def move(self, step: int | None, otherwise: str) -> str:
        """Go there, or say why not."""
        if step is None:
            return otherwise
        self.cursor.goto(step)
        return ""


class Row(NamedTuple):
    """Of the list of steps: a step, or a module's heading where step is 0."""

    depth: int
    heading: str
    step: int


def _listed(cursor: Cursor) -> list[Row]:
    rows: list[Row] = []
    around: tuple[str, ...] = ()
    for step, v in enumerate(cursor.order, start=1):
        same = len(os.path.commonprefix([around, v.module]))
        for depth in range(same, len(v.module)):
            path = v.module[: depth + 1]
            kind = cursor.graph.modules.get(path, "")
            rows.append(Row(depth, path[-1] + (f" {kind}" if kind not in ("", path[-1]) else ""), 0))
        around = v.module
        rows.append(Row(len(around), "", step))
    return rows


def title(v: Vertex) -> str:
    """A step in the list: a tensor's operation, a Value's formula."""
    what = expression(v) if isinstance(v.source, Value) else v.op
    return f"{v.name} = {what}" if v.name else what


def clean(text: str, style: str = "", step: int = 0) -> Line:
    """A line without control characters, whatever a name or the source holds."""
    return Line(plain_text(text, WIDEST), style, step)


def wrong(x: Any) -> str:
    return "" if math.isfinite(norm(x)) else "wrong"


# --- the commands -------------------------------------------------------------------------------------------


class Command(NamedTuple):
    """does(session, words) carries it out and answers with a sentence or nothing."""

    name: str
    keys: str  # of the keyboard; the first is also what one types at the prompt
    summary: str
    does: Callable[[Session, str], str | None]
    asks: str = ""  # for words, with this question


def on(session: Session, words: str) -> str:
    at = session.cursor.at
    return session.move(at + 1 if at < len(session.cursor) else None, "that was the last step")


def to(session: Session, words: str) -> str:
    if not words:
        return "a number of a step, or the name of a variable, a parameter or an operation"
    return session.move(session.place(words), "")


def search(session: Session, words: str) -> str:
    session.needle = words or session.needle
    if not session.needle:
        return "search for what?"
    at = session.cursor.at
    for step, v in session.around():
        if session.needle.lower() in f"{title(v)} {'.'.join(v.module)} {v.title}".lower():
            session.move(step, "")
            return f"/{session.needle}" + ("" if step > at else "  from the beginning again")
    return f"no step has {session.needle!r} in it"


def breakpoint_at(session: Session, words: str) -> str:
    step = session.place(words) if words else session.cursor.at
    if not step:
        return "no step has been taken: b with a number or a name"
    session.breakpoints ^= {step}
    said = "breakpoint at" if step in session.breakpoints else "no breakpoint any more at"
    return f"{said} step {step}: {title(session.cursor.order[step - 1])}; r runs to the next one"


def run(session: Session, words: str) -> str:
    ahead = sorted(step for step in session.breakpoints if step > session.cursor.at)
    return session.move(next(iter(ahead), None), "no breakpoint ahead: b sets one")


def nan(session: Session, words: str) -> str:
    return session.move(session.cursor.ahead(nan=True), "no NaN or infinity ahead")


def above(session: Session, words: str) -> str:
    try:
        session.above = float(words) if words else session.above
    except ValueError:
        return f"{words!r} is no number"
    return session.move(
        session.cursor.ahead(above=session.above), f"no gradient ahead has a norm above {session.above:g}"
    )


def module(session: Session, words: str) -> str:
    here = session.cursor.vertex.module if session.cursor.vertex is not None else ()
    if words:
        known = sorted({".".join(v.module) for v in session.cursor.order} - {""})
        found = session.cursor.ahead(module=words)
        return session.move(found, f"no step ahead in {words!r}: there are {', '.join(known[:6]) or 'no modules'}")
    return session.move(session.cursor.ahead(lambda v: v.module not in ((), here)), "no other module ahead")


def exact(session: Session, words: str) -> str:
    """Without words, the entries of all arrays of this step; else the sum that one entry is: w[0, 2]."""
    if not words:
        session.exact = not session.exact
        few = session.exact and not session.entries(80)
        return "all numbers of this step are here" if few else ""
    found = INDEX.match(words)
    name, index = (found["name"], found["index"]) if found else (words, "")
    at = tuple(int(k) for k in index.split(",") if k.strip())
    terms = session.cursor.entry(name, at)
    rows = [f"  {g:.6g} * {local:.6g} = {g * local:.6g}    from {list(k)}" for k, g, local in terms[:TERMS]]
    rows += [f"  ... {len(terms) - TERMS} more"] if len(terms) > TERMS else []
    total = sum(g * local for _, g, local in terms)
    head = [clean(f"what {name}{list(at) if at else ''} gets in this step", "bold"), Line("upstream * local")]
    session.page = [*head, *map(clean, rows), clean(f"  sum  {total:.6g}", "bold")]
    return ""


def close(goes_on: bool) -> Callable[[Session, str], None]:
    def close(session: Session, words: str) -> None:
        session.closed = goes_on

    return close


def list_steps(session: Session, words: str) -> None:
    session.page = session.listed(40)


def help(session: Session, words: str) -> None:
    wide = max(len(command.keys) for command in COMMANDS)
    session.page = [Line(f"{command.keys:<{wide}}  {command.summary}") for command in COMMANDS]


COMMANDS = [
    Command("next", "n right space", "one step on", on),
    Command("back", "p left", "one step back", lambda s, _: s.move(max(s.cursor.at - 1, 0), "")),
    Command("begin", "home", "before the first step", lambda s, _: s.move(0, "")),
    Command("end", "end", "behind the last step", lambda s, _: s.move(len(s.cursor), "")),
    Command("goto", "g", "to a step's number, or where a name's gradient is complete", to, "number or name"),
    Command("search", "/", "the next step with this text; nothing: the same again", search, "text"),
    Command("breakpoint", "b", "set or remove one; nothing: here", breakpoint_at, "number or name"),
    Command("run", "r", "to the next breakpoint", run),
    Command("nan", "N", "to the next NaN or infinity", nan),
    Command("above", ">", "to the next gradient with a larger norm", above, "|g| above"),
    Command("module", "m", "into a module; nothing: the next one", module, "path"),
    Command(
        "entries",
        "e",
        "the numbers of this step; w[0, 2]: the sum that this entry is",
        exact,
        "w[0, 2], or nothing for all",
    ),
    Command("list", "l", "the steps around this one", list_steps),
    Command("help", "?", "this list", help),
    Command("continue", "c", "close this, the program goes on", close(True)),
    Command("quit", "q", "close this, the program ends", close(False)),
]
