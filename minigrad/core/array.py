"""What users hold: an array with the operators and methods of an ndarray, and NumPy's protocols.

Each ends in a call through the door; none computes anything. ``x[i] = v`` and ``x += v`` give the name x another value
and node: what was computed from x before keeps the old ones.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import index as as_index
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from ..errors import DetachedError, LevelError
from .door import Watched, bind, call_numpy, closed, explained, plain, plain_index, snapshot, unwrap
from .foreign import USUAL_CLASSES, asked_by_scipy, assigned, exported, is_labelled
from .primitive import NO_OPTIONS, REGISTRY, Primitive

if TYPE_CHECKING:
    from .tensor import Tensor

# ndarray.__pow__ knows these, too: they are faster than a power, and more exact.
SPECIAL_POWERS = {1: np.positive, 2: np.square, 0.5: np.sqrt, -1: np.reciprocal}


# Names of the engine, which users need not see: dir() leaves them out, and help() shows them last.
HIDDEN = {
    *("assign", "assign_item", "called_by_numpy", "changed", "check_changeable", "fitting", "flows", "kind", "knows"),
    *("level", "node", "own_notes", "refuse_to_leave", "settled", "shorts", "steps_back", "value"),
}


def operators(ufunc: np.ufunc) -> "tuple[Callable[..., Tensor], Callable[..., Tensor], Callable[..., Any]]":
    """The methods of a binary operator: forward, reflected and in place. To an editor, arrays are Tensors."""

    def forward(self: "Array", other: Any) -> Any:
        return NotImplemented if self.steps_back(other) else bind(REGISTRY[ufunc], (self, other))

    def reflected(self: "Array", other: Any) -> Any:
        return NotImplemented if self.steps_back(other) else bind(REGISTRY[ufunc], (other, self))

    def in_place(self: "Array", other: Any) -> Any:
        if self.steps_back(other):
            return NotImplemented
        self.assign(bind(REGISTRY[ufunc], (self, other)))
        return self

    return forward, reflected, in_place


def method(function: Callable[..., Any]) -> "Callable[..., Tensor]":
    """The method that calls a NumPy function on the array and its own arguments."""

    def call(self: "Array", *args: Any, **kwargs: Any) -> Any:
        return bind(REGISTRY[function], (self, *args), kwargs)

    call.__name__ = call.__qualname__ = function.__name__
    call.__doc__ = f"numpy.{function.__name__} of this array."
    call.__dict__["__wrapped__"] = function  # whose signature inspect and help() show
    return call


class Array(Watched):
    """An array that a transformation watches. Each kind of level has a subclass."""

    __slots__ = ()
    __hash__ = object.__hash__
    shorts: ClassVar[dict[Any, Any]] = {}  # NumPy functions by the short way, see short.py

    def __apply__(self, primitive: Primitive, args: Sequence[Any], kwargs: Mapping[str, Any] = NO_OPTIONS) -> Any:
        return bind(primitive, args, kwargs)

    def __dir__(self) -> list[str]:
        return [name for name in object.__dir__(self) if name not in HIDDEN]

    # NumPy's protocols

    def __array_ufunc__(self, ufunc: np.ufunc, name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "__call__" and not kwargs and (short := self.shorts.get(ufunc)) is not None:
            return short(*args)
        return self.called_by_numpy(ufunc if name == "__call__" else (ufunc, name), map(type, args), args, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if len(args) == 1 and not kwargs and (short := self.shorts.get(function)) is not None:
            return short(*args)
        return self.called_by_numpy(function, types, args, kwargs)

    def called_by_numpy(self, key: Any, types: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """A call that NumPy hands over; NotImplemented where an operand's type is unknown here."""
        for kind in types:
            if not self.knows(kind):
                return NotImplemented
        return call_numpy(key, args, kwargs)

    def knows(self, kind: type) -> bool:
        """Whether arrays of a type can be combined with this one: not those of a library that is not inside."""
        if issubclass(kind, WATCHABLE) or not hasattr(kind, "__array_ufunc__") or is_labelled(kind):
            return True
        return isinstance(unwrap(plain(self)), kind)

    def steps_back(self, other: Any) -> bool:
        """Whether to leave an operator to the other operand: one that opts out of ufuncs, or of an unknown library."""
        kind = type(other)
        return kind is not np.ndarray and (getattr(kind, "__array_ufunc__", kind) is None or not self.knows(kind))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        self.refuse_to_leave()
        return np.array(plain(self), dtype=dtype, copy=copy)

    # Those of other libraries

    def __dlpack__(self, **options: Any) -> Any:
        self.refuse_to_leave()
        return exported(unwrap(self), options.get("copy")).__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return exported(unwrap(self), False).__dlpack_device__()

    @property
    def __pandas_priority__(self) -> int:
        """More than pandas' classes have, whose operators let ours come first; those in place could not."""
        if sys._getframe(2).f_code.co_name == "_inplace_method":
            raise TypeError("data of pandas cannot be changed in place by a Tensor. Use x = x * y, or y.numpy()")
        return 5000

    # Exits: nothing is detached in silence

    def refuse_to_leave(self) -> None:
        """Raise DetachedError where handing out plain values would cut off a derivative."""
        if self.flows():
            raise DetachedError(f"{DETACHED}{asked_by_scipy()}")

    def __float__(self) -> float:
        self.refuse_to_leave()
        return float(plain(self))

    def __int__(self) -> int:
        self.refuse_to_leave()
        return int(plain(self))

    def __complex__(self) -> complex:
        self.refuse_to_leave()
        return complex(plain(self))

    def __bool__(self) -> bool:
        return bool(plain(self))

    def __index__(self) -> int:
        return as_index(plain(self))

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def item(self) -> Any:
        """The only element, as a Python number, which has no derivative."""
        return plain(self).item()

    def tolist(self) -> Any:
        """The elements as Python numbers, which have no derivatives, in nested lists."""
        return plain(self).tolist()

    def __repr__(self) -> str:
        value = self.value  # after which it is no longer being filled
        return f"{type(self).__name__}({value!r}, level {self.level.depth})"

    def __copy__(self) -> Any:
        return +self

    def __deepcopy__(self, memo: Any) -> Any:
        return +self

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("an array inside a transformation cannot be pickled. Use x.detach() for the values alone")

    # Changes in place

    def fitting(self, other: Any) -> Any:
        """`other` as a new value for this array, refused if it does not fit."""
        if other.shape != self.shape or not np.can_cast(other.dtype, self.dtype, "same_kind"):
            raise ValueError(
                f"a change in place keeps shape {self.shape} and dtype {self.dtype}; "
                f"got {other.shape} and {other.dtype}"
            )
        return other if other.dtype == self.dtype else other.astype(self.dtype)

    def assign_item(self, index: Any, v: Any) -> None:
        """``self[index] = v`` as two assignments."""
        self.assign(bind(REGISTRY[np.ndarray.__setitem__], (self, index, v)))

    def assign(self, other: Any) -> None:
        """Take on the value and the node of `other`, the result of a change in place; its level, too, if deeper."""
        other = self.fitting(other)
        if isinstance(other, Watched) and other.level is self.level:
            value, node = other.value, other.node
            self.value, self.node = value, node  # no call, and so no interrupt, comes between
        elif isinstance(other, Watched) and other.level.depth > self.level.depth:
            if type(self) not in WRITTEN_CLASSES:
                raise LevelError(
                    f"a change in place would put an array that a transformation watches into a {type(self).__name__} "
                    f"from outside of it. Make a new array: y = x + ... in place of x += ..."
                )
            value, node, level = other.value, other.node, other.level
            self.__class__ = type(other)  # pyrefly: ignore[bad-argument-type]
            self.value, self.node, self.level = value, node, level
        else:
            self.value, self.node = other, None

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
    __eq__ = operators(np.equal)[0]  # pyrefly: ignore[bad-override]
    __ne__ = operators(np.not_equal)[0]  # pyrefly: ignore[bad-override]
    __lt__ = operators(np.less)[0]
    __le__ = operators(np.less_equal)[0]
    __gt__ = operators(np.greater)[0]
    __ge__ = operators(np.greater_equal)[0]
    __neg__ = method(np.negative)
    __pos__ = method(np.positive)
    __abs__ = method(np.abs)
    __invert__ = method(np.invert)
    _power, __rpow__ = operators(np.power)[:2]

    def __pow__(self, exponent: Any) -> Any:
        if type(exponent) in (int, float) and exponent in SPECIAL_POWERS and self.dtype.kind == "f":
            return bind(REGISTRY[SPECIAL_POWERS[exponent]], (self,))
        return self._power(exponent)

    def __ipow__(self, exponent: Any) -> Self:
        self.assign(self**exponent)
        return self

    # Elements

    def __getitem__(self, index: Any) -> Any:
        return bind(REGISTRY[np.ndarray.__getitem__], (self, plain_index(index)))

    def __setitem__(self, index: Any, v: Any) -> None:
        if not self.level.open:
            raise closed(self)
        if isinstance(v, Watched) and self.dtype.kind != "f" and v.flows():
            raise DetachedError(f"{DETACHED}. An array of {self.dtype} has no derivative: make one of floats")
        self.level.write(self, plain_index(index), assigned(v))

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
        return bind(REGISTRY[np.copy], (self,))

    def flatten(self, order: str = "C") -> Any:
        """The elements along one axis."""
        return self.reshape(-1, order=order)

    def __round__(self, decimals: int | None = None) -> Any:
        return self.round(decimals or 0)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def reshape(self, *shape: Any, order: str = "C") -> Any:
        """The elements in another shape, given as a tuple or as separate lengths."""
        lengths = shape[0] if len(shape) == 1 else shape
        return bind(REGISTRY[np.reshape], (self, lengths), {} if order == "C" else {"order": order})

    def ravel(self, order: str = "C") -> Any:
        """The elements along one axis."""
        return self.reshape(-1) if order == "C" else bind(REGISTRY[np.ravel], (self,), {"order": order})

    def transpose(self, *axes: Any) -> Any:
        """The axes in another order, given as a tuple or one by one; reversed by default."""
        order = axes[0] if len(axes) == 1 else axes
        return bind(REGISTRY[np.transpose], (self, order or None))

    @property
    def T(self) -> Any:
        """The array with its axes in reverse order."""
        return self.transpose()

    @property
    def mT(self) -> Any:
        """The array with its last two axes exchanged."""
        return bind(REGISTRY[np.matrix_transpose], (self,))

    def astype(self, dtype: Any) -> Any:
        """The array in another dtype. The derivative is lost on the way to one that is not floating."""
        return bind(REGISTRY[np.ndarray.astype], (self, np.dtype(dtype)))


