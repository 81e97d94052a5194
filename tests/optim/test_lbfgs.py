"""LBFGS: its steps beside PyTorch's, what it refuses, and the line search."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.optim.line_search import Point, away_from_ends, bracketed, cubic_minimum, strong_wolfe

from .make_reference import ROSENBROCK_START, read, regression_data, rosenbrock


def problem(name, **options):
    """An optimizer and its closure."""
    if name == "rosenbrock":
        params = [mg.tensor(ROSENBROCK_START, requires_grad=True)]
        loss_of = lambda: rosenbrock(params[0])
    else:
        x, y = map(np.array, regression_data())
        params = [mg.tensor(np.zeros(3), requires_grad=True), mg.tensor(0.0, requires_grad=True)]
        loss_of = lambda: ((mg.tanh(x @ params[0] + params[1]) - y) ** 2).sum()
    optimizer = optim.LBFGS(params, **options)

    def closure():
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        return loss

    return optimizer, closure


@pytest.mark.parametrize(
    ("name", "options", "steps"), read("lbfgs"), ids=lambda x: None if isinstance(x, list) else str(x)
)
def test_steps_are_those_of_pytorch(name, options, steps):
    """The first loss and the parameters of 8 steps agree: the same directions, trial points and stops."""
    optimizer, closure = problem(name, **options)
    for loss, params in steps:
        assert optimizer.step(closure).item() == pytest.approx(loss, rel=1e-6, abs=1e-12)
        for p, expected in zip(optimizer.params, params, strict=True):
            # Each direction solves for a Hessian from differences of gradients, which multiplies rounding.
            np.testing.assert_allclose(p.data, expected, rtol=1e-6, atol=1e-9)


def test_the_valley_is_found():
    """Rosenbrock's function is brought to its minimum, ones, to the last digits."""
    optimizer, closure = problem("rosenbrock", max_iter=200)
    optimizer.step(closure)
    np.testing.assert_allclose(optimizer.params[0].data, np.ones(6), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "options", [{"max_iter": 1}, {"max_iter": 2, "max_eval": 1}, {"max_iter": 3, "lr": 0.1}], ids=str
)
def test_a_few_directions_a_step_find_the_valley_too(options, dtype):
    """The memory is kept from step to step, and a search goes on until it has found a lower point."""
    w = mg.tensor(np.array([-1.2, 1.0], dtype), requires_grad=True)
    optimizer = optim.LBFGS([w], **options)

    def closure():
        optimizer.zero_grad()
        loss = 100 * (w[1] - w[0] ** 2) ** 2 + (1 - w[0]) ** 2
        loss.backward()
        return loss

    losses = [optimizer.step(closure).item() for _ in range(200)]
    assert losses[-1] < 1e-6
    assert losses == sorted(losses, reverse=True)


def test_max_iter_is_kept_to():
    """With evaluations enough, a step tries as many directions as it may."""
    optimizer, closure = problem("rosenbrock", max_iter=2, max_eval=100)
    optimizer.step(closure)
    assert optimizer.state_dict()["memory"]["iterations"] == 2


def test_a_step_at_the_minimum_moves_nothing():
    """Where the gradient is within the tolerance, the closure is called once."""
    optimizer, closure = problem("rosenbrock")
    optimizer.params[0].data = np.ones(6)
    calls = []
    optimizer.step(lambda: calls.append(1) or closure())
    assert len(calls) == 1
    np.testing.assert_array_equal(optimizer.params[0].data, np.ones(6))


def test_single_precision_goes_as_far_as_it_can():
    """float32 parameters come near the minimum, and stay float32."""
    w = mg.tensor(np.float32(ROSENBROCK_START), requires_grad=True)
    optimizer = optim.LBFGS([w], max_iter=200)

    def closure():
        optimizer.zero_grad()
        loss = rosenbrock(w)
        loss.backward()
        return loss

    with mg.no_grad():  # the closure computes gradients all the same
        optimizer.step(closure)
    assert w.dtype == np.float32
    np.testing.assert_allclose(w.data, np.ones(6), atol=2e-2)  # the valley's floor is flat: the square of 1e-7 / 100


