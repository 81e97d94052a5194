"""Distributions: values of SciPy's, derivatives that are checked, and draws that have some."""

import json
import pathlib
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg

pytest.importorskip("scipy")
import scipy.special
import scipy.stats

from minigrad.scipy import stats
from minigrad.scipy.stats.continuous import gamma_at

HERE = pathlib.Path(__file__).parent
INF, NAN = np.inf, np.nan
CONTINUOUS = {
    "norm": (),
    "t": (2.5,),
    "cauchy": (),
    "laplace": (),
    "logistic": (),
    "gamma": (2.3,),
    "beta": (1.5, 2.5),
    "chi2": (3.0,),
    "expon": (),
    "uniform": (),
    "lognorm": (0.7,),
    "weibull_min": (1.4,),
    "pareto": (2.1,),
}
DISCRETE = {"poisson": (2.5,), "binom": (5, 0.3), "nbinom": (2.5, 0.4), "geom": (0.3,), "bernoulli": (0.3,)}
ALL = CONTINUOUS | DISCRETE
SHARES = ["cdf", "logcdf", "sf", "logsf"]
X = np.array([-30, -3, -1, -0.2, 0, 0.1, 0.5, 0.99, 1, 1.5, 2.7, 9, 50, 600, NAN])
K = np.array([-1, 0, 1, 2, 3, 4, 5, 9, 40, 1.5, NAN])
continuous = pytest.mark.parametrize("name", CONTINUOUS)
discrete = pytest.mark.parametrize("name", DISCRETE)
every = pytest.mark.parametrize("name", ALL)


def methods(name):
    return [*(["logpdf", "pdf"] if name in CONTINUOUS else ["logpmf", "pmf"]), *SHARES]


# Values


@every
def test_values_are_those_of_scipy(name):
    """On the support, at its ends and outside, of standard and of other variables; NaN is NaN."""
    x, others = (X, ((), (0.3, 2.0))) if name in CONTINUOUS else (K, ((), (1,)))
    for method in methods(name):
        for rest in others:
            with np.errstate(all="ignore"):
                got = getattr(getattr(stats, name), method)(x, *ALL[name], *rest)
                want = getattr(getattr(scipy.stats, name), method)(x, *ALL[name], *rest)
            np.testing.assert_allclose(got, want, rtol=1e-12, atol=2e-16, err_msg=method)


@pytest.mark.parametrize("entry", json.loads((HERE / "stats_reference.json").read_text()), ids=str)
def test_tails_are_exact(entry):
    """Logarithms of probabilities and their slopes are those of mpmath, where probabilities round to 0 or 1 as well."""
    name, method, at, value, by, slope = entry
    y, g = mg.value_and_grad(getattr(getattr(stats, name), method), argnums=by)(*map(float, at))
    np.testing.assert_allclose(y, value, rtol=1e-13)
    np.testing.assert_allclose(g, slope, rtol=1e-9)


@every
def test_infinite_numbers_are_outside(name):
    """There the density is 0 and the probabilities are 0 and 1, and no derivative is NaN."""
    for x, cdf in ((-INF, 0), (INF, 1)):
        for method, want in zip(methods(name), (-INF, 0, cdf, np.log(cdf) if cdf else -INF, 1 - cdf), strict=False):
            y, g = mg.value_and_grad(getattr(getattr(stats, name), method))(x, *ALL[name])
            assert (y, g) == (want, 0), method


OUTSIDE = [(name, x) for name in ("gamma", "beta", "chi2", "expon", "lognorm", "weibull_min") for x in (-1.0, -1e9)]
OUTSIDE += [("beta", 1.5), ("uniform", -0.1), ("uniform", 3.0), ("pareto", 0.9), ("lognorm", 0.0)]


