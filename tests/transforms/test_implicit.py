"""Solvers of one's own, differentiated by the implicit function theorem."""

import gc
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad.transforms.krylov import cg, gmres

A, B = np.array([1.0, 2.0]), np.array([2.0, 5.0])
LINEAR = pytest.mark.parametrize("linear", ["auto", "dense", "cg", "gmres"])


def cubic(x, a, b):
    return x**3 + a * x - b


def newton(a, b, steps=60):
    """The root of a cubic, by NumPy alone."""
    x = np.ones(np.broadcast_shapes(np.shape(a), np.shape(b)))
    for _ in range(steps):
        x = x - cubic(x, a, b) / (3 * x**2 + a)
    return x


root = mg.custom_root(cubic)(newton)


def exact(a, b):
    """The same root by Cardano's formula, which has derivatives of its own."""
    s = np.sqrt(b**2 / 4 + a**3 / 27)
    return np.cbrt(b / 2 + s) + np.cbrt(b / 2 - s)


def loss(root):
    return lambda a: np.sum(np.sin(root(a, B)))


@LINEAR
def test_derivatives_are_those_of_the_formula(linear):
    """Both modes, first and second order, by each way to solve the linear system, against Cardano."""
    f, want = loss(mg.custom_root(cubic, linear=linear)(newton)), loss(exact)
    np.testing.assert_allclose(f(A), want(A), rtol=1e-14)
    np.testing.assert_allclose(mg.grad(f)(A), mg.grad(want)(A), rtol=1e-11)
    np.testing.assert_allclose(mg.jvp(f, (A,), (B,))[1], mg.jvp(want, (A,), (B,))[1], rtol=1e-11)
    for mode in ("forward", "reverse"):
        np.testing.assert_allclose(mg.hessian(f, mode=mode)(A), mg.hessian(want)(A), rtol=1e-10, atol=1e-12)


def test_third_order_is_right():
    def third(f):
        return mg.grad(lambda a: np.sum(mg.grad(lambda a: np.sum(mg.grad(f)(a)))(a)))(A)

    np.testing.assert_allclose(third(loss(root)), third(loss(exact)), rtol=1e-9)


@LINEAR
def test_maps_solve_for_one_entry_after_the_other(linear):
    f, many = loss(mg.custom_root(cubic, linear=linear)(newton)), np.array([A, A + 1, A * 3])
    np.testing.assert_allclose(mg.vmap(f)(many), [f(a) for a in many], rtol=1e-14)
    np.testing.assert_allclose(mg.vmap(mg.grad(f))(many), [mg.grad(f)(a) for a in many], rtol=1e-12)
    through = mg.grad(lambda many: np.sum(mg.vmap(f)(many)))(many)
    np.testing.assert_allclose(through, [mg.grad(f)(a) for a in many], rtol=1e-12)


def test_arrays_from_outside_are_differentiated():
    """The residual may use Tensors and variables of enclosing transformations that the solver was not given."""

    def f(a):
        solver = mg.custom_root(lambda x, b: x**3 + a * x - b)
        return np.sum(np.sin(solver(lambda b: newton(mg.asarray(a).detach().numpy(), b))(B)))

    want = loss(exact)
    np.testing.assert_allclose(mg.grad(f)(A), mg.grad(want)(A), rtol=1e-12)
    np.testing.assert_allclose(mg.jvp(f, (A,), (B,))[1], mg.jvp(want, (A,), (B,))[1], rtol=1e-12)
    np.testing.assert_allclose(mg.hessian(f)(A), mg.hessian(want)(A), rtol=1e-10, atol=1e-12)
    t = mg.tensor(A, requires_grad=True)
    f(t).backward()
    np.testing.assert_allclose(t.grad.data, mg.grad(want)(A), rtol=1e-12)
    np.testing.assert_allclose(mg.grad(mg.checkpoint(f))(A), mg.grad(want)(A), rtol=1e-12)


def test_a_residual_may_be_a_gradient_and_fill_arrays():
    """Inside, transformations and assignments to parts work as ever, of arrays from outside alone as well."""

    def energy(x, a):
        return np.sum(x**4 / 4 + a * x**2 / 2 - B * x)

    def residual(x, a):
        slope = mg.grad(lambda x: energy(x, np.exp(a)) + mg.grad(lambda z: np.sum(z * a))(np.ones(2))[0] * x[0] * 0)(x)
        filled = mg.zeros(2)
        filled[0] = slope[0]
        filled[1:] = slope[1:]
        slope[0] = filled[0]
        return slope

    def only_a(a):
        return np.sum(np.sin(mg.custom_root(residual)(lambda a: newton(np.exp(a), B))(a)))

    want = loss(lambda a, b: exact(np.exp(a), b))
    np.testing.assert_allclose(mg.grad(only_a)(A), mg.grad(want)(A), rtol=1e-12)
    np.testing.assert_allclose(mg.vmap(mg.grad(only_a))(A[None])[0], mg.grad(want)(A), rtol=1e-12)
    np.testing.assert_allclose(mg.hessian(only_a)(A), mg.hessian(want)(A), rtol=1e-10, atol=1e-12)


