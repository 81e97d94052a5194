"""Checkpoints: the same derivatives with less memory."""

import tracemalloc

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import GraphError

rng = np.random.default_rng(0)
X = rng.normal(size=4)
W = mg.tensor(rng.normal(size=(4, 4)), requires_grad=True)


def block(x):
    """Uses W from outside, by itself and through a result of it alone."""
    return np.tanh(x @ (W * 2)) @ W


def nested(x):
    return mg.checkpoint(lambda y: np.sin(mg.checkpoint(block)(y)) * x * (x * 2))(x)


def plain(x):
    return np.sin(block(x)) * x * (x * 2)


PAIRS = pytest.mark.parametrize(
    ("f", "checked"), [(block, mg.checkpoint(block)), (plain, nested)], ids=["one", "nested"]
)


def gradients(f):
    """Those of the argument and of W by a backward pass, then those of the gradients' squares."""
    x = mg.tensor(X, requires_grad=True)
    W.grad = None
    np.sum(f(x) ** 2).backward(create_graph=True)
    first = [x.grad, W.grad]
    x.grad = W.grad = None
    sum(np.sum(g**2) for g in first).backward()
    return [g.detach().numpy() for g in (*first, x.grad, W.grad)]


@PAIRS
def test_backward_gives_the_same_to_arguments_and_to_parameters(f, checked):
    for got, want in zip(gradients(checked), gradients(f), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12)


@PAIRS
def test_transformations_give_the_same(f, checked):
    def loss(g):
        return lambda x: np.sum(g(x) ** 2)

    for transform in (mg.grad, mg.hessian, lambda g: mg.grad(lambda x: np.sum(mg.grad(g)(x) ** 2))):
        got, want = transform(loss(checked))(X), transform(loss(f))(X)
        np.testing.assert_allclose(got.detach().numpy(), want.detach().numpy(), rtol=1e-11)
    got, want = mg.jvp(checked, (X,), (X,))[1], mg.jvp(f, (X,), (X,))[1]
    np.testing.assert_allclose(got.detach().numpy(), want.detach().numpy(), rtol=1e-12)


def test_arrays_of_an_enclosing_transformation_are_differentiated():
    """A checkpoint inside one gradient that uses the variable of another."""

    def outer(wrap):
        return lambda c: np.sum(mg.grad(lambda z: np.sum(wrap(lambda v: np.sin(v * z) * c)(z)))(c))

    np.testing.assert_allclose(mg.grad(outer(mg.checkpoint))(X), mg.grad(outer(lambda f: f))(X), rtol=1e-12)


def test_results_in_a_tree_keep_structure_shape_and_dtype():
    def f(x, scale, tag=None):
        return {"a": x * scale, "b": [np.sum(x.astype(np.float64)), np.argmax(x)], "c": tag, "w": W + 0}

    x = mg.tensor(np.array([1, 2], np.float32), requires_grad=True)
    y = mg.checkpoint(f)(x, 3, tag="t")
    assert (y["a"].dtype, y["a"].tolist()) == (np.float32, [3, 6])
    assert (y["b"][0].dtype, y["b"][0].item()) == (np.float64, 3)
    assert y["b"][1] == 1
    assert y["c"] == "t"
    assert y["w"].requires_grad  # as it depends on W alone, it was not checkpointed
    (y["a"].sum() + y["b"][0] * 10).backward()
    assert x.grad.tolist() == [13, 13]


def test_function_without_floating_results_is_called_as_it_is():
    assert mg.checkpoint(lambda x: np.argmax(x))(mg.tensor([1.0, 3.0], requires_grad=True)) == 1
    assert mg.checkpoint(lambda n: n + 1)(2) == 3


def test_memory_falls_to_one_array_a_block():
    """Ten blocks of five operations keep 10 arrays in place of 50."""

    def held(f):
        x = mg.tensor(np.ones(10000), requires_grad=True)
        tracemalloc.start()
        for _ in range(10):
            x = f(x)
        size = tracemalloc.get_traced_memory()[0] / 80000
        tracemalloc.stop()
        x.sum().backward()
        return size

    waves = lambda x: np.sin(np.cos(np.sin(np.cos(np.sin(x)))))
    assert held(waves) > 49
    assert held(mg.checkpoint(waves)) < 11


def test_in_place_and_detached_arrays_work_inside():
    def f(x):
        y = x * 1
        y += np.array([2.0, 2.0])
        y[0] = 5
        return y * x.detach() + y * np.array(1.0)

    x = mg.tensor([1.0, 3.0], requires_grad=True)
    mg.checkpoint(f)(x).sum().backward()
    assert x.grad.tolist() == [0, 4]


