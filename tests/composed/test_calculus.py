"""Interpolation, differences, integrals and sums of products beside NumPy's, at knots and ends, and what is refused."""

from itertools import product

import numpy as np
import pytest

import minigrad as mg

from .test_statistics import assert_numpys

rng = np.random.default_rng(0)
X = rng.normal(size=(4, 5))
DTYPES = [np.float64, np.float32, int]


def leaf(values=X):
    return mg.tensor(values, requires_grad=True)


# Interpolation

KNOTS, VALUES = np.array([-2.0, -1.0, 0.0, 0.5, 2.0]), np.array([3.0, -1.0, 4.0, 1.0, 5.0])


@pytest.mark.parametrize("options", [{}, {"left": -9.0}, {"right": 5.0, "left": 1}, {"period": 3.3}], ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_interpolation_is_that_of_numpy(options, dtype):
    """Between knots, on them, beyond both ends, at infinity and NaN; in float64, whatever comes in."""
    special = [] if dtype is int else [np.nan, np.inf, -np.inf]
    x = np.array([-3, -2, -1, 0, 0.5, 1.7, 2, 3, *special]).astype(dtype)
    with np.errstate(invalid="ignore"):  # of infinity there is no remainder
        assert_numpys(lambda x, xp, fp: np.interp(x, xp, fp, **options), x, KNOTS, VALUES.astype(dtype))
        assert_numpys(lambda x, xp, fp: np.interp(x, xp, fp, **options), x[:8], KNOTS[:1], VALUES[:1])
    assert_numpys(lambda x: np.interp(x, [0.0, 1.0], [3.0, 4.0], **options), x[3])


def test_slopes_of_an_interpolation():
    """To the right of a knot, and 0 at both ends and beyond: there it moves with the values of the ends alone."""
    x = np.array([-3.0, -2.0, -1.5, -1.0, 2.0, 9.0])
    g, of_knots, of_values = mg.vjp(np.interp, x, KNOTS, VALUES)[1](np.ones(6))
    assert g.tolist() == [0, 0, -4, 5, 0, 0]
    assert of_values.tolist() == [2.5, 1.5, 0, 0, 2]
    assert np.isfinite(of_knots).all()
    assert mg.grad(lambda left: np.interp(leaf(x), KNOTS, VALUES, left)[0])(np.array(7.0)) == 1


def test_no_nan_comes_from_beyond_the_ends():
    """Infinite places, and knots that are there twice, leave the other gradients alone."""
    x, xp = np.array([-np.inf, 0.5, np.inf]), np.array([0.0, 1.0, 1.0])
    gs = mg.vjp(np.interp, x, xp, np.array([1.0, 2.0, 3.0]))[1](np.ones(3))
    assert [g.tolist() for g in gs] == [[0, 1, 0], [-0.5, -0.5, 0], [1.5, 0.5, 1]]


# Differences and integrals


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("edge_order", [1, 2])
def test_gradients_are_those_of_numpy(dtype, edge_order):
    x = (9 * X).astype(dtype)
    for axis, spacing in product([None, 0, -1, (0, 1)], [(), (2.5,)]):
        assert_numpys(lambda x, a=axis, s=spacing: np.gradient(x, *s, axis=a, edge_order=edge_order), x, rtol=2e-6)
    places = np.array([0, 1, 3, 4.0]), np.arange(5) ** 2
    assert_numpys(lambda x: np.gradient(x, *places, edge_order=edge_order), x, rtol=2e-6)
    assert_numpys(lambda x: np.gradient(x, places[0], 2.0, edge_order=edge_order), x, rtol=2e-6)


def test_slopes_of_a_parabola_are_exact():
    """Of second order, wherever the samples are taken: they are 2 x, whose derivative by x is 2."""
    places = np.array([-1.0, 0.5, 1.0, 3.0])
    slopes = lambda x: np.gradient(x * x, x, edge_order=2)
    np.testing.assert_allclose(mg.jacobian(slopes)(places), 2 * np.eye(4), atol=1e-14)
    np.testing.assert_allclose(mg.jvp(slopes, (places,), (places,))[1], 2 * places, rtol=1e-14)


@pytest.mark.parametrize("dtype", [*DTYPES, np.int8])
def test_phases_are_unwrapped_as_by_numpy(dtype):
    """Steps of half a period keep their direction; periods may be integers."""
    x = np.round(9 * X).astype(dtype)
    for axis in (0, -1):
        for options in ({}, {"period": 3}, {"period": 4, "discont": 3.0}, {"period": 2.5}):
            assert_numpys(lambda x, axis=axis, o=options: np.unwrap(x, axis=axis, **o), x, rtol=1e-5)
    assert_numpys(np.unwrap, np.array([0, np.pi, 0, -np.pi, np.pi]))


def test_corrections_of_a_phase_are_constant():
    """So that the Jacobian of unwrap is that of a copy; a period counts as often as it was added."""
    x = np.array([0.0, 3.0, 6.0, 0.1, 3.0])
    np.testing.assert_array_equal(mg.jacobian(np.unwrap)(x), np.eye(5))
    slopes = mg.jvp(lambda period: np.unwrap(mg.asarray(x), period=period), (np.array(6.0),), (np.array(1.0),))[1]
    assert slopes.tolist() == [0, 0, 0, 1, 1]


@pytest.mark.parametrize("axis", [0, -1])
def test_integrals_are_those_of_numpy(axis):
    for x in (X, np.round(9 * X).astype(int), X.astype(np.float32)):
        assert_numpys(lambda y: np.trapezoid(y, dx=0.5, axis=axis), x, rtol=1e-6)
        assert_numpys(lambda y: np.trapezoid(y, y * y, axis=axis), x, rtol=1e-6)
        assert_numpys(lambda y, at: np.trapezoid(y, at, axis=axis), x, np.arange(x.shape[axis]) ** 2.0, rtol=1e-6)


@pytest.mark.parametrize("ends", [{}, {"to_end": [1, 2], "to_begin": 3}])
def test_flat_differences_are_those_of_numpy(ends):
    for x in (X, np.round(9 * X).astype(np.int8)):
        assert_numpys(lambda x: np.ediff1d(x, **ends), x)


# Sums of products


@pytest.mark.parametrize("f", [np.convolve, np.correlate])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_sums_of_products_are_those_of_numpy(f, mode):
    """Whichever sequence is longer, of even and odd lengths."""
    for dtype, (n, m) in product([*DTYPES, np.float16], [(5, 3), (3, 5), (4, 4), (2, 5), (5, 1), (4, 2)]):
        a, v = (4 * rng.normal(size=n)).astype(dtype), (4 * rng.normal(size=m)).astype(dtype)
        tolerance = {np.float16: 1e-2, np.float32: 1e-5}.get(dtype, 1e-13)
        assert_numpys(lambda a, v: f(a, v, mode), a, v, rtol=tolerance)


def test_sums_of_many_halves_are_made_in_single():
    a = np.ones(5000, np.float16)
    y, pull_back = mg.vjp(lambda a, v: np.convolve(a, v, "valid"), a, a)
    assert y.tolist() == [5000]
    assert pull_back(y)[0].dtype == np.float16


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: np.interp(x, KNOTS, VALUES[:2]), ValueError, r"as many values as knots, .*got \(5,\), \(2,\)"),
        (lambda x: np.interp(x, [], []), ValueError, r"as many values as knots, one or more"),
        (lambda x: np.interp(x, KNOTS, VALUES, period=0), ValueError, r"interp has a period other than 0"),
        (lambda x: np.gradient(x, 1.0, 2.0, 3.0), TypeError, r"one spacing, or one for each of 2 axes; got 3"),
        (lambda x: np.gradient(x, [1.0, 2.0], axis=0), ValueError, r"axis of length 4 are as many; got .*\(2,\)"),
        (lambda x: np.gradient(x, edge_order=3), ValueError, r"edge_order 1 or 2; got 3"),
        (lambda x: np.gradient(x > 0), TypeError, r"gradient takes numbers; got truths. Use x.astype"),
        (lambda x: np.gradient(x[:1]), ValueError, r"2 elements or more along an axis; got an array of \(1, 5\)"),
        (lambda x: np.ediff1d(x.astype(np.float32), to_end=1j), TypeError, r"ends of differences of float32"),
        (lambda x: np.convolve(x, [1.0]), ValueError, r"one axis and an element or more; got shapes \(4, 5\)"),
        (lambda x: np.correlate(x[0], []), ValueError, r"an element or more; got shapes \(5,\) and \(0,\)"),
        (lambda x: np.convolve(x[0], [1.0], "part"), ValueError, r"the mode is one of full, same, valid; got 'part'"),
    ],
)
def test_what_is_refused_is_named(call, error, text):
    with pytest.raises(error, match=text):
        call(leaf())
