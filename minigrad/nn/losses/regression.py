"""Losses of numbers: how far an output is from its target."""

from typing import Any

from ...ops.functions import abs, clip, square
from ..sizes import checked_number
from .reduction import Loss, fitting, reduced


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
    if not checked_number("delta", delta) > 0:
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


class MSELoss(Loss):
    """`functional.mse_loss` as a module.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
    """

    def forward(self, x: Any, target: Any) -> Any:
        return mse_loss(x, target, self.reduction)


class L1Loss(Loss):
    """`functional.l1_loss` as a module.

    Parameters
    ----------
    reduction : {"mean", "sum", "none"}
    """

    def forward(self, x: Any, target: Any) -> Any:
        return l1_loss(x, target, self.reduction)


class HuberLoss(Loss):
    """`functional.huber_loss` as a module.

    Parameters
    ----------
    delta : float > 0
    reduction : {"mean", "sum", "none"}
    """

    def __init__(self, delta: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, x: Any, target: Any) -> Any:
        return huber_loss(x, target, self.delta, self.reduction)


class SmoothL1Loss(Loss):
    """`functional.smooth_l1_loss` as a module.

    Parameters
    ----------
    beta : float > 0
    reduction : {"mean", "sum", "none"}
    """

    def __init__(self, beta: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.beta = beta

    def forward(self, x: Any, target: Any) -> Any:
        return smooth_l1_loss(x, target, self.beta, self.reduction)
