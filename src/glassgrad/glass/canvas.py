"""What every picture stands on: the colours, the axes, words and numbers as a person writes them, and SVG.

Every colour is a token of THEME. A Figure is drawn with the light colours; `to_svg` turns them into CSS
variables, so that one picture follows the page into dark mode. Pixel images carry their meaning in alpha
over mid-tones and therefore suit both.
"""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import math
import re
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")

MOST_POINTS = 160  # of a line; beyond, neighbours become their mean and range

THEME = {  # token: (light, dark); text in any of them has a contrast of at least 4.5 on paper
    "paper": ("#fdfdfc", "#16191e"),
    "ink": ("#1c2128", "#e6e9ee"),
    "soft": ("#5a646f", "#9aa5b1"),
    "line": ("#dde1e5", "#343a43"),
    "blue": ("#0b5cab", "#6cb6ff"),
    "orange": ("#b54708", "#ff9c57"),
    "green": ("#00714f", "#45cfa0"),
    "purple": ("#93398a", "#e79ad8"),
    "olive": ("#746000", "#dec25a"),
    "cyan": ("#0a6f82", "#74d3e3"),
    "red": ("#b3123f", "#ff8fa3"),
}
LIGHT = {token: colours[0] for token, colours in THEME.items()}
LINES = ("blue", "orange", "green", "purple", "olive", "cyan", "red", "ink")
MARKERS = "osD^vP*X"
BLUE, ORANGE, GREY = (38, 118, 208), (232, 112, 20), (128, 134, 142)  # mid-tones: on white and on black alike
CLASSES = (ORANGE, BLUE, (20, 150, 110), (176, 88, 168), (170, 145, 20), (30, 150, 175), (205, 60, 90), GREY)
RC = {
    "font.size": 10, "text.parse_math": False, "svg.fonttype": "none", "svg.hashsalt": "glassgrad",
    "figure.facecolor": "none", "axes.facecolor": "none", "savefig.facecolor": "none",
    "text.color": LIGHT["ink"], "axes.labelcolor": LIGHT["soft"], "axes.edgecolor": LIGHT["soft"],
    "xtick.color": LIGHT["soft"], "ytick.color": LIGHT["soft"], "grid.color": LIGHT["line"],
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "axes.axisbelow": True,
    "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold", "axes.titlepad": 10,
    "grid.linewidth": 0.8, "axes.linewidth": 0.8, "lines.linewidth": 1.8, "image.interpolation": "none",
    "xtick.major.size": 3, "ytick.major.size": 3, "xtick.minor.size": 0, "ytick.minor.size": 0,
}  # fmt: skip


def _matplotlib() -> Any:
    try:
        import matplotlib
    except ImportError as error:
        raise ImportError("pictures need matplotlib: pip install glassgrad[plot]") from error
    return matplotlib


@contextlib.contextmanager
def style() -> Iterator[None]:
    """RC and nothing else, so that a user's own settings neither change a report nor are changed by it."""
    matplotlib = _matplotlib()
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # the reader's font has it
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(RC)
        yield


