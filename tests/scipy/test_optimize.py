"""SciPy's minimisers and solvers: what they are handed, and the derivatives of what they find."""

import numpy as np
import pytest
import scipy.optimize

import minigrad as mg
from minigrad.scipy import integrate, optimize

A = np.array([1.0, 2.0])
T = np.linspace(0, 1, 20)
Y = 2 * np.exp(-3 * T) + 0.05 * np.random.default_rng(0).normal(size=20)
SIGMA = np.linspace(0.05, 0.1, 20)


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def bowl(x, a):
    """Its minimum is where x_i (1 + c_i^2) = a_i."""
    return np.sum((x - a) ** 2 + np.array([1.0, 3.0]) * x**2) / 2


def lowest(a):
    return a / np.array([2.0, 4.0])


GRADIENTS = ("CG", "BFGS", "L-BFGS-B", "TNC", "SLSQP", "Newton-CG", "trust-ncg", "trust-krylov", "trust-constr")
VALUES = ("Nelder-Mead", "Powell", "COBYLA")


@pytest.mark.parametrize("method", [*GRADIENTS, "trust-exact", *VALUES])
def test_all_methods_find_the_minimum(method):
    """With exact derivatives where it takes them; a plain array comes out where nothing is watched."""
    result = optimize.minimize(bowl, np.zeros(2), A, method=method, tol=1e-8)
    assert type(result.x) is np.ndarray
    assert result.success
    np.testing.assert_allclose(result.x, lowest(A), rtol=1e-6)


def test_dogleg_gets_hessians():
    result = optimize.minimize(bowl, np.zeros(2), A, method="dogleg")
    np.testing.assert_allclose(result.x, lowest(A), rtol=1e-12)


@pytest.mark.parametrize("backend", [None, "numpy", "native"])
def test_scipy_is_handed_the_exact_gradient(backend):
    """The same path as with the gradient by hand: as many evaluations, and the same minimum to the last digits."""
    x0 = np.full(4, 0.5)
    want = scipy.optimize.minimize(
        scipy.optimize.rosen, x0, jac=scipy.optimize.rosen_der, hess=scipy.optimize.rosen_hess, method="trust-exact"
    )
    got = optimize.minimize(rosenbrock, x0, method="trust-exact", compile=backend)
    assert (got.nit, got.nfev, got.nhev) == (want.nit, want.nfev, want.nhev)
    np.testing.assert_allclose(got.x, want.x, rtol=1e-9)


