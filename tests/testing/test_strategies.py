"""Strategies draw what they say, and failing examples shrink."""

import re
import runpy
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.errors import GradientError
from minigrad.testing import strategies as ours
from minigrad.testing.strategies import check_gradients

few = settings(max_examples=30, deadline=None, database=None)


@few
@given(ours.arrays(domain=(0.5, 40), dtype=np.float32))
def test_arrays_keep_their_domain_and_dtype(x):
    """Within the closed interval, in the format asked for."""
    assert x.dtype == np.float32
    assert ((x >= 0.5) & (x <= 40)).all()


@few
@given(ours.values((100.0, 200.0)), ours.values((-5.0, -4.0)))
def test_a_domain_without_ordinary_values_has_its_own(high, low):
    """Nothing between -3 and 3 is in it, nor anything special."""
    assert 100 <= high <= 200
    assert -5 <= low <= -4


@few
@given(ours.values())
def test_values_are_ordinary_or_special(x):
    """Between -3 and 3, or one of the table."""
    assert abs(x) <= 3 or x in ours.SPECIAL


@pytest.mark.parametrize("size", [0, 1, 200])
def test_shapes_are_empty_single_and_large(size):
    """Each can be found."""
    assert np.prod(find(ours.shapes(), lambda shape: np.prod(shape) == size)) == size


@few
@given(ours.tensors(shape=(2,)))
def test_tensors_require_grad(x):
    """They are leaves."""
    assert x.requires_grad
    assert x.shape == (2,)


@few
@given(ours.broadcastable(3))
def test_groups_broadcast(group):
    """Three arrays, one common shape."""
    assert len(group) == 3
    np.broadcast_arrays(*group)


@few
@given(st.data(), ours.shapes())
def test_axes_and_indices_fit_their_shape(data, shape):
    """NumPy takes them."""
    x = np.ones(shape)
    assert x.sum(axis=data.draw(ours.axes(shape))).size <= x.size or not x.size
    x[data.draw(ours.indices(shape))]


@pytest.mark.parametrize(
    "wanted",
    [
        lambda x: x.flags.c_contiguous and x.flags.writeable,
        lambda x: x.flags.f_contiguous and not x.flags.c_contiguous,
        lambda x: not x.flags.forc,
        lambda x: not x.flags.writeable,
    ],
)
def test_layouts_are_of_every_kind(wanted):
    """As it is, Fortran order, gaps, read-only; with the same values."""
    x = find(ours.layouts(st.just(np.arange(6.0).reshape(2, 3))), wanted)
    np.testing.assert_array_equal(x, [[0, 1, 2], [3, 4, 5]])


def test_right_gradients_pass():
    """A function of broadcast arguments, one of given shapes, and one at second order."""
    check_gradients(lambda a, b: np.tanh(a) * b, 2, examples=25)
    check_gradients(np.matmul, [(2, 3), (3, 2)], examples=15, dtype=np.float32)
    check_gradients(np.sqrt, [ours.shapes()], domain=(0.1, np.inf), examples=15, order=2)


@pytest.mark.parametrize("shapes", [2, [(2,), (2,)]])
def test_one_array_is_sometimes_given_twice(shapes):
    """f(x, x) is where a rule that compares its arguments by identity shows."""
    seen = []

    def product(a, b):
        if type(a) is np.ndarray:
            seen.append(a is b)
        return a * b

    check_gradients(product, shapes, examples=25)
    assert {True, False} <= set(seen)


def failing(f, *args, **options):
    with pytest.raises(GradientError) as caught:
        check_gradients(f, *args, **options)
    return str(caught.value)


def test_a_failing_example_shrinks_to_a_small_array():
    """A rule that is wrong for large numbers fails at a single one."""

    @mg.primitive(lambda g, y, x: g * np.where(abs(x) > 5, 0, np.cos(x)))
    def sine(x):
        return np.sin(x)

    told = failing(sine)
    assert re.search(r"Inputs: array\((\[)?-?\d+\.(\])?\)\.$", told), told
    assert "The rule of sine is wrong by itself." in told


def test_a_failure_that_needs_a_row_shrinks_to_one_row():
    """A rule that forgets all but the first column shows in two entries, not in fewer."""

    @mg.primitive(lambda g, y, x: np.eye(1, x.shape[1]) * g[:, None] * np.ones((x.shape[0], 1)), kind="linear")
    def total(x):
        return np.sum(x, axis=1)

    told = failing(total, [st.tuples(st.integers(1, 4), st.integers(1, 4))])
    shape = np.array(eval(told.split("Inputs: ")[1][5:].rstrip(".").rsplit(", ", 0)[0].strip("()"))).shape
    assert shape == (1, 2)


def test_without_hypothesis_the_error_names_the_extra(monkeypatch):
    """Nothing but this module needs it."""
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(
        ImportError, match=r"strategies needs Hypothesis, of the extra 'test'. Install it: pip install hypothesis"
    ):
        runpy.run_path(ours.__file__, run_name="minigrad.testing.strategies")


def test_the_other_checks_do_not_need_hypothesis():
    """Importing minigrad.testing leaves it alone."""
    code = "import sys, minigrad.testing; sys.exit('hypothesis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
