"""PyTorch's operator database (op_db, inside its wheel) run through both libraries, entry by entry.

    python -m oracle.parity [names...]        prints the results in full
    make parity                               writes docs/parity.md (see page.py)

Every sample input goes through both: values, the gradient under a random cotangent, the gradient of the gradient, and
forward mode, in float64 and float32; integers and booleans go forward. Every error input must raise here as well,
with the same type of exception.
"""

from __future__ import annotations

import contextlib
import functools
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._utils import freeze_rng_state

import glassgrad as gg
import oracle.seeds  # noqa: F401
from oracle.reasons import REASONS

# relative to the largest number of a tensor
TOLERANCE = {
    "float64": 1e-10,
    "complex128": 1e-10,
    "float32": 2e-5,
    "complex64": 2e-5,
    "float16": 2e-3,
    "bfloat16": 2e-2,
}
SMALL = 1e-2  # a tensor of smaller numbers counts as of this size: what cancels to nearly 0 is rounding
DTYPES = (torch.float64, torch.float32, torch.int64, torch.bool)
SAMPLES = 40  # of one entry and dtype: the first, the last, and evenly between


class Missing(Exception):
    """A name that glassgrad doesn't have."""


# --- from one library to the other ---


def ours(x: Any) -> Any:
    """What PyTorch's samples hold, as glassgrad's; numbers, strings and slices stay."""
    if isinstance(x, torch.Tensor):
        if x.layout is not torch.strided:
            raise Missing(f"layout {x.layout}")
        if x.device.type == "meta":
            raise Missing("the meta device")
        if id(x) not in _known:
            made = gg.Tensor._of(_copy(x))
            _known[id(x)] = x, made.requires_grad_() if x.requires_grad else made
        return _known[id(x)][1]
    if isinstance(x, torch.dtype | torch.memory_format | torch.layout):
        return _named(str(x).removeprefix("torch."))
    if isinstance(x, torch.device):
        return gg.device(str(x))
    if isinstance(x, torch.Size):
        return gg.Size(x)
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*map(ours, x))
    if isinstance(x, list | tuple):
        return type(x)(map(ours, x))
    if isinstance(x, dict):
        return {key: ours(value) for key, value in x.items()}
    if isinstance(x, types.FunctionType):
        return translated(x)
    if isinstance(x, types.BuiltinFunctionType):
        return by_name(x.__name__)
    if isinstance(x, torch.nn.PairwiseDistance):
        return gg.nn.PairwiseDistance(x.norm, x.eps, x.keepdim)
    if isinstance(x, torch.nn.TransformerEncoderLayer):
        made = gg.nn.TransformerEncoderLayer(
            x.self_attn.embed_dim, x.self_attn.num_heads, x.linear1.out_features, x.dropout.p, ours(x.activation),
            x.norm1.eps, x.self_attn.batch_first, x.norm_first, x.linear1.bias is not None,
            dtype=ours(x.norm1.weight.dtype),
        )  # fmt: skip
        made.load_state_dict(x.state_dict())
        return made.train(x.training)
    if isinstance(x, torch.Generator):
        raise Missing("a torch.Generator among the samples")
    return x


_memories: dict[Any, np.ndarray] = {}  # of the sample at hand: what shares memory there shares it here


_known: dict[int, tuple[torch.Tensor, gg.Tensor]] = {}  # by the tensor's id: the same one stays the same one


def forget_memories() -> None:
    """A new sample begins."""
    _memories.clear()
    _known.clear()


def _copy(x: torch.Tensor) -> np.ndarray:
    """A copy of a tensor with the memory that it is part of."""
    if x.is_neg() or x.is_conj() or str(x.dtype).endswith("bfloat16") or 0 in x.shape:
        made = host(x)
        return made.astype(gg.bfloat16.array_dtype) if str(x.dtype).endswith("bfloat16") else made.copy()
    key = x.untyped_storage().data_ptr(), x.dtype
    if key not in _memories:
        size = x.untyped_storage().nbytes() // x.itemsize
        _memories[key] = torch.as_strided(x.detach(), (size,), (1,), 0).numpy().copy()
    memory = _memories[key]
    strides = [s * x.itemsize for s in x.stride()]
    return np.lib.stride_tricks.as_strided(memory[x.storage_offset() :], x.shape, strides)


def _named(path: str) -> Any:
    found: Any = gg
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise Missing(path) from None
    return found


class _Torch:
    """The name `torch` inside PyTorch's own wrappers: glassgrad, with what only says something about torch."""

    def __getattr__(self, name: str) -> Any:
        return _named(name)


