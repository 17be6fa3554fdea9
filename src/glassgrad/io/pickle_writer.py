"""Writing pickles of protocol 2, which PyTorch's files are made of.

Every type that has no opcode of its own is written as how it is made: a function's name, its arguments, and what is
set afterwards, which is what Python's copy protocol (`__reduce_ex__`) tells. REDUCERS comes first.

Source: the opcodes of CPython's Lib/pickletools.py; PEP 307.
"""

from __future__ import annotations

import copyreg
import itertools
import struct
import sys
from collections.abc import Callable, Iterable
from pickle import PicklingError  # the exception that PyTorch raises; nothing else of that module is used
from types import BuiltinFunctionType, FunctionType
from typing import Any

__all__ = ["PicklingError", "Persistent", "Symbol", "Writer"]

BATCH = 1000
PYTHON_2 = {"builtins": "__builtin__"}


class Symbol:
    """A name to be written, of something that isn't here under it."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class Persistent:
    """Stands in a tree for what is kept outside the pickle, under this id."""

    def __init__(self, pid: tuple[Any, ...]) -> None:
        self.pid = pid


class Writer:
    """The pickle of one tree. reduce(x): what __reduce_ex__ gives, a Symbol, a Persistent, or None for Python's own."""

    def __init__(self, reduce: Callable[[Any], Any] = lambda x: None) -> None:
        self.out = bytearray(b"\x80\x02")
        self.memo: dict[int, tuple[int, Any]] = {}  # id: (number, the object, so that it lives as long as its id)
        self.reduced = reduce

    def pickled(self, x: Any) -> bytes:
        self.save(x)
        return bytes(self.out + b".")

    def save(self, x: Any) -> None:
        known = self.memo.get(id(x))
        if known is not None:
            self.numbered(b"h", b"j", known[0])
        elif (write := WRITERS.get(type(x))) is not None:
            write(self, x)
        elif isinstance(parts := self.reduced(x), Symbol):
            self.write_name(x, parts.module, parts.name)
        elif isinstance(parts, Persistent):
            self.save(parts)
        elif parts is not None:
            self.save_reduced(x, *parts)
        elif isinstance(x, type | FunctionType | BuiltinFunctionType):
            self.save_name(x)
        else:
            known_way = copyreg.dispatch_table.get(type(x))
            parts = x.__reduce_ex__(2) if known_way is None else known_way(x)
            if isinstance(parts, str):
                raise PicklingError(f"can't save {x!r}: it is known by a name alone")
            self.save_reduced(x, *parts)

    def numbered(self, short: bytes, long: bytes, n: int) -> None:
        self.out += short + bytes([n]) if n < 256 else long + struct.pack("<I", n)

    def remember(self, x: Any) -> None:
        n = len(self.memo)
        self.memo[id(x)] = n, x
        self.numbered(b"q", b"r", n)

    def save_name(self, x: Any) -> None:
        name = x.__qualname__
        module = getattr(x, "__module__", None) or "builtins"
        found: Any = sys.modules.get(module)
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is not x:
            raise PicklingError(
                f"can't save {x!r}: it isn't found as {module}.{name}. What is saved by name must stand at the "
                "top level of a module; for a model, save model.state_dict()"
            )
        self.write_name(x, module, name)

    def write_name(self, x: Any, module: str, name: str) -> None:
        self.out += f"c{PYTHON_2.get(module, module)}\n{name}\n".encode()
        self.remember(x)

    def save_reduced(
        self, x: Any, function: Any, args: tuple[Any, ...], state: Any = None, items: Any = None, pairs: Any = None,
        setter: Any = None,
    ) -> None:  # fmt: skip
        if setter is not None:
            raise PicklingError(f"can't save {type(x).__name__}: its state is set by a function of its own")
        if function is copyreg.__newobj__:  # type: ignore[attr-defined]
            self.save(args[0])
            self.save(args[1:])
            self.out += b"\x81"
        else:
            self.save(function)
            self.save(args)
            self.out += b"R"
        if id(x) in self.memo:  # it holds itself: what was made inside is taken
            self.out += b"0"
            self.numbered(b"h", b"j", self.memo[id(x)][0])
        else:
            self.remember(x)
        if items is not None:
            self.save_batches(((item,) for item in items), b"a", b"e")
        if pairs is not None:
            self.save_batches(pairs, b"s", b"u")
        if state is not None:
            self.save(state)
            self.out += b"b"

    def save_batches(self, groups: Iterable[tuple[Any, ...]], one: bytes, many: bytes) -> None:
        """Items or pairs, as the opcodes take them: one, or many behind a mark."""
        rest = iter(groups)
        while batch := list(itertools.islice(rest, BATCH)):
            if len(batch) > 1:
                self.out += b"("
            for group in batch:
                for part in group:
                    self.save(part)
            self.out += many if len(batch) > 1 else one


