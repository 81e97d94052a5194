"""Products, norms and determinants that are made of others."""

from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple
from numpy.linalg import LinAlgError

from ..core.primitive import Primitive, composed, constant
from ..rules.batching import trailing
from ..rules.decompositions import extreme_singular_value, nuclear_norm
from ..rules.linalg import logabsdet
from ..rules.precision import as_floats
from ..rules.reductions import total
from .reductions import vector_norm


@composed(np.tensordot)
def tensordot(a, b, axes=2):
    n, m = np.ndim(a), np.ndim(b)
    if not np.iterable(axes):
        axes = (range(n - axes, n), range(axes))
    left, right = (list(normalize_axis_tuple(part, k, "axes")) for part, k in zip(axes, (n, m), strict=True))
    lengths = [np.shape(a)[i] for i in left], [np.shape(b)[i] for i in right]
    if lengths[0] != lengths[1]:
        raise ValueError(f"the axes to sum over have equal lengths; got {lengths[0]} and {lengths[1]}")
    free_a, free_b = [i for i in range(n) if i not in left], [i for i in range(m) if i not in right]
    shape = [np.shape(a)[i] for i in free_a] + [np.shape(b)[i] for i in free_b]
    inner = int(np.prod(lengths[0]))
    rows = np.reshape(np.transpose(a, free_a + left), (int(np.prod(shape[: len(free_a)])), inner))
    columns = np.reshape(np.transpose(b, right + free_b), (inner, int(np.prod(shape[len(free_a) :]))))
    return np.reshape(np.matmul(rows, columns), shape)


@composed(np.dot)
def dot(a, b):
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    return np.matmul(a, b) if np.ndim(b) <= 2 else np.tensordot(a, b, axes=(-1, -2))


@composed(np.inner)
def inner(a, b):
    return np.tensordot(a, b, axes=(-1, -1)) if np.ndim(a) and np.ndim(b) else np.multiply(a, b)


composed(np.vdot)(lambda a, b: np.matmul(np.reshape(a, -1), np.reshape(b, -1)))
composed(np.outer)(lambda a, b: np.reshape(a, (-1, 1)) * np.reshape(b, -1))


@composed(np.cross)
def cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis,) * 3
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    return np.moveaxis(np.linalg.cross(a, b), -1, axisc)


def sign_of_det(x):
    """The determinant's sign."""
    return np.linalg.slogdet(x)[0]


class SlogdetResult(NamedTuple):
    """The sign of a determinant and the logarithm of its absolute value."""

    sign: Any
    logabsdet: Any


sign_of_det = constant(sign_of_det, batch=trailing(2))
composed(np.linalg.slogdet)(lambda a: SlogdetResult(sign_of_det(a), logabsdet(a)))


@composed(np.linalg.matrix_norm)
def matrix_norm(x, /, *, keepdims=False, ord="fro"):
    x = as_floats(x)
    if ord in ("fro", None):
        return vector_norm(x, axis=(-2, -1), keepdims=keepdims)
    if ord in (1, 2, np.inf) and not x.size:  # the largest of nothing is 0
        return total(x, axis=(-2, -1), keepdims=keepdims)
    if ord in (1, -1, np.inf, -np.inf):
        along, pick = (-1, -2)[abs(ord) == 1], np.max if ord > 0 else np.min
        y = pick(total(np.abs(x), axis=along, keepdims=True), axis=(-2, -1), keepdims=True)
    elif ord in (2, -2):
        y = np.expand_dims(extreme_singular_value(x, ord > 0), (-2, -1))
    elif ord == "nuc":
        y = np.expand_dims(nuclear_norm(x), (-2, -1))
    else:
        raise ValueError(f"a matrix norm has ord 'fro', 'nuc', 1, -1, 2, -2, inf or -inf; got {ord!r}")
    return y if keepdims else y[..., 0, 0]


@composed(np.linalg.norm)
def norm(x, ord=None, axis=None, keepdims=False):
    if ord is None:
        return vector_norm(x, axis=axis, keepdims=keepdims)
    axes = tuple(range(np.ndim(x))) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if len(axes) == 1:
        return vector_norm(x, axis=axes[0], keepdims=keepdims, ord=ord)
    if len(axes) != 2:
        raise ValueError(f"a norm with ord= is over one axis, or two; got {axes}")
    y = matrix_norm(np.moveaxis(x, axes, (-2, -1)), keepdims=keepdims, ord=ord)
    return np.moveaxis(y, (-2, -1), axes) if keepdims else y


@composed(np.linalg.cond)
def cond(x, p=None):
    if 0 in np.shape(x)[-2:]:
        raise LinAlgError("a condition number is not defined on empty matrices")
    if p in (None, 2, -2):
        largest, smallest = extreme_singular_value(x, True), extreme_singular_value(x, False)
        with np.errstate(divide="ignore", invalid="ignore"):  # of a singular matrix it is infinite, and of zeros
            return np.where(largest == 0, np.inf, smallest / largest if p == -2 else largest / smallest)
    try:
        inverse = np.linalg.inv(x)
    except LinAlgError:
        return cond_of_singular(x, p)
    return matrix_norm(x, ord=p) * matrix_norm(inverse, ord=p)


cond_of_singular = Primitive(np.linalg.cond, (), "general")  # it is infinite, so there is no rule


# Names in np.linalg

composed(np.linalg.matmul)(lambda x1, x2, /: np.matmul(x1, x2))
composed(np.linalg.tensordot)(lambda x1, x2, /, *, axes=2: np.tensordot(x1, x2, axes=axes))
composed(np.linalg.vecdot)(lambda x1, x2, /, *, axis=-1: np.vecdot(x1, x2, axis=axis))
composed(np.linalg.matrix_transpose)(lambda x, /: np.matrix_transpose(x))
composed(np.linalg.diagonal)(lambda x, /, *, offset=0: np.diagonal(x, offset, -2, -1))
composed(np.linalg.trace)(lambda x, /, *, offset=0: np.trace(x, offset, -2, -1))


@composed(np.linalg.outer)
def outer(x1, x2, /):
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(f"linalg.outer takes arrays of one axis; got shapes {np.shape(x1)} and {np.shape(x2)}")
    return np.outer(x1, x2)
