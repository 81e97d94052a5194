"""Nothing is detached in silence: what leaves the graph says so, and the remedy that it names works."""

import copy
import math
import traceback
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import minigrad as mg

from .numeric import REFUSALS, by_backward, close, every_way, leaf, outcome, right_or_refused, slope

X = np.array([0.6, 1.3, 0.9])


def used_by(transform):
    """The call of a function on the argument of another, which `transform` differentiates."""
    return lambda f, x: transform(lambda v: (f(v), np.sum(v * v))[1], x)


# The call of a function on an array through which a derivative flows.
WATCHED = {
    "leaf": lambda f, x: f(leaf(*x)),
    "result": lambda f, x: f(leaf(*x) * 1.0),
    "grad": used_by(lambda f, x: mg.grad(f)(x)),
    "jvp": used_by(lambda f, x: mg.jvp(f, (x,), (x,))),
    "vjp": used_by(mg.vjp),
    "checkpoint": used_by(lambda f, x: mg.grad(mg.checkpoint(f))(x)),
    "grad of grad": used_by(lambda f, x: mg.grad(lambda v: np.sum(mg.grad(f)(v)))(x)),
}
watched = pytest.mark.parametrize("use", WATCHED.values(), ids=list(WATCHED))


def text_of(error):
    """What the user reads: NumPy puts an error of its own in front of the one that says what to do."""
    return "".join(traceback.format_exception(error))


# Numbers of Python's and of NumPy's


MATH = (
    math.exp,
    math.sqrt,
    math.sin,
    math.log1p,
    math.floor,
    math.isnan,
    lambda x: math.hypot(x, 1.0),
    lambda x: math.fsum([x, x]),
)


@watched
def test_functions_of_math_are_refused(use):
    """math.exp and its kind take a plain number: they raise, and name NumPy's function and item()."""
    for function in MATH:
        with pytest.raises(TypeError, match=r"np\.exp") as caught:
            use(lambda x, function=function: function(x[0]), X)
        assert "item()" in str(caught.value)


@watched
@pytest.mark.parametrize("kind", [float, int, complex])
def test_numbers_of_python_are_refused(kind, use):
    """float(x), int(x) and complex(x) raise where a derivative flows, and name item()."""
    with pytest.raises(TypeError, match=r"item\(\)"):
        use(lambda x: kind(x[0]), X)


@watched
def test_numbers_of_numpy_are_refused(use):
    """np.float64(x) and its kind raise where a derivative flows, and name item() or detach()."""
    for kind in (np.float64, np.float32, np.float16, np.int64, np.complex128):
        with pytest.raises(TypeError, match=r"item\(\)|detach\(\)"):
            use(lambda x, kind=kind: kind(x[0]), X)


@watched
def test_explicit_values_are_given(use):
    """item, tolist, format, print, bool, len and comparisons are explicit, or questions, and work."""
    seen = []

    def f(x):
        seen.append(
            (x[1].item(), x.tolist(), f"{x[1]:.2f}", format(x[1], "5.1f"), bool(x[1] > 1), len(x), str(x) != "")
        )

    use(f, X)
    assert set(map(repr, seen)) == {repr((1.3, X.tolist(), "1.30", "  1.3", True, 3, True))}


def test_numbers_without_a_derivative_are_given():
    """float, int, math and NumPy's numbers take constants, detached arrays, positions, and results under no_grad."""
    c, w = mg.tensor(2.0), leaf(2.0)
    assert (float(c), int(c), math.sqrt(c * 2), complex(c), np.float64(c)) == (2.0, 2, 2.0, 2 + 0j, 2.0)
    assert float(w.detach()[0]) == float((w.detach() * 2.0)[0]) / 2 == 2.0
    with mg.no_grad():
        assert float((w * 3.0)[0]) == 6.0
    seen = []
    mg.grad(lambda x: (seen.append((float(c), int(np.argmax(x)), float(x.detach()[1]))), np.sum(x))[1])(X)
    assert seen == [(2.0, 1, 1.3)]


def test_remedies_for_numbers_work():
    """np.exp keeps the derivative of math.exp, and item() gives the value alone, as its error says."""
    close(mg.grad(lambda x: np.exp(x) * x)(0.5), np.exp(0.5) * 1.5)
    close(mg.grad(lambda x: math.exp(x.item()) * x)(0.5), np.exp(0.5))
    close(mg.grad(lambda x: np.float64(x.item()) * x)(3.0), 3.0)
    w = leaf(0.5)
    (w * math.exp(w.item())).backward()
    close(w.grad, [np.exp(0.5)])


