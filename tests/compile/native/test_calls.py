"""Native code: it does what the function does, over changing values, and leaves to NumPy what it cannot do as NumPy."""

import operator
from functools import partial

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.recorder import state_array

from .agreement import agree, left_to_numpy

A, B = np.random.default_rng(0).normal(size=(2, 3, 4))
ROW, COLUMN = A[0], A[:, :1]
WIDE = np.random.default_rng(1).normal(size=(40, 70))
INTEGERS = np.arange(12).reshape(3, 4) - 5
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 1e300])

NATIVE = {
    "chain": lambda x, y: np.tanh(x * y + 1) / (1 + np.exp(-x)) - np.sqrt(np.abs(y)),
    "broadcast": lambda x, y: (x + y[0]) * y[:, :1] - 2,
    "several results": lambda x, y: [x + y, (x + y) * 2, -x],
    "transposed": lambda x, y: x.T + y.T * 2,
    "slices": lambda x, y: x[1:, ::-2] + y[:-1, 1::2],
    "two places of one array": lambda x, y: x[1:] * x[:-1] + y[1:],
    "an element": lambda x, y: x[0, 1] * y[2, -1],
    "a row of a view": lambda x, y: x.T[1] + y[:, 1],
    "reshaped": lambda x, y: x.reshape(2, 6) + y.reshape(2, 6),
    "where": lambda x, y: np.where(x > y, x, 0.5),
    "comparisons": lambda x, y: [x < y, x <= y, x == y, x != y, x >= y, x > y],
    "constants": lambda x, y: x * np.full_like(x[:1, :1], 2.5) + np.ones_like(y),
    "logic": lambda x, y: [(x > 0) & (y > 0), (x > 0) | ~(y > 0), np.logical_not(x > y), np.logical_and(x > 0, y > 0)],
    "of truths": lambda x, y: (x > y) * 2.0 + (x > 0),
    "to float32": lambda x, y: (x.astype(np.float32) * np.float32(0.1) + 1, y),
    "powers": lambda x, y: [x**2, np.abs(x) ** 0.5, x**3, x**1, np.abs(x) ** y, np.abs(x) ** -1.5],
    "from the library": lambda x, y: [np.log(np.abs(x)), np.sin(x), np.cos(x), np.arctan(y), np.expm1(x), np.sinh(y)],
    "reciprocal": lambda x, y: [np.reciprocal(x), np.square(y), np.positive(x), np.copy(x), x.copy()],
    "extremes": lambda x, y: [np.maximum(x, y), np.minimum(x, 0.0)],
    "sum": lambda x, y: [np.sum(x), np.sum(x, axis=0), np.sum(x, axis=1, keepdims=True), np.sum(x.T, axis=(0, 1))],
    "mean": lambda x, y: [np.mean(x), np.mean(x, axis=0), x.sum(axis=1), x.max(), x.min(0)],
    "products of all": lambda x, y: [np.prod(x), np.prod(x, axis=0)],
    "max": lambda x, y: [np.max(x), np.max(x, axis=0), np.min(x, axis=1, keepdims=True)],
    "of numbers": lambda x, y: ~((np.sum(x) > 0) & (np.sum(y) > 0) | (x[0, 0] > 0)),
    "any": lambda x, y: [np.any(x > y), np.all(x > y, axis=0), np.any(x > y, axis=1)],
    "number of truths": lambda x, y: np.sum(x > y, axis=0),
    "small product": lambda x, y: [x @ y.T, x.T @ y, np.dot(x, y[0]), x[0] @ y.T, x[0] @ y[0]],
    "zeros that are filled": lambda x, y: written(np.zeros_like(x), (slice(1, 3), 0), x[1:, 0]),
    "written numbers": lambda x, y: written(x.copy(), (1, slice(None)), 2.5),
    "written by copyto": lambda x, y: copied(y.copy(), x[:1]),
}


def written(x, index, v):
    x[index] = v
    return x


def copied(x, v):
    np.copyto(x, v)
    return x


@pytest.mark.parametrize("name", NATIVE)
def test_native_code_does_all_of_it(name):
    """Nothing is left to NumPy, and four calls with other values agree."""
    compiled = agree(NATIVE[name], *[(f * A, g * B) for f, g in ((1, 1), (1, -1), (0.5, 2), (-1, 1))])
    assert left_to_numpy(compiled) == []


