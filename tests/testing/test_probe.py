"""What a probe claims, measures and excuses."""

import numpy as np
import pytest

from minigrad.testing import probe as room
from minigrad.testing.probe import Probe
from minigrad.testing.subject import Subject

X = np.array([0.5, 1.0, 2.0])
INF = np.inf


def probing(f, rule, x=X):
    subject = Subject(f, rule, [x], np.random.default_rng(0))
    return Probe(subject, 1e-9, many=9)


def cosine(g, y, x):
    return (g * np.cos(x),)


def test_claims_are_the_rules_slopes_along_directions():
    """One direction, each output alone, and mixtures of them."""
    probe = probing(np.sin, cosine)
    claimed = probe.judge(np.ones((1, 3))).claimed
    np.testing.assert_allclose(claimed, [[*np.cos(X), *(probe.cotangents[3:] @ np.cos(X))]], rtol=1e-15)


BALLOTS = {
    # (low, high) from large to small steps; claimed; votes against it, whether it is outside
    "two exclude it": ([(0.9, 1.1), (0.99, 1.01)], 2.0, 2, True),
    "one excludes it": ([(-INF, INF), (0.99, 1.01)], 2.0, 1, True),
    "a small step overrules two large ones": ([(1, 2), (1, 2), (4.9, 5.1)], 5.0, 0, False),
    "a wide small step overrules nothing": ([(1, 2), (1, 2), (0, 9)], 5.0, 2, True),
    "all silent": ([(-INF, INF)] * 3, 5.0, 0, False),
}


@pytest.mark.parametrize(("ballots", "claim", "votes", "outside"), BALLOTS.values(), ids=BALLOTS)
def test_votes(monkeypatch, ballots, claim, votes, outside):
    """Two step sizes convict, one alone is a doubt, and the small overrule the large."""
    probe, silent = probing(np.sin, cosine), [(-INF, INF)] * 9
    remaining = iter([*ballots, *silent])

    def bounds(values, *rest):
        low, high = (np.full(values[:, 0].shape, float(side)) for side in next(remaining))
        return low, high, np.zeros(low.shape, dtype=bool), np.zeros(low.shape)

    monkeypatch.setattr(room, "bounds", bounds)
    claimed = np.full((1, 5), claim)
    low, high, _, counted = probe.measure(np.ones((1, 3)), claimed, 0 * claimed)
    assert counted[0, 0] == votes
    assert room.misses(claimed, low, high, 0 * claimed)[0, 0] == outside


def test_a_wobble_does_not_count_another_branch():
    """At a bound a nudge switches the rule; that is no rounding."""
    probe = probing(lambda x: np.minimum(x, 0.9 * x + 0.1), lambda g, y, x: (g * np.where(x <= 1, 1, 0.9),))
    assert np.max(probe.wobble) < 1e-12


def test_a_wobble_finds_a_cancellation():
    """x - 1e6 at 1e6 keeps ten digits, and so does a rule that uses it."""
    shifted = probing(np.square, lambda g, y, x: (2 * g * (x - 1e6),), 1e6 + X)
    assert 1e-11 < np.max(shifted.wobble) < 1e-8


@pytest.mark.parametrize(("factor", "stays"), [(1.0, False), (1.001, True)])
def test_a_complex_step_acquits_only_the_right_rule(monkeypatch, factor, stays):
    """Whatever real steps said of single entries, if they have nothing against the whole."""
    probe = probing(np.sin, cosine)
    directions = probe.entries([0])
    claimed = factor * directions @ probe.rows.T
    assert probe.confirmed(directions, claimed, 1e-9 * np.abs(claimed))[0, 0] != stays
    measure = probe.measure
    doubt = lambda *given: [part + (given[0] is directions) for part in measure(*given)]
    monkeypatch.setattr(probe, "measure", doubt)
    probe.rows = factor * probe.rows
    assert probe.judge(directions).outside[0, 0] == stays


def test_a_complex_step_does_not_acquit_a_rule_that_is_wrong_in_bulk():
    """abs of a complex number has no imaginary part, so its step proves nothing."""
    probe = probing(lambda x: x * np.abs(x), lambda g, y, x: (g * np.abs(x),))
    assert probe.judge(probe.entries([0])).wrong[0, 0]
