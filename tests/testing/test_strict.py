"""The strict array: it computes as an ndarray does, and refuses to become one or to meet one."""

import numpy as np
import pytest

from minigrad.testing import StrictArray

X = StrictArray([1.0, 2.0, 3.0])


def test_it_computes():
    assert (np.exp(X) * 2 + X[0]).values.tolist() == (np.exp(X.values) * 2 + 1).tolist()
    assert np.concatenate([X, X]).shape == (6,)
    assert [part.values.tolist() for part in np.split(X, [1])] == [[1], [2, 3]]
    assert X.sum().item() == 6
    assert len(X) == 3
    assert bool(X[0] < X[1])


def test_it_refuses_to_become_an_ndarray():
    with pytest.raises(TypeError, match=r"a StrictArray of shape \(3,\) was asked to become an ndarray"):
        np.asarray(X)


@pytest.mark.parametrize("call", [np.add, np.multiply, lambda x, y: np.concatenate([x, y])])
def test_it_does_not_meet_ndarrays(call):
    with pytest.raises(TypeError):
        call(X, np.ones(3))


def test_it_does_not_hold_ndarrays():
    y = X.copy()
    y[0] = 5.0
    assert y.values.tolist() == [5, 2, 3]
    with pytest.raises(TypeError, match="was given an ndarray to hold"):
        y[:2] = np.ones(2)


def test_it_has_no_other_protocols():
    with pytest.raises(AttributeError):
        X.__array_interface__  # noqa: B018
