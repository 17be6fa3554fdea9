"""PyTorch's database of modules (module_db) run through both libraries: constructors, outputs, gradients, state dicts.

python -m oracle.parity_modules [names...]        prints the results
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_modules import module_db

import glassgrad as gg
from oracle.parity import Missing, Result, _attempt, _tensors, _words, difference, forget_memories, ours

DTYPES = (torch.float64, torch.float32)
ENTRIES = {entry.name: entry for entry in module_db}


def measure(entry: Any) -> Result:
    """Every sample of a module, in training and in evaluation."""
    result = Result(entry.name)
    name = entry.module_cls.__name__
    if not hasattr(gg.nn, name):
        result.missing = f"nn.{name}"
        return result
    for dtype in DTYPES:
        if dtype not in entry.dtypes:
            continue
        for training in (True, False) if entry.train_and_eval_differ else (True,):
            torch.manual_seed(0)
            samples = entry.module_inputs_func(
                entry, device="cpu", dtype=dtype, requires_grad=True, training=training
            )  # fmt: skip
            for k, sample in enumerate(samples):
                mode = "train" if training else "eval"
                where = f"{str(dtype)[6:]} {mode} sample {k} {sample.desc} {sample.constructor_input}"
                for kind, problem in compare(entry.module_cls, getattr(gg.nn, name), sample, dtype, training):
                    result.note(kind, None if problem is None else f"{where[:200]}: {problem}")
    if entry.module_error_inputs_func is not None:
        for bad in entry.module_error_inputs_func(
            entry, device="cpu", dtype=torch.float64, requires_grad=False, training=True
        ):
            result.errors += 1
            refused = _refusal(getattr(gg.nn, name), bad)
            if refused is None:
                result.raised += 1
            else:
                result.failed.setdefault("errors", []).append(refused)
    return result


def compare(theirs: Any, mine: Any, sample: Any, dtype: Any, training: bool) -> Any:
    """(kind, what differs or None): the parameters drawn, the outputs, the gradients of inputs and parameters."""
    given = sample.constructor_input
    forget_memories()
    try:
        our_args, our_kwargs = ours(list(given.args)), ours(given.kwargs)
        forward = sample.forward_input
        inputs = None if forward is None else (ours(list(forward.args)), ours(forward.kwargs))
    except Missing as what:
        yield "values", f"missing {what}"
        return
    torch.manual_seed(3)
    a = theirs(*given.args, **given.kwargs).to(dtype).train(training)
    gg.manual_seed(3)
    problem, b = _attempt(lambda: mine(*our_args, **our_kwargs).to(ours(dtype)).train(training))
    if problem is not None:
        yield "values", problem
        return
    if sample.forward_input is None:
        yield "state", _state(b, a)
        return
    torch.manual_seed(7)
    expected = a(*forward.args, **forward.kwargs)
    gg.manual_seed(7)
    problem, got = _attempt(lambda: b(*inputs[0], **inputs[1]))
    yield "state", _state(b, a)
    if problem is not None:
        yield "values", problem
        return
    got, expected = _tensors(got, gg), _tensors(expected, torch)
    yield "values", difference(got, expected, flags=True)
    p = [x for x in _tensors([list(forward.args), forward.kwargs], torch) if x.requires_grad] + list(a.parameters())
    q = [x for x in _tensors(list(inputs), gg) if x.requires_grad] + list(b.parameters())
    problem, second = _attempt(lambda: _grads(torch, expected, p))
    if problem is None:
        problem, first = _attempt(lambda: _grads(gg, got, q))
        yield "vjp", problem or difference(first, second)


def _state(b: Any, a: Any) -> str | None:
    mine, theirs = b.state_dict(), a.state_dict()
    if list(mine) != list(theirs):
        return f"state_dict {list(mine)} instead of {list(theirs)}"
    for name, value in theirs.items():
        if not isinstance(value, torch.Tensor) or isinstance(value, torch.nn.parameter.UninitializedTensorMixin):
            continue
        problem = difference([mine[name]], [value])
        if problem is not None:
            return f"{name}: {problem}"
    return None


def _grads(library: Any, outputs: list[Any], inputs: list[Any]) -> list[Any]:
    live = [y for y in outputs if y.requires_grad]
    if not live or not inputs:
        return []
    cotangents = [
        library.from_numpy(np.asarray(np.random.default_rng(i).uniform(-1, 1, tuple(y.shape)))).to(y.dtype)
        for i, y in enumerate(live)
    ]
    return list(library.autograd.grad(live, inputs, cotangents, allow_unused=True))


def _refusal(mine: Any, bad: Any) -> str | None:
    given = bad.module_error_input
    forget_memories()
    try:
        args, kwargs = ours(list(given.constructor_input.args)), ours(given.constructor_input.kwargs)
        forward = given.forward_input
        inputs = None if forward is None else (ours(list(forward.args)), ours(forward.kwargs))
    except Missing as what:
        return f"missing {what}"
    try:
        module = mine(*args, **kwargs)
        if list(module.parameters()):
            module.double()
        if inputs is not None:
            module(*inputs[0], **inputs[1])
    except Exception as problem:
        if isinstance(problem, bad.error_type) and "glassgrad yet" not in str(problem):
            return None
        return f"{_words(problem)} instead of {bad.error_type.__name__} ({bad.error_regex!r})"
    return f"no error; {bad.error_type.__name__} ({bad.error_regex!r}) wanted for {given.constructor_input}"


if __name__ == "__main__":
    from oracle.page import show

    show(ENTRIES, measure)
