"""Waiting for other ranks: as long as they compute, but not for those that will never come.

A rank that has waited for some seconds tells the others where, and so does one that ends. A rank that waits for a call
which another will not make, as it has ended or waits itself for a call that this one has not made, raises an error.
"""

import sys
import time
import traceback
from typing import Any, NamedTuple

PATIENCE = 2.0  # seconds of waiting before a rank tells the others where it waits
NOTICE = 60.0  # seconds before it tells the user that some rank does not come
FAREWELL = 1.0  # seconds in which the others may end as well, before they are told that a rank has
BUSY = 0.05  # seconds of waiting in which a rank looks as often as it can
SPINS = 200  # how often to look before letting others have the core


class WaitingPoint(NamedTuple):
    """Where a rank waits: for which call, by its kind and its number among those, and on which line of the program."""

    kind: str
    number: int
    what: str
    line: str
    begun: dict[str, int]  # how many calls of each kind it has begun by then

    def __str__(self) -> str:
        return f"waits for the other ranks to {self.what}, in {self.line}"

    def is_before(self, begun: dict[str, int]) -> bool:
        """Whether a rank that has begun so many calls has not begun the one that is waited for here."""
        return begun.get(self.kind, 0) < self.number


class Ended(NamedTuple):
    """In the place of a WaitingPoint, where a rank has ended."""

    begun: dict[str, int]

    def __str__(self) -> str:
        return "has ended"

    def is_before(self, begun: dict[str, int]) -> bool:
        """Nothing that others begin changes it."""
        return True


class Pending:
    """A call that all ranks take part in, and that is under way."""

    __slots__ = ("kind", "lookout", "number", "request", "what")

    def __init__(self, lookout: "Lookout", kind: str, request: Any, what: str) -> None:
        lookout.begun[kind] = self.number = lookout.begun.get(kind, 0) + 1
        self.lookout, self.kind, self.request, self.what = lookout, kind, request, what

    def test(self) -> bool:
        """Whether all ranks have come; MPI moves data while it is asked."""
        return self.request.Test()

    def wait(self) -> None:
        """Return when all ranks have come; raises if one never will."""
        for _ in range(SPINS):
            if self.request.Test():
                return
        self.lookout.wait(self)


class Lookout:
    """What a rank knows of the others, by messages on a communicator of its own."""

    def __init__(self, comm: Any) -> None:
        self.comm = comm
        self.others = [rank for rank in range(comm.size) if rank != comm.rank] if comm is not None else []
        self.heard: dict[int, Any] = {}  # by rank: where it waits, None if it goes on
        self.begun: dict[str, int] = {}  # how many calls of each kind
        self.sent: list[Any] = []
        self.patience = PATIENCE

    def wait(self, pending: Pending) -> None:
        """Wait for a call; say after some time where, and hear where the others are."""
        begun, place, noticed = time.monotonic(), None, False
        while not pending.request.Test():
            waited = time.monotonic() - begun
            time.sleep(1e-3 if waited > BUSY else 0)
            if waited < self.patience:
                continue
            if place is None:
                place = WaitingPoint(pending.kind, pending.number, pending.what, line_of_the_program(), {**self.begun})
                self.tell(place)
            self.listen()
            self.refuse_waiting_for_ever(place)
            if waited > NOTICE and not noticed:
                noticed = True
                self.notice(place)
        if place is not None:
            self.tell(None)

    def tell(self, place: Any) -> None:
        """Tell all other ranks where this one waits, or that it goes on."""
        self.sent = [request for request in self.sent if not request.Test()]
        self.sent += [self.comm.isend((self.comm.rank, place), rank) for rank in self.others]

    def listen(self) -> None:
        """Hear what the others have told."""
        while self.comm.iprobe():
            rank, place = self.comm.recv()
            self.heard[rank] = place

    def refuse_waiting_for_ever(self, place: WaitingPoint) -> None:
        """Raise if another rank will not make the call: it has ended, or waits for one that this rank has not made."""
        absent = {
            rank: x
            for rank, x in self.heard.items()
            if x is not None and place.is_before(x.begun) and x.is_before(self.begun)
        }
        if not absent:
            return
        self.patience = 0.0  # what cleans up after the error need not wait again
        said = "; ".join(f"rank {rank} {absent[rank]}" for rank in sorted(absent))
        raise RuntimeError(
            f"rank {self.comm.rank} {place}, and they will never all come: {said}. All ranks make the same calls in "
            f"the same order; one that ends early, skips a batch, or catches an error that the others do not have, "
            f"leaves them behind"
        )

    def notice(self, place: WaitingPoint) -> None:
        """Tell the user which ranks have not come, and may be computing."""
        absent = ", ".join(str(rank) for rank in self.others if self.heard.get(rank) is None)
        print(
            f"rank {self.comm.rank} {place}, for {NOTICE:.0f} seconds now. Not there, and computing or hanging: rank "
            f"{absent}",
            file=sys.stderr, flush=True,
        )  # fmt: skip

    def all_come(self, request: Any, seconds: float) -> bool:
        """Whether all ranks take part in a call before so many seconds are over."""
        until = time.monotonic() + seconds
        while not (come := request.Test()) and time.monotonic() < until:
            time.sleep(1e-3)
        return come

    def leave(self) -> None:
        """Wait until all ranks end; the others are told that this one has ended if they do not soon."""
        request = self.comm.Ibarrier()
        if not self.all_come(request, FAREWELL):
            self.tell(Ended({**self.begun}))
            self.all_come(request, float("inf"))


def line_of_the_program() -> str:
    """The file and the line, outside this package, that led here."""
    frames = traceback.walk_stack(None)
    outside = (f"{f.f_code.co_filename}, line {n}" for f, n in frames if not f.f_globals["__name__"].startswith(HOME))
    return next(outside, "minigrad itself")


HOME = __name__.partition(".")[0] + "."