# --- types with opcodes of their own ---


def _int(w: Writer, x: int) -> None:
    if 0 <= x < 1 << 8:
        w.out += b"K" + struct.pack("<B", x)
    elif 0 <= x < 1 << 16:
        w.out += b"M" + struct.pack("<H", x)
    elif -(1 << 31) <= x < 1 << 31:
        w.out += b"J" + struct.pack("<i", x)
    else:
        data = x.to_bytes(x.bit_length() // 8 + 1, "little", signed=True)
        if x < 0 and data[-1] == 0xFF and data[-2] & 0x80:
            data = data[:-1]
        w.out += b"\x8a" + bytes([len(data)]) if len(data) < 256 else b"\x8b" + struct.pack("<i", len(data))
        w.out += data


def _str(w: Writer, x: str) -> None:
    data = x.encode("utf-8", "surrogatepass")
    if len(data) >= 1 << 32:
        raise PicklingError("can't save a string of 4 GiB or more")
    w.out += b"X" + struct.pack("<I", len(data)) + data
    w.remember(x)


def _tuple(w: Writer, x: tuple[Any, ...]) -> None:
    if not x:
        w.out += b")"
        return
    if len(x) > 3:
        w.out += b"("
    for item in x:
        w.save(item)
    if id(x) in w.memo:  # it holds itself through a list
        w.out += b"0" * len(x) if len(x) <= 3 else b"1"
        w.numbered(b"h", b"j", w.memo[id(x)][0])
        return
    w.out += (b"t", b"\x85", b"\x86", b"\x87")[len(x) if len(x) <= 3 else 0]
    w.remember(x)


def _list(w: Writer, x: list[Any]) -> None:
    w.out += b"]"
    w.remember(x)
    w.save_batches(((item,) for item in x), b"a", b"e")


def _dict(w: Writer, x: dict[Any, Any]) -> None:
    w.out += b"}"
    w.remember(x)
    w.save_batches(x.items(), b"s", b"u")


def _bytes(w: Writer, x: bytes) -> None:
    w.save_reduced(x, ENCODE, (x.decode("latin1"), "latin1"))


def _bytearray(w: Writer, x: bytearray) -> None:
    w.save_reduced(x, bytearray, (x.decode("latin1"), "latin-1") if x else ())


def _sets(w: Writer, x: Any) -> None:
    w.save_reduced(x, type(x), (list(x),))


def _persistent(w: Writer, x: Persistent) -> None:
    w.save(x.pid)
    w.out += b"Q"


def _constant(code: bytes) -> Callable[[Writer, Any], None]:
    def write(w: Writer, x: Any) -> None:
        w.out += code

    return write


def _bool(w: Writer, x: bool) -> None:
    w.out += b"\x88" if x else b"\x89"


def _float(w: Writer, x: float) -> None:
    w.out += b"G" + struct.pack(">d", x)


ENCODE = Symbol("_codecs", "encode")

WRITERS: dict[type, Callable[[Writer, Any], None]] = {
    type(None): _constant(b"N"), bool: _bool, int: _int, float: _float, str: _str, bytes: _bytes,
    bytearray: _bytearray, tuple: _tuple, list: _list, dict: _dict, set: _sets, frozenset: _sets,
    Persistent: _persistent, Symbol: lambda w, x: w.write_name(x, x.module, x.name),
}  # fmt: skip
