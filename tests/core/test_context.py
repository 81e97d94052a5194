"""Grad mode: who records what, by block, function, thread and task."""

import asyncio
import contextvars
import functools
import threading

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.context import USUAL, context


def leaf(*values):
    return mg.tensor(np.array(values, dtype=float), requires_grad=True)


@pytest.fixture(autouse=True)
def nothing_left():
    """Each test leaves the modes as it found them."""
    yield
    assert mg.is_grad_enabled()
    assert context.get() == USUAL


def records():
    """Whether an operation is recorded here, by every way of calling."""
    x = leaf(1, 2)
    results = [x + x, 2.0 * x, x + np.ones(2), -x, x**2, np.exp(x), mg.exp(x), x.sum(), x[0], mg.concat([x]), x @ x]
    answers = {y.requires_grad for y in results}
    assert answers == {mg.is_grad_enabled()}
    return mg.is_grad_enabled()


def test_blocks_nest():
    """The innermost block counts, and leaving it restores the mode before."""
    assert records()
    with mg.no_grad():
        assert not records()
        with mg.enable_grad():
            assert records()
            with mg.no_grad():
                assert not records()
            assert records()
        assert not records()
    assert records()


def test_a_block_ends_with_an_exception():
    """An exception that leaves a block restores the mode."""
    with pytest.raises(ZeroDivisionError), mg.no_grad():
        1 / 0  # noqa: B018
    assert records()


def test_one_object_for_several_blocks():
    """A mode can be kept and entered again, also inside itself."""
    mode = mg.no_grad()
    with mode, mg.enable_grad(), mode:
        assert not records()
    with mode:
        assert not records()


def test_decorators():
    """As a decorator the mode holds for each call, also of a method, and the name is kept."""

    @mg.no_grad()
    def inside(n):
        "A docstring."
        return (records(), inside(n - 1)) if n else records()

    class Some:
        @mg.enable_grad()
        def method(self):
            return records()

    assert inside(1) == (False, False)
    assert inside.__name__ == "inside"
    assert inside.__doc__ == "A docstring."
    with mg.no_grad():
        assert Some().method()


def test_coroutines():
    """A decorated coroutine keeps its mode while others run, and they keep theirs."""
    log = []

    @mg.no_grad()
    async def without(name):
        for _ in range(3):
            log.append((name, records()))
            await asyncio.sleep(0)

    async def plain():
        for _ in range(3):
            log.append(("plain", records()))
            await asyncio.sleep(0)
        with mg.no_grad():
            await asyncio.sleep(0)
            log.append(("block", records()))

    async def main():
        await asyncio.gather(without("a"), plain(), without("b"), plain())
        await without("awaited")
        log.append(("main", records()))

    assert without.__name__ == "without"
    asyncio.run(main())
    assert {on for name, on in log if name in ("a", "b", "awaited", "block")} == {False}
    assert {on for name, on in log if name in ("plain", "main")} == {True}


def test_generators_are_refused():
    """A generator runs in the mode of whoever asks it for values, so decorating one raises and says what to do."""

    def generator():
        yield 1

    async def agen():
        yield 1

    for function in (generator, agen, functools.partial(generator)):
        for mode in (mg.no_grad, mg.enable_grad):
            with pytest.raises(TypeError, match="cannot decorate the generator .*. Use a `with` block inside it"):
                mode()(function)


def test_threads_have_modes_of_their_own():
    """no_grad in one thread leaves another alone, and a new thread starts with grad enabled."""
    inside, checked, answers = threading.Event(), threading.Event(), []

    def other():
        inside.wait(10)
        answers.append(records())
        with mg.no_grad():
            answers.append(records())
        checked.set()

    thread = threading.Thread(target=other)
    thread.start()
    with mg.no_grad():
        inside.set()
        checked.wait(10)
        assert not records()
    thread.join()
    assert answers == [True, False]


def test_a_shared_decorated_function_in_threads():
    """Threads that run one decorated function at once do not end each other's blocks."""
    barrier, errors = threading.Barrier(4), []

    @mg.no_grad()
    def work():
        barrier.wait(10)
        return records()

    def run():
        errors.extend("mode lost" for _ in range(20) if work() or not records())

    threads = [threading.Thread(target=run) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert errors == []


def test_contexts_carry_the_mode():
    """A copied context takes the mode along, as for any context variable."""
    with mg.no_grad():
        context = contextvars.copy_context()
    assert context.run(mg.is_grad_enabled) is False


def test_modes_inside_transformations():
    """Inside a transformation recording is on; no_grad switches it off there, for all levels."""
    seen = []

    def f(x):
        seen.append(records())
        with mg.no_grad():
            seen.append(mg.is_grad_enabled())
            constant = x * x
            with mg.enable_grad():
                square = x * x
        return (constant * x + square).sum()

    with mg.no_grad():
        seen.append("outside")
    np.testing.assert_array_equal(mg.grad(f)(np.array([3.0])), [9 + 6])
    assert seen == ["outside", True, False]


def test_no_grad_inside_takes_outer_levels_as_well():
    """no_grad in an inner function cuts off outer variables, too."""

    def outer(x):
        def inner(y):
            with mg.no_grad():
                c = x * y
            return (c * y * x).sum()

        return mg.grad(inner)(x).sum()  # c x = x^3, of which d/dx sees only the last factor

    np.testing.assert_array_equal(mg.grad(outer)(np.array([3.0])), [9])


def test_no_grad_around_a_transformation_cuts_off_tensors():
    """grad inside no_grad differentiates by its own variable, and Tensors outside are constants."""
    w = leaf(2, 3)
    with mg.no_grad():
        d = mg.grad(lambda x: (x * x * w).sum())(np.ones(2))
    assert not getattr(d, "requires_grad", False)
    np.testing.assert_array_equal(np.asarray(d), [4, 6])


def test_a_context_never_changes():
    """What is switched on is one value, which refuses to be written to."""
    with pytest.raises(AttributeError, match="a context never changes. Make another one, by with_changes"):
        context.get().depth = 3
    assert context.get().depth == 0


def test_a_block_that_was_not_left_properly_is_left_when_it_is_forgotten():
    """Where an interrupt keeps `__exit__` from running, the mode comes back with the end of the block's object."""
    block = mg.no_grad()
    block.__enter__()
    assert not mg.is_grad_enabled()
    del block
    assert mg.is_grad_enabled()


def test_a_block_that_was_left_by_others_does_not_come_back():
    """A forgotten block inside one that was left in order leaves the mode alone."""
    inner = mg.no_grad()
    with mg.enable_grad():
        inner.__enter__()
    assert mg.is_grad_enabled()
    del inner
    assert mg.is_grad_enabled()


def test_an_interrupt_as_a_block_begins(monkeypatch):
    """An error inside of `__enter__` leaves the mode as it was."""

    class Interrupting(dict):
        def __setitem__(self, inside, block):
            super().__setitem__(inside, block)
            raise KeyboardInterrupt

    block = mg.no_grad()
    block._entered = Interrupting()
    with pytest.raises(KeyboardInterrupt):
        block.__enter__()
    assert records()
