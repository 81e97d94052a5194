"""Steps scaled by the squares of former gradients, and without a first moment that is corrected for its start."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from .hyperparameters import checked_number
from .optimizer import Optimizer

multiply, add, subtract, divide, sqrt = np.multiply, np.add, np.subtract, np.divide, np.sqrt


def average(mean: Any, x: Any, share: Any, s: Any) -> None:
    """Move a running mean towards x by a share of the way."""
    subtract(x, mean, out=s)
    multiply(s, share, out=s)
    add(mean, s, out=mean)


def average_square(mean: Any, x: Any, share: Any, s: Any) -> None:
    """Move a running mean towards x squared by a share of the way."""
    multiply(x, x, out=s)
    subtract(s, mean, out=s)
    multiply(s, share, out=s)
    add(mean, s, out=mean)


class RMSprop(Optimizer):
    """Steps scaled by a running mean of the squared gradient.

    With ``g = gradient + weight_decay * w`` and ``v = alpha * v + (1 - alpha) * g**2``, zero at first, the step is
    ``w -= lr * g / (sqrt(v) + eps)``. With `centered` the square of a running mean of g is taken from v under the
    root; with `momentum`, ``b = momentum * b + g / (sqrt(v) + eps)`` and ``w -= lr * b``.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) pairs, or of groups
        Leaves that require grad. Their memory is written to; a step allocates none.
    lr : float >= 0
        Step length, in units of the parameters.
    alpha : float in [0, 1)
        Decay of the mean square, per step.
    eps : float >= 0
        Floor of the scale, in units of the gradient.
    weight_decay : float >= 0
        Strength of the pull towards zero, as the gradient of ``weight_decay / 2 * w**2``.
    momentum : float in [0, 1]
        The part of the buffer b that is left after a step. If 0, there is no buffer.
    centered : bool
        Scale by an estimate of the variance.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no leaf that requires grad, comes twice, or there is none; or a number is out of bounds.

    References
    ----------
    Tieleman & Hinton, Neural networks for machine learning, lecture 6.5, 2012. Graves, Generating sequences with
    recurrent neural networks, 2013 (arXiv:1308.0850), for `centered`. As in PyTorch eps is outside of the root. A
    variance that rounding makes negative counts as 0; in PyTorch its root is NaN.
    """

    elementwise = True
    scratch = ("s",)
    optional = ("weight_decay", "momentum")
    derived = ("rest",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum, centered=centered
        )

    def start(self, w: Any, hyper: Any) -> dict[str, Any]:
        names = ["square", *["mean"] * hyper.centered, *["velocity"] * (hyper.momentum is not None)]
        return {name: np.zeros_like(w) for name in names}

    def derive(self, t: Any, hyper: Any, state: Any) -> tuple[Any]:
        return (1 - hyper.alpha,)

    def update(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        v, s = state.square, state.s
        average_square(v, g, hyper.rest, s)
        if hyper.centered:
            average(state.mean, g, hyper.rest, s)
            multiply(state.mean, state.mean, out=s)
            subtract(v, s, out=s)
            v = np.maximum(s, 0, out=s)
        sqrt(v, out=s)
        add(s, hyper.eps, out=s)
        divide(g, s, out=s)
        if hyper.momentum is not None:
            multiply(state.velocity, hyper.momentum, out=state.velocity)
            g = add(state.velocity, s, out=state.velocity)
            multiply(g, hyper.lr, out=s)
        else:
            multiply(s, hyper.lr, out=s)
        subtract(w, s, out=w)


class Adagrad(Optimizer):
    """Steps scaled by the sum of all squared gradients.

    With ``g = gradient + weight_decay * w``, ``v += g**2`` and t the number of the step,
    ``w -= lr / (1 + (t - 1) * lr_decay) * g / (sqrt(v) + eps)``.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) pairs, or of groups
        Leaves that require grad. Their memory is written to; a step allocates none.
    lr : float >= 0
        Step length, in units of the parameters.
    lr_decay : float >= 0
        How fast the step length falls, per step.
    weight_decay : float >= 0
        Strength of the pull towards zero, as the gradient of ``weight_decay / 2 * w**2``.
    initial_accumulator_value : float >= 0
        What v is at first, in units of the squared gradient. It cannot be set later.
    eps : float >= 0
        Floor of the scale, in units of the gradient.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no leaf that requires grad, comes twice, or there is none; or a number is out of bounds.

    References
    ----------
    Duchi, Hazan & Singer, Adaptive subgradient methods for online learning and stochastic optimization, JMLR 2011;
    the form with a diagonal matrix. eps, lr_decay and the first value are PyTorch's.
    """

    elementwise = True
    scratch = ("s",)
    derived = ("rate",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
    ) -> None:
        self._first = checked_number("initial_accumulator_value", initial_accumulator_value, low=0.0)
        super().__init__(params, lr=lr, lr_decay=lr_decay, weight_decay=weight_decay, eps=eps)

    def start(self, w: Any, hyper: Any) -> dict[str, Any]:
        return {"square": np.full_like(w, self._first)}

    def derive(self, t: Any, hyper: Any, state: Any) -> tuple[Any]:
        return (hyper.lr / (1 + (t - 1) * hyper.lr_decay),)

    def update(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        v, s = state.square, state.s
        multiply(g, g, out=s)
        add(v, s, out=v)
        sqrt(v, out=s)
        add(s, hyper.eps, out=s)
        divide(g, s, out=s)
        multiply(s, hyper.rate, out=s)
        subtract(w, s, out=w)


class Adadelta(Optimizer):
    """Steps as long as former steps were, relative to the gradients of then and now.

    With ``g = gradient + weight_decay * w``, ``v = rho * v + (1 - rho) * g**2``,
    ``d = sqrt(a + eps) / sqrt(v + eps) * g`` and then ``a = rho * a + (1 - rho) * d**2``, v and a zero at first, the
    step is ``w -= lr * d``.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) pairs, or of groups
        Leaves that require grad. Their memory is written to; a step allocates none.
    lr : float >= 0
        A factor of each step, of no unit. 1 in the paper.
    rho : float in [0, 1)
        Decay of both mean squares, per step.
    eps : float >= 0
        Added to both mean squares, in the units of either; it sets the length of the first steps.
    weight_decay : float >= 0
        Strength of the pull towards zero, as the gradient of ``weight_decay / 2 * w**2``.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no leaf that requires grad, comes twice, or there is none; or a number is out of bounds.

    References
    ----------
    Zeiler, ADADELTA: an adaptive learning rate method, 2012, algorithm 1 (arXiv:1212.5701).
    """

    elementwise = True
    scratch = ("s", "d")
    derived = ("rest",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr=lr, rho=rho, eps=eps, weight_decay=weight_decay)

    def start(self, w: Any, hyper: Any) -> dict[str, Any]:
        return {"square": np.zeros_like(w), "square_step": np.zeros_like(w)}

    def least_eps(self, dtype: np.dtype) -> float:
        """As eps is added to squares, the square of that of others."""
        return super().least_eps(dtype) ** 2

    def derive(self, t: Any, hyper: Any, state: Any) -> tuple[Any]:
        return (1 - hyper.rho,)

    def update(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        v, a, s, d = state.square, state.square_step, state.s, state.d
        average_square(v, g, hyper.rest, s)
        add(v, hyper.eps, out=s)
        add(a, hyper.eps, out=d)
        divide(d, s, out=d)
        sqrt(d, out=d)
        multiply(d, g, out=d)
        average_square(a, d, hyper.rest, s)
        multiply(d, hyper.lr, out=s)
        subtract(w, s, out=w)
