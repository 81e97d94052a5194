"""Einstein's sums: what does not fit, and what they cost."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.context import Observing


def leaf(values):
    return mg.tensor(values, requires_grad=True)


@pytest.mark.parametrize(
    ("text", "shapes", "message"),
    [
        ("ij,jk", [(3, 4)], r"'ij,jk' is of 2 arrays; got 1"),
        ("i!", [(3, 4)], r"'i!' has something other than letters"),
        ("ijk", [(3, 4)], r"'ijk' in 'ijk' is of 3 axes; got an array of 2"),
        ("i", [(3, 4)], r"'i' in 'i' is of 1 axes; got an array of 2"),
        ("ij->k", [(3, 4)], r"the result of 'ij->k' has each index once, and only those of the arrays"),
        ("ij->ii", [(3, 4)], r"the result of 'ij->ii' has each index once"),
        ("ij,jk->ik", [(3, 4), (3, 4)], r"the index j of 'ij,jk->ik' is of length 4; got 3"),
        ("ii", [(3, 4)], r"the index i of 'ii' is of length 3; got 4"),
        ("", [(3,)], r"'' in '' is of 0 axes; got an array of 1"),
        ("ij-i", [(3, 4)], r"'ij-i' has something other than letters, commas, '\.\.\.' and one '->'"),
        ("....i", [(3, 4)], r"'\.\.\.\.i' has something other than letters"),
        ("...i...", [(3, 4)], r"'\.\.\.i\.\.\.' has something other than letters"),
        ("...j->j", [(3, 4)], r"the result of '\.\.\.j->j' has no '\.\.\.' for the axes"),
        ("...i,...i", [(3, 4), (2, 4)], r"the index 1 of '\.\.\.i,\.\.\.i' is of length 3; got 2"),
        ("i->->i", [(3,)], r"'i->->i' has something other than letters"),
    ],
)
def test_einsum_says_what_does_not_fit(text, shapes, message):
    arrays = [leaf(np.ones(shape)) for shape in shapes]
    with pytest.raises(ValueError, match=r"einsum of .*: " + message):
        np.einsum(text, *arrays)


@pytest.mark.parametrize("numbers", [[0, 99], [0, -1], ["a", "b"], [0.0, 1.0]])
def test_einsum_says_what_it_takes_in_lists(numbers):
    with pytest.raises(ValueError, match=rf"numbers from 0 to 51; got {numbers[-1]!r}|got {numbers[0]!r}"):
        np.einsum(leaf(np.ones((3, 4))), numbers)


def test_einsum_without_arrays_says_so():
    with pytest.raises(ValueError, match="'ij' is of 1 arrays; got 0"):
        mg.einsum("ij")


def test_einsum_multiplies_in_a_cheap_order():
    """A chain of three matrices of 1000 by 2 and back needs no product of 1000 by 1000."""
    a, b = np.ones((1000, 2)), np.ones((2, 1000))
    sizes = []

    with Observing(lambda primitive, i, answer, *_: sizes.append(answer.size)):
        mg.grad(lambda a: np.einsum("ij,jk,kl->", a, b, a))(a)
    assert max(sizes) <= 2000


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "float16"])
def test_sums_have_the_dtype_of_the_arrays(dtype):
    """Of small integers and truths as well: a sum wraps around, and is whether any is true."""
    x = np.array([[100, 100], [0, 56]], dtype)
    for text in ("ij->", "ij->j", "ii->", "ij,ij->i"):
        arrays = [x] * (1 + text.count(","))
        got, want = np.einsum(text, *map(mg.tensor, arrays)), np.einsum(text, *arrays)
        assert got.dtype == want.dtype == dtype
        np.testing.assert_array_equal(got.numpy(), want)
