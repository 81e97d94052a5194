"""Generators that a prefetching thread draws from, forks, and interrupts."""

import os
import random
import signal
import threading
import time

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.core.lending import give_back, lend, lent, refuse_lent, renew
from minigrad.data import DataLoader
from minigrad.data.prefetch import refuse_draws
from minigrad.nn import functional as F


class Noisy:
    """Samples that are drawn from a generator."""

    def __init__(self, rng):
        self.rng = rng

    def __len__(self):
        return 12

    def __getitem__(self, i):
        return self.rng.normal(size=2) + i


def hidden(rng):
    """A data set whose generator is no attribute."""

    class Hidden(Noisy):
        def __init__(self):
            pass

        def __getitem__(self, i):
            return rng.normal(size=2) + i

    return Hidden()


def transformed(rng):
    """A data set with the generator in a list of functions."""

    class Transformed(Noisy):
        def __getitem__(self, i):
            return self.rng[0](float(i))

    return Transformed([lambda x: x + rng.normal(size=2)])


KEEPERS = {"attribute": Noisy, "closure": hidden, "transform": transformed}


@pytest.mark.parametrize("keeper", KEEPERS.values(), ids=list(KEEPERS))
@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: nn.Dropout(0.5, rng=rng)(np.ones(3)),
        lambda rng: F.dropout(mg.ones(3), 0.5, rng=rng),
        lambda rng: mg.sample(rng, "normal", size=2),
        lambda rng: nn.init.glorot_uniform((2, 2), rng),
        lambda rng: DataLoader(np.arange(3), shuffle=True, rng=rng),
    ],
    ids=["Dropout", "dropout", "sample", "init", "loader"],
)
def test_a_generator_that_a_prefetching_thread_draws_from_is_for_it_alone(keeper, draw):
    """While the epoch lasts, a layer that draws from it is refused; afterwards it is not."""
    rng = np.random.default_rng(0)
    for _ in DataLoader(keeper(rng), 4, prefetch=2):
        with pytest.raises(ValueError, match=r"draws from a generator that the data set of a prefetching loader draws"):
            draw(rng)
        draw(np.random.default_rng(1))
    draw(rng)
    assert not lent


def test_without_prefetching_a_generator_may_be_shared():
    """Who draws when is certain, and so are the numbers."""

    def run():
        rng = np.random.default_rng(0)
        dropout = nn.Dropout(0.5, rng=rng)
        return [dropout(batch).tolist() for batch in DataLoader(Noisy(rng), 4)]

    assert run() == run()


@pytest.mark.parametrize("prefetch", [0, 1])
def test_two_data_sets_that_draw_from_one_generator_take_turns(prefetch):
    """Side by side they are refused if one of them prefetches; one after the other they work."""
    rng = np.random.default_rng(0)
    first, second = DataLoader(Noisy(rng), 4, prefetch=1), DataLoader(Noisy(rng), 4, prefetch=prefetch)
    for _ in first:
        with pytest.raises(ValueError, match=r"^another data set draws from a generator .* rng.spawn\(1\)\[0\]"):
            next(iter(second))
        break
    assert len(list(second)) == 3
    assert not lent


def test_a_thread_draws_the_numbers_that_the_loop_would_draw():
    """A generator of the data set's own gives the same batches with and without a thread, layers in its thread too."""

    class Dropped(Noisy):
        def __getitem__(self, i):
            return F.dropout(mg.ones(8), 0.5, rng=self.rng).numpy()

    for kind in (Noisy, Dropped):
        plain, ahead = (DataLoader(kind(np.random.default_rng(3)), 5, prefetch=n) for n in (0, 2))
        for _ in range(2):
            np.testing.assert_equal(list(ahead), list(plain))


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")


