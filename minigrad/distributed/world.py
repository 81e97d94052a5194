"""The ranks of a program: how many there are, which one this is, and how all of them end if one fails."""

import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from types import ModuleType
from typing import Any

# Where launchers say how many ranks they have started: MPICH and Intel, Open MPI, MVAPICH, Slurm's srun.
LAUNCHERS = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS")


class World:
    """The ranks that run a program together.

    Attributes
    ----------
    rank : int
        Which one this is, from 0.
    size : int
        How many there are.
    """

    def __init__(self, comm: Any = None) -> None:
        self.comm: Any = comm  # of mpi4py; None in a world of one
        self.rank, self.size = (comm.rank, comm.size) if comm is not None else (0, 1)
        # Gradients travel while the program goes on; what it sends meanwhile must not get among them.
        self.background: Any = comm.Dup() if comm is not None else None

    def __repr__(self) -> str:
        return f"<rank {self.rank} of {self.size}>"

    def on_one_machine(self) -> bool:
        """Whether all ranks can see the same memory; all have to ask."""
        from mpi4py import MPI

        return self.comm.Split_type(MPI.COMM_TYPE_SHARED).size == self.size

    def from_first(self, x: Any) -> Any:
        """What rank 0 has for `x`, which can be pickled."""
        return x if self.comm is None else self.comm.bcast(x)

    def from_all(self, x: Any) -> list[Any]:
        """What each rank has for `x`, which can be pickled."""
        return [x] if self.comm is None else self.comm.allgather(x)


ONE = World()
by_itself: ContextVar[bool] = ContextVar("minigrad.distributed", default=False)


def world() -> World:
    """The ranks that run this program: those that `mpiexec` has started, or this process alone.

    With several ranks, an exception that nobody catches, on any of them, ends all: its traceback is printed first.

    Raises
    ------
    ImportError
        If a launcher has started several ranks, and mpi4py is not installed, which the extra `mpi` does.
    RuntimeError
        If mpi4py does not see the ranks that a launcher has started, as it was built for another MPI.
    """
    return ONE if by_itself.get() else launched()


@contextmanager
def alone() -> Iterator[None]:
    """In this block the process is a world of one, whoever has started it: where each rank trains a model of its own.

    As the workers of `mpi4py.futures` do.
    """
    token = by_itself.set(True)
    try:
        yield
    finally:
        by_itself.reset(token)


@cache
def launched() -> World:
    """The ranks that a launcher has started, if one has."""
    mpi = mpi_of(os.environ)
    if mpi is None or mpi.COMM_WORLD.size == 1:
        return ONE
    here = World(mpi.COMM_WORLD)
    sys.excepthook = ending(here, sys.excepthook)
    return here


def mpi_of(environ: Mapping[str, str]) -> ModuleType | None:
    """mpi4py's MPI, where a launcher has started several ranks or somebody has imported it; refuses lonely ranks."""
    name, started = started_by(environ)
    if started == 1 and "mpi4py.MPI" not in sys.modules:
        return None
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise ImportError(
            f"a launcher has started {started} ranks ({name}={started}), and without mpi4py each would train alone. "
            f"Install it, which the extra 'mpi' does: pip install mpi4py, and mpich where there is no MPI. Or start "
            f"the program without mpiexec"
        ) from error
    if 1 == MPI.COMM_WORLD.size < started:
        library = MPI.Get_library_version().split("\n")[0].strip()
        raise RuntimeError(
            f"a launcher has started {started} ranks ({name}={started}), and mpi4py sees one, so each would train "
            f"alone: its MPI is another, {library[:60]}. Start the program with the mpiexec of that one"
        )
    return MPI


def started_by(environ: Mapping[str, str]) -> tuple[str, int]:
    """The variable in which a launcher says how many ranks it has started, and how many; ("", 1) without one."""
    found = [(name, environ[name]) for name in LAUNCHERS if environ.get(name, "").isdecimal()]
    return next(((name, int(count)) for name, count in found if int(count) > 1), ("", 1))


def ending(here: World, former: Any) -> Any:
    """An excepthook that says which rank has failed and why, and ends all ranks."""

    def end(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        text = "".join(traceback.format_exception(kind, error, trace))
        print(f"rank {here.rank} of {here.size} has failed, which ends all ranks:\n{text}", file=sys.stderr, flush=True)
        sys.stdout.flush()
        here.comm.Abort(1)
        former(kind, error, trace)  # Abort does not return

    return end
