"""One table of cases for all rules: what to call, and on which arrays.

The arrays are small, and drawn away from kinks and poles by construction, whatever the seed; kinks have tests of their
own.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from minigrad import composed
from minigrad.composed import statistics
from minigrad.core.door import plain_index
from minigrad.core.primitive import REGISTRY
from minigrad.distributed import averaging
from minigrad.nn import (
    activations,
    attention,
    convolution,
    linear,
    losses,
    normalisation,
    piecewise,
    pooling,
    recurrent,
    rotary,
    unfolding,
)
from minigrad.nn import stencil as stencils
from minigrad.nn.pooling import adaptive
from minigrad.nn.resizing import smooth
from minigrad.nn.window import Window
from minigrad.rules import (
    bessel,
    creation,
    decompositions,
    eigen,
    elementwise,
    factors,
    indexing,
    inverses,
    lengths,
    linalg,
    network,
    positions,
    reductions,
    sequences,
    structure,
)


@dataclass(frozen=True, eq=False)
class Case:
    """A call of what is registered under `key`, as a function of `arrays`.

    `call` makes the call, given the function and the arrays. `analytic` functions take complex numbers, for
    the complex step. `stretchable` cases are run on arrays that broadcast as well. What is made `of_parts`, which
    have cases of their own, is in fewer tests.
    """

    key: Any
    arrays: tuple
    call: Callable
    analytic: bool = False
    stretchable: bool = False
    of_parts: bool = False

    def __call__(self, *arrays):
        return self.call(function_of(self.key), *arrays)

    def value_of_numpy(self):
        """The value that NumPy's own function has."""
        return self.call(REGISTRY[self.key].function if is_ours(self.key) else function_of(self.key), *self.arrays)

    def on(self, *arrays):
        return replace(self, arrays=arrays)

    def __str__(self):
        shapes = ",".join(str(x.shape).replace(" ", "").replace(",)", ")") for x in self.arrays)
        return f"{REGISTRY[self.key].name}{shapes}"


def is_ours(key):
    return getattr(key, "__module__", "numpy").startswith("minigrad")  # ufuncs of NumPy 2.0 have no module


def function_of(key):
    """What to call: NumPy's function itself, which finds the rule by its protocols, or our primitive."""
    if isinstance(key, tuple):
        return getattr(*key)
    return REGISTRY[key] if is_ours(key) else key


def key_of(function):
    """What a primitive is registered under, or the function that users call for it."""
    return getattr(function, "__wrapped__", None) or next(key for key, one in REGISTRY.items() if one is function)


def but_slow(cases):
    """The cases for a test that is slow for those made of parts: these are left to CI."""
    return [pytest.param(case, marks=pytest.mark.slow) if case.of_parts else case for case in cases]


CASES: list[Case] = []
SEED = int(os.environ.get("MINIGRAD_CASES_SEED", 10))  # any will do
rng = np.random.default_rng(SEED)


def start(key, number=0):
    """Draw for a function what is drawn for it whatever other functions this version of NumPy has."""
    name = key[0].__name__ + key[1] if isinstance(key, tuple) else key.__name__
    rng.bit_generator.state = np.random.default_rng([SEED, number, *name.encode()]).bit_generator.state


def normal(*shape):
    return rng.normal(size=shape)


def positive(*shape):
    return rng.uniform(0.5, 2, size=shape)


def between(*shape):
    """Numbers at a distance from all integers and halves, where steps are."""
    return rng.integers(-3, 3, size=shape) + rng.uniform(0.1, 0.4, size=shape)


def distinct(*shape):
    """Numbers whose absolute values differ from each other, and from 0."""
    size = int(np.prod(shape))
    steps = rng.permutation(size) * 0.15 + rng.uniform(0.2, 0.25, size=size)
    return np.reshape(steps * rng.choice([-1, 1], size=size), shape)


def apart(*shape):
    """Two arrays of numbers that all differ."""
    return tuple(distinct(2, *shape))


def graded(*shape):
    """Matrices whose rows and columns have sums of absolute values that differ: by a quarter at least."""
    rows, columns = (2.0 ** rng.permutation(n) for n in shape[-2:])
    return rng.choice([-1, 1], size=shape) * rng.uniform(0.5, 0.8, size=shape) * rows[:, None] * columns


def separate(*shape):
    """Matrices whose singular values differ: they are about 1, 2, ..."""
    u, s, v = np.linalg.svd(normal(*shape), full_matrices=False)
    return (u * (1 + np.arange(s.shape[-1]) + rng.uniform(0, 0.3, size=s.shape))[..., None, :]) @ v


def spread(*shape):
    """Matrices far from singular, and positive definite."""
    return 0.3 * normal(*shape) + 2 * np.eye(shape[-1])


def chosen_of(x):
    """Positions from 0 to 2, without a derivative, in the shape and library of `x`."""
    return np.cumsum(np.ones_like(x, dtype=int)).reshape(x.shape) % 3


def ranks(x):
    """Positions along the last axis, without a derivative, in the library of `x`."""
    return np.argsort(-x, axis=-1) % 3


def inside(*shape):
    """Numbers between -1 and 1, at a distance from both, and from 0."""
    return rng.uniform(0.1, 0.8, size=shape) * rng.choice([-1, 1], size=shape)


def shares(*shape):
    """Numbers between 0 and 1, at a distance from both, and from their middle, where logarithms cancel."""
    return rng.uniform(0.6, 0.8, size=shape)


def case(key, *arrays, call=None, **options):
    CASES.append(Case(key, tuple(np.asarray(x) for x in arrays), call or (lambda f, *xs: f(*xs)), **options))


def unary(draw, *keys, **options):
    """Functions of one array, on a matrix and on a single number."""
    for key in keys:
        start(key)
        case(key, draw(3, 4), **options)
        case(key, draw(), **options)


def binary(left, right, *keys, **options):
    for key in keys:
        start(key)
        case(key, left(3, 4), right(3, 4), stretchable=True, **options)


def on(key, shape, *argument_lists, draw=normal, analytic=True, shown=lambda y: y):
    """A function of one array with each of several further arguments in a tuple, or options in a dict."""
    for number, rest in enumerate(argument_lists):
        start(key, number)
        positional, named = ((), rest) if isinstance(rest, dict) else (rest, {})
        case(key, draw(*shape), call=partial(called_with, positional, named, shown), analytic=analytic)


def called_with(positional, named, shown, f, x):
    return shown(f(x, *positional, **named))


def some_picks(like, shape, window):
    """Where the window meets its first largest number, in an image of that shape in the library of `like`."""
    x = np.reshape(np.cumsum(np.ones_like(like, shape=int(np.prod(shape)))) % 3, shape)
    return pooling.maximum.firsts(x, pooling.maximum.max_windows(x, window), window)


def keys_before(like, queries, keys):
    """Whether a key comes before a query, of which the first has none; in the library of `like`."""
    ones = np.ones_like(like, shape=(queries, keys))
    return plain_index(np.cumsum(ones, axis=1) < np.cumsum(ones, axis=0))


def cosines_and_sines(like, *shape):
    """Of angles that all differ, without a derivative, in the library of `like`."""
    angles = plain_index(np.cumsum(np.ones_like(like, shape=shape), axis=0))
    return np.cos(angles), np.sin(angles)


def all_parts(arrays):
    """Several results as one."""
    return np.concatenate([np.reshape(x, -1) for x in arrays])


