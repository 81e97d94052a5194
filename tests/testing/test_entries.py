"""What the report says of entries, large inputs, infinite slopes and ties."""

import numpy as np
import pytest

from minigrad.testing.slopes import SlopeProbe
from tests.testing.test_check_vjp import X, cosine, report

LARGE = np.random.default_rng(0).standard_normal(10_000)


@pytest.mark.parametrize("place", [0, 137, 9_999])
def test_one_wrong_entry_of_ten_thousand_is_bisected(place):
    """The report names the entry."""

    def rule(g, y, x):
        gradient = g * np.cos(x)
        gradient[place] *= 1.001
        return (gradient,)

    result = str(report(np.sin, rule, LARGE))
    assert f"Gradient 0 at ({place},)" in result
    assert "1 of " in result
    assert "looked at" in result


def test_a_large_row_has_no_ends_to_check_in_its_short_axis():
    """An axis of length one is swept with the others."""
    assert report(np.sin, cosine, LARGE[None, :300])


def test_an_error_spread_over_all_entries_is_found():
    """Every entry is a little wrong, with both signs."""

    def rule(g, y, x):
        return (g * (1 + 1e-3 * (np.arange(x.size) % 2 * 2 - 1)),)

    assert not report(np.sum, rule, np.ones(400))


def with_verdicts(monkeypatch, **changes):
    """Blocks of entries get a made-up verdict, single entries their own."""
    judge = SlopeProbe.judge

    def judged(self, directions):
        verdict = judge(self, directions)
        blocks = np.count_nonzero(directions[0]) > 1
        made_up = {name: np.full(verdict.votes.shape, value) for name, value in changes.items()}
        return verdict._replace(**made_up) if blocks else verdict

    monkeypatch.setattr(SlopeProbe, "judge", judged)
    return report(np.sum, lambda g, y, x: (np.full_like(x, g),), np.ones(400))


def test_a_sum_that_is_wrong_without_a_wrong_entry_is_told(monkeypatch):
    """The search may end in entries that are right by themselves."""
    result = with_verdicts(monkeypatch, votes=2)
    assert result.outcome == "wrong"
    assert str(result).count("Gradient 0 is wrong in a sum of 50 entries.") == 1


def test_kinks_in_a_sum_convict_nobody(monkeypatch):
    """Only a single entry at a kink can be wrong."""
    assert with_verdicts(monkeypatch, votes=2, kinked=True).outcome == "passed"


def test_ten_thousand_inputs_take_some_hundred_calls():
    """The function is called along directions that stand for many inputs, not once or twice for each."""
    calls = []

    def sine(x):
        calls.append(1)
        return np.sin(x)

    assert report(sine, cosine, LARGE)
    assert 10 < len(calls) < 500


def test_nan_where_f_is_finite_is_wrong():
    """The entry is named."""
    result = report(np.sin, lambda g, y, x: (np.where(x == 2, np.nan, g * np.cos(x)),), X)
    assert "Gradient 0 at (1,) is nan, where f and its slope are finite." in str(result)


def test_an_infinite_slope_is_right_where_quotients_grow():
    """sqrt, a cube root, and x log(x) at zero; at a kink, at a smooth point or with the other sign it is wrong."""
    x, rule = np.array([0.0, 1.0]), lambda g, y, x: (g * np.where(x == 0, np.inf, 1.0),)
    assert "Gradient 0 at (0,) is inf, where f and its slope are finite." in str(report(lambda x: 1 * x, rule, x))
    assert not report(lambda x: x * (x > 0), rule, x)
    with np.errstate(all="ignore"):
        assert report(np.sqrt, lambda g, y, x: (g / (2 * y),), x)
        assert not report(np.sqrt, lambda g, y, x: (-g / (2 * y),), x)
        assert not report(np.sqrt, lambda g, y, x: (g * np.where(x == 0, -np.inf, 0.5),), x)
        assert report(np.cbrt, lambda g, y, x: (g / (3 * y * y),), x)
        assert report(lambda x: x * np.log(x + (x == 0)), lambda g, y, x: (g * (np.log(np.abs(x)) + 1),), x)


def test_nan_is_right_beside_infinity_alone():
    """An infinite slope times a cotangent of zero; at a finite slope it is wrong."""
    x = np.array([0.0, 1.0])
    assert not report(np.sqrt, lambda g, y, x: (np.where(x == 0, np.nan, g / 2),), x)


def test_outputs_that_are_not_finite_are_left_out_and_said():
    """log at zero: the other entries are still checked."""
    x = np.array([0.0, 1.0])
    assert "Not checked: 1 of 2 outputs" in str(report(np.log, lambda g, y, x: (g / x,), x))
    assert not report(np.log, lambda g, y, x: (2 * g / x,), x)


def test_an_infinite_input_is_left_out():
    """It cannot be moved."""
    assert report(lambda x: 2 * x, lambda g, y, x: (2 * g,), np.array([np.inf, 1.0]))


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_kink_accepts_what_lies_between_its_sides(share):
    """relu at zero: 0, one half and 1 are all right."""
    result = report(
        lambda x: np.maximum(x, 0),
        lambda g, y, x: (g * np.where(x == 0, share, x > 0),),
        np.array([0.0, 1.0, -1.0]),
    )
    assert result.outcome == "passed at a kink"


def test_a_kink_refuses_what_lies_outside():
    """relu at zero: 2 is wrong at a kink."""
    result = report(
        lambda x: np.maximum(x, 0),
        lambda g, y, x: (g * np.where(x == 0, 2.0, x > 0),),
        np.array([0.0, 1.0, -1.0]),
    )
    assert result.outcome == "wrong at a kink"
    assert "numeric 0.5 +- 0.5" in str(result)


def test_a_tie_counted_twice_is_told_as_such():
    """Each of two equal arguments may have the slope, but not both."""
    result = report(np.max, lambda g, y, x: (g * (x == y),), np.array([2.0, 2.0, 1.0]))
    assert result.outcome == "wrong at a kink"
    assert "2 inputs are tied at 2." in str(result)
    assert "counted 2 times?" in str(result)


def test_a_tie_across_inputs_counts_too():
    """maximum(a, b) with a = b."""
    rule = lambda g, y, a, b: (g * (a >= b), g * (b >= a))
    assert "tied at 2" in str(report(np.maximum, rule, np.array([1.0, 2.0]), np.array([0.0, 2.0])))


def test_equal_inputs_with_kinks_of_their_own_are_no_tie():
    """Zeros in different outputs, and kinks that just add up, may be answered independently."""
    rule = lambda g, y, a, b: (g * (a > 0), g * (b <= 0))
    kinks = lambda a, b: np.maximum(a, 0) + np.minimum(b, 0)
    assert report(kinks, rule, np.zeros(2), np.zeros(2))
