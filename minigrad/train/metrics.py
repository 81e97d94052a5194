"""Metrics over all samples of an epoch, as those of scikit-learn."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..core.tree import tree_map


def metric(function: Callable[..., Any], of: Callable[[Any], Any] | None = None, **options: Any) -> "EpochMetric":
    """A metric that takes all samples of an epoch at once, for the `metrics` of `fit` and `evaluate`.

    F1 and the area under a curve are no means of those of batches. The functions of `sklearn.metrics` go in as they
    are: ``metric(f1_score, lambda scores: scores.argmax(axis=1), average="macro")``.

    Parameters
    ----------
    function : function of targets and predictions, in this order
        Of plain arrays with all samples along their first axis. Returns a number, or an array of numbers, as
        ``sklearn.metrics.confusion_matrix`` does.
    of : function of the outputs of a batch, optional
        What the predictions are; without it, the outputs.
    **options
        Are handed to the function.

    Returns
    -------
    EpochMetric
        A function of outputs and targets. In one process alone: `fit` refuses it under `mpiexec`.

    Raises
    ------
    TypeError
        If `function` or `of` cannot be called; later, if the function returns something else than numbers.
    """
    for name, x in (("function", function), ("of", of)):
        if not callable(x) and not (name == "of" and x is None):
            raise TypeError(f"metric takes a function as {name}; got {x!r:.60}")
    return EpochMetric(function, of, options)


class EpochMetric:
    """A function of the outputs and targets of an epoch; `metric` makes one."""

    recorded_by = ()  # no compiled step calls it, and the modules that its function reaches are large

    def __init__(self, function: Callable[..., Any], of: Callable[[Any], Any] | None, options: dict[str, Any]) -> None:
        self.function, self.of, self.options = function, of, options

    def __call__(self, outputs: Any, targets: Any) -> Any:
        return self.measured(targets, self.predictions(outputs))

    def predictions(self, outputs: Any) -> Any:
        """Those for a batch of outputs."""
        return outputs if self.of is None else self.of(outputs)

    def measured(self, targets: Any, predictions: Any) -> float | np.ndarray:
        """The number for all samples, or an array of numbers."""
        found = self.function(targets, predictions, **self.options)
        numbers = np.array(found) if isinstance(found, np.ndarray | np.generic | int | float) else None
        if numbers is None or numbers.dtype.kind not in "fiub":
            raise TypeError(
                f"a metric returns a number for an epoch, or an array of numbers; "
                f"{getattr(self.function, '__name__', 'this one')} returned {found!r:.60}. Call it on the outputs of "
                f"train.predict instead"
            )
        return numbers if numbers.ndim else float(numbers)


class Collected:
    """The targets and predictions of the batches of an epoch, for each metric that takes them all at once."""

    def __init__(self, metrics: Mapping[str, Any]) -> None:
        self.metrics = {name: m for name, m in metrics.items() if isinstance(m, EpochMetric)}
        self.parts: dict[str, list[Any]] = {name: [] for name in self.metrics}

    def add(self, outputs: Any, targets: Any) -> None:
        """Keep copies, as a loader or a compiled step may use its memory again."""
        for name, each in self.metrics.items():
            self.parts[name].append(tree_map(np.array, (targets, each.predictions(outputs))))

    def measured(self) -> dict[str, Any]:
        """The numbers for all batches."""
        return {name: each.measured(*joined(self.parts[name])) for name, each in self.metrics.items()}


def joined(parts: list[Any]) -> Any:
    """Trees of batches, one after the other; a number, as the target of a batch, is one sample."""
    return tree_map(lambda *xs: np.concatenate([np.atleast_1d(x) for x in xs]), *parts)