# Arrays of NumPy's that are written into


def by_statement(a, x):
    a[0] = x[0]


def by_slice(a, x):
    a[:] = x


def by_one_of_a_slice(a, x):
    a[0:1] = x[0]


def by_mask(a, x):
    a[a == 0] = x[0]


def by_operator(a, x):
    a += x


def by_flat(a, x):
    a.flat[0] = x[0]


WRITES = {
    "a[0] = x": by_statement,
    "a[:] = x": by_slice,
    "a[0:1] = x": by_one_of_a_slice,
    "a[mask] = x": by_mask,
    "a += x": by_operator,
    "a.flat[0] = x": by_flat,
    "fill": lambda a, x: a.fill(x[0]),
    "a.__setitem__": lambda a, x: a.__setitem__(0, x[0]),
    "put": lambda a, x: np.put(a, [0], x[0]),
    "copyto": lambda a, x: np.copyto(a, x),
    "out=": lambda a, x: np.multiply(x, 2.0, out=a),
    "add.at": lambda a, x: np.add.at(a, [0, 1, 2], x),
    "fill_diagonal": lambda a, x: np.fill_diagonal(a.reshape(1, 3), x[0]),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=list(WRITES))
def test_an_ndarray_takes_no_watched_number(write):
    """An ndarray has no place for a derivative: every way to write one into it raises, and leaves the array alone."""
    for use in WATCHED.values():
        a = np.zeros(3)
        with pytest.raises(REFUSALS):
            use(lambda x, a=a: write(a, x), X)
        np.testing.assert_array_equal(a, 0)


@watched
def test_a_refused_write_names_the_buffer_to_use(use):
    """What the user reads after c[i] = x or c.fill(x) names mg.zeros, whose arrays can be written into."""
    for write in (by_statement, by_slice, WRITES["fill"]):
        with pytest.raises(REFUSALS) as caught:
            use(lambda x, write=write: write(np.zeros(3), x), X)
        assert "mg.zeros" in text_of(caught.value)


def test_the_buffer_to_use_works():
    """A function that np.zeros makes fail has its derivative with mg.zeros in the place of np.zeros."""

    def f(x, zeros=mg.zeros):
        c = zeros(2)
        c[0] = x[0] ** 2
        return np.sum(c)

    close(mg.grad(f)(np.array([3.0, 1.0])), [6.0, 0.0])
    with pytest.raises(REFUSALS) as caught:
        mg.grad(lambda x: f(x, np.zeros))(np.array([3.0, 1.0]))
    assert "mg.zeros" in text_of(caught.value)


# Arrays made of watched numbers


LISTED = {
    "list": lambda x: np.array([np.cos(x[0]), np.sin(x[1])]),
    "tuple": lambda x: np.asarray((x[0] * 1.0, x[1] ** 2)),
    "with a plain number": lambda x: np.array([x[0] * x[1], 1.0]),
    "nested": lambda x: np.array([[x[0], 0.0], [x[1], x[0] * x[2]]]),
    "rows": lambda x: np.array([x, x * 2.0]),
    "floats": lambda x: np.array([x[0], x[1]], dtype=float),
}
CONVERTED = {
    "array": lambda x: np.array(x * x),
    "asarray": lambda x: np.asarray(x * x, float),
    "fromiter": lambda x: np.fromiter((v * v for v in x), float),
    "ascontiguousarray": lambda x: np.ascontiguousarray(x * x),
    "list()": lambda x: np.stack(list(x * x)),
    "tolist": lambda x: np.array(x.tolist()) * x,
}
REVERSE = (by_backward, lambda f, x: mg.grad(f)(x), lambda f, x: mg.vjp(f, x)[1](1.0)[0])


def weighted(make):
    """A function that depends on each element of what `make` returns, and on its argument by itself."""

    def f(x):
        made = make(x)
        return np.sum(made * (1.0 + np.arange(made.size)).reshape(made.shape)) + np.sum(x)

    return f


