"""Reading pickles without running them.

A pickle is a program for a machine with a stack. This is such a machine with one restriction: a name in the file is
looked up in a table that the caller gives (`find`), never imported, and what a name stands for is called only
through a function that the caller gives for it (`call`, `make`, `build`). There is no other way out of here: what a
file can make is numbers, strings and containers of them, and what those functions make.

Source: the opcodes of protocols 2 to 5, documented in CPython's Lib/pickletools.py; PEP 307, 3154, 574.
"""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from pickle import UnpicklingError  # the exception that PyTorch raises; nothing else of that module is used
from typing import Any, BinaryIO, NoReturn

from ..core.backend import device

__all__ = ["Reader", "UnpicklingError"]

Step = Callable[["Reader"], None]
STEPS: dict[int, Step] = {}
STOP = ord(".")

DICTS = (dict, OrderedDict, Counter, defaultdict)
KEY_PARTS = 10_000  # of a tuple that is a key
NAME = 1000  # characters of a module's or class's name

# names of Python 2, which protocol 2 writes
MODERN_MODULES = {"__builtin__": "builtins", "copy_reg": "copyreg"}
MODERN = {"builtins.xrange": "builtins.range", "builtins.unicode": "builtins.str", "builtins.long": "builtins.int"}


class Reader:
    """One pickle in a file, from where the file stands; `size` bytes are left in it.

    find(name)             what "module.name" stands for; raises UnpicklingError if it isn't allowed
    call(f, args)          what calling f with args gives
    make(cls, args)        a new instance of cls
    build(x, state)        give x its state
    persistent(id)         what the file keeps outside the pickle
    """

    def __init__(self, file: BinaryIO, size: int, hooks: Any, encoding: str = "utf-8") -> None:
        self.file, self.left = file, size
        self.hooks = hooks
        self.encoding = encoding
        self.stack: list[Any] = []
        self.marked: list[list[Any]] = []  # stacks below a mark
        self.memo: dict[int, Any] = {}

    def load(self) -> Any:
        """UnpicklingError for what isn't allowed or isn't a pickle, EOFError where it ends too early."""
        steps = STEPS
        try:
            while (code := self.take(1)[0]) != STOP:
                step = steps.get(code)
                if step is None:
                    raise UnpicklingError(f"Unsupported operand {code}: not a pickle, or of a kind that isn't read")
                step(self)
            return self.stack.pop()
        except (IndexError, KeyError) as problem:
            raise UnpicklingError(f"damaged: it asks for something that isn't there ({problem})") from problem
        except (UnicodeError, struct.error) as problem:
            raise UnpicklingError(f"damaged: {problem}") from problem

    def take(self, n: int) -> bytes:
        """The next n bytes; never more than there are, whatever the file says."""
        data = self.file.read(n) if n <= self.left else b""
        if len(data) != n:
            raise EOFError("cut off: the pickle ends in the middle of something")
        self.left -= n
        return data

    def line(self) -> str:
        data = self.file.readline(min(self.left, NAME))
        self.left -= len(data)
        if not data.endswith(b"\n"):
            raise EOFError("cut off: the pickle ends in the middle of a name")
        return data[:-1].decode("utf-8")

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def pop_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.marked.pop()
        return items

    def top(self, *kinds: type) -> Any:
        """The topmost of the stack, which must be of one of these types and no other."""
        if type(self.stack[-1]) not in kinds:
            self.refuse(f"items for {' or '.join(k.__name__ for k in kinds)}", self.stack[-1])
        return self.stack[-1]

    def refuse(self, what: str, given: Any) -> NoReturn:
        raise UnpicklingError(f"damaged: {what} meant for {type(given).__name__}")

    def name(self, module: str, name: str) -> Any:
        full = f"{MODERN_MODULES.get(module, module)}.{name}"
        return self.hooks.find(MODERN.get(full, full))


def key(x: Any) -> Any:
    """x, if to take it as a key or an item of a set calls nobody's code and ends soon; else UnpicklingError."""
    if type(x) in (str, int):
        return x
    parts = [x]
    for part in parts:
        kind = type(part)
        if isinstance(part, tuple | frozenset):
            parts += part
        elif (
            kind.__hash__ is None
            or kind.__hash__ is not object.__hash__
            and kind.__module__ not in PLAIN
            and kind is not device
        ):
            raise UnpicklingError(f"a {kind.__name__} cannot be a key here")
        if len(parts) > KEY_PARTS:
            raise UnpicklingError("a key of too many parts")
    return x


PLAIN = {"builtins", "numpy"}


def step(code: bytes | int) -> Callable[[Step], Step]:
    """This function is what the opcode does."""

    def declare(function: Step) -> Step:
        STEPS[code if isinstance(code, int) else code[0]] = function
        return function

    return declare


def pushes(code: bytes | int, value: Callable[[Reader], Any]) -> None:
    """The opcode puts a value on the stack."""

    @step(code)
    def push(reader: Reader) -> None:
        made = value(reader)  # which may change the stack for the one below
        reader.stack.append(made)


