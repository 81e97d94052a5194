"""Transformations nest in every order, and no two of them mix up their derivatives."""

import itertools
import threading

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import LevelError

X = np.array([0.3, -0.7, 1.1])
V = np.array([1.0, -2.0, 0.5])


def leaf(*values):
    return mg.tensor(np.array(values, dtype=float), requires_grad=True)


def by_grad(f):
    """The directional derivative along V, by reverse mode."""
    return lambda x: (mg.grad(f)(x) * V).sum()


def by_jvp(f):
    """The same by forward mode."""
    return lambda x: mg.jvp(f, (x,), (V,))[1]


def by_vjp(f):
    """The same by pulling back a cotangent."""

    def derivative(x):
        y, pull_back = mg.vjp(f, x)
        return (pull_back(np.ones_like(y))[0] * V).sum()

    return derivative


def by_value_and_grad(f):
    """The same from the pair."""
    return lambda x: (mg.value_and_grad(f)(x)[1] * V).sum()


WAYS = {"grad": by_grad, "jvp": by_jvp, "vjp": by_vjp, "value_and_grad": by_value_and_grad}


def f(x):
    return (mg.sin(x) * x * x).sum()


def third_derivative(x):
    """Of t^2 sin t, three times by hand, along V."""
    return ((6 * np.cos(x) - 6 * x * np.sin(x) - x * x * np.cos(x)) * V**3).sum()


@pytest.mark.parametrize("ways", list(itertools.product(WAYS, repeat=3)), ids="-".join)
def test_nesting_in_every_order(ways):
    """The third derivative is the same by every nesting of grad, jvp, vjp and value_and_grad."""
    g = f
    for way in ways:
        g = WAYS[way](g)
    # a few dozen roundings of terms of size one
    np.testing.assert_allclose(np.asarray(g(X)), third_derivative(X), rtol=1e-13)


@pytest.mark.parametrize("inner", WAYS)
def test_backward_through_a_transformation(inner):
    """backward() differentiates what a transformation of a Tensor answers."""
    x = leaf(*X)
    WAYS[inner](WAYS["grad"](f))(x).backward()
    np.testing.assert_allclose(x.grad.data, third_derivative_gradient(X), rtol=1e-13)


def third_derivative_gradient(x):
    """Of (V * d/dx)^2 f, the gradient."""
    return (6 * np.cos(x) - 6 * x * np.sin(x) - x * x * np.cos(x)) * V**2


@pytest.mark.parametrize("outer", ["grad", "jvp", "backward"])
@pytest.mark.parametrize("inner", ["grad", "jvp"])
def test_perturbations_are_not_confused(outer, inner):
    """d/dx [x * d/dy (x * y)] is 2 x: the inner derivative does not see the outer variable as its own."""

    def product(x):
        def inside(y):
            return x * y

        one = np.array(1.0)
        return x * (mg.grad(inside)(one) if inner == "grad" else mg.jvp(inside, (one,), (one,))[1])

    x = np.array(3.0)
    if outer == "grad":
        got = mg.grad(product)(x)
    elif outer == "jvp":
        got = mg.jvp(product, (x,), (np.array(1.0),))[1]
    else:
        t = mg.tensor(x, requires_grad=True)
        product(t).backward()
        got = t.grad.data
    np.testing.assert_array_equal(got, 6)


def test_the_inner_variable_takes_the_value_of_the_outer():
    """grad at the outer variable itself: d/dx [d/dy (x y y) at y = x] = d/dx 2 x x = 4 x."""
    inner = lambda x: mg.grad(lambda y: x * y * y)(x)
    np.testing.assert_array_equal(mg.grad(inner)(np.array(3.0)), 12)
    np.testing.assert_array_equal(mg.jvp(inner, (np.array(3.0),), (np.array(1.0),))[1], 12)


def test_five_levels():
    """The fifth derivative of x^5 is 120, in alternating modes."""

    def forward(g):
        return lambda x: mg.jvp(g, (x,), (np.ones_like(x),))[1]

    g = lambda x: x * x * x * x * x
    for way in (forward, mg.grad, forward, mg.grad, forward):
        g = way(g)
    np.testing.assert_array_equal(g(np.array(1.7)), 120)


