"""Formulas read from their source: each becomes mathematics and, by the same steps, a number in float64.

An operation declares its gradient as Python; the syntax tree of that text is walked with the actual arguments, each a
Term: how it is written and what it is. So what is shown is what was computed here, in NumPy and apart from the engine.
Conditions are decided by the arguments at hand; calls are written as `notation` says, or else walked in turn. What
neither can do is called as it is (`borrowed` has its name then), or is Unreadable.
"""

from __future__ import annotations

import ast
import builtins
import linecache
import math
import types
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ...core.op import REGISTRY, arguments
from ...core.provenance import PACKAGE
from ...scalar.engine import Value
from ..graph import Vertex, declaration
from . import maths
from .maths import Math

DEEPEST = 6  # calls within calls


class Unreadable(Exception):
    """A formula that is not a straight line of expressions."""


class Term(NamedTuple):
    """math: how it is written. value: an array, a tuple of Terms, or any object. plain: a constant, no variable."""

    math: Math
    value: Any
    plain: bool = False


def bare(t: Term) -> Any:
    """The value of a Term, that of several as a tuple."""
    return tuple(map(bare, t.value)) if isinstance(t.value, tuple) and not t.plain else t.value


class Function:
    """A function to be written: `write` makes the mathematics of Terms, `compute` the value of values."""

    def __init__(self, write: Callable[..., Math], compute: Callable[..., Any]) -> None:
        self.write, self.compute = write, compute

    def __call__(self, *args: Term, **options: Term) -> Term:
        value = self.compute(*map(bare, args), **{key: bare(t) for key, t in options.items()})
        return Term(self.write(*args, **{k: t.value for k, t in options.items()}), value)


def plain(value: Any) -> Term:
    """A constant as a Term."""
    if isinstance(value, Term):
        return value
    is_real = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return Term(maths.number(value) if is_real else maths.words(str(value)), value, True)


# --- finding the source ------------------------------------------------------------------------------------

NAMES = {"logsigmoid": "log_sigmoid"}  # a Value's op -> the tensors'


def declared_for(v: Vertex) -> tuple[Any, str]:
    """The Op that has a vertex's formulas, of a Value that of the tensors, or None; and the number it is raised to."""
    if not isinstance(v.source, Value):
        return declaration(v.source.op)[0], ""
    name, power = ("pow", v.op[2:]) if v.op.startswith("**") else (NAMES.get(v.op, v.op), "")
    return REGISTRY.get(name), power


@cache
def _tree(file: str) -> ast.Module:
    text = "".join(linecache.getlines(file))
    if not text:
        raise Unreadable(f"{file} has no source")
    return ast.parse(text)


@cache
def source_of(code: types.CodeType) -> ast.Lambda | ast.FunctionDef:
    """The syntax tree of a function. Several lambdas may stand in a line: the code knows its columns."""
    spans = {span for span in code.co_positions() if None not in span}
    for node in ast.walk(_tree(code.co_filename)):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            if min([node.lineno, *[d.lineno for d in node.decorator_list]]) == code.co_firstlineno:
                return node
        elif isinstance(node, ast.Lambda) and code.co_name == "<lambda>":
            body = node.body
            if (body.lineno, body.end_lineno, body.col_offset, body.end_col_offset) in spans:
                return node
    raise Unreadable(f"the source of {code.co_name} was not found")


# --- walking it --------------------------------------------------------------------------------------------

BINARY: dict[type, tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("add", np.add), ast.Sub: ("sub", np.subtract), ast.Mult: ("mul", np.multiply),
    ast.Div: ("div", np.divide), ast.Pow: ("pow", np.power), ast.MatMult: ("matmul", np.matmul),
    ast.BitAnd: ("and", np.bitwise_and), ast.BitOr: ("or", np.bitwise_or),
}  # fmt: skip
COMPARE: dict[type, tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Lt: ("<", np.less), ast.LtE: ("<=", np.less_equal),
    ast.Gt: (">", np.greater), ast.GtE: (">=", np.greater_equal),
    ast.Eq: ("==", np.equal), ast.NotEq: ("!=", np.not_equal),
}  # fmt: skip


class Space(NamedTuple):
    """The names a formula sees: its own, and those of where it was written."""

    own: dict[str, Term]
    around: dict[str, Any]
    depth: int = 0


