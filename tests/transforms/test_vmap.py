"""vmap: which axes it maps, what it takes and returns, and what it refuses."""

from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.core.context import USUAL, context

rng = np.random.default_rng(0)
X, W = rng.normal(size=(5, 3)), rng.normal(size=(3, 4))


def f(x):
    return np.sum(np.tanh(x @ W))


# Axes


@given(st.integers(-3, 2), st.integers(-3, 2))
def test_any_axis_can_be_mapped(into, out):
    x = rng.normal(size=(2, 3, 4))
    found = mg.vmap(lambda x: x * 2 - x[0], into, out)(x)
    parts = [np.take(x, k, into) for k in range(x.shape[into])]
    np.testing.assert_array_equal(found, np.stack([x * 2 - x[0] for x in parts], axis=out))


def test_axes_are_given_for_arguments_and_trees():
    """One for all arrays of a tree, or a tree of them; arguments by keyword, and those with None, are shared."""
    Pair = namedtuple("Pair", "a b")
    p = {"w": np.arange(6.0).reshape(3, 2), "b": [np.arange(2.0), np.ones(4)]}

    def g(p, pair, scale=1):
        return {"y": p["w"].sum() + p["b"][0] * scale, "z": (pair.a * p["b"][1].sum(), pair.b)}

    pair = Pair(np.ones(2), 3.0)
    found = mg.vmap(g, ({"w": 1, "b": [0, None]}, Pair(0, None)), {"y": 0, "z": (0, None)})(p, pair, scale=10)
    assert found["y"].tolist() == [6, 19]
    assert found["z"][0].tolist() == [4, 4]
    assert found["z"][1] == 3.0


def test_what_is_the_same_for_all_entries_is_repeated_or_left():
    assert mg.vmap(lambda x: 7)(X).tolist() == [7] * 5
    assert mg.vmap(lambda x: (x.sum(), 7), out_axes=(0, None))(X)[1] == 7
    with pytest.raises(ValueError, match=r"out_axes is None for a result that is the same .* of shape \(\), depends"):
        mg.vmap(lambda x: x.sum(), out_axes=None)(X)


@pytest.mark.parametrize(
    ("axes", "arguments", "error", "text"),
    [
        (0, (np.ones(2), 1.0), ValueError, r"axis 0 of an argument of shape \(\). Pass an array, .* in_axes=None"),
        (1, (np.ones(2),), ValueError, r"maps over axis 1 of an argument of shape \(2,\)"),
        (None, (np.ones(2),), ValueError, "at least one array; no argument has one. See in_axes"),
        (0, (np.ones(2), np.ones(3)), ValueError, r"have equal lengths; got \[2, 3\]. See in_axes"),
        ((0,), (np.ones(2), np.ones(2)), ValueError, r"one axis for each; got \(0,\) for tuple of 2"),
        ({"a": 0}, (np.ones(2),), ValueError, r"has the structure of the arguments"),
        (({"a": 0},), ({"b": np.ones(2)},), ValueError, r"got \{'a': 0\} for dict of 1"),
        (([0],), (np.ones(2),), ValueError, r"for ndarray of 1"),
        ("0", (np.ones(2),), TypeError, "in_axes takes an integer, None, or a tree of these; got a str"),
    ],
)
def test_axes_that_do_not_fit_are_refused(axes, arguments, error, text):
    with pytest.raises(error, match=text):
        mg.vmap(lambda *x: x[0], axes)(*arguments)


def test_results_are_arrays():
    @dataclass
    class Both:
        x: object

    with pytest.raises(TypeError, match="returns arrays, numbers, and lists, tuples and mappings of them; got a Both"):
        mg.vmap(lambda x: Both(x))(X)
    with pytest.raises(ValueError, match="has the structure of the results"):
        mg.vmap(lambda x: x, out_axes=(0, 0))(X)


def test_arrays_come_back_for_arrays_and_tensors_for_tensors():
    assert type(mg.vmap(f)(X)) is np.ndarray
    assert type(mg.vmap(f)(mg.tensor(X))) is mg.Tensor
    assert mg.vmap(f)(X.astype(np.float32)).dtype == np.float64
    assert mg.vmap(lambda x: np.tanh(x))(X.astype(np.float32)).dtype == np.float32


