"""From define-by-run to straight-line code: a function is recorded once, and replayed ever after."""

from collections.abc import Callable
from typing import Any

__all__ = ["compile"]


def compile(function: Callable[..., Any], backend: str = "numpy") -> Any:
    """A function that does what `function` does, without asking what that is each time."""
    from .compiled import Compiled

    return Compiled(function, backend)
