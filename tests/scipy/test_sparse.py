"""Sparse matrices: constants of SciPy's beside Tensors, and values with derivatives on a pattern."""

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg
from numpy.linalg import LinAlgError

import minigrad as mg
from minigrad.scipy import sparse

from .crosses import SEED, Case, crosses

rng = np.random.default_rng(SEED)
N = 6
places = rng.random((N, N)) < 0.3
S = scipy.sparse.csr_array(np.where(places, rng.normal(size=(N, N)), 0) + 2 * np.eye(N))
P = scipy.sparse.csr_array(S @ S.T)
R = scipy.sparse.csr_array(np.where(places[:4], rng.normal(size=(4, N)), 0))
D = np.array([[1.0, 2, 0], [0, 3, 1]])


def case(name, like, ours, theirs, *arrays):
    """A case of the matrix that has the first array as its values, and of the other arrays."""
    indices, indptr, shape = like.indices, like.indptr, like.shape  # a recording would look into all of SciPy's matrix
    return Case(
        name,
        lambda data, *xs: ours(sparse.csr_array((data, indices, indptr), shape), *xs),
        lambda data, *xs: theirs(scipy.sparse.csr_array((data, indices, indptr), shape), *xs),
        arrays,
    )


def product(a, *xs):
    return a @ xs[0]


SOLVE, CG = scipy.sparse.linalg.spsolve, scipy.sparse.linalg.cg
TestCrosses = crosses(
    [
        case("A @ x", R, product, product, R.data, rng.normal(size=N)),
        case("A @ X", R, product, product, R.data, rng.normal(size=(N, 2))),
        case("x @ A", R, lambda a, x: x @ a, lambda a, x: x @ a, R.data, rng.normal(size=4)),
        case("X @ A", R, lambda a, x: x @ a, lambda a, x: x @ a, R.data, rng.normal(size=(2, 4))),
        case("A.T @ X", R, lambda a, x: a.T @ x, lambda a, x: a.T @ x, R.data, rng.normal(size=(4, 2))),
        case("A + X", R, lambda a, x: a + x, lambda a, x: a.toarray() + x, R.data, rng.normal(size=(4, N))),
        case("X - A", R, lambda a, x: x - a, lambda a, x: x - a.toarray(), R.data, rng.normal(size=(4, N))),
        case("A - X", R, lambda a, x: a - x, lambda a, x: a.toarray() - x, R.data, rng.normal(size=(4, N))),
        case("spsolve", S, sparse.spsolve, SOLVE, S.data, rng.normal(size=N)),
        case("spsolve-columns", S, sparse.spsolve, SOLVE, S.data, rng.normal(size=(N, 2))),
        case(
            "spsolve-transposed",
            S,
            lambda a, b: sparse.spsolve(a.T, b, permc_spec="NATURAL"),
            lambda a, b: SOLVE(a.T.tocsc(), b),
            *(S.data, rng.normal(size=N)),
        ),
        case(
            "cg",
            P,
            lambda a, b: sparse.cg(a, b, rtol=rtol_of(b))[0],
            lambda a, b: CG(a, b, rtol=1e-14)[0],
            *(P.data, rng.normal(size=N)),
        ),
        Case(
            "cg-dense",
            lambda a, b: sparse.cg((a + mg.matrix_transpose(a)) / 2, b, rtol=rtol_of(b))[0],
            lambda a, b: CG(a, b, rtol=1e-14)[0],
            (P.toarray(), rng.normal(size=N)),
        ),
    ]
)


def rtol_of(b):
    """How near cg comes in a dtype."""
    return 1e-14 if np.asarray(0, getattr(b, "dtype", float)).dtype == np.float64 else 1e-5


# Constants of SciPy's

