"""What a function keeps of a recording, or brings into it by itself: neither would be so in a replay."""

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..errors import RecordingError
from .array import RecordingArray
from .program import Value


def check_nothing_is_kept(arrays: Iterable[RecordingArray]) -> None:
    """Refuse recorded arrays that live on after the function has returned."""
    for array in arrays:
        raise RecordingError(
            f"the compiled function keeps an array of shape {array.shape} that it has computed, in an attribute, "
            f"a list or a variable from outside. A replay would not: return it as a result, or write it into an "
            f"array that is there already, as kept[...] = x"
        )


def check_nothing_is_made(outside: Sequence[tuple[Any, Value]], written: Sequence[Any], answer: Sequence[Any]) -> None:
    """Refuse arrays that only the function can have made, as nobody but the recording has them, or their memory.

    The recording has them in `outside`, in `written` if they were written to, and in the leaves of the `answer`.
    """
    held = held_by_others(outside, written, answer)
    for x, node in outside:
        if isinstance(x, np.random.Generator) and id(x) not in held:
            raise RecordingError(
                "the compiled function makes a generator and draws from it, which would go on in every replay rather "
                "than start anew. Make it outside of the function, or pass the seed as rng"
            )
        if isinstance(owner(x), np.ndarray) and held.isdisjoint(map(id, bases(x))):
            raise RecordingError(
                f"the compiled function makes an array of shape {node.shape} in a way that is not recorded, so it "
                f"would be the same in every replay. Make it outside of the function, or in it with mg.arange, "
                f"mg.zeros and the like; for random numbers use mg.sample, or pass the generator as an argument"
            )


def held_by_others(outside: Sequence[tuple[Any, Value]], written: Sequence[Any], answer: Sequence[Any]) -> set[int]:
    """The identities of arrays, and of what owns their memory, to which there are references besides a recording's."""
    ours = Counter(id(x) for x, _ in outside) + Counter(id(node.source) for _, node in outside)
    ours += Counter(map(id, [*written] * 2))  # beside the copies, and in this list
    ours += Counter(map(id, [*answer] * 2))  # in the function's answer, and in the list of its leaves
    line = views_first([x for x, _ in outside])
    held: set[int] = set()
    for x in line:
        if references(x) > ours[id(x)] + HERE + 1:  # one more in the line
            held.add(id(x))
        elif getattr(x, "base", None) is not None:
            ours[id(x.base)] += 1  # what somebody else has, keeps its base for him
    return held


def views_first(arrays: Sequence[Any]) -> list[Any]:
    """Arrays and what owns their memory, each once, and before what it is a view of."""
    every = {id(x): x for array in arrays for x in bases(array)}
    return sorted(every.values(), key=lambda x: len(bases(x)), reverse=True)


def bases(x: Any) -> list[Any]:
    """An array, what it is a view of, and so on until what owns the memory."""
    found = [x]
    while getattr(found[-1], "base", None) is not None:
        found.append(found[-1].base)
    return found


def owner(x: Any) -> Any:
    """What owns the memory of an array."""
    return bases(x)[-1]


def references(x: Any) -> int:
    """The number of references to an object, with those that a variable of the caller, and this call, make."""
    return sys.getrefcount(x)


def references_of_a_variable() -> int:
    """What `references` says of an object that only a variable has."""
    x = object()
    return references(x)


HERE = references_of_a_variable()
