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
