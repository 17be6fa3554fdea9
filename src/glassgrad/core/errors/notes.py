"""Where an error happened, in whose call, with which operands: read off the frames that it passed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import suppress
from types import FrameType
from typing import Any

from ..provenance import PACKAGE, of_the_user, show, source_between
from ..tensor import Tensor
from . import fix_kinds, fix_shapes, fix_training  # noqa: F401  (they fill the table)
from .case import FIXES, OURS, Case, home
from .catalogue import gaps, row_of
from .row import Row

Frame = tuple[FrameType, int]  # and the offset of the instruction that it stands at
OPERANDS = 4  # so many are named


def tell(problem: BaseException, above: FrameType | None = None, fix: str = "", lines: tuple[str, ...] = ()) -> None:
    """Give the problem its notes, once, if this package has raised it.

    above: the frame that is about to raise it.
    """
    told = any(note.startswith("  at    ") for note in getattr(problem, "__notes__", ()))
    if told or isinstance(problem, SyntaxError):
        return
    frames = list(passed(problem, above))
    mine = next((ours(frame) for frame, _ in frames if not library(frame)), False) or of_ours(problem)
    place = next((there for there in frames if not ours(there[0]) and not library(there[0])), None)
    if place is None or not (mine or refused(problem, place)):
        return
    problem.add_note("  at    " + show((place[0].f_code, place[1])))
    found = row_of(problem)
    case = None
    with suppress(Exception):  # the user's modules may be anything
        case = case_of(problem, found and found[1], place, [frame for frame, _ in frames])
        lines = lines or tuple(around(case, place, [frame for frame, _ in frames]))
    with suppress(Exception):  # and what is at hand less than a fix asks for
        if case and found and not fix and found[0] in FIXES:
            fix = FIXES[found[0]](case)
    for line in lines:
        problem.add_note("  " + line)
    if fix or found:
        problem.add_note("  fix   " + (fix or found[1].fix))  # type: ignore[index]
    if found:
        problem.add_note(f"  code  {found[0]}: glassgrad explain {found[0]}")


# --- frames ---


def passed(problem: BaseException, above: FrameType | None) -> Iterator[Frame]:
    """The frames of an error, the innermost first: those it has left, then those that still run."""
    left: list[Frame] = []
    trace = problem.__traceback__
    while trace is not None:
        left.append((trace.tb_frame, trace.tb_lasti))
        trace = trace.tb_next
    yield from reversed(left)
    above = left[0][0].f_back if left else above
    while above is not None:
        yield above, above.f_lasti
        above = above.f_back


def ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(PACKAGE)


def of_ours(problem: BaseException) -> bool:
    """Whether an attribute of one of our objects, or modules, is missing."""
    return isinstance(problem, AttributeError) and home(problem.obj) in OURS


def refused(problem: BaseException, place: Frame) -> Any:
    """What is ours of what the failing expression calls, where the interpreter refuses the call; else None."""
    text = str(problem)
    if not isinstance(problem, TypeError) or "() " not in text or "argument" not in text:
        return None
    name = text.partition("(")[0].rpartition(".")[2]
    for chain in chains(source(*place)):
        value = place[0].f_locals.get(chain[0], place[0].f_globals.get(chain[0]))
        for word in chain[1:]:  # runs none of the user's code
            value = getattr(value, word, None) if home(value) in OURS else None
        if home(value) in OURS and name == ("__init__" if isinstance(value, type) else getattr(value, "__name__", "")):
            return value
    return None


def library(frame: FrameType) -> bool:
    """Whether it is neither ours nor the user's."""
    return not ours(frame) and not of_the_user(frame.f_code.co_filename)


def is_module(x: Any) -> bool:
    return isinstance(getattr(x, "__dict__", {}).get("_modules"), dict)


def module_call(frame: FrameType) -> bool:
    return frame.f_code.co_qualname == "Module.__call__" and ours(frame)


# --- words ---


def path(calls: list[FrameType]) -> tuple[str, str]:
    """Where the innermost module that has a name in the outermost one stands, and what the innermost is called.

    ('GPT.blocks.0.attn (CausalSelfAttention)', 'attn'); two times nothing outside of modules.
    """
    if not calls:
        return "", ""
    names = {id(each): name for name, each in calls[-1].f_locals["self"].named_modules()}
    root, known = kind(calls[-1]), [call for call in calls if names.get(id(call.f_locals["self"]))]
    where = f"{root}.{names[id(known[0].f_locals['self'])]} ({kind(known[0])})" if known else root
    return where, names.get(id(calls[0].f_locals["self"]), "").rpartition(".")[2] or kind(calls[0])


def kind(call: FrameType) -> str:
    return type(call.f_locals["self"]).__name__


