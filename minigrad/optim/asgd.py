"""Stochastic gradient descent that keeps the average of its weights."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from .optimizer import Optimizer


class ASGD(Optimizer):
    """Steps against the gradient, ever shorter, and the average of the weights from some step on.

    With ``g = gradient + weight_decay * w`` and t the number of the step, ``w -= eta * (g + lambd * w)``, where
    ``eta = lr / (1 + lambd * lr * (t - 1))**alpha`` with the lr of the step before, or of this one if it is the first
    of the parameter. The average, `ax` in the state, is w until step `t0`, and after that the mean of all w since then.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) pairs, or of groups
        Leaves that require grad. Their memory is written to; a step allocates none.
    lr : float >= 0
        The first step length, in units of the parameter per unit of the gradient. Steps follow it when it is set, also
        by a schedule, one step later; the first follows it at once.
    lambd : float >= 0
        Strength of a pull towards zero, and how soon steps become shorter, per step.
    alpha : float >= 0
        The power by which they do.
    t0 : float >= 0
        The step in which averaging begins.
    weight_decay : float >= 0
        Strength of the pull towards zero, as the gradient of ``weight_decay / 2 * w**2``.
    maximize : bool
        Go up: count gradients with the opposite sign.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no leaf that requires grad, comes twice, or there is none; or a number is out of bounds.

    References
    ----------
    Polyak & Juditsky, Acceleration of stochastic approximation by averaging, 1992; Bottou, Stochastic gradient descent
    tricks, 2012. That eta follows lr with a step's delay is as in PyTorch.
    """

    elementwise = True
    bounds: ClassVar[Mapping[str, Any]] = {"alpha": (0.0, math.inf, False)}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr=lr, lambd=lambd, alpha=alpha, t0=t0, weight_decay=weight_decay, maximize=maximize)

    def start(self, w: Any, hyper: Any) -> dict[str, Any]:
        return {"step": 0.0, "eta": hyper.lr, "mu": 1.0, "ax": np.zeros_like(w)}

    def update(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        eta = (state.step <= 1) * hyper.lr + (state.step > 1) * state.eta
        w *= 1 - hyper.lambd * eta
        w -= eta * g
        ax = state.ax
        ax += state.mu * (w - ax)
        averaged = state.step > hyper.t0 + 1  # 0 or 1, as a number
        state.eta = hyper.lr / (1 + hyper.lambd * hyper.lr * state.step) ** hyper.alpha
        state.mu = 1 / (1 + averaged * (state.step - hyper.t0 - 1))
