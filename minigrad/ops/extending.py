"""Operations of one's own."""

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..core.primitive import Primitive, Rule
from ..core.primitive import register as register_rules
from ..core.short import public
from ..core.values import as_array
from ..errors import NoRuleError


def primitive(
    *rules: Rule | None,
    kind: str = "elementwise",
    forward: Sequence[Rule | None] | None = (),
    residuals: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that makes a function of arrays differentiable.

    Parameters
    ----------
    *rules
        One for each argument, None for an argument without a derivative: ``rule(g, y, *args, **kwargs)`` returns
        the cotangent of its argument, given that of the result `y`. See the guide on extending minigrad.
    kind : {"elementwise", "linear", "multilinear", "general"}
        What the rules also say of forward mode.
    forward : sequence of rules, or None
        For a general function: one rule ``forward(t, y, *args, **kwargs)`` for each argument, which returns the
        tangent of the result, given that of its argument. None for a function that has reverse mode alone.
    residuals : bool
        The function returns a pair, its result and what it hands to its rules, which are then
        ``rule(g, y, residuals, *args, **kwargs)``. Where a rule is itself differentiated or mapped, the function is
        called once more on its arguments, so that derivatives flow through the residuals as well.

    Raises
    ------
    TypeError
        If a rule, or what is decorated, is not a function; at a call, if there are no residuals.
    ValueError
        If there is no such kind, or rules are missing.
    NoRuleError
        In forward mode, if `forward` is None.
    RuleError
        In a backward pass, if a rule returns anything but a floating array of the right shape.
    """

    check_rules(rules)

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        if not callable(function):
            raise TypeError(
                "mg.primitive takes the rules, and then a function: @mg.primitive(lambda g, y, x: ...) above the "
                f"function's def; got a {type(function).__name__} in the function's place"
            )
        pushes = reverse_only(function, rules, kind) if forward is None else forward
        check_forward(function, rules, kind, pushes)
        if residuals:
            handing = Handing(function)
            differentiable = public(Primitive(handing, handing.over(rules), kind, handing.over(pushes)))
        else:
            differentiable = public(Primitive(function, rules, kind, pushes))
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
    """Give a NumPy function derivative rules, which replace those that it has; see `primitive`."""
    if not callable(function):
        raise TypeError(f"register takes a NumPy function, such as np.spacing; got {type(function).__name__}")
    check_rules(rules)
    check_forward(function, rules, kind, forward)
    register_rules(function, *rules, kind=kind, forward=forward)


class Handing:
    """A function that hands residuals to its rules, by its result, for as long as that is there."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.__name__, self.__doc__ = function.__name__, function.__doc__
        self.__wrapped__ = function  # whose signature it has
        self.kept: dict[int, tuple[Any, Any]] = {}  # by the result's identity: what leads to it, and the residuals

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        y, residuals = self.pair(args, kwargs)
        y = as_array(y)
        if id(y) in self.kept:  # an array that is another result as well, such as an argument
            y = y.copy()
        key = id(y)
        self.kept[key] = weakref.ref(y, lambda _: self.kept.pop(key, None)), residuals
        return y

    def pair(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, Any]:
        """The result and the residuals."""
        pair = self.function(*args, **kwargs)
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(
                f"{self.__name__} has residuals=True, so it returns a pair (y, residuals); got {type(pair).__name__}"
            )
        return pair

    def over(self, rules: Sequence[Rule | None]) -> list[Rule | None]:
        """The rules, which get the residuals in the third place."""
        return [None if rule is None else self.given(rule) for rule in rules]

    def given(self, rule: Rule) -> Rule:
        """A rule that gets the residuals."""

        def with_residuals(g: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
            known = self.kept.get(id(y))
            residuals = known[1] if known is not None and known[0]() is y else self.pair(args, kwargs)[1]
            return rule(g, y, residuals, *args, **kwargs)

        return with_residuals


def reverse_only(function: Callable[..., Any], rules: Sequence[Any], kind: str) -> Sequence[Rule]:
    """The forward rules of a general function that has none: each refuses, by name."""
    if kind != "general":
        raise ValueError(
            f"forward=None is for a general function that has reverse mode alone: mg.primitive(..., kind='general', "
            f"forward=None); {function.__name__} is {kind}, whose rules serve both modes"
        )

    def refused(*args: Any, **kwargs: Any) -> Any:
        raise NoRuleError(
            f"{function.__name__} has no rule for forward mode (forward=None), which jvp, hvp and hessian use. Use "
            f"reverse mode, as in mg.vjp, mg.grad of mg.grad, or mode='reverse', or give it forward=[...]"
        )

    return [refused] * len(rules)


def check_rules(rules: Sequence[Any]) -> None:
    """Refuse a rule that is not a function."""
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