def test_closure_over_a_tensor_that_requires_grad():
    """The gradient of a function that closes over a Tensor can be differentiated by that Tensor."""
    w = leaf(2, 3, 4)
    derivative = mg.grad(lambda x: (w * x * x).sum())(X)
    assert isinstance(derivative, mg.Tensor)
    derivative.sum().backward()
    np.testing.assert_array_equal(w.grad.data, 2 * X)


def test_closure_over_a_constant_tensor():
    """A constant Tensor in the closure leaves an array's gradient an array."""
    w = mg.tensor(V)
    derivative = mg.grad(lambda x: (w * x).sum())(X)
    assert type(derivative) is np.ndarray
    np.testing.assert_array_equal(derivative, V)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_terms_of_different_levels_are_added_up(order):
    """A cotangent is the sum of its terms, in any order, whatever watches each of them."""
    w = leaf(5, 6, 7)

    def g(x):
        def h(y):
            terms = [y * 2.0 + y * 3.0, y * x + y * x, y * w + y * w]
            return sum((terms[i] for i in order), 0.0 * y).sum()

        return (mg.grad(h)(x) * x).sum()

    derivative = mg.grad(g)(X)  # of 5 x + 2 x^2 + 2 w x
    np.testing.assert_allclose(derivative.data, 5 + 4 * X + 2 * w.data, rtol=1e-14)  # sums of four terms
    derivative.sum().backward()
    np.testing.assert_array_equal(w.grad.data, 2)


def test_backward_inside_a_transformation():
    """backward() on Tensors inside of grad's function works at its own level and leaves grad's alone."""
    w = leaf(1, 2, 3)

    def g(x):
        (w * w).sum().backward()
        return (x * w.grad).sum()

    np.testing.assert_array_equal(mg.grad(g)(X), [2, 4, 6])


@pytest.mark.parametrize("way", ["grad", "jvp"])
def test_a_leaked_array_is_refused(way):
    """An array kept after its transformation has returned raises where it is used next."""
    kept = []

    def g(x):
        kept.append(x * 2.0)
        return x.sum()

    WAYS[way](g)(X)
    with pytest.raises(LevelError, match=r"shape \(3,\) is used after the transformation .* returned.*has_aux"):
        kept[0] + 1.0


def test_a_leaked_array_is_refused_inside_another_transformation():
    """A leaked array is no constant for a later transformation either."""
    kept = []
    mg.grad(lambda x: (kept.append(x), x.sum())[1])(X)
    with pytest.raises(LevelError, match="after the transformation that watched it has returned"):
        mg.grad(lambda x: (x * kept[0]).sum())(X)


def test_transformations_of_two_threads_do_not_mix():
    """Arrays of transformations that run side by side in two threads raise when they meet."""
    shared, ready, done, errors = [], threading.Event(), threading.Event(), []

    def g(x):
        shared.append(x)
        ready.set()
        done.wait(10)
        return x.sum()

    other = threading.Thread(target=lambda: mg.grad(g)(X))
    other.start()
    ready.wait(10)
    try:
        mg.grad(lambda x: (x * shared[0]).sum())(X)
    except LevelError as error:
        errors.append(str(error))
    done.set()
    other.join()
    assert "of two transformations meet, neither of which runs inside the other" in errors[0]


def test_detach_cuts_through_all_levels():
    """x.detach() inside nested transformations is a constant for each of them."""
    g = lambda x: mg.grad(lambda y: (y * y.detach() * x).sum())(x)
    np.testing.assert_array_equal(mg.jvp(g, (X,), (V,))[1], 2 * X * V - X * V)
    np.testing.assert_array_equal(mg.jvp(lambda x: x.detach() * x, (X,), (V,))[1], X * V)


def test_no_grad_inside_a_transformation():
    """Under no_grad inside grad's function nothing is recorded, and a transformation inside works."""

    def g(x):
        with mg.no_grad():
            constant = mg.grad(lambda y: (y * y * x).sum())(x)  # 2 x x
        return (constant * x).sum()

    np.testing.assert_array_equal(mg.grad(g)(X), 2 * X * X)


def test_transformations_inside_no_grad():
    """grad and jvp work under no_grad as anywhere."""
    with mg.no_grad():
        np.testing.assert_array_equal(mg.grad(lambda x: (x * x).sum())(X), 2 * X)
        np.testing.assert_array_equal(mg.jvp(lambda x: x * x, (X,), (V,))[1], 2 * X * V)
        assert mg.grad(lambda x: (x * leaf(1, 2, 3)).sum())(X).tolist() == [1, 2, 3]


