"""Convolution: the definition, its transpose, its layers, and what is refused."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F
from minigrad.nn.convolution import form

from .make_reference import TRANSPOSED, transposed_problem
from .reference import CLOSE, Reference

REFERENCE = Reference("transposed")
small = st.integers(1, 3)
pairs = st.tuples(small, small)


@st.composite
def convolutions(draw):
    """An image, a kernel, and options that leave the kernel a place."""
    groups, kernel, stride, dilation = draw(small), draw(pairs), draw(pairs), draw(pairs)
    padding = draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    least = [max(d * (k - 1) + 1 - 2 * p, 1) for k, d, p in zip(kernel, dilation, padding, strict=True)]
    size = [n + draw(st.integers(0, 4)) for n in least]
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = rng.normal(size=(draw(small), groups * draw(small), *size))
    w = rng.normal(size=(groups * draw(small), x.shape[1] // groups, *kernel))
    return x, w, {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


def by_definition(x, w, stride, padding, dilation, groups):
    """A sum over the elements of the kernel, for each element of the result."""
    (top, left), (out, into, *kernel) = padding, w.shape
    x = np.pad(x, ((0, 0), (0, 0), (top, top), (left, left)))
    places = [(x.shape[2 + i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in (0, 1)]
    y = np.zeros((len(x), out, *places))
    for n, o, i, j in np.ndindex(y.shape):
        first = o // (out // groups) * into
        for c, a, b in itertools.product(range(into), *map(range, kernel)):
            at = i * stride[0] + a * dilation[0], j * stride[1] + b * dilation[1]
            y[n, o, i, j] += w[o, c, a, b] * x[n, first + c, *at]
    return y


@given(convolutions())
@settings(max_examples=60, deadline=None)
def test_conv2d_is_the_sum_that_defines_it(problem):
    """For any sizes, strides, paddings, dilations and groups."""
    x, w, options = problem
    np.testing.assert_allclose(F.conv2d(x, w, **options), by_definition(x, w, **options), rtol=1e-12, atol=1e-12)


@given(convolutions())
@settings(max_examples=60, deadline=None)
def test_conv_transpose2d_is_the_adjoint_of_conv2d(problem):
    """<conv2d(x, w), g> = <x, conv_transpose2d(g, w)>, with the output padding that gives the size of x."""
    x, w, options = problem
    y = F.conv2d(x, w, **options)
    g = np.random.default_rng(0).normal(size=y.shape)
    extra = [
        n + 2 * p - d * (k - 1) - 1 - (m - 1) * s
        for n, p, d, k, m, s in zip(
            x.shape[2:],
            options["padding"],
            options["dilation"],
            w.shape[2:],
            y.shape[2:],
            options["stride"],
            strict=True,
        )
    ]
    back = F.conv_transpose2d(g, w, output_padding=tuple(extra), **options)
    np.testing.assert_allclose(np.sum(y * g), np.sum(x * back), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("number", range(TRANSPOSED))
def test_transposed_convolution_agrees_with_pytorch(number):
    """Values, gradients, and second derivatives in both modes; most at the largest output padding there may be."""
    arrays, directions, options = transposed_problem(number)
    y = F.conv_transpose2d(*arrays, **options)
    g = np.random.default_rng(9).normal(size=y.shape)

    def gradient(x, w, b):
        return mg.grad(lambda *a: mg.sum(mg.tanh(F.conv_transpose2d(*a, **options)) * g), argnums=(0, 1, 2))(x, w, b)

    _, forward = mg.jvp(gradient, tuple(arrays), tuple(directions))
    _, pull_back = mg.vjp(gradient, *arrays)
    np.testing.assert_allclose(y, REFERENCE[f"{number}/y"], **CLOSE)
    second = zip("xwb", gradient(*arrays), forward, pull_back(tuple(directions)), strict=True)
    for name, first, *both in second:
        np.testing.assert_allclose(first, REFERENCE[f"{number}/d{name}"], **CLOSE)
        for along in both:
            np.testing.assert_allclose(along, REFERENCE[f"{number}/d2{name}"], **CLOSE)


@given(convolutions())
@settings(max_examples=20, deadline=None)
def test_conv1d_is_conv2d_of_images_of_height_one(problem):
    """With the same numbers for the width."""
    x, w, options = problem
    x, w = x[:, :, :1], w[:, :, :1]
    one = {k: v if k == "groups" else v[1] for k, v in options.items()}
    two = {k: v if k == "groups" else (0 if k == "padding" else 1, v[1]) for k, v in options.items()}
    want = F.conv2d(x, w, **two)[:, :, 0]
    np.testing.assert_allclose(F.conv1d(x[:, :, 0], w[:, :, 0], **one), want, rtol=1e-13)


def test_large_products_are_cut_without_a_change():
    """Rows that are cut into pieces for the kernels of small products give the same result as whole ones."""
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(8, 16, 4, 66)), rng.normal(size=(24, 16, 3, 3))
    assert form._count_pieces(24, 64 * 8, 16 * 9) > 1
    want = sum(
        np.einsum("oc,nchw->nohw", w[:, :, i, j], x[:, :, i : i + 2, j : j + 64]) for i in range(3) for j in range(3)
    )
    np.testing.assert_allclose(F.conv2d(x, w), want, rtol=1e-11, atol=1e-11)


def test_products_that_cannot_be_cut_stay_whole():
    """There is no piece of at least 32 columns, or no divisor that is small enough, or no need."""
    assert form._count_pieces(1000, 1000, 1000) == 1
    assert form._count_pieces(100, 1009, 100) == 1
    assert form._count_pieces(10, 100, 10) == 1


def test_an_empty_batch_stays_empty():
    """Values and gradients of no images have their shapes."""
    x, w = mg.tensor(np.zeros((0, 2, 5, 5)), requires_grad=True), mg.tensor(np.ones((3, 2, 3, 3)), requires_grad=True)
    y = F.conv2d(x, w)
    y.sum().backward()
    assert y.shape == (0, 3, 3, 3)
    assert x.grad.shape == x.shape
    assert not w.grad.data.any()


def test_defaults_are_the_plain_convolution():
    """Stride, dilation and groups 1, no padding and no bias; likewise the layers'."""
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 3, 5, 6)), rng.normal(size=(3, 3, 2, 2))
    want = by_definition(x, w, (1, 1), (0, 0), (1, 1), 1)
    np.testing.assert_allclose(F.conv2d(x, w), want, rtol=1e-13)
    assert F.conv1d(x[:, :, 0], w[:, :, 0]).shape == (2, 3, 5)
    assert F.conv_transpose2d(x, w).shape == (2, 3, 6, 7)
    for layer in (nn.Conv2d(3, 3, 2), nn.ConvTranspose2d(3, 3, 2)):
        assert (layer.stride, layer.dilation, layer.groups, layer.bias.shape) == ((1, 1), (1, 1), 1, (3,))
        assert layer.padding in (0, (0, 0))


