"""Where results lie: in memory that is taken once and shared, and never where somebody else reads."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim

from .test_replay import same_bits


def test_chains_are_computed_in_place():
    """A chain of elementwise calls needs one buffer."""

    def function(x):
        return np.sum(np.tanh(np.exp(np.negative(x)) * 2 + 1))

    compiled = mg.compile(function)
    compiled(np.ones(1000))
    assert compiled.stats.buffers == 1
    assert compiled.stats.bytes == 8000


@pytest.mark.parametrize(
    ("function", "buffers"),
    [
        (lambda x: np.sum(x + np.exp(x)), 1),  # in the place of the second operand
        (lambda x: np.sum(np.exp(x) + np.tanh(x)), 2),  # in the place of either
        (lambda x: np.sum(np.exp(x) + np.tanh(x) @ np.eye(3, like=x)), 3),  # a product is made elsewhere
        (lambda x: np.sum(np.tanh(y := np.exp(x)) * y + y), 2),  # where the last one to read it is
        (lambda x: np.sum((y := np.exp(x)) * y[::-1]), 2),  # not over what is read in another order
    ],
)
def test_results_take_the_place_of_operands_that_go(function, buffers):
    """No more buffers than there are results at a time, and the bits of the function."""
    x = np.random.default_rng(0).normal(size=(3, 3))
    compiled = mg.compile(function)
    compiled(x)
    assert same_bits(compiled(x), function(x))
    assert compiled.stats.buffers == buffers, compiled.source


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.concatenate([x, x]),
        lambda x: np.stack([x, x]),
        lambda x: np.einsum("ij,kj->ik", x, x),
        lambda x: np.clip(x, -1, 1),
        lambda x: np.cumsum(x, axis=0),
        lambda x: np.cumprod(x, axis=1),
        lambda x: np.mean(x, axis=0, dtype=np.float32),
        lambda x: np.var(x, axis=0),
        lambda x: np.std(x, axis=1),
        lambda x: x.dot(x),
        lambda x: np.add.accumulate(x),
        lambda x: np.multiply.outer(x, x),
    ],
)
def test_functions_that_take_an_out_get_a_buffer(function):
    """All of NumPy's that recordings meet often."""
    x = np.random.default_rng(0).normal(size=(3, 3))
    compiled = mg.compile(lambda x: np.negative(function(x)))
    compiled(x)
    assert same_bits(compiled(x), -function(x))
    assert compiled.stats.buffers == 1, compiled.source


def test_memory_is_shared_by_arrays_of_different_shape_type_and_layout():
    """What one result leaves, another takes, whatever it looks like."""

    def function(x):
        a = np.sum(np.exp(x))
        b = np.sum(np.exp(x.reshape(20, 50).astype(np.float32)))
        c = np.sum(np.exp(x.reshape(20, 50).T) @ np.ones((20, 2), like=x))
        return a, b, c

    compiled = mg.compile(function)
    first = compiled(np.ones(1000))
    assert compiled.stats.bytes <= 8000 + 50 * 2 * 8 + 4000
    np.testing.assert_array_equal(compiled(np.ones(1000)), first)


def test_a_step_takes_no_more_memory_than_uncompiled():
    """Buffers and what is allocated on the way, against the peak of the uncompiled step."""
    rng = np.random.default_rng(0)
    sizes = [256, 512, 128, 10]
    weights = [mg.tensor(rng.normal(size=shape) / 30, requires_grad=True) for shape in pairwise(sizes)]
    x, y = mg.tensor(rng.normal(size=(300, 256))), mg.tensor(rng.normal(size=(300, 10)))
    optimizer = optim.SGD(weights, lr=0.1)

    def step():
        h = x
        for w in weights:
            h = mg.tanh(h @ w)
        optimizer.zero_grad()
        mg.mean((h - y) ** 2).backward()
        optimizer.step()
        optimizer.zero_grad()

    def peak(function):
        tracemalloc.start()
        function()
        _, high = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return high

    step()
    eager = peak(step)
    compiled = mg.compile(step)
    compiled()
    assert compiled.stats.bytes + peak(compiled) <= eager


@pytest.mark.parametrize(
    ("function", "into_buffer"),
    [
        (lambda x: x.T.reshape(-1) * 2, True),
        (lambda x: x.T.reshape(-1, order="C") * 2, True),
        (lambda x: np.reshape(x.T, (10, 30)) * 2, True),
        (lambda x: np.reshape(x.T, (10, 30), order="C") * 2, True),
        (lambda x: x.astype(np.float32) * 2, True),
        (lambda x: x.astype(np.float32, copy=False) * 2, True),
        (lambda x: x.T.astype(np.float32, copy=False) * 2, False),  # in the order of its argument
        (lambda x: x.reshape(-1, order="F") * 2, False),
        (lambda x: np.reshape(x, (10, 30), "F") * 2, False),
        (lambda x: np.reshape(x, 300, "F") * 2, False),
        (lambda x: x.T.reshape(-1), False),  # the caller's own
    ],
)
def test_copies_of_another_shape_or_type_go_into_buffers(function, into_buffer):
    """Rather than into new memory in each replay."""
    x = np.random.default_rng(0).normal(size=(20, 15))
    compiled = mg.compile(function)
    compiled(x)
    assert same_bits(compiled(x), function(x))
    assert ("[...] = " in compiled.source) == into_buffer, compiled.source
