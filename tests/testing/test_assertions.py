"""What assert_allclose says."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import assert_allclose

X = np.array([[1.0, 2.0], [3.0, np.nan]])


@pytest.mark.parametrize(
    ("actual", "desired"),
    [
        (mg.tensor(X, requires_grad=True), X),
        (X, X * (1 + 1e-8)),
        ({"a": [mg.tensor(X), 2.0]}, {"a": [X, 2]}),
        (np.ones(3), 1),
        (np.array([np.inf, -np.inf]), np.array([np.inf, -np.inf])),
        (None, None),
    ],
)
def test_what_agrees_passes(actual, desired):
    """Tensors against arrays, trees, numbers; NaN equals NaN, and infinity itself."""
    assert_allclose(actual, desired)


@pytest.mark.parametrize(
    ("actual", "desired", "text"),
    [
        (X, X[0], "(shapes (2, 2), (2,) mismatch)"),
        (mg.tensor(X), X.astype(np.float32), "(dtypes float64, float32 mismatch)"),
        (X, X + 0.5, "Not equal to tolerance rtol=1e-07, atol=0\n\nMismatched elements: 3 / 4 (75%)"),
        (X, np.zeros((2, 2)), "nan location mismatch"),
        ({"a": [X, 2.0]}, {"a": [X, 3.0]}, "a[1]\nMismatched elements: 1 / 1"),
        ({"a": X}, {"b": X}, "structure: ['a'] is not ['b']"),
        (X, np.float32(1), "(shapes (2, 2), () mismatch)"),
        (1e-9, 0, "Max absolute difference among violations: 1.e-09"),
    ],
)
def test_what_differs_is_named(actual, desired, text):
    """Structure, shape, dtype, values, and where."""
    with pytest.raises(AssertionError) as caught:
        assert_allclose(actual, desired)
    assert text in str(caught.value)


def test_tolerances_are_those_of_numpy():
    """atol + rtol * abs(desired)."""
    assert_allclose(1.1, 1.0, rtol=0.1 + 1e-9)
    assert_allclose(1e-9, 0, atol=1e-8)
