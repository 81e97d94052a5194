"""Arrays that are filled part by part: in every mode, at the cost of what is written, and without reaching others."""

import copy
import gc
import time
import tracemalloc
import weakref

import numpy as np
import pytest

import minigrad as mg

from .numeric import close, curvature, every_nesting, every_way, leaf, outcome, plain, right_or_refused, slope

X = np.array([0.6, -1.1, 0.9])


# Functions that fill a buffer; with np.zeros they are functions of ndarrays


def single(x, zeros):
    c = zeros(3)
    c[0] = x[0] ** 2
    c[2] = x[1] * x[0]
    return np.sum(c * c)


def recurrence(x, zeros):
    c = zeros(5)
    c[0] = x[0]
    for t in range(1, 5):
        c[t] = c[t - 1] * x[1] + x[2]
    return np.sum(c**3)


def rows_and_columns(x, zeros):
    c = zeros((3, 3))
    c[1] = x
    c[:, 2] = x * x[::-1]
    c[-1, :2] = c[1, 1:] * 2.0
    return np.sum(c * c * np.arange(1.0, 10.0).reshape(3, 3))


def masks(x, zeros):
    c = zeros(3)
    c[np.array([True, False, True])] = x[1:] * 2.0
    c[c == 0] = x[0]
    return np.sum(c * c * x)


def positions(x, zeros):
    c = zeros((3, 3))
    c[np.arange(3), [2, 0, 1]] = x * x
    c[[0, 2]] = c[[2, 0]] * x
    return np.sum(c**2 * np.arange(1.0, 10.0).reshape(3, 3))


def duplicates(x, zeros):
    c = zeros(3)
    c[[0, 2, 0]] = x * x
    return np.sum(c**2 * np.array([1.0, 10.0, 100.0]))


def broadcast(x, zeros):
    c = zeros((2, 3))
    c[...] = x
    c[:, 0] = x[0] * x[1]
    c[1, 1:] = 3.0
    return np.sum(c**3)


def steps(x, zeros):
    c = zeros(7)
    c[::-3] = x
    c[1:6:2] = c[::3] * x
    return np.sum(c**2 * np.arange(7.0))


def updates(x, zeros):
    c = zeros(3)
    c[1] += x[0]
    c[1] *= x[1]
    c[:] -= x * x
    c += c[::-1] * x
    return np.sum(c**2)


def overwritten(x, zeros):
    c = zeros(2)
    c[0] = x[0]
    kept = c * c
    c[0] = x[1] * c[0]
    c[1] = kept[0]
    return np.sum(kept) + np.sum(c * c * c)


def new_axes(x, zeros):
    c = zeros((1, 3))
    c[0, None] = x[None]
    c[..., -1] = x[0] * x[0]
    return np.sum(c**2)


def two_buffers(x, zeros):
    c, d = zeros(3), zeros((2, 3))
    c[:2] = x[1:]
    d[0] = c * x
    c[2] = np.sum(d[0])
    d[1, :] = c
    return np.sum(d**2 * x)


FILLED = (
    single,
    recurrence,
    rows_and_columns,
    masks,
    positions,
    duplicates,
    broadcast,
    steps,
    updates,
    overwritten,
    new_axes,
    two_buffers,
)


def of_numpy(fill):
    return lambda x: fill(x, np.zeros)


def of_minigrad(fill):
    return lambda x: fill(x, mg.zeros)


@every_way
def test_gradient_through_a_buffer(way):
    """The gradient of a function that fills mg.zeros is what differences of the same with np.zeros say."""
    for fill in FILLED:
        close(way(of_minigrad(fill), X), slope(of_numpy(fill), X), rtol=1e-8, atol=1e-8)


@every_nesting
def test_second_derivatives_through_a_buffer(nesting):
    """The Hessian of a function that fills mg.zeros is that of differences, by each nesting of two levels."""
    for fill in FILLED:
        close(nesting(of_minigrad(fill), X), curvature(of_numpy(fill), X), rtol=1e-6, atol=1e-6)


MAKERS = {
    "zeros": lambda x: mg.zeros(3),
    "ones": lambda x: mg.ones(3),
    "full": lambda x: mg.full(3, 2.0),
    "zeros_like": lambda x: mg.zeros_like(x),
    "tensor": lambda x: mg.tensor(np.zeros(3)),
    "asarray": lambda x: mg.asarray(np.zeros(3)),
    "times zero": lambda x: x * 0.0,
    "stacked": lambda x: np.stack([x[0], x[1] * 0.0, x[1]]),
}