def in_a_child(work, seconds=20):
    """Whether a forked process computes what is true, in time."""
    pid = os.fork()
    if not pid:
        try:
            signal.alarm(seconds)
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return os.waitpid(pid, 0)[1] == 0


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_makes_the_rest_of_an_epoch_itself():
    """It does not wait for the thread, which did not come along, and the other process has its batches as well."""

    class Slow:
        def __len__(self):
            return 8

        def __getitem__(self, i):
            time.sleep(0.01)
            return i

    batches = iter(DataLoader(Slow(), 2, prefetch=3))
    first = next(batches).tolist()
    assert in_a_child(lambda: [b.tolist() for b in batches] == [[2, 3], [4, 5], [6, 7]])
    assert in_a_child(lambda: batches.close() is None and len(list(DataLoader(Slow(), 2, prefetch=1))) == 4)
    assert [first, *(b.tolist() for b in batches)] == [[0, 1], [2, 3], [4, 5], [6, 7]]


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_refuses_the_rest_of_an_epoch_that_draws():
    """Nobody knows what the thread has drawn ahead; layers and other epochs draw as ever."""
    rng = np.random.default_rng(0)
    batches = iter(DataLoader(Noisy(rng), 4, prefetch=2))
    next(batches)

    def refused():
        F.dropout(mg.ones(3), 0.5, rng=rng)
        with pytest.raises(RuntimeError, match="a forked process continues an epoch of a data set that draws"):
            next(batches)
        return len(list(DataLoader(Noisy(rng), 4, prefetch=2))) == 3

    assert in_a_child(refused)
    assert len(list(batches)) == 2
    with pytest.raises(RuntimeError, match="Begin another epoch, or use prefetch=0"):
        refuse_draws([rng])


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_waits_for_no_thread_in_the_middle_of_a_draw():
    """The lock of a generator that the thread held is free in the other process."""
    rng, drawing = np.random.default_rng(0), threading.Event()

    class Large(Noisy):
        def __getitem__(self, i):
            drawing.set()
            return self.rng.random(4_000_000)[:1]

    batches = iter(DataLoader(Large(rng), 1, prefetch=1))
    next(batches)
    drawing.clear()
    drawing.wait(10)
    assert in_a_child(lambda: F.dropout(mg.ones(3), 0.5, rng=rng).shape == (3,))
    batches.close()


@pytest.mark.parametrize("kind", [np.random.default_rng, np.random.RandomState, random.Random])
def test_what_a_fork_leaves_of_a_lent_generator_can_be_drawn_from(kind):
    """By anybody, whatever thread had begun to draw from it."""
    rng, thread = kind(0), threading.Thread()
    lend([rng], thread)
    source = getattr(rng, "bit_generator", getattr(rng, "_bit_generator", None))
    if source is not None:
        holder = threading.Thread(target=source.lock.acquire)
        holder.start()
        holder.join()
    renew()
    assert not lent
    refuse_lent(rng)
    rng.uniform(0, 1)
    give_back([rng], thread)


def test_the_rest_of_an_epoch_in_another_process(monkeypatch):
    """A process of another number makes the batches that are still to come itself, in order."""
    batches = iter(DataLoader(np.arange(6), 2, prefetch=3))
    assert next(batches).tolist() == [0, 1]
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert [b.tolist() for b in batches] == [[2, 3], [4, 5]]


def test_a_thread_ends_where_an_interrupt_came_before_its_loop_was_left():
    """A generator whose end was interrupted lets its thread go, as soon as it is forgotten."""
    batches = iter(DataLoader(np.arange(9), 3, prefetch=1))
    next(batches)
    (thread,) = (t for t in threading.enumerate() if t.name == "minigrad prefetch")
    inner = batches.gi_yieldfrom or batches.gi_frame.f_locals["batches"]
    orders = inner.gi_frame.f_locals["orders"]
    orders.cancel = lambda: (_ for _ in ()).throw(KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        batches.close()
    del orders.cancel, orders, inner, batches
    thread.join(10)
    assert not thread.is_alive()


def test_a_thread_that_does_not_start_leaves_nothing_behind(monkeypatch):
    """The error is that of the system, and generators are free again."""
    rng = np.random.default_rng(0)

    def fail(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        next(iter(DataLoader(Noisy(rng), 4, prefetch=1)))
    assert not lent


def test_ctrl_c_while_a_thread_begins_is_an_interrupt(monkeypatch):
    """Python's own code may make an error of a lock of it."""

    def interrupted(self):
        try:
            raise KeyboardInterrupt
        finally:
            threading.Lock().release()

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(iter(DataLoader(Noisy(np.random.default_rng(0)), 4, prefetch=1)))
    assert not lent


@pytest.mark.parametrize("error", [KeyError, StopIteration, KeyboardInterrupt, SystemExit, MemoryError])
@pytest.mark.parametrize("prefetch", [0, 2])
def test_any_error_of_a_data_set_comes_with_its_traceback(error, prefetch):
    """And leaves no thread; what a generator would take for its end is a RuntimeError with it as the cause."""

    class Fails(Noisy):
        def __getitem__(self, i):
            if i == 5:
                raise error("here")
            return i

    with pytest.raises(RuntimeError if error is StopIteration else error) as caught:
        list(DataLoader(Fails(np.random.default_rng(0)), 2, prefetch=prefetch))
    assert not lent  # while the error is alive
    original = caught.value.__cause__ or caught.value
    names, frame = [], original.__traceback__
    while frame is not None:
        names.append(frame.tb_frame.f_code.co_name)
        frame = frame.tb_next
    assert names[-1] == "__getitem__"
    assert all(t.name != "minigrad prefetch" for t in threading.enumerate())