def paired(vectors, x):
    """A sum of products of singular vectors, on which their signs have no influence, with weights 1, 2, ..."""
    u, v = vectors[..., : x.shape[-2], :], vectors[..., x.shape[-2] :, :]
    return (u * np.cumsum(np.ones_like(u), axis=-1)) @ v.mT


def changed(f, x, *rest):
    """A new array after a call that changes it in place, to which the derivatives of all arguments flow."""
    x = x + 0 * sum(np.sum(v) for v in rest if hasattr(v, "dtype") and v.dtype.kind == "f")
    f(x, *rest)
    return 1 * x


def joined(**options):
    return lambda f, *arrays: f(list(arrays), **options)


def in_double(call):
    """A call of a function that answers in float64, whatever it is given, on arrays of float64."""

    def called(f, *arrays):
        return call(f, *(x.astype(np.float64) for x in arrays)).astype(arrays[0].dtype)

    return called


AXES = ({}, {"axis": 0}, {"axis": -1, "keepdims": True}, {"axis": (0, 2)}, {"axis": (1,), "keepdims": True})


# Elementwise

unary(normal, np.negative, np.positive, np.square, np.exp, np.exp2, np.expm1, np.sin, np.cos, analytic=True)
unary(normal, np.tanh, np.sinh, np.cosh, np.arctan, np.copy, analytic=True)
unary(positive, np.reciprocal, np.sqrt, np.log, np.log1p, np.log2, np.log10, analytic=True)
unary(inside, np.tan, np.arcsin, np.arccos, np.arctanh, analytic=True)
unary(positive, np.cbrt)
unary(normal, np.arcsinh, np.sinc, key_of(elementwise.erf), np.i0, key_of(bessel.bessel_i))
on(key_of(bessel.bessel_i), (3, 4), (3,), draw=lambda *shape: 2 * normal(*shape), analytic=False)
unary(lambda *shape: 1.2 + positive(*shape), np.arccosh)
unary(distinct, np.abs, np.fabs, np.nan_to_num)
unary(between, np.sign, np.floor, np.ceil, np.trunc, np.rint, np.around, key_of(elementwise.fraction))
if np.lib.NumpyVersion(np.__version__) < "2.5.0":  # which deprecates it
    unary(between, np.fix)
on(np.modf, (3, 4), (), draw=between, shown=lambda y: y[0] * y[1], analytic=False)
on(np.frexp, (3, 4), (), draw=between, shown=lambda y: y[0] * y[1].astype(y[0].dtype), analytic=False)
on(np.ldexp, (3, 4), (3,), analytic=False)
unary(normal, np.deg2rad, np.rad2deg, np.radians, np.degrees)
unary(normal, key_of(network.sigmoid), key_of(network.vanishing_exp))
on(np.round, (3, 4), (), {"decimals": -1}, draw=between, analytic=False)
binary(normal, normal, np.add, np.subtract, np.multiply, analytic=True)
binary(normal, positive, np.divide, analytic=True)
binary(positive, normal, np.power, analytic=True)
start(np.float_power)
case(np.float_power, positive(3, 4), normal(3, 4), call=in_double(lambda f, x, p: f(x, p)), stretchable=True)
binary(normal, normal, np.logaddexp, np.logaddexp2, np.heaviside)
binary(distinct, distinct, np.hypot, np.arctan2, np.copysign)
unary(distinct, key_of(lengths.denominator))
case(key_of(lengths.denominator), distinct(3, 4), call=lambda f, x: f(x, x == x))
for f in (np.maximum, np.minimum, np.fmax, np.fmin):
    start(f)
    case(f, *apart(3, 4), stretchable=True)
binary(normal, positive, key_of(elementwise.xlogy))
# The quotient is at a distance from all integers, where its floor is.
for f in (np.remainder, np.floor_divide, np.fmod):
    start(f)
    quotients, divisors = between(3, 4) + 0.25, positive(3, 4)
    case(f, quotients * divisors, divisors)
    for divisor in (divisors[:1], divisors[0, 0], divisors[:, :1]):
        case(f, quotients * divisor, divisor)
    case(f, (quotients * divisors)[1, 1], divisors[1, 1])
case(np.divmod, (quotients * divisors), divisors, call=lambda f, x, y: f(x, y)[0] * f(x, y)[1])
case(np.power, normal(3, 4), call=lambda f, x: f(x, 3), analytic=True)
case(np.power, positive(3), call=lambda f, p: f(2.0, p), analytic=True)
case(np.where, distinct(3, 4), normal(3, 4), call=lambda f, a, b: f(a > 0, a, b), analytic=True)
case(np.where, normal(3, 4), distinct(4), call=lambda f, a, b: f(b > 0, a, b), analytic=True)
for bounds in ((-0.5, 0.5), (None, 0.5), (-0.5, None), {"a_min": -1, "a_max": 0}):
    on(np.clip, (3, 4), bounds, draw=between, analytic=False)
between_them = distinct(19)
case(np.clip, np.reshape(between_them[:12], (3, 4)), between_them[12:16], np.reshape(between_them[16:], (3, 1)))
case(key_of(elementwise.bounded), *distinct(3, 3, 4))

# Reductions

for f in (np.sum, np.mean, np.prod):
    on(f, (2, 3, 4), *AXES)
for f in (np.var, np.std):
    on(f, (2, 3, 4), *AXES, draw=distinct, analytic=False)
    on(f, (3, 4), {"ddof": 1}, {"correction": 1, "axis": 0}, draw=distinct, analytic=False)
for f in (np.max, np.min, np.amax, np.amin, np.ptp):
    on(f, (2, 3, 4), *AXES[:4], draw=distinct, analytic=False)
on(np.prod, (5,), {}, {"axis": 0})
on(np.prod, (), {})
for f in (np.cumsum, np.cumprod):
    on(f, (3, 5), {}, {"axis": 0}, {"axis": -1})
for f in (composed.reductions.cumulative_sum, composed.reductions.cumulative_prod):
    for key in (f.function, *([vars(np)[f.name]] if f.name in vars(np) else [])):
        on(key, (3, 5), {"axis": 0}, {"axis": -1, "include_initial": True})
        on(key, (5,), {})
for ufunc in (np.add, np.multiply, np.maximum, np.minimum, np.logaddexp):
    on((ufunc, "reduce"), (3, 4), {}, {"axis": 1}, draw=distinct, analytic=ufunc in (np.add, np.multiply))
for ufunc in (np.add, np.multiply):
    on((ufunc, "accumulate"), (3, 4), {}, {"axis": 1})
on(key_of(network.running_logsumexp), (3, 4), {"axis": -1}, draw=distinct, analytic=False)
NORMS = tuple({"ord": p, "axis": 0} for p in (2, 1, 3, 2.5, np.inf, -np.inf, 0))
on(np.linalg.vector_norm, (3, 4), {}, *NORMS, draw=distinct, analytic=False)
on(np.linalg.norm, (3, 4), {}, *NORMS, draw=distinct, analytic=False)
on(np.linalg.norm, (3, 4), {"axis": (1, 0), "ord": np.inf, "keepdims": True}, draw=graded, analytic=False)
case(np.linalg.norm, graded(3, 2, 4), call=lambda f, x: f(np.moveaxis(x, 0, 1), axis=(2, 1), ord=1))
on(key_of(reductions.power_norm), (2, 3, 4), {}, {"axis": (0, 2), "keepdims": True}, draw=distinct, analytic=False)
on(key_of(reductions.power_norm), (2, 3, 4), {"ord": 3}, draw=distinct, analytic=False)

