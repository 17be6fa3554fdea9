"""The table of speeds: every row timed beside PyTorch, in turns, each library in a process of its own.

    python benchmarks/table.py [rows ...] [--rounds 15] [--factor 4] [--page docs/performance.md]

A round times both libraries one right after the other, and the ratio is the median of the rounds' ratios: a slow phase
of a shared machine then falls on both. While one works the other waits for a line on its input and uses no core.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import os
import pathlib
import statistics
import subprocess
import sys
import time
from typing import Any

THREADS = "2"
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, THREADS)  # before NumPy and PyTorch read them

from work import ROWS, Row  # noqa: E402

ROUND = 0.15  # seconds of work that a competitor does in its turn


def serve(library: str, name: str, factor: int) -> None:
    """A competitor: for each number read, that many steps; the seconds they took are written."""
    row = ROWS[name]
    if library == "floor":
        step = row.floor(factor, **row.options)  # type: ignore[misc]
    else:
        t = importlib.import_module(library)
        for part in ("nn", "nn.functional", "optim"):
            importlib.import_module(f"{library}.{part}")
        t.manual_seed(0)
        step = row.program(t, factor, **row.options)
    step()
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            step()
        print(time.perf_counter() - start, flush=True)


class Competitor:
    """A process that takes steps when told to. ready: None when it started, or the last line of its error."""

    def __init__(self, library: str, name: str, factor: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve", library, name, "--factor", str(factor)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.failure = None
        if self.read() != "ready":
            assert self.process.stderr is not None
            self.failure = self.process.stderr.read().strip().splitlines()[-1]
            return
        self.count = 1
        while (took := self.time() * self.count) < ROUND / 2 and self.count < 100_000:
            self.count = max(self.count + 1, int(self.count * min(10, 0.7 * ROUND / max(took, 1e-6))))

    def read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def time(self) -> float:
        """Seconds a step."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{self.count}\n")
        self.process.stdin.flush()
        return float(self.read()) / self.count

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def measure(name: str, rounds: int, factor: int) -> dict[str, Any]:
    """Milliseconds a step (medians), and the medians of the rounds' ratios to PyTorch."""
    row = ROWS[name]
    competitors = {
        library: Competitor(library, name, factor)
        for library in ("torch", "glassgrad", *(["floor"] if row.floor else []))
    }
    failed = {library: c.failure for library, c in competitors.items() if c.failure}
    running = {library: c for library, c in competitors.items() if not c.failure}
    times: dict[str, list[float]] = {library: [] for library in running}
    for _ in range(rounds):
        for library, competitor in running.items():
            times[library].append(competitor.time())
    for competitor in competitors.values():
        competitor.close()
    base = times.get("torch")
    return {
        "row": name, "factor": factor, "failed": failed,
        "ms": {library: 1e3 * statistics.median(t) for library, t in times.items()},
        "ratio": {
            library: statistics.median(a / b for a, b in zip(t, base, strict=True))
            for library, t in times.items() if base
        },
    }  # fmt: skip


def line(row: Row, found: dict[str, Any]) -> str:
    ms, ratio = found["ms"], found["ratio"]
    if "glassgrad" not in ms:
        return f"{row.title:44}{ms.get('torch', 0):10.3f}   {found['failed']['glassgrad'][:80]}"
    if "torch" not in ms:
        return f"{row.title:44}{'':10}{ms['glassgrad']:10.3f}   PyTorch: {found['failed']['torch'][:60]}"
    floor = f"{ratio['floor']:8.2f}" if "floor" in ratio else f"{'':8}"
    got = ratio["glassgrad"]
    verdict = "" if got <= row.reach else "  falls short"
    return f"{row.title:44}{ms['torch']:10.3f}{ms['glassgrad']:10.3f}{got:8.2f}{row.reach:8.2f}{floor}{verdict}"


def short(ms: float) -> str:
    return f"{ms:.0f}" if ms >= 100 else f"{ms:.3g}"


MARKS = "<!-- the table: benchmarks/table.py --page -->\n", "<!-- its end -->\n"


def write(path: str, measured: list[dict[str, Any]]) -> None:
    """Put the table, the machine and the versions between the page's marks."""
    from glassgrad.glass.runs.runlog import environment

    facts = ", ".join(f"{key} {value}" for key, value in environment().items())
    rows = [f"{facts}, PyTorch {importlib.metadata.version('torch')}; {THREADS} threads.\n"]
    rows += ["| work | PyTorch ms | glassgrad ms | ratio | to reach | |", "|---|---|---|---|---|---|"]
    for found in measured:
        row, ms, ratio = ROWS[found["row"]], found["ms"], found["ratio"]
        if "glassgrad" not in ms:
            rows.append(f"| {row.title} | {ms['torch']:.2f} | | | {row.reach} | not there yet |")
            continue
        got, floor = ratio["glassgrad"], f"NumPy's products alone {ratio['floor']:.2f}" if "floor" in ratio else ""
        remark = "**falls short** " if got > row.reach else ""
        times = f"{short(ms['torch'])} | {short(ms['glassgrad'])}"
        rows.append(f"| {row.title} | {times} | {got:.2f} | {row.reach} | {remark}{floor} |")
    text = pathlib.Path(path).read_text(encoding="utf-8")
    before, after = text.split(MARKS[0])[0], text.split(MARKS[1])[1]
    pathlib.Path(path).write_text(before + MARKS[0] + "\n".join(rows) + "\n" + MARKS[1] + after, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help=f"of {', '.join(ROWS)}; by default all")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--factor", type=int, help="times the batch; by default each row's own")
    parser.add_argument("--page", help="write the table to this file, between its two marks")
    parser.add_argument("--serve", nargs=2, metavar=("LIBRARY", "ROW"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(*args.serve, args.factor)
        return
    measured = []
    print(f"{'':44}{'torch ms':>10}{'ours ms':>10}{'ratio':>8}{'reach':>8}{'floor':>8}")
    for name in args.rows or ROWS:
        found = measure(name, args.rounds, args.factor or ROWS[name].factor)
        print(line(ROWS[name], found), flush=True)
        measured.append(found)
    if args.page:
        write(args.page, measured)


if __name__ == "__main__":
    main()
