"""What a derivative rule is, and what the engine does with one.

A rule has the signature ``rule(g, y, *args, **kwargs)``: `g` flows in, `y` is the function's output, the rest
is what the function was called with. It states mathematics; undoing broadcasting, casting to the argument's
dtype and checking the answer happen here, once for all rules.

The kind of a function says how its one rule serves both modes, J being the Jacobian:

===========  ===================================  ================================================
kind         reverse: g -> J^T g                  forward: t -> J t
===========  ===================================  ================================================
elementwise  rule(g), then undo broadcasting      the same rule: a diagonal J is its own transpose
linear       the rule is the transpose            the function itself, of all tangents together
multilinear  one transpose for each argument      the function, one argument replaced at a time
general      a rule                               a second rule, given as `forward`
composed     none: made of functions with rules   none
constant     none: the result has no derivative   none
===========  ===================================  ================================================
"""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np

from ..errors import RuleError
from .context import unusual
from .recorder import fixed

Rule = Callable[..., Any]
KINDS = ("elementwise", "linear", "multilinear", "general", "composed", "constant")


class Primitive:
    """A function of arrays together with its derivative rules.

    Called, it computes; and an array that a transformation watches takes note.

    Parameters
    ----------
    function : callable
        What users call: a function of NumPy's, or one of ours.
    rules : sequence of rules
        One for each argument, None for an argument without a derivative.
    kind : str
        A row of this module's table.
    forward : sequence of rules
        For a general function: one rule ``forward(t, y, *args, **kwargs)`` for each argument.
    compute : callable, optional
        The same values as `function`, for arrays that nobody watches, and sooner.
    sequence : bool
        The first argument is a sequence of arrays, and the only rule answers with a sequence of cotangents.
    trusted : bool
        A rule of one argument without options need not be checked at each call, as the project's tests do.
        Such calls are recorded as calls of `unchecked`, a copy of the primitive.
    add_to : callable, optional
        Where the only rule answers mostly with zeros: ``add_to(total, g, *args)`` is `total`, which it may change, plus
        the rule's answer, so that the parts of an array cost no more than the array.
    """

    __slots__ = (
        *("add_to", "checked", "compute", "forward", "function", "kind"),
        *("name", "options", "rules", "sequence", "unchecked"),
    )

    def __init__(
        self,
        function: Callable[..., Any],
        rules: Sequence[Rule | None],
        kind: str = "elementwise",
        forward: Sequence[Rule | None] = (),
        compute: Callable[..., Any] | None = None,
        sequence: bool = False,
        trusted: bool = False,
        add_to: Callable[..., Any] | None = None,
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f"kind is one of {', '.join(KINDS)}; got {kind!r}")
        if kind == "general" and len(forward) != len(rules):
            raise ValueError(
                f"a general function takes a forward rule for each of its {len(rules)} rules; got {len(forward)}"
            )
        self.function = function
        self.rules: tuple[Any, ...] = tuple(rules)
        self.kind = kind
        self.forward: tuple[Any, ...] = tuple(forward)
        self.compute = compute or function
        self.sequence = sequence
        self.add_to = add_to
        self.name = function.__name__
        self.options: dict[str, bool] = {}
        self.checked = True
        self.unchecked = self
        if trusted:
            self.unchecked = copy(self)
            self.unchecked.checked = False

    def __repr__(self) -> str:
        return f"<{self.kind} primitive {self.name}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        for x in args[0] if self.sequence else args:
            if hasattr(x, "__apply__"):
                return x.__apply__(self, args, kwargs)
        return self.compute(*args, **kwargs)

    def has_rule(self, i: int) -> bool:
        """Whether argument `i` has a derivative; in a sequence, all have or none."""
        return bool(self.rules) if self.sequence else i < len(self.rules) and self.rules[i] is not None

    def reads(self, i: int) -> bool:
        """Whether a rule may read the values of argument `i`: it reads no argument that it does not name."""
        if self.kind == "linear":  # the derivative of a linear map is the same everywhere
            return False
        codes = [getattr(rule, "__code__", None) for rule in self.rules if rule is not None]
        return any(code is None or code.co_argcount > i + 2 for code in codes)

    def accepts(self, keyword: str) -> bool:
        """Whether every rule names `keyword`; one that does not would differentiate another function."""
        if keyword not in self.options:
            self.options[keyword] = all(names(rule, keyword) for rule in (*self.rules, *self.forward))
        return self.options[keyword]


