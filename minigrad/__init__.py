"""minigrad: automatic differentiation on NumPy, with each derivative rule written once."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import allocator, linalg
from .anomaly import detect_anomaly
from .compile import compile
from .creation import (
    arange,
    eye,
    full,
    full_like,
    linspace,
    meshgrid,
    ones,
    ones_like,
    sample,
    zeros,
    zeros_like,
)
from .draw import draw
from .errors import (
    AnomalyError,
    CheckpointError,
    GradientError,
    GraphError,
    LevelError,
    NoRuleError,
    RecordingError,
    RuleError,
)
from .extending import primitive, register
from .functions import *
from .higher import hessian, hvp, jacobian
from .levels import enable_grad, is_grad_enabled, no_grad
from .recompute import checkpoint
from .tensor import Tensor, asarray, tensor
from .transforms import grad, jvp, value_and_grad, vjp

__version__ = "0.1.0"

# Loaded when first used, as `import minigrad` shall stay quick: rooms, and functions of rooms.
LATER = ("data", "io", "nn", "optim", "testing", "train")
LATER_OF = {"load": "io", "save": "io"}
# Names that PyTorch has and NumPy has not, and what is written here.
INSTEAD = {
    "cat": "mg.concat",
    "mm": "mg.matmul",
    "bmm": "mg.matmul",
    "clamp": "mg.clip",
    "relu": "mg.nn.functional.relu",
    "rand": "mg.tensor(rng.random(shape))",
    "randn": "mg.tensor(rng.normal(size=shape))",
    "from_numpy": "mg.asarray",
    "manual_seed": "np.random.default_rng(seed), which is passed on as rng",
}
if TYPE_CHECKING:
    from . import data, io, nn, optim, testing, train
    from .io import load, save


def __getattr__(name: str) -> Any:
    if name in LATER:
        return import_module(f".{name}", __name__)
    if name in LATER_OF:
        return getattr(import_module(f".{LATER_OF[name]}", __name__), name)
    instead = f". Use {INSTEAD[name]}" if name in INSTEAD else ""
    raise AttributeError(f"module 'minigrad' has no attribute {name!r}{instead}")


def __dir__() -> list[str]:
    return sorted({*globals(), *LATER, *LATER_OF})
