"""minigrad: automatic differentiation on NumPy, with each derivative rule written once."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import allocator, linalg
from .anomaly import detect_anomaly
from .creation import (
    arange,
    eye,
    full,
    full_like,
    linspace,
    meshgrid,
    ones,
    ones_like,
    zeros,
    zeros_like,
)
from .errors import AnomalyError, GradientError, GraphError, LevelError, NoRuleError, RuleError
from .extending import primitive, register
from .functions import *
from .higher import hessian, hvp, jacobian
from .levels import enable_grad, is_grad_enabled, no_grad
from .recompute import checkpoint
from .tensor import Tensor, asarray, tensor
from .transforms import grad, jvp, value_and_grad, vjp

__version__ = "0.1.0"

# Loaded when first used, as `import minigrad` shall stay quick.
LATER = ("nn", "optim", "testing")
if TYPE_CHECKING:
    from . import nn, optim, testing


def __getattr__(name: str) -> Any:
    if name in LATER:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module 'minigrad' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *LATER})
