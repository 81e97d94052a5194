"""Arrays that the walk has not found outside are the function's own, and constants; those that it has found are not."""

import weakref
from functools import cache
from itertools import repeat

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided, sliding_window_view

import minigrad as mg
from minigrad.core.recorder import drawn, state_array


def made(n=4):
    return np.linspace(0.0, 1.0, n)


HELD = made()
BESIDE = made()
PART = made()[1:]
PARTS = [made()[1:] for _ in range(2)]
WINDOWS = sliding_window_view(made(), 4)


def write(x, v):
    x = state_array(x)
    x += v
    return x * 2


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: x + made(),
        lambda x: x[1:] + made()[1:],
        lambda x: [x[1:] + part for a in [made()] for part in (a[1:], a[:-1])],
        lambda x: [x + a + a[::-1] for a in [made()]],
        lambda x: write(made(), x),
        lambda x: write(made()[1:], x[1:]),
        lambda x: [write(part, x[1:]) + write(part, x[1:]) for part in [made()[1:]]],
        lambda x: x + sliding_window_view(made(), 4),
        lambda x: x + as_strided(made(), (4,), (0,)),
        lambda x: x + np.broadcast_to(made(1), 4),
        lambda x: made(),
        lambda x: [made()[1:]],
        lambda x: {"a": x * 2, "b": (made(1), 3)},
        lambda x: [[a, a] for a in [made()]],
        lambda x: [x + a, a] and (x + a, a) if (a := made()) is not None else None,
        lambda x: np.where(x > 1, np.arange(4), made().reshape(1, 4)),
        lambda x: x[np.arange(4)[1:3]],
    ],
)
def test_what_the_function_makes_is_a_constant(function, backend):
    """Also if it is a view, written to, or the answer, which the caller may change."""
    compiled = mg.compile(function, backend=backend)
    for factor in (1.0, 2.0, 3.0):
        x = factor * np.ones(4)
        answer, other = compiled(x.copy()), function(x.copy())
        np.testing.assert_equal(answer, other)
        for part in answer if isinstance(answer, list) else [answer]:
            if isinstance(part, np.ndarray):
                part += 1


def test_an_own_array_that_numpy_changes_between_two_uses():
    """Each use has what was in it then."""

    def function(x):
        own = np.zeros(4)
        first = x + own
        own[1:] = 5
        second = x * own
        return first, second

    compiled = mg.compile(function)
    for factor in (1.0, 2.0):
        np.testing.assert_equal(compiled(factor * np.ones(4)), function(factor * np.ones(4)))


def test_an_own_array_that_is_changed_by_parts_is_refused():
    """Its parts lie in one memory, which a replay would have to make anew."""
    with pytest.raises(mg.RecordingError, match=r"makes an array of shape \(3,\) by NumPy alone.*mg.zeros"):
        mg.compile(lambda x: [write(a[1:], x[1:]) + write(a[:3], x[1:]) for a in [made()]])(np.ones(4))
    with pytest.raises(mg.RecordingError, match="changes it as a part of another"):
        mg.compile(lambda x: write(np.linspace(0.0, 1.0, 8)[::2], x))(np.ones(4))


@cache
def table():
    return np.ones(4)


def test_an_array_in_a_cache_is_from_outside():
    """Changes of it between calls, and by NumPy alone between two uses, are followed."""
    compiled = mg.compile(lambda x: [x + table(), np.add(table(), 1, out=table()), x * table()][::2])
    for value in (1.0, 2.0):
        table()[...] = value
        assert [y.tolist() for y in compiled(np.ones(4))] == [[1 + value] * 4] * 2


VALUES = {"a": made()}.values()
ENDLESS = [repeat(made())]
PAIRED = zip(repeat(made()))


@pytest.mark.parametrize("find", [lambda: next(iter(VALUES)), lambda: next(ENDLESS[0]), lambda: next(PAIRED)[0]])
def test_an_array_behind_a_view_of_a_dict_or_an_iterator_is_from_outside(find):
    compiled = mg.compile(lambda x: x + find())
    for value in (1.0, 2.0):
        find()[...] = value
        assert compiled(np.ones(4)).tolist() == [1 + value] * 4


@pytest.mark.parametrize("backend", ["numpy", "native"])
def test_what_a_weak_reference_leads_to_is_a_constant_but_for_leaves(backend):
    """No walk comes by there. A Tensor that requires grad is known to be older than the recording."""
    array, leaf = np.ones(2), mg.tensor([1.0, 2.0], requires_grad=True)
    to_array, to_leaf = weakref.ref(array), weakref.ref(leaf)

    def function(x):
        y = to_leaf() * x
        mg.sum(y).backward()
        return y.detach(), x + to_array()

    compiled = mg.compile(function, backend=backend)
    for value in (1.0, 2.0, 3.0):
        array[...] = value
        with mg.no_grad():
            leaf *= value
        leaf.grad = None
        product, total = compiled(np.full(2, value))
        assert product.tolist() == [value * x for x in leaf.tolist()]
        assert leaf.grad.tolist() == [value, value]
        assert total.tolist() == [value + 1] * 2


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x + HELD,
        lambda x: x[1:] + HELD[1:],
        lambda x: x[1:] + PART,
        lambda x: x[2:] + PARTS[0][1:] + PARTS[1][:-1],
        lambda x: write(HELD, x),
        lambda x: write(PART, x[1:]),
        lambda x: write(PART[1:], x[2:]) + write(PART[:2], x[2:]),
        lambda x: write(HELD[1:], x[1:]) + write(HELD, x)[1:],
        lambda x: x + WINDOWS,
        lambda x: x + sliding_window_view(HELD, 4),
        lambda x: x[:2] + as_strided(BESIDE, (2,), (8,)),
        lambda x: x + np.broadcast_to(BESIDE[:1], 4),
        lambda x: (HELD, x + HELD),
        lambda x: PART,
        lambda x: [PART[1:], HELD, HELD],
    ],
)
def test_what_comes_from_outside_is_read_anew(function):
    """Views of it are made anew or not, but lie in the same memory."""
    compiled = mg.compile(function)
    for _ in range(3):
        before = [np.copy(x) for x in everything()]
        got = [np.copy(x) for x in as_list(compiled(np.ones(4)))]
        for x, y in zip(everything(), before, strict=True):
            np.copyto(x, y)
        for x, y in zip(got, as_list(function(np.ones(4))), strict=True):
            np.testing.assert_array_equal(x, y)
        HELD[...] += 1
        PART[...] += 2


def everything():
    """The arrays of this module, each of which nothing else has while a function is compiled."""
    yield from (HELD, BESIDE, PART, *PARTS)


def as_list(answer):
    return answer if isinstance(answer, list | tuple) else [answer]


def test_an_answer_of_constants_is_made_anew():
    """What the caller does with a list or a dict is nobody's concern later."""
    compiled = mg.compile(lambda x: {"shape": [*x.shape], "array": HELD})
    for _ in range(3):
        answer = compiled(np.ones(3))
        assert answer["shape"] == [3]
        assert answer["array"] is HELD
        answer["shape"].append(1)
        del answer["array"]


def test_a_refused_function_has_drawn_nothing():
    """A generator goes on where it was."""
    rng = np.random.default_rng(0)
    with pytest.raises(mg.RecordingError):
        mg.compile(lambda x: np.asarray(drawn(rng, "normal", 0.0, 1.0, 1)[0] * x.sum()))(np.ones(2))
    assert rng.random() == np.random.default_rng(0).random()
