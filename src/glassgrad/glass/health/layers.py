"""Pictures of the layers of a network: numbers over time, shares, histograms, attention. Numbers in, a Figure out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..canvas import (
    BLUE,
    GREY,
    LIGHT,
    LINES,
    axes,
    binned,
    colour_bar,
    label_ends,
    note,
    picture,
    plain_text,
    scale,
    short,
)
from .record import Histogram

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["attention", "bars", "histograms", "per_layer"]

MOST_ROWS = 28  # of a picture with a label for each row; beyond, rows are thin and every few have a label


@picture
def per_layer(
    series: Mapping[str, Sequence[float]],
    *,
    title: str,
    steps: Sequence[float] | None = None,
    guide: float | None = None,
    share: bool = False,
) -> Figure:
    """One number per layer and step: gradient norms and update ratios on a logarithmic scale, or shares in percent.

    Up to eight layers are lines, more are the rows of a heat map, first layer on top. On the logarithmic scale a zero
    or non-finite value leaves a gap, which is grey in the heat map. steps: the x of every entry, else 1, 2, ...;
    guide: a value drawn as a dashed line.
    """
    length = max((len(values) for values in series.values()), default=0)
    if length == 0:
        raise ValueError(f"{title}: nothing was recorded")
    x = np.arange(1, length + 1.0) if steps is None else np.asarray(steps, float)
    if wrong := [name for name, values in series.items() if len(values) != len(x)]:
        raise ValueError(f"{title}: {len(x)} steps, but {len(series[wrong[0]])} values for {plain_text(wrong[0])!r}")
    values = {name: np.asarray(row, float) for name, row in series.items()}
    good = (lambda row: np.isfinite(row)) if share else (lambda row: np.isfinite(row) & (row > 0))
    values = {name: np.where(good(row), row, np.nan) for name, row in values.items()}
    nothing = "never measured" if share else "never above zero"
    if len(values) > len(LINES):
        return _heat_map(title, x, values, share, nothing)
    figure, ax = axes(title, "step", width=9.6, height=3.6)
    if share:
        _percent(ax)
    else:
        ax.set_yscale("log")
    ends = []
    for (name, row), token in zip(values.items(), LINES, strict=False):
        at, (low, mean, high) = binned(row)
        ax.fill_between(x[0] + at * _step(x), low, high, color=LIGHT[token], alpha=0.13, linewidth=0)
        size = 3 if len(row) <= 40 else 0  # a point between two gaps is no line
        known = np.isfinite(mean)
        sparse = known.any() and not known.all() and known.mean() < 0.6  # measured now and then: joined
        keep = known if sparse else np.ones(len(mean), bool)
        ax.plot(x[0] + at[keep] * _step(x), mean[keep], color=LIGHT[token], linewidth=1.4, marker="o", markersize=size)
        last = mean[known][-1:]
        ends.append((last[0] if len(last) else np.nan, plain_text(name, 28), token))
    if guide is not None:
        ax.axhline(guide, color=LIGHT["soft"], linewidth=1, linestyle=(0, (4, 3)))
    if not share:
        scale(ax, np.concatenate([*values.values(), [guide or np.nan]]), spread=0)
    ax.set_xlim(right=x[-1] + 0.02 * (x[-1] - x[0]) + 0.02)
    label_ends(ax, ends)
    if dead := [text for last, text, _ in ends if np.isnan(last)]:
        note(ax, plain_text(f"{nothing}: {', '.join(dead)}", 80))
    return figure


def _percent(ax: Any) -> None:
    from matplotlib.ticker import FuncFormatter

    ax.set_ylim(-0.03, 1.03)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))


def _rows(ax: Any, names: Sequence[str], most: int = MOST_ROWS) -> None:
    """A label for every row, or for every few where they are many."""
    every = math.ceil(len(names) / most)
    ax.set_yticks(range(0, len(names), every), [plain_text(name, 36) for name in names][::every])


def _width(names: Sequence[str]) -> float:
    """Of a picture with these names to its left, in inches."""
    return 5.6 + 0.07 * min(max(map(len, names)), 36)


def _heat_map(title: str, x: NDArray[Any], values: Mapping[str, NDArray[Any]], share: bool, nothing: str) -> Figure:
    from matplotlib import colormaps
    from matplotlib.ticker import FuncFormatter

    n = len(values)
    figure, ax = axes(title, "step", width=9.6, height=1.3 + min(0.2 * n, 6.0))
    means = np.array([binned(row)[1][1] for row in values.values()])  # (layers, time)
    shown = means if share else np.log10(means)
    edge = _step(x) / 2
    colours = colormaps["cividis"].with_extremes(bad=(GREY[0] / 255, GREY[1] / 255, GREY[2] / 255, 0.45))
    limits: dict[str, Any] = {"vmin": 0, "vmax": 1} if share else {}
    image = ax.imshow(
        shown, aspect="auto", cmap=colours, extent=(x[0] - edge, x[-1] + edge, n - 0.5, -0.5), **limits
    )  # fmt: skip
    _rows(ax, list(values))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    ax.grid(False)
    if not np.isfinite(shown).any():
        note(ax, nothing)
        return figure
    if np.isnan(shown).any():
        note(ax, "grey: not measured" if share else "grey: zero or not finite", "soft")
    low, high = (0.0, 1.0) if share else (float(np.nanmin(shown)), float(np.nanmax(shown)))
    colour_bar(figure, ax, image, low, high, log=not share, percent=share, pad=0.01, aspect=25)
    return figure


@picture
def bars(values: Mapping[str, float], *, title: str, share: bool = False, guide: float | None = None) -> Figure:
    """One number per layer, first layer on top: shares in percent, else positive numbers on a logarithmic scale."""
    from matplotlib.ticker import FuncFormatter, LogLocator

    if not values:
        raise ValueError(f"{title}: there is no layer to show")
    names, numbers = list(values), np.array(list(values.values()), float)
    n = len(names)
    figure, ax = axes(title, "", width=_width(names), height=1.1 + min(0.27 * n, 7.0))
    places = np.arange(n)
    known = np.isfinite(numbers) & (share | (numbers > 0))
    if share:
        ax.barh(places, np.where(known, numbers, 0), height=0.62, color=LIGHT["blue"])
        ax.set_xlim(0, 1)
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        ax.set_xticks([0, 0.25, 0.5, 0.75, 1])
    elif known.any():
        low = 10 ** (math.floor(math.log10(numbers[known].min())) - 0.3)
        ax.set_xscale("log")
        ax.hlines(places[known], low, numbers[known], colors=LIGHT["blue"], linewidth=2)
        ax.plot(numbers[known], places[known], "o", color=LIGHT["blue"], markersize=6)
        ax.set_xlim(low, 10 ** (math.ceil(math.log10(numbers[known].max())) + 0.3))
        ax.xaxis.set_major_locator(LogLocator(numticks=8))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    if guide is not None and not share:
        ax.axvline(guide, color=LIGHT["soft"], linewidth=1, linestyle=(0, (4, 3)))
    if n <= MOST_ROWS:
        for place, number in zip(places, numbers, strict=True):
            text = "none" if math.isnan(number) else f"{number:.0%}" if share else short(number)
            token = "red" if math.isnan(number) or (number == 0 and not share) else "ink"
            ax.annotate(
                text, (1, place), (6, 0), xycoords=("axes fraction", "data"), textcoords="offset points", va="center",
                color=LIGHT[token], annotation_clip=False,
            )  # fmt: skip
    _rows(ax, names)
    ax.set_ylim(n - 0.4, -0.6)
    ax.grid(False, axis="y")
    if not known.any():
        note(ax, "never measured" if share else "never above zero")
    return figure


@picture
def histograms(
    seen: Mapping[str, tuple[Histogram, Histogram]], *, title: str, x_label: str, log: bool = False
) -> Figure:
    """A histogram per layer on one axis, first layer on top; the dashed line is how it was at first.

    seen: layer -> (first, last). log: the numbers are decimal logarithms. To the right, the share of exact zeros,
    which are not in the histogram, and of NaN and infinity. More than MOST_ROWS layers are the rows of a heat map.
    """
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    if not seen:
        raise ValueError(f"{title}: nothing was recorded")
    names, n = list(seen), len(seen)
    figure, ax = axes(title, x_label, width=_width(names), height=1.1 + (0.46 * n if n <= MOST_ROWS else 6.0))
    full = [one for pair in seen.values() for one in pair if sum(one.counts)]
    if not full:
        note(ax, "no finite number but zeros")
        _rows(ax, names)
        ax.set_ylim(n - 0.5, -0.9)
        return figure
    ends = np.array([_inner(one) for one in full])
    left, right = ends[:, 0].min(), ends[:, 1].max()
    room = 0.03 * (right - left or 1)
    left, right = left - room, right + room
    ax.set_xlim(left, right)
    if log:
        ax.xaxis.set_major_locator(MaxNLocator(8, integer=bool(right - left > 3)))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(10.0**value)))
    else:
        ax.xaxis.set_major_locator(MaxNLocator(8))
    if n > MOST_ROWS:
        grid = np.linspace(left, right, 120)
        rows = np.array([np.interp(grid, *_outline(last), left=0, right=0) for _, last in seen.values()])
        cells = np.zeros((*rows.shape, 4), np.uint8)
        cells[..., :3], cells[..., 3] = BLUE, (255 * rows).astype(np.uint8)
        ax.imshow(cells, aspect="auto", extent=(left, right, n - 0.5, -0.5))
    for row, (first, last) in enumerate(seen.values()):
        if n > MOST_ROWS:
            break
        if sum(first.counts) and first is not last and first != last:
            x, y = _outline(first)
            ax.plot(x, row + 0.3 - 0.9 * y, color=LIGHT["soft"], linewidth=0.9, linestyle=(0, (3, 2)), zorder=3)
        if sum(last.counts):
            x, y = _outline(last)
            ax.fill_between(x, row + 0.3, row + 0.3 - 0.9 * y, color=LIGHT["blue"], alpha=0.3, linewidth=0)
            ax.plot(x, row + 0.3 - 0.9 * y, color=LIGHT["blue"], linewidth=1.2)
        ax.axhline(row + 0.3, color=LIGHT["line"], linewidth=0.8, zorder=0)
        said = [
            f"{'<1%' if share < 0.005 else format(share, '.0%')} {word}"
            for share, word in ((last.zeros, "zero"), (last.lost, "NaN or infinite"))
            if share
        ]
        if said:
            ax.annotate(
                ", ".join(said), (1, row + 0.1), (6, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                va="center", fontsize=9, color=LIGHT["red" if last.lost else "soft"], annotation_clip=False,
            )  # fmt: skip
    _rows(ax, names)
    ax.set_ylim(n - 0.5, -0.9 if n <= MOST_ROWS else -0.5)
    ax.grid(False, axis="y")
    return figure


def _outline(one: Histogram) -> tuple[NDArray[Any], NDArray[Any]]:
    """The top of a histogram, its highest bin at 1, its ends on the ground."""
    counts = np.asarray(one.counts, float)
    edges = np.linspace(one.low, one.high, len(counts) + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    return np.r_[edges[0], middle, edges[-1]], np.r_[0, counts / counts.max(), 0]


def _inner(one: Histogram) -> tuple[float, float]:
    """Where all but the outermost 0.4 % lie."""
    edges = np.linspace(one.low, one.high, len(one.counts) + 1)
    part = np.r_[0, np.cumsum(one.counts)] / sum(one.counts)
    return float(np.interp(0.004, part, edges)), float(np.interp(0.996, part, edges))


@picture
def attention(weights: NDArray[Any], tokens: Sequence[object] = (), keys: Sequence[object] = ()) -> Figure:
    """Who looks at whom, a square for each head: rows ask, columns are looked at, stronger is more.

    weights (heads, L, S) or (L, S), from 0 to 1. tokens: L labels; keys: S of them, where they differ from the tokens.
    Each head's strongest weight is opaque. At most 16 heads are shown.
    """
    weights = np.asarray(weights, float)
    weights = weights[None] if weights.ndim == 2 else weights
    if weights.ndim != 3 or not weights.size:
        raise ValueError(f"attention weights are (heads, L, S), got shape {weights.shape}")
    heads, rows, columns = weights.shape
    keys = keys if len(keys) or rows != columns else tokens
    for name, labels, size in (("tokens", tokens, rows), ("keys", keys, columns)):
        if len(labels) not in (0, size):
            raise ValueError(f"attention: {len(labels)} {name} for {size} places; weights are (heads, L, S)")
    shown = min(heads, 16)
    across = min(shown, 4 if shown != 3 else 3)
    down = math.ceil(shown / across)
    labelled = max(rows, columns) <= 32 and len(tokens) > 0
    side = float(np.clip(0.19 * max(rows, columns), 1.7, 4.2 if across < 3 else 2.6)) if labelled else 1.9
    figure, first = axes("", "", width=across * (side + 0.15) + 1.2, height=down * (side * rows / columns + 0.3) + 0.9)
    first.remove()
    grid = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
    size = 8 if max(rows, columns) <= 16 else 6
    for head, ax in enumerate(grid.flat):
        ax.grid(False)
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        if head >= shown:
            ax.axis("off")
            continue
        cells = np.zeros((rows, columns, 4), np.uint8)
        top = np.nanmax(weights[head]) if np.isfinite(weights[head]).any() else 1.0
        cells[..., :3] = BLUE
        cells[..., 3] = 255 * np.clip(np.nan_to_num(weights[head]) / (top or 1.0), 0, 1)
        cells[np.isnan(weights[head])] = (*GREY, 170)
        ax.imshow(cells, extent=(-0.5, columns - 0.5, rows - 0.5, -0.5))
        ax.patch.set_edgecolor(LIGHT["line"])
        ax.patch.set_linewidth(0.8)
        ax.set_title(f"head {head}", fontsize=9, fontweight="normal", pad=4)
        if labelled:
            ax.set_yticks(range(rows), [plain_text(token, 12) for token in tokens], fontsize=size)
            ax.set_xticks(range(columns), [plain_text(token, 12) for token in keys], fontsize=size, rotation=90)
        ax.label_outer()
    if heads > shown:
        figure.supxlabel(f"{shown} of {heads} heads", fontsize=9, color=LIGHT["soft"])
    return figure


def _step(x: NDArray[Any]) -> float:
    return float(x[-1] - x[0]) / (len(x) - 1) if len(x) > 1 else 1.0
