"""All spellings of an operation are one: the same values and gradients, bit for bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.core.door import bind
from minigrad.core.primitive import REGISTRY, Primitive
from minigrad.core.short import public
from minigrad.errors import RuleError

RNG = np.random.default_rng(7)
A = RNG.uniform(0.5, 2.0, (3, 3))
B = RNG.uniform(0.5, 2.0, (3, 3))


def door(ufunc):
    """The long way, which fast paths must agree with."""
    return lambda *args, **kwargs: bind(REGISTRY[ufunc], args, kwargs)


BINARY = {
    "add": [np.add, mg.add, door(np.add), lambda a, b: a + b],
    "subtract": [np.subtract, mg.subtract, door(np.subtract), lambda a, b: a - b],
    "multiply": [np.multiply, mg.multiply, door(np.multiply), lambda a, b: a * b],
    "divide": [np.divide, mg.divide, door(np.divide), lambda a, b: a / b],
    "matmul": [np.matmul, mg.matmul, door(np.matmul), lambda a, b: a @ b],
    "power": [np.power, mg.pow, door(np.power)],
    "maximum": [np.maximum, mg.maximum, door(np.maximum)],
    "minimum": [np.minimum, mg.minimum, door(np.minimum)],
}
IN_PLACE = {
    "add": lambda a, b: a.__iadd__(b),
    "subtract": lambda a, b: a.__isub__(b),
    "multiply": lambda a, b: a.__imul__(b),
    "divide": lambda a, b: a.__itruediv__(b),
    "matmul": lambda a, b: a.__imatmul__(b),
}


def tensor(x):
    return mg.tensor(x, requires_grad=True)


PAIRS = {
    "Tensor, Tensor": (lambda: tensor(A), lambda: tensor(B)),
    "Tensor, ndarray": (lambda: tensor(A), lambda: B),
    "ndarray, Tensor": (lambda: A, lambda: tensor(B)),
    "Tensor, constant": (lambda: tensor(A), lambda: mg.tensor(B)),
    "constant, Tensor": (lambda: mg.tensor(A), lambda: tensor(B)),
    "Tensor, float": (lambda: tensor(A), lambda: 1.7),
    "float, Tensor": (lambda: 1.7, lambda: tensor(B)),
    "Tensor, int": (lambda: tensor(A), lambda: 3),
    "int, Tensor": (lambda: 3, lambda: tensor(B)),
    "Tensor, bool": (lambda: tensor(A), lambda: True),
    "Tensor, float64": (lambda: tensor(A), lambda: np.float64(1.7)),
    "float64, Tensor": (lambda: np.float64(1.7), lambda: tensor(B)),
    "float32, Tensor": (lambda: np.float32(1.7), lambda: tensor(B)),
    "Tensor, row": (lambda: tensor(A), lambda: tensor(B[0])),
    "column, Tensor": (lambda: tensor(A[:, :1]), lambda: tensor(B)),
    "Tensor of float32, float": (lambda: tensor(A.astype(np.float32)), lambda: 1.7),
    "Tensor of float32, Tensor": (lambda: tensor(A.astype(np.float32)), lambda: tensor(B)),
    "list, Tensor": (lambda: A.tolist(), lambda: tensor(B)),
}


def outcome(function, pair, second=True):
    """The value, and all gradients to the second order, of a function of a pair, or the type of its error."""
    a, b = (make() for make in PAIRS[pair])
    try:
        y = function(a, b)
    except (TypeError, ValueError) as error:
        return [type(error).__name__]
    variables = [x for x in (a, b) if isinstance(x, mg.Tensor) and x.requires_grad and x.is_leaf]
    found = [y.detach().numpy().copy()]
    (y * y).sum().backward(create_graph=second)
    first = [x.grad for x in variables]
    found += [g.detach().numpy() for g in first]
    if second:
        for x in variables:
            x.grad = None
        sum((g * g).sum() for g in first).backward()
        found += [x.grad.detach().numpy() for x in variables]
    return found


def assert_identical(found, wanted):
    assert len(found) == len(wanted)
    for x, y in zip(found, wanted, strict=True):
        assert type(x) is type(y)
        if isinstance(x, np.ndarray):
            assert x.dtype == y.dtype
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("name", BINARY)
def test_spellings_of_binary_operations_agree(name, pair, second):
    """Operator, NumPy function, public function and the door give the same bits, to the second order."""
    wanted = outcome(BINARY[name][0], pair, second)
    for spelling in BINARY[name][1:]:
        if pair == "list, Tensor" and spelling is BINARY[name][-1]:
            continue  # the operator of a list comes first, and joins lists
        assert_identical(outcome(spelling, pair, second), wanted)


@pytest.mark.parametrize("pair", ["Tensor, Tensor", "Tensor, ndarray", "Tensor, float", "Tensor, row"])
@pytest.mark.parametrize("name", IN_PLACE)
def test_operators_in_place_agree(name, pair):
    """x op= v has the value and the gradients of x = x op v, unless that would change the shape."""
    if (name, pair) == ("matmul", "Tensor, row"):
        pytest.skip("a product with a row has another shape")
    result = outcome(lambda a, b: BINARY[name][0](a * 1.0, b), pair)
    assert_identical(outcome(lambda a, b: IN_PLACE[name](a * 1.0, b), pair), result)


@pytest.mark.parametrize("exponent", [2, 2.0, 1, 0.5, -1, 3, 0, -2.5])
def test_spellings_of_powers_agree(exponent):
    """x ** n is np.power(x, n), within roundings: small exponents have functions of their own."""
    found = outcome(lambda a, b: a**exponent, "Tensor, float")
    wanted = outcome(lambda a, b: np.power(a, exponent), "Tensor, float")
    for x, y in zip(found, wanted, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-14, atol=1e-14)  # a dozen roundings, to the second order


UNARY = {
    "negative": [np.negative, mg.negative, door(np.negative), lambda x: -x],
    "positive": [np.positive, door(np.positive), lambda x: +x],
    "abs": [np.abs, np.absolute, np.fabs, mg.abs, door(np.abs), lambda x: abs(x)],
    "square": [np.square, mg.square, door(np.square), lambda x: x**2],
    "sqrt": [np.sqrt, mg.sqrt, door(np.sqrt), lambda x: x**0.5],
    "reciprocal": [np.reciprocal, mg.reciprocal, lambda x: x**-1],
    "exp": [np.exp, mg.exp, door(np.exp)],
    "log": [np.log, mg.log, door(np.log)],
    "sin": [np.sin, mg.sin, door(np.sin)],
    "cos": [np.cos, mg.cos, door(np.cos)],
    "tanh": [np.tanh, mg.tanh, door(np.tanh)],
    "sum": [np.sum, mg.sum, door(np.sum), lambda x: x.sum(), lambda x: np.add.reduce(x, axis=None)],
    "sum over an axis": [
        lambda x: np.sum(x, axis=0),
        lambda x: mg.sum(x, axis=0),
        lambda x: x.sum(axis=0),
        lambda x: x.sum(0),
        lambda x: np.add.reduce(x),
    ],
    "mean": [np.mean, mg.mean, lambda x: x.mean(), door(np.mean)],
    "max": [np.max, np.amax, mg.max, lambda x: x.max(), door(np.max)],
    "min": [np.min, np.amin, mg.min, lambda x: x.min()],
    "reshape": [
        lambda x: np.reshape(x, (9,)),
        lambda x: mg.reshape(x, (9,)),
        lambda x: x.reshape(9),
        lambda x: x.reshape((9,)),
        lambda x: x.reshape(-1),
        lambda x: x.ravel(),
    ],
    "reshape in Fortran's order": [
        lambda x: np.reshape(x, (9,), order="F"),
        lambda x: x.reshape(9, order="F"),
        lambda x: mg.reshape(x, (9,), order="F"),
    ],
    "transpose": [
        lambda x: np.transpose(x),
        lambda x: mg.permute_dims(x, (1, 0)),
        lambda x: x.T,
        lambda x: x.mT,
        lambda x: x.transpose(),
        lambda x: x.transpose(1, 0),
        lambda x: x.transpose((1, 0)),
        lambda x: np.matrix_transpose(x),
        lambda x: mg.matrix_transpose(x),
    ],
    "concat": [lambda x: np.concatenate([x, x]), lambda x: mg.concat([x, x]), lambda x: mg.concat((x, x), axis=0)],
    "stack": [lambda x: np.stack([x, x]), lambda x: mg.stack([x, x]), lambda x: np.stack((x, x), axis=0)],
    "squeeze": [lambda x: np.squeeze(x[None]), lambda x: mg.squeeze(x[None]), lambda x: x[None].squeeze(0)],
    "expand_dims": [lambda x: np.expand_dims(x, 1), lambda x: mg.expand_dims(x, axis=1)],
    "broadcast_to": [lambda x: np.broadcast_to(x, (2, 3, 3)), lambda x: mg.broadcast_to(x, (2, 3, 3))],
    "where": [lambda x: np.where(A > 1, x, 0.0), lambda x: mg.where(A > 1, x, 0.0)],
    "astype": [lambda x: x.astype(np.float32), lambda x: mg.astype(x, np.float32), lambda x: x.astype("f4")],
    "dot": [lambda x: x @ x, lambda x: x.dot(x)],
}


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("transform", [False, True])
def test_spellings_of_functions_agree(name, transform):
    """NumPy function, public function, method and the door give the same bits, at every level."""

    def run(function):
        def loss(x):
            y = function(x)
            return (y * y).sum()

        if transform:
            return [mg.grad(loss)(A), *mg.jvp(loss, (A,), (B,))]
        x = tensor(A)
        y = loss(x)
        y.backward()
        return [y.data, x.grad.data]

    first, *others = UNARY[name]
    wanted = run(first)
    for spelling in others:
        if getattr(spelling, "__name__", "") == "fabs" and spelling not in REGISTRY:
            continue
        assert_identical(run(spelling), wanted)


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("name", BINARY)
def test_binary_operations_agree_where_nothing_is_recorded(name, pair):
    """In no_grad all spellings give the bits that they give elsewhere, as Tensors without a history."""
    wanted = outcome(BINARY[name][2], pair, False)[0]
    for spelling in BINARY[name]:
        if pair == "list, Tensor" and spelling is BINARY[name][-1]:
            continue  # the operator of a list comes first, and joins lists
        with mg.no_grad():
            a, b = (make() for make in PAIRS[pair])
            if isinstance(wanted, str):
                with pytest.raises((TypeError, ValueError)):
                    spelling(a, b)
                continue
            y = spelling(a, b)
        assert type(y) is mg.Tensor
        assert y.is_leaf
        assert not y.requires_grad
        assert_identical([y.numpy()], [wanted])


@pytest.mark.parametrize("name", UNARY)
def test_functions_agree_where_nothing_is_recorded(name):
    """In no_grad all spellings give the bits that they give elsewhere, as Tensors without a history."""
    for spelling in UNARY[name]:
        wanted = spelling(tensor(A)).detach().numpy()
        with mg.no_grad():
            y = spelling(tensor(A))
        assert type(y) is mg.Tensor
        assert not y.requires_grad
        assert_identical([y.numpy()], [wanted])


def test_nothing_is_recorded_of_integers_and_failures():
    """In no_grad, integers stay what they are elsewhere, and an error has the same words."""
    i, x = mg.tensor([1, 2]), tensor(A)

    def message():
        with pytest.raises(ValueError, match="add") as raised:
            x + mg.tensor([1.0, 2.0])
        return str(raised.value)

    wanted = (i + i).numpy(), i[1].numpy(), message()
    with mg.no_grad():
        assert_identical([(i + i).numpy(), i[1].numpy(), message()], wanted)
        with pytest.raises(IndexError, match="out of bounds"):
            x[3]


def test_a_transformation_inside_no_grad_is_recorded_by_its_own_level():
    """Its arrays have derivatives, and Tensors from outside are constants."""
    w = tensor(A)
    with mg.no_grad():
        np.testing.assert_array_equal(mg.grad(lambda x: np.sum(x[0] * w[0] + w[1] * w[1]))(B)[0], A[0])
        (rows,) = mg.vmap(lambda x: (x * w[0] + w[1],))(mg.tensor(B))
    np.testing.assert_array_equal(rows.numpy(), B * A[0] + A[1])


@pytest.mark.parametrize("index", [np.array([True, False, True]), [0, 2], np.int64(1), (1, [0, 1]), True, np.array(1)])
def test_parts_by_other_indices_take_the_door(index):
    """Masks, lists and arrays choose as NumPy's do, at each level, with the derivative of what was chosen."""
    wanted = np.zeros((3, 3))
    np.add.at(wanted, index, 1.0)
    np.testing.assert_array_equal(mg.grad(lambda x: np.sum(x[index]))(A), wanted)
    x = tensor(A)
    x[index].sum().backward()
    np.testing.assert_array_equal(x.grad, wanted)


