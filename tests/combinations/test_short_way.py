"""Calls at ground level have one meaning, whichever way they take: each beside the same call through the door.

Inside `mg.detect_anomaly()` every call is looked at, so that none takes a shorter way there.
"""

import operator
from contextlib import nullcontext, suppress
from functools import partial
from itertools import product

import numpy as np
import pytest

import minigrad as mg
from tests.rules.cases import CASES, Case, but_slow, is_ours

from .subjects import SUBJECTS, drawn, sine_of_product

# Ways to write a call

OPERATORS = {
    np.add: operator.add,
    np.subtract: operator.sub,
    np.multiply: operator.mul,
    np.divide: operator.truediv,
    np.matmul: operator.matmul,
    np.power: operator.pow,
    np.remainder: operator.mod,
    np.floor_divide: operator.floordiv,
    np.negative: operator.neg,
    np.positive: operator.pos,
    np.absolute: operator.abs,
}
IN_PLACE = {
    np.add: operator.iadd,
    np.subtract: operator.isub,
    np.multiply: operator.imul,
    np.divide: operator.itruediv,
    np.matmul: operator.imatmul,
}
PUBLIC = {f.__name__: f for f in vars(mg).values() if hasattr(f, "__wrapped__")}
PUBLIC_LINALG = {f.__name__: f for f in vars(mg.linalg).values() if hasattr(f, "__wrapped__")}


def spellings(key):
    """The functions that users call for what is registered under a key, by how they are written, if there are some."""
    name = getattr(key, "__name__", "")
    public = PUBLIC_LINALG if getattr(key, "__module__", "").startswith("numpy.linalg") else PUBLIC
    ways = {} if is_ours(key) or isinstance(key, tuple) else {"numpy": key}
    if name in public:
        ways["minigrad"] = public[name]
    if key in OPERATORS:
        ways["operator"] = lambda *xs, **options: (key if options else OPERATORS[key])(*xs, **options)
    if name == "getitem":
        ways["operator"] = operator.getitem
    return ways


def on_a_result(function):
    """An operator that changes its left operand, which may be no leaf."""
    return lambda x, y: function(x * 1, y)


# Operands, made anew for each call


def leaf(x):
    return mg.tensor(x, requires_grad=True)


OPERANDS = {"leaf": leaf, "constant": mg.tensor, "array": np.array}
single = lambda x: np.asarray(x, np.float32)
NUMBERS = {
    **{name: (lambda make=make: make(drawn((3, 3), 5) + 3.0)) for name, make in OPERANDS.items()},
    "parameter": lambda: mg.nn.Parameter(drawn((3, 3), 7) + 3.0),
    "leaf of float32": lambda: leaf(single(drawn((3, 3), 6) + 3.0)),
    "array of float32": lambda: single(drawn((3, 3), 6) + 3.0),
    "array of integers": lambda: np.arange(1, 10).reshape(3, 3),
    "row, a leaf": lambda: leaf(np.array([1.5, 2.5, 0.5])),
    "leaf without axes": lambda: leaf(np.array(1.75)),
    "array without axes": lambda: np.array(1.75),
    "float32 without axes": lambda: single(1.75),
    "np.float64": lambda: np.float64(1.75),
    "np.float32": lambda: np.float32(1.75),
    "np.int64": lambda: np.int64(2),
    "float": lambda: 1.75,
    "int": lambda: 2,
    "bool": lambda: True,
    "list": lambda: [1.5, 2.5, 0.5],
}


# What comes of a call


def described(x):
    """All there is to say of a result, in what can be compared."""
    if isinstance(x, tuple | list):
        return [described(part) for part in x]
    if isinstance(x, mg.Tensor):
        return type(x).__name__, x.requires_grad, x.is_leaf, described(x.detach().numpy())
    if isinstance(x, np.ndarray | np.generic):
        return type(x).__name__, x.dtype.str, x.shape, x.tobytes()
    return type(x).__name__, x


