"""Functions of each element between the layers of a network.

At a kink each has the derivative from the left.
"""

import math
from typing import Any

import numpy as np

from ..core.foreign import admitted
from ..core.primitive import elementwise
from ..core.short import public
from ..ops.functions import absolute, sigmoid
from ..ops.functions import tanh as hyperbolic_tangent
from ..rules import network
from ..rules.elementwise import erf
from ..rules.erf import erf_single
from ..rules.network import quiet, vanishing_exp
from ..rules.precision import InSingle, as_floats, of_floats
from .module import Module
from .precision import floating
from .sizes import checked_integer, checked_number


def relu(x):
    """``x``, or 0 where x is negative. The gradient at 0 is 0."""
    return np.maximum(x, 0.0)  # a float, to which integers are promoted


relu = public(elementwise(relu, lambda g, y, *_: g * (y != 0.0)))  # y is at least 0, or NaN, whose slope is 1


def slopes(x, a):
    """1 where x is positive and `a` elsewhere, by arithmetic: np.where takes four times as long for mixed signs."""
    positive = (x > 0).astype(x.dtype)
    return positive + (1.0 - positive) * a


def leaky_relu(x, negative_slope=0.01):
    """``x``, or `negative_slope` times x where x is negative. At 0 the gradient is `negative_slope`."""
    return x * slopes(x, negative_slope)


leaky_relu = public(elementwise(leaky_relu, lambda g, y, x, negative_slope=0.01: g * slopes(x, negative_slope)))


def elu(x, alpha=1.0):
    """``x``, or ``alpha * (exp(x) - 1)`` where x is negative, which tends to -alpha. At 0 the gradient is `alpha`."""
    return np.maximum(x, 0.0) + alpha * np.expm1(np.minimum(x, 0.0))


elu = public(elementwise(elu, lambda g, y, x, alpha=1.0: g * slopes(x, alpha * vanishing_exp(np.minimum(x, 0)))))


# gelu and silu are products of x and a share, normal_cdf(x) or sigmoid(x), and composed of both: a rule for the
# product would have to compute the share again.

LOG_SQRT_2_PI = 0.5 * math.log(2 * math.pi)


def _density(x):
    return vanishing_exp(-0.5 * x * x - LOG_SQRT_2_PI)


def normal_cdf(x):
    """The part of a normal distribution that is below x; in single precision to 3e-7."""
    x = np.multiply(x, math.sqrt(0.5))
    return 0.5 + 0.5 * (erf_single(x) if x.dtype == np.float32 else erf(x))


normal_cdf = public(elementwise(normal_cdf, lambda g, y, x: g * _density(x)))


def gelu_tanh(x):
    """The usual approximation of gelu, ``x * (1 + tanh(u)) / 2`` with ``u = sqrt(2 / pi) * (x + 0.044715 x**3)``."""
    return 0.5 * x * (1 + np.tanh(_inner_slope(x)))


SLOPE, CUBIC = math.sqrt(2 / math.pi), 0.044715


def _inner_slope(x):
    return SLOPE * x * (1 + CUBIC * x * x)


# A product begins with what is 0 for large x, and squares come last: x * x alone may be infinite.
def _gelu_tanh(g, y, x):
    t = np.tanh(_inner_slope(x))
    s = (0.5 * SLOPE) * x * ((1 - t) * (1 + t))
    return g * (0.5 * (1 + t) + (s + s * x * (3 * CUBIC) * x))


gelu_tanh = public(elementwise(gelu_tanh, _gelu_tanh))


# log(1 + e^x) = max(x, 0) + log(1 + e^-|x|), whose exponential is at most 1.


def log1pexp(x):
    """log(1 + exp(x)), which is softplus."""
    return quiet.copy().run(_log1pexp, as_floats(x))


