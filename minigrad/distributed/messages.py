"""Messages whose sum over ranks is wanted: MPI adds them up, or two ranks of one machine read each other's memory."""

from collections import defaultdict
from itertools import count
from typing import Any

import numpy as np

from .world import World


class Summed:
    """A message that MPI adds up, in place."""

    def __init__(self, here: World, size: int, dtype: np.dtype) -> None:
        self.here, self.own = here, np.zeros(size, dtype)

    def start(self) -> Any:
        """Send it; the request is done when `parts` may be read."""
        from mpi4py import MPI

        return self.here.background.Iallreduce(MPI.IN_PLACE, self.own)

    def parts(self) -> list[Any]:
        """What the sum is the sum of."""
        return [self.own]

    def next(self) -> None:
        """Begin the next message, when the parts of this one have been read."""

    def give_back(self) -> None:
        """Nobody needs the message any more."""


# Those that nobody needs now: by size and dtype, and by a number that is the same on both ranks.
kept: defaultdict[Any, dict[int, "Shared"]] = defaultdict(dict)
numbers = count()


class Shared(Summed):
    """A message in memory that both ranks of a machine see, which takes half of the time.

    It has two sides. One is written while the other rank may still read the other; which it has read before it joins
    the barrier that comes before the first is written again. Only all ranks together can free such memory, so it is
    kept for the next message of that size, once no rank needs it.
    """

    def __init__(self, here: World, size: int, dtype: np.dtype) -> None:
        from mpi4py import MPI

        self.here, self.key, self.number, self.side = here, (size, dtype), next(numbers), 0
        self.window = MPI.Win.Allocate_shared(2 * size * dtype.itemsize, dtype.itemsize, comm=here.background)
        self.window.Lock_all()
        memory = [self.window.Shared_query(rank)[0] for rank in range(here.size)]
        self.sides = [np.frombuffer(x, dtype).reshape(2, size) for x in memory]
        self.own = self.sides[here.rank][0]

    def start(self) -> Any:
        self.window.Sync()
        return self.here.background.Ibarrier()

    def parts(self) -> list[Any]:
        self.window.Sync()
        return [sides[self.side] for sides in self.sides]

    def next(self) -> None:
        self.side = 1 - self.side
        self.own = self.sides[self.here.rank][self.side]

    def give_back(self) -> None:
        kept[self.key][self.number] = self


def message(here: World, size: int, dtype: np.dtype, stays: bool) -> Summed:
    """A message, which `stays` if many of that size are to come."""
    if not (stays and here.size == 2 and here.on_one_machine()):
        return Summed(here, size, dtype)
    idle = kept[size, dtype]
    common = set.intersection(*map(set, here.from_all(list(idle), "share memory")))
    return idle.pop(max(common)) if common else Shared(here, size, dtype)