@pytest.mark.parametrize(("name", "x"), OUTSIDE)
def test_outside_of_the_support_there_is_no_slope(name, x):
    """The logarithm of the density is -inf, and the derivative by each argument 0: also by the scale, and never NaN."""
    at = (x, *CONTINUOUS[name], 0.0, 1.0)
    for method in methods(name):
        by = tuple(range(len(at)))
        y, slopes = mg.value_and_grad(getattr(getattr(stats, name), method), argnums=by)(*at)
        assert y in (0, 1, -INF)
        assert slopes == (0,) * len(by), method


@pytest.mark.parametrize(
    ("name", "x", "shapes"), [("gamma", 0.0, (2.0,)), ("beta", 1.0, (2.0, 3.0)), ("chi2", 0.0, (5.0,))]
)
def test_where_the_density_vanishes_at_an_end_it_has_no_slope(name, x, shapes):
    """It would be 0 times infinity; where the density is positive, there is a slope."""
    density = getattr(stats, name).pdf
    y, slopes = mg.value_and_grad(density, argnums=tuple(range(len(shapes) + 1)))(x, *shapes)
    assert (y, *slopes) == (0,) * (len(shapes) + 2)
    assert mg.value_and_grad(stats.expon.pdf)(0.0) == (1, -1)


@discrete
def test_between_whole_numbers_there_is_nothing(name):
    """Such a number has the probability 0, and the derivative by a parameter is 0."""
    distribution, shapes = getattr(stats, name), DISCRETE[name]
    y, g = mg.value_and_grad(distribution.logpmf, argnums=len(shapes))(0.5, *map(float, shapes))
    assert (y, g) == (-INF, 0)
    assert distribution.pmf(0.5, *shapes) == 0


INVALID = [("norm", (0.0, -1.0)), ("norm", (0.0, 0.0)), ("gamma", (-1.0,)), ("beta", (1.0, 0.0)), ("t", (0.0,))]
INVALID += [("poisson", (-1.0,)), ("binom", (5, 1.5)), ("binom", (2.5, 0.5)), ("geom", (0.0,)), ("nbinom", (-1.0, 0.5))]


@pytest.mark.parametrize(("name", "parameters"), INVALID)
def test_parameters_out_of_range_make_nan(name, parameters):
    """As in SciPy, of numbers as of arrays, and nothing warns."""
    for method in methods(name):
        function = getattr(getattr(stats, name), method)
        assert np.isnan(function(1, *parameters))
        with np.errstate(all="ignore"):
            assert np.isnan(getattr(getattr(scipy.stats, name), method)(1, *parameters))
        np.testing.assert_array_equal(np.isnan(function(1, *(np.full(2, p) for p in parameters))), True)


@pytest.mark.parametrize(("name", "parameters"), INVALID)
def test_parameters_out_of_range_have_no_slope(name, parameters):
    """Nor has what depends on them: the derivatives are NaN where the value is, and right beside it."""
    distribution, valid = getattr(stats, name), tuple(ALL[name])
    x, method = (0.5, distribution.logpdf) if name in CONTINUOUS else (1, distribution.logpmf)
    both = [np.array(pair, float) for pair in zip((*valid, 0.0, 1.0), parameters, strict=False)]
    for i, p in enumerate(both):
        slope = mg.grad(lambda q, i=i: np.sum(method(x, *both[:i], q, *both[i + 1 :])))(p)
        if name != "binom":  # where 1 may be above the number of trials, which has no slope either
            assert np.isfinite(slope[0])
            assert np.isnan(slope[1])


P_AT_ENDS = [("binom", (3.0,), k, p) for k in range(4) for p in (0.0, 1.0)]
P_AT_ENDS += [("bernoulli", (), k, p) for k in (0, 1) for p in (0.0, 1.0)] + [("geom", (), k, 1.0) for k in (1, 2, 3)]
P_AT_ENDS += [("nbinom", (2.0,), k, 1.0) for k in (0, 1, 3)] + [("poisson", (), k, 0.0) for k in (0, 1, 2, 5)]


