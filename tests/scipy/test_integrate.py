"""Integrals and differential equations, and their derivatives by everything that they depend on."""

import numpy as np
import pytest
import scipy.integrate

import minigrad as mg
from minigrad.scipy import integrate
from minigrad.scipy.integrate.method import programs
from minigrad.testing import gradcheck


def differences(f, x, h=1e-5):
    """The slopes of a function by each number, to about 1e-9."""
    return np.array([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(x.size).reshape(-1, *x.shape)])


# Of samples


@pytest.mark.parametrize("name", ["trapezoid", "simpson"])
@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 9])
def test_samples_are_integrated_as_by_scipy(name, n):
    """Equal and other distances, places of one axis or more, along any axis, integers and lists."""
    ours, scipys = getattr(integrate, name), getattr(scipy.integrate, name)
    rng = np.random.default_rng(n)
    y, x = rng.normal(size=(3, n)), np.cumsum(rng.uniform(0.5, 1, (3, n)), axis=1)
    for options in ({}, {"dx": 0.3}, {"x": x[0]}, {"x": x}):
        np.testing.assert_allclose(ours(y, **options), scipys(y, **options), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(ours(y.T, x[0], axis=0), scipys(y.T, x[0], axis=0), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(ours(list(range(n))), scipys(list(range(n))), rtol=1e-12)


@pytest.mark.parametrize("integral", [integrate.trapezoid, integrate.simpson])
@pytest.mark.parametrize("n", [2, 4])
def test_samples_have_derivatives(integral, n):
    """By values and places, to second order, in both modes; float32 stays."""
    rng = np.random.default_rng(n)
    y, x = rng.normal(size=n), np.cumsum(rng.uniform(0.5, 1, n))
    gradcheck(lambda y, x: integral(y**2, x), (y, x), order=2, fast=True)
    gradcheck(lambda y, h: integral(y, dx=h), (y, np.array(0.5)), fast=True)
    mapped = mg.vmap(mg.grad(lambda y: integral(y, x)))(np.stack([y, y + 1]))
    np.testing.assert_allclose(mapped[0], mg.grad(lambda y: integral(y, x))(y), rtol=1e-14)
    np.testing.assert_array_equal(mg.compile(mg.grad(lambda y: integral(y, x)))(y), mapped[0])
    assert integral(mg.tensor(y.astype(np.float32)), dx=0.5).dtype == np.float32


def test_samples_that_do_not_fit_are_refused():
    for integral in (integrate.trapezoid, integrate.simpson):
        for y in (1.0, [1.0]):
            with pytest.raises(ValueError, match=f"{integral.__name__} takes values at two points or more"):
                integral(y)
        for x in (np.ones(2), np.ones((2, 3))):
            with pytest.raises(ValueError, match=f"{integral.__name__} takes one place x for each of 3 values"):
                integral(np.ones((3, 3)), x)


# Of functions


def bell(a, b, c):
    return integrate.quad(lambda x: np.exp(-c * x**2), a, b)[0]


def test_quad_is_differentiated_by_bounds_and_parameters():
    """Leibniz' rule: the integrand at the bounds, and the integral of the integrand's derivative."""
    value, error = integrate.quad(lambda x: np.exp(-2 * x**2), 0, 1)
    assert (type(value), type(error)) == (float, float)
    assert value == scipy.integrate.quad(lambda x: np.exp(-2 * x**2), 0, 1)[0]
    got = mg.grad(bell, (0, 1, 2))(0.0, 1.0, 2.0)
    want = -1.0, np.exp(-2), (np.exp(-2) - value) / 4  # by parts
    np.testing.assert_allclose(got, want, rtol=1e-10)
    tangents = (1.0, 2.0, 3.0)
    np.testing.assert_allclose(mg.jvp(bell, (0.0, 1.0, 2.0), tangents)[1], np.dot(want, tangents), rtol=1e-10)


def test_bounds_of_a_weighted_integral():
    """The derivative by a bound is the integrand there, times what multiplies the integral."""
    area = lambda a, b: 3.0 * integrate.quad(lambda x: np.exp(-2 * x**2), a, b)[0] ** 2
    a, b = 0.2, 1.1
    value = integrate.quad(lambda x: np.exp(-2 * x**2), a, b)[0]
    slopes = mg.grad(area, argnums=(0, 1))(a, b)
    np.testing.assert_allclose(slopes, [-6 * value * np.exp(-2 * a**2), 6 * value * np.exp(-2 * b**2)], rtol=1e-12)


def test_quad_over_all_numbers_to_second_order():
    """The integral of a bell is sqrt(pi / c)."""

    def whole(c):
        return integrate.quad(lambda x, c: np.exp(-c * x**2), -np.inf, np.inf, args=c)[0]

    np.testing.assert_allclose(mg.grad(whole)(2.0), -np.sqrt(np.pi / 2) / 4, rtol=1e-10)
    np.testing.assert_allclose(mg.grad(mg.grad(whole))(2.0), np.sqrt(np.pi / 2) * 3 / 16, rtol=1e-10)
    inside = mg.hessian(lambda c: integrate.quad(lambda x: np.exp(c * x), 0, 1)[0])(1.0)
    np.testing.assert_allclose(inside, np.e - 2, rtol=1e-10)  # the integral of x^2 exp(x)
    half = mg.grad(lambda c: integrate.quad(lambda x: np.exp(-c * x), 0, np.inf)[0])
    np.testing.assert_allclose(half(2.0), -1 / 4, rtol=1e-10)
    below = mg.grad(lambda c: integrate.quad(lambda x: np.exp(c * x), -np.inf, 0)[0])
    np.testing.assert_allclose(below(2.0), -1 / 4, rtol=1e-10)


def test_quad_of_vectors_of_parameters_maps_and_checkpoints():
    """A polynomial's integral is linear in its coefficients; Tensors from outside get gradients."""
    w = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    b = mg.tensor(2.0, requires_grad=True)
    integrate.quad(lambda x: w[0] + w[1] * x + w[2] * x**2 / b, 0, b, points=[0.5])[0].backward()
    np.testing.assert_allclose(w.grad.data, [2, 2, 4 / 3], rtol=1e-12)
    np.testing.assert_allclose(b.grad.item(), 1 + 4 + 6 - 2, rtol=1e-12)

    def f(c):
        return bell(0.0, c, c)

    c = np.array([1.0, 2.0])
    np.testing.assert_allclose(mg.vmap(f)(c), [f(1.0), f(2.0)], rtol=1e-12)
    np.testing.assert_allclose(mg.vmap(mg.grad(f))(c), [mg.grad(f)(1.0), mg.grad(f)(2.0)], rtol=1e-10)
    np.testing.assert_allclose(mg.vmap(lambda c: bell(0.0, 1.0, c))(c), [bell(0, 1, 1.0), bell(0, 1, 2.0)], rtol=1e-12)
    np.testing.assert_allclose(mg.grad(mg.checkpoint(f))(1.0), mg.grad(f)(1.0), rtol=1e-12)
    np.testing.assert_allclose(mg.grad(lambda b: integrate.quad(np.cos, 0, b)[0])(1.0), np.cos(1), rtol=1e-12)
    np.testing.assert_allclose(mg.jvp(lambda b: integrate.quad(np.cos, b, 0)[0], (1.0,), (1.0,))[1], -np.cos(1))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: integrate.quad(np.cos, 0, 1, weight="cos"), mg.NoRuleError, "quad serves .* points; weight= has no"),
        (lambda: integrate.quad(lambda x: [x, x], 0, 1), ValueError, r"one number as its value; got shape \(2,\)"),
        (lambda: mg.compile(lambda c: bell(0, 1, c))(np.array(1.0)), mg.RecordingError, "calls quad"),
    ],
)
def test_what_quad_cannot_do_is_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


