"""Checkpoints: functions that are computed again in the backward pass, so that it needs less memory."""

import math
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

import numpy as np

from ..core.array import Array, fill, memory_of, own_part, with_written
from ..core.context import Level, context, is_grad_enabled, next_depth, run_at
from ..core.door import Watched, bind, check_result, plain, unwrap
from ..core.primitive import Primitive
from ..core.tape import Reverse
from ..core.tree import leaves, rebuild, tree_map
from ..errors import GraphError
from .arguments import zeros_like
from .forward import Forward, tangent_of
from .generators import States, generators_of
from .reverse import cotangents


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f`, without its intermediate results kept for the backward pass: they are computed again there.

    For less memory at the cost of another evaluation. Inside of `vmap` it saves none: map first, and put the checkpoint
    around that. The arrays that `f` uses from outside, such as parameters,
    get their derivatives as well. Random numbers are the same in both evaluations, and running statistics move once.

    Parameters
    ----------
    f : callable
        Takes and returns arrays, or nested lists, tuples and mappings of arrays; other arguments are passed on. It must
        compute the same when called again. NumPy generators that it finds in its arguments, variables, or a
        module's attributes, or draws from by `mg.sample` or dropout, are given back the state that they had.
    """

    @wraps(f)
    def checked(*args: Any, **kwargs: Any) -> Any:
        here = context.get()
        if not is_grad_enabled() or here.recorder is not None or here.batches:
            return f(*args, **kwargs)  # and so there will be no second run; a compiled function plans its own memory
        args, kwargs = tree_map(lambda x: x, (args, kwargs))  # the caller may change the containers
        inputs = [x for x in leaves((args, kwargs)) if is_floating(x)]
        given = [x.level.made(x.value, x.node) if isinstance(x, Watched) else x for x in inputs]

        def call(arrays: Sequence[Any]) -> Any:
            remaining = iter(arrays)
            own_args, own_kwargs = tree_map(lambda x: next(remaining) if is_floating(x) else x, (args, kwargs))
            return f(*own_args, **own_kwargs)

        level = FirstRun(next_depth(), States(generators_of(f, args, kwargs)))
        y = run_at(level, call, [level.made(unwrap(x), True) for x in given], ambient=True)
        results = leaves(y)
        inside = [i for i, v in enumerate(results) if isinstance(v, Watched) and v.level is level]
        if inside:
            level.forget_constants()
            again = Again(call, len(given), level, inside, [results[i].value for i in inside])
            packed = bind(again.primitive(), ([*given, *level.outer.values()],))
            for i, part in zip(inside, unpack(packed, again.forms), strict=True):
                results[i] = part
        return rebuild(y, results)

    return checked


def is_floating(x: Any) -> bool:
    """Whether a derivative can flow to an argument, or from a result."""
    return getattr(getattr(x, "dtype", None), "kind", "") == "f"


class FirstRun(Level):
    """The first run of a checkpointed function, which is not differentiated: it notes what comes from outside."""

    __slots__ = ("again", "constants", "outer", "states", "watch")

    def __init__(self, depth: int, states: States) -> None:
        super().__init__(depth)
        ambient = context.get().ambient
        self.again = ambient is not None and ambient.again  # inside of the second run of another
        self.watch = ambient if hasattr(ambient, "computed") else None  # detect_anomaly
        self.outer: dict[
            int, Any
        ] = {}  # by the identity of its node, each array from outside to which a derivative flows
        self.constants: dict[int, tuple[Any, Any, Any]] = {}  # by identity, other arrays, their levels and values
        self.states = states

    def process(self, primitive: Primitive, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        operands = args[0] if primitive.sequence else args
        inner = [self.plain(x) for x in operands]
        options = {name: unwrap(x) for name, x in kwargs.items()}
        y = bind(primitive, (inner, *args[1:]) if primitive.sequence else inner, options)
        if self.watch is not None:
            self.watch.computed(primitive, y, inner)
        check_result(primitive, y)
        return self.made(y, True) if is_floating(y) else y

    def plain(self, x: Any) -> Any:
        """The plain array of an operand; one from outside is taken down."""
        while isinstance(x, Watched) and x.node is None:
            self.constants.setdefault(id(x), (weakref.ref(x), x.level, x.value))
            x = x.value
        if isinstance(x, Watched) and x.level is not self:
            self.outer.setdefault(id(x.node), x.level.made(x.value, x.node))
        return unwrap(x)

    def forget_constants(self) -> None:
        """Keep those constants that are referred to elsewhere: they came from outside, and may be changed."""
        self.constants = {key: known for key, known in self.constants.items() if known[0]() is not None}

    def made(self, value: Any, node: Any) -> Any:
        opaque = Opaque()
        opaque.value, opaque.node, opaque.level = value, node, self
        return opaque

    def drawn(self, rng: Any) -> Any:
        return self.states.first(rng)

    def write(self, x: Any, index: Any, v: Any) -> None:
        fill(x, index, self.plain(v), lambda memory: True)

    def settle(self, x: Any, memory: Any) -> None:
        """Nothing else has to know the value of an array that was filled."""

    def part(self, x: Any, index: Any) -> Any:
        """``x[index]`` of an array that is being filled."""
        return self.made(own_part(memory_of(x), index), True)


@with_written
class Opaque(Array):
    """An array of the first run of a checkpointed function."""

    __slots__ = ()


class Again:
    """A checkpointed function as a primitive of a list: its `count` inputs, then the arrays from outside.

    Its results are those numbered `inside`, packed into one.
    """

    def __init__(self, call: Callable[..., Any], count: int, first: FirstRun, inside: Sequence[int], values: list[Any]):
        self.call, self.count, self.inside, self.values = call, count, inside, values
        self.keys, self.constants, self.states = dict(first.outer), first.constants, first.states
        self.forms = [(v.shape, v.dtype) for v in values]
        levels = [*(x.level for x in self.keys.values()), *(level for _, level, _ in self.constants.values())]
        self.below = max((level.depth for level in levels), default=0)

    def primitive(self) -> Primitive:
        def checkpointed(arrays: Sequence[Any]) -> Any:
            y = pack(self.values)
            self.values = []  # they would stay for as long as the graph
            return y

        return Primitive(checkpointed, [self.rule], "general", [self.forward], sequence=True)

    def rule(self, g: Any, y: Any, arrays: Sequence[Any]) -> list[Any]:
        """The cotangents of all arrays."""
        level = AgainReverse(next_depth(self.below))
        variables = level.variables(arrays)
        nodes = [v.node for v in variables]
        outputs = self.evaluated(level, variables, y)
        roots = [v.node if isinstance(v, Watched) and v.level is level else None for v in outputs]
        found = cotangents(roots, unpack(g, self.forms))
        return [found[node] if node in found else zeros_like(x) for x, node in zip(arrays, nodes, strict=True)]

    def forward(self, tangents: Sequence[Any], y: Any, arrays: Sequence[Any]) -> Any:
        """The tangents of the results, packed."""
        level = AgainForward(next_depth(self.below))
        outputs = self.evaluated(level, [level.made(x, t) for x, t in zip(arrays, tangents, strict=True)], y)
        return pack([tangent_of(level, v) for v in outputs])

    def evaluated(self, level: Any, arrays: list[Any], y: Any) -> list[Any]:
        """The results of the function at a level that knows the arrays from outside by their nodes."""
        level.constants, level.states = self.constants, self.states
        level.stand_ins = dict(zip(self.keys, arrays[self.count :], strict=True))
        results = leaves(self.states.run_again(run_ambient, level, self.call, arrays[: self.count]))
        outputs = [results[i] for i in self.inside]
        shapes = [shape for shape, _ in self.forms]
        if [v.shape for v in outputs] != shapes:
            raise ValueError(
                f"a checkpointed function computes the same when called again; its results had the shapes {shapes} "
                f"and now have {[v.shape for v in outputs]}"
            )
        found = unwrap(pack([plain(v) for v in outputs]))
        if type(found) is np.ndarray is type(unwrap(y)) and not same_results(found, unwrap(y)):
            raise GraphError(
                "a checkpointed function computes the same when called again, and its values differ now: something "
                "that it uses was changed in between, or it draws from a generator that is not found. Pass what "
                "changes as an argument, and call backward() before the change"
            )
        return outputs


def same_results(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether two results are one computation's, up to roundings: threads may add in another order."""
    near = float(np.sqrt(np.finfo(x.dtype).eps))
    scale = np.max(np.abs(y), initial=0.0, where=np.isfinite(y))
    return bool(np.allclose(x, y, rtol=near, atol=near * scale, equal_nan=True))


def run_ambient(level: Level, call: Callable[..., Any], arrays: Sequence[Any]) -> Any:
    """The result of a function all of whose calls belong to the level."""
    return run_at(level, call, arrays, ambient=True)


class StandIns(Level):
    """What makes a level the second run of a checkpointed function: variables stand for arrays from outside."""

    __slots__ = ()
    again = True
    constants: Mapping[int, Any]
    stand_ins: Mapping[int, Any]
    states: States

    def drawn(self, rng: Any) -> Any:
        return self.states.again(rng)

    def constant(self, y: Any) -> Any:
        """A result that has no derivative: an array that can be filled, as it was in the first run."""
        return self.made(y, None) if hasattr(y, "dtype") else y

    def own(self, x: Any) -> Any:
        """The array of this level that stands for an operand."""
        if x.level is self:
            return x
        if x.node is None:
            known = self.constants.get(id(x))
            if known is not None and known[0]() is x and known[2] is not x.value:
                raise GraphError(
                    f"an array of shape {x.shape} was changed in place since a checkpointed function used it, which is "
                    f"computed again here. Call backward() before the change, or give the function a copy"
                )
            return None
        if id(x.node) not in self.stand_ins:
            raise ValueError("a checkpointed function uses the same arrays when called again; there is a new one now")
        return self.stand_ins[id(x.node)]


class AgainReverse(StandIns, Reverse):
    """The second run, in reverse mode."""

    __slots__ = ("constants", "stand_ins", "states")


class AgainForward(StandIns, Forward):
    """The second run, in forward mode."""

    __slots__ = ("constants", "stand_ins", "states")


def pack(arrays: Sequence[Any]) -> Any:
    """Several arrays as one, of one axis; a single one stays as it is."""
    return arrays[0] if len(arrays) == 1 else np.concatenate([np.reshape(x, -1) for x in arrays])


def unpack(packed: Any, forms: Sequence[tuple[tuple[int, ...], np.dtype]]) -> list[Any]:
    """The parts of what `pack` makes of arrays, in their shapes and dtypes."""
    if len(forms) == 1:
        return [packed]
    parts, start = [], 0
    for shape, dtype in forms:
        size = math.prod(shape)
        part = np.reshape(packed[start : start + size], shape)
        parts.append(part if part.dtype == dtype else part.astype(dtype))
        start += size
    return parts
