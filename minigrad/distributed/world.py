"""The ranks of a program: how many there are, which one this is, and how all of them end if one fails."""

import atexit
import os
import pickle
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from itertools import pairwise
from types import ModuleType
from typing import Any
from zlib import crc32

import numpy as np

from .waiting import Lookout, Pending, line_of_the_program

SAYING = 0.2  # seconds for a launcher to pass on what a rank has said, before it ends all ranks
ALONE_FOR = 2.0  # seconds in which the other ranks may fail as well, where one has failed
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
    idle : bool
        Whether this one computes with the samples of others, as `Sharded` lends them, which count 0.
    """

    def __init__(self, comm: Any = None) -> None:
        self.comm: Any = comm  # of mpi4py; None in a world of one
        self.rank, self.size = (comm.rank, comm.size) if comm is not None else (0, 1)
        # Gradients travel while the program goes on; what it sends meanwhile must not get among them, nor what the
        # program sends by itself.
        apart: list[Any] = [comm and comm.Dup() for _ in range(4)]
        self.meeting, self.background, self.failing, watch = apart
        self.lookout = Lookout(watch)
        self.idle = False
        self._shares_memory: bool | None = None

    def __repr__(self) -> str:
        return f"<rank {self.rank} of {self.size}>"

    def on_one_machine(self) -> bool:
        """Whether all ranks can see the same memory; all have to ask."""
        if self._shares_memory is None:
            from mpi4py import MPI

            nearby = self.meeting.Split_type(MPI.COMM_TYPE_SHARED)
            self._shares_memory = nearby.size == self.size
            nearby.Free()
        return self._shares_memory

    def begin(self, kind: str, request: Any, what: str) -> Pending:
        """A call that all ranks take part in has begun: one of those on a communicator, which all make in one order."""
        return Pending(self.lookout, kind, request, what)

    def meet(self, what: str, number: float) -> np.ndarray:
        """What each rank has for `number`, where all do the same; raises on all if they do not."""
        headers = np.empty((self.size, 2))
        own = np.array([crc32(what.encode()), number], np.float64)
        self.begin("meeting", self.meeting.Iallgather(own, headers), what).wait()
        if (headers[:, 0] != own[0]).any():
            said = self.meeting.allgather(f"is about to {what}, in {line_of_the_program()}")
            raise RuntimeError(
                "the ranks make different calls where all have to make the same: "
                + "; ".join(f"rank {rank} {text}" for rank, text in enumerate(said))
            )
        return headers[:, 1]

    def from_first(self, x: Any, what: str = "take over what rank 0 has") -> Any:
        """What rank 0 has for `x`, which can be pickled."""
        return x if self.comm is None else self.from_all(None if self.rank else x, what)[0]

    def from_all(self, x: Any, what: str = "tell one another values") -> list[Any]:
        """What each rank has for `x`, which can be pickled."""
        if self.comm is None:
            return [x]
        own = np.frombuffer(pickle.dumps(x), np.uint8)
        everything, counts = self.gathered(own, what)
        ends = np.cumsum([0, *counts]).tolist()
        return [pickle.loads(everything[start:end].data) for start, end in pairwise(ends)]

    def bytes_of_first(self, own: np.ndarray, what: str) -> np.ndarray:
        """The bytes that rank 0 has, in the place of as many that this rank has."""
        self.meet(what, own.size)
        self.begin("meeting", self.meeting.Ibcast(own), what).wait()
        return own

    def gathered(self, own: np.ndarray, what: str) -> tuple[np.ndarray, list[int]]:
        """The bytes of all ranks, one after the other, and how many each has."""
        self.lookout.listen()  # lest it piles up what a rank hears that never waits
        counts = [int(n) for n in self.meet(what, own.size)]
        everything = np.empty(sum(counts), np.uint8)
        self.begin("meeting", self.meeting.Iallgatherv(own, (everything, counts)), what).wait()
        return everything, counts

    def sum(self, message: np.ndarray, what: str) -> None:
        """Add up arrays of all ranks, in place."""
        from mpi4py import MPI

        self.begin("meeting", self.meeting.Iallreduce(MPI.IN_PLACE, message), what).wait()

    def by_first(self, do: Callable[[], Any], what: str) -> Any:
        """What a function returns on rank 0, where alone it is called; its error is raised on all ranks."""
        result, error = None, None
        if self.rank == 0:
            try:
                result = do()
            except Exception as caught:
                error = caught
        result, sent = self.from_first((result, portable(error)), what)
        if sent is not None:
            raise error or sent
        return result

    def fail(self, kind: type[BaseException], error: BaseException | None, trace: Any) -> None:
        """Say that this rank has failed and why, and end all ranks."""
        text = "".join(traceback.format_exception(kind, error, trace))
        print(f"rank {self.rank} of {self.size} has failed, which ends all ranks:\n{text}", file=sys.stderr, flush=True)
        sys.stdout.flush()
        time.sleep(SAYING)
        self.comm.Abort(1)
        os._exit(1)  # as the program goes on for a while

    def all_fail(self) -> bool:
        """Whether the other ranks have failed as well, or will within seconds."""
        return self.comm is None or self.lookout.all_come(self.failing.Ibarrier(), ALONE_FOR)


def portable(error: Exception | None) -> Exception | None:
    """An error that can be pickled: itself, or its text."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


ONE = World()
have_been_alone: list[bool] = []  # whether ranks have trained models of their own, and one that fails is of no others
by_itself: ContextVar[bool] = ContextVar("minigrad.distributed", default=False)


def world() -> World:
    """The ranks that run this program: those that `mpiexec` has started, or this process alone.

    With several ranks, an exception that nobody catches, on any of them, ends all: its traceback is printed first. A
    rank that waits for one that will not come, as it has ended or made another call, raises a RuntimeError.

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
    have_been_alone.append(True)
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
    sys.excepthook = here.fail
    atexit.register(leave, here, mpi)
    return here


def leave(here: World, mpi: Any) -> None:
    """End together with the other ranks, unless the program has ended MPI itself."""
    if not mpi.Is_finalized():
        here.lookout.leave()


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


def ending_all(former: Any) -> Any:
    """An excepthook for a rank that fails before it has asked for the world, where the others would wait for it.

    To take part in MPI now would be to wait for them. A process that is killed is what launchers end all for.
    """

    def end(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        former(kind, error, trace)
        if have_been_alone:
            return
        print("this rank has failed, which ends all ranks", file=sys.stderr, flush=True)
        sys.stdout.flush()
        time.sleep(SAYING)
        if (module := sys.modules.get("mpi4py.MPI")) is not None:
            module.COMM_WORLD.Abort(1)
        os.kill(os.getpid(), signal.SIGKILL)

    return end


if started_by(os.environ)[1] > 1:
    sys.excepthook = ending_all(sys.excepthook)
