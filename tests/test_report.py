"""The report page: complete, self-contained, the same bytes twice, and deaf to hostile labels."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from glassgrad.glass import canvas
from glassgrad.glass.health import layers, planes, plots
from glassgrad.glass.runs.report import Boundary, Report, render_report, write_report

needs_matplotlib = pytest.mark.usefixtures("matplotlib")
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>$\\frac{\x00\x1b[31m\u202e--></style>'


@pytest.fixture
def matplotlib():
    return pytest.importorskip("matplotlib")


@pytest.fixture
def no_matplotlib(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)


def full(label: str = "", seed: int = 0) -> Report:
    """A report with something in every section; label is woven into every text there is."""
    random = np.random.default_rng(seed)
    xx, yy = np.meshgrid(np.linspace(-1, 1, 12), np.linspace(-1, 1, 10))
    points = random.normal(size=(20, 2))
    names = [f"{digit}{label}" for digit in range(3)]
    steps = np.exp(random.normal(size=(2, 50)))
    return Report(
        title=f"mnist mlp{label}",
        settings={f"seed{label}": 3, "lr": 0.1, "note": f"none{label}"},
        environment={f"numpy{label}": f"2.4{label}"},
        command=f"glassgrad train mnist --seed 3{label}",
        seconds=125.4,
        data_source=f"IDX files{label}",
        history=[
            {"epoch": epoch, "train_loss": 1 / epoch, "train_accuracy": 0.9, "test_loss": 1.5 / epoch,
             "test_accuracy": 0.9 + 0.02 * (epoch == 2), "seconds": 3.2, "lr": 0.1}
            for epoch in (1, 2, 3)
        ],
        batch_losses=list(np.exp(random.normal(size=500))),
        gradient_norms={f"fc1.weight{label}": steps[0], f"fc2.weight{label}": steps[1]},
        update_ratios={f"fc1{label}": steps[0] / 1000},
        parameters=[(f"fc1.weight{label}", (128, 784), 100352, f"float32{label}", 0.0, 0.02),
                    ("s", (), 1, "f", 0, 0)],
        confusion=np.array([[10, 1, 0], [0, 9, 2], [0, 0, 1234]]),
        class_names=names,
        mistakes=[
            {"image": random.random((28, 28)), "true": 1, "said": 2, "confidence": 0.97},
            {"image": random.random((3, 8, 6)), "true": f"a{label}", "said": 0, "confidence": 0.5},
        ],
        filters={f"conv1.weight{label}": random.normal(size=(8, 1, 5, 5)),
                 "fc1": random.normal(size=(10, 784))},
        boundary=Boundary(xx, yy, xx - yy, points, points[:, 0] > 0),
        notes=[f"interrupted{label}"],
    )  # fmt: skip


class Page(HTMLParser):
    """The parsed page, as a browser would see it: tags, attributes, visible text."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "!doctype"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.text += data + "\n"

    def harm(self) -> list[str]:
        """Whatever could run or load something."""
        found = [tag for tag, _ in self.tags if tag in ("script", "iframe", "object", "embed", "link", "base", "img")]
        for _, attributes in self.tags:
            for key, value in attributes.items():
                outside = key in ("href", "src") and not re.match(r"#|data:image/png;base64,", value or "")
                outside |= key == "style" and bool(re.search(r"url\((?!#)|@import|expression", value or ""))
                if outside or key.startswith("on") or key in ("srcdoc", "action", "formaction"):
                    found.append(f"{key}={value}")
        return found


# ---- the page ------------------------------------------------------------------------------------


@needs_matplotlib
def test_everything_is_on_the_page(tmp_path: Path):
    path = write_report(tmp_path / "report.html", full())
    page = Page(path.read_text(encoding="utf-8"))
    assert page.open == []
    for text in (
        "mnist mlp", "92.00 %", "best, in epoch 2", "100,353", "2 min 05 s", "glassgrad train mnist --seed 3",
        "IDX files", "128 × 784", "scalar", "interrupted", "1,234", "true 1, said 2 (97 %)", "train 0.333",
        "fc2.weight", "100.0 %", "10 × 784: one image a unit", "seed", "2.4", "learning rate",
    ):  # fmt: skip
        assert text in page.text, text
    drawings = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert len(drawings) == 9 and all(attributes["aria-label"] for attributes in drawings)
    assert sorted(os.listdir(tmp_path)) == ["report.html"]


