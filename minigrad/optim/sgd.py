"""Stochastic gradient descent."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .optimizer import Optimizer

multiply, subtract, add = np.multiply, np.subtract, np.add


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
    scratch = ("s",)
    optional = ("weight_decay", "momentum", "dampening")
    derived = ("share",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov
        )

    def check(self, values: Mapping[str, Any]) -> None:
        momentum, dampening = values["momentum"], values["dampening"]
        if values["nesterov"] and (not momentum or dampening):
            raise ValueError(f"nesterov takes momentum > 0 and dampening = 0; got {momentum:g} and {dampening:g}")

    def start(self, w: Any, hyper: Any) -> dict[str, Any]:
        return {} if hyper.momentum is None else {"velocity": np.zeros_like(w)}

    def counts(self, hyper: Any) -> bool:
        return hyper.momentum is not None and hyper.dampening is not None

    def derive(self, t: Any, hyper: Any, state: Any) -> tuple[Any]:
        """The share of the gradient that reaches the buffer: all of it in the first step, and without momentum."""
        return (1 - hyper.dampening * np.minimum(t - 1, 1) * np.not_equal(hyper.momentum, 0),)

    def update(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        s = state.s
        if hyper.momentum is not None:
            v = state.velocity
            multiply(v, hyper.momentum, v)
            add(v, g if hyper.dampening is None else multiply(g, hyper.share, s), v)
            g = add(g, multiply(v, hyper.momentum, s), s) if hyper.nesterov else v
        multiply(g, hyper.lr, s)
        subtract(w, s, w)
