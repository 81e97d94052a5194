"""Tensor: what it is made of, what backward() leaves in it, and what it refuses."""

import copy
import math
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad.errors import GraphError


def leaf(*values, dtype=float):
    return mg.tensor(np.array(values, dtype=dtype), requires_grad=True)


# Making tensors


def test_tensor_copies_and_asarray_shares():
    """mg.tensor has memory of its own, mg.asarray that of the array."""
    array = np.ones(2)
    assert not np.shares_memory(mg.tensor(array).data, array)
    assert np.shares_memory(mg.asarray(array).data, array)
    x = leaf(1, 2)
    assert mg.asarray(x) is x
    assert mg.asarray(x, dtype=np.float32).dtype == np.float32
    assert not np.shares_memory(mg.tensor(x.detach()).data, x.data)
    assert np.shares_memory(x.detach().data, x.data)


@pytest.mark.parametrize("make", [mg.tensor, mg.asarray])
def test_dtypes_are_numpys(make):
    """Python floats are float64, integers int64, truths bool; dtype= is obeyed."""
    assert make([1.0]).dtype == np.float64
    assert make(3).dtype == np.int64
    assert make([True]).dtype == np.bool_
    assert make(np.float16(1)).dtype == np.float16
    assert make([1, 2], dtype=np.float32).dtype == np.float32
    assert make(np.ones(2), dtype="f4").dtype == np.float32
    assert make([[]]).shape == (1, 0)


BAD = {
    "ragged": ([[1.0], [1.0, 2.0]], ValueError, "takes numbers, in rows of equal lengths: .*inhomogeneous"),
    "text": ("abc", TypeError, "takes numbers; got str, of which NumPy makes <U3"),
    "texts": (["1", "2"], TypeError, "takes numbers; got list, of which NumPy makes <U1"),
    "None": (None, TypeError, "takes numbers; got NoneType, of which NumPy makes object"),
    "None inside": ([1.0, None], TypeError, "takes numbers; got list, of which NumPy makes object"),
    "object": (object(), TypeError, "takes numbers; got object"),
    "complex": (1j, TypeError, "takes real numbers; got complex128. Keep real and imaginary parts apart"),
    "complex array": (np.ones(2, complex), TypeError, "takes real numbers; got complex128"),
    "dates": (np.array(["2020-01-01"], "M8[D]"), TypeError, "takes numbers; got ndarray, of which NumPy makes dat"),
    "set": ({1.0}, TypeError, "takes numbers; got set"),
}


@pytest.mark.parametrize("make", [mg.tensor, mg.asarray])
@pytest.mark.parametrize("dtype", [None, float])
@pytest.mark.parametrize("name", BAD)
def test_bad_data_is_refused(name, dtype, make):
    """Ragged lists, text, objects, None, and complex numbers make no tensor, whatever dtype is asked for."""
    data, error, text = BAD[name]
    with pytest.raises(error, match=text):
        make(data, dtype=dtype)


def test_complex_dtype_is_refused():
    """dtype=complex is refused as complex data are."""
    with pytest.raises(TypeError, match="takes real numbers; got complex128"):
        mg.tensor([1.0], dtype=complex)
    with pytest.raises(TypeError, match="takes real numbers; got complex128"):
        mg.tensor(np.ones(2), dtype=complex)


@pytest.mark.parametrize("args", [(), ([1.0],), (2, 3)])
def test_the_class_makes_no_tensors(args):
    """Called as in other libraries, it says what makes one."""
    with pytest.raises(TypeError, match=r"^Tensor is the class of Tensors; mg\.tensor\(data\) makes one, and mg"):
        mg.Tensor(*args)
    assert mg.tensor([1.0]).tolist() == [1.0]


@pytest.mark.parametrize("data", [[1, 2], [True], np.arange(3)])
def test_integers_cannot_require_grad(data):
    """An integer or boolean tensor that should require grad raises, names its dtype, and does not change."""
    with pytest.raises(TypeError, match=r"only floating tensors can require grad; got (int64|bool). Use x.astype\(flo"):
        mg.tensor(data, requires_grad=True)
    x = mg.tensor(data)
    with pytest.raises(TypeError, match="only floating tensors"):
        x.requires_grad = True
    assert not x.requires_grad


