"""The source of a program: it reads like a loop written by hand, and needs NumPy alone."""

import gc
import subprocess
import sys
import weakref
from contextlib import nullcontext

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim

X = np.array([[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]], dtype=float)
Y = np.array([[0, 1, 1, 0]], dtype=float).T
W = 2 * np.random.RandomState(1).rand(3, 1) - 1


def tutorial():
    """An epoch of the tutorial's network, and its weights."""
    x, y, w = mg.tensor(X), mg.tensor(Y), mg.tensor(W, requires_grad=True)
    optimizer = optim.SGD([w], lr=1.0)

    @mg.compile
    def epoch():
        out = mg.sigmoid(x @ w)
        loss = mg.sum((out - y) ** 2) / 2
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return epoch, w


def test_the_tutorials_program_reads_like_its_loop():
    """Product, sigmoid, error, slope, update: the loss itself is not needed."""
    epoch, _ = tutorial()
    epoch()
    body = epoch.source.split("def epoch():\n")[1].split("\n\n")[0]
    calls = [line.strip().removeprefix("quietly(").split("(")[0].rstrip(",") for line in body.splitlines()]
    assert [call.split(",")[0] for call in calls] == [
        "x.dot",
        "negative",
        "exp",
        "add",
        "reciprocal",
        "subtract",
        "multiply",
        "subtract",
        "multiply",
        "x_T.dot",
        "multiply",
        "subtract",
    ]


def test_the_source_runs_with_numpy_alone(tmp_path):
    """Saved to a file, 1,000 epochs without minigrad give the weights of 1,000 epochs with it."""
    epoch, w = tutorial()
    epoch()
    w.data = W
    file = tmp_path / "saved.py"
    main = (
        "import inspect, sys\n"
        "x = np.array([[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]], dtype=float)\n"
        "y = np.array([[0, 1, 1, 0]], dtype=float).T\n"
        "w = 2 * np.random.RandomState(1).rand(3, 1) - 1\n"
        "named = {'x': x, 'y': y, 'w': w}\n"
        "others = {name: np.ones((3, 1) if 'rate' not in name and 'lr' not in name else ())\n"
        "          for name in inspect.signature(prepare).parameters if name not in named}\n"
        "epoch = prepare(**named, **others)\n"
        "for _ in range(1000):\n"
        "    epoch()\n"
        "assert 'minigrad' not in sys.modules\n"
        "print(w.tobytes().hex())\n"
    )
    file.write_text(epoch.source + "\n\n" + main)
    run = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, check=True, cwd=tmp_path)
    epoch.repeat(1000)
    assert run.stdout.strip() == w.data.tobytes().hex()


class Layer:
    def __init__(self):
        self.weight = mg.tensor(np.ones((2, 2)))
        self.biases = [mg.tensor(np.ones(2)), {"last": np.zeros(2)}]


layer = Layer()
later = ...


def test_arrays_have_the_users_names():
    """Variables from outside by their path, arguments by their names, views by what they show."""
    held = np.ones((2, 2))

    def function(first, pairs, scale=2.0):
        hidden = mg.asarray(first) @ layer.weight.T + layer.biases[0] + layer.biases[1]["last"]
        scaled = hidden * held.T * pairs[0] * pairs[1]["b"]
        return scaled * scale

    compiled = mg.compile(function)
    compiled(np.ones((2, 2)), [np.ones((2, 2)), {"b": np.ones(2)}], scale=3.0)
    for name in (
        "layer_weight",
        "layer_biases_0",
        "layer_biases_1_last",
        "held_T",
        "first",
        "pairs_0",
        "pairs_1_b",
        "scale",
    ):
        assert name in compiled.source, name
    assert "def function(first, pairs_0, pairs_1_b, scale):" in compiled.source


def test_arrays_have_the_names_that_inner_functions_use():
    """A global variable that only a function inside the compiled one mentions gives its array a name."""
    step = mg.compile(lambda w: mg.grad(lambda w: mg.sum((lambda v: X @ v)(w) * Y))(w))
    step(W)
    assert {"def prepare(X, Y):", "def prepare(Y, X):"} & set(step.source.splitlines())


def test_names_that_are_taken_get_a_number():
    """Those of keywords, builtins, functions, and of each other."""

    def function(exp, sum, np_):
        x = mg.exp(exp) * sum + np_
        y = x * 2
        return x, y

    compiled = mg.compile(function)
    answer = compiled(np.ones(2), np.ones(2), np.ones(2))
    assert "def function(exp, sum_1, np_1):" in compiled.source
    assert "np.exp(exp, " in compiled.source
    np.testing.assert_equal(compiled(np.ones(2), np.ones(2), np.ones(2)), answer)


def test_functions_without_names_or_source_are_compiled_as_well():
    """A lambda, a method of NumPy's, a callable object, a function in whose scope a variable has no value yet."""

    class Callable:
        def __call__(self, x):
            return np.exp(x)

    def unbound():
        if np is None:
            missing = 1

        def function(x):
            return x * 2 if x.ndim else missing

        return function

    for function in (lambda x: x * 2, np.exp, Callable(), unbound()):
        compiled = mg.compile(function)
        first = compiled(np.ones(3))
        np.testing.assert_array_equal(compiled(np.ones(3)), first)


