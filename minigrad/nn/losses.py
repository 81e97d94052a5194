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
    """``(x - target)**2``.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
        Over all elements; "none" for the loss of each, an array of the shape of the output.
    """

    def forward(self, x: Any, target: Any) -> Any:
        return functional.mse_loss(x, target, self.reduction)


class L1Loss(Loss):
    """``abs(x - target)``.

    Parameters
    ----------
    reduction : as of `MSELoss`
    """

    def forward(self, x: Any, target: Any) -> Any:
        return functional.l1_loss(x, target, self.reduction)


class HuberLoss(Loss):
    """Half the square of small differences, and `delta` times large ones; see `functional.huber_loss`.

    Parameters
    ----------
    delta : float > 0
        The difference from which on the loss is linear, in units of the output.
    reduction : as of `MSELoss`
    """

    def __init__(self, delta: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, x: Any, target: Any) -> Any:
        return functional.huber_loss(x, target, self.delta, self.reduction)


class SmoothL1Loss(Loss):
    """HuberLoss over its delta, here called `beta`.

    Parameters
    ----------
    beta : float > 0
        As `delta` of `HuberLoss`.
    reduction : as of `MSELoss`
    """

    def __init__(self, beta: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.beta = beta

    def forward(self, x: Any, target: Any) -> Any:
        return functional.smooth_l1_loss(x, target, self.beta, self.reduction)


class HingeLoss(Loss):
    """``max(0, margin - target * x)``, of targets -1 and 1.

    Parameters
    ----------
    margin : float
        The score on the right side from which on there is no loss.
    reduction : as of `MSELoss`
    """

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
    """Scores (batch, classes, ...) and labels or probabilities; see `functional.cross_entropy`.

    Parameters
    ----------
    weight : array of shape (classes,), optional
        A factor for each class. The mean of labels divides by the sum of their factors.
    ignore_index : int, optional
        A label that counts nothing; none by default.
    label_smoothing : float in [0, 1]
        This part of each target is spread evenly over all classes.
    reduction : {"mean", "sum", "none"}
        Over the examples and their places; "none" for an array of the shape of labels.
    """

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
    """The negative of logarithms of probabilities at labels; see `functional.nll_loss`.

    Parameters
    ----------
    weight, ignore_index, reduction : as of `CrossEntropyLoss`
    """

    def __init__(self, weight: Any = None, ignore_index: int | None = None, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)
        self.ignore_index = ignore_index

    def forward(self, log_p: Any, target: Any) -> Any:
        return functional.nll_loss(log_p, target, self.weight, self.ignore_index, self.reduction)


class BCELoss(WeightedLoss):
    """Probabilities and targets from 0 to 1; see `functional.binary_cross_entropy`.

    Parameters
    ----------
    weight : array, optional
        A factor for each element, which may broadcast to the output.
    reduction : as of `MSELoss`
    """

    def forward(self, p: Any, target: Any) -> Any:
        return functional.binary_cross_entropy(p, target, self.weight, self.reduction)


class BCEWithLogitsLoss(WeightedLoss):
    """Scores of any size and targets from 0 to 1; see `functional.binary_cross_entropy_with_logits`.

    Parameters
    ----------
    weight : array, optional
        A factor for each element, which may broadcast to the output.
    pos_weight : array, optional
        A factor for the part with ``target = 1``, such as negatives over positives in the data; may broadcast.
    reduction : as of `MSELoss`
    """

    def __init__(self, weight: Any = None, pos_weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)
        self.pos_weight = None if pos_weight is None else Buffer(pos_weight)

    def forward(self, x: Any, target: Any) -> Any:
        return functional.binary_cross_entropy_with_logits(x, target, self.weight, self.pos_weight, self.reduction)


class KLDivLoss(Module):
    """The divergence of target probabilities from those of a network; see `functional.kl_div`.

    Parameters
    ----------
    reduction : {"mean", "sum", "none", "batchmean"}
        The divergence is "sum", or "batchmean", the sum over the length of the first axis. "mean" is over all elements.
    log_target : bool
        Whether targets are logarithms of probabilities.
    """

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        check_reduction(reduction, "batchmean")
        self.reduction = reduction
        self.log_target = log_target

    def forward(self, log_q: Any, target: Any) -> Any:
        return functional.kl_div(log_q, target, self.reduction, self.log_target)
