"""draw(): nothing overlaps, the same bytes each time, labels stay labels, and what cannot be drawn says why."""

from __future__ import annotations

import random
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.glass.drawing import layout, page, placing
from glassgrad.glass.drawing.boxes import Box, Scene
from glassgrad.glass.drawing.drawing import Drawing, draw
from glassgrad.glass.drawing.layout import Item, Net
from glassgrad.glass.drawing.placing import arrange
from glassgrad.glass.drawing.program import drawn
from glassgrad.glass.graph import look, watch
from glassgrad.glass.summary import row
from glassgrad.scalar import Value
from glassgrad.scalar.nn import Neuron

DOCS = Path(__file__).parents[1] / "docs"
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "]]> & </svg>",
    'x"]; evil [label="\\',
    "a\x00\x1b[31m\u202eb\n",
]


def exercise() -> Drawing:
    x, y, z = Value(2.0), Value(3.0), Value(4.0)
    loss = x * y + z
    return draw(loss)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.fc = nn.LayerNorm(4), nn.Linear(4, 4)

    def forward(self, x: gg.Tensor) -> gg.Tensor:
        return x + gg.tanh(self.fc(self.norm(x)))


class Tower(nn.Module):
    def __init__(self, blocks: int = 2) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block() for _ in range(blocks))
        self.head = nn.Linear(4, 2)

    def forward(self, x: gg.Tensor) -> gg.Tensor:
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def network(blocks: int = 2, **options: Any) -> Drawing:
    gg.manual_seed(0)
    net, images = Tower(blocks), gg.randn(3, 4)
    with watch():
        loss = net(images).square().mean()
    return draw(loss, **options)


def titles(d: Drawing) -> list[str]:
    return [d.scene.boxes[item].title for item in list(d.scene.root.boxes())[1:]]


def box(d: Drawing, title: str) -> Box:
    [found] = [b for b in d.scene.boxes.values() if b.title == title]
    return found


# --- the layout ---


def scribble(seed: int) -> tuple[Item, list[Net]]:
    """Boxes of any size, lines from older to newer ones, groups of neighbours in groups."""
    r = random.Random(seed)
    boxes = [Item(r.choice([30, 90, 160]), r.choice([25, 50, 80])) for _ in range(r.randint(1, 40))]
    ends: dict[int, set[int]] = {}
    for k in range(1, len(boxes)):
        for _ in range(r.randint(0, 3)):
            ends.setdefault(r.randint(max(0, k - 8) if r.random() < 0.8 else 0, k - 1), set()).add(k)

    def group(low: int, high: int, depth: int) -> list[Item]:
        cuts = sorted({low, high, *(r.randint(low, high) for _ in range(r.randint(0, 4)))})
        found: list[Item] = []
        for a, b in zip(cuts, cuts[1:], strict=False):
            if depth and r.random() < 0.6:
                found.append(Item(80, 40, group(a, b, depth - 1), label=r.choice([40, 200])))
                found[-1].open = r.random() < 0.8
            else:
                found += boxes[a:b]
        return found

    root = Item(0, 0, group(0, len(boxes), r.randint(0, 3)))
    return root, [Net(boxes[k], tuple(boxes[t] for t in sorted(found))) for k, found in ends.items()]


def overlaps(item: Item) -> Iterator[tuple[Item, Item]]:
    """Boxes that touch one another, or stick out of their group."""
    children = item.children if item.open else []
    for k, a in enumerate(children):
        right, bottom = a.x + a.size[0], a.y + a.size[1]
        slack = 1e-6
        if a.x < item.x - slack or a.y < item.y - slack:
            yield a, item
        if right > item.x + item.size[0] + slack or bottom > item.y + item.size[1] + slack:
            yield a, item
        for b in children[k + 1 :]:
            if a.x < b.x + b.size[0] and b.x < right and a.y < b.y + b.size[1] and b.y < bottom:
                yield a, b
        yield from overlaps(a)


