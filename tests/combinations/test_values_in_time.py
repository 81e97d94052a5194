"""What was computed keeps its values, whatever is changed in place afterwards, and at whichever level."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F

from .numeric import close, curvature, every_nesting, every_way, leaf, plain, right_or_changed, right_or_stale, slope

X = np.array([0.6, -1.1, 0.9])


# Constants changed inside of an inner transformation, or after it


def set_data(t):
    t.data = np.array([10.0])


CHANGES = {
    "t[0] = 10": lambda t: t.__setitem__(0, 10.0),
    "t += 1": lambda t: t.__iadd__(1.0),
    "t *= 3": lambda t: t.__imul__(3.0),
    "t[:] = 10": lambda t: t.__setitem__(slice(None), 10.0),
    "t.data = 10": set_data,
}
every_change = pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
one = np.array([1.0])
INNER = {
    "grad": lambda f, y: mg.grad(f)(y)[0],
    "value_and_grad": lambda f, y: mg.value_and_grad(f)(y)[1][0],
    "vjp": lambda f, y: mg.vjp(f, y)[1](1.0)[0][0],
    "jvp": lambda f, y: mg.jvp(f, (y,), (one,))[1],
}
every_inner = pytest.mark.parametrize("inner", INNER.values(), ids=list(INNER))


@every_change
def test_a_constant_changed_inside_a_transformation(change):
    """A Tensor of the closure that is changed after its use counts with its value at the use: d(t y^2) = 2 t y."""
    for inner in INNER.values():
        t = mg.tensor([2.0])

        def f(y, t=t):
            z = np.sum(t * y * y)
            change(t)
            return z

        close(inner(f, np.array([3.0])), 12.0)


@every_change
def test_a_constant_changed_between_vjp_and_its_pull_back(change):
    """The pull-back of a vjp, called twice, uses the values of the time when the function ran."""
    t = mg.tensor([2.0])
    y, pull_back = mg.vjp(lambda x: np.sum(t * x * x), np.array([3.0]))
    change(t)
    close(y, 18.0)
    for _ in range(2):
        close(pull_back(1.0)[0], [12.0])


@every_change
def test_a_constant_changed_between_forward_and_backward(change):
    """backward() at ground level uses the value that a constant had when it was multiplied, in a list as well."""
    t, w = mg.tensor([2.0]), leaf(3.0)
    y = np.sum(t * w * w) + np.sum(np.concatenate([t, w]) * np.concatenate([w, t]))  # 2 t w from the second
    change(t)
    y.backward()
    close(w.grad, [2 * 2 * 3 + 2 * 2])


def test_a_constant_used_again_after_its_change():
    """Two uses of one Tensor, before and after a change, count with a value each."""
    t = mg.tensor([2.0])

    def f(y):
        first = y * t
        t[0] = 10.0
        return np.sum(first * y * t)  # 2 * 10 * y^2

    close(mg.grad(f)(np.array([3.0])), [120.0])


# Variables of an outer transformation


def backward_outer(f, x):
    """The value and slope of a function of an intermediate result, by backward()."""
    w = leaf(*x)
    y = f(w * 1.0)
    y.backward()
    return plain(y), plain(w.grad)


def jvp_outer(f, x):
    value, slope = mg.jvp(f, (x,), (one,))
    return value, np.array([slope])


def vjp_outer(f, x):
    value, pull_back = mg.vjp(f, x)
    return value, pull_back(1.0)[0]


OUTER = {
    "value_and_grad": lambda f, x: mg.value_and_grad(f)(x),
    "jvp": jvp_outer,
    "vjp": vjp_outer,
    "backward": backward_outer,
}
every_outer = pytest.mark.parametrize("outer", OUTER.values(), ids=list(OUTER))


@every_outer
def test_an_outer_variable_overwritten_inside_an_inner_transformation(outer):
    """d/dy (y x^2) is x^2 at the old x, and its derivative by x is 2 x, though x is 10 afterwards."""

    def f(x, inner):
        def g(y):
            z = np.sum(y * x * x)
            x[0] = 10.0
            return z

        return inner(g, np.array([3.0])) + 5.0 * x[0]

    for inner in INNER.values():
        value, derivative = outer(lambda x, inner=inner: f(x, inner), np.array([2.0]))
        close(value, 4.0 + 50.0)
        close(derivative, [4.0])


@every_outer
def test_an_outer_variable_multiplied_inside_an_inner_transformation(outer):
    """After x *= 3 inside, later uses have 3 x and its derivative, and earlier ones x and its own."""

    def f(x, inner):
        def g(y):
            nonlocal x
            z = np.sum(y * x * x)
            x *= 3.0
            return z

        return inner(g, np.array([3.0])) + np.sum(x * x)  # x^2 + 9 x^2

    for inner in INNER.values():
        value, derivative = outer(lambda x, inner=inner: f(x, inner), np.array([2.0]))
        close(value, 40.0)
        close(derivative, [40.0])


@every_inner
def test_an_argument_changed_by_its_own_function(inner):
    """y[0] = y^2 and y += 1 inside: the derivative is by the argument that came, of what became of it."""

    def f(y):
        before = y * 2.0
        y[0] = y[0] ** 2
        y += 1.0
        return np.sum(before * y)  # 2 y (y^2 + 1)

    close(inner(f, np.array([3.0])), 6 * 3.0**2 + 2)


@pytest.mark.parametrize("make", [np.array, mg.tensor, lambda x: mg.tensor(x, requires_grad=True)])
def test_arguments_of_the_caller_keep_their_values(make):
    """A function that writes into its argument writes into its own: the caller's array, Tensor or leaf stays."""

    def f(x):
        x[0] = x[1] * x[2]
        x *= 2.0
        return np.sum(x)

    for transformed in (mg.grad(f), mg.jacobian(f), lambda x: mg.vjp(f, x)[0], lambda x: mg.jvp(f, (x,), (X,))[1]):
        x = make(X)
        transformed(x)
        close(x, X)


