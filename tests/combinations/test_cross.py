"""Every case under every transformation, for all layouts, dtypes and kinds of operands, beside numeric derivatives.

The whole cross is slow. A sample of it runs always, in which each case and each combination comes at least once.
"""

import random
from itertools import cycle, islice, product

import pytest

import minigrad as mg

from .cross import DTYPES, KINDS, LAYOUTS, TRANSFORMATIONS, Combination, complaints, fits
from .subjects import SUBJECTS, Subject

# Of the combinations of a transformation that is slow each case has one in so many, and its neighbours have others.
ONE_IN = {"vjp": 5, "jacobian": 5, "hessian": 10, "compile numpy": 5}

# What fails, and shall: by case, transformation and kind of operand the error, and the reason.
EXCEPTIONS: dict[tuple[str, str, str], tuple[str, str]] = {}


def verdict(subject, combination):
    """What is wrong: a line each. An exception that no longer fails is wrong as well."""
    if combination.transformation == "compile numba":
        pytest.importorskip("llvmlite")
        pytest.importorskip("scipy")
    lines = complaints(subject, combination)
    expected = EXCEPTIONS.get((subject.name, combination.transformation, combination.kind))
    if expected is None:
        return lines
    if any(line.startswith(expected[0]) for line in lines):
        return []
    return [f"no longer fails with a {expected[0]}, so it is no exception any more"]


def chosen(transformation, subject, number):
    """The combinations of a subject in the whole cross."""
    every = ONE_IN.get(transformation, 1)
    for i, layout in enumerate(LAYOUTS):
        for (j, dtype), (k, kind) in product(enumerate(DTYPES), enumerate(KINDS)):
            turn = (i + 2 * j + k + number) % 5 + 5 * ((i + j + number // 5 + number // 7) % 2)
            if turn % every == 0 and fits(subject, layout):
                yield Combination(transformation, layout, dtype, kind)


def is_refused(subject, combination):
    """Whether a recording refuses a function, because the length of its result depends on values."""
    return subject.name.startswith("trim_zeros") and combination.transformation.startswith("compile")


def assert_right(subject, combinations):
    wrong = {c: verdict(subject, c) for c in combinations if not is_refused(subject, c)}
    text = [f"{combination}: {line}" for combination, lines in wrong.items() for line in lines]
    assert not text, f"{subject}:\n" + "\n".join(text)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(SUBJECTS)), ids=map(str, SUBJECTS))
@pytest.mark.parametrize("transformation", [name for name in TRANSFORMATIONS if name != "compile numba"])
def test_derivatives_are_numeric_ones_in_all_combinations(transformation, number):
    """No layout, dtype or kind of operand changes what a transformation finds: the derivative by differences."""
    assert_right(SUBJECTS[number], chosen(transformation, SUBJECTS[number], number))


def one_of_each_function():
    """For each function one subject, with one combination of compilation to native code, which takes its time."""
    firsts = {subject.name.partition("(")[0]: subject for subject in reversed(SUBJECTS)}
    for number, subject in enumerate(firsts.values()):
        combinations = [c for c in chosen("compile numba", subject, number) if c.layout != "number" or number % 2]
        yield subject, combinations[7 * number % len(combinations)]


@pytest.mark.slow
@pytest.mark.parametrize(("subject", "combination"), list(one_of_each_function()), ids=str)
def test_native_code_has_numeric_derivatives(subject, combination):
    """Native code finds the derivative by differences, for each function in one of the combinations."""
    assert_right(subject, [combination])


def sample():
    """Subjects with combinations dealt to them in turn: each of either, but for native code, at least once."""
    combinations = [Combination(*c) for c in product(TRANSFORMATIONS, LAYOUTS, DTYPES, KINDS) if "numba" not in c[0]]
    random.Random(0).shuffle(combinations)
    general = [c for c in combinations if c.layout != "number"]
    yield from islice(zip(cycle(SUBJECTS), cycle(general)), max(len(SUBJECTS), len(general)))
    of_numbers = [c for c in combinations if c.layout == "number"]
    yield from zip(cycle(s for s in SUBJECTS if fits(s, "number")), of_numbers)
    yield from native_sample()


def native_sample():
    """Each layout, dtype and kind with native code."""
    names = ["exp(3,4)", "matmul(3,4),(4,2)", "sum(2,3,4)", "cumprod(3,5)", "sine_of_product(3,4),(3,4)", "tanh()"]
    for i, (name, layout) in enumerate(zip(names, LAYOUTS, strict=True)):
        subject = next(subject for subject in SUBJECTS if subject.name == name)
        yield subject, Combination("compile numba", layout, DTYPES[i % 2], KINDS[i % 5])


SAMPLE = list(sample())
MARKED = [pytest.param(*pair, marks=[pytest.mark.slow] * pair[0].of_parts) for pair in SAMPLE]  # as `but_slow` does


@pytest.mark.parametrize(("subject", "combination"), MARKED, ids=str)
def test_derivatives_are_numeric_ones_in_a_sample(subject, combination):
    """A combination dealt to a case finds the derivative by differences."""
    assert_right(subject, [combination])


def test_the_sample_is_spread():
    """The sample has each case, and each pair of a transformation with a layout, a dtype and a kind."""
    assert {id(subject) for subject, _ in SAMPLE} == set(map(id, SUBJECTS))
    combinations = [combination for _, combination in SAMPLE]
    for i, values in enumerate((LAYOUTS, DTYPES, KINDS), 1):
        assert {(c[0], c[i]) for c in combinations} == set(product(TRANSFORMATIONS, values))
    for (i, left), (j, right) in [((1, LAYOUTS), (2, DTYPES)), ((1, LAYOUTS), (3, KINDS)), ((2, DTYPES), (3, KINDS))]:
        assert {(c[i], c[j]) for c in combinations} == set(product(left, right))


def test_the_whole_cross_is_spread():
    """What is left out of a slow transformation differs between cases: together they have every combination."""
    for transformation in ONE_IN:
        found = {c for number, subject in enumerate(SUBJECTS) for c in chosen(transformation, subject, number)}
        assert found == {Combination(transformation, *rest) for rest in product(LAYOUTS, DTYPES, KINDS)}


@pytest.mark.parametrize("exception", EXCEPTIONS, ids="-".join)
def test_exceptions_fail(exception):
    """What is listed as an exception is in the table, and fails as it says."""
    name, transformation, kind = exception
    subjects = [subject for subject in SUBJECTS if subject.name == name]
    assert subjects
    for subject in subjects:
        assert_right(subject, [Combination(transformation, "C", "float64", kind)])


@mg.primitive(lambda g, y, x: g * 2.001 * x)
def nearly_squared(x):
    return x * x


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("transformation", [name for name in TRANSFORMATIONS if name != "compile numba"])
def test_a_wrong_rule_is_seen(transformation, kind):
    """A rule that is wrong by one part in two thousand is found in every transformation, by all kinds of operands."""
    subject = Subject("nearly_squared", nearly_squared, lambda x: x * x, SUBJECTS[0].points, analytic=True)
    assert complaints(subject, Combination(transformation, "C", "float64", kind))
