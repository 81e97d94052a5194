"""Networks as estimators: what scikit-learn asks of all, and what its users do with them."""

import os
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F
from minigrad.sklearn import NetworkClassifier, NetworkRegressor

X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
rng = np.random.default_rng(0)
Z = rng.normal(size=(60, 3))
QUICK = {"hidden_layer_sizes": (8,), "epochs": 20, "learning_rate": 0.05, "random_state": 0}


def linear(n, m, rng):
    return nn.Linear(n, m, rng=rng)


def checked(estimator):
    """All checks of scikit-learn, of which none may fail; those that need what is not installed are skipped aloud."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        results = check_estimator(estimator)
    failed = [one["check_name"] for one in results or () if one["status"] not in ("passed", "skipped")]
    assert failed == []


COMPLETE = {
    "classifier": NetworkClassifier(),
    "regressor": NetworkRegressor(),
    "linear": NetworkClassifier(linear, optimizer=optim.SGD, learning_rate=0.5),
    "tanh": NetworkRegressor(activation="tanh", optimizer="adamw", learning_rate=0.01, weight_decay=1e-4),
    "deep": NetworkClassifier(hidden_layer_sizes=(20, 20), learning_rate=0.01),
}
SHORT = {
    "short-linear": NetworkClassifier(linear, epochs=60, learning_rate=0.1),
    "short": NetworkRegressor(hidden_layer_sizes=(20,), epochs=60, learning_rate=0.05),
}
ESTIMATORS = [pytest.param(x, id=name, marks=pytest.mark.slow) for name, x in COMPLETE.items()]
ESTIMATORS += [pytest.param(x, id=name) for name, x in SHORT.items()]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_scikit_learn_has_no_complaints(estimator):
    checked(estimator)


# Results


def test_flowers_are_told_apart():
    model = NetworkClassifier(**QUICK).fit(X, Y)
    assert model.score(X, Y) > 0.95
    assert (model.n_iter_, len(model.loss_curve_), model.n_features_in_) == (20, 20, 4)
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    proba = model.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(np.log(proba), model.predict_log_proba(X), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(model.classes_[proba.argmax(axis=1)], model.predict(X))


def test_labels_may_be_words():
    names = np.array(["setosa", "versicolor", "virginica"])
    model = NetworkClassifier(**QUICK).fit(X, names[Y])
    np.testing.assert_array_equal(model.classes_, names)
    np.testing.assert_array_equal(model.predict(X), names[NetworkClassifier(**QUICK).fit(X, Y).predict(X)])


def test_several_labels_and_several_numbers():
    """An array of 0 and 1 has a probability each; an array of numbers has as many outputs, of its shape."""
    labels = np.stack([Z[:, 0] > 0, Z[:, 1] > 0], axis=1).astype(int)
    model = NetworkClassifier(**QUICK | {"epochs": 100}).fit(Z, labels)
    assert np.mean(model.predict(Z) == labels) > 0.95
    assert model.predict_proba(Z).shape == (60, 2)
    np.testing.assert_allclose(np.exp(model.predict_log_proba(Z)), model.predict_proba(Z))
    numbers = np.stack([Z[:, 0] - Z[:, 1], 2 * Z[:, 2]], axis=1)
    several = NetworkRegressor(**QUICK | {"epochs": 200}).fit(Z, numbers)
    assert several.predict(Z).shape == (60, 2)
    assert several.score(Z, numbers) > 0.9
    assert NetworkRegressor(**QUICK).fit(Z, numbers[:, 0]).predict(Z).shape == (60,)


def test_weights_are_repetitions():
    """A sample that counts twice is one that is there twice; a class may count more."""
    weights = rng.integers(0, 3, len(Z))
    y = Z[:, 0] ** 2
    weighted = NetworkRegressor(**QUICK).fit(Z, y, sample_weight=weights)
    repeated = NetworkRegressor(**QUICK).fit(np.repeat(Z, weights, axis=0), np.repeat(y, weights))
    np.testing.assert_allclose(weighted.predict(Z), repeated.predict(Z), rtol=1e-7)
    by_class = NetworkClassifier(class_weight={0: 1, 1: 3, 2: 1}, **QUICK).fit(X, Y)
    by_sample = NetworkClassifier(**QUICK).fit(X, Y, sample_weight=np.where(Y == 1, 3.0, 1.0))
    np.testing.assert_array_equal(by_class.predict_proba(X), by_sample.predict_proba(X))
    both = NetworkClassifier(class_weight={0: 1, 1: 3, 2: 1}, **QUICK).fit(X, Y, np.full(len(Y), 2.0))
    np.testing.assert_allclose(both.predict_proba(X), by_class.predict_proba(X), rtol=1e-10)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
@pytest.mark.parametrize("form", [np.asarray, scipy.sparse.csr_array, scipy.sparse.coo_array, pd.DataFrame])
def test_forms_of_data_have_the_same_result(form, dtype):
    """Sparse rows become dense batch by batch; float32 stays."""
    data = np.round(Z).astype(dtype)
    model = NetworkRegressor(**QUICK).fit(form(data), Z[:, 0])
    plain = NetworkRegressor(**QUICK).fit(data, Z[:, 0])
    np.testing.assert_array_equal(model.predict(form(data)), plain.predict(data))
    assert model.module_[0].weight.dtype == (np.float32 if dtype == np.float32 else np.float64)


# In scikit-learn's tools


def test_pipelines_searches_and_processes():
    """A search over parameters in a pipeline; scores in two processes are those of one, bit by bit."""
    pipe = make_pipeline(StandardScaler(), NetworkClassifier(**QUICK))
    search = GridSearchCV(pipe, {"networkclassifier__learning_rate": [1e-6, 0.05]}, cv=3).fit(X, Y)
    assert search.best_params_ == {"networkclassifier__learning_rate": 0.05}
    alone = cross_val_score(pipe, X, Y, cv=2)
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONWARNINGS": "ignore"}
    before = {key: os.environ.get(key) for key in environment}
    os.environ.update(environment)
    try:
        np.testing.assert_array_equal(cross_val_score(pipe, X, Y, cv=2, n_jobs=2), alone)
    finally:
        for key, value in before.items():
            os.environ.pop(key) if value is None else os.environ.update({key: value})


def test_copies_and_pickles():
    """A clone learns anew; a pickle predicts the same and goes on learning as the first."""
    model = NetworkClassifier(**QUICK).fit(X, Y)
    np.testing.assert_array_equal(clone(model).fit(X, Y).predict_proba(X), model.predict_proba(X))
    other = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    for one in (model, other):
        one.partial_fit(X, Y)
    np.testing.assert_array_equal(other.predict_proba(X), model.predict_proba(X))


# Options


def test_networks_of_ones_own():
    """A module is copied; a function is given the numbers of inputs and outputs, and rng if it takes that."""
    network = nn.Sequential(nn.Linear(4, 6, rng=0), nn.Tanh(), nn.Linear(6, 3, rng=1))
    before = network[0].weight.detach().numpy().copy()
    model = NetworkClassifier(network, learning_rate=0.05, epochs=60, random_state=0).fit(X, Y)
    assert model.score(X, Y) > 0.9
    np.testing.assert_array_equal(network[0].weight.detach(), before)
    made = NetworkClassifier(lambda n, m: nn.Linear(n, m, rng=3), epochs=2).fit(X, Y)
    assert made.module_.weight.shape == (4, 3)
    one, two = (NetworkClassifier(linear, epochs=2, random_state=0).fit(X, Y).predict_proba(X) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_losses_and_optimizers_of_ones_own():
    """A loss may return a number for each sample, or for the batch; an optimizer is a name, a class or a function."""
    absolute = NetworkRegressor(loss=lambda out, y: mg.abs(out - y), **QUICK).fit(Z, Z[:, 0])
    assert absolute.loss_curve_[-1] < absolute.loss_curve_[0]
    whole = NetworkClassifier(loss=F.cross_entropy, **QUICK).fit(X, Y)
    np.testing.assert_allclose(whole.predict_proba(X), NetworkClassifier(**QUICK).fit(X, Y).predict_proba(X), rtol=1e-9)
    for optimizer in ("sgd", "AdamW", optim.RMSprop, lambda params: optim.SGD(params, lr=0.01, momentum=0.9)):
        model = NetworkRegressor(optimizer=optimizer, **QUICK | {"learning_rate": 0.01}).fit(Z, Z[:, 0])
        assert model.loss_curve_[-1] < model.loss_curve_[0]
    assert NetworkRegressor(optimizer="rprop", epochs=1).fit(Z, Z[:, 0]).n_iter_ == 1  # which knows no weight decay


def test_a_held_out_share_ends_the_training():
    """It goes back to the best epoch; and fit goes on where it was, or begins anew."""
    noise = rng.normal(size=60)
    options = QUICK | {"epochs": 300, "learning_rate": 0.1}
    model = NetworkRegressor(validation_fraction=0.3, patience=5, batch_size=10, **options).fit(Z, noise)
    assert model.n_iter_ < 300
    assert "validation_loss" in model.history_
    warm = NetworkRegressor(warm_start=True, **QUICK).fit(Z, noise)
    first = warm.loss_curve_[-1]
    assert warm.fit(Z, noise).loss_curve_[0] < first
    cold = NetworkRegressor(**QUICK).fit(Z, noise)
    assert cold.loss_curve_ == cold.fit(Z, noise).loss_curve_


def test_one_epoch_at_a_time():
    """The first call says all classes; the sum of calls is a training."""
    model = NetworkClassifier(**QUICK).partial_fit(X[:50], Y[:50], classes=[0, 1, 2])
    for _ in range(60):
        model.partial_fit(X, Y)
    assert model.score(X, Y) > 0.9
    assert model.n_iter_ == 1
    assert NetworkRegressor(**QUICK).partial_fit(Z, Z[:, 0]).partial_fit(Z, Z[:, 0]).n_iter_ == 1


def test_a_compiled_training_is_the_same():
    compiled = NetworkClassifier(compile="numpy", **QUICK).fit(X, Y)
    np.testing.assert_array_equal(compiled.predict_proba(X), NetworkClassifier(**QUICK).fit(X, Y).predict_proba(X))


def test_lines_are_written_where_wanted(capfd):
    NetworkRegressor(verbose=True, **QUICK | {"epochs": 2}).fit(Z, Z[:, 0])
    assert "epoch 2/2" in capfd.readouterr().err


# Bad input

FRAME = pd.DataFrame({"length": [1.0, 2.0, np.nan], "colour": ["red", "blue", "red"]})


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: NetworkClassifier().predict(X), NotFittedError, "not fitted yet"),
        (lambda: NetworkRegressor().fit(FRAME, [1, 2, 3]), ValueError, "'length' has no value in row 2"),
        (lambda: NetworkRegressor().fit(FRAME[["colour"]], [1, 2, 3]), TypeError, "the column 'colour' holds"),
        (lambda: NetworkRegressor(3).fit(Z, Z[:, 0]), TypeError, "module is an nn.Module, a function .*; got 3"),
        (lambda: NetworkRegressor(lambda n, m: 1).fit(Z, Z[:, 0]), TypeError, "returns an nn.Module; .* a int"),
        (lambda: NetworkRegressor(activation="no").fit(Z, Z[:, 0]), ValueError, "one of relu, .*; got 'no'"),
        (lambda: NetworkRegressor(optimizer="no").fit(Z, Z[:, 0]), ValueError, "one of adadelta, .*; got 'no'"),
        (lambda: NetworkRegressor(optimizer=1).fit(Z, Z[:, 0]), TypeError, "optimizer is a name, a class .*; got 1"),
        (lambda: NetworkRegressor(loss="mse").fit(Z, Z[:, 0]), TypeError, "loss is a function of .*; got 'mse'"),
        (lambda: NetworkRegressor(epochs=0).fit(Z, Z[:, 0]), ValueError, "epochs is an integer, at least 1; got 0"),
        (lambda: NetworkRegressor().fit(Z, Z[:, 0], np.zeros(60)), ValueError, "sample_weight is zero for all samples"),
        (lambda: NetworkRegressor().fit(Z, ["a"] * 60), ValueError, "learns numbers; y holds <U1: .* See NetworkCl"),
        (
            lambda: NetworkRegressor(**QUICK).partial_fit(Z, Z[:, 0]).partial_fit(Z, Z),
            ValueError,
            r"y has the shape \(60, 3\), where it had \(\) after the samples before",
        ),
        (
            lambda: NetworkClassifier(loss=F.cross_entropy).fit(X, Y, np.arange(150)),
            ValueError,
            "one number for a batch, and samples have weights",
        ),
        (
            lambda: NetworkClassifier(**QUICK).partial_fit(X, Y, classes=[0, 1]),
            ValueError,
            r"y holds \[2\], which are not among the classes \[0, 1\]",
        ),
        (
            lambda: NetworkClassifier(**QUICK).partial_fit(X, Y).partial_fit(X, np.eye(3, dtype=int)[Y]),
            ValueError,
            "y has several labels for each sample, unlike before",
        ),
        (
            lambda: NetworkClassifier(class_weight="balanced").partial_fit(X, Y),
            ValueError,
            "class_weight 'balanced' looks at all samples",
        ),
    ],
)
def test_bad_input_is_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_without_scikit_learn_the_room_names_its_extra():
    """What to install is in the error, and `import minigrad` works."""
    code = (
        "import importlib.util as util\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *package: None if name == 'sklearn' else find(name, *package)\n"
        "import minigrad\n"
        "try:\n"
        "    minigrad.sklearn\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "python -m pip install '.[sklearn]' in the checkout" in done.stdout
