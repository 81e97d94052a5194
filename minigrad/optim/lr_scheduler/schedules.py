"""Schedules that are a formula of the epoch."""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from ..hyperparameters import checked_integer, checked_number
from ..optimizer import Optimizer
from .schedule import Schedule, checked_optimizer, each


class LambdaLR(Schedule):
    """The learning rate is the base times a function of the epoch.

    Parameters
    ----------
    optimizer : Optimizer
    lr_lambda : function of an int, or a list of one for each group
        Answers with the factor in epoch t = 0, 1, ...
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]]
    ) -> None:
        self._factors = each("lr_lambda", lr_lambda, checked_optimizer(optimizer).param_groups, checked_function)
        super().__init__(optimizer)

    def values_at(self, t: int, base_lrs: Sequence[float]) -> list[dict[str, Any]]:
        return [{"lr": base * factor(t)} for base, factor in zip(base_lrs, self._factors, strict=True)]


class StepLR(Schedule):
    """The learning rate is multiplied by gamma every few epochs: ``base * gamma**(t // step_size)``.

    Parameters
    ----------
    optimizer : Optimizer
    step_size : int
        How many epochs.
    gamma : float >= 0
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size = checked_integer("step_size", step_size)
        self.gamma = checked_number("gamma", gamma, low=0.0)
        super().__init__(optimizer)

    def lr_at(self, base: float, t: int) -> float:
        return base * self.gamma ** (t // self.step_size)


class MultiStepLR(Schedule):
    """The learning rate is multiplied by gamma at each milestone.

    Parameters
    ----------
    optimizer : Optimizer
    milestones : list of int
        The epochs from which on, in increasing order. One that comes twice counts twice.
    gamma : float >= 0
    """

    def __init__(self, optimizer: Optimizer, milestones: Sequence[int], gamma: float = 0.1) -> None:
        self.milestones = tuple(checked_milestones(milestones, strictly=False))
        self.gamma = checked_number("gamma", gamma, low=0.0)
        super().__init__(optimizer)

    def lr_at(self, base: float, t: int) -> float:
        return base * self.gamma ** bisect_right(self.milestones, t)


class ExponentialLR(Schedule):
    """The learning rate is multiplied by gamma in every epoch: ``base * gamma**t``.

    Parameters
    ----------
    optimizer : Optimizer
    gamma : float >= 0
    """

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = checked_number("gamma", gamma, low=0.0)
        super().__init__(optimizer)

    def lr_at(self, base: float, t: int) -> float:
        return base * self.gamma**t


class CosineAnnealingLR(Schedule):
    """The learning rate follows a cosine from the base down to `eta_min`, and up again.

    ``eta_min + (base - eta_min) * (1 + cos(pi * t / T_max)) / 2``.

    Parameters
    ----------
    optimizer : Optimizer
    T_max : int
        The epoch of the least rate: half of the period.
    eta_min : float >= 0
        The least rate.

    References
    ----------
    Loshchilov & Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017, equation 5
    (arXiv:1608.03983). As in PyTorch there are no restarts; the rate rises again after `T_max`.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max = checked_integer("T_max", T_max)
        self.eta_min = checked_number("eta_min", eta_min, low=0.0)
        super().__init__(optimizer)

    def lr_at(self, base: float, t: int) -> float:
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * t / self.T_max)) / 2


class LinearLR(Schedule):
    """The learning rate goes from a part of the base to another along a line, and stays there: a warm-up.

    Parameters
    ----------
    optimizer : Optimizer
    start_factor, end_factor : float >= 0
        The part in epoch 0, and from epoch `total_iters` on.
    total_iters : int
        How many epochs it takes.
    """

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5
    ) -> None:
        self.start_factor = checked_number("start_factor", start_factor, low=0.0)
        self.end_factor = checked_number("end_factor", end_factor, low=0.0)
        self.total_iters = checked_integer("total_iters", total_iters)
        super().__init__(optimizer)

    def lr_at(self, base: float, t: int) -> float:
        return base * (
            self.start_factor + (self.end_factor - self.start_factor) * min(t, self.total_iters) / self.total_iters
        )


class SequentialLR(Schedule):
    """One schedule after another, each from its own epoch 0.

    Parameters
    ----------
    optimizer : Optimizer
    schedulers : list of Schedule
        Made for the same optimizer. This schedule steps for them: do not step them.
    milestones : list of int
        The epochs in which the second, third, ... of them begins.
    """

    def __init__(self, optimizer: Optimizer, schedulers: Sequence[Schedule], milestones: Sequence[int]) -> None:
        self._parts = list(schedulers)
        for i, part in enumerate(self._parts):
            if not isinstance(part, Schedule):
                raise TypeError(
                    f"SequentialLR takes schedules of the epoch alone; number {i} is a {type(part).__name__}"
                )
            if part.optimizer is not optimizer:
                raise ValueError(f"SequentialLR takes schedules for its own optimizer; number {i} is for another")
        self.milestones = tuple(checked_milestones(milestones, strictly=True))
        if len(self._parts) != len(self.milestones) + 1:
            raise ValueError(
                f"between {len(self._parts)} schedules there are {len(self._parts) - 1} milestones; got "
                f"{len(self.milestones)}"
            )
        super().__init__(optimizer)

    def described(self) -> str:
        parts = ", ".join(part.described() for part in self._parts)
        return f"SequentialLR([{parts}], milestones={self.milestones})"

    def values_at(self, t: int, base_lrs: Sequence[float]) -> list[dict[str, Any]]:
        i = bisect_right(self.milestones, t)
        return self._parts[i].values_at(t - (self.milestones[i - 1] if i else 0), base_lrs)


def checked_milestones(milestones: Sequence[int], strictly: bool) -> list[int]:
    """Epochs in increasing order."""
    listed = [checked_integer("a milestone", t) for t in milestones]
    if any(b < a or (strictly and b == a) for a, b in pairwise(listed)):
        raise ValueError(f"milestones are in increasing order; got {listed}")
    return listed


def checked_function(name: str, function: Any) -> Callable[[int], float]:
    """A function, refused if it cannot be called."""
    if not callable(function):
        raise TypeError(f"{name} is a function of the epoch; got a {type(function).__name__}")
    return function
