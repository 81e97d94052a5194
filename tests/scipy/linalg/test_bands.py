"""Products of matrices that are stored by their diagonals."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.scipy.linalg import bands

from ..crosses import SEED

rng = np.random.default_rng(SEED)
X, Y = rng.normal(size=(5, 2)), rng.normal(size=(5, 2))
INSIDE = np.arange(3)[:, None] < 5 - np.arange(5)  # of three diagonals of a lower triangle
AB = rng.normal(size=(4, 5))
C, Z = rng.normal(size=(2, 3, 5)) * INSIDE


def dense(ab, upper):
    """The matrix that is stored."""
    n = ab.shape[1]
    rows = range(-upper, len(ab) - upper)
    return sum(np.diag(ab[k + upper, max(-k, 0) : n - max(k, 0)], -k) for k in rows)


def within(a, lower, upper):
    """The diagonals of a matrix, stored, with zeros outside of it."""
    n = len(a)
    return np.array([np.pad(np.diag(a, -k), (max(-k, 0), max(k, 0)))[:n] for k in range(-upper, lower + 1)])


def test_products_are_those_of_the_dense_matrices():
    """Of a, its transpose, an outer product, and of lower triangles."""
    a, c, z = dense(AB, 1), dense(C, 0), dense(Z, 0)
    np.testing.assert_allclose(bands.band_product(AB, X, 2, 1), a @ X, rtol=1e-13)
    np.testing.assert_allclose(bands.band_product(AB, X, 2, 1, trans=True), a.T @ X, rtol=1e-13)
    np.testing.assert_allclose(bands.band_outer(X, Y, 2, 1), within(X @ Y.T, 2, 1), rtol=1e-13)
    np.testing.assert_allclose(bands.symmetric(C, Z), within(c @ z.T + z @ c.T, 2, 0), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(bands.symmetrised(C, Z), within((c + c.T) @ z, 2, 0), rtol=1e-13, atol=1e-15)


PRODUCTS = {
    "product": (lambda ab, x: bands.band_product(ab, x, 2, 1), (AB, X)),
    "transposed": (lambda ab, x: bands.band_product(ab, x, 2, 1, trans=True), (AB, X)),
    "outer": (lambda p, q: bands.band_outer(p, q, 2, 1), (X, Y)),
    "symmetric": (bands.symmetric, (C, Z)),
    "symmetrised": (bands.symmetrised, (C, Z)),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_each_rule_is_a_transpose(name):
    """<g, f(t, b)> = <J' g, t> for each operand, and the function is linear in it; stacks sum over what they share."""
    f, operands = PRODUCTS[name]
    y, pull = mg.vjp(f, *operands)
    g = rng.normal(size=y.shape) * (INSIDE if name.startswith("symmetri") else 1)
    inner = np.sum(g * y)
    for pulled, x in zip(pull(g), operands, strict=True):
        np.testing.assert_allclose(np.sum(pulled * x), inner, rtol=1e-12)
    stacked, pull = mg.vjp(f, np.stack([operands[0]] * 2), operands[1])
    np.testing.assert_allclose(pull(np.stack([g, g]))[1], 2 * mg.vjp(f, *operands)[1](g)[1], rtol=1e-12)
    assert stacked.shape == (2, *y.shape)