def names(rule: Rule, keyword: str) -> bool:
    """Whether a rule has a parameter of that name, or takes any."""
    code = getattr(rule, "__code__", None)
    if code is None or code.co_flags & 0x08:  # CO_VARKEYWORDS
        return True
    return keyword in code.co_varnames[2 : code.co_argcount + code.co_kwonlyargcount]


NO_OPTIONS: Mapping[str, Any] = {}
empty = np.empty
FILLERS = {np.ndarray, np.float64, np.float32, np.float16}
REGISTRY: dict[Any, Primitive] = {}


def register(function: Callable[..., Any], *rules: Rule | None, **options: Any) -> Primitive:
    """Give a function of NumPy's its derivative rules, one for each argument; one that has some gets new ones.

    The options are those of `Primitive`.
    """
    primitive = REGISTRY.get(function) or Primitive.__new__(Primitive)
    primitive.__init__(function, rules, **options)
    REGISTRY[function] = primitive
    return primitive


def elementwise(function: Callable[..., Any], *rules: Rule | None, **options: Any) -> Primitive:
    """Register a function whose Jacobian is diagonal, after broadcasting."""
    return register(function, *rules, kind="elementwise", trusted=True, **options)


def linear(function: Callable[..., Any], *rules: Rule | None, **options: Any) -> Primitive:
    """Register a function that is linear in its arrays taken together; each rule is a transpose."""
    return register(function, *rules, kind="linear", trusted=True, **options)


def multilinear(function: Callable[..., Any], *rules: Rule | None, **options: Any) -> Primitive:
    """Register a function that is linear in each of its arrays; each rule is a transpose."""
    return register(function, *rules, kind="multilinear", trusted=True, **options)


def general(function: Callable[..., Any], *rules: Rule | None, **options: Any) -> Primitive:
    """Register a function of no simpler kind: `rules` for reverse mode, the option `forward` for forward mode."""
    return register(function, *rules, kind="general", trusted=True, **options)


def composed(key: Any, sequence: bool = False) -> Callable[[Callable[..., Any]], Primitive]:
    """Register, as a decorator, how to do what `key` does by other functions: for functions without rules of their own.

    `key` is a function of NumPy's, or a ufunc with the name of a method, such as ``(np.add, "reduce")``.
    """

    def decorate(function: Callable[..., Any]) -> Primitive:
        function.__doc__ = function.__doc__ or getattr(key, "__doc__", None)
        primitive = Primitive(function, (), "composed", sequence=sequence)
        primitive.name = f"{key[0].__name__}.{key[1]}" if isinstance(key, tuple) else key.__name__
        REGISTRY[key] = primitive
        return primitive

    return decorate


def constant(*functions: Callable[..., Any]) -> Primitive:
    """Register functions whose result has no derivative: questions, positions, new arrays. Returns the first."""
    primitives = [register(function, kind="constant") for function in functions]
    return primitives[0]


# Each is called as observer(primitive, i, answer, g, y, args, kwargs) with what the rule of argument i answered,
# before the engine checks, sums or casts it.
observers: list[Callable[..., None]] = []


def pull_back(
    primitive: Primitive, g: Any, y: Any, args: Sequence[Any], kwargs: Mapping[str, Any], parents: Sequence[Any]
) -> list[Any]:
    """The cotangents of the arguments that have a parent, in the arguments' shapes and dtypes, from that of `y`."""
    rules: Sequence[Any] = primitive.rules
    operands = args
    if primitive.sequence:  # one rule answers for all parts
        operands, parts = args[0], rules[0](g, y, *args, **kwargs)
        rules = [lambda *_, part=part, **__: part for part in parts]
    cotangents: list[Any] = [None] * len(parents)
    for i, parent in enumerate(parents):
        if parent is not None:
            answer = rules[i](g, y, *args, **kwargs)
            for observer in observers:
                observer(primitive, i, answer, g, y, args, kwargs)
            cotangents[i] = fitted(primitive, i, answer, operands[i])
    return cotangents


