"""Activations in pieces: straight lines that meet at kinks, and those that draw or learn their slopes.

At a kink the derivative is that of the flatter piece, as PyTorch's is; at NaN it is not 0, so that NaN comes to light.
"""

from typing import Any

import numpy as np

from ..core.primitive import elementwise
from ..core.recorder import drawn
from ..core.short import public
from ..ops.functions import reshape, tanh
from .activations import slopes
from .init import RNG
from .module import Module
from .parameter import Parameter
from .precision import floating
from .sizes import checked_count, checked_number


def bounded_between(x, low, high):
    """`x`, but at least `low` and at most `high`."""
    return np.minimum(np.maximum(x, low), high)


bounded_between = public(
    elementwise(bounded_between, lambda g, y, x, low, high: g * ((y != low) & (y != high)), None, None)
)


def sloped(x, slope):
    """`x`, and `slope` times x where x is negative."""
    return np.maximum(x, 0.0) + slope * np.minimum(x, 0.0)


sloped = public(
    elementwise(sloped, lambda g, y, x, slope: g * slopes(x, slope), lambda g, y, x, slope: g * np.minimum(x, 0.0))
)


def zero_within(x, limit):
    """`x`, and 0 where it is from -limit to limit."""
    return np.where(np.abs(x) <= limit, 0.0, x)


def nearer(x, limit):
    """`x`, by `limit` nearer to 0, and 0 where it is that near."""
    return x - np.minimum(np.maximum(x, -limit), limit)


zero_within = public(elementwise(zero_within, lambda g, y, *_: g * (y != 0), None))
nearer = public(elementwise(nearer, lambda g, y, *_: g * (y != 0), None))


def above(x, threshold, value):
    """`x` where it is above the threshold, and `value` elsewhere."""
    return np.where(x <= threshold, value, x)


above = public(elementwise(above, lambda g, y, x, threshold, value: g * np.logical_not(x <= threshold), None, None))


def hard_swish(x):
    """``x`` times the line from 0 at -3 to 1 at 3."""
    return x * (np.minimum(np.maximum(x + 3.0, 0.0), 6.0) / 6.0)


# A product of x and a slope of 0 would be NaN at infinity.
hard_swish = public(elementwise(hard_swish, lambda g, y, x: g * np.where(np.abs(x) >= 3.0, x > 0, x / 3.0 + 0.5)))


