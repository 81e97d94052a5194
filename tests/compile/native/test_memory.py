"""Whose memory is whose: arrays that overlap in ways that NumPy knows nothing of, and functions that share code."""

import gc
import linecache

import numpy as np
import pytest

import minigrad as mg
from minigrad.compile.native import kernels
from minigrad.core.recorder import state_array

from .agreement import agree, assert_close


def interface(x):
    """An array in the memory of another one, which holds it in an object that is no array."""
    return np.asarray(type("Holder", (), {"__array_interface__": x.__array_interface__, "array": x})())


SHARED = {
    "two of a buffer": lambda x: (np.frombuffer(x.data), np.frombuffer(x.data)),
    "backwards": lambda x: (np.frombuffer(x.data), np.frombuffer(x.data)[::-1]),
    "kept through a memoryview": lambda x: (np.asarray(memoryview(x)), x),
    "passed through a memoryview": lambda x: (x, np.asarray(memoryview(x))),
    "kept through an interface": lambda x: (interface(x), x),
    "passed through an interface": lambda x: (x, interface(x)),
    "beside each other": lambda x: (np.frombuffer(x.data)[:4], np.frombuffer(x.data)[4:]),
}


@pytest.mark.parametrize("name", SHARED)
def test_arguments_in_memory_that_is_not_numpys(name):
    """An argument that shares memory with what the program changes is found, whoever owns the memory."""

    def play(compile):
        kept, x = SHARED[name](np.arange(8.0))

        def function(x):
            array = state_array(kept)
            before = array * 2
            np.add(array, 1, out=array)
            return x * 2 + before[0]

        step = compile(function)
        return [np.array(step(x)) for _ in range(3)], np.array(kept)

    assert_close(play(lambda f: mg.compile(f, backend="native")), play(lambda f: f))


@pytest.mark.parametrize("first", [0, 1])
def test_views_of_which_the_place_is_not_known(first):
    """np.split answers with a list of views; of two arrays that overlap, either may be met first."""

    def play(compile):
        memory = np.arange(9.0)
        views = memory[:-1], memory[1:]

        def function(x):
            met = state_array(views[first]), state_array(views[1 - first])
            a, b = met[first], met[1 - first]
            y = a * 1.5
            left, right = np.split(b, 2)
            np.add(left, x, out=left)
            z = a * 2
            np.multiply(right, 2, out=right)
            return y, z, a + 1

        step = compile(function)
        return [[np.array(y) for y in step(np.full(4, i))] for i in range(3)], memory

    assert_close(play(lambda f: mg.compile(f, backend="native")), play(lambda f: f))


def test_two_parts_of_a_whole():
    """The second part lies after the end of the first, and in the whole all the same."""

    def play(compile):
        memory = np.arange(9.0)
        kept = memory[:], memory[1:3], memory[5:7]

        def function(x):
            whole, first, second = map(state_array, kept)
            y = whole * x
            z = first + 1
            np.multiply(second, 2, out=second)
            return y + whole, z

        step = compile(function)
        return [list(step(float(i))) for i in range(3)], memory

    assert_close(play(lambda f: mg.compile(f, backend="native")), play(lambda f: f))


def test_a_number_that_was_known_when_it_was_recorded_is_an_index():
    """Simplifying makes a constant of it, which is no array with an address that stays."""
    agree(lambda x: x[np.argmax(np.ones_like(x))] * 2 + np.sum(x), *[(f * np.arange(1.0, 5),) for f in (1, 2, 3)])


def test_gradients_that_are_changed_in_place():
    """A gradient comes with each call, as arguments do, and may be one of them."""

    def play(compile):
        w = mg.tensor(np.ones(3), requires_grad=True)

        def step(x):
            mg.sum(w * w).backward()
            with mg.no_grad():
                w.grad[...] = w.grad * 0.5
                return x * 2 + w.grad.data

        run, made = compile(step), []
        for _ in range(4):
            w.grad = mg.tensor(np.arange(3.0)) if w.grad is None else w.grad
            made.append(np.array(run(w.grad.data)))
        return made, w.grad.data

    assert_close(play(lambda f: mg.compile(f, backend="native")), play(lambda f: f))


