"""Joining, cutting, repeating and turning arrays."""

from operator import index

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..core.primitive import composed
from ..rules.batching import one_entry
from ..rules.positions import repeated
from ..rules.structure import astype
from ..rules.structure import reshape as reshape_primitive
from .reductions import composed_by_name


@composed(np.moveaxis)
def moveaxis(a, source, destination):
    n = np.ndim(a)
    source = normalize_axis_tuple(source, n, "source")
    destination = normalize_axis_tuple(destination, n, "destination")
    order = [i for i in range(n) if i not in source]
    for there, here in sorted(zip(destination, source, strict=True)):
        order.insert(there, here)
    return np.transpose(a, tuple(order))


@composed(np.swapaxes)
def swapaxes(a, axis1, axis2):
    order = list(range(np.ndim(a)))
    i, j = normalize_axis_index(axis1, len(order)), normalize_axis_index(axis2, len(order))
    order[i], order[j] = j, i
    return np.transpose(a, tuple(order))


@composed(np.reshape)
def reshape(a, shape, order="C"):
    if order == "A":
        order = "F" if _is_fortran(a) else "C"
    return reshape_primitive(a, shape) if order == "C" else reshape_primitive(a, shape, order)


@composed(np.ravel)
def ravel(a, order="C"):
    if order == "K":
        a, order = np.transpose(a, _order_in_memory(a)), "C"
    return np.reshape(a, -1, order=order)


def _is_fortran(a):
    flags = one_entry(a).flags
    return flags.f_contiguous and not flags.c_contiguous


def _order_in_memory(a):
    # The axes by decreasing stride, in NumPy's own sort by insertion: an axis of stride 0 stays where it is.
    strides, order = one_entry(a).strides, []
    for axis in reversed(range(len(strides))):
        place = len(order)
        for i in reversed(range(len(order))):
            if strides[axis] and strides[order[i]]:
                if abs(strides[order[i]]) <= abs(strides[axis]):
                    break
                place = i
        order.insert(place, axis)
    return tuple(reversed(order))


def _at_least(n):
    def widen(*arrays):
        wide = [_widened(x, n) for x in arrays]
        return wide[0] if len(wide) == 1 else tuple(wide)

    return widen


def _widened(x, n):
    # New axes come first; a matrix gets a third axis last, and a row one on either side.
    missing = max(n - np.ndim(x), 0)
    first = missing // 2 if n == 3 else missing
    return np.reshape(x, (*(1,) * first, *np.shape(x), *(1,) * (missing - first)))


composed(np.atleast_1d)(_at_least(1))
composed(np.atleast_2d)(_at_least(2))
composed(np.atleast_3d)(_at_least(3))


@composed(np.hstack, sequence=True)
def hstack(tup):
    arrays = [np.atleast_1d(x) for x in tup]
    return np.concatenate(arrays, axis=1 if arrays and arrays[0].ndim > 1 else 0)


composed(np.vstack, sequence=True)(lambda tup: np.concatenate([np.atleast_2d(x) for x in tup], axis=0))
composed(np.dstack, sequence=True)(lambda tup: np.concatenate([np.atleast_3d(x) for x in tup], axis=2))
composed(np.append)(lambda arr, values, axis=None: np.concatenate([arr, values], axis=axis))


@composed(np.column_stack, sequence=True)
def column_stack(tup):
    return np.concatenate([np.reshape(x, (-1, 1)) if np.ndim(x) < 2 else x for x in tup], axis=1)


# Cutting