# Differential equations

P, Y0 = np.array([1.0, 0.1, 1.5, 0.075]), np.array([10.0, 5.0])
T = np.linspace(0, 4, 5)
W = np.random.default_rng(0).normal(size=(5, 2))
TIGHT = {"rtol": 1e-10, "atol": 1e-10}
MODES = ("adjoint", "forward")


def hunt(y, t, p):
    """Lotka's and Volterra's equation, in a climate."""
    return np.stack([p[0] * y[0] - p[1] * y[0] * y[1], (0.1 * np.sin(t) - p[2]) * y[1] + p[3] * y[0] * y[1]])


def loss(y0, t, p, **options):
    return np.sum(W[: len(T)] * integrate.odeint(hunt, y0, t, (p,), **TIGHT, **options))


WANTED = [
    differences(lambda y0: loss(y0, T, P), Y0),
    differences(lambda t: loss(Y0, t, P), T),
    differences(lambda p: loss(Y0, T, p), P),
]


@pytest.mark.parametrize(
    ("mode", "backend"),
    [("adjoint", "numpy"), ("forward", "numpy"), *(pytest.param(m, None, marks=pytest.mark.slow) for m in MODES)],
)
def test_odeint_is_differentiated_by_state_times_and_parameters(mode, backend):
    """As differences of solutions are, by both equations, eager and compiled; and in forward mode."""

    def f(y0, t, p):
        return loss(y0, t, p, mode=mode, compile=backend)

    for got, want in zip(mg.grad(f, (0, 1, 2))(Y0, T, P), WANTED, strict=True):
        np.testing.assert_allclose(got, want, rtol=2e-5, atol=1e-6)
    tangents = np.array([1.0, -2.0]), np.linspace(0.1, 0.5, 5), np.array([1.0, -1.0, 0.5, 2.0])
    want = sum(np.sum(w * v) for w, v in zip(WANTED, tangents, strict=True))
    np.testing.assert_allclose(mg.jvp(f, (Y0, T, P), tangents)[1], want, rtol=1e-5)


