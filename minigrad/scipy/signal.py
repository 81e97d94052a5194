"""Convolutions and filters, by the names of `scipy.signal`."""

__all__: list[str] = []
