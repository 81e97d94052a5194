"""Interrupt derivatives at random moments, and fork beside a thread in backward(); see that nothing is left half done.

    python -m tests.combinations.interrupts interrupts [seconds] [seed]
    python -m tests.combinations.interrupts forks [forks]

An alarm raises KeyboardInterrupt, as Ctrl-C does, somewhere in a loop of passes. After each one the gradients of all
leaves are those of the same whole number of passes, graphs can be swept again, the grad mode is what it was, no lock is
taken, and the next derivative is right. A process of its own, as it takes the alarm and forks.
"""

import faulthandler
import os
import signal
import sys
import threading
import time
import warnings

import numpy as np

import minigrad as mg
from minigrad import nn

LONGEST = 4e-4  # seconds from the start of a loop to its interrupt: a few passes


def stop(*_):
    raise KeyboardInterrupt


def repeated(work, end, once):
    """In a function of its own: in Python 3.13 an interrupt at the jump of a loop may pass by the `try` around it."""
    work()
    while time.monotonic() < end:
        if not once:
            work()


def interrupted(work, rng, once=False):
    """Run `work` again and again, or once, until an alarm stops it; the alarm is over when this returns."""
    end = time.monotonic() + 20 * LONGEST
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, float(rng.uniform(1e-5, LONGEST)))
            repeated(work, end, once)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        pass


def leaf(*values):
    return mg.tensor(np.array(values), requires_grad=True)


def passes(leaves, slopes):
    """How many passes have left their gradients, which is one and the same whole number for each leaf."""
    counts = {0.0 if w.grad is None else float(n) for w, s in zip(leaves, slopes, strict=True) for n in times(w, s)}
    assert len(counts) == 1, f"the leaves have the gradients of {sorted(counts)} passes"
    (count,) = counts
    assert count == int(count), f"a gradient of {count} passes"
    return int(count)


def times(w, slope):
    return [0.0] if w.grad is None else np.unique(w.grad.detach().numpy() / slope)


def graph(leaves):
    """The sum of w^2 v u, over some detours."""
    w, v, u = leaves
    h = np.concatenate([w * v, v * u])
    return mg.sum(h[:2] * u * w * 1.0 + 0.0 * h[2:])


def three():
    return leaf(1.0, 2.0), leaf(4.0, 8.0), leaf(2.0, 2.0)


SLOPES = np.array([16.0, 64.0]), np.array([2.0, 8.0]), np.array([4.0, 32.0])  # 2 w v u, w^2 u and w^2 v


# What is interrupted, each with a check of what is left


def accumulate(rng):
    leaves = three()
    interrupted(lambda: graph(leaves).backward(), rng)
    before = passes(leaves, SLOPES)
    graph(leaves).backward()
    assert passes(leaves, SLOPES) == before + 1


def retained(rng):
    leaves = three()
    y = graph(leaves)
    interrupted(lambda: y.backward(retain_graph=True), rng)
    before = passes(leaves, SLOPES)
    y.backward()
    assert passes(leaves, SLOPES) == before + 1


def freed(rng):
    """A pass that frees its graph has either not happened, and can be made, or has, and says so."""
    leaves = three()
    y = graph(leaves)
    for _ in range(4):
        y = y * 1.0
    interrupted(y.backward, rng, once=True)
    before = passes(leaves, SLOPES)
    try:
        y.backward()
    except mg.GraphError:
        assert before == 1, "a graph is freed, and no gradient is left"
        assert passes(leaves, SLOPES) == 1
    else:
        assert passes(leaves, SLOPES) == before + 1


def recorded(rng):
    w = leaf(1.0, 2.0)
    interrupted(lambda: mg.sum(w * w * w).backward(create_graph=True), rng)
    passes([w], [np.array([3.0, 12.0])])
    w.grad = None
    mg.sum(w * w * w).backward(create_graph=True)
    first, w.grad = w.grad, None
    mg.sum(first).backward()
    assert w.grad.tolist() == [6.0, 12.0]


DEFAULT_RNG = np.random.default_rng


def compiled(rng):
    """A recording that is interrupted has put back what it had exchanged, and the next call is right."""
    x, scale, held, w = np.array([1.0, 2.0]), np.array([2.0, 4.0]), [np.array([1.0, 1.0])], leaf(1.0, 2.0)

    def function(x):
        held[0][...] = 2 * x
        mg.sum(w * x * scale).backward()
        return x * (1 - held[0])

    steps = [mg.compile(function)]

    def work():
        steps[:] = [mg.compile(function)]
        steps[0](x)
        steps[0](x)

    interrupted(work, rng)
    assert [type(array) for array in (scale, held[0], w.value)] == [np.ndarray] * 3
    assert np.random.default_rng is DEFAULT_RNG
    before = passes([w], [np.array([2.0, 8.0])])
    assert steps[0](x).tolist() == [-1.0, -6.0]
    assert passes([w], [np.array([2.0, 8.0])]) == before + 1


def transformed(rng):
    x = np.array([1.0, 2.0])
    interrupted(lambda: mg.grad(lambda v: np.sum(mg.grad(lambda u: np.sum(u * u * u))(v) * v))(x), rng)
    assert mg.hessian(lambda u: np.sum(u * u * u))(x).tolist() == [[6.0, 0.0], [0.0, 12.0]]


def pushed(rng):
    x = np.array([1.0, 2.0])
    interrupted(lambda: mg.jvp(mg.grad(lambda u: np.sum(u * u * u)), (x,), (x,)), rng)
    assert mg.jvp(mg.grad(lambda u: np.sum(u * u * u)), (x,), (x,))[1].tolist() == [6.0, 24.0]


