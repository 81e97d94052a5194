"""What all optimizers have in common: parameters that were checked, and hyperparameters within their bounds."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..recorder import set_gradient
from ..tensor import Tensor


class Optimizer:
    """A list of parameters, and the means to update them in place; a subclass provides `step`."""

    def __init__(self, params: Iterable[Tensor]) -> None:
        self.params = checked_params(params)

    def zero_grad(self) -> None:
        """Forget the gradients: each parameter's `grad` becomes None."""
        for p in self.params:
            set_gradient(p, None)

    def step(self) -> None:
        """Update the parameters that have a gradient."""
        raise NotImplementedError  # pragma: no cover: abstract


def checked_params(params: Iterable[Tensor]) -> list[Tensor]:
    """The parameters as a list; refuses what cannot be optimized."""
    if isinstance(params, Tensor):
        raise TypeError("an optimizer takes a list of parameters; got a single tensor p. Pass [p]")
    listed = list(params)
    if not listed:
        raise ValueError("an optimizer takes at least one parameter; got none")
    for i, p in enumerate(listed):
        if not isinstance(p, Tensor):
            raise TypeError(f"an optimizer takes Tensors; parameter {i} is a {type(p).__name__}")
        if not (p.is_leaf and p.requires_grad):
            raise ValueError(
                f"an optimizer takes leaves that require grad; parameter {i} "
                + ("does not require grad" if p.is_leaf else f"is the result of {p.primitive.name}")
            )
    if len({id(p) for p in listed}) < len(listed):
        raise ValueError("an optimizer takes each parameter once; got one twice, which would be updated twice a step")
    return listed


def checked_number(name: str, value: Any, low: float = 0.0, high: float = math.inf) -> float:
    """A hyperparameter as a float within its bounds."""
    number = float(value)
    if not (low <= number <= high and math.isfinite(number)):
        bounds = f"at least {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
        raise ValueError(f"{name} is a finite number, {bounds}; got {value!r}")
    return number


def check_state(state: Mapping[str, Any], names: set[str], like: Sequence[np.ndarray]) -> None:
    """Refuse a state whose names are not `names`, or whose lists do not have an array, or None, for each parameter."""
    problems = [f"{name} is missing" for name in sorted(names - set(state))]
    problems += [f"{name} is unexpected" for name in sorted(set(state) - names)]
    for name, arrays in state.items():
        if not isinstance(arrays, list | tuple):
            continue
        if len(arrays) != len(like):
            problems.append(f"{name} is for {len(arrays)} parameters, not {len(like)}")
            continue
        problems += [
            f"{name}[{i}] has shape {np.shape(a)}, not {p.shape}"
            for i, (a, p) in enumerate(zip(arrays, like, strict=True))
            if a is not None and np.shape(a) != p.shape
        ]
    if problems:
        raise ValueError(f"this state does not belong to this optimizer: {'; '.join(problems)}")
