"""The loop."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..compile import compile as compiled
from ..core.context import no_grad
from ..core.door import bare
from ..core.recorder import refuse
from ..core.tensor import Tensor
from ..core.tree import leaves, tree_map
from ..data.samples import checked_count
from ..io import load, save
from ..nn import Module
from ..optim import Optimizer
from ..optim.lr_scheduler import ReduceLROnPlateau
from .arguments import check_options, check_parts
from .checkpoint import Generators, load_state, state_of
from .history import VALIDATION, History, as_text
from .progress import bar_of


def fit(
    model: Module,
    loss: Callable[[Any, Any], Any],
    optimizer: Optimizer,
    loader: Iterable[Any],
    epochs: int,
    *,
    validation: Iterable[Any] | None = None,
    metrics: Mapping[str, Callable[[Any, Any], Any]] | None = None,
    schedule: Any = None,
    schedule_every: str = "epoch",
    patience: int | None = None,
    callbacks: Sequence[Callable[[History], Any]] = (),
    checkpoint: Any = None,
    resume: bool = False,
    compile: str | None = None,
    progress: bool | None = None,
) -> History:
    """Train a model: for each batch, a step of the optimizer.

    Parameters
    ----------
    model : Module
        Is called with the inputs of a batch. Trains in the mode `train()`, and is left in it.
    loss : function of outputs and targets
        Answers with one number, the mean over the batch.
    optimizer : Optimizer
        Of the model's parameters; not `LBFGS`, whose steps take a closure.
    loader : DataLoader, or any iterable that can be gone through again
        A batch that is a tuple or list of two is (inputs, targets). Any other, as a dict, is handed to the model as a
        whole, and to the loss and the metrics in the place of the targets.
    epochs : int > 0
        How many epochs the model has seen in the end, those before a resume included.
    validation : like `loader`, optional
        What to measure loss and metrics on after each epoch, in the mode `eval()`, as "validation_loss" and so on.
    metrics : dict of functions of outputs and targets
        These are plain arrays, and each answers with a number, the mean over the batch.
    schedule : learning-rate schedule, optional
        `ReduceLROnPlateau` is told the loss that `patience` looks at.
    schedule_every : "epoch" or "batch"
    patience : int > 0, optional
        Stop after so many epochs that were no better than the best: by validation loss, or by loss without one.
    callbacks : sequence of functions of the History so far
        Are called after each epoch. If one answers True, the training ends.
    checkpoint : path ending in .npz or .safetensors, optional
        Where `mg.save` keeps all that the run depends on, before the first epoch and after each, when the callbacks
        are through: what of model, optimizer, schedule and loaders has a state_dict, generators that are attributes
        of modules, as those of dropout are, and the history.
    resume : bool
        Go on from the checkpoint, if there is one, to the weights that an uninterrupted run would have, bit by bit.
    compile : "numpy", "numba" or None
        Whether `mg.compile` shall compile the steps, and by which backend.
    progress : bool, optional
        Whether to show a bar for each epoch. Without a word: if tqdm is installed, and stderr is a terminal.

    Returns
    -------
    History
        Ctrl-C returns it early, with `interrupted` set.

    Raises
    ------
    FloatingPointError
        If a loss is NaN or infinite: in training, before the parameters are updated with it.
    ImportError
        If a bar is asked for and tqdm is not installed, which the extra `progress` does.
    TypeError, ValueError
        If an argument is none of these, or a checkpoint belongs to another training; nothing has changed, then.
    """
    check_parts(model, loss, optimizer, loader, validation)
    check_options(metrics, schedule, schedule_every, callbacks, checkpoint, resume, compile)
    epochs = checked_count("epochs", epochs, 1)
    patience = None if patience is None else checked_count("patience", patience, 1)
    bar = bar_of(progress)
    run = Run(model, loss, optimizer, loader, validation, dict(metrics or {}), schedule, compile)
    history = run.history
    if checkpoint is not None:
        begin(checkpoint, resume, run.parts)
    try:
        while history.epochs < epochs and not stale(run.watched(), patience):
            with bar(f"epoch {history.epochs + 1}/{epochs}", loader) as shown:
                history.rows.append(run.epoch(shown, each_batch=schedule_every == "batch"))
                shown.set_postfix_str(as_text(history.rows[-1]))
            if schedule_every == "epoch":
                run.step_schedule()
            ended = [callback(history) is True for callback in callbacks]
            if checkpoint is not None:
                save(checkpoint, state_of(run.parts))
            if any(ended):
                break
    except KeyboardInterrupt:
        history.interrupted = True
    return history


class Run:
    """What a training does with a batch and in an epoch; the arguments are those of `fit`."""

    recorded_by = ("model", "loss", "optimizer", "metrics")  # what a step depends on

    def __init__(
        self,
        model: Module,
        loss: Callable[[Any, Any], Any],
        optimizer: Optimizer,
        loader: Iterable[Any],
        validation: Iterable[Any] | None,
        metrics: dict[str, Callable[[Any, Any], Any]],
        schedule: Any,
        backend: str | None,
    ) -> None:
        self.model, self.loss, self.optimizer, self.schedule = model, loss, optimizer, schedule
        self.loader, self.validation, self.metrics = loader, validation, metrics
        names = ["loss", *metrics]
        self.history = History(names if validation is None else [*names, *(VALIDATION + name for name in names)])
        self.parts = {"model": model, "optimizer": optimizer, "schedule": schedule, "loader": loader}
        self.parts |= {"validation": validation, "generators": Generators(model), "history": self.history}
        self.place = "no batch yet"  # for errors
        self.update = compiled(self.updated, backend) if backend is not None else self.updated
        self.look = compiled(self.looked_at, backend) if backend is not None else self.looked_at

    def updated(self, inputs: Any, targets: Any) -> Any:
        """A step of the optimizer; the loss before it, and the outputs if metrics want them."""
        self.optimizer.zero_grad()
        value, outputs = self.outcome(inputs, targets)
        value.backward()
        self.optimizer.step()
        return bare(value), outputs

    def looked_at(self, inputs: Any, targets: Any) -> Any:
        """Loss and outputs, without a step."""
        value, outputs = self.outcome(inputs, targets)
        return bare(value), outputs

    def outcome(self, inputs: Any, targets: Any) -> tuple[Any, Any]:
        """The loss, which is a finite number, and the outputs as plain arrays if metrics want them."""
        outputs = self.model(inputs)
        value = self.loss(outputs, targets)
        if not isinstance(value, Tensor) or value.shape:
            what = f"an array of shape {value.shape}" if getattr(value, "shape", ()) else f"a {type(value).__name__}"
            raise TypeError(f"the loss is one number, a Tensor that the parameters have led to; got {what}")
        refuse(~np.isfinite(bare(value)), self.not_finite)
        return value, tree_map(bare, outputs) if self.metrics else None

    def not_finite(self) -> Exception:
        return FloatingPointError(
            f"the loss is NaN or infinite in {self.place}; the parameters were not updated with it. Try a smaller "
            f"learning rate, or find where it comes from: with mg.detect_anomaly(): train.fit(...)"
        )

    def through(self, loader: Iterable[Any], do: Callable[[Any, Any], Any], kind: str) -> Iterator[dict[str, float]]:
        """Do something with each batch; after each, the means of loss and metrics so far."""
        sums, samples = dict.fromkeys(["loss", *self.metrics], 0.0), 0
        for number, batch in enumerate(loader, 1):
            self.place = f"step {number} of {kind} {self.history.epochs + 1}"
            inputs, targets = batch if isinstance(batch, tuple | list) and len(batch) == 2 else (batch, batch)
            value, outputs = do(inputs, targets)
            size = len(leaves(batch)[0])
            samples += size
            found = {"loss": value} | {name: measure(outputs, targets) for name, measure in self.metrics.items()}
            for name, x in found.items():
                sums[name] += size * float(bare(x))
            yield {name: total / samples for name, total in sums.items()}
        if not samples:
            raise ValueError("an epoch takes at least one batch; there is none")

    def epoch(self, shown: Any, each_batch: bool) -> dict[str, float]:
        """Train with all batches, and validate; the row of the history."""
        self.model.train()
        row: dict[str, float] = {}
        for row in self.through(self.loader, self.update, "epoch"):
            shown.set_postfix_str(as_text(row), refresh=False)
            shown.update()
            if each_batch:
                self.step_schedule()
        return row if self.validation is None else row | self.validated(self.validation)

    def validated(self, batches: Iterable[Any]) -> dict[str, float]:
        """Loss and metrics on other batches, in the mode in which a network is used."""
        self.model.eval()
        try:
            with no_grad():
                *_, row = self.through(batches, self.look, "the validation after epoch")
        finally:
            self.model.train()
        return {VALIDATION + name: x for name, x in row.items()}

    def step_schedule(self) -> None:
        if isinstance(self.schedule, ReduceLROnPlateau):
            self.schedule.step(self.watched()[-1])
        elif self.schedule is not None:
            self.schedule.step()

    def watched(self) -> list[float]:
        """The losses that say whether the training gets anywhere."""
        return self.history["loss" if self.validation is None else VALIDATION + "loss"]


def begin(checkpoint: Any, resume: bool, parts: Mapping[str, Any]) -> None:
    """Go on from the checkpoint if that is wanted and it is there; else write the first."""
    if resume:
        try:
            state = load(checkpoint)
        except FileNotFoundError:
            pass
        else:
            return load_state(parts, state)
    return save(checkpoint, state_of(parts))


def stale(losses: Sequence[float], patience: int | None) -> bool:
    """Whether the last losses, `patience` in number, are all no better than the best before."""
    return patience is not None and len(losses) > patience and min(losses[-patience:]) >= min(losses[:-patience])
