"""Functions that make derivatives of functions: grad, value_and_grad, vjp and jvp.

They take functions of arrays, of Tensors and of nested lists, tuples and dicts of these. Each runs the function at
a level of its own, so they nest in every order. A derivative has the structure of the argument that it belongs to,
with Tensors for Tensors and arrays for arrays.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from typing import Any

import numpy as np

from ..core.context import Level, new_level
from ..core.door import Traced, bare, differentiable
from ..core.gradients import first_cotangent, owned
from ..core.primitive import Primitive, push_forward
from ..core.recorded import Recorded
from ..core.tape import Node, Notes, clock, sweep
from ..core.tensor import Tensor, constant
from ..core.tree import leaves, tree_map
from ..core.values import as_array, as_numbers


class Variable(Recorded):
    """An array that a transformation in reverse mode watches."""

    __slots__ = ("level",)

    def __init__(self, value: Any, level: Level) -> None:
        self.value = value
        self.level = level
        self.primitive = self.parents = self.notes = None

    def alike(self, value: Any) -> "Variable":
        return Variable(value, self.level)

    def unconnected(self, value: Any) -> Any:
        return value

    def detach(self) -> Tensor:
        """The same values, as a Tensor that nothing watches."""
        return constant(bare(self))


class Dual(Traced):
    """An array that a transformation in forward mode watches: a value and the tangent that goes with it."""

    __slots__ = ("level", "tangent", "value")

    def __init__(self, value: Any, tangent: Any, level: Level) -> None:
        self.value = value
        self.tangent = tangent
        self.level = level

    def alike(self, value: Any) -> "Dual":
        return Dual(value, np.zeros_like(value), self.level)

    def note(
        self, primitive: Primitive, y: Any, args: Sequence[Any], kwargs: Mapping[str, Any], watched: Sequence[Any]
    ) -> Any:
        if not differentiable(primitive, y, watched):
            return y
        tangents = {i: x.tangent for i, x in enumerate(watched) if x is not None}
        return Dual(y, push_forward(primitive, tangents, y, args, kwargs), self.level)

    def become(self, other: Any) -> None:
        other = self.fitting(other)
        self.value, self.tangent = other.value, other.tangent

    def detach(self) -> Tensor:
        """The same values, as a Tensor that nothing watches."""
        return constant(bare(self))


def grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that computes the gradient of `f`, a function with a single number as its value.

    Parameters
    ----------
    f : callable
        Takes arrays, or nested lists, tuples and dicts of arrays; other arguments are passed on.
    argnums : int or tuple of int
        The positions of the arguments to differentiate by.
    has_aux : bool
        `f` returns a pair, of which the first is differentiated; the second is returned along with the gradient.

    Returns
    -------
    callable
        Takes the arguments of `f`; returns the gradient, in the structure and with the shapes of the argument, a
        tuple of them if `argnums` is one, and as the first of a pair with `has_aux`.
    """
    differentiated = value_and_grad(f, argnums, has_aux)

    @wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, derivative = differentiated(*args, **kwargs)
        return (derivative, value[1]) if has_aux else derivative

    return gradient


def value_and_grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """The function that computes the value of `f` and its gradient, as a pair; see `grad`.

    With `has_aux` the first of the pair is what `f` returns, a pair itself.
    """
    check_function("grad", f)

    @wraps(f)
    def both(*args: Any, **kwargs: Any) -> Any:
        of_chosen, primals = of_arguments(f, argnums, args, kwargs)
        y, pull_back, aux = pulled(of_chosen, primals, has_aux, retain=False)
        if not hasattr(y, "shape") or y.size != 1:
            raise ValueError(
                f"grad differentiates a function with a single number as its value; it returned "
                f"{'shape ' + str(y.shape) if hasattr(y, 'shape') else type(y).__name__}. Reduce it, to a sum or a "
                f"mean, or use vjp or jacobian"
            )
        derivative = pull_back(None)
        return ((y, aux) if has_aux else y), derivative[0] if isinstance(argnums, int) else derivative

    return both


def check_function(taker: str, f: Any) -> None:
    """Refuse to differentiate what is no function, such as the result of one."""
    if not callable(f):
        came = f"{type(f).__name__}. The gradient of a result is had by y.backward(), which leaves it in x.grad"
        raise TypeError(f"{taker} takes a function, and answers with its derivative, a function too; got a {came}")


