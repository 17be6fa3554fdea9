"""lint(): watches training code as it runs, and says what is wrong with it. The codes are a table in `rules`."""

from __future__ import annotations

from .report import Finding, Findings
from .rules import RULES, Rule
from .run import lint, printed

__all__ = ["RULES", "Finding", "Findings", "Rule", "lint", "printed"]
