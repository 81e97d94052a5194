"""Divergence of distributions."""

import numpy as np
import pytest

from minigrad.nn import functional as F


def test_divergence_over_the_batch():
    """ "batchmean" is the sum over the number of examples."""
    log_q, p = np.log(np.full((2, 3), 1 / 3)), np.eye(2, 3)
    assert F.kl_div(log_q, p, "batchmean").item() == pytest.approx(np.log(3), rel=1e-15)
