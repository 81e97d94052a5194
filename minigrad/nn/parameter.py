"""The two kinds of arrays that a module keeps."""

from typing import Any

from ..core.short import short_way
from ..core.tape import mark_memory
from ..core.tensor import Tensor
from ..core.values import as_numbers


class Kept(Tensor):
    """A leaf with a copy of `data`, whose memory stays the same when it is given other values."""

    __slots__ = ()

    def __init__(self, data: Any, dtype: Any = None) -> None:
        self.value = as_numbers(data, dtype, copy=True)
        self.node = None

    @property
    def data(self) -> Any:
        """The values, in the same memory. Can be given new ones, in place; this needs no `no_grad`."""
        return super().data

    @data.setter
    def data(self, values: Any) -> None:
        memory = self.value
        Tensor.data.__set__(self, values)
        if self.value is not memory:
            memory[...] = self.value
            self.value = memory
            mark_memory(memory)


@short_way
class Parameter(Kept):
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
    kind = "parameter"

    def __init__(self, data: Any, dtype: Any = None) -> None:
        super().__init__(data, dtype)
        self.requires_grad = True


@short_way
class Buffer(Kept):
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
