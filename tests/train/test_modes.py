"""Which modules train in `fit`, and the mode that each is left in."""

import copy
import gc
import pickle

import numpy as np
import pytest

from minigrad import nn, optim, train
from minigrad.nn import functional as F
from minigrad.train.modes import Modes

X = np.random.default_rng(0).normal(size=(9, 3)) + 5
Y = np.zeros((9, 1))


def network():
    return nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5, rng=0), nn.Linear(3, 1, rng=0))


def fit(model, loss=F.mse_loss, **options):
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    return train.fit(model, loss, optimizer, [(X, Y)], options.pop("epochs", 1), **options)


def modes(model):
    return [bool(module.training) for module in model.modules()]


def interrupt(*_):
    raise KeyboardInterrupt


def fail(*_):
    raise ZeroDivisionError


ENDS = {
    "the last epoch": {},
    "patience": {"patience": 1, "epochs": 9},
    "a callback": {"callbacks": [lambda h: True]},
    "Ctrl-C in the loss": {"loss": interrupt},
    "Ctrl-C in a callback": {"callbacks": [interrupt]},
    "Ctrl-C in a metric of the validation": {"metrics": {"m": interrupt}, "validation": [(X, Y)]},
    "an error in the loss": {"loss": fail},
    "an error in a callback": {"callbacks": [fail]},
    "an error in a metric": {"metrics": {"m": fail}, "validation": [(X, Y)]},
}


def fit_to_the(end, model):
    if "error" in end:
        with pytest.raises(ZeroDivisionError):
            fit(model, **ENDS[end])
    else:
        fit(model, **ENDS[end])


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("mode", [True, False])
def test_fit_leaves_the_mode_that_was_set(end, mode):
    """However the training ends, `train()` and `eval()` hold after it as before, and parts have their own."""
    model = network().train(mode)
    model[2].train(not mode)
    before = modes(model)
    fit_to_the(end, model)
    assert modes(model) == before


@pytest.mark.parametrize("end", ENDS)
def test_a_model_whose_mode_nobody_has_set_is_ready_for_use(end):
    """After a training it computes each example by itself; after an error it is as it was."""
    model = network()
    fit_to_the(end, model)
    assert modes(model) == [("error" in end)] * 4
    if "error" not in end:
        assert model(X).tolist() == model(X).tolist()


def test_a_model_that_fit_has_left_ready_trains_again():
    """Alone, copied, pickled or as a part of another model: nobody has said that it shall not."""
    model = network()
    fit(model)
    for again in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model)), nn.Sequential(model)):
        seen = []
        fit(again, lambda y, t, again=again, seen=seen: (seen.append(modes(again)), F.mse_loss(y, t))[1])
        assert all(map(all, seen))
        assert not any(modes(again))


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("whole", ["unset", "train"])
@pytest.mark.parametrize("backend", [None, "numpy"])
def test_a_part_that_was_put_in_eval_stays_in_it(frozen, whole, backend):
    """In each epoch, and after a validation; its statistics stay, whether its parameters learn or not."""
    model = network()
    if whole == "train":
        model.train()
    model[0].eval()
    if frozen:
        model[0].requires_grad_(False)
    mean, weight = model[0].running_mean.tolist(), model[0].weight.tolist()
    optimizer = optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.01)
    for _ in range(2):
        train.fit(model, F.mse_loss, optimizer, [(X, Y)], 2, validation=[(X, Y)], compile=backend)
        assert model[0].running_mean.tolist() == mean
        assert (model[0].weight.tolist() == weight) == frozen


def test_frozen_parts_stay_in_eval_where_the_whole_model_is_in_it():
    """A frozen body keeps its statistics and drops nothing; what learns is trained."""
    body, head = network(), nn.Sequential(nn.BatchNorm1d(1), nn.Dropout(0.1, rng=0), nn.Linear(1, 1, rng=0))
    model = nn.Sequential(body.requires_grad_(False), head).eval()
    seen = []

    def loss(outputs, targets):
        seen.append((any(modes(body)), all(modes(head))))
        return F.mse_loss(outputs, targets)

    train.fit(model, loss, optim.SGD(head.parameters(), lr=0.01), [(X, Y)], 1)
    assert seen == [(False, True)]
    assert not any(modes(model))


def test_a_model_of_which_a_part_alone_was_put_in_train_trains_that_part():
    """The others are in eval mode by choice."""
    model = network().eval()
    model[1].train()
    seen = []
    fit(model, lambda y, t: (seen.append(modes(model)), F.mse_loss(y, t))[1])
    assert seen == [[False, False, True, False]]
    assert modes(model) == seen[0]


def test_a_subclass_that_keeps_parts_in_eval_itself_is_asked():
    """`train` of the model's own class decides in each epoch."""

    class Frozen(nn.Sequential):
        def train(self, mode=True):
            super().train(mode)
            self[0].training = False
            return self

    model = Frozen(*network())
    before = model[0].running_mean.tolist()
    fit(model, epochs=2, validation=[(X, Y)])
    assert model[0].running_mean.tolist() == before


def test_modes_are_restored_where_an_interrupt_came_as_the_training_ended(monkeypatch):
    """`fit` gives them back in any case, without the garbage collector."""
    model = network().eval()
    monkeypatch.setattr(Modes, "__exit__", interrupt)
    gc.disable()
    try:
        assert fit(model).interrupted
        assert not any(modes(model))
    finally:
        gc.enable()


def test_modes_are_restored_where_an_interrupt_came_first():
    """Where the block of a training was not left in order, they are when nobody knows of it any more."""
    model = network().eval()
    training = Modes(model)
    training.train()
    assert all(modes(model))
    del training
    assert not any(modes(model))


def test_a_part_that_is_added_during_a_training():
    """Is left ready for use, like the others."""
    model = nn.Sequential(nn.Linear(2, 1, rng=0))

    def add(history):
        if len(model) == 1:
            model.append(nn.Dropout(0.5, rng=0))

    loss = nn.functional.mse_loss
    batches = [(np.ones((4, 2)), np.ones((4, 1)))]
    train.fit(model, loss, optim.SGD(model.parameters(), lr=0.1), batches, 2, callbacks=[add])
    assert not model[1].training
    assert model(np.ones((1, 2))).tolist() == model(np.ones((1, 2))).tolist()
