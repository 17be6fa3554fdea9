"""The shape of a tensor: a tuple of ints that knows its name and its product."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Self, SupportsIndex, overload

from . import printing


def _dim(position: int, value: object) -> int:
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        given = type(value).__name__
        raise TypeError(
            f"{printing.NAMESPACE}.Size() takes an iterable of 'int' (item {position} is '{given}')"
        ) from None


class Size(tuple[int, ...]):
    """The sizes of a tensor's dims. Slices, sums and multiples of a Size are Sizes.

    Raises TypeError if an item is not an integer.

    >>> Size([2, 3])[:1] + (4,)
    glassgrad.Size([2, 4])
    >>> Size([2, 3]).numel()
    6
    """

    __slots__ = ()

    def __new__(cls, sizes: Iterable[SupportsIndex] = ()) -> Self:
        return super().__new__(cls, (_dim(i, value) for i, value in enumerate(sizes)))

    def numel(self) -> int:
        """The number of elements of a tensor of this shape: the product of the sizes, 1 for no dims."""
        return math.prod(self)

    def __repr__(self) -> str:
        return f"{printing.NAMESPACE}.Size({list(self)})"

    @overload
    def __getitem__(self, index: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Size: ...
    def __getitem__(self, index: SupportsIndex | slice) -> int | Size:
        picked = super().__getitem__(index)
        return Size(picked) if isinstance(picked, tuple) else picked

    def __add__(self, other: tuple[SupportsIndex, ...]) -> Size:  # type: ignore[override]
        return Size((*self, *other)) if isinstance(other, tuple) else NotImplemented

    def __radd__(self, other: tuple[SupportsIndex, ...]) -> Size:
        return Size((*other, *self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, times: SupportsIndex) -> Size:
        return Size(super().__mul__(times))

    __rmul__ = __mul__
