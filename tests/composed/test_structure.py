"""Joining, cutting, repeating and turning arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg

AXIS = np.exceptions.AxisError
X = np.arange(12.0).reshape(3, 4)


def leaf(values=X):
    return mg.tensor(values, requires_grad=True)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: np.moveaxis(x, 0, 2), AXIS, r"moveaxis of \(3, 4\): destination: axis 2 is out of bounds"),
        (lambda x: np.moveaxis(x, (0, 0), (0, 1)), ValueError, r"moveaxis of \(3, 4\): repeated axis in `source`"),
        (lambda x: np.moveaxis(x, (0, 1), 0), ValueError, r"moveaxis of \(3, 4\): "),
        (lambda x: np.swapaxes(x, 0, 2), AXIS, r"swapaxes of \(3, 4\): axis 2 is out of bounds"),
        (
            lambda x: np.split(x, 2),
            ValueError,
            r"split of \(3, 4\): axis 0 of length 3 does not split into 2",
        ),
        (lambda x: np.split(x, 2, axis=5), AXIS, r"split of \(3, 4\): axis 5 is out of bounds"),
        (lambda x: np.array_split(x, 2, 5), AXIS, r"array_split of \(3, 4\): axis 5 is out of bounds"),
        (lambda x: np.split(x, 0), ValueError, r"split of \(3, 4\): .*one part or more; got 0"),
        (lambda x: np.array_split(x, -3), ValueError, r"array_split of \(3, 4\): .*one part or more; got -3"),
        (lambda x: np.diff(x, -1), ValueError, r"diff of \(3, 4\): differences are taken n times, .*got -1"),
        (lambda x: np.diag(x[None]), ValueError, r"diag of \(1, 3, 4\): .*one axis or two; got one of 3"),
        (lambda x: mg.hstack([]), ValueError, r"hstack of : need at least one array"),
        (lambda x: mg.unstack(x, axis=2), AXIS, r"unstack of \(3, 4\): axis 2 is out of bounds"),
        (lambda x: np.pad(x, 1, mode="mean"), ValueError, r"pad of \(3, 4\): pad takes the modes constant, .*'mean'"),
        (lambda x: np.diff(x, axis=2), AXIS, r"diff of \(3, 4\): axis 2 is out of bounds"),
        (lambda x: np.repeat(x, 2, axis=2), AXIS, r"repeat of \(3, 4\): axis 2 is out of bounds"),
    ],
)
def test_errors_name_the_operation_and_the_shape(call, error, text):
    with pytest.raises(error, match=text):
        call(leaf())


shapes = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=3)


@given(shapes, st.sampled_from([np.float16, np.float32, np.float64]), st.data())
def test_splitting_is_undone_by_joining(shape, dtype, data):
    x = np.ones(shape, dtype)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    ends = sorted(data.draw(st.lists(st.integers(0, shape[axis]), max_size=3)))
    y, pull_back = mg.vjp(lambda x: np.concatenate(np.split(x, ends, axis), axis), x)
    np.testing.assert_array_equal(y, x)
    (g,) = pull_back(y)
    assert g.dtype == dtype
    np.testing.assert_array_equal(g, x)