@every_way
def test_every_array_of_minigrads_can_be_filled(way):
    """A buffer may come from any function that makes a Tensor, or from a calculation."""
    for make in MAKERS.values():

        def f(x, make=make):
            c = make(x)
            c[0] = x[0] ** 2
            c[1:] = x[:2] * x[1]
            return np.sum(c**2)

        close(way(f, X), [4 * X[0] ** 3 + 2 * X[0] * X[1] ** 2, 2 * X[0] ** 2 * X[1] + 4 * X[1] ** 3, 0.0])


def filled_like(x):
    c = np.zeros_like(x)
    c[0] = x[1] * x[1]
    c[1:] = x[:2]
    return np.sum(c * x)


@every_way
def test_an_array_of_numpys_zeros_like_is_right_or_refused(way):
    """np.zeros_like of a watched array can be filled like mg.zeros, or refuses what has a derivative."""
    right_or_refused(lambda: way(filled_like, X), slope(filled_like, X), rtol=1e-8)


def test_a_buffer_keeps_its_dtype():
    """A float32 buffer stays one, and hands gradients back in the dtype of what was written."""
    x = leaf(1.0, 2.0)
    c = mg.zeros(3, dtype=np.float32)
    c[1:] = x * x
    np.sum(c * c).backward()
    assert c.dtype == np.float32
    assert x.grad.dtype == np.float64
    close(x.grad, [4.0, 32.0])


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_buffer_of_any_layout(order):
    """Rows and columns of a Fortran buffer, and of a transpose, take what is written, and hand its gradient back."""

    def f(x):
        c = mg.zeros((2, 3), order=order)
        c[0] = x
        c[:, 1] = x[:2] * x[2]
        t = c.T
        t[2] = x[0]
        return np.sum(c**2) + np.sum(t * np.arange(6.0).reshape(3, 2))

    def numpys(x):
        c = np.zeros((2, 3))
        c[0] = x
        c[:, 1] = x[:2] * x[2]
        t = c.T.copy()
        t[2] = x[0]
        return np.sum(c**2) + np.sum(t * np.arange(6.0).reshape(3, 2))

    close(mg.grad(f)(X), slope(numpys, X), rtol=1e-8)
    close(mg.hessian(f)(X), curvature(numpys, X), rtol=1e-6, atol=1e-6)


def test_an_outer_variable_in_an_inner_buffer():
    """Numbers of two levels in one buffer: d/dx of d/dy (x y)^2 + x^2 y, at y = x, is 6 x^2 + 3 x^2."""

    def f(x):
        def g(y):
            c = mg.zeros(2)
            c[0] = x * y
            c[1] = x
            return c[0] ** 2 + c[1] ** 2 * y  # by y: 2 x^2 y + x^2

        return mg.grad(g)(x)

    close(mg.grad(f)(np.array(2.0)), np.array(6 * 4.0 + 2 * 2.0))
    close(mg.jvp(f, (np.array(2.0),), (np.array(1.0),))[1], np.array(6 * 4.0 + 2 * 2.0))


def test_a_buffer_from_outside_is_right_or_refused():
    """A buffer made outside of mg.grad takes a watched number rightly or not at all, and is no trap afterwards."""
    c = mg.zeros(2)

    def f(x):
        c[0] = x[0] ** 2
        return np.sum(c * x)

    got, refusal = outcome(lambda: mg.grad(f)(np.array([3.0, 1.0])))
    if refusal is None:
        close(got, [27.0, 0.0])
    later, refusal = outcome(lambda: plain(c * 1.0).tolist())
    assert refusal is not None or later in ([0.0, 0.0], [9.0, 0.0])


