"""What a program does without, and that nothing else changes."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.recorder import state_array

from .test_replay import same_bits


def calls_of(function, *args):
    """The lines of the function in the source of its program, after its replay was compared with it."""
    compiled = mg.compile(function)
    compiled(*args)
    assert same_bits(compiled(*args), function(*args)), compiled.source
    body = compiled.source.split(f"def {compiled.function.__name__.replace('<lambda>', 'step')}(")[1]
    return [line.strip() for line in body.splitlines()[1:] if line.strip() and "return" not in line]


x = np.array([[1.0, -2.0, 0.0], [3.0, -0.0, 5.0]])


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.negative(x * 1),
        lambda x: np.negative(1 * x),
        lambda x: np.negative(x * np.ones_like(x)),
        lambda x: np.negative(x / 1),
        lambda x: np.negative(x - 0),
        lambda x: np.negative(+x),
        lambda x: np.negative(x.copy()),
        lambda x: np.negative(np.copy(x)),
        lambda x: np.negative(x.astype(float)),
        lambda x: np.negative(x * True),
        lambda x: np.negative(np.reshape(x, (2, 3))),
        lambda x: np.negative(x.reshape(2, 3)),
        lambda x: np.negative(np.squeeze(x)),
        lambda x: np.negative(np.astype(x, float)),
        lambda x: np.negative(np.broadcast_to(x, (2, 3))),
        lambda x: (np.exp(x), np.negative(x))[1],
        lambda x: np.negative(x) + np.zeros_like(x).sum() if False else np.negative(x),
    ],
)
def test_what_changes_nothing_is_left_out(function):
    """The negation is all that is left."""
    (line,) = calls_of(function, x)
    assert "negative(" in line


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x + 0,  # of -0.0 it makes 0.0
        lambda x: x * -1,
        lambda x: 0 - x,
        lambda x: x - (-0.0),
        lambda x: x.astype(np.float32),
        lambda x: x * mg.ones((1, 2, 3)).data,
        lambda x: x * np.float32(1) * 2,
        lambda x: x.copy(),  # the caller's own
        lambda x: x.T.copy(),
        lambda x: x.copy(order="F"),
    ],
)
def test_what_changes_something_stays(function):
    """Signs of zeros, types, shapes, and copies that the caller may change."""
    assert len(calls_of(function, x)) >= 1


@pytest.mark.parametrize(
    "function", [lambda x: 1 * x[0, 0] * 1 + 2, lambda x: x[0, 0] / 1 + 2, lambda x: x[0, 0] - 0 + 2]
)
def test_scalars_have_the_same_rules(function):
    """The element and the sum are all that is left."""
    assert len(calls_of(function, x)) == 2


def test_an_array_is_no_number():
    """Of the same shape and type, it decides the type of a sum, where a number of Python's does not."""
    compiled = mg.compile(lambda x, n: x + np.reshape(n, ()))
    compiled(np.ones(2, np.float32), 0.5)
    assert compiled(np.ones(2, np.float32), 0.25).dtype == np.float64


def test_equal_calls_are_made_once():
    """Also of views, and of what depends on equal calls."""

    def function(x):
        a = np.exp(x).T[0] * 2
        b = np.exp(x).T[0] * 2
        return np.sum(a) + np.sum(b)

    lines = calls_of(function, x)
    assert sum("exp(" in line for line in lines) == 1
    assert sum("add.reduce" in line for line in lines) == 1


def test_calls_are_equal_if_their_options_are():
    """Numbers and names that were made twice; not so other axes, types and elements."""

    def sums(x, first):
        rows = x[int(first) :]
        return [np.sum(np.exp(rows, dtype=d), axis=i) for d, i in ((np.float64, 0), ("float64", 0), (np.float64, -1))]

    lines = calls_of(lambda x: (sums(x, "300"), sums(x, "300"), sums(x, "301")), np.ones((400, 2)))
    assert sum("exp(" in line for line in lines) == 2 * 2  # np.float64 and "float64" are not known to be equal


def test_numbers_that_are_equal_for_python_are_told_apart():
    """0.0 and -0.0, 1 and True and 1.0."""

    def function(x):
        return x + 0.0, x + -0.0, x.sum(axis=1) * 1, x.astype(int) + 1, x.astype(int) + 1.0, x[1], x[True]

    calls_of(function, x)


