"""The level that takes down which calls a function makes, with the arrays that they are of.

Its arrays stand for what nobody knows before the graph runs, so none of them gives its values away: whoever asks for a
number, or for the truth of an array, is refused.
"""

from collections.abc import Callable, Mapping, Sequence
from types import FunctionType
from typing import Any, NoReturn

import numpy as np

from ..core.array import Array, with_written
from ..core.context import Level, run_in, with_changes
from ..core.door import Watched, as_operand, bind, checked_options, placed_by_name, unwrap
from ..core.foreign import function_name
from ..core.primitive import Primitive
from ..core.values import as_array
from ..errors import ExportError
from ..rules.structure import reshape

# What is known of an array without its values.
QUESTIONS = {np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.iscomplexobj, np.isrealobj, np.isscalar}
QUESTIONS |= {np.broadcast_shapes, np.min_scalar_type, np.common_type, np.shares_memory, np.may_share_memory}
QUESTIONS |= {np.zeros_like, np.ones_like, np.empty_like}


class TracedValue:
    """An array of the graph: what it was in this run, and the call that made it, None for an input."""

    __slots__ = ("call", "data")
    call: Any

    def __init__(self, data: np.ndarray, call: "TracedCall | None") -> None:
        self.data, self.call = data, call

    @property
    def shape(self) -> tuple[int, ...]:
        """The length of each axis."""
        return self.data.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.data.ndim

    @property
    def dtype(self) -> np.dtype:
        """The type of the elements."""
        return self.data.dtype


