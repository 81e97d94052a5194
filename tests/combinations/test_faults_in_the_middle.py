"""An error in the middle of a derivative leaves gradients, graphs, levels and locks as they were."""

import os
import pathlib
import signal
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest

import minigrad as mg

from .numeric import close, leaf, plain

ROOT = pathlib.Path(__file__).parents[2]
ERRORS = (ValueError, ZeroDivisionError, MemoryError, KeyboardInterrupt, SystemExit)


# Errors in hooks


class Faulty:
    """A function that raises at its first call, and returns its argument afterwards."""

    def __init__(self, error):
        self.error, self.calls = error, 0

    def __call__(self, g, *rest):
        self.calls += 1
        if self.calls == 1:
            raise self.error
        return g


def network():
    """Leaves, what is made of them in between, and a result: sum (w v + v) (w v), with w = (1, 2), v = (3, 4)."""
    w, v = leaf(1.0, 2.0), leaf(3.0, 4.0)
    product = w * v
    total = product + v
    return {"w": w, "v": v, "product": product, "total": total, "y": np.sum(total * product)}


# The gradients of its sum, w^2 v^2 + w v^2.
WANT = {
    "w": np.array([2 * 9.0 + 9.0, 4 * 16.0 + 16.0]),
    "v": np.array([2 * 3.0 + 6.0, 8 * 4.0 + 16.0]),
    "product": np.array([3.0 + 6.0, 8.0 + 12.0]),
    "total": np.array([3.0, 8.0]),
}


@pytest.mark.parametrize("place", ["w", "v", "product", "total", "y"])
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_hook_that_raises_leaves_everything_as_it_was(place, create_graph):
    """No gradient is left, kept ones neither, and the same graph has the right ones in the next pass."""
    for error in ERRORS:
        one = network()
        for name in ("product", "total"):
            one[name].retain_grad()
        one[place].register_hook(Faulty(error))
        with pytest.raises(error):
            one["y"].backward(create_graph=create_graph)
        assert all(one[name].grad is None for name in WANT)
        one["y"].backward(create_graph=create_graph)
        for name, want in WANT.items():
            close(one[name].grad, want)


def test_gradients_from_earlier_passes_survive():
    """A pass that fails adds nothing to what earlier passes left: same objects, same numbers."""
    one = network()
    one["y"].backward(retain_graph=True)
    held = {name: one[name].grad for name in ("w", "v")}
    one["product"].register_hook(Faulty(ZeroDivisionError))
    with pytest.raises(ZeroDivisionError):
        one["y"].backward(retain_graph=True)
    for name, grad in held.items():
        assert one[name].grad is grad
        close(grad, WANT[name])
    one["y"].backward()
    for name in held:
        close(one[name].grad, 2 * WANT[name])


def test_a_hook_may_be_removed_after_it_raised():
    """The function that register_hook returned still removes a hook that has raised."""
    one = network()

    def stop(g):
        raise ValueError("stop")

    remove = one["w"].register_hook(stop)
    for _ in range(2):
        with pytest.raises(ValueError, match="stop"):
            one["y"].backward()
    remove()
    one["y"].backward()
    close(one["w"].grad, WANT["w"])


def test_hooks_may_make_passes_of_their_own():
    """No lock is held while a hook runs: it may call backward(), here and in a thread that it waits for."""
    one, other = network(), network()

    def in_a_thread(g):
        thread = threading.Thread(target=other["y"].backward, daemon=True)
        thread.start()
        thread.join(10)
        assert not thread.is_alive()

    one["product"].register_hook(lambda g: np.sum(one["v"] * 10.0).backward())
    one["w"].register_hook(in_a_thread)
    one["y"].backward()
    close(one["w"].grad, WANT["w"])
    close(one["v"].grad, WANT["v"] + 10.0)
    close(other["w"].grad, WANT["w"])


# Errors in rules


