"""Reductions at ties, zeros and empty arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg

NAN, INF = np.nan, np.inf


def gradient(f, x):
    return mg.grad(lambda x: mg.sum(f(x)))(np.array(x, float)).tolist()


@pytest.mark.parametrize(
    ("f", "x", "want"),
    [
        pytest.param(np.max, [1, 3, 3], [0, 0.5, 0.5], id="max at a tie"),
        pytest.param(np.amax, [1, 3, 3], [0, 0.5, 0.5], id="amax at a tie"),
        pytest.param(np.min, [1, 1, 1, 1], [0.25] * 4, id="min at a tie"),
        pytest.param(lambda x: np.max(x, axis=0), [[1, 2], [1, 0]], [[0.5, 1], [0.5, 0]], id="max on an axis"),
        pytest.param(np.max, [1, NAN, 3], [0, 1, 0], id="max with a NaN"),
        pytest.param(np.linalg.vector_norm, [0, 0], [0, 0], id="norm at 0"),
        pytest.param(lambda x: np.linalg.vector_norm(x, ord=1), [0, 1], [0, 1], id="norm p=1"),
        pytest.param(lambda x: np.linalg.vector_norm(x, ord=INF), [2, -2], [0.5, -0.5], id="norm p=inf at a tie"),
        pytest.param(lambda x: np.linalg.norm(x, ord=3), [0, 0], [0, 0], id="norm p=3 at 0"),
        pytest.param(np.std, [0.1, 0.1, 0.1], [0, 0, 0], id="std of a constant whose mean is rounded"),
        pytest.param(lambda x: np.std(x, axis=1), [[1, 1], [1, 3]], [[0, 0], [-0.5, 0.5]], id="std of rows"),
        pytest.param(np.prod, [0, 2, 3], [6, 0, 0], id="prod with a zero"),
        pytest.param(np.prod, [0, 0, 3], [0, 0, 0], id="prod with two zeros"),
        pytest.param(np.cumprod, [2, 0, 3], [1, 8, 0], id="cumprod with a zero"),
        pytest.param(mg.logsumexp, [-INF, -INF], [0, 0], id="logsumexp of no terms"),
        pytest.param(mg.logsumexp, [-INF, 0.0], [0, 1], id="logsumexp of one term"),
    ],
)
def test_gradient(f, x, want):
    """The settled gradient at a tie, a zero or an infinity."""
    assert gradient(f, x) == want


@pytest.mark.parametrize(
    ("f", "x", "want"),
    [
        pytest.param(np.prod, [0.0, 2, 3], [[0, 3, 2], [3, 0, 0], [2, 0, 0]], id="one zero"),
        pytest.param(np.prod, [0.0, 0, 3], [[0, 3, 0], [3, 0, 0], [0, 0, 0]], id="two zeros"),
        pytest.param(lambda x: mg.sum(np.cumprod(x)), [2.0, 0, 3], [[0, 4, 0], [4, 0, 2], [0, 2, 0]], id="cumprod"),
    ],
)
def test_products_with_zeros_are_right_at_second_order(f, x, want):
    hessian = [mg.grad(lambda x, i=i: mg.grad(f)(x)[i])(np.array(x)).tolist() for i in range(len(x))]
    assert hessian == want


def test_third_derivative_of_a_product():
    """d3/dxdydz xyz = 1, at zeros."""

    def second(x):
        return mg.grad(lambda x: mg.grad(np.prod)(x)[0])(x)[1]

    assert mg.grad(second)(np.zeros(3)).tolist() == [0, 0, 1]


@pytest.mark.parametrize("f", [np.prod, np.cumprod, np.max, np.sort])
def test_cost_is_not_quadratic(f):
    """A million elements: a quadratic rule would take hours, and its memory would not fit."""
    x = np.linspace(0.999, 1.001, 10**6)
    assert mg.grad(lambda x: mg.sum(f(x)))(x).shape == x.shape


@pytest.mark.parametrize("name", ["max", "min", "amax", "amin", "mean", "var", "std"])
def test_reduction_of_no_elements_is_refused(name):
    x = mg.tensor(np.zeros((0, 3)), requires_grad=True)
    with pytest.raises(ValueError, match=rf"{name} of \(0, 3\): "):
        getattr(np, name)(x)
    with pytest.raises(ValueError, match=rf"{name} of \(0, 3\): "):
        getattr(np, name)(x, axis=0)


@pytest.mark.parametrize("f", [np.mean, np.var, np.std, np.sum, np.prod, np.max, np.cumsum, np.cumprod])
def test_no_reductions_of_some_elements_are_fine(f):
    """An axis of length 3 can be reduced none times over; the gradient is as empty as the array."""
    x = mg.tensor(np.zeros((0, 3)), requires_grad=True)
    f(x, axis=1).sum().backward()
    assert x.grad.shape == (0, 3)


@pytest.mark.parametrize("f", [np.sum, np.prod, np.cumsum, np.cumprod])
def test_sums_and_products_of_nothing_have_a_gradient(f):
    x = mg.tensor(np.zeros((0,)), requires_grad=True)
    f(x).sum().backward()
    assert x.grad.shape == (0,)


@pytest.mark.parametrize("f", [np.sum, np.mean, np.max, np.prod, np.var, np.cumsum, np.sort, np.linalg.vector_norm])
def test_axis_out_of_range_is_named(f):
    x = mg.tensor(np.ones((2, 3)), requires_grad=True)
    with pytest.raises(np.exceptions.AxisError, match=r" of \(2, 3\): axis 2 is out of bounds"):
        f(x, axis=2)


@pytest.mark.parametrize("f", [np.sum, np.mean, np.max, np.prod, np.var])
def test_duplicate_axes_are_named(f):
    x = mg.tensor(np.ones((2, 3)), requires_grad=True)
    with pytest.raises(ValueError, match=rf"{f.__name__} of \(2, 3\): duplicate value in 'axis'"):
        f(x, axis=(0, 0))


def test_slopes_of_a_std_that_underflows_are_infinite():
    """The value is 0, as NumPy's, and no number near 0.5 can be made of that."""
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        assert mg.grad(np.std)(np.array([1e-170, 3e-170])).tolist() == [-INF, INF]


