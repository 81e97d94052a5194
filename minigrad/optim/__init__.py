"""Optimizers: objects that update parameters in place, from the gradients that `backward()` left in them."""

from typing import TYPE_CHECKING, Any

from ..words import OPTIMIZERS, instead
from . import lr_scheduler
from .adafactor import Adafactor
from .adam import Adam, AdamW, NAdam, RAdam
from .adamax import Adamax
from .adaptive import Adadelta, Adagrad, RMSprop
from .asgd import ASGD
from .averaging import EMA, update_bn
from .clipping import clip_grad_norm_, clip_grad_value_
from .lamb import LAMB
from .lbfgs import LBFGS
from .lion import Lion
from .muon import Muon
from .optimizer import Optimizer
from .rprop import Rprop
from .rule import Rule
from .sgd import SGD
from .torch_state import from_torch, to_torch

__all__ = [
    "ASGD",
    "EMA",
    "LAMB",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "Rule",
    "clip_grad_norm_",
    "clip_grad_value_",
    "from_torch",
    "lr_scheduler",
    "to_torch",
    "update_bn",
]

if not TYPE_CHECKING:  # pragma: no branch: an unknown name is an error to a type checker, too

    def __getattr__(name: str) -> Any:
        hint = instead(name, OPTIMIZERS, {"optim.": __all__, "optim.lr_scheduler.": lr_scheduler.__all__})
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint}")
