"""How far it is: a bar on a terminal, by rich where that is installed, and nothing where nobody watches."""

from __future__ import annotations

import sys
import time
from typing import Any

REFRESH = 0.1  # seconds between two drawings


class Progress:
    """A bar under the lines that are printed: `with Progress() as bar: bar.show("epoch 1/5", 0.3)`."""

    def __init__(self) -> None:
        self._drawn = 0.0
        self._rich: Any = None
        self._task: Any = None
        self._watched = sys.stdout.isatty()

    def __enter__(self) -> Progress:
        if self._watched:
            try:
                from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
            except ImportError:
                return self
            columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
            self._rich = Progress(*columns, transient=True)
            self._rich.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._rich is not None:
            self._rich.stop()
        else:
            self._wipe()

    def show(self, text: str, share: float) -> None:
        """Draw the bar at share of 1; does nothing if it was drawn just now."""
        now = time.perf_counter()
        if not self._watched or now - self._drawn < REFRESH:
            return
        self._drawn = now
        if self._rich is None:
            filled = round(30 * share)
            print(f"\r{text} [{'#' * filled}{'.' * (30 - filled)}] {share:4.0%} ", end="", flush=True)
        elif self._task is None:
            self._task = self._rich.add_task(text, total=1.0, completed=share)
        else:
            self._rich.update(self._task, description=text, completed=share)

    def print(self, line: str) -> None:
        """A line that stays, above the bar; the next bar is a new one."""
        if self._rich is None:
            self._wipe()
            print(line, flush=True)
            return
        self._rich.console.print(line, markup=False, highlight=False)
        if self._task is not None:
            self._rich.remove_task(self._task)
            self._task = None

    def _wipe(self) -> None:
        if self._watched and self._drawn:
            print("\r" + " " * 79 + "\r", end="", flush=True)
