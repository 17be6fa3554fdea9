"""What a report shows of a trained network: answers, mistakes, weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

import glassgrad as gg

from ..core.tensor import Tensor
from ..glass.health.figures import parameter_rows
from ..glass.health.record import Layer, Record
from ..glass.runs.report import Boundary, Report
from ..nn import Module
from .tasks import Task
from .trainer import Evaluation, Trainer, evaluate

__all__ = ["boundary", "confusion", "filters", "health", "mistakes", "report"]


def report(
    trainer: Trainer, task: Task, *, title: str, settings: Mapping[str, Any], environment: Mapping[str, Any],
    command: str = "", notes: tuple[str, ...] = (),
) -> Report:  # fmt: skip
    """Everything there is to show of a run as it stands."""
    at, tested = trainer.at, evaluate(trainer.model, task.test_loader(), trainer.loss)
    is_image = len(task.sample_shape) == 3
    return Report(
        title=title,
        settings=settings,
        environment=environment,
        command=command,
        seconds=sum(record["seconds"] for record in at.history) + at.seconds,
        data_source=task.source,
        history=at.history,
        batch_losses=at.batch_losses,
        batches_per_epoch=len(trainer.train),
        gradient_norms=at.gradient_norms,
        update_ratios=at.update_ratios,
        steps=at.measured_at,
        parameters=parameter_rows(trainer.model),
        confusion=confusion(tested, len(task.classes)),
        class_names=task.classes,
        mistakes=mistakes(tested, task.test.tensors[0]) if is_image else (),
        filters=filters(trainer.model, math.prod(task.sample_shape)) if is_image else {},
        boundary=boundary(trainer.model, task) if task.sample_shape == (2,) else None,
        health=health(trainer),
        notes=[note for note in (task.remark, *notes) if note],
    )


def health(trainer: Trainer) -> Record:
    """The gradients and updates of each layer, as `watch_health()` would have recorded them."""
    at, layers = trainer.at, {}
    for name, own in trainer.layers.items():
        kind = type(trainer.model.get_submodule(name)).__name__ if name != type(trainer.model).__name__ else name
        layers[name] = Layer(kind, sum(p.numel() for p in own), any(p.dim() > 1 for p in own))
    kinds = {"gradient": at.gradient_norms, "update": at.update_ratios}
    rows = [
        {kind: {name: values[i] for name, values in series.items()} for kind, series in kinds.items()}
        for i in range(len(at.measured_at))
    ]
    return Record(layers, [step - 1 for step in at.measured_at], rows, step=max(at.measured_at, default=0))


def confusion(tested: Evaluation, classes: int) -> np.ndarray:
    """(K, K): how often each truth, a row, got each answer, a column."""
    pairs = tested.labels * classes + tested.logits.argmax(axis=1)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def mistakes(tested: Evaluation, images: Tensor, most: int = 24) -> list[dict[str, Any]]:
    """The wrong answers given with the greatest confidence, the softmax of the logits; worst first."""
    logits = tested.logits.astype(np.float64)
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    confidence = chances.max(axis=1) / chances.sum(axis=1)
    said = logits.argmax(axis=1)
    wrong = np.flatnonzero(said != tested.labels)
    worst = wrong[np.argsort(-confidence[wrong], kind="stable")][:most]
    return [
        {
            "image": images[int(i)].numpy(),
            "true": int(tested.labels[i]),
            "said": int(said[i]),
            "confidence": float(confidence[i]),
        }
        for i in worst
    ]


def filters(model: Module, inputs: int) -> dict[str, np.ndarray]:
    """The weights that can be looked at: those of convolutions, and of what sees the image itself."""
    weights = {name: p.detach().numpy() for name, p in model.named_parameters()}
    return {name: w for name, w in weights.items() if w.ndim == 4 or (w.ndim == 2 and w.shape[1] == inputs)}


def boundary(model: Module, task: Task, side: int = 150) -> Boundary:
    """The answers over the plane around the training points: the second class's logit less the first's."""
    points, labels = (tensor.numpy() for tensor in task.train.tensors)
    low, high = points.min(axis=0) - 0.5, points.max(axis=0) + 0.5
    xx, yy = np.meshgrid(*(np.linspace(a, b, side, dtype=np.float32) for a, b in zip(low, high, strict=True)))
    with gg.no_grad():
        logits = model(gg.from_numpy(np.stack([xx.ravel(), yy.ravel()], axis=1))).numpy()
    return Boundary(xx, yy, (logits[:, 1] - logits[:, 0]).reshape(xx.shape), points, labels)
