"""The single number that stands best for values, by the loss it is measured with; on the host, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["huber_location", "log_mean", "weighted_mean", "weighted_quantile"]


def weighted_mean(values: Any, share: Any, /) -> NDArray[np.float64]:
    """The mean of each column, (k,): of the squared error, and of every deviance.

    values: (n, k); share: (n,), 0 or more, sums to 1 (`weight_shares`).
    """
    return np.asarray(np.asarray(share, dtype=np.float64) @ np.asarray(values, dtype=np.float64))


def log_mean(values: Any, share: Any, /) -> NDArray[np.float64]:
    """The logarithm of `weighted_mean`, -inf where all values are 0."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(weighted_mean(values, share)))


def weighted_quantile(values: Any, share: Any, level: float, /) -> NDArray[np.float64]:
    """The smallest value of each column, (k,), that a share `level` does not exceed: of the pinball loss.

    values: (n, k); share: (n,), 0 or more, sums to 1; level: between 0 and 1. Source: Koenker & Bassett, Econometrica
    46 (1978), section 2.

    >>> weighted_quantile([[3.0], [1.0], [2.0]], [0.2, 0.2, 0.6], 0.5).tolist()
    [2.0]
    """
    values, share = np.asarray(values, dtype=np.float64), np.asarray(share, dtype=np.float64)
    values, share = values[share > 0], share[share > 0]
    order = np.argsort(values, axis=0, kind="stable")
    below = np.cumsum(share[order], axis=0)
    first = np.minimum((below < level).sum(axis=0), len(values) - 1)  # the last sum may lack 1 by rounding
    return np.asarray(np.take_along_axis(np.take_along_axis(values, order, axis=0), first[None], axis=0)[0])


def huber_location(values: Any, share: Any, delta: float, /) -> NDArray[np.float64]:
    """The c of each column, (k,), that minimises sum_i share_i huber(c - y_i; delta): Huber's location.

    Its slope, sum_i share_i clip(c - y_i, -delta, delta), rises in straight pieces between the knots y_i +- delta: the
    piece that crosses 0 is found by bisection, and the crossing solved for. values: (n, k); share: (n,), 0 or more,
    sums to 1; delta: > 0. Source: Huber, Annals of Mathematical Statistics 35 (1964).

    >>> huber_location([[0.0], [1.0], [101.0]], [1 / 3] * 3, 1.0).round(12).tolist()
    [1.0]
    """
    values, share = np.asarray(values, dtype=np.float64), np.asarray(share, dtype=np.float64)
    used = values[share > 0]
    return np.asarray([_crossing(column, share[share > 0], float(delta)) for column in used.T])


def _crossing(values: NDArray[np.float64], share: NDArray[np.float64], delta: float) -> float:
    def slope(at: float) -> float:
        return float(share @ np.clip(at - values, -delta, delta))

    knots = np.sort(np.concatenate([values - delta, values + delta]))
    low, high = 0, len(knots) - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if slope(float(knots[middle])) > 0 else (middle, high)
    left, right = (float(knots[end]) for end in (low, high))
    rise = slope(right) - slope(left)
    return left - slope(left) * (right - left) / rise if rise > 0 else left
