"""Optimizers and schedules that are copied, or pickled, with their model."""

import copy
import pickle

import joblib
import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.optim import lr_scheduler

X = np.linspace(-1, 1, 12).reshape(4, 3)
COPIES = {"deepcopy": copy.deepcopy, "pickle": lambda parts: pickle.loads(pickle.dumps(parts))}
every_copy = pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
KINDS = [getattr(optim, name) for name in optim.__all__]
KINDS = [k for k in KINDS if isinstance(k, type) and issubclass(k, optim.Optimizer) and k is not optim.Optimizer]


def parts_of(kind):
    """A model and an optimizer of two groups, or of one where there can be no more."""
    bias = kind is not optim.Muon
    model = nn.Sequential(nn.Linear(3, 4, bias=bias, rng=0), nn.Tanh(), nn.Linear(4, 2, bias=bias, rng=1))
    named = [*model.named_parameters()]
    groups = [{"params": named[:1], "lr": 0.05}, {"params": named[1:]}]
    return model, kind(named if kind is optim.LBFGS else groups, lr=0.1)


def step(model, optimizer):
    def closure():
        optimizer.zero_grad()
        loss = mg.mean((model(X) - 1.0) ** 2)
        loss.backward()
        return loss

    if isinstance(optimizer, optim.LBFGS):
        optimizer.step(closure)
    else:
        closure()
        optimizer.step()


def values(model):
    return [p.detach().numpy().copy() for p in model.parameters()]


@every_copy
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_copy_goes_on_as_the_first_would(kind, copied):
    """With the parameters of the model that was copied in the same call, its groups and its state, bit by bit."""
    model, optimizer = parts_of(kind)
    for _ in range(3):
        step(model, optimizer)
    other, second = copied((model, optimizer))
    before = values(model)
    for _ in range(3):
        step(other, second)
    for p, q in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(p.detach(), q)  # the first is left alone
    for _ in range(3):
        step(model, optimizer)
    for p, q in zip(values(model), values(other), strict=True):
        np.testing.assert_array_equal(p, q)
    assert [g.numbers for g in second.param_groups] == [g.numbers for g in optimizer.param_groups]
    assert all(any(p is q for q in other.parameters()) for p in second.params)


@every_copy
def test_a_schedule_is_copied_with_its_optimizer(copied):
    model, optimizer = parts_of(optim.SGD)
    schedule = lr_scheduler.StepLR(optimizer, 2, gamma=0.5)
    schedule.step()
    _, second, other = copied((model, optimizer, schedule))
    assert other.optimizer is second
    other.step()
    assert [g["lr"] for g in second.param_groups] == [0.025, 0.05]
    assert [g["lr"] for g in optimizer.param_groups] == [0.05, 0.1]


def test_a_shallow_copy_is_refused():
    """Two optimizers would change the same parameters; the advice works."""
    model, optimizer = parts_of(optim.SGD)
    with pytest.raises(TypeError, match=r"same parameters would both change them. .*copy.deepcopy\(\(model, optimizer"):
        copy.copy(optimizer)
    other, second = copy.deepcopy((model, optimizer))
    step(other, second)


def test_a_file_that_is_mapped_into_memory_can_be_trained_on(tmp_path):
    """Arrays in it are read-only: the parameters are copied, and the file stays as it is."""
    model = nn.Linear(3, 200, rng=0)
    optimizer = optim.Adam(model.parameters(), lr=0.1)
    step(model, optimizer)
    joblib.dump((model, optimizer), tmp_path / "parts")
    other, second = joblib.load(tmp_path / "parts", mmap_mode="r")
    step(other, second)
    step(model, optimizer)
    for p, q in zip(values(model), values(other), strict=True):
        np.testing.assert_array_equal(p, q)