def test_parts_of_what_has_no_derivative():
    """A part of a constant is a constant; of a closed or filled array, and out of bounds, it is the door's affair."""
    assert not mg.tensor(A)[0].requires_grad
    kept = []
    seen = mg.grad(lambda x: kept.append(x) or np.sum(x * np.floor(x)[0]) + x[0, 0] * x[1, 1])(A)
    np.testing.assert_array_equal(seen, np.floor(A)[0] + np.diag([A[1, 1], A[0, 0], 0.0]))
    with pytest.raises(mg.errors.LevelError, match="used after the transformation"):
        kept[0][1]
    with pytest.raises(IndexError, match="out of bounds"):
        mg.grad(lambda x: x[3, 3])(A)

    def filled(x):
        y = mg.zeros(3)
        y[0] = x[0] ** 2
        return y[0] * x[1]

    np.testing.assert_array_equal(mg.grad(filled)(A[0]), [2 * A[0, 0] * A[0, 1], A[0, 0] ** 2, 0.0])
    inner = mg.grad(lambda x: np.sum(mg.grad(lambda z: z[0] ** 2 * x[1])(x) ** 2))(A[0])
    np.testing.assert_allclose(inner, [8 * A[0, 0] * A[0, 1] ** 2, 8 * A[0, 0] ** 2 * A[0, 1], 0.0], rtol=1e-15)


