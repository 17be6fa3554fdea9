"""Attention with several heads. Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2."""

from __future__ import annotations

from typing import Any

from ...core.modes import is_grad_enabled
from ...core.provenance import warn
from ...core.tensor import Tensor
from ...ops.attention import added
from .. import functional as F
from .. import init
from ..module import Module
from ..parameter import new_parameter
from .linear import NonDynamicallyQuantizableLinear

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """(query, key, value) -> (y, weights): the mean of the values for each query, by num_heads heads side by side.

    query (L, N, E), key (S, N, kdim), value (S, N, vdim) -> y (L, N, E), weights (N, L, S), or (N, heads, L, S) without
    average_attn_weights, or None without need_weights. batch_first: N comes first in all of them; all may be without N.
    attn_mask (L, S) or (N heads, L, S), key_padding_mask (N, S): bool, true where attention is not allowed, or
    numbers added to the scores. is_causal says that attn_mask is the causal one.
    Of size E, kdim and vdim, which are E unless given; in_proj_weight (3 E, E), or q_, k_, v_proj_weight (E, size).
    add_bias_kv: one more learned key and value; add_zero_attn: one more of zeros.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and num_heads={num_heads}"
            )
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if embed_dim % num_heads:
            raise AssertionError("embed_dim must be divisible by num_heads")
        where = {"device": device, "dtype": dtype}
        separate = {"q_proj_weight": embed_dim, "k_proj_weight": self.kdim, "v_proj_weight": self.vdim}
        for name, size in separate.items():
            weight = None if self._qkv_same_embed_dim else new_parameter(embed_dim, size, **where)
            self.register_parameter(name, weight)
        together = new_parameter(3 * embed_dim, embed_dim, **where) if self._qkv_same_embed_dim else None
        self.register_parameter("in_proj_weight", together)
        self.register_parameter("in_proj_bias", new_parameter(3 * embed_dim, **where) if bias else None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, **where)
        self.bias_k = new_parameter(1, 1, embed_dim, **where) if add_bias_kv else None
        self.bias_v = new_parameter(1, 1, embed_dim, **where) if add_bias_kv else None
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self) -> None:
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        masks = [m for m in (attn_mask, key_padding_mask) if m is not None]
        fast = query is key is value and not any(m.is_floating_point() for m in masks) and self._is_fast(query)
        key_padding_mask = canonical("key_padding_mask", key_padding_mask, query, "attn_mask", attn_mask)
        swapped = self.batch_first and query.dim() == 3
        if swapped:
            turned = {i: t.transpose(1, 0) for i, t in {id(t): t for t in (query, key, value)}.items()}
            query, key, value = turned[id(query)], turned[id(key)], turned[id(value)]  # the same ones stay the same
        y, weights = F.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight, self.in_proj_bias, self.bias_k,
            self.bias_v, self.add_zero_attn, self.dropout, self.out_proj.weight, self.out_proj.bias, self.training,
            key_padding_mask,
            need_weights or (fast and bool(masks)),  # a query that may see nothing is NaN then, as in PyTorch
            attn_mask, not self._qkv_same_embed_dim, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight,
            average_attn_weights=average_attn_weights, is_causal=is_causal and not fast,
        )  # fmt: skip
        if swapped:
            y = y.transpose(1, 0)
        return y.contiguous() if fast else y, weights if need_weights else None

    def _is_fast(self, x: Tensor) -> bool:
        """Whether PyTorch takes its path for inference, which disregards is_causal and gives NaN instead of zeros."""
        return (
            x.dim() == 3
            and self.in_proj_weight is not None
            and self.in_proj_bias is not None
            and x.dtype == self.in_proj_weight.dtype
            and not self.training
            and self.num_heads % 2 == 0
            and self.batch_first
            and self.bias_k is None
            and not self.add_zero_attn
            and unrecorded(x, *self.parameters())
        )


def unrecorded(*tensors: Tensor) -> bool:
    """Whether what is computed from them is not recorded."""
    return not (is_grad_enabled() and any(t.requires_grad for t in tensors))


def canonical(
    name: str, mask: Tensor | None, like: Tensor, other_name: str = "", other: Tensor | None = None
) -> Tensor | None:
    """A mask as numbers added to the scores, with PyTorch's warning where it isn't of the kind of the other one."""
    if mask is not None and other is not None and mask.dtype != other.dtype:
        warn(f"Support for mismatched {name} and {other_name} is deprecated. Use same type for both instead.")
    return added(name, mask, like)
