"""What the user's code can reach without a call: globals, closures, arguments, and the attributes that it names.

Before a run every such thing is written down: plain values by what they are, everything else by identity, and what is
in it. A replay of the run is right only while all of it is the same. An attribute can only be read by a name that
stands in the code, so the names there say which of an object's attributes count.
"""

from __future__ import annotations

import gc
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FrameType,
    FunctionType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any

import numpy as np

from ..core import printing
from ..core.backend import device
from ..core.dtypes import dtype
from ..core.provenance import PACKAGE
from ..core.size import Size
from ..core.tensor import Tensor
from ..nn.module import Module
from .tree import is_tree, items

PLAIN = {bool, int, float, complex, str, bytes, type(None), dtype, device, Size, slice, range}
STORES = ("_parameters", "_buffers", "_modules")  # where a Module has what is an attribute of it
CALLABLE = (BuiltinFunctionType, np.ufunc)  # C functions: a call of one is seen, and refused unless it is known
LIMIT = 20_000  # things; comparing more doesn't pay


class Unknown(Exception):
    """Something within reach cannot be compared."""


def is_plain(x: Any) -> bool:
    return type(x) in PLAIN


def told_apart(x: Any) -> Any:
    """A plain value as something that is equal for equal ones only: 0.0 is not -0.0, and nan is nan."""
    return repr(x) if isinstance(x, (float, complex)) else x


def of_library(x: Any) -> bool:
    return is_ours(type(x))


def is_ours(kind: type) -> bool:
    """Whether a class is the library's, which may give itself PyTorch's name."""
    return kind.__module__.partition(".")[0] in ("glassgrad", printing.NAMESPACE)


class Before:
    """The objects that there were before a run."""

    def __init__(self) -> None:
        gc.unfreeze()  # what is frozen is not among the collector's objects, and can be reached as well
        self.objects = gc.get_objects()
        # An array of objects holds their addresses, which are their ids: four times as fast as id(x) of each.
        self.ids = np.sort(np.frombuffer(np.fromiter(self.objects, object, len(self.objects)), np.intp))

    def __contains__(self, x: Any) -> bool:
        at = int(np.searchsorted(self.ids, id(x)))
        return at < len(self.ids) and int(self.ids[at]) == id(x)

    def functions(self, code: CodeType) -> list[FunctionType]:
        """Those with this code that close over something."""
        return [f for f in self.objects if type(f) is FunctionType and f.__code__ is code and f.__closure__]

    def forget(self) -> None:
        self.objects, self.ids = [], np.empty(0, np.intp)