def test_public_functions_have_names_and_documentation():
    """mg.exp is called exp and carries NumPy's documentation."""
    assert mg.exp.__name__ == "exp"
    assert mg.exp.__doc__ == np.exp.__doc__
    assert mg.concat.__doc__
    assert mg.sum.__name__ == "sum"


def test_public_functions_of_plain_arrays():
    """Functions of plain arrays and numbers are NumPy's, with plain results."""
    np.testing.assert_array_equal(mg.add(A, B), A + B)
    assert type(mg.exp(A)) is np.ndarray
    assert mg.sigmoid(0.0) == 0.5
    assert mg.sum(A) == A.sum()
    assert mg.add(2, 3) == 5


def test_products_with_plain_arrays_to_the_second_order():
    """A plain matrix on either side of a product is no obstacle to the derivative of a derivative, in both modes."""
    x = tensor(B)
    ((A @ x) ** 2).sum().backward(create_graph=True)
    (x.grad**2).sum().backward()
    nested = mg.grad(lambda u: (mg.grad(lambda v: ((A @ v) ** 2).sum())(u) ** 2).sum())(B)
    m = 2 * A.T @ A
    np.testing.assert_allclose(nested, 2 * m @ m @ B, rtol=1e-13)  # sums of three products, thrice
    np.testing.assert_allclose(x.grad.data, nested + m @ B, rtol=1e-13)
    other = mg.jvp(mg.grad(lambda v: ((v @ A) ** 2).sum()), (B,), (A,))[1]
    np.testing.assert_allclose(other, 2 * A @ A @ A.T, rtol=1e-13)


