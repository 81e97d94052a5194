"""Joining, cutting, repeating and turning arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg

AXIS = np.exceptions.AxisError
X = np.arange(12.0).reshape(3, 4)


def leaf(values=X):
    return mg.tensor(values, requires_grad=True)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: np.moveaxis(x, 0, 2), AXIS, r"moveaxis of \(3, 4\): destination: axis 2 is out of bounds"),
        (lambda x: np.moveaxis(x, (0, 0), (0, 1)), ValueError, r"moveaxis of \(3, 4\): repeated axis in `source`"),
        (lambda x: np.moveaxis(x, (0, 1), 0), ValueError, r"moveaxis of \(3, 4\): "),
        (lambda x: np.swapaxes(x, 0, 2), AXIS, r"swapaxes of \(3, 4\): axis 2 is out of bounds"),
        (
            lambda x: np.split(x, 2),
            ValueError,
            r"split of \(3, 4\): axis 0 of length 3 does not split into 2",
        ),
        (lambda x: np.split(x, 2, axis=5), AXIS, r"split of \(3, 4\): axis 5 is out of bounds"),
        (lambda x: np.array_split(x, 2, 5), AXIS, r"array_split of \(3, 4\): axis 5 is out of bounds"),
        (lambda x: np.split(x, 0), ValueError, r"split of \(3, 4\): .*one part or more; got 0"),
        (lambda x: np.array_split(x, -3), ValueError, r"array_split of \(3, 4\): .*one part or more; got -3"),
        (lambda x: np.diff(x, -1), ValueError, r"diff of \(3, 4\): differences are taken n times, .*got -1"),
        (lambda x: np.diag(x[None]), ValueError, r"diag of \(1, 3, 4\): .*one axis or two; got one of 3"),
        (lambda x: mg.hstack([]), ValueError, r"hstack of : need at least one array"),
        (lambda x: mg.unstack(x, axis=2), AXIS, r"unstack of \(3, 4\): axis 2 is out of bounds"),
        (lambda x: np.rot90(x, 4, (0, 2)), AXIS, r"rot90 of \(3, 4\): axes: axis 2 is out of bounds"),
        (lambda x: np.diff(x, axis=2), AXIS, r"diff of \(3, 4\): axis 2 is out of bounds"),
        (lambda x: np.repeat(x, 2, axis=2), AXIS, r"repeat of \(3, 4\): axis 2 is out of bounds"),
    ],
)
def test_errors_name_the_operation_and_the_shape(call, error, text):
    with pytest.raises(error, match=text):
        call(leaf())


shapes = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=3)


@given(shapes, st.sampled_from([np.float16, np.float32, np.float64]), st.data())
def test_splitting_is_undone_by_joining(shape, dtype, data):
    x = np.ones(shape, dtype)
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    ends = sorted(data.draw(st.lists(st.integers(0, shape[axis]), max_size=3)))
    y, pull_back = mg.vjp(lambda x: np.concatenate(np.split(x, ends, axis), axis), x)
    np.testing.assert_array_equal(y, x)
    (g,) = pull_back(y)
    assert g.dtype == dtype
    np.testing.assert_array_equal(g, x)


@given(
    shape=hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=4),
    data=st.data(),
)
def test_repeating_is_picking(shape, data):
    """np.repeat by a number, or a number for each slice, has the values and the derivative of an index."""
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    repeats = data.draw(st.integers(0, 3) | hnp.arrays(np.int64, shape[axis], elements=st.integers(0, 3)))
    x = np.random.default_rng(0).normal(size=shape)
    before = (slice(None),) * (axis % len(shape))
    place = (*before, np.repeat(np.arange(shape[axis]), repeats))
    repeated, picked = (lambda x: np.repeat(x, repeats, axis)), (lambda x: x[place])
    (y, pull), (wanted, pull_picked) = mg.vjp(repeated, x), mg.vjp(picked, x)
    np.testing.assert_array_equal(y, wanted)
    g = np.random.default_rng(1).normal(size=y.shape)
    np.testing.assert_allclose(pull(g), pull_picked(g), rtol=0, atol=1e-15 * 20)  # three numbers in another order


def test_numbers_of_repeats_may_change_before_the_derivative():
    """They are those at the time of the call, of NumPy's integers of any kind, lists and Tensors."""
    x, repeats = leaf(), np.array([1, 0, 2], dtype=np.uint8)
    y = np.repeat(x, repeats, axis=0)
    repeats[:] = 1
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, [[1.0] * 4, [0.0] * 4, [2.0] * 4])
    for same in ([1, 0, 2], mg.tensor([1, 0, 2]), (1, 0, 2)):
        np.testing.assert_array_equal(np.repeat(leaf(), same, axis=0).detach(), y.detach())
    for one in ([2], np.array([2]), np.int16(2), mg.tensor([2])):
        np.testing.assert_array_equal(np.repeat(leaf(), one, axis=0).detach(), np.repeat(X, 2, axis=0))


# Orders of elements in memory

LAYOUTS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "every other column": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "backwards": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "Fortran, backwards": lambda x: x.T[::-1].copy()[::-1].T,
    "last axis first": lambda x: np.moveaxis(np.moveaxis(x, -1, 0).copy(), 0, -1),
}
TURNS = {
    "as it is": lambda x: x,
    "transposed": lambda x: x.T,
    "with an axis": lambda x: x[:, None],
    "cut": lambda x: x[1:],
}
ORDERED = {
    **{f"ravel {order}": lambda x, order=order: np.ravel(x, order) for order in "CFAK"},
    **{f"reshape {order}": lambda x, order=order: np.reshape(x, -1, order=order) for order in "CFA"},
    **{f".reshape {order}": lambda x, order=order: x.reshape((x.size, 1), order=order)[:, 0] for order in "CFA"},
    **{f".flatten {order}": lambda x, order=order: x.flatten(order) for order in "CFA"},
    **{f".ravel {order}": lambda x, order=order: x.ravel(order) for order in "CFA"},
}


