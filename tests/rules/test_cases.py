"""Every rule against numeric derivatives, in both modes, at second order, and on arrays of other kinds.

The cases are in cases.py; a rule without one fails here.
"""

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.context import Observing
from minigrad.core.primitive import REGISTRY
from minigrad.core.short import public
from minigrad.testing import StrictArray

from .cases import CASES, but_slow
from .numeric import complex_step, extrapolated, gradient, relative_error

TOLERANCE = 1e-10  # the largest error is 4e-12
cases = pytest.mark.parametrize("case", CASES, ids=str)
cases_but_slow = pytest.mark.parametrize("case", but_slow(CASES), ids=str)


def cotangent_like(y, seed=1):
    return np.asarray(np.random.default_rng(seed).normal(size=np.shape(y)))


def plain(x):
    """A result on StrictArrays as an ndarray."""
    x = x.detach().value if isinstance(x, mg.Tensor) else x
    return x.values if isinstance(x, StrictArray) else np.asarray(x)


def is_scipys(primitive):
    made = next((rule for rule in primitive.rules if rule), primitive.function)
    return (getattr(made, "__module__", None) or "").startswith("minigrad.scipy")


def test_every_rule_has_a_case():
    """A function with a derivative, of its own or composed, has a line in the table, under one of its names.

    Those of SciPy's, which are there if another test has loaded them, have tests of their own.
    """
    covered = {id(REGISTRY[case.key]) for case in CASES}
    differentiable = [p for p in REGISTRY.values() if p.kind == "composed" or any(p.rules)]
    missing = [p.name for p in differentiable if id(p) not in covered and not is_scipys(p)]
    assert missing == ["fix"] * (np.lib.NumpyVersion(np.__version__) >= "2.5.0")  # each call of which warns there


@cases
def test_value_is_that_of_numpy(case):
    """On arrays that are watched, a function has the value that NumPy's function has on plain ones."""
    y, _ = mg.vjp(case, *case.arrays)
    np.testing.assert_allclose(y, case.value_of_numpy(), rtol=1e-13, atol=1e-13)


@cases
def test_reverse_mode_agrees_with_numeric_derivatives(case):
    y, pull_back = mg.vjp(case, *case.arrays)
    v = cotangent_like(y)
    derivative = complex_step if case.analytic else extrapolated
    for i, g in enumerate(pull_back(v)):
        want = gradient(lambda *arrays: np.sum(v * case(*arrays)), case.arrays, i, derivative)
        assert relative_error(g, want) <= TOLERANCE


@cases
def test_forward_mode_is_the_transpose_of_reverse_mode(case):
    """<v, J u> = <J' v, u>, for all arguments together and for each alone."""
    y, pull_back = mg.vjp(case, *case.arrays)
    v = cotangent_like(y)
    tangents = [cotangent_like(x, seed) for seed, x in enumerate(case.arrays, 2)]
    pulled = pull_back(v)
    parts = [np.sum(g * u) for g, u in zip(pulled, tangents, strict=True)]
    _, dy = mg.jvp(case, case.arrays, tuple(tangents))
    np.testing.assert_allclose(np.sum(v * dy), np.sum(parts), rtol=1e-10, atol=1e-12)
    for i, part in enumerate(parts):
        _, dy = mg.jvp(
            lambda x, i=i: case(*case.arrays[:i], x, *case.arrays[i + 1 :]), (case.arrays[i],), (tangents[i],)
        )
        np.testing.assert_allclose(np.sum(v * dy), part, rtol=1e-10, atol=1e-12)


@cases_but_slow
def test_second_derivatives_agree_with_numeric_ones(case):
    """The derivative of J'(x) v along a direction in x and v, by reverse over reverse and by forward over reverse."""
    y = case(*case.arrays)
    at = (*case.arrays, cotangent_like(y))
    along = tuple(cotangent_like(x, seed) for seed, x in enumerate(at, 3))

    def pulled(*inputs):
        _, pull_back = mg.vjp(case, *inputs[:-1])
        gs = pull_back(inputs[-1])
        weights = [cotangent_like(x, seed) for seed, x in enumerate(case.arrays, 9)]
        return sum(np.sum(g * w) for g, w in zip(gs, weights, strict=True))

    want = extrapolated(lambda h: pulled(*(x + h * d for x, d in zip(at, along, strict=True))))
    gradients = mg.grad(pulled, argnums=tuple(range(len(at))))(*at)
    terms = [g * d for g, d in zip(gradients, along, strict=True)]
    scale = sum(np.sum(np.abs(term)) for term in terms)
    assert relative_error(sum(np.sum(term) for term in terms), want, scale) <= TOLERANCE
    _, forward = mg.jvp(pulled, at, along)
    assert relative_error(forward, want, scale) <= TOLERANCE


