"""Steps as functions of trees: the numbers of the optimizers, nothing changed in place, derivatives through them."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim

from .test_updates import EACH, START, made, slope

RULES = [(name, {k: tuple(v) if isinstance(v, list) else v for k, v in o.items() if k != "later"}) for name, o in EACH]


def stepped(rule, params, n=4):
    """Parameters and state after some steps down a function that is neither flat nor quadratic."""
    state = rule.init(params)
    for _ in range(n):
        grads = mg.grad(lambda p: sum(mg.sum(x**4 / 4 + mg.sin(x)) for x in p.values()))(params)
        params, state = rule.updated(params, grads, state)
    return params, state


@pytest.mark.parametrize(("name", "options"), RULES, ids=str)
def test_steps_of_a_rule_are_those_of_the_optimizer(name, options):
    """With the same state, in double precision, and in single and half as well, whose dtypes stay."""
    options = {"lr": 0.05, **options}
    rule = getattr(optim, name).rule(**options)
    start = {"a": np.array(START), "b": np.float32(START).reshape(3, 1), "c": np.float16(START)}
    leaves = {k: mg.tensor(x, requires_grad=True) for k, x in start.items()}
    optimizer = made(name, leaves.items(), options)
    for _ in range(4):
        optimizer.zero_grad()
        for w in leaves.values():
            slope(w)
        optimizer.step()
    params, state = stepped(rule, start)
    kept = optimizer.state_dict()["groups"]["0"]["params"]
    for key, x in params.items():
        assert x.dtype == start[key].dtype
        np.testing.assert_allclose(x, leaves[key].data, rtol={8: 1e-13, 4: 1e-6, 2: 2e-3}[x.dtype.itemsize])
        assert list(state[key]) == list(kept[key])
        if key == "a":
            for part in kept[key]:
                np.testing.assert_allclose(state[key][part], kept[key][part], rtol=1e-12)


@pytest.mark.parametrize(("name", "options"), RULES, ids=str)
def test_a_rule_changes_nothing_in_place(name, options):
    """Parameters, gradients and state that are read-only do, and are as they were."""
    rule = getattr(optim, name).rule(**{"lr": 0.05, **options})
    params = [np.array(START), (np.ones((2, 2)),)]
    grads = [np.ones(3), (np.ones((2, 2)),)]
    state = rule.init(params)
    for x in (*params[:1], *params[1], *grads[:1], *grads[1], *state[0].values()):
        if isinstance(x, np.ndarray):
            x.flags.writeable = False
    once = rule.updated(params, grads, state)
    again = rule.updated(params, grads, state)
    np.testing.assert_equal(once, again)
    assert type(once[0]) is list
    assert type(once[0][1]) is tuple
    assert (once[0][0] != params[0]).any()


@pytest.mark.parametrize(("name", "options"), RULES, ids=str)
def test_derivatives_flow_through_steps(name, options):
    """The slope of the loss after some steps, with respect to the learning rate and to the first parameters."""
    kind = getattr(optim, name)

    def loss(lr, start):
        params, _ = stepped(kind.rule(**{**options, "lr": lr}), {"w": start}, 3)
        return mg.sum(params["w"] ** 2)

    lr, start = np.array(0.01), np.array(START)
    by_lr, by_start = mg.grad(loss, argnums=(0, 1))(lr, start)
    h = 1e-6
    np.testing.assert_allclose(by_lr, (loss(lr + h, start) - loss(lr - h, start)) / (2 * h), rtol=2e-5, atol=1e-8)
    for i in range(3):
        e = h * (np.arange(3) == i)
        found = (loss(lr, start + e) - loss(lr, start - e)) / (2 * h)
        np.testing.assert_allclose(by_start[i], found, rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize(("name", "options"), RULES, ids=str)
def test_a_compiled_rule_has_the_same_numbers(name, options):
    """Several steps of one program, whose state goes in and comes out."""
    rule = getattr(optim, name).rule(**{"lr": 0.05, **options})

    @mg.compile
    def step(params, state):
        grads = mg.grad(lambda p: mg.sum(p["w"] ** 4 / 4 + mg.sin(p["w"])))(params)
        return rule.updated(params, grads, state)

    params = {"w": np.array(START)}
    state = rule.init(params)
    expected, _ = stepped(rule, params, 5)
    for _ in range(5):
        params, state = step(params, state)
    np.testing.assert_allclose(params["w"], expected["w"], rtol=1e-13)


@pytest.mark.parametrize("kind", [float, np.array], ids=["number", "array"])
def test_a_compiled_rule_takes_a_learning_rate(kind):
    """As an argument that is another one in each call: of one program."""
    rule = optim.Adam.rule(lr=1.0)
    step = mg.compile(lambda w, state, lr: rule.updated(w, 2 * w, state, lr=lr))
    w, expected = np.ones(3), np.ones(3)
    state = same = rule.init(w)
    for lr in (0.1, 0.05, 0.025, 0.0125):
        w, state = step(w, state, kind(lr))
        expected, same = rule.updated(expected, 2 * expected, same, lr=lr)
    np.testing.assert_allclose(w, expected, rtol=1e-14)
    assert len(step.programs) == 1


def test_hyperparameters_can_be_tensors_or_others_for_a_step():
    """All numbers of a rule, also in float32, which stays; and those of one step alone."""
    rule = optim.Adam.rule(lr=np.array(0.1), eps=np.array(1e-8), betas=(mg.tensor(0.9), mg.tensor(0.999)))
    plain = optim.Adam.rule(lr=0.1)
    params = {"w": np.float32(START)}
    ours, theirs = stepped(rule, params)[0]["w"], stepped(plain, params)[0]["w"]
    assert ours.dtype == theirs.dtype == np.float32
    np.testing.assert_allclose(ours.data, theirs, rtol=1e-4)  # 1 - beta2**t is of single precision, too
    sgd = optim.SGD.rule(lr=1.0)
    w, _ = sgd.updated(np.ones(2), np.ones(2), sgd.init(np.ones(2)), lr=0.25)
    assert w.tolist() == [0.75, 0.75]


def test_a_state_of_python_numbers_is_as_good():
    """As it may come from a file, or from somebody's hands."""
    rule = optim.Adam.rule(lr=0.1)
    state = rule.init(np.ones(2))
    assert state["step"].shape == ()
    found = [rule.updated(np.ones(2), np.ones(2), {**state, "step": step}) for step in (state["step"], 0.0)]
    np.testing.assert_equal(found[0], found[1])


