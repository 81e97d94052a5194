"""Probability distributions, by the names of `scipy.stats`."""

__all__: list[str] = []
