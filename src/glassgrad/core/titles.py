"""PyTorch's names of what is recorded, as print(y) shows them: grad_fn=<MseLossBackward0>.

A node is called after its operation. Where PyTorch's operation has another name, it is in TITLES; where PyTorch has
one operation for what is several here, the last node gets the name of them all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .graph import next_number

# operation: PyTorch's name, without "Backward0"
TITLES = {
    "cast": "ToCopy", "cross": "LinalgCross", "det": "LinalgDet", "eig": "LinalgEig", "eigh": "LinalgEigh",
    "gelu_tanh": "Gelu", "i0e": "SpecialI0E", "i1": "SpecialI1", "i1e": "SpecialI1E", "inv": "LinalgInvEx",
    "log1p": "Log1P", "matmul": "Mm", "nll_total": "NllLoss", "pinv": "LinalgPinv", "place_diagonal": "DiagEmbed",
    "qr": "LinalgQr", "slogdet": "LinalgSlogdet", "solve": "LinalgSolveEx", "solve_triangular": "LinalgSolveTriangular",
    "square": "Pow", "svd": "LinalgSvd", "vector_norm": "LinalgVectorNorm", "xlog1py": "SpecialXlog1Py",
    "standardize": "NativeLayerNorm", "ndtri": "SpecialNdtri", "log_ndtr": "SpecialLogNdtr", "erfcx": "SpecialErfcx",
    "eliminate": "LinalgLuFactorEx", "linear": "Addmm",
}  # fmt: skip


def of_op(name: str) -> str:
    return (TITLES.get(name) or "".join([part.capitalize() for part in name.split("_")])) + "Backward0"


def title(y: Any, name: str) -> Any:
    """y, whose node is shown under that name."""
    if y._node is not None:
        y._node.shown = name
    return y


def title_whole(x: Any, name: str) -> Any:
    """x, changed in place as a whole, whose node is shown under that name unless x is a view."""
    return x if x._view is not None else title(x, name)


def titled(name: str | Callable[..., str]) -> Any:
    """Decorator: the nodes of what the function gives are shown under that name, or name(*its arguments)."""

    def dress(call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def public(*args: Any, **options: Any) -> Any:
            start = next_number()
            made = call(*args, **options)
            for y in made if isinstance(made, tuple) else (made,):
                node = getattr(y, "_node", None)
                if node is not None and node.number > start:  # not what was given
                    node.shown = name if isinstance(name, str) else name(*args, **options)
            return made

        return public

    return dress
