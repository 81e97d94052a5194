"""SciPy's functions with derivatives, by SciPy's names: the extra `scipy`."""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if find_spec("scipy") is None:
    raise ImportError(  # pragma: no cover: tested in a process of its own
        "minigrad.scipy needs SciPy, of the extra 'scipy'. Install it: python -m pip install scipy, or "
        "python -m pip install '.[scipy]' in the checkout"
    )
if TYPE_CHECKING:
    from . import integrate, interpolate, linalg, optimize, signal, sparse, special, stats

__all__ = ["integrate", "interpolate", "linalg", "optimize", "signal", "sparse", "special", "stats"]

if not TYPE_CHECKING:  # pragma: no branch: an unknown name is an error to a type checker, too

    def __getattr__(name: str) -> Any:
        """A module of the room, loaded when it is first named: each loads modules of SciPy's that take long."""
        if name in __all__:
            return import_module(f".{name}", __name__)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
