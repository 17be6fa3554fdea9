"""Recording a run of the user's function: the calls that their own code made into the library, in order.

The function runs as ever, once, under a profile hook (sys.setprofile) that sees every call. A call from the user's
code into the library is written down with its arguments; what the library does inside it is its own affair and will be
done again. What the user's code is like beyond that is not looked at: a replay leaves it out. That is right as long as
the code does nothing but pass tensors on, and does the same every time. So

- what it can reach without a call (globals, closures, attributes it names, arguments) is written down, too, and
  compared before every replay; see `reach.py`;
- whatever else it does (draws numbers, prints, reads a tensor's value) stops the recording, with the reason.
"""

from __future__ import annotations

import builtins
import gc
import inspect
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import BuiltinFunctionType, CellType, CodeType, FrameType, FunctionType
from typing import Any

from ..core import modes
from ..core.op import Op, record
from ..core.provenance import PACKAGE, Place, show, user_frame
from ..core.size import Size
from ..core.tensor import Tensor
from ..core.watch import watching
from ..nn.layers.container import ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential
from ..nn.module import Module
from .reach import Before, Reach, Unknown, is_plain
from .tree import Slot, leaves, mapped, slots_of

# Library code that only hands on to the user's: what it calls is written down as if the user's code had called it.
GLUE = {Module.__call__.__code__, Sequential.forward.__code__}

# What the user's code may call besides the library: it neither acts on anything nor depends on anything else.
PURE = {
    getattr(builtins, name)
    for name in (
        "abs", "all", "any", "callable", "chr", "divmod", "format", "hash", "isinstance", "issubclass", "iter", "len",
        "max", "min", "ord", "pow", "repr", "round", "sorted", "sum",
    )
}  # fmt: skip
PURE_MODULES = {"math", "_operator", "itertools", "_functools"}
PURE_TYPES = (int, float, bool, complex, str, bytes, tuple, frozenset, list, dict, set, slice, range)


def _codes(*names: str) -> set[CodeType]:
    found: Any = [inspect.getattr_static(Tensor, name) for name in names]
    return {getattr(f, "fget", f).__code__ for f in found}


# What is known of a tensor without its values, and is compared before a replay.
METADATA = _codes(
    "shape", "size", "dim", "ndim", "numel", "dtype", "device", "stride", "is_contiguous", "is_floating_point",
    "is_complex", "element_size", "itemsize", "nbytes", "is_cuda", "is_cpu", "requires_grad", "is_leaf", "__len__",
)  # fmt: skip
READERS = _codes("item", "tolist", "numpy", "__array__", "__bool__", "__int__", "__float__", "__index__")
# Whose results have shapes that depend on values; so has indexing with a mask, and whatever reads a value for itself.
OPEN_SHAPES = {
    "nonzero", "argwhere", "masked_select", "unique", "unique_consecutive", "bincount", "repeat_interleave", "one_hot",
    "where", "histogram", "pack_padded_sequence", "pad_packed_sequence", "embedding_bag", "combinations",
}  # fmt: skip
METADATA |= {f.__code__ for f in vars(Size).values() if isinstance(f, FunctionType)}
ATTRIBUTE = Module.__getattr__.__code__
# What a module consists of: compared as a whole where it is asked for.
STRUCTURE = {
    f.__code__
    for container in (Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict)
    for kind in container.__mro__ if kind not in (Module, object)
    for f in vars(kind).values() if isinstance(f, FunctionType) and f.__name__ not in ("__init__", "forward")
} | {
    getattr(Module, f"{named}{what}").__code__
    for named in ("", "named_") for what in ("parameters", "buffers", "children", "modules")
}  # fmt: skip
GRADIENT = _codes("grad")
MODES = {
    function.__code__
    for mode in vars(modes).values() if isinstance(mode, type) and issubclass(mode, modes._Mode)
    for value in vars(mode).values() if isinstance(function := getattr(value, "__func__", value), FunctionType)
}  # fmt: skip


class Stopped(Exception):
    """Why a run cannot be replayed."""


@dataclass
class Instruction:
    """One call into the library: results = function(*args, **options), Slots standing for tensors."""

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    options: dict[str, Any]
    place: Place | None
    result: Any = None  # the tree of what it returned, Slots for tensors
    op: Op | None = None  # where the call is this one operation and nothing else
    operation: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})  # its inputs and options
    parts: list[Instruction] = field(default_factory=list)  # what it was fused from
    out: Any = None  # while recording: what the operation made

    def reads(self) -> list[int]:
        return slots_of((self.args, self.options))

    def makes(self) -> list[int]:
        return slots_of(self.result)


Shape = tuple[tuple[int, ...], Any, bool]  # of a tensor: its shape, dtype, and whether it wants a gradient


def described(x: Tensor) -> Shape:
    return x.array.shape, x.array.dtype, x._needs


@dataclass
class Recording:
    """What a run was: its instructions, and what must be the same for the next."""

    instructions: list[Instruction]
    outside: dict[int, Tensor]  # slots of tensors that were there before
    shapes: dict[int, Shape]  # of every slot
    changed: set[int]  # slots of tensors that were changed in place
    result: Any
    reach: Reach


