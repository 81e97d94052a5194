"""Which transformations run here, and whether they take note of operations.

Transformations nest: `grad` of a function that calls `jvp` runs two at once, and an array may be watched by both.
Each has a level, and each watched array carries the level of its transformation.
"""

import contextlib
import inspect
from collections.abc import Callable, Iterator
from contextvars import ContextVar, Token
from functools import wraps
from typing import Any


class Level:
    """One running transformation. The deeper, the further in; open until it returns.

    `stand_in`, if not None, is called with each operand of a call that the level watches, and answers with what is
    to take the operand's place.
    """

    __slots__ = ("depth", "open", "stand_in")

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.open = True
        self.stand_in: Callable[[Any], Any] | None = None


GROUND = Level(0)  # of Tensors, which `backward()` differentiates: it never ends

# Context variables, so that each thread and each async task has its own.
current_depth: ContextVar[int] = ContextVar("current_depth", default=0)  # how many transformations run
recorded_from: ContextVar[int] = ContextVar("recorded_from", default=0)  # levels less deep take no note

watcher: ContextVar[Any] = ContextVar("watcher", default=None)  # told of each result, see detect_anomaly
recorder: ContextVar[Any] = ContextVar("recorder", default=None)  # writes each call down, see compile

# Whether a checkpointed function runs again here, which may hold arrays of transformations that have returned.
running_again: ContextVar[bool] = ContextVar("running_again", default=False)

# Has an element for each block open in any thread that sets one of these. While there is none, everything is
# recorded in the ordinary way, and nobody needs to ask the context variables, which takes time in each operation.
unusual: list[None] = []


def is_watched() -> bool:
    """Whether somebody is told of each operation here, so that those of Tensors must not go past the door."""
    return watcher.get() is not None or recorder.get() is not None


def is_unusual() -> bool:
    """Whether operations of Tensors here are watched, or not recorded."""
    return bool(recorded_from.get()) or is_watched()


@contextlib.contextmanager
def new_level(below: int = 0) -> Iterator[Level]:
    """Open a level inside the present one, and one of depth `below`, for as long as the context lasts."""
    level = Level(max(current_depth.get(), below) + 1)
    token = current_depth.set(level.depth)
    try:
        yield level
    finally:
        level.open = False
        current_depth.reset(token)


def is_grad_enabled() -> bool:
    """Whether operations on arrays are recorded here, so that they can be differentiated."""
    return recorded_from.get() <= current_depth.get()


class GradMode(contextlib.ContextDecorator):
    """Switches recording on or off in this thread and task: for a block, or for each call of a function."""

    def __init__(self, enabled: bool) -> None:
        self._enabled = enabled
        self._tokens: list[Token[int]] = []

    def __enter__(self) -> None:
        self._tokens.append(recorded_from.set(0 if self._enabled else current_depth.get() + 1))
        unusual.append(None)

    def __exit__(self, *error: object) -> None:
        unusual.pop()
        recorded_from.reset(self._tokens.pop())

    def _recreate_cm(self) -> "GradMode":  # ContextDecorator asks for one a call: threads may share a function
        return GradMode(self._enabled)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"no_grad and enable_grad cannot decorate the generator {function!r}, which runs in the "
                f"mode of whoever asks it for values. Use a `with` block inside it"
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
