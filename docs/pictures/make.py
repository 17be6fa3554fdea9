"""Write the pictures of docs/draw.md: its own code, run in a folder of its own, saves them. `make pictures`."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    document = HERE.parent / "draw.md"
    text = document.read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    shown = re.findall(r"\(pictures/([\w.]+)\)", text)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        exec(compile(code, document.name, "exec"), {"__name__": "__main__"})
        for name in shown:
            shutil.copy(name, HERE / name)
        os.chdir(HERE)


if __name__ == "__main__":
    main()