FORMATS = ("bsr", "coo", "csc", "csr", "dia", "dok", "lil")
CONSTANTS = {
    "x @ S": (lambda s, x: x @ s, (2,)),
    "X @ S": (lambda s, x: x @ s, (4, 2)),
    "stack @ S": (lambda s, x: x @ s, (2, 4, 2)),
    "matmul(S, x)": (sparse.matmul, (3,)),
    "matmul(S, X)": (sparse.matmul, (3, 2)),
    "matmul(S, stack)": (sparse.matmul, (2, 3, 2)),
    "np.matmul(S, x)": (np.matmul, (3,)),
    "S + X": (lambda s, x: s + x, (2, 3)),
    "X + S": (lambda s, x: x + s, (2, 3)),
    "S - X": (lambda s, x: s - x, (2, 1)),
    "X - S": (lambda s, x: x - s, (3,)),
}


@pytest.mark.parametrize("use", CONSTANTS)
@pytest.mark.parametrize("form", FORMATS)
def test_constants_are_as_their_values(form, use):
    """Arrays and matrices of each format: values and gradients; tangents, second derivatives and maps."""
    f, shape = CONSTANTS[use]
    x, u = rng.normal(size=(2, *shape))
    for kind in ("array", "matrix"):
        s = getattr(scipy.sparse, f"{form}_{kind}")(D)
        loss, want = (lambda x, s=s: mg.sum(f(s, x) ** 3)), (lambda x: mg.sum(f(D, x) ** 3))
        y = f(s, mg.tensor(x))
        assert isinstance(y, mg.Tensor)
        np.testing.assert_allclose(y.numpy(), f(D, x), rtol=1e-12)
        np.testing.assert_allclose(mg.grad(loss)(x), mg.grad(want)(x), rtol=1e-12)
        if form != "csr":
            continue  # what follows is the same for all
        np.testing.assert_allclose(mg.jvp(loss, (x,), (u,))[1], mg.jvp(want, (x,), (u,))[1], rtol=1e-12)
        np.testing.assert_allclose(mg.hessian(loss)(x), mg.hessian(want)(x), rtol=1e-12, atol=1e-12)
        batch = np.stack([x, u])
        np.testing.assert_allclose(mg.vmap(loss)(batch), mg.vmap(want)(batch), rtol=1e-12)
        np.testing.assert_allclose(mg.vmap(mg.grad(loss))(batch), mg.vmap(mg.grad(want))(batch), rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["numpy", "native"])
@pytest.mark.parametrize("form", ["coo", "csc", "csr"])
@pytest.mark.parametrize("use", ["matmul(S, X)", "X @ S", "S + X"])
def test_a_replay_reads_the_values_of_constants_again(use, form, backend):
    """Values that are changed in place between two calls count, as those of an ndarray do."""
    f, shape = CONSTANTS[use]
    s, x = getattr(scipy.sparse, f"{form}_array")(D), rng.normal(size=shape)
    compiled = mg.compile(mg.grad(lambda x: mg.sum(f(s, x) ** 2)), backend=backend)
    for _ in range(2):
        compiled(x)
        np.testing.assert_allclose(
            compiled(2 * x), mg.grad(lambda x: mg.sum(f(s.toarray(), x) ** 2))(2 * x), rtol=1e-13
        )
        s.data *= 2


def test_dtypes_of_constants_are_promoted_as_those_of_arrays():
    """Float32 with float32 stays, integers and booleans count as numbers; the gradient has its array's dtype."""
    x = rng.normal(size=3).astype(np.float32)
    for dtype in (np.float32, np.float64, np.int64, bool):
        s = scipy.sparse.csr_array(D.astype(dtype))
        y = sparse.matmul(s, mg.tensor(x))
        assert y.dtype == np.result_type(dtype, np.float32)
        np.testing.assert_allclose(y.numpy(), D.astype(dtype) @ x, rtol=1e-6)
        assert mg.grad(lambda x, s=s: mg.sum(sparse.matmul(s, x)))(x).dtype == np.float32


def test_sparse_vectors_are_taken_by_their_values():
    """Arrays of one axis, which newer versions of SciPy have."""
    s = scipy.sparse.coo_array(np.array([1.0, 0, 2]))
    np.testing.assert_array_equal(mg.grad(lambda x: sparse.matmul(s, x))(np.ones(3)), [1, 0, 2])


