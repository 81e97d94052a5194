"""The functions between layers."""

from typing import Any

from ...core.foreign import admitted
from ...core.short import public
from ...ops.functions import log_softmax, sigmoid, softmax
from ...ops.functions import tanh as hyperbolic_tangent
from ..precision import floating
from ..rules import activations as rules

relu = public(rules.relu)
leaky_relu = public(rules.leaky_relu)
elu = public(rules.elu)
log_sigmoid = public(rules.log_sigmoid)
normal_cdf, gelu_tanh = public(rules.normal_cdf), public(rules.gelu_tanh)
softplus_of_slope_one = public(rules.softplus)

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
    return softplus_of_slope_one(x) if beta == 1 else softplus_of_slope_one(beta * floating("softplus", x)) / beta


def tanh(x: Any) -> Any:
    """The hyperbolic tangent; of integers in the default float, where np.tanh computes short ones in half precision."""
    return hyperbolic_tangent(floating("tanh", x))


__all__ = [
    "elu",
    "gelu",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]
