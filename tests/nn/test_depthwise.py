"""Depthwise convolution of ndarrays: the same numbers as those of the general form, however it is cut."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn import functional as F
from minigrad.nn.convolution import depthwise, form
from minigrad.nn.window import Window

WINDOWS = [  # kernel, padding, dilation
    ((3, 3), ((1, 1), (1, 1)), (1, 1)),
    ((2, 4), ((0, 1), (2, 1)), (1, 1)),
    ((3, 2), ((2, 2), (0, 3)), (2, 3)),
    ((2, 1), ((0, 0), (0, 0)), (1, 1)),
]


@pytest.fixture(params=[(2**14, 2**19), (150, 900)])
def blocks(request, monkeypatch):
    """Whole images; and a block for each two images and two or three channels, the last ones smaller."""
    monkeypatch.setattr(depthwise, "IMAGES", request.param[0])
    monkeypatch.setattr(depthwise, "BLOCK", request.param[1])


@pytest.mark.parametrize("less", [0, 1])
@pytest.mark.parametrize(("kernel", "padding", "dilation"), WINDOWS)
def test_blocks_make_what_the_general_form_makes(kernel, padding, dilation, less, blocks):
    """Also where the kernel has not been in all places: 15 significant digits, as sums are of a hundred products."""
    rng, window = np.random.default_rng(0), Window(kernel, (1, 1), padding, dilation)
    x, w = rng.normal(size=(5, 7, 6, 8)), rng.normal(size=(7, 1, *kernel))
    places = tuple(n - less for n in window.places(x.shape[2:]))
    g = rng.normal(size=(5, 7, *places))
    assert depthwise.is_depthwise(x, 7, window, 7)
    assert depthwise.in_blocks(x, w, window)
    y = depthwise.convolve_blocks(x, w, window, places)
    np.testing.assert_allclose(y, form._form(x, w, window, 7, places), rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(
        depthwise.weigh_blocks(x, g, window), form._weights(x, g, window, 7), rtol=1e-12, atol=1e-13
    )


@pytest.mark.parametrize("less", [0, 1])
@pytest.mark.parametrize(
    ("kernel", "padding", "dilation"),
    [*WINDOWS, ((3,), ((1, 2),), (2,)), ((2, 3, 2), ((1, 0), (1, 1), (0, 2)), (1, 2, 3))],
)
def test_a_sum_over_the_kernel_makes_what_the_general_form_makes(kernel, padding, dilation, less):
    """For sequences, images and volumes; as above."""
    rng, window = np.random.default_rng(0), Window(kernel, (1,) * len(kernel), padding, dilation)
    x, w = rng.normal(size=(3, 2, *(6, 8, 5)[: len(kernel)])), rng.normal(size=(2, 1, *kernel))
    places = tuple(n - less for n in window.places(x.shape[2:]))
    g = rng.normal(size=(3, 2, *places))
    y = depthwise.convolve(x, w, window, places)
    np.testing.assert_allclose(y, form._form(x, w, window, 2, places), rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(
        depthwise.weigh_each(x, g, window), form._weights(x, g, window, 2), rtol=1e-12, atol=1e-13
    )


@pytest.mark.parametrize("backend", ["numpy", "native"])
@pytest.mark.parametrize(
    ("function", "kernel"), [(F.conv1d, (3,)), (F.conv2d, (3, 2)), (F.conv2d, (9, 9)), (F.conv3d, (2, 3, 2))]
)
def test_a_compiled_gradient_is_the_gradient(function, kernel, backend):
    """Recorded, also of a kernel of too many elements for one sum, and of the second order."""
    if backend == "native":
        pytest.importorskip("llvmlite")
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 3, *(10 for _ in kernel))), rng.normal(size=(3, 1, *kernel))

    def loss(x, w):
        return np.sum(function(x, w, padding=1, groups=3) ** 3)

    def slope(x, w):
        return np.sum(mg.grad(loss)(x, w) ** 2)

    for f in (loss, slope):
        compiled, gradient = mg.compile(mg.grad(f, (0, 1)), backend=backend), mg.grad(f, (0, 1))
        compiled(x, w)
        for got, want in zip(compiled(x, w), gradient(x, w), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-10 * np.max(np.abs(want)))


def test_what_is_no_number_stays_where_the_kernel_meets_it():
    """One pixel that is not a number spoils nine results of its own channel and image."""
    x = np.zeros((3, 4, 6, 6), np.float32)
    x[1, 2, 3, 3] = np.nan
    y = F.conv2d(x, np.ones((4, 1, 3, 3), np.float32), padding=1, groups=4)
    assert y.dtype == np.float32
    expected = np.zeros(x.shape, bool)
    expected[1, 2, 2:5, 2:5] = True
    np.testing.assert_array_equal(np.isnan(y), expected)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_step_is_that_of_each_channel_by_itself(order):
    """Result and gradients, also of an image in Fortran's order; and of no images."""
    rng = np.random.default_rng(0)
    x, w = np.asarray(rng.normal(size=(2, 3, 5, 6)), order=order), rng.normal(size=(3, 1, 3, 3))

    def whole(x, w):
        return np.sum(F.conv2d(x, w, padding=1, groups=3) ** 3)

    def by_channel(x, w):
        return sum(np.sum(F.conv2d(x[:, i : i + 1], w[i : i + 1], padding=1) ** 3) for i in range(3))

    for got, want in zip(mg.grad(whole, (0, 1))(x, w), mg.grad(by_channel, (0, 1))(x, w), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    assert F.conv2d(x[:0], w, padding=1, groups=3).shape == (0, 3, 5, 6)
    assert mg.grad(whole, 1)(x[:0], w).shape == w.shape
