"""Generators on loan to a thread: while it draws from one, other draws would have no certain order."""

import os
import threading
from collections.abc import Sequence
from typing import Any

lent: dict[int, tuple[Any, threading.Thread]] = {}  # by the identity of the generator


def lend(generators: Sequence[Any], thread: threading.Thread) -> None:
    """Have the thread alone draw from the generators until they are given back."""
    for rng in generators:
        refuse_lent(rng, "another data set")
    lent.update({id(rng): (rng, thread) for rng in generators})


def renew() -> None:
    """After a fork other threads are gone, one of which may have held the lock of a generator while it drew."""
    for rng, _ in lent.values():
        source = getattr(rng, "bit_generator", getattr(rng, "_bit_generator", rng))
        if hasattr(source, "lock"):  # pragma: no branch: Python's own generators have none
            source.lock._at_fork_reinit()  # as the standard library does with its own
    lent.clear()


if hasattr(os, "register_at_fork"):  # pragma: no branch: only Windows has none
    os.register_at_fork(after_in_child=renew)


def give_back(generators: Sequence[Any], thread: threading.Thread) -> None:
    """Let everybody draw from the generators again that were lent to the thread."""
    for rng in generators:
        if lent.get(id(rng), (rng, None))[1] is thread:
            del lent[id(rng)]


def refuse_lent(rng: Any, who: str = "a layer or a function") -> None:
    """Refuse to draw from a generator that is lent to another thread."""
    if lent.get(id(rng), (rng, threading.current_thread()))[1] is not threading.current_thread():
        raise ValueError(
            f"{who} draws from a generator that the data set of a prefetching loader draws from too, in a thread, so "
            f"who gets which numbers would be a matter of time. Give the data set a generator of its own, as "
            f"rng.spawn(1)[0], or use prefetch=0"
        )
