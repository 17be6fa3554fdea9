"""One page per run: `report.html`, a single file that needs no network and no script.

Plain data in (`Report`), one file out (`write_report`). The page follows the reader's light or dark mode,
and holds the same bytes for the same data. Whatever text comes from outside is escaped, and a content
security policy forbids scripts and loading, so that a hostile label stays a label.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

from ...io.files import atomic_write
from ..canvas import plain_text, short, to_svg
from ..health import figures, layers, planes, plots, verdicts
from ..health.record import Parameter, Record
from ..pages import html_page
from .style import POLICY, STYLE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Boundary", "Parameter", "Report", "render_report", "write_report"]


class Boundary(NamedTuple):
    """The arguments of `planes.boundary`: xx, yy, zz (H, W); points (N, 2); labels (N,)."""

    xx: NDArray[Any]
    yy: NDArray[Any]
    zz: NDArray[Any]
    points: NDArray[Any]
    labels: NDArray[Any]


@dataclass
class Report:
    """What a run has to show; every field but the title may stay empty, and its section is then left out.

    settings: what was chosen, the seed among it. environment: `runlog.environment()`.
    command: the exact line that repeats the run. seconds: wall time of it all. data_source: where the data
        came from.
    history: one dict per epoch: epoch, train_loss, train_accuracy, test_loss, test_accuracy, seconds, lr;
        accuracies are fractions of 1; None where not measured.
    batch_losses: of every batch in order; batches_per_epoch places them.
    gradient_norms, update_ratios: layer -> one number per entry of steps (1, 2, ... if steps is None).
    parameters: (name, shape, numel, dtype, mean, std). confusion: (K, K), rows the truth, columns the answer.
    mistakes: dicts with image, true, said, confidence. filters: name -> weight (O, I, h, w) or (O, D).
    health: what `watch_health()` recorded; it fills what is empty of gradient_norms, update_ratios, batch_losses.
    notes: sentences for the reader, such as "interrupted in epoch 3".
    """

    title: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    seconds: float | None = None
    data_source: str = ""
    history: Sequence[Mapping[str, Any]] = ()
    batch_losses: Sequence[float] | Mapping[str, Sequence[float]] = ()
    batches_per_epoch: int | None = None
    gradient_norms: Mapping[str, Sequence[float]] = field(default_factory=dict)
    update_ratios: Mapping[str, Sequence[float]] = field(default_factory=dict)
    steps: Sequence[float] | None = None
    parameters: Sequence[tuple[str, tuple[int, ...], int, str, float, float]] = ()
    confusion: NDArray[Any] | None = None
    class_names: Sequence[str] = ()
    mistakes: Sequence[Mapping[str, Any]] = ()
    filters: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    boundary: Boundary | None = None
    notes: Sequence[str] = ()
    health: Record | None = None

    def __post_init__(self) -> None:
        if self.health is not None:
            self.batch_losses = self.batch_losses or {
                name: one.values for name, one in self.health.losses.items() if one.values
            }
            if not self.gradient_norms and not self.update_ratios:
                self.gradient_norms, self.update_ratios = map(self.health.series, ("gradient", "update"))
                self.steps = [step + 1 for step in self.health.steps]
        for row in self.history:
            if "epoch" not in row:
                raise ValueError(f"a row of history needs an 'epoch', got the keys {sorted(row)}")
            for key in ("train_accuracy", "test_accuracy"):
                value = row.get(key)
                if value is not None and not (0 <= value <= 1):
                    raise ValueError(f"{key} is a fraction of 1, got {value!r} in epoch {row['epoch']}")
        for item in self.mistakes:
            if missing := {"image", "true", "said", "confidence"} - item.keys():
                raise ValueError(f"a mistake needs {', '.join(sorted(missing))}; got {sorted(item)}")
        for parameter in self.parameters:
            if len(parameter) != len(Parameter._fields):
                raise ValueError(f"a parameter is ({', '.join(Parameter._fields)}), got {parameter!r}")


def write_report(path: str | Path, report: Report) -> Path:
    """Write the page, whole or not at all; without matplotlib the tables remain. Returns the path."""
    path = Path(path)
    atomic_write(path, render_report(report))
    return path


def render_report(report: Report) -> str:
    """The page as text."""
    sections = [
        _section("Training", _pictures(report, TRAINING) + _history(report.history)),
        _section("Answers", _pictures(report, ANSWERS)),
        _section(
            "Inside the network", _layers(report) + _pictures(report, INSIDE) + _filters(report) + _parameters(report)
        ),
        _section("Repeat it", _command(report.command) + _facts(report)),
    ]
    body = f"""<header>
