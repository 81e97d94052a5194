"""Indexing: repeated elements, values, errors, and the cost of scattering."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg

X = np.arange(12.0).reshape(3, 4)


def leaf(values=X):
    return mg.tensor(values, requires_grad=True)


def test_gradient_counts_how_often_an_element_was_picked():
    x = leaf()
    x[[0, 2, 0, -1]].sum().backward()
    assert x.grad[:, 0].tolist() == [2, 0, 2]


def test_indices_may_be_tensors():
    x, i = leaf(), mg.tensor([0, 0])
    (x[i].sum() + x[i, 1].sum() + np.take(x, i, axis=1).sum()).backward()
    assert x.grad.tolist() == [[4, 4, 2, 2], [2, 0, 0, 0], [2, 0, 0, 0]]


def test_index_update_leaves_no_gradient_where_it_wrote():
    x, v = leaf(), leaf(np.array([1.0, 2.0]))
    y = mg.index_update(x, (0, mg.tensor([1, 2])), v)
    assert y[0].tolist() == [0, 1, 2, 3]
    (y * X).sum().backward()
    assert x.grad.tolist() == [[0, 0, 0, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert v.grad.tolist() == [1, 2]


def test_last_of_several_writes_has_the_gradient():
    x, v = leaf(), leaf(np.array([10.0, 20.0, 30.0]))
    y = mg.index_update(x, ([0, 1, 0], 0), v)
    assert y[:2, 0].tolist() == [30, 20]
    y.sum().backward()
    assert v.grad.tolist() == [0, 1, 1]


def test_index_update_of_a_single_number():
    x = leaf(np.array(1.0))
    y = mg.index_update(mg.sum(x), (), 3.0)
    assert y.item() == 3
    y.backward()
    assert x.grad.item() == 0


def test_sort_with_ties_is_stable():
    x = leaf(np.array([2.0, 1.0, 2.0, 1.0]))
    (np.sort(x) * np.array([1.0, 2, 3, 4])).sum().backward()
    assert x.grad.tolist() == [3, 1, 4, 2]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: x[3], IndexError, r"getitem of \(3, 4\): index 3 is out of bounds for axis 0 with size 3"),
        (lambda x: x[[0, 5]], IndexError, r"getitem of \(3, 4\): index 5 is out of bounds"),
        (lambda x: x[0, 0, 0], IndexError, r"getitem of \(3, 4\): too many indices"),
        (lambda x: x[0.5], IndexError, r"getitem of \(3, 4\): only integers"),
        (
            lambda x: x[np.array([True, False])],
            IndexError,
            r"getitem of \(3, 4\) and \(2,\): boolean index did not match",
        ),
        (lambda x: x[[True, False]], IndexError, r"getitem of \(3, 4\): boolean index did not match"),
        (lambda x: x[:, np.ones(3, bool)], IndexError, r"getitem of \(3, 4\).*: boolean index did not match"),
        (
            lambda x: mg.index_update(x, np.ones(4, bool), 0.0),
            IndexError,
            r"index_update of \(3, 4\) and \(4,\): boolean index did not match",
        ),
        (lambda x: x["a"], IndexError, r"getitem of \(3, 4\): only integers"),
        (lambda x: x[..., ...], IndexError, r"getitem of \(3, 4\): .*single ellipsis"),
        (lambda x: mg.take_along_axis(x, np.full((3, 4), 9), 1), IndexError, r"take_along_axis of .*index 9 is out of"),
        (lambda x: x[[[0, 1], [0]]], ValueError, r"getitem of \(3, 4\): .*inhomogeneous"),
        (lambda x: np.take(x, 9, axis=0), IndexError, r"take of \(3, 4\): index 9 is out of bounds"),
        (lambda x: np.take(x, 0, axis=2), np.exceptions.AxisError, r"take of \(3, 4\): axis 2 is out of bounds"),
        (lambda x: np.take_along_axis(x, np.array([0]), 0), ValueError, r"take_along_axis of \(3, 4\) and \(1,\): "),
        (lambda x: mg.index_update(x, 7, 0.0), IndexError, r"index_update of \(3, 4\): index 7 is out of bounds"),
        (lambda x: mg.index_update(x, 0, [1.0, 2]), ValueError, r"index_update of \(3, 4\).*could not broadcast"),
        (lambda x: np.sort(x, axis=5), np.exceptions.AxisError, r"sort of \(3, 4\): axis 5 is out of bounds"),
    ],
)
def test_errors_name_the_operation_and_the_shape(call, error, text):
    with pytest.raises(error, match=text):
        call(leaf())


@pytest.mark.parametrize("shape", [(10**6,), (10**4, 100)])
def test_scatter_is_about_as_fast_as_bincount(shape):
    """A million numbers, by integers: a few times np.bincount of as many, where a slow np.add.at took a hundred."""
    x, rng = leaf(np.ones(shape)), np.random.default_rng(0)
    rows, places = rng.integers(0, shape[0], shape[0]), rng.integers(0, 10**6, 10**6)

    def scatter():
        x.grad = None
        return cpu_time(x[rows].sum().backward)

    def count():
        return cpu_time(lambda: np.bincount(places, weights=np.ones(10**6), minlength=10**6))

    assert min(scatter() for _ in range(3)) < 30 * min(count() for _ in range(3))
    assert x.grad.sum().item() == 10**6


def cpu_time(call):
    """The seconds that this process computes in a call, whatever else the machine does."""
    start = time.process_time()
    call()
    return time.process_time() - start


@pytest.mark.parametrize("cut", [lambda x: np.split(x, len(x)), mg.unstack, list])
def test_parts_of_an_array_cost_no_more_than_the_array(cut):
    """Eight times the rows take about eight times the time; with zeros around each it would be 64."""

    def seconds(rows):
        x = leaf(np.ones((rows, 100)))
        y = np.concatenate([row * 2.0 for row in cut(x)]).sum()
        taken = cpu_time(y.backward)
        np.testing.assert_array_equal(x.grad.data, 2)
        return taken

    short, long = (min(seconds(rows) for _ in range(3)) for rows in (1000, 8000))
    assert long < 24 * short


PARTS = [0, slice(2), (slice(None), 1), X > 5, [0, 0, 2], np.array([1, -1]), (Ellipsis, [1, 1]), -1, None]


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("before", [[], [0, 0], [[0, 0], -1]])
def test_parts_of_all_kinds_add_up(before, create_graph):
    """Whichever part comes first, and whether the array is also used as a whole."""
    x = leaf()
    want = np.zeros(X.shape)
    loss = 0.0
    for i, index in enumerate([*before, *PARTS], 1):
        loss = loss + i * x[index].sum()
        np.add.at(want, index, i)
    (loss + (3 * x).sum()).backward(create_graph=create_graph)
    np.testing.assert_array_equal(x.grad.numpy(), want + 3)


def test_parts_of_a_single_number_add_up():
    x = leaf(np.array(2.0))
    (x[...] * x[()] * x[None].sum()).backward()
    assert x.grad.item() == 12


def test_parts_leave_what_came_from_elsewhere_alone():
    """The sum is made in an array of its own: the gradients of others, and the user's, stay."""
    x, given = leaf(np.ones(3)), np.ones(3)
    y = x * 1.0
    y.retain_grad()
    z = mg.concat([y[:1], y[1:2], y[2:]]) + y
    z.retain_grad()
    z.backward(given)
    assert given.tolist() == z.grad.tolist() == [1, 1, 1]
    assert x.grad.tolist() == y.grad.tolist() == [2, 2, 2]


