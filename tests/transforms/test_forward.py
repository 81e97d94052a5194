"""Forward mode: tangents of arrays that are filled, and of what has none."""

import numpy as np
import pytest

import minigrad as mg

X, T = np.array([1.0, 2.0, 3.0]), np.array([10.0, 100.0, 1000.0])


def test_a_filled_array_has_the_tangents_of_what_was_written():
    """Values and tangents are written at the same places, constants have none, and a part read is a copy."""

    def f(x):
        y = x * 1.0
        y[0] = x[1] * x[2]
        part = y[:2]
        y[1] = 7.0
        y[2:] = y[0] * 2.0
        return y, part

    (y, part), (dy, dpart) = mg.jvp(f, (X,), (T,))
    product = X[1] * T[2] + T[1] * X[2]
    np.testing.assert_array_equal(y, [6, 7, 12])
    np.testing.assert_array_equal(dy, [product, 0, 2 * product])
    np.testing.assert_array_equal(part, [6, 2])
    np.testing.assert_array_equal(dpart, [product, 100])


def test_an_array_without_a_tangent_can_be_filled():
    """A constant takes constants, and has a tangent from the first watched value on."""

    def f(x):
        c = x * 1.0
        with mg.no_grad():
            c *= 0.0
        c[0] = 5.0
        before = c[0] * 1.0
        c[1] = x[0]
        return c, before

    (c, before), (dc, dbefore) = mg.jvp(f, (X,), (T,))
    np.testing.assert_array_equal(c, [5, 1, 0])
    np.testing.assert_array_equal(dc, [0, 10, 0])
    assert (before, dbefore) == (5, 0)


def test_a_refused_write_leaves_value_and_tangent():
    """A value that does not fit raises, and the array is as it was."""

    def f(x):
        y = x * 1.0
        for _ in range(2):
            with pytest.raises(ValueError, match="index_update of"):
                y[:] = np.ones(2)
            y[0] = 0.0
        return y

    np.testing.assert_array_equal(mg.jvp(f, (X,), (T,)), [[0, 2, 3], [0, 100, 1000]])


def test_tangents_of_an_inner_level_are_written_into_plain_ones():
    """A tangent that is watched itself turns a plain one into one that is watched: mixed derivatives are right."""

    def f(x, y):
        b = x * 1.0
        b[1] = x[0] * y[0]
        b[2] = x[1] * y[1] * y[1]
        return b

    got = mg.jacobian(lambda y: mg.jvp(lambda x: f(x, y), (X,), (T,))[1])(X)
    np.testing.assert_array_equal(got, [[0, 0, 0], [T[0], 0, 0], [0, 2 * T[1] * X[1], 0]])
