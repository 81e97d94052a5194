"""In which precision functions and rules compute."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.rules.precision import InSingle, accumulated, as_floats, as_single, of_floats


def seen_by(wrap, *args, **kwargs):
    """The dtypes in which a wrapped function gets its arrays, and that of its result."""
    seen = []

    def function(*args, **kwargs):
        seen.extend(x.dtype.name for x in (*args, *kwargs.values()) if hasattr(x, "dtype"))
        return args[0]

    return seen, wrap(function)(*args, **kwargs).dtype


@pytest.mark.parametrize(
    ("given", "inside", "result"),
    [
        ("float64", "float64", "float64"),
        ("float32", "float32", "float32"),
        ("float16", "float32", "float16"),
        ("bool", "float64", "float64"),
        ("uint8", "float64", "float64"),
    ],
)
def test_functions_of_floats_get_floats(given, inside, result):
    """Integers as float64, and float16 as float32 until the result is there."""
    assert seen_by(of_floats, np.ones(2, given)) == ([inside], result)
    assert seen_by(of_floats, mg.ones(2, given)) == ([inside], result)


def test_only_integers_and_only_float16_are_converted():
    x = np.ones(2, np.float32)
    assert as_floats(x) is as_single(x) is x
    assert as_floats(2) == 2
    assert as_floats(np.ones(2, np.int8)).dtype == np.float64
    assert as_single(np.ones(2, np.float16)).dtype == np.float32


def test_reductions_to_float16_go_by_way_of_float32():
    """Whether the array has that dtype, or the result was asked for in it; another dtype that was asked for stays."""
    reduced = accumulated(np.sum)
    for x, options in ((np.ones((4000, 1), np.float16), {}), (np.ones((4000, 1)), {"dtype": np.float16})):
        y = reduced(x, 0, **options)
        assert y.dtype == np.float16
        assert y[0] == 4000
    assert reduced(np.ones(3, np.float16), None, np.float64).dtype == np.float64
    assert reduced(np.ones(3, np.int8)).dtype == np.int64


def test_rules_compute_in_single_precision_for_results_of_float16_alone():
    """All arrays are float32 then, and the answer is float16."""
    half, single = np.ones(2, np.float16), np.ones(2, np.float32)
    rule = lambda g, y, x, axis=None: g * y * x
    seen = []
    watched = lambda *args, **kwargs: (seen.append([x.dtype.name for x in args]), rule(*args, **kwargs))[1]
    assert InSingle(watched)(half, half, half, axis=0).dtype == np.float16
    assert InSingle(watched)(single, single, half).dtype == np.float32
    assert seen == [["float32"] * 3, ["float32", "float32", "float16"]]
    anew = InSingle(rule, of=lambda x, axis=None: x * 1000 + axis)
    assert anew(half, half, half, axis=2).tolist() == [1002, 1002]


def test_rules_in_single_precision_say_which_options_they_take():
    """A call with another option is refused, rather than differentiated without it."""
    x = mg.tensor(np.ones(3), requires_grad=True)
    with pytest.raises(mg.NoRuleError, match="std has no derivative rule for its option where="):
        np.std(x, where=np.array([True, False, True]))
    with pytest.raises(TypeError, match="var cannot write into out="):
        np.var(x, None, None, np.zeros(()))
