"""What is set on an optimizer or on a group of it acts at once, or is refused by name."""

import copy
import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim


def leaf(values=(1.0,)):
    return mg.tensor(values, requires_grad=True)


def moved(optimizer, w):
    """How far a step goes against a gradient of ones."""
    before = w.data.copy()
    w.grad = np.ones(w.shape)
    optimizer.step()
    return before - w.data


CHANGES = [
    ("SGD", {"momentum": 0.9}, {"lr": 0.5}),
    ("SGD", {"momentum": 0.9}, {"momentum": 0.1}),
    ("SGD", {"momentum": 0.9, "dampening": 0.5}, {"dampening": 0.25}),
    ("SGD", {"weight_decay": 0.1}, {"weight_decay": 0.3}),
    ("Adam", {}, {"betas": (0.5, 0.6)}),
    ("Adam", {}, {"eps": 1.0}),
    ("AdamW", {}, {"weight_decay": 0.3}),
    ("NAdam", {}, {"momentum_decay": 0.5}),
    ("RMSprop", {}, {"alpha": 0.5}),
    ("Adagrad", {"lr_decay": 0.1}, {"lr_decay": 0.5}),
    ("Adadelta", {}, {"rho": 0.5}),
    ("Lion", {"weight_decay": 0.1}, {"weight_decay": 0.5}),
    # What was off at first, and what is turned off
    ("SGD", {}, {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9}, {"momentum": 0.0}),
    ("SGD", {"momentum": 0.9}, {"nesterov": True}),
    ("SGD", {"momentum": 0.9}, {"dampening": 0.5}),
    ("SGD", {}, {"weight_decay": 0.1}),
    ("SGD", {}, {"maximize": True}),
    ("Adam", {}, {"weight_decay": 0.1}),
    ("AdamW", {}, {"weight_decay": 0.0}),
    ("NAdam", {"weight_decay": 0.1}, {"decoupled_weight_decay": True}),
    ("RMSprop", {}, {"centered": True}),
    ("RMSprop", {}, {"momentum": 0.5}),
    ("Lion", {}, {"weight_decay": 0.5}),
]


@pytest.mark.parametrize("compiled", [False, True], ids=["", "compiled"])
@pytest.mark.parametrize(("name", "options", "change"), CHANGES, ids=str)
def test_a_hyperparameter_set_as_an_attribute_acts_as_an_item_does(name, options, change, compiled):
    """Of a group: the next step is another one than without it, and the same either way."""
    steps = []
    for way in (None, "item", "attribute"):
        w = leaf()
        optimizer = getattr(optim, name)([w], lr=0.1, **options)
        (group,) = optimizer.param_groups
        step = mg.compile(optimizer.step) if compiled else optimizer.step
        for i in range(4):
            if i == 2 and way:
                ((key, value),) = change.items()
                group.__setitem__(key, value) if way == "item" else setattr(group, key, value)
                assert getattr(group, key) == group[key] == value
            w.grad = [1.0 + i + i**2]
            step()
        steps.append(w.item())
    assert steps[0] != steps[1] == steps[2]


def test_amsgrad_begins_with_the_largest_mean_from_now_on():
    """Turned on between steps, it keeps the scale of a later step from growing again."""
    steps = []
    for amsgrad in (False, True):
        w = leaf()
        optimizer = optim.Adam([w], lr=0.1, betas=(0.0, 0.0))
        for i, g in enumerate((1.0, 10.0, 1.0)):
            if i == 1:
                optimizer.param_groups[0].amsgrad = amsgrad
            w.grad = [g]
            before = w.item()
            optimizer.step()
        steps.append(before - w.item())
    np.testing.assert_allclose(steps, [0.1, 0.01], rtol=1e-7)  # eps


