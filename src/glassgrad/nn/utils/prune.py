"""Pruning: a parameter times a mask of zeros and ones.

The parameter becomes `name`_orig, the mask is the buffer `name`_mask, and a hook writes their product to `name` before
each forward. Pruning again adds to the mask. Source: Han, Pool, Tran, Dally 2015, arXiv:1506.02626.
"""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any

from ...core.tensor import Tensor
from ...ops.create import ones_like, zeros_like
from ...ops.order import kthvalue, topk
from ...ops.randoms import rand, rand_like
from ..module import Module
from .convert_parameters import parameters_to_vector

__all__ = [
    "BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured", "PruningContainer",
    "RandomStructured", "RandomUnstructured", "custom_from_mask", "global_unstructured", "identity", "is_pruned",
    "l1_unstructured", "ln_structured", "random_structured", "random_unstructured", "remove",
]  # fmt: skip


class BasePruningMethod(ABC):
    """A way to prune: compute_mask(t, default_mask) gives the mask of a tensor from the one that it has.

    PRUNING_TYPE: "unstructured" is given what is left of t as a vector, "structured" what is left along `dim`,
    "global" all of it.
    """

    PRUNING_TYPE: str
    _tensor_name: str

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask, of t's shape."""

    def apply_mask(self, module: Module) -> Tensor:
        """mask * original."""
        original = getattr(module, f"{self._tensor_name}_orig")
        return getattr(module, f"{self._tensor_name}_mask").to(original.dtype) * original

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Tensor | None = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prune module.<name> by cls(*args, **kwargs), by these scores in place of its values."""
        earlier = [key for key, _ in _methods(module, name)]
        old = _methods(module, name)[0][1] if earlier else None
        method: BasePruningMethod = cls(*args, **kwargs)
        method._tensor_name = name
        tensor = getattr(module, name)
        scores = tensor if importance_scores is None else importance_scores
        if scores.shape != tensor.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}, got {scores.shape} vs "
                f"{tensor.shape}"
            )
        if old is not None:
            container = old if isinstance(old, PruningContainer) else PruningContainer(old)
            container.add_pruning_method(method)
            method, mask = container, getattr(module, f"{name}_mask").detach().clone()
        else:
            mask = ones_like(tensor)
        mask = method.compute_mask(scores.detach(), mask.detach())
        for key in earlier:
            del module._forward_pre_hooks[key]
        if old is None:
            module.register_parameter(f"{name}_orig", tensor)
            del module._parameters[name]
        module.register_buffer(f"{name}_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(self, t: Tensor, default_mask: Tensor | None = None, importance_scores: Tensor | None = None) -> Tensor:
        """t times the mask that this method gives it."""
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as tensor t, got {scores.shape} vs {t.shape}"
            )
        return t * self.compute_mask(scores, ones_like(t) if default_mask is None else default_mask)

    def remove(self, module: Module) -> None:
        """Make the pruned values the parameter, without hook and mask."""
        name = self._tensor_name
        weight = self.apply_mask(module)
        delattr(module, name)
        original = module._parameters.pop(f"{name}_orig")
        original.data = weight.detach()  # type: ignore[union-attr]
        del module._buffers[f"{name}_mask"]
        setattr(module, name, original)


def _methods(module: Module, name: str | None = None) -> list[tuple[int, BasePruningMethod]]:
    """The pruning hooks of a module, or of one of its tensors, with their keys."""
    hooks = module._forward_pre_hooks.items()
    return [(k, h) for k, h in hooks if isinstance(h, BasePruningMethod) and name in (None, h._tensor_name)]


class PruningContainer(BasePruningMethod):
    """Several methods, one after the other, of one tensor; each new one works on what the others have left."""

    def __init__(self, *args: Any) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        if len(args) == 1:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Any) -> None:
        """Add a method of the same tensor."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if self._tensor_name != method._tensor_name:
            raise ValueError(
                f"Can only add pruning methods acting on the parameter named '{self._tensor_name}' to PruningContainer "
                f"{self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, index: Any) -> Any:
        return self._pruning_methods[index]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        method: Any = self._pruning_methods[-1]
        mask = default_mask.to(t.dtype)
        where: Any = (slice(None),) * t.dim()
        if method.PRUNING_TYPE == "unstructured":
            where = mask == 1
        elif method.PRUNING_TYPE == "structured":
            dim = range(t.dim())[method.dim]
            left = mask.sum(dim=[d for d in range(t.dim()) if d != dim]) != 0
            where = (*where[:dim], left, *where[dim + 1 :])
        elif method.PRUNING_TYPE != "global":
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        new = mask.clone()
        new[where] = method.compute_mask(t[where], default_mask=mask[where]).to(new.dtype)
        return new


class Identity(BasePruningMethod):
    """A mask of ones."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask


class _Some(BasePruningMethod):
    """amount: how many to prune, or, a float in [0, 1], which part of them."""

    def __init__(self, amount: Any) -> None:
        if not isinstance(amount, numbers.Real):
            raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
        part = float(amount)
        if part < 0 or (not isinstance(amount, numbers.Integral) and part > 1.0):
            raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a non-negative integer")
        self.amount: Any = amount

    def _number(self, size: int) -> int:
        """How many of so many are pruned."""
        n = int(self.amount) if isinstance(self.amount, numbers.Integral) else round(self.amount * size)
        if n > size:
            raise ValueError(f"amount={n} should be smaller than the number of parameters to prune={size}")
        return n


class _Unstructured(_Some):
    PRUNING_TYPE = "unstructured"

    def chosen(self, t: Tensor, n: int) -> Tensor:
        """The places of the n that go."""
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        n = self._number(t.numel())
        mask = default_mask.clone().contiguous()
        if n:
            mask.view(-1)[self.chosen(t, n)] = 0
        return mask


class RandomUnstructured(_Unstructured):
    """Any."""

    def chosen(self, t: Tensor, n: int) -> Tensor:
        return topk(rand_like(t).view(-1), k=n)[1]


class L1Unstructured(_Unstructured):
    """Those of the smallest absolute values."""

    def chosen(self, t: Tensor, n: int) -> Tensor:
        return topk(t.abs().reshape(-1), k=n, largest=False)[1]

    @classmethod
    def apply(  # type: ignore[override]
        cls, module: Module, name: str, amount: float, importance_scores: Tensor | None = None
    ) -> BasePruningMethod:
        return super().apply(module, name, amount=amount, importance_scores=importance_scores)


class _Structured(_Some):
    """Whole slices along a dim."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: float, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def kept(self, t: Tensor, size: int, n: int) -> Tensor:
        """Which slices stay, of so many, when n go."""
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if t.dim() <= 1:
            raise ValueError(
                "Structured pruning can only be applied to multidimensional tensors. Found tensor of shape "
                f"{t.shape} with {t.dim()} dims"
            )
        if self.dim >= t.dim():
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        size = t.shape[self.dim]
        n = self._number(size)
        if not n:
            return default_mask
        mask = zeros_like(t)
        where: list[Any] = [slice(None)] * t.dim()
        where[self.dim] = self.kept(t, size, n)
        mask[tuple(where)] = 1
        return mask * default_mask.to(mask.dtype)


class RandomStructured(_Structured):
    """Any slices."""

    def kept(self, t: Tensor, size: int, n: int) -> Tensor:
        scores = rand(size)
        return scores > kthvalue(scores, n)[0]


class LnStructured(_Structured):
    """The slices with the smallest n-norms."""

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def kept(self, t: Tensor, size: int, n: int) -> Tensor:
        others = [d for d in range(t.dim()) if d != self.dim % t.dim()]
        return topk(t.norm(p=self.n, dim=others), k=size - n, largest=True)[1]

    @classmethod
    def apply(  # type: ignore[override]
        cls, module: Module, name: str, amount: float, n: Any, dim: int, importance_scores: Tensor | None = None
    ) -> BasePruningMethod:
        return super().apply(module, name, amount=amount, n=n, dim=dim, importance_scores=importance_scores)


class CustomFromMask(BasePruningMethod):
    """What a given mask says."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if default_mask.shape != self.mask.shape:
            raise AssertionError(f"the mask's shape {self.mask.shape} must match the tensor's {default_mask.shape}")
        return default_mask * self.mask.to(default_mask.dtype)


def identity(module: Module, name: str) -> Module:
    """Prune nothing, but be ready for it: `name`_orig and a mask of ones."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: float) -> Module:
    """Prune any elements: so many, or such a part of them."""
    RandomUnstructured.apply(module, name, amount=amount)
    return module


def l1_unstructured(module: Module, name: str, amount: float, importance_scores: Tensor | None = None) -> Module:
    """Prune the elements of the smallest absolute values, or scores."""
    L1Unstructured.apply(module, name, amount=amount, importance_scores=importance_scores)
    return module


def random_structured(module: Module, name: str, amount: float, dim: int) -> Module:
    """Prune any slices along a dim."""
    RandomStructured.apply(module, name, amount=amount, dim=dim)
    return module


def ln_structured(
    module: Module, name: str, amount: float, n: Any, dim: int, importance_scores: Tensor | None = None
) -> Module:
    """Prune the slices along a dim with the smallest n-norms."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Prune what a mask says."""
    CustomFromMask.apply(module, name, mask=mask)
    return module


def global_unstructured(
    parameters: Any, pruning_method: type[BasePruningMethod], importance_scores: Any = None, **kwargs: Any
) -> None:
    """Prune several parameters, (module, name) pairs, as if they were one; importance_scores by such pairs."""
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    scores = {} if importance_scores is None else importance_scores
    if not isinstance(scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    pairs = list(parameters)
    container, method = PruningContainer(), pruning_method(**kwargs)
    container._tensor_name = method._tensor_name = "together"
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            f'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method {pruning_method} of '
            f"type {method.PRUNING_TYPE}"
        )
    container.add_pruning_method(method)
    tensors = [getattr(module, name) for module, name in pairs]
    seen = [scores.get(pair, t).detach() for pair, t in zip(pairs, tensors, strict=True)]
    masks = [getattr(m, f"{name}_mask", ones_like(t.detach())) for (m, name), t in zip(pairs, tensors, strict=True)]
    mask = container.compute_mask(parameters_to_vector(seen), parameters_to_vector(masks))
    start = 0
    for (module, name), t in zip(pairs, tensors, strict=True):
        custom_from_mask(module, name, mask[start : start + t.numel()].view_as(t))
        start += t.numel()


def remove(module: Module, name: str) -> Module:
    """Make a pruning final: the parameter with its zeros, without hook and mask."""
    found = _methods(module, name)
    if not found:
        raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed")
    found[0][1].remove(module)
    del module._forward_pre_hooks[found[0][0]]
    return module


def is_pruned(module: Module) -> bool:
    """Whether anything in a module is pruned."""
    return any(_methods(m) for m in module.modules())
