"""Blocks, sizes and orders of axes, matrices with a diagonal, and functions of slices."""

import math
import operator

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..core.primitive import composed
from ..rules.indexing import scatter
from .reductions import composed_by_name
from .statistics import as_array


@composed(np.block, sequence=True)
def block(arrays):
    depth, rank = _depth(arrays), max([0, *map(np.ndim, _leaves(arrays))])
    if depth == 0:
        return np.copy(as_array(arrays))
    return _joined(arrays, depth, max(depth, rank))


def _leaves(nested):
    return [x for part in nested for x in _leaves(part)] if isinstance(nested, list) else [nested]


def _depth(nested):
    # How deep the lists are, in each of their parts.
    if not isinstance(nested, list):
        return 0
    depths = {_depth(part) for part in nested}
    if len(depths) != 1:
        raise ValueError(f"the lists of block are nested equally deep, and not empty; got depths {sorted(depths)}")
    return 1 + depths.pop()


def _joined(nested, depth, rank):
    if not isinstance(nested, list):
        x = as_array(nested)
        return np.reshape(x, (*(1,) * (rank - x.ndim), *x.shape))
    return np.concatenate([_joined(part, depth - 1, rank) for part in nested], axis=-depth)


@composed(np.resize)
def resize(a, new_shape):
    shape = (new_shape,) if isinstance(new_shape, int | np.integer) else tuple(new_shape)
    if min(shape, default=0) < 0:
        raise ValueError(f"an array is resized to lengths from 0 on; got {shape}")
    x, size = np.reshape(as_array(a), -1), math.prod(shape)
    if not x.shape[0]:
        return np.zeros_like(x, shape=shape)
    return np.reshape(np.tile(x, -(-size // x.shape[0]))[:size], shape)


@composed(np.rollaxis)
def rollaxis(a, axis, start=0):
    n = np.ndim(a)
    axis, start = normalize_axis_index(axis, n), n if start == n else normalize_axis_index(start, n)
    return np.moveaxis(a, axis, start - (axis < start))


composed(np.diagflat)(lambda v, k=0: np.diag(np.reshape(as_array(v), -1), k))


def diag_embed(x, offset=0, dim1=-2, dim2=-1):
    """The matrices that have the last axis of `x` for their diagonals, and 0 elsewhere.

    Parameters
    ----------
    x : array of shape (..., n)
    offset : int
        The number of the diagonal, above the main one if it is positive.
    dim1, dim2 : int
        The axes of the result, of ``x.ndim + 1``, that are the rows and columns of the matrices; they differ.

    Returns
    -------
    array of shape (..., n + abs(offset), n + abs(offset)), with the last two axes moved to dim1 and dim2

    Raises
    ------
    ValueError
        If `x` has no axis, or there are no such axes.
    """
    x = as_array(x)
    if not x.ndim:
        raise ValueError("diag_embed takes an array of one axis or more; got a single number")
    n = x.shape[-1]
    i, size = np.arange(n), n + abs(offset)
    y = scatter(x, (..., i - min(offset, 0), i + max(offset, 0)), (*x.shape[:-1], size, size))
    return np.moveaxis(y, (-2, -1), (dim1, dim2))


diag_embed = composed_by_name("diag_embed", diag_embed)


# Functions of slices


@composed(np.apply_along_axis)
def apply_along_axis(func1d, axis, arr, *args, **kwargs):
    x = as_array(arr)
    axis = normalize_axis_index(axis, x.ndim)
    x = np.moveaxis(x, axis, -1)
    shape = x.shape[:-1]
    if 0 in shape:
        raise ValueError(f"apply_along_axis takes a slice or more; got an array of shape {np.shape(arr)}")
    results = [as_array(func1d(x[index], *args, **kwargs)) for index in np.ndindex(shape)]
    y = np.reshape(np.stack([y.astype(results[0].dtype) for y in results]), (*shape, *results[0].shape))
    moved = range(len(shape), y.ndim)
    return np.moveaxis(y, moved, range(axis, axis + len(moved)))


@composed(np.apply_over_axes)
def apply_over_axes(func, a, axes):
    y = as_array(a)
    n = y.ndim
    for axis in axes if np.ndim(axes) else (operator.index(axes),):
        axis = axis + n if axis < 0 else axis
        reduced = func(y, axis)
        y = reduced if np.ndim(reduced) == y.ndim else np.expand_dims(reduced, axis)
        if y.ndim != n:
            raise ValueError(
                f"apply_over_axes takes a function that keeps the axes, or removes that which it is given; got one "
                f"that makes an array of {np.ndim(reduced)} axes of one of {n}"
            )
    return y
