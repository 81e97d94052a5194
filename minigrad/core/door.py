"""The one door through which every call on an array goes: the innermost level says what the call means.

What the calculus does not know of a call is refused here by name: arguments, options and positions without a rule.
"""

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from numbers import Number
from typing import Any

import numpy as np
from numpy.exceptions import AxisError
from numpy.linalg import LinAlgError

from ..errors import BatchError, LevelError, NoRuleError
from .context import Level, context, run_in, with_changes
from .foreign import USUAL_CLASSES, admitted, admitted_list, check_numbers, first_met, function_name
from .primitive import NO_OPTIONS, REASONS, REGISTRY, Primitive
from .recorder import state_array
from .tree import leaves, tree_map

LISTS = (list, tuple)
NAMES = {"dim": "axis", "keepdim": "keepdims"}  # of PyTorch and of NumPy


class Watched:
    """What the door knows of an array: a `value`, which may be watched in turn, its `level`, and its `node` there.

    The node is what the level has taken down of how the array was made, None if no derivative flows to it.
    """

    __slots__ = ("__weakref__", "level", "node", "value")
    level: Level
    value: Any
    node: Any

    def flows(self) -> bool:
        """Whether a derivative flows through this array, here and now."""
        x: Any = self
        while isinstance(x, Watched):
            if x.node is not None and x.level.depth >= context.get().recorded_from:
                return True
            x = x.value
        return False


def unwrap(x: Any) -> Any:
    """The plain array inside all levels, with no regard to what a recording follows."""
    while isinstance(x, Watched):
        x = x.value
    return x


def batch_of(*xs: Any) -> Any:
    """The innermost batch of which any of some arrays has entries, outermost in it; None if there is none."""
    batch = None
    for x in xs:
        if isinstance(x, Watched) and x.level.is_batch:
            batch = x.level if batch is None or x.level.depth > batch.depth else batch
    return batch


def plain(x: Any) -> Any:
    """The plain array inside all levels, for NumPy to compute with: a recording follows what becomes of it.

    The entries of a batch differ, so a batched array stays batched, without the derivatives inside.
    """
    holder = None
    while isinstance(x, Watched):
        if (batch := batch_of(x)) is not None:
            return batch.made(batch.without(plain, x.value), True)
        holder, x = x, x.value
    recording = context.get().recorder
    return x if recording is None else recording.operands((holder,), (x,))[0]


def raise_if(bad: Any, error: Callable[[], Exception]) -> None:
    """Raise `error()` if any element of `bad` is true, in any entry of a batch."""
    if np.any(unwrap(bad)):
        raise error()


def snapshot(x: Any) -> Any:
    """An operand as it is at this moment: later changes in place do not reach what is returned.

    An array without a node is unwrapped, as no derivative flows to it.
    """
    while isinstance(x, Watched):
        if x.node is not None:
            return x.level.made(x.value, x.node)
        x = x.value
    return x


def plain_index(index: Any) -> Any:
    """An index without the watch on arrays in it: positions have no derivative."""
    if isinstance(index, tuple | list):
        parts = type(index)(plain_index(part) for part in index)
        batch = batch_of(*parts)
        if batch is not None and isinstance(parts, list):
            return plain_index(np.stack(parts))
        return parts if batch is None else batch.indexed(parts)
    index = plain(index)
    if batch_of(index):
        return index
    if type(index) not in USUAL_CLASSES and hasattr(index, "__array__"):
        index = admitted("an index", index)
    return index.copy() if getattr(index, "ndim", 0) else index  # which the caller may use for something else


def bind(primitive: Primitive, args: Sequence[Any], kwargs: Mapping[str, Any] = NO_OPTIONS) -> Any:
    """Call a primitive on arguments that may be watched."""
    if "out" in kwargs:
        kwargs = without_out(primitive, kwargs)
    if primitive.kind == "composed":
        if len(args) > 2:
            check_positions(primitive, args, False)
        if kwargs or not USUAL_CLASSES.issuperset(map(type, args)) or (args and type(args[0]) in LISTS):
            args, kwargs = for_composed(primitive, args, kwargs)
        return evaluate(primitive, args, kwargs)
    if primitive.sequence and not args:  # np.stack(arrays=[a, b])
        args, kwargs = placed_by_signature(primitive, args, kwargs)
    level = innermost(args[0] if primitive.sequence and args else args)
    if level is not None:
        return level.process(primitive, args, kwargs)
    if kwargs:
        placed, kwargs = placed_by_name(primitive, args, kwargs)
        if placed is not args:  # np.sum(a=x)
            return bind(primitive, placed, kwargs)
        kwargs = checked_options(primitive, kwargs, False)
    if not primitive.sequence:  # Python's operators would join lists
        args = [as_operand(primitive, i, x) for i, x in enumerate(args)]
    elif type(args[0]) in LISTS and not USUAL_CLASSES.issuperset(map(type, args[0])):
        args = [[as_operand(primitive, i, x) for i, x in enumerate(args[0])], *args[1:]]
    return evaluate(primitive, args, kwargs)


