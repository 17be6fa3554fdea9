"""Embeddings: rows of a table, one by one or a bag of them at a time."""

from __future__ import annotations

from typing import NoReturn

from ..core.backend import Array, xp_of
from ..core.batched import samplewise
from ..core.graph import touch
from ..core.half import tensors_in_float32
from ..core.tensor import Tensor
from ..core.titles import titled
from .gather import embedding as lookup
from .gather import gather, index_add


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Rows of weight (V, D) for integers (...): (..., D).

    padding_idx: this row gets no gradient. max_norm: the rows used are first scaled, in place, to at most this
    norm. scale_grad_by_freq: a row's gradient is divided by how often it occurs here. sparse: the gradient of a
    weight that is a leaf is sparse, of the rows used.
    Raises IndexError for indices outside [0, V), RuntimeError where input isn't int64 or int32.
    """
    if weight.array.ndim != 2:
        raise RuntimeError(f"'weight' must be 2-D, this one has shape {list(weight.array.shape)}")
    rows, i = weight.array.shape[0], input.array
    if padding_idx is not None and not -rows <= padding_idx < rows:
        raise AssertionError(f"Padding_idx must be within num_embeddings: {padding_idx} for {rows} rows")
    padding = None if padding_idx is None else padding_idx % rows
    y = lookup(weight, input, padding, sparse)
    if max_norm is not None:  # only now are the indices known to be right
        _shorten(weight, i, max_norm, norm_type)
        y = lookup(weight, input, padding, sparse)
    if scale_grad_by_freq and y.requires_grad:
        if sparse:
            y.register_hook(_no_frequencies)
        xp = xp_of(i)
        share = 1 / xp.bincount(i.reshape(-1), minlength=rows)[i].astype(weight.array.dtype)
        y.register_hook(lambda g: g * Tensor._of(share[..., None]))
    return y


def _no_frequencies(_: Tensor) -> NoReturn:
    raise RuntimeError("embedding_backward: scale_grad_by_freq not supported with sparse gradients")


def _shorten(weight: Tensor, used: Array, max_norm: float, norm_type: float) -> None:
    """The rows used, scaled in place to a norm of at most max_norm. Not recorded, as in PyTorch."""
    xp = xp_of(used)
    w, rows = weight.array, xp.unique(used)
    norms = xp.linalg.norm(w[rows], norm_type, 1)
    long = norms > max_norm
    w[rows[long]] *= (max_norm / (norms[long] + 1e-7))[:, None].astype(w.dtype)
    touch(weight.version)


# --- bags ---

REDUCTIONS = ("sum", "mean", "max")


@titled("EmbeddingBagBackward0")
def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The sum, mean or largest of the rows of weight (V, D) in each of B bags: (B, D); an empty bag gives zeros.

    input: int64 or int32 (B, N), bags of N; or (M,), where bag k begins at offsets[k] (include_last_offset: and
    offsets has M at its end). per_sample_weights: input's shape, a factor for each row, with mode "sum".
    padding_idx: this row counts nothing. max_norm, scale_grad_by_freq, sparse: as embedding.
    Raises ValueError for other shapes or modes, or a sparse gradient of the largest, IndexError for indices outside
    [0, V), RuntimeError where input isn't int64 or int32, or the offsets don't begin at 0 or leave the input.
    """
    if mode not in REDUCTIONS:
        raise ValueError(f"mode has to be one of {', '.join(REDUCTIONS)}, got {mode!r}")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' "
            f"(got mode={mode!r})"
        )
    at, begins = _bags(input, weight, offsets, per_sample_weights, include_last_offset)
    rows = embedding(Tensor._of(at), weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)  # (M, D)
    xp, bags = xp_of(at), len(begins)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.reshape(-1, 1)
    bag = xp.searchsorted(begins, xp.arange(len(at)), "right") - 1
    if padding_idx is not None and (kept := at != padding_idx % weight.array.shape[0]).sum() < len(at):
        rows, bag = rows[Tensor._of(kept)], bag[kept]
    filled = xp.bincount(bag, minlength=bags)  # how many rows count in each bag
    if mode == "max":
        return _largest(rows, bag, filled)
    empty = Tensor._of(xp.zeros((bags, weight.array.shape[1]), rows.array.dtype))
    return _total(rows, empty, Tensor._of(bag), None if mode == "sum" else Tensor._of(xp.maximum(filled, 1)[:, None]))


@tensors_in_float32
def _total(rows: Tensor, empty: Tensor, bag: Tensor, count: Tensor | None) -> Tensor:
    total = index_add(empty, 0, bag, rows)
    return total if count is None else total / count.to(total.dtype)


def _bags(
    input: Tensor, weight: Tensor, offsets: Tensor | None, factors: Tensor | None, include_last: bool
) -> tuple[Array, Array]:
    """The indices in one row, and where each bag begins among them."""
    s = tuple(input.array.shape)
    if factors is not None and factors.array.shape != s:
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({tuple(factors.array.shape)}) is not None, then it must have the "
            f"same shape as the input ({s})"
        )
    if weight.array.ndim != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.array.ndim}")
    if len(s) not in (1, 2):
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {len(s)}")
    xp, at = xp_of(input.array), input.array.reshape(-1)
    if len(s) == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length "
                f"sequences. However, found offsets of type {type(offsets).__name__}"
            )
        return at, xp.arange(s[0]) * s[1]
    if offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    if offsets.array.ndim != 1:
        raise ValueError(f"offsets has to be a 1D Tensor, got {offsets.array.ndim} dimensions")
    begins = offsets.array
    if begins.size and (begins[0] != 0 or begins[-1] > at.size):
        raise RuntimeError(
            "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0, and "
            f"offsets[-1] can not be greater than input's length {at.size}: got {begins[0]} and {begins[-1]}"
        )
    return at, begins[:-1] if include_last else begins


def _largest(rows: Tensor, bag: Array, filled: Array) -> Tensor:
    """The largest of each column in each bag; of equals the first, which gets the gradient."""
    xp, full = xp_of(bag), xp_of(bag).flatnonzero(filled)
    made = Tensor._of(xp.zeros((len(filled), rows.array.shape[1]), rows.array.dtype))
    if not full.size:
        return made + rows.sum() * 0
    starts = (xp.cumsum(filled) - filled)[full]
    first = Tensor._of(_first_largest(rows.array, starts, xp.searchsorted(full, bag)))
    return index_add(made, 0, Tensor._of(full), gather(rows, 0, first))


@samplewise
def _first_largest(values: Array, starts: Array, bag: Array) -> Array:
    """The row of the first largest element of each column in each bag: (bags, D)."""
    xp = xp_of(values)
    best = xp.maximum.reduceat(values, starts, 0)[bag]
    rows = xp.where((values == best) | (values != values), xp.arange(len(bag))[:, None], len(bag) - 1)
    return xp.minimum.reduceat(rows, starts, 0)
