"""What a function keeps of a recording, which a replay would not, and what it has made by itself."""

import ctypes
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from ..errors import RecordingError
from .array import RecordingArray
from .program import ARGUMENT, Value


def check_nothing_is_kept(arrays: Iterable[RecordingArray]) -> None:
    """Refuse recorded arrays that live on after the function has returned."""
    for array in arrays:
        if array.node.number and array.node.origin == ARGUMENT:
            raise RecordingError(
                "the compiled function keeps a number that it is given, as a key of a dict or elsewhere, and a replay "
                "would not. Keep int(k) or float(k), for which there is a program each"
            )
        raise RecordingError(
            f"the compiled function keeps an array of shape {array.shape} that it has computed, in an attribute, "
            f"a list or a variable from outside. A replay would not: return it as a result, or write it into an "
            f"array that is there already, as kept[...] = x"
        )


def own_arrays(outside: Sequence[tuple[Any, Value]], written: Sequence[Any], answer: Sequence[Any]) -> list[Value]:
    """Those that only the function can have made, as nobody but the recording has them, or their memory.

    The recording has them in `outside`, in `written` if they were written to, and in the leaves of the `answer`.
    """
    held = held_by_others(outside, written, answer)
    own = []
    for x, node in outside:
        if isinstance(x, np.random.Generator) and id(x) not in held:
            raise RecordingError(
                "the compiled function makes a generator and draws from it, which would go on in every replay rather "
                "than start anew. Make it outside of the function, or pass the seed as rng"
            )
        if isinstance(owner(x), np.ndarray) and held.isdisjoint(map(id, bases(x))):
            own.append(node)
    return own


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
    base = getattr(x, "base", None)
    while base is not None:
        x, base = base, getattr(base, "base", None)
    return x


def twin(x: np.ndarray) -> np.ndarray:
    """A copy of an array with the same strides, and so of the memory between its elements."""
    low, high = byte_bounds(x)
    memory: Any = (ctypes.c_ubyte * (high - low)).from_address(low)
    memory = np.frombuffer(memory, np.uint8).copy()
    return np.ndarray(x.shape, x.dtype, memory, x.__array_interface__["data"][0] - low, x.strides)


def same_bytes(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether two arrays of one shape and dtype have the same in them."""
    return x.tobytes() == y.tobytes()


def references(x: Any) -> int:
    """The number of references to an object, with those that a variable of the caller, and this call, make."""
    return sys.getrefcount(x)


def references_of_a_variable() -> int:
    """What `references` says of an object that only a variable has."""
    x = object()
    return references(x)


HERE = references_of_a_variable()
