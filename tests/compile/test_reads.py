"""Numbers that a function takes out of arrays: a replay is for these only, and a call with others is right as well."""

import math

import numpy as np
import pytest

import minigrad as mg

from .test_compiled import count_runs


def branch(x):
    return x if x.sum() > 0 else -x


def tensor_branch(x):
    t = mg.asarray(x)
    return (t if t.sum() > 0 else -t).data


def loop(x):
    while x.max() < 100:
        x = x * 3 + 1
    return x


@pytest.mark.parametrize(
    "function",
    [
        branch,
        tensor_branch,
        loop,
        lambda x: x * float(x.sum()),
        lambda x: x * x.sum().item() + x.item(1),
        lambda x: mg.asarray(x).sum().item(),
        lambda x: x.tolist(),
        lambda x: [x * i for i in range(abs(int(x.sum())))],
        lambda x: x * round(x[0]) + round(x[1], 1) + math.floor(x[2]) + math.ceil(x[2]) + math.trunc(x[2]),
        lambda x: x if np.allclose(x, abs(x)) else 2 * x,
        lambda x: [10, 20, 30][x.argmin()] + x,
        lambda x: {0: x, 1: 2 * x, 2: 3 * x}[int(x.argmax())],
        lambda x: complex(x[0]) * 1j,
        lambda x: (f"{x[0]:.1f}", x + 1),
        lambda x: x * len(x[: x.argmax() + 1]),
        lambda x: x[: x.argmax() + 1] * 2,
        lambda x: x[x > 0].sum() + len(x[x > 0]),
        lambda x: np.repeat(x, (x > 0) + 1),
        lambda x: np.unique(x).shape,
        lambda x: np.sum(np.stack([x, x]), axis=(x > 1).argmin() % 2),
    ],
)
def test_numbers_may_be_taken_out(function):
    """The function takes the way that they say, also back."""
    takes_the_right_way(function, "numpy")


def takes_the_right_way(function, backend):
    compiled = mg.compile(function, backend=backend)
    for x in ([1.0, 2.0, 4.5], [-1.0, -2.0, 0.5], [1.0, 2.0, 4.5], [3.0, 3.0, 3.0], [-1.0, -2.0, 0.5]):
        np.testing.assert_equal(compiled(np.array(x)), function(np.array(x)))


@pytest.mark.parametrize("function", [branch, lambda x: x * float(x.sum()), lambda x: x[: x.argmax() + 1] * 2])
def test_numbers_may_be_taken_out_of_native_code(function):
    """As from NumPy's."""
    takes_the_right_way(function, "numba")


@pytest.mark.parametrize(
    "function",
    [
        lambda x, n: np.stack([x] * n),
        lambda x, n: {1: x, 2: 2 * x}[n],
        lambda x, n: x if n in {1} else -x,
        lambda x, n: x[: int(n)],
        lambda x, n: x * math.sqrt(n),
    ],
)
def test_numbers_among_the_arguments(function):
    """A program is for one of them."""
    compiled = mg.compile(function)
    for n in (1, 2, 1):
        np.testing.assert_array_equal(compiled(np.arange(3.0), n), function(np.arange(3.0), n))
    assert len(next(iter(compiled._replays.values()))) == 2


def test_what_was_changed_before_a_read_is_put_back():
    """A program that finds another number has changed nothing, whatever it did before it looked."""
    kept, rng = np.zeros(2), np.random.default_rng(0)
    w = mg.tensor([1.0, 2.0], requires_grad=True)

    def function(x, kept, w, rng):
        kept += x
        x *= 2
        noise = rng.normal(size=2)
        mg.sum(w * x).backward()
        return kept * 1 if kept.sum() > 3 else noise

    compiled = mg.compile(lambda x: function(x, kept, w, rng))
    other, other_rng, v = np.zeros(2), np.random.default_rng(0), mg.tensor([1.0, 2.0], requires_grad=True)
    for value in (1.0, 1.0, 1.0, -3.0, 0.0, 5.0):
        x, y = np.full(2, value), np.full(2, value)
        np.testing.assert_array_equal(compiled(x), function(y, other, v, other_rng))
        np.testing.assert_array_equal(x, y)
        np.testing.assert_array_equal(kept, other)
        np.testing.assert_array_equal(w.grad.data, v.grad.data)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_number_that_differs_in_each_call(backend):
    """Is right in each, and a warning says that this is slow."""
    function = count_runs(lambda x: x.sum().item())
    compiled = mg.compile(function, backend=backend)
    with pytest.warns(RuntimeWarning, match="runs uncompiled for some arguments, as"):
        answers = [compiled(np.full(2, float(i))) for i in range(12)]
    assert answers == [2.0 * i for i in range(12)]


def test_numbers_of_arrays_and_tensors_from_outside():
    """Each replay compares them with what they were."""
    t, n, labels = mg.tensor(2.0), np.array([3]), np.array([0, 1])
    compiled = mg.compile(lambda x: x * float(t) + int(n[0]) * sum(labels.tolist()) + np.asarray(labels).size)
    x = np.ones(2)
    assert compiled(x).tolist() == [7, 7]
    t.data = 5.0
    assert compiled(x).tolist() == [10, 10]
    n[0] = 1
    assert compiled(x).tolist() == [8, 8]
    labels[...] = 2
    assert compiled(x).tolist() == [11, 11]


def test_what_is_handed_to_a_foreign_function_cannot_be_written():
    """It is a copy that refuses, as the array itself would not change: the function runs uncompiled."""
    kept = np.zeros(2)

    def function(x):
        np.asarray(kept)[0] = 1.0
        return x

    compiled = mg.compile(function)
    with pytest.warns(RuntimeWarning, match="runs uncompiled for some arguments, as it raises an error.*read-only"):
        compiled(np.ones(2))
    assert kept.tolist() == [1.0, 0.0]
