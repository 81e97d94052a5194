"""How one of SciPy's functions gets its rules, and its public name here."""

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import Any

import numpy as np

from ...core.primitive import Rule, composed, elementwise
from ...core.short import public


def known(function: Callable[..., Any], *rules: Rule | None, about: str) -> Callable[..., Any]:
    """Give a function of each element, of SciPy's or of ours, its rules; returns the one that users call.

    Its parameters are named as the last rule names them. `about` is its documentation.
    """
    elementwise(function, *rules)
    return named(function, parameters_of(rules[-1]), about)


def parameters_of(rule: Any) -> list[Parameter]:
    """The arguments of the function that a rule belongs to."""
    code = rule.__code__
    return [Parameter(name, Parameter.POSITIONAL_ONLY) for name in code.co_varnames[2 : code.co_argcount]]


def named(key: Any, parameters: list[Parameter], about: str) -> Callable[..., Any]:
    """The public function of what is registered under a key, with a signature and documentation of its own."""
    function: Any = public(key)
    function.__module__, function.__doc__ = "minigrad.scipy.special", about
    function.__signature__ = Signature(parameters)
    return function


def named_as(function: Callable[..., Any] | None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator for one that is made of functions with rules, in the place of one of SciPy's, if it has that."""

    def decorate(made: Callable[..., Any]) -> Callable[..., Any]:
        parameters = list(signature(made).parameters.values())
        return named(composed(function or made)(made), parameters, made.__doc__ or "")

    return decorate


def array_of(x: Any) -> Any:
    """A list of numbers as an array."""
    return np.asarray(x) if isinstance(x, list | tuple) else x


def stepped(n: Any, step: float) -> Any:
    """An order with a step added; Python's numbers stay such, which do not widen float32."""
    return array_of(n) + step
