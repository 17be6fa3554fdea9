"""Write docs/errors.md from the catalogue, each example run: `make errors`."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

from glassgrad import torchlike
from glassgrad.core.errors.catalogue import REST, ROWS
from glassgrad.core.errors.notes import tell
from glassgrad.core.errors.row import Row
from mistakes import run, told

PAGE = Path(__file__).parents[1] / "docs" / "errors.md"
THEMES = {
    "GG1": "Shapes and indices",
    "GG2": "Kinds of numbers, devices, values",
    "GG3": "Gradients",
    "GG4": "Modules",
    "GG5": "Losses",
    "GG6": "Optimizers",
    "GG7": "Data",
    "GG8": "Functions of functions",
    "GG9": "Everything else",
}
START = """\
# What an error says

The sentence of an exception, `str(e)`, is PyTorch's own where PyTorch has one, so a program that prints it prints the
same. What glassgrad knows besides stands below it, in the exception's notes, wherever it is shown: in a terminal, a
notebook, a log, under pytest.

```text
{example}
```

| line | |
|---|---|
| `at` | the line of your program |
| `in` | the module whose `forward` it is, by its place in the outermost one, with its class |
| `with` | tensors that the expression names or hands on, and the weights of the layer: dtype and shape; integers |
| `saved`, `changed`, `freed` | of values that backward needed: who saved them, who changed or freed them since |
| `fix` | what most likely mends it: here, with the names and numbers at hand, or else in general |
| `code` | its section on this page, which `glassgrad explain GG102` prints |

Sections from GG901 on stand for all sentences of a kind that have no section of their own. In the examples `nn` is
`torch.nn` and `F` is `torch.nn.functional`. This page is written by `make errors`, which runs them.
"""
NETWORK = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 8, 3)
        self.fc = nn.Linear(8 * 28 * 28, 10)

    def forward(self, images):
        x = F.relu(self.conv(images))
        return self.fc(x.flatten(1))

Net()(torch.randn(32, 1, 28, 28))
"""


def ending(program: str, torch: Any) -> str:
    """What a program prints at its end."""
    problem = run(program, torch, "example.py")
    tell(problem)
    return f"{type(problem).__name__}: {told(problem)}"


def section(code: str, row: Row, torch: Any) -> str:
    said = ending(row.program(), torch) if row.example else ""
    lines = [f"### {code}", f"**{row.title[0].upper()}{row.title[1:]}.** {row.means}"]
    if said:
        lines.append(f"<!-- not run: it ends in the exception below -->\n```python\n{row.program()}```")
        lines.append(f"```text\n{said}\n```")
    if f"  fix   {row.fix}\n" not in said:
        lines.append(f"Mostly: {row.fix}.")
    return "\n\n".join(lines)


def page() -> str:
    warnings.simplefilter("ignore")
    torchlike.install()
    import torch
    import torch.func
    import torch.utils.data

    parts = [START.format(example=ending(NETWORK, torch))]
    theme = ""
    for code, row in (ROWS | REST).items():
        if code[:3] != theme:
            theme = code[:3]
            parts.append(f"## {THEMES[theme]}\n")
        parts.append(section(code, row, torch) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    Path(sys.argv[1] if sys.argv[1:] else PAGE).write_text(page(), encoding="utf-8")
