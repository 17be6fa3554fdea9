"""Why some entries of PyTorch's databases differ here on purpose, or in part: one sentence each, for docs/parity.md."""

from __future__ import annotations

REASONS: dict[str, str] = {}