def fragile(error, kind="elementwise"):
    """x^2, and a set to which "function", "rule" and "push" are added to make that part of it raise."""
    faults = set()

    def function(x):
        raise_if("function")
        return x * x

    def rule(g, y, x):
        raise_if("rule")
        return g * 2.0 * x

    def push(t, y, x):
        raise_if("push")
        return t * 2.0 * x

    def raise_if(place):
        if place in faults:
            raise error

    return mg.primitive(rule, kind=kind, forward=[push] if kind == "general" else ())(function), faults


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_rule_that_raises_leaves_everything_as_it_was(create_graph):
    """An error in a rule, MemoryError and Ctrl-C too, leaves no gradient, and a graph for another pass."""
    for error in ERRORS:
        f, faults = fragile(error)
        w, v = leaf(1.0, 2.0), leaf(3.0, 4.0)
        y = np.sum(f(w * v) * v)
        faults.add("rule")
        with pytest.raises(error):
            y.backward(create_graph=create_graph)
        faults.clear()
        assert w.grad is None
        assert v.grad is None
        y.backward(create_graph=create_graph)
        close(w.grad, 2 * np.array([1.0, 2.0]) * [27.0, 64.0])
        close(v.grad, 3 * np.array([1.0, 4.0]) * [9.0, 16.0])


@pytest.mark.parametrize(
    "answer", [np.ones(3), None, 2.0, np.array([1j, 1j])], ids=["shape", "None", "float", "complex"]
)
def test_a_rule_of_the_wrong_shape_leaves_everything_as_it_was(answer):
    """RuleError is raised before any gradient is set, and the graph can be swept once the rule is right."""
    answers = [answer, np.array([5.0, 5.0])]
    f = mg.primitive(lambda g, y, x: answers.pop(0))(lambda x: x * 5.0)
    w, v = leaf(1.0, 2.0), leaf(3.0, 4.0)
    y = np.sum(f(w) * v)
    with pytest.raises(mg.RuleError):
        y.backward()
    assert w.grad is None
    assert v.grad is None
    y.backward()
    close(w.grad, [5.0, 5.0])
    close(v.grad, [5.0, 10.0])


@pytest.mark.parametrize("kind", ["elementwise", "general"])
def test_errors_inside_transformations_close_their_levels(kind):
    """After an error in a function, a rule or a push-forward, the same transformation works, and so do others."""
    x = np.array([3.0, 4.0])
    reverse, forward = (lambda f: mg.grad(f)(x)), (lambda f: mg.jvp(f, (x,), (x,))[1])
    for error in ERRORS:
        f, faults = fragile(error, kind)
        cube = lambda x, f=f: np.sum(f(x) * x)
        places = [("function", reverse), ("function", forward), ("rule", reverse)]
        places.append(("push" if kind == "general" else "rule", forward))
        for place, way in places:
            faults.add(place)
            with pytest.raises(error):
                way(cube)
            faults.clear()
            close(reverse(cube), 3 * x * x)
            close(forward(cube), np.sum(3 * x**3))
            w = leaf(3.0, 4.0)
            cube(w).backward()
            close(w.grad, 3 * x * x)


def test_a_pull_back_that_fails_can_be_called_again():
    """An error in a rule leaves the pull-back of a vjp whole."""
    f, faults = fragile(KeyboardInterrupt)
    y, pull_back = mg.vjp(lambda x: f(x) * x, np.array([3.0]))
    faults.add("rule")
    with pytest.raises(KeyboardInterrupt):
        pull_back(np.array([1.0]))
    faults.clear()
    close(pull_back(np.array([1.0]))[0], [27.0])
    close(pull_back(np.array([2.0]))[0], [54.0])


