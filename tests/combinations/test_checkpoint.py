"""mg.checkpoint across randomness, statistics, arrays from outside, levels and changes: as if nothing ran twice."""

import gc
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F

from .numeric import by_backward, by_create_graph, close, leaf, outcome, plain, right_or_stale, slopes

X = np.array([0.5, -1.5])


# Random numbers: one mask, and generators that go on as after a single run


class Masked(nn.Module):
    """A module that draws from a generator among its attributes."""

    def __init__(self):
        self.rng = np.random.default_rng(3)

    def forward(self, x):
        return x * self.rng.normal(size=x.shape)


def by_closure():
    rng = np.random.default_rng(3)
    return lambda x: x * rng.normal(size=x.shape), rng


def by_attribute():
    module = Masked()
    return module, module.rng


def by_submodule():
    module = nn.Sequential(Masked(), nn.Sequential(Masked()))
    module[1][0].rng = module[0].rng
    return module, module[0].rng


def by_bound_method():
    module = Masked()
    return module.forward, module.rng


def by_sample():
    rng = np.random.default_rng(3)
    return lambda x: x * mg.sample(rng, "normal", size=x.shape), rng


def by_list():
    held = {"rng": [np.random.default_rng(3)]}
    return lambda x: x * held["rng"][0].normal(size=x.shape), held["rng"][0]


def by_global():
    global GENERATOR
    GENERATOR = np.random.default_rng(3)
    return of_global, GENERATOR


def of_global(x):
    return x * GENERATOR.normal(size=x.shape)


def by_default():
    rng = np.random.default_rng(3)

    def f(x, rng=rng):
        return x * rng.normal(size=x.shape)

    return f, rng


def by_inner_function():
    rng = np.random.default_rng(3)

    def draw(shape):
        return rng.normal(size=shape)

    return lambda x: x * draw(x.shape), rng


def by_dropout():
    module = nn.Dropout(0.5, rng=3)
    return module, module.rng


def by_functional_dropout():
    rng = np.random.default_rng(3)
    return lambda x: F.dropout(x, 0.5, True, rng) * rng.normal(), rng


def by_several_draws():
    rng = np.random.default_rng(3)
    return lambda x: x * rng.normal(size=x.shape) + x * x * rng.random() + rng.integers(5), rng


SOURCES = pytest.mark.parametrize(
    "source",
    [
        by_closure,
        by_attribute,
        by_submodule,
        by_bound_method,
        by_sample,
        by_list,
        by_global,
        by_default,
        by_inner_function,
        by_dropout,
        by_functional_dropout,
        by_several_draws,
    ],
    ids=lambda source: source.__name__,
)


def drawn_slope(source, x, c):
    """The derivative of c . f(x) for the draws of a new source, element by element, from its values at x, 0 and -x."""
    values = [c * plain(source()[0](mg.tensor(at))) for at in (x, 0 * x, -x)]
    linear = (values[0] - values[2]) / (2 * x)
    square = (values[0] + values[2] - 2 * values[1]) / (2 * x * x)
    return linear + 2 * x * square


@SOURCES
def test_the_second_run_draws_what_the_first_did(source):
    """The gradient of a checkpoint that draws is that of the value it had, in every mode."""
    x, c = np.linspace(1.0, 2.0, 20), np.arange(20.0)
    want = drawn_slope(source, x, c)
    for way in (by_backward, by_create_graph, lambda f, x: mg.grad(f)(x), lambda f, x: mg.vjp(f, x)[1](1.0)[0]):
        f = mg.checkpoint(source()[0])
        close(way(lambda x, f=f: np.sum(f(x) * c), x), want, atol=1e-12)
    f = mg.checkpoint(source()[0])
    close(mg.jvp(lambda x: np.sum(f(x) * c), (x,), (x,))[1], np.sum(want * x))


