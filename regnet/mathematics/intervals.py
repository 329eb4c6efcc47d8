"""Intervals of means and of shares."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri, stdtrit

__all__ = ["Interval", "Share", "mean_interval", "share_interval"]


class Interval(NamedTuple):
    """A mean with its standard error and an interval that covers it; median: of the values."""

    mean: float
    se: float
    low: float
    high: float
    median: float


class Share(NamedTuple):
    """`hits` of `total`, and an interval of the share in the long run."""

    hits: int
    total: int
    low: float
    high: float


def mean_interval(values: ArrayLike, /, *, level: float = 0.95) -> Interval:
    """The mean of independent values (n,) with Student's interval: mean +- t_{n-1} * sd / sqrt(n).

    Of one value there is no standard error: it and the bounds are NaN.
    """
    given = np.asarray(values, dtype=np.float64)
    n, mean, median = given.size, float(given.mean()), float(np.median(given))
    if n < 2:
        return Interval(mean, math.nan, math.nan, math.nan, median)
    se = float(given.std(ddof=1)) / math.sqrt(n)
    half = float(stdtrit(n - 1, (1.0 + level) / 2.0)) * se
    return Interval(mean, se, mean - half, mean + half, median)


def share_interval(hits: Any, /, *, level: float = 0.95) -> Share:
    """How many of the booleans (n,) are true, with Wilson's interval, which holds for shares near 0 and 1 too:

        (p + z^2 / 2n +- z * sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n),     p = hits / n

    Source: Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
    """
    given = np.asarray(hits, dtype=bool)
    n, found = given.size, int(given.sum())
    z = float(ndtri((1.0 + level) / 2.0))
    p, part = found / n, z * z / n
    middle, half = p + part / 2.0, z * math.sqrt(p * (1.0 - p) / n + part / (4.0 * n))
    return Share(found, n, max(0.0, (middle - half) / (1.0 + part)), min(1.0, (middle + half) / (1.0 + part)))