def test_requires_grad_of_results():
    """requires_grad can be set on leaves only."""
    w = leaf(1, 2)
    y = w * 2.0
    with pytest.raises(GraphError, match=r"on leaves only; this tensor is the result of multiply. Use x.detach\(\)"):
        y.requires_grad = False
    y.sum().backward()
    assert w.grad.tolist() == [2, 2]
    w.requires_grad = True  # as it is: keeps the gradient
    assert w.grad.tolist() == [2, 2]
    w.requires_grad = False
    assert w.grad is None
    assert not (w * 2.0).requires_grad
    w.requires_grad = True
    assert w.grad is None
    c = mg.tensor([1.0])
    c.requires_grad = False
    assert c.is_leaf


def test_leaves():
    """A leaf is what the user made, and every constant."""
    w = leaf(1.0)
    y = w * 2.0
    assert w.is_leaf
    assert w.requires_grad
    assert not y.is_leaf
    assert y.requires_grad
    assert y.detach().is_leaf
    assert (mg.tensor([1.0]) * 2.0).is_leaf


# backward


def test_backward_takes_a_single_number():
    """Without gradient=, backward() takes one element of any shape, and names the shape otherwise."""
    for shape in ((), (1,), (1, 1, 1)):
        w = mg.tensor(np.full(shape, 3.0), requires_grad=True)
        (w * w).backward()
        assert w.grad.shape == shape
        assert w.grad.item() == 6
    w = leaf(1, 2)
    y = w * 2.0
    with pytest.raises(ValueError, match=r"has shape \(2,\). Reduce it, to a sum or a mean, or pass gradient="):
        y.backward()
    with pytest.raises(ValueError, match=r"has shape \(0,\)"):
        (w * 2.0)[:0].backward()
    assert w.grad is None
    y.backward([1.0, 10.0])
    assert w.grad.tolist() == [2, 20]


@pytest.mark.parametrize(
    ("gradient", "came"),
    [
        (np.ones(3), r"float64 of \(3,\)"),
        (1.0, r"float64 of \(\)"),
        (np.ones((1, 2)), r"float64 of \(1, 2\)"),
        (mg.tensor([1.0]), r"float64 of \(1,\)"),
        (np.ones(2) * 1j, r"complex128 of \(2,\)"),
        (["a", "b"], r"<U1 of \(2,\)"),
    ],
)
@pytest.mark.parametrize("create_graph", [False, True])
def test_gradient_of_a_wrong_shape_is_refused(gradient, came, create_graph):
    """gradient= has the shape of the tensor; another is refused, not broadcast, and the graph stays."""
    w = leaf(1, 2)
    y = w * 2.0
    with pytest.raises(ValueError, match=rf"array of real numbers of the result's shape \(2,\); got {came}"):
        y.backward(gradient, create_graph=create_graph)
    assert w.grad is None
    y.backward(np.ones(2))
    assert w.grad.tolist() == [2, 2]


@pytest.mark.parametrize("gradient", [[1, 10], np.array([1, 10]), np.array([1.0, 10.0]), mg.tensor([1.0, 10.0])])
@pytest.mark.parametrize("create_graph", [False, True])
def test_gradient_is_cast(gradient, create_graph):
    """gradient= may be a list, integers, or another dtype: the result's dtype counts."""
    w = leaf(1, 2, dtype=np.float32)
    (w * 2.0).backward(gradient, create_graph=create_graph)
    assert w.grad.tolist() == [2, 20]
    assert w.grad.dtype == np.float32


@pytest.mark.parametrize(
    "make",
    [
        lambda w: mg.tensor([1.0]).sum(),
        lambda w: w.detach().sum(),
        lambda w: mg.no_grad()(lambda: w.sum())(),
        lambda w: w.astype(int).sum(),
        lambda w: (w > 0).sum(),
    ],
)
def test_backward_without_a_graph_says_why(make):
    """Where nothing requires grad, backward() raises and lists the reasons."""
    with pytest.raises(
        GraphError, match=r"does not depend on any that requires grad: .*detached, under no_grad\(\), or"
    ):
        make(leaf(1, 2)).backward()


