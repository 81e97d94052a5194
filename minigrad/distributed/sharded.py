"""A loader of which each rank has its part of each batch."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from ..data import DataLoader
from .world import world


class Sharded:
    """A loader of which each rank has its part of each batch: together they have the batches of one process.

    The order of an epoch is that of rank 0's loader. Where a batch does not divide, some ranks have one sample more.

    Parameters
    ----------
    loader : DataLoader
        Of the same data on all ranks: `batch_size` is that of all ranks together.
    lend : bool
        Whether a rank for which a batch has no sample shall have the whole batch, to compute with and not to count:
        `samples_here` is 0 then, by which an optimizer that was made with this loader leaves its gradients out, and
        batch normalisation over all ranks its statistics. Otherwise such batches are refused.

    Attributes
    ----------
    samples_here : int
        How many samples this rank had of the latest batch; 0 if it was lent one.

    Raises
    ------
    TypeError, ValueError
        If it is no DataLoader, a rank would be without data, or the loaders differ in what makes their batches: on all
        ranks, none of whose loaders has changed.
    """

    def __init__(self, loader: DataLoader, *, lend: bool = False) -> None:
        if not isinstance(loader, DataLoader):
            raise TypeError(
                f"a data.DataLoader can be shared out among ranks; got a {type(loader).__name__}. Others can give each "
                f"rank its part themselves: distributed.world().rank"
            )
        self.loader, self.lend, self.samples_here = loader, bool(lend), 1
        self.check_batches()
        states = world().from_all(loader.next_state(), "share out a loader")
        for name in ("samples", "batch_size", "shuffle", "drop_last"):
            for rank, state in enumerate(states):
                if state[name] != states[0][name]:
                    raise ValueError(
                        f"the loader of rank {rank} has not the batches of rank 0's: {name} is {state[name]} there "
                        f"and {states[0][name]} on rank 0. Make it of the same data on all ranks"
                    )
        if world().rank:
            loader.load_state_dict(states[0])

    def check_batches(self) -> None:
        """Refuse batches of which a rank would have nothing."""
        size, last = world().size, self.loader.samples % self.loader.batch_size
        if self.lend:
            return
        if self.loader.batch_size < size:
            raise ValueError(
                f"a batch of {self.loader.batch_size} leaves some of {size} ranks without data. Take a batch_size of "
                f"at least {size}, which is that of all ranks together"
            )
        if 0 < last < size and not self.loader.drop_last:
            raise ValueError(
                f"the last batch has {last} of {self.loader.samples} samples, which leaves some of {size} ranks "
                f"without data. Use drop_last=True or another batch_size, or Sharded(loader, lend=True), which has "
                f"idle ranks compute with the samples of others, and count 0"
            )

    @property
    def epoch(self) -> int:
        """As that of the loader."""
        return self.loader.epoch

    @property
    def samples(self) -> int:
        """The number of samples of the data set, all ranks' together."""
        return self.loader.samples

    def __len__(self) -> int:
        return len(self.loader)

    def __repr__(self) -> str:
        return f"Sharded({self.loader!r}), {world()!r}"

    def __iter__(self) -> Iterator[Any]:
        self.check_batches()
        here = world()
        with closing(self.loader.part(here.rank, here.size)) as batches:
            for batch in batches:
                self.samples_here = self.loader.share_of(here.rank, here.size)
                here.idle = not self.samples_here
                try:
                    yield batch
                finally:
                    here.idle = False

    def state_dict(self) -> dict[str, Any]:
        """As that of the loader: for any number of ranks."""
        return self.loader.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """As that of the loader."""
        self.loader.load_state_dict(state)