@pytest.mark.parametrize(
    ("write", "error", "text"),
    [
        (lambda c, x: c.__setitem__(5, x[0]), IndexError, "out of bounds"),
        (lambda c, x: c.__setitem__(0, x), ValueError, r"\(3,\)"),
        (lambda c, x: c.__setitem__(slice(0, 2), x), ValueError, r"\(3,\)"),
        (lambda c, x: c.__setitem__([True, False], x[0]), IndexError, "boolean|mask"),
        (lambda c, x: c.__setitem__("a", x[0]), (IndexError, TypeError, ValueError), "ind"),
    ],
    ids=["out of bounds", "too long", "too long for a slice", "mask", "string"],
)
def test_a_write_that_does_not_fit_changes_nothing(write, error, text):
    """A refused write leaves the values of the buffer, and the derivative of what was written before."""
    seen = []

    def f(x):
        c = mg.zeros(4)
        c[1] = x[1] ** 2
        with pytest.raises(error, match=text):
            write(c, x)
        seen.append(plain(c).tolist())
        return np.sum(c)

    close(mg.grad(f)(np.array([1.0, 2.0, 3.0])), [0.0, 4.0, 0.0])
    assert seen == [[0.0, 4.0, 0.0, 0.0]]


# Others that hold the values


HELD = {
    "detach": lambda c: c.detach(),
    "+c": lambda c: +c,
    "copy": lambda c: c.copy(),
    "copy.copy": lambda c: copy.copy(c) if c.is_leaf else c.copy(),
    "c[1:3]": lambda c: c[1:3],
    "c[:]": lambda c: c[:],
    "c[..., ::-1]": lambda c: c[..., ::-1],
    "T": lambda c: c.T,
    "reshape": lambda c: c.reshape(2, 2),
    "c[None]": lambda c: c[None],
    "broadcast_to": lambda c: np.broadcast_to(c, (2, 4)),
    "sliding_window_view": lambda c: mg.sliding_window_view(c, 2),
    "elements": list,
    "split": lambda c: mg.split(c, 2),
    "diag of a view": lambda c: c.reshape(2, 2).diagonal(),
    "data": lambda c: c.data,
    "asarray": lambda c: np.asarray(c.detach()),
    "asarray of data": lambda c: mg.asarray(c.data),
    "c * 1": lambda c: c * 1.0,
    "stack": lambda c: np.stack([c, c]),
}


def all_of(held):
    """The values of an array, or of a list of arrays, as one copy."""
    return np.concatenate([plain(x).ravel() for x in (held if isinstance(held, list) else [held])])


@pytest.mark.parametrize("name", HELD)
def test_what_was_taken_before_a_write_keeps_its_values(name):
    """A view, a copy or a detached array of a buffer is not changed by what is written into the buffer later."""
    w = leaf(2.0, 3.0)
    for connected in (False, True):
        c = mg.zeros(4)
        c[0] = w[0] * w[1] if connected else 6.0
        held = []
        for i in range(4):  # each write, the first after a view was taken and the later ones
            held.append((one := HELD[name](c), all_of(one)))
            c[i] = w[0] if connected else 7.0
            c += 1.0
        for one, before in held:
            np.testing.assert_array_equal(all_of(one), before)


@pytest.mark.parametrize("name", [name for name in HELD if "data" not in name])  # which only Tensors have
def test_a_buffer_in_a_transformation_has_values_of_its_own(name):
    """Inside mg.grad a view of a buffer keeps its values and its derivative, whatever is written later."""

    def f(x):
        c = mg.zeros(4)
        c[1] = x[0] * x[1]
        one = HELD[name](c) if name != "copy.copy" else c.copy()
        before = all_of(one)
        c[1] = 5.0
        c[:] = x[0]
        np.testing.assert_array_equal(all_of(one), before)
        parts = one if isinstance(one, list) else [one]
        return sum(np.sum(part) for part in parts) + 0.0 * np.sum(c)

    count = {"detach": 0, "asarray": 0, "broadcast_to": 2, "sliding_window_view": 2, "stack": 2, "diag of a view": 0}
    close(mg.grad(f)(np.array([2.0, 3.0])), np.array([3.0, 2.0]) * count.get(name, 1))


def test_two_names_of_one_buffer_are_one_buffer():
    """d = c makes no copy: what is written by one name is read by the other."""

    def f(x):
        c = mg.zeros(2)
        d = c
        c[0] = x[0]
        d[1] = c[0] * x[0]
        assert c is d
        return np.sum(c * c)

    close(mg.grad(f)(np.array([3.0])), [2 * 3.0 + 4 * 27.0])


