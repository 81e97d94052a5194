"""SGD: its steps, its state, and what it refuses."""

import json
import tracemalloc

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim

from .make_reference import FILE, START

REFERENCE = json.loads(FILE.read_text())


def descend(optimizer, w):
    optimizer.zero_grad()
    mg.sum(w**4 / 4 + mg.sin(w)).backward()
    optimizer.step()


@pytest.mark.parametrize(("settings", "steps"), REFERENCE, ids=[str(settings) for settings, _ in REFERENCE])
def test_twenty_steps_are_those_of_pytorch(settings, steps):
    """Each of 20 steps agrees with PyTorch's to 1e-12, whatever the hyperparameters."""
    w = mg.tensor(START, requires_grad=True)
    optimizer = optim.SGD([w], **settings)
    for expected in steps:
        descend(optimizer, w)
        np.testing.assert_allclose(w.data, expected, rtol=1e-12)


def test_step_writes_into_the_parameters_memory():
    """The array that a parameter held before a step holds the new values after it."""
    w = mg.tensor(START, requires_grad=True)
    memory = w.data
    optimizer = optim.SGD([w], lr=0.1)
    descend(optimizer, w)
    assert w.data is memory
    assert not np.array_equal(memory, START)


@pytest.mark.parametrize("settings", [settings for settings, _ in REFERENCE], ids=str)
def test_step_allocates_no_array(settings):
    """After the first step, which makes the momentum buffer, a step takes less memory than a tenth of one array."""
    w = mg.tensor(np.ones(100_000), requires_grad=True)
    optimizer = optim.SGD([w], **settings)
    w.grad = np.ones(100_000)
    optimizer.step()
    tracemalloc.start()
    optimizer.step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < w.data.nbytes / 10


def test_float32_parameters_stay_float32():
    """A step in single precision is computed in single precision, also beside a parameter in double."""
    single = mg.tensor(np.float32([1, 2]), requires_grad=True)
    double = mg.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([single, double], lr=0.1, momentum=0.9, weight_decay=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        (mg.sum(single**2) + mg.sum(double)).backward()
        optimizer.step()
    assert single.dtype == np.float32
    assert double.dtype == np.float64


def test_parameter_without_gradient_is_left_alone():
    """A parameter whose grad is None is not moved, not even by weight decay or momentum."""
    used, unused = mg.tensor([1.0], requires_grad=True), mg.tensor([5.0], requires_grad=True)
    optimizer = optim.SGD([used, unused], lr=0.1, momentum=0.9, weight_decay=0.5)
    for _ in range(3):
        optimizer.zero_grad()
        used.sum().backward()
        optimizer.step()
    assert unused.item() == 5.0
    assert used.item() != 1.0


def test_parameter_that_stops_requiring_grad_is_left_alone():
    """A frozen parameter is passed over by step and zero_grad."""
    w = mg.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)
    w.requires_grad = False
    optimizer.zero_grad()
    optimizer.step()
    assert w.item() == 1.0


def test_zero_grad_sets_none():
    """zero_grad leaves no gradient, not a zero."""
    w = mg.tensor(START, requires_grad=True)
    w.sum().backward()
    optim.SGD([w], lr=0.1).zero_grad()
    assert w.grad is None


def test_a_gradient_that_was_looked_at_is_used_the_same():
    """Looking at .grad, which makes it a Tensor, does not change the step."""
    w, v = (mg.tensor(START, requires_grad=True) for _ in range(2))
    for x, look in ((w, False), (v, True)):
        optimizer = optim.SGD([x], lr=0.1)
        (x**3).sum().backward()
        assert not look or x.grad.shape == (3,)
        optimizer.step()
    np.testing.assert_array_equal(w.data, v.data)


def test_lr_can_be_set_between_steps():
    """A schedule sets lr, and the next step is of that length."""
    w = mg.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)
    optimizer.lr = 0.5
    w.sum().backward()
    optimizer.step()
    assert optimizer.lr == 0.5
    assert w.item() == 0.5


def test_graph_from_before_a_step_refuses_backward():
    """A step is a change in place: a graph that needs the old weights says so."""
    w = mg.tensor(START, requires_grad=True)
    loss = (w**2).sum()
    loss.backward(retain_graph=True)
    optim.SGD([w], lr=0.1).step()
    with pytest.raises(mg.GraphError, match="square saved a leaf that has been changed in place"):
        loss.backward()


