"""Methods of ufuncs: reductions, running ones, those of slices, all pairs, and adding at an index."""

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..core.door import plain_index
from ..core.primitive import composed, constant
from ..rules.batching import along
from ..rules.indexing import scatter
from ..rules.network import logsumexp, running_logsumexp
from ..rules.positions import last_extreme
from .indexing import index_add


def _reduce(function):
    def reduce(array, axis=0, dtype=None, out=None, keepdims=False):
        options = {} if dtype is None else {"dtype": dtype}
        return function(array, axis=axis, keepdims=keepdims, **options)

    return reduce


for ufunc, function in ((np.add, np.sum), (np.multiply, np.prod), (np.maximum, np.max), (np.minimum, np.min)):
    composed((ufunc, "reduce"))(_reduce(function))


@composed((np.logaddexp, "reduce"))
def logaddexp_reduce(array, axis=0, keepdims=False):
    return logsumexp(array.astype(np.result_type(array.dtype, np.float16)), axis, keepdims)


# Running results. That of an extremum is the last element which attained it, as PyTorch's cummax has it.


def _accumulate(function):
    def accumulate(array, axis=0, dtype=None):
        return function(array, axis=axis) if dtype is None else function(array, axis=axis, dtype=dtype)

    return accumulate


def _running_extremum(ufunc):
    def accumulate(array, axis=0):
        axis = normalize_axis_index(axis, np.ndim(array))
        return np.take_along_axis(array, last_extreme(array, axis, ufunc), axis)

    return accumulate


for ufunc, function in ((np.add, np.cumsum), (np.multiply, np.cumprod)):
    composed((ufunc, "accumulate"))(_accumulate(function))
for ufunc in (np.maximum, np.minimum):
    composed((ufunc, "accumulate"))(_running_extremum(ufunc))


@composed((np.logaddexp, "accumulate"))
def logaddexp_accumulate(array, axis=0):
    return running_logsumexp(array.astype(np.result_type(array.dtype, np.float16)), axis)


# Sums of slices, each from its index to the next one, or of one element where the next is not larger


def sums_of_whole_numbers(x, starts, axis):
    """The sums of slices of integers, exact as those of floats could not be."""
    return np.add.reduceat(x, starts, axis)


sums_of_whole_numbers = constant(sums_of_whole_numbers, batch=along(0, place=2))


@composed((np.add, "reduceat"))
def add_reduceat(array, indices, axis=0, dtype=None):
    array = array if dtype is None else array.astype(dtype)
    axis, starts = normalize_axis_index(axis, np.ndim(array)), np.asarray(plain_index(indices))
    n = np.shape(array)[axis]
    if starts.ndim != 1 or starts.dtype.kind not in "iu" or (starts < 0).any() or (starts >= n).any():
        raise IndexError(f"add.reduceat takes a list of indices from 0 to {n - 1}, the last of its axis; got {indices}")
    if array.dtype.kind != "f":
        return sums_of_whole_numbers(array, starts, axis)
    counts = np.maximum(np.diff(starts, append=n), 1)
    inside = np.arange(np.sum(counts)) - np.repeat(np.cumsum(counts) - counts, counts)
    parts = np.moveaxis(array, axis, 0)[np.repeat(starts, counts) + inside]
    sums = scatter(parts, np.repeat(np.arange(starts.size), counts), (starts.size, *parts.shape[1:]))
    return np.moveaxis(sums, 0, axis)


# All pairs


def _outer(ufunc):
    def outer(a, b, /):
        return ufunc(np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b)

    return outer


for ufunc in (
    *(np.add, np.subtract, np.multiply, np.divide, np.power, np.float_power, np.remainder, np.fmod, np.floor_divide),
    *(np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp, np.logaddexp2, np.hypot, np.arctan2, np.copysign),
    np.heaviside,
):
    composed((ufunc, "outer"))(_outer(ufunc))


# Writing into the first argument, which has another value and node then


@composed((np.add, "at"))
def add_at(a, indices, b, /):
    a[...] = index_add(a, indices, b)


@composed((np.subtract, "at"))
def subtract_at(a, indices, b, /):
    a[...] = index_add(a, indices, np.subtract(np.zeros_like(a, shape=()), b))
