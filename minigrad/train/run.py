"""What a training does with a batch and in an epoch."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from functools import partial, reduce
from operator import add
from typing import Any, Self

import numpy as np

from ..compile import compile as compiled
from ..core.context import no_grad
from ..core.door import plain, raise_if, unwrap
from ..core.tape import gradient_of
from ..core.tensor import Tensor
from ..core.tree import tree_map
from ..data.samples import without_frames
from ..io import load, save
from ..nn import Module
from ..nn.recurrent import Recurrent
from ..optim import clip_grad_norm_
from ..optim.lr_scheduler import ReduceLROnPlateau
from .best import Best
from .callbacks import Callbacks
from .checkpoint import Generators, load_state, states_by_name
from .history import VALIDATION, History, as_text
from .means import Means, samples_in
from .metrics import Collected
from .modes import Modes
from .steps import StepBatches


class Run:
    """What a training does with a batch and in an epoch; the arguments are those of `fit`."""

    recorded_by = ("model", "loss", "optimizer", "metrics")  # what a step depends on
    modes: Modes  # while it runs
    means: Means  # of the epoch that is under way
    collected: Collected  # in it, for metrics that take it as a whole
    clip_norm: float | None = None
    group: StepBatches | None = None  # if a step has several batches
    best: Best | None = None  # if its weights are wanted in the end
    lent = False  # whether a batch of others was lent to this rank

    def __init__(
        self,
        model: Module,
        loss: Callable[[Any, Any], Any],
        optimizer: Any,
        loader: Iterable[Any],
        validation: Iterable[Any] | None,
        metrics: dict[str, Callable[[Any, Any], Any]],
        schedule: Any,
        backend: Any,
    ) -> None:
        self.model, self.loss, self.optimizer, self.schedule = model, loss, optimizer, schedule
        self.loader, self.validation, self.metrics = loader, validation, metrics
        names = ["loss", *metrics]
        self.history = History(names if validation is None else [*names, *(VALIDATION + name for name in names)])
        self.parts = {"model": model, "optimizer": optimizer, "schedule": schedule, "loader": loader}
        self.parts |= {"validation": validation, "history": self.history}
        self.steps_first = any(isinstance(m, Recurrent) and not m.batch_first for m in model.modules())
        self.place = "no batch yet"  # for errors
        self.update = compiled(self.updated, backend) if backend is not None else self.updated
        self.look = compiled(self.looked_at, backend) if backend is not None else self.looked_at

    def find_generators(self, callbacks: Sequence[Any]) -> None:
        """Make the generators that the run draws from a part of it."""
        others = {"loss": self.loss, "loader": self.loader, "validation": self.validation, "schedule": self.schedule}
        self.parts["generators"] = Generators(self.model, others | {"metrics": self.metrics, "callbacks": callbacks})

    def keep_best(self) -> None:
        """Keep the weights of the best epoch from here on."""
        self.best = self.parts["best"] = Best(self.model)

    def look_back(self) -> None:
        """Keep the weights of the epoch that is over, if it is the best."""
        if self.best is not None:
            self.best.look(self.watched())

    def restore_best(self) -> None:
        """Leave the model with the best weights, if these are wanted."""
        if self.best is not None:
            self.best.restore()

    def begin(self, checkpoint: Any, resume: bool) -> None:
        """Go on from the checkpoint if that is wanted and it is there; else write the first."""
        state = self.loaded(checkpoint) if resume else None
        if state is None:
            self.save(checkpoint)
        else:
            load_state(self.parts, state)

    def loaded(self, checkpoint: Any) -> Any:
        """What is in the checkpoint, None where there is no such file."""
        try:
            return load(checkpoint)
        except FileNotFoundError:
            return None

    def save(self, checkpoint: Any) -> None:
        """Keep all that the run depends on."""
        self.write(checkpoint, self.state())

    def state(self) -> dict[str, Any]:
        """All that the run depends on."""
        return states_by_name(self.parts)

    def write(self, checkpoint: Any, state: dict[str, Any]) -> None:
        """Write it to a file."""
        save(checkpoint, state)

    def ends(self, answers: Sequence[bool]) -> bool:
        """Whether a callback has ended the training."""
        return any(answers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:
        """The training is over, by an error or without."""

    def updated(self, inputs: Any, targets: Any, with_outputs: bool) -> Any:
        """A step of the optimizer; the loss before it, and the outputs if they are wanted."""
        found = self.found(inputs, targets, with_outputs)
        self.clip()
        self.optimizer.step()
        return found

    def found(self, inputs: Any, targets: Any, with_outputs: bool) -> Any:
        """Leave the gradients in the parameters; the loss, and outputs if they are wanted."""
        self.optimizer.zero_grad()
        value, outputs = self.outcome(inputs, targets, with_outputs)
        value.backward()
        self.check_gradients()
        return plain(value), outputs

    def clip(self) -> None:
        """Bound the norm of all gradients together, if that is wanted."""
        if self.clip_norm is not None:
            clip_grad_norm_(self.optimizer.params, self.clip_norm)

    def clipped_step(self) -> None:
        self.clip()
        self.optimizer.step()

    def step_by(self, batches: int, clip_norm: float | None, backend: Any) -> None:
        """Let a step have several batches, and gradients a largest norm."""
        self.clip_norm = clip_norm
        if batches > 1:
            self.group, self.update = StepBatches(self.optimizer.params, batches), self.accumulated
            self.gradients: Any = compiled(self.found, backend) if backend is not None else self.found
            self.take_step: Any = compiled(self.clipped_step, backend) if backend is not None else self.clipped_step

    def accumulated(self, inputs: Any, targets: Any, with_outputs: bool) -> Any:
        """The part of a batch in a step, which is taken with the last of them."""
        value, outputs = self.gradients(inputs, targets, with_outputs)
        assert self.group is not None
        self.group.add(self.samples(inputs, targets, outputs))
        if self.group.is_full:
            self.step_group()
        return value, outputs

    def step_group(self) -> None:
        """Take the step of the batches so far."""
        assert self.group is not None
        self.group.deliver()
        self.take_step()

    def looked_at(self, inputs: Any, targets: Any, with_outputs: bool) -> Any:
        """Loss and outputs, without a step."""
        value, outputs = self.outcome(inputs, targets, with_outputs)
        return plain(value), outputs

    def outcome(self, inputs: Any, targets: Any, with_outputs: bool) -> tuple[Any, Any]:
        """The loss, which is a finite number, and the outputs as plain arrays if they are wanted."""
        outputs = self.model(inputs)
        value = self.loss(outputs, targets)
        if not isinstance(value, Tensor) or value.shape:
            what = f"an array of shape {value.shape}" if getattr(value, "shape", ()) else f"a {type(value).__name__}"
            raise TypeError(f"the loss is one number, a Tensor that the parameters have led to; got {what}")
        raise_if(~np.isfinite(plain(value)), self.loss_not_finite)
        return value, tree_map(plain, outputs) if with_outputs else None

    def loss_not_finite(self) -> Exception:
        return self.not_finite("the loss", "")

    def check_gradients(self) -> None:
        """Refuse gradients that are not finite: first by the sum of their squares, which is, unless it overflows."""
        found = [gradient_of(p.node) for p in self.optimizer.params if p.node is not None]
        plain = [unwrap(g) for g in found if g is not None]
        wide = [x.astype(np.float32) if x.dtype.itemsize == 2 else x for x in plain]
        if not np.isfinite(reduce(add, [x.dot(x) for x in (x.ravel("K") for x in wide)], 0.0)):
            self.refuse_bad_gradients()

    def refuse_bad_gradients(self) -> None:
        """Refuse gradients of which an element is not finite, by the names of their parameters."""
        names = {id(p): name for name, p in self.model.named_parameters()}
        bad = [p for p in self.optimizer.params if p.grad is not None and not np.isfinite(unwrap(p.grad)).all()]
        if bad:
            shown = ", ".join(names.get(id(p), "a parameter that is not the model's") for p in bad)
            raise self.not_finite(f"the gradient of {shown}", ", though the loss is finite")

    def not_finite(self, what: str, beside: str) -> Exception:
        return FloatingPointError(
            f"{what} is NaN or infinite in {self.place}{beside}; the parameters were not updated with it. Try a "
            f"smaller learning rate, or find where it comes from: with mg.detect_anomaly(): train.fit(...)"
        )

    def through(self, loader: Iterable[Any], do: Callable[..., Any], kind: str) -> Generator[dict[str, float]]:
        """Do something with each batch; after each, the means of loss and metrics so far."""
        self.collected = Collected(self.metrics)
        by_batch = {name: measure for name, measure in self.metrics.items() if name not in self.collected.metrics}
        self.means = means = Means(["loss", *by_batch])
        batches = self.batches_of(loader, kind)
        with closing(batches) if isinstance(batches, Generator) else nullcontext():
            for number, batch in enumerate(map(without_frames, batches), 1):
                self.place = f"step {number} of {kind}"
                pair = isinstance(batch, tuple | list) and len(batch) == 2
                inputs, targets = batch if pair else (batch, batch)
                value, outputs = do(inputs, targets, bool(self.metrics) or not pair)
                found = {name: measure(outputs, targets) for name, measure in by_batch.items()}
                self.collected.add(outputs, targets)
                yield means.add(self.samples(inputs, targets, outputs), {"loss": value} | found)
        if not (means.samples or self.lent):
            raise ValueError(
                f"an epoch takes at least one batch; there is none in {kind}. An iterator that is used up gives no more"
            )

    def samples(self, inputs: Any, targets: Any, outputs: Any) -> int:
        """How many samples of a batch count here."""
        return samples_in(inputs, outputs if inputs is targets else targets, self.steps_first)

    def epoch(self, shown: Any, each_batch: bool, callbacks: Callbacks) -> dict[str, float]:
        """Train with all batches, and validate; the row of the history."""
        self.modes.train()
        row: dict[str, float] = {}
        buffers = [buffer for _, buffer in self.model.named_buffers()]
        with closing(self.through(self.loader, partial(self.step, buffers), self.named("epoch"))) as rows:
            for row in rows:
                shown.set_postfix_str(as_text(row), refresh=False)
                shown.update()
                callbacks.on_batch(self.model, row)
                if each_batch:
                    self.step_schedule()
        if self.group is not None and self.group.batches:
            self.step_group()
        self.check_ranks()
        row = self.whole(row)
        return row if self.validation is None else row | self.validated(self.validation)

    def batches_of(self, loader: Iterable[Any], kind: str) -> Iterator[Any]:
        """The batches of an epoch."""
        return iter(loader)

    def check_ranks(self) -> None:
        """See that all ranks have the same model after an epoch."""

    def whole(self, row: dict[str, Any]) -> dict[str, Any]:
        """The results of an epoch, given the means over the samples that were computed here."""
        found = row | self.collected.measured()
        return {name: found[name] for name in ("loss", *self.metrics)}

    def step(self, buffers: Sequence[Any], *batch: Any) -> Any:
        """`update`, which leaves the running statistics alone if it raises."""
        before = [buffer.value.copy() for buffer in buffers]
        try:
            return self.update(*batch)
        except Exception:
            for buffer, values in zip(buffers, before, strict=True):
                buffer.data = values
            raise

    def named(self, kind: str) -> str:
        """The epoch that is under way, for errors."""
        return f"{kind} {self.history.epochs + 1}"

    def validated(self, batches: Iterable[Any]) -> dict[str, float]:
        """Loss and metrics on other batches, by the names that they have in the history."""
        self.modes.eval()
        row = self.measured(batches, self.named("the validation after epoch"))
        self.modes.train()
        return {VALIDATION + name: x for name, x in row.items()}

    def measured(self, batches: Iterable[Any], kind: str) -> dict[str, float]:
        """Loss and metrics on batches, without a step."""
        with no_grad(), closing(self.through(batches, self.look, kind)) as rows:
            *_, row = rows
        return self.whole(row)

    def step_schedule(self) -> None:
        if isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.step(self.watched()[-1])
        elif self.schedule is not None:
            self.schedule.step()

    def watched(self) -> list[float]:
        """The losses that say whether the training gets anywhere."""
        return self.history["loss" if self.validation is None else VALIDATION + "loss"]
