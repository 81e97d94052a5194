"""Table look-up: gradients, padding, and what is refused."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F


def test_embedding_looks_up_rows_and_adds_their_gradients():
    """A row that is named twice has the sum of both gradients; the others have 0."""
    layer = nn.Embedding(4, 2, rng=0)
    y = layer([[0, 2], [2, 0]])
    np.testing.assert_array_equal(y.detach(), layer.weight.data[[[0, 2], [2, 0]]])
    y.backward(np.arange(8.0).reshape(2, 2, 2))
    assert layer.weight.grad.tolist() == [[6, 8], [0, 0], [6, 8], [0, 0]]


def test_padding_counts_as_zeros_and_does_not_learn():
    """Whatever stands in its row."""
    layer = nn.Embedding(3, 2, padding_idx=1, rng=0)
    assert not layer.weight.data[1].any()
    layer.weight.data = np.ones((3, 2))
    y = layer(mg.tensor([1, 2]))
    assert y.tolist() == [[0, 0], [1, 1]]
    y.sum().backward()
    assert layer.weight.grad.tolist() == [[0, 0], [0, 0], [1, 1]]


def test_indices_out_of_range_are_refused():
    """Also negative ones, which NumPy would count from the end, and floats."""
    layer = nn.Embedding(3, 2)
    with pytest.raises(IndexError, match="has 3 rows, for the indices 0 to 2; got indices from 0 to 3"):
        layer([0, 3])
    with pytest.raises(IndexError, match="got indices from -1 to 0"):
        layer(np.array([0, -1]))
    with pytest.raises(
        TypeError, match=r"embedding takes indices, which are integers; got float64. Use x.astype\(int\)"
    ):
        layer(np.array([0.0]))
    with pytest.raises(ValueError, match="padding_idx is an index from 0 to 2; got 3"):
        nn.Embedding(3, 2, padding_idx=3)
    for index in (3, -1):
        with pytest.raises(ValueError, match=f"padding_idx is an index from 0 to 2; got {index}"):
            F.embedding([0], layer.weight, padding_idx=index)
    with pytest.raises(TypeError, match="padding_idx is an integer; got 0.5"):
        F.embedding([0], layer.weight, padding_idx=0.5)
    with pytest.raises(ValueError, match="num_embeddings of Embedding is at least 1; got 0"):
        nn.Embedding(0, 3)
    with pytest.raises(TypeError, match="embedding_dim of Embedding is an integer; got 1.5"):
        nn.Embedding(3, 1.5)


def test_indices_may_be_labelled():
    """A column or a table of pandas is taken by position, beside a row for padding as well; text is refused by name."""
    pandas = pytest.importorskip("pandas")
    layer = nn.Embedding(3, 2, padding_idx=1, rng=0)
    for frame in (pandas.Series([2, 1, 0], index=[1, 0, 2]), pandas.DataFrame({"a": [2, 1], "b": [1, 0]})):
        np.testing.assert_array_equal(layer(frame).data, layer(frame.to_numpy()).data)
    with pytest.raises(TypeError, match="embedding takes numbers; column 'word' of the DataFrame holds"):
        layer(pandas.DataFrame({"word": ["a"]}))
