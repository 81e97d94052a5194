"""What a derivative rule is, and the registry of the functions that have some.

A rule has the signature ``rule(g, y, *args, **kwargs)``: `g` flows in, `y` is the function's output, the rest
is what the function was called with. It states mathematics; undoing broadcasting, casting to the argument's
dtype and checking the result is the work of engine.py, once for all rules.

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
from typing import Any

Rule = Callable[..., Any]
KINDS = ("elementwise", "linear", "multilinear", "general", "composed", "constant")


class Primitive:
    """A function of arrays together with its derivative rules.

    Called, it computes; of an array that a transformation watches, the transformation says what the call means.

    Parameters
    ----------
    function : callable
        What users call: a NumPy function, or one of ours.
    rules : sequence of rules
        One for each argument, None for an argument without a derivative.
    kind : str
        A row of this module's table.
    forward : sequence of rules
        For a general function: one rule ``forward(t, y, *args, **kwargs)`` for each argument.
    compute : callable, optional
        The same values as `function`, for plain arrays, and sooner.
    sequence : bool
        The first argument is a sequence of arrays, and the only rule returns a sequence of cotangents.
    reads : sequence of sequences of int, optional
        For each rule the arguments whose values it reads. By default all, but for what the kind says: the rules of a
        linear function read none, and the rule of an argument of a multilinear one reads the others.
    trusted : bool
        A rule of one array and at most a number need not be checked at each call, as the project's tests do.
    assemble : callable, optional
        Where the only rule returns mostly zeros: ``assemble(gs, calls, total=None)`` is the sum of what it returns for
        several calls on one array, given their arguments, at no more than the cost of the array and the parts. It is
        added to a total that nothing else refers to, if there is one, at the cost of the parts.
    erase : callable, optional
        The rule of argument 0 done in place, ``erase(g, *args)``, for a cotangent that nothing else refers to.
    sparse : {"product", "values"}, optional
        That a constant of scipy.sparse is an operand: as itself where the function multiplies, or by its values.
    batch : callable, optional
        How the function takes one axis more, see rules/batching.py. Without it, an elementwise function lines entries
        up, and any other is called for one entry after the other.
    """

    __slots__ = (
        *("assemble", "batch", "compute", "erase", "forward", "function", "kind", "name", "options"),
        *("plain", "reads", "rules", "sequence", "sparse", "trusted"),
    )

    def __init__(
        self,
        function: Callable[..., Any],
        rules: Sequence[Rule | None],
        kind: str = "elementwise",
        forward: Sequence[Rule | None] = (),
        compute: Callable[..., Any] | None = None,
        sequence: bool = False,
        reads: Sequence[Sequence[int]] | None = None,
        trusted: bool = False,
        assemble: Callable[..., Any] | None = None,
        erase: Callable[..., Any] | None = None,
        batch: Callable[..., Any] | None = None,
        sparse: str | None = None,
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
        self.reads = reads
        self.trusted = trusted
        self.assemble, self.erase, self.batch, self.sparse = assemble, erase, batch, sparse
        self.plain = trusted and not (sequence or assemble or erase)  # so that a sweep needs nothing but the rule
        self.name = function.__name__
        self.options: dict[str, bool] = {}

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

    def may_read(self, i: int, called: Sequence[int]) -> bool:
        """Whether the value of argument `i` may be read by the rules of the arguments `called`."""
        if self.kind == "linear":  # the derivative of a linear map is the same everywhere
            return False
        if self.kind == "multilinear":
            return any(j != i for j in called)
        return self.reads is None or any(i in self.reads[j] for j in called)

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
REGISTRY: dict[Any, Primitive] = {}
REASONS: dict[Any, str] = {}  # why a function has no rule, and what to use


def register(function: Callable[..., Any], *rules: Rule | None, **options: Any) -> Primitive:
    """Give a NumPy function its derivative rules, one for each argument; one that has some gets new ones.

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

    `key` is a NumPy function, or a ufunc with the name of a method, such as ``(np.add, "reduce")``.
    """

    def decorate(function: Callable[..., Any]) -> Primitive:
        function.__doc__ = function.__doc__ or getattr(key, "__doc__", None)
        primitive = Primitive(function, (), "composed", sequence=sequence)
        primitive.name = f"{key[0].__name__}.{key[1]}" if isinstance(key, tuple) else key.__name__
        REGISTRY[key] = primitive
        return primitive

    return decorate


def constant(*functions: Callable[..., Any], **options: Any) -> Primitive:
    """Register functions whose result has no derivative: questions, positions, new arrays. Returns the first."""
    primitives = [register(function, kind="constant", **options) for function in functions]
    return primitives[0]
