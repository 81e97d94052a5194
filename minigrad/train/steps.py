"""Steps of several batches: the mean gradient over their samples."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.door import unwrap
from ..core.tape import gradient_of, set_gradient
from ..core.tensor import Tensor
from ..data.samples import checked_count
from ..optim.hyperparameters import checked_number


class StepBatches:
    """The batches of a step so far: the mean over their samples of each parameter's gradient."""

    def __init__(self, params: Sequence[Tensor], most: int) -> None:
        self.params, self.most = params, most
        self.clear()

    def clear(self) -> None:
        """Begin another."""
        self.means: dict[int, Any] = {}
        self.batches = self.samples = 0

    @property
    def is_full(self) -> bool:
        return self.batches == self.most

    def add(self, samples: int) -> None:
        """Take the gradients that are in the parameters, means over so many samples, into account."""
        self.batches, self.samples = self.batches + 1, self.samples + samples
        share = samples / self.samples
        for mean in self.means.values():
            mean *= mean.dtype.type(1 - share)
        for i, p in enumerate(self.params):
            found = gradient_of(p.node) if p.node is not None else None
            if found is not None:
                g = unwrap(found)
                part = np.multiply(g, g.dtype.type(share))
                self.means[i] = self.means[i] + part if i in self.means else part

    def deliver(self) -> None:
        """Leave the means in the parameters, and begin another group."""
        for i, mean in self.means.items():
            set_gradient(self.params[i].node, mean)
        self.clear()


def checked_steps(accumulate: Any, clip_norm: Any, ranks: int) -> tuple[int, float | None]:
    """How many batches a step has, and the largest norm of its gradient."""
    batches = checked_count("accumulate", accumulate, 1)
    if batches > 1 and ranks > 1:
        raise ValueError(
            f"under mpiexec, a step has one batch, of which each rank computes a part; got accumulate={batches}. Make "
            f"the batches larger: batch_size={batches} times what it is"
        )
    if clip_norm is None:
        return batches, None
    norm = checked_number("clip_norm", clip_norm, low=0.0)
    if not norm:
        raise ValueError(f"clip_norm is above 0, as all gradients would be 0; got {clip_norm!r}")
    return batches, norm
