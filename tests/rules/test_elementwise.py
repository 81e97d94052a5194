"""Elementwise functions at their kinks and singular points, and where naive forms lose digits."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg

NAN, INF = np.nan, np.inf


def slope(f, *xs, wrt=0):
    """The derivative of a function of numbers, by the argument number `wrt`."""
    with np.errstate(all="ignore"):
        g = mg.grad(lambda *args: mg.sum(f(*args)), argnums=wrt)(*(np.array(x) for x in xs))
    return g.item()


@pytest.mark.parametrize(
    ("f", "xs", "wrt", "want"),
    [
        pytest.param(np.abs, [0.0], 0, 0, id="abs at 0"),
        pytest.param(np.maximum, [1.0, 1.0], 0, 0.5, id="maximum at a tie"),
        pytest.param(np.maximum, [1.0, 1.0], 1, 0.5, id="maximum at a tie, second"),
        pytest.param(np.minimum, [1.0, 1.0], 0, 0.5, id="minimum at a tie"),
        pytest.param(np.maximum, [NAN, 1.0], 0, 1, id="maximum with a NaN"),
        pytest.param(np.maximum, [NAN, 1.0], 1, 0, id="maximum with a NaN, the number"),
        pytest.param(lambda x: np.clip(x, 0, 1), [0.0], 0, 0, id="clip at the lower bound"),
        pytest.param(lambda x: np.clip(x, 0, 1), [1.0], 0, 0, id="clip at the upper bound"),
        pytest.param(lambda x: np.clip(x, 0, 1), [0.5], 0, 1, id="clip inside"),
        pytest.param(np.clip, [-1.0, 0.0, 1.0], 1, 1, id="clip by its lower bound"),
        pytest.param(np.clip, [2.0, 0.0, 1.0], 2, 1, id="clip by its upper bound"),
        pytest.param(np.clip, [0.5, 2.0, 1.0], 1, 0, id="clip by a lower bound above the upper"),
        pytest.param(np.clip, [0.5, 2.0, 1.0], 2, 1, id="clip by an upper bound below the lower"),
        pytest.param(np.clip, [0.0, 0.0, 1.0], 1, 1, id="clip at the lower bound, by it"),
        pytest.param(np.clip, [1.0, 0.0, 1.0], 2, 1, id="clip at the upper bound, by it"),
        pytest.param(np.clip, [0.5, 1.0, 1.0], 1, 0, id="clip by a lower bound that is the upper one"),
        pytest.param(np.clip, [0.5, 1.0, 1.0], 2, 1, id="clip by an upper bound that is the lower one"),
        pytest.param(lambda x, low: np.clip(x, low, None), [-1.0, 0.0], 1, 1, id="clip by the only bound"),
        pytest.param(lambda x, high: np.clip(x, None, high), [1.0, 0.0], 1, 1, id="clip by the only bound above"),
        pytest.param(np.remainder, [7.5, 2.0], 0, 1, id="remainder by x"),
        pytest.param(np.remainder, [7.5, 2.0], 1, -3, id="remainder by y"),
        pytest.param(np.remainder, [-7.5, 2.0], 1, 4, id="remainder of a negative number"),
        pytest.param(np.sqrt, [0.0], 0, INF, id="sqrt at 0"),
        pytest.param(lambda x: x**0, [0.0], 0, 0, id="x**0 at 0"),
        pytest.param(lambda x: x**0.0, [0.0], 0, 0, id="x**0.0 at 0"),
        pytest.param(np.power, [0.0, 0.0], 0, 0, id="power(0, 0)"),
        pytest.param(lambda x: x**0.5, [0.0], 0, INF, id="x**0.5 at 0"),
        pytest.param(lambda x: np.power(x, 0.5), [0.0], 0, INF, id="power(x, 0.5) at 0"),
        pytest.param(lambda x: x**-1, [0.0], 0, -INF, id="x**-1 at 0"),
        pytest.param(lambda x: x**2.5, [-1.0], 0, NAN, id="x**2.5 at -1"),
        pytest.param(np.power, [0.0, 0.0], 1, 0, id="0**y at 0"),
        pytest.param(np.power, [0.0, 2.0], 1, 0, id="0**y at 2"),
        pytest.param(np.power, [0.0, -1.0], 1, NAN, id="0**y at -1"),
        pytest.param(np.power, [-2.0, 2.0], 1, NAN, id="(-2)**y"),
        pytest.param(lambda x: np.where(x > 0, np.log(x), 0), [0.0], 0, NAN, id="where that hides log 0"),
        pytest.param(mg.xlogy, [0.0, 0.0], 0, 0, id="xlogy at (0, 0) by x"),
        pytest.param(mg.xlogy, [0.0, 0.0], 1, 0, id="xlogy at (0, 0) by y"),
        pytest.param(mg.xlogy, [1.0, 0.0], 0, -INF, id="xlogy at (1, 0) by x"),
        pytest.param(mg.xlogy, [1.0, 0.0], 1, INF, id="xlogy at (1, 0) by y"),
        pytest.param(mg.xlogy, [0.0, 2.0], 0, math.log(2), id="xlogy at (0, 2) by x"),
        pytest.param(np.arctan2, [0.0, 0.0], 0, 0, id="atan2 at (0, 0)"),
        pytest.param(np.arctan2, [0.0, 0.0], 1, 0, id="atan2 at (0, 0) by x"),
        pytest.param(np.hypot, [0.0, 0.0], 0, 0, id="hypot at (0, 0)"),
        pytest.param(np.arctan2, [3e200, 4e200], 0, 1.6e-201, id="atan2 where squares overflow"),
        pytest.param(np.sinc, [0.0], 0, 0, id="sinc at 0"),
        pytest.param(np.copysign, [0.0, -1.0], 0, 0, id="copysign at 0"),
        pytest.param(np.nan_to_num, [NAN], 0, 0, id="nan_to_num at NaN"),
        pytest.param(np.nan_to_num, [INF], 0, 0, id="nan_to_num at infinity"),
        pytest.param(np.logaddexp, [-INF, -INF], 0, 0, id="logaddexp of no terms"),
        pytest.param(np.logaddexp, [1e3, -1e3], 0, 1, id="logaddexp of one term"),
        pytest.param(np.expm1, [-40.0], 0, math.exp(-40), id="expm1 far to the left"),
        pytest.param(np.arcsin, [1 - 2**-53], 0, 1 / math.sqrt(2**-53 * (2 - 2**-53)), id="asin beside 1"),
        pytest.param(np.arcsinh, [1e200], 0, 1e-200, id="asinh where squares overflow"),
    ],
)
def test_slope(f, xs, wrt, want):
    """The settled value of a derivative where there is no limit, or where rounding is in the way."""
    assert slope(f, *xs, wrt=wrt) == pytest.approx(want, rel=4e-16, abs=0, nan_ok=True)


def test_where_can_be_guarded():
    """The remedy: choose a harmless argument first, so that the branch not taken stays finite."""

    def safe(x):
        return np.where(x > 0, np.log(np.where(x > 0, x, 1)), 0)

    assert slope(safe, 0.0) == 0


@pytest.mark.parametrize("step", [np.sign, np.floor, np.ceil, np.round, np.trunc, np.rint])
def test_steps_stay_in_the_graph(step):
    """A step has derivative 0 and is connected: a loss made of it alone can be swept."""
    x = mg.tensor([0.3, 1.0], requires_grad=True)
    y = step(x)
    assert y.requires_grad
    y.sum().backward()
    assert x.grad.tolist() == [0, 0]


def test_sinc_has_its_curvature_at_0():
    """d2/dx2 sinc = -pi^2 / 3 at 0, by the series; and both sides of its end agree."""
    second = mg.grad(mg.grad(np.sinc))
    assert second(np.array(0.0)) == pytest.approx(-(math.pi**2) / 3, rel=1e-15)
    edge = 0.5 / math.pi
    inner, outer = (mg.grad(np.sinc)(np.array(edge * (1 + s))) for s in (-1e-12, 1e-12))
    assert inner == pytest.approx(outer, rel=1e-11)


def test_slope_of_sinc_away_from_0_is_exact_to_the_last_digits():
    """Where the quotient does not cancel any more, the series would be off by 1e-12."""
    x = np.array([0.17, 0.3, 0.4, 0.6, 2.5])
    t = math.pi * x
    want = (np.cos(t) - np.sin(t) / t) / x
    np.testing.assert_allclose(mg.grad(lambda x: mg.sum(np.sinc(x)))(x), want, rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_slopes_at_large_numbers_do_not_vanish(dtype):
    """No square and no multiple of x overflows: those of arccosh and log10 are 1 / x, but for a factor."""
    x = np.array([np.finfo(dtype).max / 2, np.sqrt(np.finfo(dtype).max) * 4], dtype)
    for f, factor in ((np.arccosh, 1), (np.log10, 1 / math.log(10))):
        slopes = mg.grad(lambda x, f=f: np.sum(f(x)))(x)
        np.testing.assert_allclose(slopes, factor / x.astype(float), rtol=1e-2 if dtype == "float16" else 1e-6)


def test_slope_of_sinc_in_half_precision():
    """The phase pi x is of more digits than float16 has."""
    x = np.array([0.3, 2.357, 9.64, 60.2], np.float16)
    slopes = lambda x: mg.grad(lambda x: np.sum(np.sinc(x)))(x)
    np.testing.assert_allclose(slopes(x), slopes(x.astype(float)), rtol=2e-3)


def test_xlogy_has_a_value_wherever_there_is_one():
    """0 where x is 0, of any number; NaN of NaN; and what NumPy makes of the rest."""
    with np.errstate(divide="ignore"):
        y = mg.xlogy(np.array([0.0, 0.0, 0.0, 1.0, 1.0, NAN]), np.array([0.0, 5.0, NAN, 0.0, 1.0, 1.0]))
    np.testing.assert_array_equal(y, [0, 0, NAN, -INF, 0, NAN])


def test_xlogy_is_right_at_second_order_on_the_axis():
    """d2/dxdy x log y = 1 / y also at x = 0."""
    mixed = mg.grad(mg.grad(mg.xlogy, argnums=0), argnums=1)
    assert mixed(np.array(0.0), np.array(4.0)) == 0.25


def test_nan_to_num_has_the_values_of_numpy():
    """0 and the largest numbers, or what the options say, whether they come by name or by position."""
    x = np.array([NAN, INF, -INF, 1.5])
    for options in ((), (False,), (True, 3.0), (True, 3.0, 4.0), (True, 3.0, 4.0, 5.0)):
        np.testing.assert_array_equal(np.nan_to_num(mg.tensor(x), *options).numpy(), np.nan_to_num(x.copy(), *options))


def test_nan_to_num_leaves_its_argument_alone():
    """Tensors have value semantics: copy=False is permission, not an order."""
    x = mg.tensor([1.0, NAN], requires_grad=True)
    assert np.nan_to_num(x, copy=False, nan=7.0).tolist() == [1, 7]
    assert np.isnan(x[1].item())


def test_where_option_is_refused_by_name():
    """A function with where= is another function; its rule would be wrong."""
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(TypeError, match=r"exp has no derivative rule for its option where="):
        np.exp(x, where=np.array([True, False]))
    with pytest.raises(TypeError, match=r"clip of \(2,\): .*where"):
        mg.clip(x, 0, 1, where=np.array([True, False]))


numbers = st.floats(-10, 10, width=32).filter(lambda v: abs(v) > 1e-3)
dtypes = st.sampled_from([np.float16, np.float32, np.float64])


@given(
    hnp.mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_dims=3),
    dtypes,
    dtypes,
    st.sampled_from([np.add, np.multiply, np.maximum, np.arctan2, np.logaddexp, np.hypot]),
)
def test_gradients_have_the_arguments_shapes_and_dtypes(shapes, left, right, f):
    """Whatever is broadcast or promoted, down to no elements at all."""
    a, b = (np.ones(shape, dtype) for shape, dtype in zip(shapes.input_shapes, (left, right), strict=True))
    y, pull_back = mg.vjp(f, a, b)
    assert y.dtype == np.result_type(a, b)
    for x, g in zip((a, b), pull_back(np.ones_like(y)), strict=True):
        assert (g.shape, g.dtype) == (x.shape, x.dtype)


@given(hnp.arrays(np.float64, hnp.array_shapes(max_side=4), elements=numbers))
def test_product_rule(x):
    """(f g)' = f' g + f g', of two transcendental functions."""
    together = mg.grad(lambda x: mg.sum(np.sin(x) * np.tanh(x)))(x)
    apart = np.cos(x) * np.tanh(x) + np.sin(x) * (1 - np.tanh(x) ** 2)
    np.testing.assert_allclose(together, apart, rtol=1e-12, atol=1e-14)


