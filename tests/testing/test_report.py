"""The words of the report."""

import numpy as np
import pytest

from tests.testing.test_check_vjp import X, report

A = np.random.default_rng(0).standard_normal((3, 3))
MIXED = np.array([1.0, -2.0, 3.0, -0.5])

PATTERNS = {
    "a constant ratio": (np.sin, lambda g, y, x: (2 * g * np.cos(x),), X, "analytic = 2 x numeric"),
    "zero": (np.sin, lambda g, y, x: (0 * g,), X, "3 of 3 entries; analytic = 0 x numeric"),
    "a sign": (np.abs, lambda g, y, x: (g,), MIXED, "2 of 4 entries; analytic = -1 x numeric"),
    "negative inputs": (np.abs, lambda g, y, x: (g,), MIXED, "exactly where input 0 is negative"),
    "positive inputs": (np.abs, lambda g, y, x: (-g,), MIXED, "exactly where input 0 is positive"),
    "zeros": (
        np.sin,
        lambda g, y, x: (g * np.where(x == 0, 3.0, np.cos(x)),),
        np.array([1.0, 0.0, -1.0]),
        "exactly where input 0 is zero",
    ),
    "single precision": (
        np.exp,
        lambda g, y, x: (g * y.astype(np.float32).astype(float),),
        X,
        "single precision or a rounded constant",
    ),
    "a row": (
        np.sin,
        lambda g, y, x: (g * np.cos(x) * [[1], [0], [1]],),
        A,
        "3 of 9 entries; analytic = 0 x numeric; all at index 1 of axis 0",
    ),
    "a column": (np.sin, lambda g, y, x: (g * np.cos(x) * [1, 1, 3],), A, "index 2 of axis 1"),
    "a transpose": (
        lambda x: x @ np.diag(X) @ A,
        lambda g, y, x: ((g @ A.T @ np.diag(X)).T,),
        A.T.copy(),
        "it is the transpose",
    ),
    "no pattern": (
        lambda x: np.sin(x),
        lambda g, y, x: (g * np.cos(x) * [1, 1.5, 1.2, -3],),
        MIXED,
        "3 of 4 entries",
    ),
    "an unresolved slope": (
        lambda x: 1e3 + 0 * x,
        lambda g, y, x: (g,),
        X,
        "analytic 1, numeric 0",
    ),
}


@pytest.mark.parametrize(("f", "vjp", "x", "text"), PATTERNS.values(), ids=PATTERNS)
def test_what_wrong_entries_have_in_common_is_said(f, vjp, x, text):
    """The report names a pattern that helps to find the mistake."""
    result = report(f, vjp, x)
    assert not result, result
    assert text in str(result)


def test_the_worst_entry_has_its_bar_and_its_output():
    """Input, index, output, both values and the error bar are in one line."""
    result = str(report(np.sin, lambda g, y, x: (g * np.cos(x) * [1, 1, 2],), X))
    assert "Gradient 0 at (2,), through output at (2,): analytic -1.979984993, numeric -0.98999" in result
    assert " +- " in result
    assert result.endswith("Repeat with rng=1.")


def test_the_worst_entry_is_the_one_farthest_off():
    """Minus the truth is worse than half as much again."""
    rule = lambda g, y, x: (g * np.cos(x) * [-1, 1.5, 1.5],)
    assert "Gradient 0 at (0,), through" in str(report(np.sin, rule, np.array([0.1, 0.2, 0.3])))


def test_an_error_in_a_sum_of_outputs_is_told_as_a_mixture():
    """A rule that is right for each output alone, and wrong when it adds them up."""

    def rule(g, y, x):
        return (np.full(1, g.astype(np.float32).sum(dtype=np.float32), dtype=float),)

    result = str(report(lambda x: x + np.arange(50.0), rule, np.ones(1)))
    assert "through a mixture of outputs" in result


def test_what_rounding_hides_is_said():
    """A gradient below the rounding of f passes, and the report says that it was not seen."""
    result = report(lambda x: 1e8 + 1e-12 * x, lambda g, y, x: (1e-12 * g,), X)
    assert result
    assert result.outcome == "unsure"
    assert "3 of 3 entries of gradient 0 cannot be seen: f's rounding, a jump or an edge hides them." in str(result)


def test_what_rounding_hides_in_part_is_a_remark():
    """The rest of the gradient was seen, so the check passed."""
    result = report(np.tanh, lambda g, y, x: (g * (1 - y * y),), np.array([0.5, 18.0]))
    assert result.outcome == "passed"
    assert "1 of 2 entries of gradient 0" in str(result)


def test_several_findings_are_all_told():
    """The first failure names the outcome."""
    rule = lambda g, y, a, b: (g, g + 0 * b)
    result = report(np.multiply, rule, X, X + 1)
    assert result.outcome == "wrong"
    assert {"Gradient 0", "Gradient 1"} <= {line[:10] for line in result.findings}
