"""Many steps in one call of native code leave behind what as many calls do."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.core.door import raise_if
from minigrad.core.recorder import state_array
from tests.benchmarks.tutorial import W, X, Y

from .agreement import assert_close

ROOT = Path(mg.__file__).parent.parent


def training(optimizer=lambda params: optim.SGD(params, lr=0.5), forget_first=True):
    """The tutorial's step, and what it changes."""
    x, y, w = mg.tensor(X), mg.tensor(Y), mg.tensor(W, requires_grad=True)
    rule = optimizer([w])

    def step():
        loss = mg.sum((mg.sigmoid(x @ w) - y) ** 2) / 2
        if forget_first:
            rule.zero_grad()
        loss.backward()
        rule.step()
        if not forget_first:
            rule.zero_grad()
        return loss.detach()

    return step, w, rule


RULES = {
    "sgd": lambda params: optim.SGD(params, lr=0.5),
    "momentum": lambda params: optim.SGD(params, lr=0.1, momentum=0.9),
    "adam": lambda params: optim.Adam(params, lr=0.1),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("forget_first", [True, False])
def test_repeat_is_as_many_calls(rule, forget_first):
    """Weights, the last gradient and the last loss; a learning rate that is set in between is read."""
    step, w, by_rule = training(RULES[rule], forget_first)
    other, u, other_rule = training(RULES[rule], forget_first)
    compiled = mg.compile(step, backend="native")
    for n in (1, 5, 200, 0):
        by_rule.lr = other_rule.lr = 0.1 + 0.01 * n
        want = None
        for _ in range(n):
            want = other()
        loss = compiled.repeat(n)
        assert (loss is None) == (want is None) == (n == 0)
        if n:
            assert_close(loss.data, want.data)
        assert_close(w.data, u.data)
        assert (w.grad is None) == (u.grad is None)
        if w.grad is not None:
            assert_close(w.grad.data, u.grad.data)
    assert compiled._latest.runner.native.turns.tolist() == [
        1,
        0,
        0,
    ]  # it was one call, and each call makes one step again
    assert_close(compiled().data, other().data)


def test_steps_that_add_to_gradients_are_repeated_one_by_one():
    """Each turn reads the gradient that the one before has left."""
    w, u = (mg.tensor(W, requires_grad=True) for _ in range(2))

    def add(w):
        mg.sum(w**2 * 3).backward()

    compiled = mg.compile(lambda: add(w), backend="native")
    compiled.repeat(5)
    for _ in range(5):
        add(u)
    assert_close(w.grad.data, u.grad.data)
    assert compiled._latest.runner.native.turns is None


def test_programs_with_calls_of_numpy_are_repeated_one_by_one():
    """So are draws of random numbers, which differ from turn to turn."""
    kept, rng, other = np.zeros(3), np.random.default_rng(0), np.random.default_rng(0)

    def walk(rng):
        array = state_array(kept)
        np.add(array, rng.normal(size=3), out=array)

    mg.compile(walk, backend="native").repeat(6, rng)
    np.testing.assert_allclose(kept, sum(other.normal(size=3) for _ in range(6)), rtol=1e-14)


def test_repeat_with_arguments():
    """They are the same in each turn; memory that the program changes itself is seen changing."""
    w, u = np.ones(4), np.ones(4)

    def grow(x, w):
        w = state_array(w)
        np.multiply(w, 1.5, out=w)
        return x + w

    compiled = mg.compile(lambda x: grow(x, w), backend="native")
    for x, v in ((np.arange(4.0), np.arange(4.0)), (w, u), (w[::-1], u[::-1])):
        for _ in range(7):
            want = grow(v, u)
        assert_close(compiled.repeat(7, x), want)
        assert_close(w, u)
    with mg.no_grad():
        assert_close(compiled.repeat(2, np.ones(4)), 1 + 2.25 * w / 2.25)


def test_scan_goes_through_batches():
    """Losses are stacked, weights and the last gradient are as after the loop; batches may be strided, or Tensors."""
    rng = np.random.default_rng(0)
    xs, ys = rng.normal(size=(2, 9, 4, 3))
    (w, u), rate = (mg.tensor(W, requires_grad=True) for _ in range(2)), np.array(0.1)

    def step(w, x, y):
        out = x @ w
        loss = mg.mean((out - mg.sum(mg.asarray(y), axis=1, keepdims=True)) ** 2)
        w.grad = None
        loss.backward()
        with mg.no_grad():
            w -= mg.asarray(rate) * w.grad
        return loss.detach(), [out.detach(), w.grad]

    compiled = mg.compile(lambda x, y: step(w, x, y), backend="native")
    for many in ((xs, ys), (xs[::2], ys[::2]), (mg.tensor(xs), ys), (xs[:1], ys[:1]), (xs[:2], ys[:2])):
        losses, (outs, gradients) = compiled.scan(*many)
        wants = [step(u, x, y) for x, y in zip(np.asarray(many[0]), many[1], strict=True)]
        assert_close(losses.data, np.stack([loss.data for loss, _ in wants]))
        assert_close(outs.data, np.stack([out.data for _, (out, _) in wants]), 10)
        assert_close(gradients.data, np.stack([g.data for _, (_, g) in wants]), 10)
        assert_close(w.data, u.data)
        assert_close(w.grad.data, u.grad.data, 10)


def test_scan_with_results_in_other_orders():
    """A gradient that lies by columns, and an answer that does, which is stacked in Python."""
    weights = [mg.tensor(np.asfortranarray(np.ones((3, 4))), requires_grad=True) for _ in range(2)]

    def step(w, x):
        w.grad = None
        mg.sum(np.tanh(w) * x).backward()
        return mg.sum(w.grad).detach()

    xs = np.arange(6.0).reshape(6, 1, 1)
    got = mg.compile(lambda x: step(weights[0], x), backend="native").scan(xs)
    assert_close(got.data, np.array([step(weights[1], x).data for x in xs]))
    assert_close(weights[0].grad.data, weights[1].grad.data)
    columns = mg.compile(lambda x: [(x * 2).T * 3, np.copy(x.T)], backend="native").scan(
        np.arange(24.0).reshape(4, 2, 3)
    )
    assert_close(columns[0], 6 * np.arange(24.0).reshape(4, 2, 3).transpose(0, 2, 1))


def test_scan_of_numbers_and_of_no_answer():
    """Entries of an array of one axis are numbers; a function without an answer has none stacked."""
    kept = np.zeros(2)

    def add(x, y):
        array = state_array(kept)
        np.add(array, x * y, out=array)

    compiled = mg.compile(add, backend="native")
    assert compiled.scan(np.arange(6.0), np.ones((6, 2))) is None
    np.testing.assert_array_equal(kept, [15, 15])
    summed = mg.compile(lambda x: (x * 2, [np.sum(x)]), backend="native")
    doubled, (sums,) = summed.scan(np.arange(12.0).reshape(6, 2))
    np.testing.assert_array_equal(doubled, 2 * np.arange(12.0).reshape(6, 2))
    np.testing.assert_array_equal(sums, np.arange(12.0).reshape(6, 2).sum(axis=1))


def test_scan_where_native_code_cannot():
    """Answers that are views or arguments, calls of NumPy, no_grad and arguments that overlap: a loop in Python."""
    w = np.ones(3)

    def grow(x):
        array = state_array(w)
        np.multiply(array, 2, out=array)
        return x + array

    x = np.arange(12.0).reshape(4, 3)
    for function in (lambda x: (x * 2)[::-1], lambda x: x, lambda x: np.sort(x * 2), lambda x: (x * 2, x)):
        compiled = mg.compile(function, backend="native")
        got, want = compiled.scan(x), [function(row) for row in x]
        for y, z in zip(got, zip(*want, strict=True), strict=True) if isinstance(got, tuple) else [(got, want)]:
            np.testing.assert_array_equal(y, np.stack(z))
    compiled = mg.compile(grow, backend="native")
    np.testing.assert_array_equal(compiled.scan(x), x + np.array([2, 4, 8, 16])[:, None])
    np.testing.assert_array_equal(compiled.scan(np.zeros((3, 3))), np.outer([32, 64, 128], np.ones(3)))


@pytest.mark.parametrize("view", [lambda x: x, lambda x: x[::-1], lambda x: x[::2]])
def test_scan_over_memory_that_the_program_changes(view):
    """Later entries are what earlier turns have made of them, also where the entries do not lie side by side."""
    memory, other = np.ones((5, 3)), np.ones((5, 3))

    def double(x, memory):
        array = state_array(memory)
        np.multiply(array, 2, out=array)
        return x + array[0]

    compiled = mg.compile(lambda x: double(x, memory), backend="native")
    compiled.scan(np.zeros((3, 3)))
    other *= 8
    want = [double(row, other) for row in view(other)]
    assert_close(compiled.scan(view(memory)), np.stack(want))
    assert_close(memory, other)


def test_scan_of_entries_in_other_layouts():
    """Entries with gaps, or by columns, have programs of their own."""
    xs = np.random.default_rng(0).normal(size=(5, 3, 8))
    compiled = mg.compile(lambda x: (np.tanh(x) * 2, x.sum()), backend="native")
    for many in (xs, xs[:, :, ::2], xs[::-1, :, :4], np.asfortranarray(xs[:, :, :4]), xs[::-1]):
        values, sums = compiled.scan(many)
        assert_close(values, 2 * np.tanh(many))
        assert_close(sums, many.sum(axis=(1, 2)), 10)
    parts = mg.compile(lambda x: np.add(*np.split(x, 2, axis=1)), backend="native")
    assert_close(parts.scan(xs), xs[:, :, :4] + xs[:, :, 4:])


def test_scan_with_a_gradient_that_is_known():
    """It is a constant of the program, which no kernel makes."""
    w, other = (mg.tensor(np.ones((3, 4)), requires_grad=True) for _ in range(2))

    def step(x, w):
        w.grad = None
        (mg.sum(w) + mg.sum(x)).backward()
        return mg.sum(x)

    xs = np.arange(48.0).reshape(4, 3, 4)
    got = mg.compile(lambda x: step(x, w), backend="native").scan(xs)
    assert_close(got, np.stack([step(x, other) for x in xs]))
    assert_close(w.grad.data, other.grad.data)


def classifier():
    """A step that looks at its labels."""
    w = mg.tensor(W @ np.ones((1, 4)) / 4, requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)

    def step(x, labels):
        loss = mg.nn.functional.cross_entropy(mg.asarray(x) @ w, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step, w


def test_refusals_are_part_of_native_code():
    """A scan stops before the entry that the function refuses; those before it count, and the error is its own."""
    (step, w), (other, u) = classifier(), classifier()
    rng = np.random.default_rng(0)
    xs, labels = rng.normal(size=(6, 5, 3)), rng.integers(0, 4, (6, 5))
    compiled = mg.compile(step, backend="native")
    losses = compiled.scan(xs, labels)
    assert_close(losses.data, np.stack([other(x, y).data for x, y in zip(xs, labels, strict=True)]))
    assert_close(compiled.repeat(3, xs[0], labels[0]).data, [other(xs[0], labels[0]) for _ in range(3)][-1].data)
    assert compiled._latest.runner.native.turns is not None
    wrong = labels.copy()
    wrong[4, 2] = 4
    with pytest.raises(ValueError, match="cross_entropy of 4 classes takes labels 0 to 3; got 4"):
        compiled.scan(xs, wrong)
    for x, y in zip(xs[:4], labels[:4], strict=True):
        other(x, y)
    assert_close(w.data, u.data)
    with pytest.raises(ValueError, match="got 4"):
        compiled.repeat(3, xs[4], wrong[4])
    assert_close(w.data, u.data)


def test_a_repetition_that_becomes_impossible():
    """It stops before the turn that the function refuses."""
    kept = np.array([1.0])

    def halve(x):
        array = state_array(kept)
        raise_if(array < 0.1, lambda: ValueError("it is small"))
        np.multiply(array, x, out=array)
        return array * 1.0

    compiled = mg.compile(halve, backend="native")
    with pytest.raises(ValueError, match="it is small"):
        compiled.repeat(10, 0.5)
    assert kept.item() == 0.0625
    kept[...] = 0.5
    assert compiled.repeat(2, 0.5).item() == 0.125


def test_repeat_takes_a_whole_number():
    """Half a call cannot be made; no call at all has no answer."""
    for backend in ("numpy", "native"):
        step = mg.compile(lambda x: x * 2, backend=backend)
        with pytest.raises(TypeError, match="'float' object cannot be interpreted as an integer"):
            step.repeat(2.5, np.ones(2))
        assert step.repeat(0, np.ones(2)) is step.repeat(-1, np.ones(2)) is None


def test_it_is_safe_to_call_from_several_threads():
    """Four threads share one compiled function and its memory."""
    compiled = mg.compile(lambda x: np.exp(x) @ np.exp(x).T, backend="native")
    inputs = [np.full((20, 20), 0.01 * i) for i in range(4)]
    wants, wrong = [np.exp(x) @ np.exp(x).T for x in inputs], []

    def work(i):
        wrong.extend(i for _ in range(50) if not np.allclose(compiled(inputs[i]), wants[i], rtol=1e-12))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_threads_may_mix_calls_and_repetitions():
    """How often a kernel goes round is shared by all calls of it."""
    kept = np.zeros(2)

    def count():
        array = state_array(kept)
        np.add(array, 1, out=array)

    compiled = mg.compile(count, backend="native")
    compiled()

    def work(i):
        for _ in range(50):
            compiled.repeat(10) if i % 2 else compiled()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(kept, 1 + 2 * 50 * 10 + 2 * 50)


@pytest.mark.parametrize("library", ["llvmlite", "scipy"])
def test_without_what_native_code_needs(library):
    """The error names the extra; repeat and scan of the NumPy backend go on working."""
    code = (
        "import sys\n"
        f"sys.modules['{library}'] = None\n"
        "import numpy as np, minigrad as mg\n"
        "step = mg.compile(lambda x: x * 2)\n"
        "assert step.repeat(3, np.ones(2)).tolist() == [2, 2]\n"
        "assert step.scan(np.ones((2, 1))).tolist() == [[2], [2]]\n"
        "try:\n"
        "    mg.compile(lambda x: x, backend='native')\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout.startswith(
        "backend='native' needs llvmlite and SciPy, of the extra 'native'. Install them: pip install llvmlite scipy ("
    )


@pytest.mark.parametrize("module", ["minigrad.compile.native.replay", "scipy"])
def test_it_is_found_missing_when_it_is_asked_for(monkeypatch, module):
    """The same, in this process."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r"of the extra 'native'. Install them: pip install llvmlite scipy"):
        mg.compile(lambda x: x, backend="native")