@SOURCES
def test_generators_go_on_as_after_a_single_run(source):
    """backward() gives the generator back: what is drawn in between and afterwards is the stream of a plain run."""
    f, rng = source()
    plainly = []
    for _ in range(2):
        plainly.append(plain(f(mg.tensor(X))).copy())
        plainly.append(rng.random())
    f, rng = source()
    checked, w, got = mg.checkpoint(f), leaf(*X), []
    held = []
    for _ in range(2):
        held.append(y := checked(w))
        got += [plain(y).copy(), rng.random()]
    for one, other in zip(got, plainly, strict=True):
        close(one, other)
    state = rng.bit_generator.state
    for y in reversed(held):
        np.sum(y).backward()
    assert rng.bit_generator.state == state


def test_a_generator_passed_as_an_argument():
    """A generator among the arguments, by position, by name or in a list, is put back as well."""
    calls = {
        "position": lambda f, x, rng: mg.checkpoint(lambda x, rng: f(x, rng))(x, rng),
        "name": lambda f, x, rng: mg.checkpoint(lambda x, rng: f(x, rng))(x, rng=rng),
        "list": lambda f, x, rng: mg.checkpoint(lambda x, held: f(x, held["r"][0]))(x, {"r": [rng]}),
        "two": lambda f, x, rng: mg.checkpoint(lambda x, *rngs: f(x, rngs[1]))(x, np.random.default_rng(0), rng),
    }
    for call in calls.values():
        w, rng = mg.tensor(np.ones(64), requires_grad=True), np.random.default_rng(7)
        y = call(lambda x, rng: F.dropout(x, 0.5, True, rng), w, rng)
        state = rng.bit_generator.state
        np.sum(y).backward()
        close(w.grad, plain(y))  # at x = 1 the mask is the value
        assert rng.bit_generator.state == state


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Dropout(0.5, rng=0),
        lambda: nn.Sequential(nn.Linear(6, 6, rng=0), nn.Dropout(0.3, rng=1), nn.Tanh(), nn.Dropout(0.3, rng=2)),
        lambda: nn.TransformerEncoderLayer(6, 2, 5, dropout=0.4, rng=0),
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 5, dropout=0.4, rng=0), 2),
        lambda: nn.LSTM(6, 3, num_layers=2, dropout=0.5, rng=0),
    ],
    ids=["Dropout", "Sequential", "Transformer", "Encoder", "LSTM"],
)
def test_modules_with_dropout_have_the_gradients_of_a_plain_run(make):
    """A module that draws masks, checkpointed, has the outputs and all gradients of the same module uncheckpointed."""
    x = np.random.default_rng(1).normal(size=(4, 3, 6))
    found = []
    for wrap in (lambda f: f, mg.checkpoint):
        net, w = make(), mg.tensor(x, requires_grad=True)
        y = wrap(net)(w)
        y = y[0] if isinstance(y, tuple) else y
        np.sum(y * y).backward()
        found.append([plain(v).copy() for v in (y, w.grad, *(p.grad for p in net.parameters()))])
    for got, want in zip(found[1], found[0], strict=True):
        close(got, want, rtol=1e-10)


def test_two_passes_over_a_retained_graph_use_one_mask():
    """Each pass over a retained graph runs the function again with the draws of the first run."""
    w = mg.tensor(np.ones(64), requires_grad=True)
    y = mg.checkpoint(nn.Dropout(0.5, rng=0))(w)
    np.sum(y).backward(retain_graph=True)
    np.sum(y).backward(retain_graph=True)
    close(w.grad, 2 * plain(y))


def test_checkpoints_in_checkpoints_draw_once():
    """A checkpoint that draws, inside of another that draws, has the masks of the first run in the third as well."""
    rng = np.random.default_rng(0)
    inner = mg.checkpoint(lambda x: F.dropout(x, 0.5, True, rng))
    outer = mg.checkpoint(lambda x: inner(x * 2.0) * F.dropout(np.ones_like(x), 0.5, True, rng))
    w = mg.tensor(np.ones(64), requires_grad=True)
    y = outer(w)
    state = rng.bit_generator.state
    np.sum(y).backward()
    close(w.grad, plain(y))
    assert rng.bit_generator.state == state