@needs_matplotlib
def test_ids_are_unique_and_references_lead_to_them():
    text = render_report(full())
    ids = [attributes["id"] for _, attributes in Page(text).tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:url\(|href=")#([\w-]+)', text)) <= set(ids)


@needs_matplotlib
def test_hostile_labels_are_inert():
    text = render_report(full(HOSTILE))
    page = Page(text)
    assert page.harm() == []
    assert page.open == []
    assert page.text.count("<script>alert(1)</script>") > 5, "the labels are shown as text"
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\ud800-\udfff]", text)
    assert "default-src 'none'" in text


def test_the_check_for_harm_finds_harm():
    harmful = ["<script>1</script>", "<b onclick=x>", '<a href="http://x">', '<p style="a:url(http://x)">']
    assert [bool(Page(text).harm()) for text in harmful] == [True] * 4
    with pytest.raises(AssertionError, match="closes nothing"):
        Page("<p></b>")


@needs_matplotlib
def test_nothing_is_loaded_and_both_colour_schemes_are_there():
    text = render_report(full())
    assert Page(text).harm() == []
    assert "http:" not in text and "https:" not in text
    assert "prefers-color-scheme:dark" in text
    drawings = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    assert not [light for light, _ in canvas.THEME.values() if f": {light}" in drawings], "every colour follows"


@needs_matplotlib
def test_the_same_report_is_the_same_bytes():
    first = render_report(full())
    assert first == render_report(full())
    assert first != render_report(full(seed=1))
    program = "import sys, test_report as t; sys.stdout.buffer.write(t.render_report(t.full()).encode())"
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "7",
        "PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parent)]),
    }
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, env=environment, check=True)
    assert other.stdout.decode() == first


@needs_matplotlib
def test_the_users_settings_of_matplotlib_neither_count_nor_change(matplotlib):
    plain = render_report(full())
    with matplotlib.rc_context({"lines.linewidth": 9, "font.size": 30, "svg.fonttype": "path"}):
        assert render_report(full()) == plain
        assert matplotlib.rcParams["font.size"] == 30


def test_without_matplotlib_the_tables_remain(no_matplotlib):
    text = render_report(full(HOSTILE))
    page = Page(text)
    assert page.harm() == [] and page.open == []
    assert page.text.count("pip install glassgrad[plot] for the pictures") == 9
    for part in ("92.00 %", "100,352", "learning rate", "glassgrad train mnist"):
        assert part in page.text
    assert "svg" not in [tag for tag, _ in page.tags]


def test_without_matplotlib_a_picture_names_the_command(no_matplotlib):
    with pytest.raises(ImportError, match=r"pip install glassgrad\[plot\]"):
        plots.accuracy_curve([])


def test_the_module_loads_without_matplotlib():
    program = "import sys, glassgrad.glass.runs.report; sys.exit('matplotlib' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


@pytest.mark.parametrize("title", ["", "only a title"])
def test_an_empty_report_is_a_page(title: str):
    page = Page(render_report(Report(title)))
    assert title in page.text and page.open == []


@needs_matplotlib
def test_a_run_that_went_wrong_is_drawn_and_said():
    report = Report(
        "diverged",
        history=[
            {"epoch": 1, "train_loss": 2.0, "train_accuracy": 0.1, "test_accuracy": None},
            {"epoch": 2, "train_loss": float("nan")},
        ],
        batch_losses=[2.0, float("inf"), float("nan")],
        gradient_norms={"dead": [0.0, 0.0], "lost": [1.0, float("nan")]},
        update_ratios={"none yet": []},
        confusion=np.zeros((2, 2), int),
        mistakes=[{"image": np.zeros(64), "true": 0, "said": 1, "confidence": 0.5}],
        filters={"zero": np.zeros((3, 16)), "nan": np.full((2, 1, 3, 3), np.nan)},
    )
    page = Page(render_report(report))
    for text in (
        "not finite (nan) from epoch 2",
        "not finite from epoch 2",
        "never above zero: dead",
        "true 0, said 1",
    ):
        assert text in page.text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"history": [{"train_loss": 1.0}]}, "needs an 'epoch'"),
        ({"history": [{"epoch": 1, "test_accuracy": 97.3}]}, "is a fraction of 1, got 97.3 in epoch 1"),
        ({"mistakes": [{"image": np.zeros((2, 2)), "true": 1}]}, "needs confidence, said"),
        ({"parameters": [("w", (1,), 1)]}, r"is \(name, shape, numel, dtype, mean, std\)"),
    ],
)  # fmt: skip
def test_a_wrong_report_is_refused(fields: dict, message: str):
    with pytest.raises(ValueError, match=message):
        Report("x", **fields)


def test_a_report_that_fails_keeps_the_old_page(tmp_path: Path, matplotlib):
    path = tmp_path / "report.html"
    path.write_text("old")
    with pytest.raises(ValueError, match=r"\(K, K\)"):
        write_report(path, Report("x", confusion=np.zeros((2, 3))))
    assert path.read_text() == "old"


