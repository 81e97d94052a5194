"""What estimators refuse by name, and that they are then as they were."""

import numpy as np
import pytest

from minigrad import nn, optim
from minigrad.sklearn import NetworkClassifier, NetworkRegressor

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4))
Y = rng.integers(0, 3, 60)
QUICK = {"hidden_layer_sizes": (8,), "epochs": 2, "random_state": 0}


@pytest.mark.parametrize(
    "refused",
    [
        lambda model: model.fit(X[:, :3], Y > 1, sample_weight=-np.ones(60)),
        lambda model: model.fit(X[:, :3], ["a"] * 59),
        lambda model: model.set_params(epochs=0).fit(X[:, :3], Y > 1),
        lambda model: model.set_params(activation="no").fit(X[:, :3], Y > 1),
        lambda model: model.set_params(module=nn.Linear(4, 7)).fit(X, Y),
        lambda model: model.set_params(optimizer="no", warm_start=True).fit(X, Y),
        lambda model: model.partial_fit(X, Y, sample_weight=np.ones(3)),
        lambda model: model.partial_fit(X, Y + 1),
    ],
    ids=["weights", "samples", "epochs", "activation", "module", "optimizer", "partial", "classes"],
)
def test_a_refused_call_leaves_a_fitted_estimator_as_it_was(refused):
    """It predicts the same, bit by bit, and has the same learned attributes."""
    model = NetworkClassifier(**QUICK).fit(X, Y)
    learned = {name: value for name, value in vars(model).items() if name.endswith("_")}
    before = model.predict_proba(X)
    with pytest.raises((TypeError, ValueError)):
        refused(model)
    assert {name: value for name, value in vars(model).items() if name.endswith("_")} == learned
    np.testing.assert_array_equal(model.predict_proba(X), before)


def test_a_refused_call_leaves_a_new_estimator_unfitted():
    model = NetworkRegressor(**QUICK)
    before = dict(vars(model))
    with pytest.raises(ValueError, match="Negative values"):
        model.fit(X, X[:, 0], sample_weight=-np.ones(60))
    assert vars(model) == before


@pytest.mark.parametrize("outputs", [2, 5])
def test_a_module_has_an_output_for_each_class(outputs):
    """One too few or too many would be found by the first prediction only, or by none."""
    model = NetworkClassifier(nn.Linear(4, outputs, rng=0), **QUICK)
    with pytest.raises(ValueError, match=rf"need outputs of shape \(60, 3\); .* of shape \(60, {outputs}\)"):
        model.fit(X, Y)
    assert NetworkClassifier(nn.Linear(4, 3, rng=0), **QUICK).fit(X, Y).predict_proba(X).shape == (60, 3)


def test_outputs_of_one_axis_do_not_broadcast_against_targets():
    """A loss of one's own would make a square of them."""

    class Flat(nn.Linear):
        def forward(self, x):
            return super().forward(x)[:, 0]

    with pytest.raises(ValueError, match=r"need outputs of shape \(60, 1\); .* of shape \(60,\)"):
        NetworkRegressor(Flat(4, 1), loss=lambda out, y: (out - y) ** 2, **QUICK).fit(X, X[:, 0])


@pytest.mark.parametrize("sizes", [2.5, "a", 0, (8, -1), (8, 2.0), ((8,), (8,)), None])
def test_sizes_are_counts(sizes):
    with pytest.raises(ValueError, match="hidden_layer_sizes is an integer, at least 1, or a sequence of these; got"):
        NetworkRegressor(hidden_layer_sizes=sizes).fit(X, X[:, 0])


@pytest.mark.parametrize(("sizes", "count"), [((), 1), (8, 2), (np.int64(8), 2), (np.array([8, 4]), 3), ([8, 4], 3)])
def test_sizes_come_in_many_forms(sizes, count):
    """None makes the network linear; a count is one layer."""
    model = NetworkRegressor(**QUICK | {"hidden_layer_sizes": sizes}).fit(X, X[:, 0])
    assert sum(isinstance(layer, nn.Linear) for layer in model.module_) == count


@pytest.mark.parametrize("activation", [3, None, np.tanh, nn.Tanh(), "no"])
def test_an_activation_is_a_name_or_a_class(activation):
    with pytest.raises(ValueError, match="activation is one of relu, .*, or a class of nn; got"):
        NetworkRegressor(activation=activation).fit(X, X[:, 0])
    assert isinstance(NetworkRegressor(activation=nn.Tanh, **QUICK).fit(X, X[:, 0]).module_[1], nn.Tanh)


def test_weight_decay_is_refused_where_there_is_none():
    with pytest.raises(ValueError, match=r"Rprop has no weight decay; got weight_decay=0.1. Leave it 0"):
        NetworkRegressor(optimizer=optim.Rprop, weight_decay=0.1).fit(X, X[:, 0])


def test_a_function_without_a_signature_may_make_the_network():
    with pytest.raises(TypeError, match="returns an nn.Module; it returned a int"):
        NetworkRegressor(max).fit(X, X[:, 0])


def test_a_warm_start_takes_a_changed_learning_rate():
    """As MLPClassifier does; partial_fit keeps the optimizer, with its moments."""
    model = NetworkRegressor(warm_start=True, **QUICK).fit(X, X[:, 0])
    network, first = model.module_, model.optimizer_
    assert model.partial_fit(X, X[:, 0]).optimizer_ is first
    model.set_params(learning_rate=0.25).fit(X, X[:, 0])
    assert model.module_ is network
    assert [group["lr"] for group in model.optimizer_.param_groups] == [0.25]


def test_the_logarithm_of_a_vanishing_probability_is_finite():
    """The probability of a label may be zero in float64, its logarithm is not."""
    model = NetworkClassifier(nn.Linear(4, 3, rng=0), **QUICK).fit(X, np.eye(3, dtype=int)[Y])
    assert model.predict_proba(X * 1e6).min() == 0
    assert np.isfinite(model.predict_log_proba(X * 1e6)).all()
