"""Derivatives do not depend on how an array, its cotangent or its tangent lies in memory."""

import numpy as np
import pytest

import minigrad as mg

from .numeric import by_backward, close, matrix_of, read_only, right_or_refused, units

A = np.array([[0.3, -1.2, 0.8], [1.1, 0.4, -0.6]])
C = np.arange(6.0).reshape(2, 3)
CUBE = np.arange(24.0).reshape(2, 3, 4) / 10


LAYOUTS = {
    "C": np.ascontiguousarray,
    "Fortran": np.asfortranarray,
    "every other column": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "backwards": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "Fortran, backwards": lambda a: a.T[::-1].copy()[::-1].T,
    "read-only": read_only,
}
every_layout = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=list(LAYOUTS))

TURNS = {
    "T": lambda a: a.T,
    "mT": lambda a: a.mT,
    "swapaxes": lambda a: np.swapaxes(a, 0, 1),
    "moveaxis": lambda a: np.moveaxis(a, 0, -1),
    "transpose": lambda a: np.transpose(a, (1, 0)),
    "flip, then T": lambda a: np.flip(a, axis=1).T,
    "T, backwards": lambda a: a.T[::-1],
    "a row of T": lambda a: a.T[1],
    "a column of T": lambda a: a.T[:, 1:],
    "two of T": lambda a: np.stack([a.T, a.T]),
}


# Jacobians


@pytest.mark.parametrize("turn", TURNS.values(), ids=list(TURNS))
def test_jacobian_of_a_turned_array(turn):
    """The Jacobian of an array with its axes exchanged has a one for each element, not zeros."""
    for layout in LAYOUTS.values():
        close(mg.jacobian(turn)(layout(A)), matrix_of(turn, A.shape))


@pytest.mark.parametrize("axes", [(2, 1, 0), (0, 2, 1), (1, 2, 0)])
def test_jacobian_of_three_axes_in_another_order(axes):
    """The Jacobian of three axes exchanged, or of a part of them by reverse mode, is a permutation's."""
    for start in (0, 1):
        turn = lambda a, start=start: np.transpose(a, axes)[start:]
        close(mg.jacobian(turn)(CUBE), matrix_of(turn, CUBE.shape))


@every_layout
def test_jacobian_at_an_array_of_any_layout(layout):
    """More results than arguments go through forward mode, fewer through reverse mode: both are cos on a diagonal."""
    for dtype, tolerances in ((np.float64, {}), (np.float32, {"rtol": 1e-6, "atol": 1e-7})):  # a few ulps each
        a = layout(A.astype(dtype))
        diagonal = np.einsum("ij,ik,jl->ijkl", np.cos(A), np.eye(2), np.eye(3))
        twice = mg.jacobian(lambda a: np.stack([np.sin(a), np.sin(a)]))(a)
        close(twice, np.stack([diagonal, diagonal]), **tolerances)
        sums = mg.jacobian(lambda a: np.sum(np.sin(a), axis=1))(a)
        close(sums, diagonal.sum(axis=1), **tolerances)
        assert twice.dtype == sums.dtype == dtype


def test_jacobian_of_leaves_of_different_layouts():
    """The blocks of a dict of C and Fortran arrays are those of each array by itself."""
    p = {"a": A, "b": np.asfortranarray(A), "c": A[:, ::-1]}
    blocks = mg.jacobian(lambda p: (p["a"] * p["b"]).T + p["c"].T)(p)
    permutation = matrix_of(np.transpose, A.shape)
    close(blocks["a"], permutation * A)
    close(blocks["b"], permutation * A)
    close(blocks["c"], permutation)


def test_jacobian_at_a_broadcast_array():
    """An array of stride zero is an array of as many arguments as it has elements."""
    a = np.broadcast_to(np.array([1.0, 2.0, 3.0]), (2, 3))
    close(mg.jacobian(lambda a: (a * a).T)(a), 2 * matrix_of(np.transpose, (2, 3)) * a)
    close(mg.jacobian(lambda a: np.sum(a * a, axis=0))(a), 2 * matrix_of(lambda a: a.sum(axis=0), (2, 3)) * a)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (1, 1)])
