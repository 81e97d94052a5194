"""Unfolding: convolution as a product, its transpose, pixels and channels, and what is refused."""

import re

import numpy as np
import pytest
from hypothesis import given, settings

from minigrad import nn
from minigrad.nn import functional as F

from .test_convolution import convolutions

IMAGE = np.random.default_rng(0).normal(size=(2, 12, 4, 6))


@given(convolutions())
@settings(max_examples=40)
def test_convolution_is_a_product_with_what_is_unfolded(problem):
    """For any kernel, stride, padding and dilation, of one group."""
    x, w, options = problem
    groups = options.pop("groups")
    w = np.tile(w, (1, groups, 1, 1))
    y = w.reshape(len(w), -1) @ F.unfold(x, w.shape[2:], **options)
    want = F.conv2d(x, w, **options)
    np.testing.assert_allclose(y.reshape(want.shape), want, rtol=1e-11, atol=1e-12)


@given(convolutions())
@settings(max_examples=40)
def test_fold_is_the_transpose_of_unfold(problem):
    """<unfold(x), g> = <x, fold(g)>."""
    x, w, options = problem
    options.pop("groups")
    y = F.unfold(x, w.shape[2:], **options)
    g = np.random.default_rng(0).normal(size=y.shape)
    np.testing.assert_allclose(np.sum(y * g), np.sum(x * F.fold(g, x.shape[2:], w.shape[2:], **options)), atol=1e-10)


def test_pixels_become_channels_and_come_back():
    """pixel_unshuffle is the inverse of pixel_shuffle, with any number of axes before; by 1, both do nothing."""
    for r in (1, 2):
        y = F.pixel_shuffle(IMAGE, r)
        assert y.shape == (2, 12 // r**2, 4 * r, 6 * r)
        np.testing.assert_array_equal(F.pixel_unshuffle(y, r), IMAGE)
        np.testing.assert_array_equal(F.pixel_shuffle(IMAGE[1], r), y[1])
    np.testing.assert_array_equal(F.pixel_shuffle(np.arange(4).reshape(4, 1, 1), 2), [[[0, 1], [2, 3]]])
    np.testing.assert_array_equal(nn.PixelUnshuffle(2)(nn.PixelShuffle(2)(IMAGE)), IMAGE)


def test_an_empty_batch_stays_empty():
    """Of all these."""
    x = IMAGE[:0]
    assert F.unfold(x, 2).shape == (0, 48, 15)
    assert F.fold(F.unfold(x, 2), (4, 6), 2).shape == x.shape
    assert F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2).shape == x.shape


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.unfold(IMAGE[0], 2), "the input of unfold has shape (n, channels, height, width); got an array of"),
        (lambda: F.unfold(IMAGE, 5), "unfold takes a kernel that fits into the padded image; got one of (5, 5)"),
        (lambda: nn.Unfold(2, padding=-1), "padding of Unfold is at least 0; got -1"),
        (
            lambda: F.fold(IMAGE[:, :, 0], (3, 3), 2),
            "fold takes (n, channels * 4, 4) for a window of (2, 2) in an image of (3, 3); got an array of shape",
        ),
        (lambda: F.fold(IMAGE, 3, 2), "fold takes (n, channels * 4, 4) for a window of (2, 2) in an image of (3, 3)"),
        (lambda: nn.Fold(0, 2), "output_size of Fold is at least 1; got 0"),
        (
            lambda: F.fold(IMAGE[:, :, 0], 2, 3),
            "fold takes a kernel that fits into the padded image; got one of (3, 3)",
        ),
        (
            lambda: F.pixel_shuffle(IMAGE, 5),
            "pixel_shuffle by 5 takes (..., channels * 25, height, width); got an array of shape (2, 12, 4, 6)",
        ),
        (lambda: F.pixel_shuffle(np.zeros((4, 4)), 2), "got an array of shape (4, 4)"),
        (
            lambda: F.pixel_unshuffle(IMAGE, 4),
            "takes (..., channels, height, width) whose height and width 4 divides; got an array of shape (2, 12",
        ),
        (lambda: nn.PixelShuffle(0), "upscale_factor of PixelShuffle is at least 1; got 0"),
    ],
)
def test_misfits_are_refused(call, message):
    """With what was wanted and what came."""
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_padding_is_in_numbers():
    """There is no "same" here, as in PyTorch."""
    with pytest.raises(TypeError, match="padding of unfold is an integer; got 'same'"):
        F.unfold(IMAGE, 2, padding="same")
