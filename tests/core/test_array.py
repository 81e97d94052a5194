"""The methods of an ndarray on Tensors and inside transformations."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

A = np.array([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])

CALLS = {
    "len": len,
    "iteration": lambda x: [row.tolist() for row in x],
    "unpacking": lambda x: (lambda a, b: a.tolist())(*x),
    "shape": lambda x: x.shape,
    "ndim": lambda x: x.ndim,
    "size": lambda x: x.size,
    "dtype": lambda x: x.dtype,
    "tolist": lambda x: x.tolist(),
    "item": lambda x: x[0, 1].item(),
    "contains": lambda x: (3.0 in x, 9.0 in x),
    "any": lambda x: bool((x > 4).any()),
    "all": lambda x: bool((x > 4).all()),
    "argmax": lambda x: x.argmax(axis=1).tolist(),
    "argmin": lambda x: int(x.argmin()),
    "and": lambda x: ((x > 0) & (x < 4)).tolist(),
    "or": lambda x: ((x < 0) | (x > 4)).tolist(),
    "xor": lambda x: ((x < 0) ^ (x > -3)).tolist(),
    "not": lambda x: (~(x > 0)).tolist(),
    "le, ge": lambda x: ((x <= 3).tolist(), (x >= 3).tolist()),
    "eq, ne": lambda x: ((x == 3).tolist(), (x != 3).tolist()),
    "index by a tensor": lambda x: (
        x[mg.tensor([1, 0]), 1:].tolist() if not isinstance(x, np.ndarray) else x[[1, 0], 1:].tolist()
    ),
    "index by itself": lambda x: x[x > 0].tolist(),
    "index by a list": lambda x: x[[1], [2]].tolist(),
    "ellipsis and newaxis": lambda x: x[..., None, 0].tolist(),
    "range index": lambda x: [10, 20][(x > 0).any().astype(int)] if not isinstance(x, np.ndarray) else 20,
    "format": lambda x: f"{x[0, 0]:.3f}",
    "abs": lambda x: abs(x).tolist(),
    "dot": lambda x: x.dot(x.T).tolist(),
    "squeeze": lambda x: x[:1].squeeze().tolist(),
    "astype": lambda x: str(x.astype("f4").dtype),
    "copy": lambda x: x.copy().tolist(),
    "flatten": lambda x: (x.flatten().tolist(), x.flatten(order="F").tolist()),
    "round": lambda x: round(x[0, 0] * 1.26, 1).item(),
    "divmod": lambda x: [part.tolist() for part in divmod(x, 4.0)],
    "T, mT": lambda x: (x.T.tolist(), x.mT.tolist()),
}


@pytest.mark.parametrize("name", CALLS)
def test_methods_do_what_ndarrays_do(name):
    """Methods and operators answer what an ndarray's do: on constants, leaves, and inside grad and jvp."""
    call = CALLS[name]
    wanted = call(A)
    assert call(mg.tensor(A)) == wanted
    assert call(mg.tensor(A, requires_grad=True)) == wanted
    seen = []

    def f(x):
        seen.append(call(x))
        return x.sum()

    mg.grad(f)(A)
    mg.jvp(f, (A,), (A,))
    assert seen == [wanted, wanted]


def test_an_array_without_axes_has_no_length():
    """len, iteration and unpacking of shape () raise, as NumPy's do."""
    x = mg.tensor(1.0)
    for call in (len, iter, list):
        with pytest.raises(TypeError, match=r"an array of shape \(\) has no length"):
            call(x)


def test_truth_needs_one_element():
    """`if x` is for a single element."""
    assert mg.tensor([2.0])
    assert not mg.tensor(0.0)
    with pytest.raises(ValueError, match="ambiguous"):
        bool(mg.tensor([1.0, 2.0]))


def test_index_needs_an_integer():
    """A floating tensor is no index, an integer one is."""
    assert [5, 6][mg.tensor(1)] == 6
    with pytest.raises(TypeError):
        [5, 6][mg.tensor(1.0)]


def test_operations_that_truths_do_not_have():
    """An operator of one argument that NumPy refuses names itself and the shape."""
    with pytest.raises(TypeError, match=r"negative of \(1,\): The numpy boolean negative"):
        -mg.tensor([True])


def test_rows_of_an_iteration_have_gradients():
    """Rows that come by iteration are part of the graph."""
    x = mg.tensor(A, requires_grad=True)
    a, b = x
    (a * b).sum().backward()
    np.testing.assert_array_equal(x.grad.data, A[::-1])


