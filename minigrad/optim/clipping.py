"""Bounds on gradients, between `backward()` and an optimizer's step."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core.door import bare
from ..core.recorder import refuse
from ..core.tape import gradient_of
from ..core.tensor import Tensor
from .hyperparameters import checked_number
from .parameters import named_tensors


def clip_grad_norm_(
    parameters: Iterable[Tensor], max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = True
) -> Any:
    """Scale all gradients by one number, in place, so that their norm is at most `max_norm`.

    Parameters
    ----------
    parameters : iterable of Tensor
        Those without a gradient have no part in it.
    max_norm : float >= 0
        In units of the gradients.
    norm_type : float > 0
        Which norm of all elements together: 2 is Euclid's, infinity the largest absolute value.
    error_if_nonfinite : bool
        Raise if the norm is infinite or NaN; otherwise all gradients become NaN or 0.

    Returns
    -------
    number of double precision
        The norm before.

    Raises
    ------
    FloatingPointError
        If the norm is not finite, unless told otherwise. No gradient has changed then.

    References
    ----------
    Pascanu, Mikolov & Bengio, On the difficulty of training recurrent neural networks, ICML 2013 (arXiv:1211.5063).
    As in PyTorch the factor is ``max_norm / (norm + 1e-6)``, so the norm after stays a little below. There, a norm
    that is not finite passes by default.
    """
    gradients = gradients_of(parameters, "clip_grad_norm_")
    max_norm = checked_number("max_norm", max_norm, low=0.0)
    order = norm_type if norm_type == math.inf else checked_number("norm_type", norm_type, low=0.0)
    if not order:
        raise ValueError(f"norm_type is above 0; got {norm_type!r}")
    norms = [np.linalg.norm(g.reshape(-1), order).astype(np.float64) for g in gradients if g.size]
    if not norms:
        return np.float64(0.0)
    norm = np.linalg.norm(np.stack(norms), order)
    if error_if_nonfinite:
        refuse(~np.isfinite(norm), not_finite)
    factor = np.minimum(max_norm / (norm + 1e-6), 1.0)
    for g in gradients:
        np.multiply(g, factor.astype(g.dtype), out=g)
    return norm


def clip_grad_value_(parameters: Iterable[Tensor], clip_value: float) -> None:
    """Put each element of each gradient between -clip_value and clip_value, in place. NaN stays.

    Parameters
    ----------
    parameters : iterable of Tensor
        Those without a gradient have no part in it.
    clip_value : float >= 0
        In units of the gradients.
    """
    limit = checked_number("clip_value", clip_value, low=0.0)
    for g in gradients_of(parameters, "clip_grad_value_"):
        np.clip(g, -limit, limit, out=g)


def gradients_of(parameters: Iterable[Tensor], taker: str) -> list[Any]:
    """The arrays of the gradients that there are."""
    tensors = [p for _, p in named_tensors(parameters, taker, {}) if p.node is not None and p.node.notes is not None]
    return [bare(g) for p in tensors if (g := gradient_of(p.node)) is not None]


def not_finite() -> FloatingPointError:
    """The error for a norm that is infinite or NaN."""
    return FloatingPointError(
        "the norm of the gradients is not finite, so they cannot be scaled. mg.detect_anomaly() finds the operation "
        "it comes from; error_if_nonfinite=False lets it pass"
    )