def _log1pexp(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


log1pexp = elementwise(log1pexp, lambda g, y, x: g * network.sigmoid(x))
log1pexp.name = "softplus"  # as users know it
softplus_of_slope_one = public(log1pexp)


def log_sigmoid(x):
    """The logarithm of sigmoid(x), ``-log(1 + exp(-x))``, exact where that overflows."""
    return -quiet.copy().run(_log1pexp, -as_floats(x))


log_sigmoid = public(elementwise(log_sigmoid, lambda g, y, x: g * network.sigmoid(-x)))

# tanh(log(1 + e)), with e = exp(x), is n / (n + 2) with n = e * (e + 2): 1 to the last place long before e overflows.


def _bounded_exp(x):
    return vanishing_exp(np.minimum(x, 20.0))


@of_floats
def tanh_of_softplus(x):
    """tanh(log(1 + exp(x))), the share of x that mish lets through."""
    e = _bounded_exp(x)
    n = e * (e + 2.0)
    return n / (n + 2.0)


def _tanh_of_softplus(g, y, x):
    e = _bounded_exp(x)
    rest = e * (e + 2.0) + 2.0
    # For large e this is 4 / e^2, and x is a factor of it: beyond the bound of e it is below the last place of 1.
    return g * ((e / rest) * (4.0 * (1.0 + e) / rest) * (x <= 20.0))


tanh_of_softplus = public(elementwise(tanh_of_softplus, InSingle(_tanh_of_softplus)))

# Klambauer, Unterthiner, Mayr & Hochreiter, Self-normalizing neural networks, NIPS 2017 (arXiv:1706.02515).
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def selu(x: Any) -> Any:
    """`elu` with the alpha and the scale that keep mean 0 and variance 1 from layer to layer."""
    return SELU_SCALE * elu(x, SELU_ALPHA)


def gelu(x: Any, approximate: str = "none") -> Any:
    """``x * Phi(x)``, Phi being the normal distribution function; "tanh" computes the usual approximation.

    Parameters
    ----------
    x : array
    approximate : {"none", "tanh"}
        The approximation is ``x * (1 + tanh(u)) / 2`` with ``u = sqrt(2 / pi) * (x + 0.044715 * x**3)``.

    References
    ----------
    Hendrycks & Gimpel, Gaussian error linear units, 2016 (arXiv:1606.08415).
    """
    if approximate not in ("none", "tanh"):
        raise ValueError(f"gelu's approximate is 'none' or 'tanh'; got {approximate!r}")
    x = admitted("gelu", x)
    return x * normal_cdf(x) if approximate == "none" else gelu_tanh(x)


def silu(x: Any) -> Any:
    """``x * sigmoid(x)``, also known as swish."""
    x = admitted("silu", x)
    return x * sigmoid(x)


def softplus(x: Any, beta: float = 1.0) -> Any:
    """``log(1 + exp(beta * x)) / beta``, a smooth relu.

    Parameters
    ----------
    x : array
    beta : float > 0
        The larger, the nearer to relu: at 0 the result is ``log(2) / beta``.
    """
    check_positive("softplus's beta", beta)
    return softplus_of_slope_one(x) if beta == 1 else softplus_of_slope_one(beta * floating("softplus", x)) / beta


def check_positive(name: str, value: float) -> None:
    """Refuse anything but a number above 0."""
    if not checked_number(name, value) > 0:
        raise ValueError(f"{name} is positive; got {value!r}")


def mish(x: Any) -> Any:
    """``x * tanh(softplus(x))``.

    References
    ----------
    Misra, Mish: a self regularized non-monotonic activation function, BMVC 2020 (arXiv:1908.08681).
    """
    x = admitted("mish", x)
    return x * tanh_of_softplus(x)


def celu(x: Any, alpha: float = 1.0) -> Any:
    """``x``, or ``alpha * (exp(x / alpha) - 1)`` where x is negative, which has no kink.

    Parameters
    ----------
    x : array
    alpha : float > 0

    References
    ----------
    Barron, Continuously differentiable exponential linear units, 2017 (arXiv:1704.07483).
    """
    check_positive("celu's alpha", alpha)
    return elu(x) if alpha == 1 else alpha * elu(floating("celu", x) / alpha)


def glu(x: Any, axis: int = -1) -> Any:
    """The first half along an axis, times the sigmoid of the second half.

    Parameters
    ----------
    x : array
    axis : int
        Of an even length.

    References
    ----------
    Dauphin, Fan, Auli & Grangier, Language modeling with gated convolutional networks, 2016 (arXiv:1612.08083).
    """
    x = floating("glu", x)
    if not -x.ndim <= checked_integer("the axis of glu", axis) < x.ndim or x.shape[axis] % 2:
        raise ValueError(f"glu takes an axis of an even length; got axis {axis} of an array of shape {x.shape}")
    half = x.shape[axis] // 2
    before = (slice(None),) * (axis % x.ndim)
    return x[(*before, slice(half))] * sigmoid(x[(*before, slice(half, None))])


def softsign(x: Any) -> Any:
    """``x / (1 + abs(x))``."""
    x = floating("softsign", x)
    return x / (1.0 + absolute(x))


def tanh(x: Any) -> Any:
    """The hyperbolic tangent; of integers in the default float, where np.tanh computes short ones in half precision."""
    return hyperbolic_tangent(floating("tanh", x))


class Sigmoid(Module):
    """`functional.sigmoid` as a layer."""

    def forward(self, x: Any) -> Any:
        return sigmoid(x)


class Tanh(Module):
    """`functional.tanh` as a layer."""

    def forward(self, x: Any) -> Any:
        return tanh(x)


class ReLU(Module):
    """`functional.relu` as a layer."""

    def forward(self, x: Any) -> Any:
        return relu(x)


class LeakyReLU(Module):
    """`functional.leaky_relu` as a layer.

    Parameters
    ----------
    negative_slope : float
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Any:
        return leaky_relu(x, self.negative_slope)


class ELU(Module):
    """`functional.elu` as a layer.

    Parameters
    ----------
    alpha : float
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        return elu(x, self.alpha)


class SELU(Module):
    """`functional.selu` as a layer."""

    def forward(self, x: Any) -> Any:
        return selu(x)


class GELU(Module):
    """`functional.gelu` as a layer.

    Parameters
    ----------
    approximate : {"none", "tanh"}
    """

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, x: Any) -> Any:
        return gelu(x, self.approximate)


class SiLU(Module):
    """`functional.silu` as a layer."""

    def forward(self, x: Any) -> Any:
        return silu(x)


class Softplus(Module):
    """`functional.softplus` as a layer.

    Parameters
    ----------
    beta : float > 0
    """

    def __init__(self, beta: float = 1.0) -> None:
        check_positive("Softplus's beta", beta)
        self.beta = beta

    def forward(self, x: Any) -> Any:
        return softplus(x, self.beta)


class LogSigmoid(Module):
    """`functional.log_sigmoid` as a layer."""

    def forward(self, x: Any) -> Any:
        return log_sigmoid(x)


class Mish(Module):
    """`functional.mish` as a layer."""

    def forward(self, x: Any) -> Any:
        return mish(x)


class CELU(Module):
    """`functional.celu` as a layer.

    Parameters
    ----------
    alpha : float > 0
    """

    def __init__(self, alpha: float = 1.0) -> None:
        check_positive("CELU's alpha", alpha)
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        return celu(x, self.alpha)


class GLU(Module):
    """`functional.glu` as a layer.

    Parameters
    ----------
    axis : int
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return glu(x, self.axis)


class Softsign(Module):
    """`functional.softsign` as a layer."""

    def forward(self, x: Any) -> Any:
        return softsign(x)
