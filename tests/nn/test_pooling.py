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


def test_padding_is_never_picked():
    """Where all that a window meets in the image is -inf, the first of that gets the gradient."""
    x = np.full((1, 1, 3, 3), -np.inf)
    options = {"kernel_size": 2, "padding": 1, "return_indices": True}
    y, indices = F.max_pool2d(x, **options)
    assert (y == -np.inf).all()
    np.testing.assert_array_equal(indices[0, 0], [[0, 1], [3, 4]])
    picked = mg.grad(lambda x: F.max_pool2d(x, **options)[0].sum())(x)
    np.testing.assert_array_equal(picked[0, 0], [[1, 1, 0], [1, 1, 0], [0, 0, 0]])


@given(poolings(), st.booleans())
@settings(max_examples=40, deadline=None)
def test_indices_say_where_the_largest_numbers_are(problem, ceil_mode):
    """Each of the results is the number there, in its own channel."""
    x, *window = problem
    y, indices = F.max_pool2d(x, *window, ceil_mode=ceil_mode, return_indices=True)
    flat = x.reshape(*x.shape[:2], -1)
    np.testing.assert_array_equal(np.take_along_axis(flat, indices.reshape(*x.shape[:2], -1), 2).reshape(y.shape), y)


@given(st.integers(1, 9), st.integers(1, 12), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_adaptive_pooling_is_a_reduction_of_each_part(n, m, seed):
    """Part i of m is from floor(i n / m) to ceil((i + 1) n / m): its mean, its largest number and where that is."""
    x = np.random.default_rng(seed).normal(size=(2, 3, n))
    parts = [slice(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]
    y, indices = F.adaptive_max_pool1d(x, m, return_indices=True)
    np.testing.assert_array_equal(y, np.stack([x[..., part].max(axis=-1) for part in parts], -1))
    np.testing.assert_array_equal(np.take_along_axis(x, indices, 2), y)
    means = np.stack([x[..., part].mean(axis=-1) for part in parts], -1)
    np.testing.assert_allclose(F.adaptive_avg_pool1d(x, m), means, rtol=1e-13, atol=1e-15)


def test_one_infinity_stays_where_it_is():
    """The mean of a part is of its own numbers: those of others are not multiplied by zero."""
    x = np.zeros((1, 1, 5, 5))
    x[0, 0, 0, 0] = np.inf
    y = F.adaptive_avg_pool2d(x, 3)
    assert y[0, 0, 0, 0] == np.inf
    assert np.isfinite(y).sum() == 8


def test_an_empty_batch_stays_empty():
    """Of all poolings."""
    x = np.zeros((0, 2, 5, 5))
    pools = F.max_pool2d(x, 2), F.avg_pool2d(x, 2), F.adaptive_avg_pool2d(x, 3), F.adaptive_avg_pool2d(x, 1)
    assert [y.shape for y in pools] == [(0, 2, 2, 2), (0, 2, 2, 2), (0, 2, 3, 3), (0, 2, 1, 1)]
    assert F.adaptive_max_pool2d(x, 3, return_indices=True)[1].shape == (0, 2, 3, 3)


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
        (lambda: F.avg_pool2d(IMAGE, 2, divisor_override=0), "divisor_override of avg_pool2d is at least 1; got 0"),
        (lambda: nn.AvgPool3d(2, divisor_override=-1), "divisor_override of AvgPool3d is at least 1; got -1"),
        (
            lambda: F.max_pool1d(IMAGE, 2),
            "the input of max_pool1d has shape (n, channels, length); got an array of shape (2, 4, 5, 6)",
        ),
        (lambda: nn.MaxPool1d((2, 2)), "kernel_size of MaxPool1d is an integer, or 1 of them; got (2, 2)"),
        (
            lambda: F.adaptive_avg_pool2d(IMAGE, (1, 2, 3)),
            "output_size of adaptive_avg_pool2d is an integer, or 2 of them; got (1, 2, 3)",
        ),
        (lambda: nn.AdaptiveMaxPool2d((0, 2)), "output_size of AdaptiveMaxPool2d is at least 1; got 0"),
        (
            lambda: F.adaptive_max_pool2d(IMAGE[:, :, :0], 2),
            "adaptive_max_pool2d takes at least one number for each channel; got an image of (0, 6)",
        ),
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


def test_flags_are_true_or_false():
    """A number in the place of a flag is refused by functions and layers."""
    with pytest.raises(TypeError, match="ceil_mode of avg_pool2d is True or False; got 3"):
        F.avg_pool2d(IMAGE, 2, 2, 0, 3)
    with pytest.raises(TypeError, match="count_include_pad of AvgPool1d is True or False; got 0"):
        nn.AvgPool1d(2, count_include_pad=0)
    with pytest.raises(TypeError, match="return_indices of AdaptiveMaxPool1d is True or False; got 1"):
        nn.AdaptiveMaxPool1d(2, 1)


# The way back


@given(poolings())
@settings(max_examples=40, deadline=None)
def test_what_was_picked_is_put_back(problem):
    """The largest numbers are where they were, and there are zeros elsewhere; the gradient is picked again."""
    x, *window = problem
    y, indices = F.max_pool2d(x, *window, return_indices=True)
    back = F.max_unpool2d(y, indices, *window, output_size=x.shape)
    picked = np.zeros((*x.shape[:2], x[0, 0].size), bool)
    np.put_along_axis(picked, indices.reshape(*x.shape[:2], -1), True, axis=2)
    np.testing.assert_array_equal(back, np.where(picked.reshape(x.shape), x, 0))
    g = mg.grad(lambda y: np.sum(F.max_unpool2d(y, indices, *window, output_size=x.shape) * x))(y)
    once = np.zeros(picked.shape, int)
    np.add.at(once.reshape(-1), (np.arange(6)[:, None] * picked.shape[2] + indices.reshape(6, -1)).reshape(-1), 1)
    alone = np.take_along_axis(once, indices.reshape(*x.shape[:2], -1), 2).reshape(y.shape) == 1
    np.testing.assert_array_equal(g[alone], y[alone])


def test_sequences_and_volumes_are_put_back():
    """By the layers as well, to the least size or a given one; an empty batch stays empty."""
    rng = np.random.default_rng(0)
    for pool, unpool, size in ((nn.MaxPool1d, nn.MaxUnpool1d, (8,)), (nn.MaxPool3d, nn.MaxUnpool3d, (4, 2, 6))):
        x = rng.normal(size=(2, 3, *size))
        y, indices = pool(2, return_indices=True)(x)
        back = unpool(2)(y, indices)
        assert back.shape == x.shape
        assert unpool(2)(y[:0], indices[:0], size).shape == (0, *x.shape[1:])
        assert set(back[back != 0]) == set(y.ravel())
    y, indices = F.max_pool1d(x[:, :, 0, 0], 3, 2, return_indices=True)
    assert F.max_unpool1d(y, indices, 3, 2).shape == (2, 3, 5)
    assert F.max_unpool1d(y, indices, 3, 2, output_size=6).shape == (2, 3, 6)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: F.max_unpool2d(IMAGE, IMAGE, 2),
            ValueError,
            "max_unpool2d takes indices, integers of the shape (2, 4, 5, 6) of its input, as max_pool2d(..., "
            "return_indices=True) returns; got float64 of shape (2, 4, 5, 6)",
        ),
        (lambda: F.max_unpool2d(IMAGE, [1], 2), ValueError, "got int64 of shape (1,)"),
        (
            lambda: F.max_unpool2d(IMAGE, np.full(IMAGE.shape, 120), 2),
            IndexError,
            "max_unpool2d takes indices from 0 to 119 for an image of (10, 12); got others. Pass the output_size that",
        ),
        (
            lambda: F.max_unpool2d(IMAGE, np.zeros(IMAGE.shape, int), 2, output_size=(12, 12)),
            ValueError,
            "output_size of max_unpool2d is less than a stride from (10, 12); got (12, 12)",
        ),
        (lambda: nn.MaxUnpool1d(2, padding=2), ValueError, "padding of MaxUnpool1d is at most half its window of (2,)"),
    ],
)
def test_what_cannot_be_put_back_is_refused(call, error, message):
    """With what was wanted and what came."""
    with pytest.raises(error, match=re.escape(message)):
        call()
