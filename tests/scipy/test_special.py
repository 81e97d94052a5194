"""Special functions: values of SciPy's, derivatives of mpmath's."""

import inspect
import json
import pathlib
import pickle
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg

from ..rules import test_batches as batches
from ..rules import test_cases as rules
from ..rules.cases import Case

pytest.importorskip("scipy")
import scipy.special

from minigrad.core.primitive import REGISTRY
from minigrad.scipy import special
from minigrad.scipy.special import integrals

HERE = pathlib.Path(__file__).parent
REFERENCE = json.loads((HERE / "special_reference.json").read_text())
OTHERWISE = {
    "riemann": special.zeta,
    "lambertw of the lower branch": lambda z: special.lambertw(z, -1),
    "sine integral": lambda x: special.sici(x)[0],
    "cosine integral": lambda x: special.sici(x)[1],
}
names = pytest.mark.parametrize("name", REFERENCE)


def columns(name):
    """The function of a reference, and its arguments: orders as they are, arrays of all points for the others."""
    found = REFERENCE[name]
    return OTHERWISE.get(name) or getattr(special, name), [np.array(xs) for xs in zip(*found["at"], strict=True)]


@names
def test_derivatives_are_those_of_mpmath(name):
    """The first to ten digits and the second to eight of themselves, near poles, in the tails and between.

    Where the second derivative vanishes it has an error of two units of the last place of the first.
    """
    function, at = columns(name)
    found = REFERENCE[name]
    for k, i in enumerate(found["by"]):
        floats = [x.astype(float) if j == i else x for j, x in enumerate(at)]

        def slope(*xs, i=i):
            return mg.grad(lambda *xs: np.sum(function(*xs)), argnums=i)(*xs)

        slopes, seconds = np.array(found["slopes"][k]), np.array(found["seconds"][k])
        np.testing.assert_allclose(slope(*floats), slopes, rtol=1e-10)
        errors = np.abs(mg.grad(lambda *xs: np.sum(slope(*xs)), argnums=i)(*floats) - seconds)
        assert np.all(errors <= 1e-8 * np.abs(seconds) + 5e-16 * np.abs(slopes))


UFUNCS = [name for name in REFERENCE if isinstance(getattr(scipy.special, name, None), np.ufunc)]


@pytest.mark.parametrize("name", UFUNCS)
def test_values_are_those_of_scipy(name):
    """To the bit, of SciPy's own ufunc and of ours, for Tensors, arrays, lists and numbers."""
    function, theirs, at = getattr(special, name), getattr(scipy.special, name), columns(name)[1]
    want = theirs(*at)
    at = [x.astype(float) for x in at[:-1]] + [mg.tensor(at[-1].astype(float), requires_grad=True)]
    for y in (theirs(*at), function(*at)):
        assert type(y) is mg.Tensor
        np.testing.assert_array_equal(y.detach().numpy(), want)
    for plain in (np.ndarray.tolist, np.asarray):
        np.testing.assert_array_equal(function(*(plain(x.detach().numpy()) for x in map(mg.asarray, at))), want)
    np.testing.assert_array_equal(function(*(x[0].item() for x in at)), want[0])


# What holds of each rule

rng = np.random.default_rng(5)


def positive(*shape):
    return rng.uniform(0.5, 2, size=shape)


def shares(*shape):
    return rng.uniform(0.1, 0.9, size=shape)


def lines(key, *draws, orders=()):
    """A case of a function of some arrays, two by three, that come after orders, which are numbers."""
    arrays = tuple(draw(2, 3) for draw in draws)
    return Case(key, arrays, partial(after, orders), stretchable=len(draws) == 2)


def after(orders, f, *xs):
    return f(*orders, *xs)


def ufuncs(text):
    return [getattr(scipy.special, name) for name in text.split()]


def above_one(*shape):
    return rng.uniform(1.2, 2, size=shape)


