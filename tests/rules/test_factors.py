"""Decompositions with several results: PyTorch's gradients, vectors that are not determined, and what is refused."""

import pathlib

import numpy as np
import pytest
from numpy.linalg import LinAlgError

import minigrad as mg

from .numeric import extrapolated

FILE = np.load(pathlib.Path(__file__).with_name("decompositions_reference.npz"))
NAMES = sorted({key.rpartition("/")[0] for key in FILE})
EQUAL = np.diag([1.0, 1.0, 3.0])
TALL = np.random.default_rng(0).normal(size=(5, 3))


def weighted(*parts):
    return sum(np.sum(np.arange(1.0, x.size + 1).reshape(x.shape) * x * x) for x in parts)


CALLS = {
    "eigh": lambda x: weighted(*np.linalg.eigh(x)),
    "eigh U": lambda x: weighted(*np.linalg.eigh(x, UPLO="U")),
    "eigvalsh": lambda x: weighted(np.linalg.eigvalsh(x)),
    "pinv hermitian": lambda x: weighted(np.linalg.pinv(x, hermitian=True)),
    **{f"matrix_power {n}": lambda x, n=n: weighted(np.linalg.matrix_power(x, n)) for n in (-2, 0, 1, 5)},
    "svd": lambda x: weighted(*np.linalg.svd(x, full_matrices=False)),
    "svdvals": lambda x: weighted(np.linalg.svd(x, compute_uv=False)),
    "qr": lambda x: weighted(*np.linalg.qr(x)),
    "pinv": lambda x: weighted(np.linalg.pinv(x)),
    "lstsq": lambda a, b: weighted(np.linalg.lstsq(a, b)[0]),
    "multi_dot": lambda *xs: weighted(np.linalg.multi_dot(xs)),
    "tensorinv": lambda x: weighted(np.linalg.tensorinv(x)),
    "tensorsolve": lambda a, b: weighted(np.linalg.tensorsolve(a, b)),
    "kron": lambda a, b: weighted(np.kron(a, b)),
}


@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_are_those_of_pytorch(name):
    """The file is written by make_decompositions_reference.py; signs of vectors have no influence on its functions.

    Where a matrix is symmetric, the symmetric part of PyTorch's gradient is meant: steps along it are the same.
    """
    f = CALLS[max((key for key in CALLS if f"{name} ".startswith(f"{key} ")), key=len)]
    arrays = [FILE[f"{name}/argument {i}"] for i in range(len([k for k in FILE if k.startswith(f"{name}/argument")]))]
    y, grads = mg.value_and_grad(f, argnums=tuple(range(len(arrays))))(*arrays)
    np.testing.assert_allclose(y, FILE[f"{name}/value"], rtol=1e-10)
    for i, grad in enumerate(grads):
        want = FILE[f"{name}/gradient {i}"]
        want = (want + want.T) / 2 if "hermitian" in name else want
        np.testing.assert_allclose(grad, want, rtol=1e-10, atol=1e-10 * np.abs(want).max())


@pytest.mark.parametrize(
    "call",
    [
        np.linalg.eigh,
        lambda x: np.linalg.eigh(x, "U"),
        np.linalg.svd,
        lambda x: np.linalg.svd(x[..., :2], full_matrices=False),
        lambda x: np.linalg.svd(x[..., :2, :]),
        lambda x: np.linalg.svd(x, hermitian=True),
        np.linalg.qr,
        lambda x: np.linalg.qr(x[..., :2], "complete"),
        lambda x: np.linalg.qr(x[..., :2, :]),
        lambda x: (np.linalg.qr(x, mode="r"),),
        lambda x: (np.linalg.eigvalsh(x),),
        lambda x: (np.linalg.pinv(x),),
        lambda x: (np.linalg.pinv(x, 0.5),),
        lambda x: (np.linalg.pinv(x, rtol=0.5),),
        lambda x: (np.linalg.pinv(x, rtol=None),),
        lambda x: np.linalg.lstsq(x[0], x[1]),
        lambda x: np.linalg.lstsq(x[0, :, :2], x[1, :, 0], rcond=0.1),
        lambda x: np.linalg.lstsq(x[0, :2], x[1, :2]),
        lambda x: (np.linalg.matrix_power(x, 3),),
        lambda x: (np.linalg.matrix_power(x, -6),),
        lambda x: (np.linalg.matrix_power(x, 0),),
        lambda x: (np.linalg.multi_dot([x[0, :1], x[0], x[1, :, :2], x[1, :2]]),),
    ],
)
def test_results_have_the_bits_and_types_of_numpy(call):
    """Also where a derivative flows, the numbers are those of NumPy's own call, in the same tuple."""
    x = np.random.default_rng(1).normal(size=(2, 3, 3))
    want, got = call(x), call(mg.tensor(x, requires_grad=True))
    assert type(got) is type(want)
    for a, b in zip(want, got, strict=True):
        np.testing.assert_array_equal(b.detach().numpy(), a)
        assert b.dtype == a.dtype


