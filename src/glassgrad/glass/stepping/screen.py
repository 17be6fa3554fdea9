"""The screen of a cursor, by textual: the steps, the mathematics of the current one, the line of the program."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.events import Click, Key, Resize
from textual.widgets import Input, Static

from ..words import text_of
from .session import COMMANDS, Command, Line, Session, clean

KEYS = {key: command for command in COMMANDS for key in command.keys.split()}
STYLES = {"": "", "bold": "bold", "soft": "dim", "here": "bold reverse", "wrong": "bold red"}
FOOT = " n next  p back  g goto  / search  N nan  m module  e entries  ? help  q quit"


class Stepper(App[None]):
    """Its keys are the session's commands. All text is shown as it is: none of it is read as markup."""

    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None
    CSS: ClassVar[str] = """
    Static { text-wrap: nowrap; text-overflow: ellipsis; }
    #steps { width: 2fr; height: 1fr; max-width: 48; border-right: solid $panel; }
    #now { text-wrap: wrap; }
    #mathematics { width: 3fr; padding: 0 1; }
    #source { height: 30%; min-height: 5; max-height: 13; border-top: solid $panel; }
    #line, #foot, #head { height: 1; }
    #head, #foot { background: $panel; }
    #said { width: auto; max-width: 100%; text-style: bold; padding: 0 1; }
    #ask { width: 1fr; height: 1; border: none; padding: 0; display: none; }
    .paged #steps, .paged #source { display: none; }
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.asking: Command | None = None

    def compose(self) -> ComposeResult:
        yield Static(id="head")
        with Horizontal():
            yield Static(id="steps")
            with VerticalScroll(id="mathematics", can_focus=False):
                yield Static(id="now")
        yield Static(id="source")
        with Horizontal(id="line"):
            yield Static(id="said")
            yield Input(id="ask")
        yield Static(Text(FOOT), id="foot")

    def on_mount(self) -> None:
        self.call_after_refresh(self.draw)

    def on_resize(self, event: Resize) -> None:
        self.call_after_refresh(self.draw)

    def draw(self) -> None:
        session, cursor = self.session, self.session.cursor
        self.screen.set_class(bool(session.page), "paged")
        place = f"step {cursor.at} of {len(cursor)}" if cursor.at else f"{len(cursor)} steps"
        self.put("head", [clean(f" {place} of the backward pass of {text_of(cursor.graph.root)}")])
        self.put("steps", session.listed(self.query_one("#steps").content_size.height))
        self.put("now", session.mathematics(self.query_one("#mathematics").content_size.width))
        self.put("source", session.source(self.query_one("#source").content_size.height))
        self.put("said", [clean(session.said)])

    def put(self, name: str, lines: list[Line]) -> None:
        text = Text("\n").join([Text(line.text, STYLES[line.style]) for line in lines])
        self.query_one(f"#{name}", Static).update(text)

    # --- what a person does ---

    def on_key(self, event: Key) -> None:
        if self.asking is not None:
            if event.key == "escape":
                self.answered("", act=False)
            return
        if event.key == "escape":
            self.session.page = []
            self.draw()
        elif event.key in ("pageup", "pagedown"):
            pane = self.query_one("#mathematics", VerticalScroll)
            pane.scroll_page_up() if event.key == "pageup" else pane.scroll_page_down()
        elif command := KEYS.get("q" if event.key == "ctrl+c" else event.key) or KEYS.get(event.character or ""):
            event.prevent_default()
            if command.asks:
                self.ask(command)
            else:
                self.carry_out(command, "")

    def ask(self, command: Command) -> None:
        self.asking = command
        line = self.query_one("#ask", Input)
        line.placeholder, line.value, line.display = command.asks, "", True
        self.put("said", [Line(f"{command.name}:")])
        line.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.answered(event.value)

    def answered(self, words: str, act: bool = True) -> None:
        command, self.asking = self.asking, None
        self.query_one("#ask").display = False
        self.set_focus(None)
        if act and command is not None:
            self.carry_out(command, words)
        else:
            self.draw()

    def carry_out(self, command: Command, words: str) -> None:
        self.session.do(command, words)
        if self.session.closed is not None:
            self.exit()
        self.query_one("#mathematics", VerticalScroll).scroll_home(animate=False)
        self.draw()

    def on_click(self, event: Click) -> None:
        """A step in the list is a place to go to."""
        steps: Any = self.query_one("#steps")
        lines = self.session.listed(steps.content_size.height)
        row = event.screen_y - steps.content_region.y
        if event.widget is steps and 0 <= row < len(lines) and lines[row].step:
            self.carry_out(KEYS["g"], str(lines[row].step))
