"""What classifiers and regressors have in common: `fit`, which is `train.fit`, and the attributes that it leaves."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    _check_sample_weight,  # pyrefly: ignore[missing-module-attribute]
    check_is_fitted,
    validate_data,  # pyrefly: ignore[missing-module-attribute]
)

from .. import train
from ..data.frames import frame_values
from ..nn import Module
from ..ops import functions as ops
from ..optim import Optimizer
from .making import make_module, make_optimizer, sizes_of

FLOATS = [np.float64, np.float32]  # the first is that of integers


class NetworkEstimator(BaseEstimator):
    """A network as an estimator. What is learned has names that end in an underscore."""

    module: Any
    hidden_layer_sizes: Any
    activation: Any
    loss: Any
    optimizer: Any
    learning_rate: float
    weight_decay: float
    epochs: int
    batch_size: Any
    validation_fraction: float | None
    patience: int | None
    callbacks: Any
    compile: Any
    random_state: Any
    warm_start: bool
    verbose: bool
    module_: Module
    optimizer_: Optimizer
    history_: train.History

    # What a subclass says

    def targets_of(self, y: Any, reset: bool, classes: Any = None) -> Any:
        """The targets as the loss takes them; `reset` if they, or given classes, say what there is to learn."""
        raise NotImplementedError  # pragma: no cover: abstract

    def outputs_needed(self) -> int:
        """How many outputs the network has."""
        raise NotImplementedError  # pragma: no cover: abstract

    def losses(self, outputs: Any, targets: Any) -> Any:
        """The loss of each sample, or the mean over the batch."""
        raise NotImplementedError  # pragma: no cover: abstract

    def weights_of(self, y: Any, sample_weight: Any) -> Any:
        """The weight of each sample, beside that which it is given."""
        return sample_weight

    # Learning

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train a new network; with `warm_start`, the one that is there.

        Parameters
        ----------
        X : array, frame or sparse matrix of shape (samples, features)
            Rows of a sparse matrix become dense batch by batch.
        y : array of shape (samples,) or (samples, outputs)
        sample_weight : array of shape (samples,), optional
            How much each sample counts; twice is as if it were there twice.

        Returns
        -------
        self

        Raises
        ------
        FloatingPointError
            If the loss becomes NaN or infinite.
        TypeError, ValueError
            If the data hold something else than finite numbers, with the column of a frame, or if a parameter of the
            estimator is none that it can be. The estimator is then as it was.
        """
        return self._learn(X, y, sample_weight)

    def _learn(self, X: Any, y: Any, sample_weight: Any, more: bool = False, classes: Any = None) -> Self:
        """All epochs; or, if `more`, one, by the optimizer that is there."""
        new = not ((more or self.warm_start) and hasattr(self, "module_"))
        with as_before_if_refused(self):
            self._train(*self._checked(X, y, sample_weight, new, classes), new, more)
        self.n_iter_, self.loss_curve_ = self.history_.epochs, self.history_["loss"]
        return self

    def _checked(self, X: Any, y: Any, sample_weight: Any, new: bool, classes: Any) -> tuple[Any, Any, Any]:
        """Samples, targets and weights as `train.fit` takes them."""
        frame_values(X)  # which names the column of what is no number
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=FLOATS, multi_output=True, y_numeric=False, reset=new
        )
        if sample_weight is not None and not np.any(np.asarray(sample_weight)):
            raise ValueError("sample_weight is zero for all samples, so there is nothing to learn from")
        targets = self.targets_of(y, new, classes)
        weights = _check_sample_weight(self.weights_of(y, sample_weight), X, dtype=X.dtype, ensure_non_negative=True)
        return X, targets, weights / np.mean(weights)

    def _train(self, X: Any, targets: Any, weights: Any, new: bool, more: bool) -> None:
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        if new:
            self.module_ = self._network(X, np.random.default_rng(seed))
        if new or not more:  # so that a warm start takes a changed learning rate
            named = self.module_.named_parameters()
            self.optimizer_ = make_optimizer(self.optimizer, named, self.learning_rate, self.weight_decay)
        size = min(200, X.shape[0]) if self.batch_size == "auto" else self.batch_size
        self.history_ = train.fit(
            *(self.module_, self._mean, self.optimizer_, X, (targets, weights)),
            epochs=1 if more else self.epochs,
            batch_size=size,
            rng=seed,
            validation=self.validation_fraction,
            callbacks=list(self.callbacks),
            compile=self.compile,
            progress="lines" if self.verbose else False,
            patience=self.patience,
            restore_best=self.patience is not None,
        )

    def _network(self, X: Any, rng: np.random.Generator) -> Module:
        """The network for these data, of their dtype."""
        sizes = [X.shape[1], *sizes_of(self.hidden_layer_sizes), self.outputs_needed()]
        return make_module(self.module, sizes, self.activation, rng).astype(X.dtype)

    def _mean(self, outputs: Any, targets: Any) -> Any:
        """The weighted mean of the loss over a batch, given the targets and the weights."""
        targets, weights = targets
        wanted = (len(weights), self.outputs_needed())
        if outputs.shape != wanted:
            raise ValueError(
                f"these targets need outputs of shape {wanted}; the module returned an array of shape {outputs.shape}"
            )
        found = self.losses(outputs, targets)
        if not np.ndim(found):
            if not np.all(weights == 1):
                raise ValueError(
                    "the loss returns one number for a batch, and samples have weights: let it return one for each"
                )
            return found
        return ops.mean(ops.mean(found.reshape((found.shape[0], -1)), axis=1) * weights)

    # Use

    def _outputs(self, X: Any) -> Any:
        """What the network makes of samples."""
        check_is_fitted(self, "module_")
        frame_values(X)
        X = validate_data(self, X, accept_sparse="csr", dtype=FLOATS, reset=False)
        dtype = next(iter(self.module_.parameters())).dtype
        return train.predict(self.module_, X if X.dtype == dtype else X.astype(dtype))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # pyrefly: ignore[missing-attribute]
        tags.input_tags.sparse = True
        return tags


@contextmanager
def as_before_if_refused(estimator: Any) -> Generator[None, None, None]:
    """Give an estimator its attributes back if what is done with it is refused."""
    before = dict(vars(estimator))
    try:
        yield
    except (TypeError, ValueError):
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def chosen(loss: Any, default: Callable[..., Any]) -> Callable[..., Any]:
    """The loss of an estimator: a function of outputs and targets."""
    if loss is not None and not callable(loss):
        raise TypeError(f"loss is a function of outputs and targets, or None; got {loss!r:.60}")
    return default if loss is None else loss
