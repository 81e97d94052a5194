"""Resilient backpropagation: only the signs of gradients count."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .optimizer import Optimizer


class Rprop(Optimizer):
    """Steps of a length that each element has for itself: longer while the sign of its gradient stays, else shorter.

    With the gradients g of this step and p of the last, zero at first, a length d is `lr` in the first, and then
    ``etas[1] * d`` where ``g * p > 0`` and ``etas[0] * d`` where ``g * p < 0``, between `step_sizes`. Where it is less,
    the gradient counts as 0, in this step and the next. The step is ``w -= sign(g) * d``. For gradients of all data:
    those of small batches change their signs by chance.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) pairs, or of groups
        Leaves that require grad. Their memory is written to.
    lr : float >= 0
        The first step length, in units of the parameters: that which holds in a parameter's first step, so that a
        schedule can have set it. Setting it later changes nothing for that parameter.
    etas : (float, float), 0 < etas[0] < 1 < etas[1]
        The factors of a length.
    step_sizes : (float, float), each >= 0
        The least and the largest length, in units of the parameters.
    maximize : bool
        Go up: count gradients with the opposite sign.

    Raises
    ------
    TypeError, ValueError
        If a parameter is no leaf that requires grad, comes twice, or there is none; or a number is out of bounds.

    References
    ----------
    Riedmiller & Braun, A direct adaptive method for faster backpropagation learning: the RPROP algorithm, ICNN 1993;
    without the step back of the paper, as in PyTorch: Igel & Huesken's iRprop-, 2000.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50.0),
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr=lr, etas=etas, step_sizes=step_sizes, maximize=maximize)

    def check(self, values: Mapping[str, Any]) -> None:
        (low, high), (least, largest) = values["etas"], values["step_sizes"]
        if not 0 < low < 1 < high:
            raise ValueError(f"etas are a factor above 0 and below 1, and one above 1; got {low:g} and {high:g}")
        if least > largest:
            raise ValueError(f"step_sizes are the least length and the largest; got {least:g} and {largest:g}")

    def start(self, w: Any, hyper: Any) -> dict[str, Any]:
        return {"step": 0.0, "prev": np.zeros_like(w), "step_size": np.zeros_like(w)}

    def update(self, w: Any, g: Any, state: Any, hyper: Any) -> None:
        (shorter, longer), (least, largest) = hyper.etas, hyper.step_sizes
        same = np.sign(g) * np.sign(state.prev)  # whose product cannot underflow
        d = state.step_size
        d *= state.step > 1
        d += (state.step <= 1) * hyper.lr
        d *= np.where(same > 0, longer, np.where(same < 0, shorter, 1.0)).astype(d.dtype)
        np.maximum(d, least, out=d)
        np.minimum(d, largest, out=d)
        state.prev = np.where(same < 0, 0 * g, g)
        w -= np.sign(state.prev) * d