@pytest.mark.parametrize("direction", [1, -1])
def test_an_infinite_wall_is_stepped_back_from(direction):
    """Where a trial point has no value, as beyond the domain of log, the search tries a shorter step."""
    w = mg.tensor([5.0 * direction], requires_grad=True)
    optimizer = optim.LBFGS([w], lr=30.0, max_iter=60)

    def closure():
        optimizer.zero_grad()
        with np.errstate(all="ignore"):
            loss = (w * direction - 2.0 * mg.log(w * direction)).sum()
            loss.backward()
        return loss

    optimizer.step(closure)
    np.testing.assert_allclose(w.data, [2.0 * direction], rtol=1e-5)


def test_a_parameter_without_gradient_stays():
    """A parameter that the loss does not use has a gradient of zero."""
    used, unused = mg.tensor([3.0], requires_grad=True), mg.tensor([7.0], requires_grad=True)
    optimizer = optim.LBFGS([used, unused])

    def closure():
        optimizer.zero_grad()
        loss = (used**2).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert unused.item() == 7.0
    assert abs(used.item()) < 1e-6


def test_no_learning_rate_no_step():
    """With lr = 0 there is nowhere to go."""
    optimizer, closure = problem("rosenbrock", lr=0.0)
    optimizer.step(closure)
    np.testing.assert_array_equal(optimizer.params[0].data, ROSENBROCK_START)


def test_a_closure_that_fails_leaves_the_parameters():
    """An exception in the middle of a line search puts the parameters back to where the search began."""
    optimizer, closure = problem("rosenbrock")
    calls = []

    def failing():
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return closure()

    with pytest.raises(KeyboardInterrupt):
        optimizer.step(failing)
    np.testing.assert_array_equal(optimizer.params[0].data, ROSENBROCK_START)


def test_a_closure_that_fails_later_leaves_the_memory_too():
    """Whichever call of the closure fails, a step leaves parameters and memory as they were before it."""
    optimizer, closure = problem("rosenbrock")
    for count in range(1, 9):
        before, place = optimizer.state_dict(), optimizer.params[0].data.copy()
        calls = []

        def failing(count=count, calls=calls):
            calls.append(1)
            if len(calls) == count:
                raise KeyError
            return closure()

        with pytest.raises(KeyError):
            optimizer.step(failing)
        np.testing.assert_array_equal(optimizer.params[0].data, place)
        np.testing.assert_equal(optimizer.state_dict(), before)
    optimizer.step(closure)
    assert optimizer.state_dict()["memory"]["iterations"] > 1


@pytest.mark.parametrize("answer", [None, "low", mg.tensor([1.0, 2.0])], ids=repr)
def test_a_closure_without_a_loss_is_refused(answer):
    """The loss is what it returns: a number, or an array of one element of any shape."""
    optimizer, closure = problem("rosenbrock")
    with pytest.raises(TypeError, match="the closure of LBFGS returns the loss, of one element; got "):
        optimizer.step(lambda: closure() and answer)
    np.testing.assert_array_equal(optimizer.params[0].data, ROSENBROCK_START)
    losses = [optimizer.step(lambda f=f: f(closure())) for f in (lambda x: x.item(), lambda x: x.reshape((1, 1)))]
    assert losses[1].shape == (1, 1)
    assert losses[1].item() < losses[0]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_gradient_that_is_not_finite_is_refused(bad):
    """A finite loss with no finite gradient gives no direction, and nothing has changed."""
    optimizer, closure = problem("rosenbrock")
    before = optimizer.state_dict()

    def without_slope():
        loss = closure()
        optimizer.params[0].grad = [bad] * 6
        return loss

    with pytest.raises(FloatingPointError, match="starts from a finite gradient; the closure's has NaN or infinity"):
        optimizer.step(without_slope)
    np.testing.assert_equal(optimizer.state_dict(), before)


