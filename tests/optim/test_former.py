"""States that earlier versions wrote are read, and go on as they would have."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim

START = [1.0, -2.0, 0.5]


def stepped(name, options, n):
    w = mg.tensor(START, requires_grad=True)
    optimizer = getattr(optim, name)([w], **options)
    for _ in range(n):
        w.grad = w.data**3 + np.cos(w.data)
        optimizer.step()
    return w, optimizer


def former(name, group):
    """What the state of now was called then: sums in place of means, with the factors between them."""
    kept = dict(group["params"]["0"])
    now = {now: then for then, now in {
        "SGD": {"velocity": "momentum_buffer"},
        "RMSprop": {"square": "square_avg", "mean": "grad_avg", "velocity": "momentum_buffer"},
        "Adagrad": {"square": "sum"},
        "Adadelta": {"square": "square_avg", "square_step": "acc_delta"},
        "Lion": {"mean": "exp_avg"},
    }.get(name, {"sum": "exp_avg", "squares": "exp_avg_sq", "largest": "max_exp_avg_sq"}).items()}  # fmt: skip
    then = {now.get(key, key): x for key, x in kept.items()}
    if "sum" in then:
        share1, share2 = (1 - beta for beta in group["betas"])
        then |= {"sum": then["sum"] / share1, "squares": then["squares"] / share2, "share1": share1, "share2": share2}
    if name == "Lion":
        then["step"] = 3.0
    values = {key: x for key, x in group.items() if key not in ("maximize", "initial_accumulator_value")}
    return {"groups": {"0": {**values, "params": {"0": then}}}}


CASES = [
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}),
    ("SGD", {"lr": 0.1}),
    ("Adam", {"lr": 0.1}),
    ("Adam", {"lr": 0.1, "amsgrad": True}),
    ("AdamW", {"lr": 0.1, "betas": (0.5, 0.9)}),
    ("NAdam", {"lr": 0.1}),
    ("RAdam", {"lr": 0.1}),
    ("RMSprop", {"lr": 0.1, "momentum": 0.5, "centered": True}),
    ("Adagrad", {"lr": 0.1}),
    ("Adadelta", {"lr": 1.0}),
    ("Lion", {"lr": 0.1}),
]


@pytest.mark.parametrize(("name", "options"), CASES, ids=str)
def test_a_former_state_goes_on(name, options):
    """Three steps, a state as it was written then, three steps: those of six."""
    expected, _ = stepped(name, options, 6)
    w, optimizer = stepped(name, options, 3)
    state = former(name, optimizer.state_dict()["groups"]["0"])
    resumed = getattr(optim, name)([w], **options)
    resumed.load_state_dict(state)
    for _ in range(3):
        w.grad = w.data**3 + np.cos(w.data)
        resumed.step()
    np.testing.assert_allclose(w.data, expected.data, rtol=1e-12)


@pytest.mark.parametrize("state", [3, {"groups": 3}, {"groups": {"0": 3}}, {"groups": {"0": {"params": {"0": 3}}}}])
def test_what_is_no_state_is_refused_as_ever(state):
    with pytest.raises(ValueError, match="this state does not belong to this SGD"):
        optim.SGD([mg.tensor(START, requires_grad=True)], lr=0.1).load_state_dict(state)


def test_a_former_state_of_lbfgs_goes_on():
    """It has no maximize among its hyperparameters."""

    def run(w, optimizer):
        def closure():
            optimizer.zero_grad()
            loss = mg.sum(w**4 / 4 + mg.sin(w))
            loss.backward()
            return loss

        optimizer.step(closure)

    w = mg.tensor(START, requires_grad=True)
    optimizer = optim.LBFGS([w], max_iter=2)
    run(w, optimizer)
    state = optimizer.state_dict()
    del state["groups"]["0"]["maximize"]
    other = mg.tensor(w.data, requires_grad=True)
    resumed = optim.LBFGS([other], max_iter=2)
    resumed.load_state_dict(state)
    run(w, optimizer)
    run(other, resumed)
    assert w.tolist() == other.tolist()
