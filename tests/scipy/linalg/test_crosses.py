"""Every function of `mg.scipy.linalg`, as SciPy's of the same name, in all modes and forms."""

import numpy as np
import scipy.linalg

import minigrad as mg

from ..crosses import SEED, both, crosses

rng = np.random.default_rng(SEED)


def normal(*shape):
    return rng.normal(size=shape)


def spread(n):
    """A matrix far from singular, whose eigenvalues are positive."""
    return 0.3 * normal(n, n) + 2 * np.eye(n)


def definite(n):
    a = spread(n)
    return a @ a.T


def symmetric(a):
    """Of which the derivative is measured by steps in all directions, as that of Cholesky's factor is symmetric."""
    a = mg.asarray(a)
    return (a + a.mT) / 2


def case(name, call, *arrays):
    return both(name, call, mg.scipy.linalg, scipy.linalg, *arrays)


def in_matrix(ab, lower):
    """A store of diagonals with zeros outside of the matrix, where SciPy leaves what was there."""
    rows, n = ab.shape
    place = np.arange(rows)[:, None] if lower else rows - 1 - np.arange(rows)[:, None]
    inside = np.arange(n) < n - place if lower else np.arange(n) >= place
    return np.where(inside, ab, 0)


GENERAL = np.vstack([0.3 * normal(1, 5), normal(1, 5) + 4, 0.3 * normal(2, 5)])  # one diagonal above, two below
UPPER = np.vstack([0.3 * normal(2, 5), 0.1 * normal(1, 5) + 3])
TRIANGULAR = [
    case(
        f"solve_triangular-{trans}{lower}{unit}",
        lambda m, a, b, options=(trans, lower, unit): m.solve_triangular(a, b, *options),
        spread(3),
        normal(*shape),
    )
    for trans, lower, unit, shape in [
        (0, False, False, (3, 2)),
        ("N", True, False, (3,)),
        (1, False, True, (3,)),
        ("T", True, True, (3, 2)),
        ("C", True, False, (3, 1)),
    ]
]
FACTORS = [
    case("cholesky", lambda m, a: m.cholesky(symmetric(a)), definite(3)),
    case("cholesky-lower", lambda m, a: m.cholesky(symmetric(a), lower=True), definite(3)),
    case("cho_solve", lambda m, a, b: m.cho_solve(m.cho_factor(symmetric(a)), b), definite(3), normal(3, 2)),
    case(
        "cho_solve-lower",
        lambda m, a, b: m.cho_solve(m.cho_factor(symmetric(a), lower=True), b),
        definite(3),
        normal(3),
    ),
    case("cho_solve-given", lambda m, c, b: m.cho_solve((c, True), b), spread(3), normal(3)),
    case("lu_factor", lambda m, a: m.lu_factor(a)[0], normal(4, 4)),
    case("lu_factor-tall", lambda m, a: m.lu_factor(a)[0], normal(4, 2)),
    case("lu_factor-wide", lambda m, a: m.lu_factor(a)[0], normal(2, 4)),
    case("lu_solve", lambda m, a, b: m.lu_solve(m.lu_factor(a), b), normal(4, 4), normal(4, 2)),
    case("lu_solve-transposed", lambda m, a, b: m.lu_solve(m.lu_factor(a), b, trans=1), normal(4, 4), normal(4)),
    case("lu_solve-given", lambda m, lu, b: m.lu_solve((lu, np.array([2, 1, 2])), b), spread(3), normal(3)),
]
BANDED = [
    case("solve_banded", lambda m, ab, b: m.solve_banded((2, 1), ab, b), GENERAL, normal(5, 2)),
    case("solve_banded-one", lambda m, ab, b: m.solve_banded((2, 1), ab, b), GENERAL, normal(5)),
    case("solve_banded-wide", lambda m, ab, b: m.solve_banded((3, 0), ab, b), GENERAL[[1, 0, 2, 3], :2], normal(2)),
    case("solveh_banded", lambda m, ab, b: m.solveh_banded(ab, b), UPPER, normal(5)),
    case("solveh_banded-lower", lambda m, ab, b: m.solveh_banded(ab, b, lower=True), UPPER[::-1], normal(5, 2)),
    case("cholesky_banded", lambda m, ab: in_matrix(m.cholesky_banded(ab), False), UPPER),
    case("cholesky_banded-lower", lambda m, ab: in_matrix(m.cholesky_banded(ab, lower=True), True), UPPER[::-1]),
    case("cholesky_banded-wide", lambda m, ab: in_matrix(m.cholesky_banded(ab, lower=True), True), UPPER[::-1, :2]),
    case("cho_solve_banded", lambda m, cb, b: m.cho_solve_banded((cb, False), b), UPPER, normal(5)),
    case("cho_solve_banded-lower", lambda m, cb, b: m.cho_solve_banded((cb, True), b), UPPER[::-1], normal(5, 2)),
]
STRUCTURED = [
    case("block_diag", lambda m, a, b, c: m.block_diag(a, b, c), normal(2, 2), normal(3), normal(2, 1)),
    case("toeplitz", lambda m, c, r: m.toeplitz(c, r), normal(3), normal(4)),
    case("toeplitz-symmetric", lambda m, c: m.toeplitz(c), normal(3)),
    case(
        "solve_toeplitz",
        lambda m, c, r, b: m.solve_toeplitz((c, r), b),
        *(np.append(4, normal(3)), np.append(4, normal(3)), normal(4, 2)),
    ),
    case("solve_toeplitz-symmetric", lambda m, c, b: m.solve_toeplitz(c, b), np.append(4, normal(3)), normal(4)),
]
FUNCTIONS = [
    case("expm", lambda m, a: m.expm(a), normal(3, 3)),
    case("logm", lambda m, a: m.logm(a), spread(2)),
    case("sqrtm", lambda m, a: m.sqrtm(a), spread(3)),
    case("solve_sylvester", lambda m, a, b, q: m.solve_sylvester(a, b, q), spread(3), spread(2), normal(3, 2)),
    case("solve_continuous_lyapunov", lambda m, a, q: m.solve_continuous_lyapunov(a, q), spread(3), normal(3, 3)),
]

TestCrosses = crosses([*TRIANGULAR, *FACTORS, *BANDED, *STRUCTURED, *FUNCTIONS])
