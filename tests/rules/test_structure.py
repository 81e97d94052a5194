"""Functions of shapes: errors, empty arrays and names."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg


def leaf(shape=(3, 4)):
    return mg.tensor(np.arange(float(np.prod(shape))).reshape(shape), requires_grad=True)


AXIS = np.exceptions.AxisError


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: np.reshape(x, (5, 2)), ValueError, r"reshape of \(3, 4\): cannot reshape"),
        (lambda x: np.transpose(x, (0, 0)), ValueError, r"transpose of \(3, 4\): repeated axis"),
        (lambda x: np.squeeze(x, 0), ValueError, r"squeeze of \(3, 4\): cannot select an axis"),
        (lambda x: np.expand_dims(x, 5), AXIS, r"expand_dims of \(3, 4\): axis 5 is out of bounds"),
        (lambda x: np.flip(x, 2), AXIS, r"flip of \(3, 4\): axis 2 is out of bounds"),
        (lambda x: np.roll(x, 1, 2), AXIS, r"roll of \(3, 4\): axis 2 is out of bounds"),
        (lambda x: np.concatenate([x, x[0]]), ValueError, r"concatenate of \(3, 4\) and \(4,\): "),
        (
            lambda x: np.stack([x, x[0]]),
            ValueError,
            r"stack of \(3, 4\) and \(4,\): all input arrays",
        ),
        (lambda x: np.concatenate([x, x], axis=2), AXIS, r"concatenate of .*: axis 2 is out of bounds"),
        (lambda x: np.broadcast_to(x, (3, 5)), ValueError, r"broadcast_to of \(3, 4\): "),
        (lambda x: mg.concat([]), ValueError, r"concatenate of : need at least one array"),
        (lambda x: np.expand_dims(x, (0, 0)), ValueError, r"expand_dims of \(3, 4\): repeated axis"),
        (lambda x: np.flip(x, (0, 0)), ValueError, r"flip of \(3, 4\): repeated axis"),
        (lambda x: mg.sliding_window_view(x, 5, axis=0), ValueError, r"sliding_window_view of \(3, 4\): "),
    ],
)
def test_errors_name_the_operation_and_the_shape(call, error, text):
    with pytest.raises(error, match=text):
        call(leaf())


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_astype_and_its_gradient_keep_the_dtype(dtype):
    x = mg.tensor(np.ones(3, dtype), requires_grad=True)
    y = mg.astype(x, np.float64)
    assert y.dtype == np.float64
    y.sum().backward()
    assert x.grad.dtype == dtype


def test_tril_of_what_is_not_a_number_elsewhere():
    """Zeros are chosen, not multiplied: what is cut off may be infinite."""
    x = mg.tensor([[1.0, np.inf], [2.0, 3.0]], requires_grad=True)
    np.tril(x).sum().backward()
    assert x.grad.tolist() == [[1, 0], [1, 1]]


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.concatenate([x, x]),
        lambda x: np.stack([x, x]),
        lambda x: np.flip(x, 0),
        lambda x: np.roll(x, 1),
        lambda x: np.reshape(x, -1),
        lambda x: np.pad(x, 1),
        lambda x: np.tile(x, 2),
        lambda x: np.repeat(x, 2),
        lambda x: x[[]],
        lambda x: np.take(x, [], axis=0),
        lambda x: np.sort(x),
    ],
)
def test_empty_arrays_have_empty_gradients(f, shape):
    x = mg.tensor(np.zeros(shape), requires_grad=True)
    f(x).sum().backward()
    assert x.grad.shape == shape


def test_read_only_and_strided_arrays():
    """Neither is copied nor written to."""
    values = np.arange(12.0).reshape(3, 4)[::-2, ::2]
    values.flags.writeable = False
    g = mg.grad(lambda x: np.sum(np.flip(x) ** 2))(values)
    np.testing.assert_array_equal(g, 2 * values)


def test_methods_of_shapes():
    x = leaf((2, 3))
    assert x.swapaxes(0, 1).shape == (3, 2)
    assert x.flatten("F").tolist() == [0, 3, 1, 4, 2, 5]
    assert x.ravel().shape == (6,)
    assert x.repeat(2, axis=0).shape == (4, 3)
    assert x.take(1, axis=1).tolist() == [1, 4]
    copied = x.copy()
    assert copied.requires_grad
    assert not np.shares_memory(copied.value, x.value)


def test_methods_of_numbers():
    x = leaf((2, 3))
    assert x.prod(axis=1).tolist() == [0, 60]
    assert x.var().item() == pytest.approx(35 / 12)
    assert x.std(axis=0).tolist() == [1.5] * 3
    assert x.ptp().item() == 5
    assert x.cumsum(axis=0).tolist() == [[0, 1, 2], [3, 5, 7]]
    assert x.cumprod(axis=0).tolist() == [[0, 1, 2], [0, 4, 10]]
    assert x.clip(1, 2).tolist() == [[1, 1, 2], [2, 2, 2]]
    assert round(x / 4, 1).tolist() == x.__truediv__(4).round(1).tolist()
    assert round(x).tolist() == x.tolist()
    assert x.argsort(axis=0).tolist() == [[0, 0, 0], [1, 1, 1]]
    assert [part.tolist() for part in divmod(x, 2)] == [[[0, 0, 1], [1, 2, 2]], [[0, 1, 0], [1, 0, 1]]]


def test_creation_makes_tensors():
    like = leaf((2, 3))
    made = {
        "zeros": mg.zeros((2, 3)),
        "ones": mg.ones(3, dtype=np.float32),
        "full": mg.full((2,), 7.0),
        "arange": mg.arange(1, 4),
        "linspace": mg.linspace(0, 1, 3),
        "eye": mg.eye(2),
        "zeros_like": mg.zeros_like(like),
        "ones_like": mg.ones_like(like, dtype=np.float32),
        "full_like": mg.full_like(like, 2),
    }
    for name, y in made.items():
        assert isinstance(y, mg.Tensor), name
        assert not y.requires_grad, name
    assert made["ones"].dtype == np.float32
    assert made["full_like"].tolist() == [[2, 2, 2], [2, 2, 2]]
    assert mg.zeros(2, requires_grad=True).requires_grad
    a, b = mg.meshgrid(mg.arange(2), [3.0, 4.0, 5.0], indexing="ij")
    assert (a.tolist(), b.tolist()) == ([[0] * 3, [1] * 3], [[3, 4, 5]] * 2)


@pytest.mark.parametrize(
    "call",
    [lambda x: x < 1, np.isnan, lambda x: np.argmax(x), lambda x: np.argsort(x, axis=0), lambda x: mg.equal(x, 1.0)],
)
def test_questions_are_not_connected(call):
    assert not call(leaf()).requires_grad


def test_function_without_a_rule_says_how_to_go_on():
    with pytest.raises(mg.errors.NoRuleError, match=r"numpy\.spacing has no derivative rule.*mg\.register"):
        np.spacing(leaf())


shapes = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=3)


@given(shapes.flatmap(lambda s: st.tuples(st.just(s), st.permutations(range(len(s))))))
def test_transposing_and_back_is_the_identity(shape_and_order):
    """The gradient of a transpose, which is the inverse transpose, undoes it."""
    shape, order = shape_and_order
    x = np.random.default_rng(0).normal(size=shape)
    y, pull_back = mg.vjp(lambda x: np.transpose(x, order), x)
    np.testing.assert_array_equal(pull_back(y)[0], x)
