"""Losses: (input, target) -> a number, or with reduction="none" one for each. Formulas are those of nn.functional.

size_average and reduce are PyTorch's old words for reduction: they are taken, with a warning.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...core.provenance import warn
from ...core.tensor import Tensor
from ...ops.losses import chosen
from .arrange import PairwiseDistance
from .declared import KW_ONLY, Declared

__all__ = [
    "BCELoss", "BCEWithLogitsLoss", "CTCLoss", "CosineEmbeddingLoss", "CrossEntropyLoss", "GaussianNLLLoss",
    "HingeEmbeddingLoss", "HuberLoss", "KLDivLoss", "L1Loss", "MSELoss", "MarginRankingLoss",
    "MultiLabelMarginLoss", "MultiLabelSoftMarginLoss", "MultiMarginLoss", "NLLLoss", "NLLLoss2d", "PoissonNLLLoss",
    "SmoothL1Loss", "SoftMarginLoss", "TripletMarginLoss", "TripletMarginWithDistanceLoss",
]  # fmt: skip

OLD = "size_average reduce"


class _Loss(Declared, function="", text="", kept=OLD):
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"

    def __post_init__(self) -> None:
        own = vars(self)
        size_average, reduce = (own.pop(name, None) for name in OLD.split())
        if size_average is not None or reduce is not None:
            own["reduction"] = chosen(size_average, reduce, own["reduction"])
        for name in ("weight", "pos_weight"):
            if name in self._signature.parameters:
                value = own.pop(name)
                if value is not None and not isinstance(value, Tensor):
                    raise TypeError(f"{type(self).__name__}: {name} must be a Tensor, got {type(value).__name__}")
                self.register_buffer(name, value)


class _WeightedLoss(_Loss, function="", kept=OLD):
    weight: Tensor | None = None
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"


class L1Loss(_Loss, function="l1_loss", kept=OLD):
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"


class MSELoss(_Loss, function="mse_loss", kept=OLD):
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"


class SmoothL1Loss(_Loss, function="smooth_l1_loss", kept=OLD):
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"
    beta: float = 1.0


class HuberLoss(_Loss, function="huber_loss"):
    reduction: str = "mean"
    delta: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.delta, float | int):
            raise TypeError(f"delta must be a float or int, got: {type(self.delta)}")


class CrossEntropyLoss(_WeightedLoss, function="cross_entropy", kept=OLD):
    weight: Tensor | None = None
    size_average: bool | None = None
    ignore_index: int = -100
    reduce: bool | None = None
    reduction: str = "mean"
    label_smoothing: float = 0.0


class NLLLoss(_WeightedLoss, function="nll_loss", kept=OLD):
    weight: Tensor | None = None
    size_average: bool | None = None
    ignore_index: int = -100
    reduce: bool | None = None
    reduction: str = "mean"


class NLLLoss2d(NLLLoss):
    """NLLLoss under an old name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warn("NLLLoss2d has been deprecated. Please use `NLLLoss` instead", FutureWarning)
        super().__init__(*args, **kwargs)


class CTCLoss(_Loss, function="ctc_loss"):
    """(log_probs, targets, input_lengths, target_lengths)."""

    blank: int = 0
    reduction: str = "mean"
    zero_infinity: bool = False


class PoissonNLLLoss(_Loss, function="poisson_nll_loss", kept=OLD):
    log_input: bool = True
    full: bool = False
    size_average: bool | None = None
    eps: float = 1e-8
    reduce: bool | None = None
    reduction: str = "mean"


class GaussianNLLLoss(_Loss, function="gaussian_nll_loss"):
    """(input, target, var)."""

    _: KW_ONLY
    full: bool = False
    eps: float = 1e-6
    reduction: str = "mean"


class KLDivLoss(_Loss, function="kl_div", kept=OLD):
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"
    log_target: bool = False


class BCELoss(_WeightedLoss, function="binary_cross_entropy", kept=OLD):
    weight: Tensor | None = None
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"


class BCEWithLogitsLoss(_Loss, function="binary_cross_entropy_with_logits", kept=OLD):
    weight: Tensor | None = None
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"
    pos_weight: Tensor | None = None


class HingeEmbeddingLoss(_Loss, function="hinge_embedding_loss", kept=OLD):
    margin: float = 1.0
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"


class SoftMarginLoss(_Loss, function="soft_margin_loss", kept=OLD):
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"


class MultiMarginLoss(_WeightedLoss, function="multi_margin_loss", kept=OLD):
    p: int = 1
    margin: float = 1.0
    weight: Tensor | None = None
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"


class MultiLabelMarginLoss(_Loss, function="multilabel_margin_loss", kept=OLD):
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"


class MultiLabelSoftMarginLoss(_WeightedLoss, function="multilabel_soft_margin_loss", kept=OLD):
    weight: Tensor | None = None
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"


class MarginRankingLoss(_Loss, function="margin_ranking_loss", kept=OLD):
    """(input1, input2, target)."""

    margin: float = 0.0
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"


class CosineEmbeddingLoss(_Loss, function="cosine_embedding_loss", kept=OLD):
    """(input1, input2, target)."""

    margin: float = 0.0
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"


class TripletMarginLoss(_Loss, function="triplet_margin_loss", kept=OLD):
    """(anchor, positive, negative)."""

    margin: float = 1.0
    p: float = 2.0
    eps: float = 1e-6
    swap: bool = False
    size_average: bool | None = None
    reduce: bool | None = None
    reduction: str = "mean"


class TripletMarginWithDistanceLoss(_Loss, function="triplet_margin_with_distance_loss"):
    """(anchor, positive, negative); the distance is PairwiseDistance() unless given."""

    _: KW_ONLY
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None
    margin: float = 1.0
    swap: bool = False
    reduction: str = "mean"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.margin <= 0:
            raise ValueError(f"TripletMarginWithDistanceLoss: expected margin to be greater than 0, got {self.margin}")
        if self.distance_function is None:
            self.distance_function = PairwiseDistance()