@composed(np.array_split)
def array_split(ary, indices_or_sections, axis=0):
    n = np.shape(ary)[normalize_axis_index(axis, np.ndim(ary))]
    if np.ndim(indices_or_sections) == 0:
        if indices_or_sections < 1:
            raise ValueError(f"an array splits into one part or more; got {indices_or_sections}")
        short, longer = divmod(n, indices_or_sections)
        ends = [short * (i + 1) + min(i + 1, longer) for i in range(indices_or_sections)]
    else:
        ends = [*indices_or_sections, n]
    before = (slice(None),) * normalize_axis_index(axis, np.ndim(ary))
    return [ary[*before, start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


@composed(np.split)
def split(ary, indices_or_sections, axis=0):
    n = np.shape(ary)[normalize_axis_index(axis, np.ndim(ary))]
    if np.ndim(indices_or_sections) == 0 and indices_or_sections > 0 and n % indices_or_sections:
        raise ValueError(f"axis {axis} of length {n} does not split into {indices_or_sections} equal parts")
    return np.array_split(ary, indices_or_sections, axis)


composed(np.vsplit)(lambda ary, indices_or_sections: np.split(ary, indices_or_sections, 0))
composed(np.hsplit)(lambda ary, indices_or_sections: np.split(ary, indices_or_sections, 0 if ary.ndim == 1 else 1))
composed(np.dsplit)(lambda ary, indices_or_sections: np.split(ary, indices_or_sections, 2))


def unstack(x, /, *, axis=0):
    """The slices of `x` along `axis`, as a tuple: the inverse of stack."""
    before = (slice(None),) * normalize_axis_index(axis, np.ndim(x))
    return tuple(x[*before, i] for i in range(np.shape(x)[axis]))


unstack = composed_by_name("unstack", unstack)


@composed(np.diff)
def diff(a, n=1, axis=-1, prepend=None, append=None):
    if n < 0:
        raise ValueError(f"differences are taken n times, from 0 on; got {n}")
    if n == 0:
        return a
    before = (slice(None),) * normalize_axis_index(axis, np.ndim(a))
    ends = [e if e is None or np.ndim(e) else _filled(a, e, axis) for e in (prepend, append)]
    if prepend is not None or append is not None:
        a = np.concatenate([part for part in (ends[0], a, ends[1]) if part is not None], axis=axis)
    difference = np.not_equal if a.dtype == bool else np.subtract
    for _ in range(n):
        a = difference(a[*before, 1:], a[*before, :-1])
    return a


def _filled(a, value, axis):
    shape = list(np.shape(a))
    shape[axis] = 1
    dtype = value.dtype if hasattr(value, "dtype") else np.asarray(value).dtype
    return np.zeros_like(a, dtype, shape=tuple(shape)) + value


# Repeating


@composed(np.repeat)
def repeat(a, repeats, axis=None):
    if axis is None or (np.ndim(a) == 0 and axis in (0, -1)):
        return np.repeat(np.reshape(a, -1), repeats, axis=0)
    axis = normalize_axis_index(axis, np.ndim(a))
    counts = repeats.copy() if hasattr(repeats, "dtype") else np.array(repeats)
    one = counts.item() if counts.size == 1 and counts.dtype.kind in "iu" else 0
    if one > 0:
        return repeated(a, one, axis)
    return repeated(a, np.broadcast_to(counts, np.shape(a)[axis]) if counts.size == 1 else counts, axis)


@composed(np.tile)
def tile(A, reps):
    reps = tuple(map(index, reps if np.ndim(reps) else (reps,)))
    n = max(np.ndim(A), len(reps))
    shape = (*(1,) * (n - np.ndim(A)), *np.shape(A))
    reps = (*(1,) * (n - len(reps)), *reps)
    apart = np.reshape(A, [k for length in shape for k in (1, length)])
    wide = np.broadcast_to(apart, [k for pair in zip(reps, shape, strict=True) for k in pair])
    return np.reshape(wide, [r * k for r, k in zip(reps, shape, strict=True)])


@composed(np.broadcast_arrays)
def broadcast_arrays(*args):
    shape = np.broadcast_shapes(*(np.shape(x) for x in args))
    return tuple(np.broadcast_to(x, shape) for x in args)


# Turning

composed(np.fliplr)(lambda m: np.flip(m, 1))
composed(np.flipud)(lambda m: np.flip(m, 0))


@composed(np.rot90)
def rot90(m, k=1, axes=(0, 1)):
    axes = normalize_axis_tuple(axes, np.ndim(m), "axes")
    turned = np.swapaxes(m, *axes) if k % 2 else m
    return np.flip(turned, ((), axes[0], axes, axes[1])[k % 4]) if k % 4 else turned


if hasattr(np, "astype"):  # pragma: no branch: depends on NumPy's version
    composed(np.astype)(lambda x, dtype, /, *, copy=True: astype(x, dtype))