def test_functions_of_nothing():
    """A function without its argument raises TypeError and leaves no trace."""
    for function in (mg.exp, mg.add, mg.sum, mg.concat):
        with pytest.raises((TypeError, IndexError)):
            function()


# Random programs

SHAPES = [(), (1,), (3,), (2, 3), (2, 1), (1, 3)]
STEPS = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / (b * b + 1.0),
    lambda a, b: mg.tanh(a) * 2.0 + b,
    lambda a, b: mg.sin(a) + 1 - b,
    lambda a, b: mg.exp(-a * a) * b,
    lambda a, b: a.sum() - b,
    lambda a, b: (a + b).reshape(-1).mean() * b,
    lambda a, b: mg.sigmoid(a) + np.square(b),
    lambda a, b: mg.where(np.asarray(bits(b)) > 0, a, b),
    lambda a, b: mg.expand_dims(a, 0) * b,
    lambda a, b: mg.concat([(a + b).reshape(-1), b.reshape(-1)]).sum() * a,
    lambda a, b: (a + b).T.T[...] * 0.5,
    lambda a, b: mg.stack([a + b, a - b]).max(axis=0),
]


def bits(x):
    """A fixed pattern of the shape of x: no derivative flows to it."""
    return np.resize([1, 0, 0, 1, 1], x.shape)


