"""torch.profiler's names: schedules, ranges, averages and their table."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.data import DataLoader, TensorDataset
from glassgrad.profiler import (
    ProfilerAction,
    ProfilerActivity,
    autograd_profile,
    profile,
    record_function,
    schedule,
    tensorboard_trace_handler,
)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        self.now += 1e-6
        return self.now


def train(**options: Any) -> Any:
    gg.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    optimizer = gg.optim.SGD(model.parameters(), lr=0.1)
    loader = DataLoader(TensorDataset(gg.randn(8, 4), gg.randint(0, 2, (8,))), batch_size=4)
    with profile(activities=[ProfilerActivity.CPU], clock=Clock(), **options) as prof:
        for x, y in loader:
            with record_function("step"):
                loss = nn.functional.cross_entropy(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    return prof


def test_averages() -> None:
    found = {e.key: e for e in train(record_shapes=True, profile_memory=True).key_averages()}
    assert {
        "step", "aten::linear", "aten::relu", "AddmmBackward0", "ReluBackward0", "NllLossBackward0",
        "Optimizer.step#SGD.step", "Optimizer.zero_grad#SGD.zero_grad",
        "enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__",
    } <= set(found)  # fmt: skip
    step, linear = found["step"], found["aten::linear"]
    assert (step.count, linear.count) == (2, 4)
    assert linear.self_cpu_memory_usage == 2 * (4 * 8 + 4 * 2) * 4
    assert step.cpu_memory_usage > step.self_cpu_memory_usage == 0
    assert step.cpu_time_total > linear.cpu_time_total > 0
    assert linear.cpu_time == linear.cpu_time_total / 4


def test_events_are_nested_as_they_ran() -> None:
    events = train(record_shapes=True).events()
    step = next(e for e in events if e.name == "step")
    names = [e.name for e in step.cpu_children]
    assert names.index("aten::linear") < names.index("aten::relu") < names.index("AddmmBackward0")
    assert all(e.cpu_parent is step for e in step.cpu_children)
    assert step.cpu_children[0].input_shapes == [[4, 4], [8, 4], [8]]
    assert sum(e.self_cpu_time_total for e in events) == pytest.approx(events.self_cpu_time_total)


def test_table() -> None:
    averages = train(record_shapes=True, profile_memory=True).key_averages(group_by_input_shape=True)
    table = averages.table(sort_by="self_cpu_time_total", row_limit=3)
    lines = table.splitlines()
    assert lines[0] == lines[2] == lines[6]
    assert lines[1].split("  ")[-2].strip() == "Input Shapes"
    assert len({len(line) for line in lines[:7]}) == 1
    assert re.fullmatch(r"Self CPU time total: [\d.]+[mu]s", lines[7]) and table.endswith("\n")
    times = [e.self_cpu_time_total for e in averages]
    assert f"{max(times) / averages.self_cpu_time_total * 100:.2f}%" in lines[3]
    with pytest.raises(AttributeError, match="nonsense"):
        averages.table(sort_by="nonsense")


def test_schedule_and_handlers(tmp_path: Path) -> None:
    told: list[Any] = []

    def ready(prof: Any) -> None:
        told.append((prof.step_num, {e.key: e.count for e in prof.key_averages()}))
        tensorboard_trace_handler(str(tmp_path), worker_name="w")(prof)

    x = gg.ones(3)
    plan = schedule(wait=1, warmup=1, active=2, repeat=2)
    assert [plan(k).name for k in range(5)] == ["NONE", "WARMUP", "RECORD", "RECORD_AND_SAVE", "NONE"]
    with profile(schedule=plan, on_trace_ready=ready, clock=Clock()) as prof:
        for _ in range(9):
            x + x
            prof.step()
    assert told == [(4, {"ProfilerStep*": 2, "aten::add": 2}), (8, {"ProfilerStep*": 2, "aten::add": 2})]
    files = sorted(tmp_path.iterdir())
    assert len(files) == 2 and files[0].name.startswith("w.") and files[0].name.endswith(".pt.trace.json")
    names = {e["name"] for e in json.loads(files[0].read_text())["traceEvents"]}
    assert {"ProfilerStep#2", "ProfilerStep#3"} <= names and plan(8) is ProfilerAction.NONE


def test_what_is_not_here_says_so() -> None:
    with pytest.raises(NotImplementedError, match="experimental_config"):
        profile(experimental_config=object())
    with pytest.raises(AssertionError, match="must be initialized"):
        profile().key_averages()
    with pytest.raises(AssertionError, match="need > 0"):
        schedule(wait=0, warmup=0, active=0)
    with pytest.warns(UserWarning, match="CUDA is not available"):
        profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA])
    with profile() as prof, pytest.raises(AssertionError, match="still recording"):
        prof.events()
    with pytest.raises(NotImplementedError, match="export_chrome_trace"):
        prof.export_stacks("x")


def test_the_older_names() -> None:
    @record_function("named")
    def twice(x: Any) -> Any:
        return x + x

    with autograd_profile(clock=Clock()) as prof:
        twice(gg.ones(2))
    assert [e.name for e in prof.function_events] == ["named", "aten::add"]
    assert prof.total_average().count == 2 and "aten::add" in str(prof)
    with autograd_profile(enabled=False) as prof:
        twice(gg.ones(2))
    assert str(prof) == "<unfinished profile>"
