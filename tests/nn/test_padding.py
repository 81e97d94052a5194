"""pad in PyTorch's order, and one_hot: what is refused, and what is given back."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn import functional as F

X = np.arange(24.0).reshape(2, 3, 4)


def test_widths_count_from_the_last_axis():
    assert F.pad(X, (1, 2)).shape == (2, 3, 7)
    assert F.pad(X, (0, 0, 1, 2, -1, 0)).shape == (1, 6, 4)
    assert F.pad(X, ()) is X
    np.testing.assert_array_equal(F.pad(X, (-1, -2)), X[..., 1:2])
    assert F.pad(X.astype(np.float32), (1, 1), value=0.5).dtype == np.float32


REFUSED = {
    "odd": (lambda: F.pad(X, (1, 2, 3)), r"at most 6 for an array of shape \(2, 3, 4\); got \(1, 2, 3\)"),
    "many": (lambda: F.pad(X, (1,) * 8), "a width before and one after for the last axes, at most 6"),
    "mode": (lambda: F.pad(X, (1, 1), "edge"), "the modes constant, reflect, replicate, circular; got 'edge'"),
    "value": (lambda: F.pad(X, (1, 1), "reflect", 1.0), "value is of a constant frame; got 1.0 with mode 'reflect'"),
    "reflected": (lambda: F.pad(X, (4, 0), "reflect"), r"'reflect' is at most 3 wide along axis 2, of length 4; got"),
    "circular": (lambda: F.pad(X, (0, 5), "circular"), r"'circular' is at most 4 wide along axis 2, of length 4; got"),
    "ends": (lambda: F.pad(X[..., :0], (1, 0), "replicate"), "repeats the ends of axis 2, which has none"),
    "cropped": (lambda: F.pad(X, (-2, 3), "circular"), r"'circular' is at most 2 wide along axis 2, of length 4; got"),
    "gone": (lambda: F.pad(X, (-5, 5), "circular"), r"'circular' is at most 0 wide along axis 2, of length 4; got"),
    "cut": (lambda: F.pad(X, (-3, -2)), r"pad cuts \(-3, -2\) off axis 2, which has a length of 4"),
    "stranger": (lambda: F.one_hot([0, 3], 3), "one_hot of 3 classes takes labels 0 to 2; got 3"),
    "negative": (lambda: F.one_hot([0, -1]), "one_hot of 1 classes takes labels 0 to 0; got -1"),
    "only negative": (lambda: F.one_hot([-1]), "one_hot of 1 classes takes labels 0 to 0; got -1"),
    "classes": (lambda: F.one_hot([0, 1], -5), "num_classes of one_hot is at least 1; got -5"),
    "none": (lambda: F.one_hot(np.zeros(0, int)), "one_hot of no labels takes num_classes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name):
    call, text = REFUSED[name]
    with pytest.raises(ValueError, match=text):
        call()


@pytest.mark.parametrize(
    ("widths", "circular", "reflect", "replicate"),
    [
        ((-1, 1), [1, 2, 3, 4, 1], [1, 2, 3, 4, 3], [1, 2, 3, 4, 4]),
        ((1, -1), [3, 0, 1, 2, 3], [1, 0, 1, 2, 3], [0, 0, 1, 2, 3]),
        ((3, -2), [0, 1, 2, 0, 1, 2], [3, 2, 1, 0, 1, 2], [0, 0, 0, 0, 1, 2]),
        ((-1, 4), [1, 2, 3, 4, 1, 2, 3, 4], [1, 2, 3, 4, 3, 2, 1, 0], [1, 2, 3, 4, 4, 4, 4, 4]),
        ((-2, -1), [2, 3], [2, 3], [2, 3]),
    ],
)
def test_a_frame_on_one_side_and_a_cut_on_the_other_are_pytorchs(widths, circular, reflect, replicate):
    """A circular frame is made of what a cut leaves; any other of the whole."""
    x = np.arange(5.0)[None]
    assert F.pad(x, widths, "circular").tolist() == [circular]
    assert F.pad(x, widths, "reflect").tolist() == [reflect]
    assert F.pad(x, widths, "replicate").tolist() == [replicate]
    np.testing.assert_array_equal(mg.compile(lambda x: F.pad(x, widths, "circular"))(x), [circular])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: F.pad(np.ones(3), (1.9, 0.9)), "a width of pad is an integer; got 1.9"),
        (lambda: F.pad(np.ones(3), 1), r"pad takes a sequence of widths, such as \(1, 1\) for the last axis; got 1"),
        (lambda: F.one_hot([0, 1], 2.7), "num_classes of one_hot is an integer; got 2.7"),
    ],
)
def test_numbers_that_are_no_integers_are_refused(call, text):
    """Nothing is cut off in silence."""
    with pytest.raises(TypeError, match=text):
        call()
    assert F.pad(np.ones(1), np.array([1, 0])).tolist() == [0, 1]
    assert F.one_hot([1], np.int64(2)).tolist() == [[0, 1]]


def test_one_hot_has_a_one_at_the_label():
    """Of arrays of any shape, of Tensors and lists; of integers, as in PyTorch."""
    assert F.one_hot([0, 2]).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert F.one_hot(np.array(1, np.uint8), 3).tolist() == [0, 1, 0]
    assert F.one_hot(mg.tensor([[1], [0]]), 2).shape == (2, 1, 2)
    assert F.one_hot(np.zeros(0, int), 3).shape == (0, 3)
    with pytest.raises(TypeError, match=r"one_hot takes labels that are integers; got float64. Use labels.astype\(int"):
        F.one_hot([0.0])


def test_frames_and_rows_of_labels_compiled():
    compiled = mg.compile(lambda x, labels: F.pad(x, (1, -1, 2, 0), "reflect") * F.one_hot(labels, 4))
    for i in range(3):
        labels = np.array([0, 1, 2, 3, i])
        want = F.pad(X + i, (1, -1, 2, 0), "reflect") * F.one_hot(labels, 4)
        np.testing.assert_array_equal(compiled(X + i, labels), want)
