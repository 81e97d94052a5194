"""Every function of NumPy's in every dtype and layout, and derivatives in small dtypes beside those in float64.

The calls are those of the table of rules. NumPy on plain arrays says what value, dtype and shape a call has on Tensors.
"""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.core.primitive import REGISTRY
from minigrad.core.short import public
from tests.rules.cases import CASES, is_ours

from .numeric import REFUSALS, plain, read_only

DTYPES = ("bool", "int8", "int16", "int32", "int64", "uint8", "float16", "float32", "float64")
TOLERANCES = {"float16": 4e-3, "float32": 1e-5, "float64": 1e-12}  # a few roundings each


LAYOUTS = {
    "C": np.array,
    "Fortran": lambda x: np.array(x, order="F"),
    "strided": lambda x: np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x,
    "reversed": lambda x: np.flip(np.flip(x).copy()),
    "read-only": read_only,
    "single": lambda x: x[(0,) * x.ndim].reshape(()),
    "empty": lambda x: x[:0] if x.ndim else x,
    "empty rows": lambda x: x[..., :0] if x.ndim else x,
}
OTHER_SHAPES = ("single", "empty", "empty rows")
OF_NUMPY = [case for case in CASES if not is_ours(case.key)]
OF_RULES = [case for case in CASES if not getattr(case.key, "__module__", "").startswith("minigrad.nn")]


def converted(x, dtype):
    """Numbers of that dtype, of several sizes and, where there are any, both signs."""
    if dtype == "bool":
        return np.asarray(x > 0)
    if not dtype.startswith("float"):
        x = np.asarray(np.round(3 * (abs(x) if dtype == "uint8" else x)))
    return x.astype(dtype)


def outcome(call):
    """What a call returns, or the error with which it is refused."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of NumPy's, for means of nothing
        try:
            return plain(call())
        except (*REFUSALS, IndexError, AttributeError, ArithmeticError, RuntimeError) as error:
            return error


def difference(case, dtype, layout):
    """What a function does in another way than NumPy's, None if nothing; that it refuses is right where NumPy does."""
    arrays = [LAYOUTS[layout](converted(x, dtype)) for x in case.arrays]
    want = outcome(case.on(*arrays).value_of_numpy)
    got = outcome(lambda: case.call(public(REGISTRY[case.key]), *map(mg.asarray, arrays)))
    if isinstance(want, Exception):
        return None if isinstance(got, Exception) or layout in OTHER_SHAPES else f"{case} of {dtype}: not refused"
    if isinstance(got, Exception):
        return None if layout in OTHER_SHAPES else f"{case} of {dtype}: {got}"
    if (got.shape, got.dtype) != (want.shape, want.dtype):
        return f"{case} of {dtype}: {got.dtype}{got.shape} in place of {want.dtype}{want.shape}"
    tolerance = TOLERANCES.get(str(want.dtype), 0)
    if np.allclose(got.astype(float), want.astype(float), rtol=tolerance, atol=tolerance, equal_nan=True):
        return None
    return f"{case} of {dtype}: {got} in place of {want}"


@settings(max_examples=500)
@given(st.sampled_from(OF_NUMPY), st.sampled_from(DTYPES), st.sampled_from(list(LAYOUTS)))
def test_value_dtype_and_shape_are_those_of_numpy(case, dtype, layout):
    assert difference(case, dtype, layout) is None


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_function_has_the_dtype_that_numpy_gives_it(dtype):
    assert [d for case in OF_NUMPY if (d := difference(case, dtype, "C"))] == []


@pytest.mark.slow
@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_every_function_is_numpys_in_every_layout(layout):
    assert [d for dtype in DTYPES for case in OF_NUMPY if (d := difference(case, dtype, layout))] == []


# Derivatives


def derivatives(case, arrays, least=-8):
    """The value of a case, its cotangents and its tangent, for directions that small dtypes hold exactly."""
    rng = np.random.default_rng(1)
    some = lambda x: (rng.integers(least, 9, size=np.shape(x)) / 8).astype(x.dtype)
    tangents = tuple(some(x) for x in arrays)
    y, pull_back = mg.vjp(case, *arrays)
    return [y, *pull_back(some(y)), mg.jvp(case, tuple(arrays), tangents)[1]]


