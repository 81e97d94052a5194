"""Programs as people write them, mapped over a batch: each equals the loop, whichever argument has the entries."""

import numpy as np
import pytest

import minigrad as mg

rng = np.random.default_rng(0)
X, V = rng.normal(size=(4, 3, 5)), rng.normal(size=(4, 5))
T = mg.tensor(rng.normal(size=(5, 2)))


def changed(x, v):
    """A change in place of every kind."""
    y = x + 0 * v
    y += v
    y[0] -= 1
    y[:, 1] *= v[0]
    return y


def masked(x, v):
    y = x * 1
    y[y > 0.3] = v[0]
    return y


PROGRAMS = {
    "einsum": lambda x, v: np.einsum("ij,j->i", x, v),
    "einsum2": lambda x, v: np.einsum("ij,kj->ik", x, x),
    "einsum diag": lambda x, v: np.einsum("ii->i", x[:, :3]),
    "dot": lambda x, v: np.dot(x, v),
    "norm": lambda x, v: np.linalg.norm(x, axis=0),
    "norm1": lambda x, v: np.linalg.norm(x),
    "fro": lambda x, v: np.linalg.norm(x, ord="nuc"),
    "joined": lambda x, v: np.concatenate([x, np.zeros((1, 5)), v[None]]),
    "rows": lambda x, v: sum(r * len(x) for r in x),
    "changed in place": lambda x, v: changed(x, v),
    "outer": lambda x, v: np.outer(v, v),
    "of two shapes": lambda x, v: x[:, None, :] * v[:, None],
    "transposed": lambda x, v: x.T @ x,
    "by a Tensor": lambda x, v: x @ T,
    "of a Tensor": lambda x, v: T.T @ v,
    "cumsum": lambda x, v: np.cumsum(x),
    "sortflat": lambda x, v: np.sort(x, axis=None),
    "argsort": lambda x, v: x[np.argsort(x[:, 0])],
    "take": lambda x, v: np.take(x, np.argmax(v)),
    "where": lambda x, v: np.where(v > 0, x, 0),
    "clip": lambda x, v: np.clip(x, -0.5, v),
    "clipmax": lambda x, v: np.clip(x, a_max=v, a_min=None),
    "running maximum": lambda x, v: np.maximum.accumulate(x, axis=1),
    "median": lambda x, v: np.median(x, axis=0),
    "pad": lambda x, v: np.pad(x, 1),
    "padded with a value": lambda x, v: np.pad(x, ((1, 0), (0, 2)), constant_values=3.0),
    "tile": lambda x, v: np.tile(v, (2, 2)),
    "repeat": lambda x, v: np.repeat(x, 2, axis=1),
    "roll": lambda x, v: np.roll(x, 1),
    "flip": lambda x, v: np.flip(x),
    "rot90": lambda x, v: np.rot90(x),
    "diag": lambda x, v: np.diag(v),
    "diag2": lambda x, v: np.diag(x),
    "trace": lambda x, v: np.trace(x),
    "tril": lambda x, v: np.tril(x),
    "tril of a vector": lambda x, v: np.tril(v),
    "solve": lambda x, v: np.linalg.solve(x[:, :3] + 5 * np.eye(3), v[:3]),
    "inv": lambda x, v: np.linalg.inv(x[:, :3]),
    "det": lambda x, v: np.linalg.det(x[:, :3]),
    "slogdet": lambda x, v: np.linalg.slogdet(x[:, :3])[1],
    "std": lambda x, v: np.std(x, axis=1),
    "var": lambda x, v: x.var(),
    "prod": lambda x, v: np.prod(x, axis=0),
    "logsumexp": lambda x, v: mg.logsumexp(x, axis=1),
    "softmax": lambda x, v: mg.softmax(x),
    "split": lambda x, v: np.split(v, 5)[2],
    "stack": lambda x, v: np.stack([v, v * 2], axis=1),
    "meshgrid": lambda x, v: np.meshgrid(v, v)[0],
    "mean kd": lambda x, v: x - x.mean(axis=0, keepdims=True),
    "linspace": lambda x, v: np.linspace(v, x, 4, axis=1),
    "full": lambda x, v: mg.full((2, 5), v),
    "tensordot": lambda x, v: np.tensordot(x, v, 1),
    "cross": lambda x, v: np.cross(x[:, :3], v[:3]),
    "index_add": lambda x, v: mg.index_add(x, 0, v),
    "diff": lambda x, v: np.diff(x, axis=0),
    "interp": lambda x, v: np.interp(0.3, np.arange(5.0), v),
    "quantile": lambda x, v: np.quantile(v, 0.3),
    "any": lambda x, v: np.any(x > 1.5, axis=1) * 1.0,
    "count": lambda x, v: np.count_nonzero(x > 0) * 1.0,
    "argmax": lambda x, v: np.argmax(x, axis=1) * 1.0,
    "ptp": lambda x, v: np.ptp(x),
    "searchsorted": lambda x, v: np.searchsorted(np.array([-1.0, 0, 1]), v) * 1.0,
    "astype": lambda x, v: x.astype(np.float32),
    "shape": lambda x, v: np.ones(x.shape) * v,
    "zeros like": lambda x, v: np.zeros_like(x) + v,
    "ravelF": lambda x, v: np.ravel(x, order="F"),
    "reshapeF": lambda x, v: np.reshape(x, (5, 3), order="F"),
    "cond": lambda x, v: np.linalg.cond(x[:, :3]),
    "rank": lambda x, v: np.linalg.matrix_rank(x) * 1.0,
    "mask": lambda x, v: masked(x, v),
    "pow": lambda x, v: np.abs(x) ** v,
    "divmod": lambda x, v: x // 0.5 + x % 0.5,
    "nan": lambda x, v: np.nan_to_num(x),
    "windows": lambda x, v: np.lib.stride_tricks.sliding_window_view(v, 2),
    "unstack": lambda x, v: mg.unstack(x)[1],
    "moveaxis": lambda x, v: np.moveaxis(x, 0, 1),
    "broadcast": lambda x, v: np.broadcast_to(v, (2, 3, 5)),
    "squeezed": lambda x, v: np.squeeze(x[:1]),
    "new axes": lambda x, v: np.expand_dims(x, (0, 2)),
    "masked": lambda x, v: mg.masked_fill(x, x > 0, 2.0),
    "percentile": lambda x, v: np.percentile(x, 30, axis=1),
    "cov": lambda x, v: np.cov(x),
    "convolve": lambda x, v: np.convolve(v, [1.0, 2.0]),
    "isclose": lambda x, v: np.isclose(x, v) * 1.0,
    "allclose": lambda x, v: np.allclose(x, v) * 1.0,
    "array_equal": lambda x, v: np.array_equal(x, x) * 1.0,
}