def push_forward(
    primitive: Primitive, tangents: Mapping[int, Any], y: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """The tangent of `y`, of its shape and dtype, from the tangents of the arguments that have one."""
    if primitive.kind == "linear":
        return fitted(primitive, 0, primitive(*tangents_for(primitive, tangents, args), **kwargs), y)
    if primitive.sequence:  # one rule takes all tangents
        t = tangents_for(primitive, tangents, args)[0]
        return fitted(primitive, 0, primitive.forward[0](t, y, *args, **kwargs), y)
    total: Any = None
    for i, t in tangents.items():
        if primitive.kind == "multilinear":
            part = primitive(*args[:i], t, *args[i + 1 :], **kwargs)
        elif primitive.kind == "elementwise":
            part = primitive.rules[i](t if t.shape == y.shape else broadcast(t, y.shape), y, *args, **kwargs)
        else:
            part = primitive.forward[i](t, y, *args, **kwargs)
        part = fitted(primitive, i, part, y)
        total = part if total is None else total + part
    return total


def tangents_for(primitive: Primitive, tangents: Mapping[int, Any], args: Sequence[Any]) -> list[Any]:
    """The arguments of a linear function with a tangent for each array, zero where none came."""
    if primitive.sequence:
        return [[tangents[i] if i in tangents else np.zeros_like(x) for i, x in enumerate(args[0])], *args[1:]]
    return [
        tangents[i] if i in tangents else np.zeros_like(x) if primitive.has_rule(i) else x for i, x in enumerate(args)
    ]


def fitted(primitive: Primitive, i: int, answer: Any, x: Any) -> Any:
    """A rule's answer for argument `i`, in the shape and dtype of `x`.

    Raises
    ------
    RuleError
        If the answer is no floating array, or its shape is not that of `x`. A function that broadcasts may
        answer for the broadcast argument: the sum over the new and the stretched axes is ours.
    """
    dtype = getattr(answer, "dtype", type(answer).__name__)
    if getattr(dtype, "kind", None) != "f":
        raise RuleError(f"the rule of {primitive.name} for argument {i} answers with a floating array; got {dtype}")
    if answer.shape != x.shape:
        broadcasts = primitive.kind in ("elementwise", "multilinear")
        if not (broadcasts and stretches(x.shape, answer.shape)):
            raise RuleError(
                f"the rule of {primitive.name} for argument {i} answers in the argument's shape {x.shape}; "
                f"got an answer of shape {answer.shape}"
            )
        answer = undo_broadcast(answer, x.shape)
    return answer if answer.dtype == x.dtype else answer.astype(x.dtype)


def stretches(shape: tuple[int, ...], wider: tuple[int, ...]) -> bool:
    """Whether broadcasting can make `wider` of `shape`."""
    extra = len(wider) - len(shape)
    return extra >= 0 and all(n in (1, m) for n, m in zip(shape, wider[extra:], strict=True))


def undo_broadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum `g` over the axes that broadcasting added to `shape` or stretched."""
    extra = g.ndim - len(shape)
    if extra:
        g = np.add.reduce(g, axis=tuple(range(extra)))
    stretched = tuple(i for i, n in enumerate(shape) if n != g.shape[i])
    return np.add.reduce(g, axis=stretched, keepdims=True) if stretched else g


def shares_memory(x: Any, y: Any) -> bool:
    """Whether a change of `y` in place may be one of `x`."""
    return isinstance(x, np.ndarray) and np.may_share_memory(x, y)


def broadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """`g` broadcast to `shape`; small arrays are filled, which takes a seventh of np.broadcast_to's time."""
    if type(g) in FILLERS:
        filled = empty(shape, g.dtype)
        if filled.size < 4096:
            filled[...] = g
            return fixed(filled) if unusual else filled
    return np.broadcast_to(g, shape)
