"""The corpus: plain PyTorch programs, run by PyTorch and by glassgrad, and what they print, compared.

python -m oracle.corpus [NAME ...]     compares the programs named, or all, and shows where they differ
python -m oracle.corpus --write        compares and times all, and writes docs/programs.md

A program prints the same when every line is equal. Where sums reorder, a program stands in REORDERED with the reason:
then its numbers may be 1e-4 of their size apart.
"""

from __future__ import annotations

import ast
import atexit
import functools
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import glassgrad

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "corpus"
PAGE = ROOT / "docs" / "programs.md"
PROGRAMS = {path.stem: path for path in sorted(FOLDER.glob("*.py"))}

RELATIVE = 1e-4
RUNS = 2  # of each, whose mean is taken
LIMIT = 120  # seconds

# Programs whose numbers may be 1e-4 apart, and why.
PRODUCTS = "matrix products add in another order"
FULL = "numbers of float32 are printed with sixteen digits"
REORDERED: dict[str, str] = {
    "actor_critic": "rounding grows over updates of a policy whose returns are sums",
    "bigram_names": FULL,
    "diffusion": "40 denoising steps enlarge the rounding of exp and sums",
    "digits_mlp": PRODUCTS,
    "logistic_regression": FULL,
    "losses": "sums of gradients add in another order",
    "mixture_density": "120 steps of training enlarge the rounding of exp and sums",
    "nano_gpt": "AdamW's first steps divide small gradients by their size, and so enlarge their rounding",
    "optimizers": "PyTorch multiplies and adds in one rounding, and Rosenbrock's valley magnifies what that changes",
    "per_sample_gradients": PRODUCTS,
    "printing": FULL,
    "reinforce": "a sum of returns that were centred: what remains is mostly rounding",
    "style": PRODUCTS,
    "tensor_tour": FULL,
    "transfer": FULL,
    "vae": PRODUCTS,
}

# Programs that are known to print something else, and why.
DIFFERENT: dict[str, str] = {}


# What the lint finds in programs, and why it is right.
LINT: dict[str, dict[str, str]] = {
    "adversarial": {"GL201": "its model ends in log_softmax, which does nothing to cross_entropy, and is not needed"},
    "dropout_study": {"GL303": "it shows what dropout with p=1 gives"},
    "mixed_precision": {"GL211": "it multiplies by infinity, to show that the scaler leaves the step out"},
    "printing": {"GL203": "it prints the loss of numbers that are no log-probabilities"},
    "tied_autoencoder": {"GL305": "one of its initialisations gives all units the same weights"},
}


# --- running -----------------------------------------------------------------------------------------------

# On glassgrad's path PyTorch cannot be imported.
COMMANDS = {"torch": (), "glassgrad": ("-m", "glassgrad", "run")}
PATHS = {"torch": (), "glassgrad": (Path(__file__).parent / "no_torch", Path(glassgrad.__file__).parents[1])}
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Run:
    stdout: str
    stderr: str
    status: int
    seconds: float


def run(program: Path, library: str, threads: int = 1, flags: tuple[str, ...] = ()) -> Run:
    """The program in a process and a folder of its own."""
    settings = {"PYTHONHASHSEED": "0", "PYTHONPATH": os.pathsep.join(map(str, PATHS[library]))}
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, *COMMANDS[library], *flags, str(program)],
            env=os.environ | settings | dict.fromkeys(THREADS, str(threads)),
            cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, check=False,
        )  # fmt: skip
        return Run(done.stdout, done.stderr, done.returncode, time.perf_counter() - start)


@functools.cache
def _forks() -> subprocess.Popen[str]:
    settings = {"PYTHONHASHSEED": "0", "PYTHONPATH": ""} | dict.fromkeys(THREADS, "1")
    server = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "forks.py")],
        env=os.environ | settings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
    )  # fmt: skip
    atexit.register(server.communicate)  # which closes its input, and it ends
    return server


