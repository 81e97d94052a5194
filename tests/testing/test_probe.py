"""What a probe claims, measures and excuses."""

import numpy as np
import pytest

from minigrad.testing.probe import Probe
from minigrad.testing.subject import Subject

X = np.array([0.5, 1.0, 2.0])


def probing(f, rule, x=X):
    subject = Subject(f, rule, (x,), np.random.default_rng(0))
    return Probe(subject, 1e-9, many=9)


def cosine(g, y, x):
    return (g * np.cos(x),)


def test_claims_are_the_rules_slopes_along_directions():
    """One direction, each output alone, and mixtures of them."""
    probe = probing(np.sin, cosine)
    claimed = probe.judge([(np.arange(3), np.ones(3))]).claimed
    np.testing.assert_allclose(claimed, [[*np.cos(X), *(probe.cotangents[3:] @ np.cos(X))]], rtol=1e-15)


def test_a_wobble_does_not_count_another_branch():
    """At a bound a nudge switches the rule; that is no rounding."""
    probe = probing(lambda x: np.minimum(x, 1), lambda g, y, x: (g * (x <= 1),))
    assert np.max(probe.wobble) == 0


def test_a_wobble_finds_a_cancellation():
    """x - 1e6 at 1e6 keeps ten digits, and so does a rule that uses it."""
    shifted = probing(np.square, lambda g, y, x: (2 * g * (x - 1e6),), 1e6 + X)
    assert 1e-11 < np.max(shifted.wobble) < 1e-9


@pytest.mark.parametrize(("factor", "stays"), [(1.0, False), (1.001, True)])
def test_a_complex_step_acquits_only_the_right_rule(factor, stays):
    """Whatever real steps said of single entries, if they have nothing against the whole."""
    probe = probing(np.sin, cosine)
    directions = [(np.array([0]), np.ones(1))]
    verdict = probe.judge(directions)
    doubted = verdict._replace(claimed=verdict.claimed * factor, low=verdict.low + 1, high=verdict.high + 1)
    assert probe.acquit(directions, doubted).outside[0, 0] == stays


def test_a_complex_step_does_not_acquit_a_rule_that_is_wrong_in_bulk():
    """abs of a complex number has no imaginary part, so its step proves nothing."""
    probe = probing(lambda x: x * np.abs(x), lambda g, y, x: (g * np.abs(x),))
    directions = [(np.array([0]), np.ones(1))]
    assert probe.acquit(directions, probe.judge(directions)).wrong[0, 0]
