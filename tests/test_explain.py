"""explain(): the cause and the line of every planted fault, and nothing to say of healthy programs."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import explain_faults
import explain_healthy
import glassgrad as gg
from cases.make import Case
from glassgrad import nn
from glassgrad.core.cuts import TIMES, cuts
from glassgrad.core.watch import listeners, watchers
from glassgrad.glass.explaining import CAUSES, Explanation, Explanations, answer, program, zeros
from glassgrad.glass.explaining.answer import grouped
from glassgrad.glass.explaining.causes import table
from glassgrad.nn import hooks
from glassgrad.scalar import Value
from glassgrad.scalar import optim as scalar_optim
from test_cases import DIFFERENTIABLE, Run

Program = Callable[[], Any]
HELPERS = {"data", "mlp"}
ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "explain.md").read_text(encoding="utf-8")
FIRST_ROWS = list({c.path: c for c in reversed(DIFFERENTIABLE)}.values())


def programs(module: ModuleType) -> list[Program]:
    own = [f for f in vars(module).values() if inspect.isfunction(f) and f.__module__ == module.__name__]
    return [f for f in own if not inspect.signature(f).parameters and f.__name__ not in HELPERS]


FAULTS, HEALTHY = programs(explain_faults), programs(explain_healthy)


def planted(program: Any) -> tuple[str, int]:
    """The code in a program's comment, and its line."""
    source = getattr(program, "line_of", program)
    lines, first = inspect.getsourcelines(source)
    found = [(m[1], first + k) for k, text in enumerate(lines) if (m := re.search(r"# (GE\d+)$", text.rstrip()))]
    assert len(found) == 1, program.__name__
    return found[0]


@pytest.mark.filterwarnings("ignore:To copy construct:UserWarning", "ignore:The .grad attribute:UserWarning")
@pytest.mark.parametrize("program", FAULTS, ids=lambda f: f.__name__)
def test_a_planted_fault_is_named_with_its_line(program: Program) -> None:
    gg.manual_seed(0)
    said = program()
    assert (said.code, said.line) == planted(program), str(said)
    assert said.file == explain_faults.__file__


@pytest.mark.parametrize("program", HEALTHY, ids=lambda f: f.__name__)
def test_of_a_healthy_program_it_says_so(program: Program) -> None:
    gg.manual_seed(0)
    said = program()
    assert said == [] or (isinstance(said, Explanation) and said.fine), str(said)


def test_there_are_enough_of_both_and_the_codes_are_planted() -> None:
    assert len(FAULTS) >= 90 and len(HEALTHY) >= 15
    elsewhere = {"GE100", "GE116", "GE119", "GE308", "GE403"}  # in the tests below
    assert {planted(program)[0] for program in FAULTS} == set(CAUSES) - elsewhere


def test_the_checker_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """A diagnosis that takes a ReLU for a step function, or looks a line too far, is noticed."""
    monkeypatch.setitem(zeros.HOW, "relu", zeros.HOW["round"])
    with pytest.raises(AssertionError, match="GE206"):
        test_a_planted_fault_is_named_with_its_line(explain_faults.dead_relu)
    monkeypatch.undo()
    monkeypatch.setattr(answer.Explanation, "line", property(lambda self: self.place.number + 1))
    with pytest.raises(AssertionError, match="GE201"):
        test_a_planted_fault_is_named_with_its_line(explain_faults.dead_relu)
    monkeypatch.undo()
    with pytest.raises(AssertionError, match="GE103"):
        test_of_a_healthy_program_it_says_so(explain_faults.not_yet)


def test_the_checker_of_programs_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """NaN judged by its last pass, one pass seen of many, the end of a training taken for a fault."""
    monkeypatch.setattr(program.Judged, "lasting", lambda self, times: self.run[-1] if self.run else None)
    with pytest.raises(AssertionError, match="GE310"):
        test_a_planted_fault_is_named_with_its_line(explain_faults.a_root_that_spoils_the_weights)
    monkeypatch.undo()
    monkeypatch.setattr(program.Watch, "_begin", lambda self: None)
    with pytest.raises(ValueError, match="not enough values"):
        test_a_planted_fault_is_named_with_its_line(explain_faults.dead_after_some_steps)
    monkeypatch.undo()
    monkeypatch.setattr(program.Loss, "settled", False)
    with pytest.raises(AssertionError, match="GE201"):
        test_of_a_healthy_program_it_says_so(explain_healthy.trained_until_nothing_is_left)