def test_a_point_without_a_slope_is_stepped_back_from():
    """Where a trial point is lower but has no gradient, the search tries a shorter step, as at a wall."""
    w = mg.tensor([5.0], requires_grad=True)
    optimizer = optim.LBFGS([w], lr=5.0)

    def closure():
        optimizer.zero_grad()
        loss = (w**2).sum()
        loss.backward()
        if w.item() < 1.0:
            w.grad = [np.nan]
        return loss

    optimizer.step(closure)
    assert 1.0 <= w.item() < 2.0


def test_a_frozen_parameter_is_refused():
    """One vector cannot move in part: the error names the parameter, and nothing moves."""
    optimizer, closure = problem("regression", max_iter=2)
    optimizer.step(closure)
    before, place = optimizer.state_dict(), optimizer.params[0].data.copy()
    optimizer.params[1].requires_grad = False
    with pytest.raises(ValueError, match="as one vector, and 1 cannot move, having ceased to require grad. Make one"):
        optimizer.step(closure)
    np.testing.assert_array_equal(optimizer.params[0].data, place)
    np.testing.assert_equal(optimizer.state_dict(), before)


@pytest.mark.parametrize(
    ("name", "value"),
    [("max_iter", 0), ("max_eval", 1.5), ("history_size", -1), ("tolerance_grad", -1.0), ("tolerance_change", np.nan)],
)
def test_options_are_checked_when_they_are_set(name, value):
    """As when the optimizer is made; the former value stays. A valid one acts on the next step."""
    optimizer, closure = problem("rosenbrock")
    before = getattr(optimizer, name)
    with pytest.raises(ValueError, match=f"^{name} is a"):
        setattr(optimizer, name, value)
    assert getattr(optimizer, name) == before
    with pytest.raises(ValueError, match=f"LBFGS has no hyperparameter '{name}'; it has lr"):
        optimizer.param_groups[0][name] = value
    optimizer.max_iter = 1
    optimizer.step(closure)
    assert optimizer.state_dict()["memory"]["iterations"] == 1


def test_a_loss_that_is_not_finite_is_refused():
    """There is no way down from NaN."""
    optimizer, closure = problem("rosenbrock")
    optimizer.params[0].data = [np.nan] * 6
    with pytest.raises(FloatingPointError, match="starts from a finite loss; the closure's is nan"):
        optimizer.step(closure)


def test_state_resumes_bit_for_bit():
    """With the state saved after three steps, another optimizer goes on the same way."""
    optimizer, closure = problem("rosenbrock", max_iter=3, history_size=4)
    for _ in range(3):
        optimizer.step(closure)
    saved = optimizer.state_dict()
    other, closure_of_other = problem("rosenbrock", max_iter=3, history_size=4)
    other.params[0].data = optimizer.params[0].data
    other.load_state_dict(saved)
    np.testing.assert_equal(other.state_dict(), saved)
    for _ in range(3):
        optimizer.step(closure)
        other.step(closure_of_other)
    np.testing.assert_array_equal(other.params[0].data, optimizer.params[0].data)
    assert saved["memory"]["steps"].shape == (4, 6)
    assert saved["memory"]["iterations"] == 6  # max_eval stops each step after two


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda s: 3, "the state is a int, not a dict; memory is missing"),
        (lambda s: s.pop("memory") and None, "memory is missing"),
        (lambda s: s.update(memory=3), "memory is a int, not a dict"),
        (lambda s: s["memory"].__delitem__("steps"), "memory.steps is missing"),
        (lambda s: s["memory"].update(steps=[[1.0]]), r"memory.steps has shape \(1, 1\), not \(1, 6\)"),
        (lambda s: s["memory"].update(step=[[1.0], [1.0, 2.0]]), r"memory.step has shape \(\), not \(6,\)"),
        (lambda s: s["memory"].update(scale="x"), "memory.scale has dtype <U1, not float64"),
    ],
)
def test_a_bad_state_is_refused(change, text):
    """What is wrong with the memory is listed, and it stays as it was."""
    optimizer, closure = problem("rosenbrock", max_iter=1)
    state = optimizer.state_dict()
    state["memory"]["steps"], state["memory"]["changes"] = np.ones((2, 1, 6))
    before = optimizer.state_dict()
    state = change(state) or state
    with pytest.raises(ValueError, match=f"does not belong to this LBFGS: .*{text}"):
        optimizer.load_state_dict(state)
    np.testing.assert_equal(optimizer.state_dict(), before)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"lr": -1.0}, "lr is a finite number, at least 0"),
        ({"max_iter": 0}, "max_iter is an integer, at least 1; got 0"),
        ({"max_eval": 2.5}, "max_eval is an integer, at least 1; got 2.5"),
        ({"history_size": True}, "history_size is an integer, at least 1; got True"),
        ({"tolerance_grad": -1}, "tolerance_grad is a finite number, at least 0"),
        ({"tolerance_change": float("nan")}, "tolerance_change is a finite number, at least 0"),
    ],
)
def test_options_out_of_bounds_are_refused(options, text):
    """Each number is refused by name."""
    with pytest.raises(ValueError, match=text):
        problem("rosenbrock", **options)