class Written:
    """An array that is being filled by index: its memory is its own until its value is read.

    So writing costs as much as what is written. Reading a part copies that part alone.
    """

    __slots__ = ()
    settled: type  # the class to return to when its value is read
    level: Any

    @property
    def value(self) -> Any:
        memory = memory_of(self)
        self.__class__ = self.settled
        self.level.settle(self, memory)
        return memory

    @value.setter
    def value(self, value: Any) -> None:
        self.__class__ = self.settled
        self.value = value

    shape = property(lambda self: memory_of(self).shape)
    ndim = property(lambda self: memory_of(self).ndim)
    size = property(lambda self: memory_of(self).size)
    dtype = property(lambda self: memory_of(self).dtype)

    def __getitem__(self, index: Any) -> Any:
        place = plain_index(index)
        if isinstance(place, Watched) or not self.level.writes(None):
            return Array.__getitem__(self, index)  # pyrefly: ignore[bad-argument-type]
        return self.level.part(self, place)


memory_of, set_memory = Watched.value.__get__, Watched.value.__set__


def fill(x: Any, index: Any, v: Any, node: Callable[[Any], Any], part: Any = None) -> None:
    """Write into the memory of an array, a copy of its own from the first time on; `node` makes its node of that.

    A `part`, if any, is written into the node. The last lines call nothing, so that no interrupt comes between them.
    """
    first = not isinstance(x, Written)
    memory, v = own_copy(x.value) if first else memory_of(x), snapshot(v)
    if isinstance(v, Watched) and not isinstance(memory, Watched):
        memory, first = v.level.taken_in(memory), True
    new = node(memory)
    written, settled = WRITTEN_CLASSES[type(x)]
    try:
        memory[index] = v
        if first:
            x.__class__ = settled
            x.value = memory
            x.__class__ = written
        if part is not None:
            new[index] = part
        x.node = new
    except (ValueError, IndexError, TypeError) as error:
        raise explained(REGISTRY[np.ndarray.__setitem__], (memory, index, v), error) from error


