"""What the engine does with rules: whose answers are fitted, pulled back and pushed forward."""

import numpy as np
import pytest

from minigrad.core.context import Observing
from minigrad.core.engine import broadcast, broadcasts_to, fitted, pull_back, push_forward, undo_broadcast
from minigrad.core.primitive import REGISTRY, Primitive
from minigrad.errors import RuleError

G = np.array([1.0, 10.0])


def double(x):
    return 2.0 * x


# Fitting answers


P = Primitive(double, [lambda g, *_: g])
LINEAR = Primitive(double, [lambda g, *_: g], "linear")


@pytest.mark.parametrize("shape", [(), (1,), (2,), (3, 1), (1, 2), (1, 1, 1, 2)])
def test_broadcasting_is_undone(shape):
    """An answer for the broadcast argument is summed to its shape: the transpose of broadcasting."""
    wide = (1, 3, 2) if len(shape) == 4 else (3, 2)
    if len(shape) == 4:
        wide = (5, 4, 3, 2)
    g = np.random.default_rng(1).normal(size=wide)
    x = np.random.default_rng(2).normal(size=shape)
    found = fitted(P, 0, g, x, wide)
    assert found.shape == shape
    # <g, broadcast(x)> = <undo(g), x>, up to the order of a hundred sums
    np.testing.assert_allclose((found * x).sum(), (g * np.broadcast_to(x, wide)).sum(), rtol=1e-12)
    np.testing.assert_array_equal(undo_broadcast(g, shape), found)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.longdouble])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(2000, 3), (40, 50, 4), (70, 65), (8192,)])
def test_sums_over_a_short_last_axis(shape, order, dtype):
    """Those of large arrays are products with ones, of small ones sums: with the same values, dtype and shape."""
    g = np.asarray(np.random.default_rng(1).integers(-8, 8, shape) / 8, dtype, order=order)  # sums of these are exact
    found = undo_broadcast(g, (*shape[:-1], 1))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, g.sum(axis=-1, keepdims=True))
    g[0] = np.inf
    np.testing.assert_array_equal(undo_broadcast(g, (*shape[:-1], 1))[0], np.inf)


def test_an_argument_that_does_not_broadcast_to_the_result_is_refused():
    """As where a function is declared elementwise and is none."""
    with pytest.raises(
        RuleError, match=r"must return an array of the argument's shape \(3,\); got one of shape \(2,\)"
    ):
        fitted(P, 0, np.ones(2), np.ones(3), (2,))


def test_answers_are_cast():
    """An answer of another floating dtype is cast to the argument's; one that fits is passed on as it is."""
    x = np.ones(2, np.float32)
    assert fitted(P, 0, G, x).dtype == np.float32
    assert fitted(P, 0, G, np.ones(2)) is G


@pytest.mark.parametrize(
    ("primitive", "answer", "text"),
    [
        (P, 3, "rule of double for argument 1 must return a floating array; got int"),
        (P, None, "must return a floating array; got NoneType"),
        (P, np.array([1, 2]), "must return a floating array; got "),
        (P, np.ones(3), r"the argument's shape \(2,\); got one of shape \(3,\)"),
        (P, np.ones((2, 3)), r"the argument's shape \(2,\); got one of shape \(2, 3\)"),
        (P, np.ones(()), r"the argument's shape \(2,\); got one of shape \(\)"),
        (P, np.ones((4, 2)), r"the argument's shape \(2,\); got one of shape \(4, 2\)"),
        (LINEAR, np.ones((3, 2)), r"the argument's shape \(2,\); got one of shape \(3, 2\)"),
    ],
)
def test_answers_that_do_not_fit_are_refused(primitive, answer, text):
    """What is no floating array of the argument's shape raises; only functions that broadcast are summed for."""
    with pytest.raises(RuleError, match=text):
        fitted(primitive, 1, answer, np.ones(2), (3, 2))


def test_stretches_is_broadcasting():
    """stretches says of a shape what NumPy's broadcasting does."""
    shapes = [(), (1,), (2,), (3,), (1, 2), (3, 1), (3, 2), (0,), (0, 1)]
    for a in shapes:
        for b in shapes:
            try:
                wanted = np.broadcast_shapes(a, b) == b
            except ValueError:
                wanted = False
            assert broadcasts_to(a, b) is wanted