# Networks

on(key_of(network.running_logsumexp), (3, 4), {"axis": -1}, draw=distinct, analytic=False)
for f in (network.softmax, network.log_softmax):
    on(key_of(f), (3, 4), {}, {"axis": 0}, analytic=False)
on(key_of(network.logsumexp), (2, 3, 4), *AXES[:4], analytic=False)
on(key_of(network.softmax_or_zero), (2, 3, 4), (None,), (0,), ((0, 2),), analytic=False)
for f in (activations.relu, activations.normal_cdf, activations.gelu_tanh):
    unary(normal, key_of(f))
unary(normal, key_of(activations.log1pexp), key_of(activations.log_sigmoid))
unary(normal, key_of(activations.tanh_of_softplus))
on(key_of(piecewise.bounded_between), (3, 4), (-1.0, 0.5), draw=between, analytic=False)
on(key_of(piecewise.zero_within), (3, 4), (0.5,), draw=between, analytic=False)
on(key_of(piecewise.nearer), (3, 4), (0.5,), draw=between, analytic=False)
unary(between, key_of(piecewise.hard_swish), analytic=False)
on(key_of(piecewise.above), (3, 4), (0.5, -2.0), draw=between, analytic=False)
start(key_of(piecewise.sloped))
case(key_of(piecewise.sloped), between(3, 4), normal(3, 4), stretchable=True)
on(key_of(activations.leaky_relu), (3, 4), (), (0.2,), {"negative_slope": 1.5}, analytic=False)
on(key_of(activations.elu), (3, 4), (), (0.7,), {"alpha": 1.5}, analytic=False)


def exponentials_of(x, smoothed=False):
    return losses.labels.Exponentials(plain_index(x), smoothed)


start(key_of(losses.labels.label_loss))
case(
    key_of(losses.labels.label_loss), normal(3, 4),
    call=lambda f, x: f(x, ranks(plain_index(x))[:, 0], exponentials_of(x)),
)  # fmt: skip
case(
    key_of(losses.labels.label_loss), normal(3, 4),
    call=lambda f, x: f(x, ranks(plain_index(x))[:, 0], exponentials_of(x, True), 0.3),
)  # fmt: skip
case(key_of(losses.labels.shifted_exp), normal(3, 4), call=lambda f, x: f(x, exponentials_of(0 * x)))
start(key_of(losses.binary.cross_entropy_of_bits))
case(key_of(losses.binary.cross_entropy_of_bits), shares(3, 4), shares(3, 4), stretchable=True)
case(key_of(losses.binary.cross_entropy_of_scores), normal(3, 4), shares(3, 4), stretchable=True)
case(
    key_of(losses.binary.cross_entropy_of_scores), normal(3, 4), shares(3, 4),
    call=lambda f, x, target: f(x, target, 2.0),
)  # fmt: skip
start(key_of(losses.reduction.share))
case(key_of(losses.reduction.share), shares(3, 4), normal(3, 4), stretchable=True, analytic=True)


def reachable_sums(f, x):
    """Without the states that no path reaches, whose logarithm is so far below zero that it hides differences."""
    jump = np.where(ranks(plain_index(x))[0] < 2, 0.0, losses.ctc.NEVER).astype(x.dtype)
    y = f(x, jump)
    return np.where(plain_index(y) > -losses.ctc.INFINITE, y, 0.0)


start(key_of(losses.ctc.path_sums))
for times in (5, 1):
    case(key_of(losses.ctc.path_sums), normal(times, 2, 5), call=reachable_sums)
case(key_of(losses.divergence.divergence), normal(3, 4), shares(3, 4), stretchable=True)


def moments_of(x, *options):
    return normalisation.moments.Statistics(plain_index(x), *options)


start(key_of(normalisation.layer.normalised_rows))
for options, shape, width in (
    (((1,), 0.1), (3, 4), 4), (((1,), 0.1, False), (3, 4), 4), (((0,), 0.1), (3, 4), 4), (((0, 2), 0.1), (2, 3, 4), 3)
):  # fmt: skip
    whole = normalisation.layer.normalised_rows if options[0] == (1,) else normalisation.batch.normalised_channels
    case(
        key_of(whole), normal(*shape), normal(width), normal(width),
        call=lambda f, x, weight, bias, options=options: f([x, weight, bias], moments_of(x, *options)),
    )  # fmt: skip
    for part in (normalisation.moments.deviations, normalisation.moments.inverse_root):
        case(key_of(part), normal(*shape), call=lambda f, x, options=options: f(x, moments_of(x, *options)))

start(key_of(averaging.averaged))
case(key_of(averaging.averaged), normal(2, 3), call=lambda f, x: f(x, 3.0))

# Convolution and pooling: window, groups, and the shapes of image, kernel and result

for window, groups, image, kernel, result in (
    (Window((2, 3)), 1, (2, 2, 3, 4), (3, 2, 2, 3), (2, 3, 2, 2)),
    (Window((2, 2), (2, 1), ((1, 1), (0, 1)), (1, 2)), 2, (1, 2, 4, 4), (2, 1, 2, 2), (1, 2, 3, 3)),
    (Window((2,), (2,), ((1, 0),), (1,)), 2, (2, 2, 5), (4, 1, 2), (2, 4, 3)),
    (
        Window((2, 1, 2), (1, 2, 1), ((0, 1), (0, 0), (1, 0)), (1, 1, 2)),
        1,
        (1, 2, 2, 3, 3),
        (2, 2, 2, 1, 2),
        (1, 2, 2, 2, 2),
    ),
    (Window((1, 2), dilation=(1, 2)), 1, (1, 1, 3, 4), (1, 1, 1, 2), (1, 1, 2, 1)),  # not in all places that there are
):
    options = (window, groups)
    calls = (lambda f, x, w, o=options: f(x, w, *o), lambda f, g, w, o=options, n=image[2:]: f(g, w, *o, n))
    places = lambda f, x, w, o=options, n=result[2:]: f(x, w, *o, n)
    case(key_of(convolution.form.convolve), normal(*image), normal(*kernel), call=places, analytic=True)
    case(key_of(convolution.form.spread), normal(*result), normal(*kernel), call=calls[1], analytic=True)
    case(key_of(convolution.form.weigh), normal(*image), normal(*result), call=calls[0], analytic=True)
for window, image, result in (
    (Window((1, 1)), (1, 1, 2, 2), (1, 1, 2, 2)),
    (Window((2, 3), (2, 3)), (2, 2, 4, 3), (2, 2, 2, 1)),
    (Window((2, 3), (1, 2), ((1, 1), (1, 0)), (2, 1)), (1, 2, 3, 4), (1, 2, 3, 2)),
    (Window((2,), (2,), ((0, 0),), (1,)), (2, 2, 6), (2, 2, 3)),
    (Window((2, 1, 2), (2, 1, 2), ((0, 0),) * 3, (1, 1, 1)), (1, 2, 2, 3, 4), (1, 2, 1, 3, 2)),
):
    on(key_of(pooling.average.sum_windows), image, (window, 0.25))
    on(key_of(pooling.average.spread_evenly), result, (window, 0.25, image[2:]))
    on(key_of(pooling.maximum.max_windows), image, (window,), analytic=False)
    picks = lambda g, size=image, window=window: some_picks(g, size, window)
    case(key_of(pooling.maximum.pick), normal(*image), call=lambda f, x, w=window, p=picks: f(x, p(x), w))
    case(
        key_of(pooling.maximum.place),
        normal(*result),
        call=lambda f, g, w=window, p=picks, n=image[2:]: f(g, p(g), w, n),
    )
