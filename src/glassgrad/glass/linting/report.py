"""What the lint has found."""

from __future__ import annotations

import linecache
from dataclasses import dataclass

from ...core.provenance import Place, line_of, show
from .rules import RULES


@dataclass
class Finding:
    """One thing that is wrong: its code, a sentence, the likeliest fix, the user's line, and how often it was seen."""

    code: str
    message: str
    fix: str
    place: Place | None
    times: int = 1

    @property
    def name(self) -> str:
        return RULES[self.code].name

    @property
    def file(self) -> str:
        return line_of(self.place)[0] if self.place else ""

    @property
    def line(self) -> int:
        return line_of(self.place)[1] if self.place else 0

    def __str__(self) -> str:
        often = f" ({self.times} times)" if self.times > 1 else ""
        return f"{self.code} {self.name}{often}\n  at   {show(self.place)}\n  {self.message}\n  fix  {self.fix}"


class Findings(list[Finding]):
    """The findings of one `lint()`, in the order in which they were made; print it to read them."""

    def add(self, code: str, place: Place | None, fields: dict[str, object]) -> None:
        """Say it once for each code and line, unless it says no more than what has been said."""
        if any(code in RULES[other.code].covers for other in self) or _excused(code, place):
            return
        for other in self:
            if other.code == code and (other.place == place or (place and line_of(place) == (other.file, other.line))):
                other.times += 1
                return
        rule = RULES[code]
        self[:] = [other for other in self if other.code not in rule.covers]
        self.append(Finding(code, rule.says.format(**fields), rule.fix.format(**fields), place))

    @property
    def codes(self) -> list[str]:
        return [finding.code for finding in self]

    def __str__(self) -> str:
        return "\n\n".join(map(str, self)) if self else "nothing found"


def _excused(code: str, place: Place | None) -> bool:
    """Whether the line ends in `# noqa: CODE`."""
    if place is None:
        return False
    _, _, excuse = linecache.getline(*line_of(place)).partition("# noqa:")
    return code in excuse
