"""While a function is recorded, there are recorded arrays where it keeps its arrays outside; then all is put back."""

import operator
import random
from collections.abc import Callable
from copy import copy
from functools import partial
from itertools import starmap
from types import ModuleType
from typing import Any

import numpy as np

from ..core.sweep import at_once
from ..errors import RecordingError
from .array import RecordingArray, RecordingGenerator
from .reach import Place, Reach
from .recording import Recording

ARRAYS = (np.ndarray, np.memmap)  # others have an arithmetic of their own
NUMERIC = "biufc"
DEFAULT_RNG = np.random.default_rng


class Exchange:
    """What is in places while a function is recorded, instead of the arrays and generators there."""

    def __init__(self, recording: Recording, reach: Reach) -> None:
        self._recording = recording
        self._places = [*reach.places, Place(np.random, "default_rng", False, DEFAULT_RNG)]
        self._containers = [(x, copy(x)) for x, _ in [*reach.sizes, *reach.contents]]
        self._put: list[tuple[Place, Any]] = []

    def put(self) -> None:
        """Exchange."""
        for place in self._places:
            new = self._stand_in(place.value)
            if new is not place.value:
                self._put.append((place, new))  # first, as an interrupt may come in between
                setter(place)(place.holder, place.key, new)

    def put_back(self, everything: bool = True) -> None:
        """Put back what was there; if not `everything`, only where the function has put nothing else meanwhile."""
        back = [(place, place.value if everything else former(place, new)) for place, new in self._put]
        for kind in (operator.setitem, setattr, object.__setattr__):
            calls = [(place.holder, place.key, x) for place, x in back if x is not STAYS and setter(place) is kind]
            at_once(starmap(kind, calls))  # which no interrupt comes between
        self._put.clear()

    def undo(self) -> None:
        """Put everything back, and take out of lists, dicts and objects what the function has put there."""
        self.put_back()
        for x, before in self._containers:
            if isinstance(x, dict):
                if len(x) != len(before) or any(x.get(key) is not part for key, part in before.items()):
                    x.clear()
                    x.update(before)
            elif isinstance(x, set):
                x.symmetric_difference_update(x ^ before)
            elif len(x) != len(before) or any(map(operator.is_not, x, before)):
                x.clear()
                x.extend(before)

    def _stand_in(self, x: Any) -> Any:
        """What takes the place of something."""
        if type(x) in ARRAYS and x.dtype.kind in NUMERIC:
            return self._recording.exchanged(x)
        if isinstance(x, np.random.Generator):
            return self._recording.generator(x)
        if type(x) is tuple or (isinstance(x, tuple) and hasattr(x, "_fields")):
            parts = [self._stand_in(part) for part in x]
            changed = any(map(operator.is_not, parts, x))
            return x if not changed else type(x)(*parts) if hasattr(x, "_fields") else tuple(parts)
        if type(x) is partial:
            args, options = self._stand_in(x.args), self._stand_in(tuple(x.keywords.values()))
            changed = args is not x.args or any(map(operator.is_not, options, x.keywords.values()))
            return partial(x.func, *args, **dict(zip(x.keywords, options, strict=True))) if changed else x
        return unseeded if x is DEFAULT_RNG else x


STAYS = object()


def former(place: Place, new: Any) -> Any:
    """What a place is to have for what stands in, `STAYS` if the function has put something else there."""
    try:
        x: Any = place.holder[place.key] if place.is_item else getattr(place.holder, place.key)
    except (LookupError, AttributeError, ValueError):  # the place is no longer there
        return STAYS
    if x is new:
        return place.value
    return x.value if isinstance(x, RecordingArray) and x.node.source is x.value else STAYS


def setter(place: Place) -> Callable[[Any, Any, Any], None]:
    """The function that puts something into a place, past what an object has to say about its attributes."""
    if place.is_item:
        return operator.setitem
    return setattr if isinstance(place.holder, type | ModuleType) else object.__setattr__


# Random numbers that a recording does not see


def unseeded(seed: Any = None) -> Any:
    """np.random.default_rng while a function is recorded: with a seed it draws the same in each call."""
    if seed is None:
        raise RecordingError(
            "the compiled function makes a generator of random numbers without a seed, and its draws would be the "
            "same in every replay. Make the generator outside of the function, or use mg.sample"
        )
    return seed if isinstance(seed, RecordingGenerator) else DEFAULT_RNG(seed)


def legacy_state() -> Any:
    """What np.random.rand and the like will draw next, all of which shows in its text."""
    state: Any = np.random.get_state()
    return state[0], state[1].tolist(), *state[2:]


STREAMS = [(legacy_state, np.random.set_state), (random.getstate, random.setstate)]


def streams() -> list[Any]:
    """What the generators of np.random and of Python's random will draw next."""
    return [save() for save, _ in STREAMS]


def check_streams(before: list[Any]) -> None:
    """Refuse a function that has drawn from these generators since; they go on where they were."""
    changed = [i for i, state in enumerate(streams()) if repr(state) != repr(before[i])]
    for i in changed:
        STREAMS[i][1](before[i])
    if changed:
        raise RecordingError(
            "the compiled function draws from the generator of np.random, or of Python's random, and its draws would "
            "be the same in every replay. Draw from a generator of its own, np.random.default_rng(seed), that the "
            "function is given or finds outside"
        )
