"""What is differentiated in all combinations: the table of cases and users' primitives, with numeric derivatives.

The numeric derivatives are differences of plain NumPy values in double precision, taken once for each function.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

import minigrad as mg
from tests.rules.cases import CASES
from tests.rules.numeric import complex_step, extrapolated, size_of


def rounded(x):
    """Numbers of 24 bits: the same point in single and in double precision."""
    return x.astype(np.float32).astype(float)


def drawn(shape, seed):
    return rounded(np.asarray(np.random.default_rng(seed).normal(size=shape)))


def mixed(f):
    """The derivative at (0, 0) of a function of two numbers, by either, good to about nine digits.

    Second differences for the steps h, h/2 and h/4, of which errors as h**2 and h**4 cancel. If the first two differ,
    h steps across a kink, and a smaller one has to do.
    """
    for h in (0.004, 0.0005):
        a, b, c = ((f(k, k) - f(k, -k) - f(-k, k) + f(-k, -k)) / (4 * k * k) for k in (h, h / 2, h / 4))
        if abs(a - b) < 0.01 * (1 + abs(b)):
            break
    return (a - 20 * b + 64 * c) / 45


@dataclass(frozen=True, eq=False, repr=False)
class Subject:
    """A function of arrays, as users call it and as NumPy computes it, and the derivatives of a weighted sum.

    The weights count as the last of its arrays. `analytic` functions take complex numbers, for the complex step.
    What is made `of_parts` is in fewer tests, see `but_slow`.
    """

    name: str
    function: Callable
    plain: Callable
    points: tuple
    analytic: bool
    of_parts: bool = False

    def __repr__(self):
        return self.name

    @cached_property
    def value(self):
        return np.asarray(self.plain(*self.points))

    @cached_property
    def arrays(self):
        return [*self.points, drawn(self.value.shape, seed=1)]

    @cached_property
    def directions(self):
        return [drawn(x.shape, seed) for seed, x in enumerate(self.arrays, 2)]

    @cached_property
    def jacobians(self):
        """For each array but the weights, the derivative of the value, of both shapes joined."""
        return [self._jacobian(i) for i in range(len(self.points))]

    @cached_property
    def gradients(self):
        """For each array, the derivative of the weighted sum."""
        weights = self.arrays[-1]
        return [*(np.tensordot(weights, j, weights.ndim) for j in self.jacobians), self.value]

    @cached_property
    def scales(self):
        """For each array, the size of the terms that add up to the gradient."""
        weights = np.abs(self.arrays[-1])
        return [np.max(np.tensordot(weights, np.abs(j), weights.ndim), initial=0) for j in self.jacobians] + [0.0]

    @cached_property
    def slopes(self):
        """For each array but the weights, the derivative of the value along the array's direction."""
        return [np.tensordot(j, d, d.ndim) for j, d in zip(self.jacobians, self.directions, strict=False)]

    @cached_property
    def curvatures(self):
        """``curvatures[i][j]``: the weighted sum differentiated along the direction of array i, and by array j."""
        return [
            [*(self._curvature(i, j) for j in range(len(self.points))), self.slopes[i]] for i in range(len(self.points))
        ]

    def curvature(self, along, j):
        """The weighted sum differentiated along the directions of some arrays together, and by array j."""
        return sum(self.curvatures[i][j] for i in along)

    @cached_property
    def bend(self):
        """The size of derivatives of both orders: where the second cancel, numeric ones have errors of the first."""
        return max(size_of(x) for row in (self.gradients, *self.curvatures) for x in row)

    def _differentiate(self, f):
        return (complex_step if self.analytic else extrapolated)(f)

    def _jacobian(self, i):
        found = np.zeros(self.value.shape + self.points[i].shape)
        for position in np.ndindex(self.points[i].shape):
            direction = np.zeros(self.points[i].shape)
            direction[position] = 1
            found[(..., *position)] = self._differentiate(partial(self._moved, self.points, i, direction))
        return found

    def _curvature(self, i, j):
        found = np.zeros(self.points[j].shape)
        for position in np.ndindex(found.shape):
            direction = np.zeros(found.shape)
            direction[position] = 1
            found[position] = mixed(partial(self._sum_after, i, j, direction))
        return found

    def _sum_after(self, i, j, direction, h, k):
        """The weighted sum after a step along the direction of array i, and one along another of array j."""
        points = list(self.points)
        points[i] = points[i] + h * self.directions[i]
        points[j] = points[j] + k * direction
        return np.sum(self.arrays[-1] * self.plain(*points))

    def _moved(self, points, i, direction, h):
        return self.plain(*points[:i], points[i] + h * direction, *points[i + 1 :])


# Users' own primitives, one or two of each kind


@mg.primitive(lambda g, y, x: g * 3 * x**2)
def cube(x):
    return x * x * x


@mg.primitive(lambda g, y, a, b: g * b * np.cos(a * b), lambda g, y, a, b: g * a * np.cos(a * b))
def sine_of_product(a, b):
    return np.sin(a * b)


@mg.primitive(lambda g, y, x, *, power=2: g * power * x ** (power - 1))
def raised(x, *, power=2):
    return x**power


@mg.primitive(lambda g, y, x: np.cumsum(g[::-1], axis=0)[::-1], kind="linear")
def running_sum(x):
    return np.cumsum(x, axis=0)


@mg.primitive(lambda g, y, a, b: g @ b.T, lambda g, y, a, b: a.T @ g, kind="multilinear")
def product(a, b):
    return a @ b


@mg.primitive(
    lambda g, y, x: (g - y * np.sum(g * y)) / np.sqrt(np.sum(x * x)),
    kind="general",
    forward=[lambda t, y, x: (t - y * np.sum(t * y)) / np.sqrt(np.sum(x * x))],
)
def direction_of(x):
    return x / np.sqrt(np.sum(x * x))


@mg.primitive(
    lambda g, y, a, b: g * np.exp(np.sum(b)) * np.cos(a),
    lambda g, y, a, b: np.sum(g * y) * np.ones_like(b),
    kind="general",
    forward=[lambda t, y, a, b: t * np.exp(np.sum(b)) * np.cos(a), lambda t, y, a, b: y * np.sum(t)],
)
def scaled_sine(a, b):
    return np.sin(a) * np.exp(np.sum(b))


OWN = (
    (cube, (3, 4)),
    (cube, ()),
    (sine_of_product, (3, 4), (3, 4)),
    (sine_of_product, (3, 1), (4,)),
    (partial(raised, power=3), (3, 4)),
    (running_sum, (3, 4)),
    (product, (3, 4), (4, 2)),
    (direction_of, (3, 4)),
    (scaled_sine, (3, 4), (2,)),
)


def plainly(function):
    """What was decorated."""
    if isinstance(function, partial):
        return partial(plainly(function.func), **function.keywords)
    return function.__wrapped__


def name_of(function):
    return getattr(function, "func", function).__name__


def subjects():
    """The table of cases, followed by users' primitives."""
    for case in CASES:
        arrays = tuple(rounded(x) for x in case.arrays)
        plain = lambda *xs, case=case: case.on(*xs).value_of_numpy()
        yield Subject(str(case), case, plain, arrays, case.analytic, case.of_parts)
    for number, (function, *shapes) in enumerate(OWN):
        arrays = tuple(drawn(shape, (number, i)) for i, shape in enumerate(shapes))
        name = name_of(function) + ",".join(map(str, shapes)).replace(" ", "").replace(",)", ")")
        yield Subject(name, function, plainly(function), arrays, True)


SUBJECTS = list(subjects())
