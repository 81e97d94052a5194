"""What check_vjp says of right rules, wrong rules, and code that cannot be checked."""

import re
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import GradientError
from minigrad.testing import check_vjp
from tests.testing.planted import BUGS, HARD

X = np.array([1.0, 2.0, 3.0])


def cosine(g, y, x):
    return (g * np.cos(x),)


def report(f, vjp, *inputs, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return check_vjp(f, vjp, inputs, rng=1, raise_exception=False, **options)


def drawn(inputs, seed=0):
    return inputs(np.random.default_rng(seed))


@pytest.mark.parametrize(("name", "f", "right", "wrong", "inputs"), BUGS, ids=[bug[0] for bug in BUGS])
def test_a_planted_bug_is_found_and_the_right_rule_passes(name, f, right, wrong, inputs):
    """One planted bug fails the check; the same function with its right rule passes."""
    assert report(f, right, *drawn(inputs))
    assert not report(f, wrong, *drawn(inputs))


@pytest.mark.parametrize(("name", "f", "rule", "inputs"), HARD, ids=[case[0] for case in HARD])
def test_a_hard_case_is_no_false_alarm(name, f, rule, inputs):
    """Scales, edges, kinks and noise do not fail a right rule."""
    assert report(f, rule, *drawn(inputs)), report(f, rule, *drawn(inputs))


def test_a_failure_raises_with_the_report_as_its_text():
    """The exception says what the report says."""
    with pytest.raises(GradientError) as caught:
        check_vjp(np.sin, lambda g, y, x: (g,), (X,), rng=1)
    assert str(caught.value) == str(report(np.sin, lambda g, y, x: (g,), X))


def test_a_passed_check_returns_a_true_report():
    """Nothing is raised, and the text says that it passed."""
    result = check_vjp(np.sin, cosine, (X,), rng=1)
    assert result
    assert str(result) == "Gradient check: passed.\n  Repeat with rng=1."


def test_a_fresh_seed_is_drawn_and_repeats_the_check():
    """Without rng the report names a seed; with that seed the report is the same."""
    first = check_vjp(np.sin, lambda g, y, x: (g,), (X,), raise_exception=False)
    again = check_vjp(np.sin, lambda g, y, x: (g,), (X,), rng=first.seed, raise_exception=False)
    assert str(first) == str(again)


def test_a_generator_gives_the_seed():
    """Equal generators give equal seeds."""
    seeds = [check_vjp(np.sin, cosine, (X,), rng=np.random.default_rng(3)).seed for _ in range(2)]
    assert seeds[0] == seeds[1]


def test_a_second_order_is_refused_with_the_way_to_check_it():
    """A first-order rule tells nothing of second order; the error shows what to do."""
    with pytest.raises(ValueError, match=re.escape("check_vjp(lambda g, *xs: vjp(")):
        check_vjp(np.sin, cosine, (X,), order=2)


def test_the_way_to_check_second_order_works():
    """The rule of the rule of exp passes as a rule of its own, and fails without its x term."""
    g = np.array([0.3, -1.0, 2.0])

    def rule(g, x):
        return g * np.exp(x)

    assert report(rule, lambda w, y, g, x: (w * np.exp(x), w * g * np.exp(x)), g, X)
    assert not report(rule, lambda w, y, g, x: (w * np.exp(x), 0 * x), g, X)


def test_an_unsure_report_is_true_but_warns():
    """One contradiction alone neither fails nor passes in silence."""

    def jump(x):
        return np.sign(x)

    with pytest.warns(UserWarning, match="unsure"):
        assert check_vjp(jump, lambda g, y, x: (0 * g,), (np.array([0.0, 1.0]),), rng=1)


BAD_INPUT = {
    "returns nothing": (lambda x: None, cosine, X, "got NoneType"),
    "returns an object": (lambda x: object(), cosine, X, "one array of floats; got object"),
    "returns a pair": (lambda x: (x, x), cosine, X, "got tuple"),
    "returns integers": (lambda x: x.astype(int), cosine, X, "got int64 of shape (3,)"),
    "returns a Tensor": (mg.tensor, cosine, X, "one array of floats; got a Tensor, which gradcheck is for"),
    "raises": (lambda x: np.linalg.inv(x), cosine, X, "f raised LinAlgError: 1-dim"),
    "rule raises": (np.sin, lambda g, y, x: 1 / 0, X, "The rule raised ZeroDivisionError"),
    "integers": (np.sin, cosine, np.array([1, 2]), "real floats; got int64 of shape (2,)"),
    "complex": (np.sin, cosine, X + 0j, "got complex128 of shape (3,)"),
    "ragged": (np.sin, cosine, [1.0, [2.0]], "Reading the inputs as a tuple of arrays raised ValueError"),
}


@pytest.mark.parametrize(("f", "vjp", "x", "text"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_what_cannot_be_checked_gets_a_report(f, vjp, x, text):
    """Bad input is told in a sentence, not in a traceback from inside the checker."""
    result = report(f, vjp, x)
    assert result.outcome == "cannot check", result
    assert text in str(result)


def test_no_input_at_all_gets_a_report():
    """A function of nothing has no derivative."""
    assert "got nothing" in str(report(lambda: 1.0, lambda g, y: ()))


@pytest.mark.parametrize("x", [np.zeros((0, 3)), np.array(0.5), 0.5, [0.5, 1.0]], ids=str)
def test_empty_scalar_and_listed_inputs_are_checked(x):
    """Empty and 0-d arrays, floats and lists are inputs like any other."""
    assert report(np.sin, cosine, x).outcome == "passed"
    assert not report(np.sin, lambda g, y, x: (g * np.cos(x) + 1,), x) or np.size(x) == 0


def test_an_array_alone_is_one_input():
    """A single array need not be in a tuple, nor its gradient."""
    assert check_vjp(np.sin, lambda g, y, x: g * np.cos(x), X, rng=1)


def test_an_integer_input_is_a_constant():
    """Indices have no derivative, and None for their gradient is right."""
    index = np.array([0, 2, 2])
    assert report(lambda w, i: w[i], lambda g, y, w, i: (np.bincount(i, g, w.size), None), X, index)


@pytest.mark.parametrize("dtype", [np.float32, np.longdouble])
def test_other_precisions_are_checked_to_their_own_digits(dtype):
    """A right rule passes in every format, and one off by half fails."""
    x = X.astype(dtype)
    assert report(np.sin, cosine, x)
    assert not report(np.sin, lambda g, y, x: (g * np.cos(x) * dtype(1.5),), x)


def test_half_precision_is_too_coarse_to_convict():
    """One step size fits between its rounding and the curvature; contracts are checked all the same."""
    x = X.astype(np.float16)
    assert report(np.sin, cosine, x)
    assert report(np.sin, lambda g, y, x: (g * np.cos(x) * 3,), x).outcome == "unsure"
    assert report(np.sin, lambda g, y, x: (abs(g) * np.cos(x),), x).outcome == "contract broken"


def test_single_precision_tells_an_error_of_a_thousandth():
    """float32 rounding is measured, not feared."""
    wrong = report(np.sin, lambda g, y, x: (g * np.cos(x) * np.float32(1.001),), X.astype(np.float32))
    assert "analytic = 1.001 x numeric" in str(wrong)


def test_nothing_warns_and_nothing_raises_under_a_strict_error_state():
    """Trial points outside f's domain are the checker's business, not the caller's."""
    edge = np.array([1e-300, 1.0, 0.0])
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check_vjp(np.log, lambda g, y, x: (g / x,), (edge,), rng=1)


def test_an_input_that_somebody_changed_is_restored():
    """The caller's array has its values back, even when the check fails."""
    x = X.copy()
    report(lambda x: np.sin(np.negative(x, out=x)), cosine, x)
    np.testing.assert_array_equal(x, X)


def test_a_read_only_input_stays_as_it_is():
    """Inputs that cannot be written are no reason to fail."""
    assert report(np.sin, cosine, np.broadcast_to(np.float64(1.0), (3,)))
