"""One cycle of the learning rate, up and down, against the momentum."""

import math
from collections.abc import Sequence
from typing import Any

from ..hyperparameters import Group, checked_integer, checked_number
from ..optimizer import Optimizer
from .schedule import Schedule, checked_optimizer, each, rates_text


class OneCycleLR(Schedule):
    """The learning rate rises to `max_lr` and falls to almost nothing, and the momentum does the opposite.

    From ``max_lr / div_factor`` in epoch 0 to `max_lr`, and then to ``max_lr / div_factor / final_div_factor`` in
    epoch ``total_steps - 1``; with `three_phase`, by way of the first rate. An "epoch" is a step here: call `step`
    after each batch.

    Parameters
    ----------
    optimizer : Optimizer
        With `betas`, of which the first counts as momentum, or with `momentum`, unless `cycle_momentum` is False.
    max_lr : float >= 0, or a list of one for each group
    total_steps : int, optional
        The length of the cycle; by default, ``epochs * steps_per_epoch``.
    epochs, steps_per_epoch : int, optional
    pct_start : float in [0, 1]
        The part of the cycle in which the rate rises.
    anneal_strategy : "cos" or "linear"
        What the way from one rate to the next looks like.
    cycle_momentum : bool
    base_momentum, max_momentum : float in [0, 1), or a list of one for each group
        The momentum while the rate is largest, and at both ends.
    div_factor, final_div_factor : float > 0
    three_phase : bool

    Raises
    ------
    ValueError
        If a number is out of bounds, or the optimizer has no momentum; from `step`, after `total_steps` of them.

    References
    ----------
    Smith & Topin, Super-convergence: very fast training of neural networks using large learning rates, 2018
    (arXiv:1708.07120). As in PyTorch there are two phases by default. The step after the last, which PyTorch
    extrapolates, keeps the last rate.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
    ) -> None:
        groups = checked_optimizer(optimizer).param_groups
        self.total_steps = length(total_steps, epochs, steps_per_epoch)
        self._curve = curve_of(anneal_strategy)
        self._cycles = cycle_momentum
        rise = checked_number("pct_start", pct_start, 0.0, 1.0) * self.total_steps
        self._ends = [rise - 1, 2 * rise - 2, self.total_steps - 1] if three_phase else [rise - 1, self.total_steps - 1]
        tops = each("max_lr", max_lr, groups, low=0.0)
        first = positive("div_factor", div_factor)
        last = first * positive("final_div_factor", final_div_factor)
        middle = [1 / first] if three_phase else []
        self._rates = [[top * part for part in (1 / first, 1.0, *middle, 1 / last)] for top in tops]
        low = each("base_momentum", base_momentum, groups, low=0.0, high=1.0, below=True)
        high = each("max_momentum", max_momentum, groups, low=0.0, high=1.0, below=True)
        self._momenta = [[h, b, h, *[h] * three_phase] for b, h in zip(low, high, strict=True)]
        super().__init__(optimizer)

    def described(self) -> str:
        tops = rates_text([top for _, top, *_ in self._rates])
        return f"OneCycleLR(max_lr={tops}, total_steps={self.total_steps})"

    def values_at(self, t: int, base_lrs: Sequence[float]) -> list[dict[str, Any]]:
        if t > self.total_steps:
            raise ValueError(f"the cycle has {self.total_steps} steps, and this is number {t}")
        phase, way = self._phase(min(t, self.total_steps - 1))
        values = []
        for group, rates, momenta in zip(self.optimizer.param_groups, self._rates, self._momenta, strict=True):
            changes: dict[str, Any] = {"lr": self._curve(rates[phase], rates[phase + 1], way)}
            if self._cycles:
                momentum = self._curve(momenta[phase], momenta[phase + 1], way)
                changes |= momentum_of(group, momentum)
            values.append(changes)
        return values

    def _phase(self, t: int) -> tuple[int, float]:
        """The phase that t lies in, and the part of it that is over."""
        phase = next(i for i, end in enumerate(self._ends) if t <= end)
        start, end = self._ends[phase - 1] if phase else 0.0, self._ends[phase]
        return phase, (t - start) / (end - start) if end > start else 1.0


def momentum_of(group: Group, momentum: float) -> dict[str, Any]:
    """A momentum as a group has it: the first of its betas, if it has any."""
    return {"betas": (momentum, *group["betas"][1:])} if "betas" in group else {"momentum": momentum}


def length(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    """The number of steps of a cycle."""
    if total_steps is not None:
        return checked_integer("total_steps", total_steps, 2)
    if epochs is None or steps_per_epoch is None:
        raise ValueError("OneCycleLR takes total_steps, or both epochs and steps_per_epoch; got neither")
    product = checked_integer("epochs", epochs) * checked_integer("steps_per_epoch", steps_per_epoch)
    return checked_integer("epochs * steps_per_epoch", product, 2)


def positive(name: str, value: float) -> float:
    """A number above 0."""
    number = checked_number(name, value, low=0.0)
    if not number:
        raise ValueError(f"{name} is above 0; got {value!r}")
    return number


def curve_of(name: str) -> Any:
    """The function of both ends, and of the part of the way that is over."""
    if name not in CURVES:
        raise ValueError(f"anneal_strategy is one of {', '.join(map(repr, CURVES))}; got {name!r}")
    return CURVES[name]


CURVES = {
    "cos": lambda a, b, way: b + (a - b) * (1 + math.cos(math.pi * way)) / 2,
    "linear": lambda a, b, way: a + (b - a) * way,
}
