"""Write the pictures of docs/draw.md, by its own code, and of docs/step.md a screen and a page. `make pictures`.

The page's is taken by a browser, where there is one.
"""

from __future__ import annotations

import asyncio
import contextlib
import linecache
import os
import re
import runpy
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FONTS = re.compile(r"\s*@font-face {.*?}", re.DOTALL)  # textual's pictures fetch them from the network
SCREENS = {"step.svg": ("residual.py", ["g", "5", "enter"])}  # file -> a program, and keys


@contextlib.contextmanager
def written(name: str) -> Iterator[list[str]]:
    """While it lasts one is in a folder where the code of a document has run; yields the pictures that it shows."""
    text = (HERE.parent / name).read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"(?<!-->\n)^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    linecache.cache["program.py"] = (len(code), None, code.splitlines(keepends=True), "program.py")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        exec(compile(code, "program.py", "exec"), {"__name__": "__main__"})
        yield re.findall(r"\(pictures/([\w.]+)\)", text)
        os.chdir(HERE)


def photographed(page: Path, picture: Path) -> None:
    """A page's picture, as a browser shows it."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return print(f"{picture.name} needs playwright and chromium: left as it was")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": 1280, "height": 720}, color_scheme="light")
        view.goto(page.absolute().as_uri())
        view.wait_for_selector("body[data-ready]")
        view.screenshot(path=picture)
        browser.close()


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
    with written("draw.md") as shown:
        for name in shown:
            shutil.copy(name, HERE / name)
    with written("step.md"):
        photographed(Path("step.html"), HERE / "step_page.png")
    for file, (program, keys) in SCREENS.items():
        screen(file, program, keys)
