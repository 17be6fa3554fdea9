"""The IDX reader: what is right is read exactly, what is not is refused before it costs memory."""

from __future__ import annotations

import gzip
import lzma
import struct
import tracemalloc
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from glassgrad.data.idx import read_idx

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx(shape: tuple[int, ...], values: bytes = b"", code: int = 0x08, start: bytes = b"\0\0") -> bytes:
    return start + bytes([code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + values


def write(folder: Path, content: bytes) -> Path:
    path = folder / "file"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress], ids=["plain", "gzip", "xz"])
@pytest.mark.parametrize("shape", [(5,), (3, 8), (2, 3, 4), (2, 3, 4, 5), (0, 28, 28)])
def test_what_was_written_is_read(tmp_path: Path, kind: str, pack, shape: tuple[int, ...]) -> None:
    values = (np.arange(np.prod(shape)) * 37 - 50).astype(kind).reshape(shape)
    content = idx(shape, values.astype(f">{kind}").tobytes(), CODES[kind])
    found = read_idx(write(tmp_path, pack(content)))
    assert found.dtype == np.dtype(kind) and found.dtype.isnative and found.flags.writeable
    np.testing.assert_array_equal(found, values)


GOOD = idx((2, 3), b"abcdef")
REFUSED = [
    ("empty", b"", "not an IDX file"),
    ("two bytes", b"\0\0", "not an IDX file"),
    ("wrong start", idx((2, 3), b"abcdef", start=b"\0\1"), "not an IDX file"),
    ("unknown type", idx((2, 3), b"abcdef", code=0x0A), "not an IDX file"),
    ("no dims", idx(()), "not an IDX file"),
    ("255 dims", b"\0\0\x08\xff" + b"\0\0\0\1" * 255 + b"a", "not an IDX file"),
    ("html", b"<!DOCTYPE html><html></html>", "not an IDX file"),
    ("sizes cut off", GOOD[:7], "truncated: the header promises 2 sizes"),
    ("values cut off", GOOD[:-1], "truncated"),
    ("no values", GOOD[:12], "truncated"),
    ("trailing byte", GOOD + b"!", "more bytes after the 6"),
    ("2^96 values", idx((2**32 - 1,) * 3), "the limit is"),
    ("product of 2^64", idx((2**31, 2**31, 4)), "the limit is"),
    ("1 GB promised", idx((10**9,)), "truncated: the header promises 1000000000 bytes"),
    ("gzip cut off", gzip.compress(GOOD)[:-9], "damaged or truncated gzip"),
    ("gzip damaged", gzip.compress(GOOD)[:-8] + b"\0" * 8, "damaged or truncated gzip"),
    ("xz cut off", lzma.compress(GOOD)[:-9], "damaged or truncated xz"),
    ("xz damaged", lzma.compress(GOOD)[:-40] + bytes(40), "damaged or truncated xz"),
    ("xz of too little", lzma.compress(GOOD[:-1]), "truncated: 5 bytes of values, 6 expected"),
    ("xz of 1 GB promised", lzma.compress(idx((10**9,))), "truncated: 0 bytes of values, 1000000000 expected"),
    ("gzip of too little", gzip.compress(GOOD[:-1]), "truncated: 5 bytes of values, 6 expected"),
    ("gzip and more", gzip.compress(GOOD + b"!"), "more bytes after the 6"),
    ("gzip and garbage", gzip.compress(GOOD) + b"garbage", "damaged or truncated gzip"),
    ("gzip that promises 1 GB", gzip.compress(idx((10**9,), b"a")), "truncated: the header promises"),
    ("gzip header only", b"\x1f\x8b", "damaged or truncated gzip"),
]


@pytest.mark.parametrize(("content", "complaint"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_a_bad_file_is_refused(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = write(tmp_path, content)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=complaint) as error:
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(content) + (1 << 24)
    finally:
        tracemalloc.stop()
    assert str(path) in str(error.value)


def test_a_gzip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    bomb = write(tmp_path, gzip.compress(idx((10,), bytes(1 << 26))))  # 64 MiB of zeros in 64 KiB
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="more bytes after the 10"):
            read_idx(bomb)
        assert tracemalloc.get_traced_memory()[1] < 1 << 22
    finally:
        tracemalloc.stop()


def test_the_limit_is_the_callers(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(idx((1 << 20,), bytes(1 << 20))))
    assert read_idx(path).shape == (1 << 20,)
    with pytest.raises(ValueError, match="the limit is 1000"):
        read_idx(path, max_bytes=1000)


def test_every_flip_of_a_header_bit_is_read_or_refused(tmp_path: Path) -> None:
    for bit in range(8 * 12):
        damaged = bytearray(GOOD)
        damaged[bit // 8] ^= 1 << bit % 8
        path = write(tmp_path, bytes(damaged))
        with nullcontext() if bit == 16 else pytest.raises(ValueError):
            read_idx(path)  # bit 16 makes type 0x08 into 0x09: int8, of the same size


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "none")
