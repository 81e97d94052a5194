"""Activations in pieces: kinks, both ends of the line, what is drawn, and what is refused."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F

KINKS = {
    "relu6": (F.relu6, {0: 0, 6: 0, 3: 1}),
    "hardtanh": (F.hardtanh, {-1: 0, 1: 0, 0: 1}),
    "hardsigmoid": (F.hardsigmoid, {-3: 0, 3: 0, 0: 1 / 6}),
    "hardshrink": (F.hardshrink, {-0.5: 0, 0.5: 0, 1: 1}),
    "softshrink": (F.softshrink, {-0.5: 0, 0.5: 0, 1: 1}),
    "threshold": (lambda x: F.threshold(x, 0.5, -2.0), {0.5: 0, 1: 1}),
    "prelu": (lambda x: F.prelu(x, np.array([0.3])), {0: 0.3, -1: 0.3, 1: 1}),
}


@pytest.mark.parametrize("name", KINKS)
def test_slopes_at_kinks(name):
    function, slopes = KINKS[name]
    for x, slope in slopes.items():
        assert mg.grad(function)(float(x)) == pytest.approx(slope, rel=1e-15)


ENDS = {
    "relu6": ([0, 6], [0, 0]),
    "hardtanh": ([-1, 1], [0, 0]),
    "hardsigmoid": ([0, 1], [0, 0]),
    "hardswish": ([0, 1e3], [0, 1]),
    "hardshrink": ([-1e3, 1e3], [1, 1]),
    "softshrink": ([-999.5, 999.5], [1, 1]),
    "tanhshrink": ([-999, 999], [1, 1]),
    "mish": ([0, 1e3], [0, 1]),
    "celu": ([-1, 1e3], [0, 1]),
    "softsign": ([-1000 / 1001, 1000 / 1001], [1001**-2] * 2),
    "softmin": ([1, 0], [0, 0]),
}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", ENDS)
def test_far_from_zero_nothing_overflows(name, dtype):
    """At -1000 and 1000 values and derivatives are finite and right, and NumPy has nothing to warn of."""
    x = mg.tensor(np.array([-1e3, 1e3], dtype), requires_grad=True)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        y = getattr(F, name)(x)
        y.sum().backward()
    near = 1e-6 if dtype != np.float16 else 2e-3
    assert y.dtype == x.grad.dtype == dtype
    np.testing.assert_allclose(y.detach(), ENDS[name][0], rtol=near)
    np.testing.assert_allclose(x.grad, ENDS[name][1], rtol=near, atol=near)


def test_mish_keeps_small_numbers():
    """Where exp(x) is next to nothing it is x * exp(x), and its slope (1 + x) * exp(x)."""
    y, slope = mg.value_and_grad(F.mish)(-40.0)
    assert y == pytest.approx(-40 * np.exp(-40), rel=1e-14)
    assert slope == pytest.approx(-39 * np.exp(-40), rel=1e-14)


@pytest.mark.parametrize(("dtype", "large"), [(np.float32, 1e20), (np.float64, 1e18), (np.float64, 1e300)])
def test_the_slope_of_mish_is_1_for_large_numbers(dtype, large):
    """The share that it lets through has a slope which falls faster than numbers grow; 0 on the left."""
    with np.errstate(over="raise", invalid="raise"):
        x = np.array([25, 1e4, 1e16, large, -large], dtype)
        assert mg.grad(lambda x: mg.sum(F.mish(x)))(x).tolist() == [1, 1, 1, 1, 0]
        assert mg.grad(mg.grad(F.mish))(1e16) == 0
    assert mg.grad(F.mish)(19.0) == pytest.approx(1 + 4 * 19 * np.exp(-38), rel=1e-15)


@pytest.mark.parametrize("function", [F.relu, F.relu6, F.hardtanh, F.hardshrink, F.softshrink])
def test_the_slope_at_nan_is_1(function):
    """As PyTorch's is: a gradient of 0 would hide the NaN."""
    assert mg.grad(function)(np.nan) == 1
    assert mg.grad(lambda x: mg.sum(function(x)))(np.array([np.nan, 0, 0.7])).tolist()[:2] == [
        1,
        function is F.hardtanh,
    ]
    assert mg.jvp(function, (np.nan,), (1.0,))[1] == 1


def test_the_slope_of_a_threshold_at_nan_is_1():
    assert mg.grad(lambda x: F.threshold(x, 0.5, -2.0))(np.nan) == 1


def test_hardswish_is_a_line_at_both_ends():
    """Its slope at infinity is 1, at minus infinity 0, and at both kinks that of the flat piece or the line."""
    slopes = mg.grad(lambda x: mg.sum(F.hardswish(x)))
    with np.errstate(invalid="ignore"):  # the value at -inf is PyTorch's NaN
        assert slopes(np.array([-np.inf, -3.0, 0.0, 1.5, 3.0, np.inf])).tolist() == [0, 0, 0.5, 1, 1, 1]
    assert np.isnan(mg.grad(F.hardswish)(np.nan))
    assert slopes(np.array([1.5], np.float32)).dtype == np.float32
    assert mg.grad(mg.grad(F.hardswish))(1.0) == 1 / 3


def test_nan_is_passed_on():
    for name in (*ENDS, "rrelu"):
        assert np.isnan(getattr(F, name)(np.array([np.nan, 1.0]))[0])