for stencil in (adaptive.means(5, 3), adaptive.means(5, 3).transpose, smooth(4, 7, 4 / 7, "bilinear")):
    on(key_of(stencils.resampled), (2, 1, 3, stencil.size), ((None, stencil),))
several = adaptive.means(4, 3), None, adaptive.means(3, 5), smooth(5, 3, 5 / 3, "bicubic")
for stencil in several:  # the arrays of which a compiled call of the case follows, from where it finds them
    assert stencil is None or stencil.transpose
on(key_of(stencils.resampled), (1, 2, 4, 2, 3), (several[:3],))
on(key_of(stencils.resampled), (1, 2, 5, 3), ((several[3], None),))
for window, image, result in (
    (Window((2, 2)), (2, 2, 3, 4), (2, 8, 6)),
    (Window((2, 1), (1, 2), ((1, 0), (1, 1)), (2, 1)), (1, 2, 3, 4), (1, 4, 6)),
):
    on(key_of(unfolding.blocks), image, (window,))
    on(key_of(unfolding.overlaid), result, (window, image[2:]))

# Attention, with all scores and with some; a row has none

weights = key_of(attention.attention_weights)
start(weights)
case(weights, normal(3, 2), normal(4, 2), call=joined())
case(weights, normal(2, 1, 3, 2), normal(3, 4, 2), call=joined(scale=0.5))
case(weights, normal(2, 3, 2), normal(2, 4, 2), normal(3, 1), call=joined())
case(weights, normal(2, 3, 2), normal(2, 4, 2), call=lambda f, q, k: f([q, k], keys_before(q, 3, 4)))
case(weights, normal(2, 3, 2), normal(2, 4, 2), normal(4), call=lambda f, *xs: f(list(xs), keys_before(xs[0], 3, 4)))

for interleaved in (False, True):
    start(key_of(rotary.turned), interleaved)
    turn = lambda f, x, interleaved=interleaved: f(x, *cosines_and_sines(x, 3, 2), interleaved)
    case(key_of(rotary.turned), normal(2, 3, 4), call=turn, analytic=True)

# Recurrence, of sequences of 3 steps, 2 features and a batch of 2

start(key_of(recurrent.base.of_input))
case(key_of(recurrent.base.of_input), normal(4, 2), normal(3, 5, 2), analytic=True)

for function, gates, others in (
    (recurrent.rnn.rnn, 1, [(2, 2)]),
    (recurrent.gru.gru, 3, [(2, 2)]),
    (recurrent.lstm.lstm, 4, [(2, 2), (2, 2)]),
):
    start(key_of(function))
    arrays = [normal(*shape) for shape in ((3, 2 * gates, 2), (2 * gates, 2), (2 * gates,), *others)]
    case(key_of(function), *arrays, call=joined(), analytic=True)
    case(key_of(function), *arrays, call=lambda f, *xs: f(list(xs), alive=keys_before(xs[0], 3, 2)))
start(key_of(recurrent.rnn.rnn), 1)
case(key_of(recurrent.rnn.rnn), normal(3, 2, 2), normal(2, 2), normal(2), normal(2, 2), call=joined(relu=True))

for a, v in ((4, 3), (3, 3)):
    for key in (key_of(sequences.overlapped), key_of(sequences.slid)):
        case(key, normal(a), normal(v))

# Shape

for key in (np.reshape, key_of(structure.reshape)):
    on(key, (3, 4), ((2, 6),), (-1,), ((4, 3), "F"))
case(np.reshape, normal(3, 4), call=lambda f, x: f(np.copy(x, "C").T, (2, 6), "A"), analytic=True)
on(np.transpose, (2, 3, 4), (), ((1, 2, 0),), ((-1, 0, 1),))
on(np.matrix_transpose, (2, 3, 4), ())
on(np.expand_dims, (3, 4), (0,), ((0, -1),))
on(np.squeeze, (1, 3, 1), (), (0,))
on(np.broadcast_to, (3, 1), ((2, 3, 4),))
on(np.flip, (3, 4), (), (0,), ((0, 1),))
on(np.fliplr, (3, 4), ())
on(np.flipud, (3, 4), ())
on(np.roll, (3, 4), (2,), (1, 0), ((1, -2), (0, 1)))
on(np.rot90, (3, 4), *((k,) for k in range(-1, 4)))
on(np.tril, (2, 3, 4), (), (-1,))
on(np.triu, (2, 3, 4), (), (1,))
on(np.moveaxis, (2, 3, 4), (0, -1), ((0, 1), (-1, 0)))
on(np.swapaxes, (2, 3, 4), (0, -1))
on(np.ravel, (3, 4), (), ("F",))
for order in "AK":
    case(np.ravel, normal(2, 3, 4), call=lambda f, x, order=order: f(np.copy(x, "C").T, order), analytic=True)
turned = lambda x: np.transpose(np.copy(x, "C")[:, ::-1], (1, 2, 0))
case(np.ravel, normal(2, 3, 4), call=lambda f, x: f(turned(x), "K"), analytic=True)
for f in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
    for shape in ((), (3,), (3, 4)):
        on(f, shape, ())
case(np.atleast_2d, normal(3), normal(2), call=lambda f, x, y: all_parts(f(x, y)), analytic=True)
for f in (np.concatenate, np.stack):
    for axis in (0, -1):
        case(f, normal(3, 4), normal(3, 4), call=joined(axis=axis), analytic=True)
case(np.concatenate, normal(3, 2), normal(2, 2), call=joined(axis=0), analytic=True)
case(np.concatenate, normal(3, 2), normal(2), call=joined(axis=None), analytic=True)
for f in (np.hstack, np.vstack, np.dstack, np.column_stack):
    case(f, normal(3), normal(3), call=joined(), analytic=True)
    case(f, normal(3, 2), normal(3, 2), call=joined(), analytic=True)
case(np.append, normal(3), normal(2, 2), analytic=True)
for f in (np.split, np.array_split, np.hsplit, np.vsplit):
    on(f, (4, 6), (2,), ([1, 3],), shown=all_parts)
on(np.array_split, (4, 6), (4, -1), shown=all_parts)
on(np.hsplit, (4,), (2,), shown=all_parts)
on(np.dsplit, (2, 3, 4), (2,), shown=all_parts)
for key in (composed.structure.unstack.function, *([np.unstack] if hasattr(np, "unstack") else [])):
    on(key, (3, 4), {}, {"axis": -1}, shown=all_parts)
on(np.diff, (3, 4), (), (2,), {"axis": 0})
start(np.diff, 3)
case(np.diff, normal(3, 4), call=in_double(lambda f, x: f(x, prepend=0, append=1)))
case(np.diff, normal(3, 4), normal(3, 2), call=lambda f, x, v: f(x, append=v), analytic=True)
on(np.repeat, (3, 4), (2,), (2, 0), ([1, 0, 2], 0), ([2], -1))
for key in (key_of(positions.repeated), key_of(positions.summed_runs)):
    on(key, (4, 6), (2, 0), (np.array([1, 0, 2, 1]), 0), (3, 1), (np.array([0, 1, 3, 0, 1, 1]), 1))
