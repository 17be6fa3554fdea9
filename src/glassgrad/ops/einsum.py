"""einsum: sums of products, named by their indices."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from ..core.errors import told
from ..core.tensor import Tensor
from ..core.titles import title
from . import reduce
from .arithmetic import mul
from .linalg import matmul
from .parts import diagonal
from .shape import permute, reshape, squeeze

__all__ = ["einsum"]
METHODS: tuple[str, ...] = ()
IN_PLACE: tuple[str, ...] = ()

Label = Hashable  # a letter or a number of the user's, or ("...", k): the dim k from the end of what ... stands for
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def einsum(*args: Any) -> Tensor:
    """The sum of products in which every index not in the output is summed over, einsum("ik,kj->ij", a, b).

    Without "->", the output has the indices that occur once, in alphabetical order. "..." stands for any number of
    dims, which broadcast. An index twice on one operand takes its diagonal. Operands may be given as one list; the
    equation as lists of numbers: einsum(a, [0, 1], b, [1, 2], [0, 2]).
    Each step is one product of two operands (a batched matrix product), the cheapest pair first where there are more.
    Raises RuntimeError for an equation that doesn't fit the operands.
    """
    if not args:
        raise told(
            ValueError(
                "einsum(): must specify the equation string and at least one operand, "
                "or at least one operand and its subscripts list"
            )
        )
    if isinstance(args[0], str):
        operands = args[1] if len(args) == 2 and isinstance(args[1], (list, tuple)) else args[1:]
        inputs, output = _parse(args[0])
    else:
        inputs, output = [list(labels) for labels in args[1::2]], None
        operands = args[: 2 * (len(args) // 2) : 2]
        if len(args) % 2:
            output = list(args[-1])
    if not operands:
        raise told(ValueError("einsum(): must provide at least one operand"))
    if len(inputs) != len(operands):
        fewer = "fewer" if len(operands) < len(inputs) else "more"
        raise told(
            RuntimeError(
                f"einsum(): {fewer} operands were provided than specified in the equation: "
                f"{len(operands)} operands for {len(inputs)} terms"
            )
        )
    terms = [_labelled(x, labels, i) for i, (x, labels) in enumerate(zip(operands, inputs, strict=True))]
    wanted = _output(terms, inputs, output)
    products = len(terms) > 1 and {label for _, labels in terms for label in labels} > set(wanted)
    made = _contract(terms, wanted)
    return title(made, "ViewBackward0") if products else made


# --- reading the equation ---


def _parse(equation: str) -> tuple[list[list[Label]], list[Label] | None]:
    """The labels of the inputs and of the output (None: not said), Ellipsis among them for "..."."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    inputs = [_letters(term, f"operand {i}", equation) for i, term in enumerate(left.split(","))]
    return inputs, _letters(right, "the output", equation) if arrow else None


def _letters(term: str, where: str, equation: str) -> list[Label]:
    before, dots, after = term.partition("...")
    for c in before + after:
        if c == ".":
            raise told(
                RuntimeError(f"einsum(): found '.' for {where} that is not part of any ellipsis, in '{equation}'")
            )
        if c not in LETTERS:
            raise told(
                RuntimeError(
                    f"einsum(): invalid subscript given at index {equation.index(c)} in the equation string "
                    f"'{equation}', subscripts must be in [a-zA-Z]"
                )
            )
    return [*before, *([...] if dots else []), *after]


def _labelled(x: Tensor, labels: list[Label], i: int) -> tuple[Tensor, list[Label]]:
    """The operand with one label for each dim: ... spelled out, repeated labels turned into a diagonal."""
    known, extra = len(labels) - labels.count(...), x.ndim - len(labels) + labels.count(...)
    if labels.count(...) > 1:
        raise told(RuntimeError(f"einsum(): found '.' for operand {i} for which an ellipsis was already found"))
    if extra < 0 or (extra and ... not in labels):
        raise told(
            RuntimeError(
                f"einsum(): the number of subscripts in the equation ({known}) "
                + ("is more than" if ... in labels else "does not match")
                + f" the number of dimensions ({x.ndim}) for operand {i}"
                + ("" if ... in labels else " and no ellipsis was given")
            )
        )
    if ... in labels:
        at = labels.index(...)
        labels = [*labels[:at], *[("...", k) for k in range(extra, 0, -1)], *labels[at + 1 :]]
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            m, n = x.shape[first], x.shape[second]
            if m != n:
                raise told(
                    RuntimeError(
                        f"einsum(): subscript {label} is repeated for operand {i} but the sizes don't match, {n} != {m}"
                    )
                )
            x = diagonal(x, 0, first, second)
            labels = [*[l for k, l in enumerate(labels) if k not in (first, second)], label]
    return x, labels


