"""The program of docs/how_it_works.md: the pieces on the page, one after the other, and nothing else."""

import ast
import gc
import re
import types
import weakref
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim

from .test_imports import SPINE

PACKAGE = Path(mg.__file__).parent
PAGE = (Path(__file__).parents[1] / "docs" / "how_it_works.md").read_text(encoding="utf-8")
# Pieces of the program are the blocks that begin with the names of the files that they are models of.
PIECES = re.findall(r"^```python\n(# [\w/]+\.py(?:, [\w/]+\.py)*\n.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
COMPILER = [piece for piece in PIECES if piece.startswith("# compile/")]
TABLE = [piece for piece in PIECES if piece.startswith("# rules/")]
ENGINE = [piece for piece in PIECES if piece not in COMPILER + TABLE]


def module(pieces):
    """A new module that has run the pieces."""
    made = types.ModuleType("small")
    exec("".join(pieces), vars(made))
    return made


@pytest.fixture
def small():
    return module(PIECES)


def lines(pieces):
    """The lines of code: all but empty ones and comments."""
    return [line for line in "".join(pieces).splitlines() if line.strip() and not line.strip().startswith("#")]


def files(piece):
    """The real files that a piece is a model of."""
    return [PACKAGE / name for name in piece.splitlines()[0].removeprefix("# ").split(", ")]


def defined(source):
    """The names of the functions and classes that a source defines on its outermost level."""
    return {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def test_it_has_as_many_lines_as_the_page_says():
    """The engine has 100 at most, and the numbers in the text are those of the program."""
    assert len(lines(ENGINE)) <= 100
    assert f"an engine of {len(lines(ENGINE))} lines and a table of rules in {len(lines(TABLE))} lines" in PAGE
    assert f"{len(lines(COMPILER))} lines more" in PAGE
    before_transforms = next(i for i, piece in enumerate(PIECES) if piece.startswith("# transforms/"))
    assert f"These are {len(lines(PIECES[:before_transforms]))} lines" in PAGE


def test_it_has_the_names_of_the_real_files():
    """What a piece defines is defined under the same name in one of the files that it names."""
    for piece in PIECES:
        real = set().union(*(defined(file.read_text(encoding="utf-8")) for file in files(piece)))
        assert defined(piece) <= real, piece.splitlines()[0]


def test_the_tour_names_files_that_are_there():
    """Files and folders of the last table exist; the whole engine is in it, the spine in its order, and all rooms."""
    named = [name for row in re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE) for name in re.findall(r"`(.*?)`", row)]
    assert all((PACKAGE / name).exists() for name in named)
    for folder, about in re.findall(r"^\| `([a-z]+/)` \|(.*)$", PAGE, re.MULTILINE):
        assert all((PACKAGE / folder / name).exists() for name in re.findall(r"`([a-z_]+\.py)`", about))
    assert [name for name in named if name in {f"core/{file}.py" for file in SPINE}] == [f"core/{f}.py" for f in SPINE]
    for room in ("core", "transforms"):
        assert {f"{room}/{file.name}" for file in (PACKAGE / room).glob("[!_]*.py")} <= set(named)
    rooms = {f"{file.parent.name}/" for file in PACKAGE.glob("*/__init__.py")} - {"core/", "transforms/"}
    assert rooms <= set(named)


X = np.array([[0.0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]])
Y = np.array([[0.0], [1], [1], [0]])
START = np.random.RandomState(1).rand(3, 1)


def test_it_trains_the_tutorials_network_to_the_same_digits(small):
    """10,000 epochs give the weights that minigrad gives, bit by bit."""
    weights, ours = small.Tensor(START.copy()), mg.tensor(START, requires_grad=True)
    optimizer = optim.SGD([ours], lr=1.0)
    for _ in range(10_000):
        weights.grad = None
        output = small.sigmoid(X @ weights)
        (np.sum((output - Y) * (output - Y)) / 2).backward()
        weights.value -= weights.grad

        optimizer.zero_grad()
        (mg.sum((mg.sigmoid(X @ ours) - Y) ** 2) / 2).backward()
        optimizer.step()
    assert np.array_equal(weights.value, ours.data)
    assert output.value.round(8).ravel().tolist() == [0.00966553, 0.99211898, 0.99358961, 0.00786455]


A = np.random.default_rng(0).normal(size=(3, 3))
T = np.random.default_rng(1).normal(size=(3, 3))
ROW = np.arange(1.0, 4.0)
FUNCTIONS = {
    "arithmetic": lambda sigmoid: lambda a: np.sum((a - 2.0) * a / (3.0 + a * a) - a),
    "exp": lambda sigmoid: lambda a: np.sum(np.exp(a) * a),
    "sigmoid and tanh": lambda sigmoid: lambda a: np.sum(np.tanh(sigmoid(a) * a)),
    "broadcasting": lambda sigmoid: lambda a: np.sum(np.exp(ROW * a + np.sum(a, axis=0)) / (1.0 + np.sum(a * a))),
    "a row added to each row": lambda sigmoid: lambda a: np.sum(np.ones((3, 3)) + np.sum(a * a, axis=0)),
    "sums": lambda sigmoid: lambda a: np.sum(np.tanh(np.sum(a, axis=1)) * np.sum(a * a, axis=0)),
    "products": lambda sigmoid: lambda a: np.sum(np.tanh(a @ a.T @ (a * a))),
    "inverse": lambda sigmoid: lambda a: np.sum(np.linalg.inv(a @ a.T + np.diag(ROW)) @ a),
    "shapes": lambda sigmoid: lambda a: np.sum(np.reshape(a * a, (3, 3, 1)) * np.broadcast_to(np.tanh(a), (9, 3, 3)).T),
    "elements": lambda sigmoid: lambda a: np.sum(np.tanh(a[[0, 2, 2]] * a[1]) * a[:, 1] * a[0, 0]),
    "changes in place": lambda sigmoid: changed_in_place,
}


def changed_in_place(a):
    """Of an array that is written to by index and by operators, after it was used and before it is used again."""
    b = a * 1.0
    before = np.sum(np.tanh(b) * b)
    b[0] = b[1] * a[2]
    b[:, 1] = 2.0
    b[1:] = np.sum(b * b, axis=0)
    b += a
    b *= np.exp(b[0, 0])
    b -= ROW
    return before + np.sum(np.tanh(b) * b)


# Sums in another order round otherwise: by some units in the last place of the largest term.
CLOSE = {"rtol": 1e-12, "atol": 1e-12}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_its_derivatives_are_minigrads(small, name):
    """Gradients and directional derivatives, and all four ways to second derivatives."""
    f, ours = FUNCTIONS[name](small.sigmoid), FUNCTIONS[name](mg.sigmoid)
    a = small.Tensor(A)
    f(a).backward()
    np.testing.assert_allclose(a.grad, mg.grad(ours)(A), **CLOSE)
    np.testing.assert_allclose(small.grad(f)(A), mg.grad(ours)(A), **CLOSE)
    np.testing.assert_allclose(small.jvp(f, (A,), (T,)), mg.jvp(ours, (A,), (T,)), **CLOSE)

    (second,) = mg.hvp(ours, (A,), (T,))
    along = lambda a: small.jvp(f, (a,), (T,))[1]
    np.testing.assert_allclose(small.jvp(small.grad(f), (A,), (T,))[1], second, **CLOSE)
    np.testing.assert_allclose(small.grad(lambda a: np.sum(small.grad(f)(a) * T))(A), second, **CLOSE)
    np.testing.assert_allclose(small.grad(along)(A), second, **CLOSE)
    np.testing.assert_allclose(small.jvp(along, (A,), (T,))[1], np.sum(second * T), **CLOSE)


def test_its_third_derivative_is_minigrads(small):
    """Levels nest further than two."""
    third = small.grad(small.grad(small.grad(np.tanh)))(np.array(0.3))
    assert third == pytest.approx(mg.grad(mg.grad(mg.grad(np.tanh)))(0.3), rel=1e-13)


@pytest.mark.parametrize("mode", ["reverse", "forward"])
def test_levels_nest(small, mode):
    """An array of one level that meets an array of another keeps its derivative: d/dx (x * d/dy (x * y)) is 2 x."""
    one, two = np.array(1.0), np.array(2.0)

    def slope(f):
        return small.grad(f)(two) if mode == "reverse" else small.jvp(f, (two,), (one,))[1]

    f = lambda x: x * slope(lambda y: x * y)
    assert small.grad(f)(one) == 2
    assert small.jvp(f, (one,), (one,)) == (1, 2)


def test_what_does_not_depend_on_the_argument_has_derivative_zero(small):
    """Neither a constant nor an array of an outer level is mistaken for a result of the inner one."""
    one = np.array(1.0)
    assert small.grad(lambda x: np.array(3.0))(one) == 0
    assert small.grad(small.grad(lambda x: 2.0 * x))(one) == 0
    assert small.grad(lambda x: x * small.grad(lambda y: x)(one))(one) == 0
    assert small.jvp(lambda x: small.jvp(lambda y: x, (one,), (one,))[1], (one,), (one,)) == (0, 0)


CHANGES = {
    "a variable of the outer gradient": lambda x, b, c: x.__setitem__(0, 10.0),
    "the same, by an operator": lambda x, b, c: x.__iadd__(1.0),
    "what was computed from it": lambda x, b, c: b.__setitem__(slice(None), x * 7.0),
    "a Tensor from outside of both": lambda x, b, c: c.__imul__(3.0),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_what_was_computed_keeps_its_values(small, change):
    """No later change in place, at any level, reaches the derivative of c x^2 y^2 by y and x, which is 4 c x y."""
    for inner in (lambda f, y: small.grad(f)(y), lambda f, y: small.jvp(f, (y,), (np.ones(1),))[1]):

        def outer(x, inner=inner):
            b, c = x * 1.0, small.Tensor(np.array([5.0]))

            def f(y):
                z = np.sum(b * y * x * y * c)
                change(x, b, c)
                return z

            return np.sum(inner(f, np.array([3.0])))

        assert small.grad(outer)(np.array([2.0])).value.tolist() == [4 * 5 * 2 * 3]  # a Tensor, as c is one


def test_a_tensor_that_was_changed_is_swept_by_backward(small):
    """As a buffer that Tensors are written into, row by row."""
    w, rows = small.Tensor(np.array([0.5, 2.0])), small.Tensor(np.zeros((3, 2)))
    rows[0] = w
    for i in range(1, 3):
        rows[i] = rows[i - 1] * w
    np.sum(rows).backward()
    np.testing.assert_allclose(w.grad, 1 + 2 * np.array([0.5, 2.0]) + 3 * np.array([0.25, 4.0]), rtol=1e-15)


def test_two_names_of_an_array_see_its_changes(small):
    """`c = b` makes no copy: what one name writes, by index or by an operator, the other reads."""

    def f(a):
        b = a * 1.0
        c = b
        c += a
        b[0] = a[1]
        assert b is c
        return np.sum(c * np.array([10.0, 1.0]))

    assert small.grad(f)(np.array([3.0, 4.0])).tolist() == [0, 12]
    assert small.jvp(f, (np.array([3.0, 4.0]),), (np.array([1.0, 1.0]),)) == (48, 12)


def test_nodes_do_not_change(small):
    """Neither a sweep nor a change in place of the array writes to a node, but for the gradient of a leaf."""
    w = small.Tensor(np.array([0.5, 2.0]))
    b = w * w
    node = b.node
    before = dict(vars(node)), [x.copy() for x in (node.y, *node.args)]
    np.sum(np.exp(b)).backward()
    b[0] = w[1]
    b += w
    assert b.node is not node
    assert vars(node) == before[0]
    assert [x.tolist() for x in (node.y, *node.args)] == [x.tolist() for x in before[1]]


def test_a_gradient_of_a_tensor_can_be_differentiated_by_backward(small):
    """The levels of transformations lie inside of that of Tensors."""
    x = small.Tensor(np.array(0.5))
    small.grad(np.exp)(x * x).backward()
    assert x.grad == pytest.approx(2 * 0.5 * np.exp(0.25), rel=1e-15)


def test_a_function_without_a_rule_is_refused(small):
    """It is not computed on the values alone, neither a function nor the method of one."""
    for call in (np.sort, np.sin, np.add.reduce):
        with pytest.raises(KeyError):
            call(small.Tensor(A))


def test_a_deep_graph_is_swept_and_freed_by_counting_references(small):
    """20,000 operations in a row, more than Python's stack has room for."""
    leaf = small.Tensor(np.array(1.0))
    x = leaf
    for _ in range(20_000):
        x = x + 1.0
    x.backward()
    assert leaf.grad == 1
    middle = weakref.ref(next(iter(x.node.parents.values())))
    gc.disable()
    try:
        del x
        assert middle() is None
    finally:
        gc.enable()


def test_its_compiler_runs_a_function_once_and_repeats_its_bits(small):
    """For other values of the same shape, as the function itself would compute them."""
    runs = []

    def loss(weights):
        runs.append(weights)
        error = small.sigmoid(X @ weights) - Y
        return np.sum(error * error) / 2

    compiled, weights = small.Compiled(small.grad(loss)), START.copy()
    for _ in range(100):
        weights -= compiled(weights)
    assert len(runs) == 1
    by_hand = START.copy()
    for _ in range(100):
        by_hand -= small.grad(loss)(by_hand)
    assert np.array_equal(weights, by_hand)
