"""The recording of one run of a function: each call of NumPy's that reaches an array becomes a call of a program."""

import weakref
from collections.abc import Callable, Mapping, Sequence
from types import CodeType, FrameType
from typing import Any

import numpy as np

from ..core.tape import put_gradient
from ..core.tensor import Tensor
from ..errors import RecordingError
from .array import Method, RecordingArray, RecordingGenerator
from .functions import QUESTIONS, deciding, is_integer, out_of, runnable, shape_varies, writes
from .kept import check_nothing_is_kept, check_nothing_is_made, owner
from .names import frame_of
from .program import (
    ARGUMENT,
    CONSTANT,
    DRAW,
    GRADIENT,
    OUTSIDE,
    PURE,
    REFUSE,
    RESULT,
    VIEW,
    WRITE,
    Call,
    Value,
    leaves_of,
    mapped,
)

ARRAYS = (np.ndarray, np.generic, int, float)  # of what an answer may consist that has values


class Recording:
    """What happens while a function runs once: the calls that it makes, and what it meets from outside.

    It is what `minigrad.recorder` tells of arrays from outside, constants, draws and refusals.
    """

    def __init__(self, code: CodeType | None = None) -> None:
        self._code = code  # of the function, until its frame is known
        self.frame: FrameType | None = None
        self.calls: list[Call] = []
        self.arguments: list[Value] = []
        self.read_gradients: dict[Any, Any] = {}  # by leaf: what was there
        self.former_gradients: dict[Any, Any] = {}  # of leaves whose gradient may have changed: what was there
        self.known: dict[Value, Any] = {}  # integers among the arguments that decide on shapes
        self.touched: dict[Any, None] = {}  # leaves whose values were changed, in order
        self.attributes: dict[Any, tuple[Any, str, Any]] = {}  # what depends was told
        self.tensors: dict[Any, Any] = {}  # Tensors from outside, and the values and the nodes that they had
        self._outside: dict[int, tuple[Any, Value]] = {}  # arrays and generators, by their identity
        self._owners: dict[int, Value] = {}  # roots of outside values, by the identity of what owns the memory
        self._copies: dict[Value, tuple[np.ndarray, np.ndarray]] = {}  # of arrays from outside that were written to
        self._drawn: dict[int, tuple[np.random.Generator, Any]] = {}  # generators, and the states that they had
        self._unseeded: list[np.random.Generator] = []  # made for draws that need not be the same twice
        self._made: list[weakref.ref[RecordingArray]] = []
        self._usual = np.geterr()

    # What the function is given

    def argument(self, x: Any) -> Any:
        """What stands for an argument: an array, a Python number, or a generator."""
        made = self._generator(x, ARGUMENT) if isinstance(x, np.random.Generator) else self._array(x, ARGUMENT)
        if made.node in self.arguments:  # a generator that comes twice
            made = RecordingGenerator(self, Value((), np.dtype(object), (), ARGUMENT), x)
        made.node.source = len(self.arguments)
        self.arguments.append(made.node)
        return made

    def seen(self, x: Any) -> Any:
        """What stands for an array that somebody keeps."""
        if not isinstance(x, np.ndarray):
            return x
        if id(x) in self._outside:
            return self._hold(RecordingArray(self, self._outside[id(x)][1], x))
        made = self._array(x, OUTSIDE)
        made.node.source = x
        made.node.root = self._owners.setdefault(id(owner(x)), made.node)
        self._outside[id(x)] = (x, made.node)
        return made

    def scratch(self, x: Any) -> Any:
        """What stands for an array that somebody keeps to compute in."""
        made = self.seen(x)
        if isinstance(made, RecordingArray):
            made.node.scratch = True
        return made

    def fixed(self, x: Any) -> Any:
        """What stands for an array that was made of shapes and Python's numbers."""
        if not isinstance(x, np.ndarray):
            return x
        made = self._array(x, CONSTANT)
        made.node.source = x.copy()
        return self.call(np.array, (made,))  # a copy, which the function may change

    def operands(self, given: Sequence[Any], inner: Sequence[Any]) -> list[Any]:
        """What stands for the operands of a call on Tensors, `inner` being their values."""
        for x, value in zip(given, inner, strict=True):
            if isinstance(value, np.ndarray) and isinstance(x, Tensor):
                self.tensors.setdefault(x, (x.value, x.node))  # which some changes exchange for others
        return [self.seen(x) for x in inner]

    def gradient(self, leaf: Any) -> Any:
        """What backward passes have left in a leaf so far."""
        if leaf not in self.former_gradients:  # and so it has not been set before
            self.keep_gradient(leaf)
            self.read_gradients[leaf] = leaf.notes.grad
            if leaf.notes.grad is not None:
                x = leaf.notes.grad
                made = self._array(x if isinstance(x, np.ndarray) else x.value, GRADIENT)
                made.node.source = leaf
                self.arguments.append(made.node)
                put_gradient(leaf, made)
        return leaf.notes.grad

    def keep_gradient(self, leaf: Any) -> None:
        """Note that a leaf's gradient may change from here on."""
        self.former_gradients.setdefault(leaf, leaf.notes.grad)

    def forget_own_leaves(self) -> None:
        """Leave out the gradients of leaves that the function has made, which nobody has outside."""
        for leaf in [leaf for leaf in self.former_gradients if isinstance(leaf.y, RecordingArray)]:
            del self.former_gradients[leaf]
            self.read_gradients.pop(leaf, None)
            self.touched.pop(leaf, None)

    def depends(self, owner: Any, name: str, value: Any) -> None:
        """Note that what is computed depends on an attribute."""
        self.attributes[id(owner), name] = owner, name, value

    def touch(self, leaf: Any) -> None:
        """Note that the values of a leaf were changed in place."""
        self.touched[leaf] = None

    # What the function does

    def call(self, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any] | None = None) -> Any:
        """Make a call and write it down; answers with what stands for its results."""
        if self._code is not None:
            self.frame, self._code = frame_of(self._code), None
        args, kwargs = mapped(self._enter, tuple(args)), mapped(self._enter, kwargs) if kwargs else {}
        args, kwargs = self._with_known(function, args, kwargs)
        if function in QUESTIONS:
            return function(*mapped(value_of, args), **mapped(value_of, kwargs))
        out = out_of(kwargs)
        if out is not None:
            rest = {key: option for key, option in kwargs.items() if key != "out"}
            self._write(Call(function, args, rest, kind=WRITE, target=out, out=True), kwargs)
            return out
        if writes(function):
            return self._write(Call(function, args, kwargs, kind=WRITE, target=args[0]), kwargs)
        answer = runnable(function)(*mapped(value_of, args), **mapped(value_of, kwargs))
        return self._result(Call(function, args, kwargs), answer)

    def drawn(self, rng: Any, method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Draw random numbers, in each replay anew; a seed draws the same each time."""
        if isinstance(rng, RecordingArray):
            raise RecordingError(
                "the compiled function takes a seed as an argument, which decides on the random numbers of its first "
                "call only. Pass a generator, np.random.default_rng(seed)"
            )
        rng = value_of(rng)
        args, kwargs = self._with_known(Method(method), mapped(self._enter, tuple(args)), kwargs)
        if not isinstance(rng, np.random.Generator | np.random.BitGenerator | None):
            if any(isinstance(x, RecordingArray) for x in leaves_of((args, kwargs))):
                raise RecordingError(
                    "the compiled function draws from a seed by arrays. Make a generator outside of it"
                )
            return self.fixed(np.asarray(getattr(np.random.default_rng(rng), method)(*args, **kwargs)))
        if not isinstance(rng, np.random.Generator):
            rng = np.random.default_rng(rng)
            self._unseeded.append(rng)
        source = self._generator(rng, OUTSIDE)
        args = (source, *args)
        self._drawn.setdefault(id(rng), (rng, rng.bit_generator.state))
        answer = Method(method)(*mapped(value_of, args), **mapped(value_of, kwargs))
        return self._result(Call(Method(method), args, kwargs, kind=DRAW), answer)

    def _with_known(self, function: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
        """The arguments of a call, with integers that may decide on a shape as what they are.

        A program knows those that are arguments of its own, and serves calls with these only.
        """
        integers = [x for x in deciding(function, args, kwargs) if is_integer(x)]
        found = {x.node: x.value for x in integers if x.node.origin == ARGUMENT and x.node.is_number}
        self.known |= found
        return mapped(lambda x: found.get(node_of(x), x), (args, kwargs)) if found else (args, kwargs)

    def refuse(self, bad: Any, error: Callable[[], Exception]) -> None:
        """Raise the error if any element is true, now and in each replay."""
        if np.any(value_of(bad)):
            raise error()
        if isinstance(bad, RecordingArray):
            self.calls.append(Call(REFUSE, (bad.node,), {}, kind=REFUSE))

    def _write(self, call: Call, kwargs: Mapping[str, Any]) -> Any:
        """Make a call that changes an array, and write it down."""
        target: Any = call.target
        if target.node.root.origin != RESULT and target.node not in self._copies:
            self._copies[target.node] = target.value, target.value.copy()
        answer = runnable(call.function)(*mapped(value_of, call.args), **mapped(value_of, kwargs))
        self._append(call)
        return answer

    def _result(self, call: Call, answer: Any) -> Any:
        """Write a call down whose answer is known; what stands for the answer."""
        made = mapped(lambda y: self._stand_in(y, call), answer)
        call.pattern = mapped(node_of, made)
        call.varies = shape_varies(call)
        if call.kind == PURE and any(value.is_view for value in call.results):
            call.kind = VIEW
        self._append(call)
        return made

    def _append(self, call: Call) -> None:
        call.args, call.kwargs, call.target = mapped(node_of, (call.args, call.kwargs, call.target))
        errors = np.geterr()
        if errors != self._usual:
            call.errors = tuple((kind, str(state)) for kind, state in errors.items())
        self.calls.append(call)

    def _stand_in(self, y: Any, call: Call) -> Any:
        """What stands for a part of an answer."""
        if not isinstance(y, ARRAYS):
            remedy = "Return the array, and print it outside" if isinstance(y, str) else "Use what answers with arrays"
            raise RecordingError(
                f"the compiled function calls what answers with a {type(y).__name__}, which would be the same in every "
                f"replay. {remedy}"
            )
        made = self._array(y, RESULT)
        if isinstance(y, np.ndarray) and not y.flags.owndata:
            operands = [x for x in leaves_of((call.args, call.kwargs)) if isinstance(value_of(x), np.ndarray)]
            of = next((x for x in operands if np.may_share_memory(x.value, y)), None)
            if of is not None:
                made.node.root = of.node.root
        return made

    def _enter(self, x: Any) -> Any:
        """An operand of a call, with a recorded array for each array."""
        if not isinstance(x, RecordingArray):
            return self.seen(x)
        if x.recording is not self:
            raise RecordingError(
                f"the compiled function uses an array of shape {x.shape} that belongs to an earlier call of it. "
                f"Return arrays as results rather than keep them"
            )
        return x

    def _array(self, x: Any, origin: str) -> RecordingArray:
        array = np.asarray(x)
        is_array, is_scalar = isinstance(x, np.ndarray), isinstance(x, np.generic)
        node = Value(array.shape, array.dtype, array.strides, origin, None, is_scalar, not (is_array or is_scalar))
        return self._hold(RecordingArray(self, node, x))

    def _generator(self, rng: Any, origin: str) -> RecordingGenerator:
        if id(rng) not in self._outside:
            self._outside[id(rng)] = rng, Value((), np.dtype(object), (), origin, rng)
        return RecordingGenerator(self, self._outside[id(rng)][1], rng)

    def _hold(self, array: RecordingArray) -> RecordingArray:
        self._made.append(weakref.ref(array))
        return array

    # The end

    def name_outside(self, names: Mapping[int, str]) -> None:
        """Let arrays and generators from outside have the user's names for them."""
        for key, (x, node) in self._outside.items():
            of = names.get(id(owner(x)), "")
            node.name = names.get(key) or (of and f"{of}_view")

    def undo(self) -> None:
        """Give arrays, gradients and generators from outside the values back that they had before."""
        for value, copy in reversed(self._copies.values()):
            value[...] = copy
        for leaf, gradient in self.former_gradients.items():
            put_gradient(leaf, gradient)
        for rng, state in self._drawn.values():
            rng.bit_generator.state = state

    def check(self, answer: Sequence[Any]) -> None:
        """Refuse a function that keeps recorded arrays, or that used arrays which only it could make."""
        check_nothing_is_kept([array for made in self._made if (array := made()) is not None])
        written = [value for value, _ in self._copies.values()] + [rng for rng, _ in self._drawn.values()]
        check_nothing_is_made([*self._outside.values()], written, answer)


def value_of(x: Any) -> Any:
    """The values that something had while it was recorded."""
    return x.value if isinstance(x, RecordingArray | RecordingGenerator) else x


def node_of(x: Any) -> Any:
    """What stands for something in the program."""
    return x.node if isinstance(x, RecordingArray | RecordingGenerator) else x
