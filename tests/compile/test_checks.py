"""A check that fails leaves everything as the function itself does."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.core.door import raise_if
from minigrad.core.recorder import drawn, state_array
from minigrad.nn import functional as F

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "numba"])


def play(make, calls, compile):
    """Answers, errors and states of a function that `make` makes, with its state, anew, call by call."""
    function, state = make()
    step = compile(function)
    log = []
    for args in calls:
        try:
            answer = step(*[np.copy(x) for x in args])
        except ValueError as error:
            answer = str(error)
        log.append((answer, [np.copy(x) for x in state()]))
    return log


def agree(make, calls, backend):
    """Assert that the compiled function does what the function does, failing calls and all."""
    ours, theirs = play(make, calls, lambda f: mg.compile(f, backend=backend)), play(make, calls, lambda f: f)
    for (answer, state), (other, other_state) in zip(ours, theirs, strict=True):
        assert type(answer) is type(other), (answer, other)
        if isinstance(answer, str):
            assert answer == other
        for x, y in zip(state, other_state, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12)  # sums in native code are rounded otherwise


def negative(x):
    raise_if(x < 0, lambda: ValueError("numbers are at least 0"))


CALLS = [[np.array([1.0, 2.0])], [np.array([3.0, 4.0])], [np.array([-1.0, 2.0])], [np.array([5.0, 6.0])]]


@BACKENDS
def test_a_check_of_what_was_changed_before(backend):
    """Arrays from outside, parts of them, arguments and generators have what was in them before the call."""

    def make():
        kept, rng = np.arange(4.0), np.random.default_rng(0)
        part = kept[1:3]

        def function(x):
            inside = state_array(part)
            inside += x
            whole = state_array(kept)
            whole *= drawn(rng, "random")
            negative(inside - 10 * (x < 0))
            return x * whole[0]

        return function, lambda: [kept, np.array(rng.bit_generator.state["state"]["state"] % 2**53, float)]

    agree(make, CALLS, backend)


@BACKENDS
def test_a_check_of_an_argument_after_it_was_changed(backend):
    """And of a gradient that is changed in place."""
    w = mg.tensor([1.0, 1.0], requires_grad=True)

    def function(x):
        x *= 2
        grad = w.grad.data
        grad += x
        negative(x)
        return x + 0

    compiled = mg.compile(function, backend=backend)
    for values in ([1.0, 2.0], [3.0, 4.0], [-1.0, 2.0]):
        w.grad = [0.5, 0.5]
        x = np.array(values)
        if min(values) >= 0:
            compiled(x)
        else:
            with pytest.raises(ValueError, match="at least 0"):
                compiled(x)
        assert x.tolist() == [2 * value for value in values]
        assert w.grad.tolist() == [2 * value + 0.5 for value in values]


@BACKENDS
def test_labels_out_of_range_after_running_statistics_and_dropout(backend):
    """The statistics move once, as they do uncompiled, and the mask is drawn once."""

    def make():
        model = nn.Sequential(nn.Linear(4, 5, rng=0), nn.BatchNorm1d(5), nn.Dropout(0.5, rng=1), nn.Linear(5, 3, rng=2))
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.5)

        def step(x, y):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(mg.asarray(x)), y.astype(int))
            loss.backward()
            optimizer.step()
            return loss.detach()

        return step, lambda: [x.data for _, x in [*model.named_parameters(), *model.named_buffers()]]

    rng = np.random.default_rng(0)
    calls = [[rng.normal(size=(6, 4)), np.full(6, float(label))] for label in (0, 1, 9, 2)]
    agree(make, calls, backend)


@BACKENDS
def test_repeating_what_changes_before_it_checks(backend):
    """The last turn is undone, and made by the function."""

    def make():
        kept = np.zeros(2)

        def function(x):
            inside = state_array(kept)
            inside += x
            raise_if(inside > 5, lambda: ValueError(f"{inside} is too large"))

        return function, lambda: [kept]

    def repeated(compile):
        function, state = make()
        step = compile(function)
        step(np.ones(2))
        with pytest.raises(ValueError, match="too large"):
            [step(np.ones(2)) for _ in range(9)] if step is function else step.repeat(9, np.ones(2))
        return state()[0].tolist()

    assert repeated(lambda f: mg.compile(f, backend=backend)) == repeated(lambda f: f) == [6, 6]


def test_checks_of_arguments_come_first():
    """Nothing need be taken back then, and nothing copied."""
    kept = np.zeros(2)

    def function(x, labels):
        inside = state_array(kept)
        inside += x
        negative(labels + 0)
        return x * 2

    compiled = mg.compile(function)
    compiled(np.ones(2), np.array([1, 2]))
    assert compiled.source.index("raise Stale") < compiled.source.index("add(kept")
    with pytest.raises(ValueError, match="at least 0"):
        compiled(np.ones(2), np.array([1, -2]))
    assert kept.tolist() == [2, 2]  # by the function, once


@BACKENDS
def test_a_check_of_what_was_drawn(backend):
    """The generator is where the function leaves it, which draws once."""

    def make():
        rng = np.random.default_rng(0)

        def function(x):
            drawn_here = drawn(rng, "random", 2)
            raise_if(drawn_here + x < 0, lambda: ValueError("too small"))
            return x * drawn_here

        return function, lambda: [np.array(rng.bit_generator.state["state"]["state"] % 2**53, float)]

    agree(make, CALLS, backend)