def test_the_minimum_is_differentiable():
    """Both modes, two orders, maps, checkpoints: the minimum of a quadratic is linear, its value quadratic."""

    def found(a):
        return optimize.minimize(bowl, np.zeros(2), args=(a,), method="trust-exact", tol=1e-10)

    want = np.diag([1 / 2, 1 / 4])
    for mode in ("forward", "reverse"):
        np.testing.assert_allclose(mg.jacobian(lambda a: found(a).x, mode=mode)(A), want, rtol=1e-12)
        hessian = mg.hessian(lambda a: np.sum(found(a).x ** 3), mode=mode)(A)
        np.testing.assert_allclose(hessian, np.diag(6 * A / [8, 64]), rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(mg.grad(lambda a: found(a).fun)(A), A * [1 / 2, 3 / 4], rtol=1e-12)
    np.testing.assert_allclose(mg.hessian(lambda a: found(a).fun)(A), np.diag([1 / 2, 3 / 4]), rtol=1e-10, atol=1e-14)
    many = np.stack([A, A + 1])
    mapped = mg.vmap(lambda a: {"x": found(a).x, "fun": found(a).fun})(many)
    np.testing.assert_allclose(mapped["x"], lowest(many), rtol=1e-12)
    np.testing.assert_allclose(mg.vmap(mg.jacobian(lambda a: found(a).x))(many), [want, want], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(mg.jacobian(mg.checkpoint(lambda a: found(a).x))(A), want, rtol=1e-12)


def test_second_order_of_a_minimum_that_is_not_linear():
    """x^3 + x = a: the derivatives of the root of that are known."""

    def found(a):
        start = np.zeros(2)
        return optimize.minimize(lambda x: np.sum(x**4 / 4 + x**2 / 2 - a * x), start, method="trust-exact", tol=1e-9).x

    x, total = found(A), lambda a: np.sum(found(a))
    slope = 1 / (3 * x**2 + 1)
    np.testing.assert_allclose(mg.grad(total)(A), slope, rtol=1e-8)
    for mode in ("forward", "reverse"):
        np.testing.assert_allclose(mg.hessian(total, mode=mode)(A), np.diag(-6 * x * slope**3), rtol=1e-8, atol=1e-14)


def test_trees_and_tensors_from_outside():
    """x0 may be a tree, of which dtypes and structure stay; backward() reaches what the function uses from outside."""
    t = mg.tensor(2.0, requires_grad=True)
    start = {"a": np.float32(0.0), "b": [np.zeros((2, 1)), np.zeros(())]}
    result = optimize.minimize(
        lambda p: (p["a"] - t) ** 2 + np.sum((p["b"][0] - t**2) ** 2) + (p["b"][1] + t) ** 2, start, tol=1e-10
    )
    assert (result.x["a"].dtype, result.x["b"][0].shape, result.x["b"][1].shape) == (np.float32, (2, 1), ())
    (result.x["a"] + result.x["b"][0].sum() + result.x["b"][1]).backward()
    np.testing.assert_allclose(t.grad.item(), 1 + 2 * 2 * 2 - 1, rtol=1e-6)


def test_numbers_at_a_bound_stay_there():
    """Their derivative is zero, and the others' is what it is with them held fixed."""

    def coupled(x, a):
        return bowl(x, a) + x[0] * x[1] / 4

    def found(a, bounds):
        return optimize.minimize(coupled, np.zeros(2), (a,), method="L-BFGS-B", bounds=bounds, tol=1e-14).x

    pairs = [(None, 0.1), (-9, None)]
    free = mg.jacobian(lambda a: found(a, scipy.optimize.Bounds(-9, 9)))(A)
    np.testing.assert_allclose(free, np.linalg.inv([[2, 1 / 4], [1 / 4, 4]]), rtol=1e-10)
    held = mg.jacobian(lambda a: found(a, pairs))(A)
    np.testing.assert_allclose(held, [[0, 0], [0, 1 / 4]], rtol=1e-10, atol=1e-14)
    low = mg.jacobian(lambda a: found(a, [(0.9, None), (None, None)]))(A)
    np.testing.assert_allclose(low, [[0, 0], [0, 1 / 4]], rtol=1e-10, atol=1e-14)


def test_constraints_get_exact_jacobians():
    """Of SciPy's dicts and objects; where a derivative would flow, they are refused by name."""
    line = {"type": "eq", "fun": lambda x: x[0] - x[1]}
    slope = {"type": "ineq", "fun": lambda x: 9 - x[0], "jac": lambda x: np.array([-1.0, 0.0])}
    circle = scipy.optimize.NonlinearConstraint(lambda x: np.sum(x**2), 1, 1)
    plane = scipy.optimize.LinearConstraint([[1, -1]], 0, 0)
    own = scipy.optimize.NonlinearConstraint(lambda x: x[0] - x[1], 0, 0, jac=lambda x: np.array([[1.0, -1.0]]))
    for constraint in ([line, slope], plane, own):
        result = optimize.minimize(bowl, np.ones(2), (A,), constraints=constraint)
        np.testing.assert_allclose(result.x, [0.5, 0.5], rtol=1e-6)
    result = optimize.minimize(bowl, np.ones(2), (A,), constraints=circle, method="trust-constr")
    np.testing.assert_allclose(np.sum(result.x**2), 1, rtol=1e-6)
    for options in ({"constraints": line}, {"method": "trust-constr", "bounds": [(0, 1), (0, 1)]}):
        with pytest.raises(
            mg.NoRuleError, match=r"constraints, or with bounds by trust-constr, has no .* to bowl\. Det"
        ):
            mg.grad(lambda a, options=options: np.sum(optimize.minimize(bowl, np.ones(2), (a,), **options).x))(A)


def decay(t, a, b):
    return a * np.exp(-b * t)


@pytest.mark.parametrize("loss", ["linear", "soft_l1", "huber", "cauchy", "arctan"])
@pytest.mark.parametrize("backend", [None, "numpy"])
def test_least_squares_finds_what_scipy_finds(loss, backend):
    """Values as with SciPy's differences; derivatives by the data as differences of the solutions."""
    tight = {"xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15, "loss": loss, "f_scale": 0.1}

    def found(y):
        return optimize.least_squares(lambda p: decay(T, *p) - y, [2.0, 3.0], compile=backend, **tight)

    want = scipy.optimize.least_squares(lambda p: decay(T, *p) - Y, [2.0, 3.0], **tight)
    result = found(Y)
    np.testing.assert_allclose(result.x, want.x, rtol=1e-6)
    np.testing.assert_allclose(result.cost, want.cost, rtol=1e-10)
    step = 1e-4 * np.cos(5 * T)
    got = mg.jvp(lambda y: (found(y).x, found(y).cost), (Y,), (step,))[1]
    ahead, behind = found(Y + step), found(Y - step)
    np.testing.assert_allclose(got[0], (ahead.x - behind.x) / 2, rtol=2e-4)
    np.testing.assert_allclose(got[1], (ahead.cost - behind.cost) / 2, rtol=1e-4)
    np.testing.assert_allclose(mg.jacobian(lambda y: found(y).x)(Y) @ step, got[0], rtol=1e-10)


def test_least_squares_with_bounds_trees_and_options():
    def f(p, t, scale):
        return {"a": decay(t, p["a"], p["b"]) - scale * Y, "b": p["b"] * 0}

    bounds = scipy.optimize.Bounds([0, 0], [9, 2.5])
    start = {"a": np.array(1.0), "b": np.array(1.0)}
    scale = mg.tensor(1.0, requires_grad=True)
    result = optimize.least_squares(f, start, bounds=bounds, args=(T,), kwargs={"scale": scale}, method="dogbox")
    np.testing.assert_allclose(result.x["b"].item(), 2.5, rtol=1e-8)
    np.testing.assert_array_equal(result.fun.shape, (21,))
    (result.x["a"] + result.x["b"]).backward()
    np.testing.assert_allclose(scale.grad.item(), result.x["a"].item(), rtol=1e-6)  # all is proportional


def test_a_line_through_data_has_the_derivatives_of_the_formula():
    """Parameters and covariances, by the data and their errors, against the normal equations."""

    def by_hand(t, y, s):
        matrix = np.stack([t, np.ones_like(t)], axis=1) / s[:, None]
        inverse = np.linalg.inv(matrix.T @ matrix)
        p = inverse @ (matrix.T @ (y / s))
        return p, inverse * np.sum((matrix @ p - y / s) ** 2) / 18

    def fitted(t, y, s):
        return optimize.curve_fit(lambda t, a, b: a * t + b, t, y, sigma=s)

    for got, want in zip(fitted(T, Y, SIGMA), by_hand(T, Y, SIGMA), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-6)
    for out in (0, 1):
        for k in range(3):
            got = mg.jacobian(lambda *data, out=out: fitted(*data)[out], argnums=k)(T, Y, SIGMA)
            want = mg.jacobian(lambda *data, out=out: by_hand(*data)[out], argnums=k)(T, Y, SIGMA)
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("sigma", [None, SIGMA, np.diag(SIGMA**2) + 1e-4])
@pytest.mark.parametrize("absolute", [True, False])
def test_curve_fit_returns_what_scipy_does(sigma, absolute):
    """Parameters, and covariances: SciPy's, and where derivatives flow our own."""
    want = scipy.optimize.curve_fit(decay, T, Y, sigma=sigma, absolute_sigma=absolute)
    got = optimize.curve_fit(decay, T, Y, sigma=sigma, absolute_sigma=absolute)
    ours = optimize.curve_fit(decay, T, mg.tensor(Y, requires_grad=True), sigma=sigma, absolute_sigma=absolute)
    for one, other, scipys in zip(got, ours, want, strict=True):
        assert type(one) is np.ndarray
        np.testing.assert_allclose(one, scipys, rtol=1e-5)
        np.testing.assert_allclose(other.detach(), scipys, rtol=1e-5)


def test_curve_fit_takes_lists():
    """The function gets arrays of them, of floats, as SciPy's does."""
    lists = [1, 2, 3], [2.0, 4.1, 5.9], None, [0.1, 0.2, 0.1]
    found, covariance = optimize.curve_fit(lambda x, a: a * x, *lists)
    want = scipy.optimize.curve_fit(lambda x, a: a * x, *lists)
    np.testing.assert_allclose(found, want[0], rtol=1e-6)
    np.testing.assert_allclose(covariance, want[1], rtol=1e-5)
    y = mg.tensor(lists[1], requires_grad=True)
    fitted, _ = optimize.curve_fit(lambda x, a: a * x, tuple(lists[0]), y, sigma=lists[3])
    np.testing.assert_allclose(fitted.detach(), want[0], rtol=1e-6)
    with pytest.raises(mg.DetachedError, match="np.stack to join a list"):
        optimize.curve_fit(lambda x, a: a * x, [y[0], y[1], y[2]], lists[1])


def test_curve_fit_maps_over_data_and_takes_scipys_options():
    many = np.stack([Y, 2 * Y])
    p = mg.vmap(lambda y: optimize.curve_fit(decay, T, y)[0])(many)
    np.testing.assert_allclose(p[1], p[0] * [2, 1], rtol=1e-6)
    for bounds in ((0, [9.0, 2.5]), scipy.optimize.Bounds([0, 0], [9.0, 2.5])):
        y = mg.tensor(Y, requires_grad=True)
        p, _ = optimize.curve_fit(
            *(decay, T, y, [1.0, 1.0]), bounds=bounds, check_finite=True, method="trf", compile="numpy", xtol=1e-12
        )
        np.testing.assert_allclose(p[1].item(), 2.5, rtol=1e-8)
        p.sum().backward()
        slope = np.exp(-2.5 * T)
        np.testing.assert_allclose(y.grad.data, slope / (slope @ slope), rtol=1e-6)


def crossing(x, a):
    """A line and a hyperbola."""
    return np.stack([x[0] + x[1] - a[0], x[0] * x[1] - a[1]])


@pytest.mark.parametrize("method", ["hybr", "lm", "broyden1", "krylov", "df-sane"])
def test_roots_of_several_unknowns(method):
    """Roots 2 and 3 of z^2 - 5 z + 6, whose derivatives by the coefficients are known."""

    def found(a):
        return optimize.root(crossing, [1.0, 3.0], args=(a,), method=method, tol=1e-12).x

    a = np.array([5.0, 6.0])
    np.testing.assert_allclose(found(a), [2, 3], rtol=1e-10)
    np.testing.assert_allclose(mg.jacobian(found)(a), [[-2, 1], [3, -1]], rtol=1e-9)
    np.testing.assert_allclose(mg.jvp(found, (a,), (np.array([1.0, 0.0]),))[1], [-2, 3], rtol=1e-9)
    np.testing.assert_allclose(mg.hessian(lambda a: found(a)[0])(a), [[12, -5], [-5, 2]], rtol=1e-8)


def test_roots_of_trees_compiled():
    result = optimize.root(
        lambda x: [x["u"] - 2, (x["v"] - x["u"]) ** 3 + x["v"] - x["u"]],
        {"u": np.float32(1), "v": np.ones((1, 1))},
        compile="numpy",
    )
    assert (result.x["u"].dtype, result.x["v"].shape) == (np.float32, (1, 1))
    np.testing.assert_allclose([result.x["u"], result.x["v"][0, 0]], 2, rtol=1e-7)
    assert "fjac" in result
    assert set(dict(mg.vmap(lambda a: dict(optimize.root(crossing, [1.0, 3.0], (a,))))(np.array([[5.0, 6.0]])))) == {
        "x"
    }


ROOTS = [
    lambda f, a: optimize.brentq(f, 0, 3, args=(a,)),
    lambda f, a: optimize.brentq(lambda x: f(x, a), 0 * a, 3 + 0 * a),
    lambda f, a: optimize.root_scalar(f, args=(a,), bracket=(0, 3)).root,
    lambda f, a: optimize.root_scalar(f, (a,), "toms748", (0, 3)).root,
    lambda f, a: optimize.root_scalar(f, a, x0=1.0).root,
    lambda f, a: optimize.root_scalar(f, a, x0=1.0, x1=2.0, xtol=1e-13).root,
    lambda f, a: optimize.root_scalar(f, a, x0=np.array(1.0), method="halley").root,
    lambda f, a: optimize.fixed_point(lambda x: x - f(x, a) / 4, np.array(1.0), xtol=1e-14),
    lambda f, a: optimize.fixed_point(lambda x, a: x - f(x, a) / 4, {"x": 1.0}["x"], a, xtol=1e-14, method="iteration"),
]


@pytest.mark.parametrize("found", ROOTS)
def test_roots_of_a_number(found):
    """The square root, by each way to find it: its value and its derivatives, to the last digits."""

    def square(x, a):
        return x**2 - a

    def f(a):
        return found(square, a)

    assert f"{float(mg.asarray(f(2.0)).detach()):.12f}" == f"{np.sqrt(2):.12f}"
    for got in (mg.grad(f)(2.0), mg.jvp(f, (2.0,), (1.0,))[1]):
        np.testing.assert_allclose(got, 2**-1.5, rtol=1e-11)
    np.testing.assert_allclose(mg.grad(mg.grad(f))(2.0), -(2**-3.5), rtol=1e-10)
    a = np.array([2.0, 3.0])
    np.testing.assert_allclose(mg.vmap(mg.grad(f))(a), 1 / (2 * np.sqrt(a)), rtol=1e-10)


def test_a_number_comes_out_where_no_derivative_flows():
    assert type(optimize.brentq(lambda x: x - 1.5, 0, 3)) is float
    result = optimize.root_scalar(lambda x: x - 1.5, x0=1.0)
    assert (type(result.root), result.converged) == (float, True)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: optimize.minimize(rosenbrock, np.zeros(3), options={"maxiter": 2}),
            "minimize has not .*: Maximum num",
        ),
        (lambda: optimize.root(lambda x: x**2 + 1, [1.0]), "root has not converged: The iteration is not making good"),
        (lambda: optimize.brentq(lambda x: x - 1.1, 0, 3, maxiter=1), "brentq has not converged: Failed to converge"),
        (lambda: optimize.root_scalar(lambda x: x**2 + 1, x0=0.7, maxiter=5), "root_scalar has not converged"),
        (lambda: optimize.fixed_point(lambda x: x + 1, 1.0, maxiter=9), "fixed_point has not .* after 9 iterations"),
        (
            lambda: optimize.least_squares(lambda x: rosenbrock(x) * np.ones(3), [0.0, 0.0, 9.0], max_nfev=1),
            "least_squares has not converged: The maximum number of function evaluations is exceeded",
        ),
        (
            lambda: optimize.curve_fit(decay, T, Y, [9.0, 9.0], maxfev=2),
            "curve_fit has not converged: Optimal parameters not found",
        ),
        (
            lambda: mg.grad(lambda a: optimize.brentq(lambda x: (x - a) ** 3, 0, 3))(1.5),
            "brentq has no derivative here: .* singular at the root",
        ),
    ],
)
def test_a_failed_solver_raises_with_scipys_message(call, text):
    with pytest.raises(mg.SolverError, match=text):
        call()


