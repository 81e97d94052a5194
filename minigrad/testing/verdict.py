"""From intervals at many step sizes to one verdict on each slope that a rule claims."""

from typing import Any, NamedTuple

import numpy as np


class Verdict(NamedTuple):
    """What all step sizes say of the claimed slopes; arrays (direction, output)."""

    claimed: np.ndarray
    slack: np.ndarray  # what the rule's own rounding adds to the bar
    low: np.ndarray  # the slope lies in [low, high]
    high: np.ndarray
    votes: np.ndarray  # step sizes that exclude the claim
    kinked: np.ndarray  # [low, high] lies between two one-sided slopes

    @property
    def outside(self) -> np.ndarray:
        return misses(self.claimed, self.low, self.high, self.slack)

    @property
    def wrong(self) -> np.ndarray:
        """Excluded by two step sizes, and by what all agree on. One alone may be an accident."""
        return self.outside & (self.votes >= 2)

    @property
    def vague(self) -> np.ndarray:
        """Not excluded, but neither would zero be, though the claim matters in its gradient."""
        matters = np.abs(self.claimed) > 1e-3 * np.max(np.abs(self.claimed), axis=0, initial=0)
        return matters & (self.high - self.low > np.abs(self.claimed)) & ~self.outside & ~self.kinked

    def excuse(self, mask: np.ndarray) -> "Verdict":
        """Nothing stands against the claim where `mask` is true."""
        low = np.where(mask, np.minimum(self.low, self.claimed), self.low)
        return self._replace(low=low, high=np.where(mask, np.maximum(self.high, self.claimed), self.high))

    def scaled(self, sizes: np.ndarray) -> "Verdict":
        """The same of slopes along directions shortened by these positive factors."""
        claimed, slack, low, high = (a / sizes[:, None] for a in (self.claimed, self.slack, self.low, self.high))
        return Verdict(claimed, slack, low, high, self.votes, self.kinked)


def misses(claimed: np.ndarray, low: np.ndarray, high: np.ndarray, slack: np.ndarray) -> Any:
    return (claimed < low - slack) | (claimed > high + slack)


def weigh(lows: np.ndarray, highs: np.ndarray, kinks: np.ndarray, claimed: np.ndarray, slack: np.ndarray) -> Verdict:
    """Let the step sizes vote, given the bounds (step, direction, output), large steps first.

    A step size whose interval is disjoint from what the smaller ones agree on is overruled: near a kink, a pole or the
    edge of the domain, large steps converge to a wrong limit, and nothing in their own table shows it. The others
    narrow the interval down and vote.
    """
    low, high = np.full(claimed.shape, -np.inf), np.full(claimed.shape, np.inf)
    votes, kinked = np.zeros((2, *claimed.shape), dtype=int)
    for bottom, top, kink in zip(lows[::-1], highs[::-1], kinks[::-1], strict=True):
        heard = (bottom <= high) & (top >= low) & np.isfinite(bottom)
        votes += heard & misses(claimed, bottom, top, slack)
        kinked += np.where(heard, 2 * kink - 1, 0)
        low = np.where(heard, np.maximum(low, bottom), low)
        high = np.where(heard, np.minimum(high, top), high)
    return Verdict(claimed, slack, low, high, votes, kinked > 1)  # a clear majority