# Statistics


@pytest.mark.parametrize("momentum", [None, 0.1])
@pytest.mark.parametrize(
    "wrap",
    [
        mg.checkpoint,
        lambda f: mg.checkpoint(mg.checkpoint(f)),
        lambda f: mg.checkpoint(lambda x: f(x) * 2.0),
        lambda f: mg.checkpoint(nn.Sequential(f, nn.Tanh())),
    ],
    ids=["checkpoint", "nested", "in a function", "in a Sequential"],
)
def test_statistics_move_once(wrap, momentum):
    """Running statistics of a normalisation inside a checkpoint move once a step, however often it runs."""
    batches = np.random.default_rng(0).normal(size=(3, 5, 2))
    norm, mean, var = nn.BatchNorm1d(2, momentum=momentum), np.zeros(2), np.ones(2)
    for i, batch in enumerate(batches):
        w = mg.tensor(batch, requires_grad=True)
        np.sum(wrap(norm)(w) ** 2).backward(create_graph=i == 1)
        share = 1 / (i + 1) if momentum is None else momentum
        mean += share * (batch.mean(axis=0) - mean)
        var += share * (batch.var(axis=0, ddof=1) - var)
        close(norm.running_mean, mean)
        close(norm.running_var, var)


def test_batches_are_counted_once():
    """With momentum=None the mean is over all batches, which a checkpoint counts once each."""
    norm = nn.BatchNorm1d(2, momentum=None)
    for i in range(3):
        w = mg.tensor(np.random.default_rng(i).normal(size=(5, 2)), requires_grad=True)
        np.sum(mg.checkpoint(norm)(w) ** 2).backward()
        assert norm.num_batches_tracked.item() == i + 1


def test_statistics_move_once_in_a_transformation():
    """Running statistics move once where mg.grad calls the checkpoint."""
    norm, batch = nn.BatchNorm2d(2), np.random.default_rng(0).normal(size=(3, 2, 4, 4))
    mg.grad(lambda x: np.sum(mg.checkpoint(norm)(x) ** 3))(batch)
    close(norm.running_mean, 0.1 * batch.mean(axis=(0, 2, 3)))


# Arrays from outside


def only_outer(a, w, u):
    return np.ones_like(a) * w


def outer_first(a, w, u):
    return w * u * a


def outer_last(a, w, u):
    return a * a + u * 2.0 + w


def intermediate(a, w, u):
    z = w * u
    return a * z + z * z


def alone_for_long(a, w, u):
    z = np.sin(w)
    y = z[0] * np.exp(u)
    return a + y


def twice(a, w, u):
    return w * a * w + u * w


def listed(a, w, u):
    return np.sum(np.stack([w * a, a, u * u]) * np.concatenate([u, w, u]).reshape(3, 2), axis=0)


def filled(a, w, u):
    c = mg.zeros(2)
    c[0] = w[0] * a[1]
    c[1] = u[1] * w[1]
    return c * c


def written_into(a, w, u):
    y = mg.asarray(w) * 1.0
    y[0] = a[0] * u[1]
    y += w
    return y * y


def without_the_argument(a, w, u):
    return w * u


