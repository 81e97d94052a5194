"""The reverse sweep: it adds up, frees as it goes, refuses what it cannot do, and is never recursive."""

import gc
import sys
import threading
import time
import tracemalloc
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.primitive import Primitive
from minigrad.core.tape import changed_since, changes, mark_memory, overlap, tick
from minigrad.errors import GraphError, RuleError


def leaf(*values):
    return mg.tensor(np.array(values, dtype=float), requires_grad=True)


def chain(x, length):
    """`length` operations, one after the other."""
    for _ in range(length):
        x = x * 1.0
    return x


@pytest.fixture
def no_collector():
    """Only reference counts free memory here."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


# Sums


@pytest.mark.parametrize("uses", [1, 2, 3, 7])
def test_a_value_used_several_times_gets_the_sum(uses):
    """A result that goes into several calls is differentiated once, by the sum of their cotangents."""
    w = leaf(1, 2)
    h, calls = w * 1.0, []
    h.register_hook(lambda g: calls.append(g.tolist()))
    sum((h * float(i) for i in range(1, uses)), h).sum().backward()
    total = 1 + sum(range(1, uses))
    assert calls == [[total, total]]
    np.testing.assert_array_equal(w.grad.data, total)


def test_both_arguments_the_same():
    """x + x and x * x have both of their parts, through operators, functions and sequences."""
    w = leaf(3.0)
    for y, slope in ((w + w, 2), (w * w, 6), (mg.concat([w, w]), 2), (mg.stack([w, w, w]), 3), (w @ w, 6)):
        w.grad = None
        y.sum().backward()
        assert w.grad.item() == slope


def test_a_ladder_of_shared_values_takes_linear_time():
    """Each of 2,000 values is used twice: paths are 2^2000, visits are 2,000."""
    w = leaf(1.0)
    x = w
    for _ in range(2000):
        x = (x + x) * 0.5
    x.sum().backward()
    assert w.grad.item() == 1


def test_cotangents_are_not_changed_by_the_sum():
    """Terms are added up in an array of their own: what hooks have seen stays as it was."""
    w, seen = leaf(1, 2), []
    a, b, c = w + 0.0, w + 0.0, w + 0.0
    for x in (a, b, c):
        x.register_hook(seen.append)
    g = np.array([1.0, 10.0])
    (a + b + c).backward(g)
    for one in seen:
        np.testing.assert_array_equal(one.data, [1, 10])
    np.testing.assert_array_equal(g, [1, 10])
    np.testing.assert_array_equal(w.grad.data, [3, 30])


# Freed graphs


def test_second_backward_is_refused():
    """A second pass over a freed graph raises, says how to keep it, and leaves gradients alone."""
    w = leaf(1, 2)
    y = (w * w).sum()
    y.backward()
    with pytest.raises(GraphError, match="earlier backward pass has freed this graph, as far as sum.*retain_graph=T"):
        y.backward()
    np.testing.assert_array_equal(w.grad.data, [2, 4])


def test_retained_graphs_serve_again():
    """With retain_graph=True passes accumulate, until one without it frees the graph."""
    w = leaf(1, 2)
    y = mg.concat([w * w, w]).sum(axis=0)
    for i in range(1, 4):
        y.backward(retain_graph=i < 3)
        np.testing.assert_array_equal(w.grad.data, i * (2 * w.data + 1))
    with pytest.raises(GraphError, match="freed this graph"):
        y.backward()


def test_a_graph_freed_in_part():
    """Of two results with a common part the second pass raises, names it, and changes nothing."""
    w, v = leaf(1, 2), leaf(5, 6)
    common = w * w
    first, second = common.sum(), (common * v).sum()
    first.backward()
    with pytest.raises(GraphError, match="freed this graph, as far as multiply"):
        second.backward()
    np.testing.assert_array_equal(w.grad.data, [2, 4])
    assert v.grad is None
    (w * v).sum().backward()
    np.testing.assert_array_equal(v.grad.data, [1, 2])


def test_different_graphs_accumulate():
    """Passes over different graphs with the same leaves add up."""
    w = leaf(1, 2)
    (w * 3.0).sum().backward()
    before = w.grad
    (w * w).sum().backward()
    np.testing.assert_array_equal(w.grad.data, [5, 7])
    np.testing.assert_array_equal(before.data, [3, 3])  # what the user holds is not changed


def test_a_leaf_that_no_longer_requires_grad():
    """A leaf that ceased to require grad after its use makes backward() raise, and can be used again."""
    w, v = leaf(1, 2), leaf(3, 4)
    for y in ((w * v).sum(), (w * 2.0 + v).sum(), mg.tanh(w).sum()):
        w.requires_grad = False
        with pytest.raises(GraphError, match="has ceased to require grad since it was used"):
            y.backward()
        assert v.grad is None
        w.requires_grad = True
        (w * v).sum().backward()
        np.testing.assert_array_equal(w.grad.data, v.data)
        w.grad = v.grad = None


# Leaves changed in place


SAVING = {
    "multiply": lambda w: w * w,
    "divide": lambda w: 1.0 / w,
    "tanh of a product": lambda w: mg.tanh(w * (w + mg.tensor([1.0, 2.0]))),
    "matmul": lambda w: w @ w,
    "maximum": lambda w: np.maximum(w, np.zeros(2)),
    "sin": lambda w: mg.sin(w),
    "power": lambda w: w**3.0,
    "view, then square": lambda w: w.reshape(2, 1) ** 2,
    "view of a view": lambda w: mg.cos(w[None].T[0:1] + 0.0) + mg.sin(w[None].T[0:1]),
}
CHANGES = {
    "+=": lambda w: w.__iadd__(1.0),
    "[]=": lambda w: w.__setitem__(0, 9.0),
    "data": lambda w: setattr(w, "data", [7.0, 7.0]),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("save", SAVING)
def test_a_saved_leaf_changed_in_place_is_refused(save, change):
    """backward() raises and names an operation that had saved the leaf, or a view of it; no grad is touched."""
    w, v = leaf(1, 2), leaf(1)
    y = (SAVING[save](w) * v).sum()
    with mg.no_grad():
        CHANGES[change](w)
    with pytest.raises(GraphError, match=r"^\w+ saved a leaf that has been changed in place since.*before the change"):
        y.backward()
    assert w.grad is None
    assert v.grad is None


@pytest.mark.parametrize("change", CHANGES)
def test_operations_that_need_no_value_stay_fine(change):
    """Sums, differences, shapes and joins do not need the leaf: a change in place does them no harm."""
    w = leaf(1, 2)
    v = w.data.copy()
    y = mg.exp(w + v) + (w - v) * 3.0 + mg.concat([w, v])[::2] + mg.tanh(w.reshape(2, 1).sum(axis=1) + v)
    y = y + w * mg.tensor(v) + v @ w
    wanted = np.exp(2 * v) + 3 + [1, 0] + 1 - np.tanh(2 * v) ** 2 + v + 2 * v
    with mg.no_grad():
        CHANGES[change](w)
    y.sum().backward()
    np.testing.assert_allclose(w.grad.data, wanted, rtol=1e-13)  # tanh' loses a digit at 4


def test_a_change_before_the_forward_pass_is_no_harm():
    """Only changes since a call was recorded count, for a leaf and its views."""
    w = leaf(1, 2)
    view = w[:1]
    with mg.no_grad():
        w += 1.0
    ((w * w).sum() + (view + 0.0).sum()).backward()
    np.testing.assert_array_equal(w.grad.data, [5, 6])


def test_detached_values_in_the_graph_of_their_leaf():
    """A detached view of a leaf's memory, saved by a call in a graph of the leaf, is guarded as well."""
    w = leaf(1, 2)
    y = (w + 0.0) * w.detach()
    with mg.no_grad():
        w += 1.0
    with pytest.raises(GraphError, match="multiply saved a leaf"):
        y.sum().backward()