# Names whose old value was saved


def element(x):
    y = x * x
    z = y * y
    y[0] = x[1] * z[0]
    return np.sum(y * z)


def operators(x):
    y = x + 1.0
    z = np.sin(y)
    y += z * x
    y *= y
    y -= z / 2.0
    y /= 2.0
    return np.sum(y * z)


def mask(x):
    y = x * x
    z = y[::-1] * y
    y[np.array([True, False, True])] = x[1]
    return np.sum(y * z) + np.sum(z * y[1])


def loop(x):
    y, total = x * 1.0, 0.0
    for i in range(3):
        total = total + np.sum(y * y * y)
        y[i] = y[i - 1] * y[i]
    return total + np.sum(y)


def two_names(x):
    y = x * 1.0
    alias = y
    z = y * y
    y += x * x
    return np.sum(alias * y * z)


def power(x):
    y = x * 2.0
    z = np.exp(y)
    y **= 2
    y[1:] = z[:-1] * y[:-1]
    return np.sum(z * y)


UPDATES = (element, operators, mask, loop, two_names, power)


@every_way
def test_gradients_through_updates_in_place(way):
    """The gradient of a function with updates in place is what differences of the same function of ndarrays say."""
    for f in UPDATES:
        close(way(f, X), slope(f, X), rtol=1e-8, atol=1e-8)


@every_nesting
def test_second_derivatives_through_updates_in_place(nesting):
    """The Hessian of a function with updates in place is that of differences, by each nesting of two levels."""
    for f in UPDATES:
        close(nesting(f, X), curvature(f, X), rtol=1e-6, atol=1e-6)


@every_way
def test_a_view_taken_before_an_update_keeps_its_values(way):
    """Where NumPy's view would change with the array, a part taken before an update does not, nor its derivative."""

    def f(x):
        y = x * 1.0
        part, turned = y[1:], y[::-1]
        y[1] = 5.0
        return np.sum(part * y[1:]) + np.sum(turned * turned)  # 5 x1 + x2^2 + |x|^2

    close(way(f, X), 2 * X + np.array([0.0, 5.0, 2 * X[2]]))


