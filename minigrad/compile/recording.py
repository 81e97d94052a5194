"""The recording of one run of a function: each call of NumPy's that reaches an array becomes a call of a program."""

from collections.abc import Mapping, Sequence
from threading import get_ident
from typing import Any

import numpy as np
from numpy.random import default_rng

from ..errors import RecordingError
from .array import Method, RecordingArray, RecordingGenerator
from .functions import QUESTIONS, deciding, is_integer, out_of, runnable, shape_varies, shapes, with_out, writes
from .program import (
    ARGUMENT,
    CONSTANT,
    DRAW,
    OUTSIDE,
    PURE,
    REFUSE,
    RESULT,
    VIEW,
    WRITE,
    Call,
    Stale,
    leaves_of,
    mapped,
)
from .surroundings import NOTHING, Surroundings

ANSWERS = (np.ndarray, np.generic, int, float, complex)  # of what an answer may consist that has values


class Recording(Surroundings):
    """What happens while a function runs once: the calls that it makes, and what it meets from outside.

    It is what `core/recorder.py` tells of arrays from outside, constants and draws.
    """

    def __init__(self, reached: Mapping[int, Any] = NOTHING) -> None:
        super().__init__(reached)
        self._usual = np.geterr()
        self._thread = get_ident()

    def is_elsewhere(self) -> bool:
        """Whether another thread asks, which computes with arrays as they are; the program would lack its part."""
        elsewhere = get_ident() != self._thread
        self.complete = self.complete and not elsewhere
        return elsewhere

    def constant_array(self, x: Any) -> Any:
        """What stands for an array that was made of shapes and Python's numbers."""
        if not isinstance(x, np.ndarray):
            return x
        made = self._array(x, CONSTANT)
        made.node.source = x.copy()
        return self.call(np.array, (made,))  # a copy, which the function may change

    def call(self, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any] | None = None) -> Any:
        """Make a call and write it down; returns what stands for its results, in other threads the results."""
        if self.is_elsewhere():
            return runnable(function)(*mapped(value_of, tuple(args)), **mapped(value_of, kwargs or {}))
        args, kwargs = mapped(self._enter, tuple(args)), mapped(self._enter, kwargs) if kwargs else {}
        args, kwargs = self._with_known(function, args, kwargs)
        args, kwargs = with_out(function, args, kwargs)
        if function in QUESTIONS:
            return function(*mapped(value_of, args), **mapped(value_of, kwargs))
        out = out_of(kwargs)
        if out is not None:
            rest = {key: option for key, option in kwargs.items() if key != "out"}
            self._write(Call(function, args, rest, kind=WRITE, target=out, out=True), kwargs)
            return out
        if writes(function):
            return self._write(Call(function, args, kwargs, kind=WRITE, target=args[0]), kwargs)
        answer = self._run(function, args, kwargs)
        return self._result(Call(function, args, kwargs), answer)

    def _run(self, function: Any, args: Any, kwargs: Any) -> Any:
        """What a function returns; one that raises an error, which may be caught, is no part of any program."""
        try:
            return runnable(function)(*mapped(value_of, args), **mapped(value_of, kwargs))
        except Exception:
            self.complete = False
            raise

    def drawn(self, rng: Any, method: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Draw random numbers, in each replay anew; a seed draws the same each time."""
        if self.is_elsewhere():
            return getattr(value_of(rng), method)(*args, **kwargs)
        if isinstance(rng, RecordingArray):
            raise RecordingError(
                "the compiled function takes a seed as an argument, which decides on the random numbers of its first "
                "call only. Pass a generator, np.random.default_rng(seed)"
            )
        if method in ("shuffle", "spawn"):
            raise RecordingError(
                f"the compiled function calls {method} of a generator, which a replay would not do. To shuffle an "
                f"array, write x[...] = rng.permutation(x)"
            )
        rng = value_of(rng)
        args, kwargs = self._with_known(Method(method), mapped(self._enter, tuple(args)), kwargs)
        if not isinstance(rng, np.random.Generator | np.random.BitGenerator | None):
            if any(isinstance(x, RecordingArray) for x in leaves_of((args, kwargs))):
                raise RecordingError(
                    "the compiled function draws from a seed by arrays. Make a generator outside of it"
                )
            return self.constant_array(np.asarray(getattr(default_rng(rng), method)(*args, **kwargs)))
        if not isinstance(rng, np.random.Generator):
            rng = default_rng(rng)
            self._unseeded.append(rng)
        elif id(rng) not in self._outside and id(rng) not in self._reached:
            raise RecordingError(
                "the compiled function makes a generator and draws from it, which would go on in every replay rather "
                "than start anew. Make it outside of the function, or pass the seed as rng"
            )
        args = (self._generator(rng, OUTSIDE), *args)
        self._drawn.setdefault(id(rng), (rng, rng.bit_generator.state))
        answer = Method(method)(*mapped(value_of, args), **mapped(value_of, kwargs))
        return self._result(Call(Method(method), args, kwargs, kind=DRAW), answer)

    def _with_known(self, function: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
        """The arguments of a call, with integers that may decide on a shape as what they are."""
        found = {x.node: self.read(x) for x in deciding(function, args, kwargs) if is_integer(x)}
        found |= {x.node: self.read(x).tolist() for x in shapes(function, args, kwargs)}
        return mapped(lambda x: found.get(node_of(x), x), (args, kwargs)) if found else (args, kwargs)

    def read(self, x: RecordingArray) -> Any:
        """What is in an array now, for Python to decide by: a replay is for this only."""
        if self.is_elsewhere():
            return x.value
        if x.node.origin == ARGUMENT and x.node.is_number:
            self.known[x.node] = x.value
            return x.value
        value = np.asarray(x.value)
        number = value[()] if x.node.is_number else value.copy()
        if value.dtype == bool and not value.any():
            self._expect(x)
            return x.value
        self._expect(self.call(np.not_equal, (x, number)))
        if value.dtype.kind == "f" and not value.all():  # a zero has a sign
            self._expect(self.call(np.not_equal, (self.call(np.signbit, (x,)), np.signbit(number))))
        return x.value

    def _expect(self, different: Any) -> None:
        """Let replays give up where any element is true."""
        self.calls.append(Call(Stale, (different.node,), {}, kind=REFUSE))

    def array(self, x: Any) -> Any:
        """An array in place of a number that the function is given."""
        return self.call(np.asarray, (x,)) if isinstance(x, RecordingArray) and x.node.number else x

    def _write(self, call: Call, kwargs: Mapping[str, Any]) -> Any:
        """Make a call that changes an array, and write it down."""
        target: Any = call.target
        if target.node.root.origin != RESULT and target.node not in self._copies:
            self._copies[target.node] = target.value, target.value.copy()
        answer = self._run(call.function, call.args, kwargs)
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
        if not isinstance(y, ANSWERS):
            remedy = (
                "Return the array, and print it outside" if isinstance(y, str) else "Use something that returns arrays"
            )
            raise RecordingError(
                f"the compiled function calls something that returns a {type(y).__name__}, which would be the "
                f"same in every replay. {remedy}"
            )
        made = self._array(y, RESULT)
        if isinstance(y, np.ndarray):
            operands = [x for x in leaves_of((call.args, call.kwargs)) if isinstance(value_of(x), np.ndarray)]
            of = next((x for x in operands if x.value is y), None)  # as with squeeze, where there is nothing to do
            if of is None and not y.flags.owndata:
                of = next((x for x in operands if np.may_share_memory(x.value, y)), None)
            if of is not None:
                made.node.root = of.node.root
        return made

    def _enter(self, x: Any) -> Any:
        """An operand of a call, with a recorded array for each array."""
        if not isinstance(x, RecordingArray):
            return self.state_array(x)
        if x.recording is not self:
            raise RecordingError(
                f"the compiled function uses an array of shape {x.shape} that belongs to an earlier call of it. "
                f"Return arrays as results rather than keep them"
            )
        return x


def value_of(x: Any) -> Any:
    """The values that something had while it was recorded."""
    return x.value if isinstance(x, RecordingArray | RecordingGenerator) else x


def node_of(x: Any) -> Any:
    """What stands for something in the program."""
    return x.node if isinstance(x, RecordingArray | RecordingGenerator) else x
