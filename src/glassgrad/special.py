"""Special functions, under torch.special's names."""

from __future__ import annotations

from .ops.elementwise import exp2, expm1, log1p, round
from .ops.elementwise import sigmoid as expit
from .ops.neural import log_softmax, softmax
from .ops.reduce import logsumexp
from .ops.special import (
    digamma,
    entr,
    erf,
    erfc,
    erfinv,
    gammaln,
    i0,
    i0e,
    i1,
    i1e,
    logit,
    ndtr,
    polygamma,
    psi,
    sinc,
    xlog1py,
    xlogy,
)  # fmt: skip

__all__ = [
    "digamma", "entr", "erf", "erfc", "erfinv", "exp2", "expit", "expm1", "gammaln", "i0", "i0e", "i1", "i1e",
    "log1p", "log_softmax", "logit", "logsumexp", "ndtr", "polygamma", "psi", "round", "sinc", "softmax", "xlog1py",
    "xlogy",
]  # fmt: skip