programs = st.tuples(
    st.lists(st.sampled_from(SHAPES), min_size=2, max_size=3),
    st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=6),
    st.integers(0, 2**16),
)


def run_program(steps, inputs):
    """Each step takes two of the values so far; the result is a weighted sum of all of them."""
    values = list(inputs)
    for step, i, j in steps:
        values.append(step(values[i % len(values)], values[j % len(values)]))
    return sum((v * 0.3).sum() for v in values[len(inputs) :])


def make_inputs(shapes, seed):
    rng = np.random.default_rng(seed)
    return [rng.uniform(-1, 1, s) for s in shapes], [rng.uniform(-1, 1, s) for s in shapes]


@given(programs)
def test_forward_and_reverse_mode_agree(program):
    """For random programs <grad f, v> is jvp(f, v), and both are the numeric difference; backward() is grad."""
    shapes, steps, seed = program
    inputs, direction = make_inputs(shapes, seed)
    f = lambda *xs: run_program(steps, xs)
    gradients = mg.grad(f, argnums=tuple(range(len(inputs))))(*inputs)
    reverse = sum((g * v).sum() for g, v in zip(gradients, direction, strict=True))
    value, forward = mg.jvp(f, tuple(inputs), tuple(direction))
    scale = 1 + sum(np.abs(g).sum() for g in gradients)
    assert abs(forward - reverse) <= 1e-12 * scale  # a few hundred roundings

    tensors = [tensor(x) for x in inputs]
    y = f(*tensors)
    y.backward()
    np.testing.assert_array_equal(y.data, value)
    for x, g in zip(tensors, gradients, strict=True):
        np.testing.assert_array_equal(0 if x.grad is None else x.grad.data, g)

    h = 1e-6
    ahead, behind = (f(*(x + s * v for x, v in zip(inputs, direction, strict=True))) for s in (h, -h))
    # errors h^2 f''' and 1e-16 |f| / h; maxima have kinks, at which differences see a mean of both sides
    if not any(step is STEPS[-1] for step, _, _ in steps):
        assert abs((ahead - behind) / (2 * h) - reverse) <= 1e-5 * max(1, abs(float(value)), scale) ** 2


@given(programs)
def test_gradient_of_a_sum(program):
    """The gradient of f + g is that of f plus that of g: two passes accumulate to one pass over the sum."""
    shapes, steps, seed = program
    inputs, _ = make_inputs(shapes, seed)
    once, twice = ([tensor(x) for x in inputs] for _ in range(2))
    (run_program(steps, once) + 2.0 * run_program(steps[:1], once)).backward()
    run_program(steps, twice).backward()
    (2.0 * run_program(steps[:1], twice)).backward()
    for x, y in zip(once, twice, strict=True):
        if x.grad is None or y.grad is None:
            assert x.grad is y.grad
        else:
            np.testing.assert_allclose(x.grad.data, y.grad.data, rtol=1e-12, atol=1e-12)  # another order of sums


