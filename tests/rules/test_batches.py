"""Every rule takes one axis more: mapped over any of its arguments it equals the loop, and so do its derivatives."""

from itertools import product

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.primitive import REGISTRY

from .cases import CASES, but_slow

SIZE = 3


def some(x, seed):
    """Arrays like `x`, near it so that they stay in the domain and away from kinks."""
    noise = np.random.default_rng(seed).uniform(0.98, 1.02, size=(SIZE, *x.shape))
    return x * noise


def mapped(case):
    """For each subset of the arguments but for none, the axes and the arrays."""
    for chosen in product([None, 0], repeat=len(case.arrays)):
        if any(axis == 0 for axis in chosen):
            arrays = [
                x if axis is None else some(x, i) for i, (x, axis) in enumerate(zip(case.arrays, chosen, strict=True))
            ]
            yield chosen, arrays


def entry(arrays, chosen, k):
    return [x if axis is None else x[k] for x, axis in zip(arrays, chosen, strict=True)]


def close(batched, one_by_one, near=1e-12):
    want = np.stack([np.asarray(y) for y in one_by_one])
    assert batched.shape == want.shape
    np.testing.assert_allclose(batched, want, rtol=near, atol=near * max(1, np.max(np.abs(want), initial=0)))


# Functions of which the length of the result depends on values.
REFUSED = (
    *("bincount", "histogram", "unique", "unique_all", "unique_counts", "unique_inverse", "unique_values"),
    *("weighted_counts", "piecewise", "trim_zeros"),
)
cases = pytest.mark.parametrize("case", but_slow(c for c in CASES if REGISTRY[c.key].name not in REFUSED), ids=str)


@pytest.mark.parametrize("case", [c for c in CASES if REGISTRY[c.key].name in REFUSED], ids=str)
def test_a_length_that_depends_on_values_is_refused(case):
    for chosen, arrays in mapped(case):
        with pytest.raises(mg.BatchError, match=r"differs between the entries of a batch.* Use (np|mg)\."):
            mg.vmap(case, chosen)(*arrays)


@cases
def test_a_batch_equals_the_loop(case):
    for chosen, arrays in mapped(case):
        y = mg.vmap(case, chosen)(*arrays)
        close(y, [case(*entry(arrays, chosen, k)) for k in range(SIZE)])


@cases
def test_pulled_back_a_batch_equals_the_loop(case):
    for chosen, arrays in mapped(case):
        y = mg.vmap(case, chosen)(*arrays)
        v = np.random.default_rng(5).normal(size=y.shape)

        def pulled(g, *inputs):
            return mg.vjp(case, *inputs)[1](g)

        gs = mg.vmap(pulled, (0, *chosen))(v, *arrays)
        wants = [pulled(v[k], *entry(arrays, chosen, k)) for k in range(SIZE)]
        for i, g in enumerate(gs):
            close(g, [want[i] for want in wants])


@cases
def test_pulled_back_through_a_batch_what_all_share_gets_the_sum(case):
    for chosen, arrays in mapped(case):
        y, pull_back = mg.vjp(mg.vmap(case, chosen), *arrays)
        v = np.random.default_rng(5).normal(size=y.shape)
        wants = [mg.vjp(case, *entry(arrays, chosen, k))[1](v[k]) for k in range(SIZE)]
        for i, g in enumerate(pull_back(v)):
            parts = np.stack([want[i] for want in wants])
            np.testing.assert_allclose(
                g,
                parts if chosen[i] == 0 else parts.sum(axis=0),
                rtol=1e-11,
                atol=1e-11 * max(1, np.abs(parts).max(initial=0)),
            )


@cases
def test_pushed_forward_a_batch_equals_the_loop(case):
    for chosen, arrays in mapped(case):
        tangents = [np.random.default_rng(i).normal(size=x.shape) for i, x in enumerate(arrays)]

        def pushed(inputs, directions):
            return mg.jvp(case, tuple(inputs), tuple(directions))[1]

        dy = mg.vmap(pushed, (list(chosen), list(chosen)))(arrays, tangents)
        close(dy, [pushed(entry(arrays, chosen, k), entry(tangents, chosen, k)) for k in range(SIZE)])


@cases
def test_the_second_derivative_of_a_batch_equals_the_loop(case):
    for chosen, arrays in mapped(case):

        def curvature(*inputs):
            weight = np.random.default_rng(7).normal(size=np.shape(case(*case.arrays)))
            directions = tuple(np.random.default_rng(i).normal(size=x.shape) for i, x in enumerate(inputs))
            gradient = mg.grad(lambda *x: np.sum(case(*x) * weight), argnums=tuple(range(len(inputs))))
            return mg.jvp(gradient, inputs, directions)[1]

        found = mg.vmap(curvature, chosen)(*arrays)
        wants = [curvature(*entry(arrays, chosen, k)) for k in range(SIZE)]
        for i, g in enumerate(found):
            close(g, [want[i] for want in wants], 1e-10)


@cases
def test_a_batch_of_batches_equals_the_loops(case):
    """The inner one over the second axis of what it maps, the outer one over the first, whoever maps an argument."""
    for chosen, arrays in mapped(case):
        outer = [0 if i % 2 or axis is None else axis for i, axis in enumerate(chosen)]
        arrays = [some(x, 20 + i) if axis == 0 else x for i, (x, axis) in enumerate(zip(arrays, outer, strict=True))]
        inner = mg.vmap(case, chosen)
        wants = [[case(*entry(entry(arrays, outer, i), chosen, k)) for k in range(SIZE)] for i in range(SIZE)]
        close(mg.vmap(inner, tuple(outer))(*arrays), [np.stack([np.asarray(y) for y in row]) for row in wants])