def case_of(problem: BaseException, row: Row | None, place: Frame, frames: list[FrameType]) -> Case:
    """What is at hand for the fix."""
    calls = [frame for frame in frames if module_call(frame)]
    inside = bool(calls) and frames.index(calls[0]) < frames.index(place[0])
    inner = [arguments(frame) for frame in reversed(frames[: frames.index(calls[0] if inside else place[0])])]
    given = {name: x for each in reversed(inner) for name, x in each.items()}  # the outermost has the last word
    first = next(filter(None, inner), {})
    return Case(
        problem, said=(row and gaps(row, str(problem))) or (), named=dict(named(place)),
        given={name: given[name] for each in inner for name in each},
        handed={name: x for name, x in first.items() if isinstance(x, Tensor)},
        layer=calls[0].f_locals["self"] if inside else None,
        called=refused(problem, place) or frames[0].f_globals.get(str(problem).partition("(")[0]),
    )  # fmt: skip


def arguments(frame: FrameType) -> dict[str, Any]:
    """What a call was given, by name."""
    code = frame.f_code
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return {name: frame.f_locals[name] for name in names if name in frame.f_locals}


def around(case: Case, place: Frame, frames: list[FrameType]) -> Iterator[str]:
    """In which module, and with which operands."""
    calls = [frame for frame in frames if module_call(frame)]
    where, short = path(calls)
    if where:
        yield "in    " + where
    held = operands(case, place, calls[0] if case.layer is not None else None, short)
    if held:
        yield "with  " + ", ".join([f"{name} = {words(x)}" for name, x in held.items()][:OPERANDS])


def operands(case: Case, place: Frame, call: FrameType | None, short: str) -> dict[str, Any]:
    """The tensors that the failing expression names or hands on, or those of the layer that it has called."""
    written = {name: x for name, x in case.named.items() if not is_module(x)}
    if call is None:
        return {case.name(name): x for name, x in case.handed.items()} | written
    layer, given = call.f_locals["self"], call.f_locals.get("args", ())
    names = {id(x): name for name, x in reversed(case.given.items())}
    if call.f_back is place[0]:
        names |= {id(x): name for name, x in written.items()}
    inputs = {names.get(id(x), f"input{i or ''}"): x for i, x in enumerate(given) if isinstance(x, Tensor)}
    return inputs | {f"{short}.{name}": p for name, p in layer._parameters.items() if p is not None}


def words(x: Any) -> str:
    """float32 (32, 784)"""
    return f"{str(x.dtype).rpartition('.')[2]} {tuple(x.shape)}" if isinstance(x, Tensor) else repr(x)


def named(place: Frame) -> Iterator[tuple[str, Any]]:
    """What the expression that failed names: tensors, integers and modules, under the words of the source."""
    frame, offset = place
    for chain in chains(source(frame, offset)):
        value, words = look_up(frame, chain)
        if value is not None:
            yield words, value


def source(frame: FrameType, offset: int) -> ast.AST | None:
    """The failing expression, read again."""
    line, last, start, end = list(frame.f_code.co_positions())[offset // 2]
    if line is None or last is None or start is None or end is None:
        return None
    text = source_between(frame.f_code.co_filename, line, start, last, end, frame.f_globals)
    for each in (f"({text}\n)", text):  # an expression may go over several lines; else it is an assignment
        with suppress(SyntaxError, ValueError):
            return ast.parse(each)
    return None


def chains(tree: ast.AST | None) -> Iterator[list[str]]:
    """Names with the attributes behind them, each once, as they stand: x, self.fc1.weight."""
    waiting, seen = [tree] if tree is not None else [], set[str]()
    while waiting:
        node: Any = waiting.pop(0)
        links: list[str] = []
        inner = node
        while isinstance(inner, ast.Attribute):
            links.insert(0, inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            links.insert(0, inner.id)
            if ".".join(links) not in seen:
                seen.add(".".join(links))
                yield links
        elif not isinstance(node, ast.Lambda):
            waiting[:0] = ast.iter_child_nodes(node)


def look_up(frame: FrameType, chain: list[str]) -> tuple[Any, str]:
    """The tensor, integer or module at the end of a chain, or along it, and its words. Runs none of the user's code."""
    value = frame.f_locals.get(chain[0], frame.f_globals.get(chain[0]))
    found, words = None, ""
    for i in range(len(chain)):
        if i:
            held = getattr(value, "__dict__", {})
            stores = [held, *(held.get(store) or {} for store in ("_parameters", "_buffers", "_modules"))]
            value = next((store[chain[i]] for store in stores if chain[i] in store), None)
        if isinstance(value, Tensor) or is_module(value) or (type(value) is int and i + 1 == len(chain)):
            found, words = value, ".".join(chain[: i + 1])
        if value is None:
            break
    return found, words
