"""Every derivative rule is checked with gradcheck: its contract, both modes, and its second derivative."""

import warnings

import pytest

from minigrad.core.primitive import REGISTRY
from minigrad.testing import gradcheck

cases = pytest.importorskip("tests.rules.cases", reason="the table of cases comes with the rules")


def first_of_each(cases):
    """All cases, of which those that are not the first of their function are left to CI."""
    found, marked = set(), []
    for case in cases:
        late = case.of_parts or case.key in found
        marked.append(pytest.param(case, marks=pytest.mark.slow) if late else case)
        found.add(case.key)
    return marked


@pytest.mark.no_cover  # the cases cover the rules already, in half of the time
@pytest.mark.parametrize("case", first_of_each(cases.CASES), ids=str)
def test_a_rule_is_right(case):
    """As minigrad calls it; "unsure" is where rounding hides a derivative.

    A composed function has no rules of its own: that its second derivatives are right is seen beside the cases, and
    that the rules in them keep their contracts is seen in the cases of these.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gradcheck(case, case.arrays, rng=1, order=1 if REGISTRY[case.key].kind == "composed" else 2)
