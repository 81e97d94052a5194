"""Stochastic gradient descent."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .optimizer import Optimizer


class SGD(Optimizer):
    """Steps against the gradient, with momentum if wanted.

    With ``d = gradient + weight_decay * w`` the momentum buffer is d in the first step, and after that
    ``v = momentum * v + (1 - dampening) * d``; the step is ``w -= lr * v``, or ``w -= lr * (d + momentum * v)`` with
    `nesterov`, or ``w -= lr * d`` without momentum.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) pairs, or of groups
        Leaves that require grad. Their memory is written to; a step allocates none.
    lr : float >= 0
        The learning rate: step length, in units of the parameter per unit of the gradient. Can be set at any time.
    momentum : float in [0, 1]
        The part of the buffer that is left after a step. If 0, there is no buffer.
    dampening : float in [0, 1]
        The part of d that does not reach the buffer.
    weight_decay : float >= 0
        Strength of the pull towards zero, as the gradient of ``weight_decay / 2 * w**2``.
    nesterov : bool
        Look ahead by one step of the buffer; takes momentum, and no dampening.
    maximize : bool
        Go up: count gradients with the opposite sign.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no leaf that requires grad, comes twice, or there is none; or a number is out of bounds.

    References
    ----------
    Sutskever, Martens, Dahl and Hinton, On the importance of initialization and momentum in deep learning, ICML 2013.
    The form is PyTorch's: the learning rate multiplies the buffer, and is no part of it.
    """

    elementwise = True
    optional = ("weight_decay", "momentum", "dampening")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
            maximize=maximize,
        )

    def check(self, values: Mapping[str, Any]) -> None:
        momentum, dampening = values["momentum"], values["dampening"]
        if values["nesterov"] and (not momentum or dampening):
            raise ValueError(f"nesterov takes momentum > 0 and dampening = 0; got {momentum:g} and {dampening:g}")

    def start(self, w: Any, hyper: Any) -> dict[str, Any]:
        if hyper.momentum is None:
            return {}
        counted = {} if hyper.dampening is None else {"step": 0.0}  # as the first gradient is not dampened
        return {**counted, "momentum_buffer": np.zeros_like(w)}

    def added(self, state: dict[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
        """Where there is a buffer, a count that begins later has missed a step at least."""
        missed = "step" in state and "step" not in kept and np.any(kept.get("momentum_buffer", 0))
        return {**state, "step": 1.0} if missed else state

    def update(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        if hyper.momentum is None:
            if hasattr(state, "step"):
                state.step = state.step - 1  # which counts the gradients that the buffer has seen
        else:
            b = state.momentum_buffer
            b *= hyper.momentum
            b += g if hyper.dampening is None else (1 - hyper.dampening * (state.step > 1)) * g
            g = g + hyper.momentum * b if hyper.nesterov else b
        w -= hyper.lr * g
