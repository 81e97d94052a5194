"""Functions that are straight or constant between points, or cubic."""

from typing import Any

import numpy as np

from ...core.door import raise_if
from ..operands import array
from .cubic import CubicSpline
from .points import beside, check_increasing, interval_of, points, taken

KINDS = ("linear", "nearest", "nearest-up", "previous", "next", "zero", "cubic")


class interp1d:
    """A function through points: straight between them, constant, or a cubic spline.

    Derivatives flow to the values `y`; of "linear" and "cubic" also to the places `x`, and to where the function is
    read, at a place of `x` itself that of the interval on its right.

    Parameters
    ----------
    x : array (n,)
    y : array with n values along `axis`
    kind : {'linear', 'nearest', 'nearest-up', 'previous', 'next', 'zero', 'cubic'}
        'cubic' is `CubicSpline` without knots at the second and the last but one place.
    axis : int
    copy : bool
        Taken, and without effect: the function keeps what it was made of.
    bounds_error : bool, optional
        Whether to raise beyond the ends. By default true, unless the function is extrapolated.
    fill_value : number, pair of numbers, or 'extrapolate'
        The value beyond the ends, or below and above.
    assume_sorted : bool
        Whether `x` increases already; else it is sorted, with y.

    Raises
    ------
    ValueError
        If shapes do not fit, there is no such kind, or places are equal; when called, if a place is out of bounds.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        kind: str = "linear",
        axis: int = -1,
        copy: bool = True,
        bounds_error: bool | None = None,
        fill_value: Any = np.nan,
        assume_sorted: bool = False,
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f"interp1d takes a kind of {', '.join(KINDS)}; got {kind!r}")
        self.kind = "previous" if kind == "zero" else kind
        self.x, self.y = points("interp1d", x, y, axis, 4 if kind == "cubic" else 1)
        self.axis = axis % self.y.ndim
        if not assume_sorted:
            order = np.argsort(self.x, kind="stable")
            self.x, self.y = taken(self.x, order), taken(self.y, order)
        check_increasing("interp1d", self.x)
        self.extrapolates = isinstance(fill_value, str)
        if self.extrapolates and (fill_value != "extrapolate" or bounds_error):
            raise ValueError(
                f"interp1d takes a fill_value of numbers, or 'extrapolate' without bounds_error=True; got "
                f"{fill_value!r}"
            )
        self.bounds_error = not self.extrapolates if bounds_error is None else bounds_error
        self.fill = fill_value if isinstance(fill_value, tuple) else (fill_value, fill_value)
        if len(self.fill) != 2:
            raise ValueError(f"interp1d takes a fill_value, or a pair of them; got {len(self.fill)}")
        if self.extrapolates and kind in ("previous", "next"):  # nothing comes before the first, or after the last
            self.extrapolates = False
            self.fill = (np.nan, self.y[-1]) if kind == "previous" else (self.y[0], np.nan)
        self.spline = CubicSpline(self.x, self.y) if kind == "cubic" else None

    def __call__(self, x: Any) -> Any:
        """The values at the places `x`, of any shape, which takes the axis' place."""
        at, places = array("interp1d", x), self.x
        flat = np.reshape(at, (-1,))
        below, above = flat < places[0], flat > places[-1]
        if self.bounds_error:
            raise_if(below | above, lambda: ValueError("interp1d is read out of the bounds of x; see fill_value"))
        y = self.spline(flat) if self.spline is not None else self.between(flat)
        if not self.extrapolates:
            y = np.where(beside(below, y), self.fill[0], np.where(beside(above, y), self.fill[1], y))
        y = np.reshape(y, (*at.shape, *self.y.shape[1:]))
        return np.moveaxis(y, range(at.ndim), range(self.axis, self.axis + at.ndim))

    def between(self, flat: Any) -> Any:
        """The values by the points next to each place."""
        places, last = self.x, self.x.shape[0] - 1
        if self.kind == "linear" and last:
            i = interval_of(places, flat)
            share = beside((flat - taken(self.x, i)) / (taken(self.x, i + 1) - taken(self.x, i)), self.y)
            return taken(self.y, i) + share * (taken(self.y, i + 1) - taken(self.y, i))
        if self.kind == "previous":
            i = np.searchsorted(places, flat, side="right") - 1
        elif self.kind == "next":
            i = np.searchsorted(places, flat, side="left")
        else:  # the nearest, of two that are as near the lower one, or with "nearest-up" the upper one
            side = "right" if self.kind == "nearest-up" else "left"
            i = np.searchsorted((places[:-1] + places[1:]) / 2, flat, side=side)
        return taken(self.y, np.clip(i, 0, last))
