"""A weight as a direction and a length. Source: Salimans and Kingma 2016, arXiv:1602.07868."""

from __future__ import annotations

from typing import Any

from ...core.provenance import warn
from ...core.tensor import Tensor
from ...core.titles import titled
from ..module import Module
from ..parameter import Parameter, is_lazy

__all__ = ["remove_weight_norm", "weight_norm"]


def norm_except_dim(v: Tensor, dim: int) -> Tensor:
    """The norm over all dims but this one, which are kept with size 1; over all, (), for dim -1."""
    if dim == -1:
        return v.norm()
    others = [d for d in range(v.dim()) if d != dim % v.dim()]
    return v.norm(dim=others, keepdim=True) if others else v.abs()


@titled("WeightNormInterfaceBackward0")
def normed(v: Tensor, g: Tensor, dim: int) -> Tensor:
    """v with the norms g."""
    return v * (g / norm_except_dim(v, dim))


class WeightNorm:
    """The hook that makes the weight from `name`_g and `name`_v before each forward."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Module) -> Tensor:
        return normed(getattr(module, f"{self.name}_v"), getattr(module, f"{self.name}_g"), self.dim)

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))

    def remove(self, module: Module) -> None:
        weight = self.compute_weight(module)
        for name in (self.name, f"{self.name}_g", f"{self.name}_v"):
            delattr(module, name)
        setattr(module, self.name, Parameter(weight.detach()))


def hook_of(module: Module, kind: type, name: str) -> tuple[int, Any] | None:
    """The hook of this kind on this tensor, with its key."""
    hooks = module._forward_pre_hooks.items()
    return next(((key, h) for key, h in hooks if isinstance(h, kind) and getattr(h, "name", None) == name), None)


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Learn the norms of a weight, `name`_g, and its direction, `name`_v, instead of the weight; the hooks of old.

    dim: the dim along which norms differ; None for one norm.
    """
    warn(
        "`torch.nn.utils.weight_norm` is deprecated in favor of `torch.nn.utils.parametrizations.weight_norm`.",
        FutureWarning,
    )
    if hook_of(module, WeightNorm, name):
        raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
    weight = getattr(module, name)
    if is_lazy(weight):
        raise ValueError("weight_norm: the parameter has no shape yet; call the module with a dummy batch before")
    hook = WeightNorm(name, dim)
    del module._parameters[name]
    module.register_parameter(f"{name}_g", Parameter(norm_except_dim(weight.detach(), hook.dim)))
    module.register_parameter(f"{name}_v", Parameter(weight.data))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: Module, name: str = "weight") -> Module:
    """The weight as a parameter again."""
    found = hook_of(module, WeightNorm, name)
    if found is None:
        raise ValueError(f"weight_norm of '{name}' not found in {module}")
    found[1].remove(module)
    del module._forward_pre_hooks[found[0]]
    return module
