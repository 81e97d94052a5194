"""Parts of data sets, computed samples, samplers and batches of one's own making."""

import re

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from minigrad import nn, optim, train
from minigrad.data import DataLoader, Grouped, Mapped, Subset, Weighted, random_split
from minigrad.nn import functional as F

X = np.arange(20.0)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(0, 99))
def test_each_sample_is_in_one_part(counts, seed):
    """Of as many as were asked for, in the order of the data set, by counts and by shares."""
    data = np.arange(sum(counts))
    for parts in (counts, [count / len(data) for count in counts]):
        found = random_split(data, parts, seed)
        assert [len(part) for part in found] == counts
        assert sorted(np.concatenate(found)) == data.tolist()
        assert all((np.diff(part) > 0).all() for part in found)


def test_parts_are_of_the_kind_of_the_data_set():
    """Trees, frames and sparse matrices stay so, with the same rows; other data sets make subsets."""
    expected = random_split(X, [15, 5], 3)
    tree = random_split({"a": X, "b": (X * 2, None)}, [15, 5], 3)
    frames = random_split(pd.DataFrame({"a": X}, index=X + 7), [0.75, 0.25], 3)
    sparse = random_split(scipy.sparse.coo_array(X[:, None]), [15, 5], 3)
    subsets = random_split(X.tolist(), [15, 5], 3)
    for i, wanted in enumerate(expected):
        assert tree[i]["a"].tolist() == wanted.tolist()
        assert tree[i]["b"][0].tolist() == (2 * wanted).tolist()
        assert frames[i]["a"].tolist() == wanted.tolist()
        assert frames[i].index.tolist() == (wanted + 7).tolist()
        assert sparse[i].toarray()[:, 0].tolist() == wanted.tolist()
        assert isinstance(subsets[i], Subset)
        assert list(subsets[i]) == wanted.tolist()
    assert random_split(X, [15, 5], 3)[0].tolist() != random_split(X, [15, 5], 4)[0].tolist()


@pytest.mark.parametrize("data", [[1.0, 2.0, 3.0], np.array([1.0, 2.0, 3.0]), pd.Series([1.0, 2.0, 3.0])])
def test_computed_samples_are_computed_each_time(data):
    """By index, of whatever is a data set; a loader stacks them."""
    calls = []

    def square(x):
        calls.append(x)
        return x * x

    mapped = Mapped(data, square)
    assert len(mapped) == 3
    assert next(iter(DataLoader(mapped, 3))).tolist() == [1, 4, 9]
    assert mapped[1] == 4
    assert calls == [1, 2, 3, 2]
    assert list(Subset(mapped, [2, 0])) == [9, 1]


def test_trees_and_sparse_rows_are_samples():
    """A sample of a tuple of arrays is a tuple of their rows."""
    mapped = Mapped((X, scipy.sparse.csr_array(X[:, None])), lambda pair: pair)
    assert mapped[3][0] == 3
    assert mapped[3][1].tolist() == [3]


def test_files_are_read_by_index(tmp_path):
    """As they are needed, in a thread too."""
    paths = [tmp_path / f"{i}.npy" for i in range(4)]
    for i, path in enumerate(paths):
        np.save(path, np.full(2, i))
    for prefetch in (0, 2):
        batches = list(DataLoader(Mapped(paths, np.load), 2, prefetch=prefetch))
        assert np.concatenate(batches)[:, 0].tolist() == [0, 1, 2, 3]


class Noise:
    """Adds what its own generator draws."""

    def __init__(self):
        self.rng = np.random.default_rng(5)

    def __call__(self, pair):
        return pair[0] + self.rng.normal(size=1), pair[1]


@pytest.mark.parametrize("prefetch", [0, 2])
def test_a_resumed_run_draws_the_same_noise(tmp_path, prefetch):
    """The generator of a transform is a part of the checkpoint, in a subset as well; so is the order of a sampler."""

    def run(path, epochs):
        model = nn.Linear(1, 1, rng=0)
        samples = Mapped((X[:, None] / 20, X[:, None]), Noise())
        loader = DataLoader(Subset(samples, range(10)), 4, sampler=Weighted(np.arange(10)), rng=1, prefetch=prefetch)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        train.fit(model, F.mse_loss, optimizer, loader, epochs, checkpoint=path, resume=True)
        return model.weight.tolist()

    whole = run(tmp_path / "whole.npz", 4)
    run(tmp_path / "run.npz", 2)
    assert run(tmp_path / "run.npz", 4) == whole


# Samplers