def test_a_methods_arrays_are_named_by_their_attributes():
    """The array in self.weight is self_weight."""

    class Model:
        def __init__(self):
            self.weight = mg.tensor(np.ones(2))

        def forward(self, x):
            return x * self.weight

    compiled = mg.compile(Model().forward)
    compiled(np.ones(2))
    assert "self_weight" in compiled.source
    assert "def forward(x):" in compiled.source


def test_arguments_keep_the_names_of_their_parameters():
    """Also where the function gives the name to something else before it returns."""

    def function(images, labels):
        images, labels = images * 2, labels[0]
        return images + labels

    compiled = mg.compile(function)
    compiled(np.ones(3), np.ones(3))
    assert "def function(images, labels):" in compiled.source


@pytest.mark.parametrize("fails", [False, True])
def test_a_recording_keeps_no_variables(fails):
    """What was local goes when the function returns; one that raises runs once more, to raise in its own words."""

    class Local:
        pass

    went = []

    def function(x):
        local = Local()
        weakref.finalize(local, went.append, True)
        y = x * 2
        if fails:
            raise KeyError("this one")
        return y

    compiled = mg.compile(function)
    gc.disable()
    try:
        with pytest.raises(KeyError) if fails else nullcontext():
            compiled(np.ones(3))
        assert went == [True] * (1 + fails)
    finally:
        gc.enable()


def test_large_results_are_given_up():
    """What has no buffer is deleted with its views after its last use, as it would be uncompiled."""

    def function(x):
        chosen = np.where(x > 0, x, 0)
        top = chosen[::2]
        return np.sum(top) + np.sum(np.exp(x))

    compiled = mg.compile(function)
    compiled(np.ones(20_000))
    lines = [line.strip() for line in compiled.source.splitlines()]
    assert any(line.startswith("del t_") and "," in line for line in lines)
    small = mg.compile(function)
    small(np.ones(20))
    assert "del" not in small.source


def test_quiet_calls_stay_quiet():
    """Where a function tells NumPy not to warn, its replay does so, and nothing around it is silenced."""

    def function(x):
        with np.errstate(over="ignore"):
            y = np.exp(x)
        return y, np.exp(-x), mg.sigmoid(x[0])

    compiled = mg.compile(function)
    compiled(np.ones(2))
    assert compiled(np.full(2, 1e3))[0].tolist() == [np.inf, np.inf]
    with np.testing.assert_raises(FloatingPointError), np.errstate(all="raise"):
        compiled(np.full(2, -1e3))


def test_warnings_are_those_of_the_function():
    """Where it tells NumPy not to warn, a replay does not, be it in a call, an operator or a change in place."""

    def function(x):
        with np.errstate(over="ignore"):
            kept = np.zeros_like(x, dtype=np.float32)
            kept[1:] = x[1:] * 1e200
            return kept, x.sum() * 1e200, -kept[0], (x.T * 1e100).astype(np.float32), np.exp(x).T

    compiled, x = mg.compile(function), np.full(3, 1e200)
    compiled(x)
    for got, want in zip(compiled(x), function(x), strict=True):
        np.testing.assert_array_equal(got, want)
    assert "with np.errstate(over='ignore'): " in compiled.source
    loud = mg.compile(lambda x: x.sum() * 1e200)
    loud(np.ones(3))
    with pytest.warns(RuntimeWarning, match="overflow"):
        loud(x)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("x", [np.arange(3.0), np.arange(3) > 1, np.arange(3)])
def test_a_negative_number_to_a_power(x, backend):
    """The sign belongs to the number: -2 ** x would be -(2 ** x)."""
    if backend == "numba":
        pytest.importorskip("llvmlite")
        pytest.importorskip("scipy")
    compiled = mg.compile(lambda x: (-2) ** x, backend=backend)
    compiled(x)
    np.testing.assert_array_equal(compiled(x), (-2) ** x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_come_to_ufuncs_as_arrays_without_dimensions(dtype):
    """Put in once for all calls that meet arrays of one dtype, and with the bits and the dtype of the number."""
    x, y = np.arange(3, dtype=dtype) / 7, np.arange(3.0) / 3

    def function(x, y, k):
        return k * x, x - k, k + y, np.power(x, k), k * 2

    compiled = mg.compile(function)
    compiled(x, y, 0.3)
    for got, want in zip(compiled(x, y, 0.7), function(x, y, 0.7), strict=True):
        assert np.asarray(got).dtype == np.asarray(want).dtype
        assert np.array_equal(got, want)
    assert compiled.source.count("[()] = k\n") == len({dtype, np.float64})


@pytest.mark.parametrize("part", [slice(2), slice(1, None), slice(None, None, 2), slice(3, 0, -1)], ids=str)
@pytest.mark.parametrize("backend", ["numpy", "native"])
def test_a_slice_may_be_an_argument(backend, part):
    """Python has slices between brackets alone; among arguments they are spelled out."""
    x = np.arange(5.0)

    def function(x):
        return np.delete(x, part) * x[part].sum()

    compiled = mg.compile(function, backend=backend)
    for factor in (1, 2, 3):
        np.testing.assert_array_equal(compiled(factor * x), function(factor * x))
