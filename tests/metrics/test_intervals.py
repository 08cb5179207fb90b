"""Intervals of accuracies against numbers known by other means."""

from __future__ import annotations

import numpy as np
import pytest

from crystalsym.metrics import accuracy_interval


def test_wilson_by_hand():
    """The formula, written out."""
    right, z = np.arange(50) < 45, 1.959963984540054
    n, p = 50, 0.9
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert accuracy_interval(right) == pytest.approx((middle - half, middle + half))


def test_all_right_is_not_certain():
    low, high = accuracy_interval([True] * 10)
    assert high == 1.0
    assert low == pytest.approx(10 / (10 + 1.959963984540054**2))


def test_bootstrap_is_as_wide_as_a_binomial_distribution():
    right = np.arange(2000) < 1600
    low, high = accuracy_interval(right, "bootstrap", random_state=0)
    half = 1.96 * np.sqrt(0.8 * 0.2 / 2000)
    assert (low, high) == pytest.approx((0.8 - half, 0.8 + half), abs=2e-3)
    assert (low, high) == accuracy_interval(right, "bootstrap", random_state=0)
    assert accuracy_interval([1, 1, 1], "bootstrap") == (1.0, 1.0)


def test_rows_that_are_right_together_tell_less():
    right = np.repeat(np.arange(100) % 5 > 0, 10)
    alone = np.ptp(accuracy_interval(right, "bootstrap"))
    together = np.ptp(accuracy_interval(right, "bootstrap", groups=np.arange(1000) // 10))
    assert together == pytest.approx(np.sqrt(10) * alone, rel=0.1)


def test_a_higher_level_is_wider():
    right = np.arange(100) < 70
    for method in ("wilson", "bootstrap"):
        narrow, wide = (accuracy_interval(right, method, level) for level in (0.5, 0.99))
        assert wide[0] < narrow[0] < 0.7 < narrow[1] < wide[1]


@pytest.mark.parametrize(
    ("right", "options", "reason"),
    [
        ([], {}, r"shape \(n,\)"),
        ([[True]], {}, r"got \(1, 1\)"),
        ([0.5], {}, "True and False"),
        ([True], {"method": "wald"}, "wilson, bootstrap, got 'wald'"),
        ([True], {"level": 95}, "level must lie between 0 and 1, got 95"),
        ([True], {"groups": [1]}, 'groups are for method="bootstrap"'),
        ([True], {"method": "bootstrap", "groups": [1, 2]}, r"groups must have shape \(1,\)"),
        ([True], {"method": "bootstrap", "n_resamples": 0}, "n_resamples"),
    ],
)
def test_bad_input(right, options, reason):
    with pytest.raises(ValueError, match=reason):
        accuracy_interval(right, **options)
