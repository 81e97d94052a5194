"""Methods of ufuncs on Tensors: running extrema, sums of slices, pairs, adding at an index, and what is refused."""

import numpy as np
import pytest

import minigrad as mg

X = np.array([[1.0, 3.0, 3.0, 2.0, 5.0], [2.0, np.nan, 1.0, np.nan, 9.0]])


def leaf(values=X):
    return mg.tensor(values, requires_grad=True)


@pytest.mark.parametrize(("ufunc", "sign"), [(np.maximum, 1), (np.minimum, -1)])
def test_a_running_extremum_is_the_last_that_attained_it(ufunc, sign):
    """Of equal ones, and of NaNs, of which the first one stays until the end: as PyTorch's cummax and cummin."""
    x = leaf(sign * X)
    y = ufunc.accumulate(x, axis=-1)
    np.testing.assert_array_equal(y.detach().numpy(), ufunc.accumulate(sign * X, axis=-1))
    (y * np.array([1.0, 10, 100, 1000, 10000])).sum().backward()
    assert x.grad.tolist() == [[1, 10, 1100, 0, 10000], [1, 110, 0, 11000, 0]]


@pytest.mark.parametrize("ufunc", [np.add, np.multiply])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_running_sums_have_the_dtype_that_is_asked_for(ufunc, dtype):
    x = leaf(np.ones(3, np.float32))
    assert ufunc.accumulate(x, dtype=dtype).dtype == dtype
    assert np.add.reduceat(x, [0, 1], dtype=dtype).dtype == dtype


def test_running_logaddexp_of_impossible_events():
    """Where nothing has happened so far, the derivative is 0, and no NaN comes of -inf - -inf."""
    x = np.array([-np.inf, -np.inf, 1.0, 2.0, -np.inf])
    y, pull_back = mg.vjp(np.logaddexp.accumulate, x)
    np.testing.assert_array_equal(y, np.logaddexp.accumulate(x))
    share = 1 / (1 + np.exp(1))
    np.testing.assert_allclose(pull_back(np.ones(5))[0], [0, 0, 1 + 2 * share, 2 - 2 * share, 0], rtol=1e-14)


def test_running_logaddexp_far_out():
    """exp(1000) overflows, and the partials, which are shares of the sum, do not."""
    x = np.array([1000.0, 1001.0, 900.0])
    with np.errstate(over="raise", invalid="raise"):
        (g,) = mg.vjp(np.logaddexp.accumulate, x)[1](np.array([0.0, 0.0, 1.0]))
    np.testing.assert_allclose(g, np.exp(x - np.logaddexp.reduce(x)), rtol=1e-13)


@pytest.mark.parametrize("indices", [[0], [0, 3, 1, 1], [4, 0, 4], [2, 2, 3], []])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int8, bool])
def test_sums_of_slices_are_those_of_numpy(indices, axis, dtype):
    x = (np.arange(25).reshape(5, 5) % 7).astype(dtype)
    indices = np.array(indices, int)
    got, want = np.add.reduceat(mg.tensor(x), indices, axis), np.add.reduceat(x, indices, axis)
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got.numpy(), want)


def test_sums_of_slices_of_large_integers_are_exact():
    """Those beyond 2**53, of which a float does not hold the last digit."""
    assert np.add.reduceat(mg.tensor([2**60, 1, 1]), [0, 1]).tolist() == [2**60, 2]


def test_adding_at_an_index_changes_the_array():
    """An element named twice gets both numbers, and their derivatives; a leaf is refused, as x[i] = v is."""
    x, v = leaf(np.zeros(3)), leaf(np.array([1.0, 10.0]))
    y = x * 1
    np.add.at(y, [0, 0], v)
    np.subtract.at(y, 2, 5.0)
    assert y.tolist() == [11, 0, -5]
    (y * y).sum().backward()
    assert v.grad.tolist() == [22, 22]
    assert x.grad.tolist() == [22, 0, -10]
    with pytest.raises(RuntimeError, match="leaf"):
        np.add.at(x, [0], 1.0)
    assert x.tolist() == [0, 0, 0]
    plain = np.zeros(2)
    with pytest.raises(TypeError, match="a derivative flows"):
        np.add.at(plain, [0, 1], v)
    assert plain.tolist() == [0, 0]


def test_all_pairs_of_matrices():
    """Their axes follow each other, in values and in derivatives."""
    a, b = np.arange(6.0).reshape(2, 3), np.arange(4.0).reshape(4, 1)
    for ufunc in (np.subtract, np.maximum, np.hypot):
        np.testing.assert_array_equal(ufunc.outer(mg.tensor(a), b).numpy(), ufunc.outer(a, b))
    assert mg.grad(lambda b: np.subtract.outer(a, b).sum())(b).tolist() == [[-6]] * 4


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: np.multiply.at(x, 0, 2.0), mg.NoRuleError, r"numpy.multiply.at has no derivative rule"),
        (lambda x: np.multiply.reduceat(x, [0]), mg.NoRuleError, r"numpy.multiply.reduceat has no derivative rule"),
        (lambda x: np.add.reduceat(x, [0, 5], 1), IndexError, r"add.reduceat takes a list of indices from 0 to 4"),
        (lambda x: np.add.reduceat(x, [-1], 1), IndexError, r"from 0 to 4, .*got \[-1\]"),
        (
            lambda x: np.add.reduce(x, where=[True] * 5, axis=1),
            mg.NoRuleError,
            r"add.reduce has no derivative rule for its option where=. .*mg.where",
        ),
        (lambda x: np.add.reduce(x, initial=1.0), mg.NoRuleError, r"add.reduce has no .*its option initial="),
        (lambda x: np.maximum.accumulate(x, out=X.copy()), TypeError, r"maximum.accumulate cannot write into out="),
        (lambda x: np.ptp(x, 0, np.zeros(5)), TypeError, r"ptp cannot write into out="),
    ],
)
def test_what_is_refused_is_named(call, error, text):
    with pytest.raises(error, match=text):
        call(leaf())


def test_options_without_a_rule_work_on_constants():
    """There is no derivative to lose, so that NumPy computes what it has."""
    x = mg.tensor([1.0, 2.0])
    assert np.add.reduce(x, where=[True, False]) == 1
    assert np.multiply.reduceat(x, [0]) == 2
