"""The array that a recording hands around: to NumPy it is one more array type, and each call on it is written down."""

import math
import operator
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from ..errors import RecordingError
from .program import ARGUMENT, Value

NUMBERS = (int, float, complex, np.generic)
OPERANDS = (np.ndarray, np.generic, int, float, complex, list, tuple, type(None))


def binary(ufunc: np.ufunc, operation: Callable[[Any, Any], Any]) -> tuple[Callable[..., Any], ...]:
    """The methods of an operator: forward, reflected and in place."""

    def record(recording: Any, a: Any, b: Any) -> Any:
        # NumPy's scalars have operators of their own, faster than its functions and not always equal to them.
        function = operation if is_scalar(a) and is_scalar(b) else ufunc
        return recording.call(function, (a, b))

    def forward(self: "RecordingArray", other: Any) -> Any:
        return record(self.recording, self, other) if computes(self, other) else NotImplemented

    def reflected(self: "RecordingArray", other: Any) -> Any:
        return record(self.recording, other, self) if computes(self, other) else NotImplemented

    def in_place(self: "RecordingArray", other: Any) -> Any:
        if not knows(type(other)):
            return NotImplemented
        if self.node.scalar or self.node.number:
            return record(self.recording, self, other)
        return self.recording.call(ufunc, (self, other), {"out": (self,)})

    return forward, reflected, in_place


def unary(ufunc: np.ufunc, operation: Callable[[Any], Any]) -> Callable[["RecordingArray"], Any]:
    """The method of an operator of one array."""
    return lambda self: self.recording.call(operation if is_scalar(self) else ufunc, (self,))


def is_scalar(x: Any) -> bool:
    """Whether NumPy computes with `x` as with a number."""
    return x.node.scalar or x.node.number if isinstance(x, RecordingArray) else isinstance(x, NUMBERS)


def computes(x: "RecordingArray", other: Any) -> bool:
    """Whether an operator of `x` is for it to compute; a list, it is for a number to repeat."""
    return knows(type(other)) and not (x.node.number and isinstance(other, list | tuple))


def knows(kind: type) -> bool:
    """Whether a recorded array computes with a type; others, such as Tensors, come first in an operator."""
    return issubclass(kind, (RecordingArray, *OPERANDS))


