"""Kinks and jumps: where a slope is a convention, found by looking at both sides from near and from nearer.

Of what is smooth the slopes on two sides come together as the step shrinks, and so do the values. Where the slopes stay
apart there is a kink, where the values do a jump; docs/kinks.md lists what is taken there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

NEAR, NEARER = 1e-5, 1e-5 / 30
STAYS = 0.3  # of a difference at NEAR is left at NEARER; what is smooth has a thirtieth
SEEN = 1e-3  # of the slopes or the values, the least that counts


class Corners(NamedTuple):
    """By entry: whether there is a kink, or a jump, and the slopes on the lower side and the upper one."""

    kinks: Any
    jumps: Any
    lower: Any
    upper: Any

    @property
    def places(self) -> Any:
        return self.kinks | self.jumps

    def say(self, taken: Any, each: bool = True) -> str:
        """In words. taken: the slopes by convention. each: whether an entry depends on one entry of the argument."""
        at = self.places
        word = "kink" if self.kinks.any() else "jump"
        where = f"at a {word}" + (f" in {at.sum():,} of {at.size:,} entries" if each and at.size > 1 else "")
        slopes = {tuple(f"{x:.4g}" for x in row) for row in np.stack([self.lower, self.upper, taken], 1)[at] + 0.0}
        if not each or len(slopes) > 1:
            return f"{where}, where the derivative is a convention"
        lower, upper, chosen = (x.replace("-", "−") for x in slopes.pop())
        return f"{where}, with slope " + (
            f"{lower} below and {upper} above: {chosen} by convention" if word == "kink" else f"{chosen} by convention"
        )


def corners(ends: Callable[[float], tuple[Any, Any]], here: Any, noise: float) -> Corners:
    """ends: the values that many steps below and above; here: those between. noise: how exact they are."""

    def sides(step: float) -> tuple[Any, Any, Any]:
        low, high = map(np.atleast_1d, ends(step))
        return less(here, low) / step, less(high, here) / step, np.abs(less(high, low))

    here = np.atleast_1d(here)
    none = np.zeros(here.shape, bool)
    with np.errstate(all="ignore"):
        lower, upper, apart = sides(NEAR)
        bent = np.abs(upper - lower)
        kinks, jumps = bent > SEEN * (np.abs(lower) + np.abs(upper)), apart > SEEN * np.abs(here)
        if not (kinks | jumps).any():
            return Corners(none, none, lower, upper)
        lower, upper, nearer = sides(NEARER)
        bend = np.abs(upper - lower)
        jumps &= (nearer > STAYS * apart) & (nearer > noise)
        kinks &= (bend > STAYS * bent) & (bend > SEEN * (np.abs(lower) + np.abs(upper))) & (bend > noise / NEARER)
    return Corners(kinks & ~jumps, jumps, lower, upper)


def less(a: Any, b: Any) -> Any:
    """a - b, where infinity less infinity is 0."""
    with np.errstate(all="ignore"):
        return np.where(a == b, 0, a - b)