on(np.tile, (3, 4), (2,), ((2, 1, 2),), ((2, 1),))
case(np.broadcast_arrays, normal(3, 1), normal(4), call=lambda f, x, y: all_parts(f(x, y)), analytic=True)
on(np.pad, (3, 4), (1,), (((0, 1), (2, 0)),), ((1, 2), "edge"), (1, "reflect"), (2, "symmetric"), (2, "wrap"))
on(np.pad, (3, 4), {"pad_width": 1, "constant_values": 2.0})
if np.lib.NumpyVersion(np.__version__) >= "2.2.0":
    on(np.pad, (3, 4), {"pad_width": {-1: (1, 2)}})
on(key_of(structure.padded), (3, 4), (1, 0.5))
on(sliding_window_view, (4, 5), ((2, 3),), (2, 0), ((2, 2), (1, 1)))
case(key_of(structure.add_windows), normal(3, 5, 2), call=lambda f, x: f(x, (0,), (4, 5)), analytic=True)
case(key_of(structure.astype), normal(3, 4), call=lambda f, x: f(x, x.dtype))
if hasattr(np, "astype"):
    case(np.astype, normal(3, 4), call=lambda f, x: f(x, x.dtype))

# Creation

for shape in ((2, 1), ()):
    on(composed.creation.full.function, shape, ((3, 2, 4),))
case(np.full_like, normal(4), call=lambda f, v: f(np.stack([v, v]), v), analytic=True)
for key in (np.linspace, key_of(creation.linspace)):
    case(key, normal(), normal(), call=lambda f, a, b: f(a, b, 5), analytic=True)
    case(key, normal(3, 1), normal(4), call=lambda f, a, b: f(a, b, 5, endpoint=False, axis=-1), analytic=True)
    case(key, normal(3), normal(3), call=lambda f, a, b: f(a, b, 1, axis=1), analytic=True)
case(np.linspace, normal(), normal(3), call=lambda f, a, b: all_parts(f(a, b, 5, retstep=True)), analytic=True)
for key in (np.geomspace, key_of(creation.geomspace)):
    case(key, positive(), positive(), call=in_double(lambda f, a, b: f(a, b, 5)))
    case(key, -positive(3, 1), -positive(4), call=in_double(lambda f, a, b: f(a, b, 4, endpoint=False, axis=1)))
case(np.logspace, normal(), normal(), call=lambda f, a, b: f(a, b, 5))
case(np.logspace, normal(3, 1), positive(2), call=lambda f, a, base: f(a, a + 1, 4, base=base, axis=1))
for options in ({}, {"indexing": "ij"}, {"sparse": True, "copy": False}):
    arrays = normal(2), normal(), normal(3, 1)
    case(np.meshgrid, *arrays, call=lambda f, *xs, o=options: all_parts(f(*xs, **o)), analytic=True)
case(np.meshgrid, normal(3), call=lambda f, x: all_parts(f(x)), analytic=True)

# Indexing

MASK = np.arange(12).reshape(3, 4) % 3 == 0
INDICES = (
    1, slice(None, None, -2), (slice(1), -1), Ellipsis, None, (Ellipsis, None, 0), [0, 2, 0], [], (), np.array(2),
    np.array([[0, -1], [1, 1]]), MASK, MASK[:, 0], (slice(None), MASK[0]), (MASK[:, 0], [1]),
    (slice(1, 3), None, [1, 1]), (np.array([0, 1, 0]), np.array([1, -1, 1])), ([0, 1, 0], slice(None), None),
    ([0, 2], Ellipsis, 1),
    (np.array([[0], [0]]), np.array([1, 1, 2])),
)  # fmt: skip
getitem, scatter, index_update = (key_of(p) for p in (indexing.getitem, indexing.scatter, indexing.index_update))
on(getitem, (3, 4), *((index,) for index in INDICES))
for index in INDICES:
    part = np.zeros((3, 4))[index]
    on(scatter, part.shape, (index, (3, 4)), analytic=False)
    for key in (index_update, composed.indexing.index_add.function):
        case(key, normal(3, 4), normal(*part.shape), call=lambda f, x, v, index=index: f(x, index, v))
case(index_update, normal(3, 4), normal(), call=lambda f, x, v: f(x, [0, 0], v))
on(np.take, (3, 4), ([0, 2, 0],), (1,), ([[0, 1], [1, 1]], 1), ([2, -1], 0), ([1, 1], -1))
case(np.take_along_axis, distinct(3, 4), call=lambda f, x: f(x, ranks(x), 1))
case(np.take_along_axis, distinct(3, 4), call=lambda f, x: f(x, ranks(x)[:2], axis=0))
case(np.take_along_axis, distinct(3, 4), call=lambda f, x: f(x, ranks(x)[0], axis=None))
PARTS = ([0, 0, 2], slice(None, None, -1), (0, [1, 1]), MASK)
parts = [normal(*np.zeros((3, 4))[index].shape) for index in PARTS]
case(key_of(indexing.assembled), *parts, call=lambda f, *xs: f(list(xs), PARTS, (3, 4)))
for key in (np.bincount, key_of(positions.weighted_counts)):
    case(key, normal(4), call=in_double(lambda f, w: f(ranks(w), w)))
    case(key, normal(4), call=in_double(lambda f, w: f(ranks(w).astype(np.uint8), w, minlength=8)))
case(np.histogram, distinct(2, 3), normal(2, 3), call=lambda f, x, w: all_parts(f(x, 2, weights=w)))
case(np.histogram, distinct(6), normal(6), call=in_double(lambda f, x, w: all_parts(f(x, 3, weights=w, density=True))))
case(np.histogram, distinct(6), call=lambda f, x: f(x, 3, range=(-2, 2))[1] * x[:4])
case(np.histogram, np.arange(4.0), call=lambda f, edges: f(np.ones_like(edges) * 1.5, edges)[1])
on(np.unique, (3, 4), {}, draw=distinct, analytic=False)
case(np.unique, distinct(3), call=lambda f, x: f(x[[2, 0, 2, 1]], True, True, True)[0] ** 2)
case(np.unique, distinct(3, 2), call=lambda f, x: f(x[[2, 0, 2, 1]], axis=0, return_index=True)[0])
case(np.unique_values, distinct(3), call=lambda f, x: np.sort(f(x[[2, 0, 2, 1]])))
for f in (np.unique_all, np.unique_counts, np.unique_inverse):
    start(f)
    case(f, distinct(3), call=lambda f, x: f(x[[2, 0, 2, 1]]).values)
on(np.sort, (3, 4), (), (0,), (None,), {"axis": -1, "kind": "stable"}, draw=distinct, analytic=False)
on(np.diagonal, (3, 4), (), (1,), (-2,), (0, 1, 0))
on(np.diagonal, (2, 3, 4), (1, 0, 2))
on(np.diag, (3,), (), (1,), (-2,))
on(np.diag, (3, 4), (), (1,))
on(np.trace, (3, 4), (), (1,))

# Linear algebra

for shapes in (((3, 4), (4, 2)), ((4,), (4, 2)), ((3, 4), (4,)), ((4,), (4,)), ((2, 3, 4), (4, 5)), ((3, 4), (2, 4, 5)),
               ((2, 3, 4), (4,)), ((4,), (2, 4, 3)), ((2, 1, 3, 4), (5, 4, 2))):  # fmt: skip
    for key in (np.matmul, np.linalg.matmul):
        if key is np.matmul or min(map(len, shapes)) > 1:
            case(key, *(normal(*shape) for shape in shapes), analytic=True)
