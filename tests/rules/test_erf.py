"""The error function against that of the C library."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad.rules.erf import erf_single

INF = np.inf
NAN = np.nan


def test_erf_agrees_with_the_c_library():
    """Within four units of the last place (one part in 2^51), odd, and 1 at infinity."""
    x = np.concatenate([np.linspace(-7, 7, 5001), np.logspace(-300, 2, 301), [-0.0, INF, -INF]])
    want = np.array([math.erf(v) for v in x])
    got = mg.erf(x)
    assert np.all(np.abs(got - want) <= 4 * np.spacing(np.abs(want)))
    np.testing.assert_array_equal(mg.erf(-x), -got)
    assert np.isnan(mg.erf(np.array(NAN)))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_erf_keeps_the_dtype(dtype):
    y = mg.erf(np.array([0.5, -3], dtype))
    assert y.dtype == dtype
    np.testing.assert_allclose(y, [math.erf(0.5), math.erf(-3)], rtol=np.finfo(dtype).eps)


def test_erf_takes_lists():
    assert mg.erf([0, 1]).tolist() == [0, pytest.approx(math.erf(1))]


def test_erf_is_smooth_where_its_three_pieces_meet():
    """At 0.46875 and 4, beside one of these the next number has the next value, within two units."""
    for seam in (0.46875, 4.0):
        x = np.array([np.nextafter(seam, 0), seam, np.nextafter(seam, 9)])
        steps = np.diff(mg.erf(x)) - np.diff(x) * mg.grad(mg.erf)(np.array(seam))
        assert np.all(np.abs(steps) <= 2 * np.spacing(1.0))


def test_slope_of_erf():
    """2 / sqrt(pi) exp(-x^2): at 0, and far out, where it is 0 without a warning in the value."""
    slope = mg.grad(lambda x: mg.sum(mg.erf(x)))(np.array([0.0, 1.0, -1.0]))
    np.testing.assert_allclose(slope, 2 / math.sqrt(math.pi) * np.exp([0.0, -1.0, -1.0]), rtol=4e-16)


def test_erf_in_single_precision():
    """Within 6e-7, 1 from 3.92 on and never beyond, and odd."""
    x = np.concatenate([np.linspace(-5, 5, 20_001), [0.0, 3.92, 1e3, INF]]).astype(np.float32)
    y = erf_single(x)
    assert y.dtype == np.float32
    assert np.abs(y).max() == 1
    assert (y[x >= 3.92] == 1).all()
    np.testing.assert_allclose(y, [math.erf(v) for v in x], atol=6e-7)
    np.testing.assert_array_equal(erf_single(-x), -y)