LEFT = {
    "sign": lambda x, y: np.sign(x) * y,
    "floor_divide": lambda x, y: x + x // np.abs(y),
    "float16": lambda x, y: x.astype(np.float16) * np.float16(2),
    "complex": lambda x, y: np.abs(x.astype(np.complex128) + y),
    "integer powers": lambda x, y: (x > 0).astype(np.int64) ** 2 + x,
    "to integers": lambda x, y: (10 * x).astype(np.int64) + 1,
    "sort": lambda x, y: np.sort(x, axis=1) + 1,
    "cumsum": lambda x, y: np.cumsum(x, axis=1) * y,
    "stacks of matrices": lambda x, y: np.stack([x, y]) @ np.stack([x.T, y.T]),
    "mixed product": lambda x, y: x.astype(np.float32) @ y.T,
    "concatenate": lambda x, y: np.concatenate([x * 2, y * 3]) + 1,
    "where with a reduction": lambda x, y: np.sum(x * 2, where=y > 0) + 1,
    "initial": lambda x, y: np.max(x, initial=0.0) + 1,
    "no elements": lambda x, y: np.sum(x[:0] * 2, axis=0) + y,
    "overlapping": lambda x, y: shifted(x.copy()) * y,
    "overlapping the other way": lambda x, y: shifted(x.copy(), down=True) * y,
    "new axes": lambda x, y: x[:, None] + y[..., None, :],
    "a list for an index": lambda x, y: x[[0, 2]] * 2 + y[:, [1]][:2],
    "mask": lambda x, y: written(x.copy(), y > 0, 0.0) * 2,
    "split": lambda x, y: np.split(x * 2, 2, axis=1)[1] + np.split(y, 2, axis=1)[0],
    "log of many": lambda x, y: np.log(np.abs(np.broadcast_to(x[0], (400, 4)) * 2)),
    "a ufunc with two results": lambda x, y: np.modf(x)[0] * y,
    "methods": lambda x, y: x.std(axis=0) + y.mean(axis=0),
    "truth of a number": lambda x, y: np.logical_and(x, y > 0),
    "a wider integer": lambda x, y: (x > 0).astype(np.uint64) + (y > 0).astype(np.int64),
    "an element of half precision": lambda x, y: x.astype(np.float16)[0, 1] + y,
    "a Python truth": lambda x, y: x + True,
    "single complex": lambda x, y: np.abs((x + y).astype(np.complex64)),
    "written from more axes": lambda x, y: written(x.copy(), 0, y[:1]) * 2,
    "by keyword": lambda x, y: np.transpose(a=x * 2) + y.T,
    "one weight": lambda x, y: np.bincount(np.argsort(x[0, :1]), weights=np.ones_like(x[0, :1]), minlength=2) + y[0, 0],
    "a product of nothing": lambda x, y: (x[:0].T * 2) @ y[:0] + 1,
    "no indices": lambda x, y: (x[np.argsort(x[0])[:0]] * 2, y),
    "counts of a list": lambda x, y: np.bincount([0, 2], weights=x[0, :2], minlength=3) + 1,
    "equal counts": lambda x, y: np.bincount((x > 0).astype(np.int64).ravel(), minlength=2) * 1.5,
}


def shifted(x, down=False):
    np.multiply(x[:-1] if down else x[1:], 2, out=x[1:] if down else x[:-1])
    return x


@pytest.mark.parametrize("name", LEFT)
def test_numpy_does_the_rest(name):
    """What native code cannot do just as NumPy is a call between kernels, and the results agree."""
    pairs = [(f * A, g * B) for f, g in ((1, 1), (2, 0.5), (1.5, 3))]
    agree(LEFT[name], *pairs)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint32, np.uint64, np.bool_])
def test_integers_wrap_around_as_in_numpy(dtype):
    """Sums and products that do not fit into their type, and sums of many, which are wider."""

    def function(x, y):
        return [x + y, x * y, np.maximum(x, y), np.sum(x, axis=0), np.square(x), x > y, x.T * y.T]

    x = (37 * INTEGERS).astype(dtype)
    function = function if dtype is not np.bool_ else lambda x, y: [x & y, x | y, np.sum(x, axis=0), np.max(x)]
    agree(function, (x, x[::-1]), (x, x[:, ::-1]), (x + x, x))


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.uint8, np.uint32])
def test_integers_wrap_around_between_calls_of_a_loop(dtype):
    """Also a result that is only used within the loop, where Python's operators would make it wider."""
    x = (37 * INTEGERS).astype(dtype)
    x[0, :2] = np.iinfo(dtype).max, np.iinfo(dtype).min
    compiled = agree(lambda x, y: [(x + y) > x, (x + y) / 3, (x * y) * 0.5], (x, x[::-1]), (x, x[:, ::-1]), (x, x))
    assert left_to_numpy(compiled) == []