def test_lists_are_images_too():
    """They are made arrays, as everywhere."""
    y = F.conv2d([[[[1.0, 2.0], [3.0, 4.0]]]], [[[[1.0, 1.0]]]])
    np.testing.assert_array_equal(y, [[[[3.0], [7.0]]]])


def test_layers_start_within_their_bound():
    """Weights and biases are uniform in ±1 / sqrt(fan in), and the same for the same seed."""
    layer = nn.Conv2d(6, 64, (3, 5), groups=2, rng=0)
    bound = 1 / np.sqrt(3 * 15)
    assert layer.weight.shape == (64, 3, 3, 5)
    assert 0.98 * bound < np.abs(layer.weight.data).max() < bound
    assert np.abs(layer.bias.data).max() < bound
    np.testing.assert_array_equal(layer.weight.data, nn.Conv2d(6, 64, (3, 5), groups=2, rng=0).weight.data)
    assert nn.Conv1d(2, 3, 4, bias=False).bias is None
    assert nn.ConvTranspose2d(4, 6, 3, groups=2).weight.shape == (4, 3, 3, 3)


IMAGE, KERNEL = np.zeros((2, 4, 5, 6)), np.zeros((6, 4, 3, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: F.conv2d(IMAGE[0], KERNEL),
            "the input of conv2d has shape (n, channels, height, width); got an array of shape (4, 5, 6)",
        ),
        (
            lambda: F.conv2d(IMAGE, KERNEL[0]),
            "the weight of conv2d has shape (out, in / groups, height, width); got an array",
        ),
        (
            lambda: F.conv1d(IMAGE, KERNEL),
            "the input of conv1d has shape (n, channels, length); got an array of shape (2, 4, 5, 6)",
        ),
        (
            lambda: F.conv2d(IMAGE, KERNEL[:, :3]),
            "conv2d with a weight of shape (6, 3, 3, 3) and groups=1 takes 3 channels; got 4",
        ),
        (
            lambda: F.conv2d(IMAGE, KERNEL[:5, :2], groups=2),
            "conv2d makes channels in groups=2 equal groups; got a weight of shape (5, 2, 3, 3)",
        ),
        (lambda: F.conv2d(IMAGE, KERNEL, groups=0), "groups of conv2d is at least 1; got 0"),
        (
            lambda: F.conv2d(IMAGE, KERNEL, np.zeros(4)),
            "conv2d takes a bias of shape (6,), a number a channel; got shape (4,)",
        ),
        (lambda: F.conv2d(IMAGE, KERNEL, stride=0), "stride of conv2d is at least 1; got 0"),
        (lambda: F.conv2d(IMAGE, KERNEL, padding=-1), "padding of conv2d is at least 0; got -1"),
        (
            lambda: F.conv2d(IMAGE, KERNEL, dilation=(1, 2, 3)),
            "dilation of conv2d is an integer, or 2 of them; got (1, 2, 3)",
        ),
        (
            lambda: F.conv2d(IMAGE, KERNEL, padding="full"),
            'padding of conv2d is a number, one for each axis, "same" or "valid"; got \'full\'',
        ),
        (
            lambda: F.conv2d(IMAGE, KERNEL, padding="same", stride=2),
            'padding="same" of conv2d takes stride 1; got (2, 2)',
        ),
        (
            lambda: F.conv2d(IMAGE, KERNEL, dilation=3),
            "fits into the padded image; got one of (3, 3) with dilation (3, 3) for an image of (5, 6) with its",
        ),
        (
            lambda: F.conv1d(IMAGE[:, :, 0], KERNEL[:, :, 0], dilation=3),
            "conv1d takes a kernel that fits into the padded image; got one of (3,) with dilation (3,) for an",
        ),
        (
            lambda: F.conv_transpose2d(IMAGE, KERNEL),
            "takes as many channels as its weight has rows, in groups=1 equal groups; got 4 channels and a weight",
        ),
        (
            lambda: F.conv_transpose2d(IMAGE, KERNEL[:4], groups=3),
            "in groups=3 equal groups; got 4 channels and a weight of shape (4, 4, 3, 3)",
        ),
        (lambda: F.conv_transpose2d(IMAGE, KERNEL[:4], np.zeros(3)), "conv_transpose2d takes a bias of shape (4,)"),
        (
            lambda: F.conv_transpose2d(IMAGE, KERNEL[:4], output_padding=1),
            "output_padding of conv_transpose2d is less than the stride or the dilation; got (1, 1)",
        ),
        (
            lambda: F.conv_transpose2d(IMAGE, KERNEL[:4], padding=4),
            "conv_transpose2d of an image of (5, 6) would leave (-1, 0) with this padding. Take less",
        ),
        (
            lambda: F.conv3d(IMAGE, KERNEL),
            "the input of conv3d has shape (n, channels, depth, height, width); got an array of shape (2, 4, 5, 6)",
        ),
        (
            lambda: nn.ConvTranspose1d(4, 2, 3, output_padding=1)(np.ones((1, 4, 5))),
            "output_padding of conv_transpose1d is less than the stride or the dilation; got (1,) for stride (1,)",
        ),
        (lambda: nn.Conv3d(4, 6, (3, 3)), "kernel_size of Conv3d is an integer, or 3 of them; got (3, 3)"),
        (
            lambda: nn.Conv2d(4, 6, 3, groups=4),
            "Conv2d takes groups that divide in_channels and out_channels; got groups=4 for 4 and 6",
        ),
        (lambda: nn.Conv2d(0, 6, 3), "in_channels of Conv2d is at least 1; got 0"),
        (lambda: nn.Conv1d(4, 6, (3, 3)), "kernel_size of Conv1d is an integer, or 1 of them; got (3, 3)"),
        (lambda: nn.Conv2d(4, 6, 3, padding="some"), "padding of Conv2d is a number"),
        (
            lambda: nn.Conv2d(4, 6, 3, padding_mode="edge"),
            "padding_mode of Conv2d is one of 'zeros', 'reflect', 'replicate', 'circular'; got 'edge'",
        ),
        (
            lambda: nn.Conv1d(4, 6, 3, padding=1, padding_mode="circular")(np.ones((4, 9))),
            "the input of Conv1d has shape (n, channels, length); got an array of shape (4, 9)",
        ),
    ],
)
def test_misfits_are_refused(call, message):
    """With what was wanted and what came."""
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_sequences_and_volumes_are_images_with_axes_of_length_one():
    """Transposed convolution of sequences, and convolution of volumes of depth 1, are those of images."""
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 4, 1, 5)), rng.normal(size=(4, 3, 1, 3))
    want = F.conv_transpose2d(x, w, stride=(1, 2), padding=(0, 1))
    np.testing.assert_allclose(F.conv_transpose1d(x[:, :, 0], w[:, :, 0], stride=2, padding=1), want[:, :, 0])
    x, w = rng.normal(size=(2, 4, 5, 6)), rng.normal(size=(3, 4, 2, 3))
    volume = F.conv3d(x[:, :, None], w[:, :, None], padding=(0, 1, 2))
    np.testing.assert_allclose(volume[:, :, 0], F.conv2d(x, w, padding=(1, 2)))


def test_numbers_that_are_no_integers_are_refused():
    """A kernel of 2.5 elements, and a padding by name where there is none."""
    with pytest.raises(TypeError, match="kernel_size of Conv2d is an integer; got 2.5"):
        nn.Conv2d(1, 1, 2.5)
    with pytest.raises(TypeError, match="padding of ConvTranspose2d is an integer; got 'same'"):
        nn.ConvTranspose2d(1, 1, 2, padding="same")


def test_a_frame_is_what_numpy_pads_with():
    """The layer is a convolution without padding of the padded image; its repr says of what the frame is."""
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    for mode, of_numpy in (("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")):
        layer = nn.Conv2d(3, 2, 3, padding=(1, 2), padding_mode=mode, rng=0)
        framed = np.pad(x, ((0, 0), (0, 0), (1, 1), (2, 2)), of_numpy)
        np.testing.assert_array_equal(layer(x).data, F.conv2d(framed, layer.weight, layer.bias).data)
        assert f"padding_mode={mode!r}" in repr(layer)
    assert "padding_mode" not in repr(nn.Conv2d(3, 2, 3, padding_mode="zeros"))
