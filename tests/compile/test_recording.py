"""What a recording sees, and what it refuses."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compile.expressions import Expressions
from minigrad.core.door import raise_if
from minigrad.core.recorder import constant_array, drawn, state_array

from .test_compiled import count_runs


def replayed(function, *args):
    """The answer of the second call of a compiled function."""
    compiled = mg.compile(function)
    compiled(*args)
    return compiled(*args)


def init_normal(rng):
    """Normal numbers."""
    return nn.init.normal((5,), rng=rng)


# Refusals


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: np.asarray(x), r"hands an array of shape \(3,\) to something other than NumPy's functions"),
        (lambda x: x.tobytes(), r"looks into the memory of an array of shape \(3,\)"),
        (lambda x: x + np.random.default_rng().normal(size=3), "makes a generator of random numbers without a seed"),
        (lambda x: x + np.random.rand(3), "draws from np.random.*default_rng"),
        (lambda x: x + random.random(), "draws from np.random, from Python's random"),
        (lambda x: np.array2string(x), "calls something that returns a str"),
        (lambda x: drawn(np.random.default_rng(0), "shuffle", x), "calls shuffle of a generator.*rng.permutation"),
        (lambda x: np.modf(x, out=(x, x)), "several arrays for out= cannot be recorded"),
    ],
)
def test_what_cannot_be_recorded_is_refused(function, message):
    """The error says what the function does, and what to do instead."""
    with pytest.raises(mg.RecordingError, match=message):
        mg.compile(function)(np.arange(3.0))


def test_a_result_that_is_kept_outside_is_refused():
    """A replay would not exchange it."""
    kept = []
    hidden = iter([kept])
    with pytest.raises(mg.RecordingError, match=r"keeps an array of shape \(3,\).*kept\[...\] = x"):
        mg.compile(lambda x: next(hidden).append(x * 2))(np.arange(3.0))
    message = "belongs to an earlier call of it"
    with pytest.raises(mg.RecordingError, match=message):
        mg.compile(lambda x: x + kept[0])(np.arange(3.0))


def test_a_result_with_a_graph_is_refused():
    """Nothing is detached in silence."""
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(mg.RecordingError, match="returns the result of multiply, which requires grad.*x.detach"):
        mg.compile(lambda x: w * x)(mg.tensor([1.0, 1.0]))
    assert replayed(lambda x: (w * x).detach(), mg.tensor([1.0, 3.0])).tolist() == [1.0, 6.0]
    assert replayed(mg.no_grad()(lambda x: w * x), mg.tensor([1.0, 3.0])).tolist() == [1.0, 6.0]


def test_a_refused_call_leaves_everything_as_it_was():
    """Arrays that were changed, and gradients, have the values from before."""
    array = np.arange(3.0)
    w = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    v = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    (v * 2.0).sum().backward()
    optimizer = optim.SGD([w], lr=0.1)

    def function(x):
        state_array(array)[1:] *= 2
        x += 1
        mg.sum(w * v * x).backward()
        optimizer.step()
        return np.asarray(x.sum())

    x = np.ones(3)
    with pytest.raises(mg.RecordingError):
        mg.compile(function)(x)
    assert array.tolist() == [0, 1, 2]
    assert x.tolist() == [1, 1, 1]
    assert w.tolist() == [1, 2, 3]
    assert w.grad is None
    assert v.grad.tolist() == [2, 2, 2]


# Arrays from outside


def test_arrays_from_outside_are_read_anew():
    """Plain arrays, arrays in Tensors, views, and indices."""
    array, index, t = np.arange(3.0), np.array([0, 2]), mg.tensor([1.0, 2.0, 3.0])
    view = array[1:]
    compiled = mg.compile(lambda x: (x * array, mg.asarray(x) * t, x[1:] + view, x[index]))
    x = np.ones(3)
    compiled(x)
    array[...] = 5
    index[...] = 1
    t.value[...] = 7
    answer = compiled(x)
    assert [y.tolist() for y in answer] == [[5, 5, 5], [7, 7, 7], [6, 6], [1, 1]]


def test_views_of_arrays_that_nobody_else_has_are_from_outside():
    """It is enough that somebody has the view."""
    column = np.linspace(0.0, 1.0, 3)[:, None]
    held = mg.asarray(np.arange(3.0)[::-1])
    compiled = mg.compile(lambda x: (x * column, mg.asarray(x) * held))
    for factor in (1.0, 2.0):
        column *= factor
        ours, theirs = compiled(np.ones(3)), (np.ones(3) * column, np.arange(3.0)[::-1])
        np.testing.assert_array_equal(ours[0], theirs[0])
        np.testing.assert_array_equal(ours[1].data, theirs[1])


def test_a_tensor_that_gets_another_array_is_recorded_anew():
    """A change in place of a Tensor outside of any graph puts another array in."""
    t = mg.tensor([1.0, 2.0])
    compiled = mg.compile(lambda x: x + t)
    x = mg.tensor([0.0, 0.0])
    assert compiled(x).tolist() == [1, 2]
    t += 1
    assert compiled(x).tolist() == [2, 3]
    assert compiled(x).tolist() == [2, 3]


def test_arrays_from_outside_can_be_written():
    """By operators in place, by index, by out=, by functions and methods that write, and by ufunc.at."""
    names = ["add", "index", "out", "copyto", "at", "fill", "power", "mask"]
    ours, theirs = ({name: np.zeros(3) for name in names} for _ in range(2))

    def function(kept, x):
        kept["add"] += x
        kept["index"][1:] = x[:2]
        np.multiply(x, 2, out=kept["out"])
        np.copyto(kept["copyto"], x)
        np.add.at(kept["at"], [0, 0, 1], x)
        kept["fill"].fill(2.5)
        kept["power"] += 2
        kept["power"] **= 2
        kept["mask"][x > 1] = 7
        return kept["add"] + 0

    compiled = mg.compile(lambda x: function({name: state_array(array) for name, array in ours.items()}, x))
    for x in (np.arange(3.0), np.array([3.0, -1.0, 2.0]), np.ones(3)):
        assert compiled(x).tolist() == function(theirs, x).tolist()
        for name in names:
            assert ours[name].tolist() == theirs[name].tolist(), name


def test_an_argument_can_be_written():
    """The caller's array changes, as it would uncompiled."""

    def function(x):
        y = x * 2
        x += 1
        z = x * 2
        return y, z

    compiled = mg.compile(function)
    for _ in range(3):
        x = np.arange(3.0)
        y, z = compiled(x)
        assert (x.tolist(), y.tolist(), z.tolist()) == ([1, 2, 3], [0, 2, 4], [2, 4, 6])


