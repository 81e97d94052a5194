"""What a program reads of Tensors and arrays outside, in places where no derivative flows."""

import copy
import threading
import time

import numpy as np
import pytest

import minigrad as mg
from minigrad.compile.backends import backend_of
from minigrad.compile.program import Refused

BACKENDS = pytest.mark.parametrize("backend", ["numpy", "native"])
CHANGES = {
    "in place": lambda t, values: t.data.__setitem__(..., values),
    "assigned": lambda t, values: t.__setitem__(..., values),
    "exchanged": lambda t, values: setattr(t, "data", np.array(values, t.dtype)),
}
READS = {
    "detached": lambda x, t, i, m: x * t.detach(),
    "detached answer": lambda x, t, i, m: t.detach(),
    "copied": lambda x, t, i, m: x * copy.copy(t),
    "deeply copied": lambda x, t, i, m: x * copy.deepcopy(t),
    "index": lambda x, t, i, m: x[i],
    "index of a column": lambda x, t, i, m: np.stack([x, t])[:, i],
    "written at an index": lambda x, t, i, m: written(x, i, 5.0),
    "written under a mask": lambda x, t, i, m: written(x, m, 5.0),
    "mask": lambda x, t, i, m: x[m],
    "open grid": lambda x, t, i, m: np.stack([x, t, x])[np.ix_(i, i)],
    "where of a sum": lambda x, t, i, m: x * np.sum(t, where=m),
    "take": lambda x, t, i, m: np.take(x, i),
    "cov": lambda x, t, i, m: x * np.cov(t),
    "median": lambda x, t, i, m: x * np.median(t),
    "interp": lambda x, t, i, m: x + np.interp(0.5, np.arange(3.0), t),
    "convolve": lambda x, t, i, m: x + np.convolve(t, t)[:3],
    "fft": lambda x, t, i, m: x + np.fft.rfft(t).real.sum(),
    "shape": lambda x, t, i, m: np.tile(x, i + 1),
    "widths": lambda x, t, i, m: np.pad(x, i[:2]),
}


def written(x, index, value):
    """A copy with something written into it."""
    y = mg.asarray(x) * 1
    y[index] = value
    return y


@BACKENDS
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("read", READS)
def test_a_tensor_outside_is_followed_wherever_it_is_read(read, change, backend):
    """As an index, a mask, an option, a shape, detached or copied, and by functions without a rule."""
    x = np.array([0.5, 2.0, -1.0])
    w = mg.tensor(np.ones(3), requires_grad=True)
    t, i = mg.tensor(np.array([1.0, 2.0, 4.0])), mg.tensor(np.array([0, 1, 2]))
    m = mg.tensor(np.array([True, False, True]))

    def step():
        y = mg.sum(READS[read](w * x, t, i, m) * 1.0)
        w.grad = None
        if y.requires_grad:
            y.backward()
        return y.detach()

    compiled = mg.compile(step, backend=backend)
    for values in ([1.0, 2.0, 4.0], [1.0, 2.0, 4.0], [2.0, 0.0, 1.0], [0.0, 0.0, 2.0]):
        CHANGES[change](t, values)
        CHANGES[change](i, np.array(values).astype(int) % 3)
        CHANGES[change](m, np.array(values) > 1)
        got, slope = compiled(), w.grad
        want = step()
        np.testing.assert_allclose(got.data, want.data, rtol=1e-12)
        assert (slope is None) == (w.grad is None)
        if slope is not None:
            np.testing.assert_allclose(slope.data, w.grad.data, rtol=1e-12)


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