def test_several_groups_are_refused():
    """All parameters are one vector, so they cannot have learning rates of their own."""
    optimizer, _ = problem("rosenbrock")
    group = {"params": [mg.tensor([1.0], requires_grad=True)]}
    with pytest.raises(ValueError, match="takes all parameters as one vector, so it has one group; got several"):
        optimizer.add_param_group(group)
    assert len(optimizer.params) == 1


# The line search alone


def along(value, slope):
    """A function on a line, and its start."""
    at = lambda t: Point(t, value(t), slope(t), None)
    return at, at(0.0)


LINES = {
    "parabola": (lambda t: (t - 3) ** 2, lambda t: 2 * (t - 3)),
    "narrow": (lambda t: 1e4 * (t - 0.01) ** 2, lambda t: 2e4 * (t - 0.01)),
    "far": (lambda t: (t - 500) ** 2, lambda t: 2 * (t - 500)),
    "wavy": (lambda t: -t + 2 * np.sin(3 * t) + 0.1 * t * t - 7 * t, lambda t: -8 + 6 * np.cos(3 * t) + 0.2 * t),
    "steep": (lambda t: np.exp(t) - 40 * t, lambda t: np.exp(t) - 40),
    "more and thuente": (
        lambda t: -t / (t * t + 2),
        lambda t: (t * t - 2) / (t * t + 2) ** 2,
    ),
}


@pytest.mark.parametrize("guess", [1e-3, 0.1, 1.0, 10.0, 100.0])
@pytest.mark.parametrize("name", LINES)
def test_a_good_point_is_found(name, guess):
    """Both Wolfe conditions hold at the answer, from any guess, within 25 evaluations."""
    at, start = along(*LINES[name])
    point, made = strong_wolfe(at, start, guess, 1e-12, 25)
    assert point.value <= start.value + 1e-4 * point.t * start.slope
    assert abs(point.slope) <= 0.9 * abs(start.slope)
    assert made <= 25


def test_the_search_keeps_to_its_evaluations():
    """Where they do not suffice, the answer is the best point seen of the last interval."""
    at, start = along(*LINES["narrow"])
    point, made = strong_wolfe(at, start, 100.0, 1e-12, 1)
    assert made <= 2
    assert point.value <= start.value
    at, start = along(lambda t: -t, lambda t: -1.0)
    assert strong_wolfe(at, start, 1.0, 1e-12, 3)[1] == 4