def test_results_are_the_callers_own():
    """No later call changes them, also if they are constants or equal to each other."""
    compiled = mg.compile(lambda x: (x * 2, x * 2, mg.zeros(2).data, x * 1, np.ones_like(x)))
    first = compiled(np.ones(2))
    second = compiled(np.ones(2))
    for y in second:
        y += 1
    third = compiled(np.ones(2))
    assert [y.tolist() for y in first] == [y.tolist() for y in third] == [[2, 2], [2, 2], [0, 0], [1, 1], [1, 1]]


# Gradients


def test_gradients_accumulate_as_uncompiled():
    """With and without one that is there already."""
    x = mg.tensor([1.0, 2.0])
    w, v = (mg.tensor([3.0, 4.0], requires_grad=True) for _ in range(2))
    compiled = mg.compile(lambda x: mg.sum(w * w * x).backward())
    for i in range(5):
        if i == 3:
            w.grad = v.grad = None
        compiled(x)
        mg.sum(v * v * x).backward()
        assert w.grad.tolist() == v.grad.tolist()
    assert len(compiled._replays[next(iter(compiled._replays))]) == 2


def test_a_gradient_can_be_read_and_replaced():
    """What the user does with .grad in the function is done in each replay."""
    w, v = (mg.tensor([3.0, 4.0], requires_grad=True) for _ in range(2))

    def function(w, x):
        mg.sum(w * x).backward()
        w.grad = w.grad.data * 2 if w.grad is not None else None
        with mg.no_grad():
            w -= w.grad

    compiled = mg.compile(lambda x: function(w, x))
    for i in range(4):
        x = mg.tensor([1.0 + i, 2.0])
        compiled(x)
        function(v, x)
        assert w.tolist() == v.tolist()
        assert w.grad.tolist() == v.grad.tolist()


def test_a_replay_says_that_a_leaf_has_changed():
    """A graph that needs the old value refuses to be swept."""
    w = mg.tensor([1.0, 2.0], requires_grad=True)

    @mg.compile
    def halve():
        with mg.no_grad():
            w.data = w.data * 0.5

    halve()
    y = mg.sum(w * w)
    halve()
    with pytest.raises(mg.GraphError, match="changed in place"):
        y.backward()
    assert w.tolist() == [0.25, 0.5]


# Numbers, draws, checks and settings


def test_numbers_are_arguments_like_arrays():
    """Their values never matter, and a Python number leaves float32 at float32."""
    compiled = mg.compile(lambda x, a, n: (x * a * 1 + n, a * 1 * n))
    for a, n in [(2.0, 3), (0.5, 1), (1.5, -2)]:
        y, product = compiled(np.ones(2, np.float32), a, n)
        assert y.dtype == np.float32
        assert (y.tolist(), product) == ([a + n, a + n], a * n)
    assert len(compiled._replays) == 1
    scalar = replayed(lambda a: np.exp(a) * 2, np.float32(1))
    assert scalar.dtype == np.float32


