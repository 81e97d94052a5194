"""Convolutions along some axes, linear in both operands: the transpose of one is another, with an operand reversed."""

import numpy as np
import scipy.signal

from ..core.primitive import Primitive
from ..rules.batching import one_by_one
from ..rules.external import external
from .operands import HALF


@external
def _convolve(a, b, mode="full", method="fft", axes=()):
    dtype = np.result_type(a, b)
    if not a.size or not b.size:
        return np.zeros(lengths(a.shape, b.shape, mode, axes), dtype)
    a, b = (x.astype(np.float32) if x.dtype == HALF else x for x in (a, b))
    if method == "direct":
        y = scipy.signal.convolve(a, b, mode=mode, method="direct")
    else:
        y = scipy.signal.fftconvolve(a, b, mode=mode, axes=axes)
    return y.astype(dtype, copy=False)


def lengths(a, b, mode, axes):
    """The shape of the convolution of arrays of two shapes."""
    along = {i: n + m - 1 if mode == "full" else abs(n - m) + 1 for i, (n, m) in enumerate(zip(a, b, strict=True))}
    other = [n for i, n in enumerate(a) if i not in axes], [n for i, n in enumerate(b) if i not in axes]
    rest = iter(np.broadcast_shapes(*map(tuple, other)))
    return tuple(along[i] if i in axes else next(rest) for i in range(len(a)))


def shorter(a, b, axes):
    """Whether `a` is the shorter operand along the axes, which slides over the other one in the mode "valid"."""
    return any(a.shape[i] < b.shape[i] for i in axes)


def _of_first(g, y, a, b, mode="full", method="fft", axes=()):
    if mode == "full":
        return convolution(g, np.flip(b, axes), mode="valid", method=method, axes=axes)
    if shorter(a, b, axes):
        return convolution(np.flip(b, axes), g, mode="valid", method=method, axes=axes)
    return convolution(g, np.flip(b, axes), mode="full", method=method, axes=axes)


def _of_second(g, y, a, b, mode="full", method="fft", axes=()):
    return _of_first(g, y, b, a, mode, method, axes)


def _batched(call):
    # The axis of the batch is none to convolve along: a product in the mode of NumPy's broadcasting.
    if call.kwargs["method"] == "direct":
        return one_by_one(call)
    operands = [x if own else np.expand_dims(x, 0) for x, own in zip(call.operands, call.own, strict=True)]
    return call.result(operands, **{**call.kwargs, "axes": tuple(i + 1 for i in call.kwargs["axes"])})


convolution = Primitive(_convolve, [_of_first, _of_second], "multilinear", batch=_batched)