WRITES = {
    "element": lambda c, v: c.__setitem__(0, v[0]),
    "slice": lambda c, v: c.__setitem__(slice(1, 3), v[:2]),
    "all": lambda c, v: c.__setitem__(Ellipsis, v),
    "mask": lambda c, v: c.__setitem__([True, False, True], v[0]),
    "+=": lambda c, v: c.__iadd__(v),
    "*=": lambda c, v: c.__imul__(v),
    "a number": lambda c, v: c.__setitem__(1, 7.0),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=list(WRITES))
def test_the_users_ndarray_never_changes(write):
    """mg.asarray shares memory for reading: what is written into the Tensor does not reach the array, in any mode."""
    w = leaf(1.0, 2.0, 3.0)

    def by_constant(a):
        write(mg.asarray(a), np.ones(3))

    def by_leaf(a):
        write(mg.asarray(a), w * 1.0)

    def twice(a):
        c = mg.asarray(a)
        write(c, w)
        write(c, np.ones(3))

    def by_grad(a):
        mg.grad(lambda x: (write(c := mg.asarray(a), x), np.sum(c * 1.0))[1])(X)

    def by_argument(a):
        mg.grad(lambda x: (write(x, x * 2.0), np.sum(x * 1.0))[1])(a)

    for use in (by_constant, by_leaf, twice, by_grad, by_argument):
        a = np.array([4.0, 5.0, 6.0])
        use(a)
        np.testing.assert_array_equal(a, [4.0, 5.0, 6.0])
        part = np.arange(12.0).reshape(4, 3)
        use(part[1])
        np.testing.assert_array_equal(part, np.arange(12.0).reshape(4, 3))


@pytest.mark.parametrize("make", [np.array, mg.tensor, lambda v: leaf(*v), lambda v: leaf(*v) * 1.0])
def test_what_is_written_is_copied(make):
    """c[:] = v takes the values of v: neither a write into c nor a later one into v reaches the other."""
    v, w = make([1.0, 2.0]), leaf(3.0)
    c = mg.zeros(2)
    c[:] = v
    c[0] = w[0]
    close(v, [1.0, 2.0])
    with mg.no_grad():
        v[1] = 9.0
    close(c, [3.0, 2.0])


def test_cotangents_that_others_hold_stay_as_they_are():
    """A sweep over writes changes neither gradient=, nor what hooks have seen, nor a pull-back's argument."""

    def fill(x):
        c = mg.zeros(4)
        for i in range(3):
            c[i] = x[i] * x[i]
        c[1] = x[2]
        return c

    g, seen = np.array([1.0, 10.0, 100.0, 1000.0]), []
    w = leaf(*X)
    middle = w * 1.0
    c = fill(middle)
    c.register_hook(seen.append)
    c.retain_grad()
    d = c * 1.0
    d.register_hook(seen.append)
    d.backward(g, retain_graph=True)
    want = [2 * X[0], 0.0, 200 * X[2] + 10.0]
    close(w.grad, want)
    np.testing.assert_array_equal(g, [1.0, 10.0, 100.0, 1000.0])
    for held in (*seen, c.grad):
        close(held, g)
    d.backward(g)
    close(w.grad, 2 * np.array(want))
    _, pull_back = mg.vjp(fill, X)
    for _ in range(2):
        close(pull_back(g)[0], want)
    np.testing.assert_array_equal(g, [1.0, 10.0, 100.0, 1000.0])


# What it costs


def written(T, width=256, x=None):
    """A buffer of T rows, each written once."""
    x = mg.tensor(np.ones(width), requires_grad=True) if x is None else x
    h, out = x, mg.zeros((T, width))
    for t in range(T):
        h = mg.tanh(h)
        out[t] = h
    return np.sum(out)


def recurrent(T, width=256, x=None):
    """A buffer of T rows, each made of the one before it as it lies in the buffer."""
    w = mg.tensor(np.full(width, 0.5), requires_grad=True) if x is None else x
    out = mg.zeros((T, width))
    out[0] = w
    for t in range(1, T):
        out[t] = out[t - 1] * w
    return np.sum(out)


def read(T, width=128, x=None):
    """T parts of one array, each read once."""
    x = mg.tensor(np.ones((T, width)), requires_grad=True) if x is None else x
    return sum((np.sum(x[t] * x[t]) for t in range(T)), 0.0 * x[0, 0])


def rows_of(T, function):
    """The arrays of `function` at the ground, for transformations."""
    return np.ones((T, 128)) if function is read else np.full(256, 0.5)


