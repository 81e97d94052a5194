"""Curves through points, by the names of `scipy.interpolate`; differentiable by the points and where they are read."""

from .cubic import CubicSpline
from .piecewise import interp1d

__all__ = ["CubicSpline", "interp1d"]
