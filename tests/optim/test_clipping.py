"""Clipping of gradients."""

import numpy as np
import pytest

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
