"""How the cost of a step grows: each row of the table at 1, 4 and 16 times its batch, beside PyTorch, as a picture.

python benchmarks/growth.py [rows ...] [--rounds 5] [--picture docs/images/growth.png]
"""

from __future__ import annotations

import argparse
from typing import Any

import matplotlib.pyplot as plt
from table import measure
from work import ROWS

COLUMNS = 4
OURS, THEIRS = "#0b6fb8", "#8a8a8a"


def draw(found: dict[str, list[dict[str, Any]]], path: str) -> None:
    """A panel a row: milliseconds a step over the factor, both axes logarithmic; the ratio above our points."""
    rows = -(-len(found) // COLUMNS)
    figure, axes = plt.subplots(rows, COLUMNS, figsize=(3.3 * COLUMNS, 2.6 * rows), squeeze=False)
    for axis in axes.flat[len(found) :]:
        axis.set_visible(False)
    for axis, (name, sizes) in zip(axes.flat, found.items(), strict=False):
        factors = [size["factor"] for size in sizes]
        for library, color, marker in (("torch", THEIRS, "o"), ("glassgrad", OURS, "s")):
            axis.plot(factors, [size["ms"][library] for size in sizes], color=color, marker=marker, label=library)
        for size in sizes:
            ours, theirs = size["ms"]["glassgrad"], size["ms"]["torch"]
            axis.annotate(
                f"{size['ratio']['glassgrad']:.2f}", (size["factor"], ours), color=OURS, fontsize=8, ha="center",
                xytext=(0, -14 if ours < theirs else 7), textcoords="offset points",
            )  # fmt: skip
        axis.set(xscale="log", yscale="log")
        axis.set_title(ROWS[name].title, fontsize=9)
        axis.set_xticks(factors, [f"{factor}x" for factor in (1, 4, 16)[: len(factors)]])
        axis.minorticks_off()
        axis.margins(0.15, 0.25)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
    for axis in axes[:, 0]:
        axis.set_ylabel("ms a step", fontsize=9)
    axes[0, 0].legend(frameon=False, fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help=f"of {', '.join(ROWS)}; by default all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--picture", default="growth.png")
    args = parser.parse_args()
    found: dict[str, list[dict[str, Any]]] = {}
    for name in args.rows or ROWS:
        found[name] = [measure(name, args.rounds, factor) for factor in ROWS[name].growth]
        print(name, [f"{size['ratio']['glassgrad']:.2f}" for size in found[name]], flush=True)
    draw(found, args.picture)


if __name__ == "__main__":
    main()
