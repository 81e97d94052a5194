"""The two kinds of arrays that a module keeps."""

from typing import Any

from ..arrays import as_numbers
from ..tensor import Tensor


class Parameter(Tensor):
    """A Tensor that a module learns: it requires grad from the start, also under `no_grad`.

    Parameters
    ----------
    data : array_like of floating numbers
        Is copied.
    dtype : dtype, optional
        By default, that of `data`.

    Raises
    ------
    TypeError
        If `data` is not floating, or is a Tensor inside of a graph.
    """

    __slots__ = ()

    def __init__(self, data: Any, dtype: Any = None) -> None:
        hold(self, data, dtype)
        self.requires_grad = True


class Buffer(Tensor):
    """A Tensor that a module keeps and does not learn, such as a running mean: part of its state, without gradient.

    A step that changes one does so in its memory, as ``seen(buffer.value)[...] = ...``; a graph that has saved the
    buffer itself would not hear of it.

    Parameters
    ----------
    data : array_like of real numbers
        Is copied.
    dtype : dtype, optional
        By default, that of `data`.
    """

    __slots__ = ()

    def __init__(self, data: Any, dtype: Any = None) -> None:
        hold(self, data, dtype)


def hold(kept: Tensor, data: Any, dtype: Any) -> None:
    """Make `kept` a leaf with a copy of `data`."""
    kept.value = as_numbers(data, dtype, copy=True)
    kept.primitive = kept.parents = kept.notes = None
