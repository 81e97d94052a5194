"""Each rule replayed: a compiled value, derivative and second derivative have the bits of the uncompiled ones."""

import numpy as np
import pytest

import minigrad as mg
from tests.rules.cases import CASES, but_slow, function_of
from tests.rules.test_cases import cotangent_like

REFUSED = [np.trim_zeros]  # whose result has a length that a replay could not have
cases = pytest.mark.parametrize("case", but_slow(case for case in CASES if case.key not in REFUSED), ids=str)


def same_bits(left, right):
    """Whether two nested results have the same types and the same bits."""
    if isinstance(left, tuple | list):
        return type(left) is type(right) and all(map(same_bits, left, right))
    left, right = np.asarray(left), np.asarray(right)
    return (left.shape, left.dtype) == (right.shape, right.dtype) and left.tobytes() == right.tobytes()


@cases
def test_replays_have_the_bits_of_the_function(case):
    """Value and both modes, on the arrays that were recorded, and on others."""
    y = np.asarray(case(*case.arrays))
    function, call = function_of(case.key), case.call  # from the case itself, all rules can be reached, and are guarded

    def derivatives(g, *arrays):
        value, pull_back = mg.vjp(lambda *xs: call(function, *xs), *arrays)
        _, tangent = mg.jvp(lambda *xs: call(function, *xs), arrays, arrays)
        return value, pull_back(g), tangent

    compiled = mg.compile(derivatives)
    for factor in (1.0, 1.0, 1.0 + 2.0**-10, 1.0 - 2.0**-10):
        g = factor * cotangent_like(y)
        arrays = [factor * x for x in case.arrays]
        with np.errstate(all="ignore"):
            want = derivatives(g, *arrays)
            got = compiled(g, *arrays)
        assert same_bits(got, want), compiled.source
    assert len(compiled._replays) == 1
