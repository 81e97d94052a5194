"""Cubic splines."""

from typing import Any

import numpy as np

from ...core.door import raise_if, unwrap
from ..linalg import solve_banded
from ..operands import array
from .points import beside, check_increasing, interval_of, points, taken

# Cubic splines: the slopes at the points solve a system with three diagonals, and within each interval the cubic has
# the values and slopes at its ends. C. de Boor, A Practical Guide to Splines, 1978, chapter IV.

PERIODIC = "periodic"


class CubicSpline:
    """The curve through points that is a cubic between any two, with a continuous second derivative.

    Derivatives flow to the values `y`, to the places `x`, and to where the curve is read.

    Parameters
    ----------
    x : array (n,), increasing
    y : array with n values along `axis`
    axis : int
    bc_type : {'not-a-knot', 'periodic', 'clamped', 'natural'}, or a pair
        What holds at the ends. A pair has for each end 'not-a-knot', 'clamped', 'natural', or (order, value): the
        derivative of that order, 1 or 2, has that value, of the shape of y without its axis.
    extrapolate : bool or 'periodic', optional
        Whether the first and last cubic go on beyond the ends; else the values there are nan. By default true, or
        'periodic' if `bc_type` is.

    Raises
    ------
    ValueError
        If shapes do not fit, x does not increase, or there is no such `bc_type`.

    Notes
    -----
    ``spline(at, nu)`` is the derivative of order `nu` by `at`. At a place of `x`, the third derivative is that of the
    interval on its right.
    """

    def __init__(self, x: Any, y: Any, axis: int = 0, bc_type: Any = "not-a-knot", extrapolate: Any = None) -> None:
        self.x, y = points("CubicSpline", x, y, axis)
        check_increasing("CubicSpline", self.x)
        self.axis = axis % y.ndim
        self.extrapolate = (PERIODIC if bc_type == PERIODIC else True) if extrapolate is None else extrapolate
        ends = checked_ends(bc_type, y)
        if ends == PERIODIC:
            raise_if(
                ~np.isclose(unwrap(y[0]), unwrap(y[-1]), rtol=1e-15, atol=1e-15),
                lambda: ValueError("CubicSpline with bc_type='periodic' takes a last value of y that equals the first"),
            )
        h = np.diff(self.x)
        rise = np.diff(y, axis=0) / beside(h, y)
        s = slopes(h, rise, ends)
        h = beside(h, y)
        bend = (s[:-1] + s[1:] - 2 * rise) / h
        self.c = np.stack([bend / h, (rise - s[:-1]) / h - bend, s[:-1], y[:-1]])

    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
        """The curve, or its derivative of order `nu`, at the places `x`, of any shape, which takes the axis' place."""
        if nu < 0 or nu != int(nu):
            raise ValueError(f"CubicSpline has derivatives of order nu=0, 1, 2, ...; got nu={nu!r}")
        extrapolate = self.extrapolate if extrapolate is None else extrapolate
        at, first, last = array("CubicSpline", x), self.x[0], self.x[-1]
        flat = np.reshape(at, (-1,))
        if extrapolate == PERIODIC:
            flat = first + np.remainder(flat - first, last - first)
        i = interval_of(self.x, flat)
        along = beside(flat - taken(self.x, i), self.c[0])
        total, order = np.zeros_like(taken(self.c[0], i)), self.c.shape[0] - 1
        for k in range(order + 1 - int(nu)):  # Horner's scheme
            power = order - k
            factor = float(np.prod([power - j for j in range(int(nu))]))
            total = total * along + factor * taken(self.c[k], i)
        if not extrapolate:
            inside = (flat >= first) & (flat <= last)
            total = np.where(beside(inside, total), total, np.nan)
        total = np.reshape(total, (*at.shape, *self.c.shape[2:]))
        return np.moveaxis(total, range(at.ndim), range(self.axis, self.axis + at.ndim))

    def derivative(self, nu: int = 1) -> "CubicSpline":
        """The curve's derivative of order `nu`, as a curve."""
        order = self.c.shape[0] - 1
        kept = [float(np.prod([order - k - j for j in range(nu)])) * self.c[k] for k in range(max(order + 1 - nu, 0))]
        return self.with_coefficients(np.stack(kept or [np.zeros_like(self.c[0])]))

    def antiderivative(self) -> "CubicSpline":
        """An integral of the curve that begins at 0, as a curve; of one that is periodic, within its period."""
        order = self.c.shape[0] - 1
        h = beside(np.diff(self.x), self.c[0])
        parts = [self.c[k] / (order + 1 - k) for k in range(order + 1)]
        area = parts[0] * h
        for part in parts[1:]:
            area = (area + part) * h
        before = np.concatenate([np.zeros_like(area[:1]), np.cumsum(area, axis=0)[:-1]])
        whole = self.with_coefficients(np.stack([*parts, before]))
        whole.extrapolate = False if self.extrapolate == PERIODIC else self.extrapolate
        return whole

    def integrate(self, a: Any, b: Any) -> Any:
        """The integral of the curve from `a` to `b`, both numbers."""
        if self.extrapolate == PERIODIC:
            raise ValueError("CubicSpline integrates one period: use antiderivative() within it")
        whole = self.antiderivative()
        return whole(b) - whole(a)

    def with_coefficients(self, c: Any) -> "CubicSpline":
        """A curve of other polynomials between the same places."""
        other = object.__new__(CubicSpline)
        other.x, other.c, other.axis, other.extrapolate = self.x, c, self.axis, self.extrapolate
        return other


