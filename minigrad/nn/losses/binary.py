"""Losses of two classes: by signs, probabilities or scores."""

from typing import Any

import numpy as np

from ...core.door import plain, raise_if, unwrap
from ...core.primitive import elementwise
from ...core.short import public
from ...ops.functions import maximum
from ...ops.functions import sigmoid as sigmoid_of
from ...rules.network import quiet, sigmoid
from ..activations import log1pexp, relu
from ..parameter import Buffer
from ..precision import as_constant
from ..sizes import checked_number
from .reduction import Loss, WeightedLoss, check_weight, fitting, reduced, refuse_outside, weighted

# As PyTorch does, with logarithms of at least -100 and a derivative of at most 1e12: a certainty that is wrong costs
# much, and not infinitely much.


def _bounded_log(p):
    return np.maximum(np.where(p == 0, -100, np.log(p + (p == 0))), -100)


def cross_entropy_of_bits(p, target):
    """``-(target * log(p) + (1 - target) * log(1 - p))``, with logarithms of at least -100."""
    return -(target * _bounded_log(p) + (1 - target) * _bounded_log(1 - p))


cross_entropy_of_bits = public(
    elementwise(
        cross_entropy_of_bits,
        lambda g, y, p, target: g * ((p - target) / np.maximum(p * (1 - p), 1e-12)),
        lambda g, y, p, target: g * (_bounded_log(1 - p) - _bounded_log(p)),
    )
)


def cross_entropy_of_scores(x, target, weight=1.0):
    """``(1 - target) * softplus(x) + weight * target * softplus(-x)``, of which neither term is negative."""
    return unmarked.copy().run(_cross_entropy_of_scores, x, target, weight)


unmarked = quiet.copy()
unmarked.run(np.seterr, invalid="ignore")


def _cross_entropy_of_scores(x, target, weight):
    # softplus(x) is max(x, 0) and the same for x and -x. An infinite score that is right makes 0 times infinity, for
    # which np.fmax takes the 0; the last term is NaN where the score or the target is.
    no, yes = 1 - target, weight * target
    return np.fmax(no * x, 0) + np.fmax(-yes * x, 0) + (no + yes) * np.log1p(np.exp(-np.abs(x)))


cross_entropy_of_scores = public(
    elementwise(
        cross_entropy_of_scores,
        lambda g, y, x, target, weight=1.0: g * ((1 - target) * sigmoid(x) - weight * target * sigmoid(-x)),
        lambda g, y, x, target, weight=1.0: g * (weight * log1pexp(-x) - log1pexp(x)),
        None,
    )
)


def hinge_loss(x: Any, target: Any, margin: float = 1.0, reduction: str = "mean") -> Any:
    """``max(0, margin - target * x)``, of scores x and targets -1 and 1.

    Parameters
    ----------
    x, target : arrays of the same shape
    margin : float
        The score on the right side from which on there is no loss, and no gradient.
    reduction : {"mean", "sum", "none"}
        Over all elements; "none" for the loss of each, an array of the shape of x.

    Raises
    ------
    ValueError
        If a target is neither -1 nor 1.
    """
    x, target, dtype = fitting("hinge_loss", x, target)
    signs = plain(target)
    raise_if(
        (signs != 1) & (signs != -1),
        lambda: ValueError(f"hinge_loss takes targets -1 and 1; got {bad_targets(signs)}"),
    )
    return reduced(relu(margin - target * x), reduction, dtype)


def bad_targets(signs: Any) -> str:
    """The first few targets that are neither -1 nor 1."""
    signs = unwrap(signs)
    return ", ".join(f"{t:g}" for t in signs[(signs != 1) & (signs != -1)][:3].tolist())