@pytest.mark.parametrize("axes", [(0, 0), (None, 0), (0, None)], ids=["both", "second", "first"])
@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_mapped_equals_the_loop(program, axes):
    given = [x if axis == 0 else x[0] for x, axis in zip((X, V), axes, strict=True)]
    given = [mg.asarray(x) for x in given]
    wants = []
    for k in range(4):
        y = program(*(x[k] if axis == 0 else x for x, axis in zip(given, axes, strict=True)))
        wants.append(np.asarray(y.detach().numpy() if isinstance(y, mg.Tensor) else y))
    found = mg.vmap(program, axes)(*given)
    found = found.detach().numpy() if isinstance(found, mg.Tensor) else found
    np.testing.assert_allclose(found, np.stack(wants), rtol=1e-12, atol=1e-12)
    assert found.dtype == np.stack(wants).dtype


def test_an_option_may_differ_where_it_has_a_place():
    """Where a function of an axis is given another array beside the first one, it is called for each entry."""
    k = np.array([0, 3, 2, 1])
    found = mg.vmap(lambda x, k: np.argpartition(x, k)[k])(V, k)
    assert found.tolist() == [np.argsort(v)[i] for v, i in zip(V, k, strict=True)]


def test_positions_in_a_flat_array_can_keep_its_axes():
    found = mg.vmap(lambda x: np.argmax(x, keepdims=True))(X)
    np.testing.assert_array_equal(found, [np.argmax(x, keepdims=True) for x in X])


