"""Which program serves a call, and what a compiled function is besides."""

import gc
import itertools
import linecache
import os
import pickle
import re
import signal
import sys
import threading
from collections import OrderedDict, UserDict, defaultdict
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compile.compiled import renew_locks


def double(x):
    """Twice x."""
    return x * 2


class count_runs:
    """A function that counts how often it runs, rather than being replayed, where no recording looks."""

    def __init__(self, function):
        self.function = function
        self.count = itertools.count()

    def __call__(self, *args, **kwargs):
        next(self.count)
        return self.function(*args, **kwargs)

    @property
    def runs(self):
        """How often it has run."""
        return int(re.findall(r"\d+", repr(self.count))[0])


def test_values_never_matter_and_kinds_do():
    """Shape, dtype, layout, structure and type of the arguments are recorded anew; values are not."""
    function = count_runs(lambda x: mg.asarray(x) * 2 if isinstance(x, np.ndarray | mg.Tensor) else x)
    compiled = mg.compile(function)
    x = np.ones((2, 3))
    kinds = [x, x.astype(np.float32), np.ones((3, 2)), x.T, np.asfortranarray(x), mg.tensor(x), [x], (x, x), {"a": x}]
    kinds += [{"b": x}, 2.0, 2, np.float32(2), "text", "other", None, True]
    for i, kind in enumerate(kinds):
        compiled(kind)
        compiled(kind)
        known = i + 1 - (i > 3)  # x.T and np.asfortranarray(x) differ in shape only by chance
        assert function.runs in (known, known + 1)
    runs = function.runs
    compiled(x + 5)
    compiled(7.0)
    compiled({"b": x - 1})
    assert function.runs == runs


def test_unhashable_and_keyword_arguments():
    """Objects are told apart by identity, options by name."""
    function = count_runs(lambda x, options=None, scale=1.0: x * scale * len(options))
    compiled = mg.compile(function)
    options = {1, 2}
    x = np.ones(2)
    assert compiled(x, options=options, scale=2.0).tolist() == [4, 4]
    assert compiled(x, options=options, scale=3.0).tolist() == [6, 6]
    assert compiled(x, options={1}, scale=3.0).tolist() == [3, 3]
    assert function.runs == 2


def test_many_shapes_run_uncompiled_in_the_end():
    """The programs that are there go on serving; calls with other shapes run the function, and one warning says so."""
    function = count_runs(double)
    compiled = mg.compile(function, max_programs=4)
    for n in range(1, 5):
        compiled(np.ones(n))
    message = r"runs uncompiled for some arguments, as it has 4 programs \(max_programs\), none of which serves"
    with pytest.warns(RuntimeWarning, match=message):
        assert compiled(np.ones(5)).tolist() == [2] * 5
    for n in range(1, 9):
        assert compiled(np.ones(n)).tolist() == [2] * n
    assert function.runs == 4 + 1 + 4
    assert sum(map(len, compiled._replays.values())) == 4


def test_what_changes_before_each_call_runs_uncompiled_in_the_end():
    """And is right all the while; the warning names it."""
    settings = SimpleNamespace(rate=0.0)
    function = count_runs(lambda x: x * settings.rate)
    compiled = mg.compile(function)
    for i in range(12):
        settings.rate = float(i)
        if i == 8:
            with pytest.warns(RuntimeWarning, match="runs uncompiled.*as rate has changed before each of 9 calls"):
                assert compiled(np.ones(2)).tolist() == [i, i]
        assert compiled(np.ones(2)).tolist() == [i, i]
    assert function.runs == 8 + 2 + 3


def test_programs_that_are_there_go_on_serving():
    """Where there is no room for another one of their kind."""
    settings = SimpleNamespace(rate=1.0)
    function = count_runs(lambda x: x * settings.rate)
    compiled = mg.compile(function, max_programs=1)
    compiled(np.ones(2))
    settings.rate = 2.0
    with pytest.warns(RuntimeWarning, match=r"as it has 1 programs \(max_programs\), none of which serves them"):
        assert compiled(np.ones(2)).tolist() == [2, 2]
    assert compiled(np.ones(2)).tolist() == [2, 2]
    settings.rate = 1.0
    assert compiled(np.ones(2)).tolist() == [1, 1]
    assert function.runs == 3


@pytest.mark.parametrize("wrong", [0, 1.5, None])
def test_max_programs_is_a_count(wrong):
    with pytest.raises(ValueError, match=f"max_programs is an integer, at least 1; got {wrong}"):
        mg.compile(double, max_programs=wrong)


