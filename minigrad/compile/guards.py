"""Whether all that a recording has found outside is still there, which each replay asks first."""

import operator
from collections.abc import Callable, Container
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np

from .reach import Place, Reach

COMPARED = (bool, int, float, complex, str, bytes, np.generic)  # which are the same if they are equal
GONE = (LookupError, AttributeError, ValueError, TypeError)  # what a place raises that is no longer there


class Guard:
    """The places, sizes and numbers that a function has reached.

    `unchanged` tells whether they are what they were, but for the places `left`, by number, in which each replay leaves
    something else. It is made as source when a replay first asks, as it is called before each: a place takes as long
    as Python's ``is``.
    """

    def __init__(self, reach: Reach, left: Container[int] = ()) -> None:
        self._names: dict[str, Any] = {"same": same, "same_all": same_all, "GONE": GONE}
        self._holders: dict[int, str] = {}
        self._places = [place for i, place in enumerate(reach.places) if i not in left]
        self._sizes, self._classes, self._contents = reach.sizes, reach.classes, reach.contents

    @cached_property
    def unchanged(self) -> Callable[[], bool]:
        """The function that tells."""
        terms = [term for term, _ in self._terms] or ["True"]
        source = f"def unchanged():\n    try:\n        return {' and '.join(terms)}\n    except GONE:\n"
        exec(source + "        return False\n", self._names)
        return self._names["unchanged"]

    @cached_property
    def _terms(self) -> list[tuple[str, str]]:
        """The conditions under which all is the same, and what each is about, in words."""
        terms = [(self._size(x, n), f"what is in a {type(x).__name__}") for x, n in self._sizes]
        for cls, names in self._classes:
            terms.append((f"len({self._name(cls)}.__dict__) == {len(names)}", f"what {cls.__name__} has"))
        for x, copy in self._contents:
            terms.append((f"same_all({self._name(x)}, {self._name(copy)})", f"what is in a {type(x).__name__}"))
        return terms + [(self._holds(i, place), place_in_words(place)) for i, place in enumerate(self._places)]

    def _holds(self, i: int, place: Place) -> str:
        """The condition that a place has what it had."""
        self._names[f"v{i}"], found = place.value, self._access(place)
        if isinstance(place.value, COMPARED):
            return f"((x := {found}) is v{i} or same(x, v{i}))"
        return f"{found} is v{i}"

    def first_change(self) -> str:
        """What is something else now, in words."""
        for term, said in self._terms:
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


def place_in_words(place: Place) -> str:
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
