"""What `mg.scipy.linalg` refuses, takes in stacks and other types, and identities of its derivatives."""

import numpy as np
import pandas as pd
import pytest
import scipy.linalg
from numpy.linalg import LinAlgError

import minigrad as mg
from minigrad.scipy import linalg

from ..crosses import SEED

rng = np.random.default_rng(SEED)
A, B = 0.3 * rng.normal(size=(3, 3)) + 2 * np.eye(3), rng.normal(size=(3, 2))
BANDS = np.array([[0.0, 1, 1], [4, 4, 4], [1, 1, 0]])
NAN = np.full((3, 3), np.nan)

REFUSED = {
    "no matrix": (
        lambda: linalg.expm([1.0, 2.0]),
        ValueError,
        r"expm takes matrices, or stacks of them; got an array of shape \(2,\)",
    ),
    "not square": (lambda: linalg.logm(B), ValueError, r"logm takes square matrices; got an array of shape \(3, 2\)"),
    "complex": (
        lambda: linalg.sqrtm(A * 1j),
        TypeError,
        r"sqrtm takes real numbers; got an array of complex128. Use x.real and x.imag, or x.astype\(float\)",
    ),
    "masked": (
        lambda: linalg.expm(np.ma.array(A)),
        TypeError,
        "expm takes arrays and numbers with NumPy's own arithmetic",
    ),
    "rows": (
        lambda: linalg.solve_triangular(A, np.ones(4)),
        ValueError,
        r"solve_triangular of 3 equations takes a right-hand side of 3 rows; got an array of shape \(4,\)",
    ),
    "number": (
        lambda: linalg.cho_solve((A, True), 1.0),
        ValueError,
        r"right-hand side of 3 rows; got an array of shape \(\)",
    ),
    "trans": (
        lambda: linalg.solve_triangular(A, B, trans=3),
        ValueError,
        "solve_triangular takes trans=0 or 'N' for a, 1, 2, 'T' or 'C' for its transpose; got 3",
    ),
    "singular": (lambda: linalg.solve_triangular(np.zeros((3, 3)), B), LinAlgError, "singular matrix"),
    "singular lu": (
        lambda: linalg.lu_solve((np.zeros((3, 3)), np.arange(3)), B),
        LinAlgError,
        "singular matrix",
    ),
    "indefinite": (lambda: linalg.cho_factor(-A), LinAlgError, "not positive definite"),
    "bands": (
        lambda: linalg.solve_banded((2, 1), BANDS, B),
        ValueError,
        r"solve_banded with 2 diagonals below and 1 above takes 4 rows of diagonals; got an array of shape \(3, 3\)",
    ),
    "negative bands": (lambda: linalg.solve_banded((3, -1), BANDS, B), ValueError, "3 diagonals below and -1 above"),
    "q": (
        lambda: linalg.solve_sylvester(A, A, B),
        ValueError,
        r"solve_sylvester of a \(3, 3\) and b \(3, 3\) takes a q of shape \(3, 3\); got \(3, 2\)",
    ),
    "no solution": (
        lambda: linalg.solve_sylvester(A, -A, A),
        LinAlgError,
        "has no unique solution: an eigenvalue of a is minus one of b, but for rounding",
    ),
    "no logarithm": (
        lambda: linalg.logm(-np.eye(2)),
        LinAlgError,
        r"logm of a matrix of shape \(2, 2\) is not real, and derivatives are of real functions only: the matrix has "
        "an eigenvalue that is negative",
    ),
    "no root": (lambda: linalg.sqrtm(-np.eye(2)), LinAlgError, r"sqrtm of a matrix of shape \(2, 2\) is not real"),
    "root of zero": (
        lambda: mg.grad(lambda a: mg.sum(linalg.sqrtm(a)))(np.diag([1.0, 0.0])),
        LinAlgError,
        "has no derivative where an eigenvalue is 0. Add a multiple of the identity",
    ),
    "blocks": (
        lambda: linalg.block_diag(np.ones((1, 1, 1))),
        ValueError,
        r"block_diag takes arrays of two axes at most; got an array of shape \(1, 1, 1\)",
    ),
    "toeplitz": (
        lambda: linalg.toeplitz(1.0),
        ValueError,
        "toeplitz takes a first column and a first row; got the number c",
    ),
    "toeplitz row": (
        lambda: linalg.solve_toeplitz((np.ones(3), np.ones(2)), B),
        ValueError,
        "solve_toeplitz takes a first row as long as the first column, of 3 numbers; got one of 2",
    ),
}