def test_what_a_person_reads() -> None:
    gg.manual_seed(0)
    line = planted(explain_faults.detached)[1]
    assert str(explain_faults.detached()) == (
        "net.fc1.weight: the gradient is None\n"
        "GE104 cut off the graph\n"
        f"  at   explain_faults.py:{line}   loss = F.cross_entropy(net.fc2(hidden.detach()), y)  # GE104\n"
        "  detach() takes the numbers and leaves the graph behind: nothing flows back from here to net.fc1.weight\n"
        "  fix  go on with the tensor itself; detach(), .data, item(), numpy() and tensor() are for numbers to look "
        "at\n"
        "  see  GL208 in docs/lint.md"
    )
    said = explain_faults.deviation_of_zero()
    assert said.evidence == ["x = 0"] or "divides by 0" in said.cause
    assert explain_faults.log_of_zero().evidence == ["w[0] = 0, gives -inf"]


def test_a_model_gets_a_paragraph_for_each_cause() -> None:
    net = explain_faults.Net()
    with gg.no_grad():
        net.fc1.bias.fill_(-50.0)
    x, y = explain_faults.data()
    said = gg.explain(net, lambda: nn.functional.cross_entropy(net.fc2(net.fc1(x).relu()), y))
    assert [(one.name, one.code) for one in said] == [
        ("net.fc1.weight", "GE201"),
        ("net.fc1.bias", "GE201"),
        ("net.spare.weight", "GE101"),
        ("net.spare.bias", "GE101"),
        ("net.fc2.weight", "GE201"),
    ]
    assert [one.name for one in grouped(said)] == [
        "net.fc1.weight, net.fc1.bias, net.fc2.weight",
        "net.spare.weight, net.spare.bias",
    ]
    assert str(Explanations()) == "nothing wrong: every parameter has a healthy gradient"


def test_a_watched_step_leaves_no_trace() -> None:
    model, x = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5)), gg.randn(2, 3)
    model(x).sum().backward()
    before = [(p.grad, p.grad.clone()) for p in model.parameters()]

    def step() -> None:
        model.zero_grad()
        model(x).sum().backward()

    gg.manual_seed(1)
    expected = gg.rand(3)
    gg.manual_seed(1)
    assert gg.explain(model, step) == []
    assert gg.equal(gg.rand(3), expected)
    for p, (g, numbers) in zip(model.parameters(), before, strict=True):
        assert p.grad is g and gg.equal(g, numbers)
    v = Value(2.0)
    (v * 3).backward()
    assert gg.explain(v, lambda: v * v).fine and v.grad == 3.0
    with pytest.raises(ZeroDivisionError):
        gg.explain(model, lambda: 1 / 0)
    assert not watchers and not listeners and not hooks.anywhere and sys.gettrace() is trace


trace = sys.gettrace()


def test_what_is_remembered_of_a_cut_keeps_nothing_alive_and_is_bounded() -> None:
    cuts.clear()
    w = gg.ones(3, requires_grad=True)
    for _ in range(10):
        hidden = w.exp()
        memory = weakref.ref(hidden.array)
        hidden.detach()
    del hidden
    assert memory() is None
    (known,) = cuts.values()
    assert len(known) == TIMES and known[0].how == "detach()" and known[0].leaves[0]() is w
    gg.ones(3).detach()
    assert len(cuts) == 1, "where no gradient is wanted nothing is remembered"


def test_what_cannot_be_known_is_said() -> None:
    w = gg.ones(2, requires_grad=True)
    said = gg.explain(w)
    assert (said.code, said.title) == ("", "cause unknown") and "explain(p, loss)" in said.more
    loss = gg.tensor(2.0)
    assert gg.explain(w, loss).code == "GE116"
    assert gg.explain(nn.LazyLinear(2)).codes == ["GE119", "GE119"]
    assert gg.explain(w, lambda: (w * 1e38 * 1e38 * 0).sum()).code in ("GE304", "GE305")
    for nonsense in (3, "w", None):
        with pytest.raises(TypeError, match="a Tensor, a Value or a Module"):
            gg.explain(nonsense)
    with pytest.raises(TypeError, match="a function that computes it, got int"):
        gg.explain(w, 3)
    with pytest.raises(TypeError, match="returned no Tensor"):
        gg.explain(w, lambda: 3)


@pytest.mark.parametrize("c", FIRST_ROWS[::12], ids=lambda c: c.id)
def test_every_operation_can_be_asked_about(c: Case) -> None:
    run = Run(c)
    loss = run.weigh(0)
    assert gg.explain(run.reals[0], loss).code == "GE103"
    loss.backward()
    said = gg.explain(run.reals[0], loss)
    assert said.code in ("GE100", "GE112") or not run.reals[0].grad.any(), str(said)


