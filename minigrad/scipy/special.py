"""Special functions, by the names of `scipy.special`."""

__all__: list[str] = []
