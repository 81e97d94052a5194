"""Resizing: what the nearest and interpolated numbers are, and what is refused; for values see the reference."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F

IMAGE = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
lengths = st.integers(1, 12)


@given(lengths, lengths)
def test_the_nearest_numbers_are_those_of_the_image(n, m):
    """Element i is the one at floor(i n / m), or that whose square the centre of i lies in."""
    x = np.arange(float(n))[None, None]
    i = np.arange(m)
    np.testing.assert_array_equal(F.interpolate(x, m)[0, 0], i * n // m)
    np.testing.assert_array_equal(F.interpolate(x, m, mode="nearest-exact")[0, 0], (2 * i + 1) * n // (2 * m))


@given(lengths, st.integers(2, 12))
def test_a_line_is_interpolated_by_itself(n, m):
    """Corners on corners, a straight line stays one, of other steps."""
    y = F.interpolate(np.linspace(-1, 2, n)[None, None], m, mode="linear", align_corners=True)
    np.testing.assert_allclose(y[0, 0], np.linspace(-1, 2, m) if n > 1 else np.full(m, -1), atol=1e-14)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_weights_add_up_to_one(mode):
    """A constant image stays what it is, also at the border and where it is made smaller."""
    for size, antialias in (((7, 3), False), ((2, 3), True), ((9, 1), True)):
        y = F.interpolate(np.full((1, 1, 4, 5), 3.0), size, mode=mode, antialias=antialias)
        np.testing.assert_allclose(y, 3, rtol=1e-14)


def test_the_same_size_is_the_same_image():
    """In each mode; a factor that only rounds to it moves the elements."""
    for mode in ("nearest", "nearest-exact", "area", "bilinear", "bicubic"):
        np.testing.assert_array_equal(F.interpolate(IMAGE, (4, 5), mode=mode), IMAGE)
    assert not np.array_equal(F.interpolate(IMAGE, scale_factor=1.1, mode="bilinear"), IMAGE)
    y = F.interpolate(IMAGE, scale_factor=1.1, mode="bilinear", recompute_scale_factor=True)
    np.testing.assert_array_equal(y, IMAGE)


def test_the_gradient_counts_the_copies():
    """Of the nearest numbers, as often as each was taken; numbers that were left out have none."""
    g = mg.grad(lambda x: F.interpolate(x, (2, 15)).sum())(IMAGE)
    np.testing.assert_array_equal(g[0, 0], [[3] * 5, [0] * 5, [3] * 5, [0] * 5])


def test_one_infinity_stays_near():
    """Elements that are made of others are finite."""
    x = np.zeros((1, 1, 6))
    x[0, 0, 0] = np.inf
    y = F.interpolate(x, 12, mode="linear")
    np.testing.assert_array_equal(np.isfinite(y[0, 0]), [False] * 3 + [True] * 9)


def test_integers_keep_their_dtype_where_nothing_is_computed():
    """The nearest are copies, of any dtype; means and lines are floats."""
    pixels = np.arange(12, dtype=np.uint8).reshape(1, 1, 3, 4)
    assert F.interpolate(pixels, scale_factor=2).dtype == np.uint8
    np.testing.assert_array_equal(F.interpolate(pixels, (3, 2))[0, 0], pixels[0, 0, :, ::2])
    assert F.interpolate(pixels, 2, mode="area").dtype == np.float64
    assert F.interpolate(pixels.astype(np.float32), 2, mode="bilinear").dtype == np.float32


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: F.interpolate(IMAGE, 2, mode="linear"),
            "interpolate with mode='linear' takes (n, channels, length); got an array of shape (2, 3, 4, 5)",
        ),
        (
            lambda: F.interpolate(np.zeros(3), 2),
            "takes (n, channels, length) or (n, channels, height, width) or (n, channels, depth, height, width); got",
        ),
        (
            lambda: nn.Upsample(2, mode="cubic"),
            "mode of Upsample is one of 'nearest', 'nearest-exact', 'area', 'linear', 'bilinear', 'trilinear', "
            "'bicubic'; got 'cubic'",
        ),
        (
            lambda: F.interpolate(IMAGE, 2, align_corners=True),
            "align_corners is for 'linear', 'bilinear', 'trilinear', 'bicubic'; got mode='nearest'. Leave it out",
        ),
        (
            lambda: F.interpolate(IMAGE, 2, antialias=True),
            "antialias is for 'bilinear' and 'bicubic' without align_corners; got mode='nearest' and "
            "align_corners=None",
        ),
        (lambda: F.interpolate(IMAGE), "interpolate takes either a size or a scale_factor; got None and None"),
        (lambda: nn.Upsample(2, 2.0), "Upsample takes either a size or a scale_factor; got 2 and 2.0"),
        (
            lambda: F.interpolate(IMAGE, 2, recompute_scale_factor=True),
            "recompute_scale_factor is for a scale_factor; got a size. Leave it out",
        ),
        (lambda: F.interpolate(IMAGE, 0), "size of interpolate is at least 1; got 0"),
        (lambda: F.interpolate(IMAGE, (1, 2, 3)), "size of interpolate is an integer, or 2 of them; got (1, 2, 3)"),
        (
            lambda: F.interpolate(IMAGE, scale_factor=(1, -2)),
            "scale_factor of interpolate is a positive number, or 2 of them; got (1, -2)",
        ),
        (lambda: F.interpolate(IMAGE, scale_factor="2"), "is a positive number, or 2 of them; got '2'"),
        (lambda: F.interpolate(IMAGE, scale_factor=(2,)), "is a positive number, or 2 of them; got (2,)"),
        (
            lambda: F.interpolate(IMAGE, scale_factor=0.2),
            "interpolate of an image of (4, 5) by 0.2 would leave (0, 1). Take more",
        ),
        (
            lambda: F.interpolate(IMAGE[:, :, :0], 2),
            "interpolate takes at least one number for each channel; got an image of (0, 5)",
        ),
    ],
)
def test_misfits_are_refused(call, message):
    """With what was wanted and what came."""
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_flags_are_true_or_false():
    """A word is refused."""
    with pytest.raises(TypeError, match="align_corners of Upsample is True or False; got 'yes'"):
        nn.Upsample(2, mode="bilinear", align_corners="yes")
    with pytest.raises(TypeError, match="recompute_scale_factor of interpolate is True or False; got 1"):
        F.interpolate(IMAGE, scale_factor=2, recompute_scale_factor=1)