def test_draws_are_drawn_anew():
    """From a generator that is an argument, or that is held outside; the streams are those of the uncompiled code."""
    ours, theirs, passed, other = (np.random.default_rng(seed) for seed in (0, 0, 1, 1))

    def function(x, rng, held):
        noise = mg.sample(held, "normal", size=3)
        drawn(held, "random")  # nobody uses it, but it moves the generator on
        return x + noise.data * rng.normal(0.0, 2.0, size=3), rng.random()

    compiled = mg.compile(lambda x, rng: function(x, rng, ours))
    for _ in range(4):
        y, u = compiled(np.ones(3), passed)
        z, v = function(np.ones(3), other, theirs)
        assert y.tolist() == z.tolist()
        assert u == v
    with pytest.raises(mg.RecordingError, match="looks at bit_generator of a generator"):
        mg.compile(lambda rng: rng.bit_generator)(passed)


def test_checks_are_made_in_each_replay():
    """The function runs once more where one fails, and raises its own error."""

    def function(labels):
        raise_if(labels < 0, lambda: IndexError(f"labels are at least 0; got {labels}"))
        raise_if(np.zeros(2, bool), ValueError)
        raise_if(labels > 9, lambda: mg.GraphError(f"too large: {labels.max()}"))
        return labels + 1

    compiled = mg.compile(function)
    labels = np.array([1, 2])
    assert compiled(labels).tolist() == compiled(labels).tolist() == [2, 3]
    with pytest.raises(IndexError, match=r"labels are at least 0; got \[-1 -2\]"):
        compiled(-labels)
    with pytest.raises(mg.GraphError, match="too large"):
        compiled(labels * 10)
    with pytest.raises(IndexError, match=r"labels are at least 0; got \[-1 -2\]"):
        mg.compile(function)(-labels)


@pytest.mark.parametrize(
    ("function", "fits"),
    [
        (lambda x: np.exp(x[x > 1]), [3.0, 0.0, 5.0]),
        (lambda x: np.exp(x[0] * x[np.nonzero(x > 1)]), [3.0, 0.0, 5.0]),
        (lambda x: x[x.argmax() + np.zeros_like(x, dtype=int)], [0.0, 0.0, 5.0]),
        (lambda x: np.where(x > 1)[0] + 1, [3.0, 0.0, 5.0]),
        (lambda x: np.repeat(x, x.astype(int)), [1.0, 2.0, 3.0]),
        (lambda x: x.repeat(2), [1.0, 0.0, 3.0]),
        (lambda x: np.bincount(x.astype(int), minlength=9), [1.0, 0.0, 8.0]),
    ],
)
def test_a_shape_that_depends_on_values_is_looked_at(function, fits):
    """As many chosen elements as in the recording are served by its program, and another number by another one."""
    compiled = mg.compile(function)
    for x in ([1.0, 2.0, 3.0], fits, [9.0, 9.0, 9.0], fits):
        np.testing.assert_array_equal(compiled(np.array(x)), function(np.array(x)))
    assert 1 <= len(next(iter(compiled._replays.values()))) <= 2


def test_settings_are_part_of_what_is_recorded():
    """Another value is another program, and the first is found again."""

    class Layer:
        training = True

    layer = Layer()
    compiled = mg.compile(lambda x: x * 2 if layer.training else x)
    x = np.ones(1)
    assert [compiled(x).item() for layer.training in (True, True, False, False, True)] == [2, 2, 1, 1, 2]
    assert len(compiled._replays[next(iter(compiled._replays))]) == 2


