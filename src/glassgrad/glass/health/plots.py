"""Pictures of a training, one call each: NumPy arrays in, a matplotlib Figure out.

Blue and orange stay apart for every common kind of colour blindness; lines are labelled at their ends, never
by colour alone. How a picture becomes part of a page: `canvas.to_svg`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..canvas import (
    BLUE,
    GREY,
    LIGHT,
    LINES,
    MARKERS,
    ORANGE,
    axes,
    bare_axes,
    binned,
    label_ends,
    note,
    picture,
    plain_text,
    scale,
    short,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "accuracy_curve", "confusion_matrix", "filter_tiles", "filters", "loss_curve", "mistakes", "rate_curve",
]  # fmt: skip


@picture
def loss_curve(
    history: Sequence[Mapping[str, Any]],
    batch_losses: Sequence[float] | Mapping[str, Sequence[float]] = (),
    *,
    batches_per_epoch: int | None = None,
) -> Figure:
    """Training and test loss by epoch over the loss of each batch (mean and range of neighbours).

    history: one mapping per epoch with epoch, train_loss, test_loss; None where not measured.
    batch_losses: in order; where a program has several losses, those of each under its name.
    batches_per_epoch places the batches; left out, they spread evenly over the epochs of history.
    The loss axis is logarithmic where the losses span more than a factor of ten.
    """
    epochs = _column(history, "epoch")
    several = batch_losses if isinstance(batch_losses, Mapping) else {"": batch_losses}
    batches = {plain_text(name, 28): np.asarray(values, float) for name, values in several.items() if len(values)}
    longest = max(map(len, batches.values()), default=0)
    per_epoch = batches_per_epoch or (longest / max(epochs[-1], 1) if len(epochs) else 1)
    series = {"train": _column(history, "train_loss"), "test": _column(history, "test_loss")}
    seen = np.concatenate([*batches.values(), *series.values()])
    by_epoch = len(epochs) or batches_per_epoch
    figure, ax = axes("Loss", "epoch" if by_epoch else "batch", width=5.2 if by_epoch else 7.2)
    scale(ax, seen, spread=10)
    ends = []
    for (name, batch), token in zip(batches.items(), LINES, strict=False):
        x, (low, mean, high) = binned(batch)
        x = (x + 1) / per_epoch
        behind = len(epochs) > 0  # the curves of the epochs stand in front
        colour = LIGHT["soft" if behind else token]
        ax.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
        width, size = 0.9 if behind else 1.5, 5 if longest == 1 else 0
        ax.plot(x, mean, color=colour, linewidth=width, alpha=0.8 if behind else 1, marker="o", markersize=size)
        if not behind and len(last := mean[np.isfinite(mean)][-1:]):
            ends.append((last[0], f"{name} {short(last[0])}".strip(), token))
    if batches:
        ax.set_xlim(0, max(*epochs[-1:], longest / per_epoch, 0))
    if ends:
        label_ends(ax, ends)
    else:
        _curves(ax, epochs, series, short)
    batch = next(iter(batches.values()), np.zeros(0))
    measured = np.array([row.get("train_loss") is not None for row in history], bool)
    if len(lost := epochs[measured & ~np.isfinite(series["train"])]):
        note(ax, f"not finite from epoch {short(lost[0])}")
    elif not np.isfinite(batch).all():
        note(ax, f"not finite from batch {np.argmin(np.isfinite(batch)) + 1:,}")
    return figure


@picture
def rate_curve(rates: Sequence[float], losses: Sequence[float], suggestion: float | None = None) -> Figure:
    """The loss while the learning rate grows from step to step. suggestion: the rate where it falls fastest."""
    from matplotlib.ticker import FuncFormatter, LogLocator

    x, y = np.asarray(rates, float), np.asarray(losses, float)
    if x.shape != y.shape or x.ndim != 1 or not len(x):
        raise ValueError(f"rates and losses are (n,) with n >= 1, got {x.shape} and {y.shape}")
    figure, ax = axes("Loss against learning rate", "learning rate", width=6.4)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(numticks=9))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    known = y[np.isfinite(y)]
    ax.plot(x, y, color=LIGHT["blue"])
    if len(known):
        low, start = known.min(), known[0]
        ax.set_ylim(low - 0.08 * (start - low or 1), start + 0.35 * (start - low or 1))
    if suggestion is not None:
        ax.axvline(suggestion, color=LIGHT["orange"], linewidth=1, linestyle=(0, (4, 3)))
        note(ax, f"falls fastest at {short(suggestion)}", "orange")
    elif not len(known):
        note(ax, "nowhere finite")
    else:
        note(ax, "the loss falls nowhere")
    return figure


@picture
def accuracy_curve(history: Sequence[Mapping[str, Any]]) -> Figure:
    """Training and test accuracy by epoch in percent.

    history: one mapping per epoch with epoch, train_accuracy, test_accuracy: fractions of 1, or None.
    """
    figure, ax = axes("Accuracy, %", "epoch")
    series = {name: 100 * _column(history, f"{name}_accuracy") for name in ("train", "test")}
    _curves(ax, _column(history, "epoch"), series, lambda value: f"{value:.2f} %")
    return figure


@picture
def confusion_matrix(counts: NDArray[Any], class_names: Sequence[str] = ()) -> Figure:
    """Rows are the truth, columns the answer. counts: (K, K).

    Blue is right, orange is wrong, stronger is more; beside each row, the share of it that is right.
    """
    counts = np.asarray(counts)
    K = len(counts)
    if counts.shape != (K, K) or K == 0:
        raise ValueError(f"a confusion matrix is (K, K) with K >= 1, got shape {counts.shape}")
    names = class_labels(K, class_names)
    wrong = counts * (1 - np.eye(K))
    cells = np.zeros((K, K, 4), np.uint8)
    cells[..., :3] = np.where(np.eye(K, dtype=bool)[..., None], BLUE, ORANGE)
    strength = np.where(np.eye(K, dtype=bool), counts / max(counts.max(), 1), wrong / max(wrong.max(), 1))
    cells[..., 3] = np.where(counts > 0, 20 + 130 * np.sqrt(strength), 0)
    side = min(max(3.4, 1.6 + 0.4 * K), 9.0)
    figure, ax = axes("", "said", width=side + 0.6, height=side)
    ax.imshow(cells)
    if K <= 20:
        for row, column in zip(*np.nonzero(counts), strict=True):
            text = f"{counts[row, column]:,}"
            ax.text(column, row, text, ha="center", va="center", fontsize=9 if len(text) < 5 else 7.5)
    if K <= 40:
        right = np.diag(counts) / np.maximum(counts.sum(axis=1), 1)
        for row, share in enumerate(right):
            text = f"{100 * share:.1f} %" if counts[row].sum() else "none"
            ax.text(K - 0.35, row, text, va="center", fontsize=9, color=LIGHT["soft"])
    every = max(1, K // 40)
    ax.set_xticks(range(0, K, every), names[::every], rotation=90 if max(map(len, names)) > 4 else 0)
    ax.set_yticks(range(0, K, every), names[::every])
    ax.set_ylabel("true")
    ax.grid(False)
    if K <= 40:
        lines = np.arange(K + 1) - 0.5
        ax.vlines(lines, -0.5, K - 0.5, colors=LIGHT["line"], linewidth=0.7)
        ax.hlines(lines, -0.5, K - 0.5, colors=LIGHT["line"], linewidth=0.7)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return figure


@picture
def mistakes(items: Sequence[Mapping[str, Any]], class_names: Sequence[str] = (), *, most: int = 24) -> Figure:
    """The images that were answered wrongly with the greatest confidence, worst first.

    items: image (H, W), (1, H, W), (3, H, W), (H, W, 1 or 3) or a flat square; true and said, an index into
    class_names or a text; confidence, a fraction of 1. Each image runs from its least value, black, to its
    greatest, white.
    """
    worst = sorted(items, key=lambda item: -float(item["confidence"]))[:most]
    columns = min(6, max(len(worst), 1))
    rows = math.ceil(len(worst) / columns) or 1
    figure, ax = bare_axes(width=1.6 * columns, height=1.92 * rows)
    for index, item in enumerate(worst):
        row, column = divmod(index, columns)
        true, said = (_class_name(item[key], class_names) for key in ("true", "said"))
        text = f"true {true}, said {said} ({100 * float(item['confidence']):.0f} %)"
        if len(text) > 24:
            text = text.replace(", said ", ",\nsaid ")
        picture = _stretched(_as_image(item["image"]))
        height, width = (side / max(picture.shape[:2]) for side in picture.shape[:2])
        left, top = column + 0.94 * (1 - width) / 2, row * 1.2 + 0.94 * (1 - height)
        ax.imshow(picture, extent=(left, left + 0.94 * width, top + 0.94 * height, top), aspect="auto")
        ax.text(column + 0.47, row * 1.2 + 0.97, text, ha="center", va="top", fontsize=8, linespacing=1.1)
    ax.set_xlim(0, columns)
    ax.set_ylim(rows * 1.2, 0)
    return figure


@picture
def filters(weight: NDArray[Any], *, most: int = 64, title: str = "") -> Figure:
    """Learned weights as images, blue above zero, orange below, clear at zero; one scale for all of them.

    weight (O, 1, h, w), or (O, D) with a square D: O images; (O, I, h, w): a row of I images for each of O
    filters; any other (O, D): the matrix itself. What is left out `filter_tiles` says in words.
    """
    grid, cell, _ = filter_tiles(weight, most=most)
    size = np.clip(min(9.6 / grid.shape[1], cell) * np.array(grid.shape), 0.4, 9.6)
    room = 0.4 if title else 0.0
    figure, ax = bare_axes(width=max(size[1], 4.0 if title else 0.0), height=size[0] + room)
    if title:
        ax.set_position((0, 0, size[1] / figure.get_figwidth(), size[0] / (size[0] + room)))
        figure.text(0.01, 1 - 0.1 / (size[0] + room), plain_text(title, 90), va="top", fontsize=10)
    ax.imshow(signed_rgba(grid), aspect="auto")
    return figure


def is_pictures(weight: NDArray[Any]) -> bool:
    """Whether weights show images: kernels, or rows of a square number of weights, at least 4 x 4."""
    side = math.isqrt(weight.shape[1])
    return weight.ndim == 4 or (side >= 4 and side * side == weight.shape[1])


def filter_tiles(weight: NDArray[Any], *, most: int = 64) -> tuple[NDArray[Any], float, str]:
    """The weights as one grid with NaN between the images, a cell's inches, and in words what it shows."""
    weight = np.asarray(weight, float)
    if weight.ndim not in (2, 4) or not weight.size:
        raise ValueError(f"filters are (O, I, h, w) or (O, D), got shape {weight.shape}")
    shape = " × ".join(f"{size:,}" for size in weight.shape)
    side = math.isqrt(weight.shape[1])
    if not is_pictures(weight):
        shown = weight[:256, :512]
        cut = "" if shown.shape == weight.shape else f", its first {shown.shape[0]} × {shown.shape[1]}"
        return shown, 0.2, f"{shape}: the matrix{cut}"
    if weight.ndim == 2:
        weight = weight.reshape(-1, 1, side, side)
    O, I, _, w = weight.shape
    columns = min(I, 16) if I > 1 else min(O, 16 if w < 8 else 8)
    tiles = weight[:, :columns].reshape(-1, *weight.shape[2:])[: max(columns, most // columns * columns)]
    layout = "a row of inputs for each filter" if I > 1 else "one image a unit"
    cut = f"; {len(tiles):,} of {O * I:,} shown" if len(tiles) < O * I else ""
    tiles = tiles.repeat(zoom := math.ceil(48 / w), axis=1).repeat(zoom, axis=2)  # a gap is a thin line
    return _mosaic(tiles, columns), (0.6 if w < 8 else 1.2) / (zoom * w + 1), f"{shape}: {layout}{cut}"


def class_labels(K: int, class_names: Sequence[str]) -> list[str]:
    """K labels fit for a drawing: the given ones, else 0, 1, ..."""
    if len(class_names) and len(class_names) != K:
        raise ValueError(f"{K} classes but {len(class_names)} class names")
    return [plain_text(name, 14) for name in (class_names if len(class_names) else range(K))]


def signed_rgba(values: NDArray[Any], *, strongest: int = 255) -> NDArray[np.uint8]:
    """(H, W) -> (H, W, 4): blue above zero, orange below, opaque at the 99.5th percentile of |values|.

    NaN is grey: the lines of a mosaic, or a weight that has been lost.
    """
    size = np.abs(np.nan_to_num(values, nan=0.0))
    scale = np.percentile(size[np.isfinite(values)], 99.5) if np.isfinite(values).any() else 0.0
    scale = scale or size.max(initial=0.0) or 1.0
    rgba = np.empty((*values.shape, 4), np.uint8)
    rgba[..., :3] = np.where((values > 0)[..., None], BLUE, ORANGE)
    rgba[..., 3] = strongest * np.minimum(size / scale, 1)
    rgba[np.isnan(values)] = (*GREY, 170)
    return rgba


# ---- parts ---------------------------------------------------------------------------------------


def _column(history: Sequence[Mapping[str, Any]], key: str) -> NDArray[np.float64]:
    return np.array([math.nan if (value := row.get(key)) is None else value for row in history], float)


def _curves(ax: Axes, epochs: NDArray[Any], series: Mapping[str, NDArray[Any]], say: Callable[[float], str]) -> None:
    ends = []
    for (name, values), token, marker in zip(series.items(), LINES, MARKERS, strict=False):
        known = np.isfinite(values)
        if known.any():
            size = 5 if len(epochs) <= 40 else 0
            ax.plot(epochs, values, color=LIGHT[token], marker=marker, markersize=size, clip_on=False, zorder=3)
            ends.append((values[known][-1], f"{name} {say(values[known][-1])}", token))
    if not ends and not ax.lines:
        note(ax, "nothing measured", "soft")
    label_ends(ax, ends)


def _mosaic(tiles: NDArray[Any], columns: int, line: int = 2) -> NDArray[Any]:
    """(n, h, w) -> (rows (h + line) + line, columns (w + line) + line), NaN around every tile."""
    n, h, w = tiles.shape
    rows = math.ceil(n / columns)
    grid = np.full((rows * columns, h + line, w + line), np.nan)
    grid[:n, :h, :w] = tiles
    grid[n:] = 0.0  # clear: no tile there
    grid = grid.reshape(rows, columns, h + line, w + line).swapaxes(1, 2)
    grid = grid.reshape(rows * (h + line), columns * (w + line))
    return np.pad(grid, ((line, 0), (line, 0)), constant_values=np.nan)


def _as_image(image: NDArray[Any]) -> NDArray[Any]:
    """Any of the layouts of `mistakes` -> (H, W, 1) or (H, W, 3)."""
    array = np.asarray(image, float)
    if array.ndim == 1 and math.isqrt(array.size) ** 2 == array.size:
        array = array.reshape(math.isqrt(array.size), -1)
    if array.ndim == 2:
        array = array[..., None]
    elif array.ndim == 3 and array.shape[-1] not in (1, 3):
        array = np.moveaxis(array, 0, -1)
    if array.ndim != 3 or array.shape[-1] not in (1, 3) or not array.size:
        raise ValueError(f"an image is (H, W), (C, H, W) or (H, W, C) with C 1 or 3, got shape {np.shape(image)}")
    return array


def _stretched(image: NDArray[Any]) -> NDArray[np.uint8]:
    """(H, W, C) of any range -> (H, W, 3) of 0..255; a constant image is black."""
    image = np.nan_to_num(image, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = image.min(), image.max()
    grey = (image - low) / (high - low or 1.0)
    return np.broadcast_to((255 * grey).round().astype(np.uint8), (*image.shape[:2], 3))


def _class_name(value: object, class_names: Sequence[str]) -> str:
    if isinstance(value, int | np.integer) and len(class_names):
        if not 0 <= value < len(class_names):
            raise ValueError(f"class {value} of {len(class_names)} classes: an index counts from 0")
        value = class_names[int(value)]
    return plain_text(value, 14)