def test_rrelu_draws_slopes_in_training_only():
    """Uniform ones, the same for the same seed; in evaluation each is the mean."""
    x = -np.ones(10_000)
    y = F.rrelu(x, 0.2, 0.6, training=True, rng=0)
    assert y.min() >= -0.6
    assert y.max() <= -0.2
    assert y.mean() == pytest.approx(-0.4, abs=0.005)
    assert y.std() == pytest.approx(0.4 / np.sqrt(12), rel=0.05)
    layer, twin = nn.RReLU(0.2, 0.6, rng=0), nn.RReLU(0.2, 0.6, rng=0)
    first, second = layer(x), layer(x)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(twin(x), first)
    np.testing.assert_allclose(layer.eval()(x), -0.4, rtol=1e-15)
    slopes = mg.grad(lambda x: mg.sum(F.rrelu(x, training=True, rng=1)))(x)
    np.testing.assert_array_equal(slopes, -F.rrelu(x, training=True, rng=1))


def test_prelu_learns_a_slope_for_each_channel():
    layer = nn.PReLU(3, init=0.5)
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    mg.sum(layer(x)).backward()
    np.testing.assert_allclose(layer.weight.grad, np.minimum(x, 0).sum(axis=(0, 2)), rtol=1e-13)
    assert nn.PReLU().weight.tolist() == [0.25]


def test_softmax2d_is_over_channels():
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    np.testing.assert_allclose(nn.Softmax2d()(x).sum(axis=1), 1, rtol=1e-14)
    np.testing.assert_array_equal(nn.Softmax2d()(x[0]), nn.Softmax2d()(x)[0])


REFUSED = {
    "hardtanh": (lambda: F.hardtanh(np.ones(2), 1, 1), "hardtanh takes a min_val below its max_val; got 1 and 1"),
    "hardshrink": (lambda: F.hardshrink(np.ones(2), -1), "the lambd of hardshrink is at least 0; got -1"),
    "softshrink": (lambda: nn.Softshrink(-1), "the lambd of Softshrink is at least 0; got -1"),
    "rrelu": (lambda: nn.RReLU(0.5, 0.2), "a lower limit of slopes not above the upper; got 0.5 and 0.2"),
    "celu": (lambda: F.celu(np.ones(2), 0), "celu's alpha is positive; got 0"),
    "a layer of softplus": (lambda: nn.Softplus(-1.0), "Softplus's beta is positive; got -1.0"),
    "a layer of celu": (lambda: nn.CELU(0.0), "CELU's alpha is positive; got 0.0"),
    "softplus": (lambda: F.softplus(np.ones(2), 0.0), "softplus's beta is positive; got 0.0"),
    "glu": (lambda: F.glu(np.ones((2, 3))), r"an axis of an even length; got axis -1 of an array of shape \(2, 3\)"),
    "glu axis": (lambda: F.glu(np.ones(2), 1), r"an axis of an even length; got axis 1 of an array of shape \(2,\)"),
    "prelu": (
        lambda: F.prelu(np.ones((2, 3)), np.ones(2)),
        r"prelu of \(2, 3\) takes a weight of shape \(1,\), or \(3,\) for one slope a channel; got \(2,\)",
    ),
    "channels": (lambda: nn.PReLU(0), "num_parameters of PReLU is at least 1; got 0"),
    "softmax2d": (lambda: nn.Softmax2d()(np.ones((2, 3))), r"Softmax2d takes arrays of shape .*; got \(2, 3\)"),
}


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: F.softplus(np.ones(2), "1"), "softplus's beta is a number; got '1'"),
        (lambda: F.celu(np.ones(2), None), "celu's alpha is a number; got None"),
        (lambda: nn.Softshrink("1"), "the lambd of Softshrink is a number; got '1'"),
        (lambda: F.hardtanh(np.ones(2), "1", 2), "min_val of hardtanh is a number; got '1'"),
        (lambda: nn.RReLU(0.1, None), "upper of rrelu is a number; got None"),
        (lambda: nn.Dropout("1"), "p, a probability, is a number; got '1'"),
        (lambda: F.cross_entropy(np.ones((1, 2)), [0], label_smoothing="1"), "label_smoothing is a number; got '1'"),
        (lambda: F.sigmoid_focal_loss(np.ones(2), np.ones(2), alpha="1"), "alpha is a number; got '1'"),
        (lambda: F.sigmoid_focal_loss(np.ones(2), np.ones(2), gamma=[]), r"gamma is a number; got \[\]"),
        (lambda: F.glu(np.ones(2), 0.0), "the axis of glu is an integer; got 0.0"),
        (lambda: F.gaussian_nll_loss(np.ones(2), np.ones(2), np.ones(2), eps="1"), "eps is a number; got '1'"),
        (lambda: F.huber_loss(np.ones(2), np.ones(2), delta="1"), "delta is a number; got '1'"),
        (lambda: F.triplet_margin_loss(*[np.ones(2)] * 3, margin="1"), "triplet_margin_loss is a number; got '1'"),
        (lambda: F.rotary_embedding(np.ones((2, 4)), base="x"), "the base of rotary positions is a number; got 'x'"),
        (lambda: nn.parametrizations.weight_norm(nn.Linear(2, 2), axis="a"), "axis is an integer; got 'a'"),
        (lambda: F.ctc_loss(np.zeros((4, 1, 2)), [[1]], [4], [1], blank=0.5), "blank of ctc_loss is an integer; got 0"),
    ],
)
def test_an_option_that_is_no_number_is_named(call, text):
    """Rather than an operator that does not take it."""
    with pytest.raises(TypeError, match=text):
        call()


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name):
    call, text = REFUSED[name]
    with pytest.raises(ValueError, match=text):
        call()
