"""The exceptions: each can be caught by its own name, and by that of Python's kind."""

import inspect

import pytest

import minigrad as mg
from minigrad import errors

KINDS = {
    "GraphError": RuntimeError,
    "LevelError": RuntimeError,
    "NoRuleError": TypeError,
    "RuleError": TypeError,
    "GradientError": AssertionError,
}


@pytest.mark.parametrize("name", KINDS)
def test_errors_are_of_pythons_kinds(name):
    """Each exception is a subclass of the one that Python would raise, has a sentence, and is public."""
    error = getattr(errors, name)
    assert issubclass(error, KINDS[name])
    assert error.__doc__.endswith(".")
    assert getattr(mg, name) is error


def test_all_errors_are_listed():
    """No exception is without a row in this file's table, but those that other files test."""
    defined = {name for name, _ in inspect.getmembers(errors, inspect.isclass)}
    assert set(KINDS) <= defined
    assert all(issubclass(getattr(errors, name), Exception) for name in defined)
