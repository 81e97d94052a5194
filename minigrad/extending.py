"""Operations of one's own."""

from collections.abc import Callable, Sequence
from typing import Any

from .operations import public
from .primitive import Primitive, Rule
from .primitive import register as register_rules


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
        For a general function: one rule ``forward(t, y, *args, **kwargs)`` for each argument, which answers with the
        tangent of the result, given that of its argument.

    Raises
    ------
    ValueError
        If there is no such kind, or rules are missing.
    RuleError
        In a backward pass, if a rule answers with something of the wrong shape, or that is no floating array.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        return public(Primitive(function, rules, kind, forward))

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
    register_rules(function, *rules, kind=kind, forward=forward)