def test_backward_of_a_leaf():
    """The derivative of a leaf by itself is 1."""
    w = leaf(3.0)
    w.backward()
    w.backward(np.array([5.0]))
    assert w.grad.tolist() == [6]


def test_gradients_of_results_are_not_kept():
    """grad of a result is None unless retain_grad() asked for it; then it accumulates."""
    w = leaf(1, 2)
    y = w * 2.0
    z = y * y
    y.retain_grad()
    z.sum().backward(retain_graph=True)
    assert z.grad is None
    assert y.grad.tolist() == [4, 8]
    z.sum().backward()
    assert y.grad.tolist() == [8, 16]
    w.retain_grad()  # a leaf does so anyway, once
    y = w * 1.0
    w.grad = None
    y.sum().backward()
    assert w.grad.tolist() == [1, 1]


def test_root_can_retain_its_gradient():
    """The gradient of the root is what backward() started from, in an array of its own."""
    w, g = leaf(1, 2), np.array([1.0, 2.0])
    y = w * 2.0
    y.retain_grad()
    y.backward(g)
    assert y.grad.tolist() == [1, 2]
    assert not np.shares_memory(y.grad.data, g)


@pytest.mark.parametrize(
    "call", [lambda x: x.retain_grad(), lambda x: x.register_hook(print), lambda x: setattr(x, "grad", [1.0])]
)
def test_constants_have_no_gradient(call):
    """retain_grad, hooks and grad= are for tensors in a graph."""
    with pytest.raises(GraphError, match="does not depend on any that requires grad"):
        call(mg.tensor([1.0]))


# Buffers


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: (a + b).reshape(2, 1).reshape(2),
        lambda a, b: mg.concat([a, b])[:2] + mg.stack([a, b])[1],
        lambda a, b: a[:] + b.T,
        lambda a, b: mg.permute_dims(a + b),
        lambda a, b: mg.where(np.array([True, True]), a, b) + np.maximum(a, b),
        lambda a, b: +a + b.astype(float),
    ],
)
@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("kind", [np.asarray, mg.tensor, mg.asarray])
def test_gradient_buffers_are_never_shared(function, create_graph, kind):
    """Gradients share memory neither with each other, nor with gradient=, nor with those of results."""
    a, b, g = leaf(1, 2), leaf(3, 4), np.array([1.0, 10.0])
    given = kind(g)
    x = a + 0.0
    y = function(x, b)
    x.retain_grad()
    y.retain_grad()
    y.backward(given, create_graph=create_graph)
    buffers = [g, *(one.grad.data for one in (a, b, x, y))]
    for i, one in enumerate(buffers):
        for other in buffers[:i]:
            assert not np.shares_memory(one, other)
    held = [one.copy() for one in buffers]
    a.grad.data[...] = 99.0
    g[...] = 77.0
    np.testing.assert_array_equal(b.grad.data, held[2])
    np.testing.assert_array_equal(x.grad.data, held[3])
    np.testing.assert_array_equal(y.grad.data, held[4])


def test_gradients_are_writable():
    """A gradient is an array of one's own, even if the rule answered with a broadcast one."""
    w = leaf(*range(10_000))
    w.sum().backward()
    w.grad.data[0] = 5.0
    assert w.grad.data[1] == 1


# Higher orders


def test_double_and_triple_backward():
    """create_graph records the pass: derivatives of derivatives, to the third order."""
    x = leaf(2.0, 3.0)
    v = x.data.copy()
    (x**4.0).sum().backward(create_graph=True)
    first = x.grad
    assert first.requires_grad
    np.testing.assert_array_equal(first.data, 4 * v**3)
    x.grad = None
    first.sum().backward(create_graph=True)
    second = x.grad
    np.testing.assert_array_equal(second.data, 12 * v**2)
    x.grad = None
    second.sum().backward()
    np.testing.assert_array_equal(x.grad.data, 24 * v)
    assert not x.grad.requires_grad


