"""Tensors as text, character for character as PyTorch prints them. Works on NumPy arrays.

An array becomes text in three steps: cut a large array to its edges, turn every number that is left into
a cell (one style for the whole array, so that columns line up), put brackets and line breaks around the
cells. `tensor_repr` then adds what the numbers do not say: dtype, device, gradient.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

NAMESPACE = "glassgrad"  # what stands before a dtype's or a Size's name; "torch" for PyTorch's own text


class PrintOptions(NamedTuple):
    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: float = 80
    sci_mode: bool | None = None


PROFILES = {
    "default": PrintOptions(),
    "short": PrintOptions(precision=2, edgeitems=2),
    "full": PrintOptions(threshold=math.inf),
}

_options = PROFILES["default"]


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: float | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed; what is None stays as it is, except `sci_mode`.

    precision: digits after the point. threshold: elements above which only the edges are shown.
    edgeitems: elements shown at each edge of a dim. linewidth: characters per line. profile: one of
    "default", "short", "full", overridden by the other arguments. sci_mode: scientific notation always
    (True), never (False), or where the numbers ask for it (None, to which every call resets it).
    Raises ValueError or TypeError, before anything is set, if a value could not be printed with.
    """
    global _options
    given: dict[str, Any] = {"sci_mode": sci_mode}
    for name, value in (("precision", precision), ("edgeitems", edgeitems)):
        if value is not None:
            given[name] = _count(name, value)
    for name, number in (("threshold", threshold), ("linewidth", linewidth)):
        if number is not None:
            given[name] = _real(name, number)
    if math.isinf(given.get("linewidth", 0)):
        raise ValueError("set_printoptions: linewidth must be finite; for long lines give a large number")
    if profile is not None and profile not in PROFILES:
        raise ValueError(f"set_printoptions: profile must be one of {list(PROFILES)}, got {profile!r}")
    _options = (_options if profile is None else PROFILES[profile])._replace(**given)


def get_printoptions() -> dict[str, Any]:
    """The options in force, as the keyword arguments of `set_printoptions`."""
    return _options._asdict()


@contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """Set print options for the length of a `with` block; arguments as `set_printoptions`.

    >>> with printoptions(precision=1):
    ...     print(tensor_repr(np.float32([0.25, 1.5])))
    tensor([0.2, 1.5])
    """
    global _options
    before = _options
    set_printoptions(**options)
    try:
        yield
    finally:
        _options = before


def _count(name: str, value: int) -> int:
    try:
        count = operator.index(value)
    except TypeError:
        raise TypeError(f"set_printoptions: {name} must be an integer, got {value!r}") from None
    if count < 0:
        raise ValueError(f"set_printoptions: {name} must not be negative, got {count}")
    return count


def _real(name: str, value: float) -> float:
    if not isinstance(value, (int, float, np.integer, np.floating)) or math.isnan(value):
        raise TypeError(f"set_printoptions: {name} must be a number, got {value!r}")
    return value


def tensor_repr(
    array: np.ndarray,
    *,
    requires_grad: bool = False,
    grad_fn_name: str | None = None,
    device: str | None = None,
    default_dtype: np.dtype | str = "float32",
    suffixes: Sequence[str] = (),
    name: str = "tensor",
    parameter: bool = False,
    namespace: str | None = None,
) -> str:
    """The text of a tensor that holds `array` (any shape).

    The dtype is left out where the numbers imply it: bool, int64, the default float dtype and the complex
    dtype that goes with it; an empty array implies only the default float. `grad_fn_name` wins over
    `requires_grad`. `device` is printed where it is not None; `suffixes` come last. `parameter` heads the
    text with "Parameter containing:". `namespace` (NAMESPACE if None) stands before the dtype.
    Raises TypeError if the elements are of a dtype that no tensor can have.

    >>> print(tensor_repr(np.float64([[1.5, -2.0]]), grad_fn_name="MulBackward0"))
    tensor([[ 1.5000, -2.0000]], dtype=glassgrad.float64, grad_fn=<MulBackward0>)
    """
    dtype = array.dtype.name
    default = str(default_dtype)
    implied = {default}
    if array.size:
        implied |= {"bool", "int64", "complex128" if default == "float64" else "complex64"}

    notes = [f"device='{device}'"] if device is not None else []
    shape_is_hidden = _options.edgeitems == 0 if array.size else array.ndim != 1
    if shape_is_hidden:
        notes.append(f"size={array.shape}")
    if dtype not in implied:
        notes.append(f"dtype={namespace or NAMESPACE}.{dtype}")
    if grad_fn_name is not None:
        notes.append(f"grad_fn=<{grad_fn_name}>")
    elif requires_grad:
        notes.append("requires_grad=True")
    text = format_tensor(array, suffixes=[*notes, *suffixes], name=name)
    return f"Parameter containing:\n{text}" if parameter else text


