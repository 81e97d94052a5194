"""What comes in from other libraries: taken by position, or refused with a remedy that works."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.foreign import admitted, by_position


class Labelled:
    """Data with labels, as those of pandas, polars or xarray: NumPy's arithmetic would not know the labels."""

    def __init__(self, values):
        self.values = values

    def to_numpy(self):
        return np.asarray(self.values)

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("labels are left behind by to_numpy() alone")


class Torchlike:
    """An array of a library that differentiates, such as PyTorch's: no dtype of NumPy's, and operators of its own."""

    shape, dtype = (2,), "torch.float64"

    def __array__(self, dtype=None, copy=None):
        return np.array([2.0, 3.0])

    def detach(self):
        return self

    cpu = detach

    def numpy(self):
        return np.array([2.0, 3.0])

    def __mul__(self, other):
        return NotImplemented


class Units(np.ndarray):
    """A subclass of NumPy's arrays with another arithmetic."""

    def __array_ufunc__(self, ufunc, method, *args, **kwargs):
        return "another number"


class Noted(np.ndarray):
    """A subclass of NumPy's arrays with NumPy's arithmetic, as memmap."""


class Lazy:
    def __array__(self, dtype=None, copy=None):
        return np.array([2.0, 3.0])


class Described:
    @property
    def __array_interface__(self):
        return np.ones(2).__array_interface__


class Sparselike:
    def toarray(self):
        return np.diag([2.0, 3.0])