UNARY = "gamma gammaln loggamma rgamma digamma erf erfc erfcx ndtr log_ndtr expit log_expit entr exp1 expi j0 j1 y0 y1 "
UNARY += "i0 i1 k0 k1 i0e i1e k0e k1e"
CASES = [
    *(lines(key, positive) for key in ufuncs(UNARY)),
    *(lines(key, shares) for key in ufuncs("erfinv erfcinv ndtri logit ellipk ellipe")),
    *(lines(key, positive, orders=(n,)) for key in ufuncs("jv yv iv kv ive kve") for n in (0.5, 1.5)),
    *(lines(key, positive, orders=(n,)) for key in ufuncs("yn kn expn") for n in (0.0, 2.0)),
    *(lines(special.polygamma.__wrapped__, positive, orders=(n,)) for n in (0, 2)),
    *(lines(key, positive, positive) for key in ufuncs("beta betaln gammainc gammaincc stdtr")),
    *(lines(key, positive, positive) for key in ufuncs("xlogy xlog1py rel_entr kl_div")),
    lines(scipy.special.huber, shares, above_one),
    lines(scipy.special.huber, above_one, shares),
    *(lines(key, positive, positive, shares) for key in ufuncs("betainc betaincc")),
    lines(scipy.special._ufuncs._riemann_zeta, above_one),
    lines(scipy.special._ufuncs._zeta, above_one, positive),
    *(lines(key, positive) for key in (integrals.sine_integral.function, integrals.cosine_integral.function)),
    *(lines(integrals.real_lambertw.function, draw) for draw in (positive, shares)),
]
cases = pytest.mark.parametrize("case", CASES, ids=str)


def is_ours(primitive):
    """Whether a primitive belongs to this room."""
    made = next((rule for rule in primitive.rules if rule), primitive.function)
    return (getattr(made, "__module__", None) or "").startswith(
        "minigrad.scipy.special"
    )  # NumPy 2.0's ufuncs have none


def test_every_rule_has_a_case():
    covered = {id(REGISTRY[case.key]) for case in CASES}
    ruled = [p for p in REGISTRY.values() if is_ours(p) and p.kind != "composed"]
    assert len(ruled) > 50
    assert [p.name for p in ruled if id(p) not in covered] == []


@cases
def test_both_modes_agree_with_each_other_and_with_numeric_derivatives(case):
    rules.test_reverse_mode_agrees_with_numeric_derivatives(case)
    rules.test_forward_mode_is_the_transpose_of_reverse_mode(case)


@cases
def test_second_derivatives_agree_with_numeric_ones(case):
    rules.test_second_derivatives_agree_with_numeric_ones(case)


@cases
def test_float32_stays_float32(case):
    rules.test_float32_stays_float32(case)


@cases
def test_works_on_arrays_that_are_not_ndarrays(case):
    rules.test_works_on_arrays_that_are_not_ndarrays(case)


@pytest.mark.parametrize("case", [case for case in CASES if case.stretchable], ids=str)
def test_broadcasting_is_undone(case):
    a, b = case.arrays
    for left, right in [(a[:, :1], b[:1]), (a[0, 0], b), (a, b[0])]:
        on = case.on(np.array(left), np.array(right))
        rules.test_reverse_mode_agrees_with_numeric_derivatives(on)


@cases
def test_a_batch_equals_the_loop(case):
    batches.test_a_batch_equals_the_loop(case)
    batches.test_pulled_back_a_batch_equals_the_loop(case)


FEW = [case for case in CASES if case.key in ufuncs("gammaln betaln")]


