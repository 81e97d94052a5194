"""The dtypes in which layers and losses compute.

Integers and truths become the default float, as in np.mean. Numbers of float16 are added up in float32, as sums of them
overflow and lose digits; the result is rounded once, to the dtype that NumPy would give it.
"""

from typing import Any

import numpy as np

from ..core.door import Watched, plain
from ..core.foreign import admitted
from ..ops.functions import astype

WIDE = "fdg"  # float32 and wider
OBJECT = np.dtype(object)


def check_array(name: str, x: Any) -> None:
    """Refuse anything but an array."""
    if not hasattr(x, "shape"):
        remedy = "Does forward return its result?" if x is None else "Use np.asarray(x)"
        raise TypeError(f"{name} takes an array; got a {type(x).__name__}. {remedy}")


def as_input(x: Any) -> Any:
    """Lists and numbers as an array."""
    x = admitted("a loss", x)
    return x if hasattr(x, "shape") else np.asarray(x)


def as_constant(name: str, x: Any) -> Any:
    """The plain array of what has no derivative, such as a weight of a loss; refused if one flows through it."""
    if isinstance(x, Watched) and x.flows():
        raise TypeError(f"there is no derivative with respect to a {name}. Pass it detached, as x.detach()")
    return admitted(name, plain(x))


def floating(name: str, x: Any) -> Any:
    """`x` as an array of floats; refuses anything but an array of real numbers."""
    x = admitted(name, x)
    return x if getattr(x, "dtype", OBJECT).kind == "f" else of_integers(name, x)


def widened(name: str, x: Any) -> Any:
    """`x` as an array of floats to add up: those of float16 in float32."""
    x = admitted(name, x)
    dtype = getattr(x, "dtype", OBJECT)
    if dtype.char in WIDE:
        return x
    return astype(x, np.float32) if dtype.char == "e" else of_integers(name, x)


def of_integers(name: str, x: Any) -> Any:
    """Integers or truths as floats; refuses all else."""
    check_array(name, x)
    if x.dtype.kind not in "biu":
        raise TypeError(f"{name} takes real numbers; got {x.dtype}. Convert it, as by x.astype(float)")
    return astype(x, float)


def rounded_back(y: Any, x: Any, *others: Any) -> Any:
    """`y`, computed of `x` widened, as float16 if `x` is and `others` are no wider."""
    if getattr(x, "dtype", OBJECT).char != "e":  # a frame has none
        return y
    dtype = np.result_type(x.dtype, *(other.dtype for other in others if other is not None))
    return y if y.dtype == dtype else astype(y, dtype)
