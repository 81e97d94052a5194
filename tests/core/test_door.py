"""The door: every way to call an operation goes through it, and what has no rule is refused there."""

import contextlib
import sys
import types
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.primitive import REGISTRY, Primitive, elementwise
from minigrad.errors import NoRuleError


def leaf(*values, dtype=float):
    return mg.tensor(np.array(values, dtype=dtype), requires_grad=True)


class Foreign:
    """An array of a library that knows nothing of minigrad, and is not known to it."""

    shape = (2,)
    dtype = np.dtype(float)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return NotImplemented

    def __array_function__(self, function, types, args, kwargs):
        return NotImplemented

    def answer(self, other):
        return f"foreign after {type(other).__name__}"

    __add__ = __radd__ = __mul__ = __rmul__ = __matmul__ = __rmatmul__ = __truediv__ = __rtruediv__ = answer
    __sub__ = __rsub__ = __pow__ = __rpow__ = __eq__ = __lt__ = __gt__ = answer


class Polite(Foreign):
    """An array that asks for its own operators, in NumPy's way."""

    __array_ufunc__ = None


OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "@": lambda a, b: a @ b,
    "**": lambda a, b: a**b,
    "==": lambda a, b: a == b,
    "<": lambda a, b: a < b,
}


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("kind", [Foreign, Polite])
@pytest.mark.parametrize("connected", [True, False])
def test_unknown_arrays_have_their_own_operators(operator, kind, connected):
    """The operator of an unknown array type wins, whichever side it stands on."""
    t = leaf(1, 2) if connected else mg.tensor([1.0, 2.0])
    assert OPERATORS[operator](t, kind()) == "foreign after Tensor"
    assert OPERATORS[operator](kind(), t) == "foreign after Tensor"


def test_unknown_arrays_in_place():
    """t += foreign is t = t + foreign where the foreign array answers."""
    for kind in (Foreign, Polite):
        t = leaf(1, 2)
        t += kind()
        assert t == "foreign after Tensor"


@pytest.mark.parametrize(
    "call",
    [
        lambda t, u: np.add(t, u),
        lambda t, u: np.add(u, t),
        lambda t, u: np.concatenate([t, u]),
        lambda t, u: np.where(u, t, 0.0),
    ],
)
def test_unknown_arrays_are_refused_by_numpy(call):
    """NumPy's functions of a Tensor and an unknown array raise, as nobody implements them."""
    with pytest.raises(TypeError, match="NotImplemented|no implementation found"):
        call(leaf(1, 2), Foreign())


def test_none_is_no_array():
    """Comparing with None is elementwise, and adding it raises."""
    t = leaf(1, 2)
    assert (t == None).tolist() == [False, False]  # noqa: E711
    assert (t != None).tolist() == [True, True]  # noqa: E711
    with pytest.raises(TypeError, match=r"add of \(2,\): unsupported operand"):
        t + None


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: np.subtract.accumulate(x), "subtract.accumulate"),
        (lambda x: np.multiply.at(x, 0, 1.0), "multiply.at"),
        (lambda x: np.nextafter.outer(x, x), "nextafter.outer"),
        (lambda x: np.spacing(x), "spacing"),
        (lambda x: np.fft.fft(x), "fft.fft"),
        (lambda x: np.poly(x), "poly"),
        (lambda x: np.put(x, 0, 1.0), "put"),
    ],
)
def test_functions_without_a_rule_raise(call, name):
    """A NumPy function without a rule raises at the call, names itself in its module, and says how to add one."""
    x = leaf(1, 2)
    with pytest.raises(NoRuleError, match=rf"numpy.{name} has no derivative rule. .*mg.register.*x.detach\(\)"):
        call(x)
    if name in ("multiply.at", "put"):
        with pytest.raises(NoRuleError, match=rf"numpy.{name} writes into its argument.*x\[i\] = v, or mg.index_add"):
            call(x.detach())
        assert x.tolist() == [1, 2]
    else:
        assert np.array_equal(call(x.detach()), call(np.array([1.0, 2.0])))


@pytest.mark.parametrize("transform", ["grad", "jvp"])
def test_functions_without_a_rule_raise_in_transformations(transform):
    """So they do for arrays inside a transformation."""
    f = lambda x: np.fft.fft(x)
    with pytest.raises(NoRuleError, match=r"numpy\.fft\.fft has no derivative rule"):
        mg.grad(f)(np.ones(2)) if transform == "grad" else mg.jvp(f, (np.ones(2),), (np.ones(2),))