def test_an_error_that_the_function_catches():
    """An inner transformation that fails inside an outer one is no part of the outer derivative."""

    def f(x):
        try:
            mg.grad(lambda y: (y * x, 1 / 0))(x)
        except ZeroDivisionError:
            x = x * 2.0
        try:
            x[10] = 1.0
        except IndexError:
            x = x * x
        return np.sum(x)  # 4 x^2

    x = np.array([3.0, 4.0])
    close(mg.grad(f)(x), 8 * x)
    close(mg.jvp(f, (x,), (x,))[1], np.sum(8 * x * x))
    close(mg.hessian(f)(x), 8 * np.eye(2))


def test_errors_keep_nothing_alive():
    """When its error is forgotten, a pass that failed holds neither the graph nor its arrays."""
    one = network()
    one["w"].register_hook(Faulty(ZeroDivisionError))
    alive = [weakref.ref(x) for x in one.values()]
    with pytest.raises(ZeroDivisionError):
        one["y"].backward()
    one.clear()
    assert all(x() is None for x in alive)


# Switches


def test_errors_in_blocks_switch_everything_back():
    """no_grad, enable_grad and detect_anomaly end with their blocks, whatever ends these."""
    for error in ERRORS:
        with pytest.raises(error), mg.no_grad(), mg.enable_grad(), mg.detect_anomaly():
            raise error
        assert mg.is_grad_enabled()
        with pytest.raises(error):
            mg.grad(mg.no_grad()(Faulty(error)))(np.array(1.0))
        assert mg.is_grad_enabled()
    w = leaf(0.0)
    with np.errstate(divide="ignore"):
        y = np.log(w)  # an anomaly, which nobody looks for any more
    assert plain(y)[0] == -np.inf


def test_an_anomaly_leaves_everything_as_it_was():
    """AnomalyError from a backward pass sets no gradient, and the pass can be made outside of the block."""
    w, v, held = leaf(0.0, 4.0), leaf(1.0, 2.0), []

    def watched():
        with mg.detect_anomaly():
            held.append(np.sum(np.sqrt(w) + v * v))
            held[0].backward()

    with np.errstate(divide="ignore"):
        with pytest.raises(mg.AnomalyError):
            watched()
        assert w.grad is None
        assert v.grad is None
        held[0].backward()
    np.testing.assert_array_equal(plain(w.grad), [np.inf, 0.25])
    close(v.grad, [2.0, 4.0])


# Levels


LEAVING = {
    "grad": lambda f, x: mg.grad(f)(x),
    "value_and_grad": lambda f, x: mg.value_and_grad(f)(x),
    "vjp": lambda f, x: mg.vjp(f, x),
    "jvp": lambda f, x: mg.jvp(f, (x,), (x,)),
    "jacobian": lambda f, x: mg.jacobian(f)(x),
    "hessian": lambda f, x: mg.hessian(f)(x),
    "checkpoint": lambda f, x: mg.checkpoint(f)(mg.tensor(x, requires_grad=True)),
    "inner grad": lambda f, x: mg.grad(lambda v: np.sum(mg.grad(f)(v)))(x),
}
USES = {
    "operator": lambda kept: kept + 1.0,
    "reflected": lambda kept: np.ones(2) * kept,
    "function": lambda kept: np.exp(kept),
    "method": lambda kept: kept.sum(),
    "part": lambda kept: kept[0],
    "in a list": lambda kept: np.stack([kept, np.ones(2)]),
    "matmul": lambda kept: kept @ kept,
    "update": lambda kept: kept.__setitem__(0, 1.0),
    "operator in place": lambda kept: kept.__iadd__(1.0),
    "into a buffer": lambda kept: mg.zeros(2).__setitem__(0, kept[0]),
    "beside a leaf": lambda kept: leaf(1.0, 2.0) * kept,
    "in another transformation": lambda kept: mg.grad(lambda x: np.sum(x * kept))(np.ones(2)),
    "as an argument": lambda kept: mg.grad(lambda x: np.sum(x * x))(kept),
}


