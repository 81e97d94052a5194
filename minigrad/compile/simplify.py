"""Less work for the same numbers, to the last bit: fold constants, share what is equal, leave out what is dead."""

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np

from .array import Method
from .checks import checks_first
from .functions import runnable
from .lower import lowered
from .program import (
    CONSTANT,
    DRAW,
    OUTSIDE,
    PURE,
    REFUSE,
    RESULT,
    VIEW,
    WRITE,
    Call,
    Program,
    Value,
    leaves_of,
    mapped,
    values_in,
)

# Functions whose answer depends on the shape and the dtype of their argument only.
SHAPE_ONLY = {np.zeros_like, np.ones_like, np.empty_like}

# x op c = x, exactly, for all x. Not x + 0, which makes 0 of -0.
NEUTRAL = {np.multiply: 1, np.divide: 1, np.subtract: 0, operator.mul: 1, operator.truediv: 1, operator.sub: 0}
COMMUTES = {np.multiply, operator.mul}
ALIKE = {bool, int, str, type(None)}  # types of which equal objects are the same
UNCHANGED = {np.positive, np.array, np.copy, operator.pos, Method("copy")}
SAME_IF_SAME_SHAPE = {np.reshape, np.broadcast_to, np.squeeze, Method("reshape"), Method("astype"), np.astype}


def simplify(program: Program) -> None:
    """Leave out of a program what changes nothing, in place."""
    program.calls = [other for call in program.calls for other in lowered(call)]
    Sharing(program).run()
    leave_out_dead(program)
    checks_first(program)


class Sharing:
    """One pass from the first call to the last, which replaces values by equal ones that are there already."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.instead: dict[Value, Value] = {}
        self.number: dict[Any, int] = {}  # of what is called on what: equal calls have equal numbers
        self.known: dict[Any, Any] = {}  # by the number of a call: the pattern of the results
        self.made: dict[Value, Any] = {}  # by result: the number of the call that made it, and its place there
        self.content: dict[Any, int] = {}  # of memory: the number of the call that wrote to it last
        self.last_write = {ours(call.target.root): i for i, call in enumerate(program.calls) if call.kind == WRITE}
        self.parts: dict[Any, Value] = {}  # views by the array and the index
        self.kept = {value.root for value in program.outputs()}

    def run(self) -> None:
        """Do it."""
        calls = []
        for i, call in enumerate(self.program.calls):
            call.args, call.kwargs = mapped(self.replaced, (call.args, call.kwargs))
            call.target = self.replaced(call.target)
            for result in call.results:
                result.root = self.replaced(result.root).root
            if not (self.is_known(i, call) or self.is_put_back(call)):
                calls.append(call)
            if call.kind == WRITE:
                memory = ours(call.target.root)
                self.content[memory] = self.numbered(call)
        self.program.calls = calls
        left = self.program.answer, self.program.gradients, self.program.assigned
        self.program.answer, self.program.gradients, self.program.assigned = mapped(self.replaced, left)

    def replaced(self, x: Any) -> Any:
        """The value to use in the place of another."""
        return self.instead.get(x, x) if isinstance(x, Value) else x

    def is_known(self, i: int, call: Call) -> bool:
        """Whether the results of a call are there already; then they take its place."""
        if call.kind not in (PURE, VIEW):
            return False
        new = fresh(call)
        changes = any(result.root in self.last_write for result in new)
        if not changes:
            if self.fold(call):
                return True
            same = same_as(call)
            if same is not None and self.may_stand_for(call.pattern, same, i):
                self.instead[call.pattern] = same
                return True
        number, results = self.numbered(call), call.results
        if changes:  # it is no other memory, but has the same in it until one of them is written to
            self.made.update((result, (number, j)) for j, result in enumerate(results))
            return False
        key = number, None if new else results[0].root
        if key in self.known and all(result.root not in self.kept for result in new):
            self.instead.update(zip(results, values_in(self.known[key]), strict=True))
            return True
        self.known[key] = call.pattern
        self.made.update((result, (number, j)) for j, result in enumerate(results))
        return False

    def numbered(self, call: Call) -> int:
        """The number of a call: that of an earlier one, of the same function on what was the same."""
        key = call.function, self.frozen(call.args), self.frozen(call.kwargs), self.frozen(call.target)
        return self.number.setdefault(key, len(self.number) + 1)

    def frozen(self, tree: Any) -> Any:
        """What tells the arguments of a call from others: equal keys, equal results."""
        kind = type(tree)
        if kind in ALIKE:
            return kind, tree  # 1 and True are equal
        if isinstance(tree, Value):
            return self.made.get(tree, tree), self.content.get(ours(tree.root), 0)
        if isinstance(tree, tuple | list):
            return kind, *map(self.frozen, tree)
        if isinstance(tree, Mapping):
            return dict, *((key, self.frozen(branch)) for key, branch in tree.items())
        if isinstance(tree, slice):
            return slice, *map(self.frozen, (tree.start, tree.stop, tree.step))
        if isinstance(tree, float | np.generic):
            return kind, repr(tree)  # 0.0 and -0.0 are equal
        return kind, tree if isinstance(tree, np.dtype) else id(tree)

    def is_put_back(self, call: Call) -> bool:
        """Whether a call writes a part of an array to where it is: NumPy's ``x[i] += y`` ends in ``x[i] = x[i]``."""
        if call.function is operator.getitem and call.kind == VIEW:
            self.parts[call.args[0], self.frozen(call.args[1])] = call.pattern
        if call.function is not operator.setitem:
            return False
        return self.parts.get((call.args[0], self.frozen(call.args[1]))) is call.args[2]

    def fold(self, call: Call) -> bool:
        """Whether the results are constants, which they become."""
        constant = all(x.origin == CONSTANT for x in call.operands()) or call.function in SHAPE_ONLY
        if not constant:
            return False
        args, kwargs = mapped(example, (call.args, call.kwargs))
        answer = runnable(call.function)(*args, **kwargs)
        for result, y in zip(call.results, leaves_of(answer), strict=True):
            result.origin, result.source, result.root = CONSTANT, y, result
        return True

    def may_stand_for(self, result: Value, x: Value, i: int) -> bool:
        """Whether `x` can be used wherever `result` is, of a call at position `i`."""
        if self.last_write.get(ours(x.root), -1) > i:
            return False
        if result.root not in self.kept:
            return True
        if x.root.origin != RESULT or x.root in self.kept:
            return False
        self.kept.add(x.root)
        return True