@pytest.mark.parametrize(("name", "others", "k", "p"), P_AT_ENDS)
def test_probabilities_have_derivatives_at_the_ends(name, others, k, p):
    """Those from inside, to the second order: a probability is a polynomial there, not exp of an infinite logarithm."""
    distribution = getattr(stats, name)
    pmf = lambda q: distribution.pmf(k, *others, q)
    h, inside = 1e-4, 1 - 2 * p  # steps into the range
    y = [getattr(scipy.stats, name).pmf(k, *others, p + i * h * inside) for i in range(7)]
    first = np.dot([-147, 360, -450, 400, -225, 72, -10], y) / (60 * h) * inside
    second = np.dot([812, -3132, 5265, -5080, 2970, -972, 137], y) / (180 * h * h)
    np.testing.assert_allclose(mg.grad(pmf)(p), first, atol=1e-8)
    np.testing.assert_allclose(mg.grad(mg.grad(pmf))(p), second, atol=1e-4)  # roundings of 1e-16 / h**2
    many = np.array([p, 0.3, p])
    want = [mg.grad(pmf)(p), mg.grad(pmf)(0.3), mg.grad(pmf)(p)]
    np.testing.assert_array_equal(mg.grad(lambda q: np.sum(pmf(q)))(many), want)


def test_no_trials_have_no_successes():
    """0 is in the range of numbers of trials, as SciPy has it."""
    assert stats.binom.pmf(0, 0, 0.5) == 1
    assert stats.binom.cdf(0, 0, 0.5) == 1
    assert mg.grad(stats.binom.pmf, argnums=2)(0, 0, 0.5) == 0


@pytest.mark.parametrize("x", ["1.0", None, np.array(["a"]), 1j, np.array([1j]), object()])
def test_what_is_no_real_number_is_refused(x):
    with pytest.raises(TypeError, match=r"^(norm.logpdf|gamma.cdf) takes real numbers, and arrays of them; got an? "):
        stats.norm.logpdf(x)
    with pytest.raises(TypeError, match=r"^gamma.cdf takes real numbers, and arrays of them; got an? "):
        stats.gamma.cdf(1.0, x)


# Derivatives


def checked(name):
    """The methods of a distribution stacked, and a point: a variable, and the parameters with derivatives."""
    distribution, shapes = getattr(stats, name), ALL[name]
    if name in CONTINUOUS:
        x = distribution.rvs(*shapes, 0.3, 1.7, size=5, rng=1)

        def densities(x, *rest):
            return distribution.logpdf(x, *rest) + distribution.pdf(x, *rest)

        def integrals(x, *rest):
            return np.stack([getattr(distribution, method)(x, *rest) for method in SHARES])

        at = (x, *map(np.float64, (*shapes, 0.3, 1.7)))
        return [(densities, at), (integrals, at)]
    k = np.array([0, 1]) if name == "bernoulli" else np.array([1, 2, 4])

    def probabilities(p):
        return np.stack(
            [getattr(distribution, method)(k, *shapes[:-1], p) for method in ["pmf", "logpmf", *SHARES[::2]]]
        )

    return [(probabilities, (np.float64(shapes[-1]),))]


FEW = ("gamma", "norm", "binom")


@pytest.mark.parametrize("name", [n if n in FEW else pytest.param(n, marks=pytest.mark.slow) for n in ALL])
def test_derivatives_pass_the_gradient_check(name):
    """By the variable and by each parameter, in both modes."""
    for function, at in checked(name):
        mg.testing.gradcheck(function, at, rng=1, fast=True)


@pytest.mark.slow
@every
def test_second_derivatives_pass_the_gradient_check(name):
    for function, at in checked(name):
        mg.testing.gradgradcheck(function, at, rng=1)


