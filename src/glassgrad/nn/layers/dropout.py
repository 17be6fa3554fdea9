"""Dropout: in training, elements or whole channels are zeroed at random; in eval() the input is handed on.

Sources: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014, JMLR 15; channels: Tompson et al. 2015,
arXiv:1411.4280; alpha: Klambauer et al. 2017, arXiv:1706.02515.
"""

from __future__ import annotations

from .declared import Declared

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class _DropoutNd(Declared, function=""):
    p: float = 0.5
    inplace: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {self.p}")


class Dropout(_DropoutNd, function="dropout", also="training"):
    """Each element is zeroed with probability p, the others are divided by 1 - p."""


class Dropout1d(_DropoutNd, function="dropout1d", also="training"):
    """Dropout of whole channels: (N, C, L) or (C, L)."""


class Dropout2d(_DropoutNd, function="dropout2d", also="training"):
    """Dropout of whole channels: (N, C, H, W) or (C, H, W)."""


class Dropout3d(_DropoutNd, function="dropout3d", also="training"):
    """Dropout of whole channels: (N, C, D, H, W) or (C, D, H, W)."""


class AlphaDropout(_DropoutNd, function="alpha_dropout", also="training"):
    """Dropout to SELU's negative limit instead of zero, which keeps mean 0 and variance 1."""


class FeatureAlphaDropout(_DropoutNd, function="feature_alpha_dropout", also="training"):
    """AlphaDropout of whole channels."""