@pytest.mark.parametrize("make", LISTED.values(), ids=list(LISTED))
def test_an_array_of_watched_numbers_is_right_or_names_stack(make):
    """np.array([a, b]) either keeps the derivative or raises and names np.stack."""
    f = weighted(make)
    for way in REVERSE:
        right_or_refused(lambda way=way: way(f, X), slope(f, X), says="np.stack", rtol=1e-8)


@pytest.mark.parametrize("name", CONVERTED)
def test_an_array_of_a_watched_array_is_right_or_refused(name):
    """np.array(x) and its kind either keep the derivative or raise; tolist() is explicit, and gives plain numbers."""
    f = weighted(CONVERTED[name])
    want = slope(f, X) if name != "tolist" else X * [1.0, 2.0, 3.0] + 1
    for way in REVERSE:
        right_or_refused(lambda way=way: way(f, X), want, rtol=1e-8)


@every_way
def test_the_stack_to_use_works(way):
    """np.stack joins watched and plain numbers, as the error of np.array says."""
    f = weighted(lambda x: np.stack([np.stack([x[0], np.array(0.0)]), np.stack([x[1], x[0] * x[2]])]))
    close(way(f, X), [2 + 4 * X[2], 4.0, 1 + 4 * X[0]])


# Creation of arrays from watched numbers


CREATED = {
    "full": lambda xp, x: xp.full(3, x[0]) * x[1],
    "full of two axes": lambda xp, x: xp.full((2, 2), x[0] * x[1]),
    "full of a row": lambda xp, x: xp.full((2, 3), x),
    "full_like": lambda xp, x: xp.full_like(x, x[0]) * x,
    "full_like of an ndarray": lambda xp, x: xp.full_like(np.ones(3), x[1]),
    "NumPy's full_like": lambda xp, x: np.full_like(x, x[2]) * x,
    "linspace, stop": lambda xp, x: xp.linspace(0.0, x[0], 5) * x[1],
    "linspace, start": lambda xp, x: xp.linspace(x[0], 2.0, 4),
    "linspace, both": lambda xp, x: xp.linspace(x[0], x[1], 3),
    "meshgrid": lambda xp, x: xp.meshgrid(x, x)[0] * x,
    "meshgrid, second": lambda xp, x: xp.meshgrid(x, x * x)[1] * x,
    "meshgrid, ij": lambda xp, x: xp.meshgrid(x[:2], x, indexing="ij")[0] ** 2,
    "meshgrid with a constant": lambda xp, x: xp.meshgrid(np.arange(2.0), x)[1],
}


@pytest.mark.parametrize("make", CREATED.values(), ids=list(CREATED))
def test_creation_keeps_the_derivative(make):
    """mg.full, full_like, linspace and meshgrid of watched numbers have NumPy's values and their derivative."""
    f, numpys = weighted(lambda x: make(mg, x)), weighted(lambda x: make(np, x))
    want = slope(numpys, X)
    close(f(mg.tensor(X)), numpys(X))
    for way in REVERSE:
        close(way(f, X), want, rtol=1e-8)
    close(mg.jvp(f, (X,), (np.ones(3),))[1], want.sum(), rtol=1e-8)


COPIES = pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, np.copy, lambda x: x.copy(), lambda x: +x])


@COPIES
def test_a_copy_is_right_or_refused(make):
    """A copy of a watched array keeps the derivative, or cannot be made; a copy of a leaf by Python is another leaf."""
    f = lambda x: np.sum(make(x * 1.0) * x)
    for way in (*REVERSE, lambda f, x: np.diag(mg.jacobian(lambda x: make(x) * x)(x))):
        right_or_refused(lambda way=way: way(f, X), 2 * X)
    right_or_refused(lambda: mg.grad(lambda x: np.sum(make(x) * x))(X), 2 * X)
    right_or_refused(lambda: mg.jvp(lambda x: np.sum(make(x) * x), (X,), (X,))[1], np.sum(2 * X * X))