# Broken rules


def make(rule):
    return Primitive(lambda x: 2.0 * x, [rule])


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (lambda g, y, x: 2.0, "the rule of <lambda> for argument 0 must return a floating array; got float"),
        (lambda g, y, x: None, "must return a floating array; got NoneType"),
        (lambda g, y, x: [2.0, 2.0], "must return a floating array; got list"),
        (lambda g, y, x: np.ones(2, int), "must return a floating array; got "),
        (lambda g, y, x: np.array([1j, 2j]), "must return a floating array; got "),
        (lambda g, y, x: np.ones(3), r"of the argument's shape \(2,\); got one of shape \(3,\)"),
        (lambda g, y, x: np.float64(3.0), r"of the argument's shape \(2,\); got one of shape \(\)"),
    ],
)
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_rule_that_answers_nonsense_is_refused(rule, text, create_graph):
    """The answer of a rule is checked: a floating array of the argument's shape; no gradient is left."""
    w = leaf(1, 2)
    twice = make(rule)
    y = twice(w).sum()
    with pytest.raises(RuleError, match=text):
        y.backward(create_graph=create_graph)
    assert w.grad is None


def test_an_exception_in_a_rule_frees_the_graph(no_collector):
    """After a rule raised, nothing but the user's variables keeps the graph."""

    def fails(g, y, x):
        raise ZeroDivisionError

    w = leaf(1, 2)
    middle = w * 2.0
    alive = weakref.ref(middle)
    y = make(fails)(middle * 3.0).sum()
    with pytest.raises(ZeroDivisionError):
        y.backward()
    assert w.grad is None
    del middle, y
    assert alive() is None


# Memory and depth


