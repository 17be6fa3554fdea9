"""PyTorch's database of optimizers (optim_db) run through both libraries: 50 steps each, in float64, to 1e-12.

python -m oracle.parity_optim [names...]        prints the results
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from torch.testing._internal.common_optimizers import optim_db

import glassgrad as gg
from oracle.parity import Missing, Result, forget_memories, host, ours

# else 50. One of L-BFGS is 20 iterations; after 8, PyTorch's parameters move by 1e-8 when one starts 1e-15 elsewhere.
STEPS = {"LBFGS": 6}
TOLERANCE = {"LBFGS": 1e-9}  # else 1e-12
ENTRIES = {f"optim.{entry.optim_cls.__name__}": entry for entry in optim_db}


def problem(library: Any) -> tuple[list[Any], Any]:
    """Parameters of several shapes, and a smooth function of them whose gradient vanishes nowhere on the way."""
    rng = np.random.default_rng(0)
    shapes = [(4, 3), (3,), (2, 3)]
    params = [library.tensor(rng.normal(size=shape)).requires_grad_() for shape in shapes]
    x, t = library.tensor(rng.normal(size=(8, 4))), library.tensor(rng.normal(size=(8, 2)))

    def loss() -> Any:
        a, b, c = params
        hidden = (1 + (x @ a + b) ** 2).sqrt()
        return (1 + (hidden @ c.mT - t) ** 2).sqrt().mean()

    return params, loss


def train(library: Any, name: str, kwargs: dict[str, Any], grouped: bool) -> list[list[Any]]:
    """The parameters after every step."""
    params, loss = problem(library)
    if name == "Muon":  # matrices only
        params_given: Any = [p for p in params if p.ndim == 2]
    else:
        params_given = [{"params": params[:1], "lr": 3e-3}, {"params": params[1:]}] if grouped else params
    optimizer = getattr(library.optim, name)(params_given, **kwargs)

    def closure() -> Any:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    seen = []
    for _ in range(STEPS.get(name, 50)):
        if name == "LBFGS":
            optimizer.step(closure)
        else:
            closure()
            optimizer.step()
        seen.append([host(p).copy() for p in params])
    return seen


def measure(entry: Any) -> Result:
    name = entry.optim_cls.__name__
    result = Result(f"optim.{name}")
    if not hasattr(gg.optim, name):
        result.missing = f"optim.{name}"
        return result
    # A dense gradient is refused by SparseAdam; test_sparse_gradients_torch has its steps.
    for given in entry.optim_inputs_func("cpu", torch.float64) if name != "SparseAdam" else ():
        for grouped in (False, True) if name != "LBFGS" else (False,):
            theirs = train(torch, name, given.kwargs, grouped)
            forget_memories()
            mine = train(gg, name, ours(given.kwargs), grouped)
            off = np.max([  # which sees NaN
                np.abs(a - b).max() / np.abs(b).max()
                for x, y in zip(mine, theirs, strict=True) for a, b in zip(x, y, strict=True)
            ])  # fmt: skip
            near = off <= TOLERANCE.get(name, 1e-12)
            result.note("values", None if near else f"{given.desc} {given.kwargs}: off by {off:.0e}")
    for bad in entry.optim_error_inputs_func("cpu", torch.float64):
        result.errors += 1
        refused = _refusal(name, bad)
        if refused is None:
            result.raised += 1
        else:
            result.failed.setdefault("errors", []).append(refused)
    return result


def _refusal(name: str, bad: Any) -> str | None:
    given = bad.optimizer_error_input
    try:
        forget_memories()
        kwargs = ours(given.kwargs)
        params = [gg.zeros(2, requires_grad=True)] if given.params is None else _parameters(given.params, {})
    except Missing as what:
        return f"missing {what}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            optimizer = getattr(gg.optim, name)(params, **kwargs)
        if str(bad.error_on).endswith("STEP_ERROR"):
            optimizer.step()
    except Exception as problem:
        if isinstance(problem, bad.error_type) and "glassgrad yet" not in str(problem):
            return None
        return f"{type(problem).__name__} instead of {bad.error_type.__name__} ({bad.error_regex!r}): {problem}"
    return f"no error; {bad.error_type.__name__} ({bad.error_regex!r}) wanted for {given.kwargs}"


def _parameters(params: Any, known: dict[int, Any]) -> Any:
    """PyTorch's parameters as ours, in lists, groups and pairs with names; the same one stays the same one."""
    if isinstance(params, torch.Tensor):
        made = known.setdefault(id(params), ours(params))
        made.grad = None if params.grad is None else ours(params.grad)
        return made
    if isinstance(params, dict):
        return {key: _parameters(value, known) for key, value in params.items()}
    if isinstance(params, list | tuple):
        return type(params)(_parameters(p, known) for p in params)
    if isinstance(params, str | float | int) or params is None:
        return params
    return [_parameters(p, known) for p in params]  # an iterator


if __name__ == "__main__":
    from oracle.page import show

    show(ENTRIES, measure)