def test_trees_go_in_and_come_out():
    """Arguments and roots may be trees; options by keyword reach the solver, and what has no derivative passes."""

    @mg.custom_root(lambda x, p, name: [x["u"] * p["k"] - 1, x["v"] - x["u"] * p["c"]])
    def solver(p, name, scale=1.0):
        assert name == "any"
        assert isinstance(p["k"], np.ndarray)
        return {"u": scale / p["k"], "v": np.outer([1, 1], p["c"] * scale / p["k"])[:1]}

    p = {"k": np.array([2.0, 4.0]), "c": np.array([3.0, 5.0])}
    x = solver(p, "any", scale=1.0)
    assert (x["u"].tolist(), x["v"].tolist()) == ([0.5, 0.25], [[1.5, 1.25]])
    got = mg.grad(lambda p: np.sum(solver(p, "any")["v"]))(p)
    np.testing.assert_allclose(got["k"], [-3 / 4, -5 / 16], rtol=1e-14)
    np.testing.assert_allclose(got["c"], [1 / 2, 1 / 4], rtol=1e-14)


def test_without_a_derivative_plain_arrays_come_out():
    assert type(root(A, B)) is np.ndarray
    with mg.no_grad():
        assert not root(mg.tensor(A, requires_grad=True), B).requires_grad


def test_float32_stays():
    a = mg.tensor(A.astype(np.float32), requires_grad=True)
    x = mg.custom_root(cubic)(lambda a, b: newton(a, b).astype(np.float32))(a, B.astype(np.float32))
    x.sum().backward()
    assert (x.dtype, a.grad.dtype) == (np.float32, np.float32)
    np.testing.assert_allclose(a.grad.data, mg.grad(lambda a: np.sum(exact(a, B)))(A), rtol=1e-6)


def test_a_large_system_is_solved_by_products():
    """2,000 unknowns, whose matrix would take 32 MB: second differences of a string, with a spring at each point."""
    n = 2000

    def residual(x, k):
        return (2 + k) * x - np.concatenate([x[1:], np.zeros(1)]) - np.concatenate([np.zeros(1), x[:-1]]) - 1

    def solve(k):
        return cg(lambda x: residual(x, k) + 1, np.ones(n), 1e-14, "string")

    k = np.linspace(1, 2, n)
    total = {name: lambda k, name=name: np.sum(mg.custom_root(residual, name)(solve)(k)) for name in ("auto", "cg")}
    x = solve(k)
    for f in total.values():  # symmetric, with one as the cotangent: x itself is the adjoint solution
        np.testing.assert_allclose(mg.grad(f)(k), -(x**2), rtol=1e-10)


def test_a_singular_jacobian_is_refused_by_name():
    """A double root moves infinitely fast."""
    double = mg.custom_root(lambda x, a: (x - a) ** 3)(lambda a: np.copy(a))
    flat = mg.custom_root(lambda x, a: a * 0 + 0 * mg.asarray(x).detach())(lambda a: np.copy(a))
    for f in (double, flat):
        for derivative in (mg.grad(lambda a, f=f: np.sum(f(a))), lambda a, f=f: mg.jvp(f, (a,), (a,))):
            with pytest.raises(mg.SolverError, match="has no derivative here: the Jacobian .* by the 2 unknowns is"):
                derivative(A)


@pytest.mark.parametrize("linear", ["cg", "gmres"])
def test_a_linear_system_without_solution_is_refused_by_name(linear):
    matrix = np.array([[1.0, 1.0], [1.0, 1.0]])
    f = mg.custom_root(lambda x, a: matrix @ x - a, linear=linear)(lambda a: np.array([a[0], 0 * a[0]]))
    with pytest.raises(mg.SolverError, match="not solved the linear system of the derivative of .* linear='dense'"):
        mg.grad(lambda a: f(a)[0])(np.ones(2))


def test_conjugate_gradients_stop_where_they_do_not_converge():
    """A matrix that is not symmetric, by which they go astray."""
    matrix = np.array([[1.0, 5.0], [-5.0, 1.0]])
    with pytest.raises(mg.SolverError, match="conjugate gradients have not solved the linear system of the derivative"):
        cg(lambda v: matrix @ v, np.ones(2), 1e-12, "x")