@functools.cache
def translated(function: types.FunctionType) -> Any:
    """The same Python function with glassgrad where its globals and closure say torch."""
    if function.__module__.startswith("torch.nn.functional"):
        return _named("nn.functional." + function.__name__)
    scope = {name: _swap(value) for name, value in function.__globals__.items() if name in _names(function.__code__)}
    scope["__builtins__"] = function.__globals__["__builtins__"]
    cells = function.__closure__ and tuple(types.CellType(_swap(cell.cell_contents)) for cell in function.__closure__)
    made = types.FunctionType(function.__code__, scope, function.__name__, function.__defaults__, cells)
    made.__kwdefaults__ = function.__kwdefaults__
    return made


def _names(code: types.CodeType) -> set[str]:
    inner = [_names(c) for c in code.co_consts if isinstance(c, types.CodeType)]
    return {*code.co_names}.union(*inner)


def _swap(value: Any) -> Any:
    if value is torch:
        return _Torch()
    if value is freeze_rng_state:
        return contextlib.nullcontext
    if isinstance(value, types.FunctionType) and value.__module__.startswith("torch"):
        return translated(value)
    if isinstance(value, types.BuiltinFunctionType | type(torch.Tensor.add)):
        return by_name(value.__name__)
    return value


@functools.cache
def by_name(name: str) -> Any:
    """glassgrad's function of PyTorch's name: a function of the package, or a method of Tensor."""
    for path in (name, f"Tensor.{name}", f"nn.functional.{name}"):
        try:
            found = _named(path)
        except Missing:
            continue
        if callable(found):  # glassgrad.cfloat is a dtype
            return found
    raise Missing(name)


def function_of(entry: Any) -> Any:
    called = entry.op
    if isinstance(called, types.FunctionType) and (
        called.__name__ == "<lambda>" or called.__module__.startswith("torch.testing")
    ):
        return translated(called)
    return by_name(entry.name)


# --- one entry ---


@dataclass
class Result:
    """What came of one entry: how many comparisons of each kind held, and what did not."""

    name: str
    held: dict[str, int] = field(default_factory=dict)
    failed: dict[str, list[str]] = field(default_factory=dict)
    raised: int = 0
    errors: int = 0
    missing: str = ""

    def note(self, kind: str, problem: str | None) -> None:
        if problem is None:
            self.held[kind] = self.held.get(kind, 0) + 1
        else:
            self.failed.setdefault(kind, []).append(problem)


def name_of(entry: Any) -> str:
    return f"{entry.name}.{entry.variant_test_name}" if entry.variant_test_name else entry.name


@sdpa_kernel(SDPBackend.MATH)  # the one of PyTorch's attention kernels that can be differentiated twice
def measure(entry: Any) -> Result:
    """Run one entry of op_db through both libraries."""
    result = Result(name_of(entry))
    try:
        function = function_of(entry)
    except Missing as what:
        result.missing = str(what)
        return result
    supported = entry.supported_dtypes("cpu")
    for dtype in DTYPES:
        if dtype not in supported:
            continue
        differentiable = dtype.is_floating_point and entry.supports_autograd
        torch.manual_seed(0)
        for k, sample in enumerate(_some(entry.sample_inputs("cpu", dtype, requires_grad=differentiable))):
            sample = FEWER.get(entry.name, lambda whole: whole)(sample)
            where = f"{str(dtype)[6:]} sample {k} {sample.summary()}"
            for kind, problem in compare(entry, function, sample, dtype, differentiable):
                result.note(kind, None if problem is None else f"{where}: {problem}")
    absent = [p for p in result.failed.get("values", ()) if "Missing:" in p or "has no attribute" in p]
    if absent and not result.held:  # a name inside the entry's own wrapper
        return Result(result.name, missing=absent[0])
    for bad in entry.error_inputs("cpu") if entry.error_inputs_func else ():
        result.errors += 1
        problem = raises(function, bad)
        if problem is None:
            result.raised += 1
        else:
            result.failed.setdefault("errors", []).append(problem)
    return result


def _some(samples: Any) -> list[Any]:
    every = list(samples)
    if len(every) <= SAMPLES:
        return every
    return [every[round(i * (len(every) - 1) / (SAMPLES - 1))] for i in range(SAMPLES)]


def few_images(sample: Any) -> Any:
    """Two images of three channels, where there are up to 20 of 21: each goes the same way, and takes its second."""

    def cut(x: torch.Tensor, *counts: int) -> torch.Tensor:
        return x.detach()[tuple(map(slice, counts))].clone().requires_grad_(x.requires_grad)

    sample.input, sample.args = cut(sample.input, 2, 3), (cut(sample.args[0], 2), *sample.args[1:])
    return sample


FEWER = {"grid_sampler_3d": few_images}