@pytest.mark.parametrize(
    "call",
    [
        lambda x, out: np.add(x, 1.0, out=out),
        lambda x, out: np.add(x, 1.0, out),
        lambda x, out: mg.add(x, 1.0, out),
        lambda x, out: np.sum(x, 0, None, out),
        lambda x, out: np.add(out, out, out=x),
        lambda x, out: np.sum(x, axis=0, out=out),
        lambda x, out: np.sum(out, out=x),
        lambda x, out: np.add.reduce(x, out=out),
        lambda x, out: x.sum(out=out),
        lambda x, out: x.max(out=out),
        lambda x, out: mg.mean(x, out=out),
        lambda x, out: np.concatenate([x, x], out=out),
        lambda x, out: out.__iadd__(x),
        lambda x, out: out.__imul__(x),
    ],
)
@pytest.mark.parametrize("connected", [True, False])
def test_out_is_refused(call, connected):
    """out= is refused by name, for every way to call, and nothing is written."""
    x, out = leaf(1, 2) if connected else mg.tensor([1.0, 2.0]), np.full(2, 7.0)
    with pytest.raises(TypeError, match=r"\w+ cannot write into out=: .* Use the result instead, or x.detach"):
        call(x, out)
    np.testing.assert_array_equal(out, 7)
    assert x.tolist() == [1, 2]


def test_out_of_none_is_nothing():
    """out=None is what NumPy's own functions pass on."""
    x = leaf(1, 2)
    assert np.add(x, 1.0, out=None).tolist() == [2, 3]
    assert np.add(x, 1.0, out=(None,)).tolist() == [2, 3]
    assert np.sum(x, out=None).item() == 3


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda x: np.add(x, 1.0, where=[True, False]), "add has no derivative rule for its option where="),
        (lambda x: np.exp(x, dtype=np.float32), "exp has no derivative rule for its option dtype=.*astype for dtype="),
        (lambda x: np.multiply(x, x, casting="no"), "multiply has no derivative rule for its option casting="),
        (lambda x: np.sum(x, where=[True, False]), "sum has no derivative rule for its option where=.*mg.where"),
        (lambda x: np.max(x, initial=3.0), "max has no derivative rule for its option initial="),
        (lambda x: x.sum(where=[True, False]), "sum has no derivative rule for its option where="),
        (lambda x: np.expand_dims(x, x), "expand_dims has no derivative rule for its argument 1. Pass it detached"),
        (lambda x: np.sum(mg.tensor([1.0]), axis=0, initial=x), "for an array passed as initial=. Pass it by position"),
        (lambda x: np.max(x, 0, None, False, 9.0), "max has no derivative rule for its argument 4. Leave it out"),
        (lambda x: np.concatenate([x, x], 0, None), "concatenate has no derivative rule for its argument 2"),
        (lambda x: x.sum(dim=0), "sum has no option dim=. Its name is axis=, as in NumPy"),
        (lambda x: mg.softmax(x, dim=0), "softmax has no option dim=. Its name is axis="),
        (lambda x: mg.max(x, axis=0, keepdim=True), "max has no option keepdim=. Its name is keepdims="),
        (lambda x: np.where(x, 1.0, x), "where has no derivative rule for its argument 0. Pass it detached"),
    ],
)
def test_options_without_a_rule_raise(call, text):
    """An option or an argument that no rule knows of is refused rather than ignored."""
    with pytest.raises(NoRuleError, match=text):
        call(leaf(1, 2))


def test_options_are_free_for_constants():
    """Detached arrays take NumPy's options, as the error says."""
    x = leaf(1, 2).detach()
    assert np.sum(x, where=np.array([True, False])).item() == 1
    assert np.exp(x, dtype=np.float32).dtype == np.float32
    assert np.take(x, [5], 0, None, "wrap").tolist() == [2]
    with mg.no_grad():
        assert np.max(leaf(1, 2), initial=5.0).item() == 5


