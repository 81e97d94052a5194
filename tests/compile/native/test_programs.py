"""Random programs: a function in native code answers and leaves behind what it does itself, but for rounding."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import optim
from minigrad.compile.native import kernels
from minigrad.core.recorder import state_array
from tests.rules.cases import CASES
from tests.rules.test_cases import cotangent_like

from ..test_programs import MOVES, SHAPES, arrays_for, play, programs, run
from .agreement import assert_close

# Hypothesis finds programs that magnify rounding errors, as differences of nearly equal numbers do.
SCALE = 1e3


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(
    programs(),
    st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3),
    st.lists(st.sampled_from([np.float64, np.float32]), min_size=3, max_size=3),
)
def test_random_programs_agree(steps, shapes, dtypes):
    """Four calls on changing arrays, with a parameter that is updated and an array that is changed in place."""
    kept = [mg.tensor(np.ones((3, 4)), requires_grad=True) for _ in range(2)]
    weights = [mg.tensor(np.full(4, 0.5), requires_grad=True) for _ in range(2)]
    optimizers = [optim.SGD([w], lr=0.1) for w in weights]

    def function(n, arrays):
        made = run(steps, [*arrays, weights[n] * 1.0], kept[n])
        loss = sum((np.sum(np.tanh(x)) for x in made), np.sum(weights[n]))
        optimizers[n].zero_grad()
        loss.backward()
        optimizers[n].step()
        return [x.detach() for x in made], loss.detach()

    compiled = mg.compile(lambda arrays: function(0, arrays), backend="native")
    single = any(x.dtype == np.float32 for x in function(1, [mg.tensor(x) for x in arrays_for(9, shapes, dtypes)])[0])
    single = single or np.float32 in dtypes
    close = (lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)) if single else rounded
    with np.errstate(all="ignore"):
        for seed in range(4):
            weights[1].data[...], kept[1].data[...] = weights[0].data, kept[0].data
            optimizers[0].lr = optimizers[1].lr = 0.1 / (seed + 1)
            arrays = arrays_for(seed, shapes, dtypes)
            made, loss = compiled([mg.tensor(x) for x in arrays])
            other, other_loss = function(1, [mg.tensor(x) for x in arrays])
            for x, y in zip([*made, loss], [*other, other_loss], strict=True):
                close(x.data, y.data)
            close(weights[0].data, weights[1].data)
            close(kept[0].data, kept[1].data)
            close(weights[0].grad.data, weights[1].grad.data)


def rounded(left, right):
    """Assert that two arrays agree but for rounding."""
    finite = np.where(np.isfinite(right), right, 0)
    assert_close(left, right, SCALE * max(1, np.max(np.abs(finite), initial=0)))


@pytest.mark.slow
@pytest.mark.parametrize("long", [1, kernels.LONG])  # statements that are functions, or one function
@settings(max_examples=8, deadline=None)
@given(moves=st.lists(MOVES, min_size=1, max_size=14))
def test_changes_in_place_and_views_agree(long, moves):
    """Of arguments, of arrays from outside that may be each other's views, and of arrays made on the way."""
    memory = [np.arange(12.0).reshape(4, 3) / 8 for _ in range(2)]
    ours, theirs = ([m[:3], m[1:].T.copy() if len(moves) % 2 else m[1:]] for m in memory)
    compiled = mg.compile(lambda x: play(moves, x, ours, state_array), backend="native")
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        patch.setattr(kernels, "LONG", long)
        for seed in range(3):
            x, y = (np.random.default_rng(seed).normal(size=(3, 3)) for _ in range(2))
            rounded_all(compiled(x), play(moves, y, theirs, lambda kept: kept))
            rounded_all([x, *ours], [y, *theirs])


def rounded_all(left, right):
    """Assert that arrays in nested lists agree but for rounding."""
    for x, y in zip(flat(left), flat(right), strict=True):
        rounded(x, y)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES[::25], ids=str)
def test_rules_agree(case):
    """Value and both modes of some rules, on the arrays that were recorded, and on others."""
    y = np.asarray(case(*case.arrays))

    def derivatives(g, *arrays):
        value, pull_back = mg.vjp(case, *arrays)
        _, tangent = mg.jvp(case, arrays, arrays)
        return value, pull_back(g), tangent

    compiled = mg.compile(derivatives, backend="native")
    for factor in (1.0, 1.0, 1.0 + 2.0**-10):
        g = factor * cotangent_like(y)
        arrays = [factor * x for x in case.arrays]
        with np.errstate(all="ignore"):
            want, got = derivatives(g, *arrays), compiled(g, *arrays)
        assert_close(
            got, want, 1 + max(np.max(np.abs(x), initial=0) for x in map(np.asarray, flat(want)) if x.dtype == y.dtype)
        )


def flat(tree):
    return [leaf for part in tree for leaf in flat(part)] if isinstance(tree, tuple | list) else [tree]
