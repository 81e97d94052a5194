"""Means over the samples of an epoch."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..core.door import unwrap
from ..core.tree import leaves


class Means:
    """Running means of numbers, each of which is a mean over a batch."""

    def __init__(self, names: Iterable[str]) -> None:
        self.sums, self.samples = dict.fromkeys(names, 0.0), 0

    def add(self, samples: int, found: Mapping[str, Any]) -> dict[str, float]:
        """Take the means over a batch into account, unless it counts 0; returns those so far."""
        self.samples += samples
        for name, x in found.items() if samples else ():
            self.sums[name] += samples * float(unwrap(x))
        return {name: total / (self.samples or 1) for name, total in self.sums.items()}


def samples_in(inputs: Any, compared: Any, steps_first: bool) -> int:
    """The number of samples in a batch, of which `compared` are the targets, or the outputs where there are none.

    They lie along the first axis of what is compared, if the inputs have an axis of that length, first or second, as
    (steps, samples, ...) has; or else along the first axis of the inputs. If the steps of sequences come first and
    what is compared has both axes, too, each step of each sample counts. What has no axis, as a number, says nothing.
    """
    if type(inputs) is np.ndarray is type(compared) and inputs.shape[:1] == compared.shape[:1] and not steps_first:
        return len(inputs) if inputs.ndim else 1  # as most are: there is nothing to look for
    given = shapes_of(inputs)
    first = next(iter(shapes_of(compared)), None)
    if first is None or (given and not any(first[0] in shape[:2] for shape in given)):
        first = given[0] if given else (1,)
    if steps_first and len(first) > 1 and any(shape[:2] == first[:2] for shape in given):
        return first[0] * first[1]
    return first[0]


def shapes_of(tree: Any) -> list[tuple[int, ...]]:
    """The shapes of the arrays in a tree that have an axis."""
    return [x.shape for x in leaves(tree) if getattr(x, "shape", ())]