def grown(y0, k, **options):
    """y0 exp(k t) at 1/2 and 1."""
    return integrate.odeint(lambda y, t: k * y, y0, [0.0, 0.5, 1.0], rtol=1e-10, atol=1e-10, **options)[1:]


@pytest.mark.parametrize("mode", MODES)
def test_growth_has_the_derivatives_of_the_formula(mode):
    """To second order, in all orders of modes, mapped, in a checkpoint, by parameters from outside."""
    y0, times = np.array([2.0]), np.array([[0.5], [1.0]])

    def f(k):
        return np.sum(grown(y0, k, mode=mode))

    value = 2 * np.exp(0.3 * times)
    np.testing.assert_allclose(grown(y0, 0.3), value, rtol=1e-8)
    np.testing.assert_allclose(mg.grad(f)(0.3), np.sum(times * value), rtol=1e-8)
    np.testing.assert_allclose(mg.jvp(f, (0.3,), (1.0,))[1], np.sum(times * value), rtol=1e-8)
    for second in (mg.grad(mg.grad(f)), mg.hessian(f)):
        np.testing.assert_allclose(second(0.3), np.sum(times**2 * value), rtol=1e-7)
    many = np.array([0.3, 0.5])
    np.testing.assert_allclose(mg.vmap(f)(many), [f(0.3), f(0.5)], rtol=1e-12)
    np.testing.assert_allclose(mg.vmap(mg.grad(f))(many), [mg.grad(f)(0.3), mg.grad(f)(0.5)], rtol=1e-8)
    np.testing.assert_allclose(mg.grad(mg.checkpoint(f))(0.3), mg.grad(f)(0.3), rtol=1e-8)
    k = mg.tensor(0.3, requires_grad=True)
    f(k).backward()
    np.testing.assert_allclose(k.grad.item(), np.sum(times * value), rtol=1e-8)


