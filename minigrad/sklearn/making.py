"""What an estimator is made of: a network for the shapes of the data, and an optimizer, from what its user says."""

import copy
import inspect
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from .. import nn, optim
from ..nn import Module
from ..optim import Optimizer

ACTIVATIONS = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "logistic": nn.Sigmoid,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "identity": nn.Identity,
}


def sizes_of(hidden: Any) -> list[int]:
    """The numbers of outputs of the layers between."""
    sizes = np.atleast_1d(np.asarray(hidden, object))
    if not all(isinstance(n, (int, np.integer)) and n >= 1 for n in sizes):
        raise ValueError(f"hidden_layer_sizes is an integer, at least 1, or a sequence of these; got {hidden!r:.60}")
    return [int(n) for n in sizes]


def make_module(module: Any, sizes: Sequence[int], activation: Any, rng: np.random.Generator) -> Module:
    """The network of an estimator, for `sizes` of inputs, hidden layers and outputs."""
    if isinstance(module, Module):
        return copy.deepcopy(module)
    if module is None:
        return layers(sizes, activation, rng)
    if not callable(module):
        raise TypeError(
            f"module is an nn.Module, a function of the numbers of inputs and outputs that makes one, or None; got "
            f"{module!r:.60}"
        )
    made = module(sizes[0], sizes[-1], **({"rng": rng} if takes(module, "rng") else {}))
    if not isinstance(made, Module):
        raise TypeError(f"the function given as module returns an nn.Module; it returned a {type(made).__name__}")
    return made


def layers(sizes: Sequence[int], activation: Any, rng: np.random.Generator) -> Module:
    """Linear layers with an activation between each two."""
    between = ACTIVATIONS.get(activation) if isinstance(activation, str) else activation
    if not (isinstance(between, type) and issubclass(between, Module)):
        raise ValueError(f"activation is one of {', '.join(ACTIVATIONS)}, or a class of nn; got {activation!r:.60}")
    steps: list[Module] = []
    for n, m in pairwise(sizes):
        steps += [nn.Linear(n, m, rng=rng), between()]
    return nn.Sequential(*steps[:-1])


def make_optimizer(optimizer: Any, params: Any, lr: float, weight_decay: float) -> Optimizer:
    """The optimizer of an estimator: of a name, a class of optim, or a function of the parameters."""
    known = {name.lower(): kind for name, kind in vars(optim).items() if is_optimizer(kind) and name != "LBFGS"}
    if isinstance(optimizer, str):
        if optimizer.lower() not in known:
            raise ValueError(f"optimizer is one of {', '.join(sorted(known))}, or a class of optim; got {optimizer!r}")
        optimizer = known[optimizer.lower()]
    if is_optimizer(optimizer):
        if takes(optimizer, "weight_decay"):
            return optimizer(params, lr=lr, weight_decay=weight_decay)
        if weight_decay:
            raise ValueError(f"{optimizer.__name__} has no weight decay; got weight_decay={weight_decay!r}. Leave it 0")
        return optimizer(params, lr=lr)
    made = optimizer(params) if callable(optimizer) else optimizer
    if not isinstance(made, Optimizer):
        raise TypeError(
            f"optimizer is a name, a class of optim, or a function of the parameters that makes one; got "
            f"{optimizer!r:.60}"
        )
    return made


def is_optimizer(kind: Any) -> bool:
    """Whether it is a class of optimizers."""
    return isinstance(kind, type) and issubclass(kind, Optimizer) and kind is not Optimizer


def takes(function: Callable[..., Any], name: str) -> bool:
    """Whether a function has a parameter of a name; functions written in C may not say."""
    try:
        return name in inspect.signature(function).parameters
    except ValueError:
        return False
