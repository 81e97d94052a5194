"""Linear maps along the axes of images, each element of the result being of a few others: means of parts, resizing."""

from functools import cached_property

import numpy as np

from ..core.primitive import linear
from ..rules.batching import merged
from .window import image_of, image_rows


class Stencil:
    """A linear map along an axis: element i of the result is the sum of ``weights[:, i] * x[indices[:, i]]``.

    Parameters
    ----------
    indices : array of shape (terms, places)
        Of integers from 0 to `size`; there, at the end of x, is a zero.
    weights : array of shape (terms, places)
    size : int
        The length of x.
    """

    def __init__(self, indices, weights, size):
        self.indices, self.weights, self.size = indices, weights, size
        self.ragged = bool(np.any(indices == size))

    @cached_property
    def transpose(self):
        """The map of cotangents: for each element of x, the places that it is in."""
        _, place = np.nonzero(self.weights)
        element, weight = self.indices[self.weights != 0], self.weights[self.weights != 0]
        order = np.argsort(element, kind="stable")
        element, place, weight = element[order], place[order], weight[order]
        term = np.arange(len(element)) - np.searchsorted(element, element)
        shape, places = (np.max(term, initial=0) + 1, self.size), self.weights.shape[1]
        indices, weights = np.full(shape, places), np.zeros(shape)
        indices[term, element], weights[term, element] = place, weight
        other = Stencil(indices, weights, places)
        other.transpose = self
        return other


def _stencil_along(rows, stencil, axis):
    if stencil.ragged:
        shape = (*rows.shape[:axis], 1, *rows.shape[axis + 1 :])
        rows = np.concatenate([rows, np.zeros_like(rows, shape=shape)], axis)
    weights = np.asarray(stencil.weights, rows.dtype, like=rows)
    weights = weights.reshape(*weights.shape, *(1,) * (rows.ndim - axis - 1))
    y = np.take(rows, stencil.indices[0], axis) * weights[0]
    for i in range(1, len(stencil.indices)):
        y += np.take(rows, stencil.indices[i], axis) * weights[i]
    return y


def resampled(x, stencils):
    """The image mapped along each axis after the channels by a stencil, or None where it stays as it is."""
    rows, axes = image_rows(x), (*range(x.ndim - 3), x.ndim - 2)
    for stencil, axis in zip(stencils, axes, strict=True):
        if stencil is not None:
            rows = _stencil_along(rows, stencil, axis)
    return image_of(rows)


resampled = linear(
    resampled,
    lambda g, y, x, stencils: resampled(g, tuple(stencil and stencil.transpose for stencil in stencils)),
    batch=merged(0),
)