def test_gradient_penalty():
    """A loss with a gradient in it is differentiated through it."""
    x, w = mg.tensor([1.0, 2.0], requires_grad=True), leaf(3, 4)
    (x * x * w).sum().backward(create_graph=True)  # 2 x w
    (x.grad * x.grad).sum().backward()  # 4 x^2 w^2
    np.testing.assert_array_equal(w.grad.data, x.data**2 + 8 * x.data**2 * w.data)


def test_create_graph_differentiates_by_gradient():
    """With create_graph the result depends on a Tensor passed as gradient=, too."""
    x, g = leaf(1, 2), leaf(3, 4)
    (x * x).backward(g, create_graph=True)
    x.grad.sum().backward()
    np.testing.assert_array_equal(g.grad.data, 2 * x.data)


def test_create_graph_under_no_grad():
    """create_graph asks for a record of the pass, so it is kept under no_grad as well."""
    x = leaf(1, 2)
    y = (x * x * x).sum()
    with mg.no_grad():
        y.backward(create_graph=True)
    assert x.grad.requires_grad
    assert mg.is_grad_enabled()


def test_create_graph_keeps_the_graph():
    """After create_graph another pass works, also through sequences, options and changes in place."""
    x = leaf(1, 2)
    y = mg.concat([x, x * x]).reshape(2, 2).sum(axis=0, keepdims=True)
    y[0, 0] = x[1] * x[1]
    y = (y * y).sum()
    y.backward(create_graph=True)
    first = x.grad
    x.grad = None
    y.backward(retain_graph=True)
    np.testing.assert_array_equal(x.grad.data, first.data)
    x.grad = None
    first.sum().backward()
    # y = x1^4 + (x1 + x1^2)^2: the second derivative by x1
    np.testing.assert_allclose(x.grad.data[0] + x.grad.data[1], 12 * 4 + 2 * 25 + 2 * 6 * 2, rtol=1e-15)


# Hooks


def test_hooks_run_in_order_and_replace():
    """Hooks see the gradient in the order of registration; an answer takes its place for what follows."""
    w, seen = leaf(1, 2), []
    y = w * 1.0
    y.register_hook(lambda g: seen.append(("first", g.tolist())))
    y.register_hook(lambda g: g * 10.0)
    y.register_hook(lambda g: seen.append(("third", g.tolist())))
    y.retain_grad()
    y.sum().backward()
    assert seen == [("first", [1, 1]), ("third", [10, 10])]
    assert w.grad.tolist() == [10, 10]
    assert y.grad.tolist() == [10, 10]


def test_hooks_of_leaves_see_the_sum():
    """The hook of a leaf is called once in a pass, with the sum; grad has what it answers."""
    w, seen = leaf(1, 2), []
    w.register_hook(lambda g: (seen.append(g.tolist()), g * 0.5)[1])
    (w + w * 3.0).sum().backward()
    assert seen == [[4, 4]]
    assert w.grad.tolist() == [2, 2]


def test_hooks_can_be_removed():
    """The function that register_hook answers removes that hook only, and may be called twice."""
    w, seen = leaf(1, 2), []

    def hook(g):
        seen.append(1)

    remove, _ = w.register_hook(hook), w.register_hook(hook)
    w.register_hook(lambda g: seen.append(2))
    remove()
    remove()
    w.sum().backward()
    assert seen == [1, 2]


@pytest.mark.parametrize("answer", [[3.0, 4.0], np.array([3, 4]), np.array([3.0, 4.0]), mg.tensor([3.0, 4.0])])
@pytest.mark.parametrize("create_graph", [False, True])
def test_answers_of_hooks_are_cast(answer, create_graph):
    """A hook may answer with a list, an array or a Tensor of any dtype; the gradient keeps its own."""
    w = leaf(1, 2, dtype=np.float32)
    y = w * 2.0
    y.register_hook(lambda g: answer)
    y.sum().backward(create_graph=create_graph)
    assert w.grad.tolist() == [6, 8]
    assert w.grad.dtype == np.float32
    assert not np.shares_memory(w.grad.data, np.asarray(answer))


