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

from .canvas import (
    BLUE,
    CLASSES,
    GREY,
    LIGHT,
    LINES,
    MARKERS,
    ORANGE,
    axes,
    bare_axes,
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
    "accuracy_curve", "boundary", "confusion_matrix", "filter_tiles", "filters", "gradient_field",
    "loss_curve", "mistakes", "per_layer",
]  # fmt: skip

MOST_POINTS = 160  # of a line; beyond, neighbours become their mean and range


@picture
def loss_curve(
    history: Sequence[Mapping[str, Any]],
    batch_losses: Sequence[float] = (),
    *,
    batches_per_epoch: int | None = None,
) -> Figure:
    """Training and test loss by epoch over the loss of each batch (mean and range of neighbours).

    history: one mapping per epoch with epoch, train_loss, test_loss; None where not measured.
    batches_per_epoch places the batches; left out, they spread evenly over the epochs of history.
    The loss axis is logarithmic where the losses span more than a factor of ten.
    """
    epochs = _column(history, "epoch")
    batch = np.asarray(batch_losses, float)
    per_epoch = batches_per_epoch or (len(batch) / max(epochs[-1], 1) if len(epochs) else 1)
    series = {"train": _column(history, "train_loss"), "test": _column(history, "test_loss")}
    seen = np.concatenate([batch, *series.values()])
    figure, ax = axes("Loss", "epoch" if len(epochs) or batches_per_epoch else "batch")
    scale(ax, seen, spread=10)
    if len(batch):
        x, (low, mean, high) = _binned(batch)
        x = (x + 1) / per_epoch
        ax.fill_between(x, low, high, color=LIGHT["soft"], alpha=0.18, linewidth=0)
        ax.plot(x, mean, color=LIGHT["soft"], linewidth=0.9, alpha=0.8)
        ax.set_xlim(0, max(*epochs[-1:], len(batch) / per_epoch, 0))
    _curves(ax, epochs, series, short)
    measured = np.array([row.get("train_loss") is not None for row in history], bool)
    if len(lost := epochs[measured & ~np.isfinite(series["train"])]):
        note(ax, f"not finite from epoch {short(lost[0])}")
    elif not np.isfinite(batch).all():
        note(ax, f"not finite from batch {np.argmin(np.isfinite(batch)) + 1:,}")
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
def per_layer(
    series: Mapping[str, Sequence[float]],
    *,
    title: str,
    steps: Sequence[float] | None = None,
    guide: float | None = None,
) -> Figure:
    """One positive number per layer and step, on a logarithmic scale: gradient norms, update ratios.

    Up to eight layers are lines, more are the rows of a heat map, first layer on top. A zero or non-finite
    value leaves a gap. steps: the x of every entry, else 1, 2, ...; guide: a value drawn as a dashed line.
    """
    length = max((len(values) for values in series.values()), default=0)
    if length == 0:
        raise ValueError(f"{title}: nothing was recorded")
    x = np.arange(1, length + 1.0) if steps is None else np.asarray(steps, float)
    if wrong := [name for name, values in series.items() if len(values) != len(x)]:
        raise ValueError(f"{title}: {len(x)} steps, but {len(series[wrong[0]])} values for {plain_text(wrong[0])!r}")
    values = {name: np.asarray(row, float) for name, row in series.items()}
    values = {name: np.where(np.isfinite(row) & (row > 0), row, np.nan) for name, row in values.items()}
    if len(values) > len(LINES):
        return _heat_map(title, x, values)
    figure, ax = axes(title, "step", width=9.6, height=3.6)
    ax.set_yscale("log")
    ends = []
    for (name, row), token in zip(values.items(), LINES, strict=False):
        at, (low, mean, high) = _binned(row)
        ax.fill_between(x[0] + at * _step(x), low, high, color=LIGHT[token], alpha=0.13, linewidth=0)
        size = 3 if len(row) <= 40 else 0  # a point between two gaps is no line
        ax.plot(x[0] + at * _step(x), mean, color=LIGHT[token], linewidth=1.4, marker="o", markersize=size)
        last = mean[np.isfinite(mean)][-1:]
        ends.append((last[0] if len(last) else np.nan, plain_text(name, 28), token))
    if guide is not None:
        ax.axhline(guide, color=LIGHT["soft"], linewidth=1, linestyle=(0, (4, 3)))
    scale(ax, np.concatenate([*values.values(), [guide or np.nan]]), spread=0)
    ax.set_xlim(right=x[-1] + 0.02 * (x[-1] - x[0]) + 0.02)
    label_ends(ax, ends)
    if dead := [text for last, text, _ in ends if np.isnan(last)]:
        note(ax, f"never above zero: {', '.join(dead)}")
    return figure