def test_results_of_other_lengths_are_refused():
    """A function without a rule is called for each entry, whose results must be stacked."""
    found = mg.vmap(lambda x: np.setdiff1d(x, [0.0]))(np.array([[0, 1.0], [0, 2.0]]))
    assert found.tolist() == [[1], [2]]
    with pytest.raises(mg.BatchError, match=r"have one shape; got \(1,\) and \(2,\). Use a mask"):
        mg.vmap(lambda x: np.setdiff1d(x, [0.0]))(np.array([[0, 1.0], [3.0, 2.0]]))
    with pytest.raises(mg.BatchError, match="this batch has none. Use a batch of one entry or more"):
        mg.vmap(lambda x: np.setdiff1d(x, [0.0]))(np.ones((0, 2)))


def test_entries_without_axes_take_what_numpy_takes():
    """Some functions take axis=0 of a single number, and others do not."""
    numbers = np.array([1.0, 2.0])
    assert mg.vmap(lambda x: np.sum(x, axis=0))(numbers).tolist() == [1, 2]
    assert mg.vmap(lambda x: np.cumsum(x, axis=0))(numbers).tolist() == [[1], [2]]
    with pytest.raises(np.exceptions.AxisError):
        mg.vmap(lambda x: np.mean(x, axis=0))(numbers)


def test_digits_of_rounding_may_differ():
    found = mg.vmap(lambda x, n: np.round(x, n))(np.array([1.26, 1.26]), np.array([0, 1]))
    assert found.tolist() == [1.0, 1.3]


def test_shifts_and_paddings_may_differ():
    x = np.arange(6.0).reshape(2, 3)
    found = mg.vmap(lambda x, n: np.roll(x, n))(x, np.array([0, 1]))
    assert found.tolist() == [[0, 1, 2], [5, 3, 4]]
    found = mg.vmap(lambda x, v: np.pad(x, 1, constant_values=v))(x, np.array([7.0, 8.0]))
    assert found.tolist() == [[7, 0, 1, 2, 7], [8, 3, 4, 5, 8]]


def test_several_results_come_as_a_tuple_of_their_kind():
    found = mg.vmap(lambda x: np.linalg.slogdet(x))(np.stack([np.eye(2), 2 * np.eye(2)]))
    np.testing.assert_allclose(found.logabsdet, [0, np.log(4)])
    values, vectors = mg.vmap(lambda x: np.linalg.eigh(x))(np.stack([np.eye(2), 2 * np.eye(2)]))
    assert values.tolist() == [[1, 1], [2, 2]]
    assert vectors.shape == (2, 2, 2)
    found = mg.vmap(lambda x: np.linalg.eig(x))(np.stack([np.eye(2), 2 * np.eye(2)]))
    assert type(found) is type(np.linalg.eig(np.eye(2)))
    assert found.eigenvalues.tolist() == [[1, 1], [2, 2]]
    whole, rest = mg.vmap(lambda x: np.modf(x))(np.array([1.5, 2.25]))
    assert (whole.tolist(), rest.tolist()) == ([0.5, 0.25], [1, 2])


def test_layouts_of_entries_decide_on_their_order():
    """order="A" and "K" go by the memory of an entry, also where there is none."""
    x = np.asfortranarray(rng.normal(size=(3, 4))).T[None] * np.ones((2, 1, 1))
    for order in ("A", "K"):
        found = mg.vmap(lambda x, order=order: np.ravel(x, order=order))(x)
        np.testing.assert_array_equal(found, [np.ravel(entry, order=order) for entry in x])
        assert mg.vmap(lambda x, order=order: np.ravel(x, order=order))(np.ones((0, 2, 3))).shape == (0, 6)


def test_operands_of_other_levels_are_none_of_a_batch():
    """A call in which no operand has entries, and options that are the same for all."""
    found = mg.vmap(lambda x: mg.grad(lambda y: np.sum(np.clip(y, -1.0, 1.0) * x))(np.ones(3)))(np.ones((2, 3)))
    assert found.tolist() == [[0, 0, 0]] * 2


@pytest.mark.parametrize(
    "program",
    [
        *(np.cumsum, np.argmax, np.sum, np.ravel, np.sort),
        lambda x: np.roll(x, 1),
        lambda x: np.concatenate([x, x], None),
        lambda x: np.take_along_axis(x, np.zeros(1, int), None),
        lambda x: x[np.argmax(x, axis=0)],
        lambda x: x @ x.T,
    ],
)
def test_a_batch_of_nothing_has_the_shapes_of_others(program):
    assert mg.vmap(program)(np.ones((0, 3, 3))).shape[1:] == mg.vmap(program)(np.ones((2, 3, 3))).shape[1:]
