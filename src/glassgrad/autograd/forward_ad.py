"""Forward mode with dual numbers, as torch.autograd.forward_ad.

>>> import glassgrad as gg
>>> with dual_level():
...     x = make_dual(gg.tensor(3.0), gg.tensor(1.0))
...     print(unpack_dual(x * x).tangent)
tensor(6.)
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..core import forward
from ..core.modes import is_grad_enabled
from ..core.tensor import Tensor

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]


class UnpackedDualTensor(NamedTuple):
    primal: Tensor
    tangent: Tensor | None


class dual_level:
    """Inside, make_dual gives tensors tangents, and operations push them on."""

    def __enter__(self) -> int:
        self._level = forward.forward_level()
        self._level.__enter__()
        return 0

    def __exit__(self, *problem: Any) -> None:
        self._level.__exit__(*problem)


_entered: list[dual_level] = []


def enter_dual_level() -> int:
    level = dual_level()
    _entered.append(level)
    return level.__enter__()


def exit_dual_level(*, level: int | None = None) -> None:
    if not _entered:
        raise RuntimeError("exit_dual_level() without enter_dual_level()")
    _entered.pop().__exit__(None, None, None)


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """The tensor with a tangent of the same shape and dtype; RuntimeError outside dual_level()."""
    if not is_grad_enabled():
        raise RuntimeError(
            "make_dual() under no_grad(): tangents are pushed by operations as they are recorded. "
            "Enter dual_level() inside no_grad(), or make the dual outside it."
        )
    return forward.make_dual(tensor, tangent, _level("create a dual Tensor"))


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The tensor without the tangent of this level, and the tangent, or None where it has none."""
    return UnpackedDualTensor(*forward.unpack(tensor, _level("unpack a dual Tensor")))


def _level(what: str) -> forward.Level:
    found = forward.current_level()
    if found is None:
        raise RuntimeError(
            f"Trying to {what} for forward AD but no level exists, make sure to enter_dual_level() first."
        )
    return found
