"""`glassgrad step`, and a cursor in a terminal: the screen, the prompt, the text."""

from __future__ import annotations

import asyncio
import builtins
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import glassgrad as gg
from glassgrad.cli.main import main
from glassgrad.core.provenance import caller
from glassgrad.glass.programs import before_backward
from glassgrad.glass.stepping import terminal
from glassgrad.glass.stepping.program import stopped
from glassgrad.glass.stepping.session import COMMANDS, Session
from glassgrad.scalar import Value
from test_cli_run import Outcome, dedent, forked
from test_glass_step import FIRST, SECOND, deep, first

PROGRAMS = {
    "first.py": """
        from glassgrad.scalar import Value
        a, b, c, d = Value(2.0), Value(3.0), Value(4.0), Value(5.0)
        y = ((a * b) + c) * (a + d)
        y.backward()
        print(a.grad, b.grad, c.grad, d.grad)
    """,
    "second.py": """
        from glassgrad.scalar import Value
        x, w1, w2, b = Value(2.0), Value(3.0), Value(-1.0), Value(0.5)
        y = (w2 * (w1 * x + b).relu()) ** 2
        y.backward()
    """,
    "net.py": """
        import sys
        import torch
        w = torch.ones(2, requires_grad=True)
        for k in range(3):
            loss = (w * (k + 1)).sum()
            loss.backward()
        print(sys.argv[1:], w.grad.tolist())
    """,
    "nan.py": """
        import torch
        x = torch.tensor([1.0, 0.0], requires_grad=True)
        x.sum().backward()
        masked = x.log() * torch.tensor([1.0, 0.0])
        masked[0].backward()
    """,
    "given.py": """
        import torch
        x = torch.ones(2, requires_grad=True)
        torch.autograd.backward([x * 3, x], [torch.tensor([10.0, 20.0]), torch.ones(2)])
    """,
    "none.py": "print('no gradients here')\n",
    "raises.py": "raise ValueError('by itself')\n",
    "exits.py": "import sys\nsys.exit(3)\n",
    "shape.py": """
        import torch
        x = torch.ones(2, requires_grad=True)
        (x * 2).backward()
    """,
}
LINES = {
    "first": ["first.py"],
    "second": ["second.py"],
    "goes on": ["--continue", "first.py"],
    "third": ["--backward", "3", "--continue", "net.py", "--backward", "7"],
    "too few": ["--backward", "4", "net.py"],
    "nan": ["--nan", "nan.py"],
    "finite": ["--nan", "net.py"],
    "given": ["given.py"],
    "none": ["none.py"],
    "raises": ["raises.py"],
    "exits": ["exits.py"],
    "shape": ["shape.py"],
    "module": ["-m", "first"],
    "zero": ["--backward", "0", "net.py"],
    "nothing": [],
    "no file": ["nowhere.py"],
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    folder = tmp_path_factory.mktemp("programs")
    for name, text in PROGRAMS.items():
        (folder / name).write_text(dedent(text), encoding="utf-8")
    return forked(folder, {name: (["step", *words], "") for name, words in LINES.items()})


ENDED = "glassgrad step: the program ended before {}; --continue lets it go on\n"
NOWHERE = "glassgrad step: nothing to step through: "


def test_the_hand_exercises_line_by_line(outcomes: dict[str, Outcome]) -> None:
    for name, expected in (("first", FIRST), ("second", SECOND)):
        status, out, err = outcomes[name]
        assert (status, err) == (0, ENDED.format(f"{name}.py:4   y.backward()"))
        where = f"  {name}.py:3   {PROGRAMS[f'{name}.py'].split(chr(10))[3].strip()}\n"
        assert out.count(where) == out.count("step ")  # a program's Values know their line
        assert out.replace(where, "") == "".join(expected.partition("step 1 ")[1:])
    assert outcomes["module"].out == outcomes["first"].out


def test_a_program_goes_on(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["goes on"] == (0, outcomes["first"].out + "31.0 14.0 7.0 10.0\n", "")


def test_the_pass_that_was_asked_for(outcomes: dict[str, Outcome]) -> None:
    status, out, err = outcomes["third"]
    assert (status, err) == (0, "")
    assert "w    hands on (2,) of norm 4.243" in out and out.endswith("['--backward', '7'] [6.0, 6.0]\n")
    assert outcomes["too few"] == (0, "[] [6.0, 6.0]\n", NOWHERE + "backward() was called 3 times\n")
    assert "upstream (2,) of norm 22.36" in outcomes["given"].out


def test_the_first_pass_that_is_not_finite(outcomes: dict[str, Outcome]) -> None:
    status, out, err = outcomes["nan"]
    assert status == 0 and err == ENDED.format("nan.py:5   masked[0].backward()")
    assert out.startswith("step 3 of 3, the last\nlog(x)") and "hands on (2,) of norm nan" in out
    assert outcomes["finite"] == (0, "[] [6.0, 6.0]\n", NOWHERE + "backward() was called 3 times, all of it finite\n")


def test_what_the_program_does_is_its_own(outcomes: dict[str, Outcome]) -> None:
    never = NOWHERE + "no backward() was called\n"
    assert outcomes["none"] == (0, "no gradients here\n", never)
    assert outcomes["exits"] == (3, "", never)
    status, out, err = outcomes["raises"]
    assert (status, out) == (1, "") and "step" not in err and err.endswith("ValueError: by itself\n")
    status, out, err = outcomes["shape"]
    assert (status, out) == (1, "") and "no steps before shape.py:3" in err and "RuntimeError: grad can be" in err


def test_a_line_that_is_wrong(outcomes: dict[str, Outcome]) -> None:
    assert [outcomes[name].status for name in ("zero", "nothing", "no file")] == [2, 2, 2]
    assert "'0' is no number from 1 on" in outcomes["zero"].err
    assert "which program?" in outcomes["nothing"].err
    assert outcomes["no file"].err.startswith("glassgrad step: can't open file")


def test_the_browser_page_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Any] = []
    stand_in = ModuleType("glassgrad.glass.stepping.server")
    stand_in.serve = served.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
    for name in ("argv", "path"):
        monkeypatch.setattr(sys, name, [*getattr(sys, name)])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr("glassgrad.torchlike.install", lambda: None)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    (tmp_path / "first.py").write_text(dedent(PROGRAMS["first.py"]))
    with pytest.raises(SystemExit) as ended:
        main(["step", "--web", str(tmp_path / "first.py")])
    assert ended.value.code == 0 and [len(cursor) for cursor in served] == [4]


# --- stopping ---


def test_all_is_put_back_and_a_kept_backward_is_harmless() -> None:
    x = gg.ones(2, requires_grad=True)
    seen: list[Any] = []
    before = gg.autograd.backward, Value.backward
    with before_backward(lambda root, gradient: bool(seen.append(root))):
        held = gg.autograd.backward
        held(tensors=[x.sum()])
        (x * 2).backward(gradient=gg.ones(2))
    assert [root.shape for root in seen] == [(), (2,)]
    held(x.sum())
    assert len(seen) == 2 and (gg.autograd.backward, Value.backward) == before
    assert x.grad is not None and x.grad.tolist() == [4, 4]


def test_who_says_go_on_is_asked_once(capsys: pytest.CaptureFixture[str]) -> None:
    views: list[int] = []

    def view(cursor: Any, place: Any) -> bool:
        views.append(len(cursor))
        return True

    x = gg.ones(2, requires_grad=True)
    with stopped(view):
        x.sum().backward()
        (x * 2).sum().backward()
    assert views == [1] and capsys.readouterr().err == ""


# --- the prompt, and what the commands do ---


def told(cursor: Any, *lines: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What the prompt answers."""
    session = Session(cursor, caller())
    for line in lines:
        terminal.obey(session, line)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("lines", "last"),
    [
        (["n", "", "p"], "  a + d          1 * 10 = 10    complete"),
        (["3", "n", "n"], "that was the last step"),
        (["d"], "  d    10 * 1 = 10    complete"),
        (["g b"], "  b    7 * 2 = 14    complete"),
        (["end", "home"], "y = 70    gradient 1"),
        (["zzz"], "no step is called 'zzz'; there are 4 steps; / searches"),
        (["a * c"], "no step is called 'a * c'; there are 4 steps; / searches"),
        (["ad"], "no step is called 'ad'; did you mean 'add'?"),
        (["5"], "no step is called '5'; there are 4 steps; / searches"),
        (["/ + D"], "/+ D"),
        (["/ + d", "/"], "/+ d"),
        (["/nowhere"], "no step has 'nowhere' in it"),
        (["/"], "search for what?"),
        (["b"], "no step has been taken: b with a number or a name"),
        (["b c"], "breakpoint at step 3: (a * b) + c; r runs to the next one"),
        (["b c", "b 3"], "no breakpoint any more at step 3: (a * b) + c; r runs to the next one"),
        (["b c", "r"], "  c        7 * 1 = 7    complete"),
        (["r"], "no breakpoint ahead: b sets one"),
        (["N"], "no NaN or infinity ahead"),
        (["> 7.5"], "  d    10 * 1 = 10    complete"),
        ([">70"], "no gradient ahead has a norm above 70"),
        (["> many"], "'many' is no number"),
        (["m"], "no other module ahead"),
        (["m layer"], "no step ahead in 'layer': there are no modules"),
        (["n", "e"], "all numbers of this step are here"),
        (["n", "e a + d"], "  sum  10"),
        (["e a"], "no step has been taken"),
        (["n", "e a"], "y hands nothing on to 'a': (a * b) + c, a + d"),
        (["n", "l"], "  4  a * b"),
        (["?"], "q              close this, the program ends"),
    ],
)
def test_commands(lines: list[str], last: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(first(), *lines, capsys=capsys).splitlines()[-1] == last


def test_commands_on_tensors_and_modules(capsys: pytest.CaptureFixture[str]) -> None:
    cursor = gg.step(deep())
    assert "in Sequential.2 " in told(cursor, "m", capsys=capsys)
    assert "in Sequential.1.1 " in told(cursor, "m 1", capsys=capsys)
    assert "there are Sequential.0, Sequential.1.0" in told(cursor, "m 7", capsys=capsys)
    assert "tanh(" in told(cursor, "home", "tanh", capsys=capsys)
    assert "upstream\n  [[" in told(cursor, "e", capsys=capsys)
    out = told(cursor, "m 0", "e 0.bias[2]", capsys=capsys)
    assert out.count("= ") > 2 and "from [0, 2]" in out and "  sum  " in out
    assert "entry" not in told(cursor, "e 0.bias[9]", capsys=capsys)
    lines = [(line.text, line.style) for line in Session(cursor).listed(20)]
    assert ("     Sequential", "soft") in lines and ("       1 Sequential", "soft") in lines
    assert [line.step for line in Session(cursor).listed(3)].count(cursor.at) == 1


def test_the_prompt_ends(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def typed(*lines: Any) -> Callable[[str], str]:
        left: Iterator[Any] = iter(lines)

        def read(prompt: str) -> str:
            if isinstance(line := next(left), str):
                return line
            raise line

        return read

    for lines, goes_on in ((["n", "q"], False), (["c"], True), ([EOFError()], False), ([KeyboardInterrupt()], False)):
        session = Session(first())
        monkeypatch.setattr(builtins, "input", typed(*lines))
        terminal.prompt(session)
        assert session.closed is goes_on
    assert "?: all commands" in capsys.readouterr().out


def test_where_there_is_no_terminal_the_pass_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    first().show()
    assert capsys.readouterr().out == "".join(FIRST.partition("step 1 ")[1:])
    x = Value(1.0)
    for _ in range(300):
        x = x * 1.01
    gg.step(x).goto(50).show()
    out = capsys.readouterr().out
    assert out.startswith("step 50 of 300") and "... 51 steps ..." in out and "step 300 of 300, the last" in out
    assert out.count("step ") == 200


def test_a_screen_needs_a_terminal_a_free_loop_and_textual(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for stream in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(getattr(sys, stream), "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "dumb")
    assert not terminal.screen_can_be()
    monkeypatch.setenv("TERM", "xterm")
    assert terminal.screen_can_be()

    async def inside() -> bool:
        return terminal.screen_can_be()

    assert not asyncio.run(inside())
    monkeypatch.setitem(sys.modules, "glassgrad.glass.stepping.screen", None)  # as where textual is not installed
    monkeypatch.setattr(builtins, "input", lambda prompt: "c")
    assert terminal.show(first())
    assert "pip install 'glassgrad[step]'" in capsys.readouterr().out


# --- what is written ---

HOSTILE = Value(2.0, label="[bold]x[/bold]\x1b[31m\n")


def hostile() -> Session:
    other = Value(3.0, label="[link=http://x]\u202ey")
    return Session(gg.step(HOSTILE * other + other), caller())


def test_no_name_is_more_than_its_letters(capsys: pytest.CaptureFixture[str]) -> None:
    session = hostile()
    for line in ("n", "n", "l", "e"):
        terminal.obey(session, line)
    session.cursor.show()
    out = capsys.readouterr().out
    assert "[bold]x[/bold]" in out and "\x1b" not in out and "\u202e" not in out


def test_lines_of_the_source() -> None:
    session = Session(gg.step(deep()).next(), caller())
    lines = session.source(5)
    assert lines[0].text.startswith("test_glass_step.py:") and lines[0].text.endswith("in deep")
    assert [line.text for line in lines if line.style == "here"][0].endswith("square().mean()")
    assert Session(first(), caller()).source(4)[0].text.endswith("in test_lines_of_the_source")
    assert Session(first()).source(4)[0].text == "The line of the program is not known."
    assert len(session.source(300)) <= 300


def test_the_table() -> None:
    keys = [key for command in COMMANDS for key in command.keys.split()]
    assert len(keys) == len(set(keys))


# --- the screen ---


def driven(session: Session, act: Callable[[Any, Callable[..., Any]], Any], size: tuple[int, int] = (80, 24)) -> None:
    """act(app, press) on the screen; press(*keys) gives the texts of the panes afterwards."""
    pytest.importorskip("textual")
    from glassgrad.glass.stepping.screen import Stepper

    async def drive() -> None:
        app = Stepper(session)
        async with app.run_test(size=size) as pilot:

            async def press(*keys: str) -> dict[str, str]:
                await pilot.press(*keys)
                await pilot.pause()
                panes = ("head", "steps", "now", "source", "said") if session.closed is None else ()
                return {name: str(app.query_one(f"#{name}").render()) for name in panes}

            await act(pilot, press)

    asyncio.run(drive())


def test_the_keys_of_the_screen() -> None:
    session = Session(first(), caller())

    async def act(pilot: Any, press: Any) -> None:
        texts = await press("n", "right", "space", "p")
        assert session.cursor.at == 2 and texts["head"].startswith(" step 2 of 4")
        assert "> 2  a + d" in texts["steps"] and "10 * 1 = 10" in texts["now"]
        assert "test_the_keys_of_the_screen" in texts["source"]
        await press("home", "b", "c", "enter", "r")
        assert session.cursor.at == 3 and session.breakpoints == {3}
        await press("g", "a", "escape", "end", "left", "left")
        assert session.cursor.at == 2
        texts = await press("greater_than_sign", "9", "9", "enter")
        assert texts["said"] == "no gradient ahead has a norm above 99"
        texts = await press("question_mark")
        assert texts["now"].startswith("n right space  one step on") and pilot.app.screen.has_class("paged")
        await press("escape")
        assert not pilot.app.screen.has_class("paged")
        texts = await press("slash", "*", "enter")
        assert session.cursor.at == 3 and texts["said"] == "/*"
        await pilot.click("#steps", offset=(5, 3))
        assert session.cursor.at == 4
        await press("q")

    driven(session, act)
    assert session.closed is False


@pytest.mark.parametrize(("key", "goes_on"), [("c", True), ("ctrl+c", False)])
def test_the_screen_closes(key: str, goes_on: bool) -> None:
    session = Session(first())

    async def act(pilot: Any, press: Any) -> None:
        await press(key)

    driven(session, act)
    assert session.closed is goes_on


def test_a_small_screen_hostile_names_and_nan() -> None:
    async def names(pilot: Any, press: Any) -> None:
        texts = await press("n", "n")
        assert "[bold]x[/bold]" in texts["now"] and "\x1b" not in "".join(texts.values())

    async def nan(pilot: Any, press: Any) -> None:
        assert "step 1 of" in (await press("N"))["head"]

    driven(hostile(), names, (40, 12))
    driven(Session(gg.step(deep() * float("nan"))), nan)