@pytest.mark.parametrize(
    "call",
    [lambda x: np.sum(a=x, axis=0), lambda x: np.mean(a=x), lambda x: np.squeeze(a=x), lambda x: np.max(axis=0, a=x)],
)
def test_arrays_can_come_by_name(call):
    """A Tensor passed by the name of NumPy's parameter is the same as one passed by position."""
    x = leaf(1, 2)
    call(x).sum().backward()
    y = leaf(1, 2)
    getattr(mg, call.__code__.co_names[1])(y).sum().backward()
    np.testing.assert_array_equal(x.grad.data, y.grad.data)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda a, b: a + b, r"add of \(2,\) and \(3,\): operands could not be broadcast"),
        (lambda a, b: a - b, r"subtract of \(2,\) and \(3,\)"),
        (lambda a, b: b.data - a, r"subtract of \(3,\) and \(2,\)"),
        (lambda a, b: a * b.data, r"multiply of \(2,\) and \(3,\)"),
        (lambda a, b: a / b, r"divide of \(2,\) and \(3,\)"),
        (lambda a, b: a**b, r"power of \(2,\) and \(3,\)"),
        (lambda a, b: a @ b, r"matmul of \(2,\) and \(3,\)"),
        (lambda a, b: a.reshape(2, 1) @ b.reshape(3, 1), r"matmul of \(2, 1\) and \(3, 1\)"),
        (lambda a, b: a.reshape(2, 1) @ 2.0, r"matmul of \(2, 1\): .*not have enough dimensions"),
        (lambda a, b: a @ 2, r"matmul of \(2,\)"),
        (lambda a, b: 2.0 @ a, r"matmul of \(2,\)"),
        (lambda a, b: np.maximum(a, b), r"maximum of \(2,\) and \(3,\)"),
        (lambda a, b: mg.where(a.data > 0, b, a), r"where of \(2,\) and \(3,\) and \(2,\)"),
        (lambda a, b: a < b, r"less of \(2,\) and \(3,\)"),
        (lambda a, b: mg.concat([a, b.reshape(3, 1)]), r"concatenate of \(2,\) and \(3, 1\)"),
        (lambda a, b: mg.stack([a, b]), r"stack of \(2,\) and \(3,\)"),
        (lambda a, b: a.reshape(3), r"reshape of \(2,\): cannot reshape array of size 2 into shape \(3,\)"),
        (lambda a, b: a.sum(axis=1), r"sum of \(2,\): axis 1 is out of bounds"),
        (lambda a, b: a.max(axis=(0, 0)), r"max of \(2,\): duplicate value in 'axis'"),
        (lambda a, b: a[2], r"getitem of \(2,\): index 2 is out of bounds"),
        (lambda a, b: a["x"], r"getitem of \(2,\): only integers"),
        (lambda a, b: a.squeeze(0), r"squeeze of \(2,\): cannot select an axis"),
        (lambda a, b: a.transpose(1, 0), r"transpose of \(2,\): axes don't match"),
        (lambda a, b: mg.broadcast_to(a, (3,)), r"broadcast_to of \(2,\):"),
        (lambda a, b: mg.expand_dims(a, 5), r"expand_dims of \(2,\): axis 5 is out of bounds"),
        (lambda a, b: a + "text", r"add of \(2,\):"),
        (lambda a, b: a * object(), r"multiply of \(2,\): unsupported operand"),
        (lambda a, b: a * [[1.0], [1.0, 2.0]], "inhomogeneous shape"),
    ],
)
@pytest.mark.parametrize("connected", [True, False])
def test_operations_that_do_not_fit_name_themselves_and_the_shapes(call, text, connected):
    """An operation on arrays that do not fit raises NumPy's error with its name and all shapes, and harms no graph."""
    a, b = mg.tensor([1.0, 2.0], connected), mg.tensor([1.0, 2.0, 3.0], connected)
    y = (a * a).sum()
    with pytest.raises((ValueError, TypeError, IndexError), match=text):
        call(a, b)
    if connected:
        y.backward()
        assert a.grad.tolist() == [2, 4]
        assert b.grad is None


def test_errors_keep_numpys_types():
    """An AxisError stays an AxisError, an IndexError an IndexError."""
    with pytest.raises(np.exceptions.AxisError):
        leaf(1, 2).sum(axis=4)
    with pytest.raises(IndexError):
        leaf(1, 2)[4]
    with pytest.raises(OverflowError):
        leaf(1, 2) * 10**400


