"""Arrays and numbers with an arithmetic of their own beside Tensors: refused with a remedy, wherever they come in."""

import io
import operator
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import minigrad as mg
from minigrad.data import DataLoader
from minigrad.nn import Parameter
from minigrad.nn import functional as F
from tests.core.test_foreign import Torchlike

from .numeric import close, leaf, outcome, right_or_refused

X = np.array([3.0, 4.0])
A = np.array([[1.0, 2.0], [0.0, 3.0]])

KINDS = {
    "matrix": (lambda: A.view(np.matrix), "np.asarray(x)"),
    "masked": (lambda: np.ma.array([2.0, 3.0], mask=[True, False]), "x.filled()"),
    "object": (lambda: np.array([2.0, 3.0], object), "x.astype(float)"),
    "Fraction": (lambda: Fraction(1, 2), "float(x)"),
    "Decimal": (lambda: Decimal("0.5"), "float(x)"),
    "list of Fractions": (lambda: [Fraction(1, 2), Fraction(1, 3)], "float(x)"),
    "torch": (Torchlike, "x.detach().cpu().numpy()"),
}
OPERATORS = (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.mod, operator.floordiv)
OPERANDS = {
    **{f"x {f.__name__} o": f for f in OPERATORS},
    **{f"o {f.__name__} x": lambda x, o, f=f: f(o, x) for f in OPERATORS if f is not operator.mod},
    "np.multiply": lambda x, o: np.multiply(o, x),
    "np.maximum": lambda x, o: np.maximum(x, o),
    "mg.add": lambda x, o: mg.add(o, x),
    "np.where": lambda x, o: np.where([True, False], o, x),
    "np.clip": lambda x, o: np.clip(x, 0.0, o),
    "np.dot": lambda x, o: np.dot(x, o),
    "np.stack": lambda x, o: np.stack([x, o]),
    "mg.concat": lambda x, o: mg.concat([o, x]),
    "in place": lambda x, o: operator.imul(x * 1.0, o),
    "mse_loss": lambda x, o: F.mse_loss(x, o),
}
WATCHED = {
    "constant": lambda f: f(mg.tensor(X)),
    "leaf": lambda f: f(leaf(*X)),
    "grad": lambda f: mg.grad(lambda x: (f(x), mg.sum(x))[1])(X),
    "jvp": lambda f: mg.jvp(f, (X,), (X,)),
    "checkpoint": lambda f: mg.grad(lambda x: mg.sum(mg.checkpoint(f)(x)))(X),
    "grad of jvp": lambda f: mg.grad(lambda x: mg.sum(mg.jvp(f, (x,), (X,))[1]))(X),
}


def check_refused(kind, use, says):
    """A use raises for the user and names the remedy, unless the other comes first, and is right."""
    result, refusal = outcome(use)
    if refusal is not None:
        assert any(remedy in refusal for remedy in (says, "float", "df.to_numpy() or S.toarray()"))
    else:
        assert kind in ("masked", "Fraction")  # as Fraction ** x is float(Fraction) ** x
        assert kind == "Fraction" or isinstance(result, np.ma.MaskedArray)  # which keeps its mask


@pytest.mark.parametrize("use", OPERANDS)
@pytest.mark.parametrize("kind", KINDS)
def test_operands_are_refused(kind, use):
    """At every level, on either side, in operators, functions, losses and in place; x is as it was."""
    make, says = KINDS[kind]
    if (kind, use) == ("matrix", "o pow x") or (use == "mse_loss" and np.shape(make()) != X.shape):
        return  # which NumPy or the loss refuse for the shape
    x, f = mg.tensor(X), OPERANDS[use]
    for watched in WATCHED.values():
        check_refused(kind, lambda watched=watched: watched(lambda x: f(x, make())), says)
    check_refused(kind, lambda: f(x, make()), says)
    assert x.tolist() == X.tolist()


