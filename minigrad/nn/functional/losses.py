"""Losses: how far an output is from its target, as one number to make small.

All take `reduction`: "mean", "sum", or "none" for the loss of each element or example by itself. Output and target
have the same shape, unless the target is an array of labels; nothing is broadcast.
"""

from typing import Any

import numpy as np

from ...core.door import bare
from ...core.recorder import refuse
from ...core.short import public
from ...ops.functions import abs, clip, exp, square, where
from ...ops.functions import sum as total
from ..precision import constant
from ..rules import losses as rules
from .activations import relu
from .reduction import check_reduction, check_weight, fitting, reduced, refuse_outside, weighted

bits, scores = public(rules.cross_entropy_of_bits), public(rules.cross_entropy_of_scores)
divergence = public(rules.divergence)


def mse_loss(x: Any, target: Any, reduction: str = "mean") -> Any:
    """``(x - target)**2``.

    Parameters
    ----------
    x, target : arrays of the same shape
    reduction : {"mean", "sum", "none"}
        Over all elements; "none" for the loss of each, an array of the shape of x.
    """
    x, target, dtype = fitting("mse_loss", x, target)
    return reduced(square(x - target), reduction, dtype)


def l1_loss(x: Any, target: Any, reduction: str = "mean") -> Any:
    """``abs(x - target)``, with gradient 0 where they are equal.

    Parameters
    ----------
    x, target : arrays of the same shape
    reduction : {"mean", "sum", "none"}
        Over all elements; "none" for the loss of each, an array of the shape of x.
    """
    x, target, dtype = fitting("l1_loss", x, target)
    return reduced(abs(x - target), reduction, dtype)


def huber_loss(x: Any, target: Any, delta: float = 1.0, reduction: str = "mean") -> Any:
    """``d**2 / 2`` where ``d = abs(x - target)`` is at most `delta`, and ``delta * (d - delta / 2)`` beyond.

    Parameters
    ----------
    x, target : arrays of the same shape
    delta : float > 0
        The difference from which on the loss is linear, in units of x.
    reduction : {"mean", "sum", "none"}
        Over all elements; "none" for the loss of each, an array of the shape of x.

    References
    ----------
    Huber, Robust estimation of a location parameter, Annals of Mathematical Statistics 35 (1964).
    """
    if not delta > 0:
        raise ValueError(f"delta, where the loss becomes linear, is positive; got {delta!r}")
    x, target, dtype = fitting("huber_loss", x, target)
    difference = x - target
    bounded = clip(difference, -delta, delta)
    return reduced(bounded * (difference - 0.5 * bounded), reduction, dtype)


def smooth_l1_loss(x: Any, target: Any, beta: float = 1.0, reduction: str = "mean") -> Any:
    """`huber_loss` over `beta`: the absolute difference, rounded off within `beta` of 0.

    Parameters
    ----------
    x, target : arrays of the same shape
    beta : float > 0
        The difference from which on the loss is ``d - beta / 2``, in units of x.
    reduction : {"mean", "sum", "none"}
        Over all elements; "none" for the loss of each, an array of the shape of x.
    """
    return huber_loss(x, target, beta, reduction) / beta


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
    signs = bare(target)
    refuse((signs != 1) & (signs != -1), lambda: ValueError(f"hinge_loss takes targets -1 and 1; got {others(signs)}"))
    return reduced(relu(margin - target * x), reduction, dtype)


def others(signs: Any) -> str:
    """The first few targets that are neither -1 nor 1."""
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
    return reduced(weighted(bits(p, target), weight), reduction, dtype)


def binary_cross_entropy_with_logits(
    x: Any, target: Any, weight: Any = None, pos_weight: Any = None, reduction: str = "mean"
) -> Any:
    """`binary_cross_entropy` of sigmoid(x), exact for any x.

    Parameters
    ----------
    x, target : arrays of the same shape
        Targets are from 0 to 1.
    weight, pos_weight : array, optional
        A factor for each element, and one for its part with ``target = 1``; both may broadcast.
    reduction : as of `binary_cross_entropy`
    """
    x, target, dtype = fitting("binary_cross_entropy_with_logits", x, target)
    refuse_outside("binary_cross_entropy_with_logits takes targets", target, 0, 1)
    if pos_weight is None:
        return reduced(weighted(scores(x, target), weight), reduction, dtype)
    check_weight("pos_weight", pos_weight, x.shape)
    pos_weight = constant("pos_weight", pos_weight)
    refuse(np.less(pos_weight, 0), lambda: ValueError(f"pos_weight is at least 0; got {np.min(pos_weight):g}"))
    return reduced(weighted(scores(x, target, pos_weight), weight), reduction, dtype)


def kl_div(log_q: Any, target: Any, reduction: str = "mean", log_target: bool = False) -> Any:
    """``p * (log(p) - log_q)``, whose sum is the Kullback-Leibler divergence of p from q.

    Parameters
    ----------
    log_q : array
        Logarithms of the probabilities that a network gives.
    target : array of the same shape
        The probabilities p, or their logarithms if `log_target`.
    reduction : {"mean", "sum", "none", "batchmean"}
        The divergence is "sum", or "batchmean", the sum over the length of the first axis. "mean" is over all elements.
    log_target : bool
    """
    check_reduction(reduction, "batchmean")
    log_q, target, dtype = fitting("kl_div", log_q, target)
    loss = of_logarithms(log_q, target) if log_target else divergence(log_q, target)
    if reduction == "batchmean":
        loss, reduction = total(loss) / log_q.shape[0], "none"
    return reduced(loss, reduction, dtype)


def of_logarithms(log_q: Any, log_p: Any) -> Any:
    """``p * (log_p - log_q)``, and 0 where p is."""
    p = exp(log_p)
    none = p == 0
    return p * (where(none, 0, log_p) - where(none, 0, log_q))
