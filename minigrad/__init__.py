"""minigrad: automatic differentiation on NumPy, with each derivative rule written once."""

from . import allocator, linalg, optim
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
