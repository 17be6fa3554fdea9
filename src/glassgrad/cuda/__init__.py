"""torch.cuda as it is where PyTorch was built without CUDA: no device, and seeds that wait for one.

Programs that ask is_available() run on the CPU. (CuPy's arrays are no matter of this room: x.to("cuda") moves a tensor
to the GPU where CuPy is installed.)
"""

from __future__ import annotations

import importlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from ..core.backend import device as _device
from ..core.provenance import warn
from ..core.tensor import TYPE_NAMES

__all__ = [
    "CUDAGraph", "Event", "OutOfMemoryError", "Stream", "StreamContext", "can_device_access_peer", "current_device",
    "current_stream", "default_generators", "default_stream", "device", "device_count", "device_of", "empty_cache",
    "get_arch_list", "get_device_capability", "get_device_name", "get_device_properties", "get_rng_state",
    "get_rng_state_all", "init", "initial_seed", "ipc_collect", "is_available", "is_bf16_supported", "is_initialized",
    "manual_seed", "manual_seed_all", "max_memory_allocated", "max_memory_cached", "max_memory_reserved",
    "mem_get_info", "memory_allocated", "memory_cached", "memory_reserved", "memory_stats", "reset_peak_memory_stats",
    "seed", "seed_all", "set_device", "set_per_process_memory_fraction", "set_rng_state", "set_rng_state_all",
    "stream", "synchronize",
]  # fmt: skip

NOT_COMPILED = "Torch not compiled with CUDA enabled"


class OutOfMemoryError(RuntimeError):
    """What PyTorch raises where a device's memory is full; nothing here raises it."""


def _gives(name: str, make: Callable[[], Any], text: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return make()

    call.__name__ = call.__qualname__ = name
    call.__doc__ = text
    return call


def _absent(name: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError(NOT_COMPILED)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"AssertionError: {NOT_COMPILED}."
    return call


def is_available() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False."""
    return False


def is_initialized() -> bool:
    """False."""
    return False


def manual_seed(seed: int) -> None:
    """Nothing: there is no device whose generator could be seeded. The CPU's has glassgrad.manual_seed."""
    int(seed)


manual_seed_all = manual_seed
seed = _gives("seed", lambda: None, "Nothing: there is no device.")
seed_all = _gives("seed_all", lambda: None, "Nothing: there is no device.")
empty_cache = _gives("empty_cache", lambda: None, "Nothing: there is no device.")
set_rng_state = _gives("set_rng_state", lambda: None, "Nothing: there is no device.")
set_rng_state_all = _gives("set_rng_state_all", lambda: None, "Nothing: there is no device.")
get_rng_state_all = _gives("get_rng_state_all", list, "[]: the states of no devices.")
get_arch_list = _gives("get_arch_list", list, "[].")
memory_allocated = _gives("memory_allocated", int, "0.")
memory_reserved = _gives("memory_reserved", int, "0.")
max_memory_allocated = _gives("max_memory_allocated", int, "0.")
max_memory_reserved = _gives("max_memory_reserved", int, "0.")
memory_stats = _gives("memory_stats", OrderedDict, "An empty dictionary.")
default_generators: tuple[Any, ...] = ()

can_device_access_peer = _absent("can_device_access_peer")
current_device = _absent("current_device")
current_stream = _absent("current_stream")
default_stream = _absent("default_stream")
get_device_capability = _absent("get_device_capability")
get_device_name = _absent("get_device_name")
get_device_properties = _absent("get_device_properties")
get_rng_state = _absent("get_rng_state")
init = _absent("init")
initial_seed = _absent("initial_seed")
ipc_collect = _absent("ipc_collect")
mem_get_info = _absent("mem_get_info")
reset_peak_memory_stats = _absent("reset_peak_memory_stats")
set_per_process_memory_fraction = _absent("set_per_process_memory_fraction")
synchronize = _absent("synchronize")


def _renamed(old: str, new: str) -> Callable[..., int]:
    def call(device: Any = None) -> int:
        warn(f"`torch.cuda.{old}` has been renamed to `torch.cuda.{new}`", FutureWarning)
        return 0

    call.__name__ = call.__qualname__ = old
    return call


memory_cached = _renamed("memory_cached", "memory_reserved")
max_memory_cached = _renamed("max_memory_cached", "max_memory_reserved")


def _index(where: Any) -> int:
    """The number of a CUDA device; -1 for None, which stands for the current one."""
    if where is None or isinstance(where, int):
        return -1 if where is None else where
    found = _device(where)
    if found.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {found}")
    return -1 if found.index is None else found.index


def set_device(device: Any) -> None:
    """AssertionError, unless the index is negative: then nothing."""
    if _index(device) >= 0:
        raise AssertionError(NOT_COMPILED)


class device:
    """A context manager for the current device: entering it raises RuntimeError unless it is None or negative."""

    def __init__(self, device: Any) -> None:
        self.idx = _index(device)

    def __enter__(self) -> None:
        if self.idx >= 0:
            raise RuntimeError("PyTorch was compiled without CUDA support")

    def __exit__(self, *_: object) -> None:
        return None


class device_of(device):
    """The device of a tensor, as a context manager: none here."""

    def __init__(self, obj: Any) -> None:
        super().__init__(obj.get_device() if obj.is_cuda else -1)


class StreamContext:
    """stream(None), which does nothing."""

    def __init__(self, stream: Any) -> None:
        if stream is not None:
            raise RuntimeError("torch.cuda.Stream requires CUDA support")

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def stream(stream: Any) -> StreamContext:
    """A context manager for the current stream; there is none but None."""
    return StreamContext(stream)


class Stream:
    """RuntimeError: streams need CUDA."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError("torch.cuda.Stream requires CUDA support")


class Event:
    """RuntimeError: events need CUDA."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError("Tried to instantiate dummy base class Event")


class CUDAGraph:
    """RuntimeError: graphs need CUDA."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError("Tried to instantiate dummy base class CUDAGraph")


class _TensorType(type):
    """The types FloatTensor, LongTensor ...: they can be named, not called."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"type torch.cuda.{cls.__name__} not available. {NOT_COMPILED}.")


def __getattr__(name: str) -> Any:
    if name in TYPE_NAMES.values():
        made = globals()[name] = _TensorType(name, (), {"__module__": "torch.cuda"})
        return made
    if name == "amp":
        return importlib.import_module("glassgrad.cuda.amp")
    raise AttributeError(f"module 'glassgrad.cuda' has no attribute {name!r}")