def test_python_numbers_keep_the_types_of_arrays():
    """A Python float does not widen float32, neither as an argument nor as a constant."""
    x = np.linspace(0, 1, 5, dtype=np.float32)
    agree(lambda x, a: x * a + 0.1, (x, 0.1), (x, 0.3), (x + 1, 0.7))
    agree(lambda x, n: x * n + 1, (x, 2), (x, 3), (x, 10))
    agree(lambda x, a: [x + a, a * a], (x, np.float64(0.1)), (x, np.float64(1)), (x, np.float64(3)))
    agree(lambda a, b: a * b + 1, (2.0, 3.0), (4.0, 5.0), (0.5, 0.5))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_special_numbers(dtype):
    """NaN, infinities and zeros of both signs go through each function as in NumPy."""

    inf = dtype(np.inf)

    def function(x, y):
        made = [
            np.maximum(x, y),
            np.minimum(x, y),
            x < y,
            x >= y,
            x == y,
            np.exp(x),
            np.tanh(x),
            np.sqrt(x),
            1 / x,
            x * inf,
        ]
        return [*made, np.isnan(x), np.isinf(x), np.isfinite(x), np.signbit(x), np.log(x), np.reciprocal(y), x.max()]

    x = np.where(np.isfinite(SPECIAL), np.clip(SPECIAL, -(2.0**100), 2.0**100), SPECIAL).astype(dtype)
    pairs = [(x, np.roll(x, k)) for k in (0, 1, 7, 2)]
    compiled = agree(function, *pairs)
    for i in (0, 1, 6, 7):  # the signs of zeros as well
        with np.errstate(all="ignore"):
            got, want = compiled(*pairs[1])[i], function(*pairs[1])[i]
        assert np.array_equal(np.signbit(got), np.signbit(want))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("function", [np.exp, np.tanh])
def test_curves_are_right_to_three_units_in_the_last_place(function, dtype):
    """On small, usual and large numbers, where exp is nearly 0 or infinite, and where it is smaller than is normal."""
    rng = np.random.default_rng(2)
    top = np.log(np.finfo(dtype).max)
    x = np.concatenate([s * rng.uniform(-1, 1, 500) for s in (1e-6, 0.1, 3, top, 1.3 * top)]).astype(dtype)
    compiled = mg.compile(function, backend="native")
    with np.errstate(all="ignore"):
        compiled(x)
        got, want = compiled(x), function(x.astype(np.longdouble))
        want = want.astype(dtype), want
        unit = np.spacing(np.abs(want[0]))
    finite = np.isfinite(unit)
    assert np.array_equal(got[~finite], want[0][~finite])
    assert np.max(np.abs(got[finite] - want[1][finite]) / unit[finite]) <= 3


def test_large_arrays():
    """Loops that fill vector registers, sums in several parts, and products by BLAS of all layouts."""

    def function(x, y):
        products = [
            x @ y.T,
            x.T @ y,
            x @ x.T,
            x[:, :40] @ y,
            y[0] @ x.T,
            x @ y[0],
            x[::2] @ y.T,
            x[:, ::2] @ y[:, ::2].T,
            np.broadcast_to(x[0], x.shape) @ y.T,
            x @ np.broadcast_to(y[:, :1], y.shape).T,
        ]
        sums = [np.sum(x), np.sum(x, axis=0), np.sum(x, axis=1), np.sum(x.T, axis=1), np.max(x, axis=1), np.mean(x)]
        return [*products, *sums, np.exp(x) * np.tanh(y) + x[0], np.sum(np.stack([x, y]), axis=(0, 2))]

    for dtype in (np.float64, np.float32):
        x = WIDE.astype(dtype) / 8
        agree(function, (x, x[::-1]), (x / 2, x), (x, x * x))


def test_sums_of_many_keep_their_digits():
    """Equal numbers round the same way at each addition: a single total in a row would be wrong by a thousandth."""
    for dtype, tolerance in ((np.float32, 1e-7), (np.float64, 1e-13)):
        x = np.full((250_000, 4), 0.1, dtype)
        compiled = mg.compile(lambda x: [np.sum(x), np.sum(x[:, :3])], backend="native")
        compiled(x)
        total, part = compiled(x)
        assert abs(total / (float(dtype(0.1)) * 1_000_000) - 1) <= tolerance
        assert abs(part / (float(dtype(0.1)) * 750_000) - 1) <= 30 * tolerance  # with gaps: one total