def _output(
    terms: list[tuple[Tensor, list[Label]]], inputs: list[list[Label]], output: list[Label] | None
) -> list[Label]:
    """The labels of the output, checked; the labels of ... where it stands there, else they are summed over."""
    sizes: dict[Label, int] = {}
    for i, (x, labels) in enumerate(terms):
        for label, n in zip(labels, x.shape, strict=True):
            if sizes.get(label, 1) != n != 1 and sizes.get(label, 1) != 1:
                raise told(
                    RuntimeError(
                        f"einsum(): subscript {_shown(label)} has size {n} for operand {i} which does not broadcast "
                        f"with previously seen size {sizes[label]}"
                    )
                )
            sizes[label] = n if sizes.get(label, 1) == 1 else sizes[label]
    dots = sorted([l for l in sizes if isinstance(l, tuple)], key=lambda l: -l[1])
    if output is None:
        said = [label for labels in inputs for label in labels if label is not ...]
        return [*dots, *sorted([l for l in dict.fromkeys(said) if said.count(l) == 1])]  # type: ignore[type-var]
    for label in output:
        if output.count(label) > 1:
            raise told(RuntimeError(f"einsum(): output subscript {_shown(label)} appears more than once in the output"))
        if label is not ... and label not in sizes:
            raise told(
                RuntimeError(
                    f"einsum(): output subscript {_shown(label)} does not appear in the equation for any input operand"
                )
            )
    return [l for label in output for l in (dots if label is ... else [label])]


def _shown(label: Label) -> str:
    return "..." if label is ... or isinstance(label, tuple) else str(label)


# --- computing it ---


def _contract(terms: list[tuple[Tensor, list[Label]]], output: list[Label]) -> Tensor:
    for i, j in _order(terms, output):
        second, first = terms.pop(max(i, j)), terms.pop(min(i, j))
        kept = {*output, *[label for _, labels in terms for label in labels]}
        terms.append(_pair(*first, *second, kept))
    ((x, labels),) = terms
    x, labels = _summed(x, labels, set(output), [])
    return _permuted(x, [labels.index(label) for label in output])


def _order(terms: list[tuple[Tensor, list[Label]]], output: list[Label]) -> list[tuple[int, int]]:
    """Which two operands are multiplied at each step, NumPy's greedy choice; the result goes to the end."""
    if len(terms) < 3:
        return [(0, 1)] * (len(terms) - 1)
    numbers: dict[Label, int] = {}
    for _, labels in terms:
        for label in labels:
            numbers.setdefault(label, len(numbers))
    if len(numbers) > len(LETTERS):
        return [(0, 1)] + [(0, k) for k in range(len(terms) - 2, 0, -1)]
    widest = {label: max(x.shape[ls.index(label)] for x, ls in terms if label in ls) for label in numbers}
    spec: list[Any] = []
    for _, labels in terms:
        spec += [np.broadcast_to(0, [widest[l] for l in labels]), [numbers[l] for l in labels]]
    path = np.einsum_path(*spec, [numbers[l] for l in output], optimize="greedy")[0][1:]
    steps: list[tuple[int, int]] = []
    for chosen in path:  # NumPy may take several at once
        n = len(terms) - len(steps)
        picked = sorted(chosen)
        steps.append((picked[0], picked[1]))
        for done, k in enumerate(picked[2:], 1):
            steps.append((k - 1 - done, n - 1 - done))
    return steps


def _summed(x: Tensor, labels: list[Label], kept: set[Label], partner: Sequence[Label]) -> tuple[Tensor, list[Label]]:
    """x without the labels that nothing else mentions."""
    alone = [k for k, label in enumerate(labels) if label not in kept and label not in partner]
    if not alone:
        return x, labels
    return reduce.sum(x, alone), [label for k, label in enumerate(labels) if k not in alone]


def _pair(x: Tensor, xs: list[Label], y: Tensor, ys: list[Label], kept: set[Label]) -> tuple[Tensor, list[Label]]:
    """The product of two operands, summed over the labels that both have and nothing else mentions."""
    stretched = [l for l in xs if l in ys and x.shape[xs.index(l)] != y.shape[ys.index(l)]]
    x, xs = _without_ones(x, xs, stretched)
    y, ys = _without_ones(y, ys, stretched)
    x, xs = _summed(x, xs, kept, ys)
    y, ys = _summed(y, ys, kept, xs)
    batch = [l for l in xs if l in ys and l in kept]
    inside = [l for l in xs if l in ys and l not in kept]
    rows = [l for l in xs if l not in ys]
    columns = [l for l in ys if l not in xs]
    size = dict(zip(xs, x.shape, strict=True)) | dict(zip(ys, y.shape, strict=True))
    b, r, i, c = ([size[l] for l in group] for group in (batch, rows, inside, columns))
    x = _permuted(x, [xs.index(l) for l in (*batch, *rows, *inside)])
    if not inside:
        y = _permuted(y, [ys.index(l) for l in (*batch, *columns)])
        made = mul(_shaped(x, (*b, *r, *[1] * len(c))), _shaped(y, (*b, *[1] * len(r), *c)))
        return made, [*batch, *rows, *columns]
    y = _permuted(y, [ys.index(l) for l in (*batch, *inside, *columns)])
    lead = (math.prod(b),) if batch else ()
    x = _shaped(x, (*lead, math.prod(r), math.prod(i)))
    y = _shaped(y, (*lead, math.prod(i), math.prod(c)))
    return _shaped(matmul(x, y), (*b, *r, *c)), [*batch, *rows, *columns]


def _without_ones(x: Tensor, labels: list[Label], stretched: list[Label]) -> tuple[Tensor, list[Label]]:
    """x without its dims of size 1 where the other operand has another size."""
    ones = [k for k, label in enumerate(labels) if label in stretched and x.shape[k] == 1]
    return (squeeze(x, ones), [l for k, l in enumerate(labels) if k not in ones]) if ones else (x, labels)


def _permuted(x: Tensor, dims: list[int]) -> Tensor:
    return x if dims == list(range(len(dims))) else permute(x, dims)


def _shaped(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    return x if tuple(x.shape) == shape else reshape(x, shape)
