"""Curves through points, by the names of `scipy.interpolate`."""

__all__: list[str] = []
