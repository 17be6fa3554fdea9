"""Modules and parameters in lists and dicts, and a chain of modules."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from ...core.errors import told
from ...core.provenance import warn
from ...core.tensor import Tensor
from ..module import Module
from ..parameter import Parameter

__all__ = ["Container", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


def _module(value: Any) -> Any:
    if value is not None and not isinstance(value, Module):
        raise told(TypeError(f"{type(value).__module__}.{type(value).__qualname__} is not a Module subclass"))
    return value


class _Chain(Module):
    """Submodules named "0", "1", ... that are used as a list."""

    def _key(self, index: Any) -> int:
        """A position, counted from 0; IndexError where there is none."""
        i, n = operator.index(index), len(self)
        if not -n <= i < n:
            raise told(IndexError(f"index {i} is out of range"))
        return i % n

    def _renumber(self, modules: Iterable[Module]) -> None:
        values = list(modules)
        self._modules.clear()
        self._modules.update({str(i): m for i, m in enumerate(values)})

    def _names(self) -> list[str]:
        return list(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self._part(list(self._modules.items())[index])
        return self._modules[self._names()[self._key(index)]]

    def _part(self, items: list[tuple[str, Module]]) -> Self:
        return type(self)([m for _, m in items])  # type: ignore[call-arg]

    def __setitem__(self, index: Any, module: Module) -> None:
        setattr(self, self._names()[self._key(index)], _module(module))

    def __delitem__(self, index: Any) -> None:
        names = self._names()
        for name in names[index] if isinstance(index, slice) else [names[self._key(index)]]:
            delattr(self, name)
        self._renumber(self)

    def append(self, module: Module) -> Self:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def pop(self, key: int | slice) -> Any:
        """Take a module out, and return it."""
        taken = self[key]
        del self[key]
        return taken

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.isdigit()]


class Container(Module):
    """Modules under the names of keyword arguments; an old name."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__()
        warn(
            "`nn.Container` is deprecated. All of it's functionality is now implemented in `nn.Module`. Subclass that.",
            FutureWarning,
        )
        for name, module in kwargs.items():
            self.add_module(name, module)


class Sequential(_Chain):
    """Each module gets what the one before gives: Sequential(a, b)(x) = b(a(x)). An OrderedDict gives them names."""

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            items: Iterable[tuple[str, Module]] = args[0].items()
        else:
            items = ((str(i), module) for i, module in enumerate(args))
        for name, module in items:
            self.add_module(name, module)

    def _part(self, items: list[tuple[str, Module]]) -> Self:
        return type(self)(OrderedDict(items))

    def forward(self, input: Any) -> Any:
        for module in self._modules.values():
            input = module(input)  # type: ignore[misc]
        return input

    def extend(self, sequential: Iterable[Module]) -> Self:
        """Add modules at the end."""
        for module in list(sequential):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Put a module before the one at this position."""
        if not isinstance(module, Module):
            raise told(AssertionError(f"module should be of type: {Module}"))
        n = len(self)
        if not -n <= index <= n:
            raise told(IndexError(f"Index out of range: {index}"))
        modules = list(self)
        modules.insert(index % n if index < 0 else index, module)
        self._renumber(modules)
        return self

    def __add__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            raise told(
                ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
            )
        return Sequential(*self, *other)

    def __iadd__(self, other: Sequential) -> Self:
        if not isinstance(other, Sequential):
            raise told(
                ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
            )
        return self.extend(other)

    def __mul__(self, times: int) -> Sequential:
        return Sequential(*(list(self) * _times(times)))

    __rmul__ = __mul__

    def __imul__(self, times: int) -> Self:
        return self.extend(list(self) * (_times(times) - 1))


def _times(times: Any) -> int:
    if not isinstance(times, int):
        raise told(TypeError(f"unsupported operand type(s) for *: {Sequential} and {type(times)}"))
    if times <= 0:
        raise told(ValueError(f"Non-positive multiplication factor {times} for {Sequential}"))
    return times


class ModuleList(_Chain):
    """A list of modules, whose parameters are found; it can't be called."""

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end; TypeError unless `modules` can be iterated."""
        if not isinstance(modules, Iterable):
            raise told(
                TypeError(f"ModuleList.extend should be called with an iterable, but got {type(modules).__name__}")
            )
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> None:
        """Put a module before the one at this position."""
        modules = list(self)
        modules.insert(index, _module(module))
        self._renumber(modules)

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __repr__(self) -> str:
        """Equal neighbours are shown once: (0-2): 3 x Linear(...)."""
        runs: list[list[Any]] = []  # [first, last, text]
        for i, text in enumerate(map(repr, self)):
            if runs and runs[-1][2] == text:
                runs[-1][1] = i
            else:
                runs.append([i, i, text])
        if not runs:
            return f"{self._get_name()}()"
        lines = []
        for first, last, text in runs:
            head = f"({first})" if first == last else f"({first}-{last})"
            count = "" if first == last else f"{last - first + 1} x "
            lines.append(f"{head}: {count}{text}".replace("\n", "\n  "))
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"


def _pairs(name: str, given: Any) -> list[tuple[Any, Any]]:
    """The items of a mapping, or pairs as they are; TypeError or ValueError for anything else."""
    if not isinstance(given, Iterable):
        raise told(
            TypeError(
                f"{name}.update should be called with an iterable of key/value pairs, but got {type(given).__name__}"
            )
        )
    if hasattr(given, "items"):
        return list(given.items())
    pairs = []
    for i, pair in enumerate(given):
        if not isinstance(pair, Iterable):
            raise told(TypeError(f"{name} update sequence element #{i} should be Iterable; is {type(pair).__name__}"))
        found = tuple(pair)
        if len(found) != 2:
            raise told(ValueError(f"{name} update sequence element #{i} has length {len(found)}; 2 is required"))
        pairs.append(found)
    return pairs


class ModuleDict(Module):
    """A dict of modules, whose parameters are found; it can't be called."""

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def update(self, modules: Any) -> None:
        """Add the modules of a mapping, or of (name, module) pairs."""
        for name, module in _pairs("ModuleDict", modules):
            self[name] = module

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def clear(self) -> None:
        self._modules.clear()

    def pop(self, key: str) -> Module:
        """Take a module out, and return it; KeyError where there is none."""
        return self._modules.pop(key)

    def keys(self) -> Iterable[str]:
        return self._modules.keys()

    def items(self) -> Iterable[tuple[str, Any]]:
        return self._modules.items()

    def values(self) -> Iterable[Any]:
        return self._modules.values()


