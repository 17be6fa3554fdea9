"""Writing PyTorch's files, in the zip format of PyTorch 1.6 and later or in the one before.

    name/data.pkl             the tree, a pickle whose tensors point at storages
    name/.format_version      1
    name/.storage_alignment   64: where the data of a record begins is a multiple of it
    name/byteorder            little
    name/data/0, 1, ...       the bytes of a storage each
    name/version              3

The format before: three pickles (a magic number, the version, the sizes of types), the tree, the keys of the
storages, and each storage's number of elements and bytes.
"""

from __future__ import annotations

import math
import os
import struct
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np

from ..core import storage
from ..core.backend import device, ndarray, to_host
from ..core.batched import Batched, refused
from ..core.dtypes import dtype, uint8
from ..core.provenance import warn
from ..core.size import Size
from ..core.storage import TypedStorage, UntypedStorage
from ..core.tensor import Tensor
from ..nn.parameter import Buffer, Parameter
from ..ops.formats import layout
from .files import atomic_file
from .pickle_writer import Persistent, PicklingError, Symbol, Writer
from .torch_names import ROOMS, STORAGES

__all__ = ["save"]

ALIGNMENT = 64
MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
LEGACY_VERSION = 1001
TYPE_SIZES = {"short": 2, "int": 4, "long": 4}

UTILS = {name: Symbol("torch._utils", name) for name in (
    "_rebuild_tensor_v2", "_rebuild_parameter", "_rebuild_parameter_with_state", "_rebuild_sparse_tensor",
)}  # fmt: skip
TYPED = Symbol("torch._tensor", "_rebuild_from_type_v2")
CLASSES: dict[Any, Symbol] = {Tensor: Symbol("torch", "Tensor"), Parameter: Symbol("torch.nn.parameter", "Parameter")}
CLASSES |= {Buffer: CLASSES[Tensor], Size: Symbol("torch", "Size"), device: Symbol("torch", "device")}
STORAGE_NAMES = {name: title for title, name in STORAGES.items()}
LAYOUT = Symbol("torch.serialization", "_get_layout")