@pytest.mark.parametrize("first", range(0, 1000, 250))
def test_no_boxes_overlap(first: int) -> None:
    for seed in range(first, first + 250):
        root, nets = scribble(seed)
        wires = arrange(root, nets)
        assert not list(overlaps(root)), seed
        for wire in wires:
            for _, y0, y1, _, y2, y3 in wire.strokes:
                assert y0 <= y1 + 1e-6 and y1 < y2 <= y3 + 1e-6, "lines go down, and bend between rows only"


def test_the_check_of_overlaps_can_fail() -> None:
    root, nets = scribble(3)
    arrange(root, nets)
    a, b = root.children[:2]
    b.x, b.y = a.x + 1, a.y + 1
    assert list(overlaps(root))


def test_a_tree_is_drawn_without_crossings_and_a_chain_straight() -> None:
    boxes = [Item(50 + 7 * k, 30) for k in range(31)]
    tree = Item(0, 0, boxes)
    arrange(tree, [Net(boxes[k], (boxes[(k - 1) // 2],)) for k in range(1, 31)])
    assert tree.plan is not None and tree.plan.crossings == 0
    chain = Item(0, 0, [Item(40 + 11 * (k % 5), 30) for k in range(9)])
    wires = arrange(chain, [Net(a, (b,)) for a, b in zip(chain.children, chain.children[1:], strict=False)])
    assert all(abs(s[0] - s[3]) < 1e-6 for wire in wires for s in wire.strokes)


def strokes(d: Drawing) -> list[tuple[float, ...]]:
    return [stroke for wire in d.wires for stroke in wire.strokes]


@pytest.mark.parametrize("options", [{"collapse": False}, {"collapse": 1}, {"collapse": 1, "expand": "blocks.1"}])
def test_what_branches_meet_again_and_again_stays_one_straight_line(options: dict[str, Any]) -> None:
    """The stream of a residual network: it used to go right by half a box at every sum."""
    for blocks in (2, 6):
        d = network(blocks, **options)
        sums = [i for i in d.scene.root.boxes() if i in d.scene.boxes and d.scene.boxes[i].title in ("add", "square")]
        columns = [i.x + i.size[0] / 2 for i in sums if not i.open]
        assert np.ptp(columns) < 1e-6, columns
        assert all(abs(s[0] - s[3]) < 1e-6 or abs(s[0] - s[3]) > 5 for s in strokes(d)), "no line is bent by a little"


def test_a_network_of_more_blocks_is_longer_not_wider() -> None:
    few, many = (network(blocks, collapse=False).scene.root.size[0] for blocks in (2, 8))
    assert many < 1.1 * few


def test_the_chief_of_several_lines() -> None:
    assert placing._chief([(1, 3.0, 5), (2, 3.0, 6), (2, 4.0, 7)]) == 7
    assert placing._chief([(1, 3.0, 5), (1, 3.0, 6), (1, 3.0, 7), (0, 9.0, 8)]) == 6
    assert placing._chief([(1, 3.0, 5), (1, 3.0, 6)]) == placing._chief([]) == -1


def test_crossings_are_counted() -> None:
    assert layout._crossings([[0, 1, 2], [3, 4, 5]], {0: [5], 1: [4], 2: [3, 5]}) == 3
    assert layout._crossings([[0, 1], [2, 3]], {0: [2, 3], 1: [2, 3]}) == 1


def test_a_circle_is_refused() -> None:
    a, b = Item(10, 10), Item(10, 10)
    with pytest.raises(ValueError, match="without circles"):
        arrange(Item(0, 0, [a, b]), [Net(a, (b,)), Net(b, (a,))])


# --- what is drawn ---


def test_numbers_names_and_forms() -> None:
    d = exercise()
    assert d.text.splitlines() == [
        "loss = (x × y) + z   data 10   grad 1",
        "├─ x × y   data 6   grad 1",
        "│  ├─ x   data 2   grad 3",
        "│  └─ y   data 3   grad 2",
        "└─ z   data 4   grad 1",
    ]
    assert {b.title: b.kind for b in d.scene.boxes.values()} == {
        "x": "leaf", "y": "leaf", "z": "leaf", "x × y": "op", "loss": "op",
    }  # fmt: skip
    assert [b.title for b in d.scene.boxes.values() if b.last] == ["loss"]


def test_weights_of_a_neuron_share_a_box() -> None:
    random.seed(0)
    n, x = Neuron(3), [1.0, 2.0, 3.0]
    y = n(x)
    d = draw(y)
    assert sorted(titles(d)) == ["constants", "n", "w*x+b", "y"]
    assert [r.label for r in box(d, "n").rows] == ["", "w[0]", "w[1]", "w[2]", "b"]


def test_tensors_are_summarised() -> None:
    d = network()
    assert box(d, "images").kind == "constant"
    rows = {r.label: r for r in box(d, "images").rows}
    assert "3 × 4 float32" in rows
    assert re.fullmatch(r"-?[\d.]+ ± [\d.]+", rows["data"].text)
    assert len(rows["data"].bars) == 16
    assert "test_draw.py" in next(b.tip for b in d.scene.boxes.values() if b.last)


@pytest.mark.parametrize(
    ("value", "text", "wrong"),
    [
        (None, "–", False), (2.0, "2", False), (float("nan"), "nan", True), (np.zeros((0, 2)), "empty", False),
        (np.array([1.0, np.nan, np.inf, 3.0]), "1 NaN, 1 inf of 4, 2 ± 1", True),
        (np.array([True, False]), "1 of 2 true", False),
        (np.array([3, -1]), "-1 … 3", False), (np.array([3j, 4.0]), "|x| 3.5 ± 0.5", False), (np.array(7), "7", False),
        (np.full(3, 1e308), "inf ± inf", False), (object(), "object", False),
    ],
)  # fmt: skip
def test_rows(value: Any, text: str, wrong: bool) -> None:
    found = row("data", value)
    assert (found.text, found.wrong) == (text, wrong)


def test_modules_open_and_close() -> None:
    assert titles(network(collapse=0)) == ["Tower", "images", "square", "loss"]
    assert "blocks.0" in titles(network(collapse=1)) and "fc" not in titles(network(collapse=1))
    opened = network(collapse=1, expand="blocks.1")
    assert titles(opened).count("fc") == 1
    assert {"weight", "bias", "linear"} <= set(titles(network(collapse=False)))
    one = network(collapse=["blocks.0", "*.norm"])
    assert [b.path[-1] for i, b in one.scene.boxes.items() if b.kind == "module" and not i.open] == ["blocks.0", "norm"]
    assert not list(overlaps(network(collapse=False).scene.root))
    assert len(list(network(blocks=12).scene.root.boxes())) < 45, "by default a picture that can be read"


def test_a_module_called_twice_is_two_boxes() -> None:
    layer, mix = nn.Linear(2, 2), nn.Tanh()
    both = nn.Sequential(layer, mix, layer)
    with watch():
        y = both(gg.ones(1, 2)).sum()
    d = draw(y, collapse=1)
    assert titles(d).count("0") == 2


def test_a_large_graph_is_cut_and_says_how_much() -> None:
    x, w = Value(1.0), gg.ones(3, requires_grad=True)
    for _ in range(300):
        x, w = x * 0.5 + 1, w + 1
    for root, limit, total in ((x, 20, "1,201"), (x, 400, "1,201"), (w.sum(), 20, "302")):
        d = draw(look(root, limit=100), limit=limit)
        drawn_vertices = sum(len(b.members) or 1 for b in d.scene.boxes.values() if b.kind != "earlier")
        assert titles(d)[0] == f"… {int(total.replace(',', '')) - drawn_vertices:,} earlier"
        assert f"Of {total} vertices the newest {drawn_vertices:,} are drawn." in d.scene.notes
        assert drawn_vertices <= 103


# --- the forms ---


def test_the_same_bytes() -> None:
    for make in (exercise, network):
        a, b = make(), make()
        assert (a.svg, a.html, a.dot, a.text) == (b.svg, b.html, b.dot, b.text)


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.events: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.events |= {name for name, _ in attrs if name.startswith("on")}


def test_labels_never_become_markup() -> None:
    values = [Value(1.0, label=label) for label in HOSTILE]
    total = values[0]
    for k, v in enumerate(values[1:]):
        total = total * v
        total.label = HOSTILE[k]
    d = draw(total)
    tags = {node.tag.rpartition("}")[2] for node in ElementTree.fromstring(d.svg).iter()}
    assert tags == {"svg", "style", "rect", "g", "title", "path", "text"}
    page = Tags(d.html)
    assert page.found.isdisjoint({"img", "iframe", "object", "link"}) and not page.events
    assert d.html.count("<script") == 2 and "alert(1)</script" not in d.html
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", d.svg + d.html + d.dot + d.text)
    strings = re.sub(r'"(?:[^"\\]|\\.)*"', "S", d.dot)
    assert "evil" not in strings and '"' not in strings
    assert set(re.sub(r"n\d+|S", "", strings)) <= set(
        "digraphnoe {}[]=,;->\n" + "".join(map(chr, range(97, 123))) + "0123456789_"
    )


def test_names_of_modules_and_parameters_are_escaped_too() -> None:
    net = nn.Module()
    net.add_module("<b>", nn.Linear(2, 2))
    net.forward = lambda x: getattr(net, "<b>")(x)  # type: ignore[method-assign]
    with watch():
        y = net(gg.ones(1, 2)).sum()
    d = draw(y, collapse=False)
    assert "<b>" in titles(d) and "<b>" not in d.svg and "<b>" not in d.html


def test_svg_follows_dark_mode_and_asks_for_nothing() -> None:
    svg = network().svg
    assert "prefers-color-scheme:dark" in svg and "<script" not in svg
    assert re.findall(r"(?:href|src|url)\W*=?", svg.replace("http://www.w3.org/2000/svg", "")) == []


def test_save_writes_by_ending(tmp_path: Path) -> None:
    d = exercise()
    for ending in ("svg", "html", "dot", "txt"):
        d.save(tmp_path / f"graph.{ending}")
    assert (tmp_path / "graph.svg").read_text(encoding="utf-8") == d.svg == d._repr_svg_()
    with pytest.raises(ValueError, match=r"ends in \.svg, \.html, \.dot, \.txt, \.png; got 'graph.pdf'"):
        d.save(tmp_path / "graph.pdf")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        d.save(tmp_path / "none" / "graph.svg")


def test_png(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("matplotlib")
    with image.open(exercise().save(tmp_path / "graph.png")) as picture:
        assert picture.size == (415, 526)


def test_png_without_matplotlib_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install glassgrad\[plot\]"):
        exercise().save(tmp_path / "graph.png")


def test_the_pictures_of_the_document_are_those_of_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = (DOCS / "draw.md").read_text(encoding="utf-8")
    space: dict[str, Any] = {"__name__": "__main__"}
    for code in re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[:2]:
        exec(code, space)
    for name in ("expression.svg", "neuron.svg"):
        assert (DOCS / "pictures" / name).read_bytes() == (tmp_path / name).read_bytes(), "run `make pictures`"


def test_the_page_opens_closes_and_finds(new_page: Callable[..., Any], tmp_path: Path) -> None:
    """In a browser, where there is one: the script places every box where Python does."""
    d = network(collapse=1)
    file = d.save(tmp_path / "graph.html")
    page = new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda problem: said.append(str(problem)))
    page.goto(file.as_uri())

    def compare(other: Drawing) -> None:
        names = {item: b.title for item, b in other.scene.boxes.items()}
        expected = [(i.x, i.y, names[i]) for i in list(other.scene.root.boxes())[1:]]
        found = page.evaluate(
            "visible().slice(1).map(i => [i.x, i.y, (i.open ? i.frame : i.box).querySelector('text').textContent])"
        )
        assert [name.strip("▸▾ ") for *_, name in found] == [name for *_, name in expected]
        np.testing.assert_allclose([f[:2] for f in found], [e[:2] for e in expected], atol=1e-6)

    page.evaluate("draw()")
    compare(d)
    page.click("#open")
    compare(network(collapse=False))
    page.click("#close")
    compare(network(collapse=0))
    page.fill("#find", "blocks.1.fc.weight")
    page.press("#find", "Enter")
    assert "shape (4, 4)" in page.inner_text("#tip")
    compare(network(collapse=0, expand="blocks.1.fc"))
    page.focus("g[id^=f]:not([hidden])")
    page.keyboard.press("Enter")
    compare(network(collapse=0))
    assert not said


def test_the_page_places_random_groups_as_python_does(new_page: Callable[..., Any]) -> None:
    told: list[Any] = []
    expected: list[Any] = []
    for seed in range(30):
        root, nets = scribble(seed)
        layout.plan(root, nets)
        placing.place(root)
        items = [root]
        for item in items:
            items += item.children
        told.append(page.layout(Scene(root, {}, nets, []), {item: k for k, item in enumerate(items)}))
        expected.append([(i.x, i.y, *i.size) for i in root.boxes()])
    browser = new_page()
    browser.add_script_tag(content=page.read("placing.js"))
    placed = "told => told.map(one => { lay(one); return arrange().seen.map(i => [i.x, i.y, ...i.size]); })"
    for found, known in zip(browser.evaluate(placed, told), expected, strict=True):
        np.testing.assert_allclose(found, known, atol=1e-6)


# --- what cannot be drawn, or not wholly ---


def test_bad_input() -> None:
    x = gg.ones(3, requires_grad=True)
    with pytest.raises(TypeError, match="a Value or a Tensor, got list"):
        draw([1.0])
    with pytest.raises(ValueError, match="at least 1; got 0"):
        draw(x.sum(), limit=0)
    with pytest.raises(ValueError, match="did you mean 'blocks.0'"):
        network(collapse="block.0")
    with pytest.raises(ValueError, match="no such module in this graph; it has no modules"):
        draw(x.sum(), expand="net")
    with pytest.raises(TypeError, match="a depth, a module's path"):
        draw(x.sum(), collapse=1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="from 0 on; got -1"):
        draw(x.sum(), collapse=-1)


def test_what_is_missing_is_said_below() -> None:
    x = gg.ones(3, requires_grad=True)
    loss = x.exp().sum()
    loss.backward()
    assert "freed by backward() at test_draw.py" in draw(loss).text
    assert "requires no gradient" in draw(gg.tensor([1, 2])).text
    assert "Pass gradient=" in draw(x * 2).text


def test_odd_values_and_labels() -> None:
    for value in (float("nan"), float("inf"), 0.0):
        assert draw(Value(value) * Value(1.0)).svg
    circle: list[Any] = []
    circle.append(circle)
    a = Value(1.0, label=circle)  # type: ignore[arg-type]
    assert "a = " not in draw(a * a).text
    for x in (gg.zeros(0, 2, requires_grad=True), gg.tensor(2.0, requires_grad=True)):
        assert draw((x * 2).sum()).html


# --- a program's graph ---


def test_the_first_backward_of_a_program_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = gg.ones(2, requires_grad=True)
    for k, (root, name) in enumerate([(lambda: (x * 2).sum(), "x"), (lambda: Value(2.0, label="a") * 3, "a")]):
        file = tmp_path / f"{k}.txt"
        with drawn(str(file)):
            root().backward()
            (x * 5).sum().backward()
        assert name in file.read_text(encoding="utf-8") and "5" not in file.read_text(encoding="utf-8")
        assert f"{k}.txt is the graph of test_draw.py" in capsys.readouterr().err
    assert gg.Tensor.backward.__module__ == "glassgrad.core.autograd"
    with drawn(str(tmp_path / "none.svg")):
        pass
    assert "never called" in capsys.readouterr().err
    with drawn(str(tmp_path / "none" / "x.svg")):
        (x * 2).sum().backward()
    assert "there is no folder" in capsys.readouterr().err
    with pytest.raises(SystemExit, match=r"ends in \.svg"), drawn("x.pdf"):
        pass