def test_weights_say_how_often_a_sample_comes():
    """A weight of 0 is never drawn; others in proportion, anew in each epoch, as the seed says."""
    loader = DataLoader(np.arange(3), 3, sampler=Weighted([0, 1, 3]), rng=0)
    epochs = [next(iter(DataLoader(np.arange(3), 3, sampler=Weighted([0, 1, 3]), rng=0))).tolist() for _ in range(2)]
    drawn = np.concatenate([batch for _ in range(1000) for batch in loader])
    assert epochs[0] == epochs[1] == drawn[:3].tolist()
    counts = np.bincount(drawn, minlength=3) / len(drawn)
    assert counts[0] == 0
    assert abs(counts[1] - 0.25) < 0.04  # five standard deviations of 3000 draws
    assert len({tuple(drawn[i : i + 3]) for i in range(0, 30, 3)}) > 1


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.integers(1, 8))
def test_groups_have_neighbours_in_each_batch(keys, batch_size):
    """All samples once; the batches, sorted, are the sorted keys cut in pieces; a shorter one is the last."""
    loader = DataLoader(np.array(keys), batch_size, sampler=Grouped(keys, batch_size), rng=0)
    batches = [batch.tolist() for batch in loader]
    whole = len(keys) // batch_size
    assert [x for batch in [*sorted(batches[:whole]), *batches[whole:]] for x in batch] == sorted(keys)


def test_a_sampler_is_resumed_in_the_middle_of_an_epoch():
    """With the batches that were to come; a loader without one is another."""
    loaders = [DataLoader(X, 3, sampler=Weighted(X), rng=seed) for seed in (1, 2)]
    batches = iter(loaders[0])
    next(batches)
    state = loaders[0].state_dict()
    loaders[1].load_state_dict(state)
    assert [b.tolist() for b in loaders[1]] == [b.tolist() for b in batches]
    with pytest.raises(ValueError, match="sampler is unexpected"):
        DataLoader(X, 3).load_state_dict(state)


def test_batches_of_sequences_are_made_by_a_function():
    """Of other lengths, which cannot be stacked."""
    sequences = [np.ones(n) for n in (1, 3, 2)]
    loader = DataLoader(sequences, 2, collate=lambda xs: np.stack([np.pad(x, (0, 3 - len(x))) for x in xs]))
    assert [batch.tolist() for batch in loader] == [[[1, 0, 0], [1, 1, 1]], [[1, 1, 0]]]


# Bad input


def sampled(sampler):
    return list(DataLoader(X, 3, sampler=sampler))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: Subset([1, 2], [0.5]),
            TypeError,
            "indices is a sequence of integers; got one of shape (1,) and dtype f",
        ),
        (lambda: Subset([1, 2], [[0]]), TypeError, "indices is a sequence of integers; got one of shape (1, 1)"),
        (lambda: Subset([1, 2], [True, False]), TypeError, "dtype bool. np.flatnonzero makes them of a mask"),
        (lambda: Subset([1, 2], [-1]), ValueError, "indices lie from 0 to 1, as there are 2 samples; got -1 to -1"),
        (lambda: Mapped([1], "square"), TypeError, "Mapped takes a function of a sample; got 'square'"),
        (lambda: Mapped(3, abs), TypeError, "a data set is an array, a tuple or dict of arrays, or has len(data)"),
        (lambda: random_split(X, []), TypeError, "parts is a sequence of numbers of samples, or of shares; got []"),
        (lambda: random_split(X, 0.5), TypeError, "parts is a sequence of numbers of samples, or of shares; got 0.5"),
        (lambda: random_split(X, [0.5, 0.6]), ValueError, "shares are above 0, and their sum is 1; got [0.5, 0.6]"),
        (lambda: random_split(X, [15, 6]), ValueError, "there are 20 samples, and the parts have 21 together; got"),
        (lambda: random_split(X, [20, 0]), ValueError, "each part has at least one of the 20 samples; got [20, 0]"),
        (lambda: random_split(X, [0.99, 0.01]), ValueError, "each part has at least one of the 20 samples; got [0.99"),
        (
            lambda: Weighted([1, -1]),
            ValueError,
            "weights are finite numbers, at least 0 and not all 0, one for each sam",
        ),
        (lambda: Weighted([0, 0]), ValueError, "got an array of shape (2,) with the sum 0.0"),
        (
            lambda: sampled(Weighted([1, 2])),
            ValueError,
            "weights has one for each sample, of which there are 20; got 2",
        ),
        (lambda: Grouped(np.ones((2, 2)), 2), ValueError, "keys has one for each sample; got an array of shape (2, 2)"),
        (
            lambda: sampled(lambda n, rng: [0, 1]),
            ValueError,
            "a sampler returns 20 integers from 0 to 19, as there are sam",
        ),
        (lambda: sampled(lambda n, rng: np.arange(n) + 1), ValueError, "a sampler returns 20 integers from 0 to 19"),
        (lambda: sampled(Weighted), TypeError, "sampler is a function; got <class"),
        (lambda: DataLoader([1], collate=3), TypeError, "collate is a function; got 3"),
        (
            lambda: DataLoader(X, shuffle=True, sampler=Weighted(X)),
            ValueError,
            "shuffle=True and a sampler are two orde",
        ),
        (lambda: DataLoader((X, X), collate=len), ValueError, "pass a list: DataLoader(list(zip(x, y)), collate=...)"),
    ],
)
def test_bad_input_is_refused(call, error, text):
    """With what was wanted and what came."""
    with pytest.raises(error, match=re.escape(text)):
        call()
