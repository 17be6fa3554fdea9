"""The page of step(): in a browser, where there is one, it says of every step what the cursor says in Python."""

from __future__ import annotations

import html
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.glass.drawing.boxes import scene
from glassgrad.glass.drawing.layout import plan
from glassgrad.glass.drawing.svg import inside
from glassgrad.glass.graph import look
from glassgrad.glass.stepping.cursor import Cursor
from glassgrad.glass.stepping.feed import plain
from glassgrad.glass.stepping.formulas import formula
from glassgrad.glass.stepping.page import given, numbers
from glassgrad.scalar import Value
from test_cases import DIFFERENTIABLE, Run

HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"


def neuron() -> Cursor:
    w1, w2, x, b = Value(0.8), Value(-1.5), Value(2.0), Value(0.3)
    y = (w2 * (w1 * x + b).relu()) ** 2
    return gg.step(y)


class Tower(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(4, 4), nn.Tanh()) for _ in range(2))

    def forward(self, x: gg.Tensor) -> gg.Tensor:
        for block in self.blocks:
            x = x + block(x)
        return x


def network() -> Cursor:
    gg.manual_seed(0)
    tower = Tower()
    with gg.watch():
        loss = tower(gg.ones(3, 4)).square().mean() * 100
    return gg.step(loss)


def random_values(seed: int) -> Cursor:
    rng = random.Random(seed)
    values: list[Value] = [Value(rng.uniform(-2, 2), label=f"v{k}") for k in range(3)]
    for _ in range(rng.randint(2, 14)):
        a, b = rng.choice(values), rng.choice(values)
        values.append(
            rng.choice([lambda a=a, b=b: a * b, lambda a=a, b=b: a + b, lambda a=a: a.tanh(), lambda a=a: a * 1e200])()
        )
    return gg.step(values[-1] * values[-2] + sum(values[1:], values[0]))


def random_tensors(seed: int) -> Cursor:
    rng = random.Random(seed)
    gg.manual_seed(seed)
    values = [gg.randn(3, 3, requires_grad=True), gg.randn(3, requires_grad=True), gg.randn(1, requires_grad=True)]
    for _ in range(rng.randint(2, 8)):
        a, b = rng.choice(values), rng.choice(values)
        values.append(rng.choice([lambda a=a, b=b: a * b, lambda a=a, b=b: a + b, lambda a=a: a.tanh()])())
    return gg.step(sum((v.sum() for v in values[1:]), values[0].sum() / rng.choice([1, 0])))


def some_operation(seed: int) -> Cursor:
    with gg.watch():
        return gg.step(Run(DIFFERENTIABLE[seed * 97 % len(DIFFERENTIABLE)]).weigh(0))


# --- what the page is given ---


def test_one_file_that_loads_nothing(tmp_path: Path) -> None:
    cursor = network()
    file = cursor.save(tmp_path / "step.html")
    text = file.read_text(encoding="utf-8")
    assert "default-src 'none'" in text and "connect-src" not in text and "unsafe" not in text
    assert re.findall(r"""(?:src|href)\s*=|url\(|https?://(?!www\.w3\.org/2000/svg)""", text) == []
    assert text == cursor.save(tmp_path / "again.html").read_text(encoding="utf-8"), "the same bytes"
    with pytest.raises(ValueError, match=r"ends in \.html; got 'step.svg'"):
        network().save(tmp_path / "step.svg")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        network().save(tmp_path / "none" / "step.html")


def test_a_notebook_shows_it_walled_off() -> None:
    frame = neuron()._repr_html_()
    [inner] = re.findall(
        r'^<iframe srcdoc="([^"]*)" sandbox="allow-scripts" style="[^"]*" title="[^"]*"></iframe>$', frame
    )
    assert html.unescape(inner).startswith("<!doctype html>")


def test_sources_are_within_and_paths_are_not() -> None:
    told = given(network(), False)
    [source] = told["sources"]
    assert source["name"] == "test_step_page.py" and source["first"] == 1
    root = told["steps"][0]
    assert "square().mean()" in source["lines"][told["vertices"]["line"][root][1] - 1]
    assert str(Path(__file__).parent) not in str(told)


def test_formulas_are_those_of_the_source() -> None:
    x, w = gg.ones(2, 3, requires_grad=True), gg.ones(3, requires_grad=True)
    cursor = gg.step((x * w).tanh().sum())
    rules = {v.op: [formula(v, e) for e in v.edges] for v in cursor.order}
    assert rules["tanh"] == ["g * (1 - y * y)"] and rules["mul"] == ["g * other", "g * x"]
    rules = {v.op: [formula(v, e) for e in v.edges] for v in neuron().order}
    assert rules == {
        "**2": ["g * 2 * a ** (2 - 1)"], "mul": ["g * b", "g * a"], "relu": ["where(y <= 0, 0, g)"], "add": ["g", "g"],
    }  # fmt: skip


