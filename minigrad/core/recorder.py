"""What a recording cannot find out by itself: state of the engine and of optimizers, their constants, random draws.

A recording follows calls of NumPy functions from array to array. The engine and the optimizers declare here what such
calls do not show; layers, rules and losses need not. While nothing is recorded, each function returns its argument.
"""

from typing import Any

import numpy as np

from ..errors import RecordingError
from .context import context
from .lending import lent, refuse_lent


def state_array(x: Any) -> Any:
    """`x`, an array that outlives the call; in a recording, its stand-in: each replay reads it again and writes to it.

    Optimizers pass their state through here before they compute with it or change it in place. The values of Tensors
    take the same way in `plain`.
    """
    if (recording := context.get().recorder) is not None:
        return recording.state_array(x)
    return x


def array_of(x: Any) -> Any:
    """`state_array(x)`; in a recording, a Python number that stands for an argument becomes an array, too."""
    if (recording := context.get().recorder) is not None:
        return recording.array(recording.state_array(x))
    return x


def constant_array(x: Any) -> Any:
    """`x`, an array that was made from shapes and Python numbers alone; in a recording, a constant."""
    if (recording := context.get().recorder) is not None:
        return recording.constant_array(x)
    return x


# The annotation is text, as NumPy loads np.random only when it is used.
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
