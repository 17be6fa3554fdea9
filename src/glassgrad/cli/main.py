"""The command line: a table of commands, each a module with `arguments(parser)` and `run(args)`.

A new command is one row of COMMANDS and its module. Only the module of the command asked for is imported.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import NamedTuple, NoReturn

import glassgrad


class Command(NamedTuple):
    module: str  # its docstring is the command's help; `run` returns the exit status
    summary: str
    raw: bool = False  # run(words, parser) gets the words behind its name as they are, and what it raises goes on


COMMANDS = {
    "train": Command("glassgrad.cli.train", "learn MNIST, digits or moons, and leave a report and a checkpoint"),
    "ladder": Command("glassgrad.cli.ladder", "from a perceptron to a convolutional network: five rungs, measured"),
    "run": Command("glassgrad.cli.run", "run a program written for PyTorch, unchanged", raw=True),
    "step": Command("glassgrad.cli.step", "stop a program before its backward() and step through that pass", raw=True),
    "explain": Command("glassgrad.cli.explain", "what a code such as GG102 means, and what mends it"),
    "doctor": Command("glassgrad.cli.doctor", "say what is installed, what is missing, where data is found"),
}

EPILOG = """\
examples:
  glassgrad train mnist --model cnn    learn handwritten digits
  glassgrad doctor                     is everything here?
  glassgrad COMMAND --help             the options of one command
"""


class Help(argparse.RawDescriptionHelpFormatter):
    """Lists the commands at the margin of the options, without argparse's heading above them."""

    def _format_action(self, action: argparse.Action) -> str:
        text = super()._format_action(action)
        if isinstance(action, argparse._SubParsersAction):
            return "".join(line.removeprefix("  ") for line in text.splitlines(keepends=True)[1:])
        return text


class Parser(argparse.ArgumentParser):
    """An argument parser that ends a mistake with the command that explains it, and exit status 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message}\nsee: {self.prog} --help\n")


def build(commands: dict[str, Command]) -> tuple[Parser, dict[str, Parser]]:
    """The parser of the whole command line, and those of its commands, still without their own arguments."""
    parser = Parser(
        prog="glassgrad",
        description="A deep-learning engine to read in an evening: PyTorch's names and numbers, on NumPy.",
        epilog=EPILOG,
        formatter_class=Help,
        allow_abbrev=False,
        add_help=False,
    )
    group = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    parsers = {
        name: group.add_parser(
            name,
            help=command.summary,
            formatter_class=Help,
            allow_abbrev=False,
        )
        for name, command in commands.items()
    }
    options = parser.add_argument_group("options")
    options.add_argument("-h", "--help", action="help", help="print this and stop")
    version = f"glassgrad {glassgrad.__version__}"
    options.add_argument("--version", action="version", version=version, help="print the version and stop")
    return parser, parsers


def load(command: Command, parser: Parser) -> ModuleType:
    """Import a command's module and let it describe itself to its parser."""
    module = importlib.import_module(command.module)
    parser.description = module.__doc__
    if not command.raw:
        module.arguments(parser)
    return module


def unknown(parser: Parser, given: str, known: Sequence[str], kind: str) -> NoReturn:
    near = difflib.get_close_matches(given.partition("=")[0], known, n=1)
    parser.error(f"unknown {kind} {given!r}" + (f", did you mean {near[0]!r}?" if near else ""))


def main(argv: Sequence[str] | None = None, commands: dict[str, Command] | None = None) -> int:
    """Run one command line. Exit status: 0 done, 1 it could not be, 2 a mistake in the line, 130 interrupted.

    Parameters are for tests: argv defaults to the process's own arguments, commands to COMMANDS.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    commands = COMMANDS if commands is None else commands
    parser, parsers = build(commands)

    name = next((word for word in argv if not word.startswith("-")), None)
    if name is not None and name not in commands:
        unknown(parser, name, list(commands), "command")
    speaker = parsers[name] if name else parser
    module = load(commands[name], speaker) if name else None
    if name and module and commands[name].raw:
        return module.run(argv[argv.index(name) + 1 :], speaker)

    args, rest = parser.parse_known_args(argv)
    if rest:
        options = [option for action in speaker._actions for option in action.option_strings]
        unknown(speaker, rest[0], options, "option" if rest[0].startswith("-") else "argument")
    if module is None:
        parser.print_help()
        return 0
    try:
        return module.run(args)
    except (OSError, ImportError) as problem:  # a missing file, a full disk, an extra that is not installed
        print(f"{speaker.prog}: error: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{speaker.prog}: interrupted", file=sys.stderr)
        return 130
