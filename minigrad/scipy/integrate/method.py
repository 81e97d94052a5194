"""How a differential equation is solved, and what its right-hand sides are compiled to."""

import contextlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ...compile import compile as compiled
from ...transforms.implicit import number


@lru_cache(maxsize=32)
def programs(owner: Any, key: Any, backend: str) -> dict[Any, Any]:
    """The programs for a user's function, by their labels; those of functions not used for long are given up."""
    return {}


class EquationMethod:
    """How a differential equation is solved.

    Parameters
    ----------
    name : str
        What the user has called.
    solve : callable
        ``solve(f, y0, t)`` returns the states at times t, as rows, for a right-hand side ``f(t, y)`` of plain numbers.
    mode : {"adjoint", "forward"}, optional
        How the backward pass goes.
    backend : str, optional
        What right-hand sides are compiled for.
    owner, key
        The user's function, and what else decides on its programs, which are kept with it. None keeps none.
    """

    def __init__(
        self, name: str, solve: Callable[..., Any], mode: str | None, backend: str | None, owner: Any, key: Any
    ) -> None:
        if mode not in (None, "adjoint", "forward"):
            raise ValueError(f"mode is 'adjoint', 'forward', or None for the one with less to compute; got {mode!r}")
        self.name, self.solve, self.mode, self.backend = name, solve, mode, backend
        self.kept: dict[Any, Any] = {}
        if key is not None and backend is not None:
            with contextlib.suppress(TypeError):  # of what has no hash
                self.kept = programs(owner, key, backend)

    def solved(self, f: Callable[..., Any], label: Any, y0: Any, t: Any, *inputs: Any) -> Any:
        """The states for a right-hand side of plain arrays, ``f(t, y, *inputs)``."""
        called = f if self.backend is None else self.program(f, label)
        return self.solve(lambda t, y: number(called(float(t), y, *inputs)), y0, t)

    def program(self, f: Callable[..., Any], label: Any) -> Callable[..., Any]:
        """The compiled function, which is kept by its label."""
        if label is None:
            return compiled(f, self.backend)
        if label not in self.kept:
            self.kept[label] = compiled(f, self.backend)
        return self.kept[label]