def test_a_buffer_that_is_there_already_is_dampened_at_once():
    """As in PyTorch, it is the first gradient in a buffer that is not dampened, not the first after a change."""
    w = leaf()
    optimizer = optim.SGD([w], lr=1.0, momentum=0.5)
    (group,) = optimizer.param_groups
    assert moved(optimizer, w) == [1.0]
    group.dampening = 0.5
    assert moved(optimizer, w) == [0.5 + 0.5]
    fresh = leaf()
    optimizer = optim.SGD([fresh], lr=1.0, momentum=0.5)
    optimizer.param_groups[0].dampening = 0.5
    assert moved(optimizer, fresh) == [1.0]


REFUSED = [
    (lambda group: setattr(group, "lr", -1.0), ValueError, "lr is a finite number, at least 0; got -1.0"),
    (lambda group: setattr(group, "lr", "fast"), ValueError, "lr is a finite number, at least 0; got 'fast'"),
    (lambda group: setattr(group, "betas", 0.9), ValueError, "betas is 2 numbers; got 0.9"),
    (lambda group: setattr(group, "betas", (0.9, 1.0)), ValueError, "betas[1] is a finite number, at least 0"),
    (lambda group: setattr(group, "amsgrad", 1), ValueError, "amsgrad is True or False; got 1"),
    (lambda group: setattr(group, "weight_decay", -0.1), ValueError, "weight_decay is a finite number, at least 0"),
    (lambda group: setattr(group, "learning_rate", 0.1), ValueError, "Adam has no hyperparameter 'learning_rate'; it"),
    (lambda group: setattr(group, "params", []), ValueError, "Adam has no hyperparameter 'params'; it has lr, b"),
    (lambda group: group.learning_rate, AttributeError, "has no 'learning_rate'; it has params, lr, betas, eps, wei"),
    (lambda group: group["params"].append(leaf()), TypeError, "are added with add_param_group, and none is removed"),
    (lambda group: group["params"].clear(), TypeError, "are added with add_param_group, and none is removed"),
]


@pytest.mark.parametrize(("change", "error", "text"), REFUSED, ids=[text for *_, text in REFUSED])
def test_what_a_group_cannot_have_is_refused_at_once(change, error, text):
    """As when the optimizer is made: by name, and the group stays as it was."""
    w = leaf()
    (group,) = optim.Adam([w], lr=0.1).param_groups
    before = dict(group)
    with pytest.raises(error, match=re.escape(text)):
        change(group)
    assert dict(group) == before


def test_a_group_can_be_copied():
    """As dict(group) or by copy.copy, for whoever wants to remember what it has."""
    (group,) = optim.Adam([leaf()], lr=0.1).param_groups
    assert dict(copy.copy(group)) == dict(group)
    params = copy.copy(group["params"])
    params.append(leaf())
    assert len(params) == 2
    assert len(group["params"]) == 1


def test_groups_are_added_by_their_method_only():
    """What is written into a list of groups or of parameters would not reach the update, so it is refused."""
    w, v = leaf(), leaf()
    optimizer = optim.SGD([w], lr=0.1)
    for change in (
        lambda: optimizer.param_groups.append({"params": [v]}),
        lambda: optimizer.param_groups.__setitem__(0, {"params": [w], "lr": 1.0}),
        lambda: optimizer.params.append(v),
        lambda: optimizer.params.__iadd__([v]),
        lambda: setattr(optimizer, "params", [v]),
        lambda: setattr(optimizer, "param_groups", [{"params": [v]}]),
    ):
        with pytest.raises(TypeError, match="are added with add_param_group, and none is removed"):
            change()
    optimizer.add_param_group({"params": [v]})
    assert optimizer.params == [w, v]
    assert len(optimizer.param_groups) == 2


def test_an_optimizer_refuses_what_belongs_to_its_groups():
    """Only lr can be set for all groups; the name of another hyperparameter, which would do nothing, is refused."""
    w = leaf()
    optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
    with pytest.raises(AttributeError, match=re.escape("Set optimizer.param_groups[i]['momentum']")):
        optimizer.momentum = 0.5
    with pytest.raises(ValueError, match="SGD has no hyperparameter 'betas'; it has lr, momentum, dampening"):
        optimizer.betas = (0.9, 0.9)
    optimizer.note = "mine"
    optimizer.lr = 0.5
    assert moved(optimizer, w) == [0.5]
