"""Clipping of gradients."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import optim
from minigrad.testing.strict import StrictArray

GRADIENTS = [np.array([3.0, -4.0]), np.array([[12.0]]), np.array(-2.0)]


def leaves(gradients=GRADIENTS):
    params = [mg.tensor(np.zeros_like(g), requires_grad=True) for g in gradients]
    for p, g in zip(params, gradients, strict=True):
        p.grad = g.copy()
    return params


def arrays(params):
    return [p.grad.data for p in params]


@pytest.mark.parametrize("norm_type", [1, 2, 3.5, np.inf])
@pytest.mark.parametrize("max_norm", [0.5, 5.0, 100.0])
def test_the_norm_of_all_elements_is_bounded(norm_type, max_norm):
    """Gradients are scaled by max_norm / (norm + 1e-6) if that is below 1; the norm before is returned."""
    params = leaves()
    flat = np.abs(np.array([3.0, 4.0, 12.0, 2.0]))
    expected = flat.max() if norm_type == np.inf else (flat**norm_type).sum() ** (1 / norm_type)
    norm = optim.clip_grad_norm_(params, max_norm, norm_type)
    assert norm == pytest.approx(expected, rel=1e-14)
    for g, before in zip(arrays(params), GRADIENTS, strict=True):
        np.testing.assert_allclose(g, before * min(1.0, max_norm / (expected + 1e-6)), rtol=1e-13)


# Elements of every size that a dtype has: zero, subnormal, small, ordinary, large.
SIZES = {
    np.float16: [0.0, 6e-8, 1e-4, 0.7, 300.0, 65504.0],
    np.float32: [0.0, 1e-45, 1e-30, 0.7, 3e20, 1e38],
    np.float64: [0.0, 5e-324, 1e-30, 0.7, 1e20, 1e300],
}
gradient = st.sampled_from(list(SIZES)).flatmap(
    lambda dtype: st.lists(st.sampled_from(SIZES[dtype] + [-x for x in SIZES[dtype]]), min_size=1, max_size=4).map(
        lambda x: np.array(x, dtype)
    )
)


def exact_norm(numbers, order):
    """The norm in 40 digits, which have no bounds."""
    if order == np.inf:
        return max(map(abs, numbers))
    return sum(abs(x) ** Decimal(order) for x in numbers) ** (1 / Decimal(order))


@given(
    st.lists(gradient, min_size=1, max_size=3),
    st.sampled_from([0.5, 1, 2, 2.5, 7, np.inf]),
    st.sampled_from([1e-40, 1e-3, 1.0, 1e10, 1e301]),
)
def test_norm_and_gradients_are_right_to_rounding(gradients, order, max_norm):
    """Of every order, over mixed dtypes, from subnormal numbers to the largest: no power overflows or vanishes."""
    params = leaves(gradients)
    with localcontext(prec=40, Emax=10**6, Emin=-(10**6)), np.errstate(over="raise", divide="raise", invalid="raise"):
        expected = exact_norm([Decimal(float(x)) for g in gradients for x in g], order)
        factor = min(Decimal(1), Decimal(max_norm) / (expected + Decimal("1e-6")))
        norm = optim.clip_grad_norm_(params, max_norm, order)
        least = Decimal(float(np.finfo(float).smallest_subnormal))
        assert abs(Decimal(float(norm)) - expected) <= Decimal("1e-14") * expected + least  # a few dozen ulps
        for g, before in zip(arrays(params), gradients, strict=True):
            limits = np.finfo(g.dtype)
            assert g.dtype == before.dtype
            for x, y in zip(g.tolist(), before.tolist(), strict=True):
                right = factor * Decimal(y)  # from which the norm is off, and four roundings
                bound = Decimal(3 * float(limits.eps) + 1e-14) * abs(right) + Decimal(float(limits.smallest_subnormal))
                assert abs(Decimal(x) - right) <= bound


def test_many_elements_are_added_in_double_precision():
    """The norm of 200,001 numbers in single precision is right to 1e-12, in parts as well as beside small arrays."""
    g = np.full(200_001, 0.1, np.float32)
    for gradients in ([g], [g, np.float32([0.1])]):
        expected = float(g[0]) * sum(x.size for x in gradients) ** 0.5
        assert optim.clip_grad_norm_(leaves(gradients), 1e9) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("dtype", SIZES, ids=lambda x: x.__name__)
@pytest.mark.parametrize("limit", [0.0, 1e-50, 0.25, 1e5, 1e300])
def test_values_are_clipped_in_every_dtype(dtype, limit):
    """A bound beyond the dtype changes nothing and warns of nothing."""
    x = np.array([*SIZES[dtype], -1.0], dtype)
    (p,) = leaves([x])
    optim.clip_grad_value_([p], limit)
    np.testing.assert_array_equal(p.grad.data, np.clip(x.astype(float), -limit, limit).astype(dtype))
    assert p.grad.dtype == dtype


@pytest.mark.parametrize("clip", [optim.clip_grad_norm_, optim.clip_grad_value_])
def test_a_gradient_in_read_only_memory_is_refused(clip):
    """By name, before any other gradient has changed."""
    params = leaves([np.array([3.0]), np.array([4.0])])
    locked = np.array([4.0])
    locked.flags.writeable = False
    params[1].grad = mg.asarray(locked)
    with pytest.raises(ValueError, match="in place; the memory of that of parameter 1 is read-only. Set p.grad to a"):
        clip(params, 0.1)
    assert params[0].grad.item() == 3.0


def test_gradients_keep_their_memory_and_dtype():
    """Clipping writes into the arrays that are there, in their precision."""
    params = leaves([np.float32([3, 4]), np.array([12.0])])
    before = arrays(params)
    assert optim.clip_grad_norm_(iter(params), 1.0) == pytest.approx(13.0)
    assert all(g is b for g, b in zip(arrays(params), before, strict=True))
    assert [g.dtype for g in before] == [np.float32, np.float64]
    np.testing.assert_allclose(before[0], [3 / 13, 4 / 13], rtol=1e-6)  # single precision, and the 1e-6 of the factor


def test_without_gradients_there_is_nothing_to_clip():
    """The norm of no gradient is 0, also of an empty one, of a constant, and of a parameter that was not used."""
    unused, empty = mg.tensor([1.0], requires_grad=True), mg.tensor(np.zeros(0), requires_grad=True)
    empty.grad = np.zeros(0)
    assert optim.clip_grad_norm_([unused, empty, mg.tensor([1.0])], 1.0) == 0.0
    optim.clip_grad_value_([unused], 1.0)
    assert unused.grad is None


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_norm_that_is_not_finite_is_refused(bad):
    """The error says where to look, and no gradient has changed; told otherwise, all become NaN or 0."""
    params = leaves([np.array([1.0, 2.0]), np.array([bad])])
    with pytest.raises(FloatingPointError, match="norm of the gradients is not finite, .* mg.detect_anomaly"):
        optim.clip_grad_norm_(params, 1.0)
    np.testing.assert_array_equal(params[0].grad.data, [1.0, 2.0])
    with np.errstate(invalid="ignore"):
        norm = optim.clip_grad_norm_(params, 1.0, error_if_nonfinite=False)
    np.testing.assert_equal(float(norm), bad)
    assert np.isnan(params[1].grad.data[0])


def test_clipping_compiles_and_goes_on_checking():
    """A replay clips as the function does, and raises if the norm is not finite."""
    ours, theirs = leaves([np.array([3.0, 4.0])]), leaves([np.array([3.0, 4.0])])

    def clip(params):
        norm = optim.clip_grad_norm_(params, 1.0)
        optim.clip_grad_value_(params, 0.7)
        return norm

    compiled = mg.compile(lambda: clip(ours))
    for g in ([3.0, 4.0], [30.0, 1.0], [0.1, 0.1]):
        ours[0].grad, theirs[0].grad = np.array(g), np.array(g)
        assert compiled() == clip(theirs)
        np.testing.assert_array_equal(ours[0].grad.data, theirs[0].grad.data)
    ours[0].grad = np.array([1.0, np.nan])
    with pytest.raises(FloatingPointError, match="norm of the gradients is not finite"):
        compiled()
    np.testing.assert_array_equal(ours[0].grad.data, [1.0, np.nan])


def test_other_arrays_are_clipped_as_well():
    """Gradients that are no arrays of NumPy's are scaled by NumPy's functions."""
    (w,) = leaves([np.array([3.0, 4.0])])
    w.node.notes.grad = StrictArray(np.array([3.0, 4.0]))
    optim.clip_grad_norm_([w], 1.0)
    np.testing.assert_allclose(w.node.notes.grad.values, [0.6, 0.8], rtol=1e-6)  # the 1e-6 of the factor
    optim.clip_grad_value_([w], 0.7)
    np.testing.assert_allclose(w.node.notes.grad.values, [0.6, 0.7], rtol=1e-6)


def test_values_are_clipped():
    """Each element is put between both bounds, in place; NaN stays."""
    params = leaves([np.array([-3.0, 0.5, np.nan]), np.array(7.0)])
    optim.clip_grad_value_(params, 2)
    np.testing.assert_array_equal(params[0].grad.data, [-2.0, 0.5, np.nan])
    assert params[1].grad.item() == 2.0


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda p: optim.clip_grad_norm_(p, 1.0),
            TypeError,
            "clip_grad_norm_ takes a list of parameters; got a single",
        ),
        (lambda p: optim.clip_grad_norm_([1.0], 1.0), TypeError, "takes Tensors; parameter 0 is a float"),
        (lambda p: optim.clip_grad_norm_([p, p], 1.0), ValueError, "clip_grad_norm_ takes each parameter once"),
        (lambda p: optim.clip_grad_norm_([p], -1.0), ValueError, "max_norm is a finite number, at least 0; got -1.0"),
        (lambda p: optim.clip_grad_norm_([p], np.nan), ValueError, "max_norm is a finite number"),
        (lambda p: optim.clip_grad_norm_([p], 1.0, 0), ValueError, "norm_type is above 0; got 0"),
        (lambda p: optim.clip_grad_norm_([p], 1.0, np.nan), ValueError, "norm_type is a finite number"),
        (lambda p: optim.clip_grad_value_([p, p], 1.0), ValueError, "clip_grad_value_ takes each parameter once"),
        (lambda p: optim.clip_grad_value_([p], -1.0), ValueError, "clip_value is a finite number, at least 0"),
    ],
)
def test_what_cannot_be_clipped_is_refused(call, error, text):
    """Wrong parameters and bounds are refused by name, and no gradient has changed."""
    (p,) = leaves([np.array([3.0])])
    with pytest.raises(error, match=text):
        call(p)
    assert p.grad.item() == 3.0


def test_one_program_serves_gradients_that_are_clipped_and_others():
    """A recorded step does not ask whether there is something to scale."""
    w = mg.tensor([3.0, 4.0], requires_grad=True)

    def step(x):
        w.grad = None
        mg.sum(w * x).backward()
        optim.clip_grad_norm_([w], 1.0)

    compiled = mg.compile(step)
    for x in (np.array([0.3, 0.4]), np.array([3.0, 4.0]), np.array([0.1, 0.0])):
        compiled(x)
        np.testing.assert_allclose(w.grad, x / max(1.0, np.hypot(*x)), rtol=1e-5)  # of 1e-6 beside the norm
    assert len(compiled.programs) == 1