# Each with the gradients by a, w and u of the sum of its values.
OUTER = {
    only_outer: lambda a, w, u: (0 * a, 1 + 0 * w, 0 * u),
    outer_first: lambda a, w, u: (w * u, u * a, w * a),
    outer_last: lambda a, w, u: (2 * a, 1 + 0 * w, 2 + 0 * u),
    intermediate: lambda a, w, u: (w * u, u * a + 2 * w * u * u, w * a + 2 * w * w * u),
    alone_for_long: lambda a, w, u: (
        1 + 0 * a,
        np.array([np.cos(w[0]) * np.exp(u).sum(), 0.0]),
        np.sin(w[0]) * np.exp(u),
    ),
    twice: lambda a, w, u: (w * w, 2 * w * a + u, w),
    listed: lambda a, w, u: (w * u + w, a * u + a, w * a + 3 * u * u),
    filled: lambda a, w, u: (
        np.array([0.0, 2 * w[0] ** 2 * a[1]]),
        np.array([2 * w[0] * a[1] ** 2, 2 * w[1] * u[1] ** 2]),
        np.array([0.0, 2 * u[1] * w[1] ** 2]),
    ),
    written_into: lambda a, w, u: (
        np.array([2 * (a[0] * u[1] + w[0]) * u[1], 0.0]),
        np.array([2 * (a[0] * u[1] + w[0]), 8 * w[1]]),
        np.array([0.0, 2 * (a[0] * u[1] + w[0]) * a[0]]),
    ),
    without_the_argument: lambda a, w, u: (0 * a, u, w),
}
every_outer = pytest.mark.parametrize("f", OUTER, ids=lambda f: f.__name__)
VALUES = np.array([1.0, 2.0]), np.array([1.0, 2.0]), np.array([3.0, 0.5])  # the first two are alike


@every_outer
def test_arrays_from_outside_have_their_own_gradients(f):
    """Each array that a checkpoint takes from outside has its derivative, in whichever order and however it is met."""
    a, w, u = (leaf(*v) for v in VALUES)
    np.sum(mg.checkpoint(lambda a: f(a, w, u))(a)).backward()
    for x, want in zip((a, w, u), OUTER[f](*VALUES), strict=True):
        close(np.zeros(2) if x.grad is None else x.grad, want)


@every_outer
def test_results_from_outside_have_their_own_gradients(f):
    """Arrays that were computed outside from leaves hand their derivatives on to these."""
    a, w, u = (leaf(*v) for v in VALUES)
    h, k = w * 1.0, np.stack([u, u])[1]
    np.sum(mg.checkpoint(lambda a: f(a, h, k))(a * 1.0)).backward()
    for x, want in zip((a, w, u), OUTER[f](*VALUES), strict=True):
        close(np.zeros(2) if x.grad is None else x.grad, want)


@every_outer
def test_variables_of_enclosing_transformations(f):
    """The variables of an outer mg.grad or jvp have their own derivatives, of first order and mixed."""
    summed = lambda a, w, u: np.sum(mg.checkpoint(lambda a: f(a, w, u))(a))
    for i, want in enumerate(OUTER[f](*VALUES)):
        by_one = lambda v, i=i: summed(*VALUES[:i], v, *VALUES[i + 1 :])
        close(mg.grad(by_one)(VALUES[i]), want)
        close(mg.jvp(by_one, (VALUES[i],), (np.ones(2),))[1], want.sum())
    a, w, u = VALUES
    mixed = mg.jacobian(lambda w: mg.grad(lambda a: summed(a, w, u))(a))(w)
    close(mixed, slopes(lambda w: OUTER[f](a, w, u)[0], w), rtol=1e-9, atol=1e-9)


def test_the_order_in_which_arrays_are_met_may_change():
    """A function that meets the same arrays in another order when it runs again has the same derivatives."""
    a, w, u = (leaf(*v) for v in VALUES)
    runs = []

    def f(a):
        runs.append(None)
        first, second = (w, u) if len(runs) % 2 else (u, w)
        return a * first * second

    np.sum(mg.checkpoint(f)(a)).backward()
    assert len(runs) == 2
    for x, want in zip((a, w, u), OUTER[outer_first](*VALUES), strict=True):
        close(x.grad, want)


def test_one_array_as_an_argument_and_from_outside():
    """An array that is an argument, twice, and used from outside as well has the sum of its derivatives."""
    w = leaf(2.0, 3.0)
    np.sum(mg.checkpoint(lambda a, b: a * b * b * w)(w, w)).backward()  # w^4
    close(w.grad, [4 * 8.0, 4 * 27.0])


