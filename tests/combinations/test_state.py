"""What rules, callers and hooks may change, and what they may not: no derivative is of a function that nobody wrote."""

import collections
import pickle
import threading

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

X = np.array([1.0, 2.0, 3.0])
RNG = np.random.default_rng(0)


def leaf(x=X):
    return mg.tensor(x, requires_grad=True)


def test_a_rule_that_returns_its_argument_does_not_give_it_away():
    """The gradient is an array of its own, though the rule has returned the very parameter."""
    f = mg.primitive(lambda g, y, x: x, kind="general", forward=[lambda t, y, x: (t * x).sum()])(
        lambda x: (x * x).sum() / 2
    )
    w = leaf()
    f(w).backward()
    optim.clip_grad_norm_([w], 1.0)
    assert w.tolist() == X.tolist()
    jacobian = np.diag(X)
    g = mg.primitive(lambda g, y, x: jacobian, kind="general", forward=[lambda t, y, x: (t * x).sum()])
    v = leaf(np.ones((3, 3)))
    g(lambda x: (x * jacobian).sum())(v).backward()
    v.grad.data[...] = 0
    assert jacobian.tolist() == np.diag(X).tolist()


def test_a_rule_that_changes_the_cotangent_is_refused():
    """g *= ... in a user's rule raises, as others hold g, and nobody's array is changed."""

    def rule(g, y, x):
        g *= 2 * x
        return g

    square = mg.primitive(rule)(lambda x: x * x)
    w, g = leaf(), np.ones(3)
    y = w * 1.0
    for start in (lambda: (y * w + square(y)).sum().backward(), lambda: square(w).backward(g)):
        with pytest.raises(mg.RuleError, match=r"changes the cotangent g in place.*g \* x in place of g \*= x"):
            start()
    assert g.tolist() == [1, 1, 1]
    assert w.grad is None


@pytest.mark.parametrize("way", ["backward", "jvp"])
def test_a_rule_as_wide_as_neither_argument_nor_result_is_refused(way):
    """(n, 1) in place of (n,) is not summed away: a cotangent and a tangent have the shapes of argument and result."""
    column = X[:, None]
    f = mg.primitive(lambda g, y, x: g * column)(lambda x: x * X)
    with pytest.raises(mg.RuleError, match=r"argument's shape \(3,\); got one of shape \(3, 3\)"):
        f(leaf()).sum().backward() if way == "backward" else mg.jvp(f, (X,), (X,))


def test_containers_changed_after_vjp():
    """A pull-back returns what the arguments were, whatever the caller does with the containers and the value."""
    p = {"a": X.copy(), "b": 2 * X}
    y, pull_back = mg.vjp(lambda p: (p["a"] ** 2 + 3 * p["b"]).sum(), p)
    p["z"] = p.pop("a")
    (found,) = pull_back(1.0)
    assert {k: v.tolist() for k, v in found.items()} == {"a": [2, 4, 6], "b": [3, 3, 3]}
    y, pull_back = mg.vjp(np.exp, X)
    y -= 1.0
    np.testing.assert_array_equal(pull_back(np.ones(3))[0], np.exp(X))


def other_draws(a):
    return sum(a * a * RNG.normal(size=3) for _ in range(2))


class Drawing:
    """Draws from a generator of its class, or of a slot."""

    __slots__ = ("rng",)
    shared = np.random.default_rng(1)

    def __call__(self, a):
        return a * a * self.shared.normal(size=3) * self.rng.normal(size=3)


def keyword_only(a, *, rng=RNG):
    return a * a * rng.normal(size=3)


@pytest.mark.parametrize("place", ["inner function", "slot and class", "keyword", "deque"])
def test_generators_in_odd_places_are_found_or_the_second_run_is_refused(place):
    """y = a^2 noise: its derivative is 2 y / a, or the pass is refused, as the second run computes something else."""
    drawing = Drawing()
    drawing.rng = np.random.default_rng(2)
    queue = collections.deque([RNG])
    f = {
        "inner function": other_draws,
        "slot and class": drawing,
        "keyword": keyword_only,
        "deque": lambda a: a * a * queue[0].normal(size=3),
    }[place]
    w = leaf()
    y = mg.checkpoint(f)(w)
    if place == "deque":
        with pytest.raises(mg.GraphError, match="values differ now: something that it uses was changed in between"):
            y.sum().backward()
    else:
        y.sum().backward()
        np.testing.assert_allclose(w.grad.data, 2 * y.detach().numpy() / X, rtol=1e-14)


