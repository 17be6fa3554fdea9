"""What the names in PyTorch's files stand for here, and what may be made of them.

Three tables decide: KNOWN are the names that every file may use, REMOVED says why some cannot be read, TRUSTED are
those that a file may use that the user trusts (weights_only=False), or where the user allows the name with
add_safe_globals. Beyond the tables, what the user allowed is called as PyTorch would; and of a trusted file's other
names, the classes that the running program already has can be given instances, without calling any code of theirs.

Source: PyTorch documentation, "Serialization semantics", weights_only; the names as PyTorch 2.13 writes them.
"""

from __future__ import annotations

import math
import pathlib
import sys
import types
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import dtypes, storage
from ..core.backend import device
from ..core.size import Size
from ..core.storage import TypedStorage, UntypedStorage
from ..core.tensor import TYPE_NAMES, Tensor
from ..nn.module import Module
from ..nn.parameter import Buffer, Parameter
from ..ops import formats
from .pickle_reader import UnpicklingError, key

__all__ = ["Names", "add_safe_globals", "clear_safe_globals", "get_safe_globals", "safe_globals"]

STORAGES = {title.replace("Tensor", "Storage"): name for name, title in TYPE_NAMES.items()}
LAYOUTS = {"torch.strided": formats.strided, "torch.sparse_coo": formats.sparse_coo}


# --- tensors ---


def rebuild_tensor(
    memory: TypedStorage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], requires_grad: bool = False,
    hooks: Any = None, metadata: Any = None, of: Any = None,
) -> Tensor:  # fmt: skip
    """The tensor of `size` that lies in a storage; offset and stride are counted in elements."""
    kind = memory.dtype if of is None else of
    counts = (offset, *size, *stride)
    if not all(type(n) is int and 0 <= n < 1 << 62 for n in counts) or len(size) != len(stride) or len(size) > 64:
        raise UnpicklingError(
            f"damaged: a tensor of {len(size)} sizes and {len(stride)} strides, or they aren't numbers"
        )
    n = kind.itemsize
    last = offset + sum((length - 1) * s for length, s in zip(size, stride, strict=True))
    if 0 not in size and (last + 1) * n > memory.nbytes():
        raise UnpicklingError(
            f"damaged: a tensor of size {size}, stride {stride} at {offset} in a storage of {memory.size()} elements"
        )
    like = kind.array_dtype
    if 0 in size:
        array = np.empty(size, like)
    else:
        array = storage.window(memory.array, like, offset * n, tuple(size), tuple(s * n for s in stride))
    if metadata:
        if set(metadata) - {"conj", "neg"}:
            raise UnpicklingError(f"a tensor with {sorted(metadata)} is not in glassgrad yet")
        array = array.conj() if metadata.get("conj") else array
        array = -array if metadata.get("neg") else array
    made = Tensor._of(array)
    if memory.device.type != "cpu":
        made = made.to(memory.device)
    return made.requires_grad_() if requires_grad is True else made


def rebuild_tensor_v3(
    memory: TypedStorage, offset: int, size: Any, stride: Any, requires_grad: bool, hooks: Any, of: Any,
    metadata: Any = None,
) -> Tensor:  # fmt: skip
    if not isinstance(of, dtypes.dtype):
        raise UnpicklingError("a tensor of a dtype that is not in glassgrad")
    return rebuild_tensor(memory, offset, size, stride, requires_grad, hooks, metadata, of)


def rebuild_parameter(data: Tensor, requires_grad: bool, hooks: Any, state: Any = None) -> Parameter:
    made = Parameter(data, requires_grad is True)
    if state is not None:
        give_attributes(made, state)
    return made


def rebuild_typed(function: Any, kind: type, args: tuple[Any, ...], state: Any) -> Tensor:
    """A tensor with attributes."""
    rebuild = CALLED.get(id(function))
    if rebuild not in REBUILDERS or type(kind) is not type or kind not in (Tensor, Parameter, Buffer):
        raise UnpicklingError(f"a tensor of type {_title(kind)}: not in glassgrad")
    made = _checked(rebuild, args)
    give_attributes(made, state)
    return made


