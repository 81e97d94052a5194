"""Operations of a user's own."""

import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.primitive import REGISTRY


def test_elementwise_primitive_serves_every_mode():
    """One rule gives the gradient, the directional derivative and the second derivative of a user's function."""

    @mg.primitive(lambda g, y, x: g * 3 * x**2)
    def cube(x):
        return x**3

    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(cube(x), [1, 8])
    np.testing.assert_array_equal(mg.grad(lambda x: mg.sum(cube(x)))(x), [3, 12])
    np.testing.assert_array_equal(mg.jvp(cube, (x,), (np.ones(2),))[1], [3, 12])
    np.testing.assert_array_equal(mg.grad(lambda x: mg.sum(mg.grad(lambda x: mg.sum(cube(x)))(x)))(x), [6, 12])


def test_general_primitive_has_a_forward_rule():
    """A general function's forward rule is what jvp uses, and its other rule what backward uses."""

    @mg.primitive(lambda g, y, x: g * x[::-1], kind="general", forward=[lambda t, y, x: np.sum(t * x[::-1])])
    def product_of_two(x):
        return x[0] * x[1]

    x = np.array([3.0, 5.0])
    np.testing.assert_array_equal(mg.grad(product_of_two)(x), [5, 3])
    assert mg.jvp(product_of_two, (x,), (np.array([1.0, 10.0]),))[1] == 5 + 30


def test_primitive_keeps_name_and_docstring():
    """The decorated function is still known by its name and its docstring."""

    @mg.primitive(lambda g, y, x: g)
    def same(x):
        """The same."""
        return x + 0

    assert (same.__name__, same.__doc__) == ("same", "The same.")


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (
            lambda g, y, x: g.sum(),
            r"the rule of twice for argument 0 must return an array of the argument's shape \(2,\); got.* \(\)",
        ),
        (lambda g, y, x: g[:, None] * np.ones(3), r"argument's shape \(2,\); got one of shape \(2, 3\)"),
        (lambda g, y, x: 2, "the rule of twice for argument 0 must return a floating array; got int"),
        (lambda g, y, x: (2 * g).astype(int), "must return a floating array; got int64"),
        (lambda g, y, x: None, "must return a floating array; got NoneType"),
    ],
)
def test_rule_that_answers_wrongly_is_caught_by_name(rule, text):
    """A rule whose answer has the wrong shape, or is no floating array, raises RuleError with its name."""

    @mg.primitive(rule)
    def twice(x):
        return 2 * x

    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = twice(x).sum()
    with pytest.raises(mg.RuleError, match=text):
        y.backward()
    assert x.grad is None


def test_unknown_kind_is_refused():
    """A kind that is none of the table's is refused with the list of those that are."""
    with pytest.raises(ValueError, match=r"kind is one of elementwise, linear, .*; got 'wavy'"):
        mg.primitive(lambda g, y, x: g, kind="wavy")(abs)


def test_argument_without_rule_is_refused_when_it_is_watched():
    """Calling with a watched argument that has no rule raises, naming function and argument; detached it is fine."""

    @mg.primitive(lambda g, y, x, scale: g * scale)
    def scaled(x, scale):
        return x * scale

    x, scale = mg.tensor([1.0], requires_grad=True), mg.tensor([2.0], requires_grad=True)
    with pytest.raises(mg.NoRuleError, match=r"scaled has no derivative rule for its argument 1.*x\.detach\(\)"):
        scaled(x, scale)
    scaled(x, scale.detach()).backward()
    assert x.grad.item() == 2


def test_register_gives_a_numpy_function_a_rule():
    """A function of NumPy's that raised before has a derivative once it is registered."""
    x = mg.tensor([0.5], requires_grad=True)
    with pytest.raises(mg.NoRuleError, match=r"numpy\.spacing has no derivative rule.*mg\.register"):
        np.spacing(x)
    try:
        mg.register(np.spacing, lambda g, y, x: g * 7)
        np.spacing(x).backward()
    finally:
        REGISTRY.pop(np.spacing)
    assert x.grad.item() == 7


def test_registered_rule_replaces_the_former_everywhere():
    """After register, operators and mg's functions use the new rule, and check what it answers."""
    x = mg.tensor([0.5, 1.0], requires_grad=True)
    former = REGISTRY[np.cos]
    rules = former.rules
    try:
        mg.register(np.cos, lambda g, y, x: g.sum())
        with pytest.raises(mg.RuleError, match="the rule of cos"):
            mg.cos(x).sum().backward()
    finally:
        former.__init__(np.cos, rules, trusted=True)
    mg.cos(x).sum().backward()
    np.testing.assert_array_equal(x.grad.data, -np.sin(x.data))


def test_register_refuses_what_is_no_function():
    """Something that cannot be called cannot be registered."""
    with pytest.raises(TypeError, match=r"register takes a NumPy function, such as np\.spacing; got str"):
        mg.register("exp", lambda g, y, x: g)


def test_a_primitive_without_rules_in_front_says_how_it_is_written():
    @mg.primitive
    def forgotten(x):
        return np.sin(x)

    with pytest.raises(
        TypeError, match=r"@mg.primitive\(lambda g, y, x: ...\) above .* got a Tensor in the function's"
    ):
        forgotten(mg.tensor(1.0))


def test_a_rule_that_is_no_function_is_refused_at_once():
    with pytest.raises(TypeError, match="the rule for argument 1 is a function .* or None; got a str"):
        mg.primitive(None, "g * y")
    with pytest.raises(TypeError, match="got a float"):
        mg.register(np.spacing, 1.0)
    with pytest.raises(mg.NoRuleError):
        np.spacing(mg.tensor(1.0, requires_grad=True))


