"""A program of which native code does what it can, and NumPy the rest."""

from collections.abc import Sequence

import numpy as np

from ..lower import contiguous
from ..program import ARGUMENT, CONSTANT, OUTSIDE, PURE, RESULT, VIEW, WRITE, Call, Program, Value, values_in
from .kernels import Kernel
from .loops import Statement
from .machine import compiled
from .places import Places, imagined
from .statements import statement

Row = list[tuple[Call, Statement]]  # calls that a kernel makes


class Native:
    """The calls of a program, with calls of kernels in the place of all those that native code can make.

    Attributes
    ----------
    calls
        The calls of kernels, of NumPy's functions, and of what makes arrays for results.
    kernels
        The functions of native code.
    alone
        Whether one kernel does it all.
    turns
        Three integers that the kernel looks at: how often to do everything in a call of it, whether to go on by one
        entry of its arguments and answers each time, and how many turns it has done. None if the program does not
        consist of one kernel, is not one that `repeats`, or does something else when it is called again.
    """

    def __init__(self, program: Program, repeats: bool = True, num_threads: int = 1) -> None:
        self.kernels: list[Kernel] = []
        self._outputs = {value.root for value in program.outputs()}
        self.answers = set(values_in(program.answer))
        parts = needed(divided(program), program)
        rows = [part for part in parts if isinstance(part, list)]
        self.alone = len(rows) == 1 and all(part.kind == VIEW for part in parts if isinstance(part, Call))
        repeats = repeats and self.alone and not depends_on_gradients(program)
        self.turns = np.array([1, 0, 0]) if repeats else None
        self._needed = needed_after_rows(parts, self._outputs)
        for row, needed_later in zip(rows, self._needed, strict=True):
            self._share(row, needed_later)
        self.calls = [call for part in parts for call in ([part] if isinstance(part, Call) else self._kernel(part))]
        functions = dict(zip(self.kernels, compiled(self.kernels, num_threads), strict=True)) if self.kernels else {}
        for call in self.calls:
            if isinstance(call.function, Kernel):
                call.function = functions[call.function]

    def _share(self, row: Row, needed_later: set[Value]) -> None:
        """Let results of a kernel that others need lie where they can find them."""
        for value in results(row):
            if value in needed_later and value not in self._outputs:
                memory = np.empty(value.nbytes, np.uint8)
                value.origin, value.scratch = OUTSIDE, True
                value.source = np.ndarray(value.shape, value.dtype, memory, 0, value.strides)

    def _kernel(self, row: Row) -> list[Call]:
        """The calls for a row: one of a kernel, after those that make what it is given."""
        own = results(row)
        calls = [empty(value) for value in own if value in self._outputs]
        places = [place for _, made in row for place in [*made.reads, *made.writes]]
        bases = dict.fromkeys(place.base for place in places if place.base.origin not in (OUTSIDE, CONSTANT))
        given = [base for base in bases if base not in own or base in self._outputs]
        args = []
        for base in given:
            if (base.scalar or base.number) and base not in own:
                array = Value(base.shape, base.dtype, base.strides, RESULT, name=base.name)
                calls.append(Call(np.asarray, (base,), {}, array))
                base = array
            args.append(base)
        moving = [base for base in given if base.origin == ARGUMENT or base in self.answers]
        name, statements = f"loops_{len(self.kernels) + 1}", [made for _, made in row]
        kernel = Kernel(name, statements, given, self._needed[len(self.kernels)], self.turns, moving)
        self.kernels.append(kernel)
        return [*calls, Call(kernel, tuple(args), {}, kind=WRITE)]


def divided(program: Program) -> list[Call | Row]:
    """The calls of a program, with those in a row that native code can make as one part."""
    places = Places(program)
    parts: list[Call | Row] = []
    views: list[Call] = []  # which no kernel needs, as it knows where they lie
    row: Row = []
    for call in program.calls:
        made = statement(call, places)
        if made is not None:
            row.append((call, made))
        elif places.knows(call):
            views.append(call)
        else:
            parts += [*([row] if row else []), *views, call]
            row, views = [], []
    return [*parts, *([row] if row else []), *views]


def needed(parts: Sequence[Call | Row], program: Program) -> list[Call | Row]:
    """The parts without the views that nobody needs any more."""
    used = set(program.outputs())
    kept: list[Call | Row] = []
    for part in reversed(parts):
        if isinstance(part, list):
            used.update(place.base for _, made in part for place in [*made.reads, *made.writes])
        elif part.kind == VIEW and used.isdisjoint(part.results):
            continue
        else:
            used.update(part.values())
        kept.append(part)
    return kept[::-1]


def calls_of(part: Call | Row) -> list[Call]:
    """The calls that a part of a program consists of."""
    return [part] if isinstance(part, Call) else [call for call, _ in part]


def needed_after_rows(parts: Sequence[Call | Row], outputs: set[Value]) -> list[set[Value]]:
    """For each row, the roots of the outputs and of all that the parts after it have to do with."""
    used, needed = set(outputs), []
    for part in reversed(parts):
        if isinstance(part, list):
            needed.append(set(used))
        used |= {value.root for call in calls_of(part) for value in call.values()}
    return needed[::-1]


def results(row: Row) -> list[Value]:
    """The arrays that a kernel makes."""
    return [call.pattern for call, _ in row if call.kind == PURE]


def empty(value: Value) -> Call:
    """The call that makes an array for a value."""
    if contiguous(value.shape, value.strides, value.dtype.itemsize):
        return Call(np.empty, (value.shape, value.dtype), {}, value)
    layout = Value(value.shape, value.dtype, value.strides, OUTSIDE, imagined(value), name="layout")
    return Call(np.empty_like, (layout,), {}, value)


def depends_on_gradients(program: Program) -> bool:
    """Whether what the program does depends on what an earlier call of it has left in leaves, or in Tensors."""
    if program.assigned or program.effects:
        return True
    return any(g is not None or program.gradients.get(leaf) is not None for leaf, g in program.read_gradients.items())
