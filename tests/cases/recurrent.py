"""Recurrent layers and cells, of equal lengths and packed."""

from __future__ import annotations

from typing import Any

from .make import Draw, case, const, near, real

GATES = {"rnn_tanh": 1, "rnn_relu": 1, "gru": 3, "lstm": 4}


def weights(name: str, size: int, hidden: int, bias: bool = True, proj: int = 0) -> list[Draw]:
    rows = GATES[name] * hidden
    made = [real(rows, size), real(rows, proj or hidden), *([real(rows), real(rows)] if bias else [])]
    return [*made, real(proj, hidden)] if proj else made


def layers(
    name: str, size: int, hidden: int, count: int = 1, bias: bool = True, both: bool = False, proj: int = 0, n: int = 2
) -> tuple[Any, ...]:
    """The arguments from hx on."""
    runs = 2 if both else 1
    params: list[Draw] = []
    for layer in range(count):
        for _ in range(runs):
            params += weights(name, size if layer == 0 else runs * (proj or hidden), hidden, bias, proj)
    h, c = real(count * runs, n, proj or hidden), real(count * runs, n, hidden)
    return ((h, c) if name == "lstm" else h), params, bias, count, 0.0, False, both


X, SIZES = real(3, 2, 2), const([3, 2, 2, 1])

CASES = [
    *[case("plain", name, X, *layers(name, 2, 3), False, tolerance=1e-5) for name in GATES if name != "rnn_relu"],
    *[case("batch first, no bias", name, real(2, 3, 2), *layers(name, 2, 3, bias=False), True)
      for name in ("gru", "lstm")],
    *[case("two layers, both directions", name, X, *layers(name, 2, 2, 2, both=True), False, tolerance=1e-5)
      for name in ("rnn_tanh", "gru", "lstm")],
    *[case("packed", name, real(8, 2), SIZES, *layers(name, 2, 2, n=3), tolerance=1e-5)
      for name in ("rnn_tanh", "gru", "lstm")],
    *[case("packed, both directions", name, real(8, 2), SIZES, *layers(name, 2, 2, both=True, n=3), tolerance=1e-5)
      for name in ("gru", "lstm")],
    case("projected", "lstm", X, *layers("lstm", 2, 3, 2, both=True, proj=2), False, tolerance=1e-5),
    case("far", "lstm", near(300.0, 2, 1, 2), *layers("lstm", 2, 2, n=1), False),
    case("one step", "gru", real(1, 1, 2), *layers("gru", 2, 2, n=1), False),
    case("empty batch", "lstm", real(2, 0, 2), *layers("lstm", 2, 2, n=0), False),
    case("plain", "rnn_relu", X, *layers("rnn_relu", 2, 3), False),
    *[case("plain", f"{name}_cell", real(3, 2), real(3, 2), *weights(name, 2, 2))
      for name in ("rnn_tanh", "rnn_relu", "gru")],
    case("plain", "lstm_cell", real(3, 2), (real(3, 2), real(3, 2)), *weights("lstm", 2, 2)),
    case("no bias", "lstm_cell", real(1, 3), (real(1, 2), real(1, 2)), *weights("lstm", 3, 2, bias=False)),
]  # fmt: skip