def test_every_formula_has_a_text() -> None:
    from glassgrad.core.op import REGISTRY
    from glassgrad.glass.stepping.formulas import source

    texts = [source(f.__code__) for op in REGISTRY.values() for f in op.declared.values() if f is not None]
    assert len(texts) > 100 and all("g" in text or text == "Parts({index: g})" for text in texts)
    for text in texts:
        compile(text, "formula", "eval")


def test_tensors_in_short() -> None:
    assert plain(2.0) == 2.0 and plain(float("nan")) == "nan" and plain(None) is None
    found = plain(gg.tensor([[1.0, 2.0], [float("inf"), 3.0]]).numpy())
    assert found["shape"] == [2, 2] and found["norm"] == "inf" and found["wrong"] == 1 and found["low"] == 1.0
    assert found["entries"] == "1 2 inf 3" and len(found["bars"]) == 16
    assert "entries" not in plain(gg.zeros(5, 5).numpy()) and plain(gg.zeros(0, 2).numpy())["norm"] == 0


def test_large_groups_are_cut_into_pieces() -> None:
    x = loss = Value(1.0)
    for _ in range(800):
        loss = loss * 0.999 + x
    drawn = scene(look(loss), limit=10**6, hidden=10**9, pieces=True)
    plan(drawn.root, drawn.nets)  # no circles
    assert max(len(item.children) for item in [drawn.root, *drawn.boxes]) <= 120
    inside = {item: set(item.path()) for item in drawn.boxes}
    for net in drawn.nets:
        for target in net.targets:
            for end, other in ((net.source, target), (target, net.source)):
                around = [x for x in end.path()[:-1] if x in drawn.boxes and drawn.boxes[x].kind == "piece"]
                assert all(piece in inside[other] for piece in around), "lines end at a piece's border"
    assert len(drawn.item_of) == len(look(loss).vertices)


# --- in the browser ---


@pytest.fixture(scope="module")
def logic(new_page: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A page whose scripts are asked what they would say of other passes."""
    page = new_page()
    page.goto(neuron().save(tmp_path_factory.mktemp("logic") / "step.html").as_uri())
    return page


@pytest.fixture
def opened(new_page: Callable[..., Any], tmp_path: Path) -> Iterator[Any]:
    """What opens a cursor's page; nothing may be loaded, and nothing said on the console."""
    said: list[str] = []
    pages: list[Any] = []

    def open_(cursor: Cursor) -> Any:
        page = new_page(viewport={"width": 1280, "height": 720})
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda problem: said.append(str(problem)))
        page.on("dialog", lambda dialog: said.append("a dialog"))
        start = cursor.save(tmp_path / f"{len(pages)}.html").as_uri()
        page.on("request", lambda request: said.append(request.url) if not request.url.startswith(start) else None)
        page.goto(start)
        page.wait_for_selector("body[data-ready]")
        pages.append(page)
        return page

    yield open_
    for page in pages:
        page.close()
    assert not said


def expected(cursor: Cursor) -> dict[str, Any]:
    """What the cursor in Python says at its place."""
    vertices = cursor.graph.vertices
    number = {v: k for k, v in enumerate(vertices)}
    return {
        "rows": [list(row) for row in cursor.rows()],
        "arrived": [len(cursor.arrived(v)) - (v is cursor.graph.root) for v in vertices],
        "pending": [[number[w] for w in cursor.pending(v)] for v in vertices],
    }


SAYS = """(data) => {
  const c = new Cursor(data), all = c.vertices.map((_, v) => v);
  return [0, ...c.steps].map((_, k) => {
    c.at = k;
    return { rows: k ? c.rows().map((r) => [r.name, r.product, r.sum]) : [],
      arrived: all.map((v) => c.arrived(v).length), pending: all.map((v) => c.pending(v)) };
  });
}"""


def told(cursor: Cursor) -> dict[str, Any]:
    return numbers(cursor.goto(0))


@pytest.mark.parametrize("make", [random_values, random_tensors, some_operation])
def test_the_page_says_what_the_cursor_says(logic: Any, make: Any) -> None:
    for seed in range(8):
        cursor = make(seed)
        for k, said in enumerate(logic.evaluate(SAYS, told(cursor))):
            assert said == expected(cursor.goto(k)), (seed, k)


def test_the_comparison_can_fail(logic: Any) -> None:
    cursor = random_values(3)
    data = told(cursor)
    data["edges"]["flow"][0] = 1.25
    assert any(said != expected(cursor.goto(k)) for k, said in enumerate(logic.evaluate(SAYS, data)))