# ---- the pictures --------------------------------------------------------------------------------


I2 = np.eye(2)


def mistake(image: np.ndarray, true: int, confidence: float = 0.9) -> dict:
    return {"image": image, "true": true, "said": 2, "confidence": confidence}


def words(figure) -> list[str]:
    return re.findall(r">([^<>]+)</text>", canvas.to_svg(figure, "x"))


@needs_matplotlib
def test_the_confusion_matrix_shows_counts_and_shares():
    text = words(plots.confusion_matrix(np.array([[90, 10], [0, 0]]), ["cat", "dog"]))
    assert {"cat", "dog", "90", "10", "90.0 %", "none"} <= set(text)


@needs_matplotlib
def test_a_label_is_no_formula():
    assert r"$\frac{$" in words(plots.confusion_matrix(np.eye(2), [r"$\frac{$", "$x$"]))


@needs_matplotlib
@pytest.mark.parametrize("K", [1, 21, 45, 100])
def test_a_confusion_matrix_of_any_size_is_drawn(K: int):
    text = words(plots.confusion_matrix(np.eye(K, dtype=int) * 7))
    assert ("7" in text[2 * K :] or "100.0 %" in text) == (K <= 40)


@needs_matplotlib
def test_the_worst_mistake_comes_first_and_few_are_drawn():
    items = [mistake(np.eye(4), 1, share) for share in (0.5, 0.9, 0.7)]
    assert words(plots.mistakes(items, most=2)) == ["true 1, said 2 (90 %)", "true 1, said 2 (70 %)"]


@needs_matplotlib
def test_batches_are_thinned_without_losing_their_range():
    losses = np.ones(10_000)
    losses[7_777] = 50.0
    _, (low, mean, high) = canvas.binned(losses)
    assert len(mean) <= canvas.MOST_POINTS
    assert high.max() == 50.0 and low.min() == 1.0
    np.testing.assert_allclose(mean.mean(), losses.mean(), rtol=1e-2)


@needs_matplotlib
def test_the_end_labels_of_equal_curves_do_not_touch():
    history = [
        {"epoch": 1, "train_loss": 0.5, "test_loss": 0.5},
        {"epoch": 2, "train_loss": 0.4, "test_loss": 0.4},
    ]
    svg = canvas.to_svg(plots.loss_curve(history), "x")
    heights = [float(hit) for hit in re.findall(r'y="([\d.]+)"[^>]*>(?:train|test) 0\.4<', svg)]
    assert len(heights) == 2 and abs(heights[0] - heights[1]) > 9


@needs_matplotlib
def test_more_than_eight_layers_become_a_heat_map():
    series = {f"layer{index}": [10.0**-index, 0.0] for index in range(9)}
    figure = layers.per_layer(series, title="Gradient norm", steps=[10, 20])
    assert len(figure.axes) == 2 and figure.axes[0].images
    assert {"layer0", "layer8", "Gradient norm"} <= set(words(figure))
    assert not layers.per_layer(dict(list(series.items())[:8]), title="x").axes[0].images
    assert "never above zero" in words(layers.per_layer({f"{i}": [0.0] for i in range(9)}, title="x"))


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        ((32, 1, 3, 3), "32 × 1 × 3 × 3: one image a unit"),
        ((128, 784), "128 × 784: one image a unit; 64 of 128 shown"),
        ((8, 32, 5, 5), "a row of inputs for each filter; 64 of 256 shown"),
        ((16, 3, 3, 3), "a row of inputs for each filter"),
        ((10, 130), "10 × 130: the matrix"),
        ((3, 4), "3 × 4: the matrix"),
        ((1000, 700), "1,000 × 700: the matrix, its first 256 × 512"),
    ],
)
def test_filters_say_what_they_show(shape: tuple[int, ...], says: str, matplotlib):
    weight = np.random.default_rng(0).normal(size=shape)
    assert plots.filter_tiles(weight)[2].endswith(says)
    assert plots.filters(weight).axes[0].images


def test_a_tile_is_the_filter_itself():
    weight = np.arange(1.0, 19).reshape(2, 1, 3, 3)
    grid, _, _ = plots.filter_tiles(weight)
    zoom = 48 // 3
    np.testing.assert_array_equal(grid[2:50:zoom, 52:100:zoom], weight[1, 0])
    assert np.isnan(grid[:2]).all() and np.isnan(grid[:, 50:52]).all()


def test_the_sign_is_the_colour_and_the_size_the_strength():
    rgba = plots.signed_rgba(np.array([[2.0, -2.0, 1.0, 0.0, np.nan]]))
    assert [tuple(pixel) for pixel in rgba[0, :2]] == [(*canvas.BLUE, 255), (*canvas.ORANGE, 255)]
    assert 126 <= rgba[0, 2, 3] <= 129 and rgba[0, 3, 3] == 0
    assert tuple(rgba[0, 4, :3]) == canvas.GREY


