"""Documentation is executed: the code of README.md and docs/, and the examples in docstrings.

In a document, a ```python block runs after those above it, in one namespace. Where a ```text block follows
it, with nothing but blank lines between, what the code prints must equal it; `...` stands for anything. A
block under `<!-- not run: reason -->` is left out, and the reason stands in the document.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import doctest
import importlib
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
MODULES = sorted((ROOT / "src" / "glassgrad").rglob("*.py"))
FLAGS = doctest.ELLIPSIS

BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<reason>[^\n]+?) -->\n+)?"
    r"^```python\n(?P<code>.*?)^```$"
    r"(?:\n+^```text\n(?P<output>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)


@dataclass
class Block:
    code: str
    output: str | None  # what it must print, where the document shows it
    line: int
    reason: str | None  # why it is not run


def read(path: Path) -> str:
    if not path.exists():
        pytest.fail(f"{path.name} is missing: a newcomer reads it first", pytrace=False)
    return path.read_text(encoding="utf-8")


def blocks(text: str) -> list[Block]:
    return [
        Block(m["code"], m["output"], text.count("\n", 0, m.start("code")) + 1, m["reason"])
        for m in BLOCK.finditer(text)
    ]


def run(text: str, name: str) -> None:
    """Execute a document's blocks and compare what they print with what it shows."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(text):
        if block.reason:
            continue
        printed = io.StringIO()
        # Leading newlines put the document's own line numbers into a traceback.
        code = compile("\n" * (block.line - 1) + block.code, name, "exec")
        with contextlib.redirect_stdout(printed):
            exec(code, namespace)
        if block.output is not None:
            got = printed.getvalue()
            if not doctest.OutputChecker().check_output(block.output, got, FLAGS):
                pytest.fail(f"{name}:{block.line} prints\n{got}\nand shows\n{block.output}", pytrace=False)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_document(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(read(path), path.name)


def test_readme_shows_code_with_its_output() -> None:
    shown = blocks(read(ROOT / "README.md"))
    assert any(block.output and not block.reason for block in shown)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z][\w-]*):", read(ROOT / "Makefile"), re.MULTILINE))
    mentioned = set(re.findall(r"(?:`|^)make ([a-z][\w-]*)", read(path), re.MULTILINE))
    assert mentioned <= targets


def examples(path: Path) -> list[doctest.DocTest]:
    """The examples in a file's docstrings, read from its syntax tree: decorators cannot hide them."""
    parser, found = doctest.DocTestParser(), []
    for node in ast.walk(ast.parse(read(path))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text and ">>>" in text:
                line = node.body[0].lineno - 1
                name = f"{path.stem}.{getattr(node, 'name', '')}"
                found.append(parser.get_doctest(text, {}, name, str(path), line))
    return found


def failures(test: doctest.DocTest, namespace: dict[str, Any]) -> str:
    report = io.StringIO()
    test.globs = dict(namespace)
    doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(test, out=report.write)
    return report.getvalue()


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT / "src").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_docstrings(path: Path) -> None:
    """An example may use its module's names without import, and the package's that hide no builtin."""
    if not (tests := examples(path)):
        return
    package, module = importlib.import_module("glassgrad"), importlib.import_module(module_name(path))
    public = {name: value for name, value in vars(package).items() if not hasattr(builtins, name)}
    report = "".join(failures(test, {"torch": package, **public, **vars(module)}) for test in tests)
    assert not report, report


# --- the checkers can fail --------------------------------------------------------------------------------

DOCUMENT = """
```python
x = 6
```

```python
print(x * 7)
```

```text
42
```

<!-- not run: takes a day -->
```python
print(undefined)
```
"""


def test_checker_passes_a_true_document() -> None:
    run(DOCUMENT, "planted.md")
    assert [block.line for block in blocks(DOCUMENT)] == [3, 7, 16]
    assert [block.output for block in blocks(DOCUMENT)] == [None, "42\n", None]


@pytest.mark.parametrize("lie", [("42", "43"), ("x * 7", "x"), ("42\n", "42\n43\n")])
def test_checker_fails_a_document_that_lies(lie: tuple[str, str]) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"planted\.md:7 prints"):
        run(DOCUMENT.replace(*lie), "planted.md")


@pytest.mark.parametrize("cut", ["<!-- not run: takes a day -->", ": takes a day", "\n```python\nx = 6\n```"])
def test_checker_runs_what_gives_no_reason(cut: str) -> None:
    with pytest.raises(NameError):
        run(DOCUMENT.replace(cut, ""), "planted.md")


def test_docstring_checker_can_fail(tmp_path: Path) -> None:
    path = tmp_path / "planted.py"
    path.write_text('@decorated\ndef f():\n    """>>> 1 + 1\n    3\n    """\n', encoding="utf-8")
    [test] = examples(path)
    assert "Expected:\n    3\nGot:\n    2" in failures(test, {})
    path.write_text('def f():\n    """>>> 1 + 1\n    2\n    """\n', encoding="utf-8")
    [test] = examples(path)
    assert failures(test, {}) == ""