# Other transformations

NESTED = {
    "grad": mg.grad(f),
    "value_and_grad": mg.value_and_grad(f),
    "jacobian": mg.jacobian(lambda x: np.tanh(x @ W)),
    "jacobian of few": mg.jacobian(f),
    "hessian": mg.hessian(f),
    "jvp": lambda x: mg.jvp(f, (x,), (x,)),
    "vjp": lambda x: mg.vjp(lambda x: np.tanh(x @ W), x)[1](x @ W),
    "hvp": lambda x: mg.hvp(f, (x,), (x,)),
    "vmap": lambda x: mg.vmap(lambda y: np.sum(x * y))(X),
    "checkpoint": mg.checkpoint(f),
    "grad of checkpoint": mg.grad(mg.checkpoint(f)),
    "compile": mg.compile(f),
    "grad of vmap": mg.grad(lambda x: mg.vmap(lambda y: np.sum(np.sin(x * y)))(X).sum()),
    "filled": mg.grad(lambda x: np.sum(filled(x) ** 2)),
    "filled, forward": lambda x: mg.jvp(filled, (x,), (np.ones(3),))[1],
    "hessian at a position": lambda x: mg.hessian(lambda y: (y**3).sum() * y[np.argmax(x)])(x),
    "written at a position": mg.jacobian(lambda x: written(x, np.argmax(x))),
}


def filled(x):
    """An array that is filled by index, in every way."""
    out = mg.zeros((3, 3))
    out[0] = x
    out[:, 1] = x * 2
    out[2, [0, 2]] = x[:2]
    out[0, 2] = out[np.argmax(x)].sum() + out[np.argmax(x), 0]
    out[np.argmax(x), 1] = 5.0
    out[1, 2] = out[0, 0] * out[0, 1]
    out[x[None] * np.ones((3, 1)) > 0.3] = x[0]
    cube = mg.zeros((2, 3, 2))
    cube[1] = x[:2]
    cube[0] = x[1:]
    out[1, 1] = np.sum(cube[[0, 1], :, [1, 1]] ** 2)
    cube[[0, 1], :, [0, 1]] = x
    out[1, 2] += np.sum(cube**2)
    out[1:] = x[None, None]  # NumPy drops leading axes of length 1
    out += 1
    return out


def written(x, i):
    y = x * 1.0
    y[i] = 2.0
    return y * x