def rebuild_moved(data: Any, dtype: Any, where: Any, requires_grad: bool) -> Tensor:
    """A tensor of a device without storages of its own, saved from the CPU."""
    made = (data if isinstance(data, Tensor) else Tensor._of(np.asarray(data))).to(dtype)
    return made.requires_grad_() if requires_grad is True else made


def give_attributes(x: Any, state: Any) -> None:
    """Set what the user had attached to x; nothing that x has already can be replaced."""
    if isinstance(state, tuple) and len(state) == 2:  # attributes, slots
        state = state[0] if not state[1] else None
    if state is not None and type(state) is not dict:
        raise UnpicklingError(f"damaged: attributes of a {type(x).__name__} in a {type(state).__name__}")
    for name, value in (state or {}).items():
        if type(name) is not str or hasattr(type(x), name):
            raise UnpicklingError(f"a {type(x).__name__} cannot be given the attribute {name!r}")
        x.__dict__[name] = value


def rebuild_sparse(kind: Any, data: Any) -> Tensor:
    """A sparse tensor; its indices are checked."""
    from ..ops.sparse import sparse_coo_tensor

    if kind is not formats.sparse_coo:
        raise UnpicklingError(f"a sparse tensor of layout {kind} is not in glassgrad")
    indices, values, size, *coalesced = data
    return sparse_coo_tensor(indices, values, size, is_coalesced=bool(coalesced and coalesced[0]))


# --- what else is made of arguments: with care, since they come from the file ---


def _encode(text: str, encoding: str) -> bytes:
    """Bytes, as protocol 2 writes them."""
    if type(text) is not str or encoding not in ("latin1", "latin-1", "ascii", "utf-8"):
        raise UnpicklingError("damaged: bytes that aren't Latin-1")
    return text.encode(encoding)


def _bytes(made: Callable[..., Any]) -> Callable[..., Any]:
    """bytes() and bytearray(), not of a number, which would allocate as much."""

    def make(data: Any = b"", encoding: str = "latin1") -> Any:
        return made(_encode(data, encoding) if isinstance(data, str) else memoryview(data))

    return make


def _set_of(made: Callable[..., Any]) -> Callable[..., Any]:
    def make(items: Any = ()) -> Any:
        return made(map(key, items))

    return make


def _counter(counts: Any = ()) -> Counter[Any]:
    return Counter({key(x): n for x, n in dict(counts).items()})


def _ordered(pairs: Any = ()) -> OrderedDict[Any, Any]:
    if any(type(pair) not in (list, tuple) for pair in pairs):
        raise UnpicklingError("damaged: an OrderedDict of other things than pairs")
    return OrderedDict((key(k), v) for k, v in pairs)


def _defaultdict(factory: Any = None) -> defaultdict[Any, Any]:
    if not any(factory is known for known in (None, int, float, complex, str, bool, list, dict, set, tuple)):
        raise UnpicklingError(f"a defaultdict that makes {_title(factory)}")
    return defaultdict(factory)


def _numpy_dtype(name: Any, *flags: Any) -> np.dtype[Any]:
    made = np.dtype(_encode(name, "ascii").decode() if isinstance(name, str) else name)
    if made.hasobject:
        raise UnpicklingError("a NumPy array of objects")
    return made


def _numpy_scalar(dtype: np.dtype[Any], data: bytes) -> Any:
    if len(data) != dtype.itemsize:
        raise UnpicklingError("damaged: a NumPy scalar of another size")
    return np.frombuffer(data, dtype)[0]


def _numpy_array(*_: Any) -> np.ndarray:
    """An array of nothing, which its state fills."""
    return np.empty(0, np.uint8)


def _numpy_state(x: np.ndarray, state: Any) -> None:
    _, shape, dtype, _, data = state
    if not isinstance(dtype, np.dtype) or dtype.hasobject or type(data) is not bytes:
        raise UnpicklingError("a NumPy array of objects")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(data):
        raise UnpicklingError(f"damaged: a NumPy array of shape {shape} in {len(data)} bytes")
    x.__setstate__(state)  # type: ignore[attr-defined]