@pytest.mark.parametrize(
    ("answer", "came"),
    [(np.ones(3), r"float64 of \(3,\)"), (1.0, r"float64 of \(\)"), ([1j, 1j], r"complex128 of \(2,\)"), ("ab", "<U2")],
)
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_hook_with_an_answer_that_does_not_fit(answer, came, create_graph):
    """The answer of a hook has the gradient's shape; another raises and leaves no gradient."""
    w = leaf(1, 2)
    w.register_hook(lambda g: answer)
    with pytest.raises(ValueError, match=rf"a hook must return a gradient of shape \(2,\), or None; got {came}"):
        (w * 2.0).sum().backward(create_graph=create_graph)
    assert w.grad is None


def test_hooks_may_keep_and_change_what_they_see():
    """The Tensor that a hook sees is its own: it can be kept and changed, and the gradient stays."""
    w, kept = leaf(1, 2), []

    def hook(g):
        kept.append(g)
        g.data[...] = 55.0

    y = w + 0.0
    y.register_hook(hook)
    w.register_hook(hook)
    y.sum().backward()
    assert w.grad.tolist() == [1, 1]
    assert [g.tolist() for g in kept] == [[55, 55], [55, 55]]


def test_hooks_with_create_graph():
    """With create_graph what a hook does is differentiated as well."""
    w = leaf(1, 2)
    w.register_hook(lambda g: g * g)
    (w * w).sum().backward(create_graph=True)
    np.testing.assert_array_equal(w.grad.data, 4 * w.data**2)
    first, w.grad = w.grad, None
    first.sum().backward()
    np.testing.assert_array_equal(w.grad.data, (8 * w.data) ** 2)


# grad, data, changes in place of leaves


def test_grad_can_be_set():
    """grad takes None, a Tensor, or what makes one, in the shape and dtype of the tensor."""
    w = leaf(1, 2, dtype=np.float32)
    w.grad = [1.0, 2.0]
    assert w.grad.dtype == np.float32
    w.sum().backward()
    assert w.grad.tolist() == [2, 3]
    assert w.grad is w.grad
    w.grad = np.zeros(2)
    assert w.grad.tolist() == [0, 0]
    w.grad = None
    assert w.grad is None
    g = mg.tensor(np.ones(2, np.float32))
    w.grad = g
    w.sum().backward()
    assert g.tolist() == [1, 1]


@pytest.mark.parametrize("value", [np.ones(3), 1.0, mg.tensor([1.0, 2.0])])
def test_a_grad_that_does_not_fit(value):
    """grad of another shape, or a Tensor of another dtype, is refused, and the old one stays."""
    w = leaf(1, 2, dtype=np.float32)
    w.sum().backward()
    with pytest.raises(ValueError, match=r"its tensor's shape \(2,\) and dtype float32; got "):
        w.grad = value
    assert w.grad.tolist() == [1, 1]


@pytest.mark.parametrize(
    "change",
    [
        lambda w: w.__iadd__(1.0),
        lambda w: w.__isub__(w.detach()),
        lambda w: w.__ipow__(2),
        lambda w: w.__setitem__(0, 5.0),
        lambda w: w.__setitem__(slice(None), 5.0),
    ],
)
def test_leaves_change_in_place_under_no_grad_only(change):
    """A leaf that requires grad is changed in its memory under no_grad; otherwise it raises and says how."""
    w = leaf(1, 2)
    with pytest.raises(
        GraphError, match="cannot be changed in place while operations are recorded. Do it in a `with mg"
    ):
        change(w)
    assert w.tolist() == [1, 2]
    memory, other = w.data, w.detach()
    with mg.no_grad():
        change(w)
    assert w.tolist() != [1, 2]
    assert w.data is memory
    assert other.tolist() == w.tolist()
    assert w.requires_grad
    assert w.is_leaf
    (w * w).sum().backward()
    np.testing.assert_array_equal(w.grad.data, 2 * w.data)