def of_arguments(
    f: Callable[..., Any], argnums: int | tuple[int, ...], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """`f` as a function of the arguments at `argnums` alone, and those arguments."""
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    count = len(args)
    if any(not -count <= i < count for i in positions) or len({i % count for i in positions}) < len(positions):
        raise ValueError(f"argnums takes different positions among the {count} arguments; got {positions}")

    def of_chosen(*primals: Any) -> Any:
        replaced = list(args)
        for i, x in zip(positions, primals, strict=True):
            replaced[i] = x
        return f(*replaced, **kwargs)

    return of_chosen, tuple(args[i] for i in positions)


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of `f`, and the function that pulls cotangents of the value back to the arguments.

    Parameters
    ----------
    f : callable
        Takes and returns arrays, or nested lists, tuples and dicts of arrays.
    *primals
        Its arguments.
    has_aux : bool
        `f` returns a pair, of which the first is differentiated; the second is returned as a third result.

    Returns
    -------
    y, pull_back
        ``pull_back(g)`` takes a cotangent of the structure and shapes of `y`, and returns a tuple with one for each
        argument. It can be called any number of times.
    """
    y, pull_back, aux = pulled(f, primals, has_aux, retain=True)
    return (y, pull_back, aux) if has_aux else (y, pull_back)


def pulled(f: Callable[..., Any], primals: Any, has_aux: bool, retain: bool) -> tuple[Any, Callable[[Any], Any], Any]:
    """As vjp, always with the third result; without `retain` the graph serves a single sweep."""
    primals = tree_map(as_primal, primals)
    with new_level() as level:
        variables = tree_map(partial(as_variable, level), primals)
        outputs, aux = split_aux(f(*variables), has_aux)
    y = tree_map(partial(outside, level), outputs)
    inputs = tree_map(as_it_came, variables)

    def pull_back(g: Any) -> Any:
        given = tree_map(first_cotangent, y) if g is None else tree_map(first_cotangent, y, g)
        found = sweep_from(leaves(outputs), leaves(given), level, retain)
        taken = {id(one) for one in leaves(given)}
        return tree_map(
            lambda x, v: like(x, owned(found[v], taken) if v in found else np.zeros_like(x)), primals, inputs
        )

    return y, pull_back, tree_map(partial(outside, level), aux)


# A function of several results as a single node: the cotangents go to each as they come.
together = Primitive(lambda parts: parts, [lambda g, y, parts: g], "linear", sequence=True)


def sweep_from(outputs: Sequence[Any], cotangents: Sequence[Any], level: Level, retain: bool) -> dict[Node, Any]:
    """The cotangents of all leaves, given those of the outputs; some of these may not depend on any leaf."""
    connected = [isinstance(v, Variable) and v.level is level and v.connected for v in outputs]
    if not any(connected):
        return {}
    root = Variable(None, level)
    root.primitive, root.args, root.kwargs, root.born = together, ([outside(level, v) for v in outputs],), {}, clock[0]
    root.parents = tuple(v if is_one else None for v, is_one in zip(outputs, connected, strict=True))
    return sweep(root, cotangents, retain)


def jvp(f: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """The value of `f`, and its derivative in the direction of `tangents`.

    Parameters
    ----------
    f : callable
        Takes and returns arrays, or nested lists, tuples and dicts of arrays.
    primals : tuple
        Its arguments.
    tangents : tuple
        Their direction, of the same structure and shapes.
    has_aux : bool
        `f` returns a pair, of which the first is differentiated; the second is returned as a third result.

    Returns
    -------
    y, dy
        The value and the derivative, of one structure.
    """
    if not isinstance(primals, list | tuple) or not isinstance(tangents, list | tuple):
        raise TypeError(
            f"jvp takes a tuple of arguments and a tuple of their tangents; got {type(primals).__name__} and "
            f"{type(tangents).__name__}. For a single argument: jvp(f, (x,), (dx,))"
        )
    primals = tree_map(as_primal, primals)
    with new_level() as level:
        outputs, aux = split_aux(f(*tree_map(partial(as_dual, level), primals, tangents)), has_aux)
    y = tree_map(partial(outside, level), outputs)
    dy = tree_map(partial(tangent_of, level), outputs)
    return (y, dy, tree_map(partial(outside, level), aux)) if has_aux else (y, dy)


def split_aux(result: Any, has_aux: bool) -> tuple[Any, Any]:
    """What a function returned that is to be differentiated, and what comes along."""
    if not has_aux:
        return result, None
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(f"with has_aux the function returns a pair (value, aux); got {type(result).__name__}")
    return result


def as_primal(x: Any) -> Any:
    """An argument as an array that can be differentiated by; refuses others."""
    if callable(x):
        advice = "For the parameters of a module, see nn.functional_call"
        raise TypeError(f"derivatives are by floating arrays; got a {type(x).__name__}. {advice}")
    x = x if isinstance(x, Traced) else as_numbers(x)
    if x.dtype.kind != "f":
        raise TypeError(f"derivatives are by floating arrays; got {x.dtype}. Use x.astype(float), or see argnums")
    return x


def as_variable(level: Level, x: Any) -> Variable:
    """A leaf of a graph at `level`."""
    v = Variable(x, level)
    v.parents, v.notes = (), Notes()
    return v


def as_it_came(v: Variable) -> Node:
    """The leaf that a function was given as `v`, which it may have changed in place."""
    return v.notes.former[0][1] if v.notes.former else v


def as_dual(level: Level, x: Any, tangent: Any) -> Dual:
    """An argument with its tangent, in the argument's shape and dtype."""
    t = tangent if isinstance(tangent, Traced) else as_numbers(tangent)
    if t.shape != x.shape:
        raise ValueError(f"a tangent has its argument's shape {x.shape}; got {t.shape}")
    return Dual(x, t if t.dtype == x.dtype else t.astype(x.dtype), level)


def outside(level: Level, v: Any) -> Any:
    """A result as seen from outside of `level`."""
    return as_array(v.value if isinstance(v, Variable | Dual) and v.level is level else v)


def tangent_of(level: Level, v: Any) -> Any:
    """The tangent of a result, zero if it depends on no argument."""
    return as_array(v.tangent if isinstance(v, Dual) and v.level is level else np.zeros_like(v))


def like(x: Any, g: Any) -> Any:
    """A derivative as what its argument was: an array for an array, unless it can be differentiated further."""
    if isinstance(x, Traced):
        return g if isinstance(g, Traced) else constant(g)
    return g.value if isinstance(g, Tensor) and not g.connected else g
