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
