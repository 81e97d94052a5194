"""Where a backward pass starts and what it leaves: on plain arrays, without a graph."""

import threading

import numpy as np
import pytest

import minigrad as mg
from minigrad.core import sweep as sweep_module
from minigrad.core.sweep import Hook, arrivals, commit, first_cotangent, owned
from minigrad.core.tape import leaf
from minigrad.core.tensor import constant_tensor


def test_first_cotangent_is_one():
    """A single element starts from 1, in its own shape and dtype."""
    for y in (np.float32(3), np.array(3.0), np.ones((1, 1), np.float16)):
        g = first_cotangent(y)
        assert g.dtype == y.dtype
        assert np.shape(g) == y.shape
        assert g.item() == 1


def test_first_cotangent_is_the_given_one():
    """A cotangent of the right shape is cast, and not copied if it need not be."""
    g = np.ones(2)
    assert first_cotangent(np.zeros(2), g) is g
    assert first_cotangent(np.zeros(2, np.float32), g).dtype == np.float32
    with pytest.raises(ValueError, match=r"result's shape \(2,\); got float64 of \(3,\)"):
        first_cotangent(np.zeros(2), np.ones(3))


def test_owned_copies_views_and_what_was_taken():
    """An array of one's own is kept; a view, a broadcast, or one that was taken before is copied."""
    x, taken = np.ones((2, 2)), set()
    assert owned(x, taken) is x
    for other in (x, x[0], np.broadcast_to(x, (3, 2, 2)), x.T):
        copied = owned(other, taken)
        assert not np.shares_memory(copied, x)
        np.testing.assert_array_equal(copied, other)
    assert type(owned(np.float64(2), taken)) is np.ndarray


class Found:
    """What a sweep might have found."""

    def __init__(self, totals):
        self.totals, self.retained, self.visited = totals, [], []


def test_a_commit_adds_in_new_arrays():
    """Gradients are added up in arrays that nobody else holds."""
    a, b, g = leaf(np.zeros(2)), leaf(np.zeros(2)), np.ones(2)
    commit(Found({a: g, b: g}), g, free=False)
    assert len({id(g), id(a.notes.grad), id(b.notes.grad)}) == 3
    first = a.notes.grad
    commit(Found({a: g}), g, free=False)
    assert first.tolist() == [1, 1]
    assert a.notes.grad.tolist() == [2, 2]


def test_a_failing_commit_changes_nothing_and_gives_the_lock_back():
    """After an error in an addition no leaf has a new gradient, and the next pass can commit."""
    a, b = leaf(np.zeros(3)), leaf(np.zeros(3))
    b.notes.grad = np.ones(3)
    with pytest.raises(ValueError, match="broadcast"):
        commit(Found({a: np.ones(3), b: np.ones(2)}), None, free=False)
    assert a.notes.grad is None
    commit(Found({b: np.ones(3)}), None, free=False)
    assert b.notes.grad.tolist() == [2, 2, 2]


def test_hooks_see_tensors_of_their_own():
    """A hook sees a Tensor in memory of its own, and None for an answer lets the gradient pass as it is."""
    g, seen = np.ones(2), []
    assert Hook(seen.append, constant_tensor)(g) is g
    assert not np.shares_memory(seen[0].data, g)
    assert Hook(lambda g: None, constant_tensor)(np.float64(1)) == 1


def test_a_lock_that_a_fork_has_copied_is_replaced():
    """After a fork nobody holds the child's lock, though a thread of the parent may have held it."""
    thread = threading.Thread(target=sweep_module.adding.acquire)
    thread.start()
    thread.join()
    assert not sweep_module.adding.acquire(blocking=False)
    sweep_module.renew_lock()
    a = leaf(np.zeros(2))
    commit(Found({a: np.ones(2)}), None, free=False)
    assert a.notes.grad.tolist() == [1, 1]


def test_gradients_are_told_as_soon_as_they_are_complete():
    """Those of late layers before the pass comes to early ones; of a leaf that is used twice after its first use."""
    a, b, c = (mg.tensor(np.full((2, 2), v), requires_grad=True) for v in (1.0, 2.0, 3.0))
    told, order = {}, []
    for name, x in (("a", a), ("b", b), ("c", c)):
        arrivals[x.node.notes] = lambda g, name=name: (told.update({name: g.copy()}), order.append(name))
    try:
        early = np.tanh(a @ b)
        early.register_hook(lambda g: order.append("early"))
        c.register_hook(lambda g: 2 * g)
        loss = ((early @ c) * c * b).sum()
        mg.grad(lambda x: (x * x).sum())(np.ones(2))  # of which nobody is told
        loss.backward(retain_graph=True)
        assert order == ["c", "early", *sorted(order[2:])]
        for name, x in (("a", a), ("b", b), ("c", c)):
            np.testing.assert_array_equal(told[name], x.grad.data)
        order.clear()
        loss.backward(create_graph=True)
        mg.compile(lambda: (a * 2).sum().backward())()
        assert order == ["early"]
    finally:
        arrivals.clear()


def test_who_awaits_a_gradient_may_be_gone_when_it_comes():
    """The pass goes on: the gradient is that of any leaf."""
    p = mg.tensor([1.0, 2.0], requires_grad=True)
    arrivals[p.node.notes] = pytest.fail
    p.register_hook(lambda g: arrivals.clear())
    p.register_hook(lambda g: np.full(2, 3.0))
    (p * 5.0).sum().backward()
    assert p.grad.tolist() == [3.0, 3.0]
