"""Hooks of modules: functions that a module calls with what goes in and what comes out, forward and backward."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.door import Watched
from ..core.tensor import Tensor
from ..core.tree import leaves, tree_map
from ..errors import GradientError

Hook = Callable[..., Any]


class Hooks:
    """The hooks of a module, each kind in the order in which they were added."""

    def __init__(self) -> None:
        self.before: tuple[Hook, ...] = ()
        self.after: tuple[Hook, ...] = ()
        self.backward: tuple[Hook, ...] = ()

    def add(self, kind: str, hook: Hook) -> Callable[[], None]:
        """Add a hook of a kind, and return the function that removes it."""
        if not callable(hook):
            raise TypeError(f"a hook is a function; got a {type(hook).__name__}")
        added = Once(hook)
        setattr(self, kind, (*getattr(self, kind), added))

        def remove() -> None:
            setattr(self, kind, tuple(other for other in getattr(self, kind) if other is not added))

        return remove

    def call(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a module computes, with its hooks."""
        for hook in self.before:
            changed = hook(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        if self.backward:
            output = with_backward_hooks(module, self.backward, args, kwargs)
        else:
            output = module.forward(*args, **kwargs)
        for hook in self.after:
            changed = hook(module, args, output)
            output = output if changed is None else changed
        return output


class Once:
    """A hook, which is an object of its own each time that it is added."""

    def __init__(self, function: Hook) -> None:
        self.function = function

    def __call__(self, *args: Any) -> Any:
        return self.function(*args)


def with_backward_hooks(module: Any, hooks: Sequence[Hook], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a module computes; the sweep of a backward pass calls the hooks where it has come through the module."""
    check_ground(module, args)
    entries = [x for x in args if has_gradient(x)]
    entered, joined = as_one(entries)
    passed = iter(entered)
    output = module.forward(*(next(passed) if has_gradient(x) else x for x in args), **kwargs)
    check_ground(module, output)
    exits = [y for y in leaves(output) if has_gradient(y)]
    if not exits:
        return output
    left, end = as_one(exits)
    arrived: list[Any] = []

    def at_the_end(g: Any) -> None:
        arrived[:] = [unflattened(g, exits)]
        if joined is None:
            run_hooks(module, hooks, args, [], in_places(leaves(output), arrived.pop()))

    def at_the_beginning(g: Any) -> Any:
        if not arrived:  # what goes around the module, as when it returns what it is given
            return None
        changed = run_hooks(module, hooks, args, unflattened(g, entries), in_places(leaves(output), arrived.pop()))
        return None if changed is None else together(changed)

    end.register_hook(at_the_end)
    if joined is not None:
        joined.register_hook(at_the_beginning)
    passed = iter(left)
    return tree_map(lambda y: next(passed) if has_gradient(y) else y, output)


def run_hooks(
    module: Any, hooks: Sequence[Hook], args: tuple[Any, ...], entered: list[Any], left: tuple[Any, ...]
) -> Any:
    """Call the hooks of a backward pass; the gradients of the inputs if a hook has changed them, or None."""
    changed, inputs = None, in_places(args, entered)
    for hook in hooks:
        result = hook(module, inputs, left)
        if result is None:
            continue
        result = result if isinstance(result, tuple) else (result,)
        got, wanted = [[None if g is None else np.shape(g) for g in each] for each in (result, inputs)]
        if got != wanted:
            raise GradientError(
                f"a backward hook of {type(module).__name__} returns None, or what stands in the place of grad_input, "
                f"gradients of shapes {in_words(wanted)}; got {in_words(got)}"
            )
        inputs = result
        changed = [g for g in result if g is not None]
    return changed


def in_words(shapes: Sequence[Any]) -> str:
    """Shapes as they stand in an error."""
    return ", ".join(map(str, shapes)) or "none"


def in_places(xs: Sequence[Any], gradients: Sequence[Any]) -> tuple[Any, ...]:
    """Gradients in the places of what they belong to, and None in those of the rest."""
    rest = iter(gradients)
    return tuple(next(rest, None) if has_gradient(x) else None for x in xs)


def has_gradient(x: Any) -> bool:
    """Whether it is a Tensor to which a gradient flows."""
    return isinstance(x, Tensor) and x.requires_grad


def check_ground(module: Any, values: Any) -> None:
    """Refuse arrays that a transformation watches: in it, nothing calls hooks."""
    if any(isinstance(x, Watched) and not isinstance(x, Tensor) for x in leaves(values)):
        raise GradientError(
            f"a backward hook of {type(module).__name__} is called by backward() alone, and a transformation, such as "
            f"mg.grad or mg.checkpoint, watches its arrays. Remove the hook, or call backward()"
        )


def as_one(xs: Sequence[Tensor]) -> tuple[list[Any], Any]:
    """The same arrays as results of one array, whose gradient has those of all; that array, or None."""
    if not xs:
        return [], None
    if len(xs) == 1:
        one = xs[0].reshape(xs[0].shape)
        return [one], one
    flat = together(xs)
    return [part.astype(x.dtype) for part, x in zip(unflattened(flat, xs), xs, strict=True)], flat


def together(xs: Sequence[Any]) -> Any:
    """Arrays one after the other, or a single one as it is."""
    return xs[0] if len(xs) == 1 else np.concatenate([np.reshape(x, -1) for x in xs])


def unflattened(flat: Any, like: Sequence[Any]) -> list[Any]:
    """The arrays that lie one after the other, in the shapes of others."""
    if len(like) == 1:
        return [flat]
    parts, begin = [], 0
    for x in like:
        end = begin + math.prod(x.shape)
        parts.append(np.reshape(flat[begin:end], x.shape))
        begin = end
    return parts