@needs_matplotlib
def test_the_boundary_takes_scores_or_classes():
    xx, yy = np.meshgrid(np.linspace(0, 1, 5), np.linspace(0, 2, 7))
    points, labels = np.array([[0.1, 0.2], [0.9, 1.5], [0.4, 0.4]]), np.array([-1, 1, 1])
    line = canvas.to_svg(planes.boundary(xx, yy, xx - 0.5, points, labels), "x")
    no_line = canvas.to_svg(planes.boundary(xx, yy, xx + 1.0, points, labels), "x")
    assert line.count("<path") > no_line.count("<path")
    assert planes.boundary(xx, yy, (xx > 0.5).astype(int) + (yy > 1), points, np.array([0, 1, 2])).axes
    with pytest.raises(ValueError, match="two classes apart, but the labels have 3"):
        planes.boundary(xx, yy, xx, points, np.array([0, 1, 2]))


@needs_matplotlib
def test_the_gradient_field_points_downhill():
    xx, yy = np.meshgrid(np.linspace(-1, 1, 30), np.linspace(-1, 1, 30))
    figure = planes.gradient_field(xx, yy, 2 * xx, 2 * yy, xx**2 + yy**2)
    (arrows,) = [item for item in figure.axes[0].collections if hasattr(item, "U")]
    assert (arrows.U * arrows.X <= 0).all() and (arrows.V * arrows.Y <= 0).all()
    np.testing.assert_allclose(np.hypot(arrows.U, arrows.V), 1)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.confusion_matrix(np.zeros((0, 0))), r"\(K, K\) with K >= 1, got shape \(0, 0\)"),
        (lambda: plots.confusion_matrix(np.eye(3), ["a"]), "3 classes but 1 class names"),
        (lambda: plots.filters(np.zeros(3)), r"got shape \(3,\)"),
        (lambda: plots.filters(np.zeros((0, 4))), r"got shape \(0, 4\)"),
        (lambda: plots.mistakes([mistake(np.zeros((2, 3, 4, 5)), 0)]), r"got shape \(2, 3, 4, 5\)"),
        (lambda: plots.mistakes([mistake(np.eye(2), -1)], ["a", "b"]), "class -1 of 2"),
        (lambda: layers.per_layer({"a": [1.0], "b": []}, title="norm"), "1 steps, but 0 values for 'b'"),
        (lambda: layers.per_layer({}, title="norm"), "norm: nothing was recorded"),
        (lambda: planes.boundary(I2, I2, np.eye(3), I2, np.zeros(2)), r"are \(H, W\)"),
        (lambda: planes.boundary(I2, I2, I2, np.eye(3), np.zeros(3)), r"points are \(N, 2\)"),
        (lambda: planes.gradient_field(I2, I2, np.eye(3), I2), r"u and v are \(H, W\)"),
        (lambda: canvas.to_svg(None, 'a" onload="x'), "letters, digits and hyphens"),
    ],
)  # fmt: skip
def test_wrong_data_is_refused_by_name(draw, message: str, matplotlib):
    with pytest.raises(ValueError, match=message):
        draw()


# ---- words and colours ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.08123, "0.0812"), (109386, "109,386"), (1e9, "1e9"), (2.54e-6, "2.54e-6"), (-3.0, "-3"),
     (100, "100"), (float("nan"), "nan"), (float("-inf"), "-inf"), (0.1, "0.1"), (12.345, "12.3")],
)  # fmt: skip
def test_numbers_are_short(value: float, text: str):
    assert canvas.short(value) == text


def test_labels_are_one_plain_line():
    assert canvas.plain_text("a\nb\x1b[0m\ud800\u202e") == "a\ufffdb\ufffd[0m\ufffd\ufffd"
    assert canvas.plain_text("x" * 50, 10) == "x" * 9 + "…"
    assert canvas.plain_text("名前 é 😀") == "名前 é 😀"


def contrast(one: str, other: str) -> float:
    """Source: WCAG 2.2, relative luminance and contrast ratio."""

    def luminance(colour: str) -> float:
        channels = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", [0, 1])
def test_text_can_be_read_in_both_schemes(scheme: int):
    paper = canvas.THEME["paper"][scheme]
    faint = [
        token for token, colours in canvas.THEME.items()
        if token not in ("paper", "line") and contrast(colours[scheme], paper) < 4.5
    ]  # fmt: skip
    assert faint == []
    assert contrast("#777777", "#ffffff") < 4.5 < contrast("#767676", "#ffffff"), "the boundary WCAG names"