@pytest.mark.parametrize("g", [np.float64(2), np.float32(2), np.array(2.0), np.ones((1, 3)), np.ones(3, ">f4")])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (100, 3), (5000, 3)])
def test_broadcast_keeps_dtype_and_values(g, shape):
    """broadcast fills small arrays and views large ones: shape, dtype and values are np.broadcast_to's."""
    if np.ndim(g) == 2 and len(shape) == 1:
        shape = (1, 3)
    found, wanted = broadcast(g, shape), np.broadcast_to(g, shape)
    assert found.shape == shape
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)


# Both modes


def test_pull_back_answers_for_parents_only():
    """Rules are called for arguments with a parent, and others get None."""
    product = REGISTRY[np.multiply]
    a, b = np.array([2.0, 3.0]), np.array([5.0, 7.0])
    left, right = pull_back(product, G, a * b, (a, b), {}, (1, None))
    assert left.tolist() == [5, 70]
    assert right is None


def test_observers_see_what_rules_answer():
    """An observer is told each answer before it is summed or cast."""
    seen = []
    with Observing(lambda primitive, i, answer, g, y, args, kwargs: seen.append((primitive.name, i, answer.shape))):
        found = pull_back(REGISTRY[np.add], G, G, (np.float64(1), G), {}, (1, 1))
    assert seen == [("add", 0, (2,)), ("add", 1, (2,))]
    assert found[0] == 11


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (np.multiply, (np.array([2.0, 3.0]), np.array([5.0, 7.0]))),
        (np.multiply, (np.float64(2.0), np.array([5.0, 7.0]))),
        (np.matmul, (np.array([[2.0, 3.0]]), np.array([[5.0], [7.0]]))),
        (np.subtract, (np.ones((2, 1)), np.ones(3))),
        (np.sum, (np.ones((2, 3)),)),
        (np.max, (np.array([1.0, 4.0, 2.0]),)),
    ],
)
def test_push_forward_is_the_transpose_of_pull_back(function, args):
    """<g, J t> = <J^T g, t> for primitives of every kind."""
    primitive, rng = REGISTRY[function], np.random.default_rng(3)
    y = np.asarray(function(*args))
    tangents = {i: np.asarray(rng.normal(size=np.shape(x))) for i, x in enumerate(args)}
    g = np.asarray(rng.normal(size=y.shape))
    dy = push_forward(primitive, tangents, y, args, {})
    assert dy.shape == y.shape
    back = pull_back(primitive, g, y, args, {}, (1,) * len(args))
    # sums of a few terms
    np.testing.assert_allclose((g * dy).sum(), sum((b * tangents[i]).sum() for i, b in enumerate(back)), rtol=1e-13)


def test_push_forward_of_a_part_of_the_arguments():
    """Arguments without a tangent count as constant, in sequences and linear functions as well."""
    joined = REGISTRY[np.concatenate]
    y = np.ones(3)
    t = push_forward(joined, {1: np.array([5.0])}, y, ([np.ones(2), np.ones(1)],), {})
    assert t.tolist() == [0, 0, 5]
    t = push_forward(REGISTRY[np.multiply], {1: np.array([1.0, 2.0])}, G, (np.array([3.0, 4.0]), G), {})
    assert t.tolist() == [3, 8]


def test_push_forward_of_a_general_sequence():
    """A general function of a sequence has one forward rule for all tangents, zero where none came."""
    longest = Primitive(
        lambda parts: sum(p * p for p in parts),
        [lambda g, y, parts: [2.0 * g * p for p in parts]],
        "general",
        forward=[lambda t, y, parts: sum(2.0 * a * b for a, b in zip(t, parts, strict=True))],
        sequence=True,
    )
    parts = [np.array([1.0, 2.0]), np.array([3.0, 4.0])]
    assert push_forward(longest, {1: np.ones(2)}, longest(parts), (parts,), {}).tolist() == [6, 8]