<h1>{_text(report.title)}</h1>
{"".join(f'<p class="note">{_text(note)}</p>' for note in [*_warnings(report), *report.notes])}
{_headline(report)}
</header>
<main>
{"".join(sections)}</main>"""
    return html_page(str(report.title), STYLE, body, policy=POLICY)


# ---- pictures ------------------------------------------------------------------------------------


class Picture(NamedTuple):
    name: str
    heading: str
    caption: str
    is_there: Callable[[Report], bool]
    draw: Callable[[Report], Figure]


TRAINING = (
    Picture(
        "loss", "", "Dots: each epoch. Grey, or lines: single batches, the mean and range of neighbours.",
        lambda report: bool(report.history or len(report.batch_losses)),
        lambda report: plots.loss_curve(
            report.history, report.batch_losses, batches_per_epoch=report.batches_per_epoch
        ),
    ),
    Picture(
        "accuracy", "", "Answers that are right, in percent.",
        lambda report: any(
            row.get(key) is not None for row in report.history for key in ("train_accuracy", "test_accuracy")
        ),
        lambda report: plots.accuracy_curve(report.history),
    ),
)  # fmt: skip
ANSWERS = (
    Picture(
        "boundary", "Decision boundary",
        "Shading: the answer over the plane. Marks: the data, one shape and colour a class.",
        lambda report: report.boundary is not None,
        lambda report: planes.boundary(*report.boundary),  # type: ignore[misc]
    ),
    Picture(
        "confusion", "Confusion matrix",
        "Rows are the truth, columns the answer; blue is right, orange is wrong, stronger is more. "
        "On the right, the share of each class that is right.",
        lambda report: report.confusion is not None,
        lambda report: plots.confusion_matrix(report.confusion, report.class_names),  # type: ignore[arg-type]
    ),
    Picture(
        "mistakes", "Worst mistakes", "The wrong answers given with the greatest confidence.",
        lambda report: len(report.mistakes) > 0,
        lambda report: plots.mistakes(report.mistakes, report.class_names),
    ),
)  # fmt: skip
INSIDE = (
    Picture(
        "gradients", "", "Norm of the gradient of each layer. Norms that sink by powers of ten towards the "
        "first layers are a vanishing gradient; gaps are zero or not finite.",
        lambda report: any(map(len, report.gradient_norms.values())),
        lambda report: layers.per_layer(report.gradient_norms, title="Gradient norm", steps=report.steps),
    ),
    Picture(
        "updates", "", "Size of the step of each layer against the size of its weights. Around the dashed "
        "line, 0.001, is usual; far above is restless, far below hardly learns.",
        lambda report: any(map(len, report.update_ratios.values())),
        lambda report: layers.per_layer(
            report.update_ratios, title="Update to weight ratio", steps=report.steps, guide=1e-3
        ),
    ),
    Picture(
        "dead", "", "The share of each layer's units that no sample brings to life: zero behind relu, flat behind "
        "tanh or sigmoid.",
        lambda report: bool(_seen(report, "dead")),
        lambda report: layers.per_layer(
            _seen(report, "dead"), title="Dead units", share=True,
            steps=[step + 1 for step in report.health.steps] if report.health else None,
        ),
    ),
    Picture(
        "answers", "", "What each layer answers, behind its activation where it has one. Dashed: at first.",
        lambda report: bool(report.health and report.health.activations),
        lambda report: figures.activation_histograms(report.health),
    ),
    Picture(
        "sizes", "", "How large the numbers in each layer's gradient are. Dashed: at first.",
        lambda report: bool(report.health and report.health.gradients),
        lambda report: figures.gradient_histograms(report.health),
    ),
)  # fmt: skip


def _seen(report: Report, kind: str) -> dict[str, list[float]]:
    return report.health.series(kind) if report.health is not None and report.health.rows else {}


def _pictures(report: Report, pictures: Sequence[Picture]) -> str:
    return _row(
        _figure(picture.name, picture.heading, picture.caption, partial(picture.draw, report))
        for picture in pictures
        if picture.is_there(report)
    )


def _filters(report: Report) -> str:
    return _row(
        _figure(
            f"filters-{index}", f"Learned weights: {plain_text(name, 60)}",
            f"{plots.filter_tiles(weight)[2]}. Blue above zero, orange below, one scale for all.",
            partial(plots.filters, weight),
        )
        for index, (name, weight) in enumerate(report.filters.items())
    )  # fmt: skip


def _figure(name: str, heading: str, caption: str, draw: Callable[[], Figure]) -> str:
    try:
        figure = draw()
        title = heading or plain_text(figure.axes[0].get_title(loc="left"))
        drawing = f'<div class="scroll">{to_svg(figure, name, f"{title}. {caption}")}</div>'
    except ImportError:
        drawing = f'<p class="missing">{_text(name)}: pip install glassgrad[plot] for the pictures</p>'
    heading = f"<h3>{_text(heading)}</h3>" if heading else ""
    return f"<figure>{heading}{drawing}<figcaption>{_text(caption)}</figcaption></figure>\n"


# ---- tables --------------------------------------------------------------------------------------

COLUMNS = (  # key, heading, how a value is written
    ("epoch", "epoch", short),
    ("train_loss", "train loss", short),
    ("test_loss", "test loss", short),
    ("train_accuracy", "train accuracy", lambda value: f"{100 * value:.2f} %"),
    ("test_accuracy", "test accuracy", lambda value: f"{100 * value:.2f} %"),
    ("lr", "learning rate", short),
    ("seconds", "time", lambda value: _duration(value)),
)


def _history(history: Sequence[Mapping[str, Any]]) -> str:
    columns = [column for column in COLUMNS if any(row.get(column[0]) is not None for row in history)]
    best = _best(history)
    rows = [[(write(row[key]) if row.get(key) is not None else "–") for key, _, write in columns] for row in history]
    return _table(
        [heading for _, heading, _ in columns], rows, strong=[row is best for row in history],
        fold="" if len(rows) <= 20 else f"All {len(rows):,} epochs",
    )  # fmt: skip


def _layers(report: Report) -> str:
    """The verdict on each layer."""
    if report.health is None or not report.health.layers:
        return ""
    rows = verdicts.table(report.health)
    table = _table(
        verdicts.HEAD, rows, left=(0, 1, 7), strong=[not row[-1].startswith("ok") for row in rows],
        fold="" if len(rows) <= 40 else f"All {len(rows):,} layers",
    )  # fmt: skip
    return f"<p>{_text(verdicts.sentence(report.health))}</p>{table}"


def _parameters(report: Report) -> str:
    rows = [
        [plain_text(name, 80), _shape(shape), f"{count:,}", plain_text(dtype), short(mean), short(std)]
        for name, shape, count, dtype, mean, std in report.parameters
    ]
    if not rows:
        return ""
    total = f"{sum(parameter[2] for parameter in report.parameters):,}"
    table = _table(
        ["parameter", "shape", "numbers", "dtype", "mean", "std"], [*rows, ["total", "", total, "", "", ""]],
        left=(0, 1, 3), strong=[*[False] * len(rows), True],
        fold="" if len(rows) <= 40 else f"All {len(rows):,} parameters",
    )  # fmt: skip
    return f"<h3>Parameters</h3>{table}"


def _facts(report: Report) -> str:
    run = {"data": report.data_source} if report.data_source else {}
    if report.seconds is not None:
        run["wall time"] = _duration(report.seconds)
    groups = {"Settings": report.settings, "Machine": {**run, **report.environment}}
    tables = {
        heading: _table([], [[str(key), _value(item)] for key, item in facts.items()], left=(0, 1))
        for heading, facts in groups.items()
    }
    return _row(f"<div><h3>{heading}</h3>{table}</div>" for heading, table in tables.items() if table)


def _table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    left: Sequence[int] = (),
    strong: Sequence[bool] = (),
    fold: str = "",
) -> str:
    """Numbers stand to the right, the columns in `left` to the left; `fold` hides it behind a click."""
    if not rows:
        return ""

    def cells(tag: str, texts: Sequence[str]) -> str:
        marks = [' class="left"' if index in left else "" for index in range(len(texts))]
        return "".join(f"<{tag}{mark}>{_text(text)}</{tag}>" for mark, text in zip(marks, texts, strict=True))

    marks = ['<tr class="strong">' if mark else "<tr>" for mark in strong or [False] * len(rows)]
    lines = [f"{mark}{cells('td', row)}</tr>\n" for mark, row in zip(marks, rows, strict=True)]
    top = f"<thead><tr>{cells('th', head)}</tr></thead>\n" if head else ""
    table = f'<div class="scroll"><table>{top}<tbody>\n{"".join(lines)}</tbody></table></div>'
    return f"<details><summary>{_text(fold)}</summary>{table}</details>" if fold else table


# ---- head, parts and words -----------------------------------------------------------------------


def _headline(report: Report) -> str:
    """The few figures a reader wants first."""
    figures: list[tuple[str, str]] = []
    if report.history:
        last, best = report.history[-1], _best(report.history)
        for key, name in (("test_accuracy", "test accuracy"), ("train_accuracy", "train accuracy")):
            if last.get(key) is not None:
                figures.append((f"{100 * last[key]:.2f} %", name))
                break
        if best is not None and best is not last:
            figures.append((f"{100 * best['test_accuracy']:.2f} %", f"best, in epoch {short(best['epoch'])}"))
        for key, name in (("test_loss", "test loss"), ("train_loss", "train loss")):
            if last.get(key) is not None:
                figures.append((short(last[key]), name))
                break
        figures.append((f"{len(report.history):,}", "epoch" if len(report.history) == 1 else "epochs"))
    if report.health is not None and not report.history:
        for losses in [*report.health.losses.values()][:1]:
            if losses.values:
                figures += [(short(losses.values[-1]), "last loss"), (f"{losses.count:,}", "batches")]
    if report.parameters:
        figures.append((f"{sum(parameter[2] for parameter in report.parameters):,}", "parameters"))
    if report.seconds is not None:
        figures.append((_duration(report.seconds), "wall time"))
    cards = "".join(f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for value, name in figures)
    return f"<dl>{cards}</dl>" if cards else ""


def _warnings(report: Report) -> list[str]:
    found = []
    for row in report.history:
        if row.get("train_loss") is not None and not math.isfinite(row["train_loss"]):
            found.append(f"The training loss was not finite ({row['train_loss']}) from epoch {short(row['epoch'])}.")
            break
    if report.health is not None:
        ill = {name: said for name, said in verdicts.verdicts(report.health).items() if said.word != "ok"}
        found += [f"{plain_text(name)} is {said}" for name, said in [*ill.items()][:3]]
        found += [f"{len(ill) - 3} more layers need a look: see the table below."] if len(ill) > 3 else []
    return found


def _best(history: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    tested = [row for row in history if row.get("test_accuracy") is not None]
    return max(tested, key=lambda row: row["test_accuracy"]) if tested else None


def _section(heading: str, body: str) -> str:
    return f"<section>\n<h2>{heading}</h2>\n{body}</section>\n" if body else ""


def _row(parts: Any) -> str:
    body = "".join(parts)
    return f'<div class="row">\n{body}</div>\n' if body else ""


def _command(command: str) -> str:
    return f'<pre class="scroll"><code>{_text(command)}</code></pre>\n' if command else ""


def _duration(seconds: float) -> str:
    """0.35 s, 12.3 s, 2 min 05 s, 1 h 02 min."""
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60:02d} min"


def _value(value: object) -> str:
    if isinstance(value, float):
        return repr(value)  # a setting is copied from here: no rounding
    return plain_text(f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else value, 300)


def _shape(shape: Sequence[int]) -> str:
    return " × ".join(f"{size:,}" for size in shape) or "scalar"


def _text(value: object) -> str:
    return html.escape(plain_text(value, 2000))
