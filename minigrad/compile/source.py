"""A program as Python source: straight-line calls of NumPy's functions, with memory and views prepared once."""

import operator
from collections.abc import Iterator
from typing import Any

import numpy as np

from .array import Attribute, Method
from .buffers import FILLING, Plan, ReusedMemory
from .expressions import Expressions, constant_value
from .lower import contiguous
from .program import CONSTANT, OUTSIDE, REFUSE, RESULT, VIEW, WRITE, Call, Program, Stale, Value, mapped

INFIX = {
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.floordiv: "//",
    operator.mod: "%",
    operator.pow: "**",
    operator.matmul: "@",
    operator.lshift: "<<",
    operator.rshift: ">>",
    operator.and_: "&",
    operator.or_: "|",
    operator.xor: "^",
    operator.eq: "==",
    operator.ne: "!=",
    operator.lt: "<",
    operator.le: "<=",
    operator.gt: ">",
    operator.ge: ">=",
}
PREFIX = {operator.neg: "-", operator.pos: "+", operator.invert: "~", operator.abs: "abs"}
WRITTEN = {*INFIX, *PREFIX, operator.setitem}  # that stand in the source as operators
OUT_BY_NAME = {np.maximum, np.minimum}  # NumPy deprecates the position
USUAL = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}  # where nobody has told NumPy else
LARGE = 2**16  # bytes of a result that is given up as soon as nobody needs it