def test_many_parameters_go_by_the_adjoint_equation():
    """A network as the right-hand side, of 100 parameters; both equations give the same."""
    rng = np.random.default_rng(0)
    y0, w = rng.normal(size=5), {"a": 0.3 * rng.normal(size=(5, 10)), "b": 0.3 * rng.normal(size=(10, 5))}

    def f(w, mode):
        return np.sum(
            integrate.odeint(lambda y, t, w: np.tanh(y @ w["a"]) @ w["b"], y0, [0, 1], (w,), mode=mode, **TIGHT)[-1]
            ** 2
        )

    adjoint, forward, chosen = (mg.grad(f)(w, mode) for mode in ("adjoint", "forward", None))
    for name in w:
        np.testing.assert_allclose(adjoint[name], forward[name], rtol=1e-6, atol=1e-9)
        np.testing.assert_array_equal(adjoint[name], chosen[name])


def test_states_may_be_trees_and_right_hand_sides_lists():
    def f(y, t, a, name):
        return {"x": y["v"], "v": -a * y["x"] * len(name) / 3}

    a = mg.tensor(4.0, requires_grad=True)
    y0 = {"x": np.array([1.0, 2.0]), "v": np.zeros((2,), np.float32)}
    times = np.linspace(0, 1, 3)
    states = integrate.odeint(f, y0, times, (a, "any"), compile="numpy")
    assert (states["x"].shape, states["v"].dtype) == ((3, 2), np.float32)
    np.testing.assert_allclose(states["x"].detach(), np.outer(np.cos(2 * times), [1, 2]), atol=1e-6)
    states["x"][-1, 0].backward()
    np.testing.assert_allclose(a.grad.item(), -np.sin(2) / 4, rtol=1e-5)
    start = mg.tensor(1.0, requires_grad=True)
    integrate.odeint(lambda t, y: [y[1], -4 * y[0]], [start, 0], times, tfirst=True)[-1, 0].backward()
    np.testing.assert_allclose(start.grad.item(), np.cos(2), rtol=1e-5)


def test_without_a_derivative_the_result_is_scipys():
    want = scipy.integrate.odeint(hunt, Y0, T, (P,))
    got = integrate.odeint(hunt, Y0, T, (P,))
    assert type(got) is np.ndarray
    np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(integrate.odeint(hunt, Y0.astype(int), T, (P,), atol=[1e-8, 1e-8]).shape, (5, 2))


METHODS = ["RK45", "RK23", "DOP853", "Radau", "BDF", "LSODA"]


def hunt_ivp(t, y, p):
    return hunt(y, t, p)


@pytest.mark.parametrize("method", METHODS)
def test_solve_ivp_is_scipys(method):
    """At its own steps and at times that are asked for, forward and backward."""
    for span, at in (((0, 4), None), ((0.0, 4.0), T[1:4]), ((4, 0), [4, 1])):
        want = scipy.integrate.solve_ivp(hunt_ivp, span, Y0, method, at, args=(P,))
        got = integrate.solve_ivp(hunt_ivp, span, Y0, method, at, args=(P,))
        np.testing.assert_array_equal(got.t, want.t)
        np.testing.assert_array_equal(got.y, want.y)
        assert (got.nfev >= want.nfev, got.success) == (True, True)


@pytest.mark.parametrize("method", METHODS)
def test_solve_ivp_is_differentiated(method):
    """By its parameters and its end, as differences of solutions are."""
    loose = {"RK23": 1e-7, "Radau": 1e-7, "BDF": 1e-8}.get(method, 1e-9)
    options = {"method": method, "rtol": loose, "atol": loose, "args": ()}

    def f(end, k):
        return integrate.solve_ivp(lambda t, y: -k * y, (0, end), np.ones(1), **options).y[0, -1]

    got = mg.grad(f, (0, 1))(1.5, 0.7)
    np.testing.assert_allclose(got, [-0.7 * np.exp(-1.05), -1.5 * np.exp(-1.05)], rtol=1e-4)


