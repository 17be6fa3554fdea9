"""derive(loss, wrt=w): the chain rule of the actual graph between them, with names, shapes and numbers, checked."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from ...core.tensor import Tensor
from ...scalar import Value
from ..graph import COUNTED, Graph, Vertex, look, names_around
from ..pages import saved
from ..summary import on_host
from ..words import text_of
from .lines import Step, between, of_tensors, of_values
from .maths import Math
from .symbols import Symbols

STEPS = 12  # operations; of a longer derivation the ends are shown


def derive(
    root: Value | Tensor, wrt: Value | Tensor | str, gradient: Any = None, steps: int | None = STEPS
) -> Derivation:
    """The derivative of `root` with respect to `wrt` as a person would write it down, every step checked.

    wrt: a Value or Tensor that root depends on, or its name. gradient: that of the root, needed for a tensor unless it
    has one element. steps: of a longer derivation the first and last operations are shown; None shows all.
    No .grad changes, nothing is freed. A tensor's numbers are known where its graph was made inside watch().
    Raises ValueError, saying why, where there is no derivative, WrongFormula where a step fails its check.

    >>> a = Value(3.0)
    >>> y = (2 * a) ** 2
    >>> print(derive(y, wrt=a))
    u₁ = 2 a = 2 · 3 = 6
    y  = u₁² = 6² = 36
    <BLANKLINE>
    ∂y/∂u₁ = 2 u₁ = 2 · 6 = 12
    ∂u₁/∂a = 2
    <BLANKLINE>
    dy/da = ∂y/∂u₁ · ∂u₁/∂a = 12 · 2 = 24
    <BLANKLINE>
    2 of 2 steps checked by finite differences, to ...
    """
    if not isinstance(wrt, Value | Tensor | str):
        raise TypeError(f"derive: wrt= is a Value, a Tensor or the name of one, got {type(wrt).__name__}")
    if steps is not None and steps < 2:
        raise ValueError(f"derive: steps= is a number of operations, at least 2, or None for all; got {steps}")
    graph = look(root, gradient, names_around())
    return Derivation(graph, _goal(graph, root, wrt), steps)


def _goal(graph: Graph, root: Value | Tensor, wrt: Value | Tensor | str) -> Vertex:
    """The vertex of wrt; an error that says why there is no derivative."""
    what = wrt if isinstance(wrt, str) else "wrt"
    if isinstance(wrt, Tensor):
        if wrt.array.dtype.kind in "biu":
            raise ValueError(
                f"derive: wrt holds {wrt.dtype}, and only floating point numbers have derivatives: .float()"
            )
        if not wrt.requires_grad:
            raise ValueError(
                "derive: wrt requires no gradient, so the graph does not know it. Call .requires_grad_() on it before "
                "the loss is computed."
            )
    if graph.root.wants and graph.root.gradient is None:
        raise ValueError("derive: " + " ".join(graph.notes).replace("Pass gradient=", "pass gradient="))
    if isinstance(wrt, str):
        try:
            goal: Vertex | None = graph.find(wrt)
        except KeyError as problem:
            raise ValueError(f"derive: {problem.args[0]}") from None
    else:
        goal = graph.vertex_of(wrt)
    if goal is graph.root:
        raise ValueError(f"derive: {what} is the root itself, whose derivative is 1")
    if goal is None and graph.beyond:
        more = f"{graph.total:,}" + (" or more" if graph.total >= COUNTED else "")
        raise ValueError(
            f"derive: {what} is not among the newest {len(graph):,} of the graph's {more} vertices. Derive from a "
            "value in between, or from a smaller graph (one sample, fewer steps)."
        )
    if goal is None or (goal.gradient is None and not any(note.startswith("No gradients") for note in graph.notes)):
        raise ValueError(
            f"derive: no path: {text_of(graph.root)} does not depend on {what} in a way that has a derivative. Was it "
            "detached, made anew, or used under no_grad()? glassgrad.draw(...) shows what the root is made of."
        )
    if goal.gradient is None:
        raise ValueError("derive: " + " ".join(graph.notes))
    way = between(graph, goal)
    for v in graph.vertices:
        if v in way and getattr(getattr(v.gradient, "dtype", None), "kind", "") == "c":
            raise NotImplementedError(
                f"derive: {text_of(v)} is complex, and the formulas here are those of real numbers. Write its real and "
                "imaginary parts as two real tensors; autograd.gradcheck checks the gradient as it is."
            )
    return goal


class Derivation:
    """What derive() found: it shows itself in a notebook, print() writes it in a terminal, save() a file.

    steps     all lines, as data
    value     the derivative: a number or an array
    latex     a complete block;  text, html, mathml    the other forms
    full      the same with nothing left out
    """

    def __init__(self, graph: Graph, goal: Vertex, shown: int | None = STEPS) -> None:
        self.graph, self.goal, self._shown = graph, goal, shown
        self.active = between(graph, goal)
        self.ops = [v for v in graph.vertices if v in self.active and v is not goal and v.op != "pick_output"]
        arguments = [e.vertex for v in self.ops for e in v.edges]
        order = {v: k for k, v in enumerate(graph.vertices)}
        everything = sorted({*self.active, *arguments}, key=lambda v: (not (v.op or v.wants), order[v]))
        self.symbols = Symbols(graph.root, everything, self.active)
        self.value = goal.gradient if isinstance(goal.source, Value) else on_host(goal.gradient)
        self.steps: tuple[Step, ...] = tuple(of_values(self) if isinstance(goal.source, Value) else of_tensors(self))

    @cached_property
    def full(self) -> Derivation:
        return self if self._shown is None else Derivation(self.graph, self.goal, None)

    def middle(self, n: int) -> range:
        """Which of n things in a row are left out."""
        if self._shown is None or n <= self._shown:
            return range(0)
        half = self._shown // 2
        return range(self._shown - half, n - half)

    @property
    def title(self) -> str:
        return f"d {text_of(self.graph.root)} / d {text_of(self.goal)}"

    @property
    def sections(self) -> list[tuple[str, list[Step]]]:
        """The lines under their headings."""
        found = []
        for heading, kinds in HEADINGS:
            lines = [s for s in self.steps if s.kind in kinds]
            if any(s.kind != "gap" for s in lines):
                found.append((heading, lines))
        return found

    @property
    def legend(self) -> list[tuple[Math, str]]:
        """The symbols that stand for longer names."""
        names = {v: m for m, v in self.symbols.legend.items()}
        used = dict.fromkeys(e.vertex for v in self.ops for e in v.edges if e.vertex in names)
        return [(names[v], v.name + (f" {tuple(v.shape)}" if v.shape else "")) for v in used]

    @property
    def verdict(self) -> str:
        """How many of the steps were checked, how, and to what."""
        checks = [s.check for s in self.steps if s.check is not None]
        passed = [c for c in checks if c.passed]
        words = f"{len(passed)} of {len(checks)} steps checked by finite differences"
        if passed:
            words += f", to {max(c.error or 1e-16 for c in passed):.0e} of their size (allowed 1e-6)"
        left = sum(1 for s in self.steps if s.kind == "gap")
        return words + ("; what is left out was not checked: .full" if left else "")

    @property
    def latex(self) -> str:
        from .writing import latex

        return latex(self)

    @property
    def text(self) -> str:
        from .writing import text

        return text(self)

    @property
    def html(self) -> str:
        from .writing import page

        return page(self)

    @property
    def mathml(self) -> str:
        from .writing import tables

        return tables(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a derivation.tex, .md, .html (one file, no script, no network), .txt, .png or .svg.

        A picture needs matplotlib. Raises ValueError for another ending, OSError; the file is whole or not there.
        """
        return saved(path, {ending: partial(form, self) for ending, form in FORMS.items()}, "derive: a derivation")

    def _repr_latex_(self) -> str:
        return f"$${self.latex}$$"

    def _repr_markdown_(self) -> str:
        from .writing import markdown

        return markdown(self)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return (
            f"<derivation of {self.title}: {len(self.ops)} operations, {len(self.steps)} lines; print it, or .save()>"
        )


def _form(name: str) -> Callable[[Derivation], str | bytes]:
    def made(d: Derivation) -> str | bytes:
        from . import writing

        found: str | bytes = getattr(writing, name)(d)
        return found

    return made


FORMS = {
    ".tex": _form("document"), ".md": _form("markdown"), ".html": _form("page"), ".txt": _form("text"),
    ".png": _form("png"), ".svg": _form("svg"),
}  # fmt: skip
HEADINGS = (
    ("What was computed", ("value", "gap")),
    ("Local derivatives", ("local", "gap local")),
    ("The chain rule", ("chain", "gradient", "gap chain")),
)