@pytest.mark.parametrize("transformed", NESTED.values(), ids=NESTED)
def test_a_transformation_inside_equals_the_loop(transformed):
    found = mg.vmap(transformed)(X)
    wants = [transformed(x) for x in X]
    for y, *want in zip(*([r] if not isinstance(r, tuple) else r for r in (found, *wants)), strict=True):
        y, *want = (np.asarray(part[0] if isinstance(part, tuple) else part) for part in (y, *want))
        np.testing.assert_allclose(y, np.stack(want), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("backend", ["numpy", "native"])
def test_a_compiled_function_can_map(backend):
    """Recorded once, and replayed with other numbers."""
    for g in (f, mg.grad(f), mg.hessian(f)):
        compiled = mg.compile(mg.vmap(g), backend=backend)
        for scale in (1, 2, -1):
            np.testing.assert_allclose(compiled(X * scale), mg.vmap(g)(X * scale), rtol=1e-12)
        assert len(compiled.programs) == 1


def test_a_checkpoint_around_a_map_saves_and_repeats():
    def draws():
        generator = np.random.default_rng(3)
        return lambda x: np.sum(mg.vmap(lambda x: x * mg.sample(generator, "normal", size=3))(x) ** 2)

    np.testing.assert_array_equal(mg.grad(mg.checkpoint(draws()))(X), mg.grad(draws())(X))


def test_backward_leaves_the_sum_in_a_tensor_outside():
    w = mg.tensor(W, requires_grad=True)
    y = mg.vmap(mg.grad(lambda x: mg.sum(mg.tanh(x @ w))))(X)
    (y**2).sum().backward()
    found, w.grad = w.grad, None
    for x in X:
        (mg.grad(lambda x: mg.sum(mg.tanh(x @ w)))(x) ** 2).sum().backward()
    np.testing.assert_allclose(found.numpy(), w.grad.numpy(), rtol=1e-12)


def test_networks_are_trained_at_once():
    """Stacked parameters in place of a module's own: each network has the gradient that it has alone."""
    model = nn.Sequential(nn.Linear(3, 4, rng=0), nn.Tanh(), nn.Linear(4, 1, rng=1))
    stacked = {k: rng.normal(size=(6, *p.shape)) for k, p in model.named_parameters()}

    def loss(p):
        return mg.mean(nn.functional_call(model, p, X) ** 2)

    found = mg.vmap(mg.grad(loss))(stacked)
    for i in range(6):
        want = mg.grad(loss)({k: v[i] for k, v in stacked.items()})
        for k in want:
            np.testing.assert_allclose(found[k][i], want[k], rtol=1e-11, atol=1e-14)


# Random numbers


def test_each_entry_draws_numbers_of_its_own():
    generator = np.random.default_rng(0)
    found = mg.vmap(lambda x: mg.sample(generator, "normal"))(X)
    generator = np.random.default_rng(0)
    assert found.tolist() == [generator.normal() for _ in range(5)]
    assert len(set(mg.vmap(lambda x: mg.sample(None, "normal"))(X).tolist())) == 5


def test_a_seed_gives_other_numbers_to_each_entry_and_the_same_again():
    draw = mg.vmap(mg.vmap(lambda x: mg.sample(7, "normal")))
    first = draw(X)
    assert len(set(first.reshape(-1).tolist())) == X.size
    np.testing.assert_array_equal(draw(X), first)
    drop = mg.vmap(lambda x: nn.functional.dropout(x, 0.5, rng=0))(np.ones((4, 64)))
    assert len({tuple(row) for row in drop.tolist()}) == 4


def test_arguments_of_a_draw_may_differ():
    found = mg.vmap(lambda m: mg.sample(np.random.default_rng(0), "normal", m, 1e-9))(np.arange(3.0))
    np.testing.assert_allclose(found, np.arange(3.0), atol=1e-7)


def test_no_entries_draw_nothing():
    with pytest.raises(mg.BatchError, match="random numbers, .* this batch has none. Use a batch of one entry or more"):
        mg.vmap(lambda x: mg.sample(None, "normal"))(np.ones((0, 2)))
    with pytest.raises(TypeError, match="sample of an array"):
        mg.vmap(lambda x: mg.sample(None, "normal", requires_grad=True))(X)


# What differs between entries

QUESTIONS = {
    "branch": lambda x: x if x[0] > 0 else -x,
    "float": lambda x: float(x[0]),
    "int": lambda x: int(x[0]),
    "complex": lambda x: complex(x[0]),
    "item": lambda x: x[0].item(),
    "tolist": lambda x: x.tolist(),
    "array": lambda x: np.asarray(x),
    "numpy": lambda x: W[np.argmax(x)],
    "filled ndarray": lambda x: np.zeros(3).__setitem__(0, x[0]),
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_a_question_with_an_answer_for_each_entry_is_refused(question):
    with pytest.raises(mg.BatchError, match=r"differs between the entries of a batch .* Use np.where"):
        mg.vmap(question)(X)
    assert context.get() is USUAL


def test_the_advice_works():
    np.testing.assert_array_equal(mg.vmap(lambda x: np.where(x[0] > 0, x, -x))(X), np.where(X[:, :1] > 0, X, -X))
    np.testing.assert_array_equal(mg.vmap(lambda x: mg.asarray(W)[np.argmax(x)])(X), W[np.argmax(X, axis=1)])
    np.testing.assert_array_equal(mg.vmap(lambda x: np.stack([x[1], x[0]]))(X), X[:, 1::-1])


def test_other_questions_are_refused_with_a_remedy_of_their_own():
    for mapped, text in (
        (lambda x: x[x > 0], r"a mask that differs .* Use np.where\(mask, x, 0\)"),
        (lambda x: masked(x), r"takes a single number v. Use np.where\(mask, v, x\)"),
        (lambda x: x[True, np.argmax(x)], "True or False beside positions .* Use None"),
        (lambda x: np.sum(x, where=x > 0), "takes one where= for all entries .* Use np.where on the operand"),
        (lambda x: np.max(x, initial=x[0]), r"takes one initial= .* np.maximum\(np.max\(x\), v\)"),
        (lambda x: x.sum().backward(), "Call it on what vmap returns, or use mg.grad inside"),
        (lambda x: np.array_str(x), "makes text, which differs .* Return the array, and print that"),
    ):
        with pytest.raises(mg.BatchError, match=text):
            mg.vmap(mapped)(X)
    with pytest.raises(TypeError, match="sequence of integers or a single integer"):  # in NumPy's own words
        mg.vmap(lambda x: np.zeros(np.argmax(x)))(X)
    with pytest.raises(IndexError, match="a single ellipsis"):
        mg.vmap(lambda x: x[..., np.argmax(x), ...])(X)
    with pytest.raises(IndexError, match=r"too many indices: an entry of the batch has shape \(3,\), and 2"):
        mg.vmap(lambda x: x[np.argmax(x), 0])(X)
    with pytest.raises(ValueError, match="matmul"):
        mg.vmap(lambda x: x[0] @ np.ones((1, 3)))(X)
    with pytest.raises(ValueError, match=r"shape \(3,\) is not broadcast to fewer axes; got the shape \(\)"):
        mg.vmap(lambda x: np.broadcast_to(x, ()))(X)


def masked(x):
    y = x * 1
    y[x > 0] = x
    return y


def test_an_array_shows_one_entry():
    shown = []

    def look(x):
        assert (x.shape, x.ndim, x.size, x.dtype, len(x)) == ((3,), 1, 3, np.float64, 3)
        y = x * 1
        y[0] = 1.0  # it is being filled from here on
        assert (y.shape, y.ndim, y.size) == ((3,), 1, 3)
        shown.append(repr(x))
        return y.detach()

    assert type(mg.vmap(look)(X)) is np.ndarray
    assert shown[0].startswith("Batched(shape (3,), of array(")


def test_an_array_is_used_up_when_the_map_has_returned():
    kept = []
    mg.vmap(lambda x: kept.append(x) or x)(X)
    with pytest.raises(mg.LevelError, match="after the transformation that watched it has returned"):
        kept[0] * 2


def test_an_argument_that_is_changed_inside_stays_outside():
    x, t = X.copy(), mg.tensor(X)

    def change(x):
        x[0] = 0.0
        x += 1
        return x

    for given_array in (x, t):
        assert np.asarray(mg.vmap(change)(given_array))[:, 0].tolist() == [1] * 5
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(t.numpy(), X)


def test_an_error_inside_leaves_nothing_behind():
    with pytest.raises(ZeroDivisionError):
        mg.vmap(lambda x: 1 / 0)(X)
    assert context.get() is USUAL


def test_threads_map_side_by_side():
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda k: mg.vmap(mg.grad(f))(X * k), range(8)))
    for k, y in enumerate(found):
        np.testing.assert_allclose(y, mg.vmap(mg.grad(f))(X * k))


