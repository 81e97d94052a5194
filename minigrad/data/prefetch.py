"""Batches that a thread makes ahead of time."""

import os
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Thread, current_thread
from typing import Any

from ..core.lending import give_back, lend


def prefetched(
    make: Callable[[int], Any], numbers: range, ahead: int, generators: Sequence[Any] = ()
) -> Generator[Any]:
    """``make(i)`` for each number, made in a thread, up to `ahead` before they are needed.

    The thread makes what is ordered, so it never waits for room; it ends with the generator, however that ends. What
    the thread draws from are the `generators`, which nothing else may draw from meanwhile. A forked process has no such
    thread, and makes the rest itself.
    """
    home, orders, coming = os.getpid(), Orders(make, generators), iter(numbers)
    for i in islice(coming, ahead):
        orders.queue.put(i)
    try:
        lend(generators, orders.worker)
        start(orders.worker)
        for i in numbers:
            if os.getpid() == home:
                batch, error = orders.made.get()
                if error is not None:
                    raise error
                orders.queue.put(next(coming, None))
            else:
                refuse_draws(generators)
                batch = make(i)
            yield batch
    finally:
        error = None  # an error refers to this frame, so a reference back would be a cycle
        orders.cancel()


def start(worker: Thread) -> None:
    """Start a thread; Ctrl-C while Python waits for it to begin is KeyboardInterrupt, of which it may make another."""
    try:
        worker.start()
    except RuntimeError as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise


class Orders:
    """The numbers of the batches for a thread to make, and None to end it: at the latest when this is deleted."""

    def __init__(self, make: Callable[[int], Any], generators: Sequence[Any]) -> None:
        self.generators = generators
        self.queue: SimpleQueue[int | None] = SimpleQueue()
        self.made: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
        self.worker = Thread(target=work, args=(make, self.queue, self.made), name="minigrad prefetch", daemon=True)

    def cancel(self) -> None:
        """Take back all orders, let the thread go home, and wait for it."""
        try:
            while True:
                self.queue.get_nowait()
        except Empty:
            self.queue.put(None)
        # The thread's own garbage collector may find the loop; and when Python ends, the thread is frozen.
        if self.worker.is_alive() and current_thread() is not self.worker and not sys.is_finalizing():
            self.worker.join()
        give_back(self.generators, self.worker)

    def __del__(self) -> None:
        with suppress(AttributeError):  # where an interrupt came before all was there, or before `cancel` was through
            self.queue.put(None)
            give_back(self.generators, self.worker)


def work(make: Callable[[int], Any], orders: SimpleQueue, made: SimpleQueue) -> None:
    """Make what is ordered, until None is, or something raises: then that is delivered."""
    try:
        for i in iter(orders.get, None):
            made.put((make(i), None))
    except BaseException as error:
        made.put((None, error))


def refuse_draws(generators: Sequence[Any]) -> None:
    """Refuse to continue in a forked process where the thread may have drawn for batches that were never delivered."""
    if generators:
        raise RuntimeError(
            "a forked process continues an epoch of a data set that draws random numbers, some of which a thread of "
            "the other process has drawn ahead. Begin another epoch, or use prefetch=0"
        )
