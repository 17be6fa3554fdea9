"""What `import glassgrad` costs beyond `import numpy`: fresh processes, interleaved, medians.

Aim: at most 60 ms beyond NumPy.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

PROGRAMS = {"bare python": "pass", "numpy": "import numpy", "glassgrad": "import glassgrad"}


def seconds(program: str) -> float:
    """Wall time of a fresh interpreter that runs `program`."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="rounds of all programs, one after another")
    rounds = parser.parse_args().rounds

    for program in PROGRAMS.values():  # compiles and caches what later rounds only read
        seconds(program)
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(rounds):
        for name, program in PROGRAMS.items():
            times[name].append(1000 * seconds(program))

    print(f"{'ms of ' + str(rounds) + ' rounds':<20}{'median':>8}{'min':>8}{'max':>8}")
    for name, ms in times.items():
        print(f"{name:<20}{statistics.median(ms):8.1f}{min(ms):8.1f}{max(ms):8.1f}")
    beyond = statistics.median(
        with_glassgrad - with_numpy
        for with_glassgrad, with_numpy in zip(times["glassgrad"], times["numpy"], strict=True)
    )
    print(f"glassgrad beyond numpy: {beyond:.1f} ms")


if __name__ == "__main__":
    main()