def binary_cross_entropy(p: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """``-(target * log(p) + (1 - target) * log(1 - p))`` of probabilities p, with logarithms of at least -100.

    `binary_cross_entropy_with_logits` is more accurate, as it does not need p.

    Parameters
    ----------
    p, target : arrays of the same shape, of numbers from 0 to 1
    weight : array, optional
        A factor for each element, which may broadcast.
    reduction : {"mean", "sum", "none"}
        Over all elements, with their weights in the sum but not in the number that the mean divides by.
    """
    p, target, dtype = fitting("binary_cross_entropy", p, target)
    refuse_outside("binary_cross_entropy takes probabilities", p, 0, 1)
    refuse_outside("binary_cross_entropy takes targets", target, 0, 1)
    return reduced(weighted(cross_entropy_of_bits(p, target), weight), reduction, dtype)


def binary_cross_entropy_with_logits(
    x: Any, target: Any, weight: Any = None, pos_weight: Any = None, reduction: str = "mean"
) -> Any:
    """`binary_cross_entropy` of sigmoid(x), exact for any x.

    Parameters
    ----------
    x, target : arrays of the same shape
        Targets are from 0 to 1.
    weight, pos_weight : array, optional
        A factor for each element, and one for its part with ``target = 1``, such as negatives over positives in the
        data; both may broadcast.
    reduction : as of `binary_cross_entropy`
    """
    x, target, dtype = fitting("binary_cross_entropy_with_logits", x, target)
    refuse_outside("binary_cross_entropy_with_logits takes targets", target, 0, 1)
    if pos_weight is None:
        return reduced(weighted(cross_entropy_of_scores(x, target), weight), reduction, dtype)
    check_weight("pos_weight", pos_weight, x.shape)
    pos_weight = as_constant("pos_weight", pos_weight)
    raise_if(
        np.less(pos_weight, 0), lambda: ValueError(f"pos_weight is at least 0; got {np.min(unwrap(pos_weight)):g}")
    )
    return reduced(weighted(cross_entropy_of_scores(x, target, pos_weight), weight), reduction, dtype)


def sigmoid_focal_loss(x: Any, target: Any, alpha: float = 0.25, gamma: float = 2.0, reduction: str = "none") -> Any:
    """`binary_cross_entropy_with_logits` times ``(1 - q)**gamma``, q being the probability that x gives to the target.

    What is easy, with q near 1, costs next to nothing, so that many easy examples do not outweigh the few hard ones.

    Parameters
    ----------
    x, target : arrays of the same shape
        Scores, and targets from 0 to 1.
    alpha : float in [0, 1], or negative
        The weight of targets of 1, where those of 0 have ``1 - alpha``; a negative one for no weights.
    gamma : float >= 0
        The larger, the less the easy ones count; 0 leaves the cross entropy.
    reduction : {"none", "mean", "sum"}
        The loss of each element by default, as in torchvision.

    References
    ----------
    Lin, Goyal, Girshick, He & Dollár, Focal loss for dense object detection, ICCV 2017 (arXiv:1708.02002).
    """
    if not checked_number("alpha", alpha) <= 1:
        raise ValueError(f"alpha is a weight from 0 to 1, or negative for none; got {alpha!r}")
    if not checked_number("gamma", gamma) >= 0:
        raise ValueError(f"gamma is at least 0; got {gamma!r}")
    x, target, dtype = fitting("sigmoid_focal_loss", x, target)
    refuse_outside("sigmoid_focal_loss takes targets", target, 0, 1)
    least = float(np.finfo(x.dtype).tiny) ** 0.5  # a power of 0 may have infinite slopes
    missed = maximum(target * sigmoid_of(-x) + (1 - target) * sigmoid_of(x), least)  # 1 - q, without a difference
    loss = cross_entropy_of_scores(x, target) * missed**gamma
    if alpha >= 0:
        loss = (alpha * target + (1 - alpha) * (1 - target)) * loss
    return reduced(loss, reduction, dtype)


class HingeLoss(Loss):
    """`functional.hinge_loss` as a module.

    Parameters
    ----------
    margin : float
    reduction : {"mean", "sum", "none"}
    """

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, x: Any, target: Any) -> Any:
        return hinge_loss(x, target, self.margin, self.reduction)


class BCELoss(WeightedLoss):
    """`functional.binary_cross_entropy` as a module.

    Parameters
    ----------
    weight : array, optional
        Is part of the state.
    reduction : {"mean", "sum", "none"}
    """

    def forward(self, p: Any, target: Any) -> Any:
        return binary_cross_entropy(p, target, self.weight, self.reduction)


class BCEWithLogitsLoss(WeightedLoss):
    """`functional.binary_cross_entropy_with_logits` as a module.

    Parameters
    ----------
    weight, pos_weight : array, optional
        Are part of the state.
    reduction : {"mean", "sum", "none"}
    """

    def __init__(self, weight: Any = None, pos_weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(weight, reduction)
        self.pos_weight = None if pos_weight is None else Buffer(pos_weight)

    def forward(self, x: Any, target: Any) -> Any:
        return binary_cross_entropy_with_logits(x, target, self.weight, self.pos_weight, self.reduction)


class SigmoidFocalLoss(Loss):
    """`functional.sigmoid_focal_loss` as a module.

    Parameters
    ----------
    alpha, gamma : float
    reduction : {"none", "mean", "sum"}
    """

    def __init__(self, alpha: float = 0.25, gamma: float = 2.0, reduction: str = "none") -> None:
        super().__init__(reduction)
        self.alpha = alpha
        self.gamma = gamma

    def forward(self, x: Any, target: Any) -> Any:
        return sigmoid_focal_loss(x, target, self.alpha, self.gamma, self.reduction)
