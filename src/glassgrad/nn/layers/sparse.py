"""Tables of vectors that are looked up."""

from __future__ import annotations

from typing import Any, Self

from ...core.tensor import Tensor
from .. import functional as F
from .. import init
from ..module import Module
from ..parameter import Parameter, new_parameter

__all__ = ["Embedding", "EmbeddingBag"]


class _Table(Module):
    """A table of num_embeddings rows of embedding_dim numbers."""

    def _start(self, padding_idx: int | None, weight: Tensor | None, freeze: bool, device: Any, dtype: Any) -> None:
        shape = self.num_embeddings, self.embedding_dim
        if padding_idx is not None:
            if not -shape[0] <= padding_idx < shape[0]:
                raise AssertionError(f"padding_idx must be within num_embeddings: {padding_idx} for {shape[0]} rows")
            padding_idx %= shape[0]
        self.padding_idx = padding_idx
        if weight is None:
            self.weight = new_parameter(*shape, device=device, dtype=dtype)
            self.weight.requires_grad_(not freeze)
            self.reset_parameters()
        elif tuple(weight.shape) != shape:
            raise AssertionError(
                f"Shape of weight does not match num_embeddings and embedding_dim: {tuple(weight.shape)}, expected "
                f"{shape}"
            )
        else:
            self.weight = Parameter(weight, not freeze)

    def reset_parameters(self) -> None:
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.array[self.padding_idx] = 0


class Embedding(_Table):
    """Rows of weight (num_embeddings, embedding_dim) at the given indices: (*) -> (*, embedding_dim).

    weight starts normal(0, 1); the row padding_idx starts at zero and gets no gradient. max_norm: rows that are looked
    up are scaled down to this norm, in place.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        self._start(padding_idx, _weight, _freeze, device, dtype)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Self:
        """An Embedding with these rows, which are learned further only if freeze=False."""
        if embeddings.dim() != 2:
            raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
        rows, width = embeddings.shape
        return cls(
            rows,
            width,
            padding_idx,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            sparse,
            _weight=embeddings,
            _freeze=freeze,
        )

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )

    def extra_repr(self) -> str:
        defaults = {
            "padding_idx": None, "max_norm": None, "norm_type": 2.0, "scale_grad_by_freq": False, "sparse": False,
        }  # fmt: skip
        given = {name: getattr(self, name) for name, default in defaults.items() if getattr(self, name) != default}
        sizes = f"{self.num_embeddings}, {self.embedding_dim}"
        return ", ".join([sizes, *(f"{k}={v}" for k, v in given.items())])


class EmbeddingBag(_Table):
    """The sum, mean or largest elements of several rows of weight (num_embeddings, embedding_dim).

    (N, L), or (L,) with offsets (N,) at which each bag starts -> (N, embedding_dim). mode: "sum", "mean" or "max".
    per_sample_weights, like the input: factors, with "sum" only. include_last_offset: the last offset is the end.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.mode = mode
        self.sparse = sparse
        self.include_last_offset = include_last_offset
        self._start(padding_idx, _weight, False, device, dtype)

    @classmethod
    def from_pretrained(cls, embeddings: Tensor, freeze: bool = True, *options: Any, **named: Any) -> Self:
        """An EmbeddingBag with these rows; options as the constructor's from max_norm on, without _weight.

        They are learned further only if freeze=False.
        """
        if embeddings.dim() != 2:
            raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
        names = ("max_norm", "norm_type", "scale_grad_by_freq", "mode", "sparse", "include_last_offset", "padding_idx")
        rows, width = embeddings.shape
        chosen: dict[str, Any] = {**dict(zip(names, options, strict=False)), **named}
        made = cls(rows, width, _weight=embeddings, **chosen)
        made.weight.requires_grad_(not freeze)
        return made

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        return F.embedding_bag(
            input, self.weight, offsets, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.mode, self.sparse,
            per_sample_weights, self.include_last_offset, self.padding_idx,
        )  # fmt: skip

    def extra_repr(self) -> str:
        shown = {
            "max_norm": self.max_norm is not None, "norm_type": self.norm_type != 2,
            "scale_grad_by_freq": self.scale_grad_by_freq, "mode": True, "padding_idx": self.padding_idx is not None,
        }  # fmt: skip
        given = [f"{name}={getattr(self, name)!r}" for name, holds in shown.items() if holds]
        return ", ".join([f"{self.num_embeddings}, {self.embedding_dim}", *given])
