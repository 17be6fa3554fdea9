"""torch.onnx: many programs import it, few export."""

from __future__ import annotations

from .jit import refuse

__all__ = ["export", "is_in_onnx_export"]

export = refuse("torch.onnx.export", "save model.state_dict() with torch.save")


def is_in_onnx_export() -> bool:
    """False."""
    return False