# What does not depend on the choice of a basis


@pytest.mark.parametrize("shape", [(4, 3), (5, 3), (3, 5)])
@pytest.mark.parametrize("name", ["svd", "qr"])
def test_projections_onto_the_rest_of_a_full_basis(name, shape):
    """They do not ask which columns complete the basis: right in both modes, and at second order."""
    k = min(shape)

    def f(x):
        if name == "qr":
            q, r = np.linalg.qr(x, mode="complete")
            return weighted(q[:, k:] @ q[:, k:].mT, r)
        u, s, v = np.linalg.svd(x)
        return weighted(u[:, k:] @ u[:, k:].mT, v[k:].mT @ v[k:], s)

    x, along = np.random.default_rng(2).normal(size=(2, *shape))
    slope, curved = extrapolated(lambda h: f(x + h * along)), extrapolated(lambda h: mg.grad(f)(x + h * along))
    np.testing.assert_allclose(np.sum(mg.grad(f)(x) * along), slope, rtol=1e-8)
    np.testing.assert_allclose(mg.jvp(f, (x,), (along,))[1], slope, rtol=1e-8)
    size = np.abs(curved).max()
    np.testing.assert_allclose(mg.jvp(mg.grad(f), (x,), (along,))[1], curved, atol=1e-7 * size)
    np.testing.assert_allclose(mg.grad(lambda x: np.sum(mg.grad(f)(x) * along))(x), curved, atol=1e-7 * size)


@pytest.mark.parametrize(
    "f",
    [lambda x: np.linalg.svd(x)[0][0, 4], lambda x: np.linalg.qr(x, mode="complete")[0][0, 4]],
    ids=["svd", "qr"],
)
def test_one_of_several_arbitrary_columns_is_refused(f):
    with pytest.raises(LinAlgError, match=r"the last columns of a full basis, .* full_matrices=False\) or np"):
        mg.grad(f)(TALL)


def test_vectors_of_equal_eigenvalues_are_refused_where_they_are_used():
    """Not those of the others: of diag(1, 1, 3) the third vector has a derivative."""
    with pytest.raises(LinAlgError, match=r"^eigenvectors of eigenvalues that coincide, .*np\.linalg\.eigvalsh"):
        mg.grad(lambda x: np.linalg.eigh(x)[1][0, 0])(EQUAL)
    third = mg.grad(lambda x: np.linalg.eigh(x)[1][1, 2] * np.linalg.eigh(x)[1][2, 2])(EQUAL)
    np.testing.assert_allclose(third, [[0, 0, 0], [0, 0, 0.25], [0, 0.25, 0]], atol=1e-15)
    squares = mg.grad(lambda x: np.sum(np.linalg.eigh(x)[0] ** 2))(EQUAL)
    np.testing.assert_allclose(squares, 2 * EQUAL, atol=1e-15)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.linalg.eigh(x)[0] ** 2),
        lambda x: np.sum(np.linalg.eigvalsh(x) ** 2),
        lambda x: np.prod(np.linalg.eigvalsh(x)),
        lambda x: np.linalg.eigvalsh(x)[1] ** 2,
        lambda x: np.sum(np.linalg.svd(x, full_matrices=False)[1] ** 2),
    ],
    ids=["eigh", "squares", "product", "one", "svd"],
)
@pytest.mark.parametrize("turned", [False, True])
def test_second_derivatives_at_equal_values_are_refused(f, turned):
    """In each nesting of the modes, and where the values are equal but for rounding."""
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0] if turned else np.eye(3)
    x, along = turn @ EQUAL @ turn.T, np.ones((3, 3))
    for second in (
        lambda: mg.hessian(f)(x),
        lambda: mg.grad(lambda x: np.sum(mg.grad(f)(x) * along))(x),
        lambda: mg.grad(lambda x: mg.jvp(f, (x,), (along,))[1])(x),
    ):
        with pytest.raises(LinAlgError, match="values that coincide"):
            second()


