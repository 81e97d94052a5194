"""What each function becomes: a table of translations by primitive, and of functions that are written with others.

A translation ``translate(graph, call)`` adds operators to the graph and returns the name of the result. A function that
ONNX has no operator for is `rewritten`: a function of the same arguments that calls other functions of NumPy's.
"""

from collections.abc import Callable
from typing import Any

from ...core.primitive import REGISTRY, Primitive
from ..graph import Graph
from ..trace import TracedCall, no_counterpart

Translation = Callable[[Graph, TracedCall], str | None]
TRANSLATIONS: dict[Primitive, Translation] = {}
REWRITTEN: dict[Primitive, Callable[..., Any]] = {}


def primitive_of(key: Any) -> Primitive:
    """The primitive of a function of NumPy's, of a public function of ours, or that itself."""
    if isinstance(key, Primitive):
        return key
    return REGISTRY[key] if key in REGISTRY else REGISTRY[key.__dict__["__wrapped__"]]


def translates(*keys: Any) -> Callable[[Any], Any]:
    """Register, as a decorator, the translation of some functions."""

    def decorate(translation: Any) -> Any:
        TRANSLATIONS.update({primitive_of(key): translation for key in keys})
        return translation

    return decorate


def rewrites(*keys: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register, as a decorator, how functions are written with others."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        REWRITTEN.update({primitive_of(key): function for key in keys})
        return function

    return decorate


def by_definition(*keys: Any) -> None:
    """Register functions whose own definition is written with functions of NumPy's that have translations."""
    REWRITTEN.update({primitive_of(key): primitive_of(key).function for key in keys})


def arguments(call: TracedCall, **defaults: Any) -> tuple[Any, ...]:
    """The arguments after the first, by position or by name; refuses any other that is not at its default of None."""
    given = dict(zip(defaults, call.args[1:], strict=False)) | dict(call.kwargs)
    for name, value in given.items():
        if name not in defaults and value is not None and value is not False:
            raise no_counterpart(call.primitive.name, f" with {name}=")
    return tuple({**defaults, **{k: v for k, v in given.items() if k in defaults}}.values())
