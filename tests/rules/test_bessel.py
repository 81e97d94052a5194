"""Modified Bessel functions beside the integral that defines them."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.rules.bessel import NEAR, bessel_i

X = np.array([0.0, 1e-8, 0.3, 2.0, 11.0, NEAR - 1e-9, NEAR, 45.0, 300.0, 700.0])


def scaled(x, order):
    """exp(-x) I_n(x): the mean of exp(x cos t - x) cos(n t) over a circle, by a rule that is exact for 4,000 angles."""
    t = np.linspace(0, 2 * np.pi, 4000, endpoint=False)
    return np.mean(np.exp(x[:, None] * (np.cos(t) - 1)) * np.cos(order * t), axis=1)


@pytest.mark.parametrize("order", range(5))
def test_values_are_those_of_the_integral(order):
    """On both sides of where the series ends, to twelve digits; of an odd order the sign is that of x."""
    y = bessel_i(X, order)
    np.testing.assert_allclose(y * np.exp(-X), scaled(X, order), rtol=1e-12, atol=1e-16)
    np.testing.assert_array_equal(bessel_i(-X, order), y * (-1) ** order)


def test_slopes_of_i0_at_the_origin():
    """I_0 is even: 0, 1/2, 0 and 3/8, where a quotient I_1(x) / x would be 0 / 0."""
    f, slopes = np.i0, []
    for _ in range(4):
        f = mg.grad(f)
        slopes.append(float(f(np.array(0.0))))
    assert slopes == [0, 0.5, 0, 0.375]


def test_large_numbers_do_not_overflow_before_the_value():
    """exp(712) is beyond the largest number, and I_1(712) is not: it is about exp(712) / sqrt(2 pi 712)."""
    with np.errstate(over="raise"):
        y = bessel_i(np.array(712.0), 1)
    np.testing.assert_allclose(np.log(y), 712 - np.log(2 * np.pi * 712) / 2 - 3 / (8 * 712), rtol=1e-8)
    assert mg.grad(lambda x: np.i0(x).astype(np.float32))(np.array(3, np.float32)).dtype == np.float32
    assert np.isnan(bessel_i(np.array(np.nan), 1))