def test_solvers_of_linear_systems_agree_with_numpy():
    """CG on a definite system; GMRES on any, in several rounds, and where it starts at the solution's subspace."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=(30, 30))
    b, spd = rng.normal(size=30), a @ a.T + np.eye(30)
    np.testing.assert_allclose(cg(lambda v: spd @ v, b, 1e-12, "x"), np.linalg.solve(spd, b), rtol=1e-8)
    shifted = a + 12 * np.eye(30)
    for width in (6, 30):
        got = gmres(lambda v: shifted @ v, b, 1e-12, "x", width)
        np.testing.assert_allclose(got, np.linalg.solve(shifted, b), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(gmres(lambda v: 2 * v, b, 1e-12, "x"), b / 2, rtol=1e-14)
    for solve in (cg, gmres):
        assert solve(lambda v: v, np.zeros(3), 1e-12, "x").tolist() == [0, 0, 0]
    np.testing.assert_allclose(gmres(lambda v: shifted @ v, b, 1e-12, "x", 30, rounds=1), np.linalg.solve(shifted, b))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: mg.custom_root(1.0),
            TypeError,
            r"^custom_root takes a function residual\(x, \*args\); got float 1.0$",
        ),
        (lambda: mg.custom_root(cubic)(1.0), TypeError, r"takes a function solver\(\*args\); got float 1.0$"),
        (lambda: mg.custom_root(cubic, linear="lu"), ValueError, "linear is one of auto, dense, cg, gmres; got 'lu'"),
        (
            lambda: mg.custom_root(lambda x, a: np.ones(3) * x[0])(lambda a: a)(A),
            ValueError,
            "a residual has as many numbers as there are unknowns, 2; that of <lambda> has 3",
        ),
        (
            lambda: mg.custom_root(lambda x, a: x)(lambda a: [])(A),
            ValueError,
            r"what <lambda> returns is an array, or a tree of arrays, with at least one number; got \[\]",
        ),
        (
            lambda: mg.grad(lambda s: np.sum(root(A, B, steps=s)))(3.0),
            mg.NoRuleError,
            "newton is differentiated by its positional arguments, and steps= is an array .* by position, or detached",
        ),
        (
            lambda: mg.compile(lambda a: root(a, B))(A),
            mg.RecordingError,
            "the compiled function calls newton, a solver in Python",
        ),
        (
            lambda: mg.vmap(lambda a: mg.custom_root(lambda x, b: x**3 + a * x - b)(lambda b: newton(a, b))(B))(
                A[None]
            ),
            mg.BatchError,
            "it uses entries of a batch from outside. Pass them as arguments",
        ),
    ],
)
def test_bad_input_is_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_an_error_of_the_solver_itself_passes():
    def solver(a):
        raise mg.BatchError("mine")

    with pytest.raises(mg.BatchError, match="^mine$"):
        mg.custom_root(lambda x, a: x - a)(solver)(A)


def test_a_variable_that_is_assigned_anew_is_noticed():
    """The residual is evaluated once more by the backward pass, which would differentiate another function."""
    c = mg.tensor(A, requires_grad=True)
    x = mg.custom_root(lambda x: x - c)(lambda: A.copy())()
    c = mg.tensor(A, requires_grad=True)
    with pytest.raises(mg.errors.GraphError, match=r"an array of shape \(2,\) .* did not use then.*\(args=\)"):
        x.sum().backward()


def test_a_leaf_changed_in_place_is_noticed():
    a = mg.tensor(A, requires_grad=True)
    y = root(a, B).sum()
    with mg.no_grad():
        a += 1
    with pytest.raises(mg.errors.GraphError, match="newton saved a leaf that has been changed in place since"):
        y.backward()


def test_nothing_stays_when_the_result_is_gone():
    a = mg.tensor(A, requires_grad=True)
    x = root(a, B)
    gone = weakref.ref(x.data)
    gc.disable()
    try:
        del x
        assert gone() is None
    finally:
        gc.enable()


def test_solvers_nest():
    """The residual of one root is itself a root of another."""

    def outer(a):
        return mg.custom_root(lambda x, a: x - root(a + x / 10, B))(fixed)(a)

    def fixed(a):
        x = np.ones(2)
        for _ in range(60):
            x = newton(a + x / 10, B)
        return x

    def differences(a, h=1e-4):
        return np.array([(fixed(a + h * e) - fixed(a - h * e)).sum() / (2 * h) for e in np.eye(2)])

    np.testing.assert_allclose(mg.grad(lambda a: np.sum(outer(a)))(A), differences(A), rtol=1e-7)
    np.testing.assert_allclose(mg.jvp(outer, (A,), (np.ones(2),))[1].sum(), differences(A).sum(), rtol=1e-7)
    np.testing.assert_allclose(mg.vmap(mg.grad(lambda a: np.sum(outer(a))))(A[None])[0], differences(A), rtol=1e-7)
