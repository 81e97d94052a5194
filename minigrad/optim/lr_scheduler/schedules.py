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
        Returns the factor in epoch t = 0, 1, ...
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


class CosineAnnealingWarmRestarts(Schedule):
    """The learning rate follows a cosine from the base down to `eta_min`, and starts again from the base.

    ``eta_min + (base - eta_min) * (1 + cos(pi * s / T)) / 2``, s epochs after the last start, of the T epochs to the
    next.

    Parameters
    ----------
    optimizer : Optimizer
    T_0 : int
        The epochs to the first restart.
    T_mult : int
        How many times as many there are from one restart to the next.
    eta_min : float >= 0
        The least rate, which is not reached.

    References
    ----------
    Loshchilov & Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017 (arXiv:1608.03983).
    """

    def __init__(self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0) -> None:
        self.T_0 = checked_integer("T_0", T_0)
        self.T_mult = checked_integer("T_mult", T_mult)
        self.eta_min = checked_number("eta_min", eta_min, low=0.0)
        super().__init__(optimizer)

    def lr_at(self, base: float, t: int) -> float:
        length = self.T_0
        if self.T_mult == 1:
            t %= length
        while t >= length:
            t, length = t - length, length * self.T_mult
        return self.eta_min + (base - self.eta_min) * (1 + math.cos(math.pi * t / length)) / 2


class ConstantLR(Schedule):
    """The learning rate is a part of the base at first, and the base after that.

    Parameters
    ----------
    optimizer : Optimizer
    factor : float in [0, 1]
        Which part.
    total_iters : int
        For how many epochs.
    """

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5) -> None:
        self.factor = checked_number("factor", factor, 0.0, 1.0)
        self.total_iters = checked_integer("total_iters", total_iters)
        super().__init__(optimizer)

    def lr_at(self, base: float, t: int) -> float:
        return base * self.factor if t < self.total_iters else base


class PolynomialLR(Schedule):
    """The learning rate falls to zero like a power: ``base * (1 - t / total_iters)**power``, and stays there.

    Parameters
    ----------
    optimizer : Optimizer
    total_iters : int
        How many epochs it takes.
    power : float >= 0
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0) -> None:
        self.total_iters = checked_integer("total_iters", total_iters)
        self.power = checked_number("power", power, low=0.0)
        super().__init__(optimizer)

    def lr_at(self, base: float, t: int) -> float:
        return base * (1 - min(t, self.total_iters) / self.total_iters) ** self.power


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
