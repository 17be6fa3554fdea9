"""Seeing: the run folder, pictures of training, and the report page. Each part is imported when it is asked for."""

from __future__ import annotations

import importlib

_HOMES = {
    "look": "graph",
    "profile": "profiling",
    "watch": "graph",
    "paths": "routes",
    "step": "cursor",
    **dict.fromkeys(("Finding", "Findings", "lint"), "linting"),
    "Report": "report",
    "RunFolder": "runlog",
    "render_report": "report",
    "write_report": "report",
    **dict.fromkeys(
        (
            "accuracy_curve", "boundary", "confusion_matrix", "filters", "gradient_field", "loss_curve", "mistakes",
            "per_layer",
        ),
        "plots",
    ),
}  # fmt: skip

__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
