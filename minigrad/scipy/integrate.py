"""Integrals and differential equations, by the names of `scipy.integrate`."""

__all__: list[str] = []