def test_lists_are_arrays():
    """Lists and tuples of numbers among the arguments are arrays, with and without a Tensor beside them."""
    x = leaf(1, 2)
    y = x * [3.0, 4.0] + (5.0, 6.0) + mg.maximum(x, [0.0, 9.0]) + mg.matmul([[1.0, 1.0], [0.0, 1.0]], x)
    np.testing.assert_array_equal(y.data, [3 + 5 + 1 + 3, 8 + 6 + 9 + 2])
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data, [3 + 1 + 1, 4 + 0 + 2])
    np.testing.assert_array_equal(mg.add([1.0], [2.0]), [3])
    np.testing.assert_array_equal(mg.multiply(2, (1.0, 2.0)), [2, 4])
    np.testing.assert_array_equal(mg.reshape([1.0, 2.0], (2, 1)), [[1], [2]])
    np.testing.assert_array_equal(mg.matmul([[1.0]], [[2.0]]), [[2]])
    np.testing.assert_array_equal(mg.sum([[1.0, 2.0]]), 3)
    np.testing.assert_array_equal(mg.exp([0.0]), 1)
    np.testing.assert_array_equal(mg.concat([[1.0], [2.0]]), [1, 2])


def test_a_row_of_products_of_two_dimensions_with_a_list():
    """A list is an array to the rules, too: they may ask for its ndim."""
    x = leaf(1, 2)
    (x.reshape(1, 2) @ [[1.0], [3.0]]).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [1, 3])
    mg.tensor(x.data, requires_grad=True)
    (x.reshape(1, 2) @ ((1.0,), (3.0,))).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [2, 6])


def test_primitives_of_ones_own_answer_with_one_array():
    """A function with rules that answers with a list or a Python number is refused, not cut off."""
    for answer, name in ((lambda x: [x, x], "list"), (lambda x: float(x[0]), "float"), (lambda x: (x,), "tuple")):
        odd = Primitive(answer, [lambda g, y, x: g], "linear")
        assert odd(mg.tensor([1.0])) is not None
        with pytest.raises(TypeError, match=f"has derivative rules, so it must return an array; got {name}"):
            odd(leaf(1.0))
        with pytest.raises(TypeError, match=f"must return an array; got {name}"):
            mg.jvp(odd, (np.ones(1),), (np.ones(1),))


def test_questions_have_plain_answers():
    """Shapes, sizes and truths are plain, comparisons are Tensors without gradient."""
    x = leaf(1, 2)
    assert np.shape(x) == (2,)
    assert np.ndim(x) == 1
    assert np.size(x) == 2
    assert type(x > 1.5) is mg.Tensor
    assert not (x > 1.5).requires_grad
    assert np.argmax(x).item() == 1
    assert np.zeros_like(x).tolist() == [0, 0]
    assert not np.ones_like(x).requires_grad
    assert bool(np.array_equal(x, x.detach()))


def test_new_rules_reach_numpys_function():
    """A rule given to one of NumPy's functions is used from then on, by every spelling."""
    x = leaf(1, 2)
    with pytest.raises(NoRuleError):
        np.spacing(x)
    try:
        elementwise(np.spacing, lambda g, y, x: 5.0 * g)
        np.spacing(x).sum().backward()
    finally:
        del REGISTRY[np.spacing]
    np.testing.assert_array_equal(x.grad.data, 5)


def test_values_of_another_library_inside():
    """A Tensor may hold an array of a library that speaks NumPy's protocols, and meets its arrays."""

    class Other(np.lib.mixins.NDArrayOperatorsMixin):
        def __init__(self, array):
            self.array = np.asarray(array)
            self.shape, self.dtype, self.ndim = self.array.shape, self.array.dtype, self.array.ndim
            self.size = self.array.size

        def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
            if any(hasattr(x, "__apply__") for x in inputs):
                return NotImplemented
            inputs = [x.array if isinstance(x, Other) else x for x in inputs]
            return Other(getattr(ufunc, method)(*inputs, **kwargs))

        def copy(self):
            return Other(self.array.copy())

        def astype(self, dtype):
            return Other(self.array.astype(dtype))

    x = mg.tensor(Other([1.0, 2.0]), requires_grad=True)
    y = x * x + Other([1.0, 1.0]) * x
    assert isinstance(y.value, Other)
    assert mg.tensor(Other([1, 2]), dtype=float).dtype == float
    assert mg.asarray(x) is x


@pytest.mark.parametrize("call", [lambda x, out: x.sum(0, None, out), lambda x, out: np.max(x, 0, out)])
def test_out_is_refused_by_position(call):
    """An array for out= that comes by its position is refused like one that comes by name; None is not."""
    out = np.full((), 7.0)
    with pytest.raises(TypeError, match=r"\w+ cannot write into out=: .* Use the result instead, or x.detach"):
        call(leaf(1, 2), out)
    assert out == 7
    assert call(leaf(1, 2), None).size == 1


