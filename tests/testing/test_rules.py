"""Every derivative rule is checked with gradcheck: its contract, both modes, and its second derivative."""

import warnings

import pytest

from minigrad.testing import gradcheck

cases = pytest.importorskip("tests.rules.cases", reason="the table of cases comes with the rules")


@pytest.mark.parametrize("case", cases.CASES, ids=str)
def test_a_rule_is_right(case):
    """As minigrad calls it; "unsure" is where rounding hides a derivative."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gradcheck(case, case.arrays, rng=1, order=2)