def test_functions_of_ones_own_take_a_batch():
    """By its kind, an elementwise one all at once; a general one for one entry after the other."""
    calls = []

    @mg.primitive(lambda g, y, x: g * 2 * x)
    def squared(x):
        calls.append(x.shape)
        return x * x

    @mg.primitive(lambda g, y, x: g * np.ones_like(x), kind="general", forward=[lambda t, y, x: np.sum(t)])
    def added(x):
        calls.append(x.shape)
        return np.sum(x)

    np.testing.assert_allclose(mg.vmap(mg.grad(lambda x: np.sum(squared(x))))(X), 2 * X)
    np.testing.assert_allclose(mg.vmap(added)(X), X.sum(axis=1))
    assert calls == [(5, 3)] + [(3,)] * 5


# Indices

INDICES = {
    "number": lambda i, j: (i,),
    "list": lambda i, j: ([i, 0],),
    "row of a column": lambda i, j: (slice(None), i),
    "two": lambda i, j: (i, j),
    "apart": lambda i, j: (i, slice(1, None), j),
    "last": lambda i, j: (..., j),
    "with an array": lambda i, j: (i, np.array([0, 2])),
    "with a mask": lambda i, j: (np.array([True, False, True]), i),
    "new axes": lambda i, j: (None, i, None, slice(None, None, -1)),
    "negative": lambda i, j: (i - 2, slice(None), -1),
    "many": lambda i, j: (slice(0, 2), np.stack([i, j]), np.array([[0], [1]])),
    "same for all, apart": lambda i, j: (np.array([0, 1]), slice(None), np.array([1, 0])),
}


