"""Curves through points, as SciPy's of the same name, in all modes and forms."""

import numpy as np
import pytest
import scipy.interpolate

from minigrad.scipy import interpolate

from ..crosses import SEED, both, crosses

rng = np.random.default_rng(SEED)
X = np.array([0.0, 1.0, 1.75, 3.0, 4.5])
AT = np.array([0.25, 1.5, 2.0, 4.0])
Y = rng.normal(size=(5, 2))
LOOP = np.concatenate([Y[:-1], Y[:1]])
END = rng.normal(size=2)


def case(name, call, *arrays):
    return both(name, call, interpolate, scipy.interpolate, *arrays)


def periodic(m, x, y, at):
    """A curve that ends where it begins, whatever `y` is."""
    return m.CubicSpline(x, np.concatenate([y, y[:1]]) if hasattr(y, "dtype") else [*y, y[0]], bc_type="periodic")(at)


SPLINES = [
    case("not-a-knot", lambda m, x, y, at: m.CubicSpline(x, y)(at), X, Y, AT),
    case("natural", lambda m, x, y, at: m.CubicSpline(x, y, bc_type="natural")(at, 1), X, Y, AT),
    case("clamped", lambda m, x, y, at: m.CubicSpline(x, y, 1, bc_type="clamped")(at, 2), X, Y.T, AT),
    case("given", lambda m, x, y, e, at: m.CubicSpline(x, y, bc_type=((1, e), (2, e)))(at), X, Y, END, AT),
    case("periodic", periodic, X, Y[:-1], AT),
    case("three", lambda m, x, y, at: m.CubicSpline(x, y)(at), X[:3], Y[:3], AT[:2]),
    case("integral", lambda m, x, y, a, b: m.CubicSpline(x, y).integrate(a, b), X, Y, np.array(0.5), np.array(4.0)),
    case("antiderivative", lambda m, x, y, at: m.CubicSpline(x, y).antiderivative()(at), X, Y, AT),
    case("derivative", lambda m, x, y, at: m.CubicSpline(x, y).derivative()(at), X, Y, AT),
]
OTHERS = [
    case("linear", lambda m, x, y, at: m.interp1d(x, y)(at), X, Y.T, AT),
    case("cubic", lambda m, x, y, at: m.interp1d(x, y, "cubic", axis=0)(at), X, Y, AT),
    case("beyond", lambda m, x, y, at: m.interp1d(x, y, fill_value="extrapolate")(at), X, Y.T, AT * 2 - 1.5),
]
STEPS = [
    case(kind, lambda m, y, kind=kind: m.interp1d(X, y, kind, axis=0)(AT), Y)
    for kind in ("nearest", "nearest-up", "previous", "next", "zero")
]
TestCrosses = crosses([*SPLINES, *OTHERS, *STEPS])


@pytest.mark.parametrize("n", [2, 3, 4, 5])
@pytest.mark.parametrize(
    "ends",
    ["not-a-knot", "clamped", "natural", "periodic", ((1, END), (2, END)), ("not-a-knot", "natural")],
    ids=["not-a-knot", "clamped", "natural", "periodic", "given", "pair"],
)
def test_curves_are_those_of_scipy(n, ends):
    """Through few points, all derivatives, integrals, at the places and beyond the ends."""
    x, y = X[:n], np.concatenate([Y[: n - 1], Y[:1]]) if ends == "periodic" else Y[:n]
    ours, theirs = (m.CubicSpline(x, y, bc_type=ends) for m in (interpolate, scipy.interpolate))
    at = np.concatenate([x, [-1.0, 0.3, x[-1] + 0.5]])
    pairs = [(ours(at, nu), theirs(at, nu)) for nu in range(5)]
    pairs += [(ours.derivative(nu)(at), theirs.derivative(nu)(at)) for nu in (1, 3)]
    pairs += [
        (ours.antiderivative()(at), theirs.antiderivative()(at)),
        (ours(at, extrapolate=False), theirs(at, extrapolate=False)),
    ]
    pairs += [(ours(at.reshape(-1, 1)), theirs(at.reshape(-1, 1)))]
    for got, want in pairs:
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-10)
    assert not np.any(ours.derivative(4)(at))