@pytest.mark.parametrize("value", [mg.tensor([1, 2]), mg.tensor([3, 4])])
def test_powers_of_integers_stay_integers(value):
    """x ** 2 of integers is an integer array; a negative power raises as in NumPy."""
    assert (value**2).dtype == np.int64
    with pytest.raises(ValueError, match=r"power of \(2,\): Integers to negative"):
        value**-1


# What users see of an array, and what they do not


def test_completion_shows_nothing_of_the_engine():
    """dir() of a Tensor, and of an array inside a transformation, has what ndarrays and PyTorch's tensors have."""
    shown = {name for name in dir(mg.tensor(A, requires_grad=True)) if not name.startswith("_")}
    assert {"T", "backward", "grad", "item", "mean", "numpy", "requires_grad", "shape", "sum"} <= shown
    known = {
        *dir(np.ndarray),
        "backward",
        "detach",
        "grad",
        "is_leaf",
        "numpy",
        "ptp",
        "register_hook",
        "requires_grad",
    }
    assert shown <= known | {"retain_grad"}
    inside = []
    mg.grad(lambda x: inside.append(dir(x)) or x.sum())(A)
    assert {name for name in inside[0] if not name.startswith("_")} <= known


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copies_inside_transformations_keep_the_derivative(copied):
    """A copy of an array inside mg.grad or jvp is another array with the same derivative."""
    assert mg.grad(lambda x: (copied(x) * x).sum())(A).tolist() == (2 * A).tolist()
    assert mg.jvp(lambda x: (copied(x) * x).sum(), (A,), (A,))[1] == 2 * (A * A).sum()


def test_arrays_inside_transformations_are_not_pickled():
    """Pickling would lose the derivative, so it is refused, with the remedy."""
    with pytest.raises(TypeError, match=r"cannot be pickled. Use x.detach\(\)"):
        mg.grad(lambda x: pickle.loads(pickle.dumps(x)).sum())(A)
    values = []
    mg.grad(lambda x: values.append(pickle.loads(pickle.dumps(x.detach()))) or x.sum())(A)
    assert values[0].tolist() == A.tolist()


def test_a_module_keeps_its_buffer():
    """A buffer of a module does not become a watched array: the change is refused, and the buffer is as it was."""
    kept = nn.Buffer([1.0, 2.0])

    def f(x):
        kept[0] = x[0]
        return x.sum()

    for way in (mg.grad(f), lambda x: mg.jvp(f, (x,), (x,))):
        with pytest.raises(mg.LevelError, match="into a Buffer from outside of it. Make a new array"):
            way(np.ones(2))
    assert type(kept) is nn.Buffer
    assert kept.tolist() == [1, 2]


def test_an_array_that_is_being_filled_takes_other_values():
    """x op= v after x[i] = v: the value is asked for, and what was written counts."""
    x = mg.zeros(3)
    x[0] = 2.0
    x *= 3.0
    x[1:] = 5.0
    assert (x.shape, x.ndim, x.dtype, x.size) == ((3,), 1, np.float64, 3)
    x.data = [7.0, 8.0, 9.0]
    assert x.tolist() == [7, 8, 9]


@pytest.mark.parametrize("other", [np.ones((1, 2)).view(np.matrix), np.ma.masked_array([1.0, 2.0], [True, False])])
def test_subclasses_with_another_arithmetic_are_refused(other):
    """A matrix or a masked array beside a Tensor is refused by the name of its class."""
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    for call in (lambda: x * other, lambda: np.multiply(x, other), lambda: mg.multiply(x, other)):
        with pytest.raises(TypeError, match=rf"multiply takes arrays .*; got a {type(other).__name__}. Use np.asarray"):
            call()


def test_a_part_of_a_filled_array_for_somebody_else():
    """Where another has to see the reading, as the watch for anomalies, the array has an end of filling."""
    x = mg.zeros(2)
    x[0] = mg.tensor(3.0, requires_grad=True)
    with mg.detect_anomaly():
        part = x[0]
    assert type(x) is mg.Tensor
    part.backward()
    assert part.item() == 3


def test_plain_numbers_of_a_transformation_without_its_derivative():
    """np.asarray of an array inside a transformation gives the numbers where no derivative is recorded."""

    def f(x):
        with mg.no_grad():
            seen.append(np.asarray(x))
        return np.sum(x * x)

    seen = []
    np.testing.assert_array_equal(mg.grad(f)(A), 2 * A)
    assert type(seen[0]) is np.ndarray
    np.testing.assert_array_equal(seen[0], A)