@continuous
def test_the_slope_of_the_distribution_function_is_the_density(name):
    """And that of its logarithm is the density over it, to all digits."""
    distribution, shapes = getattr(stats, name), CONTINUOUS[name]
    x = distribution.rvs(*shapes, 0.3, 1.7, size=20, rng=2)
    density = distribution.pdf(x, *shapes, 0.3, 1.7)
    for method, sign in zip(SHARES, (1, 1, -1, -1), strict=True):
        slope = mg.grad(lambda x, m=method: np.sum(getattr(distribution, m)(x, *shapes, 0.3, 1.7)))(x)
        over = getattr(distribution, method.removeprefix("log"))(x, *shapes, 0.3, 1.7) if "log" in method else 1
        np.testing.assert_allclose(slope, sign * density / over, rtol=1e-11)


@given(st.sampled_from(sorted(CONTINUOUS)), st.floats(0.01, 0.99), st.floats(-2, 2), st.floats(0.3, 3))
def test_location_and_scale_have_the_slopes_of_a_shift_and_a_stretch(name, p, loc, scale):
    """By loc the derivative is minus that by x; by the scale that times the standard variable, and -1 / scale."""
    shapes = CONTINUOUS[name]
    z = getattr(scipy.stats, name).ppf(p, *shapes)
    at = (loc + scale * z, *shapes, loc, scale)
    by_x, *_, by_loc, by_scale = mg.grad(getattr(stats, name).logpdf, argnums=tuple(range(len(at))))(*at)
    np.testing.assert_allclose(by_loc, -by_x, rtol=1e-12)
    np.testing.assert_allclose(by_scale, -by_x * z - 1 / scale, rtol=1e-9, atol=1e-9)


def test_a_whole_number_has_no_slope():
    """A count that is a float has the derivative 0, and the parameter keeps its own."""
    by_k, by_mu = mg.grad(stats.poisson.logpmf, argnums=(0, 1))(3.0, 2.0)
    assert (by_k, by_mu) == (0, 0.5)


# How they are called


@every
def test_float32_stays_float32(name):
    """Also beside parameters that are Python's numbers, or float32 themselves."""
    x = np.array([1.2, 2.0], np.float32)
    for shapes in (ALL[name], map(np.float32, ALL[name])):
        shapes = tuple(shapes)
        for method in methods(name):
            y = getattr(getattr(stats, name), method)(mg.tensor(x), *shapes)
            assert y.dtype == np.float32, method


@every
def test_a_batch_equals_the_loop(name):
    x, shapes = np.array([1.2, 2.0, 5.0]) if name in CONTINUOUS else np.array([1.0, 2.0, 5.0]), ALL[name]
    for method in methods(name):
        function = getattr(getattr(stats, name), method)
        mapped = mg.vmap(lambda x, p, f=function: f(x, *shapes[:-1], p) if shapes else f(x, p))(x, x / 7)
        rest = [(*shapes[:-1], z / 7) if shapes else (z / 7,) for z in x]
        np.testing.assert_array_equal(mapped, [function(z, *r) for z, r in zip(x, rest, strict=True)])


@pytest.mark.parametrize("name", ["gamma", "binom"])
def test_compiled_is_as_called(name):
    """A gradient of a likelihood is replayed with other data and other parameters."""
    likelihood = getattr(stats, name).logpdf if name in CONTINUOUS else getattr(stats, name).logpmf

    def loss(p, x):
        return -np.sum(likelihood(x, *ALL[name][:-1], p))

    slope = mg.value_and_grad(loss)
    compiled = mg.compile(slope)
    compiled(0.4, np.array([1.0, 2.0, 3.0]))
    for p in (0.5, -1.0):
        for got, want in zip(compiled(p, np.array([2.0, 4.0, 3.5])), slope(p, np.array([2.0, 4.0, 3.5])), strict=True):
            np.testing.assert_array_equal(got, want)


def test_a_number_of_trials_may_be_an_argument():
    """Of a compiled function as well, where the end of the support is an array."""
    slope = mg.compile(mg.grad(lambda p, n, k: np.sum(stats.binom.logcdf(k, n, p))))
    k = np.array([1, 6])
    for n in (5, 7, 9):
        want = mg.grad(lambda p, n=n: np.sum(stats.binom.logcdf(k, n, p)))(0.3)
        np.testing.assert_array_equal(slope(0.3, np.array(n), k), want)