@pytest.mark.parametrize("settings", [settings for settings, _ in REFERENCE], ids=str)
def test_state_dict_resumes_bit_for_bit(settings):
    """Ten steps, a new optimizer with the saved state, ten steps: the same as twenty."""
    w = mg.tensor(START, requires_grad=True)
    optimizer = optim.SGD([w], **settings)
    for _ in range(10):
        descend(optimizer, w)
    resumed = mg.tensor(w.data, requires_grad=True)
    other = optim.SGD([resumed], lr=7.0)
    other.load_state_dict(optimizer.state_dict())
    for _ in range(10):
        descend(optimizer, w)
        descend(other, resumed)
    np.testing.assert_array_equal(w.data, resumed.data)


def test_state_dict_is_a_copy():
    """Steps after state_dict() do not change what it returned."""
    w = mg.tensor(START, requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
    descend(optimizer, w)
    saved = optimizer.state_dict()
    before = saved["velocity"][0].copy()
    descend(optimizer, w)
    np.testing.assert_array_equal(saved["velocity"][0], before)


def test_bad_state_is_refused_as_a_whole():
    """Missing and unexpected names and wrong shapes come in one error, and the optimizer stays as it was."""
    w = mg.tensor(START, requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1, momentum=0.9)
    descend(optimizer, w)
    before = optimizer.state_dict()
    state = {**before, "velocity": [np.zeros(4)], "beta": 1}
    del state["lr"]
    with pytest.raises(
        ValueError, match=r"lr is missing; beta is unexpected; velocity\[0\] has shape \(4,\), not \(3,\)"
    ):
        optimizer.load_state_dict(state)
    with pytest.raises(ValueError, match="velocity is for 2 parameters, not 1"):
        optimizer.load_state_dict({**before, "velocity": [None, None]})
    with pytest.raises(ValueError, match="lr is a finite number"):
        optimizer.load_state_dict({**before, "lr": float("nan")})
    after = optimizer.state_dict()
    np.testing.assert_array_equal(after.pop("velocity"), before.pop("velocity"))
    assert after == before


@pytest.mark.parametrize(
    ("params", "error", "text"),
    [
        (lambda w: w, TypeError, r"takes a list of parameters; got a single tensor p. Pass \[p\]"),
        (lambda w: [], ValueError, "takes at least one parameter; got none"),
        (lambda w: [w, np.ones(2)], TypeError, "takes Tensors; parameter 1 is a ndarray"),
        (lambda w: [mg.tensor([1.0])], ValueError, "parameter 0 does not require grad"),
        (lambda w: [w * 2], ValueError, "parameter 0 is the result of multiply"),
        (lambda w: [w, w], ValueError, "takes each parameter once"),
    ],
)
def test_what_cannot_be_optimized_is_refused(params, error, text):
    """Anything but different leaves that require grad is refused, with the reason."""
    with pytest.raises(error, match=text):
        optim.SGD(params(mg.tensor([1.0], requires_grad=True)), lr=0.1)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"lr": -1}, "lr is a finite number, at least 0; got -1"),
        ({"lr": float("inf")}, "lr is a finite number"),
        ({"lr": 0.1, "momentum": 1.5}, "momentum is a finite number, from 0 to 1; got 1.5"),
        ({"lr": 0.1, "dampening": -0.1}, "dampening is a finite number, from 0 to 1"),
        ({"lr": 0.1, "weight_decay": float("nan")}, "weight_decay is a finite number, at least 0; got nan"),
        ({"lr": 0.1, "nesterov": True}, "nesterov takes momentum > 0 and dampening = 0; got 0 and 0"),
        ({"lr": 0.1, "nesterov": True, "momentum": 0.9, "dampening": 0.1}, "got 0.9 and 0.1"),
    ],
)
def test_hyperparameters_out_of_bounds_are_refused(settings, text):
    """A number that is not finite or out of its bounds is refused by name."""
    with pytest.raises(ValueError, match=text):
        optim.SGD([mg.tensor([1.0], requires_grad=True)], **settings)


def test_a_refused_lr_leaves_the_old_one():
    """Setting a bad lr raises, and the optimizer goes on with the former."""
    optimizer = optim.SGD([mg.tensor([1.0], requires_grad=True)], lr=0.1)
    with pytest.raises(ValueError, match="lr is a finite number"):
        optimizer.lr = -0.1
    assert optimizer.lr == 0.1