@pytest.mark.parametrize("ordered", ORDERED.values(), ids=list(ORDERED))
@pytest.mark.parametrize("turn", TURNS.values(), ids=list(TURNS))
@pytest.mark.parametrize("shape", [(3, 2), (2, 3, 4), (2, 1, 3), (3, 0)], ids=str)
def test_elements_in_the_order_of_memory(shape, turn, ordered):
    """In every layout the elements are where NumPy puts them, tangents beside them; cotangents go back from there."""
    f = lambda x: ordered(turn(x))
    for layout in LAYOUTS.values():
        positions = layout(np.arange(int(np.prod(shape))).reshape(shape))
        chosen = f(positions)  # which element of x is where
        x, weights = layout(positions.astype(float)), 1.0 + np.arange(chosen.size)
        want = np.zeros(x.size)
        want[chosen] = weights
        w = mg.asarray(x)
        w.requires_grad = True
        y = f(w)
        np.testing.assert_array_equal(y.detach().numpy(), chosen)
        y.backward(weights)
        np.testing.assert_array_equal(w.grad.numpy(), want.reshape(shape))
        np.testing.assert_array_equal(mg.vjp(f, x)[1](weights)[0], want.reshape(shape))
        hessian = mg.hvp(lambda x, c=weights: np.sum(f(x) ** 2 * c), (x,), (np.ones(shape),))[0]
        np.testing.assert_array_equal(hessian, 2 * want.reshape(shape))
        for other in LAYOUTS.values():
            np.testing.assert_array_equal(mg.jvp(f, (x,), (other(x),))[1], chosen)


@pytest.mark.parametrize("order", "CFAK")
@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_order_of_an_array_that_repeats_itself(axes, order):
    """An axis of stride 0 is where NumPy has it; each of the equal elements has a derivative of its own."""
    x = np.transpose(np.broadcast_to(np.arange(6.0).reshape(3, 1, 2), (3, 4, 2)), axes)
    ravel = lambda x: np.ravel(x, order)
    np.testing.assert_array_equal(ravel(mg.asarray(x)), np.ravel(x, order))
    np.testing.assert_array_equal(np.sort(mg.jacobian(ravel)(x).reshape(24, 24), axis=1), np.eye(24)[[-1] * 24])
    t = np.random.default_rng(0).normal(size=x.shape)
    y, pull_back = mg.vjp(ravel, x)
    np.testing.assert_array_equal(pull_back(mg.jvp(ravel, (x,), (t,))[1])[0], t)


@pytest.mark.parametrize("order", "CFAK")
def test_copies_keep_the_derivative_in_every_order(order):
    """np.copy in an order has NumPy's layout, in which later functions read it, and passes the cotangent on."""
    x = X[:, ::-1].T
    f = lambda x: np.ravel(np.copy(x, order=order, subok=True) * 1.0, "K")
    y, g = mg.value_and_grad(lambda x: np.sum(f(x) * np.arange(12.0)))(x)
    positions = np.ravel(np.copy(np.arange(12).reshape(3, 4)[:, ::-1].T, order), "K")
    assert y == np.sum(np.ravel(np.copy(x, order), "K") * np.arange(12))
    want = np.zeros(12)
    want[positions] = np.arange(12)
    np.testing.assert_array_equal(g, want.reshape(3, 4)[:, ::-1].T)


def test_copies_of_integers_and_booleans():
    for values in ([1, 2], [True, False]):
        copied = np.copy(mg.tensor(values))
        assert isinstance(copied, mg.Tensor)
        assert copied.tolist() == values


@pytest.mark.parametrize("ends", [{"prepend": 0}, {"append": 1.5}, {"prepend": True, "append": np.float32(2)}])
@pytest.mark.parametrize("dtype", ["bool", "int8", "float16", "float32", "float64"])
def test_ends_of_differences_have_a_dtype_of_their_own(ends, dtype):
    """A Python number is an int64 or a float64 here, as for NumPy, which makes an array of it."""
    x = np.array([[3, 1, 0], [2, 2, 5]], dtype)
    want, got = np.diff(x, axis=0, **ends), np.diff(mg.tensor(x), axis=0, **ends)
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got.numpy(), want)


def test_differences_of_truths_are_changes():
    """And differences that are taken not at all are the array, without the ends."""
    x = mg.tensor(np.array([True, True, False, True]))
    assert np.diff(x).tolist() == [False, True, True]
    assert np.diff(x, 2).tolist() == [True, False]
    assert np.diff(x, 0, prepend=False).tolist() == x.tolist()


def test_a_single_number_repeats_along_axis_0():
    """As if it were an array of one; so do sums, products and extrema take it, and their gradients."""
    x = mg.tensor(3.0, requires_grad=True)
    np.repeat(x, 2, axis=0).sum().backward()
    assert x.grad.item() == 2
    for f in (np.sum, np.prod, np.max, np.cumsum, np.cumprod):
        value, slope = mg.value_and_grad(lambda x, f=f: np.sum(f(x, axis=0)))(np.array(3.0))
        assert (value, slope) == (3, 1)
        assert mg.jvp(lambda x, f=f: np.sum(f(x, axis=-1)), (np.array(3.0),), (np.array(1.0),))[1] == 1