def test_integer_products():
    """BLAS knows none; loops do small ones, and NumPy others."""
    x = np.arange(12).reshape(3, 4)
    agree(lambda x: [x @ x.T, np.dot(x, x[0])], (x,), (x + 1,), (-x,))
    y = np.arange(900, dtype=np.int32).reshape(30, 30)
    assert "matmul" in left_to_numpy(agree(lambda x: x @ x, (y,), (y + 1,), (-y,)))


def test_products_of_truths_and_of_single_numbers():
    """They are left to NumPy."""
    x = np.arange(12.0).reshape(3, 4)
    truths = agree(lambda x: (x > 4) @ (x.T > 5), (x,), (x + 2,), (-x,))
    assert left_to_numpy(truths) == ["matmul"]
    agree(lambda x: np.dot(x.sum(keepdims=True).reshape(()), x), (x,), (x + 1,), (-x,))


def test_indices():
    """Elements named by arrays of integers are read and set, and counted with weights."""
    rows, columns = np.arange(3), np.array([1, -1, 0])

    def function(x, i, j, v):
        y, z = x.copy(), x.copy()
        y[i, j] = v
        z[i] = 7
        return [x[i, j], x[j], x[i[:, None], j], y, z, np.bincount(i, weights=v, minlength=5)]

    calls = [(f * A, rows, columns, f * ROW[:3]) for f in (1.0, 2.0, 3.0)]
    compiled = agree(function, *calls, (A, rows[::-1].copy(), columns, ROW[:3]))
    assert left_to_numpy(compiled) == []
    agree(lambda x, i, v: written(x.copy(), i, v) * 2, *[(x, rows, B[None]) for x in (A, B, A + B)])


def test_an_index_that_is_too_large():
    """The function itself raises what NumPy does, and nothing is changed before; np.bincount answers with more."""
    kept = np.ones(3)

    def function(x, i):
        array = state_array(kept)
        y = x * 3
        np.multiply(array, 2, out=array)
        return x[i] * 2 + array, y

    compiled = mg.compile(function, backend="native")
    for _ in range(2):
        compiled(ROW, np.array([0, 1, -4]))
    for wrong in (4, -5):
        kept[...] = 1
        with pytest.raises(IndexError, match=f"index {wrong} is out of bounds for axis 0 with size 4"):
            compiled(ROW, np.array([0, 1, wrong]))
        np.testing.assert_array_equal(kept, 2)  # once, by the function
    agree(
        lambda i, v: np.bincount(i, weights=v, minlength=4) * 2,
        *[(np.array([0, last]), np.ones(2)) for last in (1, 2, 3, 5)],
    )


def test_a_position_that_is_negative():
    """np.bincount itself raises the error."""
    compiled = mg.compile(lambda i, v: np.bincount(i, weights=v, minlength=4) * 2, backend="native")
    for _ in range(2):
        compiled(np.array([0, 1]), np.ones(2))
    with pytest.raises(ValueError, match="no negative elements"):
        compiled(np.array([0, -1]), np.ones(2))


def test_an_index_that_becomes_too_large():
    """Where the program computes it, the error comes from native code."""

    def function(x, i):
        i = i + i
        return x[i] * 2, np.bincount(i, weights=x, minlength=9)

    compiled = mg.compile(function, backend="native")
    for _ in range(2):
        compiled(ROW, np.array([0, 1, 1, 0]))
    assert left_to_numpy(compiled) == []
    with pytest.raises(IndexError, match="an index of an array is out of bounds"):
        compiled(ROW, np.array([0, 2, 1, 0]))
    counted = mg.compile(lambda i, x: np.bincount(i + i, weights=x, minlength=4) * 2, backend="native")
    for _ in range(2):
        counted(np.array([0, 1]), np.ones(2))
    with pytest.raises(ValueError, match="bincount takes positions from 0 to minlength - 1 in a compiled function"):
        counted(np.array([0, -1]), np.ones(2))


