"""What a recording writes down: arrays, known by where they come from, and the calls that make them or change them."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np

ARGUMENT = "argument"  # comes with each call of the program
LOOKED_UP = "looked up"  # at each call: what backward() has left in a leaf, or what is in a Tensor
OUTSIDE = "outside"  # kept by somebody outside, who may change it between calls
CONSTANT = "constant"  # never changes
RESULT = "result"  # of a call of the program

PURE = "pure"  # the results depend on the arguments alone
VIEW = "view"  # the same, and the result lies in the memory of an argument
WRITE = "write"  # changes one of its arguments in place
DRAW = "draw"  # moves a generator of random numbers on
REFUSE = "refuse"  # gives up if its argument is true


class Refused(Exception):
    """A check that failed in a replay: the function itself, run once more, says what is wrong."""


class Stale(Refused):
    """A number that the function has taken out of an array is another one now: the function takes another way."""


class Failed(Exception):
    """The function raised an error while it was recorded: run once more, it raises it in its own words, or does not."""


@dataclass(eq=False, slots=True)
class Value:
    """An array, or a number, of which the shape is known before the program runs and the values are not.

    `scalar` tells a NumPy scalar from an array of shape (), and `number` a Python number from both. `root` is the
    value in whose memory this one lies, itself if it is no view. `source` is the array of an outside value or of a
    constant, the position of an argument, the leaf, Tensor or Spot in which a value is looked up.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    strides: tuple[int, ...]
    origin: str
    source: Any = None
    scalar: bool = False
    number: bool = False
    name: str = ""
    scratch: bool = False  # an array from outside in which nobody looks for anything before or after the program
    root: "Value" = field(init=False)

    def __post_init__(self) -> None:
        self.root = self

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The size of the elements in memory."""
        return self.size * self.dtype.itemsize

    @property
    def is_number(self) -> bool:
        """Whether it is no array: a Python number, or one of NumPy's scalars."""
        return self.number or self.scalar

    @property
    def is_view(self) -> bool:
        """Whether it lies in the memory of another value."""
        return self.root is not self


@dataclass(eq=False, slots=True)
class Call:
    """A call of the program: ``results = function(*args, **kwargs)``, with Values for arrays.

    `pattern` is what the function returns, a Value or a tuple or list with Values in it. A call that writes
    changes the memory of `target`, which is among the arguments or, if `out`, is what the function gets as out=.
    """

    function: Any
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    pattern: Any = None
    kind: str = PURE
    target: Any = None
    out: bool = False
    varies: bool = False  # whether the shape of its result depends on values, and needs a look in each replay
    errors: tuple[tuple[str, str], ...] = ()  # what np.seterr was told where it was made, if that was unusual

    @property
    def name(self) -> str:
        """What NumPy or Python calls the function: "exp", "add.reduce", "matmul"."""
        if isinstance(self.function, tuple):
            return f"{self.function[0].__name__}.{self.function[1]}"
        return getattr(self.function, "__name__", None) or self.function.name

    @property
    def results(self) -> list[Value]:
        """The values that the call makes."""
        return values_in(self.pattern)

    def operands(self) -> list[Value]:
        """The values that the call reads, or may read: what it writes to is among them unless it is an `out`."""
        return values_in(self.args) + (values_in(self.kwargs) if self.kwargs else [])

    def values(self) -> list[Value]:
        """All values that the call has to do with."""
        return [*self.operands(), *self.results, *values_in(self.target)]


@dataclass(eq=False, slots=True)
class Spot:
    """A place outside in which a replay leaves a result, as a Tensor or as an array: an entry, or an attribute.

    `kind` is shape, dtype and strides of the array that was there before, None if there was none.
    """

    holder: Any
    key: Any
    is_item: bool
    as_tensor: bool
    kind: Any = None


@dataclass(slots=True)
class Program:
    """A recorded function: its calls in order, and what it leaves behind.

    Attributes
    ----------
    known
        The arguments that decide on shapes, and what they were.
    answer
        What the function returns: a tree with Values in it. `as_tensors` tells of each whether it comes as a Tensor.
    gradients
        The leaves in which a gradient is left, and what it is.
    read_gradients
        The leaves whose gradient was looked at, and what it was; those that had one are arguments, after all others.
    tensors
        Tensors from outside, with the array and the node of each, which some changes exchange for others.
    tensors_given
        The positions of arguments that are Tensors.
    assigned
        What is left outside: arrays for Tensors, which are arguments by their position or from outside, and for Spots.
    touched
        The leaves whose values are changed in place.
    effects
        Spots in which each replay puts one and the same object, and that object.
    left
        The numbers of places in which each replay leaves another array.
    catches
        Whether the function may catch an error that a call raises.
    guard
        Tells whether what the function reached outside, when it was recorded, is still there.
    """

    name: str
    arguments: list[Value]
    known: dict[Value, Any]
    calls: list[Call]
    answer: Any
    as_tensors: list[bool]
    gradients: dict[Any, Any]
    read_gradients: dict[Any, Any]
    tensors: dict[Any, Any]
    tensors_given: Sequence[int]
    assigned: dict[Any, Any]
    touched: list[Any]
    effects: list[tuple[Spot, Any]] = field(default_factory=list)
    catches: bool = False
    left: list[int] = field(default_factory=list)
    guard: Any = None

    def outputs(self) -> list[Value]:
        """The values that outlive a call of the program."""
        return values_in([self.answer, [*self.gradients.values()], [*self.assigned.values()]])


BRANCHED = (tuple, list, dict, slice)


def leaves_of(tree: Any) -> list[Any]:
    """What lies in nested tuples, lists, dicts and slices."""
    if not isinstance(tree, BRANCHED):
        return [tree]
    return [leaf for branch in branches_of(tree) for leaf in leaves_of(branch)]


def branches_of(tree: Any) -> Iterable[Any]:
    """The parts of a tuple, list, dict or slice."""
    if isinstance(tree, slice):
        return tree.start, tree.stop, tree.step
    return tree.values() if isinstance(tree, dict) else tree


def values_in(tree: Any) -> list[Value]:
    """The Values in nested tuples, lists, dicts and slices."""
    if type(tree) is Value:
        return [tree]
    found: list[Value] = []
    if isinstance(tree, BRANCHED):
        branches: Any = tree if type(tree) in (tuple, list) else branches_of(tree)
        for x in branches:
            if type(x) is Value:
                found.append(x)
            elif isinstance(x, BRANCHED):
                found += values_in(x)
    return found


def mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """A tree like `tree`, of `function` of each leaf: whatever is no tuple, list, dict or slice."""
    if not isinstance(tree, BRANCHED):
        return function(tree)
    if type(tree) is tuple:
        return tuple([mapped(function, x) if isinstance(x, BRANCHED) else function(x) for x in tree])
    branches = [mapped(function, x) if isinstance(x, BRANCHED) else function(x) for x in branches_of(tree)]
    if isinstance(tree, slice):
        return slice(*branches)
    if isinstance(tree, dict):
        made = copy(tree)  # which may have been made with more than its keys, as a defaultdict is
        made.update(zip(tree, branches, strict=True))
        return made
    return type(tree)(*branches) if hasattr(tree, "_fields") else type(tree)(branches)
