"""The replay of a program in native code, which can also run it many times in a row."""

from collections.abc import Callable, Iterable
from copy import copy
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from ..checks import late_changes, may_refuse, picks, restoring
from ..in_numpy import InNumpy
from ..lower import contiguous
from ..memory import owner
from ..program import WRITE, Program, Refused, Value
from ..replay import defined
from .division import Native
from .threads import number_of_threads


class InNativeCode:
    """Loops of native code for what they can do, and calls of NumPy for the rest."""

    name = "native"

    def __init__(self, num_threads: int | None = None) -> None:
        if num_threads is not None and (not isinstance(num_threads, int) or num_threads < 1):
            raise ValueError(f"num_threads is an integer, at least 1, or None; got {num_threads!r}")
        self.num_threads = num_threads

    def prepare(self, program: Program) -> Callable[..., Any]:
        """The function that runs it, with `repeat` and `scan` where all of it is native code."""
        return Prepared(program, self.num_threads or number_of_threads()).runner()


class Prepared:
    """A program that runs in native code as far as possible."""

    def __init__(self, program: Program, num_threads: int) -> None:
        changes = late_changes(program, may_refuse)
        others = late_changes(program, lambda call: may_refuse(call) or picks(call))
        before = copy(program)
        self.program, self.native = program, Native(program, not changes, num_threads)
        program.calls, kernels = self.native.calls, self.native.kernels
        self.overlaps = Overlaps([array for kernel in kernels for array in kernel.changed])
        self._by_numpy = InNumpy().prepare(program)
        step = restoring(self._by_numpy, before, changes if self.native.alone else others)
        self.step = guarded(step, program, self.overlaps)

    def runner(self) -> Callable[..., Any]:
        """The function that runs it, and what it can do besides."""
        kernels, made = self.native.kernels, vars(self._by_numpy)
        source = made["source"] + "".join(f"\n\n# Native code:\n\n\n{kernel.listing}" for kernel in kernels)
        memory = made["memory"] + [block.nbytes for kernel in kernels for block in kernel.blocks]
        step = self.step
        vars(step).update(source=source, memory=memory, restores=True, native=self.native)
        if self.native.turns is not None:
            vars(step).update(repeat=self.repeat, scan=self.scan)
        return step

    def repeat(self, n: int, *arguments: Any) -> tuple[int, Any]:
        """How many of `n` calls native code has made, and what the last one results in.

        They are fewer where the function would raise an error.
        """
        turns = self.native.turns
        assert turns is not None
        turns[:] = n, 0, 0
        try:
            results = self.step(*arguments)
            return int(turns[2]), results
        finally:
            turns[:] = 1, 0, 0

    def scan(self, inputs: list[np.ndarray]) -> tuple[int, Any]:
        """How many calls native code has made, each with an entry of the inputs, and the stacked answers of these."""
        whole = all(contiguous(x.shape[1:], x.strides[1:], x.itemsize) for x in inputs)
        if not inputs or not whole or not self._can_scan() or any(map(self.overlaps, inputs)):
            raise Refused
        turns = self.native.turns
        assert turns is not None
        side_by_side = [np.ascontiguousarray(x) for x in inputs]
        turns[:] = len(inputs[0]), 1, 0
        try:
            results = self._turns(side_by_side)
            return int(turns[2]), results
        finally:
            turns[:] = 1, 0, 0

    def _can_scan(self) -> bool:
        """Whether one kernel does it all, and each answer is an array that is made for it."""
        *prepare, kernel = self.native.calls
        if self.program.assigned or kernel.kind != WRITE:
            return False
        if any(call.function not in (np.asarray, np.empty, np.empty_like) for call in prepare):
            return False
        made = {call.pattern for call in prepare}
        stacked = {call.pattern for call in prepare if call.function is np.empty}
        return self.native.answers <= stacked and made.issuperset(self.program.outputs())

    def _turns(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """Stacked answers and the last gradients, for as many turns as the inputs have entries."""
        *prepare, kernel = self.native.calls
        entry = {value: x[0, ...] for value, x in zip(self.program.arguments, inputs, strict=True)}
        results: dict[Value, np.ndarray] = {}
        for call in prepare:
            if call.function is np.asarray:
                entry[call.pattern] = entry[call.args[0]]
            elif call.pattern in self.native.answers:
                results[call.pattern] = np.empty((len(inputs[0]), *call.pattern.shape), call.pattern.dtype)
                entry[call.pattern] = results[call.pattern][0, ...]
            else:
                args = [x.source if isinstance(x, Value) else x for x in call.args]
                results[call.pattern] = entry[call.pattern] = call.function(*args)
        kernel.function(*(entry[x] for x in kernel.args))
        answers = self.program.outputs()[: len(self.program.as_tensors)]
        gradients = self.program.outputs()[len(answers) :]
        last = [results[x][-1, ...].copy() if x in self.native.answers else results[x] for x in gradients]
        return [results[x] for x in answers] + last


class Overlaps:
    """Whether an array may share memory with some arrays that stay where they are.

    `ours` has the identities of what owns their memory; of an array that owns its own, nothing else need be asked.
    """

    def __init__(self, arrays: Iterable[np.ndarray]) -> None:
        owners = [owner(x) for x in arrays]
        self.ours = {*map(id, owners)}
        self._bounds = [byte_bounds(x) for x in arrays]
        self._all_owned = all(isinstance(x, np.ndarray) for x in owners)

    def __call__(self, x: np.ndarray) -> bool:
        of = owner(x)
        if self._all_owned and isinstance(of, np.ndarray):
            return id(of) in self.ours
        low, high = byte_bounds(x)  # it lies in memory that is not NumPy's
        return any(low < end and start < high for start, end in self._bounds)

    def test(self, name: str) -> str:
        """The expression of whether the array of that name may, which asks in most cases for its base alone."""
        return f"({name}.base is not None or id({name}) in ours) and " * self._all_owned + f"overlaps({name})"


def guarded(step: Callable[..., Any], program: Program, overlaps: Overlaps) -> Callable[..., Any]:
    """A step that refuses arguments in memory that the kernels change, as the order of reading and writing differs."""
    inputs = [f"x{i}" for i in range(len(program.arguments))]
    arrays = [name for name, x in zip(inputs, program.arguments, strict=True) if not (x.is_number or x.dtype == object)]
    if not arrays:
        return step
    given, tests = ", ".join(inputs), " or ".join(map(overlaps.test, arrays))
    text = f"def checked({given}):\n    if {tests}:\n        raise Refused\n    return step({given})\n"
    return defined("checked", text, {"step": step, "overlaps": overlaps, "ours": overlaps.ours, "Refused": Refused})
