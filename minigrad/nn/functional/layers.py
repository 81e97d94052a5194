"""Linear maps, table look-up and dropout."""

from typing import Any

import numpy as np

from ...core.door import bare, bind
from ...core.foreign import admitted
from ...core.recorder import drawn, fixed, refuse
from ...ops.functions import einsum
from ..init import RNG
from ..precision import check_array, floating
from ..rules.linear import affine


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
    return x @ weight if bias is None else bind(affine, (x, weight, bias))


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
    """Refuse what is no array, or has not the length along its last axis that a layer was made for."""
    check_array(name, x)
    if not x.ndim or x.shape[-1] != n:
        raise ValueError(f"{name} takes a last axis of {n}; got an array of shape {x.shape}")


def embedding(indices: Any, weight: Any, padding_idx: int | None = None) -> Any:
    """The rows of `weight` (count, width) at `indices` (...), as an array of shape (..., width).

    Parameters
    ----------
    indices : array of integers
    weight : array
    padding_idx : int, optional
        The row of this index counts as zeros, so that it has no gradient either.

    Raises
    ------
    TypeError
        If `indices` are not integers.
    IndexError
        If an index is out of range; none counts from the end.
    """
    indices, rows = as_integers("embedding takes indices", indices), weight.shape[0]
    refuse(
        (indices < 0) | (indices >= rows),
        lambda: IndexError(
            f"this embedding has {rows} rows, for the indices 0 to {rows - 1}; got indices from {indices.min()} to "
            f"{indices.max()}"
        ),
    )
    y = weight[indices]
    return y if padding_idx is None else y * (indices != padding_idx)[..., None]


def as_integers(wanted: str, given: Any) -> Any:
    """Plain positions or labels; refuses floats."""
    given = bare(given)
    integers = given if hasattr(given, "dtype") else np.asarray(given)
    if integers.dtype.kind not in "iu":
        raise TypeError(f"{wanted}, which are integers; got {integers.dtype}. Use x.astype(int)")
    return integers


def dropout(x: Any, p: float = 0.5, training: bool = True, rng: RNG = None) -> Any:
    """`x` with each element set to 0 at probability p, and the others divided by 1 - p; x itself unless `training`.

    Parameters
    ----------
    x : array
    p : float in [0, 1]
    training : bool
    rng : Generator, seed or None
        A seed drops the same elements in every call; a generator goes on.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov, Dropout, JMLR 15 (2014).
    """
    check_probability(p)
    x = floating("dropout", x)
    if not training or p == 0:
        return x
    if p == 1:
        return x * fixed(np.zeros((), x.dtype))
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    kept = drawn(rng, "random", x.shape, dtype) >= p
    return x * (kept * fixed(np.asarray(1 / (1 - p), x.dtype)))


def check_probability(p: float) -> None:
    """Refuse what is no probability."""
    if not 0 <= p <= 1:
        raise ValueError(f"p is the probability of an element to be dropped, from 0 to 1; got {p!r}")
