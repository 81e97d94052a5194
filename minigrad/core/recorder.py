"""What a recording must be told of: arrays that the engine and optimizers keep, constants of theirs, and random draws.

A recording follows calls of NumPy's functions from array to array. These cannot be seen that way, so the engine and
optimizers say so here; layers, rules and losses need not. While nothing is recorded, each just does what it says.
"""

from typing import Any

import numpy as np

from ..errors import RecordingError
from .context import context
from .lending import lent, refuse_lent


def seen(x: Any) -> Any:
    """`x`, an array that somebody keeps; in a recording, what stands for it: read anew, and written to, in each replay.

    The state of an optimizer goes through here before it is computed with or changed in place; what is in a Tensor, by
    `plain`.
    """
    if (recording := context.get().recorder) is not None:
        return recording.seen(x)
    return x


def array_of(x: Any) -> Any:
    """`seen(x)`; in a recording, also an array in place of one of Python's numbers that stands for an argument."""
    if (recording := context.get().recorder) is not None:
        return recording.array(recording.seen(x))
    return x


def scratch(x: Any) -> Any:
    """`x`, an array that somebody keeps to compute in: what is in it now, and will be, nobody asks for."""
    if (recording := context.get().recorder) is not None:
        return recording.scratch(x)
    return x


def fixed(x: Any) -> Any:
    """`x`, an array made just now of shapes and Python's numbers alone; in a recording, a constant."""
    if (recording := context.get().recorder) is not None:
        return recording.fixed(x)
    return x


# The annotation is text, as NumPy loads np.random only when somebody asks for it.
def drawn(rng: "np.random.Generator | int | None", method: str, *args: Any, **kwargs: Any) -> Any:
    """The array that a method of a generator returns; in a recording, drawn anew in each replay.

    A seed stands for a new generator, which draws the same in each call: in a recording, a constant.
    """
    if lent:
        refuse_lent(rng)
    now = context.get()
    for batch in reversed(now.batches):
        if batch.draws:
            return batch.draw(rng, method, args, kwargs)
    if now.ambient is not None:
        rng = now.ambient.drawn(rng)
    if now.recorder is not None:
        return now.recorder.drawn(rng, method, args, kwargs)
    return getattr(np.random.default_rng(rng), method)(*args, **kwargs)


def refuse_recording(what: str, remedy: str) -> None:
    """Refuse, in a recording only, what a replay would not do, as it happens in Python."""
    if context.get().recorder is not None:
        raise RecordingError(f"the compiled function {what}, which a replay would not do. {remedy}")