@pytest.mark.parametrize("way", WATCHED.values(), ids=list(WATCHED))
def test_a_fraction_that_comes_first_is_a_float(way):
    """Python itself makes a float of the base of a power, until 3.13, which asks us: then it is refused by name."""
    if sys.version_info >= (3, 13):
        with pytest.raises(
            TypeError, match=r"power takes arrays and numbers .*; got a fractions.Fraction. Use float\(x\)"
        ):
            way(lambda x: mg.sum(Fraction(1, 2) ** x))
        return
    close(mg.grad(lambda x: mg.sum(Fraction(1, 2) ** x))(X), mg.grad(lambda x: mg.sum(0.5**x))(X))
    assert way(lambda x: mg.sum(Fraction(1, 2) ** x)) is not None


DATA = {
    "tensor": mg.tensor,
    "asarray": mg.asarray,
    "Parameter": Parameter,
    "zeros_like": mg.zeros_like,
    "grad": mg.grad(mg.sum),
    "jvp": lambda o: mg.jvp(mg.sum, (o,), (o,)),
    "a tangent": lambda o: mg.jvp(mg.sum, (X,), (o,)),
    "vjp": lambda o: mg.vjp(mg.sum, o),
    "jacobian": mg.jacobian(mg.exp),
    "a cotangent": lambda o: mg.vjp(lambda x: x * 2, X)[1](o),
    "backward": lambda o: leaf(*X).backward(o),
    "data": lambda o: setattr(leaf(*X), "data", o),
    "grad of a leaf": lambda o: setattr(leaf(*X), "grad", o),
    "x[...] = o": lambda o: operator.setitem(mg.zeros(2), Ellipsis, o),
    "x[...] = o, of a leaf": lambda o: mg.no_grad()(operator.setitem)(leaf(*X), Ellipsis, o),
    "an argument beside": lambda o: mg.grad(lambda x, o: mg.sum(x * o))(X, o),
    "compile": mg.compile(lambda o: mg.sum(o * o)),
}


@pytest.mark.parametrize("use", DATA)
@pytest.mark.parametrize("kind", ["matrix", "masked", "object"])
def test_data_is_refused(kind, use):
    """What is to be an array of ours, or is differentiated by, is refused likewise."""
    if (kind, use) == ("object", "compile"):
        return  # its values are kept as they are, and computed with by Python
    with pytest.raises((TypeError, ValueError)) as caught:
        DATA[use](KINDS[kind][0]())
    text = str(caught.value)
    assert "NumPy's own arithmetic" in text or "numbers" in text or "object" in text


def test_a_program_serves_no_other_arithmetic():
    """A function that was compiled for an array refuses a matrix of its shape, and takes a memmap as an array."""
    f = mg.compile(lambda a: mg.sum(a * a))
    assert f(A) == 14
    for other in (A.view(np.matrix), np.ma.array(A, mask=True)):
        with pytest.raises(TypeError, match="compile takes arrays"):
            f(other)
    assert f(A.view(np.memmap)) == 14


@pytest.mark.parametrize("kind", KINDS)
def test_the_remedies_work(kind):
    """What the error says to use in the place of x is taken."""
    make, says = KINDS[kind]
    x = [float(part) for part in make()] if isinstance(make(), list) else make()
    taken = x if isinstance(x, list) else eval(says, {"np": np, "x": x})
    close(mg.grad(lambda v: mg.sum(v * taken))(np.ones(2)), np.sum(np.atleast_2d(taken), axis=0) * np.ones(2))


def test_data_of_a_library_that_differentiates_becomes_an_array():
    """A tensor of PyTorch's is refused as an operand, and copied where it is the data of a new one."""
    assert mg.tensor(Torchlike()).tolist() == [2, 3]
    assert mg.tensor([Torchlike(), Torchlike()]).tolist() == [[2, 3], [2, 3]]
    assert mg.grad(lambda x: mg.sum(x * x))(Torchlike()).tolist() == [4, 6]


def test_a_loader_of_masked_arrays_ends_at_the_first_operation():
    """A batch is what the data set holds; it is refused where it meets a Tensor."""
    (batch,) = next(iter(DataLoader((np.ma.array(np.ones((2, 2)), mask=True),), batch_size=2)))
    with pytest.raises(TypeError, match="MaskedArray"):
        batch @ leaf(1.0, 2.0)