def outcome(function, makers, backward=True):
    """What a call returns, and what its backward pass leaves in the leaves; or its error, with the text."""
    operands = [make() for make in makers]
    try:
        y = function(*operands)
        found = [described(y)]
        if backward and isinstance(y, mg.Tensor) and y.requires_grad:
            y.backward(drawn(y.shape, 1).astype(y.dtype))
            found += [described(x.grad) for x in operands if isinstance(x, mg.Tensor)]
    except mg.AnomalyError:
        raise
    except Exception as error:
        return type(error).__name__, str(error)
    return found


def assert_one_meaning(ways, makers, label, backward=True):
    """Each way of writing a call has the outcome that the first has through the door."""
    for context in (nullcontext, mg.no_grad):
        with context():
            with mg.detect_anomaly():
                wanted = outcome(next(iter(ways.values())), makers, backward)
            for way, function in ways.items():
                assert outcome(function, makers, backward) == wanted, f"{way}: {label}, {context.__name__}"


def kinds_of(count):
    """Kinds of so many operands, of which one is a Tensor: all for one or two; for more all alike, but for one."""
    pairs = product(OPERANDS, OPERANDS, range(count))
    alike = sorted({tuple(odd if i == k else kind for i in range(count)) for kind, odd, k in pairs})
    return [kinds for kinds in alike if set(kinds) != {"array"}]


def made_of(arrays, kinds):
    return [partial(OPERANDS[kind], x) for kind, x in zip(kinds, arrays, strict=True)]


def ways_of(subject):
    """The ways to write a call of the table, or of a user's function."""
    case = subject.function
    if not isinstance(case, Case):
        return {"itself": case}
    return {way: partial(case.call, function) for way, function in spellings(case.key).items()} or {"itself": case}


subjects = pytest.mark.parametrize("subject", but_slow(SUBJECTS), ids=str)


@subjects
def test_calls_have_one_meaning(subject):
    """A call has the same bits, type and derivatives on any way, by operator, public function and NumPy's function."""
    count = len(subject.points)
    dtypes = {(np.float64,) * count, (np.float32,) * count, (np.float32, *[np.float64] * (count - 1))}
    for types, kinds in product(sorted(dtypes, key=str), kinds_of(count)):
        arrays = [x.astype(dtype) for x, dtype in zip(subject.points, types, strict=True)]
        assert_one_meaning(ways_of(subject), made_of(arrays, kinds), ", ".join(kinds))


SHAPES = [(), (7,), (5, 7), (2, 3, 7), (0,)]


@subjects
def test_wrong_shapes_have_one_meaning(subject):
    """An operand of another shape raises the same error, with the same text, on any way; or has the same value."""
    count = len(subject.points)
    for kinds, position, shape in product(kinds_of(count), range(count), SHAPES):
        wrong = [np.resize(x, shape) if i == position else x for i, x in enumerate(subject.points)]
        # A matrix whose rows are repeated is singular, so that its logarithms are infinite.
        with np.errstate(all="ignore"), suppress(mg.AnomalyError):
            label = f"{', '.join(kinds)}, with {shape} as operand {position}"
            assert_one_meaning(ways_of(subject), made_of(wrong, kinds), label, backward=False)


UFUNCS = [key for key in dict.fromkeys(case.key for case in CASES) if isinstance(key, np.ufunc) and key.nin == 2]
BINARY = {ufunc.__name__: spellings(ufunc) for ufunc in UFUNCS}
if not np.array_equal(NUMBERS["array of float32"]() ** 2, np.power(NUMBERS["array of float32"](), 2)):
    del BINARY["power"]["operator"]  # NumPy 2.0 itself squares with other roundings than it takes powers
BINARY |= {f"{ufunc.__name__} in place": {"operator": on_a_result(f)} for ufunc, f in IN_PLACE.items()}
BINARY |= {"user's": {"itself": sine_of_product}}
TENSORS = ("leaf", "constant", "parameter", "leaf of float32", "leaf without axes")
PAIRS = list(dict.fromkeys([*product(TENSORS, NUMBERS), *product(NUMBERS, TENSORS)]))


