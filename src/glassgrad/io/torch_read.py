"""Reading PyTorch's files: the zip format of PyTorch 1.6 and later, and the one before (see `torch_write`).

Nothing in a file is run (see `pickle_reader` and `torch_names`), and none can ask for more memory than it has bytes.
"""

from __future__ import annotations

import contextlib
import errno
import io
import mmap as mapping
import os
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np

from ..core.backend import as_device, cuda_available, device, ndarray
from ..core.dtypes import dtype
from ..core.storage import UntypedStorage
from .pickle_reader import Reader, UnpicklingError
from .torch_names import Names, Stored
from .torch_write import LEGACY_VERSION, MAGIC_NUMBER, python_only

__all__ = ["load"]


def load(
    f: Any,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """The tree in a file that torch.save or `save` wrote, from a path or a file that is open for reading.

    Tensors, containers and plain values are read; whatever else a file names is refused and nothing of it is run.
    map_location: where tensors go: a device, its name, a dict from the device in the file to another, or
    f(storage, device's name) -> a storage or None.
    weights_only: False also gives instances of classes that the program has, made without calling their code, and
    NumPy's arrays. mmap: the file's bytes are mapped and copied when they are changed, instead of read.
    encoding (as in pickle.load): of the strings in files that Python 2 wrote.
    Raises UnpicklingError for what isn't read, EOFError and RuntimeError for a damaged file, RuntimeError where the
    device isn't there.
    """
    if weights_only is None:
        weights_only = pickle_module is None
    elif weights_only and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    python_only(pickle_module)
    encoding = pickle_load_args.pop("encoding", "utf-8")
    if pickle_load_args:
        raise NotImplementedError(f"load() does not take {sorted(pickle_load_args)}")
    path = os.fspath(f) if isinstance(f, str | os.PathLike) else None
    restore = _restoring(map_location)
    with open(path, "rb") if path is not None else contextlib.nullcontext(f) as file:
        start, size = _extent(file)
        try:
            if file.read(4) == b"PK\x03\x04":
                if mmap and path is None:
                    raise ValueError("f must be a file path in order to use the mmap argument")
                file.seek(start)
                return _read_zip(file, size - start, restore, not weights_only, bool(mmap), encoding)
            if mmap:
                raise RuntimeError("mmap can only be used with files saved in the zip format of PyTorch 1.6 and later")
            file.seek(start)
            return _read_legacy(file, size, restore, not weights_only, encoding)
        except (UnpicklingError, EOFError) as problem:
            named = f"{path}: " if path is not None else ""
            only = "Weights only load failed. " if weights_only and isinstance(problem, UnpicklingError) else ""
            raise type(problem)(f"{named}{only}{problem}") from None


def _extent(file: Any) -> tuple[int, int]:
    """Where the file stands, and where it ends."""
    try:
        start = file.tell()
        size = file.seek(0, os.SEEK_END)
        file.seek(start)
    except (io.UnsupportedOperation, AttributeError, OSError) as problem:
        if getattr(problem, "errno", None) not in (None, errno.ESPIPE):
            raise
        raise type(problem)(
            f"{problem}. You can only torch.load from a file that is seekable. Please pre-load the data into a buffer "
            "like io.BytesIO and try to load from it instead."
        ) from problem
    if start == size:
        raise EOFError("Ran out of input")
    return start, size


def _restoring(map_location: Any) -> Callable[[UntypedStorage, str], UntypedStorage]:
    """(a storage on the host, where the file says that it was) -> the storage where it is wanted."""

    def there(data: UntypedStorage, where: Any) -> UntypedStorage:
        if str(where).startswith("cuda") and not cuda_available():
            raise RuntimeError(
                "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you are "
                "running on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map "
                "your storages to the CPU."
            )
        return data if str(where) == "cpu" else UntypedStorage(data.array, as_device(where))

    if map_location is None:
        return there
    if isinstance(map_location, dict):
        return lambda data, where: there(data, map_location.get(where, where))
    if isinstance(map_location, str | bytes | device):
        wanted = map_location.decode() if isinstance(map_location, bytes) else map_location
        return lambda data, where: there(data, wanted)
    if not callable(map_location):
        raise TypeError(f"map_location: expected a device, its name, a dict or a function, got {map_location!r}")

    def asked(data: UntypedStorage, where: str) -> UntypedStorage:
        found = map_location(data, where)
        if found is not None and not isinstance(found, UntypedStorage):
            raise TypeError(f"map_location gave a {type(found).__name__}, expected a storage or None")
        return there(data, where) if found is None else found

    return asked


STORED = ("storage", b"storage")


class Shelf:
    """The storages of a file by their keys, each read and put where it is wanted when it is first asked for."""

    def __init__(self, read: Callable[[Any, int], ndarray], restore: Any, swapped: bool = False) -> None:
        self.read, self.restore, self.swapped = read, restore, swapped
        self.held: dict[Any, UntypedStorage] = {}

    def stored(self, pid: Any) -> Any:
        """The storage of a persistent id: ("storage", type, key, location, elements, view of it or None)."""
        if type(pid) is not tuple or len(pid) not in (5, 6) or type(pid[0]) not in (str, bytes) or pid[0] not in STORED:
            raise UnpicklingError(f"Only persistent_load of storage is allowed, but got a {type(pid).__name__}")
        _, kind, key, where, count, *view = pid
        if not isinstance(kind, Stored) or type(count) is not int or count < 0 or type(key) not in (str, int, bytes):
            raise UnpicklingError(f"damaged: a storage whose key is a {type(key).__name__}")
        if key not in self.held:
            data = self.read(key, count * kind.dtype.itemsize)
            if self.swapped:
                data = np.array(data.view(_parts(kind.dtype)).byteswap()).view(np.uint8)
            where = where.decode("ascii") if isinstance(where, bytes) else str(where)
            self.held[key] = self.restore(UntypedStorage(data), where)
        found = self.held[key]
        if view and view[0] is not None:
            if (
                type(view[0]) is not tuple
                or len(view[0]) != 3
                or not all(type(v) is int and v >= 0 for v in view[0][1:])
            ):
                raise UnpicklingError("damaged: a view of a storage")
            _, offset, length = view[0]
            n = kind.dtype.itemsize
            found = UntypedStorage(found.array[offset * n : (offset + length) * n], found.device)
        return kind.of(found)


def _parts(kind: dtype) -> np.dtype[Any]:
    """What byte order is about: an element, or each half of a complex one."""
    return np.dtype(f"u{kind.itemsize // 2 if kind.is_complex else kind.itemsize}")


def _read_zip(file: Any, size: int, restore: Any, trusted: bool, mmap: bool, encoding: str) -> Any:
    with _opened(file) as archive:
        infos = {info.filename: info for info in archive.infolist()}
        trees = [name for name in infos if name.count("/") == 1 and name.endswith("/data.pkl")]
        if len(trees) != 1 or len(infos) != len(archive.infolist()):
            raise UnpicklingError("not a file of torch.save: a zip archive without exactly one data.pkl")
        folder = trees[0].removesuffix("data.pkl")
        if f"{folder}constants.pkl" in infos:
            raise UnpicklingError("a TorchScript archive, whose programs are not read: save model.state_dict()")
        if sum(info.file_size for info in infos.values()) > size:  # records that lie over each other
            raise UnpicklingError("damaged: its records have more bytes than the file")
        mapped = mapping.mmap(file.fileno(), 0, access=mapping.ACCESS_COPY) if mmap else None

        def read(key: Any, length: int) -> ndarray:
            info = infos.get(f"{folder}data/{key}")
            if info is None or info.file_size != length:
                held = "none" if info is None else f"{info.file_size} bytes"
                raise UnpicklingError(
                    f"damaged: a storage of {length} bytes under the key {key!r}, the file has {held}"
                )
            return _bytes_of(file, info) if mapped is None or not length else _in_map(mapped, file, info)

        order = _record(archive, infos[f"{folder}byteorder"]) if f"{folder}byteorder" in infos else b"little"
        if order not in (b"little", b"big"):
            raise UnpicklingError(f"damaged: a byte order {order!r:.20}")
        shelf = Shelf(read, restore, order.decode() != sys.byteorder)
        tree = _record(archive, infos[trees[0]])
        return Reader(io.BytesIO(tree), len(tree), Names(shelf.stored, trusted), encoding).load()


def _record(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """A small record: the tree, the byte order."""
    with _damage():
        return archive.read(_uncompressed(info))


def _uncompressed(info: zipfile.ZipInfo) -> zipfile.ZipInfo:
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:  # a small file that unpacks into a large one
        raise UnpicklingError(f"damaged: {info.filename} is compressed, which torch.save never does")
    return info


def _start(file: Any, info: zipfile.ZipInfo) -> int:
    """Where the data of a record begins."""
    file.seek(info.header_offset)
    header = file.read(30)
    if len(header) != 30 or header[:4] != b"PK\x03\x04":
        raise RuntimeError(f"failed reading zip archive: no header of {info.filename}")
    return info.header_offset + 30 + sum(struct.unpack("<HH", header[26:30]))


def _bytes_of(file: Any, info: zipfile.ZipInfo) -> ndarray:
    """A record's bytes, read into memory of their own."""
    file.seek(_start(file, _uncompressed(info)))
    data = np.empty(info.file_size, np.uint8)
    if file.readinto(data.data) != len(data) or zlib.crc32(data.data) != info.CRC:
        raise RuntimeError(f"failed reading zip archive: {info.filename} is cut off or does not match its checksum")
    return data


@contextlib.contextmanager
def _damage() -> Iterator[None]:
    """What zipfile raises on damaged bytes, a dozen types, as the RuntimeError that PyTorch raises."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as problem:
        raise RuntimeError(f"failed reading zip archive: {type(problem).__name__}: {problem}") from problem


@contextlib.contextmanager
def _opened(file: Any) -> Iterator[zipfile.ZipFile]:
    with _damage():
        archive = zipfile.ZipFile(file)
    with archive:
        yield archive


def _in_map(mapped: Any, file: Any, info: zipfile.ZipInfo) -> ndarray:
    """A record's bytes where they lie in the map, unchecked; a copy where elements would not be aligned."""
    start = _start(file, _uncompressed(info))
    if start + info.file_size > len(mapped):
        raise RuntimeError(f"failed reading zip archive: {info.filename} is cut off")
    data = np.frombuffer(mapped, np.uint8, info.file_size, start)
    return data if start % 16 == 0 else data.copy()


class _Scan:
    """What a reader of pickles asks, answered with nothing but the storages' types: to see which are there."""

    def __init__(self) -> None:
        self.ids: list[Any] = []

    def find(self, name: str) -> Any:
        last = name.rpartition(".")[2]
        if last.endswith("Storage"):
            return Names(lambda pid: None, False).find(name)
        return dict if last in ("OrderedDict", "Counter", "defaultdict") else None

    def call(self, function: Any, args: Any) -> Any:
        return {} if function is dict else None

    make = call

    def build(self, x: Any, state: Any) -> None:
        """Nothing has a state."""

    def persistent(self, pid: Any) -> None:
        self.ids.append(pid)


def _read_legacy(file: Any, size: int, restore: Any, trusted: bool, encoding: str) -> Any:
    def left() -> int:
        return size - file.tell()

    def pickled() -> Any:
        return Reader(file, left(), _Scan(), encoding).load()

    start = file.tell()
    head = file.read(512)
    file.seek(start)
    if head[257:262] == b"ustar":
        raise UnpicklingError("the tar format of before PyTorch 0.1.10 is not read")
    if head[:1] != b"\x80":
        raise UnpicklingError("not a file of torch.save")
    if pickled() != MAGIC_NUMBER:
        raise RuntimeError("Invalid magic number; corrupt file?")
    if (version := pickled()) != LEGACY_VERSION:
        raise RuntimeError(f"Invalid protocol version: {version}")
    system = pickled()
    swapped = isinstance(system, dict) and system.get("little_endian", True) != (sys.byteorder == "little")
    # The tree comes before its storages: it is passed over to find them, and then read.
    tree, scan = file.tell(), _Scan()
    Reader(file, left(), scan, encoding).load()
    places = dict(_legacy_places(file, size, pickled(), scan.ids, swapped))

    def read(key: Any, length: int) -> ndarray:
        if places.get(key, (0, -1))[1] != length:
            raise UnpicklingError(f"damaged: a storage of {length} bytes under the key {key!r}")
        file.seek(places[key][0])
        data = np.empty(length, np.uint8)
        file.readinto(data.data)
        return data

    end = file.tell()
    names = Names(Shelf(read, restore, swapped).stored, trusted)
    file.seek(tree)
    made = Reader(io.BytesIO(file.read(end - tree)), end - tree, names, encoding).load()
    file.seek(end)
    return made


def _legacy_places(
    file: BinaryIO, size: int, keys: Any, ids: list[Any], swapped: bool
) -> Iterator[tuple[Any, tuple[int, int]]]:
    """(key, (where its bytes begin, how many)) of the storages; the file stands behind the last one then."""
    kinds = {pid[2]: pid[1] for pid in ids if type(pid) is tuple and len(pid) == 6 and isinstance(pid[1], Stored)}
    if type(keys) is not list or not all(type(key) in (str, bytes, int) and key in kinds for key in keys):
        raise UnpicklingError("damaged: keys of storages that the tree doesn't have")
    for key in keys:
        head = file.read(8)
        length = int.from_bytes(head, "big" if swapped else "little") * kinds[key].dtype.itemsize
        start = file.tell()
        if len(head) != 8 or length > size - start:
            raise EOFError(f"cut off: the storage {key!r} ends before its time")
        yield key, (start, length)
        file.seek(start + length)