def ours(root: Value) -> Any:
    """What tells the memory of a root from other memory: arrays from outside may lie in each other."""
    return root if root.origin in (RESULT, CONSTANT) else OUTSIDE


def fresh(call: Call) -> list[Value]:
    """The results of a call that lie in memory of their own."""
    return [x for x in call.results if not x.is_view]


def example(x: Any) -> Any:
    """A value that a function can be called with to learn the result: a constant's own, or any of the same shape."""
    if not isinstance(x, Value):
        return x
    return (
        x.source if x.origin == CONSTANT else np.lib.stride_tricks.as_strided(np.zeros(1, x.dtype), x.shape, x.strides)
    )


def same_as(call: Call) -> Value | None:
    """The operand that the result of a call is equal to, bit by bit, if there is one."""
    result, args = call.pattern, call.args
    if not isinstance(result, Value) or not args or call.varies:
        return None
    x = args[0]
    if call.function in NEUTRAL and not call.kwargs and len(args) == 2:
        neutral = NEUTRAL[call.function]
        if is_all(args[1], neutral):
            return x if alike(x, result) else None
        if call.function in COMMUTES and is_all(x, neutral):
            return args[1] if alike(args[1], result) else None
    copies = call.function in UNCHANGED and len(args) == 1 and not call.kwargs and not result.is_view
    if copies or call.function in SAME_IF_SAME_SHAPE:
        return x if alike(x, result) and result.strides == x.strides else None
    return None


def is_all(x: Any, number: int) -> bool:
    """Whether each element of a constant is a number, and not -0."""
    if type(x) is int:
        return x == number
    if isinstance(x, Value):
        if x.origin != CONSTANT:
            return False
        x = x.source
    if isinstance(x, tuple | list) or np.iscomplexobj(x):  # the former may have Values in it, the latter has two signs
        return False
    return bool(np.all(np.equal(x, number) & ~np.signbit(x)))


def alike(x: Any, result: Value) -> bool:
    """Whether a value has the shape, the type and the layout of a result: what is a view of one is not of another."""
    if not isinstance(x, Value) or x.number:
        return False
    return (x.shape, x.dtype, x.strides, x.scalar) == (result.shape, result.dtype, result.strides, result.scalar)


def leave_out_dead(program: Program) -> None:
    """Leave out the calls that nothing depends on."""
    needed = {value.root for value in program.outputs()}
    needed |= {call.target.root for call in program.calls if call.kind == WRITE and call.target.root.origin != RESULT}
    alive = []
    for call in reversed(program.calls):
        effect = call.varies or call.kind in (DRAW, REFUSE) or (call.kind == WRITE and call.target.root in needed)
        if effect or any(x.root in needed for x in call.results):
            needed |= {x.root for x in call.operands()}
            alive.append(call)
    program.calls = alive[::-1]