def raises(function: Any, bad: Any) -> str | None:
    sample = bad.sample_input
    forget_memories()
    try:
        args = ours(sample.input), *ours(sample.args)
        kwargs = ours(sample.kwargs)
    except Missing as what:
        return f"missing {what}"
    except ValueError as problem:  # more dimensions than NumPy's 64
        return _words(problem)
    try:
        function(*args, **kwargs)
    except Exception as problem:
        if isinstance(problem, bad.error_type) and "glassgrad yet" not in str(problem):
            return None
        return f"{type(problem).__name__} instead of {bad.error_type.__name__} ({bad.error_regex!r}): {problem}"
    return f"no error; {bad.error_type.__name__} ({bad.error_regex!r}) wanted for {sample.summary()}"


class Side:
    """One library's view of a sample: its tensors that want gradients, its outputs, its derivatives."""

    def __init__(self, library: Any, function: Any, sample: Any, finish: Any) -> None:
        self.library = library
        self.function, self.finish = function, finish
        self.args = [sample.input, *sample.args]
        self.kwargs = sample.kwargs
        self.leaves = [x for x in _tensors([self.args, self.kwargs], library) if x.requires_grad]

    def __call__(self) -> list[Any]:
        self.library.manual_seed(7)
        return _tensors(self.finish(self.function(*self.args, **self.kwargs)), self.library)

    def vjp(self, outputs: list[Any], seed: int, create_graph: bool) -> tuple[list[Any], list[Any]]:
        """(gradients, cotangents): of the differentiable outputs under cotangents of that seed."""
        live = [y for y in outputs if y.requires_grad]
        cotangents = [self.random(y, seed + i).requires_grad_(create_graph) for i, y in enumerate(live)]
        if not live or not self.leaves:
            return [], []
        grads = self.library.autograd.grad(live, self.leaves, cotangents, create_graph=create_graph, allow_unused=True)
        return list(grads), cotangents

    def second(self, grads: list[Any], cotangents: list[Any]) -> list[Any]:
        live = [g for g in grads if g is not None and g.requires_grad]
        if not live:
            return []
        cot = [self.random(g, 100 + i) for i, g in enumerate(live)]
        return list(self.library.autograd.grad(live, [*self.leaves, *cotangents], cot, allow_unused=True))

    def jvp(self) -> list[Any]:
        forward = self.library.autograd.forward_ad
        with forward.dual_level():
            duals = {id(x): forward.make_dual(x.detach(), self.random(x, 50 + i)) for i, x in enumerate(self.leaves)}
            args, kwargs = _replace([self.args, self.kwargs], duals)
            self.library.manual_seed(7)
            out = _tensors(self.finish(self.function(*args, **kwargs)), self.library)
            return [forward.unpack_dual(y).tangent for y in out if y.dtype.is_floating_point]

    def random(self, like: Any, seed: int) -> Any:
        values = np.random.default_rng(seed).uniform(-1, 1, tuple(like.shape))
        made = self.library.from_numpy(np.asarray(values))
        return made.to(like.dtype)


def _tensors(x: Any, library: Any) -> list[Any]:
    if isinstance(x, library.Tensor):
        return [x]
    if isinstance(x, list | tuple):
        return [t for item in x for t in _tensors(item, library)]
    if isinstance(x, dict):
        return [t for item in x.values() for t in _tensors(item, library)]
    return []


def _replace(x: Any, duals: dict[int, Any]) -> Any:
    if isinstance(x, list | tuple):
        return type(x)(_replace(item, duals) for item in x)
    if isinstance(x, dict):
        return {key: _replace(item, duals) for key, item in x.items()}
    return duals.get(id(x), x)


def compare(
    entry: Any, function: Any, sample: Any, dtype: Any, differentiable: bool
) -> Iterator[tuple[str, str | None]]:
    """(kind, what differs or None) for each kind of comparison that PyTorch supports on this sample."""
    finish = sample.output_process_fn_grad
    forget_memories()
    theirs = Side(torch, entry.op, sample, finish)
    try:
        mine = types.SimpleNamespace(input=ours(sample.input), args=ours(sample.args), kwargs=ours(sample.kwargs))
        our_finish = translated(finish) if isinstance(finish, types.FunctionType) else finish
    except Missing as what:
        yield "values", f"missing {what}"
        return
    side = Side(gg, function, mine, our_finish)
    problem, expected = _attempt(theirs)
    if problem is not None:  # PyTorch itself can't
        return
    try:
        got = side()
    except Exception as problem:
        yield "values", _words(problem)
        return
    yield "values", difference(got, expected, flags=True, arbitrary="empty" in entry.name)
    if not differentiable or len(theirs.leaves) != len(side.leaves):
        return
    twice = entry.supports_gradgrad and dtype is torch.float64
    unsupported: str | None
    unsupported, given = _attempt(lambda: theirs.vjp(expected, 10, twice))
    if unsupported is not None:
        return
    first, cotangents = given
    problem, mine_first = _attempt(lambda: side.vjp(got, 10, twice))
    yield "vjp", problem or difference(mine_first[0], first)
    if twice and problem is None and first:
        unsupported, expected = _attempt(lambda: theirs.second(first, cotangents))
        if unsupported is None:
            problem, got = _attempt(lambda: side.second(*mine_first))
            yield "vjp of vjp", problem or difference(got, expected)
    if entry.supports_forward_ad and dtype is torch.float64 and theirs.leaves:
        unsupported, expected = _attempt(theirs.jvp)
        if unsupported is None:
            problem, got = _attempt(side.jvp)
            yield "jvp", problem or difference(got, expected)


