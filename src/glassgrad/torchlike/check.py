"""What a program names of PyTorch's that is not here, found by reading it: nothing of it is run."""

from __future__ import annotations

import ast
import builtins
import copy
import inspect
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

from . import facade, notebook, program
from .absent import NAMES
from .table import MODULES, ROOTS

Found = dict[str, list[str]]  # a name -> where it stands, as "program.py:12"

# Methods that a tensor or a module would lack here, unless Python's own objects have them as well.
PERHAPS = {
    attribute: path
    for path, names in NAMES.items() if path.rpartition(".")[2][:1].isupper()
    for attribute in names.split()
    if not any(hasattr(kind, attribute) for kind in (dict, list, str, set, tuple, bytes, int, float, open))
}  # fmt: skip


class Named(str):
    """A module of PyTorch's, by its name."""


class Checker:
    """Reads a program and the modules beside it.

    missing   what it names and glassgrad doesn't have
    unknown   what it names and PyTorch doesn't have either
    perhaps   methods that are missing, called on nobody knows what
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.missing: Found = defaultdict(list)
        self.unknown: Found = defaultdict(list)
        self.perhaps: Found = defaultdict(list)
        self.exports: dict[Path, dict[str, str]] = {}  # a module beside the program -> its names for torch's

    def read(self, tree: ast.Module, file: str, aliases: dict[str, str] | None = None) -> dict[str, str]:
        """Go through one file. Returns its names for torch's modules and what is in them; `aliases`: those so far."""
        visitor = Visitor(self, file, tree)
        visitor.aliases.update(aliases or {})
        visitor.visit(tree)
        return visitor.aliases

    def beside(self, name: str) -> dict[str, str]:
        """Go through a module that lies beside the program, if it does."""
        for file in files(self.folder, name):
            if file.name != "__main__.py":
                if file not in self.exports:
                    self.exports[file] = {}
                    tree = ast.parse(file.read_bytes(), file)
                    self.exports[file] = self.read(tree, str(file.relative_to(self.folder)))
                return self.exports[file]
        return {}


