"""Linear algebra beyond NumPy's, by the names of `scipy.linalg`."""

__all__: list[str] = []