# What arrays in a recording can do


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.T + x.mT,
        lambda x: x.reshape(-1).sum() + x.mean(axis=0) + x.max() - x.min(axis=1, keepdims=True),
        lambda x: [row * 2 for row in x],
        lambda x: len(x) * x.size * x,
        lambda x: x.astype(np.float32).dtype.itemsize + x.ndim + x,
        lambda x: (-x, +x, abs(x), ~(x > 0), x % 2, x // 2, 2 // x, 2 % x, 2**x, x**2, x**x, x**0.5, 1 / x),
        lambda x: ((x > 1) & (x < 2) | (x == 3) ^ (x != 4), x >= 1, x <= 1),
        lambda x: (x.astype(int) << 2, 2 << x.astype(int), x.astype(int) >> 1, 9 >> x.astype(int)),
        lambda x: (*divmod(x, 2), *divmod(2, x), *divmod(x.sum(), 2)),
        lambda x: x[0] * [x[0, 0], x[1, 1]],
        lambda x: (True & (x > 1), True | (x > 1), True ^ (x > 1), 2 - x, x @ x, np.eye, 3.0 + x)[0:5],
        lambda x: np.linalg.slogdet(x).logabsdet + np.linalg.inv(x),
        lambda x: np.split(x, 2)[1],
        lambda x: np.modf(x),
        lambda x: (x.sum() - 1) * x.sum() / 2 - -x.sum() + abs(x.sum()) + +x.sum(),
        lambda x: (x.sum() > 1, x.sum() // 2, x.sum() % 2, 2 ** x.sum()),
        lambda x: np.full(x.shape, 2.0, like=x) * x,
        lambda x: np.einsum("ij,kj->ik", x, x),
        lambda x: np.where(x > 1, np.inf, x) * np.float32(2) + np.clip(x, None, 2.0),
        lambda x: x[None, ..., ::-1][:, 0] + x[(0,)] + x[()],
        lambda x: np.add.reduce(x) + np.add.accumulate(x) + np.multiply.outer(x[0], x[1]),
        lambda x: np.result_type(x, np.float32).type(2) * x,
        lambda x: {"a": x, "b": (x.copy(), None, "text")},
        lambda x: np.stack([np.zeros_like(x), np.ones_like(x), x * len(np.empty_like(x)), x]),
        lambda x: x[[0, 1], [1, 0]] + x.flatten()[:2] + x.ravel()[::2],
        lambda x: np.sort(x, axis=0)[::-1] + np.cumsum(x, axis=1) + np.tril(x),
        lambda x: x.real + x.clip(0, 1),
        lambda x: np.full(3, constant_array(2.0), like=x),
        lambda x: x.astype(">f8") * np.ones_like(x, dtype=">f8"),
    ],
)
def test_arrays_have_the_operators_and_methods_of_ndarrays(function):
    """Replayed on other values, with the bits of plain arrays."""
    x = np.array([[1.0, 2.5], [3.0, 0.5]])
    compiled = mg.compile(function)
    compiled(x)
    for factor in (1.0, 1.25):
        np.testing.assert_equal(compiled(factor * x), function(factor * x))


def test_arrays_have_no_more_than_a_replay_has():
    """Pointers and the like would be those of the first run, so that the function runs uncompiled."""
    with pytest.warns(RuntimeWarning, match="an array in a recording has no ctypes"):
        assert mg.compile(lambda x: x.ctypes.data == x.ctypes.data)(np.ones(2))
    with pytest.raises(AttributeError, match="strideless"):
        mg.compile(lambda x: x.strideless)(np.ones(2))
    with pytest.raises(TypeError, match="add"):
        mg.compile(lambda x: x + "text")(np.ones(2))


def test_what_is_not_known_is_left_to_the_other_operand():
    """An array type of another library answers for itself."""

    class Other:
        __array_ufunc__ = None

        def __add__(self, other):
            return "added"

        __radd__ = __rpow__ = __add__

    class Speaking:
        def __array_ufunc__(self, *args, **kwargs):
            return "ufunc"

        def __array_function__(self, *args, **kwargs):
            return "function"

    compiled = mg.compile(
        lambda x: (x + Other(), Other() + x, x ** Other(), np.add(x, Speaking()), np.dot(x, Speaking()))
    )
    assert compiled(np.ones(2)) == ("added", "added", "added", "ufunc", "function")

    def in_place(x):
        x += Other()
        return x

    assert mg.compile(in_place)(np.ones(2)) == "added"


def test_functions_of_other_libraries_that_ask_like_ufuncs_are_called_by_the_program():
    """They come in from outside, as they have no name under np."""
    half = np.frompyfunc(lambda x: x / 2, 1, 1)
    compiled = mg.compile(lambda x: half(x).astype(float))
    for factor in (1.0, 3.0):
        assert compiled(np.full(2, factor)).tolist() == [factor / 2] * 2


def test_an_array_that_was_written_to_twice_is_as_it_was_before():
    """And so is one of which a part was written to first, and then all of it, when the function is refused."""
    kept, parted = np.arange(3.0), np.arange(4.0)
    part = parted[1:]
    leaf = mg.tensor(np.ones(3), requires_grad=True)
    leaf.grad = np.full(3, 5.0)
    rng = np.random.default_rng(0)

    def function(x):
        for _ in range(2):
            kept_here, part_here, parted_here = state_array(kept), state_array(part), state_array(parted)
            kept_here += x
            part_here *= 3
            parted_here[...] = drawn(rng, "normal", size=4)
            mg.sum(leaf * x).backward()
        raise mg.RecordingError("this one")

    with pytest.raises(mg.RecordingError, match="this one"):
        mg.compile(function)(np.ones(3))
    assert kept.tolist() == [0, 1, 2]
    assert parted.tolist() == [0, 1, 2, 3]
    assert leaf.grad.tolist() == [5, 5, 5]