def test_a_parameter_without_a_gradient_is_left_alone():
    """None in the place of a gradient: neither it nor its state moves."""
    rule = optim.Adam.rule(lr=0.1)
    params = [np.ones(2), np.ones(2)]
    state = rule.init(params)
    new, after = rule.updated(params, [None, np.ones(2)], state)
    assert new[0] is params[0]
    assert after[0]["step"] == 0.0
    assert after[1]["step"] == 1.0


def test_an_update_of_ones_own_is_a_rule_too():
    """One that writes into its state, and uses functions of whole arrays."""

    class Scaled(optim.Optimizer):
        def start(self, w, hyper):
            return {"last": np.zeros_like(w)}

        def update(self, w, g, state, hyper):
            state.last[...] = g / np.sqrt(np.sum(g**2))
            np.multiply(w, 2.0, out=w)
            w -= hyper.lr * state.last * w.shape[0] + 0 * w[0] * w**3

    rule = Scaled.rule(lr=0.5)
    w, state = rule.updated(np.ones(2), np.array([3.0, 4.0]), rule.init(np.ones(2)))
    assert w.tolist() == [2 - 0.6, 2 - 0.8]
    assert state["last"].tolist() == [0.6, 0.8]
    assert repr(rule) == "Scaled.rule(lr=0.5)"


REFUSED = [
    (
        lambda rule: rule.init(np.ones(2, int)),
        TypeError,
        "a rule updates floating arrays and Tensors; got a ndarray",
    ),
    (lambda rule: rule.init(3.0), TypeError, "a rule updates floating arrays and Tensors; got a float"),
    (lambda rule: rule.updated([np.ones(2)], [np.ones(3)], [{}]), ValueError, r"shape \(2,\); got \(3,\)"),
    (lambda rule: rule.updated([np.ones(2)], [], [{}]), ValueError, "expected a list of 1"),
    (lambda rule: rule.updated(np.ones(2), np.ones(2), {}, lr=-1), ValueError, "lr is a finite number, at least 0"),
    (lambda rule: rule.updated(np.ones(2), np.ones(2), {}, speed=1), ValueError, "SGD has no hyperparameter 'speed'"),
    (lambda rule: optim.SGD.rule(lr=0.1, nesterov=True), ValueError, "nesterov takes momentum > 0"),
    (
        lambda rule: optim.Adam.rule(learning_rate=0.1),
        TypeError,
        "Adam.rule has no option learning_rate; it has lr, betas, eps, weight_decay, amsgrad, maximize",
    ),
    (
        lambda rule: optim.SGD.rule(speed=1, params=[]),
        TypeError,
        "SGD.rule has no option speed, params; it has lr, mom",
    ),
    (lambda rule: optim.SGD.rule(momentum=0.9), TypeError, "SGD.rule needs lr; it has the options lr, momentum, "),
    (
        lambda rule: optim.LBFGS.rule(),
        TypeError,
        "LBFGS has no rule, as its step calls a closure as often as a line search asks for. Call step of an "
        "optim.LBFGS, or take the rule of another optimizer, such as optim.Adam.rule",
    ),
]


@pytest.mark.parametrize(("call", "error", "text"), REFUSED, ids=[text for *_, text in REFUSED])
def test_what_a_rule_cannot_do_is_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call(optim.SGD.rule(lr=0.1))


@pytest.mark.parametrize(
    "write",
    [
        lambda w, g, v: v.fill(1.0),
        lambda w, g, v: np.copyto(w, g),
        lambda w, g, v: np.add.at(w, 0, 1.0),
        lambda w, g, v: w.reshape(-1).sort(),
        lambda w, g, v: np.negative(g, out=g),
    ],
)
def test_what_would_change_the_callers_arrays_is_refused(write):
    """By NumPy itself in most cases: nothing that was given can be written to."""

    class Writes(optim.Optimizer):
        def start(self, w, hyper):
            return {"v": np.zeros_like(w)}

        def update(self, w, g, state, hyper):
            write(w, g, state.v)

    rule = Writes.rule()
    params, grads = np.array([2.0, 1.0]), np.ones(2)
    state = rule.init(params)
    with pytest.raises((ValueError, TypeError), match="read-only|writes into whole arrays only"):
        rule.updated(params, grads, state)
    assert (params.tolist(), grads.tolist(), state["v"].tolist()) == ([2.0, 1.0], [1.0, 1.0], [0.0, 0.0])


def test_writing_into_a_part_of_an_array_is_no_rule():
    """As what it would change is somebody else's."""

    class Partial(optim.Optimizer):
        def update(self, w, g, state, hyper):
            w[0] = 0.0

    rule = Partial.rule()
    with pytest.raises(TypeError, match="writes into whole arrays only"):
        rule.updated(np.ones(2), np.ones(2), {})
