"""Medians, quantiles, averages and covariances: NumPy's values, ties, NaNs, and what is refused."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.composed.statistics import HALVING, INTERPOLATING, PICKING

METHODS = [*PICKING, *HALVING, *INTERPOLATING]
rng = np.random.default_rng(0)
X = rng.normal(size=(3, 4, 5))
W = rng.uniform(0.5, 2, size=(3, 4, 5))


def leaf(values=X):
    return mg.tensor(values, requires_grad=True)


def assert_numpys(call, *arrays, rtol=1e-13):
    """A call on Tensors has the values, shapes and dtypes that it has on arrays."""
    got, want = call(*map(mg.tensor, arrays)), call(*arrays)
    both = zip(got, want, strict=True) if isinstance(want, tuple) else [(got, want)]
    for y, numpys in both:
        assert (y.shape, y.dtype) == (np.shape(numpys), numpys.dtype)
        np.testing.assert_allclose(y.numpy(), numpys, rtol=rtol, atol=rtol)


AXES = [None, 0, -1, (0, 2), (1,)]


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("keepdims", [False, True])
def test_medians_are_those_of_numpy(axis, keepdims):
    """Of even and odd numbers of elements, and of integers, whose median need not be one."""
    for x in (X, X[:, 1:], X.astype(np.float32), np.round(3 * X).astype(int), X > 0):
        assert_numpys(lambda x: np.median(x, axis=axis, keepdims=keepdims), x, rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_quantiles_are_those_of_numpy(method):
    """By all methods, of probabilities one and many, on integers and along axes; at both ends as well."""
    for q, axis in product([0.3, 0, 1, 1.0, [0.1, 0.5, 0.95], [[0.2], [0.4]]], AXES):
        assert_numpys(lambda x, q=q, axis=axis: np.quantile(x, q, axis, method=method), X)
        assert_numpys(lambda x, q=q, axis=axis: np.quantile(x, q, axis, method=method, keepdims=True), X)
    for q in (0.3, [0.1, 0.9]):
        assert_numpys(lambda x, q=q: np.percentile(x, 100 * np.asarray(q), method=method), np.round(9 * X).astype(int))
        assert_numpys(lambda x, q=q: np.quantile(x, q, method=method), X.astype(np.float32), rtol=1e-6)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=9), st.floats(0, 1), st.sampled_from(METHODS))
def test_weights_of_a_quantile_add_up_to_one(values, q, method):
    """Moving all elements moves the quantile as far; ties are broken by place, so that no weight is lost."""
    g = mg.grad(lambda x: np.quantile(x, q, method=method))(np.array(values, float))
    np.testing.assert_allclose(g.sum(), 1, rtol=1e-12)
    assert (g >= -1e-15).all()
    assert np.count_nonzero(g) <= 2


def test_a_median_has_the_gradient_at_the_middle():
    """In equal parts at the two middle elements of an even number."""
    assert mg.grad(np.median)(np.array([3.0, 1.0, 2.0])).tolist() == [0, 0, 1]
    assert mg.grad(np.median)(np.array([3.0, 1.0, 2.0, 9.0])).tolist() == [0.5, 0, 0.5, 0]
    assert mg.grad(np.median)(np.array(4.0)) == 1


def test_a_quantile_moves_with_its_probability():
    """By the distance of its neighbours times their number, where they are interpolated; not where one is picked."""
    x = np.array([1.0, 4.0, 10.0])
    assert mg.grad(lambda q: np.quantile(x, q))(np.array(0.25)) == 2 * 3
    assert mg.grad(lambda q: np.percentile(mg.asarray(x), q))(np.array(75.0)) == 2 * 6 / 100
    assert mg.grad(lambda q: np.quantile(x, q, method="lower") + 0 * q)(np.array(0.25)) == 0


@pytest.mark.parametrize("f", [np.median, lambda x, axis: np.quantile(x, [0.2, 0.9], axis)])
def test_a_nan_is_the_quantile_of_its_row(f):
    """As for NumPy, and the gradient of it is at a NaN; other rows are as they were."""
    x = np.array([[1.0, np.nan, 2.0], [4.0, 3.0, 5.0]])
    y, pull_back = mg.vjp(lambda x: f(x, axis=1), x)
    np.testing.assert_array_equal(y, f(x, axis=1))
    (g,) = pull_back(np.ones_like(y))
    assert g[0].tolist() == [0, y.size / 2, 0]
    np.testing.assert_allclose(g[1].sum(), y.size / 2)


def test_quantiles_of_half_precision_are_found_in_single():
    """There are more elements than float16 can count exactly."""
    x = np.arange(4001, dtype=np.float16) / 4
    y = np.quantile(mg.tensor(x), 0.999)
    assert y.dtype == np.float16
    assert y == np.float16(np.quantile(x.astype(float), 0.999))


# Averages


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, int])
def test_averages_are_those_of_numpy(axis, dtype):
    """With weights of the array's shape or of its axes', and with their sums."""
    x = (4 * X).astype(dtype)
    assert_numpys(lambda x: np.average(x, axis=axis, returned=True), x, rtol=1e-6)
    assert_numpys(lambda x, w: np.average(x, axis, w, returned=True, keepdims=True), x, W, rtol=1e-6)
    if axis is not None:
        axes = axis if isinstance(axis, tuple) else (axis,)
        w = rng.uniform(0.5, 2, size=[x.shape[i] for i in axes[::-1]])
        assert_numpys(lambda x, w: np.average(x, axes[::-1], w), x, w, rtol=1e-6)


OPTIONS = [
    *({}, {"rowvar": False}, {"bias": True}, {"ddof": 2}, {"dtype": np.float32}, {"fweights": [1, 2, 0, 1, 3]}),
    *({"aweights": np.arange(1.0, 6)}, {"fweights": [1, 2, 0, 1, 3], "aweights": np.arange(1.0, 6), "ddof": 2}),
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: " ".join(o))
def test_covariances_are_those_of_numpy(options):
    of_one = X[0, 0][None] if "rowvar" not in options else X[0, 0][:, None]
    for x in (X[0], X[0].astype(np.float32), np.round(9 * X[0]).astype(int), X[0, 0], of_one):
        assert_numpys(lambda x: np.cov(x, **options), x, rtol=1e-6)
        assert_numpys(lambda x: np.cov(x, x * 2 + 1, **options), x, rtol=1e-6)


def test_correlations_are_those_of_numpy():
    assert_numpys(np.corrcoef, X[0])
    assert_numpys(lambda x: np.corrcoef(x, x * x, rowvar=False), X[0])
    assert_numpys(np.corrcoef, X[0, 0])


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: np.median(x[:0]), ValueError, r"median of \(0, 4, 5\): no elements to reduce"),
        (lambda x: np.quantile(x, 1.5), ValueError, r"a quantile is of a probability between 0 and 1"),
        (lambda x: np.quantile(x, [0.5, np.nan]), ValueError, r"a probability between 0 and 1"),
        (lambda x: np.percentile(x, -1), ValueError, r"a probability between 0 and 1"),
        (lambda x: np.quantile(x, 0.5, method="middle"), ValueError, r"methods averaged_inverted_cdf, .*got 'middle'"),
        (
            lambda x: np.quantile(x, 0.5, method="inverted_cdf", weights=W),
            ValueError,
            r"quantiles with weights= have no derivative rule. Use np.quantile of np.repeat",
        ),
        (lambda x: np.median(x, axis=3), np.exceptions.AxisError, r"median of \(3, 4, 5\): axis 3 is out of bounds"),
        (lambda x: np.median(x, out=np.zeros(())), TypeError, r"median cannot write into out="),
        (lambda x: np.average(x, weights=W[0]), ValueError, r"got \(4, 5\) for axis=None of \(3, 4, 5\)"),
        (lambda x: np.average(x, weights=0 * W), ZeroDivisionError, r"the weights of an average add up to 0"),
        (lambda x: np.cov(x), ValueError, r"arrays of one axis or two; got one of shape \(3, 4, 5\)"),
        (lambda x: np.cov(x[0], ddof=1.5), ValueError, r"ddof is an integer; got 1.5"),
        (lambda x: np.cov(x[0, :, :1]), ValueError, r"more than ddof=1 observations; got 1"),
        (lambda x: np.cov(x[0], aweights=[1.0]), ValueError, r"as many aweights as .* observations, 5; got \(1,\)"),
        (lambda x: np.cov(x[0], fweights=-np.ones(5)), ValueError, r"fweights of cov are not negative"),
        (lambda x: np.cov(x[0], fweights=np.ones(5) / 2), TypeError, r"fweights of cov are whole numbers"),
    ],
)
def test_what_is_refused_is_named(call, error, text):
    with pytest.raises(error, match=text):
        call(leaf())
