"""The loader, and where it is in its sequence of batches."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from functools import partial
from typing import Any

import numpy as np

from ..core.lending import lent, refuse_lent
from ..core.tree import tree_map
from ..transforms.generators import generators_in
from .frames import is_frame
from .prefetch import prefetched
from .samplers import checked_order
from .samples import checked_count, count_of, in_arrays, rows, stacked_samples, without_frames


class DataLoader:
    """The batches of a data set; each ``for`` over it is an epoch.

    The order of an epoch depends on the seed and the number of the epoch alone. Leaving an epoch early ends it: the
    next ``for`` begins another. Only after `load_state_dict` does the next ``for`` continue in the middle of one.

    Parameters
    ----------
    data : array, or tuple or dict of arrays, nested if wanted; or sized indexable
        Arrays have the samples along their first axis; a batch is a tree like theirs, of arrays of shape
        (batch, ...). Anything else with ``len(data)`` and ``data[i]``, as a list, is a data set of samples: numbers,
        arrays, or trees of them, which a batch stacks along a new first axis. None in a tree stays None, and text
        stays text. Frames, series and indices of pandas are arrays of numbers, taken by position. Matrices of
        scipy.sparse are arrays whose batches are dense: only the rows of a batch are ever filled up. The data set may
        grow between two epochs.
    batch_size : int > 0
        Samples in a batch. The last one of an epoch may have fewer.
    shuffle : bool
        Whether each epoch has an order of its own. Without, batches of arrays are views that cannot be written to;
        with it, they are copies.
    drop_last : bool
        Leave out the last batch if it has fewer samples.
    rng : Generator, seed or None
        The source of the seed of the order: one integer is drawn when the loader is made, none later.
    prefetch : int >= 0
        How many batches to make ahead, in a thread that lives as long as the epoch. It pays if `data` reads files or
        computes samples; taking batches of arrays in memory costs too little for it. While an epoch lasts, no layer
        may draw from a generator that `data` draws from.
    sampler : function of the number of samples and a Generator, optional
        Returns as many indices, the order of an epoch, in which samples may come again: `Weighted` and `Grouped` are
        such functions. The generator is made of seed and epoch anew. In the place of `shuffle`.
    collate : function of a list of samples, optional
        Makes a batch of samples that cannot be stacked, as sequences of other lengths. For data sets of samples.

    Raises
    ------
    TypeError, ValueError
        If `data` is none of these, has no samples, or its arrays differ in length; a frame has a column of something
        else than numbers, or a value is missing; a number is out of range; or no batch would be left.
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
        sampler: Callable[[int, np.random.Generator], Any] | None = None,
        collate: Callable[[list[Any]], Any] | None = None,
    ) -> None:
        if batch_size.shape if hasattr(batch_size, "shape") else isinstance(batch_size, list | tuple | dict):
            raise TypeError(
                f"several arrays, as inputs and targets, go in a tuple: DataLoader((x, y), batch_size=...); got a "
                f"{type(batch_size).__name__} as batch_size"
            )
        self.data = without_frames(data) if in_arrays(data) or is_frame(data) else data
        self.batch_size = checked_count("batch_size", batch_size, 1)
        self.prefetch = checked_count("prefetch", prefetch, 0)
        self.shuffle, self.drop_last = bool(shuffle), bool(drop_last)
        self._checked_samples()
        self.sampler, self.collate = sampler, stacked_samples if collate is None else collate
        self._check_functions()
        refuse_lent(rng, "a loader")
        ordered = self.shuffle or sampler is not None
        self._seed = int(np.random.default_rng(rng).integers(2**63)) if ordered else 0
        self._place = Position(0, 0)

    def _check_functions(self) -> None:
        """Refuse functions that cannot be called, or would not be."""
        for name, function in (("sampler", self.sampler), ("collate", self.collate)):
            if function is not None and (not callable(function) or (name == "sampler" and isinstance(function, type))):
                raise TypeError(f"{name} is a function; got {function!r:.60}")
        if self.sampler is not None and self.shuffle:
            raise ValueError("shuffle=True and a sampler are two orders. Leave one of them out")
        if self.collate is not stacked_samples and in_arrays(self.data):
            raise ValueError(
                "collate makes a batch of a list of samples, and batches of arrays are rows of them. For samples one "
                "by one, pass a list: DataLoader(list(zip(x, y)), collate=...)"
            )

    @property
    def samples(self) -> int:
        """The number of samples that the data set has now."""
        return count_of(self.data)

    def _checked_samples(self) -> int:
        """The number of samples for an epoch; refuses too few."""
        count = self.samples
        if not count:
            raise ValueError("a data set takes at least one sample; got none")
        if not self._batches_of(count):
            raise ValueError(f"with drop_last, a batch takes {self.batch_size} samples, and the data set has {count}")
        return count

    def _batches_of(self, samples: int) -> int:
        whole, rest = divmod(samples, self.batch_size)
        return whole + bool(rest and not self.drop_last)

    def __len__(self) -> int:
        """The number of batches in an epoch of the samples that there are now."""
        return self._batches_of(self.samples)

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
        return self.part(0, 1)

    def part(self, rank: int, size: int) -> Generator[Any]:
        """As a ``for`` over the loader, of each batch the part of one of several ranks, in the order of their numbers.

        A rank has the whole batch where none is left for it. See `minigrad.distributed.Sharded`.
        """
        begins, count = self._place.begun or not self._place.position, self._checked_samples()
        if self._place.begun:
            self._place = Position(self._place.epoch + 1, 0)
        self._place.begun = True
        if begins:
            self._place.samples = count
        return self._batches(self._place, rank, size)

    def _batches(self, place: "Position", rank: int, size: int) -> Generator[Any]:
        """The rest of the epoch from a place on, which goes along with what is delivered."""
        count = place.samples
        order = self._order(place.epoch, count)
        make, numbers = partial(self._batch, order, count, rank, size), range(place.position, self._batches_of(count))
        generators = generators_in({"data": self.data}).values() if self.prefetch or lent else ()
        if self.prefetch:
            batches = prefetched(make, numbers, self.prefetch, list(generators))
        else:
            for rng in generators:
                refuse_lent(rng, "another data set")
            batches = (make(i) for i in numbers)
        with closing(batches):
            for batch in batches:
                place.position += 1
                yield batch
        place.epoch, place.position, place.begun = place.epoch + 1, 0, False

    def _order(self, epoch: int, samples: int) -> np.ndarray | None:
        """The order of the samples in an epoch, None for that of the data set."""
        rng = np.random.default_rng((self._seed, epoch))
        if self.sampler is not None:
            return checked_order(self.sampler(samples, rng), samples)
        return rng.permutation(samples) if self.shuffle else None

    def _batch(self, order: np.ndarray | None, samples: int, rank: int, size: int, number: int) -> Any:
        start = number * self.batch_size
        stop = min(start + self.batch_size, samples)
        chosen = share(start, stop, rank, size) or range(start, stop)
        as_slice = slice(chosen.start, chosen.stop)
        if in_arrays(self.data):
            return tree_map(partial(rows, as_slice if order is None else order[as_slice]), self.data)
        indices = chosen if order is None else order[as_slice].tolist()
        return self.collate([self.data[i] for i in indices])

    def share_of(self, rank: int, size: int) -> int:
        """How many samples of the batch that was delivered last are for one of several ranks."""
        start = (self._place.position - 1) * self.batch_size
        return len(share(start, min(start + self.batch_size, self._place.samples), rank, size))

    def state_dict(self) -> dict[str, Any]:
        """The place after the last batch that was delivered, with what the order depends on: integers and bools.

        After a ``break`` it is still within the epoch that was left, which `load_state_dict` lets the next loop finish.
        """
        place = {"seed": self._seed, "epoch": self._place.epoch, "position": self._place.position}
        under_way = self._place.begun or self._place.position
        return {**place, **self._kind(self._place.samples if under_way else self.samples)}

    def next_state(self) -> dict[str, Any]:
        """The state of a loader that goes on with what the next ``for`` here begins with."""
        if not self._place.begun:
            return self.state_dict()
        return {"seed": self._seed, "epoch": self.epoch + 1, "position": 0, **self._kind(self.samples)}

    def _kind(self, samples: int) -> dict[str, Any]:
        """What two loaders must have in common to have the same batches from the same seed."""
        kind = {"samples": samples} | {name: getattr(self, name) for name in ("batch_size", "shuffle", "drop_last")}
        return kind if self.sampler is None else kind | {"sampler": True}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next ``for`` continue from a `state_dict`, with the batches that were still to come in its epoch.

        Raises
        ------
        ValueError
            If the state is of a loader whose batches are others; this one is as it was, then.
        """
        own = self.state_dict()
        problems = [f"{name} is missing" for name in own if name not in state]
        problems += [f"{name} is unexpected" for name in state if name not in own]
        kind = self._kind(self.samples)
        problems += [f"{k} was {state[k]!r} and is {x!r}" for k, x in kind.items() if k in state and state[k] != x]
        bounds = {"seed": 2**63 - 1, "epoch": None, "position": len(self)}
        for name, most in bounds.items():
            value = state.get(name, 0)
            if type(value) is not int or value < 0 or (most is not None and value > most):
                problems.append(f"{name} is no integer from 0" + (f" to {most}" if most else "") + f": {value!r}")
        if problems:
            raise ValueError(f"this state does not belong to this loader: {'; '.join(problems)}")
        self._seed, self._place = state["seed"], Position(state["epoch"], state["position"], state["samples"])


def share(start: int, stop: int, rank: int, size: int) -> range:
    """What one of several ranks has of the samples from `start` to `stop`."""
    count = stop - start
    return range(start + count * rank // size, start + count * (rank + 1) // size)


class Position:
    """A place in the sequence of all batches: an epoch of so many samples, and how many batches were delivered."""

    def __init__(self, epoch: int, position: int, samples: int = 0) -> None:
        self.epoch, self.position, self.samples = epoch, position, samples
        self.begun = False  # whether a loop has set out from here