def _shown(key: Any, value: Any, kind: Any) -> str:
    """A line of a parameter container's repr; kind: what is said of a parameter's type."""
    if not isinstance(value, Tensor):
        return f"  ({key}): Object of type: {type(value).__name__}"
    size = "x".join(str(n) for n in value.shape)
    place = "" if value.device.type == "cpu" else f" ({value.device})"
    return f"  ({key}): Parameter containing: [{kind(value)} of size {size}{place}]"


def _as_parameter(value: Any) -> Any:
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


class ParameterList(Module):
    """A list of parameters, which are found; tensors become parameters, other values are kept as they are."""

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self.extend(values)

    def _key(self, index: Any) -> str:
        i = operator.index(index)
        if not -self._size <= i < self._size:
            raise told(IndexError(f"index {i} is out of range"))
        return str(i % self._size)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return type(self)([self[i] for i in range(*index.indices(self._size))])
        return getattr(self, self._key(index))

    def __setitem__(self, index: int, value: Any) -> None:
        setattr(self, self._key(index), _as_parameter(value))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(self._size))

    def append(self, value: Any) -> Self:
        """Add a value at the end."""
        self._size += 1
        self[self._size - 1] = value
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add values at the end; TypeError for a tensor, or what can't be iterated."""
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise told(
                TypeError(f"ParameterList.extend should be called with an iterable, but got {type(values).__name__}")
            )
        for value in list(values):
            self.append(value)
        return self

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.isdigit()]

    def extra_repr(self) -> str:
        return "\n".join(_shown(i, value, lambda p: p.dtype) for i, value in enumerate(self))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise told(RuntimeError("ParameterList should not be called."))


class ParameterDict(Module):
    """A dict of parameters, which are found; tensors become parameters, other values are kept as they are."""

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def _attribute(self, key: Any) -> str:
        if not isinstance(key, str):
            raise told(
                TypeError(
                    "Index given to ParameterDict cannot be used as a key as it is not a string "
                    f"(type is '{type(key).__name__}'). Open an issue on github if you need non-string keys."
                )
            )
        return key

    def __getitem__(self, key: str) -> Any:
        return getattr(self, self._attribute(key))

    def __setitem__(self, key: str, value: Any) -> None:
        self._keys[key] = None
        setattr(self, self._attribute(key), _as_parameter(value))

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self._keys))

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def keys(self) -> Iterable[str]:
        return self._keys.keys()

    def items(self) -> Iterable[tuple[str, Any]]:
        return ((key, self[key]) for key in self._keys)

    def values(self) -> Iterable[Any]:
        return (self[key] for key in self._keys)

    def update(self, parameters: Any) -> None:
        """Add the values of a mapping, in its order, or of (name, value) pairs."""
        for key, value in _pairs("ParameterDict", parameters):
            self[key] = value

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if key in self else default

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str) -> Any:
        """Take a value out, and return it; AttributeError where there is none."""
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Take the last item out, and return it; KeyError where there is none."""
        if not self._keys:
            raise told(KeyError("popitem(): dictionary is empty"))
        key = next(reversed(self._keys))
        return key, self.pop(key)

    def clear(self) -> None:
        for key in list(self._keys):
            del self[key]

    def copy(self) -> ParameterDict:
        return ParameterDict(OrderedDict(self.items()))

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        return ParameterDict([(key, default) for key in keys])

    def __or__(self, other: ParameterDict) -> ParameterDict:
        made = self.copy()
        made.update(other)
        return made

    def __ror__(self, other: ParameterDict) -> ParameterDict:
        made = other.copy()
        made.update(self)
        return made

    def __ior__(self, other: ParameterDict) -> Self:
        self.update(other)
        return self

    def extra_repr(self) -> str:
        return "\n".join(_shown(key, value, lambda p: p.type()) for key, value in self.items())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise told(RuntimeError("ParameterDict should not be called."))
