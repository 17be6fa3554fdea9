"""Modules as functions of their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..core.tensor import Tensor
from ..ops.arrange import stack

__all__ = ["functional_call", "stack_module_state"]


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: dict[str, Tensor] | Sequence[dict[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call the module with other parameters and buffers, by name; the module itself does not change.

    tie_weights: what a module holds under two names is replaced under both. strict: RuntimeError unless exactly all
    names are given.
    """
    if isinstance(parameter_and_buffer_dicts, dict):
        given = dict(parameter_and_buffer_dicts)
    else:
        given = {}
        for part in parameter_and_buffer_dicts:
            twice = given.keys() & part.keys()
            if twice:
                raise ValueError(f"{sorted(twice)} appear in several of the dictionaries; behavior would be ambiguous")
            given.update(part)
    places = {}
    for prefix, owner in module.named_modules():
        for store in (owner._parameters, owner._buffers):
            for name, value in store.items():
                places[f"{prefix}.{name}" if prefix else name] = store, name, value
    unknown = given.keys() - places.keys()
    if strict and (unknown or places.keys() - given.keys()):
        raise RuntimeError(
            f"functional_call: unexpected names {sorted(unknown)}, missing {sorted(places.keys() - given.keys())}"
        )
    if unknown:
        raise RuntimeError(f"functional_call: the module has no parameter or buffer {sorted(unknown)}")
    if tie_weights:
        by_value = {id(places[name][2]): value for name, value in given.items() if places[name][2] is not None}
        for name, (_, _, value) in places.items():
            if name not in given and id(value) in by_value:
                given[name] = by_value[id(value)]
    positional = () if args is None else args if isinstance(args, tuple) else (args,)
    try:
        for name, value in given.items():
            store, short, _ = places[name]
            store[short] = value
        return module(*positional, **(kwargs or {}))
    finally:
        for store, short, value in places.values():
            store[short] = value


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """(parameters, buffers) of several modules of one class, stacked by name: an ensemble for vmap."""
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({type(m) for m in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    if len({m.training for m in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")

    def together(kind: str) -> dict[str, Tensor]:
        every = [dict(getattr(m, kind)()) for m in models]
        stacked = {name: stack([each[name].detach() for each in every]) for name in every[0]}
        return {
            name: x.requires_grad_(every[0][name].requires_grad) if x.dtype.is_floating_point else x
            for name, x in stacked.items()
        }

    return together("named_parameters"), together("named_buffers")
