"""An array that a transformation watches, and the one door through which every call on it goes.

The door takes off the innermost level only: it calls the function on the values inside, which may bring it to
the door again, and lets that level take note of the result.
"""

import inspect
import sys
from collections.abc import Mapping, Sequence
from opcode import opmap
from typing import Any, Self

import numpy as np
from numpy.exceptions import AxisError
from numpy.linalg import LinAlgError

from ..errors import LevelError, NoRuleError
from .array import ArrayMethods
from .context import GROUND, Level, recorded_from, recorder, running_again, unusual, watcher
from .options import check_options, check_positions, check_rule, without_out
from .primitive import NO_OPTIONS, REGISTRY, Primitive
from .recorder import fixed, seen

STORE_SUBSCR = opmap["STORE_SUBSCR"]


class Traced(ArrayMethods):
    """An array that a transformation watches: a `value` that may be watched in turn, and the `level` of the watch.

    Each kind of transformation has a subclass.
    """

    __slots__ = ()
    level: Level

    @property
    def connected(self) -> bool:
        """Whether a derivative flows to this array."""
        return True

    def note(
        self, primitive: Primitive, y: Any, args: Sequence[Any], kwargs: Mapping[str, Any], watched: Sequence[Any]
    ) -> Any:
        """The result of ``primitive(*args, **kwargs)``, whose value is `y`, as this level sees it.

        `watched` has the arguments that this level watches, None in place of others; it is empty if there are none.
        """
        raise NotImplementedError  # pragma: no cover: abstract

    def alike(self, value: Any) -> Self:
        """An array of this level with a value that has no derivative."""
        raise NotImplementedError  # pragma: no cover: abstract

    def fitting(self, other: Any) -> Any:
        """`other` as a new value for this array, refused if it is none."""
        if not isinstance(other, Traced):
            other = self.alike(other)
        if other.level is not self.level:
            raise LevelError(
                "a change in place would put an array that a transformation watches into one from outside of it. "
                "Make a new array: y = x + ... in place of x += ..."
            )
        if other.shape != self.shape or not np.can_cast(other.dtype, self.dtype, "same_kind"):
            raise ValueError(
                f"a change in place keeps shape {self.shape} and dtype {self.dtype}; "
                f"got {other.shape} and {other.dtype}"
            )
        return other if other.dtype == self.dtype else other.astype(self.dtype)

    def __apply__(self, primitive: Primitive, args: Sequence[Any], kwargs: Mapping[str, Any] = NO_OPTIONS) -> Any:
        return apply(primitive, args, kwargs)

    def __array_ufunc__(self, ufunc: np.ufunc, name: str, *args: Any, **kwargs: Any) -> Any:
        for x in args:
            if type(x) is not np.ndarray and not self.knows(type(x)):
                return NotImplemented
        return call_numpy(ufunc if name == "__call__" else (ufunc, name), args, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        for kind in types:
            if not self.knows(kind):
                return NotImplemented
        return call_numpy(function, args, kwargs)

    def steps_back(self, other: Any) -> bool:
        kind = type(other)
        return kind is not np.ndarray and (getattr(kind, "__array_ufunc__", kind) is None or not self.knows(kind))

    def knows(self, kind: type) -> bool:
        """Whether arrays of a type can meet this one: any but those of a library that is not in here."""
        if issubclass(kind, WATCHABLE) or not hasattr(kind, "__array_ufunc__"):
            return True
        return isinstance(seen(bare(self)), kind)

    def __int__(self) -> int:
        self._refuse_to_be_stored()
        return int(bare(self))

    def __float__(self) -> float:
        self._refuse_to_be_stored()
        return float(bare(self))

    def _refuse_to_be_stored(self) -> None:
        # For array[i] = x NumPy asks an x of a single element for a number, rather than for its array.
        frame = sys._getframe(2)
        if frame.f_code.co_code[frame.f_lasti] == STORE_SUBSCR:
            self.__array__()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r}, level {self.level.depth})"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        raise TypeError(
            "NumPy asks an array inside a transformation for its plain values, which have no derivative. Use a "
            "function of NumPy's that has a rule, or x.detach() where no derivative is wanted"
        )


def bare(x: Any) -> Any:
    """The plain array inside all watches."""
    while isinstance(x, Traced):
        x = x.value
    return x


