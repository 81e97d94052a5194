"""Loops that threads share: the same bits for any number of threads, whoever else computes, and where nobody helps."""

import os
import pickle
import threading

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compile.backends import in_native_code
from minigrad.compile.native import kernels, loops, threads
from minigrad.compile.native.threads import number_of_threads
from minigrad.core.recorder import state_array

from .agreement import assert_close
from .test_calls import NATIVE, A, B


@pytest.fixture
def small(monkeypatch):
    """Loops of a few elements are shared."""
    monkeypatch.setattr(loops, "PARALLEL", 4)


def replayed(function, args, num_threads):
    """What the second call of a compiled function returns, and its source."""
    compiled = mg.compile(function, backend=in_native_code(num_threads))
    with np.errstate(all="ignore"):
        compiled(*args)
        return compiled(*args), compiled.source


def assert_same_bits(left, right):
    """Assert that two nested results are equal to the last bit."""
    if isinstance(left, tuple | list):
        for x, y in zip(left, right, strict=True):
            assert_same_bits(x, y)
    else:
        assert np.asarray(left).tobytes() == np.asarray(right).tobytes()


@pytest.mark.parametrize("name", NATIVE)
def test_results_have_the_bits_of_one_thread(small, monkeypatch, name):
    """Whether there is one, two or five, which is more than some loops have turns."""
    shared = [replayed(NATIVE[name], (A, B), n) for n in (1, 2, 5)]
    monkeypatch.setattr(loops, "PARALLEL", 2**30)
    alone, source = replayed(NATIVE[name], (A, B), 2)
    assert "in shared(" not in source
    for got, _ in shared:
        assert_same_bits(got, alone)


LARGE = {
    "elements": (lambda x, y: np.tanh(x) * y + np.exp(-x), 1),
    "transposed": (lambda x, y: x.T * 2 + y.T, 1),
    "rows": (lambda x, y: [np.sum(x * y, axis=1), np.max(x, axis=1), np.mean(y, axis=1, keepdims=True)], 3),
    "softmax": (lambda x, y: mg.softmax(mg.asarray(x), axis=1).data * y, 4),
    "all to one number": (lambda x, y: np.sum(x) * 2 + np.max(y), 0),
}


@pytest.mark.parametrize("name", LARGE)
def test_large_arrays_are_shared(name):
    """By default; a loop that makes one number of all is not, as the order of its additions would be another."""
    function, at_least = LARGE[name]
    x, y = np.random.default_rng(0).normal(size=(2, 600, 700))
    got, source = replayed(function, (x, y), 3)
    assert source.count("in shared(") >= at_least
    assert ("in shared(" in source) == (at_least > 0)
    assert_same_bits(got, replayed(function, (x, y), 1)[0])
    assert_close(got, function(x, y), 1000)


def test_a_training_step_has_the_bits_of_one_thread(small):
    """Normalisation, a product of matrices, and Adam; also many steps in one call, from several turns of a kernel."""

    def weights(num_threads):
        net = nn.Sequential(nn.Linear(6, 8, rng=1), nn.LayerNorm(8), nn.Tanh(), nn.Linear(8, 3, rng=2))
        rule = optim.Adam(net.parameters(), lr=0.1)
        x, y = np.random.default_rng(0).normal(size=(9, 6)), np.arange(9) % 3

        def step():
            loss = nn.functional.cross_entropy(net(x), y)
            rule.zero_grad()
            loss.backward()
            rule.step()
            return loss.detach()

        compiled = mg.compile(step, backend=in_native_code(num_threads))
        compiled()
        compiled.repeat(5)
        assert compiled.source.count("in shared(") > 10
        return [p.data for p in net.parameters()]

    assert_same_bits(weights(3), weights(1))


def test_each_turn_of_a_repetition_is_shared(small):
    """Where the arguments move on in each turn, threads get the addresses of the turn."""
    xs = np.random.default_rng(0).normal(size=(7, 5, 4))
    compiled = mg.compile(lambda x: np.tanh(x) * 2, backend=in_native_code(3))
    compiled(xs[0])
    np.testing.assert_allclose(compiled.scan(xs), np.tanh(xs) * 2, rtol=1e-14)
    assert compiled._latest.runner.native.turns is not None


