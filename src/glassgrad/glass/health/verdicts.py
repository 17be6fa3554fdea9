"""What ails each layer, in a word and a reason, from what was recorded; and the table that says so.

The words: ok, dead, saturated, vanishing, exploding, not moving. The limits below are orders of magnitude: they
name what hinders learning, not what is merely unusual.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ..canvas import plain_text, short
from .record import Record

__all__ = ["Verdict", "summary", "verdicts"]

DEAD = SATURATED = 0.5  # share of units, of answers
VANISHING = EXPLODING = 1e3  # gradients of one number each, between this layer and those after it
LEAP, STILL = (
    0.3,
    1e-7,
)  # update / weight: near 1 nothing of the old weights is left, below float32's steps none is made
ZERO_AT_REST = ("relu", "relu6", "clamp")


class Verdict(NamedTuple):
    word: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.word}: {self.why}" if self.why else self.word


def verdicts(record: Record) -> dict[str, Verdict]:
    """layer -> what it is; in the order of the model."""
    return {name: _verdict(record, name) for name in record.layers}


def _verdict(record: Record, name: str) -> Verdict:
    layer = record.layers[name]
    through = record.activation_of.get(name, "")
    dead, flat, gradient, update = (record.recent(kind, name) for kind in ("dead", "flat", "gradient", "update"))
    rms = record.recent("rms", name)
    if name in record.lost:
        return Verdict("exploding", f"NaN or infinite since step {record.lost[name]:,}")
    if (seen := record.activations.get(name)) and seen[1].lost:
        return Verdict("exploding", f"{seen[1].lost:.0%} of its answers are NaN or infinite")
    if update > LEAP:
        return Verdict("exploding", f"each step is {short(update)} of the weights: lower the learning rate")
    if dead >= DEAD and through in ZERO_AT_REST:
        return Verdict("dead", f"{dead:.0%} of its units are zero behind {through}, whatever comes in")
    if flat >= SATURATED and through and through not in ZERO_AT_REST:
        return Verdict("saturated", f"{flat:.0%} of its answers lie where {through} is flat")
    if layer.parameters and record.rows:
        if layer.in_optimizer is False:
            return Verdict("not moving", "its parameters are not in the optimizer")
        if math.isnan(gradient):
            return Verdict("not moving", "no gradient reaches it: is its answer used in the loss?")
        if gradient == 0 and layer.matrix:
            return Verdict("vanishing", "its gradient is zero")
    names = list(record.layers)
    after = [record.recent("rms", other) for other in names[names.index(name) + 1 :] if record.layers[other].matrix]
    after = [value for value in after if value > 0]
    if rms > 0 and after:
        if max(after) / rms > VANISHING:
            return Verdict("vanishing", f"its gradient is {short(rms / max(after))} of that of the layers behind it")
        if rms / max(after) > EXPLODING:
            return Verdict("exploding", f"its gradient is {short(rms / max(after))} times that of the layers behind it")
    if update <= STILL and layer.matrix:
        return Verdict("not moving", f"a step changes its weights by {short(update)} of their size")
    return Verdict("ok")


HEAD = ("layer", "kind", "numbers", "|gradient|", "update/weight", "dead", "flat", "verdict")


def table(record: Record) -> list[list[str]]:
    """A row for each layer, under HEAD."""
    said = verdicts(record)
    rows = []
    for name, layer in record.layers.items():
        gradient, update, dead, flat = (record.recent(kind, name) for kind in ("gradient", "update", "dead", "flat"))
        shares = [f"{share:.0%}" if share == share else "" for share in (dead, flat)]
        count = f"{layer.parameters:,}" if layer.parameters else ""
        rows.append([
            plain_text(name, 40), layer.kind, count, "" if math.isnan(gradient) else short(gradient),
            "" if math.isnan(update) else short(update), *shares, str(said[name]),
        ])  # fmt: skip
    return rows


def sentence(record: Record) -> str:
    """How many layers need a look, and what the loss did."""
    if not record.layers:
        return "Nothing was recorded yet."
    ill = [verdict.word for verdict in verdicts(record).values() if verdict.word != "ok"]
    counts = ", ".join(f"{ill.count(word)} {word}" for word in dict.fromkeys(ill))
    layers = f"{len(record.layers)} layer{'s' * (len(record.layers) > 1)}"
    if not record.rows:
        said = f"No step of {layers} was recorded yet: train, then ask again."
    else:
        said = f"{len(ill)} of {layers} need a look: {counts}." if ill else f"Nothing wrong with {layers}."
    for where, losses in record.losses.items():
        if losses.values:
            tenth = max(1, len(losses.values) // 10)
            first, last = (sum(part) / len(part) for part in (losses.values[:tenth], losses.values[-tenth:]))
            said += f" Loss {short(first)} to {short(last)} over {losses.count:,} passes ({where})."
    return said


def summary(record: Record) -> str:
    """The table as text, and the sentence below it."""
    rows = [list(HEAD), *table(record)]
    used = [i for i in range(len(HEAD)) if any(row[i] for row in rows[1:])]
    rows = [[row[i] for i in used] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    left = {HEAD.index("layer"), HEAD.index("kind"), HEAD.index("verdict")}
    lines = [
        "  ".join(
            f"{text:<{width}}" if i in left else f"{text:>{width}}"
            for i, text, width in zip(used, row, widths, strict=True)
        )
        for row in rows
    ]
    return "\n".join([*(line.rstrip() for line in lines), sentence(record)])
