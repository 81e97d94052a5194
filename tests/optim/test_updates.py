"""The update of each optimizer, beside PyTorch's and beside its formula."""

import tracemalloc

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.optim import slot as slots

from .make_reference import OTHER, SETTINGS, START, STEPS, has_gradient, read

TRAJECTORIES = read("trajectories")
EACH = [
    *((name, options) for name, cases in SETTINGS.items() for options in cases if "groups" not in options),
    ("Lion", {}),
    ("Lion", {"weight_decay": 0.1}),
    ("LAMB", {}),
    ("LAMB", {"weight_decay": 0.1}),
]
ELEMENTWISE = [(name, options) for name, options in EACH if getattr(optim, name).elementwise]
NAMES = list(dict.fromkeys(name for name, _ in EACH))


def decaying(name):
    """The options for some weight decay, where there is any."""
    return {} if name == "Rprop" else {"weight_decay": 0.1}


def made(name, params, options):
    """An optimizer with the options that are not meant for later."""
    options = {key: tuple(v) if isinstance(v, list) else v for key, v in options.items() if key != "later"}
    return getattr(optim, name)(params, **options)


def slope(w):
    mg.sum(w**4 / 4 + mg.sin(w)).backward()


def descend(optimizer, w):
    optimizer.zero_grad()
    slope(w)
    optimizer.step()


@pytest.mark.parametrize(
    ("name", "options", "steps"), TRAJECTORIES, ids=[f"{name} {options}" for name, options, _ in TRAJECTORIES]
)
def test_twenty_steps_are_those_of_pytorch(name, options, steps):
    """Each of 20 steps agrees with PyTorch's to 1e-12: with groups, gradients now and then, and changes halfway."""
    options = dict(options)
    groups, later = options.pop("groups", None), options.pop("later", {})
    w, other = mg.tensor(START, requires_grad=True), mg.tensor(OTHER, requires_grad=True)
    params = [w] if groups is None else [{"params": [p], **own} for p, own in zip((w, other), groups, strict=True)]
    optimizer = made(name, params, options)
    for step, (expected, expected_other) in enumerate(steps):
        if step == STEPS // 2:
            optimizer.param_groups[0].update(later)
        optimizer.zero_grad()
        slope(w)
        if has_gradient(step):
            slope(other)
        optimizer.step()
        np.testing.assert_allclose(w.data, expected, rtol=1e-12, atol=1e-13)  # some weights pass through zero
        np.testing.assert_allclose(other.data, expected_other, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("betas", "weight_decay"), [((0.9, 0.99), 0.0), ((0.5, 0.8), 0.3), ((0.0, 0.0), 0.1)])
def test_lion_follows_the_formula_of_the_paper(betas, weight_decay):
    """20 steps agree with algorithm 2 of the paper, written out."""
    w, lr = mg.tensor(START, requires_grad=True), 0.03
    optimizer = optim.Lion([w], lr, betas, weight_decay)
    expected, m = np.array(START), np.zeros(3)
    for _ in range(20):
        g = expected**3 + np.cos(expected)
        c = betas[0] * m + (1 - betas[0]) * g
        expected = expected - lr * (np.sign(c) + weight_decay * expected)
        m = betas[1] * m + (1 - betas[1]) * g
        descend(optimizer, w)
        np.testing.assert_allclose(w.data, expected, rtol=1e-12)


@pytest.mark.parametrize(("name", "options"), ELEMENTWISE, ids=str)
def test_a_step_allocates_no_array(name, options):
    """From the first step on, a step takes less memory than a tenth of one array."""
    w = mg.tensor(np.ones(100_000), requires_grad=True)
    optimizer = made(name, [w], {"lr": 0.1, **options})
    w.grad = np.ones(100_000)
    tracemalloc.start()
    optimizer.step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < w.data.nbytes / 10


