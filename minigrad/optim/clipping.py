"""Bounds on gradients, between `backward()` and an optimizer's step."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core.door import raise_if, unwrap
from ..core.sweep import arrivals
from ..core.tape import gradient_of
from ..core.tensor import Tensor
from .hyperparameters import checked_number
from .parameters import depend_on, named_tensors
from .slot import computing_dtype

AT_ONCE = 1 << 15  # elements
TINY = 2.0**-1000  # whose reciprocal is finite


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
    norms = [norm_of(x, order) for x in vectors_of(gradients)]
    if not norms:
        return np.float64(0.0)
    norm = norms[0] if len(norms) == 1 else norm_of(np.stack(norms), order)
    if error_if_nonfinite:
        raise_if(~np.isfinite(norm), not_finite)
    scale(gradients, max_norm, norm + 1e-6)
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
        bound = min(limit, float(np.finfo(g.dtype).max))
        np.clip(g, -bound, bound, out=g)


def gradients_of(parameters: Iterable[Tensor], taker: str) -> list[Any]:
    """The arrays of the gradients that there are; refuses them all if one cannot be written to."""
    given = named_tensors(parameters, taker, {})
    depend_on(p for _, p in given)
    complete(p for _, p in given)
    named = [(name, p) for name, p in given if p.node is not None and p.node.notes is not None]
    found = [(name, unwrap(g)) for name, p in named if (g := gradient_of(p.node)) is not None]
    for name, g in found:
        if isinstance(g, np.ndarray) and not g.flags.writeable:
            raise ValueError(
                f"{taker} changes gradients in place; the memory of that of parameter {name} is read-only. Set p.grad "
                f"to a copy"
            )
    return [g for _, g in found]


def complete(params: Iterable[Tensor]) -> None:
    """Wait for gradients that others add to, as other ranks do."""
    for p in params:
        if arrivals and p.node is not None and p.node.notes in arrivals:
            arrivals[p.node.notes].complete()


def scale(arrays: list[Any], most: float, norm: Any) -> None:
    """Multiply arrays in place by ``min(1, most / norm)``; by two numbers where that is too small for a dtype."""
    factor = np.minimum(most / norm, 1.0)
    for dtype in dict.fromkeys(x.dtype for x in arrays):
        computed = computing_dtype(dtype)
        part = np.maximum(factor, float(np.finfo(computed).tiny))
        rest = np.where(factor < part, most / part / norm, 1.0)
        for number in (part.astype(computed), rest.astype(computed)):
            if not isinstance(number, np.ndarray | np.generic) or number != 1:  # as nothing would change
                for x in arrays:
                    if x.dtype == dtype:
                        np.multiply(x, number, out=x)


def vectors_of(arrays: Iterable[Any]) -> list[Any]:
    """All elements in vectors that fit a processor's cache: small arrays together, and large ones in parts."""
    flat = [x.reshape(-1) for x in arrays if x.size]
    small = [x for x in flat if x.size < AT_ONCE]
    parts = [x[i : i + AT_ONCE] for x in flat if x.size >= AT_ONCE for i in range(0, x.size, AT_ONCE)]
    return [np.concatenate(small), *parts] if small else parts


def norm_of(x: Any, order: float) -> Any:
    """The norm of a vector in double precision."""
    if order == 2 and x.dtype.itemsize < 8:  # whose squares double precision has all of
        x = x.astype(np.float64)
        return np.sqrt(np.dot(x, x))
    largest = np.maximum(x.max(), -x.min()).astype(np.float64)
    if order == math.inf:
        return largest
    # The largest element is a unit, so no power of it overflows.
    unit = np.where(np.isfinite(largest), np.maximum(largest, TINY), 1.0)
    x = np.multiply(x, 1 / unit)
    return unit * (np.sqrt(np.dot(x, x)) if order == 2 else np.sum(np.abs(x) ** order) ** (1 / order))


def not_finite() -> FloatingPointError:
    """The error for a norm that is infinite or NaN."""
    return FloatingPointError(
        "the norm of the gradients is not finite, so they cannot be scaled. mg.detect_anomaly() finds the operation "
        "it comes from; error_if_nonfinite=False lets it pass"
    )