def test_lists_integers_names_and_labels():
    """They are taken as SciPy takes them."""
    pandas = pytest.importorskip("pandas")
    want = scipy.stats.gamma.logpdf([1, 2], [2, 3], loc=0.5, scale=2)
    for x in ([1, 2], (1.0, 2.0), np.array([1, 2], np.uint8), pandas.Series([1, 2]), mg.tensor([1, 2])):
        np.testing.assert_allclose(stats.gamma.logpdf(x, a=[2, 3], scale=2, loc=0.5), want, rtol=1e-14)


def test_arguments_that_do_not_fit_are_named():
    """In Python's words, after the name and the parameters."""
    with pytest.raises(TypeError, match=r"^gamma.logpdf\(x, a, loc=0, scale=1\): missing a required argument: 'a'"):
        stats.gamma.logpdf(1.0)
    with pytest.raises(TypeError, match=r"^norm.cdf\(x, loc=0, scale=1\): got an unexpected keyword argument 'sigma'"):
        stats.norm.cdf(1.0, sigma=2.0)
    with pytest.raises(TypeError, match=r"^poisson.logpmf\(x, mu, loc=0\): got an unexpected keyword argument 'scale'"):
        stats.poisson.logpmf(1, 2.0, scale=2.0)
    assert repr(stats.gamma) == "<gamma(a, loc=0, scale=1)>"


# Entropy


@every
def test_entropy_is_that_of_scipy(name):
    """Where it has a closed form; a scale adds its logarithm."""
    distribution, rest = getattr(stats, name), ((), (0.3, 2.0)) if name in CONTINUOUS else ((), (1,))
    if name in ("poisson", "binom", "nbinom"):
        with pytest.raises(NotImplementedError, match=f"^{name} has no entropy: it has no closed form"):
            distribution.entropy(*ALL[name])
        return
    for more in rest:
        want = getattr(scipy.stats, name).entropy(*ALL[name], *more)
        np.testing.assert_allclose(distribution.entropy(*ALL[name], *more), want, rtol=1e-12, atol=1e-15)
    assert np.isnan(distribution.entropy(*ALL[name], scale=-1.0) if name in CONTINUOUS else distribution.entropy(2.0))


@pytest.mark.parametrize("name", ["t", "gamma", "beta", "geom", "lognorm"])
def test_entropy_has_derivatives(name):
    at = tuple(np.float64(p) for p in (*ALL[name], 0.0, *((2.0,) if name in CONTINUOUS else ())))
    mg.testing.gradcheck(lambda *p: getattr(stats, name).entropy(*p[:-1], p[-1] + 0.1 * p[0]), at[:-1] + at[-1:], rng=1)


# Draws


@continuous
def test_draws_follow_the_distribution(name):
    """By the test of Kolmogorov and Smirnov."""
    y = getattr(stats, name).rvs(*CONTINUOUS[name], 1.0, 2.0, size=20_000, rng=3)
    cdf = partial(getattr(stats, name).cdf, loc=1.0, scale=2.0)
    assert scipy.stats.kstest(y, lambda x: cdf(x, *CONTINUOUS[name])).pvalue > 0.01


@continuous
def test_draws_have_the_slope_of_a_fixed_probability(name):
    """Where a parameter moves, the draw moves so that the probability of smaller ones stays."""
    distribution, at = getattr(stats, name), (*CONTINUOUS[name], 0.3, 1.7)
    y = distribution.rvs(*at, size=4, rng=5)
    p = getattr(scipy.stats, name).cdf(y, *at)
    for i in range(len(at)):

        def moved(h, i=i):
            near = [q + h * (j == i) for j, q in enumerate(at)]
            if name in ("t", "beta"):  # which are made of two variables
                return distribution.rvs(*near, size=4, rng=5)
            return getattr(scipy.stats, name).ppf(p, *near)

        h = 1e-3
        want = (8 * (moved(h) - moved(-h)) - moved(2 * h) + moved(-2 * h)) / (12 * h)
        got = mg.jvp(lambda q, i=i: distribution.rvs(*at[:i], q, *at[i + 1 :], size=4, rng=5), (at[i],), (1.0,))[1]
        np.testing.assert_allclose(got, want, rtol=1e-8, atol=1e-9)


