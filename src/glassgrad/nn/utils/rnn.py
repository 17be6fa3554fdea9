"""Sequences of different lengths: padded to one tensor, or packed without the padding.

Packed, the rows of all sequences stand step by step: first every sequence's step 0, then step 1 of those that have one,
and so on, the longest sequences first. batch_sizes (T,) says how many rows each step has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from ...core import dtypes
from ...core.backend import Array
from ...core.tensor import Tensor
from ...core.titles import title
from ...ops.arrange import cat
from ...ops.create import as_tensor, full
from ...ops.gather import index_copy, index_select
from ...ops.order import argsort, sort

__all__ = [
    "PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence",
    "pad_sequence", "unpack_sequence", "unpad_sequence",
]  # fmt: skip


class Packed(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(Packed):
    """Sequences without their padding, as pack_padded_sequence and pack_sequence make them.

    data (sum of lengths, *), batch_sizes (T,) on the CPU. sorted_indices (N,): the place in the batch of each sequence,
    from the longest to the shortest, unsorted_indices (N,) the way back; None where the batch was sorted.
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        if batch_sizes is None:
            if not isinstance(data, (list, tuple)) or len(data) != 2:
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        elif batch_sizes.device.type != "cpu":
            raise ValueError(
                "batch_sizes should always be on CPU. Instances of PackedSequence should never be created manually: "
                "pack_sequence and pack_padded_sequence make them"
            )
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """data in another dtype or on another device, the indices with it; self where data is so already."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        order, back = [None if i is None else i.to(data.device) for i in (self.sorted_indices, self.unsorted_indices)]
        return type(self)(data, self.batch_sizes, order, back)

    def cuda(self, device: Any = None) -> Self:
        return self.to("cuda" if device is None else device)

    def cpu(self) -> Self:
        return self.to("cpu")

    def double(self) -> Self:
        return self.to(dtypes.float64)

    def float(self) -> Self:
        return self.to(dtypes.float32)

    def half(self) -> Self:
        return self.to(dtypes.float16)

    def long(self) -> Self:
        return self.to(dtypes.int64)

    def int(self) -> Self:
        return self.to(dtypes.int32)

    def short(self) -> Self:
        return self.to(dtypes.int16)

    def char(self) -> Self:
        return self.to(dtypes.int8)

    def byte(self) -> Self:
        return self.to(dtypes.uint8)

    def pin_memory(self) -> Self:
        return type(self)(self.data.pin_memory(), *self[1:])

    def is_pinned(self) -> bool:
        return bool(self.data.is_pinned())

    @property
    def is_cuda(self) -> bool:
        return bool(self.data.is_cuda)


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes this one, (N,); None for None."""
    return None if permutation is None else argsort(permutation)


def _places(lengths: Array, steps: int, batch_first: bool, order: Array | None = None) -> Array:
    """Where the packed rows stand in a batch (T, N) or (N, T) of so many steps; sequence k stands at order[k]."""
    t, k = np.nonzero(np.arange(steps)[:, None] < lengths)
    k = k if order is None else order[k]
    return k * steps + t if batch_first else t * len(lengths) + k


