"""A schedule that looks at how training goes."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...core.recorder import refuse_recording
from ..hyperparameters import checked_integer, checked_number, listed
from ..optimizer import Optimizer
from ..state import array_differences
from .schedule import checked_optimizer, each, one_of, position


class ReduceLROnPlateau:
    """The learning rate is multiplied by `factor` when a metric has not become better for more than `patience` epochs.

    Better means less by a part `threshold` of the best so far; with ``mode="max"``, more; with
    ``threshold_mode="abs"``, by `threshold` itself. A metric that is NaN is never better.

    Parameters
    ----------
    optimizer : Optimizer
    mode : "min" or "max"
    factor : float in [0, 1)
    patience : int >= 0
        Epochs without a better metric that are put up with.
    threshold : float >= 0
    threshold_mode : "rel" or "abs"
    cooldown : int >= 0
        Epochs after a reduction that are not counted.
    min_lr : float >= 0, or a list of one for each group
        The least rate.
    eps : float >= 0
        A change of the rate that is not made, as it is no larger.

    Raises
    ------
    ValueError
        If an option is out of its bounds.

    References
    ----------
    PyTorch's class of this name, which it follows.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        self._optimizer = checked_optimizer(optimizer)
        self._sign = {"min": 1.0, "max": -1.0}[one_of("mode", mode, "min", "max")]
        self.mode = mode
        self._relative = one_of("threshold_mode", threshold_mode, "rel", "abs") == "rel"
        self.factor = checked_number("factor", factor, 0.0, 1.0, below=True)
        self.patience = checked_integer("patience", patience, 0)
        self._threshold = checked_number("threshold", threshold, low=0.0)
        self._cooldown = checked_integer("cooldown", cooldown, 0)
        self._least = each("min_lr", min_lr, optimizer.param_groups, low=0.0)
        self._eps = checked_number("eps", eps, low=0.0)
        self.last_epoch = self.num_bad_epochs = self.cooldown_counter = 0
        self.best = self._sign * math.inf

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer that the schedule was made for."""
        return self._optimizer

    def step(self, metrics: Any) -> None:
        """End an epoch, with the metric that it reached: a number, or an array or Tensor of one."""
        refuse_recording("steps a schedule", "Step it after the call: replays read the learning rate anew")
        value = checked_metric(metrics)
        least = each("min_lr", self._least, self.optimizer.param_groups)
        self.last_epoch += 1
        if self.is_better(value):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce(least)
            self.cooldown_counter, self.num_bad_epochs = self._cooldown, 0

    def is_better(self, value: float) -> bool:
        """Whether a metric is better than the best so far by more than the threshold."""
        margin = self._threshold * (self.best if self._relative else 1.0)
        return self._sign * value < self._sign * self.best - (0.0 if math.isinf(self.best) else margin)

    def _reduce(self, least: Sequence[float]) -> None:
        for group, bound in zip(self.optimizer.param_groups, least, strict=True):
            lr = max(group["lr"] * self.factor, bound)
            if group["lr"] - lr > self._eps:
                group["lr"] = lr

    def get_last_lr(self) -> list[float]:
        """The learning rates of the groups."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def __repr__(self) -> str:
        options = listed({name: getattr(self, name) for name in ("mode", "factor", "patience")})
        return f"ReduceLROnPlateau({options}): {position(self)}, best {self.best:.6g}, bad epochs {self.num_bad_epochs}"

    def state_dict(self) -> dict[str, Any]:
        """What was counted so far; options, and the rates themselves, are not among it."""
        return {name: getattr(self, name) for name in COUNTED}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`; raises ValueError, and changes nothing, if it is none."""
        problems = array_differences("state", state, {name: np.array(zero) for name, zero in COUNTED.items()})
        problems = problems or [f"state.{name} is {state[name]}" for name in COUNTED if not state[name] >= LEAST[name]]
        if problems:
            raise ValueError(f"this state does not belong to this ReduceLROnPlateau: {'; '.join(problems)}")
        for name, zero in COUNTED.items():
            setattr(self, name, type(zero)(state[name]))


COUNTED = {"last_epoch": 0, "num_bad_epochs": 0, "cooldown_counter": 0, "best": 0.0}
LEAST = {**COUNTED, "best": -math.inf}


def checked_metric(metrics: Any) -> float:
    """A metric as a number, which may be NaN or infinite; refuses what is none."""
    try:
        return float(metrics.item() if hasattr(metrics, "item") else metrics + 0)
    except (TypeError, ValueError):
        raise TypeError(f"a metric is a number; got {metrics!r:.60}") from None