# --- constants, numbers, strings ---

for _code, _value in ((b"N", None), (0x88, True), (0x89, False), (b")", ())):
    pushes(_code, lambda r, value=_value: value)  # type: ignore[misc]
for _code, _make in ((b"]", list), (b"}", dict), (0x8F, set)):
    pushes(_code, lambda r, make=_make: make())  # type: ignore[misc]
for _code, _form in ((b"J", "<i"), (b"K", "<B"), (b"M", "<H"), (b"G", ">d")):
    pushes(_code, lambda r, form=_form: r.number(form))  # type: ignore[misc]
for _code, _form in ((0x8A, "<B"), (0x8B, "<I")):
    pushes(_code, lambda r, form=_form: int.from_bytes(r.take(r.number(form)), "little", signed=True))  # type: ignore[misc]
for _code, _form in ((0x8C, "<B"), (b"X", "<I"), (0x8D, "<Q")):
    pushes(_code, lambda r, form=_form: r.take(r.number(form)).decode("utf-8", "surrogatepass"))  # type: ignore[misc]
for _code, _form in ((b"C", "<B"), (b"B", "<I"), (0x8E, "<Q")):
    pushes(_code, lambda r, form=_form: r.take(r.number(form)))  # type: ignore[misc]
for _code, _form in ((b"U", "<B"), (b"T", "<I")):
    pushes(_code, lambda r, form=_form: _text(r, r.take(r.number(form))))  # type: ignore[misc]
pushes(0x96, lambda r: bytearray(r.take(r.number("<Q"))))


def _text(reader: Reader, data: bytes) -> str | bytes:
    """A string of Python 2."""
    return data if reader.encoding == "bytes" else data.decode(reader.encoding)


# --- containers ---

for _code, _n in ((0x85, 1), (0x86, 2), (0x87, 3)):

    @step(_code)
    def _(r: Reader, n: int = _n) -> None:
        if len(r.stack) < n:
            raise UnpicklingError("damaged: a tuple of more than there is")
        r.stack[-n:] = [tuple(r.stack[-n:])]


pushes(b"t", lambda r: tuple(r.pop_mark()))
pushes(0x91, lambda r: frozenset(map(key, r.pop_mark())))


@step(b"(")
def _mark(r: Reader) -> None:
    r.marked.append(r.stack)
    r.stack = []


@step(b"a")
def _append(r: Reader) -> None:
    item = r.stack.pop()
    r.top(list).append(item)


@step(b"e")
def _appends(r: Reader) -> None:
    items = r.pop_mark()
    r.top(list).extend(items)


@step(0x90)
def _add_items(r: Reader) -> None:
    items = r.pop_mark()
    r.top(set).update(map(key, items))


def _set_items(r: Reader, items: list[Any]) -> None:
    target = r.top(*DICTS)
    for i in range(0, len(items), 2):
        target[key(items[i])] = items[i + 1]


@step(b"s")
def _set_item(r: Reader) -> None:
    value, name = r.stack.pop(), r.stack.pop()
    _set_items(r, [name, value])


step(b"u")(lambda r: _set_items(r, r.pop_mark()))

# --- the stack and what was seen before ---

step(0x80)(lambda r: None if r.number("<B") <= 5 else r.refuse("a protocol later than 5", r))
step(0x95)(lambda r: r.number("<Q") and None)  # a frame's length
step(b"0")(lambda r: r.stack.pop() and None)


@step(b"1")
def _pop_mark(r: Reader) -> None:
    r.pop_mark()


pushes(b"2", lambda r: r.stack[-1])
pushes(b"h", lambda r: r.memo[r.number("<B")])
pushes(b"j", lambda r: r.memo[r.number("<I")])
step(b"q")(lambda r: r.memo.__setitem__(r.number("<B"), r.stack[-1]))
step(b"r")(lambda r: r.memo.__setitem__(r.number("<I"), r.stack[-1]))
step(0x94)(lambda r: r.memo.__setitem__(len(r.memo), r.stack[-1]))

# --- what is looked up in the caller's table ---

pushes(b"c", lambda r: r.name(r.line(), r.line()))


@step(0x93)
def _stack_global(r: Reader) -> None:
    name, module = r.stack.pop(), r.stack.pop()
    if type(name) is not str or type(module) is not str:
        r.refuse("a name", name)
    r.stack.append(r.name(module, name))


def _arguments(r: Reader) -> tuple[Any, ...]:
    args = r.stack.pop()
    if type(args) is not tuple:
        r.refuse("arguments", args)
    return args


@step(b"R")
def _reduce(r: Reader) -> None:
    args = _arguments(r)
    r.stack[-1] = r.hooks.call(r.stack[-1], args)


@step(0x81)
def _new(r: Reader) -> None:
    args = _arguments(r)
    r.stack[-1] = r.hooks.make(r.stack[-1], args)


@step(b"b")
def _build(r: Reader) -> None:
    state = r.stack.pop()
    r.hooks.build(r.stack[-1], state)


pushes(b"Q", lambda r: r.hooks.persistent(r.stack.pop()))
