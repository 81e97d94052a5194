"""A training on all ranks of a program that `mpiexec` has started: the run of one process, shared out."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from functools import partial
from typing import Any, Self

from ..compile import compile as compiled
from ..core.door import plain
from ..data import DataLoader
from ..distributed import Sharded, broadcast, check_same, world
from ..distributed.averaging import summed_up
from ..distributed.buckets import Averager
from ..distributed.parallel import DataParallel
from ..distributed.starting import send_values, separate
from .metrics import EpochMetric
from .run import Run

END = object()  # in the place of a batch


def shared_out(loader: Any, may_be_small: bool) -> Any:
    """A loader's part for this rank. Where a batch leaves nothing for it, it computes with others' samples.

    But it takes part in a training to have some.
    """
    if not isinstance(loader, DataLoader):
        return loader
    return Sharded(loader, lend=may_be_small or loader.batch_size >= world().size)


class RunOfRanks(Run):
    """What each rank does; files are for rank 0 alone. What it draws differs from rank to rank.

    A rank's generators set out, in each epoch, from where those of rank 0 are. So a checkpoint has these alone, and
    any number of ranks can go on from it.
    """

    averager: Averager  # while it runs
    closes: Averager | None = None  # the same, if it was made for this run
    before: Any = None  # the averager's options, if it was not

    def __init__(
        self, model: Any, loss: Any, optimizer: Any, loader: Any, validation: Any, metrics: Any, schedule: Any, by: Any
    ) -> None:
        self.given = [loader, validation]
        if whole := [name for name, measure in metrics.items() if isinstance(measure, EpochMetric)]:
            raise ValueError(
                f"{whole[0]} takes all samples of an epoch, and each rank has a part of them. Measure it after the "
                f"training, by train.evaluate"
            )
        loader, validation = shared_out(loader, False), shared_out(validation, True)
        super().__init__(model, loss, optimizer, loader, validation, metrics, schedule, by)
        broadcast(model, optimizer)
        self.here, self.backend, self.update = world(), by, self.updated
        self.gradients = self.found if by is None else compiled(self.found, by)
        self.take_step = optimizer.step

    def __enter__(self) -> Self:
        optimizer, by = self.optimizer, self.backend
        if isinstance(optimizer, DataParallel):
            self.averager = optimizer.averager
            self.before = self.averager.weight, self.averager.sending
        else:
            self.averager = self.closes = Averager(optimizer.params, listens=by is None)
        if by is not None:
            self.averager.sending = False  # before the gradients' program is through
            if isinstance(optimizer, DataParallel):
                optimizer.own_step = compiled(optimizer.own_step, by)
            else:
                self.take_step = compiled(optimizer.step, by)
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:
        """Leave all as it was; an error that the other ranks do not have ends them, as they would wait for ever."""
        if kind is not None and not self.here.all_fail():
            self.here.fail(kind, *error)
        self.averager.drop_everywhere()
        if self.closes is None:
            self.averager.weight, self.averager.sending = self.before
            vars(self.optimizer).pop("own_step", None)
        else:
            self.closes.close()
        self.draw_alike()

    def find_generators(self, callbacks: Sequence[Any]) -> None:
        parts = self.loader, self.validation
        self.loader, self.validation = self.given  # under the names that they have in one process
        super().find_generators(callbacks)
        self.loader, self.validation = parts

    def loaded(self, checkpoint: Any) -> Any:
        return self.here.by_first(partial(super().loaded, checkpoint), "read a checkpoint")

    def save(self, checkpoint: Any) -> None:
        self.here.by_first(partial(self.write, checkpoint, self.state()), "write a checkpoint")

    def ends(self, answers: Sequence[bool]) -> bool:
        return any(self.here.from_all(any(answers), "ask callbacks"))

    def draw_alike(self) -> None:
        """Let all ranks draw what rank 0 does from here on."""
        generators: Any = self.parts["generators"]
        generators.load_state_dict(self.here.from_first(generators.state_dict()))

    def epoch(self, shown: Any, each_batch: bool, callbacks: Any) -> dict[str, float]:
        self.draw_alike()
        generators: Any = self.parts["generators"]
        separate(list(generators.found().values()))
        return super().epoch(shown, each_batch, callbacks)

    def updated(self, inputs: Any, targets: Any, with_outputs: bool) -> Any:
        value, outputs = self.gradients(inputs, targets, with_outputs)
        self.averager.weight = self.samples(inputs, targets, outputs)
        self.averager.finish()
        self.clip()
        self.take_step()
        self.averager.done = False
        return value, outputs

    def found(self, inputs: Any, targets: Any, with_outputs: bool) -> Any:
        """Leave this rank's gradients in the parameters, some on their way already; the loss, and outputs if wanted."""
        self.optimizer.zero_grad()
        value, outputs = self.outcome(inputs, targets, with_outputs)
        if self.averager.sending:
            self.averager.weight = self.samples(inputs, targets, outputs)
        value.backward()
        self.check_gradients()
        return plain(value), outputs

    def samples(self, inputs: Any, targets: Any, outputs: Any) -> int:
        self.lent |= self.here.idle
        return 0 if self.here.idle else super().samples(inputs, targets, outputs)

    def batches_of(self, loader: Iterable[Any], kind: str) -> Iterator[Any]:
        return iter(loader) if isinstance(loader, Sharded) else self.in_step(loader, kind)

    def in_step(self, loader: Iterable[Any], kind: str) -> Generator[Any]:
        """The batches of a rank's own loader; refused where another rank has more, or fewer."""
        batches, number = iter(loader), 0
        with closing(batches) if isinstance(batches, Generator) else nullcontext():
            while any(there := self.here.from_all((batch := next(batches, END)) is not END, "take a batch")):
                if not all(there):
                    raise RuntimeError(
                        f"rank {there.index(False)} has {number} batches in {kind}, and rank "
                        f"{there.index(True)} has more. Give all ranks as many, as a DataLoader of the same data does"
                    )
                number += 1
                yield batch

    def check_ranks(self) -> None:
        send_values(dict(self.model.named_buffers()))  # running statistics may be a rank's own
        check_same(self.model, self.optimizer)

    def whole(self, row: dict[str, float]) -> dict[str, float]:
        sums, samples = summed_up(self.means.sums, self.means.samples)
        return {name: total / (samples or 1) for name, total in sums.items()}
