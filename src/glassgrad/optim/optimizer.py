"""Optimizer: parameters in groups, each with its options, and what is remembered about each parameter.

An optimizer is a table of defaults and one method, `update(p, group)`, which works in place on raw arrays:

    for x, g, t, b in self.pieces(p, group, buffer):     # parameter, gradient, scratch, state
        b *= momentum
        b += g
        x -= np.multiply(b, lr, t)

`pieces` hands out cache-sized parts, so that a formula of many steps reads the memory once.
"""

from __future__ import annotations

import functools
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from itertools import chain
from typing import Any

import numpy as np

from ..core import dtypes
from ..core.backend import Array, xp_of
from ..core.errors import telling, told
from ..core.graph import Removable, touch
from ..core.modes import enable_grad, no_grad
from ..core.provenance import warn
from ..core.tensor import Tensor
from ..core.watch import listeners, tell
from ..nn.hooks import register
from ..nn.parameter import as_tensor

__all__ = ["Optimizer", "register_optimizer_step_post_hook", "register_optimizer_step_pre_hook"]

Group = dict[str, Any]


class _RequiredParameter:
    """The default of an option that has none."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _RequiredParameter()

SCALARS = ("step", "mu_product")  # what is remembered of a parameter that isn't an array like it
PIECE = 1 << 15  # elements at a time: parameter, gradient, two states and scratch stay in the cache

WORDS = {"lr": "learning rate", "eps": "epsilon value"}  # in PyTorch's errors; else "<name> value"
NOT_NEGATIVE = (
    "lr", "eps", "momentum", "weight_decay", "alpha", "lr_decay", "initial_accumulator_value", "momentum_decay", "rho",
)  # fmt: skip


def _check_ranges(options: Group) -> None:
    """ValueError for an option out of its range."""
    for name in NOT_NEGATIVE:
        value = options.get(name, 0)
        if isinstance(value, tuple):  # Adafactor's two, which it checks
            continue
        if isinstance(value, Tensor) and value.numel() != 1:
            raise ValueError(f"Tensor {name} must be 1-element")
        if not value >= 0.0 or (name == "rho" and value > 1.0):
            raise ValueError(f"Invalid {WORDS.get(name, f'{name} value')}: {value}")
    for i, beta in enumerate(options.get("betas", ())):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {beta}")


def _check_switches(options: Group) -> None:
    """RuntimeError for two that exclude each other, NotImplementedError for what there is no way to do."""
    if options.get("fused") and options.get("differentiable"):
        raise RuntimeError("`fused` does not support `differentiable`")
    if options.get("fused") and options.get("foreach"):
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
    for name, instead in (("capturable", "nothing is captured"), ("differentiable", "write the step in tensors")):
        if options.get(name):
            raise NotImplementedError(f"{name}=True is not in glassgrad: {instead}")


EVERY_STEP: dict[str, dict[int, Any]] = {"before": {}, "after": {}}  # hooks of every optimizer


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> Removable:
    """hook(optimizer, args, kwargs) -> None or (args, kwargs), before each step of every optimizer."""
    return register(EVERY_STEP["before"], hook)


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> Removable:
    """hook(optimizer, args, kwargs), after each step of every optimizer."""
    return register(EVERY_STEP["after"], hook)


def _with_hooks(own: Callable[..., Any]) -> Callable[..., Any]:
    """step between the hooks; called through super() it runs without, since they have run."""

    @functools.wraps(own)
    def step(self: Optimizer, *args: Any, **kwargs: Any) -> Any:
        if type(self).step is not step or "_step_pre_hooks" not in self.__dict__:  # never initialised
            return own(self, *args, **kwargs)
        self._opt_called = True
        for hook in (*EVERY_STEP["before"].values(), *self._step_pre_hooks.values()):
            changed = hook(self, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        f"{own} must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                    )
                args, kwargs = changed
        result = own(self, *args, **kwargs)
        for hook in (*self._step_post_hooks.values(), *EVERY_STEP["after"].values()):
            hook(self, args, kwargs)
        return result

    return step


class Optimizer:
    """The base of every optimizer.

    params: an iterable of tensors, of (name, tensor) pairs, or of dicts with a "params" key and options that replace
    the defaults. Raises TypeError for anything else, ValueError where it is empty or names a parameter twice.
    """

    param_groups: list[Group]
    state: defaultdict[Tensor, dict[str, Any]]
    _opt_called = False

    @telling
    def __init__(self, params: Iterable[Any], defaults: Group) -> None:
        if isinstance(params, Tensor):
            raise told(
                TypeError(
                    "params argument given to the optimizer should be an iterable of Tensors or dicts, but got "
                    + params.type()
                ),
                "put it in a list",
            )
        if not hasattr(params, "__iter__"):
            raise told(TypeError(f"'{type(params).__name__}' object is not iterable"), "give it model.parameters()")
        if self._is_ours():
            _check_ranges(defaults)
        self.defaults = defaults
        self.state = defaultdict(dict)
        self.param_groups = []
        self._unsaved()
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)
        if listeners:
            tell("optimizer", self)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = _with_hooks(cls.step)  # type: ignore[method-assign]

    def _is_ours(self) -> bool:
        """Whether its options mean what they mean in this package; a user's own optimizer checks its own."""
        return type(self).update is not Optimizer.update

    def _unsaved(self) -> None:
        """What a copy of an optimizer starts without."""
        self._step_pre_hooks: dict[int, Any] = {}
        self._step_post_hooks: dict[int, Any] = {}
        self._state_hooks: dict[str, dict[int, Any]] = {"before save": {}, "saved": {}, "before load": {}, "loaded": {}}
        self._scratch: dict[Any, tuple[Array, Array]] = {}

    def __getstate__(self) -> Group:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: Group) -> None:
        self.__dict__.update(state)
        self._unsaved()

    # --- groups ---

    def add_param_group(self, param_group: Group) -> None:
        """Optimize further parameters; options that the group doesn't name are the defaults."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in "
                "sets will change between runs. Please use a list instead."
            )
        params = [params] if isinstance(params, Tensor) else list(params)
        named = [isinstance(p, tuple) for p in params]
        if any(named) and not all(named):
            raise ValueError("all optimizer params should be with/without names. Some param names are missing")
        group = {**param_group, "params": [p[1] for p in params] if any(named) else params}
        if any(named):
            group["param_names"] = [p[0] for p in params]
        if self.param_groups and ("param_names" in group) != ("param_names" in self.param_groups[0]):
            raise ValueError(
                "all optimizer param groups should be with/without names. cannot add param group "
                f"{'with' if any(named) else 'without'} names to the optimizer"
            )
        for p in group["params"]:
            if not isinstance(p, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {type(p).__name__}")
            if not (p.is_leaf or self.defaults.get("differentiable") or p.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        for name, value in self.defaults.items():
            if value is required and name not in group:
                raise ValueError(f"parameter group didn't specify a value of required optimization parameter {name}")
            group.setdefault(name, value)
        if self._is_ours():
            _check_switches(group)
        known = {id(p) for other in self.param_groups for p in other["params"]}
        new = [id(p) for p in group["params"]]
        if known.intersection(new):
            raise ValueError("some parameters appear in more than one parameter group")
        if len(set(new)) < len(new):
            warn("optimizer contains a parameter group with duplicate parameters; in future, this will cause an error")
        self.param_groups.append(group)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or set them to zero."""
        if listeners:
            tell("zero_grad", [p for group in self.param_groups for p in group["params"]])
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p._grad = None
                elif p._grad is not None:
                    p._grad = p._grad.detach()
                    p._grad.zero_()

    # --- a step ---

    @_with_hooks
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient. closure: computes the loss again, which is returned."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p._grad is not None:
                        if p._grad.is_sparse:
                            self.update_places(p, group, p._grad)
                        else:
                            self.update(p, group)
                        touch(p.version)
        return loss

    def update(self, p: Tensor, group: Group) -> None:
        """Change p.array by p.grad.array, with the options of the group."""
        raise NotImplementedError

    def update_places(self, p: Tensor, group: Group, g: Any) -> None:
        """`update` where the gradient is a sparse tensor g."""
        raise RuntimeError(f"{type(self).__name__} does not support sparse gradients")

    def slots(self, p: Tensor, *names: str, fill: complex = 0.0) -> list[Array]:
        """What is remembered about p under these names, arrays like p's; `fill` at first."""
        state = self.state[p]
        for name in names:
            if name not in state:
                state[name] = Tensor._of(xp_of(p.array).full_like(p.array, fill))
        return [state[name].array for name in names]

    def count(self, p: Tensor) -> int:
        """The number of this step of p, from 1; kept as PyTorch keeps it, in a tensor."""
        state = self.state[p]
        if "step" not in state:
            state["step"] = scalar(0.0)
        elif not isinstance(state["step"], Tensor):
            state["step"] = scalar(float(state["step"]))
        state["step"].array += 1
        return int(state["step"].array.item())  # users may give it a dim

    def pieces(self, p: Tensor, group: Group, *states: Array, decay: bool = True) -> Iterator[list[Array]]:
        """[x, g, t, *states] for cache-sized parts of p: parameter, gradient, scratch, states.

        g is the gradient, negated if `maximize`, plus weight_decay * x unless decay=False; not to be changed.
        """
        arrays = [p.array, p._grad.array, *states]  # type: ignore[union-attr]
        if arrays[0].dtype.kind == "c":
            arrays = [a.view(a.real.dtype) for a in arrays]
        if arrays[0].size <= PIECE or not all(a.flags.c_contiguous for a in arrays):
            parts: Iterable[list[Array]] = (arrays,)
        else:
            flat = [a.reshape(-1) for a in arrays]
            parts = ([a[i : i + PIECE] for a in flat] for i in range(0, flat[0].size, PIECE))
        wd = float(group.get("weight_decay", 0)) if decay else 0.0
        negated = group.get("maximize", False)
        for x, g, *rest in parts:
            key = x.shape, x.dtype
            if key not in self._scratch:
                self._scratch[key] = xp_of(x).empty_like(x), xp_of(x).empty_like(x)
            d, t = self._scratch[key]
            if negated:
                g = np.negative(g, d)
            if wd:
                g = np.add(g, np.multiply(x, wd, t), d)
            yield [x, g, t, *rest]

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> Removable:
        """hook(optimizer, args, kwargs) -> None or (args, kwargs), called before each step."""
        return Removable(self._step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> Removable:
        """hook(optimizer, args, kwargs), called after each step."""
        return Removable(self._step_post_hooks, hook)

    # --- state ---

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Removable:
        """hook(optimizer), before the state is written."""
        return register(self._state_hooks["before save"], hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Removable:
        """hook(optimizer, state_dict) -> None or another, after the state is written."""
        return register(self._state_hooks["saved"], hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Removable:
        """hook(optimizer, state_dict) -> None or another, before the state is read."""
        return register(self._state_hooks["before load"], hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> Removable:
        """hook(optimizer), after the state is read."""
        return register(self._state_hooks["loaded"], hook, prepend)

    def _through_hooks(self, when: str, state_dict: Group) -> Group:
        for hook in tuple(self._state_hooks[when].values()):
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        return state_dict

    def state_dict(self) -> Group:
        """{"state": {index: what is remembered}, "param_groups": [options, with indices for parameters]}."""
        for hook in tuple(self._state_hooks["before save"].values()):
            hook(self)
        index = {id(p): i for i, p in enumerate(chain.from_iterable(g["params"] for g in self.param_groups))}
        state = {
            "state": {index.get(id(p), p): kept for p, kept in self.state.items()},
            "param_groups": [
                {**{k: v for k, v in g.items() if k != "params"}, "params": [index[id(p)] for p in g["params"]]}
                for g in self.param_groups
            ],
        }
        return self._through_hooks("saved", state)

    @telling
    def load_state_dict(self, state_dict: Group) -> None:
        """Continue as the optimizer whose state_dict this is; values are copied, in the dtype of their parameter.

        Raises ValueError, and changes nothing, where the groups differ in number or size.
        """
        state_dict = self._through_hooks("before load", dict(state_dict))
        saved = [{k: v if k == "params" else deepcopy(v) for k, v in g.items()} for g in state_dict["param_groups"]]
        if len(saved) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        for new, own in zip(saved, self.param_groups, strict=True):
            if len(new["params"]) != len(own["params"]):
                raise told(
                    ValueError(
                        "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
                    ),
                    f"the group has {len(new['params'])} parameters, the optimizer's {len(own['params'])}: "
                    "make the optimizer for the same model",
                )
        order = chain.from_iterable(g["params"] for g in saved)
        params = dict(zip(order, chain.from_iterable(g["params"] for g in self.param_groups), strict=True))
        state: defaultdict[Any, Any] = defaultdict(dict)
        for k, kept in state_dict["state"].items():
            state[params.get(k, k)] = _restored(kept, params[k]) if k in params else kept
        groups = [{**new, "params": own["params"]} for new, own in zip(saved, self.param_groups, strict=True)]
        self.state, self.param_groups = state, groups
        for hook in tuple(self._state_hooks["loaded"].values()):
            hook(self)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines += [""] * (i > 0) + [f"Parameter Group {i}"]
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join([*lines, ")"])


def scalar(value: float) -> Tensor:
    """A 0-d tensor of the dtype in which PyTorch counts steps."""
    return Tensor._of(np.array(value, "float64" if dtypes.get_default_dtype() is dtypes.float64 else "float32"))


def places_of(g: Any, group: Group) -> tuple[tuple[Array, ...], Array]:
    """Where a sparse gradient is not 0, each place once, and its values there, negated if `maximize`."""
    g = (-g if group["maximize"] else g).coalesce()
    return tuple(g.indices().array), g.values().array


def _restored(kept: Any, p: Tensor, key: str = "") -> Any:
    """A copy of what was remembered about p, from glassgrad or from another library's tensors."""
    if isinstance(kept, (dict, OrderedDict)):
        return {k: _restored(v, p, k) for k, v in kept.items()}
    if isinstance(kept, (list, tuple)):
        return type(kept)(_restored(v, p) for v in kept)
    if not (isinstance(kept, Tensor) or hasattr(kept, "__array__")):
        return kept
    made = as_tensor(kept).detach()
    if key in SCALARS:
        return scalar(float(made.array))
    return Tensor._of((made.to(p.dtype) if p.is_floating_point() else made).to(p.device).array.copy())
