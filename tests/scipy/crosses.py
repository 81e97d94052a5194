"""What every function of arrays in the room is held to: SciPy's values, and derivatives in all modes and forms."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import gradcheck

from ..rules.numeric import extrapolated, relative_error

SEED = 20  # any will do
TOLERANCE = 1e-9  # of measured slopes, whose error is some 1e-11


@dataclass(frozen=True, eq=False)
class Case:
    """Our function of `arrays`, beside SciPy's of the same arrays: the same function, called with either module."""

    name: str
    ours: Callable
    theirs: Callable
    arrays: tuple
    atol: float = 1e-13

    @property
    def loss(self):
        """The sum of squares of what ours returns; a recording of it looks at nothing else of the case."""
        ours = self.ours
        return lambda *xs: mg.sum(ours(*xs) ** 2)

    @property
    def gradient(self):
        return mg.grad(self.loss, argnums=tuple(range(len(self.arrays))))

    def __str__(self):
        return self.name


def both(name, call, ours, theirs, *arrays, atol=1e-13):
    """A case of one call, `call(module, *arrays)`."""
    return Case(name, lambda *xs: call(ours, *xs), lambda *xs: call(theirs, *xs), arrays, atol)


def check_values(case):
    """SciPy's values, for arrays, lists and Tensors."""
    want = case.theirs(*case.arrays)
    np.testing.assert_allclose(case.ours(*case.arrays), want, rtol=1e-12, atol=case.atol)
    np.testing.assert_allclose(case.ours(*(x.tolist() for x in case.arrays)), want, rtol=1e-12, atol=case.atol)
    got = case.ours(*map(mg.tensor, case.arrays))
    assert isinstance(got, mg.Tensor)
    np.testing.assert_allclose(got.numpy(), want, rtol=1e-12, atol=case.atol)


def along(arrays, seed):
    """A direction in each array: a wrong entry of a gradient shows along it."""
    rng = np.random.default_rng([SEED, seed])
    return [rng.normal(size=np.shape(x)) for x in arrays]


def check_first_derivatives(case):
    """Reverse and forward mode along a direction agree with a measured slope, for each array alone."""
    y, pull = mg.vjp(case.ours, *case.arrays)
    (v,) = along([y], 1)
    for i, (g, u) in enumerate(zip(pull(v), along(case.arrays, 2), strict=True)):
        want = np.sum(v * extrapolated(lambda h, i=i, u=u: case.ours(*stepped(case.arrays, h * u, i))))
        tangents = tuple(u if j == i else np.zeros_like(x) for j, x in enumerate(case.arrays))
        scale = np.sum(np.abs(g * u))
        assert relative_error(np.sum(g * u), want, scale) <= TOLERANCE
        assert relative_error(np.sum(v * mg.jvp(case.ours, case.arrays, tangents)[1]), want, scale) <= TOLERANCE


def stepped(arrays, step, i):
    return (*arrays[:i], arrays[i] + step, *arrays[i + 1 :])


def check_second_derivatives(case):
    """The derivative of J'(x) v in x and v along a direction, by reverse over reverse and by forward over reverse."""
    at = (*case.arrays, *along([case.ours(*case.arrays)], 1))
    weights, directions = along(case.arrays, 3), along(at, 4)

    def pulled(*inputs):
        gs = mg.vjp(case.ours, *inputs[:-1])[1](inputs[-1])
        return sum(np.sum(g * w) for g, w in zip(gs, weights, strict=True))

    want = extrapolated(lambda h: pulled(*(x + h * u for x, u in zip(at, directions, strict=True))))
    terms = [g * u for g, u in zip(mg.grad(pulled, argnums=tuple(range(len(at))))(*at), directions, strict=True)]
    scale = sum(np.sum(np.abs(term)) for term in terms)
    assert relative_error(sum(np.sum(term) for term in terms), want, scale) <= TOLERANCE
    assert relative_error(mg.jvp(pulled, at, tuple(directions))[1], want, scale) <= TOLERANCE


