"""The training loop: epochs, measurements, Ctrl-C, and checkpoints that continue bit for bit.

A checkpoint says where the run stands, in the middle of an epoch too:

    model, optimizer, scheduler     their state_dicts
    order                           the generators as the running epoch began: they draw its batches again
    rng                             the generator that dropout and its like draw from, as it is now
    at                              the epoch, the step in it, and what has been measured so far

To resume, the epoch is begun again from `order`, the batches already learned from are passed over, and then `rng`
is set: whatever drew from it, and however many workers had fetched ahead, the next number is the same.
"""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import glassgrad as gg

from ..core.tensor import Tensor
from ..data import DataLoader
from ..glass.runs.runlog import RunFolder
from ..io import checkpoint
from ..nn import Module
from ..nn import functional as F

__all__ = ["Evaluation", "Standing", "Trainer", "evaluate"]

CHECKPOINT = "checkpoint.npz"


class Evaluation(NamedTuple):
    """loss: the mean over all samples; logits (N, K); labels (N,)."""

    loss: float
    accuracy: float
    logits: np.ndarray
    labels: np.ndarray


def evaluate(model: Module, loader: DataLoader, loss: Callable[..., Tensor] = F.cross_entropy) -> Evaluation:
    """What a model says to every sample of a loader, in eval mode and without a graph."""
    mode = model.training
    model.eval()
    try:
        with gg.no_grad():
            logits, labels = map(gg.cat, zip(*((model(x), y) for x, y in loader), strict=True))
            mean = loss(logits, labels).item()
    finally:
        model.train(mode)
    right = logits.argmax(1) == labels
    return Evaluation(mean, right.sum().item() / len(labels), logits.numpy(), labels.numpy())


@dataclass
class Standing:
    """Where a run stands: `epoch` are done, and `step` batches of the next; sums are over those batches."""

    epoch: int = 0
    step: int = 0
    seen: int = 0
    right: int = 0
    loss_sum: float = 0.0
    seconds: float = 0.0
    lr: float = 0.0  # of the last step
    history: list[dict[str, Any]] = field(default_factory=list)
    batch_losses: list[float] = field(default_factory=list)
    measured_at: list[int] = field(default_factory=list)  # the steps, from the first epoch on, that these are of
    gradient_norms: dict[str, list[float]] = field(default_factory=dict)  # layer -> |g|
    update_ratios: dict[str, list[float]] = field(default_factory=dict)  # layer -> |change of w| / |w|


