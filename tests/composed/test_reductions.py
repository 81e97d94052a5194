"""Methods of ufuncs, and running sums by the names of the Array API."""

import numpy as np
import pytest

import minigrad as mg


def test_ufunc_methods_refuse_options_by_name():
    with pytest.raises(mg.NoRuleError, match=r"add\.reduce has no derivative rule for its option where="):
        np.add.reduce(mg.tensor(np.ones(3), requires_grad=True), where=np.array([True, False, True]))


def test_dtype_of_a_reduction():
    """A wider sum of float32 has a float32 gradient."""
    x = mg.tensor(np.ones(3, np.float32), requires_grad=True)
    y = np.add.reduce(x, dtype=np.float64)
    assert y.dtype == np.float64
    y.backward()
    assert x.grad.dtype == np.float32


def test_cumulative_functions_ask_for_an_axis():
    with pytest.raises(ValueError, match=r"needs axis=; got one of shape \(2, 3\)"):
        mg.cumulative_sum(mg.tensor(np.ones((2, 3))))
    y = mg.cumulative_sum(np.ones((2, 3), np.float32), axis=1, dtype=np.float64, include_initial=True)
    assert y.tolist() == [[0, 1, 2, 3], [0, 1, 2, 3]]