def check_derivatives_of_tangents(case):
    """The derivative of J(x) u along a direction, by forward over forward and by reverse over forward."""
    (v,) = along([case.ours(*case.arrays)], 1)
    tangents, directions = tuple(along(case.arrays, 3)), along(case.arrays, 4)
    pushed = lambda *xs: np.sum(v * mg.jvp(case.ours, xs, tangents)[1])
    want = extrapolated(lambda h: pushed(*(x + h * u for x, u in zip(case.arrays, directions, strict=True))))
    gradients = mg.grad(pushed, argnums=tuple(range(len(case.arrays))))(*case.arrays)
    terms = [g * u for g, u in zip(gradients, directions, strict=True)]
    scale = sum(np.sum(np.abs(term)) for term in terms)
    assert relative_error(sum(np.sum(term) for term in terms), want, scale) <= TOLERANCE
    assert relative_error(mg.jvp(pushed, case.arrays, tuple(directions))[1], want, scale) <= TOLERANCE


def check_every_entry(case):
    """Each entry of first and second derivatives, and each rule by itself."""
    assert gradcheck(case.ours, case.arrays, order=2, rng=SEED)


def check_maps(case):
    """A map over examples equals a loop: values and gradients, for batches of all arrays and of each alone."""
    others = [x * np.where(np.arange(x.size).reshape(x.shape) % 2, 1.01, 1) for x in case.arrays]
    for mapped in {tuple(range(len(others))), *((i,) for i in range(len(others)))}:
        axes = tuple(0 if i in mapped else None for i in range(len(others)))
        pairs = [(x, y if i in mapped else x) for i, (x, y) in enumerate(zip(case.arrays, others, strict=True))]
        batch = [np.stack(pair) if i in mapped else pair[0] for i, pair in enumerate(pairs)]
        for f in (case.ours, case.gradient):
            got = mg.vmap(f, in_axes=axes)(*batch)
            want = [f(*entry) for entry in zip(*pairs, strict=True)]
            for parts in zip(*map(as_tuple, (got, *want)), strict=True):
                np.testing.assert_allclose(parts[0], np.stack(parts[1:]), rtol=1e-9, atol=1e-11)


def as_tuple(y):
    return y if isinstance(y, tuple) else (y,)


def check_compiled(case, backend):
    """A replay on other arrays has the values and gradients of a plain call."""
    loss, gradient = case.loss, case.gradient
    f = mg.compile(lambda *xs: (loss(*xs), *gradient(*xs)), backend=backend)
    f(*case.arrays)
    others = [x * 1.01 for x in case.arrays]
    for got, want in zip(f(*others), (loss(*others), *gradient(*others)), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-11)


def check_dtypes(case, half=True):
    """Float32 and float16 stay what they are, in values and gradients, near those in float64."""
    want = case.ours(*case.arrays)
    for dtype, rtol in ((np.float32, 1e-3), (np.float16, 0.1))[: 1 + half]:
        arrays = [x.astype(dtype) for x in case.arrays]
        got = case.ours(*arrays)
        assert got.dtype == dtype
        np.testing.assert_allclose(got.astype(float), want, rtol=rtol, atol=rtol * np.max(np.abs(want), initial=0))
        assert {g.dtype for g in case.gradient(*arrays)} == {np.dtype(dtype)}


def crosses(cases):
    """The tests of a table of cases, for a test module to take as its own."""
    table = pytest.mark.parametrize("case", cases, ids=str)

    def test_of(check):
        # A function of its own, as pytest writes marks down at functions.
        @table
        def test(case):
            check(case)

        return staticmethod(test)

    class TestCrosses:
        """Each case against SciPy, slopes, maps, replays and other dtypes."""

        test_values_are_those_of_scipy = test_of(check_values)
        test_first_derivatives_agree_with_slopes = test_of(check_first_derivatives)
        test_second_derivatives_agree_with_slopes = pytest.mark.slow(test_of(check_second_derivatives))
        test_derivatives_of_tangents_agree_with_slopes = pytest.mark.slow(test_of(check_derivatives_of_tangents))
        test_maps_equal_loops = pytest.mark.slow(test_of(check_maps))
        test_dtypes_stay = test_of(check_dtypes)

        @staticmethod
        @pytest.mark.slow
        @table
        def test_every_entry_agrees_with_slopes(case):
            check_every_entry(case)

        @staticmethod
        @table
        @pytest.mark.parametrize("backend", ["numpy", pytest.param("native", marks=pytest.mark.slow)])
        def test_replays_equal_plain_calls(case, backend):
            check_compiled(case, backend)

    return TestCrosses