@pytest.mark.parametrize("mode", MODES)
def test_solve_ivp_is_differentiated_by_all_its_times(mode):
    """dy/dt = y + t from 1 at t0: an asked time moves its own state, the first one all others."""

    def f(first, at, last):
        y = integrate.solve_ivp(lambda t, y: y + t, (first, last), [1.0], "DOP853", at, mode=mode, **TIGHT).y
        return np.sum(y[0] * np.array([1.0, 2.0, 3.0]))

    def exact(first, at, last):
        return np.sum(((2 + first) * np.exp(at - first) - 1 - at) * np.array([1.0, 2.0, 3.0]))

    for at in (np.array([0.5, 0.6, 1.0]), np.array([0.2, 0.6, 0.9])):
        given = 0.2, at, 1.0
        np.testing.assert_allclose(f(*given), exact(*given), rtol=1e-9)
        for got, want in zip(mg.grad(f, (0, 1))(*given), mg.grad(exact, (0, 1))(*given), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-8)
        np.testing.assert_allclose(mg.grad(f, 2)(*given), 0, atol=1e-12)


def test_solve_ivp_maps_over_parameters_at_given_times():
    k = np.array([0.5, 0.7])

    def f(k):
        return integrate.solve_ivp(lambda t, y, k: -k * y, (0, 1), [1.0], t_eval=[1.0], args=k, **TIGHT).y[0, 0]

    np.testing.assert_allclose(mg.vmap(f)(k), np.exp(-k), rtol=1e-8)
    np.testing.assert_allclose(mg.vmap(mg.grad(f))(k), -np.exp(-k), rtol=1e-7)
    result = mg.vmap(lambda k: dict(integrate.solve_ivp(lambda t, y: -k * y, (0, 1), [1.0], t_eval=[1.0])))(k)
    assert set(result) == {"t", "y"}
    same = mg.vmap(lambda k: integrate.solve_ivp(lambda t, y: -y, (0, 0), [1.0], t_eval=[0.0]).y[0, 0] * k)(k)
    np.testing.assert_array_equal(same, k)


def decay(y, t, k, c):
    return -k * y * c


def slope_of_decay(f, k, c):
    def last(k):
        return integrate.odeint(f, np.ones(1), [0.0, 1.0], (k, c), compile="numpy", **TIGHT)[-1, 0]

    return mg.grad(last)(k)


def test_programs_are_kept_with_the_function():
    """A second gradient records nothing, and other numbers in the arguments count."""
    np.testing.assert_allclose(slope_of_decay(decay, 0.5, 1.0), -np.exp(-0.5), rtol=1e-8)
    kept = programs(decay, (("equation", 2, 1), False), "numpy")
    first = dict(kept)
    np.testing.assert_allclose(slope_of_decay(decay, 0.5, 2.0), -2 * np.exp(-1), rtol=1e-8)
    assert kept == first
    assert [len(program.programs) for program in kept.values()] == [1, 1]


def test_a_program_is_good_for_other_plain_arguments():
    """It reads its arguments, not those with which it was recorded."""
    for k in (np.array(0.5), np.array(0.7)):
        y = integrate.odeint(decay, np.array([1.0]), [0.0, 1.0], (k, np.array(1.0)), compile="numpy", **TIGHT)
        np.testing.assert_allclose(y[-1, 0], np.exp(-k), rtol=1e-8)


class Unhashable:
    __hash__ = None

    def __call__(self, y, t, k, c):
        return decay(y, t, k, c)


