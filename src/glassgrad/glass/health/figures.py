"""One call, one Figure: of a watched model, of a run folder, or of a model as it stands.

`source` is what `watch_health()` returned, a Record, a run folder or its path, or (where it says so) a model: an
nn.Module, or an MLP of the scalar engine. The figures are matplotlib's; in a notebook they follow the page into dark
mode, and `figure.savefig("norms.png", dark=True)` draws on dark paper.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...core.tensor import Tensor, tensor
from ...core.watch import watching
from ...io import checkpoint
from ...nn.module import Module
from ...ops.attention import attention_weights
from ...scalar.nn import MLP
from ...scalar.nn import Module as ScalarModule
from ..runs.runlog import RunFolder
from . import layers, planes, plots
from .health import Health
from .passes import FLAT, looking, norm, raw, title_of
from .record import FILE, Histogram, Parameter, Record

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "activation_histograms", "attention_maps", "dead_units", "decision_boundary", "gradient_histograms",
    "gradient_norms", "learned_filters", "training_curves", "update_ratios",
]  # fmt: skip

Source = Any


def record_of(source: Source) -> Record:
    """What was recorded by a Health or in a run folder. Raises TypeError or FileNotFoundError saying what to do."""
    if isinstance(source, Record):
        return source
    if isinstance(source, Health):
        return source.record
    if isinstance(source, RunFolder | str | os.PathLike):
        path = Path(source.path if isinstance(source, RunFolder) else source)
        if not (path / FILE).is_file():
            raise FileNotFoundError(
                f"{path} has no {FILE}: it is written by watch_health(model, optimizer, run=folder), by "
                "glassgrad train and by glassgrad run --report"
            )
        return Record.load(path / FILE)
    raise TypeError(
        f"expected what watch_health() returned, or a run folder, got {type(source).__name__}: health = "
        "watch_health(model, optimizer) before the training loop records what this picture shows"
    )


# --- over time ---------------------------------------------------------------------------------------------------


def training_curves(source: Source) -> Figure:
    """The loss, and where a run folder has it the loss of each epoch in training and test.

    source: watched, a run folder, or a list of losses.
    """
    if isinstance(source, Sequence) and not isinstance(source, str):
        if not len(source):
            raise ValueError("training_curves: no losses yet")
        return plots.loss_curve((), [float(loss) for loss in source])
    history: list[dict[str, Any]] = []
    losses: Mapping[str, Sequence[float]] = {}
    if isinstance(source, RunFolder | str | os.PathLike):
        folder = source if isinstance(source, RunFolder) else RunFolder.open(os.fspath(source))
        history = folder.history()
        if (folder.path / FILE).is_file():
            losses = losses_of(record_of(folder))
        elif not history:
            raise ValueError(f"{folder.path}: no epoch was recorded yet")
    else:
        losses = losses_of(record_of(source))
        if not losses:
            raise ValueError("training_curves: no loss yet: backward() was not called since watch_health()")
    return plots.loss_curve(history, losses)


def losses_of(record: Record) -> dict[str, Sequence[float]]:
    """The losses under the lines of the program that they come from."""
    return {name: one.values for name, one in record.losses.items() if one.values}


def gradient_norms(source: Source) -> Figure:
    """The norm of each layer's gradient over the steps; of a model, of the gradients that it holds now.

    Norms that sink by powers of ten towards the first layers are a vanishing gradient, ones that grow an exploding one.
    """
    if isinstance(source, Module | ScalarModule):
        now = {name: norm([g for g in grads if g is not None]) if any(g is not None for g in grads) else math.nan
               for name, _, grads in parts(source)}  # fmt: skip
        if all(math.isnan(value) for value in now.values()):
            raise ValueError(
                "gradient_norms: no parameter has a gradient: call it after backward(), before zero_grad()"
            )
        return layers.bars(now, title="Gradient norm")
    record = record_of(source)
    return layers.per_layer(_series(record, "gradient"), title="Gradient norm", steps=_steps(record))


def update_ratios(source: Source) -> Figure:
    """How far each step moves the weights of each layer, as a share of them; the dashed line is 0.001.

    Around the line is usual: far above is restless, far below hardly learns.
    """
    record = record_of(source)
    return layers.per_layer(
        _series(record, "update"), title="Update to weight ratio", steps=_steps(record), guide=1e-3
    )  # fmt: skip


def dead_units(source: Source, *inputs: Any) -> Figure:
    """The share of each layer's units that no sample brings to life: zero behind relu, flat behind tanh or sigmoid.

    source: watched or a run folder, over the steps; or a model and the inputs of a batch, as it is now.
    """
    if isinstance(source, Module | ScalarModule):
        shares = {name: dead for name, (_, dead, _) in answers(source, inputs).items() if dead is not None}
        if not shares:
            raise ValueError(f"dead_units: there is no {', '.join(FLAT)} behind a layer of this model")
        return layers.bars(shares, title="Dead units", share=True)
    record = record_of(source)
    return layers.per_layer(_series(record, "dead"), title="Dead units", steps=_steps(record), share=True)


def _series(record: Record, kind: str) -> dict[str, list[float]]:
    if not record.rows:
        raise ValueError("no step was recorded yet: a step is optimizer.step() after backward(); train, then ask again")
    return record.series(kind)


def _steps(record: Record) -> list[float]:
    return [step + 1.0 for step in record.steps]


# --- histograms --------------------------------------------------------------------------------------------------


def activation_histograms(source: Source, *inputs: Any) -> Figure:
    """What each layer answers, behind its activation where it has one; dashed, what it answered at first.

    source: watched or a run folder; or a model and the inputs of a batch, as it is now.
    """
    if isinstance(source, Module | ScalarModule):
        seen = {name: (one := Histogram.of(y), one) for name, (y, _, _) in answers(source, inputs).items()}
    else:
        seen = record_of(source).activations
    return layers.histograms(seen, title="Answers of each layer", x_label="value")


def gradient_histograms(source: Source) -> Figure:
    """How large the numbers in each layer's gradient are, on a logarithmic scale; dashed, at first.

    source: watched or a run folder; or a model with gradients, as it is now.
    """
    if isinstance(source, Module | ScalarModule):
        seen = {}
        for name, _, grads in parts(source):
            if known := [g.reshape(-1) for g in grads if g is not None]:
                one = Histogram.of(np.concatenate(known), log=True)
                seen[name] = one, one
        if not seen:
            raise ValueError("gradient_histograms: no parameter has a gradient: call it after backward()")
    else:
        seen = record_of(source).gradients
    return layers.histograms(seen, title="Size of each layer's gradients", x_label="|gradient| of a weight", log=True)


# --- weights, attention, answers ---------------------------------------------------------------------------------


def learned_filters(source: Source, layer: str | None = None) -> Figure:
    """The weights of one layer as images: of `layer`, or of the first whose weights can be looked at.

    source: a model, or a run folder with a checkpoint. Raises ValueError naming the layers that there are.
    """
    if isinstance(source, Module):
        weights = {name: raw(p) for name, p in source.named_parameters()}
    elif isinstance(source, RunFolder | str | os.PathLike):
        folder = source if isinstance(source, RunFolder) else RunFolder.open(os.fspath(source))
        if not (folder.path / "checkpoint.npz").is_file():
            raise FileNotFoundError(f"{folder.path} has no checkpoint.npz, where the weights would be")
        state = checkpoint.load(folder.path / "checkpoint.npz")["model"]
        weights = {
            name: raw(value) if isinstance(value, Tensor) else np.asarray(value) for name, value in state.items()
        }
    else:
        raise TypeError(f"learned_filters: expected an nn.Module or a run folder, got {type(source).__name__}")
    seen = {name: w for name, w in weights.items() if w.ndim in (2, 4) and w.size and min(w.shape[2:] or (2,)) > 1}
    if layer is not None:
        seen = {name: w for name, w in weights.items() if name in (layer, f"{layer}.weight")}
    if not seen:
        raise ValueError(f"learned_filters: no such weights; there are {', '.join(weights) or 'none'}")
    name, w = next(((name, w) for name, w in seen.items() if plots.is_pictures(w)), next(iter(seen.items())))
    return plots.filters(w, title=f"{name}   {plots.filter_tiles(w)[2]}")


def attention_maps(
    source: Any, *inputs: Any, tokens: Sequence[object] = (), keys: Sequence[object] = (), layer: int = 0,
    sample: int = 0,
) -> Figure:  # fmt: skip
    """Who looks at whom: the attention weights of every head, tokens as labels.

    source: the weights (heads, L, S) themselves, or a model and its inputs: every attention in it is found, be it
    MultiheadAttention, scaled_dot_product_attention or a softmax of your own before a product. layer: which of them, in
    the order of the pass; sample: which of the batch.
    """
    if not isinstance(source, Module):
        if isinstance(source, ScalarModule):
            raise TypeError("attention_maps: the scalar engine's MLP has no attention")
        weights = raw(source) if isinstance(source, Tensor) else np.asarray(source, float)
        return layers.attention(weights, tokens, keys)
    found = attentions(source, *inputs)
    if not found:
        raise ValueError(f"attention_maps: no softmax before a product was seen in a pass of {type(source).__name__}")
    if not -len(found) <= layer < len(found):
        raise ValueError(f"attention_maps: layer {layer}, but the model has {len(found)} attentions, from 0")
    weights = found[layer]
    batch = (
        weights.reshape(-1, *weights.shape[-3:]) if weights.ndim > 3 else weights.reshape(-1, 1, *weights.shape[-2:])
    )
    if not -len(batch) <= sample < len(batch):
        raise ValueError(f"attention_maps: sample {sample} of a batch of {len(batch)}")
    return layers.attention(batch[sample], tokens, keys)


def attentions(model: Module, *inputs: Any) -> list[NDArray[Any]]:
    """The attention weights (..., L, S) of a pass, in its order; the model is put in eval mode for it."""
    found: list[NDArray[Any]] = []
    chances: dict[int, Tensor] = {}  # held, so that their ids stay theirs

    def look(op: Any, given: Any, options: dict[str, Any], out: Any) -> None:
        if op.name == "attend":
            scale, causal = options["scale"], options["causal"]
            found.append(raw(attention_weights(given[0], given[1], None, causal, scale)))
        elif op.name == "softmax" and out.dim() >= 2:
            chances[id(out)] = out
        elif op.name in ("mul", "view", "unsafe_view") and id(given[0]) in chances:  # dropout, or a new shape
            chances[id(out)] = out
        elif op.name in ("matmul", "bmm") and id(given[0]) in chances:
            found.append(raw(given[0]))

    with looking(model), watching(look):
        model(*inputs)
    return found


def decision_boundary(
    model: Any, points: Any, labels: Any, *, side: int | None = None, threshold: float | None = None
) -> Figure:
    """What a classifier of two numbers answers over the plane around the points, with the points on top.

    model: an nn.Module on (N, 2), an MLP of the scalar engine, or any function of an (N, 2) array. It answers one
    number for two classes (its sign counts; from 0 to 1 everywhere, the side of 0.5; or threshold), or K scores.
    points (N, 2), labels (N,).
    """
    points = np.asarray(_plain(points), float)
    labels = np.asarray(_plain(labels)).reshape(-1)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points) or len(points) != len(labels):
        raise ValueError(f"decision_boundary: points are (N, 2) and labels (N,), got {points.shape} and {labels.shape}")
    if not np.isfinite(points).all():
        raise ValueError("decision_boundary: a point is NaN or infinite")
    side = side or (60 if isinstance(model, ScalarModule) else 160)
    low, high = points.min(axis=0), points.max(axis=0)
    room = np.where(high > low, 0.12 * (high - low), 0.5)
    xx, yy = np.meshgrid(*(np.linspace(a, b, side) for a, b in zip(low - room, high + room, strict=True)))
    scores = _scores(model, np.stack([xx.ravel(), yy.ravel()], axis=1))
    if not np.isfinite(scores).any():
        raise ValueError("decision_boundary: the model answers NaN or infinity everywhere")
    if scores.shape[1] > 2:
        return planes.boundary(xx, yy, scores.argmax(axis=1).reshape(xx.shape), points, labels.astype(int))
    score = scores[:, 0] if scores.shape[1] == 1 else scores[:, 1] - scores[:, 0]
    if scores.shape[1] == 1:
        chances = np.nanmin(score) >= 0 and np.nanmax(score) <= 1
        score = score - (threshold if threshold is not None else 0.5 if chances else 0.0)
    return planes.boundary(xx, yy, score.reshape(xx.shape), points, labels)


def _scores(model: Any, grid: NDArray[Any]) -> NDArray[Any]:
    """(N, 2) -> (N, K)"""
    network: Any = model
    if isinstance(model, ScalarModule):
        said = [network(point) for point in grid.tolist()]
        return np.array([[v.data for v in out] if isinstance(out, list) else [out.data] for out in said])
    if isinstance(model, Module):
        p = next(model.parameters(), None)
        with looking(model):
            out = raw(network(tensor(grid, dtype=None if p is None else p.dtype)))
    else:
        out = np.asarray(_plain(model(grid)), float)
    if out.shape[:1] != grid.shape[:1]:
        raise ValueError(f"the model answers {tuple(out.shape)} to {tuple(grid.shape)}: expected one row a point")
    return out.reshape(len(grid), -1)


# --- what a model is made of -------------------------------------------------------------------------------------


def parameter_rows(model: Module) -> list[Parameter]:
    """For a report: one row for each parameter."""
    rows = []
    for name, p in model.named_parameters():
        values = p.detach().double().numpy()
        mean, std = (values.mean(), values.std()) if values.size else (math.nan, math.nan)
        rows.append(Parameter(name, tuple(p.shape), p.numel(), p.dtype.name, float(mean), float(std)))
    return rows


def parts(model: Any) -> Iterator[tuple[str, list[NDArray[Any]], list[NDArray[Any] | None]]]:
    """(layer, weights, gradients) for every layer that has some, of either engine."""
    if isinstance(model, Module):
        for name, module in model.named_modules():
            if own := list(module.parameters(recurse=False)):
                grads = [None if p.grad is None else raw(p.grad) for p in own]
                yield title_of(name, module), [raw(p) for p in own], grads
        return
    for i, layer in enumerate(getattr(model, "layers", [model])):
        own = layer.parameters()
        yield f"layer {i}", [np.array([p.data for p in own])], [np.array([p.grad for p in own])]


def answers(model: Any, inputs: tuple[Any, ...]) -> dict[str, tuple[NDArray[Any], float | None, str]]:
    """layer -> (its answers, the share of dead units behind an activation or None, the activation), in one pass."""
    if not inputs:
        raise TypeError("a model as it stands is shown with a batch: pass the model's inputs as well")
    if isinstance(model, Module):
        with looking(model) as seen:
            model(*inputs)
        through = seen.through
        return {
            name: (y, float(through[name].dead.mean()), through[name].activation) if name in through else (y, None, "")
            for name, y in seen.answers.items()
        }
    if not isinstance(model, MLP):
        raise TypeError(f"expected an MLP of the scalar engine, got {type(model).__name__}")
    (points,) = inputs
    rows: Any = _plain(points)
    rows = rows.tolist() if isinstance(rows, np.ndarray) else list(rows)
    if not rows:
        raise ValueError("the batch is empty")
    found: dict[str, tuple[NDArray[Any], float | None, str]] = {}
    for i, layer in enumerate(model.layers):
        outs = [layer(row) for row in rows]
        rows = [out if isinstance(out, list) else [out] for out in outs]
        y = np.array([[value.data for value in row] for row in rows])
        kind = layer.neurons[0].activation
        dead = float(FLAT[kind](y, y, {}).all(axis=0).mean()) if kind in FLAT else None
        found[f"layer {i}"] = y, dead, kind
    return found


def _plain(x: Any) -> Any:
    return raw(x) if isinstance(x, Tensor) and x.is_floating_point() else x.numpy() if isinstance(x, Tensor) else x