def test_numbers_are_not_kept():
    """They pass as they are, as arrays do that a recording does not follow."""
    assert replayed(lambda x: x * 2.0 + state_array(1.0) + constant_array(0.5), np.ones(2)).tolist() == [3.5, 3.5]


COMPLEX = [
    lambda z: z * np.conj(z) + 1j,
    lambda z: 1j * z - 2j / z,
    lambda z: (z + 1j * z.real[0]).imag,
    lambda z: np.exp(1j * z).sum() * 2j,
    lambda z: z**2j,
    lambda z: z == 1j,
    lambda z: z * (2j if abs(z[0]) > 1 else 1j),
    lambda z: [np.abs(z) * complex(z[0]), z * 1.0, z * (1 + 0j), z - 0j],
    lambda z: [np.tile(z, 5) + np.full(10, c) for c in (1j, complex(0, -0.0), complex(-0.0, 1), complex(-0.0, -0.0))],
]


@pytest.mark.parametrize("backend", ["numpy", "native"])
@pytest.mark.parametrize("function", COMPLEX)
def test_complex_numbers_are_numbers(function, backend):
    """Python's among them, as operands, results and constants: with the bits of the function itself."""
    if backend == "native":
        pytest.importorskip("llvmlite")
    compiled = mg.compile(function, backend=backend)
    for factor in (1.0, 2.0, 0.5):
        z = factor * np.array([1 + 2j, 3 - 0.5j])
        for x, y in zip(np.atleast_1d(compiled(z)), np.atleast_1d(function(z)), strict=True):
            assert x.tobytes() == y.tobytes()


def test_a_complex_argument_is_part_of_the_kind():
    """As a word is: there is a program for each."""
    compiled = mg.compile(lambda z, k: z * k * 1j + k)
    assert compiled(np.ones(1), 2j).tolist() == compiled(np.ones(1), 2j).tolist() == [-2 + 2j]
    assert compiled(np.ones(1), 3j).tolist() == [-3 + 3j]
    assert compiled(np.ones(1), 2.0).tolist() == [2 + 2j]
    assert len(compiled.programs) == 3


# What programs depend on


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_a_leaf_that_no_longer_requires_grad_is_recorded_anew(backend):
    """A frozen layer gets no gradient, and one that is thawed gets one again."""
    x = np.array([1.0, 2.0])
    w, v = (mg.tensor([3.0, 4.0], requires_grad=True) for _ in range(2))

    def play(w, v, step):
        for wanted in (True, True, False, False, True, True):
            w.requires_grad = wanted
            yield step(w, v), None if w.grad is None else w.grad.tolist(), v.grad.tolist()

    def step(w, v):
        v.grad = None
        mg.sum(w * v * x).backward()
        return w.requires_grad

    other_w, other_v = (mg.tensor([3.0, 4.0], requires_grad=True) for _ in range(2))
    compiled = mg.compile(lambda: step(w, v), backend=backend)
    assert list(play(w, v, lambda *_: compiled())) == list(play(other_w, other_v, step))


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_gradients_of_another_layout_are_recorded_anew(backend):
    """The user may leave any array of the right shape in a leaf."""
    x = np.arange(6.0).reshape(2, 3)
    w = mg.tensor(np.ones((2, 3)), requires_grad=True)
    compiled = mg.compile(lambda: mg.sum(w * x).backward(), backend=backend)
    for _ in range(3):
        compiled()
    for other in (np.asfortranarray(x), x[::-1], x.copy(), x):
        w.grad = mg.tensor(other)
        w.grad.value = other  # as it lies there
        compiled()
        assert w.grad.tolist() == (x + other).tolist()


def test_hooks_are_part_of_what_is_recorded():
    """One that is registered later is called, and no more once it is removed."""
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    compiled = mg.compile(lambda x: mg.sum(w * x).backward())
    x = np.ones(2)

    def gradient():
        w.grad = None
        compiled(x)
        return w.grad.tolist()

    assert gradient() == gradient() == [1, 1]
    remove = w.register_hook(lambda g: g * 3)
    assert gradient() == gradient() == [3, 3]
    remove()
    assert gradient() == [1, 1]


def test_a_tensor_of_which_the_array_is_read_is_recorded_anew_as_well():
    """The array under .data, and that under .numpy(), is another one after an assignment."""
    t = mg.tensor([1.0, 2.0])
    compiled = mg.compile(lambda x: (x * t.data, x * t.numpy()))
    for factor in (1.0, 2.0, 3.0):
        t.data = [factor, 2.0]
        assert [y.tolist() for y in compiled(np.ones(2))] == [[factor, 2]] * 2


def square():
    return np.arange(9.0).reshape(3, 3)


