"""Every transformation of a subject in one combination of layout, dtype and kind of operand, beside what is wanted.

The operands are the arrays that a transformation differentiates by, and those that its function finds outside; the
kind says what either are to whoever calls the transformation.
"""

from contextlib import nullcontext
from functools import partial
from typing import NamedTuple

import numpy as np

import minigrad as mg
from tests.rules.numeric import size_of

from .numeric import read_only

# Layouts: each gives an array of the same values, which lies otherwise in memory


def every_second(x):
    """A view of every second element along each axis; those between are NaN."""
    larger = np.full((2, *(2 * n for n in x.shape)), np.nan, x.dtype)
    view = larger[(0, ..., *(slice(None, None, 2) for _ in x.shape))]
    view[...] = x
    return view


LAYOUTS = {
    "C": lambda x: np.array(x, order="C"),
    "Fortran": lambda x: np.array(x, order="F"),
    "strided": every_second,
    "reversed": lambda x: np.flip(np.flip(x).copy()),
    "read-only": read_only,
    "number": lambda x: x if x.ndim else x[()],  # NumPy's scalar of an array without axes
}
DTYPES = ("float64", "float32")
KINDS = ("array", "constant", "leaf", "watched in reverse", "watched forward")


def fits(subject, layout):
    """Whether the subject's arrays can lie so: a number has no axes."""
    return layout != "number" or any(not x.ndim for x in subject.points)


class Combination(NamedTuple):
    transformation: str
    layout: str
    dtype: str
    kind: str

    def __str__(self):
        return "-".join(self)


class Setting:
    """A subject in a layout and a dtype."""

    def __init__(self, subject, layout, dtype):
        self.subject, self.dtype = subject, dtype
        self.laid = lambda x: LAYOUTS[layout](np.asarray(x, dtype))
        self.arrays = [self.laid(x) for x in subject.arrays]
        self.directions = [self.laid(d) for d in subject.directions]
        self.everything = tuple(range(len(self.arrays)))
        self.points = self.everything[:-1]

    def weighted(self, *arrays):
        return arrays[-1] * self.subject.function(*arrays[:-1])

    def loss(self, *arrays):
        return np.sum(self.weighted(*arrays))

    def but(self, positions):
        return tuple(i for i in self.everything if i not in positions)


def at(positions, function, arrays):
    """A function of the arrays at some positions; the others are outside of it."""

    def of_some(*some):
        all_arrays = list(arrays)
        for i, x in zip(positions, some, strict=True):
            all_arrays[i] = x
        return function(*all_arrays)

    return of_some


def picked(positions, arrays):
    return tuple(arrays[i] for i in positions)


def leaf(x):
    made = mg.asarray(x)
    made.requires_grad = True
    return made


# What is found, and what is wanted


class Found(NamedTuple):
    """A derivative of some order, what it should be, and the size of the terms that add up to it."""

    what: str
    order: int
    got: object
    want: np.ndarray
    scale: float = 0.0
    type: type | tuple = object


# In units of the largest number wanted, or of the terms that add up to it, for values, first and second derivatives.
# In single precision some hundred units of the last place; in double precision what differences are good to.
TOLERANCES = {"float64": (1e-13, 1e-9, 1e-7), "float32": (1e-5, 1e-3, 1e-4)}


def complaint(found, dtype):
    """What is wrong with what was found, None if nothing is."""
    if not isinstance(found.got, found.type):
        return f"{found.what} is a {type(found.got).__name__}"
    if found.got is not None and (found.got.shape, found.got.dtype) != (found.want.shape, dtype):
        return f"{found.what} has {found.got.shape}, {found.got.dtype} in place of {found.want.shape}, {dtype}"
    error = error_of(found)
    return None if error <= TOLERANCES[dtype][found.order] else f"{found.what} is off by {error:.2g}"


def error_of(found):
    """How far it is off; no derivative at a leaf is a zero."""
    got = found.got.detach() if isinstance(found.got, mg.Tensor) else np.zeros(()) if found.got is None else found.got
    difference = np.asarray(got, float) - found.want
    return size_of(difference) / max(size_of(found.want), found.scale, 1e-3)


def value_of_loss(setting, got):
    terms = setting.subject.arrays[-1] * setting.subject.value
    return Found("loss", 0, got, np.asarray(np.sum(terms)), np.sum(np.abs(terms)))


def gradients_at(setting, positions, got, **options):
    for i, g in zip(positions, got, strict=True):
        yield Found(f"gradient {i}", 1, g, setting.subject.gradients[i], setting.subject.scales[i], **options)


def curvatures_at(setting, along, positions, got):
    """The gradient's derivative along the directions of some arrays, by the arrays at some positions."""
    for i, g in zip(positions, got, strict=True):
        yield Found(f"second derivative {i}", 2, g, setting.subject.curvature(along, i), setting.subject.bend)


