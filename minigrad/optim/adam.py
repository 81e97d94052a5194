"""Adam and its kin: steps along the running mean of the gradient, scaled by that of its square."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from .optimizer import Optimizer

multiply, add, subtract, divide, sqrt = np.multiply, np.add, np.subtract, np.divide, np.sqrt


class Moments(Optimizer):
    """An optimizer with running means of the gradient and of its square, m and v.

    What is kept are sums, ``sum = beta1 * sum + g`` and ``squares = beta2 * squares + g**2``, as these take less
    time: m is ``(1 - beta1) * sum`` and v is ``(1 - beta2) * squares``, and `derive` has the factors among others. So
    that m and v go on smoothly when betas are changed, sums are scaled by the former factor over the new one.
    """

    elementwise = True
    scratch = ("s",)
    derived = ("keep1", "keep2")

    def start(self, w: Any, hyper: Any) -> dict[str, Any]:
        shares = {name: np.ones_like(w, shape=(), dtype=np.float64) for name in ("share1", "share2")}
        return {"sum": np.zeros_like(w), "squares": np.zeros_like(w), **shares}

    def shares(self, hyper: Any, state: Any) -> tuple[Any, ...]:
        """What to keep of either sum, and the factors of both: 1 - beta1 and 1 - beta2."""
        keep = []
        for beta, share in zip(hyper.betas, (state.share1, state.share2), strict=True):
            keep.append(beta * (share[()] / (1 - beta)))
            share[...] = 1 - beta
        return *keep, *(1 - beta for beta in hyper.betas)

    def accumulate(self, g: Any, state: Any, hyper: Any) -> None:
        """Take a gradient into both sums."""
        multiply(state.sum, hyper.keep1, out=state.sum)
        add(state.sum, g, out=state.sum)
        multiply(state.squares, hyper.keep2, out=state.squares)
        multiply(g, g, out=state.s)
        add(state.squares, state.s, out=state.squares)


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

    derived = ("keep1", "keep2", "rate", "floor", "share2")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad)

    def start(self, w: Any, hyper: Any) -> dict[str, Any]:
        state = super().start(w, hyper)
        return {**state, "largest": np.zeros_like(w)} if hyper.amsgrad else state

    def derive(self, t: Any, hyper: Any, state: Any) -> tuple[Any, ...]:
        """lr and eps, times what corrects the moments for their start at zero, and makes moments of the sums."""
        keep1, keep2, share1, share2 = self.shares(hyper, state)
        root = np.sqrt((1 - hyper.betas[1] ** t) / (1 if hyper.amsgrad else share2))
        return keep1, keep2, hyper.lr * root * share1 / (1 - hyper.betas[0] ** t), hyper.eps * root, share2

    def update(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        s = state.s
        self.accumulate(g, state, hyper)
        if hyper.amsgrad:
            multiply(state.squares, hyper.share2, out=s)
            sqrt(np.maximum(state.largest, s, out=state.largest), out=s)
        else:
            sqrt(state.squares, out=s)
        add(s, hyper.floor, out=s)
        divide(state.sum, s, out=s)
        multiply(s, hyper.rate, out=s)
        subtract(w, s, out=w)


class AdamW(Adam):
    """`Adam`, with weight decay that does not go through the moments: first ``w *= 1 - lr * weight_decay``.

    Parameters
    ----------
    params, lr, betas, eps, amsgrad
        As of `Adam`.
    weight_decay : float >= 0
        The part of the weights that a step takes away, in units of `lr`.

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
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad)


