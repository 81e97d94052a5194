"""Sparse matrices of SciPy in loaders: their rows become dense batches."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.data import DataLoader

sparse = pytest.importorskip("scipy.sparse")

X = np.where(np.arange(24).reshape(8, 3) % 4, 0, np.arange(24.0).reshape(8, 3))
Y = np.arange(8.0)


@pytest.mark.parametrize("form", ["bsr", "coo", "csc", "csr", "dia", "dok", "lil"])
@pytest.mark.parametrize("kind", ["array", "matrix"])
@pytest.mark.parametrize("shuffle", [False, True])
def test_batches_are_those_of_the_dense_matrix(form, kind, shuffle):
    """Of every format, alone and beside dense targets, in the same order."""
    s = getattr(sparse, f"{form}_{kind}")(X)
    for data, plain in ((s, X), ((s, Y), (X, Y)), ({"x": s}, {"x": X})):
        of_sparse, of_dense = (DataLoader(each, 3, shuffle=shuffle, rng=0) for each in (data, plain))
        for a, b in zip(of_sparse, of_dense, strict=True):
            np.testing.assert_equal(a, b)


def test_a_step_is_that_of_the_dense_matrix():
    """A gradient of a batch with respect to weights."""
    x, y = next(iter(DataLoader((sparse.csr_array(X), Y), 4)))
    loss = lambda w: mg.sum((x @ w - y) ** 2)
    np.testing.assert_array_equal(mg.grad(loss)(np.ones(3)), 2 * X[:4].T @ (X[:4].sum(1) - Y[:4]))


def test_samples_that_are_sparse_are_stacked_densely():
    """A list of rows, as a data set of samples."""
    samples = [(sparse.csr_matrix(row), 1.0) for row in X]
    x, y = next(iter(DataLoader(samples, 2)))
    np.testing.assert_array_equal(x, X[:2, None])
    np.testing.assert_array_equal(y, [1, 1])


def test_lengths_that_differ_are_refused():
    """As of arrays."""
    with pytest.raises(ValueError, match=r"the same number of samples; got \[8, 7\]"):
        DataLoader((sparse.csr_array(X), Y[:7]))
