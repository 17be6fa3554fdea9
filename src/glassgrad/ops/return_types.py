"""The named tuples that some operations return, as torch.return_types: max(x, 1).values, .indices."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..core.tensor import Tensor

__all__: list[str] = []
METHODS: tuple[str, ...] = ()
IN_PLACE: tuple[str, ...] = ()


def named_tuple(name: str, *fields: str) -> Any:
    """A named tuple of tensors that shows itself as PyTorch's do."""
    made: Any = NamedTuple(name, [(field, Tensor) for field in fields])  # type: ignore[misc]

    def show(self: tuple[Tensor, ...]) -> str:
        shown = ",\n".join(f"{field}={x!r}" for field, x in zip(fields, self, strict=True))
        return f"glassgrad.return_types.{name}(\n{shown})"

    made.__repr__ = show  # type: ignore[method-assign, assignment]
    return made


def _pair(name: str) -> Any:
    return named_tuple(name, "values", "indices")


max, min, median, nanmedian, mode, cummax, cummin, sort, topk, kthvalue = map(
    _pair, ("max", "min", "median", "nanmedian", "mode", "cummax", "cummin", "sort", "topk", "kthvalue")
)


class aminmax(NamedTuple):
    min: Tensor
    max: Tensor


frexp = named_tuple("frexp", "mantissa", "exponent")
linalg_eig = named_tuple("linalg_eig", "eigenvalues", "eigenvectors")
linalg_eigh = named_tuple("linalg_eigh", "eigenvalues", "eigenvectors")
linalg_lstsq = named_tuple("linalg_lstsq", "solution", "residuals", "rank", "singular_values")
linalg_lu = named_tuple("linalg_lu", "P", "L", "U")
linalg_lu_factor = named_tuple("linalg_lu_factor", "LU", "pivots")
linalg_qr = named_tuple("linalg_qr", "Q", "R")
linalg_slogdet = named_tuple("linalg_slogdet", "sign", "logabsdet")
linalg_svd = named_tuple("linalg_svd", "U", "S", "Vh")
qr = named_tuple("qr", "Q", "R")
slogdet = named_tuple("slogdet", "sign", "logabsdet")
svd = named_tuple("svd", "U", "S", "V")
triangular_solve = named_tuple("triangular_solve", "solution", "cloned_coefficient")