@pytest.mark.parametrize("leaving", LEAVING.values(), ids=list(LEAVING))
def test_an_array_used_after_its_transformation_is_refused(leaving):
    """Whatever uses an array after its transformation has returned raises LevelError and says what to do."""
    kept = []

    def f(x):
        y = x * x
        kept.extend([x, y])
        return np.sum(y)

    leaving(f, np.array([1.0, 2.0]))
    for one in kept[:2]:
        for use in USES.values():
            with pytest.raises(mg.LevelError, match=r"has returned.*(has_aux|detach)"):
                use(one)
    close(mg.grad(f)(np.array([1.0, 2.0])), [2.0, 4.0])


def test_the_remedies_for_levels_work():
    """has_aux hands an array out as a result, and detach() keeps its values, as LevelError says."""
    x, kept = np.array([1.0, 2.0]), []
    gradient, y = mg.grad(lambda x: (np.sum(x * x), x * 3.0), has_aux=True)(x)
    close(gradient, [2.0, 4.0])
    close(y * 2.0, [6.0, 12.0])
    mg.grad(lambda x: (kept.append(x.detach()), np.sum(x))[1])(x)
    close(kept[0] * 2.0, [2.0, 4.0])


def test_levels_that_do_not_nest_are_refused():
    """Arrays of two transformations that run side by side raise LevelError where they meet; both end well."""
    shared, ready, over, results = [], threading.Event(), threading.Event(), []

    def waiting(x):
        shared.append(x)
        ready.set()
        over.wait(10)
        return np.sum(x * x)

    thread = threading.Thread(target=lambda: results.append(mg.grad(waiting)(np.array([1.0, 2.0]))))
    thread.start()
    ready.wait(10)
    try:
        for meet in (lambda x: np.sum(x * shared[0]), lambda x: np.sum(np.stack([x, shared[0]]))):
            with pytest.raises(mg.LevelError):
                mg.grad(meet)(np.array([3.0, 4.0]))
            with pytest.raises(mg.LevelError):
                mg.jvp(meet, (np.array([3.0, 4.0]),), (np.ones(2),))
        close(mg.grad(lambda x: np.sum(x**3))(np.array([3.0, 4.0])), [27.0, 48.0])
    finally:
        over.set()
        thread.join(10)
    close(results[0], [2.0, 4.0])


def test_a_refused_use_of_another_level_changes_nothing():
    """LevelError in the middle of a function that catches it leaves no trace in the derivative."""
    kept = []
    mg.grad(lambda x: (kept.append(x), np.sum(x))[1])(np.array([1.0, 2.0]))

    def f(x):
        c = mg.zeros(2)
        c[0] = x[0] * x[1]
        for use in (lambda: x * kept[0], lambda: c.__setitem__(1, kept[0][0]), lambda: c.__iadd__(kept[0])):
            with pytest.raises(mg.LevelError):
                use()
        return np.sum(c * x)

    close(mg.grad(f)(np.array([3.0, 4.0])), [24.0, 9.0])


# Interrupts and forks, in processes of their own


def run(*arguments, seconds=60):
    command = [sys.executable, "-m", "tests.combinations.interrupts", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=seconds)


needs_alarm = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no alarm")


@needs_alarm
def test_interrupts_leave_nothing_half_done():
    """Two seconds of KeyboardInterrupts at random moments: gradients, graphs, modes, generators and locks are whole."""
    done = run("interrupts", 2.0, 0)
    assert done.returncode == 0, done.stderr
    assert "interrupts, and nothing was left half done" in done.stdout


@needs_alarm
@pytest.mark.slow
@pytest.mark.no_cover
def test_thousands_of_interrupts_leave_nothing_half_done():
    """A minute of KeyboardInterrupts, tens of thousands, leaves gradients, graphs, modes and locks whole as well."""
    done = run("interrupts", 60.0, 1, seconds=200)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > 5000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_a_fork_beside_a_thread_in_backward():
    """A child forked while another thread is in backward() makes passes of its own, whatever that thread held."""
    done = run("forks", 20)
    assert done.returncode == 0, done.stderr
    assert "20 forks, and every child has made its passes" in done.stdout
