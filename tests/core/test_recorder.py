"""What a recording is told of."""

from contextlib import nullcontext

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.context import context, with_changes
from minigrad.core.recorder import drawn, fixed, scratch, seen


class Told:
    """A recording that writes down what it is told, and answers with marks."""

    def __init__(self):
        self.heard = []

    def __getattr__(self, name):
        def hear(*args):
            self.heard.append((name, *args))
            return name

        return hear


@pytest.fixture
def told():
    """A recording that runs for as long as the test."""
    recording = Told()
    before = context.get()
    context.set(with_changes(recorder=recording))
    yield recording
    context.set(before)


@pytest.mark.parametrize("busy", [False, True])
def test_without_a_recording_each_does_what_it_says(busy):
    """Also while another context, such as no_grad, is open."""
    with mg.no_grad() if busy else nullcontext():
        x = np.arange(3.0)
        assert seen(x) is x
        assert fixed(x) is x
        assert scratch(x) is x
        expected = np.random.default_rng(0).normal(size=2)
        np.testing.assert_array_equal(drawn(np.random.default_rng(0), "normal", size=2), expected)


def test_a_recording_is_told_and_answers(told):
    """Nothing is done but by the recording."""
    rng, x = np.random.default_rng(0), np.ones(2)
    before = rng.bit_generator.state
    assert (seen(x), scratch(x), fixed(x)) == ("seen", "scratch", "fixed")
    assert drawn(rng, "normal", 0.0, size=2) == "drawn"
    assert told.heard == [
        ("seen", x),
        ("scratch", x),
        ("fixed", x),
        ("drawn", rng, "normal", (0.0,), {"size": 2}),
    ]
    assert rng.bit_generator.state == before
