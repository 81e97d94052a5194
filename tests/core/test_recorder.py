"""What is declared to a recording."""

from contextlib import nullcontext

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.context import context, with_changes
from minigrad.core.recorder import constant_array, drawn, state_array


class Recording:
    """A recording that writes down each call, and returns the name of the method."""

    def __init__(self):
        self.heard = []

    def __getattr__(self, name):
        def hear(*args):
            self.heard.append((name, *args))
            return name

        return hear


@pytest.fixture
def recording():
    """A recording that runs for as long as the test."""
    recording = Recording()
    before = context.get()
    context.set(with_changes(recorder=recording))
    yield recording
    context.set(before)


@pytest.mark.parametrize("busy", [False, True])
def test_without_a_recording_each_does_what_it_says(busy):
    """Also while another context, such as no_grad, is open."""
    with mg.no_grad() if busy else nullcontext():
        x = np.arange(3.0)
        assert state_array(x) is x
        assert constant_array(x) is x
        expected = np.random.default_rng(0).normal(size=2)
        np.testing.assert_array_equal(drawn(np.random.default_rng(0), "normal", size=2), expected)


def test_each_call_goes_to_the_recording(recording):
    """Nothing is done but by the recording."""
    rng, x = np.random.default_rng(0), np.ones(2)
    before = rng.bit_generator.state
    assert (state_array(x), constant_array(x)) == ("state_array", "constant_array")
    assert drawn(rng, "normal", 0.0, size=2) == "drawn"
    assert recording.heard == [
        ("state_array", x),
        ("constant_array", x),
        ("drawn", rng, "normal", (0.0,), {"size": 2}),
    ]
    assert rng.bit_generator.state == before
