"""First values of parameters: arrays of a shape, drawn by a generator.

`rng` is a np.random.Generator, a seed, or None for another draw in each run. In place of a shape there may be a
parameter, or a layer with a weight: those know how many numbers they add up. A bare shape of two axes is that of a
matrix (fan in, fan out), as Linear has it; one of more axes comes with its `layout`, ``...`` being the field of view:

=========== ===============================================================
``"oi..."`` (out, in, ...), as the kernels of Conv2d
``"io..."`` (in, out, ...), as those of ConvTranspose2d
``"...io"`` (..., in, out), as other libraries have kernels, or a stack of matrices
=========== ===============================================================

>>> layer.weight.data = nn.init.he_normal(layer, rng)
"""

import math
from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np

from ..core.recorder import drawn
from .module import Module
from .parameter import Parameter

__all__ = [
    "constant",
    "fans",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "normal",
    "orthogonal",
    "uniform",
    "zeros",
]

RNG = np.random.Generator | int | None
Shape = Sequence[int] | Parameter | Module

# The axes of fan in and fan out in each layout.
LAYOUTS = {"io": (0, 1), "oi": (1, 0), "io...": (0, 1), "oi...": (1, 0), "...io": (-2, -1), "...oi": (-1, -2)}


def zeros(shape: Shape) -> np.ndarray:
    """Zeros."""
    return np.zeros(as_shape(shape))


def constant(shape: Shape, value: float) -> np.ndarray:
    """The same number everywhere."""
    return np.full(as_shape(shape), float(value))


def uniform(shape: Shape, low: float = 0.0, high: float = 1.0, rng: RNG = None) -> np.ndarray:
    """Uniform numbers in [low, high).

    Parameters
    ----------
    shape : sequence of int, Parameter, or layer with a weight
    low, high : float
    rng : Generator, seed or None
    """
    return drawn(rng, "uniform", low, high, as_shape(shape))


def normal(shape: Shape, mean: float = 0.0, std: float = 1.0, rng: RNG = None) -> np.ndarray:
    """Normal numbers of that mean and standard deviation.

    Parameters
    ----------
    shape : sequence of int, Parameter, or layer with a weight
    mean, std : float
    rng : Generator, seed or None
    """
    return drawn(rng, "normal", mean, std, as_shape(shape))


def glorot_uniform(shape: Shape, rng: RNG = None, gain: float = 1.0, layout: str | None = None) -> np.ndarray:
    """Uniform numbers of variance ``2 gain**2 / (fan in + fan out)``, for layers such as tanh that are linear at 0.

    Parameters
    ----------
    shape : sequence of int, Parameter, or layer with a weight
        That of the weight: a bare shape is (fan in, fan out), or has a `layout`.
    rng : Generator, seed or None
    gain : float
        A factor of all numbers; before tanh, 5 / 3 is usual as well.
    layout : {"oi...", "io...", "...io", "...oi", "io", "oi"}, optional
        The order of the axes of a bare shape, as above.

    References
    ----------
    Glorot & Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010.
    """
    bound = gain * math.sqrt(6 / sum(fans(shape, layout)))
    return uniform(shape, -bound, bound, rng)


def glorot_normal(shape: Shape, rng: RNG = None, gain: float = 1.0, layout: str | None = None) -> np.ndarray:
    """Normal numbers of variance ``2 gain**2 / (fan in + fan out)``; see `glorot_uniform`.

    Parameters
    ----------
    shape, rng, gain, layout : as of `glorot_uniform`
    """
    return normal(shape, 0.0, gain * math.sqrt(2 / sum(fans(shape, layout))), rng)


def he_uniform(shape: Shape, rng: RNG = None, slope: float = 0.0, layout: str | None = None) -> np.ndarray:
    """Uniform numbers of variance ``2 / (1 + slope**2) / fan in``, for layers before a (leaky) relu of that slope.

    Parameters
    ----------
    shape, rng : as of `glorot_uniform`
    slope : float
        The slope of the relu below 0.
    layout : as of `glorot_uniform`

    References
    ----------
    He, Zhang, Ren & Sun, Delving Deep into Rectifiers, ICCV 2015 (arXiv:1502.01852).
    """
    bound = math.sqrt(6 / ((1 + slope**2) * fans(shape, layout)[0]))
    return uniform(shape, -bound, bound, rng)