class Source:
    """The text of a program, and the objects from outside that it takes.

    `text` defines ``prepare(...)``, which takes what is in `outside`, and returns the function to be called.
    """

    def __init__(self, program: Program, plan: Plan) -> None:
        self.program, self.plan = program, plan
        self._say = Expressions("prepare", program.name)
        self._ready: list[str] = []  # lines that prepare
        self._static: set[Value] = set()  # views that are made once
        self._locals: dict[Value, list[str]] = {}  # variables of the function that lie in the memory of a root
        takes = [self._say.name(value, value.name or "x") for value in program.arguments]
        for value in [x for call in program.calls for x in call.values()] + program.outputs():
            if value.origin == OUTSIDE:
                self._say.from_outside(value, value.name or "array")
        self._take_memory()
        body = [line for i, call in enumerate(program.calls) for line in [*self._lines(call), *self._given_up(i)]]
        results = [self._output(value) for value in program.outputs()]
        body += [f"return {', '.join(results)}{',' if len(results) == 1 else ''}"] if results else []
        self.outside = self._say.outside
        self.text = "\n".join([*self._imports(), "", "", *self._prepare(", ".join(takes), body), ""])

    def _take_memory(self) -> None:
        """Name the buffers and allocate them."""
        for block in self.plan.blocks:
            memory = ""
            if len(block.buffers) > 1:
                memory = self._say.name(block, "memory", numbered=True)
                self._ready.append(f"{memory} = np.empty({block.nbytes}, np.uint8)")
            for buffer in block.buffers:
                name = self._say.name(buffer, "t", numbered=True)
                self._ready.append(f"{name} = {allocation(buffer, memory)}")
        for value, buffer in self.plan.of.items():
            self._say.rename(value, self._say.name(buffer, ""))

    # Calls

    def _lines(self, call: Call) -> list[str]:
        if call.kind == REFUSE:
            refused, bad = (
                self._say.from_outside(call.function, call.function.__name__),
                self._say.operand(call.args[0]),
            )
            return [f"if np.any({bad}):" if call.args[0].shape else f"if {bad}:", f"    raise {refused}"]
        filled = self._filled(call)
        text = self._expression(call)
        loud = bool(call.errors) and call.function is not operator.getitem and type(call.function) is not Attribute
        if loud and call.function not in WRITTEN:
            function, _, rest = text.partition("(")
            text = f"{self._quietly(call)}({function}, {rest}"
        if call.kind == VIEW and self._is_static(call):
            self._ready.append(f"{self._say.name(call.pattern, call.pattern.name or self._view_name(call))} = {text}")
            self._static.add(call.pattern)
            return []
        if call.kind != WRITE and not self.plan.has(call.pattern):
            text = f"{target_text(mapped(self._target, call.pattern))} = {text}"
        if loud and call.function in WRITTEN:
            text = f"with np.errstate({settings(call)}): {text}"
        if not call.varies:
            return [*filled, text]
        stale = self._say.from_outside(Stale, "Stale")
        return [text, *(line for x in call.results for line in look_at_shape(self._say.operand(x), x, stale))]

    def _filled(self, call: Call) -> list[str]:
        """Lines that put numbers into arrays without dimensions, which a ufunc takes in half the time."""
        given = [x for x in call.args if isinstance(x, Value) and x.origin != CONSTANT]
        numbers, lines = [x for x in given if x.is_number], []
        if not numbers or len(numbers) == len(given) or call.errors:
            return []
        dtype = dtype_of_numbers(call)
        if dtype is None:
            return []
        for x in numbers:
            fits = x.dtype.kind == "f" if x.number else x.dtype == dtype
            if fits and not self._say.has((x, dtype)):
                number = self._say.operand(x)
                array = self._say.name((x, dtype), number, numbered=True)
                self._ready.append(f"{array} = np.zeros((){'' if dtype == np.float64 else f', np.{dtype.name}'})")
                lines.append(f"{array}[()] = {number}")
        return lines

    def _quietly(self, call: Call) -> str:
        """What calls a function in a context in which NumPy does not warn of what it was not to warn of."""
        key = "errors", call.errors
        if not self._say.has(key):
            context = self._say.name(("context", call.errors), "quiet")
            self._ready += [f"{context} = Context()", f"{context}.run(np.seterr, {settings(call)})"]
            self._ready.append(f"{self._say.name(key, 'quietly')} = {context}.run")
        return self._say.name(key, "")

    def _is_static(self, call: Call) -> bool:
        """Whether a view is the same in each call: it is one of memory that stays where it is."""
        if not isinstance(call.pattern, Value):
            return False
        if call.pattern.root.origin not in (OUTSIDE, CONSTANT) and call.pattern.root not in self.plan.of:
            return False
        return all(x.origin in (OUTSIDE, CONSTANT) or x in self.plan.of or x in self._static for x in call.operands())

    def _view_name(self, call: Call) -> str:
        of = call.operands()[0]
        transposed = len(of.shape) == 2 and call.pattern.shape == of.shape[::-1]
        if transposed and call.function in (np.transpose, Attribute("T")) and not of.is_view:
            return f"{self._say.operand(of)}_T"
        return f"{self._say.operand(of.root)}_view" if self._say.has(of.root) else "view"

    def _target(self, x: Value) -> str:
        """The variable for a part of a result."""
        name = self._say.name(x, x.name or "t", numbered=not x.name)
        self._locals.setdefault(x.root, []).append(name)
        return name

    def _given_up(self, i: int) -> Iterator[str]:
        """What to forget after call number `i`: large results, with the views of them, that nobody needs."""
        for value in self.plan.ends.get(i, ()):
            if value.origin == RESULT and value.nbytes >= LARGE and value in self._locals and value not in self.plan.of:
                yield f"del {', '.join(self._locals[value])}"

    def _expression(self, call: Call) -> str:
        function, say = call.function, self._say.operand
        if function is operator.getitem:
            return f"{say(call.args[0])}[{self._say.index(call.args[1])}]"
        if function is operator.setitem:
            return f"{say(call.args[0])}[{self._say.index(call.args[1])}] = {say(call.args[2])}"
        args = [self._as_array(x, dtype_of_numbers(call)) for x in call.args]
        if function in INFIX:
            left = f"({args[0]})" if args[0].startswith("-") else args[0]  # a power comes before a sign
            return f"{left} {INFIX[function]} {args[1]}"
        if function in PREFIX:
            return f"{PREFIX[function]}({args[0]})"
        if isinstance(function, Attribute) and not isinstance(function, Method):
            return f"{args[0]}.{function.name}"
        if function is np.full and self.plan.has(call.pattern):
            return f"{say(call.pattern)}.fill({args[1]})"
        if function in FILLING and self.plan.has(call.pattern):
            return f"{self._in_shape(call.pattern, call.args[0].shape)}[...] = {args[0]}"
        options = [f"{key}={say(option)}" for key, option in call.kwargs.items()]
        out = call.target if call.out else call.pattern if self.plan.has(call.pattern) else None
        if out is not None:  # by position where that is possible, as NumPy reads it in half the time
            by_position = (isinstance(function, np.ufunc) and function not in OUT_BY_NAME) or function == Method("dot")
            options.append(f"{'' if by_position and not options else 'out='}{say(out)}")
        if isinstance(function, Method):
            return f"{args[0]}.{function.name}({', '.join(args[1:] + options)})"
        return f"{self._say.function(function)}({', '.join(args + options)})"

    def _as_array(self, x: Any, dtype: Any) -> str:
        """An operand; a number as an array of a dtype, if that is given."""
        if isinstance(x, Value) and self._say.has((x, dtype)):
            return self._say.name((x, dtype), "")
        return self._say.operand(
            constant_value(np.array(x, dtype)) if dtype is not None and type(x) in (int, float) else x
        )

    def _in_shape(self, value: Value, shape: tuple[int, ...]) -> str:
        """The buffer of a value in another shape."""
        name = self._say.operand(value)
        if value.shape == shape:
            return name
        key = self.plan.of[value], shape
        if not self._say.has(key):
            self._ready.append(f"{self._say.name(key, f'{name}_view', True)} = {name}.reshape({shape})")
        return self._say.name(key, "")

    # The whole

    def _output(self, value: Value) -> str:
        """A result, which the caller may change."""
        text = self._say.operand(value)
        return f"{text}.copy()" if value.origin == CONSTANT and isinstance(value.source, np.ndarray) else text

    def _imports(self) -> list[str]:
        lines = ["from contextvars import Context", ""] if any(call.errors for call in self.program.calls) else []
        lines.append("import numpy as np")
        if self._say.imported:
            lines.append(f"from numpy import {', '.join(sorted(self._say.imported))}")
        return [*lines, "", "# f(a, b, c) puts f(a, b) into the array c."]

    def _prepare(self, takes: str, body: list[str]) -> list[str]:
        step = [f"def {self.program.name}({takes}):", *(f"    {line}" for line in body or ["pass"])]
        lines = [*self._say.prepared, *self._ready, "", *step, "", f"return {self.program.name}"]
        return [f"def prepare({', '.join(self.outside)}):", *(f"    {line}" if line else "" for line in lines)]