@pytest.mark.parametrize("backend", ["numpy", "numba"])
@pytest.mark.parametrize("kind", [int, np.int64], ids=["int", "int64"])
@pytest.mark.parametrize(
    "function",
    [
        lambda x, n: x[1:].sum(axis=n) * 2,
        lambda x, n: np.mean(x[1:], n) * 2,
        lambda x, n: mg.sum(mg.asarray(x[1:]), axis=n) * 2,
        lambda x, n: x.swapaxes(n, 1) * 2 + x,
        lambda x, n: (x * 1.5).swapaxes(n, 1) * 2 + x,
        lambda x, n: (x * 1.5)[n:] * 2,
        lambda x, n: x[:n] * 2,
        lambda x, n: np.expand_dims(x[1:], n) * 2,
        lambda x, n: np.tile(x, n) * 2,
        lambda x, n: np.roll(x, n) * 2,
        lambda x, n: np.take(x, [0, 1], axis=n) * 2,
        lambda x, n: np.diagonal(x, n) * 2,
        lambda x, n: np.concatenate([x[1:], x[1:]], axis=n) * 2,
        lambda x, n: x.repeat(n) * 2,
        lambda x, n: np.split(x, 3, axis=n)[0] * 2,
        lambda x, n: drawn(0, "permutation", n) * x[0, 1],
    ],
)
def test_integers_that_decide_on_a_shape(function, kind, backend):
    """As an axis, a bound of a slice, a size: if it is an argument, a program serves calls with this one."""
    compiled = mg.compile(function, backend=backend)
    for n in (0, 1, 0):
        np.testing.assert_array_equal(compiled(square(), kind(n)), function(square(), kind(n)))


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_numbers_that_decide_on_no_shape_may_be_any(backend):
    """As elements of an index, operands and bounds of values."""
    compiled = mg.compile(
        lambda x, n: (x[n] * 2, x[0, n] + n, np.where(x > n, n, x), np.clip(x, n, 5), np.add(x, n)), backend=backend
    )
    for n in (0, 1, 2):
        x = square()
        want = x[n] * 2, x[0, n] + n, np.where(x > n, n, x), np.clip(x, n, 5), x + n
        for ours, theirs in zip(compiled(x, n), want, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert len(compiled._replays) == len(next(iter(compiled._replays.values()))) == 1


def test_an_axis_that_is_computed_is_looked_at():
    """Each is right."""
    for backend in ("numpy", "numba"):
        compiled = mg.compile(lambda x, y: np.sum(x, axis=y.argmax()) * 2, backend=backend)
        for y in ([1, 0], [0, 1]):
            x, y = square(), np.array(y)
            np.testing.assert_array_equal(compiled(x, y), np.sum(x, axis=y.argmax()) * 2)
        for z in (y, 1 - y, y):
            np.testing.assert_array_equal(compiled(x[1:], z), np.sum(x[1:], axis=z.argmax()) * 2)


def test_python_numbers_have_the_operators_of_integers():
    """Shifts and quotients with remainders; a list is not repeated as often as one says."""
    compiled = mg.compile(lambda a, b: (a << b, a >> b, 3 << b, 100 >> b, *divmod(a, b), *divmod(7, b)))
    for a, b in [(9, 2), (20, 3), (-5, 1)]:
        assert compiled(a, b) == (a << b, a >> b, 3 << b, 100 >> b, *divmod(a, b), *divmod(7, b))


# Random numbers, leaves, schedules


@pytest.mark.parametrize("make", [lambda rng: nn.functional.dropout(mg.ones(20), rng=rng).data, init_normal])
def test_a_seed_draws_the_same_in_each_call(make):
    """As it does uncompiled, where the generator is made anew; a generator goes on."""
    compiled = mg.compile(lambda: make(3))
    assert all(np.array_equal(compiled(), make(3)) for _ in range(3))
    ours, theirs = np.random.default_rng(0), np.random.default_rng(0)
    compiled = mg.compile(make)
    assert all(np.array_equal(compiled(ours), make(theirs)) for _ in range(3))
    compiled = mg.compile(lambda: make(None))
    assert not np.array_equal(compiled(), compiled())


def test_a_seed_is_no_argument():
    """It would decide on the first call only."""
    with pytest.raises(mg.RecordingError, match="takes a seed as an argument.*Pass a generator, np.random"):
        mg.compile(lambda seed: init_normal(seed))(3)
    with pytest.raises(mg.RecordingError, match="draws from a seed by arrays. Make a generator outside"):
        mg.compile(lambda scale: drawn(3, "normal", 0.0, scale, 2))(np.ones(2))


def test_gradients_of_leaves_that_the_function_makes():
    """They are results like others, with a graph of their own or without, and the program is recorded once."""

    def penalty(x):
        z = mg.tensor(x, requires_grad=True)
        (z**3).sum().backward(create_graph=True)
        loss = mg.sum((z.grad - w) ** 2)
        w.grad = None
        loss.backward()
        return loss.detach(), z.grad.detach()

    w = mg.tensor(np.ones(2), requires_grad=True)
    compiled = mg.compile(count_runs(penalty))
    for factor in (1.0, 2.0, 3.0):
        x = factor * np.arange(2.0)
        loss, g = compiled(x)
        grad = w.grad.data.copy()
        other, other_g = penalty(x)
        assert (loss.item(), g.data.tolist()) == (other.item(), other_g.data.tolist())
        assert grad.tolist() == w.grad.data.tolist()
    assert compiled.function.runs <= 2  # one of them without a gradient in w


@pytest.mark.parametrize("make", [lambda o: optim.lr_scheduler.StepLR(o, 1), optim.lr_scheduler.ReduceLROnPlateau])
def test_schedules_step_outside(make):
    """A replay would not count the epochs; nothing has changed where it is refused."""
    optimizer = optim.SGD([mg.tensor(np.ones(2), requires_grad=True)], lr=0.1)
    schedule = make(optimizer)
    step = (lambda: schedule.step(1.0)) if hasattr(schedule, "patience") else schedule.step
    with pytest.raises(mg.RecordingError, match=r"compiled function (steps a schedule|sets lr of an optimizer).*after"):
        mg.compile(step)()
    assert (schedule.last_epoch, optimizer.lr) == (0, 0.1)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x, xs: np.asarray(xs) * x, r"hands an array of shape \(\).*np.stack makes an array of numbers"),
        (lambda x, xs: np.array2string(x), "returns a str.*Return the array, and print it outside"),
    ],
)
def test_what_is_shown_or_made_of_lists(function, message):
    """The errors say where it is to be done."""
    with pytest.raises(mg.RecordingError, match=message):
        mg.compile(function)(np.ones(2), [1.0, 2.0])