def test_there_is_an_end_of_the_stack(monkeypatch):
    """A thousand small results are more than the stack of a thread holds; those beyond a bound have other memory."""
    monkeypatch.setattr(kernels, "STACK", 2500)

    def function(x):
        for _ in range(4):
            x = np.tanh(x.T @ x.T) * 0.5
        return x

    compiled = agree(function, *[(np.full((11, 11), 0.01 * i),) for i in range(3)])
    assert compiled.source.count("= stack(121, float64") == 2


def test_what_nobody_reads_any_more_is_not_written():
    """A product that changes in place, and what NumPy has made before; but what NumPy reads afterwards is."""

    def function(x):
        y, z = x @ x, np.cumsum(x, axis=0)
        y += 1
        z += 2
        return y * y, z * z, np.cumsum(z, axis=1)

    compiled = agree(function, *[(f * np.ones((20, 20)),) for f in (1, 2, 3)])
    stores = [line for line in compiled.source.splitlines() if "store(" in line]
    assert len(stores) == 3
    alone = agree(lambda x: function(x)[:2], *[(f * np.ones((20, 20)),) for f in (1, 2, 3)])
    stores = [line for line in alone.source.splitlines() if "store(" in line]
    assert len(stores) == 2


@pytest.mark.slow
def test_equal_statements_of_a_long_program_share_a_function():
    """Twenty steps of a recurrent network; each function is there once, and told what overlaps by each of its calls."""
    weights = [mg.tensor(np.arange(9.0).reshape(3, 3) / 10, requires_grad=True) for _ in range(2)]

    def function(x, w):
        h = x
        for _ in range(20):
            h = mg.tanh(h @ w + x)
        w.grad = None
        mg.sum(h).backward()
        with mg.no_grad():
            w -= 0.1 * w.grad
        return h.detach()

    compiled = mg.compile(lambda x: function(x, weights[0]), backend="native")
    for i in range(4):
        x = mg.tensor(np.full((2, 3), 0.1 * i))
        assert_close(compiled(x).data, function(x, weights[1]).data)
        assert_close(weights[0].data, weights[1].data)
    shared = compiled.source.count("def statement_")
    assert 3 <= shared <= 20
    assert compiled.source.count("statement_") >= 60


@pytest.mark.parametrize("backwards", [False, True])
def test_functions_are_told_what_overlaps(monkeypatch, backwards):
    """What one call of a function has written, the next one reads in other places."""
    monkeypatch.setattr(kernels, "LONG", 1)

    def function(a, b):
        a, b = a.copy(), b.copy()
        for _ in range(4):
            np.multiply(b[:3], 2, out=a[1:4])
            np.multiply(a[:3], 2, out=b[1:4])
            a, b = (b, a) if backwards else (a, b)
        return a, b

    agree(function, *[(f * np.arange(1.0, 6), np.ones(5)) for f in (1, 2, 3)])


def test_kernels_of_one_program_share_functions(monkeypatch):
    """What lies between them is left to NumPy, and the statements before and after it are equal."""
    monkeypatch.setattr(kernels, "LONG", 1)

    def function(x):
        for _ in range(2):
            x = np.sort(np.tanh(x @ x) * 2, axis=0)
        return x

    compiled = agree(function, *[(np.cos(f * np.arange(400.0)).reshape(20, 20),) for f in (1, 2, 3)])
    assert compiled.source.count("def loops_") == 2
    assert compiled.source.count("def statement_") == 4  # each kernel shows what it calls


def test_the_text_of_kernels_goes_with_them():
    """Functions that are compiled and forgotten leave no lines for tracebacks."""
    gc.collect()
    before = len(linecache.cache)
    for k in range(3):
        compiled = mg.compile(lambda x, k=k: np.tanh(x) * 2 + k, backend="native")
        compiled(np.ones(3))
        compiled(np.ones(3))
        del compiled
        gc.collect()
    assert len(linecache.cache) <= before
