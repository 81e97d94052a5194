"""What a backward pass starts from, and what it leaves behind."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy import ndarray

from .context import recorder, unusual
from .door import Traced, bare
from .recorder import seen
from .tape import Node
from .values import as_array

adding = threading.Lock()  # threads may share leaves


def first_cotangent(y: Any, g: Any = None) -> Any:
    """The cotangent of `y` to start from: `g`, in the dtype of `y`, or 1 for a single element."""
    if g is None:
        if not y.shape:
            return y.dtype.type(1)  # an array of shape () would cost ten times as much in each rule
        if y.size != 1:
            raise ValueError(
                f"a derivative starts from a single number, and this result has shape {y.shape}. Reduce it, to a "
                f"sum or a mean, or pass gradient=, an array of that shape"
            )
        return np.ones_like(y)
    if not hasattr(y, "dtype"):
        raise TypeError(f"derivatives are of functions that return arrays; one returned a {type(y).__name__}")
    g = seen(g if hasattr(g, "__array_ufunc__") else np.asarray(g))
    if g.shape != y.shape or g.dtype.kind not in "biuf":
        raise ValueError(
            f"a cotangent is an array of real numbers of the result's shape {y.shape}; got {g.dtype} of {g.shape}"
        )
    return g if g.dtype == y.dtype else g.astype(y.dtype)


def accumulate(leaves: Mapping[Node, Any], start: Any) -> None:
    """Add each leaf's cotangent into its gradient, in arrays that are neither `start` nor another leaf's."""
    taken = {id(start)}
    recording = recorder.get() if unusual else None
    adding.acquire()  # a `with` block takes twice the time
    try:
        for leaf, g in leaves.items():
            notes: Any = leaf.notes
            if recording is not None:
                recording.gradient(leaf)
            if notes.grad is None:
                if type(g) is ndarray and g.base is None and id(g) not in taken:  # as `owned` does, spelled out
                    taken.add(id(g))
                    notes.grad = g
                else:
                    notes.grad = owned(g, taken)
            else:
                notes.grad = as_array(notes.grad + g)
    finally:
        adding.release()


def owned(g: Any, taken: set[int]) -> Any:
    """`g`, or a copy if it may share memory with another array: it is a view, or among those `taken` before."""
    if type(g) is np.ndarray and g.base is None and id(g) not in taken:
        taken.add(id(g))
        return g
    return g.copy() if type(g) is np.ndarray else as_array(+g)  # in C order, whatever the strides of a view


class Hook:
    """A user's function that sees a tensor's gradient on its way, and may answer with another."""

    def __init__(self, function: Callable[[Any], Any], wrap: Callable[[Any], Any]) -> None:
        self.function = function
        self.wrap = wrap

    def __call__(self, g: Any) -> Any:
        recorded = isinstance(g, Traced)
        answer = self.function(g if recorded else self.wrap(as_array(+g)))  # which the user may keep
        if answer is None:
            return g
        if not (recorded and isinstance(answer, Traced)):
            answer = bare(answer)
            answer = answer.copy() if hasattr(answer, "__array_ufunc__") else np.array(answer)
        if answer.shape != g.shape or answer.dtype.kind not in "biuf":
            raise ValueError(
                f"a hook answers with a gradient of shape {g.shape}, or None; got {answer.dtype} of {answer.shape}"
            )
        return answer if answer.dtype == g.dtype else answer.astype(g.dtype)
