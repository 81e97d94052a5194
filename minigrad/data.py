"""Batches of a data set: in the same order for the same seed, and resumable in the middle of an epoch."""

import operator
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from functools import partial
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Thread, current_thread
from typing import Any

import numpy as np

from .core.tree import leaves, tree_map

__all__ = ["DataLoader"]


class DataLoader:
    """The batches of a data set; each ``for`` over it is an epoch.

    The order of an epoch depends on the seed and the number of the epoch alone. Leaving an epoch early ends it: the
    next ``for`` begins another. Only after `load_state_dict` the next ``for`` goes on in the middle of one.

    Parameters
    ----------
    data : array, or tuple or dict of arrays, nested if wanted; or sized indexable
        Arrays have the samples along their first axis; a batch is a tree like theirs, of arrays of shape
        (batch, ...). Anything else with ``len(data)`` and ``data[i]``, as a list, is a data set of samples: numbers,
        arrays, or trees of them, which a batch stacks along a new first axis. None in a tree stays None.
    batch_size : int > 0
        Samples in a batch. The last one of an epoch may have fewer.
    shuffle : bool
        Whether each epoch has an order of its own. Without, batches of arrays are views that cannot be written to;
        with it, they are copies.
    drop_last : bool
        Leave out the last batch if it has fewer samples.
    rng : Generator, seed or None
        Where the seed of the order comes from: one integer is drawn at once, none later.
    prefetch : int >= 0
        How many batches to make ahead, in a thread that lives as long as the epoch. It pays if `data` reads files or
        computes samples; taking batches of arrays in memory costs too little for it.

    Raises
    ------
    TypeError, ValueError
        If `data` is none of these, has no samples, or its arrays differ in length; a number is out of range; or no
        batch would be left.
    """

    def __init__(
        self,
        data: Any,
        batch_size: int = 1,
        *,
        shuffle: bool = False,
        drop_last: bool = False,
        rng: Any = None,
        prefetch: int = 0,
    ) -> None:
        self.data = data
        self.samples = samples_of(data)
        self.batch_size = checked_count("batch_size", batch_size, 1)
        self.prefetch = checked_count("prefetch", prefetch, 0)
        self.shuffle, self.drop_last = bool(shuffle), bool(drop_last)
        if not len(self):
            raise ValueError(f"with drop_last, a batch takes {batch_size} samples, and the data set has {self.samples}")
        self._seed = int(np.random.default_rng(rng).integers(2**63)) if self.shuffle else 0
        self._place = Place(0, 0)

    def __len__(self) -> int:
        """The number of batches in an epoch."""
        whole, rest = divmod(self.samples, self.batch_size)
        return whole + bool(rest and not self.drop_last)

    def __repr__(self) -> str:
        options = ", ".join(
            f"{name}={getattr(self, name)}" for name in ("batch_size", "shuffle", "drop_last", "prefetch")
        )
        place = f"epoch {self.epoch}, batch {self._place.position:,} of {len(self):,}"
        return f"DataLoader({options}): {self.samples:,} sample{'' if self.samples == 1 else 's'}, {place}"

    @property
    def epoch(self) -> int:
        """The number of the epoch that is under way, from 0; between two epochs, of the one that comes."""
        return self._place.epoch

    def __iter__(self) -> Iterator[Any]:
        if self._place.begun:
            self._place = Place(self._place.epoch + 1, 0)
        self._place.begun = True
        return self._batches(self._place)

    def _batches(self, place: "Place") -> Generator[Any]:
        """The rest of the epoch from a place on, which goes along with what is delivered."""
        order = np.random.default_rng((self._seed, place.epoch)).permutation(self.samples) if self.shuffle else None
        make, numbers = partial(self._batch, order), range(place.position, len(self))
        batches = prefetched(make, numbers, self.prefetch) if self.prefetch else (make(i) for i in numbers)
        with closing(batches):
            for batch in batches:
                place.position += 1
                yield batch
        place.epoch, place.position, place.begun = place.epoch + 1, 0, False

    def _batch(self, order: np.ndarray | None, number: int) -> Any:
        start = number * self.batch_size
        chosen = slice(start, min(start + self.batch_size, self.samples))
        if in_arrays(self.data):
            return tree_map(partial(rows, chosen if order is None else order[chosen]), self.data)
        indices = range(chosen.start, chosen.stop) if order is None else order[chosen].tolist()
        return stacked([self.data[i] for i in indices])

    def state_dict(self) -> dict[str, Any]:
        """The place after the last batch that was delivered, with what the order depends on: integers and bools.

        After a ``break`` it is still within the epoch that was left, which `load_state_dict` lets the next loop finish.
        """
        place = {"seed": self._seed, "epoch": self._place.epoch, "position": self._place.position}
        return {**place, **self._kind()}

    def _kind(self) -> dict[str, Any]:
        """What two loaders must have in common to have the same batches from the same seed."""
        return {name: getattr(self, name) for name in ("samples", "batch_size", "shuffle", "drop_last")}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next ``for`` go on from a `state_dict`: with the batches that were still to come in its epoch.

        Raises
        ------
        ValueError
            If the state is of a loader whose batches are others; this one is as it was, then.
        """
        own = self.state_dict()
        problems = [f"{name} is missing" for name in own if name not in state]
        problems += [f"{name} is unexpected" for name in state if name not in own]
        kind = self._kind()
        problems += [f"{k} was {state[k]!r} and is {x!r}" for k, x in kind.items() if k in state and state[k] != x]
        bounds = {"seed": 2**63 - 1, "epoch": None, "position": len(self)}
        for name, most in bounds.items():
            value = state.get(name, 0)
            if type(value) is not int or value < 0 or (most is not None and value > most):
                problems.append(f"{name} is no integer from 0" + (f" to {most}" if most else "") + f": {value!r}")
        if problems:
            raise ValueError(f"this state does not belong to this loader: {'; '.join(problems)}")
        self._seed, self._place = state["seed"], Place(state["epoch"], state["position"])


class Place:
    """A place in the sequence of all batches: an epoch, and how many of its batches were delivered."""

    def __init__(self, epoch: int, position: int) -> None:
        self.epoch, self.position = epoch, position
        self.begun = False  # whether a loop has set out from here


def prefetched(make: Callable[[int], Any], numbers: range, ahead: int) -> Generator[Any]:
    """``make(i)`` for each number, made in a thread up to `ahead` before they are asked for.

    The thread makes what is ordered, so it never waits for room; it ends with the generator, however that ends.
    """
    orders: SimpleQueue[int | None] = SimpleQueue()
    made: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
    coming = iter(numbers)
    for i in islice(coming, ahead):
        orders.put(i)
    worker = Thread(target=work, args=(make, orders, made), name="minigrad prefetch", daemon=True)
    worker.start()
    try:
        for _ in numbers:
            batch, error = made.get()
            if error is not None:
                raise error
            orders.put(next(coming, None))
            yield batch
    finally:
        error = None  # an error refers to this frame, which shall not refer to it
        cancel(orders)
        # The thread's own garbage collector may find this generator; and when Python ends, the thread is frozen.
        if current_thread() is not worker and not sys.is_finalizing():
            worker.join()


def work(make: Callable[[int], Any], orders: SimpleQueue, made: SimpleQueue) -> None:
    """Make what is ordered, until None is, or something raises: then that is delivered."""
    try:
        for i in iter(orders.get, None):
            made.put((make(i), None))
    except BaseException as error:
        made.put((None, error))


def cancel(orders: SimpleQueue) -> None:
    """Take back all orders, and let the thread go home."""
    try:
        while True:
            orders.get_nowait()
    except Empty:
        orders.put(None)


def in_arrays(data: Any) -> bool:
    """Whether the samples lie along the first axes of arrays, rather than one by one."""
    return isinstance(data, tuple | dict) or is_array(data)


def is_array(x: Any) -> bool:
    return hasattr(x, "__array_function__")


def samples_of(data: Any) -> int:
    """The number of samples in a data set; refuses what is none, and an empty one."""
    if in_arrays(data):
        arrays = leaves(data)
        for x in arrays:
            if not is_array(x) or not x.shape:
                raise TypeError(f"a tree of data holds arrays with the samples along the first axis; got {x!r:.60}")
        lengths = [x.shape[0] for x in arrays]
        if len(set(lengths)) > 1:
            raise ValueError(f"the arrays of a data set have the same number of samples; got {lengths}")
        count = lengths[0] if lengths else 0
    elif hasattr(data, "__len__") and hasattr(data, "__getitem__"):
        count = len(data)
    else:
        raise TypeError(
            "a data set is an array, a tuple or dict of arrays, or has len(data) and data[i]; "
            f"got a {type(data).__name__}"
        )
    if not count:
        raise ValueError("a data set takes at least one sample; got none")
    return count


def rows(index: Any, x: Any) -> Any:
    """Some rows of an array. A view of an ndarray is locked: writing to a batch must not change the data set."""
    taken = x[index]
    if isinstance(index, slice) and isinstance(taken, np.ndarray):
        taken.flags.writeable = False
    return taken


def stacked(samples: list[Any]) -> Any:
    """Samples as a batch: a tree like each of theirs."""
    try:
        return tree_map(lambda *xs: np.stack(xs), *samples)
    except ValueError as error:
        raise ValueError(
            f"the samples of a batch have the same structure and shapes: {error}. A list is a data set of "
            f"samples; arrays that hold one in each row go in a tuple: (x, y)"
        ) from error


def checked_count(name: str, value: Any, low: int) -> int:
    try:
        count = operator.index(value)
    except TypeError:
        count = low - 1
    if count < low or isinstance(value, bool):
        raise ValueError(f"{name} is an integer, at least {low}; got {value!r}")
    return count
