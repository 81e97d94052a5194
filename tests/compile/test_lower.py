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


@pytest.mark.parametrize("backend", ["numpy", "native"])
@pytest.mark.parametrize(
    ("join", "lowered"),
    [
        (lambda x: np.stack([x, -x, x]), True),
        (lambda x: np.stack((x[0], x[1] * 2), axis=1), True),
        (lambda x: np.stack([x, -x], axis=-1), True),
        (lambda x: np.stack([x.sum(), x[0, 0]]), True),
        (lambda x: np.concatenate([x, -x[:1], x[:0]]), True),
        (lambda x: np.concatenate([x, -x], axis=-1), True),
        (lambda x: np.concatenate([x.T, -x.T]), False),
        (lambda x: np.concatenate([x, x], axis=None), False),
        (lambda x: np.concatenate([x, x > 1]), False),
        (lambda x: np.concatenate([x] * 9), False),
        (lambda x: np.concatenate([x, x], 1), False),
    ],
)
def test_a_few_small_arrays_are_joined_part_by_part(join, lowered, backend):
    """With the same bits, and memory of the result's own."""
    compiled = mg.compile(lambda x: join(x) * 1.5, backend=backend)
    for seed in range(3):
        x = np.random.default_rng(seed).uniform(-1, 1, (2, 3))
        assert same_bits(compiled(x), join(x) * 1.5)
    assert ("np.stack" in compiled.source or "np.concatenate" in compiled.source) != lowered
    assert compiled.stats.removed >= 0
    large = mg.compile(lambda x: np.concatenate([x, x]), backend=backend)
    x = np.ones((100, 20))
    large(x)
    assert "np.concatenate" in large.source