@pytest.mark.parametrize("option", ["where", "initial"])
@pytest.mark.parametrize("f", [np.sum, np.max, np.prod, np.mean, np.std])
def test_options_without_a_rule_are_refused_by_name(f, option):
    if f in (np.mean, np.std) and option == "initial":
        pytest.skip("NumPy has no such option")
    x = mg.tensor(np.ones(3), requires_grad=True)
    with pytest.raises(mg.errors.NoRuleError, match=f"{f.__name__} has no derivative rule for its option {option}="):
        f(x, **{option: 1.0})


@pytest.mark.parametrize("f", [mg.logsumexp, mg.softmax, mg.log_softmax, np.ptp, np.maximum.reduce, np.argmax])
def test_functions_of_extrema_refuse_no_elements(f):
    x = mg.tensor(np.zeros((0, 3)), requires_grad=True)
    with pytest.raises(ValueError, match=r" of \(0, 3\): .*(zero-size array|empty sequence)"):
        f(x, axis=0)


@pytest.mark.parametrize("f", [mg.logsumexp, mg.softmax, mg.log_softmax, mg.norm, np.argmax, np.cumprod])
def test_axis_out_of_range_is_named_by_all(f):
    with pytest.raises(np.exceptions.AxisError, match=r" of \(2, 3\): axis 2 is out of bounds"):
        f(mg.tensor(np.ones((2, 3)), requires_grad=True), axis=2)


@pytest.mark.parametrize("f", [mg.logsumexp, mg.norm, np.max, np.std])
def test_repeated_axes_are_named_by_all(f):
    with pytest.raises(ValueError, match=r" of \(2, 3\): (duplicate value|repeated axis)"):
        f(mg.tensor(np.ones((2, 3)), requires_grad=True), axis=(0, 0))


axes = st.sampled_from([None, 0, -1, (0, 1)])


