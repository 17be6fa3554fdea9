"""Memory that several processes see: a file that never leaves memory, mapped by each."""

from __future__ import annotations

import contextlib
import mmap
import os
import tempfile
import weakref
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np

from .backend import Array

FOLDER = "/dev/shm"

_maps: weakref.WeakValueDictionary[str, mmap.mmap] = weakref.WeakValueDictionary()
_paths: weakref.WeakKeyDictionary[mmap.mmap, str] = weakref.WeakKeyDictionary()


def map_of(array: Any) -> mmap.mmap | None:
    """The mapped file that an array lies in, or None."""
    while isinstance(array, np.ndarray):
        array = array.base
    found = array.obj if isinstance(array, memoryview) else array
    return found if isinstance(found, mmap.mmap) and found in _paths else None


def share(array: Array) -> Array:
    """The numbers in memory that other processes can map; the array itself if it lies there already."""
    if not isinstance(array, np.ndarray):
        raise NotImplementedError("share_memory_: only tensors on the CPU can be shared with other processes")
    if map_of(array) is not None:
        return array
    handle, path = tempfile.mkstemp(prefix="glassgrad-", dir=FOLDER if os.path.isdir(FOLDER) else None)
    os.ftruncate(handle, max(array.nbytes, 1))
    memory = _opened(handle, path)
    weakref.finalize(memory, _remove, path, os.getpid())
    made = np.frombuffer(memory, array.dtype, array.size).reshape(array.shape)
    made[...] = array
    return made


def _opened(handle: int, path: str) -> mmap.mmap:
    memory = mmap.mmap(handle, 0)
    os.close(handle)
    _maps[path], _paths[memory] = memory, path
    return memory


def _remove(path: str, owner: int) -> None:
    if os.getpid() == owner:  # not in a process that was forked
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def place(array: np.ndarray) -> tuple[Any, ...] | None:
    """How another process finds the array: (path, offset, shape, strides, dtype), or None where it isn't shared."""
    memory = map_of(array)
    if memory is None:
        return None
    start = np.frombuffer(memory, np.uint8).ctypes.data
    return _paths[memory], array.ctypes.data - start, array.shape, array.strides, array.dtype


def found(path: str, offset: int, shape: Any, strides: Any, dtype: Any) -> np.ndarray:
    """The array in that place."""
    memory = _maps.get(path)
    if memory is None:
        memory = _opened(os.open(path, os.O_RDWR), path)
    return np.ndarray(shape, dtype, memory, offset, strides)


def to_processes(kinds: tuple[type, ...], reduce: Any) -> None:
    """Instances of the classes go to other processes as reduce(x) says."""
    for kind in kinds:
        ForkingPickler.register(kind, reduce)