for shape in ((3, 4), (4,), (2, 3, 4)):
    case(key_of(linear.affine), normal(*shape), normal(4, 2), normal(2), analytic=True)
binary(normal, normal, np.vecdot, np.linalg.vecdot)
CASES[-1] = replace(CASES[-1], stretchable=False)
CASES[-2] = replace(CASES[-2], stretchable=False)
case(np.vecdot, normal(2, 3, 4), normal(3, 1), call=lambda f, a, b: f(a, b, axis=-2))
case(np.vecdot, normal(2, 3, 4), normal(4))
case(np.linalg.vecdot, normal(3, 4), normal(3, 4), call=lambda f, a, b: f(a, b, axis=0))
case(np.linalg.cross, normal(2, 3), normal(2, 3))
case(np.linalg.cross, normal(3, 2), normal(3, 2), call=lambda f, a, b: f(a, b, axis=0))
case(np.cross, normal(2, 3), normal(3))
case(np.cross, normal(3, 2), normal(3, 2), call=lambda f, a, b: f(a, b, axis=0))
case(np.cross, normal(3, 2), normal(2, 3), call=lambda f, a, b: f(a, b, 0, 1, 0))
for key in (np.tensordot, np.linalg.tensordot):
    for a, b, axes in (
        ((3, 4), (4, 2), 1),
        ((2, 3), (4,), 0),
        ((2, 3, 4), (4, 3), ([1, 2], [1, 0])),
        ((3,), (3,), (0, -1)),
    ):
        case(key, normal(*a), normal(*b), call=lambda f, a, b, axes=axes: f(a, b, axes=axes), analytic=True)
for shapes in (((3, 4), (4, 2)), ((4,), (4,)), ((2, 3, 4), (4,)), ((3, 4), (2, 4, 2)), ((), (3,))):
    case(np.dot, *(normal(*shape) for shape in shapes), analytic=True)
for shapes in (((3, 4), (2, 4)), ((4,), (4,)), ((), (3,))):
    case(np.inner, *(normal(*shape) for shape in shapes), analytic=True)
case(np.vdot, normal(3, 2), normal(2, 3))
case(np.outer, normal(3, 2), normal(2))
case(np.linalg.outer, normal(3), normal(2))
on(np.linalg.matrix_transpose, (2, 3, 4), ())
on(np.linalg.diagonal, (2, 3, 4), {}, {"offset": 1})
on(np.linalg.trace, (2, 3, 4), {}, {"offset": -1})
for shape, directions in (((2, 3, 3), 0), ((2, 3, 3), 1), ((4, 4), 2)):
    case(key_of(linalg.cofactors), *(normal(*shape) for _ in range(directions + 1)))
for key in (np.linalg.inv, np.linalg.det):
    for shape in ((3, 3), (2, 3, 3)):
        case(key, spread(*shape), analytic=True)
case(np.linalg.solve, spread(3, 3), normal(3), analytic=True)
case(np.linalg.solve, spread(3, 3), normal(3, 2), analytic=True)
case(np.linalg.solve, spread(2, 3, 3), normal(3, 2), analytic=True)
case(np.linalg.solve, spread(2, 3, 3), normal(3), analytic=True)
case(np.linalg.solve, spread(3, 3), normal(2, 3, 2), analytic=True)
case(np.linalg.slogdet, spread(2, 3, 3), call=lambda f, x: f(x).logabsdet * f(x).sign)
case(key_of(linalg.logabsdet), spread(2, 3, 3))
case(np.linalg.cholesky, spread(3, 3), call=lambda f, x: f(x + x.mT))
case(np.linalg.cholesky, spread(2, 3, 3), call=lambda f, x: f(x @ x.mT))
case(np.linalg.cholesky, spread(3, 3), call=lambda f, x: f(x + x.mT, upper=True))
for shape in ((3, 4), (2, 4, 3), (3, 3)):
    case(np.linalg.svdvals, separate(*shape))
    case(key_of(decompositions.singular_vectors), separate(*shape), call=lambda f, x: paired(f(x), x))
    case(key_of(decompositions.nuclear_norm), separate(*shape))
    case(key_of(decompositions.polar), separate(*shape))
    case(key_of(decompositions.spectral), normal(*shape[:-2], 3), separate(*shape))
    for largest in (True, False):
        case(key_of(decompositions.extreme_singular_value), separate(*shape), call=lambda f, x, n=largest: f(x, n))
        case(key_of(decompositions.extreme_pair), separate(*shape), call=lambda f, x, n=largest: f(x, n))
for p in (None, 2, -2):
    case(np.linalg.cond, separate(2, 3, 4), call=lambda f, x, p=p: f(x, p))
for p in ("fro", 1, -1, np.inf, -np.inf):
    case(np.linalg.cond, 0.1 * inside(2, 3, 3) + np.diag([1.0, 3.0, 9.0]), call=lambda f, x, p=p: f(x, p))
case(key_of(decompositions.sylvester), spread(2, 3, 3), normal(2, 3, 3), call=lambda f, p, a: f(p + p.mT, a))
for ord in ("fro", 1, -1, np.inf, -np.inf, 2, -2, "nuc"):
    draw = graded if ord in (1, -1, np.inf, -np.inf) else separate
    case(np.linalg.matrix_norm, draw(2, 3, 4), call=lambda f, x, ord=ord: f(x, ord=ord))
on(np.linalg.matrix_norm, (3, 4), {"keepdims": True}, {"keepdims": True, "ord": 1}, draw=graded, analytic=False)

# Decompositions whose results are several, and what is solved by them


def of_symmetric(call):
    return lambda f, x: call(f, x + x.mT)


def graded_symmetric(*shape):
    """Matrices that have, added to their transposes, eigenvalues that differ by about 2."""
    return 0.3 * normal(*shape) + np.diag(np.arange(shape[-1]) - 0.7)


for shape in ((3, 3), (2, 3, 3)):
    case(np.linalg.eigh, graded_symmetric(*shape), call=of_symmetric(lambda f, x: all_parts(f(x))))
    case(np.linalg.eigvalsh, graded_symmetric(*shape), call=of_symmetric(lambda f, x: f(x)))
    case(key_of(eigen.eigenpairs), graded_symmetric(*shape), call=of_symmetric(lambda f, x: f(x, uplo="U")))
    case(key_of(eigen.eigenvalues), graded_symmetric(*shape), call=of_symmetric(lambda f, x: f(x, uplo="U")))
    case(key_of(eigen.determined), normal(*shape), call=lambda f, g: f(g, plain_index(np.zeros_like(g[..., 0]) != 0)))
    if np.any(np.linalg.svd(np.zeros((1, 1)), hermitian=True)[2]):  # in NumPy 2.0 vectors of zeros are zero
        case(np.linalg.svd, graded_symmetric(*shape), call=of_symmetric(lambda f, x: all_parts(f(x, hermitian=True))))
