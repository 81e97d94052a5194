"""What all losses have in common: operands of one shape, weights, and a reduction to one number."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.door import plain, raise_if, unwrap
from ...core.foreign import admitted
from ...core.primitive import elementwise
from ...core.short import public
from ...ops.functions import astype, mean
from ...ops.functions import sum as total
from ..module import Module
from ..parameter import Buffer
from ..precision import WIDE, as_constant, as_input, check_array, floating, widened

# 0 log 0 is 0, the limit of p log p: a class that is masked by a score of -inf, and that the target has no share of,
# costs nothing, and has no slope.


def share(p, x):
    """``p * x``, and 0 where p is 0 and x is infinite."""
    return p * where_counted(p, x)


def where_counted(p, x):
    """`x`, and 0 where p is 0 and x is infinite."""
    return np.where((p == 0) & np.isinf(x), 0, x)


share = public(elementwise(share, lambda g, y, p, x: g * where_counted(p, x), lambda g, y, p, x: g * p))


REDUCTIONS: dict[str, Callable[[Any], Any]] = {"mean": mean, "sum": total, "none": lambda loss: loss}


def reduced(loss: Any, reduction: str, dtype: Any = None) -> Any:
    """The mean or the sum of the losses, or the losses as they are; in the dtype, if one is given."""
    check_reduction(reduction)
    loss = REDUCTIONS[reduction](loss)
    return loss if dtype is None else astype(loss, dtype)


def check_reduction(reduction: str, *more: str) -> None:
    """Refuse a reduction that is not there."""
    known = (*REDUCTIONS, *more)
    if reduction not in known:
        raise ValueError(f"reduction is one of {', '.join(known)}; got {reduction!r}")


def fitting(name: str, x: Any, target: Any) -> tuple[Any, Any, Any]:
    """The output and the target in a dtype to compute in, and that of the loss if it is another, or None.

    A target of another shape is refused.
    """
    check_array(name, x)
    x, target = admitted(name, x), as_input(target)
    if x.shape != target.shape:
        raise ValueError(
            f"{name} takes an output and a target of the same shape, and does not broadcast; got {x.shape} and "
            f"{target.shape}. {advice(x.shape, target.shape)}"
        )
    if x.dtype.char in WIDE and target.dtype.char in WIDE:
        return x, target, None
    x, dtype = floating(name, x), np.result_type(x.dtype, target.dtype)
    target = floating(name, target) if target.dtype.kind not in "biu" or dtype.kind != "f" else astype(target, dtype)
    return widened(name, x), widened(name, target), dtype if dtype.char == "e" else None


def matched(name: str, *arrays: Any) -> tuple[list[Any], Any]:
    """Arrays of one shape, in a dtype to compute in, and that of the loss if it is another, or None."""
    given = [floating(name, x) for x in arrays]
    if len({x.shape for x in given}) > 1:
        shapes = ", ".join(str(x.shape) for x in given[:-1])
        raise ValueError(
            f"{name} takes arrays of the same shape, and does not broadcast; got {shapes} and {given[-1].shape}"
        )
    dtype = np.result_type(*(x.dtype for x in given))
    return [widened(name, x) for x in given], dtype if dtype.char == "e" else None


def advice(wanted: tuple[int, ...], got: tuple[int, ...]) -> str:
    """How to give a target of shape `got` the shape of its output, `wanted`."""
    if wanted == (*got, 1):
        return f"Use target.reshape({'-1, 1' if len(wanted) == 2 else sizes(wanted)}), or output.squeeze(-1)"
    if got == (*wanted, 1):
        return f"Use target.squeeze(-1), or output.reshape({'-1, 1' if len(got) == 2 else sizes(got)})"
    if [n for n in wanted if n != 1] == [n for n in got if n != 1]:
        return f"Use target.reshape({sizes(wanted)})"
    if wanted == got[::-1]:
        return "Use target.T"
    return (
        f"Reshape or select what belongs together: there are {math.prod(wanted)} outputs and {math.prod(got)} targets"
    )


def sizes(shape: tuple[int, ...]) -> str:
    """A shape as the arguments of a call of reshape."""
    return ", ".join(map(str, shape)) or "()"


def weighted(loss: Any, weight: Any) -> Any:
    """The loss of each element times its weight, which may broadcast to it."""
    if weight is None:
        return loss
    check_weight("weight", weight, loss.shape)
    return share(as_constant("weight of a loss", weight), loss)


def check_weight(name: str, weight: Any, shape: tuple[int, ...]) -> None:
    """Refuse a weight that would stretch the loss, or does not fit it."""
    own = np.shape(weight)
    if len(own) > len(shape) or any(n not in (1, m) for n, m in zip(own[::-1], shape[::-1], strict=False)):
        remedy = f". Use {name}.reshape({sizes(shape)})" if math.prod(own) == math.prod(shape) else ""
        raise ValueError(f"{name} has a shape that broadcasts to the output's {shape}; got {own}{remedy}")


def refuse_outside(name: str, x: Any, low: float, high: float) -> None:
    """Refuse values outside of an interval."""
    values = plain(x)
    raise_if((values < low) | (values > high), lambda: ValueError(f"{name} from {low:g} to {high:g}; {span(values)}"))


def span(values: Any) -> str:
    """What came, as the least and the largest of all values."""
    return f"got values from {unwrap(values).min():g} to {unwrap(values).max():g}"


class Loss(Module):
    """A function of an output and a target."""

    def __init__(self, reduction: str = "mean") -> None:
        check_reduction(reduction)
        self.reduction = reduction


class WeightedLoss(Loss):
    """A loss with a weight for each class or element, which is a buffer."""

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight = None if weight is None else Buffer(weight)