def test_jacobian_of_a_transpose_without_elements(shape):
    """A transposed array without elements has a Jacobian without elements; of a single one it is 1."""
    assert mg.jacobian(lambda a: a.T)(np.ones(shape, order="F")).shape == (*shape[::-1], *shape)
    close(mg.jacobian(lambda a: a.T)(np.ones((1, 1), order="F")), np.ones((1, 1, 1, 1)))


def test_jacobian_by_a_tensor_of_fortran_order():
    """The Jacobian by a Tensor of a Fortran array is a Tensor of the same numbers."""
    got = mg.jacobian(lambda a: a.T * 2.0)(mg.asarray(np.asfortranarray(A)))
    assert isinstance(got, mg.Tensor)
    close(got, 2 * matrix_of(np.transpose, A.shape))


# Hessians


@every_layout
def test_hessian_at_an_array_of_any_layout(layout):
    """The Hessian of sum(c a^3) is 6 c a on its diagonal, whatever the layout of a and of its powers."""
    want = np.einsum("ij,ik,jl->ijkl", 6 * C * A, np.eye(2), np.eye(3))
    for turn in (lambda a: a, lambda a: a.T, lambda a: a.T[::-1].T):
        c = np.ascontiguousarray(turn(C))
        close(mg.hessian(lambda a, turn=turn, c=c: np.sum(c * turn(a) ** 3))(layout(A)), want)


PRODUCTS = {
    "X @ W.T": lambda X, W: X @ W.T,
    "W @ X.T": lambda X, W: W @ X.T,
    "einsum": lambda X, W: np.einsum("nk,ik->in", X, W),
    "inner": lambda X, W: np.inner(W, X),
    "tensordot": lambda X, W: np.tensordot(X, W, axes=((1,), (1,))),
    "swapaxes": lambda X, W: np.matmul(X, np.swapaxes(W, 0, 1)),
}


@pytest.mark.parametrize("product", PRODUCTS.values(), ids=list(PRODUCTS))
def test_hessian_of_a_transposed_weight(product):
    """The Hessian of |X W^T|^2 is the identity times 2 X^T X, for each spelling of the product."""
    X = np.arange(12.0).reshape(4, 3) / 7
    for layout in LAYOUTS.values():
        got = mg.hessian(lambda W: np.sum(product(X, W) ** 2))(layout(A))
        close(got, np.einsum("ik,jl->ijkl", np.eye(2), 2 * X.T @ X))


@every_layout
def test_hessian_of_a_log_determinant(layout):
    """The second derivatives of log |det a| are -a^-1_jk a^-1_li, by slogdet and by det."""
    a = np.array([[2.0, 1.0], [0.5, 3.0]])
    i = np.linalg.inv(a)
    want = -np.einsum("jk,li->ijkl", i, i)
    close(mg.hessian(lambda a: np.linalg.slogdet(a)[1])(layout(a)), want)
    close(mg.hessian(lambda a: np.log(np.linalg.det(a)))(layout(a)), want)


@every_layout
def test_jacobian_of_an_inverse(layout):
    """d a^-1_ij / d a_kl is -a^-1_ik a^-1_lj, by inv and by solve."""
    a = np.array([[2.0, 1.0], [0.5, 3.0]])
    i = np.linalg.inv(a)
    want = -np.einsum("ik,lj->ijkl", i, i)
    close(mg.jacobian(np.linalg.inv)(layout(a)), want)
    close(mg.jacobian(lambda a: np.linalg.solve(a, np.eye(2)))(layout(a)), want)
    close(mg.jacobian(lambda a: np.linalg.inv(a.T).T)(layout(a)), want)


# Cotangents and tangents


@every_layout
def test_cotangents_and_tangents_of_any_layout(layout):
    """What a pull-back, a push-forward and a Hessian product return depends on the numbers of a vector alone."""
    f = lambda a: np.sin(a).T * np.arange(6.0).reshape(3, 2)
    by_element = np.cos(A) * np.arange(6.0).reshape(3, 2).T
    y, pull_back = mg.vjp(f, A)
    close(pull_back(layout(C.T))[0], by_element * C)
    close(mg.jvp(f, (A,), (layout(C),))[1], (by_element * C).T)
    close(mg.hvp(lambda a: np.sum(a.T**3), (A,), (layout(C),))[0], 6 * A * C)


