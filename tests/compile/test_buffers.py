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
        (lambda x: np.reshape(x.T, (10, 30)) * 2, True),
        (lambda x: np.reshape(x.T, (10, 30), order="C") * 2, True),
        (lambda x: x.astype(np.float32) * 2, True),
        (lambda x: x.T.astype(np.float32, copy=False) * 2, False),  # in the order of its argument
        (lambda x: x.reshape(-1, order="F") * 2, False),
        (lambda x: np.reshape(x, (10, 30), "F") * 2, False),
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