def test_a_leaf_update_that_does_not_fit():
    """Under no_grad an update that does not fit raises, and nothing is changed."""
    w = leaf(1, 2, dtype=np.float32)
    y = (w * w).sum()
    with mg.no_grad():
        with pytest.raises(ValueError, match=r"keeps shape \(2,\) and dtype float32; got \(3, 2\)"):
            w += np.ones((3, 2))
        with pytest.raises(IndexError):
            w[5] = 1.0
        with pytest.raises(ValueError, match="broadcast"):
            w[:] = np.ones(3)
    y.backward()
    np.testing.assert_array_equal(w.grad.data, [2, 4])


def test_a_leaf_takes_elements_of_tensors():
    """Under no_grad w[i] = v takes Tensors as index and value."""
    w = leaf(1, 2, 3)
    with mg.no_grad():
        w[mg.tensor([0, 2])] = leaf(7, 8)
        w[mg.tensor([False, True, False])] = 0
    assert w.tolist() == [7, 0, 8]


def test_data_of_leaves():
    """data= writes into the memory of a leaf that requires grad, and casts; a constant gets new memory."""
    w = leaf(1, 2, dtype=np.float32)
    memory = w.data
    w.data = [3.0, 4.0]
    w.data = mg.tensor([3.0, 4.0])
    assert w.data is memory
    assert memory.tolist() == [3, 4]
    w.data = w.data[::-1]
    assert memory.tolist() == [4, 3]
    c = mg.tensor([1.0, 2.0])
    y = w * c
    c.data = [0.0, 0.0]
    y.sum().backward()
    assert w.grad.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (np.ones(3), r"values of shape \(2,\) and a dtype that fits float64, for a leaf; got \(3,\) and float64$"),
        (1.0, r"got \(\) and float64"),
        ([[1.0], [1.0, 2.0]], "rows of equal lengths"),
        ("ab", "takes numbers"),
    ],
)
def test_data_that_does_not_fit(values, text):
    """data= of another shape is refused, and nothing is changed."""
    w = leaf(1, 2)
    y = (w * w).sum()
    with pytest.raises((ValueError, TypeError), match=text):
        w.data = values
    with pytest.raises(ValueError, match="for the result of an operation"):
        (w * 2.0).data = np.ones(2)
    with pytest.raises(ValueError, match="fits int64"):
        mg.tensor([1, 2]).data = [0.5, 0.5]
    y.backward()
    np.testing.assert_array_equal(w.grad.data, [2, 4])


# Leaving the graph


def test_asarray_of_a_tensor_that_requires_grad():
    """np.asarray and numpy() raise for a tensor that requires grad while grad is enabled, and say what to use."""
    w = leaf(1, 2)
    for call in (
        np.asarray,
        lambda t: t.numpy(),
        np.array,
        lambda t: np.array([t, t]),
        lambda t: mg.tensor([t[0], 1.0]),
    ):
        with pytest.raises(
            TypeError, match=r"would be lost in plain numbers.*x\.detach\(\)\.numpy\(\) or a `with mg\.no_grad"
        ):
            call(w)
    with mg.no_grad():
        assert np.asarray(w).tolist() == [1, 2]
        assert np.shares_memory(w.numpy(), w.data)
    assert np.asarray(w.detach(), dtype=np.float32).dtype == np.float32
    assert np.array(mg.tensor([1.0, 2.0]), copy=True).tolist() == [1, 2]
    assert type((w[0] * 2.0).data) is np.ndarray


def test_an_array_does_not_take_a_tensor_in_silence():
    """ndarray[i] = tensor raises when the tensor requires grad, whatever the array's dtype and the index."""
    w = leaf(1, 2)
    single = w.sum()
    for dtype in (float, np.float32, int):
        array = np.zeros(2, dtype)
        with pytest.raises((TypeError, ValueError)) as caught:
            array[0] = single
        text = str(caught.value.__cause__ or caught.value)
        assert "a derivative flows through this array" in text
        assert "np.stack to join a list; mg.zeros for an array that is filled by index" in text
        with pytest.raises(TypeError, match="a derivative flows through this array"):
            array[:] = w
        with pytest.raises(TypeError, match="a derivative flows through this array"):
            array[...] = single
        np.testing.assert_array_equal(array, 0)
        array[0] = single.detach()
        array[1:] = w.detach()[:1]
        assert array.tolist() == [3, 1]
    with mg.no_grad():
        array[0] = leaf(7).sum()
    assert array[0] == 7