def test_grad_mode_is_part_of_the_kind():
    """A program that was recorded under no_grad does not serve a call outside of it."""
    w = mg.tensor([1.0, 2.0], requires_grad=True)

    def function(x):
        y = mg.sum(w * x)
        if y.requires_grad:
            y.backward()
        return y.detach()

    compiled = mg.compile(function)
    x = mg.tensor([1.0, 3.0])
    with mg.no_grad():
        compiled(x)
        compiled(x)
    assert w.grad is None
    compiled(x)
    assert w.grad.tolist() == [1, 3]
    with mg.enable_grad():
        compiled(x)
    assert w.grad.tolist() == [2, 6]


def test_compiled_functions_nest_with_transformations():
    """`compile` of a gradient, the gradient of a compiled function, and a compiled function inside another."""

    def f(x):
        return mg.sum(mg.sin(x) * x)

    x = np.linspace(0.0, 1.0, 4)
    want = mg.grad(f)(x)
    both = mg.compile(mg.grad(mg.compile(f)))
    hessian = mg.compile(mg.hessian(f))
    for _ in range(2):
        np.testing.assert_array_equal(mg.compile(mg.grad(f))(x), want)
        np.testing.assert_array_equal(mg.grad(mg.compile(f))(x), want)
        np.testing.assert_array_equal(both(x), want)
        np.testing.assert_array_equal(hessian(x), mg.hessian(f)(x))
        np.testing.assert_array_equal(mg.jvp(mg.compile(f), (x,), (x,))[1], np.sum(want * x))


def test_detect_anomaly_looks_into_a_compiled_function():
    """It runs uncompiled there, so that the operation can be named."""
    compiled = mg.compile(lambda x: mg.log(x) * 0)
    compiled(mg.tensor([1.0]))
    with mg.detect_anomaly(), pytest.raises(mg.AnomalyError, match="log of"), np.errstate(all="ignore"):
        compiled(mg.tensor([0.0]))


def test_threads_share_a_compiled_function():
    """Each call has the memory of the program to itself, and nothing is lost."""
    w = mg.tensor(np.zeros(50), requires_grad=True)
    optimizer = optim.SGD([w], lr=1.0)

    @mg.compile
    def step(x):
        optimizer.zero_grad()
        mg.sum(w * x).backward()
        optimizer.step()
        return mg.sum(x * x)

    errors = []

    def work(i):
        x = np.full(50, float(i))
        errors.extend(i for _ in range(200) if step(x).item() != 50.0 * i * i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    np.testing.assert_array_equal(w.data, -200.0 * sum(range(8)))


def test_threads_lose_no_gradient():
    """Of several compiled functions and of one that is not, all of which use one leaf."""
    w = mg.tensor(np.zeros(1), requires_grad=True)

    def step():
        mg.sum(w * 1.0).backward()

    steps = [mg.compile(step), mg.compile(lambda: step()), step]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=lambda step=step: [step() for _ in range(500)]) for step in steps]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert w.grad.tolist() == [1500.0]


def test_repeat_and_scan():
    """The last of n calls, and the answers along the first axis, stacked."""
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    optimizer = optim.SGD([w], lr=0.5)

    @mg.compile
    def step(x):
        optimizer.zero_grad()
        loss = mg.sum(w * x)
        loss.backward()
        optimizer.step()
        return loss, {"x": x * 2}

    loss, _ = step.repeat(3, mg.tensor([1.0, 0.0]))
    assert loss.item() == 0.0
    assert w.tolist() == [-0.5, 2.0]
    losses, more = step.scan(mg.tensor(np.eye(2)))
    assert losses.tolist() == [-0.5, 2.0]
    assert more["x"].tolist() == [[2, 0], [0, 2]]
    assert step.repeat(0, mg.tensor([1.0, 0.0])) is None
    silent = mg.compile(lambda x: None)
    assert silent.scan(np.ones((2, 2))) is None
    for lengths in ([2, 3], [0]):
        with pytest.raises(
            ValueError, match=rf"scan takes arrays of one length.*got lengths \{lengths}".replace("\\[", r"\[")
        ):
            step.scan([np.ones((n, 2)) for n in lengths])


def test_it_looks_like_the_function_and_can_be_pickled():
    """A copy records anew; a function that cannot be pickled says so itself."""
    compiled = mg.compile(double)
    assert (compiled.__name__, compiled.__doc__) == ("double", "Twice x.")
    compiled(np.ones(2))
    copy = pickle.loads(pickle.dumps(compiled))
    assert copy(np.ones(2)).tolist() == [2, 2]
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(mg.compile(lambda x: x))


