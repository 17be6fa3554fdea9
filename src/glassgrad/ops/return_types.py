"""The named tuples that some operations return, as torch.return_types: max(x, 1).values, .indices."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..core import printing
from ..core.tensor import Tensor

__all__: list[str] = []
METHODS: tuple[str, ...] = ()
IN_PLACE: tuple[str, ...] = ()


def named_tuple(name: str, *fields: str) -> Any:
    """A named tuple of tensors that shows itself as PyTorch's do."""
    made: Any = NamedTuple(name, [(field, Tensor) for field in fields])  # type: ignore[misc]

    def show(self: tuple[Tensor, ...]) -> str:
        shown = ",\n".join(f"{field}={x!r}" for field, x in zip(fields, self, strict=True))
        return f"{printing.NAMESPACE}.return_types.{name}(\n{shown})"

    made.__repr__ = show  # type: ignore[method-assign, assignment]
    return made


PAIR = ("values", "indices")
FIELDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("max", "min", "median", "nanmedian", "mode", "cummax", "cummin", "sort", "topk", "kthvalue"), PAIR
    ),
    "aminmax": ("min", "max"),
    "frexp": ("mantissa", "exponent"),
    "histogram": ("hist", "bin_edges"),
    "histogramdd": ("hist", "bin_edges"),
    "linalg_cholesky_ex": ("L", "info"),
    "linalg_eig": ("eigenvalues", "eigenvectors"),
    "linalg_eigh": ("eigenvalues", "eigenvectors"),
    "linalg_inv_ex": ("inverse", "info"),
    "linalg_lstsq": ("solution", "residuals", "rank", "singular_values"),
    "linalg_lu": ("P", "L", "U"),
    "linalg_lu_factor": ("LU", "pivots"),
    "linalg_lu_factor_ex": ("LU", "pivots", "info"),
    "linalg_qr": ("Q", "R"),
    "linalg_slogdet": ("sign", "logabsdet"),
    "linalg_solve_ex": ("result", "info"),
    "linalg_svd": ("U", "S", "Vh"),
    "lu_unpack": ("P", "L", "U"),
    "qr": ("Q", "R"),
    "slogdet": ("sign", "logabsdet"),
    "svd": ("U", "S", "V"),
    "triangular_solve": ("solution", "cloned_coefficient"),
}


def __getattr__(name: str) -> Any:
    """Made at first use: twenty-five classes would be a tenth of the package's import."""
    if name not in FIELDS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    made = globals()[name] = named_tuple(name, *FIELDS[name])
    return made
