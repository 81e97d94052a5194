"""exp and tanh without branches and calls, which LLVM can turn into code for vector registers, as it cannot libm's.

Both write ``x = k log 2 + r``, with k whole and abs(r) at most log(2) / 2, and sum the Taylor series of exp(r) - 1:
``exp(x) = 2**k exp(r)``. Adding 1.5 * 2**52 to a number rounds it to a whole one, which is then in the lowest bits.
Their error is at most 2 units in the last place.

Beside them, the order of floating numbers as that of integers, of which LLVM knows how to find the largest in vector
registers. The bits of floating numbers, seen as integers, are in their order if these are positive, and in the reverse
order if they are negative. NaN comes after all numbers, as in NumPy's maximum.
"""

import math
from typing import Any

import numpy as np


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


def curves(bits: int, mantissa: int, terms: int, log2: tuple[float, float], ends: Any) -> dict[str, str]:
    """The text of exp and tanh for numbers of so many bits; `log2` is log(2) in two parts, the first of few bits."""
    real = np.dtype(f"float{bits}").type

    def say(x: float) -> str:
        return f"float{bits}({float(real(x))!r})"

    round_, bias, shift = say(1.5 * 2**mantissa), 2 ** (bits - mantissa - 2) - 1, mantissa
    zero_bits = int(np.array(1.5 * 2**mantissa, real).view(f"int{bits}"))
    lines, series = estrin([say(1 / math.factorial(i)) for i in range(2, terms + 1)])
    smallest, largest, flat = map(say, ends)
    split = [  # into k and r, and exp(r) - 1
        f"shifted = fma(x, {say(1 / math.log(2))}, {round_})",
        f"k = shifted - {round_}",
        f"r = fma(-k, {say(log2[1])}, fma(-k, {say(log2[0])}, x))",
        f"whole = bits(shifted) - int{bits}({zero_bits})",
        *lines,
        f"less_one = fma(r * r, {series}, r)",
    ]
    exp = [
        f"vanishes = x < {smallest}",  # as where softmax masks; processors take long for numbers that underflow
        f"x = {say(0)} if vanishes else x",
        f"x = {largest} if x > {largest} else x",
        *split,
        "half = whole >> 1",  # 2**k may be too large, or too small, where the result is not
        f"y = less_one + {say(1)}",
        f"y = y * bits((half + {bias}) << {shift}) * bits((whole - half + {bias}) << {shift})",
        f"return {say(0)} if vanishes else y",
    ]
    tanh = [
        "sign = x",
        "x = abs(x)",
        f"x = {flat} if x > {flat} else x",
        "x = x + x",
        *split,
        f"scale = bits((whole + {bias}) << {shift})",
        f"e = fma(scale, less_one, scale - {say(1)})",
        f"return copysign(e / (e + {say(2)}), sign)",
    ]
    head = f"(x: float{bits}) -> float{bits}:\n    "
    return {f"{f}{bits}": f"def {f}{bits}{head}" + "\n    ".join(body) for f, body in (("exp", exp), ("tanh", tanh))}


def ranks(bits: int) -> dict[str, str]:
    """The text of the function that gives a floating number of so many bits its rank, and of that which undoes it."""
    last = f"int{bits}({2 ** (bits - 1) - 1})"
    turned = f"i ^ ((i >> {bits - 1}) & {last})"
    return {
        f"rank{bits}": f"def rank{bits}(x: float{bits}) -> int{bits}:\n"
        f"    i = bits(x)\n    return {last} if x != x else {turned}",
        f"ranked{bits}": f"def ranked{bits}(i: int{bits}) -> float{bits}:\n    return bits({turned})",
    }


CURVES = curves(32, 23, 7, (0.693359375, -2.12194440e-4), (-104.5, 89.5, 10))
CURVES |= curves(64, 52, 13, (6.93147180369123816490e-01, 1.90821492927058770002e-10), (-746.5, 710.5, 22))
CURVES |= ranks(32) | ranks(64)