REFUSED = {
    "matrix": (lambda: np.array([[2.0, 3.0]]).view(np.matrix), "matrix", "np.asarray(x)"),
    "masked": (lambda: np.ma.array([2.0, 3.0], mask=[True, False]), "MaskedArray", "x.filled()"),
    "subclass": (lambda: np.ones(2).view(Units), "Units", "np.asarray(x)"),
    "Fraction": (lambda: Fraction(1, 2), "fractions.Fraction", "float(x)"),
    "Decimal": (lambda: Decimal("0.5"), "decimal.Decimal", "float(x)"),
    "sparse": (Sparselike, "tests.core.test_foreign.Sparselike", "x.toarray()"),
    "torch": (Torchlike, "Torchlike", "x.detach().cpu().numpy()"),
    "lazy": (Lazy, "Lazy", "np.asarray(x)"),
    "interface": (Described, "Described", "np.asarray(x)"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_another_arithmetic_is_refused_with_a_remedy(name):
    """The error says who wanted what, what came, and an expression in x that is taken."""
    make, kind, remedy = REFUSED[name]
    with pytest.raises(TypeError) as caught:
        admitted("multiply", make())
    text = str(caught.value)
    assert text.startswith("multiply takes arrays and numbers with NumPy's own arithmetic; got a ")
    assert f"{kind}. Use " in text
    assert remedy in text
    assert admitted("multiply", eval(remedy, {"np": np, "x": make()})) is not None


def test_a_type_is_named_by_its_public_module():
    """Where it is written may be private; NumPy's own need no module."""
    kind = type("Rows", (Sparselike,), {"__module__": "library.arrays._rows._core"})
    with pytest.raises(TypeError, match="got a library.arrays.Rows. Use"):
        admitted("f", kind())


@pytest.mark.parametrize("other", [3, 2.5, True, None, "axis", (1, 2), np.float16(2), 1j, object(), np.exp, {"a": 1}])
def test_what_is_no_array_comes_in_as_it_is(other):
    """Numbers, options, functions and objects of one's own are not looked at."""
    assert admitted("f", other) is other


def test_a_subclass_with_numpys_arithmetic_is_an_ndarray():
    """It shares its memory."""
    x = np.ones(2).view(Noted)
    assert type(admitted("f", x)) is np.ndarray
    assert np.shares_memory(admitted("f", x), x)


def test_labelled_data_is_taken_by_position():
    """What has to_numpy() is the array that this returns."""
    assert admitted("f", Labelled([2, 3])).tolist() == [2, 3]
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    (x * Labelled([2.0, 3.0])).sum().backward()
    assert x.grad.tolist() == [2, 3]


def test_labelled_data_of_something_else_is_refused():
    """Without names of columns the type and an element say what it is; an array of no elements has none to show."""
    with pytest.raises(TypeError, match=r"f takes numbers; the Labelled holds object, such as 'b'. Leave it out, drop"):
        by_position("f", Labelled(np.array([1, "b"], object)))
    with pytest.raises(TypeError, match="the Labelled holds object. Leave"):
        by_position("f", Labelled(np.array([], object)))
    with pytest.raises(TypeError, match="holds object, such as None"):
        by_position("f", Labelled(np.array([[1, None]], object)))


LEAKS = {
    "object": np.array([2.0, 3.0], object),
    "text": np.array(["2", "3"]),
    "dates": np.array(["2020-01-01", "2020-01-02"], "M8[D]"),
    "durations": np.array([2, 3], "m8[D]"),
    "records": np.array([(2.0,), (3.0,)], [("a", float)]),
}


@pytest.mark.parametrize("name", LEAKS)
@pytest.mark.parametrize("connected", [True, False])
def test_arrays_of_no_numbers_are_refused(name, connected):
    """An operand, and what is written into an array, is of numbers: a date is not one; nothing has changed then."""
    x, other = mg.tensor([1.0, 2.0], connected) * 1.0, LEAKS[name]
    with pytest.raises(TypeError, match=r"multiply takes numbers; got an array of .*astype\(float\)"):
        x * other
    with pytest.raises(TypeError, match=r"maximum takes numbers; got an array of"):
        np.maximum(other, x)
    with pytest.raises(TypeError, match=r"x\[i\] = v takes numbers; got an array of"):
        x[:] = other
    with pytest.raises(TypeError, match=r"a tensor takes numbers; got ndarray"):
        mg.tensor(other)
    assert x.tolist() == [1, 2]


class Odd:
    """What NumPy makes objects of."""

    def __rmul__(self, other):
        return self


def test_results_are_numbers_for_constants_too():
    """A Tensor holds numbers: neither objects, nor durations, nor complex numbers, whether it is connected or not."""
    for x in (mg.tensor([1.0]), mg.tensor([1.0], requires_grad=True)):
        with pytest.raises(TypeError, match="multiply makes an array of object here"):
            x * Odd()
        with pytest.raises(TypeError, match="multiply makes complex numbers"):
            x * 1j
    with pytest.raises(TypeError, match="add makes an array of timedelta64"):
        mg.tensor([1]) + np.timedelta64(1, "D")


def test_complex_numbers_are_refused_in_a_checkpoint():
    """A product with a complex array has no derivative there either, rather than one of zeros."""
    f = mg.checkpoint(lambda x, z: np.sum(x * z))
    with pytest.raises(TypeError, match="multiply makes complex numbers"):
        mg.grad(f)(np.ones(2), np.ones(2) + 1j)


@pytest.mark.parametrize("other", [range(2), memoryview(np.arange(2.0)), type("Row", (list,), {})([0.0, 1.0])])
def test_sequences_are_arrays(other):
    """As lists are: rules may ask for the shape of a range."""
    x = mg.tensor([[1.0, 2.0]], requires_grad=True)
    (x @ other).sum().backward()
    assert x.grad.tolist() == [[0, 1]]


def test_lists_are_looked_into():
    """A masked array in a list would lose its mask; a Fraction in a list is one."""
    masked, x = np.ma.array([1.0, 2.0], mask=[True, False]), mg.tensor([1.0, 2.0])
    for use in (
        lambda: mg.tensor([masked, masked]),
        lambda: x * [masked, masked],
        lambda: mg.concat([masked, masked]),
        lambda: mg.reshape([masked, masked], -1),
    ):
        with pytest.raises(TypeError, match="got a MaskedArray"):
            use()
    with pytest.raises(TypeError, match=r"Fraction. Use float\(x\)"):
        x * [Fraction(1, 2), 1]
    assert mg.tensor([Labelled([1.0]), np.float16(2) * np.ones(1)]).tolist() == [[1], [2]]


def test_options_are_looked_at():
    """An option is labelled data by position, or refused; a rule's own options are not touched."""
    x, mask = mg.tensor([1.0, 2.0]), np.ma.array([True, False], mask=[False, True])
    assert np.sum(x, where=Labelled([True, False])).item() == 1
    assert mg.clip(x, max=Labelled([0.5, 9.0])).tolist() == [0.5, 2]
    assert np.histogram(x, 2, range=Labelled([0.0, 4.0]))[1].tolist() == [0, 2, 4]
    for use in (lambda: np.sum(x, where=mask), lambda: mg.clip(x, max=mask)):
        with pytest.raises(TypeError, match="got a MaskedArray"):
            use()


def test_indices_are_looked_at():
    """An index is taken by position, and kept as it was; one with a mask of its own is refused, in a tuple too."""
    x, which = mg.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True), np.array([1, 0])
    y = x[Labelled(which)]
    which[:] = 0
    (y * [[1.0], [5.0]]).sum().backward()
    assert x.grad.tolist() == [[5, 5], [1, 1]]
    masked = np.ma.array([0, 1], mask=[True, False])
    for index in (masked, (slice(None), masked), [masked]):
        with pytest.raises(TypeError, match="an index takes arrays .* MaskedArray"):
            x[index]
    with pytest.raises(IndexError, match="only integers"):
        x[Fraction(1)]


def test_an_argument_of_ones_own_is_left_alone():
    """A function of the user's gets what it is called with where it has no rule, be it a sparse matrix."""
    seen = []

    @mg.primitive(None, lambda g, y, s, x: s.toarray().T @ g, kind="linear")
    def product(s, x):
        seen.append(type(s))
        return s.toarray() @ x

    x = mg.tensor([1.0, 1.0], requires_grad=True)
    mg.sum(product(Sparselike(), x)).backward()
    assert x.grad.tolist() == [2, 3]
    assert set(seen) == {Sparselike}
    with pytest.raises(TypeError, match="got a tests.core.test_foreign.Sparselike"):
        np.where(Sparselike(), x, 0.0)
    with pytest.raises(TypeError, match="product takes arrays .* got a MaskedArray"):
        product(np.ma.array([[1.0, 2.0]], mask=True), x)
    with pytest.raises(TypeError, match="take takes arrays .* got a MaskedArray"):
        mg.take(x, np.ma.array([0, 1], mask=True))


# What others take of ours


def test_constants_are_handed_over_by_dlpack():
    """np.from_dlpack(t) is the memory of t, on the device that NumPy says."""
    t = mg.tensor(np.arange(6.0).reshape(2, 3).T)
    taken = np.from_dlpack(t)
    assert taken.tolist() == t.tolist()
    assert np.shares_memory(taken, t.numpy())
    assert t.__dlpack_device__() == np.ones(1).__dlpack_device__()
    assert np.from_dlpack(mg.sum(t)).shape == ()
    assert np.from_dlpack(mg.tensor([True, False])).dtype == bool


def test_locked_memory_is_copied_for_dlpack():
    """What cannot be written to is a copy there, unless this is ruled out."""
    t = mg.broadcast_to(mg.tensor([1.0]), (3,))
    assert not t.numpy().flags.writeable
    taken = t.__dlpack__()
    assert "dltensor" in repr(taken)
    with pytest.raises((BufferError, TypeError)):  # NumPy 2.0 does not take copy=
        t.__dlpack__(copy=False)
    backwards = mg.tensor([1.0, 2.0])[::-1]
    assert np.from_dlpack(backwards).tolist() == [2, 1]
    assert np.from_dlpack(backwards).strides == (8,)


def test_dlpack_is_an_exit():
    """An array through which a derivative flows is not handed over: a leaf, a result, or one in a transformation."""
    leaf = mg.tensor([1.0], requires_grad=True)
    for x in (leaf, leaf * 2):
        with pytest.raises(TypeError, match="a derivative flows through this array"):
            np.from_dlpack(x)
    for transformation in (mg.grad, lambda f: lambda x: mg.jvp(f, (x,), (x,))):
        with pytest.raises(TypeError, match="a derivative flows through this array"):
            transformation(lambda x: mg.sum(np.from_dlpack(x)))(np.ones(2))
    assert np.from_dlpack(leaf.detach()).tolist() == [1]
    with mg.no_grad():
        assert np.from_dlpack(leaf).tolist() == [1]
    with pytest.raises(mg.RecordingError):
        mg.compile(lambda x: np.from_dlpack(x.detach()))(mg.tensor([1.0]))


def test_a_library_may_ask_for_its_own_device():
    """A value that speaks DLPack itself is asked itself."""

    class Elsewhere:
        dtype, shape, ndim, size = np.dtype(float), (1,), 1, 1

        def __array_ufunc__(self, ufunc, method, *args, **kwargs):
            return NotImplemented

        def copy(self):
            return self

        def __dlpack__(self, **options):
            return "a capsule", options

        def __dlpack_device__(self):
            return (2, 0)

    t = mg.tensor(Elsewhere())
    assert t.__dlpack__(stream=1) == ("a capsule", {"stream": 1})
    assert t.__dlpack_device__() == (2, 0)
