"""A training on all ranks of a program that `mpiexec` has started: the run of one process, shared out."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from typing import Any

from ..compile import compile as compiled
from ..core.door import plain
from ..data import DataLoader
from ..distributed import Sharded, broadcast, check_same, world
from ..distributed.averaging import summed_up
from ..distributed.buckets import Averager
from ..distributed.parallel import DataParallel
from ..distributed.starting import send_values, separate
from .means import samples_in
from .run import Run

END = object()  # in the place of a batch


class RunOfRanks(Run):
    """What each rank does; files are for rank 0 alone. What it draws differs from rank to rank.

    A rank's generators set out, in each epoch, from where those of rank 0 are. So a checkpoint has these alone, and
    any number of ranks can go on from it.
    """

    averager: Averager
    closes: Any = None  # the averager, if it was made for this run

    def __init__(
        self, model: Any, loss: Any, optimizer: Any, loader: Any, validation: Any, metrics: Any, schedule: Any, by: Any
    ) -> None:
        own = isinstance(optimizer, DataParallel)
        if by is not None and own:
            raise ValueError(
                "under mpiexec, a compiled training takes the optimizer itself, rather than that of "
                "distributed.optimizer: gradients are averaged between two compiled functions"
            )
        self.given = [loader, validation]
        loader, validation = (Sharded(x) if isinstance(x, DataLoader) else x for x in self.given)
        super().__init__(model, loss, optimizer, loader, validation, metrics, schedule, by)
        broadcast(model, optimizer)
        self.here, self.overlaps, self.update = world(), by is None, self.updated
        self.gradients = self.found if by is None else compiled(self.found, by)
        self.take_step = optimizer.step if by is None else compiled(optimizer.step, by)
        if own:
            self.averager = optimizer.averager

    def find_generators(self, callbacks: Sequence[Any]) -> None:
        shared = self.loader, self.validation
        self.loader, self.validation = self.given  # under the names that they have in one process
        super().find_generators(callbacks)
        self.loader, self.validation = shared

    def loaded(self, checkpoint: Any) -> Any:
        return self.here.from_first(None if self.here.rank else super().loaded(checkpoint))

    def save(self, checkpoint: Any) -> None:
        state = self.state()
        if self.here.rank == 0:
            self.write(checkpoint, state)

    def ends(self, answers: Sequence[bool]) -> bool:
        return any(self.here.from_all(any(answers)))

    def close(self) -> None:
        if self.closes is not None:
            self.closes.close()

    def epoch(self, shown: Any, each_batch: bool) -> dict[str, float]:
        if not hasattr(self, "averager"):
            self.averager = self.closes = Averager(self.optimizer.params, listens=self.overlaps)
        generators: Any = self.parts["generators"]
        generators.load_state_dict(self.here.from_first(generators.state_dict()))
        separate(list(generators.found().values()))
        return super().epoch(shown, each_batch)

    def updated(self, inputs: Any, targets: Any, with_outputs: bool) -> Any:
        value, outputs = self.gradients(inputs, targets, with_outputs)
        self.averager.weight = self.samples(inputs, targets, outputs)
        self.averager.finish()
        self.take_step()
        self.averager.done = False
        return value, outputs

    def found(self, inputs: Any, targets: Any, with_outputs: bool) -> Any:
        """Leave this rank's gradients in the parameters, some on their way already; the loss, and outputs if wanted."""
        self.optimizer.zero_grad()
        value, outputs = self.outcome(inputs, targets, with_outputs)
        if self.overlaps:
            self.averager.weight = self.samples(inputs, targets, outputs)
        value.backward()
        self.check_gradients()
        return plain(value), outputs

    def samples(self, inputs: Any, targets: Any, outputs: Any) -> int:
        """How many samples a batch has here."""
        return samples_in(inputs, outputs if inputs is targets else targets, self.steps_first)

    def batches_of(self, loader: Iterable[Any], kind: str) -> Iterator[Any]:
        return iter(loader) if isinstance(loader, Sharded) else self.in_step(loader, kind)

    def in_step(self, loader: Iterable[Any], kind: str) -> Generator[Any]:
        """The batches of a rank's own loader; refused where another rank has more, or fewer."""
        batches, number = iter(loader), 0
        with closing(batches) if isinstance(batches, Generator) else nullcontext():
            while any(there := self.here.from_all((batch := next(batches, END)) is not END)):
                if not all(there):
                    raise RuntimeError(
                        f"rank {there.index(False)} has {number} batches in {kind} {self.history.epochs + 1}, and rank "
                        f"{there.index(True)} has more. Give all ranks as many, as a DataLoader of the same data does"
                    )
                number += 1
                yield batch

    def whole(self, row: dict[str, float]) -> dict[str, float]:
        if self.model.training:  # rather than in a validation
            send_values(dict(self.model.named_buffers()))  # running statistics may be a rank's own
            check_same(self.model)
        sums, samples = summed_up(self.means.sums, self.means.samples)
        return {name: total / (samples or 1) for name, total in sums.items()}
