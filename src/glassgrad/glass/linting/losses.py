"""Checks of what a loss is given: logits or probabilities, classes, shapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.graph import Node
from ...core.provenance import Place, show
from ...core.tensor import Tensor

# operations that leave numbers what they are
MOVES = {"view", "squeeze", "unsqueeze", "unsqueeze_at", "t", "permute", "transpose", "select", "slice", "expand",
         "clone", "cast", "pick_output", "laid_out", "index"}  # fmt: skip
SQUASHED = {"softmax": "softmax", "log_softmax": "log_softmax", "sigmoid": "sigmoid", "logsigmoid": "logsigmoid"}
ELEMENTWISE = {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"}
PICKS = {"index", "gather"}
TOTALS = {"mean": "mean", "sum": "sum", "sum_all": "sum"}
CHANCES = {"binary_cross_entropy", "binary_cross_entropy_with_logits"}
ROWS = 512  # of a batch are looked at


def source(x: Tensor) -> Node | None:
    """The node whose numbers x has, past views and copies."""
    node: Any = x._node
    while isinstance(node, Node) and node.op.name in MOVES:
        node = node.edges[0]
    return node if isinstance(node, Node) else None


class Losses:
    def __init__(self, run: Any) -> None:
        self._run = run
        self._crossed: dict[int, tuple[Any, ...]] = {}  # differences of (N, 1) and (N,), by their node's number

    def loss(self, name: str, x: Tensor, target: Tensor) -> None:
        if not (type(x.array) is type(target.array) is np.ndarray):
            return
        if name in ("cross_entropy", "binary_cross_entropy_with_logits"):
            self._logits(name, x)
        if name == "cross_entropy":
            self._classes(x, target)
        if name == "nll_loss":
            self._log_probabilities(x)
        if name == "kl_div" and x.array.size and x.array.max() > 1e-3:
            what = "probabilities: softmax without the logarithm" if x.array.min() >= 0 else "numbers above 0"
            self._run.report("GL203", op=name, what=what)
        if name in CHANCES:
            self._chances(name, target.array)
        if name in ELEMENTWISE:
            self._same_shape(x.array, target.array)

    def _logits(self, name: str, x: Tensor) -> None:
        node = source(x)
        op = node and SQUASHED.get(node.op.name)
        if node is not None and op and (name != "cross_entropy" or op.endswith("softmax")):
            self._run.report(
                "GL201" if name == "cross_entropy" else "GL202", op=op, where=show(node.place).split("   ")[0]
            )

    def _log_probabilities(self, x: Tensor) -> None:
        a = x.array
        if a.dtype.kind != "f" or a.ndim == 0 or not a.size:
            return
        a = np.moveaxis(a, min(1, a.ndim - 1), -1).reshape(-1, a.shape[min(1, a.ndim - 1)])[:ROWS]
        with np.errstate(over="ignore", invalid="ignore"):
            totals = np.exp(a.astype(np.float64)).sum(-1)
            if not np.isfinite(totals).all() or np.abs(totals - 1).max() > 0.02:
                chances = a.min() >= 0 and np.abs(a.sum(-1) - 1).max() < 0.02
                what = "probabilities: softmax without the logarithm" if chances else "numbers that are none"
                if x.array.ndim == 2 and np.abs(np.exp(x.array.astype(np.float64)).sum(0) - 1).max() < 0.02:
                    what = "those of a log_softmax over dimension 0, the batch, where the classes are dimension 1"
                self._run.report("GL203", op="nll_loss", what=what)

    def _chances(self, name: str, t: Any) -> None:
        if t.size and (t.min() < 0 or t.max() > 1):
            self._run.report("GL212", op=name, what=f"numbers from {t.min():g} to {t.max():g}")

    def _classes(self, x: Tensor, target: Tensor) -> None:
        s, t = x.array.shape, target.array
        if len(s) > 1 and s[1] == 1:
            self._run.report("GL206", x=tuple(s))
            return
        expected = (*s[:1], *s[2:]) if len(s) > 1 else ()
        if t.shape != s:
            if t.dtype.kind == "f" and t.shape == expected:
                what = f"{target.dtype} of shape {t.shape}"
                self._run.report("GL205", expected=expected, what=what)
            return
        dim = min(1, t.ndim - 1)
        rows = np.moveaxis(t, dim, -1).reshape(-1, t.shape[dim])[:ROWS]
        if not rows.size:
            return
        sums = rows.sum(-1, dtype=np.float64)
        if ((rows == 0) | (rows == 1)).all() and (sums == 1).all():
            self._run.report("GL205", expected=expected, what="one-hot vectors")
        elif rows.min() < 0 or np.abs(sums - 1).max() > 0.02:
            what = f"{target.dtype} of shape {t.shape}, whose rows are no probabilities: they don't add up to 1"
            self._run.report("GL205", expected=expected, what=what)

    # --- shapes ---

    def _same_shape(self, x: Any, t: Any, place: Place | None = None) -> None:
        try:
            both = np.broadcast_shapes(x.shape, t.shape)
        except ValueError:  # the loss will say so
            return
        if np.prod(both) > max(x.size, t.size):
            self._run.report("GL204", place, x=tuple(x.shape), t=tuple(t.shape), both=tuple(both))

    def op(self, name: str, inputs: Any, out: Tensor) -> None:
        """A loss by hand: prediction - target of shapes (N, 1) and (N,) is noted, and counts if backward gets there."""
        if name != "sub" or out._node is None or not all(isinstance(x, Tensor) for x in inputs):
            return
        x, t = inputs
        n, m = x.array.shape, t.array.shape
        if {len(n), len(m)} == {1, 2} and out.array.shape == (n[0], n[0]) == (m[0], m[0]) and n[0] > 1:
            if x._needs != t._needs and not (x._is_param or t._is_param):
                self._crossed[out._node.number] = (x.array, t.array, out._node.place)

    def backward(self, roots: list[Any]) -> None:
        for x in roots:
            if isinstance(x, Tensor) and x._node is not None:
                self._signless(x._node)
        for number, crossed in self._crossed.items():
            if number in self._run.nodes:
                self._same_shape(*crossed)
        self._crossed.clear()

    def _signless(self, node: Any) -> None:
        """mean(log_softmax(x)[rows, targets]), with nothing between that could turn it round."""
        total, ops = node.op.name, []
        while isinstance(node, Node) and node.op.name in MOVES | PICKS | set(TOTALS):
            ops.append(node.op.name)
            node = node.edges[0]
        logarithm = isinstance(node, Node) and (
            node.op.name == "log_softmax"
            or (node.op.name == "log" and isinstance(of := node.edges[0], Node) and of.op.name == "softmax")
        )
        if logarithm and PICKS & set(ops) and total in TOTALS:
            self._run.report("GL213", op=TOTALS[total])
