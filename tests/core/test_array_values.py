"""Value semantics: a change in place gives a tensor another value, and what was computed before keeps its own."""

import gc
import time
import weakref

import numpy as np
import pytest

import minigrad as mg


def leaf(*values, dtype=float):
    return mg.tensor(np.array(values, dtype=dtype), requires_grad=True)


def test_setitem_replaces_the_gradient_of_the_element():
    """What x[i] = v overwrites gets no gradient, and v gets that of the element."""
    w, v = leaf(1, 2, 3), leaf(10)
    x = w * 2
    x[1] = v[0]
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.data, [2, 10, 6])
    np.testing.assert_array_equal(w.grad.data, [8, 0, 24])
    np.testing.assert_array_equal(v.grad.data, [20])


def test_earlier_results_keep_value_and_derivative():
    """A result computed before x[i] = v is differentiated at the old value of x."""
    w = leaf(1, 2, 3)
    x = w * 1
    before = x * x
    x[0] = 100.0
    after = x * x
    (before + after).sum().backward()
    np.testing.assert_array_equal(before.data, [1, 4, 9])
    np.testing.assert_array_equal(w.grad.data, [2, 8, 12])  # 2 w before, and after but for x[0]


def test_several_updates_in_a_row():
    """Each of several updates sees the value that the last one left."""
    w = leaf(1, 2)
    x = w * 1
    results = [x * x]
    for factor in (2.0, 3.0, 5.0):
        x *= factor
        results.append(x * x)
    sum(results).sum().backward()
    total = 1 + 2**2 + 6**2 + 30**2
    np.testing.assert_array_equal(w.grad.data, 2 * total * w.data)


@pytest.mark.parametrize(
    ("update", "slope"),
    [
        (lambda x: x.__iadd__(3.0), 1),
        (lambda x: x.__isub__(3.0), 1),
        (lambda x: x.__imul__(4.0), 4),
        (lambda x: x.__itruediv__(4.0), 0.25),
        (lambda x: x.__ipow__(2), 6),
        (lambda x: x.__imatmul__(np.array([[0.0, 1.0], [5.0, 0.0]])), None),
    ],
)
def test_each_operator_in_place(update, slope):
    """An operator in place answers the same object, whose derivative is that of the operator."""
    w = leaf(3, 3)
    x = w * 1
    assert update(x) is x
    x.sum().backward()
    np.testing.assert_array_equal(w.grad.data, [1, 5] if slope is None else [slope, slope])


def test_update_of_a_constant_makes_it_part_of_the_graph():
    """A constant that is updated with a tensor that requires grad requires grad itself."""
    w, c = leaf(1, 2), mg.tensor([5.0, 6.0])
    earlier = c * w
    c += w
    assert c.requires_grad
    (c * c + earlier).sum().backward()
    np.testing.assert_array_equal(w.grad.data, 2 * np.array([6, 8]) + [5, 6])


def test_update_of_a_constant_leaves_shared_memory_alone():
    """asarray shares memory, but x[i] = v gives x new memory: the array of the user stays."""
    array = np.ones(3)
    x = mg.asarray(array)
    x[0] = 5.0
    x += 1.0
    np.testing.assert_array_equal(array, 1)
    np.testing.assert_array_equal(x.data, [6, 2, 2])


def test_the_last_of_duplicate_indices_has_the_gradient():
    """Where an index names an element twice, the last write stays, and only it has a gradient."""
    w, v = leaf(0, 0, 0), leaf(1, 2, 3, 4)
    x = w * 1
    x[[0, 2, 0, 0]] = v
    (x * np.array([10.0, 20.0, 30.0])).sum().backward()
    np.testing.assert_array_equal(x.data, [4, 0, 2])
    np.testing.assert_array_equal(v.grad.data, [0, 30, 0, 10])
    np.testing.assert_array_equal(w.grad.data, [0, 20, 0])


def test_a_result_that_reads_itself_in_its_update():
    """x[i] = f(x) and x += f(x) are differentiated at the value of x before the update."""
    w = leaf(3.0)
    x = w * 1
    y = x * x
    x += y
    x[0] = x[0] * x[0]
    x.sum().backward()  # (w + w^2)^2
    np.testing.assert_array_equal(w.grad.data, [2 * 12 * 7])


def test_update_under_no_grad_cuts_the_tensor_off():
    """Under no_grad an update of a result leaves a constant, and earlier results their derivative."""
    w = leaf(1, 2)
    x = w * 3
    before = x * x
    with mg.no_grad():
        x += 1.0
    assert not x.requires_grad
    assert x.is_leaf
    (before + x).sum().backward()
    np.testing.assert_array_equal(w.grad.data, 18 * w.data)


def test_a_result_cut_off_can_become_a_leaf():
    """A result made constant under no_grad can require grad: it is a leaf, apart from what it was before."""
    w = leaf(1, 2)
    x = w * 3
    before = x * x
    with mg.no_grad():
        x += 1.0
    x.requires_grad = True
    (before + 5.0 * x).sum().backward()
    np.testing.assert_array_equal(w.grad.data, 18 * w.data)
    np.testing.assert_array_equal(x.grad.data, [5, 5])


def test_hooks_stay_with_the_value_that_they_were_put_on():
    """A hook registered before an update sees the gradient of the earlier value."""
    w, seen = leaf(1, 2), []
    x = w * 3
    x.register_hook(lambda g: seen.append(g.tolist()))
    x *= 10.0
    x.sum().backward()
    assert seen == [[10, 10]]


