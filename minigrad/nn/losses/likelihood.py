"""Negative logarithms of the likelihood of numbers: normal and Poisson distributions."""

import math
from typing import Any

import numpy as np

from ...core.door import Watched, plain, raise_if, unwrap
from ...ops.functions import exp, log, maximum, reshape, square
from ..precision import as_input, widened
from ..sizes import checked_number
from .reduction import Loss, fitting, reduced


def gaussian_nll_loss(
    x: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    """``(log(var) + (x - target)**2 / var) / 2``: of normal distributions whose mean and variance a network gives.

    Parameters
    ----------
    x, target : arrays of the same shape
        The means, and what was drawn.
    var : array, or number
        The variances, at least 0: of the shape of x; or one for each row, of that shape without its last axis or with
        1 there; or one for all.
    full : bool
        Whether to add the constant, ``log(2 * pi) / 2``.
    eps : float > 0
        The least variance that is computed with, at which smaller ones have their gradient, as in PyTorch.
    reduction : {"mean", "sum", "none"}
        Over all elements; "none" for the loss of each, an array of the shape of x.

    Raises
    ------
    ValueError
        If shapes do not fit, a variance is negative, or `eps` is not positive.

    References
    ----------
    Nix & Weigend, Estimating the mean and variance of the target probability distribution, ICNN 1994.
    """
    if not checked_number("eps", eps) > 0:
        raise ValueError(f"eps, the least variance, is positive; got {eps!r}")
    x, target, dtype = fitting("gaussian_nll_loss", x, target)
    dtype = dtype if dtype is None else np.result_type(dtype, getattr(var, "dtype", dtype))
    var = variances(var, x)
    values = plain(var)
    raise_if(
        values < 0,
        lambda: ValueError(f"variances are at least 0; got values from {unwrap(values).min():g}. Give exp(log_var)"),
    )
    var = var + np.maximum(eps - values, 0)
    loss = 0.5 * (log(var) + square(x - target) / var)
    return reduced(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction, dtype)


def variances(var: Any, x: Any) -> Any:
    """Variances as an array that broadcasts to `x`; refuses those of other shapes."""
    var = as_input(var)
    var = widened("gaussian_nll_loss", var if var.ndim or var.dtype.kind == "f" else var.astype(x.dtype))
    if var.shape in ((), x.shape) or (x.ndim and var.shape == (*x.shape[:-1], 1)):
        return var if var.ndim or isinstance(var, Watched) else var.astype(x.dtype)
    if x.ndim and var.shape == x.shape[:-1]:
        return reshape(var, (*var.shape, 1))
    raise ValueError(
        f"gaussian_nll_loss of {x.shape} takes variances of that shape, of {x.shape[:-1]} or {(*x.shape[:-1], 1)}; got "
        f"{var.shape}"
    )


def poisson_nll_loss(
    x: Any, target: Any, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean"
) -> Any:
    """``exp(x) - target * x``: of counts, the logarithm of whose mean a network gives.

    Parameters
    ----------
    x, target : arrays of the same shape
        Logarithms of the means, and what was counted.
    log_input : bool
        Otherwise x are the means themselves, and the loss is ``x - target * log(x + eps)``.
    full : bool
        Whether to add the logarithm of target!, by Stirling's formula where the target is above 1:
        ``target * log(target) - target + log(2 * pi * target) / 2``.
    eps : float > 0
        Keeps the logarithm of a mean of 0 finite.
    reduction : {"mean", "sum", "none"}
        Over all elements; "none" for the loss of each, an array of the shape of x.
    """
    x, target, dtype = fitting("poisson_nll_loss", x, target)
    loss = exp(x) - target * x if log_input else x - target * log(x + eps)
    if full:
        large = maximum(target, 1)
        stirling = large * log(large) - large + 0.5 * log(2 * math.pi * large)
        loss = loss + (target > 1) * stirling
    return reduced(loss, reduction, dtype)


class GaussianNLLLoss(Loss):
    """`functional.gaussian_nll_loss` as a module.

    Parameters
    ----------
    full : bool
    eps : float > 0
    reduction : {"mean", "sum", "none"}
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.full = full
        self.eps = eps

    def forward(self, x: Any, target: Any, var: Any) -> Any:
        return gaussian_nll_loss(x, target, var, self.full, self.eps, self.reduction)


class PoissonNLLLoss(Loss):
    """`functional.poisson_nll_loss` as a module.

    Parameters
    ----------
    log_input, full : bool
    eps : float > 0
    reduction : {"mean", "sum", "none"}
    """

    def __init__(self, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.log_input = log_input
        self.full = full
        self.eps = eps

    def forward(self, x: Any, target: Any) -> Any:
        return poisson_nll_loss(x, target, self.log_input, self.full, self.eps, self.reduction)