def test_an_update_between_two_derivatives():
    """d/dx of x times d/dy (y x^2), with y and x both updated in between, is that of x^3 where they were used."""

    def f(x):
        def g(y):
            z = y * x * x
            y += x
            return z + 0.0 * y

        slope = mg.grad(g)(np.array(2.0))
        product = slope * x
        x *= 0.0
        return product + x

    close(mg.grad(f)(np.array(3.0)), np.array(27.0))
    close(mg.grad(mg.grad(f))(np.array(3.0)), np.array(18.0))


# Leaves, whose memory changes


def step(w):
    w.grad = np.full(w.shape, -8.0)
    optim.SGD([w], lr=1.0).step()
    w.grad = None


def under_no_grad(w):
    with mg.no_grad():
        w *= 3.0


def element_under_no_grad(w):
    with mg.no_grad():
        w[0] = 7.0


def new_data(w):
    w.data = 3 * w.data


LEAF_CHANGES = pytest.mark.parametrize("change", [step, under_no_grad, element_under_no_grad, new_data])


INNER_PRODUCTS = {
    "x * w": lambda x, w: np.sum(x * w),
    "x * w[:]": lambda x, w: np.sum(x * w[:]),
    "reshape": lambda x, w: np.sum(x * w.reshape(1, 2)),
    "x @ w": lambda x, w: x @ w,
    "diag": lambda x, w: x @ np.diag(w) @ np.ones(2),
    "stack": lambda x, w: np.sum(np.prod(np.stack([x, w]), axis=0)),
    "einsum": lambda x, w: mg.einsum("i,i->", x, w),
}


@LEAF_CHANGES
def test_a_leaf_changed_between_vjp_and_its_pull_back(change):
    """The pull-back has the weights of the time of vjp, or says that they changed."""
    for product in INNER_PRODUCTS.values():
        w = leaf(2.0, 5.0)
        _, pull_back = mg.vjp(lambda x, w=w, product=product: product(x, w), np.array([3.0, 4.0]))
        change(w)
        right_or_changed(lambda pull_back=pull_back: pull_back(1.0)[0], [2.0, 5.0])


@LEAF_CHANGES
def test_a_leaf_changed_inside_an_inner_transformation(change):
    """A leaf that a function of mg.grad uses and then changes is refused, or counts as it was."""
    for product in INNER_PRODUCTS.values():
        w = leaf(2.0, 5.0)

        def f(y, w=w, product=product):
            z = product(y, w)
            change(w)
            return z

        right_or_changed(lambda f=f: mg.grad(f)(np.array([3.0, 4.0])), [2.0, 5.0])


def seeded(*shape):
    return np.random.default_rng(sum(shape)).normal(size=shape)