@pytest.mark.parametrize("make", INDICES.values(), ids=INDICES)
def test_positions_may_differ_between_entries(make):
    """Reading, writing, adding, and their derivatives equal the loop, whoever has entries."""
    x, i, j = rng.normal(size=(4, 3, 3, 3)), rng.integers(0, 3, 4), rng.integers(0, 3, 4)

    def use(x, i, j):
        index = make(i, j)
        part = x[index]
        y = x * 1
        y[index] = part * 2 + 1
        y[index] += part
        return mg.index_add(y, index if len(index) > 1 else index[0], np.sin(part))

    def slope(x, i, j):
        return mg.grad(lambda x: np.sum(use(x, i, j) ** 2))(x)

    def forward(x, i, j):
        return mg.jvp(lambda x: use(x, i, j), (x,), (np.ones((3, 3, 3)),))[1]

    for g in (use, slope, forward, mg.jacobian(use)):
        for axes in ((0, 0, 0), (None, 0, 0), (0, None, 0)):
            arguments = [a if axis == 0 else a[0] for a, axis in zip((mg.asarray(x), i, j), axes, strict=True)]
            wants = [
                np.asarray(g(*(a if axis is None else a[k] for a, axis in zip(arguments, axes, strict=True))))
                for k in range(4)
            ]
            found = mg.vmap(g, axes)(*arguments)
            np.testing.assert_allclose(np.asarray(found), np.stack(wants), rtol=1e-12, atol=1e-12)


def test_positions_of_an_outer_batch_meet_arrays_of_an_inner_one():
    i = np.array([0, 2, 1])
    found = mg.vmap(lambda i: mg.vmap(lambda r: r[i, :])(mg.asarray(X.reshape(5, 3, 1))))(i)
    np.testing.assert_array_equal(found, np.stack([X.reshape(5, 3, 1)[:, k] for k in i]))


def test_the_curvature_of_cross_entropy_equals_the_loop():
    """Its rule takes exponentials that were computed beforehand, of the scores of all entries."""
    for smoothing in (0.0, 0.1):

        def loss(x, smoothing=smoothing):
            return nn.functional.cross_entropy(x[None], np.array([1]), label_smoothing=smoothing)

        for curvature in (mg.hessian(loss), mg.hessian(loss, mode="reverse")):
            found = mg.vmap(curvature)(X)
            np.testing.assert_allclose(found, np.stack([curvature(x) for x in X]), rtol=1e-12, atol=1e-14)
            nested = mg.vmap(mg.vmap(curvature))(np.stack([X, 2 * X]))
            np.testing.assert_allclose(nested[0], found, rtol=1e-12, atol=1e-14)


def test_parts_at_positions_that_differ_are_added_up():
    """Several parts of one array, and a cotangent that is the same for all entries where an element was replaced."""
    i, j = np.array([0, 1, 2, 0, 1]), np.array([1, 1, 0, 2, 2])

    def parts(x, i, j):
        return x[i] * 2 + x[j] * 3 + x[i]

    found = mg.vmap(mg.grad(parts), (None, 0, 0))(X[0], i, j)
    np.testing.assert_array_equal(found, np.eye(3)[i] * 3 + np.eye(3)[j] * 3)

    def replaced(x, i):
        y = x * 1.0
        y[i] = 2.0
        return np.sum(y)

    np.testing.assert_array_equal(mg.vmap(mg.grad(replaced))(X, i), 1 - np.eye(3)[i])


def test_a_map_inside_of_a_gradient_has_the_values_alone_of_detached_arrays():
    """Detaching strips the derivative around the map, and leaves the entries."""
    slope = mg.grad(lambda x: np.sum(mg.vmap(lambda x: x * x.detach())(x)))(X)
    np.testing.assert_array_equal(slope, X)