REFUSED = {
    "S @ x": (
        lambda: S @ mg.tensor(np.ones(N), requires_grad=True),
        TypeError,
        r"or mg.scipy.sparse.matmul\(S, x\) for S @ x",
    ),
    "complex": (
        lambda: sparse.matmul(S * 1j, mg.tensor(np.ones(N))),
        TypeError,
        "matmul takes real numbers; got a scipy.sparse.csr_array of complex128. Use x.real and x.imag",
    ),
    "shapes of a constant": (
        lambda: sparse.matmul(S, mg.tensor(np.ones(4))),
        ValueError,
        r"matmul of \(6, 6\) and \(4,\): the last axis of the left operand is as long as the last but one",
    ),
    "two": (
        lambda: sparse.csr_array(S) @ S,
        TypeError,
        r"the product of two sparse matrices has no derivative here. Use one's toarray\(\)",
    ),
    "shapes": (
        lambda: sparse.csr_array(R) @ np.ones(4),
        ValueError,
        r"matmul of shapes \(4, 6\) and \(4,\): the inner axes differ in length",
    ),
    "number": (lambda: sparse.csr_array(R) @ 2.0, ValueError, r"\(4, 6\) and \(\): the inner axes differ"),
    "parts": (
        lambda: sparse.csr_array(D),
        TypeError,
        r"csr_array takes \(data, indices, indptr\), or a matrix of scipy.sparse; got a ndarray",
    ),
    "data": (
        lambda: sparse.csr_array((D, [0], [0, 1])),
        ValueError,
        r"data along one axis; got an array of shape \(2, 3\)",
    ),
    "system": (
        lambda: sparse.spsolve(D, np.ones(2)),
        TypeError,
        "spsolve takes a matrix of scipy.sparse, or a csr_array",
    ),
    "square": (
        lambda: sparse.spsolve(R, np.ones(4)),
        ValueError,
        r"spsolve takes a square matrix; got one of shape \(4, 6\)",
    ),
    "rows": (
        lambda: sparse.spsolve(S, np.ones(4)),
        ValueError,
        "spsolve of 6 equations takes a right-hand side of 6 rows",
    ),
    "sparse b": (
        lambda: sparse.spsolve(S, S),
        TypeError,
        r"spsolve takes a dense right-hand side; .* Use b.toarray\(\)",
    ),
    "singular": (
        lambda: sparse.spsolve(scipy.sparse.csr_array((2, 2)), np.ones(2)),
        LinAlgError,
        r"spsolve of a sparse matrix of shape \(2, 2\): Factor is exactly singular",
    ),
    "cg b": (
        lambda: sparse.cg(P, np.ones((N, 1))),
        ValueError,
        r"cg takes a right-hand side of one axis; got .* \(6, 1\)",
    ),
    "cg A": (
        lambda: sparse.cg(D, np.ones(2)),
        ValueError,
        r"cg of 2 equations takes a matrix of shape \(2, 2\); got \(2, 3\)",
    ),
    "cg operator": (
        lambda: sparse.cg(scipy.sparse.linalg.aslinearoperator(P), np.ones(N)),
        TypeError,
        "cg takes a matrix, whose values it differentiates by; got an operator. Use its dense or sparse matrix",
    ),
    "cg rows": (lambda: sparse.cg(P, np.ones(4)), ValueError, "cg of 6 equations takes a right-hand side of 6 rows"),
    "cg": (
        lambda: sparse.cg(P, np.ones(N), maxiter=2),
        LinAlgError,
        "cg has not come to rtol=1e-05, atol=0 within 2 iterations. Allow more by maxiter=, give a preconditioner M=",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_what_is_wanted(name):
    call, kind, text = REFUSED[name]
    with pytest.raises(kind, match=text):
        call()


def test_a_matrix_has_the_parts_of_scipys():
    """Built of its parts, or of one of SciPy's, in any format."""
    for a in (sparse.csr_array((S.data, S.indices, S.indptr)), sparse.csr_array(S.tocoo())):
        assert a.shape == S.shape
        assert a.dtype == float
        assert a.ndim == 2
        np.testing.assert_array_equal(a.indices, S.indices)
        np.testing.assert_array_equal(a.indptr, S.indptr)
        np.testing.assert_array_equal(a.toarray(), S.toarray())
        np.testing.assert_array_equal(a.T.toarray(), S.toarray().T)
    assert repr(a) == f"<csr_array of shape (6, 6), {S.nnz} values of float64>"


def test_values_at_one_place_are_added():
    """As in SciPy, also in the derivatives."""
    a = lambda data: sparse.csr_array((data, [0, 0, 1], [0, 2, 3]), (2, 2))
    data, b = np.array([1.0, 2.0, 4.0]), np.array([6.0, 8.0])
    np.testing.assert_array_equal(a(data) @ b, [18, 32])
    np.testing.assert_array_equal(mg.grad(lambda data: mg.sum(a(data).toarray() * D[:, :2]))(data), [1, 1, 3])
    np.testing.assert_allclose(sparse.spsolve(a(data), b), [2, 2])
    np.testing.assert_allclose(mg.grad(lambda data: mg.sum(sparse.spsolve(a(data), b)))(data), [-2 / 3, -2 / 3, -0.5])


def test_one_column_is_solved_as_scipy_does():
    """A right-hand side (n, 1) has a solution of shape (n,)."""
    b = rng.normal(size=(N, 1))
    np.testing.assert_allclose(sparse.spsolve(S, b), SOLVE(S, b), rtol=1e-12)


def test_the_backward_pass_uses_the_factors_again(monkeypatch):
    """One factorisation serves the solution and its derivative; other values have their own."""
    count, splu = [], scipy.sparse.linalg.splu
    monkeypatch.setattr(
        scipy.sparse.linalg, "splu", lambda *args, **options: (count.append(1), splu(*args, **options))[1]
    )
    mg.grad(lambda b: mg.sum(sparse.spsolve(S, b) ** 2))(np.ones(N))
    assert len(count) == 1
    a = sparse.csr_array(S)
    sparse.spsolve(a, np.ones(N))
    a.data[0] *= 2
    np.testing.assert_allclose(sparse.spsolve(a, np.ones(N)), SOLVE(a.pattern.matrix(a.data), np.ones(N)), rtol=1e-12)


def test_conjugate_gradients_take_what_scipys_take():
    """A start, a preconditioner and a callback, for the first solution; the preconditioner for derivatives as well."""
    calls, b = [], rng.normal(size=N)
    inverse = scipy.sparse.linalg.LinearOperator((N, N), matvec=lambda x: np.linalg.solve(P.toarray(), x))
    x, info = sparse.cg(
        P, b, x0=mg.tensor(np.zeros(N)), rtol=1e-12, M=inverse, callback=lambda x: calls.append(x), maxiter=3
    )
    assert info == 0
    assert 1 <= len(calls) <= 2
    np.testing.assert_allclose(x, np.linalg.solve(P.toarray(), b), rtol=1e-10)
    got = mg.grad(lambda b: mg.sum(sparse.cg(P, b, rtol=0, atol=1e-12, M=inverse, maxiter=3)[0]))(b)
    np.testing.assert_allclose(got, np.linalg.solve(P.toarray(), np.ones(N)), rtol=1e-4)


@pytest.mark.parametrize("shape", [(6,), (6, 2)])
def test_one_matrix_for_all_entries_of_a_batch(shape):
    """Products and solutions of vectors and of matrices, with their derivatives, are those of each entry."""
    rng = np.random.default_rng(SEED)
    a = scipy.sparse.random_array((6, 6), density=0.4, rng=rng) + 6 * scipy.sparse.eye_array(6)
    values, xs = sparse.csr_array(a), rng.normal(size=(3, *shape))
    for f in (lambda x: values @ x, lambda x: sparse.spsolve(values, x), lambda x: sparse.matmul(a, x)):
        np.testing.assert_allclose(mg.vmap(f)(xs), np.stack([f(x) for x in xs]), rtol=1e-12)
        slope = mg.grad(lambda x, f=f: np.sum(f(x) ** 2))
        np.testing.assert_allclose(mg.vmap(slope)(xs), np.stack([slope(x) for x in xs]), rtol=1e-11)