def _heat_map(title: str, x: NDArray[Any], values: Mapping[str, NDArray[Any]]) -> Figure:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    figure, ax = axes(title, "step", width=9.6, height=1.3 + 0.2 * len(values))
    logs = np.array([np.log10(_binned(row)[1][1]) for row in values.values()])  # (layers, time)
    edge = _step(x) / 2
    image = ax.imshow(logs, aspect="auto", cmap="cividis", extent=(x[0] - edge, x[-1] + edge, len(logs) - 0.5, -0.5))
    ax.set_yticks(range(len(logs)), [plain_text(name, 36) for name in values])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    ax.grid(False)
    if not np.isfinite(logs).any():
        note(ax, "never above zero")
        return figure
    bar = figure.colorbar(image, ax=ax, pad=0.01, aspect=25)
    bar.ax.yaxis.set_major_locator(MaxNLocator(6, integer=bool(np.nanmax(logs) - np.nanmin(logs) > 3)))
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(10.0**value)))
    bar.outline.set_visible(False)
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
def filters(weight: NDArray[Any], *, most: int = 64) -> Figure:
    """Learned weights as images, blue above zero, orange below, clear at zero; one scale for all of them.

    weight (O, 1, h, w), or (O, D) with a square D: O images; (O, I, h, w): a row of I images for each of O
    filters; any other (O, D): the matrix itself. What is left out `filter_tiles` says in words.
    """
    grid, cell, _ = filter_tiles(weight, most=most)
    size = np.clip(min(9.6 / grid.shape[1], cell) * np.array(grid.shape), 0.4, 9.6)
    figure, ax = bare_axes(width=size[1], height=size[0])
    ax.imshow(signed_rgba(grid), aspect="auto")
    return figure


def filter_tiles(weight: NDArray[Any], *, most: int = 64) -> tuple[NDArray[Any], float, str]:
    """The weights as one grid with NaN between the images, a cell's inches, and in words what it shows."""
    weight = np.asarray(weight, float)
    if weight.ndim not in (2, 4) or not weight.size:
        raise ValueError(f"filters are (O, I, h, w) or (O, D), got shape {weight.shape}")
    shape = " × ".join(f"{size:,}" for size in weight.shape)
    side = math.isqrt(weight.shape[1])
    if weight.ndim == 2 and not (side >= 4 and side * side == weight.shape[1]):
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


@picture
def boundary(
    xx: NDArray[Any], yy: NDArray[Any], zz: NDArray[Any], points: NDArray[Any], labels: NDArray[Any]
) -> Figure:
    """What a classifier of two numbers answers over the plane, with the data on top.

    xx, yy: (H, W) as of meshgrid, regular; points: (N, 2); labels: (N,).
    zz: (H, W), either real scores whose sign is the answer (two classes, any two labels, the greater
    one where the score is positive), or integers: the class of every cell.
    """
    xx, yy, zz, points, labels = map(np.asarray, (xx, yy, zz, points, labels))
    if xx.ndim != 2 or xx.shape != yy.shape or xx.shape != zz.shape:
        raise ValueError(f"xx, yy and zz are (H, W), got {xx.shape}, {yy.shape}, {zz.shape}")
    if points.ndim != 2 or points.shape[1] != 2 or labels.shape != points.shape[:1]:
        raise ValueError(f"points are (N, 2) and labels (N,), got {points.shape} and {labels.shape}")
    kinds = np.unique(labels)
    is_score = zz.dtype.kind == "f"
    if is_score and len(kinds) > 2:
        raise ValueError(f"real scores tell two classes apart, but the labels have {len(kinds)}: pass class ids")
    figure, ax = _plane(xx, yy)
    if is_score:
        cells = signed_rgba(zz, strongest=170)
        if np.nanmin(zz) < 0 < np.nanmax(zz):
            ax.contour(xx, yy, np.nan_to_num(zz), levels=[0], colors=[LIGHT["ink"]], linewidths=1.4)
    else:
        kinds = np.union1d(kinds, np.unique(zz))
        cells = np.full((*zz.shape, 4), 80, np.uint8)
        cells[..., :3] = np.array(CLASSES)[np.searchsorted(kinds, zz) % len(CLASSES)]
    ax.imshow(cells, extent=_extent(xx, yy), origin="lower", aspect="auto", interpolation="none")
    for index, kind in enumerate(kinds):
        mine = points[labels == kind]
        colour = [channel / 255 for channel in CLASSES[index % len(CLASSES)]]
        ax.scatter(
            mine[:, 0], mine[:, 1], s=22, color=[colour], edgecolors=LIGHT["paper"], linewidths=0.7,
            marker=MARKERS[index % len(MARKERS)], zorder=3,
        )  # fmt: skip
    return figure