def test_an_array_from_outside_that_changes_before_the_second_run():
    """A checkpoint compares its second run with the first: a changed ndarray, argument or variable is refused."""
    w, s, kept = leaf(), X.copy(), [X.copy()]
    for f, change in (
        (lambda a: a * a * s, lambda: s.__imul__(10.0)),
        (lambda a: a * a * kept[0], lambda: kept.__setitem__(0, X * 7)),
    ):
        y = mg.checkpoint(f)(w)
        change()
        with pytest.raises(mg.GraphError, match="values differ now"):
            y.sum().backward()
    assert w.grad is None


def test_a_frozen_parameter_that_is_given_other_values():
    """Values set between forward and backward are noticed, also of parameters without gradient and of buffers."""
    for p in (nn.Parameter(X), nn.Buffer(X)):
        p.requires_grad = False
        w = leaf()
        y = (w * p).sum()
        p.data = 10 * X
        with pytest.raises(mg.GraphError, match="changed in place since"):
            y.backward()
        (w * p).sum().backward()
        assert w.grad.tolist() == (10 * X).tolist()


def test_a_watched_cotangent_is_not_detached():
    """backward(gradient=v) of a v through which a derivative flows raises, unless the pass is recorded."""

    def f(a):
        w = leaf()
        (w * w).backward(gradient=a, create_graph=True)
        return w.grad.sum()

    with pytest.raises(TypeError, match="a derivative flows through this array"):
        mg.grad(f)(X)
    v, w = leaf(), leaf()
    with pytest.raises(TypeError, match="a derivative flows through this array"):
        (w * w).backward(gradient=v)
    (w * w).backward(gradient=v, create_graph=True)
    g, w.grad = w.grad, None
    g.sum().backward()
    assert v.grad.tolist() == (2 * X).tolist()


def test_a_gradient_that_a_hook_keeps():
    """What a hook has seen stays as it was, also where parts of an array are put back later in the pass."""
    kept, w = [], leaf()
    y = w * 1.0
    y[0] = w[2] * 3.0
    y.register_hook(kept.append)
    (y[0] + 2.0 * y[1]).backward(create_graph=True)
    assert kept[0].tolist() == [1, 2, 0]


def test_writes_under_no_grad_agree_in_both_modes():
    """A write while nothing is recorded makes a constant of the array, in forward mode as in reverse mode."""

    def f(a):
        y = a * 1.0
        with mg.no_grad():
            y[0] = a[1]
            part = y[1] * 1.0
        return y.sum() + part

    assert mg.grad(f)(X).tolist() == [0, 0, 0]
    assert [mg.jvp(f, (X,), (e,))[1].item() for e in np.eye(3)] == [0, 0, 0]


@pytest.mark.parametrize("make", [lambda: mg.zeros(3, dtype=int), lambda: mg.tensor([1, 2, 3])])
def test_integers_take_no_derivative(make):
    """A watched float is not written into an array of integers, whose derivative would be lost."""

    def f(a):
        z = make()
        z[0] = a[0]
        return (z * 1.0).sum()

    for call in (lambda: mg.grad(f)(X), lambda: f(leaf())):
        with pytest.raises(TypeError, match="An array of int64 has no derivative: make one of floats"):
            call()


