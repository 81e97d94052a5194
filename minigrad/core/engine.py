"""What the engine does with rules: it calls them, and brings what they return into the arguments' shapes and dtypes."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import RuleError
from .context import context
from .primitive import Primitive
from .recorder import constant_array

empty = np.empty
HALF = np.dtype(np.float16)
FILLERS = {np.ndarray, np.float64, np.float32, np.float16}


def pull_back(
    primitive: Primitive, g: Any, y: Any, args: Sequence[Any], kwargs: Mapping[str, Any], parents: Sequence[Any]
) -> list[Any]:
    """The cotangents of the arguments that have a parent, in the arguments' shapes and dtypes, from that of `y`."""
    results: Any = None
    operands, observers, call = args, context.get().observers, apply_rule if primitive.trusted else called_with_care
    if primitive.sequence:  # one rule serves all parts
        operands, results = args[0], call(primitive, 0, g, y, args, kwargs)
    cotangents: list[Any] = [None] * len(parents)
    for i, parent in enumerate(parents):
        if parent is not None:
            result = results[i] if primitive.sequence else call(primitive, i, g, y, args, kwargs)
            for observer in observers:
                observer(primitive, i, result, g, y, args, kwargs)
            result = fitted(primitive, i, result, operands[i], y.shape)
            cotangents[i] = result if primitive.trusted else copied(result)  # which the rule may keep
    return cotangents


def apply_rule(primitive: Primitive, i: int, g: Any, y: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """What the rule of argument `i` returns."""
    return primitive.rules[i](g, y, *args, **kwargs)


def called_with_care(
    primitive: Primitive, i: int, g: Any, y: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """What a user's rule returns, which cannot write to the cotangent: others may hold it."""
    if isinstance(g, np.ndarray):
        g = g.view()
        g.flags.writeable = False
    try:
        return apply_rule(primitive, i, g, y, args, kwargs)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise RuleError(
            f"the rule of {primitive.name} for argument {i} changes the cotangent g in place, or another array that "
            f"is not its own. Compute a new one: g * x in place of g *= x"
        ) from error


def copied(x: Any) -> Any:
    """An ndarray in memory of its own, in the same order; other arrays do not change."""
    return x.copy(order="K") if isinstance(x, np.ndarray) else x


def push_forward(
    primitive: Primitive, tangents: Mapping[int, Any], y: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """The tangent of `y`, of its shape and dtype, from the tangents of the arguments that have one."""
    if primitive.kind == "linear":
        return fitted(primitive, 0, primitive(*tangents_for(primitive, tangents, args), **kwargs), y)
    if primitive.sequence:  # one rule takes all tangents
        t = tangents_for(primitive, tangents, args)[0]
        return fitted(primitive, 0, primitive.forward[0](t, y, *args, **kwargs), y)
    total: Any = None
    for i, t in tangents.items():
        if primitive.kind == "multilinear":
            part = primitive(*args[:i], t, *args[i + 1 :], **kwargs)
        elif primitive.kind == "elementwise":
            part = primitive.rules[i](t if t.shape == y.shape else broadcast(t, y.shape), y, *args, **kwargs)
        else:
            part = primitive.forward[i](t, y, *args, **kwargs)
        for observer in context.get().observers:
            observer(primitive, i, part, t, y, args, kwargs)
        part = fitted(primitive, i, part, y)
        total = part if total is None else total + part
    return total


def tangents_for(primitive: Primitive, tangents: Mapping[int, Any], args: Sequence[Any]) -> list[Any]:
    """The arguments of a linear function with a tangent for each array, zero where none came."""
    if primitive.sequence:
        return [[tangents[i] if i in tangents else np.zeros_like(x) for i, x in enumerate(args[0])], *args[1:]]
    return [
        tangents[i] if i in tangents else np.zeros_like(x) if primitive.has_rule(i) else x for i, x in enumerate(args)
    ]


def fitted(primitive: Primitive, i: int, result: Any, x: Any, wide: tuple[int, ...] | None = None) -> Any:
    """A rule's result for argument `i`, in the shape and dtype of `x`.

    Raises
    ------
    RuleError
        If the result is no floating array, or its shape is not that of `x`. The rule of a function that
        broadcasts may return the gradient of the broadcast argument, of shape `wide`: the sum over the axes that
        broadcasting added or stretched is taken here.
    """
    dtype = getattr(result, "dtype", type(result).__name__)
    if getattr(dtype, "kind", None) != "f":
        raise RuleError(f"the rule of {primitive.name} for argument {i} must return a floating array; got {dtype}")
    if result.shape != x.shape:
        result = summed_to_shape(primitive, i, result, x.shape, wide)
    return result if result.dtype == x.dtype else result.astype(x.dtype)


def summed_to_shape(
    primitive: Primitive, i: int, result: Any, shape: tuple[int, ...], wide: tuple[int, ...] | None
) -> Any:
    """A rule's result for the broadcast argument `i`, in the argument's own shape; refused unless it fits."""
    if primitive.kind == "elementwise" and wide is not None and result.shape == wide:
        if wide[1:] == shape:  # a bias, to which broadcasting added one axis, is the common case
            return total(result, 0)
        if broadcasts_to(shape, wide):
            return undo_broadcast(result, shape)
    if primitive.kind == "multilinear" and wide is not None and broadcasts_to(shape, result.shape):
        return undo_broadcast(result, shape)
    raise RuleError(
        f"the rule of {primitive.name} for argument {i} must return an array of the argument's shape {shape}; "
        f"got one of shape {result.shape}"
    )


def broadcasts_to(shape: tuple[int, ...], wider: tuple[int, ...]) -> bool:
    """Whether broadcasting can make `wider` of `shape`."""
    extra = len(wider) - len(shape)
    return extra >= 0 and all(n in (1, m) for n, m in zip(shape, wider[extra:], strict=True))


def undo_broadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum `g` over the axes that broadcasting added to `shape` or stretched."""
    extra = g.ndim - len(shape)
    if extra:
        g = total(g, tuple(range(extra)))
    stretched = tuple(i for i, n in enumerate(shape) if n != g.shape[i])
    return total(g, stretched, keepdims=True) if stretched else g


SHORT, LARGE = 64, 4096


def total(g: Any, axis: int | tuple[int, ...], keepdims: bool = False) -> Any:
    """The sum of `g` over axes; float16, which loses small terms, is added up in float32."""
    if g.dtype is HALF:
        return np.add.reduce(g.astype(np.float32), axis=axis, keepdims=keepdims).astype(HALF)
    if keepdims and axis == (g.ndim - 1,) and g.shape[-1] <= SHORT and g.size >= LARGE and g.dtype.char in "fd":
        rows = np.reshape(g, (-1, g.shape[-1]))  # whose sums BLAS finds ten times as fast as np.add.reduce
        return np.reshape(np.matmul(rows, np.ones((g.shape[-1], 1), g.dtype)), (*g.shape[:-1], 1))
    return np.add.reduce(g, axis=axis, keepdims=keepdims)


def broadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """`g` broadcast to `shape`; small arrays are filled, which takes a seventh of np.broadcast_to's time."""
    if type(g) in FILLERS:
        filled = empty(shape, g.dtype)
        if filled.size < 4096:
            if g.ndim:
                filled[...] = g
            else:
                filled.fill(g)  # in two thirds of the time
            return filled if context.get().recorder is None else constant_array(filled)
    return np.broadcast_to(g, shape)
