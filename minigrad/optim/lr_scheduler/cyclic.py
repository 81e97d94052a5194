"""Cycles of the learning rate, one after the other, against the momentum."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..hyperparameters import checked_integer, checked_number
from ..optimizer import Optimizer
from .one_cycle import momentum_of
from .schedule import Schedule, checked_optimizer, each, one_of
from .schedules import checked_function


class CyclicLR(Schedule):
    """The learning rate goes from `base_lr` to `max_lr` and back, again and again; the momentum, the other way.

    An "epoch" is a step here: call `step` after each batch.

    Parameters
    ----------
    optimizer : Optimizer
        With `betas`, of which the first counts as momentum, or with `momentum`, unless `cycle_momentum` is False.
    base_lr, max_lr : float >= 0, or a list of one for each group
    step_size_up : int
        The steps of the way up.
    step_size_down : int, optional
        Those of the way down; as many by default.
    mode : "triangular", "triangular2" or "exp_range"
        All cycles of one height; each of half the height of the one before; or a height of ``gamma**t``.
    gamma : float >= 0
    scale_fn : function of a number, optional
        The height of a cycle, in place of that which `mode` says.
    scale_mode : "cycle" or "iterations"
        What `scale_fn` is given: the number of the cycle, from 1 on, or of the step, from 0 on.
    cycle_momentum : bool
    base_momentum, max_momentum : float in [0, 1), or a list of one for each group
        The momentum while the rate is largest, and least.

    Raises
    ------
    ValueError
        If a number is out of bounds, or the optimizer has no momentum.

    References
    ----------
    Smith, Cyclical learning rates for training neural networks, WACV 2017 (arXiv:1506.01186).
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
    ) -> None:
        groups = checked_optimizer(optimizer).param_groups
        self._rates = list(
            zip(each("base_lr", base_lr, groups, low=0.0), each("max_lr", max_lr, groups, low=0.0), strict=True)
        )
        self.step_size_up = checked_integer("step_size_up", step_size_up)
        self.step_size_down = checked_integer("step_size_down", step_size_down or self.step_size_up)
        self.mode = one_of("mode", mode, *MODES)
        self.gamma = checked_number("gamma", gamma, low=0.0)
        by_cycle = one_of("scale_mode", scale_mode, "cycle", "iterations") == "cycle"
        self._by_cycle, self._height = (by_cycle, scale_fn) if scale_fn is not None else self._usual_height()
        checked_function("scale_fn", self._height)
        self._cycles = cycle_momentum
        low = each("base_momentum", base_momentum, groups, low=0.0, high=1.0, below=True)
        self._momenta = list(
            zip(low, each("max_momentum", max_momentum, groups, low=0.0, high=1.0, below=True), strict=True)
        )
        super().__init__(optimizer)

    def _usual_height(self) -> tuple[bool, Callable[[float], float]]:
        """What the height of the mode is a function of, and the function."""
        by_cycle, height = MODES[self.mode]
        return by_cycle, lambda x: height(x, self.gamma)

    def values_at(self, t: int, base_lrs: Sequence[float]) -> list[dict[str, Any]]:
        cycle, steps = divmod(t, self.step_size_up + self.step_size_down)
        up = steps / self.step_size_up
        way = up if up <= 1 else 1 - (steps - self.step_size_up) / self.step_size_down
        way *= self._height(cycle + 1 if self._by_cycle else t)
        values = []
        for group, (low, high), (least, most) in zip(
            self.optimizer.param_groups, self._rates, self._momenta, strict=True
        ):
            changes: dict[str, Any] = {"lr": low + (high - low) * way}
            if self._cycles:
                changes |= momentum_of(group, most - (most - least) * way)
            values.append(changes)
        return values


# What a height is a function of, the cycle or the step, and the function.
MODES: dict[str, tuple[bool, Callable[[float, float], float]]] = {
    "triangular": (True, lambda x, gamma: 1.0),
    "triangular2": (True, lambda x, gamma: 2.0 ** (1 - x)),
    "exp_range": (False, lambda x, gamma: math.pow(gamma, x)),
}
