"""Slopes of outputs along directions: what the rule claims, and what f shows.

A direction has one array for each input, or None for an input that stays.
"""

import functools
import warnings

import numpy as np

from minigrad.testing import numeric
from minigrad.testing.verdict import misses, weigh


class Probe:
    """Judges the rule by slopes of outputs and of mixtures of them, as `cotangents` pulls them.

    `cotangents` is (pull, output): unit vectors for all outputs or for none, then mixtures.
    """

    def __init__(self, subject, cotangents, rng, rtol):
        self.subject, self.cotangents, self.rng = subject, cotangents, rng
        m = subject.output.size
        self.alone = m if len(cotangents) > m else 0  # outputs seen on their own
        # No rule is right to more digits than its arithmetic has.
        self.rtol = max(rtol, 30 * subject.eps)
        self.rows = self.gradients(subject.output, subject.inputs)
        self.centre = self.mixed(subject.output.reshape(1, -1))[0]
        self.dense = subject.direction(rng)
        points = (spacings := numeric.noise_spacings(subject.eps))[:, None] * np.arange(-4, 4)
        values = self.values([self.dense], points.ravel()).reshape(len(spacings), 8, -1)
        self.noise = numeric.noise_level(values)
        if self.alone:
            self.noise[m:] = np.abs(cotangents[m:]) @ self.noise[:m]

    def mixed(self, outputs):
        """Outputs (point, output) beside mixtures of all: a rule may err when it adds them up."""
        known = outputs if self.subject.finite.all() else np.where(self.subject.finite, outputs, 0)
        mixtures = known @ self.cotangents[self.alone :].T
        return np.concatenate([outputs[:, : self.alone], mixtures], axis=1)

    def values(self, directions, points):
        """(direction * point, output): f at inputs + point * direction."""
        displaced = [self.subject.displaced(v, t) for v in directions for t in points]
        return self.mixed(np.stack(displaced))

    def gradients(self, y, inputs):
        """For each moving input an array (output, entry)."""
        pulls = self.cotangents.astype(y.dtype).reshape(len(self.cotangents), *y.shape)
        calls = [self.subject.backward(g, y, inputs) for g in pulls]
        return [np.stack([g.reshape(-1) for g in slot]) for slot in zip(*calls, strict=True)]

    def along(self, directions, rows, function=np.asarray):
        """(direction, output): the slopes that gradients `rows` make of the directions."""
        total = 0
        for k, row in zip(self.subject.moving, rows, strict=True):
            if any(v[k] is not None for v in directions):
                still = np.zeros(row.shape[1])
                moves = [still if v[k] is None else v[k].reshape(-1) for v in directions]
                total = total + function(np.stack(moves)) @ function(row).T
        return total

    def judge(self, directions):
        """The verdict on the claimed slopes (direction, output), from large to tiny steps.

        A direction gets smaller steps as long as one of its outputs disagrees or could become
        clearer. Sums of many terms of random sign are compared on the scale of such sums.
        """
        claimed = self.along(directions, self.rows)
        terms = self.along(directions, self.rows, np.abs)
        moved = [sum(np.count_nonzero(v) for v in d if v is not None) for d in directions]
        slack = self.rtol * np.maximum(np.abs(claimed), terms / np.sqrt(moved)[:, None])
        slack += 16 * self.subject.eps * terms
        bounds = self.measure(directions, claimed, slack)
        verdict = weigh(*bounds, claimed, slack)
        if verdict.outside.any():
            slack = slack + 8 * self.along(directions, self.wobble, np.abs)
            verdict = weigh(*bounds, claimed, slack)
        # Kinks of several outputs may pull a mixture apart on both sides: judge outputs alone.
        return verdict.excuse(verdict.kinked & (np.arange(claimed.shape[1]) >= self.alone))

    def measure(self, directions, claimed, slack):
        """What `block` says (low, high, kinked) for each step size, until it is settled."""
        ladder, active = numeric.step_ladder(self.subject.eps), np.arange(len(directions))
        low, high = np.full((2, len(ladder), *claimed.shape), [[[[-np.inf]]], [[[np.inf]]]])
        kinked, constant = np.zeros(low.shape, dtype=bool), np.ones(claimed.shape, dtype=bool)
        for row, t in enumerate(ladder):
            points = t * np.array([1, -1, 0.5, -0.5, 0.25, -0.25])
            values = self.values([directions[i] for i in active], points)
            values = values.reshape(len(active), 6, -1)
            bottom, top, settled, flat, kinked[row, active] = numeric.block(
                values, self.centre, t, self.noise, self.subject.eps, self.rtol
            )
            against = misses(claimed[active], bottom, top, slack[active])
            # Coarse rounding makes f flat at tiny steps, so flatness convicts only constants.
            constant[active] &= flat
            heard = ~flat | constant[active] | ~against
            low[row, active] = np.where(heard, bottom, -np.inf)
            high[row, active] = np.where(heard, top, np.inf)
            active = active[(against | ~settled).any(axis=1)]
            if not active.size:
                break
        return low, high, kinked

    @functools.cached_property
    def wobble(self):
        """How far the gradients move when the inputs change by their last bits.

        A move by 1 % of the largest entry is no rounding: there the rule takes another branch.
        """
        near = [self.gradients(*self.subject.nudged(self.rng)) for _ in range(3)]
        wobble = []
        for row, others in zip(self.rows, zip(*near, strict=True), strict=True):
            gaps = np.abs(np.stack(others) - row)
            jump = gaps > 0.01 * np.max(np.abs(row), axis=1, keepdims=True, initial=0)
            wobble.append(np.max(np.where(jump | np.isnan(gaps), 0, gaps), axis=0))
        return wobble

    def sides(self, direction):
        """(2, output): the slopes to the right and to the left, over a small step."""
        t = 2.0**-16
        return (self.values([direction], [t, -t]) - self.centre) / np.array([[t], [-t]])

    def acquit(self, directions, verdict):
        """Excuse claims that a complex step confirms, if real steps agree with the rule in bulk.

        A complex step is exact for analytic code, and silently wrong for abs, sort, clip and their
        like: so it never convicts, and it is believed only if it is not zero and a random real
        direction has nothing against the rule. (Squire & Trapp, Using complex variables to estimate
        derivatives, SIAM Review 40, 1998.)
        """
        if not verdict.outside.any():
            return verdict
        bulk = self.judge([self.dense])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a cast to real numbers makes the slope zero, no more
            exact = np.imag(self.values(directions, [1e-30j])) / 1e-30
        confirmed = (np.abs(exact - verdict.claimed) <= verdict.slack) & (exact != 0)
        return verdict.excuse(confirmed & ~bulk.outside & np.isfinite(bulk.low))
