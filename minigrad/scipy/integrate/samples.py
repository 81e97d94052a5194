"""Integrals of functions that are known at points: composed of NumPy's functions."""

from typing import Any

import numpy as np

from ...core.values import as_numbers


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """`scipy.integrate.trapezoid`: the integral of the line through points, along an axis of `y`.

    Differentiable by `y`, and by the places `x` or their distance `dx`. `x` has one axis, or those of `y`.
    """
    y, h = with_steps("trapezoid", y, x, dx, axis)
    return np.sum(h * (y[..., 1:] + y[..., :-1]) / 2, axis=-1)


def simpson(y: Any, x: Any = None, *, dx: Any = 1.0, axis: int = -1) -> Any:
    """`scipy.integrate.simpson`: the integral of parabolas through points, along an axis of `y`.

    Differentiable by `y`, and by the places `x` or their distance `dx`. `x` has one axis, or those of `y`. An even
    number of points gets Cartwright's correction in the last interval, as in SciPy 1.11 and later.
    """
    y, h = with_steps("simpson", y, x, dx, axis)
    n = y.shape[-1]
    if n == 2:
        return (h * (y[..., 1:] + y[..., :-1]) / 2)[..., 0]
    if n % 2:
        return parabolas(y, h)
    return parabolas(y[..., :-1], h[..., :-1]) + last_interval(y[..., -3:], h[..., -2], h[..., -1])


def with_steps(name: str, y: Any, x: Any, dx: Any, axis: int) -> tuple[Any, Any]:
    """Values with the axis last, in floating point, and the distances between their places."""
    y = as_floating(y)
    if not y.ndim or y.shape[axis] < 2:
        raise ValueError(f"{name} takes values at two points or more along its axis; got shape {y.shape}")
    n = y.shape[axis]
    y = np.moveaxis(y, axis, -1)
    if x is None:
        return y, dx * np.ones(n - 1, y.dtype)
    x = as_floating(x)
    x = x if x.ndim == 1 else np.moveaxis(x, axis, -1)
    if x.shape[-1] != n or (x.ndim > 1 and x.shape != y.shape):
        raise ValueError(f"{name} takes one place x for each of {n} values, along one axis or as y; got {x.shape}")
    return y, x[..., 1:] - x[..., :-1]


def as_floating(x: Any) -> Any:
    """An array of floats; one that is watched stays."""
    x = x if hasattr(x, "dtype") and hasattr(x, "__array_function__") else as_numbers(x)
    return x if x.dtype.kind == "f" else x.astype(float)


def parabolas(y: Any, h: Any) -> Any:
    """The integral by a parabola through each three points, of an odd number."""
    first, second = h[..., 0::2], h[..., 1::2]
    both = first + second
    left, middle, right = y[..., 0:-2:2], y[..., 1:-1:2], y[..., 2::2]
    weighted = left * (2 - second / first) + middle * both**2 / (first * second) + right * (2 - first / second)
    return np.sum(both / 6 * weighted, axis=-1)


def last_interval(y: Any, a: Any, b: Any) -> Any:
    """The integral over the last of two intervals, of lengths `a` and `b`, by the parabola through their three points.

    References
    ----------
    Cartwright, Simpson's Rule Cumulative Integration with MS Excel and Irregularly-spaced Data, 2017.
    """
    alpha = (2 * b**2 + 3 * a * b) / (6 * (a + b))
    beta = (b**2 + 3 * a * b) / (6 * a)
    eta = b**3 / (6 * a * (a + b))
    return alpha * y[..., 2] + beta * y[..., 1] - eta * y[..., 0]
