"""Calls that are made with other functions of NumPy's: the same bits, and an out=."""

import numpy as np
import pytest

import minigrad as mg

from .test_replay import same_bits

calls = pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda x: np.sum(x), "add.reduce("),
        (lambda x: np.sum(x, 0), "add.reduce("),
        (lambda x: np.sum(x, axis=(0, 1), keepdims=True), "add.reduce("),
        (lambda x: np.prod(x, axis=-1), "multiply.reduce("),
        (lambda x: np.max(x, axis=0) - np.amin(x), "maximum.reduce("),
        (lambda x: np.any(x > 1, axis=0) & np.all(x > 0), "logical_or.reduce("),
        (lambda x: np.mean(x), "add.reduce("),
        (lambda x: np.mean(x, axis=1, keepdims=True), "add.reduce("),
        (lambda x: np.mean(x, 0), "divide("),
        (lambda x: x**2, "square("),
        (lambda x: x**0.5, "sqrt("),
        (lambda x: x**-1, "reciprocal("),
        (lambda x: x**3, " ** 3"),
        (lambda x: 2**x, "2 ** "),
        (lambda x: x.sum() ** 2, " ** 2"),
        (lambda x: np.sum(x, dtype=np.float64), "np.sum("),
        (lambda x: np.sum(x, where=x > 1), "np.sum("),
        (lambda x: np.mean(x, dtype=np.float64), "np.mean("),
        (lambda x: np.mean(x[:0], axis=1), "np.mean("),
        (lambda x: np.mean(x > 1), "np.mean("),
    ],
)


@calls
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_lowered_calls_have_the_same_bits(function, name, dtype):
    """In both precisions, of arrays of every size up to many."""
    rng = np.random.default_rng(0)
    for shape in [(2, 3), (3, 2), (129, 77)]:
        x = rng.uniform(0.5, 1.5, shape).astype(dtype)
        compiled = mg.compile(lambda x: function(x) * 1.5)
        compiled(x)
        x = rng.uniform(0.5, 1.5, shape).astype(dtype)
        assert same_bits(compiled(x), function(x) * 1.5)
        assert name in compiled.source


@pytest.mark.parametrize("function", [np.sum, np.prod, np.max, np.min, np.amax, np.amin, np.any, np.all])
def test_reductions_are_those_of_ufuncs(function):
    """NumPy's functions look at their options, and then call the same."""
    x = np.random.default_rng(0).normal(size=(3, 4))
    compiled = mg.compile(lambda x: (function(x), function(x, axis=1), function(x, 0, keepdims=True)))
    compiled(x)
    for got, want in zip(compiled(x), (function(x), function(x, axis=1), function(x, 0, keepdims=True)), strict=True):
        np.testing.assert_array_equal(got, want)
    assert compiled.source.count(".reduce(x, ") == 3
