"""Products with sparse matrices, by the names of `scipy.sparse`."""

__all__: list[str] = []
