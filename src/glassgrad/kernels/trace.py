"""Tracing: a function of arrays as a list of NumPy's inner loops, for kernels/native/program.cpp to run.

The function is called once with symbols in place of arrays; whatever NumPy would do with them is written down. A
number is a symbol, too, as long as the function doesn't look at its value; then the trace holds for that value alone.
What cannot be written down (a shape, an index, a sum, a branch on an element) leaves the function as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

NUMBER, ARRAY, OTHER = range(3)  # what an argument is
ARGUMENT, TEMPORARY, CONSTANT, OUT = range(4)  # where an operand is
BOOL = np.dtype(bool)
TEMPORARIES = 16


untraced: dict[str, str] = {}  # functions that are called as they are, and why


class Untraceable(TypeError, AttributeError):
    """The function did something with a symbol that is no arithmetic."""


@dataclass
class Trace:
    """What was written down: steps (ufunc or None, operands), where an operand is a Symbol or a number."""

    dtype: np.dtype[Any]
    steps: list[tuple[Any, tuple[Any, ...], Symbol]] = field(default_factory=list)

    def add(self, ufunc: Any, operands: tuple[Any, ...]) -> Symbol:
        for x in operands:  # Python's numbers take the arrays' dtype, NumPy's have their own
            if type(x) not in (Symbol, int, float) and getattr(x, "dtype", None) != self.dtype:
                raise Untraceable
            if isinstance(x, np.ndarray):
                raise Untraceable
        if ufunc is np.power and not isinstance(operands[1], Symbol) and operands[1] == 2:
            ufunc, operands = np.square, operands[:1]  # as an array's ** does
        dtype = self.dtype if ufunc is None else self._result(ufunc, operands)
        made = Symbol(self, dtype)
        self.steps.append((ufunc, operands, made))
        return made

    def _result(self, ufunc: Any, operands: tuple[Any, ...]) -> np.dtype[Any]:
        given = [x.dtype if isinstance(x, Symbol) else float for x in operands]
        found = ufunc.resolve_dtypes((*given, None))
        if any(d != g.dtype for d, g in zip(found, operands, strict=False) if isinstance(g, Symbol)):
            raise Untraceable  # an operand would be converted first
        if found[-1] not in (self.dtype, BOOL):
            raise Untraceable
        return found[-1]


class Symbol(NDArrayOperatorsMixin):
    """What stands for an array, or a number, while a function is traced."""

    def __init__(self, trace: Trace, dtype: np.dtype[Any]) -> None:
        self.trace, self.dtype = trace, dtype

    def __array_ufunc__(self, ufunc: Any, method: str, *operands: Any, **options: Any) -> Any:
        if method != "__call__" or options or ufunc.nout != 1 or ufunc.signature is not None:
            raise Untraceable
        return self.trace.add(ufunc, operands)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function is not np.where or len(args) != 3 or options or not isinstance(args[0], Symbol):
            raise Untraceable
        if args[0].dtype != BOOL or any(isinstance(x, Symbol) and x.dtype != self.trace.dtype for x in args[1:]):
            raise Untraceable
        return self.trace.add(None, args)

    def __getattr__(self, name: str) -> Any:
        raise Untraceable(name)

    def _refuse(self, *_: Any) -> Any:
        raise Untraceable

    __bool__ = __float__ = __int__ = __index__ = __len__ = __iter__ = __array__ = __getitem__ = _refuse
    __hash__ = object.__hash__


def trace(function: Callable[..., Any], args: Any, kinds: Any, names: Any, dtype: Any) -> tuple[Any, bool]:
    """(what program.cpp runs, or None; whether it holds only for these values of the numbers among args)."""
    numbers = any(kind == NUMBER for kind in kinds)
    for by_value in (False, True) if numbers else (False,):
        found = Trace(dtype)
        symbolic = (ARRAY,) if by_value else (ARRAY, NUMBER)
        symbols = [Symbol(found, dtype) if kind in symbolic else x for x, kind in zip(args, kinds, strict=True)]
        split = len(args) - len(names or ())
        try:
            result = function(*symbols[:split], **dict(zip(names or (), symbols[split:], strict=True)))
            return assemble(found, symbols, result), by_value
        except Exception as problem:  # whatever it was, the function itself will say it again
            untraced[getattr(function, "__qualname__", repr(function))] = repr(problem)
    return None, numbers


def assemble(found: Trace, arguments: list[Any], result: Any) -> Any:
    """The trace with a place for every value: (steps, constants, types of temporaries, type of the result).

    Symbols are told apart by identity: == between them is traced, too.
    """
    if not isinstance(result, Symbol) or any(result is x for x in arguments):
        raise Untraceable("nothing is computed")
    needed = {id(result)}
    last: dict[int, int] = {}  # the step that uses a symbol last
    for k, (_, operands, made) in reversed(list(enumerate(found.steps))):
        if id(made) in needed:
            needed.update(map(id, operands))
            last = {id(x): k for x in operands} | last
    places = {id(x): (ARGUMENT, k) for k, x in enumerate(arguments)} | {id(result): (OUT, 0)}
    constants: list[float] = []
    temporaries: list[np.dtype[Any]] = []
    free: list[int] = []
    steps = []
    for k, (ufunc, operands, made) in enumerate(found.steps):
        if id(made) not in needed:
            continue
        at = []
        for x in operands:
            if not isinstance(x, Symbol):
                constants.append(float(x))
            at.append(places[id(x)] if isinstance(x, Symbol) else (CONSTANT, len(constants) - 1))
        if made is not result:
            slot = next((i for i in free if temporaries[i] == made.dtype), len(temporaries))
            if slot == len(temporaries):
                temporaries.append(made.dtype)
            else:
                free.remove(slot)
            places[id(made)] = (TEMPORARY, slot)
        types = [x.dtype.num if isinstance(x, Symbol) else found.dtype.num for x in operands]
        steps.append((ufunc, tuple(at), places[id(made)], (*types, made.dtype.num)))
        free += {places[id(x)][1] for x in operands if last[id(x)] == k and places.get(id(x), (OUT, 0))[0] == TEMPORARY}
    if len(temporaries) > TEMPORARIES:
        raise Untraceable("too many values at once")
    return tuple(steps), tuple(constants), tuple(d.num for d in temporaries), result.dtype.num
