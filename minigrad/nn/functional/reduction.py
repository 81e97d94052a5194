"""What all losses have in common: operands of one shape, and a reduction to one number."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.door import bare
from ...core.recorder import refuse, seen
from ...ops.functions import mean
from ...ops.functions import sum as total
from .layers import check_array

REDUCTIONS: dict[str, Callable[[Any], Any]] = {"mean": mean, "sum": total, "none": lambda loss: loss}


def reduced(loss: Any, reduction: str) -> Any:
    """The mean or the sum of the losses, or the losses as they are."""
    check_reduction(reduction)
    return REDUCTIONS[reduction](loss)


def check_reduction(reduction: str, *more: str) -> None:
    """Refuse a reduction that is not there."""
    known = (*REDUCTIONS, *more)
    if reduction not in known:
        raise ValueError(f"reduction is one of {', '.join(known)}; got {reduction!r}")


def fitting(name: str, x: Any, target: Any) -> Any:
    """The target as an array, refused if its shape is not that of `x`."""
    check_array(name, x)
    target = target if hasattr(target, "shape") else np.asarray(target)
    if x.shape != target.shape:
        raise ValueError(
            f"{name} takes an output and a target of the same shape, and does not broadcast; got {x.shape} and "
            f"{target.shape}"
        )
    return target


def weighted(loss: Any, weight: Any) -> Any:
    """The loss of each element times its weight, which may broadcast to it."""
    if weight is None:
        return loss
    check_weight("weight", weight, loss.shape)
    return loss * seen(bare(weight))


def check_weight(name: str, weight: Any, shape: tuple[int, ...]) -> None:
    """Refuse a weight that would stretch the loss, or does not fit it."""
    own = np.shape(bare(weight))
    if len(own) > len(shape) or any(n not in (1, m) for n, m in zip(own[::-1], shape[::-1], strict=False)):
        raise ValueError(f"{name} has a shape that broadcasts to the output's {shape}; got {own}")


def refuse_outside(name: str, x: Any, low: float, high: float) -> None:
    """Refuse values outside of an interval."""
    values = bare(x)
    refuse(
        (values < low) | (values > high),
        lambda: ValueError(f"{name} from {low:g} to {high:g}; got values from {values.min():g} to {values.max():g}"),
    )