def test_an_exception_closes_the_level():
    """After a function raised inside grad, the next transformation works as if nothing had happened."""
    kept = []
    with pytest.raises(ZeroDivisionError):
        mg.grad(lambda x: (kept.append(x), 1 / 0))(X)
    np.testing.assert_array_equal(mg.grad(lambda x: x.sum())(X), 1)
    with pytest.raises(LevelError):
        kept[0] + 1


def test_an_argument_that_is_not_used_has_gradient_zero():
    """mg.grad of an unused argument is zero, in the argument's dtype."""
    x32 = np.ones(2, np.float32)
    unused, used = mg.grad(lambda a, b: b.sum(), argnums=(0, 1))(x32, X)
    np.testing.assert_array_equal(unused, [0, 0])
    assert unused.dtype == np.float32
    np.testing.assert_array_equal(used, 1)
    np.testing.assert_array_equal(mg.grad(lambda x: mg.tensor(3.0))(X), 0)


def test_results_are_of_the_kind_of_the_arguments():
    """Arrays give arrays and Tensors give Tensors, in lists, tuples and dicts like the argument."""
    args = {"a": X, "b": [mg.tensor(V), (X, None)]}
    g = mg.grad(lambda p: (p["a"] * p["b"][0] * p["b"][1][0]).sum())(args)
    assert list(g) == ["a", "b"]
    assert type(g["a"]) is np.ndarray
    assert type(g["b"][0]) is mg.Tensor
    assert g["b"][1][1] is None
    np.testing.assert_array_equal(g["b"][1][0], X * V)


CONSTANT_SLOPES = {
    "linear": lambda x: np.sum(2.0 * x),
    "constant": lambda x: 3.0,
    "of a floor": lambda x: np.sum(np.floor(x)),
    "unused": lambda x: np.array(1.0),
    "quadratic": lambda x: np.sum(x * x),
}


@pytest.mark.parametrize("f", CONSTANT_SLOPES.values(), ids=list(CONSTANT_SLOPES))
@pytest.mark.parametrize("x", [np.array(2.0), np.array([1.0, 2.0]), np.float64(2.0), 2.0, mg.tensor([1.0, 2.0])])
def test_slopes_of_every_order_are_of_the_kind_of_the_argument(f, x):
    """An ndarray for an ndarray or a number, and a Tensor for a Tensor, also where a slope no longer depends on it."""
    kind, along = type(x) if isinstance(x, mg.Tensor) else np.ndarray, np.ones_like(np.asarray(x))
    slope = mg.grad(f)
    for found in (
        slope(x),
        mg.grad(lambda x: np.sum(slope(x)))(x),
        mg.vjp(slope, x)[0],
        *mg.vjp(slope, x)[1](along),
        *mg.jvp(slope, (x,), (along,)),
        *mg.value_and_grad(lambda x: np.sum(slope(x)))(x),
        mg.jacobian(slope)(x),
        mg.hessian(f)(x),
        *mg.hvp(f, (x,), (along,)),
    ):
        assert type(found) is kind


def test_arguments_are_left_alone():
    """A Tensor that requires grad, given to grad, gets no `grad`, and none of its memory is shared."""
    x = leaf(*X)
    derivative = mg.grad(lambda a, b: (a + b).sum(), argnums=(0, 1))(x, X)
    assert x.grad is None
    assert not np.shares_memory(derivative[0].data, derivative[1])


def test_gradients_share_no_memory():
    """Two arguments with equal gradients get arrays of their own, as do cotangents passed in."""
    a, b = mg.grad(lambda a, b: (a + b).sum(), argnums=(0, 1))(X, X)
    assert not np.shares_memory(a, b)
    g = np.ones(3)
    (a, b) = mg.vjp(lambda a, b: a + b, X, X)[1](g)
    assert not np.shares_memory(a, g)
    assert not np.shares_memory(b, g)
    assert not np.shares_memory(a, b)