def he_normal(shape: Shape, rng: RNG = None, slope: float = 0.0, layout: str | None = None) -> np.ndarray:
    """Normal numbers of variance ``2 / (1 + slope**2) / fan in``; see `he_uniform`.

    Parameters
    ----------
    shape, rng, slope, layout : as of `he_uniform`
    """
    return normal(shape, 0.0, math.sqrt(2 / ((1 + slope**2) * fans(shape, layout)[0])), rng)


def orthogonal(shape: Shape, rng: RNG = None, gain: float = 1.0, layout: str | None = None) -> np.ndarray:
    """A random matrix with orthonormal rows or columns, whichever are fewer, times `gain`; uniform among them.

    Of more axes than two the matrix has the first one, and all others as its second, as in PyTorch; with a layout that
    begins with the field of view, all others and the last one.

    Parameters
    ----------
    shape, rng : as of `glorot_uniform`
    gain : float
        The length of those rows or columns.
    layout : as of `glorot_uniform`

    References
    ----------
    Saxe, McClelland & Ganguli, Exact solutions to the nonlinear dynamics of learning, ICLR 2014 (arXiv:1312.6120);
    Mezzadri, How to generate random matrices from the classical compact groups, 2007 (math-ph/0609050), for the signs.
    """
    fans(shape, layout)
    whole = as_shape(shape)
    rows = math.prod(whole[:-1]) if (layout or "").startswith("...") else whole[0]
    columns = math.prod(whole) // rows
    q, r = np.linalg.qr(normal((max(rows, columns), min(rows, columns)), rng=rng))
    q = q * np.sign(np.diagonal(r))
    return gain * (q if rows >= columns else q.T).reshape(whole)


def fans(shape: Shape, layout: str | None = None) -> tuple[int, int]:
    """The fan in and the fan out: how many inputs each output sums, and how many outputs each input goes into.

    Parameters
    ----------
    shape : sequence of int, Parameter, or layer with a weight
        A bare shape is (fan in, fan out), or has a `layout`.
    layout : {"oi...", "io...", "...io", "...oi", "io", "oi"}, optional
        The order of the axes of a bare shape; lengths of a field of view, ``...``, multiply both fans.

    Returns
    -------
    (int, int)
        Fan in and fan out. A layer with groups counts the channels of one.

    Raises
    ------
    ValueError
        If there are fewer than two axes, more without a layout, or the layout is invalid.
    """
    known = getattr(weight_of(shape), "fans", None)
    if known is not None and layout is None:
        return known
    whole = as_shape(shape)
    if len(whole) < 2 or 0 in whole:
        raise ValueError(f"fan in and fan out are of shapes (..., fan in, fan out) without zeros; got {whole}")
    check_layout(layout, whole)
    i, o = LAYOUTS[layout or "io"]
    field = math.prod(whole) // (whole[i] * whole[o])
    return field * whole[i], field * whole[o]


def check_layout(layout: str | None, shape: tuple[int, ...]) -> None:
    """Refuse an invalid layout, or one that does not say where the field of view is."""
    known = ", ".join(map(repr, LAYOUTS))
    if layout is not None and layout not in LAYOUTS:
        raise ValueError(f"layout is one of {known}; got {layout!r}")
    if len(shape) > 2 and "..." not in (layout or ""):
        raise ValueError(
            f"a bare shape of {len(shape)} axes has fans by its layout; got {shape}. Pass the layer or its parameter, "
            f"or layout='oi...' for kernels of Conv2d, 'io...' of ConvTranspose2d, '...io' elsewhere"
        )


def as_shape(shape: Shape) -> tuple[int, ...]:
    """A shape as a tuple: that of a parameter, of the weight of a layer, or the one given."""
    weight: Any = weight_of(shape)
    given = getattr(weight, "shape", weight)
    try:
        whole = tuple(map(index, given))  # Python's integers, as products of NumPy's may overflow
    except TypeError:
        whole = (-1,)
    if min(whole, default=0) < 0:
        raise ValueError(f"a shape is a sequence of lengths, such as (3, 2), or has a layer for it; got {given!r}")
    return whole


def weight_of(x: Any) -> Any:
    """The weight of a layer; all else as it is."""
    if not isinstance(x, Module):
        return x
    weight = vars(x).get("weight")
    if not isinstance(weight, Parameter):
        names = ", ".join(name for name, _ in x.named_parameters()) or "none"
        raise TypeError(f"first values are for a parameter, and this {type(x).__name__} has no weight; it has {names}")
    return weight
