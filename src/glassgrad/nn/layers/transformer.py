"""The transformer: layers of attention and two linear maps, encoder, decoder and both.

In inference without a graph PyTorch takes another path through an encoder, which one can tell from the numbers: a mask
hides wherever it isn't 0, a query that may see nothing is NaN, and an encoder gives zeros for padding. So it is here.
Source: Vaswani et al. 2017, arXiv:1706.03762, section 3; norm_first: Xiong et al. 2020, arXiv:2002.04745.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.provenance import warn
from ...core.tensor import Tensor
from ...ops.choice import where
from ...ops.create import full
from .. import functional as F
from .. import init
from ..module import Module
from .activation import GELU, ReLU
from .attention import MultiheadAttention, canonical, unrecorded
from .container import ModuleList
from .dropout import Dropout
from .linear import Linear
from .norms import LayerNorm

__all__ = ["Transformer", "TransformerDecoder", "TransformerDecoderLayer", "TransformerEncoder",
           "TransformerEncoderLayer"]  # fmt: skip

Activation = str | Callable[[Tensor], Tensor]
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "gelu": F.gelu}


def _get_activation_fn(activation: str) -> Callable[[Tensor], Tensor]:
    if activation not in ACTIVATIONS:
        raise RuntimeError(f"activation should be relu/gelu, not {activation}")
    return ACTIVATIONS[activation]


def _get_clones(module: Module, N: int) -> ModuleList:
    """N copies of a layer."""
    return ModuleList([copy.deepcopy(module) for _ in range(N)])


class _Layer(Module):
    """What both layers share: attentions, then linear2(activation(linear1(x))), each around a residual and a norm."""

    attentions: tuple[str, ...]

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        options = {"bias": bias, "device": device, "dtype": dtype}
        for name in self.attentions:
            setattr(self, name, MultiheadAttention(d_model, nhead, dropout, batch_first=batch_first, **options))
        self.linear1 = Linear(d_model, dim_feedforward, **options)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, **options)
        self.norm_first = norm_first
        parts = range(1, len(self.attentions) + 2)
        for i in parts:
            setattr(self, f"norm{i}", LayerNorm(d_model, layer_norm_eps, **options))
        for i in parts:
            setattr(self, f"dropout{i}", Dropout(dropout))
        if isinstance(activation, str):
            activation = _get_activation_fn(activation)
        self.activation = activation

    def _around(self, x: Tensor, part: Callable[[Tensor], Tensor], norm: Module) -> Tensor:
        return x + part(norm(x)) if self.norm_first else norm(x + part(x))

    def _sa_block(
        self, x: Tensor, attn_mask: Any, key_padding_mask: Any, is_causal: bool = False, explicit: bool = False
    ) -> Tensor:
        """Attention to itself; explicit: by way of the weights."""
        y = self.self_attn(
            x, x, x, attn_mask=attn_mask, key_padding_mask=key_padding_mask, need_weights=explicit, is_causal=is_causal
        )[0]
        return self.dropout1(y)

    def _ff_block(self, x: Tensor) -> Tensor:
        last = getattr(self, f"dropout{len(self.attentions) + 1}")
        return last(self.linear2(self.dropout(self.activation(self.linear1(x)))))


class TransformerEncoderLayer(_Layer):
    """src (S, N, E) -> (S, N, E): attention to itself, then two linear maps. batch_first: (N, S, E); also (S, E).

    Masks as in MultiheadAttention. norm_first: x + part(norm(x)) instead of norm(x + part(x)).
    """

    attentions = ("self_attn",)

    @property
    def activation_relu_or_gelu(self) -> int:
        """1 for ReLU, 2 for GELU, 0 for another."""
        kinds = ((F.relu, ReLU), (F.gelu, GELU))
        known = [self.activation is function or isinstance(self.activation, module) for function, module in kinds]
        return known.index(True) + 1 if any(known) else 0

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        hidden = canonical("src_key_padding_mask", src_key_padding_mask, src, "src_mask", src_mask)
        mask, explicit = canonical("src_mask", src_mask, src), False
        if self._is_fast(src):
            is_causal, explicit = False, mask is not None or hidden is not None
            mask, hidden = [None if m is None else m.ne(0) for m in (mask, hidden)]
        x = self._around(src, lambda x: self._sa_block(x, mask, hidden, is_causal, explicit), self.norm1)
        return self._around(x, self._ff_block, self.norm2)

    def _is_fast(self, src: Tensor) -> bool:
        """Whether PyTorch takes its path for inference."""
        return bool(
            self.self_attn._is_fast(src)
            and self.activation_relu_or_gelu
            and self.norm1.eps == self.norm2.eps
            and not any(m._forward_hooks or m._forward_pre_hooks for m in self.modules())
            and unrecorded(*self.parameters())
        )


class TransformerDecoderLayer(_Layer):
    """tgt (T, N, E), memory (S, N, E) -> (T, N, E): attention to itself, attention to memory, then two linear maps.

    batch_first: (N, T, E). Masks as in MultiheadAttention.
    """

    attentions = ("self_attn", "multihead_attn")

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        def across(x: Tensor) -> Tensor:
            return self._mha_block(x, memory, memory_mask, memory_key_padding_mask, memory_is_causal)

        x = self._around(tgt, lambda x: self._sa_block(x, tgt_mask, tgt_key_padding_mask, tgt_is_causal), self.norm1)
        return self._around(self._around(x, across, self.norm2), self._ff_block, self.norm3)

    def _mha_block(
        self, x: Tensor, mem: Tensor, attn_mask: Any, key_padding_mask: Any, is_causal: bool = False
    ) -> Tensor:
        y = self.multihead_attn(
            x, mem, mem, attn_mask=attn_mask, key_padding_mask=key_padding_mask, is_causal=is_causal, need_weights=False
        )[0]
        return self.dropout2(y)


def _generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
    return full((sz, sz), -math.inf, dtype=dtype, device=device).triu(1)


def _is_causal(mask: Tensor | None, said: bool | None, size: int) -> bool:
    """What was said of a mask, or, where nothing was, whether it is the causal one."""
    if said is not None or mask is None:
        return said is True
    causal = _generate_square_subsequent_mask(size, mask.device, mask.dtype)
    return mask.shape == causal.shape and bool(mask.eq(causal).all())


class _Stack(Module):
    """Copies of one layer, which start equal, one after the other, and a norm at the end."""

    def __init__(self, layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = _get_clones(layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def _length(self, x: Tensor) -> int:
        return x.shape[1 if x.dim() == 3 and self.layers[0].self_attn.batch_first else 0]

    def _normed(self, x: Tensor) -> Tensor:
        return x if self.norm is None else self.norm(x)


class TransformerEncoder(_Stack):
    """src -> the same shape, through num_layers copies of a TransformerEncoderLayer and a norm, if any.

    is_causal=None looks whether the mask is the causal one. enable_nested_tensor: in inference without a graph padding
    at the ends comes out as zeros, before the norm; mask_check: look that it is at the ends.
    """

    def __init__(
        self,
        encoder_layer: TransformerEncoderLayer,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__(encoder_layer, num_layers, norm)
        self.enable_nested_tensor = enable_nested_tensor
        self.mask_check = mask_check
        why_not = _never_nested(encoder_layer)
        self.use_nested_tensor = enable_nested_tensor and not why_not
        if enable_nested_tensor and why_not:
            warn(f"enable_nested_tensor is True, but self.use_nested_tensor is False because encoder_layer{why_not}")

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        hidden = canonical("src_key_padding_mask", src_key_padding_mask, src, "mask", mask)
        mask = canonical("mask", mask, src)
        causal = _is_causal(mask, is_causal, self._length(src))
        padding = None if mask is not None or hidden is None or src.dim() != 3 else hidden.ne(0)
        if padding is not None and not self._drops(src, padding):
            padding = None
        x = src
        for layer in self.layers:
            x = layer(x, src_mask=mask, is_causal=causal, src_key_padding_mask=hidden)
        if padding is not None:
            x = where(padding.unsqueeze(-1), 0.0, x)
        return self._normed(x)

    def _drops(self, src: Tensor, padding: Tensor) -> bool:
        """Whether PyTorch leaves padding out, and gives zeros for it."""
        first = self.layers[0]
        if not self.use_nested_tensor or first.training or not unrecorded(src, *first.parameters()):
            return False
        return not self.mask_check or bool((np.diff(padding.array.astype(int), axis=1) >= 0).all())


def _never_nested(layer: Any) -> str:
    """Why PyTorch can't leave padding out of this layer, in its words; empty where it can."""
    if not isinstance(layer, TransformerEncoderLayer):
        return " was not TransformerEncoderLayer"
    attention = layer.self_attn
    reasons = {
        ".norm_first was True": layer.norm_first,
        ".self_attn.batch_first was not True(use batch_first for better inference performance)":
            not attention.batch_first,
        ".self_attn._qkv_same_embed_dim was not True": not attention._qkv_same_embed_dim,
        ".self_attn was passed bias=False": attention.in_proj_bias is None,
        ".activation_relu_or_gelu was not True": not layer.activation_relu_or_gelu,
        ".norm1.eps was not equal to encoder_layer.norm2.eps": layer.norm1.eps != layer.norm2.eps,
        ".self_attn.num_heads is odd": attention.num_heads % 2 == 1,
    }  # fmt: skip
    return next((text for text, holds in reasons.items() if holds), "")