# Sparse matrices


def scipy_sparse():
    """SciPy's module, in a version whose products ask for the values of what they do not know."""
    pytest.importorskip("scipy", minversion="1.14")
    return pytest.importorskip("scipy.sparse")


FORMATS = ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
SPARSE = {
    "S @ x": lambda s, x: s @ x,
    "S.dot(x)": lambda s, x: s.dot(x),
    "S * x": lambda s, x: s * x,
    "x * S": lambda s, x: x * s,
    "S / x": lambda s, x: s / x,
    "x / S": lambda s, x: x / s,
    "np.dot": lambda s, x: np.dot(s, x),
    "np.multiply": lambda s, x: np.multiply(x, s),
    "np.concatenate": lambda s, x: np.concatenate([s, x]),
    "mg.sum": lambda s, x: mg.sum(s) + x,
    "mg.tensor": lambda s, x: mg.tensor(s) @ x,
    "x[...] = S": lambda s, x: operator.setitem(x * 1.0, Ellipsis, s),
    "checkpoint": lambda s, x: mg.checkpoint(lambda x: s @ x)(x),
}


@pytest.mark.parametrize("use", SPARSE)
@pytest.mark.parametrize("form", FORMATS)
def test_sparse_matrices_are_right_or_name_the_remedy(form, use):
    """Whoever comes first: an error that says S.toarray(), or for a constant the value that SciPy computes.

    Products and sums that have derivatives are in tests/scipy/test_sparse.py.
    """
    sparse = scipy_sparse()
    f, ours = SPARSE[use], mg.tensor(X)
    for kind in ("array", "matrix"):
        s = getattr(sparse, f"{form}_{kind}")(A)
        for name, watched in WATCHED.items():
            if name == "constant":
                continue
            with pytest.raises(TypeError, match=r"S\.toarray\(\)|x\.toarray\(\)"):
                watched(lambda x, s=s: f(s, x))
        got, refusal = outcome(lambda s=s: f(s, ours))
        if refusal is None:
            got, want = (y.toarray() if hasattr(y, "toarray") else np.asarray(y) for y in (got, f(s, X)))
            np.testing.assert_array_equal(got, want)
        else:
            assert "toarray()" in refusal


def test_the_remedy_for_sparse_matrices_works():
    """S.toarray() @ x has the gradient of the product."""
    sparse = scipy_sparse()
    s = sparse.csr_array(A)
    close(mg.grad(lambda x: mg.sum((s.toarray() @ x) ** 2))(X), 2 * A.T @ A @ X)
    assert mg.tensor(s.toarray()).tolist() == A.tolist()


# Functions of NumPy's on constants


def test_constants_are_saved_by_numpy(tmp_path):
    """np.save, savez, savez_compressed and savetxt write the values; where a derivative flows they raise."""
    t = mg.tensor([[1.0, 2.0], [3.0, 4.0]])
    np.save(tmp_path / "t.npy", t)
    assert np.load(tmp_path / "t.npy").tolist() == t.tolist()
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "t.npz", t, named=t)
        with np.load(tmp_path / "t.npz") as file:
            assert file["arr_0"].tolist() == file["named"].tolist() == t.tolist()
    text = io.StringIO()
    np.savetxt(text, t, fmt="%g")
    assert text.getvalue() == "1 2\n3 4\n"
    for save in (np.save, np.savez, np.savez_compressed, np.savetxt):
        with pytest.raises(TypeError, match="no derivative rule"):
            save(tmp_path / "leaf", leaf(1.0))


def test_scipy_takes_constants():
    """A ufunc of SciPy's has its value for a constant, and is named by its module where a derivative flows."""
    special = pytest.importorskip("scipy.special")
    right_or_refused(lambda: special.struve(0.5, mg.tensor(X)), special.struve(0.5, X))
    with pytest.raises(mg.NoRuleError, match=r"^scipy\.special\.struve has no derivative rule"):
        special.struve(0.5, leaf(*X))
