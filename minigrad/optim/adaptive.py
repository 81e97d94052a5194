"""Steps scaled by the squares of former gradients, and without a first moment that is corrected for its start."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from .optimizer import Optimizer


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
    maximize : bool
        Go up: count gradients with the opposite sign.

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
    optional = ("weight_decay", "momentum")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            alpha=alpha,
            eps=eps,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
            maximize=maximize,
        )

    def start(self, w: Any, hyper: Any) -> dict[str, Any]:
        names = ["square_avg", *["grad_avg"] * hyper.centered, *["momentum_buffer"] * (hyper.momentum is not None)]
        return {"step": 0.0, **{name: np.zeros_like(w) for name in names}}

    def update(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        v, rest = state.square_avg, 1 - hyper.alpha
        v *= hyper.alpha
        v += rest * (g * g)
        if hyper.centered:
            mean = state.grad_avg
            mean *= hyper.alpha
            mean += rest * g
            v = np.maximum(v - mean * mean, 0)
        g = g / (np.sqrt(v) + hyper.eps)
        if hyper.momentum is not None:
            b = state.momentum_buffer
            b *= hyper.momentum
            b += g
            g = b
        w -= hyper.lr * g


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
        What v is at first, in units of the squared gradient. Setting it later has to do with parameters that
        are added after that.
    eps : float >= 0
        Floor of the scale, in units of the gradient.
    maximize : bool
        Go up: count gradients with the opposite sign.

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

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            eps=eps,
            maximize=maximize,
        )

    def start(self, w: Any, hyper: Any) -> dict[str, Any]:
        return {"step": 0.0, "sum": np.full_like(w, hyper.initial_accumulator_value)}

    def update(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        v = state.sum
        v += g * g
        w -= hyper.lr / (1 + (state.step - 1) * hyper.lr_decay) * (g / (np.sqrt(v) + hyper.eps))


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
    maximize : bool
        Go up: count gradients with the opposite sign.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no leaf that requires grad, comes twice, or there is none; or a number is out of bounds.

    References
    ----------
    Zeiler, ADADELTA: an adaptive learning rate method, 2012, algorithm 1 (arXiv:1212.5701).
    """

    elementwise = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize)

    def start(self, w: Any, hyper: Any) -> dict[str, Any]:
        return {"step": 0.0, "square_avg": np.zeros_like(w), "acc_delta": np.zeros_like(w)}

    def least_eps(self, dtype: np.dtype) -> float:
        """As eps is added to squares, the square of that of others."""
        return super().least_eps(dtype) ** 2

    def update(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        v, a, rest = state.square_avg, state.acc_delta, 1 - hyper.rho
        v *= hyper.rho
        v += rest * (g * g)
        d = np.sqrt((a + hyper.eps) / (v + hyper.eps)) * g
        a *= hyper.rho
        a += rest * (d * d)
        w -= hyper.lr * d
