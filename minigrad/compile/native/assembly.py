"""LLVM's assembly, written instruction by instruction: values and their types, functions, and the module they make.

Types are named as NumPy names them; "address" is one of memory, whatever lies there.
"""

import ctypes
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

TYPES = {f"{sign}int{n}": f"i{n}" for sign in ("", "u") for n in (8, 16, 32, 64)}
TYPES |= {"float32": "float", "float64": "double", "bool": "i1", "address": "ptr"}
CASTS = {"boolean": "bool"} | {name: name for name in TYPES if name != "address"}
DATA = object.__basicsize__  # where an array has its address: after what all objects have
C_LONG = f"i{8 * ctypes.sizeof(ctypes.c_long)}"
REFUSED, OUT_OF_BOUNDS, NOT_COUNTED = 1, 2, 3  # what a function of native code returns in place of 0, if it gives up
PYTHON = {  # functions of Python's that native code calls
    "PyEval_SaveThread": "declare ptr @PyEval_SaveThread()",
    "PyEval_RestoreThread": "declare void @PyEval_RestoreThread(ptr)",
    "PyLong_FromLong": f"declare ptr @PyLong_FromLong({C_LONG})",
    "PyErr_SetObject": "declare void @PyErr_SetObject(ptr, ptr)",
}
EXPOSED = """\
define ptr @{name}_of_arrays(ptr %self, ptr %args, i64 %n) nounwind {{
  %field = getelementptr i8, ptr %self, i64 {data}
  %kept = load ptr, ptr %field
  {lines}
  %state = call ptr @PyEval_SaveThread()
  %reason = call i32 @{name}({given})
  call void @PyEval_RestoreThread(ptr %state)
  %good = icmp eq i32 %reason, 0
  br i1 %good, label %done, label %bad
done:
  %zero = call ptr @PyLong_FromLong({long} 0)
  ret ptr %zero
bad:
  %twice = shl i32 %reason, 1
  %first = sub i32 %twice, 2
  %second = sub i32 %twice, 1
  %at_error = getelementptr ptr, ptr %kept, i32 %first
  %error = load ptr, ptr %at_error
  %at_says = getelementptr ptr, ptr %kept, i32 %second
  %says = load ptr, ptr %at_says
  call void @PyErr_SetObject(ptr %error, ptr %says)
  ret ptr null
}}"""
THREADS = 6  # the number of the address, of those that a function keeps, where the threads are known
FIRST = 7  # of the addresses of arrays: before them there are, for each reason, an error and what it says, and THREADS


@dataclass(frozen=True, slots=True)
class Word:
    """A value of the assembly: what it is called, its type, the number that it is, the piece of memory it points into.

    The type of a pointer is that of the elements.
    """

    text: str
    type: str
    number: Any = None
    piece: int | None = None

    @property
    def typed(self) -> str:
        """As an operand."""
        return f"{'ptr' if self.piece is not None else TYPES[self.type]} {self.text}"


def number_word(number: Any, type: str) -> Word:
    """A number of a type."""
    if type == "bool":
        return Word("true" if number else "false", type, bool(number))
    if is_float(type):
        x = float(np.dtype(type).type(number))
        return Word(f"0x{struct.pack('>d', x).hex().upper()}", type, x)
    bits = np.dtype(type).itemsize * 8
    x = (int(number) + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)
    return Word(str(x), type, int(number))


def is_float(type: str) -> bool:
    """Whether numbers of a type are floating."""
    return type in ("float32", "float64")


def in_memory(type: str) -> str:
    """How LLVM is told of elements of a type."""
    return "i8" if type == "bool" else TYPES[type]


def fits(number: Any, type: str) -> bool:
    """Whether a type has a number, beside which a value keeps its type."""
    if is_float(type) or type == "bool":
        return True
    limits = np.iinfo(type)
    return isinstance(number, int) and limits.min <= number <= limits.max