class Reader:
    """Walks formulas. borrowed: the names of the library's functions whose numbers were taken as they are."""

    def __init__(self) -> None:
        self.borrowed: set[str] = set()

    def text(self, source: str, own: dict[str, Term], around: dict[str, Any] | None = None) -> Term:
        """An expression as a string, with the table's functions."""
        from .notation import FUNCTIONS

        return self.eval(_parsed(source), Space(own, {**FUNCTIONS, **(around or {})}))

    def function(self, f: Any, args: list[Term], options: dict[str, Term] | None = None, depth: int = 0) -> Term:
        """What a Python function returns for these arguments."""
        node, space = self.opened(getattr(f, "__wrapped__", f), args, options, depth)
        return self.eval(node.body, space) if isinstance(node, ast.Lambda) else self.body(node.body, space)

    def opened(
        self, f: Any, args: list[Term], options: dict[str, Term] | None = None, depth: int = 0
    ) -> tuple[ast.Lambda | ast.FunctionDef, Space]:
        """A function's syntax tree, and the names it sees when called so."""
        if not isinstance(f, types.FunctionType) or depth > DEEPEST:
            raise Unreadable(f"{getattr(f, '__name__', f)} is not a function to read")
        node = source_of(f.__code__)
        names, rest, _ = arguments(f)
        own = {
            **dict(zip(names[len(names) - len(f.__defaults__ or ()) :], map(plain, f.__defaults__ or ()), strict=True))
        }
        own |= {key: plain(value) for key, value in (f.__kwdefaults__ or {}).items()}
        own |= dict(zip(names, args, strict=False)) | (options or {})
        if rest:
            own[rest] = Term(maths.words(rest), tuple(args[len(names) :]))
        closed = {} if f.__closure__ is None else dict(zip(f.__code__.co_freevars, f.__closure__, strict=True))
        return node, Space(own, {**f.__globals__, **{key: cell.cell_contents for key, cell in closed.items()}}, depth)

    def body(self, statements: list[ast.stmt], space: Space) -> Term:
        found = self.run(statements, space)
        if found is None:
            raise Unreadable("returns nothing")
        return found

    def run(self, statements: list[ast.stmt], space: Space) -> Term | None:
        for s in statements:
            if isinstance(s, ast.Return) and s.value is not None:
                return self.eval(s.value, space)
            if isinstance(s, ast.If):
                found = self.run(s.body if self.truth(s.test, space) else s.orelse, space)
                if found is not None:
                    return found
            elif isinstance(s, ast.Assign) and len(s.targets) == 1:
                self.assign(s.targets[0], self.eval(s.value, space), space)
            elif not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant)):  # the docstring
                raise Unreadable(f"a statement {type(s).__name__}")
        return None

    def assign(self, target: ast.expr, term: Term, space: Space) -> None:
        if isinstance(target, ast.Name):
            space.own[target.id] = term
        elif isinstance(target, ast.Tuple) and isinstance(term.value, tuple):
            for one, part in zip(target.elts, term.value, strict=True):
                self.assign(one, plain(part), space)
        else:
            raise Unreadable("assigns to a part")

    def truth(self, node: ast.expr, space: Space) -> bool:
        return bool(self.eval(node, space).value)

    def eval(self, node: ast.expr, space: Space) -> Term:
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise Unreadable(f"an expression {type(node).__name__}")
        found: Term = method(node, space)
        return found

    # --- expressions, by the names of their syntax ---

    def _constant(self, node: ast.Constant, space: Space) -> Term:
        return plain(node.value)

    def _name(self, node: ast.Name, space: Space) -> Term:
        from .notation import CONSTANTS

        if node.id in space.own:
            return space.own[node.id]
        if node.id in space.around:
            known = plain(space.around[node.id])
            return known._replace(math=CONSTANTS[node.id]) if node.id in CONSTANTS else known
        if hasattr(builtins, node.id):
            return plain(getattr(builtins, node.id))
        raise Unreadable(f"no {node.id}")

    def _tuple(self, node: ast.Tuple, space: Space) -> Term:
        parts: list[Term] = []
        for part in node.elts:
            if isinstance(part, ast.Starred):
                parts += map(plain, self.eval(part.value, space).value)
            else:
                parts.append(self.eval(part, space))
        if all(part.plain for part in parts):
            return plain(tuple(part.value for part in parts))
        return Term(maths.words("(...)"), tuple(parts))

    def _listcomp(self, node: ast.ListComp | ast.GeneratorExp, space: Space) -> Term:
        """Of constants, in one loop."""
        names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} & space.own.keys()
        if len(node.generators) > 1 or not all(space.own[name].plain for name in names):
            raise Unreadable("a comprehension of variables")
        (loop,) = node.generators
        inner = space._replace(own=dict(space.own))
        found = []
        for item in self.eval(loop.iter, space).value:
            self.assign(loop.target, plain(item), inner)
            if all(self.truth(test, inner) for test in loop.ifs):
                found.append(self.eval(node.elt, inner))
        return plain([part.value for part in found])

    _generatorexp = _listcomp

    def _slice(self, node: ast.Slice, space: Space) -> Term:
        ends = [None if end is None else self.eval(end, space).value for end in (node.lower, node.upper, node.step)]
        return plain(slice(*ends))

    def _ifexp(self, node: ast.IfExp, space: Space) -> Term:
        return self.eval(node.body if self.truth(node.test, space) else node.orelse, space)

    def _boolop(self, node: ast.BoolOp, space: Space) -> Term:
        term = self.eval(node.values[0], space)
        for other in node.values[1:]:
            if bool(term.value) == isinstance(node.op, ast.Or):
                return term
            term = self.eval(other, space)
        return term

    def _unaryop(self, node: ast.UnaryOp, space: Space) -> Term:
        term = self.eval(node.operand, space)
        if isinstance(node.op, ast.Not):
            return plain(not term.value)
        if isinstance(node.op, ast.Invert):
            return Term(maths.denied(term.math), ~term.value)
        if not isinstance(node.op, ast.USub):
            raise Unreadable("a sign")
        return plain(-term.value) if _literal(term) else Term(maths.negative(term.math), -term.value)

    def _binop(self, node: ast.BinOp, space: Space) -> Term:
        if type(node.op) not in BINARY:
            raise Unreadable(f"an operator {type(node.op).__name__}")
        return self.infix(*BINARY[type(node.op)], self.eval(node.left, space), self.eval(node.right, space))

    def infix(self, word: str, compute: Callable[[Any, Any], Any], a: Term, b: Term) -> Term:
        from .notation import INFIX

        if isinstance(a.value, tuple) or isinstance(b.value, tuple):
            return plain(a.value + b.value)
        if word in ("and", "or") and (a.plain or b.plain):  # decided already, or up to the other
            known, other = (a, b) if a.plain else (b, a)
            return other if bool(known.value) == (word == "and") else known
        if _literal(a) and _literal(b):
            return plain(compute(a.value, b.value))
        with np.errstate(all="ignore"):
            return Term(INFIX[word](a, b), compute(a.value, b.value))

    def _compare(self, node: ast.Compare, space: Space) -> Term:
        a, b = self.eval(node.left, space), self.eval(node.comparators[0], space)
        how = type(node.ops[0])
        if len(node.ops) > 1:
            raise Unreadable("two comparisons at once")
        if how in (ast.Is, ast.IsNot):
            return plain((a.value is b.value) == (how is ast.Is))
        if how not in COMPARE:
            raise Unreadable("a comparison")
        word, compute = COMPARE[how]
        from .notation import RELATED

        if a.plain and b.plain:  # of any objects
            same = a.value == b.value if how in (ast.Eq, ast.NotEq) else None
            return plain(compute(a.value, b.value) if same is None else same == (how is ast.Eq))
        return Term(RELATED[word](a, b), compute(a.value, b.value))

    def _attribute(self, node: ast.Attribute, space: Space) -> Term:
        base = self.eval(node.value, space)
        if base.plain:
            return plain(getattr(base.value, node.attr))
        if node.attr in ("mT", "T"):
            return Term(maths.turned(base.math), np.swapaxes(base.value, -1, -2) if base.value.ndim > 1 else base.value)
        if node.attr == "shape":
            return plain(tuple(base.value.shape))
        if node.attr in ("ndim", "dtype", "size"):
            return plain(getattr(base.value, node.attr))
        raise Unreadable(f"an attribute {node.attr}")

    def _subscript(self, node: ast.Subscript, space: Space) -> Term:
        base, at = self.eval(node.value, space), self.eval(node.slice, space).value
        if isinstance(base.value, tuple | list | dict | str):
            return plain(base.value[at])
        new = at if isinstance(at, tuple) else (at,)
        if all(k is None or k is Ellipsis or k == slice(None) for k in new):  # for broadcasting alone
            return Term(base.math, base.value[at])
        return Term(part_of(base.math, at), base.value[at])

    def _call(self, node: ast.Call, space: Space) -> Term:
        from . import notation

        args: list[Term] = []
        if isinstance(node.func, ast.Attribute):
            base = self.eval(node.func.value, space)
            if base.plain:
                f = getattr(base.value, node.func.attr)
            else:
                f = notation.FUNCTIONS.get(notation.METHODS.get(node.func.attr, ""))
                args.append(base)
        else:
            f = self.eval(node.func, space).value
        for a in node.args:
            if isinstance(a, ast.Starred):
                args += map(plain, self.eval(a.value, space).value)
            else:
                args.append(self.eval(a, space))
        options = {str(k.arg): self.eval(k.value, space) for k in node.keywords}
        return self.call(f, args, options, space.depth)

    def call(self, f: Any, args: list[Term], options: dict[str, Term], depth: int = 0) -> Term:
        from . import notation

        if f is None or isinstance(f, str):
            raise Unreadable("an unknown function")
        everything = [*args, *options.values()]
        declared = getattr(f, "op", None)
        word = declared.name if declared is not None else getattr(f, "__name__", str(f))
        row = notation.FUNCTIONS.get(word) or notation.FUNCTIONS.get(word.lstrip("_"))
        if isinstance(f, Function):
            row = f
        if f is math.prod or (getattr(builtins, word, None) is f and f not in (isinstance, float)):  # of sizes
            row = None
        if row is None and all(t.plain for t in everything):
            return plain(f(*[t.value for t in args], **{key: t.value for key, t in options.items()}))
        if row is not None:
            with np.errstate(all="ignore"):
                return row(*args, **options)
        if declared is not None and declared.name in notation.DEFINITIONS:
            given = dict(zip(declared.inputs, args, strict=False))
            return self.text(notation.DEFINITIONS[declared.name], _filled(declared, given | options))
        if isinstance(f, types.FunctionType) and declared is None and f.__code__.co_filename.startswith(PACKAGE):
            try:
                return self.function(f, args, options, depth + 1)
            except Unreadable:
                pass
        return self.borrow(f, word.lstrip("_"), args, options)

    def borrow(self, f: Any, word: str, args: list[Term], options: dict[str, Term]) -> Term:
        """The library's own function, called as it is."""
        if any(isinstance(t.value, tuple) and not t.plain for t in args):
            raise Unreadable("a function of several at once")
        with np.errstate(all="ignore"):
            value = f(*[t.value for t in args], **{key: t.value for key, t in options.items()})
        if not hasattr(value, "shape"):
            raise Unreadable(f"{word} gives no array")
        self.borrowed.add(word)
        shown = [t.math for t in args if not t.plain or _literal(t)]
        return Term(maths.applied(word.replace("_", " "), *shown), np.asarray(value))


