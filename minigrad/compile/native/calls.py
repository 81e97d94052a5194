"""What the text of loops calls: memory, functions of numbers, checks of indices, and BLAS."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .assembly import NOT_COUNTED, OUT_OF_BOUNDS, TYPES, Function, Word, in_memory, is_float

INTRINSIC = {"sqrt": "sqrt", "abs": "fabs", "copysign": "copysign", "fma": "fma"}  # of LLVM's, for each type
INTRINSIC |= {name: name for name in ("pow", "log", "sin", "cos")}
LIBM = ("log1p", "expm1", "sinh", "cosh", "atan", "asinh")  # whose functions of single precision end in f


def of_numbers(f: Function, name: str, *given: Word) -> Word:
    """A function of floating numbers, LLVM's own or the C library's."""
    type = next((x.type for x in given if x.number is None), given[0].type)
    given = tuple(f.cast(x, type) for x in given)
    if name in LIBM:
        return f.call(f"{name}{'f' * (type == 'float32')}", type, *given)
    return f.call(f"llvm.{INTRINSIC[name]}.f{np.dtype(type).itemsize * 8}", type, *given)


def extreme(f: Function, name: str, *given: Word) -> Word:
    """The smaller or the larger of two integers."""
    x, y = f.alike(*given)
    return f.call(f"llvm.{'u' if x.type[0] == 'u' else 's'}{name}.{TYPES[x.type]}", x.type, x, y)


def kept_address(f: Function, number: Word) -> Word:
    """The address of memory that the function keeps, by its number."""
    at = f.made(f"getelementptr ptr, ptr %kept, i64 {number.text}", "address")
    return f.made(f"load ptr, ptr {at.text}, !invariant.load !{{}}", "address")


def at(f: Function, address: Word, type: Word, piece: Word) -> Word:
    """A pointer to an address, to elements of a type in a piece of memory."""
    return Word(address.text, type.text, piece=piece.number)


def stack(f: Function, size: Word, type: Word, piece: Word) -> Word:
    """A pointer to elements on the stack; what is small, LLVM keeps in registers."""
    memory = f.memory(f"[{size.text} x {in_memory(type.text)}], align 32")
    return Word(memory.text, type.text, piece=piece.number)


def past(f: Function, pointer: Word, i: Word) -> Word:
    """A pointer to an element."""
    return Word(f.element(pointer, i), pointer.type, piece=pointer.piece)


def load(f: Function, pointer: Word, i: Word) -> Word:
    """An element."""
    at, type = f.element(pointer, i), pointer.type
    value = f.made(f"load {in_memory(type)}, ptr {at}, {f.marked(pointer)}", type)
    return f.made(f"trunc i8 {value.text} to i1", "bool") if type == "bool" else value


def store(f: Function, pointer: Word, i: Word, x: Word) -> Word:
    """Put a value into an element."""
    at, x = f.element(pointer, i), f.cast(x, pointer.type)
    value = f.made(f"zext i1 {x.text} to i8", "uint8") if x.type == "bool" else x
    f.lines.append(f"store {value.typed}, ptr {at}, {f.marked(pointer)}")
    return value


def rolled(f: Function, n: Word) -> Word:
    """A number, unknown to LLVM, which would write out a loop of so many turns, and take twice the time for it."""
    return f.made(f'call i64 asm "", "=r,0"(i64 {n.text})', "int64")


def bits(f: Function, x: Word) -> Word:
    """The bits of a floating number as an integer, and of an integer as a floating number."""
    type = x.type.replace("float", "int") if is_float(x.type) else x.type.replace("int", "float")
    return f.made(f"bitcast {x.typed} to {TYPES[type]}", type)


def within(f: Function, i: Word, size: Word) -> Word:
    """An index of an axis, counted from its start."""
    i = f.cast(i, "int64")
    low = f.made(f"icmp slt i64 {i.text}, {-size.number}", "bool")
    high = f.made(f"icmp sge i64 {i.text}, {size.text}", "bool")
    f.give_up(f.made(f"or i1 {low.text}, {high.text}", "bool"), str(OUT_OF_BOUNDS))
    negative = f.made(f"icmp slt i64 {i.text}, 0", "bool")
    wrapped = f.made(f"add i64 {i.text}, {size.text}", "int64")
    return f.made(f"select i1 {negative.text}, {wrapped.typed}, {i.typed}", "int64")


def counted(f: Function, i: Word, size: Word) -> Word:
    """A position of np.bincount's."""
    i = f.cast(i, "int64")
    f.give_up(f.made(f"icmp uge i64 {i.text}, {size.text}", "bool"), str(NOT_COUNTED))
    return i


def gemm(f: Function, turns: Word, m: Word, n: Word, k: Word, alpha: Word, a: Word, lda: Word, b: Word, ldb: Word, beta: Word, c: Word, ldc: Word, name: str) -> Word:  # fmt: skip # noqa: E501
    """BLAS's product of matrices, by columns: ``c = alpha * op(a) @ op(b) + beta * c``.

    `turns` is 2 if a is transposed, plus 1 if b is.
    """

    def kept(kind: str, value: Any) -> str:  # BLAS takes the address of everything
        at = f.memory(kind).text
        f.lines.append(f"store {kind} {value}, ptr {at}")
        return at

    letters = [kept("i8", ord("NT"[turns.number >> bit & 1])) for bit in (1, 0)]
    sizes, scales = [kept("i32", x.text) for x in (m, n, k)], [kept(TYPES[x.type], x.text) for x in (alpha, beta)]
    steps = [kept("i32", x.text) for x in (lda, ldb, ldc)]
    given = [*letters, *sizes, scales[0], a.text, steps[0], b.text, steps[1], scales[1], c.text, steps[2]]
    function = f.assembly.declare(f"minigrad_{name}", "void", ["ptr"] * len(given))
    f.lines.append(f"call void {function}({', '.join(f'ptr {x}' for x in given)})")
    return c


CALLS: dict[str, Callable[..., Word]] = {
    "kept": kept_address, "at": at, "stack": stack, "past": past, "load": load, "store": store, "rolled": rolled,
    "bits": bits, "within": within, "counted": counted,
}  # fmt: skip
CALLS |= {name: partial(gemm, name=name) for name in ("sgemm", "dgemm")}