class Trainer:
    """Minimise loss(model(x), y) over the batches of `train`, and test after every epoch.

    train, test: DataLoaders of (x, y), y the classes (N,). scheduler: a learning-rate schedule, one step a batch.
    run: where history.jsonl and the checkpoint go, after each epoch and when interrupted; None keeps nothing.
    on_step(standing), on_epoch(record): called after each. measurements: of gradients and updates in an epoch.

    Accuracy and loss in training are of each batch before it is learned from, averaged over the epoch.
    """

    def __init__(
        self,
        model: Module,
        optimizer: Any,
        train: DataLoader,
        test: DataLoader | None = None,
        *,
        scheduler: Any = None,
        loss: Callable[..., Tensor] = F.cross_entropy,
        run: RunFolder | None = None,
        on_step: Callable[[Standing], None] = lambda standing: None,
        on_epoch: Callable[[dict[str, Any]], None] = lambda record: None,
        measurements: int = 50,
    ) -> None:
        self.model, self.optimizer, self.train, self.test = model, optimizer, train, test
        self.scheduler, self.loss, self.run = scheduler, loss, run
        self.on_step, self.on_epoch = on_step, on_epoch
        self.at = Standing()
        self._measured_steps = set(range(0, len(train), max(1, len(train) // measurements))) if measurements else set()
        self.layers = {
            name or type(module).__name__: parameters
            for name, module in model.named_modules()
            if (parameters := [p for p in module.parameters(recurse=False) if p.requires_grad])
        }
        self._order = self._generators()

    # --- the loop ---

    def fit(self, epochs: int) -> bool:
        """Train until `epochs` are done; False where Ctrl-C ended it before, after a whole step, all of it saved.

        Raises FloatingPointError for a loss that is not finite, and says whether the data or the learning rate is
        to blame: what was saved before stays.
        """
        with _interrupts() as caught:
            while self.at.epoch < epochs:
                if self._epoch(caught):
                    self._close_epoch()
                self.save()
                if caught and self.at.epoch < epochs:
                    return False
        return True

    def _epoch(self, caught: list[int]) -> bool:
        """Learn from what is left of an epoch; False where an interrupt came first."""
        at, started = self.at, time.perf_counter() - self.at.seconds
        self.model.train()
        for x, y in self._batches():
            self._step(x, y)
            at.seconds = time.perf_counter() - started
            self.on_step(at)
            if caught and at.step < len(self.train):
                return False
        return True

    def _batches(self) -> Iterator[Any]:
        """The batches of the running epoch that are still to be learned from."""
        if self.at.step == 0:
            self._order = self._generators()
            return iter(self.train)
        now = gg.get_rng_state()
        self._set_generators(self._order)
        batches = iter(self.train)
        for _ in range(self.at.step):
            next(batches)
        gg.set_rng_state(now)
        return batches

    def _step(self, x: Tensor, y: Tensor) -> None:
        at = self.at
        self.optimizer.zero_grad()
        logits = self.model(x)
        loss = self.loss(logits, y)
        value = loss.item()
        if not math.isfinite(value):
            raise self._not_finite(x, value)
        loss.backward()
        with self._measured() if at.step in self._measured_steps else contextlib.nullcontext():
            self.optimizer.step()
        at.lr = float(self.optimizer.param_groups[0]["lr"])
        if self.scheduler is not None:
            self.scheduler.step()
        at.step += 1
        at.seen += len(y)
        at.loss_sum += value * len(y)
        at.right += (logits.detach().argmax(1) == y).sum().item()
        at.batch_losses.append(value)

    def _close_epoch(self) -> None:
        at, started = self.at, time.perf_counter()
        tested = evaluate(self.model, self.test, self.loss) if self.test is not None else None
        record = {
            "epoch": at.epoch + 1,
            "train_loss": at.loss_sum / at.seen,
            "train_accuracy": at.right / at.seen,
            "test_loss": tested and tested.loss,
            "test_accuracy": tested and tested.accuracy,
            "lr": at.lr,
            "seconds": at.seconds + time.perf_counter() - started,
        }
        if self.run is not None:
            self.run.append(record)
        at.history.append(record)
        at.epoch, at.step, at.seen, at.right, at.loss_sum, at.seconds = at.epoch + 1, 0, 0, 0, 0.0, 0.0
        self.on_epoch(record)

    # --- measurements ---

    @contextlib.contextmanager
    def _measured(self) -> Iterator[None]:
        """Around a step of the optimizer: note each layer's gradient, and how far its weights move."""
        at = self.at
        before = {name: [p.detach().clone() for p in ps] for name, ps in self.layers.items()}
        for name, ps in self.layers.items():
            at.gradient_norms.setdefault(name, []).append(_norm(p.grad for p in ps if p.grad is not None))
        yield
        for name, ps in self.layers.items():
            moved = _norm(p.detach() - old for p, old in zip(ps, before[name], strict=True))
            size = _norm(before[name])
            at.update_ratios.setdefault(name, []).append(moved / size if size else math.nan)
        at.measured_at.append(at.epoch * len(self.train) + at.step + 1)

    def _not_finite(self, x: Tensor, value: float) -> Exception:
        where = f"epoch {self.at.epoch + 1}, batch {self.at.step + 1} of {len(self.train)}"
        broken = ~np.isfinite(x.detach().numpy()).reshape(len(x), -1).all(axis=1)
        if broken.any():
            return FloatingPointError(
                f"{where}: sample {int(broken.argmax())} of the batch has a NaN or infinity in it "
                f"({int(broken.sum())} of {len(x)} samples do), expected finite numbers: clean the data"
            )
        lr = self.optimizer.param_groups[0]["lr"]
        return FloatingPointError(
            f"{where}: the loss is {value} though the data is finite: the weights have grown without bound. "
            f"The learning rate is {float(lr):g}: try a tenth of it"
        )

    # --- checkpoints ---

    def state_dict(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": None if self.scheduler is None else self.scheduler.state_dict(),
            "order": self._order if self.at.step else self._generators(),
            "rng": gg.get_rng_state(),
            "at": asdict(self.at) | {"batch_losses": np.array(self.at.batch_losses)},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where the trainer stood whose state_dict this is; model, optimizer and data must be as there."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])
        self._order = state["order"]
        self._set_generators(state["order"])
        gg.set_rng_state(state["rng"])
        self.at = Standing(**state["at"] | {"batch_losses": state["at"]["batch_losses"].tolist()})

    def save(self) -> None:
        """Write the checkpoint; the one before is kept until the new one has been read back."""
        if self.run is not None:
            checkpoint.save(self.path, self.state_dict())

    def load(self) -> None:
        """Continue from the run's checkpoint. Raises ValueError where it is damaged, FileNotFoundError without one."""
        self.load_state_dict(checkpoint.load(self.path))

    @property
    def path(self) -> Path:
        assert self.run is not None
        return self.run.path / CHECKPOINT

    def _generators(self) -> dict[str, Any]:
        """The states of the generators that batches are drawn from."""
        own = self.train.generator
        return {"rng": gg.get_rng_state(), "loader": None if own is None else own.get_state()}

    def _set_generators(self, states: dict[str, Any]) -> None:
        gg.set_rng_state(states["rng"])
        if self.train.generator is not None:
            self.train.generator.set_state(states["loader"])


def _norm(tensors: Any) -> float:
    """The length of all these tensors as one vector."""
    return math.sqrt(sum(t.detach().double().square().sum().item() for t in tensors))


@contextlib.contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Collects Ctrl-C instead of raising it, so that a step is finished; the second one is raised at once."""
    caught: list[int] = []

    def note(number: int, frame: Any) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)

    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield caught
        return
    before = signal.signal(signal.SIGINT, note)
    try:
        yield caught
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
