"""Adam and its kin: steps along the running mean of the gradient, scaled by that of its square."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from .optimizer import Optimizer


class Moments(Optimizer):
    """An optimizer with running means of the gradient and of its square, m and v, zero at first."""

    elementwise = True

    def start(self, w: Any, hyper: Any) -> dict[str, Any]:
        return {"step": 0.0, "exp_avg": np.zeros_like(w), "exp_avg_sq": np.zeros_like(w)}


def moments(g: Any, state: Any, hyper: Any) -> tuple[Any, Any, Any, Any]:
    """Both means, after they have taken the gradient in, and what to divide them by for their start at zero."""
    m, v, (beta1, beta2) = state.exp_avg, state.exp_avg_sq, hyper.betas
    m *= beta1
    m += (1 - beta1) * g
    v *= beta2
    v += (1 - beta2) * (g * g)
    return m, v, 1 - beta1**state.step, 1 - beta2**state.step


class Adam(Moments):
    """Steps scaled by running moments of the gradient.

    With ``g = gradient + weight_decay * w``, ``m = beta1 * m + (1 - beta1) * g``,
    ``v = beta2 * v + (1 - beta2) * g**2``, both zero at first, and t the number of the step,
    ``w -= lr * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps)``. With `amsgrad` the largest v so far takes
    the place of v in the last formula.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) pairs, or of groups
        Leaves that require grad. Their memory is written to; a step allocates none.
    lr : float >= 0
        Step length, in units of the parameters.
    betas : (float, float), each in [0, 1)
        Decay of the first and second moment, per step.
    eps : float >= 0
        Floor of the scale, in units of the gradient. Added outside the square root, as in the paper.
    weight_decay : float >= 0
        Strength of the pull towards zero, as the gradient of ``weight_decay / 2 * w**2``. See `AdamW` for another.
    amsgrad : bool
        Never let the scale of a step grow again.
    maximize : bool
        Go up: count gradients with the opposite sign.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no leaf that requires grad, comes twice, or there is none; or a number is out of bounds.

    References
    ----------
    Kingma & Ba, Adam, ICLR 2015, algorithm 1 (arXiv:1412.6980). Reddi, Kale & Kumar, On the convergence of Adam and
    beyond, ICLR 2018 (arXiv:1904.09237), for `amsgrad`; as in PyTorch the maximum is taken before the correction by
    ``1 - beta2**t``, which the paper does not make.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            amsgrad=amsgrad,
            maximize=maximize,
        )

    def start(self, w: Any, hyper: Any) -> dict[str, Any]:
        return {**super().start(w, hyper), **({"max_exp_avg_sq": np.zeros_like(w)} if hyper.amsgrad else {})}

    def update(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        m, v, bias1, bias2 = moments(g, state, hyper)
        if hyper.amsgrad:
            v = np.maximum(state.max_exp_avg_sq, v, out=state.max_exp_avg_sq)
        root = bias2**0.5  # the order of the paper's section 2, which needs fewer passes
        w -= hyper.lr * root / bias1 * (m / (np.sqrt(v) + hyper.eps * root))


class AdamW(Adam):
    """`Adam`, with weight decay that does not go through the moments: first ``w *= 1 - lr * weight_decay``.

    Parameters
    ----------
    params, lr, betas, eps : as of `Adam`
    weight_decay : float >= 0
        The part of the weights that a step takes away, in units of `lr`.
    amsgrad, maximize : as of `Adam`

    Raises
    ------
    TypeError, ValueError
        As `Adam`.

    References
    ----------
    Loshchilov & Hutter, Decoupled weight decay regularization, ICLR 2019, algorithm 2 (arXiv:1711.05101). There the
    decay is not multiplied by lr; here it is, as in PyTorch.
    """

    decoupled = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize)


class NAdam(Moments):
    """`Adam` that looks ahead by one step of the momentum, as Nesterov's method does.

    With the moments m and v of `Adam`, ``mu(t) = beta1 * (1 - 0.96**(t * momentum_decay) / 2)`` and M the product of
    mu(1) to mu(t), ``w -= lr * ((1 - mu(t)) / (1 - M) * g + mu(t+1) / (1 - M * mu(t+1)) * m)
    / (sqrt(v / (1 - beta2**t)) + eps)``.

    Parameters
    ----------
    params, lr, betas, eps, weight_decay : as of `Adam`
    momentum_decay : float >= 0
        How soon mu comes near to beta1, per step.
    decoupled_weight_decay : bool
        Whether weight decay is that of `AdamW`.
    maximize : as of `Adam`

    Raises
    ------
    TypeError, ValueError
        As `Adam`.

    References
    ----------
    Dozat, Incorporating Nesterov momentum into Adam, ICLR workshop 2016. As in PyTorch, the first moment is not
    divided by a factor of its own in the look ahead.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
        )

    def start(self, w: Any, hyper: Any) -> dict[str, Any]:
        return {**super().start(w, hyper), "mu_product": 1.0}

    def update(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        m, v, _, bias2 = moments(g, state, hyper)
        mu, mu_next = (
            hyper.betas[0] * (1 - 0.5 * 0.96 ** (t * hyper.momentum_decay)) for t in (state.step, state.step + 1)
        )
        state.mu_product = product = state.mu_product * mu
        root = bias2**0.5
        ahead = (1 - mu) / (1 - product) * g + mu_next / (1 - product * mu_next) * m
        w -= hyper.lr * root * (ahead / (np.sqrt(v) + hyper.eps * root))


class RAdam(Moments):
    """`Adam` without its scale in the first steps, while the second moment is of too few gradients.

    With the moments m and v of `Adam`, ``m' = m / (1 - beta1**t)``, ``rho_inf = 2 / (1 - beta2) - 1`` and
    ``rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)``, the step is ``w -= lr * m'`` while rho <= 5, and then
    ``w -= lr * m' * r * sqrt(1 - beta2**t) / (sqrt(v) + eps)`` with
    ``r = sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))``.

    Parameters
    ----------
    params, lr, betas, eps, weight_decay : as of `Adam`
    decoupled_weight_decay : bool
        Whether weight decay is that of `AdamW`.
    maximize : as of `Adam`

    Raises
    ------
    TypeError, ValueError
        As `Adam`.

    References
    ----------
    Liu et al., On the variance of the adaptive learning rate and beyond, ICLR 2020, algorithm 2 (arXiv:1908.03265).
    The limit of 5, where the paper has 4, is PyTorch's, and that of the authors' code.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            decoupled_weight_decay=decoupled_weight_decay,
            maximize=maximize,
        )

    def update(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        m, v, bias1, bias2 = moments(g, state, hyper)
        beta2, t = hyper.betas[1], state.step
        limit = 2 / (1 - beta2) - 1
        rho = limit - 2 * t * beta2**t / bias2
        ready = rho > 5  # 0 or 1, as a number: both kinds of step are one formula
        above, below = (rho - 4) * (rho - 2) * limit, (limit - 4) * (limit - 2) * rho
        scaled = (ready * above / (ready * below + (1 - ready)) * bias2) ** 0.5
        w -= hyper.lr / bias1 * (m * (scaled / (np.sqrt(v) + hyper.eps) + (1 - ready)))