def _dtype_state(x: np.dtype[Any], state: Any) -> None:
    _, order, *fields = state
    if order not in ("|", "<" if sys.byteorder == "little" else ">", "=") or any(f is not None for f in fields[:3]):
        raise UnpicklingError("a NumPy dtype of another byte order, or with fields")


def _layout(name: str) -> Any:
    return LAYOUTS[name]


def _plain(made: Callable[..., Any]) -> Callable[..., Any]:
    """Of numbers alone."""

    def make(*args: Any) -> Any:
        if not all(x is None or type(x) in (int, float) for x in args):
            raise UnpicklingError(f"damaged: a {made.__name__} of {[type(x).__name__ for x in args]}")
        return made(*args)

    return make


def _path(*parts: str) -> pathlib.PurePath:
    return pathlib.Path(*parts)


# --- the tables: name: what stands for it in a tree, and what is called for it ---

REBUILDERS = (rebuild_tensor, rebuild_tensor_v3, rebuild_parameter)

KNOWN: dict[str, tuple[Any, Any]] = {
    "collections.OrderedDict": (OrderedDict, _ordered),
    "collections.Counter": (Counter, _counter),
    "torch.nn.parameter.Parameter": (Parameter, rebuild_parameter),
    "torch.Tensor": (Tensor, None),
    "torch.Size": (Size, Size),
    "torch.device": (device, device),
    "torch.serialization._get_layout": (_layout, _layout),
    "_codecs.encode": (_encode, _encode),
    "builtins.bytearray": (bytearray, _bytes(bytearray)),
    "builtins.bytes": (bytes, _bytes(bytes)),
    "builtins.set": (set, _set_of(set)),
    "builtins.complex": (complex, _plain(complex)),
    "torch._tensor._rebuild_from_type_v2": (rebuild_typed, rebuild_typed),
    **{f"torch._utils.{name}": (made, made) for name, made in {
        "_rebuild_tensor": rebuild_tensor, "_rebuild_tensor_v2": rebuild_tensor,
        "_rebuild_tensor_v3": rebuild_tensor_v3, "_rebuild_parameter": rebuild_parameter,
        "_rebuild_parameter_with_state": rebuild_parameter,
        "_rebuild_sparse_tensor": rebuild_sparse, "_rebuild_device_tensor_from_cpu_tensor": rebuild_moved,
        "_rebuild_device_tensor_from_numpy": rebuild_moved,
    }.items()},
}  # fmt: skip

TRUSTED: dict[str, tuple[Any, Any]] = {
    "collections.defaultdict": (defaultdict, _defaultdict),
    "builtins.frozenset": (frozenset, _set_of(frozenset)),
    "builtins.slice": (slice, _plain(slice)),
    "builtins.range": (range, _plain(range)),
    **{f"builtins.{made.__name__}": (made, None) for made in (int, float, str, bool, list, dict, tuple, object)},
    "numpy.ndarray": (np.ndarray, None),
    "numpy.dtype": (np.dtype, _numpy_dtype),
    **{f"numpy.{core}.multiarray.{name}": (made, made) for core in ("core", "_core") for name, made in {
        "_reconstruct": _numpy_array, "scalar": _numpy_scalar,
    }.items()},
    **{f"pathlib.{name}": (made, _path) for name in ("PosixPath", "WindowsPath", "PurePosixPath", "Path")
       for made in [getattr(pathlib, name)]},
}  # fmt: skip

REMOVED = {
    "torch._utils._rebuild_qtensor": "quantized tensors are not in glassgrad",
    "torch._utils._rebuild_nested_tensor": "nested tensors are not in glassgrad",
    "torch._utils._rebuild_meta_tensor_no_storage": "tensors without values (device 'meta') are not in glassgrad",
    "torch._utils._rebuild_wrapper_subclass": "subclasses of Tensor that hold others are not in glassgrad",
    **{f"torch.{name}": f"dtype {name} is not in glassgrad" for name in (
        "uint16", "uint32", "uint64", "complex32", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz",
        "float8_e8m0fnu",
    )},
}  # fmt: skip

CALLED: dict[int, Any] = {id(value): call for value, call in (KNOWN | TRUSTED).values() if call is not None}


# --- what the user allows ---

