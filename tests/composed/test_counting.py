"""Histograms, and values without their repetitions: what keeps its derivative, and what has none."""

import numpy as np
import pytest

import minigrad as mg

X = np.array([3.0, 1.0, 2.0, 1.0, 3.0, 1.0])


def leaf(values=X):
    return mg.tensor(values, requires_grad=True)


# Distinct values

UNIQUE = {
    "unique": np.unique,
    "unique of a matrix": lambda x: np.unique(x.reshape(2, 3)),
    "by name": lambda x: np.unique(ar=x),
    "with positions": lambda x: np.unique(x, return_index=True)[0],
    "with all": lambda x: np.unique(x, True, True, True)[0],
    "of rows": lambda x: np.unique(x[:, None], axis=0)[:, 0],
    "of columns": lambda x: np.unique(x[None], axis=1)[0],
    "unique_values": lambda x: np.sort(mg.unique_values(x)),
    "unique_all": lambda x: mg.unique_all(x).values,
    "unique_counts": lambda x: np.unique_counts(x).values,
    "unique_inverse": lambda x: mg.unique_inverse(x).values,
}


@pytest.mark.parametrize("f", UNIQUE.values(), ids=list(UNIQUE))
def test_the_first_of_equal_values_has_the_gradient(f):
    """Each distinct value is its first occurrence, at every level; the others have the gradient 0."""
    weights = np.array([1.0, 10.0, 100.0])
    want = [100, 1, 10, 0, 0, 0]
    x = leaf()
    y = f(x)
    assert y.tolist() == [1, 2, 3]
    (y * weights).sum().backward()
    assert x.grad.tolist() == want
    assert mg.grad(lambda x: np.sum(f(x) * weights))(X).tolist() == want
    assert mg.jvp(f, (X,), (np.arange(6.0),))[1].tolist() == [1, 2, 0]
    second = mg.grad(lambda x: np.sum(mg.grad(lambda x: np.sum(f(x) ** 3))(x)))(X)
    assert second.tolist() == [18, 6, 12, 0, 0, 0]


def test_positions_and_counts_are_those_of_numpy():
    """They are the same beside values that are watched, in the same order, and have no derivative."""
    for options in ({"return_counts": True}, {"return_inverse": True, "return_index": True}):
        got, want = np.unique(leaf(), **options), np.unique(X, **options)
        assert len(got) == len(want)
        for part, numpys in zip(got[1:], want[1:], strict=True):
            np.testing.assert_array_equal(part, numpys)
    np.testing.assert_array_equal(mg.unique_counts(leaf()).counts, [3, 1, 2])
    np.testing.assert_array_equal(mg.unique_inverse(leaf()).inverse_indices, [2, 0, 1, 0, 2, 0])
    every = mg.unique_all(leaf())
    np.testing.assert_array_equal(every.indices, [1, 2, 0])
    np.testing.assert_array_equal(every.counts, [3, 1, 2])


def test_distinct_values_of_constants_are_constants():
    """As are those of integers, and of arrays of NumPy's."""
    assert not np.unique(mg.tensor(X)).requires_grad
    assert np.unique(mg.tensor([2, 1, 2])).tolist() == [1, 2]
    assert mg.unique_counts([2.0, 1.0, 2.0]).counts.tolist() == [1, 2]
    assert np.unique(leaf([np.nan, 1.0, np.nan])).size == 2
    assert np.unique(leaf([np.nan, 1.0, np.nan]), equal_nan=False).size == 3


# Histograms

A = np.array([0.0, 0.3, 0.6, 0.7, 1.1, 2.0])
HISTOGRAMS = [
    {"bins": 3},
    {"bins": 4, "range": (0.5, 1.5)},
    {"bins": [0.0, 0.3, 1.1, 2.0]},
    {"bins": 5, "density": True},
    {"bins": "sturges"},
    {"bins": np.array([0.1, 0.2]), "range": (7, 9)},
]


@pytest.mark.parametrize("options", HISTOGRAMS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, int])
def test_histograms_are_those_of_numpy(options, dtype):
    """With and without weights, numbers on the edges and beyond them: sums, edges and their dtypes."""
    a = (10 * A).astype(int) if dtype is int else A.astype(dtype)
    for weights in (None, np.arange(6.0, dtype=np.float32), np.arange(6)):
        if weights is not None and isinstance(options["bins"], str):
            continue  # NumPy takes no weights there
        got = np.histogram(mg.tensor(a), **options, weights=weights)
        for part, numpys in zip(got, np.histogram(a, **options, weights=weights), strict=True):
            part = np.asarray(part)
            assert part.dtype == numpys.dtype
            np.testing.assert_allclose(part, numpys, rtol=1e-6 if dtype == np.float32 else 1e-14)


def test_weights_of_a_histogram_have_the_cotangent_of_their_bin():
    """The last edge belongs to the last bin; a weight beyond the edges has the gradient 0."""
    w = leaf(np.ones(7))
    sums, edges = np.histogram([0.0, 0.5, 1.0, 2.0, 2.1, -1.0, np.nan], [0.0, 1.0, 2.0], weights=w)
    assert sums.tolist() == [2, 2]
    assert not isinstance(edges, mg.Tensor)
    (sums * np.array([1.0, 10.0])).sum().backward()
    assert w.grad.tolist() == [1, 1, 10, 10, 0, 0, 0]


def test_counts_of_a_histogram_have_no_derivative_but_its_edges_have():
    """Edges between the smallest and the largest number move with them, and as far as they are near."""
    x = leaf([1.0, 4.0, 2.0])
    counts, edges = np.histogram(x, 3)
    assert counts.tolist() == [1, 1, 1]
    assert not counts.requires_grad
    edges[1].backward()
    np.testing.assert_allclose(x.grad.data, [2 / 3, 1 / 3, 0], rtol=1e-15)
    np.testing.assert_allclose(mg.grad(lambda x: np.histogram(x, 2)[1][2])(np.array([3.0, 3.0])), [0.5, 0.5])


def test_densities_depend_on_the_edges():
    """A density is a count over the width of its bin, which the given edges decide on."""
    f = lambda edges: np.histogram(np.array([0.5, 0.6, 1.5]), edges, density=True)[0]
    np.testing.assert_allclose(
        mg.jacobian(f)(np.array([0.0, 1.0, 3.0])), np.array([[2, -2, 0], [0, 1 / 4, -1 / 4]]) / 3
    )


def test_histograms_say_what_does_not_fit():
    with pytest.raises(ValueError, match=r"histogram of \(6,\): .*weights should have the same shape"):
        np.histogram(leaf(), weights=np.ones(2))
    with pytest.raises(ValueError, match=r"histogram of \(6,\): .*monotonically"):
        np.histogram(leaf(), [1.0, 0.0], weights=leaf())
    with pytest.raises(mg.errors.RecordingError, match="chooses the number of bins by values.*Pass a number"):
        mg.compile(lambda x: np.histogram(x, "auto")[1])(leaf())