class Storages:
    """The storages of a tree under their keys, and how tensors are written that lie in them."""

    def __init__(self, view_metadata: bool = False) -> None:
        self.tail = (None,) if view_metadata else ()  # of a persistent id, in the format before
        self.keys: dict[int, tuple[str, dtype, ndarray]] = {}  # address: key, dtype, bytes
        self.symbols: dict[str, Symbol] = {}

    def reduce(self, x: Any) -> tuple[Any, ...] | Symbol | Persistent | None:
        """How x is made, for what PyTorch has its own name for."""
        if isinstance(x, type | FunctionType):
            if x in CLASSES:
                return CLASSES[x]
            rooms = (room for room in ROOMS if getattr(sys.modules.get(room), x.__name__, None) is x)
            return next((Symbol(room, x.__name__) for room in rooms), None)
        if isinstance(x, dtype):
            return Symbol("torch", x.name)
        if isinstance(x, Tensor):
            if type(x) in CLASSES:
                return self.tensor(x)
            if x.is_sparse:
                parts = x._indices(), x._values(), x.shape, x.is_coalesced()
                return UTILS["_rebuild_sparse_tensor"], (x.layout, parts)
            raise PicklingError(f"can't save a {type(x).__name__}, a subclass of Tensor: save its values")
        if isinstance(x, UntypedStorage):
            kind = x.dtype if isinstance(x, TypedStorage) else None
            return self.stored(x.array, kind, "cpu")
        if type(x) is Size:
            return CLASSES[Size], (tuple(x),)
        if isinstance(x, device):
            return CLASSES[device], (x.type,) if x.index is None else (x.type, x.index)
        if isinstance(x, layout):
            return LAYOUT, (f"torch.{x.name}",)
        return None

    def tensor(self, x: Tensor) -> tuple[Any, ...]:
        attributes = x._attributes()
        if x._hooks:
            warn("the hooks of a tensor are not saved")
        if x._is_param:
            data = x.detach()
            hooks: OrderedDict[Any, Any] = OrderedDict()
            if attributes:
                return UTILS["_rebuild_parameter_with_state"], (data, x.requires_grad, hooks, attributes)
            return UTILS["_rebuild_parameter"], (data, x.requires_grad, hooks)
        made = UTILS["_rebuild_tensor_v2"], (*self.place(x), x.requires_grad, OrderedDict())
        return (TYPED, (made[0], CLASSES[Tensor], made[1], attributes)) if attributes else made

    def place(self, x: Tensor) -> tuple[Any, ...]:
        """(storage, offset, size, stride), counted in elements."""
        array, where = x.array, "cpu"
        if isinstance(array, Batched):
            raise refused("saving a tensor")
        if not isinstance(array, ndarray):
            array, where = to_host(array), str(x.device)
        n, strides = array.itemsize, array.strides
        if array.flags.c_contiguous:  # dims of size 1 and 0 may have any stride
            strides = tuple(n * math.prod(max(m, 1) for m in array.shape[i + 1 :]) for i in range(array.ndim))
        root = storage.root_of(array)
        offset = storage.offset_in(root, array)
        if any(s < 0 or s % n for s in (offset, *strides)):
            array = root = np.array(array)
            offset, strides = 0, array.strides
        return (
            self.stored(storage.bytes_of(root), x.dtype, where),
            offset // n,
            tuple(array.shape),
            tuple(s // n for s in strides),
        )

    def stored(self, data: ndarray, kind: dtype | None, where: str) -> Persistent:
        """These bytes as numbers of that dtype, or as bytes."""
        address = data.__array_interface__["data"][0] if data.size else -1 - len(self.keys)
        of = uint8 if kind is None else kind
        key, first, _ = self.keys.setdefault(address, (str(len(self.keys)), of, data))
        if first is not of:
            raise RuntimeError("Cannot save multiple tensors or storages that view the same data as different types")
        name = "torch.storage.UntypedStorage" if kind is None else f"torch.{STORAGE_NAMES[of.name]}"
        symbol = self.symbols.setdefault(name, Symbol(*name.rsplit(".", 1)))
        return Persistent(("storage", symbol, key, where, len(data) // of.itemsize, *self.tail))

    def __iter__(self) -> Iterator[tuple[str, dtype, ndarray]]:
        return iter(self.keys.values())


def save(
    obj: Any,
    f: Any,
    pickle_module: Any = None,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Write a tree of tensors, containers and plain values to a path or a file that is open for writing.

    torch.load reads the file. Tensors that share memory still do when they are loaded, as do a view and its base. A
    path is replaced when all is written, or left as it was.
    pickle_module: Python's own alone. pickle_protocol: 2 to 5; what is written needs no more than 2.
    _use_new_zipfile_serialization: False writes the format of before PyTorch 1.6.
    Raises PicklingError for what cannot be saved, RuntimeError where the folder isn't there, OSError.
    """
    python_only(pickle_module)
    if pickle_protocol not in (2, 3, 4, 5):
        raise NotImplementedError(f"pickle_protocol must be 2 to 5, got {pickle_protocol}")
    write = _write_zip if _use_new_zipfile_serialization else _write_legacy
    name = "archive"
    if isinstance(f, str | os.PathLike):
        path = Path(os.fspath(f))
        if path.stem.isascii() and path.stem:
            name = path.stem
        if not path.parent.is_dir():
            raise RuntimeError(f"Parent directory {path.parent} does not exist.")
        replaced = not path.exists() or path.is_file()  # and no device or pipe
        with atomic_file(path, durable=False) if replaced else open(path, "wb") as file:
            write(obj, file, name, not _disable_byteorder_record)
    elif hasattr(f, "write"):
        write(obj, f, name, not _disable_byteorder_record)
    else:
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a 'write' attribute")


def python_only(module: Any) -> None:
    name = getattr(module, "__name__", "pickle")
    if name != "pickle":
        raise NotImplementedError(f"pickle_module {name!r}: files are read and written without running what is in them")


def _write_zip(obj: Any, file: Any, name: str, byteorder: bool) -> None:
    storages = Storages()
    tree = Writer(storages.reduce).pickled(obj)
    records: list[tuple[str, Any]] = [("data.pkl", tree), (".format_version", b"1")]
    records += [(".storage_alignment", str(ALIGNMENT).encode())]
    records += [("byteorder", sys.byteorder.encode())] if byteorder else []
    records += [(f"data/{key}", data.data) for key, _, data in storages]
    with zipfile.ZipFile(_Stream(file), "w") as archive:  # type: ignore[call-overload]
        for record, data in [*records, ("version", b"3\n")]:
            _write_record(archive, f"{name}/{record}", data)


class _Stream:
    """A file that can only be written to: sizes stand behind the data then, where PyTorch puts them."""

    def __init__(self, file: Any) -> None:
        self.write = file.write

    def flush(self) -> None:
        """Whoever opened the file closes it."""


def _write_record(archive: zipfile.ZipFile, name: str, data: Any) -> None:
    """One entry, with as much filling in its header as brings the data to a multiple of ALIGNMENT."""
    info = zipfile.ZipInfo(name)
    wide = len(data) * 1.05 > zipfile.ZIP64_LIMIT  # as zipfile decides
    header = 30 + len(name.encode()) + 20 * wide + 4
    filling = -(archive.fp.tell() + header) % ALIGNMENT  # type: ignore[union-attr]
    info.extra = b"FB" + struct.pack("<H", filling) + b"Z" * filling
    info.file_size = len(data)
    with archive.open(info, "w", force_zip64=wide) as member:
        member.write(data)


def _write_legacy(obj: Any, file: Any, name: str, byteorder: bool) -> None:
    storages = Storages(view_metadata=True)
    system = {"protocol_version": LEGACY_VERSION, "little_endian": sys.byteorder == "little", "type_sizes": TYPE_SIZES}
    for head in (MAGIC_NUMBER, LEGACY_VERSION, system):
        file.write(Writer().pickled(head))
    file.write(Writer(storages.reduce).pickled(obj))
    stored = sorted(storages, key=lambda entry: entry[0])
    file.write(Writer().pickled([key for key, _, _ in stored]))
    for _, kind, data in stored:
        file.write(struct.pack("<q", len(data) // kind.itemsize))
        file.write(data.data)
