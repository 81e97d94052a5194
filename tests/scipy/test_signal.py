"""Convolutions and filters, as SciPy's of the same name, in all modes and forms."""

import numpy as np
import pytest
import scipy.signal

import minigrad as mg
from minigrad.scipy import signal

from .crosses import SEED, both, crosses

rng = np.random.default_rng(SEED)


def normal(*shape):
    return rng.normal(size=shape)


def case(name, call, *arrays):
    return both(name, call, signal, scipy.signal, *arrays)


def coefficients(n):
    """Of a denominator whose poles are inside of the unit circle."""
    return np.append(2.0, 0.5 * normal(n - 1))


def filtered_from(m, b, a, x, zi):
    """The signal, with the state at its end behind it."""
    y, zf = m.lfilter(b, a, x, zi=zi)
    return np.concatenate([y, zf], axis=-1)


CONVOLUTIONS = [
    case(
        f"{name}-{mode}-{method}-{shapes}",
        lambda m, a, b, name=name, mode=mode, method=method: getattr(m, name)(a, b, mode, method),
        *(normal(*shape) for shape in shapes),
    )
    for name, mode, method, shapes in [
        ("convolve", "full", "direct", ((5,), (3,))),
        ("convolve", "valid", "direct", ((3,), (5,))),
        ("convolve", "same", "auto", ((4, 5), (3, 2))),
        ("convolve", "valid", "fft", ((4, 5), (3, 2))),
        ("correlate", "full", "auto", ((5,), (3,))),
        ("correlate", "same", "direct", ((4, 3), (2, 2))),
        ("correlate", "valid", "fft", ((2,), (5,))),
    ]
]
BY_FOURIER = [
    case("fftconvolve", lambda m, a, b: m.fftconvolve(a, b), normal(3, 2), normal(2, 4)),
    case("fftconvolve-axis", lambda m, a, b: m.fftconvolve(a, b, "same", axes=-1), normal(3, 5), normal(1, 3)),
    case("fftconvolve-valid", lambda m, a, b: m.fftconvolve(a, b, "valid", axes=[0]), normal(5, 1), normal(2, 3)),
]
FILTERS = [
    case("lfilter", lambda m, b, a, x: m.lfilter(b, a, x), normal(3), coefficients(2), normal(2, 6)),
    case("lfilter-axis", lambda m, b, a, x: m.lfilter(b, a, x, axis=0), normal(1), coefficients(3), normal(5, 2)),
    case("lfilter-state", filtered_from, normal(3), coefficients(4), normal(2, 6), normal(2, 3)),
    case("lfilter-short", filtered_from, normal(4), coefficients(2), normal(2, 2), normal(1, 3)[[0, 0]]),
]
TestCrosses = crosses([*CONVOLUTIONS, *BY_FOURIER, *FILTERS])

REFUSED = {
    "axes": (
        lambda: signal.convolve(np.ones(2), np.ones((2, 2))),
        r"convolve takes two arrays of as many axes; got the shapes \(2,\) and \(2, 2\)",
    ),
    "mode": (
        lambda: signal.fftconvolve(np.ones(2), np.ones(2), "all"),
        "fftconvolve takes mode 'full', 'same' or 'valid'; got 'all'",
    ),
    "method": (
        lambda: signal.convolve(np.ones(2), np.ones(2), method="slow"),
        "convolve takes method 'auto', 'direct' or 'fft'; got 'slow'",
    ),
    "valid": (
        lambda: signal.convolve(np.ones((2, 3)), np.ones((3, 2)), "valid"),
        r"convolve with mode='valid' takes one array that is at least as long as the other along every axis; got the "
        r"shapes \(2, 3\) and \(3, 2\)",
    ),
    "no numbers": (
        lambda: signal.convolve(np.ones(0), np.ones(3)),
        r"convolve takes a number or more along each axis; got the shapes \(0,\) and \(3,\)",
    ),
    "no axis": (
        lambda: signal.fftconvolve(np.ones(2), np.ones(2), axes=()),
        "fftconvolve takes one axis or more; got none",
    ),
    "coefficients": (
        lambda: signal.lfilter(np.ones((2, 2)), [1.0], np.ones(3)),
        r"lfilter takes coefficients b along one axis; got an array of shape \(2, 2\)",
    ),
    "no coefficients": (lambda: signal.lfilter([1.0], [], np.ones(3)), r"coefficients a along one axis; .* \(0,\)"),
    "number": (lambda: signal.lfilter([1.0], [1.0], 3.0), "lfilter takes a signal of one axis or more; got a number"),
    "state": (
        lambda: signal.lfilter([1.0, 2], [1.0, 3, 4], np.ones((2, 3)), zi=np.ones((2, 3))),
        r"lfilter takes a state zi of shape \(2, 2\); got \(2, 3\)",
    ),
    "first": (lambda: signal.lfilter([1.0], [0.0, 1], np.ones(3)), "lfilter takes coefficients a that begin with"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_what_is_wanted(name):
    call, text = REFUSED[name]
    with pytest.raises(ValueError, match=text):
        call()


def test_numbers_are_products():
    """Arrays without axes, as in SciPy."""
    assert signal.convolve(2.0, 3.0) == signal.correlate(2.0, 3.0) == signal.fftconvolve(2.0, 3.0) == 6


def test_no_signals_are_filtered_to_none():
    """A batch of no signals, along an axis beside them, and a signal of no numbers."""
    y, pull = mg.vjp(lambda a, b: signal.fftconvolve(a, b, axes=-1), np.ones((0, 4)), np.ones((1, 3)))
    assert y.shape == (0, 6)
    np.testing.assert_array_equal(pull(y)[1], np.zeros((1, 3)))
    assert signal.lfilter([1.0, 2], [1.0], np.ones((2, 0))).shape == (2, 0)


def test_a_convolution_is_linear_in_each_operand():
    """Its derivative along an operand is the convolution itself."""
    a, b, t = normal(6), normal(3), normal(6)
    for mode in ("full", "same", "valid"):
        got = mg.jvp(lambda a, mode=mode: signal.convolve(a, b, mode), (a,), (t,))[1]
        np.testing.assert_allclose(got, np.convolve(t, b, mode), rtol=1e-12, atol=1e-14)


def test_pieces_of_a_signal_are_filtered_as_the_whole():
    """The state at the end of one piece begins the next, and the gradient flows through it."""
    b, a, x = normal(3), coefficients(3), normal(9)

    def in_pieces(x):
        first, state = signal.lfilter(b, a, x[:4], zi=np.zeros(2))
        return np.concatenate([first, signal.lfilter(b, a, x[4:], zi=state)[0]])

    np.testing.assert_allclose(in_pieces(x), scipy.signal.lfilter(b, a, x), rtol=1e-12, atol=1e-14)
    v = normal(9)
    np.testing.assert_allclose(
        mg.grad(lambda x: np.sum(v * in_pieces(x)))(x),
        mg.grad(lambda x: np.sum(v * signal.lfilter(b, a, x)))(x),
        rtol=1e-12,
    )


def test_second_derivatives_of_a_filter_mix_signal_and_coefficients():
    """By all pairs of numerator, denominator and signal, beside differences."""
    rng = np.random.default_rng(4)
    b, a, x = rng.normal(size=3), np.array([2.0, 0.3, -0.2]), rng.normal(size=6)
    weights = rng.normal(size=6)
    mg.testing.gradcheck(lambda b, a, x: np.sum(weights * signal.lfilter(b, a, x) ** 3), (b, a, x), rng=1, order=2)