@pytest.mark.parametrize("name", BINARY)
def test_numbers_beside_tensors_have_one_meaning(name):
    """Numbers, NumPy's scalars, lists and arrays without axes, on either side of a Tensor: one result on any way."""
    for left, right in PAIRS:
        if "in place" not in name or left in TENSORS:
            assert_one_meaning(BINARY[name], [NUMBERS[left], NUMBERS[right]], f"{left}, {right}")


METHODS = {
    "sum": (np.sum, lambda x: x.sum()),
    "sum over an axis": (lambda x: np.sum(x, axis=0), lambda x: x.sum(0), lambda x: mg.sum(x, axis=0)),
    "sum over no axis": (lambda x: np.sum(x, axis=7), lambda x: x.sum(axis=7), lambda x: mg.sum(x, axis=7)),
    "mean": (np.mean, lambda x: x.mean(), mg.mean),
    "mean over an axis": (lambda x: np.mean(x, axis=-1), lambda x: x.mean(-1), lambda x: mg.mean(x, axis=-1)),
    "square": (np.square, lambda x: x**2),
    "root": (np.sqrt, lambda x: x**0.5),
    "reciprocal": (np.reciprocal, lambda x: x**-1),
    "transpose": (np.transpose, lambda x: x.T, lambda x: x.transpose()),
    "reshape": (lambda x: np.reshape(x, (-1, 1)), lambda x: x.reshape(-1, 1), lambda x: mg.reshape(x, (-1, 1))),
    "wrong reshape": (lambda x: np.reshape(x, (2, 7)), lambda x: x.reshape(2, 7), lambda x: mg.reshape(x, (2, 7))),
    "astype": (lambda x: x.astype("f4"), lambda x: mg.astype(x, np.dtype("f4"))),
    "item": (lambda x: x[0], lambda x: x[0, ...]),
    "round": (np.round, mg.round, lambda x: x.round()),
    "where": (lambda x: np.where(MASK, x, 0.5), lambda x: mg.where(MASK, x, 0.5)),
}
MASK = np.eye(3) > 0


@pytest.mark.parametrize("name", METHODS)
def test_methods_have_one_meaning(name):
    """A method, a power by a small number and an index have the bits and derivatives of NumPy's function."""
    for operand in TENSORS:
        ways = dict(enumerate(METHODS[name]))
        assert_one_meaning(ways, [NUMBERS[operand]], operand)


@mg.primitive(lambda g, y, a, b: g[..., :1], None)
def wrongly_shaped(a, b):
    return a * b


@mg.primitive(lambda g, y, x: (2 * g).astype(int))
def not_floating(x):
    return 2 * x


@pytest.mark.parametrize(("function", "count"), [(wrongly_shaped, 2), (not_floating, 1)])
def test_errors_of_rules_have_one_text(function, count):
    """A rule that answers wrongly, or is missing, raises the same error, with the same text, on any way."""
    for kinds in kinds_of(count):
        assert_one_meaning({"itself": function}, [NUMBERS[kind] for kind in kinds], ", ".join(kinds))


ANSWERS = {
    "text": lambda x: "text",
    "nothing": lambda x: None,
    "a float": lambda x: 1.5,
    "np.float64": np.sum,
    "a pair": lambda x: (x, x),
    "integers": lambda x: x.astype(int),
    "truths": lambda x: x > 0,
    "complex numbers": lambda x: x + 1j,
    "float32": lambda x: x.astype(np.float32),
    "its argument": lambda x: x,
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_answers_of_users_functions_have_one_meaning(answer):
    """What a user's function answers, be it no array, becomes the same, or raises the same error, on any way."""

    @mg.primitive(lambda g, y, x: g * np.ones_like(x))
    def user(x):
        return ANSWERS[answer](x)

    for kind in TENSORS:
        assert_one_meaning({"itself": user}, [NUMBERS[kind]], kind)
