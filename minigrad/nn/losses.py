"""The losses as modules, which keep their options; see `functional` for what they compute."""

from typing import Any

from . import functional
from .functional.reduction import check_reduction
from .module import Module
from .parameter import Buffer


class Loss(Module):
    """A function of an output and a target."""

    def __init__(self, reduction: str = "mean") -> None:
        check_reduction(reduction)
        self.reduction = reduction


class MSELoss(Loss):
    """``(x - target)**2``."""

    def forward(self, x: Any, target: Any) -> Any:
        return functional.mse_loss(x, target, self.reduction)


class L1Loss(Loss):
    """``abs(x - target)``."""

    def forward(self, x: Any, target: Any) -> Any:
        return functional.l1_loss(x, target, self.reduction)


class HuberLoss(Loss):
    """Half the square of small differences, and `delta` times large ones; see `functional.huber_loss`."""

    def __init__(self, delta: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, x: Any, target: Any) -> Any:
        return functional.huber_loss(x, target, self.delta, self.reduction)


class SmoothL1Loss(Loss):
    """HuberLoss over its delta, here called `beta`."""

    def __init__(self, beta: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.beta = beta

    def forward(self, x: Any, target: Any) -> Any:
        return functional.smooth_l1_loss(x, target, self.beta, self.reduction)


class HingeLoss(Loss):
    """``max(0, margin - target * x)``, of targets -1 and 1."""

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, x: Any, target: Any) -> Any:
        return functional.hinge_loss(x, target, self.margin, self.reduction)


class WeightedLoss(Loss):
    """A loss with a weight for each class or element, which is a buffer."""

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight = None if weight is None else Buffer(weight)


class CrossEntropyLoss(WeightedLoss):
    """Scores (batch, classes, ...) and labels or probabilities; see `functional.cross_entropy`."""

    def __init__(
        self,
        weight: Any = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def forward(self, x: Any, target: Any) -> Any:
        options = self.weight, self.ignore_index, self.label_smoothing, self.reduction
        return functional.cross_entropy(x, target, *options)


class NLLLoss(WeightedLoss):
    """The negative of logarithms of probabilities at labels; see `functional.nll_loss`."""

    def __init__(self, weight: Any = None, ignore_index: int | None = None, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index

    def forward(self, log_p: Any, target: Any) -> Any:
        return functional.nll_loss(log_p, target, self.weight, self.ignore_index, self.reduction)


class BCELoss(WeightedLoss):
    """Probabilities and targets from 0 to 1; see `functional.binary_cross_entropy`."""

    def forward(self, p: Any, target: Any) -> Any:
        return functional.binary_cross_entropy(p, target, self.weight, self.reduction)


class BCEWithLogitsLoss(WeightedLoss):
    """Scores of any size and targets from 0 to 1; see `functional.binary_cross_entropy_with_logits`."""

    def __init__(self, weight: Any = None, pos_weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)
        self.pos_weight = None if pos_weight is None else Buffer(pos_weight)

    def forward(self, x: Any, target: Any) -> Any:
        return functional.binary_cross_entropy_with_logits(x, target, self.weight, self.pos_weight, self.reduction)


class KLDivLoss(Module):
    """The divergence of target probabilities from those of a network; see `functional.kl_div`."""

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        check_reduction(reduction, "batchmean")
        self.reduction = reduction
        self.log_target = log_target

    def forward(self, log_q: Any, target: Any) -> Any:
        return functional.kl_div(log_q, target, self.reduction, self.log_target)
