"""Polynomials beside NumPy's, and by each other."""

import numpy as np
import pytest

import minigrad as mg

from .test_statistics import assert_numpys

P = np.array([2.0, -3.0, 0.5, 1.0])


@pytest.mark.parametrize("dtype", [np.float64, np.float32, int, np.int8])
def test_polynomials_are_those_of_numpy(dtype):
    p, x = P.astype(dtype), np.arange(-2, 4).reshape(2, 3).astype(dtype)
    assert_numpys(np.polyval, p, x)
    assert_numpys(np.polyadd, p, p[:2])
    assert_numpys(np.polysub, p[:2], p)
    for m in range(4):
        assert_numpys(lambda p, m=m: np.polyder(p, m), p)
        assert_numpys(lambda p, m=m: np.polyint(p, m), p)
        assert_numpys(lambda p, m=m: np.polyint(p, m, 3), p)
    for n in (None, 0, 1, 6):
        for increasing in (False, True):
            assert_numpys(lambda x, n=n, i=increasing: np.vander(x, n, i), p)


def test_the_derivative_of_a_polynomial_is_the_polynomial_of_its_derivative():
    """By polyder on one side, and by reverse mode on the other; as for the integral, whose slope is the polynomial."""
    x = np.linspace(-2, 2, 5)
    np.testing.assert_allclose(mg.grad(lambda x: np.polyval(P, x).sum())(x), np.polyval(np.polyder(P), x), rtol=1e-14)
    integral = lambda x: np.polyval(np.polyint(mg.asarray(P)), x).sum()
    np.testing.assert_allclose(mg.grad(integral)(x), np.polyval(P, x), rtol=1e-13)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda p: np.polyder(p, -1), ValueError, r"0 times or more; got -1"),
        (lambda p: np.polyint(p, -2), ValueError, r"0 times or more; got -2"),
        (lambda p: np.polyint(p, 3, [1.0, 2.0]), ValueError, r"3 integrals have one constant, or as many; got 2"),
        (lambda p: np.vander(p[None]), ValueError, r"vander takes an array of one axis; got one of shape \(1, 4\)"),
    ],
)
def test_what_is_refused_is_named(call, error, text):
    with pytest.raises(error, match=text):
        call(mg.tensor(P, requires_grad=True))