OTHERS = {
    "mg.arange, start": (lambda x: mg.arange(x[0], 2.0, 0.5), lambda x: x[0] + 0.5 * np.arange(3)),
    "mg.arange, step": (lambda x: mg.arange(0.0, 2.5, x[0]), lambda x: x[0] * np.arange(5)),
    "np.arange": (lambda x: np.arange(x[0], 2.0, 0.5), lambda x: x[0] + 0.5 * np.arange(3)),
    "np.full": (lambda x: np.full(3, x[0]), lambda x: np.full(3, x[0])),
    "np.full_like": (lambda x: np.full_like(np.ones(3), x[0]), lambda x: np.full(3, x[0])),
    "np.linspace": (lambda x: np.linspace(x[0], x[1], 4), lambda x: np.linspace(x[0], x[1], 4)),
    "np.logspace": (lambda x: np.logspace(0.0, x[0], 4), lambda x: np.logspace(0.0, x[0], 4)),
    "np.geomspace": (lambda x: np.geomspace(1.0, x[1], 4), lambda x: np.geomspace(1.0, x[1], 4)),
    "np.meshgrid": (lambda x: np.meshgrid(x, x)[0], lambda x: np.meshgrid(x, x)[0]),
    "eye, like=": (lambda x: np.eye(3, like=x) * x, lambda x: np.eye(3) * x),
    "asarray, like=": (lambda x: np.asarray([1.0, 2.0, 3.0], like=x) * x, lambda x: np.arange(1.0, 4.0) * x),
    "array, like=": (lambda x: np.array([x[0], x[1]], like=x), lambda x: x[:2]),
    "bincount": (lambda x: np.bincount([0, 1, 1], weights=x) ** 2, lambda x: np.bincount([0, 1, 1], weights=x) ** 2),
    "bincount, minlength": (
        lambda x: np.bincount(np.array([2, 0, 2]), x, minlength=4) ** 2,
        lambda x: np.bincount([2, 0, 2], x, minlength=4) ** 2,
    ),
    "histogram": (
        lambda x: np.histogram([0.1, 0.6, 0.7], bins=2, range=(0, 1), weights=x)[0] ** 2,
        lambda x: np.bincount([0, 1, 1], x) ** 2,
    ),
    "unique": (lambda x: np.unique(x) ** 2, lambda x: np.unique(x) ** 2),
    "unique, counts": (lambda x: np.unique(x, return_counts=True)[0] ** 2, lambda x: np.unique(x) ** 2),
    "unique_values": (lambda x: mg.unique_values(x) ** 3, lambda x: np.sort(x) ** 3),
    "unique_all": (lambda x: mg.unique_all(x).values ** 3, lambda x: np.sort(x) ** 3),
    "unique_counts": (lambda x: mg.unique_counts(x).values ** 3, lambda x: np.sort(x) ** 3),
    "unique_inverse": (lambda x: mg.unique_inverse(x).values ** 3, lambda x: np.sort(x) ** 3),
    "cond": (lambda x: np.linalg.cond(np.diag(x)), lambda x: np.max(x) / np.min(x)),
    "cond, p=1": (lambda x: np.linalg.cond(np.diag(x), 1), lambda x: np.max(x) / np.min(x)),
    "cond, p=-2": (lambda x: np.linalg.cond(np.diag(x), -2), lambda x: np.min(x) / np.max(x)),
    "pinv": (lambda x: np.linalg.pinv(np.diag(x)), lambda x: np.diag(1 / x)),
    "eigvalsh": (lambda x: np.linalg.eigvalsh(np.diag(x)), np.sort),
    "lstsq": (lambda x: np.linalg.lstsq(np.eye(3), x)[0] ** 2, lambda x: x**2),
    "matrix_power": (lambda x: np.linalg.matrix_power(np.diag(x), 3), lambda x: np.diag(x**3)),
    "median": (np.median, np.median),
    "percentile": (lambda x: np.percentile(x, 30), lambda x: np.percentile(x, 30)),
    "average": (lambda x: np.average(x, weights=[1.0, 2.0, 3.0]), lambda x: np.average(x, weights=[1.0, 2.0, 3.0])),
    "average by weights": (lambda x: np.average([1.0, 2.0, 4.0], weights=x), lambda x: x @ [1.0, 2.0, 4.0] / x.sum()),
    "ptp": (np.ptp, np.ptp),
    "nansum": (lambda x: np.nansum(x * x), lambda x: np.sum(x * x)),
    "nanmax": (np.nanmax, np.max),
    "nanmean": (np.nanmean, np.mean),
    "trapezoid": (lambda x: np.trapezoid(x, [0.0, 1.0, 3.0]), lambda x: np.trapezoid(x, [0.0, 1.0, 3.0])),
    "cov": (np.cov, np.cov),
    "corrcoef": (lambda x: np.corrcoef(x, [1.0, 3.0, 2.0]), lambda x: np.corrcoef(x, [1.0, 3.0, 2.0])),
    "convolve": (lambda x: np.convolve(x, [1.0, 2.0]), lambda x: np.convolve(x, [1.0, 2.0])),
    "correlate": (lambda x: np.correlate(x, [1.0, 2.0]), lambda x: np.correlate(x, [1.0, 2.0])),
    "interp": (lambda x: np.interp(0.4, [0.0, 0.5, 1.0], x), lambda x: np.interp(0.4, [0.0, 0.5, 1.0], x)),
    "interp by places": (lambda x: np.interp(x, [0.0, 0.5, 2.0], X), lambda x: np.interp(x, [0.0, 0.5, 2.0], X)),
    "polyval": (lambda x: np.polyval(x, 2.0), lambda x: np.polyval(x, 2.0)),
    "poly1d": (lambda x: np.poly1d(x)(2.0), lambda x: np.polyval(x, 2.0)),
    "polyfit": (lambda x: np.polyfit([0.0, 1.0, 2.0], x, 1), lambda x: np.polyfit([0.0, 1.0, 2.0], x, 1)),
    "gradient": (np.gradient, np.gradient),
    "vectorize": (lambda x: np.vectorize(lambda v: v * v)(x), lambda x: x * x),
    "frompyfunc": (lambda x: np.frompyfunc(lambda v: v * v, 1, 1)(x), lambda x: x * x),
    "apply_along_axis": (lambda x: np.apply_along_axis(lambda v: v * v, 0, x), lambda x: x * x),
    "piecewise": (lambda x: np.piecewise(x, [x > 1], [lambda v: v * v, 0.0]), lambda x: np.where(x > 1, x * x, 0)),
    "select": (lambda x: np.select([x > 1], [x * x], 0.0), lambda x: np.where(x > 1, x * x, 0)),
    "choose": (lambda x: np.choose([0, 1, 0], [x, x * x]), lambda x: np.where([1, 0, 1], x, x * x)),
    "compress": (lambda x: np.compress([True, False, True], x * x), lambda x: x[::2] ** 2),
    "extract": (lambda x: np.extract([True, False, True], x * x), lambda x: x[::2] ** 2),
    "insert": (lambda x: np.insert(np.ones(2), 1, x[0]), lambda x: np.insert(np.ones(2), 1, x[0])),
    "append": (lambda x: np.append(np.ones(2), x), lambda x: np.append(np.ones(2), x)),
    "delete": (lambda x: np.delete(x * x, 1), lambda x: x[::2] ** 2),
    "resize": (lambda x: np.resize(x, 5), lambda x: np.resize(x, 5)),
    "block": (lambda x: np.block([[x, x * x]]), lambda x: np.block([[x, x * x]])),
    "partition": (lambda x: np.partition(x, 1), np.sort),
    "fft": (lambda x: np.abs(np.fft.rfft(x)), lambda x: np.abs(np.fft.rfft(x))),
    "modf": (lambda x: np.modf(x)[0] ** 2, lambda x: np.modf(x)[0] ** 2),
    "divmod": (lambda x: divmod(x, 0.5)[1] ** 2, lambda x: np.mod(x, 0.5) ** 2),
    "fmod": (lambda x: np.fmod(x, 0.5) ** 2, lambda x: np.fmod(x, 0.5) ** 2),
    "heaviside": (lambda x: np.heaviside(x, 0.5) * x, lambda x: x * 1.0),
    "nextafter": (lambda x: np.nextafter(x, 9.0) ** 2, lambda x: x**2),
    "ldexp": (lambda x: np.ldexp(x, 3), lambda x: 8 * x),
    "frexp": (lambda x: np.frexp(x)[0] ** 2, lambda x: np.frexp(x)[0] ** 2),
    "add.reduce": (lambda x: np.add.reduce(x * x), lambda x: np.sum(x * x)),
    "multiply.reduce": (np.multiply.reduce, np.prod),
    "maximum.reduce": (np.maximum.reduce, np.max),
    "add.accumulate": (lambda x: np.add.accumulate(x) ** 2, lambda x: np.cumsum(x) ** 2),
    "multiply.outer": (lambda x: np.multiply.outer(x, x), lambda x: np.outer(x, x)),
    "add.reduceat": (lambda x: np.add.reduceat(x, [0, 1]) ** 2, lambda x: np.array([x[0], x[1] + x[2]]) ** 2),
    "subtract.at": (lambda x: [v := x * x, np.subtract.at(v, [0, 0], x[:2])][0], lambda x: x**2 - [x[0] + x[1], 0, 0]),
    "reduce by sum()": (lambda x: sum(list(x)), np.sum),
    "math.prod": (lambda x: math.prod(x), np.prod),
    "max of a list": (lambda x: max(list(x)), np.max),
    "sorted": (lambda x: np.stack(sorted(x)) ** 2, lambda x: np.sort(x) ** 2),
    "dot of lists": (lambda x: np.dot([1.0, 2.0, 3.0], x), lambda x: x @ [1.0, 2.0, 3.0]),
    "round()": (lambda x: round(x[1]) * x, lambda x: x * 1.0),
    "astype": (lambda x: x.astype(np.float32).astype(float), lambda x: x),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_function_of_numpys_is_right_or_refused(name):
    """A function of watched numbers has the derivative that its mathematics has, or raises; it is never a constant."""
    function, mathematics = OTHERS[name]
    f, want = weighted(function), slope(weighted(lambda x: np.asarray(mathematics(x))), X)
    for way in REVERSE:
        right_or_refused(lambda way=way: way(f, X), want, rtol=1e-7)


def test_functions_without_a_rule_take_constants():
    """Of a constant there is no derivative to lose: functions without a rule have NumPy's values."""
    c = mg.tensor([1.0, 5.0, 2.0])
    close(np.median(c), 2.0)
    close(np.percentile(c, 50), 2.0)
    close(np.interp(0.5, [0.0, 1.0], mg.tensor([2.0, 4.0])), 3.0)
    close(np.histogram(c, bins=2, range=(0, 6))[0], [2, 1])
    close(np.linalg.cond(mg.tensor(np.diag([4.0, 2.0]))), 2.0)
    close(np.bincount([0, 1, 1], weights=c), [1.0, 7.0])
    close(np.unique(mg.tensor([2.0, 1.0, 2.0])), [1.0, 2.0])


# Other libraries, and numbers with an arithmetic of their own


@pytest.mark.filterwarnings("ignore")  # quad may warn of an integrand that raises
def test_quadrature_is_right_or_refused():
    """scipy.integrate.quad of an integrand with a watched factor does not return a plain number."""
    integrate = pytest.importorskip("scipy.integrate")
    right_or_refused(lambda: mg.grad(lambda x: integrate.quad(lambda s: s * x, 0, 1)[0] * x)(3.0), 3.0)
    right_or_refused(lambda: mg.grad(lambda x: integrate.quad(np.exp, 0, x)[0] + x)(1.0), np.e + 1)
    w = leaf(3.0)
    got, refusal = outcome(lambda: integrate.quad(lambda s: s * w[0], 0, 1)[0] * w)
    assert refusal is not None or got.backward() or w.grad.tolist() == [3.0]


@pytest.mark.filterwarnings("ignore")
def test_root_finding_is_right_or_refused():
    """A root of an equation with a watched coefficient is not a constant: sqrt(x) has the derivative 1 / (2 sqrt x)."""
    optimize = pytest.importorskip("scipy.optimize")
    right_or_refused(lambda: mg.grad(lambda x: optimize.brentq(lambda s: s * s - x, 0.0, 4.0) + 0 * x)(4.0), 0.25)


@pytest.mark.parametrize(
    ("other", "name"),
    [
        (Fraction(1, 2), "Fraction"),
        (Decimal("0.5"), "Decimal"),
        (np.array([2.0, 3.0, 4.0], dtype=object), "object"),
        (np.array([Fraction(1, 2)] * 3), "object"),
    ],
    ids=["Fraction", "Decimal", "object array", "array of fractions"],
)
def test_numbers_of_another_arithmetic_are_refused_by_name(other, name):
    """A product with a Fraction, a Decimal or an array of objects raises and names the type, on either side."""
    for use in WATCHED.values():
        for product in (lambda x: x * other, lambda x: other * x, lambda x: np.multiply(x, other), lambda x: x + other):
            with pytest.raises(TypeError, match=name):
                use(product, X)


def test_the_remedy_for_fractions_works():
    """A Fraction as a float is a number like any other."""
    close(mg.grad(lambda x: np.sum(x * float(Fraction(1, 2))))(np.ones(2)), [0.5, 0.5])
