"""explain(): why a gradient is None, zero, not a number, too small or too large, and on which line."""

from __future__ import annotations

from .answer import Explanation, Explanations
from .causes import CAUSES, Cause
from .question import explain

__all__ = ["CAUSES", "Cause", "Explanation", "Explanations", "explain"]