def settings(call: Call) -> str:
    """What np.seterr was told where a call was made."""
    return ", ".join(f"{key}={state!r}" for key, state in call.errors if USUAL[key] != state)


def allocation(buffer: ReusedMemory, memory: str) -> str:
    """The expression that makes an array, in some memory if that has a name."""
    in_order = contiguous(buffer.shape, buffer.strides, buffer.dtype.itemsize)
    if in_order and not memory:
        return f"np.empty({buffer.shape}{'' if buffer.dtype == np.float64 else f', np.{buffer.dtype.name}'})"
    memory = memory or f"np.empty({buffer.block.nbytes}, np.uint8)"
    strides = "" if in_order else f", strides={buffer.strides}"
    return f"np.ndarray({buffer.shape}, np.{buffer.dtype.name}, {memory}{strides})"


def look_at_shape(name: str, x: Value, stale: str) -> list[str]:
    """Lines that give up where a result has not the shape that was recorded."""
    layout = f" or {name}.strides != {x.strides}" if x.is_view else ""
    return [f"if {name}.shape != {x.shape}{layout}:", f"    raise {stale}"]


def dtype_of_numbers(call: Call) -> np.dtype | None:
    """The dtype that numbers take which meet arrays in a ufunc; None where they are better left as they are."""
    arrays = [x for x in call.args if isinstance(x, Value) and not x.number]
    by_value = not isinstance(call.function, np.ufunc) or call.function in (np.power, np.float_power, np.ldexp)
    if by_value or not arrays or any(x.dtype.kind != "f" for x in arrays):
        return None
    return np.result_type(*(x.dtype for x in arrays))


def target_text(target: Any) -> str:
    """Variables for the parts of a result, as what stands before the equals sign."""
    return target if isinstance(target, str) else f"({', '.join(map(target_text, target))},)"
