"""Checkpoints: a tree of tensors and numbers in one file, complete and verified or refused.

The file is an uncompressed zip in NumPy's npz layout, so that `numpy.load` opens it too:

    manifest.json      the format, the tree, and for each array its dtype, shape and SHA-256
    model/weight.npy   one array, named by its path in the tree; bfloat16 as its bits, in uint16
    ...
    (archive comment)  the SHA-256 of every byte before it: a bit that flips anywhere is noticed

Nothing is unpickled and no code is run. What is kept is values: a tensor comes back without its graph and
gradient, and two names of one tensor come back as two tensors.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import math
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ..core.backend import to_host
from ..core.dtypes import named
from ..core.tensor import Tensor
from .files import atomic_file

__all__ = ["load", "save"]

FORMAT = "glassgrad checkpoint 1"
MANIFEST = "manifest.json"
SEAL = 64  # hex digits of the archive's comment, the last bytes of the file
LEAVES = {"tensor": Tensor._of, "array": lambda array: array, "scalar": lambda array: array[()]}


def save(path: str | Path, tree: Any) -> None:
    """Write a tree of dicts, lists, tuples, numbers, strings, None, arrays and tensors to one file.

    The file is written beside path, synced, read back and compared, and only then takes path's place: what
    was there before is kept until the new one is known to be good.
    Raises TypeError naming the place in the tree that holds something else, OSError where it cannot be
    written.
    """
    writer = _Writer()
    try:
        encoded = writer.encode(tree, ())
    except RecursionError as error:
        raise ValueError("the tree is nested too deeply for a checkpoint, or holds itself") from error
    manifest = {"format": FORMAT, "tree": encoded, "arrays": writer.described}
    text = json.dumps(manifest, allow_nan=False).encode()

    def verify(temp: Path) -> None:
        try:
            load(temp)
        except ValueError as error:
            raise OSError(
                errno.EIO, f"what was written does not read back ({error}); the file before it is kept", str(path)
            ) from error

    with atomic_file(path, verify) as file:
        with zipfile.ZipFile(file, "w") as archive:  # type: ignore[call-overload]
            archive.comment = b"0" * SEAL
            archive.writestr(zipfile.ZipInfo(MANIFEST), text)
            for entry, array in writer.arrays.items():
                with archive.open(zipfile.ZipInfo(f"{entry}.npy"), "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, array, version=(1, 0), allow_pickle=False)
        size = file.seek(-SEAL, os.SEEK_END)
        seal = _digest(file, size).encode()
        file.seek(size)
        file.write(seal)


def load(path: str | Path) -> Any:
    """The tree that `save` wrote; every byte is checked.

    Raises ValueError that names the file, and the entry where it is one, if anything differs from what was written.
    """
    with open(path, "rb") as file:
        try:
            tree = _read(file)
            size = file.seek(-SEAL, os.SEEK_END)
            if file.read() != _digest(file, size).encode():
                raise ValueError("damaged outside its arrays: it does not match its checksum")
        except MemoryError:
            raise
        except Exception as error:  # on damaged bytes zipfile, json and numpy raise a dozen types
            raise ValueError(f"{path}: {_described(error)}") from error
    return tree


class _Writer:
    """Turns a tree into JSON and collects its arrays under names of their own."""

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self.described: dict[str, dict[str, Any]] = {}

    def encode(self, value: Any, place: tuple[str, ...]) -> Any:
        match value:
            case None | bool() | str():
                return value
            case Tensor():
                return {"tensor": self.keep(to_host(value.detach().array), place)}
            case np.ndarray():
                return {"array": self.keep(value, place)}
            case np.generic():
                return {"scalar": self.keep(np.asarray(value), place)}
            case int():
                return int(value)
            case float():
                return float(value) if math.isfinite(value) else {"float": repr(float(value))}
            case dict():
                return {
                    "dict": [
                        [self.encode(key, (*place, "key")), self.encode(item, (*place, str(key)))]
                        for key, item in value.items()
                    ]
                }
            case list() | tuple():
                items = [self.encode(item, (*place, str(i))) for i, item in enumerate(value)]
                return items if isinstance(value, list) else {"tuple": items}
        raise TypeError(
            f"a checkpoint holds dicts, lists, tuples, numbers, strings, None, arrays and tensors; "
            f"found {type(value).__name__} at {'/'.join(place) or 'the root'}"
        )

    def keep(self, array: np.ndarray, place: tuple[str, ...]) -> str:
        dtype = array.dtype.name
        if dtype == "bfloat16":
            array = array.view(np.uint16)
        if array.dtype.kind not in "biufcSU":
            raise TypeError(
                f"a checkpoint holds arrays of numbers and strings, found {array.dtype} at {'/'.join(place)}"
            )
        # dots alone would climb out of a folder that the archive is unpacked into
        entry = "/".join(re.sub(r"[^\w.-]|^\.+$", "_", part) or "_" for part in place) or "array"
        while entry in self.arrays or f"{entry}.npy" == MANIFEST:
            entry += "_"
        array = np.asarray(array, order="C")
        self.arrays[entry] = array
        self.described[entry] = {"dtype": dtype, "shape": list(array.shape), "sha256": _sha256(array)}
        return entry


def _read(file: Any) -> Any:
    with zipfile.ZipFile(file) as archive:
        members = [info.filename for info in archive.infolist()]
        if MANIFEST not in members:
            raise ValueError(f"not a glassgrad checkpoint: the archive has no {MANIFEST}")
        manifest = json.loads(_member(archive, MANIFEST), parse_constant=_no_constant)
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            given = manifest.get("format") if isinstance(manifest, dict) else manifest
            raise ValueError(f"entry {MANIFEST!r}: expected format {FORMAT!r}, got {given!r}")
        expected = [MANIFEST, *(f"{entry}.npy" for entry in manifest["arrays"])]
        if sorted(members) != sorted(expected):
            odd = sorted(set(members) ^ set(expected)) or sorted({m for m in members if members.count(m) > 1})
            raise ValueError(f"entry {odd[0]!r}: in the archive or in its manifest, but not once in each")
        arrays = {entry: _array(archive, entry, told) for entry, told in manifest["arrays"].items()}
    return _decode(manifest["tree"], arrays)


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED:  # a small file that unpacks into a large one
        raise ValueError(f"entry {name!r}: compressed, which a checkpoint never is")
    try:
        return archive.read(info)
    except Exception as error:
        raise ValueError(f"entry {name!r}: {_described(error)}") from error


def _array(archive: zipfile.ZipFile, entry: str, told: dict[str, Any]) -> np.ndarray:
    data = io.BytesIO(_member(archive, f"{entry}.npy"))
    try:
        version = np.lib.format.read_magic(data)
        if version != (1, 0):
            raise ValueError(f"npy format {version}, expected (1, 0)")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(data)
        content = np.frombuffer(data.getbuffer(), np.uint8, offset=data.tell())
        name = told["dtype"] if dtype == np.uint16 and told["dtype"] == "bfloat16" else dtype.name
        if fortran or (name, list(shape)) != (told["dtype"], told["shape"]):
            raise ValueError(
                f"holds {dtype.name} {tuple(shape)}, its manifest says {told['dtype']} {tuple(told['shape'])}"
            )
        if len(content) != math.prod(shape) * dtype.itemsize:
            raise ValueError(f"has {len(content)} bytes, expected {math.prod(shape) * dtype.itemsize}")
        if _sha256(content) != told["sha256"]:
            raise ValueError("does not match its SHA-256")
    except Exception as error:
        raise ValueError(f"entry {entry!r}: {_described(error)}") from error
    array = content.view(dtype).reshape(shape).copy()
    return array.view(named(name).array_dtype) if name == "bfloat16" else array


def _decode(node: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(node, list):
        return [_decode(item, arrays) for item in node]
    if not isinstance(node, dict):
        return node
    ((kind, content),) = node.items()
    if kind in LEAVES:
        return LEAVES[kind](arrays[content])
    if kind == "float":
        return float(content)
    if kind == "tuple":
        return tuple(_decode(content, arrays))
    if kind == "dict":
        return {_decode(key, arrays): _decode(item, arrays) for key, item in content}
    raise ValueError(f"entry {MANIFEST!r}: knows no {kind!r}")


def _sha256(data: np.ndarray) -> str:
    return hashlib.sha256(data.reshape(-1).view(np.uint8).data).hexdigest()


def _digest(file: Any, size: int, chunk: int = 1 << 20) -> str:
    """The SHA-256 of the first size bytes."""
    digest = hashlib.sha256()
    file.seek(0)
    while size > 0 and (data := file.read(min(chunk, size))):
        digest.update(data)
        size -= len(data)
    return digest.hexdigest()


def _described(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return f"damaged or cut off: {text}" if isinstance(error, zipfile.BadZipFile) else text


def _no_constant(name: str) -> float:
    raise ValueError(f"entry {MANIFEST!r}: {name} is not JSON")
