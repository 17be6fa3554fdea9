"""Where a function has a kink, a tie, an infinity or nothing to work on: the value and gradient PyTorch gives.

A row holds an expression of x, the numbers of x, the value there, and the gradient of its sum. docs/kinks.md is this
table as a page: `python tests/kinks.py > docs/kinks.md` writes it anew.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

inf, nan = math.inf, math.nan


@dataclass(frozen=True)
class Kink:
    text: str  # an expression of x, torch, F
    at: Any  # x
    value: Any  # as PyTorch has it
    grad: Any  # of the sum of the values; None where nothing flows
    ours: tuple[Any, Any] | None = None  # our value and gradient, where they differ on purpose
    why: str = ""

    @property
    def id(self) -> str:
        return f"{self.text} at {self.at}"

    @property
    def expected(self) -> tuple[Any, Any]:
        return self.ours or (self.value, self.grad)


def answer(row: Kink, library: Any) -> tuple[Any, Any]:
    """The value and the gradient as nested lists, in float64."""
    x = library.tensor(row.at, dtype=library.float64, requires_grad=True)
    y = eval(row.text, {"torch": library, "F": library.nn.functional, "x": x, "inf": inf, "nan": nan})
    if y.requires_grad:
        y.sum().backward()
    return y.tolist(), None if x.grad is None else x.grad.tolist()


def same(found: tuple[Any, Any], expected: tuple[Any, Any]) -> bool:
    """Equal to the last digits, NaN where NaN."""

    def equal(a: Any, b: Any) -> bool:
        if a is None or b is None:
            return a is b
        x, y = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
        return x.shape == y.shape and bool(np.allclose(x, y, rtol=1e-15, atol=1e-15, equal_nan=True))

    return all(map(equal, found, expected))


KINKS: list[tuple[str, list[Kink]]] = [
    ("Activations at their corners", [
        Kink("F.relu(x)", [-0.0, 0.0, nan], [-0.0, 0.0, nan], [0.0, 0.0, 1.0]),
        Kink("F.leaky_relu(x, 0.1)", [0.0], [0.0], [0.1]),
        Kink("F.elu(x)", [0.0], [0.0], [1.0]),
        Kink("F.selu(x)", [0.0], [0.0], [1.7580993408473766]),
        Kink("F.celu(x)", [0.0], [0.0], [1.0]),
        Kink("F.relu6(x)", [0.0, 6.0], [0.0, 6.0], [0.0, 0.0]),
        Kink("F.hardtanh(x)", [-1.0, 1.0], [-1.0, 1.0], [0.0, 0.0]),
        Kink("F.hardsigmoid(x)", [-3.0, 3.0], [0.0, 1.0], [0.0, 0.0]),
        Kink("F.hardswish(x)", [-3.0, 3.0], [-0.0, 3.0], [0.0, 1.0]),
        Kink("F.softshrink(x, 0.5)", [-0.5, 0.5], [-0.0, 0.0], [0.0, 0.0]),
        Kink("F.hardshrink(x, 0.5)", [-0.5, 0.5], [0.0, 0.0], [0.0, 0.0]),
        Kink("F.threshold(x, 1.0, 2.0)", [1.0], [2.0], [0.0]),
        Kink("F.logsigmoid(x)", [0.0, -1000.0], [-0.6931471805599453, -1000.0], [0.5, 1.0]),
    ]),
    ("Absolute value, sign, rounding", [
        Kink("x.abs()", [-0.0, 0.0], [0.0, 0.0], [0.0, 0.0]),
        Kink("x.sign()", [0.0, nan], [0.0, 0.0], [0.0, 0.0]),
        Kink("x.floor()", [1.0, -0.5], [1.0, -1.0], [0.0, 0.0]),
        Kink("x.round()", [0.5, 1.5, 2.5, -0.5], [0.0, 2.0, 2.0, -0.0], [0.0, 0.0, 0.0, 0.0]),
        Kink("torch.remainder(x, 2.0)", [-1.0, 2.0, -2.0], [1.0, 0.0, -0.0], [1.0, 1.0, 1.0]),
        Kink("torch.fmod(x, 2.0)", [-1.0, 2.0, -2.0], [-1.0, 0.0, -0.0], [1.0, 1.0, 1.0]),
        Kink("x.frac()", [1.0, -1.5], [0.0, -0.5], [1.0, 1.0]),
    ]),
    ("Clamp and missing numbers", [
        Kink("x.clamp(-1.0, 1.0)", [-1.0, 1.0, nan], [-1.0, 1.0, nan], [1.0, 1.0, 0.0]),
        Kink("x.clamp(1.0, -1.0)", [0.0], [-1.0], [0.0]),
        Kink("torch.clamp(x, torch.zeros_like(x), torch.ones_like(x))", [0.0, 1.0, nan], [0.0, 1.0, nan],
             [1.0, 1.0, 0.0]),
        Kink("torch.nan_to_num(x)", [nan, inf, -inf], [0.0, 1.7976931348623157e+308, -1.7976931348623157e+308],
             [0.0, 0.0, 0.0]),
        Kink("torch.where(x > 0, x, x.log() * nan)", [2.0], [2.0], [nan]),
        Kink("torch.where(x > 0, x.sqrt(), 0.0)", [-1.0, 0.0, 4.0], [0.0, 0.0, 2.0], [nan, nan, 0.25]),
    ]),
    ("Largest, smallest, middle: ties and NaN", [
        Kink("x.max()", [1.0, 2.0, 2.0], 2.0, [0.0, 0.5, 0.5]),
        Kink("x.min()", [1.0, 1.0, 2.0], 1.0, [0.5, 0.5, 0.0]),
        Kink("x.max(0).values", [1.0, 2.0, 2.0], 2.0, [0.0, 1.0, 0.0]),
        Kink("x.min(0).values", [1.0, 1.0, 2.0], 1.0, [1.0, 0.0, 0.0]),
        Kink("x.amax(0)", [1.0, 2.0, 2.0], 2.0, [0.0, 0.5, 0.5]),
        Kink("x.amin(0)", [1.0, 1.0, 2.0], 1.0, [0.5, 0.5, 0.0]),
        Kink("x.median()", [2.0, 2.0, 1.0, 3.0], 2.0, [0.5, 0.5, 0.0, 0.0]),
        Kink("x.median(0).values", [2.0, 2.0, 1.0, 3.0], 2.0, [1.0, 0.0, 0.0, 0.0]),
        Kink("x.max()", [1.0, nan], nan, [0.0, 1.0]),
        Kink("x.amax(0)", [1.0, nan], nan, [nan, nan],
             ours=(nan, [0.0, 1.0]), why="the gradient goes to the NaN; PyTorch divides 0 by 0"),
        Kink("x.median()", [1.0, nan, 2.0], nan, [0.0, 1.0, 0.0]),
        Kink("x.nanmedian()", [1.0, nan, 2.0], 1.0, [1.0, 0.0, 0.0]),
        Kink("torch.maximum(x, torch.ones_like(x))", [1.0, nan], [1.0, nan], [0.5, 1.0]),
        Kink("torch.minimum(x, torch.ones_like(x))", [1.0, nan], [1.0, nan], [0.5, 1.0]),
        Kink("torch.fmax(x, torch.ones_like(x))", [1.0, nan], [1.0, 1.0], [1.0, 0.0]),
        Kink("x.sort(stable=True).values * torch.tensor([1.0, 2.0, 3.0])", [2.0, 2.0, 1.0], [1.0, 4.0, 6.0],
             [2.0, 3.0, 1.0]),
        Kink("x.cummax(0).values", [1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [1.0, 2.0, 0.0]),
        Kink("F.max_pool1d(x, 2)", [[1.0, 1.0, 3.0, 3.0]], [[1.0, 3.0]], [[1.0, 0.0, 1.0, 0.0]]),
        Kink("F.max_pool1d(x, 2)", [[nan, 1.0]], [[nan]], [[1.0, 0.0]]),
    ]),
    ("Roots, powers, norms at zero", [
        Kink("x.sqrt()", [0.0, -1.0], [0.0, nan], [inf, nan]),
        Kink("x.rsqrt()", [0.0], [inf], [-inf]),
        Kink("x.norm()", [0.0, 0.0], 0.0, [0.0, 0.0]),
        Kink("x.norm(1)", [0.0, 0.0], 0.0, [0.0, 0.0]),
        Kink("x.norm(inf)", [0.0, 0.0], 0.0, [0.0, 0.0]),
        Kink("x.norm(inf)", [1.0, -1.0], 1.0, [0.5, -0.5]),
        Kink("x.norm(3)", [0.0, 0.0], 0.0, [0.0, 0.0]),
        Kink("x ** 0", [0.0], [1.0], [0.0]),
        Kink("x ** 0.5", [0.0], [0.0], [inf]),
        Kink("x ** 1", [0.0], [0.0], [1.0]),
        Kink("x ** 2", [0.0], [0.0], [0.0]),
        Kink("x ** -1", [0.0], [inf], [-inf]),
        Kink("torch.pow(torch.zeros_like(x), x)", [0.0, 0.5, 1.0, -1.0], [1.0, 0.0, 0.0, inf], [0.0, 0.0, 0.0, -inf]),
        Kink("torch.pow(torch.full_like(x, -1.0), x)", [2.0], [1.0], [nan]),
        Kink("torch.hypot(x, torch.zeros_like(x))", [0.0], [0.0], [nan]),
        Kink("torch.atan2(x, torch.zeros_like(x))", [0.0], [0.0], [0.0]),
        Kink("torch.atan2(torch.zeros_like(x), x)", [0.0, -1.0], [0.0, 3.141592653589793], [-0.0, -0.0]),
        Kink("F.normalize(x, dim=0)", [0.0, 0.0], [0.0, 0.0], [1000000000000.0, 1000000000000.0]),
        Kink("F.cosine_similarity(x, torch.ones_like(x), dim=0)", [0.0, 0.0], 0.0,
             [70710678.11865474, 70710678.11865474]),
        Kink("torch.cdist(x, torch.zeros_like(x))", [[0.0, 0.0]], [[0.0]], [[0.0, 0.0]]),
        Kink("torch.cdist(x, torch.zeros_like(x), p=1.0)", [[0.0, 0.0]], [[0.0]], [[0.0, 0.0]]),
        Kink("F.pairwise_distance(x, torch.zeros_like(x), eps=0.0)", [[0.0, 0.0]], [0.0], [[0.0, 0.0]]),
    ]),
    ("Products with zeros", [
        Kink("x.prod()", [0.0, 2.0, 3.0], 0.0, [6.0, 0.0, 0.0]),
        Kink("x.prod()", [0.0, 0.0, 3.0], 0.0, [0.0, 0.0, 0.0]),
        Kink("x.prod(0)", [0.0, 2.0, 3.0], 0.0, [6.0, 0.0, 0.0]),
        Kink("x.cumprod(0)", [2.0, 0.0, 3.0], [2.0, 0.0, 0.0], [1.0, 8.0, 0.0]),
        Kink("x.cumprod(0)", [0.0, 0.0, 3.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]),
    ]),
    ("Logarithms, exponentials, infinities", [
        Kink("x.log()", [0.0, -1.0], [-inf, nan], [inf, -1.0]),
        Kink("x.log1p()", [-1.0], [-inf], [inf]),
        Kink("x.exp()", [1000.0, -1000.0], [inf, 0.0], [inf, 0.0]),
        Kink("x / x", [0.0], [nan], [nan]),
        Kink("1 / x", [0.0, -0.0], [inf, -inf], [-inf, -inf]),
        Kink("torch.xlogy(x, x)", [0.0], [0.0], [nan]),
        Kink("torch.xlogy(x, torch.zeros_like(x))", [0.0], [0.0], [0.0]),
        Kink("torch.sinc(x)", [0.0], [1.0], [0.0]),
        Kink("x.asin()", [1.0, -1.0], [1.5707963267948966, -1.5707963267948966], [inf, inf]),
        Kink("x.acosh()", [1.0], [0.0], [inf]),
        Kink("x.logsumexp(0)", [-inf, -inf], -inf, [nan, nan],
             ours=(-inf, [0.0, 0.0]), why="nothing is added: slope 0; PyTorch has inf - inf"),
        Kink("x.logsumexp(0)", [inf, 0.0], inf, [nan, 0.0]),
        Kink("torch.logaddexp(x, torch.full_like(x, -inf))", [-inf, 0.0], [-inf, 0.0], [nan, 1.0],
             ours=([-inf, 0.0], [0.5, 1.0]), why="equals share the slope; PyTorch has inf - inf"),
        Kink("torch.logaddexp(x, torch.full_like(x, inf))", [inf, 0.0], [inf, inf], [nan, 0.0],
             ours=([inf, inf], [0.5, 0.0]), why="equals share the slope; PyTorch has inf - inf"),
        Kink("x.softmax(0)[0]", [0.0, -inf], 1.0, [0.0, -0.0]),
        Kink("x.softmax(0)[0]", [-inf, -inf], nan, [nan, nan]),
        Kink("x.log_softmax(0)[0]", [0.0, -inf], 0.0, [0.0, 0.0]),
        Kink("x.log_softmax(0)[0]", [-inf, -inf], nan, [nan, nan]),
        Kink("F.softplus(x)", [1000.0, -1000.0], [1000.0, 0.0], [1.0, 0.0]),
    ]),
    ("Losses", [
        Kink("F.l1_loss(x, torch.zeros_like(x))", [0.0], 0.0, [0.0]),
        Kink("F.mse_loss(x, torch.zeros_like(x))", [0.0], 0.0, [0.0]),
        Kink("F.huber_loss(x, torch.zeros_like(x))", [1.0, -1.0, 0.0], 0.3333333333333333,
             [0.3333333333333333, -0.3333333333333333, 0.0]),
        Kink("F.smooth_l1_loss(x, torch.zeros_like(x))", [1.0, -1.0, 0.0], 0.3333333333333333,
             [0.3333333333333333, -0.3333333333333333, 0.0]),
        Kink("F.binary_cross_entropy(x, torch.ones_like(x))", [0.0], 100.0, [-1000000003995.8029]),
        Kink("F.binary_cross_entropy(x, torch.ones_like(x))", [1.0], 0.0, [0.0]),
        Kink("F.binary_cross_entropy(x, torch.zeros_like(x))", [1.0], 100.0, [1000000003995.8029]),
        Kink("F.binary_cross_entropy_with_logits(x, torch.ones_like(x))", [-1000.0], 1000.0, [-1.0]),
        Kink("F.kl_div(x, torch.zeros_like(x), reduction='sum')", [0.0], 0.0, [-0.0]),
        Kink("F.kl_div(torch.zeros_like(x), x, reduction='sum')", [0.0], 0.0, [nan]),
        Kink("F.cross_entropy(x, torch.tensor([-100]))", [[1.0, 2.0]], nan, [[0.0, 0.0]]),
        Kink("F.cross_entropy(x, torch.tensor([-100]), reduction='sum')", [[1.0, 2.0]], 0.0, [[0.0, 0.0]]),
        Kink("F.nll_loss(x, torch.tensor([0]))", [[-inf, 0.0]], inf, [[-1.0, 0.0]]),
        Kink("F.hinge_embedding_loss(x, -torch.ones_like(x))", [1.0], 0.0, [-1.0]),
        Kink("F.margin_ranking_loss(x, torch.zeros_like(x), torch.ones_like(x))", [0.0], 0.0, [-1.0]),
        Kink("F.poisson_nll_loss(x, torch.zeros_like(x), log_input=False)", [0.0], 0.0, [1.0]),
    ]),
    ("Nothing, or too little", [
        Kink("x.std()", [1.0], nan, [nan]),
        Kink("x.var()", [1.0], nan, [nan]),
        Kink("x.std()", [1.0, 1.0], 0.0, [0.0, 0.0]),
        Kink("x.mean()", [], nan, []),
        Kink("x.sum()", [], 0.0, []),
        Kink("x.prod()", [], 1.0, []),
        Kink("x.norm()", [], 0.0, []),
    ]),
]  # fmt: skip

ROWS = [row for _, rows in KINKS for row in rows]


# --- the page ----------------------------------------------------------------------------------------------

HEAD = """# Kinks

What a function and its gradient are where mathematics leaves a choice: at corners, ties, zeros and infinities, with
NaN, and with nothing to work on. The answers are PyTorch's, but for the rows with a footnote. A gradient is that of the
sum of the values; `F` is `torch.nn.functional`. The tests hold this page, and compare every row with PyTorch.
"""


def number(v: Any) -> str:
    if isinstance(v, list):
        return f"[{', '.join(map(number, v))}]"
    return "none" if v is None else f"{v:.4g}"


def page() -> str:
    lines, notes = [HEAD], []
    for title, rows in KINKS:
        lines += [f"## {title}", "", "| expression | x | value | gradient |", "|---|---|---|---|"]
        for row in rows:
            mark = ""
            if row.why:
                notes.append(f"{len(notes) + 1}. `{row.text}`: {row.why} (PyTorch: {number(row.grad)}).")
                mark = f" <sup>{len(notes)}</sup>"
            value, grad = row.expected
            lines.append(f"| `{row.text}` | {number(row.at)} | {number(value)} | {number(grad)}{mark} |")
        lines.append("")
    return "\n".join([*lines, "## Where we differ on purpose", "", *notes, ""])


if __name__ == "__main__":
    print(page(), end="")