def test_the_slope_of_a_gamma_variable():
    """It is that of the inverse of gammainc, to ten digits, and so is the second."""
    a, p = np.array([0.05, 0.7, 2.0, 30.0, 400.0]), np.array([0.6, 0.2, 0.9, 0.5, 1e-3])

    def inverse(h):
        return scipy.special.gammaincinv(a + h * a, p)

    h = 1e-2
    weights = np.array([1 / 280, -4 / 105, 1 / 5, -4 / 5, 0, 4 / 5, -1 / 5, 4 / 105, -1 / 280])
    want = sum(w * inverse(k * h) for w, k in zip(weights, range(-4, 5), strict=True)) / (h * a)

    def slope(a):
        return mg.grad(lambda a: np.sum(gamma_at(a, p)))(a)

    np.testing.assert_allclose(slope(a), want, rtol=1e-8)
    second = sum(w * slope(a + k * h * a) for w, k in zip(weights, range(-4, 5), strict=True)) / (h * a)
    np.testing.assert_allclose(mg.grad(lambda a: np.sum(slope(a)))(a), second, rtol=1e-7)


def test_sizes_generators_and_seeds():
    """A size that parameters broadcast to, or theirs; a generator goes on, and a seed begins anew."""
    loc, rng = np.zeros((3, 1)), np.random.default_rng(0)
    assert stats.norm.rvs(loc, np.ones(2), rng=rng).shape == (3, 2)
    assert stats.norm.rvs(loc, np.ones(2), size=(5, 3, 2), rng=rng).shape == (5, 3, 2)
    assert stats.norm.rvs(size=4).shape == (4,)
    assert np.shape(stats.beta.rvs(1.0, 2.0)) == ()
    assert stats.expon.rvs(rng=1) == stats.expon.rvs(rng=1)
    assert stats.expon.rvs(rng=rng) != stats.expon.rvs(rng=rng)
    assert stats.gamma.rvs(np.float32(2.0), np.float32(0), np.float32(1), size=3, rng=1).dtype == np.float32
    with pytest.raises(
        ValueError, match=r"^norm.rvs takes a size that the parameters' shape \(3, 1\) broadcasts to; got 4"
    ):
        stats.norm.rvs(loc, size=4)


def test_a_compiled_function_draws_anew():
    rng = np.random.default_rng(3)
    draw = mg.compile(lambda a: stats.gamma.rvs(a, size=3, rng=rng))
    drawn = [draw(2.0) for _ in range(3)]
    rng = np.random.default_rng(3)
    for y in drawn:
        np.testing.assert_array_equal(y, stats.gamma.rvs(2.0, size=3, rng=rng))


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(NotImplementedError, match=r"^poisson has no draw: .* or use scipy.stats.poisson"):
        stats.poisson.rvs(2.0)
    with pytest.raises(ValueError, match=r"^beta.rvs takes a above 0, b above 0, scale above 0; got 1.0, b=-1.0"):
        stats.beta.rvs(1.0, b=-1.0)


# Of vectors

rng = np.random.default_rng(1)
ROOT = np.eye(3) + 0.3 * rng.normal(size=(3, 3))
COVARIANCE, MEAN, POINTS = ROOT @ ROOT.T, rng.normal(size=3), rng.normal(size=(2, 4, 3))
normal, student, shares = stats.multivariate_normal, stats.multivariate_t, stats.dirichlet


