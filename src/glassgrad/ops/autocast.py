"""Which functions autocast lets compute in a lower precision, and which in float32: PyTorch's lists for the CPU.

A listed function converts its floating-point tensors (not float64) and then runs as ever, with autocast off inside:
what is composed of listed functions is listed itself. The conversions are operations, so gradients come back in the
dtypes of what was given. Source: PyTorch documentation, "Automatic Mixed Precision package", section "CPU Op-Specific
Behavior", and the dtypes that 2.13 gives.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ..core import dtypes
from ..core.dtypes import dtype
from ..core.tensor import Tensor

lowered: ContextVar[dtype | None] = ContextVar("glassgrad_autocast", default=None)
"""The dtype that autocast computes in here; None where it is off."""

LOWER = {
    "activations": "prelu",
    "attention": "multi_head_attention_forward scaled_dot_product_attention",
    "einsum": "einsum",
    "linalg": "addbmm addmm baddbmm bmm chain_matmul inner matmul mm multi_dot tensordot",
    "matrices": "vecdot",
    "neural": "linear",
    "recurrent": "lstm rnn_relu rnn_tanh",
    "windows": "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d",
}
FULL = {
    "classification": "binary_cross_entropy binary_cross_entropy_with_logits cross_entropy nll_loss soft_margin_loss",
    "complexes": "polar view_as_complex",
    "ctc": "ctc_loss",
    "decompositions": (
        "cholesky cholesky_inverse cholesky_solve eig eigh eigvals eigvalsh pinverse qr_factors svd_factors svdvals"
    ),
    "gather": "index_copy",
    "grid": "grid_sample",
    "linalg": "trace",
    "losses": "huber_loss kl_div l1_loss mse_loss poisson_nll_loss smooth_l1_loss",
    "margins": (
        "cosine_embedding_loss hinge_embedding_loss margin_ranking_loss multi_margin_loss multilabel_margin_loss "
        "triplet_margin_loss"
    ),
    "matrices": "cdist cond lstsq matrix_rank",
    "norms": "local_response_norm",
    "pool": "adaptive_avg_pool3d adaptive_max_pool3d avg_pool3d max_pool3d",
    "reduce": "prod",
    "solve": "inv inverse solve tensorinv tensorsolve triangular_solve",
    "statistics": "nanquantile quantile",
    "unpool": "max_unpool2d max_unpool3d",
}
# Run as they are: PyTorch computes them without the functions listed above.
PLAIN = {
    "decompositions": "det logdet slogdet",
    "linalg": "addmv addr dot ger kron mv outer vdot",
    "matrices": "matrix_exp",
    "norms": "cosine_similarity",
    "recurrent": "gru gru_cell lstm_cell rnn_relu_cell rnn_tanh_cell",
    "resample": "interpolate",
}
# Not yet: PyTorch lowers the products inside, one by one.
REFUSED = {"decompositions": "pinv", "matrices": "matrix_power", "neural": "bilinear"}


def _of_recurrent(low: dtype, cell: str, *args: Any, **kwargs: Any) -> dtype | None:
    return None if cell == "gru" else low


def _of_pad(low: dtype, input: Tensor, pad: Any, mode: str = "constant", value: Any = None) -> dtype | None:
    full = mode == "replicate" or (mode == "reflect" and len(pad) < 6)
    return dtypes.float32 if full else None


def _refuse(low: dtype, *args: Any, **kwargs: Any) -> None:
    raise NotImplementedError("no autocast for this function yet: call it inside autocast('cpu', enabled=False)")


Rule = Callable[..., dtype | None]  # from the lower dtype and the arguments; None: as they are
RULES: dict[str, dict[str, Rule]] = {"arrange": {"pad": _of_pad}}
RULES["recurrent"] = dict.fromkeys(("over_batch", "over_packed"), _of_recurrent)
for _table, _rule in (
    (LOWER, lambda low, *args, **kwargs: low),
    (FULL, lambda low, *args, **kwargs: dtypes.float32),
    (PLAIN, lambda low, *args, **kwargs: None),
    (REFUSED, _refuse),
):
    for _module, _names in _table.items():
        RULES.setdefault(_module, {}).update(dict.fromkeys(_names.split(), _rule))


def converted(value: Any, to: dtype) -> Any:
    """The floating-point tensors of a value, in lists, tuples and dicts too, as `to`; float64 stays."""
    if isinstance(value, Tensor):
        fits = value.is_floating_point() and value.dtype is not dtypes.float64 and value.dtype is not to
        return value.to(to) if fits else value
    if isinstance(value, (list, tuple)):
        made = [converted(v, to) for v in value]
        return type(value)(*made) if hasattr(value, "_fields") else type(value)(made)
    if isinstance(value, dict):
        return {name: converted(v, to) for name, v in value.items()}
    return value


def listed(function: Callable[..., Any], rule: Rule) -> Callable[..., Any]:
    """The function, which heeds autocast."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        low = lowered.get()
        if low is None:
            return function(*args, **kwargs)
        to = rule(low, *args, **kwargs) if kwargs.get("out") is None else None
        off = lowered.set(None)
        try:
            if to is None:
                return function(*args, **kwargs)
            return function(*converted(args, to), **converted(kwargs, to))
        finally:
            lowered.reset(off)

    return call


def attach(*modules: str) -> None:
    """Put what heeds autocast in the place of a module's listed functions, before others take them from it."""
    for module in modules:
        space = vars(sys.modules[module])
        for name, rule in RULES.get(module.rpartition(".")[2], {}).items():
            space[name] = listed(space[name], rule)
