"""Networks that tell classes apart."""

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels
from sklearn.utils.validation import (
    _check_sample_weight,  # pyrefly: ignore[missing-module-attribute]
    column_or_1d,
)

from ..nn import functional as F
from ..rules.network import log_softmax, sigmoid, softmax
from .estimator import NetworkEstimator, chosen


class NetworkClassifier(ClassifierMixin, NetworkEstimator):
    """A classifier of scikit-learn that is a network, trained by `train.fit`.

    Parameters
    ----------
    module : Module, function or None
        The network: one that is copied, or a function of the numbers of inputs and of outputs that makes one, and
        takes `rng` if it has that parameter. It has an output for each class, before softmax. By default it has
        linear layers, as the next two say.
    hidden_layer_sizes : int or sequence of int
        Outputs of the layers between.
    activation : str or class of nn
        "relu", "tanh", "logistic", "gelu", "silu" or "identity".
    loss : function of outputs and labels, optional
        Returns a number for each sample, or one for the batch where no sample has a weight. The labels are the numbers
        of classes, in the order of `classes_`. Cross entropy by default, also of several labels for each sample.
    optimizer : str, class of optim, or function of the parameters
        A name is that of a class in lower case, as "adam" or "sgd".
    learning_rate, weight_decay : float
        Of the optimizer, unless a function makes it.
    epochs : int
    batch_size : int or "auto"
        "auto" is all samples, but at most 200.
    validation_fraction : float between 0 and 1, optional
        The share of the samples that is held out, see `train.fit`.
    patience : int, optional
        Stop after so many epochs that were no better than the best, and go back to it.
    class_weight : dict, "balanced" or None
        How much samples of each class count.
    callbacks : sequence
        Those of `train.fit`.
    compile : "numpy", "native" or None
        Whether to compile the steps of the training.
    random_state : int, RandomState or None
        The source of the first weights and of the order of samples.
    warm_start : bool
        Whether `fit` goes on from the network that is there, with a new optimizer.
    verbose : bool
        Whether to write a line for each epoch.

    Attributes
    ----------
    classes_ : array of shape (classes,)
    module_, optimizer_ : the trained network, and its optimizer
    history_ : train.History
        Of the last call.
    loss_curve_ : list of float
        Its losses.
    n_iter_ : int
        Its epochs.
    n_features_in_, feature_names_in_ : as scikit-learn's

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from minigrad.sklearn import NetworkClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> NetworkClassifier(hidden_layer_sizes=(16,), random_state=0).fit(X, y).predict(X[:2])
    array([0, 0])
    """

    def __init__(
        self,
        module: Any = None,
        *,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        loss: Any = None,
        optimizer: Any = "adam",
        learning_rate: float = 0.001,
        weight_decay: float = 0.0,
        epochs: int = 200,
        batch_size: Any = "auto",
        validation_fraction: float | None = None,
        patience: int | None = None,
        class_weight: Any = None,
        callbacks: Any = (),
        compile: Any = None,
        random_state: Any = None,
        warm_start: bool = False,
        verbose: bool = False,
    ) -> None:
        self.module = module
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.epochs = epochs
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.class_weight = class_weight
        self.callbacks = callbacks
        self.compile = compile
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose

    def targets_of(self, y: Any, reset: bool, classes: Any = None) -> Any:
        check_classification_targets(y)
        several = type_of_target(y).startswith("multilabel")
        y = np.asarray(y.toarray() if hasattr(y, "toarray") else y) if several else column_or_1d(y, warn=True)
        if reset:
            self.classes_, self.several_ = unique_labels(y if classes is None else classes), several
        if self.several_ != several:
            raise ValueError(f"y has {'several labels' if several else 'one label'} for each sample, unlike before")
        if several:
            return y.astype(float)
        unknown = np.setdiff1d(y, self.classes_)
        if unknown.size:
            raise ValueError(f"y holds {unknown.tolist()}, which are not among the classes {self.classes_.tolist()}")
        return np.searchsorted(self.classes_, y)

    def weights_of(self, y: Any, sample_weight: Any) -> Any:
        if self.class_weight is None:
            return sample_weight
        of_class = compute_sample_weight(self.class_weight, y)
        return of_class if sample_weight is None else of_class * _check_sample_weight(sample_weight, of_class)

    def outputs_needed(self) -> int:
        return len(self.classes_)

    def losses(self, outputs: Any, targets: Any) -> Any:
        default = F.binary_cross_entropy_with_logits if self.several_ else F.cross_entropy
        return chosen(self.loss, lambda x, y: default(x, y, reduction="none"))(outputs, targets)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """One epoch more, of these samples.

        Parameters
        ----------
        X, y : as in `fit`
        classes : array of shape (classes,), optional
            All classes that there will be, in the first call; by default those in its `y`.
        sample_weight : as in `fit`

        Returns
        -------
        self
        """
        if self.class_weight == "balanced":
            raise ValueError("class_weight 'balanced' looks at all samples; partial_fit takes a dict of weights")
        return self._learn(X, y, sample_weight, True, classes)

    def predict_proba(self, X: Any) -> Any:
        """The probability of each class, in the order of `classes_`; of each label, where a sample has several."""
        outputs = self._outputs(X)
        return sigmoid(outputs) if self.several_ else softmax(outputs, axis=1)

    def predict_log_proba(self, X: Any) -> Any:
        """The logarithm of `predict_proba`."""
        outputs = self._outputs(X)
        return F.log_sigmoid(outputs) if self.several_ else log_softmax(outputs, axis=1)

    def predict(self, X: Any) -> Any:
        """The class of each sample, or an array of 0 and 1 for each label."""
        outputs = self._outputs(X)
        if self.several_:
            return (outputs > 0).astype(int)
        return self.classes_[outputs.argmax(axis=1)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
