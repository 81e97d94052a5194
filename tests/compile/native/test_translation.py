"""The text of loops as native code: each word that it is written in, with numbers of all types."""

import numpy as np
import pytest

from minigrad.compile.native.assembly import Assembly
from minigrad.compile.native.machine import check_arrays, compiled
from minigrad.compile.native.translation import define
from minigrad.compile.program import Refused

from .agreement import agree


class Loops:
    """A kernel that is text alone, and keeps an array."""

    name, shared = "loops_1", {}

    def __init__(self, takes, *lines, alive=()):
        self.alive = list(alive)
        self.table = [x.__array_interface__["data"][0] for x in alive]
        self.text = "\n    ".join([f"def loops_1({takes}):", *lines, ""])

    def careful(self, function):
        return function


def run(kernel, *arrays):
    """Call the native code of a kernel."""
    (function,) = compiled([kernel])
    return function(*arrays)


def value(expression, *operands, dtype=np.float64):
    """The value of an expression of x, y and so on, single numbers in memory."""
    arrays = [np.array([x]) for x in operands]
    y = np.zeros(1, dtype)
    names = "xyz"[: len(arrays)]
    lines = [
        f"{n} = load(at({n}_array, {x.dtype.name}, {i}), 0)" for i, (n, x) in enumerate(zip(names, arrays, strict=True))
    ]
    store = f"store(at(y_out, {np.dtype(dtype).name}, {len(arrays)}), 0, {expression})"
    takes = ", ".join([f"{n}_array" for n in names] + ["y_out"])
    run(Loops(takes, *lines, store), *arrays, y)
    return y[0]


@pytest.mark.parametrize("name", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
def test_numbers_that_a_type_has_not_are_compared_as_wider_ones(name):
    """An index of one byte is no less than -4, and no more than 40,000."""
    x = np.dtype(name).type(7)
    assert value("1.0 if x < -4 or x >= 40000 else 2.0", x) == 2
    assert value("1.0 if 40000 > x and -4 <= x else 2.0", x) == 1
    assert value("1.0 if -4 >= x else 2.0", x) == 2


def test_of_two_types_the_wider_one_is_taken():
    assert value("x + y", np.int8(100), np.int32(100)) == 200
    assert value("x * y", np.float32(0.1), 3.0) == float(np.float32(0.1)) * 3
    assert value("x + y", np.uint8(200), np.float64(0.5)) == 200.5
    assert value("-x", np.int32(3), dtype=np.int64) == -3
    assert value("abs(x) < inf", np.float32(-3), dtype=np.int64) == 1


def test_numbers_beside_numbers():
    assert value("2 * 3 + 0.5") == 6.5
    assert value("-0.0") == 0
    assert np.signbit(value("-0.0"))
    assert np.isnan(value("nan"))
    assert value("pow(2.0, 3.0)") == 8


def test_extremes_of_integers_heed_the_sign():
    low, high = np.uint64(1), np.uint64(2**63)
    assert value("max(x, y)", low, high, dtype=np.uint64) == high
    assert value("min(x, y)", np.int64(1), np.int64(-(2**63)), dtype=np.int64) == -(2**63)


@pytest.mark.parametrize("code", "fd")
def test_ranks_are_in_the_order_of_numbers(code):
    """From -inf to inf, then NaN; and each number is found again by its rank."""
    bits = 8 * np.dtype(code).itemsize
    x = np.array([-np.inf, -2, -1e-30, 0, 1e-30, 2, np.inf, np.nan], code)
    ranks = [value(f"rank{bits}(x)", v, dtype=f"int{bits}") for v in x]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)
    assert [value(f"ranked{bits}(x)", r, dtype=code) for r in ranks[:-1]] == list(x[:-1])


def test_a_variable_may_change_its_type():
    """It is another one then, and what a loop leaves in it is there after the loop."""
    y = np.zeros(2)
    run(
        Loops(
            "out", "total = 1", "for i in range(2, 11, 4):", "    total = total + i", "p = at(out, float64, 0)",
            "store(p, 0, total)", "total = 0.5", "store(past(p, 1), 0, total)",
        ),
        y,
    )  # fmt: skip
    assert y.tolist() == [1 + 2 + 6 + 10, 0.5]


def test_memory_that_is_kept_and_memory_on_the_stack():
    """Truths take a byte each; what is kept lives as long as the function."""
    kept = np.array([True, False])
    kernel = Loops(
        "out", "t = stack(2, boolean, 1)", "k = at(kept(7), boolean, 0)", "for i in range(2):",
        "    store(t, i, not load(k, i))", "for i in range(2):", "    store(at(out, boolean, 2), i, load(t, i))",
        alive=[kept],
    )  # fmt: skip
    (function,) = compiled([kernel])
    del kernel
    y = np.zeros(2, bool)
    for first in (True, False):
        kept[0] = first
        function(y)
        assert y.tolist() == [not first, True]


def test_reasons_for_giving_up_are_errors():
    """Each is raised with the GIL, and nothing after it is done."""
    y = np.zeros(1)
    store = "store(at(out, float64, 0), 0, 1.0)"
    for line, error, text in [
        ("if 1 < 2:\n        raise Refused", Refused, "^$"),
        ("within(-4, 3)", IndexError, "an index of an array is out of bounds"),
        ("counted(-1, 3)", ValueError, "bincount takes positions from 0 to minlength - 1 in a compiled function"),
    ]:
        with pytest.raises(error, match=text):
            run(Loops("out", line, store), y)
    assert y == 0
    run(Loops("out", "within(-3, 3)", "counted(2, 3)", store), y)
    assert y == 1


def test_a_python_that_has_arrays_otherwise_is_refused():
    class Elsewhere(np.ndarray):
        __array_interface__ = property(lambda self: {"data": (1, False)})

    with pytest.raises(ImportError, match="native code knows arrays as CPython has them"):
        check_arrays(np.zeros(1).view(Elsewhere))


def test_a_kernel_of_thousands_of_arrays_says_little_of_each():
    """What LLVM is told of memory that is only passed on does not grow with the square of the arrays."""
    many = 2_000
    lines = [f"p{i} = at(kept({7 + i}), float64, {i})" for i in range(many)]
    assembly = Assembly()
    define(assembly, Loops("out", *lines, "store(p5, 0, load(p7, 0))").text, "loops_1", {})
    assert len(str(assembly)) < 200 * many


def test_names_need_not_be_ascii():
    """What a user calls an array is in the text, and not in the assembly."""

    def function(größe, β):
        return np.tanh(größe) * β

    agree(function, *[(f * np.ones(3), np.arange(3.0)) for f in (1, 2, 3)])