def apply(primitive: Primitive, args: Sequence[Any], kwargs: Mapping[str, Any] = NO_OPTIONS) -> Any:
    """Call a primitive on arguments that may be watched: the one door."""
    if "out" in kwargs:
        kwargs = without_out(primitive, kwargs)
    if primitive.kind == "composed":
        if args and type(args[0]) in LISTS and not primitive.sequence:
            args = [fixed(np.asarray(args[0])), *args[1:]]
        return compute(primitive, args, kwargs)
    operands = args[0] if primitive.sequence else args
    top = innermost(operands)
    if top is None:
        if not primitive.sequence:  # Python's operators would join lists
            args = [as_operand(primitive, i, x) for i, x in enumerate(args)]
        return compute(primitive, args, kwargs)
    level = top.level
    if level.stand_in is not None:
        operands = [level.stand_in(x) for x in operands]
    records = primitive.kind != "constant" and level.depth >= recorded_from.get()
    inner, watched, connected = [], [], False
    for i, x in enumerate(operands):
        mine = isinstance(x, Traced) and x.level is level
        if mine and records and x.connected:
            check_rule(primitive, i)
            watched.append(x)
            connected = True
        else:
            watched.append(None)
        inner.append(x.value if mine else as_operand(primitive, i, x))
    if unusual and (recording := recorder.get()) is not None:
        inner = recording.operands(operands, inner)
    if len(args) > 2:
        check_positions(primitive, args, connected)
    if kwargs and records:
        check_options(primitive, kwargs, connected)
    args = (inner, *args[1:]) if primitive.sequence else inner
    y = compute(primitive, args, kwargs) if level is GROUND else apply(primitive, args, kwargs)
    if unusual and watcher.get() is not None:
        watcher.get().computed(primitive, y, inner)
    return top.note(primitive, y, args, kwargs, tuple(watched) if connected else ())


def as_operand(primitive: Primitive, i: int, x: Any) -> Any:
    """An argument that is not watched; lists are arrays where a derivative could flow."""
    return fixed(np.asarray(x)) if type(x) in LISTS and primitive.has_rule(i) else seen(x)


def innermost(operands: Sequence[Any]) -> Traced | None:
    """The operand of the innermost level, None if none is watched; raises LevelError where levels do not nest."""
    top = None
    for x in operands:
        if isinstance(x, Traced) and (top is None or x.level is not top.level):
            if not x.level.open and not running_again.get():
                raise LevelError(
                    f"an array of shape {x.shape} is used after the transformation that watched it has returned. "
                    f"Let the function return it as a result (has_aux), or detach it"
                )
            if top is not None and x.level.depth == top.level.depth:
                raise LevelError(
                    "arrays of two transformations meet of which neither runs inside the other. Detach one of the "
                    "arrays, or nest the transformations"
                )
            if top is None or x.level.depth > top.level.depth:
                top = x
    return top


def differentiable(primitive: Primitive, y: Any, watched: Sequence[Any]) -> bool:
    """Whether a derivative flows to the result `y`; refuses one that should have it and cannot."""
    kind = y.dtype.kind if hasattr(y, "dtype") else ""
    if kind == "f":
        return bool(watched)
    if kind == "c":
        raise TypeError(f"{primitive.name} makes complex numbers here, and derivatives are of real functions only")
    if watched and not kind:
        raise TypeError(
            f"{primitive.name} has derivative rules, so it answers with an array; got {type(y).__name__}. Return "
            f"one array, and give other results functions of their own"
        )
    return False


def compute(primitive: Primitive, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Call a primitive on arrays that nobody watches; its errors get the operation's name and the shapes."""
    try:
        return primitive.compute(*args, **kwargs)
    except NoRuleError:
        raise
    except (ValueError, IndexError) as error:
        raise explained(primitive, args, error) from error
    except (TypeError, AttributeError) as error:
        if primitive.compute is primitive.function:
            raise explained(primitive, args, error) from error
    try:  # the function itself, which takes more, and says what it does not take
        return primitive.function(*args, **kwargs)
    except (TypeError, ValueError, IndexError) as error:
        raise explained(primitive, args, error) from error


def explained(primitive: Primitive, args: Sequence[Any], error: Exception) -> Exception:
    """An error of a call, with the operation's name and the shapes of its arguments."""
    kinds = (LinAlgError, AxisError, IndexError, ValueError, TypeError)
    kind = next((k for k in kinds if isinstance(error, k)), type(error))
    arrays = [x for x in (args[0] if primitive.sequence else args) if hasattr(x, "shape")]
    return kind(f"{primitive.name} of {' and '.join(str(x.shape) for x in arrays)}: {error}")


def call_numpy(key: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """A call of one of NumPy's functions, or of a ufunc's method, as NumPy hands it to an array."""
    primitive = REGISTRY.get(key)
    if primitive is None:
        name = ".".join(getattr(part, "__name__", part) for part in (key if isinstance(key, tuple) else (key,)))
        raise NoRuleError(
            f"numpy.{name} has no derivative rule. Write it with functions that have one, give it one with "
            f"mg.register, or use x.detach() for the values alone"
        )
    if not kwargs:
        return apply(primitive, args)
    if "out" in kwargs:
        kwargs = without_out(primitive, kwargs)
    if primitive.kind != "composed" and not any(isinstance(x, list | tuple | Traced) for x in args):
        bound = inspect.signature(primitive.function).bind(*args, **kwargs)  # np.sum(a=x)
        args, kwargs = bound.args, bound.kwargs
    return apply(primitive, args, kwargs)


WATCHABLE = (Traced, np.ndarray)
LISTS = (list, tuple)
