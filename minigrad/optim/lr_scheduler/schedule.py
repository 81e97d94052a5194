"""What schedules have in common: an epoch, and hyperparameters that are a function of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..hyperparameters import Group, checked_integer, checked_number, listed, options_of
from ..optimizer import Optimizer
from ..state import array_differences


class Schedule:
    """Sets learning rates as a function of the epoch, which `step` counts; a subclass says which, in `lr_at`.

    Setting starts at once, with epoch 0. The rates that the groups have then are the base of the schedule; of several
    schedules for one optimizer, each starts from the same base, and the last one to step is in force.

    Parameters
    ----------
    optimizer : Optimizer
        Whose groups get their learning rates set.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizer = checked_optimizer(optimizer)
        self.base_lrs = [base_of(group) for group in optimizer.param_groups]
        self.last_epoch = 0
        self._set(0, self.base_lrs)

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer that the schedule was made for."""
        return self._optimizer

    def lr_at(self, base: float, t: int) -> float:
        """The learning rate in epoch t = 0, 1, ... of a group that starts from `base`."""
        raise NotImplementedError  # pragma: no cover: abstract

    def values_at(self, t: int, base_lrs: Sequence[float]) -> list[dict[str, Any]]:
        """The hyperparameters of each group in epoch t."""
        return [{"lr": self.lr_at(base, t)} for base in base_lrs]

    def step(self) -> None:
        """Go on to the next epoch."""
        self._set(self.last_epoch + 1, self.base_lrs)
        self.last_epoch += 1

    def get_last_lr(self) -> list[float]:
        """The learning rates of the groups."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def __repr__(self) -> str:
        return f"{self.described()}: {position(self)}"

    def described(self) -> str:
        """The schedule as a call, without the optimizer and where it is."""
        own = {name: x for name, x in options_of(self).items() if name != "last_epoch"}
        return f"{type(self).__name__}({listed(own)})"

    def _set(self, t: int, base_lrs: Sequence[float]) -> None:
        """Set the hyperparameters of epoch t, or none if one is refused."""
        groups = self.optimizer.param_groups
        if len(groups) != len(base_lrs):
            raise ValueError(
                f"the optimizer has {len(groups)} groups, and had {len(base_lrs)} when the schedule was made. Make "
                f"the schedule after adding groups"
            )
        values = self.values_at(t, base_lrs)
        for group, changes in zip(groups, values, strict=True):
            group.checked(changes)
        for group, base, changes in zip(groups, base_lrs, values, strict=True):
            group.update(changes)
            group.scheduled = base, group["lr"]

    def state_dict(self) -> dict[str, Any]:
        """The epoch, and the learning rates that the schedule started from; functions and options are not among it."""
        return {"last_epoch": self.last_epoch, "base_lrs": np.array(self.base_lrs)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`, with the learning rates of its epoch.

        Raises
        ------
        ValueError
            If anything is missing, unexpected or of another shape; nothing has changed then.
        """
        problems = array_differences("state", state, {"last_epoch": np.array(0), "base_lrs": np.array(self.base_lrs)})
        if problems:
            raise ValueError(f"this state does not belong to this {type(self).__name__}: {'; '.join(problems)}")
        epoch, base_lrs = (
            checked_integer("last_epoch", int(state["last_epoch"]), 0),
            [float(lr) for lr in state["base_lrs"]],
        )
        self._set(epoch, base_lrs)
        self.last_epoch, self.base_lrs = epoch, base_lrs


def checked_optimizer(optimizer: Any) -> Optimizer:
    """An optimizer, refused if it is none."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"a schedule is for an optimizer; got a {type(optimizer).__name__}")
    return optimizer


def position(schedule: Any) -> str:
    """The epoch that a schedule is in, and the learning rates that it has made."""
    return f"epoch {schedule.last_epoch}, lr {rates_text(schedule.get_last_lr())}"


def rates_text(rates: Sequence[float]) -> str:
    """The rate of all groups, or a list if they differ."""
    texts = [f"{lr:.6g}" for lr in rates]
    return texts[0] if len(set(texts)) == 1 else f"[{', '.join(texts)}]"


def base_of(group: Group) -> float:
    """The learning rate that a schedule starts from: that of now, or what an earlier schedule made it of."""
    base, made = group.scheduled
    return base if group["lr"] == made else group["lr"]


def each(
    name: str, value: Any, groups: Sequence[Group], check: Callable[..., Any] = checked_number, **bounds: Any
) -> list[Any]:
    """A value for each group: those of a list, or the same for all."""
    values = list(value) if isinstance(value, list | tuple) else [value] * len(groups)
    if len(values) != len(groups):
        raise ValueError(f"{name} is one value, or a list of one for each of {len(groups)} groups; got {len(values)}")
    return [check(name, x, **bounds) for x in values]


def one_of(name: str, value: Any, *choices: str) -> str:
    """A word, refused if it is none of the choices."""
    if value not in choices:
        raise ValueError(f"{name} is one of {', '.join(map(repr, choices))}; got {value!r}")
    return value
