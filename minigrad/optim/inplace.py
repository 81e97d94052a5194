"""An update as calls that make no arrays: its expressions, written down once and given arrays to compute in.

`Optimizer.update` says what a step is, in plain expressions. On a million numbers these would spend a third of their
time on temporary arrays. So for updates of one element at a time the expressions are followed once, on symbols, and
become the text of two functions: `numbers` computes, in Python's floats, what is the same for all elements; `run` goes
over the arrays, each call with an ``out=`` that is free by then, or None. Same calls, same order, same bits.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..core.door import plain
from .state import State

# NumPy's sign takes ten times as long where it writes into its operand.
APART = ("sign",)
# These two want to be told by name where to write.
BY_NAME = ("maximum", "minimum")


class Symbol:
    """A number, under the name that it has in the text."""

    def __init__(self, text: "Text", name: str) -> None:
        self.text, self.name = text, name

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, Lane) for x in inputs):
            return NotImplemented
        raise TypeError(
            f"an update computes numbers with Python's operators, x ** 0.5 for a root; got np.{ufunc.__name__}"
        )

    def __bool__(self) -> bool:
        raise TypeError(
            "an elementwise update makes the same calls in each step, so it has no `if` on a number. Multiply by the "
            "comparison, or leave elementwise = False"
        )

    def __neg__(self) -> "Symbol":
        return self.text.number(f"-{self.name}")


def operator(sign: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The methods of an operator of two numbers: forward and reflected."""

    def forward(self: Symbol, other: Any) -> Any:
        return NotImplemented if isinstance(other, Lane) else self.text.number(f"{self.name} {sign} {named(other)}")

    def reflected(self: Symbol, other: Any) -> Any:
        return self.text.number(f"{named(other)} {sign} {self.name}")

    return forward, reflected


for _name, _sign in (("add", "+"), ("sub", "-"), ("mul", "*"), ("truediv", "/"), ("pow", "**")):
    for _prefix, _method in zip(("__", "__r"), operator(_sign), strict=True):
        setattr(Symbol, f"{_prefix}{_name}__", _method)