@dataclass
class Recorder:
    """Watches one run of a function."""

    inputs: list[Tensor]
    arguments: Any  # that these are in
    instructions: list[Instruction] = field(default_factory=list)
    stopped: str | None = None

    def __post_init__(self) -> None:
        self.thread = threading.get_ident()
        self.numbers: dict[int, int] = {}  # id of a tensor -> its slot
        self.kept: list[Any] = []  # so that ids stay theirs
        self.shapes: dict[int, Shape] = {}
        self.outside: dict[int, Tensor] = {}
        self.open: list[tuple[FrameType, Instruction | None]] = []  # the call into the library that runs now
        self.operations = 0  # in that call
        self.reads = False  # whether it has read the values of a tensor
        self.uncertain: set[int] = set()  # slots of tensors whose shape may be another in the next run
        self.versions: list[int] = []  # of the tensors in slots, when they came
        self.before = Before()
        self.reach = Reach(self.before, self.inputs, self.arguments)
        for x in self.inputs:
            self.slot(x)

    def run(self, function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """function(*args, **kwargs), watched. What it returns; `stopped` says why it was in vain, if it was."""
        try:
            self.reach.add_closure(function)
        except Unknown as problem:
            self.stop(str(problem))
            return function(*args, **kwargs)
        with watching(self.notice):
            self.collects = gc.isenabled()
            gc.disable()  # what the collector would call in between is not the function's doing
            sys.setprofile(self.hook)
            try:
                result = function(*args, **kwargs)
            finally:
                self.look_away()
        return result

    def look_away(self) -> None:
        sys.setprofile(None)
        if self.collects:
            gc.enable()

    def finish(self, result: Any) -> Recording | None:
        """The recording of a run that returned `result`, or None; see `stopped`."""
        try:
            tree = mapped(self.leaf, result)
            touched = self.reach.changed(self.inputs)
            if touched is not None:
                raise Stopped(f"it changes {touched}, which a replay would not")
        except Stopped as problem:
            self.stop(str(problem))
        self.reach.settle()
        changed = {k for k, x in enumerate(self.kept) if x.version[0] != self.versions[k]}
        if self.stopped is not None:
            return None
        return Recording(self.instructions, self.outside, self.shapes, changed, tree, self.reach)

    def stop(self, reason: str, frame: FrameType | None = None) -> None:
        if self.stopped is None:
            at = ""
            if frame is not None:
                at = f" at {show((frame.f_code, frame.f_lasti))}"
            self.stopped = reason + at
            if frame is not None:
                self.look_away()

    # --- tensors ---

    def slot(self, x: Tensor) -> Slot:
        """The slot of a tensor that is new here."""
        number = self.numbers[id(x)] = len(self.numbers)
        self.kept.append(x)
        self.versions.append(x.version[0])
        self.shapes[number] = described(x)
        return Slot(number)

    def leaf(self, x: Any) -> Any:
        """What stands for an argument or a result in an instruction."""
        if isinstance(x, Tensor):
            if id(x) in self.numbers:
                return Slot(self.numbers[id(x)])
            if x not in self.before:
                raise Stopped("it uses a tensor that comes from no call into the library")
            slot = self.slot(x)
            self.outside[slot.number] = x
            return slot
        if is_plain(x) or isinstance(x, modes._Mode) or x is Ellipsis:
            return x
        if isinstance(x, FunctionType) and any(isinstance(c.cell_contents, Tensor) for c in x.__closure__ or ()):
            raise Stopped(f"it passes {x.__qualname__}, which holds a tensor, to the library")
        if x in self.before or isinstance(x, (type, FunctionType, Op)):
            return x
        raise Stopped(f"it passes or returns a {type(x).__name__}, of which a replay knows nothing")

    # --- what happens ---

    def hook(self, frame: FrameType, event: str, arg: Any) -> None:
        """Called by the interpreter at every call and return."""
        try:
            if self.open:
                if event == "return" and self.open[-1][0] is frame:
                    self.returned(frame, arg)
                elif event == "call" and frame.f_code in READERS:
                    self.reads = True
            elif event == "c_call":
                self.builtin(arg)
            elif event == "call":
                if self.ours(frame.f_code):
                    self.called(frame)
                else:
                    self.reach.add_frame(frame)
        except (Stopped, Unknown) as problem:
            self.stop(str(problem), user_frame(frame))
        except Exception as problem:  # raised here it would end the user's program
            self.stop(f"it cannot be looked at ({problem!r})", user_frame(frame))

    @staticmethod
    def ours(code: CodeType) -> bool:
        return code.co_filename.startswith(PACKAGE) and code not in GLUE

    def called(self, frame: FrameType) -> None:
        """The user's code calls a function of the library."""
        code = frame.f_code
        self.operations, self.reads = 0, False
        self.open.append((frame, None))
        if code in METADATA and self.numbers.get(id(next(iter(frame.f_locals.values())))) in self.uncertain:
            raise Stopped("it asks for the shape of a tensor whose shape depends on values")
        if code in STRUCTURE:
            self.reach.add_structure(frame.f_locals["self"])
            return
        if code.co_flags & inspect.CO_GENERATOR and code.co_filename == ATTRIBUTE.co_filename:
            return  # what one of them gave walks on
        if code in METADATA or code in MODES or code is ATTRIBUTE:
            if code.co_name not in ("__enter__", "__exit__"):
                return
        elif code.co_name == "__init__":
            raise Stopped(f"it makes a {type(frame.f_locals['self']).__name__}")
        function, args, options = call_of(frame)
        made = Instruction(
            code.co_qualname, function, mapped(self.leaf, args), mapped(self.leaf, options), user_place(frame)
        )
        self.open[-1] = (frame, made)

    def returned(self, frame: FrameType, result: Any) -> None:
        """The call into the library that was open is done."""
        _, made = self.open.pop()
        if made is None:
            if frame.f_code is ATTRIBUTE and result is None:
                raise Stopped("it asks for an attribute that is missing or None")
            for x in leaves(result):
                if isinstance(x, Module):
                    self.reach.add_result(x, user_frame(frame))
            return
        if frame.f_code in GRADIENT and result is None:
            raise Stopped("it asks for a gradient that is not there")
        if frame.f_code.co_flags & inspect.CO_GENERATOR:
            raise Stopped(f"it walks through {made.name}()")
        given = made.reads()
        masked = made.function.__name__ == "__getitem__" and any(self.shapes[k][1].kind == "b" for k in given[1:])
        if self.reads or masked or made.function.__name__ in OPEN_SHAPES or not self.uncertain.isdisjoint(given):
            self.uncertain |= set(range(len(self.numbers), len(self.numbers) + len(leaves(result))))
        for x in leaves(result):
            if isinstance(x, Tensor):
                if id(x) not in self.numbers and x not in self.before:
                    self.slot(x)
            elif x is not None and not isinstance(x, modes._Mode):
                raise Stopped(f"{made.name}() gives a {type(x).__name__}, which may depend on a tensor's values")
        made.result = mapped(self.leaf, result)
        if made.op is not None and result is not made.out:
            made.op = None
        made.out = None
        self.instructions.append(made)

    def builtin(self, function: Any) -> None:
        """The user's code calls a function written in C."""
        owner = getattr(function, "__self__", None)
        if function in PURE or getattr(function, "__module__", None) in PURE_MODULES:
            return
        if isinstance(owner, PURE_TYPES) or (isinstance(owner, type) and owner in PURE_TYPES):
            return
        if function is sys.setprofile:
            return
        name = getattr(function, "__qualname__", repr(function))
        what = f"{function.__module__}.{name}" if isinstance(function, BuiltinFunctionType) else name
        raise Stopped(f"it calls {what.removeprefix('builtins.').removeprefix('None.')}()")

    def notice(self, op: Any, inputs: Any, options: dict[str, Any], out: Any) -> None:
        """An operation was computed; see core/watch.py."""
        if self.stopped is not None or threading.get_ident() != self.thread:
            return
        try:
            if self.open:
                made = self.open[-1][1]
                if made is None:
                    return
                self.operations += 1
                single = self.operations == 1 and isinstance(op, Op) and isinstance(out, Tensor)
                known = single and all(id(x) in self.numbers or type(x) in (int, float) for x in inputs)
                made.op = op if known else None
                if known:
                    made.operation, made.out = (tuple(map(self.leaf, inputs)), dict(options)), out
                return
            if not isinstance(op, Op):
                raise Stopped(f"it calls {getattr(op, 'name', op)} past the library's functions")
            args = mapped(self.leaf, tuple(inputs))
            made = Instruction(op.name, record, (op, args, dict(options)), {}, user_place(sys._getframe(1)))
            uncertain = not self.uncertain.isdisjoint(made.reads())
            for x in leaves(out):
                number = self.slot(x).number
                if uncertain:
                    self.uncertain.add(number)
            made.result = mapped(self.leaf, out)
            if not isinstance(out, tuple):
                made.op, made.operation = op, (args, dict(options))
            self.instructions.append(made)
        except Stopped as problem:
            self.stop(str(problem), user_frame(sys._getframe(1)))


def call_of(frame: FrameType) -> tuple[FunctionType, tuple[Any, ...], dict[str, Any]]:
    """The function that runs in a frame just begun, and its arguments.

    A frame doesn't say which function it runs, but has all that a function is made of.
    """
    code, values = frame.f_code, frame.f_locals
    cells = tuple(CellType(values[name]) for name in code.co_freevars)
    function = FunctionType(code, frame.f_globals, code.co_name, None, cells)
    names, n, m = code.co_varnames, code.co_argcount, code.co_kwonlyargcount
    args = [values[name] for name in names[:n]]
    options = {name: values[name] for name in names[n : n + m]}
    rest = n + m
    if code.co_flags & inspect.CO_VARARGS:
        args += values[names[rest]]
        rest += 1
    if code.co_flags & inspect.CO_VARKEYWORDS:
        options |= values[names[rest]]
    return function, tuple(args), options


def user_place(frame: FrameType) -> Place | None:
    found = user_frame(frame)
    return None if found is None else (found.f_code, found.f_lasti)
