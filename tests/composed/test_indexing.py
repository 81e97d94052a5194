"""Adding at an index, and diagonals."""

import numpy as np
import pytest

import minigrad as mg

X = np.arange(12.0).reshape(3, 4)


def leaf(values=X):
    return mg.tensor(values, requires_grad=True)


def test_index_add_adds_as_often_as_an_element_is_named():
    x, v = leaf(np.zeros(3)), leaf(np.array([1.0, 2.0, 3.0]))
    y = mg.index_add(x, [0, 0, 2], v)
    assert y.tolist() == [3, 0, 3]
    (y * np.array([1.0, 10, 100])).sum().backward()
    assert v.grad.tolist() == [1, 1, 100]
    assert x.grad.tolist() == [1, 10, 100]


def test_diag_builds_a_matrix():
    x = leaf(np.array([1.0, 2.0]))
    y = np.diag(x, -1)
    assert y.tolist() == [[0, 0, 0], [1, 0, 0], [0, 2, 0]]
    y.sum().backward()
    assert x.grad.tolist() == [1, 1]


def test_traces_of_a_stack_of_float16_are_added_up_in_float32():
    """Also of a plain one, whose diagonals lie side by side in memory: NumPy's own sum of them stops at 2048."""
    ones = np.ones((2500, 2500, 2), np.float16)
    assert mg.trace(ones).tolist() == [2500, 2500]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: mg.index_add(x, np.ones(4, bool), 0.0), IndexError, r"index_add of .*boolean index did not match"),
        (lambda x: mg.index_add(x, 7, 1.0), IndexError, r"index_add of \(3, 4\): .*index 7 is out of bounds"),
        (lambda x: np.diagonal(x, 0, 0, 0), ValueError, r"diagonal of \(3, 4\): .*repeated axis"),
        (lambda x: np.trace(x, 0, 0, 3), np.exceptions.AxisError, r"trace of \(3, 4\): .*axis 3 is out of bounds"),
    ],
)
def test_errors_name_the_operation_and_the_shape(call, error, text):
    with pytest.raises(error, match=text):
        call(leaf())
