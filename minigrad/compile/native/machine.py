"""What generated loops are made of beneath numba's arrays: bare memory, BLAS, and functions that fill vector registers.

A pointer knows the type of its elements. Addresses are constants of the generated code, so that LLVM knows which
memory is which, and a call of it has few arguments to unpack.
"""

import linecache
import math
import weakref
from collections.abc import Callable, Mapping
from functools import cache
from itertools import count
from typing import Any

import numba
import numba.extending
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import get_cython_function_address, models, register_model

from ..program import Refused
from .exponentials import exp32, exp64, tanh32, tanh64
from .order import rank32, rank64, ranked32, ranked64

numbers = count(1)
intrinsic: Any = numba.extending.intrinsic  # whose results have fewer parameters than the functions
njit: Any = numba.njit  # which takes more options than its annotations tell


class Pointer(types.CPointer):
    """A pointer into one of a number of pieces of memory, of which no two overlap."""

    def __init__(self, dtype: Any, piece: int, pieces: int) -> None:
        super().__init__(dtype)
        self.piece, self.pieces = piece, pieces
        self.name = f"{self.name}, {piece} of {pieces}"

    @property
    def key(self) -> Any:
        return self.dtype, self.piece, self.pieces

    def marked(self, builder: Any, instruction: Any) -> None:
        """Tell LLVM of a load or a store that it has nothing to do with the other pieces of memory."""
        module = builder.module
        domain = module.add_metadata(["minigrad"])
        scopes = [module.add_metadata([f"memory {i}", domain]) for i in range(self.pieces)]
        instruction.set_metadata("alias.scope", module.add_metadata([scopes[self.piece]]))
        instruction.set_metadata("noalias", module.add_metadata(scopes[: self.piece] + scopes[self.piece + 1 :]))


register_model(Pointer)(models.PointerModel)


@intrinsic(prefer_literal=True)
def at(typing: Any, address: Any, dtype: Any, piece: Any, pieces: Any) -> Any:
    """A pointer to an address."""
    pointer = Pointer(dtype.dtype, piece.literal_value, pieces.literal_value)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(pointer))

    return pointer(types.int64, dtype, piece, pieces), generate


@intrinsic(prefer_literal=True)
def stack(typing: Any, size: Any, dtype: Any, piece: Any, pieces: Any) -> Any:
    """A pointer to `size` elements on the stack; what is small, LLVM keeps in registers."""
    pointer = Pointer(dtype.dtype, piece.literal_value, pieces.literal_value)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return cgutils.alloca_once(builder, context.get_data_type(pointer.dtype), size=size.literal_value)

    return pointer(size, dtype, piece, pieces), generate


@intrinsic(prefer_literal=True)
def start(typing: Any, array: Any, piece: Any, pieces: Any) -> Any:
    """A pointer to the first element of an array."""
    pointer = Pointer(array.dtype, piece.literal_value, pieces.literal_value)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.make_array(array)(context, builder, args[0]).data

    return pointer(array, piece, pieces), generate


@intrinsic
def past(typing: Any, pointer: Any, i: Any) -> Any:
    """A pointer to element `i`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.gep(args[0], [args[1]])

    return pointer(pointer, types.intp), generate


@intrinsic
def where(typing: Any, pointer: Any) -> Any:
    """The address that a pointer has."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ptrtoint(args[0], ir.IntType(64))

    return types.int64(pointer), generate


@intrinsic
def apart(typing: Any) -> Any:
    """Keep LLVM from making a function part of its callers, who number pieces of memory otherwise."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def rolled(typing: Any, n: Any) -> Any:
    """`n`, unknown to LLVM, which would write out a loop of so many turns, and take twice the time to compile it."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        word = ir.IntType(64)
        return builder.asm(ir.FunctionType(word, [word]), "", "=r,0", [args[0]], side_effect=False)

    return types.int64(types.int64), generate


@intrinsic
def load(typing: Any, pointer: Any, i: Any) -> Any:
    """Element `i`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = builder.load(builder.gep(args[0], [args[1]]))
        pointer.marked(builder, value)
        return context.data_model_manager[pointer.dtype].from_data(builder, value)

    return pointer.dtype(pointer, types.intp), generate


@intrinsic
def store(typing: Any, pointer: Any, i: Any, x: Any) -> Any:
    """Put `x` into element `i`."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = context.data_model_manager[pointer.dtype].as_data(builder, args[2])
        pointer.marked(builder, builder.store(value, builder.gep(args[0], [args[1]])))
        return context.get_dummy_value()

    return types.void(pointer, types.intp, pointer.dtype), generate