def test_other_functions_are_compiled_anew():
    """Those that cannot be kept, and those that use arrays from outside to which derivatives flow."""
    np.testing.assert_allclose(slope_of_decay(Unhashable(), 0.5, 1.0), -np.exp(-0.5), rtol=1e-8)
    c = mg.tensor(2.0, requires_grad=True)
    y = integrate.odeint(lambda y, t: -c * y, np.ones(1), [0.0, 1.0], compile="numpy", **TIGHT)
    y[-1, 0].backward()
    np.testing.assert_allclose(c.grad.item(), -np.exp(-2), rtol=1e-8)


def explode(t, y):
    return y**2


@pytest.mark.filterwarnings("ignore:.*(overflow|invalid|excess work|lsoda)")
def test_a_failed_solver_raises_with_scipys_message():
    with pytest.raises(mg.SolverError, match="odeint has not come to the last time: .*work") as caught:
        integrate.odeint(explode, [1.0], [0.0, 2.0], tfirst=True, mxstep=50)
    assert "nfe" in caught.value.result
    with pytest.raises(mg.SolverError, match="solve_ivp has not come to the last time: .*step size"):
        integrate.solve_ivp(explode, (0, 2), [1.0])


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: integrate.odeint(hunt, Y0, T, (P,), Dfun=hunt), mg.NoRuleError, "odeint does not serve SciPy's Dfun="),
        (lambda: integrate.solve_ivp(explode, (0, 1), [1.0], events=hunt), mg.NoRuleError, "serve SciPy's events="),
        (
            lambda: integrate.solve_ivp(explode, (0, 1), [1.0], dense_output=True),
            mg.NoRuleError,
            "SciPy's dense_output=",
        ),
        (lambda: integrate.odeint(hunt, Y0, T, (P,), mode="back"), ValueError, "mode is 'adjoint', 'forward', or None"),
        (lambda: integrate.odeint(hunt, Y0, 1.0, (P,)), ValueError, r"odeint takes times along one axis.*shape \(\)"),
        (lambda: integrate.odeint(hunt, [], T, (P,)), ValueError, "y0 is an array, or a tree of arrays, with at least"),
        (
            lambda: integrate.odeint(lambda y, t: y[:1], Y0, T),
            ValueError,
            "a number for each of the state, 2; it returned 1",
        ),
        (lambda: integrate.solve_ivp(lambda t, y: np.ones(3), (0, 1), Y0), ValueError, "of solve_ivp .* it returned 3"),
        (lambda: integrate.solve_ivp(lambda t, y: None, (0, 1), Y0, t_eval=[1.0]), ValueError, "it returned 0"),
        (
            lambda: integrate.solve_ivp(explode, (0, 1), np.ones((2, 2))),
            ValueError,
            r"takes the first state as an array of one axis; got \(2, 2\). odeint takes arrays of any shape",
        ),
        (lambda: integrate.solve_ivp(explode, 3, [1.0]), ValueError, r"t_span is a pair \(first, last\).*; got 3"),
        (lambda: integrate.solve_ivp(explode, (0, 1), [1.0], "Euler"), ValueError, "method is one of RK45, .*'Euler'"),
        (lambda: integrate.solve_ivp(explode, (0, 0.5), [1.0], t_eval=[0.4, 0.2]), ValueError, "not properly sorted"),
        (
            lambda: mg.vmap(lambda k: integrate.solve_ivp(lambda t, y: -k * y, (0, 1), [1.0]).y)(np.ones(2)),
            mg.BatchError,
            "Pass t_eval",
        ),
        (
            lambda: mg.vmap(lambda k: integrate.solve_ivp(lambda t, y: -y, (0, k), [1.0]).y)(np.ones(2)),
            mg.BatchError,
            "Pass t_eval",
        ),
        (
            lambda: mg.compile(lambda y: integrate.odeint(hunt, y, T, (P,)))(Y0),
            mg.RecordingError,
            "calls odeint, .* compile='numpy'",
        ),
    ],
)
def test_bad_input_is_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()
