"""The loop."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any

from ..data.samples import checked_count
from ..distributed import world
from ..nn import Module
from ..optim import Optimizer
from .arguments import check_options, check_parts
from .arrays import loaders_of
from .best import Patience
from .callbacks import Callback, Callbacks
from .history import History, as_text
from .modes import Modes
from .progress import bar_of
from .ranks import RunOfRanks
from .run import Run
from .steps import checked_steps


def fit(
    model: Module,
    loss: Callable[[Any, Any], Any],
    optimizer: Optimizer,
    loader: Any,
    y: Any = None,
    epochs: int | None = None,
    *,
    batch_size: int | None = None,
    rng: Any = None,
    validation: Any = None,
    metrics: Mapping[str, Callable[[Any, Any], Any]] | None = None,
    schedule: Any = None,
    schedule_every: str = "epoch",
    patience: int | None = None,
    min_delta: float = 0.0,
    restore_best: bool = False,
    accumulate: int = 1,
    clip_norm: float | None = None,
    callbacks: Sequence[Callable[[History], Any] | Callback] = (),
    checkpoint: Any = None,
    resume: bool = False,
    compile: Any = None,
    progress: bool | str | None = None,
) -> History:
    """Train a model: for each batch, a step of the optimizer. All ranks of `mpiexec` do so together.

    There are two forms: ``fit(model, loss, optimizer, X, y, epochs=...)`` makes batches of arrays, and
    ``fit(model, loss, optimizer, loader, epochs)`` takes those of a loader.

    Parameters
    ----------
    model : Module
        Is called with the inputs of a batch. Trains in the mode `train()`, but for parts that were put in `eval()`, and
        is left in the mode that it was in, whatever ends the training; in `eval()`, if no mode was set.
    loss : function of outputs and targets
        Returns one number, the mean over the batch.
    optimizer : Optimizer
        Of the model's parameters; not `LBFGS`, whose steps take a closure.
    loader : array of shape (samples, ...), or a tuple or dict of these; without `y`, a DataLoader or other iterable
        The inputs X, whose batches are shuffled. Or batches: any iterable that can be gone through again. A batch that
        is a tuple or list of two is (inputs, targets). Any other, as a dict, is handed to the model as a whole, and to
        the loss and the metrics in the place of the targets. What pandas has is taken by position.
    y : array of shape (samples, ...), or a tuple or dict of these, optional
        The targets of X. An integer here is `epochs`.
    epochs : int > 0
        How many epochs the model has seen in the end, those before a resume included.
    batch_size : int > 0, optional
        With arrays: samples in a batch, by default 32.
    rng : Generator, seed or None
        With arrays: the source of their order, as that of a `DataLoader`. All ranks need the same seed.
    validation : (X, y), a number between 0 and 1, or a loader; optional
        What to measure loss and metrics on after each epoch, in the mode `eval()`, as "validation_loss" and so on. With
        arrays, other arrays, or the share of the samples that is held out. These are drawn, not the last, as data is
        often sorted; the draw depends on the number of samples alone. Pass (X, y) if the order is one of time.
    metrics : dict of functions of outputs and targets
        These are plain arrays, and each returns a number, the mean over the batch; or what `metric` makes of functions
        that take the whole epoch, as those of scikit-learn.
    schedule : learning-rate schedule of the optimizer, optional
        `ReduceLROnPlateau` is given the loss that `patience` looks at.
    schedule_every : "epoch" or "batch"
        A batch is one also where several make a step.
    patience : int > 0, optional
        Stop after so many epochs that were no better than the best: by validation loss, or by loss without one.
    min_delta : float >= 0
        For `patience`: the last epochs are no better if none is below the best before them by more than this.
    restore_best : bool
        Whether the model ends with the weights and running statistics of the epoch with the lowest such loss, also
        after Ctrl-C. A checkpoint has both these and the last.
    accumulate : int > 0
        How many batches a step of the optimizer has: its gradient is the mean over all their samples, as if they were
        one batch. The last step of an epoch may have fewer. Not under `mpiexec`, where ranks share out a larger batch.
    clip_norm : float > 0, optional
        The largest norm of the gradient of a step, all parameters together, as `optim.clip_grad_norm_` bounds it.
    callbacks : sequence of functions of the History so far, and of objects of `Callback`
        Are called after each epoch, and the methods `on_batch` of objects after each step. If one returns what is true
        after an epoch, the training ends.
    checkpoint : path ending in .npz or .safetensors, optional
        Where `mg.save` keeps all that the run depends on, before the first epoch and after each, when the callbacks
        are through: what of model, optimizer, schedule and loaders has a state_dict, the generators that any argument
        draws from, as dropout and data sets do, and the history.
    resume : bool
        Go on from the checkpoint, if there is one, to the weights that an uninterrupted run would have, bit by bit.
    compile : "numpy", "native", an object with a method ``prepare(program)``, or None
        Whether to compile the steps by `mg.compile`, and for which backend.
    progress : bool or "lines", optional
        True for a bar for each epoch in a terminal, one bar for all in a notebook, and a line after each epoch
        elsewhere, as "lines" writes everywhere; all on stderr. By default a bar, if tqdm is installed, in a terminal.

    Returns
    -------
    History
        Ctrl-C returns it early, with `interrupted` set; under `mpiexec` it ends all ranks.

    Raises
    ------
    FloatingPointError
        If a loss or a gradient is NaN or infinite: in training, before the step. Parameters, running statistics and
        the optimizer's state are those before the batch.
    ImportError
        If `progress` is true and tqdm is not installed; the extra `progress` installs it.
    TypeError, ValueError
        If an argument is none of these, or a checkpoint belongs to another training. Nothing has changed then.
    """
    loader, validation, epochs = loaders_of(loader, y, epochs, validation, batch_size, rng)
    check_parts(model, loss, optimizer, loader, validation)
    check_options(optimizer, metrics, schedule, schedule_every, callbacks, checkpoint, resume, compile)
    epochs = checked_count("epochs", epochs, 1)
    stops = Patience(patience, min_delta)
    here = world()
    steps = checked_steps(accumulate, clip_norm, here.size)
    bar = bar_of(progress if here.rank == 0 else False)
    kind = Run if here.size == 1 else RunOfRanks
    run = kind(model, loss, optimizer, loader, validation, dict(metrics or {}), schedule, compile)
    history, calls = run.history, Callbacks(callbacks)
    run.step_by(*steps, compile)
    if restore_best:
        run.keep_best()
    if checkpoint is not None or here.size > 1:
        run.find_generators(callbacks)
    if checkpoint is not None:
        run.begin(checkpoint, resume)
    run.modes = Modes(model)
    try:
        with closing(calls), run, run.modes:
            while history.epochs < epochs and not stops.at(run.watched()):
                with bar(f"epoch {history.epochs + 1}/{epochs}", loader) as shown:
                    history.rows.append(run.epoch(shown, schedule_every == "batch", calls))
                    shown.set_postfix_str(as_text(history.rows[-1]))
                run.look_back()
                if schedule_every == "epoch":
                    run.step_schedule()
                ended = calls.on_epoch(model, history)
                if checkpoint is not None:
                    run.save(checkpoint)
                if run.ends(ended):
                    break
    except KeyboardInterrupt:
        if here.size > 1:
            raise  # which ends all ranks, as the others wait for this one
        history.interrupted = True
        run.modes.restore(ready=True)  # where the interrupt came as the block was left
    run.restore_best()
    return history