def own_copy(x: Any) -> Any:
    """A copy of a value, for writing; that of a watched one copies when it is written to."""
    if isinstance(x, Watched):
        return x.level.fresh(x.value, x.node)
    return np.array(x) if isinstance(x, np.generic) else x.copy()


def own_part(x: Any, index: Any) -> Any:
    """``x[index]`` in memory of its own."""
    part = x[index]
    return part.copy() if isinstance(part, np.ndarray) and part.base is not None else part


WRITTEN_CLASSES: dict[Any, Any] = {}  # by class: that of arrays which are being filled, and that of others


def with_written(cls: type) -> type:
    """Register a class of arrays, and the class that they have while they are filled."""
    written: Any = type(f"Written{cls.__name__}", (Written, cls), {"__slots__": (), "settled": cls})
    WRITTEN_CLASSES[cls] = WRITTEN_CLASSES[written] = written, cls
    USUAL_CLASSES.update(WRITTEN_CLASSES)
    return cls


DETACHED = (
    "a derivative flows through this array, and would be lost in plain numbers. Use NumPy's functions, np.exp in place "
    "of math.exp; np.stack to join a list; mg.zeros for an array that is filled by index; df.to_numpy() or S.toarray() "
    "beside it where the operator of another library comes first, or mg.scipy.sparse.matmul(S, x) for S @ x; and "
    "x.item(), x.detach().numpy() or a `with mg.no_grad()` block where no derivative is wanted"
)
WATCHABLE = (Watched, np.ndarray)
