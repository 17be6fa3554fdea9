"""A report of a program that never heard of this package: `glassgrad run --report program.py`.

Its losses are the scalars whose backward() it calls, its networks the outermost modules that it calls while training,
its steps those of its optimizers. The run folder and its page are made when the program ends, however it does.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...core import watch as watching
from ...core.modes import is_grad_enabled
from ...nn import hooks
from ...nn.module import Module
from ...nn.parameter import is_lazy
from ...optim.optimizer import Optimizer, register_optimizer_step_post_hook
from ..runs.report import Report, write_report
from ..runs.runlog import RunFolder
from .figures import parameter_rows
from .health import Health
from .passes import LossLines, raw
from .plots import is_pictures
from .record import FILE, Record

__all__ = ["reported", "write_run"]

MOST_NETWORKS = 8


@contextmanager
def reported(folder: str = "") -> Iterator[None]:
    """Around a program: afterwards there is folder/NAME-001 (runs/...), and standard error says where."""
    root, process, started = Path(folder or "runs").resolve(), os.getpid(), time.monotonic()
    seen = Observer()
    notes: list[str] = []
    try:
        with seen:
            yield
    except BaseException as problem:
        if not (isinstance(problem, SystemExit) and not problem.code):
            notes.append(f"The program ended with {type(problem).__name__}: {problem}")
        raise
    finally:
        if os.getpid() == process:  # not in a forked child
            print(f"report: {seen.write(root, notes, time.monotonic() - started)}", file=sys.stderr)


class Observer:
    """Finds what a program trains."""

    def __init__(self) -> None:
        self.networks: list[Health] = []
        self.optimizers: dict[int, Optimizer] = {}
        self.record = Record()
        self.lines = LossLines(self.record.losses)
        self._known: set[int] = set()  # modules that are watched, or have nothing to watch
        self._handles: list[Any] = []

    def __enter__(self) -> None:
        self._handles = [
            hooks.register_module_forward_pre_hook(self._called),
            register_optimizer_step_post_hook(self._stepped),
        ]
        watching.listeners.append(self.lines)

    def __exit__(self, *problem: object) -> None:
        for handle in self._handles:
            handle.remove()
        watching.listeners.remove(self.lines)
        for network in self.networks:
            network.close()

    def _called(self, module: Module, args: Any) -> None:
        if id(module) in self._known or not (module.training and is_grad_enabled()):
            return
        own = list(module.parameters())
        if any(map(is_lazy, own)):
            return
        within = {id(part) for part in module.modules()}
        self._known |= within
        for part in [network for network in self.networks if id(network.model) in within]:  # called on its own before
            part.close()
            self.networks.remove(part)
        if len(self.networks) < MOST_NETWORKS and any(p.requires_grad for p in own):
            network = Health(module, losses=False)
            network._enter(module, args)  # this very call has begun already
            self.networks.append(network)

    def _stepped(self, optimizer: Optimizer, args: Any, kwargs: Any) -> None:
        self.optimizers[id(optimizer)] = optimizer

    def whole(self) -> Record:
        """The losses, and the layers of all networks; where there are several, with the network's name in front."""
        if not self.networks:
            return self.record
        several = len(self.networks) > 1
        first, *others = sorted(self.networks, key=lambda network: -len(network.record.steps))
        names = [
            f"{type(network.model).__name__}{i + 1 if several else ''}." for i, network in enumerate(self.networks)
        ]
        whole = replace(_named(first.record, names[self.networks.index(first)] if several else ""))
        rows = [dict(row) for row in whole.rows]
        for network in others:
            other = _named(network.record, names[self.networks.index(network)])
            at = dict(zip(other.steps, other.rows, strict=True))
            for step, row in zip(whole.steps, rows, strict=True):
                for kind, numbers in at.get(step, {}).items():
                    row[kind] = {**row.get(kind, {}), **numbers}
            for field in ("layers", "activations", "gradients", "activation_of", "lost"):
                setattr(whole, field, {**getattr(whole, field), **getattr(other, field)})
        whole.rows, whole.losses = rows, self.record.losses
        return whole

    def write(self, root: Path, notes: list[str], seconds: float) -> str:
        """Make the run folder; where it is, or why there is none."""
        record = self.whole()
        if not record.losses and not record.rows:
            return "nothing to show: the program called no backward()"
        name = re.sub(r"[^\w.+-]+", "-", Path(sys.argv[0]).stem).lstrip(".+-") or "program"
        settings = {
            f"optimizer{i + 1 if len(self.optimizers) > 1 else ''}": _described(optimizer)
            for i, optimizer in enumerate(self.optimizers.values())
        }
        try:
            run = RunFolder.create(
                root, name, settings, command=shlex.join(["glassgrad", "run", "--report", *sys.argv])
            )
            write_run(run, record, [network.model for network in self.networks], notes, seconds)
        except OSError as problem:
            return f"could not be written: {problem}"
        return str(run.path / "report.html")


def _named(record: Record, name: str) -> Record:
    """The record with a name in front of every layer."""
    if not name:
        return record
    new = replace(record)
    for field in ("layers", "activations", "gradients", "activation_of", "lost"):
        setattr(new, field, {name + layer: value for layer, value in getattr(record, field).items()})
    new.rows = [
        {kind: {name + layer: value for layer, value in numbers.items()} for kind, numbers in row.items()}
        for row in record.rows
    ]
    return new


def _described(optimizer: Optimizer) -> str:
    """Adam(lr=0.001, betas=(0.9, 0.999), ...): what is set, without what is off."""
    options = {key: value for key, value in optimizer.param_groups[0].items() if key not in ("params", "param_names")}
    said = (f"{key}={value}" for key, value in options.items() if value not in (None, False, 0))
    return f"{type(optimizer).__name__}({', '.join(said)})"


def write_run(
    run: RunFolder, record: Record, models: Sequence[Module], notes: Sequence[str] = (), seconds: float | None = None
) -> None:
    """health.json and report.html in a run folder."""
    record.save(run.path / FILE)
    pictures = {
        name: raw(p)
        for model in models
        for name, p in list(model.named_parameters())
        if p.dim() in (2, 4) and p.numel() and min(p.shape[2:] or (2,)) > 1 and is_pictures(raw(p))
    }
    write_report(
        run.path / "report.html",
        Report(
            title=run.path.name,
            settings=run.settings,
            environment=run.run.get("environment", {}),
            command=run.run.get("command", ""),
            seconds=seconds,
            history=run.history(),
            parameters=[row for model in models for row in parameter_rows(model)],
            filters=dict([*pictures.items()][:3]),
            notes=notes,
            health=record,
        ),
    )
