"""What gradcheck says of functions of Tensors, and of rules with one planted bug each."""

import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.errors import GradientError
from minigrad.testing import gradcheck, gradgradcheck

X = np.array([0.5, -1.5, 2.0])
A = np.random.default_rng(0).standard_normal((2, 3))
W = np.random.default_rng(1).standard_normal((3, 2))


def report(f, inputs, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return gradcheck(f, inputs, rng=1, raise_exception=False, **options)


def operation(*rules, name="op", of=np.sin, **options):
    """A primitive with these rules."""

    def op(*args, **kwargs):
        return of(*args, **kwargs)

    op.__name__ = name
    return mg.primitive(*rules, **options)(op)


# Right functions


def network(x, parameters):
    hidden = np.tanh(x @ parameters["w"] + parameters["b"])
    return {"loss": mg.sum(hidden**2), "hidden": [hidden, mg.sigmoid(hidden).T]}


def test_trees_of_tensors_and_arrays_are_checked():
    """Several outputs, a dict of parameters, arrays beside Tensors, both orders."""
    parameters = {"w": mg.tensor(W, requires_grad=True), "b": np.zeros(2)}
    assert gradcheck(network, (mg.tensor(A), parameters), order=2, rng=1).outcome == "passed"


@pytest.mark.parametrize(
    "x", [0.5, np.array(0.5), np.zeros((0, 3)), np.float32([1, 2]), [0.5, X], {"a": X}, mg.tensor(X)], ids=repr
)
def test_inputs_of_every_form_are_checked(x):
    """Numbers, empty arrays, single precision, lists and dicts that are one argument."""

    def f(x):
        return np.sin(x[1] * x[0] if isinstance(x, list) else x["a"] if isinstance(x, dict) else x)

    assert gradgradcheck(f, x, rng=1).outcome == "passed"


def test_integers_and_options_are_passed_on():
    """What is not floating is a constant, and Tensors of integers stay Tensors."""
    kinds = []

    def f(x, index, mode):
        kinds.append((type(index), mode))
        return x[index]

    assert gradcheck(f, (X, np.array([0, 0, 2]), "fast"), rng=1)
    assert set(kinds) == {(np.ndarray, "fast")}


def test_a_tensor_that_requires_no_grad_is_checked_all_the_same():
    """detach() in f is seen, whoever requires grad."""
    assert not report(lambda x: x.detach() * 2, mg.tensor(X))


def test_a_parameter_that_f_holds_itself_is_a_constant():
    """The Tensors of a closure are no inputs, though they require grad, and the rules that meet them are checked."""
    held = mg.tensor(X, requires_grad=True)
    wrong = operation(lambda g, y, a, b: 2 * g * b, lambda g, y, a, b: g * a, of=np.multiply, name="wrong")
    assert gradcheck(lambda x: x * held, X, rng=1, order=2)
    assert "The rule of wrong is wrong by itself." in str(report(lambda x: wrong(x, held), X))
    assert held.grad is None


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("x", [0.5, np.zeros((0, 2)), np.ones(1), X], ids=repr)
def test_a_small_input_can_be_checked_fast(x, order):
    """Even a single number, and nothing at all."""
    assert gradcheck(lambda x: mg.sum(np.sin(x)), x, fast=True, order=order, rng=1)
    if np.size(x):
        assert not report(lambda x: x * getattr(x, "detach", lambda: x)(), x, fast=True)


def test_a_deliberate_kink_passes_as_such():
    """relu at zero."""
    assert report(lambda x: np.maximum(x, 0), np.array([0.0, 1.0])).outcome == "passed at a kink"


def test_a_large_network_is_checked_fast():
    """10,000 parameters in some hundred calls, rather than two for each."""
    rng = np.random.default_rng(0)
    x, shapes = rng.standard_normal((8, 90)), [(90, 100), (100,), (100, 9), (9,)]
    parameters = [mg.tensor(0.1 * rng.standard_normal(shape), requires_grad=True) for shape in shapes]

    calls = []

    def loss(p):
        calls.append(1)
        return mg.mean((np.tanh(x @ p[0] + p[1]) @ p[2] + p[3] - 1) ** 2)

    assert gradcheck(loss, parameters, fast=True, rng=1)
    assert 10 < len(calls) < 1000


# Planted bugs: what is wrong, the operation, its inputs, the outcome and what the report says

changed = {}


def changes(g, y, x):
    x *= 1.5
    return g * np.cos(x / 1.5)


def changes_g(g, y, x):
    g *= np.cos(x)
    return g.copy()


def remembers(x):
    changed["x"] = x
    return np.sin(x)


def single(g, y, x):
    return g * np.cos(x).astype(np.float32).astype(float)


PLANTED = {
    "wrong factor": (operation(lambda g, y, x: 2 * g * np.cos(x)), X, "wrong", "analytic = 2 x numeric"),
    "wrong sign": (operation(lambda g, y, x: -g * np.cos(x)), X, "wrong", "analytic = -1 x numeric"),
    "second argument": (
        operation(lambda g, y, a, b: g * b, lambda g, y, a, b: g, of=np.multiply),
        (X, X + 1),
        "wrong",
        "Gradient 1 at",
    ),
    "arguments exchanged": (
        operation(lambda g, y, a, b: g * a, lambda g, y, a, b: g * b, of=np.multiply),
        (X, X + 1),
        "wrong",
        "Gradient 0 at",
    ),
    "missing sum": (
        operation(
            lambda g, y, a, b: g * b,
            lambda g, y, a, b: g * a,
            of=np.multiply,
            kind="general",
            forward=[lambda t, y, a, b: t * b, lambda t, y, a, b: a * t],
        ),
        (A, X),
        "contract broken",
        "rule of op for argument 1 must return an array of the argument's shape (3,); got one of shape (2, 3)",
    ),
    "single precision": (operation(single), X, "wrong", "single precision or a rounded constant inside the rule?"),
    "double precision": (
        operation(lambda g, y, x: g * np.cos(x.astype(float))),
        X.astype(np.float32),
        "contract broken",
        "The rule of op for argument 0 returns float64, where all that it sees is float32.",
    ),
    "no array": (operation(lambda g, y, x: None), X, "contract broken", "must return a floating array; got NoneType"),
    "integers": (operation(lambda g, y, x: np.ones(3, int)), X, "contract broken", "floating array; got"),
    "changes its argument": (operation(changes), X.copy(), "contract broken", "changes input op[0] in place"),
    "changes the cotangent": (operation(changes_g), X, "contract broken", "changes the cotangent g in place"),
    "a saved argument": (
        operation(lambda g, y, x: g * np.cos(changed["x"]), of=remembers),
        X,
        "contract broken",
        "what the latest forward call left behind",
    ),
    "not linear": (operation(lambda g, y, x: abs(g) * np.cos(x)), X, "contract broken", "not linear in the cotangent"),
    "raises": (operation(lambda g, y, x: g * 1 / int("x")), X, "cannot check", "The rule raised ValueError: invalid"),
    "wrong forward rule": (
        operation(
            lambda g, y, x: g * np.cos(x), kind="general", forward=[lambda t, y, x: t * np.cos(x) * [1, 1, 1 + 1e-6]]
        ),
        X,
        "wrong",
        "Forward and reverse mode of op disagree",
    ),
    "forward rule of another shape": (
        operation(lambda g, y, x: g * np.cos(x), kind="general", forward=[lambda t, y, x: t[:2]]),
        X,
        "contract broken",
        "must return an array of the argument's shape",
    ),
    "forward rule raises": (
        operation(lambda g, y, x: g * np.cos(x), kind="general", forward=[lambda t, y, x: t.nothing]),
        X,
        "cannot check",
        "Forward mode raised AttributeError",
    ),
    "not a linear function": (
        operation(lambda g, y, x: g * np.cos(x), kind="linear"),
        X,
        "wrong",
        "Forward and reverse mode of op disagree",
    ),
}


@pytest.mark.parametrize(("f", "inputs", "outcome", "text"), PLANTED.values(), ids=PLANTED)
def test_a_planted_bug_is_told(f, inputs, outcome, text):
    """Outcome and message, alone and deep inside a function."""
    result = report(f, inputs)
    assert result.outcome == outcome, result
    assert text in str(result), result
    assert not report(lambda *xs: mg.sum(2 * f(*xs)), inputs)


def test_modes_may_differ_by_what_last_bits_do():
    """Rounding inside of a rule is no contradiction between the modes."""

    def rounded(g, y, x):
        return g * np.cos(x) * (1 + 1e-8 * np.sin(1e16 * x))

    assert report(operation(rounded, kind="general", forward=[lambda t, y, x: t * np.cos(x)]), X)


def test_the_rule_that_is_wrong_is_named():
    """A function of many operations fails, and one of them is to blame."""
    cube = operation(lambda g, y, x: g * 2 * x**2, name="cube", of=lambda x: x**3)
    result = str(report(lambda x: np.tanh(np.sin(cube(x)) + 1), X))
    assert "The rule of cube is wrong by itself.\n  Gradient cube[0] at" in result
    assert "sin is wrong" not in result


def test_a_wrong_part_of_a_sequence_is_named():
    """A rule that answers for all arrays of a list."""
    from minigrad.core.primitive import Primitive

    joined = Primitive(
        lambda arrays: np.concatenate(arrays), [lambda g, y, xs: [g[:3], 2 * g[3:]]], "linear", sequence=True
    )
    result = report(lambda a, b: joined([a, b]), (X, X + 1))
    assert result.outcome == "wrong"
    assert "mode of <lambda> disagree" in str(result)


def test_a_detached_part_is_wrong_though_every_rule_is_right():
    """The gradient of the whole is compared as well."""
    result = report(lambda x: x * x.detach() if hasattr(x, "detach") else x * x, X)
    assert result.outcome == "wrong"
    assert "wrong by itself" not in str(result)


def test_a_wrong_derivative_of_a_rule_is_found_at_second_order():
    """A rule that is right, and says something wrong when it is differentiated."""
    wrong_cosine = operation(lambda g, y, x: g * np.sin(x), of=np.cos, name="wrong_cosine")
    sine = operation(lambda g, y, x: g * wrong_cosine(x), name="sine")
    assert gradcheck(sine, X, rng=1)
    result = report(sine, X, order=2)
    assert result.outcome == "wrong"
    assert "The rule of wrong_cosine is wrong by itself." in str(result)
    with pytest.raises(GradientError, match="wrong_cosine"):
        gradgradcheck(sine, X, rng=1)


def test_a_cotangent_counts_as_an_input_at_second_order():
    """Its gradient is that of a linear map, and is called by its name."""

    def off(g, y, x):
        return mg.where(np.ones(3, bool), g, 0) * np.cos(x) if isinstance(g, np.ndarray) else g.detach() * np.cos(x)

    assert "Gradient of the cotangent at" in str(report(operation(off), X, order=2))


def test_several_outputs_lie_end_to_end():
    """The report tells the place among all of them."""
    wrong = operation(lambda g, y, x: g)
    result = str(report(lambda x: {"fine": 2 * x, "off": [wrong(x)]}, X))
    assert "through output at (5,)" in result


def test_a_nested_input_is_named_by_its_place():
    """The way to it, as Python would write it."""
    wrong = operation(lambda g, y, x: g)
    assert "Gradient 0['w'][1] at (" in str(report(lambda p: wrong(p["w"][1]), {"w": [X, X]}))


# Opting out


def test_a_straight_through_estimator_opts_out_by_name():
    """Its own rule is not checked, all others are."""
    rounded = operation(lambda g, y, x: g, of=np.round, name="rounded")
    assert not report(lambda x: np.sin(rounded(x)), X)
    result = report(lambda x: np.sin(rounded(x)), X, skip=["rounded"], order=2)
    assert result.outcome == "passed"
    assert "Not checked, as asked: rounded. The other rules were checked one by one." in str(result)
    wrong = operation(lambda g, y, x: g, name="wrong_one")
    assert "The rule of wrong_one is wrong" in str(report(lambda x: wrong(rounded(x)), X, skip=["rounded"]))


# Bad input

sizes = iter(range(3, 999))

BAD = {
    "returns nothing": (lambda x: None, X, "floating arrays or Tensors; got nothing"),
    "returns an object": (lambda x: object(), X, "got object"),
    "returns an object too": (lambda x: (x, "text"), X, "got str"),
    "returns truths": (lambda x: x > 0, X, "got bool of shape (3,)"),
    "changes its shape": (lambda x: x[: int(np.abs(x).max() > 2) + 1], X, "nearby"),
    "raises": (lambda x: x @ A, X, "f raised ValueError: matmul"),
    "raises in a rule": (lambda x: np.sin(x, where=X > 0), X, "NoRuleError"),
    "integers": (np.sin, np.arange(3), "real floats; got int64 of shape (3,)"),
    "complex": (np.sin, (X, X + 0j), "got float64 of shape (3,), complex128 of shape (3,)"),
    "nothing": (np.sin, (), "real floats; got nothing"),
    "a module": (np.sin, nn.Linear(2, 1), "real floats; got Linear. Pass integers"),
    "text": (np.sin, "text", "real floats; got <U4 of shape ()"),
    "random": (lambda x: x * np.random.default_rng().random(), X, "f is random"),
    "changes its input": (
        lambda x: np.sin(np.add(x, 1, out=x) if type(x) is np.ndarray else x + 1),
        (X.copy(),),
        "in place",
    ),
    "random shape": (lambda x: np.ones(next(sizes)) * x[0], X, "f"),
}


@pytest.mark.parametrize(("f", "inputs", "text"), BAD.values(), ids=BAD)
def test_bad_input_gets_a_report(f, inputs, text):
    """A sentence, not a traceback from inside the checker."""
    for x in (inputs, mg.tensor(inputs) if inputs is X else inputs):
        result = report(f, x)
        assert not result
        assert result.outcome in ("cannot check", "contract broken"), result
        assert text in str(result), result


def test_a_function_of_other_tensors_than_its_inputs_is_not_passed():
    """Given the parameters, it computes with those that it finds in the module: nothing would be checked."""
    wrong = operation(lambda g, y, x: 2 * g * np.cos(x))
    model = nn.Linear(3, 2, rng=0)
    result = report(lambda *parameters: wrong(model(X)), tuple(model.parameters()))
    assert result.outcome == "cannot check"
    assert "f depends on Tensors from outside that require grad, and on none of its inputs" in str(result)
    assert "nn.functional_call" in str(result)


def test_tensors_from_outside_do_no_harm_beside_the_inputs():
    """Nor does a function that no derivative reaches, as long as nothing else has one."""
    model = nn.Linear(3, 2, rng=0)
    assert report(lambda x: {"of both": model(x), "of the others": model(np.ones(3))}, X)
    assert report(lambda x: mg.ones(3), X)
    assert report(np.floor, X)


def test_an_order_that_is_not_there_is_refused():
    """Only first and second are."""
    with pytest.raises(ValueError, match="order is 1 or 2; got 3"):
        gradcheck(np.sin, X, order=3)


def test_no_observer_is_left_behind():
    """After a check, right or wrong, backward passes run as before."""
    from minigrad.core.context import USUAL, context

    for name in ("wrong factor", "raises"):
        report(*PLANTED[name][:2])
    assert context.get() == USUAL
