"""How far one distribution is from another."""

from typing import Any

import numpy as np

from ...core.primitive import elementwise
from ...core.short import public
from ...ops.functions import exp, where
from ...ops.functions import sum as total
from ..module import Module
from .reduction import check_reduction, fitting, reduced, where_counted


def divergence(log_q, p):
    """``p * (log(p) - log_q)``, and 0 where p is 0."""
    return p * (_log_or_zero(p) - where_counted(p, log_q))


def _log_or_zero(p):
    return np.log(np.where(p == 0, 1, p))


divergence = public(
    elementwise(
        divergence,
        lambda g, y, log_q, p: -g * p,
        lambda g, y, log_q, p: g * (_log_or_zero(p) + (p != 0) - where_counted(p, log_q)),
    )
)


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


class KLDivLoss(Module):
    """`functional.kl_div` as a module.

    Parameters
    ----------
    reduction : {"mean", "sum", "none", "batchmean"}
    log_target : bool
    """

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        check_reduction(reduction, "batchmean")
        self.reduction = reduction
        self.log_target = log_target

    def forward(self, log_q: Any, target: Any) -> Any:
        return kl_div(log_q, target, self.reduction, self.log_target)