@cases_but_slow
def test_rules_answer_in_shape_and_dtype(case):
    """What a rule answers needs no cast, and no sum where nothing was broadcast; in float32 as in float64."""
    seen = []

    def observe(p, i, answer, g, y, args, kwargs):
        operand = (args[0] if p.sequence else args)[i]
        stretched = p.kind in ("elementwise", "multilinear") and np.shape(operand) != y.shape
        if hasattr(operand, "dtype") and not stretched:
            seen.append((p.name, i, answer.shape, operand.shape, answer.dtype, operand.dtype))

    with Observing(observe):
        for dtype in (np.float64, np.float32):
            y, pull_back = mg.vjp(case, *(x.astype(dtype) for x in case.arrays))
            pull_back(cotangent_like(y).astype(dtype))
    for _name, _i, shape, wanted_shape, dtype, wanted_dtype in seen:
        assert shape == wanted_shape
        assert dtype == wanted_dtype


@cases
def test_float32_stays_float32(case):
    """Values and derivatives of float32 arrays are float32, and near those in float64."""
    single = [x.astype(np.float32) for x in case.arrays]
    y, pull_back = mg.vjp(case, *case.arrays)
    v = cotangent_like(y)
    y32, pull_back32 = mg.vjp(case, *single)
    _, dy32 = mg.jvp(case, tuple(single), tuple(single))
    assert y32.dtype == dy32.dtype == np.float32
    np.testing.assert_allclose(y32, y, rtol=1e-4, atol=1e-5)  # some hundred units of the last place
    for g32, g in zip(pull_back32(v.astype(np.float32)), pull_back(v), strict=True):
        assert g32.dtype == np.float32
        assert relative_error(g32, g) <= 1e-3  # these derivatives may cancel


@cases_but_slow
def test_works_on_arrays_that_are_not_ndarrays(case):
    """Value, reverse and forward mode on StrictArrays: nothing is converted, so a GPU's arrays would stay there."""
    strict = [mg.asarray(StrictArray(x)) for x in case.arrays]
    y, pull_back = mg.vjp(case, *case.arrays)
    v = cotangent_like(y)
    y_strict, pull_back_strict = mg.vjp(case, *strict)
    np.testing.assert_allclose(plain(y_strict), y, rtol=1e-13)
    for g_strict, g in zip(pull_back_strict(mg.asarray(StrictArray(v))), pull_back(v), strict=True):
        np.testing.assert_allclose(plain(g_strict), g, rtol=1e-12, atol=1e-14)
    _, dy = mg.jvp(case, case.arrays, case.arrays)
    _, dy_strict = mg.jvp(case, tuple(strict), tuple(StrictArray(x) for x in case.arrays))
    np.testing.assert_allclose(plain(dy_strict), dy, rtol=1e-12, atol=1e-14)


def takes_lists(case):
    """Whether NumPy's function does, as most do; the call itself may ask for more, such as x.mT."""
    try:
        case.on(*(x.tolist() for x in case.arrays)).value_of_numpy()
    except (AttributeError, TypeError, ValueError, np.exceptions.AxisError):
        return False
    return True


@pytest.mark.parametrize("case", but_slow(case for case in CASES if takes_lists(case)), ids=str)
def test_lists_serve_as_arrays(case):
    """Where NumPy takes lists of numbers, so do the functions of the package, alone and beside Tensors."""
    function, lists = public(REGISTRY[case.key]), [x.tolist() for x in case.arrays]
    y = case.value_of_numpy()
    np.testing.assert_allclose(case.call(function, *lists), y, rtol=1e-13, atol=1e-13)
    for i, x in enumerate(case.arrays):
        mixed = case.call(function, *lists[:i], mg.tensor(x), *lists[i + 1 :])
        np.testing.assert_allclose(mixed.numpy(), y, rtol=1e-13, atol=1e-13)


def broadcasting_pairs():
    """Each elementwise function of two arrays, on shapes that NumPy stretches against each other."""
    for case in CASES:
        if case.stretchable:
            a, b = case.arrays
            for left, right in [(a[:, :1], b[:1]), (a, b[0]), (a[0, 0], b), (a[0], b[:, :1]), (a[None], b[0, 0])]:
                yield case.on(np.array(left), np.array(right))


@pytest.mark.parametrize("case", list(broadcasting_pairs()), ids=str)
def test_broadcasting_is_undone(case):
    """Where NumPy stretches an argument, its derivative sums over the copies."""
    test_reverse_mode_agrees_with_numeric_derivatives(case)
    test_forward_mode_is_the_transpose_of_reverse_mode(case)
    test_float32_stays_float32(case)
    test_works_on_arrays_that_are_not_ndarrays(case)