MODULES = {
    "Linear": (lambda: nn.Linear(3, 4, rng=0), (2, 3)),
    "Bilinear": (lambda: nn.Bilinear(3, 3, 2, rng=0), (2, 3)),
    "RNN": (lambda: nn.RNN(3, 4, rng=0), (5, 2, 3)),
    "LSTM": (lambda: nn.LSTM(3, 4, num_layers=2, rng=0), (5, 2, 3)),
    "GRU": (lambda: nn.GRU(3, 4, bidirectional=True, rng=0), (5, 2, 3)),
    "MultiheadAttention": (lambda: nn.MultiheadAttention(4, 2, rng=0), (5, 2, 4)),
    "Conv2d": (lambda: nn.Conv2d(2, 3, 2, rng=0), (1, 2, 4, 4)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(2, 3, 2, rng=0), (1, 2, 3, 3)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(3), (4, 3)),
    "InstanceNorm1d": (lambda: nn.InstanceNorm1d(3, affine=True), (4, 3, 2)),
    "LayerNorm": (lambda: nn.LayerNorm(3), (4, 3)),
    "GroupNorm": (lambda: nn.GroupNorm(1, 2), (2, 2, 3)),
    "RMSNorm": (lambda: nn.RMSNorm(3), (4, 3)),
    "Encoder": (lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 3, 0.0, rotary_base=9.0), 2), (5, 2, 4)),
    "Transformer": (lambda: nn.TransformerEncoderLayer(4, 2, 3, dropout=0.0, rng=0), (5, 2, 4)),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_parameter_changed_between_forward_and_backward(name):
    """backward() after the change of any parameter has all gradients of before, or is refused and leaves none."""
    make, shape = MODULES[name]
    net, x = make(), mg.tensor(seeded(*shape), requires_grad=True)
    leaves = [x, *net.parameters()]

    def loss():
        y = net(x, x, x) if name == "MultiheadAttention" else net(x, x) if name == "Bilinear" else net(x)
        return np.sum((y[0] if isinstance(y, tuple) else y) ** 3)

    def grads():
        found = [None if w.grad is None else plain(w.grad).copy() for w in leaves]
        for w in leaves:
            w.grad = None
        return found

    loss().backward()
    right = grads()
    for w in leaves[1:]:
        held, old = loss(), plain(w).copy()
        w.data = 3 * old + 1
        try:
            held.backward()
        except mg.GraphError:
            assert grads() == [None] * len(leaves)
        else:
            for got, want in zip(grads(), right, strict=True):
                close(got, want)
        w.data = old
        loss().backward()  # as if nothing had been refused
        for got, want in zip(grads(), right, strict=True):
            close(got, want)


VIEWS = {
    "w[:]": lambda w: w[:],
    "w[1:3]": lambda w: w[1:3],
    "w[..., ::-1]": lambda w: w[..., ::-1],
    "w.T": lambda w: w.T,
    "reshape": lambda w: w.reshape(3, 4),
    "w[None]": lambda w: w[None],
    "broadcast_to": lambda w: np.broadcast_to(w, (2, 4, 3)),
    "view of a view": lambda w: w.T[1:].T[1:3],
    "detach": lambda w: w.detach(),
    "asarray of data": lambda w: mg.asarray(w.data),
    "squeeze": lambda w: np.squeeze(w[None], axis=0),
    "diagonal": lambda w: np.diagonal(w),
}
JOINED = {
    "product": lambda v: v * v,
    "stack": lambda v: np.prod(np.stack([v, v, v]), axis=0),
    "concatenate": lambda v: np.concatenate([v, v * 2.0], axis=0) ** 2,
    "einsum": lambda v: mg.einsum("...i,...i->...", v, v),
    "where": lambda v: np.where(v.detach() > 0, v * v, mg.exp(v)),
    "matmul": lambda v: v @ np.swapaxes(v, -1, -2) if v.ndim > 1 else v @ v,
    "logsumexp": lambda v: mg.logsumexp(v, axis=-1),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=list(VIEWS))
def test_a_view_of_a_leaf_that_is_changed(view):
    """Each product with a view of a leaf's memory has the derivative of before its change, or refuses."""
    for join in JOINED.values():
        x, w = leaf(0.7), mg.tensor(seeded(4, 3), requires_grad=True)
        loss = lambda x=x, w=w, join=join: np.sum(join(view(w)) * x)
        loss().backward()
        right = [plain(x.grad).copy(), None if w.grad is None else plain(w.grad).copy()]
        x.grad = w.grad = None
        held = loss()
        w.data = 3 * w.data
        count = 2 if right[1] is not None else 1  # a detached view leaves no gradient in w
        right_or_stale(held, lambda x=x, w=w, count=count: (x.grad, w.grad)[:count], right[:count])