class Visitor(ast.NodeVisitor):
    """One file. `aliases` says what names stand for: {"F": "torch.nn.functional"}."""

    def __init__(self, checker: Checker, file: str, tree: ast.Module) -> None:
        self.checker, self.file = checker, file
        self.aliases: dict[str, str] = {}
        self.stars: list[str] = []
        self.bound = bound(tree)
        # What a program asks for with hasattr, it can do without.
        self.asked = {
            call.args[1].value
            for call in ast.walk(tree)
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ("hasattr", "getattr")
            and len(call.args) > 1 and isinstance(call.args[1], ast.Constant)
        }  # fmt: skip

    def say(self, found: Found, node: ast.AST, text: str) -> None:
        place = f"{self.file}:{node.lineno}"  # type: ignore[attr-defined]
        if place not in found[text]:
            found[text].append(place)

    # --- imports ---

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            root = alias.name.partition(".")[0]
            if root in ROOTS:
                if self.module(alias.name, node):
                    self.aliases[alias.asname or root] = alias.name if alias.asname else root
            else:
                self.checker.beside(alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        source = node.module or ""
        if source.partition(".")[0] not in ROOTS or node.level:
            package = "/".join(Path(self.file).parent.parts[: None if node.level <= 1 else 1 - node.level])
            whole = ".".join(filter(None, [package.replace("/", "."), source])) if node.level else source
            exported = self.checker.beside(whole)
            for alias in node.names:
                self.checker.beside(f"{whole}.{alias.name}")
                taken = exported if alias.name == "*" else {alias.asname or alias.name: exported.get(alias.name)}
                self.aliases.update({name: path for name, path in taken.items() if path})
        elif self.module(source, node):
            for alias in node.names:
                if alias.name == "*":
                    self.stars.append(source)
                elif self.resolve(source, [alias.name], node) is not None:
                    self.aliases[alias.asname or alias.name] = f"{source}.{alias.name}"

    def module(self, name: str, node: ast.AST) -> bool:
        """Whether a module is here; if not, the outermost one that isn't is said."""
        parts = name.split(".")
        for i in range(1, len(parts) + 1):
            if not facade.behind(whole := ".".join(parts[:i])):
                self.lacks(whole, node)
                return False
        return True

    # --- names ---

    def lacks(self, name: str, node: ast.AST) -> None:
        if name.rpartition(".")[2] not in self.asked:
            known = name in ROOTS or name in MODULES or facade.in_torch(name)
            self.say(self.checker.missing if known else self.checker.unknown, node, name)

    def path(self, node: ast.expr) -> tuple[str, list[str]] | None:
        """The chain nn.functional.relu as what its first name stands for, and the rest."""
        rest: list[str] = []
        while isinstance(node, ast.Attribute):
            rest.append(node.attr)
            node = node.value
        if isinstance(node, ast.Name) and node.id in self.aliases:
            return self.aliases[node.id], rest[::-1]
        return None

    def resolve(self, start: str, rest: list[str], node: ast.AST) -> Any:
        """The object at the end of a chain; None where something on the way is missing, which is said."""
        name, here = start, module_or_value(start)
        for attribute in rest:
            if isinstance(here, Named):
                name = f"{name}.{attribute}"
                try:
                    here = module_or_value(name)
                except AttributeError:
                    self.lacks(name, node)
                    return None
            elif isinstance(here, type):
                if not hasattr(here, attribute) and attribute in NAMES.get(name, "").split():
                    self.lacks(f"{name}.{attribute}", node)
                return None
            else:
                return None
        return here

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if (chain := self.path(node)) is not None:
            if isinstance(node.ctx, ast.Load):
                self.resolve(*chain, node)
            else:
                self.resolve(chain[0], chain[1][:-1], node)
            return
        self.visit(node.value)

    def visit_Name(self, node: ast.Name) -> None:
        if self.stars and node.id not in self.bound and not hasattr(builtins, node.id):
            for source in self.stars:
                if facade.in_torch(name := f"{source}.{node.id}"):
                    self.lacks(name, node)

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        chain, method = self.path(node.func), getattr(node.func, "attr", None)
        if chain is None and method in PERHAPS and method not in self.asked:
            self.say(self.checker.perhaps, node, f"{PERHAPS[method]}.{method}")
        called = self.resolve(*chain, node) if chain else None
        if isinstance(called, FunctionType | type) and (taken := keywords(called)) is not None:
            for keyword in node.keywords:
                if keyword.arg and keyword.arg not in taken:
                    self.say(self.checker.missing, node, f"{'.'.join([chain[0], *chain[1]])}({keyword.arg}=)")  # type: ignore[index]

    # --- what is not reached, or stands for something else inside ---

    def visit_Assign(self, node: ast.Assign) -> None:
        """F = torch.nn.functional"""
        self.generic_visit(node)
        chain = self.path(node.value)
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.aliases.pop(target.id, None)
                if chain and isinstance(self.resolve(*chain, node), Named | type | FunctionType):
                    self.aliases[target.id] = ".".join([chain[0], *chain[1]])

    def visit_If(self, node: ast.If) -> None:
        """`if torch.cuda.is_available():` is false here."""
        self.visit(node.test)
        chain = self.path(node.test.func) if isinstance(node.test, ast.Call) else None
        never = chain is not None and chain[1][-1:] == ["is_available"]
        for statement in [*([] if never else node.body), *node.orelse]:
            self.visit(statement)

    def visit_Try(self, node: ast.Try) -> None:
        """What is tried to be imported, the program can do without."""
        caught = " ".join(ast.unparse(handler.type) if handler.type else "Exception" for handler in node.handlers)
        kinds = ["ImportError", "ModuleNotFoundError", "AttributeError"]
        if any(
            isinstance(part, ast.Import | ast.ImportFrom) for statement in node.body for part in ast.walk(statement)
        ):
            kinds.append("Exception")
        before = copy.deepcopy((self.checker.missing, self.checker.unknown, self.checker.perhaps))
        for statement in node.body:
            self.visit(statement)
        if any(kind in caught for kind in kinds):
            self.checker.missing, self.checker.unknown, self.checker.perhaps = before
        for part in (*node.handlers, *node.orelse, *node.finalbody):
            self.visit(part)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        """Parameters and local variables stand for something else than outside."""
        outside = dict(self.aliases)
        given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
        for name in {a.arg for a in given if a} | (bound(node) - imported(node)):
            self.aliases.pop(name, None)
        self.generic_visit(node)
        self.aliases = outside

    visit_AsyncFunctionDef = visit_Lambda = visit_FunctionDef  # type: ignore[assignment]


def module_or_value(name: str) -> Any:
    """A module of torch's as its name, anything else as itself."""
    if facade.behind(name):
        return Named(name)
    return facade.find(*name.rsplit(".", 1))


def bound(tree: ast.AST) -> set[str]:
    """The names that are assigned or defined within."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    kinds = ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef
    return names | {node.name for node in ast.walk(tree) if isinstance(node, kinds) and node is not tree}


def imported(tree: ast.AST) -> set[str]:
    aliases = (node.names for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))
    return {(alias.asname or alias.name).partition(".")[0] for names in aliases for alias in names}


def keywords(called: Any) -> set[str] | None:
    """The keywords that a function takes; None where it takes any, or nobody knows."""
    try:
        parameters = inspect.signature(called).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return {p.name for p in parameters if p.kind is not p.POSITIONAL_ONLY}


def check(words: list[str]) -> Checker:
    """Read the program that `words` would run. Raises CannotStart if there is none, SyntaxError if it is no Python."""
    path = Path(words[0])
    if words[0] == "-m":
        path = next(iter(files(Path.cwd(), words[1])), None) if len(words) > 1 else None  # type: ignore[assignment]
        if path is None:
            raise program.CannotStart(f"no module {' '.join(words[1:2])} in this folder: --check reads no others", 1)
        checker = Checker(Path.cwd())
    else:
        checker = Checker(path.parent)
    source = sys.stdin.buffer.read() if words[0] == "-" else program.read(str(path))
    if path.suffix == ".ipynb":
        aliases: dict[str, str] = {}
        for number, cell in enumerate(notebook.cells(source.decode()), start=1):
            title = f"{path.name}[{number}]"
            aliases = checker.read(notebook.parse(cell, title), title, aliases)
    else:
        title = "<stdin>" if words[0] == "-" else str(path.relative_to(checker.folder))
        checker.read(ast.parse(source, title), title)
    return checker


def files(folder: Path, name: str) -> Iterator[Path]:
    """Where a module may be, if it is there."""
    path = folder.joinpath(*name.split("."))
    yield from filter(Path.is_file, (path.with_suffix(".py"), path / "__main__.py", path / "__init__.py"))


def report(checker: Checker) -> Iterator[str]:
    """The lines to print."""
    for found, said in (
        (checker.missing, "{} is not in glassgrad yet: {}"),
        (checker.unknown, "{} is neither in glassgrad nor in PyTorch: {}"),
        (checker.perhaps, "{}, if that is what is called, is not in glassgrad yet: {}"),
    ):
        for name, places in sorted(found.items()):
            yield said.format(name, ", ".join(places))
    if not checker.missing and not checker.unknown:
        yield "nothing that the program names is missing"
