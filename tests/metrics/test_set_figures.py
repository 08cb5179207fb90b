"""Figures of prediction sets."""

from __future__ import annotations

import numpy as np
import pytest

from crystalsym.metrics import mean_set_size, set_coverage

Y = [225, 216, 62]
SETS = [np.array([216, 225]), np.array([225]), np.array([], dtype=int)]


def test_by_hand():
    assert set_coverage(Y, SETS) == pytest.approx(1 / 3)
    assert mean_set_size(SETS) == pytest.approx(1.0)
    assert set_coverage(Y, SETS, sample_weight=[2, 1, 1]) == pytest.approx(0.5)
    assert mean_set_size(SETS, sample_weight=[2, 1, 1]) == pytest.approx(1.25)


def test_refusals():
    with pytest.raises(ValueError, match="2 prediction sets for 3 rows"):
        set_coverage(Y, SETS[:2])
    for call in (lambda: set_coverage([], []), lambda: mean_set_size([])):
        with pytest.raises(ValueError, match="no rows to score"):
            call()
