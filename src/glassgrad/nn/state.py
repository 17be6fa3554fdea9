"""state_dict and load_state_dict: what a Module's state is, how it is written and read, and who is asked on the way."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Callable
from typing import Any

from ..core.errors import telling
from ..core.graph import Removable
from ..core.modes import no_grad
from ..core.tensor import Tensor
from ..core.watch import listeners, tell
from .hooks import register
from .parameter import Parameter, as_tensor, is_lazy

__all__ = ["Stateful"]

EXTRA = "_extra_state"  # the key of what get_extra_state() gives
STORES = (
    "_state_dict_pre_hooks", "_state_dict_hooks", "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks",
)  # fmt: skip

Hook = Callable[..., Any]


class IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What load_state_dict found missing or too much."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<All keys matched successfully>" if not any(self) else f"_{super().__repr__()}"  # private in PyTorch

    __str__ = __repr__


class Stateful:
    """The part of Module that gives and takes its state."""

    _version = 1
    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _modules: dict[str, Any]
    _non_persistent_buffers_set: set[str]

    def _own_state(self) -> dict[str, Tensor]:
        """Parameters and persistent buffers of this module alone."""
        every = {**self._parameters, **self._buffers}
        return {k: v for k, v in every.items() if v is not None and k not in self._non_persistent_buffers_set}

    def get_extra_state(self) -> Any:
        """What else is state: override both this and set_extra_state, and it is in the state_dict."""
        raise RuntimeError("get_extra_state: a module that overrides set_extra_state must override this as well")

    def set_extra_state(self, state: Any) -> None:
        """Take back what get_extra_state gave."""
        raise RuntimeError("set_extra_state: a module that overrides get_extra_state must override this as well")

    # --- writing ---

    def state_dict(self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False) -> Any:
        """Every parameter and persistent buffer under its dotted name, in PyTorch's order and layouts."""
        if args:  # PyTorch's old way: destination, prefix, keep_vars
            destination, prefix, keep_vars = [*args, *[destination, prefix, keep_vars][len(args) :]]
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = metadata
        for hook in _hooks(self, "_state_dict_pre_hooks"):
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in _hooks(self, "_state_dict_hooks"):
            changed = hook(self, destination, prefix, metadata)
            if changed is not None:
                if getattr(hook, "_from_public_api", False):
                    raise RuntimeError("state_dict post-hook must return None")
                destination = changed
        return destination

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        for name, value in self._own_state().items():
            destination[prefix + name] = value if keep_vars or is_lazy(value) else value.detach()
        if type(self).get_extra_state is not Stateful.get_extra_state:
            destination[prefix + EXTRA] = self.get_extra_state()

    # --- reading ---

    @telling
    def load_state_dict(self, state_dict: Any, strict: bool = True, assign: bool = False) -> IncompatibleKeys:
        """Copy the values in; all of them or, when anything is wrong, none.

        RuntimeError names every missing and unexpected key (unless strict=False) and every shape that differs. With
        hooks after loading, which may forgive keys, the values are in before those are looked at.
        """
        if not hasattr(state_dict, "keys"):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        if listeners:
            tell("load_state_dict", self, state_dict)
        metadata = getattr(state_dict, "_metadata", None) or {}
        given = OrderedDict(state_dict)
        missing: list[str] = []
        unexpected: list[str] = []
        problems: list[str] = []
        visited: list[Any] = []
        jobs: list[Callable[[], None]] = []

        def load(module: Any, part: Any, prefix: str) -> None:
            local = {**metadata.get(prefix[:-1], {}), "assign_to_params_buffers": assign, "jobs": jobs}
            module._load_from_state_dict(part, prefix, local, True, missing, unexpected, problems)
            for name, child in module._modules.items():
                if child is not None:
                    below = f"{prefix}{name}."
                    load(child, {k: v for k, v in part.items() if k.startswith(below)}, below)
            visited.append(module)

        load(self, given, "")
        found = IncompatibleKeys(missing, unexpected)
        after = [(module, hook) for module in visited for hook in _hooks(module, "_load_state_dict_post_hooks")]
        if not after:
            self._refuse(found, problems, strict)
        with no_grad():
            for job in jobs:
                job()
        for module, hook in after:
            if hook(module, found) is not None:
                raise AssertionError(
                    "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to return new "
                    "values, if incompatible_keys need to be modified, it should be done inplace."
                )
        self._refuse(found, problems, strict)
        return found

    def _refuse(self, found: IncompatibleKeys, problems: list[str], strict: bool) -> None:
        lines = [
            f"{kind} key(s) in state_dict: {', '.join(map(repr, keys))}. ".replace("'", '"')
            for kind, keys in (("Missing", found.missing_keys), ("Unexpected", found.unexpected_keys))
            if keys and strict
        ]
        if lines or problems:
            text = "\n\t".join([*lines, *problems])
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t{text}")

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Read this module's own part; a subclass may rename keys of state_dict first, and call this."""
        jobs: list[Callable[[], None]] | None = local_metadata.pop("jobs", None)
        for hook in _hooks(self, "_load_state_dict_pre_hooks"):
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        own = self._own_state()
        mine: list[Callable[[], None]] = []
        for name, value in own.items():
            key = prefix + name
            if key not in state_dict:
                missing_keys.extend([key] * strict)
                continue
            try:
                new = as_tensor(state_dict[key])
            except TypeError as problem:
                error_msgs.append(f'While copying the parameter named "{key}", {problem}')
                continue
            if is_lazy(value) or is_lazy(new):
                if is_lazy(value) != is_lazy(new):
                    error_msgs.append(f'While copying the parameter named "{key}": one of both has no shape yet.')
                continue
            if value.dim() == 0 and new.shape == (1,):  # how numbers were saved once
                new = new[0]
            if new.shape != value.shape:
                error_msgs.append(
                    f"size mismatch for {key}: copying a param with shape {new.shape} from checkpoint, "
                    f"the shape in current model is {value.shape}."
                )
            elif local_metadata.get("assign_to_params_buffers"):
                kept = Parameter(new, value.requires_grad) if isinstance(value, Parameter) else new
                mine.append(lambda name=name, kept=kept: setattr(self, name, kept))  # type: ignore[misc]
            else:
                mine.append(lambda value=value, new=new: value.copy_(new))  # type: ignore[misc]
        if type(self).set_extra_state is not Stateful.set_extra_state:
            if prefix + EXTRA in state_dict:
                mine.append(lambda: self.set_extra_state(state_dict[prefix + EXTRA]))
            elif strict:
                missing_keys.append(prefix + EXTRA)
        elif strict and prefix + EXTRA in state_dict:
            unexpected_keys.append(prefix + EXTRA)
        if strict:
            for key in state_dict:
                if key.startswith(prefix) and key != prefix + EXTRA:
                    first, dot, _ = key[len(prefix) :].partition(".")
                    if first not in (self._modules if dot else own):
                        unexpected_keys.append(key)
        if jobs is not None:
            jobs.extend(mine)
            return
        with no_grad():
            for job in mine:
                job()

    # --- hooks ---

    def register_state_dict_pre_hook(self, hook: Hook) -> Removable:
        """hook(module, prefix, keep_vars), before the state is written."""
        return self._state_hook("_state_dict_pre_hooks", hook)

    def register_state_dict_post_hook(self, hook: Hook) -> Removable:
        """hook(module, state_dict, prefix, local_metadata), after the state is written; may change it in place."""
        hook._from_public_api = True  # type: ignore[attr-defined]
        return self._state_hook("_state_dict_hooks", hook)

    def _register_state_dict_hook(self, hook: Hook) -> Removable:
        return self._state_hook("_state_dict_hooks", hook)

    def register_load_state_dict_pre_hook(self, hook: Hook) -> Removable:
        """hook(module, state_dict, prefix, local_metadata, strict, missing, unexpected, problems), before reading."""
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(self, hook: Hook, with_module: bool = False) -> Removable:
        return self._state_hook("_load_state_dict_pre_hooks", _WithModule(hook, self) if with_module else hook)

    def register_load_state_dict_post_hook(self, hook: Hook) -> Removable:
        """hook(module, incompatible_keys), after reading; may change the lists of keys in place."""
        return self._state_hook("_load_state_dict_post_hooks", hook)

    def _state_hook(self, store: str, hook: Hook) -> Removable:
        return register(self.__dict__.setdefault(store, {}), hook)


class _WithModule:
    """A hook that is told its module first."""

    def __init__(self, hook: Hook, module: Any) -> None:
        self.hook, self.module = hook, module

    def __call__(self, *args: Any) -> Any:
        return self.hook(self.module, *args)


def _hooks(module: Any, store: str) -> list[Hook]:
    return list(module.__dict__.get(store, {}).values())
