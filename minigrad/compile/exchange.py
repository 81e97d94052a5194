"""While a function is recorded, there are recorded arrays where it keeps its arrays outside; then all is put back."""

import operator
import pickle
import random
from collections import deque
from collections.abc import Callable
from copy import copy
from functools import partial
from itertools import starmap
from types import BuiltinMethodType, MethodType, ModuleType
from typing import Any

import numpy as np

from ..core.sweep import at_once
from ..core.tensor import Tensor
from ..core.values import as_array
from ..errors import RecordingError
from ..transforms.generators import generator_state, set_state
from .array import RecordingArray, RecordingGenerator
from .program import mapped
from .reach import Place, Reach
from .recording import Recording

PLAIN_ARRAYS = (np.ndarray, np.memmap)  # others have an arithmetic of their own
NUMERIC_KINDS = "biufc"
DEFAULT_RNG = np.random.default_rng


class Exchange:
    """What is in places while a function is recorded, instead of the arrays and generators there."""

    def __init__(self, recording: Recording, reach: Reach) -> None:
        self._recording = recording
        self._places = [*reach.places, Place(np.random, "default_rng", False, DEFAULT_RNG)]
        self._containers = [(x, copy(x)) for x, _ in [*reach.sizes, *reach.contents]]
        self._classes = reach.classes
        self._numbers = {id(x) for x, _ in reach.contents}  # containers whose entries are no places
        self._put: list[tuple[Place, Any]] = []

    def put(self) -> None:
        """Exchange."""
        for place in self._places:
            new = self._stand_in(place.value)
            if new is not place.value:
                self._put.append((place, new))  # first, as an interrupt may come in between
                setter(place)(place.holder, place.key, new)

    def changes(self) -> list[tuple[int, Place, Any]]:
        """Where something else is now than was put there: the number of the place, -1 of a new one, and what it is."""
        put = {id(place): new for place, new in self._put}
        found = [(i, place, now_in(place)) for i, place in enumerate(self._places)]
        found = [(i, place, x) for i, place, x in found if x is not LOST and x is not put.get(id(place), place.value)]
        for x, before in self._containers:
            if isinstance(x, dict):
                found += [(-1, Place(x, key, True, None), x[key]) for key in [*x] if key not in before]
        return found + [(-1, place, now_in(place)) for place in self._new_attributes()]

    def _new_attributes(self) -> list[Place]:
        """Attributes that classes have now and had not."""
        return [Place(cls, key, False, None) for cls, old in self._classes for key in [*vars(cls)] if key not in old]

    def is_rearranged(self) -> bool:
        """Whether lists and sets are longer or shorter than before, or numbers in them others, or entries are gone."""
        for x, before in self._containers:
            if isinstance(x, dict):
                if not before.keys() <= x.keys():
                    return True
            elif len(x) != len(before) or (id(x) in self._numbers and x != before):
                return True
        return False

    def release_entries(self) -> None:
        """Let there be arrays in place of recorded ones in lists that are longer or shorter than before."""
        for x, before in self._containers:
            if isinstance(x, list | deque) and len(x) != len(before):
                for i, part in enumerate(x):
                    x[i] = released(part)

    def put_back(self) -> None:
        """Put back what was there, but for where the function has put something else."""
        self._assign([(place, place.value) for place, new in self._put if now_in(place) is new])
        self._put.clear()

    def undo(self) -> None:
        """Let everything be as it was: also what the function has put into variables, lists, dicts and objects."""
        there = [
            place for place in self._places if not (now_in(place) is LOST and isinstance(place.holder, list | deque))
        ]
        self._assign([(place, place.value) for place in there if now_in(place) is not place.value])
        self._put.clear()
        for cls, key, _, _ in self._new_attributes():
            type.__delattr__(cls, key)
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

    def _assign(self, places: list[tuple[Place, Any]]) -> None:
        """Put something into each place."""
        for kind in (operator.setitem, setattr, object.__setattr__):
            calls = [(place.holder, place.key, x) for place, x in places if setter(place) is kind]
            at_once(starmap(kind, calls))  # which no interrupt comes between

    def _stand_in(self, x: Any) -> Any:
        """What takes the place of something."""
        if type(x) in PLAIN_ARRAYS and x.dtype.kind in NUMERIC_KINDS:
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
        if isinstance(x, MethodType | BuiltinMethodType) and isinstance(x.__self__, np.random.Generator):
            return getattr(self._recording.generator(x.__self__), x.__name__)  # draw = rng.normal
        return unseeded if x is DEFAULT_RNG else x


LOST = object()


def now_in(place: Place) -> Any:
    """What is in a place now, `GONE` if the place is no longer there."""
    if isinstance(place.holder, type):
        return vars(place.holder).get(place.key, LOST)  # as it lies there: a static method is no function
    try:
        return place.holder[place.key] if place.is_item else getattr(place.holder, place.key)
    except (LookupError, AttributeError, ValueError):
        return LOST


def is_computed(x: Any) -> bool:
    """Whether something is a recorded array, or a Tensor without a graph that the function has made of one."""
    return isinstance(x.value if type(x) is Tensor and x.node is None else x, RecordingArray)


def released(x: Any) -> Any:
    """What is left outside for what the function has left there: arrays in place of recorded ones."""
    if isinstance(x, RecordingArray):
        return as_array(x.value)
    if isinstance(x, Tensor) and x.node is None and isinstance(x.value, RecordingArray):
        x.value = as_array(x.value.value)
    elif type(x) in (list, dict):
        for key in [*x] if isinstance(x, dict) else range(len(x)):
            x[key] = released(x[key])
    return mapped(released, x) if isinstance(x, tuple) else x


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


class Streams:
    """The generators of random numbers that a recording does not see: Python's, np.random's, and others reached."""

    def __init__(self, reached: list[Any]) -> None:
        module: Any = np.random.mtrand
        usual: Any = random
        self._all = [usual._inst, module._rand, *reached]
        self._before = [pickle.dumps(generator_state(x)) for x in self._all]  # byte by byte

    def restore(self) -> bool:
        """Let them go on where they were; whether one of them was somewhere else."""
        changed = [i for i, x in enumerate(self._all) if pickle.dumps(generator_state(x)) != self._before[i]]
        for i in changed:
            set_state(self._all[i], pickle.loads(self._before[i]))
        return bool(changed)

    def check(self) -> None:
        """Refuse a function that has drawn from them."""
        if self.restore():
            raise RecordingError(
                "the compiled function draws from np.random, from Python's random, or from a RandomState, and its "
                "draws would be the same in every replay. Draw from a generator, np.random.default_rng(seed), that the "
                "function is given or finds outside"
            )
