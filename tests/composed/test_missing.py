"""Reductions without NaNs: NumPy's values, and the derivative 0 for what is left out."""

import warnings

import numpy as np
import pytest

import minigrad as mg

rng = np.random.default_rng(0)
X = rng.normal(size=(3, 4, 5))
X[rng.uniform(size=X.shape) < 0.3] = np.nan
X[0, :, 0] = X[1, 2] = np.nan  # rows of nothing else
REDUCTIONS = (
    *("nansum", "nanprod", "nanmax", "nanmin", "nanmean", "nanvar", "nanstd", "nanmedian", "nancumsum", "nancumprod"),
    *("nanargmax", "nanargmin"),
)
CALLS = {
    **{name: getattr(np, name) for name in REDUCTIONS},
    "nanquantile": lambda x, **options: np.nanquantile(x, 0.3, **options),
    "nanpercentile": lambda x, **options: np.nanpercentile(x, [20, 70.0], **options),
    "nanvar, ddof": lambda x, **options: np.nanvar(x, ddof=1, **options),
    "nanstd, correction": lambda x, **options: np.nanstd(x, correction=1, **options),
}
OF_ROWS = {name: f for name, f in CALLS.items() if "cum" not in name and "arg" not in name}
AXES = [None, 0, -1, 1, (0, 2)]


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", CALLS)
def test_values_are_those_of_numpy(name, axis):
    """With rows of NaNs alone, in float32, and of integers, which have none."""
    if isinstance(axis, tuple) and name not in OF_ROWS:
        return
    for x in (X, X.astype(np.float32), np.arange(24).reshape(2, 3, 4), X[1:, :2]):
        x = np.where(np.isnan(x), 0.5, x).astype(x.dtype) if "arg" in name else x
        for options in ({}, {"keepdims": True}) if name in OF_ROWS else ({},):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # NumPy warns of rows without numbers
                want = CALLS[name](x, axis=axis, **options)
            got = CALLS[name](mg.tensor(x), axis=axis, **options)
            got = got.numpy() if isinstance(got, mg.Tensor) else got
            assert got.shape == np.shape(want)
            np.testing.assert_allclose(got, want, rtol=1e-5 if x.dtype == np.float32 else 1e-13, atol=1e-13)


@pytest.mark.parametrize("name", OF_ROWS)
def test_derivatives_are_those_without_the_missing(name):
    """A row has the gradient that its numbers have alone, and 0 where they are missing; second derivatives as well."""
    x = np.array([1.5, np.nan, -2.0, 4.0, np.nan])
    there = ~np.isnan(x)
    f = lambda x: np.sum(OF_ROWS[name](x) ** 2)
    g, want = mg.grad(f)(x), mg.grad(f)(x[there])
    np.testing.assert_allclose(g[there], want, rtol=1e-14)
    assert g[~there].tolist() == [0, 0]
    of = lambda x: np.sum(mg.grad(f)(x) ** 2)
    second = mg.grad(of)(x)
    np.testing.assert_allclose(second[there], mg.grad(of)(x[there]), rtol=1e-13, atol=1e-14)
    assert second[~there].tolist() == [0, 0]
    t = np.arange(1.0, 6)
    np.testing.assert_allclose(mg.jvp(f, (x,), (t,))[1], want @ t[there], rtol=1e-13)


@pytest.mark.parametrize("name", OF_ROWS)
def test_a_row_without_numbers_leaves_the_others_alone(name):
    """Its value is NaN where it has none, and no NaN comes from there into another row's gradient, or a warning."""
    x = np.array([[np.nan, np.nan, np.nan], [3.0, np.nan, 5.0]])
    f = lambda x: OF_ROWS[name](x, axis=-1)
    y, pull_back = mg.vjp(f, x)
    assert np.isnan(y[..., 0]).all() == (name not in ("nansum", "nanprod"))
    np.testing.assert_array_equal(pull_back(np.ones_like(y))[0][1], mg.vjp(f, x[1])[1](np.ones_like(y[..., 1]))[0])


def test_deviation_of_a_constant():
    """Its gradient is 0, as that of np.std, in spite of rounding errors of the mean."""
    x = np.array([0.1, np.nan, 0.1, 0.1])
    assert mg.grad(np.nanstd)(x).tolist() == [0, 0, 0, 0]
    assert mg.jvp(np.nanstd, (x,), (np.ones(4),))[1] == 0


def test_half_precision_is_added_up_in_single():
    """The sum of a mean may be beyond float16's range."""
    x = np.full(300, 1000, np.float16)
    for f, want in ((np.nanmean, 1000), (np.nanstd, 0), (np.nanvar, 0)):
        y = f(mg.tensor(x))
        assert y.dtype == np.float16
        assert y == want


def test_sums_have_the_dtype_that_is_asked_for():
    x = mg.tensor(np.ones(3, np.float32))
    for f in (np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nancumsum, np.nancumprod):
        assert f(x, dtype=np.float64).dtype == np.float64


@pytest.mark.parametrize("option", ["where", "initial"])
def test_options_without_a_rule_are_named(option):
    with pytest.raises(mg.NoRuleError, match=f"nansum has no derivative rule for its option {option}="):
        np.nansum(mg.tensor(X, requires_grad=True), **{option: np.array(True)})
