"""The two kinds of arrays that a module keeps."""

from typing import Any

from ..core.short import short_way
from ..core.tape import mark_memory
from ..core.tensor import Tensor
from ..core.values import as_numbers


class StateTensor(Tensor):
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
class Parameter(StateTensor):
    """A Tensor that a module learns: it requires grad from the start, also under `no_grad`.

    Parameters
    ----------
    data : array_like of floating numbers
        Is copied.
    dtype : dtype, optional
        By default, that of `data`.
    fans : (int, int), optional
        The fan in and the fan out: how many inputs each output sums, and how many outputs each input goes into. The
        functions of `init` take them from here; without them, a weight has to be a matrix of shape (fan in, fan out).

    Raises
    ------
    TypeError
        If `data` is not floating, or is a Tensor inside of a graph.
    """

    __slots__ = ("fans",)
    kind = "parameter"

    def __init__(self, data: Any, dtype: Any = None, fans: tuple[int, int] | None = None) -> None:
        super().__init__(data, dtype)
        self.requires_grad = True
        self.fans = fans

    def __reduce_ex__(self, protocol: Any) -> Any:
        make, parts = super().__reduce_ex__(protocol)
        return with_fans, (self.fans, make, parts)


def with_fans(fans: tuple[int, int] | None, make: Any, parts: Any) -> Parameter:
    """A parameter that was copied or pickled, with its fans."""
    parameter = make(*parts)
    parameter.fans = fans
    return parameter


@short_way
class Buffer(StateTensor):
    """A Tensor that a module keeps and does not learn, such as a running mean: part of its state, without gradient.

    A step that changes one does so in its memory, as ``buffer.data[...] = ...``; a graph that has saved the
    buffer itself would not change.

    Parameters
    ----------
    data : array_like of real numbers
        Is copied.
    dtype : dtype, optional
        By default, that of `data`.
    """

    __slots__ = ()
