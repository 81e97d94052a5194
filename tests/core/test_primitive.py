"""Rules without an engine: kinds, registration, fitting answers to arguments, and both modes on plain arrays."""

import numpy as np
import pytest

from minigrad.core.engine import pull_back
from minigrad.core.primitive import KINDS, REGISTRY, Primitive, composed, constant, register

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

    constant(double, np.spacing)
    assert registry[np.multiply, "reduce"] is product
    assert product.kind == "composed"
    assert registry[double].kind == registry[np.spacing].kind == "constant"


def test_which_arguments_have_rules():
    """has_rule knows missing and None rules; in a sequence all arrays share one."""
    p = Primitive(double, [lambda g, *_: g, None])
    assert [p.has_rule(i) for i in range(3)] == [True, False, False]
    assert Primitive(double, [lambda g, *_: g], sequence=True).has_rule(7)
    assert not Primitive(double, [], "constant", sequence=True).has_rule(0)


def test_which_arguments_are_read():
    """Rules read what is declared, by default all; none if linear; if multilinear, the arguments of the others."""
    p = Primitive(double, [lambda g, y, a, b: g, lambda g, *_: g], reads=[(1,), ()])
    assert [p.may_read(i, [0, 1]) for i in range(2)] == [False, True]
    assert not p.may_read(1, [1])
    assert Primitive(double, [lambda g, y, *xs: g]).may_read(0, [0])
    assert not Primitive(double, [lambda g, y, a: g], "linear").may_read(0, [0])
    product = Primitive(double, [lambda g, *_: g] * 2, "multilinear")
    assert [product.may_read(i, [0]) for i in range(2)] == [False, True]
    assert all(product.may_read(i, [0, 1]) for i in range(2))


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


def test_calls_on_plain_arrays_compute():
    """Called on plain arrays, a primitive takes the short way to the value."""
    p = Primitive(double, [lambda g, *_: g], compute=lambda x: x + x)
    assert p(3.0) == 6
    joined = Primitive(np.concatenate, [lambda g, *_: g], "linear", sequence=True)
    assert joined([G, G]).tolist() == [1, 10, 1, 10]
