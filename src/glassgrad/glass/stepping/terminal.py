"""A cursor in a terminal: a screen with keys, a prompt where the screen can't be, and the whole pass as text."""

from __future__ import annotations

import asyncio
import os
import sys
import threading

from ...core.provenance import Place, caller
from .cursor import Cursor
from .session import COMMANDS, Line, Session, clean

MOST = 200  # steps that are printed; of a longer pass those at its ends
INSTALL = "a screen with keys needs textual: pip install 'glassgrad[step]'"
BY_KEY = {key: command for command in COMMANDS for key in command.keys.split()}


def show(cursor: Cursor, stands: Place | None = None, text: bool = False) -> bool:
    """Open the cursor in the terminal, or print it. True: the person wants the program to go on.

    stands: the line of the program to be shown where the graph has none; by default the caller's. text: only print.
    """
    if text or not (sys.stdin.isatty() and sys.stdout.isatty()):
        print_all(cursor)
        return False
    session = Session(cursor, stands or caller())
    if screen_can_be():
        try:
            from .screen import Stepper
        except ImportError:
            print(INSTALL)
        else:
            Stepper(session).run()
            return bool(session.closed)
    prompt(session)
    return bool(session.closed)


def screen_can_be() -> bool:
    """textual reads standard input and writes to standard error, from the main thread, in an event loop of its own."""
    return (
        sys.stderr.isatty()
        and os.environ.get("TERM", "dumb" if os.name == "posix" else "") != "dumb"
        and threading.current_thread() is threading.main_thread()
        and asyncio._get_running_loop() is None
    )


def print_all(cursor: Cursor) -> None:
    """The steps from the current one on; of more than MOST, those at the ends."""
    rest = range(cursor.at + (cursor.at == 0), len(cursor) + 1)
    left_out = rest[MOST // 2 : -MOST // 2] if len(rest) > MOST else range(0)
    try:
        for step in rest:
            if step not in left_out:
                print_lines(str(cursor.goto(step)))
            elif step == left_out[0]:
                print(f"... {len(left_out):,} steps ...")
        if cursor.graph.left_out:
            print(cursor.graph.left_out)
        sys.stdout.flush()
    except BrokenPipeError:  # who reads it, less or head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_lines(text: str) -> None:
    print("\n".join(clean(line).text for line in text.splitlines()))


def prompt(session: Session) -> None:
    """Commands by their first key and Enter, with what they ask for behind it; anything else is a place to go to."""
    print_lines(str(session.cursor))
    print("n: next, p: back, a number or a name: go there, ?: all commands, q: quit")
    while session.closed is None:
        try:
            words = input(f"step {session.cursor.at}/{len(session.cursor)}> ").strip()
        except (EOFError, KeyboardInterrupt):
            print()
            words = "q"
        obey(session, words)


def obey(session: Session, words: str) -> None:
    """What was typed at the prompt, and its answer."""
    first, _, rest = words.partition(" ")
    if words[:1] in "/>" and words:
        first, rest = words[0], words[1:]
    at, shown = session.cursor.at, session.exact
    command = BY_KEY.get(first or "n")
    session.do(command or BY_KEY["g"], rest if command else words)
    lines = list(session.page)
    if not lines and session.cursor.at != at:
        lines = [Line(line) for line in str(session.cursor).splitlines()]
    if session.exact and (session.cursor.at != at or not shown):
        lines += session.entries(80)
    if session.said:
        lines.append(clean(session.said))
    if lines:
        print_lines("\n".join(line.text for line in lines))
