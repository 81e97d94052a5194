"""Where each result of a program lies: memory that is taken once, and used again as soon as nobody reads it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .array import Method
from .lower import contiguous
from .program import PURE, Call, Program, Value

# Functions other than ufuncs that write into out=.
INTO_OUT = {np.concatenate, np.stack, np.einsum, np.clip, np.cumsum, np.cumprod, np.mean, np.var, np.std, Method("dot")}

# Functions that put the elements of an array, in order, into a new one of a shape and a type. Where they copy.
FILLING = {np.reshape: {"order"}, Method("reshape"): {"order"}, Method("astype"): {"copy"}}


@dataclass(eq=False, slots=True)
class ReusedMemory:
    """Memory for arrays that live one after the other, of one layout; in the memory of `block`, which may be wider."""

    shape: tuple[int, ...]
    dtype: np.dtype
    strides: tuple[int, ...]
    block: "Block"


@dataclass(eq=False, slots=True)
class Block:
    """A piece of memory, and the buffers that lie in it."""

    nbytes: int
    buffers: list[ReusedMemory] = field(default_factory=list)


class Plan:
    """The buffer of each value that has one, and the memory that they take together."""

    def __init__(self, program: Program) -> None:
        self.of: dict[Value, ReusedMemory] = {}
        self.blocks: list[Block] = []
        self._free: list[Block] = []
        self._tenant: dict[Block, Value] = {}
        self._last_use = last_uses(program)
        self.ends: dict[int, list[Value]] = {}  # roots, by the position of the last call that has to do with them
        for value, i in self._last_use.items():
            if not value.is_view:
                self.ends.setdefault(i, []).append(value)
        self._kept = {value.root for value in program.outputs()}
        for i, call in enumerate(program.calls):
            result = call.pattern
            if writes_into_out(call) and result not in self._kept:
                self.of[result] = self._in_place(i, call) or self._buffer(result)
                self._tenant[self.of[result].block] = result
            for value in self.ends.get(i, ()):
                buffer = self.of.get(value)
                if buffer is not None and self._tenant[buffer.block] is value:
                    self._free.append(buffer.block)

    def has(self, x: Any) -> bool:
        """Whether something is a value that has a buffer."""
        return isinstance(x, Value) and x in self.of

    def _in_place(self, i: int, call: Call) -> ReusedMemory | None:
        """The buffer of an operand that is not needed after this call, if the result can take its place."""
        if not isinstance(call.function, np.ufunc) or call.function.signature is not None:
            return None
        for x in call.operands():
            buffer = self.of.get(x)
            same_root = [other for other in call.operands() if other.root is x.root]
            if buffer is None or self._last_use[x] != i or any(other is not x for other in same_root):
                continue
            if (x.shape, x.dtype, x.strides) == (call.pattern.shape, call.pattern.dtype, call.pattern.strides):
                return buffer
        return None

    def _buffer(self, value: Value) -> ReusedMemory:
        """A buffer for a value, in free memory if there is some that fits."""
        fitting = [block for block in self._free if block.nbytes >= value.nbytes]
        block = min(fitting, key=lambda b: b.nbytes, default=None)
        if block is None:
            block = Block(value.nbytes)
            self.blocks.append(block)
        else:
            self._free.remove(block)
        for buffer in block.buffers:
            if (buffer.shape, buffer.dtype, buffer.strides) == (value.shape, value.dtype, value.strides):
                return buffer
        block.buffers.append(ReusedMemory(value.shape, value.dtype, value.strides, block))
        return block.buffers[-1]


def writes_into_out(call: Call) -> bool:
    """Whether the result of a call is one array that NumPy can be told to put into a buffer."""
    result = call.pattern
    if call.kind != PURE or not isinstance(result, Value) or result.is_number or result.is_view or call.varies:
        return False
    if result.dtype.kind not in "biuf" or not result.dtype.isnative:
        return False
    if isinstance(call.function, tuple):
        return call.function[1] in ("reduce", "accumulate", "outer")
    if call.function in FILLING:
        if call.errors or not set(call.kwargs) <= FILLING[call.function] or call.kwargs.get("order", "C") != "C":
            return False
        positions = call.function is not np.reshape or len(call.args) == 2  # the third is the order
        return positions and contiguous(result.shape, result.strides, result.dtype.itemsize)
    return isinstance(call.function, np.ufunc) or call.function in INTO_OUT or call.function is np.full


def last_uses(program: Program) -> dict[Value, int]:
    """The position of the last call that reads or writes the memory of each root."""
    last: dict[Value, int] = {}
    for i, call in enumerate(program.calls):
        for value in call.values():
            last[value.root] = last[value] = i
    for value in program.outputs():
        last[value.root] = len(program.calls)
    return last
