"""The functions between layers, as modules."""

from typing import Any

from . import functional
from .module import Module


class Sigmoid(Module):
    """``1 / (1 + exp(-x))``."""

    def forward(self, x: Any) -> Any:
        return functional.sigmoid(x)


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, x: Any) -> Any:
        return functional.tanh(x)


class ReLU(Module):
    """``x``, or 0 where x is negative."""

    def forward(self, x: Any) -> Any:
        return functional.relu(x)


class LeakyReLU(Module):
    """``x``, or `negative_slope` times x where x is negative.

    Parameters
    ----------
    negative_slope : float
        The slope below 0.
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Any:
        return functional.leaky_relu(x, self.negative_slope)


class ELU(Module):
    """``x``, or ``alpha * (exp(x) - 1)`` where x is negative.

    Parameters
    ----------
    alpha : float
        The function tends to -alpha where x is very negative.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        return functional.elu(x, self.alpha)


class SELU(Module):
    """ELU with the alpha and the scale that keep mean 0 and variance 1 from layer to layer."""

    def forward(self, x: Any) -> Any:
        return functional.selu(x)


class GELU(Module):
    """``x * Phi(x)``, Phi being the normal distribution function; with "tanh" the usual approximation.

    Parameters
    ----------
    approximate : {"none", "tanh"}
        As of `functional.gelu`.
    """

    def __init__(self, approximate: str = "none") -> None:
        self.approximate = approximate

    def forward(self, x: Any) -> Any:
        return functional.gelu(x, self.approximate)


class SiLU(Module):
    """``x * sigmoid(x)``."""

    def forward(self, x: Any) -> Any:
        return functional.silu(x)


class Softplus(Module):
    """``log(1 + exp(beta * x)) / beta``.

    Parameters
    ----------
    beta : float > 0
        The larger, the nearer to relu.
    """

    def __init__(self, beta: float = 1.0) -> None:
        self.beta = beta

    def forward(self, x: Any) -> Any:
        return functional.softplus(x, self.beta)


class Softmax(Module):
    """``exp(x)`` over its sum along an axis.

    Parameters
    ----------
    axis : int
        That of the classes: 1 for images of scores, (batch, classes, height, width).
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return functional.softmax(x, axis=self.axis)


class LogSoftmax(Module):
    """The logarithm of Softmax.

    Parameters
    ----------
    axis : int
        As of `Softmax`.
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def forward(self, x: Any) -> Any:
        return functional.log_softmax(x, axis=self.axis)


class LogSigmoid(Module):
    """The logarithm of Sigmoid."""

    def forward(self, x: Any) -> Any:
        return functional.log_sigmoid(x)
