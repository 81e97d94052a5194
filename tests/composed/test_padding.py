"""Padding in all modes beside NumPy's, and what is refused."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.composed.padding import OPTIONS

from .test_statistics import assert_numpys

X = np.array([[3.0, -1.0, 0.5, -2.0, 4.0], [1.0, 5.0, -3.0, 2.5, -0.5], [0.0, 6.0, 7.0, -4.0, 1.5]])
VALUES = {
    "constant_values": [2, ((1, 2), (3, 4))],
    "end_values": [3, ((1, 2), (3, -4))],
    "stat_length": [2, ((1, 2), (9, 3))],
    "reflect_type": ["even", "odd"],
}
CALLS = [(mode, {}) for mode in OPTIONS] + [
    (mode, {name: value}) for mode, name in OPTIONS.items() if name for value in VALUES[name]
]


@pytest.mark.parametrize(("mode", "options"), CALLS, ids=str)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, int, np.uint8])
def test_paddings_are_those_of_numpy(mode, options, dtype):
    """Narrow ones and such as are wider than the array, of several rows and of one."""
    for x in (X, X[:1], abs(X[:, 0])):
        x = abs(X).astype(dtype) if dtype == np.uint8 else x.astype(dtype)
        for widths in (1, (2, 3), 7, *([((9, 11), (0, 12))] if x.ndim == 2 else [])):
            if mode == "empty":
                inside = tuple(slice(7, -7) for _ in x.shape)
                np.testing.assert_array_equal(np.pad(mg.tensor(x), 7, mode)[inside].numpy(), x)
            elif x.ndim == 2 or not isinstance(next(iter(options.values()), None), tuple):
                assert_numpys(lambda x, w=widths: np.pad(x, w, mode, **options), x, rtol=1e-5)


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.2.0", reason="NumPy before 2.2 takes no dict of widths")
def test_widths_of_some_axes():
    for widths in ({0: 1}, {-1: (1, 2)}, {0: (0, 2), 1: 3}):
        assert_numpys(lambda x, w=widths: np.pad(x, w, "edge"), X)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: np.pad(x, 1, "sum"), r"pad takes the modes constant, edge, empty, .*'sum'"),
        (lambda x: np.pad(x, 1, "edge", end_values=1), r"each with its own option; got 'edge' \{'end_values': 1\}"),
        (lambda x: np.pad(x, 1, lambda *_: None), r"a function that fills its argument in place has no derivative"),
        (lambda x: np.pad(x[:0], 1, "edge"), r"is padded in the modes constant and empty; got 'edge'"),
        (
            lambda x: np.pad(x, 1, "mean", stat_length=0),
            r"the mode mean of pad takes a stat_length of 1 or more; got 0",
        ),
        (lambda x: np.pad(x, 1, "reflect", reflect_type="no"), r"reflect_type is even or odd; got 'no'"),
    ],
)
def test_what_is_refused_is_named(call, text):
    with pytest.raises(ValueError, match=text):
        call(mg.tensor(X, requires_grad=True))