@pytest.mark.filterwarnings("ignore:Matrix is singular")  # SciPy's, of the root itself
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_what_is_wanted(name):
    call, kind, text = REFUSED[name]
    with pytest.raises(kind, match=text):
        call()


NOT_FINITE = {
    "solve_triangular": lambda **o: linalg.solve_triangular(NAN, B, **o),
    "cho_factor": lambda **o: linalg.cho_factor(NAN, **o),
    "cho_solve": lambda **o: linalg.cho_solve((NAN, True), B, **o),
    "lu_factor": lambda **o: linalg.lu_factor(NAN, **o),
    "lu_solve": lambda **o: linalg.lu_solve((NAN, np.arange(3)), B, **o),
    "solve_banded": lambda **o: linalg.solve_banded((1, 1), NAN, B, **o),
    "solveh_banded": lambda **o: linalg.solveh_banded(NAN, B, **o),
    "cholesky_banded": lambda **o: linalg.cholesky_banded(NAN, **o),
    "cho_solve_banded": lambda **o: linalg.cho_solve_banded((NAN, True), B, **o),
    "solve_toeplitz": lambda **o: linalg.solve_toeplitz(NAN[0], B, **o),
}


@pytest.mark.parametrize("name", NOT_FINITE)
def test_numbers_that_are_not_finite_are_refused_as_by_scipy(name):
    with pytest.raises(ValueError, match="array must not contain infs or NaNs"):
        NOT_FINITE[name]()


def test_a_replay_looks_at_its_own_numbers():
    """The check of a compiled function is of the arrays of the replay, not of those that it was recorded with."""
    f = mg.compile(lambda a: linalg.cho_factor(a)[0])
    f(np.eye(3))
    f(2 * np.eye(3))
    with pytest.raises(ValueError, match="infs or NaNs"):
        f(NAN)


STACKED = {
    "solve_triangular": (lambda m, a, b: m.solve_triangular(a, b), (A, B)),
    "cho_solve": (lambda m, a, b: m.cho_solve(m.cho_factor(a @ a.mT), b), (A, B)),
    "lu_solve": (lambda m, a, b: m.lu_solve(m.lu_factor(a), b), (A, B)),
    "solve_banded": (lambda m, ab, b: m.solve_banded((1, 1), ab, b), (BANDS, B)),
    "solveh_banded": (lambda m, ab, b: m.solveh_banded(ab, b), (BANDS[:2], B)),
    "cholesky_banded": (lambda m, ab: m.cholesky_banded(ab), (BANDS[:2],)),
    "cho_solve_banded": (lambda m, cb, b: m.cho_solve_banded((cb, False), b), (BANDS[:2], B)),
    "solve_sylvester": (lambda m, a, q: m.solve_sylvester(a, a[..., :2, :2], q), (A, B)),
    "expm": (lambda m, a: m.expm(a), (A,)),
    "toeplitz": (lambda m, c, r: m.toeplitz(c, r), (A[0], A[1])),
    "solve_toeplitz": (lambda m, c, b: m.solve_toeplitz(c, b), (np.array([4.0, 1, 1]), B)),
}