@cache
def _parsed(source: str) -> ast.expr:
    return ast.parse(source.strip(), mode="eval").body


def _literal(t: Term) -> bool:
    return t.plain and isinstance(t.value, int | float | np.number) and not isinstance(t.value, bool)


def _filled(declared: Any, given: dict[str, Term]) -> dict[str, Term]:
    """The arguments of an operation by name, with its defaults."""
    return {x: plain(None) for x in declared.inputs} | {k: plain(v) for k, v in declared.options.items()} | given


def index_math(at: Any) -> Math:
    """An index as it is written in brackets."""
    parts = at if isinstance(at, tuple) else (at,)
    if parts[-1] is Ellipsis and len(parts) > 1:
        parts = parts[:-1]
    return maths.words(", ".join(map(_index, parts)))


def part_of(m: Math, at: Any) -> Math:
    """m with an index; a lone number is in brackets, because x with a number is a symbol of its own."""
    index = index_math(at)
    return maths.below(maths.held(m, maths.ATOM), maths.words(f"[{index.text}]") if index.text.isdigit() else index)


def _index(k: Any) -> str:
    if k is Ellipsis:
        return "…"
    if isinstance(k, slice):
        ends = ["" if end is None else str(end) for end in (k.start, k.stop, k.step)]
        return ":".join(ends[:2] if not ends[2] else ends)
    return str(k) if np.ndim(k) == 0 else "·"