@given(
    hnp.array_shapes(min_side=1, max_side=4).flatmap(lambda s: st.tuples(st.just(s), hnp.basic_indices(s))), st.data()
)
def test_getitem_and_scatter_are_transposes(shape_and_index, data):
    """<g, x[index]> = <scatter(g), x>, for slices, integers and new axes, and for arrays of integers."""
    shape, index = shape_and_index
    arrays = data.draw(st.one_of(st.just(index), hnp.integer_array_indices(shape)))
    for one in (index, arrays):
        x = np.random.default_rng(0).normal(size=shape)
        y, pull_back = mg.vjp(lambda x, i=one: x[i], x)
        np.testing.assert_array_equal(y, x[one])
        g = np.asarray(np.random.default_rng(1).normal(size=y.shape))
        (scattered,) = pull_back(g)
        want = np.zeros(shape)
        np.add.at(want, one, g)
        np.testing.assert_allclose(scattered, want, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("index", [[0, 2, 0, -1], ([0, 2, 0, -1], [1, 1, 1, -2]), (slice(1, 3), [0, -4, 1])])
def test_adding_at_an_index_is_that_of_numpy(index, dtype):
    """With negative positions and elements named twice, of one axis and of two, in both precisions."""
    for x in (np.zeros(4, dtype), np.zeros((3, 4), dtype)) if isinstance(index, list) else (np.zeros((3, 4), dtype),):
        v = (np.arange(x[index].size).reshape(x[index].shape) + 1).astype(dtype)
        want = x.copy()
        np.add.at(want, index, v)
        found = mg.index_add(mg.tensor(x), index, mg.tensor(v, requires_grad=True)).detach().numpy()
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, want)
        with pytest.raises(IndexError, match="out of bounds"):
            mg.index_add(x, [7], mg.tensor(1.0))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_scatter_keeps_the_dtype(dtype):
    x = leaf(np.ones(3, dtype))
    x[[0, 0]].sum().backward()
    assert x.grad.dtype == dtype


