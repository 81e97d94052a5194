"""Adamax: Adam whose scale is that of the largest gradient."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from .optimizer import Optimizer


class Adamax(Optimizer):
    """Steps along the running mean of the gradient, scaled by the largest of former gradients, which fade.

    With ``g = gradient + weight_decay * w``, ``m = beta1 * m + (1 - beta1) * g`` and
    ``u = max(beta2 * u, abs(g) + eps)``, both zero at first, and t the number of the step,
    ``w -= lr / (1 - beta1**t) * m / u``.

    Parameters
    ----------
    params, lr, betas : as of `Adam`
        The second of `betas` is the decay of u, per step.
    eps : float >= 0
        Floor of the scale, in units of the gradient.
    weight_decay, maximize : as of `Adam`

    Raises
    ------
    TypeError, ValueError
        As `Adam`.

    References
    ----------
    Kingma & Ba, Adam, ICLR 2015, algorithm 2 (arXiv:1412.6980). As in PyTorch eps is added to the gradient; the paper
    has none.
    """

    elementwise = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize)

    def start(self, w: Any, hyper: Any) -> dict[str, Any]:
        return {"step": 0.0, "exp_avg": np.zeros_like(w), "exp_inf": np.zeros_like(w)}

    def update(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        m, u, (beta1, beta2) = state.exp_avg, state.exp_inf, hyper.betas
        m *= beta1
        m += (1 - beta1) * g
        u *= beta2
        np.maximum(u, abs(g) + hyper.eps, out=u)
        w -= hyper.lr / (1 - beta1**state.step) * (m / u)