def pack_padded_sequence(
    input: Tensor, lengths: Tensor | Sequence[int], batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """The first lengths[k] steps of each sequence k, packed: input (T, N, *), or (N, T, *) if batch_first.

    enforce_sorted: the lengths must not grow; without it the sequences are sorted, and sorted_indices say how.
    Raises RuntimeError for lengths that are not positive, not sorted, not one for each sequence or longer than input.
    """
    if not isinstance(input, Tensor):
        raise TypeError(f"pack_padded_sequence(): argument 'input' must be Tensor, not {type(input).__name__}")
    given = lengths.to(dtypes.int64) if isinstance(lengths, Tensor) else as_tensor(lengths, dtype=dtypes.int64)
    if given.dim() != 1:
        raise RuntimeError(f"'lengths' argument should be a 1D CPU int64 tensor, but got {given.dim()}D {given.device}")
    if input.dim() < 2:
        raise IndexError(f"pack_padded_sequence: input (T, N, *) expected, got {tuple(input.shape)}")
    steps, n = (input.shape[1], input.shape[0]) if batch_first else input.shape[:2]
    if n == 0 or steps == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    if given.shape[0] != n:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {given.shape[0]} (batch_size={n})"
        )
    order = None
    if not enforce_sorted:
        given, order = sort(given, stable=True, descending=True)
    sizes = given.cpu().numpy()
    if sizes.min() <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if (sizes[1:] > sizes[:-1]).any():
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement"
        )
    if sizes[0] > steps:
        raise RuntimeError(f"lengths must be at most {steps}, the steps of input {tuple(input.shape)}, got {sizes[0]}")
    at = _places(sizes, steps, batch_first, None if order is None else order.cpu().numpy())
    data = index_select(input.flatten(0, 1), 0, Tensor._of(at).to(input.device))
    counts = np.count_nonzero(sizes > np.arange(sizes[0])[:, None], axis=1)
    return PackedSequence(data, Tensor._of(counts), None if order is None else order.to(input.device))


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """The sequences padded again, and their lengths (N,): (T, N, *), or (N, T, *) if batch_first.

    T is the longest length, or total_length; ValueError where that is less. The batch is in its first order.
    """
    counts = sequence.batch_sizes.numpy()
    steps, n = len(counts), int(counts[0])
    if total_length is not None:
        if total_length < steps:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in input, but got "
                f"total_length={total_length} and max sequence length being {steps}"
            )
        steps = total_length
    lengths = np.count_nonzero(counts[:, None] > np.arange(n), axis=0)
    padded = _placed(sequence.data, _places(lengths, steps, batch_first), n, steps, batch_first, padding_value)
    given, back = Tensor._of(lengths), sequence.unsorted_indices
    if back is None:
        return padded, given
    return index_select(padded, 0 if batch_first else 1, back), index_select(given, 0, back.cpu())


def _placed(rows: Tensor, at: Array, n: int, steps: int, batch_first: bool, padding_value: float) -> Tensor:
    """(steps, n, *), or (n, steps, *) if batch_first, all padding_value but for the rows at their places."""
    tail = tuple(rows.shape[1:])
    bare = full((steps * n, *tail), padding_value, dtype=rows.dtype, device=rows.device)
    made = index_copy(bare, 0, Tensor._of(at).to(rows.device), rows)
    if batch_first:
        return title(made.reshape(n, steps, *tail), "TransposeBackward0")
    return title(made.reshape(steps, n, *tail), "CopySlices")


def pad_sequence(
    sequences: Iterable[Tensor], batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Sequences (L_k, *) in one tensor (T, N, *), or (N, T, *) if batch_first; T is the longest L.

    padding_side: "right" puts padding_value after, "left" before the shorter ones.
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    given = list(sequences)
    if not given:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    for k, x in enumerate(given):
        if not isinstance(x, Tensor):
            raise TypeError(f"expected Tensor as element {k} in argument 0, but got {type(x).__name__}")
        if not x.dim():
            raise RuntimeError(f"pad_sequence: expected sequences (L, *), but element {k} has no dimension")
    lengths = [x.shape[0] for x in given]
    n, steps = len(given), max(lengths)
    first = [steps - m if padding_side == "left" else 0 for m in lengths]
    at = [
        k * steps + np.arange(f, f + m) if batch_first else np.arange(f, f + m) * n + k
        for k, (f, m) in enumerate(zip(first, lengths, strict=True))
    ]
    rows = cat([x.to(given[0].dtype).unsqueeze(1) for x in given]).squeeze(1)  # cat would leave out what is (0,)
    return _placed(rows, np.concatenate(at), n, steps, batch_first, padding_value)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences (L_k, *) of (T, N, *), or (N, T, *) if batch_first, without their padding."""
    batch = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [x[: max(0, int(m))].clone() for x, m in zip(batch, lengths, strict=True)]


def pack_sequence(sequences: list[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Sequences (L_k, *) packed; see pack_padded_sequence."""
    return pack_padded_sequence(pad_sequence(sequences), [x.shape[0] for x in sequences], False, enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences (L_k, *) in their first order."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