for _name, _sign in (("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">=")):
    setattr(Symbol, f"__{_name}__", operator(_sign)[0])


class Lane(NDArrayOperatorsMixin):
    """An array, under the name that it has in the text."""

    powers: ClassVar[Mapping[Any, np.ufunc]] = {2: np.square, 0.5: np.sqrt}  # as ndarrays have them

    def __init__(self, text: "Text", name: str) -> None:
        self.text, self.name = text, name

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        if method != "__call__" or options or not self.text.keeps_dtype(ufunc):
            raise not_elementwise(f"np.{ufunc.__name__}")
        return self.text.call(ufunc, inputs, None if out is None else out[0])

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        raise not_elementwise(f"np.{function.__name__}")

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"an elementwise update knows nothing of {name}. Leave elementwise = False")

    def __pow__(self, other: Any) -> Any:
        ufunc = self.powers.get(other) if isinstance(other, int | float) else None
        return self.text.call(np.power, (self, other), None) if ufunc is None else self.text.call(ufunc, (self,), None)

    def __setitem__(self, index: Any, value: Any) -> None:
        if index is not Ellipsis:
            raise not_elementwise("an index")
        self.text.call(np.positive, (value,), self)


def not_elementwise(what: str) -> TypeError:
    """The error of an update that is not elementwise after all."""
    return TypeError(
        f"an elementwise update is made of functions of NumPy's of one element each, of the dtype of its arrays; got "
        f"{what}. Leave elementwise = False"
    )


def named(x: Any) -> str:
    """An operand in the text."""
    return x.name if isinstance(x, Symbol | Lane) else repr(x)


class Text:
    """What is written down of an update: the lines of its numbers, and its calls on arrays."""

    def __init__(self, dtype: np.dtype) -> None:
        self.dtype = dtype
        self.lines: dict[str, str] = {}  # names by what they stand for, so that each is computed once
        self.calls: list[tuple[np.ufunc, list[str], str]] = []
        self.coefficients: dict[str, str] = {}

    def number(self, meaning: str) -> Symbol:
        """A number that is computed."""
        return Symbol(self, self.lines.setdefault(meaning, f"n{len(self.lines) + 1}"))

    def call(self, ufunc: np.ufunc, inputs: Iterable[Any], out: Any) -> Lane:
        """A call on arrays, into one of them or a new one."""
        names = [x.name if isinstance(x, Lane) else self.coefficient(x) for x in inputs]
        out = Lane(self, f".{len(self.calls)}") if out is None else out
        self.calls.append((ufunc, names, out.name))
        return out

    def coefficient(self, x: Any) -> str:
        """A number that meets an array."""
        if not isinstance(x, Symbol | int | float) or isinstance(x, bool):
            raise not_elementwise(f"a {type(x).__name__}")
        return self.coefficients.setdefault(named(x), f"c{len(self.coefficients) + 1}")

    def keeps_dtype(self, ufunc: np.ufunc) -> bool:
        """Whether a ufunc makes one array of the dtype from others of it."""
        try:
            return ufunc.nout == 1 and ufunc.resolve_dtypes((self.dtype,) * ufunc.nin + (None,))[-1] == self.dtype
        except TypeError:  # a ufunc of integers
            return False


def with_buffers(calls: Sequence[tuple[np.ufunc, list[str], str]]) -> tuple[list[str], list[str]]:
    """The lines of calls, and the names of arrays to compute in: few, as each is used again once it is free."""
    last = {name: i for i, (_, inputs, out) in enumerate(calls) for name in (*inputs, out)}
    places: dict[str, str] = {}
    free: list[str] = []
    lines: list[str] = []
    made: list[str] = []
    for i, (ufunc, inputs, out) in enumerate(calls):
        operands = [places.get(name, name) for name in inputs]
        ending = [places[name] for name in dict.fromkeys(inputs) if name in places and last[name] == i and name != out]
        if ufunc.__name__ not in APART:
            free, ending = free + ending[::-1], []
        if out[0] == "." and out not in places:
            if not free:
                made.append(f"s{len(made) + 1}")
                free = [made[-1]]
            places[out] = free.pop()
        free += ending
        into = f"{'out=' * (ufunc.__name__ in BY_NAME)}{places.get(out, out)}"
        made_now = f"{places[out]} = " if out in places else ""  # which is another array if there was None
        lines.append(f"{made_now}{ufunc.__name__}({', '.join([*operands, into])})")
    return lines, made


class GroupUpdate:
    """The update of parameters of one dtype that share a group."""

    def __init__(self, optimizer: Any, group: Any, dtype: np.dtype, state: Mapping[str, Any]) -> None:
        text = Text(dtype)
        numbers = [name for name, x in state.items() if isinstance(x, float)]
        arrays = [name for name in state if name not in numbers]
        lanes = {f"{name}": Lane(text, name) for name in ("w", "g", *arrays)}
        kept = State(numbers, {name: lanes[name] if name in lanes else Symbol(text, name) for name in state})
        hyper = group.plain_for_update()
        self.given = list(flattened(hyper))
        symbols = SimpleNamespace(**{name: symbolic(text, name, x) for name, x in vars(hyper).items()})
        optimizer.apply(lanes["w"], lanes["g"], kept, symbols)
        lines, self.scratch = with_buffers(text.calls)
        new = [named(getattr(kept, name)) for name in numbers]
        self.source = source_of(text, numbers, self.given, new, [*arrays, *self.scratch], lines)
        found = {ufunc.__name__: ufunc for ufunc, _, _ in text.calls}
        exec(compile(self.source, f"<update of {type(optimizer).__name__}>", "exec"), found)
        self.numbers, self.run = found["numbers"], found["run"]
        self.dtype, self.group, self.least_eps = dtype, group, optimizer.least_eps(dtype)
        self.counted = bool(numbers)
        self.after: Any = ()
        self.before: Any = None
        self.hyper: list[float] = []
        # Arrays without dimensions: as operands they take half the time of numbers.
        self.coefficients = tuple(np.zeros((), dtype) for _ in text.coefficients)
        self.meanings = list(text.coefficients)

    def read(self) -> None:
        """Compute with the hyperparameters of now."""
        self.hyper = [*flattened(self.group.for_update(self.least_eps)).values()]
        self.before = None
        if not self.counted:
            self.at(())

    def at(self, before: tuple[float, ...]) -> Any:
        """The numbers of the state after a step; `coefficients` are what is the same for all elements in it."""
        if before != self.before:
            self.after, numbers = self.numbers(*before, *self.hyper)
            self.before = before
            for x, number in zip(self.coefficients, numbers, strict=True):
                x[()] = number
        return self.after

    def scalars(self) -> list[Any]:
        """The hyperparameters as scalars of NumPy's."""
        arrays = flattened(SimpleNamespace(**self.group.arrays))
        found = [(name, plain(arrays[name])[()]) for name in self.given]
        return [np.maximum(x, self.least_eps) if name == "eps" else x for name, x in found]

    def of_scalars(self, before: Sequence[Any], hyper: Sequence[Any]) -> tuple[Any, list[Any]]:
        """The numbers of the state after a step, and what is the same for all elements in it, made of scalars."""
        arrays = flattened(SimpleNamespace(**self.group.arrays))
        after, numbers = self.numbers(*before, *hyper)
        exact = [name for name in self.given if name != "eps" and self.dtype == np.float64]
        found = [x if type(x) in (int, float) else x.astype(self.dtype) for x in numbers]
        return after, [plain(arrays[m]) if m in exact else x for m, x in zip(self.meanings, found, strict=True)]


def flattened(hyper: Any) -> dict[str, Any]:
    """The numbers among hyperparameters, by a name each."""
    found: dict[str, Any] = {}
    for name, x in vars(hyper).items():
        if isinstance(x, tuple):
            found |= {f"{name}_{i}": part for i, part in enumerate(x)}
        elif isinstance(x, float | np.ndarray):
            found[name] = x
    return found


def symbolic(text: Text, name: str, x: Any) -> Any:
    """What stands for a hyperparameter: flags are what they are."""
    if isinstance(x, tuple):
        return tuple(Symbol(text, f"{name}_{i}") for i in range(len(x)))
    return Symbol(text, name) if isinstance(x, float) else x


def source_of(
    text: Text,
    numbers: Sequence[str],
    given: Sequence[str],
    new: Sequence[str],
    arrays: Sequence[str],
    lines: list[str],
) -> str:
    """The text of both functions."""
    computed = [f"{name} = {meaning}" for meaning, name in text.lines.items()]
    answer = f"return {tuple_of(new)}, {tuple_of(text.coefficients)}"
    unpacked = f"{tuple_of([*arrays, *text.coefficients.values()])} = arrays"  # which is quicker than so many arguments
    of_numbers = [f"def numbers({', '.join([*numbers, *given])}):", *computed, answer]
    return "\n    ".join(of_numbers) + "\n\n\n" + "\n    ".join(["def run(w, g, arrays):", unpacked, *lines]) + "\n"


def tuple_of(names: Iterable[str]) -> str:
    """The text of a tuple."""
    return f"({''.join(f'{name}, ' for name in names)})"
