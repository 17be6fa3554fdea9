"""From a list of samples to a batch: `default_collate` and `default_convert`."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from ..core.dtypes import float64
from ..core.errors import told
from ..core.tensor import Tensor, tensor
from ..ops.arrange import stack
from ..ops.create import as_tensor
from .dataset import Columns


def _same_kind(like: Any, values: Iterable[Any]) -> Any:
    """The values in a container of the kind of `like`; in a list for tuples and what cannot be rebuilt.

    A mutable container is copied and refilled, so that what else it carries (a default factory) stays.
    """
    values = list(values)
    if isinstance(like, tuple):
        return type(like)(*values) if hasattr(like, "_fields") else values
    try:
        if isinstance(like, MutableMapping):
            refilled: Any = copy.copy(like)
            refilled.update(zip(like, values, strict=True))
            return refilled
        if isinstance(like, Mapping):
            return type(like)(zip(like, values, strict=True))  # type: ignore[call-arg]
        if isinstance(like, MutableSequence):
            refilled = copy.copy(like)
            refilled[:] = values
            return refilled
        return type(like)(values)
    except TypeError:
        return dict(zip(like, values, strict=True)) if isinstance(like, Mapping) else values


def _is_text(array: np.ndarray | np.generic) -> bool:
    return array.dtype.kind in "SUO"


def _stack_arrays(batch: Sequence[np.ndarray]) -> Any:
    for array in batch:
        if _is_text(array):
            raise _unknown(array.dtype)
    return stack([as_tensor(array) for array in batch], 0)


def _unknown(kind: Any) -> TypeError:
    return told(
        TypeError(f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {kind}")
    )


# In this order: a numpy float64 is a Python float too, a bool an int.
LEAVES: list[tuple[Callable[[Any], bool], Callable[[Sequence[Any]], Any]]] = [
    (lambda sample: isinstance(sample, Tensor), lambda batch: stack(list(batch), 0)),
    (lambda sample: isinstance(sample, np.ndarray), _stack_arrays),
    (lambda sample: isinstance(sample, (np.bool_, np.number)), lambda batch: as_tensor(np.array(batch))),
    (lambda sample: isinstance(sample, float), lambda batch: tensor(batch, dtype=float64)),
    (lambda sample: isinstance(sample, int), lambda batch: tensor(batch)),
    (lambda sample: isinstance(sample, (str, bytes)), lambda batch: batch),
]


def default_collate(batch: Sequence[Any]) -> Any:
    """Put samples together along a new first dim.

    Tensors and NumPy arrays (...) -> (N, ...); Python floats -> float64 (N,), ints -> int64 (N,), bools ->
    bool (N,); str and bytes stay a list; dicts, named tuples and lists are collated field by field, tuples
    into a list.
    Raises RuntimeError where the sizes differ, TypeError for a sample of another kind.
    """
    if isinstance(batch, Columns):
        return batch.columns
    first = batch[0]
    for matches, collate in LEAVES:
        if matches(first):
            return collate(batch)
    if isinstance(first, Mapping):
        return _same_kind(first, (default_collate([sample[key] for sample in batch]) for key in first))
    if isinstance(first, Sequence):
        sizes = [len(sample) for sample in batch]
        if len(set(sizes)) > 1:
            raise RuntimeError(f"each element in list of batch should be of equal size, but the sizes are {sizes}")
        return _same_kind(first, (default_collate(column) for column in zip(*batch, strict=True)))
    raise _unknown(type(first))


def default_convert(data: Any) -> Any:
    """NumPy arrays and numbers as tensors, also inside dicts, tuples and lists; the rest unchanged."""
    if isinstance(data, (Tensor, str, bytes)):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        return data if _is_text(data) else as_tensor(data)
    if isinstance(data, Mapping):
        return _same_kind(data, (default_convert(value) for value in data.values()))
    if isinstance(data, Sequence):
        return _same_kind(data, (default_convert(value) for value in data))
    return data
