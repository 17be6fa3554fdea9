"""The IDX format of the MNIST files, read strictly.

    offset  content
    0       two zero bytes, one byte of type, one byte d: the number of dims
    4       d sizes, 4 bytes each, big-endian
    4+4d    the values in C order, big-endian

Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits", section "File formats".
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

VALUES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MAX_DIMS = 8
MAX_BYTES = 1 << 30
DEFLATE_MAX_RATIO = 1032  # no deflate stream expands further: zlib's technical notes
CHUNK = 1 << 20


def read_idx(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> np.ndarray:
    """The array of an IDX file, plain, gzip or xz, in the machine's byte order.

    Never allocates more than the file can hold: a header that promises more than `max_bytes`, or more than
    the file can unpack to, is refused before anything is read.
    Raises ValueError for a file that is not exactly one IDX array, FileNotFoundError where there is none.
    """
    path = Path(path)
    with open(path, "rb") as raw:
        on_disk = os.fstat(raw.fileno()).st_size
        start = raw.read(6)
        raw.seek(0)
        if start[:2] == b"\x1f\x8b":
            return _unpack(gzip, raw, path, min(max_bytes, on_disk * DEFLATE_MAX_RATIO), max_bytes)
        if start == b"\xfd7zXZ\0":
            import lzma

            return _unpack(lzma, raw, path, max_bytes, max_bytes)
        return _read(raw, path, min(max_bytes, on_disk), max_bytes)


def _unpack(packer: Any, raw: BinaryIO, path: Path, can_hold: int, max_bytes: int) -> np.ndarray:
    broken = (gzip.BadGzipFile, zlib.error) if packer is gzip else (packer.LZMAError,)
    try:
        with packer.open(raw) as unpacked:
            return _read(unpacked, path, can_hold, max_bytes)
    except (EOFError, *broken) as problem:
        kind = "gzip" if packer is gzip else "xz"
        raise ValueError(f"{path}: damaged or truncated {kind} file ({problem}); delete it and fetch it again") from (
            problem
        )


def _read(file: BinaryIO, path: Path, can_hold: int, max_bytes: int) -> np.ndarray:
    head = file.read(4)
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in VALUES or not 1 <= head[3] <= MAX_DIMS:
        raise ValueError(
            f"{path}: not an IDX file: it starts with {head!r}, expected two zero bytes, a type "
            f"({', '.join(f'{code:#04x}' for code in VALUES)}) and 1 to {MAX_DIMS} dims"
        )
    dtype, ndim = np.dtype(VALUES[head[2]]), head[3]
    sizes = file.read(4 * ndim)
    if len(sizes) < 4 * ndim:
        raise ValueError(f"{path}: truncated: the header promises {ndim} sizes and ends after {len(sizes)} bytes")
    shape = struct.unpack(f">{ndim}I", sizes)
    promised = math.prod(shape) * dtype.itemsize  # a Python int: cannot overflow
    if promised > max_bytes:
        raise ValueError(f"{path}: the header promises {promised} bytes {shape}, the limit is {max_bytes}")
    if promised > can_hold:
        raise ValueError(f"{path}: truncated: the header promises {promised} bytes {shape}, the file has fewer")
    values = bytearray()
    while len(values) < promised and (chunk := file.read(min(CHUNK, promised - len(values)))):
        values += chunk
    if len(values) < promised:
        raise ValueError(f"{path}: truncated: {len(values)} bytes of values, {promised} expected for shape {shape}")
    if file.read(1):
        raise ValueError(f"{path}: more bytes after the {promised} that its shape {shape} promises")
    return np.frombuffer(values, dtype=dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