def test_the_error_has_scipys_result():
    with pytest.raises(mg.SolverError) as caught:
        optimize.minimize(rosenbrock, np.zeros(3), options={"maxiter": 2})
    assert caught.value.result["nit"] == 2


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: optimize.minimize(bowl, A, A, jac=1), TypeError, "minimize has jac= from minigrad.* Leave it out"),
        (lambda: optimize.root(bowl, A, A, jac=1), TypeError, "root has jac= from minigrad"),
        (lambda: optimize.minimize(bowl, A, A, method="best"), ValueError, "method is one of bfgs, cg, .*; got 'best'"),
        (lambda: optimize.minimize(lambda x: x, A), ValueError, "a single number as its value; it returned shape"),
        (lambda: optimize.minimize(rosenbrock, []), ValueError, "x0 is an array, or a tree of arrays, with at least"),
        (lambda: optimize.minimize(bowl, A, A, bounds=[(0, 1)]), ValueError, r"bounds are 2 pairs \(low, high\)"),
        (lambda: optimize.least_squares(bowl, A, loss=abs), ValueError, "loss is one of linear, soft_l1, .*; got <"),
        (lambda: optimize.curve_fit(lambda x: x, T, Y), ValueError, r"curve_fit counts .* names none\. Pass p0"),
        (lambda: optimize.curve_fit(decay, T, Y, full_output=True), mg.NoRuleError, "full_output= is not served"),
        (lambda: optimize.root_scalar(lambda x: x), ValueError, "root_scalar takes a bracket, or a point x0"),
        (
            lambda: optimize.brentq(lambda x: x * np.ones(2), 0, 3),
            ValueError,
            r"with one number as its value; got shape \(2,\)",
        ),
        (lambda: optimize.brentq(lambda x: x + 1, 0, 3), ValueError, "must have different signs"),
        (lambda: mg.compile(lambda: optimize.root(crossing, A, (A,)).x)(), mg.RecordingError, "calls root, a solver"),
    ],
)
def test_bad_input_is_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_columns_of_tables_are_arrays():
    """Data, starts and residuals may be series of pandas; what is found is by position."""
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"t": T, "y": decay(T, 2.0, 3.0)})
    p, _ = optimize.curve_fit(decay, table["t"], table["y"], p0=pandas.Series([1.0, 1.0]), sigma=table["y"] * 0 + 1)
    np.testing.assert_allclose(p, [2, 3], rtol=1e-8)
    p = optimize.least_squares(lambda p: decay(table["t"], p[0], p[1]) - table["y"], [1.0, 1.0]).x
    np.testing.assert_allclose(p, [2, 3], rtol=1e-6)
    x = optimize.minimize(bowl, pandas.Series([0.0, 3.0]), (pandas.Series(A),)).x
    np.testing.assert_allclose(x, lowest(A), rtol=1e-5)
    np.testing.assert_allclose(integrate.trapezoid(table["y"], table["t"]), np.trapezoid(table["y"], table["t"]))
    y = integrate.odeint(lambda y, t: -y, pandas.Series([1.0, 2.0]), table["t"])
    np.testing.assert_allclose(y[-1], np.exp(-1) * np.array([1, 2]), rtol=1e-6)


def test_shapes_that_do_not_fit_are_named():
    """Before SciPy sees them, with what is wanted and what came; the advice works."""
    x, y = np.linspace(0, 1, 5), np.linspace(1, 2, 5)
    equations = lambda x: np.stack([x[0] - 1, x[1] - 2, x[0] + x[1] - 3])
    with pytest.raises(ValueError, match="as many numbers as there are unknowns, 2; it returned 3. .*least_squares"):
        optimize.root(equations, np.zeros(2))
    np.testing.assert_allclose(optimize.least_squares(equations, np.zeros(2)).x, [1, 2], atol=1e-8)
    with pytest.raises(ValueError, match="as many values of f as there are of ydata, 4; f returned 5"):
        optimize.curve_fit(lambda x, a, b: a * x + b, x, y[:-1])


def test_brentq_returns_the_root_alone():
    """What more SciPy's has to say is refused, with the function that says it."""
    f = lambda x: x**3 - 2
    for options in ({"full_output": True}, {"disp": False}):
        with pytest.raises(mg.NoRuleError, match="brentq returns the root alone, or raises"):
            optimize.brentq(f, 0.0, 2.0, **options)
    assert optimize.root_scalar(f, bracket=(0.0, 2.0), method="brentq").iterations > 0