class Assembly:
    """A module of LLVM's: functions, and the names of others that these call."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.library: dict[str, str] = {}  # functions that are written in text, and what type they return
        self._declared: dict[str, str] = {}
        self._last = 0

    def declare(self, name: str, returns: str, takes: Sequence[str]) -> str:
        """The name of a function that is elsewhere."""
        self._declared[name] = f"declare {returns} @{name}({', '.join(takes)})"
        return f"@{name}"

    def numbers(self, n: int) -> int:
        """The first of so many numbers of metadata that nobody else has."""
        self._last += n
        return self._last - n

    def add(self, head: str, body: "Function", last: str) -> None:
        """Add a function that is written."""
        lines = "\n".join(f"  {line}" for line in [*body.slots, *body.lines, last])
        self.parts += [f"{head} {{\n{lines}\n}}", "\n".join(self._scopes(body.marks))]

    def _scopes(self, marks: dict[int, int]) -> list[str]:
        """What LLVM is told of pieces of memory, by two numbers for each: what is in it, and in none of the others."""
        domain = self.numbers(1 + len(marks))
        scopes = {piece: f"!{domain + 1 + k}" for k, piece in enumerate(marks)}
        lines = [f"!{domain} = distinct !{{!{domain}}}"]
        for piece, mark in marks.items():
            scope, others = scopes[piece], ", ".join(x for other, x in scopes.items() if other != piece)
            lines.append(f"{scope} = distinct !{{{scope}, !{domain}}}")
            lines += [f"!{mark} = !{{{scope}}}", f"!{mark + 1} = !{{{others}}}"]
        return lines

    def __str__(self) -> str:
        return "\n\n".join([*self.parts, *self._declared.values(), ""])

    def expose(self, name: str, takes: int) -> None:
        """Let Python call a function, of arrays: what it calls has the name and ``_of_arrays``.

        It is a METH_FASTCALL of Python's, with an array of addresses as `self`, and works while others have the GIL.
        """
        given, lines = ["ptr %kept"], []
        for i in range(takes):
            lines += [f"%at{i} = getelementptr ptr, ptr %args, i64 {i}", f"%x{i} = load ptr, ptr %at{i}"]
            lines += [f"%field{i} = getelementptr i8, ptr %x{i}, i64 {DATA}", f"%data{i} = load ptr, ptr %field{i}"]
            given.append(f"ptr %data{i}")
        self._declared |= PYTHON
        text = EXPOSED.format(name=name, data=DATA, long=C_LONG, lines="\n  ".join(lines), given=", ".join(given))
        self.parts.append(text)


class Function:
    """A function while it is written. It knows pieces of memory by numbers; no two of them overlap."""

    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly
        self.slots: list[str] = []  # lines that take memory on the stack, once
        self.lines: list[str] = []
        self._count = 0
        self.marks: dict[int, int] = {}  # by piece: the number of metadata for loads and stores in it; the next, too

    def new(self) -> int:
        """A number that no other name has."""
        self._count += 1
        return self._count

    def made(self, text: str, type: str, piece: int | None = None) -> Word:
        """The value that an instruction makes."""
        name = f"%v{self.new()}"
        self.lines.append(f"{name} = {text}")
        return Word(name, type, piece=piece)

    def memory(self, text: str) -> Word:
        """Memory on the stack."""
        name = f"%v{self.new()}"
        self.slots.append(f"{name} = alloca {text}")
        return Word(name, "address")

    def give_up(self, bad: Word, reason: str) -> None:
        """Return a reason if a truth is one."""
        n = self.new()
        self.lines += [f"br i1 {bad.text}, label %bad{n}, label %good{n}", f"bad{n}:", f"ret i32 {reason}", f"good{n}:"]

    def marked(self, pointer: Word) -> str:
        """What LLVM is told of a load or a store: that it has nothing to do with the other pieces of memory."""
        assert pointer.piece is not None
        if pointer.piece not in self.marks:
            self.marks[pointer.piece] = self.assembly.numbers(2)
        mark = self.marks[pointer.piece]
        return f"!alias.scope !{mark}, !noalias !{mark + 1}"

    def alike(self, x: Word, y: Word) -> tuple[Word, Word]:
        """Two values, of one type: that of a variable beside a number, else the wider one."""
        if x.type == y.type:
            return x, y
        if y.number is not None and x.number is None and fits(y.number, x.type):
            return x, self.cast(y, x.type)
        if x.number is not None and y.number is None and fits(x.number, y.type):
            return self.cast(x, y.type), y
        wider = "float64" if is_float(x.type) or is_float(y.type) else "int64"
        return self.cast(x, wider), self.cast(y, wider)

    def cast(self, x: Word, type: str) -> Word:
        """A value in another type."""
        if x.type == type:
            return x
        if x.number is not None:
            return number_word(x.number, type)
        if is_float(x.type):
            return self.made(f"{'fpext' if type == 'float64' else 'fptrunc'} {x.typed} to {TYPES[type]}", type)
        unsigned = x.type[0] in "ub"
        if is_float(type):
            return self.made(f"{'uitofp' if unsigned else 'sitofp'} {x.typed} to {TYPES[type]}", type)
        size, wanted = (1 if t == "bool" else np.dtype(t).itemsize * 8 for t in (x.type, type))
        if size == wanted:
            return Word(x.text, type)
        name = "trunc" if wanted < size else "zext" if unsigned else "sext"
        return self.made(f"{name} {x.typed} to {TYPES[type]}", type)

    def call(self, name: str, type: str, *given: Word) -> Word:
        """A call of a function that is elsewhere."""
        function = self.assembly.declare(name, TYPES[type], [TYPES[x.type] for x in given])
        return self.made(f"call {TYPES[type]} {function}({', '.join(x.typed for x in given)})", type)

    def element(self, pointer: Word, i: Word) -> str:
        """The address of an element."""
        return self.made(f"getelementptr {in_memory(pointer.type)}, ptr {pointer.text}, i64 {i.text}", "address").text
