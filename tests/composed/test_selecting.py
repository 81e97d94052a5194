"""Choosing and changing elements beside NumPy's functions, and what is refused."""

import numpy as np
import pytest

import minigrad as mg

from .test_statistics import assert_numpys

X = np.array([[3.0, -1.0, 0.5, -2.0, 4.0], [1.0, 5.0, -3.0, 2.5, -0.5], [0.0, 6.0, 7.0, -4.0, 1.5]])
DTYPES = [np.float64, np.float32, np.float16, int, np.int8]
RECENT = np.lib.NumpyVersion(np.__version__) >= "2.2.0"  # zeros have an axis, and truths say where to insert
dtypes = pytest.mark.parametrize("dtype", DTYPES)


def leaf(values=X):
    return mg.tensor(values, requires_grad=True)


@dtypes
def test_choices_among_arrays_are_those_of_numpy(dtype):
    x = X.astype(dtype)
    for call in (
        lambda x: np.select([x > 2, x < 0], [x * x, 1], -3),
        lambda x: np.select([x > 2, x[0] < 0], [x, x * 2]),
        lambda x: np.piecewise(x, [x < 0, x > 2], [-1, lambda v: v * 2, lambda v, k=1: v + k]),
        lambda x: np.piecewise(x[0], x[0] < 0, [lambda v, k: v + k, 0], k=3),
        lambda x: np.piecewise(x[0, 0], x[0, 0] > 0, [lambda v: v * 2, 4]),
        lambda x: np.choose([0, 1, 2, 1, 0], [x, x * 2, 5]),
        lambda x: np.choose([-1, 1, 2, 3, 0], [x, x[:1] * 2, 5], mode="wrap"),
        lambda x: np.choose([-1, 1, 2, 3, 0], [x, x[:1] * 2, 5], mode="clip"),
        lambda x: np.compress([True, False, True], x, axis=1),
        lambda x: np.compress([0, 1, 1], x),
        lambda x: np.extract(x > 0, x),
        lambda x: np.sort(np.partition(x, 2, axis=-1)[:, :2], axis=-1),
        lambda x: np.partition(x, range(15), axis=None),
    ):
        assert_numpys(call, x)


@dtypes
@pytest.mark.parametrize("mode", ["wrap", "clip"])
def test_positions_out_of_range_are_taken_as_by_numpy(dtype, mode):
    for axis in (None, 0, -1):
        assert_numpys(lambda x, axis=axis: np.take(x, [[0, 11], [-7, 2]], axis, mode=mode), X.astype(dtype))


@dtypes
def test_zeros_are_trimmed_as_by_numpy(dtype):
    """At one end or both; of nothing but zeros, nothing is left."""
    x = np.pad(X.astype(dtype)[0, :3], 2)
    for trim in ("f", "b", "FB"):
        assert_numpys(lambda x, trim=trim: np.trim_zeros(x, trim), x)
        assert_numpys(lambda x, trim=trim: np.trim_zeros(x, trim), 0 * x)
    framed = mg.tensor(np.pad(X, 1))
    assert np.trim_zeros(framed).shape == (3, 5)
    if RECENT:
        assert np.trim_zeros(framed, "b", axis=-1).shape == (5, 6)


@dtypes
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_elements_are_put_in_and_left_out_as_by_numpy(axis, dtype):
    x = X.astype(dtype)
    n = x.size if axis is None else x.shape[axis]
    for place in (1, [1], [0, 2], slice(1, None, 2), -1, [-1, 0], np.arange(n) % 2 == 0):
        assert_numpys(lambda x, o=place: np.delete(x, o, axis), x)
        if RECENT or np.asarray(place).dtype != bool:
            assert_numpys(lambda x, o=place: np.insert(x, o, 7, axis), x)
    for place in (1, [1], [0, 2], [2, 2]):
        for values in (X[:1, :1], X[:2, :1], X[0], X[:, 0], X[0, :2]):
            try:
                np.insert(x, place, values, axis)
            except ValueError:
                with pytest.raises(ValueError, match="insert of"):
                    np.insert(mg.tensor(x), place, values, axis)
            else:
                assert_numpys(lambda x, o=place, v=values: np.insert(x, o, v, axis), x)


def changed(f, x, *rest):
    x = x * 1
    assert f(x, *rest) is None
    return x


@dtypes
def test_elements_are_changed_as_by_numpy(dtype):
    x = X.astype(dtype)
    assert_numpys(lambda x: changed(np.put_along_axis, x, np.array([[0], [3], [-1]]), 2 * x[:, 1:2], 1), x)
    assert_numpys(lambda x: changed(np.put_along_axis, x, np.array([[0, 1, 2, 0, -1]]), 9, 0), x)


def test_what_is_overwritten_has_no_gradient():
    """And what is written has its own; a leaf is refused, as it is by x[i] = v."""
    x, v = leaf(), leaf(np.array([1.0, 2.0]))
    y = x * 1
    np.put_along_axis(y, np.array([[0], [1], [0]]), 3 * v[:1], axis=1)
    np.put_along_axis(y, np.array([12, 14]), v, None)
    y.sum().backward()
    want = np.ones((3, 5))
    want[[0, 1, 2, 2, 2], [0, 1, 0, 2, 4]] = 0
    np.testing.assert_array_equal(x.grad.numpy(), want)
    assert v.grad.tolist() == [10, 1]
    with pytest.raises(mg.GraphError, match="a leaf that requires grad cannot be changed in place"):
        np.put_along_axis(x, np.array([0]), 0.0, None)
    assert x.tolist() == X.tolist()


def test_parts_of_a_piecewise_function_see_their_own_elements():
    """So that a root beside a condition has no NaN in its gradient, as there is with np.where."""
    x = np.array([-4.0, 0.0, 4.0])
    g = mg.grad(lambda x: np.piecewise(x, [x > 0], [np.sqrt, lambda v: -v]).sum())(x)
    assert g.tolist() == [-1, -1, 0.25]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: np.select([x > 0], []), ValueError, r"a choice for each condition, .*got 1 conditions, 0 choices"),
        (lambda x: np.select([x], [x]), TypeError, r"the conditions of select are truths; got float64"),
        (lambda x: np.piecewise(x, [x > 0], [1, 2, 3]), ValueError, r"got 1 conditions and 3 functions"),
        (lambda x: np.choose([0, 3], [x[0, :2], 1.0]), ValueError, r"choose takes positions from 0 to 1"),
        (lambda x: np.choose([0], [x], mode="no"), ValueError, r"mode raise, wrap or clip; got 'no'"),
        (lambda x: np.compress([[True]], x), ValueError, r"condition of one axis; got one of shape \(1, 1\)"),
        (lambda x: np.trim_zeros(x[0], "x"), ValueError, r"trim='f', 'b' or 'fb'; got 'x'"),
        (lambda x: np.delete(x, 9, 0), IndexError, r"delete of \(3, 5\): index 9 is out of bounds"),
        (lambda x: np.insert(x, 9, 0.0, 0), IndexError, r"insert of \(3, 5\): index 9 is out of bounds"),
        (lambda x: np.fill_diagonal(x, 1.0), mg.NoRuleError, r"fill_diagonal has no .* as x\[i\] = v or mg.index_add"),
        (lambda x: np.choose(x, [x, x]), TypeError, r"choose takes positions, which are integers; got float64"),
        (lambda x: mg.compile(np.trim_zeros)(x[0]), mg.RecordingError, r"trims zeros, .* Cut a fixed part off"),
    ],
)
def test_what_is_refused_is_named(call, error, text):
    with pytest.raises(error, match=text):
        call(leaf())
