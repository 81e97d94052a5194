"""Networks that predict numbers."""

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin

from ..nn import functional as F
from .estimator import NetworkEstimator, chosen


class NetworkRegressor(RegressorMixin, NetworkEstimator):
    """A regressor of scikit-learn that is a network, trained by `train.fit`.

    Parameters
    ----------
    module : Module, function or None
        The network: one that is copied, or a function of the numbers of inputs and of outputs that makes one, and
        takes `rng` if it has that parameter. By default it has linear layers, as the next two say.
    hidden_layer_sizes : int or sequence of int
        Outputs of the layers between.
    activation : str or class of nn
        "relu", "tanh", "logistic", "gelu", "silu" or "identity".
    loss : function of outputs and targets, optional
        Returns a number for each sample, or one for the batch where no sample has a weight; outputs and targets have
        the shape (samples, outputs). The squared error by default.
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
    >>> import numpy as np
    >>> from minigrad.sklearn import NetworkRegressor
    >>> x = np.linspace(-2, 2, 100)[:, None]
    >>> model = NetworkRegressor(activation="tanh", learning_rate=0.01, random_state=0).fit(x, np.sin(x[:, 0]))
    >>> round(model.score(x, np.sin(x[:, 0])), 1)
    1.0
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
        self.callbacks = callbacks
        self.compile = compile
        self.random_state = random_state
        self.warm_start = warm_start
        self.verbose = verbose

    def targets_of(self, y: Any, reset: bool, classes: Any = None) -> Any:
        y = np.asarray(y)
        try:
            y = y.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"a regressor learns numbers; y holds {y.dtype}: {error}. See NetworkClassifier") from None
        if reset:
            self.shape_ = y.shape[1:]
        if y.shape[1:] != self.shape_:
            raise ValueError(f"y has the shape {y.shape}, where it had {self.shape_} after the samples before")
        return y.reshape(y.shape[0], -1)

    def outputs_needed(self) -> int:
        return int(np.prod(self.shape_))

    def losses(self, outputs: Any, targets: Any) -> Any:
        targets = targets.astype(outputs.dtype)
        return chosen(self.loss, lambda x, y: F.mse_loss(x, y, reduction="none"))(outputs, targets)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One epoch more, of these samples.

        Parameters
        ----------
        X, y, sample_weight : as in `fit`

        Returns
        -------
        self
        """
        return self._learn(X, y, sample_weight, True)

    def predict(self, X: Any) -> Any:
        """The number, or numbers, of each sample."""
        outputs = self._outputs(X)
        return outputs.reshape(outputs.shape[0], *self.shape_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