def picture(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw in the project's style, whatever the caller's rcParams, and give them back as they were."""

    @functools.wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with style():
            return draw(*args, **kwargs)

    return styled


@functools.cache
def _figure() -> Any:
    from matplotlib.artist import Artist
    from matplotlib.colors import to_hex, to_rgb
    from matplotlib.figure import Figure

    class Picture(Figure):
        """A Figure that shows itself in a notebook, light or dark as the page is, and is saved on paper."""

        def _repr_html_(self) -> str:
            return page_part(self)

        def savefig(self, fname: Any, *, dark: bool = False, **kwargs: Any) -> None:
            """As Figure.savefig, on the paper of the light or the dark theme."""
            if kwargs.get("format") == "svg" and not dark and "facecolor" not in kwargs:
                super().savefig(fname, **kwargs)  # for to_svg: transparent
                return
            with style():
                kwargs.setdefault("facecolor", THEME["paper"][dark])
                kwargs.setdefault("dpi", 150)
                if dark:
                    _recolour(self, 0)
                try:
                    super().savefig(fname, **kwargs)
                finally:
                    if dark:
                        _recolour(self, 1)

    def _recolour(figure: Figure, source: int) -> None:
        """Exchange the colours of one theme for those of the other, in everything drawn."""
        other = {colours[source]: colours[1 - source] for colours in THEME.values()}

        def turned(colour: Any) -> Any:
            """The colour of the other theme, or None where it is none of this one's."""
            if isinstance(colour, str):
                return None if colour == "none" else other.get(to_hex(colour))
            rows = np.atleast_2d(np.asarray(colour, float))
            if rows.ndim != 2 or rows.shape[1] not in (3, 4) or not any(to_hex(row[:3]) in other for row in rows):
                return None
            new = [(*to_rgb(other.get(to_hex(row[:3]), row[:3])), *row[3:]) for row in rows]
            return new if np.ndim(colour) == 2 else new[0]

        def visit(artist: Artist) -> None:
            for what in ("color", "facecolor", "edgecolor", "markerfacecolor", "markeredgecolor"):
                get, put = getattr(artist, f"get_{what}", None), getattr(artist, f"set_{what}", None)
                if get is None or put is None or artist is figure.patch:
                    continue
                if what == "color" and hasattr(artist, "get_facecolor"):
                    continue  # a patch's or a collection's colour is both of the others
                with contextlib.suppress(ValueError, TypeError):
                    if (new := turned(get())) is not None:
                        put(new)

        for artist in figure.findobj():
            visit(artist)

    return Picture


def axes(title: str, x_label: str, width: float = 5.2, height: float = 3.3) -> tuple[Figure, Axes]:
    """One pair of axes, x counted in whole numbers, the title to the left."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    figure = _figure()(figsize=(width, height), layout="constrained")
    ax = figure.add_subplot()
    ax.set_title(title)
    ax.set_xlabel(x_label)
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    return figure, ax


def bare_axes(width: float, height: float) -> tuple[Figure, Axes]:
    """Nothing but room: for images."""
    figure = _figure()(figsize=(width, height))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.axis("off")
    return figure, ax


def scale(ax: Axes, values: NDArray[Any], *, spread: float) -> None:
    """A logarithmic y axis where the positive values span more than `spread`, with readable ticks."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    values = values[np.isfinite(values)]
    if not len(values) or values.min() < 0 or not (values > 0).any():
        return
    low, high = values[values > 0].min(), values.max()
    if high / low > spread:
        ax.set_yscale("log")
        decades = math.log10(high / low)
        subs = (1.0,) if decades > 3 else (1.0, 3.0) if decades > 1.5 else (1.0, 2.0, 5.0)
        ax.yaxis.set_major_locator(LogLocator(subs=subs, numticks=8))
        ax.yaxis.set_minor_locator(NullLocator())
        if decades < 1:
            ax.set_ylim(low / 1.6, high * 1.6)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))


