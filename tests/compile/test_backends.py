"""Backends: what a name stands for, what an object must have, and what its runner may have."""

import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim, train
from minigrad.compile.backends import BACKENDS, backend_of
from minigrad.compile.in_numpy import InNumpy
from minigrad.compile.program import Refused
from minigrad.core.door import raise_if
from minigrad.core.recorder import state_array
from minigrad.data import DataLoader


class Plain:
    """The numpy backend's runner, without anything that a runner need not have."""

    def __init__(self):
        self.programs, self.calls = [], 0

    def prepare(self, program):
        self.programs.append(program)
        run = InNumpy().prepare(program)

        def runner(*arguments):
            self.calls += 1
            return run(*arguments)

        return runner


def test_an_object_with_prepare_runs_the_program():
    """It prepares each program once, and runs it at each call but the first, which records."""
    backend = Plain()
    compiled = mg.compile(lambda x: np.exp(x) * 2, backend=backend)
    for shape in ((2,), (2,), (3,), (2,)):
        x = np.ones(shape)
        np.testing.assert_array_equal(compiled(x), np.exp(x) * 2)
    assert (len(backend.programs), backend.calls) == (2, 2)
    assert (compiled.source, compiled.stats.buffers) == ("", 0)  # it says nothing of either
    assert repr(compiled).endswith("backend 'Plain': 2 programs>")


def test_calls_have_names():
    """Those of NumPy's functions, of methods, of operators, and of checks."""
    backend = Plain()

    def function(x):
        raise_if(x < 0, lambda: ValueError("negative"))
        return np.sum(np.exp(x) @ x), x.astype(int), -x

    mg.compile(function, backend=backend)(np.ones((2, 2)))
    names = [call.name for call in backend.programs[0].calls]
    assert names == ["less", "logical_or.reduce", "Stale", "exp", "dot", "add.reduce", "astype", "negative"]


def test_repeat_and_scan_are_loops_where_the_runner_has_neither():
    backend, kept = Plain(), np.zeros(3)
    compiled = mg.compile(lambda x: np.add(state_array(kept), x, out=state_array(kept)) * 1, backend=backend)
    assert compiled.repeat(4, np.ones(3)).tolist() == [4, 4, 4]
    assert compiled.scan(np.ones((2, 3))).tolist() == [[5, 5, 5], [6, 6, 6]]
    assert backend.calls == 5


def test_a_runner_may_repeat_and_scan():
    """It may make fewer calls than it was asked for, and none by refusing: the rest are single calls."""
    asked = []

    class Doubling:
        def prepare(self, program):
            def runner(x):
                asked.append("once")
                return (x * 2,)

            def repeat(n, x):
                asked.append(n)
                if n < 3:
                    raise Refused
                return n - 2, runner(x)

            def scan(stacked):
                asked.append(len(stacked[0]))
                return 2, (stacked[0][:2] * 2,)

            runner.repeat, runner.scan, runner.source, runner.memory = repeat, scan, "twice", [8, 16]
            return runner

    compiled = mg.compile(lambda x: x * 2.0, backend=Doubling())
    x = np.arange(4.0)
    assert compiled.repeat(6, x).tolist() == [0, 2, 4, 6]
    assert asked == [5, "once", "once", 1, "once"]
    assert compiled.source == "twice"
    assert (compiled.stats.buffers, compiled.stats.bytes) == (2, 24)
    asked.clear()
    compiled(x[0])
    assert compiled.scan(x).tolist() == [0, 2, 4, 6]
    assert asked == [4, 2]


@pytest.mark.parametrize("restores", [False, True])
def test_what_a_refusal_leaves(restores):
    """A refused replay gives back what it had changed, unless the runner says that it does so itself."""
    kept = np.zeros(2)

    class Careless:
        def prepare(self, program):
            def runner(x):
                kept[...] = 5
                raise Refused

            runner.restores = restores
            return runner

    def function(x):
        np.add(state_array(kept), x, out=state_array(kept))
        raise_if(state_array(kept) > 10, lambda: ValueError("too large"))

    compiled = mg.compile(function, backend=Careless())
    for _ in range(2):
        compiled(np.ones(2))
    assert kept.tolist() == ([6, 6] if restores else [2, 2])


def test_training_takes_a_backend():
    """fit compiles its steps with it, to the same weights."""
    backend, rng = Plain(), np.random.default_rng(0)
    loader = DataLoader((rng.normal(size=(12, 3)), rng.normal(size=(12, 2))), batch_size=4)
    weights = []
    for compile in (backend, None):
        model = nn.Linear(3, 2, rng=1)
        train.fit(model, nn.functional.mse_loss, optim.SGD(model.parameters(), lr=0.1), loader, 2, compile=compile)
        weights.append(model.weight.data)
    np.testing.assert_array_equal(*weights)
    assert backend.calls == 5


def test_names_are_in_one_table(monkeypatch):
    """What is put there has a name from then on."""
    monkeypatch.setitem(BACKENDS, "plain", Plain)
    assert isinstance(backend_of("plain"), Plain)
    assert repr(mg.compile(np.exp, backend="plain")).endswith("backend 'plain': 0 programs>")


def test_numba_is_the_older_name_of_native():
    """Of the time when numba made the loops."""
    pytest.importorskip("llvmlite")
    pytest.importorskip("scipy")
    old, new = backend_of("numba"), backend_of("native")
    assert type(old) is type(new)
    assert old.name == new.name == "native"


def test_a_compiled_function_is_pickled_with_its_backend():
    compiled = pickle.loads(pickle.dumps(mg.compile(np.exp, backend=InNumpy())))
    assert isinstance(compiled.backend, InNumpy)
    assert repr(compiled).endswith("backend 'numpy': 0 programs>")


@pytest.mark.parametrize(
    ("backend", "error", "text"),
    [
        (
            "fortran",
            ValueError,
            r"backend is one of 'numpy', .*, or an object with a method prepare\(program\); got 'f",
        ),
        (None, TypeError, r"or an object with a method prepare\(program\); got None"),
        (3, TypeError, "; got 3$"),
        (Plain, TypeError, "; got <class .*Plain'>. Pass an instance of the class"),
        (type("Other", (), {"prepare": 1})(), TypeError, r"with a method prepare\(program\); got <"),
    ],
)
def test_what_is_no_backend_is_refused(backend, error, text):
    with pytest.raises(error, match=text):
        mg.compile(np.exp, backend=backend)


def test_what_is_no_runner_is_refused():
    compiled = mg.compile(np.exp, backend=type("Lazy", (), {"prepare": lambda self, program: None})())
    with pytest.raises(TypeError, match=r"prepare\(program\) of a backend returns a function; got None"):
        compiled(np.ones(2))