@given(
    hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=3, max_side=4), elements=st.integers(-3, 3)),
    axes,
    st.booleans(),
    st.sampled_from([np.sum, np.mean, np.max, np.min, np.prod, np.var]),
)
def test_directional_derivative_along_the_ones(x, axis, keepdims, f):
    """Adding h to all elements adds to a sum n h, to a mean and an extremum h, to a variance nothing."""
    _, dy = mg.jvp(lambda x: f(x, axis=axis, keepdims=keepdims), (x,), (np.ones_like(x),))
    count = x.size // dy.size
    if f is np.prod:
        _, pull_back = mg.vjp(lambda x: f(x, axis=axis, keepdims=keepdims), x)
        assert np.sum(dy) == pytest.approx(np.sum(pull_back(np.ones_like(dy))[0]))
    else:
        want = {np.sum: count, np.var: 0}.get(f, 1)
        np.testing.assert_allclose(dy, want, atol=1e-12)


# Norms beyond the range of powers

SCALES = [(np.float64, 1e-170), (np.float64, 1e-300), (np.float64, 1e200), (np.float64, 1e307), (np.float32, 1e-25)]
SCALES += [(np.float32, 1e25), (np.float16, 1e-5), (np.float16, 5e3)]
THIRD = np.cbrt(27 + 64)
NORMS = {1: (7, [1, -1]), 2: (5, [0.6, -0.8]), 3: (THIRD, [9 / THIRD**2, -16 / THIRD**2]), INF: (4, [0, -1])}


@pytest.mark.parametrize("ord", NORMS)
@pytest.mark.parametrize(("dtype", "scale"), SCALES)
def test_norm_of_numbers_whose_powers_leave_the_range(dtype, scale, ord):
    """The norm of s (3, -4) is s times that of (3, -4), with the same gradient, though squares leave the range."""
    x = np.array([3, -4], dtype) * dtype(scale)
    value, slope = NORMS[ord]
    rtol = 0.01 if scale == 1e-5 else 4 * np.finfo(dtype).eps  # of float16, 1e-5 has seven bits
    for f in (
        lambda x: np.linalg.norm(x, ord),
        lambda x: mg.linalg.vector_norm(x, ord=ord),
        lambda x: mg.sum(np.linalg.norm(x[None], ord, axis=1)),
        lambda x: mg.sum(mg.linalg.vector_norm(x[:, None], axis=(0, 1), keepdims=True, ord=ord)),
    ):
        with np.errstate(all="raise", under="ignore"):
            y, g = mg.value_and_grad(f)(x)
            _, dy = mg.jvp(f, (x,), (np.array([1, 2], dtype),))
        assert y.dtype == g.dtype == dy.dtype == dtype
        np.testing.assert_allclose(y, dtype(value * float(dtype(scale))), rtol=rtol)
        np.testing.assert_allclose(g, slope, rtol=rtol)
        np.testing.assert_allclose(dy, slope[0] + 2 * slope[1], rtol=4 * rtol)


def test_norm_is_scaled_row_by_row():
    """A row that underflows, one that overflows, one of zeros and one of usual size each have their own gradient."""
    x = np.array([[3e-170, 4e-170], [3e200, 4e200], [0, 0], [3, 4]])
    y, g = mg.value_and_grad(lambda x: mg.sum(np.linalg.norm(x, axis=1) * np.array([1e170, 1e-200, 1, 1])))(x)
    np.testing.assert_allclose(y, 15, rtol=1e-15)
    np.testing.assert_allclose(g, np.outer([1e170, 1e-200, 0, 1], [0.6, 0.8]), rtol=1e-15)


@pytest.mark.parametrize("ord", [-1, -2, 0.5, 2.5])
def test_norms_of_other_orders_are_scaled(ord):
    """Of equal numbers x, a norm is n ** (1 / ord) x, and each has the share n ** (1 / ord - 1) of the gradient."""
    for x in (np.full(3, 1e-200), np.full(3, 1e200)):
        y, g = mg.value_and_grad(lambda x: np.linalg.norm(x, ord))(x)
        np.testing.assert_allclose(y, 3 ** (1 / ord) * x[0], rtol=1e-14)
        np.testing.assert_allclose(g, 3 ** (1 / ord - 1), rtol=1e-14)