def test_constants_from_outside_are_no_parameters():
    """A constant Tensor, an ndarray and a detached leaf beside a leaf of the same values keep out of its gradient."""
    w, c, d = leaf(1.0, 2.0), mg.tensor([1.0, 2.0]), np.array([1.0, 2.0])
    np.sum(mg.checkpoint(lambda a: a * c * d * w.detach() + c * w)(w)).backward()
    close(w.grad, [1.0 + 1.0, 8.0 + 2.0])


def test_modules_keep_their_parameters_apart():
    """Parameters of equal values, met through layers, have the gradients of a plain run."""
    found = []
    for wrap in (lambda f: f, mg.checkpoint):
        net = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Tanh(), nn.Linear(2, 2, rng=0), nn.LayerNorm(2))
        w = mg.tensor(np.array([X, 2 * X + 1]), requires_grad=True)
        np.sum(wrap(net)(w) ** 3).backward()
        found.append([plain(p.grad).copy() for p in (w, *net.parameters())])
    for got, want in zip(found[1], found[0], strict=True):
        close(got, want, rtol=1e-10)


# Levels


def cube(x):
    return np.sum(x * x * x)


@pytest.mark.parametrize(
    "second",
    [
        lambda f: mg.hessian(f)(X),
        lambda f: mg.jacobian(mg.grad(f))(X),
        lambda f: np.stack([plain(mg.jvp(mg.grad(f), (X,), (e,))[1]) for e in np.eye(2)]),
        lambda f: np.stack([plain(mg.hvp(f, (X,), (e,))[0]) for e in np.eye(2)]),
        lambda f: mg.jacobian(mg.checkpoint(mg.grad(f)))(X),
        lambda f: mg.hessian(mg.checkpoint(f))(X),
    ],
    ids=["hessian", "jacobian", "jvp of grad", "hvp", "checkpoint of grad", "nested"],
)
def test_second_derivatives_of_a_checkpoint(second):
    """The Hessian of sum x^3 is 6 x on its diagonal, with checkpoints anywhere in it."""
    close(second(mg.checkpoint(cube)), np.diag(6 * X))


def test_third_derivatives_of_a_checkpoint():
    """The third derivative of x^3 is 6, by three levels of either mode in turn."""
    f = mg.checkpoint(lambda x: x * x * x)
    forward = lambda g: lambda x: mg.jvp(g, (x,), (np.ones_like(x),))[1]
    for third in (mg.grad(forward(mg.grad(f))), forward(mg.grad(forward(f))), mg.grad(mg.grad(mg.grad(f)))):
        close(third(np.array(1.3)), np.array(6.0))


def test_a_transformation_inside_a_checkpoint():
    """mg.grad inside the function hands derivatives on to the argument and to an array from outside."""
    w, x = leaf(2.0, 3.0), leaf(*X)
    f = lambda a: mg.grad(lambda v: np.sum(v * v * w * a))(a)  # 2 a w a
    np.sum(mg.checkpoint(f)(x)).backward()
    close(x.grad, 4 * X * [2.0, 3.0])
    close(w.grad, 2 * X * X)


def test_backward_under_no_grad_runs_the_function_again():
    """The second run records whatever the grad mode of the caller, and leaves that mode as it was."""
    w = leaf(2.0, 3.0)
    y = np.sum(mg.checkpoint(lambda a: a * a * a)(w))
    with mg.no_grad():
        y.backward()
        assert not mg.is_grad_enabled()
    close(w.grad, [12.0, 27.0])


# Changes in between


@pytest.mark.parametrize(
    "f",
    [
        lambda a, w: a * w,
        lambda a, w: a * w[:],
        lambda a, w: np.tanh(a * w),
        lambda a, w: np.prod(np.stack([a, w, w]), axis=0),
        lambda a, w: a * a + w,
        lambda a, w: np.ones_like(a) * w * w,
    ],
    ids=["product", "view", "tanh", "stack", "sum", "outer alone"],
)
def test_a_leaf_changed_before_the_second_run(f):
    """An outer leaf or an argument changed before backward() is noticed, as the second run would see new values."""
    for i in (0, 1):
        pair = leaf(0.3, 0.4), leaf(1.0, 2.0)
        loss = lambda pair=pair: np.sum(mg.checkpoint(lambda a: f(a, pair[1]))(pair[0]) ** 2)
        loss().backward()
        right = [np.zeros(2) if w.grad is None else plain(w.grad).copy() for w in pair]
        for w in pair:
            w.grad = None
        held = loss()
        pair[i].data = 3 * pair[i].data
        grads = lambda pair=pair: [np.zeros(2) if w.grad is None else w.grad for w in pair]
        right_or_stale(held, grads, right)
        for w in pair:
            w.grad = None
        loss().backward()  # at the new values, as if nothing had been refused
        assert pair[1].grad is not None