@picture
def gradient_field(
    xx: NDArray[Any], yy: NDArray[Any], u: NDArray[Any], v: NDArray[Any], zz: NDArray[Any] | None = None
) -> Figure:
    """The direction of steepest descent, (-u, -v), over the plane; zz adds the level lines of the loss.

    xx, yy, zz: (H, W); (u, v): the gradient there, (H, W) each. Arrows have one length, stronger ones more
    ink; about 24 a side are drawn.
    """
    xx, yy, u, v = (np.asarray(array, float) for array in (xx, yy, u, v))
    if not (xx.ndim == 2 and xx.shape == yy.shape == u.shape == v.shape):
        raise ValueError(f"xx, yy, u and v are (H, W), got {xx.shape}, {yy.shape}, {u.shape}, {v.shape}")
    figure, ax = _plane(xx, yy)
    if zz is not None:
        ax.contour(xx, yy, zz, levels=14, colors=[LIGHT["soft"]], linewidths=0.7, alpha=0.7, linestyles="solid")
    thin = tuple(slice(step // 2, None, step) for step in (math.ceil(side / 24) for side in xx.shape))
    size = np.hypot(u, v)[thin]
    unit = np.where(size > 0, size, 1)
    rank = np.argsort(np.argsort(size, axis=None)).reshape(size.shape) / max(size.size - 1, 1)
    ax.quiver(
        xx[thin], yy[thin], -u[thin] / unit, -v[thin] / unit, angles="xy", pivot="mid", width=0.003, scale=32,
        color=LIGHT["blue"], alpha=0.15 + 0.85 * rank,
    )  # fmt: skip
    return figure


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


def _plane(xx: NDArray[Any], yy: NDArray[Any]) -> tuple[Figure, Axes]:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    left, right, bottom, top = _extent(xx, yy)
    figure, ax = axes("", "", width=5.2, height=min(max(4.9 * (top - bottom) / (right - left), 2.8), 6.4))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(6))
        axis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
    ax.grid(False)
    return figure, ax


def _extent(xx: NDArray[Any], yy: NDArray[Any]) -> tuple[float, float, float, float]:
    return float(xx.min()), float(xx.max()), float(yy.min()), float(yy.max())


def _column(history: Sequence[Mapping[str, Any]], key: str) -> NDArray[np.float64]:
    return np.array([math.nan if (value := row.get(key)) is None else value for row in history], float)


def _step(x: NDArray[Any]) -> float:
    return float(x[-1] - x[0]) / (len(x) - 1) if len(x) > 1 else 1.0


def _binned(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """(n,) -> x (m,), rows least, mean, greatest (3, m), m <= MOST_POINTS; NaN where a bin has no number."""
    width = max(1, math.ceil(len(values) / MOST_POINTS))
    padded = np.full(math.ceil(len(values) / width) * width, np.nan)
    padded[: len(values)] = np.where(np.isfinite(values), values, np.nan)
    bins = padded.reshape(-1, width)
    empty = np.isnan(bins).all(axis=1)
    bins = np.where(empty[:, None], 0.0, bins)
    rows = np.stack([np.nanmin(bins, axis=1), np.nanmean(bins, axis=1), np.nanmax(bins, axis=1)])
    return np.arange(len(bins)) * width + (width - 1) / 2, np.where(empty, np.nan, rows)


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