case(key_of(eigen.symmetric_spectral), normal(2, 3), graded_symmetric(2, 3, 3), call=lambda f, g, x: f(g, x + x.mT))
for shape in ((3, 3), (2, 4, 3), (3, 4)):
    case(np.linalg.svd, separate(*shape), call=lambda f, x: all_parts(f(x)))
    case(np.linalg.svd, separate(*shape), call=lambda f, x: all_parts(f(x, full_matrices=False)))
    case(np.linalg.svd, separate(*shape), call=lambda f, x: f(x, compute_uv=False))
    for full in (True, False):
        case(key_of(factors.singular_triples), separate(*shape), call=lambda f, x, full=full: f(x, full=full))
    for mode in ("reduced", "complete"):
        case(np.linalg.qr, separate(*shape), call=lambda f, x, mode=mode: all_parts(f(x, mode=mode)))
        case(key_of(factors.orthogonal_triangular), separate(*shape), call=lambda f, x, mode=mode: f(x, mode=mode))
    case(np.linalg.qr, separate(*shape), call=lambda f, x: f(x, mode="r"))
    case(np.linalg.pinv, separate(*shape))
    case(key_of(inverses.pseudo_inverse), separate(*shape), call=lambda f, x: f(x, rcond=1e-15, hermitian=False))
case(np.linalg.svd, graded_symmetric(3, 3), call=of_symmetric(lambda f, x: f(x, compute_uv=False, hermitian=True)))
case(np.linalg.pinv, graded_symmetric(3, 3), call=of_symmetric(lambda f, x: f(x, hermitian=True)))
for shape in ((3, 3), (4, 3), (3, 4)):
    arrays = separate(*shape), normal(shape[0], 2)
    case(np.linalg.lstsq, *arrays, call=lambda f, a, b: all_parts(f(a, b)[::3]))
    case(np.linalg.lstsq, arrays[0], normal(shape[0]), call=lambda f, a, b: all_parts(f(a, b)[:2]))
    case(key_of(inverses.least_squares), *arrays, call=lambda f, a, b: f(a, b, rcond=1e-15))
for n in (-3, -1, 0, 1, 2, 3, 5, 6):
    case(np.linalg.matrix_power, spread(2, 3, 3) / 2, call=lambda f, x, n=n: f(x, n), analytic=True)
for shapes in (
    ((3, 4), (4, 2)),
    ((3,), (3, 4), (4, 2), (2,)),
    ((3, 4), (4, 2), (2, 5)),
    ((2, 3), (3, 4), (4, 1), (1, 5)),
):
    case(np.linalg.multi_dot, *(normal(*shape) for shape in shapes), call=joined(), analytic=True)
case(np.linalg.tensorinv, spread(6, 6).reshape(2, 3, 3, 2), analytic=True)
case(np.linalg.tensorinv, spread(6, 6).reshape(6, 2, 3), call=lambda f, x: f(x, ind=1), analytic=True)
case(np.linalg.tensorsolve, spread(6, 6).reshape(2, 3, 6), normal(2, 3), analytic=True)
rotated = spread(6, 6).reshape(2, 3, 6).swapaxes(1, 2)
case(np.linalg.tensorsolve, rotated, normal(2, 3), call=lambda f, a, b: f(a, b, axes=(1,)), analytic=True)
for shapes in (((2, 3), (3, 2)), ((3,), (2, 2)), ((2, 2), (3,))):
    case(np.kron, *(normal(*shape) for shape in shapes), analytic=True)

# Einstein's sums

for text, *shapes in (
    ("ij->ji", (3, 4)), ("ij->", (3, 4)), ("ij", (3, 4)), ("ba", (3, 4)), ("ii", (3, 3)), ("ii->i", (3, 3)),
    ("iij->j", (3, 3, 2)), ("iii->i", (3, 3, 3)), ("...ij->...ji", (2, 3, 4)), ("i...->...", (3, 4)),
    ("ij,jk->ik", (3, 4), (4, 2)), ("ij,jk", (3, 4), (4, 2)), ("ij,ij->", (3, 4), (3, 4)), ("i,j->ij", (3,), (4,)),
    ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)), ("ij,kj->i", (3, 4), (2, 4)), ("ij,j", (3, 4), (1,)),
    ("ii,ij->j", (3, 3), (3, 4)),
    ("...ij,...jk->...ik", (5, 1, 3, 4), (2, 4, 3)), ("...i,...i", (2, 3), (3,)), ("i...,i...->...", (3, 4), (3, 1)),
    ("i,i,i->i", (3,), (3,), (3,)), ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)), ("ij,jk,ki->", (2, 3), (3, 4), (4, 2)),
    ("a,ab,b,bc->c", (2,), (2, 3), (3,), (3, 2)), (",i->i", (), (3,)), ("ij,j->ij", (3, 1), (4,)), ("ij->ij", (1, 3)),
):  # fmt: skip
    arrays = [normal(*shape) for shape in shapes]
    case(np.einsum, *arrays, call=lambda f, *xs, text=text: f(text, *xs), analytic=True)
case(np.einsum, normal(2, 3), normal(3, 4), call=lambda f, a, b: f(a, [0, 1], b, [1, 2], [2, 0]), analytic=True)
case(np.einsum, normal(2, 3), normal(3, 4), call=lambda f, a, b: f(a, [..., 1], b, [1, 2]), analytic=True)
abc = (normal(2, 3), normal(3, 4), normal(4, 2))
case(np.einsum, *abc, call=lambda f, *xs: f("ij,jk,kl", *xs, optimize=False), analytic=True)

# The rest of NumPy, made of what has cases of its own: see `but_slow`

FIRST_OF_PARTS = len(CASES)
for ufunc in (np.maximum, np.minimum, np.logaddexp):
    on((ufunc, "accumulate"), (3, 4), {}, {"axis": 1}, draw=distinct, analytic=False)
on((np.add, "reduceat"), (3, 4), ([0, 2, 1, 1],), ([1], -1), analytic=False)
for ufunc in [key[0] for key in REGISTRY if isinstance(key, tuple) and key[1] == "outer"]:
    start((ufunc, "outer"))
    of_pairs = lambda f, a, b: f(a + 3.5, b)
    call = in_double(of_pairs) if ufunc is np.float_power else of_pairs
    case((ufunc, "outer"), between(2, 1) * 0.7, positive(2), call=call)
for ufunc in (np.add, np.subtract):
    case((ufunc, "at"), normal(3, 2), normal(2), call=lambda f, x, v: changed(f, x, [0, 0], v))
on(np.median, (2, 3, 4), {}, {"axis": 1}, {"axis": (0, -1), "keepdims": True}, draw=distinct, analytic=False)
on(np.quantile, (3, 5), (0.3,), {"q": 0.7, "axis": 0, "keepdims": True}, draw=distinct, analytic=False)
for number, method in enumerate((*statistics.PICKING, *statistics.HALVING, *statistics.INTERPOLATING), 2):
    start(np.quantile, number)
    of_method = lambda f, x, method=method: f(x, [0.3, 0.55], axis=1, method=method)
    case(np.quantile, distinct(2, 5), call=in_double(of_method))
case(np.quantile, distinct(5), shares(2), call=lambda f, x, q: f(x, 0.6 + q / 10))
on(np.percentile, (3, 5), (30,), draw=distinct, analytic=False)
for f in (np.nansum, np.nanprod, np.nanmax, np.nanmin, np.nanmean, np.nanvar, np.nanstd, np.nanmedian):
    start(f)
    case(f, distinct(3, 4), call=lambda f, x: f(x))
    case(f, distinct(3, 4), call=lambda f, x: f(x, axis=1, keepdims=True))
for f in (np.nancumsum, np.nancumprod):
    start(f)
    case(f, distinct(3, 4), call=lambda f, x: f(x, axis=1))