def test_it_decorates_methods():
    """Each instance's arrays are its own."""

    class Model:
        def __init__(self, w):
            self.w = mg.tensor(w)

        @mg.compile
        def scaled(self, x):
            return x * self.w

    models = [Model(2.0), Model(3.0)]
    for _ in range(2):
        assert [model.scaled(np.ones(2)).tolist() for model in models] == [[2, 2], [3, 3]]
    assert Model.scaled(models[0], np.ones(2)).tolist() == [2, 2]


def test_stats_count_calls_and_memory():
    """Before the first call there is nothing to tell."""
    compiled = mg.compile(lambda x: np.exp(x * 1 + 0 * x.sum() * 0 + x) - 1)
    with pytest.raises(mg.RecordingError, match="nothing is recorded yet"):
        compiled.stats  # noqa: B018
    with pytest.raises(mg.RecordingError, match="nothing is recorded yet"):
        compiled.source  # noqa: B018
    compiled = mg.compile(lambda x: np.exp(x * 1 + x) - 1)
    compiled(np.ones(100))
    assert compiled.stats == (4, 1, 1, 800)
    assert compiled.stats.recorded == 4


def test_programs_are_listed():
    """With what their arguments consist of."""
    compiled = mg.compile(lambda x, n, rng: x * n + rng.normal())
    assert compiled.programs == []
    for shape in ((2,), (2, 3)):
        compiled(np.ones(shape, np.float32), 2.0, np.random.default_rng(0))
    assert [kept.arguments for kept in compiled.programs] == [
        ["float32 (2,)", "number", "generator"],
        ["float32 (2, 3)", "number", "generator"],
    ]
    assert compiled.programs[-1].stats == compiled.stats


def test_arguments_of_compile_are_checked():
    with pytest.raises(TypeError, match="compile takes a function; got int"):
        mg.compile(3)


