"""Numeric derivatives that know their own error.

A slope is measured along a direction whose entries have the size of the inputs: a step t changes each input by about
the fraction t of itself, and a slope has the units of the output.
"""

from typing import Any

import numpy as np

# Bars are this many times the noise over the step. The weights (64, -20, 1)/45 of Richardson's limit turn noise sigma
# into 4.07 sigma / t, so these are about five standard deviations, and sigma itself, measured from few values, may be
# half the truth.
NOISE_FACTOR = 20
# The points of a block, in steps: three central differences, each with half the step of the one before.
STENCIL = np.array([1, -1, 0.5, -0.5, 0.25, -0.25])


def step_ladder(eps: float) -> np.ndarray:
    """Relative steps from 6 %, which never carries an input across zero, down to 2^10 eps.

    Powers of two make x + t v exact (directions have six bits), so that the step itself has no error.
    """
    return 2.0 ** np.arange(-4, np.log2(eps) + 10, -4)


def noise_spacings(eps: float) -> np.ndarray:
    """Relative spacings for `noise_level`, from 1e-12 to 1e-4 in double precision."""
    return 1.37 * eps ** np.array([0.75, 0.625, 0.5, 0.375, 0.25])  # 1.37: not a power of two


def size_of(x: np.ndarray) -> np.ndarray:
    """A power of two just below each |x|; for zeros that of the largest entry, or 1. At least the smallest normal."""
    magnitude = np.where(np.isfinite(x), np.abs(x), 1)
    magnitude = np.where(x == 0, np.max(magnitude, initial=0) or 1, magnitude)
    return np.maximum(np.ldexp(1.0, np.frexp(magnitude)[1] - 1).astype(x.dtype), np.finfo(x.dtype).tiny)


def noise_level(values: np.ndarray) -> np.ndarray:
    """Standard deviation of the rounding noise in f, from values (spacing, 8, output), spacings ascending.

    Fourth differences of a smooth function grow like spacing^4 (a kink's like spacing), those of noise do not depend
    on it: levels found at two spacings within a factor of 30 are noise. (The idea of Moré & Wild, Estimating
    computational noise, SIAM J. Sci. Comput. 33, 2011.) A rounding deep inside f shows only at spacings above it, so
    the largest level counts; but beyond 1e-3 of f it is f itself that jumps or oscillates, unless it shows from the
    smallest spacing on. The variance of a fourth difference of independent values is binomial(8, 4) = 70 times theirs.
    Where more than a tenth of f is noise (the cosine of 1e12), slopes cannot be measured: it is infinite.
    """
    # Mean magnitudes, as squares of tiny values would vanish: 0.8 sigma for normal noise.
    scatter = np.mean(np.abs(np.diff(values, 4, axis=1)), axis=1) / (0.8 * np.sqrt(70))
    small = scatter < 1e-3 * np.max(np.abs(values), axis=(0, 1))
    alike = (scatter[:, None] < 30 * scatter) & (scatter < 30 * scatter[:, None])
    partners = alike.sum(axis=1)
    rounded = (scatter[:2] == 0).all(axis=0)  # a smooth f that moves shows its last bits at once
    plateau = small & ((partners > 1) | rounded) | alike[0] & (partners > 2)
    noise = np.max(scatter, axis=0, initial=0, where=plateau)
    return np.where(noise > 0.1 * np.max(np.abs(values), axis=(0, 1)), np.inf, noise)


def bounds(values: np.ndarray, centre: np.ndarray, t: float, noise: np.ndarray, eps: float) -> Any:
    """What the steps t, t/2 and t/4 say of slopes: low, high, kinked, and the part of the bar that is rounding.

    Each is an array (direction, output), from values (direction, 6, output) of f at t * STENCIL, and `centre`, at 0.
    The bar of a smooth f is Richardson's last correction and the rounding. At a kink the slopes of the two sides do
    not approach each other: the gap between them is constant, not proportional to the step, and [low, high] reaches
    from one to the other. If the gap grows, the value at the point does not belong to the values around it (a jump, a
    pole), and the steps say nothing: low and high are infinite, as where f is not finite.
    """
    steps = t * STENCIL[::2, None]
    right, left = (values[:, 0::2] - centre) / steps, (centre - values[:, 1::2]) / steps
    slopes = (right + left) / 2
    # Rounding of f's result, and of an input (no f is better than exact at rounded inputs), both as root mean square,
    # eps / 4. Where all is one tiny number (1 - tanh(30)), the size of what cancelled is unknown: take it for one.
    size = np.fmax.reduce(np.abs(values), axis=1)
    size[(size < 4 * eps) & (values == centre).all(axis=1)] = 1
    rounding = np.fmax(size, np.abs(slopes[:, 2])) * eps / 4
    grain = NOISE_FACTOR * np.fmax(noise, rounding) / t
    coarse, fine = (slopes[:, i + 1] + (slopes[:, i + 1] - slopes[:, i]) / 3 for i in (0, 1))
    limit = fine + (fine - coarse) / 15
    bar = np.abs(limit - fine) + grain
    gap = np.abs(right - left)
    visible = gap[:, 2] > 2 * grain
    kinked, lonely = visible & (gap[:, 2] > 0.5 * gap[:, 0]), visible & (gap[:, 2] > 1.5 * gap[:, 0])
    before, ends = (np.stack([2 * side[:, i + 1] - side[:, i] for side in (left, right)]) for i in (0, 1))
    reach = np.abs(ends - before).sum(axis=0) + 2 * grain
    low = np.where(kinked, ends.min(axis=0) - reach, limit - bar)
    high = np.where(kinked, ends.max(axis=0) + reach, limit + bar)
    heard = ~lonely & np.isfinite(high - low)
    return np.where(heard, low, -np.inf), np.where(heard, high, np.inf), kinked & heard, grain