start(np.nanquantile)
case(np.nanquantile, distinct(3, 4), call=lambda f, x: f(x, 0.3, axis=1))
case(np.nanpercentile, distinct(3, 4), call=in_double(lambda f, x: f(x, [30, 40], axis=0)))
start(np.average)
case(np.average, normal(3, 4))
case(np.average, normal(3, 4), positive(3, 4), call=lambda f, x, w: f(x, weights=w, axis=1), analytic=True)
case(np.average, normal(3, 2), positive(3), call=lambda f, x, w: all_parts(f(x, 0, w, returned=True)), analytic=True)
for f in (np.cov, np.corrcoef):
    start(f)
    case(f, normal(2, 4), call=in_double(lambda f, x: f(x) + 0.5))
    case(f, normal(4, 1), normal(4, 2), call=in_double(lambda f, x, y: f(x, y, rowvar=False) + 0.5))
weighted = in_double(lambda f, x, w: f(x, fweights=[1, 2, 1, 3], aweights=w))
case(np.cov, normal(2, 4), positive(4), call=weighted)
# Of samples

for options in ({}, {"left": -1.0, "right": 2.0}, {"period": 5.0}):
    start(np.interp, len(options))
    arrays = between(3, 2) + 0.25, np.arange(4) + inside(4) / 8, normal(4)
    case(np.interp, *arrays, call=in_double(lambda f, x, xp, fp, o=options: f(x, xp, fp, **o)))
case(
    np.interp,
    between(3),
    normal(2),
    call=in_double(lambda f, x, y: f(x, np.stack([x[0] - 1, x[0], x[0] + 0.5]), y[[0, 0, 1]], y[0], y[1])),
)
on(np.gradient, (4, 3), {}, {"edge_order": 2}, shown=all_parts)
on(np.gradient, (4, 3), (0.7, 2.0), shown=all_parts)
start(np.gradient, 3)
along = lambda f, x, at: f(x, at, axis=1)
case(np.gradient, normal(2, 4), np.arange(4.0) ** 2 + shares(4), call=along)
on(np.gradient, (2, 4), {"axis": 1, "edge_order": 2}, shown=lambda y: y[:, ::-1])
on(np.ediff1d, (3, 4), (), analytic=False)
case(np.ediff1d, normal(4), normal(2), call=lambda f, x, v: f(x, to_begin=v))
on(np.unwrap, (3, 5), {}, {"axis": 0, "period": 3.0}, draw=lambda *shape: 3 * normal(*shape), analytic=False)
on(np.trapezoid, (3, 4), {}, {"axis": 0, "dx": 0.5})
case(np.trapezoid, normal(3, 4), normal(4), analytic=True)
case(np.trapezoid, normal(3, 4), normal(3, 4), call=lambda f, y, x: f(y, x, axis=0), analytic=True)
for f in (np.convolve, np.correlate):
    start(f)
    for mode, counts in (("full", (4, 3)), ("same", (2, 5)), ("valid", (5, 2)), ("valid", (3, 3))):
        case(f, *map(normal, counts), call=lambda f, a, v, mode=mode: f(a, v, mode))
start(np.polyval)
case(np.polyval, normal(4), normal(2, 3), analytic=True)
for f in (np.polyadd, np.polysub):
    case(f, normal(4), normal(2), analytic=True)
for m in (1, 2):
    case(np.polyder, normal(5), call=in_double(lambda f, p, m=m: f(p, m)))
    case(np.polyint, normal(3), call=in_double(lambda f, p, m=m: f(p, m)))
case(np.polyint, normal(3), normal(2), call=in_double(lambda f, p, k: f(p + 0 * k[0], 2, k)))
case(np.vander, normal(3), call=in_double(lambda f, x: f(x, 4)))
case(np.vander, normal(3), call=in_double(lambda f, x: f(x, increasing=True)))

# Chosen and changed

start(np.select)
case(np.select, normal(3, 4), normal(4), call=lambda f, x, v: f([x > 0.5, v > 0], [x * x, v], 1.0))
case(np.piecewise, normal(3, 4), call=lambda f, x: f(x, [x > 0.5, x < 0], [np.sin, 2.0, lambda v: v * v]))
case(np.choose, normal(2, 3), normal(3), call=lambda f, x, v: f(chosen_of(x) % 2, [x, v]))
case(np.choose, normal(2, 3), normal(3), call=lambda f, x, v: f(chosen_of(x) - 1, [x, v], mode="wrap"))
case(np.compress, normal(3, 4), call=lambda f, x: f([True, False, True], x, axis=0))
case(np.extract, normal(3, 4), call=lambda f, x: f(MASK, x))
on(np.partition, (3, 4), ((0, 1, 2, 3),), ((0, 2, 1), 0), draw=distinct, analytic=False)
case(np.trim_zeros, normal(4), call=lambda f, x: f(np.pad(x, 2))[::-1])
on(np.delete, (3, 4), (1,), ([0, 2], 1), (slice(2), -1), analytic=False)
start(np.insert)
case(np.insert, normal(3, 4), normal(3), call=lambda f, x, v: f(x, 1, v, axis=1))
case(np.insert, normal(3, 4), normal(2, 1), call=lambda f, x, v: f(x, [0, 2], v, axis=0))
case(np.insert, normal(3, 4), normal(2), call=lambda f, x, v: f(x, 5, v))
case(np.put_along_axis, normal(3, 4), normal(3, 1), call=lambda f, x, v: changed(f, x, chosen_of(x)[:, :1], v, 1))
case(
    np.put_along_axis, normal(3, 4), normal(2), call=lambda f, x, v: changed(f, np.ravel(x), np.array([3, -1]), v, None)
)
start(np.block)
case(np.block, normal(2, 3), normal(2), call=lambda f, x, v: f([[x, np.reshape(v, (2, 1))], [v, v]]), analytic=True)
case(np.block, normal(3), normal(), call=lambda f, x, v: f([x, v]), analytic=True)
on(np.resize, (3,), (2,), ((2, 4),))
on(np.rollaxis, (2, 3, 4), (2,), (0, 3))
on(np.diagflat, (2, 2), (), (-1,))
on(composed.arranging.diag_embed.function, (2, 3), (), (1,), (-1, 0, -1), analytic=False)
case(np.apply_along_axis, normal(2, 3), call=lambda f, x: f(lambda v: np.outer(v, v), 0, x))
case(np.apply_over_axes, normal(2, 3, 4), call=lambda f, x: f(np.sum, x, (0, 2)))
for mode, *options in (
    ("linear_ramp", {}, {"end_values": ((1, 2), (3, -4))}), ("mean", {}, {"stat_length": 2}), ("median", {}),
    ("maximum", {}), ("minimum", {"stat_length": ((1, 2), (9, 3))}), ("reflect", {"reflect_type": "odd"}),
    ("symmetric", {"reflect_type": "odd"}),
):  # fmt: skip
    for number, option in enumerate(options):
        start(np.pad, number)
        widths = ((1, 2), (5, 4)) if "reflect_type" in option else (2, 1)
        case(np.pad, distinct(3, 2), call=lambda f, x, w=widths, m=mode, o=option: f(x, w, m, **o))
for number, mode in enumerate(("wrap", "clip")):
    start(np.take, 10 + number)
    case(np.take, normal(3, 4), call=lambda f, x, mode=mode: f(x, [5, -7], axis=1, mode=mode))
    case(np.take, distinct(3, 4), call=lambda f, x, mode=mode: f(x, 4 * ranks(x), mode=mode))
CASES[FIRST_OF_PARTS:] = [replace(case, of_parts=True) for case in CASES[FIRST_OF_PARTS:]]