def routine(name: str, real: ir.Type, dtype: Any) -> Any:
    """BLAS's product of matrices, for one type: ``c = alpha * op(a) @ op(b) + beta * c``, all by columns."""
    address = get_cython_function_address("scipy.linalg.cython_blas", name)
    byte, integer = ir.IntType(8), ir.IntType(32)
    pointers = [t.as_pointer() for t in (byte, byte, *[integer] * 3, real, real, integer, real, integer, real, real)]
    kind = ir.FunctionType(ir.VoidType(), [*pointers, integer.as_pointer()])

    @intrinsic(prefer_literal=True)
    def gemm(typing: Any, turns: Any, m: Any, n: Any, k: Any, alpha: Any, a: Any, lda: Any, b: Any, ldb: Any, beta: Any, c: Any, ldc: Any) -> Any:  # fmt: skip # noqa: E501
        """The call; `turns` is 2 if a is transposed, plus 1 if b is."""

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            def kept(value: Any) -> Any:  # BLAS takes the address of everything
                return cgutils.alloca_once_value(builder, value)

            letters = [kept(ir.Constant(byte, ord("NT"[turns.literal_value >> bit & 1]))) for bit in (1, 0)]
            m, n, k, lda, ldb, ldc = (kept(builder.trunc(args[i], integer)) for i in (1, 2, 3, 6, 8, 11))
            alpha, beta = kept(args[4]), kept(args[9])
            function = builder.inttoptr(ir.Constant(ir.IntType(64), address), kind.as_pointer())
            builder.call(function, [*letters, m, n, k, alpha, args[5], lda, args[7], ldb, beta, args[10], ldc])
            return context.get_dummy_value()

        size = types.intp
        return types.void(turns, size, size, size, dtype, a, size, b, size, dtype, c, size), generate

    return gemm


sgemm = routine("sgemm", ir.FloatType(), types.float32)
dgemm = routine("dgemm", ir.DoubleType(), types.float64)


@numba.njit
def within(i: int, size: int) -> int:  # pragma: no cover: compiled
    """An index of an axis, counted from its start."""
    if i < -size or i >= size:
        raise IndexError("an index of an array is out of bounds")
    return i + size if i < 0 else i


@numba.njit
def counted(i: int, size: int) -> int:  # pragma: no cover: compiled
    """A position of np.bincount's."""
    if i < 0 or i >= size:
        raise ValueError("bincount takes positions from 0 to minlength - 1 in a compiled function")
    return i


@cache
def shared(text: str) -> Callable[..., Any]:
    """The function of native code for a statement that is given addresses; it keeps no memory."""
    return defined("statement", text, dict(NAMES), no_cpython_wrapper=True)


def compiled(name: str, text: str, pieces: int, alive: list[Any], statements: Mapping[str, str]) -> Callable[..., Any]:
    """The function of native code that some text defines, for so many pieces of memory; it keeps what is in `alive`.

    `statements` has the text of functions that it calls, and their names.
    """
    functions = {called: shared(statement) for statement, called in statements.items()}
    return defined(name, text, {**NAMES, **functions, "pieces": pieces, "alive": alive})


def defined(name: str, text: str, names: dict[str, Any], **options: Any) -> Callable[..., Any]:
    """The function of native code that some text defines, with options of numba's; tracebacks show its lines."""
    file = f"<native code by minigrad {next(numbers)}>"
    linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
    exec(compile(text, file, "exec"), names)
    weakref.finalize(names[name], linecache.cache.pop, file, None)
    return njit(nogil=True, error_model="numpy", no_cfunc_wrapper=True, **options)(names[name])


NAMES: dict[str, Any] = {"at": at, "where": where, "stack": stack, "start": start, "past": past, "apart": apart}
NAMES |= {
    "Refused": Refused,
    "load": load,
    "store": store,
    "within": within,
    "counted": counted,
    "rolled": rolled,
    "sgemm": sgemm,
    "dgemm": dgemm,
}
NAMES |= {
    "exp32": exp32,
    "exp64": exp64,
    "tanh32": tanh32,
    "tanh64": tanh64,
    "rank32": rank32,
    "rank64": rank64,
    "ranked32": ranked32,
    "ranked64": ranked64,
    "inf": math.inf,
    "nan": math.nan,
}
NAMES |= {"boolean": types.boolean} | {np.dtype(c).name: getattr(types, np.dtype(c).name) for c in "bhilBHILfd"}
NAMES |= {name: getattr(math, name) for name in ("sqrt", "copysign", "pow", "log", "log1p", "expm1", "sin", "cos")}
NAMES |= {name: getattr(math, name) for name in ("sinh", "cosh", "atan", "asinh")}