def test_a_constant_changed_before_the_second_run():
    """A constant Tensor that is changed after the first run counts as it was, or is refused."""
    c, w = mg.tensor([1.0, 2.0]), leaf(3.0, 4.0)
    y = np.sum(mg.checkpoint(lambda a: a * a * c)(w))
    c[0] = 50.0
    _, refusal = outcome(y.backward)
    if refusal is None:
        close(w.grad, [6.0, 16.0])


def test_containers_that_the_function_changes():
    """A list or dict among the arguments is copied for each run: popping from it leaves the second run its own."""

    def f(p, scale):
        last = p["layers"].pop()
        p["layers"][0], last = last, p["layers"][0]
        p["bias"] = p["bias"] * scale.pop("factor")
        return np.sum(p["layers"][0] ** 2 * last) + np.sum(p["bias"] ** 2)

    a, b, c = leaf(1.0, 2.0), leaf(3.0, 4.0), leaf(5.0, 6.0)
    p, scale = {"layers": [a, b], "bias": c}, {"factor": 3.0}
    mg.checkpoint(f)(p, scale).backward()
    close(a.grad, [9.0, 16.0])
    close(b.grad, [6.0, 16.0])
    close(c.grad, [90.0, 108.0])
    assert p["layers"][0] is a
    assert p["layers"][1] is b
    assert p["bias"] is c
    assert scale == {"factor": 3.0}


def test_an_argument_written_into():
    """A function that writes into its argument writes into its own copy, in both runs."""

    def f(a):
        before = a * a
        a[0] = a[1] * 3.0
        a *= 2.0
        return before * a

    x, y = 2.0, 5.0
    w = leaf(x, y)
    np.sum(mg.checkpoint(f)(w * 1.0)).backward()  # 6 x^2 y + 2 y^3
    close(w.grad, [12 * x * y, 6 * x * x + 6 * y * y])
    close(w, [x, y])


def test_a_second_run_that_fails_can_be_repeated():
    """An error in the second run leaves no gradient, and the graph and the generator for another pass."""
    rng, w = np.random.default_rng(0), mg.tensor(np.ones(64), requires_grad=True)
    runs = []

    def f(x):
        runs.append(None)
        y = F.dropout(x, 0.5, True, rng)
        if len(runs) == 2:
            raise KeyboardInterrupt
        return y

    y = mg.checkpoint(f)(w)
    state = rng.bit_generator.state
    loss = np.sum(y)
    with pytest.raises(KeyboardInterrupt):
        loss.backward()
    assert w.grad is None
    assert rng.bit_generator.state == state
    loss.backward()
    close(w.grad, plain(y))


def test_checkpoints_leave_no_cycles():
    """What a checkpoint holds is freed by reference counting alone, swept or not."""
    gc.collect()
    gc.disable()
    try:
        for sweep in (lambda y: None, lambda y: y.backward(), lambda y: y.backward(create_graph=True)):
            w = leaf(1.0, 2.0)
            h = w * 1.0
            y = mg.checkpoint(lambda a, h=h, w=w: a * h * w)(w * 2.0)
            alive = [weakref.ref(w), weakref.ref(h), weakref.ref(y)]
            loss = np.sum(y)
            sweep(loss)
            w.grad = None
            del w, h, y, loss
            assert all(one() is None for one in alive)
    finally:
        gc.enable()