def test_argnums_and_aux():
    """argnums picks arguments, also from the end; has_aux passes the second result along, unwatched."""
    g = lambda a, b, name: ((a * b * b).sum(), {"sum": a + b, "name": name})
    (da, db), aux = mg.grad(g, argnums=(0, -2), has_aux=True)(X, V, "n")
    np.testing.assert_array_equal(da, V * V)
    np.testing.assert_array_equal(db, 2 * X * V)
    np.testing.assert_array_equal(aux["sum"], X + V)
    assert aux["name"] == "n"
    (value, aux), d = mg.value_and_grad(g, has_aux=True)(X, V, name="n")
    np.testing.assert_array_equal(d, V * V)
    assert type(value) is np.ndarray
    y, dy, aux = mg.jvp(lambda x: (x * x, x + 1), (X,), (V,), has_aux=True)
    np.testing.assert_array_equal(dy, 2 * X * V)
    np.testing.assert_array_equal(aux, X + 1)
    y, pull_back, aux = mg.vjp(lambda x: (x * x, x + 1), X, has_aux=True)
    np.testing.assert_array_equal(pull_back(V)[0], 2 * X * V)
    np.testing.assert_array_equal(aux, X + 1)


def test_pull_back_serves_any_number_of_times():
    """The function that vjp answers keeps the graph, and is linear."""
    y, pull_back = mg.vjp(lambda x: x * x * x, X)
    np.testing.assert_array_equal(pull_back(V)[0], pull_back(V)[0])
    np.testing.assert_allclose(pull_back(2 * V)[0], 2 * pull_back(V)[0], rtol=1e-15)
    # and can be differentiated: by the cotangent it is linear
    np.testing.assert_allclose(mg.jvp(lambda g: pull_back(g)[0], (V,), (X,))[1], pull_back(X)[0], rtol=1e-15)


def test_results_that_are_trees():
    """vjp and jvp take functions of several results; some may not depend on the arguments."""
    g = lambda x: {"a": x * x, "b": (x.sum(), mg.tensor(V)), "none": None}
    y, pull_back = mg.vjp(g, X)
    (d,) = pull_back({"a": V, "b": (2.0, V), "none": None})
    np.testing.assert_allclose(d, 2 * X * V + 2, rtol=1e-15)  # an ulp
    y, dy = mg.jvp(g, (X,), (V,))
    np.testing.assert_array_equal(dy["b"][1], 0)
    np.testing.assert_array_equal(dy["b"][0], V.sum())
    assert dy["none"] is None
    np.testing.assert_array_equal(mg.jvp(lambda x: 3.0, (X,), (V,))[1], 0)


def test_dtypes_of_derivatives():
    """Derivatives have the dtypes of their arguments, and cotangents and tangents are cast."""
    x = X.astype(np.float32)
    y, pull_back = mg.vjp(lambda x: x * V, x)  # float64
    assert y.dtype == np.float64
    assert pull_back(np.ones(3, np.float32))[0].dtype == np.float32
    y, dy = mg.jvp(lambda x: x * x, (x,), (V,))
    assert y.dtype == dy.dtype == np.float32
    y, dy = mg.jvp(lambda x: x * x, (x,), (mg.tensor(V),))
    assert dy.dtype == np.float32


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: mg.grad(lambda x: x)(X), ValueError, r"single number as its value; it returned shape \(3,\). Reduce"),
        (lambda: mg.grad(lambda x: float(x.sum()))(X), TypeError, r"would be lost in plain numbers.*x\.item\(\)"),
        (lambda: mg.grad(lambda x: "one")(X), ValueError, "single number as its value; it returned str"),
        (
            lambda: mg.grad(lambda x: x.sum())(np.arange(3)),
            TypeError,
            r"with respect to floating arrays; got int64. Use x.astype",
        ),
        (lambda: mg.grad(lambda x: x.sum())("abc"), TypeError, "a tensor takes numbers; got str"),
        (lambda: mg.grad(lambda x: x.sum())([[1.0], None, "a"]), TypeError, "a tensor takes numbers; got str"),
        (lambda: mg.grad(lambda x: x.sum())(1j * X), TypeError, "real numbers; got complex128"),
        (lambda: mg.grad(f, argnums=1)(X), ValueError, r"different positions among the 1 arguments; got \(1,\)"),
        (lambda: mg.grad(f, argnums=(0, -1))(X), ValueError, "different positions among the 1 arguments"),
        (lambda: mg.grad(f)(), ValueError, "among the 0 arguments"),
        (lambda: mg.grad(f, has_aux=True)(X), TypeError, r"returns a pair \(value, aux\); got Variable"),
        (lambda: mg.jvp(f, X, V), TypeError, "a tuple of arguments and a tuple of their tangents; got ndarray and nd"),
        (lambda: mg.jvp(f, (X,), (V[:2],)), ValueError, r"its argument's shape \(3,\); got \(2,\)"),
        (lambda: mg.jvp(f, (X,), (None,)), TypeError, "a tensor takes numbers; got NoneType"),
        (lambda: mg.jvp(f, (X,), ()), ValueError, "expected a tuple of 1"),
        (lambda: mg.vjp(lambda x: x, X)[1](V[:2]), ValueError, r"the result's shape \(3,\); got float64 of \(2,\)"),
        (lambda: mg.vjp(lambda x: x, X)[1](1j * V), ValueError, r"array of real numbers .*; got complex128 of \(3,\)"),
        (lambda: mg.vjp(lambda x: x, X)[1](None), ValueError, r"result has shape \(3,\). Reduce it"),
        (lambda: mg.vjp(lambda x: (x, x), X)[1](V), ValueError, "expected a tuple of 2"),
        (lambda: mg.vjp(lambda x: (x, "a"), X)[1]((V, 1.0)), TypeError, "return arrays; one returned a str"),
        (lambda: mg.grad(lambda x: x.sum() and x)(X), ValueError, "single number"),
    ],
)
def test_errors_of_transformations(call, error, text):
    """A transformation that cannot be done says what was wanted and what came."""
    with pytest.raises(error, match=text):
        call()


