"""The examples run, and print what they promise."""

import pathlib
import re
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(__file__).parents[1] / "examples"


def run(name, *args):
    command = [sys.executable, "-W", "error", EXAMPLES / name, *args]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_tutorial_prints_the_tutorials_output():
    """10,000 epochs give the tutorial's four numbers, and no more than 1e-12 of difference from its own loop."""
    printed = run("tutorial.py")
    assert printed.startswith("Output after training:\n")
    assert re.findall(r"0\.\d{8}", printed) == ["0.00966553", "0.99211898", "0.99358961", "0.00786455"]
    assert float(re.search(r"hand-written loop: (\S+)", printed)[1]) <= 1e-12
    assert re.search(r"10,000 epochs: \d+\.\d+ s, by hand \d+\.\d+ s", printed)


@pytest.mark.slow
def test_hidden_layer_prints_the_reference_errors():
    """60,000 steps through two sigmoid layers give the classic errors; tanh gives others."""
    sigmoid, tanh = run("hidden_layer.py").split("tanh in the hidden layer")
    errors = re.findall(r"error (\S+)", sigmoid)
    assert errors == ["0.4964100319", "0.0085845257", "0.0057894599", "0.0046291768", "0.0039587653", "0.0035101226"]
    assert len(set(re.findall(r"error (\S+)", tanh)) - set(errors)) == 6


def test_hidden_layer_starts_with_the_reference_errors():
    """The first 10,001 steps give the first two of them."""
    assert re.findall(r"error (\S+)", run("hidden_layer.py", "10001"))[:2] == ["0.4964100319", "0.0085845257"]
