"""Start a program under mpiexec, with the coverage of all its ranks."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
HERE = pathlib.Path(sys.executable).parent / "mpiexec"  # of the wheel; a machine's own is for the mpi4py made for it
MPIEXEC = str(HERE) if HERE.exists() else shutil.which("mpiexec")


def start(size, module, *args, env=None):
    """A running ``python -m module *args`` on so many ranks; the test is skipped where there is no MPI."""
    pytest.importorskip("mpi4py", reason="ranks talk by mpi4py, of the extra 'mpi'")
    if MPIEXEC is None:
        pytest.skip("there is no mpiexec, which the package mpich has")
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return subprocess.Popen(
        [MPIEXEC, "-n", str(size), sys.executable, "-W", "error", "-m", "tests.distributed.rank", module, *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **threads, **coverage_file(), **(env or {})},
    )


def run(size, module, *args, env=None, timeout=120):
    """What the ranks print; raises AssertionError with all that they said if one fails."""
    code, printed, said = end_of(start(size, module, *args, env=env), timeout)
    assert code == 0, f"{size} ranks of {module}:\n{printed}{said}"
    return printed


def end_of(ranks, timeout=60):
    """The exit status of ranks, and what they print to stdout and stderr; they may not take longer than that."""
    try:
        printed, said = ranks.communicate(timeout=timeout)
    finally:
        ranks.kill()
    return ranks.returncode, printed, said


def coverage_file():
    """Where ranks are to leave what they have covered, if that is measured here."""
    try:
        from coverage import Coverage
    except ImportError:
        return {}
    measuring = Coverage.current()
    return {} if measuring is None else {"MINIGRAD_COVERAGE": measuring.config.data_file}