def for_composed(
    primitive: Primitive, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """The arguments of a composed function, whose steps see to those that are watched."""
    if args and type(args[0]) in LISTS and not primitive.sequence:
        args = [np.asarray(admitted_list(args[0], partial(admitted, primitive.name))), *args[1:]]
    args = [admitted(primitive.name, x) for x in args]
    return args, {key: admitted(primitive.name, x) for key, x in kwargs.items()}


def placed_by_name(
    primitive: Primitive, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """The arguments of a call, with watched arrays that were passed by name moved to their positions."""
    if not any(isinstance(x, Watched) for x in kwargs.values()):
        return args, kwargs
    placed, options = placed_by_signature(primitive, args, kwargs)
    moved = any(isinstance(x, Watched) for x in placed)
    return (placed, options) if moved else (args, kwargs)


def placed_by_signature(
    primitive: Primitive, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Sequence[Any], Mapping[str, Any]]:
    """The arguments of a call as the function's signature places them."""
    try:
        bound = inspect.signature(primitive.function).bind(*args, **kwargs)
    except ValueError:  # pragma: no cover: NumPy 2.0 has functions without a signature
        return args, kwargs
    return bound.args, bound.kwargs


def innermost(operands: Sequence[Any]) -> Level | None:
    """The innermost level among the operands, None if none is watched; raises LevelError where levels do not nest."""
    level, ambient = None, context.get().ambient
    for x in operands:
        if isinstance(x, Watched) and x.level is not level:
            if not x.level.open and ambient is None:
                raise closed(x)
            if level is None or x.level.depth > level.depth:
                level = x.level
            elif x.level.depth == level.depth:
                raise LevelError(
                    "arrays of two transformations meet, neither of which runs inside the other. Detach one of the "
                    "arrays, or nest the transformations"
                )
    if level is None or ambient is None or level.depth > ambient.depth:
        return level
    return ambient


def closed(x: Any) -> LevelError:
    """The error of an array that is used too late."""
    return LevelError(
        f"an array of shape {x.shape} is used after the transformation that watched it has returned. "
        f"Let the function return it as a result (has_aux), or detach it"
    )


class Call:
    """A call as a level sees it: the operands one level further out, and the nodes of those that are its own.

    An operand of an outer level is what it is at this moment. `connected`, if a derivative flows through the call.
    """

    __slots__ = ("args", "connected", "inner", "kwargs", "nodes", "primitive")

    def __init__(self, level: Level, primitive: Primitive, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        operands, here = args[0] if primitive.sequence else args, context.get()
        constant = primitive.kind == "constant" or level.depth < here.recorded_from
        inner, nodes, connected = [], [], False
        for i, x in enumerate(operands):
            node = None
            if not isinstance(x, Watched):
                x = as_operand(primitive, i, x)
            elif (own := level.own(x)) is None:
                x = snapshot(x)
            else:
                x, node = own.value, None if constant else own.node
                if node is not None:
                    check_rule(primitive, i)
                    connected = True
            inner.append(x)
            nodes.append(node)
        if here.recorder is not None:
            inner = here.recorder.operands(operands, inner)
        if len(args) > 2 or (primitive.kind == "constant" and len(args) > getattr(primitive.function, "nin", 1)):
            check_positions(primitive, args, connected)
        self.primitive, self.inner, self.nodes, self.connected = primitive, inner, nodes, connected
        self.kwargs = checked_options(primitive, kwargs, connected) if kwargs else kwargs
        self.args = (inner, *args[1:]) if primitive.sequence else inner

    def made(self) -> Any:
        """The result, one level further out."""
        return bind(self.primitive, self.args, self.kwargs)

    def differentiable(self, y: Any) -> bool:
        """Whether a derivative flows to the result `y`; refuses one that should have it and cannot."""
        if hasattr(y, "dtype") and y.dtype.kind == "f":
            return self.connected
        check_result(self.primitive, y)
        if self.connected and not hasattr(y, "dtype"):
            raise TypeError(
                f"{self.primitive.name} has derivative rules, so it must return an array; got {type(y).__name__}. "
                f"Return one array, and give other results functions of their own"
            )
        return False


def check_result(primitive: Primitive, y: Any) -> None:
    """Refuse an array of something else than real numbers, which would have no derivative."""
    kind = y.dtype.kind if hasattr(y, "dtype") else "b"
    if kind == "c":
        raise TypeError(f"{primitive.name} makes complex numbers here, and derivatives are of real functions only")
    if kind not in "biuf" and primitive.kind != "constant":
        raise TypeError(
            f"{primitive.name} makes an array of {y.dtype} here, and derivatives are of numbers. Use float(x) of what "
            f"NumPy does not know as a number, or x.astype(float)"
        )


def outward(step: Callable[[Any], Any], call: Any) -> Any:
    """``step(call)``, a method of a level. If that is the ambient one, it has no part in what is called there."""
    ambient: Any = context.get().ambient
    if ambient is None or ambient is not step.__self__:  # pyrefly: ignore[missing-attribute]
        return step(call)
    return run_in(with_changes(ambient=ambient.inside), step, call)


def leaves_alone(primitive: Primitive, x: Any) -> bool:
    """Whether an argument without a rule needs no conversion: a number, or an argument of a user's function."""
    if isinstance(x, np.ndarray):
        return False
    return isinstance(x, Number) or (primitive.kind != "constant" and not primitive.trusted)


def as_operand(primitive: Primitive, i: int, x: Any) -> Any:
    """An argument that is not watched; lists and other sequences are arrays where a derivative could flow."""
    ruled = primitive.has_rule(i)
    if ruled and type(x) in LISTS:
        x = np.asarray(admitted_list(x, partial(admitted, primitive.name)))
    elif type(x) not in USUAL_CLASSES and (ruled or not leaves_alone(primitive, x)):
        x = admitted(primitive.name, x, primitive.sparse)
        x = np.asarray(x) if ruled and hasattr(x, "__len__") and not hasattr(x, "dtype") else x
    if ruled and isinstance(x, np.ndarray):
        check_numbers(primitive.name, x)
    return state_array(x)


def evaluate(primitive: Primitive, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Call a primitive on plain arrays; its errors get the operation's name and the shapes."""
    try:
        return primitive.compute(*args, **kwargs)
    except (NoRuleError, BatchError):
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
    named = (LinAlgError, AxisError, IndexError, ValueError, TypeError, type(error))
    kind = next(kind for kind in named if isinstance(error, kind))
    arrays = [x for x in (args[0] if primitive.sequence else args) if hasattr(x, "shape")]
    return kind(f"{primitive.name} of {' and '.join(str(x.shape) for x in arrays)}: {error}")


def call_numpy(key: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """A call of a NumPy function, or of a ufunc's method, as NumPy hands it to an array."""
    primitive = REGISTRY.get(key) or first_met(key)
    if primitive is None:
        return without_rule(key, args, kwargs)
    try:
        return bind(primitive, args, kwargs)
    except BatchError:
        raise
    except TypeError:
        lacking = options_lacking(primitive, kwargs)
        if not flowing(args, kwargs) and (lacking or in_options_alone(args)):
            return without_rule(key, args, kwargs)
        if not lacking or "out" in lacking:  # which has an error of its own
            raise
        raise no_option(primitive, lacking[0]) from None


def flowing(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a derivative flows through any array among the arguments of a call."""
    return any(isinstance(x, Watched) and x.flows() for x in leaves((args, dict(kwargs))))


def options_lacking(primitive: Primitive, kwargs: Mapping[str, Any]) -> list[str]:
    """The options that a composed function does not have, though NumPy's has."""
    if primitive.kind != "composed":
        return []
    spec = inspect.getfullargspec(primitive.function)
    return [] if spec.varkw else [name for name in kwargs if name not in (*spec.args, *spec.kwonlyargs)]


def no_option(primitive: Primitive, name: str) -> NoRuleError:
    """The error of a call with an option that the rules do not know of."""
    return NoRuleError(
        f"{primitive.name} has no derivative rule for its option {name}=. Write the call with other "
        f"functions (mg.where for where=, astype for dtype=), or pass detached arrays"
    )


def in_options_alone(args: Sequence[Any]) -> bool:
    """Whether there are operands, and none is watched, so that an option must be what is."""
    return bool(args) and not any(isinstance(x, Watched) for x in leaves(args))


WRITERS = ("at", "copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask")


def without_rule(key: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """A call of a function without a rule: refused where a derivative would be lost, and else of plain arrays."""
    name = function_name(key)
    writes = name.rpartition(".")[2] in WRITERS and bool(args) and isinstance(args[0], Watched)
    if flowing(args, kwargs):
        others = "functions that have one" + (", as x[i] = v or mg.index_add" if writes else "")
        own = "a function of your own around it one with mg.primitive (mg.register takes no methods)"
        raise NoRuleError(
            REASONS.get(key)
            or f"{name} has no derivative rule. Write it with {others}, give "
            f"{own if isinstance(key, tuple) else 'it one with mg.register'}, or use x.detach() for the values alone"
        )
    if writes:
        use = "Use x[i] = v, or mg.index_add, or x.detach().numpy() for a plain array"
        raise NoRuleError(f"{name} writes into its argument, which others may hold, and has no derivative rule. {use}")
    call = getattr(*key) if isinstance(key, tuple) else key
    place = place_of_out(call)
    if any(isinstance(x, Watched) for x in leaves((kwargs.get("out"), args[place : place + 1]))):
        raise no_out(name)
    args, kwargs = tree_map(plain, args), tree_map(plain, dict(kwargs))
    batch = batch_of(*leaves((args, kwargs)))
    return call(*args, **kwargs) if batch is None else batch.one_by_one(call, args, kwargs)


@lru_cache
def place_of_out(function: Callable[..., Any]) -> int:
    """The position of the argument that a function writes its result into; beyond all if it has none."""
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # pragma: no cover: NumPy 2.0 has functions without a signature
        names = []
    return names.index("out") if "out" in names else sys.maxsize - 1


# What the derivative rules do not know


def check_rule(primitive: Primitive, i: int) -> None:
    """Refuse an argument without a derivative rule, rather than drop its derivative silently."""
    if not primitive.has_rule(i):
        raise NoRuleError(
            f"{primitive.name} has no derivative rule for its argument {i}. Pass it detached, as x.detach(), or "
            f"give the function a rule for it"
        )


def checked_options(primitive: Primitive, options: Mapping[str, Any], connected: bool) -> Mapping[str, Any]:
    """The options of a call, constants among them as plain arrays; refuses those that the rules do not take."""
    for name, option in options.items():
        if isinstance(option, Watched) and option.flows() and primitive.kind != "constant":
            remedy = "Use mg.where on the operand" if name == "where" else "Pass it by position"
            raise NoRuleError(
                f"{primitive.name} has no derivative rule for an array passed as {name}=. {remedy}, or pass it "
                f"detached, as x.detach()"
            )
        if connected and name in NAMES:
            raise NoRuleError(f"{primitive.name} has no option {name}=. Its name is {NAMES[name]}=, as in NumPy")
        if connected and not primitive.accepts(name):
            raise no_option(primitive, name)
    return {name: admitted(primitive.name, plain(option)) for name, option in options.items()}


def without_out(primitive: Primitive, kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options but for out=, refused if it names an array."""
    out = kwargs["out"]
    if any(x is not None for x in (out if isinstance(out, tuple) else (out,))):
        raise no_out(primitive.name)
    return {key: value for key, value in kwargs.items() if key != "out"}


def check_positions(primitive: Primitive, args: Sequence[Any], connected: bool) -> None:
    """Refuse out= passed by position, and arguments that the derivative rules do not take."""
    place = getattr(primitive.function, "nin", None) or place_of_out(primitive.function)
    if any(x is not None for x in args[place : place + 1]):
        raise no_out(primitive.name)
    code = next((rule.__code__ for rule in primitive.rules if hasattr(rule, "__code__")), None)
    known = () if code is None else code.co_varnames[2 : code.co_argcount]
    if connected and code is not None and not code.co_flags & 0x04 and len(args) > len(known):  # CO_VARARGS
        raise NoRuleError(
            f"{primitive.name} has no derivative rule for its argument {len(known)}. Leave it out, write the call "
            f"with other functions, or pass detached arrays"
        )


def no_out(name: str) -> TypeError:
    """The error of a call that would write into an array."""
    return TypeError(
        f"{name} cannot write into out=: the array there would have no part in the derivative. "
        f"Use the result instead, or x.detach().numpy() where no derivative is wanted"
    )