def format_tensor(array: np.ndarray, *, suffixes: Sequence[str] = (), name: str = "tensor") -> str:
    """`name([...], suffix, suffix)`: a suffix that no longer fits the line starts a new one."""
    indent = len(name) + 1
    text = f"{name}({format_body(array, indent=indent)}"
    # PyTorch counts two characters more than the line has; matching its text means matching its count.
    return suffixed(text, suffixes, indent, len(text) - (text.rfind("\n") + 1) + 2)


def suffixed(text: str, suffixes: Sequence[str], indent: int, used: int) -> str:
    """text, whose last line counts as `used` characters, with the suffixes and a closing bracket."""
    for suffix in suffixes:
        if used + len(suffix) + 2 > _options.linewidth:
            text += ",\n" + " " * indent + suffix
            used = indent + len(suffix)
        else:
            text += ", " + suffix
            used += len(suffix) + 2
    return text + ")"


def format_body(array: np.ndarray, *, indent: int = 0) -> str:
    """The numbers and their brackets; `indent` is the column at which the text will begin."""
    if array.size == 0:
        return "[]"
    cut = (False,) * array.ndim
    if array.size > _options.threshold:
        array, cut = _edges(array)
    cells, width = _cells(array)
    if array.ndim == 0:
        return cells[0]
    nested = np.array(cells, dtype=object).reshape(array.shape).tolist()
    return _brackets(nested, cut, indent, width)


def _edges(array: np.ndarray) -> tuple[np.ndarray, tuple[bool, ...]]:
    """The first and last `edgeitems` along every dim that is longer than both, and which dims these are."""
    n = _options.edgeitems
    cut = tuple(size > 2 * n for size in array.shape)
    kept = [
        np.r_[:n, size - n : size] if long else np.arange(size) for size, long in zip(array.shape, cut, strict=True)
    ]
    return array[np.ix_(*kept)] if kept else array, cut


def _cells(array: np.ndarray) -> tuple[list[str], int]:
    """Every number as text, in C order, and the width of a column."""
    kind = "f" if array.dtype.name == "bfloat16" else array.dtype.kind  # ml_dtypes' own kind is "V"
    if kind == "f" and array.dtype.itemsize <= 8:
        return _float_cells(array)
    if kind == "c" and array.dtype.itemsize <= 16:
        real, real_width = _float_cells(array.real)
        imag, imag_width = _float_cells(array.imag)
        signed = (text if text.startswith("-") else f"+{text}" for text in map(str.lstrip, imag))
        return [f"{a}{b}j" for a, b in zip(real, signed, strict=True)], real_width + imag_width + 1
    if kind in "biu":
        texts = [str(value) for value in array.ravel().tolist()]
        width = max(map(len, texts), default=1)
        return [text.rjust(width) for text in texts], width
    raise TypeError(
        f"cannot print an array of dtype {array.dtype}: expected bool, an integer, float16/32/64, bfloat16 "
        "or complex64/128. Convert it with astype first."
    )


def _float_cells(array: np.ndarray) -> tuple[list[str], int]:
    """One style for all: scientific where the finite non-zero values span or lie too far, `1.` if all are
    whole, else `precision` digits. Only those values decide style and width: nan may stick out."""
    with np.errstate(invalid="ignore"):  # a signalling nan warns when it is converted
        values: list[float] = array.astype(np.float64).ravel().tolist()
    deciding = [value for value in values if math.isfinite(value) and value != 0]

    low, high = min(map(abs, deciding), default=1.0), max(map(abs, deciding), default=1.0)
    scientific = high / low > 1000.0 or high > 1.0e8 or low < 1.0e-4
    if deciding and _options.sci_mode is not None:
        scientific = _options.sci_mode
    whole = not scientific and all(value.is_integer() for value in deciding)
    spec = ".0f" if whole else f".{_options.precision}{'e' if scientific else 'f'}"

    def text(value: float) -> str:
        return format(value, spec) + ("." if whole and math.isfinite(value) else "")

    width = max((len(text(value)) for value in deciding), default=1)
    return [text(value).rjust(width) for value in values], width


def _brackets(cells: list[Any], cut: tuple[bool, ...], indent: int, width: int) -> str:
    """Nested lists of cells as lines of text; `cut` says which dims have an ellipsis in their middle."""
    dims, edge = len(cut), _options.edgeitems
    if dims > 1:
        cells = [_brackets(row, cut[1:], indent + 1, width) for row in cells]
    if cut[0]:
        cells.insert(edge, " ..." if dims == 1 and edge else "...")
    if dims == 1:
        per_line = max(1, math.floor((_options.linewidth - indent) / (width + 2)))
        cells = [", ".join(cells[i : i + per_line]) for i in range(0, len(cells), per_line)]
    newlines = "\n" * max(dims - 1, 1)
    return "[" + f",{newlines}{' ' * (indent + 1)}".join(cells) + "]"
