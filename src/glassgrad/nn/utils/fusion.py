"""A batch norm in evaluation joined with the layer before it, and modules whose values are still to come."""

from __future__ import annotations

import copy
import inspect
from typing import Any

from ...core.random import fork_rng
from ...core.tensor import Tensor
from ...ops.create import ones_like, zeros_like
from ..module import Module
from ..parameter import Parameter

__all__ = [
    "fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights", "skip_init",
]  # fmt: skip

Fused = tuple[Parameter, Parameter]


def _fused(layer: Module, bn: Module, join: Any, *options: Any) -> Module:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")
    made = copy.deepcopy(layer)
    made.weight, made.bias = join(
        made.weight, made.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, *options
    )
    return made


def fuse_conv_bn_eval(conv: Module, bn: Module, transpose: bool = False) -> Module:
    """The convolution, transposed or not, that does what both do; AssertionError in training."""
    return _fused(conv, bn, fuse_conv_bn_weights, transpose)


def fuse_linear_bn_eval(linear: Module, bn: Module) -> Module:
    """The linear layer that does what both do; AssertionError in training, or where sizes don't fit."""
    if bn.num_features not in (linear.out_features, 1):
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got "
            f"linear.out_features={linear.out_features} and bn.num_features={bn.num_features}"
        )
    return _fused(linear, bn, fuse_linear_bn_weights)


def _join(
    w: Tensor, b: Tensor | None, mean: Tensor, var: Tensor, eps: float, weight: Any, bias: Any, dim: int
) -> Fused:
    """w and b of a layer with outputs along a dim, such that bn(w x + b) = w' x + b'."""
    b = zeros_like(mean) if b is None else b
    weight = ones_like(mean) if weight is None else weight
    bias = zeros_like(mean) if bias is None else bias
    scale = weight * (var + eps).rsqrt()
    shape = [-1 if d == dim else 1 for d in range(w.dim())]
    new_w = (w * scale.reshape(shape)).to(w.dtype)
    new_b = ((b - mean) * scale + bias).to(w.dtype)
    return Parameter(new_w.detach(), w.requires_grad), Parameter(new_b.detach(), b.requires_grad)


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> Fused:
    """Weight and bias of the convolution that does what both do."""
    return _join(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, int(transpose))


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor,
    bn_b: Tensor,
) -> Fused:
    """Weight and bias of the linear layer that does what both do."""
    return _join(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, 0)


def skip_init(module_cls: type[Module], *args: Any, **kwargs: Any) -> Module:
    """module_cls(*args, **kwargs) without drawing: its values are still to be written, and the generator stays.

    Raises RuntimeError for what isn't a Module, or has no `device` argument.
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    with fork_rng():
        return module_cls(*args, **kwargs)