def forked(program: Path) -> Run:
    """The program under PyTorch in a fork of a process that has imported it, and a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        files = [os.path.join(folder, name) for name in ("stdout", "stderr")]
        os.mkdir(work := os.path.join(folder, "work"))
        start, server = time.perf_counter(), _forks()
        assert server.stdin and server.stdout
        server.stdin.write("\t".join([str(program), work, *files]) + "\n")
        status, seconds = int(server.stdout.readline()), time.perf_counter() - start
        return Run(*(Path(file).read_text(encoding="utf-8") for file in files), status, seconds)


# --- comparing ---------------------------------------------------------------------------------------------

NUMBER = re.compile(r"((?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?!\w))")


def last_place(number: str) -> float:
    """What one step of the last printed digit is worth: 0.01 for 3.14, 1e-6 for 2.50e-04."""
    digits, _, exponent = number.lower().partition("e")
    return 10.0 ** (int(exponent or 0) - len(digits.partition(".")[2]))


def close(a: str, b: str) -> bool:
    """Whether two numbers that are printed like this can be 1e-4 of their size apart. Integers are equal or not."""
    if not any(mark in a + b for mark in ".eE"):
        return a == b
    x, y = float(a), float(b)
    return abs(x - y) <= RELATIVE * max(abs(x), abs(y)) + max(last_place(a), last_place(b)) * 1.001


def alike(a: str, b: str, exactly: bool) -> bool:
    """Whether two lines say the same."""
    if a == b or exactly:
        return a == b
    left, right = NUMBER.split(a), NUMBER.split(b)  # text, number, text, ...
    return (
        len(left) == len(right)
        and [text.split() for text in left[::2]] == [text.split() for text in right[::2]]
        and all(map(close, left[1::2], right[1::2]))
    )


def problems(expected: Run, found: Run, exactly: bool = True) -> list[str]:
    """Where two runs of a program differ, in the order in which a reader would look."""
    said = [
        f"{name}: a traceback" for name, one in (("torch", expected), ("glassgrad", found)) if "Traceback" in one.stderr
    ]
    if expected.status != found.status:
        said.append(f"exit status: {expected.status} and {found.status}")
    left, right = expected.stdout.splitlines(), found.stdout.splitlines()
    said += [
        f"line {k}: {a!r} and {b!r}"
        for k, (a, b) in enumerate(zip(left, right, strict=False), 1)
        if not alike(a, b, exactly)
    ]
    if len(left) != len(right):
        said.append(f"lines: {len(left)} and {len(right)}")
    return said


# --- the page ----------------------------------------------------------------------------------------------


def description(program: Path) -> str:
    return (ast.get_docstring(ast.parse(program.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def measure(name: str) -> list[str]:
    return problems(forked(PROGRAMS[name]), run(PROGRAMS[name], "glassgrad"), exactly=name not in REORDERED)


def lint(name: str) -> tuple[list[str], list[str]]:
    """Both runs compared, ours under --lint, which changes no number; and what the lint says otherwise than LINT."""
    theirs, ours = forked(PROGRAMS[name]), run(PROGRAMS[name], "glassgrad", flags=("--lint",))
    codes = set(re.findall(r"^GL\d+", ours.stderr, re.MULTILINE))
    found = problems(theirs, ours, exactly=name not in REORDERED)
    return found, [ours.stderr] if codes != set(LINT.get(name, ())) or "\nlint: " not in ours.stderr else []


def verdict(name: str, found: list[str]) -> str:
    """same, same to 1e-4 or differs with the reason; WRONG where it is not what the tables say."""
    if bool(found) != (name in DIFFERENT):
        return f"WRONG: {found[0] if found else 'it is the same now'}"
    if name in DIFFERENT:
        return f"differs: {DIFFERENT[name]}"
    return f"same to 1e-4: {REORDERED[name]}" if name in REORDERED else "same"


def row(name: str, verdict: str) -> str:
    return f"| [{name}](../tests/corpus/{name}.py) | {description(PROGRAMS[name])} | {verdict} |"


HEAD = """# Programs: the same under PyTorch and under glassgrad

Plain PyTorch programs in the style of tutorials and courses, in `tests/corpus`. Each runs with `python program.py` on
PyTorch 2.13 and with `python -m glassgrad run program.py`, where PyTorch cannot be imported, and every line that it
prints is compared: *same* is equal to the last printed digit; *same to 1e-4* allows numbers to be 1e-4 of their size
apart, for the reason given. Both run on one thread for this: PyTorch's own numbers change with their number.

Times are seconds of wall time, start-up included: means of {runs} interleaved runs on two threads.

This page is made by `make programs`; the tests compare its programs and verdicts with what they measure."""


def write() -> None:
    rows, fast, kinds = [], 0, []
    for name, program in PROGRAMS.items():
        runs = [[run(program, library, threads=2) for library in COMMANDS] for _ in range(RUNS)]
        said = verdict(name, measure(name))
        torch, here = (statistics.mean(one.seconds for one in each) for each in zip(*runs, strict=True))
        fast += here <= torch
        kinds.append(said.partition(":")[0])
        rows.append(f"{row(name, said)} {torch:.2f} | {here:.2f} | {here / torch:.2f} |")
        print(name, said, f"{here / torch:.2f}", flush=True)
    same, nearly, differs = map(kinds.count, ("same", "same to 1e-4", "differs"))
    figures = (
        f"**Of {len(PROGRAMS)} programs {same} print the same, {nearly} the same to 1e-4, {differs} differ. {fast} "
        "take no longer than under PyTorch.**"
    )
    table = ["| program | | | torch | glassgrad | ratio |", "| --- | --- | --- | --- | --- | --- |", *rows]
    PAGE.write_text("\n\n".join([HEAD.format(runs=RUNS), figures, "\n".join(table)]) + "\n", encoding="utf-8")


def show(names: list[str]) -> None:
    for name in names:
        found = measure(name)
        print(name, verdict(name, found), *found[:8], sep="\n    ", flush=True)


if __name__ == "__main__":
    write() if sys.argv[1:] == ["--write"] else show(sys.argv[1:] or list(PROGRAMS))