class RecordingArray:
    """An array in a recording: its `node` in the program, and the `value` that it had this time.

    It has the methods of an ndarray but for those that would take its values out of the recording.
    """

    __slots__ = ("__weakref__", "node", "recording", "value")

    def __init__(self, recording: Any, node: Value, value: Any) -> None:
        self.recording = recording
        self.node = node
        self.value = value

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if not all(knows(type(x)) for x in args):
            return NotImplemented
        return self.recording.call(ufunc if method == "__call__" else (ufunc, method), args, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if not all(knows(kind) for kind in types):
            return NotImplemented
        return self.recording.call(function, args, kwargs)

    # Operators

    __add__, __radd__, __iadd__ = binary(np.add, operator.add)
    __sub__, __rsub__, __isub__ = binary(np.subtract, operator.sub)
    __mul__, __rmul__, __imul__ = binary(np.multiply, operator.mul)
    __truediv__, __rtruediv__, __itruediv__ = binary(np.divide, operator.truediv)
    __floordiv__, __rfloordiv__, __ifloordiv__ = binary(np.floor_divide, operator.floordiv)
    __mod__, __rmod__, __imod__ = binary(np.remainder, operator.mod)
    __matmul__, __rmatmul__, __imatmul__ = binary(np.matmul, operator.matmul)
    __lshift__, __rlshift__, __ilshift__ = binary(np.left_shift, operator.lshift)
    __rshift__, __rrshift__, __irshift__ = binary(np.right_shift, operator.rshift)
    __and__, __rand__, __iand__ = binary(np.bitwise_and, operator.and_)
    __or__, __ror__, __ior__ = binary(np.bitwise_or, operator.or_)
    __xor__, __rxor__, __ixor__ = binary(np.bitwise_xor, operator.xor)
    __eq__ = binary(np.equal, operator.eq)[0]
    __ne__ = binary(np.not_equal, operator.ne)[0]
    __lt__ = binary(np.less, operator.lt)[0]
    __le__ = binary(np.less_equal, operator.le)[0]
    __gt__ = binary(np.greater, operator.gt)[0]
    __ge__ = binary(np.greater_equal, operator.ge)[0]
    __neg__ = unary(np.negative, operator.neg)
    __pos__ = unary(np.positive, operator.pos)
    __abs__ = unary(np.absolute, operator.abs)
    __invert__ = unary(np.invert, operator.invert)

    # An ndarray squares where it is raised to the power 2, and the like, so its own operator is recorded.
    def __pow__(self, other: Any) -> Any:
        return self.recording.call(operator.pow, (self, other)) if knows(type(other)) else NotImplemented

    def __rpow__(self, other: Any) -> Any:
        return self.recording.call(operator.pow, (other, self)) if knows(type(other)) else NotImplemented

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> Any:
        return other // self, other % self

    def __ipow__(self, other: Any) -> Any:
        self[...] = self**other
        return self

    # Elements

    def __getitem__(self, index: Any) -> Any:
        return self.recording.call(operator.getitem, (self, index))

    def __setitem__(self, index: Any, v: Any) -> None:
        self.recording.call(operator.setitem, (self, index, v))

    def __copy__(self) -> Any:
        return self.recording.call(np.copy, (self,)) if self.shape or not self.node.is_number else self

    def __deepcopy__(self, memo: Any) -> Any:
        return self.__copy__()

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    # What a recording cannot answer

    def _refuse(self, question: str, remedy: str) -> NoReturn:
        raise RecordingError(
            f"the compiled function {question.format(f'an array of shape {self.shape}')}, which would be the same in "
            f"every replay. {remedy}"
        )

    # Numbers that Python takes out, which a replay compares

    def __bool__(self) -> bool:
        return bool(self.recording.read(self))

    def __float__(self) -> float:
        return float(self.recording.read(self))

    def __int__(self) -> int:
        return int(self.recording.read(self))

    def __complex__(self) -> complex:
        return complex(self.recording.read(self))

    def __index__(self) -> int:
        return operator.index(self.recording.read(self))

    def __round__(self, *args: Any) -> Any:
        return round(self.recording.read(self), *args)

    def __trunc__(self) -> Any:
        return math.trunc(self.recording.read(self))

    def __floor__(self) -> Any:
        return math.floor(self.recording.read(self))

    def __ceil__(self) -> Any:
        return math.ceil(self.recording.read(self))

    def __hash__(self) -> int:
        return hash(self.recording.read(self))  # an array has none, and says so

    def item(self, *index: Any) -> Any:
        return self.recording.read(self).item(*index)

    def tolist(self) -> Any:
        return self.recording.read(self).tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if not self.recording.is_kept(self):
            self._refuse(
                "hands {} to something other than NumPy's functions",
                "Use functions of NumPy's that take arrays, or do it outside of the function"
                + ("" if self.shape else "; np.stack makes an array of numbers, and float(x) or int(x) a number"),
            )
        values = np.array(self.recording.read(self), dtype)
        values.flags.writeable = False  # writing to them would not reach the array itself
        return values

    def _refuse_memory(self, *_: Any) -> NoReturn:
        self._refuse("looks into the memory of {}", "Return the array, and do that outside of the function")

    tobytes = dump = dumps = tofile = _refuse_memory

    def __format__(self, spec: str) -> str:
        return format(self.recording.read(self), spec) if spec or self.is_given else repr(self)

    def __str__(self) -> str:
        return str(self.recording.read(self)) if self.is_given else repr(self)

    @property
    def is_given(self) -> bool:
        """Whether it stands for a number among the arguments, which a program may be for alone."""
        return self.node.number and self.node.origin == ARGUMENT

    def __repr__(self) -> str:
        return f"<array of shape {self.shape} and dtype {self.dtype} in a recording>"

    # Attributes and methods

    @property
    def shape(self) -> tuple[int, ...]:
        return self.node.shape

    @property
    def dtype(self) -> np.dtype:
        return self.node.dtype

    def __getattr__(self, name: str) -> Any:
        if self.recording.is_elsewhere():
            return getattr(self.value, name)
        if name.startswith("__") or name in ("data", "flat", "ctypes", "base", "setflags", "resize", "view"):
            raise AttributeError(f"an array in a recording has no {name}")
        attribute = getattr(self.value, name)
        if isinstance(attribute, np.ndarray):  # T, mT, real
            return self.recording.call(Attribute(name), (self,))
        if callable(attribute):
            return lambda *args, **kwargs: self.recording.call(Method(name), (self, *args), kwargs)
        return attribute


class Attribute:
    """The function that looks an attribute of an array up."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, x: Any) -> Any:
        return getattr(x, self.name)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.name == self.name

    def __hash__(self) -> int:
        return hash((type(self), self.name))


class Method(Attribute):
    """The function that calls a method of an array, or of a generator of random numbers."""

    __slots__ = ()

    def __call__(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(x, self.name)(*args, **kwargs)


class RecordingGenerator:
    """A generator of random numbers in a recording: each call of its methods is a draw."""

    __slots__ = ("node", "recording", "value")

    def __init__(self, recording: Any, node: Value, value: np.random.Generator) -> None:
        self.recording = recording
        self.node = node
        self.value = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or not callable(getattr(self.value, name)):
            raise RecordingError(f"the compiled function looks at {name} of a generator, which a replay would not do")
        return lambda *args, **kwargs: self.recording.drawn(self.value, name, args, kwargs)
