"""Lazy layers: what they leave out, the size of their input, is that of the first input they see.

Until then their parameters are UninitializedParameters. With a first call, or a state that is loaded, these get their
shape and values; with the first call the layer becomes the one that it stands for.
"""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

from ...core.modes import no_grad
from ..module import Module
from ..parameter import Parameter, UninitializedBuffer, UninitializedParameter, is_lazy
from . import conv, linear, norms

__all__ = [
    "LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d", "LazyConv1d", "LazyConv2d", "LazyConv3d",
    "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d", "LazyInstanceNorm1d", "LazyInstanceNorm2d",
    "LazyInstanceNorm3d", "LazyLinear",
]  # fmt: skip


class LazyModuleMixin:
    """For layers with UninitializedParameters: write initialize_parameters(*inputs), which materializes them.

    It is called before the first forward. cls_to_become: what the module is from then on.
    """

    cls_to_become: ClassVar[type | None] = None
    _seen = False  # a first input

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self: Any) -> bool:
        return any(map(is_lazy, [*self._parameters.values(), *self._buffers.values()]))

    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not self._seen:
            self._infer_parameters(self, args, kwargs)
            if not isinstance(self, LazyModuleMixin):  # it has become another
                return self(*args, **kwargs)
        return super().__call__(*args, **kwargs)  # type: ignore[misc]

    def _infer_parameters(self, module: Any, args: tuple[Any, ...], kwargs: Any = None) -> None:
        with no_grad():
            module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(f"module {module._get_name()} has not been fully initialized")
        if module.cls_to_become is None:
            module._seen = True
        else:
            module.__class__ = module.cls_to_become

    def _load_from_state_dict(self: Any, state_dict: Any, prefix: str, *others: Any) -> None:
        for name, value in [*self._parameters.items(), *self._buffers.items()]:
            if is_lazy(value) and not is_lazy(given := state_dict.get(prefix + name)) and given is not None:
                value.materialize(given.shape)
        super()._load_from_state_dict(state_dict, prefix, *others)  # type: ignore[misc]


class _Lazy(LazyModuleMixin):
    """size: the argument that is left out, and the attribute that is 0 until it is known."""

    size: ClassVar[str]

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            given = self.__signature__.bind(*args, **kwargs)
        except TypeError as problem:
            raise TypeError(f"{type(self).__name__}.__init__(): {problem}") from None
        given.apply_defaults()
        super().__init__(0, **given.arguments)  # type: ignore[call-arg]
        shapes = {}
        for store, lazy in ((self._parameters, UninitializedParameter), (self._buffers, UninitializedBuffer)):
            for name, value in store.items():
                if value is not None and name != "num_batches_tracked":
                    shapes[name] = tuple(value.shape)
                    store[name] = lazy(isinstance(value, Parameter), value.device, value.dtype)
        object.__setattr__(self, "_shapes", shapes)  # with 0 where the size belongs

    def reset_parameters(self: Any) -> None:
        if getattr(self, self.size) and not self.has_uninitialized_params():
            super().reset_parameters()  # type: ignore[misc]

    def _size_of(self: Any, input: Any) -> int:
        if isinstance(self, linear.Linear):
            return input.shape[-1]
        if isinstance(self, conv._ConvNd):
            if input.dim() not in (self.dims + 1, self.dims + 2):
                raise RuntimeError(
                    f"Expected {self.dims + 1}D (unbatched) or {self.dims + 2}D (batched) input to "
                    f"{type(self).__name__}, but got input of size: {input.shape}"
                )
            return input.shape[1 if input.dim() == self.dims + 2 else 0]
        self._check_input_dim(input)
        return input.shape[1]

    def initialize_parameters(self: Any, input: Any, *args: Any, **kwargs: Any) -> None:
        n = self._size_of(input)
        groups = 1 if getattr(self, "transposed", False) else getattr(self, "groups", 1)
        if n % getattr(self, "groups", 1):
            raise ValueError(f"in_channels must be divisible by groups: {n} and {self.groups}")
        shapes = {k: tuple(s or n // groups for s in shape) for k, shape in self._shapes.items()}
        fresh = self.has_uninitialized_params()
        for name, shape in shapes.items():
            value = getattr(self, name)
            if is_lazy(value):
                value.materialize(shape)
            elif value.shape != shape:
                raise AssertionError(
                    f"the input asks for a {name} of shape {shape}, but {tuple(value.shape)} was loaded"
                )
        setattr(self, self.size, n)
        del self._shapes
        if fresh:
            self.reset_parameters()


def _lazy(base: type[Module]) -> Any:
    """The lazy layer that becomes this one."""
    size, *others = inspect.signature(base).parameters.values()
    kept = [p.replace(default=True) if p.name in ("affine", "track_running_stats") else p for p in others]
    return type(f"Lazy{base.__name__}", (_Lazy, base), {
        "__doc__": f"{base.__name__} whose {size.name} is that of its first input.", "__module__": __name__,
        "cls_to_become": base, "size": size.name, "__signature__": inspect.Signature(kept),
    })  # fmt: skip


LazyLinear = _lazy(linear.Linear)
LazyConv1d, LazyConv2d, LazyConv3d = map(_lazy, (conv.Conv1d, conv.Conv2d, conv.Conv3d))
LazyConvTranspose1d, LazyConvTranspose2d, LazyConvTranspose3d = map(
    _lazy, (conv.ConvTranspose1d, conv.ConvTranspose2d, conv.ConvTranspose3d)
)
LazyBatchNorm1d, LazyBatchNorm2d, LazyBatchNorm3d = map(
    _lazy, (norms.BatchNorm1d, norms.BatchNorm2d, norms.BatchNorm3d)
)
LazyInstanceNorm1d, LazyInstanceNorm2d, LazyInstanceNorm3d = map(
    _lazy, (norms.InstanceNorm1d, norms.InstanceNorm2d, norms.InstanceNorm3d)
)