@pytest.mark.parametrize(("name", "options"), ELEMENTWISE, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_blocks_change_nothing(name, options, dtype, monkeypatch):
    """A parameter that is updated block by block gets the same bits as one that is updated as a whole."""
    start = np.random.default_rng(0).normal(size=(7, 11)).astype(dtype)
    w, whole = mg.tensor(start, requires_grad=True), mg.tensor(start, requires_grad=True)
    optimizer_of_whole = made(name, [whole], {"lr": 0.1, **options})
    monkeypatch.setattr(slots, "BLOCK", 16 * start.itemsize)
    optimizer = made(name, [w], {"lr": 0.1, **options})
    assert len(optimizer._slots[0].blocks) == 5
    for _ in range(3):
        descend(optimizer, w)
        descend(optimizer_of_whole, whole)
    np.testing.assert_array_equal(w.data, whole.data)
    assert w.dtype == dtype


@pytest.mark.parametrize("name", NAMES)
def test_float32_is_as_exact_as_it_can_be(name):
    """20 steps in single precision stay near those in double: the factors of each step are computed in double."""
    single, double = (mg.tensor(np.array(START, dtype), requires_grad=True) for dtype in (np.float32, np.float64))
    optimizer = made(name, [single, double], {"lr": 0.01, **decaying(name)})
    for _ in range(20):
        optimizer.zero_grad()
        slope(single)
        slope(double)
        optimizer.step()
    assert single.dtype == np.float32
    assert double.dtype == np.float64
    np.testing.assert_allclose(single.data, double.data, rtol=2e-5)  # 20 steps of a few roundings, 6e-8 each


@pytest.mark.parametrize("name", [x for x in NAMES if getattr(optim, x).elementwise])
def test_a_number_is_a_parameter_too(name):
    """A parameter without dimensions is updated like an element of a larger one."""
    w, row = mg.tensor(2.0, requires_grad=True), mg.tensor([2.0, 1.0], requires_grad=True)
    optimizer = made(name, [w, row], {"lr": 0.1, **decaying(name)})
    for _ in range(3):
        optimizer.zero_grad()
        slope(w)
        slope(row)
        optimizer.step()
    assert w.item() == row.data[0] != 2.0


def test_the_variance_of_a_constant_gradient_is_not_negative():
    """Centered RMSprop divides by eps alone where rounding would put the variance below zero."""
    w = mg.tensor(np.zeros(100), requires_grad=True)
    optimizer = optim.RMSprop([w], lr=1.0, alpha=0.5, eps=1.0, centered=True)
    for _ in range(60):  # until the means have settled
        w.grad = np.linspace(0.1, 1.1, 100)
        before = w.data.copy()
        optimizer.step()
    np.testing.assert_allclose(before - w.data, np.linspace(0.1, 1.1, 100), rtol=1e-7)  # roots of a few 1e-16


def test_fortran_order_is_updated_all_the_same(monkeypatch):
    """A parameter that does not lie in C order is not cut into blocks."""
    monkeypatch.setattr(slots, "BLOCK", 16)
    w = mg.asarray(np.asfortranarray(np.arange(12.0).reshape(3, 4)))
    w.requires_grad = True
    optimizer = optim.Adam([w], lr=0.1)
    w.grad = np.ones((3, 4))
    optimizer.step()
    np.testing.assert_allclose(w.data, np.arange(12.0).reshape(3, 4) - 0.1, atol=1e-8)


def test_without_momentum_there_is_no_dampening():
    """As PyTorch skips the buffer once a group's momentum is 0: the step is the gradient."""
    w = mg.tensor(np.ones(1), requires_grad=True)
    optimizer = optim.SGD([w], lr=1.0, momentum=0.9, dampening=0.5)
    steps = []
    for momentum in (0.9, 0.9, 0.0, 0.0):
        optimizer.param_groups[0]["momentum"] = momentum
        w.data, w.grad = np.ones(1), np.ones(1)
        optimizer.step()
        steps.append(1 - w.item())
    assert steps == [1.0, 0.9 + 0.5, 1.0, 1.0]


def losses_down(name, start, options, changes):
    """The weights after each step down sum(w**2), each with other hyperparameters."""
    w = mg.tensor(start, requires_grad=True)
    optimizer = getattr(optim, name)([w], **options)
    found = []
    for change in changes:
        optimizer.param_groups[0].update(change)
        optimizer.zero_grad()
        mg.sum(w**2).backward()
        optimizer.step()
        found.append(w.tolist())
    return found


WARM = [{"lr": lr} for lr in (0.001, 0.02, 0.04)]
AS_PYTORCH = [
    ("ASGD", {"lr": 0.1, "lambd": 0.5}, WARM, [[0.9975, -1.995], [0.9950071847473065, -1.990014369494613],
      [0.945990256447304, -1.891980512894608]]),
    ("Rprop", {"lr": 0.1}, WARM, [[0.999, -1.999], [0.9978, -1.9978], [0.99636, -1.99636]]),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}, [{"momentum": x} for x in (0.0, 0.0, 0.9, 0.9)],
     [[0.8, -1.6], [0.64, -1.28], [0.512, -1.024], [0.34559999999999996, -0.6911999999999999]]),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5}, [{"momentum": x} for x in (0.9, 0.0, 0.9, 0.9)],
     [[0.8, -1.6], [0.64, -1.28], [0.396, -0.792], [0.1368, -0.2736]]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "options", "changes", "expected"), AS_PYTORCH, ids=[x for x, *_ in AS_PYTORCH])
def test_the_first_step_takes_the_hyperparameters_that_hold_then(name, options, changes, expected):
    """The lr of a schedule, and a buffer that begins late: the numbers of PyTorch 2.14, also of no dimensions."""
    np.testing.assert_allclose(losses_down(name, [1.0, -2.0], options, changes), expected, rtol=1e-14)
    alone = losses_down(name, 1.0, options, changes)
    np.testing.assert_allclose(alone, np.array(expected)[:, 0], rtol=1e-14)


@pytest.mark.parametrize(("name", "expected"), [("ASGD", [0.998, -1.996]), ("Rprop", [0.999, -1.999])])
def test_a_warm_up_begins_with_the_first_step(name, expected):
    """A schedule is made after the optimizer, and sets the lr of its first step; so does a rule's argument."""
    w = mg.tensor([1.0, -2.0], requires_grad=True)
    optimizer = getattr(optim, name)([w], lr=0.1)
    optim.lr_scheduler.LinearLR(optimizer, start_factor=0.01)
    mg.sum(w**2).backward()
    optimizer.step()
    np.testing.assert_allclose(w.data, expected, rtol=2e-7)  # but for lambd
    rule = getattr(optim, name).rule(lr=0.1)
    params = np.array([1.0, -2.0])
    found, _ = rule.updated(params, 2 * params, rule.init(params), lr=0.001)
    np.testing.assert_array_equal(found, w.data)


def test_a_rule_counts_steps_without_momentum_for_nothing():
    """As the optimizer does: the first gradient in its buffer is not dampened."""
    rule = optim.SGD.rule(lr=0.1, momentum=0.9, dampening=0.5)
    w = np.array([1.0, -2.0])
    state = rule.init(w)
    for momentum in (0.0, 0.0, 0.9, 0.9):
        w, state = rule.updated(w, 2 * w, state, momentum=momentum)
    np.testing.assert_allclose(w, [0.3456, -0.6912], rtol=1e-14)
    assert state["step"] == 2.0