@every_layout
def test_backward_from_a_cotangent_of_any_layout(layout):
    """backward() takes gradient= in any layout and leaves it as it was."""
    w, g = mg.tensor(A, requires_grad=True), layout(C.T)
    (w.T * w.T).backward(g)
    close(w.grad, 2 * A * C)
    close(g, C.T)


@every_layout
def test_gradients_have_memory_of_their_own(layout):
    """A gradient is writable and shares no memory with its argument, also where it is a view of a cotangent."""
    a = layout(A)
    for gradient in (mg.grad(lambda a: np.sum(a.T * C.T))(a), by_backward(lambda a: np.sum(a.T * C.T), a).numpy()):
        close(gradient, C)
        assert not np.shares_memory(gradient, a)
        gradient[0, 0] = 7.0
    close(a, A)


# Orders of elements


WEIGHTS = 10.0 ** np.arange(6)


def sent_back(positions):
    """The weights of elements in another order, where the elements lay."""
    want = np.zeros(6)
    want[positions] = WEIGHTS
    return want.reshape(A.shape)


@every_layout
@pytest.mark.parametrize("turn", [lambda a: a, lambda a: a.T], ids=["a", "a.T"])
def test_ravel_in_every_order(turn, layout):
    """np.ravel in the order of the memory sends each cotangent back to its element; order K may be refused instead."""
    numbers = layout(np.arange(6).reshape(A.shape))  # in the memory as A is
    for order in "CFA":
        want = sent_back(np.ravel(turn(numbers), order=order))
        f = lambda a, order=order: np.sum(np.ravel(turn(a), order=order) * WEIGHTS)
        close(mg.grad(f)(layout(A)), want)
        close(mg.jacobian(f)(layout(A)), want)
    want = sent_back(np.ravel(turn(numbers), order="K"))
    right_or_refused(lambda: mg.grad(lambda a: np.sum(np.ravel(turn(a), order="K") * WEIGHTS))(layout(A)), want)


@every_layout
def test_ravel_of_a_constant_in_every_order(layout):
    """np.ravel of a Tensor without derivative has NumPy's values in each order, K included."""
    a = layout(A)
    for order in "CFAK":
        close(np.ravel(mg.asarray(a), order=order), np.ravel(a, order=order))
        close(np.ravel(mg.asarray(a).T, order=order), np.ravel(a.T, order=order))


@every_layout
def test_tangents_are_raveled_like_their_values(layout):
    """A tangent is taken in the order of its value's memory, not of its own."""
    x, t = np.asfortranarray(A), layout(A * C)
    for order in "CFA":
        want = np.ravel(A * C, order="C" if order == "C" else "F")
        close(mg.jvp(lambda a, order=order: np.ravel(a, order=order), (x,), (t,))[1], want)
    right_or_refused(lambda: mg.jvp(lambda a: np.ravel(a, order="K"), (x,), (t,))[1], np.ravel(A * C, order="F"))


@every_layout
def test_reshape_in_every_order(layout):
    """reshape, flatten and ravel, as functions and methods, agree with NumPy's on where each element goes."""
    numbers = layout(np.arange(6).reshape(A.shape))
    for order in "CFA":
        for reshape in (
            lambda a, order=order: np.reshape(a, (6,), order=order),
            lambda a, order=order: a.reshape(6, order=order),
            lambda a, order=order: a.flatten(order),
            lambda a, order=order: a.ravel(order),
        ):
            got = mg.grad(lambda a, reshape=reshape: np.sum(reshape(a) * WEIGHTS))(layout(A))
            close(got, sent_back(reshape(numbers)))


def test_a_second_ravel_undoes_the_first():
    """The Jacobian of an array raveled in Fortran order and reshaped back is the identity."""
    back = lambda a: np.reshape(np.ravel(a, order="F"), a.shape, order="F")
    for x in (A, np.asfortranarray(A), A[:, ::-1]):
        close(mg.jacobian(back)(x), units(A.shape).reshape(2, 3, 2, 3))


def test_a_write_through_a_transpose_does_not_reach_the_array():
    """x[i] = v on a transpose gives that name another value: the array it was made of keeps value and derivative."""
    w = mg.tensor(A, requires_grad=True)
    x = w * 1.0
    t = x.T
    t[0] = 5.0
    np.sum(x * C + t.T).backward()
    close(w.grad, C + np.array([[0, 1, 1], [0, 1, 1]]))
    close(x, A)
