"""The seam between array libraries: NumPy on the CPU, CuPy on a GPU.

Ops are written against `xp_of(x)`, the library that owns the array x, so that no op has a CPU and a GPU version.
The few true differences between the two libraries live here and nowhere else.
"""

from __future__ import annotations

import importlib
from contextvars import ContextVar
from typing import Any, NoReturn, Self

import numpy as np

from .batched import Batched
from .errors import told

ndarray = np.ndarray
Array = Any  # np.ndarray or cupy.ndarray


class NoArray:
    """Stands where a tensor that keeps its values in another way has its array; refuse() says so."""

    __array_ufunc__ = None

    def refuse(self) -> NoReturn:
        raise NotImplementedError


_HOST_TYPES = (np.ndarray, np.generic, float, int, bool, complex, Batched, NoArray)
_cupy: Any = None


def cupy() -> Any:
    """CuPy, imported at the first use of a GPU; AssertionError, as PyTorch raises, where there is none."""
    global _cupy
    if _cupy is None:
        try:
            module = importlib.import_module("cupy")
            module.cuda.runtime.getDeviceCount()
        except Exception as problem:
            raise told(
                AssertionError("Torch not compiled with CUDA enabled"),
                "device 'cuda' needs an NVIDIA GPU and CuPy (pip install 'glassgrad[cuda13]'); "
                f"looking for it gave {type(problem).__name__}: {problem}",
            ) from problem
        _cupy = module
    return _cupy


def cuda_available() -> bool:
    try:
        cupy()
    except AssertionError:
        return False
    return True


def xp_of(x: Array) -> Any:
    """The array library of x; plain Python numbers count as NumPy's."""
    return np if isinstance(x, _HOST_TYPES) else cupy()


TYPES = (
    "cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia", "xla", "lazy",
    "vulkan", "mps", "meta", "hpu", "mtia", "privateuseone",
)  # fmt: skip
NO_ACCELERATOR = "Cannot access accelerator device when none is available."


class device:
    """Where a tensor lives, as torch.device: device('cpu'), device('cuda', 0), device('cuda:1').

    Any of PyTorch's types can be named; tensors lie on 'cpu' and 'cuda'. Raises RuntimeError for another string, for a
    negative index, and for a number alone where there is no GPU.
    """

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, type: Any = None, index: int | None = None, *, device: Any = None) -> None:
        type = device if type is None else type
        if isinstance(type, _Device):
            type, index = type.type, type.index
        elif isinstance(type, int) and not isinstance(type, bool):
            if type >= 0 and not cuda_available():
                raise RuntimeError(NO_ACCELERATOR)
            type, index = "cuda", type
        elif not isinstance(type, str):
            given = "nothing" if type is None else type.__class__.__name__
            raise TypeError(f"device() expected a device, a string like 'cuda:1' or a number; got {given}")
        elif not type:
            raise RuntimeError("Device string must not be empty")
        elif ":" in type:
            if index is not None:
                raise RuntimeError(
                    f"type (string) must not include an index because index was passed explicitly: {type}"
                )
            name, number = type.split(":", 1)
            if not (number.isascii() and number.isdigit()) or (number[0] == "0" and number != "0"):
                raise RuntimeError(f"Invalid device string: '{type}'")
            type, index = name, int(number)
        if type not in TYPES:
            raise RuntimeError(f"Expected one of {', '.join(TYPES)} device type at start of device string: {type}")
        if index is not None and index < 0:
            raise RuntimeError("Device index must not be negative")
        self.type = type
        self.index = index

    def __repr__(self) -> str:
        where = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{where})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> tuple[Any, ...]:
        return device, (self.type,) if self.index is None else (self.type, self.index)

    def __enter__(self) -> Self:
        """Inside, new tensors are made here unless they say where."""
        _defaults.set((*_defaults.get(), as_device(self)))
        return self

    def __exit__(self, *_: object) -> None:
        _defaults.set(_defaults.get()[:-1])


_Device = device
CPU = device("cpu")
_defaults: ContextVar[tuple[device, ...]] = ContextVar("glassgrad_device", default=(CPU,))


def get_default_device() -> device:
    """Where new tensors are made."""
    return _defaults.get()[-1]


def set_default_device(where: device | str | int | None) -> None:
    """New tensors are made there unless they say where; None stands for the CPU."""
    _defaults.set((*_defaults.get()[:-1], CPU if where is None else as_device(where)))


def device_of(x: Array) -> device:
    return CPU if isinstance(x, (ndarray, Batched)) else device("cuda", x.device.id)


def as_device(where: device | str | int | None) -> device:
    """The device meant by a `device=` argument, checked to exist."""
    if where is None:
        return _defaults.get()[-1]
    found = where if isinstance(where, device) else device(where)
    if found.type == "cuda":
        cupy()
    elif found.type == "mps":
        raise RuntimeError("PyTorch is not linked with support for mps devices")
    elif found.type == "xpu":
        raise AssertionError("Torch not compiled with XPU enabled")
    elif found.type != "cpu":
        raise RuntimeError(f"device '{found}' is not supported: glassgrad computes on 'cpu' and 'cuda'")
    return found


def to_device(x: Array, where: device) -> Array:
    """x itself if it is there already, else a copy there."""
    if where.type == "cpu":
        return x if isinstance(x, (ndarray, Batched)) else cupy().asnumpy(x)
    with cupy().cuda.Device(where.index or 0):
        return cupy().asarray(x)


def to_host(x: Array) -> Any:
    return x if isinstance(x, _HOST_TYPES) else cupy().asnumpy(x)


def xp_for(where: device) -> Any:
    return np if where.type == "cpu" else cupy()


def spread(x: Array, shape: tuple[int, ...]) -> Array:
    """A zero-stride view of the one number x with the given shape: np.broadcast_to without its overhead."""
    if isinstance(x, (ndarray, np.generic)):
        return ndarray(shape, x.dtype, x, 0, (0,) * len(shape))
    return xp_of(x).broadcast_to(x, shape)


def sum_to(x: Array, shape: tuple[int, ...]) -> Array:
    """Sum x over the axes that broadcasting added or stretched, so that the result has `shape`."""
    lead = x.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(lead + i for i, n in enumerate(shape) if n == 1 and x.shape[lead + i] != 1)
    if not axes:
        return x.reshape(shape)
    half = x.dtype.itemsize == 2 and x.dtype.kind in "fV"  # 256 + 1 is 256 in bfloat16
    y = xp_of(x).add.reduce(x.astype("float32") if half else x, axis=axes, keepdims=True)
    return (y.astype(x.dtype) if half else y).reshape(shape)