def slope_along(setting, positions, derivatives, order, got):
    """A derivative along the directions of the arrays at some positions."""
    terms = [setting.subject.directions[i] * d for i, d in zip(positions, derivatives, strict=True)]
    scale = max(sum(np.sum(np.abs(t)) for t in terms), setting.subject.bend if order == 2 else 0.0)
    return Found(f"derivative {order} along directions", order, got, np.asarray(sum(np.sum(t) for t in terms)), scale)


# Transformations of functions: what they find, of the function of the arrays at some positions


def by_grad(setting, positions, arrays):
    loss = at(positions, setting.loss, arrays)
    return mg.grad(loss, argnums=tuple(range(len(positions))))(*picked(positions, arrays))


def by_vjp(setting, positions, arrays):
    y, pull_back = mg.vjp(at(positions, setting.weighted, arrays), *picked(positions, arrays))
    return pull_back(np.ones_like(y))


def by_jvp(setting, positions, arrays):
    primals, tangents = picked(positions, arrays), picked(positions, setting.directions)
    return (mg.jvp(at(positions, setting.weighted, arrays), primals, tangents)[1],)


def by_jacobian(setting, positions, arrays):
    function = at(positions, setting.weighted, arrays)
    return mg.jacobian(function, argnums=tuple(range(len(positions))))(*picked(positions, arrays))


def by_hessian(setting, positions, arrays):
    """The products of the blocks with the directions."""
    loss = at(positions, setting.loss, arrays)
    rows = mg.hessian(loss, argnums=tuple(range(len(positions))))(*picked(positions, arrays))
    directions = picked(positions, setting.directions)
    return [sum(times(block, d) for block, d in zip(row, directions, strict=True)) for row in rows]


def times(block, direction):
    terms = block * direction
    return np.sum(terms, axis=tuple(range(-direction.ndim, 0))) if direction.ndim else terms


def wanted(name, setting, positions):
    """For each result of a transformation: its order, what it should be, and the size of its terms."""
    subject, weights = setting.subject, setting.subject.arrays[-1]
    if name == "jvp":
        terms = [weights * subject.slopes[i] for i in positions]
        return [(1, sum(terms), max(size_of(t) for t in terms))]
    if name == "jacobian":
        columns = [weights[(..., *[None] * subject.arrays[i].ndim)] * subject.jacobians[i] for i in positions]
        return [(1, column, 0.0) for column in columns]
    if name == "hessian":
        return [(2, subject.curvature(positions, i), subject.bend) for i in positions]
    return [(1, subject.gradients[i], subject.scales[i]) for i in positions]


DERIVED = {"grad": by_grad, "vjp": by_vjp, "jvp": by_jvp, "jacobian": by_jacobian, "hessian": by_hessian}


def transformed(name, setting, kind):
    """By all arrays together, which are of the kind; and by each alone, with the others of the kind outside."""
    yield from of_kind(name, setting, kind, setting.points, setting.points)
    for i in setting.points:
        yield from of_kind(name, setting, kind, (i,), setting.but((i,)))


def of_kind(name, setting, kind, positions, bound):
    """What a transformation finds at some positions; arrays that are bound are of the kind.

    Leaves and watched arrays get the derivative of a sum of the results, one order higher.
    """

    def program(*arrays):
        results = DERIVED[name](setting, positions, arrays)
        factors = [1] if name == "jvp" else picked(positions, setting.directions)
        return sum(np.sum(d * r) for d, r in zip(factors, results, strict=True)), results

    of_bound, primals = at(bound, program, setting.arrays), picked(bound, setting.arrays)
    further = []
    if kind == "watched in reverse":
        y, pull_back, results = mg.vjp(of_bound, *primals, has_aux=True)
        further = list(curvatures_at(setting, positions, bound, pull_back(np.ones_like(y))))
    elif kind == "watched forward":
        tangents = picked(bound, setting.directions)
        _, slope, results = mg.jvp(of_bound, primals, tangents, has_aux=True)
        wants = [setting.subject.curvature(positions, i) for i in bound]
        further = [slope_along(setting, bound, wants, 2, slope)]
    else:
        given = [OPERANDS[kind](x) for x in primals]
        total, results = of_bound(*given)
        if getattr(total, "requires_grad", False):
            total.backward()
        if kind == "leaf":
            further = list(curvatures_at(setting, positions, bound, [x.grad for x in given]))
    types = {"array": (np.ndarray, np.generic), "constant": mg.Tensor} if bound == positions and name != "jvp" else {}
    for i, (got, (order, want, scale)) in enumerate(zip(results, wanted(name, setting, positions), strict=True)):
        yield Found(f"{name} {i}", order, got, want, scale, types.get(kind, object))
    yield from further if name != "hessian" else ()


