"""What a program reads outside: shapes, copies, numbers that are given, branches, and what threads hold."""

import copy
import threading
import time

import numpy as np
import pytest

import minigrad as mg
from minigrad.compile.backends import backend_of
from minigrad.compile.program import Refused

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "native"])


@BACKENDS
def test_arrays_that_say_a_shape(backend):
    """An array of lengths, axes or widths, changed in place, is another program."""
    x, shape, order = np.arange(6.0).reshape(2, 3), np.array([3, 2]), np.array([1, 0])
    compiled = mg.compile(lambda: (x.reshape(shape) * 1, np.transpose(x, order) * 1), backend=backend)
    for lengths, axes in (((3, 2), (1, 0)), ((6, 1), (1, 0)), ((6, 1), (0, 1)), ((3, 2), (1, 0))):
        shape[...], order[...] = lengths, axes
        got = compiled()
        assert (got[0].shape, got[1].shape) == (lengths, np.transpose(x, axes).shape)


def test_copies_of_arrays_are_copies():
    """The array outside, and that of the caller, stay as they are."""
    kept, given = np.ones(2), np.ones(2)

    @mg.compile
    def function(x):
        first, second, third = copy.copy(kept), copy.deepcopy(kept), copy.copy(x)
        first += x
        second += x
        third += 1
        return first + second + copy.deepcopy(x) + third

    for _ in range(3):
        assert function(given).tolist() == [7, 7]
    assert (kept.tolist(), given.tolist()) == ([1, 1], [1, 1])


def test_a_number_that_is_given_can_be_part_of_a_key():
    """In words it is the number; as it is, the error says what to do."""
    tables, memo = {}, {}

    @mg.compile
    def function(x, k):
        key = f"table {k} {k!s} {k:.1f} {copy.copy(k)}"
        if key not in tables:
            tables[key] = np.arange(2.0) * k
        return x + tables[key]

    for k in (1, 2, 1, 3, 2):
        assert function(np.zeros(2), k).tolist() == [0, k]
    assert [*tables] == [f"table {k} {k} {k:.1f} {k}" for k in (1, 2, 3)]

    def remembers(x, k):
        return x * memo.setdefault(k, 2.0)

    with pytest.raises(mg.RecordingError, match="keeps a number that it is given, as a key.*int.k. or float.k."):
        mg.compile(remembers)(np.ones(2), 3)
    memo.clear()
    assert mg.compile(lambda x, k: remembers(x, int(k)))(np.ones(2), 3).tolist() == [2, 2]


@BACKENDS
def test_branches_on_values_have_a_program_each(backend):
    """Of arrays and of numbers, in native code as well."""
    compiled = mg.compile(lambda x: x if x.sum() > 0 else -x, backend=backend)
    numbered = mg.compile(lambda x, k: x * 2 if k > 0 else x * 3, backend=backend)
    for i in range(20):
        sign = (-1) ** i
        assert compiled(np.ones(2) * sign).tolist() == [1, 1]
        assert numbered(np.ones(2), sign).tolist() == ([2, 2] if sign > 0 else [3, 3])
    assert len(compiled.programs) == 2


class Refusing:
    """A backend that refuses when all is done."""

    def prepare(self, program):
        run = backend_of("numpy").prepare(program)

        def runner(*arguments):
            run(*arguments)
            raise Refused

        return runner


def test_a_backend_of_ones_own_may_refuse_at_any_time():
    """What it has changed is taken back, and the function runs."""
    kept = np.zeros(1)

    def function(x):
        kept[...] += x
        return kept * 1

    compiled = mg.compile(function, backend=Refusing())
    assert [compiled(np.ones(1)).item() for _ in range(3)] == [1, 2, 3]


def test_joining_into_an_array_that_is_there():
    """np.concatenate with out= is a write like any other."""

    def function(a, b):
        joined, stacked = np.empty(4), np.empty((2, 2))
        np.concatenate([a, b], out=joined)
        np.stack([a, b], out=stacked)
        return joined, stacked

    compiled = mg.compile(function)
    for _ in range(2):
        joined, stacked = compiled(np.ones(2), np.zeros(2))
        assert (joined.tolist(), stacked.tolist()) == ([1, 1, 0, 0], [[1, 1], [0, 0]])


def test_a_thread_that_has_an_exchanged_array_is_waited_for():
    """It has come upon it while the function was recorded, and computes with it as with the array."""
    kept, found, met = np.arange(2.0), [], threading.Event()

    def other():
        held = kept
        found.append(held.view().tolist())
        met.set()
        time.sleep(0.01)
        del held

    def function(x):
        if not met.is_set():
            threading.Thread(target=other).start()
            met.wait(10)
        return x + kept

    compiled = mg.compile(function)
    for _ in range(3):
        assert compiled(np.ones(2)).tolist() == [1, 2]
    assert found == [[0, 1]]
    assert len(compiled.programs) == 1


def test_an_index_that_the_function_changes_is_kept_as_it_was():
    """Between the pass forward and the pass back, in a recording and in replays as uncompiled."""
    w, index = mg.tensor(np.arange(3.0), requires_grad=True), np.array([0, 1])

    def step(start):
        index[...] = start
        y = mg.sum(w[index] * np.array([1.0, 10.0]))
        index[...] = 2
        w.grad = None
        y.backward()
        return y.detach()

    for function in (step, mg.compile(step)):
        for start in ([0, 1], [0, 1], [1, 0], [2, 2]):
            assert function(np.array(start)).item() == start[0] + 10 * start[1]
            assert w.grad.tolist() == [sum(c for i, c in zip(start, (1, 10), strict=True) if i == k) for k in range(3)]
