"""How often something is there, and what is there at all: values and weights keep derivatives, counts have none."""

from typing import Any, NamedTuple

import numpy as np

from ..core.door import plain_index, unwrap
from ..core.primitive import Primitive, composed, constant
from ..core.recorder import refuse_recording
from ..rules.batching import refused
from ..rules.indexing import scatter
from ..rules.positions import COUNTED, weighted_counts

# Counts


def counts(x, minlength=0):
    """How often each integer is there, from 0 on."""
    return np.bincount(x, minlength=minlength)


counts = constant(counts, batch=COUNTED)


@composed(np.bincount)
def bincount(x, weights=None, minlength=0):
    return counts(x, minlength) if weights is None else weighted_counts(x, weights, minlength)


def counts_between(x, edges):
    """How many numbers there are between each edge and the next."""
    return np.histogram(x, edges)[0]


def bins_of(x, edges):
    """The bin of each number, of which the last includes its upper edge; what is in no bin gets the number of bins."""
    bins = np.searchsorted(edges, x, "right") - 1
    return np.where(bins < 0, edges.shape[0] - 1, bins - (x == edges[-1]))


def edges_of(a, bins, range, weights):
    """The edges of the bins of a histogram."""
    return np.histogram_bin_edges(unwrap(a), bins, range, unwrap(weights))


counts_between, bins_of = constant(counts_between), constant(bins_of)
edges_of = constant(
    edges_of, batch=refused("chooses bins by values", "Use np.searchsorted(edges, x) and mg.index_add(counts, bins, 1)")
)


@composed(np.histogram)
def histogram(a, bins=10, range=None, density=None, weights=None):
    edges = _edges(a, bins, range, weights)
    if weights is None:
        sums = counts_between(a, edges)
    else:
        n = np.shape(edges)[0] - 1
        sums = scatter(np.reshape(weights, -1), bins_of(np.reshape(a, -1), edges), (n + 1,))[:n]
    if density:
        sums = sums / np.diff(edges).astype(np.float64) / np.sum(sums)
    return sums, edges


def _edges(a, bins, range, weights):
    if isinstance(bins, str):
        refuse_recording("chooses the number of bins by values", "Pass a number of bins")
    plain = edges_of(a, plain_index(bins), plain_index(range), weights)
    if np.ndim(bins):
        return np.asarray(bins) if isinstance(bins, list | tuple) else bins
    if range is None:
        range = (np.min(a), np.max(a)) if np.size(a) else (0.0, 1.0)
    zero = np.zeros_like(a, plain.dtype, shape=())
    first, last = zero + range[0], zero + range[1]
    wider = np.where(first == last, zero + 0.5, zero)
    return np.linspace(first - wider, last + wider, len(plain), dtype=plain.dtype)


# Distinct values: the derivative is that of the first of several equal elements.


class UniqueCountsResult(NamedTuple):
    """The distinct values, and how often each is there."""

    values: Any
    counts: Any


class UniqueInverseResult(NamedTuple):
    """The distinct values, and the position among them of each element."""

    values: Any
    inverse_indices: Any


DISTINCT = refused("finds a number of elements", "Use np.sort(x), and compare neighbours")
found, all_found = (Primitive(function, (), "constant", batch=DISTINCT) for function in (np.unique, np.unique_all))


@composed(np.unique)
def unique(ar, return_index=False, return_inverse=False, return_counts=False, axis=None, **options):
    _, first, *others = found(ar, True, return_inverse, return_counts, axis, **options)
    values = np.take(ar, first, axis)
    if return_index:
        others.insert(0, first)
    return (values, *others) if others else values


@composed(np.unique_all)
def unique_all(x):
    every = all_found(x)
    return every._replace(values=np.take(x, every.indices))


composed(np.unique_values)(lambda x: unique_all(x).values)


@composed(np.unique_counts)
def unique_counts(x):
    every = unique_all(x)
    return UniqueCountsResult(every.values, every.counts)


@composed(np.unique_inverse)
def unique_inverse(x):
    every = unique_all(x)
    return UniqueInverseResult(every.values, every.inverse_indices)
