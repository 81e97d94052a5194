"""How step sizes vote."""

import numpy as np
import pytest

from minigrad.testing.verdict import weigh

INF = np.inf

BALLOTS = {
    # (low, high) from large to small steps; claimed; wrong, outside
    "two exclude it": ([(0.9, 1.1), (0.99, 1.01)], 2.0, True, True),
    "one excludes it": ([(-INF, INF), (0.99, 1.01)], 2.0, False, True),
    "a small step overrules two large ones": ([(1, 2), (1, 2), (4.9, 5.1)], 5.0, False, False),
    "a wide small step overrules nothing": ([(1, 2), (1, 2), (0, 9)], 5.0, True, True),
    "all silent": ([(-INF, INF)] * 3, 5.0, False, False),
}


@pytest.mark.parametrize(("bounds", "claimed", "wrong", "outside"), BALLOTS.values(), ids=BALLOTS)
def test_votes(bounds, claimed, wrong, outside):
    """Two step sizes convict, one alone is a doubt, and the small overrule the large."""
    low, high = (np.array(side, dtype=float).reshape(-1, 1, 1) for side in zip(*bounds, strict=True))
    claim = np.array([[claimed]])
    verdict = weigh(low, high, np.zeros(low.shape, dtype=bool), claim, 0 * claim)
    assert (verdict.wrong.item(), verdict.outside.item()) == (wrong, outside)


def test_an_excused_claim_stands():
    """What is excused is inside the bounds afterwards."""
    claim, bound = np.array([[3.0, 3.0]]), np.ones((2, 1, 2))
    verdict = weigh(bound, bound, np.zeros(bound.shape, dtype=bool), claim, 0 * claim)
    assert verdict.excuse(np.array([[True, False]])).wrong.tolist() == [[False, True]]
