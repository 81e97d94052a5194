"""pandas in loaders: by position, or refused by name."""

import numpy as np
import pytest

from minigrad.data import DataLoader
from minigrad.data.frames import is_frame

pd = pytest.importorskip("pandas")

X = np.arange(12.0).reshape(6, 2)
SHUFFLED = [3, 5, 0, 2, 4, 1]  # labels that are other positions
KINDS = {
    "frame": (pd.DataFrame(X, columns=["a", "b"], index=SHUFFLED), X),
    "series": (pd.Series(X[:, 0], index=SHUFFLED), X[:, 0]),
    "index": (pd.Index([7, 5, 3, 1, 9, 11]), np.array([7, 5, 3, 1, 9, 11])),
    "range": (pd.RangeIndex(6), np.arange(6)),
    "integers that may be missing": (pd.Series([1, 2, 3, 4, 5, 6], dtype="Int64"), np.arange(1, 7)),
    "bools and floats": (
        pd.DataFrame({"a": X[:, 0], "b": [True, False] * 3}),
        np.stack([X[:, 0], [1.0, 0.0] * 3], axis=1),
    ),
    "two columns of one name": (pd.DataFrame(X, columns=["a", "a"]), X),
    "sparse": (pd.Series(pd.arrays.SparseArray(X[:, 0])), X[:, 0]),
    "complex": (pd.Series(X[:, 0] * 1j), X[:, 0] * 1j),
    "float32": (pd.DataFrame(X.astype("f")), X.astype("f")),
}


@pytest.mark.parametrize(("given", "values"), KINDS.values(), ids=list(KINDS))
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("inside", [lambda x: x, lambda x: (x, X), lambda x: {"x": x}], ids=["alone", "tuple", "dict"])
def test_pandas_is_taken_by_position(given, values, shuffle, inside):
    """Batches are those of the plain values, whatever the labels of the rows are."""
    of_pandas, plain = (DataLoader(inside(data), 4, shuffle=shuffle, rng=0) for data in (given, values))
    for a, b in zip(of_pandas, plain, strict=True):
        np.testing.assert_equal(a, b)
        if not isinstance(a, tuple | dict):
            assert type(a) is np.ndarray
            assert a.dtype == values.dtype


def test_samples_of_pandas_are_stacked_by_position():
    """A data set that gives rows of a frame makes batches of plain numbers."""
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3, 4]})
    rows = [(frame.iloc[i], i) for i in range(2)]
    x, i = next(iter(DataLoader(rows, 2)))
    assert x.tolist() == [[1, 3], [2, 4]]
    assert x.dtype == np.float64


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (pd.DataFrame({"a": [1.0], "city": ["Ulm"]}), TypeError, "^the column 'city' holds (object|str), and arrays"),
        (pd.Series(["x"], name="label"), TypeError, "^the column 'label' holds"),
        (pd.Series(["x"]), TypeError, "^a Series holds"),
        (pd.Index(["x"]), TypeError, "^a Index holds"),
        (pd.MultiIndex.from_tuples([(1, 2)]), TypeError, "^a MultiIndex holds object"),
        (pd.Series(pd.Categorical(["x"])), TypeError, "^a Series holds category, .* Leave it out, or encode it$"),
        (pd.DataFrame({"day": pd.to_datetime(["2024-01-01"])}), TypeError, "^the column 'day' holds datetime64"),
        (
            pd.DataFrame({"a": [1.0, 2.0], "b": [1.0, np.nan]}),
            ValueError,
            r"^the column 'b' has no value in row 1 \(counted from 0\)",
        ),
        (pd.Series([1, None], dtype="Int64", index=[9, 8]), ValueError, "^a Series has no value in row 1"),
        (pd.Series([True, None], dtype="boolean"), ValueError, "^a Series has no value in row 1"),
    ],
)
def test_what_is_no_number_is_refused_by_its_column(data, error, message):
    """Text, categories, dates and missing values name the column, and a missing value its row."""
    for inside in (data, (np.ones(len(data)), data)):
        with pytest.raises(error, match=message):
            DataLoader(inside)


def test_only_pandas_is_taken_for_pandas():
    """An array is not, nor is an object that happens to have its method."""

    class Other:
        def to_numpy(self):
            raise NotImplementedError

    assert not any(map(is_frame, (X, 1.0, Other(), [1])))
    assert is_frame(type("Mine", (pd.DataFrame,), {})(X))