SWEEPS = {
    "backward": lambda f, T: f(T).backward(),
    "create_graph": lambda f, T: f(T).backward(create_graph=True),
    "retain_graph": lambda f, T: f(T).backward(retain_graph=True),
    "grad": lambda f, T: mg.grad(lambda x: f(T, x=x))(rows_of(T, f)),
    "jvp": lambda f, T: mg.jvp(lambda x: f(T, x=x), (rows_of(T, f),), (rows_of(T, f),)),
}
every_sweep = pytest.mark.parametrize("sweep", SWEEPS.values(), ids=list(SWEEPS))
every_use = pytest.mark.parametrize("use", [written, recurrent, read], ids=lambda use: use.__name__)


@every_use
@every_sweep
def test_memory_grows_in_proportion_to_what_is_written(sweep, use):
    """Four times the parts take four times the memory at the peak, not sixteen."""

    def peak(T):
        gc.collect()
        tracemalloc.start()
        try:
            sweep(use, T)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(4)  # what is made once
    assert peak(100) < 6 * peak(25)


def check_time(sweep, use, count):
    """Eight times the parts take about eight times the time; in proportion to the square it would be 64."""

    def seconds(T):
        start = time.process_time()
        sweep(use, T)
        return time.process_time() - start

    sweep(use, 10)
    short, long = (min(seconds(T) for _ in range(3)) for T in (count, 8 * count))
    assert long < 24 * short


@every_use
def test_time_grows_in_proportion_to_what_is_written(use):
    """Eight times the parts take less than 24 times the time, forward and backward."""
    check_time(SWEEPS["backward"], use, 50)


@pytest.mark.slow
@pytest.mark.no_cover
@every_use
@every_sweep
def test_time_of_hundreds_of_parts(sweep, use):
    """Eight times the parts take less than 24 times the time in every mode, create_graph included."""
    check_time(sweep, use, 80)


def test_reading_thousands_of_parts_under_create_graph():
    """2,000 parts x[t] have their second derivatives, from the graph of a pass that takes less than 16 MiB."""
    x = mg.tensor(np.linspace(1.0, 2.0, 2000), requires_grad=True)
    values = plain(x).copy()
    tracemalloc.start()
    try:
        sum((x[t] ** 3 for t in range(2000)), 0.0 * x[0]).backward(create_graph=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    first, x.grad = x.grad, None
    close(first, 3 * values**2)
    np.sum(first).backward()
    close(x.grad, 6 * values)
    assert peak < 16 * 2**20  # 2 kB a part, four times over; 2,000 numbers for each part would be 31 MiB


@pytest.mark.parametrize("use", [written, recurrent], ids=lambda use: use.__name__)
def test_values_of_long_recurrences(use):
    """A buffer of 200 rows has the derivative of the recurrence that filled it."""
    f = lambda x: use(200, width=2, x=x)
    x = np.array([0.5, 0.9])
    if use is recurrent:  # sum of x^t, t from 1 to 200
        t = np.arange(1, 201)[:, None]
        want = np.sum(t * x ** (t - 1), axis=0)
    else:
        h, factor, want = x, np.ones(2), np.zeros(2)
        for _ in range(200):
            h = np.tanh(h)
            factor = factor * (1 - h * h)
            want = want + factor
    close(mg.grad(f)(x), want, rtol=1e-11)
    close(mg.jvp(f, (x,), (np.ones(2),))[1], want.sum(), rtol=1e-11)
    w = leaf(*x)
    f(w).backward()
    close(w.grad, want, rtol=1e-11)


def test_buffers_leave_no_cycles():
    """What a buffer was, and what was written, is freed by reference counting alone."""
    gc.collect()
    gc.disable()
    try:
        w = leaf(1.0, 2.0)
        for sweep in (lambda y: None, lambda y: y.backward(), lambda y: y.backward(create_graph=True)):
            c, h = mg.zeros((10, 2)), w * 1.0
            alive = [weakref.ref(c), weakref.ref(h)]
            for t in range(10):
                h = h * 0.5
                c[t] = h + c[t - 1]
                alive.append(weakref.ref(h))
            y = np.sum(c)
            sweep(y)
            del c, h, y
            w.grad = None
            assert all(one() is None for one in alive)
    finally:
        gc.enable()
