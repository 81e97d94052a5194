"""An array that a transformation watches, and the one door through which every call on it goes.

The door takes off the innermost level only: it calls the function on the values inside, which may bring it to
the door again, and lets that level take note of the result.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.exceptions import AxisError
from numpy.linalg import LinAlgError

from .errors import LevelError, NoRuleError
from .levels import Level, recorded_from
from .methods import ArrayMethods
from .primitive import NO_OPTIONS, REGISTRY, Primitive


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

        `watched` has the arguments that this level watches, and None in place of others.
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
        if not all(self.knows(type(x)) for x in args):
            return NotImplemented
        return call_numpy(ufunc if name == "__call__" else (ufunc, name), args, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if not all(self.knows(kind) for kind in types):
            return NotImplemented
        return call_numpy(function, args, kwargs)

    def knows(self, kind: type) -> bool:
        """Whether arrays of a type can meet this one: any but those of a library that is not in here."""
        if not hasattr(kind, "__array_ufunc__") or issubclass(kind, Traced | np.ndarray):
            return True
        return isinstance(bare(self), kind)

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
    if primitive.kind == "composed":
        return compute(primitive, args, kwargs)
    operands = args[0] if primitive.sequence else args
    top = innermost(operands)
    if top is None:
        return compute(primitive, args, kwargs)
    level = top.level
    watched: Sequence[Traced | None] = ()
    if primitive.kind != "constant" and level.depth >= recorded_from.get():
        watched = [x if isinstance(x, Traced) and x.level is level and x.connected else None for x in operands]
        check_rules(primitive, watched, kwargs)
    inner = tuple(take_off(level, x, primitive.has_rule(i)) for i, x in enumerate(operands))
    args = (inner, *args[1:]) if primitive.sequence else inner
    return top.note(primitive, apply(primitive, args, kwargs), args, kwargs, watched)


def innermost(operands: Sequence[Any]) -> Traced | None:
    """The operand of the innermost level, None if none is watched; raises LevelError where levels do not nest."""
    top = None
    for x in operands:
        if not isinstance(x, Traced):
            continue
        if not x.level.open:
            raise LevelError(
                f"an array of shape {x.shape} is used after the transformation that watched it has returned. "
                f"Let the function return it as a result (has_aux), or detach it"
            )
        if top is None or x.level.depth > top.level.depth:
            top = x
        elif x.level.depth == top.level.depth and x.level is not top.level:
            raise LevelError(
                "arrays of two transformations meet of which neither runs inside the other. Detach one of the "
                "arrays, or nest the transformations"
            )
    return top


def take_off(level: Level, x: Any, differentiable: bool) -> Any:
    """What rules see of an argument: its value one level further out, and an array where a list came."""
    if isinstance(x, Traced) and x.level is level:
        return x.value
    return np.asarray(x) if differentiable and isinstance(x, list | tuple) else x


def check_rules(primitive: Primitive, watched: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Refuse a call without a derivative rule, rather than cut the result off its arguments in silence."""
    for i, x in enumerate(watched):
        if x is not None and not primitive.has_rule(i):
            raise NoRuleError(
                f"{primitive.name} has no derivative rule for its argument {i}. Pass it detached, as x.detach()"
            )
    for keyword in kwargs:
        if not primitive.accepts(keyword):
            raise NoRuleError(
                f"{primitive.name} has no derivative rule for its option {keyword}=. Write the call with other "
                f"functions (mg.where for where=, astype for dtype=), or pass detached arrays"
            )


def compute(primitive: Primitive, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Call a primitive on arrays that nobody watches; its errors get the operation's name and the shapes."""
    try:
        return primitive.compute(*args, **kwargs)
    except NoRuleError:
        raise
    except (TypeError, ValueError, IndexError) as error:
        arrays = [x for x in (args[0] if primitive.sequence else args) if hasattr(x, "shape")]
        text = f"{primitive.name} of {' and '.join(str(x.shape) for x in arrays)}: {error}"
        kind = next(k for k in (LinAlgError, AxisError, IndexError, ValueError, TypeError) if isinstance(error, k))
        raise kind(text) from error


def call_numpy(key: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """A call of one of NumPy's functions, or of a ufunc's method, as NumPy hands it to an array."""
    primitive = REGISTRY.get(key)
    if primitive is None:
        name = ".".join(getattr(part, "__name__", part) for part in (key if isinstance(key, tuple) else (key,)))
        raise NoRuleError(
            f"numpy.{name} has no derivative rule. Write it with functions that have one, give it one with "
            f"mg.register, or use x.detach() for the values alone"
        )
    out = kwargs.get("out")
    if any(x is not None for x in (out if isinstance(out, tuple) else (out,))):
        raise TypeError(
            f"{primitive.name} cannot write into out=: the array there would have no part in the derivative. "
            f"Use the result instead"
        )
    return apply(primitive, args, {key: value for key, value in kwargs.items() if key != "out"})
