"""Intervals against SciPy's own, and by how often they cover."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from regnet.mathematics.intervals import mean_interval, share_interval


@pytest.mark.parametrize("n", [2, 5, 40])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_interval_of_a_mean_is_students(n, level):
    values = np.random.default_rng(n).gamma(2.0, size=n)
    found = mean_interval(values, level=level)
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(level)
    np.testing.assert_allclose([found.low, found.high], [expected.low, expected.high], rtol=1e-12)
    np.testing.assert_allclose([found.mean, found.se, found.median],
                               [values.mean(), stats.sem(values), np.median(values)])  # fmt: skip


def test_one_value_has_no_interval():
    found = mean_interval([3.0])
    assert (found.mean, found.median) == (3.0, 3.0)
    assert np.isnan([found.se, found.low, found.high]).all()


@pytest.mark.parametrize(("hits", "n"), [(0, 20), (1, 20), (7, 20), (20, 20), (0, 1), (15, 100)])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_interval_of_a_share_is_wilsons(hits, n, level):
    found = share_interval(np.arange(n) < hits, level=level)
    expected = stats.binomtest(hits, n).proportion_ci(level, method="wilson")
    assert (found.hits, found.total) == (hits, n)
    np.testing.assert_allclose([found.low, found.high], [expected.low, expected.high], rtol=1e-10, atol=1e-15)


def test_the_interval_of_a_mean_covers_as_often_as_it_says():
    draws = np.random.default_rng(0).standard_normal((2000, 8))
    covered = np.mean([found.low < 0.0 < found.high for found in map(mean_interval, draws)])
    assert covered == pytest.approx(0.95, abs=4.0 * np.sqrt(0.95 * 0.05 / 2000))