class TracedCall:
    """A call that was taken down: among its arguments are Values, and plain arrays from outside."""

    __slots__ = ("args", "kwargs", "primitive", "value")
    value: TracedValue

    def __init__(self, primitive: Primitive, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self.primitive, self.args, self.kwargs = primitive, args, kwargs

    def values(self) -> list[TracedValue]:
        """The Values among the arguments."""
        return [x for x in parts_of((self.args, self.kwargs)) if isinstance(x, TracedValue)]


def parts_of(x: Any) -> list[Any]:
    """What lies in nested tuples, lists, dicts and slices."""
    if isinstance(x, tuple | list):
        return [part for branch in x for part in parts_of(branch)]
    if isinstance(x, dict):
        return parts_of([*x.values()])
    return parts_of((x.start, x.stop, x.step)) if isinstance(x, slice) else [x]


def mapped(function: Callable[[Any], Any], x: Any) -> Any:
    """Nested tuples, lists, dicts and slices, of `function` of what lies in them."""
    if type(x) in (tuple, list):
        return type(x)(mapped(function, part) for part in x)
    if type(x) is dict:
        return {key: mapped(function, part) for key, part in x.items()}
    return function(x)


class Trace(Level):
    """A run of which each call on an array of the graph is taken down; `rewritten` functions are by their definition.

    Those are given by primitive: a function of the same arguments that calls others, or returns NotImplemented. `known`
    are the arrays of parameters and buffers, by their identity; any other from outside is copied, as it may be changed.
    """

    __slots__ = ("calls", "known", "reshaped", "rewritten", "values")
    is_batch = True  # like the entries of a batch, an array of the graph is no value by itself

    def __init__(self, depth: int, rewritten: Mapping[Primitive, Callable[..., Any]], known: Mapping[int, str]) -> None:
        super().__init__(depth)
        self.rewritten, self.known = rewritten, known
        self.calls: list[TracedCall] = []
        self.reshaped: dict[int, tuple[Any, Any]] = {}  # what reshape made of an array from outside, and that array
        self.values: dict[int, TracedValue] = {}  # by the identity of the data

    def process(self, primitive: Primitive, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if not any(self.is_own(x) for x in parts_of((list(args), dict(kwargs)))):
            y = self.outside(bind, primitive, args, kwargs)
            if primitive is reshape:
                self.reshaped[id(unwrap(y))] = unwrap(y), unwrap(args[0])
            return y
        if kwargs:
            args, kwargs = placed_by_name(primitive, args, kwargs)
            kwargs = checked_options(primitive, kwargs, False)
        if primitive.function in QUESTIONS:
            return primitive.function(*mapped(unwrap, list(args)), **mapped(unwrap, dict(kwargs)))
        if primitive in self.rewritten and (y := self.rewritten[primitive](*args, **kwargs)) is not NotImplemented:
            return y
        if is_written_in_python(primitive):
            return primitive.function(*args, **kwargs)
        if primitive.sequence:
            args = ([as_operand(primitive, i, x) for i, x in enumerate(args[0])], *args[1:])
        else:
            args = [as_operand(primitive, i, x) for i, x in enumerate(args)]
        y = self.outside(bind, primitive, mapped(self.data_of, args), mapped(self.data_of, dict(kwargs)))
        return self.result(TracedCall(primitive, mapped(self.kept, args), mapped(self.kept, dict(kwargs))), y)

    def outside(self, function: Callable[..., Any], *args: Any) -> Any:
        """``function(*args)``, in which this level has no part."""
        return run_in(with_changes(ambient=self.inside), function, *args)

    def result(self, call: TracedCall, y: Any) -> Any:
        """The result of a call as an array of this level."""
        y = as_array(unwrap(y))
        if not isinstance(y, np.ndarray):
            raise ExportError(
                f"{call.primitive.name} returns a {type(y).__name__}, whose values or lengths are not known before the "
                f"graph runs. {BRANCHES}"
            )
        call.value = self.value_of(y.view() if id(y) in self.values else y, call)
        self.calls.append(call)
        return self.made(call.value.data, True)

    def value_of(self, data: np.ndarray, call: TracedCall | None) -> TracedValue:
        """A new Value."""
        self.values[id(data)] = value = TracedValue(data, call)
        return value

    def is_own(self, x: Any) -> bool:
        """Whether an argument is an array of this level, or an index with one in it."""
        return isinstance(x, Watched) and x.level is self

    def data_of(self, x: Any) -> Any:
        """What an argument was in this run."""
        if isinstance(x, TracedIndex):
            return mapped(self.data_of, x.value.parts)
        return unwrap(x)

    def kept(self, x: Any) -> Any:
        """What is taken down of an argument."""
        if isinstance(x, TracedIndex):
            return mapped(self.kept, x.value.parts)
        if self.is_own(x):
            return self.values[id(x.value)]
        x = unwrap(x)
        return x.copy() if isinstance(x, np.ndarray) and not {id(x)} & (self.known.keys() | self.reshaped.keys()) else x

    def made(self, value: Any, node: Any) -> Any:
        traced = TracedIndex() if isinstance(value, Parts) else Traced()
        traced.value, traced.node, traced.level = value, node, self
        return traced

    # What the door asks of a level whose arrays are no values by themselves

    def without(self, strip: Callable[[Any], Any], value: Any) -> Any:
        """What an array or an index of this level holds, as there is nothing to strip off."""
        return value

    def indexed(self, index: Any) -> Any:
        """An index with arrays of this level in it."""
        return self.made(Parts(index), True)

    def one_by_one(self, function: Callable[..., Any], args: Any, kwargs: Any) -> NoReturn:
        """A function that the engine does not know, so that the graph cannot have it."""
        raise no_counterpart(function_name(function))

    def hidden_axes(self) -> NoReturn:
        raise ExportError("the order of elements in memory, order='A' or 'K', is not known in a graph. Use 'C' or 'F'")

    def write(self, x: Any, index: Any, v: Any) -> None:
        x.assign_item(index, v)

    def drawn(self, rng: Any) -> NoReturn:
        raise ExportError(
            "the module draws random numbers, and a graph would hold those of this run. Export it in eval mode, "
            "where dropout draws none, or pass the numbers as an input"
        )


def is_written_in_python(primitive: Primitive) -> bool:
    """Whether it is a user's operation, whose definition has a rule of its own for derivatives alone."""
    module = getattr(primitive.function, "__module__", None) or ""
    return isinstance(primitive.function, FunctionType) and module.split(".")[0] not in ("minigrad", "numpy")


BRANCHES = (
    "Use mg.where(condition, a, b) in place of a branch or a mask, and NumPy's functions in place of those of math; or "
    "compute it outside of the module, and pass it as an input"
)


def no_counterpart(name: str, detail: str = "") -> ExportError:
    """The error of a function that a graph of ONNX has no operator for."""
    return ExportError(
        f"{name}{detail} has no counterpart among the operators of ONNX. Write the module with other functions, or "
        f"compute this part outside of it, and pass the result as an input"
    )


def no_value(what: str) -> ExportError:
    """The error of a question that only the values answer."""
    return ExportError(f"the module asks for {what}; it is not known before the graph runs. {BRANCHES}")


class Parts:
    """The parts of an index, some of which are arrays of the level."""

    __slots__ = ("parts",)

    def __init__(self, parts: Any) -> None:
        self.parts = tuple(parts)


class TracedIndex(Watched):
    """An index with arrays of the graph in it."""

    __slots__ = ()
    ndim, dtype = 1, np.dtype(np.intp)

    def __apply__(self, primitive: Primitive, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return bind(primitive, args, kwargs)


@with_written
class Traced(Array):
    """An array of the graph."""

    __slots__ = ()

    def flows(self) -> bool:
        return False

    def refuse_to_leave(self) -> NoReturn:
        raise no_value("plain numbers, as float(x), np.asarray(x) or a function of another library")

    def __bool__(self) -> NoReturn:
        raise no_value("the truth of an array, as in `if` and `while`")

    def __index__(self) -> NoReturn:
        raise no_value("an integer that stands for a length, an axis or a position")

    def item(self) -> NoReturn:
        """Refused, as the graph knows no values."""
        raise no_value("x.item()")

    def tolist(self) -> NoReturn:
        """Refused, as the graph knows no values."""
        raise no_value("x.tolist()")

    def __repr__(self) -> str:
        return f"Traced(shape {self.shape}, dtype {self.dtype})"


def live(calls: Sequence[TracedCall], outputs: Sequence[Any]) -> list[TracedCall]:
    """The calls that any of the outputs depends on, in order."""
    wanted = {id(x) for x in outputs}
    kept = []
    for call in reversed(calls):
        if id(call.value) in wanted:
            wanted |= {id(x) for x in call.values()}
            kept.append(call)
    return kept[::-1]
