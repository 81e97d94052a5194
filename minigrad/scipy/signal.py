"""Convolutions and filters, by the names of `scipy.signal`."""

from typing import Any

import numpy as np
import scipy.signal

from ..core.door import raise_if, unwrap
from ..core.primitive import Primitive
from ..rules.batching import one_by_one
from ..rules.external import external
from .convolution import convolution, shorter
from .operands import HALF, array

__all__ = ["convolve", "correlate", "fftconvolve", "lfilter"]

MODES = ("full", "same", "valid")


def checked_mode(taker: str, mode: str) -> None:
    """Refuse a mode that SciPy does not have."""
    if mode not in MODES:
        raise ValueError(f"{taker} takes mode 'full', 'same' or 'valid'; got {mode!r}")


def operands_of(taker: str, in1: Any, in2: Any) -> tuple[Any, Any]:
    """Two arrays of as many axes."""
    a, b = array(taker, in1), array(taker, in2)
    if a.ndim != b.ndim:
        raise ValueError(f"{taker} takes two arrays of as many axes; got the shapes {a.shape} and {b.shape}")
    return a, b


def convolved(taker: str, a: Any, b: Any, mode: str, method: str, axes: tuple[int, ...]) -> Any:
    """The convolution in one of SciPy's modes: "same" is the middle of "full"."""
    checked_mode(taker, mode)
    if any(not x.shape[i] for x in (a, b) for i in axes):
        raise ValueError(f"{taker} takes a number or more along each axis; got the shapes {a.shape} and {b.shape}")
    if mode == "valid":
        if shorter(a, b, axes) and shorter(b, a, axes):
            raise ValueError(
                f"{taker} with mode='valid' takes one array that is at least as long as the other along every axis; "
                f"got the shapes {a.shape} and {b.shape}"
            )
        return convolution(a, b, mode="valid", method=method, axes=axes)
    y = convolution(a, b, mode="full", method=method, axes=axes)
    if mode == "full":
        return y
    starts = [(y.shape[i] - a.shape[i]) // 2 if i in axes else 0 for i in range(a.ndim)]
    return y[tuple(slice(s, s + a.shape[i]) if i in axes else slice(None) for i, s in enumerate(starts))]


def convolve(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """The convolution of two arrays along all axes; linear in each.

    Parameters
    ----------
    in1, in2 : arrays of as many axes
    mode : {'full', 'same', 'valid'}
        'same' has the shape of `in1`; with 'valid' one is at least as long as the other along every axis.
    method : {'auto', 'direct', 'fft'}
        How it is computed, forward and in its derivatives; 'auto' is as `scipy.signal.choose_conv_method` says.

    Raises
    ------
    ValueError
        If the axes differ in number, or an option is none of these.
    """
    a, b = operands_of("convolve", in1, in2)
    if method not in ("auto", "direct", "fft"):
        raise ValueError(f"convolve takes method 'auto', 'direct' or 'fft'; got {method!r}")
    checked_mode("convolve", mode)
    if not a.ndim:
        return a * b
    if method == "auto":
        method = chosen(a, b, mode)
    return convolved("convolve", a, b, mode, method, tuple(range(a.ndim)))


def chosen(a: Any, b: Any, mode: str) -> str:
    """The method that is faster for two shapes, as SciPy guesses it: of arrays of ones, as it looks at sizes alone."""
    if not (a.size and b.size) or (mode == "valid" and shorter(a, b, range(a.ndim)) and shorter(b, a, range(a.ndim))):
        return "fft"
    return scipy.signal.choose_conv_method(np.ones(a.shape), np.ones(b.shape), mode=mode)


def correlate(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """The cross-correlation of two arrays along all axes: the convolution with `in2` reversed. See `convolve`."""
    a, b = operands_of("correlate", in1, in2)
    checked_mode("correlate", mode)
    return convolve(a, np.flip(b), mode, method)


def fftconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    """The convolution of two arrays by Fourier's transform; linear in each.

    Parameters
    ----------
    in1, in2 : arrays of as many axes
    mode : {'full', 'same', 'valid'}
        As of `convolve`.
    axes : int or sequence of int, optional
        Along which to convolve, by default all. Others broadcast.

    Raises
    ------
    ValueError
        If the axes differ in number or do not broadcast, or an option is none of these.
    """
    a, b = operands_of("fftconvolve", in1, in2)
    checked_mode("fftconvolve", mode)
    if not a.ndim:
        return a * b
    along = tuple(range(a.ndim)) if axes is None else np.lib.array_utils.normalize_axis_tuple(axes, a.ndim, "axes")
    if not along:
        raise ValueError("fftconvolve takes one axis or more; got none")
    return convolved("fftconvolve", a, b, mode, "fft", along)


# A filter is y = (b / a) x, where b and a are polynomials in the delay by one sample. The transpose of a filter is the
# filter in reversed time; the derivative by coefficient k is a filtered signal, delayed by k.


@external
def _filtered(b, a, x):
    dtype = np.result_type(b, a, x)
    if not x.size:
        return np.zeros(x.shape, dtype)
    b, a, x = (v.astype(np.float32) if v.dtype == HALF else v for v in (b, a, x))
    return scipy.signal.lfilter(b, a, x, axis=-1).astype(dtype, copy=False)


@external
def _lagged(g, x, count):
    n = x.shape[-1]
    sums = [np.sum(g[..., k:] * x[..., : max(n - k, 0)]) for k in range(count)]
    return np.array(sums, np.result_type(g, x))


def _one(a):
    return np.ones_like(a[:1])


def _batched(call):
    # The filter is along the last axis, so that coefficients that are the same for all need no axis of a batch.
    return one_by_one(call) if any(call.own[:2]) else call.result(call.operands, **call.kwargs)


filtered = Primitive(
    _filtered,
    [
        lambda g, y, b, a, x: lagged(g, filtered(_one(a), a, x), b.shape[0]),
        lambda g, y, b, a, x: -lagged(g, filtered(_one(a), a, y), a.shape[0]),
        lambda g, y, b, a, x: np.flip(filtered(b, a, np.flip(g, -1)), -1),
    ],
    "general",
    [
        lambda t, y, b, a, x: filtered(t, a, x),
        lambda t, y, b, a, x: -filtered(t, a, y),
        lambda t, y, b, a, x: filtered(b, a, t),
    ],
    batch=_batched,
)
lagged = Primitive(  # for each delay, the sum of products with the delayed signal
    _lagged,
    [
        lambda g, y, p, x, count: filtered(g, np.ones_like(g[:1]), x),
        lambda g, y, p, x, count: np.flip(filtered(g, np.ones_like(g[:1]), np.flip(p, -1)), -1),
    ],
    "multilinear",
)


def lfilter(b: Any, a: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """A signal filtered by a rational transfer function, ``a[0] y[n] = sum b[k] x[n - k] - sum a[k] y[n - k]``.

    Parameters
    ----------
    b, a : arrays of one axis
        Coefficients of the numerator and the denominator, all with a derivative; ``a[0]`` is not 0.
    x : array
    axis : int
        Along which to filter.
    zi : array, optional
        The state to begin with: the shape of `x`, with ``max(len(a), len(b)) - 1`` numbers along the axis; axes of
        length 1 broadcast.

    Returns
    -------
    y : array of the shape of x
    zf : array, if there is a `zi`
        The state at the end, to begin with in the next piece of a signal.

    Raises
    ------
    ValueError
        If coefficients have not one axis, ``a[0]`` is 0, or `zi` does not fit.
    """
    b, a, x = (array("lfilter", v) for v in (b, a, x))
    for name, v in (("b", b), ("a", a)):
        if v.ndim > 1 or not v.size:
            raise ValueError(f"lfilter takes coefficients {name} along one axis; got an array of shape {v.shape}")
    b, a = np.reshape(b, (-1,)), np.reshape(a, (-1,))
    raise_if(
        unwrap(a)[..., 0] == 0, lambda: ValueError("lfilter takes coefficients a that begin with another one than 0")
    )
    if not x.ndim:
        raise ValueError("lfilter takes a signal of one axis or more; got a number")
    moved = np.moveaxis(x, axis, -1)
    if zi is None:
        return np.moveaxis(filtered(b, a, moved), -1, axis)
    count = max(len(a), len(b)) - 1
    state = np.moveaxis(array("lfilter", zi), axis, -1) if np.ndim(zi) == x.ndim else None
    if state is None or state.shape[-1] != count or not fits(state.shape[:-1], moved.shape[:-1]):
        wanted = list(x.shape)
        wanted[axis] = count
        raise ValueError(f"lfilter takes a state zi of shape {tuple(wanted)}; got {np.shape(zi)}")
    y, last = from_state(b, a, moved, np.broadcast_to(state, (*moved.shape[:-1], count)) * a[0], count)
    return np.moveaxis(y, -1, axis), np.moveaxis(last, -1, axis)


def fits(shape: tuple[int, ...], wide: tuple[int, ...]) -> bool:
    """Whether a shape broadcasts to another one of as many axes."""
    return all(n in (1, m) for n, m in zip(shape, wide, strict=True))


def longer(v: Any, length: int) -> Any:
    """A signal with zeros behind it."""
    return np.pad(v, [(0, 0)] * (v.ndim - 1) + [(0, length - v.shape[-1])])


def from_state(b: Any, a: Any, x: Any, state: Any, count: int) -> tuple[Any, Any]:
    """A filtered signal, and the state at the end, from a state in units of ``a[0]``: an input beside b x.

    For the signals beyond the end, a y = b x + state holds as well if y ends there, but for the state that is left.
    """
    n = x.shape[-1]
    one = _one(a)
    enough = max(n, count)
    y = (filtered(b, a, x) + filtered(one, a, longer(state, enough)[..., :n]))[..., :n]
    left = filtered(b, one, longer(x, n + count)) + longer(state, n + count) - filtered(a, one, longer(y, n + count))
    return y, left[..., n:] / a[0]