def test_a_change_in_place_does_not_smuggle_values_out():
    """A Tensor that takes a watched value in place is watched as well; an array cannot take one at all."""
    array = np.zeros(3)

    def into_tensor(x, outside):
        outside[0] = x[0]
        return (outside * outside).sum()

    def into_array(x):
        array[0] = x[0]
        return x.sum()

    def into_part_of_array(x):
        array[:] = x
        return x.sum()

    for way in (by_grad, by_jvp):
        outside = mg.tensor([3.0, 4.0, 5.0])
        np.testing.assert_array_equal(way(lambda x, t=outside: into_tensor(x, t))(X), way(lambda x: x[0] ** 2)(X))
        with pytest.raises(LevelError, match=r"shape \(3,\) is used after the transformation that watched it"):
            outside + 1.0
        with pytest.raises(TypeError, match=r"mg\.zeros for an array that is filled by index"):
            way(into_array)(X)
        with pytest.raises(TypeError, match=r"would be lost in plain numbers.*x.detach\(\)"):
            way(into_part_of_array)(X)
    np.testing.assert_array_equal(array, 0)


def test_numbers_inside_a_transformation():
    """item, tolist, bool and format of a watched array answer its plain value; float and int are refused."""
    seen = []

    def g(x):
        for call in (float, int, complex):
            with pytest.raises(TypeError, match="a derivative flows through this array"):
                call(x)
        seen.extend([float(x.detach()), x.item(), x.tolist(), bool(x), f"{x:.1f}", len(x.reshape(1)), 2.5 in x])
        return x * x

    mg.grad(mg.grad(g))(np.array(2.5))
    assert seen == [2.5, 2.5, 2.5, True, "2.5", 1, True]


def test_names_and_documentation_are_kept():
    """grad(f) carries the name and the docstring of f."""
    assert mg.grad(third_derivative).__name__ == "third_derivative"
    assert mg.value_and_grad(third_derivative).__doc__ == third_derivative.__doc__


@pytest.mark.parametrize("left", [True, False])
def test_products_with_a_plain_matrix_nest(left):
    """A matrix product of a watched and a plain matrix has second derivatives in both orders, on either side."""
    plain = np.arange(6.0).reshape(2, 3) / 5

    def f(w):
        return mg.sum(np.tanh(w @ plain if left else plain @ w) ** 2)

    w, v = np.arange(4.0).reshape(2, 2) if left else np.arange(6.0).reshape(3, 2), 1.5
    v = np.full(w.shape, v)
    forward_over_reverse = mg.jvp(mg.grad(f), (w,), (v,))[1]
    reverse_over_forward = mg.grad(lambda w: mg.jvp(f, (w,), (v,))[1])(w)
    np.testing.assert_allclose(forward_over_reverse, reverse_over_forward, rtol=1e-13, atol=1e-15)
