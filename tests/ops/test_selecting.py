"""topk and masked_fill: values, derivatives, levels, and what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.testing import gradcheck


@given(st.data())
def test_topk_is_the_end_of_the_sorted_array(data):
    """Along each axis, for each k, of any dtype, with equal elements among them; indices say where they are."""
    shape = data.draw(st.tuples(*[st.integers(1, 5)] * data.draw(st.integers(1, 3))))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    dtype = data.draw(st.sampled_from([bool, np.uint8, np.int64, np.float16, np.float32, float]))
    x = np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, 4, shape).astype(dtype)
    k = data.draw(st.integers(0, shape[axis]))
    for largest in (True, False):
        y, where = mg.topk(x, k, axis, largest)
        ordered = np.sort(x, axis)
        ordered = np.flip(ordered, axis) if largest else ordered
        np.testing.assert_array_equal(y, np.take(ordered, range(k), axis))
        np.testing.assert_array_equal(np.take_along_axis(x, where, axis), y)
        assert y.dtype == x.dtype


def test_topk_has_the_derivative_of_picking():
    """In reverse and forward mode, and compiled, where other values may have other places."""
    x = np.random.default_rng(0).permutation(12).astype(float).reshape(3, 4)
    gradcheck(lambda x: mg.topk(x, 2).values ** 2, (x,))
    leaf = mg.tensor(x, requires_grad=True)
    found = mg.topk(leaf, 1, axis=0, largest=False)
    found.values.sum().backward()
    np.testing.assert_array_equal(leaf.grad, x == x.min(axis=0))
    np.testing.assert_array_equal(found.indices, x.argmin(axis=0)[None])
    compiled = mg.compile(lambda x: mg.topk(x, 2))
    for a in (x, -x, x.T.copy().reshape(3, 4)):
        for got, want in zip(compiled(a), mg.topk(a, 2), strict=True):
            np.testing.assert_array_equal(got, want)


def test_topk_of_nan_and_lists():
    """A NaN is the largest; a list of numbers is an array."""
    assert np.isnan(mg.topk([1.0, np.nan, 2.0], 1).values[0])
    assert mg.topk([3, 1, 2], 2).values.tolist() == [3, 2]


@pytest.mark.parametrize(("k", "axis"), [(4, -1), (-1, -1), (1, 2), (1, -3)])
def test_topk_refuses_more_than_there_is(k, axis):
    with pytest.raises(ValueError, match=rf"as many elements as an axis has; got {k} of axis {axis} of \(2, 3\)"):
        mg.topk(np.ones((2, 3)), k, axis)


@pytest.mark.parametrize(
    ("k", "axis", "text"),
    [(1.5, -1, "the k of topk is an integer; got 1.5"), (1, 0.5, "the axis of topk is an integer; got 0.5")],
)
def test_topk_takes_integers(k, axis, text):
    with pytest.raises(TypeError, match=text):
        mg.topk(np.ones(3), k, axis)
    assert mg.topk(np.ones(3), np.int64(2)).values.tolist() == [1, 1]


def test_masked_fill_is_where():
    """With a mask that broadcasts, on each level; the derivative is that of what stays."""
    x = np.random.default_rng(0).normal(size=(3, 4))
    for mask in (x > 0, x[0] > 0, x[:, :1] > 0, True):
        np.testing.assert_array_equal(mg.masked_fill(x, mask, -1.0), np.where(mask, -1.0, x))
        slopes = mg.grad(lambda x, mask=mask: mg.sum(mg.masked_fill(x, mask, -1.0)))(x)
        np.testing.assert_array_equal(slopes, np.where(mask, 0.0, np.ones_like(x)))
    assert mg.masked_fill(x.astype(np.float32), x > 0, -np.inf).dtype == np.float32
    value = mg.tensor(2.0, requires_grad=True)
    mg.masked_fill(x, x > 0, value).sum().backward()
    assert value.grad.item() == (x > 0).sum()


def test_masked_fill_refuses_what_may_mean_something_else():
    x = np.ones((2, 3))
    with pytest.raises(TypeError, match=r"the mask of masked_fill is of truths; got int64. Use mask.astype\(bool\)"):
        mg.masked_fill(x, [1, 0, 1], 0.0)
    with pytest.raises(ValueError, match=r"of \(2, 3\) takes a mask that broadcasts to it; got \(2, 2, 3\)"):
        mg.masked_fill(x, np.ones((2, 2, 3), bool), 0.0)
    with pytest.raises(ValueError, match=r"of \(2, 1\) takes a mask that broadcasts to it; got \(2, 3\)"):
        mg.masked_fill(x[:, :1], np.ones((2, 3), bool), 0.0)
    with pytest.raises(ValueError, match=r"takes one value; got \(3,\). Use where\(mask, values, x\)"):
        mg.masked_fill(x, x > 0, np.ones(3))
