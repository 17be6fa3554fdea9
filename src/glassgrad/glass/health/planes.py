"""Pictures over a plane: what a classifier answers, the loss and its gradient. Arrays in, a Figure out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..canvas import CLASSES, LIGHT, MARKERS, axes, colour_bar, note, picture, plain_text, short
from .plots import signed_rgba

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["boundary", "gradient_field", "surface"]


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
    xx: NDArray[Any], yy: NDArray[Any], u: NDArray[Any], v: NDArray[Any], zz: NDArray[Any] | None = None,
    *, path: NDArray[Any] | None = None, title: str = "", labels: tuple[str, str] = ("", ""),
) -> Figure:  # fmt: skip
    """The direction of steepest descent, (-u, -v), over the plane; zz adds the level lines of the loss.

    xx, yy, zz: (H, W); (u, v): the gradient there, (H, W) each. Arrows have one length, stronger ones more
    ink; about 24 a side are drawn. path (T, 2): where a training went.
    """
    xx, yy, u, v = (np.asarray(array, float) for array in (xx, yy, u, v))
    if not (xx.ndim == 2 and xx.shape == yy.shape == u.shape == v.shape):
        raise ValueError(f"xx, yy, u and v are (H, W), got {xx.shape}, {yy.shape}, {u.shape}, {v.shape}")
    figure, ax = _plane(xx, yy, title, labels)
    if zz is not None:
        _levels(ax, xx, yy, _heights(np.asarray(zz, float))[0], LIGHT["soft"])
    thin = tuple(slice(step // 2, None, step) for step in (math.ceil(side / 24) for side in xx.shape))
    size = np.hypot(u, v)[thin]
    unit = np.where(size > 0, size, 1)
    rank = np.argsort(np.argsort(size, axis=None)).reshape(size.shape) / max(size.size - 1, 1)
    ax.quiver(
        xx[thin], yy[thin], -u[thin] / unit, -v[thin] / unit, angles="xy", pivot="mid", width=0.003, scale=32,
        color=LIGHT["blue"], alpha=0.15 + 0.85 * rank,
    )  # fmt: skip
    _trail(ax, path)
    return figure


@picture
def surface(
    xx: NDArray[Any], yy: NDArray[Any], zz: NDArray[Any], *, path: NDArray[Any] | None = None,
    title: str = "", labels: tuple[str, str] = ("", ""),
) -> Figure:  # fmt: skip
    """The loss over a plane of the weights: colour and level lines, logarithmic where it spans a factor of ten.

    xx, yy, zz: (H, W), NaN where the loss isn't finite; the cross is (0, 0). path (T, 2): where a training went.
    """
    xx, yy, zz = (np.asarray(array, float) for array in (xx, yy, zz))
    if not (xx.ndim == 2 and xx.shape == yy.shape == zz.shape):
        raise ValueError(f"xx, yy and zz are (H, W), got {xx.shape}, {yy.shape}, {zz.shape}")
    figure, ax = _plane(xx, yy, title, labels)
    if not np.isfinite(zz).any():
        note(ax, "nowhere finite")
        return figure
    shown, log = _heights(zz)
    image = ax.imshow(shown, extent=_extent(xx, yy), origin="lower", aspect="auto", cmap="cividis",
                      interpolation="nearest" if np.isnan(shown).any() else "bicubic", alpha=0.9)  # fmt: skip
    _levels(ax, xx, yy, shown, "#ffffff", alpha=0.55)
    colour_bar(figure, ax, image, float(np.nanmin(shown)), float(np.nanmax(shown)), log=log, pad=0.02, aspect=28)
    if not np.isfinite(zz).all():
        note(ax, "blank: not finite")
    if path is None:
        ax.plot([0], [0], "+", color="#ffffff", markersize=11, markeredgewidth=2)
    _trail(ax, path, "#ffffff")
    return figure


# ---- parts ---------------------------------------------------------------------------------------


def _heights(zz: NDArray[Any]) -> tuple[NDArray[Any], bool]:
    """What is finite, as decimal logarithms where it spans more than a factor of ten; and whether it does."""
    zz = np.where(np.isfinite(zz), zz, np.nan)
    log = bool(np.isfinite(zz).any() and np.nanmin(zz) > 0 and np.nanmax(zz) > 10 * np.nanmin(zz))
    return np.log10(zz) if log else zz, log


def _levels(ax: Axes, xx: NDArray[Any], yy: NDArray[Any], zz: NDArray[Any], colour: str, alpha: float = 0.7) -> None:
    """Fourteen level lines, where there are two different heights."""
    if np.isfinite(zz).any() and np.nanmax(zz) > np.nanmin(zz):
        masked = np.ma.masked_invalid(zz)
        ax.contour(xx, yy, masked, levels=14, colors=[colour], linewidths=0.7, alpha=alpha, linestyles="solid")


def _trail(ax: Axes, path: NDArray[Any] | None, colour: str = LIGHT["orange"]) -> None:
    """The way of a training, from a ring to a dot."""
    if path is None or not len(path):
        return
    path = np.asarray(path, float)
    ax.plot(path[:, 0], path[:, 1], color=colour, linewidth=1.6, zorder=4)
    ax.plot(*path[0], "o", color=colour, markerfacecolor="none", markersize=8, markeredgewidth=1.6, zorder=5)
    ax.plot(*path[-1], "o", color=colour, markersize=7, zorder=5)


def _plane(
    xx: NDArray[Any], yy: NDArray[Any], title: str = "", labels: tuple[str, str] = ("", "")
) -> tuple[Figure, Axes]:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    left, right, bottom, top = _extent(xx, yy)
    figure, ax = axes(
        title, plain_text(labels[0]), width=5.2, height=min(max(4.9 * (top - bottom) / (right - left), 2.8), 6.4)
    )
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(6))
        axis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    ax.set_ylabel(plain_text(labels[1]))
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
    ax.grid(False)
    return figure, ax


def _extent(xx: NDArray[Any], yy: NDArray[Any]) -> tuple[float, float, float, float]:
    return float(xx.min()), float(xx.max()), float(yy.min()), float(yy.max())
