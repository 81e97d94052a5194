"""Modules as functions of their parameters."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F
from minigrad.testing import gradcheck

X = np.random.default_rng(0).normal(size=(4, 3))


class Twice(nn.Module):
    """One weight under two names, one in a tuple, and a layer."""

    def __init__(self):
        self.weight = self.same = nn.Parameter(np.eye(3))
        self.shifts = (nn.Parameter(np.zeros(3)), "not a parameter")
        self.layer = nn.Linear(3, 2, rng=0)

    def forward(self, x, scale=1.0):
        return self.layer(np.tanh(x @ self.weight @ self.same + self.shifts[0])) * scale


def test_gradients_are_those_of_backward():
    model = Twice()
    mg.sum(model(X) ** 2).backward()
    found = mg.grad(lambda p: mg.sum(nn.functional_call(model, p, X) ** 2))(model.state_dict())
    assert list(found) == ["weight", "shifts.0", "layer.weight", "layer.bias"]
    for name, p in model.named_parameters():
        np.testing.assert_allclose(found[name], p.grad.numpy(), rtol=1e-13)


def test_the_module_is_as_it_was_also_after_an_error():
    model = Twice()
    before, weight, shifts = model(X).tolist(), model.weight, model.shifts
    doubled = {name: 2 * x for name, x in model.state_dict().items()}
    with pytest.raises(TypeError):
        nn.functional_call(model, doubled, X, nothing=1)
    assert nn.functional_call(model, doubled, X, scale=3.0).tolist() != before
    assert model.weight is model.same is weight
    assert model.shifts is shifts
    assert model(X).tolist() == before


def test_a_parameter_without_a_name_stands_for_itself():
    model = nn.Linear(3, 2, rng=0)
    assert nn.functional_call(model, {"bias": np.ones(2)}, X).tolist() == (model(X) + 1).tolist()
    assert nn.functional_call(model, {}, X).tolist() == model(X).tolist()


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Linear(3, 2, rng=0), (4, 3)),
        (nn.Conv2d(2, 3, 2, rng=0), (2, 2, 3, 3)),
        (nn.LSTM(3, 2, rng=0), (2, 4, 3)),
        (nn.LayerNorm(3), (4, 3)),
        (nn.BatchNorm1d(3).eval(), (4, 3)),
        (nn.MultiheadAttention(4, 2, rng=0), (1, 3, 4)),
    ],
    ids=lambda x: type(x).__name__,
)
def test_layers_differentiate_by_their_parameters(layer, shape):
    x = np.random.default_rng(1).normal(size=shape)
    inputs = (x, x, x) if isinstance(layer, nn.MultiheadAttention) else (x,)
    parameters = {name: p.data + 0.1 for name, p in layer.named_parameters()}
    gradcheck(lambda p: nn.functional_call(layer, p, *inputs), (parameters,), rng=0)


def test_it_nests_as_in_meta_learning():
    model, target = nn.Linear(3, 1, rng=0), X[:, :1]

    def loss(p):
        return F.mse_loss(nn.functional_call(model, p, X), target)

    def after_a_step(p):
        g = mg.grad(loss)(p)
        return loss({name: p[name] - 0.1 * g[name] for name in p})

    gradcheck(after_a_step, (model.state_dict(),), rng=0)


def test_names_and_shapes_that_do_not_fit_are_refused():
    model = nn.Sequential(nn.Linear(3, 3, rng=0), nn.BatchNorm1d(3))
    with pytest.raises(ValueError, match=r"Sequential has no parameter 'bias'; it has 0.weight, 0.bias, 1.weight, 1"):
        nn.functional_call(model, {"bias": np.ones(3)}, X)
    with pytest.raises(ValueError, match="no parameter '1.running_mean'"):
        nn.functional_call(model, {"1.running_mean": np.ones(3)}, X)
    with pytest.raises(ValueError, match=r"0.bias of this Sequential has shape \(3,\); got an array of \(2,\)"):
        nn.functional_call(model, {"0.bias": np.ones(2)}, X)