def checked_ends(bc_type: Any, y: Any) -> Any:
    """What holds at each end: "not-a-knot", or (order, value); "periodic" for both."""
    ends = {"not-a-knot": "not-a-knot", "clamped": (1, zero := np.zeros_like(y[0])), "natural": (2, zero)}
    if isinstance(bc_type, str) and bc_type == PERIODIC:
        return PERIODIC
    try:
        pair = (bc_type, bc_type) if isinstance(bc_type, str) else bc_type
        both = [ends[end] if isinstance(end, str) else (int(end[0]), end[1]) for end in pair]
    except (KeyError, TypeError, IndexError):
        both = []
    if len(both) != 2 or any(end[0] not in (1, 2) for end in both if end != "not-a-knot"):
        raise ValueError(
            f"CubicSpline takes bc_type 'not-a-knot', 'periodic', 'clamped' or 'natural', or a pair of the first and "
            f"the last two and (1 or 2, value); got {bc_type!r}"
        )
    return [end if end == "not-a-knot" else (end[0], end_value(end[1], y)) for end in both]


def end_value(value: Any, y: Any) -> Any:
    """The derivative at an end, of the shape of one point."""
    value = array("CubicSpline", value)
    if value.shape != y.shape[1:]:
        raise ValueError(f"CubicSpline takes a derivative at an end of shape {y.shape[1:]}; got {value.shape}")
    return value


def slopes(h: Any, rise: Any, ends: Any) -> Any:
    """The curve's slopes at all points, from the lengths of the intervals and the slopes of the chords."""
    if (h.shape[0] == 1 and "not-a-knot" in ends) or (ends == PERIODIC and h.shape[0] == 1):
        chord = (1, rise[0])
        ends = [chord, chord] if ends == PERIODIC else [chord if end == "not-a-knot" else end for end in ends]
    if h.shape[0] == 2 and ends == ["not-a-knot"] * 2:  # a parabola
        bend, h = (rise[1:] - rise[:1]) / beside(h[:1] + h[1:], rise), beside(h, rise)
        return np.concatenate([rise[:1] - bend * h[:1], rise[:1] + bend * h[:1], rise[1:] + bend * h[1:]])
    if ends == PERIODIC:
        return periodic_slopes(h, rise)
    (first, up, start), (last, down, end) = at_start(h, rise, ends[0]), at_end(h, rise, ends[1])
    zero = np.zeros_like(h[:1])
    ab = np.stack(
        [
            np.concatenate([zero, up, h[:-1]]),
            np.concatenate([first, 2 * (h[:-1] + h[1:]), last]),
            np.concatenate([h[1:], down, zero]),
        ]
    )
    return solved(ab, np.concatenate([start, middle(h, rise), end]))


def middle(h: Any, rise: Any) -> Any:
    """The right-hand sides where two intervals meet: there the second derivatives are equal."""
    return 3 * (beside(h[1:], rise) * rise[:-1] + beside(h[:-1], rise) * rise[1:])


def solved(ab: Any, b: Any) -> Any:
    """The solution of a system with three diagonals, with right-hand sides of any number of axes."""
    return np.reshape(solve_banded((1, 1), ab, np.reshape(b, (b.shape[0], -1)), check_finite=False), b.shape)


def at_start(h: Any, rise: Any, end: Any) -> tuple[Any, Any, Any]:
    """The first equation: the coefficients of the first two slopes, and the right-hand side."""
    if end == "not-a-knot":
        both, wide = h[:1] + h[1:2], beside(h, rise)
        d = wide[:1] + wide[1:2]
        right = ((wide[:1] + 2 * d) * wide[1:2] * rise[:1] + wide[:1] ** 2 * rise[1:2]) / d
        return h[1:2], both, right
    return given_end(h[:1], rise[:1], end, -1)


def at_end(h: Any, rise: Any, end: Any) -> tuple[Any, Any, Any]:
    """The last equation: the coefficients of the last and the last but one slope, and the right-hand side."""
    if end == "not-a-knot":
        last, slope, right = at_start(np.flip(h), np.flip(rise, 0), end)
        return last, slope, right
    return given_end(h[-1:], rise[-1:], end, 1)


def given_end(h: Any, rise: Any, end: Any, sign: int) -> tuple[Any, Any, Any]:
    """The equation of an end at which the first or the second derivative is given."""
    order, value = end
    if order == 1:
        return np.ones_like(h), np.zeros_like(h), np.broadcast_to(value, rise.shape)
    wide = beside(h, rise)
    return 2 * h, h, 3 * wide * rise + sign * 0.5 * wide**2 * value


def periodic_slopes(h: Any, rise: Any) -> Any:
    """The slopes of a curve that begins again where it ends, so that the first equation follows the last."""
    if h.shape[0] == 2:
        wide = beside(h, rise)
        t = np.sum(rise / wide, axis=0, keepdims=True) / np.sum(1 / wide, axis=0, keepdims=True)
        return np.concatenate([t, t, t])
    before, before_rise = np.concatenate([h[-1:], h[:-1]]), np.concatenate([rise[-1:], rise[:-1]])
    right = 3 * (beside(h, rise) * before_rise + beside(before, rise) * rise)
    diagonal, zero = 2 * (before + h), np.zeros_like(h[:1])
    # The last unknown occurs in the first equation and the last but one: it is solved for apart.
    ab = np.stack([np.concatenate([zero, before[:-2]]), diagonal[:-1], np.concatenate([h[1:-1], zero])])
    column = np.concatenate([h[:1], np.zeros_like(h[1:-2]), before[-2:-1]])
    one, other = solved(ab, right[:-1]), beside(solved(ab, -column), rise)
    back, on = beside(h[-1:], rise), beside(before[-1:], rise)
    last = (right[-1:] - on * one[:1] - back * one[-1:]) / (
        beside(diagonal[-1:], rise) + on * other[:1] + back * other[-1:]
    )
    s = one + last * other
    return np.concatenate([s, last, s[:1]])