@pytest.mark.parametrize("case", [*FEW, *(pytest.param(case, marks=pytest.mark.slow) for case in CASES)], ids=str)
def test_compiled_is_as_called(case):
    """A gradient that is replayed has the bits of the one that was recorded, for other arrays, too."""
    slopes = mg.grad(lambda *xs: np.sum(case(*xs) ** 2), argnums=tuple(range(len(case.arrays))))
    compiled, others = mg.compile(slopes), [0.99 * x for x in case.arrays]
    compiled(*case.arrays)
    for got, want in zip(compiled(*others), slopes(*others), strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.slow
def test_native_loops_call_scipy():
    """Compiled to native code, the functions are left as calls between loops."""
    pytest.importorskip("llvmlite")

    def loss(a, x):
        return np.sum(special.gammainc(a, x) * special.erfcx(x) + special.jv(1, x * a) ** 2)

    slopes = mg.grad(loss, argnums=(0, 1))
    compiled, a, x = mg.compile(slopes, backend="native"), positive(3, 4), positive(3, 4)
    compiled(a, x)
    for got, want in zip(compiled(x, a), slopes(x, a), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-13)


# Edges

INF, NAN = np.inf, np.nan
EDGES = [
    ("gamma", (-2.0,), 0, NAN),
    ("gammaln", (1e306,), 0, 704.591038456),
    ("loggamma", (-0.5,), 0, NAN),
    ("rgamma", (-4.0,), 0, 24.0),
    ("rgamma", (0.0,), 0, 1.0),
    ("digamma", (0.0,), 0, INF),
    ("beta", (1.0, -0.5), 1, -4.0),
    ("betainc", (1.0, 2.0, 0.0), 2, 2.0),
    ("betainc", (1.0, 1.0, 1.0), 2, 1.0),
    ("betainc", (0.5, 2.0, 0.0), 2, INF),
    ("betainc", (0.5, 2.0, 0.0), 0, 0.0),
    ("betainc", (0.5, 2.0, 1.0), 1, 0.0),
    ("stdtr", (0.5, 0.0), 0, 0.0),
    ("stdtr", (0.5, -INF), 0, 0.0),
    ("gammainc", (1.0, 0.0), 1, 1.0),
    ("gammainc", (2.0, 0.0), 0, 0.0),
    ("gammainc", (2.0, INF), 0, 0.0),
    ("erfinv", (1.0,), 0, INF),
    ("erfcinv", (0.0,), 0, -INF),
    ("ndtri", (0.0,), 0, INF),
    ("logit", (0.0,), 0, INF),
    ("xlogy", (0.0, 0.0), 0, 0.0),
    ("xlogy", (0.0, 0.0), 1, 0.0),
    ("xlog1py", (0.0, -1.0), 0, 0.0),
    ("xlog1py", (0.0, -1.0), 1, 0.0),
    ("entr", (0.0,), 0, INF),
    ("entr", (-1.0,), 0, NAN),
    ("rel_entr", (0.0, 2.0), 1, 0.0),
    ("kl_div", (0.0, 2.0), 1, 1.0),
    ("huber", (1.0, 1.0), 1, 1.0),
    ("huber", (1.0, 1.0), 0, 0.0),
    ("jv", (1, 0.0), 1, 0.5),
    ("j1", (0.0,), 0, 0.5),
    ("yv", (1.5, 0.0), 1, INF),
    ("y0", (0.0,), 0, INF),
    ("y1", (0.0,), 0, INF),
    ("kv", (0.5, 0.0), 1, -INF),
    ("k0", (0.0,), 0, -INF),
    ("i0e", (0.0,), 0, 0.0),
    ("i1e", (0.0,), 0, 0.5),
    ("exp1", (0.0,), 0, -INF),
    ("expi", (0.0,), 0, INF),
    ("expn", (3, 0.0), 1, -1.0),
    ("expn", (2, 0.0), 1, -INF),
    ("ellipk", (0.0,), 0, np.pi / 8),
    ("ellipk", (1.0,), 0, INF),
    ("ellipe", (0.0,), 0, -np.pi / 8),
    ("ellipe", (1.0,), 0, -INF),
    ("lambertw", (0.0,), 0, 1.0),
    ("lambertw", (-np.exp(-1),), 0, INF),
    ("zeta", (-1.5,), 0, NAN),
]


@pytest.mark.parametrize(("name", "at", "i", "want"), EDGES)
def test_edges(name, at, i, want):
    """At poles, at branch points and at the ends of the domain the derivative is the one-sided limit, or NaN."""
    with np.errstate(all="ignore"):
        slope = mg.grad(getattr(special, name), argnums=i)(*at)
    np.testing.assert_allclose(slope, want, rtol=1e-9)


EXTREME = [
    ("expit", 1e3, 1.0, 0.0),
    ("expit", -1e3, 0.0, 0.0),
    ("log_expit", 1e3, 0.0, 0.0),
    ("log_expit", -1e3, -1e3, 1.0),
    ("softplus", 1e3, 1e3, 1.0),
    ("softplus", -1e3, 0.0, 0.0),
    ("log_ndtr", -1e8, -5e15, 1e8),
    ("erfcx", 1e100, 0.5641895835477563e-100, -0.5641895835477563e-200),
    ("i0e", -1e30, 0.3989422804014327e-15, 0.19947114020071635e-45),
]


@pytest.mark.parametrize(("name", "x", "value", "slope"), EXTREME)
def test_nothing_overflows_far_out(name, x, value, slope):
    """Far out the values and the derivatives are their limits, and NumPy has nothing to warn of."""
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        y, g = mg.value_and_grad(getattr(special, name))(x)
    np.testing.assert_allclose([y, g], [value, slope], rtol=1e-14)


def test_the_slope_of_expit_keeps_its_digits():
    """y (1 - y) would have lost three of four where expit is almost 1."""
    np.testing.assert_allclose(mg.grad(special.expit)(33.0), np.exp(-33.0), rtol=1e-13)


def test_no_slope_passes_from_one_side_of_a_choice_to_the_other():
    """Second derivatives on the side that is not taken are finite, so that 0 times them is 0."""
    for name, x in (("log_ndtr", 200.0), ("log_ndtr", -1e6), ("erfcx", -20.0), ("rgamma", 150.0), ("k1e", 1e9)):
        assert np.isfinite(mg.grad(mg.grad(getattr(special, name)))(x))


# Properties, by Hypothesis

shapes = st.floats(-3, 4).map(lambda power: 10.0**power)
numbers = st.floats(-4, 3).map(lambda power: 10.0**power)


@given(shapes, numbers)
def test_the_slope_of_gammainc_by_its_shape_follows_the_recurrence(a, x):
    """P(a, x) - P(a + 1, x) is x^a exp(-x) / gamma(a + 1); so are the derivatives by a, none of which is positive."""
    here, next_one = (mg.grad(special.gammainc)(shape, x) for shape in (a, a + 1))
    difference = np.exp(a * np.log(x) - x - scipy.special.gammaln(a + 1))
    slope = difference * (np.log(x) - scipy.special.digamma(a + 1))
    assert here <= 0
    error = 1e-9 * (abs(here) + abs(next_one)) + 1e-12 * a * difference  # of a - 1 and a log(x) in exp
    assert abs(here - next_one - slope) <= error


@given(shapes.filter(lambda a: a < 1000), shapes.filter(lambda b: b < 1000), st.floats(1e-9, 1 - 1e-9))
def test_the_slopes_of_betainc_follow_the_recurrence(a, b, x):
    """I(a, b) - I(a + 1, b) is x^a (1 - x)^b / (a beta(a, b)); so are the derivatives by a, and none is positive."""
    here, next_one = (mg.grad(special.betainc)(shape, b, x) for shape in (a, a + 1))
    difference = np.exp(a * np.log(x) + b * np.log1p(-x) - np.log(a) - scipy.special.betaln(a, b))
    slope = difference * (np.log(x) - 1 / a + scipy.special.digamma(a + b) - scipy.special.digamma(a))
    assert here <= 0 <= mg.grad(special.betainc, argnums=1)(a, b, x)
    error = 1e-9 * (abs(here) + abs(next_one)) + 1e-12 * difference * (a + b + 1 / a)
    assert abs(here - next_one - slope) <= error


@given(numbers)
def test_digamma_follows_its_recurrence_in_all_orders(x):
    """digamma(x + 1) - digamma(x) is 1 / x, and so are the derivatives."""
    first, second = mg.grad(special.digamma), mg.grad(mg.grad(special.digamma))
    np.testing.assert_allclose(first(x) - first(x + 1), x**-2, rtol=1e-9 * (1 + x))
    np.testing.assert_allclose(second(x + 1) - second(x), 2 * x**-3, rtol=1e-9 * (1 + x))


# Functions that are made of others

COMPOSED = [
    (lambda x: special.multigammaln(2 + x, 3), (positive(2, 3),)),
    (lambda x, q: special.zeta(1 + x, q), (positive(2, 3), positive(3))),
    (lambda x: special.zeta(1 + x), (positive(2, 3),)),
    (lambda x: special.sici(x)[0] * special.sici(x)[1], (positive(2, 3),)),
    (special.lambertw, (positive(2, 3),)),
    (lambda x: special.lambertw(-x / 3, -1), (shares(2, 3),)),
    (special.logsumexp, (positive(2, 3),)),
    (lambda a, b: special.logsumexp(a, axis=1, b=b), (positive(2, 3), positive(3))),
    (lambda a, b: special.logsumexp(a, 0, b - 3, True, True)[0], (positive(2, 3), positive(2, 3))),
    (lambda x: special.softmax(x, axis=0) ** 2, (positive(2, 3),)),
    (lambda x: special.softmax(x) ** 2, (positive(2, 3),)),
    (special.log_softmax, (positive(2, 3),)),
    (special.softplus, (positive(2, 3),)),
]


@pytest.mark.parametrize(("function", "at"), COMPOSED)
def test_functions_made_of_others_pass_the_gradient_check(function, at):
    """And may be mapped over a batch, and keep float32."""
    mg.testing.gradcheck(function, at, rng=1, fast=True)
    batches = [np.stack([x, 0.9 * x]) for x in at]
    mapped = mg.vmap(function)(*batches)
    for k in range(2):
        np.testing.assert_allclose(mapped[k], function(*(x[k] for x in batches)), rtol=1e-14)
    assert function(*(x.astype(np.float32) for x in at)).dtype == np.float32


@pytest.mark.slow
@pytest.mark.parametrize(("function", "at"), COMPOSED)
def test_second_derivatives_of_functions_made_of_others(function, at):
    mg.testing.gradgradcheck(function, at, rng=1)


A = np.array([[1.0, -2.0, 800.0], [3.0, -INF, 0.5]])
WEIGHTS = np.array([[1.0, 2.0, 0.0], [-1.0, 5.0, 0.5]])


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_logsumexp_is_that_of_scipy(axis, keepdims):
    """With and without weights, signs, axes and -inf."""
    with np.errstate(all="ignore"):
        for options in ({}, {"b": WEIGHTS}, {"b": WEIGHTS[0] - 3}, {"b": WEIGHTS.tolist()}):
            options |= {"axis": axis, "keepdims": keepdims}
            want = scipy.special.logsumexp(A, **options)
            np.testing.assert_allclose(special.logsumexp(A, **options), want, rtol=1e-14)
            y, sign = special.logsumexp(mg.tensor(A), return_sign=True, **options)
            want, want_sign = scipy.special.logsumexp(A, return_sign=True, **options)
            np.testing.assert_allclose(y.numpy(), want, rtol=1e-14)
            np.testing.assert_array_equal(sign.numpy(), want_sign)


def test_a_weight_of_zero_has_a_slope():
    """d/db of log(sum b exp(a)) is exp(a - y), also where b is 0; and what has no weight has no slope."""
    a, b = np.array([1.0, 2.0, 1e4]), np.array([1.0, 0.0, 0.0])
    by_a, by_b = mg.grad(lambda a, b: special.logsumexp(a, b=b), argnums=(0, 1))(a, b)
    np.testing.assert_array_equal(by_a, [1, 0, 0])
    np.testing.assert_allclose(by_b[:2], [1.0, np.e], rtol=1e-15)


def test_a_sum_of_zero_has_no_slope():
    y, g = mg.value_and_grad(lambda a: special.logsumexp(a, b=np.array([1.0, -1.0])))(np.array([2.0, 2.0]))
    assert y == -INF
    np.testing.assert_array_equal(g, [0, 0])


def test_values_of_functions_made_of_others():
    """They are those of SciPy's functions; lambertw's are their real parts."""
    x = positive(2, 3)
    np.testing.assert_allclose(special.multigammaln(x + 1, 3), scipy.special.multigammaln(x + 1, 3), rtol=1e-14)
    np.testing.assert_array_equal(special.lambertw(x), scipy.special.lambertw(x).real)
    np.testing.assert_array_equal(special.lambertw(-1 / np.e), -1)
    np.testing.assert_allclose(special.softmax(x.tolist()), scipy.special.softmax(x), rtol=1e-14)
    np.testing.assert_allclose(special.log_softmax(x, axis=1), scipy.special.log_softmax(x, axis=1), rtol=1e-14)
    np.testing.assert_array_equal(special.zeta(x + 1), scipy.special.zeta(x + 1))
    np.testing.assert_array_equal(special.zeta(x + 1, q=x), scipy.special.zeta(x + 1, x))
    np.testing.assert_array_equal(special.sici(x), scipy.special.sici(x))
    orders = np.array([[0], [3]])
    np.testing.assert_allclose(special.polygamma(orders, x), scipy.special.polygamma(orders, x), rtol=1e-15)
    np.testing.assert_allclose(special.polygamma([0, 1, 2], x), scipy.special.polygamma([0, 1, 2], x), rtol=1e-15)


# How they are called


def test_orders_may_be_lists_and_arrays():
    """One function for each order, of which each has its derivative."""
    x = np.array([0.5, 1.5, 2.5])
    for name in ("jv", "yv", "iv", "kv", "ive", "kve", "yn", "kn", "expn", "polygamma"):
        function = getattr(special, name)
        want = [mg.grad(partial(function, n))(z) for n, z in zip((0, 1, 2), x, strict=True)]
        for orders in ([0, 1, 2], (0, 1, 2), np.arange(3), mg.tensor([0, 1, 2])):
            _, pull_back = mg.vjp(partial(function, orders), x)
            np.testing.assert_allclose(pull_back(np.ones(3))[0], want, rtol=1e-14)


def test_integers_become_floats():
    t = mg.tensor([1, 2, 5])
    assert np.array_equal(scipy.special.gammaln(t).numpy(), scipy.special.gammaln([1, 2, 5]))
    assert special.gammaln(t).dtype == np.float64
    assert special.logsumexp(t).dtype == np.float64


def test_by_an_order_there_is_no_derivative():
    v = mg.tensor(0.5, requires_grad=True)
    for call in (special.jv, scipy.special.jv, special.kve, scipy.special.expn):
        with pytest.raises(mg.NoRuleError, match=r"has no derivative rule for its argument 0. Pass it detached"):
            call(v, 1.0)
    assert special.jv(v.detach(), 1.0) == scipy.special.jv(0.5, 1.0)


def test_bad_orders_and_dimensions_are_refused():
    with pytest.raises(ValueError, match=r"the order of polygamma is a whole number from 0 on; got -1"):
        special.polygamma(-1, 2.0)
    with pytest.raises(ValueError, match=r"the dimension d is a whole number from 1 on; got 1.5"):
        special.multigammaln(3.0, 1.5)
    with pytest.raises(ValueError, match=r"a is above \(d - 1\) / 2 = 1.0; got 0.5"):
        special.multigammaln(0.5, 3)


@pytest.mark.parametrize(("z", "k"), [(-1.0, 0), (-0.5, -1), (0.5, -1), (0.0, -1)])
def test_numbers_that_are_not_real_are_refused(z, k):
    with pytest.raises(ValueError, match=r"lambertw is a real number for z from -1 / e = -0.3678794 on"):
        special.lambertw(z, k)


def test_other_branches_are_refused():
    with pytest.raises(ValueError, match=r"real branches k = 0 and k = -1; got k = 1. Use scipy.special.lambertw"):
        special.lambertw(1.0, 1)


def test_rules_come_when_a_ufunc_is_first_met():
    """`import minigrad` does not load SciPy, and SciPy's ufuncs find their rules all the same, on any kind of array."""
    code = (
        "import sys, minigrad as mg, numpy as np\n"
        "assert 'scipy' not in sys.modules\n"
        "from scipy import special\n"
        "assert 'minigrad.scipy' not in sys.modules\n"
        "t = mg.tensor([0.5, 1.5], requires_grad=True)\n"
        "special.gammaln(t).sum().backward()\n"
        "assert np.array_equal(t.grad.numpy(), special.psi([0.5, 1.5]))\n"
        "assert mg.grad(special.betaln)(1.0, 1.0) == -1\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_ufunc_without_a_rule_is_named():
    with pytest.raises(mg.NoRuleError, match=r"^scipy\.special\.struve has no derivative rule"):
        scipy.special.struve(0.5, mg.tensor(1.0, requires_grad=True))


def test_names_are_public():
    """They are sorted, have a signature of arrays, a documentation and an entry in the reference, and are pickled."""
    reference = (HERE.parents[1] / "docs" / "reference" / "scipy.rst").read_text()
    assert special.__all__ == sorted(special.__all__)
    for name in special.__all__:
        function = getattr(special, name)
        assert hasattr(scipy.special, name) or name == "softplus"  # which is new there
        assert function.__doc__
        assert f".. autofunction:: {name}\n" in reference
        assert pickle.loads(pickle.dumps(function)) is function
    assert str(inspect.signature(special.betainc)) == "(a, b, x, /)"
    assert str(inspect.signature(special.logsumexp)).startswith("(a, axis=None, b=None")
