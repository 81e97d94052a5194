"""Minima and roots, found by SciPy and differentiated, by the names of `scipy.optimize`."""

__all__: list[str] = []