def test_sum_of_eigenvalues_has_derivatives_of_a_trace():
    """Its gradient by the values is constant, so no difference of equal ones is asked for."""
    assert np.abs(mg.hessian(lambda x: np.sum(np.linalg.eigvalsh(x)))(EQUAL)).max() < 1e-15


def test_first_derivatives_of_equal_eigenvalues_are_those_of_the_matrix():
    for f in (mg.grad, lambda f: lambda x: mg.jacobian(f, mode="forward")(x)):
        np.testing.assert_allclose(f(lambda x: np.sum(np.linalg.eigvalsh(x) ** 2))(EQUAL), 2 * EQUAL, atol=1e-14)


def test_gradient_is_symmetric_whichever_triangle_is_read():
    x = TALL[:3] + TALL[:3].T
    for uplo in "LU":
        for f in (lambda x, u=uplo: np.linalg.eigh(x, u)[1][0, 0], lambda x, u=uplo: np.linalg.eigvalsh(x, u)[0]):
            grad = mg.grad(f)(np.tril(x) if uplo == "L" else np.triu(x))
            np.testing.assert_allclose(grad, grad.T, atol=1e-15)


def test_singular_vectors_of_zeros_are_refused_where_they_are_used():
    x = np.outer([1.0, 2.0], [3.0, 4.0])
    assert np.all(np.isfinite(mg.grad(lambda x: np.linalg.svd(x)[0][0, 0] ** 2)(x)))
    with pytest.raises(LinAlgError, match="singular vectors of singular values that coincide or are 0"):
        mg.grad(lambda x: np.linalg.svd(x)[0][0, 1])(x)
    with pytest.raises(LinAlgError, match="singular vectors of singular values that coincide or are 0"):
        mg.jvp(lambda x: np.linalg.svd(x)[0], (x,), (x,))


def test_compiled_gradient_notices_equal_values():
    """A replay asks again whether the vectors are determined."""
    compiled = mg.compile(mg.grad(lambda x: np.sum(np.linalg.eigh(x)[1] ** 3 * x)))
    x = TALL[:3] + TALL[:3].T
    for _ in range(2):
        np.testing.assert_allclose(compiled(x), mg.grad(lambda x: np.sum(np.linalg.eigh(x)[1] ** 3 * x))(x))
    with pytest.raises(LinAlgError, match="eigenvalues that coincide"):
        compiled(np.eye(3))


# Least squares


def test_pseudo_inverse_of_an_orthogonal_matrix():
    """All singular values are 1, and it has derivatives of both orders, unlike a product of its vectors."""
    x = np.linalg.qr(TALL[:3])[0]
    f, g = (lambda x: weighted(np.linalg.pinv(x))), (lambda x: weighted(np.linalg.inv(x)))
    np.testing.assert_allclose(mg.grad(f)(x), mg.grad(g)(x), atol=1e-12)
    np.testing.assert_allclose(mg.hessian(f)(x), mg.hessian(g)(x), atol=1e-11)


def test_sums_of_squares_left_where_the_rank_is_full():
    """They have the derivatives of the squares; with dependent columns NumPy gives none, and neither does a Tensor."""
    b = np.arange(5.0)
    squares = lambda a: np.sum((b - a @ np.linalg.lstsq(a, b)[0]) ** 2)
    np.testing.assert_allclose(mg.grad(lambda a: np.linalg.lstsq(a, b)[1][0])(TALL), mg.grad(squares)(TALL), rtol=1e-10)
    x, left, rank, s = np.linalg.lstsq(mg.tensor(np.ones((5, 2)), requires_grad=True), b)
    assert (left.shape, int(rank), rank.requires_grad) == ((0,), 1, False)
    assert x.requires_grad
    assert s.requires_grad