def test_numbers_are_written_as_in_python(logic: Any) -> None:
    rng = random.Random(0)
    numbers = [rng.uniform(-1, 1) * 10 ** rng.randint(-12, 12) for _ in range(300)] + [0.0, 1.0, 1e-4, 999999.5, 1e6]
    assert logic.evaluate("(xs) => xs.map((x) => digits(x))", numbers) == [f"{x:.6g}" for x in numbers]


NEXT = """([data, r]) => new Cursor(data).next({ nan: false, above: null, ...r,
  nodes: new Set(r.nodes ?? []), modules: new Set(r.modules ?? []) })"""


@pytest.mark.parametrize(
    "make", [lambda: random_tensors(1), lambda: random_tensors(2), lambda: random_values(1), network]
)
def test_runs_stop_where_the_cursor_stops(logic: Any, make: Any) -> None:
    cursor = make()
    data = told(cursor)
    options = ({"nan": True}, {"above": 2.5}, {"module": "blocks.0"})
    for rules, option in zip(({"nan": True}, {"above": 2.5}, {"modules": ["blocks.0"]}), options, strict=True):
        at = logic.evaluate(NEXT, [data, rules])
        there = cursor.goto(0).run(**option).at  # type: ignore[arg-type]
        assert there == at or (at is None and there == len(cursor)), option
    leaf = next(v for v in cursor.graph.vertices if v.kind == "leaf" and v.gradient is not None)
    at = logic.evaluate(NEXT, [data, {"nodes": [cursor.graph.vertices.index(leaf)]}])
    assert at == cursor.goto(leaf).at


def place(page: Any) -> str:
    return page.inner_text("#place")


def test_keys_slider_and_buttons(opened: Any) -> None:
    page = opened(neuron())
    assert place(page) == "5 steps" and "before the first" in page.inner_text("#step")
    for key, there in (
        ("ArrowRight", 1), ("j", 2), (" ", 3), ("ArrowDown", 4), ("k", 3), ("ArrowUp", 2), ("ArrowLeft", 1), ("End", 5),
        ("ArrowRight", 5), ("Home", 0), ("ArrowLeft", 0),
    ):  # fmt: skip
        page.keyboard.press(key)
        assert place(page) == (f"step {there} of 5" if there else "5 steps"), key
    page.click("#next")
    words = page.inner_text("#step")
    assert "y: **2 = 8.1225" in words and words.endswith("its gradient: complete")
    assert re.search(r"w2 \* relu.*\s1\s+×\s+-5.7\s+=\s+-5.7\s", words)
    page.evaluate("$('slider').value = 4; $('slider').dispatchEvent(new Event('input'))")
    assert place(page) == "step 4 of 5" and page.evaluate("$('slider').max") == "5"
    page.click("#back")
    assert place(page) == "step 3 of 5"
    page.keyboard.press("?")
    assert "next NaN" in page.inner_text("#keys")
    page.keyboard.press("Escape")
    page.keyboard.press("Home")
    assert place(page) == "5 steps", "closed again"
    papers = set()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        papers.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(papers) == 2


WRITTEN = """() => items.slice(1).map((item) => [...closedNode(item).querySelectorAll("path, :not(.badge) > text")].map(
  (node) => [node.getAttribute("class").split(" ")[0], Number(node.getAttribute("x")), node.textContent]))"""


def test_boxes_are_those_of_the_picture(opened: Any) -> None:
    cursor = network()
    drawn = scene(cursor.graph, limit=10**6, hidden=10**9, pieces=True)
    wanted = [
        [[s.style, getattr(s, "x", 0), getattr(s, "text", "")] for s in inside(box, item.width, item.height)]
        for item, box in drawn.boxes.items()
    ]
    assert opened(cursor).evaluate(WRITTEN) == wanted


def states(page: Any) -> dict[str, str]:
    return page.evaluate(
        "Object.fromEntries([...$('boxes').children].map("
        "(g) => [g.querySelector('text').textContent, g.getAttribute('class').trim()]))"
    )


def test_boxes_show_how_far_the_pass_is(opened: Any) -> None:
    a, b = Value(3.0), Value(2.0)
    y = (a * b) + (a.tanh())
    page = opened(gg.step(y))
    assert set(states(page).values()) == {"ready", "none"}
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert states(page) == {"y": "done", "tanh(a)": "current", "a × b": "ready", "a": "part", "b": "none"}
    assert page.evaluate("[...$('boxes').children].map((g) => g.textContent).find((t) => t.includes('1/2'))")
    page.keyboard.press("End")
    assert states(page) == {"y": "done", "tanh(a)": "done", "a × b": "current", "a": "done", "b": "done"}
    assert page.evaluate("[...$('flows').querySelectorAll('text')].map((t) => t.textContent)") == ["2", "3"]


