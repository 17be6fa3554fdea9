"""Operations that few programs use: their modules open at first touch, so that the import stays light. What each gives
to the public namespace, to Tensor, and to Tensor with an underscore, stands here instead of in the module."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

from ..core.tensor import Tensor


class Gives(NamedTuple):
    public: str
    methods: str = ""
    in_place: str = ""


def everywhere(names: str) -> Gives:
    return Gives(names, names, names)


def both(names: str) -> Gives:
    return Gives(names, names)


LATE = {
    "bessel": everywhere("i0"),
    "gamma": everywhere("digamma igamma igammac lgamma mvlgamma polygamma"),
    "decompositions": both("cholesky cholesky_inverse cholesky_solve det logdet pinverse qr slogdet svd"),
    "solve": both("inverse triangular_solve"),
    "matrices": Gives(
        "cdist corrcoef cov dist lu_solve matrix_exp matrix_power pdist",
        "corrcoef cov dist lu_solve matrix_exp matrix_power",
    ),
    "statistics": Gives(
        "bincount diff histc median mode nanmedian nanquantile quantile trapezoid trapz",
        "bincount diff histc median mode nanmedian nanquantile quantile",
    ),
    "grid": Gives("affine_grid_generator grid_sampler grid_sampler_2d grid_sampler_3d"),
    "margins": Gives("cosine_embedding_loss hinge_embedding_loss margin_ranking_loss triplet_margin_loss"),
    "resample": Gives("_upsample_bilinear2d_aa channel_shuffle pixel_shuffle pixel_unshuffle"),
    "recurrent": Gives("gru gru_cell lstm lstm_cell rnn_relu rnn_relu_cell rnn_tanh rnn_tanh_cell"),
    "natives": Gives(
        "_batch_norm_with_update _native_batch_norm_legit native_batch_norm native_group_norm native_layer_norm"
    ),
}

HOME = {name: module for module, gives in LATE.items() for name in gives.public.split()}


def find(name: str) -> Any:
    """The public function of that name."""
    return getattr(importlib.import_module(f"{__package__}.{HOME[name]}"), name)


class Method:
    """A method of Tensor in waiting: looked at, it puts the function in its own place."""

    def __init__(self, name: str, function: str, dress: Callable[[Any], Any] | None = None) -> None:
        self.name, self.function, self.dress = name, function, dress

    def __get__(self, x: Tensor | None, owner: type) -> Any:
        function = find(self.function)
        setattr(Tensor, self.name, function if self.dress is None else self.dress(function))
        return getattr(owner if x is None else x, self.name)
