"""Maps that are linear in each array: the affine map of a layer, and the form of two arrays."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.foreign import admitted
from ..core.primitive import general
from ..core.short import public
from ..ops.functions import einsum
from ..rules.batching import rewritten
from ..rules.linalg import matmul
from . import init
from .init import RNG
from .module import Module
from .parameter import Parameter
from .precision import check_array, floating
from .sizes import checked_count, checked_flag


def affine(x, w, b):
    """``x @ w + b`` of a matrix w and a vector b, and of any x with rows in its last axis."""
    y = matmul.compute(x, w)
    if y.dtype != np.result_type(y, b):
        return y + b
    y += b
    return y


def _affine_shift(g, y, x, w, b):
    count = math.prod(g.shape[:-1])  # a product with ones adds up rows in half of np.sum's time
    return matmul(np.ones_like(g, shape=(1, count)), g.reshape(count, g.shape[-1])).reshape(g.shape[-1])


_stacked = rewritten(lambda x, w, b: np.matmul(x, w) + b)


def _of_batch(call):  # shared weights take any x with rows
    return call.result(call.operands) if call.only_first() else _stacked(call)


affine = public(
    general(
        affine,
        lambda g, y, x, w, b: matmul.rules[0](g, y, x, w),
        lambda g, y, x, w, b: matmul.rules[1](g, y, x, w),
        _affine_shift,
        forward=[
            lambda t, y, x, w, b: t @ w,
            lambda t, y, x, w, b: x @ t,
            lambda t, y, x, w, b: np.broadcast_to(t, y.shape),
        ],
        batch=_of_batch,
    )
)


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """``x @ weight + bias``: an affine map of the last axis.

    Parameters
    ----------
    x : array of shape (..., in)
    weight : array of shape (in, out)
        The transpose of PyTorch's.
    bias : array of shape (out,), optional
    """
    check_last("linear", x, weight.shape[0])
    x, weight = admitted("linear", x), floating("the weight of linear", weight)
    return x @ weight if bias is None else affine(x, weight, bias)


def bilinear(x1: Any, x2: Any, weight: Any, bias: Any = None) -> Any:
    """``x1 @ weight[:, :, k] @ x2 + bias[k]`` for each k, an array of shape (..., out).

    Parameters
    ----------
    x1 : array of shape (..., in1)
    x2 : array of shape (..., in2)
    weight : array of shape (in1, in2, out)
    bias : array of shape (out,), optional
    """
    check_last("bilinear", x1, weight.shape[0])
    check_last("bilinear", x2, weight.shape[1])
    if x1.shape[:-1] != x2.shape[:-1]:
        raise ValueError(f"bilinear takes two arrays that differ in the last axis only; got {x1.shape} and {x2.shape}")
    x1, x2, weight = (floating("bilinear", x) for x in (x1, x2, weight))
    y = einsum("...i,ijk,...j->...k", x1, weight, x2)
    return y if bias is None else y + bias


def check_last(name: str, x: Any, n: int) -> None:
    """Refuse anything but an array whose last axis has the length that a layer was made for."""
    check_array(name, x)
    if not x.ndim or x.shape[-1] != n:
        raise ValueError(f"{name} takes a last axis of {n}; got an array of shape {x.shape}")


WEIGHTS = {"weight", *(f"parametrizations.weight.{name}" for name in ("original", "original0", "original1"))}


class Linear(Module):
    """Affine map of the last axis, `functional.linear`: (..., in_features) -> (..., out_features).

    Parameters
    ----------
    in_features, out_features : int
        The weight has the shape (in_features, out_features), and starts from `init.glorot_uniform`.
    bias : bool
        Whether to add a bias, which starts from zeros.
    rng : Generator, seed or None

    Attributes
    ----------
    weight : Parameter of shape (in_features, out_features)
    bias : Parameter of shape (out_features,), or None

    Examples
    --------
    >>> layer = nn.Linear(3, 2, rng=0)
    >>> layer(np.ones((5, 3))).shape
    (5, 2)
    >>> [(name, p.shape) for name, p in layer.named_parameters()]
    [('weight', (3, 2)), ('bias', (2,))]
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, rng: RNG = None) -> None:
        bias = checked_flag("bias of Linear", bias)
        rows = checked_count("in_features of Linear", in_features, 1)
        columns = checked_count("out_features of Linear", out_features, 1)
        self.weight = Parameter(init.glorot_uniform((rows, columns), rng))
        self.bias = Parameter(np.zeros(columns)) if bias else None

    def forward(self, x: Any) -> Any:
        return linear(x, self.weight, self.bias)

    def from_torch(self, state: Mapping[str, Any]) -> dict[str, Any]:
        return {name: np.transpose(x) if name in WEIGHTS else x for name, x in state.items()}

    def to_torch(self, state: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return self.from_torch(self.state_dict() if state is None else state)


class Bilinear(Module):
    """A form of two arrays, `functional.bilinear`: (..., in1_features) and (..., in2_features) -> (..., out_features).

    Parameters
    ----------
    in1_features, in2_features, out_features : int
        The weight has the shape (in1_features, in2_features, out_features), and starts uniform in
        ±1 / sqrt(in1_features).
    bias : bool
        Whether to add a bias, which starts from zeros.
    rng : Generator, seed or None
    """

    def __init__(
        self, in1_features: int, in2_features: int, out_features: int, bias: bool = True, rng: RNG = None
    ) -> None:
        bias = checked_flag("bias of Bilinear", bias)
        bound = checked_count("in1_features of Bilinear", in1_features, 1) ** -0.5
        values = init.uniform((in1_features, in2_features, out_features), -bound, bound, rng)
        self.weight = Parameter(values, fans=(in1_features * in2_features, out_features))
        self.bias = Parameter(np.zeros(out_features)) if bias else None

    def forward(self, x1: Any, x2: Any) -> Any:
        return bilinear(x1, x2, self.weight, self.bias)

    def from_torch(self, state: Mapping[str, Any]) -> dict[str, Any]:
        return {name: np.moveaxis(x, 0, -1) if name in WEIGHTS else x for name, x in state.items()}

    def to_torch(self, state: Mapping[str, Any] | None = None) -> dict[str, Any]:
        state = self.state_dict() if state is None else state
        return {name: np.moveaxis(x, -1, 0) if name in WEIGHTS else x for name, x in state.items()}
