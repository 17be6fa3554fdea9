"""Random programs: a few tensors, then 5 to 60 steps, run in whichever library is given.

A step is a line of Python about tensors x, y, z and numbers a, b, c: what is printed is what runs. Steps are drawn by
shape and value, so that numbers stay moderate and away from ties and kinks; `smooth=True` leaves out what a finite
difference cannot see (detach, no_grad, hooks, casts).

    python tests/programs.py 17    prints the program of seed 17
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

import glassgrad as gg
from program_steps import (
    ALIASES,
    BINARY,
    BY_LAYOUT,
    CASTS,
    CHANGES,
    CHANGES_BY,
    COPY,
    DOUBLE,
    FARTHEST,
    LARGEST,
    LOSS,
    STATE,
    UNARY,
    UNSEEN_BY_DIFFERENCES,
    VIEWS,
    folded,
)


@dataclass(frozen=True)
class Step:
    text: str
    operands: tuple[int, ...]  # x, y, z
    numbers: tuple[Any, ...] = ()  # a, b, c
    out: int | None = None  # the tensor it makes
    silent: bool = False  # under no_grad

    def __str__(self) -> str:
        names = {
            **dict(zip("xyz", map("t{}".format, self.operands), strict=False)),
            **dict(zip("abc", map(repr, self.numbers), strict=False)),
        }
        line = re.sub(r"\b[xyzabc]\b", lambda found: names[found[0]], self.text)
        line = line if self.out is None else f"t{self.out} = {line}"
        return f"with torch.no_grad():\n    {line}" if self.silent else line


@dataclass(frozen=True)
class Program:
    leaves: tuple[tuple[Any, bool], ...]  # nested lists of numbers; whether it requires a gradient
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        head = ["import torch  # or: import glassgrad as torch", ""]
        for k, (values, needs) in enumerate(self.leaves):
            head.append(f"t{k} = torch.tensor({values}, dtype=torch.float64{', requires_grad=True' if needs else ''})")
        return "\n".join([*head, *map(str, self.steps)])


@cache
def function(text: str) -> Callable[..., Any]:
    """The line as a function of the library, three tensors and three numbers."""
    try:
        compile(text, "<step>", "eval")
        line = f"return {text}"
    except SyntaxError:  # a statement: x[a] = y
        line = text
    namespace: dict[str, Any] = {}
    exec(f"def step(torch, x, y, z, a, b, c):\n    {line}", namespace)
    return namespace["step"]


def host(x: Any) -> np.ndarray:
    return x.detach().numpy()


def standing(x: Any) -> tuple[Any, ...]:
    """Where x stands in the graph, or what is raised by asking: a view may have been left behind by a change."""
    try:
        return x.requires_grad, x.is_leaf, x._base is not None
    except RuntimeError:
        return ("RuntimeError",)


class Machine:
    """A library running a program, and what it saw: for each step a result, or the name of an exception.

    lenient: operands and results are cloned, so that no change can touch what a formula keeps, and graphs are kept.
    """

    def __init__(self, library: Any, leaves: tuple[tuple[Any, bool], ...], lenient: bool = False) -> None:
        self.library, self.lenient = library, lenient
        self.tensors: dict[int, Any] = {
            k: library.tensor(values, dtype=library.float64, requires_grad=needs)
            for k, (values, needs) in enumerate(leaves)
        }
        self.seen: list[Any] = []
        self.problems: list[Exception | None] = []

    def take(self, step: Step) -> Any:
        if not self.tensors.keys() >= set(step.operands):
            return LookupError("an operand was not made")
        operands = [self.tensors[k] for k in step.operands]
        careful = self.lenient and step.text not in ALIASES and step.text not in STATE
        operands += [None] * (3 - len(operands))
        numbers = step.numbers + (None,) * (3 - len(step.numbers))
        text = step.text.replace("backward()", "backward(retain_graph=True)") if self.lenient else step.text
        try:
            with self.library.no_grad() if step.silent else nullcontext():
                if careful:
                    asked = len(step.operands) - 1 if "autograd.grad(" in step.text else None
                    operands = [x if k == asked or x is None else x.clone() for k, x in enumerate(operands)]
                made = function(text)(self.library, *operands, *numbers)
                if careful and step.out is None:
                    self.tensors[step.operands[0]].copy_(operands[0])
        except (RuntimeError, IndexError, ValueError, TypeError, NotImplementedError) as problem:
            return problem
        if step.out is not None:
            self.tensors[step.out] = made.clone() if careful else made
        return None

    def look(self, step: Step, problem: Exception | None) -> None:
        if problem is not None:
            self.seen.append(type(problem).__name__)
            return
        x = self.tensors[step.operands[0] if step.out is None else step.out]
        self.seen.append((host(x).copy(), *standing(x)))

    def run(self, steps: tuple[Step, ...]) -> Machine:
        for step in steps:
            problem = self.take(step)
            self.problems.append(problem)
            self.look(step, problem)
            if problem is not None and "backward(" in step.text:
                self.stopped = problem
                break
        return self

    stopped: Exception | None = None

    def grads(self) -> dict[int, np.ndarray | None]:
        kept = [k for k, x in self.tensors.items() if standing(x)[:3] == (True, True, False) or x.retains_grad]
        return {k: None if (g := self.tensors[k].grad) is None else host(g) for k in kept}


def run(program: Program, library: Any, lenient: bool = False) -> Machine:
    return Machine(library, program.leaves, lenient).run(program.steps)


# --- drawing -----------------------------------------------------------------------------------------------


TABLES = (CASTS, VIEWS, UNARY, BINARY, CHANGES, CHANGES_BY, STATE)


class Author:
    """Writes a program while running it, so that every step fits the shapes and values there are."""

    def __init__(self, seed: int, smooth: bool) -> None:
        self.rng, self.smooth = random.Random(seed), smooth
        r = self.rng
        sizes = r.sample([(), (3,), (4,), (2, 3), (3, 2), (2, 2, 2), (1, 4), (2, 3, 4), (2, 1, 3)], r.randint(2, 4))
        leaves = []
        for k, shape in enumerate(sizes):
            values = np.array([round(r.uniform(-2, 2), 3) for _ in range(int(np.prod(shape)))]).reshape(shape)
            leaves.append((values.tolist(), k == 0 or r.random() < 0.7))
        self.leaves = tuple(leaves)
        self.machine = Machine(gg, self.leaves)
        self.values = self.machine.tensors
        self.steps: list[Step] = []
        self.count = len(leaves)
        self.laid_out = set(self.values)  # surely as in PyTorch
        self.fresh = 0  # tensors from here on were made after the last change
        self.hooked: list[np.ndarray] = []  # views with a hook

    def operand(self) -> int:
        """A tensor, the newest more often."""
        known = list(self.values)
        return (
            known[-1 - min(int(self.rng.expovariate(0.2)), len(known) - 1)]
            if self.rng.random() < 0.7
            else self.rng.choice(known)
        )

    def draw(self) -> Step | None:
        """A step that fits, or None."""
        r = self.rng
        table: dict[str, Any] = r.choices(TABLES, (1, 4.5, 4.5, 4.5, 2.5, 2.5, 1))[0]
        text, k, j = r.choice(list(table)), self.operand(), self.operand()
        x, y = host(self.values[k]), host(self.values[j])
        silent = not self.smooth and table is not STATE and r.random() < 0.04
        if (self.smooth and text in UNSEEN_BY_DIFFERENCES) or not self.wise(text, table, k, silent):
            return None
        makes = self.count if table in (CASTS, VIEWS, UNARY, BINARY) else None
        if table is not BINARY and table is not CHANGES_BY:
            numbers = table[text](r, x)
            fits = x.dtype.kind == "f" or table not in (UNARY, CHANGES)
            return Step(text, (k,), numbers, makes, silent) if fits and isinstance(numbers, tuple) else None
        kinds = {x.dtype.kind, y.dtype.kind}
        if kinds != {"f"} and not (kinds <= {"f", "i"} and text in ("x + y", "x * y", "x.copy_(y)")):
            return None
        if text in DOUBLE and not (standing(self.values[k])[0] is standing(self.values[j])[0] is True):
            return None
        if table is CHANGES_BY and (np.shares_memory(x, y) or np.abs(x).max() * np.abs(y).max() > FARTHEST):
            return None
        return Step(text, (k, j), (), makes, silent) if table[text](x, y) else None

    def wise(self, text: str, table: Any, k: int, silent: bool) -> bool:
        """False where the libraries are known to differ, or an error is nearly certain."""
        tensor = self.values[k]
        stands = standing(tensor)
        if "register_hook" in text and tensor._base is not None:
            self.hooked.append(host(tensor))
        if table is CHANGES or table is CHANGES_BY:
            # PyTorch forgets the hooks of a view that is changed in place.
            if any(np.shares_memory(host(tensor), x) for x in self.hooked):
                return False
            # PyTorch does part of what is asked for where elements share memory, or says that they do.
            if folded(host(tensor)) and not (0 in host(tensor).strides and text in ("x.add_(y)", "x.mul_(a)")):
                return False
            return stands[:2] != (True, True) or self.rng.random() < 0.05
        if k < self.fresh and tensor._base is not None and (table is STATE or table is CASTS):
            return False  # PyTorch crashes when a hook is put on a view left behind by a change
        if silent and table is VIEWS:
            return stands[0] is False  # else PyTorch says that the view requires a gradient, and gives it none
        return text not in BY_LAYOUT or k in self.laid_out

    def write(self) -> Program:
        length, mishaps = self.rng.randint(5, 60), 0
        for _ in range(20 * length):
            if len(self.steps) >= length or mishaps > 3:
                break
            step = self.draw()
            if step is None:
                continue
            problem = self.machine.take(step)
            if problem is None and step.out is not None:
                made = host(self.values[step.out])
                if made.size > LARGEST or not made.size or not np.abs(made).max() < FARTHEST:
                    del self.values[step.out]
                    continue
                if step.text == COPY or (step.operands[0] in self.laid_out if step.text in ALIASES else made.ndim < 2):
                    self.laid_out.add(step.out)
                self.count += 1
            if step.out is None and step.text not in STATE:
                self.fresh = self.count
            mishaps += problem is not None
            self.steps.append(step)
            if problem is not None and "backward(" in step.text:
                return Program(self.leaves, tuple(self.steps))
        useful = [k for k, x in self.values.items() if standing(x)[0] is True]
        ends = (*useful[-2:], self.rng.choice(useful)) if len(useful) > 2 else (*useful, *useful, *useful)[:3]
        self.steps.append(Step(LOSS, ends, out=self.count))
        self.steps.append(Step("x.backward()", (self.count,)))
        return Program(self.leaves, tuple(self.steps))


def program(seed: int, smooth: bool = False) -> Program:
    return Author(seed, smooth).write()


# --- comparing ---------------------------------------------------------------------------------------------


def tolerance(p: Program) -> float:
    return 1e-3 if any(s.text == "x.float()" for s in p.steps) else 1e-10


def close(a: np.ndarray, b: np.ndarray, tolerance: float) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.dtype.kind != "f":
        return bool(np.array_equal(a, b))
    scale = max(1.0, float(np.abs(b[np.isfinite(b)]).max(initial=0)))
    return bool(np.allclose(a, b, rtol=0, atol=tolerance * scale, equal_nan=True))


def difference(p: Program, ours: Machine, theirs: Machine) -> str | None:
    """The first thing in which two runs of a program differ."""
    allowed = tolerance(p)
    for step, a, b in zip(p.steps, ours.seen, theirs.seen, strict=False):
        if isinstance(a, str) or isinstance(b, str):
            if a != b:
                told = ["no error" if not isinstance(s, str) else s for s in (a, b)]
                return f"{step}: {told[0]}, expected {told[1]}"
            continue
        if len(a) == len(b) and a[1:] != b[1:] and (step.text in VIEWS or a[1:3] != b[1:3]):
            return f"{step}: requires_grad, is_leaf, is a view: {a[1:]}, expected {b[1:]}"
        if not close(a[0], b[0], allowed):
            return f"{step}: {a[0]!r}, expected {b[0]!r}"
    for k, x in ours.tensors.items():
        if not close(host(x), host(theirs.tensors[k]), allowed):
            return f"t{k} at the end: {host(x)!r}, expected {host(theirs.tensors[k])!r}"
    return None if ours.stopped or theirs.stopped else grad_difference(ours.grads(), theirs.grads(), allowed)


# PyTorch refuses to change a view that was made before its base came to want a gradient and was not used since; the
# change is well defined, and made here.
LEFT_BEHIND = "a leaf Variable that requires grad is being used in an in-place operation"
# Where our formulas keep what PyTorch's don't, or a gradient of 0 passes them, we refuse what PyTorch doesn't.
CAREFUL = "modified by an inplace operation"

overcautious: list[Program] = []  # programs refused by us alone: tests bound how many


def mismatch(p: Program, ours: Any, theirs: Any) -> str | None:
    """How a program differs in two libraries.

    Theirs may refuse a derivative for what was changed in between, where our formulas kept something else. Then our
    gradients must be those of the program that clones everything.
    """
    a, b = run(p, ours), run(p, theirs)
    for k, (x, y) in enumerate(zip(a.problems, b.problems, strict=False)):
        before = replace(p, steps=p.steps[:k])
        if (
            y is not None
            and x is None
            and LEFT_BEHIND in str(y)
            and a.tensors[p.steps[k].operands[0]]._base is not None
        ):
            return difference(before, run(before, ours), run(before, theirs))
        if x is not None and y is None and CAREFUL in str(x):
            overcautious.append(p)
            return difference(before, run(before, ours), run(before, theirs))
        if y is not None and x is None and asks_for_gradients(p.steps[k]):
            p = replace(p, steps=p.steps[: k + 1])
            b = run(p, theirs, lenient=True)
            if b.problems[k] is None:
                return grad_difference(run(p, ours).grads(), b.grads(), tolerance(p))
    return difference(p, a, b)


def asks_for_gradients(step: Step) -> bool:
    return "backward(" in step.text or "autograd.grad(" in step.text


def grad_difference(ours: dict[int, Any], theirs: dict[int, Any], allowed: float) -> str | None:
    if ours.keys() != theirs.keys():
        return f"gradients of {sorted(ours)}, expected of {sorted(theirs)}"
    for k, g in ours.items():
        h = theirs[k]
        if g is None or h is None:  # None and zeros say the same
            if any(np.any(v) for v in (g, h) if v is not None):
                return f"t{k}.grad: {g!r}, expected {h!r}"
        elif not close(g, h, allowed):
            return f"t{k}.grad: {g!r}, expected {h!r}"
    return None


# --- finite differences ------------------------------------------------------------------------------------


def slope_difference(p: Program, library: Any = gg) -> str | None:
    """How the gradient of a smooth program differs from the slope along a line; "kink" where two steps disagree.

    The last step is x.backward(), and differs from nothing else. A refused backward is no wrong gradient.
    """
    ran = run(p, library)
    if ran.stopped or p.steps[-1].text != "x.backward()":
        return None
    rng = np.random.default_rng(0)
    line = [rng.uniform(-1, 1, np.shape(values)) * needs for values, needs in p.leaves]
    total = p.steps[-1].operands[0]

    def at(h: float) -> float:
        moved = tuple((np.asarray(v) + h * d, n) for (v, n), d in zip(p.leaves, line, strict=True))
        m = Machine(library, moved).run(p.steps[:-1])
        if any(isinstance(a, str) != isinstance(b, str) for a, b in zip(m.seen, ran.seen, strict=False)):
            return np.nan
        return float(host(m.tensors[total]))

    slopes = [(8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h) for h in (1e-4, 3e-4)]
    grads = ran.grads()
    given = sum(float((grads[k] * d).sum()) for k, d in enumerate(line) if grads.get(k) is not None)
    scale = max(1.0, abs(given))
    if not abs(slopes[0] - slopes[1]) < 1e-6 * scale:
        return "kink"
    return None if abs(given - slopes[0]) < 1e-5 * scale else f"slope {given}, by differences {slopes[0]}"


# --- shrinking ---------------------------------------------------------------------------------------------


def without(p: Program, gone: range) -> Program:
    """The program without these steps and what depends on them."""
    lost: set[int] = set()
    kept = []
    for i, step in enumerate(p.steps):
        if i in gone or lost & set(step.operands):
            if step.out is not None:
                lost.add(step.out)
        else:
            kept.append(step)
    return replace(p, steps=tuple(kept))


def shrunk(p: Program, fails: Callable[[Program], bool]) -> Program:
    """A shorter program that still fails: no single step can be taken away."""
    size = len(p.steps) // 2
    while size:
        i = 0
        while i < len(p.steps):
            shorter = without(p, range(i, i + size))
            if shorter.steps and fails(shorter):
                p = shorter
            else:
                i += size
        size //= 2
    return p


if __name__ == "__main__":
    print(program(int(sys.argv[1])))
