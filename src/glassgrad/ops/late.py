"""Operations that few programs use: their modules open at first touch, so that the import stays light. What each gives
to the public namespace, to Tensor, and to Tensor with an underscore, stands here instead of in the module."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

from ..core.tensor import Tensor
from . import keywords


class Gives(NamedTuple):
    public: str
    methods: str = ""
    in_place: str = ""
    only_methods: str = ""  # and attributes


def everywhere(names: str) -> Gives:
    return Gives(names, names, names)


def both(names: str) -> Gives:
    return Gives(names, names)


LATE = {
    "bessel": everywhere("i0"),
    "gamma": everywhere("digamma igamma igammac lgamma mvlgamma polygamma"),
    "chances": Gives("_dirichlet_grad _sample_dirichlet _standard_gamma _standard_gamma_grad binomial poisson"),
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
    "sparse": Gives("sparse_coo_tensor spmm", only_methods="coalesce to_dense to_sparse"),
    "recurrent": Gives("gru gru_cell lstm lstm_cell rnn_relu rnn_relu_cell rnn_tanh rnn_tanh_cell"),
    "lowrank": Gives("pca_lowrank svd_lowrank"),
    "natives": Gives(
        "_batch_norm_with_update _native_batch_norm_legit native_batch_norm native_group_norm native_layer_norm"
    ),
    "signal": Gives(
        "bartlett_window blackman_window hamming_window hann_window istft kaiser_window stft", "istft stft"
    ),
    "checked": Gives("lu lu_unpack orgqr", "lu orgqr"),
    "numeric": Gives(
        "constant_pad_nd cumulative_trapezoid frobenius_norm gradient histogram histogramdd nonzero_static "
        "norm_except_dim nuclear_norm renorm unravel_index",
        "histogram nonzero_static renorm",
        only_methods="renorm_",
    ),
    "memory": Gives(
        "as_strided_ as_strided_scatter",
        "as_strided_ as_strided_scatter",
        only_methods="apply_ dim_order fill_diagonal_ is_set_to map2_ map_ module_load resize resize_ resize_as "
        "resize_as_ set_",
    ),
    "questions": Gives(
        "detach eig get_device is_distributed is_inference is_same_size is_signed is_storage is_vulkan_available "
        "lstsq matrix_rank result_type solve symeig typename",
        "eig is_distributed is_inference lstsq solve symeig",
        only_methods="is_shared output_nr record_stream reinforce storage_type volatile",
    ),
    ".core.backend": Gives("get_default_device set_default_device"),
    ".core.limits": Gives("finfo iinfo"),
    ".core.settings": Gives(
        "are_deterministic_algorithms_enabled get_deterministic_debug_mode "
        "get_float32_matmul_precision get_num_interop_threads is_deterministic_algorithms_warn_only_enabled "
        "is_warn_always_enabled set_default_tensor_type set_deterministic_debug_mode "
        "set_float32_matmul_precision set_flush_denormal set_num_interop_threads set_warn_always "
        "use_deterministic_algorithms"
    ),
}

HOME = {name: module for module, gives in LATE.items() for name in gives.public.split()}
_OWN = {name: module for module, gives in LATE.items() for name in gives.only_methods.split()}


def find(name: str) -> Any:
    """The public function of that name."""
    return keywords.function(name, _opened(name))


def _opened(name: str) -> Any:
    return getattr(importlib.import_module(f".{HOME.get(name) or _OWN[name]}", __package__), name)


class Method:
    """A method of Tensor in waiting: looked at, it puts the function in its own place."""

    def __init__(self, name: str, function: str, dress: Callable[[Any], Any] | None = None) -> None:
        self.name, self.function, self.dress = name, function, dress

    def __get__(self, x: Tensor | None, owner: type) -> Any:
        function = keywords.method(self.function, _opened(self.function))
        setattr(Tensor, self.name, function if self.dress is None else self.dress(function))
        return getattr(owner if x is None else x, self.name)