ROOMS = ("glassgrad.nn", "glassgrad.nn.functional")  # whose classes and functions a whole model names
NEVER = {"sys", "os", "posix", "nt", "subprocess"}

_allowed: dict[str, Any] = {}


def _named(given: list[Any]) -> dict[str, Any]:
    """Name in a file: what the user lets stand for it. Items are objects, or pairs of one and the name."""
    made = {}
    for item in given:
        if isinstance(item, tuple):
            if len(item) != 2 or not isinstance(item[1], str):
                raise ValueError(f"expected a pair of an object and its full name, got {item!r}")
            item, name = item
        else:
            name = f"{item.__module__}.{item.__qualname__}"
        if name.split(".")[0] in NEVER:
            raise ValueError(f"{name} is in a module that no file may use")
        made[name] = item
    return made


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Let files use these classes and functions, which are then called with what the file says.

    Items are classes and functions, or pairs (object, "full.name") where the file has another name for it.
    """
    _allowed.update(_named(safe_globals))


def get_safe_globals() -> list[Any]:
    """What add_safe_globals has been given."""
    return list(_allowed.values())


def clear_safe_globals() -> None:
    _allowed.clear()


class safe_globals:
    """add_safe_globals for the length of a `with` block."""

    def __init__(self, safe_globals: list[Any]) -> None:
        self.given = _named(safe_globals)

    def __enter__(self) -> None:
        self.before = dict(_allowed)
        _allowed.update(self.given)

    def __exit__(self, *_: Any) -> None:
        _allowed.clear()
        _allowed.update(self.before)


# --- what a reader of pickles asks ---


class Names:
    """The tables as a pickle's reader asks for them; `stored` gives the storage of a persistent id.

    trusted: weights_only=False.
    """

    def __init__(self, stored: Callable[[Any], Any], trusted: bool) -> None:
        self.persistent, self.trusted = stored, trusted
        self.own = {id(x): x for x in _allowed.values()}  # what the user lets be called
        self.made: dict[int, Any] = {}  # instances that may be given a state

    def find(self, name: str) -> Any:
        module, _, last = name.rpartition(".")
        entry = KNOWN.get(name)
        if entry is None and (self.trusted or name in _allowed):
            entry = TRUSTED.get(name)
        if entry is not None:
            return entry[0]
        if module in ("torch", "torch.storage") and last in STORAGES:
            return Stored(last)
        if name == "torch.storage.UntypedStorage":
            return Stored("ByteStorage", typed=False)
        if module == "torch" and (last in dtypes._BY_NAME or last == "bfloat16"):
            return dtypes.named(last)
        if name in REMOVED:
            raise UnpicklingError(REMOVED[name])
        if name in _allowed:
            return _allowed[name]
        if module.split(".")[0] in NEVER:
            raise UnpicklingError(f"{name} is in a module that no file may use")
        if self.trusted:
            return present(name)
        short = name.removeprefix("builtins.")
        raise UnpicklingError(
            f"Unsupported global: GLOBAL {short} was not an allowed global by default. Nothing of it was run. "
            f"If you trust the file, call serialization.add_safe_globals([{short}]) first, or load "
            "inside `with serialization.safe_globals([...])`, or with weights_only=False. A file of "
            "model.state_dict() needs none of this."
        )

    def call(self, function: Any, args: tuple[Any, ...]) -> Any:
        if id(function) in CALLED:
            return _checked(CALLED[id(function)], args)
        if id(function) in self.own:
            return function(*args)
        raise UnpicklingError(f"{_title(function)} is not called for a file")

    def make(self, kind: Any, args: tuple[Any, ...]) -> Any:
        if id(kind) in CALLED:
            return self.call(kind, args)
        if id(kind) in self.own:
            return kind.__new__(kind, *args)
        if not (self.trusted and hasattr(kind, "__mro__")):
            raise UnpicklingError(f"no instance of {_title(kind)} is made for a file")
        if issubclass(kind, tuple) and hasattr(kind, "_fields") and len(args) == len(kind._fields):
            return tuple.__new__(kind, args)
        if args or kind.__new__ is not object.__new__ or hasattr(kind, "__del__") or kind.__module__ == "builtins":
            raise UnpicklingError(
                f"an instance of {_title(kind)} cannot be made without running its code: allow it with "
                "serialization.add_safe_globals if you trust the file"
            )
        try:
            made = object.__new__(kind)
        except TypeError as problem:
            raise UnpicklingError(f"no instance of {_title(kind)} is made: {problem}") from problem
        self.made[id(made)] = made
        return made

    def build(self, x: Any, state: Any) -> None:
        kind = type(x)
        if kind in (OrderedDict, Tensor, Parameter):
            give_attributes(x, state)
        elif kind is np.ndarray:
            _checked(_numpy_state, (x, state))
        elif isinstance(x, np.dtype):
            _checked(_dtype_state, (x, state))
        elif isinstance(x, Module) and (type(state) is not dict or "_hooked" not in state):
            raise UnpicklingError(
                f"a whole {_title(kind)} that PyTorch saved: its insides are PyTorch's. Save model.state_dict() there "
                "and load it into a model that is made here"
            )
        elif id(kind) in self.own and hasattr(x, "__setstate__"):
            x.__setstate__(state)
        elif (
            id(kind) in self.own or id(x) in self.made and hasattr(x, "__dict__") and not hasattr(kind, "__setstate__")
        ):
            if isinstance(state, tuple) and len(state) == 2 and not state[1]:
                state = state[0]
            if state is not None and type(state) is not dict:
                raise UnpicklingError(f"{_title(kind)} with slots: allow it with serialization.add_safe_globals")
            x.__dict__.update(state or {})
        else:
            raise UnpicklingError(f"the state of {_title(kind)} is not set for a file")


class Stored:
    """A storage's type, as a persistent id names it."""

    def __init__(self, name: str, typed: bool = True) -> None:
        self.dtype, self.typed = dtypes.named(STORAGES[name]), typed

    def of(self, untyped: UntypedStorage) -> Any:
        return TypedStorage(untyped, self.dtype) if self.typed else untyped