def loss_of_digits(case, dtype):
    """How far derivatives in a dtype are from those in float64 at the same place, in units of the largest number."""
    arrays = [x.astype(dtype) for x in case.arrays]
    try:
        found = derivatives(case, arrays)
    except TypeError as error:
        assert "float16 is unsupported in linalg" in str(error)  # noqa: PT017
        return 0.0
    assert {x.dtype for x in found} == {np.dtype(dtype)}
    wanted = derivatives(case, [x.astype(float) for x in arrays])
    # Terms of the size of the others may cancel in one.
    scale = max(np.max(np.abs(x), initial=1) for x in wanted)
    return max(np.max(np.abs(x - w), initial=0) for x, w in zip(found, wanted, strict=True)) / scale


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_derivatives_in_small_dtypes_are_near_those_in_float64(dtype):
    """Each has its argument's dtype, and the digits that the dtype has."""
    lost = {f"{case}": loss_of_digits(case, dtype) for case in OF_RULES}
    assert {name: loss for name, loss in lost.items() if not loss <= TOLERANCES[dtype]} == {}


# Many numbers in float16, which counts to 2048 by ones and ends at 65504

N = 40_000
MANY = np.resize(np.array([1.0, 1.5, 0.5, 1.25], np.float16), N)
SUMS = {
    "sum": lambda x: mg.sum(x),
    "sum of columns": lambda x: mg.sum(x.reshape(-1, 2), axis=0),
    "sum of rows": lambda x: mg.sum(x.reshape(2, -1), axis=1, keepdims=True),
    "method": lambda x: x.reshape(-1, 2).sum(axis=0),
    "add.reduce": lambda x: np.add.reduce(x.reshape(-1, 2)),
    "sum of single": lambda x: mg.sum(x.astype(np.float32), dtype=np.float16),
    "mean": lambda x: 64 * mg.mean(x.reshape(-1, 2), axis=0),
    "var": lambda x: 256 * mg.var(x.reshape(-1, 2), axis=0),
    "var far from 0": lambda x: 256 * mg.var(1000 + 2 * x, axis=0),
    "std": lambda x: 256 * mg.std(x.reshape(-1, 2), axis=0, keepdims=True),
    "prod": lambda x: mg.prod(1 + (x.reshape(-1, 20)[:1000] - 1) / 256, axis=0),
    "cumsum": lambda x: mg.cumsum(x / 2),
    "cumulative_sum": lambda x: mg.cumulative_sum(x.reshape(-1, 2) / 2, axis=0, include_initial=True),
    "cumprod": lambda x: mg.cumprod(1 + (x[:1000] - 1) / 256),
    "norm": lambda x: mg.norm(x.reshape(-1, 2), axis=0),
    "norm, ord=1": lambda x: mg.linalg.vector_norm(x.reshape(-1, 2), axis=0, ord=1),
    "norm, ord=3": lambda x: mg.linalg.vector_norm(x, ord=3),
    "norm of numbers": lambda x: mg.linalg.vector_norm(x.reshape(-1, 2), axis=0, ord=0),
    "matrix_norm, ord=1": lambda x: mg.linalg.matrix_norm(x.reshape(-1, 2), ord=1),
    "logsumexp": lambda x: 64 * mg.logsumexp(x.reshape(-1, 2), axis=0),
    "logaddexp.reduce": lambda x: 64 * np.logaddexp.reduce(x),
    "softmax": lambda x: mg.softmax(x[:4000].reshape(-1, 2), axis=0),
    "max of equals": lambda x: 64 * mg.max(x),
    "einsum": lambda x: mg.einsum("ij->j", x.reshape(-1, 2)),
    "vecdot": lambda x: mg.vecdot(x, x / 2),
    "matmul": lambda x: x.reshape(2, -1) / 2 @ x.reshape(-1, 2),
    "trace": lambda x: mg.trace(x[:40_000].reshape(200, 200)),
    "a bias": lambda x: x[:2] + np.zeros((N // 2, 2), np.float16),
    "a row": lambda x: x[None, :2] * np.ones((N // 2, 2), np.float16),
    "a column": lambda x: x[:2, None] * np.ones((2, N // 2), np.float16),
    "broadcast_to": lambda x: mg.broadcast_to(x[:2], (N // 2, 2)),
    "tile": lambda x: mg.tile(x[:2], N // 2),
    "repeat": lambda x: mg.repeat(x[:2], N // 2),
    "a stack": lambda x: np.ones((N // 2, 1, 1), np.float16) @ x[None, None, :2],
    "take": lambda x: mg.take(x, np.zeros(N // 2, int)),
    "where": lambda x: mg.where(True, x[:2], np.ones((N // 2, 2), np.float16)),
    "windows": lambda x: mg.sliding_window_view(x[:4000], 3000) / 4,
    "linspace": lambda x: np.linspace(x[:2], x[1:3], N // 4),
    "geomspace": lambda x: np.geomspace(x[:2], x[1:3], N // 4, dtype=x.dtype),
}


def gap(found, wanted):
    """The largest difference, in units of each number or a hundredth of the largest."""
    wanted = np.asarray(wanted, float)
    sizes = np.maximum(np.abs(wanted), max(np.max(np.abs(wanted)) / 100, np.finfo(np.float16).tiny))
    return np.max(np.abs(plain(found) - wanted) / sizes)


@pytest.mark.parametrize("name", SUMS)
def test_many_numbers_of_float16_are_added_up_in_float32(name):
    """Value, gradient and tangent are those in float64, to a few roundings of float16."""
    half, double = (derivatives(SUMS[name], [MANY.astype(dtype)], least=1) for dtype in (np.float16, float))
    for found, wanted in zip(half, double, strict=True):
        assert found.dtype == np.float16
        assert np.isfinite(found).all()
        assert gap(found, wanted) <= 1e-2


@pytest.mark.parametrize("name", [name for name in SUMS if name not in ("method", "add.reduce", "logaddexp.reduce")])
def test_many_numbers_of_plain_float16_are_added_up_in_float32(name):
    """The functions of the package do so for ndarrays; methods of these, and of ufuncs, are NumPy's own."""
    value = SUMS[name](MANY)
    assert value.dtype == np.float16
    assert gap(value, SUMS[name](MANY.astype(float))) <= 1e-2


def test_slopes_of_log_softmax_of_many_numbers_of_float16():
    """Of equal numbers they sum to 0, but for the rounding of log n, though float16 does not count to n."""
    x, along = np.zeros((5000, 2), np.float16), np.ones((5000, 2), np.float16)
    f = lambda x: mg.log_softmax(x, axis=0)
    for slopes in (mg.vjp(f, x)[1](along)[0], mg.jvp(f, (x,), (along,))[1]):
        assert slopes.dtype == np.float16
        assert np.max(np.abs(slopes)) <= 5e-3


COLUMNS = {
    "var": lambda x: 256 * mg.var(x, axis=0),
    "std": lambda x: 64 * mg.std(x, axis=0),
    "norm": lambda x: mg.norm(x, axis=0),
    "logsumexp": lambda x: mg.logsumexp(x, axis=0),
    "square of a mean": lambda x: 16 * mg.mean(x, axis=0) ** 2,
    "square of a sum": lambda x: mg.sum(x / 256, axis=0) ** 2,
    "a bias": lambda x: mg.sum((x[:1] + x / 64) ** 2 / 16, axis=0),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_second_derivatives_of_many_numbers_of_float16(name):
    """The Hessian times a vector, which adds up many numbers as well, is that in float64."""
    x, along = MANY[:20_000].reshape(-1, 2), np.resize([1.0, 0.5, 2.0], (10_000, 2))
    f = lambda x: np.sum(COLUMNS[name](x))
    half, double = (mg.hvp(f, (x.astype(dtype),), (along.astype(dtype),))[0] for dtype in (np.float16, float))
    assert half.dtype == np.float16
    assert gap(half, double) <= 1e-2


@pytest.mark.parametrize("name", ["sum of columns", "mean", "var", "std", "prod", "norm", "softmax"])
def test_compiled_functions_of_float16_have_the_same_bits(name):
    """Values, gradients and their derivatives, in the replay as in the run that is recorded."""
    x, along = np.random.default_rng(1).uniform(0.5, 1.5, size=(2, 400)).astype(np.float16)
    short = lambda x: SUMS[name](np.concatenate([x] * 10))
    loss = lambda x: np.sum((short(x) / 256) ** 2)
    for program in (short, mg.grad(loss), lambda x: mg.hvp(loss, (x,), (along,))[0]):
        compiled = mg.compile(program)
        for _ in range(2):
            assert compiled(x).tobytes() == program(x).tobytes()


# Numbers at the ends of their range

NORMS = {
    "norm": np.linalg.norm,
    "ord=3": lambda x: np.linalg.norm(x, 3),
    "ord=2.5": lambda x: mg.linalg.vector_norm(x, ord=2.5),
    "axis": lambda x: np.sum(np.linalg.norm(x.reshape(1, -1), axis=1)),
    "fro": lambda x: np.linalg.norm(x.reshape(1, -1), "fro"),
    "hypot": lambda x: np.hypot(x[0], x[1]),
}


@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_norms_neither_overflow_nor_underflow(dtype, name):
    """Near the largest and the smallest number of a dtype, value and slope are those of numbers near 1."""
    f, x = NORMS[name], np.array([3.0, -4.0])
    value, slope = f(x), mg.grad(f)(x)
    limits = np.finfo(dtype)
    for scale in (limits.max / 8, limits.tiny * 8, limits.tiny):
        got, gradient = mg.value_and_grad(f)(x.astype(dtype) * np.dtype(dtype).type(scale))
        np.testing.assert_allclose(got.astype(float) / float(scale), value, rtol=TOLERANCES[dtype])
        np.testing.assert_allclose(gradient, slope, rtol=TOLERANCES[dtype])
        assert got.dtype == gradient.dtype == dtype


def test_slopes_of_lengths_that_are_no_numbers_of_float16():
    """The slopes of std and norm are those in float64 where the value has few bits, or is beyond the range."""
    for f, x in ((mg.std, [2e-7, 0, 4e-7, 9e-7]), (mg.norm, [2e-7, 1e-7, 3e-7]), (mg.norm, [6e4, -5e4, 4e4])):
        half = np.array(x, np.float16)
        with np.errstate(over="ignore"):  # of the last value
            got = mg.grad(f)(half)
        np.testing.assert_allclose(got, mg.grad(f)(half.astype(float)), rtol=TOLERANCES["float16"])


@pytest.mark.parametrize(
    ("dtype", "size"), [("float16", 1e3), ("float16", 6e4), ("float32", 1e7), ("float32", 1e30), ("float64", 1e300)]
)
def test_slopes_of_large_exponents_sum_to_one(dtype, size):
    """The derivatives of logsumexp and logaddexp are weights; those of softmax and log_softmax sum to 0 in each row."""
    eps = np.finfo(dtype).eps
    for x in (np.full(4, size, dtype), np.array([size, -1, 1, size], dtype)):
        for f in (mg.logsumexp, np.logaddexp.reduce, lambda x: np.logaddexp(x[0], x[1])):
            assert abs(np.sum(mg.grad(f)(x), dtype=float) - 1) <= 4 * eps
        for f in (mg.softmax, mg.log_softmax):
            assert np.max(np.abs(np.sum(mg.jacobian(f)(x), axis=1, dtype=float))) <= 4 * eps


# Integers

FRACTIONS = {
    "sigmoid": mg.sigmoid,
    "softmax": mg.softmax,
    "log_softmax": lambda x: mg.log_softmax(x, axis=0),
    "logsumexp": mg.logsumexp,
    "erf": mg.erf,
    "xlogy": lambda x: mg.xlogy(x, x),
    "mean": mg.mean,
    "var": mg.var,
    "std": lambda x: mg.std(x, axis=0),
    "norm": mg.norm,
    **{f"norm, ord={p}": lambda x, p=p: mg.norm(x, p, 0) for p in (0, 1, -1, 3, np.inf, -np.inf)},
    **{f"matrix norm, ord={p}": lambda x, p=p: mg.norm(x, p) for p in (1, -1, 2, -2, np.inf, -np.inf, "fro", "nuc")},
}


@pytest.mark.parametrize("dtype", [d for d in DTYPES if not d.startswith("float")])
@pytest.mark.parametrize("name", FRACTIONS)
def test_functions_of_fractions_take_integers_as_float64(name, dtype):
    """As np.mean does: nothing wraps around, and no result is rounded to an integer or to a small dtype."""
    f, x = FRACTIONS[name], converted(np.array([[-2.0, 40.0, 0.3], [1.0, 0.0, 33.0]]), dtype)
    with np.errstate(divide="ignore", invalid="ignore"):  # the logarithms of 0 and negative numbers in xlogy
        for made in (f(x), f(mg.asarray(x))):
            assert made.dtype == np.float64
            np.testing.assert_allclose(plain(made), f(x.astype(float)), rtol=1e-15)
