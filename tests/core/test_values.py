"""What a Tensor may hold; the errors of bad data are tested where users meet them, in test_tensor."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.values import as_array, as_number, as_numbers


def test_scalars_become_arrays():
    """NumPy's scalars become arrays of shape (); other things stay what they are."""
    assert type(as_array(np.float32(2))) is np.ndarray
    assert as_array(np.float32(2)).dtype == np.float32
    for x in (np.ones(2), 3.0, None, "text"):
        assert as_array(x) is x


def test_a_number_is_followed_by_a_recording():
    """It is Python's outside of one; in one, a replay reads it again."""
    x = np.array(2.0)
    assert type(as_number(x)) is float
    compiled = mg.compile(lambda y: y * as_number(x))
    for value in (2.0, 3.0):
        x[...] = value
        assert compiled(np.float32([1, 2])).tolist() == [value, 2 * value]
    assert len(compiled.programs) == 1
    assert compiled(np.float32([1])).dtype == np.float32


def test_copies_only_where_asked():
    """Memory is shared unless a copy is asked for, or another dtype."""
    x = np.ones(2)
    assert as_numbers(x) is x
    assert as_numbers(x, dtype=float) is x
    assert not np.shares_memory(as_numbers(x, copy=True), x)
    assert as_numbers(x, dtype=np.float32).dtype == np.float32
    assert np.shares_memory(as_numbers(mg.tensor([1.0])), np.ones(1)) is False


@pytest.mark.parametrize("dtype", ["?", "i1", "u8", "f2", "f4", "f8", "g"])
def test_real_numbers_are_taken(dtype):
    """Truths, integers of either sign and floats of all widths are taken as they are."""
    x = np.ones(2, dtype)
    assert as_numbers(x) is x


def test_subclasses_become_plain_arrays():
    """An ndarray's subclass is taken for an array."""

    class Named(np.ndarray):
        pass

    assert type(as_numbers(np.ones(2).view(Named))) is np.ndarray
