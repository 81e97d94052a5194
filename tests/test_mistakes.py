"""Thirty mistakes that people make: what the error says, and that the program works once its advice is followed."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, train
from minigrad.data import DataLoader
from minigrad.nn import functional as F

X, Y = np.linspace(-1, 1, 24).reshape(8, 3), np.linspace(0, 1, 8)[:, None]
LABELS = np.arange(8) % 2


def net(outputs=1):
    return nn.Sequential(nn.Linear(3, 4, rng=0), nn.Tanh(), nn.Linear(4, outputs, rng=1))


def weights():
    return mg.tensor(np.full((3, 1), 0.5), requires_grad=True)


def sgd(model):
    return optim.SGD(model.parameters(), lr=0.1)


def stepped(change):
    """The weights after a step of gradient descent that `change` makes, given weights with a gradient."""
    w = weights()
    mg.sum(X @ w).backward()
    change(w)
    return w.detach().numpy()


def subtract(w):
    w -= 0.1 * w.grad


def subtract_without_recording(w):
    with mg.no_grad():
        w -= 0.1 * w.grad


def subtract_data(w):
    w.data -= 0.1 * w.grad


def subtract_values(w):
    w.data -= 0.1 * w.grad.numpy()


def twice(**options):
    loss = F.mse_loss(net()(X), Y)
    loss.backward(**options)
    loss.backward()


def index_leaf(w):
    w[0] = 1.0


def index_without_recording(w):
    with mg.no_grad():
        w[0] = 1.0


def fit(model=None, loss=F.mse_loss, optimizer=None, x=X, y=Y, **options):
    model = net() if model is None else model
    optimizer = sgd(model) if optimizer is None else optimizer
    return train.fit(model, loss, optimizer, x, y, epochs=2, **options)


def fit_batches(batches):
    model = net()
    return train.fit(model, F.mse_loss, sgd(model), batches, 2)


def with_missing():
    x = X.copy()
    x[0, 0] = np.nan
    return x


def outside(x):
    return float(np.sum(x**2))


MISTAKES = {
    # shapes
    "a matrix that does not fit": (
        lambda: X @ mg.tensor(np.ones((4, 1))),
        ValueError,
        r"matmul of \(8, 3\) and \(4, 1\)",
    ),
    "inputs of another width": (lambda: net()(np.ones((8, 5))), ValueError, r"takes a last axis of 3; got .* \(8, 5\)"),
    "targets without an axis": (lambda: F.mse_loss(net()(X), Y[:, 0]), ValueError, r"Use target.reshape\(-1, 1\)"),
    "labels with an axis": (
        lambda: F.cross_entropy(net(2)(X), LABELS[:, None]),
        ValueError,
        r"Use target.reshape\(-1\)",
    ),
    "backward of several numbers": (lambda: net()(X).backward(), ValueError, "Reduce it, to a sum or a mean"),
    # kinds of data
    "integers as a leaf": (
        lambda: mg.tensor([1, 2], requires_grad=True),
        TypeError,
        r"got int64. Use x.astype\(float\)",
    ),
    "a list for a network": (lambda: net()(X.tolist()), TypeError, r"takes an array; got a list. Use np.asarray\(x\)"),
    "labels as floats": (lambda: F.cross_entropy(net(2)(X), LABELS * 1.0), ValueError, r"use target.astype\(int\)"),
    "a label too many": (lambda: F.cross_entropy(net(2)(X), LABELS + 1), ValueError, "takes labels 0 to 1; got 2"),
    "labels as text": (lambda: fit(net(2), F.cross_entropy, y=LABELS.astype(str)), TypeError, "return_inverse=True"),
    "a missing value": (lambda: fit(x=with_missing()), FloatingPointError, "NaN or infinite in step 1 of epoch 1"),
    "samples without targets": (lambda: fit(y=Y[:7]), ValueError, "X has 8 samples and y has 7"),
    # the graph
    "backward twice": (twice, mg.errors.GraphError, "pass retain_graph=True the first time"),
    "a leaf changed by -=": (lambda: stepped(subtract), mg.errors.GraphError, r"in a `with mg.no_grad\(\)` block"),
    "a leaf changed by its data": (lambda: stepped(subtract_data), TypeError, r"x.detach\(\).numpy\(\)"),
    "a leaf changed by index": (lambda: stepped(index_leaf), mg.errors.GraphError, r"in a `with mg.no_grad\(\)` block"),
    "a derivative lost in a float": (lambda: mg.grad(outside)(X), mg.DetachedError, "Use NumPy's functions"),
    "the gradient of a result": (lambda: mg.grad(mg.sum(weights())), TypeError, r"call y.backward\(\)"),
    # networks and optimizers
    "a model for its parameters": (lambda: optim.SGD(net(), lr=0.1), TypeError, r"Pass its parameters\(\)"),
    "parameters that are not called": (lambda: optim.SGD(net().parameters, lr=0.1), TypeError, "got a method. Call it"),
    "a learning rate as text": (lambda: optim.SGD(net().parameters(), lr="0.1"), ValueError, "finite number.*'0.1'"),
    "no learning rate": (lambda: optim.SGD(net().parameters()), TypeError, "missing .* argument: 'lr'"),
    "a loss that is a class": (lambda: fit(loss=nn.MSELoss), TypeError, r"Pass an object of it, as MSELoss\(\)"),
    "an optimizer as text": (lambda: fit(optimizer="adam"), TypeError, "takes an optimizer from mg.optim.*got a str"),
    "another model's optimizer": (
        lambda: fit(optimizer=sgd(net())),
        ValueError,
        r"Make it from those: model.parameters",
    ),
    "model.fit": (lambda: net().fit(X, Y), AttributeError, r"Use train.fit\(model, loss, optimizer, X, y, epochs=10\)"),
    "model.predict": (lambda: net().predict(X), AttributeError, r"Use train.predict\(model, X\)"),
    "batches of two arrays": (lambda: fit_batches((X, Y)), TypeError, r"pass data.DataLoader\(\(x, y\), batch_size="),
    # names
    "nn.Dense": (lambda: nn.Dense(3, 4), AttributeError, "Use nn.Linear"),
    "x.view": (lambda: mg.tensor(X).view(-1), AttributeError, r"Use x.reshape\(shape\)"),
}
FOLLOWED = {
    "a matrix that does not fit": lambda: X @ mg.tensor(np.ones((3, 1))),
    "inputs of another width": lambda: net()(np.ones((8, 3))),
    "targets without an axis": lambda: F.mse_loss(net()(X), Y[:, 0].reshape(-1, 1)),
    "labels with an axis": lambda: F.cross_entropy(net(2)(X), LABELS[:, None].reshape(-1)),
    "backward of several numbers": lambda: mg.mean(net()(X)).backward(),
    "integers as a leaf": lambda: mg.tensor(np.array([1, 2]).astype(float), requires_grad=True),
    "a list for a network": lambda: net()(np.asarray(X.tolist())),
    "labels as floats": lambda: F.cross_entropy(net(2)(X), (LABELS * 1.0).astype(int)),
    "a label too many": lambda: F.cross_entropy(net(3)(X), LABELS + 1),
    "labels as text": lambda: fit(net(2), F.cross_entropy, y=np.unique(LABELS.astype(str), return_inverse=True)[1]),
    "a missing value": lambda: fit(x=np.nan_to_num(with_missing())),
    "samples without targets": lambda: fit(x=X[:7], y=Y[:7]),
    "backward twice": lambda: twice(retain_graph=True),
    "a leaf changed by -=": lambda: stepped(subtract_without_recording),
    "a leaf changed by its data": lambda: stepped(subtract_values),
    "a leaf changed by index": lambda: stepped(index_without_recording),
    "a derivative lost in a float": lambda: mg.grad(lambda x: np.sum(x**2))(X),
    "the gradient of a result": lambda: mg.sum(weights()).backward(),
    "a model for its parameters": lambda: optim.SGD(net().parameters(), lr=0.1),
    "parameters that are not called": lambda: optim.SGD(net().parameters(), lr=0.1),
    "a learning rate as text": lambda: optim.SGD(net().parameters(), lr=0.1),
    "no learning rate": lambda: optim.SGD(net().parameters(), lr=0.1),
    "a loss that is a class": lambda: fit(loss=nn.MSELoss()),
    "an optimizer as text": fit,
    "another model's optimizer": fit,
    "model.fit": fit,
    "model.predict": lambda: train.predict(net(), X),
    "batches of two arrays": lambda: fit_batches(DataLoader((X, Y), batch_size=4)),
    "nn.Dense": lambda: nn.Linear(3, 4, rng=0),
    "x.view": lambda: mg.tensor(X).reshape(-1),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_the_advice_of_an_error_works(name):
    wrong, error, text = MISTAKES[name]
    with pytest.raises(error, match=text):
        wrong()
    FOLLOWED[name]()


def test_steps_of_gradient_descent_are_the_same():
    """However the weights are changed, as errors advise, the step is that of the optimizer."""
    w = weights()
    mg.sum(X @ w).backward()
    optim.SGD([w], lr=0.1).step()
    for change in (subtract_without_recording, subtract_values):
        np.testing.assert_array_equal(stepped(change), w.detach())


def test_a_forgotten_zero_grad_adds_gradients():
    """Which is no error, as several passes may make one step; zero_grad begins anew."""
    w = weights()
    for _ in range(2):
        mg.sum(X @ w).backward()
    twice_as_large = w.grad.numpy().copy()
    optim.SGD([w], lr=0.1).zero_grad()
    mg.sum(X @ w).backward()
    np.testing.assert_array_equal(twice_as_large, 2 * w.grad.numpy())