def test_arrays_from_outside_are_changed_in_place():
    """A chain reads w and writes w; a view of it, and one that overlaps, see the change in order."""
    for shift in (0, 1):
        kept = [np.arange(8.0), np.arange(8.0)]

        def function(x, w, shift=shift):
            w = mg.asarray(w).data
            y = w * 2 + x
            np.add(w, y, out=w)
            part = w[shift : shift + 4]
            np.multiply(part, 0.5, out=w[:4])
            return w[::-1] + 1

        compiled = mg.compile(partial(function, w=kept[0]), backend="native")
        for i in range(4):
            np.testing.assert_allclose(compiled(np.full(8, i)), function(np.full(8, i), kept[1]), rtol=1e-15)
            np.testing.assert_allclose(kept[0], kept[1], rtol=1e-15)


def test_outside_arrays_that_overlap():
    """Two views of one array, shifted by an element, are one piece of memory."""
    for memory in (np.arange(9.0), np.arange(9.0, dtype=np.float32)):
        other = memory.copy()

        def function(m):
            left, right = mg.asarray(m[:-1]).data, mg.asarray(m[1:]).data
            y = left * 2
            np.multiply(right, 0.5, out=right)
            return y + left

        views = memory[:-1], memory[1:]

        def compiled_function(views=views):
            left, right = (state_array(v) for v in views)
            y = left * 2
            np.multiply(right, 0.5, out=right)
            return y + left

        compiled = mg.compile(compiled_function, backend="native")
        for _ in range(4):
            np.testing.assert_allclose(compiled(), function(other), rtol=1e-6)
            np.testing.assert_allclose(memory, other, rtol=1e-6)


def test_an_argument_in_memory_that_is_changed():
    """Where an argument is the array that the program writes to, or part of it, the function itself runs."""
    w, u = np.arange(6.0), np.arange(6.0)

    def function(x, w):
        w = state_array(w)
        np.add(w, 1, out=w)
        return x * 2

    compiled = mg.compile(lambda x: function(x, w), backend="native")
    for part in (slice(None), slice(2, 5), slice(None), slice(2, 5)):
        compiled(np.zeros(6)[part])
        function(np.zeros(6)[part], u)
        np.testing.assert_array_equal(compiled(w[part]), function(u[part], u))
        np.testing.assert_array_equal(w, u)


def test_arguments_that_are_written_to():
    """They are the caller's arrays, and NumPy writes to them."""

    def function(x, y):
        np.multiply(y, 2, out=x)
        return x + y

    calls = [(np.zeros(4), f * ROW) for f in (1.0, 2.0, 3.0)]
    compiled = agree(function, *calls)
    x = np.zeros(4)
    compiled(x, ROW)
    np.testing.assert_array_equal(x, 2 * ROW)


def test_results_belong_to_the_caller():
    """A later call leaves the results of an earlier one alone, constants as well."""
    compiled = mg.compile(lambda x: [x * 2, np.sum(x), (x * 3).T], backend="native")
    first = [compiled(np.full((2, 3), i, dtype=float)) for i in range(4)]
    assert [y[0][0, 0] for y in first] == [0, 2, 4, 6]
    assert [float(y[1]) for y in first] == [0, 6, 12, 18]
    assert [y[2].shape for y in first] == [(3, 2)] * 4


def test_layouts():
    """Results keep the order in memory that NumPy gives them, and arguments may have any."""
    compiled = agree(lambda x: x * 2 + 1, *[(f * np.asfortranarray(A),) for f in (1, 2, 3)])
    assert compiled(np.asfortranarray(A)).flags.f_contiguous
    agree(lambda x: (x + 1)[:, 1:] * 2, *[(f * A.T,) for f in (1, 2, 3)])
    strange = np.ndarray((3, 4), np.float64, np.zeros(200, np.uint8)[4:].data)
    agree(lambda x: x * 2 + 1, (strange,), (strange,), (strange,))
    agree(lambda x: x * 2 + 1, *[(x.astype(">f8"),) for x in (A, B, A + B)])
    frozen = A.copy()
    frozen.flags.writeable = False
    agree(lambda x: x * 2 + 1, (A,), (B,), (frozen,), (frozen,))


