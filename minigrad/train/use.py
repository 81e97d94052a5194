"""A trained model on other samples: its outputs, its loss."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..core.context import no_grad
from ..core.door import plain
from ..core.tree import leaves, tree_map
from ..data import DataLoader
from ..nn import Module
from .arguments import check_batches, check_loss, check_metrics, check_model
from .arrays import batches_of
from .modes import Modes
from .run import Run


def predict(model: Module, X: Any, *, batch_size: int = 256) -> Any:
    """The outputs of a model for all samples, in the mode `eval()` and without a graph.

    Parameters
    ----------
    model : Module
        Is called with batches of `X`. All its modules have the modes that they had before, whatever ends the call.
    X : array of shape (samples, ...), or a tuple or dict of these
        Anything that is the data of a `DataLoader`: frames of pandas, sparse matrices and lists of samples as well.
    batch_size : int > 0
        How many samples are computed at once, for the sake of memory.

    Returns
    -------
    array of shape (samples, ...), or a tree of these
        In the order of the samples. Plain arrays, of the dtype of the outputs.

    Raises
    ------
    TypeError
        If `X` is no data of a `DataLoader`, or a column holds something else than numbers.
    ValueError
        If `X` has no samples or a missing value, or an output has no row for each sample of a batch.
    """
    check_model(model, "predict takes")
    loader = DataLoader(X, batch_size)
    with in_use(model), no_grad():
        found = [checked_rows(tree_map(plain, model(batch)), loader, i) for i, batch in enumerate(loader)]
    return found[0] if len(found) == 1 else tree_map(lambda *parts: np.concatenate(parts), *found)


def evaluate(
    model: Module,
    loss: Callable[[Any, Any], Any],
    X: Any,
    y: Any = None,
    *,
    metrics: Mapping[str, Callable[[Any, Any], Any]] | None = None,
    batch_size: int | None = None,
) -> dict[str, float]:
    """Loss and metrics of a model, in the mode `eval()` and without a graph, as `fit` measures its validation.

    Parameters
    ----------
    model : Module
        All its modules have the modes that they had before, whatever ends the call.
    loss : function of outputs and targets
        Returns one number, the mean over the batch.
    X : array of shape (samples, ...), or a tuple or dict of these; without `y`, a loader as that of `fit`
    y : array of shape (samples, ...), or a tuple or dict of these, optional
    metrics : dict of functions of outputs and targets
        These are plain arrays, and each returns a number, the mean over the batch; or those that `metric` makes.
    batch_size : int > 0, optional
        For arrays: how many samples are computed at once, by default 32.

    Returns
    -------
    dict of floats
        The means over all samples, by name: "loss", and those of the metrics, which may be arrays.

    Raises
    ------
    FloatingPointError
        If a loss is NaN or infinite.
    TypeError, ValueError
        If an argument is none of these.
    """
    check_model(model, "evaluate takes")
    check_loss(loss)
    check_metrics(metrics)
    batches = batches_of(X, y, batch_size)
    check_batches("X without y", batches)
    run = Evaluation(model, loss, None, batches, None, dict(metrics or {}), None, None)
    with in_use(model):
        return run.measured(batches, "the evaluation")


class Evaluation(Run):
    """What an evaluation does with a batch: nothing is trained."""

    def not_finite(self, what: str, beside: str) -> Exception:
        return FloatingPointError(
            f"{what} is NaN or infinite in {self.place}{beside}. Look for such numbers in the data and in the weights"
        )


@contextmanager
def in_use(model: Module) -> Generator[None]:
    """A model in eval mode; afterwards its modules have their modes again."""
    modes = Modes(model)
    try:
        modes.eval()
        yield
    finally:
        modes.restore(ready=False)


def checked_rows(outputs: Any, loader: DataLoader, number: int) -> Any:
    """The outputs for a batch, which have a row for each of its samples."""
    samples = min(loader.batch_size, loader.samples - number * loader.batch_size)
    for x in leaves(outputs):
        if np.shape(x)[:1] != (samples,):
            raise ValueError(
                f"predict joins outputs along their first axis, that of the samples; for a batch of {samples} the "
                f"model returned an array of shape {np.shape(x)}"
            )
    return outputs
