"""What the package may not contain, found in its syntax tree. Each rule carries a line that breaks it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))

ARBITRARY_CODE = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}


@dataclass
class Rule:
    name: str
    broken_by: str  # a line of code that the rule must find
    finds: Callable[[ast.AST], bool]


def imported(node: ast.AST) -> set[str]:
    """The top-level modules that an import statement names."""
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom) and not node.level:
        if node.module == "pickle" and {alias.name for alias in node.names} <= {"PicklingError", "UnpicklingError"}:
            return set()  # the exceptions that PyTorch raises
        return {(node.module or "").split(".")[0]}
    return set()


def called(node: ast.AST) -> str:
    """`os.system(x)` -> "os.system"; "" where the node is no call."""
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def keyword(node: ast.AST, name: str) -> bool:
    """A call passes `name` and it is not the literal False."""
    return isinstance(node, ast.Call) and any(
        k.arg == name and not (isinstance(k.value, ast.Constant) and k.value.value is False) for k in node.keywords
    )


def swallows(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
        and all(isinstance(line, ast.Pass | ast.Continue) for line in node.body)
    )


def plain_http(node: ast.AST) -> bool:
    # Names of XML namespaces are not fetched; the loopback needs no certificate.
    fetched = r"http://(?!www\.w3\.org/|127\.0\.0\.1|localhost)"
    text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
    return bool(re.search(fetched, text))


RULES = [
    Rule("no pickle and its kin", "from pickle import loads", lambda n: bool(imported(n) & ARBITRARY_CODE)),
    Rule("no pickle by name", 'importlib.import_module("pickle")', lambda n: (
        called(n) in {"__import__", "import_module", "importlib.import_module"}
        and any(ast.unparse(a).strip("'\"").split(".")[0] in ARBITRARY_CODE for a in n.args)  # type: ignore[attr-defined]
    )),
    Rule("no eval or exec", "eval('1')", lambda n: (
        called(n) in {"eval", "exec", "builtins.eval", "builtins.exec"}
    )),
    Rule("no np.load of objects", "np.load(f, allow_pickle=True)", lambda n: keyword(n, "allow_pickle")),
    Rule("no pickled dump", "array.dump(f)", lambda n: (
        called(n).endswith(".dump") and called(n) != "json.dump"
    )),
    Rule("no extractall", "tar.extractall('.')", lambda n: called(n).endswith(".extractall")),
    Rule("no shell", "subprocess.run(x, shell=True)", lambda n: keyword(n, "shell")),
    Rule("no os.system", "os.system('ls')", lambda n: (
        called(n) in {"os.system", "os.popen", "system", "popen"}
    )),
    Rule("no error swallowed", "try: f()\nexcept Exception: pass", swallows),
    Rule("warnings by core.provenance.warn", "warnings.warn('x', stacklevel=2)", lambda n: (
        called(n) in {"warnings.warn", "warnings.warn_explicit"}
        or (isinstance(n, ast.ImportFrom) and "warnings" in imported(n))
    )),
    Rule("no fetching without TLS", "url = 'http://example.org/x.gz'", plain_http),
]  # fmt: skip


# The files whose work is what a rule forbids elsewhere.
EXCEPT = {
    "no eval or exec": ("torchlike/program.py", "torchlike/notebook.py"),  # these run the user's own program
    # chapter one stands alone, and has a warn of its own
    "warnings by core.provenance.warn": ("core/provenance.py", "scalar/engine.py"),
}


@cache
def nodes(source: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(source)))


def breaches(rule: Rule, source: str) -> list[int]:
    """The lines at which `source` breaks the rule."""
    return [node.lineno for node in nodes(source) if rule.finds(node)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_package_keeps(rule: Rule) -> None:
    kept = [path for path in SOURCES if not path.as_posix().endswith(EXCEPT.get(rule.name, ()))]
    assert kept
    assert not [f"{path}:{n}" for path in kept for n in breaches(rule, path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rule_can_fail(rule: Rule) -> None:
    assert breaches(rule, rule.broken_by)


@pytest.mark.parametrize("source", [
    "model.eval()", "np.load(f, allow_pickle=False)", "json.dump(x, f)", "url = 'https://example.org'",
    "from .pickle import x", "from pickle import UnpicklingError", "try: f()\nexcept KeyError: pass", "xmlns = 'http://www.w3.org/2000/svg'",
])  # fmt: skip
def test_rules_leave_good_code_alone(source: str) -> None:
    assert not [rule.name for rule in RULES if breaches(rule, source)]


# --- nothing in the repository names a machine -------------------------------------------------------------

MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:root|home|work|tmp|Users|mnt|opt)/[\w.-]+")
TEXT = {".py", ".md", ".toml", ".yaml", ".yml", ".cfg", ".sh", ".html", ".css", ".js", ".json", ".ipynb"}
FOLDERS = ("src", "tests", "docs", "examples", "benchmarks", ".ci")


def machine_paths(text: str) -> list[str]:
    return MACHINE_PATH.findall(text)


def test_no_machine_paths() -> None:
    found = {}
    for file in [*ROOT.iterdir(), *(file for folder in FOLDERS for file in (ROOT / folder).rglob("*"))]:
        if file.is_file() and (file.suffix in TEXT or file.name in {"Makefile", "run"}):
            found[str(file)] = machine_paths(file.read_text(encoding="utf-8"))
    assert found
    assert not {file: paths for file, paths in found.items() if paths}


def test_machine_paths_are_found() -> None:
    assert machine_paths("data at " + "/".join(["", "home", "ada", "data"]))
    assert not machine_paths("cache in ~/.cache/glassgrad, https://example.org/work/x, ../work/x")
