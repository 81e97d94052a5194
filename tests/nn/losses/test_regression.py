"""Losses of numbers."""

import numpy as np
import pytest

from minigrad.nn import functional as F


def test_huber_refuses_a_delta_that_is_not_positive():
    with pytest.raises(ValueError, match="delta, where the loss becomes linear, is positive; got 0"):
        F.huber_loss(np.ones(2), np.ones(2), 0)