def colour_bar(
    figure: Figure, ax: Axes, image: Any, low: float, high: float, *, log: bool, percent: bool = False, **where: Any
) -> None:
    """The scale of an image beside it. log: the image shows decimal logarithms, the ticks are round numbers."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

    bar = figure.colorbar(image, ax=ax, **where)
    ticks: Any = MaxNLocator(6)
    if log:
        subs = (
            (1,) if high - low > 3 else (1, 3) if high - low > 1.6 else (1, 2, 5) if high - low > 0.4 else range(1, 10)
        )
        every = max(1, round((high - low) / 6))
        powers = range(math.floor(low), math.ceil(high) + 1)
        marks = [k + math.log10(s) for k in powers if k % every == 0 for s in subs]
        marks = [mark for mark in marks if low - 1e-9 <= mark <= high + 1e-9]
        ticks = FixedLocator(marks) if len(marks) > 1 else ticks
    bar.ax.yaxis.set_major_locator(ticks)
    say = (lambda value: f"{value:.0%}") if percent else (lambda value: short(10.0**value if log else value))
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: say(value)))
    bar.outline.set_visible(False)


def label_ends(ax: Axes, ends: Sequence[tuple[float, str, str]]) -> None:
    """Write (y, text, token) right of the axes at the height of y, moved apart where they would touch."""
    ends = sorted((end for end in ends if np.isfinite(end[0])), key=lambda end: end[0])
    if not ends:
        return
    to_fraction = ax.transScale + ax.transLimits
    wanted = np.array([to_fraction.transform((ax.get_xlim()[1], y))[1] for y, *_ in ends])
    gap = 14 / 72 * ax.figure.dpi / (0.74 * ax.figure.bbox.height)  # of the axes' height
    order = np.arange(len(wanted)) * gap
    placed = np.maximum.accumulate(wanted - order) + order
    placed -= (placed - wanted).mean()
    for height, (_, text, token) in zip(placed, ends, strict=True):
        ax.annotate(
            text, (1, height), (6, 0), xycoords="axes fraction", textcoords="offset points", va="center",
            color=LIGHT[token], annotation_clip=False,
        )  # fmt: skip


def note(ax: Axes, text: str, token: str = "red") -> None:
    """A remark to the right of the title, where no line can run through it."""
    ax.set_title(text, loc="right", color=LIGHT[token], fontsize=9, fontweight="normal")


def binned(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """(n,) -> x (m,), rows least, mean, greatest (3, m), m <= MOST_POINTS; NaN where a bin has no number."""
    width = max(1, math.ceil(len(values) / MOST_POINTS))
    padded = np.full(math.ceil(len(values) / width) * width, np.nan)
    padded[: len(values)] = np.where(np.isfinite(values), values, np.nan)
    bins = padded.reshape(-1, width)
    empty = np.isnan(bins).all(axis=1)
    bins = np.where(empty[:, None], 0.0, bins)
    rows = np.stack([np.nanmin(bins, axis=1), np.nanmean(bins, axis=1), np.nanmax(bins, axis=1)])
    return np.arange(len(bins)) * width + (width - 1) / 2, np.where(empty, np.nan, rows)


def to_svg(figure: Figure, name: str, alt: str = "") -> str:
    """The Figure as inline SVG: the same bytes for the same data, colours as CSS variables, no style sheet.

    name makes its ids unique on the page: letters, digits and hyphens. alt is the text for a screen reader.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", name):
        raise ValueError(f"a picture's name is letters, digits and hyphens, got {name!r}")
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    root = ElementTree.fromstring(buffer.getvalue())
    variables = {light: f"var(--{token})" for token, light in LIGHT.items()}
    for parent in list(root.iter()):
        for child in [child for child in parent if child.tag.rpartition("}")[2] in ("metadata", "style")]:
            parent.remove(child)
    used = {match for node in root.iter() for value in node.attrib.values() for match in _references(value)}
    for node in root.iter():
        node.tag = node.tag.rpartition("}")[2]
        node.attrib = {key.rpartition("}")[2]: value for key, value in node.attrib.items()}
        if node.get("id") is not None and node.get("id") not in used:
            del node.attrib["id"]
        for key, value in node.attrib.items():
            if key == "id":
                value = f"{name}-{value}"
            value = re.sub(r"url\(#", f"url(#{name}-", value)
            value = re.sub(r"^#(?=\w)", f"#{name}-", value) if key == "href" else value
            node.set(key, re.sub(r"#[0-9a-f]{6}", lambda hit: variables.get(hit[0], hit[0]), value))
    width = 96 * figure.get_size_inches()[0]
    root.attrib = {
        "viewBox": root.attrib["viewBox"], "role": "img", "aria-label": plain_text(alt or name, 300),
        "style": f"width:{width:.0f}px;min-width:{0.7 * width:.0f}px",  # narrower, and the text is too small
    }  # fmt: skip
    return ElementTree.tostring(root, encoding="unicode")


_numbers = itertools.count()


def page_part(figure: Figure) -> str:
    """The Figure for a notebook's or another's page: it follows the reader's light or dark mode by itself."""
    name = f"gg{next(_numbers)}"
    light, dark = ("".join(f"--{token}:{colours[i]};" for token, colours in THEME.items()) for i in (0, 1))
    drawing = to_svg(figure, name, plain_text(" ".join(ax.get_title(loc="left") for ax in figure.axes)))
    return (
        f'<div class="{name}"><style>.{name}{{{light}background:var(--paper);padding:.6em;width:fit-content;'
        f"max-width:100%}}@media (prefers-color-scheme:dark){{.{name}{{{dark}}}}}"
        f'body[data-jp-theme-light="false"] .{name}{{{dark}}}body[data-jp-theme-light="true"] .{name}{{{light}}}'
        f"</style>{drawing}</div>"
    )


def plain_text(value: object, most: int = 40) -> str:
    """A label that can do no harm in a drawing: one line, `most` characters, no control characters."""
    text = str(value)
    if not (text.isascii() and text.isprintable()):
        text = re.sub(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
        text = re.sub("[\u202a-\u202e\u2066-\u2069]", "\ufffd", text)  # right-to-left overrides
    return text if len(text) <= most else text[: most - 1] + "…"


@functools.lru_cache(1024)  # a number stands in several places
def short(value: float) -> str:
    """A number for a person: 0.0812, 109,386, 2.5e-6.

    >>> short(109386), short(0.08123), short(2.5e-6), short(1.0)
    ('109,386', '0.0812', '2.5e-6', '1')
    """
    if not math.isfinite(value):
        return str(float(value))
    if value == 0:
        return "0"
    if 1e-4 <= abs(value) < 1e7:
        digits = max(0, 2 - math.floor(math.log10(abs(value))))
        text = f"{value:,.{digits}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa, exponent = f"{value:.2e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def _references(value: str) -> list[str]:
    return re.findall(r"url\(#([^)]+)\)", value) + re.findall(r"^#([^#]+)$", value)