def test_numbers_win_over_nan_in_fmax_and_fmin():
    """And have the gradient; a tie, and two NaNs, have half of it each or all of it."""
    a, b = np.array([1.0, np.nan, 2.0, np.nan]), np.array([np.nan, 3.0, 2.0, np.nan])
    for f in (np.fmax, np.fmin):
        left, right = mg.grad(lambda a, b, f=f: np.sum(np.where(np.isnan(y := f(a, b)), 0, y)), (0, 1))(a, b)
        assert left.tolist() == [1, 0, 0.5, 0]
        assert right.tolist() == [0, 1, 0.5, 0]
        assert [g.tolist() for g in mg.vjp(f, a, b)[1](np.ones(4))] == [[1, 0, 0.5, 1], [0, 1, 0.5, 1]]


def test_heaviside_has_the_gradient_of_its_value_at_0():
    x, at_0 = np.array([-1.0, 0.0, 2.0, np.nan]), np.full(4, 0.5)
    assert [g.tolist() for g in mg.vjp(np.heaviside, x, at_0)[1](np.ones(4))] == [[0, 0, 0, 0], [0, 1, 0, 0]]


def test_fmod_takes_the_sign_of_the_dividend():
    """So that the slope by the divisor is minus the quotient rounded towards 0, also where a / b rounds up to 3."""
    a, b = np.array([-7.0, 7.0, 3 * (1 - 2.0**-53)]), np.array([2.0, -2.0, 1.0])
    assert mg.vjp(np.fmod, a, b)[1](np.ones(3))[1].tolist() == [3, 3, -2]


def test_logaddexp2_weights_sum_to_one():
    """Its partials are powers of 2 as shares of their sum, also where these overflow."""
    x = np.array([-2e3, 0.0, 2e3, -np.inf])
    left, right = mg.vjp(np.logaddexp2, x, np.array([0.0, 1.0, 0.0, -np.inf]))[1](np.ones(4))
    np.testing.assert_allclose((left + right)[:3], 1, rtol=4e-16)
    np.testing.assert_allclose(left[1], 1 / 3, rtol=4e-16)
