"""Which ranks there are, and what is refused where they would not find each other."""

import os
import signal
import sys
import time
import types

import numpy as np
import pytest

from minigrad import distributed, nn, optim
from minigrad.data import DataLoader
from minigrad.distributed.world import World, ending_all, mpi_of, portable, started_by


def fake(size):
    """mpi4py's MPI of another library."""
    comm = types.SimpleNamespace(rank=0, size=size, Dup=lambda: None)
    return types.SimpleNamespace(COMM_WORLD=comm, Get_library_version=lambda: "Open MPI v5.0\nmore")


def test_a_process_alone_is_a_world_of_one():
    """Without a launcher nothing is loaded, and rank 0 talks to itself."""
    here = distributed.world()
    assert (here.rank, here.size, repr(here)) == (0, 1, "<rank 0 of 1>")
    assert here.from_first("x") == "x"
    assert here.from_all("x") == ["x"]
    assert mpi_of({}) is None or "mpi4py.MPI" in sys.modules
    assert distributed.world() is here


@pytest.mark.parametrize("name", ["PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"])
def test_launchers_are_known(name):
    """What each says is a number; one rank alone, or something else, is no launch."""
    assert started_by({name: "3"}) == (name, 3)
    assert started_by({name: "1"}) == started_by({name: ""}) == started_by({}) == ("", 1)


def test_mpiexec_without_mpi4py_is_refused(monkeypatch):
    """Each rank would train alone."""
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    monkeypatch.delitem(sys.modules, "mpi4py.MPI", raising=False)
    with pytest.raises(ImportError) as caught:
        mpi_of({"PMI_SIZE": "3"})
    assert str(caught.value) == (
        "a launcher has started 3 ranks (PMI_SIZE=3), and without mpi4py each would train alone. Install it, which the "
        "extra 'mpi' does: pip install mpi4py, and mpich where there is no MPI. Or start the program without mpiexec"
    )
    assert mpi_of({}) is None


def test_the_mpiexec_of_another_mpi_is_refused(monkeypatch):
    """mpi4py sees one rank where three were started."""
    package = types.ModuleType("mpi4py")
    package.MPI = fake(1)
    monkeypatch.setitem(sys.modules, "mpi4py", package)
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", package.MPI)
    with pytest.raises(RuntimeError) as caught:
        mpi_of({"OMPI_COMM_WORLD_SIZE": "3"})
    assert str(caught.value) == (
        "a launcher has started 3 ranks (OMPI_COMM_WORLD_SIZE=3), and mpi4py sees one, so each would train alone: its "
        "MPI is another, Open MPI v5.0. Start the program with the mpiexec of that one"
    )
    assert mpi_of({}) is package.MPI  # somebody has imported it
    package.MPI = fake(3)
    assert mpi_of({"PMI_SIZE": "3"}) is package.MPI


def test_a_failing_rank_says_which_it_is_and_ends_all(capsys, monkeypatch):
    """Its traceback comes first, and gets through before the launcher kills; the process ends, too."""
    did = []
    monkeypatch.setattr(time, "sleep", lambda seconds: did.append("sleep"))
    monkeypatch.setattr(os, "_exit", lambda code: did.append(("exit", code)))
    comm = fake(3).COMM_WORLD
    comm.Abort = lambda code: did.append(("abort", code))
    try:
        raise ValueError("too bad")
    except ValueError as error:
        World(comm).fail(type(error), error, error.__traceback__)
    said = capsys.readouterr().err
    assert said.startswith("rank 0 of 3 has failed, which ends all ranks:\nTraceback (most recent call last):")
    assert said.endswith("ValueError: too bad\n\n")
    assert did == ["sleep", ("abort", 1), ("exit", 1)]


def test_a_rank_that_fails_before_it_knows_the_others_ends_them(monkeypatch, capsys):
    """By MPI if it has begun, and by its death; but not where ranks have been alone, and fail for themselves."""
    did = []
    monkeypatch.setattr(time, "sleep", lambda seconds: did.append("sleep"))
    monkeypatch.setattr(os, "kill", lambda *what: did.append(what))
    monkeypatch.setitem(ending_all.__globals__, "have_been_alone", [])
    monkeypatch.delitem(sys.modules, "mpi4py.MPI", raising=False)
    end, told = ending_all(lambda *what: did.append(what)), (ValueError, ValueError("no data"), None)
    end(*told)
    assert capsys.readouterr().err == "this rank has failed, which ends all ranks\n"
    assert did == [told, "sleep", (os.getpid(), signal.SIGKILL)]
    mpi = fake(3)
    mpi.COMM_WORLD.Abort = lambda code: did.append(("abort", code))
    monkeypatch.setitem(sys.modules, "mpi4py.MPI", mpi)
    end(*told)
    assert did[3:] == [told, "sleep", ("abort", 1), (os.getpid(), signal.SIGKILL)]
    with distributed.alone():
        pass
    end(*told)
    assert did[7:] == [told]


class Talkative(Exception):
    """An error that cannot be pickled, as it is made of two things and keeps one."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def test_an_error_of_rank_0_can_be_sent_to_all():
    """As it is, or as its text where it cannot be pickled."""
    error = ValueError("plain")
    assert portable(error) is error
    assert portable(None) is None
    sent = portable(Talkative("this", "that"))
    assert type(sent) is RuntimeError
    assert str(sent) == "Talkative: this and that"


def parameters():
    return nn.Linear(2, 2, rng=0).parameters()


def test_what_cannot_step_together_is_refused():
    """Each with what is wanted, and nothing has changed."""
    with pytest.raises(TypeError, match="an optimizer from mg.optim that steps once a batch can step together; got 3"):
        distributed.optimizer(3)
    with pytest.raises(TypeError, match="steps once a batch can step together; got LBFGS"):
        distributed.optimizer(optim.LBFGS(parameters()))
    own = optim.Adam(parameters(), lr=0.1)
    with pytest.raises(TypeError, match="loader is a distributed.Sharded, which counts samples; got a DataLoader"):
        distributed.optimizer(own, DataLoader(np.ones(3)))
    for size in (0, True, 1.5):
        with pytest.raises(ValueError, match=f"bucket_bytes is an integer, at least 1; got {size}"):
            distributed.optimizer(own, bucket_bytes=size)
    assert type(own) is optim.Adam
    assert distributed.optimizer(own) is own
    assert isinstance(own, optim.Adam)
    assert repr(own).startswith("Adam(lr=0.1")
    with pytest.raises(ValueError, match="this optimizer steps together with those of the other ranks already"):
        distributed.optimizer(own)


def test_samples_are_a_count():
    """A rank counts by how many it has, which is 1 until somebody says."""
    own = distributed.optimizer(optim.SGD(parameters(), lr=0.1))
    assert own.samples == 1
    own.samples = 7
    assert own.samples == 7
    with pytest.raises(ValueError, match="samples is above 0, as a mean is over some; got 0. Give each rank a part of"):
        own.samples = 0
    with pytest.raises(TypeError, match="samples is a number; got a list"):
        own.samples = [7]
    assert own.samples == 7
    own.averager.weight = lambda: np.nan
    with pytest.raises(ValueError, match="by the number of its samples, which is finite and not below 0; got n"):
        _ = own.samples


@pytest.mark.parametrize("weight", [-1.0, np.inf, np.nan, "2", None])
def test_weights_of_means_are_counts(weight):
    """Others are refused."""
    with pytest.raises(
        ValueError, match="a rank counts by the number of its samples, which is finite and not below 0; got"
    ):
        distributed.average(np.ones(2), weight)
