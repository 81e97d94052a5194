"""SciPy's functions with derivatives, by SciPy's names: the extra `scipy`."""

from importlib.util import find_spec

if find_spec("scipy") is None:
    raise ImportError(
        "minigrad.scipy needs SciPy, of the extra 'scipy'. Install it: python -m pip install scipy, or "
        "python -m pip install '.[scipy]' in the checkout"
    )

from . import integrate, interpolate, linalg, optimize, signal, sparse, special, stats

__all__ = ["integrate", "interpolate", "linalg", "optimize", "signal", "sparse", "special", "stats"]