class NAdam(Moments):
    """`Adam` that looks ahead by one step of the momentum, as Nesterov's method does.

    With the moments m and v of `Adam`, ``mu(t) = beta1 * (1 - 0.96**(t * momentum_decay) / 2)`` and M the product of
    mu(1) to mu(t), ``w -= lr * ((1 - mu(t)) / (1 - M) * g + mu(t+1) / (1 - M * mu(t+1)) * m)
    / (sqrt(v / (1 - beta2**t)) + eps)``.

    Parameters
    ----------
    params, lr, betas, eps, weight_decay
        As of `Adam`.
    momentum_decay : float >= 0
        How soon mu comes near to beta1, per step.
    decoupled_weight_decay : bool
        Whether weight decay is that of `AdamW`.

    Raises
    ------
    TypeError, ValueError
        As `Adam`.

    References
    ----------
    Dozat, Incorporating Nesterov momentum into Adam, ICLR workshop 2016. As in PyTorch, the first moment is not
    divided by a factor of its own in the look ahead.
    """

    scratch = ("s", "ahead")
    derived = ("keep1", "keep2", "now", "next", "floor")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay,
        )

    def start(self, w: Any, hyper: Any) -> dict[str, Any]:
        return {**super().start(w, hyper), "mu_product": np.ones_like(w, shape=(), dtype=np.float64)}

    def derive(self, t: Any, hyper: Any, state: Any) -> tuple[Any, ...]:
        """What to keep of the sums, the factors of g and of the sum in the step, and the floor."""
        keep1, keep2, share1, share2 = self.shares(hyper, state)
        mu, mu_next = (hyper.betas[0] * (1 - 0.5 * 0.96 ** (i * hyper.momentum_decay)) for i in (t, t + 1))
        product = state.mu_product[()] * mu
        state.mu_product[...] = product
        root = np.sqrt((1 - hyper.betas[1] ** t) / share2)
        now = hyper.lr * root * (1 - mu) / (1 - product)
        return keep1, keep2, now, hyper.lr * root * share1 * mu_next / (1 - product * mu_next), hyper.eps * root

    def update(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        s, ahead = state.s, state.ahead
        self.accumulate(g, state, hyper)
        multiply(g, hyper.now, out=s)
        multiply(state.sum, hyper.next, out=ahead)
        add(ahead, s, out=ahead)
        sqrt(state.squares, out=s)
        add(s, hyper.floor, out=s)
        divide(ahead, s, out=s)
        subtract(w, s, out=w)


class RAdam(Moments):
    """`Adam` without its scale in the first steps, while the second moment is of too few gradients.

    With the moments m and v of `Adam`, ``m' = m / (1 - beta1**t)``, ``rho_inf = 2 / (1 - beta2) - 1`` and
    ``rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)``, the step is ``w -= lr * m'`` while rho <= 5, and then
    ``w -= lr * m' * r * sqrt(1 - beta2**t) / (sqrt(v) + eps)`` with
    ``r = sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))``.

    Parameters
    ----------
    params, lr, betas, eps, weight_decay
        As of `Adam`.
    decoupled_weight_decay : bool
        Whether weight decay is that of `AdamW`.

    Raises
    ------
    TypeError, ValueError
        As `Adam`.

    References
    ----------
    Liu et al., On the variance of the adaptive learning rate and beyond, ICLR 2020, algorithm 2 (arXiv:1908.03265).
    The limit of 5, where the paper has 4, is PyTorch's, and that of the authors' code.
    """

    derived = ("keep1", "keep2", "rate", "floor", "scaled", "unscaled")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            decoupled_weight_decay=decoupled_weight_decay,
        )

    def derive(self, t: Any, hyper: Any, state: Any) -> tuple[Any, ...]:
        """What to keep of the sums, the step length, the floor, and the weights of both kinds of step: one is 0."""
        keep1, keep2, share1, share2 = self.shares(hyper, state)
        beta1, beta2 = hyper.betas
        rest = 1 - beta2**t
        limit = np.maximum(2 / (1 - beta2) - 1, 5)  # which makes no difference, as rho is less
        rho = limit - 2 * t * beta2**t / rest
        ready = rho > 5
        rho = np.maximum(rho, 5)  # so that the root is that of a positive number also before
        r = np.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))
        scaled = np.where(ready, r * np.sqrt(rest / share2), 0.0)
        rate = hyper.lr * share1 / (1 - beta1**t)
        return keep1, keep2, rate, hyper.eps / np.sqrt(share2), scaled, np.where(ready, 0.0, 1.0)

    def update(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        s = state.s
        self.accumulate(g, state, hyper)
        sqrt(state.squares, out=s)
        add(s, hyper.floor, out=s)
        divide(hyper.scaled, s, out=s)
        add(s, hyper.unscaled, out=s)
        multiply(s, state.sum, out=s)
        multiply(s, hyper.rate, out=s)
        subtract(w, s, out=w)