def test_retain_grad_goes_along_with_an_update():
    """A result that retains its gradient has that of its present value."""
    w = leaf(1, 2)
    x = w * 3
    x.retain_grad()
    x[0] = 7.0
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [14, 12])
    np.testing.assert_array_equal(w.grad.data, [0, 36])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda x: x.__iadd__(np.ones((2, 3))), r"keeps shape \(3,\) and dtype float64; got \(2, 3\)"),
        (lambda x: x.__imul__(np.ones(2)), r"multiply of \(3,\) and \(2,\)"),
        (lambda x: x.__setitem__(0, np.ones(2)), r"index_update of \(3,\) and \(2,\)"),
        (lambda x: x.__setitem__(7, 1.0), r"index_update of \(3,\): index 7 is out of bounds"),
    ],
)
@pytest.mark.parametrize("connected", [True, False])
def test_a_refused_update_changes_nothing(change, text, connected):
    """An update that does not fit raises, and leaves value, gradient and graph as they were."""
    w = leaf(1, 2, 3)
    x = w * 1 if connected else mg.tensor([1.0, 2.0, 3.0])
    y = (x * w).sum()
    with pytest.raises((ValueError, IndexError), match=text):
        change(x)
    np.testing.assert_array_equal(x.data, [1, 2, 3])
    y.backward()
    np.testing.assert_array_equal(w.grad.data, [2, 4, 6] if connected else [1, 2, 3])


def test_an_integer_tensor_takes_no_fractions_in_place():
    """An update keeps the dtype: a float does not go into an integer tensor."""
    x = mg.tensor([1, 2])
    with pytest.raises(ValueError, match=r"keeps shape \(2,\) and dtype int64; got \(2,\) and float64"):
        x += 0.5
    assert x.tolist() == [1, 2]


def test_an_update_keeps_float32():
    """A float64 array added in place is rounded to the float32 of the tensor."""
    w = leaf(1, 2, dtype=np.float32)
    x = w * 1
    x += np.ones(2)
    x.sum().backward()
    assert x.dtype == w.grad.dtype == np.float32


@pytest.mark.parametrize("transform", ["grad", "jvp"])
def test_updates_inside_transformations(transform):
    """x[i] = v and x op= v are right for the argument of a transformed function, and for its results."""

    def f(x):
        before = x * x
        x[0] = x[1] * 3.0
        y = x * 2.0
        y -= before
        y[2] = 0.0
        return (y * x).sum() + before.sum()

    def pure(x):  # written out
        a, b, c = x
        return (6 * b - a * a) * 3 * b + (2 * b - b * b) * b + a * a + b * b + c * c

    x = np.array([1.0, 2.0, 3.0])
    if transform == "grad":
        got, wanted = mg.grad(f)(x), mg.grad(lambda x: pure(x))(x)
    else:
        got, wanted = (mg.jvp(g, (x,), (np.array([1.0, 10.0, 100.0]),))[1] for g in (f, pure))
    np.testing.assert_allclose(got, wanted, rtol=1e-14)  # sums of few terms, in another order
    np.testing.assert_array_equal(x, [1, 2, 3])


def test_update_of_an_argument_under_no_grad():
    """An argument of grad's function changed under no_grad is a constant from then on."""

    def f(x):
        y = x * x
        with mg.no_grad():
            x += 1.0
        return (y * x).sum()

    np.testing.assert_array_equal(mg.grad(f)(np.array([3.0])), [2 * 3 * 4])
    np.testing.assert_array_equal(mg.jvp(f, (np.array([3.0]),), (np.array([1.0]),))[1], 2 * 3 * 4)


def test_many_updates_take_linear_time():
    """Ten times the updates take ten times the time, not a hundred."""

    def seconds(count):
        x = leaf(1) * 1
        start = time.process_time()
        for _ in range(count):
            x += 1.0
        x.sum().backward()
        return time.process_time() - start

    short, long = (min(seconds(count) for _ in range(3)) for count in (1000, 10_000))
    assert long < 40 * short  # quadratic growth would be a factor of 100


def test_updates_leave_no_reference_cycle():
    """A tensor updated several times is freed with its former values when nobody holds it."""
    gc.collect()
    gc.disable()
    try:
        w = leaf(1, 2)
        x = w * 2
        x.register_hook(lambda g: None)
        middle = x * x
        alive = weakref.ref(middle)
        for _ in range(3):
            x += 1.0
        y = (x * middle).sum()
        del x, middle, y
        assert alive() is None
    finally:
        gc.enable()


def test_complex_results_are_refused():
    """An operation that makes complex numbers raises and names itself, for constants as well."""
    for x in (leaf(1, 2), mg.tensor([1.0, 2.0])):
        with pytest.raises(TypeError, match="multiply makes complex numbers here, and derivatives are of real"):
            x * 1j
    with pytest.raises(TypeError, match="multiply makes complex numbers here"):
        mg.grad(lambda x: np.abs(x * 1j).sum())(np.ones(2))


def test_complex_results_are_refused_in_forward_mode():
    """jvp does not lose the tangent on the way through complex numbers: it raises."""
    with pytest.raises(TypeError, match="multiply makes complex numbers here"):
        mg.jvp(lambda x: np.abs(x * 1j), (np.ones(2),), (np.ones(2),))
