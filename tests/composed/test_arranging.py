"""Blocks, sizes, axes and diagonals beside NumPy's and PyTorch's, and functions of slices."""

from itertools import product

import numpy as np
import pytest

import minigrad as mg
from minigrad.composed.arranging import diag_embed

from .test_statistics import assert_numpys

X = np.arange(20.0).reshape(4, 5)
Y = np.arange(120.0).reshape(2, 3, 4, 5)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int8])
def test_arrays_are_arranged_as_by_numpy(dtype):
    for call in (
        lambda x: np.block([[x, x * 2], [x[:1, :2], x[:1], x[:1, :3]]]),
        lambda x: np.block([x[0], 3, x[1]]),
        lambda x: np.block(x),
        lambda x: np.block([[[x[None]]], [[x[None]]]]),
        lambda x: np.block([[1, 2], [3, x[0, 0]]]),
        lambda x: np.block([x[None], x[None]]),
        *(lambda x, shape=shape: np.resize(x, shape) for shape in (3, (2, 3), (7, 9), (0, 2), ())),
        lambda x: np.resize(x[:0], (2, 2)),
        *(lambda x, k=k: np.diagflat(x, k) for k in (-1, 0, 2)),
        *(lambda x, axis=axis: np.apply_along_axis(lambda v: v.sum(), axis, x) for axis in (0, 1)),
        lambda x: np.apply_along_axis(lambda v, w: np.outer(v, v[:2] + w), 0, x, 2),
        lambda x: np.apply_along_axis(lambda v: v[::2], -1, x),
        lambda x: np.apply_over_axes(np.sum, x, (0, -1)),
        lambda x: np.apply_over_axes(np.sum, x, 1),
        lambda x: np.apply_over_axes(lambda v, i: np.sum(v, i, keepdims=True), x, [0]),
    ):
        assert_numpys(call, X.astype(dtype))


def test_axes_are_rolled_as_by_numpy():
    for axis, start in product(range(-4, 4), range(-4, 5)):
        assert_numpys(lambda x, a=axis, s=start: np.rollaxis(x, a, s), Y)


def test_diagonals_are_embedded():
    """In the last two axes, or others, which np.diagonal takes out again."""
    x = np.arange(1.0, 7).reshape(2, 3)
    assert diag_embed(mg.tensor(x))[1].tolist() == [[4, 0, 0], [0, 5, 0], [0, 0, 6]]
    for offset in (-2, 0, 1):
        y = diag_embed(x, offset, 0, -1)
        assert y.shape == (3 + abs(offset), 2, 3 + abs(offset))
        np.testing.assert_array_equal(np.diagonal(y, offset, 0, -1), x)
        assert np.count_nonzero(y) == 6
    assert diag_embed([1, 2]).tolist() == [[1, 0], [0, 2]]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: np.block([[x], x]), ValueError, r"the lists of block are nested equally deep"),
        (lambda x: np.block([x, []]), ValueError, r"nested equally deep, and not empty"),
        (lambda x: np.resize(x, (-1,)), ValueError, r"resized to lengths from 0 on; got \(-1,\)"),
        (lambda x: np.rollaxis(x, 2), np.exceptions.AxisError, r"rollaxis of \(4, 5\): axis 2 is out of bounds"),
        (lambda x: diag_embed(x[0, 0]), ValueError, r"one axis or more; got a single number"),
        (lambda x: diag_embed(x, 0, 1, 1), ValueError, r"diag_embed of \(4, 5\): .*repeated axis"),
        (lambda x: np.apply_along_axis(np.sum, 0, x[:, :0]), ValueError, r"a slice or more; got .*\(4, 0\)"),
        (lambda x: np.apply_over_axes(lambda v, axis: np.sum(v), x, 0), ValueError, r"an array of 0 axes of one of 2"),
    ],
)
def test_what_is_refused_is_named(call, error, text):
    with pytest.raises(error, match=text):
        call(mg.tensor(X, requires_grad=True))
