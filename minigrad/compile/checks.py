"""Checks that fail leave everything as it was: they come first, or what came before them is taken back.

When a check fails in a replay, the function itself runs and raises the error, so that nothing may have changed yet.
"""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from .program import CONSTANT, DRAW, OUTSIDE, PURE, REFUSE, RESULT, VIEW, WRITE, Call, Program, Refused, Value


def checks_first(program: Program) -> None:
    """Let checks come before the first change, with what they need, if they do not look at what is changed."""
    first = next((i for i, call in enumerate(program.calls) if is_change(call)), None)
    if first is None:
        return
    makers = {value: i for i, call in enumerate(program.calls) for value in call.results}
    moved: set[int] = set()
    for i, call in enumerate(program.calls):
        if i > first and call.kind == REFUSE:
            moved |= needs(program, i, makers) or set()
    later = [call for i, call in enumerate(program.calls) if i >= first and i not in moved]
    program.calls = [*program.calls[:first], *(program.calls[i] for i in sorted(moved) if i >= first), *later]


def needs(program: Program, check: int, makers: dict[Value, int]) -> set[int] | None:
    """The positions of a check and of the calls that it depends on; None if it looks at what was changed by then."""
    written = {call.target.root for call in program.calls[:check] if call.kind == WRITE}
    kinds = {root.dtype for root in written if root.origin != RESULT}
    found, left = {check}, program.calls[check].operands()
    while left:
        value = left.pop()
        kept = value.root.origin not in (RESULT, CONSTANT)
        if value.root in written or (kept and value.root.dtype in kinds):  # which may lie in the same memory
            return None
        i = makers.get(value)
        if i is not None and i not in found:
            if program.calls[i].kind not in (PURE, VIEW):
                return None
            found.add(i)
            left += program.calls[i].operands()
    return found


def is_change(call: Call) -> bool:
    """Whether somebody outside can tell that a call was made."""
    return call.kind == DRAW or (call.kind == WRITE and call.target is not None and call.target.root.origin != RESULT)


def may_refuse(call: Call) -> bool:
    """Whether a replay may find out at a call that the program does not serve it."""
    return call.kind == REFUSE or call.varies


def picks(call: Call) -> bool:
    """Whether a call refuses indices, which native code looks at before anything else in a kernel."""
    return call.function in (operator.getitem, operator.setitem, np.bincount)


def late_changes(program: Program, is_check: Callable[[Call], bool]) -> list[Call]:
    """The changes that come before the last check."""
    last = max((i for i, call in enumerate(program.calls) if is_check(call)), default=0)
    return [call for call in program.calls[:last] if is_change(call)]


def restoring(step: Callable[..., Any], program: Program, changes: list[Call]) -> Callable[..., Any]:
    """A step that gives arrays and generators back what was in them before some changes, if a check fails.

    Where the function may catch an error, it is the one to decide what comes of it.
    """
    refusals: Any = Refused
    if program.catches:
        refusals, changes = Exception, [call for call in program.calls if is_change(call)]
    elif not changes:
        return step
    roots = {call.target.root for call in changes if call.kind == WRITE}
    roots |= {call.args[0] for call in changes if call.kind == DRAW}
    values = dict.fromkeys(value for call in program.calls for value in call.values() if value.root in roots)
    outside = [value.source for value in values if value.origin == OUTSIDE]
    given = [i for i, value in enumerate(program.arguments) if value in roots]

    def careful(*inputs: Any) -> Any:
        before = [(x, state_of(x)) for x in (*outside, *(inputs[i] for i in given))]
        try:
            return step(*inputs)
        except refusals as error:
            for x, state in reversed(before):
                restore(x, state)
            if isinstance(error, Refused):
                raise
            raise Refused from error

    return careful


def state_of(x: Any) -> Any:
    """A copy of what is in an array, or in a generator of random numbers."""
    return x.copy() if isinstance(x, np.ndarray) else x.bit_generator.state


def restore(x: Any, state: Any) -> None:
    """Put back what was there."""
    if isinstance(x, np.ndarray):
        x[...] = state
    else:
        x.bit_generator.state = state
