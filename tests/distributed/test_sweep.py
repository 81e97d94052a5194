"""The sweep of docs/distributed.md, by each of its ways to have processes."""

import os
import pathlib
import subprocess
import sys

import pytest

from .launch import MPIEXEC

ROOT = pathlib.Path(__file__).parents[2]
SWEEP = ROOT / "docs" / "programs" / "sweep.py"


def printed_by(*command):
    """What a program prints; another multiprocessing start than fork would need no other code."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=120).stdout


@pytest.mark.parametrize("by", ["processes", "joblib"])
def test_processes_train_a_model_each(by):
    """Nine models come back by pickle, and the best three are right together."""
    if by == "joblib":
        pytest.importorskip("joblib")
    check(printed_by(sys.executable, SWEEP, by))


def test_ranks_train_a_model_each():
    """One rank hands out the work."""
    pytest.importorskip("mpi4py")
    if MPIEXEC is None:
        pytest.skip("there is no mpiexec, which the package mpich has")
    check(printed_by(MPIEXEC, "-n", "2", sys.executable, "-m", "mpi4py.futures", SWEEP, "mpi"))


def check(printed):
    lines = printed.splitlines()
    assert len(lines) == 10
    assert lines[0].startswith("lr 0.001  seed 0: validation loss 0.")
    assert int(lines[-1].partition(": ")[2].partition("%")[0]) >= 85
