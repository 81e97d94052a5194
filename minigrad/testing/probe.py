"""Slopes of outputs along directions: what the rule claims, and what f shows."""

import functools
import warnings
from typing import Any, NamedTuple

import numpy as np

from .numeric import STENCIL, bounds, noise_level, noise_spacings, step_ladder
from .subject import Subject


class Verdict(NamedTuple):
    """What all step sizes say of the claimed slopes; arrays (direction, output)."""

    claimed: np.ndarray
    low: np.ndarray  # the slope lies in [low, high]
    high: np.ndarray
    kinked: np.ndarray  # [low, high] lies between two one-sided slopes
    outside: np.ndarray  # the claim is excluded by what all steps agree on
    wrong: np.ndarray  # and by two of them. One alone may be an accident


class Probe:
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
        # Half precision leaves no step between its rounding and curvature: f is measured in double if it answers so.
        wide = subject.trial(subject.point, np.float64)[0] if subject.eps > 1e-4 else subject.output
        self.dtype = wide.dtype if wide.dtype != subject.output.dtype else None
        self.eps = float(np.finfo(wide.dtype).eps) if self.dtype else subject.eps
        self.centre = self.mixed(wide[None])[0]
        self.dense = subject.direction()[None]
        spacings = noise_spacings(self.eps)
        values = self.values(self.dense, (spacings[:, None] * np.arange(-4, 4)).ravel())
        self.noise = noise_level(values.reshape(len(spacings), 8, -1))
        if self.alone:
            self.noise[m:] = np.abs(self.cotangents[m:]) @ self.noise[:m]

    def gradients(self, pull: Any) -> np.ndarray:
        """(output, entry)"""
        return np.stack([pull(g.reshape(self.subject.output.shape)) for g in self.cotangents])

    def mixed(self, outputs: np.ndarray) -> np.ndarray:
        """(point, output): outputs beside mixtures of all, as a rule may err when it adds them up."""
        outputs = np.where(self.subject.finite, outputs, 0).reshape(len(outputs), -1)
        return np.concatenate([outputs[:, : self.alone], outputs @ self.cotangents[self.alone :].T], axis=1)

    def values(self, directions: np.ndarray, points: Any) -> np.ndarray:
        """(direction, point, output): f at inputs + point * direction."""
        trials = [self.subject.trial(self.subject.point + t * v, self.dtype)[0] for v in directions for t in points]
        return self.mixed(np.stack(trials)).reshape(len(directions), len(points), -1)

    def sides(self, directions: np.ndarray, t: float = 2.0**-16) -> np.ndarray:
        """(direction, 2, output): the slopes to the right and to the left, over a small step."""
        return (self.values(directions, [t, -t]) - self.centre) / np.array([[t], [-t]])

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
        outside = misses(claimed, low, high, slack)
        # Kinks of several outputs may pull a mixture apart on both sides: judge outputs alone.
        outside[:, self.alone :] &= ~kinked[:, self.alone :]
        if outside.any():
            slack += 8 * np.abs(directions) @ self.wobble.T
            outside &= misses(claimed, low, high, slack)
        if outside.any() and directions is not self.dense:
            outside &= ~self.confirmed(directions, claimed, slack)
        return Verdict(claimed, low, high, kinked, outside, outside & (votes > 1))

    def measure(self, directions: np.ndarray, claimed: np.ndarray, slack: np.ndarray) -> Any:
        """(direction, output): low and high, kinked, and how many step sizes exclude the claim.

        The steps go from large to tiny as long as an output disagrees or could become clearer. One whose interval is
        disjoint from that of all larger ones overrules these: near a kink, a pole or the edge of the domain, large
        steps converge to a wrong limit, and nothing in their own table shows it.
        """
        active = np.arange(len(directions))
        low, high = np.full((2, *claimed.shape), [[[-np.inf]], [[np.inf]]])
        votes, kinks = np.zeros((2, *claimed.shape), dtype=int)
        constant = np.ones(claimed.shape, dtype=bool)
        for t in step_ladder(self.eps):
            values = self.values(directions[active], t * STENCIL)
            below, above, kinked, grain = bounds(values, self.centre, t, self.noise, self.eps)
            # Coarse rounding makes f flat at tiny steps: that says nothing, unless f is constant.
            flat = (values[:, 4:] == self.centre).all(axis=1)
            constant[active] &= flat
            below[flat & ~constant[active]], above[flat & ~constant[active]] = -np.inf, np.inf
            heard = np.isfinite(below)
            overruled = (below > high[active]) | (above < low[active])
            against = misses(claimed[active], below, above, slack[active])
            low[active] = np.where(overruled, below, np.maximum(low[active], below))
            high[active] = np.where(overruled, above, np.minimum(high[active], above))
            votes[active] = np.where(overruled, 0, votes[active]) + against
            kinks[active] = np.where(overruled, 0, kinks[active]) + np.where(heard, 2 * kinked - 1, 0)
            clear = above - below <= np.maximum(4 * grain, 20 * self.rtol * np.abs(claimed[active]))
            active = active[(against | ~clear | kinked).any(axis=1)]
            if not active.size:
                break
        return low, high, kinks > 1, votes  # a clear majority of kinks

    @functools.cached_property
    def wobble(self) -> np.ndarray:
        """(output, entry): what rounding inside of the rule may do."""
        return self.gradients(self.subject.wobble)

    def confirmed(self, directions: np.ndarray, claimed: np.ndarray, slack: np.ndarray) -> np.ndarray:
        """Which claims a complex step confirms, while real steps agree with the rule in bulk.

        A complex step is exact for analytic code, and silently wrong for abs, sort, clip and their like: so it never
        convicts, and it is believed only if it is not zero and a random real direction has nothing against the rule.
        (Squire & Trapp, Using complex variables to estimate derivatives, SIAM Review 40, 1998.)
        """
        bulk = self.judge(self.dense)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a cast to real numbers makes the slope zero, no more
            exact = np.imag(self.values(directions, [1e-30j])[:, 0]) / 1e-30
        return (np.abs(exact - claimed) <= slack) & (exact != 0) & ~bulk.outside & np.isfinite(bulk.low)


def misses(claimed: np.ndarray, low: np.ndarray, high: np.ndarray, slack: np.ndarray) -> Any:
    return (claimed < low - slack) | (claimed > high + slack)