OPERANDS = {"array": lambda x: x, "constant": mg.asarray, "leaf": leaf}


# Backward passes


def backward(setting, kind, wrap=lambda f: f, context=nullcontext, create_graph=False):
    """Backward passes to each array as a leaf, with the others of the kind; to all at once if they are leaves, too."""
    for positions in [setting.points] if kind == "leaf" else [(i,) for i in setting.points]:
        with context():
            yield from backward_to(setting, kind, positions, wrap, create_graph)


def backward_to(setting, kind, positions, wrap, create_graph):
    leaves = [leaf(setting.arrays[i]) for i in positions]
    bound = setting.but(positions)
    primals = picked(bound, setting.arrays)

    def of_bound(*others):
        return wrap(at(positions, setting.loss, merged(setting, bound, others)))(*leaves)

    if kind == "watched in reverse":
        loss, pull_back = mg.vjp(of_bound, *primals)
        yield from gradients_at(setting, bound, pull_back(np.ones_like(loss)))
    elif kind == "watched forward":
        loss, slope = mg.jvp(of_bound, primals, picked(bound, setting.directions))
        yield slope_along(setting, bound, picked(bound, setting.subject.gradients), 1, slope)
    else:
        others = [OPERANDS[kind](x) for x in primals]
        loss = of_bound(*others)
    yield value_of_loss(setting, loss)
    loss.backward(create_graph=create_graph)
    reached, reached_leaves = positions, leaves
    if kind == "leaf":
        reached, reached_leaves = positions + bound, leaves + others
    yield from gradients_at(setting, reached, [x.grad for x in reached_leaves], type=mg.Tensor)
    if create_graph:
        total = sum(np.sum(d * x.grad) for d, x in zip(picked(positions, setting.directions), leaves, strict=True))
        for x in reached_leaves:
            x.grad = None
        if total.requires_grad:
            total.backward()
        yield from curvatures_at(setting, positions, reached, [x.grad for x in reached_leaves])


def merged(setting, positions, arrays):
    return [*at(positions, lambda *xs: xs, setting.arrays)(*arrays)]


# Compiled functions


def compiled(setting, kind, backend):
    """Recorded with other weights, and where the function is given the arrays, at another point; replayed here."""
    *arrays, weights = setting.arrays
    if kind == "leaf":
        leaves = [leaf(x) for x in arrays]
        step = mg.compile(lambda weights: step_of(setting, leaves, weights), backend=backend)
        step(2 * weights)
        step(weights)
        yield from gradients_at(setting, setting.points, [x.grad for x in leaves], type=mg.Tensor)
    elif kind.startswith("watched"):
        loss = mg.compile(setting.loss, backend=backend)
        loss(*arrays, weights)
        if kind == "watched in reverse":
            y, pull_back = mg.vjp(loss, *arrays, weights)
            yield from gradients_at(setting, setting.everything, pull_back(np.ones_like(y)))
        else:
            _, slope = mg.jvp(loss, tuple(setting.arrays), tuple(setting.directions))
            yield slope_along(setting, setting.everything, setting.subject.gradients, 1, slope)
    else:
        program = mg.compile(lambda *xs: by_grad(setting, setting.points, xs), backend=backend)
        for factor in (1 + 2.0**-10, 1):
            found = program(*(OPERANDS[kind](setting.laid(factor * x)) for x in setting.subject.arrays))
        yield from gradients_at(setting, setting.points, found)


def step_of(setting, leaves, weights):
    for x in leaves:
        x.grad = None
    setting.loss(*leaves, weights).backward()


TRANSFORMATIONS = {
    "backward": backward,
    **{name: partial(transformed, name) for name in DERIVED},
    "checkpoint": partial(backward, wrap=mg.checkpoint),
    "create_graph": partial(backward, create_graph=True),
    "anomaly": partial(backward, context=mg.detect_anomaly),
    "compile numpy": partial(compiled, backend="numpy"),
    "compile numba": partial(compiled, backend="numba"),
}


def complaints(subject, combination):
    """What is wrong with a subject in a combination: a line each."""
    setting = Setting(subject, combination.layout, combination.dtype)
    try:
        found = list(TRANSFORMATIONS[combination.transformation](setting, combination.kind))
    except Exception as error:
        return [f"{type(error).__name__}: {error}".partition("\n")[0]]
    lines = [complaint(one, combination.dtype) for one in found]
    same = [np.array_equal(x, y.astype(x.dtype)) for x, y in zip(setting.arrays, subject.arrays, strict=True)]
    lines += [f"array {i} is changed" for i, is_same in enumerate(same) if not is_same]
    return [line for line in lines if line is not None]