def test_loops_follow_the_elements_in_memory():
    """The innermost loop is over what lies side by side, whatever the order of the axes; here that is everything."""

    def function(x):
        x = x.transpose(2, 0, 1)
        return x * 2 + 1, np.add.reduce(x, axis=(0, 2))

    compiled = agree(function, (np.arange(60.0).reshape(3, 4, 5),), (-np.arange(60.0).reshape(3, 4, 5),))
    assert "for i0 in range(60):" in compiled.source
    assert "for block in range(0, 16, 1024):" in compiled.source


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_extremes(dtype):
    """The largest and the smallest of numbers of all signs and sizes, and NaN of either sign if there is one."""
    x = np.random.default_rng(3).standard_normal((7, 40)).astype(dtype)
    x[1], x[2], x[3, 7], x[4, 9] = -np.abs(x[1]), np.abs(x[2]), np.nan, -np.nan
    x[5, :2], x[6] = (np.inf, -np.inf), 0
    tiny = np.finfo(dtype).smallest_subnormal
    compiled = agree(lambda x: (x.max(1), x.min(1)), (x,), (x * tiny,), (-x,))
    assert "rank" in compiled.source


BATCHES = [
    ((10, 16, 50), (10, 50, 64)),
    ((3, 4, 2, 5), (4, 5, 3)),
    ((1, 16, 15), (4, 2, 15, 64)),
    ((4, 20, 30), (30, 40)),
]


@pytest.mark.parametrize("shapes", BATCHES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_products_in_batches(shapes, dtype):
    """Of all that NumPy broadcasts, by loops and by BLAS; those with a vector are left to NumPy."""
    rng = np.random.default_rng(4)
    many = [[rng.uniform(size=shape).astype(dtype) for shape in shapes] for _ in range(2)]
    compiled = agree(lambda a, b: (a @ b, np.matmul(b.mT, a.mT)), *many)
    assert left_to_numpy(compiled) == []
    vectors = agree(lambda a, v: (a + 1) @ v, *[(a, a.reshape(-1)[: a.shape[-1]].copy()) for a, _ in many])
    assert left_to_numpy(vectors) == ["matmul"]


def test_outside_arrays_that_are_not_aligned():
    """NumPy reads and writes them."""
    kept = [np.ndarray((4,), np.float64, np.zeros(40, np.uint8)[4:].data) for _ in range(2)]
    assert not kept[0].flags.aligned

    def function(w, x):
        w = state_array(w)
        np.add(w, x * 2, out=w)
        return w * x

    compiled = mg.compile(partial(function, kept[0]), backend="native")
    for f in (1.0, 2.0, 3.0):
        np.testing.assert_allclose(compiled(f * ROW), function(kept[1], f * ROW), rtol=1e-15)


def test_its_source_shows_the_loops():
    """What is to be read: the calls of kernels, and each kernel; the memory of kernels is among the statistics."""
    compiled = mg.compile(lambda x: np.exp(x) @ x.T, backend="native")
    for _ in range(2):
        compiled(np.ones((40, 30)))
    assert "loops_1(x, t_1)" in compiled.source
    assert "exp64(" in compiled.source
    assert "dgemm(2, 40, 40, 30" in compiled.source
    assert compiled.stats.buffers == 1
    assert compiled.stats.bytes == 40 * 30 * 8
    assert operator.getitem(compiled.stats, 0) == 3


def test_memory_is_used_again():
    """Results inside of a kernel that do not live at the same time share memory."""

    def function(x):
        for _ in range(5):
            x = np.tanh(x) @ x
        return x

    compiled = agree(function, *[(np.full((50, 50), f),) for f in (0.1, 0.05, 0.01)])
    assert compiled.stats.buffers <= 3


BINARY = (np.add, np.subtract, np.multiply, np.floor_divide, np.remainder, np.left_shift, np.right_shift)
BINARY += (np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.minimum, np.maximum)
BINARY += (np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal)
UNARY = (np.negative, np.absolute, np.sign, np.invert, np.square)


def extremes(code):
    """The largest and smallest integers of a type, and those around zero."""
    low, high = np.iinfo(code).min, np.iinfo(code).max
    return np.array([low, low + 1, high, high - 1, 0, 1, 2, 3, *([-1, -2] if low else [7, 8])], code)


@pytest.mark.parametrize("code", "bhilBHIL")
def test_integers_are_numpys(code):
    """All pairs of extremes, with zeros as divisors; and Python's numbers that the type has not."""
    left, right = (np.ascontiguousarray(x) for x in np.meshgrid(extremes(code), extremes(code)))
    numbers = (-1, 0, 3, 300, 2**40)

    def function(x, y):
        compared = [op(x, n) for n in numbers for op in (operator.lt, operator.eq, operator.ge, operator.ne)]
        return [f(x, y) for f in BINARY] + [f(x) for f in UNARY] + [x ** (y % 3), x**2, *compared]

    agree(function, (left, right), (right, left))
