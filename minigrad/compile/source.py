"""A program as Python source: straight-line calls of NumPy's functions, with memory and views prepared once."""

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np

from .array import Attribute, Method
from .buffers import Buffer, Plan
from .names import Names
from .program import CONSTANT, OUTSIDE, REFUSE, VIEW, WRITE, Call, Program, Value, mapped
from .simplify import contiguous

INFIX = {
    operator.add: "+",
    operator.sub: "-",
    operator.mul: "*",
    operator.truediv: "/",
    operator.floordiv: "//",
    operator.mod: "%",
    operator.pow: "**",
    operator.matmul: "@",
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
USUAL = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}  # where nobody has told NumPy else
LONG = 8  # elements of a constant that are spelled out


class Source:
    """The text of a program, and the objects from outside that it takes.

    `text` defines ``prepare(...)``, which takes what is in `outside`, and answers with the function to be called.
    """

    def __init__(self, program: Program, plan: Plan) -> None:
        self.program, self.plan = program, plan
        self.outside: dict[str, Any] = {}
        self._names = Names("prepare", program.name)
        self._name: dict[Any, str] = {}  # of values, of constants by their bytes, of functions
        self._ready: list[str] = []  # lines that prepare
        self._imported: set[str] = set()  # ufuncs that go by their own name
        self._static: set[Value] = set()  # roots whose memory stays where it is
        for value in program.arguments:
            self._name[value] = self._names.new(value.name or "x")
        self._name_outside()
        self._take_memory()
        body = [line for call in program.calls for line in self._lines(call)]
        result = [self._output(value) for value in program.outputs()]
        self.text = self._whole(body, result)

    def _name_outside(self) -> None:
        for call in self.program.calls:
            for value in [*call.operands(), *([call.target] if call.target else [])]:
                if value.origin == OUTSIDE and value not in self._name:
                    self._from_outside(value, value.name or "array")
        for value in self.program.outputs():
            if value.origin == OUTSIDE and value not in self._name:
                self._from_outside(value, value.name or "array")

    def _from_outside(self, value: Any, wanted: str) -> str:
        name = self._names.new(wanted)
        self._name[value] = name
        self.outside[name] = value.source if isinstance(value, Value) else value
        return name

    def _take_memory(self) -> None:
        """Name the buffers and allocate them."""
        for value, buffer in self.plan.of.items():
            if value.name and not buffer.name:
                buffer.name = self._names.new(value.name)
        for block in self.plan.blocks:
            shared = len(block.buffers) > 1
            memory = ""
            if shared:
                memory = self._names.new("memory", numbered=True)
                self._ready.append(f"{memory} = np.empty({block.nbytes}, np.uint8)")
            for buffer in block.buffers:
                buffer.name = buffer.name or self._names.new("t", numbered=True)
                self._ready.append(f"{buffer.name} = {self._allocation(buffer, memory)}")

    def _allocation(self, buffer: Buffer, memory: str) -> str:
        dtype = "" if buffer.dtype == np.float64 else f", np.{buffer.dtype.name}"
        in_order = contiguous(buffer.shape, buffer.strides, buffer.dtype.itemsize)
        if in_order and not memory:
            return f"np.empty({buffer.shape}{dtype})"
        memory = memory or f"np.empty({buffer.block.nbytes}, np.uint8)"
        strides = "" if in_order else f", strides={buffer.strides}"
        return f"np.ndarray({buffer.shape}, np.{buffer.dtype.name}, {memory}{strides})"

    # Calls

    def _lines(self, call: Call) -> list[str]:
        if call.kind == REFUSE:
            error = call.function()
            return [f"if np.any({self.text_of(call.args[0])}):", f"    raise {type(error).__name__}({str(error)!r})"]
        text = self._in_context(call, self._expression(call))
        if call.kind == WRITE or call.pattern in self.plan.of:
            return [text]
        if call.kind == VIEW and self._is_static(call):
            name = self._names.new(call.pattern.name or self._view_name(call), numbered=False)
            self._name[call.pattern] = name
            self._ready.append(f"{name} = {text}")
            return []
        target = mapped(self._named_result, call.pattern)
        return [f"{self._joined(target)} = {text}"]

    def _in_context(self, call: Call, text: str) -> str:
        """A call that is made where NumPy is told what not to warn of, as it was when it was recorded."""
        if not call.errors or call.function in INFIX or call.function in PREFIX:
            return text
        if call.errors not in self._name:
            name = self._name[call.errors] = self._names.new("quiet")
            options = ", ".join(f"{key}={state!r}" for key, state in call.errors if USUAL[key] != state)
            self._ready += [f"{name} = Context()", f"{name}.run(np.seterr, {options})"]
        function, _, rest = text.partition("(")
        return f"{self._name[call.errors]}.run({function}, {rest}"

    def _is_static(self, call: Call) -> bool:
        """Whether a view is the same in each call: it is one of memory that stays where it is."""
        if not isinstance(call.pattern, Value):
            return False
        root = call.pattern.root
        static = root.origin in (OUTSIDE, CONSTANT) or root in self.plan.of
        return static and all(x.root is root or x.origin == CONSTANT for x in call.operands())

    def _view_name(self, call: Call) -> str:
        of = call.operands()[0]
        base = self.text_of(of)
        suffix = call.function.name if isinstance(call.function, Attribute) else "view"
        transposed = len(of.shape) == 2 and call.pattern.shape == of.shape[::-1] and call.function is np.transpose
        return f"{base}_{'T' if transposed else suffix}" if base.isidentifier() else "view"

    def _named_result(self, x: Any) -> Any:
        if isinstance(x, Value) and x not in self._name:
            self._name[x] = self._names.new(x.name or "t", numbered=not x.name)
        return self._name[x] if isinstance(x, Value) else "_"

    def _joined(self, target: Any) -> str:
        return target if isinstance(target, str) else f"({', '.join(map(self._joined, target))},)"

    def _expression(self, call: Call) -> str:
        function = call.function
        indexed = function in (operator.getitem, operator.setitem)
        args = [self.text_of(x) for x in self._operands(call) if not (indexed and x is call.args[1])]
        out = call.target if call.out else call.pattern if call.pattern in self.plan.of else None
        options = [f"{key}={self.text_of(option)}" for key, option in call.kwargs.items()]
        if out is not None:  # by position where that is possible, as NumPy reads it in half the time
            text = self.text_of(out)
            ufunc = isinstance(function, np.ufunc) and function not in (np.maximum, np.minimum)  # which deprecate it
            by_position = not options and (ufunc or function == Method("dot"))
            options.append(text if by_position else f"out={text}")
        if function in INFIX:
            return f"{args[0]} {INFIX[function]} {args[1]}"
        if function in PREFIX:
            return f"{PREFIX[function]}({args[0]})"
        if function is operator.getitem:
            return f"{args[0]}[{self._index(call.args[1])}]"
        if function is operator.setitem:
            return f"{args[0]}[{self._index(call.args[1])}] = {args[1]}"
        if isinstance(function, Method):
            return f"{args[0]}.{function.name}({', '.join(args[1:] + options)})"
        if isinstance(function, Attribute):
            return f"{args[0]}.{function.name}"
        return f"{self._function(function)}({', '.join(args + options)})"

    def _index(self, index: Any) -> str:
        """What stands between the brackets."""
        if isinstance(index, tuple) and index:
            return ", ".join(map(self.text_of, index)) + ("," if len(index) == 1 else "")
        return self.text_of(index)

    def _operands(self, call: Call) -> list[Any]:
        """The arguments; numbers that meet arrays in a ufunc as arrays of its type, which it takes much sooner."""
        if not isinstance(call.function, np.ufunc) or call.function in (np.power, np.float_power, np.ldexp):
            return list(call.args)
        arrays = [x for x in call.args if isinstance(x, Value) and not x.number]
        if not arrays or any(x.dtype.kind != "f" for x in arrays):
            return list(call.args)
        return [self._as_constant(x, arrays) if type(x) in (int, float) else x for x in call.args]

    def _as_constant(self, x: float, arrays: list[Value]) -> Value:
        dtype = np.result_type(*(a.dtype for a in arrays))
        source = np.array(x, dtype)
        return Value((), dtype, (), CONSTANT, source)

    def _function(self, function: Any) -> str:
        """The name of a function, under np if it is NumPy's own."""
        if isinstance(function, tuple):
            return f"{self._function(function[0])}.{function[1]}"
        module = getattr(function, "__module__", None) or "numpy"
        path = f"{module}.{function.__name__}".split(".")
        found: Any = np if path[0] == "numpy" else None
        for part in path[1:]:
            found = getattr(found, part, None)
        if found is function:
            if len(path) == 2 and isinstance(function, np.ufunc) and self._names.take(path[1]):
                self._imported.add(path[1])
            return path[1] if path[1] in self._imported and len(path) == 2 else ".".join(["np", *path[1:]])
        return self._name.get(function) or self._from_outside(function, function.__name__)

    # Operands

    def text_of(self, x: Any) -> str:
        """An operand in the source."""
        if isinstance(x, Value):
            if x in self.plan.of:
                return self.plan.of[x].name
            return self._constant(x) if x.origin == CONSTANT else self._name[x]
        if isinstance(x, tuple):
            return f"({', '.join(map(self.text_of, x))}{',' if len(x) == 1 else ''})"
        if isinstance(x, list):
            return f"[{', '.join(map(self.text_of, x))}]"
        if isinstance(x, Mapping):
            return "{" + ", ".join(f"{key!r}: {self.text_of(part)}" for key, part in x.items()) + "}"
        if isinstance(x, slice):
            parts = [x.start, x.stop, *([x.step] if x.step is not None else [])]
            return ":".join("" if part is None else self.text_of(part) for part in parts)
        return self._literal(x)

    def _literal(self, x: Any) -> str:
        if x is Ellipsis:
            return "..."
        if isinstance(x, np.dtype):
            return f"np.dtype({x.str!r})"
        if isinstance(x, type) and issubclass(x, np.generic):
            return f"np.{x.__name__}"
        if isinstance(x, np.generic | float):
            if np.isfinite(x):
                return repr(x)
            return self._constant(Value((), np.asarray(x).dtype, (), CONSTANT, x, isinstance(x, np.generic)))
        if isinstance(x, bool | int | str | type(None)):
            return repr(x)
        if isinstance(x, type):
            return x.__name__
        return self._name.get(x) or self._from_outside(x, "object")

    def _constant(self, value: Value) -> str:
        """The name of a constant, which is prepared once."""
        if value in self._name:
            return self._name[value]
        x = value.source
        array = np.asarray(x)
        if value.number or (value.scalar and np.isfinite(array)):
            return repr(x)
        key = (type(x), array.dtype, array.shape, array.strides, array.tobytes())
        if key not in self._name:
            self._name[key] = self._prepared(x, array)
        self._name[value] = self._name[key]
        return self._name[key]

    def _prepared(self, x: Any, array: np.ndarray) -> str:
        dtype = "" if array.dtype == np.float64 else f", np.{array.dtype.name}"
        if array.size and np.isfinite(array).all() and array.flags.c_contiguous and array.ndim <= 2:
            if array.size <= LONG:
                name = self._names.new(number_name(array), numbered=bool(array.shape))
                self._ready.append(f"{name} = np.array({array.tolist()}{dtype})")
                return name
            if (array == array.flat[0]).all():
                name = self._names.new("full", numbered=True)
                self._ready.append(f"{name} = np.full({array.shape}, {array.flat[0].item()!r}{dtype})")
                return name
        name = self._names.new("constant", numbered=True)
        self.outside[name] = x
        return name

    # The whole

    def _output(self, value: Value) -> str:
        """A result, which the caller may change."""
        copied = value.origin == CONSTANT and not (value.scalar or value.number)
        return f"{self.text_of(value)}.copy()" if copied else self.text_of(value)

    def _whole(self, body: list[str], results: list[str]) -> str:
        takes = ", ".join(self._name[value] for value in self.program.arguments)
        answer = [] if not results else [f"return {', '.join(results)}{',' if len(results) == 1 else ''}"]
        step = [f"def {self.program.name}({takes}):", *(f"    {line}" for line in [*body, *answer] or ["pass"])]
        prepare = [*self._ready, "", *step, "", f"return {self.program.name}"]
        lines = [f"def prepare({', '.join(self.outside)}):", *(f"    {line}" if line else "" for line in prepare)]
        imports = ["from contextvars import Context", ""] if any(call.errors for call in self.program.calls) else []
        imports += ["import numpy as np"]
        imports += [f"from numpy import {', '.join(sorted(self._imported))}"] if self._imported else []
        return "\n".join([*imports, "", "# f(a, b, c) puts f(a, b) into the array c.", "", "", *lines, ""])


def number_name(array: np.ndarray) -> str:
    """A name for a small constant."""
    if array.shape:
        return "constant"
    spelled = {0.0: "zero", 1.0: "one", 2.0: "two", 0.5: "half", -1.0: "minus_one"}
    return spelled.get(array.item(), f"number_{array.item()}".replace("-", "minus_").replace(".", "_"))