def test_watched_array_shows_value_and_level():
    """Printed inside a transformation, an array shows what it holds and how deep it is watched."""
    seen = []
    mg.grad(lambda x: seen.append(repr(x)) or mg.sum(x))(np.ones(2))
    mg.jvp(lambda x: seen.append(repr(x)), (np.ones(2),), (np.ones(2),))
    assert seen == ["Variable(array([1., 1.]), level 1)", "Dual(array([1., 1.]), level 1)"]


def test_composed_function_without_a_rule_inside_says_which():
    """Where a step of a composed function has no rule, the error is that step's, and still a NoRuleError."""
    made = Primitive(lambda x: np.fft.fft(x), (), "composed")
    with pytest.raises(NoRuleError, match=r"^numpy\.fft\.fft has no derivative rule"):
        made(leaf(1, 2))


def test_arrays_by_name_find_their_places():
    """np.sum(a=x) is np.sum(x), for constants as well; a name without a place is refused where a derivative flows."""
    x = leaf(1, 2)
    for call in (np.sum, mg.sum):
        assert call(a=x).requires_grad
        assert call(a=x.detach()).tolist() == 3
    mask = mg.tensor([True, False])
    with warnings.catch_warnings():  # newer NumPy warns of where= without out=
        warnings.simplefilter("ignore", UserWarning)
        assert np.add(1.0, [2.0, 3.0], where=mask)[0] == 3
    with pytest.raises(NoRuleError, match="add has no derivative rule for an array passed as where="):
        np.add(1.0, 2.0, where=x)


@pytest.mark.parametrize(
    "call",
    [
        lambda a, out: np.spacing(a[0], out=out),
        lambda a, out: np.spacing(a[0], out),
        lambda a, out: np.nextafter(a, 2.0, out=out),
        lambda a, out: np.nextafter(a, 2.0, out),
        lambda a, out: np.subtract.reduce(a, out=out),
        lambda a, out: np.subtract.reduce(a, 0, None, out),
    ],
)
def test_functions_without_a_rule_write_into_no_tensor(call):
    """A Tensor for out= is refused, as others may hold its memory; an ndarray is written to."""
    a, out = mg.tensor([[1.0, 5.0], [2.0, 4.0]]), mg.tensor(np.full((2, 2), 7.0))
    part = out[0]
    with pytest.raises(TypeError, match=r"numpy\.\S+ cannot write into out=: .* Use the result instead"):
        call(a, part)
    assert out.tolist() == [[7, 7], [7, 7]]


def test_an_ndarray_is_written_to_where_nothing_flows():
    """out=, and functions that write into their first argument, take an ndarray beside constants."""
    t, plain = mg.tensor([1.0, 5.0, 2.0]), np.zeros(3)
    assert np.subtract.accumulate(t, out=plain) is plain
    assert plain.tolist() == [1, -4, -6]
    np.copyto(plain, t)
    assert plain.tolist() == [1, 5, 2]
    np.put(plain, [0], t[2])
    np.place(plain, np.array([False, True, False]), t)
    assert plain.tolist() == [2, 1, 2]
    assert np.full_like(plain, mg.tensor(3.0)).tolist() == [3, 3, 3]
    assert np.nan_to_num(np.array([np.nan]), nan=mg.tensor(4.0)).tolist() == [4]
    with pytest.raises(TypeError, match="a derivative flows|has no derivative rule"):
        np.copyto(plain, leaf(1.0, 2.0, 3.0))
    assert plain.tolist() == [2, 1, 2]


