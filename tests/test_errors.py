"""The exceptions: each can be caught by its own name, and by that of Python's kind."""

import inspect
import pathlib
import re

import pytest

import minigrad as mg
from minigrad import errors

KINDS = {
    "GraphError": RuntimeError,
    "DetachedError": TypeError,
    "LevelError": RuntimeError,
    "NoRuleError": TypeError,
    "RuleError": TypeError,
    "GradientError": AssertionError,
    "SolverError": RuntimeError,
}


@pytest.mark.parametrize("name", KINDS)
def test_errors_are_of_pythons_kinds(name):
    """Each exception is a subclass of the one that Python would raise, has a sentence, and is public."""
    error = getattr(errors, name)
    assert issubclass(error, KINDS[name])
    assert error.__doc__.endswith(".")
    assert getattr(mg, name) is error


def test_every_error_is_public_and_in_the_reference():
    """What a user may have to catch is mg.<name>, has a sentence, and stands on the page of the errors."""
    defined = {name for name, _ in inspect.getmembers(errors, inspect.isclass)}
    assert set(KINDS) <= defined
    for name in defined:
        assert issubclass(getattr(errors, name), Exception)
        assert getattr(mg, name) is getattr(errors, name)
        assert getattr(errors, name).__doc__.endswith(".") or "see `" in getattr(errors, name).__doc__
    reference = pathlib.Path(__file__).parents[1] / "docs" / "reference" / "errors.rst"
    assert set(re.findall(r"autoexception:: (\w+)", reference.read_text(encoding="utf-8"))) == defined