class TransformerDecoder(_Stack):
    """(tgt, memory) -> tgt's shape, through num_layers copies of a TransformerDecoderLayer and a norm, if any.

    tgt_is_causal=None looks whether tgt_mask is the causal one.
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__(decoder_layer, num_layers, norm)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        causal = _is_causal(tgt_mask, tgt_is_causal, self._length(tgt))
        x = tgt
        for layer in self.layers:
            x = layer(
                x, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask,
                memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=causal,
                memory_is_causal=memory_is_causal,
            )  # fmt: skip
        return self._normed(x)


class Transformer(Module):
    """(src (S, N, E), tgt (T, N, E)) -> (T, N, E): an encoder, and a decoder that attends to what it gives.

    batch_first: (N, S, E); also without N. Every matrix starts as Glorot's uniform.
    Raises RuntimeError where batches or sizes don't fit.
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        layer = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias,
                 device, dtype)  # fmt: skip
        norm = {"eps": layer_norm_eps, "bias": bias, "device": device, "dtype": dtype}
        self.encoder = custom_encoder or TransformerEncoder(
            TransformerEncoderLayer(*layer), num_encoder_layers, LayerNorm(d_model, **norm)
        )
        self.decoder = custom_decoder or TransformerDecoder(
            TransformerDecoderLayer(*layer), num_decoder_layers, LayerNorm(d_model, **norm)
        )
        self._reset_parameters()
        self.d_model = d_model
        self.nhead = nhead
        self.batch_first = batch_first

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        batch = 0 if self.batch_first else 1
        if src.dim() == 3 and src.shape[batch] != tgt.shape[batch]:
            raise RuntimeError(
                f"the batch number of src and tgt must be equal, got {src.shape[batch]} and {tgt.shape[batch]}"
            )
        if src.shape[-1] != self.d_model or tgt.shape[-1] != self.d_model:
            raise RuntimeError(
                "the feature number of src and tgt must be equal to d_model, got "
                f"{src.shape[-1]}, {tgt.shape[-1]} and d_model={self.d_model}"
            )
        memory = self.encoder(
            src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal
        )  # fmt: skip
        return self.decoder(
            tgt, memory, tgt_mask=tgt_mask, memory_mask=memory_mask, tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask, tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )  # fmt: skip

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """(sz, sz): 0 up to the diagonal, -inf above it."""
        return _generate_square_subsequent_mask(sz, device, dtype)

    def _reset_parameters(self) -> None:
        for p in self.parameters():
            if p.dim() > 1:
                init.xavier_uniform_(p)
