"""Both scalar engines side by side, and how a test takes one of them."""

from __future__ import annotations

from typing import Any

import pytest

from glassgrad.scalar import anomaly, nn, optim, value
from glassgrad.scalar.engine import tape

ENGINES = [pytest.param(value, id="readable")] + ([] if tape is None else [pytest.param(tape, id="compiled")])
needs_compiled = pytest.mark.skipif(tape is None, reason="the scalar engine is not compiled, or switched off")
NAMES = ("Value", "affine", "ancestry", "as_number", "as_value", "largest", "node", "zero_grad")


def use(engine: Any, monkeypatch: pytest.MonkeyPatch, namespace: dict[str, Any]) -> None:
    """Put the engine's names in place of those that the namespace and the room's other modules imported."""
    for names in (namespace, *map(vars, (anomaly, nn, optim))):
        for name in set(NAMES) & set(names):
            monkeypatch.setitem(names, name, getattr(engine, name))
    for name in ("relu", "tanh"):
        monkeypatch.setitem(nn.ACTIVATIONS, name, getattr(engine.Value, name))