class Reach:
    """What was within reach, where, and whether it is still the same."""

    def __init__(self, before: Before, inputs: list[Tensor], arguments: Any) -> None:
        self.before = before
        self.inputs = {id(x): k for k, x in enumerate(inputs)}
        self.entries: dict[tuple[int, Any], tuple[Any, Any, Any, str]] = {}  # (container, key, value, words)
        self.sizes: dict[int, tuple[Any, int, str]] = {}  # containers, how many items they had, words
        self.aliases: list[tuple[Any, Any, int, str]] = []  # (container, key, the input that is there, words)
        self._functions: dict[CodeType, list[FunctionType]] = {}
        self._done: set[tuple[int, frozenset[str]]] = set()
        self._kept: list[Any] = []  # so that ids stay theirs
        self._stores: set[int] = set()  # ids of dictionaries of attributes, which are made when they are asked for
        self._arguments: set[int] = set()
        self._leave_out(arguments)

    def _leave_out(self, x: Any) -> None:
        """Containers of arguments are compared at every call, not here."""
        self._arguments.add(id(x))
        for _, value in items(x):
            if is_tree(value):
                self._leave_out(value)

    # --- writing down ---

    def add_frame(self, frame: FrameType) -> None:
        """What the code of a frame that begins can reach."""
        code = frame.f_code
        names = _names(code)
        for name in names & frame.f_globals.keys():
            self._entry(frame.f_globals, name, names, name)
        for name, value in frame.f_locals.items():  # arguments and what is closed over
            if name != ".0":  # what a comprehension walks through was reached outside it
                self._walk(value, names, name)
        if code.co_freevars and code not in self._functions:
            self._functions[code] = self.before.functions(code)
        for function in self._functions.get(code, ()):
            cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
            if all(_Cell(cell)[name] is frame.f_locals.get(name) for name, cell in cells):
                self.add_closure(function)

    def add_closure(self, function: Any) -> None:
        """The cells of a function, which may be given other contents."""
        function = getattr(function, "__func__", function)
        if isinstance(function, FunctionType) and not function.__code__.co_filename.startswith(PACKAGE):
            for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
                self._entry(_Cell(cell), name, _names(function.__code__), name, owner=cell)

    def add_result(self, x: Any, frame: FrameType | None) -> None:
        """What the library gave to the user's code in this frame."""
        if frame is not None:
            self._walk(x, _names(frame.f_code), type(x).__name__)

    def add_structure(self, module: Module) -> None:
        """All modules, parameters and buffers in a module."""
        for part in module.modules():
            for store in STORES:
                self._walk(part.__dict__[store], frozenset(), f"{type(part).__name__}.{store}")

    def settle(self) -> None:
        """After the run: what was made in it need not be compared."""
        made = {
            id(x) for x, _, _ in self.sizes.values()
            if gc.is_tracked(x) and x not in self.before and id(x) not in self._stores
        }  # fmt: skip
        self.sizes = {key: value for key, value in self.sizes.items() if key not in made}
        self.entries = {where: value for where, value in self.entries.items() if where[0] not in made}
        self._done, self._kept, self._functions = set(), [], {}
        self.before.forget()

    def _entry(self, container: Any, key: Any, names: frozenset[str], words: str, owner: Any = None) -> None:
        value = _get(container, key)
        where = (id(container if owner is None else owner), key)
        if where in self.entries:
            return
        if isinstance(value, Tensor) and id(value) in self.inputs:
            if not isinstance(container, (tuple, list, dict)) or owner is not None or container in self.before:
                self.aliases.append((container, key, self.inputs[id(value)], words))
            return
        if isinstance(value, Tensor) and value not in self.before:
            return
        self.entries[where] = (container, key, value, words)
        self._kept.append(owner)
        if len(self.entries) > LIMIT:
            raise Unknown(f"its code can reach more than {LIMIT} things")
        self._walk(value, names, words)

    def _walk(self, x: Any, names: frozenset[str], words: str) -> None:
        if x is ABSENT or is_plain(x) or isinstance(x, (Tensor, *CALLABLE)) or id(x) in self._arguments:
            return
        if (id(x), names) in self._done:
            return
        self._done.add((id(x), names))
        self._kept.append(x)
        if isinstance(x, FunctionType):
            self.add_closure(x)
        elif isinstance(x, MethodType):
            self._walk(x.__self__, names, words)
        elif isinstance(x, dict):
            self.sizes[id(x)] = (x, len(x), words)
            for key in list(x):
                self._entry(x, key, names, f"{words}[{key!r}]")
        elif isinstance(x, (list, tuple)):
            self.sizes[id(x)] = (x, len(x), words)
            for k in range(len(x)):
                self._entry(x, k, names, f"{words}[{k}]")
        elif isinstance(x, ModuleType):
            for name in names & vars(x).keys():
                self._entry(vars(x), name, names, f"{words}.{name}")
        else:
            self._walk_object(x, names, words)

    def _walk_object(self, x: Any, names: frozenset[str], words: str) -> None:
        """The attributes of an object, and of its class."""
        inherited: set[str] = set()
        for kind in x.__mro__ if isinstance(x, type) else type(x).__mro__:
            inherited |= names & vars(kind).keys()
            if is_ours(kind) or kind.__module__ == "builtins":
                continue  # as it is
            for name in names & vars(kind).keys():
                if isinstance(vars(kind)[name], MemberDescriptorType):
                    raise Unknown(f"it can reach {words}.{name}, which is in a slot")
                self._entry(vars(kind), name, names, f"{words}.{name}", owner=kind)
        if isinstance(x, type):
            return
        own = getattr(x, "__dict__", None)
        if own is None:
            if not of_library(x) and names & set(dir(x)) | {"__getitem__", "__iter__"} & set(dir(x)):
                raise Unknown(f"it can reach {words}, a {type(x).__name__}, of which nothing is known")
            return
        stores = [own, *(own[store] for store in STORES if isinstance(x, Module) and store in own)]
        self._stores |= set(map(id, stores))
        for store in stores:
            for name in names & (inherited | store.keys()):
                self._entry(store, name, names, f"{words}.{name}", owner=store)

    # --- comparing ---

    def changed(self, inputs: list[Tensor]) -> str | None:
        """What is not as it was, in words; None if nothing is."""
        for container, size, words in self.sizes.values():
            if len(container) != size:
                return words
        for container, key, value, words in self.entries.values():
            now = _get(container, key)
            if now is not value and not _same(now, value):
                return words
        for container, key, k, words in self.aliases:
            if container[key] is not inputs[k]:
                return words
        return None


ABSENT = object()


def _get(container: Any, key: Any) -> Any:
    try:
        return container[key]
    except (KeyError, IndexError):
        return ABSENT


def _same(now: Any, then: Any) -> bool:
    return now is then or (is_plain(then) and type(now) is type(then) and told_apart(now) == told_apart(then))


class _Cell:
    """The cell of a closure as a container of one thing."""

    def __init__(self, cell: CellType) -> None:
        self.cell = cell

    def __getitem__(self, _: Any) -> Any:
        try:
            return self.cell.cell_contents
        except ValueError:  # not yet, or no longer
            return self.cell


_known: dict[CodeType, frozenset[str]] = {}


def _names(code: CodeType) -> frozenset[str]:
    """The names of globals and attributes in a code object and in those inside it."""
    if code not in _known:
        inner = [_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
        _known[code] = frozenset(code.co_names).union(*inner)
    return _known[code]
