"""Powers, products and inverses of matrices, also of those that an array of more axes holds."""

import operator

import numpy as np
from numpy.linalg import LinAlgError

from ..core.door import plain, raise_if, unwrap
from ..core.primitive import composed
from ..rules.inverses import least_squares, parts_of_solution, pseudo_inverse
from ..rules.precision import as_floats
from .statistics import as_array


@composed(np.linalg.pinv)
def pinv(a, rcond=None, hermitian=False, *, rtol=np._NoValue):
    if rcond is not None and rtol is not np._NoValue:
        raise ValueError("pinv takes rtol= or rcond=, which mean the same; got both")
    if rcond is None:
        rcond = 1e-15 if rtol is np._NoValue else rtol
    if rcond is None:
        rcond = max(a.shape[-2:]) * np.finfo(a.dtype).eps
    return pseudo_inverse(a, rcond=rcond, hermitian=bool(hermitian))


@composed(np.linalg.lstsq)
def lstsq(a, b, rcond=None):
    a, b = as_floats(as_array(a)), as_floats(as_array(b))
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        raise LinAlgError(
            f"lstsq takes a matrix and a right-hand side of as many rows, of one or two axes; got shapes {a.shape} and "
            f"{b.shape}. Use mg.vmap(np.linalg.lstsq) for stacks"
        )
    if rcond is None:
        rcond = max(a.shape) * np.finfo(np.result_type(a.dtype, b.dtype)).eps
    columns = b if b.ndim == 2 else b[:, None]
    x, left, rank, s = parts_of_solution(least_squares(a, columns, rcond=rcond), a, columns)
    x = x if b.ndim == 2 else x[:, 0]
    return x, left if _has_left_over(rank, a) else left[:0], rank.astype(np.int32), s


def _has_left_over(rank, a):
    if a.shape[0] <= a.shape[1]:
        return False
    full = bool(np.all(unwrap(rank) == a.shape[1]))
    raise_if((plain(rank) == a.shape[1]) != full, _other_rank)
    return full


def _other_rank():
    return LinAlgError(
        "the sums of squares that lstsq leaves are given for matrices of full rank, so all matrices of a batch, and "
        "all that a compiled function meets, are of full rank, or none. Call lstsq for each kind by itself"
    )


def _check_square(name, a):
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise LinAlgError(f"{name} takes square matrices, or a stack of them; got shape {a.shape}")


@composed(np.linalg.matrix_power)
def matrix_power(a, n):
    _check_square("matrix_power", a)
    n = operator.index(n)
    if n == 0:
        every = np.ones_like(a, dtype=bool)
        one = np.cumsum(every, axis=-1) == np.cumsum(every, axis=-2)
        return np.where(every, one.astype(a.dtype), a)
    square, n, power = a if n > 0 else np.linalg.inv(a), abs(n), None
    if n == 3:  # as NumPy rounds it
        return (square @ square) @ square
    while True:
        if n % 2:
            power = square if power is None else power @ square
        n //= 2
        if not n:
            return power
        square = square @ square


def _order(lengths):
    """Where to split each product of a chain of matrices last, for the fewest multiplications."""
    n = len(lengths) - 1
    cost, split = {(i, i): 0 for i in range(n)}, {}
    for size in range(1, n):
        for i in range(n - size):
            j = i + size
            costs = [cost[i, k] + cost[k + 1, j] + lengths[i] * lengths[k + 1] * lengths[j + 1] for k in range(i, j)]
            cost[i, j] = min(costs)
            split[i, j] = i + costs.index(cost[i, j])
    return split


def _chain_product(matrices, split, i, j):
    if i == j:
        return matrices[i]
    k = split[i, j]
    return np.dot(_chain_product(matrices, split, i, k), _chain_product(matrices, split, k + 1, j))


@composed(np.linalg.multi_dot, sequence=True)
def multi_dot(arrays):
    arrays = [as_array(x) for x in arrays]
    if len(arrays) < 2:
        raise ValueError(f"multi_dot takes two arrays or more; got {len(arrays)}")
    if not all(x.ndim == 2 or (x.ndim == 1 and i in (0, len(arrays) - 1)) for i, x in enumerate(arrays)):
        raise LinAlgError(
            f"multi_dot takes matrices, and vectors first and last; got shapes {[x.shape for x in arrays]}"
        )
    if len(arrays) == 2:
        return np.dot(*arrays)
    first, last = arrays[0], arrays[-1]
    matrices = [first[None] if first.ndim == 1 else first, *arrays[1:-1], last[:, None] if last.ndim == 1 else last]
    split = _order([matrices[0].shape[0], *(x.shape[1] for x in matrices)])
    y = _chain_product(matrices, split, 0, len(matrices) - 1)
    y = y[0] if first.ndim == 1 else y
    return y[..., 0] if last.ndim == 1 else y


@composed(np.linalg.tensorinv)
def tensorinv(a, ind=2):
    if ind <= 0:
        raise ValueError(f"tensorinv takes ind= of 1 or more, the number of first axes; got {ind}")
    first, rest = a.shape[:ind], a.shape[ind:]
    if (n := int(np.prod(rest))) != int(np.prod(first)):
        raise LinAlgError(f"tensorinv takes first and last axes with as many elements; got shapes {first} and {rest}")
    return np.reshape(np.linalg.inv(np.reshape(a, (n, n))), rest + first)


@composed(np.linalg.tensorsolve)
def tensorsolve(a, b, axes=None):
    a, b = as_array(a), as_array(b)
    if axes is not None:
        a = np.moveaxis(a, axes, range(a.ndim - len(axes), a.ndim))
    shape = a.shape[b.ndim :]
    if a.size != (n := int(np.prod(shape))) ** 2 or b.size != n:
        raise LinAlgError(
            f"tensorsolve takes a with the axes of b, and then axes with as many elements; got shapes {a.shape} and "
            f"{b.shape}"
        )
    return np.reshape(np.linalg.solve(np.reshape(a, (n, n)), np.reshape(b, -1)), shape)


@composed(np.kron)
def kron(a, b):
    a, b = as_array(a), as_array(b)
    n = max(a.ndim, b.ndim)
    lengths = [(1,) * (n - x.ndim) + x.shape for x in (a, b)]
    a, b = (np.reshape(x, shape) for x, shape in zip((a, b), lengths, strict=True))
    y = np.expand_dims(a, tuple(range(1, 2 * n, 2))) * np.expand_dims(b, tuple(range(0, 2 * n, 2)))
    return np.reshape(y, tuple(i * j for i, j in zip(*lengths, strict=True)))
