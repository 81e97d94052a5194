"""Odd answers of f and of the rule, one by one."""

import numpy as np
import pytest

from tests.testing.test_check_vjp import X, cosine, report

ODD_GRADIENTS = {
    "too many": (lambda g, y, x: (g, g), "a tuple of 1, one gradient for each input"),
    "a dict": (lambda g, y, x: {0: g}, "float64 of shape (3,); got dict"),
    "a list of floats": (lambda g, y, x: (list(g),), "got list"),
    "single precision": (lambda g, y, x: (g.astype(np.float32),), "got float32 of shape (3,)"),
    "another shape": (lambda g, y, x: (g[:, None],), "got float64 of shape (3, 1)"),
}


@pytest.mark.parametrize(("vjp", "text"), ODD_GRADIENTS.values(), ids=ODD_GRADIENTS)
def test_an_odd_gradient_breaks_the_contract(vjp, text):
    """What was wanted and what came are both in the report."""
    result = report(np.sin, vjp, X)
    assert result.outcome == "contract broken", result
    assert text in str(result)


def test_one_array_for_two_inputs_breaks_the_contract():
    """A bare array is taken for a gradient only if there is one input."""
    result = report(np.add, lambda g, y, a, b: g, X, X.copy())
    assert "a tuple of 2" in str(result)
    assert "got float64 of shape (3,)" in str(result)


def test_a_python_float_is_the_gradient_of_a_number():
    """For a 0-d input a float has the right shape."""
    assert report(np.sin, lambda g, y, x: (float(g * np.cos(x)),), 0.3)


def test_a_shape_that_changes_nearby_is_told():
    """f must not filter by value."""
    result = report(lambda x: x[x <= 3], lambda g, y, x: (g,), X)
    assert "shape (3,) at the inputs, but float64 of shape (2,) nearby" in str(result)


def test_f_may_raise_away_from_the_inputs():
    """An exception at a trial point is an edge of the domain."""

    def choosy(x):
        if (x > 3.01).any():
            raise ValueError("out of range")
        return np.sin(x)

    assert report(choosy, cosine, X)