def test_function_that_changes_is_refused():
    """A second run with other shapes, or other arrays from outside, would give wrong derivatives in silence."""
    lengths = iter([3, 2])
    y = mg.checkpoint(lambda x: x[: next(lengths)])(mg.tensor(np.ones(3), requires_grad=True))
    with pytest.raises(ValueError, match=r"shapes \[\(3,\)\] and now have \[\(2,\)\]"):
        y.sum().backward()
    counts = iter([0, 1])
    y = mg.checkpoint(lambda x: x * W[0] if next(counts) else x * 1)(mg.tensor(X, requires_grad=True))
    with pytest.raises(ValueError, match="there is a new one now"):
        y.sum().backward()


def test_an_array_from_outside_may_be_used_again():
    x = mg.tensor(X, requires_grad=True)
    W.grad = None
    mg.checkpoint(lambda x: x @ W + x @ W)(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * W.detach().numpy().sum(axis=1))


def test_nothing_is_recorded_without_grad():
    with mg.no_grad():
        assert not mg.checkpoint(block)(mg.tensor(X, requires_grad=True)).requires_grad


def test_detect_anomaly_looks_into_a_checkpoint():
    """The first NaN inside of a checkpointed function is named with its operation."""
    x = mg.tensor([0.0, 1.0], requires_grad=True)
    text = r"divide of \(2,\) and \(2,\) makes NaN"
    with pytest.raises(mg.AnomalyError, match=text), mg.detect_anomaly(), np.errstate(invalid="ignore"):
        mg.checkpoint(lambda x: x / x.detach())(x)


def test_a_filled_array_inside_a_checkpoint_is_read_in_parts():
    """x[i] = v and x[i] in both runs, of arrays and of constants, with options that hold constants."""

    def f(a):
        b = a * 1.0
        b[0] = a[1] * 2.0
        first = b[0] * 1.0
        b[1] = first * a[0]
        return np.sum(b, axis=mg.tensor(0).item()) + first

    def plain(a):
        return 2 * a[1] + 2 * a[1] * a[0] + a[2] + 2 * a[1]

    x = np.array([3.0, 5.0, 7.0])
    for way in (mg.grad, lambda f: lambda x: mg.jvp(f, (x,), (np.ones(3),))[1]):
        np.testing.assert_array_equal(way(mg.checkpoint(f))(x), way(plain)(x))


def test_constants_in_constants_from_outside():
    """A constant Tensor that was given a watched constant is looked through."""
    c = mg.tensor([1.0, 2.0])

    def outer(x):
        k = x * 1.0
        with mg.no_grad():
            k *= 2.0
        return np.sum(mg.checkpoint(lambda a: a * k * c)(x))

    x = np.array([3.0, 4.0])
    np.testing.assert_array_equal(mg.grad(outer)(x), 2 * x * [1, 2])
    np.testing.assert_array_equal(mg.grad(lambda x: np.sum(mg.grad(outer)(x) ** 2))(x), [0, 0])


@pytest.mark.parametrize("change", ["by index", "by operator", "by data"])
def test_a_changed_constant_is_noticed_where_the_result_does_not_show_it(change):
    """At x = 0 the second run of x * c has the former result with any c, and another derivative."""

    def changed(c):
        if change == "by index":
            c[0] = 5.0
        elif change == "by operator":
            c *= 5.0
        else:
            c.data = np.array([5.0, 5.0])

    c, x = mg.tensor([1.0, 2.0]), mg.tensor([0.0, 0.0], requires_grad=True)
    y = np.sum(mg.checkpoint(lambda a: a * c)(x))
    changed(c)
    with pytest.raises(
        GraphError, match=r"an array of shape \(2,\) was changed in place since a checkpointed function"
    ):
        y.backward()
    assert x.grad is None


def test_a_gradient_inside_may_use_arrays_from_outside_alone():
    """An operation that an inner transformation makes of arrays from outside is the checkpoint's as well."""

    def inner(x, c):
        return mg.grad(lambda v: np.sum(v * np.sin(c * c)) + np.sum(x * v))(c)

    def outer(wrap):
        return lambda c: np.sum(wrap(lambda x: inner(x, c) * x)(c * 2))

    want = mg.grad(outer(lambda f: f))(X)
    np.testing.assert_allclose(mg.grad(outer(mg.checkpoint))(X), want, rtol=1e-12)
