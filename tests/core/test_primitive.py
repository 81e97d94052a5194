"""Rules without an engine: kinds, registration, fitting answers to arguments, and both modes on plain arrays."""

import numpy as np
import pytest

from minigrad.core.primitive import (
    KINDS,
    REGISTRY,
    Primitive,
    broadcast,
    composed,
    constant,
    fitted,
    observers,
    pull_back,
    push_forward,
    register,
    stretches,
    undo_broadcast,
)
from minigrad.errors import RuleError

G = np.array([1.0, 10.0])


def double(x):
    return 2.0 * x


@pytest.fixture
def registry():
    """What a test registers is forgotten after it."""
    before = dict(REGISTRY)
    yield REGISTRY
    REGISTRY.clear()
    REGISTRY.update(before)


@pytest.mark.parametrize("kind", KINDS)
def test_repr_has_kind_and_name(kind):
    """A primitive is shown by its kind and its function's name."""
    assert repr(Primitive(double, [], kind)) == f"<{kind} primitive double>"


def test_unknown_kinds_are_refused(registry):
    """A kind that is none is refused with the list of those that are, and registers nothing."""
    with pytest.raises(ValueError, match=r"kind is one of elementwise, linear, .* constant; got 'strange'"):
        register(double, kind="strange")
    assert double not in registry
    known = register(double, lambda g, y, x: 2.0 * g)
    with pytest.raises(ValueError, match="kind is one of"):
        register(double, kind="strange")
    assert registry[double] is known
    assert known.kind == "elementwise"


def test_a_general_function_needs_forward_rules():
    """A general function without a forward rule for each argument is refused, with both counts."""
    with pytest.raises(ValueError, match="takes a forward rule for each of its 2 rules; got 1"):
        Primitive(double, [None, None], "general", forward=[None])


def test_registering_again_replaces_the_rules(registry):
    """A second registration gives the same primitive other rules."""
    first = register(double, lambda g, y, x: g)
    second = register(double, lambda g, y, x: 2.0 * g, kind="linear")
    assert first is second
    assert first.kind == "linear"
    assert pull_back(first, G, G, (G,), {}, (1,))[0].tolist() == [2, 20]


def test_composed_and_constant_functions(registry):
    """composed registers a function under any key, constant several at once."""

    @composed((np.multiply, "reduce"))
    def product(x):
        return x

    constant(double, np.modf)
    assert registry[np.multiply, "reduce"] is product
    assert product.kind == "composed"
    assert registry[double].kind == registry[np.modf].kind == "constant"


def test_which_arguments_have_rules():
    """has_rule knows missing and None rules; in a sequence all arrays share one."""
    p = Primitive(double, [lambda g, *_: g, None])
    assert [p.has_rule(i) for i in range(3)] == [True, False, False]
    assert Primitive(double, [lambda g, *_: g], sequence=True).has_rule(7)
    assert not Primitive(double, [], "constant", sequence=True).has_rule(0)


def test_which_arguments_are_read():
    """A rule reads the arguments that it names; those of linear functions read none."""
    named = Primitive(double, [lambda g, y, a: g, lambda g, *_: g])
    assert [named.reads(i) for i in range(2)] == [True, False]
    assert not Primitive(double, [lambda g, y, *_: g]).reads(0)
    assert not Primitive(double, [lambda g, y, a: g], "linear").reads(0)
    assert Primitive(double, [np.add]).reads(5)  # one without Python code may read anything


def test_which_options_are_accepted():
    """Every rule must name an option, or take all; that g and y are called so is no option."""
    p = Primitive(double, [lambda g, y, x, axis=None: g, lambda g, y, x, *, axis, keepdims=False: g])
    assert p.accepts("axis")
    assert not p.accepts("keepdims")
    assert not p.accepts("g")
    assert not p.accepts("y")
    assert Primitive(double, [lambda g, y, x, **options: g]).accepts("anything")
    assert Primitive(double, [np.add]).accepts("anything")
    with_forward = Primitive(double, [lambda g, y, x, axis: g], "general", forward=[lambda t, y, x: t])
    assert not with_forward.accepts("axis")


def test_trusted_primitives_have_an_unchecked_copy():
    """Only trusted primitives have a copy whose answers are not checked."""
    plain = Primitive(double, [lambda g, *_: g])
    assert plain.unchecked is plain
    assert plain.checked
    trusted = Primitive(double, [lambda g, *_: g], trusted=True)
    assert trusted.checked
    assert not trusted.unchecked.checked
    assert trusted.unchecked.rules == trusted.rules


def test_calls_on_plain_arrays_compute():
    """Called on plain arrays, a primitive takes the short way to the value."""
    p = Primitive(double, [lambda g, *_: g], compute=lambda x: x + x)
    assert p(3.0) == 6
    joined = Primitive(np.concatenate, [lambda g, *_: g], "linear", sequence=True)
    assert joined([G, G]).tolist() == [1, 10, 1, 10]


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
    found = fitted(P, 0, g, x)
    assert found.shape == shape
    # <g, broadcast(x)> = <undo(g), x>, up to the order of a hundred sums
    np.testing.assert_allclose((found * x).sum(), (g * np.broadcast_to(x, wide)).sum(), rtol=1e-12)
    np.testing.assert_array_equal(undo_broadcast(g, shape), found)


def test_answers_are_cast():
    """An answer of another floating dtype is cast to the argument's; one that fits is passed on as it is."""
    x = np.ones(2, np.float32)
    assert fitted(P, 0, G, x).dtype == np.float32
    assert fitted(P, 0, G, np.ones(2)) is G


@pytest.mark.parametrize(
    ("primitive", "answer", "text"),
    [
        (P, 3, "rule of double for argument 1 answers with a floating array; got int"),
        (P, None, "answers with a floating array; got NoneType"),
        (P, np.array([1, 2]), "answers with a floating array; got "),
        (P, np.ones(3), r"the argument's shape \(2,\); got an answer of shape \(3,\)"),
        (P, np.ones((2, 3)), r"the argument's shape \(2,\); got an answer of shape \(2, 3\)"),
        (P, np.ones(()), r"the argument's shape \(2,\); got an answer of shape \(\)"),
        (LINEAR, np.ones((3, 2)), r"the argument's shape \(2,\); got an answer of shape \(3, 2\)"),
    ],
)
def test_answers_that_do_not_fit_are_refused(primitive, answer, text):
    """What is no floating array of the argument's shape raises; only functions that broadcast are summed for."""
    with pytest.raises(RuleError, match=text):
        fitted(primitive, 1, answer, np.ones(2))


def test_stretches_is_broadcasting():
    """stretches says of a shape what NumPy's broadcasting does."""
    shapes = [(), (1,), (2,), (3,), (1, 2), (3, 1), (3, 2), (0,), (0, 1)]
    for a in shapes:
        for b in shapes:
            try:
                wanted = np.broadcast_shapes(a, b) == b
            except ValueError:
                wanted = False
            assert stretches(a, b) is wanted


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
    observers.append(lambda primitive, i, answer, g, y, args, kwargs: seen.append((primitive.name, i, answer.shape)))
    try:
        found = pull_back(REGISTRY[np.add], G, G, (np.float64(1), G), {}, (1, 1))
    finally:
        observers.pop()
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
