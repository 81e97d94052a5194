"""Rotary positions: what products of queries and keys tell, and what is refused. See also test_sequences_reference."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn import functional as F

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 5, 6))


@pytest.mark.parametrize("interleaved", [False, True])
def test_products_depend_on_differences_of_positions(interleaved):
    """Queries and keys that move on together have the same products; lengths stay, and position 0 is as it was."""
    q, k = RNG.normal(size=(2, 4, 6))
    products = [
        F.rotary_embedding(q, np.arange(4) + s, interleaved=interleaved)
        @ F.rotary_embedding(k, np.arange(4) + s, interleaved=interleaved).T
        for s in (0, 7, -100)
    ]
    np.testing.assert_allclose(products[1], products[0], rtol=1e-11)
    np.testing.assert_allclose(products[2], products[0], rtol=1e-11)
    y = F.rotary_embedding(X, interleaved=interleaved)
    np.testing.assert_allclose(np.sum(y * y, -1), np.sum(X * X, -1), rtol=1e-14)
    np.testing.assert_array_equal(y[:, 0], X[:, 0])


def test_positions_are_those_of_rows():
    """Given or counted, for all sequences or for each; a Tensor or a list."""
    y = F.rotary_embedding(X)
    np.testing.assert_array_equal(F.rotary_embedding(X[:, 2:], [2, 3, 4]), y[:, 2:])
    turned = F.rotary_embedding(X[:, [0, 0]], mg.tensor([[1, 2], [3, 3]]))
    np.testing.assert_array_equal(turned[0], F.rotary_embedding(X[:1, [0, 0, 0]])[0, 1:])
    np.testing.assert_array_equal(turned[1, 0], turned[1, 1])


def test_half_precision_keeps_far_positions_apart():
    """float16 is turned in float32, by angles of float64: position 5000 is as near to its exact value as position 1."""
    x = np.ones((1, 2, 64))
    y = F.rotary_embedding(x.astype(np.float16), [1, 5000])
    assert y.dtype == np.float16
    np.testing.assert_allclose(y, F.rotary_embedding(x, [1, 5000]), atol=1e-3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: F.rotary_embedding(X[..., :5]),
            ValueError,
            "takes an array of shape (..., length, width), of an even width; got (2, 5, 5)",
        ),
        (lambda: F.rotary_embedding(X[0, 0]), ValueError, "of an even width; got (6,)"),
        (
            lambda: F.rotary_embedding(X, np.arange(4)),
            ValueError,
            "positions broadcast to (2, 5), for (..., length); got an array of shape (4,)",
        ),
        (lambda: F.rotary_embedding(X, np.zeros((1, 2, 5))), ValueError, "got an array of shape (1, 2, 5)"),
        (
            lambda: F.rotary_embedding(X, base=1),
            ValueError,
            "base of rotary positions is above 1, such as 10000; got 1",
        ),
        (lambda: F.rotary_embedding([[1.0, 2.0]]), TypeError, "rotary_embedding takes an array; got a list"),
    ],
)
def test_misfits_are_refused(call, error, message):
    """With what was wanted and what came."""
    with pytest.raises(error, match=re.escape(message)):
        call()
