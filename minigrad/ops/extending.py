"""Operations of one's own."""

from collections.abc import Callable, Sequence
from typing import Any

from ..core.primitive import Primitive, Rule
from ..core.primitive import register as register_rules
from ..core.short import public


def primitive(
    *rules: Rule | None, kind: str = "elementwise", forward: Sequence[Rule | None] = ()
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that makes a function of arrays differentiable.

    Parameters
    ----------
    *rules
        One for each argument, None for an argument without a derivative: ``rule(g, y, *args, **kwargs)`` answers
        with the cotangent of its argument, given that of the result `y`. See the guide on extending minigrad.
    kind : {"elementwise", "linear", "multilinear", "general"}
        What the rules also say of forward mode.
    forward : sequence of rules
        For a general function: one rule ``forward(t, y, *args, **kwargs)`` for each argument, which returns the
        tangent of the result, given that of its argument.

    Raises
    ------
    TypeError
        If a rule is no function, or what is decorated is none.
    ValueError
        If there is no such kind, or rules are missing.
    RuleError
        In a backward pass, if a rule returns something of the wrong shape, or that is no floating array.
    """

    check_rules(rules)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        if not callable(function):
            raise TypeError(
                "mg.primitive takes the rules, and then a function: @mg.primitive(lambda g, y, x: ...) above the "
                f"function's def; got a {type(function).__name__} in the function's place"
            )
        check_forward(function, rules, kind, forward)
        differentiable = public(Primitive(function, rules, kind, forward))
        # By these it is pickled. A ufunc of NumPy 2.0 has neither.
        differentiable.__module__ = getattr(function, "__module__", type(function).__module__)
        differentiable.__qualname__ = getattr(function, "__qualname__", differentiable.__qualname__)
        return differentiable

    return decorate


def register(
    function: Callable[..., Any],
    *rules: Rule | None,
    kind: str = "elementwise",
    forward: Sequence[Rule | None] = (),
) -> None:
    """Give one of NumPy's functions derivative rules, which replace those that it has; see `primitive`."""
    if not callable(function):
        raise TypeError(f"register takes a function of NumPy's, such as np.spacing; got {type(function).__name__}")
    check_rules(rules)
    check_forward(function, rules, kind, forward)
    register_rules(function, *rules, kind=kind, forward=forward)


def check_rules(rules: Sequence[Any]) -> None:
    """Refuse a rule that is no function."""
    for i, rule in enumerate(rules):
        if rule is not None and not callable(rule):
            raise TypeError(
                f"the rule for argument {i} is a function rule(g, y, *args), or None; got a {type(rule).__name__}"
            )


def check_forward(function: Callable[..., Any], rules: Sequence[Any], kind: str, forward: Sequence[Any]) -> None:
    """Refuse a general function that lacks a forward rule for an argument that has a rule."""
    lacking = [i for i, rule in enumerate(rules) if rule is not None and (i >= len(forward) or forward[i] is None)]
    if kind == "general" and lacking:
        raise ValueError(
            f"{function.__name__} is a general function, whose forward mode takes rules of its own, one for each "
            f"argument that has a rule: forward=[lambda t, y, *args: ...]; got none for argument {lacking[0]}"
        )
