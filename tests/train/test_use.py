"""train.predict and train.evaluate: a trained model on other samples."""

import re

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from minigrad import nn, optim, train
from minigrad.data import DataLoader
from minigrad.nn import functional as F

X = np.random.default_rng(0).normal(size=(50, 3))
Y = np.sin(X.sum(axis=1, keepdims=True))


def network():
    rng = np.random.default_rng(1)
    return nn.Sequential(
        nn.Linear(3, 4, rng=rng), nn.BatchNorm1d(4), nn.Dropout(0.5, rng=rng), nn.Linear(4, 1, rng=rng)
    )


def expected(model, x=X):
    """The outputs by hand."""
    state = [(m, vars(m).get("training")) for m in model.modules()]
    model.eval()
    outputs = model(x).detach().numpy()
    for module, mode in state:
        del vars(module)["training"]
        vars(module).update({} if mode is None else {"training": mode})
    return outputs


@pytest.mark.parametrize("batch_size", [1, 7, 50, 256])
def test_predictions_are_those_of_eval_mode(batch_size):
    """In plain arrays, in the order of the samples, whatever the batches."""
    model = network()
    got = train.predict(model, X, batch_size=batch_size)
    assert type(got) is np.ndarray
    np.testing.assert_allclose(got, expected(model), rtol=1e-13)  # products of other sizes round otherwise


@pytest.mark.parametrize("make", [pd.DataFrame, scipy.sparse.csr_array, list])
def test_all_data_of_a_loader_can_be_predicted(make):
    """Frames, sparse matrices and lists of samples give what arrays do."""
    assert (
        train.predict(network(), make(X), batch_size=20).tolist() == train.predict(network(), X, batch_size=20).tolist()
    )


def test_float32_and_trees_stay_what_they_are():
    """A model that takes and returns dicts is given dicts, and its outputs are joined name by name."""

    class Both(nn.Module):
        def forward(self, x):
            return {"sum": x["a"] + x["b"], "none": None, "pair": (x["a"], x["b"] * 2)}

    x = X.astype(np.float32)
    got = train.predict(Both(), {"a": x, "b": x}, batch_size=20)
    assert got["none"] is None
    for found, wanted in ((got["sum"], x + x), (got["pair"][0], x), (got["pair"][1], x * 2)):
        assert found.dtype == np.float32
        assert found.tolist() == wanted.tolist()


def modes(model):
    return [vars(m).get("training") for m in model.modules()]


@pytest.mark.parametrize("use", ["predict", "evaluate", "predict that fails", "evaluate that fails"])
@pytest.mark.parametrize("prepare", ["new", "train", "eval", "part"])
def test_all_modes_are_put_back(use, prepare):
    """Those that were never set as well; weights, statistics and generators are as they were."""
    model = network()
    {"new": lambda: None, "train": model.train, "eval": model.eval, "part": model[1].eval}[prepare]()
    before, state = modes(model), {name: x.tolist() for name, x in model.state_dict().items()}
    drawn = model[2].rng.bit_generator.state
    x = X[:, :2] if "fails" in use else X
    try:
        train.predict(model, x) if "predict" in use else train.evaluate(model, F.mse_loss, x, Y)
    except ValueError:
        assert "fails" in use
    assert modes(model) == before
    assert {name: x.tolist() for name, x in model.state_dict().items()} == state
    assert model[2].rng.bit_generator.state == drawn


def distance(outputs, targets):
    return abs(outputs - targets).mean()


def test_an_evaluation_is_the_validation_of_fit():
    """The same numbers to the last bit, of arrays and of a loader."""
    model = network()
    loader = DataLoader((X, Y), 16)
    history = train.fit(
        model, F.mse_loss, optim.Adam(model.parameters(), lr=0.01), X, Y, epochs=2, rng=0,
        validation=loader, metrics={"distance": distance},
    )  # fmt: skip
    found = train.evaluate(model, F.mse_loss, loader, metrics={"distance": distance})
    assert found == {name: history[f"validation_{name}"][-1] for name in ("loss", "distance")}
    assert train.evaluate(model, F.mse_loss, X, Y, metrics={"distance": distance}, batch_size=16) == found
    assert found["loss"] == pytest.approx(np.mean((expected(model) - Y) ** 2), rel=1e-13)


class Total(nn.Module):
    def forward(self, x):
        return x.sum()


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: train.predict(np.tanh, X), TypeError, "predict takes an nn.Module; got a ufunc"),
        (lambda: train.predict(network(), DataLoader(X)), TypeError, "a data set is an array, .*; got a DataLoader"),
        (lambda: train.predict(network(), X[:0]), ValueError, "a data set takes at least one sample; got none"),
        (lambda: train.predict(network(), X, batch_size=0), ValueError, "batch_size is an integer, at least 1; got 0"),
        (
            lambda: train.predict(Total(), X, batch_size=20),
            ValueError,
            "for a batch of 20 the model returned an array of",
        ),
        (lambda: train.evaluate(np.tanh, F.mse_loss, X, Y), TypeError, "evaluate takes an nn.Module; got a ufunc"),
        (lambda: train.evaluate(network(), nn.MSELoss, X, Y), TypeError, "Pass an object of it, as MSELoss()"),
        (lambda: train.evaluate(network(), F.mse_loss, (X, Y)), TypeError, "X without y gives batches; got a tuple of"),
        (
            lambda: train.evaluate(network(), F.mse_loss, X, Y, metrics=1),
            TypeError,
            "metrics is a dict of functions by n",
        ),
        (
            lambda: train.evaluate(network(), F.mse_loss, [(X, Y)], batch_size=3),
            TypeError,
            "batch_size says how arrays X and y are made batches; got it beside a loader",
        ),
        (
            lambda: train.evaluate(network(), F.mse_loss, X, Y * np.nan),
            FloatingPointError,
            "the loss is NaN or infinite in step 1 of the evaluation. Look for such numbers in the data and in the we",
        ),
    ],
)
def test_bad_input_is_refused(call, error, text):
    """With what was wanted and what came."""
    with pytest.raises(error, match=re.escape(text).replace(r"\.\*", ".*")):
        call()