def test_graphs_are_freed_by_reference_counting(no_collector):
    """A graph is freed when nobody holds it: swept, dropped, or of a transformation."""
    w = leaf(1, 2)
    for use in (lambda y: y.backward(), lambda y: None, lambda y: y.backward(create_graph=True)):
        middle = mg.tanh(w * 2.0)
        alive = weakref.ref(middle)
        y = mg.concat([middle, middle * middle]).sum()
        use(y)
        del middle, y
        w.grad = None
        assert alive() is None

    kept = []

    def f(x):
        middle = w * 2.0
        kept.append(weakref.ref(middle))
        return (x * middle).sum()

    mg.grad(f)(np.ones(2))
    mg.jvp(f, (np.ones(2),), (np.ones(2),))
    assert [alive() for alive in kept] == [None, None]


def test_values_are_freed_during_the_sweep(no_collector):
    """Without retain_graph the graph below a root that is still held is gone after the pass."""
    w = leaf(1, 2)
    middle = w * 2.0
    alive = weakref.ref(middle)
    y = (middle * middle).sum()
    del middle
    y.backward()
    assert alive() is None
    assert y.item() == 20


def check_chain(length):
    """Forward, backward, free; and drop without backward."""
    w = leaf(1, 2, 3, 4)
    y = chain(w, length)
    y.sum().backward()
    np.testing.assert_array_equal(w.grad.data, 1)
    middle = chain(w, 2)
    alive = weakref.ref(middle.data)
    y = chain(middle, length)
    del middle
    assert alive() is not None
    del y
    assert alive() is None


def test_a_chain_of_100_000_operations(no_collector):
    """A deep graph runs forward, backward, and is freed; no recursion."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(200)
    try:
        check_chain(100_000)
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.slow
@pytest.mark.no_cover
def test_a_chain_of_1_000_000_operations(no_collector):
    """The promise for a million operations."""
    check_chain(1_000_000)


def test_an_operation_takes_at_most_700_bytes():
    """A small one, in a graph, with the array of four numbers that it makes."""
    w, length = leaf(1, 2, 3, 4), 10_000
    tracemalloc.start()
    try:
        y = chain(w, length)
        assert tracemalloc.get_traced_memory()[0] < 700 * length
    finally:
        tracemalloc.stop()
    assert y.requires_grad


@pytest.mark.no_cover  # which takes most of the time
def test_a_deep_graph_takes_linear_time(no_collector):
    """Twice the operations take about twice the time."""

    def seconds(length):
        w = leaf(1, 2, 3, 4)
        start = time.process_time()
        chain(w, length).sum().backward()
        return time.process_time() - start

    short, long = (min(seconds(n) for _ in range(3)) for n in (50_000, 100_000))
    assert long < 3 * short  # a busy machine adds to 2; quadratic time would be 4


def test_deep_derivatives_of_derivatives():
    """create_graph works for deep graphs as well."""
    w = leaf(1.5)
    chain(w, 3000).sum().backward(create_graph=True)
    y = chain(w * w, 3000).sum()
    w.grad = None
    y.backward(create_graph=True)
    g = w.grad
    w.grad = None
    g.sum().backward()
    assert w.grad.item() == 2


# Threads


def check_threads(passes):
    """8 threads, each with its own graphs, into the same leaves."""
    w, v = leaf(1.0), leaf(0.0, 0.0)
    start = threading.Barrier(8)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def work():
        start.wait(10)
        for _ in range(passes):
            (w * 1.0 + v).sum().backward()

    threads = [threading.Thread(target=work) for _ in range(8)]
    try:
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    finally:
        sys.setswitchinterval(interval)
    assert w.grad.item() == 16 * passes
    assert v.grad.tolist() == [8 * passes] * 2


def test_threads_lose_no_gradient():
    """Passes of 8 threads into shared parameters all count."""
    check_threads(300)


@pytest.mark.slow
@pytest.mark.no_cover
def test_threads_lose_no_gradient_in_thousands_of_passes():
    """The same, for long."""
    check_threads(5000)


# Memory


def test_arrays_without_weak_references():
    """What another library's array cannot say of its end, the notes on changes bear: they keep the array."""

    class Foreign:
        __slots__ = ("dtype",)

    x, born = Foreign(), tick()
    mark_memory(x)
    try:
        assert changed_since(x, born)
        assert not changed_since(x, tick())
    finally:
        del changes[id(x)]


def test_whether_hard_cases_overlap_is_answered_with_care():
    """Where it would take long to find out whether two views share an element, they are taken to do so."""
    base = np.zeros(10**6)
    shape, strides = (20, 43, 59, 35, 53, 29), (1147, 401, 1064, 1215, 1479, 1268)
    x = np.lib.stride_tricks.as_strided(base, shape, [8 * stride for stride in strides])
    shape, strides = (53, 41, 48, 5, 53, 13), (1011, 612, 487, 1230, 308, 451)
    y = np.lib.stride_tricks.as_strided(base[687:], shape, [8 * stride for stride in strides])
    with pytest.raises(np.exceptions.TooHardError):
        np.shares_memory(x, y, max_work=10_000)
    assert overlap(x, y)
    assert not overlap(base[::2], base[1::2])
