"""LAMB: Adam with a step length for each layer, for large batches."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from .adam import moments
from .optimizer import Optimizer


class LAMB(Optimizer):
    """Adam's direction, as long as the parameter is: each step changes each parameter by the same part of it.

    With the moments m and v of `Adam`, corrected for their start at zero, and ``r = m / (sqrt(v) + eps) +
    weight_decay * w``, the step is ``w -= lr * norm(w) / norm(r) * r``, norms being those of the parameter as a whole.
    Where either norm is 0, the step is ``w -= lr * r``.

    Parameters
    ----------
    params : as of `Adam`
    lr : float >= 0
        Step length, as a part of the length of the parameter.
    betas, eps : as of `Adam`
    weight_decay : float >= 0
        The share of the weights in the direction, in units of Adam's direction.
    maximize : as of `Adam`

    Raises
    ------
    TypeError, ValueError
        As `Adam`.

    References
    ----------
    You et al., Large batch optimization for deep learning: training BERT in 76 minutes, ICLR 2020, algorithm 2
    (arXiv:1904.00962), with phi the identity.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize)

    def start(self, w: Any, hyper: Any) -> dict[str, Any]:
        return {"step": 0.0, "exp_avg": np.zeros_like(w), "exp_avg_sq": np.zeros_like(w)}

    def decay(self, w: Any, g: Any, hyper: Any) -> Any:
        return g  # which is part of the direction

    def update(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        m, v, bias1, bias2 = moments(g, state, hyper)
        r = m / bias1 / (np.sqrt(v / bias2) + hyper.eps)
        if hyper.weight_decay is not None:
            r = r + hyper.weight_decay * w
        of_w, of_r = np.linalg.vector_norm(w), np.linalg.vector_norm(r)
        usual = (of_w > 0) & (of_r > 0)
        w -= hyper.lr * np.where(usual, of_w, 1) / np.where(usual, of_r, 1) * r