def present(name: str) -> Any:
    """The class of that name in the running program, or one of this library's operations; nothing is imported."""
    room, _, last = name.rpartition(".")
    if room in ROOMS:
        own = getattr(sys.modules.get(room), last, None)
        if callable(own):
            return own
    if name.startswith("torch."):
        raise UnpicklingError(
            f"{name} is PyTorch's: for a whole model that PyTorch saved, save model.state_dict() there"
        )
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        module = sys.modules.get(".".join(parts[:cut]))
        if module is not None:
            break
    else:
        raise UnpicklingError(f"{name} is not defined or imported in this program: do that before you load the file")
    found: Any = module
    for part in parts[cut:]:
        found = vars(found).get(part) if isinstance(found, type | types.ModuleType) else None
    if isinstance(found, type):
        return found
    raise UnpicklingError(f"{name} is not a class that this program has: functions and values are not taken from it")


def _checked(function: Any, args: tuple[Any, ...]) -> Any:
    """Call it with the file's arguments; what is wrong with them is the file's fault.

    Instances of the program's classes are kept away from it: to compare or to iterate over one would run its code.
    """
    for x in args:
        if type(x) not in ARGUMENTS and not isinstance(x, np.dtype | np.generic):
            raise UnpicklingError(f"damaged: {function.__name__.strip('_')} is given a {type(x).__name__}")
    try:
        return function(*args)
    except (UnpicklingError, NotImplementedError, RuntimeError):
        raise
    except Exception as problem:
        raise UnpicklingError(f"damaged: {type(problem).__name__}: {problem}") from problem


ARGUMENTS = {
    type(None), bool, int, float, complex, str, bytes, bytearray, tuple, list, dict, OrderedDict, Counter, defaultdict,
    set, frozenset, slice, range, type, types.FunctionType, types.BuiltinFunctionType, Tensor, Parameter, Buffer,
    TypedStorage, UntypedStorage, Size, device, dtypes.dtype, formats.layout, np.ndarray,
}  # fmt: skip


CLASSES = (type, types.FunctionType, types.BuiltinFunctionType)


def _title(x: Any) -> str:
    return f"{x.__module__}.{x.__qualname__}" if isinstance(x, CLASSES) else f"a {type(x).__name__}"