@pytest.mark.parametrize("name", STACKED)
def test_stacks_are_loops(name):
    """Stacks of matrices that broadcast: values are those of SciPy for each, gradients those of a loop over them."""
    call, arrays = STACKED[name]
    stacks = [x * np.linspace(1, 1.2, 2 + i).reshape((-1, *(1,) * i, *(1,) * x.ndim)) for i, x in enumerate(arrays)]
    full = [
        np.broadcast_to(
            x, (*np.broadcast_shapes(*(s.shape[: -y.ndim] for s, y in zip(stacks, arrays, strict=True))), *y.shape)
        )
        for x, y in zip(stacks, arrays, strict=True)
    ]
    got = call(linalg, *stacks)
    places = list(np.ndindex(full[0].shape[: -arrays[0].ndim]))
    for i in places:
        np.testing.assert_allclose(got[i], call(scipy.linalg, *(x[i] for x in full)), rtol=1e-12, atol=1e-14)
    whole = mg.grad(lambda *xs: mg.sum(call(linalg, *xs) ** 2), argnums=tuple(range(len(stacks))))
    one_by_one = mg.grad(
        lambda *xs: sum(
            mg.sum(call(linalg, *(np.broadcast_to(x, y.shape)[i] for x, y in zip(xs, full, strict=True))) ** 2)
            for i in places
        ),
        argnums=tuple(range(len(stacks))),
    )
    for g, want in zip(whole(*stacks), one_by_one(*stacks), strict=True):
        np.testing.assert_allclose(g, want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", STACKED)
def test_stacks_of_none_are_none(name):
    """A stack of no matrices has a result of the shape that it has for others, and gradients of no numbers."""
    call, arrays = STACKED[name]
    none = [np.empty((0, *x.shape)) for x in arrays]
    want = call(linalg, *arrays)
    y, pull = mg.vjp(lambda *xs: call(linalg, *xs), *none)
    assert y.shape == (0, *want.shape)
    assert [g.shape for g in pull(y)] == [x.shape for x in none]


def test_integers_become_floats():
    """Integers and booleans, in arrays, Tensors and lists."""
    whole = np.array([[2, 0], [1, 3]])
    want = scipy.linalg.solve_triangular(whole.astype(float), np.array([1.0, 0.0]), lower=True)
    for a in (whole, whole.tolist(), mg.tensor(whole)):
        np.testing.assert_array_equal(linalg.solve_triangular(a, np.array([True, False]), lower=True), want)
    np.testing.assert_array_equal(linalg.expm(whole), scipy.linalg.expm(whole))


def test_frames_are_taken_by_position():
    """Data of pandas beside arrays."""
    frame, series = pd.DataFrame(A, columns=list("abc")), pd.Series(B[:, 0], index=[5, 3, 1])
    x = linalg.lu_solve(linalg.lu_factor(frame), series)
    np.testing.assert_allclose(x, np.linalg.solve(A, B[:, 0]), rtol=1e-13)


def test_arguments_keep_their_values():
    """Options to overwrite are taken, and have no effect."""
    a, b, bands = A.copy(), B.copy(), BANDS.copy()
    linalg.solve_triangular(a, b, overwrite_b=True)
    linalg.lu_solve(linalg.lu_factor(a, overwrite_a=True), b, overwrite_b=True)
    linalg.cho_solve(linalg.cho_factor(a @ a.T, overwrite_a=True), b, overwrite_b=True)
    linalg.solve_banded((1, 1), bands, b, overwrite_ab=True, overwrite_b=True)
    linalg.solveh_banded(bands[:2], b, overwrite_ab=True, overwrite_b=True)
    linalg.cholesky_banded(bands[:2], overwrite_ab=True)
    for now, before in ((a, A), (b, B), (bands, BANDS)):
        np.testing.assert_array_equal(now, before)


def test_pivots_are_those_of_scipy():
    """Integers without a derivative, as many as the shorter side; a list of them serves as well."""
    for shape in ((4, 4), (4, 2), (2, 4)):
        a = rng.normal(size=shape)
        lu, piv = linalg.lu_factor(mg.tensor(a, requires_grad=True))
        np.testing.assert_array_equal(piv, scipy.linalg.lu_factor(a)[1])
        assert piv.dtype == np.int32
        assert lu.requires_grad
    np.testing.assert_allclose(
        linalg.lu_solve((A, [1, 2, 2]), B), scipy.linalg.lu_solve((A, np.array([1, 2, 2])), B), rtol=1e-14
    )


def test_a_factor_is_zero_beyond_its_triangle():
    """SciPy leaves what was there: cho_factor in the other triangle, cholesky_banded outside of the matrix."""
    full = A @ A.T
    c, lower = linalg.cho_factor(full)
    assert lower is False
    np.testing.assert_array_equal(c, np.triu(c))
    assert linalg.cholesky_banded([[7.0, 1, 1], [4, 4, 4]])[0, 0] == 0
    assert linalg.cholesky_banded([[4.0, 4, 4], [1, 1, 7]], lower=True)[1, 2] == 0


def test_no_blocks_are_a_row_of_none():
    """As of SciPy."""
    assert linalg.block_diag().shape == scipy.linalg.block_diag().shape


def test_the_generator_of_everybody_keeps_its_state():
    """SciPy's logm draws from np.random; ours leaves no trace."""
    np.random.seed(3)
    before = np.random.get_state()[1].copy()
    linalg.logm(rng.normal(size=(8, 8)) * 0.1 + 2 * np.eye(8))
    np.testing.assert_array_equal(np.random.get_state()[1], before)


# Identities


def test_expm_along_its_own_matrix():
    """d/dt expm(t a) = a expm(t a), to the third order, also where a is large, tiny or 0."""
    for size in (1.0, 30.0, 1e-12, 0.0):
        a = size * (A - 2 * np.eye(3))
        f = lambda t, a=a: linalg.expm(t * a)
        for order in range(4):
            want = np.linalg.matrix_power(a, order) @ scipy.linalg.expm(a)
            np.testing.assert_allclose(f(1.0), want, rtol=1e-10, atol=1e-11 * np.max(np.abs(want)))
            f = lambda t, f=f: mg.jvp(f, (t,), (1.0,))[1]


def test_logm_undoes_expm_to_second_order():
    """logm(expm(a)) is a: its derivative is the identity, and its second derivative 0."""
    there_and_back = lambda a: linalg.logm(linalg.expm(a))
    a, u = 0.5 * A - np.eye(3), rng.normal(size=(3, 3))
    np.testing.assert_allclose(mg.jvp(there_and_back, (a,), (u,))[1], u, rtol=1e-11, atol=1e-12)
    second = mg.jvp(lambda a: mg.jvp(there_and_back, (a,), (u,))[1], (a,), (u,))[1]
    np.testing.assert_allclose(second, 0, atol=1e-10)


def test_the_derivative_of_a_determinant_is_the_inverse_within_the_bands():
    """By the diagonal of Cholesky's factor: for each stored number the inverse's, twice off the main diagonal."""
    n = 200
    ab = np.vstack([rng.uniform(2, 3, size=n), 0.5 * rng.normal(size=(2, n))])
    logdet = lambda ab: 2 * mg.sum(mg.log(linalg.cholesky_banded(ab, lower=True)[0]))
    dense = sum(np.diag(ab[d, : n - d], -d) for d in range(3))
    inverse = np.linalg.inv(dense + np.tril(dense, -1).T)
    got = mg.grad(logdet)(ab)
    for d in range(3):
        np.testing.assert_allclose(got[d, : n - d], (1 + (d > 0)) * np.diag(inverse, d), rtol=1e-10, atol=1e-12)
        assert not np.any(got[d, n - d :])


def test_banded_systems_are_as_dense_ones():
    """The gradient by each stored number is that of the dense system by the place where it stands."""
    n = 40
    ab, b = rng.normal(size=(4, n)), rng.normal(size=n)
    ab[1] += 5
    rows, columns = np.indices((n, n))
    place = np.clip(1 + rows - columns, 0, 3)
    inside = (rows - columns >= -1) & (rows - columns <= 2)
    dense = lambda ab: np.linalg.solve(mg.where(inside, ab[place, columns], 0.0), b)
    want = mg.grad(lambda ab: mg.sum(dense(ab) ** 2))(ab)
    got = mg.grad(lambda ab: mg.sum(linalg.solve_banded((2, 1), ab, b) ** 2))(ab)
    np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: linalg.solve_triangular(mg.tensor([[1.0, 0.0], [0.0, 0.0]]), np.ones(2)), "solve_triangular"),
        (lambda: linalg.solve_toeplitz(mg.tensor([0.0, 0.0]), np.ones(2)), "solve_toeplitz"),
        (lambda: linalg.sqrtm(mg.tensor(-np.eye(2))), "sqrtm"),
        (lambda: linalg.solve_sylvester(mg.tensor(np.eye(2)), -np.eye(2), np.ones((2, 2))), "solve_sylvester"),
    ],
)
def test_errors_begin_with_the_name_of_the_function(call, name):
    with pytest.raises(np.linalg.LinAlgError, match=f"^{name} of "):
        call()