def hardtanh(x: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    """`x`, but at least `min_val` and at most `max_val`. The gradient at both is 0.

    Parameters
    ----------
    x : array
    min_val, max_val : float
        The second is larger.
    """
    if not checked_number("min_val of hardtanh", min_val) < checked_number("max_val of hardtanh", max_val):
        raise ValueError(f"hardtanh takes a min_val below its max_val; got {min_val!r} and {max_val!r}")
    return bounded_between(floating("hardtanh", x), min_val, max_val)


def relu6(x: Any) -> Any:
    """``x``, but at least 0 and at most 6. The gradient at both is 0."""
    return bounded_between(floating("relu6", x), 0.0, 6.0)


def hardsigmoid(x: Any) -> Any:
    """``relu6(x + 3) / 6``: 0 up to -3, 1 from 3 on, and a straight line between."""
    return bounded_between(floating("hardsigmoid", x) + 3.0, 0.0, 6.0) / 6.0


def hardswish(x: Any) -> Any:
    """``x * hardsigmoid(x)``.

    References
    ----------
    Howard et al., Searching for MobileNetV3, ICCV 2019 (arXiv:1905.02244).
    """
    return hard_swish(floating("hardswish", x))


def hardshrink(x: Any, lambd: float = 0.5) -> Any:
    """``x``, and 0 from -lambd to lambd.

    Parameters
    ----------
    x : array
    lambd : float >= 0
    """
    return zero_within(floating("hardshrink", x), checked_limit("hardshrink", lambd))


def softshrink(x: Any, lambd: float = 0.5) -> Any:
    """``x``, by `lambd` nearer to 0, and 0 from -lambd to lambd.

    Parameters
    ----------
    x : array
    lambd : float >= 0
    """
    return nearer(floating("softshrink", x), checked_limit("softshrink", lambd))


def checked_limit(name: str, limit: float) -> float:
    """A limit that is not below 0."""
    if not checked_number(f"the lambd of {name}", limit) >= 0:
        raise ValueError(f"the lambd of {name} is at least 0; got {limit!r}")
    return limit


def tanhshrink(x: Any) -> Any:
    """``x - tanh(x)``."""
    x = floating("tanhshrink", x)
    return x - tanh(x)


def threshold(x: Any, threshold: float, value: float) -> Any:
    """``x`` where it is above the threshold, and `value` elsewhere.

    Parameters
    ----------
    x : array
    threshold, value : float
    """
    return above(floating("threshold", x), threshold, value)


def prelu(x: Any, weight: Any) -> Any:
    """``x``, and `weight` times x where x is negative.

    Parameters
    ----------
    x : array of shape (...) or (batch, channels, ...)
    weight : array of shape (1,) or (channels,)
        The slope on the left, one for all or for each channel.

    References
    ----------
    He, Zhang, Ren & Sun, Delving deep into rectifiers, ICCV 2015 (arXiv:1502.01852).
    """
    x, weight = floating("prelu", x), floating("the weight of prelu", weight)
    channels = x.shape[1] if x.ndim > 1 else 1
    if weight.shape not in ((), (1,), (channels,)):
        raise ValueError(
            f"prelu of {x.shape} takes a weight of shape (1,), or ({channels},) for one slope a channel; got "
            f"{weight.shape}"
        )
    each = weight.size > 1
    return sloped(x, reshape(weight, (channels, *[1] * (x.ndim - 2)) if each else ()))


def rrelu(x: Any, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False, rng: RNG = None) -> Any:
    """``x``, and a slope times x where x is negative: in training one drawn for each element, else the mean.

    Parameters
    ----------
    x : array
    lower, upper : float
        Between which the slopes are uniform; the second is no smaller.
    training : bool
    rng : Generator, seed or None
        A seed draws the same slopes in every call; a generator draws others each time.

    References
    ----------
    Xu, Wang, Chen & Li, Empirical evaluation of rectified activations in convolutional network, 2015
    (arXiv:1505.00853).
    """
    check_limits(lower, upper)
    x = floating("rrelu", x)
    slopes = drawn(rng, "uniform", lower, upper, x.shape).astype(x.dtype) if training else (lower + upper) / 2
    return sloped(x, slopes)


def check_limits(lower: float, upper: float) -> None:
    """Refuse limits in the wrong order."""
    if not checked_number("lower of rrelu", lower) <= checked_number("upper of rrelu", upper):
        raise ValueError(f"rrelu takes a lower limit of slopes not above the upper; got {lower!r} and {upper!r}")


class Hardtanh(Module):
    """`functional.hardtanh` as a layer.

    Parameters
    ----------
    min_val, max_val : float
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        self.min_val = min_val
        self.max_val = max_val

    def forward(self, x: Any) -> Any:
        return hardtanh(x, self.min_val, self.max_val)


class ReLU6(Module):
    """`functional.relu6` as a layer."""

    def forward(self, x: Any) -> Any:
        return relu6(x)


class Hardsigmoid(Module):
    """`functional.hardsigmoid` as a layer."""

    def forward(self, x: Any) -> Any:
        return hardsigmoid(x)


class Hardswish(Module):
    """`functional.hardswish` as a layer."""

    def forward(self, x: Any) -> Any:
        return hardswish(x)


class Hardshrink(Module):
    """`functional.hardshrink` as a layer.

    Parameters
    ----------
    lambd : float >= 0
    """

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = checked_limit("Hardshrink", lambd)

    def forward(self, x: Any) -> Any:
        return hardshrink(x, self.lambd)


class Softshrink(Module):
    """`functional.softshrink` as a layer.

    Parameters
    ----------
    lambd : float >= 0
    """

    def __init__(self, lambd: float = 0.5) -> None:
        self.lambd = checked_limit("Softshrink", lambd)

    def forward(self, x: Any) -> Any:
        return softshrink(x, self.lambd)


class Tanhshrink(Module):
    """`functional.tanhshrink` as a layer."""

    def forward(self, x: Any) -> Any:
        return tanhshrink(x)


class Threshold(Module):
    """`functional.threshold` as a layer.

    Parameters
    ----------
    threshold, value : float
    """

    def __init__(self, threshold: float, value: float) -> None:
        self.threshold = threshold
        self.value = value

    def forward(self, x: Any) -> Any:
        return threshold(x, self.threshold, self.value)


class PReLU(Module):
    """`functional.prelu` with slopes that are learned.

    Parameters
    ----------
    num_parameters : int
        1, or the number of channels, on axis 1.
    init : float
        What the slopes start from.
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        count = checked_count("num_parameters of PReLU", num_parameters, 1)
        self.weight = Parameter(np.full(count, float(init)), fans=(1, 1))

    def forward(self, x: Any) -> Any:
        return prelu(x, self.weight)


class RReLU(Module):
    """`functional.rrelu`, which draws slopes in training.

    Parameters
    ----------
    lower, upper : float
    rng : Generator, seed or None
        What the layer draws from, call by call.
    """

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3, rng: RNG = None) -> None:
        check_limits(lower, upper)
        self.lower = lower
        self.upper = upper
        self.rng = np.random.default_rng(rng)

    def forward(self, x: Any) -> Any:
        return rrelu(x, self.lower, self.upper, self.training, self.rng)
