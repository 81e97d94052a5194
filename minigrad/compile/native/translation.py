"""The text of loops as LLVM's assembly: a compiler of the few words of Python that this text is written in.

Python's numbers are int64 and float64. Variables lie on the stack, from where LLVM takes them into registers. Both
branches of `x if c else y`, and both sides of `and` and `or`, are always computed, as none of them does anything else.
"""

import ast
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .assembly import CASTS, REFUSED, THREADS, TYPES, Assembly, Function, Word, is_float, number_word
from .calls import CALLS, INTRINSIC, LIBM, extreme, of_numbers
from .curves import CURVES

INSTRUCTIONS: dict[Any, str] = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "fdiv", ast.And: "and"}
INSTRUCTIONS |= {ast.Or: "or", ast.LShift: "shl", ast.RShift: "ashr", ast.BitAnd: "and", ast.BitXor: "xor"}
ORDERS: dict[Any, str] = {ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt", ast.GtE: "ge", ast.Eq: "eq", ast.NotEq: "ne"}
CONSTANTS = {"inf": np.inf, "nan": np.nan}


def define(assembly: Assembly, text: str, name: str, names: Mapping[str, str]) -> int:
    """Add a function of addresses, which returns 0 or why it gave up; `names` tells which functions it calls.

    Returns
    -------
    int
        How many addresses it takes.
    """
    function = parsed(text)
    takes = [arg.arg for arg in function.args.args]
    body = TranslatedFunction(assembly, names)
    body.variables |= {arg: Word(f"%a{i}", "address") for i, arg in enumerate(takes)}
    body.statements(function.body)
    head = ", ".join(["ptr %kept", *(f"ptr %a{i}" for i in range(len(takes)))])
    assembly.add(f"define internal i32 @{name}({head}) noinline nounwind", body, "ret i32 0")
    return len(takes)


def from_library(assembly: Assembly, name: str) -> str:
    """The type of what one of the curves returns, which is part of the module from now on."""
    if name not in assembly.library:
        function = parsed(CURVES[name])
        assert isinstance(function.returns, ast.Name)
        type = assembly.library[name] = function.returns.id
        takes = [(arg.arg, arg.annotation.id) for arg in function.args.args if isinstance(arg.annotation, ast.Name)]
        body = TranslatedFunction(assembly, {})
        body.variables |= {arg: Word(f"%{arg}", kind) for arg, kind in takes}
        body.statements(function.body)
        head = ", ".join(f"{TYPES[kind]} %{arg}" for arg, kind in takes)
        assembly.add(f"define internal {TYPES[type]} @{name}({head}) alwaysinline nounwind", body, "unreachable")
    return assembly.library[name]


def parsed(text: str) -> ast.FunctionDef:
    """The function that some text defines."""
    (function,) = ast.parse(text).body
    assert isinstance(function, ast.FunctionDef)
    return function


class TranslatedFunction(Function):
    """A function as it is translated; `names` tells which functions its text calls."""

    def __init__(self, assembly: Assembly, names: Mapping[str, str]) -> None:
        super().__init__(assembly)
        self.names = names
        self.variables: dict[str, Word] = {}  # pointers, and what the function takes
        self._slot: dict[tuple[str, str], Word] = {}
        self._type: dict[str, str] = {}  # that a variable had last

    # Statements

    def statements(self, nodes: Sequence[ast.stmt]) -> None:
        """Translate statements in a row."""
        for node in nodes:
            getattr(self, f"_{type(node).__name__}")(node)

    def _Expr(self, node: ast.Expr) -> None:
        self.word(node.value)

    def _Return(self, node: ast.Return) -> None:
        assert node.value is not None
        self.lines += [f"ret {self.word(node.value).typed}", f"after{self.new()}:"]

    def _Raise(self, node: ast.Raise) -> None:
        self.lines += [f"ret i32 {REFUSED}", f"after{self.new()}:"]

    def _Assign(self, node: ast.Assign) -> None:
        (target,) = node.targets
        assert isinstance(target, ast.Name)
        value = self.word(node.value)
        if value.piece is not None:
            self.variables[target.id] = value
        else:
            self.assign(target.id, value)

    def assign(self, name: str, value: Word) -> None:
        """Put a value into a variable, which may have been of another type before."""
        key = name, value.type
        if key not in self._slot:
            self._slot[key] = self.memory(TYPES[value.type])
        self._type[name] = value.type
        self.variables.pop(name, None)
        self.lines.append(f"store {value.typed}, ptr {self._slot[key].text}")

    def _If(self, node: ast.If) -> None:
        n, truth = self.new(), self.word(node.test)
        self.lines += [f"br i1 {truth.text}, label %then{n}, label %else{n}", f"then{n}:"]
        self.statements(node.body)
        self.lines += [f"br label %else{n}", f"else{n}:"]

    def _For(self, node: ast.For) -> None:
        assert isinstance(node.target, ast.Name)
        assert isinstance(node.iter, ast.Call)
        given = [self.word(arg) for arg in node.iter.args]
        if isinstance(node.iter.func, ast.Name) and node.iter.func.id == "shared":
            self._shared(node.target.id, given[0], node.body)
            return
        start, stop = (given[0], given[1]) if len(given) > 1 else (number_word(0, "int64"), given[0])
        self.loop(node.target.id, start, stop, given[2] if len(given) > 2 else number_word(1, "int64"), node.body)

    def loop(self, name: str, start: Word, stop: Word, step: Word, body: Sequence[ast.stmt]) -> None:
        """A loop, with the name of what counts."""
        n = self.new()
        self.assign(name, start)
        self.lines += [f"br label %head{n}", f"head{n}:"]
        more = self.made(f"icmp slt i64 {self.variable(name).text}, {stop.text}", "bool")
        self.lines += [f"br i1 {more.text}, label %body{n}, label %done{n}", f"body{n}:"]
        self.statements(body)
        self.assign(name, self.made(f"add nsw i64 {self.variable(name).text}, {step.text}", "int64"))
        self.lines += [f"br label %head{n}", f"done{n}:"]

    def _shared(self, name: str, n: Word, body: Sequence[ast.stmt]) -> None:
        """A loop of n turns, as a function for some of them which threads call; it is given pointers alone."""
        names = dict.fromkeys(x.id for part in body for x in ast.walk(part) if isinstance(x, ast.Name))
        given = [(word, self.variables[word]) for word in names if word in self.variables]
        part, function = TranslatedFunction(self.assembly, {}), f"part.{self.assembly.numbers(1)}"
        frame = self.memory(f"[{len(given)} x ptr]").text
        for k, (word, x) in enumerate(given):
            at = self.made(f"getelementptr ptr, ptr {frame}, i64 {k}", "address").text
            self.lines.append(f"store ptr {x.text}, ptr {at}")
            at = part.made(f"getelementptr ptr, ptr %frame, i64 {k}", "address").text
            part.variables[word] = part.made(f"load ptr, ptr {at}", x.type, x.piece)
        part.loop(name, Word("%start", "int64"), Word("%stop", "int64"), number_word(1, "int64"), body)
        head = f"define internal void @{function}(ptr %frame, i64 %start, i64 %stop) noinline nounwind"
        self.assembly.add(head, part, "ret void")
        threads = CALLS["kept"](self, number_word(THREADS, "int64")).text
        share = self.assembly.declare("minigrad_share", "void", ["ptr", "ptr", "ptr", "i64"])
        self.lines.append(f"call void {share}(ptr {threads}, ptr @{function}, ptr {frame}, i64 {n.text})")

    def word(self, node: ast.expr) -> Word:
        """The value of an expression."""
        return getattr(self, f"_{type(node).__name__}")(node)

    def _Constant(self, node: ast.Constant) -> Word:
        x: Any = node.value
        return number_word(x, "bool" if isinstance(x, bool) else "float64" if isinstance(x, float) else "int64")

    def _Name(self, node: ast.Name) -> Word:
        if node.id in CASTS:
            return Word(CASTS[node.id], "type")
        return number_word(CONSTANTS[node.id], "float64") if node.id in CONSTANTS else self.variable(node.id)

    def variable(self, name: str) -> Word:
        """What is in a variable now."""
        if name in self.variables:
            return self.variables[name]
        kind = self._type[name]
        return self.made(f"load {TYPES[kind]}, ptr {self._slot[name, kind].text}", kind)

    def _UnaryOp(self, node: ast.UnaryOp) -> Word:
        x = self.word(node.operand)
        if isinstance(node.op, ast.Not):
            return self.made(f"xor i1 {x.text}, true", "bool")
        if x.number is not None:
            return number_word(-x.number, x.type)
        return self.made(f"fneg {x.typed}" if is_float(x.type) else f"sub {TYPES[x.type]} 0, {x.text}", x.type)

    def _BinOp(self, node: ast.BinOp) -> Word:
        x, y = self.alike(self.word(node.left), self.word(node.right))
        name = INSTRUCTIONS[type(node.op)]
        name = f"f{name}" if is_float(x.type) and name[0] != "f" else name
        return self.made(f"{name} {x.typed}, {y.text}", x.type)

    def _BoolOp(self, node: ast.BoolOp) -> Word:
        x, y = (self.word(value) for value in node.values)
        return self.made(f"{INSTRUCTIONS[type(node.op)]} i1 {x.text}, {y.text}", "bool")

    def _Compare(self, node: ast.Compare) -> Word:
        x, y = self.alike(self.word(node.left), self.word(node.comparators[0]))
        order = ORDERS[type(node.ops[0])]
        if is_float(x.type):
            return self.made(f"fcmp {'u' if order == 'ne' else 'o'}{order} {x.typed}, {y.text}", "bool")
        sign = "" if order in ("eq", "ne") else "u" if x.type[0] in "ub" else "s"
        return self.made(f"icmp {sign}{order} {x.typed}, {y.text}", "bool")

    def _IfExp(self, node: ast.IfExp) -> Word:
        truth = self.word(node.test)
        x, y = self.alike(self.word(node.body), self.word(node.orelse))
        return self.made(f"select i1 {truth.text}, {x.typed}, {y.typed}", x.type)

    def _Call(self, node: ast.Call) -> Word:
        assert isinstance(node.func, ast.Name)
        name, given = node.func.id, [self.word(arg) for arg in node.args]
        if name in CALLS:
            return CALLS[name](self, *given)
        if name in CASTS:
            return self.cast(given[0], CASTS[name])
        if name in ("min", "max"):
            return extreme(self, name, *given)
        if name in INTRINSIC or name in LIBM:
            return of_numbers(self, name, *given)
        if name in self.names:
            return self._statement(self.names[name], given)
        type = from_library(self.assembly, name)
        return self.made(f"call {TYPES[type]} @{name}({', '.join(x.typed for x in given)})", type)

    def _statement(self, name: str, given: Sequence[Word]) -> Word:
        """A call of a function that may give up, where this one does so as well."""
        reason = self.made(f"call i32 @{name}({', '.join(['ptr %kept', *(f'ptr {x.text}' for x in given)])})", "int32")
        self.give_up(self.made(f"icmp ne i32 {reason.text}, 0", "bool"), reason.text)
        return reason
