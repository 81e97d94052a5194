"""Ranks that wait for others: they end with a message where nobody will come, and go on where somebody does."""

import itertools
import time
import types

import pytest

from minigrad.distributed import waiting
from minigrad.distributed.waiting import Ended, Lookout, Pending, WaitingPoint
from minigrad.distributed.world import leave

from .launch import end_of, start

BEHIND = "All ranks make the same calls in the same order; one that ends early, skips a batch, or catches an error that"


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("program", "texts"),
    [
        ("ends", ["rank 0 waits for the other ranks to normalise 8 channels over all ranks, in ", "rank 1 has ended"]),
        slow("goes_elsewhere", ["rank 1 waits for the other ranks to take the mean of float64 of shape ()", BEHIND]),
        ("catches", ["rank 1 of 2 has failed, which ends all ranks:", "RuntimeError: in a hook"]),
        slow("skips", ["rank 0 waits for the other ranks to average gradients, in ", "rank 1 has ended. " + BEHIND]),
        slow("computes_something_else", ["the ranks make different calls where all have to make the same: rank 0 is"]),
        slow("differs", ["rank 0 is about to take the mean of float64 of shape (2,)", "of shape (3,), in "]),
        slow("fails_first", ["RuntimeError: no data", "this rank has failed, which ends all ranks"]),
        slow("leaves_from_a_callback", ["rank 1 of 2 has failed, which ends all ranks:", "SystemExit: 0"]),
    ],
)
def test_a_rank_that_leaves_others_behind_ends_all(program, texts):
    """With where each of them waits, rather than after hours of waiting."""
    code, printed, said = end_of(start(2, "stuck", program))
    assert code != 0
    for text in texts:
        assert text in said, printed + said
    assert "caught alone" not in printed


@pytest.mark.slow
def test_a_rank_that_takes_long_is_told_of_and_waited_for():
    """Others say who is not there, and go on when it comes."""
    code, printed, said = end_of(start(2, "stuck", "takes_long"))
    assert (code, printed) == (0, "1.0\n"), said
    assert "for 0 seconds now. Not there, and computing or hanging: rank 1\n" in said
    assert said.startswith("rank 0 waits for the other ranks to normalise 8 channels over all ranks, in ")


class Request:
    """That is done when it has been asked so many times."""

    def __init__(self, times):
        self.times = times

    def Test(self):
        self.times -= 1
        return self.times < 0


class Comm:
    """Of three ranks, of which this is the first; what it sends is kept, and what it hears is given."""

    rank, size = 0, 3

    def __init__(self, *heard):
        self.heard, self.sent = list(heard), []

    def isend(self, x, rank):
        sender, place = x
        assert sender == 0
        self.sent.append((rank, place if place is None else str(place)))
        return Request(0)

    def iprobe(self):
        return bool(self.heard)

    def recv(self):
        return self.heard.pop(0)

    def Ibarrier(self):
        return Request(self.barrier)


@pytest.fixture
def clock(monkeypatch):
    """Time that goes on by a second whenever somebody looks, but for the first time."""
    seconds = itertools.chain([0, 0.01], itertools.count(1))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(seconds)))
    pauses = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    return pauses


def waits(number, kind="gradients", **begun):
    """The place of a rank that waits for its latest call of a kind, having begun others of another kind."""
    return WaitingPoint(kind, number, "average gradients", "train.py, line 3", {kind: number, **begun})


def test_what_is_there_at_once_is_nobody_elses_matter(clock):
    """No message, no pause, no clock."""
    look = Lookout(Comm())
    Pending(look, "gradients", Request(waiting.SPINS - 1), "average gradients").wait()
    assert (look.comm.sent, clock) == ([], [])


def test_a_rank_says_where_it_waits_and_that_it_goes_on(clock, capsys):
    """After its patience, once; those who wait for the same are no reason to give up, nor those who went on."""
    comm = Comm((1, waits(1)), (2, waits(2)), (1, None))
    look = Lookout(comm)
    Pending(look, "gradients", Request(0), "average gradients").wait()
    Pending(look, "gradients", Request(waiting.SPINS + 80), "average gradients").wait()
    wait = "waits for the other ranks to average gradients, in "
    (first, text), *others = comm.sent
    assert (first, text[: len(wait)]) == (1, wait)
    assert others == [(2, text), (1, None), (2, None)]
    assert "test_waiting.py, line " in text
    said = capsys.readouterr().err
    assert said.startswith(f"rank 0 {wait}")
    assert said.endswith("for 60 seconds now. Not there, and computing or hanging: rank 1\n")
    assert said.count("\n") == 1
    assert set(clock) == {0, 1e-3}


ELSEWHERE = "rank 2 waits for the other ranks to average gradients, in train.py, line 3. All ranks make the same calls"


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (Ended({"gradients": 4, "meeting": 9}), "rank 2 has ended. All ranks make the same calls"),
        (waits(4, "meeting", gradients=4), ELSEWHERE),
        (waits(4, "meeting"), ELSEWHERE),
    ],
)
def test_waiting_for_a_rank_that_will_not_come_is_an_error(state, text, clock):
    """It names that rank, and not those who wait for the same; who waits again learns of it at once."""
    look = Lookout(Comm((1, waits(5)), (2, state)))
    look.begun = {"gradients": 4, "meeting": 3}
    pending = Pending(look, "gradients", Request(10_000), "average gradients")
    for pauses in (3, 1):
        clock.clear()
        with pytest.raises(RuntimeError) as caught:
            pending.wait()
        assert str(caught.value).startswith("rank 0 waits for the other ranks to average gradients, in ")
        assert f", and they will never all come: {text}" in str(caught.value)
        assert len(clock) == pauses


@pytest.mark.parametrize(
    "state",
    [
        Ended({"gradients": 5}),  # it has begun what is waited for, and MPI goes on with that
        waits(6, gradients=6),
        waits(4, "meeting", gradients=5),
        waits(3, "meeting", gradients=4),  # it waits for what this rank has begun, and so may go on
    ],
)
def test_waiting_for_a_rank_that_may_come_is_none(state, clock):
    """However long it takes: MPI may have told one rank and not yet another that all were there."""
    look = Lookout(Comm((1, None), (2, state)))
    look.begun = {"gradients": 4, "meeting": 3}
    Pending(look, "gradients", Request(waiting.SPINS + 30), "average gradients").wait()
    assert look.heard[2] == state


@pytest.mark.parametrize(("comes", "told"), [(0, []), (50, [(1, "has ended"), (2, "has ended")])])
def test_a_rank_ends_with_the_others_or_tells_them(comes, told, clock):
    """As the others may wait for it; it stays until they end, too."""
    comm = Comm()
    comm.barrier = comes
    here = types.SimpleNamespace(lookout=Lookout(comm))
    leave(here, types.SimpleNamespace(Is_finalized=lambda: True))
    assert (comm.sent, clock) == ([], [])
    leave(here, types.SimpleNamespace(Is_finalized=lambda: False))
    assert comm.sent == told
    assert len(clock) == max(comes - 1, 0)


def test_others_may_fail_as_well_for_some_seconds(clock):
    """Whether all have come is known when they have, or when the time is over."""
    look = Lookout(Comm())
    assert look.all_come(Request(2), 5.0)
    assert not look.all_come(Request(100), 5.0)
