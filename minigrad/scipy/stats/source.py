"""The standard random numbers that distributions draw."""

from typing import Any

import numpy as np

from ...core.door import plain
from ...core.recorder import drawn


class DrawSource:
    """Where standard random numbers come from: one draw of all that a result of some parameters takes."""

    def __init__(self, taker: str, rng: Any, size: Any, parameters: list[Any]) -> None:
        every = np.broadcast_shapes(*(getattr(p, "shape", ()) for p in parameters))
        self.rng, self.size = rng, every if size is None else tuple(np.atleast_1d(size).tolist())
        if np.broadcast_shapes(every, self.size) != self.size:
            raise ValueError(f"{taker} takes a size that the parameters' shape {every} broadcasts to; got {size}")
        floats = [p.dtype for p in parameters if hasattr(p, "dtype") and p.dtype.kind == "f"]
        self.dtype = np.result_type(*floats) if floats else np.dtype(float)

    def draw(self, method: str, *args: Any, first: tuple[int, ...] = ()) -> Any:
        """What a method of the generator draws, with more axes in front if asked for."""
        return drawn(self.rng, method, *map(plain, args), size=(*first, *self.size)).astype(self.dtype)