def without_grad(rng):
    w = leaf(1.0, 2.0)

    def work():
        with mg.no_grad():
            w * 2.0
            with mg.enable_grad():
                w * 2.0
            w * 2.0

    interrupted(work, rng)
    assert (w * 2.0).requires_grad, "an interrupt has left the grad mode switched off"


def decorated(rng):
    w = leaf(1.0, 2.0)
    interrupted(mg.no_grad()(lambda: w * 2.0), rng)
    assert (w * 2.0).requires_grad, "an interrupt has left the grad mode switched off"
    with mg.no_grad():
        interrupted(mg.enable_grad()(lambda: w * 2.0), rng)
        assert not (w * 2.0).requires_grad, "an interrupt has left the grad mode switched on"


def updated(rng):
    """A value and its derivative change together: c is w times as much as its derivative says."""
    w, held = leaf(1.0, 3.0), {}
    held["c"] = w * 1.0

    def work():
        c = held["c"] = held["c"] * 1.0
        for _ in range(8):
            c *= 2.0
            c[0] = c[0] * 0.5
            c[1:] = c[1:] * 0.5

    interrupted(work, rng)
    c = held["c"]
    mg.sum(c).backward()
    assert (w.grad.numpy() * [1.0, 3.0]).tolist() == c.detach().tolist(), "a value has the derivative of another"


def filled(rng):
    w = leaf(1.0, 3.0)

    def work():
        c = mg.zeros((4, 2))
        for i in range(4):
            c[i] = w * w if not i else c[i - 1] + w
        mg.sum(c).backward()

    interrupted(work, rng)
    slope = np.array([14.0, 30.0])  # of 4 w^2 + 6 w
    before = passes([w], [slope])
    work()
    assert passes([w], [slope]) == before + 1


def checkpointed(rng):
    w, v = leaf(1.0, 1.0), leaf(2.0, 2.0)
    dropout = nn.Dropout(0.5, rng=0)
    interrupted(lambda: mg.sum(mg.checkpoint(lambda a: dropout(a) * v)(w)).backward(), rng)
    w.grad = v.grad = None
    y = mg.checkpoint(lambda a: dropout(a) * v)(w)
    state = dropout.rng.bit_generator.state
    mg.sum(y).backward()
    assert w.grad.tolist() == y.tolist(), "a checkpoint has drawn another mask"
    assert dropout.rng.bit_generator.state == state, "a generator was not given back"


def hooked(rng):
    w = leaf(1.0, 2.0)
    y = w * w
    y.register_hook(lambda g: g * 2.0)
    y.retain_grad()
    z = mg.sum(y)
    interrupted(lambda: z.backward(retain_graph=True), rng)
    before = passes([w, y], [np.array([4.0, 8.0]), np.array([2.0, 2.0])])
    z.backward()
    assert passes([w, y], [np.array([4.0, 8.0]), np.array([2.0, 2.0])]) == before + 1


PROGRAMS = (
    accumulate,
    retained,
    freed,
    recorded,
    compiled,
    transformed,
    pushed,
    without_grad,
    decorated,
    updated,
    filled,
    checkpointed,
    hooked,
)


def check():
    """What holds at any time: the grad mode is on, and derivatives of all kinds are right."""
    w = leaf(3.0)
    assert mg.is_grad_enabled(), "the grad mode is off"
    mg.sum(w * w).backward()
    assert w.grad.tolist() == [6.0]
    assert mg.grad(lambda x: np.sum(x * x))(np.array([3.0])).tolist() == [6.0]


def check_threads():
    """Another thread can make a pass: it waits for no lock."""
    thread = threading.Thread(target=check, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive(), "a lock was left taken"


def run_interrupts(seconds=2.0, seed=0, programs=PROGRAMS, check=check, now_and_then=check_threads):
    """Interrupt each program in turn, for as many seconds; print how often."""
    signal.signal(signal.SIGALRM, stop)
    rng, end, count = np.random.default_rng(seed), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        program = programs[count % len(programs)]
        try:
            program(rng)
            check()
        except BaseException as error:
            error.add_note(f"after {count} interrupts, in the program {program.__name__}, with the seed {seed}")
            raise
        count += 1
        if count % 100 == 0:
            now_and_then()
    now_and_then()
    print(f"{count} interrupts, and nothing was left half done")


def run_forks(forks=20):
    """Fork while a thread is in backward(); the child makes passes of its own, into the same leaf and others."""
    w, over = mg.tensor(np.ones(300_000), requires_grad=True), threading.Event()

    def work():
        while not over.is_set():
            mg.sum(w * w).backward()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        for i in range(forks):
            time.sleep(0.003 + 0.0007 * (i % 7))
            pid = os.fork()
            if not pid:
                signal.alarm(5)  # which kills a child that hangs
                w.grad = None
                mg.sum(w * 3.0).backward()
                fine = bool((w.grad.numpy() == 3.0).all())
                check()
                os._exit(0 if fine else 1)
            status = os.waitpid(pid, 0)[1]
            assert status == 0, f"fork {i}: {'hangs' if os.WIFSIGNALED(status) else 'has other gradients'}"
    finally:
        over.set()
        thread.join(10)
    check()
    print(f"{forks} forks, and every child has made its passes")


if __name__ == "__main__":
    faulthandler.dump_traceback_later(300, exit=True)
    warnings.simplefilter("ignore", DeprecationWarning)  # that fork and threads are two worlds is the point here
    run = {"interrupts": run_interrupts, "forks": run_forks}[sys.argv[1]]
    run(*(float(x) if "." in x else int(x) for x in sys.argv[2:]))