def test_one_mode_in_two_threads():
    """A mode object that two threads have entered at once leaves each with the mode that it had."""
    mode, first, second, seen = mg.no_grad(), threading.Event(), threading.Event(), []

    def run(outer, mine, other):
        with mg.no_grad() if outer else mg.enable_grad():
            with mode:
                mine.set()
                other.wait(5)
            seen.append((outer, mg.is_grad_enabled()))
        seen.append((outer, mg.is_grad_enabled()))

    threads = [threading.Thread(target=run, args=a) for a in ((True, first, second), (False, second, first))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(seen) == [(False, True), (False, True), (True, False), (True, True)]


def test_a_generator_closed_elsewhere_leaves_the_mode_alone():
    """A block in a generator that is closed outside of where it began does not bring its context back."""

    def steps():
        with mg.no_grad():
            yield

    kept = []

    def f(x):
        kept.append(steps())
        next(kept[0])
        return (x * x).sum()

    assert mg.grad(f)(X).tolist() != []
    kept[0].close()
    y = leaf() * 2.0
    assert type(y) is mg.Tensor
    assert mg.is_grad_enabled()


def test_an_index_that_the_caller_uses_again():
    """An index array is what it was at the call: other positions written into it later are others' business."""
    i, w = np.array([0, 1]), leaf()
    y = w[i].sum()
    i[:] = 2
    y.backward()
    assert w.grad.tolist() == [1, 1, 0]
    z, v = mg.zeros(3), leaf(np.array([5.0, 7.0]))
    i[:] = 0, 2
    z[i] = v
    i[:] = 1
    (z * X).sum().backward()
    assert v.grad.tolist() == [1, 3]


def test_anomalies_are_found_in_forward_mode():
    """An infinite tangent of a finite one is named with its operation."""
    text = r"derivative of sqrt of \(2,\) by argument 0 is infinity"
    with pytest.raises(mg.AnomalyError, match=text), mg.detect_anomaly(), np.errstate(divide="ignore"):
        mg.jvp(np.sqrt, (np.array([0.0, 1.0]),), (np.ones(2),))


@pytest.mark.parametrize("dtype", [">f8", ">f4"])
def test_arrays_of_the_other_byte_order(dtype):
    """They become arrays of this machine's order, and so do their gradients."""
    w = leaf(X.astype(dtype))
    np.exp(w).sum().backward()
    assert w.dtype == w.grad.dtype == np.dtype(dtype).newbyteorder("=")
    assert mg.grad(lambda x: np.exp(x).sum())(X.astype(dtype)).dtype.isnative


def test_numpy_scalars_as_exponents():
    """float32 ** np.float64(2) is what np.power makes of it (the operator of NumPy 2.0 itself keeps float32)."""
    for exponent in (2, 2.0, np.float64(2), np.float32(2), np.float64(3)):
        x = X.astype(np.float32)
        assert (leaf(x) ** exponent).dtype == np.power(x, exponent).dtype


def test_an_array_that_is_being_filled_is_a_tensor():
    """It shows and pickles as one, and its size can be asked for without an end to filling."""
    z = mg.zeros(3)
    z[0] = 1.0
    assert z.size == 3
    assert repr(z) == "tensor([1., 0., 0.])"
    z[1] = 2.0
    assert pickle.loads(pickle.dumps(z)).tolist() == [1, 2, 0]


def test_a_checkpoint_without_derivatives_is_the_function():
    """Under no_grad nothing is taken down: numbers can be asked for, and integers are Tensors."""
    w = leaf()
    with mg.no_grad():
        assert mg.checkpoint(lambda a: float(a.sum()))(w) == 6
        assert not mg.checkpoint(lambda a: a * 2.0)(w).requires_grad


def test_sequences_by_name():
    """np.stack(arrays=[a, b]) is np.stack([a, b])."""
    w = leaf()
    np.stack(arrays=[w, w * 2.0], axis=0).sum().backward()
    assert w.grad.tolist() == [3, 3, 3]


def test_leaves_that_interleave():
    """Two leaves in one memory without a common element: a change of one is none of the other."""
    memory = np.arange(6.0)
    a, b = mg.asarray(memory[::2]), mg.asarray(memory[1::2])
    a.requires_grad = b.requires_grad = True
    y = (a * a).sum()
    b.data = [7.0, 7.0, 7.0]
    y.backward()
    assert a.grad.tolist() == [0, 4, 8]


def test_a_filled_array_in_the_second_run_costs_what_is_written():
    """Filling inside of a checkpoint copies the array once, not at each step."""
    x = leaf(np.ones(4))
    copies = []

    class Counting(np.ndarray):
        pass

    def f(a, n=200):
        z = mg.zeros((n, 4))
        for t in range(n):
            z[t] = a * float(t)
        copies.append(type(z).__name__)
        return z.sum()

    mg.checkpoint(f)(x).backward()
    assert copies == ["WrittenOpaque", "WrittenVariable"]
    assert x.grad.tolist() == [199 * 100] * 4