def test_functions_that_statements_share_share_loops(small, monkeypatch):
    """As in long programs."""
    monkeypatch.setattr(kernels, "LONG", 1)

    def function(x):
        for _ in range(3):
            x = np.tanh(x @ x) * 2
        return x

    x = np.random.default_rng(0).normal(size=(12, 12))
    got, source = replayed(function, (x,), 3)
    assert "def statement_" in source
    assert_same_bits(got, replayed(function, (x,), 1)[0])


def test_elements_that_are_written_twice_are_not_shared(small):
    """The last one of them has to stay, as in windows that overlap."""

    def play(compile):
        memory = np.zeros(9)
        windows = np.lib.stride_tricks.as_strided(memory, (4, 3), (16, 8))

        def function(x):
            np.copyto(state_array(windows), x)
            return state_array(memory) * 2

        step = compile(function)
        return [np.array(step(f * np.arange(12.0).reshape(4, 3))) for f in (1, 2, 3)]

    assert_same_bits(play(lambda f: mg.compile(f, backend=in_native_code(3))), play(lambda f: f))


def test_several_callers_lose_nothing(small):
    """Threads of Python's call kernels at the same time: one of them has the helpers, the others work alone."""
    x = np.random.default_rng(0).normal(size=(400, 500))
    want = np.tanh(x) * 3
    functions = [mg.compile(lambda x, k=k: np.tanh(x) * 3 + k, backend=in_native_code(3)) for k in range(3)]
    wrong = []

    def work(k):
        wrong.extend(k for _ in range(20) if not np.allclose(functions[k](x) - k, want, rtol=1e-12))

    callers = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong


def helpers():
    """The threads that wait for loops."""
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("minigrad ")}


def test_helpers_are_started_once(small):
    """For as many as are asked for; one thread needs none."""
    threads.threads.cache_clear()
    before = threading.active_count()
    for _ in range(2):
        replayed(lambda x: x * 2 + 1, (A,), 1)
        assert threading.active_count() == before
    for _ in range(2):
        replayed(lambda x: x * 3 + 1, (A,), 4)
        assert threading.active_count() == before + 3
    assert helpers() >= {"minigrad 1", "minigrad 2", "minigrad 3"}


def test_small_arrays_need_no_helpers():
    threads.threads.cache_clear()
    before = threading.active_count()
    replayed(lambda x: x * 2 + 1, (A,), 4)
    assert threading.active_count() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_works_alone(small):
    """The helpers are not in it; what it compiles itself gets helpers of its own."""
    compiled = mg.compile(lambda x: x * 2 + 1, backend=in_native_code(3))
    compiled(A)
    compiled(A)
    pid = os.fork()
    if not pid:
        right = np.array_equal(compiled(B), B * 2 + 1) and not helpers()
        right = right and np.array_equal(replayed(lambda x: x * 3, (B,), 3)[0], B * 3) and len(helpers()) == 2
        os._exit(0 if right and np.array_equal(compiled(A), A * 2 + 1) else 1)
    assert os.waitpid(pid, 0)[1] == 0
    known = threads.threads(3)
    known.forget()  # as the child does
    assert known.known[threads.COUNT] == 1
    np.testing.assert_array_equal(compiled(B), B * 2 + 1)


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({"OMP_NUM_THREADS": "1"}, 1),
        ({"OMP_NUM_THREADS": "1,4"}, 1),
        ({"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "64"}, 1),
        ({"OPENBLAS_NUM_THREADS": "1"}, 1),
        ({"OMP_NUM_THREADS": "0"}, 1),
        ({"OMP_NUM_THREADS": "many"}, None),
        ({"OMP_NUM_THREADS": "4096"}, None),
        ({}, None),
    ],
)
def test_the_environment_says_how_many_there_are(environment, wanted):
    """The least number of all variables, and no more than processors."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert number_of_threads(environment) == (wanted or processors)


def test_where_no_affinity_is_known_all_processors_count(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 7)
    assert number_of_threads({}) == 7
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert number_of_threads({}) == 1


@pytest.mark.parametrize("bad", [0, -1, 1.5, "2"])
def test_what_is_no_number_of_threads_is_refused(bad):
    with pytest.raises(ValueError, match=f"num_threads is an integer, at least 1, or None; got {bad!r}"):
        in_native_code(bad)


def test_the_number_of_threads_is_pickled():
    compiled = pickle.loads(pickle.dumps(mg.compile(np.exp, backend=in_native_code(2))))
    assert compiled.backend.num_threads == 2