@given(
    hnp.arrays(
        st.sampled_from([np.int64, np.int8]), hnp.array_shapes(max_dims=2, max_side=5), elements=st.integers(-9, 8)
    ),
    st.sampled_from([np.float16, np.float32, np.float64]),
    st.sampled_from([(), (3,), (2, 0), (2, 3)]),
)
def test_few_rows_of_a_large_table_have_the_bits_of_a_sum_over_all(rows, dtype, width):
    """Rows named once, and more than once: each sum is made in double precision, in order, and rounded once."""
    g = np.random.default_rng(0).normal(size=(*rows.shape, *width)).astype(dtype)
    want = np.zeros((9, *width))
    np.add.at(want, rows, g.astype(float))
    for table in (9, 100):  # fewer rows than are named, at times, and many more
        positions = np.where(rows < 0, rows + 9, rows)
        (got,) = mg.vjp(lambda x, i=positions: x[i], np.zeros((table, *width), dtype))[1](g)
        assert got.dtype == dtype
        np.testing.assert_array_equal(got[:9], want.astype(dtype))
        assert not got[9:].any()
    (got,) = mg.vjp(lambda x: x[rows], np.zeros((9, *width), dtype))[1](g)
    np.testing.assert_array_equal(got, want.astype(dtype))


# Positions in small types

SMALL = [np.uint8, np.int8, np.uint16, np.int16, np.uint32]


@pytest.mark.parametrize("dtype", SMALL)
def test_positions_of_small_types_do_not_overflow(dtype):
    """Rows that uint8 can name, of an array with more elements than it can count, get their gradient."""
    x, rows = np.ones((300, 50)), np.array([120, 3, 120], dtype)
    want = np.zeros(x.shape)
    np.add.at(want, rows, 1)
    v = np.arange(3.0)[:, None] * np.ones(50)
    for f in (
        lambda x: x[rows],
        lambda x: x[rows, :],
        lambda x: x[rows][:, None],
        lambda x: np.take(x, rows, axis=0),
        lambda x: np.take(x.T, rows, axis=1),
        lambda x: np.take_along_axis(x, np.broadcast_to(rows[:, None], (3, 50)), 0),
        lambda x: mg.index_add(x, rows, v)[rows],
    ):
        np.testing.assert_array_equal(mg.grad(lambda x, f=f: mg.sum(f(x)))(x), want)
    left = np.ones(x.shape)
    left[rows] = 0
    np.testing.assert_array_equal(mg.grad(lambda x: mg.sum(mg.index_update(x, rows, v)))(x), left)
    written = mg.grad(lambda v: mg.sum(mg.index_update(x, rows, v)))(v)
    np.testing.assert_array_equal(written[:, 0], [0, 1, 1])  # the first was written over