@pytest.mark.parametrize("kind", ["linear", "nearest", "nearest-up", "previous", "next", "zero", "cubic"])
def test_functions_are_those_of_scipy(kind):
    """At the places, halfway, beyond the ends by what fills there, and of places that are not sorted."""
    at = np.concatenate([X, (X[1:] + X[:-1]) / 2, [-1.0, 5.0]])
    for options in (
        {"fill_value": "extrapolate"},
        {"fill_value": (1.0, 2.0), "bounds_error": False},
        {"fill_value": 3.0, "bounds_error": False},
        {"bounds_error": False},
        {"fill_value": "extrapolate", "assume_sorted": True},
    ):
        order = np.arange(5) if "assume_sorted" in options else [3, 0, 4, 1, 2]
        ours, theirs = (m.interp1d(X[order], Y.T[:, order], kind, **options) for m in (interpolate, scipy.interpolate))
        np.testing.assert_allclose(ours(at), theirs(at), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(ours(0.3), theirs(0.3), rtol=1e-10)


def test_one_point_is_a_constant():
    """As in SciPy, of the kinds that take one point."""
    assert interpolate.interp1d([1.0], [2.0], "nearest", fill_value="extrapolate")(3.0) == 2
    assert interpolate.interp1d([1.0], [2.0], bounds_error=False, fill_value=5.0)([1.0, 3.0]).tolist() == [2, 5]


SPLINE, INTERP = interpolate.CubicSpline, interpolate.interp1d
REFUSED = {
    "x": (
        lambda: SPLINE(np.ones((2, 2)), Y),
        r"CubicSpline takes x of one axis, .* got the shapes \(2, 2\) and \(5, 2\)",
    ),
    "y": (lambda: SPLINE(X, Y.T), "CubicSpline takes as many values along the axis 0 of y as there are in x, 5; got 2"),
    "few": (lambda: SPLINE(X[:1], Y[:1]), "CubicSpline takes 2 points or more; got 1"),
    "few for cubic": (lambda: INTERP(X[:3], Y[:3], "cubic", axis=0), "interp1d takes 4 points or more; got 3"),
    "order": (lambda: SPLINE(X[::-1], Y), "CubicSpline takes places x that increase from one to the next"),
    "equal": (lambda: INTERP([1.0, 1.0], [2.0, 3.0]), "interp1d takes places x that increase from one to the next"),
    "ends": (lambda: SPLINE(X, Y, bc_type="free"), "CubicSpline takes bc_type 'not-a-knot', 'periodic', .* got 'free'"),
    "order of an end": (lambda: SPLINE(X, Y, bc_type=((3, END), (1, END))), r"and \(1 or 2, value\); got \(\(3,"),
    "one end": (lambda: SPLINE(X, Y, bc_type=("natural",)), "or a pair of the first and the last two"),
    "value of an end": (
        lambda: SPLINE(X, Y, bc_type=((1, 0.0), "natural")),
        r"CubicSpline takes a derivative at an end of shape \(2,\); got \(\)",
    ),
    "loop": (lambda: SPLINE(X, Y, bc_type="periodic"), "takes a last value of y that equals the first"),
    "nu": (lambda: SPLINE(X, Y)(AT, -1), "CubicSpline has derivatives of order nu=0, 1, 2, ...; got nu=-1"),
    "integral": (lambda: SPLINE(X, LOOP, bc_type="periodic").integrate(0, 1), "CubicSpline integrates one period"),
    "kind": (
        lambda: INTERP(X, Y.T, "quadratic"),
        "interp1d takes a kind of linear, nearest, .* cubic; got 'quadratic'",
    ),
    "bounds": (lambda: INTERP(X, Y.T)(9.0), "interp1d is read out of the bounds of x; see fill_value"),
    "fill": (lambda: INTERP(X, Y.T, fill_value="nearest"), "or 'extrapolate' without bounds_error=True; got 'nearest'"),
    "both": (lambda: INTERP(X, Y.T, bounds_error=True, fill_value="extrapolate"), "got 'extrapolate'"),
    "three fills": (
        lambda: INTERP(X, Y.T, fill_value=(1, 2, 3)),
        "interp1d takes a fill_value, or a pair of them; got 3",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_what_is_wanted(name):
    call, text = REFUSED[name]
    with pytest.raises(ValueError, match=text):
        call()