def test_the_page_has_the_table() -> None:
    assert table() in PAGE
    assert "{" not in table(), "a field without a word in causes.FIELDS"


def test_the_walk_of_the_page(tmp_path: Path) -> None:
    """The page's first program, as its reader runs it, and what it prints."""
    program, shown = (re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.M | re.S)[0] for kind in ("python", "text"))
    (tmp_path / "network.py").write_text(program)
    command = [sys.executable, "-m", "glassgrad", "run", "--explain", str(tmp_path / "network.py")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, shown)


def steps(cut: Callable[[int], bool]) -> None:
    model, extra = nn.Linear(3, 2), nn.Linear(2, 2)
    optimizer = gg.optim.SGD([*model.parameters(), *extra.parameters()], lr=0.1)
    x, y = explain_faults.data()
    for k in range(4):
        optimizer.zero_grad()
        hidden = model(x).detach() if cut(k) else model(x)
        nn.functional.cross_entropy(extra(hidden), y).backward()
        optimizer.step()


CUT = "model.weight, model.bias: the gradient is None\nGE104"


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (lambda: steps(lambda k: True), f"1 fault in 3 of 4 backward passes\n\n{CUT}"),
        (lambda: steps(lambda k: k > 0), f"1 fault in 4 backward passes\n\n{CUT}"),  # another look makes sure
        (lambda: steps(lambda k: k == 1), "nothing wrong with 4 gradients in 4 backward passes"),  # a fault lasts
        (lambda: steps(lambda k: False), "nothing wrong with 4 gradients in 3 of 4 backward passes"),
        (lambda: gg.ones(3, requires_grad=True).sum(), "backward() of a scalar was never called"),
    ],
)
def test_what_a_program_is_told(run: Program, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    gg.manual_seed(0)
    with program.explained():
        run()
    assert capsys.readouterr().err.startswith(f"\nexplain: {said}")
    with pytest.raises(SystemExit), program.explained("many"):
        run()


class Neuron:
    """As people write them who have read how."""

    def __init__(self, bias: float) -> None:
        self.w, self.b = [Value(0.5), Value(-0.5)], Value(bias)

    def __call__(self, xs: list[Value]) -> Value:
        total = self.b
        for w, x in zip(self.w, xs, strict=True):
            total = total + w * x
        return total.relu()


def scalars(bias: float) -> None:
    net, unused = [Neuron(bias), Neuron(bias)], Value(1.0)
    optimizer = scalar_optim.SGD([p for neuron in net for p in (*neuron.w, neuron.b)] + [unused], lr=0.1)
    for k in range(5):
        xs = [Value(1.0 + k), Value(2.0)]  # data: other objects in each step
        optimizer.zero_grad()
        loss = (sum(neuron(xs) for neuron in net) - 1.0) ** 2
        loss.backward()
        optimizer.step()


def test_a_program_of_values(capsys: pytest.CaptureFixture[str]) -> None:
    backward = Value.backward
    with program.explained():
        scalars(-20.0)
    said = capsys.readouterr().err
    assert said.startswith("\nexplain: 2 faults in 3 of 5 backward passes\n\n")
    assert re.search(r"unused: .*\nGE101 never used\n", said)
    assert re.search(
        r"net\[.\]\.\S+, .* and 3 more: the gradient is 0\nGE201 dead ReLU\n  at   .*total.relu\(\)\n", said
    )
    w = Value(3.0)
    with program.explained():
        for _ in range(12):
            loss = (w - 1) ** 4
            w.grad = 0.0
            loss.backward()
            w.data -= w.grad
    assert "GE403 diverged" in capsys.readouterr().err
    assert Value.backward is backward and not watchers


def test_a_program_that_cannot_start_backward(capsys: pytest.CaptureFixture[str]) -> None:
    model, (x, y) = explain_faults.Net(), explain_faults.data()
    with pytest.raises(RuntimeError, match="does not require grad"), program.explained():
        with gg.no_grad():
            loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
    said = capsys.readouterr().err
    assert "model.fc1.weight, model.fc1.bias, model.fc2.weight and 1 more" in said and "\nGE105 made without" in said


def test_a_program_that_diverges() -> None:
    model, x = nn.Linear(3, 1), gg.randn(8, 3)
    optimizer = gg.optim.SGD(model.parameters(), lr=100.0)
    seen = program.Watch(2)
    with seen:
        for _ in range(30):
            optimizer.zero_grad()
            (model(x) - 1).square().mean().backward()
            optimizer.step()
    assert [one.code for one in seen.late] == ["GE403"] and "GE403 diverged" in seen.report()
    assert not watchers and not listeners and not hooks.anywhere