def test_negative_positions_of_a_small_type():
    x = np.ones(300)
    g = mg.grad(lambda x: mg.sum(x[np.array([-7, -7, 5], np.int8)]))(x)
    assert (g[-7], g[5], g.sum()) == (2, 1, 3)


def test_booleans_are_masks_for_indices_and_positions_for_take():
    """x[mask] picks where it is true; np.take reads False and True as 0 and 1. Each has its own gradient."""
    x, booleans = leaf(np.arange(3.0)), np.array([True, False, True])
    (x[booleans].sum() + 10 * np.take(x, booleans).sum() + 100 * np.take(x, booleans.tolist(), axis=0).sum()).backward()
    assert x.grad.tolist() == [111, 220, 1]


# Axes that assignment drops


@pytest.mark.parametrize(
    ("index", "shape", "want"),
    [
        (np.s_[:], (1, 2, 3), [[[0, 1, 2], [3, 4, 5]]]),
        (0, (1, 3), [[0, 1, 2]]),
        (1, (1, 1, 3), [[[3, 4, 5]]]),
        (0, (1, 1), [[3]]),
        (np.s_[:, 1], (1, 2), [[1, 4]]),
        (np.s_[:, 1], (1, 1, 1), [[[5]]]),
        ([1, 0], (1, 2, 1), [[[12], [3]]]),
        ([1, 1], (1, 2, 3), [[[0, 0, 0], [3, 4, 5]]]),
    ],
)
def test_gradient_has_the_axes_that_assignment_drops(index, shape, want):
    """NumPy writes an array of shape (1, 3) where there is room for (3,): its gradient has the shape (1, 3)."""
    x, weights = np.zeros((2, 3)), np.arange(6.0).reshape(2, 3)

    def in_place(v):
        y = mg.zeros((2, 3))
        y[index] = v
        return y

    for update in (lambda v: mg.index_update(x, index, v), in_place):
        f = lambda v, update=update: mg.sum(update(v) * weights)
        v = leaf(np.ones(shape))
        f(v).backward()
        for g in (mg.grad(f)(np.ones(shape)), v.grad):
            assert g.shape == shape
            assert g.tolist() == want
        y, dy = mg.jvp(f, (np.ones(shape),), (np.ones(shape),))
        assert y == dy == np.sum(want)


# Counts by weights


def test_weighted_counts_pass_each_weight_its_cotangent():
    """bincount adds weights up, so the derivative by each is that of the sum that it is in; of absent integers, 0."""
    i, w = mg.tensor([2, 0, 2]), leaf(np.array([1.0, 2.0, 3.0]))
    for count in (
        lambda: np.bincount(i, w, 5),
        lambda: np.bincount([2, 0, 2], weights=w, minlength=5),
        lambda: np.bincount(i, minlength=5, weights=w),
    ):
        w.grad = None
        y = count()
        assert y.tolist() == [2, 0, 4, 0, 0]
        (y * np.array([1.0, 10, 100, 1000, 1])).sum().backward()
        assert w.grad.tolist() == [100, 1, 100]


def test_counts_without_weights_are_constants():
    y = np.bincount(mg.tensor([2, 0, 2]), minlength=4)
    assert not y.requires_grad
    assert y.tolist() == [1, 0, 2, 0]
