"""Write the pictures of docs/draw.md, by its own code, and the screen of docs/step.md. `make pictures`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import runpy
import shutil
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FONTS = re.compile(r"\s*@font-face {.*?}", re.DOTALL)  # textual's pictures fetch them from the network
SCREENS = {"step.svg": ("residual.py", ["g", "5", "enter"])}  # file -> a program, and keys


def drawings() -> None:
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


def screen(file: str, program: str, keys: list[str]) -> None:
    """What `glassgrad step` shows of a program after these keys, in 80 columns and 24 lines."""
    from glassgrad import torchlike
    from glassgrad.glass.stepping.program import stopped
    from glassgrad.glass.stepping.screen import Stepper
    from glassgrad.glass.stepping.session import Session

    async def photograph(app: Stepper) -> str:
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause()
            await pilot.press(*keys)
            await pilot.pause()
            return app.export_screenshot(title=f"glassgrad step {program}")

    def view(cursor: Any, stands: Any) -> bool:
        picture = asyncio.run(photograph(Stepper(Session(cursor, stands))))
        (HERE / file).write_text(FONTS.sub("", picture).replace("\xa0", "&#160;"), encoding="utf-8")
        return False

    torchlike.install()
    with contextlib.suppress(SystemExit), stopped(view):
        runpy.run_path(str(HERE / program))


if __name__ == "__main__":
    drawings()
    for file, (program, keys) in SCREENS.items():
        screen(file, program, keys)