def test_a_rise_ends_the_way_out():
    """Where the value has risen since the last point, though not above the line of decrease, the minimum is between."""
    seen = []

    def at(t):
        seen.append(Point(t, [-1.0, -2.0, -1.5][len(seen)], -1.0, None))
        return seen[-1]

    assert bracketed(at, Point(0.0, 0.0, -1.0, None), 1.0, 25) == ([seen[1], seen[2]], 3)


def test_an_interval_that_is_small_enough_is_left_alone():
    """The search stops where the ends are nearer than asked for."""
    at, start = along(*LINES["narrow"])
    assert strong_wolfe(at, start, 1.0, 2.0, 25) == (start, 1)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (Point(0.0, 9.0, -6.0, None), Point(4.0, 1.0, 2.0, None), 3.0),  # the parabola (t - 3)**2
        (Point(4.0, 1.0, 2.0, None), Point(0.0, 9.0, -6.0, None), 3.0),
        (Point(0.0, 0.0, -1.0, None), Point(2.0, -2.0, -1.0, None), 1.0),  # a straight line has no minimum
        (Point(0.0, 0.0, -1.0, None), Point(2.0, np.inf, np.nan, None), 1.0),
        (Point(0.0, 0.0, 1.0, None), Point(2.0, 0.0, 1.0, None), 2.0),  # minimum at 1 + 1/sqrt(3) only if inside
    ],
)
def test_the_minimum_of_the_cubic(a, b, expected):
    """It is where the cubic through both points is least, or the middle where there is no such place."""
    low, high = 0.0, 2.0 if expected != 3.0 else 4.0
    t = cubic_minimum(a, b, low, high)
    assert low <= t <= high
    if expected != 2.0:
        assert t == pytest.approx(expected)
    else:
        assert t == pytest.approx(1 + 1 / np.sqrt(3))


@pytest.mark.parametrize(
    ("t", "stalled", "expected"),
    [
        (5.0, True, (5.0, False)),
        (9.5, False, (9.5, True)),  # near an end for the first time
        (9.5, True, (9.0, False)),
        (0.5, True, (1.0, False)),
        (10.0, False, (9.0, False)),
        (0.0, False, (1.0, False)),
    ],
)
def test_a_trial_point_does_not_come_near_an_end_twice(t, stalled, expected):
    """Between 0 and 10, points within 1 of an end are moved away from it at the second time, or on the end itself."""
    assert away_from_ends(t, 0.0, 10.0, stalled) == expected


def test_a_recording_of_a_step_is_refused_and_its_closure_is_compiled():
    """The advice of the error works: the same steps, in one program."""
    w, v = (mg.tensor(np.array([2.0, -1.0]), requires_grad=True) for _ in range(2))
    ours, theirs = optim.LBFGS([w], max_iter=3), optim.LBFGS([v], max_iter=3)

    def closure(x, optimizer):
        optimizer.zero_grad()
        loss = mg.sum((x - 1.0) ** 4)
        loss.backward()
        return loss.detach()

    with pytest.raises(mg.RecordingError, match="takes a step of L-BFGS.*Compile the closure, and call step"):
        mg.compile(lambda: ours.step(lambda: closure(w, ours)))()
    compiled = mg.compile(lambda: closure(w, ours))
    for _ in range(3):
        assert ours.step(compiled).item() == theirs.step(lambda: closure(v, theirs)).item()
        np.testing.assert_array_equal(w.data, v.data)
    assert len(compiled.programs) == 1


def test_maximize_goes_up():
    """To the maximum of a function, by the very steps that go down its negative; the loss is that of the closure."""
    found = []
    for sign, maximize in ((1.0, False), (-1.0, True)):
        w = mg.tensor([0.5, -1.0], requires_grad=True)
        optimizer = optim.LBFGS([w], maximize=maximize)

        def closure(w=w, optimizer=optimizer, sign=sign):
            optimizer.zero_grad()
            loss = sign * mg.sum((w - 2) ** 4 + (w - 1) ** 2)
            loss.backward()
            return loss

        first = optimizer.step(closure)
        found.append((sign * first.item(), *w.tolist()))
    assert found[0] == found[1]
