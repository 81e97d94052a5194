"""When a training gets no better, and the weights of its best epoch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..data.samples import checked_count
from ..nn import Module


class Best:
    """The weights of the epoch with the lowest loss so far; a part of the checkpoint."""

    def __init__(self, model: Module) -> None:
        self.model = model
        self.epoch, self.weights = 0, model.state_dict()

    def look(self, losses: Sequence[float]) -> None:
        """Keep the weights if the last loss is below all before."""
        if losses[-1] < min(losses[:-1], default=float("inf")):
            self.epoch, self.weights = len(losses), self.model.state_dict()

    def restore(self) -> None:
        """Give the model the weights that were kept, if an epoch was finished."""
        if self.epoch:
            self.model.load_state_dict(self.weights)

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "weights": dict(self.weights)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.epoch, self.weights = int(state["epoch"]), dict(state["weights"])


class Patience:
    """When a training has got no better for too long."""

    def __init__(self, patience: Any, min_delta: Any) -> None:
        self.epochs = None if patience is None else checked_count("patience", patience, 1)
        if isinstance(min_delta, bool) or not isinstance(min_delta, int | float | np.number) or not min_delta >= 0:
            raise ValueError(f"min_delta is a number, at least 0; got {min_delta!r}")
        if min_delta and patience is None:
            raise ValueError(f"min_delta={min_delta!r} is a part of stopping early. Say when: patience=...")
        self.min_delta = float(min_delta)

    def at(self, losses: Sequence[float]) -> bool:
        """Whether the last losses, `epochs` in number, are all no better than the best before."""
        if self.epochs is None or len(losses) <= self.epochs:
            return False
        return min(losses[-self.epochs :]) >= min(losses[: -self.epochs]) - self.min_delta
