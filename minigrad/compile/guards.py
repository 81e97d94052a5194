"""Whether all that a recording has found outside is still there, which each replay asks first."""

import operator
from collections.abc import Callable, Container
from types import ModuleType
from typing import Any

import numpy as np

from .reach import Place, Reach

NUMBERS = (bool, int, float, complex, str, bytes, np.generic)  # which are the same if they are equal
GONE = (LookupError, AttributeError, ValueError, TypeError)  # what a place raises that is no longer there


class Guard:
    """The places, sizes and numbers that a function has reached.

    `unchanged` tells whether they are what they were, but for the places `left`, by number, in which each replay leaves
    something else. It is made as source, as it is called before each replay: a
    place takes as long as Python's ``is``.
    """

    def __init__(self, reach: Reach, left: Container[int] = ()) -> None:
        self._names: dict[str, Any] = {"same": same, "same_all": same_all, "GONE": GONE}
        self._holders: dict[int, str] = {}
        terms = [self._size(x, n) for x, n in reach.sizes]
        terms += [f"len({self._name(cls)}.__dict__) == {len(names)}" for cls, names in reach.classes]
        terms += [f"same_all({self._name(x)}, {self._name(copy)})" for x, copy in reach.contents]
        self._said = [f"what is in a {type(x).__name__}" for x, _ in reach.sizes]
        self._said += [f"what {cls.__name__} has" for cls, _ in reach.classes]
        self._said += [f"what is in a {type(x).__name__}" for x, _ in reach.contents]
        for i, place in enumerate(reach.places):
            if i in left:
                continue
            self._names[f"v{i}"] = place.value
            found = self._access(place)
            equal = f" or same(x, v{i})" if isinstance(place.value, NUMBERS) else ""
            terms.append(f"((x := {found}) is v{i}{equal})" if equal else f"{found} is v{i}")
            self._said.append(spoken(place))
        self._terms = terms or ["True"]
        source = f"def unchanged():\n    try:\n        return {' and '.join(self._terms)}\n    except GONE:\n"
        exec(source + "        return False\n", self._names)
        self.unchanged: Callable[[], bool] = self._names["unchanged"]

    def first_change(self) -> str:
        """What is something else now, in words."""
        for term, said in zip(self._terms, self._said, strict=False):
            try:
                if not eval(term, self._names):
                    return said
            except GONE:
                return said
        return "something"

    def _name(self, x: Any) -> str:
        if id(x) not in self._holders:  # which stays, as the names have it
            self._holders[id(x)] = f"h{len(self._holders)}"
            self._names[self._holders[id(x)]] = x
        return self._holders[id(x)]

    def _size(self, x: Any, n: Any) -> str:
        """The condition that a list is as long as it was, and that a dict has the same keys in the same order."""
        return f"[*{self._name(x)}] == {self._name(n)}" if isinstance(x, dict) else f"len({self._name(x)}) == {n}"

    def _access(self, place: Place) -> str:
        """The expression of what is in a place."""
        holder, key, is_item, _ = place
        if isinstance(holder, ModuleType):
            return f"{self._name(vars(holder))}[{key!r}]"
        if isinstance(holder, type):
            return f"{self._name(holder)}.__dict__[{key!r}]"
        if not is_item:
            return f"{self._name(holder)}.{key}"
        return f"{self._name(holder)}[{repr(key) if type(key) in (str, int) else self._name(key)}]"


def spoken(place: Place) -> str:
    """What a place is called: a variable, an attribute, or an entry of a list or dict."""
    if not isinstance(place.key, str):
        return f"entry {place.key!r} of a {type(place.holder).__name__}"
    return "a variable of the function around it" if place.key == "cell_contents" else place.key


def same(x: Any, y: Any) -> bool:
    """Whether two numbers or words are the same: of one type and value, a NaN or a zero of one sign among them."""
    return type(x) is type(y) and (x == y or x != x) and repr(x) == repr(y)


def same_all(xs: Any, ys: Any) -> bool:
    """Whether the same is in two lists of numbers, or two sets."""
    if isinstance(xs, set):
        return xs == ys
    if len(xs) != len(ys):
        return False
    return all(map(operator.is_, xs, ys)) or all(map(same, xs, ys))  # the first in C, as there may be many