def test_batch_of_least_squares_has_one_kind_of_rank():
    a, b = np.stack([TALL, TALL[::-1]]), np.arange(10.0).reshape(2, 5)
    got = mg.vmap(np.linalg.lstsq)(a, b)
    np.testing.assert_allclose(got[1], [np.linalg.lstsq(a[i], b[i])[1] for i in range(2)])
    with pytest.raises(LinAlgError, match=r"the sums of squares that lstsq leaves .* Call lstsq for each kind by"):
        mg.vmap(np.linalg.lstsq)(np.stack([TALL, np.ones((5, 3))]), b)


def test_compiled_least_squares_notices_another_rank():
    b = np.arange(5.0)
    compiled = mg.compile(lambda a: np.linalg.lstsq(a, b))
    for a in (TALL, np.ones((5, 3)), TALL[::-1]):
        for got, want in zip(compiled(a), np.linalg.lstsq(a, b), strict=True):
            np.testing.assert_array_equal(got, want)


# What is empty, and what is refused


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_empty_matrices_have_empty_gradients(shape):
    for f in (
        lambda x: sum(np.sum(y) for y in np.linalg.svd(x)),
        lambda x: sum(np.sum(y) for y in np.linalg.qr(x)),
        lambda x: np.sum(np.linalg.pinv(x)),
        lambda x: np.sum(np.linalg.lstsq(x, np.ones((shape[0], 2)))[0]),
    ):
        assert mg.grad(f)(np.zeros(shape)).shape == shape


LEAF = mg.tensor(TALL, requires_grad=True)
SQUARE = mg.tensor(EQUAL, requires_grad=True)
REFUSED = [
    (
        lambda: np.linalg.eig(SQUARE),
        mg.errors.NoRuleError,
        r"^numpy\.linalg\.eig has no derivative: .*np\.linalg\.eigh",
    ),
    (lambda: np.linalg.eigvals(SQUARE), mg.errors.NoRuleError, r"^numpy\.linalg\.eigvals has no .* x\.detach\(\)"),
    (lambda: np.linalg.eigh(SQUARE, UPLO="x"), ValueError, "UPLO argument must be 'L' or 'U'"),
    (lambda: np.linalg.eigh(LEAF), LinAlgError, "must be square"),
    (lambda: np.linalg.qr(LEAF, mode="raw"), ValueError, "mode 'reduced', 'complete' or 'r'; got 'raw'"),
    (lambda: np.linalg.pinv(LEAF, 1e-3, rtol=1e-3), ValueError, "rtol= or rcond=, which mean the same; got both"),
    (lambda: np.linalg.lstsq(np.ones((2, 3, 3)), SQUARE), LinAlgError, r"Use mg\.vmap\(np\.linalg\.lstsq\) for stacks"),
    (lambda: np.linalg.matrix_power(SQUARE, 1.5), TypeError, "cannot be interpreted as an integer"),
    (lambda: np.linalg.matrix_power(LEAF, 2), LinAlgError, r"square matrices, or a stack of them; got shape \(5, 3\)"),
    (lambda: np.linalg.multi_dot([LEAF]), ValueError, "two arrays or more; got 1"),
    (lambda: np.linalg.multi_dot([LEAF, np.ones((2, 3, 3))]), LinAlgError, "matrices, and vectors first and last; got"),
    (lambda: np.linalg.tensorinv(LEAF, 0), ValueError, "ind= of 1 or more, the number of first axes; got 0"),
    (lambda: np.linalg.tensorinv(LEAF, 1), LinAlgError, r"as many elements; got shapes \(5,\) and \(3,\)"),
    (lambda: np.linalg.tensorsolve(LEAF, np.ones(5)), LinAlgError, r"the axes of b, .*got shapes \(5, 3\) and \(5,\)"),
]


@pytest.mark.parametrize(("call", "error", "text"), REFUSED)
def test_refused_by_name(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_dependent_columns_have_no_triangular_factor_with_a_derivative():
    with pytest.raises(LinAlgError, match=r"^qr has a derivative where the first columns, .*np\.linalg\.pinv"):
        mg.grad(lambda x: np.sum(np.linalg.qr(x)[1]))(np.ones((3, 3)))


def test_constants_have_eigenvalues_of_any_kind():
    """No derivative is lost, so NumPy's answer is returned, complex or not."""
    w = np.linalg.eigvals(mg.tensor([[0.0, 1.0], [-1.0, 0.0]]))
    np.testing.assert_array_equal(np.sort_complex(np.asarray(w)), [-1j, 1j])