def test_exceptions_of_the_function_are_its_own():
    """And a failed call is recorded again by the next."""

    def function(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        mg.compile(function)(np.ones(2))


def test_tracebacks_show_the_line_of_the_program():
    """An error in a replay points to the source."""
    compiled = mg.compile(lambda a: np.linalg.inv(a))
    compiled(np.eye(2))
    with pytest.raises(np.linalg.LinAlgError) as error:
        compiled(np.zeros((2, 2)))
    assert any("np.linalg.inv(a)" in str(entry) for entry in error.traceback)


@dataclass
class Batch:
    """Two arrays, in an object that is equal to others if they are, and so has no hash."""

    x: Any
    y: Any


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize(
    "container",
    [
        lambda x: Batch(x, 2),
        lambda x: SimpleNamespace(x=x, y=2),
        lambda x: UserDict(x=x, y=2),
        lambda x: MappingProxyType({"x": x, "y": 2}),
        lambda x: OrderedDict(x=x, y=2),
        lambda x: defaultdict(list, x=x, y=2),
    ],
)
def test_objects_with_arrays_in_them(container, backend):
    """An object is served by the program that was recorded with it, and no other that is in its place later."""

    def function(batch):
        x, y = (batch.x, batch.y) if hasattr(batch, "x") else (batch["x"], batch["y"])
        return mg.asarray(x) * y

    compiled = mg.compile(function, backend=backend)
    for i in range(5):
        assert compiled(container(np.ones(2) + i)).tolist() == [2 + 2 * i] * 2


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_slice_is_an_argument(backend):
    """Its bounds decide on the shape."""
    compiled = mg.compile(lambda x, part: x[part] * 2, backend=backend)
    for stop in (1, 2, 3, 1):
        assert compiled(np.ones(3), slice(0, stop)).tolist() == [2] * stop


def test_a_generator_may_come_twice():
    """A program for two of them is another."""

    def function(a, b):
        return a.random(), b.random()

    def one():
        rng = np.random.default_rng(0)
        return rng, rng

    def two():
        return np.random.default_rng(0), np.random.default_rng(1)

    compiled = mg.compile(function)
    for given in (one, two, one, two):
        assert compiled(*given()) == function(*given())


def test_answers_of_any_dict():
    """One that was made with more than keys comes as it was."""
    compiled = mg.compile(lambda x: defaultdict(list, x=x * 2))
    for factor in (1.0, 2.0):
        answer = compiled(factor * np.ones(2))
        assert (answer["x"].tolist(), answer["y"]) == ([2 * factor] * 2, [])


@pytest.mark.parametrize("wrong", [3.0, np.array(1.0), [1.0, 2.0], np.random.default_rng(0)])
def test_scan_takes_arrays(wrong):
    """What has no first axis is refused before anything is called."""
    function = count_runs(lambda x, y: x)
    with pytest.raises(TypeError, match=r"scan goes through the first axis of arrays; got \w+ .*functools.partial"):
        mg.compile(function).scan(np.ones(3), wrong)
    assert function.runs == 0


def test_the_source_of_a_program_goes_with_it():
    """A thousand functions that are compiled and forgotten leave no lines for tracebacks."""
    gc.collect()
    before = len(linecache.cache)
    for _ in range(10):
        mg.compile(double)(np.ones(2))
    gc.collect()
    assert len(linecache.cache) <= before


def test_repr_tells_the_function_the_backend_and_the_programs():
    """One program for each shape."""
    compiled = mg.compile(double)
    assert repr(compiled) == "<compiled double, backend 'numpy': 0 programs>"
    compiled(np.ones(2))
    assert repr(compiled) == "<compiled double, backend 'numpy': 1 program>"
    assert repr(mg.compile(partial(double))).startswith("<compiled functools.partial(<function double at ")


async def waits(x):
    return x * 2


def yields(x):
    yield x * 2


async def waits_and_yields(x):
    yield x * 2


@pytest.mark.parametrize("function", [waits, yields, waits_and_yields])
def test_functions_that_run_later_are_refused(function):
    """Their calls of NumPy come after the recording."""
    with pytest.raises(TypeError, match=f"runs when it is called; {function.__name__} is async or has a yield"):
        mg.compile(function)


def test_scan_stacks_arrays():
    """A Python number among the answers is named."""
    with pytest.raises(TypeError, match=r"scan stacks the arrays that the function returns; got float 1\.5"):
        mg.compile(lambda x: (x, 1.5)).scan(np.ones((3, 2)))
    pytest.importorskip("llvmlite")
    pytest.importorskip("scipy")
    compiled = mg.compile(lambda x: (x * 2, 1.5), backend="numba")
    compiled(np.ones(2))
    with pytest.raises(TypeError, match=r"scan stacks the arrays .*; got float 1\.5"):
        compiled.scan(np.ones((3, 2)))


def test_a_loss_whose_graph_is_freed_can_be_returned():
    """It comes without grad."""
    w = mg.tensor(np.ones(3), requires_grad=True)

    def step():
        loss = (w * w).sum()
        loss.backward()
        return loss

    compiled = mg.compile(step)
    assert [(compiled().item(), compiled().requires_grad) for _ in range(2)] == [(3.0, False)] * 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_beside_a_compiled_function_in_another_thread_takes_no_lock_along():
    """The child calls the function, whatever the other thread was about."""
    f = mg.compile(lambda x: x * 2.0)
    f(np.ones(2))
    held, over = threading.Event(), threading.Event()

    def hold():
        with f._lock:
            held.set()
            over.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    try:
        pid = os.fork()
        if not pid:
            signal.alarm(10)
            os._exit(0 if f(np.ones(2)).tolist() == [2.0, 2.0] else 1)
        assert os.waitpid(pid, 0)[1] == 0
    finally:
        over.set()
        thread.join()
    renew_locks()  # as the child does
    assert f(np.ones(2)).tolist() == [2.0, 2.0]


class Own(np.ndarray):
    """An array class of the user's, with which a program computes as with any array."""


GIVEN = [
    (np.ones((2, 3)),),
    (np.ones((2, 3)), np.ones(3)),
    (np.ones((2, 3), np.int64), np.ones(3, np.int64)),
    (np.ones((3, 2)).T, np.ones(3)),
    (np.ones((2, 3), np.float32), np.ones(3)),
    (np.ones((2, 3)), 2.0),
    (np.ones((2, 3)), 2),
    (np.ones((2, 3)), np.float64(2)),
    (np.ones((2, 3)), True),
    (mg.tensor(np.ones((2, 3))), np.ones(3)),
    (mg.tensor(np.ones((2, 3)), requires_grad=True), np.ones(3)),
    ([np.ones((2, 3))], np.ones(3)),
    ([np.ones((2, 3)), 2.0], np.ones(3)),
    ((np.ones((2, 3)),), np.ones(3)),
    ({"x": np.ones((2, 3)), 1: [2.0, (True, None)]}, np.ones(3)),
    ({1: [2.0, (True, None)], "x": np.ones((2, 3))}, np.ones(3)),
    ({"x": np.ones((2, 3)), 1.5: 1}, np.ones(3)),
    (np.ones((2, 3)).view(Own), np.ones(3)),
    (nn.Parameter(np.ones((2, 3))), np.ones(3)),
    (nn.Buffer(np.ones((2, 3))), np.ones(3)),
]


@pytest.mark.parametrize("first", range(len(GIVEN)))
def test_a_program_lets_arguments_of_other_kinds_pass(first):
    """After each kind of arguments, every kind is answered as the function does, of the same type and dtype."""

    def f(x, y=0.5):
        x = x["x"] if isinstance(x, dict) else x[0] if isinstance(x, list | tuple) else x
        z = x * y + 1  # the product goes into a buffer of the program
        return z.detach() if isinstance(z, mg.Tensor) else z

    compiled = mg.compile(f)
    for args in (GIVEN[first], GIVEN[first], *GIVEN, *GIVEN):
        got, wanted = compiled(*args), f(*args)
        assert type(got) is (np.ndarray if isinstance(wanted, Own) else type(wanted))
        assert got.dtype == wanted.dtype
        np.testing.assert_array_equal(mg.asarray(got).data, mg.asarray(wanted).data)
    compiled(GIVEN[0][0])
    for y in (2.0, 2.0, 3.0, np.ones(3), np.ones(3), 4):
        np.testing.assert_array_equal(compiled(GIVEN[0][0], y=y), f(GIVEN[0][0], y=y))
        np.testing.assert_array_equal(compiled(y=y, x=GIVEN[0][0]), f(GIVEN[0][0], y=y))
    with mg.no_grad():
        assert not compiled(*GIVEN[10]).requires_grad
    with pytest.raises(TypeError, match="takes from 1 to 2 positional"):
        compiled(1.0, 2.0, 3.0)


def test_calls_by_position_notice_numbers_taken_out_of_arrays():
    """A number that the function takes out of its argument is asked for where arguments come by position, too."""
    compiled = mg.compile(lambda x, k: x * float(x[0]) + k)
    for first in (1.0, 1.0, 2.0, 3.0, 3.0):
        x = np.array([first, 5.0])
        assert compiled(x, 1.0).tolist() == (x * first + 1.0).tolist()


class Scale:
    """A compiled method."""

    def __init__(self, factor):
        self.factor = factor

    @mg.compile
    def __call__(self, x):
        return x * self.factor


def test_a_compiled_method_serves_each_object():
    """An object is an argument: calls on two of them take turns, and follow their attributes."""
    a, b = Scale(2.0), Scale(3.0)
    for _ in range(3):
        assert (a(np.ones(1)).item(), b(np.ones(1)).item()) == (2.0, 3.0)
    a.factor = 5.0
    assert (a(np.ones(1)).item(), b(np.ones(1)).item()) == (5.0, 3.0)


def test_an_error_is_that_of_the_function_in_its_own_words():
    """It leaves what it leaves uncompiled, at a first call and in place of a replay."""

    def function(x, done):
        done += 1
        if x.min() < 0:
            raise ValueError(f"at least 0; got {x}")
        return np.sqrt(x)

    compiled = mg.compile(function)
    done = np.zeros(1)
    with pytest.raises(ValueError, match=r"at least 0; got \[ 4. -1.\]"):
        compiled(np.array([4.0, -1.0]), done)
    assert done.item() == 1
    for x in (np.array([4.0, 1.0]), np.array([9.0, 1.0])):
        np.testing.assert_array_equal(compiled(x, done), np.sqrt(x))
    with pytest.raises(ValueError, match=r"at least 0; got \[-4. +1.\]"):
        compiled(np.array([-4.0, 1.0]), done)
    assert done.item() == 4
    assert len(compiled.programs) == 1


def test_what_only_a_recording_cannot_do_runs_uncompiled():
    """A library that wants an ndarray gets one; a warning says so once, and of which error."""

    def function(x, scale):
        if not isinstance(x, np.ndarray):
            raise TypeError("an ndarray, please")
        return x * scale

    compiled = mg.compile(function)
    x = np.arange(3.0)
    with pytest.warns(RuntimeWarning, match="and only there: TypeError.'an ndarray, please'") as warned:
        answers = [compiled(x, scale).tolist() for scale in (1.0, 2.0, 3.0)]
    assert answers == [(x * scale).tolist() for scale in (1.0, 2.0, 3.0)]
    assert len(warned) == 1
    assert compiled.programs == []
