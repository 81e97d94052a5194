"""Numeric derivatives: noise, steps, bars, kinks; and what a probe claims, measures and excuses."""

import numpy as np
import pytest

from minigrad.testing import slopes as room
from minigrad.testing.slopes import STENCIL, SlopeProbe, bounds, noise_level, noise_spacings, step_ladder
from minigrad.testing.subject import Subject, scale_of

EPS = np.finfo(float).eps
INF = np.inf
X = np.array([0.5, 1.0, 2.0])


def measured(f, x=0.7):
    """The noise of f of one number."""
    points = noise_spacings(EPS)[:, None] * np.arange(-4, 4)
    return noise_level(f(x * (1 + points))[..., None])[0]


def seen(f, x, t):
    """The bounds at one step for f of one number, with the size of x as the unit: low, high, kinked."""
    with np.errstate(invalid="ignore"):
        values = f(x + t * STENCIL * max(abs(x), 1))[None, :, None]
    low, high, kinked, _ = bounds(values, f(np.array([x])), t, np.zeros(1), EPS)
    return low[0, 0], high[0, 0], kinked[0, 0]


@pytest.mark.parametrize("level", [1e-13, 1e-10, 1e-7])
def test_noise_is_measured_within_a_factor_of_five(level):
    """Noise of known size on a smooth function is found."""

    def noisy(x):
        return np.sin(x) + level * np.random.default_rng(0).standard_normal(x.shape)

    assert level / 5 < measured(noisy) < 5 * level


def test_rounding_deep_inside_counts_as_noise():
    """f rounded to single precision inside has noise of single precision."""
    assert 1e-9 < measured(lambda x: np.sin(x.astype(np.float32)).astype(float)) < 1e-7


def test_a_rounding_that_only_the_largest_spacing_shows_counts():
    """f is flat over all smaller ones."""
    assert measured(lambda x: np.round(x, 4)) > 1e-6


def test_where_all_is_noise_nothing_is_measured():
    """The steps of 1e12 are longer than a period of the cosine."""
    assert measured(np.cos, 1e12) == np.inf


def test_a_jump_or_an_oscillation_is_no_noise():
    """Scatter of the size of f is f itself."""
    assert measured(lambda x: np.floor(x + 0.3 - 1e-7)) == 0
    assert measured(lambda x: np.sin(1e7 * x)) < 1e-6


def test_steps_are_powers_of_two_and_end_above_the_rounding():
    """In double precision from 6 % to 1e-12, in single precision to 2e-4."""
    for eps, count in ((2.0**-52, 10), (2.0**-23, 3)):
        ladder = step_ladder(eps)
        assert ladder[0] == 2.0**-4
        assert len(ladder) == count
        assert ladder[-1] >= 2**10 * eps


def test_sizes_are_powers_of_two_below_the_values():
    """Zeros take the size of the largest entry, an array of zeros has size one."""
    np.testing.assert_array_equal(scale_of(np.array([3.0, -0.3, 0.0])), [2, 0.25, 2])
    np.testing.assert_array_equal(scale_of(np.zeros(2)), [1, 1])
    np.testing.assert_array_equal(scale_of(np.array([np.inf, np.nan])), [1, 1])


def test_a_direction_never_moves_an_entry_across_zero():
    """Each entry moves by at most its own size."""
    x = np.random.default_rng(0).standard_normal(100)
    v = Subject(np.sin, np.cos, [x], np.random.default_rng(1)).direction()
    assert np.all(np.abs(v) <= np.abs(x))
    assert np.all(np.abs(v) >= np.abs(x) / 4)


@pytest.mark.parametrize("t", [2.0**-8, 2.0**-12, 2.0**-20])
def test_the_true_slope_lies_within_the_bar(t):
    """exp at 0.7, at three steps; the bar is useful."""
    low, high, kinked = seen(np.exp, 0.7, t)
    assert low <= np.exp(0.7) <= high
    assert high - low < 1e-6
    assert not kinked


def test_a_kink_gives_the_interval_of_one_sided_slopes():
    """abs at 0 has all slopes from -1 to 1."""
    low, high, kinked = seen(np.abs, 0.0, 2.0**-8)
    assert kinked
    assert low == pytest.approx(-1)
    assert high == pytest.approx(1)


def test_a_jump_says_nothing():
    """Quotients that grow have no limit."""
    low, high, _ = seen(np.floor, 1.0, 2.0**-8)
    assert (low, high) == (-np.inf, np.inf)


def test_a_value_that_does_not_belong_says_nothing():
    """A removed pole: the value at the point is far from the values around it."""
    low, high, _ = seen(lambda x: np.where(x == 1.0, 1e9, x), 1.0, 2.0**-8)
    assert (low, high) == (-np.inf, np.inf)


def test_a_point_outside_the_domain_says_nothing():
    """NaN among the values makes the interval infinite."""
    low, high, _ = seen(np.sqrt, 1e-3, 2.0**-8)
    assert (low, high) == (-np.inf, np.inf)


def test_a_tiny_constant_may_be_what_a_cancellation_left_over():
    """log(cosh(x)) near zero, from logaddexp, is the rounding of log(2): its slopes are not zero for certain."""
    low, high, _ = seen(lambda x: 0 * x + 1e-16, 1e-8, 2.0**-8)
    assert low < -1e-16
    assert high > 1e-16


def probing(f, rule, x=X):
    subject = Subject(f, rule, [x], np.random.default_rng(0))
    return SlopeProbe(subject, 1e-9, many=9)


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