def test_densities_of_vectors_are_those_of_scipy():
    """For one vector and for batches; numbers and vectors for the matrix stand for diagonals."""
    theirs = scipy.stats.multivariate_normal
    for x in (POINTS, POINTS[0], POINTS[0, 0]):
        for parameters in (
            (MEAN, COVARIANCE),
            (MEAN, [1.0, 2.0, 3.0]),
            (MEAN, 2.0),
            (None, COVARIANCE),
            (MEAN.tolist(),),
        ):
            np.testing.assert_allclose(normal.logpdf(x, *parameters), theirs.logpdf(x, *parameters), rtol=1e-12)
            np.testing.assert_allclose(normal.pdf(x, *parameters), theirs.pdf(x, *parameters), rtol=1e-12)
            want = scipy.stats.multivariate_t.logpdf(x, *parameters, df=2.5)
            np.testing.assert_allclose(student.logpdf(x, *parameters, df=2.5), want, rtol=1e-12)
            np.testing.assert_allclose(student.pdf(x, *parameters, df=2.5), np.exp(want), rtol=1e-12)
    for x in (0.5, POINTS[0, 0]):
        np.testing.assert_allclose(normal.logpdf(x), theirs.logpdf(x), rtol=1e-12)
        np.testing.assert_allclose(normal.logpdf(x, 1.0, 4.0), theirs.logpdf(x, 1.0, 4.0), rtol=1e-12)


def test_vectors_of_float32_stay_float32():
    x, m, c = (np.float32(a) for a in (POINTS, MEAN, COVARIANCE))
    for y in (normal.logpdf(x, m, c), student.logpdf(x, m, c, 2.5), normal.pdf(x, m), student.entropy(m, c, 2.5)):
        assert y.dtype == np.float32
    for y in (normal.rvs(m, c, 2, rng=1), student.rvs(m, c, 2.5, 2, rng=1), shares.rvs(np.abs(m), rng=1)):
        assert y.dtype == np.float32
    assert shares.logpdf(np.abs(m) / np.sum(np.abs(m)), np.abs(m)).dtype == np.float32


def test_entropies_of_vectors_are_those_of_scipy():
    want = scipy.stats.multivariate_normal.entropy(MEAN, COVARIANCE)
    np.testing.assert_allclose(normal.entropy(MEAN, COVARIANCE), want, rtol=1e-13)
    want = scipy.stats.multivariate_t.entropy(MEAN, COVARIANCE, 2.5)
    np.testing.assert_allclose(student.entropy(MEAN, COVARIANCE, 2.5), want, rtol=1e-13)
    want = scipy.stats.dirichlet.entropy([0.5, 2.0, 3.0])
    np.testing.assert_allclose(shares.entropy([0.5, 2.0, 3.0]), want, rtol=1e-13)


def test_shares_are_those_of_scipy():
    """They lie along the first axis, and the last one may be left out."""
    alpha, x = [0.5, 2.0, 3.0], np.array([[0.2, 0.1], [0.3, 0.6], [0.5, 0.3]])
    for part in (x, x[:2], x[:, 0], x[:2, 1]):
        want = scipy.stats.dirichlet.logpdf(part, alpha)
        np.testing.assert_allclose(shares.logpdf(part, alpha), want, rtol=1e-12)
        np.testing.assert_allclose(shares.pdf(part, alpha), np.exp(want), rtol=1e-12)


def test_derivatives_of_vectors_pass_the_gradient_check():
    """By points, mean, degrees of freedom and the root of the matrix; shares by what they are before a division."""
    at = (POINTS[0], MEAN, ROOT)
    mg.testing.gradcheck(lambda x, m, r: normal.logpdf(x, m, r @ r.T) + normal.entropy(m, r @ r.T), at, rng=1)
    at = (*at, np.float64(2.5))
    mg.testing.gradcheck(lambda x, m, r, df: student.logpdf(x, m, r @ r.T, df), at, rng=1, fast=True)
    mg.testing.gradcheck(lambda r, df: student.entropy(None, r @ r.T, df), (ROOT, np.float64(2.5)), rng=1, fast=True)
    at = (np.array([0.3, 1.0, 2.0]), np.array([0.5, 2.0, 3.0]))
    mg.testing.gradcheck(lambda x, a: shares.logpdf(x / np.sum(x), a) + shares.entropy(a), at, rng=1, fast=True)


