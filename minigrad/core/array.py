"""The operators and methods of an ndarray, for arrays that are not one.

Each ends in a call of a primitive through `__apply__`, which the subclass provides; none computes anything.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import index as as_index
from typing import Any, Self

import numpy as np

from .. import composed as composed  # both fill the registry
from .. import rules as rules
from ..rules.indexing import getitem, index_update, plain_index
from ..rules.structure import astype
from .primitive import NO_OPTIONS, REGISTRY, Primitive

# ndarray.__pow__ knows these, too: they are faster than a power, and more exact.
SPECIAL_POWERS = {1: np.positive, 2: np.square, 0.5: np.sqrt, -1: np.reciprocal}


def operators(ufunc: np.ufunc) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """The methods of a binary operator: forward, reflected and in place."""
    primitive = REGISTRY[ufunc]

    def forward(self: "ArrayMethods", other: Any) -> Any:
        return NotImplemented if self.steps_back(other) else self.__apply__(primitive, (self, other))

    def reflected(self: "ArrayMethods", other: Any) -> Any:
        return NotImplemented if self.steps_back(other) else self.__apply__(primitive, (other, self))

    def in_place(self: "ArrayMethods", other: Any) -> Any:
        if self.steps_back(other):
            return NotImplemented
        self.become(self.__apply__(primitive, (self, other)))
        return self

    return forward, reflected, in_place


def method(function: Callable[..., Any]) -> Callable[..., Any]:
    """The method that calls a function of NumPy's on the array and its own arguments."""
    primitive = REGISTRY[function]

    def call(self: "ArrayMethods", *args: Any, **kwargs: Any) -> Any:
        return self.__apply__(primitive, (self, *args), kwargs)

    call.__name__ = call.__qualname__ = primitive.name
    call.__doc__ = f"As numpy.{primitive.name}, of this array."
    call.__dict__["__wrapped__"] = function  # whose signature inspect and help() show
    return call


class ArrayMethods:
    """What an ndarray's users expect of it, in terms of `value`, `__apply__` and `become`."""

    __slots__ = ()
    __hash__ = object.__hash__
    value: Any

    def __apply__(self, primitive: Primitive, args: Sequence[Any], kwargs: Mapping[str, Any] = NO_OPTIONS) -> Any:
        """Call a primitive, of which this array is an argument."""
        raise NotImplementedError  # pragma: no cover: abstract

    def steps_back(self, other: Any) -> bool:
        """Whether the operator of an operand comes first: one that asks for it, or is of a library not known here."""
        raise NotImplementedError  # pragma: no cover: abstract

    def become(self, other: Any) -> None:
        """Take on the value and the derivative of `other`, the result of an operator in place."""
        raise NotImplementedError  # pragma: no cover: abstract

    # What it is

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self.value.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.value.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.value.size

    @property
    def dtype(self) -> np.dtype:
        """The type of the elements."""
        return self.value.dtype

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("an array of shape () has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, element: Any) -> bool:
        return bool((self == element).any())

    def __bool__(self) -> bool:
        return bool(self.value)

    def __index__(self) -> int:
        return as_index(self.value)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def item(self) -> Any:
        """The only element, as a Python number."""
        return self.value.item()

    def tolist(self) -> Any:
        """The elements as Python numbers, in nested lists."""
        return self.value.tolist()

    # Operators

    __add__, __radd__, __iadd__ = operators(np.add)
    __sub__, __rsub__, __isub__ = operators(np.subtract)
    __mul__, __rmul__, __imul__ = operators(np.multiply)
    __truediv__, __rtruediv__, __itruediv__ = operators(np.divide)
    __matmul__, __rmatmul__, __imatmul__ = operators(np.matmul)
    __mod__, __rmod__, __imod__ = operators(np.remainder)
    __floordiv__, __rfloordiv__, __ifloordiv__ = operators(np.floor_divide)
    __and__, __rand__, __iand__ = operators(np.bitwise_and)
    __or__, __ror__, __ior__ = operators(np.bitwise_or)
    __xor__, __rxor__, __ixor__ = operators(np.bitwise_xor)
    __eq__ = operators(np.equal)[0]
    __ne__ = operators(np.not_equal)[0]
    __lt__ = operators(np.less)[0]
    __le__ = operators(np.less_equal)[0]
    __gt__ = operators(np.greater)[0]
    __ge__ = operators(np.greater_equal)[0]
    __neg__ = method(np.negative)
    __pos__ = method(np.positive)
    __abs__ = method(np.abs)
    __invert__ = method(np.invert)
    _power, __rpow__, _ = operators(np.power)

    def __pow__(self, exponent: Any) -> Any:
        if isinstance(exponent, int | float) and exponent in SPECIAL_POWERS and self.dtype.kind == "f":
            return self.__apply__(REGISTRY[SPECIAL_POWERS[exponent]], (self,))
        return self._power(exponent)

    def __ipow__(self, exponent: Any) -> Self:
        self.become(self**exponent)
        return self

    # Elements

    def __getitem__(self, index: Any) -> Any:
        return self.__apply__(getitem, (self, plain_index(index)))

    def __setitem__(self, index: Any, v: Any) -> None:
        self.become(self.__apply__(index_update, (self, plain_index(index), v)))

    # Functions

    sum = method(np.sum)
    mean = method(np.mean)
    max = method(np.max)
    min = method(np.min)
    any = method(np.any)
    all = method(np.all)
    argmax = method(np.argmax)
    argmin = method(np.argmin)
    argsort = method(np.argsort)
    nonzero = method(np.nonzero)
    searchsorted = method(np.searchsorted)
    prod = method(np.prod)
    var = method(np.var)
    std = method(np.std)
    ptp = method(np.ptp)
    cumsum = method(np.cumsum)
    cumprod = method(np.cumprod)
    clip = method(np.clip)
    round = method(np.round)
    dot = method(np.dot)
    trace = method(np.trace)
    diagonal = method(np.diagonal)
    squeeze = method(np.squeeze)
    swapaxes = method(np.swapaxes)
    repeat = method(np.repeat)
    take = method(np.take)

    def copy(self) -> Any:
        """An array of the same values, in memory of its own, to which derivatives flow."""
        return +self

    def flatten(self, order: str = "C") -> Any:
        """The elements along one axis."""
        return self.reshape(-1, order=order)

    def __round__(self, decimals: int | None = None) -> Any:
        return self.round(decimals or 0)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def reshape(self, *shape: Any, order: str = "C") -> Any:
        """The elements in another shape, whose lengths come one by one or as a tuple."""
        lengths = shape[0] if len(shape) == 1 else shape
        return self.__apply__(REGISTRY[np.reshape], (self, lengths), {} if order == "C" else {"order": order})

    def ravel(self, order: str = "C") -> Any:
        """The elements along one axis."""
        return self.reshape(-1, order=order)

    def transpose(self, *axes: Any) -> Any:
        """The axes in another order, which comes one by one, as a tuple, or not at all to reverse them."""
        order = axes[0] if len(axes) == 1 else axes
        return self.__apply__(REGISTRY[np.transpose], (self, order or None))

    @property
    def T(self) -> Any:
        """The array with its axes in reverse order."""
        return self.transpose()

    @property
    def mT(self) -> Any:
        """The array with its last two axes exchanged."""
        return self.__apply__(REGISTRY[np.matrix_transpose], (self,))

    def astype(self, dtype: Any) -> Any:
        """The array in another dtype. The derivative is lost on the way to one that is not floating."""
        return self.__apply__(astype, (self, np.dtype(dtype)))
