"""Activation checkpointing: compute a part of the model again on the way back, instead of keeping what it saved.

What the part saves for backward is replaced by a note (autograd.graph.saved_tensors_hooks); the first note that
backward unpacks runs the part again and keeps what it saves this time. The graph itself is the same, so the gradients
are equal to the bit.

Source: Chen, Xu, Zhang, Guestrin, Training Deep Nets with Sublinear Memory Cost, arXiv:1604.06174 (2016).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ..autograd.graph import saved_tensors_hooks
from ..core.modes import enable_grad
from ..core.random import current_generator
from ..core.tensor import Tensor

__all__ = ["CheckpointError", "checkpoint", "checkpoint_sequential"]


class CheckpointError(RuntimeError):
    """The part did not do the same a second time."""


def _no_contexts() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    return nullcontext(), nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    preserve_rng_state: bool = True,
    context_fn: Callable[[], tuple[Any, Any]] = _no_contexts,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """function(*args, **kwargs), keeping only its arguments for backward.

    The function runs a second time during backward, with the same random numbers if preserve_rng_state; it must do
    the same (shapes and dtypes are compared: CheckpointError, unless determinism_check="none"). context_fn gives a
    context for each of the two runs. early_stop: the second run ends once everything saved is there again.
    use_reentrant is accepted; there is one way here, PyTorch's use_reentrant=False.
    """
    if determinism_check not in ("default", "none"):
        raise ValueError(f"determinism_check should be one of 'default', 'none' but got {determinism_check!r}")
    if debug:
        raise NotImplementedError("checkpoint(debug=True) is not in glassgrad yet")
    first, second = context_fn()
    part = _Part(lambda: function(*args, **kwargs), second, preserve_rng_state, determinism_check, early_stop)
    with saved_tensors_hooks(part.pack, part.unpack), first:
        return function(*args, **kwargs)


class _Note:
    """Stands for one saved tensor: its number among those of the part."""

    __slots__ = ("__weakref__", "dtype", "index", "shape")

    def __init__(self, index: int, x: Tensor) -> None:
        self.index, self.shape, self.dtype = index, tuple(x.shape), x.dtype


class _Stop(Exception):
    """The second run has saved all that is needed."""


class _Part:
    def __init__(
        self, run: Callable[[], Any], context: Any, preserve_rng_state: bool, check: str, early_stop: bool
    ) -> None:
        self.run, self.context, self.check, self.early_stop = run, context, check, early_stop
        self.state = current_generator().state() if preserve_rng_state else None
        self.notes: list[weakref.ref[_Note]] = []
        self.again: dict[int, Tensor] = {}

    def pack(self, x: Tensor) -> _Note:
        note = _Note(len(self.notes), x)
        self.notes.append(weakref.ref(note))
        return note

    def unpack(self, note: _Note) -> Tensor:
        if note.index not in self.again:
            self._run_again()
        found = self.again.pop(note.index, None)
        if found is None:
            raise CheckpointError(
                f"checkpoint: the second run saved fewer tensors than the first, which saved {len(self.notes)}: "
                "the function must do the same both times"
            )
        if self.check == "default" and (tuple(found.shape), found.dtype) != (note.shape, note.dtype):
            raise CheckpointError(
                f"checkpoint: recomputed values have different metadata than during the forward pass: tensor "
                f"{note.index} had shape {note.shape} and {note.dtype}, now {tuple(found.shape)} and {found.dtype}"
            )
        return found

    def _run_again(self) -> None:
        count = 0
        last = max((note.index for ref in self.notes if (note := ref()) is not None), default=-1)

        def keep(x: Tensor) -> None:
            nonlocal count
            if count < len(self.notes) and self.notes[count]() is not None:
                self.again[count] = x.detach()
            count += 1
            if self.early_stop and count > last:
                raise _Stop

        before = current_generator().state() if self.state is not None else None
        try:
            if self.state is not None:
                current_generator().set_state(self.state)
            with enable_grad(), saved_tensors_hooks(keep, _nothing_to_unpack), self.context:
                self.run()
        except _Stop:
            return
        finally:
            if before is not None:
                current_generator().set_state(before)


def _nothing_to_unpack(x: Any) -> Tensor:
    raise CheckpointError("checkpoint: backward was called inside the function that runs again")


def checkpoint_sequential(
    functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any
) -> Any:
    """The functions (or the modules of a Sequential) one after another, in `segments` checkpointed parts.

    The last part is not checkpointed: backward begins with it. Memory falls from n activations to about n / segments
    plus segments.
    """
    layers = list(functions.children()) if hasattr(functions, "children") else list(functions)
    size = len(layers) // segments
    start = 0
    for _ in range(segments - 1):
        input = checkpoint(_chain(layers[start : start + size]), input, use_reentrant=use_reentrant, **kwargs)
        start += size
    return _chain(layers[start:])(input)


def _chain(layers: list[Any]) -> Callable[[Any], Any]:
    def run(x: Any) -> Any:
        for layer in layers:
            x = layer(x)
        return x

    return run
