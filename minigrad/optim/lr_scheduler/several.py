"""Schedules that are made of others."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from ..optimizer import Optimizer
from .schedule import Schedule
from .schedules import checked_milestones


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
        self._parts = checked_parts("SequentialLR", schedulers, optimizer)
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


class ChainedScheduler(Schedule):
    """Several schedules at once: each starts from the rates that the one before it makes of the base.

    Parameters
    ----------
    schedulers : list of Schedule
        Made for the same optimizer. This schedule steps for them: do not step them.
    optimizer : Optimizer, optional
        Theirs.

    References
    ----------
    PyTorch's class of this name, which it follows where each schedule is the base times a function of the epoch. One
    that has a least rate, as `CosineAnnealingLR`, has it in the end there only if it is the last; here as well.
    """

    def __init__(self, schedulers: Sequence[Schedule], optimizer: Optimizer | None = None) -> None:
        parts = list(schedulers)
        if not parts:
            raise ValueError("ChainedScheduler takes at least one schedule; got none")
        optimizer = getattr(parts[0], "optimizer", None) if optimizer is None else optimizer
        self._parts = checked_parts("ChainedScheduler", parts, optimizer)
        super().__init__(self._parts[0].optimizer)

    def described(self) -> str:
        return f"ChainedScheduler([{', '.join(part.described() for part in self._parts)}])"

    def values_at(self, t: int, base_lrs: Sequence[float]) -> list[dict[str, Any]]:
        values: list[dict[str, Any]] = [{"lr": lr} for lr in base_lrs]
        for part in self._parts:
            changes = part.values_at(t, [x["lr"] for x in values])
            values = [{**x, **change} for x, change in zip(values, changes, strict=True)]
        return values


def checked_parts(taker: str, schedulers: Sequence[Any], optimizer: Any) -> list[Schedule]:
    """Schedules for an optimizer, refused by their number if one is none, or is for another."""
    parts = list(schedulers)
    for i, part in enumerate(parts):
        if not isinstance(part, Schedule):
            raise TypeError(f"{taker} takes schedules of the epoch alone; number {i} is a {type(part).__name__}")
        if part.optimizer is not optimizer:
            raise ValueError(f"{taker} takes schedules for its own optimizer; number {i} is for another")
    return parts