@pytest.mark.parametrize("forward", [(), [None], [None, np.cos]])
def test_a_general_function_needs_a_forward_rule_where_it_has_a_rule(forward):
    with pytest.raises(ValueError, match="op is a general function, .* got none for argument 0"):

        @mg.primitive(lambda g, y, x, a: g, None, kind="general", forward=forward)
        def op(x, a):
            return x


def halving():
    """x / 2, without forward mode."""

    @mg.primitive(lambda g, y, x: g / 2, kind="general", forward=None)
    def half(x):
        return x / 2

    return half


def test_a_function_may_have_reverse_mode_alone():
    """forward=None: gradients of any order, and maps; forward mode is refused by name, and the advice works."""
    half, x = halving(), np.array([2.0, 4.0])

    def f(x):
        return mg.sum(half(x) ** 3)

    np.testing.assert_allclose(mg.grad(f)(x), 3 * x**2 / 8, rtol=1e-15)
    np.testing.assert_allclose(mg.hessian(f, mode="reverse")(x), np.diag(3 * x / 4), rtol=1e-15)
    np.testing.assert_allclose(mg.vmap(mg.grad(f))(np.stack([x, x + 1]))[0], 3 * x**2 / 8, rtol=1e-15)
    np.testing.assert_array_equal(mg.compile(mg.grad(f))(x), mg.grad(f)(x))
    for refused in (lambda: mg.jvp(f, (x,), (x,)), lambda: mg.hessian(f)(x), lambda: mg.hvp(f, (x,), (x,))):
        with pytest.raises(mg.NoRuleError, match=r"half has no rule for forward mode.*mode='reverse', or give it forw"):
            refused()


def test_only_a_general_function_lacks_forward_mode():
    with pytest.raises(ValueError, match="forward=None is for a general function .*; sin is linear, whose rules serve"):
        mg.primitive(lambda g, y, x: g / 2, kind="linear", forward=None)(np.sin)
    with pytest.raises(ValueError, match="sin is elementwise"):
        mg.primitive(lambda g, y, x: g / 2, forward=None)(np.sin)


def counted(calls):
    """sin(x) * scale, which hands cos(x) to its rule."""

    @mg.primitive(lambda g, y, cosine, x, scale: g * cosine * scale, None, residuals=True)
    def sine(x, scale):
        """A sine."""
        calls.append(type(x))
        return np.sin(x) * scale, np.cos(x)

    return sine


def test_residuals_reach_the_rule_without_another_call():
    """One call forward serves a backward pass, another one forward mode; a program does the same."""
    calls = []
    sine, x = counted(calls), mg.tensor([0.5, 1.0], requires_grad=True)
    sine(x, 3.0).sum().backward()
    np.testing.assert_array_equal(x.grad.data, 3 * np.cos(x.data))
    assert calls == [np.ndarray]
    np.testing.assert_array_equal(mg.jvp(lambda x: sine(x, 3.0), (x.data,), (np.ones(2),))[1], 3 * np.cos(x.data))
    assert calls == [np.ndarray] * 2
    step = mg.compile(mg.grad(lambda x: mg.sum(sine(x, 3.0))))
    for shift in range(2):
        np.testing.assert_array_equal(step(x.data + shift), 3 * np.cos(x.data + shift))
    assert (sine.__name__, sine.__doc__) == ("sine", "A sine.")


def test_residuals_are_differentiated_where_the_rule_is():
    """Second derivatives, maps and checkpoints call the function again on what is watched, and so are right."""
    sine, x = counted([]), np.array([0.5, 1.0])

    def f(x):
        return mg.sum(sine(x, 3.0))

    for mode in ("forward", "reverse"):
        np.testing.assert_allclose(mg.hessian(f, mode=mode)(x), np.diag(-3 * np.sin(x)), rtol=1e-14, atol=1e-16)
    np.testing.assert_allclose(mg.vmap(mg.grad(f))(np.stack([x, x + 1])), 3 * np.cos([x, x + 1]), rtol=1e-15)
    np.testing.assert_array_equal(mg.grad(mg.checkpoint(f))(x), mg.grad(f)(x))


def test_residuals_of_one_array_that_is_two_results_stay_apart():
    """A function that returns its argument has a result of its own for each call."""

    @mg.primitive(lambda g, y, factor, x, scale: g * factor, None, residuals=True)
    def same(x, scale):
        return x, scale

    x = mg.tensor([1.0], requires_grad=True)
    a, b = same(x, 2.0), same(x, 5.0)
    a.sum().backward()
    b.sum().backward()
    assert x.grad.item() == 7


def test_a_function_with_residuals_returns_a_pair():
    @mg.primitive(lambda g, y, r, x: g, residuals=True)
    def lonely(x):
        return x + 1

    with pytest.raises(TypeError, match=r"lonely has residuals=True, so it returns a pair .*; got ndarray"):
        lonely(np.ones(2))


def test_residuals_are_freed_with_the_result():
    class Large:
        pass

    @mg.primitive(lambda g, y, r, x: g, residuals=True)
    def keeping(x):
        large = Large()
        alive.append(weakref.ref(large))
        return x * 1, large

    alive = []
    y = keeping(mg.tensor([1.0], requires_grad=True))
    assert alive[0]() is not None
    del y
    assert alive[0]() is None
