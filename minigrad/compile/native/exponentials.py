"""exp and tanh without branches and calls, which LLVM can turn into code for vector registers, as it cannot libm's.

Both write ``x = k log 2 + r``, with k whole and abs(r) at most log(2) / 2, and sum the Taylor series of exp(r) - 1:
``exp(x) = 2**k exp(r)``. Adding 1.5 * 2**52 to a number rounds it to a whole one, which is then in the lowest bits.
Their error is at most 2 units in the last place.
"""

import math
from collections.abc import Callable
from typing import Any

import numba
import numba.extending
import numpy as np
from llvmlite import ir
from numba import types

intrinsic: Any = numba.extending.intrinsic  # whose results have fewer parameters than the functions

REAL = {types.float32: ir.FloatType(), types.float64: ir.DoubleType()}
WHOLE = {types.float32: types.int32, types.float64: types.int64}
FLOATING = {whole: real for real, whole in WHOLE.items()}


@intrinsic
def bits(typing: Any, x: Any) -> Any:
    """The bits of a floating number as an integer."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.IntType(x.bitwidth))

    return WHOLE[x](x), generate


@intrinsic
def number(typing: Any, i: Any) -> Any:
    """The floating number with the bits of an integer."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], REAL[FLOATING[i]])

    return FLOATING[i](i), generate


@intrinsic
def fma(typing: Any, x: Any, y: Any, z: Any) -> Any:
    """x * y + z, rounded once."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fma(*args)

    return x(x, x, x), generate


def estrin(words: list[str], power: int = 1) -> tuple[list[str], str]:
    """Lines, and an expression, for a polynomial of r with such coefficients, which waits for few results in a row."""
    if len(words) == 1:
        return [], words[0]
    r = f"r{power}" if power > 1 else "r"
    pairs = [f"fma({r}, {b}, {a})" for a, b in zip(words[::2], words[1::2], strict=False)] + words[
        len(words) // 2 * 2 :
    ]
    lines, text = estrin(pairs, 2 * power)
    return [f"r{2 * power} = {r} * {r}", *lines] if len(pairs) > 1 else [], text


def curves(real: Any, whole: Any, mantissa: int, bias: int, terms: int, log2: tuple[float, float], ends: Any) -> Any:
    """exp and tanh for a type with so many bits of a mantissa; `log2` is log(2) in two parts, the first of few bits."""
    round_ = real(1.5 * 2**mantissa)
    inverse, high, low, zero, one, two = real(1 / math.log(2)), real(log2[0]), real(log2[1]), real(0), real(1), real(2)
    shift, zero_bits, bias_bits = whole(mantissa), whole(np.asarray(round_).view(whole)), whole(bias)
    smallest, largest, flat = map(real, ends)

    @numba.njit(error_model="numpy", forceinline=True)
    def split(x: Any) -> Any:  # pragma: no cover: compiled
        shifted = fma(x, inverse, round_)
        k = shifted - round_
        r = fma(-k, low, fma(-k, high, x))
        return bits(shifted) - zero_bits, r

    names: dict[str, Any] = {"fma": fma, "numba": numba}
    names |= {f"c{i}": real(1 / math.factorial(i)) for i in range(2, terms + 1)}
    lines, series = estrin([f"c{i}" for i in range(2, terms + 1)])
    text = "\n    ".join(
        ["@numba.njit(forceinline=True)", "def less_one(r):", *lines, f"return fma(r * r, {series}, r)"]
    )
    exec(text.replace("\n    def", "\ndef"), names)
    less_one: Callable[..., Any] = names["less_one"]

    @numba.njit(error_model="numpy", forceinline=True)
    def exp(x: Any) -> Any:  # pragma: no cover: compiled
        vanishes = x < smallest  # as where softmax masks; processors take long for numbers that underflow
        x = zero if vanishes else x
        x = largest if x > largest else x
        k, r = split(x)
        half = whole(k >> whole(1))  # 2**k may be too large, or too small, where the result is not
        y = less_one(r) + one
        y = y * number(whole((half + bias_bits) << shift)) * number(whole((k - half + bias_bits) << shift))
        return zero if vanishes else y

    @numba.njit(error_model="numpy", forceinline=True)
    def tanh(x: Any) -> Any:  # pragma: no cover: compiled
        a = abs(x)
        a = flat if a > flat else a
        k, r = split(a + a)
        scale = number(whole((k + bias_bits) << shift))
        e = fma(scale, less_one(r), scale - one)
        return math.copysign(e / (e + two), x)

    return exp, tanh


exp32, tanh32 = curves(np.float32, np.int32, 23, 127, 7, (0.693359375, -2.12194440e-4), (-104.5, 89.5, 10))
exp64, tanh64 = curves(
    np.float64, np.int64, 52, 1023, 13, (6.93147180369123816490e-01, 1.90821492927058770002e-10), (-746.5, 710.5, 22)
)