CALLS_WITH_OPTIONS = {
    "sum, where": lambda a, o: np.sum(a, where=o > 1),
    "add.reduce, where": lambda a, o: np.add.reduce(a, where=o > 1),
    "add.reduce, initial": lambda a, o: np.add.reduce(a, initial=o[0]),
    "maximum.reduce, initial": lambda a, o: np.maximum.reduce(a, initial=o[1]),
    "nanvar, where": lambda a, o: np.nanvar(a, where=o > 1),
    "average, weights": lambda a, o: np.average(a, weights=o),
    "cov, aweights": lambda a, o: np.cov(a, aweights=o),
    "histogram, weights": lambda a, o: np.histogram(a, 2, weights=o)[0],
    "histogram, range": lambda a, o: np.histogram(a, 2, weights=o)[1],
    "vstack, dtype": lambda a, o: np.vstack([a, o], dtype=np.float32),
    "hstack, dtype": lambda a, o: np.hstack([o, a], dtype=np.float32),
    "interp, left": lambda a, o: np.interp(a, [1.0, 2.0], [3.0, 4.0], left=o[0]),
    "unwrap, discont": lambda a, o: np.unwrap(a, discont=o[0]),
    "trapezoid, dx": lambda a, o: np.trapezoid(a, dx=o[1]),
    "nanquantile, q": lambda a, o: np.nanquantile(a, q=o / 10),
    "add, where": lambda a, o: np.add(a, 1.0, where=np.asarray(o) > 0),
    "trace, dtype": lambda a, o: np.trace(np.stack([a, o]), dtype=np.float32),
}


@pytest.mark.parametrize("name", CALLS_WITH_OPTIONS)
@pytest.mark.filterwarnings("ignore:.*where.*out:UserWarning")
def test_options_take_constants(name):
    """Of constants a call has NumPy's value, whichever of operand and option is a Tensor."""
    call, a, o = CALLS_WITH_OPTIONS[name], np.array([4.0, 1.0, 3.0]), np.array([1.0, 2.0, 3.0])
    want = call(a, o)
    for x, y in ((mg.tensor(a), o), (a, mg.tensor(o)), (mg.tensor(a), mg.tensor(o))):
        np.testing.assert_allclose(np.asarray(call(x, y)), want, rtol=4e-16)  # two ulps


@pytest.mark.parametrize("name", CALLS_WITH_OPTIONS)
@pytest.mark.filterwarnings("ignore:.*where.*out:UserWarning")
def test_options_lose_no_derivative(name):
    """Where a derivative flows through operand or option, the result has it, or the call is refused."""
    call, a, o = CALLS_WITH_OPTIONS[name], np.array([4.0, 1.0, 3.0]), np.array([1.0, 2.0, 3.0])
    piecewise = name.startswith("histogram") or name.endswith(("where", "discont"))  # constant between two values
    for x, y in ((leaf(*a), o), (a, leaf(*o)), (leaf(*a), leaf(*o))):
        with contextlib.suppress(TypeError, ValueError):  # but for RecursionError
            result = call(x, y)
            assert piecewise or result.requires_grad


def test_functions_are_named_by_their_module():
    """Ufuncs, which do not know theirs, by the public module that lists them; one that is in none by its name alone."""
    x = leaf(1.0)
    for call, name in (
        (lambda: np.fft.fft(x.reshape(1)), r"numpy\.fft\.fft"),
        (lambda: np.spacing(x), r"numpy\.spacing"),
        (lambda: np.subtract.reduce(x), r"numpy\.subtract\.reduce"),
        (lambda: np.frompyfunc(lambda v: v, 1, 1)(x), r"\S*<lambda> \(vectorized\)"),
    ):
        with pytest.raises(NoRuleError, match=rf"^{name} has no derivative rule"):
            call()


def test_a_name_from_another_module_is_not_taken(monkeypatch):
    """A ufunc is named by the module that lists it: not by one that has imported it, nor by the private one inside."""
    ufunc = np.frompyfunc(abs, 1, 1)
    names = {ufunc.__name__: ufunc}
    for module, listed in (("a", []), ("lib.special", [ufunc.__name__]), ("lib._c", [ufunc.__name__])):
        monkeypatch.setitem(sys.modules, module, types.SimpleNamespace(**names, __all__=listed))
    monkeypatch.setitem(sys.modules, "not a module", None)
    with pytest.raises(NoRuleError, match=r"^lib\.special\.abs \(vectorized\) has no derivative rule"):
        ufunc(leaf(1.0))


def test_the_advice_for_a_method_works():
    """A function of one's own around a method of a ufunc takes rules by mg.primitive, as the error says."""
    with pytest.raises(NoRuleError, match="mg.primitive"):
        np.subtract.reduce(leaf(3.0, 1.0))

    @mg.primitive(lambda g, y, x: g * np.where(np.arange(2) == 0, 1.0, -1.0), kind="linear")
    def difference(x):
        return np.subtract.reduce(x)

    x = leaf(3.0, 1.0)
    difference(x).backward()
    assert x.grad.tolist() == [1, -1]