@given(st.lists(st.sampled_from(range(8)), min_size=3, max_size=6, unique=True), st.randoms(use_true_random=False))
def test_the_order_of_independent_operations_is_free(picked, random):
    """Independent operations done in another order give the same values, and gradients that differ by roundings alone.

    The terms of a gradient are added in the order of their operations, the youngest first.
    """
    functions = [mg.tanh, mg.sin, mg.exp, mg.square, mg.negative, mg.sigmoid, lambda x: x * 3.0, lambda x: x[::-1]]

    def run(order):
        x = tensor(A)
        done = {i: functions[i](x) for i in order}
        y = sum(done[i] for i in picked)
        y.backward(B)
        return y.data, x.grad.data

    shuffled = picked.copy()
    random.shuffle(shuffled)
    (value, gradient), (same, shuffled_gradient) = run(picked), run(shuffled)
    np.testing.assert_array_equal(value, same)
    np.testing.assert_allclose(gradient, shuffled_gradient, rtol=0, atol=2e-15 * np.abs(gradient).max())  # 5 additions
    np.testing.assert_array_equal(gradient, run(picked)[1])


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("ufunc", [np.add, np.subtract, np.multiply, np.divide])
def test_the_short_way_undoes_broadcasting(ufunc, swap):
    """A leaf that a wider constant of a wider dtype stretches gets a gradient of its own shape and dtype."""
    x, wide = mg.tensor(np.float32([1.5, 2.5]), requires_grad=True), mg.tensor(np.full((3, 2), 2.0))
    short = BINARY[ufunc.__name__][-1]
    gradients = []
    for function in (short, door(ufunc)):
        x.grad = None
        (function(wide, x) if swap else function(x, wide)).sum().backward()
        assert x.grad.dtype == np.float32
        assert x.grad.shape == (2,)
        gradients.append(x.grad.data)
    np.testing.assert_array_equal(*gradients)


@pytest.mark.parametrize("answer", [2.0, None, np.ones(3), np.ones(2, int)])
def test_the_short_way_checks_rules(answer):
    """A rule that answers with what is no gradient raises on the short way as well."""
    function = public(Primitive(lambda x: 2.0 * x, [lambda g, y, x: answer]))
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = function(x).sum()
    with pytest.raises(RuleError, match="the rule of <lambda> for argument 0 must"):
        y.backward()
    assert x.grad is None


def test_options_by_position_reach_the_rules():
    """An axis passed by position counts in both modes, at the second order, and beside out=None."""
    x = tensor(A[:, :2])
    for join in (lambda x: mg.concat([x, 2.0 * x], 1), lambda x: mg.stack([x, 2.0 * x], 1).reshape(3, 4)):
        x.grad = None
        ((join(x) @ np.diag([1.0, 2.0, 3.0, 4.0])) ** 2).sum().backward(create_graph=True)
        np.testing.assert_allclose(x.grad.data, 2 * x.data * [1 + 4 * 9, 4 + 4 * 16], rtol=1e-14)  # a few roundings
        y, dy = mg.jvp(join, (x.data,), (x.data,))
        np.testing.assert_array_equal(y, dy)
    assert np.sum(x, axis=0, out=None).shape == (2,)


@pytest.mark.parametrize("transform", ["grad", "jvp"])
def test_integers_of_users_primitives_are_constants_at_every_level(transform):
    """A user's function of one or two arrays that returns integers has no derivative, inside a transformation too."""
    steps = mg.primitive(lambda g, y, x: g)(lambda x: np.floor(x).astype(int))
    both = mg.primitive(lambda g, y, a, b: g, lambda g, y, a, b: g)(lambda a, b: np.floor(a + b).astype(int))

    def f(x):
        return np.sum(x * steps(x) + x * both(x, x) + x * both(x, 1.0))

    x = np.array([1.5, 2.5])
    slopes = np.floor(x) + np.floor(2 * x) + np.floor(x + 1)
    if transform == "grad":
        np.testing.assert_array_equal(mg.grad(f)(x), slopes)
    else:
        assert mg.jvp(f, (x,), (np.ones(2),))[1] == slopes.sum()
    t = tensor(x)
    assert not steps(t).requires_grad
    assert not both(t, t).requires_grad
    with mg.no_grad():
        np.testing.assert_array_equal(steps(t).numpy(), np.floor(x))
        np.testing.assert_array_equal(both(t, t).numpy(), np.floor(2 * x))


def test_constants_inside_a_transformation_stay_plain():
    """What no derivative flows to is a plain array inside mg.grad: of one operand, of two, and of several levels."""

    def f(x):
        with mg.no_grad():
            c = x * 1.0
        k = x * 1.0
        with mg.no_grad():
            k *= 1.0  # still of this level, and without a node
        for z in (c, k):
            for y in (mg.exp(z), z + z, z * 2.0, z @ np.ones(2), mg.tensor([1.0, 2.0]) * z, z[:1]):
                assert type(y) is not type(x)
        return np.sum(x * c + mg.exp(c)) + mg.grad(lambda y: np.sum(c * c) + np.sum(y * c))(np.ones(2)).sum() * x[0]

    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(mg.grad(f)(x), [x[0] + 3, x[1]])
