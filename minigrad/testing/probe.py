"""Slopes of outputs along directions: what the rule claims, and what f shows."""

import functools
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import numeric
from .subject import Subject
from .verdict import Verdict, misses, weigh


class Probe:
    """Judges the rule by slopes of outputs, if these are not more than `many`, and of mixtures of them.

    The outputs seen on their own, `alone` in number, come first; `rows` has a gradient (entry) for each.
    """

    def __init__(self, subject: Subject, rtol: float, many: int) -> None:
        self.subject, self.many = subject, many
        m = subject.output.size
        self.alone = m if m <= many else 0
        mixtures = [subject.cotangent().ravel() for _ in range(2 if self.alone else 6)]
        self.cotangents = np.vstack([np.eye(self.alone, m), *mixtures])
        # No rule is right to more digits than its arithmetic has.
        self.rtol = max(rtol, 30 * subject.eps)
        self.rows = self.gradients(subject.output, subject.inputs)
        self.centre = self.mixed(subject.output.reshape(1, -1))[0]
        self.dense = subject.direction()
        points = (spacings := numeric.noise_spacings(subject.eps))[:, None] * np.arange(-4, 4)
        values = self.values([self.dense], points.ravel()).reshape(len(spacings), 8, -1)
        self.noise = numeric.noise_level(values)
        if self.alone:
            self.noise[m:] = np.abs(self.cotangents[m:]) @ self.noise[:m]

    def mixed(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs (point, output) beside mixtures of all: a rule may err when it adds them up."""
        known = outputs if self.subject.finite.all() else np.where(self.subject.finite, outputs, 0)
        return np.concatenate([outputs[:, : self.alone], known @ self.cotangents[self.alone :].T], axis=1)

    def values(self, directions: Sequence[Any], points: Any) -> np.ndarray:
        """(direction * point, output): f at inputs + point * direction."""
        subject = self.subject
        return self.mixed(np.stack([subject.trial(subject.moved(v, t)) for v in directions for t in points]))

    def gradients(self, y: np.ndarray, inputs: Any) -> np.ndarray:
        """(output, entry)"""
        pulls = self.cotangents.astype(y.dtype).reshape(len(self.cotangents), *y.shape)
        calls = [self.subject.backward(g, y, inputs) for g in pulls]
        return np.stack([np.concatenate([g.reshape(-1) for g in call]) for call in calls])

    def along(self, directions: Sequence[Any], rows: np.ndarray, function: Callable = np.asarray) -> np.ndarray:
        """(direction, output): the slopes that gradients `rows` make of the directions."""
        return np.stack([function(rows[:, places]) @ function(values) for places, values in directions])

    def judge(self, directions: Sequence[Any]) -> Verdict:
        """The verdict on the claimed slopes (direction, output), from large to tiny steps.

        A direction gets smaller steps as long as one of its outputs disagrees or could become clearer. Sums of many
        terms of random sign are compared on the scale of such sums.
        """
        claimed = self.along(directions, self.rows)
        terms = self.along(directions, self.rows, np.abs)
        moved = np.array([[len(places)] for places, _ in directions])
        slack = self.rtol * np.maximum(np.abs(claimed), terms / np.sqrt(moved)) + 16 * self.subject.eps * terms
        low, high, kinked = self.measure(directions, claimed, slack)
        verdict = weigh(low, high, kinked, claimed, slack)
        if verdict.outside.any():
            wobble = 8 * self.along(directions, self.wobble, np.abs)
            verdict = weigh(low, high, kinked, claimed, slack + wobble)
        # Kinks of several outputs may pull a mixture apart on both sides: judge outputs alone.
        return verdict.excuse(verdict.kinked & (np.arange(claimed.shape[1]) >= self.alone))

    def measure(self, directions: Sequence[Any], claimed: np.ndarray, slack: np.ndarray) -> Any:
        """What `block` says (low, high, kinked) for each step size, until it is settled."""
        ladder, active = numeric.step_ladder(self.subject.eps), np.arange(len(directions))
        low, high = np.full((2, len(ladder), *claimed.shape), [[[[-np.inf]]], [[[np.inf]]]])
        kinked, constant = np.zeros(low.shape, dtype=bool), np.ones(claimed.shape, dtype=bool)
        for row, t in enumerate(ladder):
            points = t * np.array([1, -1, 0.5, -0.5, 0.25, -0.25])
            values = self.values([directions[i] for i in active.tolist()], points).reshape(len(active), 6, -1)
            seen = numeric.block(values, self.centre, t, self.noise, self.subject.eps, self.rtol)
            against = misses(claimed[active], seen.low, seen.high, slack[active])
            # Coarse rounding makes f flat at tiny steps, so flatness convicts only constants.
            constant[active] &= seen.flat
            heard = ~seen.flat | constant[active] | ~against
            low[row, active] = np.where(heard, seen.low, -np.inf)
            high[row, active] = np.where(heard, seen.high, np.inf)
            kinked[row, active] = seen.kinked
            active = active[(against | ~seen.settled).any(axis=1)]
            if not active.size:
                break
        return low, high, kinked

    @functools.cached_property
    def wobble(self) -> np.ndarray:
        """How far the gradients move when the inputs change by their last bits.

        A move by 1 % of the largest entry is no rounding: there the rule takes another branch.
        """
        near = np.stack([self.gradients(*self.subject.nudged()) for _ in range(3)])
        gaps = np.nan_to_num(np.abs(near - self.rows), nan=0)
        for _, slot in self.subject.slots:
            limit = 0.01 * np.max(np.abs(self.rows[:, slot]), axis=1, keepdims=True, initial=0)
            gaps[:, :, slot][gaps[:, :, slot] > limit] = 0
        return np.max(gaps, axis=0)

    def sides(self, direction: Any, t: float = 2.0**-16) -> np.ndarray:
        """(2, output): the slopes to the right and to the left, over a small step."""
        return (self.values([direction], [t, -t]) - self.centre) / np.array([[t], [-t]])

    def acquit(self, directions: Sequence[Any], verdict: Verdict) -> Verdict:
        """Excuse claims that a complex step confirms, if real steps agree with the rule in bulk.

        A complex step is exact for analytic code, and silently wrong for abs, sort, clip and their like: so it never
        convicts, and it is believed only if it is not zero and a random real direction has nothing against the rule.
        (Squire & Trapp, Using complex variables to estimate derivatives, SIAM Review 40, 1998.)
        """
        if not verdict.outside.any():
            return verdict
        bulk = self.judge([self.dense])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a cast to real numbers makes the slope zero, no more
            exact = np.imag(self.values(directions, [1e-30j])) / 1e-30
        confirmed = (np.abs(exact - verdict.claimed) <= verdict.slack) & (exact != 0)
        return verdict.excuse(confirmed & ~bulk.outside & np.isfinite(bulk.low))