def test_format_without_a_specification_is_repr():
    """As print shows it, in the first call."""
    assert mg.compile(lambda x: f"{x}")(np.ones(2)) == "<array of shape (2,) and dtype float64 in a recording>"


def test_generators_are_made_outside():
    """One that is made of a seed inside would start anew in each call, and go on in replays."""
    with pytest.raises(mg.RecordingError, match=r"makes a generator and draws from it.*Make it outside.*seed as rng"):
        mg.compile(lambda: mg.sample(np.random.default_rng(3), "normal", size=2))()
    rng = np.random.default_rng(0)
    for function in (lambda: mg.sample(rng, "normal", size=2), lambda: nn.functional.dropout(mg.ones(3))):
        mg.compile(function)()


# Tensors that the function gives another array


@pytest.mark.parametrize("backend", ["numpy", "numba"])
def test_tensors_that_are_changed(backend):
    """Arguments, and those from outside, by an operator, an index or anew; a copy that somebody else has stays."""

    def function(t, held, buffer):
        t += 1.0
        t[0] = held.sum()
        held[1:] = t[1:] * 2
        buffer[...] = 0.5 * buffer + held
        return t * held

    ours, theirs = ([mg.tensor([1.0, 2.0, 3.0]), nn.Buffer(np.zeros(3))] for _ in range(2))
    compiled = mg.compile(lambda t: function(t, *ours), backend=backend)
    for i in range(4):
        t, u, before = mg.tensor(np.arange(3.0) + i), mg.tensor(np.arange(3.0) + i), ours[0].data
        kept = before.copy()
        assert compiled(t).tolist() == function(u, *theirs).tolist()
        assert [x.tolist() for x in (t, *ours)] == [x.tolist() for x in (u, *theirs)]
        assert before.tolist() == kept.tolist()
        if i == 2:
            ours[0].data = theirs[0].data = [7.0, 8.0, 9.0]


def test_changes_of_tensors_that_a_replay_could_not_make():
    """They are refused, and the Tensors have the arrays from before."""
    w, t = mg.tensor(np.ones(2), requires_grad=True), mg.tensor(np.ones(2))
    view = t.data
    assert view is t.data

    def leaves_a_graph(x):
        t[0] = (w * x).sum()

    def reads_by_another_name(x):
        t[0] = (view * x).sum()
        return t + view

    def argument(t):
        t[0] = w.sum()

    for function, x in ((leaves_a_graph, np.ones(2)), (argument, mg.tensor([3.0, 4.0]))):
        with pytest.raises(mg.RecordingError, match="to what requires grad, and a replay leaves no graph.*x.detach"):
            mg.compile(function)(x)
    assert x.tolist() == [3, 4]
    compiled = mg.compile(reads_by_another_name)
    for value in (1.0, 3.0):
        assert compiled(np.full(2, value)).tolist() == [2 * value + 1, 2]
    assert len(compiled._replays) == 1  # of the second call, when they are two arrays


