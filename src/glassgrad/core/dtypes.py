"""Data types and PyTorch's rules of type promotion.

A dtype object stands for a NumPy dtype under PyTorch's name. Promotion differs from NumPy's in three ways:
integers with floats give the float as it is (int64 + float32 = float32), a tensor with dimensions outranks a
0-dimensional one, which outranks a Python number, and Python floats stand for the default dtype.
Source: PyTorch documentation, "Tensor Attributes", type promotion.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import printing


class dtype:
    """One of the types in this module, for example glassgrad.float32; compared by identity."""

    __slots__ = ("array_dtype", "is_complex", "is_floating_point", "is_signed", "itemsize", "name")

    def __init__(self, name: str, array_dtype: np.dtype[Any], kind: str) -> None:
        self.name = name
        self.array_dtype = array_dtype
        self.itemsize = array_dtype.itemsize
        self.is_floating_point = kind == "f"
        self.is_complex = kind == "c"
        self.is_signed = kind in "ifc"

    def __repr__(self) -> str:
        return f"{printing.NAMESPACE}.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return named, (self.name,)


def named(name: str) -> dtype:
    """The dtype with this name; bfloat16 needs ml_dtypes."""
    if name == "bfloat16" and name not in _BY_NAME:
        _add("bfloat16", _bfloat16(), "f")
    return _BY_NAME[name]


def _bfloat16() -> np.dtype[Any]:
    try:
        import ml_dtypes
    except ImportError as problem:
        raise RuntimeError("bfloat16 needs ml_dtypes: pip install 'glassgrad[bf16]'") from problem
    return np.dtype(ml_dtypes.bfloat16)


_BY_NAME: dict[str, dtype] = {}
_BY_ARRAY: dict[np.dtype[Any], dtype] = {}


def _add(name: str, array_dtype: np.dtype[Any], kind: str) -> dtype:
    made = dtype(name, array_dtype, kind)
    _BY_NAME[name] = made
    _BY_ARRAY[array_dtype] = made
    return made


bool_ = _add("bool", np.dtype(np.bool_), "b")
uint8 = _add("uint8", np.dtype(np.uint8), "u")
int8 = _add("int8", np.dtype(np.int8), "i")
int16 = _add("int16", np.dtype(np.int16), "i")
int32 = _add("int32", np.dtype(np.int32), "i")
int64 = _add("int64", np.dtype(np.int64), "i")
float16 = _add("float16", np.dtype(np.float16), "f")
float32 = _add("float32", np.dtype(np.float32), "f")
float64 = _add("float64", np.dtype(np.float64), "f")
complex64 = _add("complex64", np.dtype(np.complex64), "c")
complex128 = _add("complex128", np.dtype(np.complex128), "c")

ALIASES = {
    "half": float16, "float": float32, "double": float64, "short": int16, "int": int32, "long": int64,
    "cfloat": complex64, "cdouble": complex128,
}  # fmt: skip


def of(array_dtype: np.dtype[Any]) -> dtype:
    """The dtype of an array; TypeError for NumPy types PyTorch has no counterpart for."""
    found = _BY_ARRAY.get(array_dtype)
    if found is None:
        if array_dtype.name == "bfloat16":
            return named("bfloat16")
        if array_dtype.newbyteorder("=") in _BY_ARRAY:
            raise ValueError("given numpy array has byte order different from the native byte order")
        raise TypeError(
            f"can't convert np.ndarray of type numpy.{array_dtype.type.__name__}. The only supported types are: "
            "float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, uint16, "
            "uint8, and bool."
        )
    return found


# PyTorch's sentences call dtypes by these names, some by those of C.
TITLES = {
    "bool": "Bool", "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int", "int64": "Long",
    "float16": "Half", "float32": "Float", "float64": "Double", "bfloat16": "BFloat16",
    "complex64": "ComplexFloat", "complex128": "ComplexDouble",
}  # fmt: skip
IN_C = {
    "bool": "bool", "uint8": "unsigned char", "int8": "signed char", "int16": "short int", "int32": "int",
    "int64": "long int", "float16": "c10::Half", "float32": "float", "float64": "double", "bfloat16": "c10::BFloat16",
    "complex64": "c10::complex<float>", "complex128": "c10::complex<double>",
}  # fmt: skip


def title_of(x: Any) -> str:
    """Long, for a tensor of int64 or the dtype."""
    return TITLES[getattr(x, "dtype", x).name]


def in_c(x: Any) -> str:
    """long int, for a tensor of int64 or the dtype."""
    return IN_C[getattr(x, "dtype", x).name]


_default = float32


def get_default_dtype() -> dtype:
    return _default


def set_default_dtype(d: dtype) -> None:
    """The floating dtype of new tensors made from Python floats; float16, float32, float64 or bfloat16."""
    global _default
    if not isinstance(d, dtype) or not d.is_floating_point:
        raise TypeError(f"only floating-point types are supported as the default type, not {d!r}")
    _default = d


def of_number(value: Any) -> dtype:
    """The dtype a Python number stands for in an expression."""
    if isinstance(value, (bool, np.bool_)):
        return bool_
    if isinstance(value, (int, np.integer)):
        return int64
    if isinstance(value, (float, np.floating)):
        return _default
    if isinstance(value, (complex, np.complexfloating)):
        return complex64 if _default is not float64 else complex128
    raise TypeError(f"expected a tensor or a number, got {type(value).__name__}")


_FLOATS = ("float16", "float32", "float64")


def promote_types(a: dtype, b: dtype) -> dtype:
    """The smallest dtype to which both can be converted, PyTorch's table.

    >>> promote_types(int64, float16)
    glassgrad.float16
    """
    if a is b:
        return a
    if a.is_complex or b.is_complex:
        wide = any(d is float64 or d is complex128 for d in (a, b))
        return complex128 if wide else complex64
    if a.is_floating_point and b.is_floating_point:
        if a.name == "bfloat16" or b.name == "bfloat16":  # with float16: neither holds the other
            other = a if b.name == "bfloat16" else b
            return float32 if other is float16 else other
        return a if _FLOATS.index(a.name) > _FLOATS.index(b.name) else b
    if a.is_floating_point or b.is_floating_point:
        return a if a.is_floating_point else b
    return _BY_ARRAY[np.promote_types(a.array_dtype, b.array_dtype)]


def _outrank(higher: dtype | None, lower: dtype | None) -> dtype | None:
    """The result type of two ranks of operands: the lower rank can change the category, not the width."""
    if higher is None or lower is None:
        return higher or lower
    if higher.is_complex:
        return higher
    if higher.is_floating_point:
        if lower.is_complex:
            return complex128 if higher is float64 else complex64
        return higher
    if higher is bool_ or lower.is_floating_point or lower.is_complex:
        return promote_types(higher, lower)
    return higher


def result_type(*operands: Any) -> dtype:
    """The dtype in which arrays (raw) and Python numbers meet in an elementwise operation."""
    ranks: list[dtype | None] = [None, None, None]  # arrays with dims, 0-d arrays, Python numbers
    for x in operands:
        if hasattr(x, "shape") and not isinstance(x, np.generic):
            rank, d = (0 if x.ndim else 1), of(x.dtype)
        else:
            rank, d = 2, of_number(x)
        seen = ranks[rank]
        ranks[rank] = d if seen is None else promote_types(seen, d)
    found = _outrank(ranks[0], _outrank(ranks[1], ranks[2]))
    assert found is not None, "result_type of nothing"
    return found


def can_cast(a: dtype, b: dtype) -> bool:
    """Whether PyTorch lets a result of dtype a be written in place into a tensor of dtype b."""

    def rank(d: dtype) -> int:
        return 3 if d.is_complex else 2 if d.is_floating_point else 0 if d is bool_ else 1

    return rank(a) <= rank(b)
