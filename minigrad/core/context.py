"""What is switched on or off here, and what a level is.

Transformations nest: `grad` of a function that calls `jvp` runs two at once, and an array may belong to both. Each
running transformation is a level; each array that it watches carries the level. What is switched on or off, such as
recording, is one value that never changes, in one context variable: each thread and each async task has its own.
"""

import contextlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from functools import wraps
from typing import Any

from ..errors import BatchError, DetachedError


class Level:
    """One running transformation: what a call on its arrays means. The deeper, the further in; open till it returns."""

    __slots__ = ("depth", "inside", "open")
    again = False  # whether what runs has run before, so that nothing may count it twice
    is_batch = False  # whether its arrays hold the entries of a batch, so that one of them is no value by itself

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.open = True
        self.inside: Level | None = None  # the ambient level that this one, while it is ambient, takes the place of

    def process(self, primitive: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """The result of a call in which this level is the innermost."""
        raise NotImplementedError  # pragma: no cover: abstract

    def made(self, value: Any, node: Any) -> Any:
        """An array of this level."""
        raise NotImplementedError  # pragma: no cover: abstract

    def fresh(self, value: Any, node: Any) -> Any:
        """A copy of an array of this level, which can be written to."""
        return self.made(value, node)

    def records(self) -> bool:
        """Whether calls are recorded here and now."""
        return self.depth >= context.get().recorded_from

    def taken_in(self, value: Any) -> Any:
        """An array from outside, which this level's arrays are written into, as one of its own."""
        return self.made(value, None)

    def writes(self, v: Any, *memory: Any) -> bool:
        """Whether `v` can be written into the memory of an array of this level: no other level has to process that."""
        here = context.get()
        if here.recorder is not None or getattr(v, "level", self).depth > self.depth:
            return False
        return here.ambient is None or (here.ambient is self and not any(hasattr(part, "level") for part in memory))

    def own(self, x: Any) -> Any:
        """The array of this level that stands for a watched operand, None if there is none."""
        return x if x.level is self else None

    def hidden_axes(self) -> int:
        """How many axes its arrays have in memory, in front of those that they show."""
        return 0

    def drawn(self, rng: Any) -> Any:
        """The generator to draw from, in place of a generator, a seed or None."""
        return rng

    def write(self, x: Any, index: Any, v: Any) -> None:
        """``x[index] = v``, x being an array of this level."""
        raise NotImplementedError  # pragma: no cover: abstract


class Settings:
    """What is switched on or off, while a context is being made."""

    __slots__ = (
        "ambient",
        "batches",
        "depth",
        "observers",
        "outer",
        "recorded_from",
        "recorder",
        "short",
        "unrecorded",
    )
    ambient: Any
    batches: tuple[Any, ...]
    depth: int
    observers: tuple[Callable[..., None], ...]
    outer: Any
    recorded_from: int
    recorder: Any
    short: bool
    unrecorded: bool


class Context(Settings):
    """What is switched on or off. It never changes.

    `depth` counts the transformations that run; levels less deep than `recorded_from` record nothing. An `ambient`
    level processes the calls on arrays from outside as well; a `recorder` writes each call down, see compile;
    `observers` get what each rule returns; `batches` are the levels of vmap that run. `short` says whether calls may
    take the short way: they are recorded, and nothing observes them; `unrecorded`, whether those on Tensors alone may
    take it because nothing is. `outer` is the context around a block.
    """

    __slots__ = ()

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a context never changes. Make another one, by with_changes")


def new_context(
    depth: int,
    recorded_from: int,
    ambient: Any,
    recorder: Any,
    observers: tuple[Any, ...],
    batches: tuple[Any, ...] = (),
) -> Context:
    """A context."""
    new: Any = Settings()
    new.depth, new.recorded_from, new.ambient, new.recorder = depth, recorded_from, ambient, recorder
    usual = ambient is None and recorder is None
    new.observers, new.outer, new.batches = observers, None, batches
    new.short, new.unrecorded = usual and not recorded_from, usual and recorded_from > 0 and not batches
    new.__class__ = Context
    return new


USUAL = new_context(0, 0, None, None, ())
context: ContextVar[Context] = ContextVar("minigrad", default=USUAL)


def with_changes(**changes: Any) -> Context:
    """The present context, but for some changes."""
    here = context.get()
    names = ("depth", "recorded_from", "ambient", "recorder", "observers", "batches")
    kept = {name: getattr(here, name) for name in names}
    return new_context(**kept | changes)


# An interrupt may come after any call, so each change is made inside of the `try` that takes it back.


def run_in(new: Context, function: Callable[..., Any], *args: Any) -> Any:
    """``function(*args)`` in another context."""
    before = context.get()
    try:
        context.set(new)
        return function(*args)
    finally:
        context.set(before)


def run_at(level: Level, function: Callable[..., Any], *args: Any, ambient: bool = False) -> Any:
    """``function(*args)`` while a level is open; `ambient`, if calls on arrays from outside are the level's too."""
    before = context.get()
    try:
        if ambient:
            level.inside = before.ambient
            context.set(with_changes(depth=level.depth, ambient=level))
        else:
            inside = before.recorded_from, before.ambient, before.recorder, before.observers, before.batches
            context.set(new_context(level.depth, *inside))
        return function(*args)
    except (
        ValueError,
        SystemError,
    ) as error:  # of NumPy or SciPy, raised from a refused conversion
        if isinstance(error.__cause__, DetachedError | BatchError):
            raise type(error.__cause__)(*error.__cause__.args) from None
        raise
    finally:
        level.open = False
        context.set(before)


class Left:
    """A block that was left: the context before it, and the one inside."""

    __slots__ = ("before", "inside")

    def __init__(self, before: Context, inside: Context) -> None:
        self.before, self.inside = before, inside


class Entered(Left):
    """A block that was entered. It takes its context back where an interrupt came as `__exit__` began."""

    __slots__ = ()

    def __del__(self) -> None:
        if context.get() is self.inside:
            context.set(self.before)


class Switch:
    """A block in another context, which a subclass makes; it can be entered again, also inside itself.

    Several threads and tasks may be in the block at once: each knows its own by the context inside.
    """

    def __init__(self) -> None:
        self._entered: dict[Context, Left] = {}

    def changed(self) -> Context:
        """The context of the block."""
        raise NotImplementedError  # pragma: no cover: abstract

    def __enter__(self) -> None:
        before, inside = context.get(), self.changed()
        try:
            object.__setattr__(inside, "outer", before)
            self._entered[inside] = Entered(before, inside)
            context.set(inside)
        except BaseException:
            context.set(before)
            raise

    def __exit__(self, *error: object) -> None:
        here: Any = context.get()
        while here is not None and here not in self._entered:  # a block inside of this one that an interrupt left
            here = here.outer
        block = self._entered.pop(here, None)
        if block is not None:  # or else a generator was closed elsewhere than where it had entered
            context.set(block.before)
            block.__class__ = Left


class Observing(Switch):
    """A block in which an observer is called as ``observer(primitive, i, result, g, y, args, kwargs)``.

    The result is what the rule of argument i has returned, before the engine checks, sums or casts it.
    """

    def __init__(self, observer: Callable[..., None]) -> None:
        super().__init__()
        self._observer = observer

    def changed(self) -> Context:
        return with_changes(observers=(*context.get().observers, self._observer))


def next_depth(below: int = 0) -> int:
    """The depth of a level inside all that run here, and inside of one of depth `below`."""
    depth = context.get().depth
    return (depth if depth > below else below) + 1


def is_second_run() -> bool:
    """Whether a checkpointed function runs again here, in which nothing that counts the runs may move."""
    ambient = context.get().ambient
    return ambient is not None and ambient.again


def is_grad_enabled() -> bool:
    """Whether operations on arrays are recorded here, so that they can be differentiated."""
    now = context.get()
    return now.recorded_from <= now.depth


class GradMode(Switch, contextlib.ContextDecorator):
    """Switches recording on or off in this thread and task: for a block, or for each call of a function."""

    def __init__(self, enabled: bool) -> None:
        super().__init__()
        self._enabled = enabled

    def changed(self) -> Context:
        here = context.get()
        start = 0 if self._enabled else here.depth + 1
        return new_context(here.depth, start, here.ambient, here.recorder, here.observers, here.batches)

    def _recreate_cm(
        self,
    ) -> "GradMode":  # a new one for each call: threads may share a function
        return GradMode(self._enabled)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"no_grad and enable_grad cannot decorate the generator {function!r}, which runs in the "
                f"mode of its caller. Use a `with` block inside it"
            )
        if not inspect.iscoroutinefunction(function):
            return super().__call__(function)

        @wraps(function)
        async def in_mode(*args: Any, **kwargs: Any) -> Any:
            with self._recreate_cm():
                return await function(*args, **kwargs)

        return in_mode


def no_grad() -> GradMode:
    """Record nothing: results are constants, and leaves may be changed in place.

    A context manager and a decorator. A transformation such as `grad` that starts inside works as ever.
    """
    return GradMode(False)


def enable_grad() -> GradMode:
    """Record again inside `no_grad`. A context manager and a decorator."""
    return GradMode(True)