def test_random_vectors_have_their_moments_and_slopes():
    """Mean and covariance are near those asked for, and the derivative is that of the draw with a fixed seed."""
    draws = {
        "normal": (lambda m, r, n, df=9.0: normal.rvs(m, r @ r.T, n, rng=4), COVARIANCE),
        "student": (lambda m, r, n, df=9.0: student.rvs(m, r @ r.T, df, n, rng=4), COVARIANCE * 9 / 7),
    }
    for draw, covariance in draws.values():
        y = draw(MEAN, ROOT, 50_000)
        np.testing.assert_allclose(y.mean(axis=0), MEAN, atol=0.03)
        np.testing.assert_allclose(np.cov(y.T), covariance, atol=0.06)
        mg.testing.gradcheck(
            lambda m, r, df, f=draw: f(m, r, (2, 2), df) + 0 * df, (MEAN, ROOT, np.float64(9.0)), rng=1, fast=True
        )
    alpha = np.array([0.5, 2.0, 3.0])
    y = shares.rvs(alpha, 50_000, rng=4)
    np.testing.assert_allclose(y.mean(axis=0), alpha / 5.5, atol=0.01)
    np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-14)
    mg.testing.gradcheck(lambda a: shares.rvs(a, (2,), rng=4), (alpha,), rng=1, rtol=1e-8)
    assert shares.rvs(alpha).shape == normal.rvs(MEAN).shape == (3,)


def test_vectors_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"takes vectors of length 3 along the last axis; got shape \(2,\)"):
        normal.logpdf(np.zeros(2), MEAN, COVARIANCE)
    with pytest.raises(ValueError, match=r"and a square matrix of its length; got shapes \(2,\) and \(3, 3\)"):
        student.logpdf(np.zeros(2), np.zeros(2), COVARIANCE)
    with pytest.raises(ValueError, match=r"Matrix is not positive definite"):
        normal.logpdf(np.zeros(2), None, np.array([[1.0, 2.0], [2.0, 1.0]]))
    with pytest.raises(ValueError, match=r"^multivariate_t.rvs takes df above 0; got -1.0"):
        student.rvs(MEAN, df=-1.0)
    assert np.isnan(student.logpdf(np.zeros(3), MEAN, COVARIANCE, -1.0))
    with pytest.raises(ValueError, match=r"^dirichlet.logpdf takes 3 or 2 shares along the first axis; got \(4,\)"):
        shares.logpdf(np.ones(4) / 4, np.ones(3))
    with pytest.raises(ValueError, match=r"takes shares from 0 on that add up to 1. Divide x by its sum"):
        shares.logpdf(np.ones(3), np.ones(3))
    with pytest.raises(ValueError, match=r"^dirichlet.entropy takes parameters above 0; got \[ 1. -1.\]"):
        shares.entropy([1.0, -1.0])
    with pytest.raises(ValueError, match=r"^dirichlet.entropy takes a vector of parameters; got shape \(1, 2\)"):
        shares.entropy([[1.0, 1.0]])


def test_names_are_public():
    """They are sorted, have a documentation and an entry in the reference."""
    reference = (HERE.parents[1] / "docs" / "reference" / "scipy.rst").read_text()
    assert stats.__all__ == sorted(stats.__all__)
    for name in stats.__all__:
        assert getattr(stats, name).__doc__
        assert f"``{name}``" in reference


def test_the_source_of_random_numbers_is_named_rng():
    """SciPy's older name is refused, with the one that is taken."""
    with pytest.raises(TypeError, match=r"^norm\.rvs takes its source of random numbers as rng=; got random_state=$"):
        stats.norm.rvs(size=3, random_state=0)
    assert stats.norm.rvs(size=3, rng=0).shape == (3,)
