"""What a data set can be, and how samples make a batch."""

import operator
from typing import Any

import numpy as np

from ..core.foreign import is_sparse
from ..core.tree import leaves, tree_map
from .frames import frame_values, is_frame


def in_arrays(data: Any) -> bool:
    """Whether the samples lie along the first axes of arrays, rather than one by one."""
    return isinstance(data, tuple | dict) or is_arraylike(data)


def is_arraylike(x: Any) -> bool:
    return hasattr(x, "__array_function__") or is_sparse(type(x))


def without_frames(tree: Any) -> Any:
    """A tree with arrays in the place of pandas' frames, series and indices, and sparse matrices by rows.

    The tree itself, if it has none of these.
    """
    return tree_map(in_rows, tree) if any(is_frame(x) or is_sparse(type(x)) for x in leaves(tree)) else tree


def in_rows(x: Any) -> Any:
    """Data whose rows can be taken: the values of a frame, or a sparse matrix in compressed rows."""
    return x.tocsr() if is_sparse(type(x)) else frame_values(x)


def count_of(data: Any) -> int:
    """The number of samples in a data set; refuses anything else."""
    if in_arrays(data):
        arrays = leaves(data)
        for x in arrays:
            if not is_arraylike(x) or not x.shape:
                raise TypeError(f"a tree of data holds arrays with the samples along the first axis; got {x!r:.60}")
        lengths = [x.shape[0] for x in arrays]
        if len(set(lengths)) > 1:
            raise ValueError(f"the arrays of a data set have the same number of samples; got {lengths}")
        return lengths[0] if lengths else 0
    if hasattr(data, "__len__") and hasattr(data, "__getitem__"):
        return len(data)
    raise TypeError(
        f"a data set is an array, a tuple or dict of arrays, or has len(data) and data[i]; got a {type(data).__name__}"
    )


def rows(index: Any, x: Any) -> Any:
    """Some rows of an array, dense ones of a sparse matrix.

    A view of an ndarray is locked: writing to a batch must not change the data set.
    """
    taken = x[index].toarray() if is_sparse(type(x)) else x[index]
    if isinstance(index, slice) and isinstance(taken, np.ndarray):
        taken.flags.writeable = False
    return taken


def stacked_samples(samples: list[Any]) -> Any:
    """Samples as a batch: a tree of the same structure as each sample."""
    if any(is_frame(x) or is_sparse(type(x)) for x in leaves(samples[0])):
        samples = [tree_map(densely, without_frames(sample)) for sample in samples]
    try:
        return tree_map(stack, *samples)
    except ValueError as error:
        raise ValueError(
            f"the samples of a batch have the same structure and shapes: {error}. A list is a data set of "
            f"samples; arrays that hold one in each row go in a tuple: (x, y)"
        ) from error


def densely(x: Any) -> Any:
    """A sample's part as it is stacked: a sparse one by its values."""
    return x.toarray() if is_sparse(type(x)) else x


def stack(*xs: Any) -> Any:
    """Arrays or numbers, one on the other; None among them would make objects of all."""
    if any(x is None for x in xs):
        raise ValueError("some samples have None where others have a value")
    return np.stack(xs)


def checked_count(name: str, value: Any, low: int) -> int:
    try:
        count = operator.index(value)
    except TypeError:
        count = low - 1
    if count < low or isinstance(value, bool):
        raise ValueError(f"{name} is an integer, at least {low}; got {value!r}")
    return count
