"""Seeing: the run folder, pictures of training, and the report page. Each part is imported when it is asked for."""

from __future__ import annotations

import importlib

_HOMES = {
    "Drawing": "drawing.drawing",
    "Derivation": "deriving.derivation",
    "derive": "deriving.derivation",
    "draw": "drawing.drawing",
    "look": "graph",
    "profile": "profiling.profiler",
    "watch": "graph",
    "paths": "routes",
    "step": "stepping.cursor",
    **dict.fromkeys(("Explanation", "Explanations", "explain"), "explaining"),
    **dict.fromkeys(("Finding", "Findings", "lint"), "linting"),
    "Report": "runs.report",
    "RunFolder": "runs.runlog",
    "render_report": "runs.report",
    "write_report": "runs.report",
    **{
        name: home
        for home, names in {
            "health.figures": (
                "activation_histograms attention_maps dead_units decision_boundary gradient_histograms gradient_norms "
                "learned_filters training_curves update_ratios"
            ),
            "health.health": "Health watch_health",
            "health.landscape": "gradient_field loss_surface lr_finder",
            "health.layers": "per_layer",
            "health.planes": "boundary",
            "health.plots": "accuracy_curve confusion_matrix filters loss_curve mistakes",
        }.items()
        for name in names.split()
    },
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
