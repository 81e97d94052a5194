"""Other signatures of functions of each element."""

import numpy as np
import pytest

import minigrad as mg


def test_bounds_of_clip_go_by_either_name():
    x = mg.tensor([-2.0, 0.5, 2.0])
    for options in ({"a_min": 0, "a_max": 1}, {"min": 0, "max": 1}):
        assert mg.clip(x, **options).tolist() == [0, 0.5, 1]


@pytest.mark.parametrize("dtype", ["int8", "float16", "float32"])
def test_float_power_computes_in_double_precision(dtype):
    """As NumPy's does, integers to negative powers included; its derivative has the dtype of the argument."""
    x = np.array([2, 3], dtype)
    y = np.float_power(mg.asarray(x), -2)
    assert y.dtype == np.float64
    assert y.tolist() == [0.25, 3.0**-2]
    if dtype != "int8":
        slopes = mg.grad(lambda x: np.sum(np.float_power(x, -2)))(x)
        assert slopes.dtype == dtype
        np.testing.assert_allclose(slopes, [-0.25, -2 / 27], rtol=1e-3 if dtype == "float16" else 1e-7)


def test_fabs_makes_floats_of_integers():
    """Unlike abs, of a dtype that holds them."""
    assert np.fabs(mg.tensor(np.array([-3], np.int32))).dtype == np.float64
    assert mg.grad(lambda x: np.sum(np.fabs(x)))(np.array([-3.0, 0.0, 2.0])).tolist() == [-1, 0, 1]


@pytest.mark.parametrize("f", [np.modf, np.frexp, lambda x: np.divmod(x, 3)], ids=["modf", "frexp", "divmod"])
@pytest.mark.parametrize("dtype", ["int8", "int64", "float16", "float32", "float64"])
def test_two_results_are_those_of_numpy(f, dtype):
    """Parts of numbers with their signs, that of 0 as well, and of those that are not finite."""
    special = [-3.5, -0.0, np.inf, -np.inf, np.nan, 1e-8]
    x = np.array([4, 7, -9, 0, *([] if "int" in dtype else special)]).astype(dtype)
    with np.errstate(invalid="ignore"):
        for got, want in zip(f(mg.tensor(x)), f(x), strict=True):
            assert got.dtype == want.dtype
            np.testing.assert_array_equal(got.numpy(), want)
            np.testing.assert_array_equal(np.signbit(got), np.signbit(want))


def test_a_mantissa_has_the_slope_of_its_scale():
    """That of 10 = 0.625 * 2**4 is 1/16; the exponent has none, and puts the number together again."""
    assert mg.grad(lambda x: np.frexp(x)[0])(np.array(10.0)) == 1 / 16
    assert mg.grad(lambda x: np.ldexp(*np.frexp(x)) ** 2)(np.array(10.0)) == 20
    assert not np.frexp(mg.tensor(1.0, requires_grad=True))[1].requires_grad
