"""Numeric slopes that know their own error, and what they say of a rule.

A slope is measured along a direction whose entries have the size of the inputs: a step t changes each input by about
the fraction t of itself, and a slope has the units of the output.
"""

import functools
from typing import Any, NamedTuple

import numpy as np

from .subject import Subject

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


class Verdict(NamedTuple):
    """What all step sizes say of the slopes, per unit of a direction's largest entry; arrays (direction, output)."""

    claimed: np.ndarray
    numeric: np.ndarray  # the slope is this
    bar: np.ndarray  # to within so much, or anything between two one-sided slopes where it is
    kinked: np.ndarray
    votes: np.ndarray  # how many steps exclude the claim: one alone may be an accident, two convict


class SlopeProbe:
    """Judges the rule by slopes of outputs, if these are not more than `many`, and of mixtures of them.

    The outputs seen on their own, `alone` in number, come first; `rows` has a gradient (entry) for each.
    """

    def __init__(self, subject: Subject, rtol: float, many: int) -> None:
        self.subject, m = subject, subject.output.size
        self.alone = m if m <= many else 0
        mixtures = [subject.cotangent().reshape(-1) for _ in range(2 if self.alone else 6)]
        self.cotangents = np.vstack([np.eye(self.alone, m), *mixtures]).astype(subject.output.dtype)
        self.rtol = max(rtol, 30 * subject.eps)  # no rule is right to more digits than its arithmetic has
        self.rows = self.gradients(subject.pull)
        self.centre = self.mixed(np.stack([subject.output]))[0]
        spacings = noise_spacings(subject.eps)
        values = self.values(subject.direction()[None], (spacings[:, None] * np.arange(-4, 4)).ravel())
        self.noise = noise_level(values.reshape(len(spacings), 8, -1))
        if self.alone:
            self.noise[m:] = np.abs(self.cotangents[m:]) @ self.noise[:m]

    def gradients(self, pull: Any) -> np.ndarray:
        """(output, entry)"""
        return np.stack([pull(g.reshape(self.subject.output.shape)) for g in self.cotangents])

    def mixed(self, outputs: np.ndarray) -> np.ndarray:
        """(point, output): outputs beside mixtures of all, as a rule may err when it adds them up."""
        outputs = outputs.reshape(len(outputs), -1)
        outputs[:, ~self.subject.finite.reshape(-1)] = 0
        return np.concatenate([outputs[:, : self.alone], outputs @ self.cotangents[self.alone :].T], axis=1)

    def values(self, directions: np.ndarray, points: Any) -> np.ndarray:
        """(direction, point, output): f at inputs + point * direction."""
        trials = [self.subject.trial(self.subject.point + t * v)[0] for v in directions for t in points]
        return self.mixed(np.stack(trials)).reshape(len(directions), len(points), -1)

    def entries(self, places: Any) -> np.ndarray:
        """Directions that move one entry each."""
        directions = np.zeros((len(places), self.subject.point.size))
        directions[np.arange(len(places)), places] = self.subject.sizes[places]
        return directions

    def judge(self, directions: np.ndarray) -> Verdict:
        """The verdict on the claimed slopes (direction, output).

        Sums of many terms of random sign are compared on the scale of such sums.
        """
        claimed, terms = directions @ self.rows.T, np.abs(directions) @ np.abs(self.rows).T
        typical = terms / np.sqrt(np.count_nonzero(directions, axis=1, keepdims=True))
        slack = self.rtol * np.maximum(np.abs(claimed), typical) + 16 * self.subject.eps * terms
        low, high, kinked, votes = self.measure(directions, claimed, slack)
        # Kinks of several outputs may pull a mixture apart on both sides: judge outputs alone.
        votes[:, self.alone :][kinked[:, self.alone :]] = 0
        if votes.any():
            slack += 30 * np.abs(directions) @ self.wobble.T
            votes[~misses(claimed, low, high, slack)] = 0
        unit = np.max(np.abs(directions), axis=1, keepdims=True)
        return Verdict(claimed / unit, (low + high) / 2 / unit, (high - low) / 2 / unit, kinked, votes)

    def measure(self, directions: np.ndarray, claimed: np.ndarray, slack: np.ndarray) -> Any:
        """(direction, output): low and high, kinked, and how many step sizes exclude the claim.

        The steps go from large to tiny as long as an output disagrees or could become clearer. One whose interval is
        disjoint from that of all larger ones overrules these: near a kink, a pole or the edge of the domain, large
        steps converge to a wrong limit, and nothing in their own table shows it.
        """
        active, eps = np.arange(len(directions)), self.subject.eps
        low, high = np.full((2, *claimed.shape), [[[-np.inf]], [[np.inf]]])
        votes, kinks = np.zeros((2, *claimed.shape), dtype=int)
        constant = np.ones(claimed.shape, dtype=bool)
        for t in step_ladder(eps):
            values = self.values(directions[active], t * STENCIL)
            below, above, kinked, grain = bounds(values, self.centre, t, self.noise, eps)
            # Coarse rounding makes f flat at tiny steps: that says nothing, unless f is constant.
            flat = (values[:, 4:] == self.centre).all(axis=1)
            constant[active] &= flat
            below[flat & ~constant[active]], above[flat & ~constant[active]] = -np.inf, np.inf
            overruled = (below > high[active]) | (above < low[active])
            against = misses(claimed[active], below, above, slack[active])
            low[active] = np.where(overruled, below, np.maximum(low[active], below))
            high[active] = np.where(overruled, above, np.minimum(high[active], above))
            votes[active] = np.where(overruled, 0, votes[active]) + against
            kinks[active] = np.where(overruled, 0, kinks[active]) + np.where(np.isfinite(below), 2 * kinked - 1, 0)
            clear = above - below <= np.maximum(4 * grain, 20 * self.rtol * np.abs(claimed[active]))
            active = active[(against | ~clear | kinked).any(axis=1)]
            if not active.size:
                break
        return low, high, kinks > 1, votes  # a clear majority of kinks

    @functools.cached_property
    def wobble(self) -> np.ndarray:
        """(output, entry): what rounding inside of the rule may do."""
        return self.gradients(self.subject.wobble)


def misses(claimed: np.ndarray, low: np.ndarray, high: np.ndarray, slack: np.ndarray) -> Any:
    return (claimed < low - slack) | (claimed > high + slack)
