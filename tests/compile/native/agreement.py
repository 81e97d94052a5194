"""How a function in native code is compared with itself."""

import numpy as np
import pytest

import minigrad as mg

pytest.importorskip("llvmlite", reason="there is no LLVM to make native code")
pytest.importorskip("scipy", reason="products of matrices go to the BLAS that SciPy brings")

# Sums are in another order, and exp and tanh round otherwise: a few units in the last place, of the largest number
# that has gone into a result.
TOLERANCE = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 2e-5}


def assert_close(left, right, scale=1.0):
    """Assert that two nested results are of the same kinds, and agree but for rounding."""
    if isinstance(left, tuple | list):
        assert type(left) is type(right)
        assert len(left) == len(right)
        for x, y in zip(left, right, strict=True):
            assert_close(x, y, scale)
        return
    left, right = np.asarray(left), np.asarray(right)
    assert (left.shape, left.dtype) == (right.shape, right.dtype)
    tolerance = TOLERANCE.get(left.dtype, 0)
    np.testing.assert_allclose(left, right, rtol=tolerance, atol=tolerance * scale)


def agree(function, *many):
    """Call a function compiled and as it is with each of many tuples of arguments; the compiled function.

    Compiled it is called twice, as the first call with arrays of a layout only records.
    """
    compiled = mg.compile(function, backend="native")
    for args in many:
        with np.errstate(all="ignore"):
            want = function(*args)
            compiled(*args)
            got = compiled(*args)
        assert_close(got, want)
    return compiled


def left_to_numpy(compiled):
    """The names of what the latest program leaves to NumPy."""
    calls = compiled._latest.program.calls
    names = [getattr(call.function, "__name__", None) or getattr(call.function, "name", "reduce") for call in calls]
    return [name for name in names if not name.startswith("loops_") and name not in ("empty", "empty_like", "asarray")]