def test_modules_open_close_and_are_followed(opened: Any) -> None:
    page = opened(network())
    shown = "visible().slice(1).filter((i) => i.open).map((i) => i.box.path)"
    page.evaluate("for (const item of items.slice(1)) item.open = false; draw(); go(1)")
    assert page.evaluate(shown) == [], "the first step is outside"
    page.keyboard.press("f")
    for _ in range(4):
        page.keyboard.press("j")
    assert page.evaluate(shown) == [] and "current" in states(page).values(), "a closed module stands for it"
    page.keyboard.press("f")
    inner = page.evaluate(shown)
    assert inner[0] == "Tower" and any("blocks.1" in p for p in inner)
    page.click("#frames g:last-child text >> nth=0")
    assert page.evaluate(shown) == inner[:-1], "its name closes it"
    page.click("#boxes g:has-text('▸') >> nth=0")
    assert len(page.evaluate(shown)) == len(inner)


def test_search_and_breakpoints(opened: Any) -> None:
    page = opened(network())
    page.keyboard.press("/")
    page.keyboard.type("blocks.0.0.bias")
    assert "1 found" in page.inner_text("#said") and "blocks.0.0.bias" in page.inner_text("#ledger h2")
    assert "0 of 1 parts" in page.inner_text("#ledger")
    page.keyboard.press("Enter")
    cursor = network()
    there = cursor.goto(next(v for v in cursor.graph.vertices if v.name.endswith("blocks.0.0.bias"))).at
    assert place(page) == f"step {there} of {len(cursor)}" and "complete" in page.inner_text("#ledger")
    page.keyboard.press("b")
    assert "blocks.0.0.bias" in page.inner_text("#chips")
    page.keyboard.press("Home")
    page.keyboard.press("c")
    assert place(page) == f"step {there} of {len(cursor)}"
    page.click("#chips button")
    page.keyboard.press("Home")
    page.check("#large")
    page.fill("#above", "0.5")
    page.click("#run")
    assert place(page) == f"step {cursor.goto(0).run(above=0.5).at} of {len(cursor)}"
    page.uncheck("#large")
    page.keyboard.press("c")
    assert "no breakpoint from here on" in page.inner_text("#said")
    page.keyboard.press("n")
    assert "no NaN" in page.inner_text("#said")
    page.fill("#find", "nothing like it")
    assert "nothing of that name" in page.inner_text("#said")


def test_the_next_nan(opened: Any) -> None:
    x = gg.tensor([0.0, 4.0], requires_grad=True)
    root = x.sqrt()
    page = opened(gg.step((root * gg.tensor([0.0, 1.0])).sum()))
    page.keyboard.press("n")
    assert (
        place(page) == "step 3 of 3"
        and "nan" in page.inner_text("#step")
        and "1 not finite" in page.inner_text("#step")
    )
    page.click("#step .flow button")
    assert page.inner_text("#array td >> nth=0") == "nan", "small tensors are in the page"


def test_the_source_is_marked_and_leads_to_its_steps(opened: Any) -> None:
    page = opened(network())
    assert "square().mean()" in page.inner_text("#code .current")
    made = page.locator("#code .made", has_text="x = x + block(x)")
    made.click()
    assert "block(x)" in page.inner_text("#code .current") and place(page).startswith("step")


def test_labels_never_become_markup(opened: Any) -> None:
    a, b = Value(2.0, label=HOSTILE), Value(3.0, label='"]]>&lt;')
    net = nn.Module()
    net.add_module("<b>", nn.Linear(2, 2))
    net.forward = lambda x: getattr(net, "<b>")(x)  # type: ignore[method-assign]
    with gg.watch():
        of_modules = net(gg.ones(1, 2)).sum()
    y = a * b
    y.label = HOSTILE
    for cursor in (gg.step(y), gg.step(of_modules)):
        page = opened(cursor)
        for key in ("j", "b", "c", "k"):
            page.keyboard.press(key)
        page.fill("#find", "<")
        assert page.evaluate("document.querySelectorAll('img, b:not(h2 b), iframe, script').length") == 2, (
            "our own scripts"
        )
        assert "<" in page.inner_text("#ledger") + page.inner_text("#step")


def test_a_large_graph_opens(opened: Any) -> None:
    x = loss = Value(1.0)
    for _ in range(400):
        loss = loss * 0.999 + x
    page = opened(gg.step(loss))
    assert page.evaluate("visible().length") < 200
    page.keyboard.press("End")
    page.keyboard.press("Home")
    assert page.evaluate("cursor.vertices.length") > 1000 and page.evaluate("visible().length") < 200
