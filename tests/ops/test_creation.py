"""New Tensors."""

import numpy as np
import pytest

import minigrad as mg


def test_sample_has_the_numbers_of_the_generator():
    """As its method draws them, in a Tensor that may require grad."""
    w = mg.sample(np.random.default_rng(3), "normal", 1.0, scale=2.0, size=(2, 3), requires_grad=True)
    np.testing.assert_array_equal(w.data, np.random.default_rng(3).normal(1.0, scale=2.0, size=(2, 3)))
    assert w.requires_grad
    order = mg.sample(np.random.default_rng(3), "permutation", 4)
    assert sorted(order.tolist()) == [0, 1, 2, 3]
    with pytest.raises(TypeError, match="only floating tensors can require grad"):
        mg.sample(np.random.default_rng(3), "permutation", 4, requires_grad=True)


@pytest.mark.parametrize("make", [mg.zeros, mg.ones])
def test_a_shape_in_several_arguments_is_refused(make):
    """As PyTorch has it; NumPy takes the second for a dtype."""
    with pytest.raises(
        TypeError, match=rf"takes the shape as a tuple, .*: {make.__name__}\(\(2, 3\)\); got .*\(2, 3\)"
    ):
        make(2, 3)
    assert make(2, int).dtype == int


X = np.array([0.6, 1.3, 0.9])
MADE = {
    "full": (lambda x: mg.full(2, x[0] * x[1]), [[1.3, 0.6, 0]] * 2),
    "full of rows": (lambda x: mg.full([2, 3], x)[1], np.eye(3)),
    "full, by name": (lambda x: mg.full(shape=(1,), fill_value=x[2]), [[0, 0, 1]]),
    "full_like": (lambda x: mg.full_like(x, x[2])[:1], [[0, 0, 1]]),
    "full_like of an ndarray": (lambda x: mg.full_like(np.ones(2), x[1]), [[0, 1, 0]] * 2),
    "full_like of a list": (lambda x: mg.full_like([1.0], x[1]), [[0, 1, 0]]),
    "linspace": (lambda x: mg.linspace(0.0, x[0], 3), [[0, 0, 0], [0.5, 0, 0], [1, 0, 0]]),
    "linspace, by name": (lambda x: mg.linspace(start=x[0], stop=x[1], num=2), [[1, 0, 0], [0, 1, 0]]),
    "linspace, step": (lambda x: mg.linspace(x[0], x[1], 3, retstep=True)[1][None], [[-0.5, 0.5, 0]]),
    "linspace of columns": (lambda x: mg.linspace(x, 0.0, 2, axis=1)[:, 0], np.eye(3)),
    "meshgrid": (lambda x: mg.meshgrid(x, [1.0, 2.0])[0][1], np.eye(3)),
    "meshgrid, second": (lambda x: mg.meshgrid([1.0, 2.0], x, indexing="ij")[1][0], np.eye(3)),
    "meshgrid, sparse": (lambda x: mg.meshgrid(x, x, sparse=True)[1][:, 0], np.eye(3)),
}


@pytest.mark.parametrize("name", MADE)
def test_what_is_made_of_watched_values_keeps_their_derivative(name):
    """In each transformation, and as the gradient of a leaf."""
    make, want = MADE[name]
    want = np.array(want)
    np.testing.assert_array_equal(mg.jacobian(make)(X), want)
    np.testing.assert_array_equal(mg.jvp(make, (X,), (X,))[1], want @ X)
    np.testing.assert_array_equal(mg.grad(lambda x: mg.sum(make(x)))(X), want.sum(axis=0))
    w = mg.tensor(X, requires_grad=True)
    make(w).sum().backward()
    np.testing.assert_array_equal(w.grad.data, want.sum(axis=0))
    assert isinstance(make(X), mg.Tensor)
    assert not make(X).requires_grad


def test_creation_at_two_levels():
    """d/dx of x * d/dy sum(full(3, x * y)) is 6 x."""
    assert mg.grad(lambda x: x * mg.grad(lambda y: mg.sum(mg.full(3, x * y)))(2.0))(5.0) == 30


def test_numbers_that_decide_on_a_length_are_refused():
    """arange of a number through which a derivative flows raises, and its remedies work; of constants it does not."""
    w = mg.tensor(2.0, requires_grad=True)
    for f in (lambda x: mg.arange(x), lambda x: mg.arange(0.0, x, 0.5), lambda x: mg.arange(0, 2, step=x)):
        for use in (lambda f=f: f(w), lambda f=f: mg.grad(lambda x: mg.sum(f(x)) + x)(2.0)):
            with pytest.raises(TypeError, match=r"arange has no derivative: .*start \+ step \* np\.arange\(n\)"):
                use()
        f(w.detach())
        f(mg.tensor(2))
        with mg.no_grad():
            f(w)
    assert mg.grad(lambda x: mg.sum(1.0 + x * np.arange(4)))(2.0) == 6


@pytest.mark.parametrize("make", [lambda **o: mg.full(2, 1.0, **o), lambda **o: mg.linspace(0, 1, 2, **o)])
def test_leaves_are_made_of_plain_values(make):
    """requires_grad=True makes a leaf, which keeps its gradient."""
    made = make(requires_grad=True)
    assert made.is_leaf
    (made * 3.0).sum().backward()
    assert made.grad.tolist() == [3, 3]


def test_a_leaf_of_watched_values_is_refused():
    """What depends on others is no leaf: the error says so, in transformations as well; detached values make one."""
    w = mg.tensor(2.0, requires_grad=True)
    for make in (
        lambda x: mg.full(3, x, requires_grad=True),
        lambda x: mg.full_like(np.ones(2), x, requires_grad=True),
        lambda x: mg.linspace(0.0, x, 3, requires_grad=True),
    ):
        for use in (lambda make=make: make(w), lambda make=make: mg.grad(lambda x: mg.sum(make(x)))(2.0)):
            with pytest.raises(TypeError, match=r"makes no leaf, .*requires_grad=True.*x\.detach\(\)"):
                use()
        assert make(w.detach()).requires_grad


def test_created_functions_have_their_names():
    """Each says that it is of this package, and what its function of NumPy's is called."""
    for name in ("zeros", "ones", "full", "arange", "linspace", "eye", "zeros_like", "ones_like", "full_like"):
        function = getattr(mg, name)
        assert (function.__name__, function.__module__) == (name, "minigrad.ops.creation")
        assert f"NumPy's {name} as a Tensor" in function.__doc__