def test_numbers():
    """item, tolist, bool, index and format of a tensor that requires grad work; float and int of one that does not."""
    w = mg.tensor(2.5, requires_grad=True)
    assert float(w.detach()) == w.item() == 2.5
    assert int(w.detach().sum()) == 2
    for call in (float, int, complex, np.float64, math.exp):
        with pytest.raises(TypeError, match=r"np\.exp in place of math\.exp.*x\.item\(\)"):
            call(w)
    with mg.no_grad():
        assert float(w) == 2.5
    assert bool(w)
    assert f"{w.sum():.2f}" == "2.50"
    assert f"{w}" == str(w)
    assert [10, 20, 30][mg.tensor(1)] == 20
    assert type(w.item()) is float
    for call in (float, int, bool, lambda x: x.item()):
        with pytest.raises((ValueError, TypeError)):
            call(leaf(1, 2))


def test_equality_and_hash():
    """== is elementwise, hash is by identity, so tensors can be in sets and dicts."""
    a, b = leaf(1, 2), leaf(1, 3)
    assert (a == b).tolist() == [True, False]
    assert (a != 1.0).tolist() == [False, True]
    assert len({a, b, a}) == 2
    assert {a: 1}[a] == 1
    assert 2.0 in a
    assert 7.0 not in a


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_leaves_can_be_copied(how):
    """copy, deepcopy and pickle keep values, dtype, requires_grad and grad, in memory of their own."""
    w = leaf(1, 2, dtype=np.float32)
    (w * w).sum().backward()
    other = how(w)
    assert type(other) is mg.Tensor
    assert other.tolist() == [1, 2]
    assert other.dtype == other.grad.dtype == np.float32
    assert other.grad.tolist() == [2, 4]
    assert other.requires_grad
    assert other.is_leaf
    assert not np.shares_memory(other.data, w.data)
    assert not np.shares_memory(other.grad.data, w.grad.data)
    (other * 3.0).sum().backward()
    assert other.grad.tolist() == [5, 7]
    assert w.grad.tolist() == [2, 4]
    plain = how(mg.tensor([1, 2]))
    assert not plain.requires_grad
    assert plain.grad is None
    assert how(leaf(1)).grad is None


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, pickle.dumps])
def test_results_cannot_be_copied(how):
    """A tensor inside a graph raises, and says what to do."""
    with pytest.raises(TypeError, match=r"inside of a graph cannot be copied or pickled.*Use x.detach\(\)"):
        how(leaf(1, 2) * 2.0)
    assert how((leaf(1, 2) * 2.0).detach()) is not None


def test_repr():
    """repr shows values, a dtype that is not the usual one, and whether it is a leaf or a result."""
    assert repr(mg.tensor([1.0, 2.0])) == "tensor([1., 2.])"
    assert repr(leaf(1, dtype=np.float32)) == "tensor([1.], dtype=float32, requires_grad=True)"
    assert repr(leaf(1) * 2.0) == "tensor([2.], made by multiply)"
    assert repr((leaf(1) * 2.0).sum()) == "tensor(2., made by sum)"
    assert repr(mg.tensor([True])) == "tensor([ True])"


# Kinds of arrays


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * 2.0 + 1 - 3 / (x + 2.0),
        lambda x: 2.0 - x**2,
        lambda x: x**3 / 7,
        lambda x: mg.tanh(x) + mg.sigmoid(x) + mg.exp(-x) + mg.sqrt(x),
        lambda x: x.mean(axis=0) + x.sum() + x.max(),
        lambda x: np.maximum(x, 0.5) + mg.where(x > 1, x, 0.0),
        lambda x: x[[0, 0, 1]] * 2,
        lambda x: mg.concat([x, x]).reshape(2, -1) @ x,
    ],
)
def test_floats_keep_their_width(dtype, function):
    """With Python scalars the value and the gradient have the dtype of x, for every width."""
    x = leaf(1, 2, dtype=dtype)
    y = function(x)
    assert y.dtype == dtype
    y.sum().backward(create_graph=True)
    assert x.grad.dtype == dtype
    first, x.grad = x.grad, None
    if first.requires_grad:
        first.sum().backward()
        assert x.grad is None or x.grad.dtype == dtype


