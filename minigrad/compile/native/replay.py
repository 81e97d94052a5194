"""The replay of a program in native code, which can also run it many times in a row."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..program import Program
from ..replay import Replay, runner
from . import machine as machine
from .division import Native, guarded


class NativeReplay(Replay):
    """A program that runs in native code as far as possible."""

    def step(self, program: Program) -> Callable[..., Any]:
        self.program, self.native = program, Native(program)
        program.calls = self.native.calls
        step = guarded(super().step(program), program, self.native.kernels)
        kernels = self.native.kernels
        self.source += "".join(f"\n\n# Native code:\n\n\n{kernel.text}" for kernel in kernels)
        self.memory += [memory.nbytes for kernel in kernels for memory in kernel.blocks]
        return step

    def repeat(self, n: int, inputs: list[Any]) -> tuple[Any, ...]:
        """The answer of the last of `n` calls, as a tuple; an empty one if native code cannot repeat the program."""
        turns = self.native.turns
        if turns is None:
            return ()
        turns[:] = n, 0
        try:
            return (self.run(inputs),)
        finally:
            turns[:] = 1, 0

    def scan(self, inputs: list[np.ndarray]) -> tuple[Any, ...]:
        """The stacked answers of calls with each entry of the inputs; an empty tuple if native code cannot do it."""
        step = self.native.stacked(len(inputs[0]), self.program) if inputs else None
        if step is None:
            return ()
        run = runner(self.program, guarded(step, self.program, self.native.kernels))
        return (run([x[0, ...] for x in inputs]),)