def test_keys_and_values_of_attention_are_views_of_leaves():
    """Attention takes its arrays in a list, and views of a changed leaf among them are noticed."""
    k, v = mg.tensor(seeded(6, 3), requires_grad=True), mg.tensor(seeded(6, 2), requires_grad=True)
    for keys, values in ((k[:], v), (k, v[:]), (k[::1], v.T.T), (k.reshape(6, 3), v[...])):
        q = mg.tensor(seeded(4, 3), requires_grad=True)
        loss = lambda q=q, keys=keys, values=values: np.sum(F.scaled_dot_product_attention(q, keys, values) ** 2)
        loss().backward(retain_graph=True)
        right = plain(q.grad).copy()
        for changed in (k, v):
            q.grad, held, old = None, loss(), plain(changed).copy()
            changed.data = 3 * old
            right_or_stale(held, lambda q=q: [q.grad], [right])
            changed.data = old


RULES = {
    "*xs": (lambda g, y, *xs: g * 2 * xs[0], lambda x: x * x),
    "*xs, **options": (lambda g, y, *xs, **options: g * 2 * xs[0], lambda x: x * x),
    "x, by keyword": (lambda g, y, x, scale=1.0: g * 2 * scale * x, lambda x, scale=1.0: scale * x * x),
    "of y": (lambda g, y, x: g * y, np.exp),
}


@pytest.mark.parametrize(("rule", "function"), RULES.values(), ids=list(RULES))
def test_a_rule_of_ones_own_that_reads_a_changed_leaf(rule, function):
    """What a user's rule reads is unknown, however it spells its arguments: a changed leaf is noticed."""
    f, v = mg.primitive(rule)(function), leaf(1.0, 2.0)
    loss = np.sum(f(v))
    want = np.exp([1.0, 2.0]) if function is np.exp else np.array([2.0, 4.0])
    v.data = 3 * v.data
    right_or_stale(loss, lambda: [v.grad], [want])


def test_a_starred_rule_of_two_leaves():
    """A rule for each of two starred arguments notices a change of the other."""
    f = mg.primitive(lambda g, y, *xs: g * xs[1], lambda g, y, *xs: g * xs[0], kind="multilinear")(lambda a, b: a * b)
    for changed in (0, 1):
        pair = leaf(1.0, 2.0), leaf(3.0, 4.0)
        loss = np.sum(f(*pair))
        pair[changed].data = [7.0, 7.0]
        right_or_stale(loss, lambda pair=pair: [w.grad for w in pair], [np.array([3.0, 4.0]), np.array([1.0, 2.0])])


def test_a_leaf_changed_between_two_passes_over_one_graph():
    """A retained graph is swept again with the old weights or refused, and the gradient of the first pass stays."""
    w = leaf(2.0, 3.0)
    loss = np.sum(w**3)
    loss.backward(retain_graph=True)
    w.data = [7.0, 7.0]
    right_or_stale(loss, lambda: [w.grad], [[24.0, 54.0]])
    assert w.grad.tolist() in ([12.0, 27.0], [24.0, 54.0])


def test_a_leaf_changed_before_the_second_derivative():
    """The graph of a gradient knows the version of its leaves as well."""
    w = leaf(2.0, 3.0)
    np.sum(w**3).backward(create_graph=True)
    first, w.grad = w.grad, None
    w.data = [7.0, 7.0]
    right_or_stale(np.sum(first), lambda: [w.grad], [np.array([12.0, 18.0])])


def test_a_view_used_after_the_change_of_its_leaf():
    """A view shares the memory of its leaf: used after a change, it counts with the new values."""
    w = leaf(1.0, 2.0)
    view = w[:1]
    w.data = [4.0, 5.0]
    held = np.sum(view * view) + np.sum(np.stack([view, view]) ** 2)
    close(held, 48.0)
    right_or_stale(held, lambda: [w.grad], [np.array([24.0, 0.0])])


def test_a_refusal_changes_nothing():
    """After a refused pass, no leaf has a gradient, and a result that does not need the changed one has its own."""
    w, v = leaf(2.0), leaf(3.0)
    shared = v * v
    refused, other = np.sum(shared * w), np.sum(shared * 2.0)
    w.data = [7.0]
    with pytest.raises(mg.GraphError, match=r"changed in place"):
        refused.backward()
    assert w.grad is None
    assert v.grad is None
    other.backward()
    close(v.grad, [12.0])
