"""Numeric derivatives that know their own error.

A slope is measured along a direction whose entries have the size of the inputs: a step t changes each input by about
the fraction t of itself, and a slope has the units of the output.
"""

from typing import Any, NamedTuple

import numpy as np

# Bars are this many times the noise over the step. The weights (64, -20, 1)/45 of `extrapolate` turn noise sigma into
# 4.07 sigma / t, so these are about five standard deviations, and sigma itself, measured from few values, may be half
# the truth.
NOISE_FACTOR = 20


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
    """
    # Mean magnitudes, as squares of tiny values would vanish: 0.8 sigma for normal noise.
    scatter = np.mean(np.abs(np.diff(values, 4, axis=1)), axis=1) / (0.8 * np.sqrt(70))
    small = scatter < 1e-3 * np.max(np.abs(values), axis=(0, 1))
    alike = (scatter[:, None] < 30 * scatter) & (scatter < 30 * scatter[:, None])
    partners = alike.sum(axis=1)
    rounded = (scatter[:2] == 0).all(axis=0)  # a smooth f that moves shows its last bits at once
    plateau = small & ((partners > 1) | rounded) | alike[0] & (partners > 2)
    return np.max(scatter, axis=0, initial=0, where=plateau)


class Block(NamedTuple):
    """What a step, its half and its quarter say of slopes; arrays (direction, output)."""

    low: np.ndarray  # each slope lies between low and high, infinite where the step says nothing
    high: np.ndarray
    settled: np.ndarray  # a smaller step would not say much more
    flat: np.ndarray  # f does not change over the smallest step
    kinked: np.ndarray  # [low, high] lies between one-sided slopes


def block(values: np.ndarray, centre: np.ndarray, t: float, noise: np.ndarray, eps: float, rtol: float) -> Block:
    """Look at slopes from values (direction, 6, output) of f at t, -t, t/2, -t/2, t/4, -t/4, and `centre`, at 0."""
    steps = t * np.array([1, 0.5, 0.25])[:, None]
    right, left = (values[:, 0::2] - centre) / steps, (centre - values[:, 1::2]) / steps
    central = (right + left) / 2
    # Rounding of f's result, and of an input (no f is better than exact at rounded inputs), both as root mean square,
    # eps / 4. Where all is zero (1 - tanh(30)), the size of what cancelled is unknown: take it for one.
    size = np.fmax.reduce(np.abs(values), axis=1)
    rounding = np.fmax(np.where(size == 0, 1, size), np.abs(central[:, 2])) * eps / 4
    grain = NOISE_FACTOR * np.fmax(noise, rounding) / t
    slope, correction = extrapolate(central)
    kinked, lonely, low_end, high_end = kink(left, right, grain)
    low = np.where(kinked, low_end, slope - correction - grain)
    high = np.where(kinked, high_end, slope + correction + grain)
    settled = (correction <= np.maximum(grain, 10 * rtol * np.abs(slope))) & ~kinked
    heard = ~lonely & np.isfinite(high - low)
    low, high = np.where(heard, low, -np.inf), np.where(heard, high, np.inf)
    return Block(low, high, settled & heard, (values[:, 4:] == centre).all(axis=1), kinked & heard)


def extrapolate(slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Richardson's limit of central differences over t, t/2, t/4, and its last correction."""
    first, second, third = slopes[:, 0], slopes[:, 1], slopes[:, 2]
    coarse, fine = second + (second - first) / 3, third + (third - second) / 3
    limit = fine + (fine - coarse) / 15
    return limit, np.abs(limit - fine)


def kink(left: np.ndarray, right: np.ndarray, grain: np.ndarray) -> Any:
    """Whether the gap between one-sided slopes stays, whether it grows, and its two ends.

    For a smooth function the gap is proportional to the step, at a kink it is constant. If it grows, the value at the
    point does not belong to the values around it (a jump, a pole).
    """
    gap, before = np.abs(right - left)[:, 2], np.abs(right - left)[:, 0]
    visible = gap > 2 * grain
    ends = [2 * side[:, 2] - side[:, 1] for side in (left, right)]
    coarse = [2 * side[:, 1] - side[:, 0] for side in (left, right)]
    bar = np.abs(ends[0] - coarse[0]) + np.abs(ends[1] - coarse[1]) + 2 * grain
    kinked, lonely = visible & (gap > 0.5 * before), visible & (gap > 1.5 * before)
    return kinked, lonely, np.minimum(*ends) - bar, np.maximum(*ends) + bar