def test_a_change_in_place_comes_between_equal_calls():
    """Of an array from outside, of an argument that may lie in it, of a view, and of an array made on the way."""
    ours, theirs = np.arange(3.0), np.arange(3.0)

    def function(kept, x):
        a = np.exp(kept)
        first = x * 2
        kept[1:] += x[1:]
        b = np.exp(kept)
        made = np.exp(x)
        view = made[1:]
        c = view * 1
        made *= 2
        return a, b, first, x * 2, c, view * 1, made + 0, np.exp(x)

    compiled = mg.compile(lambda x: function(state_array(ours), x))
    for seed in range(3):
        y = np.random.default_rng(seed).normal(size=3)
        assert same_bits(compiled(y), function(theirs, y))
    assert same_bits(compiled(ours), function(theirs, theirs))


def test_arrays_with_the_same_history_have_the_same_in_them():
    """Two arrays are filled and written to alike, as where an image is framed: what depends on them is made once."""

    def framed(x):
        frame = np.zeros_like(x, shape=(4, 5))
        frame[1:3, 1:4] = x
        return frame

    def function(x):
        a, b = framed(x), framed(x)
        first, second = np.exp(a[:2] * 3), np.exp(b[:2] * 3)
        return np.sum(first) + np.sum(second, axis=0)

    lines = calls_of(function, x)
    assert sum("exp(" in line for line in lines) == 1
    assert sum(".fill(" in line for line in lines) == 1
    assert sum("add.reduce(" in line for line in lines) == 2


def test_arrays_that_part_ways_are_told_apart():
    """Written to differently: in another place, with another value, in another order, once more, or through a view."""

    def function(x):
        a, b, c, d, e = (np.zeros_like(x) for _ in range(5))
        before = [np.sum(np.exp(y)) for y in (a, b, c, d, e)]
        for y, first, second in ((a, 1, 2), (b, 2, 1), (c, 1, 3), (d, 1, 2), (e, 1, 2)):
            y[0] = first
            y[:, 1] = second
        middle = [np.sum(np.exp(y)) for y in (a, b, c, d, e)]
        d[1:][0] = 5
        e.T[2] = x[:, 0]
        return before, middle, [np.sum(np.exp(y)) for y in (a, b, c, d, e)]

    lines = calls_of(function, x)
    assert (
        sum("exp(" in line for line in lines) == 1 + 3 + 2
    )  # all alike; a, d and e alike; then d, and e, on their own


def test_constants_are_computed_once():
    """What depends on constants alone, and on the shapes of arrays alone."""

    def function(x):
        return x * np.exp(np.ones_like(x) * 2) + mg.asarray(np.full(x.shape, 0.5, like=x)).data + mg.eye(3).data[:2]

    assert len(calls_of(function, x)) == 3


def test_arrays_of_a_shape_are_made_once_in_any_layout():
    """Ones in the layout of a transposed array are a constant, which leaves the array as it is."""
    lines = calls_of(lambda x: np.negative(x.T * np.ones_like(x.T)), x)
    assert not any("ones_like" in line or "multiply" in line for line in lines)


def test_an_unused_loss_costs_nothing():
    """Its backward pass does not need it."""
    w = mg.tensor(np.ones(3), requires_grad=True)

    def function(x):
        loss = mg.mean(mg.exp(w * x) ** 2)
        w.grad = None
        loss.backward()

    compiled = mg.compile(function)
    compiled(mg.tensor(x))
    assert "mean" not in compiled.source
    assert "square" not in compiled.source


def test_small_products_go_the_short_way():
    """Of matrices that BLAS takes as they are; others are NumPy's matmul."""
    assert calls_of(lambda a: (a @ a.T) * 2, x)[1].count(".dot(")
    assert "matmul" in calls_of(lambda a: (a[:, ::2] @ a[:, :2]) * 2, np.ones((2, 4)))[-2]
    assert "matmul" in "".join(calls_of(lambda a: (a @ a.astype(np.float32).T) * 2, x))
    assert "matmul" in "".join(calls_of(lambda a: (a[None] @ a.T) * 2, x))
    assert "matmul" in "".join(calls_of(lambda a: np.matmul(a, a.T, dtype=float) * 2, x.astype(np.float32)))
    assert "matmul" in "".join(calls_of(lambda a: (a @ a.T).astype(float), np.ones((2, 2), int)))
    assert "matmul" in "".join(calls_of(lambda a: (a @ a.T).astype(float), np.ones((2, 0))))
