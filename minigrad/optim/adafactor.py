"""Adafactor: the scale of Adam from rows and columns, in little memory."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from .numbers import larger, smaller
from .optimizer import Optimizer


class Adafactor(Optimizer):
    """Steps scaled by mean squares of the gradient that are kept for rows and columns only, relative to the weights.

    With ``beta = 1 - t**beta2_decay`` the running mean of ``g**2`` is kept over the last axis, r, and over the one
    before, c; the mean square is ``v = r * c / mean(r)``, and in parameters of less than two axes it is kept as it is.
    With ``u = g / sqrt(v)``, v at least ``eps[0]**2``, and ``alpha = max(eps[1], rms(w)) * min(lr, 1 / sqrt(t))`` the
    step is ``w -= alpha * u / max(1, rms(u) / d)``. Weight decay is that of `AdamW`.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) pairs, or of groups
        Leaves that require grad. Their memory is written to.
    lr : float >= 0
        The largest step length, as a part of the weights.
    beta2_decay : float <= 0
        How fast the mean becomes one of many steps.
    eps : (float or None, float), each >= 0
        Floors of the gradient and of the weights, in their units. None, or 0, for the precision of the dtype.
    d : float >= 1
        The root mean square of u from which on a step is clipped.
    weight_decay : float >= 0
        The part of the weights that a step takes away, in units of `lr`.
    maximize : bool
        Go up: count gradients with the opposite sign.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no leaf that requires grad, comes twice, or there is none; or a number is out of bounds.

    References
    ----------
    Shazeer & Stern, Adafactor: adaptive learning rates with sublinear memory cost, ICML 2018, algorithms 4 and 5
    (arXiv:1804.04235), with PyTorch's floors: of v after it was made of rows and columns, where the paper adds eps to
    each square.
    """

    kinds: ClassVar[Mapping[str, Any]] = {"eps": (0.0, 0.0)}
    bounds: ClassVar[Mapping[str, Any]] = {"beta2_decay": (-math.inf, 0.0, False), "d": (1.0, math.inf, False)}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        if isinstance(eps, tuple | list) and eps and eps[0] is None:
            eps = (0.0, *eps[1:])  # pyrefly: ignore[bad-assignment]
        super().__init__(
            params, lr=lr, beta2_decay=beta2_decay, eps=eps, d=d, weight_decay=weight_decay, maximize=maximize
        )

    def start(self, w: Any, hyper: Any) -> dict[str, Any]:
        if w.ndim < 2:
            return {"step": 0.0, "variance": np.zeros_like(w)}
        return {"step": 0.0, "row_var": np.zeros_like(w[..., :1]), "col_var": np.zeros_like(w[..., :1, :])}

    def decay(self, w: Any, g: Any, hyper: Any) -> Any:
        return g  # in the update, after the weights have been measured

    def update(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        rest = state.step**hyper.beta2_decay
        floor, floor_of_w = hyper.eps
        limits = np.finfo(w.dtype)
        floor = larger(floor or float(limits.eps), float(limits.tiny) ** 0.5)  # whose square is not 0
        if w.ndim < 2:
            v = state.variance
            v += rest * (g * g - v)
        else:
            r, c = state.row_var, state.col_var
            r += rest * (np.mean(g * g, axis=-1, keepdims=True) - r)
            c += rest * (np.mean(g * g, axis=-2, keepdims=True) - c)
            v = r * c / np.maximum(np.mean(r, axis=-2, keepdims=True), floor)
        u = g / np.sqrt(np.maximum(v, floor * floor))
        alpha = np.maximum(root_mean_square(w), floor_of_w) * smaller(hyper.lr, state.step**-0.5)
        if hyper.weight_decay is not None:
            w *= 1 - hyper.lr * hyper.weight_decay
        w -= alpha / np.maximum(root_mean_square(u) / hyper.d, 1) * u


def root_mean_square(x: Any) -> Any:
    return np.sqrt(np.mean(x * x))