def _attempt(compute: Callable[[], Any]) -> tuple[str | None, Any]:
    try:
        return None, compute()
    except Exception as problem:
        return _words(problem), None


def _words(problem: Exception) -> str:
    return f"{type(problem).__name__}: {' '.join(str(problem).split())[:160]}"


def difference(got: list[Any], expected: list[Any], flags: bool = False, arbitrary: bool = False) -> str | None:
    """What differs first, or None. Relative to the largest number of the tensor; None and zeros say the same.

    arbitrary: the values are, nothing else.
    """
    if not got or not expected:  # nothing to differentiate, and zeros, say the same
        got, expected = got or [None] * len(expected), expected or [None] * len(got)
    if len(got) != len(expected):
        return f"{len(got)} tensors instead of {len(expected)}"
    for a, b in zip(got, expected, strict=True):
        if a is None or b is None:
            known = a if a is not None else b
            if known is not None and np.abs(host(known)).max(initial=0.0) > TOLERANCE[_word(known.dtype)]:
                return f"{'ours' if a is None else 'PyTorch'} says None, the other is not zero"
            continue
        x, y = host(a), host(b)
        if x.shape != y.shape:
            return f"shape {x.shape} instead of {y.shape}"
        if _word(a.dtype) != _word(b.dtype):
            return f"dtype {_word(a.dtype)} instead of {_word(b.dtype)}"
        if flags and a.requires_grad != b.requires_grad:
            return f"requires_grad {a.requires_grad} instead of {b.requires_grad}"
        if arbitrary:
            continue
        if y.dtype.kind not in "fc":
            if not np.array_equal(x, y):
                return "other values"
            continue
        finite = np.isfinite(y)
        if not np.array_equal(x[~finite], y[~finite], equal_nan=True):
            return "other NaN or infinity"
        if not np.isfinite(x[finite]).all():
            return "NaN or infinity where PyTorch is finite"
        scale = max(np.abs(y[finite]).max(initial=0.0), SMALL)
        off = np.abs(x[finite] - y[finite]).max(initial=0.0) / scale
        if off > TOLERANCE[_word(b.dtype)]:
            return f"off by {off:.0e}"
    return None


def _word(dtype: Any) -> str:
    return str(dtype).split(".")[-1]


def host(x: Any) -> np.ndarray:
    x = x.detach()
    if str(x.dtype).endswith("bfloat16"):  # which NumPy doesn't have
        x = x.float()
    return x.numpy(force=True)  # PyTorch has zeros without memory, and conjugates by flag


# --- the page ---

ENTRIES = {name_of(entry): entry for entry in op_db if not entry.name.startswith(("torch.", "jiterator"))}
PAGE = Path(__file__).parents[2] / "docs" / "parity.md"
KINDS = ("values", "vjp", "vjp of vjp", "jvp")


def verdict(result: Result) -> str:
    if result.missing:
        return "missing"
    if not result.failed:
        return "same"
    return "differs" if result.name in REASONS else "WRONG"


def row(result: Result, kinds: tuple[str, ...] = KINDS) -> str:
    """One line of a table. Counts are those of the comparisons that hold."""
    counts = [str(result.held.get(kind, "")) for kind in kinds]
    errors = f"{result.raised}/{result.errors}" if result.errors else ""
    return f"| {result.name} | {verdict(result)} | {' | '.join(counts)} | {errors} | {REASONS.get(result.name, '')} |"


def rows_of(page: str) -> dict[str, str]:
    """The lines of the table by the entry's name."""
    found = {}
    for line in page.splitlines():
        if line.startswith("| ") and not line.startswith(("| entry", "| ---")):
            found[line.split("|")[1].strip()] = line
    return found


if __name__ == "__main__":
    from oracle.page import show

    show(ENTRIES, measure)
