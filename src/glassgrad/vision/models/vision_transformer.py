"""Vision transformers: patches of an image as words. Source: Dosovitskiy et al. 2020, arXiv:2010.11929."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from ... import nn
from ...core.tensor import Tensor
from ...nn import init
from ...ops.arrange import cat
from ...ops.create import empty, zeros
from ..ops.layers import MLP, Conv2dNormActivation
from .named import named, weights_of

Make = Callable[..., nn.Module]
NORM = partial(nn.LayerNorm, eps=1e-6)


class ConvStemConfig(NamedTuple):
    """A convolution before the patches. Source: Xiao et al. 2021, arXiv:2106.14881."""

    out_channels: int
    kernel_size: int
    stride: int
    norm_layer: Make = nn.BatchNorm2d
    activation_layer: Make = nn.ReLU


class MLPBlock(MLP):
    """Two linear layers with GELU between them."""

    def __init__(self, in_dim: int, mlp_dim: int, dropout: float) -> None:
        super().__init__(in_dim, [mlp_dim, in_dim], activation_layer=nn.GELU, dropout=dropout)
        for m in self.modules():
            if isinstance(m, nn.Linear):
                init.xavier_uniform_(m.weight)
                init.normal_(m.bias, std=1e-6)


class EncoderBlock(nn.Module):
    """Attention, then two layers, each after a norm and added to its input."""

    def __init__(
        self, num_heads: int, hidden_dim: int, mlp_dim: int, dropout: float, attention_dropout: float,
        norm_layer: Make = NORM,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_heads = num_heads
        self.ln_1 = norm_layer(hidden_dim)
        self.self_attention = nn.MultiheadAttention(hidden_dim, num_heads, dropout=attention_dropout, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.ln_2 = norm_layer(hidden_dim)
        self.mlp = MLPBlock(hidden_dim, mlp_dim, dropout)

    def forward(self, input: Tensor) -> Tensor:
        x = self.ln_1(input)
        x = self.dropout(self.self_attention(x, x, x, need_weights=False)[0]) + input
        return x + self.mlp(self.ln_2(x))


class Encoder(nn.Module):
    """(N, T, D) -> the same: positions added, the blocks, a norm."""

    def __init__(
        self, seq_length: int, num_layers: int, num_heads: int, hidden_dim: int, mlp_dim: int, dropout: float,
        attention_dropout: float, norm_layer: Make = NORM,
    ) -> None:  # fmt: skip
        super().__init__()
        self.pos_embedding = nn.Parameter(empty(1, seq_length, hidden_dim).normal_(std=0.02))
        self.dropout = nn.Dropout(dropout)
        blocks = [
            EncoderBlock(num_heads, hidden_dim, mlp_dim, dropout, attention_dropout, norm_layer)
            for _ in range(num_layers)
        ]
        self.layers = nn.Sequential(OrderedDict((f"encoder_layer_{k}", block) for k, block in enumerate(blocks)))
        self.ln = norm_layer(hidden_dim)

    def forward(self, input: Tensor) -> Tensor:
        return self.ln(self.layers(self.dropout(input + self.pos_embedding)))


class VisionTransformer(nn.Module):
    """(N, 3, image_size, image_size) -> (N, num_classes), by patches of patch_size."""

    def __init__(
        self, image_size: int, patch_size: int, num_layers: int, num_heads: int, hidden_dim: int, mlp_dim: int,
        dropout: float = 0.0, attention_dropout: float = 0.0, num_classes: int = 1000,
        representation_size: int | None = None, norm_layer: Make = NORM,
        conv_stem_configs: list[ConvStemConfig] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if image_size % patch_size:
            raise AssertionError("Input shape indivisible by patch size!")
        self.image_size, self.patch_size, self.hidden_dim, self.mlp_dim = image_size, patch_size, hidden_dim, mlp_dim
        self.attention_dropout, self.dropout, self.num_classes = attention_dropout, dropout, num_classes
        self.representation_size, self.norm_layer = representation_size, norm_layer
        self.conv_proj: Any
        if conv_stem_configs is None:
            self.conv_proj = nn.Conv2d(3, hidden_dim, patch_size, patch_size)
        else:
            self.conv_proj, channels = nn.Sequential(), 3
            for k, (out, size, stride, norm, activation) in enumerate(conv_stem_configs):
                layer = Conv2dNormActivation(
                    channels, out, size, stride, norm_layer=norm, activation_layer=activation
                )  # fmt: skip
                self.conv_proj.add_module(f"conv_bn_relu_{k}", layer)
                channels = out
            self.conv_proj.add_module("conv_last", nn.Conv2d(channels, hidden_dim, 1))
        self.class_token = nn.Parameter(zeros(1, 1, hidden_dim))
        self.seq_length = (image_size // patch_size) ** 2 + 1
        self.encoder = Encoder(
            self.seq_length, num_layers, num_heads, hidden_dim, mlp_dim, dropout, attention_dropout, norm_layer
        )
        self.heads = nn.Sequential()
        if representation_size is not None:
            self.heads.pre_logits = nn.Linear(hidden_dim, representation_size)
            self.heads.act = nn.Tanh()
        self.heads.head = nn.Linear(representation_size or hidden_dim, num_classes)
        self._start(conv_stem_configs is None)

    def _start(self, patches: bool) -> None:
        last = self.conv_proj if patches else self.conv_proj.conv_last
        if patches:
            init.trunc_normal_(last.weight, std=math.sqrt(1 / (last.in_channels * self.patch_size**2)))
        else:
            init.normal_(last.weight, 0.0, math.sqrt(2.0 / last.out_channels))
        init.zeros_(last.bias)
        if self.representation_size is not None:
            before = self.heads.pre_logits
            init.trunc_normal_(before.weight, std=math.sqrt(1 / before.in_features))
            init.zeros_(before.bias)
        init.zeros_(self.heads.head.weight)
        init.zeros_(self.heads.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        for side, n in (("height", x.shape[2]), ("width", x.shape[3])):
            if n != self.image_size:
                raise AssertionError(f"Wrong image {side}! Expected {self.image_size} but got {n}!")
        x = self.conv_proj(x).flatten(2).permute(0, 2, 1)  # (N, patches, D)
        x = self.encoder(cat([self.class_token.expand(len(x), -1, -1), x], 1))
        return self.heads(x[:, 0])


SIZES = {  # layers, heads, hidden, mlp
    "b": (12, 12, 768, 3072),
    "l": (24, 16, 1024, 4096),
    "h": (32, 16, 1280, 5120),
}


def _of(size: str, patch: int) -> Callable[..., nn.Module]:
    def make(image_size: int = 224, **options: Any) -> VisionTransformer:
        return VisionTransformer(image_size, patch, *SIZES[size], **options)

    return named(f"vit_{size}_{patch}", make, f"ViT-{size.upper()}/{patch}.")


vit_b_16, vit_b_32, vit_l_16, vit_l_32, vit_h_14 = (
    _of(*which) for which in (("b", 16), ("b", 32), ("l", 16), ("l", 32), ("h", 14))
)
_SWAG = ("IMAGENET1K_SWAG_LINEAR_V1", "IMAGENET1K_SWAG_E2E_V1")
ViT_B_16_Weights = weights_of("ViT_B_16_Weights", *_SWAG, "IMAGENET1K_V1")
ViT_B_32_Weights = weights_of("ViT_B_32_Weights", "IMAGENET1K_V1")
ViT_L_16_Weights = weights_of("ViT_L_16_Weights", *_SWAG, "IMAGENET1K_V1")
ViT_L_32_Weights = weights_of("ViT_L_32_Weights", "IMAGENET1K_V1")
ViT_H_14_Weights = weights_of("ViT_H_14_Weights", *_SWAG)
