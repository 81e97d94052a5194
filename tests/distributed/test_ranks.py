"""The checks of checks.py, each on real ranks and in a world of one."""

import pytest

from . import checks
from .launch import run

NAMES = [name for name in vars(checks) if name.startswith("check_")]


@pytest.mark.parametrize("name", NAMES)
def test_in_a_world_of_one(name):
    """A program that is written for ranks runs without MPI, to the same values."""
    getattr(checks, name)()


@pytest.mark.parametrize("size", [2, 3, pytest.param(4, marks=pytest.mark.slow)])
def test_on_ranks(size):
    """All checks hold on 2, 3 and 4 ranks, more than there may be cores."""
    assert run(size, "checks").split() == NAMES