@pytest.mark.parametrize("function", [np.add, np.subtract, np.multiply, np.divide, np.maximum, np.matmul, np.power])
def test_mixed_precision(function):
    """float32 with float64 promotes the value, and each argument's gradient has its own dtype."""
    x, y = leaf(1, 2, dtype=np.float32), leaf(3, 4)
    z = function(x, y)
    assert z.dtype == np.float64
    z.sum().backward()
    assert x.grad.dtype == np.float32
    assert y.grad.dtype == np.float64
    x.grad = None
    function(np.array([1.0, 2.0]), x).sum().backward()
    assert x.grad.dtype == np.float32
    x.grad = None
    function(x, np.array([1, 2])).sum().backward()
    assert x.grad.dtype == np.float32


@pytest.mark.parametrize("shape", [(), (0,), (1,), (0, 3), (2, 0), (1, 1, 1)])
def test_small_and_empty_arrays(shape):
    """Arrays of no axis, no element or one element go through operators, functions and reductions."""
    x = mg.tensor(np.full(shape, 2.0), requires_grad=True)
    y = (x * x + 1.0) / 2.0 - mg.tanh(x)
    y.sum().backward()
    assert y.shape == x.grad.shape == shape
    assert type(x.grad.data) is np.ndarray


@pytest.mark.parametrize(
    "make",
    [
        lambda a: np.asfortranarray(a),
        lambda a: np.repeat(np.repeat(a, 2, axis=0), 2, axis=1)[::2, ::2],
        lambda a: a[::-1, ::-1][::-1, ::-1],
        lambda a: (b := a.copy(), b.setflags(write=False))[0],
        lambda a: np.broadcast_to(a, (1, *a.shape))[0],
        lambda a: a.astype(">f8"),
    ],
)
def test_memory_layouts(make):
    """Fortran, strided, reversed, read-only and byte-swapped inputs give the gradient of a plain array."""
    a = np.arange(1.0, 7.0).reshape(2, 3)

    def run(values):
        x = values
        x.requires_grad = True
        (mg.tanh(x / 3.0) @ x.T + x.reshape(-1).reshape(3, 2)[:2] * x[:, :2]).sum().backward()
        return x.grad.data

    wanted = run(mg.tensor(a))
    for form in (mg.asarray, mg.tensor):
        # BLAS may add up in another order for another layout
        np.testing.assert_allclose(run(form(make(a))), wanted, rtol=1e-14)


def test_zero_dimensional_results_are_arrays_outside():
    """What NumPy makes scalars of, such as a sum, is a Tensor of shape () with an array as data."""
    x = leaf(1, 2)
    for y in (x.sum(), x[0], x @ x, mg.mean(x), x.sum() * 2.0, np.add.reduce(x)):
        assert type(y) is mg.Tensor
        assert y.shape == ()
        assert y.ndim == 0
        assert y.size == 1
        assert type(y.data) is np.ndarray
        assert type(y.detach().numpy()) is np.ndarray


def test_empty_and_large_tensors_show_their_shape():
    """A tensor without elements, or with values left out, shows what the brackets cannot."""
    assert repr(mg.tensor(np.zeros((0, 3)))) == "tensor([], shape=(0, 3))"
    large = mg.tensor(np.ones(3000, np.float32), requires_grad=True)
    assert repr(large) == "tensor([1., 1., 1., ..., 1., 1., 1.], dtype=float32, shape=(3000,), requires_grad=True)"
    assert repr(large.reshape(2, -1)).endswith("], dtype=float32, shape=(2, 1500), made by reshape)")
    with np.printoptions(threshold=4000):
        assert "shape" not in repr(large)
