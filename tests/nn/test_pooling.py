"""Pooling: the definition, ties and what is not a number, and what is refused."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F


@st.composite
def poolings(draw):
    """An image and a window that has a place there."""
    kernel, stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3))), draw(st.integers(1, 3))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    size = [k + draw(st.integers(0, 4)) for k in kernel]
    x = np.random.default_rng(draw(st.integers(0, 99))).normal(size=(2, 3, *size))
    return x, kernel, stride, padding


def by_definition(x, kernel, stride, padding, reduce, fill):
    (k, m), (p, q) = kernel, padding
    x = np.pad(x, ((0, 0), (0, 0), (p, p), (q, q)), constant_values=fill)
    down, across = range(0, x.shape[2] - k + 1, stride), range(0, x.shape[3] - m + 1, stride)
    return np.stack(
        [np.stack([reduce(x[:, :, i : i + k, j : j + m], axis=(2, 3)) for j in across], -1) for i in down], -2
    )


@given(poolings())
@settings(max_examples=40, deadline=None)
def test_pooling_is_a_reduction_of_each_window(problem):
    """max and mean of what each window meets; padding is -inf and 0, or not there."""
    x, *window = problem
    np.testing.assert_array_equal(F.max_pool2d(x, *window), by_definition(x, *window, np.max, -np.inf))
    np.testing.assert_allclose(F.avg_pool2d(x, *window), by_definition(x, *window, np.mean, 0), rtol=1e-13, atol=1e-15)
    want = by_definition(x, *window, np.nanmean, np.nan)
    np.testing.assert_allclose(F.avg_pool2d(x, *window, count_include_pad=False), want, rtol=1e-13, atol=1e-15)


@given(poolings())
@settings(max_examples=40, deadline=None)
def test_gradients_of_sums_count_the_windows(problem):
    """The gradient of all means together is, at each element, the number of windows there over their size."""
    x, kernel, stride, padding = problem
    g = mg.grad(lambda x: F.avg_pool2d(x, kernel, stride, padding).sum())(x)
    picked = mg.grad(lambda x: F.max_pool2d(x, kernel, stride, padding).sum())(x)
    count = np.zeros((x.shape[2] + 2 * padding[0], x.shape[3] + 2 * padding[1]))
    for i in range(0, count.shape[0] - kernel[0] + 1, stride):
        for j in range(0, count.shape[1] - kernel[1] + 1, stride):
            count[i : i + kernel[0], j : j + kernel[1]] += 1 / (kernel[0] * kernel[1])
    inside = count[padding[0] : padding[0] + x.shape[2], padding[1] : padding[1] + x.shape[3]]
    np.testing.assert_allclose(g, np.broadcast_to(inside, x.shape), rtol=1e-13, atol=1e-15)
    assert picked.sum() == F.max_pool2d(x, kernel, stride, padding).size
    np.testing.assert_array_equal(picked, picked.round())


def test_the_first_of_equal_elements_gets_the_gradient():
    """Row by row, in each window; where windows overlap they may pick one element several times."""
    x = np.zeros((1, 1, 3, 3))
    np.testing.assert_array_equal(
        mg.grad(lambda x: F.max_pool2d(x, 3).sum())(x)[0, 0], [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    )
    x[0, 0, 1, 1] = 1
    g = mg.grad(lambda x: F.max_pool2d(x, 2, stride=1).sum())(x)
    np.testing.assert_array_equal(g[0, 0], [[0, 0, 0], [0, 4, 0], [0, 0, 0]])


def test_what_is_not_a_number_is_the_largest():
    """A window with a NaN has that value, and its gradient flows to the first NaN."""
    x = np.array([[[[9.0, np.nan], [np.nan, 1.0]]]])
    assert np.isnan(F.max_pool2d(x, 2)).all()
    np.testing.assert_array_equal(mg.grad(lambda x: F.max_pool2d(x, 2).sum())(x)[0, 0], [[0, 1], [0, 0]])


IMAGE = np.zeros((2, 4, 5, 6))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: F.max_pool2d(IMAGE[0], 2),
            "the input of max_pool2d has shape (n, channels, height, width); got an array of shape (4, 5, 6)",
        ),
        (
            lambda: F.avg_pool2d(IMAGE, 6),
            "avg_pool2d takes a kernel that fits into the padded image; got one of (6, 6)",
        ),
        (lambda: F.max_pool2d(IMAGE, 2, dilation=5), "max_pool2d takes a kernel that fits into the padded image"),
        (lambda: nn.MaxPool2d(3, padding=2), "padding of MaxPool2d is at most half its window of (3, 3); got (2, 2)"),
        (lambda: nn.AvgPool2d((0, 2)), "kernel_size of AvgPool2d is at least 1; got 0"),
        (lambda: F.avg_pool2d(IMAGE, 2, stride=0), "stride of avg_pool2d is at least 1; got 0"),
    ],
)
def test_misfits_are_refused(call, message):
    """With what was wanted and what came."""
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_max_pooling_refuses_integers():
    """There is no integer below all others for the padding, and no derivative."""
    with pytest.raises(TypeError, match=r"max_pool2d takes floating numbers; got int64. Use x.astype\(float\)"):
        F.max_pool2d(np.zeros((1, 1, 2, 2), int), 2)
