"""Lion: steps of one length in every coordinate."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from .optimizer import Optimizer


class Lion(Optimizer):
    """Steps along the sign of a running mean of the gradient.

    ``w -= lr * (sign(beta1 * m + (1 - beta1) * g) + weight_decay * w)``, and then
    ``m = beta2 * m + (1 - beta2) * g``, where m is zero at first.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) pairs, or of groups
        Leaves that require grad. Their memory is written to; a step allocates none.
    lr : float >= 0
        Step length in each coordinate, in units of the parameters. A third to a tenth of what suits `AdamW`.
    betas : (float, float), each in [0, 1)
        What the mean weighs beside the gradient in the step, and the decay of the mean per step.
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
    Chen et al., Symbolic discovery of optimization algorithms, NeurIPS 2023, algorithm 2 (arXiv:2302.06675). The
    weights are shrunk before the step rather than along with it, which is the same but for rounding.
    """

    elementwise = True
    decoupled = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, weight_decay=weight_decay, maximize=maximize)

    def start(self, w: Any, hyper: Any) -> dict[str, Any]:
        return {"exp_avg": np.zeros_like(w)}

    def update(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        m, (beta1, beta2) = state.exp_avg, hyper.betas
        w -= hyper.lr * np.sign(m + (1 - beta1) * (g - m))
        m *= beta2
        m += (1 - beta2) * g