def test_a_tensor_that_is_only_written():
    """Nothing of it is read, and it has a new array after each call."""
    t = mg.tensor(np.ones(2))

    @mg.compile
    def function(x):
        t[...] = x
        return x * 2

    for value in (3.0, 4.0):
        function(np.full(2, value))
        assert t.tolist() == [value, value]


@pytest.mark.parametrize(
    "function",
    [
        lambda x, z: x.dot(x, z),
        lambda x, z: np.dot(x, x, z),
        lambda x, z: np.multiply(x, 2, z),
        lambda x, z: np.add.reduce(x[None], 0, None, z),
        lambda x, z: np.sum(x[None], 0, None, z),
        lambda x, z: x[None].max(0, z),
        lambda x, z: np.clip(x, 0, 1, z),
        lambda x, z: np.add(x, 1, None),
        lambda x, z: np.stack([x[0], x[1]], 0, z),
    ],
)
def test_an_array_to_write_into_may_come_by_its_position(function):
    """It is written to in each call."""
    compiled = mg.compile(lambda x, z: (function(x, z), x * 1)[1])
    for factor in (1.0, 2.0):
        x = factor * (np.eye(2) + 0.25)
        ours, theirs = np.zeros((2, 2)), np.zeros((2, 2))
        compiled(x, ours)
        function(x, theirs)
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(mg.RecordingError, match="passes out=, and something after it, by position"):
        mg.compile(lambda x, z: np.sum(x, 0, None, z, True))(x, ours)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (lambda y: (x * 5.0) * y)(np.atleast_1d(x * 2.0)),
        lambda x: np.squeeze(x * 2) * (x + 1),
        lambda x: (x * 2).real * (x + 1),
        lambda x: np.diff(x * 2, n=0) * (x + 1),
        lambda x: [a * (x + 1) for a in np.broadcast_arrays(x * 2, x * 3)],
        lambda x: np.split(x * 2, 2)[0].T * 3,
        lambda x: np.split(x * 2, 2)[0].T[..., None][0] * 3,
    ],
)
def test_results_that_are_their_operands(function):
    """Or views of a part of a result: their memory is used again only when both are done with."""
    compiled = mg.compile(function)
    for factor in (1.0, 2.0, 3.0):
        x = factor * (np.eye(2) + 0.25)
        np.testing.assert_array_equal(compiled(x), function(x))


def test_gradients_of_python_numbers():
    """They are arrays of no dimensions to a transformation, and numbers to who calls it."""
    compiled = mg.compile(mg.grad(lambda u, v: u * v))
    for v in (2.0, 5.0):
        assert compiled(3.0, v) == v


def test_a_tangent_is_filled_in_a_compiled_function():
    """``x[i] = v`` in forward mode is a call like others there."""

    def filled(v):
        y = v * 1
        y[0] = v[1] * v[2]
        y[1:] = 2.0
        return y

    compiled = mg.compile(lambda x: mg.jvp(filled, (x,), (np.ones(3),))[1])
    for factor in (1.0, 2.0):
        assert compiled(factor * np.arange(3.0)).tolist() == [3 * factor, 0, 0]


def test_a_mapping_among_the_options_of_a_call():
    """It is written into the source like a tuple or a list."""
    assert Expressions().operand({"a": (1, 2), "b": [3]}) == "{'a': (1, 2), 'b': [3]}"


def test_other_threads_compute_with_what_is_exchanged_as_with_arrays():
    """They are no part of the program, read and draw as ever, and write into the array itself."""
    kept, rng, answers, number = np.arange(3.0), np.random.default_rng(0), [], np.array(7.0)

    def other():
        kept[0] += 5.0
        answers.extend([(kept * 2).tolist(), float(kept[1]), np.sum(np.asarray(kept)).item(), rng.normal()])
        answers.append(float(number))

    def function(x):
        thread = threading.Thread(target=other)
        if not answers:
            thread.start()
            thread.join()
        return x + kept + 0 * number

    compiled = mg.compile(function)
    assert compiled(np.ones(3)).tolist() == [6, 2, 3]
    assert answers == [[10, 2, 4], 1.0, 8.0, np.random.default_rng(0).normal(), 7.0]
    assert compiled(np.ones(3)).tolist() == [6, 2, 3]
    assert kept.tolist() == [5, 1, 2]
    assert "normal" not in compiled.source


@pytest.mark.filterwarnings("ignore:.*has threads compute for it:RuntimeWarning")
def test_what_threads_compute_for_the_function_is_computed_in_each_call():
    """A program would lack their part, so there is none."""
    kept = np.ones(3)
    with ThreadPoolExecutor(1) as pool:
        compiled = mg.compile(lambda x: x + pool.submit(lambda: kept * x * 2).result())
        for i in range(12):
            kept[:] = i
            assert compiled(np.ones(3)).tolist() == [1 + 2 * i] * 3
    assert compiled.programs == []