@pytest.mark.parametrize("scale", [1e-170, 1.0, 1e170])
def test_curvature_of_a_norm_of_any_size(scale):
    """The Hessian of |x| is (1 - u u^T) / |x|, u being x / |x|."""
    u = np.array([0.6, -0.8])
    hessian = mg.hessian(np.linalg.norm)(5 * scale * u)
    np.testing.assert_allclose(5 * scale * hessian, np.eye(2) - np.outer(u, u), atol=1e-15)


def test_norm_of_zeros_infinities_and_nothing():
    """They are 0 with the gradient 0, infinite, and 0 again; a NaN stays one."""
    assert mg.value_and_grad(np.linalg.norm)(np.zeros(2))[1].tolist() == [0, 0]
    assert mg.norm(mg.tensor([1.0, INF])).item() == INF
    assert np.isnan(mg.norm(mg.tensor([1.0, NAN])).item())
    assert mg.norm(mg.tensor(np.zeros((2, 0))), axis=1).tolist() == [0, 0]
    assert mg.norm(mg.tensor([3, 4])).item() == 5


# Counts beyond float16, which ends at 65504

MANY = 100_000


@pytest.mark.parametrize(
    ("f", "want"),
    [
        (np.mean, 1e-5),
        (lambda x: np.mean(x.reshape(2, -1), axis=1).sum(), 2e-5),
        (lambda x: np.mean(x.reshape(-1, 1), axis=(0, 1), keepdims=True).sum(), 1e-5),
        (np.max, 1e-5),
        (lambda x: np.min(x.reshape(-1, 1), axis=0).sum(), 1e-5),
        (lambda x: 1000 * np.mean(x), 1e-2),
        (mg.logsumexp, 1e-5),
    ],
    ids=["mean", "mean of rows", "mean, keepdims", "max", "min", "scaled mean", "logsumexp"],
)
def test_shares_of_many_in_half_precision(f, want):
    """Each of 100,000 equal numbers of float16 has its share of the gradient, though their number is infinite there."""
    x = np.ones(MANY, np.float16)
    with np.errstate(all="raise", under="ignore"):
        g = mg.grad(f)(x)
        _, dy = mg.jvp(f, (x,), (x,))
    assert g.dtype == dy.dtype == np.float16
    np.testing.assert_allclose(g, want, rtol=0.005)  # 1e-5 is one of the numbers of seven bits


@pytest.mark.parametrize("f", [np.var, np.std, lambda x: np.var(x, ddof=1)])
def test_variance_of_many_in_half_precision(f):
    """The derivative of a variance is 2 (x - mean) / n, as is that of a standard deviation of 1/2."""
    x = np.tile(np.float16([0.5, -0.5]), 200_000)
    y, g = mg.value_and_grad(f)(x)
    assert y.dtype == g.dtype == np.float16
    assert y == (0.5 if f is np.std else 0.25)
    np.testing.assert_allclose(g, 2 * x.astype(float) / x.size, rtol=0.03)  # 2.5e-6 has six bits


def test_sums_of_exponentials_of_many_in_half_precision():
    """log n for n terms of exp 0, and -log n for each share, though n is beyond float16."""
    x = mg.tensor(np.zeros(MANY, np.float16))
    assert mg.logsumexp(x).data == np.float16(np.log(MANY))
    assert mg.log_softmax(x).data[0] == np.float16(-np.log(MANY))
    assert mg.softmax(x).data[0] == np.float16(1e-5)


@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.float64]),
        hnp.array_shapes(min_dims=0, max_dims=3, max_side=40),
        elements=st.floats(-1e3, 1e3, width=32),
    ),
    st.data(),
)
def test_a_mean_has_the_bits_of_numpys(x, data):
    """Though it is a sum divided by the count: for every axis, layout and dtype."""
    x = data.draw(st.sampled_from([x, x.T, x[..., ::-1] if x.ndim else x]))
    axis = data.draw(st.sampled_from([None, *range(-x.ndim, x.ndim), *([tuple(range(x.ndim))] if x.ndim else [])]))
    keepdims = data.draw(st.booleans())
    y, want = mg.mean(mg.asarray(x), axis=axis, keepdims=keepdims), np.mean(x, axis=axis, keepdims=keepdims)
    np.testing.assert_array_equal(y.numpy(), want)
    assert (y.dtype, y.shape) == (want.dtype, want.shape)
